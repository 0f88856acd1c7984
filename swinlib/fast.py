"""The same Swin by another way: ``fast(model)`` computes what the model does, with its parameters, in less time.

A Swin spends much of its time moving tokens: each block cuts the map into windows and puts it together again, each
second one rolls it before and after. But norms, linear layers and residuals treat every token alike, wherever it
stands; only attention asks who is in one window. So the tokens are kept as rows of one matrix, in the order of the
windows of the block at hand: window by window, in each window image by image, in each image token by token. To go from
one order to the next is to take rows by their numbers, once; the first order is given to the pixels, before they are
tokens, and merging reads four rows for each that it writes.

Windows that the mask divides alike stand side by side in that order, so that each kind has one bias and one call of
PyTorch's fused attention, whatever the batch.

Where windows do not tile the map, the rows stay in the order of the map, and each block takes its windows from it, with
rows of zeros for the padding.
"""

import copy
import math
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .attention import BaseWindowAttention, WindowAttentionV2, position_parameters
from .blocks import DropPath, SwinStage, SwinTransformerBlock, SwinTransformerBlockV2
from .model import SwinTransformer
from .resampling import PatchMergingV2, space_to_depth
from .segmentation import SwinUNet
from .windows import (
    cyclic_shift,
    effective_shift,
    pad_to_windows,
    padded_size,
    shifted_window_mask,
    window_partition,
)

__all__ = ["FastSwinTransformer", "fast", "plain"]

Model = TypeVar("Model", SwinTransformer, SwinUNet)
Pair = tuple[int, int]
NOTHING = -1  # instead of a row's number, where a window has padding


def fast(model: Model) -> Model:
    """A model that computes the same, with the same parameters, in less time.

    Both are the same model: what trains or changes one trains or changes the other, and ``train()``, ``to()`` and
    ``reset_classifier()`` of one are those of both; of a `SwinUNet` this holds for all its parts. Its blocks are not
    called one by one, so hooks on blocks, on their attention and on mergings do not fire; hooks on norms and linear
    layers do.

    Args:
        model: of either version, with any windows; or a `SwinUNet`, whose encoder becomes fast.

    Raises:
        TypeError: if it is another kind of model.
    """
    return _twin(model, FastSwinTransformer)


def plain(model: Model) -> Model:
    """Undo `fast`: a model of the same parts that goes through them one by one.

    Raises:
        TypeError: as `fast` does.
    """
    return _twin(model, SwinTransformer)


def _twin(model: Model, kind: type[SwinTransformer]) -> Model:
    """Another object for the same model, and another way through it."""
    if isinstance(model, SwinUNet):
        twin = copy.copy(model)
        twin._modules = {**model._modules, "encoder": _twin(model.encoder, kind)}
        return twin
    if type(model) not in (SwinTransformer, FastSwinTransformer):
        raise TypeError(f"fast() and plain() take a SwinTransformer or a SwinUNet, got {type(model).__name__}.")
    twin = object.__new__(kind)
    twin.__dict__ = model.__dict__
    return twin


