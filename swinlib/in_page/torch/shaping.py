"""Making tensors, and moving their entries about: views, permutations, rolls, joins and splits."""

import itertools
import math
import operator
from collections.abc import Callable, Sequence

from .dtypes import Number, bool_, dtype, float16, float32, float64, int32, int64
from .operators import lines
from .tensor import (
    NotHere,
    Size,
    Tensor,
    as_operand,
    broadcast_shapes,
    computed,
    contiguous_strides,
    device,
    dtype_of,
    make,
    result_type,
    spread,
    tensor,
    wrap_dim,
)

# --- making -------------------------------------------------------------------------------------------------------


def filled(sizes: Sequence, value: Number, kind: dtype, requires_grad: bool = False) -> Tensor:
    shape = spread(sizes)
    for size in shape:
        if size < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {size}: {list(shape)}")
    return computed([value] * math.prod(shape), shape, kind).requires_grad_(requires_grad)


def zeros(
    *size: object, dtype: dtype | None = None, device: object = None, requires_grad: bool = False
) -> Tensor:
    return filled(size, 0, dtype or float32, requires_grad)


def ones(*size: object, dtype: dtype | None = None, device: object = None, requires_grad: bool = False) -> Tensor:
    return filled(size, 1, dtype or float32, requires_grad)


def empty(*size: object, dtype: dtype | None = None, device: object = None, requires_grad: bool = False) -> Tensor:
    """What is in memory that nothing was written to: here a number that nobody wants."""
    kind = dtype or float32
    return filled(size, math.nan if kind.kind == 2 else 2 ** (8 * kind.itemsize - 2), kind, requires_grad)


def full(size: Sequence[int], fill_value: Number, *, dtype: dtype | None = None, device: object = None) -> Tensor:
    value = as_operand(fill_value)
    return filled((size,), value.item(), dtype or value.dtype)


def _like(function: Callable) -> Callable:
    def make_like(input: Tensor, *, dtype: dtype | None = None, device: object = None) -> Tensor:
        return function(input.shape, dtype=dtype or input.dtype)

    return make_like


def _new(function: Callable) -> Callable:
    def make_new(self: Tensor, *size: object, dtype: dtype | None = None, device: object = None) -> Tensor:
        return function(*size, dtype=dtype or self.dtype)

    return make_new


zeros_like, ones_like, empty_like = _like(zeros), _like(ones), _like(empty)
new_zeros, new_ones, new_empty = _new(zeros), _new(ones), _new(empty)


def full_like(input: Tensor, fill_value: Number, *, dtype: dtype | None = None, device: object = None) -> Tensor:
    return full(input.shape, fill_value, dtype=dtype or input.dtype)


def new_full(
    self: Tensor, size: Sequence[int], fill_value: Number, *, dtype: dtype | None = None, device: object = None
) -> Tensor:
    return full(size, fill_value, dtype=dtype or self.dtype)


def new_tensor(self: Tensor, data: object, *, dtype: dtype | None = None, device: object = None) -> Tensor:
    return tensor(data, dtype=dtype or self.dtype)


def as_tensor(data: object, dtype: dtype | None = None, device: object = None) -> Tensor:
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return tensor(data, dtype=dtype)


