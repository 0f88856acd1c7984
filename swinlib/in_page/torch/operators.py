"""What is computed entry by entry, and of many entries: sums, maxima, softmax, products of matrices."""

import itertools
import math
import operator
from collections.abc import Callable, Sequence

from .dtypes import NotHere, Number, attribute_lacking, bool_, dtype, float32, int64
from .tensor import Size, Tensor, broadcast_shapes, computed, elementwise, make, result_type, wrap_dim

inf, nan = math.inf, math.nan
Dims = int | Sequence[int] | None
FUNCTIONS: dict[str, Callable] = {}
"""What is also a function of ``torch``, by name."""


def offered(function: Callable, name: str) -> Callable:
    """The function; of an option that it does not know, it says that it is not here."""
    code = function.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    def call(*arguments: object, **options: object) -> object:
        for option in options:
            if option not in known and not code.co_flags & 8:
                raise NotHere(f"`{option}` of `{name}`")
        return function(*arguments, **options)

    call.__name__ = name
    return call


def method(function: Callable, *names: str) -> Callable:
    """Decorator: a method of a tensor, and a function of ``torch``, under its name and others."""
    for name in names or (function.__name__,):
        FUNCTIONS[name] = offered(function, name)
        setattr(Tensor, name, FUNCTIONS[name])
    return function


def methods(**functions: Callable) -> None:
    for name, function in functions.items():
        method(function, name)


# --- numbers, as a processor computes them: infinite or not a number where Python raises -----------------------------


def _divide(a: float, b: float) -> float:
    if b:
        return a / b
    return nan if a == 0 or a != a else math.copysign(inf, a) * math.copysign(1.0, b)


def _floor_divide(a: Number, b: Number) -> Number:
    if not b and not isinstance(b, float):
        raise RuntimeError("ZeroDivisionError")
    return a // b if b else _divide(a, b)


def _remainder(a: Number, b: Number) -> Number:
    if not b and not isinstance(b, float):
        raise RuntimeError("ZeroDivisionError")
    return nan if b == 0 or a in (inf, -inf) else a % b


def _power(a: Number, b: Number) -> Number:
    try:
        result = a**b
    except OverflowError:
        return -inf if a < 0 and b % 2 == 1 else inf
    except ZeroDivisionError:
        return math.copysign(inf, a) if b % 2 == 1 else inf
    return nan if isinstance(result, complex) else result


def _guarded(function: Callable[[float], float], pole: float | None = None) -> Callable[[float], float]:
    """Infinity where the result is too large, minus infinity at a pole, NaN where there is none."""

    def call(x: float) -> float:
        try:
            return function(x)
        except (OverflowError, ValueError) as error:
            return inf if isinstance(error, OverflowError) else -inf if x == pole else nan

    return call


_exp, _sqrt, _log = _guarded(math.exp), _guarded(math.sqrt), _guarded(math.log, 0)


def _erfinv(x: float) -> float:
    if not -1 < x < 1:
        return x * inf if x in (1, -1) else nan
    w = math.log1p(-x * x) / 2
    half = 2 / (math.pi * 0.147) + w
    y = math.copysign(math.sqrt(math.sqrt(half * half - 2 * w / 0.147) - half), x)
    for _ in range(3):  # Newton's steps
        y -= (math.erf(y) - x) * math.sqrt(math.pi) / 2 * math.exp(y * y)
    return y


def _gelu(x: float) -> float:
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2))) if x != -inf else -0.0


def total(values: list) -> Number:
    """The sum; of floats as exact as a float can be."""
    try:
        return math.fsum(values) if values and isinstance(values[0], float) else sum(values)
    except (OverflowError, ValueError):  # an infinite one is among them, or it becomes infinite
        return sum(values)


# --- entry by entry -----------------------------------------------------------------------------------------------


def _lacking(name: str, kind: dtype) -> Callable:
    """In place of a function that PyTorch does not have for a dtype."""

    def refuse(*_: Number) -> None:
        raise NotImplementedError(name if " " in name else f'"{name}" not implemented for {kind.spoken!r}')

    return refuse


