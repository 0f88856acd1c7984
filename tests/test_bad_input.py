"""Every mistake of a user is answered by an error that names the value, what was expected and what to do."""

import numpy as np
import pytest
import torch

import swinlib
from swinlib import (
    DropPath,
    PatchEmbed,
    PatchExpanding,
    PatchMerging,
    SwinStage,
    SwinTransformer,
    SwinTransformerBlock,
    SwinUNet,
    WindowAttention,
    WindowAttentionV2,
    cyclic_shift,
    depth_to_space,
    effective_shift,
    pad_to_windows,
    relative_coords_table,
    relative_position_index,
    shifted_window_mask,
    shifted_window_regions,
    space_to_depth,
    window_partition,
    window_reverse,
)

nan = float("nan")


def swin(**options):
    """A model so small that building it costs nothing."""
    return SwinTransformer(**{"embed_dim": 8, "depths": (1, 2), "num_heads": (1, 2), "window_size": 3, **options})


def feed(*shape, model=swin, dtype=torch.float32, **options):
    return model(**options)(torch.zeros(shape, dtype=dtype))


def unet(**options):
    return SwinUNet(swin(**options), 3)


def attend(*shape, mask=None, attention=WindowAttention):
    return attention(8, (2, 3), 2)(torch.zeros(shape), mask)


