"""A course, from an empty folder to the gradebook. Code of these tests runs without a sandbox: nobody else wrote it."""

import csv
import json
import os
import shutil
import stat
import warnings
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeCollect, ExchangeReleaseAssignment, ExchangeSubmit
from nbgrader.utils import parse_utc

from swinlib import check
from swinlib.classroom import course as courses
from swinlib.classroom import grading
from swinlib.classroom.__main__ import main
from swinlib.classroom.course import Course, CourseError
from swinlib.classroom.grading import Graded, NoSandboxError, Ran, Result
from swinlib.classroom.look import reaches_for
from swinlib.classroom.steps import LatePenalty

CHECKS = '''
from hypothesis.strategies import integers

from swinlib.check.exercise import exercise


@exercise(lambda x: 2 * x, x=integers(0, 9))
def double(x):
    return {"x": x}


@double.mistake(credit=0.5)
def squared(x):
    """It looks like a square."""
    return x * x


@exercise(lambda a, b: a + b, a=integers(0, 9), b=integers(0, 9))
def total(a, b):
    return {"a": a, "b": b}


@total.mistake
def difference(a, b):
    """It looks like a difference."""
    return a - b
'''
FOLDS = "<details>\n<summary>Hint 1</summary>\n\nThink.\n\n</details>"
EXPLANATION = "<details>\n<summary>Explanation</summary>\n\nArithmetic.\n\n</details>"

SOLVED = {"double": "def double(x):\n    return x + x", "total": "def total(a, b):\n    return a + b"}
HALF = {"double": "def double(x):\n    return x * x"}
PAGE = "90_numbers"

# what nbgrader does with its own database; it goes to the log where this package calls it
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


def page_of_numbers():
    """A page of two exercises, the second of which starts from code."""
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell

    def tagged(source, tag):
        return code(source, metadata={"tags": [tag]})

    return nbformat.v4.new_notebook(
        cells=[
            markdown("# Exercises with numbers\n\nTwo of them."),
            code("import math"),
            markdown(f"## 1. Twice `x`\n\n*2 minutes · easy · 2 points*\n\nWrite `double(x)`.\n\n{FOLDS}"),
            tagged('def double(x):\n    """A number to its double."""\n    return 2 * x', "solution"),
            markdown(EXPLANATION),
            tagged("check.double(double)", "check"),
            markdown("## 2. Bug hunt: the sum\n\n*5 minutes · easy · 3 points*\n\nRepair `total(a, b)`."),
            tagged("def total(a, b):\n    return a - b", "given"),
            tagged("def total(a, b):\n    return a + b", "solution"),
            markdown(EXPLANATION),
            tagged("check.total(total)", "check"),
        ]
    )


def grade_here(submissions, exercises, *, checks, seed, **options):
    """In place of `grading.grade_many`: the same, in this process."""
    known = check.load(checks)
    for student, cells in submissions.items():
        names, ran = {}, []
        for source in cells:
            try:
                exec(source, names)
                ran.append(Ran())
            except Exception as error:
                ran.append(Ran("printed before it", f"{type(error).__name__}: {error}"))
        results = {name: examined(known[name], names.get(name), seed) for name in exercises}
        yield (
            student,
            Graded(results, tuple(ran), look=tuple(reaches_for(submissions[student], dict.fromkeys(exercises, ())))),
        )


def examined(exercise, answer, seed):
    if answer is None:
        return Result(False, 0.0, f"{exercise.name}: not defined")
    verdict = exercise.examine(partial(exercise.attempt, answer), seed=seed)
    return Result(verdict.passed, verdict.credit, verdict.message, verdict.mistake)


@pytest.fixture
def graded(monkeypatch):
    """The submissions that were run, in their order."""
    run = []

    def watched(submissions, exercises, **options):
        for student, verdict in grade_here(submissions, exercises, **options):
            run.append(student)
            yield student, verdict

    monkeypatch.setattr(grading, "grade_many", watched)
    return run


def write_numbers(folder):
    page, checks = folder / f"{PAGE}.ipynb", folder / "their_checks.py"
    nbformat.write(page_of_numbers(), page)
    checks.write_text(CHECKS)
    return page, checks


@pytest.fixture
def numbers(tmp_path):
    """The page of numbers, and the file of its checks."""
    return write_numbers(tmp_path)


@pytest.fixture(scope="module")
def course_as_released(tmp_path_factory):
    """A course in which the page of numbers is released; the gradebook takes seconds to make."""
    folder = tmp_path_factory.mktemp("as released")
    page, checks = write_numbers(folder)
    course = courses.new(folder / "course")
    courses.assign(course, str(page), checks=checks, due=datetime(2100, 1, 1, tzinfo=UTC))
    courses.release(course, PAGE)
    return course


@pytest.fixture
def course(tmp_path, course_as_released):
    """A copy of that course, which a test may change."""
    return Course.at(shutil.copytree(course_as_released.root, tmp_path / "course"))


@pytest.fixture
def handed_in(tmp_path):
    return tmp_path / "handed in"


def hand_in(course, folder, student, answers, path="{student}/{page}.ipynb", **more):
    """Put a student's notebook into a folder, as the student left it."""
    notebook = nbformat.read(course.root / "release" / PAGE / f"{PAGE}.ipynb", as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in more.get("after", ())]
    file = folder / path.format(student=student, page=PAGE)
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, file)
    return file


def collect(course, folder, **options):
    return courses.collect(course, PAGE, folder, **options)


def grade(course):
    return courses.grade(course, PAGE, processes=1)


def table(path, *keys):
    """The rows of a table, by the values of some of their columns."""
    with open(path, newline="", encoding="utf-8") as file:
        return {tuple(row[key] for key in keys): row for row in csv.DictReader(file)}


def scores(course):
    return {
        student: float(row["score"]) for (student,), row in table(course.root / "gradebook.csv", "student_id").items()
    }


def not_graded(course):
    rows = table(course.root / "not_graded.csv", "student")
    return {student: row["reason"] for (student,), row in rows.items()}


