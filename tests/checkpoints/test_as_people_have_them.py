"""Checkpoints as people have them: inside other networks, behind prefixes, beside other tensors, several in a file."""

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loading import LAYOUTS, VERSIONS, build, refused
from torch import nn
from torch.optim.swa_utils import AveragedModel

import swinlib
from swinlib.checkpoints import CheckpointError, export_state_dict, load_checkpoint

PREFIXES = ["backbone.", "encoder.", "net.", "swin.", "model.backbone.", "module.model._orig_mod.", "a.b.c.d."]


def assert_loaded(model, source, but=()):
    """All tensors of a model that another has too, but for some, are equal to its."""
    ours, theirs = model.state_dict(), source.state_dict()
    for key in ours.keys() & theirs.keys():
        assert torch.equal(ours[key], theirs[key]) != key.startswith(tuple(but) or "-"), key


# ---- where the network lies -----------------------------------------------------------------------------------------


@pytest.mark.one_in(4)
@VERSIONS
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_any_prefix_and_tensors_beside(version, layout, prefix):
    model, other = build(version), build(version, seed=1)
    inside = {prefix + name: tensor for name, tensor in export_state_dict(model, layout).items()}
    report = load_checkpoint(other, {**inside, "criterion.weight": torch.ones(3), "neck.0.bias": torch.ones(1)})
    assert_loaded(other, model)
    assert (report.layout, report.entry) == (layout, prefix.replace("_orig_mod.", "").removesuffix("."))
    assert {"criterion.weight", "neck.0.bias"} <= set(report.ignored)
    assert "criterion.weight" in str(report)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_tensors_beside_a_network_without_prefix(layout):
    model, other = build(), build(seed=1)
    report = load_checkpoint(other, {**export_state_dict(model, layout), "criterion.weight": torch.ones(3)})
    assert_loaded(other, model)
    assert report.entry == ""
    assert "criterion.weight" in report.ignored


@given(st.lists(st.sampled_from(["module", "model", "backbone", "x", "layers", "features", "0"]), max_size=4))
@pytest.mark.slow
def test_prefixes_of_any_parts(parts):
    model, other = build(), build(seed=1)
    prefix = "".join(f"{part}." for part in parts)
    report = load_checkpoint(other, {prefix + name: tensor for name, tensor in model.state_dict().items()})
    assert_loaded(other, model)
    assert report.entry == ".".join(parts)


