"""Training from weights: a new head, stages that stay, layers at their own pace, more epochs; and what a run leaves."""

import csv
import dataclasses
import json

import pytest
import safetensors.torch
import torch
from PIL import Image
from safetensors import safe_open

import swinlib
from swinlib import data
from swinlib.pretrained import DIGITS
from swinlib.training import Config, load, train
from swinlib.training.__main__ import EXIT_ERROR, main
from swinlib.training.optim import layers_after, parameter_groups

NARROW = {"embed_dim": 8, "depths": (2, 1), "num_heads": (1, 2), "window_size": 2, "patch_size": 2}


@pytest.fixture
def weights(tmp_path, randomise):
    """Weights of the tiny training's model, with another head, in a layout of others."""
    model = randomise(swinlib.SwinTransformer(**NARROW, num_classes=7), std=0.1)
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": swinlib.export_state_dict(model, "timm")}, path)
    return path, model


def curve(config):
    with open(config.output / "metrics.csv", newline="") as file:
        return [float(row["learning_rate"]) for row in csv.DictReader(file)]


# --- from weights ------------------------------------------------------------------------------------------------


def test_weights_are_where_it_starts_and_the_new_head_is_said(tiny, weights, capsys):
    path, given = weights
    config = tiny(weights=path, freeze_stages=1, epochs=1, ema_decay=0.0)
    train(config)
    said = capsys.readouterr().err
    assert "Swin v1 in the layout of timm, entry 'state_dict': " in said
    assert "The head was kept as it was: the checkpoint has 7 classes, the model 3." in said
    trained, before = load(config.output).model.state_dict(), given.state_dict()
    same = {name for name in before if not name.startswith("head") and torch.equal(trained[name], before[name])}
    frozen = {name for name in before if name.startswith(("patch_embed", "layers.0"))}
    assert same == frozen

    path.unlink()  # a run that has begun does not need it any more
    assert train(config).finished


def test_a_frozen_stage_drops_nothing(tiny, weights, monkeypatch):
    seen = []
    step = swinlib.training.loop.train_step

    def watched(state, *rest):
        seen.append({name for name, module in state.model.named_modules() if module.training})
        return step(state, *rest)

    monkeypatch.setattr("swinlib.training.loop.train_step", watched)
    train(tiny(weights=weights[0], freeze_stages=1, epochs=2, ema_decay=0.0))  # the second after an evaluation
    for training in seen:
        assert "layers.1.blocks.0.drop_path" in training
        assert not [name for name in training if name.startswith(("patch_embed", "layers.0"))]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"freeze_stages": 3}, "freeze_stages=3, but the model has 2 stages"),
        ({"weights": "nothing.pth"}, "there is no file nothing.pth"),
        ({"weights": DIGITS}, "does not fit the model, which is unchanged"),
    ],
)
def test_what_cannot_be_started_from_is_said(tiny, command, capsys, changes, message):
    assert main(command(tiny(**changes))) == EXIT_ERROR
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("name", "value"), [("layer_decay", 0.0), ("layer_decay", 1.1), ("freeze_stages", -1)])
def test_values_out_of_range_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must"):
        Config(**{name: value})


# --- layers at their own pace ------------------------------------------------------------------------------------


def test_layers_are_counted_from_the_head():
    with torch.device("meta"):
        model = swinlib.swin_t(stage_norms=True)
    after = {name: layers_after(model, name) for name, _ in model.named_parameters()}
    assert after["head.bias"] == after["norm.weight"] == after["stage_norms.0.weight"] == 0
    assert after["layers.3.blocks.1.mlp.fc1.weight"] == 1
    assert after["layers.2.blocks.5.norm1.bias"] == after["layers.2.downsample.reduction.weight"] == 3
    assert after["layers.0.blocks.0.attn.qkv.weight"] == 12
    assert after["patch_embed.proj.weight"] == 13
    assert set(after.values()) == set(range(14))


@pytest.mark.parametrize("version", [1, 2])
def test_each_layer_has_its_learning_rate_and_each_parameter_one_group(tiny_swin, version):
    model = tiny_swin(version)
    names = {id(p): name for name, p in model.named_parameters()}
    plain = {id(p): group["weight_decay"] for group in parameter_groups(model, 0.1) for p in group["params"]}
    found = {}
    for group in parameter_groups(model, 0.1, lr=2.0, layer_decay=0.5):
        for p in group["params"]:
            assert id(p) not in found
            assert group["lr"] == 2.0 * 0.5 ** layers_after(model, names[id(p)])
            found[id(p)] = group["weight_decay"]
    assert found == plain


def test_the_curve_is_that_of_the_head(tiny):
    config = tiny(layer_decay=0.5, epochs=1, warmup_epochs=0.0)
    train(config)
    assert curve(config)[0] == config.lr


