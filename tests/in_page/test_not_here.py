"""What the small torch lacks it says, and no verdict is reached on code that asks for it."""

import contextlib

import pytest
import torch
from table import run
from torch import nn

from swinlib.in_page import torch as small
from swinlib.in_page.torch.dtypes import NotHere

CHAPTER = "07_roll_and_shifted_windows"
ROLL = {
    "name": "roll",
    "cases": [{"m": [["length", 2], ["shift", 1]]}],
    "expected": [0],
    "compared": [0],
    "mistakes": [],
    "values": [{"t": "float32", "s": [2], "v": [1, 0]}],
}


@pytest.mark.parametrize(
    "ask",
    [
        lambda: small.tensor([1.0]).cholesky(),
        lambda: small.fft,
        lambda: small.nn.LSTM(1, 1),
        lambda: small.nn.functional.ctc_loss,
        lambda: small.zeros(2, pin_memory=True),
        lambda: small.zeros(2).sum(0, out=None),
        lambda: small.nn.Linear(1, 1, device="cpu"),
        lambda: small.nn.Upsample(2, recompute_scale_factor=True),
        lambda: small.zeros(2, dtype=small.int64) << 1,
        lambda: small.nn.Sequential() + small.nn.Sequential(),
        lambda: small.nn.Module().half(),
        lambda: small.device("meta"),
        lambda: small.nn.functional.interpolate(small.zeros(1, 1, 2), size=3, mode="area"),
    ],
)
def test_it_says_what_it_lacks(ask):
    with pytest.raises(NotHere, match=r"this page's small torch has no .*; try it in the notebook"):
        ask()


def verdict_on(*lines):
    source = "\n".join(("import torch", "def roll(x, shift):", *(f"    {line}" for line in lines)))
    return run(CHAPTER, {"roll": ROLL}, [("roll", source)])[0]


def test_answers_are_judged_and_told_their_line():
    assert verdict_on("return torch.cat([x[-shift:], x[:-shift]])")["verdict"] == "right"
    wrong = verdict_on("return x[5]")
    assert wrong["verdict"] == "wrong"
    assert wrong["message"].endswith(
        "Your code raised IndexError: index 5 is out of bounds for dimension 0 with size 2\n  in the line: return x[5]"
    )
    assert verdict_on("raise NotImplementedError")["message"] == "roll: not written yet"
    assert (
        "calls torch.roll, and this exercise is to be done without it"
        in verdict_on("return torch.roll(x, shift)")["message"]
    )


def test_no_verdict_is_reached_where_something_lacks():
    caught = ("try:", "    return x.cholesky()", "except Exception:", "    return None")
    missing = ["import math", "return math.of_a_later_python(x)"]
    for lines in (["return x.cholesky()"], caught, ["import scipy_of_nowhere"], ["return torch.fft.fft(x)"], missing):
        verdict = verdict_on(*lines)
        assert verdict["verdict"] == "missing"
        assert verdict["message"].startswith("This page's small torch has no ")


def _names(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


LAYERS = {
    **{"Linear": (1, 1), "Conv2d": (1, 1, 1), "LayerNorm": (1,), "Embedding": (1, 1), "GELU": (), "Dropout": ()},
    **{"Module": (), "Sequential": (), "ModuleList": ()},
}
PAIRS = {
    "torch": (torch, small),
    "torch.nn": (nn, small.nn),
    "torch.nn.functional": (nn.functional, small.nn.functional),
    "torch.nn.init": (nn.init, small.nn.init),
    "torch.random": (torch.random, small.random),
    "a tensor": (torch.zeros(2, 2), small.zeros(2, 2)),
    "a generator": (torch.Generator(), small.Generator()),
    **{name: (getattr(nn, name)(*given), getattr(small.nn, name)(*given)) for name, given in LAYERS.items()},
}
OF_CLASSES = {"T_destination", "call_super_init", "dump_patches", "from_pretrained"}  # of no use to an answer


@pytest.mark.parametrize("name", PAIRS)
def test_what_pytorch_has_is_here_or_it_says_so(name):
    theirs, ours = PAIRS[name]
    for attribute in _names(theirs) - OF_CLASSES:
        with contextlib.suppress(NotHere):
            getattr(ours, attribute)
