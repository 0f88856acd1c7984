"""``swinlib.init``: what a new model starts from."""

import pytest
import torch
from torch import nn

from swinlib import (
    SwinTransformer,
    SwinTransformerBlockV2,
    SwinUNet,
    WindowAttention,
    WindowAttentionV2,
    init_weights,
    swin_t,
    swin_v2_t,
)

TINY = {"embed_dim": 16, "depths": (2, 2), "num_heads": (2, 4), "window_size": 3, "patch_size": 2, "num_classes": 5}
versions = pytest.mark.parametrize("version", [1, 2])


def unet(**options):
    return SwinUNet(SwinTransformer(**options), num_classes=3)


@pytest.mark.parametrize("network", [SwinTransformer, unet])
@versions
def test_apply_initialises_everything_that_to_empty_left_undefined(network, version):
    with torch.device("meta"):
        model = network(**TINY, version=version)
    assert all(tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))
    model.to_empty(device="cpu")
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.fill_(float("nan") if tensor.is_floating_point() else -1)
    model.apply(init_weights)
    for name, parameter in model.named_parameters():
        assert parameter.isfinite().all(), name
    expected = network(**TINY, version=version)
    for name, buffer in expected.named_buffers():
        assert torch.equal(model.get_buffer(name), buffer), name
    assert model(torch.randn(1, 3, 14, 14)).isfinite().all()


@versions
def test_apply_starts_from_the_same_distribution_as_a_new_model(version):
    """Same seed, same draws: ``apply`` leaves no trace of what was there."""
    model = SwinTransformer(**TINY, version=version)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(3.0)
    torch.manual_seed(5)
    model.apply(init_weights)
    other = SwinTransformer(**TINY, version=version)
    torch.manual_seed(5)
    other.apply(init_weights)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, other.get_parameter(name)), name


@pytest.mark.parametrize("build", [swin_t, swin_v2_t])
def test_a_new_model_has_the_paper_s_distributions(build):
    model = build()
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            assert module.weight.mean().abs() < 0.003, name
            assert 0.018 < module.weight.std() < 0.022, name
            assert module.bias is None or not module.bias.any(), name
        if isinstance(module, nn.LayerNorm):
            after_v2_branch = ".norm1" in name or ".norm2" in name if build is swin_v2_t else False
            assert module.weight.eq(0 if after_v2_branch else 1).all(), name
            assert not module.bias.any(), name
        if isinstance(module, WindowAttention) and build is swin_t:
            assert 0.015 < module.relative_position_bias_table.std() < 0.025, name
        if isinstance(module, WindowAttentionV2):
            torch.testing.assert_close(module.logit_scale.exp(), torch.full_like(module.logit_scale, 10))
            assert not module.q_bias.any(), name
            assert not module.v_bias.any(), name


def test_the_patch_convolution_starts_as_torch_s_does():
    """The reference code leaves it alone, and so its bias is not zero."""
    conv = SwinTransformer(**TINY).patch_embed.proj
    bound = (3 * 2 * 2) ** -0.5
    for parameter in (conv.weight, conv.bias):
        assert parameter.any()
        assert parameter.abs().max() <= bound
    assert conv.weight.std() > bound / 3


def test_a_new_v2_network_is_the_identity_on_the_residual_stream():
    model = SwinTransformer(**TINY, version=2)
    x = torch.randn(2, 3, 14, 18)
    stem = model.patch_embed(x)
    first, second = model.forward_intermediates(x, output_fmt="NHWC")[1]
    assert torch.equal(first, stem)
    assert torch.equal(second, model.layers[0].downsample(stem))


def test_zeroing_v2_norms_does_not_depend_on_being_part_of_a_model():
    block = SwinTransformerBlockV2(8, 2, 3).apply(init_weights)
    x = torch.randn(1, 5, 5, 8)
    assert torch.equal(block(x), x)
    assert block.norm1.weight.requires_grad


@versions
def test_initialising_twice_is_the_same_as_once(version):
    model = SwinTransformer(**TINY, version=version).apply(init_weights).apply(init_weights)
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            assert module.weight.std() < 0.03, name
