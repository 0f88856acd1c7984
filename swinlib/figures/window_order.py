"""The picture of the chapter on the fast Swin: where in memory the tokens of one window lie, in three orders."""

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from torch import Tensor

from swinlib.figures.layout import window_layout
from swinlib.figures.pictures import _board, _borders, _drawing, _legend, _paint, _points_per_cell, _tint
from swinlib.figures.style import BLACK, SKY, Picture, canvas, pale
from swinlib.windows import window_partition

WIDTH = 4.4  # inches, the whole width of a phone
FOLLOWED = pale(SKY, 0.35)
DASHES = (0, (2, 1.2))


def window_order(size: int, window_size: int, shift_size: int = 0) -> Tensor:
    """The tokens of a square map in the order of its windows.

    Args:
        size: of the map, in tokens; windows tile it.
        window_size: as in ``swinlib``.
        shift_size: as in ``swinlib``.

    Returns:
        ``(nW, N)``: the tokens of each window, by their numbers in the map, counted row by row.

    Raises:
        ValueError: if windows do not tile the map, or the shift does not fit the window.
    """
    if size % window_size:
        raise ValueError(f"windows of {window_size} do not tile a map of {size}; choose a multiple of {window_size}.")
    token = window_layout(size, size, window_size, shift_size).token
    return window_partition(token[None, ..., None], window_size).flatten(1)


@_drawing
def show_window_order(size: int = 8, window_size: int = 4, shift_size: int = 2, window: int = 1) -> Picture:
    """Follow the tokens of one plain window through memory: in the order of the map, of plain and of shifted windows.

    Above is the map, cut by the plain and by the shifted grid; below is memory, in lines of as many tokens as a window
    has. Borders of windows are thick, those of shifted ones dashed.

    Args:
        size: of the square map, in tokens; windows tile it.
        window_size: as in ``swinlib``.
        shift_size: as in ``swinlib``.
        window: number of the plain window that is followed.

    Raises:
        ValueError: if windows do not tile the map, the shift does not fit the window, or there is no such window.
    """
    plain, shifted = window_order(size, window_size), window_order(size, window_size, shift_size)
    if not 0 <= window < len(plain):
        raise ValueError(f"there is no window {window!r}; the map has windows 0 to {len(plain) - 1}.")
    board = torch.arange(size * size).view(size, size)
    maps = {
        "cut by plain windows": window_layout(size, size, window_size).window,
        "cut by shifted windows": window_layout(size, size, window_size, shift_size).in_image().window,
    }
    memory = {
        "in the order of the map": board.view(plain.shape),
        "in the order of plain windows": plain,
        "in the order of shifted windows": shifted,
    }
    picture, spare = canvas(1, 1, width=WIDTH, height=2.45 + len(memory) * (0.29 * len(plain) + 0.3))
    spare[0].remove()
    grid = picture.add_gridspec(1 + len(memory), 2, height_ratios=[2.2] + [0.29 * len(plain)] * len(memory))
    for column, (title, windows) in enumerate(maps.items()):
        ax = picture.add_subplot(grid[0, column])
        draw_tokens(ax, board, plain[window], title)
        _borders(ax, windows, width=2.2, dashes=DASHES if column else "solid")
    for row, (title, tokens) in enumerate(memory.items(), start=1):
        ax = picture.add_subplot(grid[row, :])
        draw_tokens(ax, tokens, plain[window], title)
        lines = torch.arange(len(tokens))[:, None].expand_as(tokens)  # a line is a window, but in the order of the map
        if row > 1:
            _borders(ax, lines, width=2.2, dashes="solid" if row == 2 else DASHES)
    _legend(
        picture,
        Patch(facecolor=FOLLOWED, edgecolor=BLACK, label=f"bold: tokens of window {window}"),
    )
    return picture


def draw_tokens(ax: Axes, numbers: Tensor, followed: Tensor, title: str) -> None:
    """Numbers of tokens, those that are followed bold on sky blue."""
    where = torch.isin(numbers, followed)
    _paint(ax, _tint(where, FOLLOWED))
    _board(ax, *numbers.shape)
    ax.set(xticks=[], yticks=[])
    ax.set_title(title)
    size = min(11, 0.9 * _points_per_cell(ax, *numbers.shape))
    for row, values in enumerate(numbers.tolist()):
        for column, value in enumerate(values):
            weight = "bold" if where[row, column] else "normal"
            place = {"ha": "center", "va": "center_baseline", "fontsize": size, "fontweight": weight}
            ax.text(column + 0.5, row + 0.5, str(value), **place)
