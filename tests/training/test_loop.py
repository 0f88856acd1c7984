"""One step and one run in this process, against what torch gives without the package."""

import csv

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import swinlib
from swinlib.training import loop, train
from swinlib.training.distributed import Processes
from swinlib.training.loaders import make_loaders

ALONE = Processes(0, 1, torch.device("cpu"))


def rows(folder):
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def begun(tiny):
    """``begun(**changes)``: configuration, loaders and state of the tiny training."""

    def make(**changes):
        config = tiny(**changes)
        loaders = make_loaders(config, ALONE)
        return config, loaders, loop.make_state(config, loaders, ALONE.device)

    return make


def one_step(config, state, images, labels):
    return loop.train_step(state, state.model.train(), images, labels, len(images), config)


@pytest.mark.parametrize("accumulation", [1, 3, 8])
def test_steps_are_those_of_adamw_on_the_mean_loss(begun, accumulation):
    config, _, state = begun(grad_accumulation=accumulation, clip_grad=0.1, label_smoothing=0.2)
    model = config.build_model(3)
    model.load_state_dict(state.model.state_dict())
    optimizer = torch.optim.AdamW(loop.parameter_groups(model, config.weight_decay))
    for number in (1, 2):
        images, labels = torch.randn(7, 3, 8, 8), torch.randint(3, (7,))
        loss, norm = one_step(config, state, images, labels)

        optimizer.zero_grad()
        expected = F.cross_entropy(model(images), labels, label_smoothing=0.2)
        expected.backward()
        expected_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        for group in optimizer.param_groups:
            group["lr"] = config.lr * number / 6  # an epoch of five steps warms up
        optimizer.step()
        torch.testing.assert_close(loss, expected.detach())
        torch.testing.assert_close(norm, expected_norm)
        torch.testing.assert_close(state.model.state_dict(), model.state_dict(), rtol=1e-4, atol=1e-5)


def test_the_average_follows_the_weights(begun):
    config, _, state = begun(ema_decay=0.75)
    images, labels = torch.randn(6, 3, 8, 8), torch.arange(6) % 3
    one_step(config, state, images, labels)
    first = state.model.head.weight.detach().clone()
    torch.testing.assert_close(state.evaluated_model.head.weight, first)  # the average of one is that one
    one_step(config, state, images, labels)
    torch.testing.assert_close(
        state.evaluated_model.head.weight, 0.75 * first + 0.25 * state.model.head.weight.detach()
    )


def test_without_average_the_model_itself_is_evaluated(begun):
    _, _, state = begun(ema_decay=0.0)
    assert state.evaluated_model is state.model


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_computes_in_it_and_keeps_float32_weights(begun, precision):
    config, _, state = begun(precision=precision)
    seen = []
    state.model.layers[0].blocks[0].mlp.fc1.register_forward_hook(lambda _m, _i, output: seen.append(output.dtype))
    loss, _ = one_step(config, state, torch.randn(6, 3, 8, 8), torch.arange(6) % 3)
    assert seen == [getattr(torch, precision)]
    assert {p.dtype for p in state.model.parameters()} == {torch.float32}
    assert state.scaler.is_enabled() == (precision == "float16")
    assert loss == pytest.approx(1.1, abs=0.2)


def test_what_a_step_draws_follows_from_seed_step_and_rank():
    drawn = {}
    for key in [(s, t, r) for s in range(3) for t in range(3) for r in range(3)]:
        loop.seed_step(*key)
        drawn[key] = torch.rand(4)
    assert len({tuple(values.tolist()) for values in drawn.values()}) == 27
    loop.seed_step(1, 2, 0)
    assert torch.equal(torch.rand(4), drawn[1, 2, 0])


@pytest.mark.parametrize(("mixup", "cutmix", "kinds"), [(0, 0, None), (1, 0, {"MixUp"}), (1, 1, {"MixUp", "CutMix"})])
def test_mixing_makes_probabilities(tiny, mixup, cutmix, kinds):
    mix = loop.mixing(tiny(mixup=float(mixup), cutmix=float(cutmix)), 3)
    if kinds is None:
        assert mix is None
        return
    assert {type(part).__name__ for part in mix.transforms} == kinds
    images, labels = mix(torch.randn(6, 3, 8, 8), torch.arange(6) % 3)
    assert (images.shape, labels.shape) == ((6, 3, 8, 8), (6, 3))
    torch.testing.assert_close(labels.sum(dim=1), torch.ones(6))