def entrywise(
    function: Callable, kind: dtype | None = None, floats: bool = False, lacks: int = -1, called: str = ""
) -> Callable[..., Tensor]:
    """An operation on tensors and numbers, in the dtype that holds all of them.

    Args:
        function: of the numbers that stand at one place.
        kind: dtype of the result, if it is another.
        floats: whether integers become floats first.
        lacks: kind of dtypes for which PyTorch does not have it, and ``called`` what it calls it there.
    """

    def operate(*operands: object) -> Tensor:
        within = result_type(*operands)
        within = float32 if floats and within.kind < 2 else within
        call = _lacking(called, within) if within.kind == lacks else function
        result = elementwise(call, kind or within, *operands, within=within)
        return result if result.numel() or within.kind != lacks else call()

    return operate


def _subtract(input: object, other: object) -> Tensor:
    kinds = [getattr(each, "dtype", type(each)) for each in (input, other)]
    if bool_ in kinds or bool in kinds:
        both = all(kind in (bool_, bool) for kind in kinds)
        told = "Use the `^` or `logical_xor()` operator instead." if both else _INSTEAD
        which = "two bool tensors" if both else "a bool tensor"
        raise NotImplementedError(f"Subtraction, the `-` operator, with {which} is not supported. {told}")
    return _minus(input, other)


_INSTEAD = "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
_minus = entrywise(operator.sub)
_times = entrywise(operator.mul)
_over = entrywise(_divide, floats=True)
OPERATORS = {
    "add": entrywise(operator.add),
    "sub": _subtract,
    "mul": _times,
    "truediv": _over,
    "floordiv": entrywise(_floor_divide, lacks=0, called="div_floor_cpu"),
    "mod": entrywise(_remainder, lacks=0, called="remainder_cpu"),
    "pow": entrywise(_power),
    "and": entrywise(operator.and_, lacks=2, called="bitwise_and_cpu"),
    "or": entrywise(operator.or_, lacks=2, called="bitwise_or_cpu"),
    "xor": entrywise(operator.xor, lacks=2, called="bitwise_xor_cpu"),
}
COMPARISONS = {name: entrywise(getattr(operator, name), bool_) for name in ("eq", "ne", "lt", "le", "gt", "ge")}


def _operator(function: Callable, change: Callable = lambda self, other: (self, other)) -> Callable:
    def operate(self: Tensor, other: object) -> Tensor:
        known = isinstance(other, (Tensor, bool, int, float))
        return function(*change(self, other)) if known else NotImplemented

    return operate


for _name, _function in OPERATORS.items():
    setattr(Tensor, f"__{_name}__", _operator(_function))
    setattr(Tensor, f"__r{_name}__", _operator(_function, lambda self, other: (other, self)))
    setattr(Tensor, f"__i{_name}__", _operator(lambda a, b, function=_function: a._in_place(function(a, b))))
for _name, _function in COMPARISONS.items():
    setattr(Tensor, f"__{_name}__", _operator(_function))

for _name in ("lshift", "rshift", "rlshift", "rrshift", "reversed", "complex", "delitem"):
    setattr(Tensor, f"__{_name}__", lambda self, *_, name=_name: attribute_lacking(self, name))


def _whole(function: Callable) -> Callable:
    return lambda x: function(x) if math.isfinite(x) else x


def _between(a: float, b: float, share: float) -> float:
    return a + share * (b - a) if share < 0.5 else b - (b - a) * (1 - share)


def _numbers(function: Callable, name: str) -> Callable:
    return entrywise(function, lacks=0, called=f"{name}_cpu")


UNARY = {
    **{name: entrywise(_guarded(getattr(math, name)), floats=True) for name in ("expm1", "sin", "cos")},
    **{name: entrywise(getattr(math, name), floats=True) for name in ("tanh", "erf")},
    **{name: entrywise(_guarded(getattr(math, name), 0), floats=True) for name in ("log", "log2", "log10")},
    **{name: _numbers(_whole(getattr(math, name)), f"{name}_vml") for name in ("floor", "ceil", "trunc")},
    "exp": entrywise(_exp, floats=True),
    "log1p": entrywise(_guarded(math.log1p, -1), floats=True),
    "sqrt": entrywise(_sqrt, floats=True),
    "rsqrt": entrywise(lambda x: _divide(1.0, _sqrt(x)), floats=True),
    "reciprocal": entrywise(lambda x: _divide(1.0, x), floats=True),
    "sigmoid": entrywise(lambda x: 1 / (1 + _exp(-x)), floats=True),
    "erfinv": entrywise(_erfinv, floats=True),
    "abs": _numbers(lambda x: -x if x < 0 else x + 0, "abs"),
    "relu": entrywise(
        lambda x: x if x > 0 or x != x else type(x)(0), lacks=0, called="Boolean inputs not supported for relu"
    ),
    "sign": entrywise(lambda x: (x > 0) - (x < 0)),
    "neg": lambda input: _negate(input),
    "square": lambda input: OPERATORS["pow"](input, 2),
    "bitwise_not": lambda input: _inverted(input),
    "logical_not": entrywise(lambda x: not x, bool_),
    "isnan": entrywise(lambda x: x != x, bool_),
    "isinf": entrywise(lambda x: x in (inf, -inf), bool_),
    "isfinite": entrywise(math.isfinite, bool_),
}


