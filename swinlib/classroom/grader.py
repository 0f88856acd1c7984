"""A process that grades one student after the other, and the texts in which it is told what to grade and says how.

A worker of a cluster starts it (see `cluster`), talks to it line by line, and ends it when the job is done, so that
nothing of a teacher's private checks outlives their use: they lie in a folder that nobody else may enter, and in this
process.

Both texts are JSON. The one that comes back was written beside code of students; `read_answer` takes nothing for
granted, and builds nothing but a `Graded`.
"""

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import queue
import re
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO

import torch

from . import grading
from .grading import MOST_MESSAGE, Graded, Limits, NoSandboxError, Ran, Result
from .handed_in import MAX_CODE, MAX_SOURCE
from .sandbox import UNSAFE, Sandbox
from .verdicts import _library
from .wire import MOST_TEXT

FOLDER = "swinlib-checks-"  # the beginning of the name of the folder in which private checks lie
IN_USE = "in-use"  # a file in it, locked as long as a grader lives
FILES = ("py", "toml")  # what private checks may be written in
READY = b"ready\n"
JOB = re.compile(r"[0-9a-f]{32}")
MOST_NAME = 200  # characters of the name of an exercise, or of a mistake
MOST_LOOK = 50_000  # entries of `Graded.look`
ESCAPED = 12  # characters of JSON for one that is written as a pair of escapes


class TextError(ValueError):
    """A text that no honest teacher, or no honest worker, sends."""


class RefusedError(RuntimeError):
    """A worker cannot grade anybody; the message says why, and which it is."""


class DiedError(RuntimeError):
    """The process that graded this student ended."""


@dataclass(frozen=True)
class Work:
    """What a worker is asked for.

    Attributes:
        job: 32 hexadecimal digits, the same for all students who are graded in one go.
        versions: of what a grade depends on, see `versions`.
        checks: the name of a chapter, or the text of a file of checks.
        file: what that text is written in, one of `FILES`; None for a chapter.
        exercises: names of those to grade.
        seed: of what the checks draw.
        begun: by exercise, the cell that was handed out.
        limits: what a sandbox may take.
        cells: the student's; None to ask only whether a student could be graded.
    """

    job: str
    versions: Mapping[str, str]
    checks: str
    file: str | None
    exercises: Sequence[str]
    seed: int
    begun: Mapping[str, str]
    limits: Limits
    cells: Sequence[str] | None = None


@functools.cache
def versions() -> dict[str, str]:
    """What must be equal on two machines for the same grades: swinlib's code, Python, and what draws and computes."""
    return {
        "swinlib": _library()[:12],
        "torch": torch.__version__.partition("+")[0],  # the teacher's may be built for another processor
        "hypothesis": version("hypothesis"),
        "Python": f"{sys.version_info.major}.{sys.version_info.minor}",
    }


# Texts ----------------------------------------------------------------------------------------------------------


def work_text(work: Work) -> str:
    """The text that is sent to a worker."""
    return json.dumps(dataclasses.asdict(work))


def read_work(text: str) -> Work:
    """What such a text asks for.

    Raises:
        TextError: if it is not one that `work_text` writes.
    """
    names = _table(_text(MOST_NAME), _text(MAX_CODE))
    fields = _fields(
        job=_text(32),
        versions=names,
        checks=_text(MAX_CODE),
        file=_maybe(_text(MOST_NAME)),
        exercises=_list(_text(MOST_NAME), MAX_CODE),
        seed=_whole,
        begun=names,
        limits=_fields(**dict.fromkeys((field.name for field in dataclasses.fields(Limits)), _amount)),
        cells=_maybe(_list(_text(MAX_CODE), MAX_CODE)),
    )
    told = fields(_parsed(text))
    if not JOB.fullmatch(told["job"]) or told["file"] not in (None, *FILES):
        raise TextError("a job or a kind of file that does not exist")
    return Work(**{**told, "limits": Limits(**told["limits"])})


def answer_text(graded: Graded) -> str:
    """The text that is sent back for a student who was graded."""
    return json.dumps({"graded": dataclasses.asdict(graded)})


