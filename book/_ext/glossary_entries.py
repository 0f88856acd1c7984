"""Sphinx extension: the glossary as a script, for pages that show its entries.

A word that leads to the glossary shows what it means without leaving the page,
and the search answers with the entries themselves. ``pages.js`` and
``search_page.js`` do that, and fetch the entries from here when they are first
asked for. It is a classic script, the only kind that a page opened as a file
may load.
"""

import json
from pathlib import Path

from bs4 import BeautifulSoup
from bs4.element import Tag
from sphinx.application import Sphinx

GLOSSARY = Path("book/glossary.html")
SCRIPT = "_static/glossary.js"

Entry = tuple[list[str], list[str], str]  # anchors, names, meaning


def inner_html(element: Tag) -> str:
    """Return what an element holds, without the link to itself."""
    copy = BeautifulSoup(str(element), "html.parser").find(element.name)
    for link in copy.select("a.headerlink"):
        link.decompose()
    return copy.decode_contents().strip()


def entries(page: BeautifulSoup) -> list[Entry]:
    """Return the entries of the page of the glossary, as HTML."""
    found = []
    anchors, names = [], []
    for part in page.select("dl.glossary > :is(dt, dd)"):
        if part.name == "dt":
            anchors.append(part["id"])
            names.append(inner_html(part))
        else:
            meaning = " ".join(map(inner_html, part.select("p")))
            found.append((anchors, names, meaning))
            anchors, names = [], []
    return found


def write_entries(app: Sphinx, page: BeautifulSoup, path: Path) -> None:
    """Write the script, when the page of the glossary is finished."""
    if path != GLOSSARY:
        return
    data = json.dumps(entries(page), ensure_ascii=False, separators=(",", ":"))
    script = f"swinGlossary({data});\n"
    Path(app.outdir, SCRIPT).write_text(script, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.setup_extension("finished_pages")
    app.connect("page-finishing", write_entries, priority=800)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
