"""What each step from the plain to the fast Swin is worth, on this machine.

    python benchmarks/fast_steps.py                      print what was measured
    python benchmarks/fast_steps.py --store              and write it into chapter 11, and for its figures

Swin-T at 224 pixels, one thread. The steps are those of the chapter: the cells of its notebook with the tag "measured"
are read and run, so that what is measured is what is shown. All ways are compared with the plain model first. Then they
take turns in one process, in an order drawn anew each time. Processor time is measured, and of each way the quickest
turn counts, since whatever else a machine does can only make a turn longer; each third of the turns is a measurement of
its own and says how far to trust the whole. A last table has what else was tried, beside the library's fast model.
Compiling takes minutes; ``--without-compile`` leaves it out. What is stored is ``swinlib/figures/fast_steps.json``, and
the chapter's tables, which are written from it.
"""

import argparse
import copy
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import torch
from machine import processor
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from swinlib.fast import fast

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "book" / "11_fast_swin.ipynb"
FILE = ROOT / "swinlib" / "figures" / "fast_steps.json"
TAG = "measured"  # of the cells that this command runs
STEPS = {  # by what the chapter calls them, its functions that attend
    "kept": "attend_kept",
    "fused": "attend_fused",
    "one copy": "attend_once",
    "four kinds": "attend_kinds",
}
CELLS = ("measured-profile", "measured-steps", "measured-more")
BATCHES = (1, 8)
PARTS = 3  # of the turns, each of which says by itself what is gained
SQUARE, LONG = 1024, 2**25  # sides and lengths by which the speeds of products and of copies are measured

Way = Callable[[Tensor], Tensor]
Ratio = tuple[float, float, float]  # by all turns; lowest and highest by a part of them


def chapter() -> dict[str, Any]:
    """The names that the chapter's measured cells define."""
    names: dict[str, Any] = {}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if TAG in cell.metadata.get("tags", ()):
            exec(compile(cell.source, f"{NOTEBOOK.name}:{cell.id}", "exec"), names)
    return names


def steps(names: dict[str, Any]) -> dict[str, Way]:
    """Every way through the chapter's model, the plain one first, by what the table calls it."""
    model, run = names["model"], names["run"]
    ways: dict[str, Way] = {"plain": model}
    for label, attend in STEPS.items():
        ways[label] = partial(lambda attend, x: run(model, x, attend), names[attend])
    ways["window order"] = partial(names["run_in_window_order"], model)
    ways["library"] = fast(model)
    return ways


def others(names: dict[str, Any], compiled: bool) -> dict[str, Way]:
    """What else was tried, the fast model first."""
    model = names["model"]
    ways: dict[str, Way] = {"swinlib.fast": fast(model)}
    if hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        ways["packed weights (oneDNN)"] = fast(packed(model))
    ways["bfloat16"] = in_bfloat16(fast(model))
    if compiled:
        ways["plain, compiled"] = torch.compile(copy.deepcopy(model))
        ways["fast, compiled"] = torch.compile(fast(copy.deepcopy(model)))
        ways["fast, compiled and frozen"] = torch.compile(fast(copy.deepcopy(model)), options={"freezing": True})
    return ways


class PackedLinear(nn.Module):
    """A linear layer whose weight lies in the order that oneDNN multiplies in, and a GELU after it if wanted."""

    def __init__(self, linear: nn.Linear, activation: str = "none") -> None:
        super().__init__()
        self.weight, self.bias, self.activation = linear.weight, linear.bias, activation
        self.packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach())

    def forward(self, x: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, self.activation, [], "none")


def packed(model: nn.Module) -> nn.Module:
    """A copy of a Swin with packed weights in attention and MLP."""
    model = copy.deepcopy(model)
    for stage in model.layers:
        for block in stage.blocks:
            block.attn.qkv, block.attn.proj = PackedLinear(block.attn.qkv), PackedLinear(block.attn.proj)
            block.mlp.fc1, block.mlp.act = PackedLinear(block.mlp.fc1, "gelu"), nn.Identity()
            block.mlp.fc2 = PackedLinear(block.mlp.fc2)
    return model


