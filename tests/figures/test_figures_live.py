"""Pictures and figures in a running kernel, and in JupyterLab."""

import nbformat
import pytest

SETUP = "import torch\nfrom swinlib import figures"
PICTURE = "figures.show_windows((8, 8), 4, 2)"


def _notebook(*sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec})


@pytest.mark.slow
@pytest.mark.live
def test_a_notebook_shows_a_picture_once_and_in_the_same_bytes_with_or_without_pyplot():
    nbclient = pytest.importorskip("nbclient")
    given = "axes = figures.canvas(1, 2)[1]\nfigures.show_numbers(torch.arange(4), ax=axes[0])"
    # only when pyplot makes its first figure does it tell IPython how to show every other
    learners = (
        "import matplotlib.pyplot as plt\nfigure, ax = plt.subplots()\nfigures.show_numbers(torch.arange(4), ax=ax)"
    )
    notebook = _notebook(SETUP, PICTURE, learners, PICTURE, given)
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    setup, bare, own, after, drawn = (cell.outputs for cell in notebook.cells)
    assert [setup, drawn] == [[], []]
    assert [len(outputs) for outputs in (bare, after, own)] == [1, 1, 1]
    assert set(bare[0].data) == {"image/png", "text/plain"}
    assert bare[0].data == after[0].data


@pytest.mark.slow
@pytest.mark.live
def test_jupyterlab_answers_to_values_of_the_readers_own(browser, jupyterlab):
    pytest.importorskip("anywidget")
    page = browser.new_page()
    page.set_default_timeout(90_000)
    page.goto(jupyterlab(_notebook(f"{SETUP}\nfigures.attention_reach()")))
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.locator(".jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    words = page.locator(".swin-figure").get_by_role("status")
    words.filter(has_text="Token (row 1, column 1) may attend to 4 of the 16 tokens in its window.").wait_for()
    for label, value in (("Size of the map", "11"), ("Window", "5"), ("Shift", "3")):
        field = page.get_by_label(label, exact=True)
        assert field.get_attribute("type") == "number"
        field.fill(value)
        field.press("Enter")
    # neither 11 nor 5 is in the page's table: Python must have answered
    words.filter(has_text="Token (row 1, column 1) may attend to 9 of the 25 tokens in its window.").wait_for()
    assert page.locator(".swin-figure [data-cell]").count() == 15 * 15
    page.locator(".swin-figure [data-cell][tabindex='0']").press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    words.filter(has_text="Token (row 1, column 3) may attend to 15 of the 25 tokens in its window.").wait_for()
    page.get_by_label("Shift", exact=True).fill("7")
    page.get_by_label("Shift", exact=True).press("Enter")
    words.filter(has_text="shift_size 7 does not fit window_size 5").wait_for()
    page.close()


OWN = """import swinlib
torch.manual_seed(0)
own = swinlib.SwinTransformer(16, (2, 2), (2, 4), 4, patch_size=2, num_classes=3).eval()
figures.walk_figure(own, torch.randn(1, 3, 16, 16), [0])"""


@pytest.mark.slow
@pytest.mark.live
def test_jupyterlab_walks_through_a_model_of_the_learners_own(browser, jupyterlab):
    pytest.importorskip("anywidget")
    page = browser.new_page()
    page.set_default_timeout(90_000)
    page.goto(jupyterlab(_notebook(f"{SETUP}\n{OWN}")))
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.locator(".jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    words = page.locator(".swin-figure").get_by_role("status")
    words.filter(has_text="Step 1 of 12. Token (row 6, column 4) begins as pixels").wait_for()
    address = page.url
    page.get_by_role("link", name="Next →").click()
    words.filter(has_text="Step 2 of 12. A linear layer makes 16 numbers of the 12").wait_for()
    page.locator(".swin-figure [data-cell='0,0']").click()  # the page has no such numbers: its weights came from Python
    page.locator('.swin-figure [aria-current="step"]').press("ArrowLeft")
    words.filter(has_text="Step 1 of 12. Token (row 0, column 0) begins as pixels").wait_for()
    assert page.url == address  # JupyterLab's, and no step's
    page.close()
