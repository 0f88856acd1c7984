"""How conftest.py shares the tests out among processes, and what is left of them without the slow ones."""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
GIB = 2**30
# Files of which every test is slow, and what shows most of it quickly.
SHOWN_OTHERWISE = {
    "tests/classroom/test_hostile.py": "tests/classroom/test_grading.py and test_sandbox.py, one student at a time",
    "tests/classroom/test_generic.py": "tests/classroom/test_there.py, what an attack would have to get past",
    "tests/check/test_in_jupyterlab.py": "tests/check/test_exercise.py, in a shell of IPython",
    "tests/browser/test_inspection.py": "nothing: what it is about is a browser's answer",
    "tests/browser/test_pages.py": "tests/book/test_notebooks.py, on the sources of the pages",
    "tests/browser/test_light_pages.py": "tests/browser/test_extensions.py, on pages of a few lines",
    "tests/browser/test_by_ear_and_keys.py": "nothing: what it is about is a page in a browser",
    "tests/browser/test_student_notebooks.py": "tests/classroom/test_pages.py, without the pages that offer them",
    "tests/browser/test_finding.py": "nothing: what it is about is a page in a browser",
    "tests/browser/test_remembering.py": "nothing: what it is about is what a browser keeps",
    "tests/browser/test_answers_in_page.py": "tests/in_page, without the page around the answer",
    "tests/browser/test_answers_as_notebook.py": "nothing: what it is about is done in a page",
    "tests/browser/test_puzzles_in_page.py": "tests/in_page/test_puzzles.py, without the page around the lines",
    "tests/in_page/test_interpreter.py": "tests/in_page/test_small_torch.py, in this Python",
    "tests/book/test_links.py": "tests/book/test_notebooks.py, on the sources of the pages",
    "tests/book/test_nbval.py": "book/01_tour.ipynb, whose cells are compared with what is stored",
    "tests/figures/test_exploring.py": "nothing: what it is about is the keyboard in a page",
    "tests/figures/test_figures_live.py": "tests/figures/test_pictures.py, in this process",
    "tests/figures/test_figures_in_browser.py": "tests/figures, on the HTML that a figure writes",
}


@pytest.fixture
def sharing(request):
    """The module conftest.py of the project."""
    return request.config.pluginmanager.get_plugin(str(ROOT / "conftest.py"))


@pytest.mark.parametrize(
    ("cores", "memory", "expected"),
    [(2, 16 * GIB, 2), (1, 16 * GIB, 0), (64, 512 * GIB, 8), (8, 7 * GIB, 2), (8, 5 * GIB, 0)],
)
def test_as_many_processes_as_cores_and_memory_allow(sharing, cores, memory, expected):
    assert sharing.processes(cores, memory) == expected


@pytest.mark.parametrize(
    ("arguments", "options", "expected"),
    [
        (["tests", "book"], {}, 2),
        (["."], {}, 2),
        (["book/"], {}, 2),
        (["tests"], {"keyword": "roll"}, 0),
        (["tests"], {"lf": True}, 0),
        (["tests"], {"collectonly": True}, 0),
        (["tests/test_model.py"], {}, 0),
        (["tests/peers", "tests/test_init.py::test_it"], {}, 0),
        (["book/01_tour.ipynb"], {}, 0),
    ],
)
def test_only_the_whole_suite_is_shared_out(sharing, monkeypatch, arguments, options, expected):
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    monkeypatch.setattr(sharing, "cores", lambda: 2)
    monkeypatch.setattr(sharing, "memory", lambda: 16 * GIB)
    config = SimpleNamespace(args=arguments, getoption=options.get, invocation_params=SimpleNamespace(dir=ROOT))
    assert sharing.pytest_xdist_auto_num_workers(config) == expected


def test_who_asks_xdist_for_a_number_gets_it(sharing, monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "5")
    assert sharing.pytest_xdist_auto_num_workers(SimpleNamespace()) is None


def test_the_files_that_come_first_exist(sharing):
    """One that was renamed would come last, and everybody would wait for it."""
    assert [file for file in sharing.LONGEST if not (ROOT / file).is_file()] == []
    places = [sharing.rank(f"{file}::test_it[a::b]") for file in (*sharing.LONGEST, "tests/test_sharing.py")]
    assert places == list(range(len(sharing.LONGEST) + 1))


def test_everything_computes_with_one_thread():
    assert torch.get_num_threads() == 1
    command = [sys.executable, "-c", "import torch; print(torch.get_num_threads())"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "1"


def test_without_the_slow_tests_something_of_every_file_is_left(request):
    """Of the files that were collected; all of them if all tests are run."""
    slow = defaultdict(list)
    for item in request.session.items:
        if item.path.suffix == ".py":
            slow[item.path.relative_to(ROOT).as_posix()].append(item.get_closest_marker("slow") is not None)
    assert not {file for file, marks in slow.items() if all(marks)} - SHOWN_OTHERWISE.keys()


def test_quick_notebooks_are_notebooks_of_the_book(request):
    """With another name, they would be slow unnoticed."""
    book = request.config.pluginmanager.get_plugin(str(ROOT / "book" / "conftest.py"))
    if book is None:
        pytest.skip("The notebooks were not asked for.")
    paths = [ROOT / "book" / name for name in book.QUICK]
    assert paths
    assert all(path.is_file() and book.is_quick(path) for path in paths)
    assert not book.is_quick(ROOT / "book" / "10_whole_model.ipynb")


def test_a_file_is_one_process_s_and_so_are_all_that_start_sandboxes(sharing):
    scope = sharing.Scheduling._split_scope
    scheduling = object.__new__(sharing.Scheduling)
    files = [
        "tests/classroom/test_hostile.py::test_a[1]",
        "tests/classroom/test_grading.py::test_b",
        "tests/classroom/test_wire.py::test_c",
        "book/01_tour.ipynb::Cell 0",
    ]
    alone = ["tests/classroom/test_wire.py", "book/01_tour.ipynb"]
    assert [scope(scheduling, file) for file in files] == ["tests/classroom/"] * 2 + alone
    for file, other in sharing.BESIDE.items():
        assert (ROOT / file).is_file()
        assert scope(scheduling, f"{file}::test_d") == scope(scheduling, f"{other}::test_e")
    for name in sharing.PATIENT:
        assert scope(scheduling, f"tests/classroom/test_{name}.py::test_f") == f"tests/classroom/test_{name}.py"
    for name in sharing.WITHOUT_SANDBOX:
        assert "mark.sandbox" not in (ROOT / f"tests/classroom/test_{name}.py").read_text()
