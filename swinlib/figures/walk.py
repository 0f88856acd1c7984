"""One token's way through a trained Swin, in twelve steps with the numbers of one image: computed in the page.

Each step is an address, such as ``#step=5&head=2&token=3,4``, that other pages link to. What the page computes for any
token, by ``walked(...)`` of ``walk.js``, is what ``walk_data(...)`` computes here. The start, the picture for print and
the sentences for readers without JavaScript are from here.
"""

import base64
import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from torch import Tensor

from swinlib.blocks import SwinTransformerBlock
from swinlib.figures.draw import given_examples
from swinlib.figures.in_page import DIGITS, ModelInPage
from swinlib.figures.inside import outline
from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.layout import window_layout
from swinlib.figures.style import BLACK, GREEN, SKY, VERMILION, Picture, canvas, pale, style
from swinlib.model import SwinTransformer
from swinlib.resampling import space_to_depth
from swinlib.windows import cyclic_shift, effective_shift, window_partition

Data = dict[str, Any]

START = (6, 4)  # the token at first: on the digit, and where the shift brings strangers into its window
NAMES = (
    "patch",
    "embed",
    "window",
    "products",
    "bias",
    "softmax",
    "values",
    "MLP",
    "shift",
    "mask",
    "merging",
    "class",
)
SENTENCES = (
    "Token (row {row}, column {column}) begins as pixels: rows {top} to {bottom}, columns {left} to {right}, in "
    "{planes} channels. These {count} numbers lie between {low} and {high}.",
    "A linear layer makes {channels} numbers of the {count}, and a norm scales them. From here on the token is these "
    "{channels} numbers, from {low} to {high}.",
    "Block 1 cuts the map into windows of {rows}×{columns}. The token shares its window with {others} others; of the "
    "rest of the map it learns nothing in this block.",
    "Head {head} multiplies the token's query with the key of each token of the window, {size} numbers with {size}, "
    "adds up, and divides by √{size}. The largest of the {tokens} results, {most}, is for token (row {there_row}, "
    "column {there_column}).",
    "To each result comes a number from the head's table, which has one for each of {offsets} offsets. For token (row "
    "{there_row}, column {there_column}) the offset, query minus key, is ({down}, {across}): row {entry} of the table, "
    "{bias}.",
    "A softmax makes shares of the {tokens} sums. The largest, {most} %, goes to token (row {there_row}, column "
    "{there_column}); {own} % stay with the token itself.",
    "By these shares the head gathers what the tokens of the window offer, their values: {size} numbers. All {heads} "
    "heads side by side make {channels}; a linear layer mixes them, and they are added to the token. Its length as a "
    "vector, the root of the sum of its squares, goes from {before} to {after}.",
    "A small network looks at each token by itself: it makes {hidden} numbers of the {channels}, of which {positive} "
    "are positive here, then {channels} again, which are added too. The token's length goes from {before} to {after}.",
    "Block 2 rolls the map before it cuts, by {shift_down} rows and {shift_across} columns. Of the {tokens} tokens in "
    "the window now, {new} were not in the last one, and {strangers} stand at another border of the image: only the "
    "roll brought them here.",
    "The mask leaves the token {allowed} of the {tokens}, and head {head} shares its attention among these. The "
    "largest share, {most} %, goes to token (row {there_row}, column {there_column}).",
    "Four tokens become one: in the order of the numbers on the map, {together} numbers in all, then a norm and a "
    "linear layer to {merged}. It is token (row {row}, column {column}) of a map of {height}×{width}.",
    "Then come {blocks} more blocks, on smaller maps. The mean over the tokens of the last map is {features} numbers, "
    "and the head makes {classes} scores of them. Read as probabilities: {read} with {sure} %, after that {next} with "
    "{less} %.",
)
WORDS = {
    "steps": "Steps",
    "back": "← Back",
    "next": "Next →",
    "count": "Step {step} of {count}. ",
    "all": "All {count} steps in words",
    "keys": "← and → go through the steps. On the map, choose another token by click, or by arrow keys and Enter.",
    "loading": "The model is being loaded.",
    "failed": "The weights of the model are not beside this page: {reason}. In a notebook, run the cell.",
    "map": "The tokens of the first stage; arrow keys go through them, Enter chooses the one that is followed",
    "cell": "row {row}, column {column}",
    "cell_with": "row {row}, column {column}: {text}",
    "mate": "in its window",
    "stranger": "from another border",
    "token": "the token that is followed (thick frame)",
    "lit": "the tokens of this step",
    "strangers": "tokens from another border of the image",
    "ink": "the outline of the digit",
    "numbers": "{name}: {count} numbers, from {low} to {high}",
    "pixels": "The patch, first channel",
    "embedded": "The token",
    "query": "The query of head {head}",
    "key": "The key of token (row {there_row}, column {there_column})",
    "product": "Their products, which add up to {sum}",
    "table": "The table of head {head}, one place behind the point; blue is what this window uses, and the frame is "
    "the offset named above",
    "gathered": "What the heads have gathered, head {head} in blue",
    "before": "The token before",
    "after": "The token after",
    "hidden": "Within the MLP",
    "four": "The four tokens, one after the other",
    "merged": "The new token",
    "chances": "Probabilities in per cent",
}


