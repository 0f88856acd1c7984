"""A student's notebook while it runs: the part of the worker that deals with code.

Every method that the grader asks for returns plain data, and raises nothing that the student's code could have raised.
What the notebook knows as ``check`` decides nothing: it asks the grader, which calls the function in question by way of
this process, and says whether it is right.
"""

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import swinlib
from swinlib import check
from swinlib.check.exercise import UNDEFINED
from swinlib.check.judging import show

from .wire import MOST_TEXT, WireError, pack

if TYPE_CHECKING:
    from .worker import Line


class Notebook:
    """Runs cells, and calls what they define on the cases of exercises."""

    def __init__(self, checks: str) -> None:
        """Start an IPython that writes no history.

        Args:
            checks: which exercises, see `swinlib.check.load`.
        """
        self.exercises = check.load(checks)
        self.line: Line | None = None  # to the grader
        self.asked_about: list[object] = []  # what checks were called with that wait for the grader
        for name in swinlib.__all__:
            getattr(swinlib, name)  # loaded now: at its first use it would be the student's time that is spent
        settings = Config()
        settings.HistoryManager.enabled = False
        settings.InteractiveShell.colors = "nocolor"
        self.shell = InteractiveShell.instance(config=settings)
        self.shell.enable_gui = lambda *args: None  # there is no screen, which `%matplotlib inline` need not know
        sys.modules[check.__name__] = swinlib.check = AskingCheck(self)
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

    def call(self, name: str, case: dict) -> dict[str, object]:
        """Call what a check was given, or else what bears the name of the exercise: an `Outcome` as a dict."""
        if not self.asked_about and name not in self.shell.user_ns:
            return {"error": UNDEFINED}
        answer = self.asked_about[-1] if self.asked_about else self.shell.user_ns[name]
        try:
            if not callable(answer):
                return {"error": UNDEFINED, "message": f"{name} is {show(answer)}, not a function"}
            with captured():
                outcome = self.exercises[name].attempt(answer, case)
            told = {"value": outcome.value, "error": outcome.error, "message": outcome.message[:MOST_TEXT]}
            pack(told)
            return told
        except WireError as raised:
            return {"error": "WireError", "message": str(raised)}
        except BaseException as raised:
            return {"error": type(raised).__name__, "message": f"your code raised {_in_words(raised)}"}


class AskingCheck(ModuleType):
    """Stands for `swinlib.check` in a student's notebook: ``check.roll(f)`` asks the grader what it thinks of f.

    It prints and raises what the real one would, so that the notebook goes on as it does on the student's machine.
    """

    CheckFailed = check.CheckFailed

    def __init__(self, notebook: Notebook) -> None:
        super().__init__(check.__name__, type(self).__doc__)
        self.__dict__["_notebook"] = notebook

    def __getattr__(self, name: str) -> Callable[[object], None]:
        if name.startswith("_"):
            raise AttributeError(f"module {check.__name__!r} has no attribute {name!r}")

        def asking(answer: object) -> None:
            notebook = self._notebook
            notebook.asked_about.append(answer)
            try:
                passed, said = notebook.line.ask_about(name, notebook)
            finally:
                notebook.asked_about.pop()
            if passed is False:
                raise check.CheckFailed(said)
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