def test_each_held_out_image_is_scored_once(begun):
    config, loaders, state = begun(batch_size=4)
    model = state.model.eval()
    images, labels = zip(*loaders.val.dataset, strict=True)
    logits = model(loaders.normalize(torch.stack(images))).detach()
    labels = torch.tensor(labels)
    model.train()
    loss, accuracy = loop.evaluate(model, loaders, ALONE, config)
    assert model.training
    assert loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    assert accuracy == pytest.approx((logits.argmax(dim=1) == labels).float().mean().item())


@pytest.mark.slow
def test_a_run_learns_and_leaves_what_it_says(tiny):
    config = tiny(epochs=20, lr=1e-2, augment="none", checkpoint_every=1000, tensorboard=True)
    result = train(config)
    table = rows(config.output)
    assert result.finished
    assert result.val_accuracy > 0.8
    assert [int(row["step"]) for row in table] == list(range(1, 101))
    assert [int(row["epoch"]) for row in table] == [i // 5 for i in range(100)]
    assert float(table[-1]["val_accuracy"]) == result.val_accuracy
    assert [i for i, row in enumerate(table, 1) if row["val_loss"]] == list(range(5, 101, 5))
    model = swinlib.SwinTransformer(**config.model_arguments(3)[1])
    swinlib.load_checkpoint(model, config.output / "model.safetensors")
    loaders = make_loaders(config, ALONE)
    assert loop.evaluate(model, loaders, ALONE, config) == (result.val_loss, result.val_accuracy)
    assert events(config.output)["loss"] == pytest.approx([float(row["loss"]) for row in table], rel=1e-6)


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder / "tensorboard"))
    found.Reload()
    return {name: [event.value for event in found.Scalars(name)] for name in found.Tags()["scalars"]}


def test_both_curves_are_cut_back_to_the_step_resumed_from(tmp_path):
    from swinlib.training.metrics import Metrics

    metrics = Metrics(tmp_path, 0, tensorboard=True)
    for step in range(1, 6):
        metrics.write(step, epoch=0, loss=float(step))
    metrics.close()
    with open(tmp_path / "metrics.csv", "a") as file:
        file.write("6,0,,")  # torn
    metrics = Metrics(tmp_path, 3, tensorboard=True)
    metrics.write(4, epoch=0, loss=40.0)
    metrics.close()
    assert [(row["step"], row["loss"]) for row in rows(tmp_path)] == [
        ("1", "1.0"),
        ("2", "2.0"),
        ("3", "3.0"),
        ("4", "40.0"),
    ]
    assert events(tmp_path)["loss"] == [1.0, 2.0, 3.0, 40.0]


@pytest.mark.parametrize("bad", ["loss", "gradient_norm"])
def test_a_run_that_diverges_stops_before_it_spoils_the_checkpoint(tiny, monkeypatch, bad):
    step = loop.train_step

    def diverging_step(state, *arguments):
        loss, norm = step(state, *arguments)
        if state.step == 6:
            loss, norm = (loss * float("nan"), norm) if bad == "loss" else (loss, norm * float("inf"))
        return loss, norm

    monkeypatch.setattr(loop, "train_step", diverging_step)
    config = tiny(checkpoint_every=2)
    with pytest.raises(FloatingPointError, match="training diverged: in step 6"):
        train(config)
    assert torch.load(config.output / "checkpoint.pt", weights_only=True)["step"] == 4


def test_a_learning_rate_far_too_high_is_found_out(tiny):
    with pytest.raises(FloatingPointError, match="a lower lr"):
        train(tiny(lr=1e30, clip_grad=0.0))


def test_sums_do_not_depend_on_how_threads_take_turns():
    """The gradient of a table's rows, which many positions share, as the bias table's."""
    threads = torch.get_num_threads()
    torch.set_num_threads(4)
    index, gradient = swinlib.relative_position_index(7), torch.randn(49, 49, 24)

    def sums():
        table = torch.zeros(169, 24, requires_grad=True)
        table[index].backward(gradient)
        return table.grad

    with loop.deterministic(torch.device("cpu")):
        assert torch.are_deterministic_algorithms_enabled()
        first = sums()
        same = all(torch.equal(sums(), first) for _ in range(50))
    torch.set_num_threads(threads)
    assert same
    assert not torch.are_deterministic_algorithms_enabled()


def test_what_is_exported_is_the_average(tiny):
    config = tiny(epochs=1, ema_decay=0.5)
    train(config)
    saved = torch.load(config.output / "checkpoint.pt", weights_only=True)
    exported = load_file(config.output / "model.safetensors")
    assert all(torch.equal(tensor, saved["ema"][f"module.{name}"]) for name, tensor in exported.items())
