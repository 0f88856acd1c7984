"""Right answers that are spoiled a little: a check takes none of them, but those that are as right as before."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from swinlib import check
from swinlib.answers.beside import identical

EXERCISES = [pytest.param(exercise, id=exercise.name) for exercise in check.EXERCISES.values()]


def each_tensor(change):
    """A change of tensors, for all in a result, and for numbers as far as it is one of numbers."""

    def spoil(value):
        if isinstance(value, Tensor) and value.numel():
            return change(value)
        if isinstance(value, np.ndarray) and value.size:
            return change(torch.from_numpy(np.array(value))).numpy()
        if isinstance(value, (list, tuple)) and any(isinstance(entry, (Tensor, float)) for entry in value):
            return type(value)(map(spoil, value))
        if isinstance(value, dict):
            return type(value)((key, spoil(entry)) for key, entry in value.items())
        if isinstance(value, float):
            return change(torch.tensor(value, dtype=torch.float64)).item()
        return value

    return spoil


def floats(change):
    return each_tensor(lambda x: change(x) if x.is_floating_point() else x)


def one_entry(number):
    """The last entry of each tensor of floating point numbers becomes another number."""

    def change(x):
        spoiled = x.detach().clone(memory_format=torch.contiguous_format)
        spoiled.view(-1)[-1] = number
        return spoiled

    return floats(change)


def whole(change):
    """A change of whole numbers, alone or in tensors, lists and dicts."""

    def spoil(value):
        if isinstance(value, Tensor) and not value.is_floating_point() and value.dtype != torch.bool:
            return value + change
        if isinstance(value, (list, tuple)):
            return type(value)(map(spoil, value))
        if isinstance(value, dict):
            return type(value)((key, spoil(entry)) for key, entry in value.items())
        return value + change if type(value) is int else value

    return spoil


def entries(change):
    """A change of the entries of a list, tuple or dict."""

    def spoil(value):
        if isinstance(value, (list, tuple)):
            return type(value)(change(list(value)))
        return type(value)(change(list(value.items()))) if isinstance(value, dict) else value

    return spoil


def flip(axis):
    return each_tensor(lambda x: x.flip(axis) if x.dim() >= abs(axis) else x)


SPOILS = {
    "not a number at one place": one_entry(math.nan),
    "infinite at one place": one_entry(math.inf),
    "zeros": each_tensor(torch.zeros_like),
    "of the other sign": floats(torch.neg),
    "a thousandth too large": floats(lambda x: x * 1.001),
    "too large by a thousandth": floats(lambda x: x + 0.001),
    "flipped along the first axis": each_tensor(lambda x: x.flip(0) if x.dim() else x),
    "flipped along the last axis": flip(-1),
    "flipped along the last axis but one": flip(-2),
    "its last two axes exchanged": each_tensor(lambda x: x.mT if x.dim() > 1 else x),
    "rolled by one": each_tensor(lambda x: x.roll(1)),
    "one axis more": each_tensor(lambda x: x[None]),
    "of another precision": floats(lambda x: x.float() if x.dtype == torch.float64 else x.double()),
    "one too large": whole(1),
    "one too small": whole(-1),
    "the other truth": lambda value: not value if isinstance(value, bool) else value,
    "all truths the other way": each_tensor(lambda x: ~x if x.dtype == torch.bool else x),
    "backwards": entries(lambda parts: parts[::-1]),
    "without its last entry": entries(lambda parts: parts[:-1]),
    "its first entry twice": entries(lambda parts: parts[:1] + parts),
    "nothing": lambda value: None,
}
# What is as right as before, and why.
ORDER = {"backwards": "the order of its keys says nothing"}
AS_RIGHT = {
    **dict.fromkeys(("without_computed", "strip_prefix", "torchvision_to_microsoft"), ORDER),
    **dict.fromkeys(("swin_arguments", "huggingface_to_timm"), ORDER),
    "region_labels": dict.fromkeys(("one too large", "one too small"), "labels have no meaning but to be equal or not"),
    "window_kinds": dict.fromkeys(("one too large", "one too small"), "kinds have no meaning but to be equal or not"),
    "whole_speedup": {"of another precision": "of a ratio, rounded to float32, seven digits are left"},
    "channel_statistics": {"of another precision": "the page asks for float32 or float64"},
    "share_seen": {"of another precision": "of a share, rounded to float32, seven digits are left"},
    "unit_std": {"of another precision": "a parameter keeps its own, so what is written into it is rounded back"},
}


def spoiled(exercise, spoil):
    """The right answer, spoiled: what it returns, or the parameters of what it is asked to change."""
    reference = exercise.reference

    def answer(*arguments, **options):
        result = reference(*arguments, **options)
        for argument in arguments if exercise.changes else ():
            _spoil_parameters(argument, spoil)
        if isinstance(result, nn.Module) and not exercise.changes:
            result.register_forward_hook(lambda module, inputs, output: spoil(output))
        return result if exercise.changes or isinstance(result, nn.Module) else spoil(result)

    return answer


def _spoil_parameters(argument, spoil):
    parameters = argument.parameters() if isinstance(argument, nn.Module) else ()
    for parameter in [argument] if isinstance(argument, nn.Parameter) else parameters:
        with torch.no_grad():
            new = spoil(parameter.detach().clone())
            if isinstance(new, Tensor) and new.shape == parameter.shape:
                parameter.copy_(new)


def is_caught(exercise, spoil):
    """Whether a check finds something wrong; None if nothing is other than before."""
    differs = False
    for case in exercise.samples[: len(exercise.always) + 4]:
        right = exercise.attempt(exercise.reference, copy.deepcopy(case), anything_goes=True)
        outcome = exercise.attempt(spoiled(exercise, spoil), copy.deepcopy(case), anything_goes=True)
        if outcome.error or not identical(outcome.value, right.value) or outcome.changed:
            differs = True
            if exercise.problem(outcome, case):
                return True
    return False if differs else None


@pytest.mark.one_in(9)
@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_spoiled_answer_is_wrong(exercise):
    taken = {name for name, spoil in SPOILS.items() if is_caught(exercise, spoil) is False}
    assert taken == set(AS_RIGHT.get(exercise.name, ()))


@pytest.mark.slow
def test_enough_is_spoiled():
    """Not every spoiling changes something of every answer; together they must."""
    tried = [is_caught(param.values[0], spoil) for param in EXERCISES[::9] for spoil in SPOILS.values()]
    assert sum(each is not None for each in tried) > 0.4 * len(tried)
