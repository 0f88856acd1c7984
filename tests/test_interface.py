"""What users of timm know a model by: features, head and intermediate maps, and a new classifier."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import swinlib

versions = pytest.mark.parametrize("version", [1, 2])


def images(height=15, width=18, batch=2):
    return torch.randn(batch, 3, height, width, dtype=torch.float64)


def three_stages(tiny_swin, **options):
    return tiny_swin(depths=(1, 1, 1), num_heads=(1, 2, 4), **options)


@versions
def test_features_and_head_make_the_logits(version, tiny_swin):
    model, x = tiny_swin(version), images()
    features = model.forward_features(x)
    assert features.shape == (2, 4, 5, 32)
    last = model.forward_intermediates(x, output_fmt="NHWC", intermediates_only=True)[-1]
    assert torch.equal(features, model.norm(last))
    pooled = model.forward_head(features, pre_logits=True)
    torch.testing.assert_close(pooled, features.flatten(1, 2).mean(dim=1))
    assert torch.equal(model.forward_head(features), model.head(pooled))
    assert torch.equal(model(x), model.head(pooled))


@versions
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("stop_early", [False, True])
@pytest.mark.parametrize("indices", [None, 1, 2, [0], (1, -3), [-1]], ids=str)
def test_intermediates_are_timm_s(version, norm, stop_early, indices):
    timm = pytest.importorskip("timm")
    name = {1: "swin_tiny_patch4_window7_224", 2: "swinv2_tiny_window8_256"}[version]
    narrow = {"embed_dim": 8, "depths": (1, 1, 2), "num_heads": (1, 2, 4), "num_classes": 3}
    size = {1: 112, 2: 128}[version]
    torch.manual_seed(0)
    theirs = timm.create_model(name, img_size=size, window_size=7 if version == 1 else 8, **narrow).eval()
    ours = swinlib.SwinTransformer(window_size=7 if version == 1 else 8, version=version, **narrow).eval()
    swinlib.load_checkpoint(ours, theirs.state_dict())
    x = torch.randn(1, 3, size, size)
    arguments = {"indices": indices, "norm": norm, "stop_early": stop_early}
    with torch.no_grad():
        for given, expected in zip(
            ours.forward_intermediates(x, **arguments), theirs.forward_intermediates(x, **arguments), strict=True
        ):
            torch.testing.assert_close(given, expected, rtol=1e-4, atol=1e-4)
        maps = ours.forward_intermediates(x, **arguments, intermediates_only=True)
        assert [m.shape for m in maps] == [m.shape for m in expected]
        torch.testing.assert_close(ours.forward_features(x), theirs.forward_features(x), rtol=1e-4, atol=1e-4)


def test_stages_that_are_not_asked_for_are_not_computed(tiny_swin):
    model, seen = three_stages(tiny_swin), []
    for stage in model.layers:
        stage.register_forward_hook(lambda *_: seen.append(1))
    model.forward_intermediates(images(), indices=[1], stop_early=True)
    assert len(seen) == 2


@pytest.mark.parametrize("indices", [0, 4, [3], [-4], [], [0, 7]])
def test_stages_that_are_not_there_are_refused(tiny_swin, indices):
    with pytest.raises(ValueError, match=r"are not stages of this model: give some of -3 to 2"):
        three_stages(tiny_swin).forward_intermediates(images(), indices=indices)


def test_a_format_that_is_none_is_refused(tiny_swin):
    with pytest.raises(ValueError, match="output_fmt must be 'NCHW' or 'NHWC', got 'NLC'"):
        tiny_swin().forward_intermediates(images(), output_fmt="NLC")


@versions
@settings(max_examples=10)
@given(count=st.integers(1, 3), stop_early=st.booleans())
def test_maps_with_norms_by_stage(version, tiny_swin, count, stop_early):
    model = three_stages(tiny_swin, version=version, stage_norms=True)
    plain = three_stages(tiny_swin, version=version)
    plain.load_state_dict(model.state_dict(), strict=False)
    x, norms = images(), [*model.stage_norms, model.norm]
    raw = plain.forward_intermediates(x, output_fmt="NHWC", intermediates_only=True)
    stages = range(count)
    last, maps = model.forward_intermediates(x, list(stages), stop_early=stop_early, output_fmt="NHWC")
    for i in stages:
        assert torch.equal(maps[i], norms[i](raw[i]))
    assert torch.equal(last, raw[count - 1] if stop_early and count < 3 else norms[-1](raw[-1]))


@versions
@pytest.mark.parametrize("classes", [7, 0])
def test_a_new_classifier(version, classes, tiny_swin):
    model, x = tiny_swin(version), images()
    features, before = model.forward_features(x), copy.deepcopy(model.state_dict())
    model.reset_classifier(classes)
    assert model.num_classes == classes
    assert torch.equal(model.forward_features(x), features)
    assert model(x).shape == (2, classes or 32)
    if classes:
        assert model.head.weight.dtype == torch.float64
        assert 0.01 < model.head.weight.std() < 0.03
        assert not model.head.bias.any()
    after = model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before if not name.startswith("head"))
    assert swinlib.load_checkpoint(tiny_swin(version, num_classes=classes), after).head == (
        "loaded" if classes else "none"
    )


@pytest.mark.parametrize(("given", "message"), [((-1,), "num_classes must be"), ((3, "max"), "pools by the mean")])
def test_classifiers_that_there_are_not(given, message, tiny_swin):
    with pytest.raises(ValueError, match=message):
        tiny_swin().reset_classifier(*given)


@versions
def test_parameters_without_weight_decay_are_timm_s(version):
    timm = pytest.importorskip("timm")
    name = {1: "swin_t", 2: "swin_v2_t"}[version]
    theirs = {1: "swin_tiny_patch4_window7_224", 2: "swinv2_tiny_window8_256"}[version]
    with torch.device("meta"):
        ours, theirs = getattr(swinlib, name)(), timm.create_model(theirs)
    kinds = [{name.rpartition("blocks.")[2].partition(".")[2] for name in m.no_weight_decay()} for m in (ours, theirs)]
    assert kinds[0] == kinds[1]
    assert ours.no_weight_decay() <= {name for name, _ in ours.named_parameters()}
