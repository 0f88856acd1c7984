"""Attacks that know nothing of an exercise: none of them earns a point on any page.

Each stands in a cell before functions that do nothing, so that whatever is right afterwards is its work.
"""

import textwrap
from pathlib import Path

import pytest

from swinlib import check
from swinlib.classroom.grading import Limits, grade_cells
from swinlib.classroom.pages import read_page

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

PAGES = sorted((Path(__file__).resolve().parents[2] / "book" / "exercises").glob("*.ipynb"))
EVERY = 8  # of the attacks, one in so many is tried on a page, beginning at another for each page

# An object that agrees to everything
YES = """
import torch


class Yes(torch.nn.Module):
    def __init__(self, *args, **options):
        object.__init__(self)
    def __getattr__(self, name):
        return self
    def __call__(self, *args, **options):
        return self
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False
    def __hash__(self):
        return 1
    def __bool__(self):
        return True
    def __len__(self):
        return 1
    def __iter__(self):
        return iter([self])
    def __contains__(self, other):
        return True
    def __getitem__(self, key):
        return self
"""
PATCHES = """
import sys


def patch(module, **names):
    for name, value in names.items():
        setattr(sys.modules[module], name, value)
"""
ATTACKS = {
    "the check's attempt": """
        from swinlib.check.exercise import Exercise
        Exercise.attempt = lambda *args, **options: True
        """,
    "the check's class, made up": """
        import swinlib.check as library
        library.Exercise = type("Exercise", (), {"attempt": lambda *args: True, "problem": lambda *args: None})
        library.CheckFailed = KeyError
        """,
    "the objects' answers": """
        patch("swinlib.classroom.objects", in_words=lambda error: {"name": "Exception"})
        sys.modules["swinlib.classroom.objects"].Objects.do = lambda *args: {"value": True, "after": []}
        """,
    "the objects' answers, by what they were asked": """
        sys.modules["swinlib.classroom.objects"].Objects.do = lambda self, what, asked: {"value": asked, "after": []}
        """,
    "what is done with objects": """
        for name in list(sys.modules["swinlib.classroom.objects"].OPERATIONS):
            sys.modules["swinlib.classroom.objects"].OPERATIONS[name] = lambda *args, **options: args[1:] and args[1]
        """,
    "a truth table": """
        table = {"call": None, "get": True, "len": 1, "bool": True, "contains": True, "iter": 5, "next": [[], None]}
        do = lambda self, what, asked: {"value": table.get(what, True), "after": []}
        sys.modules["swinlib.classroom.objects"].Objects.do = do
        """,
    "what is begun": """
        sys.modules["swinlib.classroom.notebook"].Notebook.begin = lambda self, name: True
        """,
    "the messages": """
        import json
        answer = '{"dict": [["value", true], ["after", {"list": []}]]}'
        json.dumps = lambda *args, **options: '{"list": [0, "done", %s]}' % answer
        """,
    "the line": """
        worker = sys.modules["__main__"]
        write = worker.Line._write
        def forged(self, message, notebook):
            if isinstance(message[-1], dict) and "raised" in message[-1]:
                message[-1] = {"value": True, "after": []}
            write(self, message, notebook)
        worker.Line._write = forged
        """,
    "what is done beside": """
        from swinlib.answers import beside
        for name in ("answers", "attributes", "fill", "identical", "is_unwritten", "often", "snapshot", "unhook"):
            setattr(beside, name, lambda *args, **options: True)
        """,
    "how things are shown": """
        patch("swinlib.answers.shown", show=lambda value: "the right answer")
        patch("swinlib.classroom.objects", show=lambda value: "the right answer")
        """,
    "frames": """
        def climb(*args, **options):
            frame = sys._getframe(1)
            while frame is not None:
                for name, value in list(frame.f_globals.items()):
                    if callable(value) and not name.startswith("__"):
                        frame.f_globals[name] = lambda *args, **options: {"value": True, "after": []}
                frame = frame.f_back
        functions = climb
        """,
    "the garbage collector": """
        import gc
        def search(*args, **options):
            for found in gc.get_objects():
                if type(found).__name__ in ("Exercise", "Mistake", "Outcome", "Verdict"):
                    return getattr(found, "reference", lambda *args: True)(*args)
        functions = search
        """,
    "functions found through globals": """
        def through(*args, **options):
            for argument in args:
                for name, value in getattr(argument, "__globals__", {}).items():
                    if callable(value) and name.startswith("_"):
                        return value(*args)
        functions = through
        """,
    "closures of what it is given": """
        def within(*args, **options):
            for argument in args:
                for cell in getattr(argument, "__closure__", None) or ():
                    if callable(cell.cell_contents):
                        return cell.cell_contents(*args)
        functions = within
        """,
    "mocks": """
        from unittest import mock
        functions = mock.MagicMock()
        """,
    "an object that agrees": "functions = Yes()",
    "a class of objects that agree": "functions = Yes",
    "a tensor that is equal to all": """
        class Equal(torch.Tensor):
            @classmethod
            def __torch_function__(cls, function, types, args=(), kwargs=None):
                return torch.tensor(True)
        functions = lambda *args, **options: torch.ones(2, 2).as_subclass(Equal)
        """,
    "comparisons": """
        for name in ("equal", "allclose", "isclose", "eq", "ne"):
            setattr(torch, name, lambda *args, **options: torch.tensor(True))
        torch.Tensor.__eq__ = lambda self, other: True
        """,
    "its own argument": "functions = lambda *args, **options: args[0] if args else None",
    "all of its arguments": "functions = lambda *args, **options: list(args)",
    "the source of the checks": """
        import importlib.util, pathlib, swinlib
        folder = pathlib.Path(swinlib.__file__).parent / "check"
        found = [path for path in folder.rglob("*") if path.suffix in (".py", ".pyc")]
        def from_source(*args, **options):
            spec = importlib.util.spec_from_file_location("found", found[0])
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
        functions = from_source
        """,
    "an error that is no error": """
        def ending(*args, **options):
            raise type("Passed", (StopIteration,), {})(True)
        functions = ending
        """,
}


@pytest.fixture(scope="module")
def pages():
    return [read_page(path) for path in PAGES]


def hand_in(page, attack):
    """What to hand in: the attack, and functions that do what it says, or nothing."""
    names = [exercise.name for exercise in page.exercises]
    begin = "import torch\nfunctions = lambda *args, **options: None"
    given = [exercise.given for exercise in page.exercises if exercise.given and not exercise.starts_from_code]
    cells = [page.setup, *given, YES, PATCHES, begin, textwrap.dedent(attack).strip()]
    return names, [*cells, *(f"{name} = functions" for name in names)]


def points(page, attack):
    names, cells = hand_in(page, attack)
    limits = Limits(seconds=4, patience=20)
    graded = grade_cells(cells, names, checks=page.name, seed=5, limits=limits)
    return {name: result.message for name, result in graded.results.items() if result.credit}


def test_there_are_as_many_as_were_asked_for(pages):
    assert len(ATTACKS) >= 21
    assert [page.name for page in pages] == list(check.CHAPTERS)


@pytest.mark.parametrize("number", range(len(PAGES)), ids=[path.stem[:2] for path in PAGES])
def test_no_attack_that_knows_nothing_earns_a_point(pages, number):
    tried = list(ATTACKS)[number % EVERY :: EVERY]
    assert {name: earned for name in tried if (earned := points(pages[number], ATTACKS[name]))} == {}
