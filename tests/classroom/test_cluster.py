"""A class graded by the workers of a cluster, all on this machine; and the texts that go to them and back."""

import dataclasses
import json
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import stand_ins
from attacks import EXERCISES, KNOWN_MISTAKES, PAGE, RIGHT
from test_instructors import bash, section, type_in

from swinlib.check.variants import Variant
from swinlib.classroom import cluster, grader, grading
from swinlib.classroom.__main__ import EXIT_INTERRUPTED, EXIT_USE, main
from swinlib.classroom.cluster import Cluster, ClusterError
from swinlib.classroom.draws import variants_text
from swinlib.classroom.grader import DiedError, RefusedError, TextError, Work, read_answer, read_work, work_text
from swinlib.classroom.grading import Graded, Limits, Ran, Result, grade_many

SETUP = "import torch\n\nimport swinlib\nfrom swinlib import check"
QUICK = Limits(seconds=3, patience=20)
WORK = Work(
    job="0" * 32,
    versions=grader.versions(),
    checks=PAGE,
    file=None,
    exercises=("roll", "window_reverse"),
    seed=3,
    begun={"roll": "def roll(x, shift): ..."},
    limits=QUICK,
    cells=("x = 1", "print('\N{SNOWMAN}')"),
)
GRADED = Graded(
    {"roll": Result(True, 1.0, "roll: right"), "window_reverse": Result(False, 0.25, "no \ud800", "all_alike")},
    (Ran(), Ran("\N{SNOWMAN}\n", "ValueError: 1")),
    True,
    ("sys",),
)
SECRET = "SECRET_OF_THE_TEACHER"
PRIVATE = f"""
from swinlib.check.exercise import exercise
from swinlib.check.inputs import integers


@exercise(lambda n: n + 1, n=integers(0, 9))
def successor(n):
    # {SECRET}
    return {{"n": n}}
"""


# Texts ----------------------------------------------------------------------------------------------------------


def test_both_texts_come_back_as_what_was_written():
    assert dataclasses.replace(read_work(work_text(WORK)), exercises=WORK.exercises, cells=WORK.cells) == WORK
    assert read_answer(grader.answer_text(GRADED), WORK) == GRADED
    not_graded = grading._not_graded(WORK.exercises, "why")
    assert read_answer(grader.answer_text(not_graded), WORK) == not_graded
    asked = dataclasses.replace(WORK, cells=None)
    assert read_work(work_text(asked)).cells is None
    assert read_answer('{"graded": null}', asked) is None


def changed(**changes):
    """The honest answer, with other values at some of its places, such as ``results__roll__credit``."""
    told = json.loads(grader.answer_text(GRADED))
    for place, value in changes.items():
        *above, last = place.split("__")
        inner = told["graded"]
        for name in above:
            inner = inner[int(name) if name.isdecimal() else name]
        inner[last] = value
    return json.dumps(told)


@pytest.mark.parametrize(
    "text",
    [
        None,
        5,
        b"{}",
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        "9" * 10_000,
        json.dumps("x" * 4_000_000) * 10,
        '{"graded": null}',
        '{"graded": {}}',
        '{"died": 1, "refused": 2}',
        '{"died": false}',
        '{"refused": "x"}',
        changed(results__roll__credit=float("nan")),
        changed(results__roll__credit=1.5),
        changed(results__roll__credit=-1),
        changed(results__roll__credit=True),
        changed(results__roll__credit="1"),
        changed(results__roll__credit=0.5),  # of a right answer
        changed(results__roll__passed=1),
        changed(results__roll__message=None),
        changed(results__roll__message="x" * 10_000),
        changed(results__roll__mistake=3),
        changed(results__roll__more="unknown"),
        changed(results__roll={"passed": True}),
        changed(results__rolls=dataclasses.asdict(Result(True, 1.0, ""))),
        changed(results={}),
        changed(results=[]),
        changed(ran=[{"text": "", "error": None}]),
        changed(ran=[[], []]),
        changed(ran__0__text="x" * 10_001),
        changed(ran__0__error=1),
        changed(out_of_time=None),
        changed(look="sys"),
        changed(look=[1]),
        changed(more=1),
        changed().replace('"passed": true', '"passed": false, "passed": true'),
    ],
)
def test_an_answer_that_no_honest_worker_gives_is_refused(text):
    with pytest.raises(TextError):
        read_answer(text, WORK)