@pytest.mark.parametrize("wrapper", ["model", "state_dict", "model_state_dict", "teacher", "ema", "net", "params"])
def test_any_wrapper(wrapper):
    model, other = build(), build(seed=1)
    wrapped = {"epoch": 3, wrapper: model.state_dict(), "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}}}
    assert load_checkpoint(other, wrapped).entry == wrapper
    assert_loaded(other, model)
    load_checkpoint(build(seed=2), {"outer": {"inner": wrapped}})


def test_lightning():
    model, other = build(), build(seed=1)
    tensors = {"model." + name: tensor for name, tensor in model.state_dict().items()}
    lightning = {"state_dict": tensors, "hyper_parameters": {"lr": 0.1}, "callbacks": {}, "epoch": 1}
    assert load_checkpoint(other, lightning).entry == "state_dict.model"
    assert_loaded(other, model)


@VERSIONS
def test_the_encoder_of_a_segmentation_network(version):
    network, other = swinlib.SwinUNet(build(version), 3), build(version, seed=1)
    report = load_checkpoint(other, network.state_dict())
    assert_loaded(other, network.encoder)
    assert report.entry == "encoder"
    assert all(name.startswith(("decoder.", "expand.", "head.")) for name in report.ignored)
    assert "of decoder" in str(report)


def test_a_network_that_was_compiled_block_by_block():
    model, other = build(), build(seed=1)
    compiled = {name.replace(".attn.", "._orig_mod.attn."): tensor for name, tensor in model.state_dict().items()}
    load_checkpoint(other, compiled)
    assert_loaded(other, model)


# ---- several networks -----------------------------------------------------------------------------------------------


def averaged(model):
    return AveragedModel(model).state_dict()


def test_averaged_model():
    model, other = build(), build(seed=1)
    report = load_checkpoint(other, averaged(model))
    assert_loaded(other, model)
    assert (report.entry, report.ignored) == ("module", ("n_averaged",))


def test_raw_and_averaged_weights():
    raw, mean, other = build(), build(seed=1), build(seed=2)
    file = {"model": raw.state_dict(), "ema": averaged(mean)}
    report = load_checkpoint(other, file)
    assert_loaded(other, raw)
    assert (report.entry, report.others) == ("model", ("ema.module",))
    assert "The file also holds 'ema.module': give entry= to take another." in str(report)
    for entry in ("ema", "ema.module"):
        assert load_checkpoint(other, file, entry=entry).others == ("model",)
        assert_loaded(other, mean)
    assert "no network under entry 'em'. Give one of 'model', 'ema.module'" in refused(other, file, entry="em")


@pytest.mark.parametrize(("extra", "default"), [({}, "ema"), ({"evaluated": "model"}, "model"), (None, "model")])
def test_a_run_s_own_checkpoint_gives_what_was_evaluated(extra, default):
    """The file of ``swinlib.training`` says what its accuracy is of; where it does not yet, that was the average."""
    networks = {"model": build(), "ema": build(seed=1)}
    file = {"step": 3, "config": {}, "data": {}, "model": networks["model"].state_dict(), **(extra or {})}
    if extra is not None:
        file["ema"] = averaged(networks["ema"])
    other = build(seed=2)
    report = load_checkpoint(other, file)
    assert report.entry.startswith(default)
    assert_loaded(other, networks[default])
    assert len(report.others) == (extra is not None)


def test_two_networks_side_by_side():
    """Teacher and student of self-distillation; a pair that nothing tells apart has to be told apart."""
    first, second, other = build(), build(seed=1), build(seed=2)

    def pair(one, two):
        return {one + n: t for n, t in first.state_dict().items()} | {
            two + n: t for n, t in second.state_dict().items()
        }

    assert load_checkpoint(other, pair("student.", "teacher.")).entry == "teacher"
    assert_loaded(other, second)
    message = refused(other, pair("encoder.", "encoder_k."))
    assert "several networks, " in message
    assert "entry=" in message
    assert load_checkpoint(other, pair("encoder.", "encoder_k."), entry="encoder").others == ("encoder_k",)
    assert_loaded(other, first)


# ---- backbones ------------------------------------------------------------------------------------------------------


@VERSIONS
@pytest.mark.parametrize("layout", ["swinlib", "microsoft", "openmmlab", "huggingface"])
def test_norms_by_stage(version, layout):
    """A detector's backbone goes round; a classifier takes its last norm, keeps its head, and names what it leaves."""
    if (layout, version) == ("huggingface", 2):
        with pytest.raises(CheckpointError, match="v2 model of huggingface has no norms by stage"):
            export_state_dict(build(version, stage_norms=True), layout)
        return
    options = {"stage_norms": True, "num_classes": 0, "depths": (1, 2, 1), "num_heads": (1, 2, 4)}
    model, other = build(version, **options), build(version, seed=1, **options)
    exported = export_state_dict(model, layout)
    assert load_checkpoint(other, exported).kept == ()
    assert_loaded(other, model)

    plain = build(version, seed=2, **{**options, "stage_norms": False, "num_classes": 5})
    report = load_checkpoint(plain, {"backbone." + name: tensor for name, tensor in exported.items()})
    assert_loaded(plain, model)
    assert report.kept == ("head.weight", "head.bias")
    assert len([name for name in report.ignored if re.search(r"norm(s\.|\d)", name)]) == 4
    assert "stage_norms=True" in str(report)

    other = build(version, seed=3, **options)
    report = load_checkpoint(other, export_state_dict(plain, "timm"))
    assert report.kept == tuple(f"stage_norms.{i}.{part}" for i in (0, 1) for part in ("weight", "bias"))
    assert "Kept as they were" in str(report)


@VERSIONS
def test_a_backbone_that_hands_on_some_stages(version):
    """Norms for stages 2 and 3 of three, as for a detector that does without the finest map."""
    options = {"stage_norms": True, "num_classes": 0, "depths": (1, 2, 1), "num_heads": (1, 2, 4)}
    model, other = build(version, **options), build(version, seed=1, **options)
    exported = {n: t for n, t in export_state_dict(model, "openmmlab").items() if not n.startswith("norm0")}
    assert load_checkpoint(other, exported).kept == ("stage_norms.0.weight", "stage_norms.0.bias")
    assert_loaded(other, model, but=["stage_norms.0"])


@VERSIONS
def test_a_backbone_without_any_norm(version):
    model, other = build(version), build(version, seed=1)
    report = load_checkpoint(other, export_state_dict(model, "timm_features"))
    assert report.layout == "timm_features"
    assert report.kept == ("norm.weight", "norm.bias", "head.weight", "head.bias")
    assert "Kept as they were, for want of them in the checkpoint: norm.weight, norm.bias." in str(report)
    assert_loaded(other, model, but=["norm", "head"])


@pytest.mark.parametrize("layout", ["microsoft", "huggingface"])
def test_pretraining_by_masked_images(layout):
    """SimMIM has a mask token and a decoder, and neither norm nor head need be there."""
    model, other = build(), build(seed=1, num_classes=3)
    bare = build(num_classes=0)
    tensors = export_state_dict(bare, layout)
    if layout == "microsoft":
        file = {"model": {"encoder." + name: tensor for name, tensor in tensors.items()}}
        file["model"] |= {"encoder.mask_token": torch.zeros(1, 1, 8), "decoder.0.weight": torch.zeros(3072, 16, 1, 1)}
    else:
        file = {**tensors, "swin.embeddings.mask_token": torch.zeros(1, 1, 8), "decoder.0.bias": torch.zeros(3072)}
    report = load_checkpoint(other, file)
    assert_loaded(other, model, but=["head"])
    assert any(name.endswith("mask_token") for name in report.ignored)
    assert any(name.startswith("decoder") for name in report.ignored)


def unfolded(x, merging):
    """Patch merging as OpenMMLab has it: neighbours from ``nn.Unfold``. ``(B, H, W, C)`` to ``(B, H/2, W/2, 2C)``."""
    batch, height, width, _ = x.shape
    columns = nn.Unfold(kernel_size=2, stride=2)(x.permute(0, 3, 1, 2)).transpose(1, 2)
    return merging(columns).view(batch, height // 2, width // 2, -1)


@VERSIONS
def test_openmmlab_merges_in_the_order_of_unfold(version):
    """The names alone would load and compute something else."""
    model = build(version)
    stage, exported = 0 if version == 1 else 1, export_state_dict(model, "openmmlab")
    weights = {n.partition(".downsample.")[2]: t for n, t in exported.items() if f"stages.{stage}.downsample" in n}
    reduction, norm = nn.Linear(32, 16, bias=False), nn.LayerNorm(32 if version == 1 else 16)
    merging = nn.Sequential(norm, reduction) if version == 1 else nn.Sequential(reduction, norm)
    reduction.load_state_dict({"weight": weights["reduction.weight"]})
    norm.load_state_dict({"weight": weights["norm.weight"], "bias": weights["norm.bias"]})
    x = torch.randn(2, 6, 4, 8)
    theirs, ours = unfolded(x, merging), model.layers[0].downsample(x)
    assert torch.allclose(theirs, ours, atol=1e-5)
    reduction.load_state_dict({"weight": model.layers[0].downsample.reduction.weight})
    assert not torch.allclose(unfolded(x, merging), ours, atol=0.1)


def test_names_of_openmmlab():
    names = export_state_dict(build(), "openmmlab")
    for name in (
        "backbone.patch_embed.projection.weight",
        "backbone.stages.0.blocks.1.attn.w_msa.relative_position_index",
        "backbone.stages.1.blocks.0.ffn.layers.0.0.weight",
        "backbone.stages.1.blocks.0.ffn.layers.1.bias",
        "backbone.stages.0.downsample.reduction.weight",
        "backbone.norm1.weight",
        "head.fc.weight",
    ):
        assert name in names
    assert "norm1.weight" in export_state_dict(build(num_classes=0), "openmmlab")
    assert "backbone.stages.1.downsample.norm.weight" in export_state_dict(build(2), "openmmlab")


# ---- heads ----------------------------------------------------------------------------------------------------------


@VERSIONS
@pytest.mark.parametrize("layout", ["microsoft", "torchvision", "timm", "huggingface"])
def test_a_linear_head_inside_a_sequential_is_loaded(version, layout):
    model, other = build(version), build(version, seed=1)
    renamed = {
        name.replace("head.fc.", "head.fc.1.").replace("classifier.", "classifier.1.")
        if layout in ("timm", "huggingface")
        else name.replace("head.", "head.1."): tensor
        for name, tensor in export_state_dict(model, layout).items()
    }
    assert load_checkpoint(other, renamed).head == "loaded"
    assert_loaded(other, model)


def test_a_head_of_two_layers_is_refused_and_a_model_without_head_takes_the_rest():
    model, bare = build(), build(seed=1, num_classes=0)
    tensors = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("head")}
    tensors |= {"head.0.weight": torch.ones(7, 16), "head.0.bias": torch.ones(7), "head.2.weight": torch.ones(5, 7)}
    message = refused(build(seed=2), tensors)
    assert "head is not one linear layer (head.0.weight, head.0.bias, head.2.weight)" in message
    assert "num_classes=0" in message
    assert load_checkpoint(bare, tensors).head == "none"
    assert_loaded(bare, model)


def test_a_model_with_another_head_keeps_it():
    model = build(seed=1)
    model.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(16, 3))
    report = load_checkpoint(model, build().state_dict())
    assert report.head == "kept"
    assert report.kept == ("head.1.weight", "head.1.bias")
    assert_loaded(model, build())


