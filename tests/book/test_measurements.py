"""The benchmarks whose figures chapters show do what the chapters say; how long it takes is each machine's own."""

from itertools import combinations
from pathlib import Path

import fast_steps
import fused_attention
import nbformat
import pytest
import torch

from swinlib.figures import fast_steps as fast_steps_stored

ROOT = Path(__file__).resolve().parents[2]
WAYS = {"plain": "plain", "fast": "library"}  # what the figures of chapter 11 compare, by the step that it is


@pytest.fixture(scope="module")
def chapter_11():
    """What the measured cells of chapter 11 define, with a model that is small."""
    names = fast_steps.chapter()
    torch.manual_seed(0)
    small = {"embed_dim": 16, "depths": (2, 2), "num_heads": (2, 4), "num_classes": 5}
    names["model"] = names["swinlib"].SwinTransformer(**small).eval().requires_grad_(False)
    return names


@pytest.fixture
def images():
    """Two that windows of 7 tile in both stages: maps of 28 and 14 tokens on a side."""
    return torch.randn(2, 3, 112, 112)


def test_both_ways_compute_the_same():
    q, k, v = torch.randn(3, 2, 3, 49, 32)
    bias = torch.randn(1, 3, 49, 49)
    lines, fused = fused_attention.line_by_line(q, k, v, bias), fused_attention.fused(q, k, v, bias)
    torch.testing.assert_close(lines, fused, atol=1e-5, rtol=1e-5)


def test_every_case_is_measured_both_ways():
    for case in fused_attention.CASES:
        assert all(0 < seconds < float("inf") for seconds in fused_attention.measure(case, rounds=1))


def test_chapter_4_shows_every_case_with_machine_and_date():
    cells = nbformat.read(ROOT / "book" / "04_matmul_and_elementwise.ipynb", as_version=4).cells
    [shown] = [cell.source for cell in cells if "benchmarks/fused_attention.py" in cell.source]
    assert all(f"| {case} |" in shown for case in fused_attention.CASES)
    assert "Measured on 28 November 2026" in shown
    assert "AMD EPYC" in shown


def test_every_step_of_chapter_11_computes_the_same_and_is_measured_in_every_round(chapter_11, images):
    ways = fast_steps.steps(chapter_11)
    seconds = fast_steps.measure(ways, images, rounds=3)
    assert list(seconds) == ["plain", *fast_steps.STEPS, "window order", "library"]
    assert all(len(own) == 3 and min(own) > 0 for own in seconds.values())


def test_what_else_was_tried_computes_the_same_too(chapter_11, images):
    ways = fast_steps.others(chapter_11, compiled=False)
    assert "bfloat16" in ways
    assert len(fast_steps.measure(ways, images, rounds=1)) == len(ways)


def test_a_step_that_computes_something_else_is_not_measured(chapter_11, images):
    ways = {"plain": chapter_11["model"], "wrong": lambda x: chapter_11["model"](x.flip(3))}
    with pytest.raises(ValueError, match="the logits of 'wrong' are off by"):
        fast_steps.measure(ways, images, rounds=1)


def test_steps_move_fewer_bytes_and_what_is_predicted_follows_from_them(chapter_11, images):
    moved = fast_steps.bytes_of(chapter_11["ledger_of"], fast_steps.steps(chapter_11), images)
    all_of = {name: sum(by_kind.values()) for name, by_kind in moved.items()}
    assert max(all_of["library"], all_of["window order"]) < all_of["fused"] < all_of["plain"]
    seconds = {"plain": [4.0, 4.0], "fused": [2.0, 2.0]}
    moved = {"plain": {"copies": 15, "attention": 5}, "fused": {"attention": 10}}
    table = fast_steps.steps_table(fast_steps.steps_found(seconds, moved, speed=5.0), floor=1000.0, batch="1")
    assert table.replace("\u2060", "").splitlines()[2:] == [
        "| plain | 4000 | 1.00 | 1.00 (1.00–1.00) |",
        "| fused | 2000 | 2.00 | 2.00 (2.00–2.00) |",
        "| *floor* | 1000 |  | 4.00 |",
    ]


def test_the_profile_of_chapter_11_shares_all_of_the_time_among_its_kinds(chapter_11, images):
    shares = fast_steps.shares(chapter_11["model"], images, chapter_11["KIND_OF"], rounds=2)
    assert set(shares) == {*chapter_11["KINDS"], "the rest"}
    assert abs(sum(shares.values()) - 1) < 1e-9
    assert shares["the rest"] < 0.5


def test_chapter_11_shows_what_its_figures_are_drawn_from():
    """Every step and all else that was tried, with machine and date; the tables are written from what is stored."""
    stored = fast_steps_stored()
    cells = {cell.id: cell.source for cell in nbformat.read(fast_steps.NOTEBOOK, as_version=4).cells}
    written = fast_steps.cells(stored)
    assert len(written) == 3
    assert {name: cells[name] for name in written} == written
    assert all("*Measured on " in cell and " 2026 by `benchmarks/fast_steps.py`" in cell for cell in written.values())
    assert all("AMD EPYC" in cell for cell in written.values())
    assert list(stored["steps"]) == [str(batch) for batch in fast_steps.BATCHES]
    for found in stored["steps"].values():
        assert list(found) == ["plain", *fast_steps.STEPS, "window order", "library"]
    tried = ("packed weights (oneDNN)", "bfloat16", "plain, compiled", "fast, compiled", "fast, compiled and frozen")
    assert set(tried) == set(stored["tried"])


