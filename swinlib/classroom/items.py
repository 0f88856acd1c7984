"""What the results of a class say of its exercises: how difficult they are, what they tell apart, what went wrong.

These are the two figures of classical test theory. An exercise's *difficulty* is the mean share of its points that
students got, from 0 to 1, so that a high one is easy; work that was handed in without the exercise counts as 0. Its
*discrimination* is the correlation of that share with the student's points in all other exercises of the assignment:
near 0, or below, those who are good at the rest are no better at this one, so its text or its check is worth a look.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from swinlib.check.exercise import UNDEFINED, UNWRITTEN

LEAST_STUDENTS = 20  # for a discrimination: with fewer, chance alone gives correlations beyond 0.4
NOT_ENOUGH = "not enough"
FIRST_WORDS = 12

ITEMS = ("assignment", "exercise", "students", "answered", "right", "difficulty", "discrimination")
MISTAKES = ("assignment", "exercise", "mistake", "students", "share", "explanation")

Row = Mapping[str, object]


@dataclass(frozen=True)
class Item:
    """One exercise, as a class did it.

    Attributes:
        assignment: to which it belongs.
        exercise: its name.
        students: whose work was graded.
        answered: those of them who wrote something for it.
        right: those who got all of its points.
        difficulty: the mean share of its points, from 0 to 1; None where it is worth none.
        discrimination: the correlation with the points of all other exercises, from -1 to 1; None where it is not
            defined (all students alike, no other exercise, or fewer than `LEAST_STUDENTS`).
    """

    assignment: str
    exercise: str
    students: int
    answered: int
    right: int
    difficulty: float | None
    discrimination: float | None

    def row(self) -> dict[str, object]:
        """As a row of ``items.csv``."""
        return {**vars(self), "difficulty": told(self.difficulty), "discrimination": told(self.discrimination)}


@dataclass(frozen=True)
class Made:
    """A known mistake, and how many students made it.

    Attributes:
        assignment: to which the exercise belongs.
        exercise: its name.
        mistake: the mistake's name.
        students: who made it.
        share: of those who answered, from 0 to 1.
        explanation: the first words of what its authors are told.
    """

    assignment: str
    exercise: str
    mistake: str
    students: int
    share: float
    explanation: str

    def row(self) -> dict[str, object]:
        """As a row of ``mistakes.csv``."""
        return {**vars(self), "share": round(self.share, 3)}


def told(figure: float | None) -> float | str:
    """A figure for a table."""
    return NOT_ENOUGH if figure is None else round(figure, 3)


def analyse(results: Iterable[Row]) -> list[Item]:
    """The exercises of all assignments, in the order of the results.

    Args:
        results: rows of ``results.csv``; those that have no points in the gradebook are left out.
    """
    return [item for rows in _by_assignment(results).values() for item in _items(rows)]


def count_mistakes(results: Iterable[Row], explanations: Mapping[tuple[str, str, str], str]) -> list[Made]:
    """The known mistakes of each assignment, the most frequent first.

    Args:
        results: rows of ``results.csv``.
        explanations: by assignment, exercise and mistake, what its authors are told.
    """
    made = []
    for assignment, rows in _by_assignment(results).items():
        answered = Counter(row["exercise"] for row in rows if _is_answered(row))
        counts = Counter((row["exercise"], row["mistake"]) for row in rows if row["mistake"])
        for (exercise, mistake), count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])):
            words = first_words(explanations.get((assignment, exercise, mistake), ""))
            made.append(Made(assignment, exercise, mistake, count, count / answered[exercise], words))
    return made


def first_words(text: str, most: int = FIRST_WORDS) -> str:
    """The beginning of a text, in at most so many words."""
    words = text.split()
    return " ".join(words[:most]) + (" ..." if len(words) > most else "")


def _by_assignment(results: Iterable[Row]) -> dict[str, list[Row]]:
    groups = defaultdict(list)
    for row in results:
        if row["points"] != "":
            groups[row["assignment"]].append(row)
    return groups


def _items(rows: list[Row]) -> list[Item]:
    students = {student: number for number, student in enumerate(dict.fromkeys(row["student"] for row in rows))}
    exercises = {exercise: number for number, exercise in enumerate(dict.fromkeys(row["exercise"] for row in rows))}
    points = np.zeros((len(students), len(exercises)))
    most = np.zeros(len(exercises))
    answered, right = Counter(), Counter()
    for row in rows:
        place = students[row["student"]], exercises[row["exercise"]]
        points[place] = float(row["points"])
        most[place[1]] = float(row["max_points"])
        answered[row["exercise"]] += _is_answered(row)
        right[row["exercise"]] += float(row["points"]) >= float(row["max_points"]) and _is_answered(row)
    return [
        Item(
            rows[0]["assignment"],
            exercise,
            len(students),
            answered[exercise],
            right[exercise],
            float(points[:, number].mean() / most[number]) if most[number] else None,
            _correlation(points[:, number], np.delete(points, number, axis=1).sum(axis=1)),
        )
        for exercise, number in exercises.items()
    ]


def _is_answered(row: Row) -> bool:
    """Whether a student wrote something for the exercise, as the message of its check says."""
    return row["message"].partition(": ")[2] not in (UNWRITTEN, UNDEFINED)


def _correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    if len(one) < LEAST_STUDENTS or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])
