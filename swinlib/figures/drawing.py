"""The model drawn once: what a photograph passes on its way through a Swin, as SVG, each part a link to its chapter.

All numbers are read off a model: it is run on an empty image, and its parts are asked for the rest. The drawing has a
wide form and a narrow one for telephones, of which CSS shows the one that fits, and two strips that are small enough
for the head of every chapter. Maps are slabs, whose sides and depths are the square roots of tokens on a side and of
channels: in true proportion the last map would be a needle.
"""

import base64
import html
import io
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import resources
from math import sqrt
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from swinlib.figures.images import photograph
from swinlib.model import SwinTransformer
from swinlib.windows import effective_shift, padded_size

if TYPE_CHECKING:
    from IPython.display import HTML

FRACTION = re.compile(r"\d+\.\d+")  # hundredths of a pixel, which nobody sees
PHOTOGRAPH = 200  # pixels on a side
PIXELS = 'image-rendering="pixelated" '
MAP = "swin-map-"  # names of the pictures: 0 is the photograph, then the stages
LETTER = 8.4  # about the width of a bold letter of 13 pixels
INK_ABOVE_LINE = 4.3  # from the middle of a line of 12 pixels down to its baseline


@dataclass(frozen=True)
class Part:
    """A part of the drawing.

    Attributes:
        name: what a screen reader says, and a mouse that rests on it.
        chapter: number of the chapter that explains it.
        page: that chapter's file in the folder of the book, without its ending.
        anchor: the heading in it, where the part has one of its own.
    """

    name: str
    chapter: int
    page: str
    anchor: str = ""

    @property
    def title(self) -> str:
        """The name with the chapter."""
        return f"{self.name}: chapter {self.chapter}"


PARTS = {
    "batch": Part("batch, from loaders and samplers", 9, "09_loaders_and_samplers"),
    "photograph": Part("photograph, from pixels to a tensor", 8, "08_images_to_tensors"),
    "embed": Part("embed, patches become tokens", 2, "02_resampling"),
    "merge": Part("merge, four tokens become one", 2, "02_resampling", "patch-merging-is-a-convolution"),
    "stages": Part("stages, lists of blocks", 5, "05_modulelist_and_sequential"),
    "weights": Part("weights, and what they are at first", 6, "06_apply_and_init"),
    "model": Part("the whole model", 10, "10_whole_model"),
    "head": Part("head, scores from the last map", 1, "01_tour", "the-head"),
    "block": Part("one block, attention and then an MLP", 1, "01_tour", "a-block"),
    "roll": Part("roll, so that windows are shifted", 7, "07_roll_and_shifted_windows"),
    "attention": Part("attention, a product of queries and keys", 4, "04_matmul_and_elementwise"),
    "index": Part("index of the position bias, a buffer", 3, "03_register_buffer"),
    "mask": Part("mask of the shifted windows", 7, "07_roll_and_shifted_windows", "the-mask"),
}

# What each chapter after the tour is about. The mask is derived in chapter 7, and is one of the tensors that chapter 3
# is about; chapter 11 has no part of its own, and makes two of others quicker.
LIT = {
    chapter: frozenset(name for name, part in PARTS.items() if part.chapter == chapter)
    for chapter in sorted({part.chapter for part in PARTS.values()} - {1})
} | {3: frozenset({"index", "mask"}), 11: frozenset({"roll", "attention"})}

# The same in words, for the line below the drawing.
HERE = {
    2: "the embedding of patches, and the merging between stages",
    3: "the index behind B, and the mask m, which nobody trains",
    4: "the products in attention",
    5: "the stages, which are lists of blocks",
    6: "the weights of all parts",
    7: "the roll that shifts windows, and the mask that goes with it",
    8: "the photograph, on its way to a tensor",
    9: "the batch, before the model",
    10: "the whole model",
    11: "attention, and the moving of tokens before and after it, made quicker",
}


@dataclass(frozen=True)
class Stage:
    """One stage as it is drawn: of a map of tokens, of its windows, and of its blocks.

    Attributes:
        rows: of tokens.
        columns: of tokens.
        channels: of a token.
        window: rows and columns of tokens in a window.
        windows: how many there are, padded ones too.
        shift: of every second block at this size; (0, 0) if one window covers the map.
        heads: of attention.
        blocks: how many.
        weights: of all blocks together.
    """

    rows: int
    columns: int
    channels: int
    window: tuple[int, int]
    windows: int
    shift: tuple[int, int]
    heads: int
    blocks: int
    weights: int

    @property
    def shape(self) -> str:
        """Such as ``56×56×96``."""
        return f"{self.rows}×{self.columns}×{self.channels}"

    @property
    def in_windows(self) -> str:
        """Such as ``64 of 7×7``."""
        return f"{self.windows} of {self.window[0]}×{self.window[1]}"


@dataclass(frozen=True)
class Anatomy:
    """What the drawing says of a model.

    Attributes:
        image: channels, height and width of an image.
        patch: rows and columns of pixels in a patch.
        stages: in order.
        scores: numbers that come out for an image.
        has_head: whether a linear layer gives them.
        weights: number of all parameters.
        head_dim: channels of a head in the first stage.
        hidden: width of the MLP in the first stage.
        version: 1 or 2.
    """

    image: tuple[int, int, int]
    patch: tuple[int, int]
    stages: tuple[Stage, ...]
    scores: int
    has_head: bool
    weights: int
    head_dim: int
    hidden: int
    version: int

    @property
    def scores_are(self) -> str:
        """What the numbers are."""
        return "scores" if self.has_head else "features"

    @property
    def shape(self) -> str:
        """Of an image, channels last, as maps have them."""
        return f"{self.image[1]}×{self.image[2]}×{self.image[0]}"


