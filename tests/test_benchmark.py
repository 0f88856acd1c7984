"""What the benchmark says of models: that they are the same, how long, how much memory, how far from the floor."""

import csv
import sys

import pytest
import torch
from torch import nn

from swinlib import SwinTransformer, benchmark
from swinlib.benchmark import Config, bytes_moved, contestants, interval, main, measure, memory_of, run, table

TINY = {"embed_dim": 12, "depths": (2, 2), "num_heads": (1, 2), "window_size": 4, "num_classes": 10}
OPTIONS = {"mode": "inference", "dtype": "float32", "compiled": False, "rounds": 3}


@pytest.mark.parametrize("mode", ["inference", "training"])
def test_each_model_gets_a_row(mode):
    model = SwinTransformer(**TINY)
    rows = measure(
        {"one": benchmark.fast(model), "other": model}, torch.randn(2, 3, 32, 32), **{**OPTIONS, "mode": mode}
    )
    assert [row.name for row in rows] == ["one", "other"]
    assert rows[0].ratio == rows[0].low == rows[0].high == 1
    assert all(row.ms > 0 and row.memory > 0 and row.floor > 0 and row.low <= row.ratio <= row.high for row in rows)
    assert rows[0].gflop == rows[1].gflop > 0
    if mode == "inference":
        assert rows[0].gigabytes < rows[1].gigabytes  # that is how it is faster
    assert len(table(rows).splitlines()) == 3


def test_other_networks_are_not_timed():
    models = {"one": SwinTransformer(**TINY).eval(), "other": SwinTransformer(**TINY).eval()}
    with pytest.raises(
        ValueError, match=r"the logits of other and of one differ by .* of the largest, more than 0\.0001"
    ):
        measure(models, torch.randn(1, 3, 32, 32), **OPTIONS)


def test_a_peer_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    models, missing = contestants("no such model", 32, SwinTransformer(**TINY))
    assert list(models) == ["swinlib fast", "swinlib plain"]
    assert [line.split()[0] for line in missing] == ["torchvision", "timm", "transformers"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256"])
def test_peers_compute_the_same(name, tmp_path):
    for peer in ("timm", "torchvision", "transformers"):
        pytest.importorskip(peer)
    file, picture = tmp_path / "table.csv", tmp_path / "roofline.svg"
    rows = run(Config(model=name, batch=(1,), mode=("inference",), rounds=1, csv=file, roofline=picture))
    assert [row.name for row in rows] == ["swinlib fast", "swinlib plain", "torchvision", "timm", "transformers"]
    with file.open(newline="") as opened:
        assert [line["name"] for line in csv.DictReader(opened)] == [row.name for row in rows]
    assert "operations for each byte" in picture.read_text() or picture.stat().st_size > 10_000


def test_the_interval_of_a_median_is_wide_for_few_and_narrow_for_many():
    assert interval([1.0, 2.0, 3.0]) == (1.0, 3.0)
    low, high = interval([k / 1000 for k in range(1000)])
    assert 0.46 < low < 0.47 < 0.53 < high < 0.54


def test_memory_and_traffic_are_those_of_the_operators():
    x = torch.ones(1000)
    assert memory_of(lambda: x + 1, x.device) == 4000
    assert memory_of(lambda: (x + 1, x + 2), x.device) == 8000
    assert memory_of(lambda: ((x + 1) + 1).view(10, 100) + 1, x.device) == 8000  # two at a time
    assert bytes_moved(lambda x: x.view(10, 100) + 1, x) == 8000
    assert bytes_moved(nn.Identity(), x) == 0


def test_bad_names_end_the_command(capsys):
    assert main(["--model", "swin_huge"]) == 1
    assert "swin_huge" in capsys.readouterr().err