def _negate(input: Tensor) -> Tensor:
    if input.dtype is bool_:
        raise NotImplementedError(f"Negation, the `-` operator, on a bool tensor is not supported. {_INSTEAD}")
    return elementwise(operator.neg, input.dtype, input)


def _inverted(input: Tensor) -> Tensor:
    if input.dtype.kind == 2:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return elementwise(operator.not_ if input.dtype is bool_ else operator.invert, input.dtype, input)


def _alone(operate: Callable) -> Callable:
    return lambda input: operate(input)


def _pair(operate: Callable) -> Callable:
    return lambda input, other: operate(input, other)


methods(**{name: _alone(operate) for name, operate in UNARY.items()})
methods(**{name: _pair(operate) for name, operate in COMPARISONS.items()})
methods(
    add=lambda input, other, alpha=1: input + (other if alpha == 1 else other * alpha),
    sub=lambda input, other, alpha=1: input - (other if alpha == 1 else other * alpha),
    mul=_pair(_times),
    div=lambda input, other, rounding_mode=None: _divided(input, other, rounding_mode),
    pow=_pair(OPERATORS["pow"]),
    remainder=_pair(OPERATORS["mod"]),
    floor_divide=_pair(OPERATORS["floordiv"]),
    logical_and=_pair(entrywise(lambda a, b: bool(a) and bool(b), bool_)),
    logical_or=_pair(entrywise(lambda a, b: bool(a) or bool(b), bool_)),
    maximum=_pair(entrywise(lambda a, b: a if a != a or a > b else b)),
    minimum=_pair(entrywise(lambda a, b: a if a != a or a < b else b)),
    round=lambda input, decimals=0: _rounded(input, decimals),
    equal=lambda input, other: input.shape == other.shape and input._values() == other._values(),
    allclose=lambda input, other, rtol=1e-5, atol=1e-8, equal_nan=False: bool(
        input.isclose(other, rtol, atol, equal_nan).all()
    ),
)
Tensor.__neg__, Tensor.__invert__, Tensor.__abs__ = Tensor.neg, Tensor.bitwise_not, Tensor.abs
Tensor.__pos__ = lambda self: self
Tensor.__round__ = lambda self, decimals=0: self.round(decimals=decimals)


def _divided(input: Tensor, other: object, rounding_mode: str | None) -> Tensor:
    if rounding_mode == "floor":
        return input // other
    return input / other if rounding_mode is None else (input / other).trunc().to(result_type(input, other))


def _rounded(input: Tensor, decimals: int) -> Tensor:
    if decimals:
        return (input * 10.0**decimals).round() / 10.0**decimals
    return _numbers(_whole(round), "round_vml")(input)


@method
def clamp(input: Tensor, min: object = None, max: object = None) -> Tensor:
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    result = input if min is None else Tensor.maximum(input, min)
    return result if max is None else Tensor.minimum(result, max)


@method
def lerp(input: Tensor, end: Tensor, weight: object) -> Tensor:
    for each in (end, weight):
        if isinstance(each, Tensor) and each.dtype is not input.dtype:
            one, other = (kind.spoken.lower() for kind in (input.dtype, each.dtype))
            raise RuntimeError(f"expected dtype {one} for `{'end' if each is end else 'weight'}` but got dtype {other}")
    return elementwise(_between, input.dtype, input, end, weight, within=input.dtype)


def where(condition: Tensor, input: object = None, other: object = None) -> "Tensor | tuple[Tensor, ...]":
    """One or the other, as a condition says; or where it holds, if it is alone."""
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if condition.dtype is not bool_:
        got = f"but got a tensor with dtype {condition.dtype.spoken}"
        raise RuntimeError(f"where expected condition to be a boolean tensor, {got}")
    kind = result_type(input, other)
    return elementwise(lambda holds, a, b: a if holds else b, kind, condition, input, other)


