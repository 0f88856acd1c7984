"""From what a student handed in to a notebook that may be graded.

Nothing in a hand-in is believed but the sources of its code cells. They are put into the notebook as it was released,
so that text, checks, points and metadata are the course's own, whatever the file says. Files are opened without
following links, and without waiting for what is not a file.
"""

import copy
import errno
import json
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from itertools import islice
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4.convert import upgrade_cell

MAX_FILE = 20_000_000  # bytes of a notebook
MAX_PARTS = 1_000_000  # lists and dicts in it: parsing takes a hundred bytes for each
MAX_CELLS = 2_000  # code cells that are not empty
MAX_SOURCE = 200_000  # characters of one code cell
MAX_CODE = 1_000_000  # characters of all code cells together
MAX_NAME = 64  # characters of a student's name
MAX_NAME_BYTES = 192  # the name becomes a file's

SAFE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
DEFINITION = re.compile(r"^(?:(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|(\w+)[ \t]*(?::[^=\n]*)?=(?!=))", re.MULTILINE)
ELSEWHERE = "# {name} is defined further up, in one cell with {first}."


class NotGradableError(ValueError):
    """A hand-in that cannot be graded; the message tells the student and the teacher why."""


class NothingThereError(NotGradableError):
    """There is no file of that name."""


@dataclass(frozen=True)
class Cell:
    """A code cell of a hand-in: its source, and the exercise whose cell it says that it is."""

    source: str
    claims: str | None = None


class Kind(Enum):
    """What lies in a folder: files are all that are neither folders nor links."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


# Names ----------------------------------------------------------------------------------------------------------


def student_name(text: str) -> str:
    """A student's name in one spelling, for folders and the gradebook.

    Raises:
        NotGradableError: if it has characters other than letters and digits of any script and ``. _ @ - '``, begins
            with one of these five, or is too long.
    """
    name = unicodedata.normalize("NFC", text).replace("\u2019", "'")  # a word processor writes the other apostrophe
    if not 0 < len(name) <= MAX_NAME or len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise NotGradableError(f"the name '{printable(text[:MAX_NAME])}...' must have 1 to {MAX_NAME} characters.")
    wrong = [character for character in name if not (character in "._@-'" or _in_a_word(character))]
    if wrong or not name[0].isalnum():
        raise NotGradableError(
            f"the name '{printable(text)}' must begin with a letter or digit, and have only such and . _ @ - '"
        )
    return name


def _in_a_word(character: str) -> bool:
    """Whether it is a letter, a digit, or a mark that belongs to a letter, as in Hindi."""
    return unicodedata.category(character)[0] in "LM" or character.isdecimal()


def printable(text: str) -> str:
    """A text for a terminal or a table: what would act there is written as its code."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


# Files ----------------------------------------------------------------------------------------------------------


