"""Right answers to the exercises of chapter 10, written in other ways than the page's."""

import math
import re
from itertools import count, takewhile

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import swinlib


def swin_map_sizes_by_maps(height, width, patch_size, stages):
    """The sizes of maps without channels, embedded and merged."""
    x = torch.zeros(1, 1, height, width)
    x = F.max_pool2d(x, patch_size)
    sizes = [x.shape[2:]]
    for _ in range(stages - 1):
        x = F.max_pool2d(x, 2, ceil_mode=True)
        sizes.append(x.shape[2:])
    return sizes


def swin_map_sizes_from_the_first(height, width, patch_size, stages):
    rows, columns = height // patch_size, width // patch_size
    return [[math.ceil(rows / 2**i), math.ceil(columns / 2**i)] for i in range(stages)]


def block_flops_by_counter(height, width, channels, window_size):
    block = swinlib.SwinTransformerBlock(channels, 1, window_size)
    with FlopCounterMode(display=False) as counter:
        block(torch.zeros(1, height, width, channels))
    return counter.get_total_flops()


def block_flops_window_by_window(height, width, channels, window_size):
    flops = 0
    tokens = math.prod(window_size)
    for _ in range(0, height, window_size[0]):
        for _ in range(0, width, window_size[1]):
            flops += 2 * tokens * channels * 3 * channels  # qkv
            flops += 2 * tokens * tokens * channels  # q @ k
            flops += 2 * tokens * tokens * channels  # weights @ v
            flops += 2 * tokens * channels * channels  # proj
    return float(flops + 2 * height * width * 2 * channels * 4 * channels)


def drop_path_by_dropout(x, rate, training):
    return x * F.dropout(x.new_ones(x.shape[1], 1), rate, training)


def drop_path_by_index(x, rate, training):
    out = x.clone()
    if training:
        out /= 1 - rate
        out[:, torch.rand(x.shape[1]) < rate] = 0
    return out


def drop_path_through_swinlib(x, rate, training):
    layer = swinlib.blocks.DropPath(rate).train(training)
    return layer(x.transpose(0, 1)).transpose(0, 1)


