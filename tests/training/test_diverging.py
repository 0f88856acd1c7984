"""A run that diverges ends with an error, wherever that shows; the best weights until then are kept."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from swinlib.training import loop, train
from swinlib.training.__main__ import EXIT_ERROR, main


def spoil(part, state):
    """Put a NaN, or an infinity, where it does not show in the loss of the step."""
    with torch.no_grad():
        if part == "model":
            state.model.head.weight[0, 0] = float("nan")
        elif part == "infinite model":
            state.model.head.bias[0] = float("inf")
        elif part == "ema":
            state.ema.module.head.weight[0, 0] = float("nan")
        elif part == "buffer":
            state.model.layers[0].blocks[0].attn.relative_coords_table[0, 0] = float("nan")
        else:
            state.optimizer.state[state.model.head.weight]["exp_avg_sq"][0, 0] = float("inf")


NAMES = {
    "model": "model.head.weight",
    "infinite model": "model.head.bias",
    "ema": "ema.module.head.weight",  # its loss on the held-out images is what tells
    "buffer": "model.layers.0.blocks.0.attn.relative_coords_table",
    "optimizer": "optimizer.head.weight.exp_avg_sq",
}


@pytest.fixture
def spoiled(monkeypatch):
    """``spoiled(part, step)``: in that step, a part of the state is spoiled."""
    step_of_loop = loop.train_step

    def make(part, step):
        def spoiling(state, *arguments):
            result = step_of_loop(state, *arguments)
            if state.step == step:
                spoil(part, state)
            return result

        monkeypatch.setattr(loop, "train_step", spoiling)

    return make


@pytest.mark.one_in(5)
@pytest.mark.parametrize("part", NAMES)
def test_a_last_step_that_diverges_is_an_error_and_exports_nothing(tiny, command, capsys, spoiled, part):
    config = tiny(version=2, tensorboard=False)
    spoiled(part, 15)
    assert main(command(config)) == EXIT_ERROR
    said = capsys.readouterr().err
    assert "error: training diverged: in step 15 " in said
    assert (NAMES[part] in said) or (part == "ema" and "the loss on held-out images is nan" in said)
    assert "of step 10, are in best.safetensors. " in said or "of step 5, are in best.safetensors. " in said
    assert "Start a new run with a lower lr, in another output folder." in said
    assert not (config.output / "model.safetensors").exists()
    assert torch.load(config.output / "checkpoint.pt", weights_only=True)["step"] == 12
    assert all(tensor.isfinite().all() for tensor in load_file(config.output / "best.safetensors").values())


def test_one_step_with_a_learning_rate_far_too_high(tiny, command, capsys):
    """Its loss is that of the first weights; only what comes after it shows."""
    config = tiny(epochs=1, batch_size=64, warmup_epochs=0.0, lr=1e30, clip_grad=0.0)
    assert main(command(config)) == EXIT_ERROR
    assert "training diverged: in step 1 the loss on held-out images is nan. What was" in capsys.readouterr().err
    assert not list(config.output.glob("*.safetensors"))
    assert not (config.output / "checkpoint.pt").exists()


@pytest.mark.parametrize("part", ["model", "optimizer", "buffer"])
def test_no_checkpoint_is_spoiled(tiny, spoiled, part):
    """Step 8 writes one. The loss of step 9 would have told, or never."""
    config = tiny(version=2)
    spoiled(part, 8)
    with pytest.raises(FloatingPointError, match=f"in step 8 {NAMES[part]} hold"):
        train(config)
    assert torch.load(config.output / "checkpoint.pt", weights_only=True)["step"] == 4


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_what_shows_in_evaluation_alone(tiny, monkeypatch, loss):
    results = iter([(1.0, 0.5), (0.9, 0.6), (loss, 0.3)])
    monkeypatch.setattr(loop, "evaluate", lambda *_: next(results))
    config = tiny()
    with pytest.raises(FloatingPointError, match=f"in step 15 the loss on held-out images is {loss}.*step 10"):
        train(config)
    assert not (config.output / "model.safetensors").exists()


@pytest.mark.parametrize("steps", [4, 15])
def test_a_checkpoint_that_is_spoiled_already_is_refused(tiny, command, capsys, steps):
    """Of an earlier version, say, which wrote and exported it without a word."""
    config = tiny()
    train(config)
    path = config.output / "checkpoint.pt"
    saved = torch.load(path, weights_only=True)
    saved["ema"]["module.head.weight"][:] = float("nan")
    torch.save({**saved, "step": steps}, path)
    exported = (config.output / "model.safetensors").read_bytes()
    assert main(command(config)) == EXIT_ERROR
    said = capsys.readouterr().err
    assert f"{path} is of a run that had diverged: at step {steps} ema.module.head.weight hold" in said
    assert "best.safetensors. Start a new run with a lower lr" in said
    assert (config.output / "model.safetensors").read_bytes() == exported


def test_a_scaler_that_leaves_out_every_step_is_an_error(tiny):
    config = tiny(precision="float16", epochs=1)
    state = loop.make_state(config, loop.make_loaders(config, ALONE), ALONE.device)
    loop.check_state(state)
    state.scaler.load_state_dict({**state.scaler.state_dict(), "scale": 2.0**-40})
    state.scaler.scale(torch.ones(()))  # which makes it take the scale over
    with pytest.raises(FloatingPointError, match="still overflows in float16"):
        loop.check_state(state)


ALONE = loop.Processes(0, 1, torch.device("cpu"))


@pytest.mark.one_in(4)
@pytest.mark.parametrize(
    ("results", "best"),
    [
        ([(1.0, 0.5), (0.9, 0.6), (0.8, 0.5)], 10),  # the highest accuracy
        ([(1.0, 0.5), (0.9, 0.5), (0.95, 0.5)], 10),  # as high: the lowest loss
        ([(1.0, 0.5), (1.0, 0.5), (1.0, 0.5)], 5),  # in every way alike: the first
        ([(1.0, 0.5), (0.9, 0.5), (2.0, 0.6)], 15),
    ],
)
def test_the_best_weights_are_kept(tiny, monkeypatch, results, best):
    config, weights = tiny(), {}

    def evaluate(model, *_):
        weights[5 * (len(weights) + 1)] = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        return results[len(weights) - 1]

    monkeypatch.setattr(loop, "evaluate", evaluate)
    train(config)
    kept, exported = (load_file(config.output / f"{name}.safetensors") for name in ("best", "model"))
    assert all(torch.equal(kept[name], weights[best][name]) for name in weights[best])
    assert all(torch.equal(exported[name], weights[15][name]) for name in weights[15])
    saved = torch.load(config.output / "checkpoint.pt", weights_only=True)["best"]
    assert saved == {"step": best, "val_loss": results[best // 5 - 1][0], "val_accuracy": results[best // 5 - 1][1]}
    abouts = []
    for name in ("best", "model"):
        with safe_open(config.output / f"{name}.safetensors", framework="pt") as file:
            abouts.append(json.loads(file.metadata()["swinlib"]))
    assert abouts[0] == abouts[1]


def test_a_best_file_that_is_gone_is_not_promised(tiny, monkeypatch):
    """As where the checkpoint alone was copied to another machine."""
    results = iter([(1.0, 0.9), (2.0, 0.1), (3.0, 0.2), (2.0, 0.3)])
    monkeypatch.setattr(loop, "evaluate", lambda *_: next(results))
    config = tiny()
    with monkeypatch.context() as patch:
        patch.setattr(loop, "check_state", lambda state: 1 / 0 if state.step == 10 else None)
        with pytest.raises(ZeroDivisionError):
            train(config)
    (config.output / "best.safetensors").unlink()
    train(config)
    assert torch.load(config.output / "checkpoint.pt", weights_only=True)["best"]["step"] == 15
