"""``swinlib.exporting``: what an export keeps is what the library computes, at sizes it was not traced at."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import swinlib
from swinlib import SwinTransformerBlock, SwinTransformerBlockV2, exporting

sides = st.integers(1, 9)
FREE = torch.export.Dim.DYNAMIC
SHAPES = {"x": {0: FREE, 2: FREE, 3: FREE}}

# Patches of 2, windows of 4 in the first stage and of 3 in the second: 24 pixels are 3 and 2 whole windows
TRACED_AT = {"several windows": (2, 24, 24), "everything padded": (3, 21, 37), "one window, batch of one": (1, 6, 5)}
RUN_AT = {
    "nothing padded": (2, 48, 24),
    "both sides padded": (2, 22, 34),
    "odd patches": (3, 15, 27),
    "a rest under one patch": (2, 49, 25),
    "batch of one": (1, 40, 26),
    "one side within one window": (2, 8, 40),
    "the other side": (2, 40, 5),
    "all within one window": (2, 6, 6),
    "one patch": (1, 2, 2),
}


def images(batch, height, width, seed=1):
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))


# --- the same numbers, without a trace ---------------------------------------------------------------------------


@settings(max_examples=15)
@given(height=sides, width=sides, window=st.tuples(st.integers(1, 4), st.integers(1, 4)), shifted=st.booleans())
@example(height=7, width=8, window=(3, 3), shifted=True)
@example(height=3, width=8, window=(3, 2), shifted=True)
def test_windows_by_index_are_windows_by_roll(randomise, height, width, window, shifted):
    shift = tuple(side // 2 for side in window) if shifted else 0
    for block_class in (SwinTransformerBlock, SwinTransformerBlockV2):
        block = randomise(block_class(4, 2, window, shift)).double().eval()
        x = torch.randn(2, height, width, 4, dtype=torch.float64)
        mask = exporting.shifted_window_mask(block, x)
        by_index = exporting.shifted_window_attention(block, x, mask)
        torch.testing.assert_close(by_index, block.shifted_window_attention(x))
        if block.mask(x) is not None:
            assert torch.equal(mask, block.mask(x))
        else:
            assert mask is None or mask.all()


@settings(max_examples=15)
@given(height=sides, width=sides, window=st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_padding_and_merging_by_index_are_those_by_slices(height, width, window):
    x = torch.randn(2, height, width, 3)
    assert torch.equal(exporting.pad_to_windows(x, window), swinlib.pad_to_windows(x, window))
    assert torch.equal(exporting.space_to_depth(x), swinlib.space_to_depth(x))


# --- traced ------------------------------------------------------------------------------------------------------


def sizes_that_differ(run, model):
    """Run what was exported at each size of ``RUN_AT``; the greatest difference at those where it is over 1e-4."""
    differences = {}
    for name, size in RUN_AT.items():
        x = images(*size)
        with torch.no_grad():
            differences[name] = np.abs(run(x) - model(x).numpy()).max()
    print({name: f"{difference:.0e}" for name, difference in differences.items()})
    return {name: difference for name, difference in differences.items() if not difference < 1e-4}


@pytest.fixture
def to_onnx(tmp_path):
    """``to_onnx(model, x)``: a function that runs the model in onnxruntime."""
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")

    def export(model, x):
        path = tmp_path / "swin.onnx"
        torch.onnx.export(model, (x,), path, dynamic_shapes=SHAPES, verbose=False)
        session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return lambda images: session.run(None, {"x": images.numpy()})[0]

    return export


@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "traced_at"), [*((1, name) for name in TRACED_AT), (2, "everything padded")], ids=str
)
def test_onnxruntime_agrees_at_sizes_it_was_not_traced_at(version, traced_at, tiny_swin, to_onnx):
    model = tiny_swin(version, depths=(2, 1), window_size=[4, 3], dtype=torch.float32)
    assert not sizes_that_differ(to_onnx(model, images(*TRACED_AT[traced_at])), model)


@pytest.mark.slow
def test_onnxruntime_agrees_on_a_network_for_segmentation(tiny_swin, to_onnx, randomise):
    encoder = tiny_swin(depths=(2, 1), window_size=3, dtype=torch.float32)
    unet = randomise(swinlib.SwinUNet(encoder, num_classes=3, decoder_depths=(1,))).eval()
    assert not sizes_that_differ(to_onnx(unet, images(2, 24, 24)), unet)


@pytest.mark.slow
def test_an_exported_program_agrees_at_sizes_it_was_not_traced_at(tiny_swin):
    model = tiny_swin(depths=(2, 1), window_size=[4, 3], dtype=torch.float32)
    with torch.fx.experimental._config.patch(backed_size_oblivious=True):
        program = torch.export.export(model, (images(1, 6, 5),), dynamic_shapes=SHAPES).module()
    assert not sizes_that_differ(lambda x: program(x).numpy(), model)


# --- what cannot be exported says so -----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore:.*is deprecated:FutureWarning")
def test_a_trace_of_one_size_is_refused(tiny_swin):
    with pytest.raises(RuntimeError, match=r"would keep the padding, shift and mask .* Use torch\.export\.export"):
        torch.jit.trace(tiny_swin(dtype=torch.float32), images(1, 24, 24))


class AsksForASize(torch.nn.Module):
    def forward(self, x):
        return x * swinlib.effective_shift(x.shape[1], x.shape[2], 4, 2)[0]


def test_a_shift_that_depends_on_a_free_size_is_refused():
    with pytest.raises(RuntimeError, match="effective_shift asks whether a window covers the map"):
        torch.export.export(AsksForASize(), (torch.ones(2, 8, 8, 3),), dynamic_shapes={"x": {1: FREE, 2: FREE}})
    x = torch.ones(2, 8, 8, 3)
    assert torch.equal(torch.export.export(AsksForASize(), (x,)).module()(x), 2 * x)  # which keeps this one size
