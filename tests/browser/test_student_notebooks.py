"""Every page of exercises offers a notebook without its solutions."""

from pathlib import Path

import nbformat
import pytest

from swinlib.classroom.pages import read_page, student_notebook

PAGES = sorted((Path(__file__).resolve().parents[2] / "book" / "exercises").glob("*.ipynb"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_page_offers_its_notebook(path, book_html, serve, context, tmp_path):
    page = context.new_page()
    page.goto(f"{serve(book_html)}book/exercises/{path.stem}.html")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the notebook to fill in").press("Enter")
    assert download.value.suggested_filename == path.name
    download.value.save_as(tmp_path / path.name)
    notebook = nbformat.read(tmp_path / path.name, as_version=4)
    nbformat.validate(notebook)
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in student_notebook(read_page(path)).cells]
