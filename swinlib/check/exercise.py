"""An exercise: the inputs it draws, the right answer, how to say what is wrong, and the mistakes that people make.

``check.window_partition(my_function)`` calls the learner's function on inputs that Hypothesis draws. If a result is
wrong, Hypothesis shrinks the input; the learner reads about the smallest one that fails. An answer that agrees with a
known mistake on all inputs is told which mistake it is.

A chapter's checks are defined like this::

    @exercise(swinlib.window_partition, rows=integers(1, 4), columns=integers(1, 4), window_size=integers(1, 4))
    def window_partition(rows, columns, window_size):
        return {"x": numbered(1, rows * window_size, columns * window_size, 1), "window_size": window_size}

    @window_partition.mistake
    def reshape_alone(x, window_size):
        \"\"\"It looks like a reshape without a permutation: strips, not squares, became windows.\"\"\"
        return x.reshape(-1, window_size, window_size, x.shape[-1])

What is drawn is a *case*: plain numbers and strings. The function under the decorator makes a call's arguments of
it, by name, the same ones each time. So a case is all that travels to a process in which a student's code is graded;
what comes back is an `Outcome`, and the verdict on it is reached here.
"""

import contextlib
import copy
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import hypothesis
import torch
from hypothesis import HealthCheck, Phase, strategies

from ..answers.beside import beside, identical, is_data, is_unwritten, snapshot, trying, what_was_raised
from .judging import difference, equal, show

Case = dict[str, object]
Arguments = dict[str, object]

SHRINKING = 100  # attempts, in which a good small input is found; the learner waits for it
# Instead of an error's name. One call is enough to say these, and no smaller input would say more.
UNWRITTEN = "not written yet"  # the function is still as it was handed out
UNDEFINED = "not defined"  # there is no function of that name
ENDED = "ended"  # the call ended the process, or was ended for what it took
FINAL = (UNWRITTEN, UNDEFINED, ENDED)
COMPARED = 16  # inputs on which an answer is held against each known mistake
KEPT = 500  # results of the right answer and of known mistakes; an exercise has some 200 on the cases always tried
FAR_LARGER = 1000  # times the entries of the right result: no judge needs to look into it


class CheckFailed(Exception):  # noqa: N818 - what a learner reads; nothing is broken
    """An answer is not right yet; the message says on which input, what was expected, and what came."""

    def _render_traceback_(self) -> list[str]:
        # Jupyter shows this instead of a traceback, which would lead into the library.
        return [f"✗ {self}"]


@dataclass(frozen=True)
class Outcome:
    """What one call gave: ``value``, or ``error``, an exception's name or one of `FINAL`, with what to say of it.

    ``changed`` names the arguments that are not as they were.
    """

    value: object = None
    error: str | None = None
    message: str = ""
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and what to tell its author.

    Attributes:
        passed: right on all inputs.
        message: one line if so; else the smallest failing input, what was expected, what came.
        mistake: the name of the known mistake that it agrees with, if any.
        credit: share of the points, from 0 to 1; a known mistake may earn a part.
        case: the smallest that fails.
        error: one of `FINAL`, where there is no such case.
    """

    passed: bool
    message: str
    mistake: str | None = None
    credit: float = 0.0
    case: Case | None = None
    error: str | None = None


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give: the function, and its docstring as the explanation."""

    function: Callable
    credit: float = 0.0

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def explanation(self) -> str:
        return " ".join((self.function.__doc__ or "").split())


