"""What a sandboxed worker says to the grader: JSON, and the bytes of tensors. Nothing that it says is unpickled.

A message is eight bytes of lengths, a JSON text, and the bytes of all tensors one after the other. What comes out of a
sandbox was written by somebody whom nobody trusts: `unpack` takes nothing for granted, builds only plain data, and
raises `WireError` for everything else.

Tensors and arrays keep their strides, parameters and other objects their identity: those arrive as a number by which
the grader may speak of them (see `there`), and mean nothing elsewhere.
"""

import json
import struct
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from swinlib.answers.shown import show

LENGTHS = struct.Struct(">II")
MOST_BYTES = 32 * 2**20  # of a message; results of exercises are a few kilobytes
MOST_DEPTH = 32
MOST_ENTRIES = 100_000  # of all lists and dicts of a message together
LARGEST_INTEGER = 2**256
MOST_ALIKE = 16  # keys of a dict, or members of a set, whose hash another has; -1 and -2 are such
MOST_LETTERS = 200_000  # of one text; a cell of code may have as many, see `handed_in`
MOST_TEXT = 10_000  # letters that are kept of what a cell printed, or an error says
OWN_HASH = hash  # the one that dicts use; an imitation of another process puts its own in place of `hash`
COLLECTIONS = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
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


Hold = Callable[[object], list]  # keeps an object: its number; unless a parameter, what it is called; its classes
Meet = Callable[[int, str, list[str]], object]  # what stands for such an object


def pack(value: object, hold: Hold | None = None) -> bytes:
    """A message.

    Args:
        value: numbers, strings, None, tensors, arrays, dtypes, and lists, tuples, dicts, sets and ranges of these.
        hold: what to do with anything else. Without it, that arrives as `Foreign`.

    Raises:
        WireError: if it is too large, or too deep.
    """
    writer = _Writer(hold)
    text = json.dumps(writer.plain(value, 0)).encode()
    if len(text) + sum(map(len, writer.blobs)) > MOST_BYTES:
        raise WireError(f"the result has more than {MOST_BYTES >> 20} MiB")
    return LENGTHS.pack(len(text), sum(map(len, writer.blobs))) + text + b"".join(writer.blobs)


def lengths(head: bytes) -> tuple[int, int]:
    """The lengths of the JSON text and of the tensors, from the first eight bytes of a message.

    Raises:
        WireError: if they exceed what a message may have.
    """
    text, blob = LENGTHS.unpack(head)
    if text + blob > MOST_BYTES:
        raise WireError(f"a message of {text + blob} bytes; at most {MOST_BYTES} are read")
    return text, blob


def unpack(text: bytes, blob: bytes, meet: Meet | None = None) -> object:
    """The value of a message.

    Args:
        text: its JSON.
        blob: the bytes of its tensors.
        meet: makes what stands for an object that the worker keeps; without it, there are none.

    Raises:
        WireError: if it is not one that `pack` makes.
    """
    if text.count(b"[") + text.count(b"{") > 5 * MOST_ENTRIES:
        raise WireError(f"more than {MOST_ENTRIES} entries")
    try:
        parsed = json.loads(text)
        reader = _Reader(blob, meet)
        value = reader.value(parsed, 0)
    except WireError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError) as error:
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


