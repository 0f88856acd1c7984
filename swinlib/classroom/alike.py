"""Hand-ins that are alike: evidence for a teacher to read, and never a grade.

Code is compared by copydetect as a sequence of symbols, in which every name of a variable, a function or an attribute
is the same symbol and comments and spaces are none, so that neither other names nor another order of functions hide a
copy. What was handed out does not count. Two hand-ins have in common the share of the runs of `RUN` symbols that both
have: twice those in both, divided by those of each together.

Code of students is read here, and never run.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment, FileSystemLoader

if TYPE_CHECKING:
    from copydetect import CodeFingerprint

RUN = 25  # symbols; copydetect's own choice: what is shorter is alike by chance
LEAST_RUNS = 40  # of a hand-in; of a shorter one nothing can be said
MOST_CODE = 50_000  # characters of a student's code that are looked at
MOST_PAIRS = 50  # that are reported
AT_A_TIME = 4096  # runs, when hand-ins are compared
MEANING = "evidence, never a grade"
COLUMNS = (
    *("assignment", "place", "student", "other", "in_common", "of_student", "of_other", "in_solution"),
    *("lines_of_student", "lines_of_other", "meaning"),
)

Work = Mapping[str, str]  # a student's own code, by exercise


@dataclass(frozen=True)
class Evidence:
    """What two students' answers to one exercise have in common.

    Attributes:
        exercise: its name.
        one: the first student's lines, and whether each is among those that agree.
        other: the second student's.
    """

    exercise: str
    one: tuple[tuple[str, bool], ...]
    other: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Pair:
    """Two hand-ins.

    Attributes:
        one: a student.
        other: another.
        in_common: share of their code, from 0 to 1.
        of_one: share of the first one's code that the second has.
        of_other: share of the second one's code that the first has.
        in_solution: share of what they have in common that stands in the assignment's own solution as well.
        evidence: by exercise.
    """

    one: str
    other: str
    in_common: float
    of_one: float
    of_other: float
    in_solution: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Usual:
    """What any two hand-ins have in common: shares from 0 to 1.

    Attributes:
        answers: that were compared.
        half: of the pairs have at most this in common.
        of_ten: nine of ten pairs have at most this.
        of_hundred: ninety-nine of a hundred.
    """

    answers: int
    half: float
    of_ten: float
    of_hundred: float


@dataclass(frozen=True)
class Report:
    """The hand-ins of a class, compared.

    Attributes:
        pairs: those that have most in common, in this order.
        usual: of any two hand-ins, as a whole.
        by_exercise: of any two answers to each exercise: short ones are alike by themselves.
        too_short: students of whose work nothing can be said.
        cut: students whose code was not looked at to its end.
    """

    pairs: tuple[Pair, ...]
    usual: Usual
    by_exercise: Mapping[str, Usual]
    too_short: tuple[str, ...]
    cut: tuple[str, ...]


def compare(
    work: Mapping[str, Work],
    handed_out: Mapping[str, Iterable[str]],
    solution: Iterable[str] = (),
    *,
    most: int = MOST_PAIRS,
) -> Report:
    """Find the hand-ins that have most in common.

    Args:
        work: each student's own code, by exercise.
        handed_out: the code that each student got.
        solution: the code of the assignment's own solution.
        most: pairs that are reported.
    """
    cut = tuple(student for student, answers in work.items() if sum(map(len, answers.values())) > MOST_CODE)
    work = {student: _clipped(answers) for student, answers in work.items()}
    given = {student: _runs_of_all(tuple(handed_out.get(student, ()))) for student in work}
    runs = {
        student: {exercise: np.setdiff1d(_runs(code), given[student]) for exercise, code in answers.items()}
        for student, answers in work.items()
    }
    whole = {student: _together(answers.values()) for student, answers in runs.items()}
    too_short = tuple(student for student, found in whole.items() if len(found) < LEAST_RUNS)
    students = [student for student in whole if student not in too_short]
    both = _in_both([whole[student] for student in students])
    shares = _shares(both)
    known = _runs_of_all(tuple(solution))
    pairs = []
    for i, j in _first(shares, most):
        one, other = students[i], students[j]
        same = np.intersect1d(whole[one], whole[other])
        in_solution = float(np.isin(same, known).mean())
        evidence = tuple(_evidence(work[one], work[other], given[one], given[other]))
        of_each = both[i, j] / both[i, i], both[i, j] / both[j, j]
        pairs.append(Pair(one, other, float(shares[i, j]), *map(float, of_each), in_solution, evidence))
    exercises = dict.fromkeys(exercise for answers in runs.values() for exercise in answers)
    by_exercise = {
        exercise: _usual([of[exercise] for of in runs.values() if len(of.get(exercise, ())) > 0])
        for exercise in exercises
    }
    usual = _usual([whole[student] for student in students])
    return Report(tuple(pairs), usual, by_exercise, too_short, cut)


def _clipped(answers: Work) -> dict[str, str]:
    """A student's code up to `MOST_CODE` characters of all answers together."""
    left, kept = MOST_CODE, {}
    for exercise, code in answers.items():
        kept[exercise] = code[:left]
        left -= len(kept[exercise])
    return kept


def _fingerprint(code: str) -> "CodeFingerprint":
    from copydetect import CodeFingerprint  # here: it loads matplotlib, which no other command needs

    # a window of 1 keeps every run, so that nothing depends on the hashes, which differ from process to process
    return CodeFingerprint("", RUN, 1, language="python", fp=io.StringIO(code))


