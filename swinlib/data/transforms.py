"""From a file to a normalised batch: torchvision's own parts, put together so that no work is done twice.

The pipeline decodes to ``uint8`` tensors, resizes, crops and augments them as ``uint8`` (``torchvision.transforms.v2``
has fast kernels for it), stacks a quarter of the bytes that floats would take, and normalises the whole batch once::

    dataset = image_folder(root, eval_transform(224, normalize=False))
    loader = DataLoader(dataset, batch_size=64, collate_fn=collate_images)
    for images, labels in loader:                    # images: (B, 3, 224, 224), uint8
        x = normalize_batch(images.to(device))       # float32, standardised

With ``normalize=True``, the default, each transform ends in ``ToDtype`` and ``Normalize`` instead and every sample is
ready for a network. Both ways give the same numbers. An image is ``(C, H, W)``, a batch ``(B, C, H, W)``.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2

from ..arguments import as_integer

# Of the training images, scaled to 0..1, red, green, blue. ImageNet's are the field's constants.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
DIGITS_MEAN = (0.3054, 0.3054, 0.3054)
DIGITS_STD = (0.3760, 0.3760, 0.3760)


def eval_transform(
    size: int,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    *,
    resize: int | None = None,
    interpolation: v2.InterpolationMode = v2.InterpolationMode.BILINEAR,
    normalize: bool = True,
) -> v2.Compose:
    """What an image goes through when a model is evaluated: the shorter side resized, the centre cut out.

    Args:
        size: side of the square that the network sees, in pixels.
        mean, std: one number per channel, for images scaled to 0..1.
        resize: length of the shorter side before the crop; ``size * 256 / 224`` if left out, as on ImageNet.
            Give ``size`` to keep the borders, as for the digits.
        interpolation: of the resizing; published weights are measured with the one of their training.
        normalize: end in float32 standardised by mean and std; otherwise in uint8, for ``normalize_batch``.

    Returns:
        A transform of PIL images and uint8 tensors ``(C, H, W)`` to ``(C, size, size)``.

    Raises:
        ValueError: if size or resize is not a positive integer, the crop is larger than what it is cut from, mean and
            std differ in length, or a std is not above 0.
    """
    size = _positive(size, "size")
    shorter = size * 256 // 224 if resize is None else _positive(resize, "resize")
    if shorter < size:
        raise ValueError(
            f"resize={shorter} is smaller than size={size}: the crop would be padded with black. Give resize={size} "
            f"or more."
        )
    resized = v2.Resize(shorter, interpolation=interpolation, antialias=True)
    return v2.Compose([v2.PILToTensor(), resized, v2.CenterCrop(size), *_ending(mean, std, normalize)])


def train_transform(
    size: int,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    *,
    scale: tuple[float, float] = (0.08, 1.0),
    flip: float = 0.5,
    rand_augment: tuple[int, int] | None = (2, 27),
    erase: float = 0.25,
    normalize: bool = True,
) -> v2.Compose:
    """The augmentation that Swin is trained with: random resized crop, flip, RandAugment, random erasing.

    Args:
        size: side of the square that the network sees, in pixels.
        mean, std: one number per channel, for images scaled to 0..1.
        scale: share of the image's area that a crop keeps, smallest and largest.
        flip: probability of a mirror image. 0 where left and right carry meaning, as in digits.
        rand_augment: RandAugment's number of operations and their magnitude, of 30; None for none. Swin's "rand-m9" is
            timm's, whose scale ends at 10: 9 there is 27 here.
        erase: probability that a rectangle is erased. It is filled with the mean colour, which normalises to nearly 0,
            before the image is normalised; Swin's own training fills it with noise.
        normalize: end in float32 standardised by mean and std; otherwise in uint8, for ``normalize_batch``.

    Returns:
        A transform of PIL images and uint8 tensors ``(C, H, W)`` to ``(C, size, size)``. It draws from torch's global
        generator; ``SeededDataset`` makes the draws those of a sample instead.

    Raises:
        ValueError: if size is not a positive integer, mean and std differ in length, or a std is not above 0.

    Source: Liu et al. 2021, arXiv 2103.14030, appendix A2.1; RandAugment: Cubuk et al. 2019, arXiv 1909.13719; random
    erasing: Zhong et al. 2017, arXiv 1708.04896.
    """
    crop = v2.RandomResizedCrop(
        _positive(size, "size"), scale=scale, interpolation=InterpolationMode.BICUBIC, antialias=True
    )
    mean_colour = [round(255 * m) for m in mean]
    parts = [v2.PILToTensor(), crop]
    if flip:
        parts.append(v2.RandomHorizontalFlip(flip))
    if rand_augment is not None:
        operations, magnitude = rand_augment
        parts.append(v2.RandAugment(operations, magnitude, interpolation=InterpolationMode.BILINEAR, fill=mean_colour))
    if erase:
        parts.append(v2.RandomErasing(erase, value=mean_colour))
    return v2.Compose([*parts, *_ending(mean, std, normalize)])


def digits_train_transform(
    size: int = 16,
    mean: Sequence[float] = DIGITS_MEAN,
    std: Sequence[float] = DIGITS_STD,
    *,
    degrees: float = 10,
    translate: float = 0.08,
    zoom: float = 0.1,
    normalize: bool = True,
) -> v2.Compose:
    """The augmentation for digits: resized, then turned, moved and zoomed a little. No flip: it would change them.

    What is turned is what ``eval_transform(size, mean, std, resize=size)`` shows: the shorter side is resized to
    ``size`` and the centre is cut out, so that nothing is squashed. Of a picture that is not square, the ends of the
    longer side are seen neither in training nor in evaluation.

    Args:
        size: side of the square that the network sees, in pixels.
        mean, std: one number per channel, for images scaled to 0..1.
        degrees: largest angle, to either side.
        translate: largest move in each direction, as a share of the side.
        zoom: largest change of size; 0.1 for 0.9 to 1.1 times.
        normalize: end in float32 standardised by mean and std; otherwise in uint8, for ``normalize_batch``.

    Returns:
        A transform of PIL images and uint8 tensors ``(C, H, W)`` to ``(C, size, size)``. For evaluation take
        ``eval_transform(size, mean, std, resize=size)``.

    Raises:
        ValueError: if size is not a positive integer, mean and std differ in length, or a std is not above 0.
    """
    affine = v2.RandomAffine(
        degrees, (translate, translate), (1 - zoom, 1 + zoom), interpolation=InterpolationMode.BILINEAR
    )
    whole = eval_transform(size, mean, std, resize=size, normalize=False)  # what is evaluated, in bytes
    return v2.Compose([*whole.transforms, affine, *_ending(mean, std, normalize)])


def small_train_transform(
    size: int = 32,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    *,
    move: int | None = None,
    flip: float = 0.5,
    normalize: bool = True,
) -> v2.Compose:
    """The augmentation for small photographs such as CIFAR-10's: resized, then moved a little and mirrored.

    What is moved is what ``eval_transform(size, mean, std, resize=size)`` shows. The border that a move uncovers is
    filled by reflection.

    Args:
        size: side of the square that the network sees, in pixels.
        mean, std: one number per channel, for images scaled to 0..1.
        move: largest move in each direction, in pixels; an eighth of the side if left out.
        flip: probability of a mirror image. 0 where left and right carry meaning.
        normalize: end in float32 standardised by mean and std; otherwise in uint8, for ``normalize_batch``.

    Returns:
        A transform of PIL images and uint8 tensors ``(C, H, W)`` to ``(C, size, size)``. For evaluation take
        ``eval_transform(size, mean, std, resize=size)``.

    Raises:
        ValueError: if size is not a positive integer, move is not from 0 to ``size - 1``, mean and std differ in
            length, or a std is not above 0.

    Source: He et al. 2015, arXiv 1512.03385, section 4.2, which pads with zeros.
    """
    whole = eval_transform(size, mean, std, resize=size, normalize=False)
    move = size // 8 if move is None else as_integer(move, "move", 0, "pixels")
    if move >= size:
        raise ValueError(f"move={move} must be less than size={size}: a reflection reaches no further.")
    parts = [*whole.transforms, v2.RandomCrop(size, padding=move, padding_mode="reflect")]
    if flip:
        parts.append(v2.RandomHorizontalFlip(flip))
    return v2.Compose([*parts, *_ending(mean, std, normalize)])


def normalize_batch(
    images: Tensor,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    *,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Scale uint8 images to 0..1 and standardise them, a whole batch at once, on the device where they are.

    Args:
        images: ``(..., C, H, W)``, uint8. Not changed.
        mean, std: one number per channel, for images scaled to 0..1.
        dtype: of the result.

    Returns:
        ``(..., C, H, W)``: ``(images / 255 - mean) / std``.

    Raises:
        TypeError: if the images are not uint8: floats may be scaled already, and would silently be scaled again.
        ValueError: if there is not one mean and one std per channel.
    """
    if images.dtype != torch.uint8:
        raise TypeError(
            f"normalize_batch expects uint8 images of 0..255, got {images.dtype}. Make the transform with "
            f"normalize=False, or use v2.Normalize for floats of 0..1."
        )
    mean, std = _statistics(mean, std, images)
    return images.to(dtype).sub_(mean * 255).div_(std * 255)


