"""Reading and writing checkpoints, on models that are tiny. The comparisons with other libraries are in ``peers``."""

import argparse
import copy
import pickle
import re
import sys
import urllib.error

import pytest
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from loading import LAYOUTS, VERSIONS, assert_equal, build, refused, snapshot
from safetensors.torch import save_file
from torch import nn

import swinlib
from swinlib.checkpoints import (
    CheckpointError,
    export_state_dict,
    load_checkpoint,
    load_torchvision_weights,
    resize_position_bias_table,
)

# ---- round trips ----------------------------------------------------------------------------------------------------


@pytest.mark.one_in(6)
@VERSIONS
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("form", ["dict", "torch", "safetensors"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_classes": 0},
        {"qkv_bias": False},
        {"depths": (2,), "num_heads": (2,)},
        {"depths": (1, 1, 2), "num_heads": (1, 2, 4), "in_channels": 1, "mlp_ratio": 2.0},
    ],
    ids=["usual", "no head", "no qkv bias", "one stage", "three stages"],
)
def test_round_trip(version, layout, form, options, tmp_path):
    """From a model to a checkpoint, to a file, to another model: bit for bit."""
    model, other = build(version, **options), build(version, seed=1, **options)
    checkpoint = export_state_dict(model, layout)
    if form == "torch":
        torch.save(checkpoint, tmp_path / "swin.pth")
        checkpoint = tmp_path / "swin.pth"
    elif form == "safetensors":
        save_file(checkpoint, tmp_path / "swin.safetensors")
        checkpoint = str(tmp_path / "swin.safetensors")
    report = load_checkpoint(other, checkpoint)
    assert_equal(dict(other.state_dict()), dict(model.state_dict()))
    x = torch.randn(1, options.get("in_channels", 3), 40, 24)
    assert torch.equal(other(x), model(x))
    assert (report.layout, report.version) == (layout, version)
    assert set(report.loaded) == model.state_dict().keys()
    assert report.resized == ()


