"""``python -m swinlib.classroom``: a course from its folder to its grades."""

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional, arg

from . import course as courses
from .alike import MEANING
from .cluster import Cluster, ClusterError
from .course import Course, CourseError, Summary
from .grading import Limits, NoSandboxError
from .handed_in import printable
from .items import told

EXIT_USE, EXIT_INTERRUPTED = 2, 130
MOST_MISTAKES = 10  # of the class that are printed; the table has all of them
MOST_SHOWN = 20  # names of those not graded that are printed; the table has all of them

CourseFolder = Annotated[Path, arg(name="course", help="The course folder.")]


def new(folder: Positional[Path]) -> None:
    """Make a course folder.

    Args:
        folder: One that does not exist yet, or is empty; not inside the book.
    """
    course = courses.new(folder)
    print(f"made {course.root}; list your students in students.csv, and the late penalty in nbgrader_config.py.")


def assign(
    page: Positional[str],
    course: CourseFolder = Path("."),
    name: str | None = None,
    due: str | None = None,
    points: tuple[str, ...] = (),
    checks: Path | None = None,
) -> None:
    """Make an assignment of a page of exercises. Done again, it makes it anew.

    Args:
        page: Its number, its name, or the path of a page of your own.
        name: Of the assignment; the page's name if not given.
        due: When it is due, such as 2026-03-01T23:59; this machine's time, or with a zone at its end, such as +01:00.
        points: Such as roll=3 cyclic_shift=1.5, where they differ from the page's.
        checks: A Python file that defines the exercises of a page of your own, or a TOML file of private variants.
    """
    assignment = courses.assign(
        Course.at(course), page, name=name, due=_time(due), points=dict(map(_points, points)), checks=checks
    )
    total = sum(assignment.exercises.values())
    print(f"made source/{assignment.name}: {len(assignment.exercises)} exercises, {total:g} points.")


def release(
    assignment: Positional[str], course: CourseFolder = Path("."), one_for_each: bool = False, seed: str | None = None
) -> None:
    """Make the notebook that students get; it has no solutions.

    Args:
        assignment: Its name.
        one_for_each: Draw a variant for each student of students.csv: other names, another order, fixed numbers. Who
            has one keeps it.
        seed: A number or word from which variants are drawn; the course's secret if not given.
    """
    if not one_for_each:
        if seed is not None:
            raise CourseError("--seed says from what variants are drawn; give --one-for-each with it.")
        print(f"give your students {courses.release(Course.at(course), assignment)}")
        return
    made = courses.release_one_for_each(Course.at(course), assignment, seed)
    print(f"give each of {len(made.variants)} students the own notebook in {made.folder}; {len(made.new)} are new.")
    if made.plain:
        print(f"the same for everybody, since nothing of it can be varied: {', '.join(made.plain)}")
    for students in made.alike:
        print(f"these have the same variants: {', '.join(map(printable, students))}")
    print("variants.csv says who got what, and for which exercises two got the same.")


def collect(
    assignment: Positional[str],
    folder: Positional[Path],
    course: CourseFolder = Path("."),
    received: Path | None = None,
    names: Path | None = None,
    pattern: str | None = None,
    exchange: bool = False,
) -> None:
    """Take what students handed in into the course. The originals are not touched, and nothing of them is run.

    Args:
        assignment: Its name.
        folder: Holds STUDENT/ASSIGNMENT/PAGE.ipynb, STUDENT/PAGE.ipynb or STUDENT.ipynb, or what Moodle, Canvas,
            Brightspace or Blackboard gives; or the zip archive that one of them gives.
        received: A table with the columns student and received, which says when work came. If not given, that is when
            its file last changed, so collect from where students put it, not from a copy.
        names: A table with the columns name and student, which says who is meant by a system's number or name.
        pattern: A regular expression for paths in the folder, with a group (?P<student>...), for other systems.
        exchange: The folder is what `nbgrader collect` wrote; when work came is what nbgrader says.
    """
    outcome = courses.collect(
        Course.at(course), assignment, folder, received=received, names=names, pattern=pattern, exchange=exchange
    )
    print(
        f"{len(outcome.new)} collected, {len(outcome.unchanged)} as before, {len(outcome.not_gradable)} not gradable."
    )
    _tell_reasons(outcome.not_gradable)
    for note in outcome.notes:
        print(note)
    print(f"files.csv says what became of each of the {len(outcome.files)} files.")


