"""The weights in the repository do what their card says."""

import json
import re
import shlex

import pytest
import torch
import tyro
from safetensors import safe_open
from torch.utils.data import DataLoader

from swinlib import data
from swinlib.pretrained import DIGITS, MARKS, digits_model, marks, marks_model
from swinlib.training import Config

CARD = DIGITS.with_suffix(".md").read_text()


@pytest.fixture(scope="module")
def predictions(tmp_path_factory):
    """Predicted and true classes of the held-out digits."""
    root = data.prepare("digits", tmp_path_factory.mktemp("data"))
    transform = data.eval_transform(16, data.DIGITS_MEAN, data.DIGITS_STD, resize=16)
    images, labels = next(iter(DataLoader(data.image_folder(root / "val", transform), batch_size=360)))
    with torch.no_grad():
        return digits_model()(images).argmax(dim=1), labels


def test_accuracy_is_what_the_card_says(predictions):
    predicted, labels = predictions
    stated, count = re.search(r"\| Accuracy \| ([\d.]+) % of the 360 held-out images \((\d+)\)", CARD).groups()
    assert len(labels) == 360
    assert float(stated) >= 98
    assert float(stated) == int(int(count) / 360 * 1000) / 10
    assert 100 * (predicted == labels).double().mean() >= float(stated)


def test_every_digit_is_predicted(predictions):
    assert predictions[0].unique().tolist() == list(range(10))


def test_size_is_what_the_card_says():
    assert DIGITS.stat().st_size < 3e6
    assert f"{DIGITS.stat().st_size / 1e6:.1f} MB" in CARD
    assert f"{sum(p.numel() for p in digits_model().parameters()):,}".replace(",", " ") in CARD


def test_the_command_on_the_card_trains_this_model():
    command = re.search(r"python -m swinlib\.training([^`]*)", CARD)[1]
    config = tyro.cli(Config, args=shlex.split(command))
    builder, arguments = config.model_arguments(10)
    with safe_open(DIGITS, framework="pt") as file:
        about = json.loads(file.metadata()["swinlib"])
    assert about["model"] == builder
    assert about["arguments"] == json.loads(json.dumps(arguments))
    assert about["image_size"] == config.image_size
    assert (tuple(about["mean"]), tuple(about["std"])) == (data.DIGITS_MEAN, data.DIGITS_STD)
    assert f"{config.epochs} epochs" in CARD


def test_the_model_is_ready_to_be_looked_into():
    model = digits_model()
    assert not model.training
    assert [stage.blocks[0].attn.num_heads for stage in model.layers] == [3, 6]
    assert [block.shift_size for block in model.layers[0].blocks] == [(0, 0), (2, 2)]


# ---- The two networks that compare marks

MARKS_CARD = MARKS[True].with_name("marks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("shift", [True, False])
def test_marks_are_told_apart_as_often_as_the_card_says(shift):
    """Of each kind of image every seventh; the slow test counts them all."""
    found = marks.count(marks_model(shift), every=7)
    for kind, (right, everyone) in found.items():
        stated, total = stated_counts(shift)[kind]
        assert abs(right / everyone - stated / total) < 0.05, kind


@pytest.mark.slow
@pytest.mark.parametrize("shift", [True, False])
def test_all_marks_are_counted_on_the_card(shift):
    found = marks.count(marks_model(shift))
    assert sum(everyone for _, everyone in found.values()) == 32256
    for kind, (right, everyone) in found.items():
        stated, total = stated_counts(shift)[kind]
        assert everyone == total
        assert abs(right - stated) <= 2, kind  # a logit near zero may round to the other side elsewhere


def stated_counts(shift):
    """``{kind: (right, all)}`` of the card."""
    row = re.findall(r"^\| (\w+ windows?, \w+) \| ([\d ]+) \| ([\d ]+) \| ([\d ]+) \|$", MARKS_CARD, re.M)
    number = {kind: [int(each.replace(" ", "")) for each in numbers] for kind, *numbers in row}
    assert len(number) == 4
    return {kind: (with_it if shift else without, total) for kind, (total, with_it, without) in number.items()}


def test_the_two_networks_differ_in_the_shift_alone():
    shifted, plain = marks_model(shift=True), marks_model(shift=False)
    assert shifted.layers[0].shift_size == (2, 2)
    assert plain.layers[0].shift_size == (0, 0)
    assert {n: p.shape for n, p in shifted.named_parameters()} == {n: p.shape for n, p in plain.named_parameters()}
    size = sum(parameter.numel() for parameter in shifted.parameters())
    assert f"{size:,}".replace(",", " ") in MARKS_CARD
    for path in MARKS.values():
        assert path.stat().st_size < 45_000
        assert f"`{path.name}`" in MARKS_CARD


def test_training_begins_as_the_command_says(monkeypatch, tmp_path, capsys):
    """Three steps of the command: two files that load, and the counts in words."""
    monkeypatch.setattr(marks, "STEPS", 3)
    monkeypatch.setattr("sys.argv", ["marks", "--output", str(tmp_path / "new")])
    monkeypatch.setattr(marks, "count", lambda model: {"one window, agree": (1, 4)})
    marks.main()
    assert {path.name for path in (tmp_path / "new").iterdir()} == {path.name for path in MARKS.values()}
    assert capsys.readouterr().out.splitlines()[1].split() == ["one", "window,", "agree", "1", "of", "4,", "25.0%"]
