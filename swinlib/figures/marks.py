"""What the shift is for, by hand: two marks that the reader moves, and two trained networks that compare them.

The networks are those of ``swinlib.pretrained.marks``, equal but for the shift. They run in the page, since no table
holds all pairs of places and colours for both.
"""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from matplotlib.axes import Axes
from torch import Tensor

from swinlib.figures.in_page import MARKS, ModelInPage
from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.layout import window_layout
from swinlib.figures.style import BLACK, Picture, canvas, style
from swinlib.model import SwinTransformer

Cells = tuple[tuple[int, int], tuple[int, int]]

SIDE, MARK, WINDOW = 8, 2, 4  # cells of the map, pixels of a cell, cells of a window
COLOURS = ("red", "green", "cyan", "violet")  # of data.palette(4)
START: Cells = ((2, 3), (2, 4))  # neighbours, with a border between them
SHIFTED, PLAIN = "shifted", "plain"  # the two networks, by name

WORDS = {
    "board": "{network}: a map of 8 by 8 tokens with two marks. Arrow keys move the {mark} mark, the space bar takes "
    "the other one.",
    "board_of_the_other": "{network}: the same two marks",
    "shifted": "With shift",
    "plain": "Without",
    "first": "first",
    "second": "second",
    "hint": "Drag a mark, in either map. By keyboard, arrow keys move the mark with the thick frame, and the space bar "
    "takes the other one.",
    "loading": "The two networks are being loaded.",
    "failed": "The weights of the networks are not beside this page: {reason}. In a notebook, run the cell.",
    "verdict": "says {said}, {sure} %",
    "agree": "that they agree",
    "differ": "that they differ",
    "right": "right",
    "wrong": "wrong",
    "together": "Both marks stand in one window, so that either network compares them in its first block: with shift "
    "it says {said}, {sure} %, which is {verdict}; without, {said_plain}, {sure_plain} %, which is {verdict_plain}.",
    "apart": "A border of the windows lies between the marks, and without the shift no token hears of both, so that "
    "network can only guess: it says {said_plain}, {sure_plain} %, which is {verdict_plain}; with the shift {both} "
    "tokens hear of both, and it says {said}, {sure} %, which is {verdict}.",
    "places": "The first mark is {first_colour}, at row {first_row}, column {first_column}; the second is "
    "{second_colour}, at row {second_row}, column {second_column}.",
    "hears": "a token that hears of both marks in the last block",
    "windows": "borders of the windows of block 1; dashed, of block 2 where it is shifted",
}


def hear_of_both(model: SwinTransformer, cells: Cells) -> Tensor:
    """Which tokens of the last map can depend on both marks, ``(8, 8)``: by windows, shift and mask of the blocks."""
    heard = torch.zeros(2, SIDE * SIDE, dtype=torch.bool)
    for mark, (row, column) in enumerate(cells):
        heard[mark, row * SIDE + column] = True
    for block in model.layers[0].blocks:
        group = window_layout(SIDE, SIDE, block.window_size, block.shift_size).in_image().group.flatten()
        heard = (heard.float() @ (group[:, None] == group).float()) > 0  # whoever is in a group with one who has heard
    return heard.all(0).view(SIDE, SIDE)


def marks_image(cells: Cells, colours: tuple[int, int]) -> Tensor:
    """The image ``(3, 16, 16)`` of two marks, each in a cell of the map and of a colour by number."""
    from swinlib.data import draw_marks, palette

    places = torch.tensor(cells)[None] * MARK
    return draw_marks(places, palette(len(COLOURS))[list(colours)][None], SIDE * MARK, MARK)[0]


def agreement(model: SwinTransformer, cells: Cells, colours: tuple[int, int]) -> float:
    """The probability that a network gives to the answer that the colours agree, the same on every processor."""
    with torch.no_grad():
        return float(copy.deepcopy(model).double()(marks_image(cells, colours)[None].double()).softmax(-1)[0, 1])


