"""The configuration: on the command line, in a checkpoint, and what is refused."""

import dataclasses
import json
import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import tyro
from safetensors.torch import load_file
from torchvision.io import write_png

import swinlib.training
from swinlib.training import Config, train
from swinlib.training.__main__ import EXIT_ERROR, main
from swinlib.training.config import MAY_DIFFER
from swinlib.training.distributed import Processes
from swinlib.training.loaders import make_loaders


def test_the_command_line_fills_every_field(tiny, command):
    config = tiny(drop_path_rate=0.1, version=2, mixup=0.2, tensorboard=True, grad_accumulation=2)
    assert tyro.cli(Config, args=command(config)) == config
    assert tyro.cli(Config, args=[]) == Config()


def test_help_explains_each_field(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for field in dataclasses.fields(Config):
        assert f"--{field.name.replace('_', '-')}" in said


def test_a_word_that_is_no_option_is_an_error_of_the_command_line(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--learning-rate", "1"])
    assert ended.value.code == 2


def test_the_documented_commands_are_understood():
    text = swinlib.training.__doc__.replace("\\\n", " ")
    commands = re.findall(r"-m swinlib\.training(.*)", text)
    configs = [tyro.cli(Config, args=line.split()) for line in commands if "--help" not in line]
    assert len(configs) == 6
    assert configs[-1].model == "swin_t"
    assert configs[-1].build_model(3).head.out_features == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", 0.0),
        ("epochs", 0),
        ("batch_size", -1),
        ("clip_grad", -1.0),
        ("ema_decay", 1.0),
        ("label_smoothing", 1.5),
        ("seed", -1),
    ],
)
def test_values_out_of_range_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must"):
        Config(**{name: value})


def test_a_checkpoint_of_another_configuration(tiny, command, capsys):
    train(tiny(epochs=1))
    assert main(command(tiny(epochs=2, embed_dim=16, lr=1e-3))) == EXIT_ERROR
    said = capsys.readouterr().err
    assert "checkpoint.pt is of another run: " in said
    assert (
        "embed_dim was 8 and is 16; epochs was 1 and is 2; lr was 0.002 and is 0.001. Use the settings it was started"
        in said
    )


def test_what_may_differ_does(tiny, tmp_path):
    first = tiny(epochs=1)
    train(first)
    changes = {"output": first.output, "workers": 1, "grad_accumulation": 2, "checkpoint_every": 7, "timeout": 5.0}
    changes |= {"device": "cpu", "data_root": tmp_path, "tensorboard": True, "extend": True}
    assert changes.keys() == MAY_DIFFER
    assert train(dataclasses.replace(first, **changes)).finished
    assert all(name in Config.__doc__ for name in MAY_DIFFER)


def test_other_data_in_the_same_place(tiny, command, pictures, tmp_path, capsys):
    place = tmp_path / "pictures"
    place.symlink_to(pictures)
    config = tiny(data=str(place), epochs=1)
    train(config)
    place.unlink()
    for split in ("train", "val"):
        for name in ("left", "upper", "lower", "right"):
            (place / split).mkdir(parents=True, exist_ok=True)
            (place / split / name).symlink_to(pictures / split / ("left" if name == "right" else name))
    assert main(command(config)) == EXIT_ERROR
    said = capsys.readouterr().err
    assert "classes of the data was ['left', 'lower', 'upper'] and is ['left', 'lower', 'right', 'upper']" in said
    assert "training images of the data was 37 and is 50" in said


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_checkpoint_cut_short(tiny, command, capsys, share):
    config = tiny(epochs=1)
    train(config)
    path = config.output / "checkpoint.pt"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert main(command(config)) == EXIT_ERROR
    said = capsys.readouterr().err
    assert f"{path} ({path.stat().st_size} bytes) is not a complete checkpoint of a training run" in said
    assert "remove it to start anew" in said


