"""Every stored notebook keeps the rules; and every rule is seen to fail on a notebook that breaks it."""

import base64
import copy
import io

import nbformat
import numpy as np
import pytest
import rules
import store
from nbformat import NotebookNode, v4
from PIL import Image

NOTEBOOKS = store.find_notebooks([])


def png(size: int = 8, level: int = 128) -> str:
    """A grey square as notebooks store pictures."""
    file = io.BytesIO()
    Image.fromarray(np.full((size, size), level, dtype=np.uint8)).save(file, "png")
    return base64.b64encode(file.getvalue()).decode()


def code(source: str, *outputs: NotebookNode, run: int | None = None, **metadata: object) -> NotebookNode:
    """A code cell with outputs."""
    return v4.new_code_cell(source, outputs=list(outputs), execution_count=run, metadata=metadata)


def printed(text: str, name: str = "stdout") -> NotebookNode:
    """What ``print`` leaves."""
    return v4.new_output("stream", name=name, text=text)


def displayed(**data: str) -> NotebookNode:
    """What ``display`` leaves; ``image_png`` stands for ``image/png``."""
    return v4.new_output("display_data", data={mime.replace("_", "/", 1): value for mime, value in data.items()})


def raised() -> NotebookNode:
    """What an exception leaves."""
    return v4.new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])


def notebook(*cells: NotebookNode) -> NotebookNode:
    """A notebook of these cells; those that say nothing about it were run in order."""
    number = 0
    for cell in cells:
        if cell.cell_type == "code":
            number += 1
            cell.execution_count = number if cell.execution_count is None else cell.execution_count or None
    return v4.new_notebook(
        cells=list(cells), metadata={"kernelspec": store.KERNELSPEC, "language_info": store.LANGUAGE}
    )


DESCRIBED = {"image": {"alt": "A grey square"}, "figure": {"name": "fig-a", "caption": "What it shows."}}
REASON = "draws from the network's weights"


def good() -> NotebookNode:
    """A notebook that keeps every rule, and uses everything that the rules look at."""
    many = [code(f"print({n})", printed(f"{n}\n")) for n in range(19)]
    return notebook(
        v4.new_markdown_cell("# Title\n\n![A square](square.png)"),
        *many,
        code("plot()", displayed(image_png=png(), text_plain="<Figure size 8x8>"), mystnb=DESCRIBED),
        code("figure()", displayed(text_html='<img src="a.png" alt="A square">', image_png=png())),
        code("raise ValueError('no')", raised(), tags=["raises-exception"]),
        code("rand()", printed("0.25\n"), tags=["nbval-ignore-output"], nbval_reason=REASON),
        code("x = 1"),
    )


def without(metadata: dict, *keys: str) -> dict:
    """A copy of nested metadata without the entry at the end of the path ``keys``."""
    metadata = copy.deepcopy(metadata)
    inner = metadata
    for key in keys[:-1]:
        inner = inner[key]
    del inner[keys[-1]]
    return metadata


def with_metadata(**metadata: object) -> NotebookNode:
    """A notebook with one cell and additional metadata."""
    broken = notebook(code("1"))
    broken.metadata.update(metadata)
    return broken


def with_equal_ids() -> NotebookNode:
    """A notebook whose two cells have the same id."""
    broken = notebook(code("1"), code("2"))
    broken.cells[1].id = broken.cells[0].id
    return broken