# ---- channels -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 2, 4, 7])
def test_weights_of_colours_for_other_channels(layout, channels):
    """Summed up for grey, which computes what colours that are all alike did; repeated and scaled for more."""
    model, other = build(), build(seed=1, in_channels=channels)
    exported = export_state_dict(model, layout)
    assert "adapt_channels=True" in refused(other, exported)
    report = load_checkpoint(other, exported, adapt_channels=True)
    assert report.adapted_channels == (3, channels)
    assert f"for images of {channels}" in str(report)
    grey = torch.randn(2, 1, 16, 16)
    expected = model(grey.expand(-1, 3, -1, -1))
    if channels == 1:
        assert torch.allclose(other(grey), expected, atol=1e-5)
    else:
        ours, theirs = other.patch_embed.proj.weight, model.patch_embed.proj.weight
        for channel in range(channels):
            assert torch.allclose(ours[:, channel], theirs[:, channel % 3] * 3 / channels)
    assert_loaded(other, model, but=["patch_embed.proj.weight"])


def test_channels_are_adapted_as_timm_does():
    adapt = pytest.importorskip("timm.models").adapt_input_conv
    model = build()
    for channels in (1, 2, 4, 5):
        other = build(seed=1, in_channels=channels)
        load_checkpoint(other, model.state_dict(), adapt_channels=True)
        assert torch.allclose(other.patch_embed.proj.weight, adapt(channels, model.patch_embed.proj.weight.detach()))


