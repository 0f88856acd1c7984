"""What depth does to a signal: the interactive figure of the chapter on initialisation."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from swinlib.blocks import SwinTransformerBlock, SwinTransformerBlockV2
from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.style import BLUE, VERMILION, Picture, canvas
from swinlib.init import init_weights

WIDTH, HEADS, WINDOW, SIDE = 64, 2, 4, 8  # channels, heads, and a map of 2 x 2 windows
DEEPEST = 32  # each block is computed for every answer
LARGEST = 1.0  # standard deviation of the weights; beyond it, there is nothing new to see
NUDGE = 1e-12  # share by which the input is changed, to see whether the numbers hang on its last digits
FIRM = 0.01  # largest relative difference that this may make

STARTS = {
    "0.02": "normal, std 0.02 (Swin)",
    "default": "PyTorch's default",
    "fan": "normal, std 1/√inputs",
    "0.2": "normal, std 0.2",
    "0.5": "normal, std 0.5",
    "zero norm": "std 0.02, norms at zero (Swin v2)",
}
DEPTHS = (4, 12, 24)

WORDS = {
    "chart": "Blocks; the arrow keys choose one",
    "block": "block",
    "activations": "activations after the block",
    "gradients": "gradient there, in units of the last one",
    "chosen": "Block {block} of {depth}: activations {activation}, gradient {gradient}.",
}


class Plain(SwinTransformerBlock):
    """The block of v1 with neither norms nor residuals: each half replaces the map."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.mlp(self.shifted_window_attention(x, mask))


class Normless(SwinTransformerBlock):
    """The block of v1 without its norms."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x + self.shifted_window_attention(x, mask)
        return x + self.mlp(x)


class Residualless(SwinTransformerBlock):
    """The block of v1 without its residuals."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.mlp(self.norm2(self.shifted_window_attention(self.norm1(x), mask)))


BLOCKS: Mapping[str, tuple[type[SwinTransformerBlock], str]] = {
    "v1": (SwinTransformerBlock, "x + f(norm(x)), Swin v1"),
    "v2": (SwinTransformerBlockV2, "x + norm(f(x)), Swin v2"),
    "no norm": (Normless, "x + f(x), no norm"),
    "no residual": (Residualless, "f(norm(x)), no residual"),
    "neither": (Plain, "f(x), neither"),
}


def initialiser(start: str) -> Callable[[nn.Module], None]:
    """The function for ``apply`` that a name stands for: a key of ``STARTS``, or a standard deviation.

    Raises:
        ValueError: if it is neither.
    """
    std = None
    if start not in ("default", "fan", "zero norm"):
        try:
            std = float(start)
        except ValueError:
            std = -1.0
        if not 0 < std <= LARGEST:
            raise ValueError(
                f"{start!r} is not a start. Type a standard deviation above 0 and up to {LARGEST:g}, or one of "
                "default, fan, zero norm."
            )

    def initialise(module: nn.Module) -> None:
        init_weights(module)
        if isinstance(module, nn.Linear) and start == "default":
            module.reset_parameters()
        elif isinstance(module, nn.Linear) and start != "zero norm":
            nn.init.normal_(module.weight, std=std or module.in_features**-0.5)
        elif isinstance(module, SwinTransformerBlock):
            for norm in (module.norm1, module.norm2):
                nn.init.constant_(norm.weight, float(start != "zero norm"))

    return initialise


def depth_data(block: str, start: str, depth: int) -> dict[str, Any]:
    """Send noise of standard deviation 1 through ``depth`` new blocks, and a random gradient back.

    Args:
        block: a key of ``BLOCKS``.
        start: a key of ``STARTS``, or a standard deviation.
        depth: number of blocks.

    Returns:
        ``activations`` and ``gradients``: the standard deviation after each block, the latter divided by that of
        the last block; three significant digits. ``texts``: the same for reading. ``sentence``: what to see.

    Raises:
        ValueError: if one of the arguments means nothing, norms are to be zero where there is none, or the numbers
            leave float64 or hang on its last digits.
    """
    if block not in BLOCKS:
        raise ValueError(f"block={block!r} means nothing here; choose from {', '.join(map(repr, BLOCKS))}.")
    if not isinstance(depth, int) or not 1 <= depth <= DEEPEST:
        raise ValueError(f"depth must be a whole number from 1 to {DEEPEST}, got {depth!r}.")
    if start == "zero norm" and block in ("no norm", "neither"):
        raise ValueError("There is no norm here that could start at zero. Choose a block that has one.")
    if start == "zero norm" and block == "no residual":
        raise ValueError("A norm at zero lets nothing through, and without a residual nothing goes round it.")
    activations, gradients = _there_and_back(block, start, depth)
    if not all(math.isfinite(each) and each > 0 for each in (*activations, *gradients)):
        raise ValueError("Even double precision has no numbers for this: they grow or shrink beyond it on the way.")
    nudged = _there_and_back(block, start, depth, nudge=NUDGE)
    if not all(map(partial(math.isclose, rel_tol=FIRM), (*activations, *gradients), (*nudged[0], *nudged[1]))):
        raise ValueError(
            f"These numbers hang on the last digits of double precision: change the input by {NUDGE:g} of itself, and "
            "the gradient is another. So it would be on another machine."
        )
    return {
        "activations": [_short(each) for each in activations],
        "gradients": [_short(each) for each in gradients],
        "texts": [[_words(a), _words(g)] for a, g in zip(activations, gradients, strict=True)],
        "sentence": _sentence(activations, gradients),
    }