def test_a_checkpoint_that_runs_code_is_refused(tiny, command, capsys):
    config = tiny(epochs=1)
    config.output.mkdir()
    torch.save({"step": 0, "config": {}, "data": Path}, config.output / "checkpoint.pt")
    assert main(command(config)) == EXIT_ERROR
    assert "is not a complete checkpoint of a training run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("lr", float("inf"), "lr must be a positive number, got inf"),
        ("timeout", float("inf"), "timeout must be a positive number, got inf"),
        ("warmup_epochs", float("inf"), "warmup_epochs must be a number of at least 0, got inf"),
        ("clip_grad", float("nan"), "clip_grad must be a number of at least 0, got nan"),
        ("epochs", 1.5, "epochs must be an integer, at least 1; got 1.5"),
        ("batch_size", True, "batch_size must be an integer, at least 1; got True"),
    ],
)
def test_numbers_that_make_no_sense_are_named(name, value, message):
    with pytest.raises(ValueError, match=message):
        Config(**{name: value})


def test_numbers_of_numpy_are_numbers(tiny, pictures):
    """The files of a run hold Python's own, so that it resumes, and with these too."""
    counts = ("image_size", "embed_dim", "epochs", "batch_size", "checkpoint_every", "workers", "seed")
    plain = tiny(epochs=1, depths=(2, 1), lr=0.5, warmup_epochs=1.0, seed=3)
    changes = {name: np.int64(getattr(plain, name)) for name in counts}
    changes |= {
        "depths": [np.int64(2), np.int32(1)],
        "window_size": np.int64(2),
        "lr": np.float32(0.5),
        "ema_decay": np.float64(plain.ema_decay),
    }
    config = dataclasses.replace(plain, data=Path(pictures), output=str(plain.output), **changes)
    assert config == plain
    assert config.as_dict() == plain.as_dict()
    assert {type(value) for value in config.as_dict().values()} <= {int, float, str, tuple, bool, type(None)}
    assert {type(depth) for depth in config.depths} == {int}
    assert train(config).finished
    assert train(plain).finished
    assert train(config).finished


def test_a_checkpoint_says_what_was_evaluated(tiny):
    for ema, name in ((0.5, "ema"), (0.0, "model")):
        config = tiny(name, epochs=1, ema_decay=ema)
        train(config)
        saved = torch.load(config.output / "checkpoint.pt", weights_only=True)
        assert saved["evaluated"] == name
        prefix = "module." if name == "ema" else ""
        exported = load_file(config.output / "model.safetensors")
        assert all(torch.equal(tensor, saved[name][prefix + key]) for key, tensor in exported.items())


def test_checkpoints_without_it_are_resumed(tiny):
    """Those of earlier versions."""
    config = tiny(epochs=1)
    train(config)
    path = config.output / "checkpoint.pt"
    saved = torch.load(path, weights_only=True)
    torch.save({key: value for key, value in saved.items() if key not in ("evaluated", "best")}, path)
    assert train(config).finished


def tree(root, *classes, images=1):
    for split in ("train", "val"):
        (root / split).mkdir(parents=True)
        for name in classes:
            (root / split / name).mkdir()
            for i in range(images):
                write_png(torch.zeros(3, 8, 8, dtype=torch.uint8), str(root / split / name / f"{i}.png"))
    return root


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: root / "nowhere", "nowhere does not exist, and is none of digits, cifar10, imagenette: give one"),
        (lambda root: tree(root), "train holds no class folders"),
        (lambda root: tree(root, "only"), "'only'"),
        (
            lambda root: tree(root, "a", "b", images=0),
            "train has classes without an image: a, b. Put images",
        ),
    ],
    ids=["no folder", "no class", "one class", "no image"],
)
def test_data_that_cannot_be_learnt(tiny, command, tmp_path, capsys, make, message):
    assert main(command(tiny(data=str(make(tmp_path / "data"))))) == EXIT_ERROR
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert message in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda root: (root / "val").rename(root / "other"),
            "holds no val, but other, train. Move some of the",
        ),
        (lambda root: (root / "val").rename(root / "valid"), "holds no val, but train, valid. Rename valid to val."),
        (lambda root: (root / "train").rename(root / "training"), "no train, but training, val. Rename training to"),
        (lambda root: (root / "train").rename(root / "x"), "holds no train, but val, x. Move the class folders into"),
        (
            lambda root: [shutil.rmtree(root / name) for name in ("train", "val")],
            "no train and no val, but no folders",
        ),
        (
            lambda root: (shutil.rmtree(root), root.touch()),
            "data is a file, and is none of digits, cifar10",
        ),
    ],
    ids=["no val", "valid", "training", "no train", "neither", "a file"],
)
def test_a_missing_split_is_called_that(tiny, command, tmp_path, capsys, change, message):
    root = tree(tmp_path / "data", "a", "b")
    change(root)
    assert main(command(tiny(data=str(root)))) == EXIT_ERROR
    said = capsys.readouterr().err
    assert said.startswith(f"error: {root} ")
    assert message in said


