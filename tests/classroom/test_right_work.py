"""The promise to a student: whatever prints a tick when the notebook runs from top to bottom gets full marks.

All pages of the book, each handed in in many shapes that honest people give their notebooks. Each is run here first,
with the checks that the student has, to see that it prints its ticks; then it is handed in and graded in a sandbox.
"""

import ast
import contextlib
import io
import json
import re
from pathlib import Path

import nbformat
import pytest

from swinlib import check
from swinlib.classroom.grading import grade_cells
from swinlib.classroom.handed_in import clean_notebook, code_cells
from swinlib.classroom.pages import Page, assignment_notebook, read_page, released, tagged
from swinlib.classroom.verdicts import student_sources

PAGES = sorted((Path(__file__).resolve().parents[2] / "book" / "exercises").glob("*.ipynb"))
FEW = 1  # input that is drawn: enough to see whether the right function is called in the right state
CHECK = "check.{0}({0})"


def written(exercise):
    """The solution, and given code that it does not replace."""
    given = "" if exercise.starts_from_code else exercise.given
    return f"{given}\n\n{exercise.solution}".strip()


def renamed(source, old, new):
    return re.sub(rf"\b{old}\b", new, source)


def plain(page: Page):
    for exercise in page.exercises:
        yield written(exercise)
        yield CHECK.format(exercise.name)


def helper_reused(page):
    """Each answer calls a helper, and the next exercise defines another of the same name."""
    for exercise in page.exercises:
        name = exercise.name
        if re.search(rf"^class {name}\b", exercise.solution, re.MULTILINE):
            yield written(exercise)
        else:
            yield renamed(written(exercise), name, "helper")
            yield f"def {name}(*args, **options):\n    return helper(*args, **options)"
        yield CHECK.format(name)


def overwritten_further_down(page):
    yield from plain(page)
    yield "\n".join(f"{exercise.name} = None" for exercise in page.exercises)


def after_each_check(page, then):
    for exercise in page.exercises:
        yield written(exercise)
        yield CHECK.format(exercise.name)
        yield then.format(exercise.name)


def deleted_after_each_check(page):
    return after_each_check(page, "del {}")


def module_overwritten_at_the_end(page):
    yield from plain(page)
    yield "torch = swinlib = nn = F = math = 'scratch'"


def old_attempt_below(page):
    return after_each_check(page, "def {}(*args):\n    return 0  # my first attempt")


def second_attempt_below(page):
    """A wrong attempt, with a check that fails, then a right one."""
    for exercise in page.exercises:
        yield f"def {exercise.name}(*args):\n    return 0"
        yield f"try:\n    check.{exercise.name}({exercise.name})\nexcept check.CheckFailed:\n    pass"
        yield written(exercise)
        yield CHECK.format(exercise.name)


def answer_in_another_cell(page):
    """What was handed out stays as it was; the answer stands below it."""
    handed_out = begun(page)
    for exercise in page.exercises:
        yield handed_out[exercise.name]
        yield written(exercise)
        yield CHECK.format(exercise.name)


def checks_at_the_end(page):
    yield from map(written, page.exercises)
    yield from (CHECK.format(exercise.name) for exercise in page.exercises)


def no_checks(page):
    yield from map(written, page.exercises)


def checks_copied(page):
    return after_each_check(page, f"{CHECK}\nprint('again')\n{CHECK}")


def of_another_name(page):
    for exercise in page.exercises:
        yield renamed(written(exercise), exercise.name, "mine")
        yield f"check.{exercise.name}(mine)"


def all_in_one_cell(page):
    yield "\n\n\n".join(plain(page))


def split(page):
    """A cell for each definition, and checks in a loop."""
    for exercise in page.exercises:
        yield from (ast.unparse(node) for node in ast.parse(written(exercise)).body)
    names = [exercise.name for exercise in page.exercises]
    yield f"for name in {names}:\n    getattr(check, name)(globals()[name])"


SHAPES = [
    *(plain, helper_reused, overwritten_further_down, deleted_after_each_check, module_overwritten_at_the_end),
    *(old_attempt_below, second_attempt_below, answer_in_another_cell, checks_at_the_end, no_checks, checks_copied),
    *(of_another_name, all_in_one_cell, split),
]


def begun(page):
    notebook = released(assignment_notebook(page))
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


@pytest.fixture(autouse=True)
def few_inputs(monkeypatch):
    monkeypatch.setattr(check.exercise, "SHRINKING", FEW)
    for exercise in check.EXERCISES.values():
        monkeypatch.setattr(exercise, "inputs", FEW)
        monkeypatch.setattr(exercise, "samples", list(exercise.samples[: len(exercise.always) + 1]))


def ticks(cells):
    """The checks that print a tick where the cells run from top to bottom."""
    printed = io.StringIO()
    space = {"__name__": "__main__"}
    with contextlib.redirect_stdout(printed):
        for number, source in enumerate(cells):
            exec(compile(source, f"cell {number}", "exec"), space)
    return set(re.findall(r"^✓ (\w+):", printed.getvalue(), re.MULTILINE))


def graded(page, cells):
    """The notebook as it is handed in, and graded."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    clean = clean_notebook(released(assignment_notebook(page)), code_cells(json.dumps(notebook).encode()))
    names = [exercise.name for exercise in page.exercises]
    return grade_cells(student_sources(clean), names, checks=page.name, seed=1, begun=begun(page))


@pytest.mark.sandbox
@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem[:2])
def test_what_prints_a_tick_gets_full_marks(path, shape):
    page = read_page(path)
    cells = [page.setup, *shape(page)]
    names = {exercise.name for exercise in page.exercises}
    assert ticks(cells) == (set() if shape is no_checks else names)
    results = graded(page, cells).results
    assert {name: result.message for name, result in results.items() if result.credit < 1} == {}


@pytest.mark.sandbox
@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem[:2])
def test_what_was_handed_out_is_not_written_yet(path):
    page = read_page(path)
    notebook = released(assignment_notebook(page))
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for name, result in graded(page, cells).results.items():
        assert (result.credit, result.mistake, result.message) == (0, None, f"{name}: not written yet")


def test_all_pages_are_handed_in_in_at_least_eight_shapes():
    assert [path.stem for path in PAGES] == list(check.CHAPTERS)
    assert len(SHAPES) >= 8
    assert all(tagged(exercise.cells, "check") for path in PAGES for exercise in read_page(path).exercises)
