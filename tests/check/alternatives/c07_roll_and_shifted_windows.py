"""Right answers to the exercises of chapter 7, written in other ways than the page's."""

import torch
import torch.nn.functional as F

import swinlib


def roll_by_slices(x, shift):
    shift %= len(x)
    return torch.cat([x[len(x) - shift :], x[: len(x) - shift]])


def roll_by_loop(x, shift):
    out = torch.empty_like(x)
    for i, value in enumerate(x):
        out[(i + shift) % len(x)] = value
    return out


def window_reverse_by_fold(windows, height, width):
    _, high, wide, channels = windows.shape
    count = (height // high) * (width // wide)
    columns = windows.reshape(-1, count, high * wide, channels).permute(0, 3, 2, 1).flatten(1, 2)
    return F.fold(columns, (height, width), (high, wide), stride=(high, wide)).permute(0, 2, 3, 1)


def window_reverse_by_loop(windows, height, width):
    _, high, wide, channels = windows.shape
    rows, columns = height // high, width // wide
    out = windows.new_empty(len(windows) // (rows * columns), height, width, channels)
    for number, window in enumerate(windows):
        image, place = divmod(number, rows * columns)
        row, column = divmod(place, columns)
        out[image, row * high : (row + 1) * high, column * wide : (column + 1) * wide] = window
    return out


def region_labels_by_slices(height, width, shift_rows, shift_columns):
    labels = torch.zeros(height, width)
    labels[height - shift_rows :] += 10
    labels[:, width - shift_columns :] += 5
    return labels


def region_labels_by_rolling(height, width, shift_rows, shift_columns):
    came_round = torch.zeros(height, width, dtype=torch.long)
    came_round[:shift_rows] += 1
    came_round[:, :shift_columns] += 2
    return came_round.roll((-shift_rows, -shift_columns), dims=(0, 1))


def additive_mask_by_where(labels, dtype):
    same = labels.unsqueeze(2).eq(labels.unsqueeze(1))
    return torch.where(same, torch.tensor(0.0, dtype=dtype), torch.tensor(float("-inf"), dtype=dtype))


def additive_mask_by_log(labels, dtype):
    return (labels[:, :, None] == labels[:, None, :]).to(dtype).log()


def cyclic_shift_twice(x, shift_size):
    return x.roll(-shift_size[0], 1).roll(-shift_size[1], 2)


def cyclic_shift_by_index(x, shift_size):
    rows = (torch.arange(x.shape[1]) + shift_size[0]) % x.shape[1]
    columns = (torch.arange(x.shape[2]) + shift_size[1]) % x.shape[2]
    return x[:, rows][:, :, columns]


def attention_mask_by_distance(height, width, window_size, shift_size):
    """Neighbours before the roll stand as far apart in the image as in the rolled map."""
    allowed = True
    for axis, (size, shift) in enumerate(zip((height, width), shift_size, strict=True)):
        rolled = torch.arange(size)
        pairs = []
        for places in (rolled, rolled.roll(-shift)):
            places = places.view(1, size, 1, 1) if axis == 0 else places.view(1, 1, size, 1)
            tokens = swinlib.window_partition(places.expand(1, height, width, 1), window_size).flatten(1)
            pairs.append(tokens[:, :, None] - tokens[:, None, :])
        allowed = allowed & (pairs[0] == pairs[1])
    return allowed


def attention_mask_with_nine_regions(height, width, window_size, shift_size):
    labels = torch.zeros(1, height, width, 1)
    bands = [
        (slice(0, size - window), slice(size - window, size - shift), slice(size - shift, size))
        for size, window, shift in zip((height, width), window_size, shift_size, strict=True)
    ]
    for number, (rows, columns) in enumerate((rows, columns) for rows in bands[0] for columns in bands[1]):
        labels[:, rows, columns] = number
    windows = swinlib.window_partition(labels, window_size).flatten(1)
    return windows.unsqueeze(1) == windows.unsqueeze(2)


def shifted_window_attention_window_by_window(x, attend, window_size, shift_size):
    batch, height, width, channels = x.shape
    high, wide = (-(-size // window_size) * window_size for size in (height, width))
    padded = torch.zeros(batch, high, wide, channels)
    padded[:, :height, :width] = x
    down, right = (0 if size == window_size else shift_size for size in (high, wide))
    out = torch.zeros_like(padded)
    for top in range(0, high, window_size):
        for left in range(0, wide, window_size):
            rows = torch.arange(top, top + window_size) + down
            columns = torch.arange(left, left + window_size) + right
            came_round = torch.cartesian_prod((rows >= high) * 2, (columns >= wide) * 1).sum(1)
            mask = came_round[None, :, None] == came_round[None, None, :]
            where = (slice(None), (rows % high)[:, None], (columns % wide)[None, :])
            window = padded[where]
            out[where] = attend(window.flatten(1, 2), mask).view_as(window)
    return out[:, :height, :width]


def shifted_window_attention_by_index(x, attend, window_size, shift_size):
    batch, height, width, channels = x.shape
    padded = F.pad(x, (0, 0, 0, -width % window_size, 0, -height % window_size))
    high, wide = padded.shape[1:3]
    shift = tuple(0 if size <= window_size else shift_size for size in (high, wide))
    places = torch.arange(high * wide).view(1, high, wide, 1).roll((-shift[0], -shift[1]), (1, 2))
    order = swinlib.window_partition(places, window_size).flatten()
    mask = swinlib.shifted_window_mask(high, wide, window_size, shift, additive=True) == 0
    windows = padded.flatten(1, 2)[:, order].reshape(-1, window_size**2, channels)
    attended = attend(windows, mask).reshape(batch, high * wide, channels)
    return attended[:, order.argsort()].view(batch, high, wide, channels)[:, :height, :width]


ALTERNATIVES = {
    "roll": [roll_by_slices, roll_by_loop],
    "window_reverse": [window_reverse_by_fold, window_reverse_by_loop],
    "region_labels": [region_labels_by_slices, region_labels_by_rolling],
    "additive_mask": [additive_mask_by_where, additive_mask_by_log],
    "cyclic_shift": [cyclic_shift_twice, cyclic_shift_by_index],
    "attention_mask": [attention_mask_by_distance, attention_mask_with_nine_regions],
    "shifted_window_attention": [
        shifted_window_attention_window_by_window,
        shifted_window_attention_by_index,
    ],
}
