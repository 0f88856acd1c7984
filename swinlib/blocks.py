"""The Swin block, v1 and v2, and the stage: blocks that take turns without and with the shift."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from . import exporting
from .arguments import Size, check_shift_fits
from .attention import BaseWindowAttention, WindowAttention, WindowAttentionV2
from .exporting import exported_as
from .windows import (
    check_map,
    cyclic_shift,
    effective_shift,
    pad_to_windows,
    padded_size,
    shifted_window_mask,
    window_partition,
    window_reverse,
)


class Mlp(nn.Module):
    """Two linear layers with a GELU between, on each token by itself. ``(..., C)`` to ``(..., C)``."""

    def __init__(self, dim: int, hidden_dim: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden_dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., C)`` to ``(..., C)``."""
        return self.dropout(self.fc2(self.dropout(self.act(self.fc1(x)))))


class DropPath(nn.Module):
    """In training, drop the whole branch for some samples of the batch and scale it up for the others.

    Args:
        drop_prob: probability of dropping, in [0, 1).

    Source: Huang et al. 2016, "Deep Networks with Stochastic Depth", arXiv 1603.09382.
    """

    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        if not 0 <= drop_prob < 1:
            raise ValueError(f"a drop-path rate must be in [0, 1), got {drop_prob!r}.")
        self.drop_prob = float(drop_prob)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, ...)`` to ``(B, ...)``; in evaluation x itself."""
        if not self.training or self.drop_prob == 0:
            return x
        keep = x.new_empty((x.shape[0], *[1] * (x.dim() - 1))).bernoulli_(1 - self.drop_prob)
        return x * keep / (1 - self.drop_prob)

    def extra_repr(self) -> str:
        return f"drop_prob={self.drop_prob:g}"


class SwinTransformerBlock(nn.Module):
    """Window attention, then an MLP, each with its norm before it and a residual round it.

    Args:
        dim: C, the channels of a token.
        num_heads: a divisor of ``dim``.
        window_size: M, or ``(Mh, Mw)``.
        shift_size: 0 for plain windows; Swin shifts every second block by ``window_size // 2``.
        mlp_ratio: hidden width of the MLP, in units of ``dim``.
        qkv_bias: whether queries, keys and values have a bias.
        dropout: after the projection of the attention and after both layers of the MLP.
        attention_dropout: on the attention weights.
        drop_path: probability of dropping a branch, on both branches.
        attention_options: further arguments of the attention, such as v2's ``pretrained_window_size``.

    Source: arXiv 2103.14030, section 3.2, equation 3.
    """

    attention_class: type[BaseWindowAttention] = WindowAttention

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: Size = 7,
        shift_size: Size = 0,
        *,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        drop_path: float = 0.0,
        **attention_options: Size,
    ) -> None:
        super().__init__()
        self.window_size, self.shift_size = check_shift_fits(window_size, shift_size)
        self.norm1 = nn.LayerNorm(dim)
        self.attn = self.attention_class(
            dim,
            window_size,
            num_heads,
            qkv_bias=qkv_bias,
            attention_dropout=attention_dropout,
            dropout=dropout,
            **attention_options,
        )
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio), dropout)
        self.drop_path = DropPath(drop_path)

    @exported_as(exporting.shifted_window_mask)
    def mask(self, x: Tensor) -> Tensor | None:
        """The mask ``(nW, N, N)`` that a map ``(B, H, W, C)`` of this size needs; None where it is not shifted."""
        height, width = padded_size(x.shape[1], x.shape[2], self.window_size)
        shift = effective_shift(height, width, self.window_size, self.shift_size)
        return shifted_window_mask(height, width, self.window_size, shift, device=x.device) if any(shift) else None

    @exported_as(exporting.shifted_window_attention)
    def shifted_window_attention(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attention within the windows of a map ``(B, H, W, C)``: pad, roll, cut, attend, and all of it back.

        Padding comes before the roll. The other way round, the mask would separate the padding instead of
        the rows that were rolled to it.
        """
        height, width = x.shape[1:3]
        x = pad_to_windows(x, self.window_size)
        padded_height, padded_width = x.shape[1:3]
        shift = effective_shift(padded_height, padded_width, self.window_size, self.shift_size)
        windows = window_partition(cyclic_shift(x, shift), self.window_size)
        attended = self.attn(windows.flatten(1, 2), self.mask(x) if mask is None else mask)
        x = window_reverse(attended.view_as(windows), self.window_size, padded_height, padded_width)
        return cyclic_shift(x, shift, reverse=True)[:, :height, :width]

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """``(B, H, W, C)`` to ``(B, H, W, C)``.

        Args:
            x: a map of any height and width.
            mask: what ``self.mask(x)`` gives, if the caller has it already: a stage makes it once for its blocks.
        """
        check_map(x, "a Swin block", self.attn.dim)
        x = x + self.drop_path(self.shifted_window_attention(self.norm1(x), mask))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class SwinTransformerBlockV2(SwinTransformerBlock):
    """The block of Swin v2: cosine attention, and the norm at the end of each branch (res-post-norm).

    Takes the arguments of ``SwinTransformerBlock``.

    Source: arXiv 2111.09883, section 3.2.
    """

    attention_class = WindowAttentionV2

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """``(B, H, W, C)`` to ``(B, H, W, C)``; arguments as in ``SwinTransformerBlock``."""
        check_map(x, "a Swin block", self.attn.dim)
        x = x + self.drop_path(self.norm1(self.shifted_window_attention(x, mask)))
        return x + self.drop_path(self.norm2(self.mlp(x)))


