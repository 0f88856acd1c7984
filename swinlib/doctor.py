"""Say what this machine can do with the book, and what to type where it cannot.

    python -m swinlib.doctor

It asks three questions: can this machine build the book, can it run the notebooks, can it grade a class? The status is
0 if it can do the first two. It takes a few seconds, changes nothing, and needs no package itself.

Which versions will do is said in pyproject.toml alone. If that file lies beside swinlib, it is read; if not, the record
that pip made of it when it installed swinlib. The record comes second because it can be stale: it may have been made in
another folder, or in this one before a change.

Each ``check_*`` is a function of plain facts, so that a machine with a part missing can be described; the functions
after them look the facts up on this one.
"""

from __future__ import annotations  # so that even a Python that is too old can read this file and be told so

import operator
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from itertools import chain
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # a Python that is too old, which is then all that matters
    tomllib = None

PROJECT = Path(__file__).resolve().parents[1]
GIGABYTE = 2**30
# Seconds for importing torch and torchvision; the other checks take less than one together.
IMPORT_LIMIT = 7.0
SANDBOX_LIMIT = 1.5

INSTALL = "pip install -r requirements.txt"
# The same versions with PyTorch's builds for the CPU. On Linux those of PyPI bring the libraries of NVIDIA's cards.
INSTALL_FOR_CPU = f"bash .binder/postBuild book (no card from NVIDIA is here; with one: {INSTALL})"
GET_ALL = "Get the whole repository, not swinlib alone, and run the command in its folder"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# What each question looks for.
BUILD_PACKAGES = ("jupyter-book", "math-core", "fonttools", "brotli")
RUN_PACKAGES = (
    "torch",
    "torchvision",
    "safetensors",
    "matplotlib",
    "scikit-learn",
    "anywidget",
    "ipywidgets",
    "ipykernel",
    "jupyterlab",
)
GRADE_PACKAGES = ("nbgrader", "hypothesis", "psutil", "pyseccomp")
# The signs that may stand before a version in pyproject.toml: what they mean, and how to say it.
SIGNS = {
    ">=": (operator.ge, "{} or newer"),
    "<": (operator.lt, "one below {}"),
    "==": (operator.eq, "{} itself"),
}
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


@dataclass(frozen=True)
class Needs:
    """Which versions will do.

    Attributes:
        source: where it is said; empty if nowhere.
        python: versions of Python, such as ``>=3.11,<3.14``.
        packages: versions of each package, in the same form; a package that is not among them may have any.
    """

    source: str = ""
    python: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)


def version_key(version: str) -> tuple[list[int], int]:
    """Return what versions are compared by: ``2.10.0+cpu`` gives ``([2, 10], 0)``, ``1.0.4.post1`` ``([1, 0, 4], 1)``.

    A pre-release counts as its release: those who build torch themselves call it 2.9.0a0.
    """
    release, _, post = version.partition("+")[0].partition(".post")
    numbers = [int(number) for number in re.match(r"[\d.]*", release)[0].split(".") if number]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers, int(post) if post.isdigit() else 0


def bounds(wanted: str) -> list[tuple[str, str]]:
    """Split ``>=1.0.4,<2`` into ``[(">=", "1.0.4"), ("<", "2")]``."""
    return re.findall(rf"({'|'.join(SIGNS)})\s*([\w.]+)", wanted)


def wanted_packages(requirements: Iterable[str]) -> dict[str, str]:
    """Return the versions of each package that will do, from lines such as ``psutil>=6; extra == "classroom"``.

    A package that several extras name must suit all of them.
    """
    wanted: dict[str, list[str]] = {}
    for requirement in requirements:
        name, versions = re.match(r"\s*([\w.-]+)[^;<>=]*([^;]*)", requirement).groups()
        wanted.setdefault(name, []).append(versions.strip())
    return {name: ",".join(dict.fromkeys(filter(None, versions))) for name, versions in wanted.items()}


def objection(found: str, wanted: str) -> str:
    """Say what a version ought to be; nothing if it will do."""
    for sign, version in bounds(wanted):
        compare, words = SIGNS[sign]
        if not compare(version_key(found), version_key(version)):
            return f"{found}, but {words.format(version)} is needed"
    return ""


def check_needs(needs: Needs) -> Check:
    """Check that it is known which versions will do."""
    unknown = "unknown: there is no pyproject.toml beside swinlib, and swinlib is not installed"
    found = f"read from {needs.source}" if needs.source else unknown
    return Check("required versions", bool(needs.source), found, GET_ALL)


