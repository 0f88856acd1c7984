"""Whom the heads of a trained Swin look at: the interactive figure of the chapter on the whole model."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor, nn

from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.layout import Layout, window_layout
from swinlib.figures.style import BLACK, BLUE, GREEN, Picture, canvas, style
from swinlib.model import SwinTransformer
from swinlib.windows import window_partition

MEAN = 0  # the entry of "head" that stands for the mean over all heads
# The share of attention in per cent: darkness is the weight, and nothing else darkens. Letters are black below LIGHT.
SHARES = LinearSegmentedColormap.from_list("shares", [(0, "white"), (0.49, BLUE), (1, BLACK)], N=1001)
LIGHT = 46

WORDS = {
    "map": "The tokens of this block's map; arrow keys go through them, Enter chooses the one that looks",
    "sentence": "Token (row {row}, column {column}), {head}: {own} % of its attention stays with itself, {most} % goes "
    "to token (row {there_row}, column {there_column}), {where}.",
    "self_most": "Token (row {row}, column {column}), {head}: {own} % of its attention stays with itself, more than "
    "goes to any other.",
    "head": "head {number} of {heads}",
    "last_head": "head {number}, the last of this block",
    "mean": "the mean of its {heads} heads",
    "whole": "Its window covers the whole map.",
    "cut": "It may look at {reached} of the {full} tokens in its window: the others came round the border.",
    "reading": "The model reads this {label} as a {read}, with a probability of {sure} %.",
    "window": "the tokens that it may look at, with their share in per cent; the larger, the darker",
    "token": "the token that looks (thick frame)",
    "ink": "The green line is the outline of the digit. Each cell is a token of {pixels}×{pixels} pixels.",
    "on_ink": ", on the digit",
    "cell": "row {row}, column {column}, {share} %{on_ink}",
    "cell_self": "row {row}, column {column}, chosen, {share} %{on_ink}",
    "cell_masked": "row {row}, column {column}, in the window but masked{on_ink}",
    "cell_out": "row {row}, column {column}, in another window{on_ink}",
}


def attention_by_block(model: SwinTransformer, images: Tensor) -> list[tuple[Tensor, Layout]]:
    """The attention weights of every block, as the model computes them on the way.

    Args:
        model: in eval mode.
        images: ``(B, in_channels, H, W)``.

    Returns:
        For each block ``(B * nW, heads, N, N)``, queries before keys, and which token stands where in the rolled map.
    """
    found: list[tuple[Tensor, Layout]] = []
    inputs: list[tuple[Any, ...]] = []

    def weigh(block: nn.Module, arguments: tuple[Any, ...], _: Tensor) -> None:
        (height, width), (x, mask) = arguments[0].shape[1:3], inputs.pop()
        weights = block.attn.attention_weights(*block.attn.project(x)[:2], mask)
        found.append((weights, window_layout(height, width, block.window_size, block.shift_size)))

    blocks = [block for stage in model.layers for block in stage.blocks]
    handles = [block.attn.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments)) for block in blocks]
    handles += [block.register_forward_hook(weigh) for block in blocks]
    try:
        with torch.no_grad():
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return found


def block_names(model: SwinTransformer) -> dict[int, str]:
    """The blocks in the order in which they run, by number from 1."""
    names = [
        f"stage {i}, block {j}, {'shifted' if any(block.shift_size) else 'plain'} windows"
        for i, stage in enumerate(model.layers, start=1)
        for j, block in enumerate(stage.blocks, start=1)
    ]
    return dict(enumerate(names, start=1))


def inside_data(model: SwinTransformer, images: Tensor, labels: Tensor, image: int, block: int) -> dict[str, Any]:
    """The attention of one block on one image.

    Args:
        model: in eval mode; windows must tile its maps of these images.
        images: ``(B, in_channels, H, W)``, normalised.
        labels: ``(B,)``.
        image: which of them.
        block: counted from 1 through all stages.

    Returns:
        ``tokens``: for each window the numbers of its tokens, counted row by row in the image; ``weights``: for each
        head and window its N * N weights in per cent, query by query; ``allowed``: for each window, which pairs may
        attend to each other, 0 or 1; ``size`` of the map; ``pixels`` of a token's side; ``ink``: the image's rows, 1
        where it is more than half bright; ``label``, ``read`` and ``sure``: what it is, and what the model says.

    Raises:
        ValueError: if there is no such image or block, or the maps need padding.
    """
    names = block_names(model)
    if not isinstance(image, int) or not 0 <= image < len(images):
        raise ValueError(f"image must be a number from 0 to {len(images) - 1}, got {image!r}.")
    if block not in names:
        raise ValueError(f"block must be a number from 1 to {len(names)}, got {block!r}.")
    x = images[image : image + 1]
    weights, layout = attention_by_block(model, x)[block - 1]
    rows, columns = layout.token.shape
    depths = [len(stage.blocks) for stage in model.layers]
    stage = next(i for i in range(len(depths)) if block <= sum(depths[: i + 1]))
    pixels = model.patch_embed.patch_size[0] * 2**stage
    if rows * pixels != x.shape[2] or columns * pixels != x.shape[3]:
        raise ValueError(f"images of {x.shape[2]}x{x.shape[3]} pixels need padding here; choose others.")
    with torch.no_grad():
        probabilities = model(x).softmax(-1)[0]
    window = model.window_size[stage]
    tokens = window_partition(layout.token[None, ..., None], window).flatten(1)
    groups = window_partition(layout.group[None, ..., None], window).flatten(1)
    grey = x[0].mean(0)
    return {
        "tokens": tokens.tolist(),
        "weights": (100 * weights.transpose(0, 1)).round().int().flatten(2).tolist(),
        "allowed": (groups[:, :, None] == groups[:, None, :]).int().flatten(1).tolist(),
        "size": rows,
        "pixels": pixels,
        "ink": (grey > (grey.max() + grey.min()) / 2).int().tolist(),
        "label": int(labels[image]),
        "read": int(probabilities.argmax()),
        "sure": int((100 * probabilities.max()).round()),
    }


def inside_figure(
    model: SwinTransformer, images: Tensor, labels: Tensor, *, offered: Sequence[int] | Mapping[int, str] = (0, 1, 2)
) -> Interactive:
    """Choose an image, a block, a head and a token, and see where the token looks.

    Args:
        model: in eval mode.
        images: ``(B, in_channels, H, W)``, normalised and square.
        labels: ``(B,)``, a number each.
        offered: the images that the page offers, with words if wanted; live, any of them.

    Raises:
        ValueError: if one of the offered images does not exist, or windows do not tile a map.
    """
    blocks = block_names(model)
    heads = max(block.attn.num_heads for stage in model.layers for block in stage.blocks)

    def compute(image: int, block: int) -> dict[str, Any]:
        return inside_data(model, images, labels, image, block)

    for image in offered:
        for block in blocks:
            compute(image, block)
    first = compute(next(iter(offered)), 1)
    return Interactive(
        "inside",
        compute,
        [
            Control("image", "Digit", offered, live={"type": "number", "min": 0, "max": len(images) - 1}),
            Control("block", "Block", blocks),
            Control("head", "Head", {MEAN: "mean of all", **{h: str(h) for h in range(1, heads + 1)}}, 1, view=True),
        ],
        caption="Where a token of the trained model looks. Choose a token by click, or by arrow keys and Enter.",
        words=WORDS,
        picture=lambda image, block, head: _picture(compute(image, block), head),
        alt=f"A map of {first['size']} by {first['size']} tokens with the outline of a digit. The tokens in the window "
        "of the framed one carry its attention in per cent, and are the darker the more they get.",
    )


def start_token(size: int) -> tuple[int, int]:
    """The token that is chosen at first: up and left of the middle, where the first window ends."""
    return (max(size // 2 - 1, 0),) * 2


def outline(ink: Tensor) -> list[list[tuple[int, int]]]:
    """The borders between what is ink and what is not, as lines ``[(row, column), (row, column)]`` one pixel long.

    Args:
        ink: ``(H, W)``, 0 or 1. Beyond its edge nothing is ink.
    """
    framed = F.pad(ink, (1, 1, 1, 1))
    across = (framed[1:, 1:-1] != framed[:-1, 1:-1]).nonzero().tolist()
    down = (framed[1:-1, 1:] != framed[1:-1, :-1]).nonzero().tolist()
    return [[(r, c), (r, c + 1)] for r, c in across] + [[(r, c), (r + 1, c)] for r, c in down]


def _picture(data: Mapping[str, Any], head: int) -> Picture:
    size, pixels = data["size"], data["pixels"]
    row, column = start_token(size)
    query = row * size + column
    number = next(k for k, tokens in enumerate(data["tokens"]) if query in tokens)
    tokens = data["tokens"][number]
    at, count = tokens.index(query), len(tokens)
    shares = torch.zeros(size * size)
    used = torch.tensor(data["weights"], dtype=torch.float)[:, number].view(-1, count, count)[:, at]
    shares[tokens] = used.mean(0) if head == MEAN else used[min(head, len(used)) - 1]
    allowed = torch.tensor(data["allowed"][number]).view(count, count)[at]
    with style():
        picture, [ax] = canvas(width=4.6, height=4.6)
        ax.imshow(shares.view(size, size).numpy(), cmap=SHARES, vmin=0, vmax=100, extent=(0, size, size, 0))
        for token, may in zip(tokens, allowed.tolist(), strict=True):
            if may:
                y, x = divmod(token, size)
                colour = BLACK if shares[token] < LIGHT else "white"
                ax.text(x + 0.5, y + 0.5, f"{shares[token]:.0f}", ha="center", va="center", fontsize=9, color=colour)
        lines = [[(c / pixels, r / pixels) for r, c in line] for line in outline(torch.tensor(data["ink"]))]
        ax.add_collection(LineCollection(lines, colors=GREEN, linewidths=1.5))
        ax.plot(
            [column, column + 1, column + 1, column, column], [row, row, row + 1, row + 1, row], color=BLACK, lw=3.5
        )
        ax.set(xticks=range(size + 1), yticks=range(size + 1), xticklabels=[], yticklabels=[])
        ax.grid(color="#767676", lw=0.3)
        ax.tick_params(length=0)
    return picture