def feedback(course, student):
    return (course.root / "feedback" / student / PAGE / f"{PAGE}.html").read_text(encoding="utf-8")


def verdict_file(course, student):
    return course.root / "verdicts" / PAGE / f"{student}.json"


def received(tmp_path, **times):
    path = tmp_path / "received.csv"
    path.write_text("student,received\n" + "".join(f"{student},{when}\n" for student, when in times.items()))
    return path


# From an empty folder to the gradebook --------------------------------------------------------------------------


@pytest.mark.slow
def test_a_course_from_the_command_line(tmp_path, numbers, handed_in, graded, capsys):
    page, checks = numbers
    folder = tmp_path / "course"
    at = ["--course", str(folder)]
    assert main(["new", str(folder)]) == 0
    (folder / "students.csv").write_text("id,first_name,last_name,email\nann,Ann,A,\nbob,Bob,B,\nlate,L,L,\n")
    due = ["--due", "2026-03-01T12:00+00:00", "--points", "total=4"]
    assert main(["assign", str(page), "--checks", str(checks), *due, *at]) == 0
    assert main(["release", PAGE, *at]) == 0
    course = Course.at(folder)
    hand_in(course, handed_in, "ann", SOLVED)
    hand_in(course, handed_in, "bob", HALF)
    hand_in(course, handed_in, "late", {**SOLVED, "total": SOLVED["total"] + "\nimport gc"})
    times = received(
        tmp_path, ann="2026-03-01T12:00+00:00", bob="2026-02-01T12:00+00:00", late="2026-03-02T13:00+00:00"
    )
    assert main(["collect", PAGE, str(handed_in), "--received", str(times), *at]) == 0
    assert "3 collected, 0 as before, 0 not gradable." in capsys.readouterr().out
    assert main(["grade", PAGE, *at]) == 0
    out = capsys.readouterr()
    assert "3 graded, 3 of them run now; 0 not graded." in out.out
    assert "double   67% right; mistakes: squared (1)" in out.out
    assert "total    67% right; mistakes: difference (1)" in out.out
    assert "1 times difference in total: It looks like a difference." in out.out
    assert "nbgrader" not in out.err  # its chatter is in the log
    assert (folder / "nbgrader.log").stat().st_size > 0
    # two days begun late cost a fifth
    assert scores(course) == {"ann": 6.0, "bob": 1.0, "late": pytest.approx(4.8)}
    row = table(folder / "gradebook.csv", "student_id")["late",]
    assert (row["raw_score"], float(row["late_submission_penalty"]), row["max_score"]) == ("6.0", 1.2, "6.0")
    results = table(folder / "results.csv", "student", "exercise")
    assert results["bob", "double"] == {
        "assignment": PAGE,
        "student": "bob",
        "exercise": "double",
        "points": "1.0",
        "max_points": "2.0",
        "mistake": "squared",
        "message": results["bob", "double"]["message"],
        "look": "",
    }
    assert results["late", "double"]["look"] == results["late", "total"]["look"] == "gc"
    assert results["bob", "double"]["message"].endswith("It looks like a square.")
    assert "\n" not in results["bob", "double"]["message"]
    assert results["ann", "total"]["points"] == results["ann", "total"]["max_points"] == "4.0"
    assert table(folder / "items.csv", "exercise")["double",] == {
        "assignment": PAGE,
        "exercise": "double",
        "students": "3",
        "answered": "3",
        "right": "2",
        "difficulty": "0.833",
        "discrimination": "not enough",
    }
    assert table(folder / "mistakes.csv", "exercise", "mistake")["double", "squared"] == {
        "assignment": PAGE,
        "exercise": "double",
        "mistake": "squared",
        "students": "1",
        "share": "0.333",
        "explanation": "It looks like a square.",
    }
    assert not_graded(course) == {}


@pytest.mark.slow
def test_a_page_of_the_book_is_found_by_its_number_and_graded(tmp_path, handed_in, graded):
    course = courses.new(tmp_path / "course")
    assert courses.assign(course, "7").name == courses.assign(course, "07_roll_and_shifted_windows").name
    name = "07_roll_and_shifted_windows"
    path = courses.release(course, name)
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "roll":
            cell.source = "def roll(x, shift):\n    return x[(torch.arange(len(x)) - shift) % len(x)]"
    handed_in.mkdir()
    nbformat.write(notebook, handed_in / "ann.ipynb")
    assert courses.collect(course, name, handed_in).new == ["ann"]
    summary = courses.grade(course, name, processes=1)
    assert summary.right["roll"] == 1
    assert summary.mistakes["cyclic_shift"] == {"rows_for_both": 1}
    assert scores(course) == {"ann": 1.0}
    assert len(table(course.root / "results.csv", "exercise")) == 7


# new, assign, release -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_new_course_has_a_secret_of_its_own(tmp_path):
    one, other = (courses.new(tmp_path / name) for name in ("one", "other"))
    assert courses.read_seed(one.root) != courses.read_seed(other.root)
    assert stat.S_IMODE((one.root / "seed.txt").stat().st_mode) == 0o600
    assert courses.Course.at(one.root).roster() == {}


