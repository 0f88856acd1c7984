"""``swinlib.model``: any input size, no hidden state, the published sizes, and what PyTorch does with models."""

import copy
import io
import json
import pickle
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import swinlib
from swinlib import init_weights, relative_coords_table

versions = pytest.mark.parametrize("version", [1, 2])


def images(batch, height, width, channels=3, dtype=torch.float64, seed=0):
    return torch.randn(batch, channels, height, width, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def everything(model):
    """All that a forward pass could change: parameters, buffers (saved or not), plain attributes, mode."""
    tensors = {name: t.clone() for name, t in (*model.named_parameters(), *model.named_buffers())}
    attributes = {
        name: {k: copy.copy(v) for k, v in vars(module).items() if k not in ("_parameters", "_buffers", "_modules")}
        for name, module in model.named_modules()
    }
    return tensors, attributes


def assert_unchanged(before, after):
    assert before[0].keys() == after[0].keys()
    for name, tensor in before[0].items():
        assert torch.equal(tensor, after[0][name]), name
    assert before[1] == after[1]


# --- the published sizes -----------------------------------------------------------------------------------------

PUBLISHED = {
    "swin_t": 28_288_354,
    "swin_s": 49_606_258,
    "swin_b": 87_768_224,
    "swin_l": 196_532_476,
    "swin_v2_t": 28_347_154,
    "swin_v2_s": 49_728_418,
    "swin_v2_b": 87_918_816,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes_have_the_published_number_of_parameters(name):
    with torch.device("meta"):
        model = getattr(swinlib, name)()
    assert sum(p.numel() for p in model.parameters()) == PUBLISHED[name]
    assert model.window_size == [(8, 8) if "v2" in name else (7, 7)] * 4


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name != "swin_l"])
def test_torchvision_publishes_these_numbers(name):
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        model = getattr(swinlib, name)()
    # torchvision keeps v2's biases of the keys, all zero, as parameters
    key_biases = sum(d * len(stage.blocks) for d, stage in zip(model.dims, model.layers, strict=True))
    published = models.get_model_weights(name).DEFAULT.meta["num_params"]
    assert published == PUBLISHED[name] + ("v2" in name) * key_biases


@pytest.mark.parametrize(
    ("name", "timm_name"),
    [("swin_l", "swin_large_patch4_window7_224"), ("swin_v2_t", "swinv2_tiny_window8_256")],
)
def test_timm_s_models_have_as_many(name, timm_name):
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        model = timm.create_model(timm_name)
    assert sum(p.numel() for p in model.parameters()) == PUBLISHED[name]


def test_swin_t_s_parts_have_the_paper_s_shapes():
    with torch.device("meta"):
        model = swinlib.swin_t()
    assert model.dims == (96, 192, 384, 768)
    assert [len(stage.blocks) for stage in model.layers] == [2, 2, 6, 2]
    assert [stage.blocks[0].attn.num_heads for stage in model.layers] == [3, 6, 12, 24]
    assert {block.attn.head_dim for stage in model.layers for block in stage.blocks} == {32}
    assert [f.shape for f in model.forward_intermediates(torch.empty(2, 3, 224, 224, device="meta"))[1]] == [
        (2, 96, 56, 56),
        (2, 192, 28, 28),
        (2, 384, 14, 14),
        (2, 768, 7, 7),
    ]


# --- any input size ----------------------------------------------------------------------------------------------


