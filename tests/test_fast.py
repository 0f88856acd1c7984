"""The fast path computes what the plain one does: at every size, in both versions, forwards and backwards."""

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import swinlib.fast as fast_module
from swinlib import SwinTransformer, SwinUNet
from swinlib.attention import position_parameters
from swinlib.fast import FastSwinTransformer, fast, plain

SMALL = {"embed_dim": 8, "depths": (2, 3), "num_heads": (1, 2), "patch_size": 2, "num_classes": 5}
SHAPES = {
    "tiled": ({"window_size": 4}, (32, 48)),
    "padded": ({"window_size": (4, 3)}, (37, 51)),
    "tiled, then padded": ({"window_size": [4, 5]}, (32, 32)),
    "padded, then tiled": ({"window_size": [5, 4]}, (32, 32)),
    "one window on one side": ({"window_size": 4}, (8, 32)),
    "one window": ({"window_size": 8}, (16, 16)),
    "windows by stage": ({"window_size": [8, 4]}, (32, 32)),
    "shifted along one side": ({"window_size": 4, "shift_size": (0, 1)}, (32, 32)),
    "not shifted": ({"window_size": 4, "shift_size": 0}, (32, 32)),
    "odd": ({"window_size": 3}, (18, 30)),
}
BOTH = pytest.mark.parametrize("version", [1, 2])


@pytest.fixture
def build(randomise):
    """``build(**options)``: a small model, all of whose parameters are random, in evaluation."""
    return lambda **options: randomise(SwinTransformer(**{**SMALL, **options}), std=0.1).eval()


def gradients(model, x):
    """Of the parameters and the images, for a loss that weighs every logit differently."""
    x = x.clone().requires_grad_()
    model.zero_grad()
    logits = model(x)
    (logits * torch.linspace(0.5, 2, logits.numel(), dtype=x.dtype).view_as(logits)).sum().backward()
    return {"images": x.grad, **{name: parameter.grad.clone() for name, parameter in model.named_parameters()}}


@BOTH
@pytest.mark.parametrize("shape", SHAPES)
@torch.no_grad()
def test_the_same_logits_and_maps(build, version, shape):
    options, size = SHAPES[shape]
    model = build(version=version, **options)
    x = torch.randn(3, 3, *size)
    twin = fast(model)
    torch.testing.assert_close(twin(x), model(x), rtol=0, atol=1e-5)
    torch.testing.assert_close(twin.forward_features(x), model.forward_features(x), rtol=0, atol=1e-5)
    (last, maps), (twin_last, twin_maps) = model.forward_intermediates(x), twin.forward_intermediates(x)
    torch.testing.assert_close([twin_last, *twin_maps], [last, *maps], rtol=0, atol=1e-5)


def test_a_size_that_was_met_in_inference_mode_can_be_trained_with(build):
    twin, x = fast(build(window_size=4)), torch.randn(7, 3, 32, 32)
    with torch.inference_mode():
        twin(x)
    assert gradients(twin.train(), x)


@BOTH
@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_gradients(build, version, shape):
    options, size = SHAPES[shape]
    model = build(version=version, **options).double().train()
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    expected, got = gradients(model, x), gradients(fast(model), x)
    for name, gradient in expected.items():
        torch.testing.assert_close(
            got[name], gradient, rtol=1e-4, atol=1e-10, msg=lambda said, name=name: f"{name}: {said}"
        )


@settings(max_examples=25)
@given(
    height=st.integers(2, 40),
    width=st.integers(2, 40),
    window=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    batch=st.integers(1, 3),
    version=st.sampled_from([1, 2]),
)
@torch.no_grad()
def test_any_size_and_any_window(height, width, window, batch, version):
    model = SwinTransformer(**{**SMALL, "window_size": window, "version": version}).eval()
    nn.init.normal_(model.head.weight)
    x = torch.randn(batch, 3, height, width)
    torch.testing.assert_close(fast(model)(x), model(x), rtol=0, atol=1e-5)