def refusal_text(worker: str, message: str) -> str:
    """The text that is sent back by a worker that can grade nobody."""
    return json.dumps({"refused": {"worker": worker[:MOST_NAME], "message": message[:MOST_MESSAGE]}})


DIED = json.dumps({"died": True})


def read_answer(text: object, work: Work) -> Graded | None:
    """The grades of an answer; None if it only says that a student could be graded.

    Args:
        text: what came back; a worker may send anything.
        work: what it was asked for.

    Raises:
        TextError: if it is not what an honest worker answers to this.
        RefusedError: if the worker says that it can grade nobody.
        DiedError: if it says that its graders ended while they looked at this.
    """
    cells = work.cells or ()
    most = ESCAPED * ((len(cells) + len(work.exercises) + 2) * (MOST_TEXT + MOST_MESSAGE + 1000) + MAX_CODE)
    if type(text) is not str or len(text) > most:
        raise TextError(f"a {type(text).__name__} that is no text of at most {most} letters")
    told = _parsed(text)
    if told == {"died": True}:
        raise DiedError
    if isinstance(told, dict) and "refused" in told:
        refused = _fields(refused=_fields(worker=_text(MOST_NAME), message=_text(MOST_MESSAGE)))(told)["refused"]
        raise RefusedError(f"the worker {refused['worker']} refuses: {refused['message']}")
    if work.cells is None:
        if told != {"graded": None}:
            raise TextError("grades of nobody")
        return None
    return _graded(_fields(graded=_graded_fields)(told)["graded"], work)


def _graded(told: dict, work: Work) -> Graded:
    if set(told["results"]) != set(work.exercises):
        raise TextError("results of other exercises than were asked for")
    if len(told["ran"]) not in (0, len(work.cells)):  # none of whom the grader failed at
        raise TextError(f"what {len(told['ran'])} cells did, of {len(work.cells)}")
    results = {name: Result(**result) for name, result in told["results"].items()}
    if any(result.passed and result.credit != 1 for result in results.values()):
        raise TextError("a right answer without all of its credit")
    ran = tuple(Ran(**ran) for ran in told["ran"])
    return Graded(results, ran, told["out_of_time"], tuple(told["look"]))


Reader = Callable[[object], object]  # returns what it was given, or raises