def test_three_views_of_one_tensor_are_read_as_three(chapter_11):
    """Queries, keys and values lie in one storage, and attention reads all of them."""
    q, k, v = torch.randn(3, 2, 4, 8)
    assert sum(chapter_11["ledger_of"](lambda: torch.cat([q, k, v])).bytes.values()) == 2 * 3 * q.nbytes
    assert not chapter_11["ledger_of"](lambda: q.transpose(1, 2)).bytes  # a view moves nothing


def test_what_is_counted_of_chapter_11_is_what_its_model_does():
    """Bytes and operations do not depend on the machine; times do, and are taken from the one that is named."""
    stored, names = fast_steps_stored(), fast_steps.chapter()
    ways, x = fast_steps.steps(names), torch.randn(1, 3, 224, 224)
    moved = fast_steps.bytes_of(names["ledger_of"], {name: ways[name] for name in ("plain", "library")}, x)
    assert moved == {"plain": stored["bytes"]["plain, batch 1"], "library": stored["bytes"]["fast, batch 1"]}
    operations = fast_steps.operations(ways["plain"], x, names["KIND_OF"])
    assert operations == stored["operations"]["1"]
    assert {kind: 8 * number for kind, number in operations.items()} == stored["operations"]["8"]
    for batch, floor in stored["floor"].items():
        assert 1e3 * sum(stored["operations"][batch].values()) / stored["product"] == pytest.approx(floor, rel=0.01)


def test_what_chapter_11_says_of_its_roofline():
    stored = fast_steps_stored()

    def speed(name, step, kind, of):
        seconds = stored["shares"][f"{name}, batch 8"][kind] * stored["steps"]["8"][step]["ms"] / 1000
        return (stored["bytes"][f"{name}, batch 8"] if of == "bytes" else stored["operations"]["8"])[kind] / seconds

    edge = stored["product"] / stored["copy"]
    of_attention = [
        stored["operations"]["8"]["attention"] / stored["bytes"][f"{n}, batch 8"]["attention"] for n in WAYS
    ]
    assert of_attention[0] < edge < of_attention[1]  # over the edge
    cells = nbformat.read(fast_steps.NOTEBOOK, as_version=4).cells
    [alt] = [cell.metadata.mystnb.image.alt for cell in cells if "path=(" in cell.source]
    assert "from {:.0f} operations for each byte to {:.0f},".format(*of_attention) in alt
    plain, fast = (speed(name, step, "attention", "operations") for name, step in WAYS.items())
    assert fast < 1.1 * plain < 0.5 * of_attention[0] * stored["copy"]  # no faster, and far below the slope before
    assert speed("plain", "plain", "copies", "bytes") < 0.3 * stored["copy"]
    assert speed("plain", "plain", "linear layers", "operations") > 0.75 * stored["product"]
    copies = [stored["shares"][f"{name}, batch 8"]["copies"] for name in WAYS]
    assert copies[1] < 0.6 * copies[0]


def test_what_chapter_11_calls_certain():
    """Its words on the tables follow from the stored brackets, which a new measurement moves."""
    stored = fast_steps_stored()
    words = " ".join(cell.source for cell in nbformat.read(fast_steps.NOTEBOOK, as_version=4).cells)
    one, eight = ({name: s["measured"][1:] for name, s in stored["steps"][batch].items()} for batch in ("1", "8"))

    def apart(a, b):
        return a[0] > b[1] or b[0] > a[1]

    assert apart(one["one copy"], one["fused"])
    assert "*one copy*, which stands clear of *fused*" in words
    assert [n for n, (low, _) in one.items() if low > 1] == ["one copy", "window order", "library"]
    assert "Quicker than *plain* for certain are also *window order* and the library" in words
    certain = [n for n, (low, _) in eight.items() if low > 1]
    assert certain == ["fused", "one copy", "four kinds", "library"]
    assert "*fused*, *one copy*, *four kinds* and the library are quicker than *plain* for certain" in words
    assert not any(apart(eight[a], eight[b]) for a, b in combinations(certain, 2))
    assert "no two of them can be told apart" in words
    for found in (one, eight):
        assert not any(apart(found["one copy"], found[n]) for n in ("four kinds", "window order", "library"))
        assert not apart(found["window order"], found["four kinds"])  # its own gain cannot be told from none
    more = {batch: [n for n, t in stored["tried"].items() if t[batch][1] > 1] for batch in ("1", "8")}
    assert more == {"1": ["fast, compiled", "fast, compiled and frozen"], "8": []}
    assert "both of the fast model compiled, and at one image only" in words
    assert f"a pass that took {stored['steps']['8']['plain']['ms']:.0f} ms for eight images" in words