def arange(*ends: Number, dtype: dtype | None = None, device: object = None, **named: Number) -> Tensor:
    """``arange(end)``, ``arange(start, end)`` or ``arange(start, end, step)``."""
    ends = [end.item() if isinstance(end, Tensor) else end for end in (*ends, *named.values())]
    start, stop, step = (0, *ends, 1) if len(ends) == 1 else (*ends, 1)[:3]
    if not step:
        raise RuntimeError("step must be nonzero")
    if (stop - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    count = math.ceil((stop - start) / step)
    kind = dtype or (float32 if any(isinstance(end, float) for end in ends) else int64)
    return computed([start + i * step for i in range(count)], (count,), kind)


def linspace(start: Number, end: Number, steps: int, *, dtype: dtype | None = None, device: object = None) -> Tensor:
    step = (end - start) / (steps - 1) if steps > 1 else 0.0
    half = steps / 2
    values = [start + step * i if i < half else end - step * (steps - 1 - i) for i in range(steps)]
    return computed(values, (steps,), dtype or float32)


def eye(n: int, m: int | None = None, *, dtype: dtype | None = None, device: object = None) -> Tensor:
    m = n if m is None else m
    return computed([int(i == j) for i in range(n) for j in range(m)], (n, m), dtype or float32)


# --- another dtype, a copy ----------------------------------------------------------------------------------------


def to(
    self: Tensor, *targets: object, dtype: dtype | None = None, device: object = None, copy: bool = False, **_: bool
) -> Tensor:
    """Of another dtype; there is no other device to go to."""
    kind = dtype or self.dtype
    for target in (*targets, device):
        if isinstance(target, Tensor):
            kind = target.dtype
        elif isinstance(target, _dtype):
            kind = target
        elif isinstance(target, str):
            _device(target)
    if kind is self.dtype:
        return clone(self) if copy else self
    return computed(self._values(), self.shape, kind, self)


_dtype, _device = dtype, device


def type_as(self: Tensor, other: Tensor) -> Tensor:
    return to(self, other.dtype)


CASTS = {"long": int64, "int": int32, "bool": bool_, "float": float32, "double": float64, "half": float16}


def cpu(self: Tensor) -> Tensor:
    return self


def clone(input: Tensor, *, memory_format: object = None) -> Tensor:
    """A copy of its own, laid out in memory as the tensor is, if it is dense."""
    order = sorted(range(input.dim()), key=lambda axis: (-input._strides[axis], axis))
    dense = memory_format is None and 0 not in input._strides
    if not dense or input.is_contiguous():
        return make(input._values(), input.shape, input.dtype, None, 0, input)
    values = input._view([input.shape[axis] for axis in order], [input._strides[axis] for axis in order])._values()
    steps = contiguous_strides([input.shape[axis] for axis in order])
    strides = [steps[order.index(axis)] for axis in range(input.dim())]
    return make(values, input.shape, input.dtype, tuple(strides), 0, input)


def contiguous(self: Tensor, *, memory_format: object = None) -> Tensor:
    return self if self.is_contiguous() else make(self._values(), self.shape, self.dtype, None, 0, self)


# --- views --------------------------------------------------------------------------------------------------------


def _sizes(shape: tuple, count: int) -> tuple:
    """A shape in which at most one size is -1, for a number of entries."""
    for size in shape:
        if size < -1:
            raise RuntimeError(f"invalid shape dimension {size}")
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    known = math.prod(size for size in shape if size != -1)
    if -1 in shape:
        if known == 0 and count == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size "
                "-1 can be any value and is ambiguous"
            )
        if known and count % known == 0:
            return tuple(count // known if size == -1 else size for size in shape)
    elif known == count:
        return shape
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")


def _strides_of_view(input: Tensor, shape: tuple) -> list | None:
    """Strides with which the storage can be read in another shape; None if it cannot."""
    if input.is_contiguous():
        return list(contiguous_strides(shape))
    old = [(size, stride) for size, stride in zip(input.shape, input._strides, strict=True) if size != 1]
    strides: list = []
    sizes = list(shape)
    while old:  # what lies side by side in memory is one piece, and each new size must end with a piece
        size, stride = old.pop()
        length = size
        while old and old[-1][1] == length * stride:
            length *= old.pop()[0]
        filled_up = 1
        while sizes and (filled_up < length or sizes[-1] == 1):
            strides.append(stride * filled_up)
            filled_up *= sizes.pop()
        if filled_up != length:
            return None
    return strides[::-1]


def view(self: Tensor, *shape: object) -> Tensor:
    if len(shape) == 1 and isinstance(shape[0], _dtype):
        raise NotHere("`view` as another dtype")
    shape = _sizes(spread(shape), self.numel())
    strides = _strides_of_view(self, shape)
    if strides is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return self._view(shape, strides)


def reshape(input: Tensor, *shape: object) -> Tensor:
    shape = _sizes(spread(shape), input.numel())
    strides = _strides_of_view(input, shape)
    return view(contiguous(input), shape) if strides is None else input._view(shape, strides)


def view_as(self: Tensor, other: Tensor) -> Tensor:
    return view(self, other.shape)


def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    return reshape(self, other.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    if not input.shape:
        return reshape(input, 1)
    start, end = wrap_dim(start_dim, input.dim()), wrap_dim(end_dim, input.dim())
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    merged = math.prod(input.shape[start : end + 1])
    return reshape(input, (*input.shape[:start], merged, *input.shape[end + 1 :]))


def ravel(input: Tensor) -> Tensor:
    return flatten(input)


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    dim = wrap_dim(dim, input.dim())
    sizes = tuple(map(operator.index, sizes))
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    known, size = math.prod(each for each in sizes if each != -1), input.shape[dim]
    if (-1 in sizes and (not known or size % known)) or (-1 not in sizes and known != size):
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({size}) in the input "
            "tensor"
        )
    return view(input, (*input.shape[:dim], *_sizes(sizes, size), *input.shape[dim + 1 :]))


def permute(input: Tensor, *dims: object) -> Tensor:
    dims = spread(dims)
    if len(dims) != input.dim():
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {input.dim()} is not equal to len(dims) = {len(dims)}"
        )
    dims = [wrap_dim(dim, input.dim()) for dim in dims]
    if len(set(dims)) < len(dims):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return input._view([input.shape[dim] for dim in dims], [input._strides[dim] for dim in dims])


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    order = list(range(input.dim()))
    one, other = wrap_dim(dim0, input.dim()), wrap_dim(dim1, input.dim())
    if order:
        order[one], order[other] = order[other], order[one]
    return permute(input, order)