# id: (call, exception, the value, the expectation, the remedy or what belongs to it)
CASES = {
    # functions on windows
    "partition: three dimensions": (
        *(lambda: window_partition(torch.zeros(4, 6, 3), 2), ValueError),
        *("(4, 6, 3)", "(B, H, W, C)", "window_partition"),
    ),
    "partition: windows do not tile": (
        *(lambda: window_partition(torch.zeros(1, 5, 6, 3), 2), ValueError),
        *("5x6", "2x2", "pad_to_windows(x, 2)"),
    ),
    "partition: only the width does not tile": (
        *(lambda: window_partition(torch.zeros(1, 6, 5, 3), (3, 2)), ValueError),
        *("6x5", "3x2", "pad_to_windows(x, (3, 2))"),
    ),
    "reverse: windows of another size": (
        *(lambda: window_reverse(torch.zeros(4, 2, 3, 1), 2, 4, 4), ValueError),
        *("(4, 2, 3, 1)", "(B * nW, 2, 2, C)", "window_size 2"),
    ),
    "reverse: flattened windows": (
        *(lambda: window_reverse(torch.zeros(4, 4, 1), 2, 4, 4), ValueError),
        *("(4, 4, 1)", "(B * nW, 2, 2, C)", "window_size 2"),
    ),
    "reverse: wrong number of windows": (
        *(lambda: window_reverse(torch.zeros(5, 2, 2, 1), 2, 4, 4), ValueError),
        *("5 windows", "4x4", "height and width that were partitioned"),
    ),
    "reverse: size before padding": (
        *(lambda: window_reverse(torch.zeros(4, 2, 2, 1), 2, 3, 4), ValueError),
        *("3x4", "multiples of 2 and 2", "after padding"),
    ),
    "reverse: no map": (
        *(lambda: window_reverse(torch.zeros(4, 2, 2, 1), 2, 0, 4), ValueError),
        *("0x4", "multiples of 2 and 2", "height and width that were partitioned"),
    ),
    "shift: three dimensions": (
        *(lambda: cyclic_shift(torch.zeros(4, 6, 3), 1), ValueError),
        *("(4, 6, 3)", "(B, H, W, C)", "cyclic_shift"),
    ),
    "mask: windows do not tile": (
        *(lambda: shifted_window_mask(5, 6, 2, 1), ValueError),
        *("5x6", "2x2", "Pad it first"),
    ),
    "mask: shift by a whole window": (
        *(lambda: shifted_window_mask(4, 4, 2, 2), ValueError),
        *("shift_size 2", "smaller than the window", "window_size // 2"),
    ),
    "regions: shift too large along one side": (
        *(lambda: shifted_window_regions(8, 8, (4, 2), (3, 2)), ValueError),
        *("(3, 2)", "smaller than the window", "(4, 2)"),
    ),
    "effective shift: negative": (
        *(lambda: effective_shift(8, 8, 4, (0, -1)), ValueError),
        *("(0, -1)", "at least 0", "shift_size"),
    ),
    "index: window of nothing": (
        *(lambda: relative_position_index(0), ValueError),
        *("got 0", "at least 1", "window_size"),
    ),
    "coordinates: pretrained window of nothing": (
        *(lambda: relative_coords_table(4, (4, 0)), ValueError),
        *("(4, 0)", "at least 1", "pretrained_window_size"),
    ),
    # attention
    "attention: heads do not divide": (
        *(lambda: WindowAttention(64, 7, 5), ValueError),
        *("dim 64", "5 heads", "here 2 heads"),
    ),
    "attention: no heads": (
        *(lambda: WindowAttentionV2(64, 7, 0), ValueError),
        *("0 heads", "integer that divides dim", "here 2 heads"),
    ),
    "attention: a map instead of windows": (
        *(lambda: attend(4, 2, 3, 8), ValueError),
        *("(4, 2, 3, 8)", "(B * nW, 6, 8)", "window_partition(x, (2, 3)).flatten(1, 2)"),
    ),
    "attention: other windows": (
        *(lambda: attend(4, 4, 8), ValueError),
        *("(4, 4, 8)", "(B * nW, 6, 8)", "window_partition"),
    ),
    "attention: other channels": (
        *(lambda: attend(4, 6, 9, attention=WindowAttentionV2), ValueError),
        *("(4, 6, 9)", "(B * nW, 6, 8)", "window_partition"),
    ),
    "attention: mask of other windows": (
        *(lambda: attend(4, 6, 8, mask=torch.ones(2, 4, 4, dtype=torch.bool)), ValueError),
        *("(2, 4, 4)", "(nW, 6, 6)", "shifted_window_mask"),
    ),
    "attention: mask of another number of windows": (
        *(lambda: attend(4, 6, 8, mask=torch.ones(3, 6, 6, dtype=torch.bool)), ValueError),
        *("(3, 6, 6)", "nW dividing 4", "shifted_window_mask"),
    ),
    "attention: mask without windows": (
        *(lambda: attend(4, 6, 8, mask=torch.ones(6, 6, dtype=torch.bool)), ValueError),
        *("(6, 6)", "(nW, 6, 6)", "shifted_window_mask"),
    ),
    # blocks and stages
    "block: shift by a whole window": (
        *(lambda: SwinTransformerBlock(8, 2, 4, 4), ValueError),
        *("shift_size 4", "smaller than the window", "window_size // 2"),
    ),
    "drop path: rate 1": (lambda: DropPath(1.0), ValueError, "got 1.0", "[0, 1)", "drop-path rate"),
    "drop path: no number": (lambda: DropPath(nan), ValueError, "got nan", "[0, 1)", "drop-path rate"),
    "stage: no blocks": (
        *(lambda: SwinStage(8, 0, 2), ValueError),
        *("depth=0", "at least one block", "one drop-path rate for each"),
    ),
    "stage: rates of another depth": (
        *(lambda: SwinStage(8, 2, 2, drop_path=[0.1]), ValueError),
        *("drop_path=[0.1]", "depth=2", "one drop-path rate for each"),
    ),
    # resampling
    "patches: image without batch": (
        *(lambda: PatchEmbed()(torch.zeros(3, 8, 8)), ValueError),
        *("(3, 8, 8)", "(B, 3, H, W)", "x.unsqueeze(0)"),
    ),
    "patches: two dimensions": (
        *(lambda: PatchEmbed()(torch.zeros(8, 8)), ValueError),
        *("(8, 8)", "(B, 3, H, W)", "expected images"),
    ),
    "patches: of nothing": (
        *(lambda: PatchEmbed((4, 0)), ValueError),
        *("(4, 0)", "at least 1", "patch_size"),
    ),
    "expanding: scale 0": (lambda: PatchExpanding(8, 0), ValueError, "got 0", "positive integer", "scale"),
    "expanding: scale does not divide": (
        *(lambda: PatchExpanding(9, 2), ValueError),
        *("dim 9", "divisible by scale 2", "give out_dim"),
    ),
    # the model's input
    "image without batch": (lambda: feed(3, 8, 8), ValueError, "(3, 8, 8)", "(B, 3, H, W)", "x.unsqueeze(0)"),
    "five dimensions": (lambda: feed(1, 1, 3, 8, 8), ValueError, "(1, 1, 3, 8, 8)", "(B, 3, H, W)", "expected images"),
    "grey image": (lambda: feed(1, 1, 8, 8), ValueError, "(1, 1, 8, 8)", "3 channels", "in_channels=1"),
    "channels last": (lambda: feed(1, 8, 8, 3), ValueError, "(1, 8, 8, 3)", "3 channels", "x.permute(0, 3, 1, 2)"),
    "image smaller than a patch": (
        lambda: feed(1, 3, 8, 3),
        ValueError,
        "8x3",
        "one patch of 4x4",
        "Enlarge the image",
    ),
    "image without pixels": (lambda: feed(1, 3, 0, 0), ValueError, "0x0", "one patch of 4x4", "smaller patch_size"),
    "bytes": (
        *(lambda: feed(1, 3, 8, 8, dtype=torch.uint8), TypeError),
        *("torch.uint8", "floating-point", "x.float() / 255"),
    ),
    "complex numbers": (
        *(lambda: feed(1, 3, 8, 8, dtype=torch.complex64), TypeError),
        *("torch.complex64", "floating-point", "Convert"),
    ),
    # the model's arguments
    "depths and heads of unequal length": (
        *(lambda: swin(depths=(2, 2, 2)), ValueError),
        *("depths=(2, 2, 2) has 3", "num_heads=(1, 2) has 2", "one entry for each stage"),
    ),
    "no stages": (
        *(lambda: swin(depths=(), num_heads=()), ValueError),
        *("()", "one for each stage", "depths"),
    ),
    "stage without blocks": (lambda: swin(depths=(2, 0)), ValueError, "(2, 0)", "positive integers", "depths"),
    "depth that is no integer": (lambda: swin(depths=(2, 2.0)), ValueError, "(2, 2.0)", "positive integers", "depths"),
    "depths as text": (lambda: swin(depths="22"), ValueError, "'22'", "positive integers", "depths"),
    "negative heads": (lambda: swin(num_heads=(1, -2)), ValueError, "(1, -2)", "positive integers", "num_heads"),
    "no width": (lambda: swin(embed_dim=0), ValueError, "0", "positive integers", "embed_dim"),
    "no channels": (lambda: swin(in_channels=0), ValueError, "0", "positive integers", "in_channels"),
    "heads do not divide the second stage": (
        *(lambda: swin(num_heads=(1, 3)), ValueError),
        *("stage 2 has 16 channels", "3 heads do not divide", "32 channels for a head"),
    ),
    "negative classes": (lambda: swin(num_classes=-1), ValueError, "-1", "positive integer", "0 for no head"),
    "classes None": (lambda: swin(num_classes=None), ValueError, "None", "positive integer", "0 for no head"),
    "drop-path rate 1": (lambda: swin(drop_path_rate=1.0), ValueError, "1.0", "[0, 1)", "drop_path_rate"),
    "negative drop-path rate": (lambda: swin(drop_path_rate=-0.1), ValueError, "-0.1", "[0, 1)", "drop_path_rate"),
    "dropout above 1": (lambda: swin(dropout=1.5), ValueError, "1.5", "between 0 and 1", "dropout"),
    "version 3": (lambda: swin(version=3), ValueError, "got 3", "1 or 2", "version"),
    "version as text": (lambda: swin(version="2"), ValueError, "got '2'", "1 or 2", "version"),
    "shift by a whole window": (
        *(lambda: swin(shift_size=3), ValueError),
        *("shift_size 3", "smaller than the window", "window_size // 2"),
    ),
    "published size, shift that does not fit": (
        *(lambda: swinlib.swin_t(shift_size=7), ValueError),
        *("shift_size 7", "window_size 7", "window_size // 2"),
    ),
    # segmentation
    "decoder of other depth": (
        *(lambda: SwinUNet(swin(), 3, (2, 2)), ValueError),
        *("decoder_depths=(2, 2)", "1 decoder stages", "2 stages"),
    ),
    "decoder stage without blocks": (
        *(lambda: SwinUNet(swin(), 3, (0,)), ValueError),
        *("depth=0", "at least one block", "stage"),
    ),
    "pixels without classes": (lambda: SwinUNet(swin(), 0), ValueError, "got 0", "positive integer", "num_classes"),
    "rectangular patches": (
        *(lambda: SwinUNet(swin(patch_size=(2, 4)), 3), ValueError),
        *("(2, 4)", "square patches", "patch_size"),
    ),
}

