"""Sphinx extension: what belongs to a chapter, linked at its end.

Its exercises, its code as a notebook, the parts of the library that it names,
and the places of the post that it corrects. All of it is read off the pages.
"""

import functools
import re
from collections import Counter
from html import escape
from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

CHAPTER = re.compile(r"book/(\d\d_\w+)\.html")
CORRECTIONS = "book/corrections.html"
# What draws and what checks exercises is not what a chapter is about.
NOT_ABOUT = {"swinlib.figures", "swinlib.check"}

Link = tuple[str, str]  # address, text as HTML


@functools.cache
def corrections(page: Path) -> dict[str, Link]:
    """Return, by the page of a chapter, where the post is corrected on it."""
    found = {}
    html = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    for section in html.select("article section section[id]"):
        treated = section.select_one("p a[href]")
        heading = section.h2
        if treated is None or heading is None:
            continue
        title = heading.get_text().removesuffix("#").partition(". ")[2]
        address = f"{page.name}#{section['id']}"
        found.setdefault(treated["href"], (address, escape(title)))
    return found


def modules(page: BeautifulSoup, known: set[str]) -> list[Link]:
    """Return the modules whose names a page links, the most named first."""
    named: Counter[str] = Counter()
    for address in {link["href"] for link in page.select("a.linked-name")}:
        module = address.partition("#")[2].removeprefix("module-")
        while module and module not in known:
            module = module.rpartition(".")[0]
        named[module] += 1
    return [
        (f"api.html#module-{name}", f"<code>{name}</code>")
        for name, _ in sorted(named.items(), key=lambda pair: (-pair[1], pair))
        if name and name not in NOT_ABOUT
    ]


def anchor(link: Link, *attributes: str) -> str:
    """Return a link as HTML."""
    address, text = link
    return " ".join((f'<a href="{address}"', *attributes)) + f">{text}</a>"


def links(app: Sphinx, page: BeautifulSoup, name: str) -> list[str]:
    """Return the lines for a chapter, as HTML."""
    chapter = int(name[:2])
    lines = []
    if Path(app.srcdir, f"book/exercises/{name}.ipynb").exists():
        link = (f"exercises/{name}.html", f"Exercises for chapter {chapter}")
        lines.append(anchor(link))
    notebook = (f"../_sources/book/{name}.ipynb", "This chapter as a notebook")
    lines.append(anchor(notebook, "download"))
    library = modules(page, set(app.env.domains["py"].modules))
    if library:
        parts = [anchor(link, 'class="linked-name"') for link in library]
        lines.append(f"In the library: {', '.join(parts)}")
    corrected = corrections(Path(app.outdir, CORRECTIONS)).get(f"{name}.html")
    if corrected:
        address, title = corrected
        lines.append(anchor((address, f"Corrections to the post: {title}")))
    return lines


def insert_links(app: Sphinx, page: BeautifulSoup, path: Path) -> None:
    """Put the links at the end of a chapter."""
    chapter = CHAPTER.fullmatch(path.as_posix())
    if chapter is None:
        return
    items = "".join(f"<li>{line}</li>" for line in links(app, page, chapter[1]))
    html = (
        '<nav class="chapter-links" aria-labelledby="belongs"><p id="belongs">'
        f"What belongs to this chapter:</p><ul>{items}</ul></nav>"
    )
    page.select_one("article > section").append(
        BeautifulSoup(html, "html.parser")
    )


def forget_pages(app: Sphinx, exception: Exception | None) -> None:
    """Read the page of corrections anew in each build."""
    corrections.cache_clear()


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.setup_extension("finished_pages")
    app.connect("page-finishing", insert_links)
    app.connect("build-finished", forget_pages, priority=100)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
