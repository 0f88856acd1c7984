"""Multi-head attention inside windows: scaled dot product with a bias table (v1), cosine with a bias network (v2).

N is the number of tokens of a window, C the channels, ``head_dim = C / heads``.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .windows import Size, relative_coords_table, relative_position_index, to_pair


def _reset_buffers_after_load(module: "WindowAttention", _incompatible_keys: object) -> None:
    module.reset_buffers()


class WindowAttention(nn.Module):
    """Attention of the tokens of one window among themselves, with a learned bias for each relative position.

    Args:
        dim: C, the channels of a token.
        window_size: M, or ``(Mh, Mw)``.
        num_heads: a divisor of ``dim``.
        qkv_bias: whether queries, keys and values have a bias.
        attention_dropout: probability of dropping an attention weight.
        dropout: probability of dropping a channel of the output.

    Raises:
        ValueError: if the heads do not divide ``dim``.

    Source: arXiv 2103.14030, section 3.2, equation 4.
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
        if not isinstance(num_heads, int) or num_heads < 1 or dim % num_heads:
            raise ValueError(
                f"dim {dim} cannot be split among {num_heads!r} heads: num_heads must be an integer that divides dim. "
                f"Swin uses 32 channels for a head, here {max(dim // 32, 1)} heads."
            )
        self.dim = dim
        self.window_size = to_pair(window_size, "window_size")
        self.num_heads = num_heads
        self.head_dim = dim // num_heads
        self._build_projections(dim, qkv_bias)
        self.proj = nn.Linear(dim, dim)
        self.attention_dropout = nn.Dropout(attention_dropout)
        self.dropout = nn.Dropout(dropout)
        self._build_position_bias()
        self.reset_position_bias()
        self.reset_buffers()
        # Buffers that are not saved hold garbage after `to_empty`, and stay on "meta" after `assign=True`.
        self.register_load_state_dict_post_hook(_reset_buffers_after_load)

    def _build_projections(self, dim: int, qkv_bias: bool) -> None:
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)

    def _build_position_bias(self) -> None:
        mh, mw = self.window_size
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * mh - 1) * (2 * mw - 1), self.num_heads))

    def reset_position_bias(self) -> None:
        """Initialise the parameters that no other module owns: a bare ``Parameter`` is never visited by ``apply``."""
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def reset_buffers(self) -> None:
        """Compute the buffers from the window size. They are not saved: a checkpoint fits any window."""
        index = relative_position_index(self.window_size, device=self.proj.weight.device)
        self.register_buffer("relative_position_index", index, persistent=False)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens ``(B * nW, N, C)`` to queries, keys and values, each ``(B * nW, heads, N, head_dim)``."""
        qkv = self._qkv(x).unflatten(-1, (3, self.num_heads, self.head_dim))
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        return q, k, v

    def _qkv(self, x: Tensor) -> Tensor:
        return self.qkv(x)

    def logits(self, q: Tensor, k: Tensor) -> Tensor:
        """How well each query fits each key: the dot product over the root of its length. ``(..., N, N)``."""
        return (q * self.head_dim**-0.5) @ k.transpose(-2, -1)

    def position_bias(self) -> Tensor:
        """The bias of each pair of tokens, ``(heads, N, N)``, looked up in the table."""
        return self._look_up(self.relative_position_bias_table)

    def _look_up(self, table: Tensor) -> Tensor:
        return table[self.relative_position_index].permute(2, 0, 1)

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
            ValueError: if x has not N tokens or not C channels a window, or the mask is not for these windows.
            TypeError: if the mask is not boolean.
        """
        self._check_input(x, mask)
        q, k, v = self.project(x)
        weights = self.attention_dropout(self.attention_weights(q, k, mask))
        heads = weights @ v
        return self.dropout(self.proj(heads.transpose(1, 2).flatten(2)))

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
        fits = mask.dim() == 3 and mask.shape[1:] == (mh * mw, mh * mw) and len(mask) > 0
        if not fits or x.shape[0] % len(mask):
            raise ValueError(
                f"a mask of shape {tuple(mask.shape)} does not fit {x.shape[0]} windows of {mh * mw} tokens: expected "
                f"(nW, {mh * mw}, {mh * mw}) with nW dividing {x.shape[0]}; see shifted_window_mask."
            )


class WindowAttentionV2(WindowAttention):
    """Window attention of Swin v2: cosine similarity, and the position bias from a small network.

    The network sees log-spaced coordinates instead of a table row, so the window may change after training.
    Keys have no bias. It takes the arguments of ``WindowAttention`` and one more.

    Args:
        pretrained_window_size: window that the weights were trained with, if it differs from ``window_size``.

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
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        self._pretrained_window_size = pretrained_window_size
        super().__init__(
            dim, window_size, num_heads, qkv_bias=qkv_bias, attention_dropout=attention_dropout, dropout=dropout
        )

    def _build_projections(self, dim: int, qkv_bias: bool) -> None:
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(dim)) if qkv_bias else None
        self.v_bias = nn.Parameter(torch.zeros(dim)) if qkv_bias else None

    def _build_position_bias(self) -> None:
        self.logit_scale = nn.Parameter(torch.empty(self.num_heads, 1, 1))
        self.cpb_mlp = nn.Sequential(nn.Linear(2, 512), nn.ReLU(), nn.Linear(512, self.num_heads, bias=False))

    def reset_position_bias(self) -> None:
        """Initialise the bare parameters; the bias network's layers are visited by ``apply``."""
        nn.init.constant_(self.logit_scale, math.log(10))
        if self.q_bias is not None:
            nn.init.zeros_(self.q_bias)
            nn.init.zeros_(self.v_bias)

    def reset_buffers(self) -> None:
        """Compute the buffers from the window size. They are not saved: a checkpoint fits any window."""
        super().reset_buffers()
        weight = self.proj.weight
        coords = relative_coords_table(self.window_size, self._pretrained_window_size, device=weight.device)
        self.register_buffer("relative_coords_table", coords.to(weight.dtype), persistent=False)

    def set_pretrained_window_size(self, pretrained_window_size: Size | None) -> None:
        """Scale the coordinates as for weights that were trained with this window."""
        if pretrained_window_size is not None:
            pretrained_window_size = to_pair(pretrained_window_size, "pretrained_window_size")
        self._pretrained_window_size = pretrained_window_size
        self.reset_buffers()

    def _qkv(self, x: Tensor) -> Tensor:
        if self.q_bias is None:
            return self.qkv(x)
        return F.linear(x, self.qkv.weight, torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias]))

    def logits(self, q: Tensor, k: Tensor) -> Tensor:
        """The cosine of each query and key, times a learned scale of at most 100. ``(..., N, N)``."""
        eps = max(1e-12, torch.finfo(q.dtype).tiny)  # in float16, 1e-12 is 0, and a padded key has no length
        cosine = F.normalize(q, dim=-1, eps=eps) @ F.normalize(k, dim=-1, eps=eps).transpose(-2, -1)
        return cosine * self.logit_scale.clamp(max=math.log(100)).exp()

    def position_bias(self) -> Tensor:
        """The bias of each pair of tokens, ``(heads, N, N)``, between 0 and 16."""
        return 16 * torch.sigmoid(self._look_up(self.cpb_mlp(self.relative_coords_table)))
