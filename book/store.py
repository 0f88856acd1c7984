"""Run the notebooks of the book and store their outputs.

    python book/store.py          all of them
    python book/store.py 07 01    those whose names begin so (paths do too)

Each notebook runs in its own folder, in a fresh kernel of the Python that runs
this command. A notebook that fails keeps its old file; the command names the
notebook and its error, goes on with the others, and ends with status 1. What
differs from run to run without meaning anything (times, widget ids, folders of
this machine) is not stored, so a second run changes no byte. Nothing is fixed
that the tests leave free, the hash seed for one: an output that depends on it
should be seen to change.
"""

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import (
    CellControlSignal,
    CellExecutionError,
    DeadKernelError,
)
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from tqdm import tqdm
from traitlets import default

BOOK = Path(__file__).resolve().parent

KERNELSPEC = {
    "display_name": "Python 3",
    "language": "python",
    "name": "python3",
}
LANGUAGE = {"name": "python"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# What editors and kernels write into a cell's metadata while somebody works
# with it.
VOLATILE_CELL_METADATA = {
    "ExecuteTime",
    "collapsed",
    "execution",
    "scrolled",
    "vscode",
}


class OwnKernelManager(AsyncKernelManager):
    """Starts the kernel of this Python, not one installed as ``python3``."""

    @default("kernel_spec_manager")
    def _no_installed_kernels(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


def find_notebooks(names: Iterable[str], book: Path = BOOK) -> list[Path]:
    """Return the notebooks that the names mean, in the order of the book.

    Args:
        names: beginnings of file names, or paths; none means all.
        book: folder of the notebooks.

    Raises:
        ValueError: if a name means no notebook.
    """
    hidden = (".", "_")
    known = sorted(
        path
        for path in book.rglob("*.ipynb")
        if not any(
            part.startswith(hidden) for part in path.relative_to(book).parts
        )
    )
    names = list(names)
    chosen: set[Path] = set() if names else set(known)
    for name in names:
        meant = [
            path
            for path in known
            if path.name.startswith(name) or path == Path(name).resolve()
        ]
        if not meant:
            listed = ", ".join(path.stem for path in known) or "none"
            raise ValueError(
                f"no notebook of the book begins with {name!r}. "
                f"There are: {listed}."
            )
        chosen.update(meant)
    return [path for path in known if path in chosen]


def read(path: Path) -> NotebookNode:
    """Read a notebook and give an id to each cell without one of its own."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["nbformat_minor"] = max(5, raw.get("nbformat_minor", 0))
    taken: set[str] = set()
    for number, cell in enumerate(raw["cells"], start=1):
        cell_id = cell.get("id") or f"cell-{number}"
        while cell_id in taken:
            cell_id += "-again"
        cell["id"] = cell_id
        taken.add(cell_id)
    return nbformat.reads(json.dumps(raw), as_version=4)


def run(notebook: NotebookNode, folder: Path, timeout: int) -> NotebookNode:
    """Run all cells in ``folder`` and return the notebook with its outputs.

    Args:
        notebook: is changed.
        folder: working directory of the kernel.
        timeout: seconds that one cell may take.

    Raises:
        CellExecutionError, CellControlSignal, DeadKernelError: from the first
        cell that fails.
    """
    client = NotebookClient(
        notebook,
        kernel_manager_class=OwnKernelManager,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        timeout=timeout,
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    # Several threads add up in any order, and what is trained differs by it.
    return client.execute(env={**os.environ, "OMP_NUM_THREADS": "1"})


def shorten_paths(text: str) -> str:
    """Cut the part before a package or the project off the paths in a text."""
    folder = r"(?:~|[A-Za-z]:)?[/\\][^\s'\"(\x1b]*[/\\]"
    text = re.sub(
        folder + r"(?=(?:site|dist)-packages\b|lib[/\\]python3\.\d+\b)",
        "",
        text,
    )
    project = str(BOOK.parent)
    for root in (project, project.replace(str(Path.home()), "~", 1)):
        text = text.replace(root + os.sep, "")
    return text


def tidy_output(output: NotebookNode) -> NotebookNode | None:
    """Return the output as it is stored, or None if nothing is left of it."""
    output = NotebookNode(output)
    if "data" in output:
        # A widget's view is an id that lives as long as its kernel; pages show
        # the HTML beside it.
        output.data = NotebookNode(
            {
                mime: data
                for mime, data in output.data.items()
                if mime != WIDGET_VIEW
            }
        )
        output.metadata = NotebookNode(
            {k: v for k, v in output.metadata.items() if k != WIDGET_VIEW}
        )
        return output if output.data else None
    if output.output_type == "error":
        output.traceback = [shorten_paths(line) for line in output.traceback]
    return output


def tidy_cell(cell: NotebookNode) -> NotebookNode:
    """Return the cell as it is stored."""
    cell = NotebookNode(cell)
    cell.metadata = NotebookNode(
        {
            k: v
            for k, v in cell.metadata.items()
            if k not in VOLATILE_CELL_METADATA
        }
    )
    if cell.cell_type == "code":
        cell.outputs = [
            kept
            for output in cell.outputs
            if (kept := tidy_output(output)) is not None
        ]
    return cell


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of the notebook without what changes from run to run."""
    metadata = {k: v for k, v in notebook.metadata.items() if k != "widgets"}
    metadata |= {"kernelspec": KERNELSPEC, "language_info": LANGUAGE}
    return nbformat.from_dict(
        {
            "cells": [tidy_cell(cell) for cell in notebook.cells],
            "metadata": metadata,
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def write(notebook: NotebookNode, path: Path) -> bool:
    """Write the notebook whole or not at all; return whether it changed."""
    nbformat.validate(notebook)
    text = nbformat.writes(notebook).rstrip("\n") + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    # The folder lies beside the file, so that moving is one step; it goes, with
    # what is in it, whatever happens.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        new = Path(folder, path.name)
        new.write_text(text, encoding="utf-8", newline="\n")
        os.replace(new, path)
    return True


def store(path: Path, timeout: int = 600) -> bool:
    """Run one notebook and store its outputs; return whether it changed."""
    return write(tidy(run(read(path), path.parent, timeout)), path)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    about, _, details = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about,
        epilog=details,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "chapter",
        nargs="*",
        help="beginning of a notebook's name, or its path (default: all)",
    )
    parser.add_argument(
        "--timeout",
        type=int,
        default=600,
        help="seconds that one cell may take (default: 600)",
    )
    options = parser.parse_args(arguments)
    try:
        notebooks = find_notebooks(options.chapter)
    except ValueError as error:
        parser.error(str(error))

    failed = []
    bar = tqdm(notebooks, unit="notebook", disable=None)
    for path in bar:
        bar.set_description(path.stem)
        try:
            changed = store(path, options.timeout)
        except (
            CellExecutionError,
            CellControlSignal,
            DeadKernelError,
        ) as error:
            failed.append(path)
            tqdm.write(
                f"{path.stem}: FAILED, its file is as it was.\n"
                f"{strip_ansi(str(error))}",
                file=sys.stderr,
            )
        else:
            tqdm.write(f"{path.stem}: {'stored' if changed else 'unchanged'}")
    if failed:
        print(
            f"Not stored: {', '.join(path.stem for path in failed)}",
            file=sys.stderr,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
