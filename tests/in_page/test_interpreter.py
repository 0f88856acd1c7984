"""The page's Python against CPython: the same programs print the same, or end with the same words."""

import contextlib
import io
from pathlib import Path

import pytest
from in_chromium import judging

STORED = {"cases": [], "expected": [], "compared": [], "mistakes": [], "values": []}  # of an exercise without cases
PROGRAMS = Path(__file__).with_name("programs.txt").read_text(encoding="utf-8").strip().split("\n---\n")

# Where it speaks in other words, of the same error: those of Python 3.14, or its own.
OTHER_WORDS = ("import math\nmath.sqrt(-1)", "a, b = [1, 2, 3]", "a, b, c = (1, 2)", "'a' + 1", "[] + ()")


def in_cpython(program):
    """What a program prints, and how it ends."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(program, "program", "exec"), {"__name__": "__main__"})
        except Exception as error:
            return printed.getvalue(), f"{type(error).__name__}: {error}"
    return printed.getvalue(), ""


@pytest.mark.slow
def test_programs_end_alike(browser):
    unlike = {}
    with judging("07_roll_and_shifted_windows", {"roll": STORED}, browser) as answer:
        for program in (*PROGRAMS, *OTHER_WORDS):
            found = answer("roll", program)
            ended = found["message"].partition("your code raised ")[2].partition("\n")[0]
            expected = in_cpython(program)
            if program in OTHER_WORDS:
                expected, ended = (expected[0], expected[1].partition(":")[0]), ended.partition(":")[0]
            if (found["printed"], ended) != expected:
                unlike[program] = (found["printed"], ended or found["message"], expected)
    assert not unlike, "\n".join(f"{program}\n  {told}" for program, told in unlike.items())