FUNCTIONS["where"] = offered(where, "where")
Tensor.where = lambda self, condition, other: where(condition, self, other)


@method
def masked_fill(input: Tensor, mask: Tensor, value: object) -> Tensor:
    if mask.dtype is not bool_:
        spoken = {"int64": "long int", "float32": "float", "float64": "double"}.get(mask.dtype.name, mask.dtype.name)
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {spoken}")
    value = value.item() if isinstance(value, Tensor) else value
    if input.dtype.kind == 1 and isinstance(value, float) and not math.isfinite(value):
        raise RuntimeError(f"value cannot be converted to type {input.dtype.name}_t without overflow")
    return elementwise(lambda holds, old: value if holds else old, input.dtype, mask, input)


@method
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype.spoken} did not match {other.dtype.spoken}")

    def close(a: float, b: float) -> bool:
        if a == b or (equal_nan and a != a and b != b):
            return True
        return math.isfinite(a) and math.isfinite(b) and abs(a - b) <= atol + abs(rtol * b)

    return elementwise(close, bool_, input, other)


# --- along dimensions ---------------------------------------------------------------------------------------------


def axes_of(input: Tensor, dim: Dims) -> list[int]:
    if dim is None or dim == ():
        return list(range(input.dim()))
    axes = [wrap_dim(each, input) for each in ((dim,) if isinstance(dim, int) else dim)]
    for axis in axes:
        if axes.count(axis) > 1:
            raise RuntimeError(f"dim {axis} appears multiple times in the list of dims")
    return axes if input.dim() else []


def lines(input: Tensor, axes: Sequence[int]) -> list[list]:
    """The entries that differ only in some axes, in one list each."""
    kept = [axis for axis in range(input.dim()) if axis not in axes]
    values = input._axes((*kept, *axes))._values()
    length = math.prod(input.shape[axis] for axis in axes)
    count = math.prod(input.shape[axis] for axis in kept)
    return [values[i * length : (i + 1) * length] for i in range(count)]


def from_lines(values: list[list], input: Tensor, dim: int, kind: dtype | None = None) -> Tensor:
    """A tensor like another, of lists that lie along one dimension."""
    length = len(values[0]) if values else input.shape[dim]
    rest = [size for axis, size in enumerate(input.shape) if axis != dim]
    flat = computed(itertools.chain(*values), (*rest, length), kind or input.dtype, input)
    order = list(range(len(rest)))
    return flat._axes((*order[:dim], len(rest), *order[dim:]))


def along(function: Callable[[list], list], input: Tensor, dim: int, kind: dtype | None = None) -> Tensor:
    """Call a function with each line along a dimension, for a line."""
    dim = wrap_dim(dim, input)
    if not input.dim():
        return computed(function(input._values()), (), kind or input.dtype, input)
    return from_lines([function(line) for line in lines(input, [dim])], input, dim, kind).contiguous()


def reduced(
    input: Tensor, dim: Dims, keepdim: bool, function: Callable[[list], Number], kind: dtype | None = None
) -> Tensor:
    """One number for all entries along some dimensions."""
    axes = axes_of(input, dim)
    shape = [1 if axis in axes else size for axis, size in enumerate(input.shape) if keepdim or axis not in axes]
    return computed(map(function, lines(input, axes)), shape, kind or input.dtype, input)


def _sum_kind(input: Tensor, dtype: dtype | None) -> dtype:
    return dtype or (input.dtype if input.dtype.kind == 2 else int64)


def _sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: dtype | None = None) -> Tensor:
    kind = _sum_kind(input, dtype)
    return reduced(input, dim, keepdim, lambda values: total(kind.fit(values)), kind)


@method
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: dtype | None = None) -> Tensor:
    if (dtype or input.dtype).kind != 2:
        wanted = "Input dtype must be either a floating point or complex dtype"
        raise NotImplementedError(f"mean(): could not infer output dtype. {wanted}. Got: {input.dtype.spoken}")
    return reduced(input, dim, keepdim, lambda values: _divide(total(values), float(len(values))), dtype)


