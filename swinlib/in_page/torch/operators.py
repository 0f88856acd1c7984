"""What is computed entry by entry, and what is computed of many entries: sums, maxima, softmax, products of matrices."""

import builtins
import itertools
import math
import operator
from collections.abc import Callable, Sequence

from .dtypes import Number, bool_, dtype, float32, int64
from .tensor import (
    Size,
    Tensor,
    as_operand,
    broadcast_shapes,
    computed,
    elementwise,
    make,
    result_type,
    wrap_dim,
)

inf, nan = math.inf, math.nan
Dims = int | Sequence[int] | None

# --- numbers, as a processor computes them: infinite or not a number where Python raises -----------------------------


def _divide(a: float, b: float) -> float:
    if b:
        return a / b
    return nan if a == 0 or a != a else math.copysign(inf, a) * math.copysign(1.0, b)


def _floor_divide(a: Number, b: Number) -> Number:
    if b:
        return a // b
    if isinstance(b, float):
        return _divide(a, b)
    raise RuntimeError("ZeroDivisionError")


def _remainder(a: Number, b: Number) -> Number:
    if isinstance(b, float):
        if b == 0 or abs(a) == inf:
            return nan
        return a if abs(b) == inf and (a < 0) == (b < 0) else a % b
    if b == 0:
        raise RuntimeError("ZeroDivisionError")
    return a % b


def _power(a: Number, b: Number) -> Number:
    if isinstance(b, int) and b < 0:
        return a**b if abs(a) == 1 else 0
    try:
        result = a**b
    except OverflowError:
        return -inf if a < 0 and b % 2 == 1 else inf
    except ZeroDivisionError:
        return math.copysign(inf, a) if b % 2 == 1 else inf
    return nan if isinstance(result, complex) else result


