"""The checks of chapter 7: rolling, regions, masks, shifted window attention."""

import torch
from torch import Tensor

import swinlib

from .exercise import Arguments, exercise
from .inputs import DTYPES, LAYOUTS, integers, noise, numbered, sampled_from
from .judging import difference, difference_of_kind

# --- roll -------------------------------------------------------------------------------------------------------


@exercise(
    lambda x, shift: torch.roll(x, shift),
    without=("torch.roll", "torch.Tensor.roll"),
    always=({"length": 4, "shift": 1}, {"length": 3, "shift": -5}),
    length=integers(1, 6),
    shift=integers(-9, 9),
)
def roll(length: int, shift: int) -> Arguments:
    """A vector rolled by a shift of any sign and size."""
    return {"x": numbered(length), "shift": shift}


@roll.mistake
def rolled_backwards(x: Tensor, shift: int) -> Tensor:
    """It rolls the other way: a positive shift moves entries to higher indices."""
    return torch.roll(x, -shift)


@roll.mistake
def pushed_out(x: Tensor, shift: int) -> Tensor:
    """What leaves at one end must come in at the other; here zeros come in."""
    index = torch.arange(len(x)) - shift
    return torch.where((index >= 0) & (index < len(x)), x[index.clamp(0, len(x) - 1)], torch.zeros_like(x))


@roll.mistake
def clamped(x: Tensor, shift: int) -> Tensor:
    """The index stops at the end of the vector; it must go round, which is what % does."""
    return x[(torch.arange(len(x)) - shift).clamp(0, len(x) - 1)]


@roll.mistake
def cut_at_the_shift(x: Tensor, shift: int) -> Tensor:
    """The two slices are right while the shift is between 1 and the length; for 0, and for more than the length, they
    are not: take the shift modulo the length first."""
    return torch.cat([x[-shift:], x[:-shift]])


@roll.mistake
def index_without_modulo(x: Tensor, shift: int) -> Tensor:
    """A negative index reads from the end, so small positive shifts work; others run out of the vector."""
    return x[torch.arange(len(x)) - shift]


# --- window_reverse ---------------------------------------------------------------------------------------------


@exercise(
    lambda windows, height, width: swinlib.window_reverse(windows, tuple(windows.shape[1:3]), height, width),
    without=("swinlib.window_reverse", "swinlib.windows.window_reverse"),
    always=({"batch": 2, "rows": 2, "columns": 3, "high": 2, "wide": 3, "channels": 2, "layout": "strided"},),
    batch=integers(1, 2),
    rows=integers(1, 3),
    columns=integers(1, 3),
    high=integers(1, 3),
    wide=integers(1, 3),
    channels=integers(1, 2),
    layout=LAYOUTS,
)
def window_reverse(batch: int, rows: int, columns: int, high: int, wide: int, channels: int, layout: str) -> Arguments:
    """Windows back into the map that they were cut from."""
    windows = numbered(batch * rows * columns, high, wide, channels, layout=layout)
    return {"windows": windows, "height": rows * high, "width": columns * wide}


@window_reverse.judge
def say_which_token(got: object, want: Tensor, windows: Tensor, height: int, width: int) -> str | None:
    """Name the window that a token came from, and the one that it should come from."""
    problem = difference(got, want, name="the map")
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    batch, row, column, channel = (got != want).nonzero()[0].tolist()
    return (
        f"row {row}, column {column} of map {batch} holds {_place(windows, got[batch, row, column, channel])}; "
        f"it should hold {_place(windows, want[batch, row, column, channel])}"
    )


def _place(windows: Tensor, value: Tensor) -> str:
    where = (windows == value).nonzero()
    if not len(where):
        return f"{value:g}, which is in no window"
    window, row, column, channel = where[0].tolist()
    return f"window {window}, row {row}, column {column}, channel {channel}"


@window_reverse.mistake
def reshape_alone(windows: Tensor, height: int, width: int) -> Tensor:
    """It looks like a reshape alone: each window is laid out as a strip. The rows of a window and the rows of the
    grid must stand side by side first."""
    return windows.reshape(-1, height, width, windows.shape[-1])


