"""Right answers to the exercises of chapter 4, written in other ways than the page's."""

import itertools

import numpy
import torch
import torch.nn.functional as F


def broadcast_shape_by_index(a, b):
    shape = []
    for i in range(1, max(len(a), len(b)) + 1):
        m = a[-i] if i <= len(a) else 1
        n = b[-i] if i <= len(b) else 1
        if m == n or n == 1:
            shape.insert(0, m)
        elif m == 1:
            shape.insert(0, n)
        else:
            raise ValueError(f"{a} and {b} do not fit")
    return tuple(shape)


def broadcast_shape_as_a_list(a, b):
    """A list, by sets of the sizes in each column."""
    shape = []
    for sizes in itertools.zip_longest(reversed(a), reversed(b), fillvalue=1):
        different = set(sizes) - {1}
        if len(different) > 1:
            raise ValueError("no")
        shape.append(different.pop() if different else 1)
    return shape[::-1]


def stable_softmax_by_logsumexp(x):
    return (x - x.logsumexp(-1, keepdim=True)).exp()


def stable_softmax_by_loop(x):
    rows = []
    for row in x.reshape(-1, x.shape[-1]):
        exponentials = torch.exp(row - row.max())
        rows.append(exponentials / exponentials.sum())
    return torch.stack(rows).reshape(x.shape)


def product_shape_by_cases(a, b):
    if len(a) == 0 or len(b) == 0:
        raise ValueError("numbers")
    if a[-1] != (b[0] if len(b) == 1 else b[-2]):
        raise ValueError("inner sizes")
    if len(a) == 1 and len(b) == 1:
        return ()
    if len(b) == 1:
        return a[:-1]
    if len(a) == 1:
        return b[:-2] + b[-1:]
    return (*numpy.broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1])  # raises ValueError itself


def product_shape_by_einsum(a, b):
    """Let another product find the shape."""
    if not (a and b):
        raise ValueError("numbers")
    letters = ("k" if len(a) == 1 else "...ik") + "," + ("k" if len(b) == 1 else "...kj")
    out = ("..." if max(len(a), len(b)) > 1 else "") + ("i" if len(a) > 1 else "") + ("j" if len(b) > 1 else "")
    if a[-1] != b[max(len(b) - 2, 0)]:  # einsum would stretch a 1
        raise ValueError("inner sizes")
    try:
        return torch.einsum(f"{letters}->{out}", torch.zeros(a), torch.zeros(b)).shape
    except RuntimeError as error:
        raise ValueError("einsum refuses") from error


def qkv_rows_by_chunks(tensor, num_heads):
    parts = [part for head in tensor.chunk(num_heads) for part in head.chunk(3)]
    return torch.cat(parts[0::3] + parts[1::3] + parts[2::3])


def qkv_rows_by_index(tensor, num_heads):
    order = torch.arange(len(tensor)).view(num_heads, 3, -1).transpose(0, 1).flatten()
    return tensor[order]


def mask_for_multihead_by_expand(mask, images, num_heads):
    windows, tokens, _ = mask.shape
    return mask.logical_not()[None, :, None].expand(images, windows, num_heads, tokens, tokens).flatten(0, 2)


def mask_for_multihead_by_loop(mask, images, num_heads):
    return torch.stack([~allowed for _ in range(images) for allowed in mask for _ in range(num_heads)])


def pixel_attention_by_matmul(q, k, v):
    q, k, v = (tensor.transpose(1, 2) for tensor in (q, k, v))
    weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
    return (weights @ v).transpose(1, 2).flatten(2)


def pixel_attention_by_sdpa(q, k, v):
    result = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
    return result.transpose(1, 2).reshape(len(q), q.shape[1], -1)


def window_attention_by_sdpa(layer, x, mask):
    high, wide = layer.window_size
    places = torch.cartesian_prod(torch.arange(high), torch.arange(wide))
    offsets = places[:, None] - places[None, :] + torch.tensor([high - 1, wide - 1])
    folded = layer.relative_position_bias_table.view(2 * high - 1, 2 * wide - 1, -1)
    added = folded[offsets[..., 0], offsets[..., 1]].permute(2, 0, 1)[None]
    if mask is not None:
        hidden = torch.zeros(mask.shape, dtype=x.dtype).masked_fill(~mask, float("-inf"))
        added = (added + hidden[:, None]).repeat(len(x) // len(mask), 1, 1, 1)
    q, k, v = (
        part.unflatten(-1, (layer.num_heads, -1)).transpose(1, 2)
        for part in F.linear(x, layer.qkv.weight, layer.qkv.bias).chunk(3, dim=-1)
    )
    result = F.scaled_dot_product_attention(q, k, v, attn_mask=added)
    return layer.proj(result.transpose(1, 2).flatten(2))


def window_attention_pair_by_pair(layer, x, mask):
    count, tokens, channels = x.shape
    wide, width = layer.window_size[1], channels // layer.num_heads
    q, k, v = (x @ layer.qkv.weight.T + layer.qkv.bias).split(channels, dim=-1)
    gathered = torch.empty_like(x)
    for head in range(layer.num_heads):
        part = slice(head * width, (head + 1) * width)
        logits = torch.einsum("bic,bjc->bij", q[..., part], k[..., part]) / width**0.5
        for i, j in itertools.product(range(tokens), repeat=2):
            down, right = i // wide - j // wide, i % wide - j % wide
            row = (down + layer.window_size[0] - 1) * (2 * wide - 1) + right + wide - 1
            logits[:, i, j] += layer.relative_position_bias_table[row, head]
        if mask is not None:
            for number in range(count):
                logits[number][~mask[number % len(mask)]] = float("-inf")
        gathered[..., part] = logits.softmax(-1) @ v[..., part]
    return gathered @ layer.proj.weight.T + layer.proj.bias


ALTERNATIVES = {
    "broadcast_shape": [broadcast_shape_by_index, broadcast_shape_as_a_list],
    "stable_softmax": [stable_softmax_by_logsumexp, stable_softmax_by_loop],
    "product_shape": [product_shape_by_cases, product_shape_by_einsum],
    "qkv_rows": [qkv_rows_by_chunks, qkv_rows_by_index],
    "mask_for_multihead": [mask_for_multihead_by_expand, mask_for_multihead_by_loop],
    "pixel_attention": [pixel_attention_by_matmul, pixel_attention_by_sdpa],
    "window_attention": [window_attention_by_sdpa, window_attention_pair_by_pair],
}
