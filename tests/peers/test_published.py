"""Every published name: what its publisher builds under it, and equal logits for every shape in the table.

The greatest difference of every name to each peer, as a table:

    pytest tests/peers/test_published.py -k logits -s
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
import timm
import torch
import torchvision
import transformers
from timm.models.swin_transformer import SwinTransformer
from timm.models.swin_transformer_v2 import SwinTransformerV2
from torch import nn
from torchvision.models import swin_transformer

import swinlib
from swinlib.checkpoints import load_checkpoint
from swinlib.published import Published, find, names
from swinlib.windows import effective_shift

Shape = tuple[int, tuple[int, ...], int, tuple[int, ...], tuple[int, ...] | None]

# timm's own names, without tags, and what it called some of them earlier
TIMM = [name for name in timm.list_models("swin*") if not name.startswith("swinv2_cr")]
TIMM_TAGGED = [name for name in timm.list_pretrained("swin*") if not name.startswith("swinv2_cr")]
TIMM_OLD = {old: new for old, new in timm.models._registry._deprecated_models.items() if old.startswith("swin")}


# ---- what is built under a name ------------------------------------------------------------------------------------


def on_meta(build: Callable[..., nn.Module], *arguments: str, **options: float) -> nn.Module:
    with torch.device("meta"):
        return build(*arguments, **options)


def ours(name: str) -> tuple[Published, swinlib.SwinTransformer]:
    return find(name), on_meta(swinlib.create_model, name)


def without_name(entry: Published) -> Published:
    return replace(entry, name="", publishers=())


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_all_names_of_timm_are_known():
    assert set(names("timm")) == {*TIMM, *TIMM_TAGGED, *TIMM_OLD}


def test_all_names_of_torchvision_are_known():
    assert names("torchvision") == [name for name in torchvision.models.list_models() if name.startswith("swin_")]


@pytest.mark.one_in(7)
@pytest.mark.parametrize("name", TIMM)
def test_timm_builds_the_same(name):
    """Windows, shifts, widths, heads, windows of training, drop path: of each block. timm's own rate is 0.1 for all."""
    entry, model = ours(name)
    theirs = on_meta(timm.create_model, name, drop_path_rate=entry.drop_path_rate)
    assert (theirs.patch_embed.img_size, theirs.num_classes) == ((entry.image_size,) * 2, model.num_classes)
    assert parameters(theirs) == parameters(model)
    for i, (their_stage, stage) in enumerate(zip(theirs.layers, model.layers, strict=True)):
        side = entry.image_size // 4 // 2**i
        for their_block, block in zip(their_stage.blocks, stage.blocks, strict=True):
            shift = effective_shift(side, side, block.window_size, block.shift_size)
            assert (their_block.window_size, their_block.shift_size) == (block.window_size, shift)
            assert (their_block.attn.dim, their_block.attn.num_heads) == (block.attn.dim, block.attn.num_heads)
            drop = getattr(their_block.drop_path1, "drop_prob", 0.0)
            assert drop == pytest.approx(block.drop_path.drop_prob, abs=1e-6)
            if entry.version == 2:
                trained = their_block.attn.pretrained_window_size
                assert (trained if any(trained) else block.window_size) == model.pretrained_window_size[i]


@pytest.mark.parametrize("name", [*TIMM_TAGGED, *TIMM_OLD])
def test_a_tag_decides_on_the_head_alone(name):
    """And Microsoft's file, which timm's tag points to, is known as the same."""
    tagged = TIMM_OLD.get(name, name)
    entry, bare, config = find(name), find(tagged.split(".")[0]), timm.get_pretrained_cfg(tagged)
    assert entry.num_classes == config.num_classes
    assert config.input_size == (3, entry.image_size, entry.image_size)
    same = {"num_classes": bare.num_classes, "drop_path_rate": bare.drop_path_rate}
    assert without_name(replace(entry, **same)) == without_name(bare)
    if "s3" not in name:
        microsoft = find(PurePosixPath(config.url).name)
        assert "Microsoft" in microsoft.publishers
        assert without_name(microsoft) == without_name(entry)


@pytest.mark.parametrize("name", names("torchvision"))
def test_torchvision_builds_the_same(name):
    entry, model = ours(name)
    theirs = on_meta(torchvision.models.get_model, name)
    crop = torchvision.models.get_model_weights(name).DEFAULT.transforms().crop_size
    assert (crop, theirs.head.out_features) == ([entry.image_size], model.num_classes)
    for their_stage, stage in zip(theirs.features[1::2], model.layers, strict=True):
        for their_block, block in zip(their_stage, stage.blocks, strict=True):
            attention = their_block.attn
            assert (*attention.window_size, *attention.shift_size) == (*block.window_size, *block.shift_size)
            assert (attention.qkv.in_features, attention.num_heads) == (block.attn.dim, block.attn.num_heads)
            assert their_block.stochastic_depth.p == pytest.approx(block.drop_path.drop_prob, abs=1e-6)


# ---- the peers, narrow ---------------------------------------------------------------------------------------------

# All networks have heads in these proportions.
NARROW = {"embed_dim": 16, "num_heads": (1, 2, 4, 8)}


def build_timm(network: Published) -> nn.Module:
    """What timm has under its own name, narrower; for what it has not, its class."""
    if network.name in TIMM:
        return timm.create_model(network.name, num_classes=10, **NARROW)
    trained = {"pretrained_window_sizes": network.pretrained_windows} if network.pretrained_windows else {}
    return (SwinTransformer if network.version == 1 else SwinTransformerV2)(
        network.image_size,
        depths=network.depths,
        window_size=max(network.windows),
        num_classes=10,
        **NARROW,
        **trained,
    )


