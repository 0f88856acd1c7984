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
from swinlib.pretrained import DIGITS, digits_model
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