BROKEN = {
    "a cell that was never run": (
        rules.every_cell_was_run_in_order, notebook(code("1", run=0)), "never run"),
    "a cell that was run out of order": (
        rules.every_cell_was_run_in_order, notebook(code("1", run=2), code("2", run=1)), "not from top to bottom"),
    "a cell that was run twice": (
        rules.every_cell_was_run_in_order, notebook(code("1"), code("2", run=5)), "number 5, not 2"),
    "an empty cell": (
        rules.every_cell_was_run_in_order, notebook(code("  \n")), "is empty"),
    "a picture without alt text": (
        rules.every_picture_is_described,
        notebook(code("p", displayed(image_png=png()), mystnb=without(DESCRIBED, "image", "alt"))), "without alt text"),
    "a picture with an empty alt text": (
        rules.every_picture_is_described,
        notebook(code("p", displayed(image_png=png()), mystnb=DESCRIBED | {"image": {"alt": " "}})),
        "without alt text"),
    "a picture without a caption": (
        rules.every_picture_is_described,
        notebook(code("p", displayed(image_png=png()), mystnb=without(DESCRIBED, "figure"))), "without a caption"),
    "a picture whose caption is its alt text": (
        rules.every_picture_is_described,
        notebook(code("p", displayed(image_png=png()),
                      mystnb={"image": {"alt": "Same."}, "figure": {"caption": "Same."}})), "says it twice"),
    "two pictures in one cell": (
        rules.every_picture_is_described,
        notebook(code("p", *[displayed(image_png=png())] * 2, mystnb=DESCRIBED)), "2 pictures"),
    "an SVG picture without alt text": (
        rules.every_picture_is_described,
        notebook(code("p", v4.new_output("display_data", data={"image/svg+xml": "<svg/>"}))), "without alt text"),
    "a Markdown image without alt text": (
        rules.every_picture_is_described, notebook(v4.new_markdown_cell("![](a.png)")), "without alt text"),
    "a MyST figure without alt text": (
        rules.every_picture_is_described,
        notebook(v4.new_markdown_cell("```{figure} a.png\n:name: fig-a\n\nCaption.\n```")), "without alt text"),
    "an HTML image without alt text": (
        rules.every_picture_is_described,
        notebook(code("p", displayed(text_html='<p><img src="a.png" alt=""></p>'))), "without alt text"),
    "too many ignored outputs": (
        rules.few_outputs_are_ignored,
        notebook(*[code(f"{n}", printed("1")) for n in range(18)],
                 code("r", printed("1"), tags=["nbval-ignore-output"], nbval_reason=REASON)), "1 of 19 outputs"),
    "too many skipped cells": (
        rules.few_outputs_are_ignored, notebook(code("r", tags=["nbval-skip"], nbval_reason=REASON)), "1 of 1 outputs"),
    "an ignored output without a reason": (
        rules.few_outputs_are_ignored,
        notebook(code("# NBVAL_IGNORE_OUTPUT\nr()", printed("1"))), "does not say why"),
    "an output on stderr": (
        rules.no_output_is_noise, notebook(code("w", printed("careful\n", "stderr"))), "stderr"),
    "a warning in an output": (
        rules.no_output_is_noise, notebook(code("w", printed("a.py:1: UserWarning: careful\n"))), "a warning"),
    "a warning in HTML": (
        rules.no_output_is_noise, notebook(code("w", displayed(text_html="<p>FutureWarning</p>"))), "a warning"),
    "a memory address": (
        rules.no_output_is_noise,
        notebook(code("o", displayed(text_plain="<object at 0x7f3a5c0d1e10>"))), "a memory address"),
    "a folder of this machine": (
        rules.no_output_is_noise, notebook(code("o", printed("/home/ann/swin.py\n"))), "a folder"),
    "a time": (
        rules.no_output_is_noise, notebook(code("o", printed("took 12.5 ms\n"))), "a time"),
    "an error without its tag": (
        rules.no_output_is_noise, notebook(code("e", raised())), "ends with ValueError"),
    "a printed traceback": (
        rules.no_output_is_noise, notebook(code("e", printed(rules.TRACEBACK + ":\n"))), "traceback"),
    "a long program in sight": (
        rules.cells_in_sight_are_short, notebook(code("%%writefile a.py\n" + "x\n" * 26)), "26 lines in sight"),
    "truth values": (
        rules.few_outputs_are_truth_values,
        notebook(*(code("e", printed("equal: True\n")) for _ in range(5)), code("e", displayed(text_plain="False"))),
        "6 outputs end in True or False"),
    "another kernel": (
        rules.is_as_stored, with_metadata(kernelspec=store.KERNELSPEC | {"name": "swin-env"}), "metadata"),
    "a version of Python": (
        rules.is_as_stored, with_metadata(language_info={"name": "python", "version": "3.12.1"}), "metadata"),
    "the state of widgets": (
        rules.is_as_stored, with_metadata(widgets={"state": {}}), "metadata"),
    "the times of a run": (
        rules.is_as_stored, notebook(code("1", execution={"iopub.status.busy": "2026-01-01"})), "Cell 1"),
    "the view of a widget": (
        rules.is_as_stored,
        notebook(code("1", v4.new_output("display_data", data={store.WIDGET_VIEW: {"model_id": "a"}}))), "Cell 1"),
    "two cells with one id": (
        rules.is_as_stored, with_equal_ids(), "same id"),
}  # fmt: skip


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_rule(path, rule):
    problems = rule(nbformat.read(path, as_version=4))
    assert not problems, "\n".join([f"{path.name}:", *problems])


@pytest.mark.parametrize(("rule", "broken", "message"), BROKEN.values(), ids=BROKEN)
def test_rule_reports_broken_notebook(rule, broken, message):
    assert any(message in problem for problem in rule(broken))


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_rule_accepts_good_notebook(rule):
    assert rule(good()) == []


def test_there_are_notebooks():
    assert NOTEBOOKS, "the tests above would pass without any"
