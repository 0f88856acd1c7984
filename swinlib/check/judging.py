"""Comparing an answer with the right one, and saying in words how they differ."""

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor

# Relative and absolute tolerance: another order of summation passes, another formula does not.
TOLERANCE = {torch.float64: (1e-7, 1e-9), torch.float32: (1e-4, 1e-5), torch.float16: (1e-2, 1e-3)}
FEW = 12  # entries of a tensor that a message shows
MANY = 500  # entries and letters together that are written out before they are cut short


def difference(got: object, want: object, *, name: str = "the result", dtype: bool = True) -> str | None:
    """In words, the first way in which ``got`` is not ``want``; None if they agree.

    Args:
        got: tensors, numbers, strings, None, and lists, tuples and dicts of these.
        want: the right one, of the same kinds.
        name: what the sentence calls it.
        dtype: whether tensors must have the same dtype.
    """
    if isinstance(want, Tensor):
        return _tensor_difference(got, want, name, dtype)
    if isinstance(want, Mapping):
        return _mapping_difference(got, want, name, dtype)
    if isinstance(want, (list, tuple)):
        return _sequence_difference(got, want, name, dtype)
    if want is None:
        return None if got is None else f"{name} is {show(got)}; expected None"
    if got is None:
        return f"{name} is None; is there a return?"
    if isinstance(want, bool) or not isinstance(want, (int, float)):
        return None if type(got) is type(want) and got == want else f"{name} is {show(got)}; expected {show(want)}"
    if isinstance(got, Tensor) and got.numel() == 1:
        got = got.item()
    if isinstance(got, bool) or not isinstance(got, (int, float)):
        return f"{name} is {show(got)}; expected the number {show(want)}"
    close = got == want or (isinstance(want, float) and abs(got - want) <= 1e-6 + 1e-5 * abs(want))
    return None if close else f"{name} is {show(got)}; expected {show(want)}"


def equal(one: object, other: object) -> bool:
    """Whether two results are the same, whatever they are."""
    if isinstance(one, Tensor) != isinstance(other, Tensor):
        return False
    return difference(one, other) is None and difference(other, one) is None


def show(value: object) -> str:
    """A value for a message: small tensors whole, others by shape and dtype."""
    if isinstance(value, Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        if value.numel() > FEW or value.dim() > 2:
            layout = "" if value.is_contiguous() else ", not contiguous"
            return f"a {kind} tensor of shape {tuple(value.shape)}{layout}"
        return f"tensor({_rounded(value.tolist())})" + ("" if kind in ("float32", "int64", "bool") else f" ({kind})")
    if isinstance(value, torch.nn.Module):
        return f"a {type(value).__name__}"
    if isinstance(value, (torch.dtype, torch.device, torch.Size)):
        return str(tuple(value) if isinstance(value, torch.Size) else value)
    if isinstance(value, float):
        return str(_rounded(value))
    if callable(value) and not isinstance(value, type):
        return "a function"
    text = repr(value) if _short(value) else _abridged(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _short(value: object) -> bool:
    """Whether it can be written out without much work: plain, and of few entries in all."""
    left, waiting = MANY, [value]
    while waiting:
        entry = waiting.pop()
        left -= 1 + len(entry) if isinstance(entry, (str, bytes, list, tuple, dict, set, frozenset)) else 1
        if left < 0 or isinstance(entry, Tensor):
            return False
        if isinstance(entry, (list, tuple)):
            waiting += entry
        elif isinstance(entry, dict):
            waiting += entry.values()
    return True


def _abridged(value: object, depth: int = 3) -> str:
    """The beginning of something large, without looking at the rest."""
    if isinstance(value, (str, bytes)):
        return repr(value[:MANY])
    if isinstance(value, (set, frozenset)) or (isinstance(value, (list, tuple, dict)) and depth == 0):
        return f"a {type(value).__name__}"
    if not isinstance(value, (list, tuple, dict)):
        return show(value)
    first = list(itertools.islice(value, FEW))
    entries = [_abridged(value[key] if isinstance(value, dict) else key, depth - 1) for key in first]
    if isinstance(value, dict):
        entries = [f"{_abridged(key, 0)}: {entry}" for key, entry in zip(first, entries, strict=True)]
    if len(value) > len(first):
        entries.append("...")
    left, right = ("{", "}") if isinstance(value, dict) else "()" if isinstance(value, tuple) else "[]"
    return left + ", ".join(entries) + right


def _rounded(value: object) -> object:
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _tensor_difference(got: object, want: Tensor, name: str, dtype: bool) -> str | None:
    if got is None:
        return f"{name} is None; is there a return?"
    if not isinstance(got, Tensor):
        return f"{name} is {show(got)}; expected a tensor of shape {tuple(want.shape)}"
    if got.shape != want.shape:
        return f"{name} has shape {tuple(got.shape)}; expected {tuple(want.shape)}"
    if dtype and got.dtype != want.dtype:
        return f"{name} has dtype {got.dtype}; expected {want.dtype}"
    got, want = got.detach().cpu(), want.detach().cpu()
    if not dtype and got.dtype != want.dtype:
        got, want = got.double(), want.double()
    rtol, atol = TOLERANCE.get(want.dtype, (0.0, 0.0))
    wrong = ~torch.isclose(got, want, rtol=rtol, atol=atol, equal_nan=True)
    if not wrong.any():
        return None
    place = tuple(wrong.nonzero()[0].tolist())
    where = f"{name}[{', '.join(map(str, place))}]" if name.isidentifier() else f"entry {place} of {name}"
    where = where if place else name
    return f"{where} is {show(got[place].item())}; expected {show(want[place].item())}"


def _mapping_difference(got: object, want: Mapping, name: str, dtype: bool) -> str | None:
    if not isinstance(got, Mapping):
        return difference_of_kind(got, "a dict", name)
    for key in want:
        if key not in got:
            return f"{name} has no entry {key!r}"
    for key in got:
        if key not in want:
            return f"{name} has an entry {key!r} that should not be there"
    for key in want:
        if problem := difference(got[key], want[key], name=f"{name}, entry {key!r},", dtype=dtype):
            return problem
    return None


def _sequence_difference(got: object, want: list | tuple, name: str, dtype: bool) -> str | None:
    if not isinstance(got, (list, tuple)):
        return difference_of_kind(got, "a list" if isinstance(want, list) else "a tuple", name)
    plain = all(isinstance(entry, (int, float, str, bool, type(None))) for entry in want)
    if len(got) != len(want):
        values = f": {show(got)} instead of {show(want)}" if plain else ""
        return f"{name} has {len(got)} entries; expected {len(want)}{values}"
    for i, (mine, right) in enumerate(zip(got, want, strict=True)):
        if problem := difference(mine, right, name=f"entry {i} of {name}", dtype=dtype):
            return f"{name} is {show(got)}; expected {show(want)}" if plain and len(want) <= FEW else problem
    return None


def difference_of_kind(got: object, kind: str, name: str = "the result") -> str:
    """The sentence for a result of another kind."""
    return f"{name} is None; is there a return?" if got is None else f"{name} is {show(got)}; expected {kind}"