def test_it_shares_everything_and_can_be_undone(build):
    model = build()
    twin = fast(model)
    assert dict(twin.named_parameters()).keys() == dict(model.named_parameters()).keys()
    assert all(a is b for a, b in zip(twin.parameters(), model.parameters(), strict=True))
    assert type(model) is SwinTransformer
    assert isinstance(twin, FastSwinTransformer)
    assert type(plain(twin)) is SwinTransformer
    assert plain(twin).layers is model.layers
    twin.reset_classifier(3)
    assert (model.num_classes, model.head.out_features) == (3, 3)
    assert not model.train().eval().training
    assert not twin.training
    assert type(fast(twin)) is FastSwinTransformer


@BOTH
@torch.no_grad()
def test_biases_that_are_kept_follow_every_change_of_a_parameter(build, version):
    model = build(version=version, window_size=4)
    for parameter in model.parameters():
        parameter.mul_(5)  # so that every change of a bias shows
    twin, x = fast(model), torch.randn(2, 3, 32, 32)
    position = [model.get_parameter(name) for name in sorted(position_parameters(model))]
    before = twin(x)  # keeps them

    def shows_and_is_followed():
        nonlocal before
        expected = model(x)
        assert (expected - before).abs().max() > 1e-3
        torch.testing.assert_close(twin(x), expected, rtol=0, atol=1e-5)
        before = expected

    for change in (lambda p: p.mul_(-3), lambda p: p.data.mul_(0.5), lambda p: setattr(p, "data", -p.data)):
        for parameter in position:
            change(parameter)
        shows_and_is_followed()
    model.load_state_dict({name: value * 0.5 for name, value in model.state_dict().items()})
    shows_and_is_followed()
    torch.testing.assert_close(twin(x[..., :24]), model(x[..., :24]), rtol=0, atol=1e-4)  # other masks


@torch.no_grad()
def test_biases_are_kept(build, monkeypatch):
    twin, x = fast(build(window_size=4)), torch.randn(2, 3, 32, 32)
    twin(x)
    monkeypatch.setattr("swinlib.attention.WindowAttention.position_bias", lambda self: pytest.fail("made again"))
    twin(x)


def test_copies_are_apart(build):
    twin, x = fast(build(window_size=4)), torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        before = twin(x)
        for other in (copy.deepcopy(twin), pickle.loads(pickle.dumps(twin))):
            torch.testing.assert_close(other(x), before, rtol=0, atol=0)
            other.head.weight.zero_()
        torch.testing.assert_close(twin(x), before, rtol=0, atol=0)


@BOTH
def test_drop_path_drops_the_same_images(build, version):
    model = build(version=version, window_size=[5, 4], drop_path_rate=0.5, depths=(2, 2)).train()
    x = torch.randn(6, 3, 32, 32)
    outputs = []
    for each in (model, fast(model)):
        torch.manual_seed(3)
        outputs.append(each(x))
    torch.testing.assert_close(outputs[1], outputs[0], rtol=0, atol=1e-4)


def test_checkpointing_gives_the_same_gradients(build):
    x = torch.randn(2, 3, 32, 32)
    model = build(window_size=4).train()
    expected = gradients(fast(model), x)
    for stage in model.layers:
        stage.gradient_checkpointing = True
    got = gradients(fast(model), x)
    for name, gradient in expected.items():
        torch.testing.assert_close(got[name], gradient, rtol=1e-4, atol=1e-6)


def test_dropout_of_attention_weights_drops_some_in_training_only(build):
    model = fast(build(window_size=4, attention_dropout=0.5))
    x = torch.randn(2, 3, 32, 32)
    for grad in (torch.enable_grad, torch.no_grad):
        with grad():
            model.train()
            assert not torch.equal(model(x), model(x))
            model.eval()
            assert torch.equal(model(x), model(x))