@pytest.mark.parametrize("rank", [0, 1])
def test_what_is_left_out_is_told_once(tiny, pictures, tmp_path, rank):
    place = tmp_path / "pictures"
    shutil.copytree(pictures, place)
    (place / "train" / "left" / "moving.gif").touch()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaders = make_loaders(tiny(data=str(place)), Processes(rank, 2, torch.device("cpu")))
    assert loaders.classes == ["left", "lower", "upper"]
    said = [str(warning.message) for warning in caught if warning.category is UserWarning]
    assert len(said) == (rank == 0)
    assert all("1 .gif: left/moving.gif" in text for text in said)


def test_two_classes_of_one_image_are_enough(tiny, tmp_path):
    assert train(tiny(data=str(tree(tmp_path / "data", "a", "b")), epochs=1)).finished


def test_train_and_val_of_different_classes(tiny, command, tmp_path, capsys):
    root = tree(tmp_path / "data", "a", "b")
    (root / "val" / "b").rename(root / "val" / "c")
    assert main(command(tiny(data=str(root)))) == EXIT_ERROR
    assert "must hold the same classes, but only train has ['b'] and only val ['c']. Add" in capsys.readouterr().err


def test_a_device_that_is_not_there(tiny, command, capsys):
    for device in ("cuda:77", "nonsense"):
        assert main(command(tiny(device=device))) == EXIT_ERROR
        assert f"error: device {device!r} cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "arguments", "windows"),
    [
        ("--window-size 2", {"window_size": 2}, [(2, 2), (2, 2)]),
        ("--window-size 4 2", {"window_size": [4, 2]}, [(4, 4), (2, 2)]),
    ],
)
def test_a_window_for_all_stages_or_one_for_each(line, arguments, windows):
    """What a run's file says of its model builds it again: JSON knows no tuples, and two numbers are two stages."""
    config = tyro.cli(Config, args=line.split())
    builder, given = config.model_arguments(3)
    assert (builder, {"window_size": given["window_size"]}) == ("SwinTransformer", arguments)
    assert config.build_model(3).window_size == windows
    assert swinlib.SwinTransformer(**json.loads(json.dumps(given))).window_size == windows
    assert Config(window_size=2) == tyro.cli(Config, args=["--window-size", "2"])


def test_any_published_model():
    line = "--model swinv2_tiny_window16_256 --embed-dim 12 --window-size 8 --pretrained-window-size 16 16 16 8"
    config = tyro.cli(Config, args=line.split())
    model = config.build_model(3)
    assert (model.dims[0], model.version, model.window_size) == (12, 2, [(8, 8)] * 4)
    assert model.pretrained_window_size == [(16, 16)] * 3 + [(8, 8)]
    with pytest.raises(ValueError, match="no Swin is published as 'swin_v2'"):
        Config(model="swin_v2")


def test_a_run_from_before_a_setting_was_there_is_the_same_run():
    """An older file says one number for the windows, and nothing of those of training."""
    saved = Config(window_size=2).as_dict() | {"window_size": 2}
    del saved["pretrained_window_size"]
    assert Config(window_size=2).differences(saved) == []
    assert len(Config(window_size=4).differences(saved)) == 1
