"""Code and notebooks keep the style that pyproject.toml sets."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def ruff(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    """Run ruff and return what it says."""
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache"]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [("check",), ("format", "--check")], ids=["check", "format"])
def test_ruff_is_content(arguments):
    result = ruff(*arguments)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("arguments", [("check",), ("format", "--check")], ids=["check", "format"])
def test_ruff_reads_modules_and_notebooks(arguments):
    """The test above would pass if the settings left these out."""
    listed = ruff("check", "--show-files").stdout
    for name in ("swinlib/windows.py", "book/01_tour.ipynb", "book/store.py", "tests/test_style.py"):
        assert name in listed


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("check",), "import os\n"), (("format", "--check"), "x = {  'a':1 }\n")],
    ids=["check", "format"],
)
def test_ruff_reports_what_breaks_the_style(tmp_path, arguments, code):
    (tmp_path / "broken.py").write_text(code)
    result = ruff(*arguments, "--config", str(ROOT / "pyproject.toml"), "broken.py", cwd=tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr


@pytest.mark.slow
def test_mypy_is_content():
    """With what ``[tool.mypy]`` names: the public part, whose hints ``py.typed`` offers to others."""
    command = [sys.executable, "-m", "mypy", "--no-error-summary"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
