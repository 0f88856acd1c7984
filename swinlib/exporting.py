"""Windows without a question about a size: what takes the place of a few functions while ``torch.export`` traces.

The library asks how large a map is: whether it must be padded, whether one window covers it. A trace keeps the answers
for the size that it was made with, and would be silently wrong at others. Here the same tokens go to the same places by
index, in arithmetic that holds for every batch, height and width, so that one ONNX file does::

    size = torch.export.Dim.DYNAMIC
    shapes = {"x": {0: size, 2: size, 3: size}}
    torch.onnx.export(model.eval(), (images,), "swin.onnx", dynamic_shapes=shapes)

``torch.onnx.export`` accepts images of any size to trace with. ``torch.export.export`` refuses a batch of one, and what
it gives refuses sizes at which a map or its windows become one, unless it traces as the other does: inside of
``with torch.fx.experimental._config.patch(backed_size_oblivious=True)``.
"""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from .arguments import Size, to_pair

if TYPE_CHECKING:
    from .blocks import SwinTransformerBlock

P = ParamSpec("P")
R = TypeVar("R")


def exported_as(by_index: Callable[P, R]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function with the one of this file that computes the same, and is called while an export traces it."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def either(*args: P.args, **kwargs: P.kwargs) -> R:
            return by_index(*args, **kwargs) if is_exporting() else function(*args, **kwargs)

        return either

    return decorate


def is_exporting() -> bool:
    """Whether ``torch.export`` is tracing, on its own or for ``torch.onnx.export``.

    Raises:
        RuntimeError: while ``torch.jit.trace`` does, which keeps the branches of one size and cannot be told of others.
    """
    if torch.jit.is_tracing():
        raise RuntimeError(
            "torch.jit.trace, which torch.onnx.export(dynamo=False) uses too, would keep the padding, shift and mask "
            "of this one image size, and be wrong at others. Use torch.export.export or torch.onnx.export(dynamo=True)."
        )
    return torch.compiler.is_exporting()


def shifted_window_attention(block: "SwinTransformerBlock", x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Attention within the windows of a map, ``(B, H, W, C)`` to ``(B, H, W, C)``."""
    mask = block.mask(x) if mask is None else mask
    (batch, height, width, channels), (mh, mw) = x.shape, block.window_size
    rows = _Side(height, mh, block.shift_size[0], x.device)
    cols = _Side(width, mw, block.shift_size[1], x.device)
    windows = _take(x, rows.source[:, None, :, None], cols.source[None, :, None, :])
    attended = block.attn(windows.reshape(batch * rows.windows * cols.windows, mh * mw, channels), mask)
    # and back: window by window, row by row, as `windows` lists them
    window = rows.window[:, None] * cols.windows + cols.window[None, :]
    place = (window * mh + rows.inside[:, None]) * mw + cols.inside[None, :]
    attended = attended.reshape(batch, rows.windows * cols.windows * mh * mw, channels)
    return attended.index_select(1, place.flatten()).reshape(batch, height, width, channels)


def shifted_window_mask(block: "SwinTransformerBlock", x: Tensor) -> Tensor | None:
    """The mask ``(nW, N, N)`` for a map of any size; None for a block without shift. It may be True everywhere."""
    if not any(block.shift_size):
        return None
    (mh, mw), (sh, sw) = block.window_size, block.shift_size
    rows, cols = _Side(x.shape[1], mh, sh, x.device), _Side(x.shape[2], mw, sw, x.device)
    regions = 2 * rows.wrapped[:, None, :, None].long() + cols.wrapped[None, :, None, :].long()
    regions = regions.reshape(rows.windows * cols.windows, mh * mw)
    return regions[:, :, None] == regions[:, None, :]


def pad_to_windows(x: Tensor, window_size: Size) -> Tensor:
    """Append rows and columns of zeros until whole windows tile the map, ``(B, H, W, C)`` to ``(B, H', W', C)``."""
    (batch, height, width, channels), (mh, mw) = x.shape, to_pair(window_size, "window_size")
    height, width = (height + mh - 1) // mh * mh, (width + mw - 1) // mw * mw
    rows, cols = torch.arange(height, device=x.device), torch.arange(width, device=x.device)
    return _take(x, rows[:, None], cols[None, :]).reshape(batch, height, width, channels)


def space_to_depth(x: Tensor) -> Tensor:
    """Stack each 2x2 neighbourhood into the channels, ``(B, H, W, C)`` to ``(B, ceil(H/2), ceil(W/2), 4C)``."""
    batch, height, width, channels = x.shape
    rows, cols = torch.arange((height + 1) // 2, device=x.device), torch.arange((width + 1) // 2, device=x.device)
    in_row, in_col = torch.tensor([0, 1, 0, 1], device=x.device), torch.tensor([0, 0, 1, 1], device=x.device)
    tokens = _take(x, 2 * rows[:, None, None] + in_row, 2 * cols[None, :, None] + in_col)
    return tokens.reshape(batch, (height + 1) // 2, (width + 1) // 2, 4 * channels)


class _Side:
    """Rows, or columns: what stands where after padding to whole windows and rolling by the shift.

    Attributes:
        windows: their number.
        source: ``(windows, M)``, the row of the padded map that each place gets.
        wrapped: ``(windows, M)``, whether it was rolled round the border.
        window: ``(size,)``, the window that each row of the map is in.
        inside: ``(size,)``, its place there.
    """

    def __init__(self, size: int, window_size: int, shift_size: int, device: torch.device) -> None:
        self.windows = (size + window_size - 1) // window_size
        padded = self.windows * window_size
        shift = shift_size * torch.sym_min(self.windows - 1, 1)  # none where one window covers the map
        places = torch.arange(padded, device=device).reshape(self.windows, window_size)
        self.wrapped = places >= padded - shift
        self.source = torch.where(self.wrapped, places - padded, places) + shift
        rolled = torch.arange(size, device=device) - shift
        rolled = torch.where(rolled < 0, rolled + padded, rolled)
        self.window, self.inside = rolled // window_size, rolled % window_size


def _take(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The tokens ``(B, places, C)`` of a map ``(B, H, W, C)`` at rows and columns, which broadcast; zeros outside."""
    batch, height, width, channels = x.shape
    index = torch.where((rows < height) & (columns < width), rows * width + columns, height * width)
    tokens = F.pad(x.reshape(batch, height * width, channels), (0, 0, 0, 1))  # the last one is the padding
    return tokens.index_select(1, index.flatten())