CASES |= {
    "pretrained_window_size 0": (
        *(lambda: swin(version=2, pretrained_window_size=0), ValueError),
        *("pretrained_window_size", "at least 1", "got 0"),
    ),
    "pretrained_window_size in version 1": (
        *(lambda: swin(pretrained_window_size=8), ValueError),
        *("pretrained_window_size=8", "version 2", "Leave it out"),
    ),
    "a window too few": (
        *(lambda: swin(window_size=[3]), ValueError),
        *("window_size as a list", "got 1 for 2 stages", "[3]"),
    ),
    "a list that was meant as a pair": (
        *(lambda: SwinTransformer(8, (1, 1, 1), (1, 2, 4), window_size=[3, 5]), ValueError),
        *("got 2 for 3 stages", "a tuple", "window_size=(3, 5)"),
    ),
    "a tuple that was meant as a list": (
        *(lambda: SwinTransformer(8, (1, 1, 1), (1, 2, 4), window_size=(4, 4, 2)), ValueError),
        *("got (4, 4, 2)", "a list", "window_size=[4, 4, 2]"),
    ),
    "a bad window in a list": (
        *(lambda: swin(window_size=[3, 0]), ValueError),
        *("window_size[1]", "at least 1", "got 0"),
    ),
    "a shift that does not fit the window of one stage": (
        *(lambda: swin(window_size=[3, 2], shift_size=2), ValueError),
        *("shift_size 2", "window_size 2", "smaller than the window"),
    ),
    "an array for the depths": (
        *(lambda: swin(depths=np.array([1, 2])), ValueError),
        *("depths", "in a tuple", "array([1, 2])"),
    ),
}