def test_a_course_is_not_made_where_something_is(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    (tmp_path / "file").touch()
    for name in ("full", "file"):
        with pytest.raises(CourseError, match="not empty"):
            courses.new(tmp_path / name)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.tex"]


def test_a_course_is_not_made_in_a_book(tmp_path):
    (tmp_path / "_toc.yml").touch()
    with pytest.raises(CourseError, match="lies in the book"):
        courses.new(tmp_path / "deep" / "course")
    assert not (tmp_path / "deep").exists()


@pytest.mark.slow
def test_a_gradebook_is_made_where_no_environment_is_activated(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with courses.new(tmp_path / "course").gradebook() as gradebook:
        assert gradebook.assignments == []
    assert os.environ["PATH"] == "/nowhere"


@pytest.mark.slow
def test_an_assignment_can_be_made_anew(course, numbers):
    page, checks = numbers
    again = courses.assign(course, str(page), checks=checks, points={"double": 7})
    assert again.exercises == {"double": 7, "total": 3}
    assert again.checks == str(course.root / "checks" / f"{PAGE}.py")
    with course.gradebook() as gradebook:
        assert gradebook.find_assignment(PAGE).duedate == datetime(2100, 1, 1)


def test_what_a_teacher_wrote_is_not_lost(course, numbers):
    page, checks = numbers
    path = course.root / "source" / PAGE / f"{PAGE}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += "\n\nGood luck."
    nbformat.write(notebook, path)
    with pytest.raises(CourseError, match="was edited"):
        courses.assign(course, str(page), checks=checks)
    courses.release(course, PAGE)
    assert "Good luck" in course.release_of(course.assignment(PAGE)).cells[0].source


def without_checks(course, page, checks):
    courses.assign(course, str(page))


def with_other_checks(course, page, checks):
    checks.write_text(CHECKS[: CHECKS.index("@exercise(lambda a, b")])
    courses.assign(course, str(page), checks=checks)


def with_broken_checks(course, page, checks):
    checks.write_text("import nothing_of_this_name")
    courses.assign(course, str(page), checks=checks)


def of_no_page(course, page, checks):
    courses.assign(course, "99")


def of_what_is_not_a_page(course, page, checks):
    page.write_text("{}")
    courses.assign(course, str(page), checks=checks)


def with_points_for_nobody(course, page, checks):
    courses.assign(course, str(page), checks=checks, points={"triple": 1})


def with_an_odd_name(course, page, checks):
    courses.assign(course, str(page), checks=checks, name="../numbers")


def in_place_of_another(course, page, checks):
    courses.assign(course, "7", name=PAGE)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (without_checks, "--checks"),
        (with_other_checks, "no check for total"),
        (with_broken_checks, "nothing_of_this_name"),
        (of_no_page, "07_roll_and_shifted_windows"),
        (of_what_is_not_a_page, "is not a page of exercises"),
        (with_points_for_nobody, "triple"),
        (with_an_odd_name, "another name"),
        (in_place_of_another, "another --name"),
    ],
)
def test_an_assignment_that_cannot_be_graded_is_refused(course, numbers, make, said):
    before = (course.root / "source" / PAGE / f"{PAGE}.ipynb").read_bytes()
    with pytest.raises(CourseError, match=said):
        make(course, *numbers)
    assert (course.root / "source" / PAGE / f"{PAGE}.ipynb").read_bytes() == before


# collect --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["{student}/" + PAGE + "/{page}.ipynb", "{student}/{page}.ipynb", "{student}.ipynb"])
def test_hand_ins_are_found_in_each_layout(course, handed_in, path):
    file = hand_in(course, handed_in, "ann", SOLVED, path)
    before = file.read_bytes()
    assert collect(course, handed_in).new == ["ann"]
    folder = course.root / "submitted" / "ann" / PAGE
    assert {each.name for each in folder.iterdir()} == {f"{PAGE}.ipynb", "timestamp.txt"}
    assert file.read_bytes() == before


def test_one_bad_hand_in_does_not_stop_the_others(course, handed_in):
    hand_in(course, handed_in, "ann", SOLVED)
    hand_in(course, handed_in, "zoe", SOLVED)
    (handed_in / "bad.ipynb").write_text("Dear professor")
    os.mkfifo(handed_in / "pipe.ipynb")
    (handed_in / "link").symlink_to("ann")
    (handed_in / "other").mkdir()
    (handed_in / "other" / "homework (1).ipynb").write_text("{}")
    (handed_in / "=1+1").mkdir()
    (handed_in / "ann.ipynb").write_text("{}")
    (handed_in / "readme.txt").write_text("not a hand-in")
    (handed_in / "__MACOSX").mkdir()
    outcome = collect(course, handed_in)
    assert outcome.new == ["zoe"]
    assert outcome.not_gradable.keys() == {"bad", "pipe", "link", "other", "=1+1", "ann"}
    reasons = not_graded(course)
    assert "not valid JSON" in reasons["bad"]
    assert "not a plain file" in reasons["pipe"]
    assert "link" in reasons["link"]
    assert "no list of cells" in reasons["other"]
    assert "begin with a letter" in reasons["'=1+1"]
    assert "more than once" in reasons["ann"]
    assert not (course.root / "submitted" / "ann").exists()


def test_of_two_hand_ins_of_one_student_neither_counts(course, handed_in):
    hand_in(course, handed_in, "zo\u00eb", SOLVED)
    assert collect(course, handed_in).new == ["zo\u00eb"]
    hand_in(course, handed_in, "zoe\u0308", HALF)
    outcome = collect(course, handed_in)
    assert (outcome.new, outcome.unchanged) == ([], [])
    reason = outcome.not_gradable["zo\u00eb"]
    assert "more than once" in reason
    assert reason.endswith("What was collected before still counts.")
    path = course.root / "submitted" / "zo\u00eb" / PAGE / f"{PAGE}.ipynb"
    assert SOLVED["double"] in [cell.source for cell in nbformat.read(path, as_version=4).cells]


