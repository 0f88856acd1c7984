"""The checks of chapter 2: sizes, merging, interpolation, a decoder's step, transposed convolution."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

import swinlib

from .exercise import Arguments, exercise
from .inputs import DTYPES, LAYOUTS, booleans, integers, noise, numbered, sampled_from
from .judging import difference, show

# --- output_size --------------------------------------------------------------------------------------------------


@exercise(
    lambda size, kernel, stride, padding, dilation: (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1,
    always=(
        {"spare": 6, "kernel": 3, "stride": 1, "padding": 0, "dilation": 1},
        {"spare": 4, "kernel": 3, "stride": 3, "padding": 1, "dilation": 2},
    ),
    spare=integers(0, 9),
    kernel=integers(1, 5),
    stride=integers(1, 4),
    padding=integers(0, 3),
    dilation=integers(1, 3),
)
def output_size(spare: int, kernel: int, stride: int, padding: int, dilation: int) -> Arguments:
    """How many outputs a convolution makes from a line."""
    size = dilation * (kernel - 1) + 1 - 2 * padding + spare  # the kernel fits at least once
    return {"size": max(size, 1), "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}


@output_size.judge
def count_the_steps(
    got: object, want: int, size: int, kernel: int, stride: int, padding: int, dilation: int
) -> str | None:
    """Count the places of the kernel aloud."""
    problem = difference(got, want, name="the size")
    if problem is None or isinstance(got, bool) or not isinstance(got, (int, float)):
        return problem
    reach = dilation * (kernel - 1) + 1
    line = size + 2 * padding
    return (
        f"got {show(got)}, expected {want}: the kernel reaches over {reach} of the {line} numbers that there are with "
        f"the padding, {line - reach} are left, and that is room for {want - 1} whole steps of {stride}"
    )


@output_size.mistake
def dilation_ignored(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """The dilation is not used. With gaps between its weights, a kernel reaches over more numbers than it has
    weights."""
    return (size + 2 * padding - kernel) // stride + 1


@output_size.mistake
def dilation_times_kernel(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """A kernel of k weights has k - 1 gaps. The dilation multiplies the gaps, not the weights."""
    return (size + 2 * padding - dilation * kernel) // stride + 1


@output_size.mistake
def padding_once(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """The padding is counted once; it is put at both ends."""
    return (size + padding - dilation * (kernel - 1) - 1) // stride + 1


@output_size.mistake
def rounded_up(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """It rounds up. A step that is not whole is not taken, and what lies beyond is in no window."""
    return math.ceil((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1


@output_size.mistake
def first_place_forgotten(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """The steps are counted, and the place where the kernel stands before the first step is not."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride


