"""A class of students who are drawn: able ones answer right, others make a known mistake or leave the stub.

What each one does with an exercise follows the Rasch model: the chance of a right answer is the logistic function of
the student's ability less the exercise's difficulty, both in logits.
"""

import importlib.util
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from swinlib import check
from swinlib.check.exercise import Verdict
from swinlib.classroom.course import find_page
from swinlib.classroom.pages import Page, read_page

ALTERNATIVES = Path(__file__).resolve().parents[1] / "check" / "alternatives"
UNFINISHED = 0.3  # share of wrong answers that are stubs
STEEPNESS = 1.5  # of the logistic function


@dataclass(frozen=True)
class Answer:
    """What a student hands in for an exercise.

    Attributes:
        function: that is called.
        mistake: the known one that it is, if any.
        written: whether it is more than the stub.
    """

    function: Callable
    mistake: str | None = None
    written: bool = True


def stub(*arguments: object) -> None:
    """An exercise as it was handed out."""
    raise NotImplementedError("your turn")


@cache
def page_of(chapter: str) -> Page:
    """A page of the book."""
    return read_page(find_page(chapter))


@cache
def alternatives(chapter: str) -> Mapping[str, Sequence[Callable]]:
    """Right answers to a chapter's exercises, by exercise."""
    spec = importlib.util.spec_from_file_location(f"alternatives_{chapter}", ALTERNATIVES / f"c{chapter}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ALTERNATIVES


@cache
def solution(chapter: str, exercise: str) -> Callable:
    """The page's answer."""
    [found] = [each for each in page_of(chapter).exercises if each.name == exercise]
    names: dict[str, object] = {}
    for code in (page_of(chapter).setup, found.given, found.solution):
        exec(compile(code, "exercise", "exec"), names)
    return names[exercise]


@cache
def verdict(exercise: str, function: Callable) -> Verdict:
    """What the check says of an answer; each is asked about once, however many students give it."""
    known = check.EXERCISES[exercise]
    return known.examine(partial(known.attempt, function, anything_goes=True))


@dataclass(frozen=True)
class SimulatedClass:
    """Students, what they can, and what they hand in.

    Attributes:
        chapter: whose page they do.
        difficulties: by exercise, in logits; None for one that is answered at random.
        answers: by student and exercise.
    """

    chapter: str
    difficulties: Mapping[str, float | None]
    answers: Mapping[str, Mapping[str, Answer]]

    def results(self) -> list[dict[str, object]]:
        """The rows that ``results.csv`` would have."""
        points = {exercise.name: exercise.points for exercise in page_of(self.chapter).exercises}
        rows = []
        for student, answers in self.answers.items():
            for exercise, answer in answers.items():
                said = verdict(exercise, answer.function)
                rows.append(
                    {
                        "assignment": self.chapter,
                        "student": student,
                        "exercise": exercise,
                        "points": said.credit * points[exercise],
                        "max_points": float(points[exercise]),
                        "mistake": said.mistake or "",
                        "message": " ".join(said.message.split()),
                        "look": "",
                    }
                )
        return rows


def simulate(chapter: str, *, students: int = 300, at_random: str | None = None, seed: int = 0) -> SimulatedClass:
    """A class that does one page.

    Args:
        chapter: whose page it is.
        students: how many.
        at_random: an exercise that everybody gets right with a chance of one half.
        seed: of everything that is drawn.
    """
    drawn = random.Random(seed)
    names = [exercise.name for exercise in page_of(chapter).exercises]
    logits = [-1.5 + 3 * number / (len(names) - 1) for number in range(len(names))]
    drawn.shuffle(logits)
    difficulties = {name: None if name == at_random else logit for name, logit in zip(names, logits, strict=True)}
    answers = {}
    for number in range(students):
        ability = drawn.gauss(0, 1)
        answers[f"student-{number:03}"] = {
            name: _answer(chapter, name, _chance(ability, difficulty), drawn)
            for name, difficulty in difficulties.items()
        }
    return SimulatedClass(chapter, difficulties, answers)


def _chance(ability: float, difficulty: float | None) -> float:
    return 0.5 if difficulty is None else 1 / (1 + math.exp(-STEEPNESS * (ability - difficulty)))


def _answer(chapter: str, exercise: str, chance: float, drawn: random.Random) -> Answer:
    if drawn.random() < chance:
        return Answer(drawn.choice([solution(chapter, exercise), *alternatives(chapter)[exercise]]))
    if drawn.random() < UNFINISHED:
        return Answer(stub, written=False)
    mistake = drawn.choice(check.EXERCISES[exercise].mistakes)
    return Answer(mistake.function, mistake.name)
