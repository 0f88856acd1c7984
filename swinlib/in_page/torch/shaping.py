"""Making tensors, and moving their entries about: views, permutations, rolls, joins and splits."""

import itertools
import math
import operator
from collections.abc import Callable, Sequence

from .dtypes import NotHere, Number, bfloat16, bool_, dtype, float16, float32, float64, int32, int64
from .operators import FUNCTIONS, axes_of, method, methods, offered
from .tensor import Shape, Tensor, as_tensor, broadcast_shapes, computed, device, make, result_type, spread, tensor

from .tensor import contiguous_strides, wrap_dim  # isort: skip

# --- making -------------------------------------------------------------------------------------------------------


def function(make_it: Callable) -> Callable:
    """Decorator: a function of ``torch`` that is no method."""
    FUNCTIONS[make_it.__name__] = offered(make_it, make_it.__name__)
    return make_it


def filled(size: Sequence, value: Number, dtype: dtype | None = None, requires_grad: bool = False) -> Tensor:
    shape = spread(size)
    if any(side < 0 for side in shape):
        raise RuntimeError("zeros: Dimension size must be non-negative.")
    return computed([value] * math.prod(shape), shape, dtype or float32).requires_grad_(requires_grad)


def _fillers(name: str, value: Number) -> None:
    """``zeros``, ``zeros_like`` and ``new_zeros``, for one value."""

    def plain(*size: object, dtype: dtype | None = None, device: object = None, requires_grad: bool = False) -> Tensor:
        return filled(size, value, dtype, requires_grad)

    def like(input: Tensor, *, dtype: dtype | None = None, device: object = None) -> Tensor:
        return filled(input.shape, value, dtype or input.dtype)

    def new(self: Tensor, *size: object, dtype: dtype | None = None, device: object = None) -> Tensor:
        return filled(size, value, dtype or self.dtype)

    FUNCTIONS.update({name: offered(plain, name), f"{name}_like": offered(like, f"{name}_like")})
    setattr(Tensor, f"new_{name}", offered(new, f"new_{name}"))


_fillers("zeros", 0)
_fillers("ones", 1)
_fillers("empty", math.nan)  # what is in memory that nothing was written to: here what nobody wants


@function
def full(size: Shape, fill_value: Number, *, dtype: dtype | None = None, device: object = None) -> Tensor:
    value = as_tensor(fill_value)
    return filled((tuple(size),), value.item(), dtype or value.dtype)


@function
def full_like(input: Tensor, fill_value: Number, *, dtype: dtype | None = None) -> Tensor:
    return filled(input.shape, fill_value, dtype or input.dtype)


