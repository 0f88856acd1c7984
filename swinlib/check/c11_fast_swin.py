"""The checks of chapter 11: what a gain is worth, tokens in the order of windows, attention by kinds of windows."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

import swinlib

from .exercise import Arguments, exercise
from .inputs import DTYPES, booleans, integers, lists, noise, numbered, sampled_from
from .judging import difference, difference_of_kind, show

Pair = tuple[int, int]

# --- whole_speedup ------------------------------------------------------------------------------------------------


def _after(times: list[float], gains: list[float]) -> list[float]:
    return [time / gain for time, gain in zip(times, gains, strict=True)]


def _whole_speedup(times: list[float], gains: list[float]) -> float:
    return sum(times) / sum(_after(times, gains))


@exercise(
    _whole_speedup,
    always=(
        {"times": [3.0, 1.0], "gains": [1.0, 2.0]},
        {"times": [40.0, 25.0, 10.0, 5.0], "gains": [1.0, 2.0, 4.0, 1.5]},
        {"times": [7.0, 2.0, 6.0], "gains": [1.0, 0.5, 3.0]},
    ),
    times=lists(sampled_from([1.0, 2.0, 5.0, 30.0]), min_size=4, max_size=4),
    gains=lists(sampled_from([1.0, 2.0, 1.25, 10.0, 0.5]), min_size=1, max_size=4),
)
def whole_speedup(times: list[float], gains: list[float]) -> Arguments:
    """How many times as fast a whole is, of whose parts some have become faster."""
    return {"times": times[: len(gains)], "gains": gains}


@whole_speedup.judge
def say_what_is_left(got: object, want: float, times: list[float], gains: list[float]) -> str | None:
    """The number, and what must come out of the times themselves."""
    problem = difference(got, want)
    if problem is None:
        return None
    before, after = sum(times), sum(_after(times, gains))
    return f"{problem}. Of {show(before)} ms there are {show(after)} ms left"


@whole_speedup.mistake
def gains_averaged_by_time(times: list[float], gains: list[float]) -> float:
    """It is the mean of the gains, weighed by the times. A gain divides its time, so gains cannot be averaged like
    this: a part that vanished would count as infinite. Times can be added; compare their sums."""
    return sum(time * gain for time, gain in zip(times, gains, strict=True)) / sum(times)


@whole_speedup.mistake
def gains_averaged(times: list[float], gains: list[float]) -> float:
    """It is the mean of the gains, whatever the parts take. A part that takes little time gains little time."""
    return sum(gains) / len(gains)


@whole_speedup.mistake
def gains_multiplied(times: list[float], gains: list[float]) -> float:
    """The gains are multiplied, as if each made the whole model faster. Each shortens its own part only."""
    return math.prod(gains)


@whole_speedup.mistake
def parts_weighed_alike(times: list[float], gains: list[float]) -> float:
    """It would be right if all parts took the same time. Use `times`."""
    return len(gains) / sum(1 / gain for gain in gains)


@whole_speedup.mistake(credit=0.5)
def share_left(times: list[float], gains: list[float]) -> float:
    """It is the share of the time that is left. How many times as fast the whole is, is one over that."""
    return 1 / _whole_speedup(times, gains)


@whole_speedup.mistake(credit=0.5)
def share_saved(times: list[float], gains: list[float]) -> float:
    """It is the share of the time that was saved: 0 where nothing became faster. The task asks how many times as fast
    the whole is, which is 1 there."""
    return 1 - 1 / _whole_speedup(times, gains)


@whole_speedup.mistake
def times_multiplied(times: list[float], gains: list[float]) -> float:
    """The times are multiplied by the gains. A part that is twice as fast takes half the time: divide."""
    return sum(times) / sum(time * gain for time, gain in zip(times, gains, strict=True))


# --- window_order -------------------------------------------------------------------------------------------------


def _window_order(height: int, width: int, window_size: Pair, shift: Pair = (0, 0)) -> Tensor:
    """The numbers of a map's rows, window by window, of the map rolled up and to the left by a shift."""
    rows = swinlib.cyclic_shift(numbered(1, height, width, 1).long(), shift)
    return swinlib.window_partition(rows, window_size).flatten()


