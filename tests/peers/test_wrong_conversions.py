"""Tempting mistakes in a conversion, planted: the comparison that proves parity must refuse each of them."""

import copy
from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor

import swinlib
from swinlib.checkpoints import load_checkpoint

State = dict[str, Tensor]


def change(state: State, ending: str, wrong: Callable[[str, Tensor], Tensor]) -> None:
    keys = [key for key in state if key.endswith(ending)]
    assert keys, f"nothing to get wrong: no {ending}"
    state.update({key: wrong(key, state[key]) for key in keys})


def heads(state: State, key: str) -> int:
    attention = key[: key.index("attn.") + len("attn.")]
    found = state.get(attention + "logit_scale")
    return state[attention + "relative_position_bias_table"].shape[1] if found is None else len(found)


def merge_rows_first(state: State) -> None:
    """Merging in the order (0,0), (0,1), (1,0), (1,1) of (row, column), as ``nn.Unfold`` gives it."""

    def reorder(_: str, tensor: Tensor) -> Tensor:
        return torch.cat([tensor.chunk(4, dim=-1)[i] for i in (0, 2, 1, 3)], dim=-1)

    change(state, "downsample.reduction.weight", reorder)
    if state["layers.0.downsample.norm.weight"].numel() == state["layers.0.downsample.reduction.weight"].shape[1]:
        change(state, "downsample.norm.weight", reorder)
        change(state, "downsample.norm.bias", reorder)


def interleave_qkv(state: State) -> None:
    """Rows of qkv head by head, q k v in each, instead of all q, all k, all v."""

    def interleave(key: str, tensor: Tensor) -> Tensor:
        return tensor.unflatten(0, (3, heads(state, key), -1)).transpose(0, 1).flatten(0, 2)

    change(state, "attn.qkv.weight", interleave)
    if any(key.endswith("attn.qkv.bias") for key in state):
        change(state, "attn.qkv.bias", interleave)


def transpose_table(state: State) -> None:
    """Columns of offsets before rows."""
    if any(key.endswith("table") for key in state):
        change(state, "table", lambda _, table: table.unflatten(0, (13, 13)).transpose(0, 1).flatten(0, 1))
    else:
        change(state, "cpb_mlp.0.weight", lambda _, weight: weight.flip(1))


def flip_sign(state: State) -> None:
    """Offsets from key to query instead of from query to key."""
    if any(key.endswith("table") for key in state):
        change(state, "table", lambda _, table: table.flip(0))
    else:
        change(state, "cpb_mlp.0.weight", lambda _, weight: -weight)


def swap_biases(state: State) -> None:
    """The bias of the queries given to the values."""
    if any(key.endswith("qkv.bias") for key in state):
        change(state, "attn.qkv.bias", lambda _, bias: torch.cat([bias.chunk(3)[i] for i in (2, 1, 0)]))
    else:
        biases = {key: state[key] for key in state if key.endswith(("q_bias", "v_bias"))}
        change(state, "q_bias", lambda key, _: biases[key.replace("q_bias", "v_bias")])
        change(state, "v_bias", lambda key, _: biases[key.replace("v_bias", "q_bias")])


def swap_norms(state: State) -> None:
    """The norm of the attention given to the MLP."""
    norms = {key: tensor for key, tensor in state.items() if ".norm1." in key or ".norm2." in key}
    other = {"norm1": "norm2", "norm2": "norm1"}
    state.update({key.replace(n, other[n]): t for key, t in norms.items() for n in other if n in key})


@pytest.fixture(scope="module")
def parity(version, randomise, assert_parity) -> tuple[swinlib.SwinTransformer, Tensor, Tensor]:
    """A Swin-T with torchvision's weights, images, and torchvision's logits for them, which are its own."""
    theirs = randomise(torchvision.models.swin_t() if version == 1 else torchvision.models.swin_v2_t())
    ours = swinlib.swin_t() if version == 1 else swinlib.swin_v2_t()
    load_checkpoint(ours, theirs.state_dict())
    x = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = theirs(x)
        assert_parity(ours.eval()(x), expected, 1e-5)
    return ours, x, expected


@pytest.mark.one_in(12)
@pytest.mark.parametrize(
    "mistake", [merge_rows_first, interleave_qkv, transpose_table, flip_sign, swap_biases, swap_norms]
)
@torch.no_grad()
def test_mistake_is_seen(mistake, parity, version, assert_parity):
    right, x, expected = parity
    wrong, state = copy.deepcopy(right), dict(right.state_dict())
    mistake(state)
    wrong.load_state_dict(state)
    with pytest.raises(AssertionError, match="relative error") as refused:
        assert_parity(wrong(x), expected, 1e-5)
    print(mistake.__name__, f"v{version}:", str(refused.value).splitlines()[0])