def _guarded(function: Callable[[float], float], at_zero: float = nan) -> Callable[[float], float]:
    def call(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return inf
        except ValueError:
            return at_zero if x == 0 else nan

    return call


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else 1 - 1 / (1 + math.exp(max(x, -700)))


def _larger(a: Number, b: Number) -> Number:
    return a if a != a or a > b else b


def _smaller(a: Number, b: Number) -> Number:
    return a if a != a or a < b else b


def _sign(x: Number) -> Number:
    return (x > 0) - (x < 0)


def _erfinv(x: float) -> float:
    if abs(x) >= 1:
        return math.copysign(inf, x) if abs(x) == 1 else nan
    w = math.log1p(-x * x)
    half = 2 / (math.pi * 0.147) + w / 2
    y = math.copysign(math.sqrt(math.sqrt(half * half - w / 0.147) - half), x)
    for _ in range(3):  # Newton's steps
        y -= (math.erf(y) - x) * math.sqrt(math.pi) / 2 * math.exp(y * y)
    return y


# --- two tensors --------------------------------------------------------------------------------------------------


def _is_operand(value: object) -> bool:
    return isinstance(value, (Tensor, bool, int, float))


def _as_numbers(*operands: object) -> dtype:
    return result_type(*operands)


def _as_floats(*operands: object) -> dtype:
    kind = result_type(*operands)
    return kind if kind.kind == 2 else float32


def _binary(
    function: Callable, within: Callable[..., dtype] = _as_numbers, kind: dtype | None = None
) -> Callable[[object, object], Tensor]:
    def operate(a: object, b: object) -> Tensor:
        brought = within(a, b)
        return elementwise(function, kind or brought, a, b, within=brought)

    return operate


def _no_minus(*operands: object) -> dtype:
    kinds = [operand.dtype if isinstance(operand, Tensor) else type(operand) for operand in operands]
    if builtins.any(kind in (bool_, bool) for kind in kinds):
        which = "with two bool tensors" if builtins.all(kind is bool_ for kind in kinds) else "with a bool tensor"
        raise RuntimeError(
            f"Subtraction, the `-` operator, {which} is not supported. If you are trying to invert a mask, use the "
            "`~` or `logical_not()` operator instead."
        )
    return result_type(*operands)


def _as_bits(*operands: object) -> dtype:
    kind = result_type(*operands)
    if kind.kind == 2:
        raise RuntimeError(f'"bitwise" not implemented for {kind.spoken!r}')
    return kind


def _no_powers(*operands: object) -> dtype:
    kind = result_type(*operands)
    if kind.kind == 1 and isinstance(operands[1], int) and operands[1] < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return kind


add_ = _binary(operator.add)
sub_ = _binary(operator.sub, _no_minus)
mul = multiply = _binary(operator.mul)
floor_divide = _binary(_floor_divide)
remainder = _binary(_remainder)
true_divide = _binary(_divide, _as_floats)
pow = _binary(_power, _no_powers)
maximum, minimum = _binary(_larger), _binary(_smaller)
atan2 = _binary(math.atan2, _as_floats)
eq, ne = _binary(operator.eq, kind=bool_), _binary(operator.ne, kind=bool_)
lt, le = _binary(operator.lt, kind=bool_), _binary(operator.le, kind=bool_)
gt, ge = _binary(operator.gt, kind=bool_), _binary(operator.ge, kind=bool_)
bitwise_and, bitwise_or = _binary(operator.and_, _as_bits), _binary(operator.or_, _as_bits)
bitwise_xor = _binary(operator.xor, _as_bits)
logical_and = _binary(lambda a, b: bool(a) and bool(b), kind=bool_)
logical_or = _binary(lambda a, b: bool(a) or bool(b), kind=bool_)
logical_xor = _binary(lambda a, b: bool(a) != bool(b), kind=bool_)


def add(input: object, other: object, *, alpha: Number = 1) -> Tensor:
    return add_(input, other if alpha == 1 else mul(other, alpha))


def sub(input: object, other: object, *, alpha: Number = 1) -> Tensor:
    return sub_(input, other if alpha == 1 else mul(other, alpha))


def div(input: object, other: object, *, rounding_mode: str | None = None) -> Tensor:
    if rounding_mode == "floor":
        return floor_divide(input, other)
    result = true_divide(input, other)
    return result if rounding_mode is None else trunc(result).to(result_type(input, other))


divide, subtract = div, sub


def _operator(function: Callable, reflected: bool = False) -> Callable:
    def operate(self: Tensor, other: object) -> Tensor:
        if not _is_operand(other):
            return NotImplemented
        return function(other, self) if reflected else function(self, other)

    return operate


def _assignment(function: Callable) -> Callable:
    def operate(self: Tensor, other: object) -> Tensor:
        return self._in_place(function(self, other)) if _is_operand(other) else NotImplemented

    return operate


for _name, _function in {
    "add": add,
    "sub": sub,
    "mul": mul,
    "truediv": true_divide,
    "floordiv": floor_divide,
    "mod": remainder,
    "pow": pow,
    "and": bitwise_and,
    "or": bitwise_or,
    "xor": bitwise_xor,
}.items():
    setattr(Tensor, f"__{_name}__", _operator(_function))
    setattr(Tensor, f"__r{_name}__", _operator(_function, reflected=True))
    setattr(Tensor, f"__i{_name}__", _assignment(_function))
for _name, _function in {"eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge}.items():
    setattr(Tensor, f"__{_name}__", _operator(_function))


# --- one tensor ---------------------------------------------------------------------------------------------------


def _unary(function: Callable, floats: bool = True, kind: dtype | None = None) -> Callable[[Tensor], Tensor]:
    def operate(input: Tensor) -> Tensor:
        within = _as_floats(input) if floats else input.dtype
        return elementwise(function, kind or within, input, within=within)

    return operate


exp, expm1 = _unary(_guarded(math.exp)), _unary(_guarded(math.expm1))
log, log2 = _unary(_guarded(math.log, -inf)), _unary(_guarded(math.log2, -inf))
log1p, log10 = _unary(_guarded(math.log1p)), _unary(_guarded(math.log10, -inf))
sqrt, sin, cos = _unary(_guarded(math.sqrt)), _unary(_guarded(math.sin)), _unary(_guarded(math.cos))
tanh, erf, sigmoid = _unary(math.tanh), _unary(math.erf), _unary(_sigmoid)
erfinv = _unary(_erfinv)
rsqrt = _unary(lambda x: _divide(1.0, math.sqrt(x)) if x >= 0 else nan)
reciprocal = _unary(lambda x: _divide(1.0, x))
relu = _unary(lambda x: x if x > 0 or x != x else type(x)(0), floats=False)
abs = absolute = _unary(lambda x: -x if x < 0 else x + 0, floats=False)
sign, square = _unary(_sign, floats=False), _unary(lambda x: x * x, floats=False)


def _whole(function: Callable) -> Callable:
    return _unary(lambda x: x if isinstance(x, int) or not math.isfinite(x) else function(x), floats=False)


floor, ceil, trunc = _whole(math.floor), _whole(math.ceil), _whole(math.trunc)
isnan = _unary(lambda x: x != x, floats=False, kind=bool_)
isinf = _unary(lambda x: x in (inf, -inf), floats=False, kind=bool_)
isfinite = _unary(math.isfinite, floats=False, kind=bool_)
logical_not = _unary(lambda x: not x, floats=False, kind=bool_)


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """To the nearest, and to the even one in the middle."""
    if decimals:
        return div(round(mul(input, 10.0**decimals)), 10.0**decimals)
    return _whole(builtins.round)(input)


def neg(input: Tensor) -> Tensor:
    if input.dtype is bool_:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use "
            "the `~` or `logical_not()` operator instead."
        )
    return elementwise(operator.neg, input.dtype, input)


def bitwise_not(input: Tensor) -> Tensor:
    if input.dtype.kind == 2:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return logical_not(input) if input.dtype is bool_ else elementwise(operator.invert, input.dtype, input)


Tensor.__neg__, Tensor.__invert__, Tensor.__abs__ = neg, bitwise_not, abs
Tensor.__pos__ = lambda self: self


def clamp(input: Tensor, min: object = None, max: object = None) -> Tensor:
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    result = input if min is None else maximum(input, min)
    return result if max is None else minimum(result, max)


clip = clamp


def lerp(input: Tensor, end: Tensor, weight: object) -> Tensor:
    _same_dtype(input, end, *([weight] if isinstance(weight, Tensor) else []))

    def between(a: float, b: float, share: float) -> float:
        return a + share * (b - a) if share < 0.5 else b - (b - a) * (1 - share)

    return elementwise(between, input.dtype, input, end, weight, within=input.dtype)


def _same_dtype(first: Tensor, *others: Tensor) -> None:
    for other in others:
        if other.dtype is not first.dtype:
            raise RuntimeError(
                f"expected dtype {first.dtype.name.replace('32', '').replace('float64', 'double')} for `weight` but "
                f"got dtype {other.dtype.name.replace('32', '').replace('float64', 'double')}"
            )


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    return add(input, mul(mul(tensor1, tensor2), value))


def where(condition: Tensor, input: object = None, other: object = None) -> "Tensor | tuple[Tensor, ...]":
    """One or the other, as a condition says; or where it holds, if it is alone."""
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if condition.dtype is not bool_:
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype.spoken}")
    kind = result_type(input, other)
    ways = [as_operand(way) for way in (input, other)]
    ways = [computed(way._values(), way.shape, kind, way) for way in ways]
    return elementwise(lambda holds, a, b: a if holds else b, kind, condition, *ways)