@method
def var(
    input: Tensor, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: Number | None = None
) -> Tensor:
    """The variance; ``torch.var(x, False)`` has no dimension and no correction."""
    dim, unbiased = (None, dim) if isinstance(dim, bool) else (dim, unbiased)
    if input.dtype.kind != 2:
        raise NotImplementedError("std and var only support floating point and complex dtypes")
    less = int(unbiased) if correction is None else correction

    def variance(values: list) -> float:
        middle = _divide(total(values), float(len(values)))
        return _divide(total([(value - middle) ** 2 for value in values]), float(max(len(values) - less, 0)))

    return reduced(input, dim, keepdim, variance)


@method
def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    def of(values: list) -> float:
        highest = max(values, default=0)
        highest = highest if math.isfinite(highest) else 0
        return _log(total([_exp(value - highest) for value in values])) + highest

    return reduced(input, dim, keepdim, of, input.dtype if input.dtype.kind == 2 else float32)


def _norm(input: Tensor, p: object = 2, dim: Dims = None, keepdim: bool = False) -> Tensor:
    if input.dtype.kind != 2:
        raise NotImplementedError("linalg.vector_norm: Expected a floating point or complex tensor as input.")
    p = 2 if p == "fro" else p

    def length(values: list) -> float:
        sizes = list(map(abs, values))
        return max(sizes) if p == inf else _power(total([_power(size, p) for size in sizes]), 1 / p)

    return reduced(input, dim, keepdim, length)


def _soft(name: str, finish: Callable) -> Callable:
    """Softmax, or its logarithm."""

    def apply(input: Tensor, dim: int, dtype: dtype | None = None) -> Tensor:
        x, last = input if dtype is None else input.to(dtype), wrap_dim(dim, input) == max(input.dim() - 1, 0)
        if x.dtype.kind != 2:
            kernel = f"{name}_lastdim_kernel_impl" if last else f"{name}_kernel_impl"
            raise NotImplementedError(f'"{kernel}" not implemented for {x.dtype.spoken!r}')

        def line(values: list) -> list:
            highest = max(values, default=0.0) if all(value == value for value in values) else nan
            shifted = [value - highest for value in values]
            return finish(shifted, total([_exp(value) for value in shifted]))

        return along(line, x, dim)

    return apply


methods(
    sum=_sum,
    norm=_norm,
    softmax=_soft("softmax", lambda shifted, whole: [_divide(_exp(value), whole) for value in shifted]),
    log_softmax=_soft("log_softmax", lambda shifted, whole: [value - math.log(whole) for value in shifted]),
    prod=lambda input, dim=None, keepdim=False, dtype=None: reduced(
        input, dim, keepdim, math.prod, _sum_kind(input, dtype)
    ),
    std=lambda input, dim=None, unbiased=True, keepdim=False, correction=None: var(
        input, dim, unbiased, keepdim, correction=correction
    ).sqrt(),
    any=lambda input, dim=None, keepdim=False: reduced(input, dim, keepdim, lambda line: any(map(bool, line)), bool_),
    all=lambda input, dim=None, keepdim=False: reduced(input, dim, keepdim, lambda line: all(map(bool, line)), bool_),
    cumsum=lambda input, dim: along(lambda line: list(itertools.accumulate(line)), input, dim, _sum_kind(input, None)),
)


class Pair(tuple):
    """``values`` and ``indices``."""

    values, indices = property(lambda self: self[0]), property(lambda self: self[1])


