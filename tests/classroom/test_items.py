"""What a class's results say of its exercises, on a class whose abilities and mistakes are known."""

from collections import Counter

import pytest
from scipy.stats import spearmanr
from simulated import page_of, simulate

from swinlib import check
from swinlib.classroom.items import LEAST_STUDENTS, NOT_ENOUGH, analyse, count_mistakes, first_words

CHAPTERS = [
    pytest.param(chapter, marks=[] if chapter.startswith("07") else [pytest.mark.slow]) for chapter in check.CHAPTERS
]


def row(student, exercise, points, message="x: right on 25 inputs", mistake="", most=2.0):
    return {
        "assignment": "a",
        "student": student,
        "exercise": exercise,
        "points": points,
        "max_points": most,
        "mistake": mistake,
        "message": message,
    }


def a_class(shares, names="efgh"):
    """Rows from the points of each student."""
    return [row(f"s{i}", name, points) for i, line in enumerate(shares) for name, points in zip(names, line)]  # noqa: B905


@pytest.mark.slow
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_class_of_300_gives_back_what_was_planted(chapter):
    guessed = page_of(chapter).exercises[0].name
    planted = simulate(chapter, at_random=guessed)
    results = planted.results()
    found = {item.exercise: item for item in analyse(results)}
    ranked = {name: difficulty for name, difficulty in planted.difficulties.items() if difficulty is not None}
    recovered = spearmanr(list(ranked.values()), [found[name].difficulty for name in ranked]).statistic
    others = [found[name].discrimination for name in ranked]
    print(
        f"{chapter}: rank correlation {recovered:.3f}, at random {found[guessed].discrimination:.3f}, others {others}"
    )
    assert recovered < -0.9  # the harder, the smaller the share of the points
    # measured over all pages: 0.18 to 0.45, and between -0.09 and 0.09 for what was guessed
    assert min(others) > 0.15 > abs(found[guessed].discrimination)
    for name, item in found.items():
        answers = [answers[name] for answers in planted.answers.values()]
        assert item.students == 300
        assert item.answered == sum(answer.written for answer in answers)
        assert item.right == sum(answer.written and answer.mistake is None for answer in answers)


@pytest.mark.slow
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_mistakes_of_a_class_are_counted_as_they_were_made(chapter):
    planted = simulate(chapter)
    made = count_mistakes(planted.results(), {})
    counted = {(each.exercise, each.mistake): each.students for each in made}
    assert counted == Counter(
        (name, answer.mistake)
        for answers in planted.answers.values()
        for name, answer in answers.items()
        if answer.mistake
    )
    assert [each.students for each in made] == sorted(counted.values(), reverse=True)


def test_difficulty_is_the_mean_share_of_the_points_and_counts_what_is_missing():
    rows = [row("ann", "e", 2.0), row("bob", "e", 1.0), row("cid", "e", 0.0, "e: not written yet")]
    [item] = analyse(rows)
    assert (item.students, item.answered, item.right, item.difficulty) == (3, 2, 1, 0.5)


def test_discrimination_leaves_the_exercise_itself_out():
    half = LEAST_STUDENTS // 2
    apart = analyse(a_class([[2.0, 0.0, 2.0], [0.0, 2.0, 0.0]] * half, "efg"))
    assert apart[0].discrimination is None  # the other two make up for each other
    assert apart[1].discrimination == pytest.approx(-1)


@pytest.mark.parametrize(
    "shares",
    [
        pytest.param([[2.0, 2.0], [0.0, 0.0]] * (LEAST_STUDENTS // 2 - 1), id="too few students"),
        pytest.param([[2.0, 2.0], [2.0, 0.0]] * LEAST_STUDENTS, id="all of them alike"),
        pytest.param([[2.0], [0.0]] * LEAST_STUDENTS, id="no other exercise"),
    ],
)
def test_a_discrimination_that_is_not_defined_is_not_given(shares):
    item = analyse(a_class(shares))[0]
    assert item.discrimination is None
    assert item.row()["discrimination"] == NOT_ENOUGH


def test_an_exercise_without_points_has_no_difficulty():
    [item] = analyse([row("ann", "e", 0.0, most=0.0)])
    assert item.row()["difficulty"] == NOT_ENOUGH


def test_rows_without_points_are_left_out():
    assert analyse([row("ann", "e", "")]) == []


def test_assignments_are_kept_apart():
    rows = [row("ann", "e", 2.0), {**row("ann", "e", 0.0), "assignment": "b"}]
    assert [(item.assignment, item.difficulty) for item in analyse(rows)] == [("a", 1.0), ("b", 0.0)]


def test_a_mistake_is_told_by_its_first_words():
    told = "It looks like a square of the number, which is something else than its double."
    [made] = count_mistakes([row("ann", "e", 0.0, mistake="squared")], {("a", "e", "squared"): told})
    assert made.row()["explanation"] == "It looks like a square of the number, which is something else ..."
    assert made.share == 1.0
    assert first_words("three words only") == "three words only"
