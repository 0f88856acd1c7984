"""A learner's answer beside the right one."""

import torch
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from .style import Picture, canvas, style


def show_answer(got: Tensor, want: Tensor, *, rows: str = "row", columns: str = "column") -> Picture:
    """Two maps of numbers side by side; a cross marks each place where they differ.

    Args:
        got: the learner's answer ``(H, W)``.
        want: the right one, of the same shape.
        rows: what a row is, for the axis.
        columns: what a column is.

    Raises:
        ValueError: if the two are not maps of the same shape.
    """
    if got.dim() != 2 or got.shape != want.shape:
        raise ValueError(
            f"got and want must be maps (H, W) of the same shape; got {tuple(got.shape)} and {tuple(want.shape)}."
        )
    got, want = got.detach().float(), want.detach().float()
    finite = torch.cat([got, want])[torch.cat([got, want]).isfinite()]
    low, high = (finite.min().item(), finite.max().item()) if len(finite) else (0.0, 1.0)
    with style():
        picture, axes = canvas(1, 2)
        for ax, title, values in zip(axes, ("your answer (× differs)", "right"), (got, want), strict=True):
            ax.imshow(values.clamp(low, high).numpy(), cmap="Greys", vmin=low, vmax=high + (high == low))
            ax.set(title=title, xlabel=columns, ylabel=rows)
            for axis in (ax.xaxis, ax.yaxis):
                axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        y, x = (~torch.isclose(got, want, equal_nan=True)).nonzero(as_tuple=True)
        axes[0].scatter(x.numpy(), y.numpy(), marker="x", color="C3")
    return picture