@BOTH
@torch.no_grad()
def test_in_bfloat16(build, version):
    model, x = build(version=version, window_size=4), torch.randn(2, 3, 32, 32)
    expected = model(x)
    with torch.autocast("cpu", torch.bfloat16):
        got = fast(model)(x)
    torch.testing.assert_close(got.float(), expected, rtol=0.1, atol=0.05)
    half = model.bfloat16()
    torch.testing.assert_close(fast(half)(x.bfloat16()).float(), expected, rtol=0.1, atol=0.1)


@torch.no_grad()
def test_a_network_for_segmentation_gets_a_fast_encoder(build, randomise):
    network = randomise(SwinUNet(SwinTransformer(**{**SMALL, "depths": (2, 2), "window_size": 4}), 3), std=0.1).eval()
    twin, x = fast(network), torch.randn(2, 3, 32, 32)
    assert isinstance(twin.encoder, FastSwinTransformer)
    assert type(network.encoder) is SwinTransformer
    torch.testing.assert_close(twin(x), network(x), rtol=0, atol=1e-5)
    assert type(plain(twin).encoder) is SwinTransformer


def test_bad_input_gets_the_plain_models_errors(build):
    twin = fast(build())
    for x in (
        torch.randn(3, 32, 32),
        torch.randn(1, 4, 32, 32),
        torch.randn(1, 3, 1, 1),
        torch.zeros(1, 3, 32, 32).int(),
    ):
        with pytest.raises((ValueError, TypeError)) as said:
            plain(twin)(x)
        with pytest.raises(type(said.value)) as got:
            twin(x)
        assert str(got.value) == str(said.value)
    with pytest.raises(TypeError, match=r"take a SwinTransformer or a SwinUNet, got Linear"):
        fast(nn.Linear(2, 2))
    with pytest.raises(TypeError, match=r"got Linear"):
        plain(nn.Linear(2, 2))


def test_windows_that_are_masked_alike_stand_side_by_side():
    numbers, sizes, masks = fast_module._windows(2, (8, 12), (4, 4), (2, 2))
    assert sum(sizes) == 2 * 2 * 3
    assert sorted(sizes) == [2, 2, 4, 4]  # a corner, a right edge, a lower edge of two, two that are whole
    assert sum(mask is None for mask in masks) == 1
    assert sorted(numbers.tolist()) == list(range(2 * 8 * 12))


@pytest.mark.slow
@BOTH
@torch.no_grad()
def test_compiled(build, version):
    torch.compiler.reset()
    model, x = build(version=version, window_size=[5, 4]), torch.randn(2, 3, 32, 32)
    compiled = torch.compile(fast(model), backend="aot_eager")
    torch.testing.assert_close(compiled(x), model(x), rtol=0, atol=1e-5)


@pytest.mark.slow
def test_compiled_and_trained(build):
    torch.compiler.reset()
    model, x = build(window_size=4).train(), torch.randn(2, 3, 32, 32)
    expected = gradients(model, x)
    got = gradients(torch.compile(fast(model), backend="aot_eager"), x)
    for name, gradient in expected.items():
        torch.testing.assert_close(
            got[f"_orig_mod.{name}" if name != "images" else name], gradient, rtol=1e-3, atol=1e-5
        )


@pytest.mark.slow
@torch.no_grad()
def test_exported_it_holds_at_sizes_that_were_not_traced(build):
    model = build(window_size=4)
    free = torch.export.Dim.DYNAMIC
    with torch.fx.experimental._config.patch(backed_size_oblivious=True):
        program = torch.export.export(
            fast(model), (torch.randn(2, 3, 32, 32),), dynamic_shapes=({0: free, 2: free, 3: free},)
        )
    for shape in ((1, 3, 32, 32), (3, 3, 37, 51)):
        x = torch.randn(shape)
        torch.testing.assert_close(program.module()(x), model(x), rtol=0, atol=1e-5)
