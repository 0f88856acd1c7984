"""The checks of chapter 4: shapes of two products, softmax, heads, masks, window attention."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

import swinlib

from .exercise import Arguments, exercise
from .inputs import DTYPES, LAYOUTS, booleans, integers, lists, noise, numbered, sampled_from
from .judging import difference, show

Shape = tuple[int, ...]
REFUSED = "a ValueError"


def _shape_or_refusal(answer: Callable[[Shape, Shape], object], a: Shape, b: Shape) -> object:
    """What the answer returns, as a list if it is a shape; a word if it refuses."""
    try:
        shape = answer(a, b)
    except ValueError:
        return REFUSED
    return list(shape) if isinstance(shape, (tuple, list)) else shape


def _shape(sizes: object) -> str:
    return str(tuple(sizes)) if isinstance(sizes, list) else show(sizes)


# --- broadcast_shape ----------------------------------------------------------------------------------------------


def _columns(a: Shape, b: Shape) -> list[tuple[int, int]]:
    """The sizes that stand under each other, aligned at the right; 1 where one is missing."""
    length = max(len(a), len(b))
    return list(zip((1,) * (length - len(a)) + a, (1,) * (length - len(b)) + b, strict=True))


def _broadcast(a: Shape, b: Shape) -> Shape:
    if any(m != n and 1 not in (m, n) for m, n in _columns(a, b)):
        raise ValueError("the shapes do not fit")
    return tuple(n if m == 1 else m for m, n in _columns(a, b))


@exercise(
    _broadcast,
    probe=_shape_or_refusal,
    without=(
        "torch.broadcast_shapes",
        "torch.functional.broadcast_shapes",
        "torch.broadcast_tensors",
        "numpy.broadcast_shapes",
    ),
    inputs=40,
    always=(
        {"columns": [[5, 5], [1, 3], [4, 1]], "missing_in_a": 0, "missing_in_b": 1},
        {"columns": [[2, 2], [2, 3]], "missing_in_a": 0, "missing_in_b": 1},
        {"columns": [[2, 4]], "missing_in_a": 0, "missing_in_b": 0},
        {"columns": [[0, 1]], "missing_in_a": 0, "missing_in_b": 0},
        {"columns": [[2, 2], [3, 3]], "missing_in_a": 0, "missing_in_b": 1},
        {"columns": [[1, 3]], "missing_in_a": 0, "missing_in_b": 0},
        {"columns": [[1, 2], [3, 1], [1, 4], [5, 5]], "missing_in_a": 0, "missing_in_b": 0},
    ),
    columns=lists(
        sampled_from([[2, 2], [1, 2], [3, 1], [1, 1], [2, 3], [2, 4], [1, 0], [0, 2]]),
        max_size=4,
    ),
    missing_in_a=integers(0, 2),
    missing_in_b=integers(0, 2),
)
def broadcast_shape(columns: list[list[int]], missing_in_a: int, missing_in_b: int) -> Arguments:
    """The shape of an element-wise product, or a refusal."""
    return {"a": tuple(m for m, _ in columns)[missing_in_a:], "b": tuple(n for _, n in columns)[missing_in_b:]}


@broadcast_shape.judge
def compare_in_columns(got: object, want: object, a: Shape, b: Shape) -> str | None:
    """Name the column in which the sizes do not fit, or the result."""
    if got == want:
        return None
    if want == REFUSED:
        length = len(_columns(a, b))
        at, (m, n) = next(
            (i, sizes) for i, sizes in enumerate(_columns(a, b)) if sizes[0] != sizes[1] and 1 not in sizes
        )
        return (
            f"got {_shape(got)}; expected {REFUSED}: aligned at the right, {m} and {n} stand under each other in "
            f"dimension {at - length}, and neither is 1"
        )
    if got == REFUSED:
        return f"your code refuses these shapes; they fit, and the result is {_shape(want)}"
    return difference(got, want, name="the shape") and f"got {_shape(got)}; expected {_shape(want)}"


@broadcast_shape.mistake
def aligned_at_the_left(a: Shape, b: Shape) -> Shape:
    """The shapes are aligned at the left. Broadcasting aligns them at the right: what is missing is missing in
    front."""
    return tuple(reversed(_broadcast(a[::-1], b[::-1])))


@broadcast_shape.mistake
def as_many_dimensions(a: Shape, b: Shape) -> Shape:
    """It refuses shapes with different numbers of dimensions. A dimension that is missing in front counts as a 1."""
    if len(a) != len(b):
        raise ValueError
    return _broadcast(a, b)


@broadcast_shape.mistake
def larger_one_wins(a: Shape, b: Shape) -> Shape:
    """It takes the larger of two sizes and refuses nothing. Only a 1 is stretched."""
    return tuple(max(sizes) for sizes in _columns(a, b))


@broadcast_shape.mistake(credit=0.5)
def nothing_forgotten(a: Shape, b: Shape) -> Shape:
    """It is right for all sizes but 0. A 1 over a 0 is stretched to 0, that is, repeated no times; the larger of the
    two would be 1."""
    _broadcast(a, b)
    return tuple(max(sizes) for sizes in _columns(a, b))


@broadcast_shape.mistake
def multiples_fit(a: Shape, b: Shape) -> Shape:
    """It stretches a size to a multiple of itself. A 2 does not fit a 4: only a 1 is stretched."""
    for m, n in _columns(a, b):
        if m != n and (min(m, n) == 0 or max(m, n) % min(m, n)) and 1 not in (m, n):
            raise ValueError
    return tuple(n if m == 1 else m if n == 1 else max(m, n) for m, n in _columns(a, b))


@broadcast_shape.mistake
def only_one_is_stretched(a: Shape, b: Shape) -> Shape:
    """It stretches `b` to the shape of `a`, and not the other way round. Both may be stretched, even in one product:
    (3, 1) and (3,)."""
    if _broadcast(a, b) != a:
        raise ValueError
    return a


@broadcast_shape.mistake(credit=0.5)
def asked_pytorch(a: Shape, b: Shape) -> Shape:
    """The shapes are right, but what PyTorch raises when it refuses is a RuntimeError. Raise a ValueError, from the
    sizes alone."""
    return tuple((torch.empty(a) * torch.empty(b)).shape)


# --- stable_softmax -----------------------------------------------------------------------------------------------

CHANGED = "the argument x was changed"


def _if_unchanged(answer: Callable[[Tensor], object], x: Tensor) -> object:
    before = x.clone()
    result = answer(x)
    return result if torch.equal(x, before) else CHANGED


@exercise(
    lambda x: torch.softmax(x, dim=-1),
    probe=_if_unchanged,
    without=(
        "torch.softmax",
        "torch.log_softmax",
        "torch.Tensor.softmax",
        "torch.Tensor.log_softmax",
        "torch.special.softmax",
        "torch.special.log_softmax",
        "torch.nn.functional.softmax",
        "torch.nn.functional.log_softmax",
        "torch.nn.functional.softmin",
    ),
    inputs=30,
    always=(
        {"shape": [2], "apart": 0, "times": 1, "hidden": False, "dtype": "float32", "layout": "contiguous"},
        {"shape": [3, 3], "apart": 0, "times": 1, "hidden": False, "dtype": "float32", "layout": "contiguous"},
        {"shape": [2, 2], "apart": 0, "times": 2000, "hidden": False, "dtype": "float64", "layout": "strided"},
        {"shape": [2, 3, 2], "apart": 2000, "times": 1, "hidden": True, "dtype": "float32", "layout": "contiguous"},
    ),
    shape=sampled_from([[2], [3], [2, 2], [2, 3], [3, 3], [3, 2], [1, 2, 3], [2, 2, 2], [2, 3, 4]]),
    apart=sampled_from([0, 100, 2000]),
    times=sampled_from([1, 2000]),
    hidden=booleans(),
    dtype=DTYPES,
    layout=LAYOUTS,
)
def stable_softmax(shape: list[int], apart: int, times: int, hidden: bool, dtype: str, layout: str) -> Arguments:
    """A softmax that survives large numbers and hidden keys."""
    x = noise(*shape, seed=1, dtype=dtype) * times
    x += apart * torch.arange(x[..., 0].numel()).view(*shape[:-1], 1)
    if hidden:
        x[..., -1] = float("-inf")
    return {"x": x.mT.contiguous().mT if layout == "strided" and x.dim() > 1 else x}


@stable_softmax.judge
def say_what_a_row_sums_to(got: object, want: Tensor, x: Tensor) -> str | None:
    """The weights of a query sum to 1."""
    if isinstance(got, str) and got == CHANGED:
        return f"{CHANGED}, by an operation that writes into it, such as `-=` or `exp_`"
    problem = difference(got, want)
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    if got.isnan().any():
        return f"{problem}; infinity over infinity, and 0 over 0, are not a number"
    sums = got.sum(-1)
    off = (sums - 1).abs() > 1e-3
    if off.any():
        place = tuple(off.nonzero()[0].tolist())
        row = f"row {', '.join(map(str, place))}" if place else "the vector"
        return f"{problem}; {row} sums to {show(sums[place].item())}, and the weights of one query sum to 1"
    return problem


@stable_softmax.mistake
def exponentiated_at_once(x: Tensor) -> Tensor:
    """It takes the exponential of the numbers as they are, which for large ones is infinite. Subtract the largest of
    each row first: the weights stay what they are."""
    return x.exp() / x.exp().sum(-1, keepdim=True)


@stable_softmax.mistake
def sums_not_kept(x: Tensor) -> Tensor:
    """The sums lost their dimension, so they are aligned with the columns: with square matrices nothing is refused, and
    each number is divided by another row's sum. `keepdim=True` keeps them a column."""
    exponentials = (x - x.amax(-1, keepdim=True)).exp()
    return exponentials / exponentials.sum(-1)


