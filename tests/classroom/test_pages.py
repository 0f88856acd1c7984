"""The instructor's notebook, and what nbgrader's release makes of it."""

import copy
from pathlib import Path

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator

from swinlib.classroom import course as courses
from swinlib.classroom.pages import PageError, assignment_notebook, read_page, released, stub, student_notebook
from swinlib.classroom.steps import leaks

PATHS = sorted((Path(__file__).resolve().parents[2] / "book" / "exercises").glob("*.ipynb"))
SEVEN = next(path for path in PATHS if path.stem.startswith("07"))


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return courses.new(tmp_path_factory.mktemp("classes") / "course")


@pytest.fixture
def page():
    return read_page(SEVEN)


def kinds(notebook):
    """The cells that nbgrader knows, by name."""
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


@pytest.mark.one_in(9)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_nbgrader_releases_the_students_notebook(path, course):
    assignment = courses.assign(course, str(path))
    notebook = nbformat.read(courses.release(course, assignment.name), as_version=4)
    nbformat.validate(notebook)
    wanted = student_notebook(read_page(path))
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
        (cell.cell_type, cell.source) for cell in wanted.cells
    ]
    assert "swinlib" not in notebook.metadata
    assert all("swinlib" not in cell.metadata and not cell.get("outputs") for cell in notebook.cells)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_an_exercise_has_one_cell_to_solve_it_and_one_that_checks(path):
    page = read_page(path)
    notebook = assignment_notebook(page)
    MetadataValidator().validate_nb(notebook)
    cells = kinds(notebook)
    assert list(cells) == [name for each in page.exercises for name in (each.name, f"check_{each.name}")]
    for exercise in page.exercises:
        solution, check = cells[exercise.name], cells[f"check_{exercise.name}"]
        assert solution.source == exercise.solution
        assert (solution.metadata.nbgrader.solution, solution.metadata.nbgrader.grade) == (True, False)
        assert (check.metadata.nbgrader.solution, check.metadata.nbgrader.grade) == (False, True)
        assert check.metadata.nbgrader.points == exercise.points
        begun = solution.metadata.swinlib.begun
        assert exercise.name in begun
        assert (begun in exercise.given) if exercise.starts_from_code else (begun == stub(exercise.solution))


def test_points_may_be_others(page):
    cells = kinds(assignment_notebook(page, {"roll": 2.5}))
    assert cells["check_roll"].metadata.nbgrader.points == 2.5
    assert cells["check_window_reverse"].metadata.nbgrader.points == 2


@pytest.mark.parametrize("points", [{"rol": 1}, {"roll": -1}, {"roll": float("nan")}, {"roll": float("inf")}])
def test_points_that_make_no_sense_are_refused(page, points):
    with pytest.raises(PageError, match=next(iter(points))):
        assignment_notebook(page, points)


def test_releasing_changes_nothing_of_the_instructors_notebook(page):
    notebook = assignment_notebook(page)
    before = copy.deepcopy(notebook)
    released(notebook)
    assert notebook == before


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_page_as_it_is_tells_no_solution(path):
    assert leaks(assignment_notebook(read_page(path))) == []


def forget_what_is_begun(notebook):
    del kinds(notebook)["roll"].metadata["swinlib"]


def paste_the_solution(notebook):
    notebook.cells.append(nbformat.v4.new_markdown_cell(f"For me:\n\n{kinds(notebook)['roll'].source}"))


def paste_an_explanation(notebook):
    fold = "<details>\n<summary>Explanation</summary>\n\nBecause.\n\n</details>"
    notebook.cells.append(nbformat.v4.new_markdown_cell(fold))


def mark_as_nbgrader_does(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell("### BEGIN SOLUTION\nx = 1\n### END SOLUTION"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (forget_what_is_begun, "cell of roll"),
        (paste_the_solution, "solution of roll stands elsewhere"),
        (paste_an_explanation, "Explanation"),
        (mark_as_nbgrader_does, "BEGIN SOLUTION"),
    ],
)
def test_a_notebook_that_would_tell_a_solution_is_not_released(page, course, change, said):
    name = change.__name__
    courses.assign(course, "7", name=name)
    path = course.root / "source" / name / f"{page.name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)
    with pytest.raises(courses.CourseError, match=said):
        courses.release(course, name)
    # nor by the button of formgrader
    error = course.convert(courses.GenerateAssignment, name)
    assert error is not None
    assert not (course.root / "release" / name).exists()
