"""Values as JSON: what a build stores and a page reads, with PyTorch on one side and the small torch on the other."""

import math

import torch

DIGITS = {"float16": 5, "float32": 9, "float64": 13}  # more than any comparison looks at
EXACT = 2**53  # from here on JavaScript's numbers have gaps


def _entry(value: object, digits: int) -> object:
    """Whole numbers without a point, which the dtype gives back to them; what JavaScript takes for whole, as text."""
    if not isinstance(value, float):
        return int(value) if abs(value) < EXACT else str(value)
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return int(value)
    return f"{value:.{digits}g}" if abs(value) >= 1e15 else float(f"{value:.{digits}g}")


def encode(value: object) -> object:
    """JSON of tensors, numbers, strings, None, dtypes, and lists, tuples and dicts of these.

    Raises:
        TypeError: for anything else.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) < EXACT else {"i": str(value)}
    if isinstance(value, float):  # JavaScript reads 2.0 as 2, and there is no infinity in JSON
        return {"f": str(value)} if not math.isfinite(value) or value == int(value) else value
    if isinstance(value, torch.Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        flat = value.detach().reshape(-1).tolist()
        return {"t": kind, "s": list(value.shape), "v": [_entry(each, DIGITS.get(kind, 17)) for each in flat]}
    if isinstance(value, torch.dtype):
        return {"d": str(value).removeprefix("torch.")}
    if isinstance(value, tuple):
        return {"u": [encode(each) for each in value]}
    if isinstance(value, list):
        return [encode(each) for each in value]
    if isinstance(value, dict):
        return {"m": [[encode(key), encode(each)] for key, each in value.items()]}
    raise TypeError(f"a {type(value).__name__} cannot be stored for a page")


def decode(value: object) -> object:
    """The value that `encode` was given."""
    if isinstance(value, list):
        return [decode(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "t" in value:
        numbers = [
            each if not isinstance(each, str) else int(each) if each.lstrip("-").isdigit() else float(each)
            for each in value["v"]
        ]
        return torch.tensor(numbers, dtype=getattr(torch, value["t"])).reshape(value["s"])
    if "f" in value:
        return float(value["f"])
    if "i" in value:
        return int(value["i"])
    if "d" in value:
        return getattr(torch, value["d"])
    if "u" in value:
        return tuple(decode(each) for each in value["u"])
    return {decode(key): decode(each) for key, each in value["m"]}
