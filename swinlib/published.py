"""Every published Swin, v1, v2 and S3, by the names under which weights are published: one table, and what builds it.

``create_model("swinv2_tiny_window16_256")`` builds one, ``find`` says what is published under a name, and ``names``
lists the names of torchvision, of timm and of Microsoft.

Not here, since they are other networks: timm's ``swinv2_cr``, torchvision's ``swin3d``, Microsoft's Swin-MoE and
Swin-MLP, and SwinV2-H and -G, which have more norms. Nor what SimMIM pretrained and did not finetune: it has a token
for masked patches.

Sources: ``MODELHUB.md`` and ``configs`` of github.com/microsoft/Swin-Transformer and microsoft/SimMIM;
``AutoFormerV2`` of microsoft/Cream (S3, arXiv 2111.14725); ``torchvision.models``; ``timm.models``.
"""

import difflib
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from .checkpoints import load_checkpoint, load_torchvision_weights
from .model import SwinTransformer

# ---- the table -----------------------------------------------------------------------------------------------------

# fmt: off
_SIZES = {  # embed_dim, depths, num_heads
    "tiny":     ( 96, (2, 2,  6, 2), (3,  6, 12, 24)),
    "tiny c24": ( 96, (2, 2,  6, 2), (4,  8, 16, 32)),
    "small":    ( 96, (2, 2, 18, 2), (3,  6, 12, 24)),
    "base":     (128, (2, 2, 18, 2), (4,  8, 16, 32)),
    "large":    (192, (2, 2, 18, 2), (6, 12, 24, 48)),
    "s3 base":  ( 96, (2, 2, 30, 2), (3,  6, 12, 24)),
}

# What the name of Microsoft's file or config has at its end, and the drop-path rate of that training.
_T = {"": 0.2, "_22k": 0.1, "_22kto1k_finetune": 0.1}
_S = {"": 0.3, "_22k": 0.2, "_22kto1k_finetune": 0.2}
_L = {"_22kto1k": 0.2, "_22kto1k_finetune": 0.2, "_22k": 0.2}
_B = {"": 0.5, **_L}


class _Network(NamedTuple):
    version: int
    size: str
    image_size: int
    windows: tuple[int, ...]  # of each stage: the one in the name, or all of the map where that is smaller
    pretrained_windows: tuple[int, ...] | None  # of the weights that the training began with, where they count (v2)
    trainings: dict[str, float]


