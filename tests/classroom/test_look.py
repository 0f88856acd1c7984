"""Hand-ins that are worth a look are named, and honest ones are not."""

from pathlib import Path

import attacks
import pytest

from swinlib import check
from swinlib.classroom.look import bound, reaches_for
from swinlib.classroom.pages import read_page

PAGES = sorted((Path(__file__).resolve().parents[2] / "book" / "exercises").glob("*.ipynb"))
WITHOUT = {name: exercise.without for name, exercise in check.EXERCISES.items()}
HONEST = {"right": attacks.RIGHT, "in another style": attacks.OTHER_STYLE, "known mistakes": attacks.KNOWN_MISTAKES}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import sys", ["sys"]),
        ("import gc as g, torch", ["gc"]),
        ("from unittest import mock", ["unittest"]),
        ("import importlib.util", ["importlib"]),
        ("roll.__globals__['x'] = 1", ["__globals__"]),
        ("getattr(roll, '__closure__')", ["__closure__"]),
        ("frame = inspect.currentframe().f_back", ["currentframe", "f_back"]),
        ("from sys import _getframe as here", ["_getframe", "sys"]),
        ("exec('x = 1')", ["exec"]),
        ("import swinlib.check.exercise", ["swinlib.check"]),
        ("from swinlib.check import exercise", ["swinlib.check"]),
        ("from swinlib.check.exercise import Exercise\nExercise.attempt = None", ["swinlib.check"]),
        ("check.EXERCISES['roll'].reference", ["swinlib.check"]),
        ("swinlib.check.load('07')", ["swinlib.check"]),
        ("torch.roll = torch.Tensor.roll = lambda x, *_: x", ["torch.Tensor.roll=", "torch.roll="]),
        ("for name in names:\n    setattr(torch, name, None)", ["torch="]),
        ("class check:\n    pass", ["check="]),
        ("setattr(model, 'weight', None)", []),
        ("model.weight = module.bias = None\nself.heads = 3", []),
        ("%load_ext autoreload\nimport sys", ["sys"]),
        ("import sys, (", ["sys"]),
        ("from swinlib import check\ncheck.roll(roll)", []),
        ("try:\n    check.roll(roll)\nexcept check.CheckFailed:\n    pass", []),
        ("import torch, math, itertools, collections, random, time, os", []),
        ("%matplotlib inline\nmodel.eval()\nre.compile('x')\ntorch.compile(model)", []),
        ("system = 'sys'\n# import gc", []),
        ("def roll(x, shift):\n    return torch.roll(x, shift)", ["torch.roll"]),
        ("from torch import roll as turn\nroll = turn", ["torch.roll"]),
        ("kept = torch.ops.aten.roll\ndef roll(x, shift):\n    return kept(x, [shift], [0])", ["torch.ops.aten.roll"]),
        ("def another(x):\n    return torch.roll(x, 1)", []),
    ],
)
def test_what_code_reaches_for(source, found):
    assert reaches_for([source], {"roll": check.roll.without}) == found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem[:2])
def test_nothing_of_the_books_own_is_worth_a_look(page):
    """Solutions, and the chapter that a student may have copied from: the false alarms."""
    page = read_page(page)
    cells = [cell.source for exercise in page.exercises for cell in exercise.cells if cell.cell_type == "code"]
    assert reaches_for([page.setup, *cells], WITHOUT) == []


@pytest.mark.parametrize("work", HONEST)
def test_honest_work_is_not_worth_a_look(work):
    used = ["swinlib.shifted_window_mask"] if work == "known mistakes" else []  # which one of these is to do without
    assert reaches_for(list(HONEST[work].values()), WITHOUT) == used


ORDINARY = {"patches_from_the_last_cell", "changes_the_defaults"}


def test_forgeries_are_named():
    """All that change what is not theirs; the others use what honest code uses, and the grader answers those."""
    unnamed = {
        attack.name for attack in attacks.FORGING if not reaches_for([*attack.extra, *attack.cells.values()], WITHOUT)
    }
    assert unnamed <= ORDINARY


@pytest.mark.parametrize("deep", ["a" + ".b" * 3000 + " = 1", "-" * 100_000 + "1", "(" * 5000, "x\0y", "'\\\x1b'"])
def test_nothing_that_is_written_stops_the_reading(deep, recwarn):
    assert reaches_for([deep, "import gc"], {"a": ["torch.roll"]}) == ["gc"]
    bound(deep)
    assert not recwarn.list