def _there_and_back(block: str, start: str, depth: int, nudge: float = 0.0) -> tuple[list[float], list[float]]:
    """The standard deviation of activations, and of gradients in units of the last, after each block.

    Args:
        block: a key of ``BLOCKS``.
        start: a key of ``STARTS``, or a standard deviation.
        depth: number of blocks.
        nudge: largest share of itself by which a number of the input is changed.
    """
    initialise = initialiser(start)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        x = torch.randn(1, SIDE, SIDE, WIDTH, dtype=torch.float64)
        x = x * (1 + nudge * torch.linspace(-1, 1, x.numel(), dtype=x.dtype).view_as(x))
        x.requires_grad_()
        maps = []
        for number in range(depth):
            # in double precision, so that neither end of the scale runs out of numbers
            layer = BLOCKS[block][0](WIDTH, HEADS, WINDOW, WINDOW // 2 if number % 2 else 0).double()
            x = layer.apply(initialise)(x)
            x.retain_grad()
            maps.append(x)
        x.backward(torch.randn_like(x))
    gradients = [_std(x.grad) for x in maps]
    return [_std(x.detach()) for x in maps], [gradient / gradients[-1] for gradient in gradients]


def _std(x: Tensor) -> float:
    """The standard deviation, even where the squares would be too small or too large for float64."""
    largest = x.abs().max()
    return float(largest * (x / largest).std())


def _short(x: float) -> float:
    return float(f"{x:.3g}")


def _sentence(activations: Sequence[float], gradients: Sequence[float]) -> str:
    """What to see, judged by the numbers: both along their way, forwards and backwards."""
    if len(activations) == 1:
        return "One block has nothing before or behind it to compare with."
    forwards, backwards = activations[-1] / activations[0], gradients[0] / gradients[-1]
    single = torch.finfo(torch.float32)
    numbers = (*activations, *gradients)
    lost = max(numbers) > single.max or min(numbers) < single.tiny
    return (
        f"From block 1 to block {len(activations)} the activations {_change(forwards)}; "
        f"on the way back the gradient {_change(backwards, 's')}."
        f"{' Not all of these numbers exist in float32.' if lost else ''}"
    )


def _change(ratio: float, ending: str = "") -> str:
    if abs(ratio - 1) < 0.01:
        return f"keep{ending} {'its' if ending else 'their'} size"
    verb = f"{'grow' if ratio > 1 else 'shrink'}{ending}"
    if 0.5 < ratio < 2:
        return f"{verb} by {100 * abs(ratio - 1):.0f} %"
    return f"{verb} by a factor of {_words(max(ratio, 1 / ratio))}"


def _words(x: float) -> str:
    """Three digits, and powers of ten where there would be too many zeros."""
    if 0.001 <= x < 10000:
        return f"{float(f'{x:.3g}'):g}"
    digits, power = f"{x:.1e}".split("e")
    return f"{digits}e{int(power)}"


def depth_figure(
    block: str = "v1", start: str = "0.5", depth: int = 12, *, depths: Sequence[int] = DEPTHS
) -> Interactive:
    """Choose a block, a start and a depth, and see what becomes of activations and gradients on their way.

    Args:
        block: a key of ``BLOCKS``, at first.
        start: a key of ``STARTS``, at first.
        depth: number of blocks, at first.
        depths: that the page offers; live, any up to 32.

    Raises:
        ValueError: if the figure does not start at offered values, or they do not go together.
    """
    data = depth_data(block, start, depth)
    return Interactive(
        "initialisation",
        depth_data,
        [
            Control("block", "Block", {name: text for name, (_, text) in BLOCKS.items()}, block),
            Control("start", "Weights", STARTS, start, live={"type": "text"}),
            Control("depth", "Number of blocks", depths, depth, live={"type": "number", "min": 1, "max": DEEPEST}),
        ],
        caption="The standard deviation of activations and gradients through a stack of new blocks.",
        words=WORDS,
        picture=_picture,
        alt=f"Standard deviations after each of {depth} blocks, on a logarithmic scale: circles for the activations, "
        f"squares for the gradient. {data['sentence']}",
    )


def _picture(block: str, start: str, depth: int) -> Picture:
    data = depth_data(block, start, depth)
    numbers = range(1, depth + 1)
    picture, [ax] = canvas(width=6, height=3.4)
    ax.plot(numbers, data["activations"], "o-", color=BLUE, label=WORDS["activations"])
    ax.plot(numbers, data["gradients"], "s--", color=VERMILION, label=WORDS["gradients"])
    ax.set(yscale="log", xlabel=WORDS["block"])
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, 0.1), max(high, 10))
    picture.legend(*ax.get_legend_handles_labels(), loc="outside lower center", frameon=False)
    return picture
