"""The checks of chapter 10: sizes and operations, drop path, checkpoints, what a token can see."""

import re
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

import swinlib

from ..answers.beside import beside
from .exercise import Arguments, exercise
from .inputs import DTYPES, LAYOUTS, booleans, integers, noise, numbered, sampled_from
from .judging import difference, difference_of_kind, show

# --- swin_map_sizes -----------------------------------------------------------------------------------------------


def _up(size: int, by: int) -> int:
    return -(-size // by)


def _down(size: int, by: int) -> int:
    return size // by


def _map_sizes(
    height: int, width: int, patch_size: int, stages: int, embed: Callable = _down, merge: Callable = _up
) -> list[tuple[int, int]]:
    """The right answer; other ways of dividing spoil it."""
    sizes = [(embed(height, patch_size), embed(width, patch_size))]
    for _ in range(stages - 1):
        sizes.append((merge(sizes[-1][0], 2), merge(sizes[-1][1], 2)))
    return sizes


@exercise(
    _map_sizes,
    always=(
        {"rows": 56, "columns": 50, "above": 1, "beside": 3, "patch_size": 4, "stages": 4},
        {"rows": 7, "columns": 9, "above": 0, "beside": 0, "patch_size": 2, "stages": 3},
    ),
    rows=integers(1, 30),
    columns=integers(1, 30),
    above=integers(0, 7),
    beside=integers(0, 7),
    patch_size=sampled_from([4, 2, 8]),
    stages=integers(1, 5),
)
def swin_map_sizes(rows: int, columns: int, above: int, beside: int, patch_size: int, stages: int) -> Arguments:
    """Rows and columns of the map that each stage leaves."""
    return {
        "height": rows * patch_size + above % patch_size,
        "width": columns * patch_size + beside % patch_size,
        "patch_size": patch_size,
        "stages": stages,
    }


@swin_map_sizes.judge
def say_which_stage(got: object, want: list, height: int, width: int, patch_size: int, stages: int) -> str | None:
    """Name the first stage whose map is wrong."""
    if not isinstance(got, (list, tuple)):
        return difference_of_kind(got, "a list of pairs (rows, columns)")
    if len(got) != stages:
        return f"the list has {len(got)} sizes, {show(got)}; expected {stages}, one for each stage"
    for stage, (mine, right) in enumerate(zip(got, want, strict=True), start=1):
        if not isinstance(mine, (list, tuple)) or len(mine) != 2:
            return f"stage {stage} has {show(mine)}; expected a pair (rows, columns)"
        if difference(list(mine), list(right)):
            return f"stage {stage} has a map of {show(tuple(mine))}; expected {show(right)}"
    return None


@swin_map_sizes.mistake(credit=0.5)
def patches_rounded_up(height: int, width: int, patch_size: int, stages: int) -> list:
    """The patch embedding is a convolution whose stride is its kernel, without padding: what does not fill a patch is
    dropped. So the first map is rounded down. (Merging does pad.)"""
    return _map_sizes(height, width, patch_size, stages, embed=_up)


@swin_map_sizes.mistake(credit=0.5)
def merging_rounded_down(height: int, width: int, patch_size: int, stages: int) -> list:
    """An odd side is padded by one before 2×2 tokens are merged, so it is rounded up: 7 becomes 4."""
    return _map_sizes(height, width, patch_size, stages, merge=_down)


@swin_map_sizes.mistake
def rounded_the_wrong_way(height: int, width: int, patch_size: int, stages: int) -> list:
    """Both are the wrong way round: patches are rounded down, as the convolution drops what is left over, and merging
    rounds up, as it pads."""
    return _map_sizes(height, width, patch_size, stages, embed=_up, merge=_down)


@swin_map_sizes.mistake
def merged_too_early(height: int, width: int, patch_size: int, stages: int) -> list:
    """The first stage has the map of the patch embedding; the merging comes after its blocks. These are the maps one
    merging further."""
    return _map_sizes(height, width, patch_size, stages + 1)[1:]


@swin_map_sizes.mistake
def merged_after_the_last(height: int, width: int, patch_size: int, stages: int) -> list:
    """There is one size too many. The last stage has no merging after it."""
    return _map_sizes(height, width, patch_size, stages + 1)


@swin_map_sizes.mistake
def to_the_nearest(height: int, width: int, patch_size: int, stages: int) -> list:
    """`round` goes to the nearest number, and at a half to the even one: 3 / 2 becomes 2, and 5 / 2 becomes 2 as well.
    Patches are always rounded down, and merging always up."""

    def divide(size: int, by: int) -> int:
        return round(size / by)

    return _map_sizes(height, width, patch_size, stages, embed=divide, merge=divide)


@swin_map_sizes.mistake
def sides_exchanged(height: int, width: int, patch_size: int, stages: int) -> list:
    """Rows and columns are exchanged: the rows come from the height."""
    return _map_sizes(width, height, patch_size, stages)


@swin_map_sizes.mistake
def not_rounded(height: int, width: int, patch_size: int, stages: int) -> list:
    """There are no half tokens: `/` does not round. `//` does, downwards."""

    def divide(size: int, by: int) -> float:
        return size / by

    return _map_sizes(height, width, patch_size, stages, embed=divide, merge=divide)


# --- block_flops --------------------------------------------------------------------------------------------------


def _block_flops(
    height: int,
    width: int,
    channels: int,
    window_size: tuple[int, int],
    *,
    padded: bool = True,
    padded_mlp: bool = False,
    layers: int = 4,
    products: int = 2,
    flops: int = 2,
    keys: Callable[[int, int, int, int], int] = lambda rows, columns, high, wide: high * wide,
    divide: Callable[[int, int], int] = _up,
) -> int:
    """The right answer; each option spoils it."""
    high, wide = window_size
    rows, columns = (divide(height, high) * high, divide(width, wide) * wide) if padded else (height, width)
    tokens, there = rows * columns, height * width
    macs = layers * tokens * channels**2 + products * tokens * keys(rows, columns, high, wide) * channels
    return flops * (macs + 8 * (tokens if padded_mlp else there) * channels**2)


@exercise(
    _block_flops,
    always=(
        {"height": 8, "width": 12, "channels": 3, "high": 4, "wide": 4},
        {"height": 5, "width": 7, "channels": 2, "high": 2, "wide": 3},
        {"height": 2, "width": 3, "channels": 8, "high": 7, "wide": 7},
    ),
    height=integers(1, 12),
    width=integers(1, 12),
    channels=integers(1, 8),
    high=integers(1, 7),
    wide=integers(1, 7),
)
def block_flops(height: int, width: int, channels: int, high: int, wide: int) -> Arguments:
    """The operations of a Swin block on a map of any size."""
    return {"height": height, "width": width, "channels": channels, "window_size": (high, wide)}


@block_flops.judge
def say_how_many_tokens(
    got: object, want: int, height: int, width: int, channels: int, window_size: tuple[int, int]
) -> str | None:
    """The number, and whether windows tile the map."""
    problem = difference(got, want)
    if problem is None:
        return None
    tiled = height % window_size[0] == 0 and width % window_size[1] == 0
    how = "tile" if tiled else "do not tile"
    return f"{problem}. Windows of {window_size[0]}×{window_size[1]} {how} a map of {height}×{width}"


@block_flops.mistake(credit=0.5)
def macs_not_flops(height: int, width: int, channels: int, window_size: tuple[int, int]) -> int:
    """It is exactly half: these are multiply-accumulates. Each has a multiplication and an addition, two FLOPs."""
    return _block_flops(height, width, channels, window_size, flops=1)


@block_flops.mistake(credit=0.5)
def attention_without_padding(height: int, width: int, channels: int, window_size: tuple[int, int]) -> int:
    """It is right where windows tile the map. Elsewhere the map is padded before it is cut, and the attention works on
    padded tokens as on any others."""
    return _block_flops(height, width, channels, window_size, padded=False)


@block_flops.mistake(credit=0.5)
def mlp_with_padding(height: int, width: int, channels: int, window_size: tuple[int, int]) -> int:
    """It is right where windows tile the map. Elsewhere too much is counted: the padding is cut off after the
    attention, so the MLP never sees it."""
    return _block_flops(height, width, channels, window_size, padded_mlp=True)


@block_flops.mistake
def windows_that_fit(height: int, width: int, channels: int, window_size: tuple[int, int]) -> int:
    """Only whole windows are counted, `height // Mh`. What is left at the border is padded to whole windows, so the
    division is rounded up."""
    return _block_flops(height, width, channels, window_size, divide=_down)


@block_flops.mistake
def one_product(height: int, width: int, channels: int, window_size: tuple[int, int]) -> int:
    """One of attention's two products is missing: queries with keys, and then weights with values."""
    return _block_flops(height, width, channels, window_size, products=1)


@block_flops.mistake
def projection_forgotten(height: int, width: int, channels: int, window_size: tuple[int, int]) -> int:
    """Three of attention's four C×C matrices are counted: queries, keys and values. The projection that follows is the
    fourth."""
    return _block_flops(height, width, channels, window_size, layers=3)


@block_flops.mistake
def global_attention(height: int, width: int, channels: int, window_size: tuple[int, int]) -> int:
    """Each query meets all tokens of the map here. That is attention without windows; in a window it meets Mh * Mw
    keys, whatever the size of the map."""
    return _block_flops(height, width, channels, window_size, keys=lambda rows, columns, high, wide: rows * columns)


@block_flops.mistake
def side_for_area(height: int, width: int, channels: int, window_size: tuple[int, int]) -> int:
    """The products are counted with the side of a window where its number of tokens belongs: each query meets
    Mh * Mw keys."""
    return _block_flops(height, width, channels, window_size, keys=lambda rows, columns, high, wide: high)


@block_flops.mistake
def square_windows(height: int, width: int, channels: int, window_size: tuple[int, int]) -> int:
    """The first side of the window is used for both; windows need not be square."""
    return _block_flops(height, width, channels, (window_size[0],) * 2)


# --- drop_path: a bug hunt ------------------------------------------------------------------------------------------


def _drop_path(x: Tensor, rate: float, training: bool) -> Tensor:
    if not training or rate == 0:
        return x
    return x * x.new_empty(1, x.shape[1], 1).bernoulli_(1 - rate) / (1 - rate)


RUNS = 400  # calls of one case; fewer would not tell a rate from one that is a little off


def _watch_dropping(answer: Callable, x: Tensor, rate: float, training: bool) -> dict[str, object]:
    """What many calls have in common. ``x`` has no zeros, so a zero in a result was dropped."""
    before = x.clone()
    results = beside(answer).often(answer, RUNS, x, rate, training)
    for result in results:
        if not isinstance(result, Tensor) or result.shape != x.shape or result.dtype != x.dtype:
            return {"kind": difference(result, x)}
    if not torch.equal(x, before):
        return {"changed": True}
    runs = torch.stack(results).detach()
    gone = runs == 0
    by_token = gone.all(dim=3)
    by_image = by_token.all(dim=1)
    factors = (runs / x)[~gone]
    spread = 5 * (rate * (1 - rate) / (RUNS * x.shape[1])) ** 0.5
    share = gone.double().mean().item()
    return {
        "nothing dropped": not gone.any().item(),
        "images whole": (by_image == gone.any(dim=3).any(dim=1)).all().item(),
        "tokens whole": (by_token == gone.any(dim=3)).all().item(),
        "all images alike": (by_image == by_image[:, :1]).all().item(),
        "all calls alike": (gone == gone[:1]).all().item(),
        "share": "as asked" if abs(share - rate) <= spread else "reversed" if abs(share - 1 + rate) <= spread else "no",
        "factor": factors.mean().item() if len(factors) and factors.std(correction=0) < 1e-4 else None,
    }


@exercise(
    _drop_path,
    probe=_watch_dropping,
    inputs=12,
    always=(
        {"tokens": 2, "batch": 3, "channels": 2, "rate": 0.2, "training": True, "dtype": "float32"},
        {"tokens": 2, "batch": 3, "channels": 2, "rate": 0.2, "training": False, "dtype": "float32"},
        {"tokens": 5, "batch": 2, "channels": 3, "rate": 0.7, "training": True, "dtype": "float64"},
    ),
    tokens=integers(2, 4),
    batch=integers(1, 4),
    channels=integers(1, 3),
    rate=sampled_from([0.2, 0.7, 0.0]),
    training=booleans(),
    dtype=DTYPES,
)
def drop_path(tokens: int, batch: int, channels: int, rate: float, training: bool, dtype: str) -> Arguments:
    """A branch that is left out for some images."""
    return {"x": 1 + numbered(tokens, batch, channels, dtype=dtype), "rate": rate, "training": training}


@drop_path.judge
def say_what_was_dropped(got: object, want: dict, x: Tensor, rate: float, training: bool) -> str | None:
    """From the coarse to the fine: kind, evaluation, who is dropped, how many, the factor."""
    if not isinstance(got, dict):
        return difference_of_kind(got, "a tensor")
    if "kind" in got:
        return got["kind"]
    if "changed" in got:
        return "`x` itself was changed; the residual still needs it"
    dropping = training and rate > 0
    if not training and got["nothing dropped"] and difference(got["factor"], 1.0):
        return f"this is not training, and the numbers of `x` are multiplied by {show(got['factor'])}"
    if not dropping and not got["nothing dropped"]:
        return f"something was dropped, though {'the rate is 0' if training else 'this is not training'}"
    if dropping and got["nothing dropped"]:
        return f"in {RUNS} calls nothing was dropped"
    if not got["images whole"]:
        what = "tokens" if got["tokens whole"] else "numbers"
        return f"of one image some {what} were dropped, and others kept"
    if dropping and got["all calls alike"]:
        return f"{RUNS} calls all dropped the same"
    if dropping and x.shape[1] > 1 and got["all images alike"]:
        return f"in {RUNS} calls either all {x.shape[1]} images were dropped or none"
    if got["share"] == "reversed" and want["share"] != "reversed":
        return f"the rate {rate} is the share of those kept, and it should be the share of those dropped"
    if got["share"] != want["share"]:
        return f"another share than {rate} was dropped, counted in {RUNS} calls"
    if problem := difference(got["factor"], want["factor"], name="the factor"):
        return f"what was kept is not multiplied by {show(want['factor'])}: {problem}"
    return None


def _dropped(x: Tensor, rate: float, training: bool, shape: tuple[int, ...]) -> Tensor:
    if not training or rate == 0:
        return x
    return x * x.new_empty(shape).bernoulli_(1 - rate) / (1 - rate)


@drop_path.mistake
def tokens_dropped(x: Tensor, rate: float, training: bool) -> Tensor:
    """It drops tokens, the same ones in all images. The first dimension is the batch in most code, and here it is
    the tokens: the images are dimension 1."""
    return _dropped(x, rate, training, (x.shape[0], 1, 1))


@drop_path.mistake
def tokens_of_each_image(x: Tensor, rate: float, training: bool) -> Tensor:
    """Each token of each image is dropped by itself. An image takes the branch with all of its tokens, or with none."""
    return _dropped(x, rate, training, (x.shape[0], x.shape[1], 1))


@drop_path.mistake
def plain_dropout(x: Tensor, rate: float, training: bool) -> Tensor:
    """This is plain dropout: single numbers are dropped. An image takes the branch whole, or not at all."""
    return _dropped(x, rate, training, tuple(x.shape))


@drop_path.mistake
def whole_batch(x: Tensor, rate: float, training: bool) -> Tensor:
    """One draw decides for the whole batch. There must be a draw for each image."""
    return _dropped(x, rate, training, (1, 1, 1))


@drop_path.mistake(credit=0.5)
def not_scaled(x: Tensor, rate: float, training: bool) -> Tensor:
    """The right images are dropped, and the others are left as they are. In evaluation the branch would then be larger
    than the mean that the training has seen: divide by the share of those kept."""
    return _drop_path(x, rate, training) * (1 - rate if training else 1)


@drop_path.mistake(credit=0.5)
def scaled_the_wrong_way(x: Tensor, rate: float, training: bool) -> Tensor:
    """What is kept is multiplied by the share of those kept, where it should be divided by it. The mean over many
    calls must be `x` itself."""
    return _drop_path(x, rate, training) * ((1 - rate) ** 2 if training else 1)


@drop_path.mistake
def kept_by_the_rate(x: Tensor, rate: float, training: bool) -> Tensor:
    """The rate is the probability of being dropped; here it is that of being kept."""
    if not training or rate == 0:
        return x
    return x * x.new_empty(1, x.shape[1], 1).bernoulli_(rate) / (1 - rate)


@drop_path.mistake(credit=0.5)
def dropped_in_evaluation(x: Tensor, rate: float, training: bool) -> Tensor:
    """In evaluation nothing is dropped; here the answers of a trained model would change from call to call."""
    return _drop_path(x, rate, True)


@drop_path.mistake(credit=0.25)
def weighed_in_evaluation(x: Tensor, rate: float, training: bool) -> Tensor:
    """This is the older form of dropout: nothing is divided in training, and in evaluation all is multiplied by the
    share of those kept. The mean agrees; the task asks for the form that leaves evaluation alone."""
    return _drop_path(x, rate, training) * (1 - rate)


@drop_path.mistake
def changed_in_place(x: Tensor, rate: float, training: bool) -> Tensor:
    """A method that ends in `_`, or `*=`, writes into the tensor that came in. Make a new one."""
    return x.copy_(_drop_path(x, rate, training))


# --- resize_table ---------------------------------------------------------------------------------------------------

Window = tuple[int, int]


def _resize_table(
    table: Tensor, old: Window, new: Window, *, transposed: bool = False, mode: str = "bicubic", **options: bool
) -> Tensor:
    """The right answer; each option spoils it."""
    size, target = ([2 * side - 1 for side in window] for window in (old, new))
    if transposed:
        size, target = size[::-1], target[::-1]
    image = table.T.reshape(1, -1, *size)
    return F.interpolate(image, target, mode=mode, **options)[0].flatten(1).T


@exercise(
    _resize_table,
    without=("swinlib.checkpoints.resize_position_bias_table",),
    always=(
        {"old": [2, 3], "new": [3, 4], "heads": 2, "dtype": "float64", "layout": "strided"},
        {"old": [4, 4], "new": [6, 6], "heads": 3, "dtype": "float32", "layout": "contiguous"},
        {"old": [5, 3], "new": [2, 4], "heads": 1, "dtype": "float32", "layout": "contiguous"},
    ),
    old=sampled_from([[2, 2], [2, 3], [3, 3], [4, 2], [4, 4]]),
    new=sampled_from([[2, 2], [3, 3], [3, 2], [2, 5], [5, 5]]),
    heads=integers(1, 3),
    dtype=DTYPES,
    layout=LAYOUTS,
)
def resize_table(old: list[int], new: list[int], heads: int, dtype: str, layout: str) -> Arguments:
    """The position bias table of one window for another."""
    rows = (2 * old[0] - 1) * (2 * old[1] - 1)
    return {"table": noise(rows, heads, dtype=dtype, layout=layout), "old": tuple(old), "new": tuple(new)}


@resize_table.judge
def say_which_offset(got: object, want: Tensor, table: Tensor, old: Window, new: Window) -> str | None:
    """Name the offset that a row of the table stands for."""
    problem = difference(got, want, name="the table")
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    row, head = (~torch.isclose(got, want, rtol=1e-4, atol=1e-5)).nonzero()[0].tolist()
    down, right = row // (2 * new[1] - 1) - new[0] + 1, row % (2 * new[1] - 1) - new[1] + 1
    return (
        f"row {row}, head {head}, which holds offset ({down}, {right}), is {show(got[row, head].item())}; "
        f"expected {show(want[row, head].item())}"
    )


@resize_table.picture
def show_first_head(got: Tensor, want: Tensor, table: Tensor, old: Window, new: Window) -> object:
    """The table of the first head, folded into rows and columns."""
    from swinlib.figures import show_answer

    size = [2 * side - 1 for side in new]
    return show_answer(got[:, 0].reshape(size), want[:, 0].reshape(size), rows="rows apart", columns="columns apart")


@resize_table.mistake
def heads_not_first(table: Tensor, old: Window, new: Window) -> Tensor:
    """The table was viewed as an image with the heads in front, without moving them there. In memory the heads of one
    offset lie side by side, so each image is a mixture of all heads. Transpose first."""
    size, target = ([2 * side - 1 for side in window] for window in (old, new))
    image = table.reshape(1, -1, *size)
    return F.interpolate(image, target, mode="bicubic")[0].flatten(1).T


@resize_table.mistake
def heads_not_back(table: Tensor, old: Window, new: Window) -> Tensor:
    """The images are right; on the way back the heads stayed in front and were reshaped instead of transposed, so the
    numbers of different heads are mixed."""
    resized = _resize_table(table, old, new)
    return resized.T.reshape(resized.shape)


@resize_table.mistake
def sides_of_the_table_exchanged(table: Tensor, old: Window, new: Window) -> Tensor:
    """Rows and columns of the table are exchanged. Row (dy + Mh - 1) * (2 Mw - 1) + dx + Mw - 1 holds offset (dy, dx):
    the columns change fastest, and there are 2 Mw - 1 of them."""
    return _resize_table(table, old, new, transposed=True)


@resize_table.mistake
def square_tables(table: Tensor, old: Window, new: Window) -> Tensor:
    """The side of the table is taken to be the root of its rows, as the reference code does. It is right for square
    windows only."""
    size = round(len(table) ** 0.5)
    target = [2 * side - 1 for side in new]
    return F.interpolate(table.T.reshape(1, -1, size, size), target, mode="bicubic")[0].flatten(1).T


@resize_table.mistake
def windows_for_offsets(table: Tensor, old: Window, new: Window) -> Tensor:
    """The new table has the size of the new window. It needs a row for each offset: a window of M tokens has 2M - 1
    offsets along a side."""
    image = table.T.reshape(1, -1, *[2 * side - 1 for side in old])
    return F.interpolate(image, new, mode="bicubic")[0].flatten(1).T


@resize_table.mistake(credit=0.25)
def bilinear(table: Tensor, old: Window, new: Window) -> Tensor:
    """It looks like bilinear interpolation; the reference code is bicubic, which reads 4×4 offsets for each new one."""
    return _resize_table(table, old, new, mode="bilinear")


@resize_table.mistake(credit=0.25)
def nearest(table: Tensor, old: Window, new: Window) -> Tensor:
    """It looks like the nearest neighbour, which is the default of `F.interpolate`: ask for `mode="bicubic"`."""
    return _resize_table(table, old, new, mode="nearest")


@resize_table.mistake(credit=0.5)
def corners_aligned(table: Tensor, old: Window, new: Window) -> Tensor:
    """It is bicubic, but the corners are aligned. That puts the largest offset of the old window on the largest of the
    new one, which may be sensible, but is not how the published weights were resized: `align_corners=False`."""
    return _resize_table(table, old, new, align_corners=True)


@resize_table.mistake(credit=0.5)
def smoothed_first(table: Tensor, old: Window, new: Window) -> Tensor:
    """It is right where the table grows. Where it shrinks, `antialias=True` smooths it first, which the reference code
    does not."""
    return _resize_table(table, old, new, antialias=True)


@resize_table.mistake
def same_offsets_kept(table: Tensor, old: Window, new: Window) -> Tensor:
    """Offsets that both windows have keep their bias here, and new ones get 0. That can be defended, but is not
    what the task asks for: the picture of the whole table, stretched to the new size."""
    image = table.T.reshape(-1, *[2 * side - 1 for side in old])
    down, right = (n - o for o, n in zip(old, new, strict=True))
    return F.pad(image, (right, right, down, down)).flatten(1).T


# --- swin_arguments -------------------------------------------------------------------------------------------------


class _Checkpoint(dict):
    """A checkpoint that a message shows in one line."""

    def __repr__(self) -> str:
        blocks = [key.split(".")[1] for key in self if key.endswith("norm1.weight")]
        depths = [blocks.count(str(stage)) for stage in range(len(set(blocks)))]
        return f"a checkpoint of {len(self)} tensors, blocks {' + '.join(map(str, depths))}"


def _shapes(
    depths: list[int],
    embed_dim: int,
    heads: int,
    window_size: int,
    patch_size: int,
    in_channels: int,
    num_classes: int,
    mlp_ratio: float,
    qkv_bias: bool,
    buffers: bool,
) -> dict[str, tuple[int, ...]]:
    """What ``swinlib.SwinTransformer(...).state_dict()`` holds, by name; building it would take too long."""
    shapes: dict[str, tuple[int, ...]] = {}

    def layer(name: str, outs: int, *ins: int, bias: bool = True) -> None:
        shapes[f"{name}.weight"] = (outs, *ins)
        if bias:
            shapes[f"{name}.bias"] = (outs,)

    layer("patch_embed.proj", embed_dim, in_channels, patch_size, patch_size)
    layer("patch_embed.norm", embed_dim)
    tokens = window_size**2
    for i, depth in enumerate(depths):
        dim = embed_dim * 2**i
        for j in range(depth):
            name = f"layers.{i}.blocks.{j}"
            if buffers and j % 2:
                shapes[f"{name}.attn_mask"] = (4, tokens, tokens)
            layer(f"{name}.norm1", dim)
            shapes[f"{name}.attn.relative_position_bias_table"] = ((2 * window_size - 1) ** 2, heads * 2**i)
            if buffers:
                shapes[f"{name}.attn.relative_position_index"] = (tokens, tokens)
            layer(f"{name}.attn.qkv", 3 * dim, dim, bias=qkv_bias)
            layer(f"{name}.attn.proj", dim, dim)
            layer(f"{name}.norm2", dim)
            layer(f"{name}.mlp.fc1", int(dim * mlp_ratio), dim)
            layer(f"{name}.mlp.fc2", dim, int(dim * mlp_ratio))
        if i < len(depths) - 1:
            layer(f"layers.{i}.downsample.norm", 4 * dim)
            layer(f"layers.{i}.downsample.reduction", 2 * dim, 4 * dim, bias=False)
    layer("norm", dim)
    if num_classes:
        layer("head", num_classes, dim)
    return shapes


def _swin_arguments(
    state_dict: dict[str, Tensor],
    *,
    depth: Callable[[list[str]], int] = lambda names: len(set(names)),
    heads: Callable[[Tensor, int], int] = lambda table, dim: table.shape[1],
    window: Callable[[int], int] = lambda side: (side + 1) // 2,
    **other: object,
) -> dict[str, object]:
    """The right answer; each option spoils it."""
    blocks = [match for key in state_dict if (match := re.match(r"layers\.(\d+)\.blocks\.(\d+)\.norm1\.weight", key))]
    stages = 1 + max(int(match[1]) for match in blocks)
    tables = [state_dict[f"layers.{i}.blocks.0.attn.relative_position_bias_table"] for i in range(stages)]
    patches = state_dict["patch_embed.proj.weight"]
    first = state_dict["layers.0.blocks.0.mlp.fc1.weight"]
    found = {
        "embed_dim": patches.shape[0],
        "depths": tuple(depth([match[2] for match in blocks if int(match[1]) == i]) for i in range(stages)),
        "num_heads": tuple(heads(table, patches.shape[0] * 2**i) for i, table in enumerate(tables)),
        "window_size": window(round(len(tables[0]) ** 0.5)),
        "patch_size": patches.shape[2],
        "in_channels": patches.shape[1],
        "num_classes": len(state_dict["head.weight"]) if "head.weight" in state_dict else 0,
        "mlp_ratio": first.shape[0] / first.shape[1],
        "qkv_bias": "layers.0.blocks.0.attn.qkv.bias" in state_dict,
    }
    return found | {name: value(state_dict) if callable(value) else value for name, value in other.items()}


def _plain_arguments(answer: Callable, state_dict: dict[str, Tensor]) -> object:
    """What the model would make of them: a pair of equal sides is a side, a list is a tuple."""
    found = answer(state_dict)
    if not isinstance(found, dict):
        return show(found) if not isinstance(found, (type(None), str, int, float, list, tuple)) else found
    plain: dict[str, object] = {}
    for name, value in found.items():
        if isinstance(value, (list, tuple)):
            value = [entry if isinstance(entry, (int, float)) else show(entry) for entry in value]
            if name in ("window_size", "patch_size") and len(value) == 2 and value[0] == value[1]:
                value = value[0]
        elif not isinstance(value, (bool, int, float, str, type(None))):
            value = show(value)
        plain[str(name)] = value
    return plain


@exercise(
    _swin_arguments,
    probe=_plain_arguments,
    always=(
        {
            "depths": [2, 12, 1],
            "embed_dim": 6,
            "heads": 3,
            "window_size": 4,
            "patch_size": 2,
            "in_channels": 1,
            "num_classes": 5,
            "mlp_ratio": 2.0,
            "qkv_bias": False,
            "buffers": True,
            "shuffled": True,
        },
        {
            "depths": [3],
            "embed_dim": 8,
            "heads": 1,
            "window_size": 3,
            "patch_size": 4,
            "in_channels": 3,
            "num_classes": 0,
            "mlp_ratio": 1.5,
            "qkv_bias": True,
            "buffers": False,
            "shuffled": False,
        },
    ),
    depths=sampled_from([[1], [1, 2], [2, 2, 3], [1, 11], [1, 1, 2, 1]]),
    embed_dim=sampled_from([4, 6, 8]),
    heads=sampled_from([2, 1]),
    window_size=integers(2, 7),
    patch_size=sampled_from([4, 2, 8]),
    in_channels=sampled_from([3, 1, 4]),
    num_classes=sampled_from([10, 0, 2]),
    mlp_ratio=sampled_from([4.0, 2.0, 1.5]),
    qkv_bias=booleans(),
    buffers=booleans(),
    shuffled=booleans(),
)
def swin_arguments(depths: list[int], shuffled: bool, **sizes: object) -> Arguments:
    """What model a checkpoint is of."""
    shapes = list(_shapes(depths, **sizes).items())
    if shuffled:
        order = torch.randperm(len(shapes), generator=torch.Generator().manual_seed(0)).tolist()
        shapes = [shapes[k] for k in order]
    return {"state_dict": _Checkpoint((name, torch.zeros(shape)) for name, shape in shapes)}


@swin_arguments.judge
def say_which_argument(got: object, want: dict, state_dict: dict[str, Tensor]) -> str | None:
    """The first argument that is missing, unasked for, or wrong."""
    if not isinstance(got, dict):
        return difference_of_kind(got, "a dict of arguments")
    for name in want:
        if name not in got:
            return f"the argument {name!r} is missing"
    for name in got:
        if name not in want:
            return f"there is an argument {name!r} that was not asked for"
    for name, right in want.items():
        if got[name] is None:
            return f"the argument {name} is None; expected {show(right)}"
        if problem := difference(got[name], right, name=f"the argument {name}"):
            return problem
    return None


@swin_arguments.mistake(credit=0.5)
def ten_blocks_at_most(state_dict: dict[str, Tensor]) -> dict:
    """It is right up to ten blocks. The numbers were compared as texts, where "9" comes after "10"; or a pattern reads
    only one digit, `\\d` instead of `\\d+`."""
    return _swin_arguments(state_dict, depth=lambda names: 1 + int(max(names)))


@swin_arguments.mistake(credit=0.5)
def last_number(state_dict: dict[str, Tensor]) -> dict:
    """Blocks are counted from 0, so there is one more than the largest number."""
    return _swin_arguments(state_dict, depth=lambda names: max(map(int, names)))


@swin_arguments.mistake(credit=0.5)
def offsets_for_tokens(state_dict: dict[str, Tensor]) -> dict:
    """The root of the table's rows is the number of offsets along a side, 2M - 1, and not yet the window M."""
    return _swin_arguments(state_dict, window=lambda side: side)


@swin_arguments.mistake(credit=0.5)
def thirty_two_channels(state_dict: dict[str, Tensor]) -> dict:
    """The published models have 32 channels in each head. Others need not; the columns of the bias table say how many
    heads there are."""
    return _swin_arguments(state_dict, heads=lambda table, dim: max(dim // 32, 1))


@swin_arguments.mistake
def heads_of_the_first_stage(state_dict: dict[str, Tensor]) -> dict:
    """All stages get the heads of the first. Each stage has a number of its own: look at the bias table of each."""
    heads = _swin_arguments(state_dict)["num_heads"]
    return _swin_arguments(state_dict, num_heads=(heads[0],) * len(heads))


@swin_arguments.mistake(credit=0.5)
def head_expected(state_dict: dict[str, Tensor]) -> dict:
    """A model without a head has no key `head.weight`; its number of classes is 0. Ask whether the key is there."""
    return _swin_arguments(state_dict, num_classes=lambda tensors: len(tensors["head.weight"]))


@swin_arguments.mistake(credit=0.5)
def index_expected(state_dict: dict[str, Tensor]) -> dict:
    """The window is read off the index, which only some checkpoints hold: it can be computed. The bias table is always
    there."""

    def window(tensors: dict[str, Tensor]) -> int:
        return round(len(tensors["layers.0.blocks.0.attn.relative_position_index"]) ** 0.5)

    return _swin_arguments(state_dict, window_size=window)


@swin_arguments.mistake(credit=0.5)
def hidden_width(state_dict: dict[str, Tensor]) -> dict:
    """This is the hidden width of the MLP; the ratio is that width in units of the channels that go in."""
    return _swin_arguments(state_dict, mlp_ratio=lambda tensors: len(tensors["layers.0.blocks.0.mlp.fc1.weight"]))


@swin_arguments.mistake
def last_channels(state_dict: dict[str, Tensor]) -> dict:
    """These are the channels of the last stage; `embed_dim` is those of the first, which every merging doubles."""
    return _swin_arguments(state_dict, embed_dim=lambda tensors: len(tensors["norm.weight"]))


@swin_arguments.mistake(credit=0.5)
def bias_taken_for_granted(state_dict: dict[str, Tensor]) -> dict:
    """Some checkpoints have no `qkv.bias`. Ask whether the key is there."""
    return _swin_arguments(state_dict, qkv_bias=True)


# --- huggingface_to_timm --------------------------------------------------------------------------------------------

RULES = (
    (r"^swin\.", ""),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^embeddings\.norm\.", "patch_embed.norm."),
    (r"^encoder\.", ""),
    (r"^layers\.(\d+)\.downsample\.", lambda match: f"layers.{int(match[1]) + 1}.downsample."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.attention\.relative_position_bias\.", ".attn."),
    (r"\.attention\.o_proj\.", ".attn.proj."),
    (r"\.attention\.", ".attn."),
    (r"^layernorm\.", "norm."),
    (r"^classifier\.", "head.fc."),
)


def _fused(parts: list[Tensor]) -> Tensor:
    return torch.cat(parts)


def _huggingface_to_timm(
    state_dict: dict[str, Tensor],
    *,
    order: str = "qkv",
    join: Callable[[list[Tensor]], Tensor] = _fused,
    rename: Callable[[str], str] = lambda key: key,
    instead: tuple = (),
) -> dict[str, Tensor]:
    """The right answer; each option spoils it."""
    converted: dict[str, Tensor] = {}
    for key, tensor in state_dict.items():
        name = key
        for pattern, replacement in instead or RULES:
            name = re.sub(pattern, replacement, name)
        if ".q_proj." in name:
            parts = [state_dict[key.replace("q_proj", f"{letter}_proj")] for letter in order]
            name, tensor = name.replace("q_proj", "qkv"), join(parts)
        elif ".k_proj." in name or ".v_proj." in name:
            continue
        converted[rename(name)] = tensor
    return converted


@cache
def _huggingface(depths: tuple[int, ...], heads: int, qkv_bias: bool, num_classes: int) -> dict[str, Tensor]:
    """A Swin in Hugging Face's layout, all of its parameters drawn."""
    with torch.random.fork_rng(devices=[]):
        model = swinlib.SwinTransformer(
            4 * heads,
            depths,
            [heads * 2**i for i in range(len(depths))],
            window_size=2,
            in_channels=1,
            patch_size=2,
            num_classes=num_classes,
            mlp_ratio=1.0,
            qkv_bias=qkv_bias,
        )
    exported = swinlib.export_state_dict(model, "huggingface")
    return {key: noise(*tensor.shape, seed=k) for k, (key, tensor) in enumerate(exported.items())}


@exercise(
    _huggingface_to_timm,
    without=(
        "swinlib.load_checkpoint",
        "swinlib.export_state_dict",
        "swinlib.checkpoints.load_checkpoint",
        "swinlib.checkpoints.export_state_dict",
    ),
    always=(
        {"depths": [1, 2, 1], "heads": 2, "qkv_bias": True, "num_classes": 3, "in_order": False},
        {"depths": [11, 1], "heads": 1, "qkv_bias": False, "num_classes": 0, "in_order": True},
    ),
    depths=sampled_from([[1], [1, 1], [1, 2], [1, 2, 1]]),
    heads=integers(1, 2),
    qkv_bias=booleans(),
    num_classes=sampled_from([2, 0]),
    in_order=booleans(),
)
def huggingface_to_timm(depths: list[int], heads: int, qkv_bias: bool, num_classes: int, in_order: bool) -> Arguments:
    """A whole checkpoint, from one layout to another."""
    tensors = _huggingface(tuple(depths), heads, qkv_bias, num_classes)
    keys = sorted(tensors) if in_order else tensors
    return {"state_dict": _Transformers((key, tensors[key].clone()) for key in keys)}


class _Transformers(dict):
    """Hugging Face's checkpoint, shown in one line."""

    def __repr__(self) -> str:
        blocks = [key.split(".")[3] for key in self if key.endswith("layernorm_before.weight")]
        depths = [blocks.count(str(stage)) for stage in range(len(set(blocks)))]
        return f"a checkpoint of {len(self)} tensors, blocks {' + '.join(map(str, depths))}"


@huggingface_to_timm.judge
def say_which_tensor(got: object, want: dict[str, Tensor], state_dict: dict[str, Tensor]) -> str | None:
    """Names first, then the numbers, and of the fused rows who stands where."""
    if not isinstance(got, dict):
        return difference_of_kind(got, "a dict")
    missing, unexpected = ([name for name in one if name not in other] for one, other in ((want, got), (got, want)))
    if missing or unexpected:
        told = [
            f"{kind} {names[0]!r}" for kind, names in (("missing is", missing), ("unexpected is", unexpected)) if names
        ]
        return f"names that are missing: {len(missing)}, unexpected: {len(unexpected)}; {', '.join(told)}"
    for name, right in want.items():
        problem = difference(got[name], right, name="the tensor")
        if not problem:
            continue
        if ".qkv." in name and isinstance(got[name], Tensor) and got[name].shape == right.shape:
            thirds = [_who(part, right) for part in got[name].chunk(3)]
            return f"{name}: {problem}. Its three thirds hold: {', '.join(thirds)}"
        return f"{name}: {problem}"
    return None


def _who(part: Tensor, right: Tensor) -> str:
    for name, third in zip(("the queries", "the keys", "the values"), right.chunk(3), strict=True):
        if torch.equal(part, third):
            return name
    return "a mixture"


@huggingface_to_timm.mistake(credit=0.5)
def keys_first(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """Keys, queries, values is the order of the alphabet, in which the names may have been met. The rows of `qkv` are
    queries, keys, values."""
    return _huggingface_to_timm(state_dict, order="kqv")


@huggingface_to_timm.mistake(credit=0.5)
def as_they_come(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The three were joined in the order in which they stand in the dict. Here that is the order of the alphabet: keys,
    queries, values. Ask for the three by name."""
    letters = [match[1] for key in state_dict if (match := re.search(r"([qkv])_proj", key))]
    return _huggingface_to_timm(state_dict, order="".join(dict.fromkeys(letters)))


@huggingface_to_timm.mistake(credit=0.5)
def head_by_head(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The rows are interleaved: query, key and value of one head or row, then of the next. Swin's `qkv` has all
    queries, then all keys, then all values."""

    def join(parts: list[Tensor]) -> Tensor:
        return torch.stack(parts, dim=1).flatten(0, 1)

    return _huggingface_to_timm(state_dict, join=join)


@huggingface_to_timm.mistake
def side_by_side(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The three weights were joined along their columns. Each row of a weight makes one output, so three times the
    outputs are three times the rows."""
    return _huggingface_to_timm(state_dict, join=lambda parts: torch.cat(parts, dim=-1))


@huggingface_to_timm.mistake(credit=0.5)
def merging_at_the_end(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The merging kept the number of its stage. Hugging Face merges at the end of a stage, and timm at the beginning of
    the next one: the number grows by one."""
    rules = tuple(rule for rule in RULES if "downsample" not in rule[0])
    return _huggingface_to_timm(state_dict, instead=rules)


@huggingface_to_timm.mistake(credit=0.5)
def one_merging_for_all(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The mergings were renamed one after the other, each finding what the one before had made of it: `layers.0`
    became `layers.1`, which became `layers.2`. Compute the new number from the old one, once for each key."""

    def rename(name: str) -> str:
        return re.sub(r"^layers\.\d+\.downsample", f"layers.{stages - 1}.downsample", name)

    stages = 1 + max(int(match[1]) for key in state_dict if (match := re.search(r"layers\.(\d+)", key)))
    return _huggingface_to_timm(state_dict, rename=rename)


@huggingface_to_timm.mistake(credit=0.5)
def head_without_fc(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The classifier is called `head.fc` in timm."""
    return _huggingface_to_timm(state_dict, rename=lambda name: name.replace("head.fc.", "head."))


@huggingface_to_timm.mistake(credit=0.5)
def norm_found_everywhere(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The rule for the last norm, `layernorm`, also found `layernorm_before` and `layernorm_after`. Put the dot after
    it, or those two rules before it."""
    rules = tuple(rule for rule in RULES if "layernorm" not in rule[0])
    return _huggingface_to_timm(state_dict, instead=((r"layernorm", "norm"), *rules))


@huggingface_to_timm.mistake(credit=0.5)
def bias_named_twice(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """In Hugging Face's layout the table lies in a module `relative_position_bias` of its own; that part of the name
    goes."""
    rules = tuple(rule for rule in RULES if "relative_position_bias" not in rule[0])
    return _huggingface_to_timm(state_dict, instead=rules)


@huggingface_to_timm.mistake(credit=0.25)
def weights_without_biases(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of queries, keys and values only the weights were joined; they may have biases as well."""
    converted = _huggingface_to_timm(state_dict)
    return {name: tensor for name, tensor in converted.items() if not name.endswith("qkv.bias")}


@huggingface_to_timm.mistake
def norms_exchanged(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The two norms of each block are exchanged: `layernorm_before` stands before the attention, and is `norm1`.
    Shapes do not show it, and with fresh norms logits do not either."""
    swap = {".norm1.": ".norm2.", ".norm2.": ".norm1."}
    return _huggingface_to_timm(
        state_dict, rename=lambda name: re.sub(r"\.norm[12]\.", lambda match: swap[match[0]], name)
    )


@huggingface_to_timm.mistake(credit=0.25)
def not_joined(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names are right, apart from those of queries, keys and values, which are still three tensors. timm has one
    `attn.qkv`."""
    converted: dict[str, Tensor] = {}
    for key, tensor in state_dict.items():
        for pattern, replacement in RULES:
            key = re.sub(pattern, replacement, key)
        converted[key] = tensor
    return converted


# --- patches_in_sight -----------------------------------------------------------------------------------------------


def _groups(size: int, window: int, shift: int, *, masked: bool, pad_first: bool, sign: int) -> Tensor:
    """For each token along one side, the number of the group that it attends within."""
    padded = _up(size, window) * window
    if padded == window:
        shift = 0
    length = padded if pad_first else size
    place = (torch.arange(size) - sign * shift) % length
    came_round = (place >= padded - shift if sign > 0 else place < shift) if masked else torch.zeros(size)
    return 2 * (place // window) + came_round.long()


def _patches_in_sight(
    rows: int,
    columns: int,
    depths: list[int],
    window_size: int,
    token: tuple[int, int],
    *,
    shift: Callable[[int, int], int] = lambda block, number: block % 2,
    forwards: bool = False,
    unmerge: Callable[[Tensor, int], Tensor] = lambda seen, size: seen.repeat_interleave(2)[:size],
    masked: bool = True,
    pad_first: bool = True,
    sign: int = 1,
) -> Tensor:
    """The right answer; each option spoils it."""
    sides = []
    for size, at in ((rows, token[0]), (columns, token[1])):
        sizes = [size]
        for _ in depths[1:]:
            sizes.append(_up(sizes[-1], 2))
        seen = torch.arange(sizes[-1]) == at
        for stage in reversed(range(len(depths))):
            if stage < len(depths) - 1:
                seen = unmerge(seen, sizes[stage])
            blocks = range(depths[stage]) if forwards else reversed(range(depths[stage]))
            for block in blocks:
                by = shift(block, sum(depths[:stage]) + block) * (window_size // 2)
                group = _groups(len(seen), window_size, by, masked=masked, pad_first=pad_first, sign=sign)
                seen = (group[:, None] == group[seen]).any(dim=1)
        sides.append(seen)
    return sides[0][:, None] & sides[1]


@exercise(
    _patches_in_sight,
    always=(
        {"rows": 9, "columns": 14, "depths": [2, 2], "window_size": 3, "down": 0, "right": 4},
        {"rows": 20, "columns": 8, "depths": [2], "window_size": 4, "down": 19, "right": 5},
        {"rows": 6, "columns": 5, "depths": [2, 1], "window_size": 2, "down": 1, "right": 0},
        {"rows": 13, "columns": 25, "depths": [1, 3], "window_size": 4, "down": 3, "right": 5},
    ),
    inputs=30,
    rows=integers(1, 18),
    columns=integers(1, 18),
    depths=sampled_from([[1], [2], [3], [1, 1], [1, 2], [2, 1], [2, 2], [1, 1, 2]]),
    window_size=integers(2, 5),
    down=integers(0, 23),
    right=integers(0, 23),
)
def patches_in_sight(rows: int, columns: int, depths: list[int], window_size: int, down: int, right: int) -> Arguments:
    """Which patches can change a token of the last map."""
    last = [rows, columns]
    for _ in depths[1:]:
        last = [_up(size, 2) for size in last]
    return {
        "rows": rows,
        "columns": columns,
        "depths": list(depths),
        "window_size": window_size,
        "token": (down % last[0], right % last[1]),
    }


@patches_in_sight.judge
def say_which_patch(
    got: object, want: Tensor, rows: int, columns: int, depths: list[int], window_size: int, token: tuple[int, int]
) -> str | None:
    """Name a patch that can change the token and is not in the answer, or the other way round."""
    problem = difference(got, want, name="the map")
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    row, column = (got != want).nonzero()[0].tolist()
    if got[row, column]:
        return f"patch ({row}, {column}) is True, and cannot change token {token} of the last map"
    return f"patch ({row}, {column}) is False, and can change token {token} of the last map"


@patches_in_sight.picture
def show_both(
    got: Tensor,
    want: Tensor,
    rows: int,
    columns: int,
    depths: list[int],
    window_size: int,
    token: tuple[int, int],
) -> object:
    """Dark is in sight."""
    from swinlib.figures import show_answer

    return show_answer(got, want, rows="row of patches", columns="column of patches")


@patches_in_sight.mistake
def never_shifted(rows: int, columns: int, depths: list[int], window_size: int, token: tuple[int, int]) -> Tensor:
    """No block is shifted here. Every second block of a stage is, by half a window, and looks across the borders."""
    return _patches_in_sight(rows, columns, depths, window_size, token, shift=lambda block, number: 0)


@patches_in_sight.mistake
def nothing_kept_apart(rows: int, columns: int, depths: list[int], window_size: int, token: tuple[int, int]) -> Tensor:
    """Tokens that the roll brought together see each other here, so a token at one border looks at the opposite one.
    The mask keeps these apart."""
    return _patches_in_sight(rows, columns, depths, window_size, token, masked=False)


@patches_in_sight.mistake
def walked_forwards(rows: int, columns: int, depths: list[int], window_size: int, token: tuple[int, int]) -> Tensor:
    """The blocks of a stage are gone through from the first to the last. The question goes from the end to the
    beginning: what does the last block see, then what do these see in the block before it?"""
    return _patches_in_sight(rows, columns, depths, window_size, token, forwards=True)


@patches_in_sight.mistake
def shifted_in_all(rows: int, columns: int, depths: list[int], window_size: int, token: tuple[int, int]) -> Tensor:
    """All blocks are shifted here; the first, the third and so on of each stage are not."""
    return _patches_in_sight(rows, columns, depths, window_size, token, shift=lambda block, number: 1)


@patches_in_sight.mistake
def shifted_first(rows: int, columns: int, depths: list[int], window_size: int, token: tuple[int, int]) -> Tensor:
    """The first block of a stage is shifted here, and the second is not; it should be the other way round."""
    return _patches_in_sight(rows, columns, depths, window_size, token, shift=lambda block, number: (block + 1) % 2)


@patches_in_sight.mistake
def counted_through(rows: int, columns: int, depths: list[int], window_size: int, token: tuple[int, int]) -> Tensor:
    """Blocks are counted through the whole model. Each stage counts its own from 0, so its first block is not shifted,
    even after a stage with an odd number of blocks."""
    return _patches_in_sight(rows, columns, depths, window_size, token, shift=lambda block, number: number % 2)


@patches_in_sight.mistake
def padded_after_the_roll(
    rows: int, columns: int, depths: list[int], window_size: int, token: tuple[int, int]
) -> Tensor:
    """The map is rolled first and then padded. It should be padded first: what came round stands at the end of the
    padded map. (A well-known library did it in the other order, see the pitfalls of chapter 10.)"""
    return _patches_in_sight(rows, columns, depths, window_size, token, pad_first=False)


@patches_in_sight.mistake
def rolled_down(rows: int, columns: int, depths: list[int], window_size: int, token: tuple[int, int]) -> Tensor:
    """With windows of an odd side the borders are one place off: the map was rolled down and to the right, or the shift
    was rounded up. Swin rolls it up and to the left by `window_size // 2`."""
    return _patches_in_sight(rows, columns, depths, window_size, token, sign=-1)


@patches_in_sight.mistake
def merging_forgotten(rows: int, columns: int, depths: list[int], window_size: int, token: tuple[int, int]) -> Tensor:
    """The map of a later stage was laid on that of an earlier one as it is. Each token was merged of 2×2, so on the way
    back its row and its column double."""

    def unmerge(seen: Tensor, size: int) -> Tensor:
        return F.pad(seen, (0, size - len(seen)))

    return _patches_in_sight(rows, columns, depths, window_size, token, unmerge=unmerge)


@patches_in_sight.mistake
def one_of_four(rows: int, columns: int, depths: list[int], window_size: int, token: tuple[int, int]) -> Tensor:
    """Of the 2×2 tokens that were merged, only the first is followed, (2r, 2c). All four go into the merged one."""

    def unmerge(seen: Tensor, size: int) -> Tensor:
        return torch.stack([seen, torch.zeros_like(seen)], dim=1).flatten()[:size]

    return _patches_in_sight(rows, columns, depths, window_size, token, unmerge=unmerge)


@patches_in_sight.mistake
def token_exchanged(rows: int, columns: int, depths: list[int], window_size: int, token: tuple[int, int]) -> Tensor:
    """The token was read as (column, row); it is (row, column)."""
    return _patches_in_sight(rows, columns, depths, window_size, token[::-1])