swapaxes = swapdims = transpose


def t(input: Tensor) -> Tensor:
    if input.dim() > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.dim()}D")
    return permute(input, list(reversed(range(input.dim()))))


def matrix_transposed(self: Tensor) -> Tensor:
    if self.dim() < 2:
        raise RuntimeError(
            f"tensor.mT is only supported on matrices or batches of matrices. Got {self.dim()}-D tensor."
        )
    return transpose(self, -1, -2)


def movedim(input: Tensor, source: object, destination: object) -> Tensor:
    sources, goals = (
        [wrap_dim(dim, input.dim()) for dim in ((each,) if isinstance(each, int) else each)]
        for each in (source, destination)
    )
    order = [dim for dim in range(input.dim()) if dim not in sources]
    for goal, dim in sorted(zip(goals, sources, strict=True)):
        order.insert(goal, dim)
    return permute(input, order)


moveaxis = movedim


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    dim = wrap_dim(dim, input.dim() + 1)
    shape, strides = list(input.shape), list(input._strides)
    step = shape[dim] * strides[dim] if dim < input.dim() else 1
    shape.insert(dim, 1)
    strides.insert(dim, step)
    return input._view(shape, strides)


def squeeze(input: Tensor, dim: object = None) -> Tensor:
    dims = range(input.dim()) if dim is None else (dim,) if isinstance(dim, int) else dim
    gone = [wrap_dim(each, input.dim()) for each in dims] if input.dim() else []
    kept = [axis for axis in range(input.dim()) if axis not in gone or input.shape[axis] != 1]
    return input._view([input.shape[axis] for axis in kept], [input._strides[axis] for axis in kept])


