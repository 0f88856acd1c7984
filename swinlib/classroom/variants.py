"""A page of private variants: the exercises of a page of the book, in other names and with fixed numbers.

What changes is said in a file (see `swinlib.check.variants`), from which the checks are made as well. Code is renamed
by its syntax, so that a keyword of another function, or an attribute, keeps its name; text is renamed in its spans of
code.
"""

import ast
import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from swinlib.check.variants import Variant, read_variants

from .handed_in import solution_name
from .pages import FACTS, FOLD, Page, PageError, PageExercise, _plain

CODE_SPAN = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
INTRODUCTION = "Each exercise asks for one function, under the name that is given, and is checked when it is graded."
UNCHECKED = "# {name} is checked when it is graded."
UNCHECKED_BY_NUMBER = "# Exercise {number} is checked when it is graded."


def variant_page(page: Page, file: Path | str) -> Page:
    """The page that a class gets instead of one of the book; it has the exercises that the file names.

    Its notebooks have no checks to run, since these belong to the teacher.

    Args:
        page: of the book.
        file: of variants of the page's exercises.

    Raises:
        PageError: if a variant does not fit the page.
        ValueError: if the file is not one of variants.
    """
    chapter, variants = read_variants(file)
    if chapter != page.name:
        raise PageError(f"{file} has variants of {chapter}, and not of the page {page.name}.")
    exercises = {exercise.name: exercise for exercise in page.exercises}
    if unknown := sorted(set(variants) - set(exercises)):
        raise PageError(f"{file}: {page.name} has no exercise {unknown[0]!r}; it has {', '.join(exercises)}.")
    made = [_variant(exercises[name], how, number) for number, (name, how) in enumerate(variants.items(), start=1)]
    name = Path(file).stem
    imports = tuple(cell for cell in page.introduction if cell.cell_type == "code")
    return Page(name, (nbformat.v4.new_markdown_cell(f"# {name}\n\n{INTRODUCTION}"), *imports), tuple(made))


def _variant(exercise: PageExercise, how: Variant, number: int) -> PageExercise:
    old = _parameters(exercise)
    points = exercise.points if how.points is None else how.points
    cells = []
    for cell in exercise.cells:
        cell = NotebookNode(_plain(cell), metadata=NotebookNode(tags=cell.metadata.get("tags", [])))
        tags = cell.metadata.tags
        if cell.cell_type == "markdown":
            cell.source = _change_text(cell.source, exercise.name, old, how)
        elif "check" in tags:
            cell.source = UNCHECKED.format(name=how.name)
        else:
            cell.source = change_code(cell.source, exercise.name, how)
        cells.append(cell)
    title = re.sub(r"^\d+", str(number), exercise.title)
    cells[0].source = _statement(cells[0].source, title, points, how)
    return replace(exercise, name=how.name, title=title, points=points, cells=tuple(cells))


def _parameters(exercise: PageExercise) -> list[str]:
    """The parameters of the function to write; a page's function has plain ones."""
    found = parameters_in(exercise.solution, exercise.name)
    if found is None:
        raise PageError(f"{exercise.name} is a class, and a class has no variants.")
    return found