# Each wherever a size is taken.
for value in (0, -1, 2.0, "7", None, True, (3,), (3, 3, 3), (3, 0), (3, 3.0), (True, True), torch.tensor(3), range(2)):
    got = repr(value)
    CASES |= {
        f"window_size {got}": (
            *(lambda value=value: swin(window_size=value), ValueError),
            *(f"got {got}", "at least 1", "pair (height, width)"),
        ),
        f"partition, window_size {got}": (
            *(lambda value=value: window_partition(torch.zeros(1, 6, 6, 1), value), ValueError),
            *(f"got {got}", "at least 1", "pair (height, width)"),
        ),
        f"patch_size {got}": (
            *(lambda value=value: swin(patch_size=value), ValueError),
            *(f"got {got}", "at least 1", "patch_size"),
        ),
    }
for value in (-1, 1.0, "1", False, (1,), (1, -1)):
    CASES |= {
        f"shift_size {value!r}": (
            *(lambda value=value: swin(shift_size=value), ValueError),
            *(f"got {value!r}", "at least 0", "shift_size"),
        ),
        f"roll, shift_size {value!r}": (
            *(lambda value=value: cyclic_shift(torch.zeros(1, 4, 4, 1), value), ValueError),
            *(f"got {value!r}", "at least 0", "shift_size"),
        ),
    }


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_mistake_is_named_and_its_remedy_too(case):
    call, exception, value, expectation, remedy = case
    with pytest.raises(exception) as raised:
        call()
    assert type(raised.value) is exception
    for part in (value, expectation, remedy):
        assert part in str(raised.value)
    assert str(raised.value).endswith(".") or "dropout probability" in str(raised.value)  # the latter is PyTorch's own


