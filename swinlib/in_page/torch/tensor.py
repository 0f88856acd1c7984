"""The tensor: numbers in a list, and a shape, strides and an offset that say how to read them.

A view is a second tensor over the same list, so that what is written into one shows in the other.
"""

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence

from .dtypes import ORDER, NotHere, Number, attribute_lacking, bfloat16, bool_, dtype, float16, float32, float64, int64

from .dtypes import uint8  # isort: skip

Shape = Sequence[int]


class Size(tuple):
    """A shape."""

    def numel(self) -> int:
        count = 1
        for size in self:
            count *= size
        return count

    def __getitem__(self, key: int | slice) -> "int | Size":
        try:
            found = tuple.__getitem__(self, key)
        except IndexError:  # of which some interpreters say that it is a Size's
            raise IndexError("tuple index out of range") from None
        return Size(found) if isinstance(key, slice) else found

    def __add__(self, other: tuple) -> "Size":
        return Size(tuple(self) + tuple(other))

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"


class device:  # noqa: N801 - PyTorch's name
    """There is one: the CPU."""

    type, index = "cpu", None

    def __init__(self, name: object) -> None:
        if str(name) != "cpu":
            raise NotHere(f"device {str(name)!r}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device)

    def __repr__(self) -> str:
        return "cpu"


class Gradients:
    """Whether results of what requires gradients require them; nothing is differentiated here.

    ``torch.no_grad()``, ``torch.enable_grad()``, ``torch.inference_mode()``: within it, or as a decorator.
    """

    enabled = True

    def __init__(self, enabled: bool) -> None:
        self.to = enabled

    def __enter__(self) -> None:
        self.before, Gradients.enabled = Gradients.enabled, self.to

    def __exit__(self, *_: object) -> None:
        Gradients.enabled = self.before

    def __call__(self, function: Callable) -> Callable:
        def within(*arguments: object, **options: object) -> object:
            with Gradients(self.to):
                return function(*arguments, **options)

        within.__wrapped__ = function
        return within


def contiguous_strides(shape: Shape) -> list[int]:
    strides, step = [1] * len(shape), 1
    for axis in range(len(shape) - 1, -1, -1):
        strides[axis], step = step, step * (shape[axis] or 1)
    return strides


def positions(shape: Shape, strides: Shape, offset: int = 0) -> list[int]:
    """Where the entries stand in the storage, in the order of the indices."""
    found = [offset]
    for size, stride in zip(shape, strides, strict=True):
        steps = [i * stride for i in range(size)]
        found = [place + step for place in found for step in steps]
    return found


def make(storage: list, shape: Shape, kind: dtype, *parents: object, strides: Shape | None = None, offset: int = 0):
    """A tensor over a list whose numbers are of the dtype; it requires gradients if one of its parents does."""
    tensor = object.__new__(Tensor)
    tensor._set(storage, shape, kind, strides, offset)
    if kind.kind == 2 and Gradients.enabled:
        tensor.requires_grad = any(isinstance(parent, Tensor) and parent.requires_grad for parent in parents)
        tensor.is_leaf = not tensor.requires_grad
    return tensor


def computed(values: Iterable[Number], shape: Shape, kind: dtype, *parents: object) -> "Tensor":
    """A tensor of its own, of numbers that are first made to fit the dtype."""
    return make(kind.fit(values), shape, kind, *parents)


class Tensor:
    """What all tensors have; `operators`, `shaping` and `random` add the methods that compute."""

    grad, is_meta, is_cuda, device, is_complex = None, False, False, device("cpu"), lambda self: False

    def __new__(cls, *arguments: object, **options: object) -> "Tensor":
        raise NotHere("`torch.Tensor(...)`, but torch.tensor and torch.zeros")

    def _set(self, storage: list, shape: Shape, kind: dtype, strides: Shape | None, offset: int) -> None:
        self._storage, self.shape, self.dtype, self._offset = storage, Size(shape), kind, offset
        self._strides = tuple(contiguous_strides(shape) if strides is None else strides)
        self.requires_grad, self.is_leaf, self._base = False, True, self

    __getattr__ = attribute_lacking

    # What it is ---------------------------------------------------------------------------------------------------

    def dim(self) -> int:
        return len(self.shape)

    ndim = property(dim)

    def size(self, dim: int | None = None) -> Size | int:
        return self.shape if dim is None else self.shape[wrap_dim(dim, self, numbers=False)]

    def stride(self, dim: int | None = None) -> Shape | int:
        return self._strides if dim is None else self._strides[wrap_dim(dim, self, numbers=False)]

    def numel(self) -> int:
        return self.shape.numel()

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_contiguous(self) -> bool:
        shape, strides, step = self.shape, self._strides, 1
        for axis in range(len(shape) - 1, -1, -1):
            if shape[axis] != 1 and strides[axis] != step:
                return 0 in shape
            step *= shape[axis]
        return True

    # What it holds ------------------------------------------------------------------------------------------------

    def _places(self) -> Sequence[int]:
        if self.is_contiguous():
            return range(self._offset, self._offset + self.numel())
        return positions(self.shape, self._strides, self._offset)

    def _values(self) -> list:
        """The numbers in the order of the indices."""
        if self.is_contiguous():
            return self._storage[self._offset : self._offset + self.numel()]
        return [self._storage[place] for place in self._places()]

    def _write(self, places: Iterable[int], values: Iterable[Number]) -> "Tensor":
        if Gradients.enabled and self._base.requires_grad and self._base.is_leaf:
            what = "a leaf Variable" if self._base is self else "a view of a leaf Variable"
            raise RuntimeError(f"{what} that requires grad is being used in an in-place operation.")
        for place, value in zip(places, self.dtype.fit(values), strict=True):
            self._storage[place] = value
        return self

    def tolist(self) -> list | Number:
        def nested(shape: Shape, values: list) -> list | Number:
            if not shape:
                return values[0]
            step = math.prod(shape[1:])
            return [nested(shape[1:], values[i * step : (i + 1) * step]) for i in range(shape[0])]

        return nested(self.shape, self._values())

    def item(self) -> Number:
        if self.numel() != 1:
            raise RuntimeError(f"a Tensor with {self.numel()} elements cannot be converted to Scalar")
        return self._values()[0]

    def __bool__(self) -> bool:
        if self.numel() != 1:
            many = "more than one value" if self.numel() else "no values"
            raise RuntimeError(f"Boolean value of Tensor with {many} is ambiguous")
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __index__(self) -> int:
        if self.numel() != 1 or self.dtype.kind == 2:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator["Tensor"]:
        if not self.shape:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(self.shape[0])])

    def __contains__(self, value: object) -> bool:
        return True in (self == value)._values()

    def __hash__(self) -> int:
        return id(self)

    def __format__(self, how: str) -> str:
        return format(self.item(), how) if not self.shape and how else format(str(self), how)

    def __repr__(self) -> str:
        def shown(value: object) -> str:
            if isinstance(value, list):
                return f"[{', '.join(map(shown, value))}]"
            if not isinstance(value, float) or not math.isfinite(value):
                return str(value)
            return f"{value:.0f}." if value == int(value) and abs(value) < 1e8 else f"{value:.4f}"

        kind = "" if self.dtype in (bool_, int64, float32) else f", dtype={self.dtype!r}"
        return f"tensor({shown(self.tolist())}{kind}{', requires_grad=True' if self.requires_grad else ''})"

    def __deepcopy__(self, memo: dict) -> "Tensor":
        memo[id(self)] = twin = object.__new__(type(self))
        twin._set(self._values(), self.shape, self.dtype, None, 0)
        return twin.requires_grad_(self.requires_grad)

    # Gradients are known of, not computed -------------------------------------------------------------------------

    def requires_grad_(self, requires_grad: bool = True) -> "Tensor":
        if requires_grad and self.dtype.kind != 2:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        self.requires_grad = requires_grad
        return self

    def detach(self) -> "Tensor":
        return make(self._storage, self.shape, self.dtype, strides=self._strides, offset=self._offset)

    data = property(detach)

    @data.setter
    def data(self, other: "Tensor") -> None:
        self._storage, self.shape, self.dtype = other._storage, other.shape, other.dtype
        self._strides, self._offset = other._strides, other._offset

    # Indexing -----------------------------------------------------------------------------------------------------

    def _view(self, shape: Shape, strides: Shape, offset: int | None = None) -> "Tensor":
        """Another way to read the same list."""
        offset = self._offset if offset is None else offset
        found = make(self._storage, shape, self.dtype, self, strides=strides, offset=offset)
        found._base = self._base
        return found

    def _axes(self, axes: Iterable[int]) -> "Tensor":
        """The view of some dimensions, in that order."""
        axes = list(axes)
        return self._view([self.shape[axis] for axis in axes], [self._strides[axis] for axis in axes])

    def __getitem__(self, key: object) -> "Tensor":
        view, places, shape = self._locate(key)
        return view if places is None else make([self._storage[place] for place in places], shape, self.dtype, self)

    def __setitem__(self, key: object, value: object) -> None:
        view, places, shape = self._locate(key)
        value = as_tensor(value, self.dtype)
        while value.dim() > len(shape) and value.shape[0] == 1:
            value = value[0]
        ends = zip(reversed(value.shape), reversed(shape), strict=False)
        if places is not None and (value.dim() > len(shape) or any(size not in (1, goal) for size, goal in ends)):
            of = f"value tensor of shape {list(value.shape)} cannot be broadcast to indexing result of shape"
            raise RuntimeError(f"shape mismatch: {of} {list(shape)}")
        self._write(view._places() if places is None else places, value.expand(*shape)._values())

    def _locate(self, key: object) -> "tuple[Tensor, list[int] | None, Shape]":
        """What an index means: a view; or places in the storage, in the order of a shape."""
        keys = [_index(each) for each in (key if isinstance(key, tuple) else (key,))]
        free = [each is None or each is Ellipsis or isinstance(each, bool) for each in keys]
        taken = sum(0 if f else each.dim() if _is_mask(each) else 1 for each, f in zip(keys, free, strict=True))
        if taken > self.dim():
            raise IndexError(f"too many indices for tensor of dimension {self.dim()}")
        at = next((i for i, each in enumerate(keys) if each is Ellipsis), len(keys))
        keys[at : at + 1] = [slice(None)] * (self.dim() - taken)
        view, axis, looked_up = self, 0, {}  # the axis of the view that comes next; tensors by axis
        for each in keys:
            shape, strides, offset = list(view.shape), list(view._strides), view._offset
            if each is None or isinstance(each, bool):
                view = view._view([*shape[:axis], 1, *shape[axis:]], [*strides[:axis], 0, *strides[axis:]])
                if each is not None:
                    looked_up[axis] = make([0] * each, (int(each),), int64)
            elif _is_mask(each):
                if each.shape != view.shape[axis : axis + each.dim()]:
                    wrong = next(i for i, n in enumerate(each.shape) if n != shape[axis + i])
                    raise IndexError(
                        f"The shape of the mask {list(each.shape)} at index {wrong} does not match the shape of the "
                        f"indexed tensor {shape} at index {axis + wrong}"
                    )
                looked_up |= dict(enumerate(each.nonzero(as_tuple=True), start=axis))
                axis += each.dim() - 1
            elif isinstance(each, Tensor):
                looked_up[axis] = each
            elif isinstance(each, slice):
                start, stop, step = each.indices(shape[axis])
                if step < 0 or each.step == 0:
                    raise ValueError("step must be greater than zero")
                shape[axis], strides[axis] = len(range(start, stop, step)), strides[axis] * step
                view = view._view(shape, strides, offset + start * view._strides[axis] * (shape[axis] > 0))
            else:
                size, stride = shape.pop(axis), strides.pop(axis)
                if not -size <= each < size:
                    raise IndexError(f"index {each} is out of bounds for dimension {axis} with size {size}")
                view, axis = view._view(shape, strides, offset + each % size * stride), axis - 1
            axis += 1
        return (view, None, view.shape) if not looked_up else (view, *_look_up(view, looked_up))

    def _in_place(self, result: "Tensor") -> "Tensor":
        """Write a result over this tensor."""
        if result.shape != self.shape:
            shapes = f"shape {list(self.shape)} doesn't match the broadcast shape {list(result.shape)}"
            raise RuntimeError(f"output with {shapes}")
        if result.dtype.kind > self.dtype.kind:
            to = f"can't be cast to the desired output type {self.dtype.spoken}"
            raise RuntimeError(f"result type {result.dtype.spoken} {to}")
        return self._write(self._places(), result._values())