def grade(
    assignment: Positional[str],
    course: CourseFolder = Path("."),
    processes: int | None = None,
    seconds: float = Limits.seconds,
    patience: float = Limits.patience,
    scheduler: str | None = None,
    tls: Path = Path("tls"),
    unsafe: Annotated[bool, arg(name="unsafe-run-code-without-a-sandbox")] = False,
) -> None:
    """Grade what was collected, and write gradebook.csv, results.csv, items.csv, mistakes.csv, not_graded.csv and
    the feedback.

    What is graded already is not run again. If it is interrupted, the same command goes on from there.

    Args:
        assignment: Its name.
        processes: Submissions that run at the same time; as many as there are processors if not given.
        seconds: Processor time, in seconds, that one call or one cell may take.
        patience: Seconds on the clock for one call or cell, and for all calls of one exercise.
        scheduler: Address of a Dask scheduler, such as tls://grader.example.org:8786, whose workers grade instead of
            this machine.
        tls: A folder with the certificates for it: ca.pem, cert.pem and key.pem.
        unsafe: Where there is no sandbox, let the students' code do on this machine whatever it says.
    """
    if processes is not None and processes < 1:
        raise CourseError(f"--processes must be 1 or more, got {processes}.")
    if not (seconds > 0 and patience > 0):
        raise CourseError(f"--seconds and --patience must be more than 0, got {seconds:g} and {patience:g}.")
    if scheduler is not None and (processes or unsafe):
        raise CourseError(
            "--scheduler takes neither --processes nor --unsafe...: how many run at the same time is said by the "
            "--nthreads of each worker, and a worker without a sandbox refuses."
        )
    cluster = None if scheduler is None else Cluster(scheduler, tls)
    summary = courses.grade(
        Course.at(course),
        assignment,
        processes=processes or os.cpu_count() or 1,
        limits=Limits(seconds=seconds, patience=patience),
        unsafe=unsafe,
        cluster=cluster,
    )
    _tell(summary)


def alike(assignment: Positional[str], course: CourseFolder = Path(".")) -> None:
    """Compare what was collected, and report the hand-ins that are alike. It is evidence, and never a grade.

    Nothing is run, and no points are changed.

    Args:
        assignment: Its name.
    """
    report, page = courses.compare(Course.at(course), assignment)
    usual = report.usual
    print(
        f"{usual.answers} hand-ins compared; of any two, half have at most {usual.half:.0%} of their code in common, "
        f"and ninety-nine of a hundred at most {usual.of_hundred:.0%}. Short exercises are alike by themselves."
    )
    for pair in report.pairs[:MOST_SHOWN]:
        print(
            f"  {pair.in_common:4.0%}  {printable(pair.one)} and {printable(pair.other)}, "
            f"{pair.in_solution:.0%} of it in the assignment's own solution"
        )
    print(f"This is {MEANING}. Read {page}, and the table beside it.")


def _tell(summary: Summary) -> None:
    """Say how many are right, and what went wrong most often."""
    print(f"{summary.graded} graded, {summary.run} of them run now; {len(summary.not_graded)} not graded.")
    width = max(map(len, summary.mistakes), default=0)
    for exercise, mistakes in summary.mistakes.items():
        share = summary.right[exercise] / summary.graded if summary.graded else 0
        often = ", ".join(f"{mistake} ({count})" for mistake, count in mistakes.most_common(3))
        print(f"  {exercise:<{width}}  {share:4.0%} right" + (f"; mistakes: {often}" if often else ""))
    _tell_items(summary)
    _tell_reasons(summary.not_graded)


def _tell_items(summary: Summary) -> None:
    """Say what the class's results say of the exercises, and which mistakes were the most frequent."""
    width = max((len(item.exercise) for item in summary.items), default=0)
    print(f"  {'':<{width}}  answered  difficulty  discrimination")
    for item in summary.items:
        figures = [f if isinstance(f, str) else f"{f:.2f}" for f in map(told, (item.difficulty, item.discrimination))]
        print(f"  {item.exercise:<{width}}  {item.answered:8}  {figures[0]:>10}  {figures[1]:>14}")
    for made in summary.made[:MOST_MISTAKES]:
        print(f"  {made.students} times {made.mistake} in {made.exercise}: {printable(made.explanation)}")
    print("items.csv has a row for each exercise, mistakes.csv one for each mistake.")


def _tell_reasons(reasons: dict[str, str]) -> None:
    """Say who is left out, and why; names and reasons may hold what a student wrote."""
    for student, reason in sorted(reasons.items())[:MOST_SHOWN]:
        print(f"  {printable(student)}: {printable(reason)}")
    if len(reasons) > MOST_SHOWN:
        print(f"  ... and {len(reasons) - MOST_SHOWN} more")
    if reasons:
        print("They are listed in not_graded.csv.")


def _points(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name, float(number)
    except ValueError:
        raise CourseError(f"--points takes NAME=NUMBER, such as roll=3, got {text!r}.") from None


def _time(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise CourseError(
            f"--due takes a time such as 2026-03-01T23:59 or 2026-03-01T23:59+01:00, got {text!r}."
        ) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit code."""
    commands = {command.__name__: command for command in (new, assign, release, collect, grade, alike)}
    try:
        tyro.extras.subcommand_cli_from_dict(commands, prog="python -m swinlib.classroom", args=arguments)
    except (CourseError, NoSandboxError, ClusterError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USE
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from there.", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
