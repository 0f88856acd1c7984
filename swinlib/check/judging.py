"""Comparing an answer with the right one, and saying in words how they differ."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ..answers.shown import FEW, show

# Relative and absolute tolerance: another order of summation passes, another formula does not.
TOLERANCE = {torch.float64: (1e-7, 1e-9), torch.float32: (1e-4, 1e-5), torch.float16: (1e-2, 1e-3)}


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


def _tensor_difference(got: object, want: Tensor, name: str, dtype: bool) -> str | None:
    if got is None:
        return f"{name} is None; is there a return?"
    if not isinstance(got, Tensor) or (got.is_meta and not want.is_meta):
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
