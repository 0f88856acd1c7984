"""What nbgrader does differently in a course of this book: its steps, as classes that its configuration names.

- At release, students get what the instructor's notebook keeps for them (see `pages.released`).
- At grading, no kernel is started. Verdicts come from the sandbox, by way of `verdicts`, or are reached there and then.
- Feedback is a page of its own, in which everything from a student is text.
"""

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Integer, default

from swinlib.check.variants import read_variants

from . import grading
from .handed_in import Cell, NotGradableError, clean_notebook, exercise_of, is_own, solution_name, solutions
from .pages import FOLD, PageError, released
from .variants import students_version, without_checks
from .verdicts import (
    Assignment,
    message_of,
    read_verdict,
    show_verdict,
    student_sources,
    verdict_key,
    write_verdict,
)

TEMPLATES = Path(__file__).parent / "templates"
SEED = "seed.txt"
SECONDS_PER_DAY = 86_400
NO_RESPONSE = "No response."  # what nbgrader says of a cell that is as it was handed out; the check says it too
TELLING = 25  # a line of a solution with this many characters is not elsewhere by chance

Done = tuple[NotebookNode, dict[str, Any]]


# What the steps read in the course folder -----------------------------------------------------------------------


def read_assignment(course: Path, name: str) -> Assignment:
    """An assignment, as its notebook in ``source`` says.

    Raises:
        PageError: if there is no such notebook, or more than one, or it was not made by ``assign``.
    """
    found = sorted((course / "source" / name).glob("*.ipynb"))
    if len(found) != 1:
        raise PageError(f"source/{name} has {len(found)} notebooks, and must have one: make it with `assign`.")
    notebook = read_notebook(found[0])
    checks = notebook.metadata.get("swinlib", {}).get("checks")
    if checks is None:
        raise PageError(f"source/{name}/{found[0].name} does not say which checks grade it: make it with `assign`.")
    own = course / "checks" / checks
    points = {
        cell.metadata.nbgrader.grade_id.removeprefix("check_"): float(cell.metadata.nbgrader.points)
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }
    exercises = {exercise: points.get(exercise, 0.0) for exercise in solutions(notebook)}
    begun = {solution_name(cell): cell.source for cell in released(notebook).cells if solution_name(cell)}
    return Assignment(name, found[0].stem, exercises, begun, str(own) if own.is_file() else checks)


def own_checks(course: Path, assignment: str) -> Path:
    """The folder that holds a file of variants for each student, if the assignment was released so."""
    return course / "checks" / assignment


def for_student(
    course: Path, assignment: Assignment, handed_out: NotebookNode, student: str
) -> tuple[Assignment, NotebookNode]:
    """The assignment, and the notebook that was released, as one student got them.

    Args:
        course: the course folder.
        assignment: as the class has it.
        handed_out: the notebook of the class.
        student: the student's name.

    Raises:
        NotGradableError: if everybody has variants of the own, and this student none.
    """
    folder = own_checks(course, assignment.name)
    if not folder.is_dir():
        return assignment, handed_out
    file = folder / f"{student}.toml"
    if not file.is_file():
        raise NotGradableError(
            f"no variant was drawn for {student}; put the name into students.csv, and type "
            f"`release {assignment.name} --one-for-each` again."
        )
    _, variants = read_variants(file)
    version = students_version(handed_out, variants)
    names = {exercise: how.name for exercise, how in variants.items()}
    begun = {names[solution_name(cell)]: cell.source for cell in version.cells if solution_name(cell) in names}
    return replace(assignment, begun=begun, checks=str(file), names=names), version


def clean(assignment: Assignment, handed_out: NotebookNode, cells: Iterable[Cell]) -> NotebookNode:
    """A student's code in the notebook that this student got; see `handed_in.clean_notebook`.

    Where functions have names of the student's own, answers are looked for by these.
    """
    if not assignment.names:
        return clean_notebook(handed_out, cells)
    names = assignment.names
    claiming = [replace(cell, claims=names.get(cell.claims, cell.claims)) for cell in cells]
    back = {own: exercise for exercise, own in names.items()}
    return _named(clean_notebook(_named(handed_out, names), claiming), back)


