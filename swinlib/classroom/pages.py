"""A page of exercises, and the notebooks that are made of it.

A page is a notebook in ``book/exercises``. A heading ``## 1. Title`` begins an exercise; what stands before the first
is the page's introduction and its imports. The cells of an exercise, in this order:

- its statement, beginning with a line such as ``*10 minutes · easy · 2 points*``;
- hints, folded in ``<details>``;
- code that is given, tagged ``given``: a function with a bug to find, say;
- the solution, tagged ``solution`` and folded on the page, a function with a docstring that gives the shapes;
- why the solution is right, folded in ``<details>`` with the summary ``Explanation``;
- the check, tagged ``check``: ``check.name(name)``.

The student's notebook has a stub instead of the solution, made from its signature and docstring, and no explanation.
The instructor's notebook has everything, in nbgrader's form. What a student gets in place of a cell is kept in that
cell's metadata, as ``swinlib.begun``; `released` puts it there.
"""

import ast
import copy
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

FOLD = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
FACTS = re.compile(r"\*(\d+) minutes · (easy|medium|hard) · (\d+) points?\*")


class PageError(ValueError):
    """A page of exercises that is not written as this module says."""


@dataclass(frozen=True)
class PageExercise:
    """One exercise of a page.

    Attributes:
        name: of the function to write, and of its check.
        title: of its heading, with its number.
        minutes: how long it takes.
        difficulty: easy, medium or hard.
        points: what it is worth.
        cells: all of its cells.
    """

    name: str
    title: str
    minutes: int
    difficulty: str
    points: int
    cells: tuple[NotebookNode, ...]

    @property
    def folds(self) -> list[tuple[str, str]]:
        """What is folded in it: summary and text."""
        return [fold for cell in self.cells if cell.cell_type == "markdown" for fold in FOLD.findall(cell.source)]

    @property
    def solution(self) -> str:
        return tagged(self.cells, "solution")[0].source

    @property
    def given(self) -> str:
        return "\n".join(cell.source for cell in tagged(self.cells, "given"))

    @property
    def starts_from_code(self) -> bool:
        """Whether the function to write is given already, to be repaired."""
        return self.name in _functions(self.given)


@dataclass(frozen=True)
class Page:
    """A page: its introduction, its imports, its exercises."""

    name: str
    introduction: tuple[NotebookNode, ...]
    exercises: tuple[PageExercise, ...]

    @property
    def setup(self) -> str:
        """The code that stands before the first exercise."""
        return "\n".join(cell.source for cell in self.introduction if cell.cell_type == "code")


def read_page(path: Path | str) -> Page:
    """Read a page of exercises.

    Raises:
        PageError: if something is missing; the message names the page, the exercise, and what to add.
    """
    path = Path(path)
    groups: list[list[NotebookNode]] = [[]]
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            groups.append([])
        groups[-1].append(cell)
    return Page(path.stem, tuple(groups[0]), tuple(_exercise(path.stem, cells) for cells in groups[1:]))


def _exercise(page: str, cells: list[NotebookNode]) -> PageExercise:
    title = cells[0].source.splitlines()[0].removeprefix("## ")
    where = f"{page}, exercise {title!r}"
    facts = FACTS.search(cells[0].source)
    if not facts:
        raise PageError(f"{where}: begin the statement with a line like '*10 minutes · easy · 2 points*'.")
    for tag in ("solution", "check"):
        if len(tagged(cells, tag)) != 1:
            raise PageError(f"{where}: expected one code cell tagged {tag!r}, found {len(tagged(cells, tag))}.")
    call = re.fullmatch(r"check\.(\w+)\((\w+)\)", tagged(cells, "check")[0].source.strip())
    if not call or call[1] != call[2]:
        raise PageError(f"{where}: the check must read check.name(name), with the name of the function to write.")
    if call[1] not in _functions(tagged(cells, "solution")[0].source):
        raise PageError(f"{where}: the solution does not define {call[1]}.")
    minutes, difficulty, points = facts.groups()
    return PageExercise(call[1], title, int(minutes), difficulty, int(points), tuple(cells))


def student_notebook(page: Page) -> NotebookNode:
    """What a learner starts from: no solutions, no explanations, no outputs."""
    notebook = released(assignment_notebook(page))
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
    return notebook


