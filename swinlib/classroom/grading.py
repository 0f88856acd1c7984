"""Verdicts on what students handed in: their code runs in a sandbox, the verdict is reached here.

What crosses the border is a case on the way in, and plain data on the way out (see `wire`). Whether it is right is
decided by the check, in this process, which the student's code cannot reach.

A notebook is graded as it runs, from top to bottom: where it calls a check, the function is tried in the state that the
notebook has there, and once more what bears its name at the end. What is right at any of these places is right.
"""

import contextlib
import itertools
import multiprocessing
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import torch

from swinlib import check
from swinlib.check.exercise import ENDED, UNDEFINED, UNWRITTEN, Case, Exercise, Outcome, alike

from .look import bound, reaches_for
from .sandbox import EndedError, Limits, NoSandboxError, OutOfTimeError, Sandbox
from .there import answer_in
from .wire import MOST_TEXT

if TYPE_CHECKING:
    from .cluster import Cluster

__all__ = ["Graded", "Limits", "NoSandboxError", "Ran", "Result", "grade_cells", "grade_many"]

TOGETHER = 6  # times the patience for one question: seconds on the clock for a whole submission
MOST_RESTARTS = 12
MOST_CHECKS = 20  # of one exercise that are listened to
MOST_MESSAGE = 4000  # characters
USED_UP = "the time for one submission was used up before this"
ELSEWHERE = "in another process the same arguments give something else; only the arguments may decide"


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
        look: what the code reaches for that no exercise needs, see `look`.
    """

    results: dict[str, Result]
    ran: tuple[Ran, ...]
    out_of_time: bool = False
    look: tuple[str, ...] = ()


def grade_many(
    submissions: Mapping[str, Sequence[str]],
    exercises: Sequence[str],
    *,
    checks: str,
    seed: int,
    begun: Mapping[str, str] | None = None,
    processes: int = 2,
    limits: Limits | None = None,
    unsafe: bool = False,
    cluster: "Cluster | None" = None,
    own: Mapping[str, Mapping[str, object]] | None = None,
) -> Iterator[tuple[str, Graded]]:
    """Grade submissions, several at a time.

    One that was stopped by the clock is tried once more when all others are done: it may have run beside another that
    kept the machine busy.

    Args:
        submissions: the sources of a notebook's code cells, in order, by any name.
        exercises: names of those to grade.
        checks: where they are defined, see `swinlib.check.load`.
        seed: of what the checks draw; the same seed gives the same grades.
        begun: by exercise, the cell that was handed out.
        processes: how many are graded at the same time.
        limits: what each sandbox may take.
        unsafe: run the code as an ordinary process, where it can do all that you can.
        cluster: whose workers grade instead of this machine; ``processes`` and ``unsafe`` mean nothing there.
        own: by name, the ``exercises``, ``checks`` and ``begun`` of those who have others than the class.

    Yields:
        Name and grades of each, as soon as they are known, in any order.

    Raises:
        NoSandboxError: if there is no sandbox here, and ``unsafe`` is not set.
        ClusterError: if the cluster cannot grade.
    """
    options = {"checks": checks, "seed": seed, "begun": begun, "limits": limits}
    if cluster is not None:
        with cluster.job(exercises, **options) as job:
            yield from _twice_if_late(partial(job.grade, own=own), submissions)
        return
    whole = partial(grade_cells, exercises=tuple(exercises), unsafe=unsafe, **options)
    grade = {name: partial(whole, **(own or {}).get(name, {})) for name in submissions}
    yield from _twice_if_late(partial(_each, grade, processes=processes), submissions)


def _twice_if_late(
    each: Callable[[dict[str, tuple[str, ...]]], Iterator[tuple[str, Graded]]], submissions: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, Graded]]:
    again = {}
    for name, graded in each({name: tuple(cells) for name, cells in submissions.items()}):
        if graded.out_of_time:
            again[name] = tuple(submissions[name])
        else:
            yield name, graded
    yield from each(again)


def _each(
    grade: Mapping[str, partial], submissions: dict[str, tuple[str, ...]], processes: int
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
                exercises = grade[alone[0]].keywords["exercises"]
                yield alone[0], _not_graded(exercises, "the grader itself ended while looking at this")
                del left[alone[0]]
            else:
                alone = list(left)[:processes]
                continue
        alone = alone[1:]


def _in_a_pool(grade: Mapping[str, partial], submissions: Mapping[str, tuple[str, ...]], processes: int) -> Iterator:
    pool = ProcessPoolExecutor(
        min(processes, len(submissions)), mp_context=multiprocessing.get_context("spawn"), initializer=_begin_process
    )
    try:
        names = {pool.submit(grade[name], cells): name for name, cells in submissions.items()}
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
    begun: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    unsafe: bool = False,
) -> Graded:
    """Grade one submission; see `grade_many`.

    A cell that ends the process is left out from then on, and where a call ended it nothing is called again: the rest
    is graded in a fresh sandbox.

    Args:
        cells: the sources of its code cells, in order.
        exercises: names of those to grade.
        checks: where they are defined.
        seed: of what the checks draw.
        begun: by exercise, the cell that was handed out. Where it is as it was, its exercise is not written yet.
        limits: what a sandbox may take.
        unsafe: run the code as an ordinary process.
    """
    known = check.load(checks)
    if unknown := sorted(set(exercises) - set(known)):
        raise ValueError(f"{checks!r} has no exercise {unknown[0]!r}; it has {', '.join(known)}")
    asked = {name: known[name] for name in exercises}
    try:
        with _Submission(tuple(cells), asked, checks, seed, limits or Limits(), unsafe) as submission:
            results = submission.grade()
            submission.stop()
            results |= submission.elsewhere()
            for name in unwritten(cells, begun or {}):
                if name in results and not results[name].passed:
                    results[name] = Result(False, 0.0, f"{name}: {UNWRITTEN}")
            look = tuple(reaches_for(cells, {name: exercise.without for name, exercise in asked.items()}))
            return Graded(results, submission.what_ran(), submission.out_of_time, look)
    except NoSandboxError:
        raise
    except Exception as error:  # whatever one student wrote, the class is graded
        return _not_graded(exercises, f"the grader itself failed at this ({type(error).__name__})")


def unwritten(cells: Sequence[str], begun: Mapping[str, str]) -> set[str]:
    """The exercises whose function is bound nowhere but in the cell that was handed out, which is as it was."""
    named = [(cell.strip(), bound(cell)) for cell in cells]
    return {
        name
        for name, handed_out in begun.items()
        if any(source == handed_out.strip() for source, _ in named)
        and not any(name in names for source, names in named if source != handed_out.strip())
    }


@dataclass(frozen=True)
class _Standing:
    """What is known of an exercise so far.

    Attributes:
        result: the best verdict; of equal ones the last that says more than that nothing is there.
        says: 0 if there was no function to call, or it was not written; 1 if calling it ended the process; else 2.
        case: the smallest that failed, and ...
        wrong: what was wrong there. What still fails like this needs no further trial.
        gave: what of a right answer every process must give alike.
    """

    result: Result
    says: int
    case: Case | None = None
    wrong: str | None = None
    gave: tuple[Outcome, ...] = ()

    @property
    def worth(self) -> tuple[float, int]:
        return self.result.credit, self.says


Place = tuple[int, int]  # the number of a cell, and of the check that is called in it


@dataclass
class _Submission:
    """A student's notebook, run in a sandbox, and run again in another where one has ended."""

    cells: tuple[str, ...]
    exercises: Mapping[str, Exercise]
    checks: str
    seed: int
    limits: Limits
    unsafe: bool
    ran: dict[int, Ran] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)  # cells that ended a sandbox
    standing: dict[str, _Standing] = field(default_factory=dict)
    told: dict[Place, tuple[bool | None, str]] = field(default_factory=dict)  # what each check was told
    checks_called: Counter[str] = field(default_factory=Counter)
    box: Sandbox | None = None
    restarts: int = -1
    out_of_time: bool = False
    begun: float = field(default_factory=time.monotonic)
    server: int = 0  # that its sandboxes are forked from

    def __enter__(self) -> "_Submission":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self.box is not None:
            self.box.stop()
            self.box = None

    @property
    def lives(self) -> bool:
        """Whether there is a sandbox in which something can be asked."""
        return self.box is not None and self.box.process is not None

    def what_ran(self) -> tuple[Ran, ...]:
        return tuple(self.ran.get(number, Ran(error=USED_UP)) for number in range(len(self.cells)))

    def grade(self) -> dict[str, Result]:
        """Run the notebook, ask at its end what is not right yet, and give the results."""
        with contextlib.suppress(EndedError):
            self.running()
        # what ended a sandbox comes last, since it will probably do so again
        for name in sorted(self.exercises, key=lambda name: name in self.standing and self.standing[name].says == 1):
            self.ask_about(name)
        return {name: self.standing[name].result for name in self.exercises}

    def ask_about(self, name: str) -> Result:
        """Try an answer in the present state of the notebook, unless one was right before, and say how it was."""
        before = self.standing.get(name)
        if before is not None and before.result.passed:
            return before.result
        exercise, end = self.exercises[name], time.monotonic() + self.limits.patience
        ended: list[Outcome] = []

        def attempt(case: Case, probe: Callable | None = None) -> Outcome:
            if ended:  # one call has told enough: no smaller input is worth another sandbox
                return ended[0]
            try:
                self.must_have_time()
                if time.monotonic() > end:
                    raise OutOfTimeError(f"its calls took more than {self.limits.patience:g} seconds together")
                with answer_in(self.running(), name, end) as answer:
                    if isinstance(answer, str):
                        return Outcome(error=UNDEFINED, message=answer)
                    outcome = exercise.attempt(answer, case, probe=probe)
                return replace(outcome, message=outcome.message[:MOST_MESSAGE])
            except EndedError as error:
                self.out_of_time |= isinstance(error, OutOfTimeError)
                ended.append(Outcome(error=ENDED, message=str(error)))
                return ended[0]

        now = self.standing_of(exercise, attempt, before)
        if before is None or now.worth >= before.worth:
            self.standing[name] = now
        return now.result

    def standing_of(self, exercise: Exercise, attempt: Callable[..., Outcome], before: _Standing | None) -> _Standing:
        name = exercise.name
        try:
            failed = before and before.case
            if failed is not None and exercise.problem(attempt(failed), failed) == before.wrong:
                return before
            verdict = exercise.examine(attempt, seed=self.seed)
            # an answer may count its calls, and change when it thinks that it was asked often enough
            if verdict.passed and any(exercise.problem(attempt(case), case) for case in exercise.asked_again):
                return _Standing(Result(False, 0.0, f"{name}: asked the same again, it gave another answer"), 2)
            result = Result(verdict.passed, verdict.credit, verdict.message[:MOST_MESSAGE], verdict.mistake)
            if verdict.passed:
                return _Standing(result, 2, gave=_given(exercise, attempt))
            if verdict.case is None:
                return _Standing(result, int(verdict.error == ENDED))
            return _Standing(result, 2, verdict.case, exercise.problem(attempt(verdict.case), verdict.case))
        except NoSandboxError:
            raise
        except Exception as error:  # by a result that neither the wire nor the judge thought of
            return _Standing(Result(False, 0.0, f"{name}: the result could not be judged ({type(error).__name__})"), 2)

    def elsewhere(self) -> dict[str, Result]:
        """What becomes of right answers that another process does not give alike."""
        gave = {name: standing.gave for name, standing in self.standing.items() if standing.gave}
        if not gave:
            return {}
        exercises = {name: self.exercises[name] for name in gave}
        with _Elsewhere(self.cells, exercises, self.checks, self.seed, self.limits, self.unsafe, gave=gave) as again:
            results = again.grade()
        self.out_of_time |= again.out_of_time
        return {name: result for name, result in results.items() if not result.passed}

    def must_have_time(self) -> None:
        """Raise `OutOfTimeError` where nothing more is to be begun for this submission."""
        if time.monotonic() > self.begun + TOGETHER * self.limits.patience or self.restarts > MOST_RESTARTS:
            raise OutOfTimeError(USED_UP)

    def running(self) -> Sandbox:
        """A sandbox in which all cells have run that do not end it; or that is in the middle of one, at a check.

        Raises:
            EndedError: if there is no time left for it.
        """
        while not self.lives:
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
        self.box = Sandbox(limits=self.limits, unsafe=self.unsafe, server=self.server)
        try:
            self.box.start()
        except NoSandboxError:
            if self.restarts == 0:
                raise
            raise EndedError("its sandbox could not be started again") from None

    def run(self, number: int) -> bool:
        """Run a cell; false if it ended the sandbox."""
        places = itertools.count()
        at_a_check = False

        def on_check(name: object) -> tuple[bool | None, str]:
            nonlocal at_a_check
            at_a_check = True
            said = self.checked((number, next(places)), name)
            at_a_check = False
            return said

        try:
            self.ran[number] = _ran(self.box.ask("run", self.cells[number], on={"check": on_check}))
            return True
        except EndedError as error:
            self.out_of_time |= isinstance(error, OutOfTimeError)
            if not at_a_check:  # else it runs again, and nothing is called there
                self.left_out.add(number)
                self.ran[number] = Ran(error=str(error))
            return False

    def checked(self, place: Place, name: object) -> tuple[bool | None, str]:
        """What a check should say that the student's code calls: whether it is right, or None for nothing; and a word.

        Raises:
            EndedError: if a call ended the sandbox.
        """
        if name not in self.exercises:
            return None, ""
        if place not in self.told:
            self.told[place] = None, ""
            self.checks_called[name] += 1
            if self.checks_called[name] <= MOST_CHECKS:
                result = self.ask_about(name)
                if not self.lives:
                    raise EndedError("a call ended it")
                self.told[place] = result.passed, result.message
        return self.told[place]