def two(value: float) -> str:
    """A number with two places behind the point, as ``walk.js`` writes it."""
    text = f"{value:.2f}".replace("-", "−")
    return "0.00" if text == "−0.00" else text


def length(values: Sequence[float]) -> float:
    """The root of the sum of squares."""
    return math.sqrt(sum(value * value for value in values))


# ---- The numbers


def look(block: SwinTransformerBlock, x: Tensor, token: int, head: int) -> Data:
    """What one head of a block computes for one token.

    Args:
        block: whose windows tile the map.
        x: the map ``(1, H, W, C)``.
        token: counted row by row.
        head: counted from 1.

    Returns:
        For the N tokens of its window: ``tokens``, their numbers; ``scores``, the products of query and key over the
        root of their length; ``entries``, the rows of the bias table; ``bias``, what stands there; ``allowed``, 0 or 1;
        ``shares``, after the softmax. Besides: ``query``; ``keys``, one after the other; and ``gathered``, of all
        heads side by side.
    """
    layout = window_layout(*x.shape[1:3], block.window_size, block.shift_size)
    tokens = window_partition(layout.token[None, ..., None], block.window_size).flatten(1)
    window, at = (tokens == token).nonzero()[0].tolist()
    rolled = cyclic_shift(block.norm1(x), layout.shift)
    inside = window_partition(rolled, block.window_size).flatten(1, 2)[window : window + 1]
    q, k, v = block.attn.project(inside)
    mask = block.mask(x)
    mask = None if mask is None else mask[window : window + 1]
    weights = block.attn.attention_weights(q, k, mask)
    return {
        "tokens": tokens[window].tolist(),
        "query": q[0, head - 1, at].tolist(),
        "keys": k[0, head - 1].flatten().tolist(),
        "scores": block.attn.logits(q, k)[0, head - 1, at].tolist(),
        "entries": block.attn.relative_position_index[at].tolist(),
        "bias": block.attn.position_bias()[head - 1, at].tolist(),
        "allowed": [1] * len(tokens[window]) if mask is None else mask[0, at].int().tolist(),
        "shares": weights[0, head - 1, at].tolist(),
        "gathered": (weights @ v)[0, :, at].flatten().tolist(),
    }


