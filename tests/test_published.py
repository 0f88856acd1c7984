"""The table of published names, and building from it. Whether the publishers agree is in tests/peers."""

import inspect
import warnings
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import swinlib
from swinlib import CheckpointError, create_model
from swinlib.published import find, names

NARROW = {"embed_dim": 8, "depths": (1, 1, 1, 1), "num_heads": (1, 2, 4, 8)}
BUILDERS = ["swin_t", "swin_s", "swin_b", "swin_l", "swin_v2_t", "swin_v2_s", "swin_v2_b"]


# ---- names ---------------------------------------------------------------------------------------------------------


def test_one_name_says_everything():
    entry = find("swinv2_base_window12to16_192to256.ms_in22k_ft_in1k")
    assert entry == find("swinv2_base_window12to16_192to256.ms_in22k_ft_in1k")
    assert (entry.publishers, entry.version, entry.image_size) == (("timm",), 2, 256)
    assert (entry.windows, entry.pretrained_windows) == ((16, 16, 16, 8), (12, 12, 12, 6))
    assert entry.arguments == {
        "version": 2,
        "embed_dim": 128,
        "depths": (2, 2, 18, 2),
        "num_heads": (4, 8, 16, 32),
        "window_size": [16, 16, 16, 8],
        "pretrained_window_size": [12, 12, 12, 6],
        "num_classes": 1000,
        "drop_path_rate": 0.2,
    }
    with pytest.raises(FrozenInstanceError):
        entry.windows = (7, 7, 7, 7)


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("swin_tiny_patch4_window7_224", 1000),
        ("swin_tiny_patch4_window7_224.ms_in22k", 21841),
        ("swin_tiny_patch4_window7_224.ms_in22k_ft_in1k", 1000),
        ("swin_tiny_patch4_window7_224_22k", 21841),
        ("swin_tiny_patch4_window7_224_22kto1k_finetune", 1000),
        ("swin_base_patch4_window7_224_22kto1k", 1000),
        ("swin_base_patch4_window7_224_in22k", 21841),
        ("swinv2_base_window12_192", 21841),
        ("swinv2_base_patch4_window12_192_22k", 21841),
        ("swinv2_base_patch4_window12to24_192to384_22kto1k_ft", 1000),
        ("swin_v2_b", 1000),
    ],
)
def test_the_name_decides_on_the_classes(name, classes):
    assert create_model(name, **NARROW).head.out_features == find(name).num_classes == classes


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("microsoft/swin-tiny-patch4-window7-224", "swin_tiny_patch4_window7_224"),
        ("microsoft/swin-base-patch4-window7-224-in22k", "swin_base_patch4_window7_224_in22k"),
        ("timm/swin_s3_tiny_224.ms_in1k", "swin_s3_tiny_224.ms_in1k"),
        ("swin_tiny_c24_patch4_window8_256.pth", "swin_tiny_c24_patch4_window8_256"),
        ("S3-T", "S3-T"),
    ],
)
def test_names_may_be_written_as_on_the_hub_and_as_files(written, name):
    assert find(written).name == name


def test_every_network_is_published_at_a_size_without_padding():
    """The rule of the reference code: the window of the name, or all of the map where that is not larger."""
    for network in map(find, names()):
        for windows, image_size in ((network.windows, network.image_size), (network.pretrained_windows, 192)):
            for i, window in enumerate(windows or ()):
                side = image_size // 4 // 2**i
                assert window <= side, network
                assert side % window == 0, network