@stable_softmax.mistake
def over_the_first(x: Tensor) -> Tensor:
    """It runs over the first dimension, so columns sum to 1. Softmax of attention runs over the keys, the last
    dimension."""
    return torch.softmax(x, dim=0)


@stable_softmax.mistake
def one_maximum_for_all(x: Tensor) -> Tensor:
    """One maximum is subtracted from all rows. A row that lies far below it has only zeros left, and 0 over 0 is not a
    number: each row needs its own."""
    exponentials = (x - x.max()).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


@stable_softmax.mistake
def mean_subtracted(x: Tensor) -> Tensor:
    """The mean is subtracted. Numbers far above the mean still become infinite, and a hidden key makes the mean
    infinite; after subtracting the maximum the largest exponent is 0."""
    exponentials = (x - x.mean(-1, keepdim=True)).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


@stable_softmax.mistake
def not_divided(x: Tensor) -> Tensor:
    """The exponentials are not divided by their sum."""
    return (x - x.amax(-1, keepdim=True)).exp()


@stable_softmax.mistake(credit=0.5)
def in_place(x: Tensor) -> Tensor:
    """The weights are right, but the caller's logits are gone: `x -= ...` writes into the tensor that was given. Write
    `x = x - ...`, which makes a new one."""
    x -= x.amax(-1, keepdim=True)
    return torch.softmax(x, dim=-1)


