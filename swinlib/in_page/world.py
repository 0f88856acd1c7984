"""The modules that a page's interpreter has beside its standard library, by name, with their source."""

from pathlib import Path

import swinlib

from .shortened import shortened

HERE = Path(__file__).resolve().parent
SWINLIB = HERE.parent

# The library as it is, as far as answers and judges ask for it.
AS_THEY_ARE = (
    *("arguments", "attention", "blocks", "exporting", "init", "model", "resampling", "segmentation", "windows"),
    *("answers/__init__", "answers/shown", "answers/snapshots", "check/exercise", "check/inputs", "check/judging"),
    *("in_page/__init__", "in_page/answering", "in_page/values", "in_page/verdict"),
)
INSTEAD = {"hypothesis": "hypothesis.py", "swinlib.answers.beside": "beside.py"}
LACKING = (
    *("numpy", "swinlib.checkpoints", "swinlib.data", "swinlib.figures"),
    *("torchvision", "torchvision.datasets", "torchvision.datasets.folder", "torchvision.models"),
    "torchvision.transforms",
)
# `swinlib/__init__.py` asks for its modules by a relative name, which not every interpreter resolves.
NAMES = """
MODULES = {modules!r}
MODULE_OF = {{name: module for module, names in MODULES.items() for name in names}}


def __getattr__(name):
    if name not in MODULE_OF and name not in MODULES:
        raise AttributeError(f"module 'swinlib' has no attribute {{name!r}}")
    module = __import__("swinlib." + MODULE_OF.get(name, name), fromlist=["*"])
    value = globals()[name] = module if name in MODULES else getattr(module, name)
    return value
"""


def _name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(chapter: str) -> dict[str, tuple[str, bool]]:
    """Source of each module, and whether it is a package.

    Args:
        chapter: whose checks are among them, such as ``"07_roll_and_shifted_windows"``.
    """
    paths = [SWINLIB / f"{name}.py" for name in (*AS_THEY_ARE, f"check/c{chapter}")]
    found = {_name(path, SWINLIB.parent): path for path in paths}
    found |= {_name(path, HERE): path for path in sorted((HERE / "torch").rglob("*.py"))}
    found |= {name: HERE / file for name, file in INSTEAD.items()}
    sources = {name: (path.read_text(encoding="utf-8"), path.name == "__init__.py") for name, path in found.items()}
    lacking = (HERE / "lacking.py").read_text(encoding="utf-8")
    sources |= dict.fromkeys(LACKING, (lacking, True))
    # What is not among the sources, such as swinlib.published, is not imported until it is asked for.
    return {**sources, "swinlib": (NAMES.format(modules=swinlib._MODULES), True), "swinlib.check": ("", True)}


LACKING_OF_PYTHON = ("hashlib", "random")  # they can be imported, and say so when they are used
# Modules of Python's standard library that a page has of us, as the interpreter's own are wrong or large; and one in
# JavaScript, which rounds.
LIBRARY = sorted((HERE / "library").iterdir())


def page_modules(chapter: str, *, mistakes: bool = False) -> dict[str, tuple[str, bool]]:
    """What a page has of `modules`, shortened.

    Args:
        chapter: whose checks are among them.
        mistakes: whether the checks know their mistakes, which a page does not need: it has what they answer.
    """
    left_out = () if mistakes else ("mistake", "picture")
    library = {path.stem: (path.read_text(encoding="utf-8"), False) for path in LIBRARY if path.suffix == ".py"}
    lacking = (HERE / "lacking.py").read_text(encoding="utf-8")
    library |= dict.fromkeys(LACKING_OF_PYTHON, (lacking, False))
    return {
        name: (shortened(source, left_out=left_out, keep_imports=is_package), is_package)
        for name, (source, is_package) in {**modules(chapter), **library}.items()
    }


def page_scripts() -> dict[str, str]:
    """Modules that are written in JavaScript, by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in LIBRARY if path.suffix == ".js"}
