"""Sphinx extension: the questions of the chapters, for the start page.

The directive ``chapter-questions`` makes a table of what the chapters say: the
questions are those of the table in the tour, the minutes those that each
chapter gives as its reading time. Its content is the question of the tour.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

TOUR = "01_tour.ipynb"
ROW = re.compile(r"^\| (\[\d+ .+\]\((\d\d_\w+\.ipynb)\)) \| (.+) \|$", re.M)
MINUTES = re.compile(r"Reading time: about (\d+) minutes")
TITLE = re.compile(r"^# (\d+)\. (.+)$", re.M)

Row = tuple[str, str, int]  # a link to a chapter, its question, its minutes


def text_of(path: Path) -> str:
    """Return the text of a notebook, without its code."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join(
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "markdown"
    )


def minutes(path: Path) -> int:
    """Return the minutes that a chapter takes, as it says.

    Raises:
        ValueError: if it does not say.
    """
    found = MINUTES.search(text_of(path))
    if found is None:
        raise ValueError(
            f"{path.name} does not say 'Reading time: about N minutes'."
        )
    return int(found[1])


def questions(book: Path, first: str) -> list[Row]:
    """Return the rows of the table.

    Args:
        book: the folder of the notebooks.
        first: the question of the tour.

    Raises:
        ValueError: if the tour has no such table.
    """
    tour = text_of(book / TOUR)
    number, title = TITLE.search(tour).groups()
    rows = [(f"[{number} {title}]({TOUR})", first, minutes(book / TOUR))]
    for link, name, question in ROW.findall(tour):
        rows.append((link, question, minutes(book / name)))
    if len(rows) == 1:
        raise ValueError(f"{TOUR} has no table of the chapters' questions.")
    return rows


def as_markdown(rows: Sequence[Row]) -> list[str]:
    """Return the lines of the table, with the sum of the minutes."""
    lines = [
        "| chapter | the question it answers | minutes |",
        "| - | - | -: |",
    ]
    lines += [
        f"| {link} | {question} | {time} |" for link, question, time in rows
    ]
    return [*lines, f"| all | | {sum(time for *_, time in rows)} |"]


class ChapterQuestions(SphinxDirective):
    """The directive."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Make the table, and note the chapters as what it is made of."""
        book = Path(self.env.doc2path(self.env.docname)).parent
        rows = questions(book, " ".join(self.content))
        for name in sorted(book.glob("[0-9]*.ipynb")):
            self.env.note_dependency(str(name))
        table = nodes.container(classes=["chapter-questions"])
        lines = StringList(as_markdown(rows), "chapter-questions")
        self.state.nested_parse(lines, self.content_offset, table)
        return [table]


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.add_directive("chapter-questions", ChapterQuestions)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
