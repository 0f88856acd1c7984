"""The published sizes of Swin, on request with the weights that torchvision publishes."""

from typing import Any

from .checkpoints import load_torchvision_weights
from .model import SwinTransformer


def _published(
    name: str, weights: Any, progress: bool, defaults: dict[str, Any], options: dict[str, Any]
) -> SwinTransformer:
    model = SwinTransformer(**{**defaults, **options})
    if weights is not None:
        load_torchvision_weights(model, name, weights, progress=progress)
    return model


_TINY = {"embed_dim": 96, "depths": (2, 2, 6, 2), "num_heads": (3, 6, 12, 24), "drop_path_rate": 0.2}
_SMALL = {"embed_dim": 96, "depths": (2, 2, 18, 2), "num_heads": (3, 6, 12, 24), "drop_path_rate": 0.3}
_BASE = {"embed_dim": 128, "depths": (2, 2, 18, 2), "num_heads": (4, 8, 16, 32), "drop_path_rate": 0.5}
_LARGE = {"embed_dim": 192, "depths": (2, 2, 18, 2), "num_heads": (6, 12, 24, 48), "drop_path_rate": 0.2}
_V2 = {"version": 2, "window_size": 8}


def swin_t(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin-T: 96 channels, 2-2-6-2 blocks, windows of 7.

    Args:
        weights: None, or the name (``"IMAGENET1K_V1"``, ``"DEFAULT"``) or enum of weights that torchvision
            publishes; they are fetched by torchvision.
        progress: show a bar while they are fetched.
        options: any argument of ``SwinTransformer`` instead of its default here.
    """
    return _published("swin_t", weights, progress, _TINY, options)


def swin_s(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin-S: 96 channels, 2-2-18-2 blocks, windows of 7. Arguments as in ``swin_t``."""
    return _published("swin_s", weights, progress, _SMALL, options)


def swin_b(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin-B: 128 channels, 2-2-18-2 blocks, windows of 7. Arguments as in ``swin_t``."""
    return _published("swin_b", weights, progress, _BASE, options)


def swin_l(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin-L: 192 channels, 2-2-18-2 blocks, windows of 7. torchvision publishes no weights for it."""
    return _published("swin_l", weights, progress, _LARGE, options)


def swin_v2_t(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin v2-T: 96 channels, 2-2-6-2 blocks, windows of 8. Arguments as in ``swin_t``."""
    return _published("swin_v2_t", weights, progress, {**_TINY, **_V2}, options)


def swin_v2_s(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin v2-S: 96 channels, 2-2-18-2 blocks, windows of 8. Arguments as in ``swin_t``."""
    return _published("swin_v2_s", weights, progress, {**_SMALL, **_V2}, options)


def swin_v2_b(*, weights: Any = None, progress: bool = True, **options: Any) -> SwinTransformer:
    """Swin v2-B: 128 channels, 2-2-18-2 blocks, windows of 8. Arguments as in ``swin_t``."""
    return _published("swin_v2_b", weights, progress, {**_BASE, **_V2}, options)
