"""Virtual environments that hold what a user gets who types ``pip install ".[extra]"``, and nothing else.

To fetch and unpack PyTorch again for each extra would take minutes, so only swinlib itself is installed by pip, from a
wheel that is built for it. Its requirements are read from that wheel, those of its requirements from their own
metadata, and so on; the files of these distributions are linked to where the running Python has them. What no
requirement names is not there, whatever the running Python has.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PACKAGED = ("pyproject.toml", "README.md", "LICENSE", "swinlib")
SCRIPT = "#!{python}\nimport sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n"


def copy_project(folder: Path) -> Path:
    """Copy what belongs to the package, so that building it writes nothing beside it."""
    folder.mkdir(parents=True)
    for name in PACKAGED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def build_wheel(project: Path) -> Path:
    """Build the wheel of a project with the running Python's setuptools, and return it."""
    _pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(project / "dist"), str(project))
    [wheel] = (project / "dist").glob("*.whl")
    return wheel


def make(folder: Path, package: Path, extras: Iterable[str], *, from_index: bool = False) -> Path:
    """Make an environment with a package and extras of it, and return its Python.

    Args:
        folder: of the environment, which is made.
        package: its wheel, or the folder of its project.
        extras: of the package.
        from_index: let pip fetch all requirements, as a user does, instead of linking them.
    """
    venv.create(folder, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if from_index:
        _pip("--python", str(python), "install", f"{package}[{','.join(extras)}]")
        return python
    _pip("--python", str(python), "install", "--no-deps", "--no-index", str(package))
    site = Path(_answer(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    [installed] = importlib.metadata.distributions(name="swinlib", path=[str(site)])
    for distribution in required(installed, extras):
        link(distribution, site, python)
    return python


def required(installed: Distribution, extras: Iterable[str]) -> list[Distribution]:
    """All distributions that one needs with its extras, directly or not, as the running Python has them.

    Raises:
        LookupError: if one of them is not there, or not in the version that is asked for.
    """
    found = {canonicalize_name(installed.name): installed}
    seen, waiting = set(), [(canonicalize_name(installed.name), extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for line in found[name].requires or []:
            requirement = Requirement(line)
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            needed = canonicalize_name(requirement.name)
            if needed not in found:
                found[needed] = _in_running_python(requirement, name)
            waiting += [(needed, wanted) for wanted in ("", *requirement.extras)]
    return [distribution for distribution in found.values() if distribution is not installed]


def _in_running_python(requirement: Requirement, asked_by: str) -> Distribution:
    try:
        distribution = importlib.metadata.distribution(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        raise LookupError(
            f"{asked_by} needs {requirement}, which is not installed: requirements.txt lacks it"
        ) from None
    if not requirement.specifier.contains(distribution.version, prereleases=True):
        raise LookupError(f"{asked_by} needs {requirement}, and {distribution.version} is installed")
    return distribution


def link(distribution: Distribution, site: Path, python: Path) -> None:
    """Link the files of a distribution into another folder of packages, and write the commands that it offers."""
    for file in distribution.files or []:
        if file.is_absolute() or ".." in file.parts:
            continue  # commands, which are written below, and manuals
        target = site / file
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            target.symlink_to(distribution.locate_file(file))
    for entry in distribution.entry_points.select(group="console_scripts"):
        command = python.parent / entry.name
        command.write_text(SCRIPT.format(python=python, module=entry.module, function=entry.attr), encoding="utf-8")
        command.chmod(0o755)


def bare_environment(**more: str) -> dict[str, str]:
    """This process's variables without those that would lend another Python something."""
    lent = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    return {**{name: value for name, value in os.environ.items() if name not in lent}, "PYTHONNOUSERSITE": "1", **more}


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", *arguments]
    result = subprocess.run(command, env=bare_environment(), capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"pip {' '.join(arguments)} failed:\n{result.stdout}{result.stderr}")


def _answer(python: Path, code: str) -> str:
    command = [str(python), "-c", code]
    return subprocess.run(command, env=bare_environment(), capture_output=True, text=True, check=True).stdout.strip()
