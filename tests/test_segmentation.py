"""``swinlib.segmentation``: a class for each pixel of an image of any size."""

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from swinlib import SwinTransformer, SwinTransformerBlockV2, SwinUNet

versions = pytest.mark.parametrize("version", [1, 2])


@versions
@settings(max_examples=15)
@given(height=st.integers(1, 30), width=st.integers(1, 30))
def test_every_pixel_of_any_image_gets_a_class(version, tiny_swin, randomise, height, width):
    network = randomise(SwinUNet(tiny_swin(version, depths=(2, 2, 2), num_heads=(1, 2, 4)), 4)).double()
    logits = network(torch.randn(2, 3, height, width, dtype=torch.float64))
    assert logits.shape == (2, 4, height, width)
    assert logits.isfinite().all()


@versions
@pytest.mark.parametrize("depths", [(2,), (2, 2), (1, 2, 3, 2)])
def test_the_decoder_mirrors_the_encoder(version, depths, tiny_swin):
    encoder = tiny_swin(version, depths=depths, num_heads=[1] * len(depths), window_size=(2, 3), patch_size=4)
    network = SwinUNet(encoder, 3, decoder_depths=range(1, len(depths)))
    assert [stage.fuse.out_features for stage in network.decoder] == list(encoder.dims[-2::-1])
    assert [len(stage.stage.blocks) for stage in network.decoder] == list(range(1, len(depths)))
    for stage, mirrored in zip(network.decoder, list(encoder.layers)[-2::-1], strict=True):
        block, model = stage.stage.blocks[0], mirrored.blocks[0]
        assert type(block) is type(model)
        assert (block.window_size, block.attn.num_heads) == (model.window_size, model.attn.num_heads)
    assert network.double()(torch.randn(1, 3, 21, 22, dtype=torch.float64)).shape == (1, 3, 21, 22)


@versions
@pytest.mark.parametrize(
    ("depths", "shift_size"),
    [
        ((2, 2), None),
        ((2, 2), 0),
        ((4, 2), 1),
        ((1, 2), None),
        ((3, 2), None),
        ((1, 2), 0),
    ],
)
def test_the_decoder_shifts_as_the_encoder_does(version, depths, shift_size, tiny_swin):
    encoder = tiny_swin(version, depths=depths, shift_size=shift_size, window_size=4)
    (decoder,) = SwinUNet(encoder, 3).decoder
    expected = 2 if shift_size is None else shift_size
    assert [block.shift_size for block in decoder.stage.blocks] == [(0, 0), (expected, expected)]


@versions
def test_gradients_reach_every_parameter_but_the_classifier_s(version, tiny_swin, randomise):
    network = randomise(SwinUNet(tiny_swin(version), 4)).double().train()
    network(torch.randn(2, 3, 15, 18, dtype=torch.float64)).square().sum().backward()
    for name, parameter in network.named_parameters():
        if name.startswith(("encoder.norm.", "encoder.head.")):
            assert parameter.grad is None, name
        else:
            assert parameter.grad.any(), name


@versions
def test_the_encoder_is_used_as_it_is(version, tiny_swin):
    encoder = tiny_swin(version)
    before = copy.deepcopy(encoder.state_dict())
    network = SwinUNet(encoder, 4)
    assert network.encoder is encoder
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    if version == 2:  # the decoder's own blocks are new, and start as the identity
        blocks = [m for m in network.decoder.modules() if isinstance(m, SwinTransformerBlockV2)]
        assert blocks
        assert not any(block.norm1.weight.any() or block.norm2.weight.any() for block in blocks)


def test_skips_carry_the_encoder_s_maps(tiny_swin, randomise):
    """Every stage of the encoder is seen by the decoder: cut off the coarse path and the finest map still decides."""
    network = randomise(SwinUNet(tiny_swin(), 4)).double()
    with torch.no_grad():
        network.norm.weight.zero_()
        network.norm.bias.zero_()
    x = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    assert not torch.allclose(network(x)[0], network(x)[1])


def test_what_lies_at_a_place_is_decided_at_that_place(tiny_swin, randomise):
    """Without shift and with one window of tokens per side of 6 pixels, the finest stage keeps windows apart."""
    encoder = tiny_swin(depths=(2,), num_heads=(2,), shift_size=0)
    network = randomise(SwinUNet(encoder, 4)).double()
    x = torch.randn(1, 3, 12, 18, dtype=torch.float64)
    changed = x.clone()
    changed[0, :, 7, 1] += torch.randn(3)
    touched = (network(changed) != network(x)).any(dim=1)[0]
    expected = torch.zeros(12, 18, dtype=torch.bool)
    expected[6:, :6] = True
    assert torch.equal(touched, expected)


@pytest.mark.parametrize(("pixel", "cell"), [(0, (0, 4)), (5, (4, 8)), (9, (8, 10))])
def test_the_way_up_meets_the_way_down_where_sides_are_odd(tiny_swin, randomise, pixel, cell):
    """Each token alone in its window: a pixel is seen by its cell of 2x2 patches of 2 pixels, counted from 0."""
    network = randomise(SwinUNet(tiny_swin(window_size=1), 4)).double()  # 10 pixels are 5 tokens, then 3
    x = torch.randn(1, 3, 10, 10, dtype=torch.float64)
    changed = x.clone()
    changed[0, :, pixel, pixel] += torch.randn(3)
    touched = (network(changed) != network(x)).any(dim=1)[0]
    expected = torch.zeros(10, 10, dtype=torch.bool)
    expected[slice(*cell), slice(*cell)] = True
    assert torch.equal(touched, expected)


@versions
def test_it_learns_to_find_a_bright_square(version):
    generator = torch.Generator().manual_seed(0)
    x = 0.1 * torch.randn(8, 1, 14, 14, generator=generator)
    target = torch.zeros(8, 14, 14, dtype=torch.int64)
    for n in range(8):
        i, j = torch.randint(0, 8, (2,), generator=generator).tolist()
        target[n, i : i + 6, j : j + 5] = 1
    x = x + target[:, None]

    torch.manual_seed(0)
    options = {"window_size": 3, "patch_size": 2, "in_channels": 1, "num_classes": 0, "version": version}
    network = SwinUNet(SwinTransformer(16, (2, 2), (2, 4), **options), 2).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=5e-3)
    for _ in range(40):
        optimiser.zero_grad()
        F.cross_entropy(network(x), target).backward()
        optimiser.step()
    found = network.eval()(x).argmax(dim=1)
    in_common = (found & target).sum() / (found | target).sum()
    assert in_common > 0.95  # all background gives 0
