"""Verdicts on what students handed in: their code runs in a sandbox, the verdict is reached here.

What crosses the border is a case on the way in, and plain data on the way out (see `wire`). Whether it is right is
decided by the check, in this process, which the student's code cannot reach.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial

import torch

from swinlib import check
from swinlib.check.exercise import ENDED, Case, Exercise, Outcome

from .sandbox import EndedError, Limits, NoSandboxError, OutOfTimeError, Sandbox
from .wire import MOST_TEXT

__all__ = ["Graded", "Limits", "NoSandboxError", "Ran", "Result", "grade_cells", "grade_many"]

TOGETHER = 6  # times the patience for one question: seconds on the clock for a whole submission
MOST_RESTARTS = 12
MOST_MESSAGE = 4000  # characters
USED_UP = "the time for one submission was used up before this"


@dataclass(frozen=True)
class Result:
    """The verdict on one exercise.

    Attributes:
        passed: right on all inputs.
        credit: share of the points, from 0 to 1.
        message: what to tell the student.
        mistake: name of the known mistake that the answer agrees with, if any.
    """

    passed: bool
    credit: float
    message: str
    mistake: str | None = None


@dataclass(frozen=True)
class Ran:
    """What one code cell did: what it printed, and its error in one line."""

    text: str = ""
    error: str | None = None


@dataclass(frozen=True)
class Graded:
    """The grades of one submission.

    Attributes:
        results: by exercise.
        ran: what each cell did, in their order.
        out_of_time: whether something was stopped by the clock, which is not always the student's fault.
    """

    results: dict[str, Result]
    ran: tuple[Ran, ...]
    out_of_time: bool = False


def grade_many(
    submissions: Mapping[str, Sequence[str]],
    exercises: Sequence[str],
    *,
    checks: str,
    seed: int,
    processes: int = 2,
    limits: Limits | None = None,
    unsafe: bool = False,
) -> Iterator[tuple[str, Graded]]:
    """Grade submissions, several at a time.

    One that was stopped by the clock is tried once more when all others are done: it may have run beside another that
    kept the machine busy.

    Args:
        submissions: the sources of a notebook's code cells, in order, by any name.
        exercises: names of those to grade.
        checks: where they are defined, see `swinlib.check.load`.
        seed: of what the checks draw; the same seed gives the same grades.
        processes: how many are graded at the same time.
        limits: what each sandbox may take.
        unsafe: run the code as an ordinary process, where it can do all that you can.

    Yields:
        Name and grades of each, as soon as they are known, in any order.

    Raises:
        NoSandboxError: if there is no sandbox here, and ``unsafe`` is not set.
    """
    grade = partial(grade_cells, exercises=tuple(exercises), checks=checks, seed=seed, limits=limits, unsafe=unsafe)
    again = {}
    for name, graded in _each(grade, {name: tuple(cells) for name, cells in submissions.items()}, exercises, processes):
        if graded.out_of_time:
            again[name] = tuple(submissions[name])
        else:
            yield name, graded
    yield from _each(grade, again, exercises, processes)


def _each(
    grade: partial, submissions: dict[str, tuple[str, ...]], exercises: Sequence[str], processes: int
) -> Iterator[tuple[str, Graded]]:
    """Grade all, whatever happens to the processes that do it."""
    left = dict(submissions)
    alone: list[str] = []
    while left:
        # after a grader has died: those that may have been its work, each in a pool of its own
        batch = {name: left[name] for name in (alone[:1] or left)}
        try:
            for name, graded in _in_a_pool(grade, batch, processes):
                del left[name]
                yield name, graded
        except BrokenProcessPool:
            if alone:
                yield alone[0], _not_graded(exercises, "the grader itself ended while looking at this")
                del left[alone[0]]
            else:
                alone = list(left)[:processes]
                continue
        alone = alone[1:]


def _in_a_pool(grade: partial, submissions: Mapping[str, tuple[str, ...]], processes: int) -> Iterator:
    pool = ProcessPoolExecutor(
        min(processes, len(submissions)), mp_context=multiprocessing.get_context("spawn"), initializer=_begin_process
    )
    try:
        names = {pool.submit(grade, cells): name for name, cells in submissions.items()}
        for future in as_completed(names):
            yield names[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_process() -> None:
    # as in the sandbox: sums in the same order, and no threads of several graders on the same cores
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A pool does not end its processes when its own has been killed; their sandboxes end with them."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _not_graded(exercises: Sequence[str], why: str) -> Graded:
    return Graded({name: Result(False, 0.0, f"{name}: {why}") for name in exercises}, ())


def grade_cells(
    cells: Sequence[str],
    exercises: Sequence[str],
    *,
    checks: str,
    seed: int,
    limits: Limits | None = None,
    unsafe: bool = False,
) -> Graded:
    """Grade one submission; see `grade_many`.

    A cell that ends the process is left out from then on, and an exercise whose call ends it is not called again: the
    others are graded in a fresh sandbox.
    """
    known = check.load(checks)
    if unknown := sorted(set(exercises) - set(known)):
        raise ValueError(f"{checks!r} has no exercise {unknown[0]!r}; it has {', '.join(known)}")
    with _Submission(tuple(cells), checks, limits or Limits(), unsafe) as submission:
        results = {name: submission.grade(known[name], seed) for name in exercises}
        return Graded(results, submission.what_ran(), submission.out_of_time)


@dataclass
class _Submission:
    """A student's notebook, run in a sandbox, and run again in another where one has ended."""

    cells: tuple[str, ...]
    checks: str
    limits: Limits
    unsafe: bool
    ran: dict[int, Ran] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)  # cells that ended a sandbox
    box: Sandbox | None = None
    restarts: int = -1
    out_of_time: bool = False
    begun: float = field(default_factory=time.monotonic)

    def __enter__(self) -> "_Submission":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self.box is not None:
            self.box.stop()
            self.box = None

    def what_ran(self) -> tuple[Ran, ...]:
        return tuple(self.ran.get(number, Ran(error=USED_UP)) for number in range(len(self.cells)))

    def grade(self, exercise: Exercise, seed: int) -> Result:
        end = time.monotonic() + self.limits.patience
        ended: list[Outcome] = []

        def attempt(case: Case) -> Outcome:
            if ended:  # one call has told enough: no smaller input is worth another sandbox
                return ended[0]
            try:
                self.must_have_time()
                if time.monotonic() > end:
                    raise OutOfTimeError(f"its calls took more than {self.limits.patience:g} seconds together")
                return _outcome(self.running().ask("call", exercise.name, case))
            except EndedError as error:
                self.out_of_time |= isinstance(error, OutOfTimeError)
                ended.append(Outcome(error=ENDED, message=str(error)))
                return ended[0]

        try:
            verdict = exercise.examine(attempt, seed=seed)
            # an answer may count its calls, and change when it thinks that it was asked often enough
            changed = verdict.passed and any(exercise.problem(attempt(case), case) for case in exercise.asked_again)
        except NoSandboxError:
            raise
        except Exception as error:  # by a result that neither the wire nor the judge thought of
            return Result(False, 0.0, f"{exercise.name}: the result could not be judged ({type(error).__name__})")
        if changed:
            return Result(False, 0.0, f"{exercise.name}: asked the same again, it gave another answer")
        return Result(verdict.passed, verdict.credit, verdict.message[:MOST_MESSAGE], verdict.mistake)

    def must_have_time(self) -> None:
        """Raise `OutOfTimeError` where nothing more is to be begun for this submission."""
        if time.monotonic() > self.begun + TOGETHER * self.limits.patience or self.restarts > MOST_RESTARTS:
            raise OutOfTimeError(USED_UP)

    def running(self) -> Sandbox:
        """A sandbox in which all cells have run that do not end it.

        Raises:
            EndedError: if there is no time left for it.
        """
        while self.box is None or self.box.process is None:
            self.restarts += 1
            self.must_have_time()
            self.stop()
            self.start()
            for number in sorted(set(range(len(self.cells))) - self.left_out):
                self.must_have_time()
                if not self.run(number):
                    break
        return self.box

    def start(self) -> None:
        self.box = Sandbox(self.checks, limits=self.limits, unsafe=self.unsafe)
        try:
            self.box.start()
        except NoSandboxError:
            if self.restarts == 0:
                raise
            raise EndedError("its sandbox could not be started again") from None

    def run(self, number: int) -> bool:
        """Run a cell; false if it ended the sandbox."""
        try:
            self.ran[number] = _ran(self.box.ask("run", self.cells[number]))
            return True
        except EndedError as error:
            self.out_of_time |= isinstance(error, OutOfTimeError)
            self.left_out.add(number)
            self.ran[number] = Ran(error=str(error))
            return False


def _outcome(answer: object) -> Outcome:
    """What the worker says that a call gave; anything may stand there."""
    if not isinstance(answer, dict):
        return Outcome(error=ENDED, message="its process gave an answer that makes no sense")
    error, message = answer.get("error"), answer.get("message", "")
    if not isinstance(error, str | None) or not isinstance(message, str):
        return Outcome(error=ENDED, message="its process gave an answer that makes no sense")
    return Outcome(answer.get("value"), error, message[:MOST_MESSAGE])


def _ran(answer: object) -> Ran:
    if not isinstance(answer, dict):
        return Ran()
    text, error = answer.get("text"), answer.get("error")
    return Ran(
        text[:MOST_TEXT] if isinstance(text, str) else "", error[:MOST_MESSAGE] if isinstance(error, str) else None
    )