_MICROSOFT_AND_TIMM = {  # in timm's names, v2 has no "_patch4"
    "swin_tiny_patch4_window7_224":   _Network(1, "tiny",  224, ( 7,  7,  7,  7), None, _T),
    "swin_small_patch4_window7_224":  _Network(1, "small", 224, ( 7,  7,  7,  7), None, _S),
    "swin_base_patch4_window7_224":   _Network(1, "base",  224, ( 7,  7,  7,  7), None, _B),
    "swin_base_patch4_window12_384":  _Network(1, "base",  384, (12, 12, 12, 12), None, {**_B, "_finetune": 0.5}),
    "swin_large_patch4_window7_224":  _Network(1, "large", 224, ( 7,  7,  7,  7), None, _L),
    "swin_large_patch4_window12_384": _Network(1, "large", 384, (12, 12, 12, 12), None, _L),

    "swinv2_tiny_patch4_window8_256":   _Network(2, "tiny",  256, ( 8,  8,  8,  8), None, {"": 0.2}),
    "swinv2_tiny_patch4_window16_256":  _Network(2, "tiny",  256, (16, 16, 16,  8), None, {"": 0.2}),
    "swinv2_small_patch4_window8_256":  _Network(2, "small", 256, ( 8,  8,  8,  8), None, {"": 0.3}),
    "swinv2_small_patch4_window16_256": _Network(2, "small", 256, (16, 16, 16,  8), None, {"": 0.3}),
    "swinv2_base_patch4_window8_256":   _Network(2, "base",  256, ( 8,  8,  8,  8), None, {"": 0.5}),
    "swinv2_base_patch4_window16_256":  _Network(2, "base",  256, (16, 16, 16,  8), None, {"": 0.5}),
    "swinv2_base_patch4_window12_192":  _Network(2, "base",  192, (12, 12, 12,  6), None, {"_22k": 0.2}),
    "swinv2_large_patch4_window12_192": _Network(2, "large", 192, (12, 12, 12,  6), None, {"_22k": 0.2}),
    "swinv2_base_patch4_window12to16_192to256":
        _Network(2, "base",  256, (16, 16, 16,  8), (12, 12, 12, 6), {"_22kto1k_ft": 0.2}),
    "swinv2_large_patch4_window12to16_192to256":
        _Network(2, "large", 256, (16, 16, 16,  8), (12, 12, 12, 6), {"_22kto1k_ft": 0.2}),
    "swinv2_base_patch4_window12to24_192to384":
        _Network(2, "base",  384, (24, 24, 24, 12), (12, 12, 12, 6), {"_22kto1k_ft": 0.2}),
    "swinv2_large_patch4_window12to24_192to384":
        _Network(2, "large", 384, (24, 24, 24, 12), (12, 12, 12, 6), {"_22kto1k_ft": 0.2}),
}
_TIMM = {
    "swin_s3_tiny_224":  _Network(1, "tiny",    224, ( 7,  7, 14,  7), None, {"": 0.1}),
    "swin_s3_small_224": _Network(1, "small",   224, (14, 14, 14,  7), None, {"": 0.1}),
    "swin_s3_base_224":  _Network(1, "s3 base", 224, ( 7,  7, 14,  7), None, {"": 0.1}),
}
_MICROSOFT = {
    "swin_tiny_c24_patch4_window8_256": _Network(1, "tiny c24", 256, (8, 8, 8, 8), None, {"": 0.2}),
    "simmim_finetune__swin_base__img192_window6":
        _Network(1, "base",  192, ( 6,  6,  6,  6), None, {"__100ep": 0.1}),
    "simmim_finetune__swin_base__img224_window7":
        _Network(1, "base",  224, ( 7,  7,  7,  7), None, {"__100ep": 0.1, "__800ep": 0.1}),
    "simmim_finetune__swin_large__img224_window14":
        _Network(1, "large", 224, (14, 14, 14,  7), None, {"__800ep": 0.2}),
    "simmim_finetune__swinv2_base__img224_window14":
        _Network(2, "base",  224, (14, 14, 14,  7), (12, 12, 12, 6), {"__800ep": 0.1}),
}
_OTHER_NAMES = {  # publisher: name: the same network above
    "torchvision": {
        "swin_t": "swin_tiny_patch4_window7_224",  "swin_v2_t": "swinv2_tiny_patch4_window8_256",
        "swin_s": "swin_small_patch4_window7_224", "swin_v2_s": "swinv2_small_patch4_window8_256",
        "swin_b": "swin_base_patch4_window7_224",  "swin_v2_b": "swinv2_base_patch4_window8_256",
    },
    "Microsoft": {"S3-T": "swin_s3_tiny_224", "S3-S": "swin_s3_small_224", "S3-B": "swin_s3_base_224"},
    "swinlib": {"swin_l": "swin_large_patch4_window7_224"},
}
# timm's tag for an ending, and what it wrote instead of the tag, in v1 and in v2, before there were tags
_TAGS = {
    "": (".ms_in1k", "", ""),
    "_22k": (".ms_in22k", "_in22k", "_22k"),
    "_22kto1k_finetune": (".ms_in22k_ft_in1k", "", ""),
    "_22kto1k_ft": (".ms_in22k_ft_in1k", "", "_22kft1k"),
}
# fmt: on


