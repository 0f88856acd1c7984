"""A student's notebook while it runs: the part of the worker that deals with code.

Every method that the grader asks for returns plain data, and raises nothing that the student's code could have raised.
What the notebook knows as ``check`` decides nothing: it asks the grader, which calls the function in question by way of
this process, and says whether it is right. Of the checks themselves nothing is here.
"""

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell
from torch import Tensor
from traitlets.config import Config

import swinlib
from swinlib.answers.shown import show

from .objects import Held, Objects
from .wire import MOST_TEXT

if TYPE_CHECKING:
    from .worker import Line


CHECKS = "swinlib.check"


class Notebook:
    """Runs cells, and calls what they define."""

    def __init__(self) -> None:
        """Start an IPython that writes no history."""
        self.line: Line | None = None  # to the grader
        self.asked_about: list[object] = []  # what checks were called with that wait for the grader
        self.tried: list[Objects] = []  # what the grader works with, for each case that it is in the middle of
        for name in swinlib.__all__:
            getattr(swinlib, name)  # loaded now: at its first use it would be the student's time that is spent
        settings = Config()
        settings.HistoryManager.enabled = False
        settings.InteractiveShell.colors = "nocolor"
        self.shell = InteractiveShell.instance(config=settings)
        self.shell.enable_gui = lambda *args: None  # there is no screen, which `%matplotlib inline` need not know
        sys.modules[CHECKS] = swinlib.check = AskingCheck(self)
        # an error is told in one line, see `run`
        self.shell.showtraceback = self.shell.showsyntaxerror = lambda *args, **options: None

    def hello(self) -> bool:
        """Say that it is there."""
        return True

    def run(self, source: str) -> dict[str, str | None]:
        """Run a cell: what it printed, and its error in one line."""
        with captured() as text:
            try:
                result = self.shell.run_cell(source, store_history=False)
                raised = result.error_before_exec or result.error_in_exec
                error = None if raised is None else _in_words(raised)
            except BaseException as raised:
                error = _in_words(raised)
        return {"text": text.getvalue(), "error": error}

    def begin(self, name: str) -> object:
        """Begin to try what a check was given, or else what bears the name of the exercise.

        Returns:
            it, as an object; or what to say if there is no such thing, or it is not a function.
        """
        if not self.asked_about and name not in self.shell.user_ns:
            return ""
        answer = self.asked_about[-1] if self.asked_about else self.shell.user_ns[name]
        try:
            if not callable(answer):
                return f"{name} is {show(answer)}, not a function"
        except BaseException as raised:
            return f"{name} cannot be called: {_in_words(raised)}"
        self.tried.append(Objects(partial(self.line.ask_back, "callback", self)))
        return Held(answer)

    def do(self, what: str, asked: Tensor) -> dict[str, object]:
        """Do with the objects of the present case what `Objects.do` can."""
        with captured():
            return self.tried[-1].do(what, asked)

    def end(self) -> None:
        """Forget what the last case was tried with."""
        self.tried.pop().end()

    def hold(self, value: object) -> list:
        """Keep an object for the grader, see `Objects.hold`."""
        return self.tried[-1].hold(value)


class CheckFailed(Exception):  # noqa: N818 - as `swinlib.check` has it
    """An answer is not right yet."""

    def _render_traceback_(self) -> list[str]:
        return [f"✗ {self}"]


class AskingCheck(ModuleType):
    """Stands for `swinlib.check` in a student's notebook: ``check.roll(f)`` asks the grader what it thinks of f.

    It prints and raises what the real one would, so that the notebook goes on as it does on the student's machine.
    """

    CheckFailed = CheckFailed

    def __init__(self, notebook: Notebook) -> None:
        super().__init__(CHECKS, type(self).__doc__)
        self.__dict__["_notebook"] = notebook

    def __getattr__(self, name: str) -> Callable[[object], None]:
        if name.startswith("_"):
            raise AttributeError(f"module {CHECKS!r} has no attribute {name!r}")

        def asking(answer: object) -> None:
            notebook = self._notebook
            notebook.asked_about.append(answer)
            try:
                passed, said = notebook.line.ask_back("check", notebook, name)
            finally:
                notebook.asked_about.pop()
            if passed is False:
                raise CheckFailed(said)
            if said:
                print(f"✓ {said}")

        return asking


class _Clipped(io.StringIO):
    """Keeps the beginning of what is written."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, MOST_TEXT - self.tell())])
        return len(text)


@contextlib.contextmanager
def captured() -> Iterator[io.StringIO]:
    """Within it, what is printed goes into a text."""
    text = _Clipped()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        yield text


def _in_words(raised: BaseException) -> str:
    try:
        return f"{type(raised).__name__}: {raised}"[:MOST_TEXT]
    except BaseException:
        return "an error that cannot be shown"
