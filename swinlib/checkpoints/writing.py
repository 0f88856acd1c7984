"""From the model to the checkpoint of another implementation."""

from math import lcm

from torch import Tensor

from ..arguments import to_pair
from ..attention import BaseWindowAttention, WindowAttentionV2
from ..model import SwinTransformer
from ..windows import effective_shift, shifted_window_mask
from .errors import CheckpointError, check_model
from .layouts import LAYOUTS, naming_of, scatter
from .report import in_list


def export_state_dict(model: SwinTransformer, layout: str, *, image_size: int | None = None) -> dict[str, Tensor]:
    """The model's weights under the names of another implementation, for its ``load_state_dict(strict=True)``.

    A model with a norm for each stage gives the backbone of a detector, without head: Microsoft's, OpenMMLab's, or
    for v1 Hugging Face's. ``"openmmlab"`` gives a classifier otherwise, and the backbone where the model has no head;
    ``"timm_features"`` is timm's ``features_only``, which has neither norms nor head.

    Args:
        model: v1 or v2.
        layout: ``"microsoft"``, ``"torchvision"``, ``"timm"``, ``"timm_features"``, ``"huggingface"``,
            ``"openmmlab"``, or ``"swinlib"``.
        image_size: side of the images that the other model is built for. Only Microsoft's saves masks, which depend
            on it; the smallest that suits every stage if not given: 224 for windows of 7, 256 for windows of 8.

    Returns:
        Copies of the tensors, on the model's device and of its dtype. Where the other implementation saves what it
        computed from its window or image size, that is there too.

    Raises:
        CheckpointError: if the layout is unknown or has no names for norms by stage, or Microsoft's model cannot be
            built for that image size.
    """
    check_model(model)
    if layout not in LAYOUTS:
        raise CheckpointError(f"unknown layout {layout!r}: expected one of {', '.join(map(repr, LAYOUTS))}.")
    backbone = model.stage_norms is not None or (layout == "openmmlab" and not model.num_classes)
    naming = naming_of(layout, model.version, len(model.layers), backbone=backbone)
    if naming is None:
        raise CheckpointError(
            f"a v{model.version} model of {layout} has no norms by stage. Export one that was built without "
            f"stage_norms."
        )
    tensors = model.state_dict()
    if layout in ("microsoft", "torchvision", "openmmlab"):
        tensors |= _buffers(model, flat=layout == "torchvision")
    if layout == "microsoft" and not backbone:
        tensors |= _masks(model, image_size)
    exported = scatter(tensors, naming)
    if layout == "huggingface" and backbone:  # it holds the classifier's norm too, and does not use it
        exported |= {f"swin.layernorm.{part}": tensors[f"norm.{part}"].clone() for part in ("weight", "bias")}
    return exported


def _buffers(model: SwinTransformer, flat: bool) -> dict[str, Tensor]:
    """What the peers save of their windows: the index, and v2's coordinates as an image of offsets."""
    tensors = {}
    for name, module in model.named_modules():
        if isinstance(module, BaseWindowAttention):
            index, (mh, mw) = module.relative_position_index, module.window_size
            tensors[f"{name}.relative_position_index"] = index.flatten() if flat else index
            if isinstance(module, WindowAttentionV2):
                coords = module.relative_coords_table.view(1, 2 * mh - 1, 2 * mw - 1, 2)
                tensors[f"{name}.relative_coords_table"] = coords
    return tensors


def _masks(model: SwinTransformer, image_size: int | None) -> dict[str, Tensor]:
    """The masks that Microsoft's blocks save: 0 and -100, for the shifted blocks of one image size."""
    windows, patch = model.window_size, model.patch_embed.patch_size
    if any(mh != mw for mh, mw in (*windows, patch)):
        raise CheckpointError(
            f"Microsoft's layout needs square windows and patches, the model has {in_list(windows)}, {patch}."
        )
    pixels = [patch[0] * 2**i for i in range(len(windows))]  # that a token of each stage is wide
    step = lcm(*(side * window[0] for side, window in zip(pixels, windows, strict=True)))
    height, width = to_pair(step if image_size is None else image_size, "image_size")
    if height != width or height % step:
        raise CheckpointError(
            f"image_size {image_size!r} does not suit Microsoft's model, which neither pads its maps to windows of "
            f"{in_list(windows)} nor keeps its windows on smaller maps. Give one multiple of {step}."
        )
    largest = max(window[0] for window in windows)
    smaller = [i for i, window in enumerate(windows) if window[0] < min(largest, height // pixels[i])]
    if smaller:
        raise CheckpointError(
            f"Microsoft's model has windows of {largest} in every stage whose map is larger; for images of {height} "
            f"pixels that is so in stage {smaller[0] + 1}, where this model has {windows[smaller[0]][0]}. Give the "
            f"image_size that its windows are for."
        )
    masks, weight = {}, model.norm.weight
    for i, stage in enumerate(model.layers):
        side = height // pixels[i]
        for j, block in enumerate(stage.blocks):
            shift = effective_shift(side, side, windows[i], block.shift_size)
            if any(shift):
                allowed = shifted_window_mask(side, side, windows[i], shift, device=weight.device)
                masks[f"layers.{i}.blocks.{j}.attn_mask"] = -100 * (~allowed).to(weight.dtype)
    return masks