@pytest.mark.parametrize(
    ("name", "embed_dim", "num_heads", "drop_path_rate"),
    [
        ("swin_tiny_c24_patch4_window8_256", 96, (4, 8, 16, 32), 0.2),
        ("simmim_finetune__swin_base__img192_window6__100ep", 128, (4, 8, 16, 32), 0.1),
        ("simmim_finetune__swin_base__img224_window7__800ep", 128, (4, 8, 16, 32), 0.1),
        ("simmim_finetune__swin_large__img224_window14__800ep", 192, (6, 12, 24, 48), 0.2),
        ("simmim_finetune__swinv2_base__img224_window14__800ep", 128, (4, 8, 16, 32), 0.1),
        ("swin_tiny_patch4_window7_224_22k", 96, (3, 6, 12, 24), 0.1),
        ("swin_small_patch4_window7_224_22kto1k_finetune", 96, (3, 6, 12, 24), 0.2),
        ("swin_base_patch4_window12_384_finetune", 128, (4, 8, 16, 32), 0.5),
        ("swin_base_patch4_window12_384_22kto1k_finetune", 128, (4, 8, 16, 32), 0.2),
        ("swin_large_patch4_window12_384_22kto1k_finetune", 192, (6, 12, 24, 48), 0.2),
        ("swinv2_large_patch4_window12to24_192to384_22kto1k_ft", 192, (6, 12, 24, 48), 0.2),
        ("S3-B", 96, (3, 6, 12, 24), 0.1),
    ],
)
def test_what_microsoft_s_configs_say(name, embed_dim, num_heads, drop_path_rate):
    """Of what no installed package has: heads of 24 channels, SimMIM, and the rates of drop path."""
    entry = find(name)
    assert (entry.embed_dim, entry.num_heads, entry.drop_path_rate) == (embed_dim, num_heads, drop_path_rate)


def test_one_name_may_have_several_publishers():
    assert find("swin_tiny_patch4_window7_224").publishers == ("Microsoft", "timm")
    assert find("swin_large_patch4_window7_224").publishers == ("timm",)
    assert find("swin_l").publishers == ("swinlib",)


def test_names_are_listed():
    assert names("torchvision") == ["swin_b", "swin_s", "swin_t", "swin_v2_b", "swin_v2_s", "swin_v2_t"]
    assert {"S3-B", "swin_tiny_c24_patch4_window8_256"} <= set(names("Microsoft"))
    assert names() == sorted({name for each in ("torchvision", "timm", "Microsoft", "swinlib") for name in names(each)})
    with pytest.raises(ValueError, match=r"'Google': expected one of 'Microsoft', 'swinlib', 'timm', 'torchvision'"):
        names("Google")


@pytest.mark.parametrize("name", ["swinv2_tiny_window61_256", "microsoft/swinv2-tiny-patch4-window61-256"])
def test_an_unknown_name_is_refused_with_the_nearest(name):
    with pytest.raises(
        ValueError, match=rf"no Swin is published as '{name}'. Near it: \S*swinv2_tiny.*window16"
    ) as error:
        create_model(name)
    assert f"swinlib.published.names() lists all {len(names())} names" in str(error.value)


def test_a_name_like_no_other_is_refused():
    with pytest.raises(ValueError, match=r"published as 'ResNet'. swinlib.published.names\(\)"):
        find("ResNet")


# ---- building ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["swinv2_tiny_window16_256", "swin_s3_small_224", "swinv2_base_window12to24_192to384"])
def test_models_have_the_windows_of_the_table(name):
    model, entry = create_model(name, **NARROW), find(name)
    assert [stage.blocks[0].window_size for stage in model.layers] == [(window, window) for window in entry.windows]
    if entry.version == 2:
        trained = entry.pretrained_windows or entry.windows
        assert model.pretrained_window_size == [(window, window) for window in trained]


def test_a_model_runs_at_its_size():
    model = create_model("swinv2_tiny_window16_256", num_classes=3, **NARROW).eval()
    assert model(torch.zeros(1, 3, 256, 256)).shape == (1, 3)


def test_options_override_the_table():
    model = create_model("swin_t", num_classes=7, window_size=[7, 7, 7, 5], drop_path_rate=0.4, in_channels=1, **NARROW)
    assert (model.head.out_features, model.patch_embed.in_channels) == (7, 1)
    assert model.window_size == [(7, 7), (7, 7), (7, 7), (5, 5)]
    assert model.layers[-1].blocks[-1].drop_path.drop_prob == pytest.approx(0.4)
    assert find("swin_t").arguments["window_size"] == 7


@pytest.mark.parametrize("name", BUILDERS)
def test_the_builders_read_the_table(name, monkeypatch):
    """Each asks for its own name and hands on all that it is given."""
    seen = []
    monkeypatch.setattr("swinlib.published.create_model", lambda *given, **options: seen.append((given, options)))
    getattr(swinlib, name)()
    getattr(swinlib, name)(weights="DEFAULT", progress=False, num_classes=2)
    assert seen == [
        ((name,), {"weights": None, "progress": True}),
        ((name,), {"weights": "DEFAULT", "progress": False, "num_classes": 2}),
    ]
    assert list(inspect.signature(getattr(swinlib, name)).parameters) == ["weights", "progress", "options"]


