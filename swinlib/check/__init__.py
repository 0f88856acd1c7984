"""Checks for the exercises of the book: ``check.window_reverse(my_function)``.

One module a chapter, named like its page in ``book/exercises``; `exercise` holds what they share.
"""

import importlib.util
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType

from .exercise import CheckFailed, Exercise, Outcome, Verdict
from .variants import make_variant, read_variants


def _exercises(module: ModuleType) -> Mapping[str, Exercise]:
    return MappingProxyType({name: value for name, value in vars(module).items() if isinstance(value, Exercise)})


CHAPTERS: Mapping[str, Mapping[str, Exercise]] = MappingProxyType(
    {
        module.name[1:]: _exercises(import_module(f".{module.name}", __name__))
        for module in iter_modules(__path__)
        if module.name[0] == "c" and module.name[1:3].isdigit()
    }
)
"""The exercises by chapter and name: ``CHAPTERS["07_roll_and_shifted_windows"]["roll"]``."""

EXERCISES: Mapping[str, Exercise] = MappingProxyType(
    {name: exercise for chapter in CHAPTERS.values() for name, exercise in chapter.items()}
)
"""All exercises by name."""


def load(checks: str | Path) -> Mapping[str, Exercise]:
    """The exercises of a chapter, or of a file of your own.

    Args:
        checks: ``"07_roll_and_shifted_windows"``, or the path of a Python file that defines exercises as the chapters
            do, or of a TOML file of variants (see `variants`).

    Raises:
        ValueError: if there is no such chapter and no such file, or the file defines no exercise.
    """
    if str(checks) in CHAPTERS:
        return CHAPTERS[str(checks)]
    path = Path(checks)
    if path.suffix == ".toml" and path.is_file():
        chapter, variants = read_variants(path)
        known = load(chapter)
        if unknown := sorted(set(variants) - set(known)):
            raise ValueError(f"{checks}: {chapter} has no exercise {unknown[0]!r}; it has {', '.join(known)}")
        return MappingProxyType({how.name: make_variant(known[name], how) for name, how in variants.items()})
    if not path.is_file():
        raise ValueError(f"no chapter and no file {str(checks)!r}; the chapters with exercises: {', '.join(CHAPTERS)}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{str(checks)!r} is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not (found := _exercises(module)):
        raise ValueError(f"{str(checks)!r} defines no exercise; swinlib/check/exercise.py says how to define one")
    return found


globals().update(EXERCISES)

__all__ = ["CHAPTERS", "EXERCISES", "CheckFailed", "Exercise", "Outcome", "Verdict", "load", *EXERCISES]
