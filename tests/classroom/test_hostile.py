"""A class of which nearly everybody attacks: each gets what the work deserves, and nobody harms anybody.

The attacks were written before the defence, by somebody who had not seen it (see `attacks`). They are handed in
together, by as many students, with honest work among them, and graded by the command line, as a class is.
"""

import contextlib
import csv
import functools
import hashlib
import json
import os
import re
import resource
import sqlite3
import subprocess
import sys
import sysconfig
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import attacks
import nbformat
import psutil
import pytest
from attacks import ATTACKS, CANARY, EXERCISES, MARKER, PAGE, SCRIPT, THROUGH

import swinlib
from swinlib.classroom.handed_in import printable

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

HONEST = {
    "alice": attacks.RIGHT,
    "bob": {**attacks.RIGHT, "roll": attacks.RIGHT["roll"] + f"\n# {CANARY}"},
    "carol": attacks.OTHER_STYLE,
    "dave": attacks.KNOWN_MISTAKES,
    "zoe": {"roll": attacks.RIGHT["roll"]},
}
HONEST_CREDIT = {
    "alice": dict.fromkeys(EXERCISES, 1.0),
    "bob": dict.fromkeys(EXERCISES, 1.0),
    "carol": dict.fromkeys(EXERCISES, 1.0),
    "dave": dict.fromkeys(EXERCISES, 0.0),
    "zoe": {**dict.fromkeys(EXERCISES, 0.0), "roll": 1.0},
}
# Folders in which nothing of an attack may lie afterwards; not below them, where other things change all the time.
WATCHED = [Path(place) for place in ("/", "/usr", "/etc", "/opt", "/home", "/var/tmp", "/dev/shm", "/run", "/tmp")]
WATCHED += [Path.home(), Path.cwd(), Path(sysconfig.get_path("purelib")), *Path(swinlib.__file__).parents[:2]]
HASTE = ("--seconds", "2", "--patience", "10")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]")


def name_of(number, attack):
    """A student's folder: attackers that do not ask for a name of their own get one each."""
    return f"mallory-{number:03}" if attack.student == "mallory" else attack.student


STUDENT = {attack.name: name_of(number, attack) for number, attack in enumerate(ATTACKS)}


@dataclass
class Class:
    """A graded class.

    Attributes:
        course: its folder.
        inbox: what was handed in.
        before: digests of the files in the inbox, and of the course's own.
        said: what the commands printed.
        credit: share of the points, by student and exercise.
        refused: the reason, by student.
        memory: bytes that the largest process took.
    """

    course: Path
    inbox: Path
    before: dict[Path, str]
    said: str
    credit: dict[str, dict[str, float]]
    refused: dict[str, str]
    memory: int