@VERSIONS
def test_export_gives_copies(version):
    model = build(version)
    before = snapshot(model)
    for layout in LAYOUTS:
        for tensor in export_state_dict(model, layout).values():
            tensor.zero_()
    assert_equal(snapshot(model), before)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("wrap", ["model", "state_dict", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model."])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_wrappers_and_prefixes(wrap, prefix, layout):
    model, other = build(), build(seed=1)
    tensors = {prefix + name: tensor for name, tensor in export_state_dict(model, layout).items()}
    assert load_checkpoint(other, {"epoch": 7, wrap: tensors}).layout == layout
    assert_equal(snapshot(other), snapshot(model))


def test_old_names_of_huggingface():
    """Swin v1 before transformers 5, index buffers and all; with the prefix and without."""
    model = build()
    old = {}
    for name, tensor in export_state_dict(model, "huggingface").items():
        for new, before in (
            ("attention.q_proj", "attention.self.query"),
            ("attention.k_proj", "attention.self.key"),
            ("attention.v_proj", "attention.self.value"),
            ("attention.o_proj", "attention.output.dense"),
            ("attention.relative_position_bias.", "attention.self."),
            ("mlp.fc1", "intermediate.dense"),
            ("mlp.fc2", "output.dense"),
        ):
            name = name.replace(new, before)
        old[name] = tensor
        if name.endswith("bias_table"):
            old[name.replace("bias_table", "index")] = torch.zeros(16, 16, dtype=torch.int64)
    assert "swin.encoder.layers.1.blocks.2.attention.self.relative_position_index" in old
    for prefix in ("swin.", ""):
        other = build(seed=1)
        report = load_checkpoint(other, {name.replace("swin.", prefix): tensor for name, tensor in old.items()})
        assert report.layout == "huggingface"
        assert len(report.ignored) == 5
        assert_equal(snapshot(other), snapshot(model))


def test_types_and_devices_are_the_models():
    """The checkpoint's dtype is left behind, and a model from the meta device works after loading."""
    model = build(2).double()
    with torch.device("meta"):
        other = build(2).double()
    assert "to_empty" in refused_on_meta(other, model)
    other.to_empty(device="cpu")
    load_checkpoint(other, {name: tensor.float() for name, tensor in export_state_dict(model, "timm").items()})
    assert {tensor.dtype for tensor in other.state_dict().values()} == {torch.float64}
    x = torch.randn(1, 3, 32, 48, dtype=torch.float64)
    assert torch.allclose(other.eval()(x), model(x), atol=1e-5)

    half = build().bfloat16()
    load_checkpoint(half, build(seed=3, window_size=7).state_dict())
    assert {tensor.dtype for tensor in half.state_dict().values()} == {torch.bfloat16}


def refused_on_meta(model, source):
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(model, source.state_dict())
    return str(error.value)


# ---- another window -------------------------------------------------------------------------------------------------

SIDE = st.integers(1, 9)


@given(SIDE, SIDE, SIDE, SIDE, st.integers(1, 3))
def test_resizing_a_table(sh, sw, th, tw, heads):
    table = torch.randn((2 * sh - 1) * (2 * sw - 1), heads)
    assert torch.equal(resize_position_bias_table(table, (sh, sw), (sh, sw)), table)
    resized = resize_position_bias_table(table, (sh, sw), (th, tw))
    for head in range(heads):  # each head by itself, as an image of offsets
        image = table[:, head].reshape(1, 1, 2 * sh - 1, 2 * sw - 1)
        image = image if (sh, sw) == (th, tw) else F.interpolate(image, (2 * th - 1, 2 * tw - 1), mode="bicubic")
        assert torch.equal(resized[:, head], image.flatten())
    upside_down = resize_position_bias_table(table.flip(0), (sh, sw), (th, tw))
    assert torch.allclose(upside_down, resized.flip(0), atol=1e-5), "the sign of the offsets"


def test_table_of_another_window_is_refused():
    with pytest.raises(CheckpointError, match=r"window of 7x7 has a table of shape \(169, heads\), got \(225, 3\)"):
        resize_position_bias_table(torch.zeros(225, 3), 7, 8)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("window", [4, 7, (3, 5)], ids=str)
def test_loading_resizes_tables(layout, window):
    trained, other = build(), build(seed=1, window_size=window)
    report = load_checkpoint(other, export_state_dict(trained, layout))
    state, names = trained.state_dict(), []
    for key, tensor in other.state_dict().items():
        if key.endswith("bias_table"):
            names.append(key.removesuffix(".relative_position_bias_table"))
            assert torch.equal(tensor, resize_position_bias_table(state[key], 4, window))
        else:
            assert torch.equal(tensor, state[key])
    new = other.window_size[0]
    assert report.resized == (() if window == 4 else tuple((name, (4, 4), new) for name in names))
    assert ("build this one with window_size=4" in str(report)) == (window != 4)
    assert ("5 blocks: tables resized, bicubic, from windows of 4x4 to" in str(report)) == (window != 4)


def test_tables_that_are_not_square():
    trained, other = build(window_size=(3, 5)), build(seed=1, window_size=(5, 3))
    load_checkpoint(other, trained.state_dict(), pretrained_window_size=(3, 5))
    key = "layers.0.blocks.0.attn.relative_position_bias_table"
    assert torch.equal(other.state_dict()[key], resize_position_bias_table(trained.state_dict()[key], (3, 5), (5, 3)))
    assert "(45, 1) instead of (49, 1)" in refused(build(), trained.state_dict())
    assert "(45, 1) instead of (25, 1)" in refused(build(), trained.state_dict(), pretrained_window_size=3)


SHOWING = pytest.mark.parametrize("layout", ["microsoft", "torchvision", "openmmlab"])  # v2's coordinates are saved


@SHOWING
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("trained_with", [2, 4, 8, 12, 16])
@pytest.mark.slow
def test_coordinates_have_the_scale_that_the_model_was_built_with(layout, dtype, trained_with):
    """v2 checkpoints with coordinates show the window of training, and a larger window extrapolates from it."""
    trained = build(2, window_size=trained_with)
    other = build(2, seed=1, window_size=6, pretrained_window_size=trained_with)
    report = load_checkpoint(other, export_state_dict(trained.to(dtype), layout))
    for module in other.modules():
        if isinstance(module, swinlib.WindowAttentionV2):
            assert torch.equal(module.relative_coords_table, swinlib.relative_coords_table(6, trained_with))
    assert report.trained_windows == report.file_windows == ((trained_with,) * 2,) * 2
    assert report.window_known
    assert f"build this one with window_size={trained_with}" in str(report)
    # and once more through a file of the model with its other window
    again = build(2, seed=2, window_size=6, pretrained_window_size=trained_with)
    load_checkpoint(again, export_state_dict(other, layout, image_size=48 if layout == "microsoft" else None))
    assert_equal(snapshot(again), snapshot(other))


@SHOWING
def test_coordinates_of_another_scale_are_refused(layout):
    exported = export_state_dict(build(2), layout)
    told = refused(build(2, window_size=6), exported)
    assert "trained with windows of 4" in told
    assert "Build it with pretrained_window_size=4, or like the checkpoint's own with window_size=4" in told
    told = refused(build(2, window_size=[4, 6]), exported)
    assert "have the scale of windows of [4, 6]" in told
    # the argument counts more than what the file shows, and the report says so
    other = build(2, window_size=6)
    report = load_checkpoint(other, exported, pretrained_window_size=6)
    assert "shows windows of 4; pretrained_window_size says 6" in str(report)
    assert "scale of windows of 6" in refused(other, exported, pretrained_window_size=5)


@pytest.mark.parametrize("layout", ["timm", "huggingface", "swinlib", "timm_features"])
def test_coordinates_of_an_unknown_scale(layout):
    trained, other = build(2), build(2, seed=1, window_size=8)
    report = load_checkpoint(other, export_state_dict(trained, layout))
    assert not report.window_known
    assert "taken to be the model's, 8." in str(report)
    assert "Build it with pretrained_window_size=4." in refused(
        other, export_state_dict(trained, layout), pretrained_window_size=4
    )
    other = build(2, seed=1, window_size=8, pretrained_window_size=4)
    report = load_checkpoint(other, export_state_dict(trained, layout), pretrained_window_size=[4, 4])
    assert report.window_known
    assert torch.equal(other.layers[0].blocks[0].attn.relative_coords_table, swinlib.relative_coords_table(8, 4))


@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), 0.0, -1.0, 1e30])
def test_coordinates_that_are_garbage(garbage):
    """Buffers are garbage where a model was saved that came from the meta device and was never given its buffers."""
    exported = export_state_dict(build(2), "torchvision")
    for name, tensor in exported.items():
        if name.endswith("coords_table"):
            tensor.fill_(garbage)
    assert not load_checkpoint(build(2, seed=1), exported).window_known


