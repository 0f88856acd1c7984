"""swinlib against timm, at sizes where no map is padded: elsewhere timm rolls before it pads."""

import pytest
import timm
import torch
from timm.models.swin_transformer import SwinTransformer
from timm.models.swin_transformer_v2 import SwinTransformerV2

import swinlib
from swinlib.checkpoints import export_state_dict, load_checkpoint

NARROW = {"embed_dim": 24, "depths": (2, 2, 6, 2), "num_heads": (3, 6, 12, 24), "num_classes": 10}


@pytest.fixture(scope="module")
def published(version, randomise) -> torch.nn.Module:
    name = "swin_tiny_patch4_window7_224" if version == 1 else "swinv2_tiny_window8_256"
    return randomise(timm.create_model(name, pretrained=False), seed=1)


@torch.no_grad()
def test_their_weights_in_our_model(version, published, images, assert_parity):
    ours = swinlib.swin_t() if version == 1 else swinlib.swin_v2_t()
    report = load_checkpoint(ours, published.state_dict())
    assert (report.layout, report.version) == ("timm", version)
    x = images(*[224 if version == 1 else 256] * 2, batch=1)
    assert_parity(ours.eval()(x), published(x), 1e-5)


@torch.no_grad()
def test_our_weights_in_their_model(version, published, swin_tiny, images, assert_parity):
    exported = export_state_dict(swin_tiny, "timm")
    assert len(exported) == (173 if version == 1 else 221)
    published.load_state_dict(exported, strict=True)
    x = images(*[224 if version == 1 else 256] * 2, batch=1)
    assert_parity(swin_tiny(x), published(x), 1e-5)


@pytest.mark.one_in(8)
@pytest.mark.parametrize("windows", [(1, 1), (2, 2), (1, 2), (3, 1)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@torch.no_grad()
def test_sizes_without_padding(version, windows, dtype, swin_narrow, images, assert_parity, tmp_path):
    """Images whose last map is this many windows high and wide; narrow models, built for that size."""
    window = 7 if version == 1 else 8
    size = tuple(32 * window * n for n in windows)
    timm_class = SwinTransformer if version == 1 else SwinTransformerV2
    theirs = timm_class(img_size=size, window_size=window, **NARROW)
    theirs.load_state_dict(export_state_dict(swin_narrow, "timm"), strict=True)
    torch.save(theirs.state_dict(), tmp_path / "timm.pth")
    ours = swinlib.SwinTransformer(**NARROW, window_size=swin_narrow.window_size, version=version)
    load_checkpoint(ours, tmp_path / "timm.pth")
    x = images(*size, batch=1, dtype=dtype)
    assert_parity(ours.eval().to(dtype)(x), theirs.eval().to(dtype)(x), 1e-5 if dtype == torch.float32 else 1e-12)


@torch.no_grad()
def test_features_only(version, swin_narrow, randomise, images, assert_parity):
    """timm's ``features_only`` has the blocks under names of their own; its maps are ours before a norm."""
    name = "swin_tiny_patch4_window7_224" if version == 1 else "swinv2_tiny_window8_256"
    shape = {key: NARROW[key] for key in ("embed_dim", "depths", "num_heads")}
    theirs = timm.create_model(name, pretrained=False, features_only=True, **shape)
    theirs.load_state_dict(export_state_dict(swin_narrow, "timm_features"), strict=True)
    x = images(*[224 if version == 1 else 256] * 2, batch=1)
    for ours, map_ in zip(swin_narrow.forward_intermediates(x, output_fmt="NHWC")[1], theirs.eval()(x), strict=True):
        assert_parity(ours, map_, 1e-5)

    again = swinlib.SwinTransformer(**NARROW, window_size=swin_narrow.window_size, version=version).eval()
    randomise(theirs, seed=1)
    report = load_checkpoint(again, theirs.state_dict())
    assert (report.layout, report.head) == ("timm_features", "kept")
    for ours, map_ in zip(again.forward_intermediates(x, output_fmt="NHWC")[1], theirs(x), strict=True):
        assert_parity(ours, map_, 1e-5)
