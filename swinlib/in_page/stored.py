"""What a build stores for an exercise: the cases, what is expected, and what each known mistake answers."""

import json
from functools import partial

from ..check.exercise import Case, Exercise, Outcome
from .values import encode


def stored_cases(exercise: Exercise) -> list[Case]:
    """The fixed cases, those on which answers are compared, and the smallest on which each known mistake fails.

    Smallest first: by the length of what a message says about them.
    """
    found = list(exercise.samples)
    for mistake in exercise.mistakes:
        verdict = exercise.examine(partial(exercise.attempt, mistake.function, anything_goes=True))
        if verdict.case is not None:
            found.append(verdict.case)
    different = {json.dumps(case): case for case in found}
    return sorted(different.values(), key=partial(_size, exercise))


def _size(exercise: Exercise, case: Case) -> tuple:
    """How much there is to look at in a case: the entries of its tensors, then its numbers."""

    def entries(value: object) -> int:
        if hasattr(value, "numel"):
            return value.numel()
        if isinstance(value, dict):
            value = list(value.values())
        return sum(map(entries, value)) if isinstance(value, (list, tuple)) else 1

    text = json.dumps(case)
    numbers = sum(abs(value) for value in case.values() if isinstance(value, int))
    return (entries(list(exercise.arguments(**case).values())), numbers, len(text), text)


def stored(exercise: Exercise) -> dict[str, object]:
    """All that a page needs to judge an answer, as JSON.

    Returns:
        ``cases``; ``values``, a table; ``expected``, for each case where in the table it is; ``compared``, the numbers
        of the cases on which an answer is held against the known mistakes; and ``mistakes``, each with its name,
        explanation, credit and ``outcomes``: for each case an outcome's value in the table, error, and changed
        arguments.

    Raises:
        TypeError: if a result is not data.
    """
    cases = stored_cases(exercise)
    table: dict[str, int] = {}

    def place(value: object) -> int:
        return table.setdefault(json.dumps(encode(value)), len(table))

    def outcome(found: Outcome) -> list:
        if found.error is not None:
            return [found.error]
        return [place(found.value), *found.changed]

    expected = [place(exercise.expected(case)) for case in cases]
    mistakes = [
        {
            "name": mistake.name,
            "explanation": mistake.explanation,
            "credit": mistake.credit,
            "outcomes": [outcome(exercise.attempt(mistake.function, case, anything_goes=True)) for case in cases],
        }
        for mistake in exercise.mistakes
    ]
    texts = [json.dumps(case) for case in cases]
    return {
        "name": exercise.name,
        "cases": [encode(case) for case in cases],
        "expected": expected,
        "compared": [texts.index(json.dumps(case)) for case in exercise.samples],
        "mistakes": mistakes,
        "values": [json.loads(text) for text in table],
    }