# ---- windows by stage ----------------------------------------------------------------------------------------------


@VERSIONS
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("windows", [[4, 2], [(2, 4), 3]], ids=str)
def test_windows_by_stage_survive_every_layout(version, layout, windows):
    options = {"window_size": windows} | ({"pretrained_window_size": [3, 2]} if version == 2 else {})
    model, other = build(version, **options), build(version, seed=1, **options)
    if layout == "microsoft" and windows != [4, 2]:
        with pytest.raises(CheckpointError, match=r"square windows and patches, the model has \[\(2, 4\), 3\]"):
            export_state_dict(model, layout)
        return
    report = load_checkpoint(other, export_state_dict(model, layout))
    assert_equal(snapshot(other), snapshot(model))
    assert report.resized == ()
    assert "are not the checkpoint" not in str(report)


@pytest.mark.parametrize("layout", ["microsoft", "torchvision", "openmmlab"])
@pytest.mark.parametrize("version", [1, 2])
def test_windows_are_read_off_the_file_stage_by_stage(version, layout):
    """A model with one window for all is told of the smaller one; v2 would compute wrongly, and is refused."""
    exported = export_state_dict(build(version, window_size=[4, 2]), layout)
    other = build(version, seed=1, window_size=4)
    if version == 2:
        assert "or like the checkpoint's own with window_size=[4, 2]" in refused(other, exported)
    else:
        report = load_checkpoint(other, exported)
        assert {change[1:] for change in report.resized} == {((2, 2), (4, 4))}
        assert "Position bias of 3 blocks" in str(report)
        assert "build this one with window_size=[4, 2]" in str(report)