def _named(notebook: NotebookNode, names: Mapping[str, str]) -> NotebookNode:
    """A notebook whose cells belong to exercises of other names."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        nbgrader = cell.metadata.get("nbgrader")
        if nbgrader is not None:
            prefix = "check_" if nbgrader.grade else ""
            name = nbgrader.grade_id.removeprefix(prefix)
            nbgrader.grade_id = prefix + names.get(name, name)
        if is_own(cell):
            cell.metadata.swinlib.own = names.get(cell.metadata.swinlib.own, cell.metadata.swinlib.own)
    return notebook


def read_notebook(path: Path) -> NotebookNode:
    """One of the course's own notebooks.

    Raises:
        PageError: if it is not one, whichever way nbformat finds that out.
    """
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:
        raise PageError(f"{path} cannot be read as a notebook: {one_line(error)}") from None


def one_line(error: Exception) -> str:
    """What an error says, in its first line."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def read_seed(course: Path) -> int:
    """The course's secret, of which the checks draw."""
    return int((course / SEED).read_text(), 16)


def verdict_path(course: Path, assignment: str, student: str) -> Path:
    """Where a verdict is kept."""
    return course / "verdicts" / assignment / f"{student}.json"


# Release --------------------------------------------------------------------------------------------------------


def leaks(source: NotebookNode) -> list[str]:
    """What would give a solution away if an instructor's notebook were released: one sentence each; none if all is
    well."""
    problems = []
    exercises = solutions(source)
    notebook = released(source)
    shown = [line.strip() for cell in notebook.cells for line in cell.source.splitlines()]
    for cell in source.cells:
        name = solution_name(cell)
        if name is None:
            continue
        if "begun" not in cell.metadata.get("swinlib", {}):
            problems.append(f"the cell of {name} does not say what students begin with, and its solution would stay.")
            continue
        told = [line for line in _telling(cell.source) if line in shown and line not in _telling(_begun(cell))]
        if told:
            problems.append(f"a line of the solution of {name} stands elsewhere too: {told[0]!r}.")
    for cell in notebook.cells:
        if "### BEGIN SOLUTION" in cell.source:
            problems.append("'### BEGIN SOLUTION' is not known here; put solutions into cells made by `assign`.")
        if cell.cell_type == "markdown" and any(fold == "Explanation" for fold, _ in FOLD.findall(cell.source)):
            problems.append("an Explanation would be released.")
    if not exercises:
        problems.append("no cell is marked as a solution.")
    return problems


def _begun(cell: NotebookNode) -> str:
    return cell.metadata.swinlib.begun


def _telling(source: str) -> list[str]:
    """The lines of a source that are too long to stand somewhere by chance."""
    return [line.strip() for line in source.splitlines() if len(line.strip()) >= TELLING]


class TakeSolutionsOut(NbGraderPreprocessor):
    """At release, in place of nbgrader's ClearSolutions: each cell as students begin it."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Done:
        """Make the students' notebook.

        Raises:
            PageError: if it would give a solution away.
        """
        if problems := leaks(nb):
            raise PageError("not released: " + " ".join(problems))
        notebook = released(nb)
        if own_checks(_course_of(self), resources["nbgrader"]["assignment"]).is_dir():
            notebook = without_checks(notebook)
        return notebook, resources


# Grading --------------------------------------------------------------------------------------------------------


class TakeCodeOnly(NbGraderPreprocessor):
    """Before grading: whatever a notebook in ``submitted`` says, only the sources of its code cells count."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Done:
        """Put the code into the released notebook again; a clean notebook stays as it is."""
        course, where = _course_of(self), resources["nbgrader"]
        path = course / "release" / where["assignment"] / f"{where['notebook']}.ipynb"
        cells = [
            Cell(cell.source, solution_name(cell)) for cell in nb.cells if cell.cell_type == "code" and cell.source
        ]
        assignment = read_assignment(course, where["assignment"])
        return clean(*for_student(course, assignment, read_notebook(path), where["student"]), cells), resources


