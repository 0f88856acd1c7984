"""Draw a digit, and a trained Swin reads it while you draw: computed in the page, as no table holds all drawings."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from swinlib.figures.in_page import DIGITS, as_in_page
from swinlib.figures.inside import MEAN, block_names
from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.style import Picture, canvas, style

SIDE = 32  # pixels of a drawing, from which the makers of the data counted blocks of 4x4
EXAMPLES = (497, 393, 386, 744, 1319)  # numbers in scikit-learn's digits, all held out; the first two need the mask

WORDS = {
    "sheet": "Sheet of 32 by 32 pixels to draw a digit on. Arrow keys move the pen, the space bar puts it down or "
    "lifts it, Delete erases.",
    "hint": "Draw with the mouse or a finger. By keyboard, arrow keys move the pen, and the space bar puts it down or "
    "lifts it.",
    "erase": "Erase",
    "examples": "Or begin with",
    "chances": "What it reads, in per cent",
    "given": "What the model is given: 8 by 8 counts",
    "loading": "The model is being loaded.",
    "failed": "The weights of the model are not beside this page: {reason}. In a notebook, run the cell.",
    "empty": "The sheet is empty. Draw a digit.",
    "read": "The model reads {read}, with a probability of {sure} %; after that {next}, {less} %.",
    "changed": "With everything in place it would read {read}, {sure} %.",
    "pen_down": "The pen is down at row {row}, column {column}.",
    "pen_up": "The pen is lifted, at row {row}, column {column}.",
    "map": "The tokens of this block's map; arrow keys go through them, Enter chooses the one that looks",
    "cell": "row {row}, column {column}, {share} %",
    "cell_self": "row {row}, column {column}, chosen, {share} %",
    "cell_out": "row {row}, column {column}, not looked at",
    "looks": "Token (row {row}, column {column}), {head}: most of its attention, {most} %, goes to token (row "
    "{there_row}, column {there_column}).",
    "looks_at_itself": "Token (row {row}, column {column}), {head}: most of its attention, {most} %, stays with "
    "itself.",
    "left_out": "This block is left out: nobody looks at anybody.",
    "head": "head {number} of {heads}",
    "mean": "the mean of its {heads} heads",
    "token": "the token that looks (thick frame)",
    "window": "the tokens that it looks at, with their share in per cent; the larger, the darker",
}


def counted(bitmap: Tensor) -> Tensor:
    """How many pixels are on in each block of 4x4: ``(32, 32)`` of 0 and 1 to ``(8, 8)`` of 0 to 16.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.
    """
    return bitmap.view(8, 4, 8, 4).sum(dim=(1, 3))


def bitmap_of(counts: Tensor) -> Tensor:
    """A drawing ``(32, 32)`` that gives these counts ``(8, 8)``: in each block the pixels next to its brighter sides.

    The data set holds counts only, and not the drawings that were counted.
    """
    smooth = F.interpolate(counts[None, None].float(), size=SIDE, mode="bicubic")[0, 0]
    blocks = smooth.view(8, 4, 8, 4).transpose(1, 2).reshape(64, 16)
    rank = blocks.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    on = (rank < counts.reshape(64, 1)).int()
    return on.view(8, 8, 4, 4).transpose(1, 2).reshape(SIDE, SIDE)


def given(counts: Tensor) -> Tensor:
    """What the model is given of counts ``(B, 8, 8)``, as the data set is read: ``(B, 3, 16, 16)``, normalised."""
    from swinlib.data import DIGITS_MEAN, DIGITS_STD, eval_transform

    grey = ((counts.long() * 255 + 8) // 16).to(torch.uint8)[:, None].expand(-1, 3, -1, -1)
    return eval_transform(16, DIGITS_MEAN, DIGITS_STD, resize=16)(grey)


@cache
def _examples() -> tuple[Tensor, list[int]]:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    chosen = list(EXAMPLES)
    return torch.from_numpy(images[chosen]).view(-1, 8, 8).int(), labels[chosen].tolist()


def given_examples() -> tuple[Tensor, list[int]]:
    """The examples as the model is given them, ``(B, 3, 16, 16)``, and what they are."""
    counts, labels = _examples()
    return given(counts), labels


def draw_data(*, whole: bool) -> dict[str, Any]:
    """What the figure begins with.

    Returns:
        ``examples``: of each its ``label``, its ``rows`` as 32 bits in 8 hexadecimal digits, and its ``chances``, the
        probabilities of the ten digits in per cent, one place behind the point; ``mean`` and ``std`` of the pixels;
        ``whole``, whether one can look in.
    """
    from swinlib.data import DIGITS_MEAN, DIGITS_STD

    counts, labels = _examples()
    model = as_in_page(DIGITS.build())
    with torch.no_grad():
        chances = 100 * model(given(counts)).softmax(-1)
    examples = [
        {
            "label": label,
            "rows": [f"{int(''.join(map(str, row)), 2):08x}" for row in bitmap_of(each).tolist()],
            "chances": [round(chance, 1) for chance in chance_of.tolist()],
        }
        for each, label, chance_of in zip(counts, labels, chances, strict=True)
    ]
    return {"examples": examples, "mean": DIGITS_MEAN[0], "std": DIGITS_STD[0], "whole": whole}


def draw_figure(*, whole: bool = True) -> Interactive:
    """Draw a digit, see what the model reads, and look into it.

    Args:
        whole: with a choice of block, head and token, and switches for the shift, the mask and the position bias;
            otherwise only the drawing and what is read.
    """
    model = DIGITS.build()
    heads = max(block.attn.num_heads for stage in model.layers for block in stage.blocks)
    controls: Sequence[Control] = [
        Control("mask", "Mask", (False, True), start=True, view=True),
        Control("shift", "Shift", (False, True), start=True, view=True),
        Control("position_bias", "Position bias", (False, True), start=True, view=True),
        Control("left_out", "Left out", {0: "no block", **{k: f"block {k}" for k in block_names(model)}}, view=True),
        Control("block", "Look into", block_names(model), view=True),
        Control("head", "Head", {MEAN: "mean of all", **{h: str(h) for h in range(1, heads + 1)}}, 1, view=True),
    ]
    return Interactive(
        "draw",
        lambda: draw_data(whole=whole),
        controls if whole else [],
        caption="Draw a digit, and a trained Swin reads it while you draw. It runs in this page.",
        words=WORDS,
        picture=lambda **_: _picture(),
        alt=f"Three pictures: a handwritten {_examples()[1][0]} of 32 by 32 pixels in white on black, the same as 8 by "
        "8 grey cells, and a bar for each digit with the probability that the model gives it.",
        model=DIGITS,
        shared=["reading"],
    )


def _picture() -> Picture:
    example, counts = draw_data(whole=False)["examples"][0], _examples()[0][0]
    with style():
        picture, axes = canvas(1, 3, width=7, height=2.5)
        for ax, pixels, title in ((axes[0], bitmap_of(counts), "a drawing"), (axes[1], counts, "what is given")):
            ax.imshow(pixels.numpy(), cmap="gray", vmin=0, vmax=pixels.max().item())
            ax.set(title=title, xticks=[], yticks=[])
        axes[2].barh(range(10), example["chances"])
        axes[2].set(title="what it reads, in %", yticks=range(10), xlim=(0, 100))
        axes[2].invert_yaxis()
    return picture