def expand(self: Tensor, *sizes: object) -> Tensor:
    sizes = spread(sizes)
    more = len(sizes) - self.dim()
    if more < 0:
        raise RuntimeError(
            f"expand(torch.{self.dtype.spoken}Tensor{{{list(self.shape)}}}, size={list(sizes)}): the number of sizes "
            f"provided ({len(sizes)}) must be greater or equal to the number of dimensions in the tensor ({self.dim()})"
        )
    shape, strides = [], []
    for i, size in enumerate(sizes):
        old, stride = (self.shape[i - more], self._strides[i - more]) if i >= more else (1, 0)
        if size == -1:
            if i < more:
                raise RuntimeError(
                    f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {i}"
                )
            size = old
        if old not in (1, size):
            raise RuntimeError(
                f"The expanded size of the tensor ({size}) must match the existing size ({old}) at non-singleton "
                f"dimension {i}.  Target sizes: {list(sizes)}.  Tensor sizes: {list(self.shape)}"
            )
        shape.append(size)
        strides.append(stride if old == size else 0)
    return self._view(shape, strides)


def expand_as(self: Tensor, other: Tensor) -> Tensor:
    return expand(self, other.shape)


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    return expand(input, *size)


def broadcast_tensors(*tensors: Tensor) -> tuple:
    shape = broadcast_shapes(*(each.shape for each in tensors))
    return tuple(expand(each, shape) for each in tensors)


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    dim, start = wrap_dim(dim, input.dim()), operator.index(start)
    size = input.shape[dim]
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -size <= start <= size:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-size}, {size}], but got {start})")
    start += size if start < 0 else 0
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    shape = [*input.shape[:dim], length, *input.shape[dim + 1 :]]
    return input._view(shape, input._strides, input._offset + start * input._strides[dim])


def select(input: Tensor, dim: int, index: int) -> Tensor:
    dim, size = wrap_dim(dim, input.dim()), input.size(dim)
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}"
        )
    return input[(slice(None),) * dim + (index,)]