def masked_fill(input: Tensor, mask: Tensor, value: object) -> Tensor:
    if mask.dtype is not bool_:
        raise RuntimeError("masked_fill only supports boolean masks, but got mask with dtype " + mask.dtype.name)
    if isinstance(value, Tensor):
        if value.shape:
            raise RuntimeError(
                f"masked_fill only supports a 0-dimensional value tensor, but got tensor with {value.dim()} dimension(s)."
            )
        value = value.item()
    if input.dtype.kind < (2 if isinstance(value, float) else 0):
        raise RuntimeError(f"value cannot be converted to type {input.dtype.name} without overflow")
    return elementwise(lambda holds, old: value if holds else old, input.dtype, mask, input)


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype.spoken} did not match {other.dtype.spoken}")

    def close(a: float, b: float) -> bool:
        if a == b or (equal_nan and a != a and b != b):
            return True
        return math.isfinite(a) and math.isfinite(b) and math.fabs(a - b) <= atol + math.fabs(rtol * b)

    return elementwise(close, bool_, input, other)


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    return bool(all(isclose(input, other, rtol, atol, equal_nan)))


def equal(input: Tensor, other: Tensor) -> bool:
    return input.shape == other.shape and input._values() == other._values()


def isin(elements: Tensor, test_elements: Tensor) -> Tensor:
    known = set(as_operand(test_elements)._values())
    return elementwise(lambda each: each in known, bool_, elements)


# --- many entries to one ------------------------------------------------------------------------------------------


