"""Private variants of the book's exercises: other names, another order of parameters, fixed numbers.

The solutions of the book are published. A variant asks for the same with another face, so that a published solution
neither runs nor fits: `roll(x, shift)` becomes `turn(vector)` with a shift that is always 3. Its mistakes, its messages
and its pictures are those of the exercise that it is made of. A teacher writes a file such as::

    chapter = "07_roll_and_shifted_windows"

    [roll]
    name = "turn"
    parameters = { x = "vector" }   # other names
    fixed = { shift = 3 }           # always this number, so no longer a parameter

    [window_reverse]
    name = "reassemble"
    order = ["width", "height", "windows"]   # by their old names
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies

from .exercise import Case, Exercise

SAMPLES = 20  # cases that are looked at to see whether a fixed number arrives as it is


@dataclass(frozen=True)
class Variant:
    """How an exercise is changed.

    Attributes:
        name: of the function to write.
        parameters: new names by old ones; one that is not named stays as it is.
        order: of the parameters, by their old names; as before if empty.
        fixed: numbers by old names.
        points: if they differ from the page's.
    """

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    order: Sequence[str] = ()
    fixed: Mapping[str, object] = field(default_factory=dict)
    points: int | None = None

    def signature(self, old: Sequence[str]) -> dict[str, str]:
        """The new parameters, by their old names, from the old ones."""
        return {name: self.parameters.get(name, name) for name in self.order or old if name not in self.fixed}


def read_variants(path: Path | str) -> tuple[str, dict[str, Variant]]:
    """The chapter and the variants, by the exercise that each is made of.

    Raises:
        ValueError: if the file is not as this module says; the message names the file, what stands there, and what may.
    """
    try:
        told = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not written in TOML: {error}") from None
    chapter = told.pop("chapter", None)
    if not isinstance(chapter, str):
        raise ValueError(f'{path} must begin with a line such as chapter = "07_roll_and_shifted_windows"')
    variants = {}
    for exercise, how in told.items():
        known = set(Variant.__dataclass_fields__)
        if not isinstance(how, dict) or "name" not in how or not set(how) <= known:
            raise ValueError(
                f"{path}, [{exercise}]: a variant needs a name, and may have {', '.join(sorted(known - {'name'}))}; "
                f"got {', '.join(how) if isinstance(how, dict) else how!r}"
            )
        if not all(name.isidentifier() for name in (how["name"], *how.get("parameters", {}).values())):
            raise ValueError(f"{path}, [{exercise}]: names must be valid in Python; got {how}")
        variants[exercise] = Variant(**how)
    if not variants:
        raise ValueError(f"{path} has no variant; write a table such as [roll] with a name")
    return chapter, variants


def make_variant(exercise: Exercise, how: Variant) -> Exercise:
    """An exercise of its own, that asks for what another asks.

    Raises:
        ValueError: if the change does not fit the exercise.
    """
    first = dict(exercise.always[0]) if exercise.always else exercise.samples[0]
    old = list(exercise.arguments(**first))
    _fits(exercise, how, old)
    signature = how.signature(old)

    def fix(case: Case) -> Case:
        return {**case, **how.fixed}

    def arguments(**case: object) -> dict[str, object]:
        given = exercise.arguments(**fix(case))
        return {new: given[name] for name, new in signature.items()}

    def whole(given: Mapping[str, object]) -> dict[str, object]:
        """The exercise's own arguments, in its order, from the variant's."""
        by_old_name = {name: given[new] for name, new in signature.items()}
        return {name: by_old_name.get(name, how.fixed.get(name)) for name in old}

    def as_variant(function: Callable) -> Callable:
        """A function of the exercise's arguments as one of the variant's."""

        def called(*given: object) -> object:
            return function(*whole(dict(zip(signature.values(), given, strict=True))).values())

        called.__name__, called.__doc__ = getattr(function, "__name__", how.name), function.__doc__
        return called

    adapted = as_variant if exercise.calls_plainly else lambda function: function
    arguments.__name__, arguments.__doc__ = how.name, exercise.__doc__
    made = Exercise(
        arguments,
        adapted(exercise.reference),
        {name: strategies.just(how.fixed.get(name)) if name in how.fixed else s for name, s in exercise.drawn.items()},
        always=tuple(fix(case) for case in exercise.always),
        probe=None if exercise.calls_plainly else exercise.probe,
        changes=tuple(signature.get(name, name) for name in exercise.changes),
        without=exercise.without,
        inputs=exercise.inputs,
    )
    made.judge(lambda got, want, **given: exercise.judged(got, want, **whole(given)))
    for mistake in exercise.mistakes:
        made.mistake(adapted(mistake.function), credit=mistake.credit)
    if exercise.everywhere is not None and not exercise.calls_plainly:  # its arguments are as they were
        made.same_everywhere(exercise.everywhere)
    if exercise.pictured is not None:
        made.picture(lambda got, want, **given: exercise.pictured(got, want, **whole(given)))
    return made


def _fits(exercise: Exercise, how: Variant, old: list[str]) -> None:
    for name in (*how.parameters, *how.order):
        if name not in old:
            raise ValueError(f"{exercise.name} has no parameter {name!r}; it has {', '.join(old)}")
    if how.order and sorted(how.order) != sorted(old):
        raise ValueError(f"the order of {exercise.name} must name all of {', '.join(old)}; got {', '.join(how.order)}")
    if (how.order or how.fixed) and not exercise.calls_plainly:
        raise ValueError(f"{exercise.name} is tried in a way of its own: its names can be changed, but nothing else")
    for name, number in how.fixed.items():
        if name not in exercise.drawn or name not in old:
            can = ", ".join(each for each in old if each in exercise.drawn) or "none"
            raise ValueError(f"{name!r} of {exercise.name} cannot be fixed; what can: {can}")
        for case in exercise.samples[:SAMPLES]:
            if exercise.arguments(**{**case, name: number})[name] != number:
                raise ValueError(f"{name!r} of {exercise.name} cannot be {number!r} on all inputs, on {case} for one")
