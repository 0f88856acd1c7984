"""What a learner sees of a check in JupyterLab."""

from pathlib import Path

import pytest

from swinlib.classroom.pages import read_page, student_notebook

PAGE = Path(__file__).resolve().parents[2] / "book" / "exercises" / "07_roll_and_shifted_windows.ipynb"
WRONG = """
def attention_mask(height, width, window_size, shift_size):
    high, wide = window_size
    return torch.ones(height * width // (high * wide), high * wide, high * wide, dtype=torch.bool)
"""


def notebook_with(answer):
    """The student's notebook of one exercise, filled in."""
    page = read_page(PAGE)
    (exercise,) = (exercise for exercise in page.exercises if exercise.name == "attention_mask")
    notebook = student_notebook(page)
    titles = [cell.source.splitlines()[0] for cell in notebook.cells]
    begin = titles.index(f"## {exercise.title}")
    end = next(i for i in range(begin, len(titles)) if titles[i] == "check.attention_mask(attention_mask)")
    notebook.cells = notebook.cells[1:2] + notebook.cells[begin : end + 1]
    (stub,) = (cell for cell in notebook.cells if cell.source.startswith("def attention_mask"))
    stub.source = answer.strip()
    return notebook


@pytest.mark.slow
@pytest.mark.live
def test_a_wrong_answer_is_explained_with_a_picture_and_without_a_traceback(browser, jupyterlab, request):
    page = browser.new_page(viewport={"width": 1280, "height": 1400})
    page.set_default_timeout(90_000)
    page.goto(jupyterlab(notebook_with(WRONG)))
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    said = page.locator(".jp-OutputArea-output").filter(has_text="attention_mask, on the smallest input that fails")
    said.wait_for()
    text = said.inner_text()
    assert "only the roll made them neighbours" in text
    assert "Nothing is masked" in text
    assert "Traceback" not in text
    assert "exercise.py" not in text
    picture = page.locator(".jp-OutputArea-output img")
    picture.wait_for()
    assert picture.count() == 1
    if folder := request.config.getoption("--screenshots"):
        said.scroll_into_view_if_needed()
        page.screenshot(path=Path(folder) / "wrong_answer.png")
    page.close()
