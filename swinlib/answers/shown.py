"""A value in a message: small things whole, large ones by what they are."""

import itertools

import torch
from torch import Tensor

from .beside import Elsewhere

FEW = 12  # entries of a tensor that a message shows
MANY = 500  # entries and letters together that are written out before they are cut short


def show(value: object) -> str:
    """A value for a message: small tensors whole, others by shape and dtype."""
    if isinstance(value, Elsewhere):
        return value.shown
    if isinstance(value, Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        if value.is_meta:
            return f"a {kind} tensor of shape {tuple(value.shape)} on the meta device"
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
