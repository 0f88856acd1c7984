"""Every chapter, run from top to bottom in JupyterLab as a learner runs it, and its figures touched.

nbval compares what the cells print; here it is seen that a page of JupyterLab shows it, and that its widgets answer.
"""

import json
import re
import shutil
import time
from pathlib import Path

import nbformat
import pytest

BOOK = Path(__file__).resolve().parents[2] / "book"
CHAPTERS = sorted(BOOK.glob("[01][0-9]_*.ipynb"))
MINUTES = 8  # of the longest chapter, on a busy machine

ALL_RUN = """() => {
    const prompts = [...document.querySelectorAll(".jp-Notebook .jp-CodeCell .jp-InputPrompt")];
    const status = document.querySelector(".jp-Notebook-ExecutionIndicator")?.dataset.status;
    return prompts.length > 0 && status === "idle" && prompts.some(each => /\\d/.test(each.textContent))
        && !prompts.some(each => each.textContent.includes("*"));
}"""

# Move the first control that a figure has, and say what it was; with a value given, move it back. A text becomes one
# that no figure takes, which Python says.
MOVE = """(figure, back) => {
    const [list] = [...figure.querySelectorAll("select")].filter(each => each.options.length > 1);
    const field = figure.querySelector("input:is([type=number], [type=text])");
    const box = figure.querySelector("input[type=checkbox]");
    const [button] = [...figure.querySelectorAll("button")].filter(each => each.checkVisibility());
    const control = list ?? field ?? box ?? button;
    if (!control) return null;
    const before = list ? list.selectedIndex : field ? field.value : null;
    if (list) list.selectedIndex = back ?? (before ? 0 : 1);
    else if (field) field.value = back ?? (field.type === "number" ? +before + 1 : "?");
    else control.click();
    control.dispatchEvent(new Event("change", { bubbles: true }));
    return [before];
}"""
SAYS = "figure => figure.querySelector('[role=status]').textContent"


def saved(path):
    """The cells with code of a notebook, once JupyterLab has saved that they were run."""
    for _ in range(120):
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code" and cell.source]
        if any(cell.execution_count for cell in cells):
            break
        time.sleep(0.5)
    return cells


def test_all_chapters_are_found():
    assert len(CHAPTERS) == 11


@pytest.mark.slow
@pytest.mark.live
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_runs_in_jupyterlab_and_its_figures_answer(browser, jupyterlab, tmp_path, chapter):
    pytest.importorskip("anywidget")
    notebook = nbformat.read(chapter, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":  # what is seen is of this run
            cell.outputs, cell.execution_count = [], None
    settings = tmp_path / "CONFIG" / "lab" / "user-settings" / "@jupyterlab" / "notebook-extension"
    shutil.copytree(BOOK / "quizzes", tmp_path / "quizzes")
    settings.mkdir(parents=True)  # every cell is on the page, and not only those in sight
    (settings / "tracker.jupyterlab-settings").write_text(json.dumps({"windowingMode": "none"}))
    page = browser.new_page()
    page.set_default_timeout(90_000)
    page.goto(jupyterlab(notebook))
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(ALL_RUN, timeout=60_000 * MINUTES, polling=500)

    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Save Notebook(?! As)")).click()
    cells = saved(tmp_path / "live.ipynb")
    assert [cell.id for cell in cells if cell.execution_count is None] == []
    failed = [cell.id for cell in cells if any(output.output_type == "error" for output in cell.outputs)]
    assert failed == [cell.id for cell in cells if "raises-exception" in cell.metadata.get("tags", [])]

    figures = page.locator(".jp-Notebook .swin-figure").all()
    stored = nbformat.read(chapter, as_version=4)
    assert len(figures) == sum(
        "swin-figure" in output.get("data", {}).get("text/html", "")
        for cell in stored.cells
        for output in cell.get("outputs", [])
    )
    for figure in figures:
        figure.scroll_into_view_if_needed()
        element, looks, says = (
            figure.element_handle(),
            figure.evaluate("figure => figure.innerHTML"),
            figure.evaluate(SAYS),
        )
        moved = figure.evaluate(MOVE)
        assert moved is not None, says
        page.wait_for_function("([figure, looks]) => figure.innerHTML !== looks", arg=[element, looks])
        if moved[0] is not None:
            figure.evaluate(MOVE, moved[0])
            page.wait_for_function(f"([figure, says]) => ({SAYS})(figure) === says", arg=[element, says])
    page.close()
