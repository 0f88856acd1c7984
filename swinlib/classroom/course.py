"""A course folder on nbgrader: assignments out of pages, hand-ins into the gradebook, feedback back.

nbgrader keeps the gradebook, the points that a teacher gives by hand, the late penalty, and the CSV. What it
does differently here it is told by `configure`, which the course's ``nbgrader_config.py`` calls, so that its
formgrader does the same. The folder::

    nbgrader_config.py  students.csv  seed.txt  checks/<assignment>.*  checks/<assignment>/<student>.toml
    handouts/<assignment>/<student>/  variants.csv
    source/<assignment>/  release/<assignment>/  submitted/<student>/<assignment>/  autograded/  feedback/
    verdicts/<assignment>/<student>.json  alike/<assignment>.*
    gradebook.db  gradebook.csv  results.csv  items.csv  mistakes.csv  not_graded.csv  files.csv  nbgrader.log
"""

import contextlib
import csv
import hashlib
import io
import logging
import os
import re
import secrets
import shutil
import stat
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import CsvExportPlugin
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    ComputeChecksums,
    GetGrades,
    LimitOutput,
    LockCells,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
    SaveCells,
)
from nbgrader.utils import parse_utc
from tqdm import tqdm
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

import swinlib
from swinlib import check
from swinlib.check.variants import Variant, read_variants

from . import alike, grading
from . import inbox as inboxes
from .cluster import Cluster
from .draws import draw_variant, variants_text
from .handed_in import (
    NotGradableError,
    NothingThereError,
    code_cells,
    exercise_of,
    is_own,
    printable,
    read_file,
    solution_name,
    student_name,
)
from .items import ITEMS, MISTAKES, Item, Made, analyse, count_mistakes
from .pages import Page, PageError, assignment_notebook, read_page
from .steps import (
    SEED,
    TEMPLATES,
    FeedbackExporter,
    LatePenalty,
    ShowVerdicts,
    TakeCodeOnly,
    TakeSolutionsOut,
    TellByExercise,
    clean,
    for_student,
    leaks,
    one_line,
    own_checks,
    read_assignment,
    read_notebook,
    read_seed,
    verdict_path,
)
from .variants import parameters_in, students_version, variant_page, words_of
from .verdicts import Assignment, read_verdict, student_sources, verdict_key, write_at_once, write_verdict

CONFIGURATION = """\
# nbgrader reads this file. What stands below the call of `configure` is yours to change.
import swinlib.classroom.course

c = get_config()  # noqa: F821 - nbgrader defines it
swinlib.classroom.course.configure(c, __file__)

# What a late hand-in costs: a share of its score for each day begun, and all of it after the latest day.
c.LatePenalty.share_per_day = 0.1
c.LatePenalty.latest_day = 7  # None: there is none
"""
STUDENTS = ("id", "first_name", "last_name", "email")
RECEIVED = ("student", "received")
NOT_GRADED = ("assignment", "student", "step", "reason")
RESULTS = ("assignment", "student", "exercise", "points", "max_points", "mistake", "message", "look")
CHECKPOINTS = ".ipynb_checkpoints"  # which Jupyter leaves where a teacher opens a notebook; nbgrader leaves them out
TIMESTAMP = "timestamp.txt"


class CourseError(ValueError):
    """The course cannot do what it was asked to do; the message says what to do instead."""


def configure(c: Config, file: str | Path) -> None:
    """Tell nbgrader what it does differently in a course of this book.

    Args:
        c: nbgrader's configuration.
        file: the configuration's file, which lies in the course folder.
    """
    c.CourseDirectory.root = str(Path(file).resolve().parent)
    c.GenerateAssignment.preprocessors = [
        LockCells,
        TakeSolutionsOut,
        ClearOutput,
        CheckCellMetadata,
        ComputeChecksums,
        SaveCells,
    ]
    c.Autograde.sanitize_preprocessors = [
        TakeCodeOnly,
        ClearOutput,
        OverwriteKernelspec,
        OverwriteCells,
        CheckCellMetadata,
    ]
    c.Autograde.autograde_preprocessors = [
        ShowVerdicts,
        LimitOutput,
        SaveAutoGrades,
        AssignLatePenalties,
        CheckCellMetadata,
    ]
    c.AssignLatePenalties.plugin_class = LatePenalty
    c.GenerateFeedback.preprocessors = [GetGrades, TellByExercise]
    c.GenerateFeedback.exporter_class = FeedbackExporter
    c.FeedbackExporter.template_name = "feedback"
    c.FeedbackExporter.extra_template_basedirs = [str(TEMPLATES)]


