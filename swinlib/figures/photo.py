"""A photograph that a brush covers in parts, and a trained Swin that reads it: computed in the page, as no table holds
all that may be covered, nor the photographs of readers, which never leave their machine.
"""

import base64
import copy
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from torch import Tensor, nn

from swinlib.figures.images import SamplePhotograph, sample_photographs
from swinlib.figures.in_page import PHOTOGRAPHS, ModelInPage
from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.style import SKY, Picture, canvas, style
from swinlib.model import SwinTransformer

WORDS = {
    "sheet": "A photograph to cover in parts. Arrow keys move the brush, the space bar puts it down or lifts it, "
    "Delete uncovers.",
    "hint": "Cover a part with the mouse or a finger. By keyboard, arrow keys move the brush, and the space bar puts "
    "it down or lifts it.",
    "credit": "“{title}”, by {author}, ",
    "uncover": "Uncover",
    "own": "A photograph of yours",
    "private": "A photograph of yours is read in this page and goes nowhere. Its middle square is what the model is "
    "given.",
    "chances": "What it reads, in per cent",
    "given": "What the model is given: {side} by {side} pixels",
    "waiting": "The map, once you have touched the figure",
    "loading": "The model is being loaded.",
    "failed": "The weights of the model are not beside this page: {reason}. In a notebook, run the cell.",
    "refused": "The browser cannot read {file} as a picture. Choose a JPEG, PNG or WebP.",
    "read": "The model reads {read}, with a probability of {sure} %; after that {next}, {less} %.",
    "covered": "{hidden} of {pixels} pixels are covered.",
    "usual": "Uncovered, it would read {read}, {sure} %.",
    "known": "The photograph shows {shows}.",
    "none": "The photograph shows {shows}, which is none of its {count} classes, and it can answer with nothing else.",
    "whatever": "It answers with one of its {count} classes, whatever your photograph shows.",
    "pen_down": "The brush is down at row {row}, column {column}.",
    "pen_up": "The brush is lifted, at row {row}, column {column}.",
    "map_embedded": "The embedded patches, {height} by {width} tokens of {channels} channels. Channel {channel}, in "
    "grey, goes from {low} to {high}.",
    "map": "The map after stage {stage}, {height} by {width} tokens of {channels} channels. Channel {channel}, in "
    "grey, goes from {low} to {high}.",
    "under_embedded": "patches embedded: {height}×{width}×{channels}",
    "under_map": "after stage {stage}: {height}×{width}×{channels}",
    "votes": "What each token of the last map says for {class}; blue: more than their mean",
    "vote": "row {row}, column {column}, {vote}",
    "chosen": "The token at row {row}, column {column} of the last map (framed) says {vote} for {class}; the mean of "
    "all {tokens}, {score}, is its score.",
}


LICENCES = {"LicenseRef-public-domain": "public domain"}  # the others are read as they are written


# ---- What the model is given


def reduced(image: Tensor, side: int) -> Tensor:
    """The middle square of a photograph in fewer pixels, each the mean of an area.

    Args:
        image: ``(3, H, W)``, uint8.
        side: of the result, in pixels.

    Returns:
        ``(3, side, side)``, uint8.
    """
    height, width = image.shape[1:]
    square = min(height, width)
    top, left = (height - square) // 2, (width - square) // 2
    middle = image[:, top : top + square, left : left + square].double()
    return (F.adaptive_avg_pool2d(middle, side) + 0.5).floor().to(torch.uint8)


def given(pixels: Tensor, covered: Tensor | None = None) -> Tensor:
    """What the model is given of ``(B, 3, side, side)`` bytes: normalised, zero where ``covered`` ``(side, side)``."""
    from swinlib.data import IMAGENET_MEAN, IMAGENET_STD, normalize_batch

    images = normalize_batch(pixels, IMAGENET_MEAN, IMAGENET_STD)
    return images if covered is None else images.masked_fill(covered.bool(), 0)


def votes(model: SwinTransformer, images: Tensor) -> Tensor:
    """What each token of the last map says for each class: ``(B, in_channels, H, W)`` to ``(B, h, w, classes)``.

    The head is linear, so that their mean over the map is what the model says: the logits.
    """
    return model.head(model.forward_features(images))


# ---- The figure


@cache
def _samples(side: int) -> tuple[list[SamplePhotograph], Tensor]:
    """The photographs, and the bytes that a model of this size is given, ``(B, 3, side, side)``."""
    samples = sample_photographs()
    return samples, torch.stack([reduced(sample.pixels(), side) for sample in samples])


def photo_data(model: SwinTransformer, classes: Sequence[str], side: int) -> dict[str, Any]:
    """What the figure begins with.

    Args:
        model: in eval mode, as the page has it.
        classes: the names of its logits.
        side: of the images that it is given, in pixels.

    Returns:
        ``side``, ``classes``, ``mean``, ``std`` and the number of ``stages``; ``photos``, of each what it ``shows``,
        ``known``, the number of its class or None, the ``image`` as an address, the ``pixels`` of what the model is
        given in base64, and the ``chances`` of the classes in per cent, one place behind the point.
    """
    from swinlib.data import IMAGENET_MEAN, IMAGENET_STD

    samples, pixels = _samples(side)
    with torch.no_grad():  # in double precision, or a last place would be another on another processor
        chances = 100 * copy.deepcopy(model).double()(given(pixels).double()).softmax(-1)
    return {
        "side": side,
        "classes": list(classes),
        "mean": list(IMAGENET_MEAN),
        "std": list(IMAGENET_STD),
        "stages": len(model.layers),
        "photos": [
            {
                "shows": sample.shows,
                "title": sample.title,
                "author": sample.author,
                "licence": LICENCES.get(sample.licence, sample.licence),
                "url": sample.url,
                "known": classes.index(sample.label) if sample.label in classes else None,
                "image": f"data:image/webp;base64,{base64.b64encode(sample.path.read_bytes()).decode()}",
                "pixels": base64.b64encode(each.numpy().tobytes()).decode(),
                "chances": [round(chance, 1) for chance in chance_of.tolist()],
            }
            for sample, each, chance_of in zip(samples, pixels, chances, strict=True)
        ],
    }