class SwinStage(nn.Module):
    """Blocks on maps of one size, every second one shifted, and the layer that leads to the next stage.

    Args:
        dim: C, the channels of a token.
        depth: number of blocks.
        num_heads: a divisor of ``dim``.
        window_size: M, or ``(Mh, Mw)``.
        shift_size: of the second, fourth, ... block; ``window_size // 2`` if not given, 0 for no shift anywhere.
        drop_path: one rate for each block.
        downsample: applied to the stage's output on the way to the next stage; None for the last stage.
        block: the class of the blocks, v1 or v2.
        gradient_checkpointing: in training, keep only the inputs of the blocks and compute the rest again.
        block_options: further keyword arguments of the block; the attribute of that name keeps them.
    """

    def __init__(
        self,
        dim: int,
        depth: int,
        num_heads: int,
        window_size: Size = 7,
        shift_size: Size | None = None,
        *,
        drop_path: Sequence[float] | None = None,
        downsample: nn.Module | None = None,
        block: type[SwinTransformerBlock] = SwinTransformerBlock,
        gradient_checkpointing: bool = False,
        **block_options: Any,
    ) -> None:
        super().__init__()
        drop_path = [0.0] * depth if drop_path is None else drop_path
        if depth < 1 or len(drop_path) != depth:
            raise ValueError(
                f"a stage needs at least one block and one drop-path rate for each: {depth=}, {drop_path=}."
            )
        if shift_size is None:
            mh, mw = check_shift_fits(window_size, 0)[0]
            shift_size = (mh // 2, mw // 2)
        self.window_size, self.shift_size = check_shift_fits(window_size, shift_size)
        self.gradient_checkpointing, self.block_options = gradient_checkpointing, block_options
        self.blocks = nn.ModuleList(
            block(dim, num_heads, window_size, self.shift_size if j % 2 else 0, drop_path=drop_path[j], **block_options)
            for j in range(depth)
        )
        self.downsample = nn.Identity() if downsample is None else downsample

    def forward(self, x: Tensor) -> Tensor:
        """``(B, H, W, C)`` to ``(B, H, W, C)``. ``downsample`` is left to the caller, who may want this map too."""
        mask = self.blocks[1].mask(x) if len(self.blocks) > 1 else None
        for block in self.blocks:
            block_mask = mask if any(block.shift_size) else None
            if self.gradient_checkpointing and self.training and torch.is_grad_enabled():
                x = checkpoint(block, x, block_mask, use_reentrant=False)
            else:
                x = block(x, block_mask)
        return x