def _extreme(name: str, better: Callable, between: Callable) -> None:
    """``max``, ``amax`` and ``argmax``, or those of the minimum; NaN is better than everything."""

    def place(values: list) -> int:
        lacking = [i for i, value in enumerate(values) if value != value]
        return lacking[0] if lacking else values.index(better(values))

    def check(input: Tensor, dim: Dims, called: str) -> None:
        if dim is None and not input.numel():
            to_do = "Specify the reduction dim with the 'dim' argument."
            said = f"{called}(): Expected reduction dim to be specified for input.numel() == 0."
            raise (IndexError if called[:3] == "arg" else RuntimeError)(
                said if called[:3] == "arg" else f"{said} {to_do}"
            )
        for axis in axes_of(input, dim):
            if input.shape[axis] == 0:
                raise IndexError(f"{called}(): Expected reduction dim {axis} to have non-zero size.")

    def arg(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
        if input.dtype is bool_:
            raise NotImplementedError(f"arg{name}(): does not support bool input")
        check(input, dim, f"arg{name}")
        return reduced(input, dim, keepdim, place, int64)

    def extreme(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
        check(input, () if dim is None else dim, f"a{name}")
        return reduced(input, dim, keepdim, lambda values: values[place(values)])

    def either(input: Tensor, dim: object = None, keepdim: bool = False) -> "Tensor | Pair":
        if isinstance(dim, Tensor):
            return between(input, dim)
        check(input, dim, name)
        if dim is None:
            return extreme(input)
        return Pair((extreme(input, dim, keepdim), reduced(input, dim, keepdim, place, int64)))

    methods(**{name: either, f"a{name}": extreme, f"arg{name}": arg})


_extreme("max", max, FUNCTIONS["maximum"])
_extreme("min", min, FUNCTIONS["minimum"])


@method
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Pair:
    flip = -1 if descending else 1

    def order(line: list) -> list[int]:
        return sorted(range(len(line)), key=lambda i: (flip * (line[i] != line[i]), flip * line[i]))

    values = along(lambda line: [line[i] for i in order(line)], input, dim)
    return Pair((values, along(order, input, dim, int64)))


_sorted = sorted


@method
def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None,
) -> "Tensor | tuple[Tensor, ...]":  # fmt: skip
    """Each entry once, or each slice of a dimension; where it stands in that; how often it was there."""
    if dim is None:
        slices, shape, rest = [(value,) for value in input._values()], input.shape, ()
    else:
        first = input.movedim(dim, 0)
        slices, shape, rest = [tuple(each._values()) for each in first], first.shape[:1], first.shape[1:]
    places = {each: place for place, each in enumerate(_sorted(set(slices)))}
    found = make(list(itertools.chain(*places)), (len(places), *rest), input.dtype)
    found = found if dim is None else found.movedim(0, dim)
    inverse = make([places[each] for each in slices], shape, int64)
    asked = (True, found), (return_inverse, inverse), (return_counts, inverse.flatten().bincount(None, len(places)))
    told = tuple(each for wanted, each in asked if wanted)
    return told if told[1:] else found


@method
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    if input.dim() != 1 or input.dtype.kind == 2 or min(input._values(), default=0) < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    counts = [0] * max(max(input._values(), default=-1) + 1, minlength)
    for value, weight in zip(
        input._values(), weights._values() if weights is not None else [1] * len(input), strict=True
    ):
        counts[value] += weight
    return computed(counts, (len(counts),), int64 if weights is None else weights.dtype)


@method
def nonzero(input: Tensor, *, as_tuple: bool = False) -> "Tensor | tuple[Tensor, ...]":
    """The indices of all entries that are not zero, one in a row; or one tensor for each dimension."""
    places = list(itertools.compress(itertools.product(*map(range, input.shape)), input._values()))
    if as_tuple and not input.dim():
        return input[None].nonzero(as_tuple=True)
    found = make([index for place in places for index in place], (len(places), input.dim()), int64)
    return tuple(found.t().contiguous()) if as_tuple else found


# --- products -----------------------------------------------------------------------------------------------------


class counting:  # noqa: N801 - a place, as a module is
    """Where `torch.utils.flop_counter` counts the steps of products."""

    steps: list[int] | None = None


@method
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """``@``: the last dimension of one by the last but one of the other; what is before them broadcasts."""
    if not input.shape or not other.shape:
        dims = f"but they are {input.dim()}D and {other.dim()}D"
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, {dims}")
    a, b = input if input.dim() > 1 else input[None], other if other.dim() > 1 else other[:, None]
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    n, k, m = a.shape[-2], a.shape[-1], b.shape[-1]
    if k != b.shape[-2]:
        _refuse_product(input, other, batch)
    if input.dtype is not other.dtype:
        one, two = (kind.spoken.lower().replace("long", "long long") for kind in (input.dtype, other.dtype))
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {one} != {two}")
    if input.dtype is bool_:
        raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool'")
    if counting.steps is not None and other.dim() > 1:
        counting.steps.append(batch.numel() * n * k * m)
    rows, columns = a.expand(*batch, n, k), b.expand(*batch, k, m).transpose(-1, -2)
    rows, columns = (lines(each, [each.dim() - 1]) for each in (rows, columns))
    values = [
        total(list(map(operator.mul, row, column)))
        for i in range(batch.numel())
        for row in rows[i * n : (i + 1) * n]
        for column in columns[i * m : (i + 1) * m]
    ]
    shape = (*batch, *((n,) if input.dim() > 1 else ()), *((m,) if other.dim() > 1 else ()))
    return computed(values, shape, input.dtype, input, other)


def _refuse_product(a: Tensor, b: Tensor, batch: Size) -> None:
    """PyTorch's words for inner sizes that differ, which depend on the path that the product takes."""
    if a.dim() == b.dim() == 1:
        sizes = f"expected tensor [{len(a)}] and src [{len(b)}] to have the same number of elements, but got"
        raise RuntimeError(f"inconsistent tensor size, {sizes} {len(a)} and {len(b)} elements respectively")
    if a.dim() == 2 and b.dim() == 1:
        raise RuntimeError(f"size mismatch, got input ({len(a)}), mat ({len(a)}x{a.shape[1]}), vec ({len(b)})")
    if (a.dim() <= 2 and b.dim() <= 2) or (a.dim() > 2 and b.dim() == 2):
        rows = math.prod(a.shape[:-1])
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{a.shape[-1]} and {len(b)}x{b.shape[1]})"
        )
    sizes = f"[{batch.numel()}, {a.shape[-1]}] but got: [{batch.numel()}, {b.shape[-2] if b.dim() > 1 else len(b)}]"
    raise RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: {sizes}.")


