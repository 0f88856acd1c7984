"""The doctor names what is missing and what to type, and needs nothing installed to say so."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from swinlib import doctor
from swinlib.doctor import GIGABYTE, INSTALL, Check

WELL = [
    doctor.check_python((3, 11)),
    doctor.check_python((3, 13)),
    doctor.check_package("torch", "2.15.0", "2.9"),
    doctor.check_package("torch", "2.9", "2.9"),
    doctor.check_package("torch", "2.10.1+cu130", "2.9"),
    doctor.check_package("jupyter-book", "1.0.4.post1", "1.0.4", "2"),
    doctor.check_book_files(doctor.PROJECT),
    doctor.check_memory(16 * GIGABYTE),
    doctor.check_disk(9 * GIGABYTE, is_installed=False),
    doctor.check_disk(2 * GIGABYTE, is_installed=True),
    doctor.check_torch_runs(0, ""),
    doctor.check_chromium("/usr/bin/chromium"),
    doctor.check_linux("Linux"),
    doctor.check_sandbox("/usr/bin/bwrap", 0),
]

# What is wrong, and what the line about it and the remedy must say.
NMS = "Traceback (most recent call last):\n  ...\nRuntimeError: operator torchvision::nms does not exist\n"
ILL = {
    "old Python": (doctor.check_python((3, 10)), "3.10", "Install Python 3.11 to 3.13"),
    "new Python": (doctor.check_python((3, 14)), "3.14", "Install Python 3.11 to 3.13"),
    "no package": (doctor.check_package("torch", None, "2.9"), "not installed", INSTALL),
    "old package": (doctor.check_package("torch", "2.8.0", "2.9"), "2.9 or newer", INSTALL),
    "new package": (doctor.check_package("jupyter-book", "2.1.0", "1.0.4", "2"), "below 2", INSTALL),
    "no book": (doctor.check_book_files(Path("/nowhere")), "_config.yml", "whole repository"),
    "little memory": (doctor.check_memory(2 * GIGABYTE), "2 GB", "4 GB"),
    "full disk": (doctor.check_disk(GIGABYTE // 2, is_installed=True), "GB", "Free 1 GB"),
    "no space to install": (doctor.check_disk(3 * GIGABYTE, is_installed=False), "3 GB", "Free 8 GB"),
    "torch that does not fit": (doctor.check_torch_runs(1, NMS), "torchvision::nms does not exist", "pip uninstall"),
    "torch that dies silently": (doctor.check_torch_runs(-11, ""), "status -11", "pip uninstall"),
    "no Chromium": (doctor.check_chromium(None), "skipped", "apt-get install chromium"),
    "Windows": (doctor.check_linux("Windows"), "Windows", "wsl --install"),
    "no bubblewrap": (doctor.check_sandbox(None, 1), "not installed", "apt-get install bubblewrap"),
    "no user namespaces": (
        doctor.check_sandbox("/usr/bin/bwrap", 1, "bwrap: No permissions to create new namespace"),
        "No permissions",
        "user namespaces",
    ),
    "a sandbox that hangs": (doctor.check_sandbox("/usr/bin/bwrap", None), "did not end", "user namespaces"),
}
UNKNOWN = [doctor.check_memory(None), doctor.check_torch_runs(None, "")]


@pytest.mark.parametrize("check", WELL, ids=lambda check: check.name)
def test_what_is_there_passes(check):
    assert check.passed is True


@pytest.mark.parametrize(("check", "found", "remedy"), ILL.values(), ids=ILL)
def test_what_is_missing_is_named_with_its_remedy(check, found, remedy):
    assert check.passed is False
    assert found in check.found
    assert remedy in check.remedy
    assert any(line.startswith("  MISSING") and found in line for line in doctor.report("", [check]))
    assert remedy in "".join(doctor.to_do([check]))


@pytest.mark.parametrize("check", UNKNOWN, ids=lambda check: check.name)
def test_what_is_unknown_stops_nobody(check):
    assert check.passed is None
    assert check.remedy
    assert doctor.can([check])
    assert doctor.verdict("Can it", [check]) == "Can it: yes"


def test_each_remedy_stands_once_under_the_names_that_it_helps():
    checks = [Check("one", False, "", "type a"), Check("two", True, "", "type b"), Check("three", False, "", "type a")]
    assert doctor.to_do(checks) == ["What to do", "  one, three\n    -> type a"]
    assert doctor.to_do(checks[1:2]) == []


def test_verdict_names_what_is_missing():
    checks = [Check("one", True, "1"), Check("two", False, "none"), Check("three", False, "none")]
    assert doctor.verdict("Can it", checks) == "Can it: no, for lack of two, three"
    assert not doctor.can(checks)


@pytest.mark.parametrize(
    ("missing", "build", "run", "grade"),
    [
        ((), "yes", "yes", "yes"),
        (("jupyter-book",), "no, for lack of jupyter-book", "yes", "yes"),
        (("torch", "ipykernel"), "yes", "no, for lack of torch, ipykernel", "no, for lack of torch, ipykernel"),
        (("bwrap", "nbgrader"), "yes", "yes", "no, for lack of nbgrader, bubblewrap"),
    ],
)
def test_whole_report_of_a_machine_with_parts_missing(monkeypatch, capsys, missing, build, run, grade):
    packages = (*doctor.BUILD_PACKAGES, *doctor.RUN_PACKAGES, *doctor.GRADE_PACKAGES)
    versions = {name: oldest for name, oldest, _ in packages}
    monkeypatch.setattr(doctor, "installed", lambda name: None if name in missing else versions[name])
    monkeypatch.setattr(doctor, "total_memory", lambda: 16 * GIGABYTE)
    monkeypatch.setattr(doctor, "try_command", lambda command, seconds: (0, ""))
    monkeypatch.setattr(doctor.platform, "system", lambda: "Linux")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None if name in missing else f"/usr/bin/{name}")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 90 * GIGABYTE}))
    status = doctor.main()
    said = capsys.readouterr().out
    assert f"build the book: {build}\n" in said
    assert f"run the notebooks: {run}\n" in said
    assert f"grade a class: {grade}\n" in said
    assert status == (0 if build == run == "yes" else 1)


def test_command_that_takes_too_long_is_given_up():
    start = time.monotonic()
    assert doctor.try_command([sys.executable, "-c", "import time; time.sleep(60)"], 0.5) == (None, "")
    assert time.monotonic() - start < 10


def test_command_that_is_not_there_fails():
    status, errors = doctor.try_command(["/nowhere/bwrap"], 1)
    assert status != 0
    assert errors


def test_limits_leave_it_under_ten_seconds():
    assert doctor.IMPORT_LIMIT + doctor.SANDBOX_LIMIT < 9


def test_runs_where_nothing_is_installed():
    """Python alone, without a single package: the doctor must be able to say just that."""
    command = [sys.executable, "-S", "-E", "-m", "swinlib.doctor"]
    result = subprocess.run(command, cwd=doctor.PROJECT, capture_output=True, text=True, check=False, timeout=30)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "MISSING  torch: not installed" in result.stdout
    assert f"-> {INSTALL}" in result.stdout
    assert "Can this machine build the book: no, for lack of jupyter-book" in result.stdout


def test_says_the_same_as_the_command_line():
    command = [sys.executable, "-m", "swinlib.doctor"]
    result = subprocess.run(command, cwd=doctor.PROJECT, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Can this machine build the book: yes" in result.stdout
    assert "Can it run the notebooks: yes" in result.stdout
