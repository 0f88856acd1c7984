"""The objects of a student's process with which the grader works; `there` is the grader's side.

The grader says what to do with which of them: call the answer, read an attribute, take the next entry of an iterator.
What comes of it goes back as data, or, if it is more than that, stays here under a number. All that the grader sends is
the grader's own and is unpickled; what it is sent is not.
"""

import contextlib
import copy
import io
import operator
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import Tensor, nn

from swinlib.answers import beside
from swinlib.answers.shown import show

from .wire import MOST_TEXT, WireError, pack

CHANGEABLE = (Tensor, np.ndarray, list, dict, set)  # what a call may change in the grader's hands
OPERATIONS: Mapping[str, Callable] = {
    "call": lambda target, *arguments, **options: target(*arguments, **options),
    "get": getattr,
    "set": setattr,
    "item": operator.getitem,
    "iter": iter,
    "next": lambda entries: _some(entries),
    "len": len,
    "bool": bool,
    "contains": operator.contains,
    "deepcopy": copy.deepcopy,
    "enter": lambda target: target.__enter__(),
    "exit": lambda target: target.__exit__(None, None, None),
}


SOME = 50  # entries of an iterator that are sent together


def _some(entries: Iterator) -> list[object]:
    """The next entries of an iterator: a list of them, and what ended it, if anything did."""
    found: list[object] = []
    try:
        for _ in range(SOME):
            found.append(next(entries))
        return [found, None]
    except BaseException as error:
        return [found, in_words(error)]


class Held:
    """Says that a value stays here, even if it could be sent."""

    def __init__(self, value: object) -> None:
        self.value = value


class Objects:
    """What the grader works with while it tries an answer on one case."""

    def __init__(self, ask_back: Callable[[list], list]) -> None:
        """Hold nothing yet but what a check needs of this process, as number 0.

        Args:
            ask_back: sends a question to the grader and returns what it says.
        """
        self.ask_back = ask_back
        self.held: list[object] = []
        self.numbers: dict[int, int] = {}  # by identity
        self.callbacks: dict[int, Callable] = {}
        self.contexts: list[AbstractContextManager] = []
        self.hold(beside)

    def hold(self, value: object) -> list:
        """Keep an object: its number, how a message calls it, and the names of its classes.

        Of a parameter, which is sent as data too, only the number.
        """
        value = value.value if isinstance(value, Held) else value
        number = self.numbers.setdefault(id(value), len(self.held))
        if number == len(self.held):
            self.held.append(value)
        if isinstance(value, nn.Parameter):
            return [number]
        classes = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(value).__mro__]
        return [number, show(value), classes]

    def do(self, what: str, asked: Tensor) -> dict[str, object]:
        """Do one of `OPERATIONS`, or ``take`` all arguments as objects.

        Args:
            what: its name.
            asked: the bytes of contexts to enter or leave first, target, arguments and options, pickled by the grader.

        Returns:
            ``value`` and what became of the arguments, or what was ``raised``.
        """
        try:
            first, target, arguments, options = _Unpickler(self, asked.numpy().tobytes()).load()
            for way, function, given in first:
                if way == "enter":
                    context = function(*given)
                    context.__enter__()
                    self.contexts.append(context)
                else:
                    self.leave()
            if what == "take":
                return {"value": [Held(argument) for argument in arguments]}
            value = OPERATIONS[what](target, *arguments, **options)
            after = [_if_changeable(argument) for argument in (*arguments, *options.values())]
            told = {"value": value, "after": after}
            pack(told, self.hold)
            return told
        except BaseException as error:
            return {"raised": in_words(error)}

    def leave(self) -> None:
        """Leave the context that was entered last."""
        self.contexts.pop().__exit__(None, None, None)

    def end(self) -> None:
        """Leave all contexts that are left, whatever the student's code made of them."""
        while self.contexts:
            with contextlib.suppress(BaseException):
                self.leave()

    def stands_for(self, number: int) -> Callable:
        """A function that asks the grader, which has the function of that number."""

        def callback(*arguments: object, **options: object) -> object:
            (answered,) = self.ask_back([number, list(arguments), options])
            value, raised = _Unpickler(self, answered.numpy().tobytes()).load()
            if raised is not None:
                kind, message = raised
                raise kind(message)
            return value

        return self.callbacks.setdefault(number, callback)


def _if_changeable(argument: object) -> object:
    return argument if isinstance(argument, CHANGEABLE) and not isinstance(argument, nn.Parameter) else None


class _Unpickler(pickle.Unpickler):
    """Reads what the grader's `there.Pickler` wrote."""

    def __init__(self, objects: Objects, asked: bytes) -> None:
        super().__init__(io.BytesIO(asked))
        self.objects = objects

    def persistent_load(self, pid: tuple[str, int]) -> object:
        kind, number = pid
        return self.objects.held[number] if kind == "object" else self.objects.stands_for(number)


def memory_of(written: bytes) -> torch.UntypedStorage:
    """Memory that holds these bytes; the grader's pickles call it."""
    return torch.frombuffer(bytearray(written), dtype=torch.uint8).untyped_storage() if written else _nothing()


def _nothing() -> torch.UntypedStorage:
    return torch.empty(0, dtype=torch.uint8, device="cpu").untyped_storage()


def tensor_of(memory: torch.UntypedStorage, dtype: torch.dtype, offset: int, layout: tuple, trained: bool) -> Tensor:
    """A tensor in that memory; the grader's pickles call it."""
    tensor = torch.empty(0, dtype=dtype, device="cpu").set_(memory, offset, *layout)
    return tensor.requires_grad_(trained)


def array_of(values: np.ndarray, axes: Sequence[int], backwards: Sequence[int], kind: type) -> np.ndarray:
    """An array whose axes lie in memory in another order, some of them backwards; the grader's pickles call it."""
    turned = values.transpose(np.argsort(axes))
    return np.flip(turned, backwards).view(kind) if backwards else turned.view(kind)


def in_words(error: BaseException) -> dict[str, object]:
    """An exception as data, whatever the student made of it."""
    if isinstance(error, WireError):
        return {
            "name": "WireError",
            "bases": ["ValueError"],
            "text": str(error),
            "told": str(error),
            "unwritten": False,
        }
    bases = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
    try:
        text, told = str(error)[:MOST_TEXT], beside.what_was_raised(error)[:MOST_TEXT]
        unwritten = beside.is_unwritten(error)
    except BaseException:
        text = told = "an error that cannot be shown"
        unwritten = False
    return {"name": type(error).__name__, "bases": bases, "text": text, "told": told, "unwritten": unwritten}