@versions
@settings(max_examples=20)
@given(height=st.integers(2, 40), width=st.integers(2, 40))
def test_any_size_gives_finite_logits_and_maps_of_the_expected_sizes(version, tiny_swin, height, width):
    model = tiny_swin(version)
    x = images(2, height, width)
    logits = model(x)
    assert logits.shape == (2, 5)
    assert logits.isfinite().all()
    rows, cols = height // 2, width // 2
    assert [f.shape for f in model.forward_intermediates(x)[1]] == [
        (2, 16, rows, cols),
        (2, 32, (rows + 1) // 2, (cols + 1) // 2),
    ]


@versions
def test_an_image_of_one_patch_is_enough(version, tiny_swin):
    model = tiny_swin(version, depths=(2, 2, 2, 2), num_heads=(1, 2, 4, 8), window_size=7)
    assert [f.shape[2:] for f in model.forward_intermediates(images(1, 2, 2))[1]] == [(1, 1)] * 4
    assert model(images(1, 2, 2)).isfinite().all()


@versions
def test_a_rest_under_one_patch_is_dropped(version, tiny_swin):
    model = tiny_swin(version)
    x = images(1, 15, 17)
    assert torch.equal(model(x), model(x[:, :, :14, :16]))


@versions
def test_an_image_s_result_does_not_depend_on_the_others(version, tiny_swin):
    model = tiny_swin(version)
    x = images(3, 15, 18)
    for b in range(3):
        torch.testing.assert_close(model(x[b : b + 1])[0], model(x)[b], rtol=0, atol=1e-12)
    assert model(x[:0]).shape == (0, 5)


@versions
def test_other_sizes_between_do_not_change_a_result_by_one_bit(version, tiny_swin):
    model = tiny_swin(version, dtype=torch.float32)
    x = images(2, 28, 28, dtype=torch.float32)
    before, first = everything(model), model(x)
    for size in [(8, 41), (2, 2), (3, 50), (29, 27)]:
        model(images(1, *size, dtype=torch.float32))
    assert torch.equal(model(x), first)
    assert_unchanged(before, everything(model))


def test_swin_t_takes_224_then_64x333_then_224_again():
    model = swinlib.swin_t().eval()
    x = images(1, 224, 224, dtype=torch.float32)
    before = everything(model)
    with torch.no_grad():
        first = model(x)
        assert model(images(1, 64, 333, dtype=torch.float32)).isfinite().all()
        assert torch.equal(model(x), first)
    assert_unchanged(before, everything(model))


@versions
def test_a_training_step_s_forward_and_backward_change_nothing_but_gradients(version, tiny_swin):
    model = tiny_swin(version, dropout=0.1, drop_path_rate=0.3).train()
    before = everything(model)
    model(images(2, 15, 18)).sum().backward()
    assert_unchanged(before, everything(model))


# --- features and head -------------------------------------------------------------------------------------------


@versions
def test_features_come_channels_first_or_last_and_carry_the_logits(version, tiny_swin):
    model = tiny_swin(version)
    x = images(2, 15, 18)
    first, last = model.forward_intermediates(x)[1], model.forward_intermediates(x, output_fmt="NHWC")[1]
    for a, b in zip(first, last, strict=True):
        assert torch.equal(a, b.permute(0, 3, 1, 2))
    pooled = model.norm(last[-1]).flatten(1, 2).mean(dim=1)
    torch.testing.assert_close(model(x), pooled @ model.head.weight.T + model.head.bias)


@versions
def test_features_are_the_stages_one_after_the_other(version, tiny_swin):
    model = tiny_swin(version)
    x = images(2, 15, 18)
    first = model.layers[0](model.patch_embed(x))
    second = model.layers[1](model.layers[0].downsample(first))
    for a, b in zip(model.forward_intermediates(x, output_fmt="NHWC")[1], (first, second), strict=True):
        assert torch.equal(a, b)
    assert isinstance(model.layers[1].downsample, nn.Identity)


@versions
def test_without_head_the_model_returns_the_pooled_features(version, tiny_swin):
    model = tiny_swin(version, num_classes=0)
    x = images(2, 15, 18)
    last = model.forward_intermediates(x)[1][-1]
    torch.testing.assert_close(model(x), model.norm(last.permute(0, 2, 3, 1)).mean(dim=(1, 2)))
    assert not [name for name in model.state_dict() if name.startswith("head")]


def test_one_pixel_reaches_only_its_window_in_the_first_block(tiny_swin):
    model = tiny_swin()
    x = images(1, 12, 12)  # 6x6 tokens, four windows
    changed = x.clone()
    changed[0, :, 7, 2] += torch.randn(3)  # token (3, 1): the lower left window
    block = model.layers[0].blocks[0]
    touched = (block(model.patch_embed(changed)) != block(model.patch_embed(x))).any(dim=-1)[0]
    expected = torch.zeros(6, 6, dtype=torch.bool)
    expected[3:, :3] = True
    assert torch.equal(touched, expected)


def test_the_shift_lets_windows_meet(tiny_swin):
    """Two blocks of one stage: without shift nothing crosses a window, with it something does."""
    x = images(1, 24, 24).requires_grad_()

    def reached(model):
        feature = model.forward_intermediates(x, output_fmt="NHWC")[1][0]
        (gradient,) = torch.autograd.grad(feature[0, 1, 1].sum(), x)
        return (gradient[0] != 0).any(dim=0)

    window = torch.zeros(24, 24, dtype=torch.bool)
    window[:6, :6] = True  # three tokens of two pixels
    assert torch.equal(reached(tiny_swin(shift_size=0)), window)
    with_shift = torch.zeros(24, 24, dtype=torch.bool)
    with_shift[:12, :12] = True  # its shifted window touches four plain ones
    assert torch.equal(reached(tiny_swin()), with_shift)


# --- arguments ---------------------------------------------------------------------------------------------------


@versions
def test_drop_path_grows_linearly_over_all_blocks(version, tiny_swin):
    model = tiny_swin(version, depths=(2, 3, 1), num_heads=(1, 2, 4), drop_path_rate=0.5)
    rates = [block.drop_path.drop_prob for stage in model.layers for block in stage.blocks]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])


