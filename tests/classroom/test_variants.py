"""Pages of private variants: renamed by their syntax, and still right."""

from functools import partial
from pathlib import Path

import pytest

from swinlib import check
from swinlib.check.variants import Variant, make_variant
from swinlib.classroom.pages import PageError, assignment_notebook, read_page, released
from swinlib.classroom.variants import change_code, variant_page

BOOK = Path(__file__).resolve().parents[2] / "book" / "exercises"
PAGES = [read_page(path) for path in sorted(BOOK.glob("*.ipynb"))]
FILE = """
chapter = "07_roll_and_shifted_windows"

[roll]
name = "turn"
parameters = { x = "vector" }
fixed = { shift = 3 }
points = 2

[window_reverse]
name = "reassemble"
order = ["width", "height", "windows"]

[cyclic_shift]
name = "push"
parameters = { shift_size = "steps" }
"""


@pytest.fixture
def page_and_file(tmp_path):
    file = tmp_path / "exam.toml"
    file.write_text(FILE)
    return variant_page(read_page(BOOK / "07_roll_and_shifted_windows.ipynb"), file), file


def defined(source, *before):
    names = {}
    for code in (*before, source):
        exec(compile(code, "exercise", "exec"), names)
    return names


def test_the_page_has_the_variants_that_the_file_names_in_its_order(page_and_file):
    page, _ = page_and_file
    assert [exercise.name for exercise in page.exercises] == ["turn", "reassemble", "push"]
    assert [exercise.points for exercise in page.exercises] == [2, 2, 2]
    assert [exercise.title.split(".")[0] for exercise in page.exercises] == ["1", "2", "3"]


def test_its_solutions_pass_its_checks(page_and_file):
    page, file = page_and_file
    exercises = check.load(file)
    for exercise in page.exercises:
        answer = defined(exercise.solution, page.setup)[exercise.name]
        verdict = exercises[exercise.name].examine(partial(exercises[exercise.name].attempt, answer))
        assert verdict.passed, verdict.message


def test_students_get_the_new_face_and_no_solution_and_no_check(page_and_file):
    page, _ = page_and_file
    notebook = released(assignment_notebook(page))
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "Write `turn(vector)`" in text
    assert "Here `shift` is always 3" in text
    assert "*5 minutes · easy · 2 points*" in text
    assert "Write `reassemble(width, height, windows)`" in text
    assert "# turn is checked when it is graded." in text
    assert "without `torch.roll`" in text
    for gone in ("check.roll", "`roll(", "def roll", "Explanation", "My check fails", "torch.arange(len("):
        assert gone not in text
    (bug,) = (cell.source for cell in notebook.cells if cell.source.startswith("def push"))
    assert "def push(x, steps):" in bug
    assert "rows, columns = steps" in bug


def test_names_are_changed_by_syntax():
    source = (
        "def shift(x, size):\n"
        '    """x of a size."""\n'
        "    y = other(x, size=size, shift=x.size)\n"
        "    # size stays in a comment\n"
        '    return shift(y, "size") + size\n'
    )
    how = Variant("move", parameters={"size": "amount"})
    assert change_code(source, "shift", how).splitlines() == [
        "def move(x, amount):",
        '    """x of a amount."""',
        "    y = other(x, size=amount, shift=x.size)",
        "    # size stays in a comment",
        '    return move(y, "size") + amount',
    ]


def test_a_function_inside_may_have_a_parameter_of_the_same_name():
    source = "def f(x):\n    def g(x, y):\n        return x + y\n    return g(x, 1)"
    changed = change_code(source, "f", Variant("f", parameters={"x": "given"}))
    assert changed == "def f(given):\n    def g(given, y):\n        return given + y\n    return g(given, 1)"


def test_letters_of_several_bytes_do_not_move_the_names():
    source = "def f(x):\n    return {'日本': x, 'é': x}"
    assert change_code(source, "f", Variant("g", parameters={"x": "longer"})) == (
        "def g(longer):\n    return {'日本': longer, 'é': longer}"
    )


def test_parameters_that_cannot_be_changed_are_refused():
    with pytest.raises(PageError, match="cannot be changed"):
        change_code("def f(x, y=1):\n    return x", "f", Variant("g"))


@pytest.mark.one_in(3)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_exercise_of_the_book_can_be_given_another_name(page):
    for exercise in page.exercises:
        how = Variant("another_name")
        if f"class {exercise.name}" in exercise.solution:
            continue
        solution = change_code(exercise.solution, exercise.name, how)
        answer = defined(solution, page.setup, exercise.given)["another_name"]
        variant = make_variant(check.EXERCISES[exercise.name], how)
        verdict = variant.examine(partial(variant.attempt, answer))
        assert verdict.passed, verdict.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FILE.replace("07_roll_and_shifted_windows", "03_register_buffer"), "variants of 03_register_buffer"),
        (FILE.replace("[roll]", "[rolls]"), "has no exercise 'rolls'"),
    ],
)
def test_a_file_that_does_not_fit_the_page_is_refused(tmp_path, text, said):
    file = tmp_path / "exam.toml"
    file.write_text(text)
    with pytest.raises(PageError, match=said):
        variant_page(read_page(BOOK / "07_roll_and_shifted_windows.ipynb"), file)
