"""Window arithmetic: pure functions on tensors, the ground that everything else stands on.

A feature map is channels-last, ``(B, H, W, C)``. ``M`` is the window size, ``Mh`` and ``Mw`` where the two
sides may differ, ``nW`` the number of windows of one map and ``N = Mh * Mw`` the tokens of one window.
Sizes and shifts are given as one integer or as ``(height, width)``.

Source: Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows",
arXiv 2103.14030, section 3.2.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from . import exporting
from .arguments import Size, check_shift_fits, to_pair
from .exporting import exported_as, is_exporting


def check_map(x: Tensor, name: str, channels: int | None = None) -> None:
    """Raise ``ValueError`` unless x is a map ``(B, H, W, C)``, with that many channels if a number is given."""
    if x.dim() != 4 or channels not in (None, x.shape[3]):
        channels_first = x.dim() == 4 and x.shape[1] == channels
        hint = " It looks channels-first: x.permute(0, 2, 3, 1)." if channels_first else ""
        raise ValueError(f"{name} expects a map (B, H, W, {channels or 'C'}), got shape {tuple(x.shape)}.{hint}")


def window_partition(x: Tensor, window_size: Size) -> Tensor:
    """Cut a map into windows that do not overlap, row of windows by row of windows.

    Args:
        x: ``(B, H, W, C)``; H and W are multiples of the window's sides (see ``pad_to_windows``).
        window_size: M, or ``(Mh, Mw)``.

    Returns:
        ``(B * nW, Mh, Mw, C)``. All windows of the first image come first.

    Raises:
        ValueError: if x does not have four dimensions, or the windows do not tile it.
    """
    mh, mw = to_pair(window_size, "window_size")
    check_map(x, "window_partition")
    b, h, w, c = x.shape
    if h % mh or w % mw:
        raise ValueError(
            f"windows of {mh}x{mw} do not tile a map of {h}x{w}. Pad it first: pad_to_windows(x, {window_size!r})."
        )
    x = x.reshape(b, h // mh, mh, w // mw, mw, c)
    return x.transpose(2, 3).reshape(-1, mh, mw, c)


def window_reverse(windows: Tensor, window_size: Size, height: int, width: int) -> Tensor:
    """Put windows back together; the inverse of ``window_partition``.

    Args:
        windows: ``(B * nW, Mh, Mw, C)``.
        window_size: M, or ``(Mh, Mw)``.
        height: H of the map; a multiple of Mh.
        width: W of the map; a multiple of Mw.

    Returns:
        ``(B, H, W, C)``.

    Raises:
        ValueError: if windows of that size cannot make a map of that size.
    """
    mh, mw = to_pair(window_size, "window_size")
    if windows.dim() != 4 or windows.shape[1:3] != (mh, mw):
        raise ValueError(
            f"window_reverse expects windows (B * nW, {mh}, {mw}, C) for window_size {window_size!r}, "
            f"got shape {tuple(windows.shape)}."
        )
    rows, cols = height // mh, width // mw
    if height % mh or width % mw or min(rows, cols) < 1 or windows.shape[0] % (rows * cols):
        raise ValueError(
            f"{windows.shape[0]} windows of {mh}x{mw} do not make maps of {height}x{width}. Give the height and "
            f"width that were partitioned: multiples of {mh} and {mw}, after padding."
        )
    x = windows.reshape(-1, rows, cols, mh, mw, windows.shape[-1])
    return x.transpose(2, 3).reshape(-1, height, width, windows.shape[-1])


def padded_size(height: int, width: int, window_size: Size) -> tuple[int, int]:
    """Height and width rounded up to whole windows."""
    mh, mw = to_pair(window_size, "window_size")
    return (height + mh - 1) // mh * mh, (width + mw - 1) // mw * mw


@exported_as(exporting.pad_to_windows)
def pad_to_windows(x: Tensor, window_size: Size) -> Tensor:
    """Append rows and columns of zeros until whole windows tile the map.

    Args:
        x: ``(B, H, W, C)``.
        window_size: M, or ``(Mh, Mw)``.

    Returns:
        ``(B, H', W', C)`` with H' and W' rounded up; x itself if nothing is missing.
    """
    check_map(x, "pad_to_windows")
    height, width = x.shape[1:3]
    padded_height, padded_width = padded_size(height, width, window_size)
    if (padded_height, padded_width) == (height, width):
        return x
    return F.pad(x, (0, 0, 0, padded_width - width, 0, padded_height - height))


def effective_shift(height: int, width: int, window_size: Size, shift_size: Size) -> tuple[int, int]:
    """The shift that a map of this size gets: none along a side that one window covers.

    There the shifted window would hold the same tokens as the plain one, and the mask would only take
    neighbours away.

    Returns:
        ``(shift of rows, shift of columns)``.
    """
    (mh, mw), (sh, sw) = check_shift_fits(window_size, shift_size)
    if is_exporting() and not (isinstance(height, int) and isinstance(width, int)):
        raise RuntimeError(
            f"effective_shift asks whether a window covers the map, which an export with a free size ({height}, "
            f"{width}) cannot keep. Export blocks, stages or models: these do without it."
        )
    return (sh if height > mh else 0, sw if width > mw else 0)


def cyclic_shift(x: Tensor, shift_size: Size, *, reverse: bool = False) -> Tensor:
    """Roll a map up and to the left; what leaves at the top comes back at the bottom (paper, figure 4).

    Args:
        x: ``(B, H, W, C)``.
        shift_size: s, or ``(rows, columns)``.
        reverse: roll down and to the right instead, which undoes the shift.

    Returns:
        ``(B, H, W, C)``; token ``(i, j)`` of the result is token ``(i + s, j + s)``, modulo H and W, of x.
    """
    check_map(x, "cyclic_shift")
    sh, sw = to_pair(shift_size, "shift_size", minimum=0)
    return x.roll((sh, sw) if reverse else (-sh, -sw), dims=(1, 2)) if sh or sw else x


def shifted_window_regions(
    height: int, width: int, window_size: Size, shift_size: Size, *, device: torch.device | None = None
) -> Tensor:
    """Label each token of the *rolled* map by the region of the image that it came from.

    Within one window, tokens were neighbours in the image exactly when their labels agree. Two labels per
    axis are enough, "rolled round the border" or not: the paper's drawing has nine regions, but the
    borders between the others are borders of windows already.

    Returns:
        ``(H, W)``, int64, values 0 to 3.
    """
    _, (sh, sw) = check_shift_fits(window_size, shift_size)
    if height < 1 or width < 1:
        raise ValueError(f"a map has at least one row and one column, got height {height} and width {width}.")
    rows = torch.arange(height, device=device) >= height - sh
    cols = torch.arange(width, device=device) >= width - sw
    return 2 * rows[:, None].long() + cols[None, :].long()


def shifted_window_mask(
    height: int,
    width: int,
    window_size: Size,
    shift_size: Size,
    *,
    additive: bool = False,
    dtype: torch.dtype = torch.float32,
    device: torch.device | None = None,
) -> Tensor:
    """Which pairs of tokens of a rolled map may attend to each other, window by window.

    Args:
        height: H of the padded map, a multiple of Mh.
        width: W of the padded map, a multiple of Mw.
        window_size: M, or ``(Mh, Mw)``.
        shift_size: s, or ``(rows, columns)``; smaller than the window.
        additive: return 0 and minus infinity, to be added to the logits, instead of True and False.
        dtype: of the additive mask.
        device: where to make it.

    Returns:
        ``(nW, N, N)``. Boolean: True where the query (row) may attend to the key (column), as in
        ``torch.nn.functional.scaled_dot_product_attention``. Every row has a True: the token itself.

    Raises:
        ValueError: if windows do not tile the map or the shift does not fit the window.
        TypeError: if the mask is to be added and the dtype has no infinity.
    """
    if additive and not dtype.is_floating_point:
        raise TypeError(f"an additive mask needs a floating-point dtype, for minus infinity; got {dtype}.")
    regions = shifted_window_regions(height, width, window_size, shift_size, device=device)
    regions = window_partition(regions[None, :, :, None], window_size).flatten(1)  # (nW, N)
    allowed = regions[:, :, None] == regions[:, None, :]
    if not additive:
        return allowed
    return torch.zeros(allowed.shape, dtype=dtype, device=device).masked_fill(~allowed, float("-inf"))


def relative_position_index(window_size: Size, *, device: torch.device | None = None) -> Tensor:
    """The row of the bias table that belongs to each pair of tokens of a window.

    Query minus key gives an offset ``(dy, dx)`` in ``[-(M-1), M-1]``; shifted to start at zero it is a
    cell of a ``(2Mh-1) x (2Mw-1)`` table, stored row by row:
    ``index = (dy + Mh - 1) * (2 * Mw - 1) + (dx + Mw - 1)``.

    Returns:
        ``(N, N)``, int64, values 0 to ``(2Mh-1) * (2Mw-1) - 1``; query first, key second.
    """
    mh, mw = to_pair(window_size, "window_size")
    y = torch.arange(mh, device=device).repeat_interleave(mw)
    x = torch.arange(mw, device=device).repeat(mh)
    dy, dx = y[:, None] - y[None, :], x[:, None] - x[None, :]
    return (dy + mh - 1) * (2 * mw - 1) + (dx + mw - 1)


def relative_coords_table(
    window_size: Size, pretrained_window_size: Size | None = None, *, device: torch.device | None = None
) -> Tensor:
    """Every offset between two tokens of a window, log-spaced, as Swin v2 feeds it to its bias network.

    Offsets are divided by ``M - 1`` (of the window that the weights were trained with, so that a larger
    window extrapolates), stretched to [-8, 8] and compressed: ``sign(d) * log2(1 + |d|) / log2(8)``.

    Returns:
        ``((2Mh-1) * (2Mw-1), 2)``, float32, in the order of ``relative_position_index``.

    Source: Liu et al. 2021, "Swin Transformer V2", arXiv 2111.09883, section 3.3 and its reference code.
    """
    mh, mw = to_pair(window_size, "window_size")
    ph, pw = to_pair(
        window_size if pretrained_window_size is None else pretrained_window_size, "pretrained_window_size"
    )
    dy = torch.arange(-(mh - 1), mh, dtype=torch.float32, device=device) / max(ph - 1, 1)
    dx = torch.arange(-(mw - 1), mw, dtype=torch.float32, device=device) / max(pw - 1, 1)
    offsets = 8 * torch.cartesian_prod(dy, dx)
    return torch.sign(offsets) * torch.log2(offsets.abs() + 1) / 3