def _product_of(dims: int, names: tuple[str, str]) -> Callable:
    def product(input: Tensor, mat2: Tensor) -> Tensor:
        for name, each in zip(names, (input, mat2), strict=True):
            if each.dim() != dims:
                raise RuntimeError(f"{name} must be a {'3D tensor' if dims == 3 else 'matrix'}")
        return matmul(input, mat2)

    return product


methods(mm=_product_of(2, ("mat1", "mat2")), bmm=_product_of(3, ("batch1", "batch2")))
Tensor.__matmul__ = lambda self, other: self.matmul(other) if isinstance(other, Tensor) else NotImplemented


def einsum(equation: str, *operands: Tensor) -> Tensor:
    """Einstein's sums: multiply with all letters broadcast, and sum over those that the result does not have."""
    if counting.steps is not None:
        raise NotHere("`einsum` within `FlopCounterMode`")
    given, arrow, wanted = equation.replace(" ", "").partition("->")
    terms = given.split(",")
    if len(terms) != len(operands):
        more = "more" if len(terms) < len(operands) else "fewer"
        raise RuntimeError(f"einsum(): {more} operands were provided than specified in the equation")
    hidden = [x.dim() - len(term.replace("...", "")) for term, x in zip(terms, operands, strict=True)]
    if any(n < 0 or (n and "..." not in term) for n, term in zip(hidden, terms, strict=True)):
        raise RuntimeError("einsum(): the number of subscripts in the equation does not match the number of dimensions")
    dots = "".join(map(chr, range(0x3B1, 0x3B1 + max(hidden))))  # Greek letters for what the dots stand for
    terms = [term.replace("...", dots[len(dots) - n :]) for n, term in zip(hidden, terms, strict=True)]
    letters = "".join(dict.fromkeys("".join(terms)))
    once = sorted(letter for letter in letters if "".join(terms).count(letter) == 1 and letter not in dots)
    result = wanted.replace("...", dots) if arrow else dots + "".join(once)
    if missing := [letter for letter in result if letter not in letters]:
        said = "does not appear in the equation for any input operand"
        raise RuntimeError(f"einsum(): output subscript {missing[0]} {said}")
    sizes: dict[str, int] = {}
    for number, (term, x) in enumerate(zip(terms, operands, strict=True)):
        for letter, size in zip(term, x.shape, strict=True):
            if size != 1 and sizes.get(letter, 1) not in (1, size):
                said = f"for operand {number} which does not broadcast with previously seen size {sizes[letter]}"
                raise RuntimeError(f"einsum(): subscript {letter} has size {size} {said}")
            sizes[letter] = size if sizes.get(letter, 1) == 1 else sizes[letter]
    order = result + "".join(letter for letter in letters if letter not in result)
    stretched = []
    for term, x in zip(terms, operands, strict=True):
        strides = dict.fromkeys(order, 0)
        for letter, size, stride in zip(term, x.shape, x._strides, strict=True):
            strides[letter] += stride if size != 1 else 0  # a letter twice walks the diagonal
        stretched.append(x._view([sizes[letter] for letter in order], list(strides.values())))
    product = stretched[0]
    for x in stretched[1:]:
        product = product * x
    summed = tuple(range(len(result), len(order)))
    return product.sum(summed) if summed else product.clone()
