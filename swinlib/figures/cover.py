"""The cover of the book, for cards that show where a link leads."""

import torch.nn.functional as F
from matplotlib.axes import Axes
from torch import Tensor

from swinlib.figures.drawing import Anatomy, Stage, default_anatomy
from swinlib.figures.images import photograph
from swinlib.figures.style import BLACK, Picture, style

SIZE = (1200, 630)  # pixels; what sites make large cards of
DPI = 100
CREDIT = "Photograph: danielbuechele, CC BY 2.0"


def cover(title: str, line: str, facts: Anatomy | None = None) -> Picture:
    """The photograph in the windows of the first stage, what the further stages leave of it, and the title.

    Args:
        title: of the book; it may have several lines.
        line: what it is, below the title.
        facts: what ``anatomy(model)`` gives; of Swin-T if left out.
    """
    facts = default_anatomy() if facts is None else facts
    width, height = SIZE
    with style():
        picture = Picture(figsize=(width / DPI, height / DPI), dpi=DPI)
        image = photograph(size=height)
        first, *others = facts.stages
        _paint(_axes(picture, width - height, 0, height), image, first, 1.6)
        left, side = 60, 130
        for stage in others[:3]:
            small = F.adaptive_avg_pool2d(image, (stage.rows, stage.columns))
            _paint(_axes(picture, left, 70, side), small, stage, 1.6)
            left += side + 30
        place = {"transform": picture.transFigure, "color": BLACK, "verticalalignment": "top"}
        picture.text(60 / width, 1 - 70 / height, title, fontsize=34, fontweight="bold", linespacing=1.25, **place)
        picture.text(60 / width, 1 - 270 / height, line, fontsize=16, linespacing=1.5, **place)
        picture.text(60 / width, 40 / height, CREDIT, fontsize=9, **place)
    return picture


def _axes(picture: Picture, left: float, bottom: float, side: float) -> Axes:
    """A square on the picture, in pixels."""
    axes = picture.add_axes((left / SIZE[0], bottom / SIZE[1], side / SIZE[0], side / SIZE[1]))
    axes.set_axis_off()
    return axes


def _paint(axes: Axes, image: Tensor, stage: Stage, width: float) -> None:
    """An image under the windows of a stage, with the map's own frame."""
    axes.imshow(image.permute(1, 2, 0).numpy(), extent=(0, stage.columns, stage.rows, 0), aspect="auto")
    axes.set(xlim=(0, stage.columns), ylim=(stage.rows, 0))
    lines = {"color": BLACK, "linewidth": width, "clip_on": True}
    axes.vlines(range(0, stage.columns + 1, stage.window[1]), 0, stage.rows, **lines)
    axes.hlines(range(0, stage.rows + 1, stage.window[0]), 0, stage.columns, **lines)
