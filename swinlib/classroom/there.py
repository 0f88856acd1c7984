"""A student's answer as the grader sees it: it is called here, and runs there.

A check tries an answer in the grader's process, by the probe that it also uses where the learner works. What it holds
is a `RemoteObject`: to call it, to read its attributes or to go through it is done in the sandbox (see `objects`), and
what comes of it is data, or another `RemoteObject`. Which of these are right is found out here, and nothing of how that
is found out is there.

Arguments that are data are sent with each call, and hold afterwards what the call made of them. A function of the
check's stays here: who calls it there asks for its result. Anything else, such as a module, is moved there by `take`.
"""

import builtins
import io
import sys
import time
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import cloudpickle
import numpy as np
import torch
from torch import Tensor, nn

import swinlib.check
from swinlib.answers import beside
from swinlib.answers.beside import Elsewhere

from . import objects
from .sandbox import EndedError, OutOfTimeError, Sandbox

MOST_OPERATIONS = 20_000  # with one answer on one case
MOST_ENTRIES = 12_000  # of all tensors that a callback is given: what it makes of them is made in this process
DATA = (Tensor, np.ndarray, int, float, str, bytes, list, tuple, dict, set, frozenset, type(None))
CONTEXTS = ("trying", "memory_filled", "building_on")  # functions of `beside` that make a context, and give nothing
FUNCTIONS = (types.FunctionType, types.MethodType)

# What a check makes for its answers, such as the layers of a small model, is nowhere in the sandbox.
cloudpickle.register_pickle_by_value(swinlib.check)


class Gone(BaseException):
    """The sandbox has ended; not an Exception, since no probe may take it for one of the student's."""

    def __init__(self, why: EndedError) -> None:
        super().__init__(str(why))
        self.why = why


class OverError(AttributeError, TypeError):
    """The case in which an object was met is over: nothing can be done with it any more, but to say what it was."""


class There:
    """The process of an answer, while that is tried on one case; it stands for `swinlib.answers.beside` there."""

    def __init__(self, box: Sandbox, end: float) -> None:
        """Begin.

        Args:
            box: in which the answer lives.
            end: when the clock of `time.monotonic` says that all calls together took too long.
        """
        self.box, self.end = box, end
        self.operations = 0
        self.gone: Gone | None = None
        self.over = False
        self.first: list[tuple[str, object, tuple]] = []  # contexts to be entered or left before anything else is done
        self.objects: dict[int, object] = {}
        self.callbacks: list[Callable] = []
        self.module = RemoteObject(self, 0, "", [])  # `swinlib.answers.beside` itself

    # What a probe asks of `beside` ------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> object:
        if name in CONTEXTS:
            return partial(self.within, getattr(beside, name))
        found = getattr(beside, name)
        return partial(self.do, "call", found) if isinstance(found, types.FunctionType) else getattr(self.module, name)

    @contextmanager
    def within(self, function: Callable, *arguments: object) -> Iterator[None]:
        """In the context that a function of `beside` makes there."""
        self.first.append(("enter", function, arguments))  # together with what is done next
        try:
            yield
        finally:
            self.first.append(("exit", None, ()))

    def take(self, arguments: Iterable[object]) -> list[object]:
        """Arguments for an answer: those that are neither data nor functions are moved there."""
        arguments = list(arguments)
        places = [k for k, argument in enumerate(arguments) if not (beside.is_data(argument) or _is_function(argument))]
        if places:
            # in one pickle, so that what they share is one there too
            taken = self.do("take", None, *(arguments[k] for k in places))
            for k, remote in zip(places, taken, strict=True):
                arguments[k] = remote
        return arguments

    # What is done there -----------------------------------------------------------------------------------------

    def do(self, what: str, target: object, *arguments: object, **options: object) -> Any:
        """One of `objects.OPERATIONS`.

        Raises:
            Exception: what that raised.
            OverError: if the case is over.
            Gone: if the sandbox has ended.
        """
        if self.over:
            raise OverError(f"{what!r} of something that stayed in the sandbox")
        if self.gone is not None:
            raise self.gone
        try:
            self.count()
            first, self.first = self.first, []
            asked = self.pickled((first, target, [self.here(a) for a in arguments], _mapped(self.here, options)))
            answer = self.box.ask("do", what, asked, on={"callback": self.called}, meet=self.meet)
        except EndedError as error:
            self.gone = Gone(error)
            raise self.gone from None
        match answer:
            case {"raised": dict(told)}:
                raise _raised(told) from None
            case {"value": value}:
                after = answer.get("after", [])
                if isinstance(after, list):
                    for argument, now in zip((*arguments, *options.values()), after, strict=False):
                        _restore(argument, now)
                return value
        raise _raised({"name": "WireError", "text": "its process gave an answer that makes no sense"})

    def count(self) -> None:
        """Count a step of the two processes together.

        Raises:
            EndedError: if there were too many, or they took too long.
        """
        self.operations += 1
        if time.monotonic() > self.end:
            raise OutOfTimeError("its calls took too long together")
        if self.operations > MOST_OPERATIONS:
            raise EndedError("it had no end: it went on and on")

    def here(self, value: object) -> object:
        """What is sent for a value: a function stays here."""
        if not _is_function(value):
            return value
        if value not in self.callbacks:
            self.callbacks.append(value)
        return _Callback(self.callbacks.index(value))

    def pickled(self, value: object) -> Tensor:
        """As bytes, in a form that a message carries."""
        written = io.BytesIO()
        Pickler(written, self).dump(value)
        return torch.frombuffer(written.getbuffer(), dtype=torch.uint8).clone()

    def meet(self, number: int, told: object, classes: list[str]) -> object:
        """The object of a number, the same each time."""
        if isinstance(told, nn.Parameter):
            known = self.objects.get(number)
            if isinstance(known, nn.Parameter) and known.is_meta == told.is_meta:
                known.data = told.data
                return known.requires_grad_(told.requires_grad)
            self.objects[number] = told
        if number not in self.objects:
            self.objects[number] = RemoteObject(self, number, told, classes)
        return self.objects[number]

    def called(self, told: object) -> list[object]:
        """A function of the check's, called from there.

        Raises:
            EndedError: see `count`.
        """
        self.count()
        try:
            number, arguments, options = told
            function = self.callbacks[number]
            if sum(map(_entries, (*arguments, *options.values()))) > MOST_ENTRIES:
                raise ValueError(f"tensors of more than {MOST_ENTRIES} entries together")
            said = (self.here(function(*arguments, **options)), None)
        except Exception as error:
            kind = type(error) if type(error).__module__ == "builtins" else RuntimeError
            said = (None, (kind, str(error)))
        return [self.pickled(said)]