@output_size.mistake
def true_division(size: int, kernel: int, stride: int, padding: int, dilation: int) -> float:
    """The division is not rounded. There is no half output: use `//`."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1


# --- gather_by_reshape --------------------------------------------------------------------------------------------


def _squares(x: Tensor) -> Tensor:
    """``(B, H, W, C)`` to ``(B, H/2, row, W/2, column, C)``."""
    return x.unflatten(2, (-1, 2)).unflatten(1, (-1, 2))


@exercise(
    lambda x: swinlib.space_to_depth(x),
    without=(
        "swinlib.space_to_depth",
        "swinlib.resampling.space_to_depth",
        "torch.cat",
        "torch.concat",
        "torch.concatenate",
        "torch.stack",
    ),
    always=({"batch": 2, "rows": 2, "columns": 3, "channels": 2, "dtype": "float32", "layout": "strided"},),
    batch=integers(1, 2),
    rows=integers(1, 3),
    columns=integers(1, 3),
    channels=integers(1, 3),
    dtype=DTYPES,
    layout=LAYOUTS,
)
def gather_by_reshape(batch: int, rows: int, columns: int, channels: int, dtype: str, layout: str) -> Arguments:
    """The gathering of patch merging, by a reshape and a permutation."""
    return {"x": numbered(batch, 2 * rows, 2 * columns, channels, dtype=dtype, layout=layout)}


@gather_by_reshape.judge
def say_which_neighbour(got: object, want: Tensor, x: Tensor) -> str | None:
    """Name the place of the map that a number came from, and the one that it should come from."""
    problem = difference(got, want, name="the result")
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    place = tuple((got != want).nonzero()[0].tolist())
    batch, row, column, channel = place
    which = f" of map {batch}" if len(x) > 1 else ""
    return (
        f"the token in row {row}, column {column}{which} holds in its channel {channel} what stands in the map at "
        f"{_place(x, got[place])}; what belongs there is {_place(x, want[place])}"
    )


def _place(x: Tensor, value: Tensor) -> str:
    where = (x == value).nonzero()
    if not len(where):
        return f"no place ({value:g})"
    batch, row, column, channel = where[0].tolist()
    return f"({row}, {column}), channel {channel}" + (f", of map {batch}" if len(x) > 1 else "")


@gather_by_reshape.mistake(credit=0.3)
def right_then_down(x: Tensor) -> Tensor:
    """The four neighbours are there, in another order: this goes to the right first. Swin's goes down first, (0,0),
    (1,0), (0,1), (1,1), and published weights depend on it."""
    return _squares(x).permute(0, 1, 3, 2, 4, 5).flatten(3)


@gather_by_reshape.mistake
def reshape_alone(x: Tensor) -> Tensor:
    """It looks like a reshape alone: four numbers that follow each other in memory became a token. The two rows of a
    2x2 square do not follow each other; a permutation must bring them together."""
    batch, height, width, channels = x.shape
    return x.reshape(batch, height // 2, width // 2, 4 * channels)


@gather_by_reshape.mistake
def channel_slowest(x: Tensor) -> Tensor:
    """It looks like the order of `nn.Unfold`, (channel, row, column). Swin's is (column, row, channel): blocks of C
    channels, one for each neighbour."""
    return _squares(x).permute(0, 1, 3, 5, 2, 4).flatten(3)


@gather_by_reshape.mistake
def map_turned_over(x: Tensor) -> Tensor:
    """It looks like rows and columns of the map changed places, not only those within a square: the result is as high
    as the map is wide."""
    return _squares(x).permute(0, 3, 1, 4, 2, 5).flatten(3)


@gather_by_reshape.mistake
def halves_for_neighbours(x: Tensor) -> Tensor:
    """It looks like the sides were split the other way round. Split into (2, H/2), a token gathers from the two halves
    of the map; split into (H/2, 2), from neighbours."""
    return x.unflatten(2, (2, -1)).unflatten(1, (2, -1)).permute(0, 2, 4, 3, 1, 5).flatten(3)


@gather_by_reshape.mistake
def view_of_a_permutation(x: Tensor) -> Tensor:
    """`view` moves no number, so it cannot merge dimensions that do not lie side by side in memory, and after a
    permutation they do not. `reshape` and `flatten` copy where they must."""
    batch, height, width, channels = x.shape
    return _squares(x).permute(0, 1, 3, 4, 2, 5).view(batch, height // 2, width // 2, 4 * channels)


# --- merging_from_convolution -------------------------------------------------------------------------------------


@exercise(
    lambda weight: weight.permute(0, 3, 2, 1).flatten(1),
    always=({"outputs": 3, "channels": 2, "dtype": "float32", "layout": "contiguous"},),
    outputs=integers(1, 4),
    channels=integers(1, 3),
    dtype=DTYPES,
    layout=LAYOUTS,
)
def merging_from_convolution(outputs: int, channels: int, dtype: str, layout: str) -> Arguments:
    """The weights of a 2x2 convolution as those of a reduction."""
    return {"weight": numbered(outputs, channels, 2, 2, dtype=dtype, layout=layout)}


@merging_from_convolution.judge
def say_which_weight(got: object, want: Tensor, weight: Tensor) -> str | None:
    """Name the weight that stands somewhere, and the one that belongs there."""
    problem = difference(got, want, name="the weight of the reduction")
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    output, entry = (got != want).nonzero()[0].tolist()
    block, channel = divmod(entry, weight.shape[1])
    column, row = divmod(block, 2)
    found = (weight == got[output, entry]).nonzero()
    holds = f"weight[{', '.join(map(str, found[0].tolist()))}]" if len(found) else f"{got[output, entry]:g}"
    return (
        f"entry ({output}, {entry}) multiplies what the gathering brings there, channel {channel} of the neighbour "
        f"({row}, {column}); so it must be weight[{output}, {channel}, {row}, {column}], and it is {holds}"
    )


@merging_from_convolution.mistake
def flattened_as_it_is(weight: Tensor) -> Tensor:
    """It looks like the weight was flattened as it is, in the order (channel, row, column). The gathering brings
    (column, row, channel)."""
    return weight.flatten(1)


@merging_from_convolution.mistake(credit=0.3)
def rows_slowest(weight: Tensor) -> Tensor:
    """It looks like the order (row, column, channel). The gathering goes down first, so among its blocks the row
    changes fastest: (column, row, channel)."""
    return weight.permute(0, 2, 3, 1).flatten(1)


@merging_from_convolution.mistake
def channels_first(weight: Tensor) -> Tensor:
    """It looks like the order (channel, column, row): the positions are in the right order among themselves, but the
    gathering keeps the C channels of one position together."""
    return weight.transpose(2, 3).flatten(1)


@merging_from_convolution.mistake
def inputs_by_outputs(weight: Tensor) -> Tensor:
    """It looks like the transpose. A linear layer stores its weight as (outputs, inputs), here (out, 4C)."""
    return weight.permute(0, 3, 2, 1).flatten(1).T


@merging_from_convolution.mistake
def kernel_flipped(weight: Tensor) -> Tensor:
    """It looks like the kernel is flipped. PyTorch's convolution does not flip its kernel; a transposed convolution,
    seen as one, does."""
    return weight.flip(2, 3).permute(0, 3, 2, 1).flatten(1)


# --- gather_volume: a bug hunt ------------------------------------------------------------------------------------

_EIGHT = tuple(itertools.product((0, 1), repeat=3))
_PUBLISHED = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 0), (0, 0, 1), (1, 1, 1))


def _neighbour(x: Tensor, place: tuple[int, int, int]) -> Tensor:
    depth, row, column = place
    return x[:, depth::2, row::2, column::2]


def _gather_volume(x: Tensor, places: tuple[tuple[int, int, int], ...]) -> Tensor:
    return torch.cat([_neighbour(x, place) for place in places], dim=-1)


@exercise(
    lambda x: _gather_volume(x, _EIGHT),
    always=({"batch": 2, "layers": 2, "rows": 1, "columns": 3, "channels": 2, "layout": "strided"},),
    batch=integers(1, 2),
    layers=integers(1, 2),
    rows=integers(1, 2),
    columns=integers(1, 3),
    channels=integers(1, 2),
    layout=LAYOUTS,
)
def gather_volume(batch: int, layers: int, rows: int, columns: int, channels: int, layout: str) -> Arguments:
    """Each of the eight neighbours in a volume, once, in any order."""
    return {"x": numbered(batch, 2 * layers, 2 * rows, 2 * columns, channels, layout=layout)}


@gather_volume.judge
def each_neighbour_once(got: object, want: Tensor, x: Tensor) -> str | None:
    """Name the neighbour that is missing, and the one that is there twice."""
    if not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return difference(got, want, name="the result")
    seen: dict[tuple[int, int, int], int] = {}
    for number, block in enumerate(got.split(x.shape[-1], dim=-1)):
        place = next((place for place in _EIGHT if torch.equal(block, _neighbour(x, place))), None)
        if place is None:
            return f"block {number} of the channels is none of the eight neighbours (depth, row, column)"
        if place in seen:
            missing = [str(other) for other in _EIGHT if not _holds(got, x, other)]
            verb = "is" if len(missing) == 1 else "are"
            return (
                f"blocks {seen[place]} and {number} of the channels are both the neighbour {place} (depth, row, "
                f"column), and {' and '.join(missing)} {verb} missing"
            )
        seen[place] = number
    return None


def _holds(got: Tensor, x: Tensor, place: tuple[int, int, int]) -> bool:
    return any(torch.equal(block, _neighbour(x, place)) for block in got.split(x.shape[-1], dim=-1))


@gather_volume.mistake
def as_published(x: Tensor) -> Tensor:
    """It is still the published list: two neighbours are taken twice, and two are never read."""
    return _gather_volume(x, _PUBLISHED)


@gather_volume.mistake(credit=0.3)
def later_pair_left(x: Tensor) -> Tensor:
    """One pair is repaired. Another is left: compare each line of the list with each."""
    return _gather_volume(x, (*_PUBLISHED[:5], (1, 1, 0), *_PUBLISHED[6:]))


@gather_volume.mistake(credit=0.3)
def earlier_pair_left(x: Tensor) -> Tensor:
    """The later pair is repaired. An earlier one is left: compare each line of the list with each."""
    return _gather_volume(x, (*_PUBLISHED[:6], (0, 1, 1), _PUBLISHED[7]))


@gather_volume.mistake
def six_blocks(x: Tensor) -> Tensor:
    """The lines that came twice were taken out, and nothing was put in their place. A 2x2x2 cube has eight
    neighbours, and the linear layer behind it waits for 8C channels."""
    return _gather_volume(x, tuple(dict.fromkeys(_PUBLISHED)))


@gather_volume.mistake
def interleaved(x: Tensor) -> Tensor:
    """The neighbours take turns channel by channel. Each is to be a block of its own C channels: `torch.cat` along the
    channels does that, `torch.stack` and a flatten do not."""
    return torch.stack([_neighbour(x, place) for place in _EIGHT], dim=-1).flatten(-2)


@gather_volume.mistake
def stacked(x: Tensor) -> Tensor:
    """The eight neighbours became a dimension of their own; they belong in the channels."""
    return torch.stack([_neighbour(x, place) for place in _EIGHT], dim=-2)


# --- resize_line --------------------------------------------------------------------------------------------------


@exercise(
    lambda x, size, align_corners: F.interpolate(x, size=size, mode="linear", align_corners=align_corners),
    without=("torch.nn.functional.interpolate", "torch.nn.functional.upsample"),
    inputs=40,
    always=(
        {"batch": 1, "channels": 1, "length": 4, "size": 8, "align_corners": False, "ramp": True, "dtype": "float32"},
        {"batch": 1, "channels": 1, "length": 4, "size": 8, "align_corners": True, "ramp": True, "dtype": "float32"},
        {"batch": 2, "channels": 3, "length": 7, "size": 3, "align_corners": False, "ramp": False, "dtype": "float64"},
        {"batch": 1, "channels": 1, "length": 3, "size": 1, "align_corners": True, "ramp": True, "dtype": "float32"},
    ),
    batch=integers(1, 2),
    channels=integers(1, 2),
    # A message is clearest for a line that grows, so shrinking leads there.
    length=sampled_from([2, 3, 4, 5, 6, 1]),
    size=sampled_from([4, 2, 3, 5, 6, 8, 9, 1]),
    align_corners=booleans(),
    ramp=sampled_from([True, False]),
    dtype=DTYPES,
)
def resize_line(
    batch: int, channels: int, length: int, size: int, align_corners: bool, ramp: bool, dtype: str
) -> Arguments:
    """A line resized by linear interpolation, with both rules."""
    # On a ramp a value is the place that it was read at; noise shows what a ramp hides.
    x = numbered(batch, channels, length, dtype=dtype) if ramp else noise(batch, channels, length, dtype=dtype)
    return {"x": x, "size": size, "align_corners": align_corners}


@resize_line.judge
def say_where_it_is_read(got: object, want: Tensor, x: Tensor, size: int, align_corners: bool) -> str | None:
    """Say at which place in the input an output is read."""
    if not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return difference(got, want)
    # Places that were computed in float32 are right, whatever x holds.
    if difference(got.float(), want.float()) is None:
        return None
    wrong = ~torch.isclose(got.detach().float(), want.float(), rtol=1e-4, atol=1e-5, equal_nan=True)
    batch, channel, i = wrong.nonzero()[0].tolist()
    last = x.shape[-1] - 1
    place = _places(x.shape[-1], size, align_corners)[i]
    inside = min(max(place, 0.0), float(last))
    beyond = (
        "" if inside == place else f", which lies beyond the middle of the border pixel, so it is read at {inside:g}"
    )
    return (
        f"output {i} is {show(got[batch, channel, i].item())}, expected {show(want[batch, channel, i].item())}: with "
        f"align_corners={align_corners} it belongs at {place:.4g} among the places 0 to {last}{beyond}"
    )


def _places(length: int, size: int, align_corners: bool) -> list[float]:
    if align_corners:
        return [i * (length - 1) / max(size - 1, 1) for i in range(size)]
    return [(i + 0.5) * length / size - 0.5 for i in range(size)]


def _read(x: Tensor, places: list[float]) -> Tensor:
    """The values of x at places, between neighbours; clamped to the line."""
    where = torch.tensor(places, dtype=torch.float64).clamp(0, x.shape[-1] - 1)
    low = where.long()
    high = (low + 1).clamp(max=x.shape[-1] - 1)
    return torch.lerp(x[..., low], x[..., high], (where - low).to(x.dtype))


@resize_line.mistake
def corners_always(x: Tensor, size: int, align_corners: bool) -> Tensor:
    """It always reads as with align_corners=True: first and last output on first and last input."""
    return _read(x, _places(x.shape[-1], size, True))


@resize_line.mistake
def corners_never(x: Tensor, size: int, align_corners: bool) -> Tensor:
    """It always reads as with align_corners=False; the argument is not used."""
    return _read(x, _places(x.shape[-1], size, False))


@resize_line.mistake
def half_a_pixel_forgotten(x: Tensor, size: int, align_corners: bool) -> Tensor:
    """With align_corners=False it reads at i * n / size. The middle of a pixel lies half a pixel from its edge: add a
    half before you scale, and take it away after."""
    places = _places(x.shape[-1], size, True) if align_corners else [i * x.shape[-1] / size for i in range(size)]
    return _read(x, places)


@resize_line.mistake
def nearest_neighbour(x: Tensor, size: int, align_corners: bool) -> Tensor:
    """It takes the nearest input. Between two inputs, mix them: the nearer one weighs more."""
    return _read(x, [float(round(place)) for place in _places(x.shape[-1], size, align_corners)])


@resize_line.mistake
def beyond_the_border(x: Tensor, size: int, align_corners: bool) -> Tensor:
    """It goes on beyond the border along the slope of the last two inputs. An output that lies there takes the value of
    the border pixel: keep the place within 0 and n - 1, not only the indices."""
    where = torch.tensor(_places(x.shape[-1], size, align_corners), dtype=torch.float64)
    low = where.floor().long().clamp(0, max(x.shape[-1] - 2, 0))
    high = (low + 1).clamp(max=x.shape[-1] - 1)
    return torch.lerp(x[..., low], x[..., high], (where - low).to(x.dtype))


@resize_line.mistake
def weights_exchanged(x: Tensor, size: int, align_corners: bool) -> Tensor:
    """The two weights are exchanged: the farther neighbour weighs more."""
    where = torch.tensor(_places(x.shape[-1], size, align_corners), dtype=torch.float64).clamp(0, x.shape[-1] - 1)
    low = where.long()
    high = (low + 1).clamp(max=x.shape[-1] - 1)
    return torch.lerp(x[..., high], x[..., low], (where - low).to(x.dtype))


@resize_line.mistake(credit=0.5)
def divided_by_zero(x: Tensor, size: int, align_corners: bool) -> Tensor:
    """One output has no next one, so there is no spacing to divide by: with align_corners=True it is the first
    input."""
    if align_corners:
        return _read(x, [i * ((x.shape[-1] - 1) / (size - 1)) for i in range(size)])
    return _read(x, _places(x.shape[-1], size, False))


# --- decoder_step -------------------------------------------------------------------------------------------------


def _decoder_step(
    x: Tensor,
    skip: Tensor,
    expand: Tensor,
    join: Tensor,
    *,
    order: tuple[int, ...] = (0, 1, 3, 2, 4, 5),
    names: tuple[str, str, str] = ("row", "column", "channel"),
    fit: str = "cut",
    skip_first: bool = False,
) -> Tensor:
    """The right answer; each option spoils one step of it."""
    batch, height, width, _ = x.shape
    channels = skip.shape[-1]
    sizes = {"row": 2, "column": 2, "channel": channels}
    parts = F.linear(x, expand).unflatten(-1, tuple(sizes[name] for name in names))
    parts = parts.permute(0, 1, 2, *(3 + names.index(name) for name in ("row", "column", "channel")))
    up = parts.permute(order).reshape(batch, 2 * height, 2 * width, channels)
    if fit == "cut":
        up = up[:, : skip.shape[1], : skip.shape[2]]
    elif fit == "cut at the top":
        up = up[:, up.shape[1] - skip.shape[1] :, up.shape[2] - skip.shape[2] :]
    elif fit == "interpolate":
        up = F.interpolate(up.permute(0, 3, 1, 2), size=skip.shape[1:3], mode="bilinear").permute(0, 2, 3, 1)
    else:
        skip = F.pad(skip, (0, 0, 0, up.shape[2] - skip.shape[2], 0, up.shape[1] - skip.shape[1]))
    return F.linear(torch.cat([skip, up] if skip_first else [up, skip], dim=-1), join)


@exercise(
    lambda x, skip, expand, join: _decoder_step(x, skip, expand, join),
    without=(
        "swinlib.depth_to_space",
        "swinlib.resampling.depth_to_space",
        "swinlib.PatchExpanding.forward",
        "torch.nn.functional.pixel_shuffle",
        "torch.pixel_shuffle",
    ),
    always=(
        {"batch": 2, "height": 4, "width": 6, "channels": 2, "dtype": "float32", "layout": "contiguous"},
        {"batch": 1, "height": 3, "width": 5, "channels": 2, "dtype": "float64", "layout": "strided"},
    ),
    batch=integers(1, 2),
    height=integers(1, 6),
    width=integers(1, 6),
    channels=integers(1, 3),
    dtype=DTYPES,
    layout=LAYOUTS,
)
def decoder_step(batch: int, height: int, width: int, channels: int, dtype: str, layout: str) -> Arguments:
    """Expand, cut, join: one step of a decoder."""
    options = {"dtype": dtype, "layout": layout}
    return {
        "x": noise(batch, -(-height // 2), -(-width // 2), 2 * channels, seed=1, **options),
        "skip": noise(batch, height, width, channels, seed=2, **options),
        "expand": noise(4 * channels, 2 * channels, seed=3, **options),
        "join": noise(channels, 2 * channels, seed=4, **options),
    }


@decoder_step.judge
def say_what_does_not_fit(
    got: object, want: Tensor, x: Tensor, skip: Tensor, expand: Tensor, join: Tensor
) -> str | None:
    """The size of the skip is the size of the result."""
    problem = difference(got, want, name="the map")
    if problem is None or not isinstance(got, Tensor):
        return problem
    if got.dim() == 4 and got.shape[1:3] != want.shape[1:3]:
        rows, columns = skip.shape[1:3]
        return f"the map has {got.shape[1]}×{got.shape[2]} tokens; the skip that it is joined with has {rows}×{columns}"
    if got.shape != want.shape or got.dtype != want.dtype:
        return problem
    wrong = ~torch.isclose(got.detach(), want, rtol=1e-4, atol=1e-5, equal_nan=True)
    token = wrong.any(-1)
    batch, row, column = token.nonzero()[0].tolist()
    return (
        f"the token in row {row}, column {column} of map {batch} is wrong ({int(token.sum())} of {token.numel()} are); "
        f"it is made of what token ({row // 2}, {column // 2}) of x puts into row {row % 2}, column {column % 2} "
        "of its square, and of the skip's token there"
    )


@decoder_step.mistake
def shuffled_like_pixels(x: Tensor, skip: Tensor, expand: Tensor, join: Tensor) -> Tensor:
    """It looks like the 4C were read as (channel, row, column), as PixelShuffle reads them. Here they are (row, column,
    channel)."""
    return _decoder_step(x, skip, expand, join, names=("channel", "row", "column"))


@decoder_step.mistake
def down_then_right(x: Tensor, skip: Tensor, expand: Tensor, join: Tensor) -> Tensor:
    """It looks like the 4C were read as (column, row, channel), the order of merging. Expanding goes to the right
    first: (row, column, channel)."""
    return _decoder_step(x, skip, expand, join, names=("column", "row", "channel"))


@decoder_step.mistake
def not_permuted(x: Tensor, skip: Tensor, expand: Tensor, join: Tensor) -> Tensor:
    """It looks like a reshape without a permutation: the four tokens of a square came to lie one after the other in a
    row. The row in the square must stand beside the row of the map before the two are merged."""
    return _decoder_step(x, skip, expand, join, order=(0, 1, 2, 3, 4, 5))


@decoder_step.mistake
def cut_at_the_top(x: Tensor, skip: Tensor, expand: Tensor, join: Tensor) -> Tensor:
    """It looks like the first row or column was cut off. Merging pads at the bottom and at the right, so that is where
    the excess is; cut at the top, and every token moves by one."""
    return _decoder_step(x, skip, expand, join, fit="cut at the top")


@decoder_step.mistake
def interpolated_to_fit(x: Tensor, skip: Tensor, expand: Tensor, join: Tensor) -> Tensor:
    """It looks like the map was resized to the skip's size. That moves tokens against those of the skip; cut off what
    is too much."""
    return _decoder_step(x, skip, expand, join, fit="interpolate")


@decoder_step.mistake
def skip_padded(x: Tensor, skip: Tensor, expand: Tensor, join: Tensor) -> Tensor:
    """It looks like the skip was padded to the size of what was expanded. The result is to have the skip's size, so
    cut the other one."""
    return _decoder_step(x, skip, expand, join, fit="pad")


@decoder_step.mistake(credit=0.3)
def skip_in_front(x: Tensor, skip: Tensor, expand: Tensor, join: Tensor) -> Tensor:
    """It looks like the skip's channels come first. The weights of `join` belong to the expanded channels first, and
    then to the skip's."""
    return _decoder_step(x, skip, expand, join, skip_first=True)