def _runs(code: str) -> np.ndarray:
    """The different runs of symbols of a source."""
    return np.array(sorted(_fingerprint(code).hashes), dtype=np.int64)


@cache
def _runs_of_all(sources: tuple[str, ...]) -> np.ndarray:
    """Those of several sources; a class gets the same ones again and again."""
    return _together(map(_runs, sources))


def _together(runs: Iterable[np.ndarray]) -> np.ndarray:
    return np.unique(np.concatenate([np.array([], dtype=np.int64), *runs]))


def _in_both(runs: Sequence[np.ndarray]) -> np.ndarray:
    """The number of runs that each two have in common; each with itself on the diagonal."""
    both = np.diag([float(len(each)) for each in runs]) if runs else np.zeros((0, 0))
    owners = np.repeat(np.arange(len(runs)), [len(each) for each in runs])
    _, run, counts = np.unique(_flat(runs), return_inverse=True, return_counts=True)
    several = counts[run] > 1  # a run that only one has is in common with nobody
    owners, run = owners[several], np.unique(run[several], return_inverse=True)[1]
    order = np.argsort(run, kind="stable")
    owners, run = owners[order], run[order]
    total = np.zeros((len(runs), len(runs)), dtype=np.float32)
    for begin in range(0, int(run[-1]) + 1 if len(run) else 0, AT_A_TIME):
        part = slice(*np.searchsorted(run, [begin, begin + AT_A_TIME]))
        has = np.zeros((len(runs), AT_A_TIME), dtype=np.float32)
        has[owners[part], run[part] - begin] = 1
        total += has @ has.T
    return np.where(np.eye(len(runs), dtype=bool), both, total)


def _flat(runs: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.array([], dtype=np.int64), *runs])


def _shares(both: np.ndarray) -> np.ndarray:
    own = np.diag(both)
    return 2 * both / np.maximum(own[:, None] + own[None, :], 1)


def _first(shares: np.ndarray, most: int) -> list[tuple[int, int]]:
    """The pairs with most in common, in this order; of equal ones in the order of the students."""
    one, other = np.triu_indices(len(shares), 1)
    order = np.argsort(-shares[one, other], kind="stable")[:most]
    return [(int(one[k]), int(other[k])) for k in order if shares[one[k], other[k]] > 0]


def _usual(runs: Sequence[np.ndarray]) -> Usual:
    shares = _shares(_in_both(runs))[np.triu_indices(len(runs), 1)]
    if not len(shares):
        return Usual(len(runs), 0.0, 0.0, 0.0)
    return Usual(len(runs), *map(float, np.quantile(shares, [0.5, 0.9, 0.99])))


# Evidence -------------------------------------------------------------------------------------------------------


def _evidence(one: Work, other: Work, given_one: np.ndarray, given_other: np.ndarray) -> Iterable[Evidence]:
    """By exercise, the lines that agree."""
    from copydetect import compare_files

    for exercise in (name for name in one if name in other):
        prints = []
        for code, given in ((one[exercise], given_one), (other[exercise], given_other)):
            fingerprint = _fingerprint(code)
            # not by copydetect's own `boilerplate`, which takes a run that stands twice for one that was handed out
            fingerprint.hashes -= set(given.tolist())
            prints.append(fingerprint)
        _, _, slices = compare_files(*prints)
        if all(each.size for each in slices):
            yield Evidence(exercise, *(_marked(p.raw_code, s) for p, s in zip(prints, slices, strict=True)))


def _marked(code: str, slices: np.ndarray) -> tuple[tuple[str, bool], ...]:
    """The lines of a source, and whether each stands in one of the slices; an empty one never does."""
    agree = {
        line
        for begin, end in slices.T
        for line in range(code.count("\n", 0, int(begin)), code.count("\n", 0, max(int(begin), int(end) - 1)) + 1)
    }
    return tuple((line, number in agree and bool(line.strip())) for number, line in enumerate(code.split("\n")))


# For the teacher ------------------------------------------------------------------------------------------------


def rows(assignment: str, report: Report) -> list[dict[str, object]]:
    """The pairs as rows of a table, see `COLUMNS`."""
    return [
        {
            "assignment": assignment,
            "place": place,
            "student": pair.one,
            "other": pair.other,
            "in_common": round(pair.in_common, 3),
            "of_student": round(pair.of_one, 3),
            "of_other": round(pair.of_other, 3),
            "in_solution": round(pair.in_solution, 3),
            "lines_of_student": "; ".join(f"{each.exercise} {_ranges(each.one)}" for each in pair.evidence),
            "lines_of_other": "; ".join(f"{each.exercise} {_ranges(each.other)}" for each in pair.evidence),
            "meaning": MEANING,
        }
        for place, pair in enumerate(report.pairs, start=1)
    ]


def _ranges(lines: Sequence[tuple[str, bool]]) -> str:
    """Numbers of lines, such as ``2-4, 7``."""
    numbers = [number for number, (_, agrees) in enumerate(lines, start=1) if agrees]
    groups = [
        [number for _, number in group] for _, group in groupby(enumerate(numbers), lambda item: item[1] - item[0])
    ]
    return ", ".join(str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}" for group in groups)


def page(assignment: str, report: Report) -> str:
    """The report as a page of HTML that holds no script and asks for nothing; all that students wrote is text in it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates" / "alike"), autoescape=True, trim_blocks=True
    )
    environment.filters["percent"] = lambda share: f"{share:.0%}"
    return environment.get_template("index.html.j2").render(assignment=assignment, report=report, meaning=MEANING)