def _is_mask(key: object) -> bool:
    return isinstance(key, Tensor) and key.dtype in (bool_, uint8) and key.dim() > 0


def _index(key: object) -> object:
    """An entry of an index: an int, a slice, None, an Ellipsis, a bool, or a tensor of at least one dimension."""
    if isinstance(key, (list, tuple, range)):
        key = tensor(list(key), dtype=None if len(key) else int64)
    if isinstance(key, Tensor):
        if key.dtype.kind == 2:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        return key if key.shape else key.item()
    if key is None or key is Ellipsis or isinstance(key, (bool, slice)):
        return key
    if not hasattr(type(key), "__index__"):
        valid = "integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices"
        raise IndexError(f"only {valid} (got {type(key).__name__})")
    return operator.index(key)


def _look_up(view: Tensor, looked_up: dict[int, Tensor]) -> tuple[list[int], Shape]:
    """Places and shape where some dimensions of a view are indexed by tensors."""
    try:
        common = broadcast_shapes(*(index.shape for index in looked_up.values()))
    except RuntimeError:
        shapes = ", ".join(str(list(index.shape)) for index in looked_up.values())
        said = f"indexing tensors could not be broadcast together with shapes {shapes}"
        raise IndexError(f"shape mismatch: {said}") from None
    dims = list(looked_up)
    kept = [dim for dim in range(view.dim()) if dim not in looked_up]
    before = [dim for dim in kept if dim < dims[0]] if dims == list(range(dims[0], dims[0] + len(dims))) else []
    left, right = view._axes(before), view._axes(dim for dim in kept if dim not in before)
    steps = [0] * common.numel()
    for dim, index in looked_up.items() if left.numel() * right.numel() else ():
        size, stride = view.shape[dim], view._strides[dim]
        for place, each in enumerate(index.expand(*common)._values()):
            if not -size <= each < size:
                raise IndexError(f"index {each} is out of bounds for dimension {dim} with size {size}")
            steps[place] += each % size * stride
    behind = positions(right.shape, right._strides)
    places = [first + step + last for first in left._places() for step in steps for last in behind]
    return places, left.shape + common + right.shape


