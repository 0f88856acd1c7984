"""The pictures of the chapter on shifted windows: a map is cut, rolled, attended to under a mask, and rolled back.

All are drawn for the width of a phone: two panels side by side, and letters of the size of its text.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch, Rectangle
from torch import Tensor

from swinlib.arguments import Size, to_pair
from swinlib.figures.layout import window_layout
from swinlib.figures.pictures import (
    PALE,
    _board,
    _borders,
    _drawing,
    _hatch_cells,
    _legend,
    _number_cells,
    _paint,
    _pixels,
    _points_per_cell,
    _tint,
)
from swinlib.figures.style import BLACK, GREY, SKY, VERMILION, YELLOW, Picture, canvas, pale

WIDTH = 4.4  # inches, the whole width of a phone
SEEN, MASKED = pale(SKY, 0.35), pale(GREY, 0.65)
BARRED = r"$\oslash$"  # in its window, but masked


@_drawing
def show_shift(size: int = 8, window_size: int = 4, shift_size: int = 2, token: tuple[int, int] = (7, 7)) -> Picture:
    """Shift, mask and way back in one picture, which follows one token (paper, figure 4).

    Args:
        size: of the square map, in tokens; windows tile it.
        window_size: as in ``swinlib``.
        shift_size: as in ``swinlib``.
        token: ``(row, column)`` in the image.

    Raises:
        ValueError: if the shift does not fit the window, windows do not tile the map, or the token lies outside it.
    """
    if size % window_size:
        raise ValueError(f"windows of {window_size} do not tile a map of {size}; choose a multiple of {window_size}.")
    row, column = token
    if not (0 <= row < size and 0 <= column < size):
        raise ValueError(f"token {token!r} lies outside the map of {size}x{size}.")
    after = window_layout(size, size, window_size, shift_size)
    before = after.in_image()
    piece = shifted_pieces(size, window_size, shift_size)
    rolled = piece.flatten()[after.token]
    own = before.token[row, column]

    picture, axes = canvas(2, 2, width=WIDTH, height=5.6)
    picture.get_layout_engine().set(wspace=0.16, hspace=0.12)  # room for the arrows
    titles = ("1  cut by the shifted grid", "2  rolled: whole windows", "4  rolled back", "3  attention, masked")
    for ax, numbers, title in zip(axes[:2], (piece, rolled), titles[:2], strict=True):
        _number_cells(ax, numbers, numbers)
        ax.set_title(title)
    _borders(axes[0], piece, dashes=(0, (3, 2)), width=2.2)
    _borders(axes[1], after.window, width=2.2)
    for ax, layout, title in zip(axes[2:], (before, after), titles[2:], strict=True):
        mates, friends = layout.window == before.window[row, column], layout.group == before.group[row, column]
        _attention(ax, layout.token == own, friends, mates & ~friends)
        ax.set_title(title)
    _borders(axes[2], piece, dashes=(0, (3, 2)), width=2.2)
    _borders(axes[3], after.window, width=2.2)
    for ax, layout in zip(axes[:2], (before, after), strict=True):
        (place,) = (layout.token == own).nonzero().tolist()
        ax.add_patch(Rectangle((place[1], place[0]), 1, 1, facecolor=YELLOW, edgecolor=BLACK, zorder=4))
        _sign(ax, torch.tensor([place]), "^", 0.6)
    for ax in axes:
        ax.set(xticks=[], yticks=[])
    for ax, start, end in (
        (axes[1], (-0.15, 0.5), (-0.01, 0.5)),
        (axes[3], (0.5, 1.27), (0.5, 1.13)),
        (axes[2], (1.15, 0.5), (1.01, 0.5)),
    ):
        arrow = {"arrowstyle": "-|>", "lw": 2, "color": BLACK, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 16}
        ax.annotate("", xy=end, xytext=start, xycoords="axes fraction", arrowprops=arrow)
    _legend(picture, *_signs_of(axes[3]))
    return picture


@_drawing
def show_growth(
    reached: Sequence[Tensor], token: tuple[int, int], *, window_size: int, shift_size: int, titles: Sequence[str]
) -> Picture:
    """Show the tokens that reach one token through one block after the other, of which every second one is shifted.

    The windows of the plain blocks are drawn in full lines; where the last block is shifted, the token's window in it
    is dashed.

    Args:
        reached: for each depth a map ``(H, W)``, boolean.
        token: its ``(row, column)``.
        window_size: of the blocks.
        shift_size: of every second one.
        titles: one for each depth.
    """
    rows = -(-len(reached) // 2)
    picture, axes = canvas(rows, 2, width=WIDTH, height=2.5 * rows + 0.2)
    for k, (ax, each, title) in enumerate(zip(axes, reached, titles, strict=False)):
        height, width = each.shape
        _paint(ax, _tint(each, SEEN))
        _hatch_cells(ax, each, BLACK, "..")
        _board(ax, height, width, cells=False, window_size=window_size)
        _borders(ax, window_layout(height, width, window_size).window[:height, :width])
        if k % 2:  # the last block is shifted: the token's window, from one border of its grid to the next
            top, left = (((place - shift_size) // window_size) * window_size + shift_size for place in token)
            frame = {"fill": False, "edgecolor": BLACK, "linewidth": 2.4, "linestyle": (0, (2, 1.2)), "zorder": 4}
            ax.add_patch(Rectangle((left, top), window_size, window_size, **frame))
        ax.scatter(token[1] + 0.5, token[0] + 0.5, s=110, marker="^", color=YELLOW, edgecolors=BLACK, zorder=5)
        ax.set_title(title)
    for ax in axes[len(reached) :]:
        ax.set_axis_off()
    return picture


@_drawing
def show_corners(image: Tensor, seen: Tensor, allowed: Tensor, token: tuple[int, int], *, size: int = 10) -> Picture:
    """The four corners of a photograph, enlarged, and in them what one token sees: rightly with dots, wrongly crossed.

    Args:
        image: ``(3, H', W')`` that the tokens come from.
        seen: ``(H, W)``, boolean: the tokens that it sees.
        allowed: ``(H, W)``, boolean: those that it should see.
        token: its ``(row, column)``.
        size: of a corner, in tokens.
    """
    height, width = seen.shape
    pixels = _pixels(image)
    picture, axes = canvas(2, 2, width=WIDTH, height=5.1)
    corners = [(top, left) for top in (0, height - size) for left in (0, width - size)]
    for ax, (top, left) in zip(axes, corners, strict=True):
        bright = F.interpolate((0.55 + 0.45 * seen.float())[None, None], size=pixels.shape[:2])[0, 0, ..., None]
        _paint(ax, 1 - (1 - pixels) * bright, extent=(0, width, height, 0))
        _borders(ax, seen.long(), rim=True)
        _board(ax, height, width, cells=False)
        ax.set(xlim=(left, left + size), ylim=(top + size, top))
        for axis, start in ((ax.xaxis, left), (ax.yaxis, top)):
            axis.set_ticks([start + 0.5, start + size - 0.5], [str(start), str(start + size - 1)], fontsize=11)
        for where, marker, share, colour in ((seen & allowed, "o", 0.6, SKY), (seen & ~allowed, "X", 0.75, VERMILION)):
            where = where.clone()
            where[token] = False
            _sign(ax, where.nonzero(), marker, share, cells=size, color=colour, edgecolors=BLACK)
        _sign(ax, torch.tensor([token]), "^", 0.8, cells=size, color=YELLOW, edgecolors=BLACK)
        for artist in ax.collections:
            artist.set_clip_on(True)
    return picture


@_drawing
def show_pairs(mask: Tensor, pieces: Tensor | None = None) -> Picture:
    """Show the mask of each window, tokens in their own order or sorted by piece.

    Args:
        mask: ``(nW, N, N)``, boolean, True where the query may attend to the key.
        pieces: ``(nW, N)``: the piece of each token. If given, tokens are sorted by it and its numbers stand at the
            edges; otherwise every token's own number does that begins a row of the window.

    Raises:
        ValueError: if mask and pieces do not belong together.
    """
    count, tokens = mask.shape[:2]
    if mask.shape != (count, tokens, tokens) or (pieces is not None and pieces.shape != (count, tokens)):
        got = "" if pieces is None else f" and pieces {tuple(pieces.shape)}"
        raise ValueError(f"show_pairs expects mask (nW, N, N) and pieces (nW, N); got mask {tuple(mask.shape)}{got}.")
    rows = -(-count // 2)
    picture, axes = canvas(rows, 2, width=WIDTH, height=2.55 * rows + 0.4)
    for k, (ax, allowed) in enumerate(zip(axes, mask, strict=False)):
        labels = list(range(tokens))
        starts = list(range(0, tokens, round(tokens**0.5)))
        if pieces is not None:
            order = pieces[k].argsort(stable=True)
            allowed, labels = allowed[order][:, order], pieces[k][order].tolist()
            starts = [i for i in range(tokens) if i == 0 or labels[i] != labels[i - 1]]
        _paint(ax, _tint(allowed, SEEN))
        _hatch_cells(ax, ~allowed, GREY, "//")
        _borders(ax, allowed.long(), width=1.0)
        _board(ax, tokens, tokens, cells=False)
        middles = [i + 0.5 for i in starts]
        if pieces is not None:
            middles = [(i + j) / 2 for i, j in zip(starts, [*starts[1:], tokens], strict=True)]
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_ticks(middles, [str(labels[i]) for i in starts], fontsize=11)
        ax.set_xlabel(f"window {k}", labelpad=2)
    for ax in axes[count:]:
        ax.set_axis_off()
    _legend(
        picture,
        Patch(facecolor=SEEN, edgecolor=BLACK, label="allowed"),
        Patch(facecolor="white", edgecolor=GREY, hatch="//", label="masked"),
    )
    return picture


@_drawing
def show_padding(
    orders: dict[str, Tensor], window_size: int, came_round: Sequence[int], cut: int, columns: int = 3
) -> Picture:
    """Columns of a padded and rolled map, with the row that each token came from; where the mask cuts is dashed.

    Args:
        orders: titles, and for each the original rows ``(H,)`` from top to bottom, -1 for padding.
        window_size: in tokens.
        came_round: the original rows that the roll took round the border; they have a tint of their own.
        cut: number of the row before which the mask separates.
        columns: of each map.
    """
    picture, axes = canvas(1, len(orders), width=WIDTH, height=4.9)
    for ax, (title, origin) in zip(axes, orders.items(), strict=True):
        grid = origin[:, None].expand(-1, columns)
        padding = grid < 0
        cells = torch.tensor(PALE[0]).expand(*grid.shape, 3).clone()
        cells[torch.isin(grid, torch.tensor(list(came_round)))] = torch.tensor(PALE[1])
        cells[padding] = 1.0
        _paint(ax, cells)
        _board(ax, *grid.shape)
        _hatch_cells(ax, padding, GREY)
        _borders(ax, window_layout(*grid.shape, (window_size, columns)).window, width=2.2)
        for row, values in enumerate(grid.tolist()):
            for column, value in enumerate(values):
                if value >= 0:
                    ax.text(column + 0.5, row + 0.5, str(value), ha="center", va="center_baseline", fontsize=12)
        ax.plot([-0.5, columns + 0.5], [cut, cut], color=BLACK, lw=2.5, ls=(0, (2, 1)), clip_on=False, zorder=6)
        ax.set(xticks=[], yticks=[])
        ax.set_title(title)
    axes[-1].text(columns + 0.7, cut, "mask", va="center")
    _legend(
        picture,
        Patch(facecolor=PALE[0], edgecolor=BLACK, label="stayed"),
        Patch(facecolor=PALE[1], edgecolor=BLACK, label="came round"),
        Patch(facecolor="white", edgecolor=GREY, hatch="////", label="padding"),
    )
    return picture


def shifted_pieces(size: Size, window_size: Size, shift_size: Size) -> Tensor:
    """``(H, W)``: which piece of the shifted grid each token of the image lies in, counted row by row."""
    counts = []
    for side, window, shift in zip(
        to_pair(size, "size"), to_pair(window_size, "window_size"), to_pair(shift_size, "shift_size", 0), strict=True
    ):
        cut = torch.div(torch.arange(side) - shift, window, rounding_mode="floor")
        counts.append(cut - cut.min())
    rows, columns = counts
    return rows[:, None] * (int(columns.max()) + 1) + columns


def _attention(ax: Axes, own: Tensor, friends: Tensor, masked: Tensor) -> None:
    """Whom a token sees: its own cell yellow with a triangle, dots on sky, barred circles on grey."""
    cells = _tint(friends, SEEN)
    cells[masked] = torch.tensor(MASKED)
    cells[own] = torch.tensor(to_rgb(YELLOW))
    _paint(ax, cells)
    _board(ax, *own.shape)
    for where, marker, share, label in (
        (own, "^", 0.6, "asks"),
        (friends & ~own, "o", 0.4, "is seen"),
        (masked, BARRED, 0.7, "is masked"),
    ):
        _sign(ax, where.nonzero(), marker, share, label=label)


def _sign(ax: Axes, places: Tensor, marker: str, share: float, cells: int | None = None, **options: object) -> None:
    """A marker in each of the cells ``(row, column)``, ``share`` of a cell wide."""
    side = cells or round(abs(ax.get_xlim()[1] - ax.get_xlim()[0]))
    size = (share * _points_per_cell(ax, side, side)) ** 2
    look = {"color": BLACK, "linewidths": 0.6} | options
    ax.scatter(places[:, 1] + 0.5, places[:, 0] + 0.5, s=size, marker=marker, zorder=5, **look)


def _signs_of(ax: Axes) -> list:
    """The handles of a legend for the signs in an ax."""
    return ax.get_legend_handles_labels()[0]
