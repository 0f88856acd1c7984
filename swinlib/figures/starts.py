"""How a small Swin learns from three starts: what ``benchmarks/three_starts.py`` measured, and its picture.

Training would take a page too long, and its last digits differ between machines, so the figures are stored with the
machine, the date and the versions that they are from.
"""

import json
from collections.abc import Iterable
from importlib import resources
from typing import Any

import numpy as np

from swinlib.figures.style import BLUE, ORANGE, VERMILION, Picture, canvas, style

LOOKS = {0.002: (ORANGE, "v:"), 0.02: (BLUE, "o-"), 0.2: (VERMILION, "D--")}
TITLES = {"as the blocks": "merging started as the blocks", "1/√inputs": "merging started at 1/√inputs"}


def three_starts() -> dict[str, Any]:
    """The stored measurement.

    Returns:
        ``command``, ``machine``, ``date``, ``versions``, ``recipe``, and ``runs``: of each the ``std`` of its linear
        layers, how its ``mergings`` were started, its ``seed``, its ``losses``, each the mean of ``recipe["averaged"]``
        steps, and ``held_out_loss`` and ``held_out_right`` of ``recipe["held_out"]`` images.
    """
    return json.loads(resources.files(__package__).joinpath("three_starts.json").read_text(encoding="utf-8"))


def losses_of(runs: Iterable[dict[str, Any]], std: float, mergings: str) -> np.ndarray:
    """The losses ``(seeds, points)`` of one start.

    Raises:
        ValueError: if no run started so.
    """
    found = [run["losses"] for run in runs if (run["std"], run["mergings"]) == (std, mergings)]
    if not found:
        raise ValueError(f"no run has std={std!r} and mergings={mergings!r}.")
    return np.array(found)


def show_three_starts(measured: dict[str, Any] | None = None) -> Picture:
    """The training loss of each start: a line for the mean of its seeds, a band from the least to the greatest.

    Args:
        measured: as ``three_starts`` gives it; by default that.
    """
    measured = measured or three_starts()
    averaged = measured["recipe"]["averaged"]
    picture, axes = canvas(2, 1, width=5.5, height=6.4)
    with style():
        for ax, (mergings, title) in zip(axes, TITLES.items(), strict=True):
            for std, (colour, look) in LOOKS.items():
                losses = losses_of(measured["runs"], std, mergings)
                steps = averaged * (np.arange(losses.shape[1]) + 0.5)
                ax.fill_between(steps, losses.min(0), losses.max(0), color=colour, alpha=0.25, lw=0)
                ax.plot(steps, losses.mean(0), look, color=colour, label=f"std {std:g}", ms=5)
            ax.set(title=title, ylabel="loss", ylim=(0, None))
        axes[0].sharex(axes[1])
        axes[1].set_xlabel("step")
        picture.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return picture