# ---- reading it ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Published:
    """What is published under a name.

    Attributes:
        name: as the publisher writes it.
        publishers: ``"torchvision"``, ``"timm"``, ``"Microsoft"``, of which several may use one name; ``"swinlib"`` for
            a name that only swinlib has.
        version: 1 or 2.
        embed_dim: C of the first stage.
        depths: blocks of each stage.
        num_heads: heads of each stage.
        image_size: side of the images of the training, in pixels.
        windows: of each stage, for images of that size.
        pretrained_windows: of each stage, in the training that this one began with, or None. Only of v2, whose
            position bias goes on in that scale.
        num_classes: 1000 for ImageNet-1K, 21841 for ImageNet-22K.
        drop_path_rate: of the training.
    """

    name: str
    publishers: tuple[str, ...]
    version: int
    embed_dim: int
    depths: tuple[int, ...]
    num_heads: tuple[int, ...]
    image_size: int
    windows: tuple[int, ...]
    pretrained_windows: tuple[int, ...] | None
    num_classes: int
    drop_path_rate: float

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of ``SwinTransformer`` that build it."""
        arguments = {name: getattr(self, name) for name in ("version", "embed_dim", "depths", "num_heads")}
        arguments |= {"window_size": _by_stage(self.windows), "num_classes": self.num_classes}
        if self.pretrained_windows is not None:
            arguments["pretrained_window_size"] = _by_stage(self.pretrained_windows)
        return {**arguments, "drop_path_rate": self.drop_path_rate}


def _by_stage(windows: tuple[int, ...]) -> int | list[int]:
    """Windows as ``SwinTransformer`` takes them: one integer, or a list where the stages differ."""
    return windows[0] if len(set(windows)) == 1 else list(windows)


def _published(name: str, publisher: str, network: _Network, ending: str) -> Published:
    embed_dim, depths, num_heads = _SIZES[network.size]
    return Published(
        name=name,
        publishers=(publisher,),
        version=network.version,
        embed_dim=embed_dim,
        depths=depths,
        num_heads=num_heads,
        image_size=network.image_size,
        windows=network.windows,
        pretrained_windows=network.pretrained_windows,
        num_classes=21841 if ending == "_22k" else 1000,
        drop_path_rate=network.trainings[ending],
    )


def _timm_names(stem: str, network: _Network, ending: str) -> Iterator[str]:
    """With the tag, in the old way, and bare. A bare name is of several trainings; the first of them counts."""
    stem = stem.replace("_patch4", "") if network.version == 2 else stem
    if ending in _TAGS:
        tag, *old = _TAGS[ending]
        yield stem + tag
        if network.size in ("base", "large") and old[network.version - 1]:
            yield stem + old[network.version - 1]
    yield stem


def _entries() -> Iterator[Published]:
    """One for each name of each publisher."""
    for stem, network in (_MICROSOFT_AND_TIMM | _MICROSOFT).items():
        for ending in network.trainings:
            yield _published(stem + ending, "Microsoft", network, ending)
    for stem, network in (_MICROSOFT_AND_TIMM | _TIMM).items():
        for ending in network.trainings:
            for name in _timm_names(stem, network, ending):
                yield _published(name, "timm", network, ending)
    for publisher, others in _OTHER_NAMES.items():
        for name, stem in others.items():
            network = (_MICROSOFT_AND_TIMM | _TIMM)[stem]
            yield _published(name, publisher, network, next(iter(network.trainings)))


def _collect() -> dict[str, Published]:
    known: dict[str, Published] = {}
    for entry in _entries():
        first = known.setdefault(entry.name, entry)
        if entry.publishers[0] not in first.publishers:
            known[entry.name] = replace(first, publishers=first.publishers + entry.publishers)
    return known


_KNOWN = _collect()


def names(publisher: str | None = None) -> list[str]:
    """All names, or those of one publisher: ``"torchvision"``, ``"timm"`` or ``"Microsoft"``.

    timm's are those with a tag, those without, and those that it had before there were tags.
    """
    publishers = sorted({each for entry in _KNOWN.values() for each in entry.publishers})
    if publisher is not None and publisher not in publishers:
        raise ValueError(f"unknown publisher {publisher!r}: expected one of {', '.join(map(repr, publishers))}.")
    return sorted(name for name, entry in _KNOWN.items() if publisher is None or publisher in entry.publishers)


def find(name: str) -> Published:
    """What is published under a name: windows, image size, publishers and the rest.

    The name may be written as on the Hugging Face hub, ``"microsoft/swin-tiny-patch4-window7-224"``, and be that of a
    file, ``"swin_tiny_patch4_window7_224.pth"``.

    Raises:
        ValueError: if there is nothing under this name; the message says which names are near.
    """
    plain = str(name).rpartition("/")[2].removesuffix(".pth")
    found = _KNOWN.get(plain) or _KNOWN.get(plain.replace("-", "_"))
    if found is None:
        near = difflib.get_close_matches(plain.replace("-", "_"), _KNOWN, n=3)
        hint = f"Near it: {', '.join(near)}. " if near else ""
        raise ValueError(
            f"no Swin is published as {name!r}. {hint}swinlib.published.names() lists all {len(_KNOWN)} names."
        )
    return found


# ---- building ------------------------------------------------------------------------------------------------------


def create_model(
    name: str, *, weights: Any = None, progress: bool = True, adapt_channels: bool = False, **options: Any
) -> SwinTransformer:
    """A published Swin by its name, v1, v2 or S3.

    Args:
        name: ``"swinv2_tiny_window16_256"``, with timm's tag or without, Microsoft's
            ``"swinv2_tiny_patch4_window16_256"``, torchvision's ``"swin_v2_t"``; see ``names``. A tag or ending decides
            on the number of classes; without one, it is what Microsoft publishes under that name, or else timm.
        weights: None; for a name of torchvision the weights that it publishes, as in ``swin_t``; or a file or dict of
            tensors, as in ``load_checkpoint``.
        progress: show a bar while torchvision's weights are fetched.
        adapt_channels: fit the weights to images of other channels; see ``load_checkpoint``.
        options: any argument of ``SwinTransformer`` instead of the one published. Where ``window_size`` is among them
            and weights of v2 are loaded, ``pretrained_window_size`` is the published window if it is not given.

    Warns:
        UserWarning: if the weights have no head for ``num_classes``, so that the model's is a new one.

    Raises:
        ValueError: if the name is unknown, or the options do not fit together.
        CheckpointError: if the weights cannot be loaded.
    """
    entry = find(name)
    arguments = {**entry.arguments, **options}
    if weights is not None and arguments["version"] == 2 and "window_size" in options:
        arguments.setdefault("pretrained_window_size", _by_stage(entry.windows))
    model = SwinTransformer(**arguments)
    if weights is not None:
        is_file = isinstance(weights, (os.PathLike, Mapping))
        if is_file or not {"torchvision", "swinlib"} & set(entry.publishers):
            report = load_checkpoint(model, weights, adapt_channels=adapt_channels)
        else:
            report = load_torchvision_weights(
                model, entry.name, weights, progress=progress, adapt_channels=adapt_channels
            )
        if report.head == "kept":
            warnings.warn(report.about_head(), stacklevel=2)
    return model


def swin_t(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin-T: 96 channels, 2-2-6-2 blocks, windows of 7.

    Args:
        weights: None, or the name (``"IMAGENET1K_V1"``, ``"DEFAULT"``) or enum of weights that torchvision
            publishes; they are fetched by torchvision.
        progress: show a bar while they are fetched.
        options: any argument of ``SwinTransformer`` instead of its default here, and ``adapt_channels`` of
            ``create_model``.
    """
    return create_model("swin_t", weights=weights, progress=progress, **options)


def swin_s(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin-S: 96 channels, 2-2-18-2 blocks, windows of 7. Arguments as in ``swin_t``."""
    return create_model("swin_s", weights=weights, progress=progress, **options)


def swin_b(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin-B: 128 channels, 2-2-18-2 blocks, windows of 7. Arguments as in ``swin_t``."""
    return create_model("swin_b", weights=weights, progress=progress, **options)


def swin_l(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin-L: 192 channels, 2-2-18-2 blocks, windows of 7. torchvision publishes no weights for it."""
    return create_model("swin_l", weights=weights, progress=progress, **options)


def swin_v2_t(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin v2-T: 96 channels, 2-2-6-2 blocks, windows of 8. Arguments as in ``swin_t``."""
    return create_model("swin_v2_t", weights=weights, progress=progress, **options)


def swin_v2_s(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin v2-S: 96 channels, 2-2-18-2 blocks, windows of 8. Arguments as in ``swin_t``."""
    return create_model("swin_v2_s", weights=weights, progress=progress, **options)


def swin_v2_b(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin v2-B: 128 channels, 2-2-18-2 blocks, windows of 8. Arguments as in ``swin_t``."""
    return create_model("swin_v2_b", weights=weights, progress=progress, **options)