def assignment_notebook(page: Page, points: Mapping[str, float] | None = None) -> NotebookNode:
    """The instructor's notebook for nbgrader: solutions to be taken out at release, and checks that carry points.

    Args:
        page: of exercises.
        points: by exercise, where they differ from the page's.

    Raises:
        PageError: if points are given to an exercise that the page does not have, or are not a number from 0 up.
    """
    points = dict(points or {})
    names = [exercise.name for exercise in page.exercises]
    for name, number in points.items():
        if name not in names:
            raise PageError(f"{page.name} has no exercise {name!r} to give points to; it has {', '.join(names)}.")
        if not (math.isfinite(number) and number >= 0):
            raise PageError(f"{page.name}, exercise {name}: points must be a number from 0 up, got {number}.")
    cells = [_plain(cell) for cell in page.introduction]
    for exercise in page.exercises:
        cells += _assignment_cells(exercise, points.get(exercise.name, exercise.points))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=[cell for cell in cells if cell.source], metadata={"kernelspec": kernel})


def _assignment_cells(exercise: PageExercise, points: float) -> Iterator[NotebookNode]:
    """The cells of one exercise in nbgrader's form.

    Where code is given to be repaired, the cell that gives it is the one in which the student works.
    """
    for page_cell in exercise.cells:
        tags = page_cell.metadata.get("tags", [])
        cell = _plain(page_cell)
        if cell.cell_type == "markdown":
            cell.source = cell.source.strip()
            _begin(cell, FOLD.sub(lambda fold: "" if fold[1] == "Explanation" else fold[0], cell.source).strip())
        elif "check" in tags:
            cell.metadata.nbgrader = _nbgrader(f"check_{exercise.name}", grade=True, locked=True, points=points)
        elif "given" in tags and exercise.name in _functions(cell.source):
            given, cell.source = cell.source, exercise.solution
            cell.metadata.nbgrader = _nbgrader(exercise.name, solution=True)
            _begin(cell, given)
        elif "solution" in tags:
            if exercise.starts_from_code:
                continue
            cell.metadata.nbgrader = _nbgrader(exercise.name, solution=True)
            _begin(cell, stub(cell.source))
        yield cell


def _nbgrader(identity: str, **more: object) -> NotebookNode:
    """A cell's metadata, as version 3 of nbgrader's format asks for them."""
    kinds = {"grade": False, "locked": False, "solution": False, "task": False}
    return nbformat.from_dict({"grade_id": identity, "schema_version": 3, **kinds, **more})


def _begin(cell: NotebookNode, begun: str) -> None:
    """Keep what the student gets in place of a cell, if that is something else."""
    if begun != cell.source:
        cell.metadata.swinlib = NotebookNode(begun=begun)


def released(notebook: NotebookNode) -> NotebookNode:
    """What students get of an instructor's notebook: each cell as it is begun, and no metadata that tells more."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata.pop("swinlib", None)
    for cell in notebook.cells:
        cell.source = cell.metadata.pop("swinlib", {}).get("begun", cell.source)
    notebook.cells = [cell for cell in notebook.cells if cell.source]
    return notebook


def stub(solution: str) -> str:
    """The imports, signature and docstring of a solution, and nothing of its body.

    Everything else of the solution goes, helpers included.
    """
    tree = ast.parse(solution)
    kept = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    function = next(node for node in reversed(tree.body) if isinstance(node, (ast.FunctionDef, ast.ClassDef)))
    lines = solution.splitlines()
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    end = first.end_lineno if documented else first.lineno - 1
    head = lines[function.lineno - 1 : end]
    indent = " " * first.col_offset
    imports = [ast.unparse(node) for node in kept]
    return "\n".join(
        [*imports, *([""] * 2 if imports else []), *head, f'{indent}raise NotImplementedError("your turn")']
    )


def tagged(cells: list[NotebookNode] | tuple[NotebookNode, ...], tag: str) -> list[NotebookNode]:
    """The code cells with a tag."""
    return [cell for cell in cells if cell.cell_type == "code" and tag in cell.metadata.get("tags", [])]


def _functions(source: str) -> set[str]:
    return {node.name for node in ast.parse(source).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def _plain(cell: NotebookNode) -> NotebookNode:
    """A copy without outputs, and without metadata, which serves the page only."""
    cell = copy.deepcopy(cell)
    cell.metadata = NotebookNode()
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell
