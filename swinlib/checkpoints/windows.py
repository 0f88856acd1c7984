"""The windows that a checkpoint was trained with, as its tables, coordinates and index buffers show them."""

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..arguments import Size, to_pair
from ..attention import BaseWindowAttention, WindowAttentionV2
from ..windows import relative_position_index
from .errors import CheckpointError
from .layouts import TABLE, Naming, Tensors

Window = tuple[int, int]


def table_rows(window: Window) -> int:
    """Rows of the position bias table of a window: its offsets."""
    return (2 * window[0] - 1) * (2 * window[1] - 1)


def resize_position_bias_table(table: Tensor, from_window: Size, to_window: Size) -> Tensor:
    """A table for another window: taken as an image of ``(2Mh-1) x (2Mw-1)`` offsets and resized, bicubic.

    Args:
        table: ``((2Mh-1) * (2Mw-1), heads)`` of ``from_window``.
        from_window: M, or ``(Mh, Mw)``.
        to_window: the same.

    Returns:
        The table of ``to_window``; ``table`` itself where the windows are equal.

    Raises:
        CheckpointError: if the table does not have the rows of ``from_window``.

    Source: reference code of arXiv 2103.14030, ``utils.load_pretrained``.
    """
    (sh, sw), (th, tw) = to_pair(from_window, "from_window"), to_pair(to_window, "to_window")
    if table.dim() != 2 or len(table) != table_rows((sh, sw)):
        raise CheckpointError(
            f"a window of {sh}x{sw} has a table of shape ({table_rows((sh, sw))}, heads), got {tuple(table.shape)}."
        )
    if (sh, sw) == (th, tw):
        return table
    image = table.T.unflatten(1, (2 * sh - 1, 2 * sw - 1))[None]
    image = F.interpolate(image, size=(2 * th - 1, 2 * tw - 1), mode="bicubic", align_corners=False)
    return image[0].flatten(1).T.contiguous()


def shown_windows(
    tensors: Tensors, naming: Naming, name: str, attention: BaseWindowAttention
) -> tuple[Window | None, Window | None]:
    """The window of an attention in a checkpoint, and the window that it was trained with.

    The two differ in v2 alone, where a larger window may go on with the coordinates of a smaller one.

    Args:
        tensors: of the checkpoint.
        naming: of its layout.
        name: of the attention, a key of the model without its last part.
        attention: of the model, whose window is tried first where a table fits several.

    Returns:
        Each ``(Mh, Mw)``, or None where the checkpoint does not show it.
    """

    def tensor(part: str) -> Tensor | None:
        places = naming(f"{name}.{part}")
        return tensors.get(places[0].name) if places else None

    window = _of_index(tensor("relative_position_index"))
    if isinstance(attention, WindowAttentionV2):
        coords = tensor("relative_coords_table")
        if coords is None or coords.dim() != 4 or coords.shape[3] != 2 or min(coords.shape[1:3]) < 1:
            return window, None
        sides = (coords.shape[1] + 1) // 2, (coords.shape[2] + 1) // 2
        return sides, _of_coordinates(coords)
    window = window or _of_table(tensor(TABLE), attention.window_size)
    return window, window


def _of_index(index: Tensor | None) -> Window | None:
    """The window whose index of relative positions this is, ``(N, N)`` or flat."""
    tokens = 0 if index is None or index.is_floating_point() else math.isqrt(index.numel())
    if index is None or tokens * tokens != index.numel():
        return None
    sides = (height for height in range(1, tokens + 1) if tokens % height == 0)
    windows = [(height, tokens // height) for height in sides]
    flat = index.flatten().cpu()
    return next((window for window in windows if torch.equal(flat, _flat_index(window))), None)


@cache
def _flat_index(window: Window) -> Tensor:
    return relative_position_index(window, device=torch.device("cpu")).flatten()


def _of_table(table: Tensor | None, own: Window) -> Window | None:
    """The model's window if the table has its rows, else the square one that has."""
    rows = 0 if table is None or table.dim() != 2 else len(table)
    square = (math.isqrt(rows) + 1) // 2
    return next((window for window in (own, (square, square)) if table_rows(window) == rows), None)


def _of_coordinates(coords: Tensor) -> Window | None:
    """For a training window P, the largest offset M - 1 became log2(1 + 8 (M - 1) / (P - 1)) / 3."""
    if min(coords.shape[1:3]) < 3:
        return None
    steps = torch.tensor([(side - 1) // 2 for side in coords.shape[1:3]])
    trained = 1 + 8 * steps / torch.expm1(3 * math.log(2) * coords.double().amax(dim=(0, 1, 2)).cpu())
    return tuple(trained.round().int().tolist()) if trained.isfinite().all() and trained.min() >= 1.5 else None
