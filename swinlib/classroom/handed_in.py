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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from itertools import islice, takewhile
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
ELSEWHERE = "# {name} is defined further up."
NOWHERE = "# There is no cell for {name}."


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
    """The released notebook with a student's code in it, which keeps its order.

    Each cell of the student's stands for one that was released, if it is the same, or answers its exercise; it is the
    student's own otherwise. What the student left out is added: the introduction first of all, text and given code
    before what it is on, a check after its answer. An answer as it was handed out is left out where the student answers
    further up, so that it undoes nothing.
    """
    blocks = _blocks(released)
    cells = _without_what_undoes(list(handed_in), blocks)
    sources = {cell.source.strip() for cell in cells}
    stands_for = _stands_for(cells, blocks)
    exercises = _exercises_of(cells, stands_for, blocks)
    clean: list[NotebookNode] = []
    shown: set[int] = set()  # released cells that stand in it already

    answered = {id(original) for original in stands_for.values()}

    def show(cells: Iterable[NotebookNode]) -> None:
        """Add released cells, but for code that the student has somewhere."""
        for cell in cells:
            if id(cell) not in shown and (cell.cell_type != "code" or cell.source.strip() not in sources):
                shown.add(id(cell))
                clean.append(_copy(cell))

    def show_placeholder(block: _Block) -> None:
        """Add what stands for an answer that the student has no cell for."""
        if block.solution is not None and not {id(block.solution)} & (shown | answered):
            shown.add(id(block.solution))
            clean.append(_copy(block.solution, _in_place_of(block, cells)))

    show(blocks[None].before)
    for number, cell in enumerate(cells):
        block = blocks[exercises[number]]
        show(block.before)
        original = stands_for.get(number)
        if original is None:
            clean.append(_own_cell(cell.source, block.name))
            continue
        if any(original is cell for cell in block.after):
            show_placeholder(block)
            show(takewhile(lambda cell, original=original: cell is not original, block.after))
        shown.add(id(original))
        clean.append(_copy(original, cell.source if original is block.solution else None))
        if original is block.solution:
            show(block.after)
    for block in blocks.values():
        show(block.before)
        show_placeholder(block)
        show(block.after)
    for number, cell in enumerate(cell for cell in clean if is_own(cell)):
        cell.id = f"own-{number}"
    notebook = copy.deepcopy(released)
    notebook.cells = clean
    return notebook


@dataclass(frozen=True)
class _Block:
    """The released cells of one exercise, or of the introduction, which has no name and no solution."""

    name: str | None
    before: tuple[NotebookNode, ...]
    solution: NotebookNode | None = None
    after: tuple[NotebookNode, ...] = ()

    @property
    def cells(self) -> tuple[NotebookNode, ...]:
        return (*self.before, *filter(None, [self.solution]), *self.after)


def _blocks(released: NotebookNode) -> dict[str | None, _Block]:
    """By exercise: from a heading, or after a check, up to the next. The introduction has no name, nor what is left."""
    groups: list[list[NotebookNode]] = [[]]
    for cell in released.cells:
        if _begins_exercise(cell) or (groups[-1] and _is_check(groups[-1][-1])):
            groups.append([])
        groups[-1].append(cell)
    blocks: dict[str | None, _Block] = {None: _Block(None, ())}
    for block in map(_block, groups):
        known = blocks.get(block.name)
        blocks[block.name] = block if known is None else replace(known, before=known.before + block.before)
    return blocks


def _block(cells: Sequence[NotebookNode]) -> _Block:
    place = next((i for i, cell in enumerate(cells) if solution_name(cell) is not None), None)
    if place is None:
        return _Block(None, tuple(cells))
    return _Block(solution_name(cells[place]), tuple(cells[:place]), cells[place], tuple(cells[place + 1 :]))


def _begins_exercise(cell: NotebookNode) -> bool:
    return cell.cell_type == "markdown" and cell.source.startswith("## ")