@pytest.mark.parametrize(("name", "last"), [("swin_t", 0.2), ("swin_s", 0.3), ("swin_b", 0.5), ("swin_v2_b", 0.5)])
def test_published_sizes_have_their_published_drop_path_rate(name, last):
    with torch.device("meta"):
        model = getattr(swinlib, name)()
    rates = [block.drop_path.drop_prob for stage in model.layers for block in stage.blocks]
    assert rates == pytest.approx([last * i / (len(rates) - 1) for i in range(len(rates))])


def test_an_option_replaces_the_default_of_a_published_size():
    with torch.device("meta"):
        model = swinlib.swin_t(num_classes=10, in_channels=1, drop_path_rate=0.0, window_size=(4, 8))
    assert model.head.out_features == 10
    assert model.patch_embed.proj.in_channels == 1
    assert model.window_size == [(4, 8)] * 4
    assert model.layers[-1].blocks[-1].drop_path.drop_prob == 0


@versions
def test_shift_size_reaches_every_second_block(version, tiny_swin):
    def shifts(**options):
        return [b.shift_size for stage in tiny_swin(version, **options).layers for b in stage.blocks]

    assert shifts() == [(0, 0), (1, 1)] * 2
    assert shifts(shift_size=2) == [(0, 0), (2, 2)] * 2
    assert shifts(shift_size=0) == [(0, 0), (0, 0)] * 2
    assert shifts(window_size=(4, 6)) == [(0, 0), (2, 3)] * 2


# --- windows by stage ----------------------------------------------------------------------------------------------


