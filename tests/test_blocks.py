"""``swinlib.blocks``: the shifted block against its definition in the image, residual branches, the stage."""

import math
from collections import defaultdict

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

import swinlib.blocks
from swinlib import DropPath, Mlp, SwinStage, SwinTransformerBlock, SwinTransformerBlockV2, cyclic_shift

CLASSES = [SwinTransformerBlock, SwinTransformerBlockV2]
both = pytest.mark.parametrize("block_class", CLASSES)


@pytest.fixture(scope="module")
def build(randomise):
    def build(block_class, window_size=3, shift_size=1, dim=8, **options):
        return randomise(block_class(dim, 2, window_size, shift_size, **options), std=0.5).double().eval()

    return build


def random_map(batch, height, width, dim=8):
    return torch.randn(batch, height, width, dim, dtype=torch.float64)


# --- shifted windows ---------------------------------------------------------------------------------------------


def attention_in_the_image(block, x):
    """Shifted-window attention as the paper defines it, without roll, mask or index table.

    The grid of windows is moved by the shift over the padded map and ends with it: windows at the border are
    smaller. The tokens of each attend to each other.
    """
    attn, (mh, mw), (sh, sw) = block.attn, block.window_size, block.shift_size
    batch, height, width, dim = x.shape
    rows, cols = math.ceil(height / mh) * mh, math.ceil(width / mw) * mw
    sh, sw = sh if rows > mh else 0, sw if cols > mw else 0
    padded = torch.zeros(batch, rows, cols, dim, dtype=x.dtype)
    padded[:, :height, :width] = x
    windows = defaultdict(list)
    for i in range(rows):
        for j in range(cols):
            windows[(i - sh) // mh, (j - sw) // mw].append((i, j))

    out = torch.zeros_like(padded)
    for places in windows.values():
        i, j = torch.tensor(places).T
        q, k, v = attn.project(padded[:, i, j])
        dy, dx = i[:, None] - i[None, :], j[:, None] - j[None, :]
        if isinstance(block, SwinTransformerBlockV2):
            offset = torch.stack([8 * dy / max(mh - 1, 1), 8 * dx / max(mw - 1, 1)], dim=-1).double()
            bias = 16 * attn.cpb_mlp(offset.sign() * torch.log2(1 + offset.abs()) / 3).sigmoid()
        else:
            bias = attn.relative_position_bias_table.view(2 * mh - 1, 2 * mw - 1, -1)[dy + mh - 1, dx + mw - 1]
        heads = (attn.logits(q, k) + bias.permute(2, 0, 1)).softmax(dim=-1) @ v
        out[:, i, j] = attn.proj(heads.transpose(1, 2).flatten(2))
    return out[:, :height, :width]


@both
@settings(max_examples=30)
@given(
    window=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    shift=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
@example(window=(3, 3), shift=(1, 1), height=7, width=8)
@example(window=(3, 2), shift=(1, 1), height=2, width=5)
def test_a_block_attends_in_the_windows_of_the_shifted_grid(block_class, build, window, shift, height, width):
    block = build(block_class, window, tuple(s % m for s, m in zip(shift, window, strict=True)))
    x = random_map(2, height, width)
    torch.testing.assert_close(  # v2's coordinates are float32
        block.shifted_window_attention(x), attention_in_the_image(block, x), rtol=1e-6, atol=1e-6
    )


@both
def test_away_from_the_border_a_shifted_block_is_a_plain_block_on_the_rolled_map(block_class, build):
    shifted, plain = build(block_class, 3, 1), build(block_class, 3, 0)
    x = random_map(2, 9, 12)
    expected = cyclic_shift(plain(cyclic_shift(x, 1)), 1, reverse=True)
    inside = (slice(None), slice(1, 9 - 2), slice(1, 12 - 2))  # windows that do not wrap
    torch.testing.assert_close(shifted(x)[inside], expected[inside])
    assert not torch.allclose(shifted(x)[:, :1], expected[:, :1])


@both
def test_a_plain_block_passes_nothing_between_windows_and_a_shifted_one_does(block_class, build):
    x = random_map(1, 6, 6)
    changed = x.clone()
    changed[0, 1, 1] += torch.randn(8)  # a token of the first of four windows; a constant the norm would not see

    def touched(block):
        return (block(changed) != block(x)).any(dim=-1)[0]

    first_window = torch.zeros(6, 6, dtype=torch.bool)
    first_window[:3, :3] = True
    assert torch.equal(touched(build(block_class, 3, 0)), first_window)
    # the shifted grid has its lines after rows and columns 1 and 4
    middle = torch.zeros(6, 6, dtype=torch.bool)
    middle[1:4, 1:4] = True
    assert torch.equal(touched(build(block_class, 3, 1)), middle)


@both
@settings(max_examples=20)
@given(height=st.integers(1, 8), width=st.integers(1, 8), shift=st.integers(0, 2))
def test_any_map_keeps_its_size_and_each_image_its_own_result(block_class, build, height, width, shift):
    block = build(block_class, 3, shift)
    x = random_map(3, height, width)
    y = block(x)
    assert y.shape == x.shape
    for b in range(3):
        torch.testing.assert_close(block(x[b : b + 1])[0], y[b], rtol=0, atol=1e-12)


@both
def test_a_window_that_covers_the_map_is_not_shifted(block_class, build):
    x = random_map(2, 4, 5)
    assert build(block_class, 5, 2).mask(x) is None
    torch.testing.assert_close(build(block_class, 5, 2)(x), build(block_class, 5, 0)(x))
    # along one side only
    x = random_map(2, 3, 9)
    torch.testing.assert_close(build(block_class, 3, 1)(x), build(block_class, 3, (0, 1))(x))


@both
def test_without_shift_there_is_no_mask_and_a_ready_mask_changes_nothing(block_class, build):
    x = random_map(2, 7, 8)
    assert build(block_class, 3, 0).mask(x) is None
    block = build(block_class, 3, 1)
    assert block.mask(x).shape == (9, 9, 9)
    assert torch.equal(block(x, block.mask(x)), block(x))


def test_a_block_takes_maps_that_are_not_contiguous(build):
    block = build(SwinTransformerBlock)
    x = random_map(2, 6, 6).permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    assert not x.is_contiguous()
    torch.testing.assert_close(block(x), block(x.contiguous()))


# --- the two branches --------------------------------------------------------------------------------------------


def test_v1_normalises_before_each_branch(build):
    block, x = build(SwinTransformerBlock), random_map(2, 7, 8)  # padded after the norm
    y = x + block.shifted_window_attention(F.layer_norm(x, (8,), block.norm1.weight, block.norm1.bias))
    y = y + block.mlp(F.layer_norm(y, (8,), block.norm2.weight, block.norm2.bias))
    torch.testing.assert_close(block(x), y)


def test_v2_normalises_after_each_branch(build):
    block, x = build(SwinTransformerBlockV2), random_map(2, 7, 8)
    y = x + F.layer_norm(block.shifted_window_attention(x), (8,), block.norm1.weight, block.norm1.bias)
    y = y + F.layer_norm(block.mlp(y), (8,), block.norm2.weight, block.norm2.bias)
    torch.testing.assert_close(block(x), y)


def test_the_mlp_is_two_layers_with_the_exact_gelu_between():
    mlp = Mlp(4, 12).double()
    x = torch.randn(2, 3, 4, dtype=torch.float64)
    hidden = x @ mlp.fc1.weight.T + mlp.fc1.bias
    hidden = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
    torch.testing.assert_close(mlp(x), hidden @ mlp.fc2.weight.T + mlp.fc2.bias)


def test_the_mlp_drops_after_both_layers():
    mlp = Mlp(64, 64, dropout=0.5).train()
    with torch.no_grad():
        for layer in (mlp.fc1, mlp.fc2):
            nn.init.eye_(layer.weight)
            layer.bias.zero_()
    out = mlp(torch.full((200, 64), 10.0))  # gelu(10) is 10
    assert out.unique().tolist() == [0.0, 40.0]
    assert 0.7 < (out == 0).float().mean() < 0.8  # 1 - 0.5 * 0.5


@both
def test_mlp_ratio_sets_the_hidden_width(block_class):
    assert block_class(8, 2, 3).mlp.fc1.out_features == 32
    assert block_class(8, 2, 3, mlp_ratio=1.5).mlp.fc2.in_features == 12


# --- drop path ---------------------------------------------------------------------------------------------------


@given(st.floats(0.1, 0.9))
@settings(max_examples=10)
def test_drop_path_drops_whole_samples_and_keeps_the_mean(drop_prob):
    x = torch.ones(4000, 2, 3, dtype=torch.float64)
    y = DropPath(drop_prob).train()(x)
    kept = y[:, 0, 0] != 0
    assert torch.equal(y != 0, kept[:, None, None].expand_as(y))
    torch.testing.assert_close(y[kept], x[kept] / (1 - drop_prob))
    deviation = math.sqrt(drop_prob / (1 - drop_prob) / len(x))
    assert abs(y[:, 0, 0].mean().item() - 1) < 4 * deviation


@pytest.mark.parametrize(("drop_prob", "training"), [(0.9, False), (0.0, True)])
def test_drop_path_passes_everything_outside_training_and_at_rate_0(drop_prob, training):
    x = torch.randn(50, 4)
    assert DropPath(drop_prob).train(training)(x) is x


@both
def test_with_both_branches_dropped_a_block_is_the_identity(block_class, build):
    block = build(block_class, drop_path=1 - 1e-12)
    x = random_map(4, 5, 7)
    assert not torch.allclose(block(x), x)
    assert torch.equal(block.train()(x), x)


@both
def test_each_branch_is_dropped_by_a_draw_of_its_own(block_class, build):
    """At rate 1/2 a sample keeps none, one, the other or both: four results, each for a quarter of the samples."""
    block = build(block_class, drop_path=0.5)
    x = random_map(1, 3, 3).expand(400, -1, -1, -1)
    results, counts = block.train()(x).round(decimals=9).unique(dim=0, return_counts=True)
    assert len(results) == 4
    assert (results - x[0]).abs().amax(dim=(1, 2, 3)).min() < 1e-8
    assert counts.min() > 60


# --- the stage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "shift", "expected"),
    [(7, None, (3, 3)), (8, None, (4, 4)), ((4, 7), None, (2, 3)), (1, None, (0, 0)), (7, 2, (2, 2)), (7, 0, (0, 0))],
)
def test_every_second_block_of_a_stage_is_shifted(window, shift, expected):
    stage = SwinStage(8, 5, 2, window, shift)
    assert [block.shift_size for block in stage.blocks] == [(0, 0), expected, (0, 0), expected, (0, 0)]


@both
def test_a_stage_is_its_blocks_one_after_the_other(block_class, randomise):
    stage = randomise(SwinStage(8, 4, 2, 3, block=block_class)).double().eval()
    x = y = random_map(2, 7, 8)
    for block in stage.blocks:
        y = block(y)
    assert torch.equal(stage(x), y)


def test_a_stage_makes_its_mask_once(monkeypatch):
    calls = []

    def counted(*args, **kwargs):
        calls.append(args)
        return original(*args, **kwargs)

    original = swinlib.blocks.shifted_window_mask
    monkeypatch.setattr(swinlib.blocks, "shifted_window_mask", counted)
    SwinStage(8, 6, 2, 3)(torch.randn(1, 6, 6, 8))
    assert len(calls) == 1


def test_a_stage_gives_each_block_its_rate_and_its_options():
    stage = SwinStage(8, 3, 2, 3, drop_path=[0.0, 0.1, 0.2], mlp_ratio=2.0, qkv_bias=False, attention_dropout=0.3)
    assert [block.drop_path.drop_prob for block in stage.blocks] == [0.0, 0.1, 0.2]
    assert [block.mlp.fc1.out_features for block in stage.blocks] == [16] * 3
    assert [block.attn.qkv.bias for block in stage.blocks] == [None] * 3
    assert [block.attn.attention_dropout.p for block in stage.blocks] == [0.3] * 3


@both
def test_checkpointing_keeps_results_and_gradients_and_fewer_tensors(block_class, randomise):
    def run(gradient_checkpointing, training=True):
        options = {"dropout": 0.1, "attention_dropout": 0.1, "drop_path": [0.1, 0.2, 0.3]}
        stage = SwinStage(8, 3, 2, 3, block=block_class, gradient_checkpointing=gradient_checkpointing, **options)
        stage = randomise(stage).double().train(training)
        torch.manual_seed(1)  # of the dropout, which has to be drawn again alike
        x = torch.linspace(-1, 1, 4 * 6 * 7 * 8, dtype=torch.float64).reshape(4, 6, 7, 8).requires_grad_()
        saved = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
            y = stage(x)
        y.sin().sum().backward()
        return y, [x.grad, *(p.grad for p in stage.parameters())], sum(saved)

    y, gradients, kept = run(False)
    y_again, gradients_again, kept_less = run(True)
    assert torch.equal(y_again, y)
    for again, gradient in zip(gradients_again, gradients, strict=True):
        torch.testing.assert_close(again, gradient)
    assert kept_less < kept / 10
    assert run(True, training=False)[2] == run(False, training=False)[2]