def in_bfloat16(model: nn.Module) -> Way:
    """A model by autocast."""

    def way(x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return model(x).float()

    return way


def assert_equal(ways: dict[str, Way], x: Tensor) -> None:
    """Raise a ValueError if the logits of some way are not those of the first; bfloat16 has a bound of its own."""
    (first, way), *rest = ways.items()
    expected = way(x)
    for name, each in rest:
        error = ((each(x) - expected).abs().max() / expected.abs().max()).item()
        if not error <= (0.1 if "bfloat16" in name else 1e-4):
            raise ValueError(f"the logits of {name!r} are off by {error:.2g} of the largest of {first!r}.")


@torch.no_grad()
def measure(
    ways: dict[str, Way], x: Tensor, rounds: int, between: Callable[[], None] = lambda: None
) -> dict[str, list[float]]:
    """Processor seconds of each way in each round, in turns, with something done between them.

    Raises:
        ValueError: if the ways do not compute the same.
    """
    assert_equal(ways, x)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        between()
        for name in random.Random(turn).sample(list(ways), len(ways)):
            seconds[name].append(seconds_of(partial(ways[name], x)))
    return seconds


def gains(seconds: dict[str, list[float]]) -> dict[str, Ratio]:
    """How many times as fast as the first each is, by its quickest turn; and the same by each third of the turns.

    Returns:
        of each the ratio, and the lowest and the highest of the three others.
    """
    first, *_ = seconds.values()
    found = {}
    for name, own in seconds.items():
        thirds = [min(first[i::PARTS]) / min(own[i::PARTS]) for i in range(min(PARTS, len(own)))]
        found[name] = (min(first) / min(own), min(thirds), max(thirds))
    return found


@torch.no_grad()
def bytes_of(
    ledger_of: Callable[[Callable[[], object]], Any], ways: dict[str, Way], x: Tensor
) -> dict[str, dict[str, int]]:
    """What the operators of each way read and write, by kind, by the chapter's ledger."""
    return {name: dict(ledger_of(partial(way, x)).bytes) for name, way in ways.items()}


@torch.no_grad()
def shares(way: Way, x: Tensor, kind_of: dict[str, str], rounds: int) -> dict[str, float]:
    """Which share of the processor's time each kind of operator takes, in the quickest of a few passes."""
    way(x)
    passes = []
    for _ in range(rounds):
        with profile(activities=[ProfilerActivity.CPU]) as profiled:
            way(x)
        spent = Counter[str]()
        for event in profiled.key_averages():
            spent[kind_of.get(event.key.removeprefix("aten::"), "the rest")] += event.self_cpu_time_total
        passes.append(spent)
    quickest = min(passes, key=lambda spent: sum(spent.values()))
    return {kind: spent / sum(quickest.values()) for kind, spent in quickest.items()}


class Speeds:
    """What the machine does at best: asked in every turn, since it may be slow for a while.

    Attributes:
        product: operations a second of products of large matrices.
        copy: bytes a second that copies of long tensors read and write.
    """

    def __init__(self) -> None:
        self.product = self.copy = 0.0
        self._square, self._source, self._target = torch.randn(SQUARE, SQUARE), torch.ones(LONG), torch.empty(LONG)

    def ask(self) -> None:
        """Try once more."""
        product = seconds_of(lambda: self._square @ self._square)
        copied = seconds_of(lambda: self._target.copy_(self._source))
        self.product = max(self.product, 2 * SQUARE**3 / product)
        self.copy = max(self.copy, 2 * self._source.nbytes / copied)


def seconds_of(run: Callable[[], object]) -> float:
    """Of the processor."""
    start = time.process_time()
    run()
    return time.process_time() - start


@torch.no_grad()
def operations(way: Way, x: Tensor, kind_of: dict[str, str]) -> dict[str, int]:
    """Of the products, by kind of operator."""
    with FlopCounterMode(display=False) as counter:
        way(x)
    found = Counter[str]()
    for operator, number in counter.get_flop_counts()["Global"].items():
        found[kind_of[operator.__name__.split(".")[0]]] += number
    return dict(found)


# What is found ------------------------------------------------------------------------------------------------------


def turns_of(rounds: int, batch: int) -> int:
    """Small batches take more turns, for they are quickly done."""
    return rounds * max(BATCHES) // batch


def steps_found(
    seconds: dict[str, list[float]], moved: dict[str, dict[str, int]], speed: float
) -> dict[str, dict[str, Any]]:
    """Milliseconds, predicted and measured gain of each step over the first."""
    (plain, of_plain), *_ = seconds.items()
    all_of = {name: sum(by_kind.values()) for name, by_kind in moved.items()}
    found = {}
    for name, gain in gains(seconds).items():
        predicted = min(of_plain) / (min(of_plain) - (all_of[plain] - all_of[name]) / speed)
        found[name] = {"ms": 1e3 * min(seconds[name]), "predicted": predicted, "measured": list(gain)}
    return found


def measured(rounds: int, compiled: bool) -> dict[str, Any]:
    """All that is stored, in the form that ``swinlib.figures.fast_steps`` describes."""
    names, best = chapter(), Speeds()
    ways, more = steps(names), others(names, compiled)
    shares_of, bytes_by_kind, operations_by_kind, seconds, beside = {}, {}, {}, {}, {}
    for batch in BATCHES:
        x = torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(batch))
        turns = turns_of(rounds, batch)
        for name, way in (("plain", ways["plain"]), ("fast", ways["library"])):
            shares_of[f"{name}, batch {batch}"] = shares(way, x, names["KIND_OF"], turns)
        bytes_by_kind[batch] = bytes_of(names["ledger_of"], ways, x)
        operations_by_kind[batch] = operations(ways["plain"], x, names["KIND_OF"])
        seconds[batch] = measure(ways, x, turns, best.ask)
        beside[batch] = gains(measure(more, x, turns))
    return {
        "command": "python benchmarks/fast_steps.py --store",
        "processor": processor(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "date": date.today().isoformat(),
        "torch": torch.__version__.split("+")[0],
        "product": best.product,
        "copy": best.copy,
        "turns": {str(batch): turns_of(rounds, batch) for batch in BATCHES},
        "shares": shares_of,
        "bytes": {
            f"{name}, batch {batch}": bytes_by_kind[batch][step]
            for batch in BATCHES
            for name, step in (("plain", "plain"), ("fast", "library"))
        },
        "operations": {str(batch): operations_by_kind[batch] for batch in BATCHES},
        "steps": {str(batch): steps_found(seconds[batch], bytes_by_kind[batch], best.copy) for batch in BATCHES},
        "floor": {str(batch): 1e3 * sum(operations_by_kind[batch].values()) / best.product for batch in BATCHES},
        "tried": {name: {str(batch): list(beside[batch][name]) for batch in BATCHES} for name in list(more)[1:]},
    }


# What is written ----------------------------------------------------------------------------------------------------


def table(head: list[str], rows: list[list[str]]) -> str:
    """In Markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def shown(ratio: Sequence[float]) -> str:
    """In one piece, for a phone: a joiner keeps lines from breaking at the dash."""
    return "{:.2f} ({:.2f}\u2060–\u2060{:.2f})".format(*ratio)


def profile_table(found: dict[str, dict[str, float]]) -> str:
    """Shares of time, by model and batch; the kinds with most time first."""
    kinds = sorted(next(iter(found.values())), key=lambda kind: -next(iter(found.values()))[kind])
    rows = [[kind, *(f"{each.get(kind, 0):.0%}" for each in found.values())] for kind in kinds]
    return table(["share of time", *found], rows)


def steps_table(found: dict[str, dict[str, Any]], floor: float, batch: str) -> str:
    """Time, predicted and measured gain of each step over the first; the floor in milliseconds too."""
    rows = [
        [name, f"{step['ms']:.0f}", f"{step['predicted']:.2f}", shown(step["measured"])] for name, step in found.items()
    ]
    first = next(iter(found.values()))
    rows.append(["*floor*", f"{floor:.0f}", "", f"{first['ms'] / floor:.2f}"])
    return table([f"batch {batch}", "ms", "predicted", "measured"], rows)


def signature(found: dict[str, Any], text: str) -> str:
    """A line on where and when."""
    day = date.fromisoformat(found["date"])
    return (
        f"*Measured on {day.day} {day:%B %Y} by `benchmarks/fast_steps.py`: one thread of an {found['processor']} "
        f"({found['capability']}), PyTorch {found['torch']}, Swin-T at 224 pixels, {text}. "
        "Yours will take other times.*"
    )


def cells(found: dict[str, Any]) -> dict[str, str]:
    """The Markdown of each cell, by its name."""
    tables = [steps_table(each, found["floor"][batch], batch) for batch, each in found["steps"].items()]
    tried = [[name, *(shown(ratio) for ratio in by_batch.values())] for name, by_batch in found["tried"].items()]
    roof = (
        f"products of large matrices at {found['product'] / 1e9:.0f} GFLOP/s, copies at {found['copy'] / 1e9:.1f} "
        f"GB/s, so that the edge of the roofline lies at {found['product'] / found['copy']:.0f} operations for each "
        "byte"
    )
    said = " and ".join(f"{turns} turns at batch {batch}" for batch, turns in found["turns"].items())
    return {
        "measured-profile": f"{profile_table(found['shares'])}\n\n{signature(found, '32-bit floats')}",
        "measured-steps": "\n\n".join([*tables, signature(found, f"32-bit floats; {roof}, {said}")]),
        "measured-more": table(["against swinlib.fast", *(f"batch {batch}" for batch in found["steps"])], tried)
        + f"\n\n{signature(found, f'all beside the fast model in 32-bit floats, {said}')}",
    }


def store(found: dict[str, Any]) -> None:
    """Write what was measured, and the chapter's tables from it."""
    FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    notebook, written = nbformat.read(NOTEBOOK, as_version=4), cells(found)
    for cell in notebook.cells:
        cell.source = written.get(cell.id, cell.source)
    nbformat.write(notebook, NOTEBOOK)


def main() -> None:
    """Measure, print and, if asked, store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rounds",
        type=int,
        default=20,
        help="how often each takes its turn at the largest batch (default: %(default)s)",
    )
    parser.add_argument("--without-compile", action="store_true", help="leave out torch.compile")
    parser.add_argument("--store", action="store_true", help="write it into chapter 11, and for its figures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = measured(options.rounds, not options.without_compile)
    print("\n\n".join(cells(found).values()))
    if options.store:
        store(found)


if __name__ == "__main__":
    main()
