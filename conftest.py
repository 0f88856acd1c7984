"""How the tests are shared out among processes. What a test may use is in the conftest.py of its folder."""

import os
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

# A process of the tests computes with one thread, and so does whatever it starts: kernels, trainings, commands. Two
# processes whose threads wait for each other's cores take longer than each with one; and sums over several threads
# differ from those that are stored (see `run` in book/store.py). Here, before anything imports torch.
os.environ["OMP_NUM_THREADS"] = "1"

ROOT = Path(__file__).resolve().parent
WHOLE = {ROOT, ROOT / "tests", ROOT / "book"}  # folders for which starting further processes pays
MEMORY = 3 * 2**30  # of one process with the kernel or the browser that it has started
CLASSROOM = "tests/classroom/"
# Its files that start no sandbox (`test_there` keeps everything in one process), and those that start one at a time and
# give it all the time that a teacher does. They may run beside one.
WITHOUT_SANDBOX = ("alike", "handed_in", "inbox", "items", "look", "pages", "there", "variants", "wire")
PATIENT = ("draws", "generic", "right_work")
# Files that ask the same of the same, by the file whose process keeps the answers.
BESIDE = {"tests/classroom/test_items.py": "tests/check/test_exercises.py"}
MOST = 8  # processes; more would wait for the longest file

# Where most time goes, longest first: a file goes to one process as a whole, and one that is begun last would keep all
# the others waiting. What is missing here comes after these, in the order in which it was found.
LONGEST = (
    "tests/classroom/test_hostile.py",
    "tests/browser/test_pages.py",
    "tests/check/test_exercises.py",
    "tests/takeaway/test_pdf.py",
    "tests/in_page/test_table.py",
    "tests/recipes/test_recipes.py",
    "book/10_whole_model.ipynb",
    "book/09_loaders_and_samplers.ipynb",
    "book/06_apply_and_init.ipynb",
    "book/11_fast_swin.ipynb",
    "tests/classroom/test_course.py",
    "tests/classroom/test_grading.py",
    "tests/classroom/test_sandbox.py",
    "tests/classroom/test_right_work.py",
    "tests/peers/test_torchvision.py",
    "book/03_register_buffer.ipynb",
    "book/recipes.ipynb",
    "tests/test_model.py",
    "tests/training/test_nothing_lost.py",
    "tests/training/test_processes.py",
    "tests/figures/test_figures_in_browser.py",
    "book/02_resampling.ipynb",
    "tests/browser/test_inspection.py",
)


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """Bytes of this machine; where it does not tell, enough."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return MOST * MEMORY


def processes(cores: int, memory: int) -> int:
    """How many share the tests out; 0 if one had better do them all itself."""
    number = min(cores, memory // MEMORY, MOST)
    return number if number > 1 else 0


def is_whole(arguments: list[str], folder: Path) -> bool:
    """Whether paths that pytest was given, relative to a folder, are more than a file or two."""
    return any((folder / argument).resolve() in WHOLE for argument in arguments)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Processes for ``-n auto``, which pyproject.toml asks for: none if only some tests are wanted."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # xdist reads it
    some = any(config.getoption(name, False) for name in ("keyword", "lf", "collectonly"))
    if some or not is_whole(config.args, config.invocation_params.dir):
        return 0
    return processes(cores(), memory())


class Scheduling(LoadFileScheduling):
    """Give a file to one process as a whole, and all files that start sandboxes in a hurry to the same.

    What runs in a sandbox is stopped by the clock. Two such files at the same time would take the time from each other
    that both count on.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        file = BESIDE.get(file, file)
        alone = file.startswith(CLASSROOM) and Path(file).stem.removeprefix("test_") not in WITHOUT_SANDBOX + PATIENT
        return CLASSROOM if alone else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling:
    """Share the tests out so."""
    return Scheduling(config, log)


def rank(nodeid: str) -> int:
    """The place of a test's file in `LONGEST`."""
    file = nodeid.partition("::")[0]
    file = BESIDE.get(file, file)
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> object:
    """Order the tests: the longest files first for several processes; for a single one, the browser's last."""
    result = yield
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank(item.nodeid))
    else:
        items.sort(key=lambda item: item.nodeid.startswith("tests/browser/"))
    return result