def _parsed(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise TextError(f"{type(error).__name__} while it was read") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise TextError("a name that is there twice")
    return dict(pairs)


def _no_number(name: str) -> object:
    raise TextError(f"{name}, which is no number")


def _must(value: object, fits: bool, expected: str) -> object:
    if not fits:
        raise TextError(f"{type(value).__name__} instead of {expected}")
    return value


def _text(most: int) -> Reader:
    return lambda value: _must(value, type(value) is str and len(value) <= most, f"a text of at most {most} letters")


def _truth(value: object) -> object:
    return _must(value, type(value) is bool, "true or false")


def _whole(value: object) -> object:
    return _must(value, type(value) is int and 0 <= value < 2**64, "a whole number of at most 64 bits")


def _amount(value: object) -> object:
    return _must(value, type(value) in (int, float) and 0 < value < 2**64, "a positive number")


def _share(value: object) -> object:
    return _must(value, type(value) in (int, float) and 0 <= value <= 1, "a share from 0 to 1")


def _maybe(reader: Reader) -> Reader:
    return lambda value: None if value is None else reader(value)


def _list(reader: Reader, most: int) -> Reader:
    def read(value: object) -> list:
        _must(value, type(value) is list and len(value) <= most, f"a list of at most {most}")
        return [reader(entry) for entry in value]

    return read


def _table(key: Reader, reader: Reader) -> Reader:
    def read(value: object) -> dict:
        _must(value, type(value) is dict, "a table")
        return {key(name): reader(entry) for name, entry in value.items()}

    return read


def _fields(**readers: Reader) -> Reader:
    def read(value: object) -> dict:
        _must(value, type(value) is dict and value.keys() == readers.keys(), f"a table with {', '.join(readers)}")
        return {name: reader(value[name]) for name, reader in readers.items()}

    return read


_graded_fields = _fields(
    results=_table(
        _text(MOST_NAME),
        # a message that the grader writes begins with the name of the exercise
        _fields(
            passed=_truth, credit=_share, message=_text(MOST_MESSAGE + 2 * MOST_NAME), mistake=_maybe(_text(MOST_NAME))
        ),
    ),
    ran=_list(_fields(text=_text(MOST_TEXT), error=_maybe(_text(MOST_MESSAGE))), MAX_CODE),
    out_of_time=_truth,
    look=_list(_text(2 * MAX_SOURCE), MOST_LOOK),
)


# The process ----------------------------------------------------------------------------------------------------


def answer(text: str, folder: Path, worker: str) -> str:
    """Do what a text asks for, and say how it went; nothing is raised.

    Args:
        text: as `work_text` writes it.
        folder: where a file of checks is written.
        worker: its address, for a refusal.
    """
    try:
        work = read_work(text)
        if work.versions != versions():
            here, there = (", ".join(f"{name} {is_}" for name, is_ in of.items()) for of in (versions(), work.versions))
            message = f"it has {here}, and the teacher's machine {there}; install the same on both."
            return refusal_text(worker, message)
        checks = str(_written(work, folder)) if work.file else work.checks
        if work.cells is None:
            with Sandbox(limits=work.limits):
                return json.dumps({"graded": None})
        graded = grading.grade_cells(
            work.cells, tuple(work.exercises), checks=checks, seed=work.seed, begun=work.begun, limits=work.limits
        )
        return answer_text(graded)
    except NoSandboxError as error:
        return refusal_text(worker, str(error).partition(UNSAFE)[0].strip())  # no worker goes on without one
    except Exception as error:
        return refusal_text(worker, f"{type(error).__name__}: {error}")


_leaving = threading.Lock()  # held while the file is written, and from when the folder is removed


def _written(work: Work, folder: Path) -> Path:
    """The file of a teacher's own checks; the same text is written once, however many students are checked by it."""
    path = folder / f"checks-{hashlib.sha256(work.checks.encode()).hexdigest()[:16]}.{work.file}"
    with _leaving:
        if not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(work.checks)
    return path


def remove_what_is_left(parent: Path) -> None:
    """Remove folders of graders that were killed together with their worker, before either could do so.

    Args:
        parent: where they lie.
    """
    for folder in parent.glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid == os.geteuid() and not folder.is_symlink():
                with open(folder / IN_USE, "rb") as file:
                    _lock(file)
                    shutil.rmtree(folder)


def _lock(file: IO) -> None:
    """Lock a file as long as it is open; `OSError` if somebody else has."""
    import fcntl  # not on Windows, where a teacher may sit whose workers do not

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def make_folder() -> Path:
    """A folder for private checks, which nobody else may enter."""
    return Path(tempfile.mkdtemp(prefix=FOLDER))


def main() -> None:
    """Answer each line of the standard input by a line, until there are no more; the arguments are those of `answer`.

    Whoever started it ends it by closing its input, or by dying.
    """
    folder, worker = Path(sys.argv[1]), sys.argv[2]
    with open(folder / "new", "wb") as in_use:
        _lock(in_use)
        os.rename(folder / "new", folder / IN_USE)  # whoever finds it finds it locked
        remove_what_is_left(folder.parent)
        out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # whatever prints, it is no answer
        torch.set_num_threads(1)  # as in `grading._begin_process`
        asked: queue.SimpleQueue[str] = queue.SimpleQueue()
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=_leave, args=(folder,)).start())
        threading.Thread(target=_listen, args=(asked, folder), daemon=True).start()
        out.write(READY)
        out.flush()
        while True:
            out.write(answer(asked.get(), folder, worker).encode() + b"\n")
            out.flush()


def _listen(asked: queue.SimpleQueue, folder: Path) -> None:
    for line in sys.stdin.buffer:
        asked.put(line.decode())
    _leave(folder)


def _leave(folder: Path) -> None:
    with _leaving:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)  # in the middle of a student, too; their sandbox ends with this


if __name__ == "__main__":
    main()