def _axes(input: Tensor, dim: Dims) -> list[int]:
    if dim is None or dim == ():
        return list(range(input.dim()))
    axes = [wrap_dim(each, input.dim()) for each in ((dim,) if isinstance(dim, int) else dim)]
    if len(set(axes)) < len(axes):
        repeated = next(axis for axis in axes if axes.count(axis) > 1)
        raise RuntimeError(f"dim {repeated} appears multiple times in the list of dims")
    return axes if input.dim() else []


def lines(input: Tensor, axes: Sequence[int]) -> list[list]:
    """The entries that differ only in some axes, in one list each."""
    kept = [axis for axis in range(input.dim()) if axis not in axes]
    values = input._view(
        [input.shape[axis] for axis in (*kept, *axes)], [input._strides[axis] for axis in (*kept, *axes)]
    )._values()
    length = math.prod(input.shape[axis] for axis in axes)
    count = math.prod(input.shape[axis] for axis in kept)
    return [values[i * length : (i + 1) * length] for i in range(count)]


def reduced(
    input: Tensor, dim: Dims, keepdim: bool, function: Callable[[list], Number], kind: dtype | None = None
) -> Tensor:
    """One number for all entries along some dimensions."""
    axes = _axes(input, dim)
    shape = [1 if axis in axes else size for axis, size in enumerate(input.shape) if keepdim or axis not in axes]
    return computed(map(function, lines(input, axes)), shape, kind or input.dtype, input)


def _summed(values: list) -> Number:
    try:
        return math.fsum(values) if values and isinstance(values[0], float) else builtins.sum(values)
    except (OverflowError, ValueError):  # an infinite one is among them, or it becomes infinite
        return builtins.sum(values)


def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: dtype | None = None) -> Tensor:
    kind = dtype or (input.dtype if input.dtype.kind == 2 else int64)
    return reduced(input, dim, keepdim, lambda values: _summed(kind.fit(values)), kind)


def _check_floats(input: Tensor, name: str) -> None:
    if input.dtype.kind != 2:
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {input.dtype.spoken}"
        )


def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: dtype | None = None) -> Tensor:
    if dtype is None:
        _check_floats(input, "mean")
    return reduced(input, dim, keepdim, lambda values: _divide(_summed(values), float(len(values))), dtype)


def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: dtype | None = None) -> Tensor:
    kind = dtype or (input.dtype if input.dtype.kind == 2 else int64)
    return reduced(input, dim, keepdim, math.prod, kind)