# --- transposed_convolution ---------------------------------------------------------------------------------------

Pair = tuple[int, int]


def _transposed(
    x: Tensor,
    weight: Tensor,
    stride: Pair,
    padding: Pair,
    output_padding: Pair,
    *,
    flip: bool = True,
    exchange: bool = True,
    after_the_last: bool = False,
    end: str = "end",
    pad: str = "k - 1 - p",
) -> Tensor:
    """The right answer by zeros between the inputs; each option spoils one step of it."""
    for dim, s, p, more in zip((2, 3), stride, padding, output_padding, strict=True):
        n, k = x.shape[dim], weight.shape[dim]
        spread = x.new_zeros([*x.shape[:dim], n * s if after_the_last else (n - 1) * s + 1, *x.shape[dim + 1 :]])
        spread[(slice(None),) * dim + (slice(None, None, s),)] = x
        around = {"k - 1 - p": k - 1 - p, "p": p, "at least 0": max(k - 1 - p, 0)}[pad]
        ends = {"end": (0, more), "start": (more, 0), "never": (0, 0), "both": (more, more)}[end]
        x = F.pad(spread.transpose(dim, 3), (around + ends[0], around + ends[1])).transpose(dim, 3)
    weight = weight.flip(2, 3) if flip else weight
    return F.conv2d(x, weight.transpose(0, 1) if exchange else weight)