def _cubic(distance, a=-0.75):
    """Keys's kernel, which PyTorch uses."""
    distance = abs(distance)
    if distance <= 1:
        return (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    if distance < 2:
        return a * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    return 0.0


def _cubic_matrix(size, target):
    matrix = torch.zeros(target, size, dtype=torch.float64)
    for k in range(target):
        at = (k + 0.5) * size / target - 0.5
        for place in range(math.floor(at) - 1, math.floor(at) + 3):
            matrix[k, min(max(place, 0), size - 1)] += _cubic(at - place)
    return matrix


def resize_table_by_matrices(table, old, new):
    down, right = (_cubic_matrix(2 * o - 1, 2 * n - 1) for o, n in zip(old, new, strict=True))
    square = table.double().unflatten(0, (2 * old[0] - 1, 2 * old[1] - 1))
    return torch.einsum("ry,cx,yxh->rch", down, right, square).flatten(0, 1).to(table.dtype)


def resize_table_head_by_head(table, old, new):
    resize = nn.Upsample(size=(2 * new[0] - 1, 2 * new[1] - 1), mode="bicubic")
    heads = [resize(head.reshape(1, 1, 2 * old[0] - 1, -1)).flatten() for head in table.unbind(1)]
    return torch.stack(heads, dim=1)


def swin_arguments_counting_up(state_dict):
    def depth(stage):
        return sum(1 for _ in takewhile(lambda j: f"layers.{stage}.blocks.{j}.norm2.bias" in state_dict, count()))

    depths = list(takewhile(bool, map(depth, count())))
    table = state_dict["layers.0.blocks.0.attn.relative_position_bias_table"]
    embed_dim, in_channels, *patch_size = state_dict["patch_embed.proj.weight"].shape
    window = next(m for m in count(1) if (2 * m - 1) ** 2 == len(table))
    return {
        "mlp_ratio": len(state_dict["layers.0.blocks.0.mlp.fc1.bias"]) / embed_dim,
        "qkv_bias": any(key.endswith("qkv.bias") for key in state_dict),
        "num_classes": len(state_dict.get("head.bias", ())),
        "window_size": (window, window),
        "patch_size": patch_size,
        "in_channels": in_channels,
        "embed_dim": embed_dim,
        "depths": depths,
        "num_heads": [
            state_dict[f"layers.{i}.blocks.0.attn.relative_position_bias_table"].shape[-1] for i in range(len(depths))
        ],
    }


def swin_arguments_in_one_walk(state_dict):
    blocks, heads, found = {}, {}, {"num_classes": 0, "qkv_bias": False}
    for key, tensor in state_dict.items():
        parts = key.split(".")
        if "blocks" in parts:
            stage, block = int(parts[1]), int(parts[3])
            blocks[stage] = max(blocks.get(stage, 0), block + 1)
        if key.endswith("bias_table"):
            heads[stage] = tensor.size(1)
            found["window_size"] = (math.isqrt(tensor.size(0)) + 1) // 2
        elif key.endswith("fc1.weight"):
            found["mlp_ratio"] = tensor.size(0) / tensor.size(1)
        elif key.endswith("qkv.bias"):
            found["qkv_bias"] = True
        elif key == "head.weight":
            found["num_classes"] = tensor.size(0)
        elif key == "patch_embed.proj.weight":
            found |= {"embed_dim": tensor.size(0), "in_channels": tensor.size(1), "patch_size": tensor.size(-1)}
    found["depths"] = tuple(blocks[i] for i in sorted(blocks))
    found["num_heads"] = tuple(heads[i] for i in sorted(heads))
    return found


def huggingface_to_timm_part_by_part(state_dict):
    words = {
        "layernorm_before": "norm1",
        "layernorm_after": "norm2",
        "layernorm": "norm",
        "attention": "attn",
        "o_proj": "proj",
        "projection": "proj",
        "classifier": "head.fc",
    }
    converted, rows = {}, {}
    for key, tensor in state_dict.items():
        parts = [part for part in key.split(".") if part not in ("swin", "encoder", "relative_position_bias")]
        if parts[0] == "embeddings":
            parts = ["patch_embed", *parts[-2:]]
        if "downsample" in parts:
            parts[1] = str(int(parts[1]) + 1)
        name = ".".join(words.get(part, part) for part in parts)
        if found := re.search(r"([qkv])_proj", name):
            rows.setdefault(name.replace(found[0], "qkv"), {})[found[1]] = tensor
        else:
            converted[name] = tensor
    return converted | {name: torch.cat([parts[letter] for letter in "qkv"]) for name, parts in rows.items()}


def huggingface_to_timm_by_replace(state_dict):
    converted = {}
    for key, tensor in state_dict.items():
        name = key.removeprefix("swin.").removeprefix("encoder.")
        name = name.replace("embeddings.patch_embeddings.projection", "patch_embed.proj")
        name = name.replace("embeddings.norm", "patch_embed.norm").replace("classifier", "head.fc")
        name = name.replace("layernorm_before", "norm1").replace("layernorm_after", "norm2")
        name = name.replace("layernorm", "norm").replace("attention.o_proj", "attn.proj")
        name = name.replace("attention.relative_position_bias.", "attn.").replace("attention.", "attn.")
        if "downsample" in name:
            _, stage, rest = name.split(".", 2)
            name = f"layers.{int(stage) + 1}.{rest}"
        for third, letter in enumerate("qkv"):
            if f"{letter}_proj" in name:
                whole = converted.setdefault(
                    name.replace(f"{letter}_proj", "qkv"), tensor.new_empty(3 * len(tensor), *tensor.shape[1:])
                )
                whole[third * len(tensor) : (third + 1) * len(tensor)] = tensor
                break
        else:
            converted[name] = tensor
    return converted


def patches_in_sight_by_gradient(rows, columns, depths, window_size, token):
    """Ask a network with random parameters."""
    torch.manual_seed(0)
    x = torch.randn(1, rows, columns, 2, dtype=torch.float64, requires_grad=True)
    y = x
    for i, depth in enumerate(depths):
        if i:
            y = swinlib.PatchMerging(y.shape[-1]).double()(y)
        y = swinlib.SwinStage(y.shape[-1], depth, 1, window_size).double()(y)
    weights = torch.randn(y.shape[-1], dtype=torch.float64)
    (y[0, token[0], token[1]] * weights).sum().backward()
    return (x.grad[0] != 0).any(dim=-1)


def patches_in_sight_token_by_token(rows, columns, depths, window_size, token):
    sizes = [(rows, columns)]
    for _ in depths[1:]:
        sizes.append(tuple((side + 1) // 2 for side in sizes[-1]))

    def group(place, size, shift):
        padded = size + -size % window_size
        if padded == window_size:
            shift = 0
        rolled = (place - shift) % padded
        return rolled // window_size, place < shift

    seen = {token}
    for stage in reversed(range(len(depths))):
        high, wide = sizes[stage]
        every = [(row, column) for row in range(high) for column in range(wide)]
        if stage + 1 < len(depths):
            seen = {(row, column) for row, column in every if (row // 2, column // 2) in seen}
        for block in reversed(range(depths[stage])):
            shift = window_size // 2 if block % 2 else 0

            def groups(place, shift=shift, high=high, wide=wide):
                return group(place[0], high, shift), group(place[1], wide, shift)

            looked_at = {groups(place) for place in seen}
            seen = {place for place in every if groups(place) in looked_at}
    answer = torch.zeros(rows, columns, dtype=torch.bool)
    for place in seen:
        answer[place] = True
    return answer


ALTERNATIVES = {
    "swin_map_sizes": [swin_map_sizes_by_maps, swin_map_sizes_from_the_first],
    "block_flops": [block_flops_by_counter, block_flops_window_by_window],
    "drop_path": [drop_path_by_dropout, drop_path_by_index, drop_path_through_swinlib],
    "resize_table": [resize_table_by_matrices, resize_table_head_by_head],
    "swin_arguments": [swin_arguments_counting_up, swin_arguments_in_one_walk],
    "huggingface_to_timm": [huggingface_to_timm_part_by_part, huggingface_to_timm_by_replace],
    "patches_in_sight": [patches_in_sight_by_gradient, patches_in_sight_token_by_token],
}