@dataclass(frozen=True)
class Course:
    """An existing course folder."""

    root: Path

    @classmethod
    def at(cls, folder: Path) -> "Course":
        """The course in a folder.

        Raises:
            CourseError: if there is none.
        """
        folder = folder.resolve()
        if not (folder / "nbgrader_config.py").is_file():
            raise CourseError(
                f"{folder} has no nbgrader_config.py, so it is not a course; make one with `new`, or "
                "name one with --course."
            )
        return cls(folder)

    @cached_property
    def config(self) -> Config:
        """nbgrader's configuration."""
        return PyFileConfigLoader("nbgrader_config.py", path=str(self.root)).load_config()

    @contextlib.contextmanager
    def gradebook(self) -> Iterator[Gradebook]:
        """nbgrader's gradebook; it is made if it does not exist."""
        folder = CourseDirectory(config=self.config)
        with _scripts_on_path(), Gradebook(folder.db_url, folder.course_id) as gradebook:
            yield gradebook

    def convert(self, converter: type[BaseConverter], assignment: str, student: str = "*") -> Exception | None:
        """Run one of nbgrader's steps; what it says goes to the log.

        Returns:
            None if it worked, else what went wrong.
        """
        with _log(self.root / "nbgrader.log") as log:
            folder = CourseDirectory(config=self.config, log=log)
            folder.assignment_id, folder.student_id = assignment, student
            step = converter(coursedir=folder, config=self.config, log=log)
            step.force = True
            try:
                step.start()
            except NbGraderException as error:
                return error
        return None

    def assignment(self, name: str) -> Assignment:
        """An assignment that was made.

        Raises:
            CourseError: if there is none of that name.
        """
        try:
            return read_assignment(self.root, _name_of_assignment(name))
        except PageError as error:
            made = sorted(path.name for path in (self.root / "source").glob("*") if path.is_dir())
            raise CourseError(f"{error} Assignments: {', '.join(made) or 'none yet'}.") from None

    def release_of(self, assignment: Assignment) -> NotebookNode:
        """The notebook that students got.

        Raises:
            CourseError: if they got none yet.
        """
        path = self.root / "release" / assignment.name / f"{assignment.notebook}.ipynb"
        if not path.is_file():
            raise CourseError(f"{assignment.name} is not released yet; run `release {assignment.name}` first.")
        return nbformat.read(path, as_version=4)

    def roster(self) -> dict[str, dict[str, str]]:
        """The students that ``students.csv`` lists, by id; empty if it has no rows.

        Raises:
            CourseError: if it is not such a table.
        """
        students: dict[str, dict[str, str]] = {}
        for line, row in _rows(self.root / "students.csv", STUDENTS[:1]):
            try:
                name = student_name(row["id"].strip())
            except NotGradableError as error:
                raise CourseError(f"students.csv, line {line}: {error}") from None
            if name in students:
                raise CourseError(f"students.csv, line {line}: {name} is listed twice.")
            students[name] = {key: _plain(row.get(key) or "") for key in STUDENTS[1:]}
        return students


# new ------------------------------------------------------------------------------------------------------------


