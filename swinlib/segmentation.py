"""A segmentation network round a Swin encoder: patch expanding and skip connections on the way up."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .arguments import is_count
from .blocks import SwinStage, SwinTransformerBlock
from .init import init_weights
from .model import SwinTransformer
from .resampling import PatchExpanding
from .windows import pad_to_windows


class DecoderStage(nn.Module):
    """Expand the map, join it with the encoder's map of that size, and run Swin blocks on the result.

    Args:
        dim: C of the result; the incoming map has 2C.
        stage: the blocks.
    """

    def __init__(self, dim: int, stage: SwinStage) -> None:
        super().__init__()
        self.expand = PatchExpanding(2 * dim)
        self.fuse = nn.Linear(2 * dim, dim)
        self.stage = stage

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """``(B, h, w, 2C)`` and the encoder's ``(B, H, W, C)`` to ``(B, H, W, C)``."""
        # merging rounded odd sides up, so what is expanded may be a row or a column too large
        x = self.expand(x)[:, : skip.shape[1], : skip.shape[2]]
        return self.stage(self.fuse(torch.cat([x, skip], dim=-1)))


class SwinUNet(nn.Module):
    """Images to a class for each pixel: a Swin encoder, and its mirror image as the decoder.

    The decoder's blocks are made like the encoder's of the same size: windows, heads, MLP, biases, dropout, drop path.

    Args:
        encoder: its stages give the skips; a pretrained one may be loaded first. Its head is not used, and no longer
            asks for a gradient: DistributedDataParallel would wait for it.
        num_classes: of a pixel.
        decoder_depths: blocks of each decoder stage, from the coarsest; two each if not given.

    Raises:
        ValueError: if the depths do not fit the encoder, or its patches are not square.

    Source: Cao et al. 2021, "Swin-Unet", arXiv 2105.05537.
    """

    def __init__(self, encoder: SwinTransformer, num_classes: int, decoder_depths: Sequence[int] | None = None) -> None:
        super().__init__()
        if not isinstance(encoder, SwinTransformer):
            raise TypeError(f"the encoder of a SwinUNet is a SwinTransformer, got {type(encoder).__name__}.")
        steps = len(encoder.dims) - 1
        depths = (2,) * steps if decoder_depths is None else decoder_depths
        if not isinstance(depths, Sequence):
            raise TypeError(f"decoder_depths is a sequence, one number for each decoder stage; got {depths!r}.")
        ph, pw = encoder.patch_embed.patch_size
        if len(depths) != steps:
            raise ValueError(
                f"an encoder of {steps + 1} stages needs {steps} decoder stages, got decoder_depths={decoder_depths!r}."
            )
        if ph != pw:
            raise ValueError(f"SwinUNet expands square patches, but the encoder's patch_size is {(ph, pw)}.")
        if not is_count(num_classes):
            raise ValueError(f"num_classes must be a positive integer, got {num_classes!r}.")

        encoder.head.requires_grad_(False)
        self.encoder = encoder
        self.decoder = nn.ModuleList(
            DecoderStage(encoder.dims[i], _like(encoder.layers[i], encoder.dims[i], depth))
            for i, depth in zip(range(steps - 1, -1, -1), depths, strict=True)
        )
        self.expand = PatchExpanding(encoder.dims[0], scale=ph, out_dim=encoder.dims[0])
        self.head = nn.Linear(encoder.dims[0], num_classes)
        for module in (self.decoder, self.expand, self.head):
            module.apply(init_weights)  # not the encoder, which may be trained already

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(B, in_channels, H, W)`` to logits ``(B, num_classes, H, W)``, for any H and W."""
        self.encoder.patch_embed.check_images(x)
        height, width = x.shape[-2:]
        # whole patches, so that the last pixels get a class too
        x = pad_to_windows(x.permute(0, 2, 3, 1), self.encoder.patch_embed.patch_size).permute(0, 3, 1, 2)
        *skips, x = self.encoder.forward_intermediates(x, output_fmt="NHWC", intermediates_only=True)
        if self.encoder.stage_norms is None:  # else the maps are normed already
            x = self.encoder.norm(x)
        for stage in self.decoder:
            x = stage(x, skips.pop())
        logits = self.head(self.expand(x))[:, :height, :width]
        return logits.permute(0, 3, 1, 2)


def _like(stage: SwinStage, dim: int, depth: int) -> SwinStage:
    """A new stage with all that makes an encoder's what it is; drop path keeps its range where the depth differs."""
    first: SwinTransformerBlock = stage.blocks[0]
    last: SwinTransformerBlock = stage.blocks[-1]
    rates = torch.linspace(first.drop_path.drop_prob, last.drop_path.drop_prob, depth, device="cpu")
    return SwinStage(
        dim,
        depth,
        first.attn.num_heads,
        stage.window_size,
        stage.shift_size,
        drop_path=rates.tolist(),
        block=type(first),
        gradient_checkpointing=stage.gradient_checkpointing,
        **stage.block_options,
    )