def anatomy(model: SwinTransformer, image_size: int | tuple[int, int] = 224) -> Anatomy:
    """Read off a model what the drawing says of it. Shapes are those that come out when it runs.

    Args:
        model: it may lie on any device; on the meta device nothing is computed.
        image_size: pixels on a side, or height and width.
    """
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    weight = model.patch_embed.proj.weight
    size = (model.patch_embed.in_channels, height, width)
    with torch.no_grad():
        images = torch.zeros(1, *size, device=weight.device, dtype=weight.dtype)
        maps = model.forward_intermediates(images, output_fmt="NHWC", intermediates_only=True)
    attention, mlp = model.layers[0].blocks[0].attn, model.layers[0].blocks[0].mlp
    return Anatomy(
        image=size,
        patch=model.patch_embed.patch_size,
        stages=tuple(_stage(stage.blocks, *each.shape[1:]) for stage, each in zip(model.layers, maps, strict=True)),
        scores=model.num_classes or model.dims[-1],
        has_head=bool(model.num_classes),
        weights=_count(model),
        head_dim=attention.head_dim,
        hidden=mlp.fc1.out_features,
        version=model.version,
    )


def _stage(blocks: nn.ModuleList, rows: int, columns: int, channels: int) -> Stage:
    window, last = blocks[0].window_size, blocks[min(1, len(blocks) - 1)]
    height, width = padded_size(rows, columns, window)
    return Stage(
        rows=rows,
        columns=columns,
        channels=channels,
        window=window,
        windows=(height // window[0]) * (width // window[1]),
        shift=effective_shift(height, width, window, last.shift_size),
        heads=blocks[0].attn.num_heads,
        blocks=len(blocks),
        weights=_count(blocks),
    )


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def default_anatomy() -> Anatomy:
    """Of Swin-T at 224 pixels, without drawing its weights or computing anything."""
    with torch.device("meta"):
        return anatomy(SwinTransformer())


# -- pieces of SVG ----------------------------------------------------------------------------------------------------


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    """A line of text whose middle is at the height ``y``."""
    return f'<text x="{x:g}" y="{y + INK_ABOVE_LINE:g}"{_class(kind)}>{html.escape(words, quote=False)}</text>'


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _box(x: float, y: float, width: float, height: float, kind: str = "box", radius: float = 5) -> str:
    """A box whose left edge is at ``x`` and whose middle is at the height ``y``."""
    place = f'x="{x:g}" y="{y - height / 2:g}" width="{width:g}" height="{height:g}"'
    return f'<rect {place} rx="{radius:g}" class="{kind}"/>'


def _line(path: str, kind: str = "line") -> str:
    return f'<path d="{path}" class="{kind}"/>'


def _right(x: float, y: float, length: float) -> str:
    """An arrow to the right."""
    end = x + length
    return _line(f"M{x:g} {y:g}H{end - 4:g}M{end:g} {y:g}l-6-3v6z", "arrow")


def _down(x: float, y: float, length: float) -> str:
    """An arrow downwards."""
    end = y + length
    return _line(f"M{x:g} {y:g}V{end - 4:g}M{x:g} {end:g}l-3-6h6z", "arrow")


def _badge(x: float, y: float, name: str) -> str:
    """The number of a part's chapter in a disk."""
    number = f'<circle r="8.5"/><text y="4">{PARTS[name].chapter}</text>'
    return f'<g class="disk" transform="translate({x:g} {y:g})">{number}</g>'


def _named(x: float, y: float, words: str, name: str) -> str:
    """A name with the number of its chapter behind it; together they stand about in the middle of ``x``.

    How wide the words are is the browser's business, so they end where the number begins.
    """
    at = x + (len(words) * LETTER - 13) / 2 + 8.5
    return _text(at - 13, y, words, "name right") + _badge(at, y, name)


def _plus(x: float, y: float) -> str:
    """A sum, ``x`` being its left edge."""
    return f'<circle cx="{x + 9:g}" cy="{y:g}" r="9" class="box"/>' + _line(
        f"M{x + 4:g} {y:g}h10M{x + 9:g} {y - 5:g}v10"
    )


def _here(x: float, y: float) -> str:
    """The triangle that says "you are here", its point at ``(x, y)``."""
    return _line(f"M{x:g} {y:g}l-6 -9h12z", "here")


def _patches(x: float, y: float, step: float) -> str:
    """Two by two tokens, which merging makes one of; ``y`` is the middle."""
    square = _box(x, y, 2 * step, 2 * step, "patches", 1)
    return square + _line(f"M{x + step:g} {y - step:g}v{2 * step:g}M{x:g} {y:g}h{2 * step:g}", "patches")


@dataclass(frozen=True)
class Slab:
    """How large a stage's map is drawn: the front is tokens, the depth channels."""

    width: float
    height: float
    depth: float

    @property
    def across(self) -> float:
        """The front and what is seen of the depth beside it."""
        return self.width + self.depth


def _slabs(stages: Collection[Stage], side: float, deepest: float) -> list[Slab]:
    """The slabs of all stages.

    Args:
        stages: in order.
        side: longest side of the first map, in pixels.
        deepest: depth of the map with the most channels, in pixels.
    """
    unit = side / max(sqrt(max(stage.rows, stage.columns)) for stage in stages)
    depth = deepest / max(sqrt(stage.channels) for stage in stages)
    return [Slab(unit * sqrt(stage.columns), unit * sqrt(stage.rows), depth * sqrt(stage.channels)) for stage in stages]


def _draw_slab(x: float, y: float, slab: Slab, stage: Stage, picture: int = 0) -> str:
    """A map with its windows, and a picture by its number; ``x`` is its left edge, ``y`` the middle of its front."""
    w, h, d = slab.width, slab.height, slab.depth
    rise = 0.6 * d
    top = y - h / 2
    parts = [
        _line(f"M{x:.1f} {top:.1f}l{d:.1f} {-rise:.1f}h{w:.1f}l{-d:.1f} {rise:.1f}z", "top"),
        _line(f"M{x + w:.1f} {top:.1f}l{d:.1f} {-rise:.1f}v{h:.1f}l{-d:.1f} {rise:.1f}z", "side"),
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{w:.1f}" height="{h:.1f}" class="face"/>',
    ]
    if picture:
        parts.append(f'<use href="#{MAP}{picture}" x="{x:.1f}" y="{top:.1f}" width="{w:.1f}" height="{h:.1f}"/>')
    (mh, mw), lines = stage.window, [f"M{x:.1f} {top:.1f}h{w:.1f}v{h:.1f}h{-w:.1f}z"]
    lines += [f"M{x + w * k / stage.columns:.1f} {top:.1f}v{h:.1f}" for k in range(mw, stage.columns, mw)]
    lines += [f"M{x:.1f} {top + h * k / stage.rows:.1f}h{w:.1f}" for k in range(mh, stage.rows, mh)]
    parts.append(_line("".join(lines), "window"))
    return "".join(parts)


def _map_icon(x: float, y: float, side: float, shift: float = 0) -> str:
    """Two by two windows, or where they lie after a shift by a part of a window."""
    half, top = side / 2, y - side / 2
    face = f'<rect x="{x:g}" y="{top:g}" width="{side:g}" height="{side:g}" class="face"/>'
    if not shift:
        return face + _line(f"M{x + half:g} {top:g}v{side:g}M{x:g} {y:g}h{side:g}", "window")
    at = half * shift
    lines = f"M{x + at:g} {top:g}v{side:g}m{half:g} 0v{-side:g}M{x:g} {top + at:g}h{side:g}m0 {half:g}h{-side:g}"
    return face + _line(lines, "shifted")


def _apart(x: float, y: float, side: float) -> str:
    """Four windows, apart."""
    one = side / 2 - 2
    return "".join(
        f'<rect x="{x + a:g}" y="{y - side / 2 + b:g}" width="{one:g}" height="{one:g}" class="face"/>'
        for b in (0, one + 4)
        for a in (0, one + 4)
    )


def _rolled(x: float, y: float, side: float, back: bool = False) -> str:
    """A map, the strips that a roll takes to the other side, and an arrow for the way of all the rest."""
    top, strip, sign = y - side / 2, side * 0.215, -1 if back else 1
    edge = side - strip if back else 0
    drawn = f'<rect x="{x:g}" y="{top:g}" width="{side:g}" height="{side:g}" class="face"/>'
    drawn += _line(
        f"M{x:g} {top + edge:g}h{side:g}v{strip:g}h{-side:g}zM{x + edge:g} {top:g}h{strip:g}v{side:g}h{-strip:g}z",
        "moved",
    )
    middle_x, middle_y = x + side / 2 + 3 * sign, y + 3 * sign
    return (
        drawn
        + _line(f"M{middle_x + 8 * sign:g} {middle_y + 8 * sign:g}l{-9 * sign} {-9 * sign}", "turn")
        + _line(
            f"M{middle_x - 5 * sign:g} {middle_y - 5 * sign:g}l{8 * sign} {2 * sign}l{-6 * sign} {6 * sign}z", "turned"
        )
    )


@dataclass(frozen=True)
class Drawn:
    """A form of the drawing: its size, and what is in it."""

    width: float
    height: float
    svg: str


@dataclass(frozen=True)
class Guide:
    """Where the parts lead, and which of them the reader is at."""

    links: Mapping[str, str]
    lit: Collection[str]

    def part(self, name: str, *drawn: str, here: Collection[tuple[float, float]] = ()) -> str:
        """A part of the drawing as a link, if it has one; with triangles at ``here`` if it is lit."""
        is_lit = name in self.lit
        inside = "".join(drawn) + "".join(_here(x, y) for x, y in here if is_lit)
        kind = ('class="lit" ' if is_lit else "") + f'data-part="{name}"'
        if name not in self.links:
            return f"<g {kind}>{inside}</g>"
        title = html.escape(PARTS[name].title + (", you are here" if is_lit else ""), quote=False)
        current = ' aria-current="true"' if is_lit else ""
        return f'<a href="{html.escape(self.links[name])}" {kind}{current}><title>{title}</title>{inside}</a>'


# -- the model, wide and narrow ---------------------------------------------------------------------------------------


def _photo(x: float, y: float, side: float, pictures: bool) -> str:
    place = f'x="{x:g}" y="{y - side / 2:g}" width="{side:g}" height="{side:g}"'
    return f'<use href="#{MAP}0" {place}/>' if pictures else ""


def _frame_label(right: float, y: float, facts: Anatomy) -> str:
    """What the frame of the model holds, on its upper border; it ends at ``right``."""
    words = _text(right - 22, y, f"the whole model, {facts.weights:,} weights", "name right halo")
    return words + _badge(right - 9, y, "model")


def _wide(facts: Anatomy, guide: Guide, pictures: bool) -> Drawn:
    """The model from left to right, with the facts of its stages in a table below, and a block opened below that."""
    width, middle, side, line = 712.0, 106.0, 84.0, 18
    slabs = _slabs(facts.stages, side, 26)
    embed, head, verbs = 72.0, 54.0, 30.0
    gap = (width - 10 - (side + 12) - embed - head - sum(slab.across for slab in slabs)) / (len(slabs) + 2)
    nouns = middle + side / 2 + 20
    rows = [nouns + line] + [nouns + 44 + line * k for k in range(4)]
    bottom = rows[-1] + 16
    out = []

    # the photograph, the first of a batch
    cards = "".join(_box(k, middle - k, side, side, "sheet", 2) for k in (10, 5))
    out.append(guide.part("batch", cards, _named(side / 2 + 4, verbs, "batch", "batch"), here=[(70, middle - 55)]))
    out.append(
        guide.part(
            "photograph",
            _box(0, middle, side, side, "sheet", 0),
            _photo(0, middle, side, pictures),
            _text(0, nouns, "photograph", "name left"),
            _badge(100, nouns, "photograph"),
            _text(0, rows[0], facts.shape, "left"),
            here=[(36, middle - 46)],
        )
    )
    x = side + 12 + gap
    out.append(_right(x - gap + 2, middle, gap - 16))

    # the frame of the model is drawn before all that stands in it
    left = x - 10
    frame = _box(left, (8 + bottom) / 2, width - left, bottom - 8, "frame", 10)
    out.append(guide.part("model", frame, _frame_label(width - 16, 8, facts), here=[(left + 60, 6)]))
    at = x + embed / 2
    out.append(
        guide.part(
            "embed",
            _box(x, middle, embed, 50),
            _text(at, middle - 9, f"{facts.patch[0]}×{facts.patch[1]} conv", "inside"),
            _text(at, middle + 9, "norm", "inside"),
            _named(at, verbs, "embed", "embed"),
            _line(f"M{at:g} {verbs + 12:g}V{middle - 28:g}", "leader"),
            here=[(at, middle - 28)],
        )
    )
    x += embed
    out.append(_right(x + 4, middle, gap - 8))
    x += gap

    # stages, and what is between them
    places, merges, arrows, drawn, words = [], [], [], [], []
    for number, (slab, stage) in enumerate(zip(slabs, facts.stages, strict=True), start=1):
        at = x + slab.across / 2
        drawn.append(_draw_slab(x, middle + 0.3 * slab.depth, slab, stage, number if pictures else 0))
        drawn.append(_text(at, nouns, f"stage {number}", "name"))
        told = (stage.shape, stage.in_windows, str(stage.heads))
        words += [_text(at, y, fact) for y, fact in zip(rows, told, strict=False)]
        places.append(x)
        x += slab.across
        if number < len(slabs):
            merges += [
                _patches(x + gap / 2 - 12, middle, 5.5),
                _named(x + gap / 2, verbs, "merge", "merge"),
                _line(f"M{x + gap / 2 - 6.5:g} {verbs + 12:g}V{middle - 10:g}", "leader"),
            ]
            arrows.append(_right(x + gap / 2 + 2, middle, gap / 2 - 5))
        else:
            arrows.append(_right(x + 4, middle, gap - 8))
        x += gap
    middles = [place + slab.across / 2 for place, slab in zip(places, slabs, strict=True)]
    for y, name, attribute in ((rows[3], "stages", "blocks"), (rows[4], "weights", "weights")):
        told = [_text(at, y, f"{getattr(stage, attribute):,}") for at, stage in zip(middles, facts.stages, strict=True)]
        told += [_text(0, y, attribute, "name left"), _badge(72, y, name)]
        if name == "stages":
            tops = [
                (at, middle - 0.3 * slab.depth - slab.height / 2 - 4) for at, slab in zip(middles, slabs, strict=True)
            ]
            out.append(guide.part("stages", *drawn, *told, here=tops))
        else:
            strip = _box(-6, y, width + 2, 18, "band", 4)
            out.append(guide.part("weights", strip, *told, here=[(92, y - 6)]))
    triangles = [
        (place + slab.across + gap / 2 - 6.5, middle - 9) for place, slab in zip(places[:-1], slabs, strict=False)
    ]
    out.append(guide.part("merge", *merges, here=triangles))
    out += [*arrows, *words]
    out += [_text(0, y, name, "left") for y, name in zip(rows[1:], ("windows", "heads"), strict=False)]

    # the head
    at = x + head / 2
    lines = ["norm", "mean", "linear"][: 3 if facts.has_head else 2]
    out.append(
        guide.part(
            "head",
            _box(x, middle, head, 64),
            *(_text(at, middle + line * (k - (len(lines) - 1) / 2), words, "inside") for k, words in enumerate(lines)),
            _named(at, nouns, "head", "head"),
            here=[(at, middle - 35)],
        )
    )
    out += [_text(at, rows[0], f"{facts.scores}"), _text(at, rows[0] + line, facts.scores_are)]

    top = bottom + 24
    wedge = f"M{middles[0] - 8:g} {bottom:g}L4 {top:g}M{middles[0] + 8:g} {bottom:g}L{width - 4:g} {top:g}"
    block = _block_wide(facts, guide, top, width)
    return Drawn(width, block.height, "".join(out) + _line(wedge, "zoom") + block.svg)


def _halves(facts: Anatomy) -> tuple[list[str], list[str]]:
    """What both halves of a block do, in order: version 2 norms at their ends."""
    attention, mlp = ["norm", "attention"], ["norm", "mlp"]
    return (attention, mlp) if facts.version == 1 else (attention[::-1], mlp[::-1])


def _chain(
    facts: Anatomy,
    boxes: Mapping[str, tuple[int, list[str]]],
    x: float,
    y: float,
    gap: float,
    *,
    height: int,
    clear: int,
) -> tuple[list[str], list[str], float]:
    """A block as boxes in a row, with the two ways around.

    Args:
        facts: of the model, which say in what order.
        boxes: width and lines of text, by name.
        x: where the row begins, in pixels.
        y: its middle.
        gap: between two boxes.
        height: of a box.
        clear: pixels that an arrow leaves free of the gap.

    Returns:
        What is lit together, the lines between, and where the box of attention begins.
    """
    drawn, wires, opened = [], [_right(x + clear / 2 - 1, y, gap - clear)], 0.0
    for half in _halves(facts):
        start = x + gap / 2 - 3
        x += gap
        for name in half:
            w, lines = boxes[name]
            drawn.append(_box(x, y, w, height))
            drawn += [_text(x + w / 2, y + 16 * (k - (len(lines) - 1) / 2), line) for k, line in enumerate(lines)]
            opened = x if name == "attention" else opened
            wires.append(_right(x + w + clear / 2, y, gap - clear))
            x += w + gap
        drawn.append(_plus(x, y))
        wires.append(_line(f"M{start:g} {y:g}v{-height / 2 - 4:g}q0 -6 6 -6H{x + 3:g}q6 0 6 6V{y - 13:g}"))
        wires.append(_line(f"M{x + 9:g} {y - 10:g}l-3.5 -6h7z", "tip"))
        wires.append(_right(x + 18 + clear / 2, y, gap - clear))
        x += 18
    return drawn, wires, opened


def _shifts(facts: Anatomy) -> tuple[str, str]:
    """Which blocks of the first stage have which windows, in words; nothing for the second if none shifts."""
    (down, right), blocks = facts.stages[0].shift, facts.stages[0].blocks
    if not (down or right) or blocks < 2:
        return "plain windows, no shift", ""
    odd, even = ("blocks 1, 3, …", "blocks 2, 4, …") if blocks > 2 else ("block 1", "block 2")
    return f"{odd}: plain windows", f"{even}: windows shifted by {down if down == right else f'{down} and {right}'}"


def _formula(facts: Anatomy) -> str:
    """Attention in one line, with the letters of the book: M is a window's side, so the mask is m."""
    scores = f"q kᵀ/√{facts.head_dim}" if facts.version == 1 else "cos(q, k)/τ"
    return f"softmax( {scores} + B + m ) v"


def _block_wide(facts: Anatomy, guide: Guide, top: float, width: float) -> Drawn:
    """A block of the first stage, and its attention opened."""
    chain, y = top + 68, top + 138
    plain, shifted = _shifts(facts)
    channels = facts.stages[0].channels
    out = [_box(0, top + 94, width, 188, "frame", 10)]

    # which windows
    words = _named(60, top + 20, "one block", "block")
    icons = _map_icon(236, top + 20, 24) + _text(268, top + 20, plain, "left")
    if shifted:
        icons += _map_icon(452, top + 20, 24, 0.43) + _text(484, top + 20, shifted, "left")
    boxes = {
        "norm": (50, ["norm"]),
        "attention": (96, ["attention", "in windows"]),
        "mlp": (164, ["MLP: linear, GELU, linear", f"{channels} → {facts.hidden} → {channels}"]),
    }
    gap = (width - 32 - 2 * (18 + 50) - 96 - 164) / 7
    drawn, wires, opened = _chain(facts, boxes, 16.0, chain, gap, height=40, clear=4)
    out.append(guide.part("block", words, icons, *drawn, here=[(150, top + 16)]))
    out += wires
    out.append(
        _line(
            f"M{opened:g} {chain + 20:g}L12 {y - 34:g}M{opened + 96:g} {chain + 20:g}L{width - 12:g} {y - 34:g}", "zoom"
        )
    )

    # attention, opened
    side, formula, edge = 34, 272.0, 42.0
    gap = (width - 2 * edge - 4 * side - formula) / 4
    x = edge
    for word in ("roll", "cut", "", "join", "roll back"):
        if word:
            out.append(_step(x, y, side, word, guide))
        else:
            out.append(_attention(x, y, formula, facts, guide))
        x += side if word else formula
        if word != "roll back":
            out.append(_right(x + 8, y, gap - 16))
        x += gap
    return Drawn(width, top + 188, "".join(out))


def _step(x: float, y: float, side: float, word: str, guide: Guide) -> str:
    """A step on the way to attention or back, with its name below."""
    at = x + side / 2
    if word in ("cut", "join"):
        return _apart(x, y, side) + _text(at, y + side / 2 + 16, word)
    label = _named(at, y + side / 2 + 16, word, "roll")
    return guide.part("roll", _rolled(x, y, side, word != "roll"), label, here=[(at, y - side / 2 - 3)])


def _attention(x: float, y: float, width: float, facts: Anatomy, guide: Guide) -> str:
    """The formula of attention, with the index behind B and the mask below, which nobody trains."""
    words = _text(x + width / 2 - 10, y - 4, _formula(facts), "formula inside")
    drawn = guide.part(
        "attention",
        _box(x, y - 4, width, 34),
        words,
        _badge(x + width - 16, y - 4, "attention"),
        here=[(x + 20, y - 22)],
    )
    half = width / 2 - 4
    for name, label, left in (("index", "B: by an index", x), ("mask", "m: a mask", x + half + 8)):
        named = _text(left + half / 2 - 10, y + 29, label, "inside") + _badge(left + half - 16, y + 29, name)
        drawn += guide.part(name, _box(left, y + 29, half, 24), named, here=[(left + 14, y + 16)])
    return drawn


def _narrow(facts: Anatomy, guide: Guide, pictures: bool) -> Drawn:
    """The model from top to bottom, what it is beside it, and a block opened below."""
    width, side, line, at, words = 350.0, 78.0, 17, 76.0, 152.0
    slabs = _slabs(facts.stages, side, 26)
    out = []

    # the photograph, the first of a batch
    y = 12 + side / 2
    cards = "".join(_box(at - side / 2 + k, y - k, side, side, "sheet", 2) for k in (10, 5))
    batch = _text(words, y + 22, "one of a batch", "name left") + _badge(words + 126, y + 22, "batch")
    out.append(guide.part("batch", cards, batch, here=[(at + side / 2 + 4, y - side / 2 - 9)]))
    out.append(
        guide.part(
            "photograph",
            _box(at - side / 2, y, side, side, "sheet", 0),
            _photo(at - side / 2, y, side, pictures),
            _text(words, y - 18, "photograph", "name left"),
            _badge(words + 106, y - 18, "photograph"),
            _text(words, y - 18 + line, facts.shape, "left"),
            here=[(at - 12, y - side / 2 - 5)],
        )
    )
    y += side / 2
    out.append(_down(at, y + 3, 22))
    top = y + 36
    out.append("")  # here the frame of the model will stand, before all that is in it
    frame = len(out) - 1
    out.append(_down(at, top + 9, 18))

    # embed
    y = top + 52
    label = _text(words, y, "embed", "name left") + _badge(words + 66, y, "embed")
    inside = _text(at, y - 9, f"{facts.patch[0]}×{facts.patch[1]} conv", "inside") + _text(at, y + 9, "norm", "inside")
    out.append(guide.part("embed", _box(at - 38, y, 76, 44), inside, label, here=[(at - 26, y - 25)]))
    y += 22
    drawn, merges, here, tops = [], [], [], []
    for number, (slab, stage) in enumerate(zip(slabs, facts.stages, strict=True), start=1):
        out.append(_down(at, y + 3, 18))
        rise = 0.6 * slab.depth
        tall = max(slab.height + rise, 56)
        y += 24 + tall / 2
        left = at - slab.across / 2
        drawn.append(_draw_slab(left, y + rise / 2, slab, stage, number if pictures else 0))
        drawn.append(_text(words, y - 1.5 * line, f"stage {number}", "name left"))
        if number == 1:
            drawn.append(_badge(words + 72, y - 1.5 * line, "stages"))
        tops.append((left - 10, y + 4))
        told = (
            f"{stage.shape}",
            f"{_many(stage.windows, 'window')} of {stage.window[0]}×{stage.window[1]}",
            f"{_many(stage.blocks, 'block')}, {_many(stage.heads, 'head')}",
        )
        out += [_text(words, y + line * (k - 0.5), fact, "left") for k, fact in enumerate(told)]
        y += tall / 2
        if number < len(slabs):
            out.append(_down(at, y + 3, 16))
            y += 28
            merges += [
                _patches(at - 6, y, 6),
                _text(words, y, "merge", "name left"),
                _badge(words + 66, y, "merge"),
            ]
            here.append((at - 22, y + 5))
            y += 6
    out.append(guide.part("stages", *drawn, here=tops))
    out.append(guide.part("merge", *merges, here=here))

    # the head
    out.append(_down(at, y + 3, 18))
    y += 24 + 16
    lines = "norm, mean, linear" if facts.has_head else "norm, mean"
    out.append(
        guide.part(
            "head",
            _box(at - 63, y, 126, 32),
            _text(at, y, lines, "inside"),
            _text(words, y - 9, "head", "name left"),
            _badge(words + 52, y - 9, "head"),
            here=[(at - 50, y - 19)],
        )
    )
    out.append(_text(words, y + 9, f"{facts.scores} {facts.scores_are}", "left"))
    y += 34
    out.append(
        guide.part(
            "weights",
            _box(6, y, width - 12, 22, "band", 4),
            _text(14, y, "first weights of all these parts", "name left"),
            _badge(width - 21, y, "weights"),
            here=[(250, y - 6)],
        )
    )
    y += 18
    out[frame] = guide.part(
        "model",
        _box(0, (top + y) / 2, width, y - top, "frame", 10),
        _frame_label(width - 12, top, facts),
        here=[(20, top - 2)],
    )
    block = _block_narrow(facts, guide, y + 22, width)
    out.append(_line(f"M{at - 8:g} {y:g}L6 {y + 22:g}M{at + 8:g} {y:g}L{width - 6:g} {y + 22:g}", "zoom"))
    return Drawn(width, block.height, "".join(out) + block.svg)


def _many(number: int, what: str) -> str:
    return f"{number} {what}" + "s" * (number != 1)


def _block_narrow(facts: Anatomy, guide: Guide, top: float, width: float) -> Drawn:
    """A block of the first stage from left to right, in short words, and its attention opened in three rows."""
    plain, shifted = _shifts(facts)
    out = []
    words = _text(14, top + 20, "one block", "name left") + _badge(98, top + 20, "block")
    icons = _map_icon(14, top + 48, 22) + _text(44, top + 48, plain, "left")
    if shifted:
        icons += _map_icon(14, top + 76, 22, 0.43) + _text(44, top + 76, shifted, "left")
    chain = top + 132
    boxes = {
        "norm": (42, ["norm"]),
        "attention": (66, ["attention"]),
        "mlp": (64, ["MLP", f"{facts.hidden} wide"]),
    }
    gap = (width - 12 - 2 * (18 + 42) - 66 - 64) / 7
    drawn, wires, opened = _chain(facts, boxes, 6.0, chain, gap, height=38, clear=2)
    y = chain + 72
    bottom = y + 212
    out.append(_box(0, (top + bottom) / 2, width, bottom - top, "frame", 10))
    out.append(guide.part("block", words, icons, *drawn, here=[(130, top + 16)]))
    out += wires
    zoom = f"M{opened:g} {chain + 19:g}L10 {y - 26:g}M{opened + 66:g} {chain + 19:g}L{width - 10:g} {y - 26:g}"
    out.append(_line(zoom, "zoom"))

    # attention, opened: down to the windows, the formula, and up again
    side, left, right = 34, 92.0, 224.0
    out += [_step(left, y, side, "roll", guide), _right(left + side + 12, y, right - left - side - 24)]
    out += [_step(right, y, side, "cut", guide), _down(width / 2, y + 24, 24)]
    out.append(_attention(width / 2 - 136, y + 72, 272, facts, guide))
    out.append(_down(width / 2, y + 117, 20))
    low = y + 160
    out += [_step(left, low, side, "join", guide), _right(left + side + 12, low, right - left - side - 24)]
    out.append(_step(right, low, side, "roll back", guide))
    return Drawn(width, bottom, "".join(out))


# -- strips for the head of a chapter ---------------------------------------------------------------------------------


STRIP = (336.0, 108.0)
MIDDLE, NUMBERS, BELOW = 38.0, 70.0, 94.0  # heights of pictures, of the numbers below them, and of the lowest line


def _strip_model(facts: Anatomy, guide: Guide) -> Drawn:
    """The model in little: its parts with their numbers, and the weights that all of them have."""
    width, height = STRIP
    photo, box = 26.0, 22.0
    slabs = _slabs(facts.stages, 34, 12)
    gap = (width - photo - 2 * box - 16 - sum(slab.across for slab in slabs)) / (len(slabs) + 2)
    x = photo + 8 + gap
    left, at = x - 8, x + box / 2
    cards = "".join(_box(k, MIDDLE - k, photo, photo, "sheet", 1) for k in (8, 4))
    view = _box(0, MIDDLE, photo, photo, "sheet", 1) + _scene(0, MIDDLE, photo)
    frame = _box(left, (height + 8) / 2, width - left, height - 8, "frame", 8)
    ground = f'<rect x="{width - 34:g}" y="0" width="24" height="17" class="ground"/>'
    embed = _box(x, MIDDLE, box, 30) + _patches(x + 4, MIDDLE, 7)
    start = left + 32
    bar = _box(start, BELOW, width - 10 - start, 18, "box", 9)
    weights = _text((start + width - 10) / 2, BELOW, "weights", "inside") + _badge(left + 18, BELOW, "weights")
    out = [
        guide.part("batch", cards, _badge(28, NUMBERS, "batch"), here=[(24, MIDDLE - 23)]),
        guide.part("photograph", view, _badge(8, NUMBERS, "photograph"), here=[(9, MIDDLE - 16)]),
        _right(x - gap + 1, MIDDLE, gap - 11),
        guide.part("model", frame, ground, _badge(width - 22, 8, "model"), here=[(width - 46, 6)]),
        guide.part("weights", bar, weights, here=[(start + 20, BELOW - 7)]),
        guide.part("embed", embed, _badge(at, NUMBERS, "embed"), here=[(at, MIDDLE - 17)]),
        _right(x + box + 2, MIDDLE, gap - 4),
    ]
    x += box + gap
    drawn, merges, here, tops = [], [], [], []
    for number, (slab, stage) in enumerate(zip(slabs, facts.stages, strict=True), start=1):
        rise = 0.6 * slab.depth
        drawn += [
            _draw_slab(x, MIDDLE + rise / 2, slab, stage),
            _badge(x + slab.across / 2, NUMBERS, "stages"),
        ]
        tops.append((x + slab.across / 2, MIDDLE - (slab.height + rise) / 2 - 3))
        x += slab.across
        arrow = _right(x + 2, MIDDLE, gap - 4)
        if number < len(slabs):
            merges += [arrow, _badge(x + gap / 2, NUMBERS, "merge")]
            here.append((x + gap / 2 - 1, MIDDLE - 6))
        else:
            out.append(arrow)
        x += gap
    at = x + box / 2
    scores = f"M{x + 5:g} {MIDDLE - 8:g}h6m-6 8h12m-12 8h4"
    head = _box(x, MIDDLE, box, 34) + _line(scores, "patches") + _badge(at, NUMBERS, "head")
    out += [
        guide.part("stages", *drawn, here=tops),
        guide.part("merge", *merges, here=here),
        guide.part("head", head, here=[(at, MIDDLE - 19)]),
    ]
    return Drawn(width, height, "".join(out))


def _scene(x: float, y: float, side: float) -> str:
    """A sign for a photograph: a sun over hills."""
    base = y + side / 2
    hills = f"M{x + 2:g} {base - 3:g}l{side * 0.3:g} {-side * 0.42:g}l{side * 0.2:g} {side * 0.26:g}"
    hills += f"l{side * 0.14:g} {-side * 0.14:g}L{x + side - 2:g} {base - 3:g}z"
    sun = f'<circle cx="{x + side * 0.7:g}" cy="{y - side * 0.2:g}" r="3" class="tip inside"/>'
    return _line(hills, "tip inside") + sun


def _strip_block(facts: Anatomy, guide: Guide) -> Drawn:
    """Attention in little: roll, cut, attend with a bias and a mask, join, roll back."""
    (width, height), side, formula = STRIP, 28.0, 118.0
    frame = _box(0, (height + 8) / 2, width, height - 8, "frame", 8)
    out = [frame, guide.part("block", _named(width / 2, BELOW, "attention in a block", "block"))]
    gap = (width - 24 - 4 * side - formula) / 4
    x = 12.0
    for word in ("roll", "cut", "", "join", "roll back"):
        if word.startswith("roll"):
            at = x + side / 2
            icon = _rolled(x, MIDDLE, side, word != "roll") + _badge(at, NUMBERS, "roll")
            out.append(guide.part("roll", icon, here=[(at, MIDDLE - side / 2 - 2)]))
        elif word:
            out.append(_apart(x, MIDDLE, side))
        else:
            out.append(_strip_attention(x, guide))
        x += side if word else formula
        if word != "roll back":
            out.append(_right(x + 2, MIDDLE, gap - 4))
        x += gap
    return Drawn(width, height, "".join(out))


def _strip_attention(x: float, guide: Guide) -> str:
    """The product of queries and keys, and the two tensors that are added to it."""
    drawn = ""
    for name, letters, left, width in (
        ("attention", "q kᵀ", x, 46),
        ("index", "B", x + 58, 24),
        ("mask", "m", x + 94, 24),
    ):
        at = left + width / 2
        drawn += guide.part(
            name,
            _box(left, MIDDLE, width, 30),
            _text(at, MIDDLE, letters, "formula inside"),
            _badge(at, NUMBERS, name),
            here=[(at, MIDDLE - 17)],
        )
        drawn += _text(left - 6, MIDDLE, "+", "formula") if letters in "Bm" else ""
    return drawn


# -- what is given out ------------------------------------------------------------------------------------------------


def _described(facts: Anatomy) -> str:
    """The drawing in words."""
    maps = ", then ".join(f"{stage.rows} by {stage.columns} with {stage.channels} channels" for stage in facts.stages)
    return (
        f"A photograph of {facts.image[1]} by {facts.image[2]} pixels is cut into patches, and each becomes a token. "
        f"{_many(len(facts.stages), 'stage')} of blocks follow, with merging between them. Their maps of tokens are "
        f"{maps}. The head averages the last map to {facts.scores} {facts.scores_are}. A block is attention within "
        f"windows and an MLP, each with a norm and a sum. Attention rolls the map, cuts it into windows, attends in "
        f"them with a position bias and a mask, joins the windows and rolls back."
    )


def draw_model(
    facts: Anatomy,
    form: str = "wide",
    *,
    links: Mapping[str, str] | None = None,
    lit: Collection[str] = (),
    pictures: bool = False,
) -> str:
    """The drawing of a model as SVG. Its looks are in ``DRAWING_STYLE``.

    Args:
        facts: what ``anatomy(model)`` gives.
        form: ``"wide"``, ``"narrow"`` for telephones, or one of the two for the head of a chapter,
            ``"strip of the model"`` and ``"strip of a block"``.
        links: an address for each part of ``PARTS`` that shall be a link.
        lit: names of the parts at which the reader is.
        pictures: whether the page has the photograph and its maps, as ``show_model`` puts them there.

    Raises:
        ValueError: if there is no such form or no such part.
    """
    unknown = sorted({*lit, *(links or {})} - PARTS.keys())
    if unknown:
        raise ValueError(f"there are no parts {', '.join(map(repr, unknown))}; there are {', '.join(PARTS)}.")
    guide = Guide(links or {}, lit)
    if form == "wide":
        drawn = _wide(facts, guide, pictures)
    elif form == "narrow":
        drawn = _narrow(facts, guide, pictures)
    elif form == "strip of the model":
        drawn = _strip_model(facts, guide)
    elif form == "strip of a block":
        drawn = _strip_block(facts, guide)
    else:
        raise ValueError(f"there is no form {form!r}; choose wide, narrow, strip of the model or strip of a block.")
    label = "Attention in a block" if form == "strip of a block" else "The model"
    description = "" if form.startswith("strip") else f"<desc>{html.escape(_described(facts), quote=False)}</desc>"
    margin = 4
    inside = FRACTION.sub(lambda match: f"{round(float(match[0]), 1):g}", drawn.svg)
    box = f"{-margin} {-margin} {drawn.width + 2 * margin:g} {drawn.height + 2 * margin:g}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" class="swin-{form.split()[0]}" role="group" '
        f'aria-label="{label}">{description}{inside}</svg>'
    )