# --- product_shape ------------------------------------------------------------------------------------------------


def _product(a: Shape, b: Shape) -> Shape:
    if not a or not b:
        raise ValueError("a number is not a matrix")
    left, right = (1, *a) if len(a) == 1 else a, (*b, 1) if len(b) == 1 else b
    if left[-1] != right[-2]:
        raise ValueError("the inner sizes differ")
    batch = _broadcast(left[:-2], right[:-2])
    return batch + (left[-2:-1] if len(a) > 1 else ()) + (right[-1:] if len(b) > 1 else ())


@exercise(
    _product,
    probe=_shape_or_refusal,
    without=("torch.matmul", "torch.Tensor.matmul", "torch.Tensor.__matmul__", "torch.bmm", "torch.mm"),
    inputs=40,
    always=(
        {"left": "matrix", "right": "matrix", "batch": [[5, 1], [1, 4]], "missing": 1, "inner": [3, 3]},
        {"left": "matrix", "right": "matrix", "batch": [[3, 3]], "missing": 1, "inner": [2, 3]},
        {"left": "vector", "right": "vector", "batch": [], "missing": 0, "inner": [3, 3]},
        {"left": "vector", "right": "matrix", "batch": [[1, 2]], "missing": 0, "inner": [4, 4]},
        {"left": "matrix", "right": "vector", "batch": [[2, 1]], "missing": 0, "inner": [4, 4]},
        {"left": "number", "right": "matrix", "batch": [], "missing": 0, "inner": [3, 3]},
        {"left": "matrix", "right": "matrix", "batch": [], "missing": 0, "inner": [1, 3]},
    ),
    left=sampled_from(["matrix", "vector", "number"]),
    right=sampled_from(["matrix", "vector", "number"]),
    batch=lists(sampled_from([[2, 2], [1, 3], [2, 1], [2, 3]]), max_size=2),
    missing=integers(0, 2),
    inner=sampled_from([[3, 3], [2, 2], [4, 4], [1, 3], [3, 1], [3, 2], [2, 3]]),
)
def product_shape(left: str, right: str, batch: list[list[int]], missing: int, inner: list[int]) -> Arguments:
    """The shape of a matrix product, or a refusal."""
    rows, columns = 4, 2
    shapes_a = {"matrix": (*(m for m, _ in batch), rows, inner[0]), "vector": (inner[0],), "number": ()}
    shapes_b = {"matrix": (*(n for _, n in batch[missing:]), inner[1], columns), "vector": (inner[1],), "number": ()}
    return {"a": shapes_a[left], "b": shapes_b[right]}


@product_shape.judge
def say_why(got: object, want: object, a: Shape, b: Shape) -> str | None:
    """Name what PyTorch looks at: the inner sizes, and the batch."""
    if got == want:
        return None
    if want == REFUSED:
        if not a or not b:
            why = "a shape of () is a number, and @ takes none"
        elif a[-1] != b[-2 if len(b) > 1 else -1]:
            why = f"the inner sizes are {a[-1]} and {b[-2 if len(b) > 1 else -1]}, and they must be equal"
        else:
            why = f"the batches {a[:-2]} and {b[:-2]} do not fit"
        return f"got {_shape(got)}; expected {REFUSED}: {why}"
    if got == REFUSED:
        return f"your code refuses these shapes; they fit, and the result is {_shape(want)}"
    return difference(got, want, name="the shape") and f"got {_shape(got)}; expected {_shape(want)}"


