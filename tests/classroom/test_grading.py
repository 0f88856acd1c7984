"""Verdicts on whole notebooks, in real sandboxes; hostile ones have a suite of their own."""

import os
import sys
import textwrap
import time
from functools import partial

import psutil
import pytest
import stand_ins
from attacks import EXERCISES, KNOWN_MISTAKES, OTHER_STYLE, PAGE, RIGHT

from swinlib import check
from swinlib.classroom import grading, sandbox
from swinlib.classroom.grading import Limits, NoSandboxError, grade_cells, grade_many
from swinlib.classroom.handed_in import MAX_SOURCE

SETUP = "import torch\n\nimport swinlib\nfrom swinlib import check"
QUICK = Limits(seconds=5, patience=20)


def grade(*cells, exercises=EXERCISES, **options):
    return grade_cells((SETUP, *cells), exercises, checks=PAGE, seed=1, limits=QUICK, **options)


def credits(graded):
    return {name: result.credit for name, result in graded.results.items()}


@pytest.mark.sandbox
def test_right_wrong_missing_and_broken_answers_of_one_notebook():
    graded = grade(
        RIGHT["roll"],
        OTHER_STYLE["window_reverse"],
        KNOWN_MISTAKES["region_labels"],
        "def additive_mask(labels, dtype)",
        "cyclic_shift = 5",
        "print('done')",
    )
    assert credits(graded) == {**dict.fromkeys(EXERCISES, 0.0), "roll": 1.0, "window_reverse": 1.0}
    assert graded.results["roll"].passed
    assert graded.results["region_labels"].mistake == "all_alike"
    assert "nothing is kept apart" in graded.results["region_labels"].message
    assert graded.results["additive_mask"].message == "additive_mask: not defined"
    assert graded.results["cyclic_shift"].message == "cyclic_shift: cyclic_shift is 5, not a function"
    assert "SyntaxError" in graded.ran[4].error
    assert graded.ran[-1].text == "done\n"


@pytest.mark.sandbox
def test_a_cell_that_ends_the_process_costs_its_own_exercise_only():
    graded = grade("import os; os._exit(0)\n" + RIGHT["roll"], RIGHT["window_reverse"], exercises=EXERCISES[:2])
    assert credits(graded) == {"roll": 0.0, "window_reverse": 1.0}
    assert "its process ended" in graded.ran[1].error


ENDS_AT_THE_CHECK = """
import os
def roll(x, shift):
    os._exit(0) if state == "before" else None
    return x[(torch.arange(len(x)) - shift) % len(x)]
"""


@pytest.mark.sandbox
@pytest.mark.parametrize("state", ["before", "after"])
def test_where_a_call_ended_the_process_nothing_is_called_again(state):
    """The cells run again without the check, and at the end the function is tried once more."""
    cells = [ENDS_AT_THE_CHECK, "state = 'before'", "print('here')\ncheck.roll(roll)\nprint('gone on')"]
    graded = grade(*cells, f"state = {state!r}", RIGHT["window_reverse"], exercises=EXERCISES[:2])
    assert credits(graded) == {"roll": float(state == "after"), "window_reverse": 1.0}
    assert graded.ran[3].text == "here\ngone on\n"
    assert graded.ran[4].error is None


@pytest.mark.sandbox
def test_a_check_says_what_it_says_on_the_students_machine():
    wrong = "try:\n    check.roll(lambda x, shift: x)\nexcept check.CheckFailed as error:\n    print(error)"
    unknown = "check.window_reverse(None)\nprint('not of this assignment')"
    graded = grade(
        RIGHT["roll"], "check.roll(roll)", wrong, "check.roll(5)\nprint('not reached')", unknown, exercises=["roll"]
    )
    ticked, failed, no_function, another = graded.ran[2:]
    assert ticked.text.startswith("✓ roll: right on ")
    assert failed.text.startswith("✓ roll: right on ")  # it was right once, and is not asked again
    assert credits(graded) == {"roll": 1.0}
    graded = grade(wrong, "check.roll(5)\nprint('not reached')", unknown, exercises=["roll"])
    failed, no_function, another = graded.ran[1:]
    assert failed.text.startswith("roll, on the smallest input that fails: x = ")
    assert no_function == grading.Ran("", "CheckFailed: roll: roll is 5, not a function")
    assert another.text == "not of this assignment\n"