@contextmanager
def answer_in(box: Sandbox, name: str, end: float) -> Iterator[object]:
    """What bears a name in a student's notebook, for one case; or, if that is no function, in a string what it is.

    Raises:
        EndedError: if the sandbox ends meanwhile.
    """
    there = There(box, end)
    try:
        begun = box.ask("begin", name, meet=there.meet)
        if type(begun) is not RemoteObject:
            yield begun if isinstance(begun, str) else ""
            return
        yield begun
        box.ask("end")
    except Gone as gone:
        raise gone.why from None
    finally:
        there.over = True


class RemoteObject(Elsewhere):
    """An object of the student's process."""

    def __init__(self, there: There, number: int, shown: object, classes: list[str]) -> None:
        mine = object.__getattribute__(self, "__dict__")
        mine["_there"], mine["_number"], mine["shown"] = there, number, str(shown)
        mine["_kind"] = next(filter(None, map(_class_named, classes)), None)

    @property
    def __class__(self) -> type:
        """The first of its classes that is known here, so that ``isinstance`` works."""
        return self._kind or RemoteObject

    def beside_it(self) -> There:
        return self._there

    def __repr__(self) -> str:
        return self.shown

    def __call__(self, *arguments: object, **options: object) -> Any:
        return self._there.do("call", self, *arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return self._there.do("get", self, name)

    def __setattr__(self, name: str, value: object) -> None:
        self._there.do("set", self, name, value)

    def __getitem__(self, key: object) -> Any:
        return self._there.do("item", self, key)

    def __iter__(self) -> Iterator[Any]:
        entries = self._there.do("iter", self)
        while True:
            some, ended = self._there.do("next", entries)
            yield from some
            if ended is not None:
                error = _raised(ended)
                if isinstance(error, StopIteration):
                    return
                raise error

    def __next__(self) -> Any:
        return self._there.do("call", next, self)

    def __len__(self) -> int:
        return self._there.do("len", self)

    def __bool__(self) -> bool:
        return self._there.do("bool", self)

    def __contains__(self, value: object) -> bool:
        return self._there.do("contains", self, value)

    def __deepcopy__(self, memo: dict) -> Any:
        return self._there.do("deepcopy", self)

    def __enter__(self) -> Any:
        return self._there.do("enter", self)

    def __exit__(self, *error: object) -> None:
        self._there.do("exit", self)


class _Callback:
    """Stands for a function that stays here."""

    def __init__(self, number: int) -> None:
        self.number = number


class Pickler(cloudpickle.Pickler):
    """Writes what goes to the sandbox: objects of there by their numbers, tensors with the memory that they share."""

    def __init__(self, file: io.BytesIO, there: There) -> None:
        super().__init__(file)
        self.there = there
        self.parameters = {id(value): k for k, value in there.objects.items() if isinstance(value, nn.Parameter)}
        self.memories: dict[int, torch.UntypedStorage] = {}

    def persistent_id(self, value: object) -> tuple[str, int] | None:
        if type(value) is RemoteObject:
            return "object", value._number
        if type(value) is _Callback:
            return "callback", value.number
        if id(value) in self.parameters:
            return "object", self.parameters[id(value)]
        return None

    def reducer_override(self, value: object) -> Any:
        if type(value) is torch.UntypedStorage:
            return objects.memory_of, (bytes(torch.empty(0, dtype=torch.uint8).set_(value).numpy().tobytes()),)
        if type(value) is Tensor and value.layout == torch.strided and value.device.type == "cpu":
            memory = value.untyped_storage()
            memory = self.memories.setdefault(memory.data_ptr() or id(memory), memory)
            layout = (tuple(value.shape), value.stride())
            return objects.tensor_of, (memory, value.dtype, value.storage_offset(), layout, value.requires_grad)
        if isinstance(value, np.ndarray) and not value.flags.c_contiguous:
            axes = sorted(range(value.ndim), key=lambda axis: -abs(value.strides[axis]))
            backwards = [axis for axis in range(value.ndim) if value.strides[axis] < 0]
            forwards = np.flip(value, backwards) if backwards else value
            return objects.array_of, (np.ascontiguousarray(forwards.transpose(axes)), axes, backwards, type(value))
        return super().reducer_override(value)


def _is_function(value: object) -> bool:
    """Whether it is a function of the check's, or a method of one of its values; others are there as well."""
    if isinstance(value, types.BuiltinMethodType):
        return not isinstance(value.__self__, types.ModuleType | None)
    return isinstance(value, FUNCTIONS) and not (value.__module__ or "").startswith(("torch.", beside.__name__))


def _mapped(function: Callable, options: Mapping[str, object]) -> dict[str, object]:
    return {name: function(value) for name, value in options.items()}


def _entries(value: object) -> int:
    """Of all tensors in it."""
    if isinstance(value, (Tensor, np.ndarray)):
        return int(np.prod(value.shape))
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple, set)) else ()
    return sum(map(_entries, parts))