@product_shape.mistake
def inner_one_stretched(a: Shape, b: Shape) -> Shape:
    """It stretches a 1 in the inner dimension. The inner dimension is paired and summed, and never broadcasts; only the
    batch does."""
    if a and b and a[-1] == 1 and len(b) > 1:
        a = (*a[:-1], b[-2])
    return _product(a, b)


@product_shape.mistake
def batches_must_agree(a: Shape, b: Shape) -> Shape:
    """It asks for equal batches, as `torch.bmm` does. The dimensions before the matrices broadcast, as for `*`."""
    if len(a) > 1 and len(b) > 1 and a[:-2] != b[:-2]:
        raise ValueError
    return _product(a, b)


@product_shape.mistake
def batch_of_the_first(a: Shape, b: Shape) -> Shape:
    """It takes the batch of `a` alone. `b` may have a batch too, and the two broadcast."""
    _product(a, b)
    return a[:-2] + (a[-2:-1] if len(a) > 1 else ()) + (b[-1:] if len(b) > 1 else ())


@product_shape.mistake
def vectors_kept(a: Shape, b: Shape) -> Shape:
    """A vector leaves a 1 in the result. It counts as a row at the left and as a column at the right, and that
    dimension is dropped again."""
    return _product((1, *a) if len(a) == 1 else a, (*b, 1) if len(b) == 1 else b)


@product_shape.mistake
def a_vector_for_each(a: Shape, b: Shape) -> Shape:
    """It reads `b` as vectors, one for each matrix of `a`. PyTorch reads two dimensions as one matrix; ten vectors for
    ten matrices need one dimension more."""
    if len(b) == len(a) - 1 and len(b) > 1 and a[:-2] == b[:-1] and a[-1] == b[-1]:
        return a[:-1]
    return _product(a, b)


@product_shape.mistake
def last_with_last(a: Shape, b: Shape) -> Shape:
    """It compares the last sizes of both. `@` pairs the last of `a` with the last but one of `b`, which is why
    attention transposes the keys."""
    return _product(a, (*b[:-2], b[-1], b[-2]) if len(b) > 1 else b)


@product_shape.mistake
def numbers_taken(a: Shape, b: Shape) -> Shape:
    """It lets a number through. `*` takes one, `@` does not."""
    return _product(a, b) if a and b else a or b


# --- qkv_rows -----------------------------------------------------------------------------------------------------


@exercise(
    lambda tensor, num_heads: tensor.unflatten(0, (num_heads, 3, -1)).transpose(0, 1).flatten(0, 2),
    always=(
        {"heads": 2, "width": 2, "bias": True, "dtype": "float32", "layout": "contiguous"},
        {"heads": 4, "width": 2, "bias": False, "dtype": "float64", "layout": "strided"},
        {"heads": 3, "width": 2, "bias": False, "dtype": "float32", "layout": "contiguous"},
    ),
    heads=integers(1, 4),
    width=integers(1, 3),
    bias=booleans(),
    dtype=DTYPES,
    layout=LAYOUTS,
)
def qkv_rows(heads: int, width: int, bias: bool, dtype: str, layout: str) -> Arguments:
    """The rows of a projection from head by head to queries, keys, values."""
    channels = heads * width
    shape = (3 * channels,) if bias else (3 * channels, channels)
    return {"tensor": numbered(*shape, dtype=dtype, layout=layout), "num_heads": heads}


@qkv_rows.judge
def say_which_row(got: object, want: Tensor, tensor: Tensor, num_heads: int) -> str | None:
    """Name the row that stands somewhere, and the one that belongs there."""
    problem = difference(got, want)
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    width = len(tensor) // (3 * num_heads)

    def name(row: Tensor) -> str:
        found = [i for i, other in enumerate(tensor) if torch.equal(row, other)]
        if not found:
            return "no row of the tensor"
        head, part, channel = found[0] // (3 * width), found[0] // width % 3, found[0] % width
        return f"channel {channel} of the {('query', 'key', 'value')[part]} of head {head} (row {found[0]})"

    row = next(i for i in range(len(want)) if not torch.equal(got[i], want[i]))
    return f"row {row} of the result is {name(got[row])}; it should be {name(want[row])}"


@qkv_rows.mistake
def left_as_it_is(tensor: Tensor, num_heads: int) -> Tensor:
    """Nothing moved: a reshape that splits and merges again leaves every row where it was. The heads and the three must
    change places in between."""
    return tensor.reshape(num_heads, 3, -1, *tensor.shape[1:]).reshape(tensor.shape)


