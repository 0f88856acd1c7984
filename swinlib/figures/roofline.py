"""How fast something can compute at best, and how fast it does: the roofline, and what the fast Swin was measured at.

Times differ from machine to machine, so those of the chapter on the fast Swin are stored with the machine, the date and
the version that they are from; ``benchmarks/fast_steps.py`` measures them.

Source: Williams, Waterman, Patterson 2009, "Roofline", Communications of the ACM 52(4).
"""

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from swinlib.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, Picture, canvas, style

WIDTH = 4.4  # inches, the whole width of a phone
COLOURS, MARKERS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK), "osD^vPX"


def fast_steps() -> dict[str, Any]:
    """What ``benchmarks/fast_steps.py`` measured.

    Returns:
        ``command``, ``processor``, ``capability``, ``date`` and ``torch``: where and when. ``product`` and ``copy``:
        operations and bytes a second at best. ``turns``: by batch. ``shares`` of the time, and ``bytes`` that are read
        and written: by model and kind of operator. ``operations`` of the products: by batch and kind. ``steps``: by
        batch and step ``ms``, ``predicted`` and ``measured`` gain, the last with the lowest and the highest of its
        parts. ``floor``: in ms by batch. ``tried``: the same gains by what else was tried and batch.
    """
    return json.loads(resources.files(__package__).joinpath("fast_steps.json").read_text(encoding="utf-8"))


def show_roofline(
    points: Mapping[str, Sequence[tuple[float, float]]], *, peak: float, bandwidth: float, path: Sequence[str] = ()
) -> Picture:
    """Draw how fast each computes over how much it computes for each byte, under what a machine can do at best.

    Args:
        points: of each name, operations for each byte and operations a second; several are joined by a line.
        peak: operations a second at best.
        bandwidth: bytes a second at best.
        path: what the points of a name are, the first of them hollow and the last full, such as ``("plain", "fast")``.

    Raises:
        ValueError: if there is nothing to draw, or a value is not positive: axes are logarithmic.
    """
    every = [point for of_name in points.values() for point in of_name]
    if not every:
        raise ValueError("there is no point to draw; give at least one pair (operations for each byte, a second).")
    for value in (peak, bandwidth, *(value for point in every for value in point)):
        if not value > 0:
            raise ValueError(f"a roofline has logarithmic axes, so all values must be positive; got {value!r}.")
    edge = peak / bandwidth
    left, right = min(edge, *(x for x, _ in every)) / 2, max(edge, *(x for x, _ in every)) * 2
    lowest = min(bandwidth * left, *(y for _, y in every)) / 1.5
    picture, (ax,) = canvas(width=WIDTH, height=3.9)
    with style():
        ax.plot([left, edge, right], [bandwidth * left, peak, peak], color=GREY, lw=2.5, zorder=1)
        ax.fill_between([left, edge, right], [bandwidth * left, peak, peak], lowest, color=GREY, alpha=0.12, lw=0)
        ax.plot([edge, edge], [lowest, peak], color=GREY, ls=(0, (4, 3)), lw=1)
        for (name, of_name), colour, marker in zip(points.items(), _cycle(COLOURS), _cycle(MARKERS), strict=False):
            xs, ys = zip(*of_name, strict=True)
            ax.plot(xs, ys, "-", color=colour, lw=1.2)
            if len(path) > 1:  # where it comes from is hollow, and larger, to be seen where nothing has moved
                ax.plot(xs[:1], ys[:1], marker, color=colour, ms=13, mew=1.8, mfc="white")
            ax.plot(xs[len(path) > 1 :], ys[len(path) > 1 :], marker, color=colour, label=name, ms=8)
        ax.set(xscale="log", yscale="log", xlim=(left, right), ylim=(lowest, peak * 1.6))
        ax.set(xlabel="operations for each byte", ylabel="operations a second")
        _plain_ticks(ax)
        said = {"fontsize": 10, "color": "#333333", "va": "bottom"}
        ax.text(right / 1.08, peak * 1.07, f"{_rounded(peak)} operations/s", ha="right", **said)
        ax.text(left * 1.06, peak * 1.07, f"{_rounded(bandwidth)}B/s", **said)
        ax.text(edge * 1.06, lowest * 1.12, f"edge: {edge:.0f}", **said)
        title = f"hollow: {path[0]}, full: {path[-1]}" if len(path) > 1 else None
        picture.legend(loc="outside lower center", ncols=min(3, len(points)), frameon=False, title=title)
    return picture


def _cycle(values: Sequence[str]) -> Sequence[str]:
    """More of them than anybody draws."""
    return list(values) * 8


def _plain_ticks(ax: Axes) -> None:
    """1, 2, 5, 10 and so on, in words and not in powers."""
    for axis, write in ((ax.xaxis, "{:g}".format), (ax.yaxis, _short)):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _, write=write: write(value)))
        axis.set_minor_formatter(NullFormatter())


def _rounded(value: float) -> str:
    """In two digits."""
    return _short(float(f"{value:.2g}"))


def _short(value: float) -> str:
    """``2e9`` is ``2 G``."""
    for unit, name in ((1e12, " T"), (1e9, " G"), (1e6, " M")):
        if value >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:g}"
