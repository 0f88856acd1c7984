"""Which hand-ins are alike, on a class in which some are copies and some are honest twins."""

import csv
import random
import re
import time

import pytest
from judged import alternatives
from simulated import Answer, copied, disguised, hand_ins, page_of, simulate, written

from swinlib.classroom import alike
from swinlib.classroom.alike import MEANING, MOST_CODE, compare, page, rows
from swinlib.classroom.pages import stub

PAGE = "07_roll_and_shifted_windows"
WHOLE, HALF = 6, 4  # students who copied everything, and half of it
MARKUP = "</pre><script>document.title = 'through'</script>"
LONG = "\n".join(f"    y{n} = x[{n}:].reshape(-1, {n}).sum() + {n} * torch.arange({n} + 3)" for n in range(1, 30))


@pytest.fixture(scope="module")
def planted():
    """The class's work, the copies with their share, the twins."""
    drawn = random.Random(9)
    work = hand_ins(simulate(PAGE, seed=3), seed=3)
    students = list(work)
    copies = []
    for number, (one, other) in enumerate(
        zip(drawn.sample(students[:150], WHOLE + HALF), drawn.sample(students[150:], WHOLE + HALF), strict=True)
    ):
        share = 1.0 if number < WHOLE else 0.5
        work[other] = copied(work[one], drawn, own=work[other], share=share)
        copies.append((one, other, share))
    for number in range(2):
        work[f"book-{number}"] = {
            exercise.name: disguised(exercise.solution, drawn) for exercise in page_of(PAGE).exercises
        }
        work[f"other-{number}"] = {
            name: disguised(written(PAGE, name, Answer(answers[0])), drawn)
            for name, answers in alternatives(PAGE).items()
        }
    return work, copies, [("book-0", "book-1"), ("other-0", "other-1")]


def handed_out():
    return [
        exercise.given if exercise.starts_from_code else stub(exercise.solution) for exercise in page_of(PAGE).exercises
    ]


@pytest.fixture(scope="module")
def report(planted):
    solution = [exercise.solution for exercise in page_of(PAGE).exercises]
    given = handed_out()
    return compare(planted[0], dict.fromkeys(planted[0], given), solution)


def places(report):
    return {frozenset((pair.one, pair.other)): place for place, pair in enumerate(report.pairs, start=1)}


@pytest.mark.slow
def test_copies_come_first_and_honest_twins_with_them(planted, report):
    _, copies, twins = planted
    found = places(report)
    whole = [found[frozenset((one, other))] for one, other, share in copies if share == 1]
    honest = [found[frozenset(pair)] for pair in twins]
    # the same short solutions are the same code: they cannot be told from copies, and the page says so
    assert sorted(whole + honest) == list(range(1, WHOLE + len(twins) + 1))
    half = [found.get(frozenset((one, other))) for one, other, share in copies if share < 1]
    print(f"copies {sorted(whole)}, twins {honest}, half copies {half}, usual {report.usual}")
    assert any(place is not None and place <= 20 for place in half)
    [book] = [pair for pair in report.pairs if {pair.one, pair.other} == set(twins[0])]
    others = [pair.in_solution for pair in report.pairs[:8] if pair is not book]
    assert book.in_solution > 0.8 > max(others)


@pytest.mark.slow
def test_what_any_two_have_in_common_is_told(report):
    assert 0 < report.usual.half < report.usual.of_ten < report.usual.of_hundred < 0.9
    assert set(report.by_exercise) == {exercise.name for exercise in page_of(PAGE).exercises}
    assert max(usual.of_ten for usual in report.by_exercise.values()) > report.usual.of_ten  # short ones are alike


@pytest.mark.slow
def test_the_page_says_what_it_is_and_shows_the_lines(report):
    text = " ".join(page("exam", report).split())
    assert f"This is {MEANING}" in text
    assert "Nothing here tells these apart" in text
    assert "Short exercises are alike by themselves" in text
    assert "<mark>" in text
    assert "<script" not in text
    assert all(row["meaning"] == MEANING for row in rows("exam", report))


# Two hand-ins ---------------------------------------------------------------------------------------------------


def two(one, other, given=()):
    return compare({"ann": {"f": one}, "bob": {"f": other}}, {"ann": given, "bob": given})


def test_lines_that_agree_are_shown():
    mine = f"def f(x):\n{LONG}\n    return y1"
    theirs = f"import math\n\n\ndef mine(a, b):\n    return math.sqrt(a) - math.sqrt(b) * 7\n\n\n{mine}"
    [pair] = two(mine, theirs).pairs
    [row] = rows("exam", two(mine, theirs))
    assert pair.of_one == 1 > pair.of_other
    assert row["lines_of_student"] == "f 1-31"
    first, last = map(int, re.fullmatch(r"f (\d+)-(\d+)", row["lines_of_other"]).groups())
    assert first in (7, 8)  # runs may end a line early or late
    assert last == 38


def test_what_was_handed_out_does_not_count():
    given = f"def f(x):\n{LONG}\n    return y1"
    assert two(given, given + "\n# mine", [given]).too_short == ("ann", "bob")
    assert two(given, given).pairs[0].in_common == 1


def test_a_run_that_stands_twice_in_a_students_code_still_counts():
    mine = f"def f(x):\n{LONG}\n{LONG}\n    return y1"
    assert two(mine, mine, ["def g(a):\n    raise NotImplementedError('your turn')"]).pairs[0].in_common == 1


@pytest.mark.one_in(4)
@pytest.mark.parametrize(
    "code",
    [
        pytest.param(MARKUP + "\n" + LONG, id="markup"),
        pytest.param("def f(:\n  )((" + LONG, id="not Python"),
        pytest.param("'" * (2 * MOST_CODE), id="quotes"),
        pytest.param("f'{" * MOST_CODE, id="formats"),
        pytest.param("\\" * (2 * MOST_CODE), id="backslashes"),
        pytest.param("a = 1\n" * MOST_CODE, id="the same line"),
        pytest.param("(" * (2 * MOST_CODE), id="brackets"),
        pytest.param("\ud800 \u202e\x1b[2J".encode("utf-8", "replace").decode() + LONG, id="characters"),
    ],
)
def test_whatever_a_student_writes_the_others_are_compared(code):
    mine = f"def f(x):\n{LONG}\n    return y1"
    began = time.process_time()
    found = compare({"mal": {"f": code}, "max": {"f": code}, "ann": {"f": mine}, "bob": {"f": mine}}, {})
    assert time.process_time() - began < 20
    assert frozenset(("ann", "bob")) in places(found)
    text = page("exam", found)
    assert "<script" not in text
    assert ("mal" in found.cut) == (len(code) > MOST_CODE)


def test_a_table_of_pairs_has_no_formulas(tmp_path):
    from swinlib.classroom.course import _write_rows

    mine = f"def f(x):\n{LONG}\n    return y1"
    found = compare({"ann": {"=1+1": mine}, "bob": {"=1+1": mine}}, {})
    _write_rows(tmp_path / "exam.csv", alike.COLUMNS, rows("exam", found))
    with open(tmp_path / "exam.csv", newline="") as file:
        [row] = csv.DictReader(file)
    assert row["lines_of_student"].startswith("'=")
