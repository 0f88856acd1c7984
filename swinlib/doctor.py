"""Say what this machine can do with the book, and what to type where it cannot.

    python -m swinlib.doctor

It asks three questions: can this machine build the book, can it run the notebooks, can it grade a class? The status is
0 if it can do the first two. It takes a few seconds, changes nothing, and needs no package itself.

Each ``check_*`` is a function of plain facts, so that a machine with a part missing can be described; the functions
after them look the facts up on this one.
"""

from __future__ import annotations  # so that even a Python that is too old can read this file and be told so

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
GIGABYTE = 2**30
# Seconds for importing torch and torchvision; the other checks take less than one together.
IMPORT_LIMIT = 7.0
SANDBOX_LIMIT = 1.5

INSTALL = "pip install -r requirements.txt"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Distribution, oldest version that does, first version that does not.
BUILD_PACKAGES = (("jupyter-book", "1.0.4", "2"), ("sphinx-mathjax-offline", "0.0.2", ""))
RUN_PACKAGES = (
    ("torch", "2.9", ""),
    ("torchvision", "0.24", ""),
    ("safetensors", "0.5", ""),
    ("matplotlib", "3.9", ""),
    ("scikit-learn", "1.6", ""),
    ("anywidget", "0.9", ""),
    ("ipywidgets", "8.1", ""),
    ("ipykernel", "6", ""),
    ("jupyterlab", "4.4", ""),
)
GRADE_PACKAGES = (
    ("nbgrader", "0.9.6", ""),
    ("hypothesis", "6.130", ""),
    ("psutil", "6", ""),
    ("pyseccomp", "0.1.2", ""),
)
TRY_TORCH = "import torch, torchvision; torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)"
TRY_SANDBOX = ("--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--", "true")


@dataclass(frozen=True)
class Check:
    """What was looked at, what was found, and what to do about it.

    Attributes:
        name: what was looked at.
        passed: True, False, or None where this machine would not say in time; None stops nobody.
        found: what there is, in words.
        remedy: what to do or type if it did not pass.
    """

    name: str
    passed: bool | None
    found: str
    remedy: str = ""