def new(folder: Path) -> Course:
    """Make a course folder.

    Raises:
        CourseError: if there is something in it already, or it lies in the folder of a Jupyter Book.
    """
    folder = folder.resolve()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise CourseError(f"{folder} is not empty; name a folder that does not exist yet.")
    for parent in (folder, *folder.parents):
        if (parent / "_toc.yml").exists():
            raise CourseError(
                f"{folder} lies in the book {parent}, which would take up its notebooks; name a folder outside."
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("source", "release", "submitted"):
        (folder / name).mkdir()
    (folder / "nbgrader_config.py").write_text(CONFIGURATION)
    (folder / "students.csv").write_text(",".join(STUDENTS) + "\n")
    with open(os.open(folder / SEED, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(8) + "\n")
    course = Course(folder)
    with course.gradebook():
        pass
    return course


# assign ---------------------------------------------------------------------------------------------------------


def find_page(page: str) -> Path:
    """The file of a page of exercises, from its number, its name, or its path.

    Raises:
        CourseError: if there is none.
    """
    if page.endswith(".ipynb"):
        if not Path(page).is_file():
            raise CourseError(f"there is no page {page}.")
        return Path(page)
    pages = sorted((Path(swinlib.__file__).parents[1] / "book" / "exercises").glob("*.ipynb"))
    number = page.zfill(2) if page.isdecimal() else page
    found = [path for path in pages if path.stem == page or path.stem.split("_")[0] == number]
    if len(found) != 1:
        known = ", ".join(path.stem for path in pages) or "none is here, so name the path of a notebook"
        raise CourseError(f"there is no page {page!r}; the pages: {known}.")
    return found[0]


def assign(
    course: Course,
    page: str,
    *,
    name: str | None = None,
    due: datetime | None = None,
    points: Mapping[str, float] | None = None,
    checks: Path | None = None,
) -> Assignment:
    """Make an assignment out of a page of exercises, or make it anew.

    Args:
        course: the course.
        page: its number, name or path.
        name: of the assignment; the page's if not given.
        due: when it is due.
        points: by exercise, where they differ from the page's.
        checks: a Python file that defines the exercises, for those that are not of the book; or a TOML file of
            variants of the page's, which are then what is assigned.

    Raises:
        CourseError: if something does not fit, or the notebook in ``source`` was edited by hand.
    """
    path = find_page(page)
    try:
        read = _page(path, checks)
        notebook = assignment_notebook(read, points)
    except (CourseError, PageError) as error:
        raise CourseError(str(error)) from None
    except Exception as error:  # of nbformat, or of the page's code, which is parsed
        raise CourseError(f"{path} is not a page of exercises: {one_line(error)}") from None
    name = _name_of_assignment(name or read.name)
    _must_check(read, checks or read.name)
    own = f"{name}{checks.suffix}" if checks else None
    notebook.metadata.swinlib = {"checks": own or read.name}
    notebook.metadata.swinlib.made = _digest(notebook)
    folder = course.root / "source" / name
    for other in folder.glob("*.ipynb"):
        _must_be_as_made(other, read.name)
    folder.mkdir(parents=True, exist_ok=True)
    if checks:
        (course.root / "checks").mkdir(exist_ok=True)
        shutil.copyfile(checks, course.root / "checks" / own)
    write_at_once(folder / f"{read.name}.ipynb", nbformat.writes(notebook))
    with course.gradebook() as gradebook:
        when = {} if due is None else {"duedate": _utc(due)}
        gradebook.update_or_create_assignment(name, **when)
    return course.assignment(name)


def _page(path: Path, checks: Path | None) -> Page:
    """The page, or its variants where a file of these is given."""
    page = read_page(path)
    if checks is None or checks.suffix != ".toml":
        return page
    try:
        return variant_page(page, checks)
    except (OSError, ValueError) as error:
        raise CourseError(str(error)) from None


def _must_check(page: Page, checks: Path | str) -> None:
    """Raise unless the checks have all exercises of the page."""
    try:
        exercises = check.load(checks)
    except Exception as error:  # of the teacher's file, too
        remedy = "" if isinstance(checks, Path) else " With --checks, name a file that defines its exercises."
        raise CourseError(f"the checks of {page.name} cannot be read: {error}.{remedy}") from None
    missing = [exercise.name for exercise in page.exercises if exercise.name not in exercises]
    if missing:
        raise CourseError(f"{checks} has no check for {', '.join(missing)}; it has {', '.join(exercises)}.")


def _must_be_as_made(path: Path, page: str) -> None:
    """Raise if making an assignment anew would lose what somebody wrote."""
    if path.stem != page:
        raise CourseError(f"source/{path.parent.name} holds the page {path.stem} already; give another --name.")
    notebook = read_notebook(path)
    if notebook.metadata.get("swinlib", {}).get("made") != _digest(notebook):
        raise CourseError(
            f"source/{path.parent.name}/{path.name} was edited, and would be lost; move it away to make it anew."
        )


def _digest(notebook: NotebookNode) -> str:
    """A digest of what a notebook says, to see whether somebody changed it."""
    sources = [
        (cell.cell_type, cell.source, cell.metadata.get("nbgrader", {}).get("points")) for cell in notebook.cells
    ]
    return hashlib.sha256(repr(sources).encode()).hexdigest()


# release --------------------------------------------------------------------------------------------------------


def release(course: Course, name: str) -> Path:
    """Make the students' notebook, the same for all of them.

    Returns:
        Its path.

    Raises:
        CourseError: if it would give a solution away, or nbgrader refuses, or students have variants of their own.
    """
    assignment = course.assignment(name)
    if own_checks(course.root, assignment.name).is_dir():
        raise CourseError(
            f"each student has a variant of {assignment.name}; type `release {assignment.name} --one-for-each`, or "
            f"delete checks/{assignment.name} and handouts/{assignment.name} to give everybody the same."
        )
    return _release(course, assignment)


def _release(course: Course, assignment: Assignment) -> Path:
    source = course.root / "source" / assignment.name / f"{assignment.notebook}.ipynb"
    if problems := leaks(read_notebook(source)):
        raise CourseError(f"{assignment.name} is not released: " + " ".join(problems))
    if error := course.convert(GenerateAssignment, assignment.name):
        raise CourseError(f"nbgrader could not release {assignment.name}: {one_line(error)}")
    return course.root / "release" / assignment.name / source.name


VARIANTS = ("assignment", "student", "exercise", "name", "parameters", "fixed", "same_as")


@dataclass(frozen=True)
class HandedOut:
    """Notebooks of which each student gets another.

    Attributes:
        folder: that holds one of each student.
        variants: by student and exercise.
        new: students for whom variants were drawn now; the others keep theirs.
        alike: groups of two or more students whose variants of all exercises are the same.
        plain: exercises of which nothing can be varied.
    """

    folder: Path
    variants: Mapping[str, Mapping[str, Variant]]
    new: list[str]
    alike: list[list[str]]
    plain: list[str]


def release_one_for_each(course: Course, name: str, seed: str | None = None) -> HandedOut:
    """Make a notebook for each student of ``students.csv``, with variants that are drawn for this student.

    A variant that was drawn before stays: the student has it already.

    Args:
        course: the course.
        name: of the assignment.
        seed: from which all is drawn; the course's secret if not given. The same gives a student the same.

    Raises:
        CourseError: if nobody is listed, the assignment is not a page of the book, was released to everybody alike and
            collected, or could not be released.
    """
    assignment = course.assignment(name)
    if assignment.checks not in check.CHAPTERS:
        raise CourseError(
            f"variants are drawn of the book's own exercises, and those of {name} are checked by "
            f"{Path(assignment.checks).name}; assign a page of the book without --checks."
        )
    students = list(course.roster())
    if not students:
        raise CourseError("students.csv lists nobody; write a row for each student who is to get a variant.")
    folder = own_checks(course.root, assignment.name)
    if not folder.is_dir() and (taken := _submitted(course, assignment)):
        raise CourseError(
            f"{name} was collected from {len(taken)} students already, who all got the same; make another assignment "
            "with `assign --name`."
        )
    source = read_notebook(course.root / "source" / assignment.name / f"{assignment.notebook}.ipynb")
    seed = f"{read_seed(course.root):x}" if seed is None else seed
    folder.mkdir(parents=True, exist_ok=True)
    handed_out = nbformat.read(_release(course, assignment), as_version=4)
    variants, new = {}, []
    for student in tqdm(students, desc="variants", unit="student", disable=None):
        file = folder / f"{student}.toml"
        if not file.is_file():
            drawn = _drawn(assignment, source, seed, student)
            write_at_once(file, variants_text(assignment.checks, drawn))
            new.append(student)
        _, variants[student] = read_variants(file)
        place = course.root / "handouts" / assignment.name / student
        place.mkdir(parents=True, exist_ok=True)
        version = students_version(handed_out, variants[student])
        write_at_once(place / f"{assignment.notebook}.ipynb", nbformat.writes(version) + "\n")
    _write_variants(course, assignment.name, variants)
    plain = [each for each in assignment.exercises if all(of[each] == Variant(each) for of in variants.values())]
    whole = _same({student: _face(dict(of)) for student, of in variants.items()})
    return HandedOut(course.root / "handouts" / assignment.name, variants, new, whole, plain)


def _drawn(assignment: Assignment, source: NotebookNode, seed: str, student: str) -> dict[str, Variant]:
    """A student's variants of all exercises, by exercise."""
    known, words = check.load(assignment.checks), words_of(source)
    answers = {solution_name(cell): cell.source for cell in source.cells if solution_name(cell) is not None}
    return {
        exercise: draw_variant(
            known[exercise],
            seed=seed,
            assignment=assignment.name,
            student=student,
            taken=words[exercise],
            named=parameters_in(answers[exercise], exercise) is not None,
        )
        for exercise in assignment.exercises
    }


def _write_variants(course: Course, assignment: str, variants: Mapping[str, Mapping[str, Variant]]) -> None:
    """Say in variants.csv who got which variant, and who else got it; the rows of other assignments stay."""
    path = course.root / "variants.csv"
    others = [row for _, row in _rows(path, VARIANTS) if row["assignment"] != assignment] if path.exists() else []
    rows = []
    for exercise in next(iter(variants.values())):
        alike = _same({student: _face(of[exercise]) for student, of in variants.items()})
        group = {student: students for students in alike for student in students}
        for student, of in variants.items():
            signature = of[exercise].signature(list(of[exercise].order or of[exercise].parameters))
            rows.append(
                {
                    "assignment": assignment,
                    "student": student,
                    "exercise": exercise,
                    "name": of[exercise].name,
                    "parameters": " ".join(signature.values()),
                    "fixed": " ".join(f"{name}={number}" for name, number in of[exercise].fixed.items()),
                    "same_as": " ".join(other for other in group.get(student, ()) if other != student),
                }
            )
    _write_rows(path, VARIANTS, others + rows)


def _face(variants: object) -> str:
    """What two students have in common whose variants are the same."""
    return repr(variants)


def _same(faces: Mapping[str, str]) -> list[list[str]]:
    """The groups of two or more who have the same face."""
    groups: dict[str, list[str]] = {}
    for student, face in faces.items():
        groups.setdefault(face, []).append(student)
    return [students for students in groups.values() if len(students) > 1]


# collect --------------------------------------------------------------------------------------------------------


FILES = ("assignment", "file", "student", "result", "reason")
NAMES = ("name", "student")
NBGRADERS_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]{0,7} UTC")
SECRET = "submission_secret.txt"  # which nbgrader's `submit` leaves, so that its copies are known


@dataclass
class Collected:
    """What became of the hand-ins.

    Attributes:
        new: students whose work was taken.
        unchanged: students whose work is as it was.
        not_gradable: why other hand-ins were not taken, by student, or by what their paths begin with.
        files: by its path, what became of each file of the inbox, and why.
        notes: sentences for the teacher about all of it.
    """

    new: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    not_gradable: dict[str, str] = field(default_factory=dict)
    files: dict[inboxes.File, tuple[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def collect(
    course: Course,
    name: str,
    folder: Path,
    *,
    received: Path | None = None,
    names: Path | None = None,
    pattern: str | None = None,
    exchange: bool = False,
) -> Collected:
    """Take hand-ins into the course, as clean notebooks; the originals are not touched.

    Args:
        course: the course.
        name: of the assignment.
        folder: holds the hand-ins as `inbox` knows them; or a zip archive of them all.
        received: a table ``student,received`` that says when they came; else it is when the file last changed.
        names: a table ``name,student`` that says who is meant by what a system writes.
        pattern: a regular expression with a group ``student`` for the paths of hand-ins.
        exchange: the folder is what ``nbgrader collect`` wrote, and its ``timestamp.txt`` say when they came.

    Raises:
        CourseError: if the folder, a table or the pattern is not what it should be. A hand-in never raises.
    """
    assignment = course.assignment(name)
    released, roster = course.release_of(assignment), course.roster()
    if folder.resolve().is_relative_to(course.root):
        raise CourseError(f"{folder} lies in the course, whose folders hold what was collected; collect from outside.")
    if exchange and not _is_private(folder.resolve()):
        raise CourseError(
            f"others may enter {folder}, and could have written the times in it; collect from the exchange into a "
            "folder that is yours alone (chmod 700)."
        )
    try:
        table = {} if names is None else inboxes.names_table(_rows(names, NAMES), names.name)
        who = inboxes.Names(roster, table, None if pattern is None else inboxes.names_pattern(pattern))
        with inboxes.open_inbox(folder) as inbox:
            times = None if received is None else _arrivals(received, table)
            found = inboxes.sort(inbox.files(), who, _other_names(course, assignment))
            outcome = Collected(not_gradable=found.nobodys)
            outcome.files = {file: ("left out", why) for file, why in found.left_out.items()}
            for student, hand_in in sorted(found.hand_ins.items()):
                clock = _Clock(student, times, received and received.name, exchange)
                _take(course, assignment, released, inbox, student, hand_in, clock, outcome)
    except inboxes.InboxError as error:
        raise CourseError(str(error)) from None
    before = _submitted(course, assignment).keys()
    for student in outcome.not_gradable.keys() & found.hand_ins.keys() & before:
        outcome.not_gradable[student] += " What was collected before still counts."
    for student in roster.keys() - found.hand_ins.keys() - before:
        outcome.not_gradable[student] = "nothing was handed in."
    if times is None and not exchange:
        outcome.notes = _notes_on_times(folder, outcome.files)
    _note(course, name, "collect", outcome.not_gradable)
    _write_files(course, name, found.students, outcome.files)
    return outcome


def _take(
    course: Course,
    assignment: Assignment,
    released: NotebookNode,
    inbox: inboxes.Folder | inboxes.Archive,
    student: str,
    hand_in: inboxes.HandIn,
    clock: "_Clock",
    outcome: Collected,
) -> None:
    """Take what one student handed in, and say what became of it."""
    chosen = None
    try:
        assignment, released = for_student(course.root, assignment, released, student)
        chosen = inboxes.choose(hand_in, assignment.notebook)
        if chosen.refused:
            raise NotGradableError(f"{chosen.place}: {chosen.refused}")
        data, changed = inbox.read(chosen.parts)
        cells = code_cells(data)
        if not inboxes.is_named(hand_in.notebooks[chosen].file, assignment.notebook) and not inboxes.is_about(
            cells, assignment.functions
        ):
            raise NotGradableError(
                f"there is no {assignment.notebook}.ipynb, and {chosen.place} has no code for its exercises."
            )
        when, certain = clock.came(inbox, chosen, changed)
        if _keep(course, assignment, student, clean(assignment, released, cells), when, certain=certain):
            outcome.new.append(student)
            outcome.files[chosen] = ("collected", "")
        else:
            outcome.unchanged.append(student)
            outcome.files[chosen] = ("as before", "")
    except NotGradableError as error:
        outcome.not_gradable[student] = str(error)
        for file in hand_in.notebooks if chosen is None else [chosen]:
            outcome.files[file] = ("not graded", str(error))
    for file in hand_in.notebooks.keys() - outcome.files.keys():
        outcome.files[file] = ("left out", f"{chosen.place} has the right name, and this has not.")


@dataclass(frozen=True)
class _Clock:
    """When a student's work came, as far as somebody is believed."""

    student: str
    times: Mapping[str, datetime] | None
    table: str | None
    exchange: bool

    def came(
        self, inbox: inboxes.Folder | inboxes.Archive, file: inboxes.File, changed: datetime
    ) -> tuple[datetime, bool]:
        """The time, and whether the teacher says so.

        Raises:
            NotGradableError: if who should say so does not.
        """
        if self.times is not None:
            if self.student not in self.times:
                raise NotGradableError(f"{self.table} does not say when {self.student}'s work came.")
            return self.times[self.student], True
        if not self.exchange:
            return changed, False
        stamp = (*file.parts[:-1], TIMESTAMP)
        try:
            text = inbox.read(stamp)[0].decode("ascii", "replace").strip()
        except NothingThereError:
            text = ""
        if not NBGRADERS_TIME.fullmatch(text):
            raise NotGradableError(
                f"{printable('/'.join(stamp))} has no time as nbgrader writes it; give the times with --received."
            )
        try:
            return parse_utc(text).replace(tzinfo=UTC), False  # the newest counts, as nbgrader means it
        except ValueError as error:
            raise NotGradableError(f"{printable('/'.join(stamp))} has no time: {error}") from None


def _is_private(folder: Path) -> bool:
    """Whether something on the way to a folder keeps other users out."""
    return any(not each.stat().st_mode & stat.S_IXOTH for each in (folder, *folder.parents))


def _other_names(course: Course, assignment: Assignment) -> set[str]:
    """What other assignments and their pages are called."""
    others = [path for path in (course.root / "source").glob("*") if path.is_dir() and path.name != assignment.name]
    names = {path.name for path in others} | {page.stem for path in others for page in path.glob("*.ipynb")}
    return names - {assignment.name, assignment.notebook}


def _notes_on_times(folder: Path, files: Iterable[inboxes.File]) -> list[str]:
    """What a teacher should know of times that nobody but the files says."""
    if any(file.parts[-1] == SECRET for file in files):
        return [
            "This looks like what `nbgrader collect` wrote. Times were taken from the files, which are as old as that "
            "copy; with --exchange they are nbgrader's."
        ]
    if folder.is_file():
        return [
            f"All of it counts as handed in when {folder.name} came onto this disk; if that is after the date on which "
            "it was due, give the system's times with --received."
        ]
    return []


def _write_files(
    course: Course,
    assignment: str,
    students: Mapping[inboxes.File, str],
    files: Mapping[inboxes.File, tuple[str, str]],
) -> None:
    """Say in files.csv what became of each file of the inbox; what it said of that assignment before is dropped."""
    path = course.root / "files.csv"
    others = [row for _, row in _rows(path, FILES) if row["assignment"] != assignment] if path.exists() else []
    added = [
        {
            "assignment": assignment,
            "file": file.place,
            "student": students.get(file, ""),
            "result": result,
            "reason": why,
        }
        for file, (result, why) in sorted(files.items(), key=lambda item: item[0].parts)
    ]
    _write_rows(path, FILES, others + added)


def _keep(
    course: Course, assignment: Assignment, student: str, notebook: NotebookNode, when: datetime, *, certain: bool
) -> bool:
    """Put a clean notebook into ``submitted``, unless a newer one is there.

    Work that has not changed keeps the time at which it came first: it may have been copied since.

    Args:
        course: the course.
        assignment: the assignment.
        student: who handed it in.
        notebook: the clean one.
        when: it came.
        certain: the teacher says so.

    Returns:
        Whether something changed.
    """
    folder = course.root / "submitted" / student / assignment.name
    path, stamp = folder / f"{assignment.notebook}.ipynb", folder / TIMESTAMP
    text = nbformat.writes(notebook) + "\n"
    came, before = _utc(when), _time_in(stamp)
    same = path.is_file() and path.read_text(encoding="utf-8") == text
    if before is not None and not certain:
        if same:
            came = min(came, before)
        elif came < before:
            return False
    if same and came == before:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    write_at_once(path, text)
    write_at_once(stamp, f"{came} UTC\n")
    return True


def _time_in(stamp: Path) -> datetime | None:
    return parse_utc(stamp.read_text().strip()) if stamp.is_file() else None


def _arrivals(table: Path, names: Mapping[str, str]) -> dict[str, datetime]:
    """When work came, by student; the table may call them as a system does."""
    times = {}
    for line, row in _rows(table, RECEIVED):
        try:
            student = names.get(inboxes.spelled(row["student"])) or student_name(row["student"].strip())
            times[student] = datetime.fromisoformat(row["received"].strip())
        except ValueError as error:
            raise CourseError(f"{table.name}, line {line}: {error} Write times like 2026-03-01T23:59+01:00.") from None
    return times


# grade ----------------------------------------------------------------------------------------------------------


@dataclass
class Summary:
    """What a round of grading came to.

    Attributes:
        graded: how many submissions are in the gradebook.
        run: how many of them ran in the sandbox now; the others had a verdict that still held.
        not_graded: why, by student.
        right: how many are right, by exercise.
        mistakes: how often each known mistake was made, by exercise.
        items: what the class's results say of each exercise.
        made: the known mistakes of all exercises, the most frequent first.
    """

    graded: int = 0
    run: int = 0
    not_graded: dict[str, str] = field(default_factory=dict)
    right: Counter[str] = field(default_factory=Counter)
    mistakes: dict[str, Counter[str]] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)


def grade(
    course: Course,
    name: str,
    *,
    processes: int,
    limits: grading.Limits | None = None,
    unsafe: bool = False,
    cluster: Cluster | None = None,
) -> Summary:
    """Grade what was collected, as far as it is not graded yet, and write gradebook, feedback and tables.

    Args:
        course: the course.
        name: of the assignment.
        processes: submissions that run at the same time.
        limits: what the sandbox of each may take.
        unsafe: run the students' code without a sandbox where there is none.
        cluster: whose workers run the submissions instead of this machine.

    Raises:
        CourseError: if nothing is released or collected.
        NoSandboxError: if there is no sandbox, and unsafe is not set.
        ClusterError: if the cluster cannot grade.
    """
    assignment = course.assignment(name)
    course.release_of(assignment)
    submitted = _submitted(course, assignment)
    if not submitted:
        raise CourseError(f"nothing was collected for {name}; run `collect {name} FOLDER` first.")
    summary = Summary(mistakes={exercise: Counter() for exercise in assignment.exercises})
    notebooks, summary.not_graded = _readable(course, assignment, submitted)
    options = {"processes": processes, "limits": limits, "unsafe": unsafe, "cluster": cluster}
    summary.run = _reach_verdicts(course, assignment, notebooks, options)
    _list_students(course)
    for student in tqdm(sorted(notebooks), desc="gradebook and feedback", unit="student", disable=None):
        error = course.convert(Autograde, name, student) or course.convert(GenerateFeedback, name, student)
        if error:
            summary.not_graded[student] = f"nbgrader failed: {one_line(error)}"
            continue
        _count(summary, read_verdict(verdict_path(course.root, name, student)))
    _note(course, name, "grade", summary.not_graded)
    found, made = _write_tables(course)
    summary.items = [item for item in found if item.assignment == name]
    summary.made = [mistake for mistake in made if mistake.assignment == name]
    return summary


def _submitted(course: Course, assignment: Assignment) -> dict[str, Path]:
    """The folders in which `collect` left a student's work, by student."""
    return {path.parent.name: path for path in (course.root / "submitted").glob(f"*/{assignment.name}")}


def _readable(
    course: Course, assignment: Assignment, submitted: Mapping[str, Path]
) -> tuple[dict[str, NotebookNode], dict[str, str]]:
    """The clean notebooks, and why others are not: nbgrader copies whatever else lies beside a notebook."""
    released = course.release_of(assignment)
    file = f"{assignment.notebook}.ipynb"
    notebooks, failures = {}, {}
    for student, folder in submitted.items():
        try:
            found = {path.name for path in folder.iterdir()} - {CHECKPOINTS}
            if student_name(student) != student or found != {file, TIMESTAMP}:
                raise NotGradableError("this was not put into `submitted` by `collect`; use `collect` for it.")
            data, _ = read_file(course.root / "submitted", student, assignment.name, file)
            read_file(course.root / "submitted", student, assignment.name, TIMESTAMP)
            notebooks[student] = clean(*for_student(course.root, assignment, released, student), code_cells(data))
        except (NotGradableError, OSError) as error:
            failures[printable(student)] = str(error)
    return notebooks, failures


def _reach_verdicts(
    course: Course, assignment: Assignment, notebooks: Mapping[str, NotebookNode], options: Mapping[str, object]
) -> int:
    """Write verdicts where none holds, each as soon as it is reached, and return how many there were."""
    seed = read_seed(course.root)
    handed_out = course.release_of(assignment)
    each = {student: for_student(course.root, assignment, handed_out, student)[0] for student in notebooks}
    keys = {student: verdict_key(notebook, each[student], seed) for student, notebook in notebooks.items()}
    paths = {student: verdict_path(course.root, assignment.name, student) for student in notebooks}
    code = {
        student: student_sources(notebook)
        for student, notebook in notebooks.items()
        if read_verdict(paths[student], keys[student]) is None
    }
    if not code:
        return 0
    known = {"checks": assignment.checks, "begun": assignment.begun, "seed": seed}
    own = {student: each[student].own for student in code if each[student].names}
    verdicts = grading.grade_many(code, list(assignment.exercises), own=own, **known, **options)
    with contextlib.closing(verdicts):  # where this is interrupted, what goes on elsewhere ends
        for student, graded in tqdm(verdicts, total=len(code), desc="grading", unit="student", disable=None):
            write_verdict(paths[student], keys[student], each[student].by_exercise(graded))
    return len(code)


def _list_students(course: Course) -> None:
    """Tell the gradebook what ``students.csv`` says."""
    with course.gradebook() as gradebook:
        for student, facts in course.roster().items():
            gradebook.update_or_create_student(student, **facts)


def _count(summary: Summary, graded: grading.Graded) -> None:
    summary.graded += 1
    for exercise, result in graded.results.items():
        summary.right[exercise] += result.passed
        if result.mistake:
            summary.mistakes[exercise][result.mistake] += 1


# alike ----------------------------------------------------------------------------------------------------------


def compare(course: Course, name: str) -> tuple[alike.Report, Path]:
    """Compare what was collected, and write a table and a page on those that have most in common.

    Points and feedback are not touched, and nothing of the students' code is run.

    Args:
        course: the course.
        name: of the assignment.

    Returns:
        What was found, and the page; the table lies beside it.

    Raises:
        CourseError: if nothing is released, or fewer than two hand-ins are collected.
    """
    assignment = course.assignment(name)
    released = course.release_of(assignment)
    notebooks, _ = _readable(course, assignment, _submitted(course, assignment))
    if len(notebooks) < 2:
        raise CourseError(f"{len(notebooks)} hand-ins of {name} are collected, and it takes two to compare.")
    handed_out = {
        student: _sources(for_student(course.root, assignment, released, student)[1].cells) for student in notebooks
    }
    work = {student: own_code(notebook, handed_out[student]) for student, notebook in sorted(notebooks.items())}
    source = read_notebook(course.root / "source" / assignment.name / f"{assignment.notebook}.ipynb")
    solution = [cell.source for cell in source.cells if solution_name(cell) is not None]
    report = alike.compare(work, handed_out, solution)
    folder = course.root / "alike"
    folder.mkdir(exist_ok=True)
    _write_rows(folder / f"{name}.csv", alike.COLUMNS, alike.rows(name, report))
    write_at_once(folder / f"{name}.html", alike.page(name, report))
    return report, folder / f"{name}.html"


def _sources(cells: Iterable[NotebookNode]) -> list[str]:
    return [cell.source for cell in cells if cell.cell_type == "code"]


def own_code(notebook: NotebookNode, handed_out: Iterable[str]) -> dict[str, str]:
    """What a student wrote in a clean notebook, by the exercise to which it belongs; what belongs to none is last."""
    given = {source.strip() for source in handed_out}
    code: dict[str, list[str]] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.strip() not in given and (is_own(cell) or solution_name(cell)):
            code.setdefault(exercise_of(cell) or "elsewhere", []).append(cell.source)
    return {exercise: "\n".join(sources) for exercise, sources in code.items()}


# Tables ---------------------------------------------------------------------------------------------------------


def _write_tables(course: Course) -> tuple[list[Item], list[Made]]:
    """The gradebook, all results, and what these say of the exercises, for a spreadsheet."""
    with course.gradebook() as gradebook:
        with _log(course.root / "nbgrader.log") as log:
            CsvExportPlugin(to=str(course.root / "gradebook.csv"), log=log).export(gradebook)
        rows = [row for path in sorted(course.root.glob("verdicts/*/*.json")) for row in _result_rows(path, gradebook)]
    _write_rows(course.root / "results.csv", RESULTS, rows)
    found, made = analyse(rows), count_mistakes(rows, _explanations(course, {row["assignment"] for row in rows}))
    _write_rows(course.root / "items.csv", ITEMS, (item.row() for item in found))
    _write_rows(course.root / "mistakes.csv", MISTAKES, (mistake.row() for mistake in made))
    return found, made


def _explanations(course: Course, assignments: Iterable[str]) -> dict[tuple[str, str, str], str]:
    """What the authors of each known mistake are told, by assignment, exercise and mistake."""
    told = {}
    for name in assignments:
        with contextlib.suppress(Exception):  # of an assignment that is gone, or of a file that the teacher changed
            for exercise in check.load(course.assignment(name).checks).values():
                told |= {(name, exercise.name, mistake.name): mistake.explanation for mistake in exercise.mistakes}
    return told


def _result_rows(path: Path, gradebook: Gradebook) -> Iterator[dict[str, object]]:
    """A verdict as rows of the table, with the points that the gradebook has, which a teacher may have changed."""
    assignment, student = path.parent.name, path.stem
    graded = read_verdict(path)
    if graded is None:
        return
    try:
        [notebook] = gradebook.find_submission(assignment, student).notebooks
    except MissingEntry:
        return
    grades = {grade.name: grade for grade in notebook.grades}
    for exercise, result in graded.results.items():
        grade = grades.get(f"check_{exercise}")
        yield {
            "assignment": assignment,
            "student": student,
            "exercise": exercise,
            "points": grade.score if grade else "",
            "max_points": grade.max_score if grade else "",
            "mistake": result.mistake or "",
            "message": " ".join(result.message.split()),
            "look": " ".join(graded.look),
        }


def _note(course: Course, assignment: str, step: str, reasons: Mapping[str, str]) -> None:
    """Say in not_graded.csv who was left out in a step, and why; what it said of that step before is dropped."""
    path = course.root / "not_graded.csv"
    others = [row for _, row in _rows(path, NOT_GRADED)] if path.exists() else []
    kept = [row for row in others if (row["assignment"], row["step"]) != (assignment, step)]
    added = [
        {"assignment": assignment, "student": student, "step": step, "reason": reason}
        for student, reason in sorted(reasons.items())
    ]
    _write_rows(path, NOT_GRADED, kept + added)


def _write_rows(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, object]]) -> None:
    text = io.StringIO()
    table = csv.DictWriter(text, list(columns), lineterminator="\n")
    table.writeheader()
    table.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    write_at_once(path, text.getvalue())


