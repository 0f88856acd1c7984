"""Right answers to the exercises of chapter 2, written in other ways than the page's."""

import math

import torch
import torch.nn.functional as F


def output_size_by_walking(size, kernel, stride, padding, dilation):
    places = range(-padding, size + padding - dilation * (kernel - 1), stride)
    return len(places)


def output_size_by_rounding(size, kernel, stride, padding, dilation):
    reach = kernel + (kernel - 1) * (dilation - 1)
    return math.floor((size + 2 * padding - reach + stride) / stride)


def gather_by_unfold(x):
    squares = x.unfold(1, 2, 2).unfold(2, 2, 2)  # (B, H/2, W/2, C, row, column)
    return squares.permute(0, 1, 2, 5, 4, 3).flatten(3)


def gather_by_pixel_unshuffle(x):
    channels = x.shape[-1]
    deep = F.pixel_unshuffle(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
    return deep.unflatten(-1, (channels, 2, 2)).transpose(-1, -3).flatten(3)


def gather_by_einsum(x):
    batch, height, width, channels = x.shape
    squares = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return torch.einsum("byrxcn->byxcrn", squares).reshape(batch, height // 2, width // 2, -1)


def merging_from_convolution_by_blocks(weight):
    return torch.cat([weight[:, :, 0, 0], weight[:, :, 1, 0], weight[:, :, 0, 1], weight[:, :, 1, 1]], dim=1)


def merging_from_convolution_by_a_basis(weight):
    """Ask the convolution itself, on squares that hold a single 1 where the gathering would put it."""
    channels = weight.shape[1]
    basis = torch.eye(4 * channels, dtype=weight.dtype).view(-1, 2, 2, channels)  # column, row, channel
    return F.conv2d(basis.permute(0, 3, 2, 1), weight, stride=2).flatten(1).T


def gather_volume_by_slices(x):
    blocks = [x[:, d::2, h::2, w::2] for w in (0, 1) for h in (0, 1) for d in (0, 1)]
    return torch.cat(blocks, dim=-1)


def gather_volume_by_reshape(x):
    batch, depth, height, width, channels = x.shape
    cubes = x.reshape(batch, depth // 2, 2, height // 2, 2, width // 2, 2, channels)
    return cubes.permute(0, 1, 3, 5, 6, 2, 4, 7).flatten(4)


def resize_line_by_a_matrix(x, size, align_corners):
    n = x.shape[-1]
    if align_corners:
        places = torch.linspace(0, n - 1, size, dtype=torch.float64)
    else:
        places = ((torch.arange(size, dtype=torch.float64) + 0.5) * n / size - 0.5).clamp(0, n - 1)
    tents = (1 - (places[:, None] - torch.arange(n)).abs()).clamp(min=0)
    return x @ tents.T.to(x.dtype)


def resize_line_by_loop(x, size, align_corners):
    n = x.shape[-1]
    outputs = []
    for i in range(size):
        if align_corners:
            place = i * (n - 1) / (size - 1) if size > 1 else 0.0
        else:
            place = min(max((2 * i + 1) * n / (2 * size) - 0.5, 0.0), n - 1.0)
        low = min(int(place), max(n - 2, 0))
        share = place - low
        high = min(low + 1, n - 1)
        outputs.append((1 - share) * x[..., low] + share * x[..., high])
    return torch.stack(outputs, dim=-1)


def resize_line_in_float32(x, size, align_corners):
    n = x.shape[-1]
    step = (n - 1) / max(size - 1, 1) if align_corners else n / size
    start = 0.0 if align_corners else (step - 1) / 2
    places = (torch.arange(size) * step + start).clamp(0, n - 1)
    low, high = places.floor().long(), places.ceil().long()
    share = (places - low).to(x.dtype)
    return x[..., low] + (x[..., high] - x[..., low]) * share


def decoder_step_by_transposed_convolution(x, skip, expand, join):
    kernel = expand.reshape(2, 2, -1, expand.shape[1]).permute(3, 2, 0, 1)
    up = F.conv_transpose2d(x.permute(0, 3, 1, 2), kernel, stride=2).permute(0, 2, 3, 1)
    up = up[:, : skip.shape[1], : skip.shape[2]]
    channels = skip.shape[-1]
    return up @ join[:, :channels].T + skip @ join[:, channels:].T


def decoder_step_by_slices(x, skip, expand, join):
    batch, height, width, _ = x.shape
    four = (x @ expand.T).chunk(4, dim=-1)
    up = x.new_empty(batch, 2 * height, 2 * width, skip.shape[-1])
    for number, part in enumerate(four):
        row, column = divmod(number, 2)
        up[:, row::2, column::2] = part
    while up.shape[1] > skip.shape[1]:
        up = up[:, :-1]
    while up.shape[2] > skip.shape[2]:
        up = up[:, :, :-1]
    return F.linear(torch.cat((up, skip), -1), join)


def transposed_convolution_by_copies(x, weight, stride, padding, output_padding):
    batch, _, height, width = x.shape
    _, outputs, kh, kw = weight.shape
    high = (height - 1) * stride[0] + kh + output_padding[0]
    wide = (width - 1) * stride[1] + kw + output_padding[1]
    out = x.new_zeros(batch, outputs, high, wide)
    for row in range(height):
        for column in range(width):
            copies = torch.einsum("bc,cohw->bohw", x[:, :, row, column], weight)
            top, left = row * stride[0], column * stride[1]
            out[:, :, top : top + kh, left : left + kw] += copies
    return out[:, :, padding[0] : high - padding[0], padding[1] : wide - padding[1]]


def _size(x, weight, stride, padding, output_padding):
    axes = zip(x.shape[2:], stride, padding, weight.shape[2:], output_padding, strict=True)
    return [(n - 1) * s - 2 * p + k + more for n, s, p, k, more in axes]


def transposed_convolution_by_fold(x, weight, stride, padding, output_padding):
    height, width = x.shape[2:]
    kernel = weight.shape[2:]
    size = _size(x, weight, stride, padding, output_padding)
    columns = torch.einsum("bchw,cokl->boklhw", x, weight).reshape(len(x), -1, height * width)
    return F.fold(columns, size, kernel, stride=stride, padding=padding)


def transposed_convolution_as_a_gradient(x, weight, stride, padding, output_padding):
    size = _size(x, weight, stride, padding, output_padding)
    large = torch.zeros(len(x), weight.shape[1], *size, requires_grad=True)
    small = F.conv2d(large, weight, stride=stride, padding=padding)
    return torch.autograd.grad(small, large, grad_outputs=x)[0]


ALTERNATIVES = {
    "output_size": [output_size_by_walking, output_size_by_rounding],
    "gather_by_reshape": [gather_by_unfold, gather_by_pixel_unshuffle, gather_by_einsum],
    "merging_from_convolution": [merging_from_convolution_by_blocks, merging_from_convolution_by_a_basis],
    "gather_volume": [gather_volume_by_slices, gather_volume_by_reshape],
    "resize_line": [resize_line_by_a_matrix, resize_line_by_loop, resize_line_in_float32],
    "decoder_step": [decoder_step_by_transposed_convolution, decoder_step_by_slices],
    "transposed_convolution": [
        transposed_convolution_by_copies,
        transposed_convolution_by_fold,
        transposed_convolution_as_a_gradient,
    ],
}