class _Writer:
    """Writes values as what JSON knows, and keeps the bytes of their tensors."""

    def __init__(self, hold: Hold | None) -> None:
        self.blobs: list[bytes] = []
        self.budget = _Budget()
        self.hold = hold

    def plain(self, value: object, depth: int) -> object:
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
        if isinstance(value, nn.Parameter) and self.hold is not None:
            return {"parameter": [*self.hold(value), self.tensor(value), value.requires_grad]}
        if isinstance(value, Tensor):
            # one without numbers is no data; and to compare it, PyTorch would import for seconds
            return self.other(value) if value.is_meta and self.hold is not None else self.tensor(value)
        if isinstance(value, (np.ndarray, np.generic)):
            return self.array(value)
        if isinstance(value, torch.dtype):
            return {"dtype": str(value).removeprefix("torch.")}
        if isinstance(value, torch.device):
            return {"device": value.type}
        if isinstance(value, (list, tuple, set, frozenset)):
            self.budget.spend(len(value), depth)
            kind = next(name for name, kind in COLLECTIONS.items() if isinstance(value, kind))
            return {kind: [self.plain(entry, depth + 1) for entry in value]}
        if isinstance(value, range) and len(value) <= MOST_ENTRIES:
            return {"range": [value.start, value.stop, value.step]}
        if isinstance(value, dict):
            return self.mapping(value, depth)
        return self.other(value)

    def mapping(self, value: dict, depth: int) -> object:
        self.budget.spend(len(value), depth)
        pairs = [(key, entry) for key, entry in value.items() if isinstance(key, (str, int, type(None)))]
        if len(pairs) != len(value):
            return self.other(value)
        written = [[key, self.plain(entry, depth + 1)] for key, entry in pairs]
        if isinstance(value, OrderedDict):  # a state_dict says in its metadata which versions of modules it is of
            return {"ordered": [written, self.plain(dict(getattr(value, "_metadata", {})), depth + 1)]}
        return {"dict": written}

    def other(self, value: object) -> object:
        return {"foreign": show(value)} if self.hold is None else {"object": self.hold(value)}

    def array(self, value: np.ndarray | np.generic) -> object:
        kind = str(value.dtype)
        if kind not in DTYPES or not value.dtype.isnative:
            return {"foreign": f"a {kind} array of shape {value.shape}"}
        whole = np.asarray(value)
        tensor = torch.from_numpy(whole.copy() if any(step < 0 for step in whole.strides) else whole)
        return {"array": [self.tensor(tensor), isinstance(value, np.generic)]}

    def tensor(self, tensor: Tensor) -> object:
        kind = str(tensor.dtype).removeprefix("torch.")
        dense = tensor.layout == torch.strided and not tensor.is_nested
        if not dense or kind not in DTYPES:
            return {"foreign": f"a tensor of {kind} on {tensor.device}, in the layout {tensor.layout}"}
        if tensor.is_meta:
            return {"meta": [kind, list(tensor.shape)]}
        if tensor.numel() * tensor.element_size() > MOST_BYTES:
            raise WireError(f"the result has more than {MOST_BYTES >> 20} MiB")
        # a clone, since a single entry counts as contiguous whatever its strides, and then cannot be seen as bytes
        plain = tensor.detach().resolve_conj().resolve_neg().cpu().clone(memory_format=torch.contiguous_format)
        self.blobs.append(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
        strides = None if tensor.is_contiguous() else list(tensor.stride())
        return {"tensor": [kind, list(plain.shape), strides, bool(tensor.requires_grad)]}


class _Reader:
    """Builds values; takes the bytes of the tensors in order."""

    def __init__(self, blob: bytes, meet: Meet | None) -> None:
        self.blob, self.place = blob, 0
        self.budget = _Budget()
        self.meet = meet

    def take(self, count: int) -> bytes:
        taken = self.blob[self.place : self.place + count]
        if len(taken) != count:
            raise WireError("a tensor without its bytes")
        self.place += count
        return taken

    def value(self, parsed: object, depth: int) -> object:
        if isinstance(parsed, list):
            raise WireError("a list that does not say what it is")
        if not isinstance(parsed, dict):
            return _scalar(parsed)
        if len(parsed) != 1:
            raise WireError("an object that does not say what it is")
        ((kind, body),) = parsed.items()
        if kind in ("foreign", "dtype", "device"):
            if not isinstance(body, str):
                raise WireError(f"a {kind} that is not text")
            if kind == "device":
                return torch.device(body)
            return Foreign(clean(body)[:200]) if kind == "foreign" else DTYPES[body]
        if not isinstance(body, list):
            raise WireError(f"a {clean(str(kind))[:20]} that is not a list")
        if kind in COLLECTIONS:
            self.budget.spend(len(body), depth)
            members = [self.value(part, depth + 1) for part in body]
            return COLLECTIONS[kind](members if kind in ("list", "tuple") else _apart(members))
        if kind == "dict":
            return self.pairs(body, depth)
        if kind == "ordered":
            pairs, metadata = body
            ordered = OrderedDict(self.pairs(pairs, depth))
            ordered._metadata = self.value(metadata, depth + 1)
            return ordered
        if kind == "range":
            if not all(type(end) is int for end in body) or len(range(*body)) > MOST_ENTRIES:
                raise WireError("a range that is too long")
            return range(*body)
        if kind == "tensor":
            return self.tensor(*body)
        if kind == "meta":
            dtype, shape = body
            return torch.empty(_shape(shape), dtype=DTYPES[dtype], device="meta")
        if kind == "array":
            tensor, scalar = body
            array = self.value(tensor, depth + 1).detach().numpy()
            return array[()] if scalar is True and array.ndim == 0 else array
        return self.of_the_worker(kind, body, depth)

    def pairs(self, body: list, depth: int) -> dict:
        self.budget.spend(len(body), depth)
        keys = _apart([_key(key) for key, _ in body])
        return {key: self.value(entry, depth + 1) for key, (_, entry) in zip(keys, body, strict=True)}

    def of_the_worker(self, kind: str, body: list, depth: int) -> object:
        """What stands for an object that the worker keeps."""
        number = body[0]
        if self.meet is None or type(number) is not int or number < 0:
            raise WireError("an object that nobody asked for")
        if kind == "object":
            _, shown, classes = body
            if not isinstance(shown, str) or len(classes) > MOST_DEPTH or not all(type(c) is str for c in classes):
                raise WireError("an object that does not say what it is")
            return self.meet(number, clean(shown)[:200], [name[:200] for name in classes])
        if kind == "parameter":
            _, tensor, trained = body
            value = self.value(tensor, depth + 1)
            if not isinstance(value, Tensor):
                raise WireError("a parameter that is not a tensor")
            return self.meet(number, nn.Parameter(value.detach(), requires_grad=trained is True), [])
        raise WireError("an object that does not say what it is")

    def tensor(self, kind: str, shape: list[int], strides: list[int] | None = None, trained: bool = False) -> Tensor:
        dtype, shape = DTYPES[kind], _shape(shape)
        count = 1
        for size in shape:
            count *= size
        raw = self.take(count * dtype.itemsize)
        if not raw:
            tensor = torch.empty(shape, dtype=dtype)
        elif dtype == torch.bool:  # a byte that is neither 0 nor 1 is not a truth value
            tensor = torch.frombuffer(bytearray(raw), dtype=torch.uint8).ne(0).reshape(shape)
        else:
            tensor = torch.frombuffer(bytearray(raw), dtype=dtype).reshape(shape)
        if strides is not None and raw:
            tensor = _laid_out(tensor, strides)
        return tensor.requires_grad_(trained is True)


def _shape(shape: object) -> list[int]:
    if len(shape) > MOST_DEPTH or not all(type(size) is int and 0 <= size <= MOST_BYTES for size in shape):
        raise WireError("a tensor of an impossible shape")
    return shape


def _laid_out(tensor: Tensor, strides: Sequence[int]) -> Tensor:
    """Equal values, with other steps in memory."""
    if len(strides) != tensor.dim() or not all(type(step) is int and 0 <= step <= MOST_BYTES for step in strides):
        raise WireError("a tensor with impossible strides")
    extent = 1 + sum((size - 1) * step for size, step in zip(tensor.shape, strides, strict=True))
    if extent * tensor.element_size() > MOST_BYTES:
        raise WireError("a tensor with impossible strides")
    laid_out = tensor.new_zeros(extent).as_strided(tensor.shape, strides)
    into, values = laid_out, tensor
    for axis, step in enumerate(strides):  # where a dimension was expanded, all its entries are one
        if step == 0:
            into, values = into.narrow(axis, 0, 1), values.narrow(axis, 0, 1)
    into.copy_(values)
    return laid_out


def _scalar(value: object) -> object:
    """Numbers and texts of a size that no judge stumbles over."""
    if isinstance(value, str):
        if len(value) > MOST_LETTERS:
            raise WireError(f"a text of more than {MOST_LETTERS} letters")
        return clean(value)
    if isinstance(value, int) and not -LARGEST_INTEGER <= value < LARGEST_INTEGER:
        raise WireError("a number of more than 256 bits")
    return value


def _key(key: object) -> object:
    if isinstance(key, (list, dict, float)):
        raise WireError("a key that is neither a whole number nor text")
    return _scalar(key)


def _apart(members: list) -> list:
    """Members of a set, or keys: one of many with the same hash would be compared with all of them, for minutes."""
    if len(members) - len(set(map(OWN_HASH, members))) > MOST_ALIKE:
        raise WireError("keys of which many have the same hash")
    return members


def clean(text: str) -> str:
    """Text that every encoding has, and that a terminal prints as text: no surrogates, no control characters."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else REPLACEMENT for letter in text)
