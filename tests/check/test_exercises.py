"""Each exercise: every right answer passes, every known mistake fails and is told which it is."""

import copy
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import judged
import pytest

from swinlib import check
from swinlib.check.exercise import Outcome, alike
from swinlib.classroom.pages import read_page, stub, student_notebook

HERE = Path(__file__).resolve().parent
PAGES = [read_page(path) for path in sorted((HERE.parents[1] / "book" / "exercises").glob("*.ipynb"))]
ON_PAGES = [pytest.param(page, exercise, id=exercise.name) for page in PAGES for exercise in page.exercises]


def unless_first(number):
    """The marks of a case of which there are many: the first of them is run with the quick tests."""
    return [pytest.mark.slow] if number else []


MUTANTS = [
    pytest.param(exercise, mistake, id=f"{exercise.name}-{mistake.name}", marks=unless_first(number))
    for exercise in check.EXERCISES.values()
    for number, mistake in enumerate(exercise.mistakes)
]
MOST_CREDIT = 0.5  # share of the points that a known mistake may earn


ALTERNATIVES = [
    pytest.param(check.EXERCISES[name], answer, id=answer.__name__, marks=unless_first(number))
    for chapter in check.CHAPTERS
    for name, answers in judged.alternatives(chapter).items()
    for number, answer in enumerate(answers)
]


def names_of(source, *before):
    """Run code as a notebook does, and return the names that it leaves."""
    names = {}
    for code in (*before, source):
        exec(compile(code, "exercise", "exec"), names)
    return names


def examine(exercise, answer):
    return exercise.examine(partial(exercise.attempt, answer))


def test_every_chapter_has_its_page_and_its_checks():
    assert [page.name for page in PAGES] == list(check.CHAPTERS)
    for page in PAGES:
        assert [exercise.name for exercise in page.exercises] == list(check.CHAPTERS[page.name])


def test_what_is_said_of_the_pages_is_so():
    """In the README, and where the book begins."""
    numbers = [int(page.name[:2]) for page in PAGES]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert {len(page.exercises) for page in PAGES} == {7}
    root = HERE.parents[1]
    chapters = f"hapters {numbers[0]} to {numbers[-1]}"
    assert f"Each of c{chapters} has seven exercises" in (root / "README.md").read_text(encoding="utf-8")
    assert f"C{chapters} have a page of exercises each" in (root / "book" / "index.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_checks_are_imported_without_torchvision():
    """Each sandbox of a class imports them all anew."""
    code = "import sys, swinlib.check; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "torch" in modules
    assert not {"torchvision", "torch._dynamo", "sklearn", "matplotlib"} & set(modules)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_at_least_six_exercises_one_of_them_a_bug_hunt(page):
    assert len(page.exercises) >= 6
    assert any("Bug hunt" in exercise.title for exercise in page.exercises)


@pytest.mark.parametrize(("page", "exercise"), ON_PAGES)
def test_an_exercise_has_two_hints_help_and_an_explanation(page, exercise):
    summaries = [summary for summary, _ in exercise.folds]
    assert summaries[:2] == ["Hint 1", "Hint 2"]
    assert sum(summary.startswith("My check fails") for summary in summaries) >= 1
    assert summaries[-1] == "Explanation"


@pytest.mark.one_in(3)
@pytest.mark.parametrize(("page", "exercise"), ON_PAGES)
def test_the_solution_of_the_page_passes_quickly(page, exercise):
    answer = names_of(exercise.solution, page.setup, exercise.given)[exercise.name]
    started = time.process_time()
    verdict = examine(check.EXERCISES[exercise.name], answer)
    assert verdict.passed, verdict.message
    assert time.process_time() - started < 2


@pytest.mark.one_in(3)
@pytest.mark.parametrize(("page", "exercise"), ON_PAGES)
def test_what_the_student_starts_from_fails(page, exercise):
    begun = exercise.given if exercise.starts_from_code else stub(exercise.solution)
    answer = names_of(begun, page.setup, exercise.given)[exercise.name]
    verdict = examine(check.EXERCISES[exercise.name], answer)
    assert not verdict.passed
    assert exercise.starts_from_code == ("not written yet" not in verdict.message)


@pytest.mark.parametrize("exercise", check.EXERCISES.values(), ids=lambda exercise: exercise.name)
def test_at_least_four_mistakes_and_two_other_solutions(exercise):
    assert len({mistake.name for mistake in exercise.mistakes}) == len(exercise.mistakes) >= 4
    assert all(mistake.explanation for mistake in exercise.mistakes)
    assert len({mistake.explanation for mistake in exercise.mistakes}) == len(exercise.mistakes)
    assert all(0 <= mistake.credit <= MOST_CREDIT for mistake in exercise.mistakes)
    assert sum(param.values[0] is exercise for param in ALTERNATIVES) >= 2


@pytest.mark.one_in(3)
@pytest.mark.parametrize(("exercise", "answer"), ALTERNATIVES)
def test_a_right_answer_written_differently_passes(exercise, answer):
    verdict = judged.verdict(exercise.name, answer)
    assert verdict.passed, verdict.message
    assert verdict.credit == 1


@pytest.mark.one_in(3)
@pytest.mark.parametrize(("exercise", "mistake"), MUTANTS)
def test_a_known_mistake_fails_with_its_own_explanation(exercise, mistake):
    verdict = judged.verdict(exercise.name, mistake.function, anything_goes=True)
    assert not verdict.passed
    assert verdict.mistake == mistake.name, verdict.message
    assert mistake.explanation in verdict.message
    assert "The result could not be understood" not in verdict.message


@pytest.mark.one_in(3)
@pytest.mark.parametrize("exercise", check.EXERCISES.values(), ids=lambda exercise: exercise.name)
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda *_: None, id="none"),
        pytest.param(lambda *_: "text", id="text", marks=pytest.mark.slow),
        pytest.param(lambda *_: [1, 2], id="list", marks=pytest.mark.slow),
    ],
)
def test_an_answer_of_another_kind_fails_with_the_general_message(exercise, answer):
    verdict = examine(exercise, answer)
    assert not verdict.passed
    assert verdict.mistake is None
    assert verdict.credit == 0
    assert "on the smallest input that fails" in verdict.message


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_students_notebook_tells_no_solution(page):
    notebook = student_notebook(page)
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "<summary>Explanation</summary>" not in text
    for exercise in page.exercises:
        assert f"check.{exercise.name}({exercise.name})" in text
        for line in exercise.solution.splitlines():
            if line.startswith("    return ") and len(line) > 30 and line not in exercise.given:
                assert line not in text
    assert all(not cell.get("outputs") for cell in notebook.cells)


@pytest.mark.one_in(7)
@pytest.mark.parametrize("exercise", check.EXERCISES.values(), ids=lambda exercise: exercise.name)
def test_what_is_computed_once_is_changed_by_nobody(exercise):
    """The right results are kept for the next answer, whatever judges and messages did with them."""
    fresh = copy.copy(exercise)
    for case in exercise.samples:
        for mistake in exercise.mistakes:
            exercise.problem(exercise.mistaken(mistake, case), case)
        fresh._computed = {}
        assert alike(Outcome(exercise.expected(case)), Outcome(fresh.expected(case)))