@pytest.mark.sandbox
def test_a_call_that_ends_the_process_is_made_once():
    graded = grade("import os\ndef roll(x, shift):\n    os._exit(0)", RIGHT["window_reverse"], exercises=EXERCISES[:2])
    assert credits(graded) == {"roll": 0.0, "window_reverse": 1.0}
    assert graded.results["roll"].message.startswith("roll: its process ended")


@pytest.mark.sandbox
@pytest.mark.slow
def test_calls_that_take_long_together_are_stopped_and_the_next_exercise_is_graded():
    slow = "import time\ndef roll(x, shift):\n    time.sleep(3)\n    return x[(torch.arange(len(x)) - shift) % len(x)]"
    graded = grade(slow, "check.roll(roll)\nprint('after')", RIGHT["window_reverse"], exercises=EXERCISES[:2])
    assert credits(graded) == {"roll": 0.0, "window_reverse": 1.0}
    assert "more than 20 seconds together" in graded.results["roll"].message
    assert "more than 20 seconds together" in graded.ran[2].error  # the check goes on, and says so
    assert graded.out_of_time
    assert not grade(RIGHT["roll"], exercises=["roll"]).out_of_time


COUNTS_ITS_CALLS = """
calls = []


def roll(x, shift):
    calls.append(shift)
    return x[(torch.arange(len(x)) - shift) % len(x)] if len(calls) <= 27 else x
"""


@pytest.mark.sandbox
def test_an_answer_that_changes_after_as_many_calls_as_there_are_inputs_fails():
    graded = grade(COUNTS_ITS_CALLS, exercises=["roll"])
    assert credits(graded) == {"roll": 0.0}
    assert graded.results["roll"].message == "roll: asked the same again, it gave another answer"


@pytest.mark.sandbox
@pytest.mark.slow
def test_cells_that_sleep_take_no_more_than_one_submission_may():
    cells = ["import time; time.sleep(1.5)"] * 20
    graded = grade_cells(cells, ["roll"], checks=PAGE, seed=1, limits=Limits(patience=2))
    assert graded.out_of_time
    assert graded.results["roll"].message == f"roll: {grading.USED_UP}"
    assert graded.ran[0].error is None
    assert graded.ran[-1].error == grading.USED_UP
    slept = sum(ran.error is None for ran in graded.ran) * 1.5
    assert slept < 25  # all of them would take 30; by the clock, a busy machine would too


@pytest.mark.sandbox
def test_a_judge_that_stumbles_costs_one_exercise(monkeypatch):
    def stumble(*args, **options):
        raise OverflowError

    monkeypatch.setattr(check.EXERCISES["roll"], "problem", stumble)
    graded = grade(RIGHT["roll"], RIGHT["window_reverse"], exercises=EXERCISES[:2])
    assert credits(graded) == {"roll": 0.0, "window_reverse": 1.0}
    assert "could not be judged (OverflowError)" in graded.results["roll"].message


@pytest.mark.sandbox
def test_the_longest_cell_that_may_be_handed_in_runs():
    long = "x = '" + "y" * (MAX_SOURCE - 6) + "'"
    assert len(long) == MAX_SOURCE
    assert grade(long, "print(len(x))", exercises=["roll"]).ran[2].text == f"{MAX_SOURCE - 6}\n"


@pytest.mark.sandbox
def test_a_student_at_whom_the_grader_fails_costs_nobody_else(monkeypatch):
    def fail(cells, exercises):
        raise RecursionError

    monkeypatch.setattr(grading, "reaches_for", fail)
    graded = grade(RIGHT["roll"], exercises=["roll"])
    assert graded.results["roll"].message == "roll: the grader itself failed at this (RecursionError)"


def test_what_a_worker_tells_is_cut_short_whatever_it_tells():
    ran = grading._ran({"text": "x" * 10**6, "error": "x" * 10**6})
    assert (len(ran.text), len(ran.error)) == (grading.MOST_TEXT, grading.MOST_MESSAGE)
    for nonsense in (None, [], "x", {"error": 5}, {"message": None}):
        assert grading._ran(nonsense) == grading.Ran()


