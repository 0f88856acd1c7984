"""Sphinx extension: each page of exercises offers its notebook to fill in.

The page itself holds the solutions. The notebook that is made of it here has
the beginnings of the functions, the hints and the checks.
"""

from pathlib import Path, PurePosixPath

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

from swinlib.classroom.pages import read_page, student_notebook

PAGES = "book/exercises/"
FOLDER = "_static/exercises"


def write_notebooks(app: Sphinx) -> None:
    """Make the notebooks of all pages of exercises."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir, FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(Path(app.srcdir, PAGES).glob("*.ipynb")):
        nbformat.write(student_notebook(read_page(path)), folder / path.name)


def offer_notebook(app: Sphinx, doctree: nodes.document) -> None:
    """Put the link below the title of a page of exercises."""
    name = app.env.docname
    if not name.startswith(PAGES):
        return
    up = "../" * (len(PurePosixPath(name).parts) - 1)
    address = f"{up}{FOLDER}/{PurePosixPath(name).name}.ipynb"
    link = (
        f'<p><a href="{address}" download>Download the notebook to fill in</a>'
        ", which has the exercises, hints and checks of this page, and no "
        "solutions.</p>"
    )
    title = next(doctree.findall(nodes.title))
    place = title.parent.index(title) + 1
    title.parent.insert(place, nodes.raw("", link, format="html"))


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.connect("builder-inited", write_notebooks)
    app.connect("doctree-read", offer_notebook)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
