"""Multi-head attention inside windows: scaled dot product with a bias table (v1), cosine with a bias network (v2).

N is the number of tokens of a window, C the channels, ``head_dim = C / heads``.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .arguments import Size, check_heads, to_pair
from .windows import relative_coords_table, relative_position_index


def _reset_buffers_after_load(module: "BaseWindowAttention", _incompatible_keys: object) -> None:
    module.reset_buffers()


def position_parameters(model: nn.Module) -> set[str]:
    """Names of the parameters that make the position biases of a model, and of those that scale its cosines.

    Source: ``no_weight_decay_keywords`` of the reference code of arXiv 2103.14030 and 2111.09883.
    """
    keywords = ("relative_position_bias_table", "logit_scale", "cpb_mlp")
    return {name for name, _ in model.named_parameters() if any(keyword in name for keyword in keywords)}


class BaseWindowAttention(nn.Module):
    """The tokens of each window attend to each other: ``softmax(logits + position bias) @ values``, in several heads.

    A version of Swin says what ``logits(q, k)`` and ``position_bias()`` are.

    Args:
        dim: C, the channels of a token.
        window_size: M, or ``(Mh, Mw)``.
        num_heads: a divisor of ``dim``.
        qkv_bias: whether the layer that makes queries, keys and values has a bias.
        attention_dropout: probability of dropping an attention weight.
        dropout: probability of dropping a channel of the output.

    Raises:
        ValueError: if the heads do not divide ``dim``.
    """

    relative_position_index: Tensor

    def __init__(
        self,
        dim: int,
        window_size: Size,
        num_heads: int,
        *,
        qkv_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_heads(dim, num_heads)
        self.dim, self.num_heads, self.head_dim = dim, num_heads, dim // num_heads
        self.window_size = to_pair(window_size, "window_size")
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)
        self.attention_dropout = nn.Dropout(attention_dropout)
        self.dropout = nn.Dropout(dropout)
        # Buffers that are not saved hold garbage after `to_empty`, and stay on "meta" after `assign=True`.
        self.register_load_state_dict_post_hook(_reset_buffers_after_load)

    def logits(self, q: Tensor, k: Tensor) -> Tensor:
        """How well each query fits each key, ``(..., N, N)``."""
        raise NotImplementedError(f"{type(self).__name__} does not say how queries and keys are compared.")

    def position_bias(self) -> Tensor:
        """What the offset from each query to each key adds, ``(heads, N, N)``."""
        raise NotImplementedError(f"{type(self).__name__} has no position bias.")

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens ``(B * nW, N, C)`` to queries, keys and values, each ``(B * nW, heads, N, head_dim)``."""
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, self.head_dim))
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        return q, k, v

    def attention_weights(self, q: Tensor, k: Tensor, mask: Tensor | None = None) -> Tensor:
        """``softmax(logits + bias)`` where the mask allows, 0 elsewhere.

        Args:
            q: ``(B * nW, heads, N, head_dim)``.
            k: the same.
            mask: ``(nW, N, N)``, True where a query may attend to a key; see ``shifted_window_mask``.

        Returns:
            ``(B * nW, heads, N, N)``; each row sums to 1.
        """
        logits = self.logits(q, k) + self.position_bias()
        if mask is not None:
            # Minus infinity, not a large number: exp(-100) still lets a logit of 120 through.
            by_window = logits.unflatten(0, (-1, mask.shape[0]))
            logits = by_window.masked_fill(~mask[:, None], float("-inf")).flatten(0, 1)
        return logits.softmax(dim=-1)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Let the tokens of each window attend to each other.

        Args:
            x: ``(B * nW, N, C)``.
            mask: ``(nW, N, N)``, True where a query may attend to a key, or None for every pair.

        Returns:
            ``(B * nW, N, C)``.

        Raises:
            ValueError: if x does not have N tokens of C channels in each window, or the mask is not for these windows.
            TypeError: if the mask is not boolean.
        """
        self._check_input(x, mask)
        q, k, v = self.project(x)
        weights = self.attention_dropout(self.attention_weights(q, k, mask))
        heads = weights @ v
        return self.dropout(self.proj(heads.transpose(1, 2).flatten(2)))

    def reset_position_bias(self) -> None:
        """Initialise the parameters that no other module owns: a bare ``Parameter`` is never visited by ``apply``."""

    def reset_buffers(self) -> None:
        """Compute the buffers from the window size. They are not saved: a checkpoint fits any window."""
        # Tensors made in inference mode could not be trained with afterwards, wherever the weights were loaded.
        with torch.inference_mode(False):
            index = relative_position_index(self.window_size, device=self.proj.weight.device)
            self.register_buffer("relative_position_index", index, persistent=False)

    def _check_input(self, x: Tensor, mask: Tensor | None) -> None:
        mh, mw = self.window_size
        if x.dim() != 3 or x.shape[1:] != (mh * mw, self.dim):
            raise ValueError(
                f"windows of {mh}x{mw} must come as (B * nW, {mh * mw}, {self.dim}), got shape {tuple(x.shape)}. "
                f"Use window_partition(x, {self.window_size}).flatten(1, 2)."
            )
        if mask is None:
            return
        if mask.dtype != torch.bool:
            raise TypeError(
                f"a mask must be torch.bool, True where a query may attend to a key, got {mask.dtype}. For an additive "
                f"mask: mask == 0."
            )
        fits = mask.dim() == 3 and mask.shape[1:] == (mh * mw, mh * mw) and mask.shape[0] > 0
        if not fits or x.shape[0] % mask.shape[0]:
            raise ValueError(
                f"a mask of shape {tuple(mask.shape)} does not fit {x.shape[0]} windows of {mh * mw} tokens: expected "
                f"(nW, {mh * mw}, {mh * mw}) with nW dividing {x.shape[0]}; see shifted_window_mask."
            )


class WindowAttention(BaseWindowAttention):
    """Window attention of Swin: scaled dot products, and a learned bias for each relative position.

    Takes the arguments of ``BaseWindowAttention``.

    Source: arXiv 2103.14030, section 3.2, equation 4.
    """

    def __init__(self, dim: int, window_size: Size, num_heads: int, **options: Any) -> None:
        super().__init__(dim, window_size, num_heads, **options)
        mh, mw = self.window_size
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * mh - 1) * (2 * mw - 1), num_heads))
        self.reset_position_bias()
        self.reset_buffers()

    def reset_position_bias(self) -> None:
        """Draw the bias table, which no visit of ``apply`` reaches: it is a bare ``Parameter``."""
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def logits(self, q: Tensor, k: Tensor) -> Tensor:
        """The dot product of each query and key over the root of their length, ``(..., N, N)``."""
        return (q * self.head_dim**-0.5) @ k.transpose(-2, -1)

    def position_bias(self) -> Tensor:
        """The bias of each pair of tokens, ``(heads, N, N)``, looked up in the table."""
        return self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)


class WindowAttentionV2(WindowAttention):
    """Window attention of Swin v2: cosine similarity, and the position bias from a small network.

    The network sees log-spaced coordinates instead of a table row, so the window may change after training.
    Keys have no bias. Who looks for every ``WindowAttention`` of a model finds those of v2 too. It takes the
    arguments of ``BaseWindowAttention`` and one more.

    Args:
        pretrained_window_size: window that the weights were trained with, if it differs from ``window_size``: it
            gives the coordinates their scale.

    Source: arXiv 2111.09883, sections 3.2 and 3.3.
    """

    relative_coords_table: Tensor

    def __init__(
        self,
        dim: int,
        window_size: Size,
        num_heads: int,
        *,
        pretrained_window_size: Size | None = None,
        qkv_bias: bool = True,
        **options: Any,
    ) -> None:
        BaseWindowAttention.__init__(self, dim, window_size, num_heads, qkv_bias=False, **options)  # without v1's table
        pretrained = window_size if pretrained_window_size is None else pretrained_window_size
        self.pretrained_window_size = to_pair(pretrained, "pretrained_window_size")
        self.q_bias = nn.Parameter(torch.empty(dim)) if qkv_bias else None
        self.v_bias = nn.Parameter(torch.empty(dim)) if qkv_bias else None
        self.logit_scale = nn.Parameter(torch.empty(num_heads, 1, 1))
        self.cpb_mlp = nn.Sequential(nn.Linear(2, 512), nn.ReLU(), nn.Linear(512, num_heads, bias=False))
        self.reset_position_bias()
        self.reset_buffers()

    def reset_position_bias(self) -> None:
        """Initialise the bare parameters; the bias network's layers are visited by ``apply``."""
        nn.init.constant_(self.logit_scale, math.log(10))
        for bias in (self.q_bias, self.v_bias):
            if bias is not None:
                nn.init.zeros_(bias)

    def reset_buffers(self) -> None:
        """Compute the buffers from both windows. They are not saved: a checkpoint fits any window."""
        super().reset_buffers()
        weight = self.proj.weight
        with torch.inference_mode(False):
            coords = relative_coords_table(self.window_size, self.pretrained_window_size, device=weight.device)
            self.register_buffer("relative_coords_table", coords.to(weight.dtype), persistent=False)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens ``(B * nW, N, C)`` to queries, keys and values, each ``(B * nW, heads, N, head_dim)``."""
        q, k, v = super().project(x)
        if self.q_bias is None or self.v_bias is None:
            return q, k, v
        per_head = (self.num_heads, 1, self.head_dim)
        return q + self.q_bias.view(per_head), k, v + self.v_bias.view(per_head)

    def logits(self, q: Tensor, k: Tensor) -> Tensor:
        """The cosine of each query and key, times a learned scale of at most 100. ``(..., N, N)``."""
        cosine = self.direction(q) @ self.direction(k).transpose(-2, -1)
        return cosine * self.scale()

    def direction(self, x: Tensor) -> Tensor:
        """Queries or keys, each divided by its length."""
        eps = max(1e-12, torch.finfo(x.dtype).tiny)  # in float16, 1e-12 is 0, and a padded key has no length
        return F.normalize(x, dim=-1, eps=eps)

    def scale(self) -> Tensor:
        """What the cosines of each head are multiplied by, ``(heads, 1, 1)``."""
        return self.logit_scale.clamp(max=math.log(100)).exp()

    def position_bias(self) -> Tensor:
        """The bias of each pair of tokens, ``(heads, N, N)``, between 0 and 16."""
        table = self.cpb_mlp(self.relative_coords_table)
        return 16 * torch.sigmoid(table[self.relative_position_index].permute(2, 0, 1))
