"""Sphinx extension: an interactive figure is loaded when a reader comes near.

The table of an interactive figure stands in the cell's output, so that a
notebook holds all of it. In the book it would be most of a chapter, for a part
that many readers never reach. Here it becomes a script of its own. ``pages.js``
loads it when the figure comes near; until then, and in print, its picture is
there. The scripts are classic ones, the only kind that a page opened as a file
may load.
"""

from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

FOLDER = "_static/figures"
START = "startInPage("


def set_apart(app: Sphinx, page: BeautifulSoup, path: Path) -> None:
    """Move the scripts of a page's interactive figures into files."""
    for script in page.select("script[type=module]"):
        figure = script.find_previous_sibling("figure")
        if figure is None or START not in script.string:
            continue
        name = f"{FOLDER}/{figure['data-figure']}.js"
        file = Path(app.outdir, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        # Its names are its own, as they are in a module.
        file.write_text(
            f'(() => {{\n"use strict";\n{script.string.strip()}\n}})();\n',
            encoding="utf-8",
        )
        figure["data-script"] = "../" * (len(path.parts) - 1) + name
        script.decompose()


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.setup_extension("finished_pages")
    app.connect("page-finishing", set_apart)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