def _restore(argument: object, now: object) -> None:
    """Make of an argument what the call made of it."""
    if now is None or beside.identical(argument, now):
        return
    if isinstance(argument, Tensor) and isinstance(now, Tensor):
        argument.data = now.data
        argument.requires_grad_(now.requires_grad)
    elif isinstance(argument, np.ndarray) and isinstance(now, np.ndarray) and argument.shape == now.shape:
        argument[...] = now
    elif isinstance(argument, list) and isinstance(now, list):
        argument[:] = now
    elif isinstance(argument, dict) and isinstance(now, dict):
        argument.clear()
        argument.update(now)
    elif isinstance(argument, set) and isinstance(now, set):
        argument.clear()
        argument |= now


def _class_named(name: str) -> type | None:
    """A class of a library or of the checks, by its name; not one of data, as which its object does not behave."""
    parts = name.split(".")
    if parts[0] not in ("torch", "torchvision", "collections", "swinlib"):
        return None
    for cut in range(len(parts) - 1, 0, -1):
        found = sys.modules.get(".".join(parts[:cut]))
        if found is not None:
            for part in parts[cut:]:
                found = vars(found).get(part) if isinstance(found, (type, types.ModuleType)) else None
            return found if isinstance(found, type) and not issubclass(found, DATA) else None
    return None


def _raised(told: Mapping[str, object]) -> Exception:
    """An exception like the one that was raised there: of the same name, and of the nearest class of Python's own."""
    text = told.get("text") if isinstance(told.get("text"), str) else ""
    name = told.get("name") if isinstance(told.get("name"), str) and told["name"] else "Exception"
    bases = told.get("bases") if isinstance(told.get("bases"), list) else []
    known = (getattr(builtins, base, None) for base in bases if isinstance(base, str))
    base = next((each for each in known if isinstance(each, type) and issubclass(each, Exception)), Exception)
    methods = {
        "__init__": lambda self: None,
        "__str__": lambda self: text,
        "told": told["told"] if isinstance(told.get("told"), str) else f"your code raised {name}: {text}",
        "unwritten": told.get("unwritten") is True,
    }
    return type(name[:100], (base,), methods)()
