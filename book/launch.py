"""Write the notebooks that the launch buttons open.

    python book/launch.py _build/launch

Colab gives a reader one notebook and nothing besides. So the buttons open
copies, from a branch of their own: a chapter with a first cell that fetches the
book and installs what is missing, and, for a page of exercises, its notebook to
fill in, with the same cell. Where nothing is missing, as on Binder, the cell
does nothing. ``.github/workflows/publish.yml`` puts them on that branch.

Which repository and which branch says ``repository`` in ``_config.yml``.
Without an address there are no buttons, and this command writes nothing.
"""

import argparse
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode

from swinlib.classroom.pages import read_page, student_notebook

BOOK = Path(__file__).resolve().parent
CONFIG = BOOK.parent / "_config.yml"
FIRST_CELL = """\
# Where swinlib is missing, as in Colab, this fetches the book, installs what
# its notebooks need and says what that is. Elsewhere it does nothing.
import importlib
import importlib.util
import os
import subprocess
import sys

if importlib.util.find_spec("swinlib") is None:
    book, branch = "{address}", "{branch}"
    print(f"Installing what is missing, from {{book}}: a minute or two.")
    clone = ["git", "clone", "--quiet", "--depth=1", f"--branch={{branch}}"]
    subprocess.run([*clone, book, "swin-book"], check=True)
    pip = [sys.executable, "-m", "pip", "install", "./swin-book[notebooks]"]
    result = subprocess.run(pip, check=True, stdout=subprocess.PIPE, text=True)
    lines = result.stdout.splitlines()
    print(*[line for line in lines if line.startswith("Successfully i")])
    importlib.invalidate_caches()
if os.path.isdir("swin-book/book"):
    os.chdir("swin-book/book")
"""


def repository() -> tuple[str, str]:
    """Return the address of the repository, empty if unknown, and a branch."""
    found = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["repository"]
    return found["url"].rstrip("/"), found["branch"]


def first_cell(address: str, branch: str) -> NotebookNode:
    """Return the cell that installs what is missing."""
    source = FIRST_CELL.format(address=address, branch=branch).rstrip()
    return nbformat.v4.new_code_cell(source, id="what-is-missing")


def notebooks() -> dict[Path, NotebookNode]:
    """Return what is to be launched, by its path below the repository.

    Chapters keep their outputs; exercises have no solutions.
    """
    found = {}
    for path in sorted(BOOK.glob("*.ipynb")):
        found[path.relative_to(BOOK.parent)] = nbformat.read(path, as_version=4)
    for path in sorted(BOOK.glob("exercises/*.ipynb")):
        notebook = student_notebook(read_page(path))
        found[path.relative_to(BOOK.parent)] = notebook
    return found


def write_notebooks(folder: Path, address: str, branch: str) -> list[Path]:
    """Write the notebooks below a folder, and return their paths."""
    written = []
    for name, notebook in notebooks().items():
        notebook.cells.insert(0, first_cell(address, branch))
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        written.append(path)
    return written


def main() -> None:
    """Write them into the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where they are written")
    folder = parser.parse_args().folder
    address, branch = repository()
    if not address:
        print("_config.yml has no repository.url: there is nothing to launch.")
        return
    written = write_notebooks(folder, address, branch)
    print(f"wrote {len(written)} notebooks below {folder}")


if __name__ == "__main__":
    main()