@exercise(
    _window_order,
    always=({"rows": 2, "columns": 3, "high": 2, "wide": 3}, {"rows": 3, "columns": 2, "high": 2, "wide": 2}),
    rows=integers(1, 3),
    columns=integers(1, 3),
    high=integers(1, 3),
    wide=integers(1, 3),
)
def window_order(rows: int, columns: int, high: int, wide: int) -> Arguments:
    """The numbers of a map's tokens, window by window."""
    return {"height": rows * high, "width": columns * wide, "window_size": (high, wide)}


@window_order.judge
def say_which_place(got: object, want: Tensor, height: int, width: int, window_size: Pair) -> str | None:
    """Name the place in a window, and where its token stands in the map."""
    problem = difference(got, want, name="the order")
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    place = (got != want).nonzero()[0].item()
    mine, right = got[place].item(), want[place].item()
    where = f"{_of_window(place, window_size)} is row {mine} of the map"
    return f"{where}; it should be row {right}, which is token {divmod(right, width)}"


def _of_window(place: int, window_size: Pair) -> str:
    """A place in the order of windows, in words."""
    window, token = divmod(place, math.prod(window_size))
    return f"place {place}, which is token {divmod(token, window_size[1])} of window {window},"


@window_order.mistake
def order_of_the_map(height: int, width: int, window_size: Pair) -> Tensor:
    """This is the order of the map, row by row. The tokens of a window must follow each other."""
    return torch.arange(height * width)


@window_order.mistake
def places_instead_of_numbers(height: int, width: int, window_size: Pair) -> Tensor:
    """It is the inverse: it says at which place each row of the map comes. The task asks which row comes at each
    place, so that `rows[order]` are in the order of windows."""
    return _window_order(height, width, window_size).argsort()