@function
def arange(*ends: Number, dtype: dtype | None = None, device: object = None) -> Tensor:
    """``arange(end)``, ``arange(start, end)`` or ``arange(start, end, step)``."""
    ends = [end.item() if isinstance(end, Tensor) else end for end in ends]
    start, stop, step = (0, *ends, 1) if len(ends) == 1 else (*ends, 1)[:3]
    if not step:
        raise RuntimeError("step must be nonzero")
    if (stop - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    count = math.ceil((stop - start) / step)
    kind = dtype or (float32 if any(isinstance(end, float) for end in ends) else int64)
    return computed([start + i * step for i in range(count)], (count,), kind)


@function
def linspace(start: Number, end: Number, steps: int, *, dtype: dtype | None = None, device: object = None) -> Tensor:
    step = (end - start) / max(steps - 1, 1)
    values = [start + step * i if i < steps / 2 else end - step * (steps - 1 - i) for i in range(steps)]
    return computed(values, (steps,), dtype or float32)


@function
def eye(n: int, m: int | None = None, *, dtype: dtype | None = None, device: object = None) -> Tensor:
    m = n if m is None else m
    return computed([int(i == j) for i in range(n) for j in range(m)], (n, m), dtype or float32)


# --- another dtype, a copy ----------------------------------------------------------------------------------------


def _to(
    self: Tensor, *targets: object, dtype: dtype | None = None, device: object = None, copy: bool = False
) -> Tensor:
    """Of another dtype; there is no other device to go to."""
    kind = dtype or self.dtype
    for target in (*targets, device):
        if isinstance(target, (Tensor, _dtype)):
            kind = getattr(target, "dtype", target)
        elif isinstance(target, str):
            _device(target)
    if kind is self.dtype:
        return self.clone() if copy else self
    return computed(self._values(), self.shape, kind, self)


_dtype, _device = dtype, device
Tensor.to, Tensor.cpu = offered(_to, "to"), lambda self: self
_CASTS = {"long": int64, "int": int32, "bool": bool_, "float": float32, "double": float64, "half": float16}
for _name, _kind in (*_CASTS.items(), ("bfloat16", bfloat16)):
    setattr(Tensor, _name, (lambda kind: lambda self: _to(self, kind))(_kind))


def _type(self: Tensor, dtype: dtype | str | None = None) -> "Tensor | str":
    return f"torch.{self.dtype.spoken}Tensor" if dtype is None else _to(self, dtype)


Tensor.type = _type


@method
def clone(input: Tensor) -> Tensor:
    """A copy of its own, laid out in memory as the tensor is."""
    if 0 in input._strides or input.is_contiguous():
        return make(input._values(), input.shape, input.dtype, input)
    order = sorted(range(input.dim()), key=lambda axis: (-input._strides[axis], axis))
    inner = input._axes(order)
    copy = make(inner._values(), inner.shape, input.dtype, input)
    return copy._axes(order.index(axis) for axis in range(input.dim()))


# --- views --------------------------------------------------------------------------------------------------------


def _sizes(shape: Shape, count: int) -> tuple[int, ...]:
    """A shape in which at most one size is -1, for a number of entries."""
    for i, size in enumerate(shape):
        if size < -1:
            raise RuntimeError(f"invalid shape dimension {size} at index {i} of shape {list(shape)}")
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    known = math.prod(size for size in shape if size != -1)
    if known == count and -1 not in shape:
        return shape
    if -1 in shape and known and count % known == 0:
        return tuple(count // known if size == -1 else size for size in shape)
    if -1 in shape and known == count == 0:
        why = "because the unspecified dimension size -1 can be any value and is ambiguous"
        raise RuntimeError(f"cannot reshape tensor of 0 elements into shape {list(shape)} {why}")
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")


def _strides_of_view(input: Tensor, shape: Shape) -> list[int] | None:
    """Strides with which the storage can be read in another shape; None if it cannot."""
    if input.is_contiguous():
        return contiguous_strides(shape)
    old = [pair for pair in zip(input.shape, input._strides, strict=True) if pair[0] != 1]
    strides: list[int] = []
    sizes = list(shape)
    while old:  # what lies side by side in memory is one piece, and each new size must end with a piece
        length, stride = old.pop()
        while old and old[-1][1] == length * stride:
            length *= old.pop()[0]
        filled_up = 1
        while sizes and (filled_up < length or sizes[-1] == 1):
            strides.append(stride * filled_up)
            filled_up *= sizes.pop()
        if filled_up != length:
            return None
    return strides[::-1]


def _view(self: Tensor, *shape: object) -> Tensor:
    if isinstance(shape[0], _dtype):
        raise NotHere("`view` as another dtype")
    shape = _sizes(spread(shape), self.numel())
    strides = _strides_of_view(self, shape)
    if strides is None:
        spans = "(at least one dimension spans across two contiguous subspaces)"
        why = f"is not compatible with input tensor's size and stride {spans}"
        raise RuntimeError(f"view size {why}. Use .reshape(...) instead.")
    return self._view(shape, strides)


Tensor.view = _view


@method
def reshape(input: Tensor, *shape: object) -> Tensor:
    shape = _sizes(spread(shape), input.numel())
    strides = _strides_of_view(input, shape)
    return input.contiguous().view(shape) if strides is None else input._view(shape, strides)


@method
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    start, end = wrap_dim(start_dim, input), wrap_dim(end_dim, input)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end and input.shape:
        return input
    return input.reshape((*input.shape[:start], math.prod(input.shape[start : end + 1]), *input.shape[end + 1 :]))


@method
def unflatten(input: Tensor, dim: int, sizes: Shape) -> Tensor:
    dim = wrap_dim(dim, input)
    sizes, size = tuple(map(operator.index, sizes)), input.size(dim)
    known = math.prod(each for each in sizes if each != -1)
    if (-1 in sizes and (not known or size % known)) or (-1 not in sizes and known != size):
        why = f"don't multiply up to the size of dim {dim} ({size}) in the input tensor"
        raise RuntimeError(f"unflatten: Provided sizes {list(sizes)} {why}")
    return input.view((*input.shape[:dim], *_sizes(sizes, size), *input.shape[dim + 1 :]))


@method
def permute(input: Tensor, *dims: object) -> Tensor:
    dims = spread(dims)
    if len(dims) != input.dim():
        lengths = f"input.dim() = {input.dim()} is not equal to len(dims) = {len(dims)}"
        does_not = (
            "number of dimensions in the tensor input does not match the length of the desired ordering of dimensions"
        )
        raise RuntimeError(f"permute(sparse_coo): {does_not} i.e. {lengths}")
    axes = []
    for dim in dims:
        axes.append(wrap_dim(dim, input))
        if axes.count(axes[-1]) > 1:
            raise RuntimeError("permute(): duplicate dims are not allowed.")
    return input._axes(axes)


def _transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    order, one, other = list(range(input.dim())), wrap_dim(dim0, input), wrap_dim(dim1, input)
    if order:
        order[one], order[other] = order[other], order[one]
    return input._axes(order)


method(_transpose, "transpose", "swapaxes", "swapdims")


def _movedim(input: Tensor, source: object, destination: object) -> Tensor:
    ends = ((each,) if isinstance(each, int) else each for each in (source, destination))
    sources, goals = ([wrap_dim(dim, input) for dim in each] for each in ends)
    order = [dim for dim in range(input.dim()) if dim not in sources]
    for goal, dim in sorted(zip(goals, sources, strict=True)):
        order.insert(goal, dim)
    return input._axes(order) if input.dim() else input


method(_movedim, "movedim", "moveaxis")


@method
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    dim = wrap_dim(dim, input.dim() + 1)
    shape, strides = list(input.shape), list(input._strides)
    strides.insert(dim, shape[dim] * strides[dim] if dim < len(shape) else 1)
    return input._view([*shape[:dim], 1, *shape[dim:]], strides)


@method
def squeeze(input: Tensor, dim: object = None) -> Tensor:
    gone = axes_of(input, dim)
    return input._axes(axis for axis in range(input.dim()) if axis not in gone or input.shape[axis] != 1)


def _expand(self: Tensor, *sizes: object) -> Tensor:
    sizes = spread(sizes)
    more = len(sizes) - self.dim()
    if more < 0:
        numbers = f"the number of sizes provided ({len(sizes)}) must be greater or equal to the number of dimensions"
        what = f"expand(CPU{self.dtype.spoken}Type{{{list(self.shape)}}}, size={list(sizes)})"
        raise RuntimeError(f"{what}: {numbers} in the tensor ({self.dim()})")
    shape, strides = list(sizes), [0] * len(sizes)
    for i, size in enumerate(sizes):
        old, stride = (self.shape[i - more], self._strides[i - more]) if i >= more else (1, 0)
        if size == -1 and i < more:
            why = f"isn't allowed in a leading, non-existing dimension {i}"
            raise RuntimeError(f"The expanded size of the tensor (-1) {why}")
        shape[i] = old if size == -1 else size
        if old not in (1, shape[i]):
            must = f"must match the existing size ({old}) at non-singleton dimension {i}"
            sizes_told = f"Target sizes: {list(sizes)}.  Tensor sizes: {list(self.shape)}"
            raise RuntimeError(f"The expanded size of the tensor ({size}) {must}.  {sizes_told}")
        strides[i] = stride if old == shape[i] else 0
    return self._view(shape, strides)


Tensor.expand = _expand


@method
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    dim = wrap_dim(dim, input, numbers=False)
    shape, start = list(input.shape), start % input.shape[dim] if start < 0 else start
    if length < 0 or start + length > shape[dim]:
        said = f"start ({start}) + length ({length}) exceeds dimension size ({shape[dim]})."
        raise RuntimeError(said if length >= 0 else "narrow(): length must be non-negative.")
    shape[dim] = length
    return input._view(shape, input._strides, input._offset + start * input._strides[dim])


def _has_dimensions(input: Tensor, name: str, dim: int) -> int:
    if not input.shape:
        raise RuntimeError(f"{name} expects at least a 1-dimensional tensor")
    return wrap_dim(dim, input)


@method
def split(tensor: Tensor, split_size_or_sections: object, dim: int = 0) -> tuple:
    dim, sizes = _has_dimensions(tensor, "split", dim), split_size_or_sections
    size, where = tensor.shape[dim], "(input tensor's size at dimension"
    if isinstance(sizes, int):
        sizes = [min(sizes, size - start) for start in range(0, size, sizes)] or [0]
    sizes = list(map(operator.index, sizes))
    if any(each < 0 for each in sizes):
        must = f"have only non-negative entries, but got split_sizes={sizes}"
        raise RuntimeError(f"split_with_sizes expects split_sizes {must}")
    if sum(sizes) != size:
        must = f"to sum exactly to {size} {where} {dim})"
        raise RuntimeError(f"split_with_sizes expects split_sizes {must}, but got split_sizes={sizes}")
    return tuple(tensor.narrow(dim, sum(sizes[:i]), length) for i, length in enumerate(sizes))


@method
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple:
    size = input.shape[_has_dimensions(input, "chunk", dim)]
    return input.split(-(-size // chunks), dim) if size else input.split([0] * chunks, dim)


@method
def unbind(input: Tensor, dim: int = 0) -> tuple:
    dim = wrap_dim(dim, input, numbers=False)
    return tuple(input[(slice(None),) * dim + (i,)] for i in range(input.shape[dim]))


def _unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All slices of a size along a dimension, in a last dimension of their own."""
    dim = wrap_dim(dimension, self)
    shape, strides = [*(self.shape or (1,)), size], [*(self._strides or (1,)), self.stride(dim) if self.shape else 1]
    if size > shape[dim]:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {shape[dim]} but size is {size}")
    shape[dim], strides[dim] = (shape[dim] - size) // step + 1, strides[dim] * step
    return self._view(shape, strides)


Tensor.unfold = _unfold


# --- copies in another order --------------------------------------------------------------------------------------


def taken(input: Tensor, dim: int, order: Sequence[int]) -> Tensor:
    """The slices of a dimension in an order."""
    return input[(slice(None),) * dim + (make(list(order), (len(order),), int64),)]


@method
def flip(input: Tensor, *dims: object) -> Tensor:
    for dim in axes_of(input, spread(dims)):
        input = taken(input, dim, range(input.shape[dim])[::-1])
    return input.clone()


@method
def roll(input: Tensor, shifts: object, dims: object = None) -> Tensor:
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    dims = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if len(shifts) != len(dims) and (dims or len(shifts) > 1):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if not dims:
        return roll(input.flatten(), shifts, 0).view(input.shape)
    for shift, dim in zip(shifts, dims, strict=True):
        if not input.numel():
            return input.clone()
        dim = wrap_dim(dim, input, numbers=False)
        size = input.shape[dim]
        input = taken(input, dim, [(i - shift) % size for i in range(size)])
    return input


def _repeat(self: Tensor, *repeats: object) -> Tensor:
    repeats = spread(repeats)
    if len(repeats) < self.dim():
        what = "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
        raise RuntimeError(what)
    shape = (1,) * (len(repeats) - self.dim()) + tuple(self.shape)
    result = [count * size for count, size in zip(repeats, shape, strict=True)]
    if any(count < 0 for count in repeats):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(repeats)}: {result}")
    apart = self.reshape([size for each in shape for size in (1, each)])
    stretched = apart.expand([size for pair in zip(repeats, shape, strict=True) for size in pair])
    return make(stretched._values(), result, self.dtype, self)


Tensor.repeat = _repeat


@method
def repeat_interleave(input: Tensor, repeats: object, dim: int | None = None) -> Tensor:
    input, dim = (input.flatten(), 0) if dim is None else (input if input.shape else input[None], dim)
    dim = wrap_dim(dim, input)
    counts = repeats.tolist() if isinstance(repeats, Tensor) else repeats
    counts = [counts] * input.shape[dim] if isinstance(counts, int) else counts
    if len(counts) != input.shape[dim]:
        raise RuntimeError("repeats must have the same size as input along dim")
    return taken(input, dim, [i for i, count in enumerate(counts) for _ in range(count)])


@method
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    dim = wrap_dim(dim, input)
    shape = [1] * index.dim()
    axes = [arange(n).view([*shape[:i], -1, *shape[i + 1 :]]) for i, n in enumerate(index.shape)]
    return input[(*axes[:dim], index, *axes[dim + 1 :])]


def _cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError("torch.cat(): expected a non-empty list of Tensors")
    for number, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            got = f"but got {each.__class__.__name__}"
            raise TypeError(f"expected Tensor as element {number} in argument 0, {got}")
        if not each.shape:
            raise RuntimeError(f"zero-dimensional tensor (at position {number}) cannot be concatenated")
    parts = [each for each in tensors if each.shape != (0,)] or tensors[:1]
    first, dim = parts[0], wrap_dim(dim, parts[0])
    for number, each in enumerate(parts):
        if each.dim() != first.dim():
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.dim()} and {each.dim()}")
        for axis, (size, other) in enumerate(zip(first.shape, each.shape, strict=True)):
            if axis != dim and size != other:
                got = f"Expected size {size} but got size {other} for tensor number {number} in the list."
                raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}. {got}")
    before, after = first.shape[:dim], math.prod(first.shape[dim + 1 :])
    columns = [(each._values(), each.shape[dim] * after) for each in parts]
    pieces = (entries[i * n : (i + 1) * n] for i in range(math.prod(before)) for entries, n in columns)
    shape = (*before, sum(each.shape[dim] for each in parts), *first.shape[dim + 1 :])
    return computed(itertools.chain(*pieces), shape, result_type(*tensors), *parts)


for _name in ("cat", "concat", "concatenate"):
    FUNCTIONS[_name] = offered(_cat, _name)


@function
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    tensors = list(tensors)
    for number, each in enumerate(tensors):
        if isinstance(each, Tensor) and each.shape != tensors[0].shape:
            shapes = f"{list(tensors[0].shape)} at entry 0 and {list(each.shape)} at entry {number}"
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {shapes}")
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    return _cat([x.unsqueeze(dim) if isinstance(x, Tensor) else x for x in tensors], dim)


@function
def meshgrid(*tensors: object, indexing: str = "ij") -> tuple:
    tensors = tensors[0] if isinstance(tensors[0], (list, tuple)) else tensors
    if indexing == "xy" or len({each.dtype for each in tensors}) > 1:
        if indexing == "xy":
            raise NotHere("`meshgrid` with indexing='xy'")
        raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    sizes = [each.numel() for each in tensors]
    return tuple(
        each.reshape([-1 if i == axis else 1 for i in range(len(sizes))]).expand(sizes)
        for axis, each in enumerate(tensors)
    )


@function
def cartesian_prod(*tensors: Tensor) -> Tensor:
    for each in tensors:
        if each.dim() != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(each.shape)}")
    return tensors[0] if len(tensors) == 1 else stack([each.flatten() for each in meshgrid(*tensors)], 1)


def _matrix_transposed(self: Tensor) -> Tensor:
    if self.dim() == 1:
        raise RuntimeError("tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return self.transpose(-1, -2) if self.dim() else self


def _transposed(self: Tensor) -> Tensor:
    if self.dim() > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {self.dim()}D")
    return self._axes(reversed(range(self.dim())))


methods(
    t=_transposed,
    ravel=lambda input: input.flatten(),
    select=lambda input, dim, index: input[(slice(None),) * wrap_dim(dim, input, numbers=False) + (index,)],
    index_select=lambda input, dim, index: input[(slice(None),) * wrap_dim(dim, input) + (index,)],
    argsort=lambda input, dim=-1, descending=False, stable=False: input.sort(dim, descending)[1],
    tril=lambda input, diagonal=0: _triangle(input, lambda right: right <= diagonal),
    triu=lambda input, diagonal=0: _triangle(input, lambda right: right >= diagonal),
)


def _triangle(input: Tensor, kept: Callable[[Tensor], Tensor]) -> Tensor:
    rows, columns = input.shape[-2:]
    return input.masked_fill(~kept(arange(columns) - arange(rows)[:, None]), 0)


FUNCTIONS["broadcast_tensors"] = lambda *tensors: tuple(
    each.expand(broadcast_shapes(*(other.shape for other in tensors))) for each in tensors
)


def _copy(self: Tensor, src: object, non_blocking: bool = False) -> Tensor:
    src = as_tensor(src, self.dtype)
    return self._in_place(src.expand(broadcast_shapes(self.shape, src.shape)).to(self.dtype))


def _written_over(name: str) -> Callable:
    return lambda self, *arguments, **options: self._in_place(getattr(self, name)(*arguments, **options))


_ONLY_METHODS = {
    "T": property(lambda self: self._axes(reversed(range(self.dim())))),
    "mT": property(_matrix_transposed),
    "contiguous": lambda self: self if self.is_contiguous() else make(self._values(), self.shape, self.dtype, self),
    "view_as": lambda self, other: self.view(other.shape),
    "reshape_as": lambda self, other: self.reshape(other.shape),
    "expand_as": lambda self, other: self.expand(other.shape),
    "type_as": lambda self, other: self.to(other.dtype),
    "new_full": lambda self, size, fill_value, dtype=None: filled(tuple(size), fill_value, dtype or self.dtype),
    "new_tensor": lambda self, data, dtype=None: tensor(data, dtype=dtype or self.dtype),
    "copy_": _copy,
    "fill_": lambda self, value: _copy(self, as_tensor(value).item()),
    "zero_": lambda self: _copy(self, 0),
    **{
        f"{name}_": _written_over(name)
        for name in ("add", "sub", "mul", "div", "pow", "clamp", "exp", "sqrt", "neg", "abs", "masked_fill", "erfinv")
    },
}
for _name, _function in _ONLY_METHODS.items():
    setattr(Tensor, _name, _function)