@exercise(
    lambda x, weight, stride, padding, output_padding: F.conv_transpose2d(
        x, weight, stride=stride, padding=padding, output_padding=output_padding
    ),
    without=(
        "torch.nn.functional.conv_transpose1d",
        "torch.nn.functional.conv_transpose2d",
        "torch.nn.functional.conv_transpose3d",
        "torch.conv_transpose1d",
        "torch.conv_transpose2d",
        "torch.conv_transpose3d",
        "torch.convolution",
    ),
    inputs=40,
    always=(
        {"x": [1, 1, 1, 2], "weight": [1, 2, 3], "stride": [1, 2], "padding": [0, 0], "more": [0, 0]},
        {"x": [2, 2, 3, 4], "weight": [3, 3, 2], "stride": [2, 3], "padding": [1, 0], "more": [1, 1]},
        {"x": [1, 2, 4, 3], "weight": [2, 1, 3], "stride": [3, 2], "padding": [1, 2], "more": [0, 1]},
    ),
    x=sampled_from([[1, 1, 1, 1], [1, 1, 1, 2], [1, 1, 2, 1], [1, 2, 2, 3], [2, 1, 3, 2], [2, 2, 3, 4]]),
    weight=sampled_from([[1, 1, 1], [1, 1, 2], [1, 2, 1], [2, 1, 1], [1, 3, 2], [1, 2, 4], [2, 3, 3], [3, 2, 3]]),
    stride=sampled_from([[1, 1], [1, 2], [2, 1], [2, 2], [3, 2], [2, 3]]),
    padding=sampled_from([[0, 0], [0, 1], [1, 0], [1, 1], [2, 1]]),
    more=sampled_from([[0, 0], [0, 1], [1, 0], [1, 2]]),
)
def transposed_convolution(
    x: list[int], weight: list[int], stride: list[int], padding: list[int], more: list[int]
) -> Arguments:
    """A transposed convolution in two dimensions, of any kernel, stride and padding."""
    outputs, *kernel = weight
    batch, channels, *size = x
    more = [min(m, s - 1) for m, s in zip(more, stride, strict=True)]
    for axis in (0, 1):  # so that at least one row and one column are left
        while (size[axis] - 1) * stride[axis] - 2 * padding[axis] + kernel[axis] + more[axis] < 1:
            size[axis] += 1
    return {
        "x": numbered(batch, channels, *size) + 1,
        "weight": numbered(channels, outputs, *kernel) + 1,
        "stride": tuple(stride),
        "padding": tuple(padding),
        "output_padding": tuple(more),
    }


