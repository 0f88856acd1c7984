"""The small torch of the pages against PyTorch: programs that Hypothesis draws end alike, in values or in errors."""

import importlib
import json
import math
import pathlib
import sys
from unittest import mock

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils import flop_counter as torch_flops

from swinlib.in_page import torch as small
from swinlib.in_page.torch.dtypes import NotHere
from swinlib.in_page.torch.utils import flop_counter as small_flops
from swinlib.in_page.values import decode, encode

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-9}
DTYPES = ("float32", "float64", "int64", "bool")

sizes = st.lists(st.integers(1, 3) | st.integers(0, 4), max_size=4).map(tuple)
dims = st.integers(-4, 3)
few = st.lists(st.integers(-3, 3), min_size=1, max_size=3).map(tuple)
numbers = st.sampled_from([0, 1, -2, 3, 0.5, -1.5, 2.0, math.inf, True])
fills = st.sampled_from([0, 1, -2, 0.5, True])
slices = st.builds(
    slice,
    st.none() | st.integers(-4, 4),
    st.none() | st.integers(-4, 4),
    st.none() | st.integers(1, 3) | st.just(-1),
)


def entries_of(kind):
    if kind == "bool":
        return st.integers(0, 1)
    if kind == "int64":
        return st.integers(-4, 4)
    return st.integers(-12, 12).map(lambda n: n / 4)


KINDS = st.sampled_from(DTYPES)


@st.composite
def tensors(draw, shapes=sizes, kinds=KINDS):
    """Recipe of a tensor: dtype, shape, entries, and whether it lies in memory the other way round."""
    shape, kind = draw(shapes), draw(kinds)
    count = math.prod(shape)
    values = draw(st.lists(entries_of(kind), min_size=count, max_size=count))
    return kind, shape, values, draw(st.booleans())


def build(library, recipe):
    kind, shape, values, backwards = recipe
    made = library.tensor(values, dtype=getattr(library, kind)).reshape(shape)
    if backwards:
        order = tuple(reversed(range(len(shape))))
        made = made.permute(order).contiguous().permute(order)
    return made


keys = st.deferred(
    lambda: st.one_of(
        st.integers(-4, 3),
        slices,
        st.just(None),
        st.just(Ellipsis),
        st.lists(st.integers(-2, 2), min_size=1, max_size=3),
        tensors(st.sampled_from([(2,), (1, 2), (2, 1), ()]), st.just("int64")),
        tensors(kinds=st.just("bool")),
    )
)
indices = (
    st.lists(keys, min_size=1, max_size=4).filter(lambda key: sum(each is Ellipsis for each in key) < 2).map(tuple)
)


def as_index(library, key):
    """An index in which recipes of tensors have become tensors."""
    return tuple(build(library, each) if isinstance(each, tuple) else each for each in key)


def alone(name):
    return lambda t, x: getattr(x, name)()


def along(name):
    return lambda t, x, dim: getattr(x, name)(dim)


