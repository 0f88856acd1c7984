"""What ``torch.roll`` does to a grid of numbers: an interactive figure."""

from collections.abc import Sequence
from typing import Any

import torch

from swinlib.arguments import to_pair
from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.pictures import show_numbers
from swinlib.figures.style import Picture, canvas

LARGEST = 12  # numbers on a side

WORDS = {
    "call": "x.roll(({rows}, {columns}), dims=(0, 1))",
    "grid": "The numbers after the roll, by row and column",
    "cell": "row {row}, column {column}: number {number}",
    "cell_round": "row {row}, column {column}: number {number}, which went round the border",
    "moved": "{call} puts number {number} at (row {row}, column {column}). "
    "It stood at (row {from_row}, column {from_column}).",
    "round": "It left the grid on one side and came back on the other.",
    "plain": "moved straight",
    "wrapped": "went round the border",
    "chosen": "the chosen number",
}


def roll_data(rows: int, columns: int, height: int = 4, width: int = 6) -> dict[str, Any]:
    """The numbers 0, 1, 2, ... of a grid, row by row, after ``torch.roll``.

    Returns:
        ``numbers`` and ``wrapped`` (whether each went round a border) as lists of rows, and the arguments.

    Raises:
        ValueError: if a shift is not an integer, or the grid is too large to draw.
    """
    height, width = to_pair((height, width), "the size of the grid")
    if max(height, width) > LARGEST:
        raise ValueError(f"a grid of {height}x{width} is too large to draw; choose at most {LARGEST} on a side.")
    if any(isinstance(shift, bool) or not isinstance(shift, int) for shift in (rows, columns)):
        raise ValueError(f"a roll goes by whole rows and columns; got {rows!r} and {columns!r}.")
    numbers = torch.arange(height * width).view(height, width).roll((rows, columns), dims=(0, 1))
    # a number went straight if it now stands exactly that many rows and columns further
    row, column = torch.arange(height)[:, None], torch.arange(width)
    straight = (row - numbers // width == rows) & (column - numbers % width == columns)
    return {
        "numbers": numbers.tolist(),
        "wrapped": (~straight).tolist(),
        "rows": rows,
        "columns": columns,
    }


def roll_figure(
    rows: int = -1,
    columns: int = -2,
    *,
    height: int = 4,
    width: int = 6,
    row_shifts: Sequence[int] = (-3, -2, -1, 0, 1, 2, 3),
    column_shifts: Sequence[int] = (-3, -2, -1, 0, 1, 2, 3),
) -> Interactive:
    """Roll a grid of numbers by rows and columns and see where each goes.

    Args:
        rows: shift of the rows at first; negative is upwards.
        columns: shift of the columns at first; negative is to the left.
        height: of the grid.
        width: of the grid.
        row_shifts: that the page offers; live, any integer.
        column_shifts: that the page offers; live, any integer.

    Raises:
        ValueError: if the figure does not start at offered values, or the grid is too large to draw.
    """

    def compute(rows: int, columns: int) -> dict[str, Any]:
        return roll_data(rows, columns, height, width)

    def picture(rows: int, columns: int) -> Picture:
        drawing, axes = canvas(1, 2, width=7, height=0.9 + 3.1 * height / width)
        before = torch.arange(height * width).view(height, width)
        after = torch.tensor(compute(rows, columns)["numbers"])
        show_numbers(before, groups=before // width, title="x", ax=axes[0])
        show_numbers(after, groups=after // width, title=f"x.roll(({rows}, {columns}), dims=(0, 1))", ax=axes[1])
        return drawing

    compute(rows, columns)
    return Interactive(
        "rolling",
        compute,
        [
            Control("rows", "Roll rows by", row_shifts, rows, live={"type": "number"}),
            Control("columns", "Roll columns by", column_shifts, columns, live={"type": "number"}),
        ],
        caption="torch.roll on a grid of numbers. Choose a number by click, or by arrow keys and Enter.",
        words=WORDS,
        picture=picture,
        alt=f"Two grids of {height} by {width} numbers: counted row by row, and the same after a roll of {rows} rows "
        f"and {columns} columns, in which what left on one side came back on the other.",
    )
