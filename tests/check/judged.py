"""What the checks say of all known mistakes, and of right answers that are written differently: judged once.

`test_exercises` asserts it of each, and the classes that the tests of the classroom draw are made of the same answers.
`conftest.py` at the root gives both to one process.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from swinlib import check
from swinlib.check.exercise import Verdict

ALTERNATIVES = Path(__file__).resolve().parent / "alternatives"


@cache
def alternatives(chapter: str) -> Mapping[str, Sequence[Callable]]:
    """Right answers to a chapter's exercises that are written in other ways, by exercise."""
    spec = importlib.util.spec_from_file_location(f"alternatives_{chapter}", ALTERNATIVES / f"c{chapter}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ALTERNATIVES


@cache
def verdict(exercise: str, answer: Callable, *, anything_goes: bool = False) -> Verdict:
    """What the check of an exercise says of an answer; known mistakes are written with all that torch has."""
    known = check.EXERCISES[exercise]
    return known.examine(partial(known.attempt, answer, anything_goes=anything_goes))