def read_file(folder: Path, *parts: str) -> tuple[bytes, datetime]:
    """The bytes of a student's file, and when it arrived.

    The time is that of the file's last change of any kind (ctime), which a student cannot set back.

    Args:
        folder: of the teacher.
        *parts: the path below it; no part of it may be a link.

    Raises:
        NothingThereError: if there is no such file.
        NotGradableError: if it is not a plain file, has another name somewhere, is too large, or cannot be read.
    """
    where = printable("/".join(parts))
    try:
        with os.fdopen(_open_below(folder, parts), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise NotGradableError(f"{where} is not a plain file; hand in the notebook itself.")
            if facts.st_nlink > 1:  # a student can give somebody else's file a name in the own folder
                raise NotGradableError(f"{where} is a hard link: the file has another name too; hand in a copy of it.")
            data = file.read(MAX_FILE + 1) if facts.st_size <= MAX_FILE else bytes(MAX_FILE + 1)
    except OSError as error:
        raise _in_words(error, where) from None
    if len(data) > MAX_FILE:
        raise NotGradableError(
            f"{where} is larger than {MAX_FILE // 10**6} MB; clear its outputs and hand it in again."
        )
    return data, datetime.fromtimestamp(facts.st_ctime, UTC)


def list_folder(folder: Path, *parts: str, most: int) -> list[tuple[str, Kind]]:
    """What lies in a folder of a student's: names in their order, and what each is.

    Args:
        folder: of the teacher.
        *parts: the path below it; no part of it may be a link.
        most: entries that it may have.

    Raises:
        NothingThereError: if there is no such folder.
        NotGradableError: if it is not a folder, has too many entries, or cannot be read.
    """
    where = printable("/".join(parts)) or str(folder)
    try:
        current = _open_below(folder, parts, os.O_DIRECTORY)
        try:
            with os.scandir(current) as entries:
                found = [(entry.name, _kind(entry)) for entry in islice(entries, most + 1)]
        finally:
            os.close(current)
    except OSError as error:
        raise _in_words(error, where) from None
    if len(found) > most:
        raise NotGradableError(f"{where} has more than {most} files; hand in the notebook alone.")
    return sorted(found)


def _kind(entry: os.DirEntry) -> Kind:
    if entry.is_symlink():
        return Kind.LINK
    return Kind.FOLDER if entry.is_dir(follow_symlinks=False) else Kind.FILE


def _open_below(folder: Path, parts: Sequence[str], last: int = 0) -> int:
    """Open a file one folder after the other, and follow no link; the last one with more flags."""
    current = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for i, part in enumerate(parts):
        try:
            following = os.open(part, SAFE | (last if i == len(parts) - 1 else os.O_DIRECTORY), dir_fd=current)
        finally:
            os.close(current)
        current = following
    if not last and stat.S_ISDIR(os.fstat(current).st_mode):
        os.close(current)
        raise IsADirectoryError
    return current


def _in_words(error: OSError, where: str) -> NotGradableError:
    if isinstance(error, FileNotFoundError):
        return NothingThereError(f"there is no file {where}.")
    if isinstance(error, IsADirectoryError):
        return NotGradableError(f"{where} is a folder; hand in the notebook itself.")
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return NotGradableError(f"{where} is a link, or lies behind one; hand in the notebook itself.")
    if isinstance(error, PermissionError):
        return NotGradableError(f"{where} may not be read; its permissions forbid it.")
    return NotGradableError(f"{where} could not be read ({error.strerror}).")


# Notebooks ------------------------------------------------------------------------------------------------------


def code_cells(data: bytes) -> list[Cell]:
    """The code cells of a notebook that are not empty, in their order.

    Raises:
        NotGradableError: if the bytes are not a notebook, or have more code than anybody writes.
    """
    if data.count(b"[") + data.count(b"{") > MAX_PARTS:
        raise NotGradableError(f"the file has more than {MAX_PARTS} parts; clear its outputs and hand it in again.")
    try:
        notebook = json.loads(data)  # in UTF-8, UTF-16 or UTF-32, with its mark or without
    except UnicodeDecodeError:
        raise NotGradableError("the file is not a notebook: its text is not in UTF-8, nor in UTF-16.") from None
    except RecursionError:
        raise NotGradableError("the file is not a notebook: it is nested too deeply.") from None
    except ValueError:  # of JSON, and of numbers with too many digits
        raise NotGradableError("the file is not a notebook, or only a part of one: it is not valid JSON.") from None
    cells = _cells(notebook) if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise NotGradableError("the file is not a notebook of today's format: it has no list of cells.")
    code = [Cell(source, _claim(cell)) for cell in cells if (source := _source(cell)).strip()]
    if len(code) > MAX_CELLS:
        raise NotGradableError(f"the notebook has {len(code)} code cells; at most {MAX_CELLS} are graded.")
    longest = max((len(cell.source) for cell in code), default=0)
    if longest > MAX_SOURCE:
        raise NotGradableError(f"a cell has {longest} characters of code; at most {MAX_SOURCE} are graded.")
    if (together := sum(len(cell.source) for cell in code)) > MAX_CODE:
        raise NotGradableError(f"the notebook has {together} characters of code; at most {MAX_CODE} are graded.")
    return code


def _cells(notebook: dict) -> object:
    """What a notebook gives as its cells; those of format 3 as nbformat brings them to today's.

    Raises:
        NotGradableError: if nbformat cannot do that.
    """
    if "cells" in notebook or "worksheets" not in notebook:
        return notebook.get("cells")
    try:
        # cell by cell and without outputs: nbformat would validate the whole, for many seconds if it is large
        code = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"] if cell["cell_type"] == "code"]
        if len(code) <= MAX_CELLS:
            return [upgrade_cell(nbformat.from_dict({**cell, "outputs": []})) for cell in code]
    except Exception as error:  # whatever nbformat stumbles over
        said = printable(str(error))[:MAX_NAME]
        raise NotGradableError(
            f"the notebook is of format 3, and cannot be brought to today's ({said}); open it in Jupyter and save it."
        ) from None
    raise NotGradableError(f"the notebook has {len(code)} code cells; at most {MAX_CELLS} are graded.")


def _source(cell: object) -> str:
    """The source of a code cell, as text that UTF-8 has, with lines that end in one way; else nothing."""
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return ""
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return ""
    source = source.encode("utf-8", "replace").decode()
    return source.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd").lstrip("\ufeff")


def _claim(cell: dict) -> str | None:
    """The name that nbgrader gave the cell, if it is still there."""
    for key in ("metadata", "nbgrader", "grade_id"):
        cell = cell.get(key) if isinstance(cell, dict) else None
    return cell if isinstance(cell, str) else None


# The clean notebook ---------------------------------------------------------------------------------------------


def clean_notebook(released: NotebookNode, handed_in: Iterable[Cell]) -> NotebookNode:
    """The released notebook with a student's code in it.

    A cell that defines the function of an exercise is the answer to it; the last one, if there are several. All other
    cells of the student's stand before the answer that followed them. So the student's cells run in their order,
    except where answers were handed in in another order than that of the exercises.
    """
    exercises = solutions(released)
    groups, rest = _answers(_students_own(released, handed_in), exercises)
    first_of = {name: min(names, key=exercises.index) for names in groups for name in names}
    sources = {min(names, key=exercises.index): cells for names, cells in groups.items()}
    notebook = copy.deepcopy(released)
    notebook.cells = []
    for cell in copy.deepcopy(released.cells):
        name = solution_name(cell)
        if name in sources:
            *before, cell.source = sources[name]
            notebook.cells += [_own_cell(source) for source in before]
        elif name in first_of:
            cell.source = ELSEWHERE.format(name=name, first=first_of[name])
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        notebook.cells.append(cell)
    notebook.cells += [_own_cell(source) for source in rest]
    for number, cell in enumerate(cell for cell in notebook.cells if is_own(cell)):
        cell.id = f"own-{number}"
    return notebook


def solutions(notebook: NotebookNode) -> list[str]:
    """The exercises of a notebook: the names of the cells in which they are answered."""
    return [name for cell in notebook.cells if (name := solution_name(cell)) is not None]


def solution_name(cell: NotebookNode) -> str | None:
    """The exercise that is answered in a cell of the course's notebooks."""
    nbgrader = cell.metadata.get("nbgrader", {})
    return nbgrader["grade_id"] if nbgrader.get("solution") else None


def is_own(cell: NotebookNode) -> bool:
    """Whether a cell of a clean notebook is one that the student added."""
    return cell.metadata.get("swinlib", {}).get("own", False)


def defined(source: str) -> set[str]:
    """The names that a source defines at its top level, as far as its lines tell; it need not be valid Python."""
    return {function or variable for function, variable in DEFINITION.findall(source)}


def _students_own(released: NotebookNode, handed_in: Iterable[Cell]) -> list[Cell]:
    """The cells that are not, letter by letter, what the course handed out."""
    exercises = solutions(released)
    known = {cell.source.strip() for cell in released.cells if cell.cell_type == "code"}
    known |= {ELSEWHERE.format(name=name, first=first) for name in exercises for first in exercises}
    return [cell for cell in handed_in if cell.source.strip() not in known]


def _answers(cells: Sequence[Cell], exercises: Sequence[str]) -> tuple[dict[frozenset[str], list[str]], list[str]]:
    """Sort a student's cells.

    Returns:
        By exercise, the sources that lead to its answer, the answer last; exercises whose answers share a cell are
        together. And the sources that come after all answers.
    """
    names = [defined(cell.source) & set(exercises) for cell in cells]
    unanswered = set(exercises).difference(*names)
    for i, cell in reversed(list(enumerate(cells))):
        if not names[i] and cell.claims in unanswered:
            names[i] = {cell.claims}
            unanswered.discard(cell.claims)
    together = {name: frozenset([name]) for name in exercises}
    for shared in names:
        union = frozenset().union(*(together[name] for name in shared))
        together.update(dict.fromkeys(union, union))
    groups: dict[frozenset[str], list[str]] = {}
    waiting: list[str] = []
    for cell, answered in zip(cells, names, strict=True):
        waiting.append(cell.source)
        if answered:
            groups.setdefault(together[next(iter(answered))], []).extend(waiting)
            waiting = []
    return groups, waiting


def _own_cell(source: str) -> NotebookNode:
    return nbformat.v4.new_code_cell(source, metadata={"swinlib": {"own": True}})
