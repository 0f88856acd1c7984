"""Right answers to the exercises of chapter 8, written in other ways than the page's."""

import re
from pathlib import PurePosixPath

import numpy as np
import torch
import torch.nn.functional as F
from torchvision.datasets.folder import IMG_EXTENSIONS
from torchvision.transforms import v2


def share_seen_by_transforms(height, width, resize, crop):
    ones = v2.Resize(resize)(torch.ones(1, height, width))
    return v2.CenterCrop(crop)(ones).sum().item() / ones.numel()


def share_seen_side_by_side(height, width, resize, crop):
    share = 1.0
    for side, other in ((height, width), (width, height)):
        resized = resize if side <= other else int(resize * side / other)
        share *= min(1, crop / resized)
    return share


def center_crop_by_index(image, height, width):
    where = []
    for size, wanted in zip(image.shape[1:], (height, width), strict=True):
        first = round((size - wanted) / 2) if size >= wanted else -((wanted - size) // 2)
        where.append(torch.arange(wanted) + first)
    rows, columns = where
    inside = ((rows >= 0) & (rows < image.shape[1]))[:, None] & ((columns >= 0) & (columns < image.shape[2]))
    taken = image[:, rows.clamp(0, image.shape[1] - 1)][:, :, columns.clamp(0, image.shape[2] - 1)]
    return torch.where(inside, taken, torch.zeros_like(taken))


def center_crop_into_zeros(image, height, width):
    _, high, wide = image.shape
    out = image.new_zeros(len(image), height, width)
    top, left = round(max(high - height, 0) / 2), round(max(wide - width, 0) / 2)
    middle = image[:, top : top + height, left : left + width]
    down, right = (height - middle.shape[1]) // 2, (width - middle.shape[2]) // 2
    out[:, down : down + middle.shape[1], right : right + middle.shape[2]] = middle
    return out


def pixels_to_tensor_by_numpy(pixels):
    if pixels.dtype == np.uint8:
        pixels = pixels.astype(np.float32) * np.float32(1 / 255)
    return torch.tensor(np.moveaxis(np.atleast_3d(pixels), -1, 0).copy())


def pixels_to_tensor_by_loop(pixels):
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    x = torch.stack([torch.from_numpy(pixels[:, :, c].copy()) for c in range(pixels.shape[2])])
    return x.to(torch.float32).div(255) if x.dtype == torch.uint8 else x


def label_files_by_parts(paths):
    parts = [PurePosixPath(path) for path in paths]
    names = sorted({path.parts[0] for path in parts if len(path.parts) > 1})
    images = [p for p in parts if len(p.parts) > 1 and p.suffix.lower() in IMG_EXTENSIONS]
    empty = set(names) - {path.parts[0] for path in images}
    if empty:
        raise FileNotFoundError(f"empty: {sorted(empty)}")
    numbers = dict(zip(names, range(len(names)), strict=True))
    return numbers, {str(path): numbers[path.parts[0]] for path in images}


def label_files_by_pattern(paths):
    pattern = re.compile(r"([^/]+)/.*\.(jpe?g|png|p[pg]m|bmp|tiff?|webp)", re.IGNORECASE)
    found = {}
    for path in paths:
        if "/" in path:
            images = found.setdefault(path.partition("/")[0], [])
            if pattern.fullmatch(path):
                images.append(path)
    for name, images in found.items():
        if not images:
            others = [other for other in found if not found[other]]
            raise FileNotFoundError(f"no image in {name}; all of these are empty: {others}")
    names = sorted(found)
    return [{name: names.index(name) for name in names}, {p: names.index(n) for n in names for p in found[n]}]


def normalize_images_by_axis(images, mean, std):
    moved = np.moveaxis(images, -3, -1)
    moved = (moved - np.array(mean, images.dtype)) / np.array(std, images.dtype)
    return np.moveaxis(moved, -1, -3)


def normalize_images_by_channel(images, mean, std):
    result = np.empty_like(images)
    for channel in range(3):
        result[..., channel, :, :] = (images[..., channel, :, :] - mean[channel]) / std[channel]
    return result


def channel_statistics_by_histogram(images):
    counts = 0
    for image in images:
        counts = counts + torch.stack([torch.bincount(c.flatten().long(), minlength=256) for c in image])
    levels = torch.linspace(0, 1, 256, dtype=torch.float64)
    share = counts / counts.sum(dim=1, keepdim=True).double()
    mean = share @ levels
    return mean, (share * (levels - mean[:, None]) ** 2).sum(dim=1).sqrt()


def channel_statistics_image_by_image(images):
    """Of all so far and of one more: the spread between the two means belongs to the sum."""
    seen = mean = spread = 0
    for image in images:
        x = image.flatten(1).double() / 255
        new, gap = x.shape[1], x.mean(dim=1) - mean
        spread = spread + x.var(dim=1, correction=0) * new + gap.square() * seen * new / (seen + new)
        mean = mean + gap * new / (seen + new)
        seen += new
    return mean.float(), (spread / seen).sqrt().float()


def fold_normalize_by_asking(conv, mean, std, order, height, width):
    """The steps themselves are asked: black for the bias, one bright byte for each weight."""
    mean, std = (torch.tensor(each, dtype=conv.weight.dtype).view(3, 1, 1) for each in (mean, std))

    def steps(images, layer):
        rgb = images[:, [order.index(colour) for colour in "RGB"]] / 255
        return layer((rgb - mean) / std)

    def without_padding(x):
        return F.conv2d(x, conv.weight)

    with torch.no_grad():
        size = conv.kernel_size
        bytes_ = torch.eye(3 * size[0] * size[1], dtype=conv.weight.dtype).view(-1, 3, *size)
        black = steps(torch.zeros_like(bytes_[:1]), without_padding)
        weight = (steps(bytes_, without_padding) - black).flatten(1).T.reshape(conv.weight.shape)
        return weight, steps(torch.zeros(1, 3, height, width, dtype=weight.dtype), conv)[0]


def fold_normalize_by_counting(conv, mean, std, order, height, width):
    """A mean is subtracted at each place for the weights that meet a pixel, and not for those that meet padding."""
    dtype, kernel = conv.weight.dtype, conv.weight.detach()
    inside = torch.ones(1, 1, height, width, dtype=dtype)
    bias = 0 if conv.bias is None else conv.bias.detach().view(-1, 1, 1)
    columns = []
    for channel, colour in enumerate("RGB"):
        met = F.conv2d(inside, kernel[:, channel : channel + 1], None, conv.stride, conv.padding, conv.dilation)[0]
        bias = bias - met * (mean[channel] / std[channel])
        columns.append((order.index(colour), kernel[:, channel] / std[channel] / 255))
    weight = torch.empty_like(kernel)
    for place, column in columns:
        weight[:, place] = column
    return weight, bias


ALTERNATIVES = {
    "share_seen": [share_seen_by_transforms, share_seen_side_by_side],
    "center_crop": [center_crop_by_index, center_crop_into_zeros],
    "pixels_to_tensor": [pixels_to_tensor_by_numpy, pixels_to_tensor_by_loop],
    "label_files": [label_files_by_parts, label_files_by_pattern],
    "normalize_images": [normalize_images_by_axis, normalize_images_by_channel],
    "channel_statistics": [channel_statistics_by_histogram, channel_statistics_image_by_image],
    "fold_normalize": [fold_normalize_by_asking, fold_normalize_by_counting],
}
