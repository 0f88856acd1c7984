"""What the grader and a sandboxed worker say to each other: JSON, and the bytes of tensors. Nothing is pickled.

A message is eight bytes of lengths, a JSON text, and the bytes of all tensors one after the other. What comes out of a
sandbox was written by somebody whom nobody trusts: `unpack` takes nothing for granted, builds only plain data, and
raises `WireError` for everything else.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from swinlib.check.judging import show

LENGTHS = struct.Struct(">II")
MOST_BYTES = 32 * 2**20  # of a message; results of exercises are a few kilobytes
MOST_DEPTH = 32
MOST_ENTRIES = 100_000  # of all lists and dicts of a message together
LARGEST_INTEGER = 2**63
MOST_LETTERS = 200_000  # of one text; a cell of code may have as many, see `handed_in`
MOST_TEXT = 10_000  # letters that are kept of what a cell printed, or an error says
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64, torch.complex128),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    )
}


class WireError(ValueError):
    """A value that cannot be sent, or bytes that no honest worker sends."""


@dataclass(frozen=True)
class Foreign:
    """Stands for a value that cannot travel, such as a module; it knows how a message calls it."""

    description: str

    def __repr__(self) -> str:
        return self.description


def pack(value: object) -> bytes:
    """A message.

    Args:
        value: numbers, strings, None, tensors, dtypes, and lists, tuples and dicts of these; anything else arrives as
            `Foreign`.

    Raises:
        WireError: if it is too large, or too deep.
    """
    blobs: list[bytes] = []
    budget = _Budget()
    text = json.dumps(_plain(value, blobs, budget, 0)).encode()
    if len(text) + sum(map(len, blobs)) > MOST_BYTES:
        raise WireError(f"the result has more than {MOST_BYTES >> 20} MiB")
    return LENGTHS.pack(len(text), sum(map(len, blobs))) + text + b"".join(blobs)


def lengths(head: bytes) -> tuple[int, int]:
    """The lengths of the JSON text and of the tensors, from the first eight bytes of a message.

    Raises:
        WireError: if they exceed what a message may have.
    """
    text, blob = LENGTHS.unpack(head)
    if text + blob > MOST_BYTES:
        raise WireError(f"a message of {text + blob} bytes; at most {MOST_BYTES} are read")
    return text, blob


def unpack(text: bytes, blob: bytes) -> object:
    """The value of a message.

    Raises:
        WireError: if it is not one that `pack` makes.
    """
    if text.count(b"[") + text.count(b"{") > 5 * MOST_ENTRIES:
        raise WireError(f"more than {MOST_ENTRIES} entries")
    try:
        parsed = json.loads(text)
        reader = _Reader(blob)
        value = _value(parsed, reader, _Budget(), 0)
    except WireError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, RuntimeError) as error:
        raise WireError(f"{type(error).__name__} while it was read") from error
    if reader.place != len(blob):
        raise WireError(f"{len(blob) - reader.place} bytes that belong to nothing")
    return value


class _Budget:
    """Counts entries, so that a value that is small in memory cannot be endless when written."""

    def __init__(self) -> None:
        self.left = MOST_ENTRIES

    def spend(self, entries: int, depth: int) -> None:
        self.left -= entries
        if self.left < 0:
            raise WireError(f"the result has more than {MOST_ENTRIES} entries")
        if depth > MOST_DEPTH:
            raise WireError(f"the result is nested more than {MOST_DEPTH} deep")


def _plain(value: object, blobs: list[bytes], budget: _Budget, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and -LARGEST_INTEGER <= value < LARGEST_INTEGER:
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        if len(value) > MOST_LETTERS:
            raise WireError(f"the result has a text of more than {MOST_LETTERS} letters")
        return str(value)
    if isinstance(value, Tensor):
        return _plain_tensor(value, blobs)
    if isinstance(value, torch.dtype):
        return {"dtype": str(value).removeprefix("torch.")}
    if isinstance(value, (list, tuple)):
        budget.spend(len(value), depth)
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_plain(entry, blobs, budget, depth + 1) for entry in value]}
    if isinstance(value, dict):
        budget.spend(len(value), depth)
        pairs = [(key, entry) for key, entry in value.items() if isinstance(key, (str, int, type(None)))]
        if len(pairs) == len(value):
            return {"dict": [[key, _plain(entry, blobs, budget, depth + 1)] for key, entry in pairs]}
    return {"foreign": show(value)}


def _plain_tensor(tensor: Tensor, blobs: list[bytes]) -> object:
    kind = str(tensor.dtype).removeprefix("torch.")
    dense = tensor.layout == torch.strided and not tensor.is_nested and tensor.device.type != "meta"
    if not dense or kind not in DTYPES:
        return {"foreign": f"a tensor of {kind} on {tensor.device}, in the layout {tensor.layout}"}
    if tensor.numel() * tensor.element_size() > MOST_BYTES:
        raise WireError(f"the result has more than {MOST_BYTES >> 20} MiB")
    # a clone, since a single entry counts as contiguous whatever its strides, and then cannot be seen as bytes
    plain = tensor.detach().resolve_conj().resolve_neg().cpu().clone(memory_format=torch.contiguous_format)
    blobs.append(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
    return {"tensor": [kind, list(plain.shape)]}


class _Reader:
    """The bytes of the tensors, taken in order."""

    def __init__(self, blob: bytes) -> None:
        self.blob, self.place = blob, 0

    def take(self, count: int) -> bytes:
        taken = self.blob[self.place : self.place + count]
        if len(taken) != count:
            raise WireError("a tensor without its bytes")
        self.place += count
        return taken


def _value(parsed: object, reader: _Reader, budget: _Budget, depth: int) -> object:
    if isinstance(parsed, list):
        raise WireError("a list that does not say what it is")
    if not isinstance(parsed, dict):
        return _scalar(parsed)
    if len(parsed) != 1:
        raise WireError("an object that does not say what it is")
    ((kind, body),) = parsed.items()
    if kind in ("foreign", "dtype"):
        if not isinstance(body, str):
            raise WireError(f"a {kind} that is not text")
        return Foreign(clean(body)[:200]) if kind == "foreign" else DTYPES[body]
    if not isinstance(body, list):
        raise WireError(f"a {clean(str(kind))[:20]} that is not a list")
    if kind == "tensor":
        return _tensor(*body, reader=reader)
    budget.spend(len(body), depth)

    def entry(part: object) -> object:
        return _value(part, reader, budget, depth + 1)

    make: dict[str, Callable[[list], object]] = {
        "list": lambda parts: [entry(part) for part in parts],
        "tuple": lambda parts: tuple(entry(part) for part in parts),
        "dict": lambda parts: {_key(key): entry(part) for key, part in parts},
    }
    return make[kind](body)


def _scalar(value: object) -> object:
    """Numbers and texts of a size that no judge stumbles over."""
    if isinstance(value, str):
        if len(value) > MOST_LETTERS:
            raise WireError(f"a text of more than {MOST_LETTERS} letters")
        return clean(value)
    if isinstance(value, int) and not -LARGEST_INTEGER <= value < LARGEST_INTEGER:
        raise WireError("a number of more than 64 bits")
    return value


def _key(key: object) -> object:
    if isinstance(key, (list, dict, float)):
        raise WireError("a key that is neither a whole number nor text")
    return _scalar(key)


def _tensor(kind: str, shape: list[int], *, reader: _Reader) -> Tensor:
    dtype = DTYPES[kind]
    if len(shape) > MOST_DEPTH or not all(type(size) is int and 0 <= size <= MOST_BYTES for size in shape):
        raise WireError("a tensor of an impossible shape")
    count = 1
    for size in shape:
        count *= size
    raw = reader.take(count * dtype.itemsize)
    if not raw:
        return torch.empty(shape, dtype=dtype)
    if dtype == torch.bool:  # a byte that is neither 0 nor 1 is not a truth value
        return torch.frombuffer(bytearray(raw), dtype=torch.uint8).ne(0).reshape(shape)
    return torch.frombuffer(bytearray(raw), dtype=dtype).reshape(shape)


def clean(text: str) -> str:
    """Text that every encoding has, and that a terminal prints as text: no surrogates, no control characters."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else REPLACEMENT for letter in text)