@window_reverse.mistake
def grid_transposed(windows: Tensor, height: int, width: int) -> Tensor:
    """It looks like the windows are put back column by column; they are numbered row by row."""
    _, high, wide, channels = windows.shape
    grid = windows.reshape(-1, width // wide, height // high, high, wide, channels)
    return grid.permute(0, 2, 3, 1, 4, 5).reshape(-1, height, width, channels)


@window_reverse.mistake
def window_transposed(windows: Tensor, height: int, width: int) -> Tensor:
    """It looks like rows and columns change places within each window."""
    _, high, wide, channels = windows.shape
    grid = windows.reshape(-1, height // high, width // wide, high, wide, channels)
    return grid.permute(0, 1, 4, 2, 3, 5).reshape(-1, height, width, channels)


@window_reverse.mistake
def square_windows_only(windows: Tensor, height: int, width: int) -> Tensor:
    """It takes the height of a window for its width too; windows need not be square."""
    _, size, _, channels = windows.shape
    grid = windows.reshape(-1, height // size, width // size, size, size, channels)
    return grid.transpose(2, 3).reshape(-1, height, width, channels)


@window_reverse.mistake
def one_image_only(windows: Tensor, height: int, width: int) -> Tensor:
    """It puts everything into one map; the windows of a batch belong to several."""
    return swinlib.window_reverse(windows, tuple(windows.shape[1:3]), height, width)[:1]


# --- region_labels ----------------------------------------------------------------------------------------------


def _who_may_meet(labels: Tensor) -> Tensor:
    flat = labels.flatten()
    return flat[:, None] == flat[None, :]


@exercise(
    lambda height, width, shift_rows, shift_columns: swinlib.shifted_window_regions(
        height, width, (height, width), (shift_rows, shift_columns)
    ),
    without=("swinlib.shifted_window_regions", "swinlib.windows.shifted_window_regions"),
    always=(
        {"height": 4, "width": 5, "shift_rows": 2, "shift_columns": 1},
        {"height": 4, "width": 5, "shift_rows": 3, "shift_columns": 0},
    ),
    height=integers(1, 6),
    width=integers(1, 6),
    shift_rows=integers(0, 5),
    shift_columns=integers(0, 5),
)
def region_labels(height: int, width: int, shift_rows: int, shift_columns: int) -> Arguments:
    """Labels of a rolled map: equal where tokens may meet."""
    return {
        "height": height,
        "width": width,
        "shift_rows": min(shift_rows, height - 1),
        "shift_columns": min(shift_columns, width - 1),
    }


@region_labels.judge
def any_four_numbers(
    got: object, want: Tensor, height: int, width: int, shift_rows: int, shift_columns: int
) -> str | None:
    """Any labels will do that are equal where the reference's are."""
    if not isinstance(got, Tensor):
        return difference_of_kind(got, f"a tensor of shape {(height, width)}")
    if got.shape != want.shape:
        return f"the labels have shape {tuple(got.shape)}; expected {tuple(want.shape)}"
    mine, right = _who_may_meet(got), _who_may_meet(want)
    wrong = (mine != right).nonzero()
    if not len(wrong):
        return None
    one, other = (divmod(int(token), width) for token in wrong[0])
    if mine[*wrong[0]]:
        return (
            f"tokens {one} and {other} of the rolled map have the same label, but only the roll made them "
            "neighbours: one of them came round the border"
        )
    return f"tokens {one} and {other} of the rolled map have different labels, but they were neighbours in the image"


@region_labels.mistake
def all_alike(height: int, width: int, shift_rows: int, shift_columns: int) -> Tensor:
    """All labels are equal, so nothing is kept apart."""
    return torch.zeros(height, width, dtype=torch.long)


@region_labels.mistake
def assigned_over(height: int, width: int, shift_rows: int, shift_columns: int) -> Tensor:
    """The second assignment writes over the first, so the corner that came round twice is lost; and with a shift of 0,
    `[-0:]` is `[0:]`, which is everything."""
    labels = torch.zeros(height, width, dtype=torch.long)
    labels[-shift_rows:] = 1
    labels[:, -shift_columns:] = 2
    return labels


@region_labels.mistake
def rows_only(height: int, width: int, shift_rows: int, shift_columns: int) -> Tensor:
    """Only the rows are kept apart; the columns come round as well."""
    return (torch.arange(height)[:, None] >= height - shift_rows).long().expand(height, width)


@region_labels.mistake
def not_weighed(height: int, width: int, shift_rows: int, shift_columns: int) -> Tensor:
    """The two conditions are added with equal weight, so what came round from the top gets the label of what came
    round from the left."""
    rows = torch.arange(height)[:, None] >= height - shift_rows
    columns = torch.arange(width)[None, :] >= width - shift_columns
    return rows.long() + columns.long()


@region_labels.mistake
def at_the_wrong_end(height: int, width: int, shift_rows: int, shift_columns: int) -> Tensor:
    """The labels fit a map rolled the other way. A roll up and to the left brings the first rows to the bottom, and the
    first columns to the right."""
    rows = torch.arange(height)[:, None] < shift_rows
    columns = torch.arange(width)[None, :] < shift_columns
    return 2 * rows.long() + columns.long()


@region_labels.mistake
def axes_swapped(height: int, width: int, shift_rows: int, shift_columns: int) -> Tensor:
    """The shift of the rows is used for the columns, and the other way round."""
    rows = torch.arange(height)[:, None] >= height - shift_columns
    columns = torch.arange(width)[None, :] >= width - shift_rows
    return 2 * rows.long() + columns.long()


# --- additive_mask ----------------------------------------------------------------------------------------------


@exercise(
    lambda labels, dtype: torch.zeros(*labels.shape, labels.shape[1], dtype=dtype).masked_fill(
        labels[:, :, None] != labels[:, None, :], float("-inf")
    ),
    always=({"labels": [[0, 1]], "dtype": "float32"}, {"labels": [[0, 1, 1], [2, 2, 2]], "dtype": "float64"}),
    labels=sampled_from([[[0]], [[0, 1]], [[0, 0], [0, 1]], [[1, 0, 1], [0, 0, 0]], [[0, 2, 3, 0]]]),
    dtype=DTYPES,
)
def additive_mask(labels: list[list[int]], dtype: str) -> Arguments:
    """Labels of windows into a mask that is added to the logits."""
    return {"labels": torch.tensor(labels), "dtype": getattr(torch, dtype)}


@additive_mask.mistake
def minus_a_hundred(labels: Tensor, dtype: torch.dtype) -> Tensor:
    """-100 is large, but not infinite: a logit of 120 beats it (chapter 7 shows this)."""
    strangers = labels[:, :, None] != labels[:, None, :]
    return torch.zeros(strangers.shape, dtype=dtype).masked_fill(strangers, -100.0)


@additive_mask.mistake
def zero_times_infinity(labels: Tensor, dtype: torch.dtype) -> Tensor:
    """0 times infinity is not a number. Write the value where the condition holds, instead of multiplying by it."""
    return (labels[:, :, None] != labels[:, None, :]).to(dtype) * float("-inf")


@additive_mask.mistake
def friends_forbidden(labels: Tensor, dtype: torch.dtype) -> Tensor:
    """It is the wrong way round: tokens of one region may attend to each other."""
    friends = labels[:, :, None] == labels[:, None, :]
    return torch.zeros(friends.shape, dtype=dtype).masked_fill(friends, float("-inf"))


@additive_mask.mistake
def always_float32(labels: Tensor, dtype: torch.dtype) -> Tensor:
    """The dtype that was asked for is not used."""
    strangers = labels[:, :, None] != labels[:, None, :]
    return torch.zeros(strangers.shape).masked_fill(strangers, float("-inf"))


@additive_mask.mistake
def boolean_mask(labels: Tensor, dtype: torch.dtype) -> Tensor:
    """This is the boolean form, True where attention is allowed; this one is added to logits: 0 or minus infinity."""
    return labels[:, :, None] == labels[:, None, :]


@additive_mask.mistake
def lowest_number(labels: Tensor, dtype: torch.dtype) -> Tensor:
    """The lowest finite number is not minus infinity."""
    strangers = labels[:, :, None] != labels[:, None, :]
    return torch.zeros(strangers.shape, dtype=dtype).masked_fill(strangers, torch.finfo(dtype).min)


# --- cyclic_shift: a bug hunt ------------------------------------------------------------------------------------


@exercise(
    lambda x, shift_size: swinlib.cyclic_shift(x, shift_size),
    without=("swinlib.cyclic_shift", "swinlib.windows.cyclic_shift"),
    always=({"batch": 2, "height": 3, "width": 4, "rows": 1, "columns": 2},),
    batch=integers(1, 2),
    height=integers(1, 4),
    width=integers(1, 4),
    rows=integers(0, 3),
    columns=integers(0, 3),
)
def cyclic_shift(batch: int, height: int, width: int, rows: int, columns: int) -> Arguments:
    """A map rolled up and to the left."""
    return {"x": numbered(batch, height, width, 1), "shift_size": (rows, columns)}


@cyclic_shift.mistake
def rows_for_both(x: Tensor, shift_size: tuple[int, int]) -> Tensor:
    """Both axes are rolled by the first shift; the second is never used."""
    rows, _ = shift_size
    return torch.roll(x, shifts=(-rows, -rows), dims=(1, 2))


@cyclic_shift.mistake
def shifts_exchanged(x: Tensor, shift_size: tuple[int, int]) -> Tensor:
    """The two shifts are exchanged: the first belongs to the rows, dimension 1."""
    rows, columns = shift_size
    return torch.roll(x, shifts=(-columns, -rows), dims=(1, 2))


@cyclic_shift.mistake
def down_and_right(x: Tensor, shift_size: tuple[int, int]) -> Tensor:
    """The map is rolled down and to the right: up and to the left are negative shifts."""
    return torch.roll(x, shifts=tuple(shift_size), dims=(1, 2))


@cyclic_shift.mistake
def channels_first(x: Tensor, shift_size: tuple[int, int]) -> Tensor:
    """Dimensions 2 and 3 are rolled, which are rows and columns in the layout (B, C, H, W); here it is (B, H, W, C)."""
    rows, columns = shift_size
    return torch.roll(x, shifts=(-rows, -columns), dims=(2, 3))


@cyclic_shift.mistake
def without_dims(x: Tensor, shift_size: tuple[int, int]) -> Tensor:
    """Without `dims` the tensor is rolled as one long vector, and rows and images run into each other."""
    return torch.roll(x, -sum(shift_size))


# --- attention_mask ----------------------------------------------------------------------------------------------


@exercise(
    lambda height, width, window_size, shift_size: swinlib.shifted_window_mask(height, width, window_size, shift_size),
    without=("swinlib.shifted_window_mask", "swinlib.windows.shifted_window_mask"),
    always=({"rows": 2, "columns": 2, "high": 2, "wide": 3, "shift_rows": 1, "shift_columns": 2},),
    rows=integers(1, 3),
    columns=integers(1, 3),
    high=integers(1, 3),
    wide=integers(1, 3),
    shift_rows=integers(0, 2),
    shift_columns=integers(0, 2),
)
def attention_mask(rows: int, columns: int, high: int, wide: int, shift_rows: int, shift_columns: int) -> Arguments:
    """Which pairs of tokens may attend to each other, window by window."""
    return {
        "height": rows * high,
        "width": columns * wide,
        "window_size": (high, wide),
        "shift_size": (min(shift_rows, high - 1), min(shift_columns, wide - 1)),
    }


@attention_mask.judge
def say_which_pair(
    got: object, want: Tensor, height: int, width: int, window_size: tuple[int, int], shift_size: tuple[int, int]
) -> str | None:
    """Name two tokens of the image that may meet and should not, or the other way round."""
    problem = difference(got, want, name="the mask")
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    window, query, key = (got != want).nonzero()[0].tolist()
    (high, wide), columns = window_size, width // window_size[1]

    def in_the_image(token: int) -> tuple[int, int]:
        row = window // columns * high + token // wide + shift_size[0]
        return row % height, (window % columns * wide + token % wide + shift_size[1]) % width

    pair = f"tokens {in_the_image(query)} and {in_the_image(key)} of the image"
    entry = f"mask[{window}, {query}, {key}] is {bool(got[window, query, key])}"
    if got[window, query, key]:
        return f"{entry}: {pair} may attend to each other, but only the roll made them neighbours"
    return f"{entry}: {pair} may not attend to each other, though they were neighbours before the roll"


def _mask(height: int, width: int, window_size: tuple[int, int], rows: Tensor, columns: Tensor) -> Tensor:
    labels = (rows[:, None] * 10 + columns[None, :]).view(1, height, width, 1)
    windows = swinlib.window_partition(labels, window_size).flatten(1)
    return windows[:, :, None] == windows[:, None, :]


@attention_mask.mistake
def nothing_masked(height: int, width: int, window_size: tuple[int, int], shift_size: tuple[int, int]) -> Tensor:
    """Nothing is masked: attention flows between opposite borders of the image."""
    return _mask(height, width, window_size, torch.zeros(height), torch.zeros(width))


@attention_mask.mistake
def mask_of_rows(height: int, width: int, window_size: tuple[int, int], shift_size: tuple[int, int]) -> Tensor:
    """Only what comes round from the top is kept apart; what comes round from the left must be too."""
    return _mask(height, width, window_size, (torch.arange(height) >= height - shift_size[0]) * 1, torch.zeros(width))


@attention_mask.mistake
def inverted(height: int, width: int, window_size: tuple[int, int], shift_size: tuple[int, int]) -> Tensor:
    """It is the wrong way round: True lets a pair attend to each other."""
    return ~swinlib.shifted_window_mask(height, width, window_size, shift_size)


@attention_mask.mistake
def pixels_masked(height: int, width: int, window_size: tuple[int, int], shift_size: tuple[int, int]) -> Tensor:
    """Tokens that came round are hidden from everybody. The mask hides pairs: those that came round together may
    attend to each other."""
    regions = swinlib.shifted_window_regions(height, width, window_size, shift_size)
    windows = swinlib.window_partition(regions[None, :, :, None], window_size).flatten(1)
    return (windows == 0)[:, None, :].expand(-1, windows.shape[1], -1)


@attention_mask.mistake
def shifts_exchanged_in_mask(
    height: int, width: int, window_size: tuple[int, int], shift_size: tuple[int, int]
) -> Tensor:
    """The two shifts are exchanged: the first belongs to the rows."""
    rows, columns = (torch.arange(n) >= n - s for n, s in ((height, shift_size[1]), (width, shift_size[0])))
    return _mask(height, width, window_size, rows * 1, columns * 1)


@attention_mask.picture
def two_masks(
    got: Tensor, want: Tensor, height: int, width: int, window_size: tuple[int, int], shift_size: tuple[int, int]
) -> object:
    """The masks of all windows, one after the other."""
    from swinlib import figures

    return figures.show_answer(got.float().flatten(0, 1).T, want.float().flatten(0, 1).T, rows="key", columns="query")


# --- shifted_window_attention -------------------------------------------------------------------------------------


def _average(windows: Tensor, mask: Tensor | None) -> Tensor:
    """Attention in which every key weighs the same: enough to see who looked at whom, and exact to follow."""
    count, tokens, _ = windows.shape
    allowed = torch.ones(count, tokens, tokens) if mask is None else mask.repeat(count // len(mask), 1, 1).float()
    return allowed / allowed.sum(-1, keepdim=True) @ windows


@exercise(
    lambda x, attend, window_size, shift_size: _attention(x, attend, window_size, shift_size),
    probe=lambda answer, x, attend, window_size, shift_size: answer(x, attend, window_size, shift_size),
    without=("swinlib.SwinTransformerBlock.shifted_window_attention",),
    always=(
        {"batch": 2, "height": 4, "width": 8, "window_size": 4, "shift_size": 2, "layout": "contiguous"},
        {"batch": 1, "height": 5, "width": 7, "window_size": 4, "shift_size": 1, "layout": "strided"},
        {"batch": 1, "height": 3, "width": 10, "window_size": 4, "shift_size": 2, "layout": "contiguous"},
    ),
    batch=integers(1, 2),
    height=integers(1, 7),
    width=integers(1, 7),
    window_size=integers(1, 4),
    shift_size=integers(0, 3),
    layout=LAYOUTS,
)
def shifted_window_attention(
    batch: int, height: int, width: int, window_size: int, shift_size: int, layout: str
) -> Arguments:
    """Shifted window attention on a map of any size."""
    return {
        "x": noise(batch, height, width, 1, layout=layout),
        "attend": _average,
        "window_size": window_size,
        "shift_size": min(shift_size, window_size - 1),
    }


def _attention(
    x: Tensor,
    attend: object,
    window_size: int,
    shift_size: int,
    *,
    masked: bool = True,
    back: bool = True,
    roll_first: bool = False,
    always_shift: bool = False,
    crop: bool = True,
) -> Tensor:
    """The right answer; each option spoils one step of it."""
    height, width = x.shape[1:3]
    if roll_first:
        x = swinlib.cyclic_shift(x, shift_size)
    padded = swinlib.pad_to_windows(x, window_size)
    size = tuple(padded.shape[1:3])
    shift = (shift_size,) * 2 if always_shift else swinlib.effective_shift(*size, window_size, shift_size)
    mask = swinlib.shifted_window_mask(*size, window_size, shift) if masked and any(shift) else None
    rolled = padded if roll_first else swinlib.cyclic_shift(padded, shift)
    windows = swinlib.window_partition(rolled, window_size)
    attended = attend(windows.flatten(1, 2), mask).reshape(windows.shape)
    merged = swinlib.window_reverse(attended, window_size, *size)
    if roll_first:
        return swinlib.cyclic_shift(merged[:, :height, :width], shift_size, reverse=True)
    merged = swinlib.cyclic_shift(merged, shift, reverse=True) if back else merged
    return merged[:, :height, :width] if crop else merged


@shifted_window_attention.mistake
def unmasked(x: Tensor, attend: object, window_size: int, shift_size: int) -> Tensor:
    """It looks like no mask is given: tokens that only the roll brought together attend to each other."""
    return _attention(x, attend, window_size, shift_size, masked=False)


@shifted_window_attention.mistake
def not_rolled_back(x: Tensor, attend: object, window_size: int, shift_size: int) -> Tensor:
    """It looks like the result is not rolled back: each token's answer stands `shift_size` places away from it."""
    return _attention(x, attend, window_size, shift_size, back=False)


@shifted_window_attention.mistake
def rolled_before_padding(x: Tensor, attend: object, window_size: int, shift_size: int) -> Tensor:
    """It looks like the map is rolled first and then padded: the mask then separates the padding, and not the rows
    that came round. Pad first. (A well-known library did it in this order, see chapter 7.)"""
    return _attention(x, attend, window_size, shift_size, roll_first=True)


@shifted_window_attention.mistake
def shifted_in_one_window(x: Tensor, attend: object, window_size: int, shift_size: int) -> Tensor:
    """A side that one window covers needs no shift: there is no border to look across, and the mask would only cut the
    window. `swinlib.effective_shift` says how far each side is rolled."""
    return _attention(x, attend, window_size, shift_size, always_shift=True)


@shifted_window_attention.mistake
def padding_kept(x: Tensor, attend: object, window_size: int, shift_size: int) -> Tensor:
    """The padding is still there: cut the map to the size that came in."""
    return _attention(x, attend, window_size, shift_size, crop=False)


@shifted_window_attention.mistake
def never_shifted(x: Tensor, attend: object, window_size: int, shift_size: int) -> Tensor:
    """It looks like plain window attention: nothing is rolled."""
    return _attention(x, attend, window_size, 0)