@pytest.mark.parametrize("layout", ["microsoft", "torchvision", "openmmlab"])
def test_an_index_shows_a_window_that_is_not_square(layout):
    """45 rows of a table are 3x5 or 5x3; the index says which."""
    exported = export_state_dict(build(window_size=(3, 5)), layout) if layout != "microsoft" else None
    if exported is None:
        model = build(window_size=(3, 5))
        exported = dict(model.state_dict()) | {n: b for n, b in model.named_buffers() if n.endswith("index")}
    other = build(seed=1, window_size=(5, 3))
    report = load_checkpoint(other, exported)
    assert {change[1:] for change in report.resized} == {((3, 5), (5, 3))}


@VERSIONS
def test_what_a_built_model_computes_survives_its_state_dict(version):
    """No hidden state: a model built with the same arguments computes the same from the weights alone."""
    options = {"window_size": [6, 4]} | ({"pretrained_window_size": [3, (4, 2)]} if version == 2 else {})
    model, again = build(version, **options), build(version, seed=1, **options)
    load_checkpoint(model, export_state_dict(build(version, seed=2, **options), "torchvision"))
    x = torch.randn(1, 3, 40, 56)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(x), model(x))
    assert set(model.state_dict()) == {name for name, _ in model.named_parameters()}
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(x), model(x))


def test_microsoft_has_a_smaller_window_only_where_the_map_is_smaller():
    """Windows of 4 and 2 are those of its model for 16 pixels, whose maps are of 4 and 2 tokens, and for no others."""
    model = build(window_size=[4, 2])
    for exported in (export_state_dict(model, "microsoft"), export_state_dict(model, "microsoft", image_size=16)):
        assert not [name for name in exported if name.endswith("attn_mask")]
        assert load_checkpoint(build(seed=1, window_size=[4, 2]), exported).layout == "microsoft"
    with pytest.raises(CheckpointError, match=r"windows of 4 in every stage whose map is larger; .* stage 2, .* has 2"):
        export_state_dict(model, "microsoft", image_size=64)


# ---- another head ---------------------------------------------------------------------------------------------------


@VERSIONS
@pytest.mark.parametrize("layout", LAYOUTS)
def test_heads(version, layout):
    trained, bare = build(version), build(version, num_classes=0)

    other = build(version, seed=1, num_classes=7)
    head = other.head.weight.clone(), other.head.bias.clone()
    report = load_checkpoint(other, export_state_dict(trained, layout))
    assert (report.head, report.classes) == ("kept", (5, 7))
    assert "the checkpoint has 5 classes, the model 7" in str(report)
    assert len([name for name in report.ignored if not name.endswith(("index", "table", "mask"))]) == 2
    assert torch.equal(other.head.weight, head[0])
    assert torch.equal(other.head.bias, head[1])
    assert torch.equal(other.norm.weight, trained.norm.weight)

    report = load_checkpoint(other, export_state_dict(bare, layout))
    assert (report.head, report.classes) == ("kept", (0, 7))
    assert "the checkpoint has no head" in str(report)
    assert torch.equal(other.head.weight, head[0])

    report = load_checkpoint(bare, export_state_dict(trained, layout))
    assert (report.head, report.classes) == ("none", (5, 0))
    assert torch.equal(bare.norm.weight, trained.norm.weight)


def test_head_that_was_exchanged_by_hand():
    model = build()
    model.head = nn.Linear(16, 3)
    assert load_checkpoint(model, build().state_dict()).classes == (5, 3)


# ---- another model's checkpoint -------------------------------------------------------------------------------------


