"""What a check does in the process in which a learner's answer runs.

``beside(answer)`` is this module, or, for an answer in a sandbox, what stands for this module there. So a probe that
writes ``beside(answer).building_on("meta")`` builds on the meta device wherever the answer is. It is all that a check
needs there, and it tells nothing of what is right.
"""

import builtins
import contextlib
import dis
import linecache
import os
import random
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn

from .snapshots import snapshot  # noqa: F401 - in __all__

__all__ = [
    *("Elsewhere", "ForbiddenCallError", "answers", "attributes", "beside", "building_on", "fill", "identical"),
    *("is_data", "is_unwritten", "memory_filled", "nn", "often", "process", "snapshot", "take", "trying", "unhook"),
    "what_was_raised",
]

# types of values that are data by themselves
PLAIN = (bool, int, float, str, bytes, type(None), torch.dtype, torch.device, torch.Size, range, slice)
LIBRARIES = (str(Path(torch.__file__).parent), str(Path(__file__).parents[1]))


class Elsewhere:
    """An object in another process; see `swinlib.classroom.there`.

    Attributes:
        shown: how a message calls it.
    """

    shown: str


class ForbiddenCallError(Exception):
    """The answer used what its exercise asks to do without."""


def beside(answer: object) -> object:
    """This module, in the process of an answer."""
    there = getattr(type(answer), "beside_it", None)
    return sys.modules[__name__] if there is None else there(answer)


def take(arguments: Iterable[object]) -> list[object]:
    """Arguments for an answer: those that are more than data are moved to the process in which it runs."""
    return list(arguments)


@contextlib.contextmanager
def trying(without: tuple[str, ...]) -> Iterator[None]:
    """Within it an answer is tried: random numbers begin at seed 0, and some names must not be called.

    Random numbers are afterwards as if none had been drawn. Not by ``torch.manual_seed``: for each kind of GPU that is
    not there, it writes down where it was called from, which takes several times as long as most answers.

    Args:
        without: dotted names such as ``"torch.roll"``; calling one raises `ForbiddenCallError`.
    """

    def refusal(name: str) -> Callable:
        def refused(*args: object, **options: object) -> None:
            raise ForbiddenCallError(f"your code calls {name}, and this exercise is to be done without it")

        return refused

    with torch.random.fork_rng(devices=[]), contextlib.ExitStack() as stack:
        torch.default_generator.manual_seed(0)
        for name in without:
            stack.enter_context(mock.patch(name, refusal(name)))
        yield


def is_data(value: object) -> bool:
    """Whether a value is numbers, texts, tensors, arrays, or lists, tuples, sets and dicts of these."""
    if isinstance(value, PLAIN) or type(value) is Tensor:
        return True
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(map(is_data, value))
    if isinstance(value, dict):
        return all(map(is_data, value)) and all(map(is_data, value.values()))
    return isinstance(value, np.ndarray)