def test_each_file_of_the_inbox_is_in_one_row(course, handed_in):
    hand_in(course, handed_in, "ann", SOLVED)
    hand_in(course, handed_in, "bob", {}, "{student}/homework.ipynb")
    hand_in(course, handed_in, "cem", SOLVED)
    hand_in(course, handed_in, "cem", SOLVED, "{student} (1).ipynb")
    (handed_in / "dan.ipynb").write_text("{}")
    (handed_in / "eve").mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])
    nbformat.write(notebook, handed_in / "eve" / "thesis.ipynb")
    for name in ("readme.txt", ".DS_Store", "ann/report.pdf", "ann/=1+1.csv", "ann/a\nb.txt"):
        (handed_in / name).write_text("x")
    outcome = collect(course, handed_in)
    assert outcome.new == ["ann", "bob"]
    assert outcome.not_gradable.keys() == not_graded(course).keys() == {"cem", "dan", "eve"}
    assert "no code for its exercises" in outcome.not_gradable["eve"]
    with open(course.root / "files.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(row["assignment"] == PAGE and row["reason"] for row in rows if row["result"] != "collected")
    assert {row["file"]: (row["student"], row["result"]) for row in rows} == {
        f"ann/{PAGE}.ipynb": ("ann", "collected"),
        "bob/homework.ipynb": ("bob", "collected"),
        f"cem/{PAGE}.ipynb": ("cem", "not graded"),
        "cem (1).ipynb": ("cem", "not graded"),
        "dan.ipynb": ("dan", "not graded"),
        "eve/thesis.ipynb": ("eve", "not graded"),
        "readme.txt": ("", "left out"),
        ".DS_Store": ("", "left out"),
        "ann/report.pdf": ("ann", "left out"),
        "ann/=1+1.csv": ("ann", "left out"),
        "ann/a\\nb.txt": ("ann", "left out"),
    }
    # collected again, the table says what is so now
    shutil.rmtree(handed_in / "cem")
    assert collect(course, handed_in).unchanged == ["ann", "bob"]
    rows = table(course.root / "files.csv", "file")
    assert len(rows) == 10
    assert rows["cem (1).ipynb",]["result"] == "collected"
    assert rows[f"ann/{PAGE}.ipynb",]["result"] == "as before"


def test_a_systems_archive_is_collected_with_a_table_of_names(course, handed_in, tmp_path, capsys):
    (course.root / "students.csv").write_text("id\nann\no'brien\nzoe\n")
    hand_in(course, handed_in, "", SOLVED, "Ann Lee_11_assignsubmission_file_/{page}.ipynb")
    hand_in(course, handed_in, "", HALF, "Pat O\u2019Brien_12_assignsubmission_file_/{page} (1).ipynb")
    hand_in(course, handed_in, "", HALF, "Sam Ray_13_assignsubmission_file_/{page}.ipynb")
    archive = shutil.make_archive(str(tmp_path / "from moodle"), "zip", handed_in)
    names = tmp_path / "names.csv"
    names.write_text("\ufeffname,student\nAnn Lee,ann\nPat O'Brien,o'brien\nZoe Zed,zoe\n")
    times = tmp_path / "times.csv"
    times.write_text("student,received\nAnn Lee,2026-03-01T12:00+02:00\no'brien,2026-03-01T13:00+02:00\n")
    command = ["collect", PAGE, archive, "--names", str(names), "--course", str(course.root)]
    assert main([*command, "--received", str(times)]) == 0
    said = capsys.readouterr().out
    assert "2 collected, 0 as before, 2 not gradable." in said
    assert "what became of each of the 3 files" in said
    assert "came onto this disk" not in said
    assert not_graded(course).keys() == {"Sam Ray_13", "zoe"}
    stamp = course.root / "submitted" / "ann" / PAGE / "timestamp.txt"
    assert stamp.read_text() == "2026-03-01 10:00:00 UTC\n"
    assert (course.root / "submitted" / "o'brien" / PAGE / "timestamp.txt").read_text() == "2026-03-01 11:00:00 UTC\n"
    # nothing of it lies anywhere else
    assert {path.name for path in (course.root / "submitted").iterdir()} == {"ann", "o'brien"}
    # without times, the teacher is told what they are instead
    assert main(command) == 0
    assert "All of it counts as handed in when from moodle.zip came onto this disk" in capsys.readouterr().out


def test_a_student_with_an_apostrophe_gets_a_grade_and_feedback(course, handed_in, graded):
    hand_in(course, handed_in, "o'brien", SOLVED)
    collect(course, handed_in)
    grade(course)
    assert scores(course) == {"o'brien": 5.0}
    assert "5 of 5 points" in feedback(course, "o'brien")


def test_a_pattern_says_whose_a_file_is(course, handed_in):
    hand_in(course, handed_in, "ann", SOLVED, "week 7/homework of {student}.ipynb")
    pattern = "week 7/homework of (?P<student>.*)[.]ipynb"
    assert main(["collect", PAGE, str(handed_in), "--pattern", pattern, "--course", str(course.root)]) == 0
    assert (course.root / "submitted" / "ann" / PAGE).is_dir()
    assert not_graded(course) == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pattern": "("}, "regular expression"),
        ({"pattern": ".*"}, "group for the student"),
        ({"names": "id,student\nx,ann\n"}, "names.csv has no column name"),
        ({"names": "name,student\nx,ann\nX,bob\n"}, "names.csv, line 3: 'X' is ann already"),
    ],
)
def test_names_that_cannot_be_used_are_told(course, handed_in, tmp_path, options, said):
    hand_in(course, handed_in, "ann", SOLVED)
    if "names" in options:
        (tmp_path / "names.csv").write_text(options["names"])
        options = {"names": tmp_path / "names.csv"}
    with pytest.raises(CourseError, match=said):
        collect(course, handed_in, **options)
    assert not (course.root / "submitted" / "ann").exists()


def test_work_for_another_assignment_is_not_taken_for_this_one(course, handed_in):
    (course.root / "source" / "exam").mkdir()
    hand_in(course, handed_in, "ann", SOLVED, "{student}/exam/{page}.ipynb")
    hand_in(course, handed_in, "bob", SOLVED, "{student}/" + PAGE + "/{page}.ipynb")
    outcome = collect(course, handed_in)
    assert outcome.new == ["bob"]
    assert "of another assignment" in outcome.not_gradable["ann"]


def test_time_is_what_the_file_says_and_not_the_student(course, handed_in):
    file = hand_in(course, handed_in, "ann", SOLVED)
    os.utime(file, (0, 0))
    (file.parent / "timestamp.txt").write_text("1970-01-01 00:00:00 UTC")
    collect(course, handed_in)
    stamp = courses._time_in(course.root / "submitted" / "ann" / PAGE / "timestamp.txt")
    assert abs(stamp - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=1)