def test_an_answer_may_say_that_nobody_or_nothing_was_graded():
    with pytest.raises(RefusedError, match="the worker tls://far:1 refuses: no bubblewrap"):
        read_answer(grader.refusal_text("tls://far:1", "no bubblewrap"), WORK)
    with pytest.raises(DiedError):
        read_answer(grader.DIED, WORK)


@pytest.mark.parametrize(
    "change",
    [
        {"job": "../../x"},
        {"file": "sh"},
        {"seed": -1},
        {"cells": "x = 1"},
        {"exercises": None},
        {"limits": {}},
        {"begun": {"roll": 1}},
        {"more": 1},
    ],
)
def test_work_that_no_teacher_sends_is_refused(change):
    with pytest.raises(TextError):
        read_work(json.dumps({**json.loads(work_text(WORK)), **change}))


@pytest.mark.parametrize("name", ["swinlib", "torch"])
def test_a_worker_with_another_version_refuses(name, tmp_path):
    work = dataclasses.replace(WORK, versions={**grader.versions(), name: "0.0.1"})
    with pytest.raises(RefusedError, match=rf"the worker tls://far:1 refuses: it has .*{name} 0.0.1"):
        read_answer(grader.answer(work_text(work), tmp_path, "tls://far:1"), work)


def test_without_bubblewrap_a_worker_refuses_and_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RefusedError, match="apt-get install bubblewrap") as refused:
        read_answer(grader.answer(work_text(WORK), tmp_path, "tls://far:1"), WORK)
    assert "unsafe" not in str(refused.value)


# What a grader leaves -------------------------------------------------------------------------------------------