# Mistakes that torch would name by what went wrong deep inside: (call, exceptions, parts of the message).
DEEP = {
    "padding: three dimensions are padded along W and C": (
        *(lambda: pad_to_windows(torch.zeros(5, 5, 3), 2), ValueError),
        *("(5, 5, 3)", "(B, H, W, C)"),
    ),
    "padding: two dimensions": (
        *(lambda: pad_to_windows(torch.zeros(5, 5), 2), ValueError),
        *("(5, 5)", "(B, H, W, C)"),
    ),
    "block: map without batch is padded first, and named by its padded shape": (
        *(lambda: SwinTransformerBlock(8, 2, 3, 1)(torch.zeros(5, 5, 8)), ValueError),
        *("(5, 5, 8)", "(B, H, W, 8)"),
    ),
    "block: an NCHW map": (
        *(lambda: SwinTransformerBlock(8, 2, 3, 1)(torch.zeros(1, 8, 5, 5)), ValueError),
        *("(1, 8, 5, 5)", "(B, H, W, 8)"),
    ),
    "attention: additive mask": (
        *(lambda: attend(4, 6, 8, mask=torch.zeros(4, 6, 6)), (TypeError, ValueError)),
        *("torch.float32", "torch.bool", "additive"),
    ),
    "attention: mask of integers": (
        *(lambda: attend(4, 6, 8, mask=torch.ones(4, 6, 6, dtype=torch.uint8)), (TypeError, ValueError)),
        *("torch.uint8", "torch.bool"),
    ),
    "attention: mask of no windows": (
        *(lambda: attend(4, 6, 8, mask=torch.ones(0, 6, 6, dtype=torch.bool)), ValueError),
        *("(0, 6, 6)", "nW"),
    ),
    "attention: heads no integer": (lambda: WindowAttention(8, 3, 2.0), (TypeError, ValueError), "2.0", "num_heads"),
    "reverse: negative sides": (
        *(lambda: window_reverse(torch.zeros(4, 2, 2, 1), 2, -2, -2), ValueError),
        *("-2x-2",),
    ),
    "mask: negative side": (lambda: shifted_window_mask(-4, 4, 2, 1), ValueError, "-4"),
    "mask: additive, of integers": (
        *(lambda: shifted_window_mask(4, 4, 2, 1, additive=True, dtype=torch.int64), (TypeError, ValueError)),
        *("torch.int64", "floating"),
    ),
    "mask: additive, of booleans, comes out wrong": (
        *(lambda: shifted_window_mask(4, 4, 2, 1, additive=True, dtype=torch.bool), (TypeError, ValueError)),
        *("torch.bool", "floating"),
    ),
    "gather: three dimensions": (lambda: space_to_depth(torch.zeros(4, 4, 3)), ValueError, "(4, 4, 3)", "(B, H, W, C)"),
    "merging: other channels": (
        *(lambda: PatchMerging(8)(torch.zeros(1, 4, 4, 4)), ValueError),
        *("(1, 4, 4, 4)", "(B, H, W, 8)"),
    ),
    "scatter: channels do not divide": (
        *(lambda: depth_to_space(torch.zeros(1, 2, 2, 6), 2), ValueError),
        *("(1, 2, 2, 6)", "4"),
    ),
    "expanding: three dimensions": (
        *(lambda: PatchExpanding(8)(torch.zeros(2, 2, 8)), ValueError),
        *("(2, 2, 8)", "(B, H, W, 8)"),
    ),
    "expanding: other channels": (
        *(lambda: PatchExpanding(8)(torch.zeros(1, 2, 2, 4)), ValueError),
        *("(1, 2, 2, 4)", "(B, H, W, 8)"),
    ),
    "expanding: to nothing": (lambda: PatchExpanding(8, 2, 0), ValueError, "0", "out_dim"),
    "segmentation: image without batch is named by its padded shape": (
        *(lambda: feed(3, 10, 9, model=unet), ValueError),
        *("(3, 10, 9)", "(B, 3, H, W)", "x.unsqueeze(0)"),
    ),
    "segmentation: padding hides that the image is channels-last": (
        *(lambda: feed(1, 10, 9, 3, model=unet), ValueError),
        *("(1, 10, 9, 3)", "(B, 3, H, W)", "x.permute(0, 3, 1, 2)"),
    ),
    "segmentation: one dimension": (lambda: feed(3, model=unet), ValueError, "(3,)", "(B, 3, H, W)"),
    "segmentation: no encoder": (
        *(lambda: SwinUNet(torch.nn.Linear(2, 2), 3), (TypeError, ValueError)),
        *("Linear", "SwinTransformer"),
    ),
    "segmentation: depths one number": (
        *(lambda: SwinUNet(swin(), 3, 2), (TypeError, ValueError)),
        *("2", "decoder_depths"),
    ),
    "depths None": (lambda: swin(depths=None), (TypeError, ValueError), "None", "depths"),
    "depths one number": (lambda: swin(depths=2), (TypeError, ValueError), "2", "depths"),
    "depths a tensor": (lambda: swin(depths=torch.tensor([1, 2])), (TypeError, ValueError), "tensor", "depths"),
    "heads one number": (lambda: swin(num_heads=2), (TypeError, ValueError), "2", "num_heads"),
    "depths True": (lambda: swin(depths=(True, True)), (TypeError, ValueError), "True", "depths"),
    "classes True": (lambda: swin(num_classes=True), (TypeError, ValueError), "True", "num_classes"),
    "version True": (lambda: swin(version=True), ValueError, "True", "1 or 2"),
    "drop-path rate None": (lambda: swin(drop_path_rate=None), (TypeError, ValueError), "None", "drop_path_rate"),
    "drop-path rate text": (lambda: swin(drop_path_rate="0.1"), (TypeError, ValueError), "'0.1'", "drop_path_rate"),
    "mlp ratio negative": (lambda: swin(mlp_ratio=-1.0), ValueError, "-1.0", "mlp_ratio"),
    "mlp without hidden units": (lambda: swin(mlp_ratio=0.0), ValueError, "0.0", "mlp_ratio"),
    "stage of one block, shift that does not fit": (
        *(lambda: SwinStage(8, 1, 2, 3, shift_size=99), ValueError),
        *("99", "smaller than the window"),
    ),
    "image no tensor": (lambda: swin()([[1.0]]), TypeError, "list", "tensor"),
}


@pytest.mark.parametrize("case", DEEP.values(), ids=DEEP.keys())
def test_a_mistake_is_named_before_torch_meets_it(case):
    call, exceptions, *parts = case
    with pytest.raises(exceptions) as raised:
        call()
    for part in parts:
        assert part in str(raised.value)


def test_refusing_an_image_changes_nothing():
    model = swin().eval()
    x = torch.randn(1, 3, 20, 24)
    before = model(x)
    for wrong in (torch.zeros(3, 8, 8), torch.zeros(1, 1, 8, 8), torch.zeros(1, 3, 2, 2)):
        with pytest.raises(ValueError, match="image"):
            model(wrong)
    assert torch.equal(model(x), before)