@dataclass
class _Elsewhere(_Submission):
    """The same notebook, run in another process, where right answers are to give what they gave before."""

    server: int = 1
    gave: Mapping[str, tuple[Outcome, ...]] = field(kw_only=True)

    def standing_of(self, exercise: Exercise, attempt: Callable[..., Outcome], before: _Standing | None) -> _Standing:
        now = _given(exercise, attempt)
        if len(now) == len(self.gave[exercise.name]) and all(map(alike, now, self.gave[exercise.name])):
            return _Standing(Result(True, 1.0, exercise.name), 2)
        return _Standing(Result(False, 0.0, f"{exercise.name}: {ELSEWHERE}"), 2)


def _given(exercise: Exercise, attempt: Callable[..., Outcome]) -> tuple[Outcome, ...]:
    """What of an answer every process must give alike; nothing for most exercises."""
    if exercise.everywhere is None:
        return ()
    return tuple(attempt(case, exercise.everywhere) for case in exercise.asked_again)


def _ran(answer: object) -> Ran:
    if not isinstance(answer, dict):
        return Ran()
    text, error = answer.get("text"), answer.get("error")
    return Ran(
        text[:MOST_TEXT] if isinstance(text, str) else "", error[:MOST_MESSAGE] if isinstance(error, str) else None
    )
