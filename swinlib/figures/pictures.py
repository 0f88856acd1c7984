"""The drawing functions: one for each kind of picture, each from tensors.

Every function makes a ``Picture``, which a notebook shows when it is the last expression of a cell, and returns
it; given ``ax``, it draws there and returns nothing. Rows and columns are counted from 0, as in PyTorch.
"""

from collections.abc import Iterable, Sequence
from functools import wraps
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path
from torch import Tensor

from swinlib.arguments import Size, to_pair
from swinlib.figures.layout import window_layout
from swinlib.figures.style import (
    BLACK,
    BLUE,
    COLOURS,
    GREY,
    MAX_WIDTH,
    ORANGE,
    SKY,
    VERMILION,
    YELLOW,
    Picture,
    canvas,
    pale,
    style,
)

SMALL = 6  # points; a cell below that is too small for a line round it and a sign in it
# nine, for the nine pieces of a shifted grid
PALE = [pale(colour) for colour in (SKY, ORANGE, *COLOURS[3:5], COLOURS[7], BLUE, VERMILION, GREY)] + [(1.0, 1.0, 1.0)]


def _drawing(function):
    """Run a drawing function in the book's style."""

    @wraps(function)
    def styled(*args, **options):
        with style():
            return function(*args, **options)

    return styled


@_drawing
def show_image(image: Tensor, *, rescale: bool = False, title: str = "", ax: Axes | None = None) -> Picture | None:
    """Show an image.

    Args:
        image: ``(3, H, W)``, or ``(1, H, W)`` or ``(H, W)`` for grey, from 0 to 1.
        rescale: stretch any values to 0 to 1 first, for instance those of a normalised image.
        title: above it.
        ax: draw here instead of in a new picture.

    Raises:
        ValueError: if the shape is not an image's or values lie outside 0 to 1.
    """
    pixels = _pixels(image, rescale)
    picture, ax = _start(ax, 3.6, 3.6 * pixels.shape[0] / pixels.shape[1] + (0.3 if title else 0))
    _draw_pixels(ax, pixels)
    ax.set_title(title)
    return picture


