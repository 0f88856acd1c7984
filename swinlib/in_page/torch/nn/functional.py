"""``torch.nn.functional``: layers as functions."""

import itertools
import math
from collections.abc import Callable, Sequence

from .. import operators as ops
from .. import shaping
from ..dtypes import NotHere, Number, dtype, float64
from ..operators import erf, log_softmax, relu, sigmoid, softmax, tanh
from ..random import bernoulli_
from ..tensor import Tensor, as_operand, computed, elementwise, make

__all__ = ["erf", "log_softmax", "relu", "sigmoid", "softmax", "tanh"]

Sizes = int | Sequence[int]


def _pair(value: Sizes) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    result = ops.matmul(input, weight.t())
    return result if bias is None else result + bias


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    def exact(x: float) -> float:
        return x * 0.5 * (1 + math.erf(x / math.sqrt(2))) if math.isfinite(x) else x if x > 0 else -0.0

    def by_tanh(x: float) -> float:
        return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    return elementwise(exact if approximate == "none" else by_tanh, input.dtype, input)


def silu(input: Tensor) -> Tensor:
    return input * sigmoid(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    return elementwise(lambda x: x if x > 0 else negative_slope * x, input.dtype, input)


def dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    return input * bernoulli_(shaping.empty_like(input), 1 - p) / (1 - p) if p < 1 else input * 0.0


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    dims = tuple(range(-len(normalized_shape), 0))
    if tuple(input.shape[len(input.shape) + dims[0] :]) != tuple(normalized_shape):
        expected = ", ".join(map(str, ["*", *normalized_shape]))
        raise RuntimeError(
            f"Given normalized_shape={list(normalized_shape)}, expected input with shape [{expected}], but got input of "
            f"size{list(input.shape)}"
        )
    x = input.to(float64)
    centred = x - x.mean(dims, True)
    x = (centred / (centred.square().mean(dims, True) + eps).sqrt()).to(input.dtype)
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    return input / ops.norm(input, p, dim, True).clamp(min=eps)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    logits = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = shaping.ones(logits.shape[-2:]).to(ops.bool_).tril()
    if attn_mask is not None and attn_mask.dtype is ops.bool_:
        logits = logits.masked_fill(~attn_mask, -math.inf)
    elif attn_mask is not None:
        logits = logits + attn_mask
    return dropout(logits.softmax(-1), dropout_p) @ value


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: Number | None = None) -> Tensor:
    """Pairs of numbers, for the last dimension first: how much is put before and behind, or cut off if negative."""
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * input.dim():
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {input.dim()}"
        )
    result = input
    for back, (before, behind) in enumerate(itertools.batched(pad, 2) if False else zip(pad[::2], pad[1::2])):
        axis = input.dim() - 1 - back
        size = input.shape[axis]
        places = range(-before, size + behind)
        if len(places) == 0 and size + before + behind < 0:
            raise RuntimeError(
                f"The input size {size}, plus negative padding {before} and {behind} resulted in a negative output size, "
                f"which is invalid. Check dimension {axis} of your input."
            )
        if mode == "reflect":
            places = [size - 1 - abs(size - 1 - abs(place)) for place in places]
        elif mode == "circular":
            places = [place % size for place in places]
        elif mode == "replicate":
            places = [min(max(place, 0), size - 1) for place in places]
        elif mode != "constant":
            raise NotImplementedError(f"Unrecognised padding mode {mode}")
        inside = [place if 0 <= place < size else None for place in places]
        values = ops.lines(result, [axis])
        filled = 0 if value is None else value
        values = [[filled if place is None else line[place] for place in inside] for line in values]
        shape = [*result.shape]
        shape[axis] = len(inside)
        result = ops._along(values, shape, axis, input.dtype, input).contiguous()
    return result.clone() if result is input else result


