"""swinlib against transformers, where that runs: square images whose maps are whole windows."""

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

import swinlib
from swinlib.checkpoints import export_state_dict, load_checkpoint

NARROW = {"embed_dim": 24, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24]}


def build(version: int, size: int, classes: int, **options) -> transformers.PreTrainedModel:
    """A classifier of transformers, for images of ``size``."""
    options = {"image_size": size, "num_labels": classes, **options}
    if version == 1:
        return transformers.SwinForImageClassification(transformers.SwinConfig(window_size=7, **options)).eval()
    return transformers.Swinv2ForImageClassification(transformers.Swinv2Config(window_size=8, **options)).eval()


@torch.no_grad()
def test_our_weights_in_their_model(version, swin_tiny, images, assert_parity):
    size = 224 if version == 1 else 256
    theirs = build(version, size, 1000)
    exported = export_state_dict(swin_tiny, "huggingface")
    assert len(exported) == (221 if version == 1 else 245)
    theirs.load_state_dict(exported, strict=True)
    x = images(size, size, batch=1)
    assert_parity(swin_tiny(x), theirs(x).logits, 1e-5)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("windows", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@torch.no_grad()
def test_their_weights_in_our_model(version, windows, dtype, randomise, images, assert_parity):
    size = windows * (224 if version == 1 else 256)
    theirs = randomise(build(version, size, 10, **NARROW))
    ours = swinlib.SwinTransformer(**NARROW, window_size=6 + version, version=version, num_classes=10)
    report = load_checkpoint(ours, theirs.state_dict())
    assert (report.layout, report.head, report.ignored) == ("huggingface", "loaded", ())
    x = images(size, size, dtype=dtype)
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    assert_parity(ours.eval().to(dtype)(x), theirs.to(dtype)(x).logits, tolerance)


@torch.no_grad()
def test_files(version, swin_narrow, randomise, images, assert_parity, tmp_path):
    """A directory that transformers wrote (under its old names) loads here, and one with our weights loads there."""
    size = 224 if version == 1 else 256
    theirs = randomise(build(version, size, 10, **NARROW), seed=1)
    theirs.save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    assert any("attention.self.query" in name for name in load_file(file))
    ours = swinlib.SwinTransformer(**NARROW, window_size=6 + version, version=version, num_classes=10).eval()
    assert load_checkpoint(ours, file).layout == "huggingface"
    x = images(size, size)
    assert_parity(ours(x), theirs(x).logits, 1e-5)

    save_file(export_state_dict(swin_narrow, "huggingface"), file, metadata={"format": "pt"})
    again = type(theirs).from_pretrained(tmp_path)
    assert_parity(again(x).logits, swin_narrow(x), 1e-5)


def test_backbone_alone(version, randomise):
    """``SwinModel`` has no head and no prefix: everything else is loaded and the head stays."""
    theirs = randomise(build(version, 224, 10, **NARROW)).base_model
    ours = swinlib.SwinTransformer(**NARROW, window_size=6 + version, version=version, num_classes=10)
    head = ours.head.weight.clone()
    report = load_checkpoint(ours, theirs.state_dict())
    assert (report.layout, report.head, report.classes) == ("huggingface", "kept", (0, 10))
    assert torch.equal(ours.head.weight, head)
    assert torch.equal(ours.norm.weight, theirs.layernorm.weight)


@torch.no_grad()
def test_backbone_with_a_norm_for_each_stage(randomise, images, assert_parity):
    """What detectors of transformers stand on, in and out. v2's backbone has no norms: it is a model without head."""
    stages = [f"stage{i}" for i in range(1, 5)]
    theirs = randomise(transformers.SwinBackbone(transformers.SwinConfig(out_features=stages, **NARROW)))
    ours = swinlib.SwinTransformer(**NARROW, num_classes=0, stage_norms=True).eval()
    report = load_checkpoint(ours, theirs.state_dict())
    assert (report.layout, report.kept) == ("huggingface", ())
    assert report.ignored == ("swin.layernorm.weight", "swin.layernorm.bias")
    x = images(448, 448, batch=1)  # at 224 they shift the last map too, though one window covers it
    for our_map, their_map in zip(ours.forward_intermediates(x)[1], theirs(x).feature_maps, strict=True):
        assert_parity(our_map, their_map, 1e-5)

    randomise(ours, seed=3)
    theirs.load_state_dict(export_state_dict(ours, "huggingface"), strict=True)
    for our_map, their_map in zip(ours.forward_intermediates(x)[1], theirs(x).feature_maps, strict=True):
        assert_parity(our_map, their_map, 1e-5)


@torch.no_grad()
def test_backbone_of_v2(randomise, images, assert_parity):
    config = transformers.Swinv2Config(out_features=["stage2", "stage4"], image_size=256, window_size=8, **NARROW)
    theirs = randomise(transformers.Swinv2Backbone(config))
    ours = swinlib.SwinTransformer(**NARROW, num_classes=0, version=2, window_size=8).eval()
    report = load_checkpoint(ours, theirs.state_dict())
    assert report.kept == ("norm.weight", "norm.bias")
    x = images(256, 256, batch=1)
    found = ours.forward_intermediates(x)[1]
    for our_map, their_map in zip((found[1], found[3]), theirs(x).feature_maps, strict=True):
        assert_parity(our_map, their_map, 1e-5)


@torch.no_grad()
def test_pretraining_by_masked_images(randomise, images):
    """SimMIM of transformers: a mask token and a decoder beside the network."""
    theirs = randomise(transformers.SwinForMaskedImageModeling(transformers.SwinConfig(image_size=224, **NARROW)))
    ours = swinlib.SwinTransformer(**NARROW)
    report = load_checkpoint(ours, theirs.state_dict())
    assert sorted(report.ignored) == ["decoder.0.bias", "decoder.0.weight", "swin.embeddings.mask_token"]
    assert torch.equal(ours.norm.weight, theirs.swin.layernorm.weight)
