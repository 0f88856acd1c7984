"""A page of private variants: the exercises of a page of the book, in other names and with fixed numbers.

What changes is said in a file (see `swinlib.check.variants`), from which the checks are made as well. Code is renamed
by its syntax, so that a keyword of another function, or an attribute, keeps its name; text is renamed in its spans of
code.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from swinlib.check.variants import Variant, read_variants

from .pages import FACTS, FOLD, Page, PageError, PageExercise, _plain

CODE_SPAN = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
INTRODUCTION = "Each exercise asks for one function, under the name that is given, and is checked when it is graded."
UNCHECKED = "# {name} is checked when it is graded."


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
    names = {exercise.name: how.name, **how.parameters}
    old = _parameters(exercise)
    call = f"{exercise.name}({', '.join(old)})"
    called = f"{how.name}({', '.join(how.signature(old).values())})"
    points = exercise.points if how.points is None else how.points
    cells = []
    for cell in exercise.cells:
        cell = NotebookNode(_plain(cell), metadata=NotebookNode(tags=cell.metadata.get("tags", [])))
        tags = cell.metadata.tags
        if cell.cell_type == "markdown":
            cell.source = FOLD.sub(lambda fold: "" if fold[1].startswith("My check") else fold[0], cell.source)
            cell.source = cell.source.replace(f"`{call}`", f"`{called}`")
            cell.source = CODE_SPAN.sub(lambda span: _rename_words(span[0], names), cell.source)
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
    tree = ast.parse(exercise.solution)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == exercise.name]
    if not functions:
        raise PageError(f"{exercise.name} is a class, and a class has no variants.")
    return [parameter.arg for parameter in functions[0].args.args]


def _statement(source: str, title: str, points: int, how: Variant) -> str:
    """The statement with its number, its points, and a word on the numbers that are fixed."""
    _, _, rest = source.partition("\n")
    unit = "point" if points == 1 else "points"
    facts = FACTS.sub(lambda facts: f"*{facts[1]} minutes · {facts[2]} · {points} {unit}*", rest, count=1)
    always = " and ".join(f"`{name}` is always {number}" for name, number in how.fixed.items())
    are_none = "it is not a parameter" if len(how.fixed) == 1 else "they are not parameters"
    told = f"Here {always}; {are_none}." if always else ""
    return f"## {title}\n" + (FACTS.sub(lambda facts: f"{facts[0]}\n\n{told}", facts, count=1) if told else facts)


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
                if isinstance(inner, ast.Name) and inner.id in how.parameters and inner.id not in how.fixed:
                    yield inner.lineno - 1, inner.col_offset, inner.id, how.parameters[inner.id]