def walk_data(model: SwinTransformer, image: Tensor, token: tuple[int, int], head: int) -> Data:
    """All numbers of the walk.

    Args:
        model: in eval mode; see ``walk_figure``.
        image: ``(in_channels, H, W)``, normalised.
        token: row and column on the map of the first stage.
        head: of the first stage's blocks, counted from 1.

    Returns:
        ``token``, ``head``, ``size`` of the map and its ``window`` and ``shift``; ``patch``, the pixels of all
        channels; the token as it is ``embedded``, in the ``middle`` of block 1 and ``after`` it; ``plain`` and
        ``shifted``, what ``look`` gives of blocks 1 and 2; the ``table`` of the head in block 1, offset by offset;
        ``hidden``, of its MLP, after the GELU; ``four``, the numbers of the tokens that are merged, ``together``, their
        channels, and the ``merged`` token; ``features`` and ``chances``, one for each class.
    """
    row, column = token
    (ph, pw), stage = model.patch_embed.patch_size, model.layers[0]
    plain, shifted = stage.blocks[:2]
    with torch.no_grad():
        x = model.patch_embed(image[None])
        height, width = x.shape[1:3]
        number = row * width + column
        middle = x + plain.shifted_window_attention(plain.norm1(x))
        after = plain(x)
        leaves = after
        for block in stage.blocks[1:]:
            leaves = block(leaves)
        together = space_to_depth(leaves)[0, row // 2, column // 2]
        numbers = space_to_depth(torch.arange(height * width).view(1, height, width, 1))[0, row // 2, column // 2]
        features = model.forward_head(model.forward_features(image[None]), pre_logits=True)[0]
        return {
            "token": [row, column],
            "head": head,
            "size": [height, width],
            "window": list(plain.window_size),
            "shift": list(effective_shift(height, width, shifted.window_size, shifted.shift_size)),
            "patch": image[:, row * ph : (row + 1) * ph, column * pw : (column + 1) * pw].flatten().tolist(),
            "embedded": x[0, row, column].tolist(),
            "plain": look(plain, x, number, head),
            "table": plain.attn.relative_position_bias_table[:, head - 1].tolist(),
            "middle": middle[0, row, column].tolist(),
            "hidden": plain.mlp.act(plain.mlp.fc1(plain.norm2(middle[0, row, column]))).tolist(),
            "after": after[0, row, column].tolist(),
            "shifted": look(shifted, after, number, head),
            "four": numbers.tolist(),
            "together": together.tolist(),
            "merged": stage.downsample(leaves)[0, row // 2, column // 2].tolist(),
            "features": features.tolist(),
            "chances": model.head(features).softmax(-1).tolist(),
        }


def sentences(data: Data, *, patch: Sequence[int], heads: int, blocks: int) -> list[str]:
    """The twelve sentences of the walk, with its numbers.

    Args:
        data: of ``walk_data``.
        patch: rows and columns of pixels of a token.
        heads: of the first stage.
        blocks: of the stages after the first.
    """
    (row, column), (height, width), (mh, mw), (ph, pw) = data["token"], data["size"], data["window"], patch
    plain, shifted = data["plain"], data["shifted"]
    tokens, size = len(plain["tokens"]), len(plain["query"])
    number = row * width + column

    def span(values: Sequence[float]) -> dict[str, str]:
        return {"low": two(min(values)), "high": two(max(values))}

    def place(token: int) -> dict[str, int]:
        return {"there_row": token // width, "there_column": token % width}

    def most(name: str, of: Data) -> int:
        return max(range(tokens), key=of[name].__getitem__)

    first, chosen, second = most("scores", plain), most("shares", plain), most("shares", shifted)
    there = place(plain["tokens"][first])
    order = sorted(range(len(data["chances"])), key=lambda k: -data["chances"][k])
    common = {
        "head": data["head"],
        "heads": heads,
        "tokens": tokens,
        "size": size,
        "channels": len(data["embedded"]),
        "count": len(data["patch"]),
    }
    facts: list[dict[str, Any]] = [
        {
            "row": row,
            "column": column,
            "top": row * ph,
            "bottom": (row + 1) * ph - 1,
            "left": column * pw,
            "right": (column + 1) * pw - 1,
            "planes": len(data["patch"]) // (ph * pw),
            **span(data["patch"]),
        },
        span(data["embedded"]),
        {"rows": mh, "columns": mw, "others": tokens - 1},
        {"most": two(plain["scores"][first]), **there},
        {
            "offsets": len(data["table"]),
            "down": str(row - there["there_row"]).replace("-", "−"),
            "across": str(column - there["there_column"]).replace("-", "−"),
            "entry": plain["entries"][first],
            "bias": two(plain["bias"][first]),
            **there,
        },
        {
            "most": round(100 * plain["shares"][chosen]),
            "own": round(100 * plain["shares"][plain["tokens"].index(number)]),
            **place(plain["tokens"][chosen]),
        },
        {"before": two(length(data["embedded"])), "after": two(length(data["middle"]))},
        {
            "hidden": len(data["hidden"]),
            "positive": sum(value > 0 for value in data["hidden"]),
            "before": two(length(data["middle"])),
            "after": two(length(data["after"])),
        },
        {
            "shift_down": data["shift"][0],
            "shift_across": data["shift"][1],
            "new": len(set(shifted["tokens"]) - set(plain["tokens"])),
            "strangers": shifted["allowed"].count(0),
        },
        {
            "allowed": shifted["allowed"].count(1),
            "most": round(100 * shifted["shares"][second]),
            **place(shifted["tokens"][second]),
        },
        {
            "together": len(data["together"]),
            "merged": len(data["merged"]),
            "row": row // 2,
            "column": column // 2,
            "height": height // 2,
            "width": width // 2,
        },
        {
            "blocks": blocks,
            "features": len(data["features"]),
            "classes": len(order),
            "read": order[0],
            "sure": round(100 * data["chances"][order[0]]),
            "next": order[1],
            "less": round(100 * data["chances"][order[1]]),
        },
    ]
    return [text.format(**common, **fact) for text, fact in zip(SENTENCES, facts, strict=True)]


# ---- The figure


def walk_figure(
    model: SwinTransformer | None = None, images: Tensor | None = None, labels: Sequence[int] | None = None
) -> Interactive:
    """Follow one token through the model: twelve steps, each with the numbers of this image.

    Args:
        model: of version 1, in eval mode; the one that reads digits if left out. Windows must tile its first map, which
            has more than one of them; its first stage has two blocks at least, the second one shifted, and a second
            stage follows. A page shows the first token of such a model; a live notebook shows all of it.
        images: ``(B, in_channels, H, W)``, normalised, of one size; needed with a model of your own.
        labels: ``(B,)``, what the images are called.

    Raises:
        ValueError: if a model comes without images, or is not such a one.
    """
    if model is None:
        page_model = DIGITS
        images, labels = given_examples()
    elif images is None or labels is None:
        raise ValueError("a model of your own needs images (B, in_channels, H, W) and labels (B,) to walk through.")
    else:
        page_model = ModelInPage.own(model)
    model = page_model.rounded()
    images = images.half().float()  # as the page has them
    _check(model, images)
    stage, later = model.layers[0], model.layers[1:]
    heads, patch = stage.blocks[0].attn.num_heads, model.patch_embed.patch_size
    height, width = (side // p for side, p in zip(images.shape[2:], patch, strict=True))
    token = tuple(min(place, side - 1) for place, side in zip(START, (height, width), strict=True))
    # in double precision, or the last place of one of so many numbers would be another on another processor
    first = _rounded(walk_data(copy.deepcopy(model).double(), images[0].double(), token, 1))
    counts = {"patch": list(patch), "heads": heads, "blocks": sum(len(each.blocks) for each in later)}
    told = sentences(first, **counts)

    def compute() -> Data:
        halves = [base64.b64encode(image.half().numpy().astype("<f2").tobytes()).decode() for image in images]
        return {"first": first, "images": halves, "pixels": list(images.shape[1:]), **counts}

    offered = {
        k: f"a {label}" if labels.count(label) == 1 else f"number {k}, a {label}" for k, label in enumerate(labels)
    }
    return Interactive(
        "walk",
        compute,
        [
            Control("image", "Image", offered, view=True),
            Control("head", "Head", tuple(range(1, heads + 1)), view=True),
        ],
        caption=f"One token on its way through the model, in {len(NAMES)} steps. The numbers are those of this image.",
        words={
            **WORDS,
            **{f"name_{k}": name for k, name in enumerate(NAMES, start=1)},
            **{f"step_{k}": sentence for k, sentence in enumerate(SENTENCES, start=1)},
        },
        picture=lambda **_: _picture(model, images[0], first),
        alt=f"Twelve panels, one for each step, over the outline of a {labels[0]}: the pixels of the token at row "
        f"{token[0]}, column {token[1]}; its numbers as bars; its window; products, biases and shares of that window; "
        "its numbers after attention and after the MLP; the shifted window, with crosses on tokens from another "
        "border; the shares that the mask leaves; the four tokens that are merged; a bar for the probability of "
        "each class.",
        model=page_model,
        steps=told,
    )


def _check(model: SwinTransformer, images: Tensor) -> None:
    model.patch_embed.check_images(images)
    height, width = (side // p for side, p in zip(images.shape[2:], model.patch_embed.patch_size, strict=True))
    stage = model.layers[0]
    if len(model.layers) < 2 or len(stage.blocks) < 2:
        raise ValueError(
            f"the walk goes through two blocks and a merging: it needs a model of two stages at least, the first with "
            f"two blocks; this one has {[len(each.blocks) for each in model.layers]} blocks."
        )
    (mh, mw), shift = stage.window_size, effective_shift(height, width, stage.window_size, stage.shift_size)
    if height % mh or width % mw or height % 2 or width % 2 or not any(shift):
        raise ValueError(
            f"the walk needs a map of even sides that windows tile, with more than one window, shifted in the second "
            f"block; here the map is {height}x{width}, windows are {mh}x{mw}, and the shift is {shift}."
        )


def _rounded(value: Any) -> Any:
    """The same with four places behind the point, which is more than a figure shows."""
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 4) if isinstance(value, float) else value


# ---- The picture for print


def _picture(model: SwinTransformer, image: Tensor, data: Data) -> Picture:
    """All twelve steps in one picture."""
    plain, shifted = data["plain"], data["shifted"]
    height, width = data["size"]
    own = [token for token, may in zip(shifted["tokens"], shifted["allowed"], strict=True) if may]
    strangers = [token for token in shifted["tokens"] if token not in own]

    def percent(of: Data) -> list[str]:
        return [f"{100 * share:.0f}" if may else "" for share, may in zip(of["shares"], of["allowed"], strict=True)]

    tokens, inside = plain["tokens"], [""] * len(plain["tokens"])
    maps: dict[int, tuple[Sequence[int], Sequence[str]]] = {
        3: (tokens, inside),
        4: (tokens, [f"{value:.1f}" for value in plain["scores"]]),
        5: (tokens, [f"{value:.1f}" for value in plain["bias"]]),
        6: (tokens, percent(plain)),
        9: (own, [""] * len(own)),
        10: (shifted["tokens"], percent(shifted)),
        11: (data["four"], list("1234")),
    }
    bars = {2: "embedded", 7: "middle", 8: "after", 12: "chances"}
    with style():
        picture, axes = canvas(4, 3, width=7, height=9.6)
        for step, (ax, name) in enumerate(zip(axes, NAMES, strict=True), start=1):
            ax.set_title(f"{step} {name}", fontsize=9)
            if step in bars:
                scale = 100 if step == 12 else 1  # per cent
                ax.bar(range(len(data[bars[step]])), [scale * value for value in data[bars[step]]])
                ax.tick_params(labelsize=7)
                continue
            _map(ax, image, (height, width), data["token"])
            lit, texts = maps.get(step, ((), ()))
            crossed = strangers if step in (9, 10) else ()
            for token, text in zip(lit, texts, strict=True):
                _cell(ax, divmod(token, width), text, SKY) if token not in crossed else None
            for token in crossed:
                _cell(ax, divmod(token, width), "×", VERMILION)
            if step == 1:
                ax.imshow(image.mean(0).numpy(), cmap="gray", extent=(0, width, height, 0), zorder=0)
    return picture


def _map(ax: Axes, image: Tensor, size: Sequence[int], token: Sequence[int]) -> None:
    """The outline of what is bright in the image, over its tokens, with a frame round one of them."""
    (height, width), (row, column) = size, token
    grey = image.mean(0)
    ink = (grey > (grey.max() + grey.min()) / 2).int()
    down, across = ink.shape[0] / height, ink.shape[1] / width
    lines = [[(c / across, r / down) for r, c in line] for line in outline(ink)]
    ax.add_collection(LineCollection(lines, colors=GREEN, linewidths=1))
    frame = [column, column + 1, column + 1, column, column], [row, row, row + 1, row + 1, row]
    ax.plot(*frame, color=BLACK, lw=2.5, zorder=4)
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal", xticks=range(width + 1), yticks=range(height + 1))
    ax.set(xticklabels=[], yticklabels=[])
    ax.grid(color="#767676", lw=0.3)
    ax.tick_params(length=0)


def _cell(ax: Axes, place: tuple[int, int], text: str, colour: str) -> None:
    row, column = place
    box = {"facecolor": pale(colour), "edgecolor": "none", "pad": 3}  # over the outline
    ax.fill([column, column + 1, column + 1, column], [row, row, row + 1, row + 1], color=pale(colour), zorder=1)
    ax.text(column + 0.5, row + 0.5, text.replace("-", "−"), ha="center", va="center", fontsize=7, zorder=5, bbox=box)
