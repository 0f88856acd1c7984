"""Whom a token may attend to: the interactive figure of the chapter on shifted windows."""

from collections.abc import Sequence
from typing import Any

from swinlib.arguments import to_pair
from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.layout import window_layout
from swinlib.figures.pictures import show_neighbours
from swinlib.figures.style import Picture, canvas

LARGEST = 64  # tokens on a side; each is drawn
START = (1, 1)  # the token chosen at first: near a corner, its window is made of four regions

WORDS = {
    "masked": "Token (row {row}, column {column}) may attend to {reached} of the {tokens} tokens in its window.",
    "unmasked": "Without the mask, token (row {row}, column {column}) attends to all {tokens} tokens in its window: "
    "{reached} from its own part of the image and {wrong} that only the roll put next to it.",
    "harmless": "Without the mask, token (row {row}, column {column}) attends to all {tokens} tokens in its window, "
    "all from one part of the image: here the mask hides nothing.",
    "which": "They are {own}.",
    "hidden": "Masked: {others}.",
    "mixed": "Its own part is {own}; the roll brought {others}.",
    "rows": "rows {first} to {last}",
    "row": "row {first}",
    "columns": "columns {first} to {last}",
    "column": "column {first}",
    "moved": "After the roll it stands at (row {y}, column {x}).",
    "padding": "Of those it attends to, {padding} are padding: Swin does not mask padded tokens as keys.",
    "is_padding": "This token is padding itself; what it gathers is cut off again.",
    "no_shift": "One window covers the whole map, so the shift is left out.",
    "no_roll": "Without a shift, nothing is rolled: both views are the same.",
    "map": "Tokens, by row and column",
    "self": "the chosen token",
    "reached": "it may attend to these",
    "wrong": "attended to only because the mask is off",
    "blocked": "in its window, but masked",
    "pad": "padding",
    "lines": "Thick lines: borders of windows. Dashed: borders of regions within a window. Numbers: regions.",
    "name": "row {row}, column {column}",
    "cell_self": "row {row}, column {column}, region {region}, chosen",
    "cell_reached": "row {row}, column {column}, region {region}, may be attended to",
    "cell_wrong": "row {row}, column {column}, region {region}, attended to only because the mask is off",
    "cell_blocked": "row {row}, column {column}, region {region}, in the window but masked",
    "cell_plain": "row {row}, column {column}, region {region}, in another window",
}


def reach_data(size: int, window: int, shift: int) -> dict[str, Any]:
    """Who stands where and may attend to whom, for a square map of ``size`` x ``size`` tokens.

    Returns:
        ``token``, ``window``, ``region`` and ``group`` of ``window_layout`` as lists of rows, at the positions
        after the roll; ``size``; ``shift``, the one that was used; ``asked``, the one that was wanted.

    Raises:
        ValueError: if the shift does not fit the window, or the map is too large to draw.
    """
    if max(to_pair(size, "size")) > LARGEST:
        raise ValueError(f"size {size} is too large to draw every token; choose at most {LARGEST}.")
    layout = window_layout(size, size, window, shift)
    if layout.token.shape[0] > LARGEST:
        raise ValueError(f"window {window} is too large to draw every token; choose at most {LARGEST}.")
    maps = {name: getattr(layout, name).tolist() for name in ("token", "window", "region", "group")}
    return {**maps, "size": size, "shift": layout.shift[0], "asked": shift}


def attention_reach(
    size: int = 8,
    window_size: int = 4,
    shift_size: int = 2,
    *,
    sizes: Sequence[int] = (4, 7, 8, 10, 14),
    windows: Sequence[int] = (2, 4, 7),
    shifts: Sequence[int] = (0, 1, 2, 3),
) -> Interactive:
    """Choose a map, a window, a shift and a token, and see whom the token may attend to.

    Args:
        size: tokens on a side at first.
        window_size: at first.
        shift_size: at first.
        sizes: that the page offers; live, any up to 64.
        windows: that the page offers; live, any.
        shifts: that the page offers; live, any.

    Raises:
        ValueError: if the figure does not start at offered values, or the shift does not fit the window.
    """
    reach_data(size, window_size, shift_size)

    return Interactive(
        "reach",
        reach_data,
        [
            Control("size", "Size of the map", sizes, size, live={"type": "number", "min": 1, "max": LARGEST}),
            Control("window", "Window", windows, window_size, live={"type": "number", "min": 1}),
            Control("shift", "Shift", shifts, shift_size, live={"type": "number", "min": 0}),
            Control(
                "view", "Positions", {"image": "in the image, before the roll", "rolled": "after the roll"}, view=True
            ),
            Control("mask", "Mask", (False, True), start=True, view=True),
        ],
        caption="Whom a token may attend to in a shifted window. Choose a token by click, or by arrow keys and Enter.",
        words=WORDS,
        picture=_picture,
        alt=f"A map of {size} by {size} tokens in windows of {window_size}, shifted by {shift_size}, drawn twice: in "
        f"the image and after the roll. Token (row {START[0]}, column {START[1]}) is marked with a triangle, the "
        "tokens that it may attend to with dots, and those that share its window only by the roll with crosses.",
    )


def _picture(size: int, window: int, shift: int, **_: Any) -> Picture:
    picture, axes = canvas(1, 2, width=7, height=4.1)
    token = tuple(min(place, size - 1) for place in START)
    for ax, rolled in zip(axes, (False, True), strict=True):
        show_neighbours(size, window, shift, token, rolled=rolled, ax=ax)
    picture.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return picture
