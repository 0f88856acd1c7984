"""The table of chapter 9 on workers is a measurement that was stored; here it is taken again, with bounds.

The functions are those of the notebook. Reading and training only sleep, so no step can be shorter than the rule says.
How much longer it is depends on what else the machine does, so the best of a few tries must do.
"""

import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "book" / "09_loaders_and_samplers.ipynb"
READ, TRAIN = 0.06, 0.015  # seconds, of the text


def source(start):
    """The source of the one cell that has a line beginning so, without the magic of its first line."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    [found] = [cell.source for cell in cells if cell.cell_type == "code" and f"\n{start}" in f"\n{cell.source}"]
    return "\n".join(line for line in found.splitlines() if not line.startswith("%%"))


@pytest.fixture
def measure(tmp_path, monkeypatch):
    """``step_time`` of the notebook, on its ``Watched``, which workers can import."""
    (tmp_path / "watched.py").write_text(source("class Watched"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "watched", raising=False)
    names = {}
    exec("import time\nfrom torch.utils.data import DataLoader\nfrom watched import Watched", names)
    exec(source("def step_time"), names)
    yield names["step_time"]
    sys.modules.pop("watched", None)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.slow
def test_four_workers_are_worth_having(measure):
    rule = {}
    exec(source("def expected"), rule)
    for _ in range(12):
        alone, four = measure(0, batches=8), measure(4, batches=96)
        assert alone >= rule["expected"](0, READ, TRAIN)
        assert four >= TRAIN
        if four < alone / 1.5:
            return
    pytest.fail(f"a step takes {alone:.3f} s without workers and {four:.3f} s with four")


def test_the_stored_table_keeps_to_the_rule():
    [table] = [cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if "| measured |" in cell.source]
    rows = [[word.strip() for word in line.strip("| ").split("|")] for line in table.splitlines() if "|" in line]
    rows = {row[0]: row[1:] for row in rows if row[0] != "---"}
    rule = {}
    exec(source("def expected"), rule)
    for workers, by_rule, measured in zip(*(map(int, row) for row in rows.values()), strict=True):
        assert by_rule == rule["expected"](workers, 1000 * READ, 1000 * TRAIN)
        assert by_rule <= measured <= 1.5 * by_rule