def test_private_checks_of_a_grader_that_was_killed_are_removed_by_the_next(tmp_path):
    for name in ("dead", "alive"):
        (tmp_path / f"{grader.FOLDER}{name}").mkdir()
        (tmp_path / f"{grader.FOLDER}{name}" / grader.IN_USE).touch()
    (tmp_path / "other").mkdir()
    with open(tmp_path / f"{grader.FOLDER}alive" / grader.IN_USE, "wb") as file:
        grader._lock(file)
        grader.remove_what_is_left(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {f"{grader.FOLDER}alive", "other"}


@pytest.fixture
def private_work(monkeypatch, tmp_path):
    """Work with private checks, which a grader writes below ``tmp_path``; its sandbox is not needed."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(grader.tempfile, "tempdir", str(tmp_path))
    return dataclasses.replace(WORK, checks=PRIVATE, file="py", exercises=("successor",), begun={}, cells=())


def until(condition, seconds=60):
    for _ in range(10 * seconds):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail(f"not so within {seconds} seconds")


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_grader_that_nobody_needs_ends_and_leaves_nothing(monkeypatch, tmp_path, private_work):
    monkeypatch.setattr(cluster, "IDLE", 1.0)
    with cluster._a_grader(private_work.job, "tls://far:1") as one:
        answer = one.ask(work_text(private_work), 120)
        (path,) = tmp_path.glob("*/checks-*.py")
        assert SECRET in path.read_text()
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert read_answer(answer, private_work).results["successor"].credit == 0
    until(lambda: not list(tmp_path.iterdir()))
    until(lambda: one.process.poll() is not None)
    assert not cluster._graders


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.parametrize("end", ["its worker dies", "it is terminated"])
def test_however_a_grader_ends_it_leaves_nothing(end, tmp_path, private_work):
    one = cluster._Grader("tls://far:1")
    one.ask(work_text(private_work), 120)
    assert list(tmp_path.glob("*/checks-*.py"))
    if end == "it is terminated":
        one.process.terminate()
    else:
        one.process.stdin.close()  # as the system does for a process that dies
    until(lambda: not list(tmp_path.iterdir()))
    until(lambda: one.process.poll() is not None)


# Addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "127.0.0.1:8786", "ws://127.0.0.1:8786"])
def test_an_address_that_is_not_encrypted_is_refused(address, tmp_path):
    with pytest.raises(ClusterError, match=r"begins with tls://, got .*--protocol tls"):
        Cluster(address, tmp_path)


def test_certificates_that_are_missing_are_named(tmp_path):
    (tmp_path / "ca.pem").touch()
    with pytest.raises(ClusterError, match=r"has no cert\.pem, key\.pem; --tls names the folder"):
        Cluster("tls://127.0.0.1:8786", tmp_path)


def test_the_command_refuses_what_a_cluster_does_not_take(tmp_path, capsys):
    assert main(["grade", "07", "--scheduler", "tcp://127.0.0.1:8786"]) == EXIT_USE
    assert "begins with tls://" in capsys.readouterr().err
    assert main(["grade", "07", "--scheduler", "tls://127.0.0.1:8786", "--processes", "2"]) == EXIT_USE
    assert "--nthreads of each worker" in capsys.readouterr().err


# A cluster on this machine --------------------------------------------------------------------------------------

GUIDE = bash(section("More students than one machine can grade"))


class Machines:
    """A scheduler and workers, started by what the page for instructors says to type."""

    def __init__(self, folder, **settings):
        self.folder, self.settings, self.processes = folder, settings, []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tls://127.0.0.1:{self.port}"
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        type_in(GUIDE[0], folder, folder)
        self.start("scheduler", *GUIDE[1].split()[2:], "--host", "127.0.0.1")

    @property
    def cluster(self):
        return Cluster(self.address, self.folder / "tls")

    def start(self, *arguments, **settings):
        root = Path(cluster.__file__).resolve().parents[2]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(root), str(Path(__file__).parent)]),
            "TMPDIR": str(self.temporary),
            **self.settings,
            **settings,
        }
        command = [
            word.replace("grader.example.org", "127.0.0.1").replace("8786", str(self.port)) for word in arguments
        ]
        with open(self.folder / "log", "a") as log:
            process = psutil.Popen(
                [sys.executable, "-m", "dask", *command], cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def worker(self, *more, **settings):
        """One that is there when this returns."""
        before = self.log().count("Register worker addr")
        process = self.start("worker", *GUIDE[2].split()[2:], "--nthreads", "1", *more, **settings)
        until(lambda: self.log().count("Register worker addr") > before)
        return process

    @property
    def workers(self):
        return [process for process in self.processes[1:] if lives(process)]

    def log(self):
        return (self.folder / "log").read_text()

    def stop(self):
        for process in self.processes:
            with_children = [*process.children(recursive=True), process] if process.is_running() else []
            for each in with_children:
                each.kill()
            process.wait()


needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="No openssl is installed, so no certificates were made."
)


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    pytest.importorskip("distributed")
    machines = Machines(tmp_path_factory.mktemp("cluster"))
    try:
        machines.worker("--no-nanny")
        yield machines
    finally:
        machines.stop()


STUDENTS = {
    "right": (SETUP, RIGHT["roll"], RIGHT["window_reverse"]),
    "wrong": (SETUP, KNOWN_MISTAKES["roll"], RIGHT["window_reverse"]),
    "empty": (),
    "endless": (SETUP, "def roll(x, shift):\n    while True: pass", RIGHT["window_reverse"]),
    "ends": (SETUP, "import os; os._exit(1)", RIGHT["roll"]),
    "slow": (SETUP, "import time; time.sleep(5); print('\N{SNOWMAN}')", RIGHT["roll"]),
}


@pytest.mark.slow
@pytest.mark.sandbox
@needs_openssl
def test_a_worker_killed_in_the_middle_costs_no_verdict_and_the_grades_are_those_of_one_machine(machines):
    here = dict(grade_many(STUDENTS, EXERCISES[:2], checks=PAGE, seed=5, limits=QUICK))
    assert here["right"].results["roll"].passed
    assert not here["endless"].results["roll"].passed
    victim = machines.worker("--no-nanny")
    there = {}
    verdicts = grade_many(STUDENTS, EXERCISES[:2], checks=PAGE, seed=5, limits=QUICK, cluster=machines.cluster)
    for name, graded in verdicts:
        there[name] = graded
        if len(there) == 1:
            assert victim.children()  # its grader
            graders = victim.children(recursive=True)
            victim.kill()
    assert there == here
    until(lambda: not any(map(lives, graders)))


def lives(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def texts_below(folder):
    return [path for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


@pytest.mark.slow
@pytest.mark.sandbox
@needs_openssl
def test_private_checks_are_gone_when_the_job_ends_however_it_does(machines, tmp_path, monkeypatch):
    path = tmp_path / "exam.py"
    path.write_text(PRIVATE)
    unpickled = []
    loads = pickle.loads
    monkeypatch.setattr(pickle, "loads", lambda data, **more: unpickled.append(bytes(data)) or loads(data, **more))
    students = {str(number): ("print('MARK')\ndef successor(n): return n + 1",) for number in range(4)}
    verdicts = grade_many(students, ["successor"], checks=str(path), seed=1, limits=QUICK, cluster=machines.cluster)
    _, graded = next(verdicts)
    assert graded.results["successor"].passed
    assert graded.ran[0].text == "MARK\n"
    assert [path.parent.stat().st_mode & 0o777 for path in texts_below(machines.temporary)] == [0o700]
    verdicts.close()  # as Ctrl-C does
    until(lambda: not texts_below(machines.temporary), 10)
    until(lambda: not any(map(psutil.Process.children, machines.workers)), 10)
    assert SECRET not in machines.log()
    assert not [data for data in unpickled if b"MARK" in data]


@pytest.mark.slow
@pytest.mark.sandbox
@needs_openssl
def test_students_who_have_a_variant_each_are_graded_as_on_one_machine(machines, tmp_path):
    own = {}
    for student, word in (("ann", "amber"), ("bob", "birch"), ("cid", "cedar")):
        path = tmp_path / f"{student}.toml"
        path.write_text(variants_text(PAGE, {"roll": Variant(f"roll_{word}")}))
        own[student] = {"exercises": (f"roll_{word}",), "checks": str(path), "begun": {}}
    amber = RIGHT["roll"].replace("roll(", "roll_amber(", 1)
    students = {"ann": (SETUP, amber), "bob": (SETUP, amber), "cid": (SETUP,), "dan": (SETUP, RIGHT["roll"])}
    options = {"checks": PAGE, "seed": 5, "limits": QUICK, "own": own}
    there = dict(grade_many(students, ["roll"], cluster=machines.cluster, **options))
    assert {name: {asked: each.credit for asked, each in graded.results.items()} for name, graded in there.items()} == {
        "ann": {"roll_amber": 1.0},
        "bob": {"roll_birch": 0.0},  # a neighbour's
        "cid": {"roll_cedar": 0.0},
        "dan": {"roll": 1.0},  # as the class has it
    }
    assert there == dict(grade_many(students, ["roll"], **options))
    until(lambda: not list(machines.temporary.rglob("*.toml")), 10)


@pytest.mark.slow
@pytest.mark.sandbox
@needs_openssl
def test_a_worker_without_bubblewrap_refuses_before_a_student_is_sent_and_when_it_joins_later(machines, tmp_path):
    options = {"checks": PAGE, "seed": 5, "limits": QUICK, "cluster": machines.cluster}
    verdicts = grade_many({str(number): STUDENTS["right"] for number in range(30)}, ["roll"], **options)
    next(verdicts)
    bare = machines.worker("--no-nanny", PATH=str(tmp_path))
    with pytest.raises(ClusterError, match=r"the worker tls://\S+ refuses: .*bubblewrap is not installed") as refused:
        list(verdicts)
    assert "goes on from there" in str(refused.value)
    with pytest.raises(ClusterError, match=r"the worker tls://\S+ refuses: .*bubblewrap is not installed"):
        next(grade_many(STUDENTS, ["roll"], **options))
    bare.kill()


@pytest.mark.slow
@pytest.mark.sandbox
@needs_openssl
def test_what_no_honest_worker_sends_costs_its_student_only_and_is_not_unpickled(machines, monkeypatch):
    monkeypatch.setattr(cluster, "grade_text", stand_ins.grade_text_or_not)
    students = {"honest": STUDENTS["right"], **{name: (name,) for name in ("no JSON", "no text", "an object")}}
    options = {"checks": PAGE, "seed": 5, "limits": QUICK, "cluster": machines.cluster}
    graded = dict(grade_many(students, ["roll"], **options))
    assert graded.pop("honest").results["roll"].passed
    assert {name: each.results["roll"].message for name, each in graded.items()} == dict.fromkeys(
        graded, f"roll: {cluster.NONSENSE}"
    )


@pytest.mark.slow
@pytest.mark.sandbox
@needs_openssl
def test_a_student_at_whose_work_every_worker_dies_costs_nobody_else(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "grade_text", stand_ins.grade_text_or_not)
    machines = Machines(tmp_path, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    try:
        machines.worker()  # with a nanny, which starts it again
        students = {"deadly": ("end the worker",), "right": STUDENTS["right"], "wrong": STUDENTS["wrong"]}
        options = {"checks": PAGE, "seed": 5, "limits": QUICK, "cluster": machines.cluster}
        graded = dict(grade_many(students, ["roll"], **options))
    finally:
        machines.stop()
    assert {name: each.results["roll"].credit for name, each in graded.items()} == {
        "deadly": 0.0,
        "right": 1.0,
        "wrong": 0.0,
    }
    assert graded["deadly"].results["roll"].message == f"roll: {cluster.ENDED}"


@pytest.mark.slow
@needs_openssl
def test_a_cluster_that_cannot_be_reached_or_has_no_worker_is_said_to_be_so(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "NO_WORKERS", 1.0)
    machines = Machines(tmp_path)
    try:
        until(lambda: "Scheduler at" in machines.log())
        options = {"checks": PAGE, "seed": 5, "cluster": machines.cluster}
        with pytest.raises(ClusterError, match="has had no worker for 1 seconds; start one by `dask worker tls://"):
            list(grade_many(STUDENTS, ["roll"], **options))
    finally:
        machines.stop()
    monkeypatch.setattr(cluster, "CONNECTING", 1.0)
    with pytest.raises(ClusterError, match="does not answer"):
        list(grade_many(STUDENTS, ["roll"], **options))


@pytest.mark.slow
@pytest.mark.sandbox
@needs_openssl
def test_the_command_grades_by_a_cluster_and_goes_on_where_it_was_interrupted(machines, tmp_path):
    course = tmp_path / "course"
    at = ["--course", str(course)]
    assert main(["new", str(course)]) == 0
    assert main(["assign", "7", *at]) == 0
    assert main(["release", PAGE, *at]) == 0
    for student, answer in {"ada": RIGHT["roll"], "bob": "import time; time.sleep(15)\n" + RIGHT["roll"]}.items():
        notebook = json.loads((course / "release" / PAGE / f"{PAGE}.ipynb").read_text())
        (cell,) = (cell for cell in notebook["cells"] if "".join(cell["source"]).startswith("def roll("))
        cell["source"] = answer
        (tmp_path / "inbox").mkdir(exist_ok=True)
        (tmp_path / "inbox" / f"{student}.ipynb").write_text(json.dumps(notebook))
    assert main(["collect", PAGE, str(tmp_path / "inbox"), *at]) == 0
    where = ["--scheduler", machines.address, "--tls", str(machines.folder / "tls")]
    command = [sys.executable, "-m", "swinlib.classroom", "grade", PAGE, *at, *where]
    interrupted = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    until(lambda: list((course / "verdicts").glob("*/*.json")))
    interrupted.send_signal(signal.SIGINT)
    assert interrupted.wait(60) == EXIT_INTERRUPTED
    until(lambda: not any(map(psutil.Process.children, machines.workers)), 10)
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "2 graded, 1 of them run now; 0 not graded." in said
    assert re.search(r"roll +100% right", said)


@needs_openssl
def test_the_certificates_of_the_guide_pass_a_strict_verification(tmp_path):
    type_in(GUIDE[0], tmp_path, tmp_path)
    verified = ["openssl", "verify", "-x509_strict", "-CAfile", "tls/ca.pem", "tls/cert.pem"]
    assert "OK" in subprocess.run(verified, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert (tmp_path / "tls" / "key.pem").stat().st_mode & 0o077 == 0


def test_the_guide_grades_by_an_address_and_the_folder_of_the_certificates():
    assert re.search(r"grade \S+ --scheduler tls://\S+ --tls \S+tls\n", GUIDE[3])
