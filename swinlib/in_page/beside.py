"""Stands for `swinlib.answers.beside` in a page: an answer runs in the interpreter that judges it."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from swinlib.answers.snapshots import snapshot  # noqa: F401 - asked for here

PLAIN = (bool, int, float, str, bytes, type(None), torch.dtype, torch.device, torch.Size, range, slice)
SOURCES: dict[str, list[str]] = {}
"""The lines of what a learner wrote, by the name of the file that it was compiled as."""


class Elsewhere:
    """There is no other process."""

    shown: str


class ForbiddenCallError(Exception):
    """The answer used what its exercise asks to do without."""


def beside(answer: object) -> object:
    return sys.modules[__name__]


def take(arguments: Iterable[object]) -> list[object]:
    return list(arguments)


@contextlib.contextmanager
def trying(without: tuple[str, ...]) -> Iterator[None]:
    """Random numbers begin at seed 0, and some names must not be called."""

    def refusal(name: str) -> Callable:
        def refused(*arguments: object, **options: object) -> None:
            raise ForbiddenCallError(f"your code calls {name}, and this exercise is to be done without it")

        return refused

    before: list[tuple[object, str, object]] = []
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        for path in without:
            owner, name = _owner(path)
            if owner is not None and name in vars(owner):
                before.append((owner, name, vars(owner)[name]))
                setattr(owner, name, refusal(path))
        try:
            yield
        finally:
            for owner, name, value in reversed(before):
                setattr(owner, name, value)


def _owner(path: str) -> tuple[object, str]:
    """What holds a dotted name, if it is here."""
    first, *between, name = path.split(".")
    owner = sys.modules.get(first)
    for part in between:
        if owner is None or part not in vars(owner):
            return sys.modules.get(path.rpartition(".")[0]), name
        owner = vars(owner)[part]
    return owner, name


def is_data(value: object) -> bool:
    if isinstance(value, PLAIN) or type(value) is Tensor:
        return True
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(map(is_data, value))
    return isinstance(value, dict) and all(map(is_data, value)) and all(map(is_data, value.values()))


def identical(one: object, other: object) -> bool:
    """Whether two values are the same; what is no data counts only as itself."""
    if one is other:
        return True
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        alike = one.dtype == other.dtype and one.shape == other.shape and one.requires_grad == other.requires_grad
        return alike and repr(one.tolist()) == repr(other.tolist())
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return list(one) == list(other) and all(identical(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(identical, one, other))
    return type(one) is type(other) and bool(one == other or (one != one and other != other))


def attributes(holder: object) -> dict[str, object]:
    return dict(vars(holder))


def fill(module: nn.Module, numbers: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, tensor in numbers.items():
            module.get_parameter(name).copy_(tensor)


def answers(answer: Callable, calls: Iterable[tuple]) -> list[object]:
    return [answer(*arguments) for arguments in calls]


def often(answer: Callable, times: int, *arguments: object) -> list[object]:
    return [answer(*arguments) for _ in range(times)]


def unhook(model: nn.Module) -> None:
    for module in model.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    raise torch.NotHere(f"`{name}` beside an answer")


def _frames(error: BaseException) -> list[tuple[str, int]]:
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    return frames


def is_unwritten(error: BaseException) -> bool:
    """Whether a ``raise NotImplementedError`` in the learner's own code was met."""
    frames = _frames(error)
    if not isinstance(error, NotImplementedError) or not frames or frames[-1][0] not in SOURCES:
        return False
    filename, number = frames[-1]
    return SOURCES[filename][number - 1].strip().startswith("raise")


def what_was_raised(error: BaseException) -> str:
    """The exception, and the line of the learner's code that it came from."""
    if isinstance(error, ForbiddenCallError):
        return str(error)
    said = f"your code raised {type(error).__name__}: {error}"
    for filename, number in reversed(_frames(error)):
        if filename in SOURCES and (line := SOURCES[filename][number - 1].strip()):
            return f"{said}\n  in the line: {line}"
    return said