def wrap_dim(dim: int, of: Tensor | int, numbers: bool = True) -> int:
    """A dimension counted from the front; that of a tensor without any may be 0 or -1 all the same."""
    dims = of if isinstance(of, int) else of.dim()
    if not dims and not numbers:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    dim, reach = operator.index(dim), max(dims, 1)
    if not -reach <= dim < reach:
        raise IndexError(f"Dimension out of range (expected to be in range of [-{reach}, {reach - 1}], but got {dim})")
    return dim % reach


def spread(arguments: Sequence) -> tuple[int, ...]:
    """``(2, 3)`` of both ``f(2, 3)`` and ``f((2, 3))``."""
    if len(arguments) == 1 and isinstance(arguments[0], (tuple, list)):
        arguments = arguments[0]
    return tuple(map(operator.index, arguments))


def broadcast_shapes(*shapes: Shape) -> Size:
    """The shape to which all are stretched."""
    result = [1] * max(map(len, shapes), default=0)
    for shape in shapes:
        for i in range(-1, -len(shape) - 1, -1):
            if shape[i] != 1 and result[i] not in (1, shape[i]):
                sizes = f"tensor a ({result[i]}) must match the size of tensor b ({shape[i]})"
                raise RuntimeError(f"The size of {sizes} at non-singleton dimension {len(result) + i}")
            result[i] = result[i] if shape[i] == 1 else shape[i]
    return Size(result)


