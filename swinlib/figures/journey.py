"""A token's view of the photograph, stage by stage: the interactive figure of the tour."""

import base64
import io
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.layout import window_layout
from swinlib.figures.pictures import show_reach
from swinlib.figures.style import Picture, canvas

STAGES = 4
START = (0.55, 0.35)  # the point chosen at first, in units of the photograph: a roof
BLOCKS = {"plain": "plain windows", "shifted": "shifted windows", "both": "plain, then shifted"}

WORDS = {
    "map": "The tokens of the photograph; arrow keys go through them, Enter chooses one",
    "cell": "row {row}, column {column}, {where}",
    "is_chosen": "chosen",
    "is_reached": "may be attended to",
    "is_heard": "heard from after both blocks",
    "is_beyond": "out of its reach",
    "sentence": "Token (row {row}, column {column}) of {size}×{size} stands for {pixels}×{pixels} pixels. In this "
    "block it may attend to {rows}×{columns} = {reached} tokens, which cover {height}×{width} pixels.",
    "sentence_of_both": "Token (row {row}, column {column}) of {size}×{size} stands for {pixels}×{pixels} pixels. In "
    "the shifted block it may attend to {last} tokens, and in the plain block before it each of them has attended to "
    "its own window. So it hears from {rows}×{columns} = {reached} tokens, which cover {height}×{width} pixels.",
    "cut": "The border of the map cuts its window: a full one has {full} tokens.",
    "no_shift": "One window covers the whole map here, so no block shifts.",
    "token": "the token",
    "reached": "the tokens that it may attend to",
    "heard": "the tokens that it hears from after both blocks",
    "lines": "Lines: borders of the windows.",
}


Bands = list[list[int]]


def journey_data(stage: int, block: str, *, image_size: int, patch_size: int, window_size: int) -> dict[str, Any]:
    """The windows of one block over a square image, or of a plain block and the shifted one after it.

    Args:
        stage: 1 for the first.
        block: ``"plain"``, ``"shifted"`` by half a window, or ``"both"``, first the plain one.
        image_size: pixels on a side.
        patch_size: pixels of a token of the first stage on a side.
        window_size: tokens on a side.

    Returns:
        ``pixels`` of a token's side; ``bands``: for each row of tokens, the first row that it hears from and the one
        after the last (columns are alike); ``last``: the same for what it may attend to in the last block; ``shift``
        of that block, the one that was used.

    Raises:
        ValueError: if there is no such block.
    """
    if block not in BLOCKS:
        raise ValueError(f"block must be one of {', '.join(map(repr, BLOCKS))}; got {block!r}.")
    pixels = patch_size * 2 ** (stage - 1)
    size = image_size // pixels
    last, shift = _windows(size, window_size, 0 if block == "plain" else window_size // 2)
    bands = last
    if block == "both":
        plain, _ = _windows(size, window_size, 0)
        bands = [[plain[first][0], plain[stop - 1][1]] for first, stop in last]
    return {"pixels": pixels, "bands": bands, "last": last, "shift": shift, "block": block}


def _windows(size: int, window_size: int, shift_size: int) -> tuple[Bands, int]:
    """For each of ``size`` rows of tokens the bounds of its window, and the shift that this size allows."""
    layout = window_layout(size, size, window_size, shift_size).in_image()
    friends = [(layout.group[:, 0] == group).nonzero().flatten() for group in layout.group[:, 0].tolist()]
    return [[rows.min().item(), min(rows.max().item() + 1, size)] for rows in friends[:size]], layout.shift[0]


def journey(image: Tensor, *, patch_size: int = 4, window_size: int = 7) -> Interactive:
    """Choose a stage, a block and a token, and see on the image what the token stands for and attends to.

    Args:
        image: ``(3, H, H)``, from 0 to 1; H is a multiple of eight patches, so that each of the four stages halves it.
        patch_size: pixels of a token of the first stage on a side.
        window_size: tokens on a side.

    Raises:
        ValueError: if the image is not square or four stages do not divide it.
    """
    step = patch_size * 2 ** (STAGES - 1)
    if image.dim() != 3 or image.shape[1] != image.shape[2] or image.shape[1] % step:
        raise ValueError(
            f"journey expects a square image (3, H, H) with H a multiple of {step}, got shape {tuple(image.shape)}. "
            f"Use photograph(size=224)."
        )
    size = image.shape[1]
    photo = [_data_uri(image)]  # a list, so that the page holds it once

    def compute(stage: int, block: str) -> dict[str, Any]:
        data = journey_data(stage, block, image_size=size, patch_size=patch_size, window_size=window_size)
        return {**data, "image": photo, "imageSize": size, "full": window_size**2, "start": list(START)}

    def picture(block: str, **_: Any) -> Picture:
        picture, axes = canvas(1, 2, width=6, height=3.4)
        for ax, each in zip(axes, (1, 2), strict=True):
            data = compute(each, block)
            token = tuple(int(place * size / data["pixels"]) for place in START)
            (top, bottom), (left, right) = (data["bands"][place] for place in token)
            reach = torch.zeros(len(data["bands"]), len(data["bands"]), dtype=torch.bool)
            reach[top:bottom, left:right] = True
            show_reach(reach, token, image=image, title=f"stage {each}", ax=ax)
        return picture

    return Interactive(
        "journey",
        compute,
        [
            Control("stage", "Stage", (1, 2, 3, 4)),
            Control("block", "Block", BLOCKS),
        ],
        caption="What a token stands for, and what it may attend to. Choose a token by click, or by arrow keys "
        "and Enter.",
        words=WORDS,
        picture=picture,
        alt="The photograph twice, washed out but for the window of one token on the roof: a small window in the first "
        "stage, one of twice the side in the second.",
    )


def _data_uri(image: Tensor) -> str:
    pixels = (image.permute(1, 2, 0) * 255).round().byte().numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="jpeg", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