@qkv_rows.mistake
def turned_the_other_way(tensor: Tensor, num_heads: int) -> Tensor:
    """It turns the rows the other way, from queries, keys, values to head by head. With three heads both ways are the
    same, so test with another number."""
    return tensor.unflatten(0, (3, num_heads, -1)).transpose(0, 1).flatten(0, 2)


@qkv_rows.mistake
def channel_by_channel(tensor: Tensor, num_heads: int) -> Tensor:
    """It reads the rows of a head as query, key, value in turn for each channel. A head holds all channels of its
    query, then of its key, then of its value: (heads, 3, d)."""
    return tensor.unflatten(0, (num_heads, -1, 3)).movedim(2, 0).flatten(0, 2)


@qkv_rows.mistake
def heads_fastest(tensor: Tensor, num_heads: int) -> Tensor:
    """The three are in front, but behind them the channels come before the heads. Swin's order is (3, heads, d): the
    channels of one head stay together."""
    return tensor.unflatten(0, (num_heads, 3, -1)).permute(1, 2, 0, *range(3, tensor.dim() + 2)).flatten(0, 2)


@qkv_rows.mistake(credit=0.5)
def only_matrices(tensor: Tensor, num_heads: int) -> Tensor:
    """A bias has one dimension, so there is no second size to ask for. Split the first dimension and leave the others,
    however many there are."""
    rows = tensor.reshape(num_heads, 3, -1, tensor.shape[1])
    return rows.transpose(0, 1).reshape(tensor.shape)


@qkv_rows.mistake
def view_after_transpose(tensor: Tensor, num_heads: int) -> Tensor:
    """`view` moves no number, and after a transpose the dimensions that it should merge do not lie side by side in
    memory. `reshape` and `flatten` copy where they must."""
    return tensor.unflatten(0, (num_heads, 3, -1)).transpose(0, 1).view(tensor.shape)


# --- pixel_attention: a bug hunt ----------------------------------------------------------------------------------


def _pixel_attention(
    q: Tensor, k: Tensor, v: Tensor, *, dim: int = 2, scale: float | None = None, after: bool = False
) -> Tensor:
    """The right answer; each option spoils one step of it. Logits are (B, query, key, heads)."""
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    logits = torch.einsum("bihd,bjhd->bijh", q, k)
    weights = logits.softmax(dim=dim) * scale if after else (logits * scale).softmax(dim=dim)
    return torch.einsum("bijh,bjhd->bihd", weights, v).flatten(2)


@exercise(
    _pixel_attention,
    always=(
        {"batch": 1, "pixels": 2, "heads": 1, "width": 2, "values": "ones", "dtype": "float32"},
        {"batch": 2, "pixels": 4, "heads": 3, "width": 2, "values": "noise", "dtype": "float64"},
        {"batch": 2, "pixels": 3, "heads": 3, "width": 3, "values": "ones", "dtype": "float32"},
    ),
    batch=integers(1, 2),
    pixels=integers(1, 4),
    heads=integers(1, 3),
    width=integers(1, 3),
    values=sampled_from(["ones", "noise"]),
    dtype=DTYPES,
)
def pixel_attention(batch: int, pixels: int, heads: int, width: int, values: str, dtype: str) -> Arguments:
    """Attention among the pixels of a map."""
    shape = (batch, pixels, heads, width)
    q, k, v = (noise(*shape, seed=seed, dtype=dtype) for seed in (1, 2, 3))
    return {"q": 2 * q, "k": k, "v": torch.ones_like(v) if values == "ones" else v}


@pixel_attention.judge
def mean_of_ones(got: object, want: Tensor, q: Tensor, k: Tensor, v: Tensor) -> str | None:
    """A weighted mean of ones is one."""
    problem = difference(got, want)
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or not v.eq(1).all():
        return problem
    return f"{problem}: all values are 1 here, and a weighted mean of ones is 1"


