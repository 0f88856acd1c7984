"""Layers that change the size of the map: image to patches, merging on the way down, expanding on the way up."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import exporting
from .arguments import Size, is_count, to_pair
from .exporting import exported_as
from .windows import check_map


@exported_as(exporting.space_to_depth)
def space_to_depth(x: Tensor) -> Tensor:
    """Stack each 2x2 neighbourhood into the channels: ``(B, H, W, C)`` to ``(B, ceil(H/2), ceil(W/2), 4C)``.

    The order of (row, column) is (0,0), (1,0), (0,1), (1,1), as in every published checkpoint. An odd side
    gets one row or column of zeros first.

    The field knows it as space to depth, or pixel unshuffle, most often row by row: (0,0), (0,1), (1,0), (1,1).
    """
    check_map(x, "space_to_depth")
    x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
    return torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], dim=-1)


def depth_to_space(x: Tensor, scale: int) -> Tensor:
    """Lay the channels out in space: ``(B, H, W, scale**2 * C)`` to ``(B, scale*H, scale*W, C)``, row by row."""
    check_map(x, "depth_to_space")
    b, h, w, c = x.shape
    if c % scale**2:
        raise ValueError(
            f"a map of shape {tuple(x.shape)} cannot be scattered by {scale}: its {c} channels must be a multiple of "
            f"{scale**2}."
        )
    x = x.reshape(b, h, w, scale, scale, c // scale**2)
    return x.transpose(2, 3).reshape(b, h * scale, w * scale, c // scale**2)


class PatchEmbed(nn.Module):
    """Cut an image into patches and turn each into a token: a convolution whose stride is its kernel.

    Args:
        patch_size: p, or ``(rows, columns)``, in pixels.
        in_channels: of the image.
        embed_dim: C, the channels of a token.

    Source: arXiv 2103.14030, section 3.1.
    """

    def __init__(self, patch_size: Size = 4, in_channels: int = 3, embed_dim: int = 96) -> None:
        super().__init__()
        self.patch_size = to_pair(patch_size, "patch_size")
        self.in_channels = in_channels
        self.proj = nn.Conv2d(in_channels, embed_dim, kernel_size=self.patch_size, stride=self.patch_size)
        self.norm = nn.LayerNorm(embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(B, in_channels, H, W)`` to tokens ``(B, H // p, W // p, C)``; a partial patch is dropped.

        Raises:
            ValueError: if x is not a batch of such images or is smaller than a patch.
            TypeError: if x is not a tensor, or holds integers.
        """
        self.check_images(x)
        return self.norm(self.proj(x).permute(0, 2, 3, 1))

    def check_images(self, x: Tensor) -> None:
        """Raise an error that says what to do unless x is a batch of such images, each of a patch at least."""
        if not isinstance(x, Tensor):
            raise TypeError(f"expected images as a tensor (B, {self.in_channels}, H, W), got {type(x).__name__}.")
        shape = tuple(x.shape)
        if x.dim() != 4:
            hint = " For one image, add the batch dimension: x.unsqueeze(0)." if x.dim() == 3 else ""
            raise ValueError(f"expected images (B, {self.in_channels}, H, W), got shape {shape}.{hint}")
        if shape[1] != self.in_channels:
            hint = " They look channels-last: x.permute(0, 3, 1, 2)." if shape[3] == self.in_channels else ""
            raise ValueError(
                f"expected images with {self.in_channels} channels, (B, {self.in_channels}, H, W), got shape {shape}."
                f"{hint or f' Build the model with in_channels={shape[1]}, or convert the images.'}"
            )
        if not x.is_floating_point():
            raise TypeError(f"expected floating-point images, got {x.dtype}. Convert: x.float() / 255, then normalise.")
        (ph, pw), (height, width) = self.patch_size, shape[2:]
        if height < ph or width < pw:
            raise ValueError(
                f"an image of {height}x{width} pixels is smaller than one patch of {ph}x{pw}. Enlarge the image, "
                f"or build the model with a smaller patch_size."
            )


class PatchMerging(nn.Module):
    """Halve the map and double the channels: gather each 2x2 neighbourhood, normalise, project 4C to 2C.

    Args:
        dim: C of the incoming map.

    Source: arXiv 2103.14030, section 3.1, "Patch Merging".
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, H, W, C)`` to ``(B, ceil(H/2), ceil(W/2), 2C)``."""
        check_map(x, "PatchMerging", self.reduction.in_features // 4)
        return self.reduction(self.norm(space_to_depth(x)))


class PatchMergingV2(nn.Module):
    """Patch merging of Swin v2: the norm follows the projection, as everywhere in v2.

    Args:
        dim: C of the incoming map.

    Source: arXiv 2111.09883, reference code.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, H, W, C)`` to ``(B, ceil(H/2), ceil(W/2), 2C)``."""
        check_map(x, "PatchMergingV2", self.reduction.in_features // 4)
        return self.norm(self.reduction(space_to_depth(x)))


class PatchExpanding(nn.Module):
    """Enlarge the map: project each token to ``scale**2`` tokens, lay them out in space, normalise.

    Args:
        dim: C of the incoming map.
        scale: factor of height and width.
        out_dim: channels of the result; ``dim // scale`` if not given.

    Raises:
        ValueError: if scale is not a positive integer, or does not divide ``dim`` and no ``out_dim`` is given.

    Source: Cao et al. 2021, "Swin-Unet", arXiv 2105.05537, section 3.4.
    """

    def __init__(self, dim: int, scale: int = 2, out_dim: int | None = None) -> None:
        super().__init__()
        if not is_count(scale):
            raise ValueError(f"scale must be a positive integer, got {scale!r}.")
        if out_dim is None and dim % scale:
            raise ValueError(f"dim {dim} is not divisible by scale {scale}: give out_dim.")
        out_dim = dim // scale if out_dim is None else out_dim
        if out_dim < 1:
            raise ValueError(f"out_dim must be at least 1, got {out_dim}.")
        self.scale = scale
        self.expand = nn.Linear(dim, scale**2 * out_dim, bias=False)
        self.norm = nn.LayerNorm(out_dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, H, W, C)`` to ``(B, scale * H, scale * W, out_dim)``."""
        check_map(x, "PatchExpanding", self.expand.in_features)
        return self.norm(depth_to_space(self.expand(x), self.scale))
