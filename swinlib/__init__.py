"""Swin Transformer in small readable parts.

The library of the book *Swin Transformer from the inside*. Read it in the order of its imports: ``windows``,
``attention`` and ``resampling``, ``blocks``, ``model``; everything else stands on these.
"""
# ruff: noqa: F401

from __future__ import annotations  # so that a Python that is too old can run the doctor and be told so

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# Each module with the names that it gives to the package. A module is imported when one of its names is first asked
# for, not before: `python -m swinlib.doctor` imports this file too, where torch may be missing, broken or slow.
_MODULES = {
    "windows": (
        "cyclic_shift",
        "effective_shift",
        "pad_to_windows",
        "relative_coords_table",
        "relative_position_index",
        "shifted_window_mask",
        "shifted_window_regions",
        "window_partition",
        "window_reverse",
    ),
    "attention": ("BaseWindowAttention", "WindowAttention", "WindowAttentionV2"),
    "resampling": (
        "PatchEmbed",
        "PatchExpanding",
        "PatchMerging",
        "PatchMergingV2",
        "space_to_depth",
        "depth_to_space",
    ),
    "blocks": ("DropPath", "Mlp", "SwinStage", "SwinTransformerBlock", "SwinTransformerBlockV2"),
    "init": ("init_weights",),
    "model": ("SwinTransformer",),
    "segmentation": ("SwinUNet",),
    "checkpoints": ("CheckpointError", "CheckpointReport", "export_state_dict", "load_checkpoint"),
    "published": (
        "Published",
        "create_model",
        "swin_b",
        "swin_l",
        "swin_s",
        "swin_t",
        "swin_v2_b",
        "swin_v2_s",
        "swin_v2_t",
    ),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_MODULE_OF)

if TYPE_CHECKING:  # the same names for editors and type checkers, which do not run the function below
    from .attention import BaseWindowAttention, WindowAttention, WindowAttentionV2
    from .blocks import DropPath, Mlp, SwinStage, SwinTransformerBlock, SwinTransformerBlockV2
    from .checkpoints import CheckpointError, CheckpointReport, export_state_dict, load_checkpoint
    from .init import init_weights
    from .model import SwinTransformer
    from .published import (
        Published,
        create_model,
        swin_b,
        swin_l,
        swin_s,
        swin_t,
        swin_v2_b,
        swin_v2_s,
        swin_v2_t,
    )
    from .resampling import PatchEmbed, PatchExpanding, PatchMerging, PatchMergingV2, depth_to_space, space_to_depth
    from .segmentation import SwinUNet
    from .windows import (
        cyclic_shift,
        effective_shift,
        pad_to_windows,
        relative_coords_table,
        relative_position_index,
        shifted_window_mask,
        shifted_window_regions,
        window_partition,
        window_reverse,
    )
else:  # hidden from type checkers, for which a module with a __getattr__ has every name, misspelt ones too

    def __getattr__(name: str) -> object:
        """Return a name of the table, or a module in it, and keep it, so that the next time is an ordinary look-up."""
        if name not in _MODULE_OF and name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            module = importlib.import_module(f".{_MODULE_OF.get(name, name)}", __name__)
        except ImportError as error:
            raise ImportError(
                f"swinlib.{name} cannot be imported: {error}. "
                "Run `python -m swinlib.doctor`: it says what is missing and what to type",
                name=error.name,
                path=error.path,
            ) from error
        value = module if name in _MODULES else getattr(module, name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return what is here already and what is imported when it is asked for."""
    return sorted({*globals(), *__all__, *_MODULES})