@window_order.mistake
def windows_column_by_column(height: int, width: int, window_size: Pair) -> Tensor:
    """The windows are taken column by column; they are numbered row by row."""
    windows = _window_order(height, width, window_size).view(height // window_size[0], width // window_size[1], -1)
    return windows.transpose(0, 1).flatten()


@window_order.mistake
def tokens_column_by_column(height: int, width: int, window_size: Pair) -> Tensor:
    """Within a window the tokens are taken column by column; they come row by row."""
    return _window_order(height, width, window_size).view(-1, *window_size).transpose(1, 2).flatten()


@window_order.mistake
def sides_of_the_window_exchanged(height: int, width: int, window_size: Pair) -> Tensor:
    """The sides of the window are exchanged: the first is its height."""
    return _window_order(height, width, (window_size[1], window_size[0]))


@window_order.mistake
def numbered_by_the_height(height: int, width: int, window_size: Pair) -> Tensor:
    """Token (i, j) has the number `i * width + j`, since a row of the map has `width` tokens. Here the height stands in
    place of the width."""
    order = _window_order(height, width, window_size)
    return order // width * height + order % width


@window_order.mistake(credit=0.5)
def a_row_for_each_window(height: int, width: int, window_size: Pair) -> Tensor:
    """The numbers are right, with a dimension for the windows. An order is one line of numbers: flatten it."""
    return _window_order(height, width, window_size).view(-1, math.prod(window_size))


# --- back_to_map: a bug hunt ---------------------------------------------------------------------------------------


def _shuffled(length: int, seed: int) -> Tensor:
    return torch.randperm(length, generator=torch.Generator().manual_seed(seed))


@exercise(
    lambda tokens, order: tokens[order.argsort()],
    always=({"length": 4, "channels": 1, "seed": 4}, {"length": 9, "channels": 2, "seed": 1}),
    length=integers(1, 8),
    channels=integers(1, 2),
    seed=integers(0, 9),
)
def back_to_map(length: int, channels: int, seed: int) -> Arguments:
    """Tokens in some order, put back into that of the map."""
    return {"tokens": numbered(length, channels), "order": _shuffled(length, seed)}


@back_to_map.judge
def say_which_place_it_came_from(got: object, want: Tensor, tokens: Tensor, order: Tensor) -> str | None:
    """Name the places from which a token comes, and from which it should."""
    problem = difference(got, want, name="the map")
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    token = (got != want).any(dim=1).nonzero()[0].item()
    found = (tokens == got[token]).all(dim=1).nonzero().flatten().tolist()
    comes = f"comes from place {found[0]}" if found else f"is {show(got[token])}, which was at no place"
    return f"token {token} of the map {comes}; it should come from place {order.tolist().index(token)}"


@back_to_map.mistake
def ordered_once_more(tokens: Tensor, order: Tensor) -> Tensor:
    """The order is applied a second time. That is the way back only where an order is its own inverse."""
    return tokens[order]


@back_to_map.mistake
def left_in_order(tokens: Tensor, order: Tensor) -> Tensor:
    """Nothing was moved: the tokens are still in the order in which they came."""
    return tokens.clone()


@back_to_map.mistake
def read_from_its_end(tokens: Tensor, order: Tensor) -> Tensor:
    """The order is read from its end. The inverse of an order is not its reverse: it says of each token of the map at
    which place it lies."""
    return tokens[order.flip(0)]


@back_to_map.mistake
def sorted_downwards(tokens: Tensor, order: Tensor) -> Tensor:
    """The last token of the map comes first. Sort the numbers upwards."""
    return tokens[order.argsort(descending=True)]


@back_to_map.mistake
def overwritten_on_the_way(tokens: Tensor, order: Tensor) -> Tensor:
    """The tokens are written into the tensor from which they are read, so some are lost before their turn comes. Write
    into a new one."""
    for place, token in enumerate(order.tolist()):
        tokens[token] = tokens[place]
    return tokens


@back_to_map.mistake(credit=0.5)
def written_in_place(tokens: Tensor, order: Tensor) -> Tensor:
    """The result is right, but `tokens` itself was changed, with which the caller goes on. Return a new tensor."""
    tokens[order] = tokens.clone()
    return tokens


# --- one_gather ---------------------------------------------------------------------------------------------------


def _one_gather(here: Tensor, there: Tensor) -> Tensor:
    return here.argsort()[there]


@exercise(
    _one_gather,
    always=(
        {"tokens": 4, "seed": 4, "other": 1},
        {"tokens": 9, "seed": 1, "other": 2},
        {"tokens": 6, "seed": 3, "other": 0},
    ),
    tokens=integers(1, 8),
    seed=integers(0, 9),
    other=integers(0, 9),
)
def one_gather(tokens: int, seed: int, other: int) -> Arguments:
    """From one order of a map's rows to another."""
    return {"here": _shuffled(tokens, seed), "there": _shuffled(tokens, 100 + other)}


@one_gather.judge
def say_which_token_comes(got: object, want: Tensor, here: Tensor, there: Tensor) -> str | None:
    """Take the rows, and name the first that is not the one that was wanted."""
    problem = difference(got, want, name="the numbers")
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    if got.min() < 0 or got.max() >= len(here):
        return problem
    place = (got != want).nonzero()[0].item()
    mine, right = got[place].item(), want[place].item()
    return (
        f"for place {place} it takes row {mine}, where row {here[mine].item()} of the map lies; "
        f"row {there[place].item()} of the map should come there, and it lies in row {right}"
    )


@one_gather.mistake
def the_way_back(here: Tensor, there: Tensor) -> Tensor:
    """This is the way back, from `there` to `here`. The order in which the rows lie now is `here`, so that is the one
    to invert."""
    return _one_gather(there, here)


@one_gather.mistake
def as_if_from_the_map(here: Tensor, there: Tensor) -> Tensor:
    """These numbers are rows of the map. The rows do not lie as in the map: ask where each of them lies now."""
    return there.clone()


@one_gather.mistake
def only_to_the_map(here: Tensor, there: Tensor) -> Tensor:
    """This brings the rows back to the order of the map, and no further. To go on to `there`, take from these numbers
    those that `there` names."""
    return here.argsort()


@one_gather.mistake
def composed_the_wrong_way_round(here: Tensor, there: Tensor) -> Tensor:
    """The two are joined the wrong way round. `there[place]` is a row of the map, and the inverse of `here` says where
    it lies: the inverse is indexed, by `there`."""
    return there[here.argsort()]


@one_gather.mistake
def without_an_inverse(here: Tensor, there: Tensor) -> Tensor:
    """Nothing is inverted. `here` says which row of the map lies at a place; the question is at which place a row of
    the map lies."""
    return here[there]


# --- window_kinds -------------------------------------------------------------------------------------------------


def _kinds(
    height: int,
    width: int,
    window_size: Pair,
    shift_size: Pair,
    join: Callable[[Tensor, Tensor], Tensor] = lambda rows, columns: 2 * rows + columns,
    at: int = -1,
) -> Tensor:
    """The right answer, and others: the last windows along a side, joined."""
    sides = []
    for size, window, shift in zip((height, width), window_size, shift_size, strict=True):
        side = torch.zeros(size // window, dtype=torch.long)
        side[at] = shift > 0
        sides.append(side)
    rows, columns = sides
    return join(rows[:, None], columns[None, :]).expand(len(rows), len(columns)).flatten()


@exercise(
    _kinds,
    always=(
        {"rows": 2, "columns": 3, "high": 2, "wide": 3, "shift_rows": 1, "shift_columns": 2},
        {"rows": 3, "columns": 2, "high": 2, "wide": 2, "shift_rows": 1, "shift_columns": 0},
        {"rows": 2, "columns": 3, "high": 3, "wide": 2, "shift_rows": 0, "shift_columns": 1},
        {"rows": 3, "columns": 3, "high": 2, "wide": 2, "shift_rows": 0, "shift_columns": 0},
    ),
    rows=integers(1, 4),
    columns=integers(1, 4),
    high=integers(1, 3),
    wide=integers(1, 3),
    shift_rows=integers(0, 2),
    shift_columns=integers(0, 2),
)
def window_kinds(rows: int, columns: int, high: int, wide: int, shift_rows: int, shift_columns: int) -> Arguments:
    """A number for each window, the same where masks are."""
    return {
        "height": rows * high,
        "width": columns * wide,
        "window_size": (high, wide),
        "shift_size": (min(shift_rows, high - 1), min(shift_columns, wide - 1)),
    }


@window_kinds.judge
def any_numbers(got: object, want: Tensor, height: int, width: int, window_size: Pair, shift_size: Pair) -> str | None:
    """Any numbers will do that are equal where the masks are."""
    if not isinstance(got, Tensor):
        return difference_of_kind(got, f"a tensor of shape {tuple(want.shape)}")
    if got.shape != want.shape:
        return f"the kinds have shape {tuple(got.shape)}; expected {tuple(want.shape)}"
    alike, right = got[:, None] == got, want[:, None] == want
    wrong = (alike != right).nonzero()
    if not len(wrong):
        return None
    one, other = wrong[0].tolist()
    if one == other:
        return f"entry {one} of the kinds is {show(got[one].item())}, which is not equal to itself"
    if alike[one, other]:
        return f"windows {one} and {other} have the same number, but their masks differ"
    return f"windows {one} and {other} have different numbers, but their masks are equal"


@window_kinds.mistake
def one_kind(height: int, width: int, window_size: Pair, shift_size: Pair) -> Tensor:
    """All windows have the same number. In a rolled map the last ones along a side hold tokens that came round, and
    their masks keep these apart."""
    return torch.zeros(height // window_size[0] * (width // window_size[1]), dtype=torch.long)


@window_kinds.mistake
def each_its_own(height: int, width: int, window_size: Pair, shift_size: Pair) -> Tensor:
    """Each window has a number of its own. Most masks are equal, which is what makes few kinds."""
    return torch.arange(height // window_size[0] * (width // window_size[1]))


@window_kinds.mistake
def divided_or_not(height: int, width: int, window_size: Pair, shift_size: Pair) -> Tensor:
    """It tells divided windows from undivided ones, and not how they are divided: below, at the right, or both ways.
    Their masks differ."""
    return _kinds(height, width, window_size, shift_size, torch.maximum)


@window_kinds.mistake
def by_the_number_of_pieces(height: int, width: int, window_size: Pair, shift_size: Pair) -> Tensor:
    """Windows of equally many pieces get the same number. One in the last row of windows and one in the last column
    are both divided into two, but along different lines."""
    return _kinds(height, width, window_size, shift_size, torch.add)


@window_kinds.mistake
def divided_without_a_shift(height: int, width: int, window_size: Pair, shift_size: Pair) -> Tensor:
    """The last row and the last column of windows are taken for divided, whatever the shift. Along a side that is not
    rolled nothing comes round."""
    return _kinds(height, width, window_size, (1, 1))


@window_kinds.mistake
def divided_at_the_wrong_end(height: int, width: int, window_size: Pair, shift_size: Pair) -> Tensor:
    """The first row and the first column of windows are taken for divided. The map is rolled up and to the left, so
    what came round is at the bottom and at the right."""
    return _kinds(height, width, window_size, shift_size, at=0)


@window_kinds.mistake
def by_rows_alone(height: int, width: int, window_size: Pair, shift_size: Pair) -> Tensor:
    """Only the rows of windows are told apart; the columns come round as well."""
    return _kinds(height, width, window_size, (shift_size[0], 0))


@window_kinds.mistake
def window_columns_first(height: int, width: int, window_size: Pair, shift_size: Pair) -> Tensor:
    """The windows are gone through column by column; they are numbered row by row."""
    kinds = _kinds(height, width, window_size, shift_size)
    return kinds.view(height // window_size[0], -1).T.flatten()


# --- attend_by_kind -----------------------------------------------------------------------------------------------


def _attend_by_kind(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, masks: Tensor, sizes: list[int]) -> Tensor:
    return _attend(q, k, v, (bias.masked_fill(~mask, float("-inf")) for mask in masks), sizes)


def _attend(q: Tensor, k: Tensor, v: Tensor, added: object, sizes: list[int], **options: float) -> Tensor:
    """Fused attention, kind by kind, with what is added to the logits of each."""
    of_kinds = zip(q.split(sizes), k.split(sizes), v.split(sizes), added, strict=True)
    return torch.cat([F.scaled_dot_product_attention(*qkv, attn_mask=more, **options) for *qkv, more in of_kinds])


@exercise(
    _attend_by_kind,
    without=("torch.softmax", "torch.Tensor.softmax", "torch.special.softmax", "torch.exp", "torch.Tensor.exp"),
    always=(
        {"sizes": [2], "heads": 1, "tokens": 3, "width": 2, "loud": False, "dtype": "float32"},
        {"sizes": [3, 1], "heads": 2, "tokens": 4, "width": 3, "loud": False, "dtype": "float64"},
        {"sizes": [1, 2, 1, 3], "heads": 2, "tokens": 4, "width": 2, "loud": False, "dtype": "float32"},
        {"sizes": [1, 2], "heads": 1, "tokens": 3, "width": 2, "loud": True, "dtype": "float64"},
    ),
    sizes=lists(integers(1, 3), min_size=1, max_size=4),
    heads=integers(1, 3),
    tokens=integers(2, 4),
    width=integers(1, 3),
    loud=booleans(),
    dtype=DTYPES,
)
def attend_by_kind(sizes: list[int], heads: int, tokens: int, width: int, loud: bool, dtype: str) -> Arguments:
    """Attention of windows that lie sorted by their masks."""
    loud = loud and dtype == "float64"  # large logits leave float32 too few digits to compare
    q, k, v = (noise(sum(sizes), heads, tokens, width, seed=seed, dtype=dtype) for seed in range(3))
    masks = torch.ones(len(sizes), tokens, tokens, dtype=torch.bool)
    for kind in range(len(sizes) - 1):  # the last hides nothing; of each other kind, a token does not see the next
        masks[kind, kind % tokens, (kind + 1) % tokens] = False
    return {
        "q": q * 300 if loud else q,
        "k": k,
        "v": v,
        "bias": noise(heads, tokens, tokens, seed=3, dtype=dtype),
        "masks": masks,
        "sizes": sizes,
    }


@attend_by_kind.judge
def say_which_kind(
    got: object, want: Tensor, q: Tensor, k: Tensor, v: Tensor, bias: Tensor, masks: Tensor, sizes: list[int]
) -> str | None:
    """Name the first window that is wrong, and its kind."""
    problem = difference(got, want)
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    window = next(i for i in range(len(want)) if difference(got[i], want[i]))
    kind = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))[window].item()
    hides = "hides nothing" if masks[kind].all() else "hides some keys"
    return f"window {window} is of kind {kind}, whose mask {hides}; there, {difference(got[window], want[window])}"


def _hidden(bias: Tensor, masks: Tensor) -> list[Tensor]:
    return [bias.masked_fill(~mask, float("-inf")) for mask in masks]


@attend_by_kind.mistake
def masks_left_out(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, masks: Tensor, sizes: list[int]) -> Tensor:
    """The masks are not used."""
    return _attend(q, k, v, [bias] * len(sizes), sizes)


@attend_by_kind.mistake
def bias_left_out(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, masks: Tensor, sizes: list[int]) -> Tensor:
    """The bias is not used. `attn_mask` takes one tensor, which must hold both: the bias, and minus infinity where
    the mask hides."""
    return _attend(q, k, v, _hidden(torch.zeros_like(bias), masks), sizes)


@attend_by_kind.mistake
def first_mask_for_all(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, masks: Tensor, sizes: list[int]) -> Tensor:
    """All windows get the mask of the first kind. Each kind has its own."""
    return _attend(q, k, v, _hidden(bias, masks[:1].expand_as(masks)), sizes)


@attend_by_kind.mistake
def masks_in_turn(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, masks: Tensor, sizes: list[int]) -> Tensor:
    """The masks are dealt out in turn, one to each window. The windows are sorted: the first `sizes[0]` are all of kind
    0, the next `sizes[1]` of kind 1."""
    in_turn = (torch.arange(len(q)) % len(masks)).tolist()
    hidden = _hidden(bias, masks)
    return _attend(q, k, v, [hidden[kind] for kind in in_turn], [1] * len(q))


@attend_by_kind.mistake
def kinds_backwards(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, masks: Tensor, sizes: list[int]) -> Tensor:
    """The results are joined in another order than that of the windows: the last kind comes first."""
    return torch.cat(_attend_by_kind(q, k, v, bias, masks, sizes).split(sizes)[::-1])


@attend_by_kind.mistake
def masks_the_other_way(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, masks: Tensor, sizes: list[int]) -> Tensor:
    """The masks are read the wrong way round: True lets a query attend to a key. Where all keys are hidden, softmax
    gives no number."""
    return _attend(q, k, v, _hidden(bias, ~masks), sizes)


@attend_by_kind.mistake
def truth_added(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, masks: Tensor, sizes: list[int]) -> Tensor:
    """The boolean mask is added to the bias, where True counts as 1. That hides nothing: fill in minus infinity."""
    return _attend(q, k, v, [bias + mask for mask in masks], sizes)


@attend_by_kind.mistake
def bias_multiplied(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, masks: Tensor, sizes: list[int]) -> Tensor:
    """The bias is multiplied by the mask. A logit to which 0 is added is not hidden: fill in minus infinity."""
    return _attend(q, k, v, [bias * mask for mask in masks], sizes)


@attend_by_kind.mistake(credit=0.5)
def minus_a_hundred_by_kind(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, masks: Tensor, sizes: list[int]) -> Tensor:
    """A hundred is subtracted where a pair is hidden. A large logit gets through: fill in minus infinity."""
    return _attend(q, k, v, [bias - 100.0 * ~mask for mask in masks], sizes)


@attend_by_kind.mistake
def bias_scaled_by_kind(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, masks: Tensor, sizes: list[int]) -> Tensor:
    """The bias is scaled like the products. The fused call scales the products first, and adds the bias as it is."""
    return _attend(q, k, v, [added * q.shape[-1] ** -0.5 for added in _hidden(bias, masks)], sizes)


@attend_by_kind.mistake
def products_not_scaled(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, masks: Tensor, sizes: list[int]) -> Tensor:
    """The products of queries and keys are not scaled, or scaled twice. The fused call divides by the root of a head's
    width by itself, unless it is given another `scale`."""
    return _attend(q, k, v, _hidden(bias, masks), sizes, scale=1.0)


# --- route --------------------------------------------------------------------------------------------------------

FOUR = ((0, 0), (1, 0), (0, 1), (1, 1))  # (row, column) of the four tokens that are merged, in the library's order


def _merged(height: int, width: int, four: tuple[Pair, ...] = FOUR) -> Tensor:
    """The rows of a map that become one, ``(H/2 * W/2, 4)``, row by row."""
    rows = torch.arange(height * width).view(height, width)
    return torch.stack([rows[i::2, j::2].flatten() for i, j in four], dim=1)


def _route(
    height: int,
    width: int,
    window_size: Pair,
    depths: list[int],
    *,
    lies: Callable[[Tensor], Tensor] = torch.argsort,
    shift: Callable[[int, int, Pair], Pair] = lambda height, width, window: swinlib.effective_shift(
        height, width, window, (window[0] // 2, window[1] // 2)
    ),
    is_shifted: Callable[[int, int], bool] = lambda block, all_blocks: block % 2 == 1,
    order: Callable[[int, int, Pair, Pair], Tensor] = _window_order,
    four: tuple[Pair, ...] | None = FOUR,
    arrives: bool = True,
    returns: bool = True,
) -> list[Tensor]:
    """The right answer; each option spoils one step of it.

    Args:
        height: of the first map.
        width: the same.
        window_size: of all stages.
        depths: blocks of each stage.
        lies: from an order, where each row of the map lies.
        shift: of a shifted block.
        is_shifted: whether a block is, by its number in its stage and in the model.
        order: of a block.
        four: the tokens that are merged; None for rows that follow each other.
        arrives: whether merging puts the rows into the order of the next block.
        returns: whether the last step is taken.
    """
    steps, at, blocks = [], torch.arange(height * width), 0
    for stage, depth in enumerate(depths):
        if stage:
            merged = None if four is None else lies(at)[_merged(height, width, four)]
            height, width = height // 2, width // 2
        for block in range(depth):
            rolled = shift(height, width, window_size) if is_shifted(block, blocks) else (0, 0)
            wanted = order(height, width, window_size, rolled)
            if block or not stage:
                steps.append(lies(at)[wanted])
            elif four is None:
                steps.append(torch.arange(4 * height * width).view(-1, 4))
            else:
                steps.append(merged[wanted] if arrives else merged)
            at, blocks = wanted, blocks + 1
    return [*steps, lies(at)] if returns else steps


@exercise(
    _route,
    inputs=20,
    always=(
        {"rows": 2, "columns": 3, "high": 2, "wide": 2, "depths": [2]},
        {"rows": 1, "columns": 2, "high": 2, "wide": 3, "depths": [2, 2]},
        {"rows": 2, "columns": 1, "high": 3, "wide": 2, "depths": [1, 2]},
        {"rows": 2, "columns": 2, "high": 2, "wide": 4, "depths": [1, 3, 1]},
    ),
    rows=integers(1, 2),
    columns=integers(1, 2),
    high=integers(1, 3),
    wide=integers(1, 3),
    depths=sampled_from([[1], [2], [1, 1], [2, 1], [1, 2], [3, 2], [2, 2, 2]]),
)
def route(rows: int, columns: int, high: int, wide: int, depths: list[int]) -> Arguments:
    """Which rows each step of a model takes, from the first map to the last."""
    halved = 2 ** (len(depths) - 1)
    return {
        "height": rows * high * halved,
        "width": columns * wide * halved,
        "window_size": (high, wide),
        "depths": depths,
    }


@route.judge
def say_which_step(
    got: object, want: list[Tensor], height: int, width: int, window_size: Pair, depths: list[int]
) -> str | None:
    """Name the first step that is wrong, and what it takes."""
    if not isinstance(got, (list, tuple)):
        return difference_of_kind(got, "a list of tensors")
    if len(got) != len(want):
        return f"the list has {len(got)} steps; expected {len(want)}: one into each block, and one back to the map"
    for number, (mine, right, name) in enumerate(zip(got, want, _names(depths), strict=True)):
        problem = difference(mine, right, name="it")
        if problem is None:
            continue
        said = f"step {number}, {name}: "
        if not isinstance(mine, Tensor) or mine.shape != right.shape or mine.dtype != right.dtype:
            return said + problem
        place, *of_four = (mine != right).nonzero()[0].tolist()
        what = f"as number {of_four[0]} of the four for" if of_four else "for"
        takes = f"{said}{what} place {place} it takes row {mine[place, *of_four].item()}"
        before = ". All steps before it are right" if number else ""
        return f"{takes}; it should take row {right[place, *of_four].item()}{before}"
    return None


def _names(depths: list[int]) -> list[str]:
    blocks = [f"into block {block} of stage {stage}" for stage, depth in enumerate(depths) for block in range(depth)]
    return [*blocks, "back to the map"]


@route.mistake
def as_if_rows_lay_as_in_the_map(height: int, width: int, window_size: Pair, depths: list[int]) -> list[Tensor]:
    """Each step takes the numbers of the map's rows. After the first step they do not lie there any more: ask where
    each of them lies now, by the inverse of the order in which the last block left them."""
    return _route(height, width, window_size, depths, lies=lambda at: torch.arange(len(at)))


@route.mistake
def inverse_forgotten(height: int, width: int, window_size: Pair, depths: list[int]) -> list[Tensor]:
    """Each step is looked up in the order in which the rows lie, and not in its inverse. The order says which row of
    the map lies at a place; you need the place at which a row of the map lies."""
    return _route(height, width, window_size, depths, lies=lambda at: at)


@route.mistake
def never_rolled(height: int, width: int, window_size: Pair, depths: list[int]) -> list[Tensor]:
    """No block is shifted. In every second block of a stage the map is rolled before it is cut."""
    return _route(height, width, window_size, depths, is_shifted=lambda block, all_blocks: False)


@route.mistake
def shifted_first(height: int, width: int, window_size: Pair, depths: list[int]) -> list[Tensor]:
    """The wrong blocks are shifted. The first of a stage is not, the second is."""
    return _route(height, width, window_size, depths, is_shifted=lambda block, all_blocks: block % 2 == 0)


@route.mistake(credit=0.5)
def counted_through(height: int, width: int, window_size: Pair, depths: list[int]) -> list[Tensor]:
    """The blocks are counted through the whole model. Each stage counts from 0 again, so its first block is not
    shifted, however many there were before."""
    return _route(height, width, window_size, depths, is_shifted=lambda block, all_blocks: all_blocks % 2 == 1)


@route.mistake(credit=0.5)
def rolled_within_one_window(height: int, width: int, window_size: Pair, depths: list[int]) -> list[Tensor]:
    """A side that one window covers is not rolled; `swinlib.effective_shift` says how far each side is."""
    return _route(
        height, width, window_size, depths, shift=lambda height, width, window: (window[0] // 2, window[1] // 2)
    )


@route.mistake
def rolled_down(height: int, width: int, window_size: Pair, depths: list[int]) -> list[Tensor]:
    """The map is rolled down and to the right; a shifted block rolls it up and to the left."""

    def order(height: int, width: int, window: Pair, shift: Pair) -> Tensor:
        rows = swinlib.cyclic_shift(numbered(1, height, width, 1).long(), shift, reverse=True)
        return swinlib.window_partition(rows, window).flatten()

    return _route(height, width, window_size, depths, order=order)


@route.mistake
def four_in_a_row(height: int, width: int, window_size: Pair, depths: list[int]) -> list[Tensor]:
    """Four rows that follow each other are merged. In the order of windows these are no 2×2 neighbours of the map: find
    the four in the map first, then where each of them lies."""
    return _route(height, width, window_size, depths, four=None)


@route.mistake(credit=0.5)
def four_row_by_row(height: int, width: int, window_size: Pair, depths: list[int]) -> list[Tensor]:
    """The right four rows are merged, in another order than Swin's: (0,0), (1,0), (0,1), (1,1). The weights of the
    merging expect this one."""
    return _route(height, width, window_size, depths, four=((0, 0), (0, 1), (1, 0), (1, 1)))


@route.mistake
def merged_in_the_maps_order(height: int, width: int, window_size: Pair, depths: list[int]) -> list[Tensor]:
    """The merged rows come in the order of the smaller map. The block that follows wants them window by window, and
    merging can deliver them so at no cost."""
    return _route(height, width, window_size, depths, arrives=False)


@route.mistake(credit=0.5)
def never_back(height: int, width: int, window_size: Pair, depths: list[int]) -> list[Tensor]:
    """The last step is missing, which brings the rows of the last map back into its order."""
    return _route(height, width, window_size, depths, returns=False)