class FastSwinTransformer(SwinTransformer):
    """A `SwinTransformer` whose tokens stay in the order of windows; `fast` makes it of a model."""

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(B, in_channels, H, W)`` to logits ``(B, num_classes)``."""
        if torch.compiler.is_exporting():
            return super().forward(x)
        *_, (rows, order) = self._stages(x)
        return self.head(order.mean(self.norm(rows)))

    def forward_features(self, x: Tensor) -> Tensor:
        """Images ``(B, in_channels, H, W)`` to the last stage's map, normed, ``(B, H', W', C)``."""
        if torch.compiler.is_exporting():
            return super().forward_features(x)
        *_, (rows, order) = self._stages(x)
        return order.map(self.norm(rows))

    def _maps(self, x: Tensor, stages: int | None = None) -> list[Tensor]:
        if torch.compiler.is_exporting():  # for every size, which an order is not
            return super()._maps(x, stages)
        return [order.map(rows) for rows, order in self._stages(x, stages)]

    def _stages(self, x: Tensor, stages: int | None = None) -> list[tuple[Tensor, "Order"]]:
        """The rows that each stage leaves, and the order in which they are."""
        self.patch_embed.check_images(x)
        layers = self.layers[:stages]
        height, width = (side // patch for side, patch in zip(x.shape[2:], self.patch_embed.patch_size, strict=True))
        route = _route(x.shape[0], height, width, tuple(map(_windows_of, layers)), x.device)
        rows = self.dropout(_embed(self, x, route.pixels))
        left = []
        for i, (stage, steps) in enumerate(zip(layers, route.stages, strict=True)):
            for block, step in zip(stage.blocks, steps.blocks, strict=True):
                if stage.gradient_checkpointing and self.training and torch.is_grad_enabled():
                    rows = checkpoint(_block, block, rows, step, use_reentrant=False)
                else:
                    rows = _block(block, rows, step)
            left.append((rows, steps.left))
            if i < len(layers) - 1:
                rows = _merge(stage.downsample, rows, steps.merge)
        return left


# What a model does, on rows -----------------------------------------------------------------------------------------


def _embed(model: SwinTransformer, x: Tensor, rows: "Rows") -> Tensor:
    """Images to tokens: each patch is a row of pixels, and the convolution a matrix product."""
    proj, (ph, pw) = model.patch_embed.proj, model.patch_embed.patch_size
    batch, channels, height, width = x.shape
    x = x[:, :, : height // ph * ph, : width // pw * pw]
    patches = x.reshape(batch, channels, height // ph, ph, width // pw, pw).permute(0, 2, 4, 1, 3, 5)
    patches = rows.of(patches.reshape(-1, channels * ph * pw))
    return model.patch_embed.norm(F.linear(patches, proj.weight.flatten(1), proj.bias))


def _block(block: SwinTransformerBlock, rows: Tensor, step: "BlockStep") -> Tensor:
    """A block of either version on rows ``(R, C)``."""
    if step.move is not None:
        rows = step.move.of(rows)
    drop = partial(step.order.drop, block.drop_path)
    if isinstance(block, SwinTransformerBlockV2):
        rows = rows + drop(block.norm1(_attend(block.attn, rows, step)))
        return rows + drop(block.norm2(block.mlp(rows)))
    rows = rows + drop(_attend(block.attn, block.norm1(rows), step))
    return rows + drop(block.mlp(block.norm2(rows)))


def _attend(attention: BaseWindowAttention, rows: Tensor, step: "BlockStep") -> Tensor:
    """Attention within windows, on rows ``(R, C)``."""
    if step.enter is not None:
        rows = step.enter.of(rows)
    mh, mw = attention.window_size
    q, k, v = attention.project(rows.view(-1, mh * mw, attention.dim))
    q, k, scale = _comparable(attention, q, k)
    biases = _biases(attention, step)
    if len(step.sizes) == 1:
        heads = _fused(attention, q, k, v, biases[0], scale)
    else:
        of_kinds = zip(q.split(step.sizes), k.split(step.sizes), v.split(step.sizes), biases, strict=True)
        heads = torch.cat([_fused(attention, *of_kind, scale) for of_kind in of_kinds])
    attended = attention.dropout(attention.proj(heads.transpose(1, 2).reshape(-1, attention.dim)))
    return attended if step.enter is None else step.enter.reverse().of(attended)


def _comparable(attention: BaseWindowAttention, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor, float]:
    """Queries, keys and a number: the dot products of the first two, times the number, are the attention's logits."""
    if isinstance(attention, WindowAttentionV2):
        return attention.direction(q) * attention.scale(), attention.direction(k), 1.0
    return q, k, attention.head_dim**-0.5


def _fused(attention: BaseWindowAttention, q: Tensor, k: Tensor, v: Tensor, bias: Tensor, scale: float) -> Tensor:
    """``softmax(q kᵀ · scale + bias) v``, ``(windows, heads, N, head_dim)``; the bias is ``(heads, N, N)``."""
    dropped = attention.attention_dropout.p if attention.training else 0.0
    if q.device.type == "cpu" and torch.is_grad_enabled() and bias.requires_grad:
        # PyTorch's fused attention on the CPU has no gradient for the bias, and would take a longer way than this
        logits = torch.baddbmm(bias.repeat(len(q), 1, 1), q.flatten(0, 1), k.flatten(0, 1).transpose(1, 2), alpha=scale)
        weights = F.dropout(logits.softmax(-1), dropped)
        return torch.bmm(weights, v.flatten(0, 1)).unflatten(0, q.shape[:2])
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias[None], dropout_p=dropped, scale=scale)


def _merge(merging: nn.Module, rows: Tensor, step: "Rows") -> Tensor:
    """Patch merging of either version: four rows become one."""
    four = step.of(rows).view(-1, 4 * rows.shape[1])
    if isinstance(merging, PatchMergingV2):
        return merging.norm(merging.reduction(four))
    return merging.reduction(merging.norm(four))


@dataclass(frozen=True, eq=False)
class _Kept:
    """Biases that serve as long as the parameters are what they were made of."""

    step: "BlockStep"
    made_of: list[Tensor]
    biases: tuple[Tensor, ...]


_kept: "WeakKeyDictionary[BaseWindowAttention, _Kept]" = WeakKeyDictionary()


def _biases(attention: BaseWindowAttention, step: "BlockStep") -> tuple[Tensor, ...]:
    """The bias of each kind of window, ``(heads, N, N)``, with minus infinity where the mask forbids."""
    keeps = attention.proj.weight.device.type == "cpu" and not torch.is_grad_enabled()
    if not keeps or torch.compiler.is_compiling():
        return step.with_masks(attention.position_bias())
    now = [attention.get_parameter(name) for name in sorted(position_parameters(attention))]
    kept = _kept.get(attention)
    # compared entry by entry: nothing else tells for sure that nobody has changed a parameter
    if kept is None or kept.step is not step or not all(map(_identical, kept.made_of, now)):
        made_of = [parameter.detach().clone() for parameter in now]
        kept = _kept[attention] = _Kept(step, made_of, step.with_masks(attention.position_bias()))
    return kept.biases


def _identical(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and torch.equal(one, other)


# Where the tokens go ------------------------------------------------------------------------------------------------


class _Take(torch.autograd.Function):
    """Rows by their numbers. Each row is taken once at most, so the gradient takes rows too and need not add any up."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, there: "_Numbers", back: "_Numbers") -> Tensor:
        ctx.there, ctx.back = there, back
        return there.of(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _Take.apply(gradients[0], ctx.back, ctx.there), None, None


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Which rows to take; where ``nothing`` says so, zeros instead."""

    taken: Tensor
    nothing: Tensor | None

    @classmethod
    def made_of(cls, numbers: Tensor, device: torch.device) -> "_Numbers":
        nothing = (numbers == NOTHING).nonzero().flatten()
        return cls(numbers.clamp(min=0).to(device), nothing.to(device) if len(nothing) else None)

    def of(self, x: Tensor) -> Tensor:
        taken = x.index_select(0, self.taken)
        return taken if self.nothing is None else taken.index_fill_(0, self.nothing, 0)


@dataclass(frozen=True, eq=False)
class Rows:
    """A way from one order of rows to another, and back."""

    there: _Numbers
    back: _Numbers

    @classmethod
    def made_of(cls, numbers: Tensor, rows: int, device: torch.device) -> "Rows":
        """The way that takes the rows of these numbers, of so many; `NOTHING` is a row of zeros."""
        back = torch.full((rows,), NOTHING)
        taken = numbers != NOTHING
        back[numbers[taken]] = taken.nonzero().flatten()
        return cls(_Numbers.made_of(numbers, device), _Numbers.made_of(back, device))

    def of(self, x: Tensor) -> Tensor:
        """``(rows, C)`` to ``(len(numbers), C)``."""
        if torch.is_grad_enabled() and x.requires_grad:
            return _Take.apply(x, self.there, self.back)
        return self.there.of(x)

    def reverse(self) -> "Rows":
        return Rows(self.back, self.there)


@dataclass(frozen=True, eq=False)
class Order:
    """In which order the tokens of a batch of maps are: ``(front, B, behind)``, with the images in the middle.

    Attributes:
        shape: ``(nW, B, N)`` in the order of windows, ``(1, B, H * W)`` in that of the map.
        size: ``(H, W)``.
        from_map: the way from the order of the map; None if it is that.
    """

    shape: tuple[int, int, int]
    size: Pair
    from_map: Rows | None

    def mean(self, rows: Tensor) -> Tensor:
        """Over the tokens of each image, ``(B, C)``."""
        return rows.view(*self.shape, -1).mean(dim=(0, 2))

    def map(self, rows: Tensor) -> Tensor:
        """As maps, ``(B, H, W, C)``."""
        rows = rows if self.from_map is None else self.from_map.reverse().of(rows)
        return rows.view(self.shape[1], *self.size, -1)

    def drop(self, drop_path: DropPath, rows: Tensor) -> Tensor:
        """Drop-path, which drops whole images."""
        if not drop_path.training or not drop_path.drop_prob:
            return rows
        return drop_path(rows.view(*self.shape, -1).transpose(0, 1)).transpose(0, 1).reshape(rows.shape)


@dataclass(frozen=True, eq=False)
class BlockStep:
    """What a block needs to know.

    Attributes:
        order: in which it leaves the rows.
        move: into that order; None if they come in it.
        enter: from there to windows; None if they are in the order of its windows.
        sizes: how many windows of each kind there are, in the order in which they come.
        masks: of each kind, ``(N, N)``; None where all is allowed.
    """

    order: Order
    move: Rows | None
    enter: Rows | None
    sizes: list[int]
    masks: list[Tensor | None]

    def with_masks(self, bias: Tensor) -> tuple[Tensor, ...]:
        """A bias ``(heads, N, N)`` for each kind of window."""
        return tuple(bias if mask is None else bias.masked_fill(~mask, float("-inf")) for mask in self.masks)


@dataclass(frozen=True, eq=False)
class StageSteps:
    """What a stage needs to know: its blocks, and the way to the next stage's first order."""

    blocks: list[BlockStep]
    merge: Rows | None

    @property
    def left(self) -> Order:
        """The order in which the last block leaves the rows."""
        return self.blocks[-1].order


@dataclass(frozen=True, eq=False)
class Route:
    """Where all tokens go, from the pixels, in the order of the map, to the last stage."""

    pixels: Rows
    stages: list[StageSteps]


def _windows_of(stage: SwinStage) -> tuple[Pair, tuple[Pair, ...]]:
    """The window of a stage, and the shift of each of its blocks."""
    return stage.window_size, tuple(block.shift_size for block in stage.blocks)


Stages = tuple[tuple[Pair, tuple[Pair, ...]], ...]


@torch.compiler.disable  # what it works out is data to a compiled model
@lru_cache(maxsize=32)
@torch.inference_mode(False)  # or nothing could be trained with what was worked out there
def _route(batch: int, height: int, width: int, stages: Stages, device: torch.device) -> Route:
    """The way of maps of one size through stages; it is worked out once.

    Args:
        batch: B.
        height: of the first map, in tokens.
        width: the same.
        stages: what `_windows_of` says of each.
        device: of the tokens.
    """
    sizes = [(height, width)]
    for _ in stages[1:]:
        sizes.append(tuple((side + 1) // 2 for side in sizes[-1]))
    made = [_stage_blocks(batch, size, *stage, device) for size, stage in zip(sizes, stages, strict=True)]
    merges: list[Rows | None] = [
        _merging(_four(batch, size), went, came, device)
        for size, (_, _, went), (came, _, _) in zip(sizes, made, made[1:], strict=False)  # none after the last
    ]
    first, *_ = (came for came, _, _ in made)
    steps = [StageSteps(blocks, merge) for (_, blocks, _), merge in zip(made, [*merges, None], strict=True)]
    return Route(Rows.made_of(first, len(first), device), steps)


def _merging(four: Tensor, went: Tensor, came: Tensor, device: torch.device) -> Rows:
    """From the order in which rows leave a stage to that in which the next wants them, four by four."""
    four = four[came].flatten()
    return Rows.made_of(torch.where(four == NOTHING, NOTHING, _inverse(went)[four]), len(went), device)


def _stage_blocks(
    batch: int, size: Pair, window: Pair, shifts: tuple[Pair, ...], device: torch.device
) -> tuple[Tensor, list[BlockStep], Tensor]:
    """The blocks of a stage, and the orders in which its rows come and go, as numbers of rows of the map."""
    (height, width), rows = size, batch * size[0] * size[1]
    is_tiled = padded_size(height, width, window) == size
    came = at = torch.arange(rows)
    blocks: list[BlockStep] = []
    for shift in shifts:
        numbers, sizes, masks = _windows(batch, size, window, shift)
        masks = [None if mask is None else mask.to(device) for mask in masks]
        if not is_tiled:
            order = Order((1, batch, height * width), size, None)
            blocks.append(BlockStep(order, None, Rows.made_of(numbers, rows, device), sizes, masks))
            continue
        if not blocks:
            came = at = numbers
        move = None if torch.equal(at, numbers) else Rows.made_of(_inverse(at)[numbers], rows, device)
        order = Order((sum(sizes) // batch, batch, math.prod(window)), size, Rows.made_of(numbers, rows, device))
        blocks.append(BlockStep(order, move, None, sizes, masks))
        at = numbers
    return came, blocks, at


def _windows(batch: int, size: Pair, window: Pair, shift: Pair) -> tuple[Tensor, list[int], list[Tensor | None]]:
    """Rows of the map in the order of windows, where windows that the mask divides alike stand side by side.

    Returns:
        the numbers of the rows ``(nW * B * N,)``, `NOTHING` for padding; of each kind of window, how many there are in
        the batch, and the mask.
    """
    height, width = size
    numbers = torch.arange(1, height * width + 1).view(1, height, width, 1)  # of one map, from 1: padding gives 0
    numbers = pad_to_windows(numbers, window)
    padded = padded_size(height, width, window)
    shift = effective_shift(*padded, window, shift)
    tokens = window_partition(cyclic_shift(numbers, shift), window).flatten(1) - 1
    masks: list[Tensor | None] = [None]
    if not any(shift):
        kind = torch.zeros(len(tokens), dtype=torch.long)
    else:
        allowed, kind = torch.unique(shifted_window_mask(*padded, window, shift), dim=0, return_inverse=True)
        masks = [None if mask.all() else mask for mask in allowed]
    tokens = tokens[kind.argsort(stable=True), None]
    of_batch = tokens + (torch.arange(batch) * height * width)[:, None]
    of_batch = torch.where(tokens == NOTHING, NOTHING, of_batch)
    return of_batch.flatten(), [batch * n for n in kind.bincount().tolist()], masks


def _four(batch: int, size: Pair) -> Tensor:
    """The rows of a map that merging joins for each row of the next, in its order; `NOTHING` beyond an odd side."""
    numbers = torch.arange(1, batch * size[0] * size[1] + 1).view(batch, *size, 1)
    return space_to_depth(numbers).flatten(0, 2) - 1


def _inverse(order: Tensor) -> Tensor:
    """At which place of an order each row is."""
    return order.argsort()