@_drawing
def show_windows(
    x: Tensor | tuple[int, int],
    window_size: Size,
    shift_size: Size = 0,
    *,
    patch_size: int = 1,
    patches: bool | None = None,
    labels: str | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Picture | None:
    """Draw the grid of windows over an image or over a map of tokens, before the roll.

    With a shift, the windows at the border are cut: their parts carry the same number. Rows and columns of
    padding, which make the windows whole, are hatched.

    Args:
        x: an image ``(3, H, W)``, a map of numbers ``(H, W)``, or only ``(height, width)`` in tokens.
        window_size: in tokens, as in ``swinlib``.
        shift_size: in tokens.
        patch_size: pixels of one token's side, where x is an image.
        patches: draw the borders of the tokens; by default where there are at most 32 on a side.
        labels: ``"window"`` writes each window's number in the order of ``window_partition``, ``"region"`` the
            label of ``shifted_window_regions``, ``""`` nothing; by default the windows where there are few.
        title: above it.
        ax: draw here instead of in a new picture.

    Raises:
        ValueError: if the shift does not fit the window, or x or ``labels`` is none of the above.
    """
    if labels not in ("window", "region", "", None):
        raise ValueError(f'labels must be "window", "region", "" or None; got {labels!r}.')
    if isinstance(x, Tensor) and x.dim() == 3:
        pixels = _pixels(x)
        height, width = (-(-side // patch_size) for side in pixels.shape[:2])
    else:
        pixels = None
        height, width = to_pair(tuple(x.shape) if isinstance(x, Tensor) else x, "the size of the map")
    layout = window_layout(height, width, window_size, shift_size).in_image()
    rows, columns = layout.window.shape
    picture, ax = _start(ax, 3.6, 3.6 * rows / columns + (0.3 if title else 0))

    if pixels is not None:
        _draw_pixels(ax, pixels, extent=(0, pixels.shape[1] / patch_size, pixels.shape[0] / patch_size, 0))
    elif isinstance(x, Tensor):
        _paint(ax, x.detach().cpu(), extent=(0, width, height, 0))
    _board(ax, rows, columns, cells=max(rows, columns) <= 32 if patches is None else patches, window_size=window_size)
    _hatch_padding(ax, height, width, rows, columns)
    part = layout.window * 4 + layout.region
    _borders(ax, part, rim=isinstance(x, Tensor), width=1.2 if len(part.unique()) > 25 else 1.8)
    if labels is None:
        labels = "window" if len(part.unique()) <= 25 else ""
    if labels:
        numbers = layout.window if labels == "window" else layout.region
        for code in part.unique().tolist():
            where = (part == code).nonzero().float()
            row, column = (where.mean(0) + 0.5).tolist()
            value = int(numbers[tuple(where[0].long())])
            box = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": BLACK, "linewidth": 0.8}
            ax.text(column, row, str(value), ha="center", va="center", fontsize=9, bbox=box, zorder=5)
    ax.set_title(title)
    return picture


@_drawing
def show_mask(
    mask: Tensor, windows: Sequence[int] | None = None, *, title: str = "", ax: Axes | None = None
) -> Picture | None:
    """Show who may attend to whom, window by window. Masked pairs are hatched in grey.

    Args:
        mask: ``(nW, N, N)`` or ``(N, N)`` as from ``shifted_window_mask``: boolean, True where allowed, or
            additive, 0 where allowed.
        windows: which to show; by default the first of those that are alike.
        title: above all.
        ax: draw here; then exactly one window must be shown.

    Raises:
        ValueError: if the shape is not a mask's, or ``ax`` is given for several windows.
    """
    mask = mask.detach().cpu()
    mask = mask[None] if mask.dim() == 2 else mask
    if mask.dim() != 3 or mask.shape[1] != mask.shape[2]:
        raise ValueError(f"show_mask expects a mask (nW, N, N) or (N, N), got shape {tuple(mask.shape)}.")
    allowed = mask if mask.dtype == torch.bool else mask == 0
    if windows is None:
        _, kind = allowed.flatten(1).unique(dim=0, return_inverse=True)
        alike = [(kind == k).nonzero().flatten().tolist() for k in dict.fromkeys(kind.tolist())]
    else:
        alike = [[int(window)] for window in windows]
    if ax is not None and len(alike) != 1:
        raise ValueError(f"one ax cannot hold {len(alike)} windows; choose one with windows=[0].")

    columns = min(len(alike), 2 if len(alike) in (2, 4) else 3)
    rows = -(-len(alike) // columns)
    picture, axes = (None, [ax]) if ax is not None else canvas(rows, columns, height=0.6 + 6 / max(columns, 2) * rows)
    if picture is not None and columns == 1:
        picture.set_size_inches(3.6, 3.9)
    for each, numbers in zip(axes, alike, strict=False):
        _draw_mask(each, allowed[numbers[0]])
        one = f"window {numbers[0]}"
        each.set_title(title if ax is not None and title else one if len(numbers) == 1 else _alike(numbers))
    for each in axes[len(alike) :]:
        each.set_axis_off()
    if picture is not None:
        if title:
            picture.suptitle(title)
        _legend(
            picture,
            Patch(facecolor=pale(SKY, 0.35), edgecolor=BLACK, label="allowed"),
            Patch(facecolor="white", edgecolor=GREY, hatch="//", label="masked"),
        )
    return picture


@_drawing
def show_reach(
    reach: Tensor,
    token: tuple[int, int],
    *,
    window_size: Size | None = None,
    shift_size: Size = 0,
    image: Tensor | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Picture | None:
    """Show which tokens of a map reach one token. Each carries a dot, the token itself a triangle; where the cells
    are too small for single dots, they are dotted all over.

    Args:
        reach: ``(H, W)``, boolean, or numbers such as gradients: then the colour is the magnitude, and tokens
            whose number is exactly zero carry no dot.
        token: its ``(row, column)``.
        window_size: draw the borders of these windows as well.
        shift_size: of these windows.
        image: ``(3, H, W)`` that the tokens come from; where no token reaches, it is washed out.
        title: above it; by default it counts the tokens.
        ax: draw here instead of in a new picture.

    Raises:
        ValueError: if reach is not a map or the token lies outside it.
    """
    reach = reach.detach().cpu()
    if reach.dim() != 2:
        raise ValueError(f"show_reach expects a map (H, W), got shape {tuple(reach.shape)}.")
    rows, columns = reach.shape
    row, column = token
    if not (0 <= row < rows and 0 <= column < columns):
        raise ValueError(f"token {token!r} lies outside the map of {rows}x{columns}.")
    picture, ax = _start(ax, 4.4 if reach.dtype != torch.bool else 3.6, 3.6 * rows / columns + 0.4)

    hit = reach != 0
    if image is not None:
        pixels = _pixels(image)
        seen = F.interpolate(hit[None, None].float(), size=pixels.shape[:2], mode="nearest")[0, 0, ..., None]
        _paint(ax, 1 - (1 - pixels) * (0.3 + 0.7 * seen), extent=(0, columns, rows, 0))
        _borders(ax, hit.long(), rim=True)
    elif reach.dtype == torch.bool:
        _paint(ax, _tint(hit, pale(SKY, 0.35)))
    else:
        size = torch.where(hit, reach.abs().float(), torch.nan)
        colours = _paint(ax, size, cmap="viridis_r", vmin=0)
        ax.figure.colorbar(colours, ax=ax, shrink=0.8, label="magnitude")
    scale = _points_per_cell(ax, rows, columns)
    _board(ax, rows, columns, cells=image is None and scale >= SMALL, window_size=window_size or 1)
    if window_size is not None:
        layout = window_layout(rows, columns, window_size, shift_size).in_image()
        _borders(ax, layout.window[:rows, :columns])
    if image is not None:
        pass  # the frame is the sign, and dots would hide the photograph
    elif scale >= SMALL:
        others = hit.clone()
        others[token] = False
        dots = others.nonzero().numpy() + 0.5
        size = (0.28 * scale) ** 2
        ax.scatter(dots[:, 1], dots[:, 0], s=size, color=BLACK, edgecolors="white", linewidths=0.6, zorder=4)
    else:
        _hatch_cells(ax, hit, BLACK, "...")
    size = max(9, 0.62 * scale) ** 2
    # whole also where the token stands at the border
    ax.scatter(column + 0.5, row + 0.5, s=size, marker="^", color=YELLOW, edgecolors=BLACK, zorder=5, clip_on=False)
    ax.set_title(f"{int(hit.sum())} of {hit.numel()} tokens" if title is None else title)
    return picture


@_drawing
def show_neighbours(
    size: Size,
    window_size: Size,
    shift_size: Size,
    token: tuple[int, int],
    *,
    rolled: bool = False,
    title: str | None = None,
    ax: Axes | None = None,
) -> Picture | None:
    """Show whom a token attends to in a shifted window: its true neighbours with dots, those that only the roll
    put into its window, and that the mask hides, with crosses.

    Args:
        size: of the map in tokens.
        window_size: as in ``swinlib``.
        shift_size: as in ``swinlib``.
        token: ``(row, column)`` before the roll.
        rolled: draw the positions after the roll instead of those in the image.
        title: above it; by default it says which positions are drawn.
        ax: draw here instead of in a new picture.

    Raises:
        ValueError: if the shift does not fit the window or the token lies outside the map.
    """
    height, width = to_pair(size, "size")
    row, column = token
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(f"token {token!r} lies outside the map of {height}x{width}.")
    after = window_layout(height, width, window_size, shift_size)
    before = after.in_image()
    layout = after if rolled else before
    rows, columns = layout.window.shape
    own = layout.token == before.token[row, column]
    friend = layout.group == before.group[row, column]
    wrong = (layout.window == before.window[row, column]) & ~friend
    padding = (layout.token // columns >= height) | (layout.token % columns >= width)

    picture, ax = _start(ax, 4.2, 4.0 * rows / columns + 0.6)
    cells = _tint(friend, pale(SKY, 0.35))
    cells[wrong] = torch.tensor(pale(VERMILION, 0.6))
    cells[own] = torch.tensor(to_rgb(YELLOW))
    _paint(ax, cells)
    _board(ax, rows, columns)
    _hatch_cells(ax, padding, GREY)
    _borders(ax, layout.group, width=1.0, dashes=(0, (3, 2)))
    _borders(ax, layout.window)
    scale = _points_per_cell(ax, rows, columns)
    signs = [
        (own, "^", 0.6, "token"),
        (friend & ~own, "o", 0.36, "neighbour"),
        (wrong, "x", 0.36, "only by the roll"),
    ]
    for where, marker, share, name in signs:
        places = where.nonzero().numpy() + 0.5
        size_ = (share * scale) ** 2
        ax.scatter(places[:, 1], places[:, 0], s=size_, marker=marker, color=BLACK, label=name, zorder=5)
    ax.set_title(("after the roll" if rolled else "in the image") if title is None else title)
    if picture is not None:
        _legend(picture, *ax.get_legend_handles_labels()[0])
    return picture


@_drawing
def show_regions(
    labels: Tensor, window_size: Size | None = None, *, title: str = "", ax: Axes | None = None
) -> Picture | None:
    """Show an integer per token: the number in each cell, a colour per number, the borders of windows.

    Args:
        labels: ``(H, W)``, for instance from ``shifted_window_regions``.
        window_size: of the windows, which start at the top left corner; none are drawn if left out.
        title: above it.
        ax: draw here instead of in a new picture.

    Raises:
        ValueError: if labels is not a map.
    """
    labels = labels.detach().cpu()
    if labels.dim() != 2:
        raise ValueError(f"show_regions expects a map (H, W), got shape {tuple(labels.shape)}.")
    rows, columns = labels.shape
    picture, ax = _start(ax, 3.6, 3.6 * rows / columns + (0.3 if title else 0))
    _number_cells(ax, labels, labels)
    if window_size is not None:
        _borders(ax, window_layout(rows, columns, window_size).window[:rows, :columns])
    ax.set_title(title)
    return picture


@_drawing
def show_numbers(
    grid: Tensor, *, groups: Tensor | str | None = None, title: str = "", ax: Axes | None = None
) -> Picture | None:
    """Show a small map of integers with the value in each cell.

    Args:
        grid: ``(W,)`` or ``(H, W)``.
        groups: cells with equal numbers get one colour: a tensor of grid's shape, or ``"row"`` or ``"column"``
            for the position; white if left out. Colour by the value, and the colours travel with a roll:
            ``show_numbers(x.roll(1, 0), groups=x.roll(1, 0) // 4)``.
        title: above it.
        ax: draw here instead of in a new picture.

    Raises:
        ValueError: if grid has more than two dimensions, or groups has another shape.
    """
    grid = grid.detach().cpu()
    line = grid.dim() == 1
    grid = grid[None] if line else grid
    if grid.dim() != 2:
        raise ValueError(f"show_numbers expects one or two dimensions, got shape {tuple(grid.shape)}.")
    rows, columns = grid.shape
    if groups is None:
        groups = torch.full_like(grid, -1)
    elif isinstance(groups, str):
        index = {"row": torch.arange(rows)[:, None], "column": torch.arange(columns)}.get(groups)
        if index is None:
            raise ValueError(f'groups must be "row", "column" or a tensor; got {groups!r}.')
        groups = index.expand(rows, columns)
    groups = groups.reshape(1, -1) if groups.dim() == 1 else groups
    if groups.shape != grid.shape:
        raise ValueError(f"groups {tuple(groups.shape)} and grid {tuple(grid.shape)} must have the same shape.")
    width = min(MAX_WIDTH, max(2.2, 0.45 * columns + 0.4))
    picture, ax = _start(ax, width, (width - 0.4) * rows / columns + 0.4 + (0.3 if title else 0))
    _number_cells(ax, grid, groups)
    if line:
        ax.set_yticks([])
    ax.set_title(title)
    return picture


@_drawing
def show_feature_maps(
    maps: Iterable[Tensor],
    channels: int | Sequence[int] | None = None,
    *,
    layout: str = "NCHW",
    titles: Sequence[str] | None = None,
    width: float | None = None,
) -> Picture:
    """Show the feature maps of several stages side by side, with their shapes.

    Args:
        maps: each ``(B, C, H, W)`` or, with ``layout="NHWC"``, ``(B, H, W, C)``; the first of a batch is shown.
        channels: which to show, a row of pictures each; by default the length of each token's vector.
        layout: ``"NCHW"`` or ``"NHWC"``.
        titles: one for each map; by default "stage 1", "stage 2", ...
        width: of the picture in inches, at most 7; by default as much as the maps need. Of 5, a phone shows the words
            at two thirds of their size.

    Raises:
        ValueError: if a map does not have four dimensions, or the layout is unknown.
    """
    if layout not in ("NCHW", "NHWC"):
        raise ValueError(f'layout must be "NCHW" or "NHWC"; got {layout!r}.')
    maps = [each.detach().cpu().float() for each in maps]
    for each in maps:
        if each.dim() != 4:
            raise ValueError(f"show_feature_maps expects maps {layout}, got shape {tuple(each.shape)}.")
    first = [each[0] if layout == "NCHW" else each[0].permute(2, 0, 1) for each in maps]
    titles = [f"stage {k + 1}" for k in range(len(first))] if titles is None else titles
    chosen = [channels] if isinstance(channels, int) or channels is None else list(channels)
    width = min(MAX_WIDTH, width or 1.8 * len(first) + 0.4)
    tall = max(each.shape[1] / each.shape[2] for each in first)
    picture, axes = canvas(
        len(chosen), len(first), width=width, height=len(chosen) * (tall * width / len(first) + 0.1) + 0.6
    )
    for k, (each, title) in enumerate(zip(first, titles, strict=True)):
        shape = "×".join(map(str, maps[k].shape[1:]))
        for j, channel in enumerate(chosen):
            ax = axes[j * len(first) + k]
            _paint(ax, each.norm(dim=0) if channel is None else each[channel])
            ax.set_xticks([])
            ax.set_yticks([])
            if j == 0:
                ax.set_title(f"{title}\n{shape}")
            if k == 0:
                ax.set_ylabel("length of the vector" if channel is None else f"channel {channel}")
    return picture


def _start(ax: Axes | None, width: float, height: float) -> tuple[Picture | None, Axes]:
    if ax is not None:
        return None, ax
    picture, axes = canvas(width=width, height=height)
    return picture, axes[0]


def _pixels(image: Tensor, rescale: bool = False) -> Tensor:
    """``(H, W, 3)`` or ``(H, W)``, float, checked."""
    pixels = image.detach().cpu().float()
    pixels = pixels[0] if pixels.dim() == 3 and pixels.shape[0] == 1 else pixels
    if pixels.dim() == 3 and pixels.shape[0] == 3:
        pixels = pixels.permute(1, 2, 0)
    elif pixels.dim() != 2:
        raise ValueError(f"an image is (3, H, W), (1, H, W) or (H, W); got shape {tuple(image.shape)}.")
    low, high = pixels.min().item(), pixels.max().item()
    if rescale:
        return (pixels - low) / max(high - low, 1e-12)
    if low < 0 or high > 1:
        raise ValueError(
            f"an image has values from 0 to 1; got {low:.3g} to {high:.3g}. Divide uint8 by 255, undo Normalize, "
            f"or let show_image(image, rescale=True) stretch them."
        )
    return pixels


def _draw_pixels(ax: Axes, pixels: Tensor, extent: tuple[float, ...] | None = None) -> None:
    _paint(ax, pixels, extent, cmap="gray", vmin=0, vmax=1, interpolation="auto")
    ax.set_xticks([])
    ax.set_yticks([])


def _board(ax: Axes, rows: int, columns: int, cells: bool = True, window_size: Size = 1) -> None:
    """A grid of ``rows`` x ``columns`` unit cells with their numbers on the edges: all, or where windows begin."""
    ax.set(xlim=(0, columns), ylim=(rows, 0), aspect="equal")
    mh, mw = to_pair(window_size, "window_size")
    for axis, count, window in ((ax.xaxis, columns, mw), (ax.yaxis, rows, mh)):
        step = window * -(-count // (8 * window)) if count > 10 else 1
        axis.set_ticks([k + 0.5 for k in range(0, count, step)], [str(k) for k in range(0, count, step)])
    ax.tick_params(length=0)
    ax.xaxis.tick_top()
    if cells:
        lines = [[(0, r), (columns, r)] for r in range(rows + 1)] + [[(c, 0), (c, rows)] for c in range(columns + 1)]
        ax.add_collection(LineCollection(lines, colors=GREY, linewidths=0.4, zorder=2))


def _borders(ax: Axes, numbers: Tensor, *, rim: bool = False, width: float = 1.8, dashes: object = "solid") -> None:
    """Lines between neighbours with unequal numbers, and round the whole; ``rim`` sets them off from a photograph."""
    framed = F.pad(numbers, (1, 1, 1, 1), value=-1)
    across = _runs(framed[:-1, 1:-1] != framed[1:, 1:-1])
    down = _runs((framed[1:-1, :-1] != framed[1:-1, 1:]).T)
    lines = [[(a, r), (b, r)] for r, a, b in across] + [[(c, a), (c, b)] for c, a, b in down]
    cap = "projecting" if dashes == "solid" else "butt"
    look = {"linestyles": dashes, "capstyle": cap, "zorder": 3, "clip_on": False}
    if rim:
        ax.add_collection(LineCollection(lines, colors="white", linewidths=width + 1.6, **look))
    ax.add_collection(LineCollection(lines, colors=BLACK, linewidths=width, **look))


def _runs(where: Tensor) -> list[tuple[int, int, int]]:
    """``(row, start, stop)`` of every unbroken run of True in a row, so that one line draws it."""
    edges = F.pad(where.int(), (1, 1)).diff(dim=1)
    starts, stops = (edges == 1).nonzero().tolist(), (edges == -1).nonzero().tolist()
    return [(row, start, stop) for (row, start), (_, stop) in zip(starts, stops, strict=True)]


def _hatch_cells(ax: Axes, where: Tensor, colour: str, hatch: str = "////") -> None:
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)])
    cells = [Path(corners + np.array([column, row]), closed=True) for row, column in where.nonzero().tolist()]
    if cells:
        path = Path.make_compound_path(*cells)
        ax.add_patch(PathPatch(path, facecolor="none", edgecolor=colour, hatch=hatch, linewidth=0))


def _hatch_padding(ax: Axes, height: int, width: int, rows: int, columns: int) -> None:
    hatch = {"facecolor": "white", "edgecolor": GREY, "hatch": "////", "linewidth": 0, "zorder": 1}
    if columns > width:
        ax.add_patch(Rectangle((width, 0), columns - width, rows, **hatch))
    if rows > height:
        ax.add_patch(Rectangle((0, height), width, rows - height, **hatch))


def _draw_mask(ax: Axes, allowed: Tensor) -> None:
    count = len(allowed)
    _paint(ax, _tint(allowed, pale(SKY, 0.35)))
    _hatch_cells(ax, ~allowed, GREY, "//")
    _borders(ax, allowed.long(), width=1.0)
    _board(ax, count, count, cells=False)
    ax.set(xlabel="key", ylabel="query")
    ax.xaxis.set_label_position("top")


def _alike(numbers: list[int]) -> str:
    """ "windows 0-6, 8-14": runs of numbers, short."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    if len(runs) > 3:
        return f"windows {numbers[0]}, {numbers[1]}, … ({len(numbers)} alike)"
    return "windows " + ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in runs)


def _number_cells(ax: Axes, numbers: Tensor, groups: Tensor) -> None:
    rows, columns = numbers.shape
    cells = torch.ones(rows, columns, 3)
    for group in groups.unique().tolist():
        if group >= 0:
            cells[groups == group] = torch.tensor(PALE[int(group) % len(PALE)])
    _paint(ax, cells)
    _board(ax, rows, columns)
    _borders(ax, torch.zeros(rows, columns))
    digits = max(len(str(value)) for value in numbers.flatten().tolist())
    size = min(12, 1.3 * _points_per_cell(ax, rows, columns) / max(digits, 1.6))
    for row, values in enumerate(numbers.tolist()):
        for column, value in enumerate(values):
            ax.text(column + 0.5, row + 0.5, str(value), ha="center", va="center_baseline", fontsize=size)


def _tint(where: Tensor, colour: tuple[float, ...]) -> Tensor:
    """``(H, W, 3)``: ``colour`` where True, white elsewhere."""
    return torch.where(where[..., None], torch.tensor(colour), torch.ones(3))


def _paint(ax: Axes, values: Tensor, extent: tuple[float, ...] | None = None, **options: Any) -> AxesImage:
    """Paint a map so that cell ``(row, column)`` fills the unit square whose corner is ``(column, row)``."""
    height, width = values.shape[:2]
    return ax.imshow(values.numpy(), extent=extent or (0, width, height, 0), **options)


def _points_per_cell(ax: Axes, rows: int, columns: int) -> float:
    """Roughly how many points wide a cell will be, to size signs and letters."""
    box = ax.get_position()
    width, height = ax.figure.get_size_inches()
    return 72 * min(0.9 * box.width * width / columns, 0.9 * box.height * height / rows)


def _legend(picture: Picture, *handles: Patch) -> None:
    picture.legend(handles=list(handles), loc="outside lower center", ncols=len(handles), frameon=False)