def dtype_of(number: object) -> dtype:
    if not isinstance(number, (bool, int, float)):
        raise TypeError(f"expected a number or a tensor, got {type(number).__name__}")
    return bool_ if isinstance(number, bool) else int64 if isinstance(number, int) else float32


def result_type(*operands: object) -> dtype:
    """The dtype of a result: tensors without dimensions, and numbers, count only if they are of a higher kind."""
    found = bool_
    groups: dict[int, list[dtype]] = {0: [], 1: [], 2: []}
    for each in operands:
        group = 2 if not isinstance(each, Tensor) else 0 if each.shape else 1
        groups[group].append(each.dtype if group < 2 else dtype_of(each))
    for group in filter(None, groups.values()):
        both = float16 in group and bfloat16 in group  # neither holds the numbers of the other
        highest = max([*group, float32] if both else group, key=ORDER.index)
        found = highest if highest.kind > found.kind or found is bool_ else found
    return found


def as_tensor(data: object, dtype: dtype | None = None, device: object = None) -> Tensor:
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return tensor(data, dtype=dtype)


def elementwise(function: Callable, kind: dtype, *operands: object, within: dtype | None = None) -> Tensor:
    """Call a function with the entries that stand at the same place, once all shapes are stretched to one.

    Args:
        function: takes as many numbers as there are operands.
        kind: dtype of the result.
        *operands: tensors and numbers.
        within: dtype to which the numbers are brought first; their own if it is None.
    """
    tensors = [
        each if isinstance(each, Tensor) else computed([each], (), within or dtype_of(each)) for each in operands
    ]
    shape = broadcast_shapes(*(each.shape for each in tensors))
    columns = []
    for each in tensors:
        values = (each if each.shape == shape else each.expand(*shape))._values()
        columns.append(values if within is None or each.dtype is within else within.fit(values))
    return computed(map(function, *columns), shape, kind, *operands)


def tensor(data: object, *, dtype: dtype | None = None, device: object = None, requires_grad: bool = False) -> Tensor:
    """A tensor of nested lists, of numbers, or of another tensor."""
    if isinstance(data, Tensor):
        return computed(data._values(), data.shape, dtype or data.dtype).requires_grad_(requires_grad)
    shape, values = [], [data]
    while values and isinstance(values[0], (list, tuple, range, Tensor)) and getattr(values[0], "shape", True):
        size = len(values[0])
        for each in values:
            if not isinstance(each, (list, tuple, range, Tensor)) or len(each) != size:
                got = len(each) if hasattr(each, "__len__") else 0
                raise ValueError(f"expected sequence of length {size} at dim {len(shape)} (got {got})")
        shape.append(size)
        values = [entry for each in values for entry in each]
    kinds = [each.dtype if isinstance(each, Tensor) else dtype_of(each) for each in values]
    kind = dtype or max(kinds, key=lambda each: (each.kind, each is float64), default=float32)
    numbers = [each.item() if isinstance(each, Tensor) else each for each in values]
    return computed(numbers, shape, kind).requires_grad_(requires_grad)
