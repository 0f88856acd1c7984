"""What a page's interpreter does with what a learner wrote: run it, and say what is wrong."""

import sys

import torch

from swinlib.answers import beside

from .verdict import Stored, no_verdict_on

PRINTED = 4000  # letters of what an answer prints that are kept
RIGHT, WRONG, MISSING = "right", "wrong", "missing"


class Printed:
    """Stands for the standard output: the beginning is kept, a flood is not."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text[: max(PRINTED - len(self.text), 0)]
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""


class Chapter:
    """The exercises of a chapter in a page.

    Args:
        name: such as ``"07_roll_and_shifted_windows"``.
        setup: the code that stands before the exercises.
        exercises: by name, with what code is ``given`` and what is ``stored`` of it, as `stored.stored` makes it.
    """

    def __init__(self, name: str, setup: str, exercises: dict[str, dict]) -> None:
        checks = __import__(f"swinlib.check.c{name}", fromlist=["*"])
        self.setup, self.given = setup, {name: told["given"] for name, told in exercises.items()}
        self.stored = {name: Stored(getattr(checks, name), told["stored"]) for name, told in exercises.items()}
        self.tries = 0

    def answer(self, name: str, source: str) -> dict[str, str]:
        """The verdict on an answer, in the words of `swinlib.check`.

        Returns:
            ``verdict``: ``right``, ``wrong``, or ``missing`` where none is reached; ``message``; and ``printed``, what
            the answer printed.
        """
        printed, before = Printed(), sys.stdout
        sys.stdout = printed
        try:
            verdict, message = self._verdict(name, source)
        except torch.NotHere as lacking:
            verdict, message = MISSING, _upper(str(lacking)) + "."
        finally:
            sys.stdout = before
        return {"verdict": verdict, "message": message, "printed": printed.text}

    def _verdict(self, name: str, source: str) -> tuple[str, str]:
        self.tries += 1
        file = f"answer {self.tries}"
        beside.SOURCES[file] = source.split("\n")
        torch.NotHere.asked.clear()
        try:
            code = compile(source, file, "exec")
        except SyntaxError as error:
            line = (beside.SOURCES[file] + [""])[min(error.lineno or 1, len(beside.SOURCES[file])) - 1].strip()
            where = f"line {error.lineno}: {line}" if line else f"line {error.lineno}"
            return WRONG, f"{name}: Python cannot read {where}\n  {type(error).__name__}: {error.msg}"
        names = {"__name__": "__main__"}
        exec(compile("\n".join((self.setup, self.given[name])), "given", "exec"), names)
        known = names.get(name)
        try:
            exec(code, names)
        except Exception as error:
            said = beside.what_was_raised(error)
            no_verdict_on(type(error).__name__, said)
            return WRONG, f"{name}: {said}"
        if name not in names or (names[name] is known and f"def {name}" not in source):
            wrote = [key for key, value in names.items() if _defined_in(value, code)]
            instead = f"; your code defines {', '.join(wrote)}" if wrote else ""
            return WRONG, f"{name}: not defined{instead}. The exercise asks for a function of that name."
        if not callable(names[name]):
            return WRONG, f"{name}: the exercise asks for a function of that name; got {names[name]!r}"
        verdict = self.stored[name].judge(names[name])
        return (RIGHT if verdict.passed else WRONG), verdict.message


def _defined_in(value: object, code: object) -> bool:
    return getattr(getattr(value, "__code__", None), "co_filename", None) == code.co_filename


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