def _cell(value: object) -> object:
    """A value that a spreadsheet does not take for a formula, nor a terminal for a command."""
    if not isinstance(value, str):
        return value
    value = printable(value)
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value


def _plain(text: str) -> str:
    """A name for nbgrader's table, which puts no quotes around anything."""
    return _cell(" ".join(text.replace(",", " ").replace('"', " ").split()))


def _rows(path: Path, needed: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table that somebody may have saved from a spreadsheet, with the numbers of their lines.

    Raises:
        CourseError: if it cannot be read, or lacks a column.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            missing = set(needed) - set(table.fieldnames or ())
            if missing:
                raise CourseError(f"{path.name} has no column {', '.join(sorted(missing))} in its first line.")
            for row in table:
                if any(value for value in row.values()):
                    yield table.line_num, {key: value or "" for key, value in row.items() if key is not None}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CourseError(f"{path} cannot be read as a table in UTF-8: {error}.") from None


# What they share ------------------------------------------------------------------------------------------------


def _name_of_assignment(name: str) -> str:
    try:
        return student_name(name)
    except NotGradableError as error:
        raise CourseError(f"an assignment needs another name: {error}") from None


def _utc(when: datetime) -> datetime:
    """A time as the gradebook keeps it; one without a zone is this machine's."""
    return when.astimezone(UTC).replace(tzinfo=None)


@contextlib.contextmanager
def _scripts_on_path() -> Iterator[None]:
    """Let nbgrader find the command ``alembic``, which makes a gradebook, where no environment is activated."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([before, sysconfig.get_path("scripts")])
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextlib.contextmanager
def _log(path: Path) -> Iterator[logging.Logger]:
    """A logger that writes to a file, and to nothing else; warnings go there too."""
    log = logging.getLogger(f"{__name__}.nbgrader")
    log.propagate = False
    log.setLevel(logging.INFO)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: log.info("%s", message)
            yield log
    finally:
        log.removeHandler(handler)
        handler.close()
