"""``torch.nn.functional``: layers as functions."""

import math
from collections.abc import Sequence

from ..dtypes import NotHere, Number, bool_, float64, lacking
from ..operators import FUNCTIONS, _gelu, einsum, from_lines, lines, offered, total
from ..shaping import arange, filled
from ..tensor import Shape, Tensor, elementwise

Sizes = int | Sequence[int]
relu, sigmoid, tanh = FUNCTIONS["relu"], FUNCTIONS["sigmoid"], FUNCTIONS["tanh"]
softmax, log_softmax = FUNCTIONS["softmax"], FUNCTIONS["log_softmax"]


def _pair(value: Sizes) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    result = input @ weight.t()
    return result if bias is None else result + bias


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    if input.dtype.kind < 2:
        raise NotImplementedError(f'"GeluKernelImpl" not implemented for {input.dtype.spoken!r}')
    if approximate != "none":
        return input * 0.5 * (1 + (math.sqrt(2 / math.pi) * (input + 0.044715 * input**3)).tanh())
    return elementwise(_gelu, input.dtype, input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    return elementwise(lambda x: x if x > 0 else negative_slope * x, input.dtype, input)


def dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    return input * filled(input.shape, 0, input.dtype).bernoulli_(1 - p) / (1 - p) if p < 1 else input * 0.0


def layer_norm(
    input: Tensor, normalized_shape: Shape, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    if not len(normalized_shape):
        least = "i.e., containing at least one element, but got normalized_shape = []"
        raise RuntimeError(f"Expected normalized_shape to be at least 1-dimensional, {least}")
    if tuple(input.shape[-len(normalized_shape) :]) != tuple(normalized_shape):
        wanted = f"[{', '.join(map(str, ['*', *normalized_shape]))}], but got input of size{list(input.shape)}"
        raise RuntimeError(f"Given normalized_shape={list(normalized_shape)}, expected input with shape {wanted}")
    if input.dtype.kind < 2:
        raise NotImplementedError(f'"LayerNormKernelImpl" not implemented for {input.dtype.spoken!r}')
    dims, x = tuple(range(-len(normalized_shape), 0)), input.to(float64)
    x = x - x.mean(dims, True)
    x = (x / (x.square().mean(dims, True) + eps).sqrt()).to(input.dtype)
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    return input / input.norm(p, dim, True).clamp(min=eps)


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None,
) -> Tensor:  # fmt: skip
    logits = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = filled(logits.shape[-2:], 1, bool_).tril()
    if attn_mask is not None:
        logits = logits.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype is bool_ else logits + attn_mask
    shares = softmax(logits, -1).masked_fill((logits == -math.inf).all(-1, True), 0)  # where no key may be looked at
    return dropout(shares, dropout_p) @ value


def pad(input: Tensor, pad: Shape, mode: str = "constant", value: Number | None = None) -> Tensor:
    """Pairs of numbers, for the last dimension first: how much is put before and behind, or cut off if negative."""
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * input.dim():
        got = f"but got padding length {len(pad)} and input of dimension {input.dim()}"
        most = "Padding length should be less than or equal to two times the input dimension"
        raise RuntimeError(f"{most} {got}")
    result, value = input, 0 if value is None else value
    for back in range(len(pad) // 2):
        axis, before, behind = input.dim() - 1 - back, pad[2 * back], pad[2 * back + 1]
        size = input.shape[axis]
        if size + min(before, 0) + min(behind, 0) < 0:
            raise RuntimeError("narrow(): length must be non-negative.")
        inside = list(range(-before, size + behind))
        if mode == "replicate":
            inside = [min(max(place, 0), size - 1) for place in inside]
        elif mode != "constant":
            raise NotHere(f"`pad` with mode={mode!r}")
        if any((before, behind)):
            padded = [[line[i] if 0 <= i < size else value for i in inside] for line in lines(result, [axis])]
            shape = [*result.shape[:axis], len(inside), *result.shape[axis + 1 :]]
            result = from_lines(padded, filled(shape, 0, input.dtype), axis)
    return result.clone() if result is input else result.contiguous()


def _windows(input: Tensor, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Tensor:
    """``(B, C, H, W)`` seen as ``(B, C, kh, kw, rows, columns)``."""
    shape, strides = list(input.shape[:2]), list(input._strides[:2])
    axes = list(zip(input.shape[2:], input._strides[2:], *map(_pair, (kernel, stride, dilation)), strict=True))
    places = [(n - d * (k - 1) - 1) // s + 1 for n, _, k, s, d in axes]
    if min(places) < 1:
        sizes = [" x ".join(map(str, each)) for each in (input.shape[2:], _pair(kernel))]
        large = f"Kernel size: ({sizes[1]}). Kernel size can't be greater than actual input size"
        raise RuntimeError(f"Calculated padded input size per channel: ({sizes[0]}). {large}")
    shape += [k for _, _, k, _, _ in axes] + places
    return input._view(shape, strides + [st * d for _, st, _, _, d in axes] + [st * s for _, st, _, s, _ in axes])


def _padded(input: Tensor, padding: Sizes, sign: int = 1) -> Tensor:
    down, right = _pair(padding)
    return pad(input, (sign * right, sign * right, sign * down, sign * down))


def max_pool2d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """The largest of each window; ``ceil_mode`` also takes windows that only begin within the image."""
    beyond, stride = [], kernel_size if stride is None else stride
    for n, k, s, p, d in zip(input.shape[-2:], *map(_pair, (kernel_size, stride, padding, dilation)), strict=True):
        reach = d * (k - 1) + 1
        steps = (n + 2 * p - reach + s - 1) // s if ceil_mode else -1
        steps -= steps * s >= n + p
        beyond.append(p + max(steps * s + reach - n - 2 * p, 0) if steps >= 0 else p)
    (down, right), (below, behind) = _pair(padding), beyond
    padded = pad(input, (right, behind, down, below), value=-math.inf)
    flat = padded.flatten(0, -3)[:, None] if input.dim() > 3 else padded[:, None]
    pooled = _windows(flat, kernel_size, stride, dilation).amax((2, 3))
    return pooled.reshape((*input.shape[:-2], *pooled.shape[-2:]))


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
) -> Tensor:
    if input.dim() == 3:
        return conv2d(input[None], weight, bias, stride, padding, dilation)[0]
    if input.dim() != 4:
        got = f"but got input of size: {list(input.shape)}"
        raise RuntimeError(f"Expected 3D (unbatched) or 4D (batched) input to conv2d, {got}")
    if input.shape[1] != weight.shape[1]:
        channels = f"to have {weight.shape[1]} channels, but got {input.shape[1]} channels instead"
        of = f"weight of size {list(weight.shape)}, expected input{list(input.shape)}"
        raise RuntimeError(f"Given groups=1, {of} {channels}")
    windows = _windows(_padded(input, padding), weight.shape[2:], stride, dilation)
    rows = windows.permute(0, 4, 5, 1, 2, 3).flatten(3)
    result = (rows @ weight.flatten(1).t()).permute(0, 3, 1, 2).contiguous()
    return result if bias is None else result + bias[:, None, None]


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0,
    output_padding: Sizes = 0,
) -> Tensor:  # fmt: skip
    axes = list(
        zip(input.shape[2:], weight.shape[2:], _pair(stride), _pair(padding), _pair(output_padding), strict=True)
    )
    columns = einsum("bchw,cokl->boklhw", input, weight).flatten(1, 3).flatten(2)
    x = fold(columns, [(n - 1) * s + k for n, k, s, _, _ in axes], weight.shape[2:], stride=stride)
    (down, below), (right, beyond) = ((cut, more - cut) for _, _, _, cut, more in axes)
    x = pad(x, (-right, beyond, -down, below))
    return x if bias is None else x + bias[:, None, None]


def unfold(input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Tensor:
    return _windows(_padded(input, padding), kernel_size, stride, dilation).flatten(4).flatten(1, 3)


def fold(
    input: Tensor, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """Put each column back to where `unfold` takes it from, and add up what comes to the same place."""
    kernel, cut, size = _pair(kernel_size), _pair(padding), _pair(output_size)
    shape = [len(input), input.shape[1] // math.prod(kernel), size[0] + 2 * cut[0], size[1] + 2 * cut[1]]
    out = filled(shape, 0, input.dtype)
    windows = _windows(out, kernel, stride, dilation)
    rows, columns = windows.shape[4:]
    if rows * columns != input.shape[2]:
        options = f"output_size={size}, kernel_size={kernel}, dilation={_pair(dilation)}, padding={cut}"
        blocks = f"calculated number of sliding blocks {rows} * {columns} = {rows * columns}"
        given = f"Given {options}, stride={_pair(stride)}, expected size of input's dimension 2 to match the {blocks}"
        raise RuntimeError(f"{given}, but got input.size(2)={input.shape[2]}.")
    for place, value in zip(windows._places(), input._values(), strict=True):
        out._storage[place] += value
    out._storage[:] = out.dtype.fit(out._storage)
    return _padded(out, cut, sign=-1)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    x = input.unflatten(-3, (-1, upscale_factor, upscale_factor))
    return x.movedim((-4, -3), (-3, -1)).flatten(-2).flatten(-3, -2)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    x = input.unflatten(-1, (-1, downscale_factor)).unflatten(-3, (-1, downscale_factor))
    return x.movedim((-3, -1), (-4, -3)).flatten(-5, -3)


def interpolate(
    input: Tensor, size: Sizes | None = None, scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest", align_corners: bool | None = None,
) -> Tensor:  # fmt: skip
    """Resize the last dimensions, one after the other: each output is a weighted sum of inputs."""
    dims, needed = input.dim() - 2, {"linear": 1, "bilinear": 2, "bicubic": 2}
    if mode not in ("nearest", *needed):
        raise NotHere(f"`interpolate` with mode={mode!r}")
    if needed.get(mode, dims) != dims:
        raise NotImplementedError(f"Got {dims + 2}D input, but {mode} mode needs {needed[mode] + 2}D input")
    each = scale_factor if size is None else size
    for axis, goal in enumerate(each if isinstance(each, (tuple, list)) else [each] * dims, start=2):
        n = input.shape[axis]
        step, goal = (1 / goal, math.floor(n * goal)) if size is None else (n / goal, goal)
        shares = [_shares(i, n, goal, mode, bool(align_corners), step) for i in range(goal)]
        values = [
            [line[w[0][0]] if len(w) == 1 else total([line[k] * share for k, share in w]) for w in shares]
            for line in lines(input, [axis])
        ]
        input = from_lines(values, input, axis).contiguous()
    return input


def _shares(i: int, n: int, goal: int, mode: str, corners: bool, step: float) -> list[tuple[int, float]]:
    """Which of n inputs output i is made of, and how much of each."""
    if mode == "nearest":
        return [(min(math.floor(i * step), n - 1), 1.0)]
    place = i * (n - 1) / max(goal - 1, 1) if corners else (i + 0.5) * step - 0.5
    low = math.floor(place if mode == "bicubic" else max(place, 0.0))
    if mode != "bicubic":
        share = min(max(place - low, 0.0), 1.0)
        return [(min(low, n - 1), 1 - share), (min(low + 1, n - 1), share)]
    found = []
    for k in range(-1, 3):
        x, a = abs(place - low - k), -0.75
        near, far = ((a + 2) * x - (a + 3)) * x * x + 1, ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        found.append((min(max(low + k, 0), n - 1), near if x <= 1 else far))
    return found


def one_hot(tensor: Tensor, num_classes: int) -> Tensor:
    return (tensor[..., None] == arange(num_classes)).long()


for _name, _function in list(globals().items()):
    if (
        not _name.startswith("_")
        and getattr(_function, "__module__", None) == __name__
        and hasattr(_function, "__code__")
    ):
        globals()[_name] = offered(_function, _name)

__getattr__ = lacking("torch.nn.functional", "F")
