"""Right answers to the exercises of chapter 11, written in other ways than the page's."""

import torch
import torch.nn.functional as F

import swinlib


def whole_speedup_by_shares(times, gains):
    """Amdahl's form: one over the sum of what is left of each share."""
    whole = sum(times)
    return 1 / sum(time / whole / gain for time, gain in zip(times, gains, strict=True))


def whole_speedup_with_tensors(times, gains):
    times, gains = (torch.tensor(numbers, dtype=torch.float64) for numbers in (times, gains))
    return times.sum() / (times / gains).sum()


def window_order_by_loop(height, width, window_size):
    high, wide = window_size
    return torch.tensor(
        [
            row * width + column
            for top in range(0, height, high)
            for left in range(0, width, wide)
            for row in range(top, top + high)
            for column in range(left, left + wide)
        ]
    )


def window_order_by_sorting(height, width, window_size):
    """A stable sort of the rows by their windows."""
    rows = torch.arange(height * width)
    window = rows // width // window_size[0] * width + rows % width // window_size[1]
    return window.argsort(stable=True)


def window_order_by_reshape(height, width, window_size):
    high, wide = window_size
    rows = torch.arange(height * width).view(height // high, high, width // wide, wide)
    return rows.transpose(1, 2).reshape(-1)


def back_to_map_by_writing(tokens, order):
    out = torch.empty_like(tokens)
    out[order] = tokens
    return out


def back_to_map_by_one_hot(tokens, order):
    return F.one_hot(order, len(order)).T.to(tokens.dtype) @ tokens


def one_gather_by_carrying(here, there):
    """Put the numbers of the places where the map's rows belong, and take them."""
    lies = torch.empty_like(here)
    lies[here] = torch.arange(len(here))
    return lies[there]


def one_gather_by_search(here, there):
    return (there[:, None] == here).int().argmax(dim=1)


def one_gather_by_dict(here, there):
    lies = {row: place for place, row in enumerate(here.tolist())}
    return torch.tensor([lies[row] for row in there.tolist()])


def window_kinds_from_masks(height, width, window_size, shift_size):
    mask = swinlib.shifted_window_mask(height, width, window_size, shift_size)
    return torch.unique(mask, dim=0, return_inverse=True)[1]


def window_kinds_from_regions(height, width, window_size, shift_size):
    """Which tokens are in one region with the first, as the digits of a number."""
    regions = swinlib.shifted_window_regions(height, width, window_size, shift_size)
    windows = swinlib.window_partition(regions[None, :, :, None], window_size).flatten(1)
    same = windows == windows[:, :1]
    weights = 2.0 ** torch.arange(same.shape[1])
    return same.float() @ weights


def window_kinds_one_by_one(height, width, window_size, shift_size):
    rows, columns = height // window_size[0], width // window_size[1]
    return torch.tensor(
        [
            [10 * (row == rows - 1 and shift_size[0] > 0) + (column == columns - 1 and shift_size[1] > 0)]
            for row in range(rows)
            for column in range(columns)
        ]
    ).flatten()


def attend_by_kind_into_slices(q, k, v, bias, masks, sizes):
    out = torch.empty_like(v)
    first = 0
    for size, mask in zip(sizes, masks, strict=True):
        of_kind = slice(first, first + size)
        added = torch.where(mask, bias, torch.tensor(float("-inf"), dtype=bias.dtype))
        out[of_kind] = F.scaled_dot_product_attention(q[of_kind], k[of_kind], v[of_kind], attn_mask=added)
        first += size
    return out


def attend_by_kind_in_one_call(q, k, v, bias, masks, sizes):
    """Right, though it writes a bias for each window."""
    biases = bias + masks.to(bias.dtype).log()[:, None]
    of_windows = biases.repeat_interleave(torch.tensor(sizes), dim=0)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=of_windows)


def route_by_names(height, width, window_size, depths):
    """Each row carries the name of its token, and each step is looked up by names."""
    lying = [(row, column) for row in range(height) for column in range(width)]
    steps = []
    for stage, depth in enumerate(depths):
        for block in range(depth):
            if stage and not block:
                lies = {name: place for place, name in enumerate(lying)}
                height, width = height // 2, width // 2
            down, right = (
                window // 2 if block % 2 and size > window else 0
                for size, window in zip((height, width), window_size, strict=True)
            )
            wanted = [
                ((top + i + down) % height, (left + j + right) % width)
                for top in range(0, height, window_size[0])
                for left in range(0, width, window_size[1])
                for i in range(window_size[0])
                for j in range(window_size[1])
            ]
            if stage and not block:
                four = [
                    [(2 * i, 2 * j), (2 * i + 1, 2 * j), (2 * i, 2 * j + 1), (2 * i + 1, 2 * j + 1)] for i, j in wanted
                ]
                steps.append(torch.tensor([[lies[name] for name in names] for names in four]))
            else:
                steps.append(torch.tensor([lying.index(name) for name in wanted]))
            lying = wanted
    steps.append(torch.tensor([lying.index((row, column)) for row in range(height) for column in range(width)]))
    return steps


def route_by_orders(height, width, window_size, depths):
    """An order for each block, and from one to the next by the inverse."""

    def ordered(size, block):
        numbers = torch.arange(size[0] * size[1]).view(1, *size, 1)
        half = tuple(block % 2 * (side // 2) for side in window_size)
        shift = swinlib.effective_shift(*size, window_size, half)
        return swinlib.window_partition(swinlib.cyclic_shift(numbers, shift), window_size).flatten()

    size, at, steps = (height, width), torch.arange(height * width), []
    for stage, depth in enumerate(depths):
        lies = torch.argsort(at)
        if stage:
            lies = swinlib.space_to_depth(lies.view(1, *size, 1)).flatten(0, 2)
            size = tuple(side // 2 for side in size)
        for block in range(depth):
            at = ordered(size, block)
            steps.append(lies[at])
            lies = torch.argsort(at)
    return (*steps, lies)


ALTERNATIVES = {
    "whole_speedup": [whole_speedup_by_shares, whole_speedup_with_tensors],
    "window_order": [window_order_by_loop, window_order_by_sorting, window_order_by_reshape],
    "back_to_map": [back_to_map_by_writing, back_to_map_by_one_hot],
    "one_gather": [one_gather_by_carrying, one_gather_by_search, one_gather_by_dict],
    "window_kinds": [window_kinds_from_masks, window_kinds_from_regions, window_kinds_one_by_one],
    "attend_by_kind": [attend_by_kind_into_slices, attend_by_kind_in_one_call],
    "route": [route_by_names, route_by_orders],
}
