"""Products of matrices drawn to scale: which sides meet, and which shape comes out."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from swinlib.figures.style import BLACK, GREY, Picture, canvas, pale, style

Term: TypeAlias = tuple[str, Tensor]

STACK = 2.5  # how far a sheet of a stack stands behind the next, in numbers
LETTER = 0.075  # inches that a letter of a shape takes


def show_products(*lines: Sequence[Term | str], tints: Mapping[str, str] | None = None, width: float = 4.4) -> Picture:
    """Draw lines of matrices with signs between them, all to one scale.

    The sides of a rectangle are the last two dimensions of its tensor. Where it has more dimensions, sheets behind
    it say so. The name stands above, the shape below.

    Args:
        lines: each of terms ``(name, tensor)`` and signs, such as ``("q", q), "@", ("kᵀ", k.mT), "=", ("logits", x)``.
        tints: a colour for each name that is to have one; the others are white.
        width: of the picture in inches.

    Raises:
        ValueError: if there is no line, a line has no term, or a tensor has fewer than two dimensions.
    """
    for line in lines or [()]:
        if not any(isinstance(term, tuple) for term in line):
            raise ValueError(f"a line needs at least one term (name, tensor); got {list(line)!r}.")
        for name, tensor in _terms(line):
            if tensor.dim() < 2:
                raise ValueError(f"a matrix has two dimensions at least; {name} has shape {tuple(tensor.shape)}.")
    scale = _inches_per_number(lines, width)
    heights = [max(tensor.shape[-2] for _, tensor in _terms(line)) * scale + 0.62 for line in lines]
    with style():
        picture, [ax] = canvas(width=width, height=sum(heights) + 0.1)
        ax.set_axis_off()
        ax.set(xlim=(0, width), ylim=(sum(heights), 0), aspect="equal")  # in inches, downwards
        top = 0.0
        for line, height in zip(lines, heights, strict=True):
            _draw_line(ax, line, top + 0.3, height - 0.62, width, scale, tints or {})
            top += height
    return picture


def _terms(line: Sequence[Term | str]) -> list[Term]:
    return [term for term in line if isinstance(term, tuple)]


def _room(term: Term | str, scale: float) -> float:
    """Inches that a term or sign takes in its line."""
    if isinstance(term, str):
        return 0.26
    name, tensor = term
    letters = max(len(name), len(str(tuple(tensor.shape))))
    return max((tensor.shape[-1] + 2 * STACK) * scale, letters * LETTER) + 0.06


def _inches_per_number(lines: Sequence[Sequence[Term | str]], width: float) -> float:
    """The largest scale, up to 49 numbers in 0.8 inches, at which every line fits."""
    scale = 0.8 / 49
    while scale > 1e-4 and any(sum(_room(term, scale) for term in line) > width for line in lines):
        scale *= 0.95
    return scale


def _draw_line(
    ax: Axes,
    line: Sequence[Term | str],
    top: float,
    height: float,
    width: float,
    scale: float,
    tints: Mapping[str, str],
) -> None:
    """Draw a line in the middle of ``width``, its matrices centred on ``top + height / 2``."""
    left = (width - sum(_room(term, scale) for term in line)) / 2
    middle = top + height / 2
    for term in line:
        centre = left + _room(term, scale) / 2
        if isinstance(term, str):
            ax.text(centre, middle, term, ha="center", va="center", fontsize=13)
        else:
            name, tensor = term
            rows, columns = (side * scale for side in tensor.shape[-2:])
            sheets = 3 if tensor.shape[:-2].numel() > 1 else 1
            for sheet in reversed(range(sheets)):
                shift = sheet * STACK * scale
                face = pale(tints[name]) if name in tints else "white"
                edge = {"facecolor": face, "edgecolor": GREY if sheet else BLACK, "linewidth": 0.8}
                ax.add_patch(
                    Rectangle((centre - columns / 2 + shift, middle - rows / 2 - shift), columns, rows, **edge)
                )
            above = middle - rows / 2 - (sheets - 1) * STACK * scale - 0.04
            ax.text(centre, above, name, ha="center", va="bottom", fontsize=10)
            ax.text(centre, middle + rows / 2 + 0.05, str(tuple(tensor.shape)), ha="center", va="top", fontsize=9)
        left += _room(term, scale)
