"""The doctor names what is missing and what to type, and needs nothing installed to say so."""

import os
import platform
import subprocess
import sys
import time
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from swinlib import doctor
from swinlib.doctor import GIGABYTE, INSTALL, Check, Needs

PYTHONS = ">=3.11,<3.14"
BOOK = ">=1.0.4.post1,<2"

WELL = [
    doctor.check_python("3.11", PYTHONS),
    doctor.check_python("3.13", PYTHONS),
    doctor.check_package("torch", "2.15.0", ">=2.9"),
    doctor.check_package("torch", "2.9", ">=2.9"),
    doctor.check_package("torch", "2.10.1+cu130", ">=2.9"),
    doctor.check_package("jupyter-book", "1.0.4.post1", BOOK),
    doctor.check_package("math-core", "0.9.0", ">=0.9,<0.10"),
    doctor.check_package("ipykernel", "7.4.0", ""),
    doctor.check_needs(Needs("pyproject.toml")),
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
    "old Python": (doctor.check_python("3.10", PYTHONS), "3.10", "Install Python 3.11 to 3.13"),
    "new Python": (doctor.check_python("3.14", PYTHONS), "3.14", "Install Python 3.11 to 3.13"),
    "no package": (doctor.check_package("torch", None, ">=2.9"), "not installed", INSTALL),
    "old package": (doctor.check_package("torch", "2.8.0", ">=2.9"), "2.9 or newer", INSTALL),
    "new package": (doctor.check_package("jupyter-book", "2.1.0", BOOK), "below 2", INSTALL),
    "another package": (doctor.check_package("offline", "0.0.3", "==0.0.2"), "0.0.3, but 0.0.2 itself", INSTALL),
    "package before its fix": (doctor.check_package("jupyter-book", "1.0.4", BOOK), "1.0.4.post1 or newer", INSTALL),
    "no versions": (doctor.check_needs(Needs()), "swinlib is not installed", "whole repository"),
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


@pytest.mark.parametrize(
    ("system", "has_card", "expected"),
    [("Linux", False, "bash .binder/postBuild book"), ("Linux", True, INSTALL), ("Darwin", False, INSTALL)],
)
def test_who_has_no_card_is_told_of_the_small_build(system, has_card, expected):
    install = doctor.how_to_install(system, has_card)
    assert install.startswith(expected)
    assert doctor.check_package("torch", None, ">=2.9", install).remedy == install


def test_the_small_build_is_named_where_one_begins():
    command = doctor.INSTALL_FOR_CPU.partition(" (")[0]
    assert (doctor.PROJECT / command.split()[1]).is_file()
    for page in ("README.md", "book/index.md"):
        assert command in (doctor.PROJECT / page).read_text(encoding="utf-8"), page


UNKNOWN = [
    doctor.check_memory(None),
    doctor.check_torch_runs(None, ""),
    doctor.check_python("3.12", ""),
    doctor.check_python("3.12", ">=3.11"),
]


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
    needs = doctor.read_project(doctor.PROJECT)
    versions = {name: doctor.bounds(wanted)[0][1] for name, wanted in needs.packages.items() if wanted}
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


def test_versions_are_those_of_the_project():
    """Parsed without a package, they are what ``packaging`` makes of the same file."""
    needs = doctor.read_project(doctor.PROJECT)
    about = tomllib.loads((doctor.PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*about["dependencies"], *chain.from_iterable(about["optional-dependencies"].values())]
    wanted: dict[str, SpecifierSet] = {}
    for requirement in map(Requirement, lines):
        wanted[requirement.name] = wanted.get(requirement.name, SpecifierSet()) & requirement.specifier
    assert {name: SpecifierSet(versions) for name, versions in needs.packages.items()} == wanted
    assert needs.python == about["requires-python"]
    assert needs.source == str(doctor.PROJECT / "pyproject.toml")


def test_signs_of_the_project_are_understood():
    """A sign that the doctor does not know would be passed over."""
    needs = doctor.read_project(doctor.PROJECT)
    for versions in (needs.python, *needs.packages.values()):
        assert SpecifierSet(",".join(map("".join, doctor.bounds(versions)))) == SpecifierSet(versions)


@pytest.mark.parametrize("name", [*doctor.BUILD_PACKAGES, *doctor.RUN_PACKAGES, *doctor.GRADE_PACKAGES])
def test_each_package_that_is_looked_for_has_its_versions_in_the_project(name):
    assert doctor.bounds(doctor.read_project(doctor.PROJECT).packages[name])


@pytest.mark.parametrize("wanted", [">=2.9", ">=2.9.0", "<3", "==2.9", "==2.9.post1", ">=2.9.post1,<2.10"])
@pytest.mark.parametrize("found", ["2.8.1", "2.9", "2.9.0", "2.9.0.post1", "2.9.1", "2.10", "3", "3.0.0", "2.10.0+cpu"])
def test_versions_are_compared_as_pip_compares_them(found, wanted):
    assert (not doctor.objection(found, wanted)) == SpecifierSet(wanted).contains(found)


def test_version_that_does_not_look_like_one_is_objected_to():
    assert doctor.objection("unknown", ">=2.9") == "unknown, but 2.9 or newer is needed"


STALE = """Metadata-Version: 2.4
Name: swinlib
Version: 0.0.9
Requires-Python: >=3.11,<3.13
Requires-Dist: torch>=99
Requires-Dist: torchvision>=0.24; extra == "weights"
Requires-Dist: swinlib[weights]; extra == "book"
Requires-Dist: pyseccomp>=0.1.2; sys_platform == "linux" and extra == "classroom"
"""


@pytest.fixture
def stale_install(tmp_path, monkeypatch):
    """Leave behind what pip wrote down about another state of swinlib."""
    (tmp_path / "swinlib-0.0.9.dist-info").mkdir()
    (tmp_path / "swinlib-0.0.9.dist-info" / "METADATA").write_text(STALE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.slow
def test_stale_install_does_not_mislead(stale_install):
    command = [sys.executable, "-m", "swinlib.doctor"]
    environment = {**os.environ, "PYTHONPATH": str(stale_install)}
    said = subprocess.run(
        command, cwd=doctor.PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=60
    ).stdout
    assert f"ok       required versions: read from {doctor.PROJECT / 'pyproject.toml'}\n" in said
    assert "99" not in said


def test_without_the_project_the_versions_are_those_that_pip_wrote_down(stale_install, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "PROJECT", stale_install)
    assert doctor.read_project(stale_install) is None
    assert doctor.read_installed() == Needs(
        "what pip wrote down about swinlib 0.0.9",
        ">=3.11,<3.13",
        {"torch": ">=99", "torchvision": ">=0.24", "swinlib": "", "pyseccomp": ">=0.1.2"},
    )
    monkeypatch.setattr(doctor, "try_command", lambda command, seconds: (0, ""))
    assert doctor.main() == 1
    said = capsys.readouterr().out
    assert "required versions: read from what pip wrote down about swinlib 0.0.9\n" in said
    assert "99 or newer is needed" in said


def test_without_project_and_install_the_versions_are_unknown(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "PROJECT", tmp_path)
    monkeypatch.setattr(doctor, "read_installed", lambda: None)
    monkeypatch.setattr(doctor, "try_command", lambda command, seconds: (0, ""))
    assert doctor.main() == 1
    said = capsys.readouterr().out
    assert "MISSING  required versions: unknown: there is no pyproject.toml beside swinlib" in said
    assert "unknown  Python: " in said
    assert "-> Get the whole repository" in said


@pytest.mark.parametrize(
    "text",
    ['[project]\nname = "other"\nrequires-python = ">=3.8"\ndependencies = []\noptional-dependencies = {}\n', "[", ""],
    ids=["of another project", "broken", "empty"],
)
def test_project_of_somebody_else_is_not_read(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert doctor.read_project(tmp_path) is None


def test_python_without_tomllib_is_told_which_python_to_install(monkeypatch):
    """Python 3.10 has no tomllib; that it is too old has to be said nevertheless."""
    monkeypatch.setattr(doctor, "tomllib", None)
    needs = doctor.read_project(doctor.PROJECT)
    check = doctor.check_python("3.10", needs.python)
    assert check.found == "3.10, but 3.11 or newer is needed"


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
    assert f"required versions: read from {doctor.PROJECT / 'pyproject.toml'}\n" in result.stdout
    assert "MISSING  torch: not installed" in result.stdout
    install = doctor.how_to_install(platform.system(), doctor.has_nvidia_card())
    assert f"-> {install}" in result.stdout
    assert "Can this machine build the book: no, for lack of jupyter-book" in result.stdout


@pytest.mark.slow
def test_says_the_same_as_the_command_line():
    command = [sys.executable, "-m", "swinlib.doctor"]
    result = subprocess.run(command, cwd=doctor.PROJECT, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Can this machine build the book: yes" in result.stdout
    assert "Can it run the notebooks: yes" in result.stdout
