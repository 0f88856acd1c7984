"""A class of students who are drawn: able ones answer right, others make a known mistake or leave the stub.

Each writes in a style of the own: names, intermediate results, comments. A copy is somebody's work with other names,
other comments and another order of the functions. Twins are honest: each wrote down the book's own short solution, or
the same other right answers, with the own names and comments, and without having seen the other's.

What each one does with an exercise follows the Rasch model: the chance of a right answer is the logistic function of
the student's ability less the exercise's difficulty, both in logits.
"""

import ast
import builtins
import inspect
import math
import random
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from judged import alternatives, verdict

from swinlib import check
from swinlib.classroom.course import find_page
from swinlib.classroom.pages import Page, read_page
from swinlib.classroom.pages import stub as stub_of

UNFINISHED = 0.3  # share of wrong answers that are stubs
STEEPNESS = 1.5  # of the logistic function


@dataclass(frozen=True)
class Answer:
    """What a student hands in for an exercise.

    Attributes:
        function: that is called.
        mistake: the known one that it is, if any.
        written: whether it is more than the stub.
    """

    function: Callable
    mistake: str | None = None
    written: bool = True


def stub(*arguments: object, **options: object) -> None:
    """An exercise as it was handed out."""
    raise NotImplementedError("your turn")


@cache
def page_of(chapter: str) -> Page:
    """A page of the book."""
    return read_page(find_page(chapter))


@cache
def solution(chapter: str, exercise: str) -> Callable:
    """The page's answer."""
    [found] = [each for each in page_of(chapter).exercises if each.name == exercise]
    names: dict[str, object] = {}
    for code in (page_of(chapter).setup, found.given, found.solution):
        exec(compile(code, "exercise", "exec"), names)
    return names[exercise]


@dataclass(frozen=True)
class SimulatedClass:
    """Students, what they can, and what they hand in.

    Attributes:
        chapter: whose page they do.
        difficulties: by exercise, in logits; None for one that is answered at random.
        answers: by student and exercise.
    """

    chapter: str
    difficulties: Mapping[str, float | None]
    answers: Mapping[str, Mapping[str, Answer]]

    def results(self) -> list[dict[str, object]]:
        """The rows that ``results.csv`` would have."""
        points = {exercise.name: exercise.points for exercise in page_of(self.chapter).exercises}
        rows = []
        for student, answers in self.answers.items():
            for exercise, answer in answers.items():
                said = verdict(exercise, answer.function, anything_goes=answer.mistake is not None)
                rows.append(
                    {
                        "assignment": self.chapter,
                        "student": student,
                        "exercise": exercise,
                        "points": said.credit * points[exercise],
                        "max_points": float(points[exercise]),
                        "mistake": said.mistake or "",
                        "message": " ".join(said.message.split()),
                        "look": "",
                    }
                )
        return rows


def simulate(chapter: str, *, students: int = 300, at_random: str | None = None, seed: int = 0) -> SimulatedClass:
    """A class that does one page.

    Args:
        chapter: whose page it is.
        students: how many.
        at_random: an exercise that everybody gets right with a chance of one half.
        seed: of everything that is drawn.
    """
    drawn = random.Random(seed)
    names = [exercise.name for exercise in page_of(chapter).exercises]
    logits = [-1.5 + 3 * number / (len(names) - 1) for number in range(len(names))]
    drawn.shuffle(logits)
    difficulties = {name: None if name == at_random else logit for name, logit in zip(names, logits, strict=True)}
    answers = {}
    for number in range(students):
        ability = drawn.gauss(0, 1)
        answers[f"student-{number:03}"] = {
            name: _answer(chapter, name, _chance(ability, difficulty), drawn)
            for name, difficulty in difficulties.items()
        }
    return SimulatedClass(chapter, difficulties, answers)


def _chance(ability: float, difficulty: float | None) -> float:
    return 0.5 if difficulty is None else 1 / (1 + math.exp(-STEEPNESS * (ability - difficulty)))


def _answer(chapter: str, exercise: str, chance: float, drawn: random.Random) -> Answer:
    if drawn.random() < chance:
        return Answer(drawn.choice([solution(chapter, exercise), *alternatives(chapter)[exercise]]))
    if drawn.random() < UNFINISHED:
        return Answer(stub, written=False)
    mistake = drawn.choice(check.EXERCISES[exercise].mistakes)
    return Answer(mistake.function, mistake.name)


# What they write ------------------------------------------------------------------------------------------------

