"""Exercises as lines to be put in order: what `book/puzzles` says of them.

A file is named like a page of exercises, and has a table for each exercise:

    [roll]
    solution = '''
    n = len(x)
    places = torch.arange(n)
    sources = (places - shift) % n
    return x[sources]
    '''
    [roll.instead]
    'sources = (places - shift) % n' = ['sources = places - shift']

``solution`` is the body of a right answer, a whole statement on each line; it
is left out where the page's own solution is written so. ``instead`` has wrong
lines, by the line in whose place each is a known mistake of the exercise.
`tests/in_page/prove_puzzles.py` proves both in the page. Which order is right
is nowhere in a page: what a reader puts together is run there.

Lines come with their indentation. On a phone a line is moved by a tap, and to
choose its depth too would take a second gesture, on a screen that is thirty
characters wide.
"""

import ast
import hashlib
import io
import itertools
import textwrap
import tokenize
import tomllib
from dataclasses import dataclass
from pathlib import Path

from swinlib.classroom.pages import Page, PageExercise, stub

LINES = range(4, 15)  # of a right answer
WRONG = range(2, 5)  # lines among them
INDENT = " " * 4


class PuzzleError(ValueError):
    """A puzzle that is not written as this module says."""


@dataclass(frozen=True)
class Puzzle:
    """An exercise as lines to be put in order.

    Attributes:
        name: of the exercise.
        head: what stands above the lines: imports, signature, docstring.
        lines: of the right answer, with their indentation.
        instead: wrong lines, each with the number of the line in whose place
            it is a known mistake.
    """

    name: str
    head: str
    lines: tuple[str, ...]
    instead: dict[str, int]

    def program(self, wrong: str | None = None) -> str:
        """Return the right answer, or with a wrong line in it."""
        lines = list(self.lines)
        if wrong is not None:
            lines[self.instead[wrong]] = wrong
        return "\n".join([self.head, *lines, ""])

    def mixed(self) -> list[str]:
        """Return right and wrong lines, mixed: always alike, never right."""
        for number in itertools.count():
            mixed = sorted(
                [*self.lines, *self.instead],
                key=lambda line: hashlib.sha256(
                    f"{self.name} {number} {line}".encode()
                ).hexdigest(),
            )
            if [line for line in mixed if line in self.lines] != [*self.lines]:
                return mixed


def own_body(solution: str) -> str:
    """Return the body of a page's solution, without its docstring."""
    function = next(
        node
        for node in reversed(ast.parse(solution).body)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    )
    documented = ast.get_docstring(function) is not None
    first = function.body[1 if documented else 0]
    lines = solution.splitlines()[first.lineno - 1 : function.end_lineno]
    return textwrap.dedent("\n".join(lines))


def is_a_statement_each(lines: list[str]) -> bool:
    """Tell whether no statement goes over several of the lines."""
    text = "".join(f"{line}\n" for line in lines)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(token.type == tokenize.NEWLINE for token in tokens) == len(lines)


def puzzle_of(exercise: PageExercise, told: dict, where: str) -> Puzzle:
    """Return what a table of a file says.

    Raises:
        PuzzleError: if it cannot be a puzzle; the message says why.
    """
    if unknown := sorted(told.keys() - {"solution", "instead"}):
        raise PuzzleError(
            f"{where}: expected 'solution' and 'instead', got {unknown[0]!r}."
        )
    body = told.get("solution") or own_body(exercise.solution)
    bare = [line for line in body.splitlines() if line.strip()]
    if len(bare) not in LINES or not is_a_statement_each(bare):
        raise PuzzleError(
            f"{where}: its solution has {len(bare)} lines; write a 'solution' "
            f"of {LINES[0]} to {LINES[-1]}, a whole statement on each."
        )
    stripped = [line.strip() for line in bare]
    instead: dict[str, int] = {}
    for right, wrongs in told.get("instead", {}).items():
        if stripped.count(right) != 1:
            raise PuzzleError(
                f"{where}: the line {right!r} stands {stripped.count(right)} "
                "times in the solution; name one that stands there once."
            )
        place = stripped.index(right)
        depth = bare[place][: -len(right)]
        for wrong in wrongs:
            if wrong in stripped or INDENT + depth + wrong in instead:
                raise PuzzleError(
                    f"{where}: the line {wrong!r} is there already."
                )
            instead[INDENT + depth + wrong] = place
    if len(instead) not in WRONG:
        raise PuzzleError(
            f"{where}: it has {len(instead)} wrong lines; write {WRONG[0]} to "
            f"{WRONG[-1]}."
        )
    head = stub(exercise.solution).rpartition("\n")[0]
    lines = tuple(INDENT + line for line in bare)
    return Puzzle(exercise.name, head, lines, instead)


def read_puzzles(folder: Path, page: Page) -> dict[str, Puzzle]:
    """Read the puzzles of a page of exercises, by the exercise's name.

    Args:
        folder: of the files.
        page: of exercises.

    Raises:
        PuzzleError: if one is not written as this module says.
    """
    path = folder / f"{page.name}.toml"
    if not path.exists():
        return {}
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise PuzzleError(f"{path.name} is not TOML: {error}") from None
    exercises = {exercise.name: exercise for exercise in page.exercises}
    if unknown := sorted(told.keys() - exercises.keys()):
        raise PuzzleError(
            f"{path.name}: the page has no exercise {unknown[0]!r}; it has "
            f"{', '.join(exercises)}."
        )
    return {
        name: puzzle_of(exercise, told[name], f"{path.name}, {name}")
        for name, exercise in exercises.items()
        if name in told
    }


def for_the_page(
    puzzle: Puzzle, mistakes: dict[str, str], explanations: dict[str, str]
) -> dict[str, object]:
    """Return what a page is told of a puzzle.

    Args:
        puzzle: to be put in order.
        mistakes: by wrong line, the name of the mistake that it was proven to
            be.
        explanations: of the exercise's mistakes, by name.

    Returns:
        ``head``; ``lines``, mixed; and ``wrong``, by line, its explanation.
    """
    return {
        "head": puzzle.head,
        "lines": puzzle.mixed(),
        "wrong": {
            line: explanations[mistakes[line]] for line in puzzle.instead
        },
    }