@VERSIONS
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.slow
def test_every_tensor_matters(version, layout):
    """Without any one tensor, with it in another shape or of another kind, with one more: refused, nothing changed."""
    model, good = build(version, depths=(1, 2)), export_state_dict(build(version, seed=1, depths=(1, 2)), layout)
    before = snapshot(model)

    def told(checkpoint):
        with pytest.raises(CheckpointError) as error:
            load_checkpoint(model, checkpoint)
        return str(error.value)

    for name, tensor in good.items():
        if name.endswith(("relative_position_index", "relative_coords_table", "attn_mask")):
            continue
        assert f"1 missing: {name}\n" in told({k: v for k, v in good.items() if k != name})
        if name not in ("head.weight", "head.fc.weight", "classifier.weight"):  # a class more is another head, and fine
            assert "instead of" in told({**good, name: torch.cat([tensor, tensor[:1]])})
        assert f"not of floating point: {name}\n" in told({**good, name: tensor.int()})
        assert f"1 unexpected: {name}2\n" in told({**good, f"{name}2": tensor})
    assert_equal(snapshot(model), before)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        ({"depths": (2, 9)}, ["{six_blocks} unexpected", "more", "depths=(2, 9), this one has depths=(2, 3)"]),
        ({"depths": (2, 1)}, ["{two_blocks} missing", "more", "depths=(2, 1)"]),
        ({"depths": (2, 3, 1), "num_heads": (1, 2, 4)}, ["unexpected", "depths=(2, 3, 1)"]),
        ({"embed_dim": 16}, ["of another shape", "instead of", "embed_dim=16, this one has embed_dim=8"]),
        ({"num_heads": (2, 4)}, ["5 of another shape", "num_heads=(2, 4)"]),
        ({"in_channels": 1}, ["1 of another shape", "(8, 1, 4, 4) instead of (8, 3, 4, 4)", "in_channels=1"]),
        ({"patch_size": 2}, ["1 of another shape", "patch_size=(2, 2), this one has patch_size=(4, 4)"]),
        ({"mlp_ratio": 2.0}, ["15 of another shape", "mlp_ratio=2.0, this one has mlp_ratio=4.0"]),
        ({"qkv_bias": False}, ["missing", "qkv_bias=False, this one has qkv_bias=True"]),
        ({"version": 2}, ["missing", "unexpected", "version=2, this one has version=1"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_another_swin(layout, theirs, told):
    message = refused(build(), export_state_dict(build(**theirs), layout))
    assert f"(layout of {layout}) does not fit the model, which is unchanged" in message
    block = 17 if layout == "huggingface" else 13  # there q, k and v count by themselves
    for part in told:
        assert part.format(six_blocks=6 * block, two_blocks=2 * block) in message


def test_v1_into_v2():
    assert "version=1, this one has version=2" in refused(build(2), export_state_dict(build(), "torchvision"))


def test_published_s_into_t():
    model = swinlib.swin_t()
    message = refused(model, torchvision.models.swin_s().state_dict())
    assert "156 unexpected: features.5.6.norm1.weight" in message
    assert "depths=(2, 2, 18, 2), this one has depths=(2, 2, 6, 2)" in message


def test_no_swin_at_all():
    message = refused(build(), torchvision.models.resnet18().state_dict())
    assert "no checkpoint of a Swin" in message
    assert "122 tensors" in message
    assert "conv1.weight, bn1.weight, bn1.bias and 119 more" in message


# ---- what is no checkpoint ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("checkpoint", "told"),
    [
        ({}, "holds no tensors"),
        ({"model": {}}, "holds no tensors"),
        ({"epoch": 3, "net": {"a": torch.zeros(1)}}, "none of its 1 tensors belongs to a block; there are a."),
        ({"epoch": 3, "net": [torch.zeros(1)]}, "'epoch' (int), 'net' (list)"),
        ({1: torch.zeros(1)}, "1 (Tensor)"),
        ([torch.zeros(1)], "got list"),
        (torch.zeros(1), "got Tensor"),
        (None, "got NoneType"),
        (build(), "got SwinTransformer. Give its state_dict()"),
        ({"model": build()}, "'model' (SwinTransformer)"),
        ({"layers.0.blocks.0.norm1.weight": torch.zeros(8, device="meta")}, "meta device"),
        ({"layers.0.blocks.0.norm1.weight": torch.tensor(1.0), "head.weight": torch.tensor(1.0)}, "missing"),
    ],
)
def test_no_tensors(checkpoint, told):
    assert told in refused(build(), checkpoint)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_tensors_without_dimensions(layout):
    assert "instead of" in refused(build(), {n: torch.tensor(1.0) for n in export_state_dict(build(), layout)})


def test_no_model():
    unet = swinlib.SwinUNet(build(), num_classes=2)
    with pytest.raises(TypeError, match=r"expected a SwinTransformer, got SwinUNet\. Give the encoder"):
        load_checkpoint(unet, {})
    with pytest.raises(TypeError, match="got Linear"):
        export_state_dict(nn.Linear(1, 1), "timm")
    assert load_checkpoint(unet.encoder, build(seed=1).state_dict()).head == "loaded"


def test_window_that_is_none():
    with pytest.raises(ValueError, match="pretrained_window_size must be"):
        load_checkpoint(build(2), build(2).state_dict(), pretrained_window_size=0)


def test_missing_file_and_directory(tmp_path):
    assert "there is no file" in refused(build(), tmp_path / "absent.pth")
    message = refused(build(), tmp_path)
    assert "is a directory" in message
    assert "model.safetensors" in message


@pytest.mark.parametrize("suffix", [".pth", ".legacy", ".safetensors"])
def test_truncated_files(suffix, tmp_path):
    """Cut at any place, a file is refused with its size, and what to do."""
    state, file = build().state_dict(), tmp_path / f"swin{suffix}"
    if suffix == ".safetensors":
        save_file(state, file)
    else:
        torch.save(state, file, _use_new_zipfile_serialization=suffix == ".pth")
    whole = file.read_bytes()
    load_checkpoint(build(), file)
    for size in (0, 1, 3, 8, 9, 30, 100, 1000, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:size])
        message = refused(build(), file)
        assert f"swin{suffix} ({size} bytes) is no whole file" in message
        assert "Fetch it again" in message