def photo_figure(
    model: SwinTransformer | None = None, classes: Sequence[str] | None = None, *, image_size: int = 32
) -> Interactive:
    """Cover a photograph in parts, see what the model reads, its maps, and what each token of the last one says.

    Args:
        model: of version 1, in eval mode, for ``(B, 3, image_size, image_size)`` normalised by ``IMAGENET_MEAN`` and
            ``IMAGENET_STD``, as ``python -m swinlib.training`` trains it; ``photographs_model()`` if left out.
        classes: the names of its logits, needed with a model of your own.
        image_size: in pixels.

    Raises:
        ValueError: if a model comes without a name for each of its classes.
    """
    if model is None:
        from swinlib.pretrained import PHOTOGRAPH_CLASSES

        page_model, classes = PHOTOGRAPHS, PHOTOGRAPH_CLASSES
    else:
        page_model = ModelInPage.own(model)
    model = page_model.rounded()
    count = model.head.out_features if isinstance(model.head, nn.Linear) else 0
    if classes is None or len(classes) != count or not count:
        raise ValueError(f"a model of your own needs a head and a name for each of its {count} classes; got {classes}.")
    facts = {"count": count, "side": image_size}
    return Interactive(
        "photo",
        lambda: photo_data(model, classes, image_size),
        [Control("channel", "Channel of the maps", tuple(range(model.layers[0].blocks[0].attn.dim)), view=True)],
        caption="A photograph, and what a trained Swin reads in it. Cover a part, and the answer follows.",
        words={name: _filled(sentence, facts) for name, sentence in WORDS.items()},
        picture=lambda **_: _picture(model, classes, image_size),
        alt=_alt(model, classes, image_size),
        model=page_model,
        shared=["reading"],
    )


def _filled(sentence: str, facts: Mapping[str, Any]) -> str:
    """The sentence with what is known by now; the other fields stay."""
    for name, value in facts.items():
        sentence = sentence.replace(f"{{{name}}}", str(value))
    return sentence


# ---- The picture for print


def _maps(model: SwinTransformer, images: Tensor) -> list[Tensor]:
    """The embedded patches and the map after each stage, before merging, each ``(h, w, C)``, of the first image."""
    embedded = model.patch_embed(images)
    return [embedded[0], *(each[0].permute(1, 2, 0) for each in model.forward_intermediates(images)[1])]


def _picture(model: SwinTransformer, classes: Sequence[str], side: int) -> Picture:
    samples, pixels = _samples(side)
    images = given(pixels[:1])
    with torch.no_grad():
        chances = 100 * model(images).softmax(-1)[0]
        read = int(chances.argmax())
        said, maps = votes(model, images)[0, ..., read], _maps(model, images)
    with style():
        picture, axes = canvas(2, 4, width=7, height=4)
        top, bottom = axes[:4], axes[4:]
        for ax, each, title in (
            (top[0], samples[0].pixels(), "a photograph"),
            (top[1], pixels[0], f"given: {side}×{side}"),
        ):
            ax.imshow(each.permute(1, 2, 0).numpy())
            ax.set(title=title, xticks=[], yticks=[])
        top[2].barh(range(len(classes)), chances.tolist())
        top[2].set(title="what it reads, in %", yticks=range(len(classes)), yticklabels=classes, xlim=(0, 100))
        top[2].invert_yaxis()
        top[2].tick_params(labelsize=7)
        _numbers(top[3], said, f"for {classes[read]}")
        for ax, each, name in zip(bottom, maps, ("embedded", *(f"stage {k}" for k in range(1, 9))), strict=False):
            ax.imshow(each[..., 0].numpy(), cmap="gray")
            ax.set(title=f"{name}: {each.shape[0]}×{each.shape[1]}", xticks=[], yticks=[])
    return picture


def _numbers(ax: Axes, said: Tensor, title: str) -> None:
    """What each token says, blue where it is more than the mean."""
    height, width = said.shape
    ax.set(title=title, xlim=(0, width), ylim=(height, 0), aspect="equal", xticks=range(width + 1))
    ax.set(yticks=range(height + 1), xticklabels=[], yticklabels=[])
    for row, numbers in enumerate(said.tolist()):
        for column, number in enumerate(numbers):
            if number > said.mean():
                ax.fill([column, column + 1, column + 1, column], [row, row, row + 1, row + 1], color=SKY)
            text = f"{number:z.0f}".replace("-", "−")
            ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7)
    ax.grid(color="#767676", lw=0.5)
    ax.tick_params(length=0)


def _alt(model: SwinTransformer, classes: Sequence[str], side: int) -> str:
    """The same picture in words."""
    samples, pixels = _samples(side)
    with torch.no_grad():
        logits = model(given(pixels[:1]))[0]
    read = int(logits.argmax())
    return (
        f"A photograph of {samples[0].shows}; the same in {side} by {side} pixels; a bar for each of {len(classes)} "
        f"classes, the longest, {100 * logits.softmax(-1)[read]:.0f} %, for {classes[read]}; what each token of the "
        f"last map says for {classes[read]}, as numbers with the mean {logits[read]:.1f}; and the first channel of the "
        f"embedded patches and of the map after each of {len(model.layers)} stages, in grey, each coarser than the one "
        "before."
    )