# ---- weights -------------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path) -> Path:
    """A file with weights of ``swinv2_tiny_window8_256``, narrow, in timm's layout, which does not show its windows."""
    torch.manual_seed(1)
    model = create_model("swinv2_tiny_window8_256", **NARROW)
    torch.save(swinlib.export_state_dict(model, "timm"), tmp_path / "file.pth")
    return tmp_path / "file.pth"


@pytest.mark.parametrize("as_what", [Path, str, torch.load])
def test_weights_may_be_a_file_or_tensors(as_what, saved):
    model = create_model("swinv2_tiny_window8_256", weights=as_what(saved), **NARROW)
    assert torch.equal(model.head.weight, torch.load(saved)["head.fc.weight"])


def test_weights_of_a_file_may_be_fitted_to_other_channels(saved):
    model = create_model("swinv2_tiny_window8_256", weights=saved, in_channels=1, adapt_channels=True, **NARROW)
    assert torch.allclose(model.patch_embed.proj.weight, torch.load(saved)["patch_embed.proj.weight"].sum(1, True))


def test_weights_of_torchvision_s_names_may_be_a_file(saved):
    model = create_model("swin_v2_t", weights=saved, **NARROW)
    assert torch.equal(model.head.weight, torch.load(saved)["head.fc.weight"])


@pytest.mark.parametrize(
    ("options", "trained"),
    [
        ({}, [8, 8, 8, 8]),
        ({"window_size": 16}, [8, 8, 8, 8]),
        ({"window_size": [16, 16, 16, 8]}, [8, 8, 8, 8]),
        ({"window_size": 16, "pretrained_window_size": 12}, [12, 12, 12, 12]),
    ],
    ids=str,
)
def test_weights_in_other_windows_keep_the_scale_of_the_published_ones(options, trained, saved):
    model = create_model("swinv2_tiny_window8_256", weights=saved, **NARROW, **options)
    assert model.pretrained_window_size == [(window, window) for window in trained]


def test_without_weights_the_scale_is_that_of_the_windows():
    model = create_model("swinv2_tiny_window8_256", window_size=16, **NARROW)
    assert model.pretrained_window_size == [(16, 16)] * 4


def test_the_windows_of_an_earlier_training_stay():
    model = create_model("swinv2_base_window12to16_192to256", window_size=24, **NARROW)
    assert model.pretrained_window_size == [(12, 12), (12, 12), (12, 12), (6, 6)]


def test_weights_of_v1_in_other_windows_are_resized(tmp_path):
    torch.save(create_model("swin_t", **NARROW).state_dict(), tmp_path / "file.pth")
    model = create_model("swin_t", weights=tmp_path / "file.pth", window_size=[7, 7, 7, 5], **NARROW)
    assert [len(stage.blocks[0].attn.relative_position_bias_table) for stage in model.layers] == [169, 169, 169, 81]


@pytest.mark.parametrize("name", ["swin_t", "swin_v2_b"])
def test_named_weights_are_torchvision_s(name, monkeypatch):
    seen = []

    def load(model, *given, **options):
        seen.append((*given, options))
        return SimpleNamespace(head="loaded")

    monkeypatch.setattr("swinlib.published.load_torchvision_weights", load)
    create_model(name, weights="DEFAULT", progress=False, adapt_channels=True, **NARROW)
    assert seen == [(name, "DEFAULT", {"progress": False, "adapt_channels": True})]


@pytest.mark.parametrize(("classes", "theirs"), [(10, "1000 classes, the model 10"), (0, None)])
def test_a_head_that_is_new_is_told(classes, theirs, saved):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        create_model("swinv2_tiny_window8_256", weights=saved, num_classes=classes, **NARROW)
    expected = [f"The head was kept as it was: the checkpoint has {theirs}."] if theirs else []
    assert [str(each.message) for each in told] == expected


def test_weights_that_are_no_file_are_refused():
    with pytest.raises(CheckpointError, match="there is no file DEFAULT"):
        create_model("swin_tiny_patch4_window7_224", weights="DEFAULT", **NARROW)
