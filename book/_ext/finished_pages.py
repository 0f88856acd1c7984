"""Sphinx extension: written pages, opened once more to be finished.

Some of what a page needs can only be seen when all of it is there, the theme's
own parts and the outputs of cells included. Each page is parsed once, and the
event ``page-finishing`` hands it to whoever has something to do, as a
``BeautifulSoup``, with its path below the folder of pages. What they change is
written. Other pages of an earlier build are finished already and stay.
"""

from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

EVENT = "page-finishing"
MARK = "data-finished"
AFTER_PAGES = 900  # the priority of listeners that want all pages finished


def pages_in(folder: Path) -> list[Path]:
    """Return the pages of a built book."""
    return sorted(
        path
        for path in folder.rglob("*.html")
        if path.relative_to(folder).parts[0] != "_static"
    )


def finish_pages(app: Sphinx, exception: Exception | None) -> None:
    """Finish the pages that have been written."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    for path in pages_in(folder):
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        # A page without a main part only leads to another one.
        if page.main is None or MARK in page.html.attrs:
            continue
        page.html[MARK] = ""
        app.emit(EVENT, page, path.relative_to(folder))
        path.write_text(str(page), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.add_event(EVENT)
    app.connect("build-finished", finish_pages)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