@pixel_attention.mistake
def softmax_over_queries(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The softmax still runs over the queries: the weights that one *key* gets from all queries sum to 1. A query's
    weights must sum to 1, over the keys, which are summed in the second product."""
    return _pixel_attention(q, k, v, dim=1)


@pixel_attention.mistake
def softmax_over_heads(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The softmax runs over the heads. `dim=-1` is right where the keys are last; in the layout "bijh" the heads
    are."""
    return _pixel_attention(q, k, v, dim=-1)


@pixel_attention.mistake
def queries_summed(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The softmax was left over the queries, and the second product now sums over them: each pixel gathers by its key
    what others ask for. Leave the products as they are, and move the softmax."""
    weights = (torch.einsum("bihd,bjhd->bijh", q, k) * q.shape[-1] ** -0.5).softmax(dim=1)
    return torch.einsum("bijh,bihd->bjhd", weights, v).flatten(2)


@pixel_attention.mistake
def scale_forgotten(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The softmax is repaired, but the logits are no longer divided by the root of the channels of a head."""
    return _pixel_attention(q, k, v, scale=1.0)


@pixel_attention.mistake
def scaled_after_softmax(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The scale ended up behind the softmax. There it makes the weights sum to less than 1; it belongs to the
    logits."""
    return _pixel_attention(q, k, v, after=True)


@pixel_attention.mistake
def scaled_by_all_channels(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The scale is one over the root of all channels. It should be of the channels of a head."""
    return _pixel_attention(q, k, v, scale=(q.shape[-1] * q.shape[-2]) ** -0.5)


@pixel_attention.mistake
def heads_kept_apart(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The heads are still a dimension of their own; the result is (B, N, heads * d)."""
    return _pixel_attention(q, k, v).unflatten(-1, q.shape[2:])


# --- mask_for_multihead -------------------------------------------------------------------------------------------


@exercise(
    lambda mask, images, num_heads: (~mask).repeat(images, 1, 1).repeat_interleave(num_heads, dim=0),
    always=(
        {"windows": 2, "tokens": 3, "images": 1, "heads": 2},
        {"windows": 2, "tokens": 3, "images": 2, "heads": 1},
        {"windows": 3, "tokens": 4, "images": 2, "heads": 2},
    ),
    windows=integers(1, 3),
    tokens=integers(2, 4),
    images=integers(1, 3),
    heads=integers(1, 3),
)
def mask_for_multihead(windows: int, tokens: int, images: int, heads: int) -> Arguments:
    """The mask of windows as `nn.MultiheadAttention` wants it."""
    # In window w, token w % tokens does not see the next one: all masks of a case differ.
    mask = torch.ones(windows, tokens, tokens, dtype=torch.bool)
    for window in range(windows):
        mask[window, window % tokens, (window + 1) % tokens] = False
    return {"mask": mask, "images": images, "num_heads": heads}


@mask_for_multihead.judge
def say_whose_mask(got: object, want: Tensor, mask: Tensor, images: int, num_heads: int) -> str | None:
    """Name the window whose mask stands somewhere, and the one that belongs there."""
    problem = difference(got, want, name="the mask")
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    entry = next(i for i in range(len(want)) if not torch.equal(got[i], want[i]))
    rest, head = divmod(entry, num_heads)
    image, window = divmod(rest, len(mask))
    whose = f"entry {entry} is for image {image}, window {window}, head {head}"
    for other, allowed in enumerate(mask):
        if torch.equal(got[entry], ~allowed):
            return f"{whose}; it holds the mask of window {other}"
        if torch.equal(got[entry], allowed):
            return f"{whose}; it is True where a query may attend, and must be True where it may not"
    query, key = (got[entry] != want[entry]).nonzero()[0].tolist()
    return f"{whose}; there, query {query} and key {key} must be {bool(want[entry, query, key])}"


@mask_for_multihead.mistake
def tiled_for_heads(mask: Tensor, images: int, num_heads: int) -> Tensor:
    """It repeats all masks, once for each image and head. The heads of one window stand together, so each mask must be
    repeated on its own: `repeat_interleave`. (A published video model had this, see the explanation.)"""
    return (~mask).repeat(images * num_heads, 1, 1)


@mask_for_multihead.mistake
def interleaved_for_images(mask: Tensor, images: int, num_heads: int) -> Tensor:
    """It repeats each mask on its own, for the images too. The windows of one image stand together, so for the images
    all masks are repeated in turn: `repeat`."""
    return (~mask).repeat_interleave(images * num_heads, dim=0)


@mask_for_multihead.mistake
def images_and_heads_exchanged(mask: Tensor, images: int, num_heads: int) -> Tensor:
    """The two repetitions are exchanged: the images are the slowest, the heads the fastest."""
    return (~mask).repeat_interleave(images, dim=0).repeat(num_heads, 1, 1)


@mask_for_multihead.mistake(credit=0.5)
def not_inverted(mask: Tensor, images: int, num_heads: int) -> Tensor:
    """The order is right, but True means the opposite here: `nn.MultiheadAttention` hides where the mask is True."""
    return mask.repeat(images, 1, 1).repeat_interleave(num_heads, dim=0)


@mask_for_multihead.mistake
def heads_forgotten(mask: Tensor, images: int, num_heads: int) -> Tensor:
    """There is a mask for each window of each image, and none for each head. `nn.MultiheadAttention` wants one for each
    head, in three dimensions."""
    return (~mask).repeat(images, 1, 1)


@mask_for_multihead.mistake
def four_dimensions(mask: Tensor, images: int, num_heads: int) -> Tensor:
    """A dimension for the heads would do where masks broadcast. `nn.MultiheadAttention` wants three: windows and heads
    in one."""
    return (~mask).repeat(images, 1, 1)[:, None].expand(-1, num_heads, -1, -1)


# --- window_attention ---------------------------------------------------------------------------------------------


class TrainedLayer(nn.Module):
    """What window attention has learned, with the names of `swinlib.WindowAttention`, and nothing that uses it."""

    def __init__(self, dim: int, window_size: tuple[int, int], num_heads: int, *, loud: bool) -> None:
        super().__init__()
        self.window_size, self.num_heads = window_size, num_heads
        rows = (2 * window_size[0] - 1) * (2 * window_size[1] - 1)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.relative_position_bias_table = nn.Parameter(noise(rows, num_heads, seed=1))
        self.proj = nn.Linear(dim, dim)
        with torch.no_grad():
            for seed, parameter in enumerate((*self.qkv.parameters(), *self.proj.parameters()), start=2):
                parameter.copy_(noise(*parameter.shape, seed=seed))
            if loud:  # logits beside which a mask of -100 is nothing
                self.qkv.weight *= 30
        self.requires_grad_(False)


def _window_attention(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """What swinlib's layer makes of these weights."""
    attention = swinlib.WindowAttention(x.shape[-1], layer.window_size, layer.num_heads).to(x.dtype)
    attention.load_state_dict(layer.state_dict())
    return attention.requires_grad_(False)(x, mask)


@exercise(
    _window_attention,
    without=(
        "swinlib.WindowAttention",
        "swinlib.attention.WindowAttention",
        "swinlib.relative_position_index",
        "swinlib.windows.relative_position_index",
        "swinlib.attention.relative_position_index",
    ),
    inputs=30,
    always=(
        {
            "images": 1,
            "windows": 1,
            "window": [2, 2],
            "heads": 1,
            "width": 1,
            "masked": False,
            "loud": False,
            "dtype": "float32",
        },
        {
            "images": 2,
            "windows": 3,
            "window": [2, 3],
            "heads": 2,
            "width": 3,
            "masked": True,
            "loud": False,
            "dtype": "float64",
        },
        {
            "images": 1,
            "windows": 2,
            "window": [2, 2],
            "heads": 2,
            "width": 2,
            "masked": True,
            "loud": True,
            "dtype": "float64",
        },
        {
            "images": 1,
            "windows": 2,
            "window": [3, 2],
            "heads": 3,
            "width": 1,
            "masked": False,
            "loud": False,
            "dtype": "float32",
        },
    ),
    images=integers(1, 2),
    windows=integers(1, 3),
    window=sampled_from([[1, 2], [2, 1], [2, 2], [1, 3], [3, 1], [2, 3], [3, 2]]),
    heads=integers(1, 3),
    width=integers(1, 3),
    masked=booleans(),
    loud=booleans(),
    dtype=DTYPES,
)
def window_attention(
    images: int, windows: int, window: list[int], heads: int, width: int, masked: bool, loud: bool, dtype: str
) -> Arguments:
    """Window attention, from the weights alone."""
    loud = loud and dtype == "float64"  # large logits leave float32 too few digits to compare
    channels, tokens = heads * width, window[0] * window[1]
    layer = TrainedLayer(channels, tuple(window), heads, loud=loud).to(getattr(torch, dtype))
    mask = None
    if masked:  # in window w, token w % tokens does not see the next one
        mask = torch.ones(windows, tokens, tokens, dtype=torch.bool)
        for number in range(windows):
            mask[number, number % tokens, (number + 1) % tokens] = False
    return {"layer": layer, "x": noise(images * windows, tokens, channels, seed=9, dtype=dtype), "mask": mask}


@window_attention.judge
def say_what_is_in_play(got: object, want: Tensor, layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> str | None:
    """The smallest input that fails tells which step is wrong, so say what it has."""
    problem = difference(got, want)
    if problem is None:
        return None
    mh, mw = layer.window_size
    heads = "1 head" if layer.num_heads == 1 else f"{layer.num_heads} heads"
    width = x.shape[-1] // layer.num_heads
    masks = "no mask" if mask is None else f"a mask {tuple(mask.shape)} for x {tuple(x.shape)}"
    return f"with windows of {mh}×{mw} tokens, {heads} of width {width}, and {masks}: {problem}"


def _spoiled(
    layer: TrainedLayer,
    x: Tensor,
    mask: Tensor | None,
    *,
    split: tuple[int, ...] = (2, 0, 3, 1, 4),
    scale: float | None = None,
    scale_last: bool = False,
    index: Callable[[int, int], Tensor] | None = None,
    look_up: Callable[[Tensor, Tensor], Tensor] | None = None,
    masked: Callable[[Tensor, Tensor], Tensor] | None = None,
    softmax: int = -1,
    merge: bool = True,
    project: bool = True,
    sizes: str = "3hd",
) -> Tensor:
    """The right answer; each option spoils one step of it."""
    heads, width = layer.num_heads, x.shape[-1] // layer.num_heads
    scale = width**-0.5 if scale is None else scale
    order = {"3": 3, "h": heads, "d": width}
    qkv = layer.qkv(x).unflatten(-1, tuple(order[letter] for letter in sizes))
    q, k, v = qkv.permute(split)
    table = layer.relative_position_bias_table
    rows = (index or (lambda *window: swinlib.relative_position_index(window)))(*layer.window_size)
    bias = (look_up or (lambda table, rows: table[rows].permute(2, 0, 1)))(table, rows)
    logits = q @ k.mT
    logits = (logits + bias) * scale if scale_last else logits * scale + bias
    if mask is not None:
        logits = (masked or _hide)(logits, mask)
    result = logits.softmax(softmax) @ v
    result = result.transpose(1, 2).flatten(2) if merge else result.reshape(x.shape)
    return layer.proj(result) if project else result


def _hide(logits: Tensor, mask: Tensor) -> Tensor:
    return logits.masked_fill(~mask.repeat(len(logits) // len(mask), 1, 1)[:, None], float("-inf"))


@window_attention.mistake
def scale_of_all_channels(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """The scale is one over the root of all channels. It should be of the channels of *a head*."""
    return _spoiled(layer, x, mask, scale=x.shape[-1] ** -0.5)


@window_attention.mistake
def not_scaled(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """The logits are not scaled."""
    return _spoiled(layer, x, mask, scale=1.0)


@window_attention.mistake
def bias_scaled_too(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """The bias is added before the scale, and scaled with the rest. Scale first, then add the bias."""
    return _spoiled(layer, x, mask, scale_last=True)


@window_attention.mistake
def heads_before_three(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """The 3C channels are split as (heads, 3, d). Swin's are (3, heads, d): all queries, all keys, all values."""
    return _spoiled(layer, x, mask, sizes="h3d", split=(3, 0, 2, 1, 4))


@window_attention.mistake
def heads_reshaped_together(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """The heads are put together by a reshape alone, so a token's channels come from several tokens. Transpose heads
    and tokens first."""
    return _spoiled(layer, x, mask, merge=False)


@window_attention.mistake
def key_minus_query(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """The offsets are key minus query. As good, but the table was learned for query minus key."""
    return _spoiled(layer, x, mask, index=lambda *window: swinlib.relative_position_index(window).T)


def _square_index(mh: int, mw: int) -> Tensor:
    y, x = torch.arange(mh).repeat_interleave(mw), torch.arange(mw).repeat(mh)
    return (y[:, None] - y + mh - 1) * (2 * mh - 1) + x[:, None] - x + mw - 1


@window_attention.mistake
def factor_of_the_height(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """The row of the table is counted with the factor 2 Mh - 1. A row of offsets has 2 Mw - 1 of them, which is the
    same for square windows only."""

    def look_up(table: Tensor, rows: Tensor) -> Tensor:
        return table[rows].permute(2, 0, 1)  # an IndexError where it runs out of the table

    return _spoiled(layer, x, mask, index=_square_index, look_up=look_up)


@window_attention.mistake
def bias_reshaped(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """The bias is looked up as (N, N, heads) and reshaped to (heads, N, N). The heads must be moved to the front, by
    `permute`."""
    return _spoiled(layer, x, mask, look_up=lambda table, rows: table[rows].reshape(-1, *rows.shape))


@window_attention.mistake
def softmax_of_columns(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """The softmax runs over the queries. It runs over the keys, the last dimension."""
    return _spoiled(layer, x, mask, softmax=-2)


@window_attention.mistake
def mask_left_out(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """The mask is not used."""
    return _spoiled(layer, x, None)


@window_attention.mistake
def mask_turned_round(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """The mask is read the wrong way round: True lets a query attend to a key."""
    return _spoiled(layer, x, mask, masked=lambda logits, mask: _hide(logits, ~mask))


@window_attention.mistake
def mask_repeated_in_place(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """With several images, each mask is repeated on its own. The windows come image by image, so the masks are repeated
    all together; or give the images a dimension of their own."""

    def masked(logits: Tensor, mask: Tensor) -> Tensor:
        return _hide(logits, mask.repeat_interleave(len(logits) // len(mask), dim=0))

    return _spoiled(layer, x, mask, masked=masked)


@window_attention.mistake(credit=0.5)
def minus_hundred(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """A hundred is subtracted where a pair is hidden, as in the published code. A large logit gets through: fill in
    minus infinity."""

    def masked(logits: Tensor, mask: Tensor) -> Tensor:
        return logits - 100.0 * ~mask.repeat(len(logits) // len(mask), 1, 1)[:, None]

    return _spoiled(layer, x, mask, masked=masked)


@window_attention.mistake
def last_projection_forgotten(layer: TrainedLayer, x: Tensor, mask: Tensor | None) -> Tensor:
    """What the heads gathered is returned as it is. `layer.proj` comes after it."""
    return _spoiled(layer, x, mask, project=False)
