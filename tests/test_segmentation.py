"""``swinlib.segmentation``: a class for each pixel of an image of any size."""

import copy
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from swinlib import SwinTransformer, SwinTransformerBlockV2, SwinUNet

versions = pytest.mark.parametrize("version", [1, 2])


@versions
@settings(max_examples=15)
@given(height=st.integers(2, 30), width=st.integers(2, 30))
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
def test_the_decoder_takes_the_encoder_s_options(version, tiny_swin):
    options = {"mlp_ratio": 2.0, "qkv_bias": False, "dropout": 0.1, "attention_dropout": 0.2, "drop_path_rate": 0.3}
    if version == 2:
        options["pretrained_window_size"] = [2, 3]
    encoder = tiny_swin(version, window_size=[(4, 6), 3], gradient_checkpointing=True, **options)
    (decoder,) = SwinUNet(encoder, 3).decoder
    assert decoder.stage.gradient_checkpointing
    for ours, theirs in zip(decoder.stage.blocks, encoder.layers[0].blocks, strict=True):
        assert repr(ours) == repr(theirs)  # widths, biases, dropout, drop path
        assert (ours.window_size, ours.shift_size) == (theirs.window_size, theirs.shift_size)
        assert getattr(ours.attn, "pretrained_window_size", None) == ((2, 2) if version == 2 else None)
    (deeper,) = SwinUNet(tiny_swin(version, drop_path_rate=0.3), 3, decoder_depths=(3,)).decoder
    assert [block.drop_path.drop_prob for block in deeper.stage.blocks] == pytest.approx([0, 0.05, 0.1])


@versions
def test_norms_by_stage_are_not_applied_twice(version, tiny_swin, randomise):
    """An encoder with norms by stage hands on normed maps: with fresh norms, the coarsest is the same as without."""
    plain, normed = tiny_swin(version), tiny_swin(version, stage_norms=True)
    normed.load_state_dict(plain.state_dict(), strict=False)
    seen = []
    for encoder in (plain, normed):
        network = SwinUNet(encoder, 4).double()
        network.decoder[0].expand.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
        network(torch.randn(1, 3, 24, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(*seen)


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
        if name.startswith("encoder.head."):  # nor does anybody wait for it
            assert not parameter.requires_grad, name
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
        network.encoder.norm.weight.zero_()
        network.encoder.norm.bias.zero_()
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


@pytest.mark.one_in(2)
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


TRAIN_IN_PARALLEL = """
import sys
import torch, torch.distributed as dist
from swinlib import SwinTransformer, SwinUNet

rank, version, store = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(1)
dist.init_process_group("gloo", store=dist.FileStore(store, 2), rank=rank, world_size=2)
torch.manual_seed(0)
network = SwinUNet(SwinTransformer(8, (2, 2), (1, 2), 4, num_classes=5, version=version), 3)
network = torch.nn.parallel.DistributedDataParallel(network)
optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
torch.manual_seed(rank)
for step in range(3):
    optimizer.zero_grad()
    network(torch.randn(1, 3, 24, 24)).square().mean().backward()
    optimizer.step()
weights = torch.cat([p.detach().flatten() for p in network.parameters()])
mine, others = weights.sum().item(), [None, None]
dist.all_gather_object(others, mine)
print(*others)
dist.destroy_process_group()
"""


@versions
@pytest.mark.slow
def test_two_processes_train_it(version, tmp_path):
    """DistributedDataParallel waits for the gradient of each parameter that asks for one, so all of them must come."""
    command = [sys.executable, "-c", TRAIN_IN_PARALLEL]
    ranks = [
        subprocess.Popen(
            [*command, str(rank), str(version), str(tmp_path / "store")], stdout=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    told = [rank.communicate(timeout=120)[0].split() for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0]
    assert told[0] == told[1]
    assert told[0][0] == told[0][1], "after three steps both hold the same weights"