def var(
    input: Tensor, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: Number | None = None
) -> Tensor:
    """The variance; ``torch.var(x, False)`` has no dimension and no correction."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if input.dtype.kind != 2:
        raise RuntimeError("std and var only support floating point and complex dtypes")
    less = (1 if unbiased else 0) if correction is None else correction

    def spread_out(values: list) -> float:
        middle = _divide(_summed(values), float(len(values)))
        return _divide(_summed([(value - middle) ** 2 for value in values]), float(builtins.max(len(values) - less, 0)))

    return reduced(input, dim, keepdim, spread_out)


def std(
    input: Tensor, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: Number | None = None
) -> Tensor:
    return sqrt(var(input, dim, unbiased, keepdim, correction=correction))


def var_mean(
    input: Tensor, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: Number | None = None
) -> tuple[Tensor, Tensor]:
    dim, unbiased = (None, dim) if isinstance(dim, bool) else (dim, unbiased)
    return var(input, dim, unbiased, keepdim, correction=correction), mean(input, dim, keepdim)


def std_mean(
    input: Tensor, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: Number | None = None
) -> tuple[Tensor, Tensor]:
    spread_out, middle = var_mean(input, dim, unbiased, keepdim, correction=correction)
    return sqrt(spread_out), middle


def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    return reduced(input, dim, keepdim, lambda values: True in map(bool, values), bool_)


def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    return reduced(input, dim, keepdim, lambda values: False not in map(bool, values), bool_)


def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    return reduced(input, dim, False, lambda values: len(list(filter(None, values))), int64)


class Pair(tuple):
    """``values`` and ``indices``."""

    values = property(lambda self: self[0])
    indices = property(lambda self: self[1])


def _place_of(values: list, better: Callable) -> int:
    """Where the best entry stands first; NaN is better than everything."""
    place = 0
    for i, value in enumerate(values):
        if value != value:
            return i
        if better(value, values[place]):
            place = i
    return place


def _check_not_empty(input: Tensor, axes: Sequence[int], name: str) -> None:
    if 0 in (input.shape[axis] for axis in axes):
        raise IndexError(f"{name}(): Expected reduction dim {axes[0]} to have non-zero size.")


def _extreme(name: str, better: Callable, between: Callable) -> tuple[Callable, Callable, Callable]:
    """``max``, ``amax`` and ``argmax``, or those of the minimum."""

    def arg(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
        _check_not_empty(input, _axes(input, dim), f"arg{name}")
        return reduced(input, dim, keepdim, lambda values: _place_of(values, better), int64)

    def extreme(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
        _check_not_empty(input, _axes(input, dim), f"a{name}")
        return reduced(input, dim, keepdim, lambda values: values[_place_of(values, better)])

    def either(input: Tensor, dim: object = None, keepdim: bool = False) -> Tensor | Pair:
        if isinstance(dim, Tensor):
            return between(input, dim)
        if dim is not None:
            _check_not_empty(input, _axes(input, dim), name)
            return Pair((extreme(input, dim, keepdim), arg(input, dim, keepdim)))
        if not input.numel():
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument."
            )
        return extreme(input)

    return either, extreme, arg


max, amax, argmax = _extreme("max", operator.gt, maximum)
min, amin, argmin = _extreme("min", operator.lt, minimum)


def softmax(input: Tensor, dim: int, dtype: dtype | None = None) -> Tensor:
    x = input if dtype is None else computed(input._values(), input.shape, dtype, input)
    if x.dtype.kind != 2:
        raise RuntimeError(f'"softmax_lastdim_kernel_impl" not implemented for {x.dtype.spoken!r}')
    x = sub_(x, amax(x, dim, True)) if x.numel() else x
    weights = exp(x)
    return true_divide(weights, sum(weights, dim, True))


def log_softmax(input: Tensor, dim: int, dtype: dtype | None = None) -> Tensor:
    x = input if dtype is None else computed(input._values(), input.shape, dtype, input)
    x = sub_(x, amax(x, dim, True)) if x.numel() else x
    return sub_(x, log(sum(exp(x), dim, True)))


def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    largest = amax(input, dim, True)
    largest = masked_fill(largest, isinf(largest), 0.0)
    found = add(log(sum(exp(sub_(input, largest)), dim, True)), largest)
    return found if keepdim else reduced(found, dim, False, lambda values: values[0])


def norm(input: Tensor, p: object = 2, dim: Dims = None, keepdim: bool = False) -> Tensor:
    p = 2.0 if p in ("fro", 2) else float(p)
    _check_floats(input, "linalg.vector_norm")

    def length(values: list) -> float:
        sizes = [math.fabs(value) for value in values]
        if p == inf:
            return builtins.max(sizes)
        return _power(_summed([_power(size, p) for size in sizes]), 1 / p)

    return reduced(input, dim, keepdim, length)


def cumulative(input: Tensor, dim: int, function: Callable) -> Tensor:
    dim = wrap_dim(dim, input.dim())
    kind = input.dtype if input.dtype.kind == 2 else int64
    values = [list(itertools.accumulate(line, function)) for line in lines(input, [dim])]
    return _along(values, input.shape, dim, kind, input)


def cumsum(input: Tensor, dim: int) -> Tensor:
    return cumulative(input, dim, operator.add)


def cumprod(input: Tensor, dim: int) -> Tensor:
    return cumulative(input, dim, operator.mul)


def _along(values: list[list], shape: Size, dim: int, kind: dtype, *parents: object) -> Tensor:
    """A tensor of lists that lie along one dimension."""
    length = len(values[0]) if values else shape[dim]
    rest = [size for axis, size in enumerate(shape) if axis != dim]
    flat = computed(itertools.chain(*values), (*rest, length), kind, *parents)
    order = list(range(len(rest)))
    order.insert(dim, len(rest))
    return flat._view([flat.shape[axis] for axis in order], [flat._strides[axis] for axis in order])


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Pair:
    if not input.dim():
        return Pair((input, computed([0], (), int64)))
    dim = wrap_dim(dim, input.dim())
    flip = -1 if descending else 1

    def order(line: list) -> list[int]:
        return builtins.sorted(range(len(line)), key=lambda i: (flip * (line[i] != line[i]), flip * line[i]))

    found = [(line, order(line)) for line in lines(input, [dim])]
    values = _along([[line[i] for i in places] for line, places in found], input.shape, dim, input.dtype, input)
    return Pair((values, _along([places for _, places in found], input.shape, dim, int64)))


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    return sort(input, dim, descending)[1]


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True) -> Pair:
    first = [slice(None)] * wrap_dim(dim, input.dim()) + [slice(k)]
    return Pair(part[tuple(first)].clone() for part in sort(input, dim, largest))


def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False
) -> Tensor | tuple[Tensor, ...]:
    values = input._values()
    found = builtins.sorted(set(values))
    parts = [make(found, (len(found),), input.dtype)]
    if return_inverse:
        parts.append(computed(map(found.index, values), input.shape, int64))
    if return_counts:
        parts.append(computed(map(values.count, found), (len(found),), int64))
    return parts[0] if len(parts) == 1 else tuple(parts)


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    if input.dim() != 1 or input.dtype.kind == 2 or builtins.min(input._values(), default=0) < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    counts = [0] * builtins.max(builtins.max(input._values(), default=-1) + 1, minlength)
    for value, weight in zip(input._values(), [1] * len(input) if weights is None else weights._values(), strict=True):
        counts[value] += weight
    kind = int64 if weights is None else weights.dtype
    return computed(counts, (len(counts),), kind)


def nonzero(input: Tensor, *, as_tuple: bool = False) -> "Tensor | tuple[Tensor, ...]":
    """The indices of all entries that are not zero, one in a row; or one tensor for each dimension."""
    places = list(itertools.compress(itertools.product(*map(range, input.shape)), input._values()))
    if as_tuple:
        dims = builtins.max(input.dim(), 1)
        columns = [[place[dim] if place else 0 for place in places] for dim in range(dims)]
        return tuple(make(column, (len(column),), int64) for column in columns)
    return make([index for place in places for index in place], (len(places), input.dim()), int64)


# --- products -----------------------------------------------------------------------------------------------------


def _rows_by_columns(rows: list[list], columns: list[list]) -> list:
    return [_summed(list(map(operator.mul, row, column))) for row in rows for column in columns]


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """``@``: the last dimension of one by the last but one of the other; what is before them broadcasts."""
    if not input.shape or not other.shape:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {input.dim()}D and {other.dim()}D"
        )
    if input.dtype is not other.dtype:
        spoken = {"Float": "float", "Double": "double", "Long": "long long", "Bool": "bool", "Half": "c10::Half"}
        one, two = (spoken.get(kind.spoken, kind.spoken) for kind in (input.dtype, other.dtype))
        what = "dot : expected both vectors" if input.dim() == other.dim() == 1 else "expected m1 and m2"
        raise RuntimeError(f"{what} to have same dtype, but found {one.capitalize()} and {two.capitalize()}" if input.dim() == other.dim() == 1 else f"{what} to have the same dtype, but got: {one} != {two}")
    if input.dtype is bool_:
        raise RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Bool'")
    a = input if input.dim() > 1 else input[None]
    b = other if other.dim() > 1 else other[:, None]
    if a.shape[-1] != b.shape[-2]:
        _refuse_product(input, other)
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    left = lines(a.expand(*batch, *a.shape[-2:]), [a.dim() - 1 + len(batch) - (a.dim() - 2)])
    right = b.expand(*batch, *b.shape[-2:]).transpose(-1, -2)
    right = lines(right, [right.dim() - 1])
    n, m = a.shape[-2], b.shape[-1]
    values: list = []
    for i in range(math.prod(batch)):
        values += _rows_by_columns(left[i * n : (i + 1) * n], right[i * m : (i + 1) * m])
    shape = (*batch, *((n,) if input.dim() > 1 else ()), *((m,) if other.dim() > 1 else ()))
    return computed(values, shape, input.dtype, input, other)


def _refuse_product(a: Tensor, b: Tensor) -> None:
    """PyTorch's words for inner sizes that differ, which depend on the path that the product takes."""
    if a.dim() == b.dim() == 1:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{a.shape[0]}] and src [{b.shape[0]}] to have the same number "
            f"of elements, but got {a.shape[0]} and {b.shape[0]} elements respectively"
        )
    if a.dim() <= 2 and b.dim() == 1:
        raise RuntimeError(f"size mismatch, got input ({a.shape[0]}), mat ({a.shape[0]}x{a.shape[1]}), vec ({b.shape[0]})")
    if a.dim() >= 3 and b.dim() >= 3:
        batch = math.prod(broadcast_shapes(a.shape[:-2], b.shape[:-2]))
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{batch}, {a.shape[-1]}] but got: "
            f"[{batch}, {b.shape[-2]}]."
        )
    rows = math.prod(a.shape[:-1]) if b.dim() <= 2 else a.shape[-2] if a.dim() > 1 else 1
    raise RuntimeError(
        f"mat1 and mat2 shapes cannot be multiplied ({rows}x{a.shape[-1]} and {b.shape[-2]}x{b.shape[-1]})"
    )


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    for tensor in (input, mat2):
        if tensor.dim() != 2:
            raise RuntimeError("mat1 must be a matrix" if tensor is input else "mat2 must be a matrix")
    return matmul(input, mat2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    if input.dim() != 3 or mat2.dim() != 3:
        raise RuntimeError("batch1 must be a 3D tensor" if input.dim() != 3 else "batch2 must be a 3D tensor")
    if input.shape[0] != mat2.shape[0]:
        _refuse_product(input, mat2)
    return matmul(input, mat2)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    if input.dim() != 1 or tensor.dim() != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.dim()}D and {tensor.dim()}D tensors")
    return matmul(input, tensor)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    return mul(input[:, None], vec2)