# --- more epochs -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_more_epochs_when_asked_for_by_name(tiny, command, capsys):
    short, whole = tiny("extended", epochs=1, warmup_epochs=0.5), tiny("whole", epochs=3, warmup_epochs=0.5)
    train(short)
    longer = dataclasses.replace(short, epochs=3)
    assert main(command(longer)) == EXIT_ERROR
    assert "epochs was 1 and is 3" in (said := capsys.readouterr().err)
    assert "add --extend" in said
    assert main(command(dataclasses.replace(longer, extend=True))) == 0
    train(whole)
    assert len(curve(longer)) == len(curve(whole)) == 15
    assert curve(longer)[5:] == pytest.approx(curve(whole)[5:])
    assert train(longer).finished  # it is now a run of three epochs
    assert main(command(dataclasses.replace(longer, epochs=2, extend=True))) == EXIT_ERROR
    assert "epochs was 3 and is 2" in (said := capsys.readouterr().err)
    assert "add --extend" not in said


def test_checkpoints_with_the_earlier_names_of_options_are_resumed(tiny):
    config = tiny(epochs=1, ema_decay=0.5)
    train(config)
    path = config.output / "checkpoint.pt"
    saved = torch.load(path, weights_only=True)
    for old, new in (("accumulation", "grad_accumulation"), ("clip", "clip_grad"), ("ema", "ema_decay")):
        saved["config"][old] = saved["config"].pop(new)
    torch.save(saved, path)
    assert train(config).finished
    saved["config"]["ema"] = 0.9
    torch.save(saved, path)
    with pytest.raises(ValueError, match=r"ema_decay was 0\.9 and is 0\.5"):
        train(config)


# --- what a run leaves -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["small", "swinv2_tiny_window8_256"])
def test_a_finished_run_is_loaded_with_all_that_belongs_to_it(tiny, pictures, model):
    config = tiny(model=model, epochs=1)
    result = train(config)
    for run in (config.output, str(config.output / "model.safetensors")):
        trained, classes, transform = load(run)
        assert classes == ["left", "lower", "upper"]
        assert not trained.training
        paths = sorted((pictures / "val").rglob("*.png"))
        with torch.no_grad():
            found = [classes[trained(transform(Image.open(path))[None]).argmax()] for path in paths]
        right = sum(name == path.parent.name for name, path in zip(found, paths, strict=True))
        assert right / len(paths) == pytest.approx(result.val_accuracy)


def test_the_file_that_comes_with_swinlib_is_one_of_a_run(tmp_path):
    model, classes, transform = load(DIGITS)
    root = data.prepare("digits", tmp_path)
    paths = sorted((root / "val").rglob("*.png"))[::30]
    x = torch.stack([transform(Image.open(path).convert("RGB")) for path in paths])
    assert [classes[i] for i in model(x).argmax(dim=1)] == [path.parent.name for path in paths]


def test_what_is_no_finished_run_is_said(tiny, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no model\.safetensors, .* has finished\.$"):
        load(tmp_path)
    (tmp_path / "best.safetensors").touch()
    with pytest.raises(FileNotFoundError, match=r"The best weights so far: load\("):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"there is no nothing\.safetensors"):
        load("nothing.safetensors")
    with pytest.raises(ValueError, match="does not say how its model is built"):
        load(tmp_path / "best.safetensors")  # it is empty


@pytest.mark.parametrize(
    "change", [lambda about: about.pop("classes"), lambda about: about["arguments"].update(weights="x")]
)
def test_a_file_that_says_too_little_or_too_much_is_refused(tmp_path, change):
    with safe_open(DIGITS, framework="pt") as file:
        about = json.loads(file.metadata()["swinlib"])
    change(about)
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file(safetensors.torch.load_file(DIGITS), path, metadata={"swinlib": json.dumps(about)})
    with pytest.raises(ValueError, match=r"Build it yourself, and load these weights: swinlib\.load_checkpoint"):
        load(path)


# --- what it is for ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_five_digits_from_the_weights_of_ten_take_a_tenth_of_the_steps(tmp_path):
    """The figures are printed: ``pytest -n0 -s -k tenth``."""
    root = data.prepare("digits", tmp_path)
    for split in ("train", "val"):
        for digit in "02468":
            (tmp_path / "five" / split).mkdir(parents=True, exist_ok=True)
            (tmp_path / "five" / split / digit).symlink_to(root / split / digit)
    plain = {"data": str(tmp_path / "five"), "workers": 0, "tensorboard": False, "ema_decay": 0.0}
    scratch = Config(**plain, output=tmp_path / "scratch", epochs=10, warmup_epochs=2.5)
    tuned = Config(**plain, output=tmp_path / "tuned", epochs=1, warmup_epochs=0.25, weights=DIGITS, layer_decay=0.8)
    slow, quick = train(scratch), train(tuned)
    print(f"scratch: {slow.val_accuracy:.4f} in {slow.step} steps; tuned: {quick.val_accuracy:.4f} in {quick.step}")
    assert slow.step == 10 * quick.step
    assert quick.val_accuracy >= slow.val_accuracy
