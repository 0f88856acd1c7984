"""The stored measurement of three starts: complete, within bounds, drawn as it is, and made again by its command."""

import importlib.util
import json
import math
from pathlib import Path

import pytest
import torch

import swinlib
from swinlib.figures.starts import LOOKS, TITLES, losses_of, show_three_starts, three_starts

COMMAND = Path(__file__).parents[2] / "benchmarks" / "three_starts.py"


@pytest.fixture(scope="module")
def command():
    """The module ``benchmarks/three_starts.py``."""
    spec = importlib.util.spec_from_file_location("three_starts", COMMAND)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_says_where_it_is_from(command):
    measured = three_starts()
    assert measured["machine"]
    assert measured["date"]
    assert set(measured["versions"]) == {"python", "torch", "scikit-learn", "swinlib"}
    assert measured["recipe"] == command.RECIPE, "the recipe changed since: run benchmarks/three_starts.py"


def test_every_start_has_the_same_seeds_and_as_many_points():
    measured = three_starts()
    points = math.ceil(measured["recipe"]["steps"] / measured["recipe"]["averaged"])
    shapes = {losses_of(measured["runs"], std, mergings).shape for std in LOOKS for mergings in TITLES}
    [(seeds, length)] = shapes
    assert seeds >= 3
    assert length == points
    assert len({(run["std"], run["mergings"], run["seed"]) for run in measured["runs"]}) == 6 * seeds


def test_what_the_chapter_says_of_it():
    """Bounds, not figures: on another machine the last digits differ."""
    runs = three_starts()["runs"]
    first = {std: losses_of(runs, std, "as the blocks")[:, 0].mean() for std in LOOKS}
    last = {std: losses_of(runs, std, "as the blocks")[:, -4:].mean() for std in LOOKS}
    assert first[0.2] > max(first[0.02], first[0.002])  # begins worst
    assert last[0.2] < last[0.02] < last[0.002]  # ends best
    right = {
        std: [r["held_out_right"] for r in runs if (r["std"], r["mergings"]) == (std, "as the blocks")] for std in LOOKS
    }
    assert min(right[0.2]) > max(right[0.02] + right[0.002])
    assert all(run["held_out_right"] > 200 for run in runs)  # of 360: each start learns


def test_a_start_that_was_not_trained_is_refused():
    with pytest.raises(ValueError, match=r"std=0\.5"):
        losses_of(three_starts()["runs"], 0.5, "as the blocks")


def test_picture_draws_means_and_bands():
    measured = three_starts()
    picture = show_three_starts(measured)
    for ax, mergings in zip(picture.axes, TITLES, strict=True):
        for line, band, std in zip(ax.lines, ax.collections, LOOKS, strict=True):
            losses = losses_of(measured["runs"], std, mergings)
            assert line.get_ydata() == pytest.approx(losses.mean(0))
            heights = band.get_paths()[0].vertices[:, 1]
            assert (heights.min(), heights.max()) == pytest.approx((losses.min(), losses.max()))


@pytest.mark.parametrize(("mergings", "expected"), [("as the blocks", 0.2), ("1/√inputs", 192**-0.5)])
def test_start_reaches_what_it_names(command, mergings, expected):
    torch.manual_seed(0)
    model = command.new_model(0.2, mergings)
    assert model.layers[1].blocks[0].mlp.fc1.weight.std().item() == pytest.approx(0.2, rel=0.05)
    [merging] = [m for m in model.modules() if isinstance(m, swinlib.PatchMerging)]
    assert merging.reduction.weight.std().item() == pytest.approx(expected, rel=0.05)


@pytest.mark.slow
def test_side_by_side_is_as_alone(command):
    """The first loss of the stacked models is that of each model by itself."""
    runs = command.train(seed=0, steps=1)
    images, labels = command.digits()
    models = []
    for case in command.CASES:
        torch.manual_seed(0)
        models.append(command.new_model(*case))
    batch = torch.randint(len(labels) - 360, (32,))
    for model, run in zip(models, runs, strict=True):
        loss = torch.nn.functional.cross_entropy(model(images[360:][batch]), labels[360:][batch])
        assert run["losses"] == pytest.approx([loss.item()], abs=1e-3)


def test_goes_on_with_the_seed_that_is_missing(command, tmp_path, monkeypatch, capsys):
    trained = []

    def train(seed):
        trained.append(seed)
        return [
            {"std": std, "mergings": mergings, "seed": seed, "losses": [1.0], "held_out_right": seed}
            for std, mergings in command.CASES
        ]

    monkeypatch.setattr(command, "train", train)
    file = tmp_path / "three_starts.json"
    for seeds in (1, 3, 3):
        monkeypatch.setattr("sys.argv", ["three_starts.py", "--seeds", str(seeds), "--file", str(file)])
        command.main()
    assert trained == [0, 1, 2]
    assert len(json.loads(file.read_text(encoding="utf-8"))["runs"]) == 18
    assert "right of 360: 0 1 2" in capsys.readouterr().out
    stored = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(stored | {"recipe": {}}), encoding="utf-8")  # of another recipe: begins anew
    command.main()
    assert trained == [0, 1, 2, 0, 1, 2]