def _is_check(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def _without_what_undoes(cells: list[Cell], blocks: Mapping[str | None, _Block]) -> list[Cell]:
    """Without answers as they were handed out, where the student's own stand further up; see `ELSEWHERE`."""
    said = {text.format(name=name) for name in blocks for text in (ELSEWHERE, NOWHERE)}
    begun = {block.solution.source.strip(): name for name, block in blocks.items() if block.solution is not None}
    kept: list[Cell] = []
    answered: set[str] = set()
    for cell in cells:
        name = begun.get(cell.source.strip())
        if cell.source.strip() in said or name in answered:
            continue
        if name is None:
            answered |= defined(cell.source)
        kept.append(cell)
    return kept


def _stands_for(cells: Sequence[Cell], blocks: Mapping[str | None, _Block]) -> dict[int, NotebookNode]:
    """The released cells for which a student's stand, by their numbers."""
    found: dict[int, NotebookNode] = {}
    for block in blocks.values():
        for cell in block.cells:
            if cell.cell_type != "code":
                continue
            left = [number for number in range(len(cells)) if number not in found]
            same = [number for number in left if cells[number].source.strip() == cell.source.strip()]
            if cell is block.solution:
                changed = [number for number in left if number not in same]
                answers = [number for number in changed if block.name in defined(cells[number].source)]
                claiming = [number for number in changed if cells[number].claims == block.name]
                # of several answers the one in the cell that was handed out for it, or else the last
                same = ([n for n in answers if n in claiming] or answers or claiming)[-1:] or same
            if same:
                found[same[0]] = cell
    return found


def _exercises_of(
    cells: Sequence[Cell], stands_for: Mapping[int, NotebookNode], blocks: Mapping[str | None, _Block]
) -> list[str | None]:
    """For each cell of a student's the exercise under which it is shown: its own, or that of the next answer."""
    home = {id(cell): block for block in blocks.values() for cell in block.cells}
    exercises: list[str | None] = []
    following = None
    for number in reversed(range(len(cells))):
        original = stands_for.get(number)
        block = home.get(id(original))
        if block is not None and original is block.solution and cells[number].source != original.source:
            following = block.name
        exercises.append(following if block is None else block.name)
    return exercises[::-1]


def _in_place_of(block: _Block, cells: Sequence[Cell]) -> str:
    """What stands for an answer that the student has no cell for: as it was handed out, where that undoes nothing."""
    if any(block.name in defined(cell.source) for cell in cells):
        return ELSEWHERE.format(name=block.name)
    known = {cell.source.strip() for cell in block.cells}
    named = any(re.search(rf"\b{block.name}\b", cell.source) for cell in cells if cell.source.strip() not in known)
    return NOWHERE.format(name=block.name) if named else block.solution.source


def _copy(cell: NotebookNode, source: str | None = None) -> NotebookNode:
    """A cell without outputs, and with another source if one is given."""
    cell = copy.deepcopy(cell)
    if source is not None:
        cell.source = source
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell


def solutions(notebook: NotebookNode) -> list[str]:
    """The exercises of a notebook: the names of the cells in which they are answered."""
    return [name for cell in notebook.cells if (name := solution_name(cell)) is not None]


def solution_name(cell: NotebookNode) -> str | None:
    """The exercise that is answered in a cell of the course's notebooks."""
    nbgrader = cell.metadata.get("nbgrader", {})
    return nbgrader["grade_id"] if nbgrader.get("solution") else None


def is_own(cell: NotebookNode) -> bool:
    """Whether a cell of a clean notebook is one that the student added."""
    return "own" in cell.metadata.get("swinlib", {})


def exercise_of(cell: NotebookNode) -> str | None:
    """The exercise to which a code cell of a clean notebook belongs, if any."""
    if is_own(cell):
        return cell.metadata.swinlib.own
    return solution_name(cell) or (cell.metadata.nbgrader.grade_id.removeprefix("check_") if _is_check(cell) else None)


def defined(source: str) -> set[str]:
    """The names that a source defines at its top level, as far as its lines tell; it need not be valid Python."""
    return {function or variable for function, variable in DEFINITION.findall(source)}


def _own_cell(source: str, exercise: str | None) -> NotebookNode:
    return nbformat.v4.new_code_cell(source, metadata={"swinlib": {"own": exercise}})
