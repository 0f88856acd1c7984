"""Checks for the exercises of the book: ``check.window_reverse(my_function)``.

One module a chapter, named like its page in ``book/exercises``; `exercise` holds what they share.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from .exercise import CheckFailed, Exercise, Outcome, Verdict

CHAPTERS: Mapping[str, Mapping[str, Exercise]] = MappingProxyType(
    {
        module.name[1:]: MappingProxyType(
            {
                name: value
                for name, value in vars(import_module(f".{module.name}", __name__)).items()
                if isinstance(value, Exercise)
            }
        )
        for module in iter_modules(__path__)
        if module.name[0] == "c" and module.name[1:3].isdigit()
    }
)
"""The exercises by chapter and name: ``CHAPTERS["07_roll_and_shifted_windows"]["roll"]``."""

EXERCISES: Mapping[str, Exercise] = MappingProxyType(
    {name: exercise for chapter in CHAPTERS.values() for name, exercise in chapter.items()}
)
"""All exercises by name."""

globals().update(EXERCISES)

__all__ = ["CHAPTERS", "EXERCISES", "CheckFailed", "Exercise", "Outcome", "Verdict", *EXERCISES]
