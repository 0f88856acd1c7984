"""Swin Transformer in small readable parts.

The library of the book *Swin Transformer from the inside*. Read it in the order of its imports: ``windows``,
``attention`` and ``resampling``, ``blocks``, ``model``; everything else stands on these.
"""

import sys

# `python -m swinlib.doctor` must be able to say that torch is missing, so it does without all of this.
if "swinlib.doctor" not in sys.orig_argv:
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
    from .resampling import PatchEmbed, PatchExpanding, PatchMerging, PatchMergingV2, gather_2x2, scatter_patches
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

__all__ = [
    "BaseWindowAttention",
    "CheckpointError",
    "CheckpointReport",
    "DropPath",
    "Mlp",
    "PatchEmbed",
    "PatchExpanding",
    "PatchMerging",
    "PatchMergingV2",
    "Published",
    "SwinStage",
    "SwinTransformer",
    "SwinTransformerBlock",
    "SwinTransformerBlockV2",
    "SwinUNet",
    "WindowAttention",
    "WindowAttentionV2",
    "create_model",
    "cyclic_shift",
    "effective_shift",
    "export_state_dict",
    "gather_2x2",
    "init_weights",
    "load_checkpoint",
    "pad_to_windows",
    "relative_coords_table",
    "relative_position_index",
    "scatter_patches",
    "shifted_window_mask",
    "shifted_window_regions",
    "swin_b",
    "swin_l",
    "swin_s",
    "swin_t",
    "swin_v2_b",
    "swin_v2_s",
    "swin_v2_t",
    "window_partition",
    "window_reverse",
]