def map_pictures(image: Tensor, facts: Anatomy) -> list[str]:
    """The photograph, and what is left of it when each token of a stage has one colour, as data URIs.

    Args:
        image: ``(3, H, W)``, from 0 to 1, of the proportions that ``facts`` has.
        facts: what ``anatomy(model)`` gives.
    """
    maps = [F.adaptive_avg_pool2d(image, (stage.rows, stage.columns)) for stage in facts.stages]
    # of many small tokens nobody sees the exact colour, and they would weigh most
    small = [each.shape[1] * each.shape[2] <= 1000 for each in maps]
    return [_data_uri(image, quality=70)] + [
        _data_uri(each, lossless=True) if exact else _data_uri(each, quality=90)
        for each, exact in zip(maps, small, strict=True)
    ]


def _data_uri(image: Tensor, **options: bool | int) -> str:
    pixels = (image.permute(1, 2, 0) * 255).round().byte().numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="webp", method=6, **options)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def model_figure(facts: Anatomy, image: Tensor | None = None, *, links: Mapping[str, str] | None = None) -> str:
    """The drawing as a figure of HTML: both forms, of which the page shows the one that fits, over one set of pictures.

    Args:
        facts: what ``anatomy(model)`` gives.
        image: ``(3, H, W)``, from 0 to 1; the book's photograph if left out.
        links: an address for each part that shall be a link.
    """
    image = photograph(size=PHOTOGRAPH) if image is None else image
    symbols = "".join(
        f'<symbol id="{MAP}{number}" viewBox="0 0 1 1" preserveAspectRatio="none"><image width="1" height="1" '
        f'preserveAspectRatio="none" {"" if number == 0 else PIXELS}href="{address}"/></symbol>'
        for number, address in enumerate(map_pictures(image, facts))
    )
    forms = "".join(draw_model(facts, form, links=links, pictures=True) for form in ("wide", "narrow"))
    numbers = "Numbers in disks are chapters: each part leads to its own. " if links else ""
    return (
        f'<figure class="swin-drawing swin-model"><svg class="swin-pictures" aria-hidden="true">{symbols}</svg>{forms}'
        f"<figcaption>A Swin Transformer, drawn from the model itself. {numbers}On a map, each token has the mean "
        f"colour of its pixels; sides and depths are drawn as square roots. Photograph: danielbuechele, CC BY 2.0."
        f"</figcaption></figure>"
    )