def marks_figure(shifted: SwinTransformer | None = None, plain: SwinTransformer | None = None) -> Interactive:
    """Move two marks across the borders of windows, and see two networks compare their colours.

    Args:
        shifted: of version 1, in eval mode: images ``(B, 3, 16, 16)`` to logits ``(B, 2)``, in one stage of windows of
            4x4 tokens, patches of 2x2 pixels. Those that swinlib brings if left out.
        plain: the same without a shift.

    Raises:
        ValueError: if only one is given, or they are not such networks.
    """
    if (shifted is None) != (plain is None):
        raise ValueError("give both networks, with shift and without, or none for those that swinlib brings.")
    given = shifted is not None and plain is not None
    page_model = ModelInPage.own({SHIFTED: shifted, PLAIN: plain}) if given else MARKS
    models = page_model.rounded()
    _check(models)

    def compute() -> dict[str, Any]:
        from swinlib.data import palette

        return {
            "side": SIDE,
            "mark": MARK,
            "window": [WINDOW, WINDOW],
            "shifts": {
                name: [list(block.shift_size) for block in model.layers[0].blocks] for name, model in models.items()
            },
            "colours": list(COLOURS),
            "palette": palette(len(COLOURS)).tolist(),
            "start": [list(cell) for cell in START],
            "agreement": {name: round(agreement(model, START, (0, 0)), 4) for name, model in models.items()},
        }

    shades = dict(enumerate(COLOURS))
    return Interactive(
        "marks",
        compute,
        [Control("first", "First mark", shades, view=True), Control("second", "Second mark", shades, view=True)],
        caption="Two marks, and two networks that say whether their colours agree. Move a mark across a border.",
        words=WORDS,
        picture=lambda **_: _picture(models),
        alt="Two maps of 8 by 8 tokens under borders of windows of 4 by 4, each with two red marks side by side, the "
        "border between them. With shift, where dashed borders show the windows of the second block, dots mark the "
        "tokens that hear of both marks; without, there are none. Above each map stands what its network says.",
        model=page_model,
    )


def _check(models: Mapping[str, SwinTransformer]) -> None:
    for name, model in models.items():
        layers, patch = model.layers, model.patch_embed.patch_size
        if len(layers) != 1 or layers[0].window_size != (WINDOW, WINDOW) or patch != (MARK, MARK):
            raise ValueError(
                f"the figure needs networks of one stage, windows of {WINDOW}x{WINDOW} tokens and patches of {MARK}x"
                f"{MARK} pixels; {name} has {len(layers)} stages, windows of {layers[0].window_size} and patches of "
                f"{patch}."
            )


def _picture(models: Mapping[str, SwinTransformer]) -> Picture:
    with style():
        picture, axes = canvas(1, 2, width=6, height=3.5)
        for ax, (name, model) in zip(axes, models.items(), strict=True):
            chance = agreement(model, START, (0, 0))
            said, sure = ("agree", chance) if chance > 0.5 else ("differ", 1 - chance)
            _board(ax, model, f"{WORDS[name].lower()}: {said}, {100 * sure:.0f} %")
    return picture


def _board(ax: Axes, model: SwinTransformer, title: str) -> None:
    """The map with both marks as at first, and dots on the tokens that hear of both."""
    rows, columns = hear_of_both(model, START).nonzero().unbind(1)
    ax.plot(columns + 0.5, rows + 0.5, "o", color=BLACK, ms=3)
    for number, (row, column) in enumerate(START, start=1):
        ax.fill([column, column + 1, column + 1, column], [row, row, row + 1, row + 1], color="#ff0000", zorder=3)
        ax.text(column + 0.5, row + 0.5, str(number), ha="center", va="center", fontweight="bold", zorder=4)
    ax.hlines(range(0, SIDE + 1, WINDOW), 0, SIDE, color=BLACK, lw=2)
    ax.vlines(range(0, SIDE + 1, WINDOW), 0, SIDE, color=BLACK, lw=2)
    shift = model.layers[0].blocks[-1].shift_size[0]
    if shift:
        ax.hlines(range(shift, SIDE, WINDOW), 0, SIDE, color=BLACK, lw=1.2, ls="--")
        ax.vlines(range(shift, SIDE, WINDOW), 0, SIDE, color=BLACK, lw=1.2, ls="--")
    ax.set(title=title, xlim=(0, SIDE), ylim=(SIDE, 0), aspect="equal", xticks=range(SIDE + 1), yticks=range(SIDE + 1))
    ax.set(xticklabels=[], yticklabels=[])
    ax.grid(color="#767676", lw=0.3)
    ax.tick_params(length=0)