def test_channels_that_cannot_be_adapted():
    message = refused(build(in_channels=4), build(in_channels=2).state_dict(), adapt_channels=True)
    assert "in_channels=2, this one has in_channels=4: build the model like the checkpoint" in message


# ---- what would compute something else ------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["microsoft", "huggingface", "openmmlab"])
def test_absolute_positions_are_not_overlooked(layout):
    name = {
        "microsoft": "absolute_pos_embed",
        "huggingface": "swin.embeddings.position_embeddings",
        "openmmlab": "backbone.absolute_pos_embed",
    }[layout]
    message = refused(build(), {**export_state_dict(build(), layout), name: torch.zeros(1, 196, 8)})
    assert f"absolute position embedding, {name} (1, 196, 8)" in message


def test_parts_that_no_swin_has():
    message = refused(build(), {**build().state_dict(), "layers.0.blocks.0.adapter.weight": torch.ones(2)})
    assert "1 unexpected: layers.0.blocks.0.adapter.weight" in message
    assert "qkv_bias" not in message
    assert "leave them out" in message


# ---- values that no forward pass could use --------------------------------------------------------------------------


@VERSIONS
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_of_a_training_that_diverged_are_refused(version, value):
    tensors = build(version).state_dict()
    tensors["layers.1.blocks.2.mlp.fc1.bias"][3] = value
    said = refused(build(version, seed=1), tensors)
    assert "1 with NaN or infinity: layers.1.blocks.2.mlp.fc1.bias" in said
    assert "take an earlier checkpoint" in said


def test_sparse_weights_are_refused_and_it_is_said_how_to_make_them_dense():
    tensors = {
        name: tensor.to_sparse() if tensor.dim() == 2 else tensor for name, tensor in build().state_dict().items()
    }
    assert "tensor.to_dense()" in refused(build(seed=1), tensors)


@VERSIONS
def test_a_head_that_stands_the_wrong_way_is_no_head_of_other_classes(version):
    tensors = build(version).state_dict()
    tensors["head.weight"] = tensors["head.weight"].T
    assert "1 of another shape: head.weight (16, 5) instead of (5, 16)" in refused(build(version, seed=1), tensors)