def digests(folder):
    """Of the plain files of a folder; of links, where they lead."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[path] = os.readlink(path)
        elif path.is_file() and path.stat().st_size < 2**24:
            found[path] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def command(*arguments, course, check=True):
    """Run a command of the classroom, with a word in its environment that only the teacher has."""
    line = [sys.executable, "-m", "swinlib.classroom", *arguments, "--course", str(course)]
    scratch = course.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    environment = {**os.environ, "TEACHERS_SECRET": CANARY, "COLUMNS": "80", "TMPDIR": str(scratch)}
    result = subprocess.run(line, capture_output=True, env=environment, cwd=course, check=False)
    said = (result.stdout + result.stderr).decode()
    assert result.returncode == 0 or not check, said[-3000:]
    return said


@pytest.fixture(scope="session")  # tests that open a browser come last, after those of other modules
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    course, inbox = folder / "course", folder / "inbox"
    subprocess.run([sys.executable, "-m", "swinlib.classroom", "new", str(course)], check=True, capture_output=True)
    command("assign", "7", course=course)
    command("release", PAGE, course=course)
    (course / "checks").mkdir(exist_ok=True)
    (course / "checks" / "hidden.py").write_text(f"# {CANARY}\n")
    released = json.loads((course / "release" / PAGE / f"{PAGE}.ipynb").read_text())
    for student, cells in HONEST.items():
        _hand_in(inbox, student, attacks.submission(attacks.Attack(student, "", cells), released))
    for attack in ATTACKS:
        place = _hand_in(inbox, STUDENT[attack.name], attacks.submission(attack, released))
        if attack.beside is not None:
            attack.beside(place)
    before = {**digests(inbox), **{path: own for path, own in digests(course).items() if path.suffix != ".log"}}
    said = command("collect", PAGE, str(inbox), course=course)
    said += command("grade", PAGE, *HASTE, course=course)  # as many at a time as there are processors
    return Class(
        course,
        inbox,
        before,
        said,
        _credit(course),
        # a spreadsheet would take some of these names for formulas, so they have a quotation mark in front
        {row["student"].removeprefix("'"): row["reason"] for row in _rows(course / "not_graded.csv")},
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    )


def _hand_in(inbox, student, data):
    place = inbox / student / PAGE
    place.mkdir(parents=True)
    (place / f"{PAGE}.ipynb").write_bytes(data)
    return place


def _rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def _credit(course):
    credit = {}
    for row in _rows(course / "results.csv"):
        share = float(row["points"]) / float(row["max_points"])
        credit.setdefault(row["student"], {})[row["exercise"]] = share
    return credit


@pytest.mark.parametrize("student", HONEST)
def test_honest_work_gets_what_it_would_have_got(graded, student):
    assert graded.credit[student] == HONEST_CREDIT[student]
    assert student not in graded.refused


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_gets_what_its_work_deserves(graded, attack):
    student = STUDENT[attack.name]
    got = graded.credit.get(unicodedata.normalize("NFC", student))
    if got is None:
        assert printable(student) in graded.refused
        got = dict.fromkeys(EXERCISES, 0.0)
    for exercise in EXERCISES:
        deserved = attack.share(exercise)
        assert deserved is None or got[exercise] == deserved, exercise


def test_everybody_is_graded_or_refused_with_a_reason(graded):
    assert len(graded.credit) + len(graded.refused) == len(ATTACKS) + len(HONEST)
    assert all(reason.strip() for reason in graded.refused.values())


def test_nothing_of_an_attack_lies_anywhere(graded):
    found = [path for place in WATCHED for path in _listed(place) if MARKER in path.name]
    found += [path for path in graded.course.rglob("*") if MARKER in str(path)]
    found += [path for path in Path(swinlib.__file__).parent.rglob("*") if MARKER in path.name]
    assert not found


def _listed(place):
    try:
        return list(place.iterdir())
    except OSError:
        return []


def test_what_was_handed_in_and_what_was_made_before_is_unchanged(graded):
    now = {**digests(graded.inbox), **digests(graded.course)}
    changed = {path for path, digest in graded.before.items() if now.get(path) != digest}
    tables = {graded.course / name for name in ("gradebook.db",)}
    assert changed <= tables
    assert not {path for path in now if path.is_relative_to(graded.inbox)} - set(graded.before)


def test_the_gradebook_can_be_opened_and_holds_the_same_points(graded):
    path = graded.course / "gradebook.db"
    assert MARKER.encode() not in path.read_bytes()
    with sqlite3.connect(path) as book:
        assert book.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert book.execute("SELECT count(*) FROM grade WHERE manual_score IS NOT NULL").fetchone() == (0,)
        most = book.execute("SELECT max(auto_score) FROM grade").fetchone()[0]
    assert most == 5


def test_no_table_holds_a_formula_or_a_control_character(graded):
    for name in ("gradebook.csv", "results.csv", "not_graded.csv"):
        text = (graded.course / name).read_text()
        assert not CONTROL.search(text), name
        for row in csv.reader(text.splitlines()):
            assert not any(re.match(r"[=+@\t\r]|-[^0-9]", cell) for cell in row), (name, row)
    assert len(_rows(graded.course / "gradebook.csv")) == len(graded.credit)


def test_nothing_acts_on_the_terminal_and_nothing_got_through(graded):
    assert not CONTROL.search(graded.said.replace("\x1b[A", "").replace("\r", "\n"))
    for path in (
        *graded.course.glob("*.csv"),
        *graded.course.glob("feedback/*/*/*.html"),
        graded.course / "nbgrader.log",
    ):
        assert THROUGH not in path.read_text(errors="replace"), path
    assert THROUGH not in graded.said


def test_no_secret_of_the_teacher_is_told(graded):
    """Only the student who wrote the word may read it."""
    for path in graded.course.glob("feedback/*/*/*.html"):
        assert CANARY not in path.read_text() or path.parts[-3] == "bob", path


def test_no_process_is_left_over(graded):
    """Sandboxes of tests that run beside these are not counted: they descend from another process of pytest."""
    beside = {process.pid for process in psutil.Process().parent().children()} - {os.getpid()}
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or ())
        assert MARKER not in line
        if "classroom/worker.py" in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            with contextlib.suppress(psutil.NoSuchProcess):  # one of theirs, that ended while it was looked at
                assert beside & {ancestor.pid for ancestor in process.parents()}, line


def test_the_grader_stayed_within_its_memory(graded):
    assert graded.memory < 4 * 2**30


def test_notebooks_that_were_graded_are_valid(graded):
    for path in graded.course.glob("autograded/*/*/*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))


def test_no_temporary_file_is_left(graded):
    assert not list((graded.course.parent / "scratch").iterdir())


def test_a_browser_runs_nothing_of_a_students_in_the_feedback(graded, browser):
    pages = [path for path in graded.course.glob("feedback/*/*/*.html") if _may_act(path)]
    assert len(pages) > 20
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    for path in pages:
        page.goto(path.as_uri())
        assert SCRIPT not in page.title()
        assert page.locator("script, iframe, img, svg, form, link, object, embed, base").count() == 0
        assert page.locator("a[href^='javascript:']").count() == 0
    assert set(asked) == {path.as_uri() for path in pages}
    page.close()


def _may_act(path):
    text = path.read_text()
    return SCRIPT in text or "script" in text or "&lt;" in text


def test_graded_again_everything_is_the_same(graded):
    """With verdicts thrown away: what is random, or depends on the time, must not decide."""
    some = ["alice", "dave", *(STUDENT[name] for name in ("wrong_once", "exit_in_call", "returns_agreement"))]
    for student in some:
        (graded.course / "verdicts" / PAGE / f"{student}.json").unlink()
    before = (graded.course / "gradebook.csv").read_text(), (graded.course / "results.csv").read_text()
    command("grade", PAGE, *HASTE, course=graded.course)
    assert before == ((graded.course / "gradebook.csv").read_text(), (graded.course / "results.csv").read_text())


def test_the_suite_is_not_empty():
    assert len(ATTACKS) > 300
    assert len(set(STUDENT.values())) == len(ATTACKS)
    assert functools.reduce(set.union, (set(attack.afterwards) for attack in ATTACKS)) == {
        *(attacks.GRADEBOOK, attacks.OTHERS, attacks.HIDDEN, attacks.COURSE, attacks.SYSTEM),
        *(attacks.PROCESSES, attacks.NETWORK, attacks.GRADER, attacks.FEEDBACK, attacks.TERMINAL),
    }