def split(tensor: Tensor, split_size_or_sections: object, dim: int = 0) -> tuple:
    dim, size, sizes = wrap_dim(dim, tensor.dim()), tensor.size(dim), split_size_or_sections
    if isinstance(sizes, int):
        if sizes < 1 and not (sizes == 0 and size == 0):
            said = "split_size can only be 0 if dimension size is 0, but got dimension size of " + str(size)
            raise RuntimeError(said if sizes == 0 else f"split expects split_size be non-negative, but got split_size={sizes}")
        sizes = [min(sizes, size - start) for start in range(0, size, sizes)] if size else [0]
    sizes = list(map(operator.index, sizes))
    if sum(sizes) != size:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at dimension {dim}), "
            f"but got split_sizes={sizes}"
        )
    starts = itertools.accumulate(sizes, initial=0)
    return tuple(narrow(tensor, dim, start, length) for start, length in zip(starts, sizes, strict=False))


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple:
    if chunks < 1:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input.shape[wrap_dim(dim, input.dim())]
    return split(input, -(-size // chunks), dim) if size else split(input, [0] * chunks, dim)


def unbind(input: Tensor, dim: int = 0) -> tuple:
    dim = wrap_dim(dim, input.dim())
    return tuple(select(input, dim, i) for i in range(input.shape[dim]))


def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All slices of a size along a dimension, in a last dimension of their own."""
    dim = wrap_dim(dimension, self.dim())
    if size > self.shape[dim]:
        raise RuntimeError(
            f"maximum size for tensor at dimension {dim} is {self.shape[dim]} but size is {size}"
        )
    if step < 1:
        raise RuntimeError(f"step is {step} but must be > 0")
    shape, strides = [*self.shape, size], [*self._strides, self._strides[dim]]
    shape[dim], strides[dim] = (self.shape[dim] - size) // step + 1, self._strides[dim] * step
    return self._view(shape, strides)


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    one, two = wrap_dim(dim1, input.dim()), wrap_dim(dim2, input.dim())
    kept = [axis for axis in range(input.dim()) if axis not in (one, two)]
    rows, columns = input.shape[one], input.shape[two]
    length = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    start = input._offset + (offset * input._strides[two] if offset >= 0 else -offset * input._strides[one])
    shape = [*(input.shape[axis] for axis in kept), length]
    strides = [*(input._strides[axis] for axis in kept), input._strides[one] + input._strides[two]]
    return input._view(shape, strides, start)


# --- copies in another order --------------------------------------------------------------------------------------


def _taken(input: Tensor, dim: int, order: Sequence[int]) -> Tensor:
    return input[(slice(None),) * dim + (make(list(order), (len(order),), int64),)]


def flip(input: Tensor, *dims: object) -> Tensor:
    for dim in spread(dims):
        dim = wrap_dim(dim, input.dim())
        input = _taken(input, dim, range(input.shape[dim])[::-1])
    return input.clone()


def roll(input: Tensor, shifts: object, dims: object = None) -> Tensor:
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    if dims is None or dims == ():
        if len(shifts) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:0")
        return view(roll(flatten(input), shifts, 0), input.shape)
    dims = (dims,) if isinstance(dims, int) else tuple(dims)
    if len(shifts) != len(dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    for shift, dim in zip(shifts, dims, strict=True):
        dim = wrap_dim(dim, input.dim())
        size = input.shape[dim]
        input = _taken(input, dim, [(i - shift) % size for i in range(size)])
    return input.clone()


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    for _ in range(k % 4):
        input = flip(transpose(input, *dims), dims[0])
    return input


def repeat(self: Tensor, *repeats: object) -> Tensor:
    repeats = spread(repeats)
    if len(repeats) < self.dim():
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
        )
    shape = (1,) * (len(repeats) - self.dim()) + tuple(self.shape)
    doubled = [size for pair in zip(repeats, shape, strict=True) for size in pair]
    apart = view(contiguous(self), [size for each in shape for size in (1, each)])
    result = [count * size for count, size in zip(repeats, shape, strict=True)]
    return make(expand(apart, doubled)._values(), result, self.dtype, None, 0, self)


tile = repeat


def repeat_interleave(input: Tensor, repeats: object, dim: int | None = None) -> Tensor:
    if dim is None:
        input, dim = flatten(input), 0
    dim = wrap_dim(dim, input.dim())
    counts = repeats.tolist() if isinstance(repeats, Tensor) else repeats
    counts = [counts] * input.shape[dim] if isinstance(counts, int) else counts
    if len(counts) != input.shape[dim]:
        raise RuntimeError("repeats must have the same size as input along dim")
    return _taken(input, dim, [i for i, count in enumerate(counts) for _ in range(count)])


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    dim = wrap_dim(dim, input.dim())
    for each in index._values():
        if not 0 <= each < input.shape[dim]:
            raise IndexError("index out of range in self")
    return input[(slice(None),) * dim + (index,)]


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    input, mask = broadcast_tensors(input, mask)
    return input[mask]


def take_along_dim(input: Tensor, indices: Tensor, dim: int) -> Tensor:
    return gather(input, dim, indices)


def _gathered(index: Tensor, dim: int, size: int) -> tuple:
    """An index for each dimension, where one of them is looked up."""
    dim = wrap_dim(dim, index.dim())
    for each in index._values():
        if not 0 <= each < size:
            raise RuntimeError(f"index {each} is out of bounds for dimension {dim} with size {size}")
    axes = [view(arange(n), [-1 if i == axis else 1 for i in range(index.dim())]) for axis, n in enumerate(index.shape)]
    axes[dim] = index
    return tuple(axes)


def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    return input[_gathered(index, dim, input.size(dim))]


def scatter_(self: Tensor, dim: int, index: Tensor, src: object) -> Tensor:
    keys = _gathered(index, dim, self.size(dim))
    self[keys] = src[tuple(map(slice, index.shape))] if isinstance(src, Tensor) else src
    return self


def scatter(input: Tensor, dim: int, index: Tensor, src: object) -> Tensor:
    return scatter_(input.clone(), dim, index, src)


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError("torch.cat(): expected a non-empty list of Tensors")
    for number, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(
                f"expected Tensor as element {number} in argument 0, but got {each.__class__.__name__}"
            )
        if not each.shape:
            raise RuntimeError(f"zero-dimensional tensor (at position {number}) cannot be concatenated")
    kind = result_type(*(each for each in tensors))
    parts = [each for each in tensors if each.shape != (0,)] or tensors[:1]
    first, dim = parts[0], wrap_dim(dim, parts[0].dim())
    for number, each in enumerate(parts):
        if each.dim() != first.dim():
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {first.dim()} and {each.dim()}"
            )
        for axis, (size, other) in enumerate(zip(first.shape, each.shape, strict=True)):
            if axis != dim and size != other:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {size} but got size {other} "
                    f"for tensor number {number} in the list."
                )
    before, after = first.shape[:dim], math.prod(first.shape[dim + 1 :])
    columns = [(each._values(), each.shape[dim] * after) for each in parts]
    values = [
        value for i in range(math.prod(before)) for entries, length in columns for value in entries[i * length : (i + 1) * length]
    ]
    return computed(values, (*before, sum(each.shape[dim] for each in parts), *first.shape[dim + 1 :]), kind, *parts)


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    for number, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(f"expected Tensor as element {number} in argument 0, but got {each.__class__.__name__}")
        if each.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and "
                f"{list(each.shape)} at entry {number}"
            )
    return cat([unsqueeze(each, dim) for each in tensors], wrap_dim(dim, tensors[0].dim() + 1))


def meshgrid(*tensors: object, indexing: str = "ij") -> tuple:
    tensors = tensors[0] if isinstance(tensors[0], (list, tuple)) else tensors
    if indexing == "xy":
        raise NotHere("`meshgrid` with indexing='xy'")
    axes = [view(each, [-1 if i == axis else 1 for i in range(len(tensors))]) for axis, each in enumerate(tensors)]
    return broadcast_tensors(*axes)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    if len(tensors) == 1:
        return tensors[0]
    return stack([flatten(each) for each in meshgrid(*tensors)], dim=1)


def _triangle(input: Tensor, keep: Callable) -> Tensor:
    rows, columns = (view(arange(size), (-1, 1) if axis == 0 else (-1,)) for axis, size in enumerate(input.shape[-2:]))
    return input * keep(columns - rows).to(input.dtype) if input.dtype is not bool_ else input & keep(columns - rows)


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    return _triangle(input, lambda right: right <= diagonal)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    return _triangle(input, lambda right: right >= diagonal)


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    if input.dim() == 2:
        return _diagonal(input, diagonal).clone()
    size = len(input) + abs(diagonal)
    result = zeros(size, size, dtype=input.dtype)
    _diagonal(result, diagonal)[:] = input
    return result


_diagonal = diagonal


# --- writing ------------------------------------------------------------------------------------------------------


def copy_(self: Tensor, src: object, non_blocking: bool = False) -> Tensor:
    self[...] = src
    return self


def fill_(self: Tensor, value: object) -> Tensor:
    return copy_(self, as_operand(value).item())


def zero_(self: Tensor) -> Tensor:
    return fill_(self, 0)


def index_fill_(self: Tensor, dim: int, index: Tensor, value: Number) -> Tensor:
    self[(slice(None),) * wrap_dim(dim, self.dim()) + (index,)] = value
    return self


def index_copy_(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    self[(slice(None),) * wrap_dim(dim, self.dim()) + (index,)] = source
    return self


def masked_fill_(self: Tensor, mask: Tensor, value: object) -> Tensor:
    return self._in_place(self.masked_fill(mask, value))