def test_a_table_of_times_is_believed(course, handed_in, tmp_path):
    hand_in(course, handed_in, "ann", SOLVED)
    hand_in(course, handed_in, "bob", SOLVED)
    outcome = collect(course, handed_in, received=received(tmp_path, ann="2026-03-01T12:00+02:00"))
    assert outcome.new == ["ann"]
    assert "does not say when" in outcome.not_gradable["bob"]
    stamp = course.root / "submitted" / "ann" / PAGE / "timestamp.txt"
    assert stamp.read_text() == "2026-03-01 10:00:00 UTC\n"
    with pytest.raises(CourseError, match=r"received.csv, line 2"):
        collect(course, handed_in, received=received(tmp_path, ann="yesterday"))


@pytest.fixture
def exchanged(course, handed_in, tmp_path, monkeypatch):
    """What nbgrader's exchange collects of ann's work, which was due between submitting and collecting."""
    config = course.config
    config.CourseDirectory.course_id = "swin"
    config.Exchange.root, config.Exchange.cache = str(tmp_path / "exchange"), str(tmp_path / "cache")
    config.Exchange.assignment_dir = str(tmp_path / "home")
    (tmp_path / "exchange").mkdir()
    (tmp_path / "exchange").chmod(0o777)

    def step(kind, **options):
        folder = CourseDirectory(config=config)
        folder.assignment_id = PAGE
        for name, value in options.items():
            setattr(folder, name, value)
        kind(coursedir=folder, authenticator=Authenticator(config=config), config=config).start()

    with courses._scripts_on_path(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step(ExchangeReleaseAssignment)
        hand_in(course, tmp_path / "home", "ann", SOLVED, PAGE + "/{page}.ipynb")
        step(ExchangeSubmit, student_id="ann")
        [stamp] = (tmp_path / "exchange").glob("swin/inbound/*/timestamp.txt")
        with course.gradebook() as gradebook:
            gradebook.update_or_create_assignment(PAGE, duedate=parse_utc(stamp.read_text()))
        handed_in.mkdir(mode=0o700)
        step(ExchangeCollect, submitted_directory=str(handed_in), student_id="*")
    return handed_in


def test_the_exchange_says_when_work_came(course, exchanged, graded, capsys):
    found = {path.name for path in (exchanged / "ann" / PAGE).iterdir()}
    assert found == {f"{PAGE}.ipynb", "timestamp.txt", "submission_secret.txt"}
    command = ["collect", PAGE, str(exchanged), "--course", str(course.root)]
    # the copy is younger than what was submitted, and so everybody is late
    assert main(command) == 0
    assert "with --exchange they are nbgrader's" in capsys.readouterr().out
    grade(course)
    assert scores(course) == {"ann": pytest.approx(4.5)}
    assert main([*command, "--exchange"]) == 0
    assert "--exchange" not in capsys.readouterr().out
    grade(course)
    assert scores(course) == {"ann": 5.0}
    assert not_graded(course) == {}


def test_a_table_of_times_counts_more_than_the_exchange(course, exchanged, tmp_path):
    collect(course, exchanged, exchange=True, received=received(tmp_path, ann="2026-03-01T12:00+02:00"))
    stamp = course.root / "submitted" / "ann" / PAGE / "timestamp.txt"
    assert stamp.read_text() == "2026-03-01 10:00:00 UTC\n"


@pytest.mark.parametrize("text", [b"", b"yesterday", b"5", b"2026-13-01 00:00:00 UTC", b"\xff" * 9, b"9" * 10**5])
def test_a_time_of_the_exchange_that_is_none_is_told(course, handed_in, text):
    hand_in(course, handed_in, "ann", SOLVED, "{student}/" + PAGE + "/{page}.ipynb")
    hand_in(course, handed_in, "bob", SOLVED, "{student}/" + PAGE + "/{page}.ipynb")
    handed_in.chmod(0o700)
    (handed_in / "ann" / PAGE / "timestamp.txt").write_bytes(text)
    outcome = collect(course, handed_in, exchange=True)
    assert outcome.new == []
    assert f"ann/{PAGE}/timestamp.txt has no time" in outcome.not_gradable["ann"]
    assert f"bob/{PAGE}/timestamp.txt has no time" in outcome.not_gradable["bob"]


def test_times_are_not_believed_where_students_could_have_written_them(course):
    assert not courses._is_private(Path("/usr"))
    with pytest.raises(CourseError, match="others may enter /usr"):
        collect(course, Path("/usr"), exchange=True)


def test_a_folder_is_private_if_something_on_the_way_is(tmp_path):
    (tmp_path / "own").mkdir(mode=0o700)
    (tmp_path / "own" / "open").mkdir(mode=0o755)
    assert courses._is_private(tmp_path / "own" / "open")


def test_collecting_again_takes_what_is_newer(course, handed_in, tmp_path):
    stamp = course.root / "submitted" / "ann" / PAGE / "timestamp.txt"
    hand_in(course, handed_in, "ann", HALF)
    assert collect(course, handed_in).new == ["ann"]
    first = stamp.read_text()
    assert collect(course, handed_in).unchanged == ["ann"]
    # the same work in a copy keeps its time
    later = tmp_path / "copied later"
    shutil.copytree(handed_in, later)
    assert collect(course, later).unchanged == ["ann"]
    assert stamp.read_text() == first
    # what was handed in before is not taken
    older = tmp_path / "older"
    hand_in(course, older, "ann", {})
    hand_in(course, handed_in, "ann", SOLVED)
    assert collect(course, handed_in).new == ["ann"]
    assert collect(course, older).unchanged == ["ann"]
    assert stamp.read_text() > first
    collected = nbformat.read(stamp.parent / f"{PAGE}.ipynb", as_version=4)
    assert SOLVED["double"] in [cell.source for cell in collected.cells]


def test_the_roster_says_who_may_hand_in(course, handed_in, graded):
    students = 'id,first_name,last_name,email\nann,"Ann, Dr.",=A,\nabsent,Ab,Sent,\nzo\u00eb,Z,Z,\n'
    (course.root / "students.csv").write_text(students)
    for student in ("ann", "ANN", "stranger", "zoe\u0308"):
        hand_in(course, handed_in, student, SOLVED)
    outcome = collect(course, handed_in)
    assert outcome.new == ["ann", "zo\u00eb"]
    assert outcome.not_gradable.keys() == {"ANN", "stranger", "absent"}
    assert "students.csv" in outcome.not_gradable["stranger"]
    assert outcome.not_gradable["absent"] == "nothing was handed in."
    grade(course)
    assert not_graded(course).keys() == {"ANN", "stranger", "absent"}
    rows = table(course.root / "gradebook.csv", "student_id")
    assert rows["ann",]["first_name"] == "Ann Dr."
    assert rows["ann",]["last_name"] == "'=A"
    assert scores(course) == {"ann": 5.0, "absent": 0.0, "zo\u00eb": 5.0}


@pytest.mark.parametrize(
    ("text", "said"), [("name\nann\n", "no column id"), ("id\n=1\n", "line 2"), ("id\nann\nann\n", "twice")]
)
def test_a_roster_that_is_none_is_refused(course, handed_in, text, said):
    handed_in.mkdir()
    (course.root / "students.csv").write_text(text)
    with pytest.raises(CourseError, match=said):
        collect(course, handed_in)


def test_hand_ins_are_collected_from_outside_only(course):
    with pytest.raises(CourseError, match="collect from outside"):
        collect(course, course.root / "submitted")


# grade ----------------------------------------------------------------------------------------------------------


def test_an_interruption_loses_nothing(course, handed_in, graded, monkeypatch):
    for student in ("ann", "bob", "cem"):
        hand_in(course, handed_in, student, SOLVED)
    collect(course, handed_in)
    whole = grading.grade_many

    def interrupted(*arguments, **options):
        yield next(iter(whole(*arguments, **options)))
        raise KeyboardInterrupt

    monkeypatch.setattr(grading, "grade_many", interrupted)
    assert main(["grade", PAGE, "--course", str(course.root)]) == 130
    monkeypatch.setattr(grading, "grade_many", whole)
    [first] = graded
    assert grade(course).run == 2
    assert sorted(graded) == ["ann", "bob", "cem"]
    assert graded[0] == first
    assert scores(course) == {"ann": 5.0, "bob": 5.0, "cem": 5.0}


def test_grading_again_runs_nothing_and_gives_the_same(course, handed_in, graded):
    for student, answers in {"ann": SOLVED, "bob": HALF, "cem": {}}.items():
        hand_in(course, handed_in, student, answers)
    collect(course, handed_in)
    grade(course)
    files = [course.root / name for name in ("gradebook.csv", "results.csv", "not_graded.csv")]
    files += sorted((course.root / "feedback").rglob("*.html"))
    before = [path.read_bytes() for path in files]
    assert len(files) == 6
    assert grade(course).run == 0
    assert [path.read_bytes() for path in files] == before
    # and the same again if all of it is run again
    shutil.rmtree(course.root / "verdicts")
    assert grade(course).run == 3
    assert [path.read_bytes() for path in files] == before


def another_seed(course):
    (course.root / "seed.txt").write_text("1234\n")


def other_checks(course):
    path = course.root / "checks" / f"{PAGE}.py"
    path.write_text(path.read_text() + "\n")


def a_broken_verdict(course):
    verdict_file(course, "ann").write_text('{"key": ')


@pytest.mark.one_in(3)
@pytest.mark.parametrize("change", [another_seed, other_checks, a_broken_verdict])
def test_a_verdict_does_not_outlive_what_it_depends_on(course, handed_in, graded, change):
    hand_in(course, handed_in, "ann", SOLVED)
    collect(course, handed_in)
    grade(course)
    change(course)
    assert grade(course).run == 1


def test_only_changed_work_is_run_again(course, handed_in, graded):
    hand_in(course, handed_in, "ann", SOLVED)
    hand_in(course, handed_in, "bob", HALF)
    collect(course, handed_in)
    grade(course)
    hand_in(course, handed_in, "bob", SOLVED)
    assert collect(course, handed_in).new == ["bob"]
    graded.clear()
    grade(course)
    assert graded == ["bob"]
    assert scores(course) == {"ann": 5.0, "bob": 5.0}


def test_what_a_teacher_gave_by_hand_survives(course, handed_in, graded):
    hand_in(course, handed_in, "bob", HALF)
    collect(course, handed_in)
    grade(course)
    assert "Comment" not in feedback(course, "bob")  # nbgrader's own, on what is as it was handed out
    with course.gradebook() as gradebook:
        gradebook.find_grade("check_double", PAGE, PAGE, "bob").manual_score = 1.75
        gradebook.find_comment("double", PAGE, PAGE, "bob").manual_comment = "Nearly <b>there</b>."
        gradebook.db.commit()
    hand_in(course, handed_in, "bob", {**HALF, "total": SOLVED["total"]})
    courses.release(course, PAGE)
    collect(course, handed_in)
    grade(course)
    assert scores(course) == {"bob": 4.75}
    assert table(course.root / "results.csv", "exercise")["double",]["points"] == "1.75"
    page = feedback(course, "bob")
    assert "1.75 of 2 points" in page
    assert "Nearly &lt;b&gt;there&lt;/b&gt;." in page


@pytest.mark.slow
def test_formgraders_button_asks_the_sandbox_too(course, handed_in, graded, monkeypatch):
    hand_in(course, handed_in, "ann", SOLVED)
    hand_in(course, handed_in, "bob", HALF)
    collect(course, handed_in)
    monkeypatch.chdir(course.root)
    api = NbGraderAPI(config=course.config)
    for student in ("ann", "bob"):
        result = api.autograde(PAGE, student)
        assert result["success"], result
        assert api.generate_feedback(PAGE, student)["success"]
    assert graded == ["ann", "bob"]
    assert {each["student"]: each["score"] for each in api.get_submissions(PAGE)} == {"ann": 5.0, "bob": 1.0}
    assert "It looks like a square." in feedback(course, "bob")
    # a verdict that holds is not reached again, nor by `grade`
    api.autograde(PAGE, "ann")
    assert grade(course).run == 0
    assert graded == ["ann", "bob"]
    # one that no longer holds is
    hand_in(course, handed_in, "bob", SOLVED)
    collect(course, handed_in)
    assert api.autograde(PAGE, "bob")["success"]
    assert graded == ["ann", "bob", "bob"]
    assert {each["student"]: each["score"] for each in api.get_submissions(PAGE)} == {"ann": 5.0, "bob": 5.0}


def test_formgraders_button_takes_code_only(course, graded, monkeypatch):
    """Of a notebook that did not come by way of `collect`, too."""
    file = hand_in(course, course.root / "submitted", "mallory", HALF, "{student}/" + PAGE + "/{page}.ipynb")
    notebook = nbformat.read(file, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.source, cell.metadata.nbgrader.points = "print('right')", 1000
    extra = nbformat.v4.new_code_cell("100")
    extra.metadata.nbgrader = {**notebook.cells[-1].metadata.nbgrader, "grade_id": "bonus"}
    notebook.cells.append(extra)
    nbformat.write(notebook, file)
    monkeypatch.chdir(course.root)
    api = NbGraderAPI(config=course.config)
    assert api.autograde(PAGE, "mallory")["success"]
    [row] = api.get_submissions(PAGE)
    assert (row["score"], row["max_score"]) == (1.0, 5.0)


def test_what_collect_did_not_put_there_is_not_graded(course, handed_in, graded, tmp_path):
    hand_in(course, handed_in, "ann", SOLVED)
    for student in ("bob", "cem"):
        hand_in(course, handed_in, student, SOLVED)
    collect(course, handed_in)
    (course.root / "submitted" / "bob" / PAGE / "link").symlink_to(tmp_path)
    path = course.root / "submitted" / "cem" / PAGE / f"{PAGE}.ipynb"
    path.rename(tmp_path / "real.ipynb")
    path.symlink_to(tmp_path / "real.ipynb")
    summary = grade(course)
    assert summary.graded == 1
    assert summary.not_graded.keys() == not_graded(course).keys() == {"bob", "cem"}
    assert scores(course) == {"ann": 5.0}


def test_what_cells_did_is_in_the_graded_notebook(course, handed_in, graded):
    hand_in(course, handed_in, "ann", {"double": "def double(x):\n    return 2 * x\n\n\n1 / 0"})
    collect(course, handed_in)
    grade(course)
    notebook = nbformat.read(course.root / "autograded" / "ann" / PAGE / f"{PAGE}.ipynb", as_version=4)
    [printed, error] = next(cell for cell in notebook.cells if "1 / 0" in cell.source).outputs
    assert printed.text == "printed before it"
    assert (error.ename, error.evalue) == ("ZeroDivisionError", "division by zero")
    assert "ZeroDivisionError: division by zero" in feedback(course, "ann")


def test_long_texts_are_clipped(course, handed_in, monkeypatch):
    def loud(submissions, exercises, **options):
        for student, cells in submissions.items():
            result = Result(False, 0.0, "m" * 10**6)
            yield student, Graded(dict.fromkeys(exercises, result), tuple(Ran("t\ud800\0" * 10**6) for _ in cells))

    monkeypatch.setattr(grading, "grade_many", loud)
    hand_in(course, handed_in, "ann", SOLVED)
    collect(course, handed_in)
    assert grade(course).graded == 1
    assert verdict_file(course, "ann").stat().st_size < 200_000
    assert len(feedback(course, "ann")) < 200_000


@pytest.mark.parametrize(
    ("days", "latest", "left"),
    [(0.0, 2, 10), (1e-5, 2, 9), (1, 2, 9), (1.01, 2, 8), (2, 2, 8), (2.01, 2, 0), (9, None, 1), (11, None, 0)],
)
def test_each_day_begun_costs_a_share(days, latest, left):
    plugin = LatePenalty(share_per_day=0.1, latest_day=latest)
    assert 10 - plugin.late_submission_penalty("ann", 10, days * 86_400) == pytest.approx(left)


def test_the_late_penalty_is_the_teachers(course, handed_in, graded, tmp_path):
    path = course.root / "nbgrader_config.py"
    path.write_text(path.read_text().replace("share_per_day = 0.1", "share_per_day = 0.5"))
    hand_in(course, handed_in, "ann", SOLVED)
    collect(course, handed_in, received=received(tmp_path, ann="2100-01-01T01:00+00:00"))
    grade(Course.at(course.root))
    assert scores(course) == {"ann": 2.5}
    assert "It was handed in late, which cost 2.5 points of 5." in feedback(course, "ann")


def test_without_a_sandbox_nothing_runs_unless_it_is_asked_for(course, handed_in, monkeypatch, capsys):
    def careful(*arguments, unsafe=False, **options):
        if not unsafe:
            raise NoSandboxError("there is no bubblewrap here; install it")
        return grade_here(*arguments, **options)

    monkeypatch.setattr(grading, "grade_many", careful)
    hand_in(course, handed_in, "ann", SOLVED)
    collect(course, handed_in)
    command = ["grade", PAGE, "--course", str(course.root)]
    assert main(command) == 2
    assert capsys.readouterr().err == "error: there is no bubblewrap here; install it\n"
    assert not (course.root / "verdicts").exists()
    assert main([*command, "--unsafe-run-code-without-a-sandbox"]) == 0
    assert scores(course) == {"ann": 5.0}


def test_warnings_of_nbgrader_go_to_its_log(tmp_path):
    with courses._log(tmp_path / "log"):
        warnings.warn("said to the log", stacklevel=1)
    assert "said to the log" in (tmp_path / "log").read_text()


def test_files_of_the_course_that_grading_does_not_write_stay(course, handed_in, graded):
    hand_in(course, handed_in, "ann", SOLVED)
    collect(course, handed_in)
    tables = ("gradebook", "results.csv", "items.csv", "mistakes.csv", "not_graded.csv")
    written = (*tables, "nbgrader.log", "autograded", "feedback", "verdicts")

    def others():
        paths = [path for path in sorted(course.root.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
        return {
            path: path.read_bytes() for path in paths if not path.relative_to(course.root).parts[0].startswith(written)
        }

    before = others()
    grade(course)
    assert others() == before


def test_hand_ins_that_are_alike_are_told_and_no_points_change(course, handed_in, graded, capsys):
    long = "\n".join(f"    y{n} = [x + {n} for _ in range({n})] + [math.floor(x / {n})] * {n}" for n in range(1, 9))
    same = {"double": f"def double(x):\n{long}\n    return 2 * x"}
    renamed = {"double": same["double"].replace("y", "other")}
    hand_in(course, handed_in, "ann", same)
    hand_in(course, handed_in, "bob", renamed)
    hand_in(course, handed_in, "cid", SOLVED)
    collect(course, handed_in)
    grade(course)
    files = {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}
    assert main(["alike", PAGE, "--course", str(course.root)]) == 0
    said = capsys.readouterr().out
    assert "100%  ann and bob" in said
    assert "evidence, never a grade" in said
    assert {path: path.read_bytes() for path in files} == files
    rows = table(course.root / "alike" / f"{PAGE}.csv", "student", "other")
    assert rows["ann", "bob"]["lines_of_student"] == "double 1-10"
    assert rows["ann", "bob"]["meaning"] == "evidence, never a grade"
    page = (course.root / "alike" / f"{PAGE}.html").read_text()
    assert "Too short to say anything: cid." in page
    assert sorted(graded) == ["ann", "bob", "cid"]  # nothing was run for it


def test_one_hand_in_is_like_no_other(course, handed_in, graded):
    hand_in(course, handed_in, "ann", SOLVED)
    collect(course, handed_in)
    with pytest.raises(CourseError, match="it takes two to compare"):
        courses.compare(course, PAGE)


# The feedback ---------------------------------------------------------------------------------------------------

RUNS = "document.title = 'through'"
MARKUP = f'</pre><script>{RUNS}</script><img src=http://192.0.2.1/x onerror="{RUNS}">'


def test_feedback_holds_what_a_student_wants_to_know(course, handed_in, graded):
    hand_in(course, handed_in, "bob", HALF, after=["mine = 1"])
    collect(course, handed_in)
    grade(course)
    page = feedback(course, "bob")
    for said in (
        "<h1>Exercises with numbers</h1>",
        "<h2>1. Twice x</h2>",
        "1 of 5 points",
        "◐ Partly right: 1 of 2 points",
        "✗ Not right yet: 0 of 3 points",
        "It looks like a square.",
        "def double(x):\n    return x * x",
        "mine = 1",
    ):
        assert said in page
    assert "handed in late" not in page


def test_feedback_runs_nothing_and_asks_for_nothing(course, handed_in, graded, browser):
    answers = {
        "double": f"# {MARKUP} {'x' * 300}\ndef double(x):\n    raise ValueError({MARKUP!r})",
        "total": f"{MARKUP!r} / 0",
    }
    hand_in(course, handed_in, "mallory", answers, after=[f"# {{{{ 7 * 7 }}}} {MARKUP}"])
    collect(course, handed_in)
    grade(course)
    path = course.root / "feedback" / "mallory" / PAGE / f"{PAGE}.html"
    page = browser.new_page(viewport={"width": 390, "height": 844})
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri(), wait_until="networkidle")
    assert requests == [path.as_uri()]
    assert errors == []
    assert page.title() == "Exercises with numbers: feedback for mallory"
    assert page.evaluate("document.querySelectorAll('script, img, iframe, link, [onerror]').length") == 0
    assert page.inner_text("main").count(RUNS) >= 3
    assert "{{ 7 * 7 }}" in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("document.querySelector('meta[http-equiv]').content").startswith("default-src 'none'")
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(each => +each.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    page.close()


def test_feedback_is_accessible(course, handed_in, graded, browser):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    hand_in(course, handed_in, "bob", HALF)
    collect(course, handed_in)
    grade(course)
    # its own policy would keep the inspector's script out
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto((course.root / "feedback" / "bob" / PAGE / f"{PAGE}.html").as_uri())
    violations = axe.Axe().run(page).response["violations"]
    context.close()
    assert [violation["id"] for violation in violations] == []


# The command line -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["release", "nothing"], "make it with `assign`"),
        (["grade", PAGE], "collect 90_numbers FOLDER"),
        (["grade", PAGE, "--processes", "0"], "--processes must be 1 or more, got 0"),
        (["grade", PAGE, "--seconds", "0"], "must be more than 0, got 0 and"),
        (["collect", PAGE, "/no/such/folder"], "/no/such/folder is not a folder"),
        (["assign", "7", "--due", "tomorrow"], "got 'tomorrow'"),
        (["assign", "7", "--points", "roll:3"], "NAME=NUMBER"),
        (["assign", "7", "--points", "rol=3"], "no exercise 'rol'"),
        (["assign", "nothing"], "the pages: 02_resampling"),
    ],
)
def test_a_wrong_use_is_told_in_a_sentence(course, capsys, arguments, said):
    assert main([*arguments, "--course", str(course.root)]) == 2
    out = capsys.readouterr()
    assert out.err.startswith("error: ")
    assert said in out.err
    assert out.err.count("\n") == 1


def test_a_folder_that_is_no_course_is_told(tmp_path, capsys):
    assert main(["grade", PAGE, "--course", str(tmp_path)]) == 2
    assert "make one with `new`" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["new", "assign", "release", "collect", "grade"])
def test_help_explains_each_option(capsys, command):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert len(capsys.readouterr().out) > 300


def test_a_verdict_is_json_that_people_can_read(course, handed_in, graded):
    hand_in(course, handed_in, "bob", HALF)
    collect(course, handed_in)
    grade(course)
    verdict = json.loads(verdict_file(course, "bob").read_text())
    assert verdict["results"]["double"]["mistake"] == "squared"
    assert verdict["results"]["double"]["credit"] == 0.5