def identical(one: object, other: object) -> bool:
    """Whether two values are the same to the last bit; what is no data counts only as itself."""
    if one is other or isinstance(one, Elsewhere) or isinstance(other, Elsewhere):
        return one is other
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        alike = one.dtype == other.dtype and one.shape == other.shape and one.requires_grad == other.requires_grad
        return alike and one.is_meta == other.is_meta and (one.is_meta or _bytes(one) == _bytes(other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return list(one) == list(other) and all(identical(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(identical, one, other))
    return type(one) is type(other) and bool(one == other or (one != one and other != other))


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8).numpy().tobytes()


def attributes(holder: object) -> dict[str, object]:
    """What ``vars`` gives: the attributes of an object by name."""
    return dict(vars(holder))


@torch.no_grad()
def fill(module: nn.Module, numbers: Mapping[str, Tensor]) -> None:
    """Write numbers into the parameters of a module, by name."""
    for name, tensor in numbers.items():
        module.get_parameter(name).copy_(tensor)


def answers(answer: Callable, calls: Iterable[tuple]) -> list[object]:
    """What an answer returns for each of many tuples of arguments."""
    return [answer(*arguments) for arguments in calls]


def often(answer: Callable, times: int, *arguments: object) -> list[object]:
    """What an answer returns, called many times with the same arguments."""
    return [answer(*arguments) for _ in range(times)]


@contextlib.contextmanager
def building_on(device: str) -> Iterator[None]:
    """Within it new tensors lie on a device."""
    with torch.device(device):
        yield


def unhook(model: nn.Module) -> None:
    """Take all forward hooks off a model and what is in it."""
    for module in model.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()


@contextlib.contextmanager
def memory_filled() -> Iterator[None]:
    """Within it new memory holds NaN or the largest integer, so that garbage is the same everywhere."""
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("warn")  # unlike `use_deterministic_algorithms`, it imports nothing
    try:
        with warnings.catch_warnings(), mock.patch("torch.empty_like", _empty_like):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_deterministic_debug_mode(before)


def _empty_like(tensor: Tensor, *, device: object = None, dtype: torch.dtype | None = None, **_: object) -> Tensor:
    """What ``to_empty`` calls; PyTorch's own imports for seconds when it is given a tensor on the meta device."""
    return torch.empty(tensor.shape, dtype=dtype or tensor.dtype, device=device or tensor.device)


class Hashed:
    """What `process` gives: the strings whose hashes were asked for."""

    def __init__(self) -> None:
        self.strings: list[str | bytes] = []


@contextlib.contextmanager
def process(number: int) -> Iterator[Hashed]:
    """Within it is what differs from one process to the next, and must not decide who gets what.

    Args:
        number: of the process: its clock, its id, its random numbers, and the salt of its hashes.
    """
    state, state_of_numpy, plain = random.getstate(), np.random.get_state(), hash
    hashed = Hashed()
    thread = threading.get_ident()

    def salted(value: object) -> int:
        # Python salts the hashes of strings, with another salt in each process
        caller = (sys._getframe(1).f_globals.get("__name__") or "").split(".")[0]
        parts = value if isinstance(value, tuple) else (value,)
        if threading.get_ident() != thread or caller in ("torch", "numpy", *sys.stdlib_module_names):
            return plain(value)
        strings = [part for part in parts if isinstance(part, (str, bytes))]
        hashed.strings.extend(strings)
        return plain((number, value)) if strings else plain(value)

    changed = (
        (builtins, "hash", salted),
        (time, "time", lambda: 1.7e9 + number),
        (os, "getpid", lambda: 1000 + number),
    )
    before = [getattr(module, name) for module, name, _ in changed]
    try:
        for seed in (torch.default_generator.manual_seed, np.random.seed, random.seed):
            seed(1000 + number)
        for module, name, other in changed:  # mock.patch takes ten times as long, and this happens often
            setattr(module, name, other)
        yield hashed
    finally:
        for (module, name, _), kept in zip(changed, before, strict=True):
            setattr(module, name, kept)
        random.setstate(state)
        np.random.set_state(state_of_numpy)


def is_unwritten(error: BaseException) -> bool:
    """Whether a ``raise NotImplementedError`` in the learner's own code was met.

    PyTorch raises that error too, for a container that is called or a meta tensor that is copied.
    """
    if hasattr(error, "unwritten"):  # raised elsewhere, where this was asked already
        return error.unwritten
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or not isinstance(error, NotImplementedError):
        return False
    code = trace.tb_frame.f_code
    own = not code.co_filename.startswith(LIBRARIES)
    return own and code.co_code[trace.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def what_was_raised(error: BaseException) -> str:
    """The exception, and the line of the learner's code that it came from."""
    if hasattr(error, "told"):  # raised elsewhere
        return error.told
    if isinstance(error, ForbiddenCallError):
        return str(error)
    said = f"your code raised {type(error).__name__}: {error}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        line = linecache.getline(frame.filename, frame.lineno or 0).strip()
        if line and not frame.filename.startswith(LIBRARIES):
            return f"{said}\n  in the line: {line}"
    return said