class ShowVerdicts(NbGraderPreprocessor):
    """At grading, in place of nbgrader's Execute: outputs from the verdict, which the sandbox reaches if need be."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Done:
        """Fill in the outputs.

        Raises:
            NoSandboxError: if there is no verdict, and nothing in which one could be reached.
        """
        course, where = _course_of(self), resources["nbgrader"]
        handed_out = course / "release" / where["assignment"] / f"{where['notebook']}.ipynb"
        assignment, _ = for_student(
            course, read_assignment(course, where["assignment"]), read_notebook(handed_out), where["student"]
        )
        seed = read_seed(course)
        path = verdict_path(course, assignment.name, where["student"])
        key = verdict_key(nb, assignment, seed)
        graded = read_verdict(path, key)
        if graded is None:
            code = {where["student"]: student_sources(nb)}
            known = {"checks": assignment.checks, "begun": assignment.begun, "seed": seed}
            [(_, graded)] = grading.grade_many(code, assignment.functions, processes=1, **known)
            graded = assignment.by_exercise(graded)
            write_verdict(path, key, graded)
        show_verdict(nb, graded)
        return nb, resources


def _course_of(step: NbGraderPreprocessor) -> Path:
    """The course folder: a step belongs to an exporter, which belongs to one of nbgrader's converters."""
    return Path(step.parent.parent.coursedir.root)


class LatePenalty(LateSubmissionPlugin):
    """A share of the score for each day begun, and all of it after the latest day."""

    share_per_day = Float(0.0, min=0.0, max=1.0, help="Share of the score that each day begun costs.").tag(config=True)
    latest_day = Integer(
        None, allow_none=True, min=0, help="Days after which nothing is given; None to always give something."
    ).tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """The points that are taken off."""
        days = math.ceil(total_seconds_late / SECONDS_PER_DAY)
        if self.latest_day is not None and days > self.latest_day:
            return score
        return min(score, round(score * self.share_per_day * days, 4))


# Feedback -------------------------------------------------------------------------------------------------------


class TellByExercise(NbGraderPreprocessor):
    """Before feedback: what there is to say, exercise by exercise, for the template."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Done:
        """Put it among the resources, as ``swinlib``."""
        resources["swinlib"] = {"title": _title(nb), "exercises": _told(nb)}
        return nb, resources


def _title(notebook: NotebookNode) -> str:
    lines = (line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines())
    return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), "Exercises")


def _told(notebook: NotebookNode) -> list[dict[str, Any]]:
    """For each check: title, points, message, the teacher's comment, and the code that the student wrote for it."""
    heading, titles, code, comments, facts = "", {}, {}, {}, {}
    for cell in notebook.cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            heading = cell.source.splitlines()[0].removeprefix("## ")
        if cell.cell_type != "code":
            continue
        name = exercise_of(cell)
        titles.setdefault(name, heading)
        if solution_name(cell) or is_own(cell):
            code.setdefault(name, []).append({"source": cell.source, "error": _error(cell)})
            said = nbgrader.get("comment")
            comments[name] = comments.get(name) if said in (None, "", NO_RESPONSE) else said
        if nbgrader.get("grade"):
            score, points = float(nbgrader.get("score") or 0), float(nbgrader.get("points") or 0)
            verdict = "right" if score >= points else "partly" if score > 0 else "wrong"
            facts[name] = {"score": score, "points": points, "verdict": verdict, "message": message_of(cell)}
    told = [
        {"title": titles[name], "code": code.get(name, []), "comment": comments.get(name), **facts[name]}
        for name in facts
    ]
    if None in code:
        told.append({"title": "Your code after the last exercise", "code": code[None]})
    return told


def _error(cell: NotebookNode) -> str | None:
    return next((output.traceback[0] for output in cell.outputs if output.output_type == "error"), None)


class FeedbackExporter(HTMLExporter):
    """Feedback by a template of this package, in which all is escaped that is not said to be safe."""

    @default("template_name")
    def _template_name_default(self) -> str:
        return "feedback"

    def _create_environment(self) -> Environment:
        environment = super()._create_environment()
        environment.autoescape = True
        environment.filters["points"] = lambda number: f"{round(number, 2):g}"
        return environment