@versions
@pytest.mark.parametrize(
    ("given", "windows"),
    [
        (4, [(4, 4), (4, 4)]),
        ((4, 2), [(4, 2), (4, 2)]),
        ([4, 2], [(4, 4), (2, 2)]),
        ([(4, 2), 3], [(4, 2), (3, 3)]),
        ([[4, 2], [3, 3]], [(4, 2), (3, 3)]),  # as JSON gives it back
        (np.int64(5), [(5, 5), (5, 5)]),
        ([np.int32(5), (np.int64(2), 3)], [(5, 5), (2, 3)]),
    ],
    ids=str,
)
def test_one_window_for_all_stages_or_one_for_each(version, given, windows, tiny_swin):
    model = tiny_swin(version, window_size=given)
    assert model.window_size == windows
    assert [block.window_size for stage in model.layers for block in stage.blocks] == [w for w in windows for _ in "ab"]
    shifts = [stage.blocks[1].shift_size for stage in model.layers]
    assert shifts == [(height // 2, width // 2) for height, width in windows]
    again = tiny_swin(version, window_size=json.loads(json.dumps(model.window_size)))
    assert again.window_size == windows
    x = images(1, 22, 26)
    assert torch.equal(again(x), model(x))


def test_pretrained_windows_by_stage(tiny_swin):
    model = tiny_swin(2, window_size=[4, 2], pretrained_window_size=[3, (2, 1)])
    assert model.pretrained_window_size == [(3, 3), (2, 1)]
    for stage, window, trained in zip(model.layers, (4, 2), (3, (2, 1)), strict=True):
        for block in stage.blocks:
            assert torch.equal(block.attn.relative_coords_table, relative_coords_table(window, trained).double())
    assert tiny_swin(2, window_size=[4, 2]).pretrained_window_size == [(4, 4), (2, 2)]
    assert tiny_swin(1).pretrained_window_size is None


def test_shifts_by_stage(tiny_swin):
    model = tiny_swin(window_size=[4, 3], shift_size=[1, (0, 2)])
    assert [stage.blocks[1].shift_size for stage in model.layers] == [(1, 1), (0, 2)]


@versions
def test_integers_of_numpy_are_integers(version):
    options = {"num_classes": np.int64(5), "in_channels": np.int64(1), "patch_size": np.int32(2)}
    model = swinlib.SwinTransformer(
        np.int64(16), (np.int64(2),), (np.int64(2),), np.int64(4), version=np.int64(version), **options
    )
    assert model(torch.zeros(1, 1, 16, 16)).shape == (1, 5)


# --- norms by stage ------------------------------------------------------------------------------------------------


@versions
def test_norms_by_stage(version, tiny_swin):
    """Each map is normed over its channels, the last by the classifier's own norm; the logits are as without."""
    plain, normed = tiny_swin(version), tiny_swin(version, stage_norms=True)
    assert {name for name, _ in normed.named_parameters()} - {name for name, _ in plain.named_parameters()} == {
        "stage_norms.0.weight",
        "stage_norms.0.bias",
    }
    normed.load_state_dict(plain.state_dict(), strict=False)
    x = images(2, 12, 12)
    assert torch.equal(normed(x), plain(x))
    raw, maps = (
        plain.forward_intermediates(x, output_fmt="NHWC")[1],
        normed.forward_intermediates(x, output_fmt="NHWC")[1],
    )
    for norm, before, after in zip((normed.stage_norms[0], plain.norm), raw, maps, strict=True):
        assert torch.equal(norm(before), after)


@versions
def test_dropout_reaches_tokens_and_blocks_and_works_in_training_only(version, tiny_swin):
    model, plain = tiny_swin(version, dropout=0.5, attention_dropout=0.25), tiny_swin(version)
    x = images(2, 12, 12)
    assert torch.equal(model(x), plain(x))
    seen = []
    hook = model.layers[0].register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    assert not torch.allclose(model.train()(x), plain(x))
    hook.remove()
    assert 0.4 < (seen[0] == 0).double().mean() < 0.6
    for stage in model.layers:
        for block in stage.blocks:
            assert block.attn.dropout.p == block.mlp.dropout.p == 0.5
            assert block.attn.attention_dropout.p == 0.25


@versions
def test_patches_channels_and_widths_are_free(version, tiny_swin):
    model = tiny_swin(version, patch_size=(2, 3), in_channels=5, mlp_ratio=2.5, qkv_bias=False, window_size=(2, 4))
    assert [f.shape for f in model.forward_intermediates(images(1, 12, 12, channels=5))[1]] == [
        (1, 16, 6, 4),
        (1, 32, 3, 2),
    ]
    assert model.layers[0].blocks[0].mlp.fc1.out_features == 40
    assert not [name for name in model.state_dict() if name.endswith(("qkv.bias", "q_bias", "v_bias"))]


@versions
def test_gradient_checkpointing_gives_the_same_gradients_from_fewer_tensors(version, tiny_swin):
    def run(gradient_checkpointing):
        options = {"dropout": 0.1, "attention_dropout": 0.1, "drop_path_rate": 0.3}
        model = tiny_swin(version, gradient_checkpointing=gradient_checkpointing, **options).train()
        torch.manual_seed(3)
        saved = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
            y = model(images(3, 15, 18))
        y.square().sum().backward()
        return y, {name: p.grad for name, p in model.named_parameters()}, sum(saved)

    y, gradients, kept = run(False)
    y_again, gradients_again, kept_less = run(True)
    assert torch.equal(y_again, y)
    assert kept_less < kept / 3
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradients_again[name], gradient, msg=name)


@versions
def test_gradients_reach_every_parameter(version, tiny_swin):
    model = tiny_swin(version).train()
    model(images(2, 15, 18)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


# --- what is saved -----------------------------------------------------------------------------------------------


@versions
def test_only_parameters_are_saved_so_nothing_is_bound_to_a_size(version, tiny_swin):
    model = tiny_swin(version)
    assert set(model.state_dict()) == {name for name, _ in model.named_parameters()}
    assert list(model.buffers())


def test_v2_weights_fit_any_window(tiny_swin):
    small, large = tiny_swin(2), tiny_swin(2, window_size=5)
    large.load_state_dict(small.state_dict())
    assert large(images(1, 24, 24)).isfinite().all()


@versions
def test_saved_weights_loaded_again_give_the_same_result(version, tiny_swin):
    model, other = tiny_swin(version), tiny_swin(version).apply(init_weights)
    x = images(2, 15, 18)
    assert not torch.equal(other(x), model(x))
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other(x), model(x))


@versions
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_gives_the_same_result_and_shares_nothing(version, duplicate, tiny_swin):
    model = tiny_swin(version)
    other = duplicate(model)
    x = images(2, 15, 18)
    expected = model(x)
    assert torch.equal(other(x), expected)
    with torch.no_grad():
        for tensor in (*other.parameters(), *other.buffers()):
            tensor.zero_()
    assert torch.equal(model(x), expected)
    other.load_state_dict(model.state_dict())  # which computes the copy's buffers, not the original's
    assert torch.equal(other(x), expected)


@versions
@pytest.mark.parametrize("assign", [False, True])
def test_to_meta_and_back(version, assign, tiny_swin):
    model = tiny_swin(version)
    state, x = copy.deepcopy(model.state_dict()), images(2, 15, 18)
    expected = model(x)
    model.to("meta")
    assert model(x.to("meta")).is_meta
    if not assign:
        model.to_empty(device="cpu")
    model.load_state_dict(state, assign=assign)
    assert not [name for name, t in (*model.named_parameters(), *model.named_buffers()) if t.is_meta]
    assert torch.equal(model(x), expected)


# --- precision ---------------------------------------------------------------------------------------------------


@versions
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_stays_close(version, dtype, tiny_swin):
    model = tiny_swin(version).apply(init_weights)
    x = images(2, 24, 24)
    with torch.no_grad():
        expected = model(x)
        out = model.to(dtype)(x.to(dtype))
    assert out.dtype == dtype
    assert (out.double() - expected).norm() < 0.05 * expected.norm()


@pytest.mark.parametrize(
    ("version", "dtype"),
    [
        (1, torch.bfloat16),
        (1, torch.float16),
        (2, torch.bfloat16),
        (2, torch.float16),
    ],
)
def test_low_precision_stays_finite_where_maps_are_padded(version, dtype, tiny_swin):
    model = tiny_swin(version, dtype=dtype).apply(init_weights)
    assert model(images(2, 15, 18, dtype=dtype)).isfinite().all()


@versions
def test_autocast_stays_close_and_trains(version, tiny_swin):
    model = tiny_swin(version, dtype=torch.float32).apply(init_weights).train()
    x = images(2, 15, 18, dtype=torch.float32)
    expected = model(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(x)
    assert out.dtype == torch.bfloat16
    assert (out - expected).norm() < 0.05 * expected.norm()
    out.float().square().sum().backward()
    assert {p.grad.dtype for p in model.parameters()} == {torch.float32}
    assert all(p.grad.isfinite().all() for p in model.parameters())


@versions
def test_memory_format_changes_nothing(version, tiny_swin):
    model, x = tiny_swin(version), images(2, 15, 18)
    expected = model(x)
    torch.testing.assert_close(model(x.to(memory_format=torch.channels_last)), expected)
    model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(x.to(memory_format=torch.channels_last)), expected)


# --- compilers ---------------------------------------------------------------------------------------------------


def compiled(model, backend):
    torch.compiler.reset()
    # One graph for each size: with symbolic heights and widths the tracing takes many times longer.
    return torch.compile(model, fullgraph=True, backend=backend, dynamic=False)


@versions
@pytest.mark.parametrize("size", [(24, 24), (15, 18)])
@pytest.mark.slow
def test_compiles_without_a_break(version, size, tiny_swin):
    model = tiny_swin(version)
    torch.testing.assert_close(compiled(model, "eager")(images(2, *size)), model(images(2, *size)))


@versions
@pytest.mark.parametrize("options", [{}, {"gradient_checkpointing": True}])
@pytest.mark.slow
def test_compiles_for_training_without_a_break(version, options, tiny_swin):
    model = tiny_swin(version, drop_path_rate=0.1, **options).train()
    compiled(model, "eager")(images(2, 15, 18)).sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None and shutil.which("clang++") is None, reason="needs a C++ compiler")
def test_compiled_code_gives_the_same_result(tiny_swin):
    block = tiny_swin(dtype=torch.float32).layers[0].blocks[1]  # the shifted one: a whole model compiles for long
    x = torch.randn(2, 7, 8, 16)
    # The compiler is believed to know this processor, not tried on it first, and called without helpers: half the time.
    quickly = torch._inductor.config.patch({"cpp.vec_isa_ok": True, "compile_threads": 1})
    with torch.no_grad(), quickly:
        torch.testing.assert_close(compiled(block, "inductor")(x), block(x), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@versions
def test_exports_with_a_dynamic_batch(version, tiny_swin):
    model = tiny_swin(version)
    batch = torch.export.Dim("batch")
    exported = torch.export.export(model, (images(2, 15, 18),), dynamic_shapes={"x": {0: batch}}).module()
    for n in (1, 2, 5):
        x = images(n, 15, 18, seed=n)
        torch.testing.assert_close(exported(x), model(x))