def version_tuple(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, up to three: ``2.15.0+cpu`` is ``(2, 15, 0)``."""
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])


def check_python(version: tuple[int, int]) -> Check:
    """Check the version of Python."""
    found = ".".join(map(str, version))
    oldest, newest = (".".join(map(str, v)) for v in (OLDEST_PYTHON, NEWEST_PYTHON))
    return Check(
        "Python",
        OLDEST_PYTHON <= version <= NEWEST_PYTHON,
        found,
        f"Install Python {oldest} to {newest}, then: python{newest} -m venv .venv && . .venv/bin/activate && {INSTALL}",
    )


def check_package(name: str, found: str | None, oldest: str, too_new: str = "") -> Check:
    """Check that a package is installed in a version from ``oldest`` to below ``too_new``."""
    if found is None:
        return Check(name, False, "not installed", INSTALL)
    if version_tuple(found) < version_tuple(oldest):
        return Check(name, False, f"{found}, but {oldest} or newer is needed", INSTALL)
    if too_new and version_tuple(found) >= version_tuple(too_new):
        return Check(name, False, f"{found}, but one below {too_new} is needed", INSTALL)
    return Check(name, True, found)


def check_book_files(project: Path) -> Check:
    """Check that the book lies beside swinlib."""
    missing = [name for name in ("_config.yml", "_toc.yml", "book") if not (project / name).exists()]
    if missing:
        return Check(
            "files of the book",
            False,
            f"no {', '.join(missing)} in {project}",
            "Get the whole repository, not swinlib alone, and run the command in its folder",
        )
    return Check("files of the book", True, str(project))


def check_memory(total: int | None) -> Check:
    """Check the memory, in bytes; None where the system does not say."""
    if total is None:
        return Check("memory", None, "this system does not say", "Have at least 4 GB")
    found = f"{total / GIGABYTE:.0f} GB"
    return Check("memory", total >= 3.5 * GIGABYTE, found, "Use a machine with at least 4 GB")


def check_disk(free: int, is_installed: bool) -> Check:
    """Check the free space, in bytes: for the packages if they are still to come, otherwise for the pages."""
    needed = GIGABYTE if is_installed else 8 * GIGABYTE
    return Check(
        "free disk space",
        free >= needed,
        f"{free / GIGABYTE:.0f} GB",
        f"Free {needed // GIGABYTE} GB; `pip cache purge` gives back what pip keeps of old downloads",
    )


def check_torch_runs(status: int | None, errors: str) -> Check:
    """Check that torch and torchvision work together.

    Args:
        status: exit status of a Python that used both; None if it was not done in time.
        errors: what it wrote to stderr.
    """
    name = "torch and torchvision together"
    if status is None:
        return Check(name, None, f"not imported within {IMPORT_LIMIT:.0f} seconds", "Run it again: the first is slow")
    if status == 0:
        return Check(name, True, "work")
    last_line = (errors.strip().splitlines() or [f"ended with status {status}"])[-1]
    return Check(
        name,
        False,
        last_line[:200],
        f"They are not built for each other. Type: pip uninstall -y torch torchvision && {INSTALL}",
    )


def check_chromium(path: str | None) -> Check:
    """Check for a browser of the Chromium family."""
    return Check(
        "Chromium",
        path is not None,
        path or "not installed; without it the tests that open the pages are skipped",
        "On Debian or Ubuntu: apt-get install chromium. Elsewhere: install Chromium or Google Chrome",
    )


def check_linux(system: str) -> Check:
    """Check the operating system; the sandbox is one of Linux."""
    return Check(
        "Linux",
        system == "Linux",
        system or "an unknown system",
        "Use a Linux machine, or a virtual one: on Windows `wsl --install`",
    )


def check_sandbox(path: str | None, status: int | None, errors: str = "") -> Check:
    """Check for bubblewrap, in which the code of students runs.

    Args:
        path: of ``bwrap``; None if there is none.
        status: exit status of a trial; None if it was not done in time.
        errors: what the trial wrote to stderr.
    """
    if path is None:
        return Check("bubblewrap", False, "not installed", "On Debian or Ubuntu: apt-get install bubblewrap")
    if status == 0:
        return Check("bubblewrap", True, "works")
    reason = (errors.strip().splitlines() or ["the trial did not end"])[-1]
    return Check(
        "bubblewrap",
        False,
        f"installed, but it cannot start a sandbox: {reason}",
        "Allow user namespaces: sysctl kernel.unprivileged_userns_clone=1, or leave the container that forbids them",
    )


def installed(name: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def total_memory() -> int | None:
    """Return the bytes of memory that this process may count on, or None where the system does not say."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows
        return None
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()  # of a container
    except OSError:
        limit = ""
    return min(total, int(limit)) if limit.isdigit() else total


def find_chromium() -> str | None:
    """Return the path of an installed browser of the Chromium family, or None."""
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    return found or next((place for place in CHROMIUM_PLACES if os.access(place, os.X_OK)), None)


def try_command(command: Iterable[str], seconds: float) -> tuple[int | None, str]:
    """Run a command; return its exit status, None if it took longer, and what it wrote to stderr."""
    try:
        result = subprocess.run(
            list(command), capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return None, ""
    except OSError as error:
        return 1, str(error)
    return result.returncode, result.stderr


def checks_for_all() -> list[Check]:
    """Look at what nothing goes without."""
    return [
        check_python(sys.version_info[:2]),
        check_book_files(PROJECT),
        check_disk(shutil.disk_usage(PROJECT).free, is_installed=installed("torch") is not None),
    ]


def checks_for_building() -> list[Check]:
    """Look at what building the book needs."""
    return [check_package(name, installed(name), oldest, too_new) for name, oldest, too_new in BUILD_PACKAGES]


def checks_for_running() -> list[Check]:
    """Look at what running the notebooks needs."""
    checks = [check_memory(total_memory())]
    checks += [check_package(name, installed(name), oldest, too_new) for name, oldest, too_new in RUN_PACKAGES]
    if installed("torch") and installed("torchvision"):
        checks.append(check_torch_runs(*try_command([sys.executable, "-c", TRY_TORCH], IMPORT_LIMIT)))
    return checks


def checks_for_grading() -> list[Check]:
    """Look at what grading needs beside: nbgrader, and a sandbox for code that nobody has read."""
    checks = [check_linux(platform.system())]
    checks += [check_package(name, installed(name), oldest, too_new) for name, oldest, too_new in GRADE_PACKAGES]
    if checks[0].passed:
        path = shutil.which("bwrap")
        checks.append(check_sandbox(path, *(try_command([path, *TRY_SANDBOX], SANDBOX_LIMIT) if path else (1, ""))))
    return checks


def report(title: str, checks: list[Check]) -> list[str]:
    """Return the lines that describe some checks."""
    words = {True: "ok", False: "MISSING", None: "unknown"}
    return [title, *(f"  {words[check.passed]:8} {check.name}: {check.found}" for check in checks)]


def to_do(checks: list[Check]) -> list[str]:
    """Return what to do about the checks that did not pass: each remedy once, under the names that it helps."""
    helps: dict[str, list[str]] = {}
    for check in checks:
        if not check.passed:
            helps.setdefault(check.remedy, []).append(check.name)
    return (
        ["What to do", *(f"  {', '.join(names)}\n    -> {remedy}" for remedy, names in helps.items())] if helps else []
    )


def verdict(question: str, checks: list[Check]) -> str:
    """Return the line that answers a question."""
    missing = [check.name for check in checks if check.passed is False]
    return f"{question}: " + (f"no, for lack of {', '.join(missing)}" if missing else "yes")


def can(checks: list[Check]) -> bool:
    """Tell whether nothing is missing; what is unknown may well be there."""
    return all(check.passed is not False for check in checks)


def main() -> int:
    """Print the report; return 0 if this machine can build the book and run the notebooks, otherwise 1."""
    everywhere, building = checks_for_all(), checks_for_building()
    running, grading = checks_for_running(), checks_for_grading()
    browser = [check_chromium(find_chromium())]
    lines = [
        *report("For everything", everywhere),
        *report("To build the book", building),
        *report("To run the notebooks", running),
        *report("To grade a class: nbgrader and a sandbox, beside what the notebooks need", grading),
        *report("For the tests that open the pages in a browser", browser),
        *to_do([*everywhere, *building, *running, *grading, *browser]),
        verdict("Can this machine build the book", [*everywhere, *building]),
        verdict("Can it run the notebooks", [*everywhere, *running]),
        verdict("Can it grade a class", [*everywhere, *running, *grading]),
    ]
    print("\n".join(lines))
    return 0 if can([*everywhere, *building, *running]) else 1


if __name__ == "__main__":
    sys.exit(main())
