"""Verdicts on submissions, kept in files: what was graded once is not run again, and an interruption loses nothing.

A verdict holds as long as nothing has changed that it depends on: the student's code, the checks, the code of
`swinlib` that checks, and the seed of what is drawn.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .grading import Graded, Ran, Result
from .handed_in import solutions
from .wire import MOST_TEXT

CHECK_FAILED = "CheckFailed"  # the name of the error that a check cell shows, as in the student's own notebook


@dataclass(frozen=True)
class Assignment:
    """What is graded: the course's own notebook, and with which checks.

    Attributes:
        name: of the assignment.
        notebook: the name of its notebook, without the suffix.
        exercises: in their order, with their points.
        begun: by exercise, the cell that students got for it.
        checks: the name of a chapter, or the path of a Python file.
        names: by exercise, what its function is called, where a student has a variant of the own; then `begun` and the
            checks go by these names.
    """

    name: str
    notebook: str
    exercises: Mapping[str, float]
    begun: Mapping[str, str]
    checks: str
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def functions(self) -> list[str]:
        """What the functions to write are called, in the order of the exercises."""
        return [self.names.get(exercise, exercise) for exercise in self.exercises]

    @property
    def own(self) -> dict[str, object]:
        """What `grading.grade_many` has to know of a student with variants of the own."""
        return {"exercises": tuple(self.functions), "checks": self.checks, "begun": dict(self.begun)}

    def by_exercise(self, graded: Graded) -> Graded:
        """Grades that go by the names of functions, by those of the exercises."""
        exercises = {self.names.get(exercise, exercise): exercise for exercise in self.exercises}
        return replace(graded, results={exercises[name]: result for name, result in graded.results.items()})


def student_sources(notebook: NotebookNode) -> list[str]:
    """The code that runs in the sandbox, checks included: what they call there asks the grader."""
    return [cell.source for cell in _code_cells(notebook)]


def _code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def verdict_key(notebook: NotebookNode, assignment: Assignment, seed: int) -> str:
    """A digest of all that a verdict depends on."""
    checks = Path(assignment.checks)
    parts = [
        *student_sources(notebook),
        json.dumps(solutions(notebook)),
        json.dumps(dict(assignment.begun)),
        checks.read_text() if checks.is_file() else assignment.checks,
        _library(),
        str(seed),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@cache
def _library() -> str:
    """A digest of the code that says what is right: of swinlib, and of its checks."""
    root = Path(next(iter(importlib.util.find_spec("swinlib").submodule_search_locations)))
    files = [*sorted(root.glob("*.py")), *sorted((root / "check").glob("*.py")), root / "classroom" / "grading.py"]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


# Files ----------------------------------------------------------------------------------------------------------


def write_verdict(path: Path, key: str, graded: Graded) -> None:
    """Write a verdict, long texts clipped. The file is there at once and whole, or not at all."""
    data = asdict(clipped(graded))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_at_once(path, json.dumps({"key": key, **data}, indent=1, ensure_ascii=False))


def read_verdict(path: Path, key: str | None = None) -> Graded | None:
    """Read a verdict; None if there is none, or, where a key is given, none that still holds."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if key is not None and data["key"] != key:
            return None
        results = {name: Result(**result) for name, result in data["results"].items()}
        return Graded(results, tuple(Ran(**ran) for ran in data["ran"]), look=tuple(data["look"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def clipped(graded: Graded) -> Graded:
    """The same with texts of a length that a notebook can hold, and of characters that a file can."""
    results = {name: replace(result, message=clip(result.message)) for name, result in graded.results.items()}
    ran = (Ran(clip(ran.text), None if ran.error is None else clip(ran.error)) for ran in graded.ran)
    return replace(graded, results=results, ran=tuple(ran))


def clip(text: str, most: int = MOST_TEXT) -> str:
    """A text of at most so many characters; the end of a longer one is left out."""
    text = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return text if len(text) <= most else text[:most] + "\n... the rest is left out ..."


def write_at_once(path: Path, text: str) -> None:
    """Put a text into the place of a file, so that nobody ever finds half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


# Outputs --------------------------------------------------------------------------------------------------------


def show_verdict(notebook: NotebookNode, graded: Graded) -> None:
    """Put what the cells did, and the verdicts, into the outputs of a notebook, from which nbgrader takes the points.

    For nbgrader an error means no points, a number means that many, and anything else means all of them.
    """
    graded = clipped(graded)
    cells = _code_cells(notebook)
    ran = [*graded.ran, *[Ran()] * (len(cells) - len(graded.ran))]
    for cell, did in zip(cells, ran, strict=False):
        cell.outputs = _outputs_of(did)
    for cell in notebook.cells:
        if _is_check(cell):
            name = cell.metadata.nbgrader.grade_id.removeprefix("check_")
            result = graded.results.get(name, Result(False, 0.0, f"{name}: there is no verdict on it."))
            cell.outputs = _verdict_outputs(result, float(cell.metadata.nbgrader.points))


def _is_check(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def _outputs_of(did: Ran) -> Sequence[NotebookNode]:
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=did.text)] if did.text else []
    if did.error is not None:
        kind, _, message = did.error.partition(": ")
        outputs.append(nbformat.v4.new_output("error", ename=kind, evalue=message, traceback=[did.error]))
    return outputs


def _verdict_outputs(result: Result, points: float) -> Sequence[NotebookNode]:
    credit = min(1.0, max(0.0, result.credit))
    if not result.passed and not credit:
        return [nbformat.v4.new_output("error", ename=CHECK_FAILED, evalue=result.message, traceback=[result.message])]
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=result.message)]
    if not result.passed:
        number = {"text/plain": str(round(credit * points, 4))}
        outputs.append(nbformat.v4.new_output("execute_result", data=number, execution_count=1))
    return outputs


def message_of(cell: NotebookNode) -> str:
    """What a check cell of a graded notebook says."""
    texts = (output.get("text", output.get("evalue")) for output in cell.get("outputs", []))
    return next((text for text in texts if text), "")
