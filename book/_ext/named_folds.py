"""Sphinx extension: a name for each fold of the table of contents.

Where a chapter has pages below it, the theme puts a fold beside the chapter's
link that shows an arrow and nothing else. A screen reader has nothing to say
for it; here it is told which chapter's pages the fold holds.
"""

from collections.abc import Callable

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx


def name_folds(contents: BeautifulSoup | str) -> BeautifulSoup | str:
    """Label each fold without text by the link that stands beside it."""
    if isinstance(contents, str):  # an empty table
        return contents
    for fold in contents.select("li > details > summary"):
        link = fold.find_parent("li").find("a", recursive=False)
        if link is not None and not fold.get_text(strip=True):
            fold["aria-label"] = f"Pages of {link.get_text(strip=True)}"
    return contents


def wrap_table_of_contents(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict,
    doctree: nodes.document | None,
) -> None:
    """Name the folds of whatever table of contents the theme asks for."""
    make: Callable | None = context.get("generate_toctree_html")
    if make is not None:
        context["generate_toctree_html"] = lambda *args, **options: name_folds(
            make(*args, **options)
        )


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension, to run after the theme has made its table."""
    app.connect("html-page-context", wrap_table_of_contents, priority=900)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
