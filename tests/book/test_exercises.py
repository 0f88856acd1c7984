"""Each exercise: its unfinished function fails its checks, its solution passes them, and it has two hints."""

import ast
import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

BOOK = Path(__file__).resolve().parents[2] / "book"


@dataclass(frozen=True)
class Exercise:
    """What a page says about one exercise."""

    title: str
    statement: str
    setup: str
    cell: str
    folded: tuple[tuple[str, str], ...]  # (summary, text)

    @property
    def hints(self) -> list[str]:
        return [text for summary, text in self.folded if summary.startswith("Hint")]

    @property
    def solution(self) -> str:
        text = "\n".join(text for summary, text in self.folded if summary == "Solution")
        return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


def read_exercises(path: Path) -> list[Exercise]:
    """The exercises of a page, heading by heading; the cells before the first are their setup."""
    setup, chapters = "", []
    for cell in nbformat.read(path, as_version=4).cells:
        heading = re.match(r"## (.*)", cell.source)
        if heading:
            chapters.append((heading[1], [], []))
        if cell.cell_type == "code" and not chapters:
            setup += cell.source + "\n"
        elif chapters:
            chapters[-1][1 if cell.cell_type == "code" else 2].append(cell.source)
    pattern = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
    return [
        Exercise(title, text[0], setup, "\n".join(code), tuple(pattern.findall("\n".join(text))))
        for title, code, text in chapters
    ]


def with_solution(cell: str, solution: str) -> str:
    """The cell with the functions of the solution instead of its own of the same names."""
    solved = ast.parse(solution)
    names = {node.name for node in solved.body if isinstance(node, ast.FunctionDef)}
    rest = [node for node in ast.parse(cell).body if getattr(node, "name", None) not in names]
    return ast.unparse(ast.Module(solved.body + rest, type_ignores=[]))


def verdicts(setup: str, code: str) -> list[bool]:
    """Every True and False that the checks print."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(setup + code, "exercise", "exec"), {})
    return [word == "True" for word in re.findall(r"\b(True|False)\b", printed.getvalue())]


PAGES = sorted((BOOK / "exercises").glob("*.ipynb"))
EXERCISES = [
    pytest.param(exercise, id=f"{page.stem[:2]}-{exercise.title}")
    for page in PAGES
    for exercise in read_exercises(page)
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_at_least_six(page):
    assert len(read_exercises(page)) >= 6
    assert (BOOK / page.name).exists(), "a page of exercises is named like its chapter"


@pytest.mark.parametrize("exercise", EXERCISES)
def test_two_hints_and_one_solution(exercise):
    assert len(exercise.hints) >= 2
    assert exercise.solution
    assert re.search(r"\b([Mm]inutes|[Hh]our)\b", exercise.statement)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_unfinished_fails_and_solved_passes(exercise):
    unfinished = verdicts(exercise.setup, exercise.cell)
    solved = verdicts(exercise.setup, with_solution(exercise.cell, exercise.solution))
    assert False in unfinished
    assert solved, "the checks print no verdict"
    assert all(solved)