class Exercise:
    """A check that can be called on a learner's function; made by `exercise`.

    Attributes:
        name: of the function that the learner writes, and of the check.
        reference: the right answer, called with a case's arguments.
        mistakes: known wrong answers, in the order in which an answer is held against them.
        probe: calls an answer with a case's arguments.
        calls_plainly: whether that is all it does.
        changes: names of the arguments that an answer is asked to change.
        judged: says what is wrong with a result; see `judge`.
        pictured: draws a result beside the right one; see `picture`.
        everywhere: what must be the same in every process; see `same_everywhere`.
    """

    def __init__(
        self,
        arguments: Callable[..., Arguments],
        reference: Callable,
        drawn: Mapping[str, strategies.SearchStrategy],
        *,
        always: tuple[Case, ...],
        probe: Callable | None,
        changes: tuple[str, ...] = (),
        without: tuple[str, ...],
        inputs: int,
    ) -> None:
        self.name = arguments.__name__
        self.__doc__ = arguments.__doc__
        self.arguments = arguments
        self.reference = reference
        self.drawn = drawn
        self.always = always
        self.changes = changes
        self.without = without
        self.inputs = inputs
        self._cases: dict[tuple[int, int], list[Case]] = {}
        self._computed: dict[tuple[Mistake | None, str], Any] = {}  # by mistake, None for the right answer, and case
        self.mistakes: list[Mistake] = []
        self.calls_plainly = probe is None
        self.probe = probe or (lambda answer, *args: answer(*args))
        self.judged: Callable[..., str | None] = lambda got, want, **arguments: difference(got, want)
        self.pictured: Callable | None = None
        self.everywhere: Callable | None = None

    # What a chapter adds to its exercise -----------------------------------------------------------------------

    def judge(self, function: Callable[..., str | None]) -> Callable[..., str | None]:
        """Decorator: ``function(got, want, **arguments)`` says what is wrong, or None; instead of `difference`."""
        self.judged = function
        return function

    def mistake(self, function: Callable | None = None, *, credit: float = 0.0) -> Callable:
        """Decorator: a known wrong answer; its docstring tells its author what it looks like."""
        if function is None:
            return lambda function: self.mistake(function, credit=credit)
        self.mistakes.append(Mistake(function, credit))
        return function

    def picture(self, function: Callable) -> Callable:
        """Decorator: ``function(got, want, **arguments)`` returns a picture of the answer beside the right one.

        A notebook shows it with the message, for tensors of the right shape.
        """
        self.pictured = function
        return function

    def same_everywhere(self, function: Callable) -> Callable:
        """Decorator: ``function(answer, *arguments)`` returns plain data that every process must give alike.

        The check itself imitates other processes, see `swinlib.answers.beside.process`. A grader compares what two give
        that are two: Python's hashes of strings, among other things, differ between them.
        """
        self.everywhere = function
        return function

    # One call ---------------------------------------------------------------------------------------------------

    def attempt(
        self, answer: Callable, case: Case, *, anything_goes: bool = False, probe: Callable | None = None
    ) -> Outcome:
        """Call the answer on a case, with the same random numbers each time, and catch what it raises.

        Args:
            answer: the learner's function.
            case: what was drawn.
            anything_goes: allow what the exercise asks to do without; known mistakes are written with it.
            probe: calls it in another way than the check does.
        """
        there = beside(answer)
        given = self.arguments(**case)
        arguments = there.take(given.values())
        try:
            with there.trying(() if anything_goes else self.without):
                value = (probe or self.probe)(answer, *arguments)
            return Outcome(value, changed=self._changed(there, dict(zip(given, arguments, strict=True)), case))
        except Exception as error:
            if is_unwritten(error):
                return Outcome(error=UNWRITTEN)
            return Outcome(error=type(error).__name__, message=what_was_raised(error))

    def _changed(self, there: Any, arguments: Arguments, case: Case) -> tuple[str, ...]:
        """Names of arguments that an answer changed, and was not asked to."""
        before = self.arguments(**case)

        def is_as_before(name: str) -> bool:
            if isinstance(before[name], torch.nn.Module):
                return identical(there.snapshot(arguments[name]), snapshot(before[name]))
            return not is_data(before[name]) or identical(arguments[name], before[name])

        return tuple(name for name in before if name not in self.changes and not is_as_before(name))

    def expected(self, case: Case) -> object:
        """What the right answer gives for a case; it is computed once, and nobody may change it."""

        def computed() -> object:
            arguments = list(self.arguments(**case).values())
            with trying(()):
                return self.probe(self.reference, *arguments)

        return self._once(None, case, computed)

    def mistaken(self, mistake: Mistake, case: Case) -> Outcome:
        """What a known mistake gives for a case; computed once as well, however many answers are held against it."""
        return self._once(mistake, case, lambda: self.attempt(mistake.function, case, anything_goes=True))

    def _once(self, mistake: Mistake | None, case: Case, compute: Callable[[], Any]) -> Any:
        key = mistake, repr(case)
        if key not in self._computed:
            if len(self._computed) >= KEPT:
                self._computed.clear()
            self._computed[key] = compute()
        return self._computed[key]

    def problem(self, outcome: Outcome, case: Case) -> str | None:
        """What is wrong with an outcome, in words; None if it is right."""
        if outcome.error is not None:
            return outcome.message.strip() or f"your code raised {outcome.error}"
        want = self.expected(case)
        if _far_larger(outcome.value, want) or getattr(outcome.value, "is_meta", False) is True:
            return difference(outcome.value, want)
        try:
            if problem := self.judged(outcome.value, want, **self.arguments(**case)):
                return problem
            return (
                f"your code changed {outcome.changed[0]!r}, which the caller goes on with" if outcome.changed else None
            )
        except Exception as error:  # an answer of a form that the judge did not think of
            general = difference(outcome.value, want)
            return general or f"the result could not be understood ({type(error).__name__}): {show(outcome.value)}"

    # All calls --------------------------------------------------------------------------------------------------

    def examine(self, attempt: Callable[[Case], Outcome], *, inputs: int | None = None, seed: int = 0) -> Verdict:
        """Try an answer on many inputs, find the smallest on which it fails, and say what is wrong there.

        Args:
            attempt: takes a case to an `Outcome`; ``functools.partial(check.attempt, answer)`` for a function that
                lives in this process.
            inputs: how many are drawn.
            seed: of the draw.

        Returns:
            The verdict; it does not raise for a wrong answer.
        """
        tried = 0
        smallest: list[tuple[Case, Outcome, str]] = []
        last = None  # number of the attempt after which nothing smaller is looked for

        def trial(case: Case) -> None:
            nonlocal last, tried
            if tried == last:
                raise _Enough
            outcome = attempt(case)
            tried += 1
            wrong = self.problem(outcome, case)
            if wrong:
                smallest[:] = [(case, outcome, wrong)]
                last = last or tried + SHRINKING  # counted, so that a busy machine finds the same
                if outcome.error in FINAL:
                    raise _Enough
                raise _WrongError

        with contextlib.suppress(_Enough):
            for case in self.always:
                with contextlib.suppress(_WrongError):
                    trial(case)
            before = tried, last
            try:
                for case in self.cases(inputs or self.inputs, seed):
                    trial(copy.deepcopy(case))
            except _WrongError:
                tried, last = before  # these are drawn once more, to be followed by smaller ones
                with contextlib.suppress(_WrongError, hypothesis.errors.Flaky, hypothesis.errors.FlakyFailure):
                    self._draw(trial, inputs or self.inputs, seed)
        if not smallest:
            return Verdict(True, f"{self.name}: right on {tried} {'input' if tried == 1 else 'inputs'}", credit=1.0)
        case, outcome, wrong = smallest[0]
        if outcome.error in FINAL:
            return Verdict(False, f"{self.name}: {outcome.message or outcome.error}", error=outcome.error)
        given = ", ".join(f"{name} = {show(value)}" for name, value in self.arguments(**case).items())
        message = f"{self.name}, on the smallest input that fails: {given}.\n  {_sentence(wrong)}"
        mistake = self.diagnose(attempt, case)
        if mistake is None:
            return Verdict(False, message, case=case)
        return Verdict(False, f"{message}\n  {mistake.explanation}", mistake.name, mistake.credit, case)

    def _draw(self, trial: Callable[[Case], None], inputs: int, seed: int) -> None:
        """Give a trial the cases that Hypothesis draws, and smaller ones after it raised."""
        settings = hypothesis.settings(
            max_examples=inputs,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        drawn = hypothesis.given(strategies.fixed_dictionaries(dict(self.drawn)))(trial)
        hypothesis.seed(seed)(settings(drawn))()

    def cases(self, inputs: int, seed: int) -> list[Case]:
        """What is drawn as long as nothing fails: the same for every answer, so that a class waits for it once."""
        if (inputs, seed) not in self._cases:
            cases: list[Case] = []
            self._draw(lambda case: cases.append(case), inputs, seed)  # Hypothesis reads its code
            self._cases[inputs, seed] = cases
        return self._cases[inputs, seed]

    @cached_property
    def samples(self) -> list[Case]:
        """Cases on which an answer is held against the known mistakes: small ones alone would fit too many."""
        return [*self.always, *self.cases(COMPARED, seed=0)]

    @property
    def asked_again(self) -> list[Case]:
        """Cases that a grader tries a second time; the first few of `samples`, which begin with those always tried."""
        return self.samples[: len(self.always) + 3]

    def __call__(self, answer: Callable) -> None:
        """Print one line if the answer is right.

        Raises:
            CheckFailed: if it is not, with the smallest failing input, what was expected, and what came.
        """
        if not callable(answer):
            raise CheckFailed(
                f"{self.name}: give the check your function itself, without calling it; got {show(answer)}"
            )
        verdict = self.examine(lambda case: self.attempt(answer, case))
        if verdict.passed:
            print(f"✓ {verdict.message}")
            return
        self._show_picture(answer, verdict.case)
        raise CheckFailed(verdict.message)

    def _show_picture(self, answer: Callable, case: Case | None) -> None:
        """In a notebook, for an exercise that has a picture."""
        ipython = sys.modules.get("IPython")
        if self.pictured is None or case is None or ipython is None or ipython.get_ipython() is None:
            return
        got, want = self.attempt(answer, case).value, self.expected(case)
        if isinstance(got, torch.Tensor) and got.shape == want.shape:
            ipython.display.display(self.pictured(got, want, **self.arguments(**case)))

    def diagnose(self, attempt: Callable[[Case], Outcome], case: Case) -> Mistake | None:
        """The first known mistake that gives what an answer gives, on the samples and on one case more."""
        compared = [(each, attempt(each)) for each in (case, *self.samples)]
        if any(outcome.error == ENDED for _, outcome in compared):
            return None
        for mistake in self.mistakes:
            if all(alike(self.mistaken(mistake, each), outcome) for each, outcome in compared):
                return mistake
        return None


def exercise(
    reference: Callable,
    *,
    always: tuple[Case, ...] = (),
    probe: Callable | None = None,
    changes: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
    inputs: int = 25,
    **drawn: strategies.SearchStrategy,
) -> Callable[[Callable[..., Arguments]], Exercise]:
    """Decorator: from a function that makes the arguments of a case, the exercise of that name.

    Args:
        reference: the right answer.
        always: cases that are tried before the drawn ones.
        probe: ``probe(answer, *arguments)`` calls the answer and returns plain data (tensors, numbers, strings, lists,
            tuples, dicts); needed where the answer returns a module, or changes an argument. The answer, what it
            returns, and arguments that are more than data may live in another process: what is done to them there is
            asked of `beside`.
        changes: names of the arguments that an answer is asked to change. It may change no other.
        without: dotted names that must not be called, such as ``"torch.roll"``.
        inputs: how many cases are drawn.
        **drawn: how each value of a case is drawn; plain numbers, strings, booleans and lists of these.
    """
    return lambda arguments: Exercise(
        arguments, reference, drawn, always=always, probe=probe, changes=changes, without=without, inputs=inputs
    )


class _WrongError(Exception):
    """For Hypothesis: this input fails."""


class _Enough(BaseException):
    """For Hypothesis, which ends at once on what is not an Exception."""


def _far_larger(got: object, want: object) -> bool:
    tensors = isinstance(got, torch.Tensor) and isinstance(want, torch.Tensor)
    return tensors and got.numel() > FAR_LARGER * (want.numel() + 1)


def alike(one: Outcome, other: Outcome) -> bool:
    """Whether two calls gave the same."""
    if one.error is not None or other.error is not None:
        return one.error == other.error
    return one.changed == other.changed and equal(one.value, other.value)


def _sentence(text: str) -> str:
    if text.split(maxsplit=1)[:1] and text.split(maxsplit=1)[0].isalpha():
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) or "\n" in text else text + "."