def parameters_in(source: str, function: str) -> list[str] | None:
    """The parameters of a function that a source defines at its top level; None if it defines none of that name."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return [parameter.arg for parameter in node.args.args]
    return None


def _change_text(text: str, function: str, old: list[str], how: Variant) -> str:
    """Text with the new names in its spans of code, and without help on a check that is not there."""
    call, called = f"{function}({', '.join(old)})", f"{how.name}({', '.join(how.signature(old).values())})"
    text = FOLD.sub(lambda fold: "" if fold[1].startswith("My check") else fold[0], text)
    text = text.replace(f"`{call}`", f"`{called}`")
    return CODE_SPAN.sub(lambda span: _rename_words(span[0], {function: how.name, **how.parameters}), text)


def _statement(source: str, title: str, points: int, how: Variant) -> str:
    """The statement with its number, its points, and a word on the numbers that are fixed."""
    _, _, rest = source.partition("\n")
    unit = "point" if points == 1 else "points"
    facts = FACTS.sub(lambda facts: f"*{facts[1]} minutes · {facts[2]} · {points} {unit}*", rest, count=1)
    return f"## {title}\n" + _tell_what_is_fixed(facts, how)


def _tell_what_is_fixed(source: str, how: Variant) -> str:
    """A statement that says so below its line of facts."""
    if not how.fixed:
        return source
    always = " and ".join(f"`{name}` is always {number}" for name, number in how.fixed.items())
    are_none = "it is not a parameter" if len(how.fixed) == 1 else "they are not parameters"
    return FACTS.sub(lambda facts: f"{facts[0]}\n\nHere {always}; {are_none}.", source, count=1)


# A variant for each student ----------------------------------------------------------------------------------------


def students_version(notebook: NotebookNode, variants: Mapping[str, Variant]) -> NotebookNode:
    """A notebook of the course in which one student finds the own variants; cells keep the names that nbgrader knows.

    Args:
        notebook: with or without solutions.
        variants: by the exercise that each is made of; those that are called like their exercise change nothing.
    """
    notebook = copy.deepcopy(notebook)
    groups = _groups(notebook.cells)
    first = next((cell for cell in groups[0] if cell.cell_type == "markdown"), None)
    if first is not None and solution_in(groups[0]) is None:
        first.source = f"{first.source.splitlines()[0]}\n\n{INTRODUCTION}"
    for cells in groups:
        answer = solution_in(cells)
        if answer is not None and solution_name(answer) in variants:
            name = solution_name(answer)
            _change_cells(cells, name, parameters_in(answer.source, name), variants[name])
    return notebook


def _change_cells(cells: Iterable[NotebookNode], function: str, old: list[str] | None, how: Variant) -> None:
    if old is None and how != Variant(function):
        raise PageError(f"{function} is a class, and a class has no variants.")
    told = False
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = _change_text(cell.source, function, old or [], how)
            if not told and FACTS.search(cell.source):
                told, cell.source = True, _tell_what_is_fixed(cell.source, how)
        elif old is not None and not cell.metadata.get("nbgrader", {}).get("grade"):
            cell.source = change_code(cell.source, function, how)


def without_checks(notebook: NotebookNode) -> NotebookNode:
    """A notebook with a comment in the place of each check: it says no name, since each student has another."""
    notebook = copy.deepcopy(notebook)
    checks = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    for number, cell in enumerate(checks, start=1):
        cell.source = UNCHECKED_BY_NUMBER.format(number=number)
    return notebook


def words_of(notebook: NotebookNode) -> dict[str, set[str]]:
    """By exercise, the words of its code and of its text's spans of code, and those of the introduction's code."""
    groups = _groups(notebook.cells)
    shared = _words(groups[0])
    return {solution_name(answer): shared | _words(cells) for cells in groups if (answer := solution_in(cells))}


def _words(cells: Iterable[NotebookNode]) -> set[str]:
    texts = ([cell.source] if cell.cell_type == "code" else CODE_SPAN.findall(cell.source) for cell in cells)
    return {word for each in texts for text in each for word in re.findall(r"[^\W\d]\w*", text)}


def _groups(cells: Iterable[NotebookNode]) -> list[list[NotebookNode]]:
    """The introduction, and the cells from each heading on."""
    groups: list[list[NotebookNode]] = [[]]
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            groups.append([])
        groups[-1].append(cell)
    return groups


def solution_in(cells: Iterable[NotebookNode]) -> NotebookNode | None:
    """The cell in which an exercise is answered, if one is among the cells."""
    return next((cell for cell in cells if solution_name(cell) is not None), None)


# Code ------------------------------------------------------------------------------------------------------------


def _rename_words(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"(?<![\w.])\w+", lambda word: names.get(word[0], word[0]), text)


def change_code(source: str, function: str, how: Variant) -> str:
    """Code in which a function has its new name, its parameters theirs, and what is fixed is set in its first line.

    Raises:
        PageError: if the function's parameters have defaults or types, which no page needs.
    """
    tree = ast.parse(source)
    lines: list[bytes | None] = [line.encode() for line in source.splitlines()]
    # from the end to the beginning, so that places before stay what they are
    for line, column, old, new in sorted(_names(tree, function, how), reverse=True):
        text = lines[line]
        lines[line] = text[:column] + new.encode() + text[column + len(old.encode()) :]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == function:
            _change_signature(lines, node, how)
    return b"\n".join(line for line in lines if line is not None).decode()


def _change_signature(lines: list[bytes | None], node: ast.FunctionDef, how: Variant) -> None:
    """Write the first line of a function anew, and what is fixed in front of its first statement."""
    parameters = node.args
    if parameters.defaults or parameters.kwonlyargs or parameters.vararg or parameters.kwarg or node.returns:
        raise PageError(f"{node.name} has parameters that cannot be changed: write them as plain names.")
    signature = how.signature([parameter.arg for parameter in parameters.args])
    indent = b" " * node.col_offset
    documented = ast.get_docstring(node) is not None
    body = node.body[1] if documented and len(node.body) > 1 else node.body[0]
    if documented:
        for line in range(node.body[0].lineno - 1, node.body[0].end_lineno):
            lines[line] = _rename_words(lines[line].decode(), how.parameters).encode()
    fixed = [f"{' ' * body.col_offset}{name} = {number!r}".encode() for name, number in how.fixed.items()]
    if fixed:
        lines[body.lineno - 1] = b"\n".join([*fixed, lines[body.lineno - 1]])
    last = node.body[0].lineno - 2  # of the lines of the signature
    lines[node.lineno - 1] = indent + f"def {how.name}({', '.join(signature.values())}):".encode()
    for line in range(node.lineno, last + 1):
        lines[line] = None


def _names(tree: ast.AST, function: str, how: Variant) -> Iterator[tuple[int, int, str, str]]:
    """Where old names stand that become new ones: the function's everywhere, its parameters' inside of it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == function:
            yield node.lineno - 1, node.col_offset, node.id, how.name
        if isinstance(node, ast.FunctionDef) and node.name == function:
            for inner in ast.walk(node):
                name = inner.id if isinstance(inner, ast.Name) else inner.arg if isinstance(inner, ast.arg) else None
                # parameters of functions inside of it, too; its own are written anew with the signature
                if name in how.parameters and name not in how.fixed and inner not in node.args.args:
                    yield inner.lineno - 1, inner.col_offset, name, how.parameters[name]
