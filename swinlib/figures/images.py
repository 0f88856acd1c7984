"""Real photographs to look at, as tensors."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

PHOTOGRAPHS = ("china", "flower")
SAMPLES = Path(__file__).with_name("photographs")


@dataclass(frozen=True)
class SamplePhotograph:
    """A square photograph that comes with swinlib and may be given on.

    Attributes:
        file: its name in ``swinlib/figures/photographs``.
        shows: what is on it, as in "the face of a tabby cat".
        label: its class among those of ``photographs_model``; None if it is of none of them.
        title, author, licence, url: as the package names them that it was taken from; the licence as an SPDX
            identifier, with its address.
    """

    file: str
    shows: str
    label: str | None
    title: str
    author: str
    licence: str
    url: str

    @property
    def path(self) -> Path:
        return SAMPLES / self.file

    def pixels(self) -> Tensor:
        """``(3, 192, 192)``, uint8."""
        with Image.open(self.path) as image:
            return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)


def sample_photographs() -> list[SamplePhotograph]:
    """The photographs that come with swinlib, in the order of their classes, those of none at the end."""
    table = tomllib.loads((SAMPLES / "photographs.toml").read_text(encoding="utf-8"))["photographs"]
    kept = ("file", "shows", "title", "author", "licence", "url")
    return [SamplePhotograph(label=about.get("class"), **{key: about[key] for key in kept}) for about in table]


def photograph(name: str = "china", size: int | None = None) -> Tensor:
    """A photograph that scikit-learn ships, so that nothing is downloaded.

    Args:
        name: ``"china"`` (a temple roof; by danielbuechele) or ``"flower"`` (a dahlia; from the
            Flickr account vultilion), both licensed CC BY 2.0, 427 x 640 pixels.
        size: cut the centre square out and resize it to ``size`` x ``size`` pixels; the whole photograph if
            left out.

    Returns:
        ``(3, H, W)``, float32, red, green and blue from 0 to 1.

    Raises:
        ValueError: if there is no photograph of that name or the size is not positive.
        ImportError: if scikit-learn is not installed.
    """
    if name not in PHOTOGRAPHS:
        raise ValueError(f"there is no photograph {name!r}; choose one of {', '.join(map(repr, PHOTOGRAPHS))}.")
    if size is not None and size < 1:
        raise ValueError(f"size must be at least 1 pixel; got {size!r}.")
    try:
        from sklearn.datasets import load_sample_image
    except ImportError as error:
        raise ImportError('the photographs come with scikit-learn: pip install "swinlib[figures]"') from error
    pixels = load_sample_image(f"{name}.jpg")  # (H, W, 3) uint8
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
    return image if size is None else centre_square(image, size)


def centre_square(image: Tensor, size: int) -> Tensor:
    """Cut the largest centred square out of ``(C, H, W)`` and resize it to ``(C, size, size)``."""
    side = min(image.shape[-2:])
    top, left = (image.shape[-2] - side) // 2, (image.shape[-1] - side) // 2
    square = image[None, :, top : top + side, left : left + side]
    small = F.interpolate(square, size=(size, size), mode="bilinear", antialias=True, align_corners=False)[0]
    return small.clamp(0, 1)  # rounding can leave the range by a hair