@transposed_convolution.judge
def count_the_copies(
    got: object, want: Tensor, x: Tensor, weight: Tensor, stride: Pair, padding: Pair, output_padding: Pair
) -> str | None:
    """Give the formula for the size, and for a number which copies of the kernel meet in it."""
    if isinstance(got, Tensor) and got.dim() == 4 and got.shape[2:] != want.shape[2:]:
        axis = 0 if got.shape[2] != want.shape[2] else 1
        n, k, s = x.shape[2 + axis], weight.shape[2 + axis], stride[axis]
        return (
            f"along the {('rows', 'columns')[axis]} the result has size {got.shape[2 + axis]}; expected "
            f"{want.shape[2 + axis]}, which is (n - 1) * s - 2p + k + output_padding = "
            f"({n} - 1) * {s} - 2 * {padding[axis]} + {k} + {output_padding[axis]}"
        )
    problem = difference(got, want)
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    place = tuple((~torch.isclose(got.detach(), want)).nonzero()[0].tolist())
    meets = [
        f"x[..., {row}, {column}] by weight[..., {place[2] + padding[0] - row * stride[0]}, "
        f"{place[3] + padding[1] - column * stride[1]}]"
        for row in range(x.shape[2])
        for column in range(x.shape[3])
        if 0 <= place[2] + padding[0] - row * stride[0] < weight.shape[2]
        and 0 <= place[3] + padding[1] - column * stride[1] < weight.shape[3]
    ]
    shown = ", ".join(meets[:4]) + (f" and {len(meets) - 4} more" if len(meets) > 4 else "")
    made = f"it is made of {shown}" if meets else "no copy of the kernel reaches there"
    return f"{problem}: {made}"