@pytest.mark.parametrize("text", ["version https://git-lfs.github.com/spec/v1\n", "<html></html>", "\0" * 500])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_files_of_something_else(text, suffix, tmp_path):
    (tmp_path / f"swin{suffix}").write_text(text)
    assert "is no whole file" in refused(build(), tmp_path / f"swin{suffix}")


def test_file_with_pickled_objects(tmp_path):
    """Training scripts save their arguments beside the weights. Unpickling them could run anything."""
    file = tmp_path / "swin.pth"
    torch.save({"model": build().state_dict(), "args": argparse.Namespace(lr=0.1)}, file)
    message = refused(build(), file)
    assert "holds more than tensors (argparse.Namespace)" in message
    assert "weights_only=False" in message
    load_checkpoint(build(), torch.load(file, map_location="cpu", weights_only=False))  # as the message says


def test_without_safetensors(tmp_path, monkeypatch):
    save_file(build().state_dict(), tmp_path / "swin.safetensors")
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    assert "pip install safetensors" in refused(build(), tmp_path / "swin.safetensors")


# ---- layouts that cannot be written ---------------------------------------------------------------------------------


def test_unknown_layout():
    with pytest.raises(CheckpointError, match=r"unknown layout 'keras': expected one of 'swinlib', 'microsoft', 't"):
        export_state_dict(build(), "keras")


@pytest.mark.parametrize("image_size", [31, 16, 48, (32, 64)])
def test_image_size_of_microsoft(image_size):
    with pytest.raises(
        CheckpointError, match=rf"image_size {re.escape(str(image_size))} does not suit .* multiple of 32"
    ):
        export_state_dict(build(), "microsoft", image_size=image_size)