@pytest.mark.sandbox
@pytest.mark.slow
def test_many_at_a_time_get_the_same_grades_twice():
    submissions = {
        "right": (SETUP, RIGHT["roll"]),
        "wrong": (SETUP, KNOWN_MISTAKES["roll"]),
        "empty": (),
    }
    once, again = (
        dict(grade_many(submissions, ["roll"], checks=PAGE, seed=5, processes=2, limits=QUICK)) for _ in range(2)
    )
    assert once == again
    assert {name: graded.results["roll"].credit for name, graded in once.items()} == {
        "right": 1.0,
        "wrong": 0.0,
        "empty": 0.0,
    }


OWN_CHECKS = """
from swinlib.check.exercise import exercise
from swinlib.check.inputs import integers


class Steps:  # an argument, and so something that is sent
    def __init__(self, number):
        self.number = number


@exercise(lambda steps, n: n + steps.number, number=integers(1, 3), n=integers(0, 9))
def successor(number, n):
    return {"steps": Steps(number), "n": n}


@successor.mistake
def stays(steps, n):
    \"\"\"Nobody is to read this before the hand-in.\"\"\"
    return n
"""
SEARCH = """
import os, re

secret = re.compile(rb"is to rea[d] this before")  # which is not itself what it finds
found, looked_through = set(), 0

def search_memory():
    global looked_through
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            begin, end = (int(part, 16) for part in line.split()[0].split("-"))
            if line.split()[1].startswith("rw") and end - begin < 2**27:
                memory.seek(begin)
                looked_through += end - begin
                if secret.search(memory.read(end - begin)):
                    found.add("memory")

def search_files():
    for folder, _, names in os.walk("/"):
        if folder.split("/")[1] not in ("proc", "sys", "usr", "lib", "lib64", "bin") and "site-packages" not in folder:
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and secret.search(open(path, "rb").read()):
                    found.add(path)

def successor(steps, n):
    if not looked_through:
        search_memory()
        search_files()
    return n + steps.number

from swinlib import check
check.successor(successor)
print(sorted(found), looked_through > 2**20)
"""


@pytest.mark.slow
@pytest.mark.sandbox
def test_checks_of_a_teachers_own_file_are_nowhere_in_the_sandbox(tmp_path):
    """Neither the file, nor its text in memory, while its arguments are there and a function is tried."""
    path = tmp_path / "mine.py"
    path.write_text(OWN_CHECKS)
    patient = Limits(seconds=120, patience=300)  # to look through half a gigabyte takes long on a busy machine
    graded = grade_cells([SEARCH], ["successor"], checks=str(path), seed=1, limits=patient)
    assert graded.ran[0].error is None
    assert graded.ran[0].text.splitlines()[-1] == "[] True"
    assert credits(graded) == {"successor": 1.0}


def test_an_exercise_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="has no exercise 'rolls'; it has roll,"):
        grade("", exercises=["rolls"])


def test_without_a_sandbox_nothing_runs(monkeypatch):
    # processes that are spawned look the command up anew, so it must be hidden from them too
    monkeypatch.setenv("PATH", os.path.dirname(os.path.realpath(os.__file__)))
    with pytest.raises(NoSandboxError):
        list(grade_many({"one": (SETUP,)}, ["roll"], checks=PAGE, seed=1, processes=1))