@transposed_convolution.mistake(credit=0.3)
def not_flipped(x: Tensor, weight: Tensor, stride: Pair, padding: Pair, output_padding: Pair) -> Tensor:
    """It looks like the kernel is not flipped. Each input puts down a copy of the kernel; seen from an output, that
    copy is met back to front."""
    return _transposed(x, weight, stride, padding, output_padding, flip=False)


@transposed_convolution.mistake
def channels_not_exchanged(x: Tensor, weight: Tensor, stride: Pair, padding: Pair, output_padding: Pair) -> Tensor:
    """The first dimension of this weight is the *input's* channels; a convolution wants the output's there. Exchange
    the first two."""
    return _transposed(x, weight, stride, padding, output_padding, exchange=False)


@transposed_convolution.mistake
def padded_by_p(x: Tensor, weight: Tensor, stride: Pair, padding: Pair, output_padding: Pair) -> Tensor:
    """It looks like zeros were padded by p. The padding of a transposed convolution subtracts: pad by k - 1 - p."""
    return _transposed(x, weight, stride, padding, output_padding, pad="p")


@transposed_convolution.mistake
def zeros_after_the_last(x: Tensor, weight: Tensor, stride: Pair, padding: Pair, output_padding: Pair) -> Tensor:
    """It looks like zeros were put after every input, the last one too. There are s - 1 zeros *between* inputs, so n of
    them take (n - 1) * s + 1 places."""
    return _transposed(x, weight, stride, padding, output_padding, after_the_last=True)


