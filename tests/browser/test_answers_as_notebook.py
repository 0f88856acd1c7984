"""What was written in a page is saved as the student's notebook and loaded from one; a bad file changes nothing."""

import json
from pathlib import Path

import nbformat
import pytest

from swinlib import check
from swinlib.classroom.pages import read_page, student_notebook

PAGES = sorted((Path(__file__).resolve().parents[2] / "book" / "exercises").glob("*.ipynb"))
CHAPTER = "07_roll_and_shifted_windows"
ROLL = "def roll(x, shift):\n    return torch.roll(x, shift)\n"
SHIFT = "def cyclic_shift(x, shift_size):\n    return x  # “ä”\n"
ROLLED = "✓ roll: right on 25 inputs"


@pytest.fixture
def page(book_html, context):
    page = context.new_page()
    page.goto((book_html / "book" / "exercises" / f"{CHAPTER}.html").as_uri())
    page.wait_for_selector(".answers-file[data-ready]")
    return page


def said(page):
    return page.locator(".answers-file [role=status]").inner_text()


def load(page, name, content):
    """What the page says of a file."""
    page.locator(".answers-file [role=status]").evaluate("said => { said.textContent = ''; }")
    content = content if isinstance(content, bytes) else content.encode()
    page.locator(".answers-file input").set_input_files({"name": name, "mimeType": "", "buffer": content})
    page.wait_for_function("document.querySelector('.answers-file [role=status]').textContent")
    return said(page)


def kept(page):
    return json.loads(page.evaluate("localStorage.getItem('swin-answers')") or "{}")


def test_saved_and_loaded(page, book_html, tmp_path):
    student = student_notebook(read_page(next(path for path in PAGES if path.stem == CHAPTER)))
    page.locator("#answer-roll").fill(ROLL)
    page.locator("#answer-cyclic_shift").fill(SHIFT)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save my answers as a notebook").click()
    assert download.value.suggested_filename == f"{CHAPTER}.ipynb"
    download.value.save_as(tmp_path / "saved.ipynb")
    saved = nbformat.read(tmp_path / "saved.ipynb", as_version=4)
    nbformat.validate(saved)
    assert said(page) == f"Saved as {CHAPTER}.ipynb, with what you wrote here."
    changed = [
        (now.source, before.source)
        for now, before in zip(saved.cells, student.cells, strict=True)
        if now.source != before.source
    ]
    assert [now for now, _ in changed] == [ROLL.rstrip("\n"), SHIFT.rstrip("\n")]
    assert changed[0][1].startswith("def roll(")
    assert changed[1][1].startswith("def cyclic_shift(")
    # Elsewhere, or after all was erased, it is loaded again, and what is not in the file stays.
    page.evaluate("localStorage.clear()")
    page.reload()
    page.wait_for_selector(".answers-file[data-ready]")
    page.locator("#answer-window_reverse").fill("mine")
    page.locator("#answer-roll").fill("mine, too")
    text = (tmp_path / "saved.ipynb").read_text(encoding="utf-8")
    assert load(page, "mine.ipynb", text) == (
        "Loaded from mine.ipynb: roll and cyclic_shift. Not begun in the file: window_reverse, region_labels, "
        "additive_mask, attention_mask and shifted_window_attention. What stood here for these stands here still."
    )
    assert page.locator("#answer-roll").input_value() == ROLL.rstrip("\n")
    assert page.locator("#answer-cyclic_shift").input_value() == SHIFT.rstrip("\n")
    assert page.locator("#answer-window_reverse").input_value() == "mine"
    page.get_by_role("button", name="Undo loading").click()
    assert page.locator("#answer-roll").input_value() == "mine, too"
    assert kept(page)["roll"]["source"] == "mine, too"
    # A file of Jupyter: an answer is missing, another has an answer for what this page does not run, a check was right.
    cells = [cell for cell in saved.cells if not cell.source.startswith("def region_labels")]
    for cell in cells:
        if cell.source == "check.roll(roll)":
            cell.outputs = [nbformat.v4.new_output("stream", text=f"{ROLLED}\n")]
        if cell.source.startswith("def additive_mask"):
            cell.source = "def additive_mask(mask):\n    return mask"
    content = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
    assert load(page, "jupyter.ipynb", content) == (
        "Loaded from jupyter.ipynb: roll, additive_mask and cyclic_shift. Not in the file: region_labels. Not begun in "
        "the file: window_reverse, attention_mask and shifted_window_attention. What stood here for these stands here "
        "still. Its checks say that these are right: roll."
    )
    with page.expect_download() as download:
        page.get_by_role("button", name="Save my answers as a notebook").click()
    download.value.save_as(tmp_path / "again.ipynb")
    again = nbformat.read(tmp_path / "again.ipynb", as_version=4)
    assert "def additive_mask(mask):\n    return mask" in [cell.source for cell in again.cells]
    page.goto((book_html / "book/index.html").as_uri())
    sums = page.locator(".answers-done[data-ready]")
    sums.scroll_into_view_if_needed()
    exercises = sum(map(len, check.CHAPTERS.values()))
    assert sums.locator("[role=status]").inner_text() == f"1 of {exercises} exercises done"
    assert sums.locator("li").all_inner_texts() == [f"Chapter 7: 1 of {len(check.CHAPTERS[CHAPTER])}"]
    sums.get_by_role("link", name="Chapter 7").click()
    assert page.url.endswith(f"/book/exercises/{CHAPTER}.html")


OTHER = nbformat.writes(student_notebook(read_page(PAGES[0])))


def test_a_bad_file_is_told_and_nothing_is_lost(page):
    page.locator("#answer-roll").fill(ROLL)
    before = kept(page)
    for content, message in [
        (
            b"\x89PNG\r\n",
            "a.ipynb is no notebook, or only a part of one: it is not valid JSON. Choose a file that was ",
        ),
        (OTHER[:500], "a.ipynb is no notebook, or only a part of one: "),
        ("", "a.ipynb is no notebook, or only a part of one: "),
        ("[1, 2]", "a.ipynb is JSON, but no notebook of today's format: it has no list of cells. "),
        ("null", "a.ipynb is JSON, but no notebook of today's format: "),
        ('{"cells": [1]}', "a.ipynb is JSON, but no notebook of today's format: "),
        (
            '{"cells": []}',
            "a.ipynb is a notebook, but not of this page, “Exercises for chapter 7”: it has none of the ",
        ),
        (
            OTHER,
            "a.ipynb is a notebook, but not of this page, “Exercises for chapter 7”: it has none of the exercises ",
        ),
    ]:
        found = load(page, "a.ipynb", content)
        assert found.startswith(message)
        assert found.endswith("Nothing was changed.")
        assert kept(page) == before
        assert page.locator("#answer-roll").input_value() == ROLL
        assert not page.get_by_role("button", name="Undo loading").is_visible()
    assert "It is called “Exercises for chapter 2”." in found
    untouched = json.dumps(page.evaluate("swinAnswers.notebook.notebook"))
    assert load(page, "new.ipynb", untouched) == "new.ipynb has no answer yet."
    assert kept(page) == before
