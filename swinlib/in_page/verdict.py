"""Judging an answer on stored cases, with nothing but what a page has."""

from collections.abc import Callable
from functools import cached_property

import torch

from swinlib.check.exercise import FINAL, Case, Exercise, Mistake, Outcome, Verdict, _sentence, alike, show

from .values import decode

FAULTS = ("ImportError", "ModuleNotFoundError", "JavascriptError", "InternalError")


def no_verdict_on(error: str, said: str) -> None:
    """Raise `torch.NotHere` if the page has failed and not the answer.

    Either the small torch lacks something, even if the answer went on; or a module, or a name in one; or the fault is
    the interpreter's.

    Args:
        error: the exception's name.
        said: its message.
    """
    if torch.NotHere.asked:
        raise torch.NotHere.asked[0]
    if error in FAULTS or (error == "AttributeError" and "module '" in said and "has no attribute" in said):
        raise torch.NotHere(f"way to run this ({said.splitlines()[0].removeprefix('your code raised ')})")


class Stored:
    """An exercise's judge and probe, and what a build stored for it; see `stored.stored`."""

    def __init__(self, exercise: Exercise, data: dict) -> None:
        self.exercise, self.data, self.values = exercise, data, {}
        self.cases: list[Case] = [decode(case) for case in data["cases"]]
        self.places = {str(case): place for place, case in enumerate(self.cases)}
        exercise.expected = lambda case: self.value(data["expected"][self.places[str(case)]])

    def value(self, place: int) -> object:
        if place not in self.values:
            self.values[place] = decode(self.data["values"][place])
        return self.values[place]

    def outcome(self, told: list) -> Outcome:
        if isinstance(told[0], str):
            return Outcome(error=told[0])
        return Outcome(self.value(told[0]), changed=tuple(told[1:]))

    @cached_property
    def compared(self) -> list[int]:
        return self.data["compared"]

    def judge(self, answer: Callable, *, anything_goes: bool = False) -> Verdict:
        """The verdict of the exercise's check, on the stored cases.

        Raises:
            torch.NotHere: if the answer needs what the small torch does not have.
        """
        exercise = self.exercise

        def attempt(case: Case) -> Outcome:
            torch.NotHere.asked.clear()
            outcome = exercise.attempt(answer, case, anything_goes=anything_goes)
            no_verdict_on(outcome.error or "", outcome.message)
            return outcome

        for place, case in enumerate(self.cases):
            outcome = attempt(case)
            wrong = exercise.problem(outcome, case)
            if not wrong:
                continue
            if outcome.error in FINAL:
                return Verdict(False, f"{exercise.name}: {outcome.message or outcome.error}", error=outcome.error)
            given = ", ".join(f"{name} = {show(value)}" for name, value in exercise.arguments(**case).items())
            message = f"{exercise.name}, on the smallest input that fails: {given}.\n  {_sentence(wrong)}"
            compared = [(each, attempt(self.cases[each])) for each in (place, *self.compared)]
            for mistake in self.data["mistakes"]:
                if all(alike(self.outcome(mistake["outcomes"][each]), outcome) for each, outcome in compared):
                    message = f"{message}\n  {mistake['explanation']}"
                    return Verdict(False, message, mistake["name"], mistake["credit"], case)
            return Verdict(False, message, case=case)
        return Verdict(True, f"{exercise.name}: right on {len(self.cases)} inputs", credit=1.0)


__all__ = ["Mistake", "Stored"]