@transposed_convolution.mistake(credit=0.3)
def output_padding_ignored(x: Tensor, weight: Tensor, stride: Pair, padding: Pair, output_padding: Pair) -> Tensor:
    """The output padding is not used. It adds rows at the bottom and columns at the right."""
    return _transposed(x, weight, stride, padding, output_padding, end="never")


@transposed_convolution.mistake
def output_padding_in_front(x: Tensor, weight: Tensor, stride: Pair, padding: Pair, output_padding: Pair) -> Tensor:
    """The output padding was put at the top and at the left; it belongs to the other end."""
    return _transposed(x, weight, stride, padding, output_padding, end="start")


@transposed_convolution.mistake
def output_padding_twice(x: Tensor, weight: Tensor, stride: Pair, padding: Pair, output_padding: Pair) -> Tensor:
    """The output padding was put at both ends. It belongs to one, the bottom and the right."""
    return _transposed(x, weight, stride, padding, output_padding, end="both")


@transposed_convolution.mistake
def strides_exchanged(x: Tensor, weight: Tensor, stride: Pair, padding: Pair, output_padding: Pair) -> Tensor:
    """The two strides are exchanged: the first belongs to the rows."""
    return _transposed(x, weight, stride[::-1], padding, output_padding)


@transposed_convolution.mistake(credit=0.5)
def never_cut(x: Tensor, weight: Tensor, stride: Pair, padding: Pair, output_padding: Pair) -> Tensor:
    """Where the padding is larger than k - 1, rows and columns must be cut off. `F.pad` does it when it is given a
    negative number."""
    return _transposed(x, weight, stride, padding, output_padding, pad="at least 0")


@transposed_convolution.picture
def beside_the_right_one(
    got: Tensor, want: Tensor, x: Tensor, weight: Tensor, stride: Pair, padding: Pair, output_padding: Pair
) -> object:
    """The first channel of both."""
    from swinlib import figures

    return figures.show_answer(got[0, 0], want[0, 0])