@pytest.mark.slow
def test_what_says_that_it_is_unsafe_grades_without_one(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    graded = grade(RIGHT["roll"], exercises=["roll"], unsafe=True)
    assert credits(graded) == {"roll": 1.0}


@pytest.mark.slow
def test_what_was_stopped_by_the_clock_is_tried_once_more_after_all_others(monkeypatch, tmp_path):
    monkeypatch.setattr(grading, "grade_cells", stand_ins.slow_at_first)
    submissions = {"slow": (str(tmp_path / "slow"),), "quick": ("quick",)}
    order = list(grade_many(submissions, ["roll"], checks=PAGE, seed=1, processes=1))
    assert [(name, graded.results["roll"].credit) for name, graded in order] == [("quick", 1.0), ("slow", 1.0)]


@pytest.mark.slow
def test_a_grader_that_dies_takes_no_other_grade_along(monkeypatch):
    monkeypatch.setattr(grading, "grade_cells", stand_ins.grade_or_die)
    submissions = {f"s{number}": (("die",) if number == 2 else ("fine",)) for number in range(5)}
    graded = dict(grade_many(submissions, ["roll"], checks=PAGE, seed=1, processes=2))
    assert {name: each.results["roll"].credit for name, each in graded.items()} == {
        **dict.fromkeys(submissions, 1.0),
        "s2": 0.0,
    }
    assert "the grader itself ended" in graded["s2"].results["roll"].message


GRADE_ONE_FOR_EVER = f"""
from swinlib.classroom.grading import Limits, grade_many

if __name__ == "__main__":
    one = {{"one": ["import time; time.sleep(600)"]}}
    list(grade_many(one, ["roll"], checks={PAGE!r}, seed=1, processes=1, limits=Limits(patience=600)))
"""


@pytest.mark.slow
@pytest.mark.sandbox
def test_nothing_goes_on_when_the_grader_is_killed(tmp_path):
    script = tmp_path / "grade.py"
    script.write_text(GRADE_ONE_FOR_EVER)
    grader = psutil.Popen([sys.executable, str(script)])
    workers = []
    for _ in range(600):
        family = grader.children(recursive=True)
        if workers := [process for process in family if "worker.py" in " ".join(process.cmdline())]:
            break
        time.sleep(0.1)
    assert workers
    family = grader.children(recursive=True)
    grader.kill()
    grader.wait()
    for _ in range(200):
        if not any(map(lives, family)):
            return
        time.sleep(0.1)
    pytest.fail(f"still there: {[process for process in family if lives(process)]}")


def lives(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.sandbox
def test_what_a_notebook_sets_for_all_tensors_does_not_reach_the_grader():
    """Neither a device without numbers, nor another dtype; an answer that gives numbers all the same is right."""
    defaults = "torch.set_default_dtype(torch.float64)\ntorch.set_default_device('meta')\ntorch.set_grad_enabled(False)"
    graded = grade(defaults, RIGHT["window_reverse"], KNOWN_MISTAKES["roll"], exercises=["window_reverse", "roll"])
    assert credits(graded) == {"window_reverse": 1.0, "roll": 0.0}


@pytest.mark.sandbox
@pytest.mark.slow
def test_checks_and_callbacks_that_are_called_without_end_end(monkeypatch):
    monkeypatch.setattr(sandbox, "MOST_ASKED_BACK", 100)
    forever = "while True:\n    try:\n        {}\n    except Exception:\n        pass"
    attention = "def shifted_window_attention(x, attend, window_size, shift_size):\n"
    graded = grade(
        forever.format("check.roll(1)"),
        attention + textwrap.indent(forever.format("attend(torch.ones(1, 1, 1), None)"), "    "),
        RIGHT["roll"],
        exercises=["roll", "shifted_window_attention"],
    )
    assert credits(graded) == {"roll": 1.0, "shifted_window_attention": 0.0}
    assert "without an end" in graded.ran[1].error
    assert "without an end" in graded.results["shifted_window_attention"].message


SALTED = """
import random

def worker_seed(seed, epoch, rank, worker, workers):
    text = f"{seed}, {epoch}, {rank}, {worker}"
    return random.Random(SALT).getrandbits(32)

def grouped_batches(groups, batch_size, ranks, rank, epoch, seed):
    text = f"{seed}, {epoch}"
    dice, size, steps = random.Random(SALT), batch_size * ranks, []
    for group in sorted(set(groups)):
        pack = [index for index, each in enumerate(groups) if each == group]
        dice.shuffle(pack)
        pack = [pack[place % len(pack)] for place in range(-(-len(pack) // size) * size)]
        steps += [pack[k : k + size] for k in range(0, len(pack), size)]
    dice.shuffle(steps)
    return [step[rank::ranks] for step in steps]
"""


@pytest.mark.slow
@pytest.mark.sandbox
def test_what_must_not_depend_on_the_process_is_asked_of_two():
    """One by the hash of a string that the check's imitation of processes does not see through."""
    names, page = ("worker_seed", "grouped_batches"), "09_loaders_and_samplers"
    salted, plain = SALTED.replace("SALT", "str.__hash__(text)"), SALTED.replace("SALT", "text")
    tried = {}
    exec(salted, tried)
    for name in names:  # a tick, where the student works
        assert check.EXERCISES[name].examine(partial(check.EXERCISES[name].attempt, tried[name])).passed
    wrong, right = (
        grade_cells((SETUP, source), names, checks=page, seed=1, limits=QUICK) for source in (salted, plain)
    )
    assert credits(right) == dict.fromkeys(names, 1.0)
    assert credits(wrong) == dict.fromkeys(names, 0.0)
    assert {result.message for result in wrong.results.values()} == {f"{name}: {grading.ELSEWHERE}" for name in names}
