"""The project's own pytest settings, run over a notebook whose stored outputs are wrong: each is seen to fail."""

import base64
import io
import re
import shutil
import subprocess
import sys
import textwrap

import nbformat
import numpy as np
import pytest
import store
from nbformat import v4
from PIL import Image

pytestmark = pytest.mark.slow  # every test runs notebooks in a pytest of its own

DRAW = """
    import matplotlib.pyplot as plt
    fig, ax = plt.subplots(figsize=(2, 2))
    ax.imshow([[0, 1], [1, 0]])
    plt.show()
    """
WIDGET = """
    import uuid

    class Figure:
        def _repr_mimebundle_(self, include=None, exclude=None):
            view = {"version_major": 2, "version_minor": 0, "model_id": uuid.uuid4().hex}
            return {"application/vnd.jupyter.widget-view+json": view, "text/html": "<p>drawn</p>", "text/plain": "F()"}

    Figure()
    """


def repaint(cell, change):
    """Change the pixels of the picture that a cell stored."""
    data = cell.outputs[0].data
    image = np.array(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGBA"))
    file = io.BytesIO()
    Image.fromarray(change(image)).save(file, "png")
    data["image/png"] = base64.b64encode(file.getvalue()).decode()


def block(image):
    """Paint a block of a twentieth of the sides black: a quarter of a per cent of the picture."""
    h, w = image.shape[:2]
    image[h // 2 : h // 2 + h // 20, w // 2 : w // 2 + w // 20] = (0, 0, 0, 255)
    return image


def rounding(image):
    """Change every grey level by at most two."""
    return np.clip(image.astype(int) + 2, 0, 255).astype(np.uint8)


def forget_run(cell):
    """Leave a cell with outputs as if it had never been run."""
    cell.execution_count = None


def print_other(cell):
    """Change a stored number."""
    cell.outputs[0].text = "43\n"


def change_html(cell):
    """Change what a page shows of a figure."""
    cell.outputs[0].data["text/html"] = "<p>drawn otherwise</p>"


# Source, what is done to the stored cell, and what pytest must say; None where it must pass.
CASES = {
    "right_text": ("print(42)", None, None),
    "right_picture": (DRAW, None, None),
    "right_widget": (WIDGET, None, None),
    "other_text": ("print(42)", print_other, "Cell outputs differ"),
    "other_figure": (WIDGET, change_html, "drawn otherwise"),
    "never_run": ("print(42)", forget_run, "Unrun reference cell has outputs"),
    "rounded_picture": (DRAW, lambda cell: repaint(cell, rounding), None),
    "recompressed_picture": (DRAW, lambda cell: repaint(cell, lambda image: image), None),
    "picture_with_a_block": (DRAW, lambda cell: repaint(cell, block), "Picture 1 of 1 differs: 0."),
    "cropped_picture": (DRAW, lambda cell: repaint(cell, lambda image: image[:-1]), "pixels, it now has"),
    "missing_picture": (DRAW, lambda cell: cell.outputs[0].data.pop("image/png"), "stored [], running gave"),
    "raises": ("1 / 0", None, "ZeroDivisionError"),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What pytest says about a notebook with one cell for each case: its verdict and its message by the case's name."""
    folder = tmp_path_factory.mktemp("nbval") / "book"
    folder.mkdir()
    shutil.copy(store.BOOK / "conftest.py", folder)
    cells = [v4.new_code_cell(textwrap.dedent(source).strip()) for source, _, _ in CASES.values()]
    cells[-1].metadata.tags = ["raises-exception"]  # until it is stored
    notebook = store.tidy(store.run(v4.new_notebook(cells=cells), folder, timeout=60))
    notebook.cells[-1].metadata.clear()
    for cell, (_, change, _) in zip(notebook.cells, CASES.values(), strict=True):
        if change:
            change(cell)
    nbformat.write(notebook, folder / "cases.ipynb")

    settings = store.BOOK.parent / "pyproject.toml"
    command = [sys.executable, "-m", "pytest", "-c", settings, "--rootdir", folder.parent, "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, "-n0", "-v", "--color=no", folder], capture_output=True, text=True, check=False, cwd=folder.parent
    )
    verdicts = re.findall(r"::Cell \d+ (PASSED|FAILED)", result.stdout)
    assert len(verdicts) == len(CASES), result.stdout + result.stderr
    parts = re.split(r"^_+ .*::Cell (\d+) _+$", result.stdout, flags=re.MULTILINE)
    messages = {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}
    return {name: (verdicts[number], messages.get(number, "")) for number, name in enumerate(CASES)}


@pytest.mark.parametrize("name", CASES)
def test_stored_output(report, name):
    verdict, message = report[name]
    expected = CASES[name][2]
    assert verdict == ("FAILED" if expected else "PASSED"), message
    if expected:
        assert expected in message
