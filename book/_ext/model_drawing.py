"""Sphinx extension: the drawing of the model on the start page and in chapters.

The start page and the tour have it large, below their first paragraph. Each
other chapter has it small, below its title, with its own part lit. The
notebooks hold none of it: their readers in JupyterLab call
``figures.show_model()``.
"""

import functools
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from swinlib.figures.drawing import (
    PARTS,
    Anatomy,
    chapter_figure,
    default_anatomy,
    drawing_style,
    model_figure,
)

LARGE = ("book/index", "book/01_tour")
CHAPTER = re.compile(r"book/(\d\d)_\w+")
STYLE = "drawing.css"


@functools.cache
def facts() -> Anatomy:
    """Read off Swin-T what the drawing says, once."""
    return default_anatomy()


def write_style(app: Sphinx) -> None:
    """Write the style sheet before the pages, which name its checksum."""
    if app.builder.format == "html":
        folder = Path(app.outdir, "_static")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / STYLE).write_text(drawing_style(), encoding="utf-8")


def addresses(app: Sphinx, docname: str) -> dict[str, str]:
    """Return where the parts lead to from a page."""
    found = {}
    for name, part in PARTS.items():
        page = app.builder.get_relative_uri(docname, f"book/{part.page}")
        found[name] = f"{page}#{part.anchor}" if part.anchor else page
    return found


def insert_drawing(app: Sphinx, doctree: nodes.document) -> None:
    """Put the drawing that a page has to have into it."""
    docname = app.env.docname
    chapter = CHAPTER.fullmatch(docname)
    if app.builder.format != "html" or not (docname in LARGE or chapter):
        return
    if docname in LARGE:
        figure = model_figure(facts(), links=addresses(app, docname))
        before = next(doctree.findall(nodes.paragraph))
    else:
        links = addresses(app, docname)
        figure = chapter_figure(facts(), int(chapter[1]), links=links)
        before = next(doctree.findall(nodes.title))
    place = before.parent.index(before) + 1
    before.parent.insert(place, nodes.raw("", figure, format="html"))


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.connect("builder-inited", write_style)
    app.connect("doctree-read", insert_drawing)
    app.add_css_file(STYLE)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