def check_python(found: str, wanted: str) -> Check:
    """Check the version of Python, such as ``3.12``, against what is wanted, such as ``>=3.11,<3.14``."""
    limits = dict(bounds(wanted))
    if not {">=", "<"} <= limits.keys():
        return Check("Python", None, f"{found}, and nothing says whether that will do", GET_ALL)
    wrong = objection(found, wanted)
    major, minor = limits["<"].split(".")
    newest = f"{major}.{int(minor) - 1}"
    new_environment = f"python{newest} -m venv .venv && . .venv/bin/activate && {INSTALL}"
    remedy = f"Install Python {limits['>=']} to {newest}, then: {new_environment}"
    return Check("Python", not wrong, wrong or found, remedy)


def how_to_install(system: str, has_card: bool) -> str:
    """What to type, by the system's name and whether it has a graphics card of NVIDIA's."""
    return INSTALL_FOR_CPU if system == "Linux" and not has_card else INSTALL


def check_package(name: str, found: str | None, wanted: str, install: str = INSTALL) -> Check:
    """Check that a package is installed in a version that will do, such as ``>=1.0.4,<2``."""
    if found is None:
        return Check(name, False, "not installed", install)
    wrong = objection(found, wanted)
    return Check(name, not wrong, wrong or found, install)


def check_book_files(project: Path) -> Check:
    """Check that the book lies beside swinlib."""
    missing = [name for name in ("_config.yml", "_toc.yml", "book") if not (project / name).exists()]
    if missing:
        return Check("files of the book", False, f"no {', '.join(missing)} in {project}", GET_ALL)
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
    """Check the operating system; the sandbox needs Linux."""
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


def read_project(project: Path) -> Needs | None:
    """Return what the pyproject.toml of swinlib says; None if there is none or it cannot be read."""
    path = project / "pyproject.toml"
    try:
        text = path.read_text(encoding="utf-8")
        if tomllib is None:
            found = re.search(r'^name = "swinlib"$.*?^requires-python = "([^"]*)"$', text, re.DOTALL | re.MULTILINE)
            return Needs(str(path), found[1]) if found else None
        about = tomllib.loads(text)["project"]
        extras = about["optional-dependencies"].values()
        packages = wanted_packages([*about["dependencies"], *chain.from_iterable(extras)])
        return Needs(str(path), about["requires-python"], packages) if about["name"] == "swinlib" else None
    except (OSError, ValueError, KeyError):
        return None


def read_installed() -> Needs | None:
    """Return what pip wrote down about swinlib; None if it is not installed."""
    try:
        about = metadata.metadata("swinlib")
    except metadata.PackageNotFoundError:
        return None
    packages = wanted_packages(about.get_all("Requires-Dist") or ())
    return Needs(f"what pip wrote down about swinlib {about['Version']}", about["Requires-Python"] or "", packages)


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


def has_nvidia_card() -> bool:
    """Whether NVIDIA's driver or its command is here."""
    return Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi") is not None


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


def checks_of(packages: Iterable[str], needs: Needs) -> list[Check]:
    """Look at the versions of some packages."""
    install = how_to_install(platform.system(), has_nvidia_card())
    return [check_package(name, installed(name), needs.packages.get(name, ""), install) for name in packages]


def checks_for_all(needs: Needs) -> list[Check]:
    """Look at what everything needs."""
    return [
        check_needs(needs),
        check_python(".".join(map(str, sys.version_info[:2])), needs.python),
        check_book_files(PROJECT),
        check_disk(shutil.disk_usage(PROJECT).free, is_installed=installed("torch") is not None),
    ]


def checks_for_building(needs: Needs) -> list[Check]:
    """Look at what building the book needs."""
    return checks_of(BUILD_PACKAGES, needs)


def checks_for_running(needs: Needs) -> list[Check]:
    """Look at what running the notebooks needs."""
    checks = [check_memory(total_memory()), *checks_of(RUN_PACKAGES, needs)]
    if installed("torch") and installed("torchvision"):
        checks.append(check_torch_runs(*try_command([sys.executable, "-c", TRY_TORCH], IMPORT_LIMIT)))
    return checks


def checks_for_grading(needs: Needs) -> list[Check]:
    """Look at what grading needs besides: nbgrader, and a sandbox for code that nobody has read."""
    checks = [check_linux(platform.system()), *checks_of(GRADE_PACKAGES, needs)]
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
    needs = read_project(PROJECT) or read_installed() or Needs()
    everywhere, building = checks_for_all(needs), checks_for_building(needs)
    running, grading = checks_for_running(needs), checks_for_grading(needs)
    browser = [check_chromium(find_chromium())]
    lines = [
        *report("For everything", everywhere),
        *report("To build the book", building),
        *report("To run the notebooks", running),
        *report("To grade a class: nbgrader and a sandbox, besides what the notebooks need", grading),
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