# What a step of a program does: with the library, one or two tensors, and what was drawn for it.
UNARY = {
    name: alone(name)
    for name in (
        *("abs", "ceil", "clone", "contiguous", "cos", "detach", "double", "exp", "float", "floor", "isnan", "log"),
        *("log1p", "log2", "logical_not", "long", "neg", "nonzero", "relu", "reciprocal", "rsqrt", "round", "sigmoid"),
        *("sign", "sin", "sqrt", "square", "tanh", "trunc", "erf", "expm1", "flatten", "squeeze", "unique", "bool"),
        *(
            "argmax",
            "argmin",
            "max",
            "min",
            "all",
            "any",
            "sum",
            "mean",
            "prod",
            "std",
            "var",
            "is_contiguous",
            "numel",
        ),
        *("isfinite", "isinf", "item", "tolist", "t", "stride", "ravel", "dim"),
    )
}
UNARY |= {
    "~": lambda t, x: ~x,
    "T": lambda t, x: x.T if x.dim() == 2 else x,
    "mT": lambda t, x: x.mT,
    "len": lambda t, x: len(x),
    "list": lambda t, x: list(x),
    "truth": lambda t, x: bool(x),
    "repr of shape": lambda t, x: repr(x.shape[1:]),
    "where": lambda t, x: list(t.where(x)),
    "ones_like": lambda t, x: t.ones_like(x),
    "new_zeros": lambda t, x: x.new_zeros(2, 1),
    "finfo": lambda t, x: t.finfo(x.dtype).max if x.is_floating_point() else None,
}
BINARY = {
    "+": lambda t, x, y: x + y,
    "-": lambda t, x, y: x - y,
    "*": lambda t, x, y: x * y,
    "/": lambda t, x, y: x / y,
    "//": lambda t, x, y: x // y,
    "%": lambda t, x, y: x % y,
    "==": lambda t, x, y: x == y,
    "!=": lambda t, x, y: x != y,
    "<": lambda t, x, y: x < y,
    ">=": lambda t, x, y: x >= y,
    "&": lambda t, x, y: x & y,
    "|": lambda t, x, y: x | y,
    "@": lambda t, x, y: x @ y,
    "+=": lambda t, x, y: x.add_(y),
    "*=": lambda t, x, y: x.mul_(y),
    "copy_": lambda t, x, y: x.copy_(y),
    "maximum": lambda t, x, y: t.maximum(x, y),
    "minimum": lambda t, x, y: t.minimum(x, y),
    "masked_fill": lambda t, x, y: x.masked_fill(y, 1),
    "where": lambda t, x, y: t.where(x > 0, x, y),
    "expand_as": lambda t, x, y: x.expand_as(y),
    "view_as": lambda t, x, y: x.view_as(y),
    "equal": lambda t, x, y: t.equal(x, y),
    "isclose": lambda t, x, y: t.isclose(x, y),
    "logical_and": lambda t, x, y: t.logical_and(x, y),
    "linear": lambda t, x, y: t.nn.functional.linear(x, y),
    "looked up": lambda t, x, y: x[y],
    "cartesian_prod": lambda t, x, y: t.cartesian_prod(x, y),
}
WITH_NUMBER = {
    "+ n": lambda t, x, n: x + n,
    "n -": lambda t, x, n: n - x,
    "* n": lambda t, x, n: x * n,
    "n /": lambda t, x, n: n / x,
    "/ n": lambda t, x, n: x / n,
    "// n": lambda t, x, n: x // n,
    "% n": lambda t, x, n: x % n,
    "n >": lambda t, x, n: n > x,
    "== n": lambda t, x, n: x == n,
    "** 2": lambda t, x, n: x**2,
    "** 0.5": lambda t, x, n: x**0.5,
    "+= n": lambda t, x, n: x.add_(n),
    "clamp min": lambda t, x, n: x.clamp(min=n),
    "clamp": lambda t, x, n: x.clamp(-1, n),
    "masked_fill n": lambda t, x, n: x.masked_fill(x > 0, n),
    "full": lambda t, x, n: t.full(x.shape, n),
}
WITH_DIM = {
    name: along(name)
    for name in (
        *("sum", "mean", "amax", "amin", "any", "all", "prod", "softmax", "log_softmax", "logsumexp", "cumsum", "std"),
        *("unsqueeze", "squeeze", "flip", "size", "argsort", "argmax", "flatten", "var"),
    )
}
WITH_DIM |= {
    "sum kept": lambda t, x, dim: x.sum(dim, keepdim=True),
    "max": lambda t, x, dim: list(x.max(dim)),
    "min kept": lambda t, x, dim: list(x.min(dim, keepdim=True)),
    "sort": lambda t, x, dim: list(x.sort(dim)),
    "unbind": lambda t, x, dim: list(x.unbind(dim)),
    "chunk": lambda t, x, dim: list(x.chunk(2, dim)),
    "split": lambda t, x, dim: list(x.split(2, dim)),
    "stack": lambda t, x, dim: t.stack([x, x], dim),
    "repeat_interleave": lambda t, x, dim: x.repeat_interleave(2, dim) if x.dim() else x,
    "unflatten": lambda t, x, dim: x.unflatten(dim, (-1, 2)) if x.dim() else x,
    "unfold": lambda t, x, dim: x.unfold(dim, 2, 1),
    "normalize": lambda t, x, dim: t.nn.functional.normalize(x, dim=dim),
    "layer_norm": lambda t, x, dim: t.nn.functional.layer_norm(x, x.shape[-1:]),
    "gelu": lambda t, x, dim: t.nn.functional.gelu(x),
}
WITH_DIMS = {
    "permute": lambda t, x, a: x.permute(a),
    "reshape": lambda t, x, a: x.reshape(a),
    "view": lambda t, x, a: x.view(a),
    "expand": lambda t, x, a: x.expand([max(size, -1) for size in a]),
    "repeat": lambda t, x, a: x.repeat(a),
    "roll": lambda t, x, a: x.roll(a, tuple(range(len(a)))),
    "roll one": lambda t, x, a: t.roll(x, a[0]),
    "transpose": lambda t, x, a: x.transpose(a[0], a[-1]),
    "movedim": lambda t, x, a: x.movedim(a[0], a[-1]),
    "sum": lambda t, x, a: x.sum(a),
    "mean": lambda t, x, a: x.mean(a, keepdim=True),
    "flip": lambda t, x, a: x.flip(a),
    "flatten": lambda t, x, a: x.flatten(a[0], a[-1]),
    "split": lambda t, x, a: list(x.split(list(a))),
    "pad": lambda t, x, a: t.nn.functional.pad(x, (a * 2)[: len(a) // 2 * 2 or 2]),
    "zeros": lambda t, x, a: t.zeros(a, dtype=x.dtype),
    "arange": lambda t, x, a: t.arange(*a),
}


# Where PyTorch's words tell which of its kernels refused, or which of two things it looked at first.
OTHER_WORDS = {
    *("@", "linear", "masked_fill", "expand", "expand_as", "looked up", "amin", "unbind", "normalize", "repeat"),
    *("index", "write", "copy_", "layer_norm", "&", "|"),
}


def program_steps():
    def step(table, drawn):
        return st.tuples(st.sampled_from(sorted(table)).map(lambda name: (name, table[name])), drawn)

    one = st.integers(0, 3)
    return st.one_of(
        st.tuples(one, step(UNARY, st.just(()))),
        st.tuples(one, step(BINARY, st.integers(0, 3).map(lambda place: ("tensor", place)))),
        st.tuples(one, step(WITH_NUMBER, numbers.map(lambda number: (number,)))),
        st.tuples(one, step(WITH_DIM, dims.map(lambda dim: (dim,)))),
        st.tuples(one, step(WITH_DIMS, few.map(lambda values: (values,)))),
        st.tuples(one, indices.map(lambda key: (("index", None), ("index", key)))),
        st.tuples(one, st.tuples(indices, fills).map(lambda both: (("write", None), ("write", both)))),
    )


def apply(library, found, place, named, drawn):
    """One step of a program."""
    x = found[place % len(found)]
    name, function = named
    if name == "index":
        return x[as_index(library, drawn[1])]
    if name == "write":
        key, value = drawn[1]
        x[as_index(library, key)] = value
        return x
    if drawn[:1] == ("tensor",):
        return function(library, x, found[drawn[1] % len(found)])
    return function(library, x, *drawn)


def run(library, recipes, steps):
    """All tensors that a program makes, and the error that ended it."""
    found = [build(library, recipe) for recipe in recipes]
    other = []
    for place, (named, drawn) in steps:
        try:
            result = apply(library, found, place, named, drawn)
        except NotHere:
            raise
        except Exception as error:
            return found, other, error, named[0]
        for each in result if isinstance(result, list) else [result]:
            (found if isinstance(each, library.Tensor) else other).append(each)
    return found, other, None, None


def assert_alike(mine, right):
    assert tuple(mine.shape) == tuple(right.shape)
    assert str(mine.dtype) == str(right.dtype)
    got = torch.tensor(mine.flatten().tolist(), dtype=right.dtype).reshape(right.shape)
    tolerance = TOLERANCE.get(right.dtype, 0)
    close = torch.isclose(got, right, rtol=tolerance, atol=tolerance, equal_nan=True)
    assert close.all(), f"{mine.tolist()} is not {right.tolist()}"


def compare(recipes, steps):
    mine, also, error, _ = run(small, recipes, steps)
    right, also_right, error_right, at = run(torch, recipes, steps)
    if any(min(each.shape, default=0) < 0 for each in right):
        return  # PyTorch expands to (0, -1), a tensor whose size is negative
    assert type(error).__name__ == type(error_right).__name__, f"{error!r} instead of {error_right!r}"
    assert at in OTHER_WORDS or str(error) == str(error_right)
    assert len(mine) == len(right)
    if error is not None and at == "write":
        return  # PyTorch has written up to the index that does not exist
    for one, other in zip(mine, right, strict=True):
        assert_alike(one, other)
    for one, other in zip(also, also_right, strict=True):
        assert (
            one == pytest.approx(other, rel=1e-5, nan_ok=True) if isinstance(other, float) else repr(one) == repr(other)
        )


programs = st.tuples(st.lists(tensors(), min_size=1, max_size=2), st.lists(program_steps(), min_size=1, max_size=3))


@settings(max_examples=600)
@given(programs)
def test_programs_end_alike(program):
    compare(*program)


wide = st.floats(width=32) | st.floats(-70000, 70000, width=32)


@given(st.lists(wide, min_size=1, max_size=4), st.sampled_from(["half", "bfloat16"]))
def test_short_floats_are_the_nearest(values, cast):
    mine, right = (getattr(library.tensor(values), cast)() for library in (small, torch))
    assert_alike(mine, right)
    assert mine.type() == right.type()
    assert_alike(mine.type(small.float64), right.type(torch.float64))
    for other in ("half", "bfloat16", "float", "long"):
        kinds = [library.result_type(x, getattr(x, other)()) for library, x in ((small, mine), (torch, right))]
        assert str(kinds[0]) == str(kinds[1])


@given(
    tensors(st.tuples(st.integers(1, 2), st.just(2), st.integers(1, 7), st.integers(1, 7)), st.just("float32")),
    *(st.integers(1, 3) for _ in range(4)),
    st.integers(0, 1),
    st.booleans(),
    st.booleans(),
)
def test_pooling_takes_the_largest(recipe, high, wide, stride, dilation, padding, ceil_mode, batched):
    mine, right = (build(library, recipe) for library in (small, torch))
    options = {"padding": min(padding, high // 2, wide // 2), "dilation": dilation, "ceil_mode": ceil_mode}
    kernel, found = (high, wide), []
    for library, x in ((small, mine), (torch, right)):
        try:
            found.append(library.nn.functional.max_pool2d(x if batched else x[0], kernel, stride, **options))
        except RuntimeError as error:
            found.append(type(error))
    if isinstance(found[1], type):
        assert found[0] is found[1]
    else:
        assert_alike(*found)


@given(tensors(), st.none() | dims, st.booleans(), st.booleans())
def test_each_slice_once(recipe, dim, inverse, counts):
    found = []
    for library in (small, torch):
        x = build(library, recipe)
        if dim is not None and (not x.numel() or not -x.dim() <= dim < x.dim()):
            return  # PyTorch has its own rules for slices without entries
        told = library.unique(x, return_inverse=inverse, return_counts=counts, dim=dim)
        found.append(told if inverse or counts else (told,))
    assert len(found[0]) == len(found[1])
    for mine, right in zip(*found, strict=True):
        assert_alike(mine, right)


FLOATS = st.sampled_from(["float32", "float64"])


@given(st.data(), FLOATS, st.booleans())
def test_attention_gives_nothing_where_all_keys_are_hidden(data, kind, as_truth):
    rows, keys, width = (data.draw(st.integers(1, 3)) for _ in range(3))
    q, k, v = (data.draw(tensors(st.just((2, n, width)), st.just(kind))) for n in (rows, keys, keys))
    mask = data.draw(tensors(st.just((rows, keys)), st.just("bool")))
    found = []
    for library in (small, torch):
        seen = build(library, mask)
        if not as_truth:
            seen = library.zeros(rows, keys, dtype=getattr(library, kind)).masked_fill(~seen, -math.inf)
        qkv = (build(library, each) for each in (q, k, v))
        found.append(library.nn.functional.scaled_dot_product_attention(*qkv, attn_mask=seen))
    assert_alike(*found)


@pytest.mark.parametrize("options", [{"size": (3, 5)}, {"scale_factor": 2.0}])
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_upsample_interpolates(options, mode):
    x = [[[[0.0, 1.0, 4.0], [2.0, -1.0, 3.0]]]]
    assert_alike(*(library.nn.Upsample(mode=mode, **options)(library.tensor(x)) for library in (small, torch)))


@given(st.lists(tensors(kinds=st.just("float64")), min_size=2, max_size=2))
def test_operations_are_counted(recipes):
    counts = []
    for library, flops in ((small, small_flops), (torch, torch_flops)):
        with flops.FlopCounterMode(display=False) as counter:
            try:
                one, other = (build(library, recipe) for recipe in recipes)
                one @ other
            except RuntimeError:
                return
        counts.append(counter.get_total_flops())
    assert counts[0] == counts[1]


def test_a_layer_norm_begins_anew():
    layer = small.nn.LayerNorm(2)
    small.nn.init.normal_(layer.weight), small.nn.init.normal_(layer.bias)
    layer.reset_parameters()
    assert (layer.weight.tolist(), layer.bias.tolist()) == ([1, 1], [0, 0])


def test_numbers_beyond_javascript_s_whole_ones_are_stored_as_text():
    values = [torch.finfo(torch.float32).min, 1e16, -math.inf, 0.5, -3.0]
    for stored in (encode(torch.tensor(values)), encode(torch.tensor([2**60, -(2**60), 7]))):
        numbers = [each for each in stored["v"] if not isinstance(each, str)]
        assert all(abs(each) < 1e15 for each in numbers)
        assert encode(decode(json.loads(json.dumps(stored)))) == stored
    assert torch.equal(decode(encode(torch.tensor(values))), torch.tensor(values))


def stands_for(name):
    """A module of a page that asks for the small torch by PyTorch's name."""
    with mock.patch.dict(sys.modules, torch=small):
        return importlib.import_module(f"swinlib.in_page.{name}")


@given(st.lists(sizes, max_size=4))
def test_broadcast_shapes_of_numpy(shapes):
    found = []
    for library in (stands_for("lacking"), numpy):
        try:
            found.append(library.broadcast_shapes(*shapes))
        except ValueError as error:
            found.append(str(error))
    assert found[0] == found[1]


# POSIX leaves two slashes in front to the system, and Pythons differ in the suffix of what begins with two dots.
texts = st.text("ab./", max_size=8).filter(lambda text: not text.startswith("//") and ".." not in text)


@given(texts, texts)
def test_paths_are_read_as_python_reads_them(one, other):
    found = []
    for library in (stands_for("library.pathlib"), pathlib):
        path = library.PurePosixPath(one) / other
        named = (path.parts, path.name, path.stem, path.suffix, path.suffixes, str(path.parent), repr(path))
        found.append((*named, [str(each) for each in path.parents], path < library.PurePosixPath(other), str(path)))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["no_grad", "enable_grad", "inference_mode"])
def test_gradients_are_turned_off_and_on_with_and_without_parentheses(name):
    for library in (small, torch):
        weight, within = library.zeros(1).requires_grad_(), getattr(library, name)
        for decorate in (within, within()):
            with library.no_grad() if name == "enable_grad" else library.enable_grad():
                assert decorate(lambda x=weight: x * 2)().requires_grad is (name == "enable_grad")