NAMES = (
    *("a", "b", "c", "n", "m", "t", "y", "z", "out", "res", "tmp", "aux", "idx", "pos", "data", "total", "left"),
    *("right", "first", "second", "cur", "acc", "buf", "grid", "cells", "parts", "inner", "outer", "step", "final"),
)
COMMENTS = ("now the rest", "see the chapter", "this took me long", "as on paper", "careful here", "done", "why not")
MOST_SPLITS = 4  # expressions of a function that a student writes as intermediate results


def written(chapter: str, exercise: str, answer: Answer) -> str:
    """The source of an answer, as its author in the book or in the tests wrote it, under the exercise's name."""
    [found] = [each for each in page_of(chapter).exercises if each.name == exercise]
    if not answer.written:
        return stub_of(found.given if found.starts_from_code else found.solution)
    if answer.function is solution(chapter, exercise):
        return found.solution
    tree = ast.parse(textwrap.dedent(inspect.getsource(answer.function)))
    function = tree.body[0]
    function.name, function.decorator_list = exercise, []
    return ast.unparse(_Plain().visit(tree))


class _Plain(ast.NodeTransformer):
    """Takes away what only the authors of a library write: types and docstrings."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        if ast.get_docstring(node) is not None and len(node.body) > 1:
            node.body = node.body[1:]
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node


def styled(source: str, drawn: random.Random) -> str:
    """A source as another student would have written it: intermediate results, names, comments."""
    tree = _Plain().visit(ast.parse(source))
    for function in tree.body:
        if isinstance(function, ast.FunctionDef):
            for _ in range(drawn.randint(0, MOST_SPLITS)):
                _split(function, drawn)
    return disguised(ast.unparse(ast.fix_missing_locations(tree)), drawn)


def _split(function: ast.FunctionDef, drawn: random.Random) -> None:
    """Write one expression of a function as an intermediate result."""
    places = []
    for number, statement in enumerate(function.body):
        if not isinstance(statement, (ast.Assign, ast.Return, ast.Expr)):
            continue
        hidden = {
            id(inner)
            for node in ast.walk(statement)
            if isinstance(node, (ast.Lambda, ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp, ast.IfExp))
            for inner in ast.walk(node)
        }
        for node in ast.walk(statement):
            if id(node) in hidden or isinstance(node, ast.Assign):
                continue
            for name, value in ast.iter_fields(node):
                if isinstance(value, (ast.Call, ast.BinOp, ast.Subscript)) and isinstance(
                    getattr(value, "ctx", ast.Load()), ast.Load
                ):
                    places.append((number, node, name, value))
    if places:
        number, node, name, value = drawn.choice(places)
        variable = f"part_{len(function.body)}"
        setattr(node, name, ast.Name(variable, ast.Load()))
        function.body.insert(number, ast.Assign([ast.Name(variable, ast.Store())], value))


def disguised(source: str, drawn: random.Random) -> str:
    """The same code with other names of variables, and other comments."""
    tree = ast.parse(source)
    functions = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    kept = functions | set(dir(builtins)) | {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    old = sorted(bound - kept)
    new = dict(zip(old, drawn.sample([f"{name}{n}" for name in NAMES for n in ("", "1", "2")], len(old)), strict=True))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = new.get(node.id, node.id)
    lines = ast.unparse(tree).splitlines()
    for _ in range(drawn.randint(0, 3)):
        place = drawn.randrange(len(lines) + 1)
        indent = " " * (len(lines[place]) - len(lines[place].lstrip())) if place < len(lines) else ""
        lines.insert(place, f"{indent}# {drawn.choice(COMMENTS)}")
    return "\n".join(lines)


def hand_ins(planted: SimulatedClass, *, seed: int = 0) -> dict[str, dict[str, str]]:
    """What everybody writes, by student and exercise."""
    drawn = random.Random(seed)
    return {
        student: {
            name: styled(written(planted.chapter, name, answer), drawn)
            if answer.written
            else written(planted.chapter, name, answer)
            for name, answer in answers.items()
        }
        for student, answers in planted.answers.items()
    }


def copied(
    work: Mapping[str, str], drawn: random.Random, *, share: float = 1.0, own: Mapping[str, str]
) -> dict[str, str]:
    """Somebody's work in disguise, in another order.

    Args:
        work: of whom it is copied, by exercise.
        drawn: says how.
        own: the copyist's own work, where nothing is copied.
        share: of the exercises that are copied.
    """
    names = drawn.sample(sorted(work), len(work))
    taken = names[: round(share * len(names))]
    return {name: disguised(work[name], drawn) if name in taken else own[name] for name in names}