Tensor.__matmul__ = lambda self, other: matmul(self, other) if isinstance(other, Tensor) else NotImplemented


def einsum(equation: str, *operands: object) -> Tensor:
    """Einstein's sums: multiply with all letters broadcast, and sum over those that the result does not have."""
    tensors = list(operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands)
    equation = equation.replace(" ", "")
    given, arrow, wanted = equation.partition("->")
    terms = given.split(",")
    if len(terms) != len(tensors):
        more = "more" if len(terms) > len(tensors) else "fewer"
        raise RuntimeError(f"einsum(): {more} operands were provided than specified in the equation")
    dots = builtins.max(
        (x.dim() - len(term) + 3 for term, x in zip(terms, tensors, strict=True) if "..." in term), default=0
    )
    batch = "".join(chr(0x3B1 + i) for i in range(dots))  # Greek letters for what the dots stand for
    full: list[str] = []
    for term, x in zip(terms, tensors, strict=True):
        missing = x.dim() - len(term.replace("...", ""))
        if missing < 0 or (missing and "..." not in term):
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(term.replace('...', ''))}) does not match "
                f"the number of dimensions ({x.dim()}) for operand {len(full)} and no ellipsis was given"
                if missing > 0
                else f"einsum(): the number of subscripts in the equation ({len(term)}) is more than the number of "
                f"dimensions ({x.dim()}) for operand {len(full)}"
            )
        full.append(term.replace("...", batch[dots - missing :]))
    letters = list(dict.fromkeys("".join(full)))
    once = builtins.sorted(letter for letter in letters if "".join(full).count(letter) == 1)
    result = wanted.replace("...", batch) if arrow else batch + "".join(x for x in once if x not in batch)
    for letter in result:
        if letter not in letters:
            raise RuntimeError(f"einsum(): output subscript {letter} does not appear in the equation for any input operand")
    letters = [*result, *(letter for letter in letters if letter not in result)]
    sizes: dict[str, int] = {}
    for term, x in zip(full, tensors, strict=True):
        for letter, size in zip(term, x.shape, strict=True):
            if size != 1 and sizes.get(letter, 1) not in (1, size):
                raise RuntimeError(
                    f"einsum(): subscript {letter} has size {size} for operand {full.index(term)} which does not "
                    f"broadcast with previously seen size {sizes[letter]}"
                )
            sizes[letter] = size if sizes.get(letter, 1) == 1 else sizes[letter]
    stretched = []
    for term, x in zip(full, tensors, strict=True):
        strides = dict.fromkeys(letters, 0)
        for letter, size, stride in zip(term, x.shape, x._strides, strict=True):
            strides[letter] += stride if size != 1 else 0  # a letter twice walks the diagonal
        stretched.append(x._view([sizes[letter] for letter in letters], [strides[letter] for letter in letters]))
    product = stretched[0]
    for x in stretched[1:]:
        product = mul(product, x)
    product = sum(product, tuple(range(len(result), len(letters)))) if len(letters) > len(result) else product
    return computed(product._values(), product.shape, tensors[0].dtype, *tensors)
