"""Which token stands where: the numbers behind the pictures of windows, all taken from ``swinlib.windows``."""

from typing import NamedTuple

import torch
from torch import Tensor

from swinlib.arguments import Size, to_pair
from swinlib.windows import (
    cyclic_shift,
    effective_shift,
    pad_to_windows,
    shifted_window_mask,
    shifted_window_regions,
    window_reverse,
)


class Layout(NamedTuple):
    """Four integer maps ``(H', W')`` of a padded and rolled token map, one entry per position.

    ``token``: number of the token that stands there, counted row by row before the roll.
    ``window``: number of its window, in the order of ``window_partition``.
    ``region``: its label by ``shifted_window_regions``.
    ``group``: tokens with equal numbers may attend to each other, by ``shifted_window_mask``.
    ``shift``: the shift that was used, ``(rows, columns)``.
    """

    token: Tensor
    window: Tensor
    region: Tensor
    group: Tensor
    shift: tuple[int, int]

    def in_image(self) -> "Layout":
        """The same maps at the positions before the roll."""
        return Layout(*(_roll(values, self.shift, reverse=True) for values in self[:4]), self.shift)


def window_layout(height: int, width: int, window_size: Size, shift_size: Size = 0) -> Layout:
    """Pad a map of ``height`` x ``width`` tokens to whole windows, roll it, and say what stands where.

    Raises:
        ValueError: if the shift does not fit the window, or a size is not a positive integer.
    """
    height, width = to_pair((height, width), "the size of the map")
    shift = effective_shift(height, width, window_size, shift_size)
    mh, mw = to_pair(window_size, "window_size")
    padded = pad_to_windows(torch.zeros(1, height, width, 1), (mh, mw))
    rows, columns = padded.shape[1:3]
    token = _roll(torch.arange(rows * columns).view(rows, columns), shift)
    region = shifted_window_regions(rows, columns, (mh, mw), shift)
    mask = shifted_window_mask(rows, columns, (mh, mw), shift)
    windows, tokens = mask.shape[:2]
    number = torch.arange(windows).view(-1, 1).expand(-1, tokens)
    # "may attend to each other" is an equivalence, so the first allowed key names the class of a query
    group = torch.arange(windows).view(-1, 1) * tokens + mask.int().argmax(-1)
    window, group = (
        window_reverse(values.reshape(windows, mh, mw, 1), (mh, mw), rows, columns)[0, ..., 0]
        for values in (number, group)
    )
    return Layout(token, window, region, group, shift)


def _roll(values: Tensor, shift: tuple[int, int], reverse: bool = False) -> Tensor:
    return cyclic_shift(values[None, ..., None], shift, reverse=reverse)[0, ..., 0]