def chapter_figure(facts: Anatomy, chapter: int, *, links: Mapping[str, str] | None = None) -> str:
    """The drawing in little, with what a chapter is about lit, as a figure of HTML.

    Args:
        facts: what ``anatomy(model)`` gives.
        chapter: its number, 2 to 10.
        links: an address for each part that shall be a link.

    Raises:
        ValueError: if no part belongs to the chapter.
    """
    if chapter not in LIT:
        raise ValueError(
            f"no part of the drawing belongs to chapter {chapter!r}; choose one of {', '.join(map(str, LIT))}."
        )
    forms = "".join(
        draw_model(facts, form, links=links, lit=LIT[chapter]) for form in ("strip of the model", "strip of a block")
    )
    here = f'<svg class="swin-sign" viewBox="-7 -10 14 11" aria-hidden="true">{_here(0, 0)}</svg>'
    return (
        f'<figure class="swin-drawing swin-strips"><div>{forms}</div>'
        f"<figcaption>{here} You are here: {HERE[chapter]}.</figcaption></figure>"
    )


def drawing_style() -> str:
    """The style sheet of the drawing."""
    return resources.files("swinlib.figures").joinpath("drawing.css").read_text(encoding="utf-8")


def show_model(model: SwinTransformer | None = None, image_size: int = 224) -> "HTML":
    """Draw a model: a photograph, the patch embedding, the stages with their windows, the head, and a block opened.

    As the last expression of a cell it is shown by JupyterLab and on a page of the book.

    Args:
        model: Swin-T if left out.
        image_size: pixels on a side.
    """
    from IPython.display import HTML

    facts = default_anatomy() if model is None else anatomy(model, image_size)
    return HTML(f"<style>{drawing_style()}</style>{model_figure(facts)}")
