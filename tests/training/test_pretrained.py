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
from swinlib.pretrained import (
    DIGITS,
    MARKS,
    MEASURED,
    PHOTOGRAPH_CLASSES,
    PHOTOGRAPHS,
    digits_model,
    marks,
    marks_model,
    photographs,
    photographs_model,
)
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


def trained_by(card, path):
    """The configuration of the command on a card, which the file agrees with, and what the file says of its model."""
    command = re.search(r"python -m swinlib\.training([^`]*)", card)[1]
    config = tyro.cli(Config, args=shlex.split(command))
    builder, arguments = config.model_arguments(10)
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["swinlib"])
    assert about["model"] == builder
    assert about["arguments"] == json.loads(json.dumps(arguments))
    assert about["image_size"] == config.image_size
    return config, about


def test_the_command_on_the_card_trains_this_model():
    config, about = trained_by(CARD, DIGITS)
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


# ---- The network for photographs

PHOTOGRAPHS_CARD = PHOTOGRAPHS.with_suffix(".md").read_text(encoding="utf-8")
COUNTED = json.loads(MEASURED.read_text(encoding="utf-8"))


def test_logits_of_noise_are_what_they_were():
    """What holds the weights here, since nothing of CIFAR-10 may lie in the project."""
    stored = torch.tensor(COUNTED["noise"])
    assert stored.shape == (100, 10)
    with torch.no_grad():
        logits = photographs_model()(photographs.noise())
    assert (logits - stored).abs().max() <= 1e-3 * stored.abs().max()
    assert stored.std(0).min() > 0.1  # images of noise differ, or they would hold nothing


def test_photographs_are_counted_on_the_card():
    counts = torch.tensor(COUNTED["confusions"])
    assert counts.shape == (10, 10)
    assert counts.sum(1).tolist() == [1000] * 10
    right = int(counts.trace())
    assert (
        f"| Accuracy | {right / 100:.1f} % of the 10 000 test images ({right:,})".replace(",", " ") in PHOTOGRAPHS_CARD
    )
    assert right >= 7800


def test_the_curve_is_that_of_the_command():
    """Of each epoch of both lines the loss and the accuracy."""
    curve = COUNTED["curve"]
    assert [point["epoch"] for point in curve] == list(range(1, len(curve) + 1))
    first, then = map(int, re.findall(r"--epochs (\d+)", PHOTOGRAPHS_CARD))
    assert len(curve) == then
    assert f"After the first {first} epochs {100 * curve[first - 1]['accuracy']:.1f} % were right" in PHOTOGRAPHS_CARD
    assert curve[-1]["accuracy"] == pytest.approx(int(torch.tensor(COUNTED["confusions"]).trace()) / 1e4, abs=2e-3)


def test_sizes_of_the_photographs_model_are_what_the_card_says():
    assert PHOTOGRAPHS.stat().st_size < 3e6
    assert f"{PHOTOGRAPHS.stat().st_size / 1e6:.1f} MB" in PHOTOGRAPHS_CARD
    model = photographs_model()
    assert f"{sum(p.numel() for p in model.parameters()):,} parameters".replace(",", " ") in PHOTOGRAPHS_CARD
    assert not model.training
    with safe_open(PHOTOGRAPHS, framework="pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float16}  # noqa: SIM118, it is no dict


def test_the_command_on_the_card_trains_the_photographs_model():
    config, about = trained_by(PHOTOGRAPHS_CARD, PHOTOGRAPHS)
    assert config.image_size == 32
    assert (tuple(about["mean"]), tuple(about["std"])) == (data.IMAGENET_MEAN, data.IMAGENET_STD)
    assert tuple(about["classes"]) == PHOTOGRAPH_CLASSES


@pytest.fixture
def few_photographs(tmp_path):
    """Two images of noise for each class, in ``val/<class>/``."""
    from PIL import Image

    for k, name in enumerate(PHOTOGRAPH_CLASSES):
        (tmp_path / "val" / name).mkdir(parents=True)
        for number in range(2):
            pixels = torch.randint(256, (32, 32, 3), generator=torch.Generator().manual_seed(10 * k + number))
            Image.fromarray(pixels.byte().numpy()).save(tmp_path / "val" / name / f"{number}.png")
    return tmp_path


def test_photographs_are_counted_by_true_class_and_answer(few_photographs):
    counts = photographs.confusions(photographs_model(), few_photographs / "val")
    assert counts.sum(1).tolist() == [2] * 10
    images = data.image_folder(few_photographs / "val", data.eval_transform(32, resize=32))
    expected = torch.zeros(10, 10, dtype=torch.long)
    for image, label in images:
        expected[label, photographs_model()(image[None]).argmax()] += 1
    assert torch.equal(counts, expected)


def test_other_images_than_those_that_were_counted_are_noticed(few_photographs, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["photographs", "--data", str(few_photographs)])
    stored = torch.zeros(10, 10, dtype=torch.long)
    stored[:, 0] = 2
    other = few_photographs / "counted.json"
    other.write_text(json.dumps({"confusions": stored.tolist()}))
    monkeypatch.setattr(photographs, "MEASURED", other)
    with pytest.raises(SystemExit, match="these are other weights, or other images"):
        photographs.main()
    assert "of 20 images" in capsys.readouterr().out
    (few_photographs / "val" / "truck").rename(few_photographs / "val" / "lorry")
    with pytest.raises(ValueError, match="must hold the classes airplane"):
        photographs.main()


def test_the_curve_of_a_run_has_a_point_for_each_epoch(tmp_path):
    rows = "step,epoch,loss,val_accuracy\n0,0,2.0,\n1,0,1.0,0.25\n2,1,0.5,0.5\n"
    (tmp_path / "metrics.csv").write_text(rows)
    assert photographs.curve(tmp_path / "metrics.csv") == [
        {"epoch": 1, "loss": 1.5, "accuracy": 0.25},
        {"epoch": 2, "loss": 0.5, "accuracy": 0.5},
    ]