def _windows(input: Tensor, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Tensor:
    """``(B, C, H, W)`` seen as ``(B, C, rows, columns, kh, kw)``."""
    shape, strides = [*input.shape[:2]], [*input._strides[:2]]
    for size, step, k, s, d in zip(input.shape[2:], input._strides[2:], kernel, stride, dilation, strict=True):
        shape.append((size - d * (k - 1) - 1) // s + 1)
        strides.append(step * s)
    for step, k, d in zip(input._strides[2:], kernel, dilation, strict=True):
        shape.append(k)
        strides.append(step * d)
    return input._view(shape, strides)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    if isinstance(padding, str):
        raise NotHere("padding by name")
    if groups > 1:
        parts = zip(input.chunk(groups, -3), weight.chunk(groups), strict=True)
        joined = shaping.cat([conv2d(x, w, None, stride, padding, dilation) for x, w in parts], -3)
        return joined if bias is None else joined + bias[:, None, None]
    if input.dim() == 3:
        return conv2d(input[None], weight, bias, stride, padding, dilation)[0]
    if input.dim() != 4:
        raise RuntimeError(
            f"Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: {list(input.shape)}"
        )
    if input.shape[1] != weight.shape[1]:
        raise RuntimeError(
            f"Given groups=1, weight of size {list(weight.shape)}, expected input{list(input.shape)} to have "
            f"{weight.shape[1]} channels, but got {input.shape[1]} channels instead"
        )
    down, right = _pair(padding)
    x = pad(input, (right, right, down, down))
    kernel, dilation = weight.shape[2:], _pair(dilation)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if any(size < r for size, r in zip(x.shape[2:], reach, strict=True)):
        sizes = [" x ".join(map(str, each)) for each in (x.shape[2:], kernel)]
        raise RuntimeError(
            f"Calculated padded input size per channel: ({sizes[0]}). Kernel size: ({sizes[1]}). Kernel size can't be "
            "greater than actual input size"
        )
    windows = _windows(x, kernel, _pair(stride), dilation)
    rows = windows.permute(0, 2, 3, 1, 4, 5).flatten(3)
    result = (rows @ weight.flatten(1).t()).permute(0, 3, 1, 2)
    return result.contiguous() if bias is None else result + bias[:, None, None]


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
) -> Tensor:
    steps, cut, more = _pair(stride), _pair(padding), _pair(output_padding)
    if any(extra >= step for extra, step in zip(more, steps, strict=True)):
        raise RuntimeError("output padding must be smaller than either stride or dilation")
    kernel, size = weight.shape[2:], input.shape[2:]
    large = [(n - 1) * s + k for n, s, k in zip(size, steps, kernel, strict=True)]
    columns = ops.einsum("bchw,cokl->boklhw", input, weight).flatten(1, 3).flatten(2)
    x = fold(columns, large, kernel, stride=steps)
    x = pad(x, (-cut[1], more[1] - cut[1], -cut[0], more[0] - cut[0]))
    return x if bias is None else x + bias[:, None, None]


def unfold(
    input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    down, right = _pair(padding)
    x = pad(input, (right, right, down, down))
    windows = _windows(x, _pair(kernel_size), _pair(stride), _pair(dilation))
    return windows.permute(0, 1, 4, 5, 2, 3).flatten(4).flatten(1, 3)


def fold(
    input: Tensor,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """Put each column back to where `unfold` takes it from, and add up what comes to the same place."""
    kernel, (down, right), size = _pair(kernel_size), _pair(padding), _pair(output_size)
    out = shaping.zeros(
        input.shape[0], input.shape[1] // math.prod(kernel), size[0] + 2 * down, size[1] + 2 * right, dtype=input.dtype
    )
    windows = _windows(out, kernel, _pair(stride), _pair(dilation)).permute(0, 1, 4, 5, 2, 3)
    if math.prod(windows.shape[4:]) != input.shape[2]:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={kernel}, dilation={_pair(dilation)}, padding={(down, right)}, "
            f"stride={_pair(stride)}, expected size of input's dimension 2 to match the calculated number of sliding "
            f"blocks {windows.shape[4]} * {windows.shape[5]} = {math.prod(windows.shape[4:])}, but got "
            f"input.size(2)={input.shape[2]}."
        )
    storage = out._storage
    for place, value in zip(windows._places(), input._values(), strict=True):
        storage[place] += value
    storage[:] = out.dtype.fit(storage)
    return pad(out, (-right, -right, -down, -down))


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    r = upscale_factor
    if input.shape[-3] % r**2:
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={input.shape[-3]} is not divisible by {r**2}"
        )
    x = input.unflatten(-3, (-1, r, r))
    n = x.dim() - 5
    x = x.permute(*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return x.flatten(-2).flatten(-3, -2)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    r = downscale_factor
    x = input.unflatten(-1, (-1, r)).unflatten(-3, (-1, r))
    n = x.dim() - 5
    return x.permute(*range(n), n, n + 2, n + 4, n + 1, n + 3).flatten(n, n + 2)


def interpolate(
    input: Tensor,
    size: Sizes | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize the last dimensions, one after the other: each output is a weighted sum of inputs."""
    dims = input.dim() - 2
    if antialias or mode not in ("nearest", "linear", "bilinear", "bicubic"):
        raise NotHere(f"`interpolate` with mode={mode!r}{' and antialias' if antialias else ''}")
    if mode != "nearest" and dims != (1 if mode == "linear" else 2):
        raise NotImplementedError(f"Got {input.dim()}D input, but {mode} mode needs {3 if mode == 'linear' else 4}D input")
    if (size is None) == (scale_factor is None):
        raise ValueError("either size or scale_factor should be defined")
    each = size if size is not None else scale_factor
    each = list(each) if isinstance(each, (tuple, list)) else [each] * dims
    for axis, goal in enumerate(each, start=2):
        n = input.shape[axis]
        step = None if size is not None else 1 / goal
        goal = goal if size is not None else math.floor(n * goal)
        weights = [_weights(i, n, goal, mode, bool(align_corners), step) for i in range(goal)]
        values = [
            [line[w[0][0]] if len(w) == 1 else ops._summed([line[k] * share for k, share in w]) for w in weights]
            for line in ops.lines(input, [axis])
        ]
        shape = [*input.shape]
        shape[axis] = goal
        input = ops._along(values, shape, axis, input.dtype, input).contiguous()
    return input


def _weights(i: int, n: int, goal: int, mode: str, corners: bool, step: float | None) -> list[tuple[int, float]]:
    """Which of n inputs output i is made of, and how much of each."""
    step = n / goal if step is None else step
    if mode == "nearest":
        return [(min(math.floor(i * step), n - 1), 1.0)]
    if corners:
        place = i * (n - 1) / (goal - 1) if goal > 1 else 0.0
    else:
        place = (i + 0.5) * step - 0.5
    if mode != "bicubic":
        place = max(place, 0.0)
        low = min(math.floor(place), n - 1)
        share = min(place - low, 1.0)
        return [(low, 1 - share), (min(low + 1, n - 1), share)]
    low = math.floor(place)
    t, a = place - low, -0.75

    def near(x: float) -> float:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: float) -> float:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    shares = (far(t + 1), near(t), near(1 - t), far(2 - t))
    return [(min(max(low + k - 1, 0), n - 1), share) for k, share in enumerate(shares)]


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    count = num_classes if num_classes > 0 else max(tensor._values(), default=-1) + 1
    return (tensor[..., None] == shaping.arange(count)).long()


def embedding(input: Tensor, weight: Tensor) -> Tensor:
    return weight[input]


def mse_loss(input: Tensor, target: Tensor) -> Tensor:
    return (input - target).square().mean()