def build_huggingface(network: Published) -> nn.Module:
    """Its v2 makes windows smaller by itself. Its v1 has one window, so stages of several models are put together."""
    options = {"image_size": network.image_size, "depths": network.depths, "num_labels": 10, **NARROW}
    if network.version == 2:
        trained = network.pretrained_windows or (0, 0, 0, 0)
        config = transformers.Swinv2Config(window_size=max(network.windows), pretrained_window_sizes=trained, **options)
        return transformers.Swinv2ForImageClassification(config)

    def build(window: int) -> nn.Module:
        return transformers.SwinForImageClassification(transformers.SwinConfig(window_size=window, **options))

    return put_together(build, network.windows, lambda model: model.swin.encoder.layers, range(4))


def build_torchvision(network: Published) -> nn.Module:
    """It has one window too, and no windows of training."""
    v1 = network.version == 1

    def build(window: int) -> nn.Module:
        return swin_transformer.SwinTransformer(
            patch_size=[4, 4],
            depths=list(network.depths),
            window_size=[window, window],
            block=swin_transformer.SwinTransformerBlock if v1 else swin_transformer.SwinTransformerBlockV2,
            downsample_layer=swin_transformer.PatchMerging if v1 else swin_transformer.PatchMergingV2,
            num_classes=10,
            **NARROW,
        )

    return put_together(build, network.windows, lambda model: model.features, range(1, 8, 2))


def put_together(
    build: Callable[[int], nn.Module],
    windows: tuple[int, ...],
    stages: Callable[[nn.Module], nn.Module],
    places: Iterable[int],
) -> nn.Module:
    """A model each of whose stages is that of a model with the stage's window."""
    models = {window: build(window) for window in set(windows)}
    whole = models[max(windows)]
    for window, place in zip(windows, places, strict=True):
        stages(whole)[place] = stages(models[window])[place]
    return whole


BUILDERS = {"timm": build_timm, "huggingface": build_huggingface, "torchvision": build_torchvision}


# ---- equal logits --------------------------------------------------------------------------------------------------


def shape_of(network: Published) -> Shape:
    """What matters but for the width."""
    return network.version, network.depths, network.image_size, network.windows, network.pretrained_windows


def by_shape() -> dict[Shape, Published]:
    """A network of each shape, one that timm has if there is one."""
    return {shape_of(find(name)): find(name) for name in [*names(), *TIMM]}


CASES = [
    pytest.param(shape, peer, id=f"{network.name}-{peer}")
    for shape, network in by_shape().items()
    for peer in BUILDERS
    if peer != "torchvision" or network.pretrained_windows is None
]


@pytest.fixture(scope="module")
def differences() -> Iterator[dict[Shape, dict[str, float]]]:
    """Filled by the tests, and printed at their end, where ``-s`` shows it."""
    found: dict[Shape, dict[str, float]] = defaultdict(dict)
    yield found
    print("\n\n" + " | ".join(["name", "image", "windows", "trained with", *BUILDERS]))
    for network in map(find, names()):
        trained = network.pretrained_windows or network.windows
        row = [network.name, network.image_size, *(" ".join(map(str, each)) for each in (network.windows, trained))]
        errors = found.get(shape_of(network), {})
        row += [f"{errors[peer]:.1e}" if peer in errors else "-" for peer in BUILDERS]
        print(" | ".join(map(str, row)))


def test_heads_are_in_these_proportions():
    for network in map(find, names()):
        first = network.num_heads[0]
        assert network.num_heads == tuple(first * heads for heads in NARROW["num_heads"])


@pytest.mark.one_in(9)
@pytest.mark.parametrize(("shape", "peer"), CASES)
@torch.no_grad()
def test_logits_of_every_shape(shape, peer, randomise, images, assert_parity, differences):
    network = by_shape()[shape]
    theirs = randomise(BUILDERS[peer](network))
    model = swinlib.create_model(network.name, num_classes=10, **NARROW)
    report = load_checkpoint(model, theirs.state_dict())
    assert (report.layout, report.version, report.resized) == (peer, network.version, ())
    x = images(network.image_size, network.image_size, batch=1)
    logits, expected = model.eval()(x), theirs(x)
    expected = getattr(expected, "logits", expected)
    differences[shape][peer] = ((logits - expected).abs().max() / expected.abs().max()).item()
    assert_parity(logits, expected, 1e-5)


@pytest.mark.parametrize("peer", ["huggingface", "torchvision"])
@torch.no_grad()
def test_logits_of_v1_trained_at_160_pixels(peer, randomise, images, assert_parity):
    """The last map has 5 tokens on a side, and so has its window. The other maps are padded: timm rolls before that."""
    network = replace(find("swin_tiny_patch4_window7_224"), image_size=160, windows=(7, 7, 7, 5))
    theirs = randomise(BUILDERS[peer](network))
    model = swinlib.create_model(network.name, window_size=[7, 7, 7, 5], num_classes=10, **NARROW)
    assert load_checkpoint(model, theirs.state_dict()).resized == ()
    x = images(160, 160)
    expected = theirs(x)
    assert_parity(model.eval()(x), getattr(expected, "logits", expected), 1e-5)


@torch.no_grad()
def test_timm_s_weights_of_160_pixels_fit(randomise):
    """Its windows are these, too."""
    theirs = randomise(SwinTransformer(160, num_classes=10, **NARROW))
    assert [stage.blocks[0].window_size for stage in theirs.layers] == [(7, 7), (7, 7), (7, 7), (5, 5)]
    model = swinlib.create_model("swin_tiny_patch4_window7_224", window_size=[7, 7, 7, 5], num_classes=10, **NARROW)
    report = load_checkpoint(model, theirs.state_dict())
    assert (report.layout, report.resized, report.ignored) == ("timm", (), ())
