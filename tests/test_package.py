"""``import swinlib``: the same names however Python was started, each imported when it is asked for."""

import ast
import importlib.metadata
import os
import pickle
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

import swinlib

ROOT = Path(__file__).resolve().parents[1]
# `python -m swinlib.doctor` in a program that can then look round: its arguments are those of the command.
DOCTOR = ("-m", "swinlib.doctor")
RUN_DOCTOR = """
import runpy
try:
    runpy.run_module("swinlib.doctor", run_name="__main__", alter_sys=True)
except SystemExit as end:
    print("status", end.code)
"""


def python(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess:
    """Run a Python of its own in the folder of the project, with a folder of modules that go before the installed."""
    environment = {**os.environ, "PYTHONPATH": str(path or "")}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def no_torch(tmp_path):
    """Return a folder in which ``import torch`` fails as it does where torch is not installed."""
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n")
    return tmp_path


def names_for_type_checkers() -> dict[str, str]:
    """Return each name that ``if TYPE_CHECKING`` imports, with its module."""
    module = ast.parse(Path(swinlib.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in module.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module for node in imports for alias in node.names}


def test_type_checkers_see_the_names_that_python_sees():
    assert names_for_type_checkers() == swinlib._MODULE_OF


def test_no_name_is_that_of_a_module():
    """Importing the module would put it in the place of the name."""
    assert not set(swinlib._MODULES) & set(swinlib.__all__)


@pytest.mark.parametrize("name", swinlib.__all__)
def test_each_name_comes_from_its_module_and_can_be_pickled(name):
    value = getattr(swinlib, name)
    assert value is getattr(sys.modules[f"swinlib.{swinlib._MODULE_OF[name]}"], name)
    assert pickle.loads(pickle.dumps(value)) is value


def test_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'swinlib' has no attribute 'swin_x'"):
        swinlib.swin_x  # noqa: B018
    with pytest.raises(ImportError, match=r"cannot import name 'swin_x' from 'swinlib'"):
        exec("from swinlib import swin_x")


def test_star_gives_the_names_and_nothing_else():
    given: dict[str, object] = {}
    exec("from swinlib import *", given)
    assert set(given) - {"__builtins__"} == set(swinlib.__all__)


def test_import_is_quick_lists_all_and_loads_a_module_when_it_is_asked_for():
    code = """
import sys
import swinlib
assert "torch" not in sys.modules
assert {*swinlib.__all__, "windows", "checkpoints"} <= set(dir(swinlib))
assert swinlib.windows.__name__ == "swinlib.windows"
assert "torch" in sys.modules and "swinlib.checkpoints" not in sys.modules
"""
    result = python("-c", code)
    assert result.returncode == 0, result.stderr


def test_version_is_the_installed_one_and_hints_are_offered():
    assert swinlib.__version__ == importlib.metadata.version("swinlib")
    assert Path(swinlib.__file__).with_name("py.typed").exists()


def test_help_describes_classes_and_functions():
    text = pydoc.render_doc(swinlib, renderer=pydoc.plaintext)
    assert "class SwinTransformer(" in text
    assert "window_partition(" in text


@pytest.mark.slow
def test_names_do_not_depend_on_the_command_line():
    code = "import swinlib\nprint(all(callable(getattr(swinlib, name)) for name in swinlib.__all__))"
    result = python("-c", f"{RUN_DOCTOR}\n{code}", *DOCTOR)
    assert "Can it run the notebooks: yes" in result.stdout
    assert result.stdout.endswith("status 0\nTrue\n"), result.stdout + result.stderr


def test_doctor_reports_where_torch_cannot_be_imported(no_torch):
    result = python(*DOCTOR, path=no_torch)
    assert "MISSING  torch and torchvision together: ModuleNotFoundError: No module named 'torch'" in result.stdout
    assert "Can it run the notebooks: no, for lack of torch and torchvision together" in result.stdout
    assert result.returncode == 1, result.stderr


@pytest.mark.parametrize("arguments", [(), DOCTOR], ids=["python", "doctor"])
@pytest.mark.parametrize("use", ["swinlib.SwinTransformer", "swinlib.windows", "from swinlib import SwinTransformer"])
def test_name_that_cannot_be_imported_says_what_to_do(no_torch, use, arguments):
    result = python("-c", f"import swinlib\nprint('imported')\n{use}", *arguments, path=no_torch)
    assert result.stdout == "imported\n", result.stderr
    name = use.split()[-1].removeprefix("swinlib.")
    said = result.stderr.splitlines()[-1]
    assert said.startswith(f"ImportError: swinlib.{name} cannot be imported: No module named 'torch'. ")
    assert "`python -m swinlib.doctor`" in said
