"""The Swin Transformer, v1 and v2."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .blocks import SwinStage, SwinTransformerBlock, SwinTransformerBlockV2
from .init import init_weights
from .resampling import PatchEmbed, PatchMerging, PatchMergingV2
from .windows import Size, check_shift_fits, to_pair


class SwinTransformer(nn.Module):
    """Images to class logits through stages of shifted-window attention; for images of any size.

    Args:
        embed_dim: C of the first stage; doubled by each further one.
        depths: blocks of each stage.
        num_heads: heads of each stage.
        window_size: M, or ``(Mh, Mw)``, in tokens.
        shift_size: of every second block; ``window_size // 2`` if not given, 0 for a Swin without shift.
        patch_size: in pixels.
        in_channels: of the images.
        num_classes: 0 for a model without head, which returns the pooled features.
        mlp_ratio: hidden width of the MLPs, in units of their input.
        qkv_bias: whether queries, keys and values have a bias.
        dropout: on tokens, after the patch embedding and in every block.
        attention_dropout: on attention weights.
        drop_path_rate: of the last block; it grows linearly from 0 at the first.
        version: 1, or 2 for cosine attention, log-spaced continuous position bias and res-post-norm.
        gradient_checkpointing: in training, trade computation for memory, block by block.

    Raises:
        ValueError: if these do not fit together; the message says which and what would.

    Sources: arXiv 2103.14030 (version 1), arXiv 2111.09883 (version 2).
    """

    def __init__(
        self,
        embed_dim: int = 96,
        depths: Sequence[int] = (2, 2, 6, 2),
        num_heads: Sequence[int] = (3, 6, 12, 24),
        window_size: Size = 7,
        shift_size: Size | None = None,
        *,
        patch_size: Size = 4,
        in_channels: int = 3,
        num_classes: int = 1000,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        drop_path_rate: float = 0.0,
        version: int = 1,
        gradient_checkpointing: bool = False,
    ) -> None:
        super().__init__()
        _check_arguments(embed_dim, depths, num_heads, in_channels, num_classes, mlp_ratio, drop_path_rate, version)
        check_shift_fits(window_size, 0 if shift_size is None else shift_size)
        block, merging = (
            (SwinTransformerBlock, PatchMerging) if version == 1 else (SwinTransformerBlockV2, PatchMergingV2)
        )
        self.version = version
        self.window_size = to_pair(window_size, "window_size")
        self.num_classes = num_classes
        self.dims = tuple(embed_dim * 2**i for i in range(len(depths)))

        self.patch_embed = PatchEmbed(patch_size, in_channels, embed_dim)
        self.dropout = nn.Dropout(dropout)
        rates = torch.linspace(0, drop_path_rate, sum(depths), device="cpu").split(list(depths))
        self.layers = nn.ModuleList(
            SwinStage(
                dim,
                depths[i],
                num_heads[i],
                window_size,
                shift_size,
                drop_path=rates[i].tolist(),
                downsample=merging(dim) if i < len(depths) - 1 else None,
                block=block,
                gradient_checkpointing=gradient_checkpointing,
                mlp_ratio=mlp_ratio,
                qkv_bias=qkv_bias,
                dropout=dropout,
                attention_dropout=attention_dropout,
            )
            for i, dim in enumerate(self.dims)
        )
        self.norm = nn.LayerNorm(self.dims[-1])
        self.head = nn.Linear(self.dims[-1], num_classes) if num_classes else nn.Identity()
        self.apply(init_weights)

    def forward_features(self, x: Tensor, *, channels_last: bool = False) -> list[Tensor]:
        """The map that each stage leaves, before merging: what detection and segmentation build on.

        The maps are as the blocks leave them. A decoder usually puts a norm on each; ``self.norm`` is the
        classifier's, for the last.

        Args:
            x: images ``(B, in_channels, H, W)``.
            channels_last: return ``(B, H_i, W_i, C_i)`` instead of ``(B, C_i, H_i, W_i)``.

        Returns:
            One map a stage; with the usual patches of 4, 1/4, 1/8, 1/16 and 1/32 of the image.
        """
        x = self.dropout(self.patch_embed(x))
        features = []
        for stage in self.layers:
            x = stage(x)
            features.append(x)
            x = stage.downsample(x)
        return features if channels_last else [f.permute(0, 3, 1, 2) for f in features]

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(B, in_channels, H, W)`` to logits ``(B, num_classes)``."""
        last = self.forward_features(x, channels_last=True)[-1]
        return self.head(self.norm(last).mean(dim=(1, 2)))


def _check_arguments(
    embed_dim: int,
    depths: Sequence[int],
    num_heads: Sequence[int],
    in_channels: int,
    num_classes: int,
    mlp_ratio: float,
    drop_path_rate: float,
    version: int,
) -> None:
    for name, values in (("depths", depths), ("num_heads", num_heads)):
        if not isinstance(values, Sequence) or not values or not all(map(_is_count, values)):
            raise ValueError(f"{name} must be positive integers in a tuple, one for each stage; got {values!r}.")
    if len(depths) != len(num_heads):
        raise ValueError(
            f"depths and num_heads must have one entry for each stage: depths={tuple(depths)} has {len(depths)}, "
            f"num_heads={tuple(num_heads)} has {len(num_heads)}."
        )
    if not _is_count(embed_dim) or not _is_count(in_channels):
        raise ValueError(f"embed_dim and in_channels must be positive integers, got {embed_dim!r} and {in_channels!r}.")
    for i, heads in enumerate(num_heads):
        if embed_dim * 2**i % heads:
            raise ValueError(
                f"stage {i + 1} has {embed_dim * 2**i} channels (embed_dim {embed_dim}, doubled {i} times), which "
                f"{heads} heads do not divide. Swin uses 32 channels for a head."
            )
    if not _is_count(num_classes) and (isinstance(num_classes, bool) or num_classes != 0):
        raise ValueError(f"num_classes must be a positive integer, or 0 for no head; got {num_classes!r}.")
    if not isinstance(mlp_ratio, (int, float)) or int(embed_dim * mlp_ratio) < 1:
        raise ValueError(f"mlp_ratio must be positive, with at least one hidden unit; got {mlp_ratio!r}.")
    if not isinstance(drop_path_rate, (int, float)) or not 0 <= drop_path_rate < 1:
        raise ValueError(f"drop_path_rate must be in [0, 1), got {drop_path_rate!r}.")
    if isinstance(version, bool) or version not in (1, 2):
        raise ValueError(f"version must be 1 or 2, got {version!r}.")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
