"""``swinlib.attention``: equation 4 of the paper and its v2 form, spelled out, and what the mask promises."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from swinlib import (
    BaseWindowAttention,
    WindowAttention,
    WindowAttentionV2,
    init_weights,
    relative_coords_table,
    shifted_window_mask,
)

CLASSES = [WindowAttention, WindowAttentionV2]
both = pytest.mark.parametrize("attention", CLASSES)


@pytest.fixture(scope="module")
def build(randomise):
    def build(attention, window_size=3, dim=8, num_heads=2, **options):
        return randomise(attention(dim, window_size, num_heads, **options), std=0.5).double().eval()

    return build


def tokens_of(attn, windows=4):
    return torch.randn(windows, math.prod(attn.window_size), attn.num_heads * attn.head_dim, dtype=torch.float64)


def bias_of_pair(attn, query, key):
    """The bias of each head for two tokens given as (row, column), from the definition."""
    (mh, mw), dy, dx = attn.window_size, query[0] - key[0], query[1] - key[1]
    if isinstance(attn, WindowAttentionV2):
        offset = torch.tensor([8 * dy / max(mh - 1, 1), 8 * dx / max(mw - 1, 1)], dtype=torch.float64)
        return 16 * torch.sigmoid(attn.cpb_mlp(offset.sign() * torch.log2(1 + offset.abs()) / 3))
    return attn.relative_position_bias_table[(dy + mh - 1) * (2 * mw - 1) + dx + mw - 1]


def by_the_equation(attn, x, mask=None):
    """Softmax(logits + bias) V, window by window, head by head, query by query."""
    (_, mw), d, dim = attn.window_size, attn.head_dim, attn.num_heads * attn.head_dim
    w_q, w_k, w_v = attn.qkv.weight.split(dim)
    if isinstance(attn, WindowAttentionV2):
        b_q, b_k, b_v = attn.q_bias, torch.zeros(dim, dtype=torch.float64), attn.v_bias
    else:
        b_q, b_k, b_v = attn.qkv.bias.split(dim)
    out = torch.zeros_like(x)
    for n, window in enumerate(x):
        q, k, v = window @ w_q.T + b_q, window @ w_k.T + b_k, window @ w_v.T + b_v
        for h in range(attn.num_heads):
            part = slice(h * d, (h + 1) * d)
            for i in range(len(window)):
                seen = [j for j in range(len(window)) if mask is None or mask[n % len(mask), i, j]]
                if isinstance(attn, WindowAttentionV2):
                    scale = min(attn.logit_scale[h].exp().item(), 100)
                    logits = F.cosine_similarity(q[i, part], k[seen, part], dim=-1) * scale
                else:
                    logits = k[seen, part] @ q[i, part] / math.sqrt(d)
                bias = torch.stack([bias_of_pair(attn, divmod(i, mw), divmod(j, mw))[h] for j in seen])
                out[n, i, part] = torch.softmax(logits + bias, dim=0) @ v[seen, part]
    return out @ attn.proj.weight.T + attn.proj.bias


# --- the equation ------------------------------------------------------------------------------------------------


@both
@settings(max_examples=10)
@given(window=st.tuples(st.integers(1, 3), st.integers(1, 3)), heads=st.sampled_from([1, 2, 4]), masked=st.booleans())
def test_attention_is_the_paper_s_equation(attention, build, window, heads, masked):
    attn = build(attention, window, num_heads=heads)
    mask = shifted_window_mask(2 * window[0], 2 * window[1], window, tuple(m // 2 for m in window)) if masked else None
    x = tokens_of(attn, windows=8)
    torch.testing.assert_close(attn(x, mask), by_the_equation(attn, x, mask))


@both
def test_attention_is_torch_s_with_bias_and_mask_added(attention, build):
    attn = build(attention)
    mask = shifted_window_mask(6, 6, 3, 1)
    x = tokens_of(attn, windows=8)
    q, k, v = attn.project(x)
    additive = shifted_window_mask(6, 6, 3, 1, additive=True, dtype=torch.float64)
    bias = attn.position_bias() + additive.repeat(2, 1, 1)[:, None]
    scale = None
    if attention is WindowAttentionV2:
        q, k, scale = F.normalize(q, dim=-1) * attn.logit_scale.exp(), F.normalize(k, dim=-1), 1
    heads = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)
    torch.testing.assert_close(attn(x, mask), attn.proj(heads.transpose(1, 2).flatten(2)))


@both
def test_weights_are_a_distribution_over_what_the_mask_allows(attention, build):
    attn, mask = build(attention), shifted_window_mask(6, 6, 3, 1)
    q, k, _ = attn.project(tokens_of(attn, windows=8))
    weights = attn.attention_weights(q, k, mask)
    assert weights.shape == (8, 2, 9, 9)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(8, 2, 9, dtype=torch.float64))
    assert torch.equal(weights > 0, mask.repeat(2, 1, 1)[:, None].expand(-1, 2, -1, -1))


@both
def test_a_window_s_result_does_not_depend_on_its_neighbours(attention, build):
    attn, mask = build(attention), shifted_window_mask(6, 6, 3, 1)
    x = tokens_of(attn, windows=12)  # three images
    changed = x.clone()
    changed[:4], changed[5:] = 3.0, -1.0
    torch.testing.assert_close(attn(changed, mask)[4], attn(x, mask)[4], rtol=0, atol=1e-14)


@both
def test_gradients_are_right(attention, build):
    attn = build(attention, 2, dim=4)
    x = torch.randn(4, 4, 4, dtype=torch.float64, requires_grad=True)
    mask = shifted_window_mask(4, 4, 2, 1)
    assert torch.autograd.gradcheck(lambda x: attn(x, mask), x)


# --- the mask ----------------------------------------------------------------------------------------------------


@both
def test_gradient_is_exactly_zero_across_regions_and_nowhere_else(attention, build):
    attn, mask = build(attention), shifted_window_mask(6, 6, 3, 1)
    x = tokens_of(attn)
    jacobian = torch.autograd.functional.jacobian(lambda x: attn(x, mask).sum(dim=-1), x)  # (4, 9, 4, 9, C)
    reached = (jacobian != 0).any(dim=-1)
    same_window = torch.eye(4, dtype=torch.bool)[:, None, :, None]
    assert torch.equal(reached, same_window & mask[:, :, None, :])


@both
def test_the_corner_of_the_last_7x7_window_reaches_16_tokens_instead_of_49(attention, build):
    attn = build(attention, 7)
    mask = shifted_window_mask(14, 14, 7, 3)[-1:]
    x = tokens_of(attn, windows=1).requires_grad_()

    def reached(mask):
        (gradient,) = torch.autograd.grad(attn(x, mask)[0, 0].sum(), x)
        return (gradient[0] != 0).any(dim=-1).view(7, 7)

    assert reached(None).sum() == 49
    assert reached(mask).sum() == 16
    assert reached(mask)[:4, :4].all()


def test_a_logit_of_120_does_not_get_through_the_mask(build):
    attn, mask = build(WindowAttention), shifted_window_mask(6, 6, 3, 1)[-1:]
    assert not mask[0, 0, 8]
    q, k = torch.zeros(2, 1, 2, 9, 4, dtype=torch.float64)
    q[:, :, 0, 0], k[:, :, 8, 0] = 240, 1  # 240 / sqrt(4) = 120
    assert attn.logits(q, k)[0, :, 0, 8].eq(120).all()
    assert attn.attention_weights(q, k, mask)[0, :, 0, 8].eq(0).all()
    # the usual -100 instead of minus infinity would not have held it
    finite = attn.logits(q, k) + attn.position_bias() - 100 * ~mask
    assert (finite.softmax(dim=-1)[0, :, 0, 8] > 0.99).all()


# --- the position bias -------------------------------------------------------------------------------------------


@both
@settings(max_examples=10)
@given(window=st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_position_bias_is_looked_up_by_query_minus_key(attention, build, window):
    attn = build(attention, window)
    tokens = [(i, j) for i in range(window[0]) for j in range(window[1])]
    expected = torch.stack([torch.stack([bias_of_pair(attn, q, k) for k in tokens], dim=-1) for q in tokens], dim=-2)
    bias = attn.position_bias()
    assert bias.shape == (2, len(tokens), len(tokens))
    torch.testing.assert_close(bias, expected, rtol=1e-5, atol=1e-5)  # v2's coordinates are float32


def test_a_bias_for_one_row_down_lets_each_token_look_at_the_one_above(build):
    attn = build(WindowAttention, (3, 2))
    with torch.no_grad():
        attn.relative_position_bias_table.zero_()
        attn.relative_position_bias_table[(1 + 2) * 3 + (0 + 1)] = 50.0  # query minus key = (1, 0)
    nothing = torch.zeros(1, 2, 6, 4, dtype=torch.float64)
    weights = attn.attention_weights(nothing, nothing)[0, 0]
    assert weights[2:].argmax(dim=-1).tolist() == [0, 1, 2, 3]
    torch.testing.assert_close(weights[:2], torch.full((2, 6), 1 / 6, dtype=torch.float64))


def test_v2_bias_lies_between_0_and_16(build, randomise):
    bias = randomise(build(WindowAttentionV2, 7), std=5.0).position_bias()
    assert bias.min() >= 0
    assert bias.max() <= 16
    assert bias.max() - bias.min() > 10


def test_v2_coordinates_follow_the_window_of_the_weights(build):
    attn = build(WindowAttentionV2, 4)
    other = build(WindowAttentionV2, 4, pretrained_window_size=2)
    assert (attn.pretrained_window_size, other.pretrained_window_size) == ((4, 4), (2, 2))
    assert torch.equal(other.relative_coords_table, relative_coords_table(4, 2).double())
    assert not torch.allclose(attn.position_bias(), other.position_bias())
    other.load_state_dict(attn.state_dict())  # weights do not bring another scale
    assert torch.equal(other.relative_coords_table, relative_coords_table(4, 2).double())


@pytest.mark.parametrize("attention", [WindowAttention, WindowAttentionV2])
def test_the_layer_that_makes_queries_keys_and_values_is_called(attention, build):
    """Hooks, adapters and quantised layers sit on the module, not on its weight."""
    attn, called = build(attention), []
    attn.qkv.register_forward_hook(lambda *_: called.append(1))
    attn(tokens_of(attn))
    assert called == [1]


@pytest.mark.parametrize("attention", [WindowAttention, WindowAttentionV2])
def test_weights_loaded_in_inference_mode_can_be_trained(attention, build):
    attn = build(attention)
    with torch.inference_mode():
        attn.load_state_dict(attn.state_dict())
    attn(tokens_of(attn)).sum().backward()
    assert all(parameter.grad is not None for parameter in attn.parameters())


def test_an_attention_says_how_it_compares():
    with pytest.raises(NotImplementedError, match="BaseWindowAttention does not say how"):
        BaseWindowAttention(8, 2, 2)(torch.zeros(1, 4, 8))


# --- dot product and cosine --------------------------------------------------------------------------------------


def test_v1_a_bias_of_the_keys_changes_nothing(build):
    """It adds q . b to all logits of a row, which the softmax does not see."""
    attn = build(WindowAttention)
    x = tokens_of(attn)
    before = attn(x)
    with torch.no_grad():
        attn.qkv.bias[8:16] += 3.0
    torch.testing.assert_close(attn(x), before)


def test_v2_has_no_bias_of_the_keys_and_one_would_change_the_result(build):
    attn = build(WindowAttentionV2)
    assert {name for name, _ in attn.named_parameters() if name.endswith("bias")} == {
        "q_bias",
        "v_bias",
        "cpb_mlp.0.bias",
        "proj.bias",
    }
    x = tokens_of(attn)
    q, k, _ = attn.project(x)
    key_weights = attn.qkv.weight[8:16]
    torch.testing.assert_close(k, (x @ key_weights.T).unflatten(-1, (2, 4)).transpose(1, 2))
    difference = attn.attention_weights(q, k + 3.0) - attn.attention_weights(q, k)
    assert difference.abs().max() > 0.01


@given(st.floats(0.01, 100), st.floats(0.01, 100))
@settings(max_examples=10)
def test_v2_lengths_of_queries_and_keys_change_nothing(build, a, b):
    attn = build(WindowAttentionV2)
    q, k, _ = attn.project(tokens_of(attn))
    torch.testing.assert_close(attn.logits(a * q, b * k), attn.logits(q, k))


def test_v1_lengths_of_queries_and_keys_scale_the_logits(build):
    attn = build(WindowAttention)
    q, k, _ = attn.project(tokens_of(attn))
    torch.testing.assert_close(attn.logits(2 * q, 3 * k), 6 * attn.logits(q, k))


def test_v2_scale_is_at_most_100(build):
    attn = build(WindowAttentionV2)
    q, k, _ = attn.project(tokens_of(attn))
    cosine = F.cosine_similarity(q[..., :, None, :], k[..., None, :, :], dim=-1)
    with torch.no_grad():
        attn.logit_scale[0], attn.logit_scale[1] = math.log(99), math.log(1000)
    logits = attn.logits(q, k)
    torch.testing.assert_close(logits, cosine * torch.tensor([99.0, 100.0], dtype=torch.float64).view(2, 1, 1))
    logits.sum().backward()
    assert attn.logit_scale.grad[0] != 0
    assert attn.logit_scale.grad[1] == 0  # clamped: no way back down but by decay


def test_v2_scale_starts_at_10():
    assert torch.equal(WindowAttentionV2(8, 3, 2).logit_scale, torch.full((2, 1, 1), math.log(10)))


# --- the parts of the module -------------------------------------------------------------------------------------


@both
def test_a_token_alone_in_its_window_attends_to_itself(attention, build):
    attn = build(attention, 1)
    x = tokens_of(attn)
    _, _, v = attn.project(x)
    torch.testing.assert_close(attn(x), attn.proj(v.transpose(1, 2).flatten(2)))


@both
def test_queries_keys_and_values_may_go_without_bias(attention, build):
    attn = build(attention, qkv_bias=False)
    names = {name for name, _ in attn.named_parameters()}
    assert not names & {"qkv.bias", "q_bias", "v_bias"}
    q, k, v = attn.project(torch.zeros(1, 9, 8, dtype=torch.float64))
    assert not torch.stack([q, k, v]).any()


@both
@pytest.mark.parametrize("option", ["attention_dropout", "dropout"])
def test_dropout_works_in_training_only(attention, option, build):
    attn, plain = build(attention, **{option: 0.5}), build(attention)
    x = tokens_of(attn)
    assert torch.equal(attn(x), plain(x))
    out = attn.train()(x)
    assert not torch.allclose(out, plain(x))
    dropped = (out == 0).double().mean().item()  # channels of the output; an attention weight is not a channel
    assert 0.35 < dropped < 0.65 if option == "dropout" else dropped == 0


def test_attention_dropout_drops_weights_and_keeps_their_mean(build):
    attn = build(WindowAttention, 1, attention_dropout=0.25).train()
    with torch.no_grad():
        attn.proj.bias.zero_()
    x = tokens_of(attn, windows=1).expand(4000, -1, -1)  # one token: its only weight is 1, or dropped
    _, _, v = attn.project(x)
    full = attn.eval()(x)[0]
    out = attn.train()(x)
    torch.testing.assert_close(out.mean(dim=0), full, rtol=0, atol=0.05 * v.abs().max().item())


@both
def test_the_buffers_are_not_saved_and_come_back_after_loading(attention, build):
    attn = build(attention)
    x = tokens_of(attn)
    state = attn.state_dict()
    assert set(state) == {name for name, _ in attn.named_parameters()}

    emptied = build(attention).to("meta").to_empty(device="cpu")
    for buffer in emptied.buffers():
        buffer.fill_(7)  # the garbage that to_empty may leave
    emptied.load_state_dict(state)
    assert torch.equal(emptied(x), attn(x))

    with torch.device("meta"):
        assigned = attention(8, 3, 2)
    assigned.eval().load_state_dict(state, assign=True)
    assert {t.device.type for t in (*assigned.parameters(), *assigned.buffers())} == {"cpu"}
    assert torch.equal(assigned(x), attn(x))


@both
def test_init_weights_restores_the_buffers_too(attention, build):
    attn = build(attention).to("meta").to_empty(device="cpu")
    for tensor in (*attn.parameters(), *attn.buffers()):
        tensor.detach().fill_(7)
    attn.apply(init_weights)
    fresh = attention(8, 3, 2).double()
    for name, buffer in fresh.named_buffers():
        assert torch.equal(attn.get_buffer(name), buffer)


@both
def test_buffers_follow_device_and_dtype(attention):
    attn = attention(8, 3, 2).to(torch.bfloat16)
    assert attn.relative_position_index.dtype == torch.int64
    assert {t.dtype for t in attn.buffers() if t.is_floating_point()} <= {torch.bfloat16}
    assert {t.device.type for t in attn.to("meta").buffers()} == {"meta"}


@both
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_stays_close(attention, dtype, build):
    attn, mask = build(attention), shifted_window_mask(6, 6, 3, 1)
    x = tokens_of(attn)
    with torch.no_grad():
        expected = attn(x, mask)
        out = attn.to(dtype)(x.to(dtype), mask)
    assert out.dtype == dtype
    torch.testing.assert_close(out.double(), expected, rtol=0.1, atol=0.1)


def test_v2_tokens_of_zeros_do_no_harm_in_float16(build):
    """Padding is zeros, and v2's keys have no bias: their length is exactly 0."""
    attn = build(WindowAttentionV2).half()
    x = tokens_of(attn).half()
    x[:, -3:] = 0
    assert attn(x).isfinite().all()