@pytest.mark.parametrize("options", [{"window_size": (4, 2)}, {"patch_size": (4, 2)}])
def test_microsoft_is_square(options):
    with pytest.raises(CheckpointError, match="square windows and patches"):
        export_state_dict(build(**options), "microsoft")


# ---- published weights ----------------------------------------------------------------------------------------------

SWIN_T = torchvision.models.Swin_T_Weights.IMAGENET1K_V1


@pytest.fixture(scope="module")
def published():
    """A stand-in for the published weights of Swin-T: torchvision's own model, with other weights."""
    return torchvision.models.swin_t()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """torch's cache in an empty folder, and no network."""

    def no_network(*_args, **_options):
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", no_network)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("weights", ["IMAGENET1K_V1", "DEFAULT", "Swin_T_Weights.IMAGENET1K_V1", SWIN_T], ids=str)
@pytest.mark.slow
def test_published_weights(weights, published, hub):
    torch.save(published.state_dict(), hub / SWIN_T.url.rsplit("/", 1)[1])
    model = swinlib.swin_t(weights=weights, progress=False).eval()
    x = torch.randn(1, 3, 64, 80)
    assert torch.allclose(model(x), published.eval()(x), atol=1e-5)


@pytest.mark.slow
def test_published_weights_for_another_task(published, hub):
    torch.save(published.state_dict(), hub / SWIN_T.url.rsplit("/", 1)[1])
    with pytest.warns(UserWarning, match="The head was kept as it was: the checkpoint has 1000 classes, the model 4"):
        model = swinlib.swin_t(weights="DEFAULT", num_classes=4, window_size=8)
    assert model.head.weight.shape == (4, 768)
    assert torch.equal(model.norm.weight, published.norm.weight)
    report = load_torchvision_weights(model, "swin_t", "DEFAULT")
    assert (report.head, report.layout, len(report.resized)) == ("kept", "torchvision", 12)
    with pytest.raises(CheckpointError, match="in_channels=3, this one has in_channels=1"):
        swinlib.swin_t(weights="DEFAULT", in_channels=1)


@pytest.mark.parametrize(
    ("name", "weights", "told"),
    [
        (
            "swin_l",
            "DEFAULT",
            "no weights for swin_l, only for swin_b, swin_s, swin_t, swin_v2_b, swin_v2_s, swin_v2_t",
        ),
        ("swin_t", "IMAGENET22K", "no weights 'IMAGENET22K'; known are 'IMAGENET1K_V1', 'DEFAULT'"),
        ("swin_t", torchvision.models.Swin_S_Weights.DEFAULT, "no weights Swin_S_Weights.IMAGENET1K_V1; known are"),
        ("swin_t", torchvision.models.ResNet18_Weights.DEFAULT, "no weights ResNet18_Weights"),
        ("swin_t", True, "no weights True"),
        ("swin_t", None, "no weights None"),
    ],
)
def test_weights_that_are_not_published(name, weights, told, hub):
    with pytest.raises(CheckpointError) as error:
        load_torchvision_weights(build(), name, weights)
    assert told in str(error.value)


def test_no_network(hub):
    with pytest.raises(CheckpointError) as error:
        load_torchvision_weights(build(), "swin_t", "DEFAULT", progress=False)
    message = str(error.value)
    assert SWIN_T.url in message
    assert "no network" in message
    assert f"put it at {hub / SWIN_T.url.rsplit('/', 1)[1]}" in message


def test_damaged_cache(hub):
    """A file cut short, and one that would run code: neither is what was published."""
    file = hub / SWIN_T.url.rsplit("/", 1)[1]
    torch.save({"args": argparse.Namespace()}, file)
    for size in (None, 500):
        file.write_bytes(file.read_bytes()[:size])
        with pytest.raises(CheckpointError, match=f"{file.name} is damaged: remove it"):
            load_torchvision_weights(build(), "swin_t", "DEFAULT")


def test_without_torchvision(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(CheckpointError, match="pip install torchvision"):
        load_torchvision_weights(build(), "swin_t", "DEFAULT")
