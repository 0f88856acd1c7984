"""Sphinx extension: the questions of the chapters, for the start page.

The directive ``chapter-questions`` makes a list of what the chapters say: the
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
ROW = re.compile(r"^\| \[\d+ (.+)\]\((\d\d_\w+\.ipynb)\) \| (.+) \|$", re.M)
MINUTES = re.compile(r"Reading time: about (\d+) minutes")
TITLE = re.compile(r"^# \d+\. (.+)$", re.M)

Row = tuple[str, str, str, int]  # title, file, question, minutes


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
    """Return what the list says of each chapter, in order.

    Args:
        book: the folder of the notebooks.
        first: the question of the tour.

    Raises:
        ValueError: if the tour has no such table, or it leaves out a chapter.
    """
    tour = text_of(book / TOUR)
    rows = [(TITLE.search(tour)[1], TOUR, first), *ROW.findall(tour)]
    chapters = sorted(path.name for path in book.glob("[0-9]*.ipynb"))
    if [name for _, name, _ in rows] != chapters:
        raise ValueError(
            f"the table of questions in {TOUR} leaves out chapters."
        )
    return [(*row, minutes(book / row[1])) for row in rows]


def as_markdown(rows: Sequence[Row]) -> list[str]:
    """Return the lines of the list, and one with the sum of the minutes."""
    lines = []
    for number, (title, name, question, time) in enumerate(rows, start=1):
        lines += [
            f"{number}. {question}\\",
            f"   [{title}]({name}), {time}\u00a0minutes",
        ]
    hours = sum(time for *_, time in rows) / 60
    return [
        *lines,
        "",
        f"All of it takes about {hours:.0f} hours, the tour alone "
        f"{rows[0][-1]} minutes.",
    ]


class ChapterQuestions(SphinxDirective):
    """The directive."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Make the list, and note the chapters as what it is made of."""
        book = Path(self.env.doc2path(self.env.docname)).parent
        rows = questions(book, " ".join(self.content))
        for name in sorted(book.glob("[0-9]*.ipynb")):
            self.env.note_dependency(str(name))
        box = nodes.container(classes=["chapter-questions"])
        lines = StringList(as_markdown(rows), "chapter-questions")
        self.state.nested_parse(lines, self.content_offset, box)
        return [box]


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.add_directive("chapter-questions", ChapterQuestions)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