def denormalize(images: Tensor, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD) -> Tensor:
    """Undo the standardisation, to look at what a network was fed.

    Args:
        images: ``(..., C, H, W)``, floats.
        mean, std: those it was normalised with.

    Returns:
        ``(..., C, H, W)``, from 0 to 1 but for rounding.

    Raises:
        ValueError: if there is not one mean and one std per channel.
    """
    mean, std = _statistics(mean, std, images)
    return images * std + mean


def _ending(mean: Sequence[float], std: Sequence[float], normalize: bool) -> list[v2.Transform]:
    if len(mean) != len(std) or any(s <= 0 for s in std):
        raise ValueError(
            f"mean {tuple(mean)} and std {tuple(std)} cannot be used: give one of each per channel, with every std "
            f"above 0."
        )
    return [v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)] if normalize else []


def _statistics(mean: Sequence[float], std: Sequence[float], images: Tensor) -> tuple[Tensor, Tensor]:
    if images.dim() < 3 or not len(mean) == len(std) == images.shape[-3]:
        raise ValueError(
            f"mean has {len(mean)} and std {len(std)} numbers, but the images have shape {tuple(images.shape)}: give "
            f"one per channel of images (..., C, H, W)."
        )
    kind = {"dtype": torch.float32, "device": images.device}
    return torch.tensor(mean, **kind)[:, None, None], torch.tensor(std, **kind)[:, None, None]


def _positive(value: int, name: str) -> int:
    return as_integer(value, name, 1, "pixels")
