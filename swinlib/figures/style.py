"""How every picture of the book looks, and how a notebook shows it.

The style holds while a function of this package draws and is put back afterwards: a learner's own matplotlib
settings are neither used nor changed. Pictures never pass through pyplot, so nothing is left open and nothing
is shown twice.
"""

import base64
import io
from contextlib import AbstractContextManager

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

# Okabe and Ito's eight colours, which people with any kind of colour vision can tell apart
# (https://jfly.uni-koeln.de/color/). They are never the only sign: a symbol, hatch or number goes with them.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = COLOURS = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
GREY = "#767676"

STYLE = {
    "figure.dpi": 110,
    "figure.facecolor": "white",  # a white sheet reads on the dark theme too
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 11,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 10,
    "axes.edgecolor": "#333333",
    "axes.prop_cycle": matplotlib.cycler(color=[BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK]),
    "hatch.linewidth": 0.8,
    "image.cmap": "cividis",
    "image.interpolation": "nearest",
}
MAX_WIDTH = 7.0  # inches; wider than this, the letters are too small on a phone


def style() -> AbstractContextManager[None]:
    """The book's style as a context: ``with swinlib.figures.style(): plt.plot(...)``."""
    return matplotlib.style.context(["default", STYLE])


def pale(colour: str, amount: float = 0.6) -> tuple[float, float, float]:
    """``colour`` mixed with white, light enough for black letters on it."""
    return tuple(1 - (1 - channel) * (1 - amount) for channel in to_rgb(colour))


class Picture(Figure):
    """A matplotlib figure that a notebook shows as the last expression of a cell, or by ``display``.

    IPython knows how to show a bare ``Figure`` only once pyplot was imported, and then cuts its margins
    ("tight"), so that one cell could give two different pictures. This class shows itself, in the same bytes
    each time: no date, no version of the software, no cutting.
    """

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        with style():  # only now does matplotlib read some settings, such as the hatch's line width
            self.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        png = base64.b64encode(self._repr_png_()).decode()
        display({"image/png": png, "text/plain": repr(self)}, raw=True)


def canvas(
    rows: int = 1, columns: int = 1, *, width: float = 6.0, height: float | None = None
) -> tuple[Picture, list[Axes]]:
    """An empty picture and its axes, row by row, to pass as ``ax`` to several drawing functions.

    Args:
        rows: of axes.
        columns: of axes.
        width: of the picture in inches, at most 7.
        height: in inches; by default the axes are about square.
    """
    width = min(width, MAX_WIDTH)
    with style():
        picture = Picture(figsize=(width, height or width / columns * rows), layout="compressed")
        return picture, list(picture.subplots(rows, columns, squeeze=False).flat)
