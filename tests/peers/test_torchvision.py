"""swinlib against torchvision: the same weights must give the same logits and gradients, at every size."""

import copy
from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.swin_transformer import (
    PatchMerging,
    PatchMergingV2,
    SwinTransformerBlock,
    SwinTransformerBlockV2,
)

import swinlib
from swinlib.checkpoints import export_state_dict, load_checkpoint

SIZES = [(224, 224), (448, 448), (256, 192), (200, 333), (112, 112), (64, 64), (32, 32), (225, 223)]
QUICK = {(224, 224), (200, 333), (64, 64), (32, 32)}  # not padded, padded, smaller than a window, a single token
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}
# depths and heads of S and B at a quarter of their width, since width alone makes them slow
NARROW = {
    "s": {"embed_dim": 24, "depths": [2, 2, 18, 2], "num_heads": [3, 6, 12, 24]},
    "b": {"embed_dim": 32, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32]},
}
Pair = tuple[nn.Module, swinlib.SwinTransformer]


def whole(name: str) -> Pair:
    """torchvision's model and swinlib's, as published."""
    return getattr(torchvision.models, name)(), getattr(swinlib, name)()


def narrow(size: str, version: int) -> Pair:
    window = 7 if version == 1 else 8
    theirs = torchvision.models.SwinTransformer(
        patch_size=[4, 4],
        **NARROW[size],
        window_size=[window, window],
        block=SwinTransformerBlock if version == 1 else SwinTransformerBlockV2,
        downsample_layer=PatchMerging if version == 1 else PatchMergingV2,
        num_classes=10,
    )
    return theirs, swinlib.SwinTransformer(**NARROW[size], window_size=window, version=version, num_classes=10)


MODELS: dict[str, Callable[[], Pair]] = {
    "swin_t": lambda: whole("swin_t"),
    "swin_v2_t": lambda: whole("swin_v2_t"),
    "narrow swin_s": lambda: narrow("s", 1),
    "narrow swin_v2_s": lambda: narrow("s", 2),
    "narrow swin_b": lambda: narrow("b", 1),
    "narrow swin_v2_b": lambda: narrow("b", 2),
}


@pytest.fixture(scope="module", params=MODELS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def pair(name, randomise) -> Pair:
    """The two models with the same weights: torchvision's, randomised, and swinlib's that loaded them."""
    theirs, ours = MODELS[name]()
    randomise(theirs)
    load_checkpoint(ours, theirs.state_dict())
    return theirs, ours.eval()


@pytest.fixture(scope="module")
def double_pair(pair) -> Pair:
    theirs, ours = pair
    return copy.deepcopy(theirs).double(), copy.deepcopy(ours).double()


@pytest.mark.one_in(24)
@pytest.mark.parametrize(
    "size",
    [pytest.param(size, marks=[] if size in QUICK else pytest.mark.slow) for size in SIZES],
    ids=lambda size: f"{size[0]}x{size[1]}",
)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@torch.no_grad()
def test_logits(pair, double_pair, size, dtype, images, assert_parity):
    theirs, ours = pair if dtype == torch.float32 else double_pair
    x = images(*size, batch=1 if size == (448, 448) else 2, dtype=dtype)
    assert_parity(ours(x), theirs(x), TOLERANCE[dtype])


@pytest.mark.one_in(6)
def test_gradients(name, pair, images):
    """Every parameter's gradient. Loading torchvision's gradients as a checkpoint brings them under our names."""
    theirs, ours = pair
    x = images(120, 64)  # maps of 30 x 16: padded, shifted along both axes, along one, along none
    target = torch.randn(2, ours.num_classes, generator=torch.Generator().manual_seed(2))
    for model in pair:
        model.zero_grad()
        (model(x) * target).sum().backward()
    expected = copy.deepcopy(ours)
    load_checkpoint(expected, theirs.state_dict() | {n: p.grad for n, p in theirs.named_parameters()})
    for key, gradient in expected.state_dict().items():
        found = ours.get_parameter(key).grad
        error = (found - gradient).abs().max() / gradient.abs().max()
        assert error <= 1e-5, f"{key}: relative error {error:.2g}"


@pytest.mark.slow
@pytest.mark.parametrize("published", ["swin_s", "swin_b", "swin_v2_s", "swin_v2_b"])
@torch.no_grad()
def test_whole_s_and_b(published, randomise, images, assert_parity):
    """S and B as published, at two sizes: without padding (v1) and with."""
    theirs = randomise(getattr(torchvision.models, published)())
    with torch.device("meta"):  # no time spent on an initialisation that is overwritten
        ours = getattr(swinlib, published)()
    ours.to_empty(device="cpu").eval()
    load_checkpoint(ours, theirs.state_dict())
    for size in ((224, 224), (65, 90)):
        x = images(*size, batch=1)
        assert_parity(ours(x), theirs(x), TOLERANCE[torch.float32])


@pytest.mark.one_in(6)
@torch.no_grad()
def test_export(name, pair, images, assert_parity):
    """What swinlib writes loads strictly, buffers included, and those are the ones that torchvision computed."""
    theirs, ours = pair
    exported = export_state_dict(ours, "torchvision")
    saved = copy.deepcopy(theirs.state_dict())
    assert exported.keys() == saved.keys()
    for key, tensor in saved.items():
        if "v2" in name and key.endswith("qkv.bias"):
            tensor.chunk(3)[1].zero_()  # v2 keys have no bias: torchvision stores one and never uses it
        assert exported[key].dtype == tensor.dtype
        assert torch.equal(exported[key], tensor), key
    again, _ = MODELS[name]()
    again.load_state_dict(exported, strict=True)
    x = images(96, 130)
    assert_parity(again.eval()(x), theirs(x), TOLERANCE[torch.float32])
