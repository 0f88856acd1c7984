"""The tensor: numbers in a list, and a shape, strides and an offset that say how to read them.

A view is a second tensor over the same list, so that what is written into one shows in the other.
"""

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence

from .dtypes import NotHere, Number, bool_, dtype, float32, float64, int64, promote, uint8

Shape = tuple[int, ...]


class Size(tuple):
    """A shape."""

    def numel(self) -> int:
        return math.prod(self)

    def __getitem__(self, key: int | slice) -> "int | Size":
        found = tuple.__getitem__(self, key)
        return Size(found) if isinstance(key, slice) else found

    def __add__(self, other: tuple) -> "Size":
        return Size(tuple(self) + tuple(other))

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"


class device:  # noqa: N801 - PyTorch's name
    """There is one: the CPU."""

    def __init__(self, name: "str | device") -> None:
        self.type, self.index = str(name), None
        if self.type != "cpu":
            raise NotHere(f"device {self.type!r}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device)

    def __hash__(self) -> int:
        return hash("cpu")

    def __str__(self) -> str:
        return "cpu"

    def __repr__(self) -> str:
        return "device(type='cpu')"


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

        return within


def contiguous_strides(shape: Shape) -> Shape:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def positions(shape: Shape, strides: Shape, offset: int = 0) -> list[int]:
    """Where the entries stand in the storage, in the order of the indices."""
    found = [offset]
    for size, stride in zip(shape, strides, strict=True):
        steps = [i * stride for i in range(size)]
        found = [place + step for place in found for step in steps]
    return found


def make(
    storage: list, shape: Iterable[int], kind: dtype, strides: Shape | None = None, offset: int = 0, *parents: object
) -> "Tensor":
    """A tensor over a list, whose numbers are of the dtype; it requires gradients if one of its parents does."""
    tensor = object.__new__(Tensor)
    tensor._set(storage, Size(shape), kind, strides, offset)
    if Gradients.enabled and kind.kind == 2:
        tensor.requires_grad = any(isinstance(parent, Tensor) and parent.requires_grad for parent in parents)
        tensor.is_leaf = not tensor.requires_grad
    return tensor


def computed(values: Iterable[Number], shape: Iterable[int], kind: dtype, *parents: object) -> "Tensor":
    """A tensor of its own, of numbers that are first made to fit the dtype."""
    return make(kind.fit(values), shape, kind, None, 0, *parents)


class Tensor:
    """See the modules of this folder for what it can do; each function there says what it is for."""

    grad = None
    is_meta = is_cuda = False
    __array_priority__ = 1000

    def __new__(cls, *arguments: object, **options: object) -> "Tensor":
        raise NotHere("`torch.Tensor(...)`; write torch.tensor or torch.zeros, or")

    def _set(self, storage: list, shape: Size, kind: dtype, strides: Shape | None, offset: int) -> None:
        self._storage, self.shape, self.dtype, self._offset = storage, shape, kind, offset
        self._strides = contiguous_strides(shape) if strides is None else strides
        self.requires_grad, self.is_leaf, self._base = False, True, None

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(f"'Tensor' object has no attribute {name!r}")
        raise NotHere(f"`{name}` of a tensor")

    # What it is ---------------------------------------------------------------------------------------------------

    def dim(self) -> int:
        return len(self.shape)

    ndim = property(dim)
    ndimension = dim

    def size(self, dim: int | None = None) -> Size | int:
        return self.shape if dim is None else self.shape[wrap_dim(dim, self.dim())]

    def stride(self, dim: int | None = None) -> Shape | int:
        return self._strides if dim is None else self._strides[wrap_dim(dim, self.dim())]

    def numel(self) -> int:
        return self.shape.numel()

    nelement = numel

    def storage_offset(self) -> int:
        return self._offset

    def element_size(self) -> int:
        return self.dtype.itemsize

    itemsize = property(element_size)

    def data_ptr(self) -> int:
        return id(self._storage) + self._offset * self.dtype.itemsize

    def is_contiguous(self) -> bool:
        axes = [
            (stride, right)
            for size, stride, right in zip(self.shape, self._strides, contiguous_strides(self.shape), strict=True)
            if size != 1
        ]
        return self.numel() == 0 or all(stride == right for stride, right in axes)

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return False

    @property
    def device(self) -> device:
        return device("cpu")

    # What it holds ------------------------------------------------------------------------------------------------

    def _places(self) -> list[int] | range:
        if self.is_contiguous():
            return range(self._offset, self._offset + self.numel())
        return positions(self.shape, self._strides, self._offset)

    def _values(self) -> list:
        """The numbers in the order of the indices."""
        if self.is_contiguous():
            return self._storage[self._offset : self._offset + self.numel()]
        storage = self._storage
        return [storage[place] for place in positions(self.shape, self._strides, self._offset)]

    def _write(self, places: Iterable[int], values: Iterable[Number]) -> None:
        storage = self._storage
        for place, value in zip(places, self.dtype.fit(values), strict=True):
            storage[place] = value

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

    def __round__(self, digits: int = 0) -> "Tensor":
        return self.round(decimals=digits)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator["Tensor"]:
        if not self.shape:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(self.shape[0])])

    def __contains__(self, value: object) -> bool:
        return bool((self == value).any())

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

        plain = self.dtype in (bool_, int64, float32)
        grad = ", requires_grad=True" if self.requires_grad else ""
        return f"tensor({shown(self.tolist())}{'' if plain else f', dtype={self.dtype!r}'}{grad})"

    def __deepcopy__(self, memo: dict) -> "Tensor":
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment."
            )
        twin = object.__new__(type(self))
        twin._set(list(self._values()), self.shape, self.dtype, None, 0)
        twin.requires_grad = self.requires_grad
        memo[id(self)] = twin
        return twin

    # Gradients are known of, not computed -------------------------------------------------------------------------

    def requires_grad_(self, requires_grad: bool = True) -> "Tensor":
        if not self.is_leaf and not requires_grad:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
                "a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        if requires_grad and self.dtype.kind != 2:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        self.requires_grad = requires_grad
        return self

    def detach(self) -> "Tensor":
        """A view that requires no gradients."""
        return make(self._storage, self.shape, self.dtype, self._strides, self._offset)

    @property
    def data(self) -> "Tensor":
        return self.detach()

    @data.setter
    def data(self, other: "Tensor") -> None:
        self._storage, self.shape, self.dtype = other._storage, other.shape, other.dtype
        self._strides, self._offset = other._strides, other._offset

    def _check_writable(self) -> None:
        if not Gradients.enabled:
            return
        if self.requires_grad and self.is_leaf:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        if self._base is not None and self._base.requires_grad and self._base.is_leaf:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")

    # Views --------------------------------------------------------------------------------------------------------

    def _view(self, shape: Sequence[int], strides: Sequence[int], offset: int | None = None) -> "Tensor":
        """Another way to read the same list."""
        offset = self._offset if offset is None else offset
        found = make(self._storage, shape, self.dtype, tuple(strides), offset, self)
        found._base = self if self._base is None else self._base
        return found

    def __getitem__(self, key: object) -> "Tensor":
        view, places, shape = self._locate(key)
        if places is None:
            return view
        storage = self._storage
        return make([storage[place] for place in places], shape, self.dtype, None, 0, self)

    def __setitem__(self, key: object, value: object) -> None:
        self._check_writable()
        view, places, shape = self._locate(key)
        value = as_operand(value, self.dtype)
        while value.dim() > len(shape) and value.shape[0] == 1:
            value = value[0]
        if places is not None and not _stretches(value.shape, shape):
            raise RuntimeError(
                f"shape mismatch: value tensor of shape {list(value.shape)} cannot be broadcast to indexing result of "
                f"shape {list(shape)}"
            )
        self._write(view._places() if places is None else places, value.expand(*shape)._values())

    def _locate(self, key: object) -> "tuple[Tensor, list[int] | None, Shape]":
        """What an index means: a view; or places in the storage, in the order of a shape."""
        keys = list(key) if isinstance(key, tuple) else [key]
        keys = [_as_index(each) for each in keys]
        taken = sum(map(_dimensions, keys))
        if taken > self.dim():
            if not self.shape:
                raise IndexError(
                    "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to "
                    "convert a 0-dim tensor to a number"
                )
            raise IndexError(f"too many indices for tensor of dimension {self.dim()}")
        if not any(each is Ellipsis for each in keys):
            keys.append(Ellipsis)
        at = next(i for i, each in enumerate(keys) if each is Ellipsis)
        keys[at : at + 1] = [slice(None)] * (self.dim() - taken)
        keys = [slice(None) if each is Ellipsis else each for each in keys]

        shape, strides, offset, axis = [], [], self._offset, 0
        looked_up: dict[int, Tensor] = {}  # by dimension of the view
        for each in keys:
            if each is None or isinstance(each, bool):
                if each is not None:
                    looked_up[len(shape)] = make(list(range(int(each))), (int(each),), int64)
                shape.append(1)
                strides.append(0)
                continue
            if _is_mask(each):
                for dim, size in enumerate(each.shape):
                    if size != self.shape[axis + dim]:
                        raise IndexError(
                            f"The shape of the mask {list(each.shape)} at index {dim} does not match the shape of the "
                            f"indexed tensor {list(self.shape)} at index {axis + dim}"
                        )
                chosen = list(itertools.compress(itertools.product(*map(range, each.shape)), each._values()))
                for dim in range(each.dim()):
                    looked_up[len(shape)] = make([place[dim] for place in chosen], (len(chosen),), int64)
                    shape.append(self.shape[axis])
                    strides.append(self._strides[axis])
                    axis += 1
                continue
            size, stride = self.shape[axis], self._strides[axis]
            if isinstance(each, Tensor):
                looked_up[len(shape)] = each
                shape.append(size)
                strides.append(stride)
            elif isinstance(each, slice):
                start, stop, step = each.indices(size)
                if each.step is not None and operator.index(each.step) <= 0:
                    raise ValueError("step must be greater than zero")
                shape.append(len(range(start, stop, step)))
                strides.append(stride * step)
                offset += start * stride if shape[-1] else 0
            else:
                if not -size <= each < size:
                    raise IndexError(f"index {each} is out of bounds for dimension {axis} with size {size}")
                offset += each % size * stride
            axis += 1
        view = self._view(shape, strides, offset)
        return (view, None, view.shape) if not looked_up else (view, *_look_up(view, looked_up))

    # Between tensors, element by element ----------------------------------------------------------------------------

    def _in_place(self, result: "Tensor") -> "Tensor":
        """Write a result over this tensor."""
        self._check_writable()
        if result.dtype.kind > self.dtype.kind:
            raise RuntimeError(
                f"result type {result.dtype.spoken} can't be cast to the desired output type {self.dtype.spoken}"
            )
        if result.shape != self.shape:
            raise RuntimeError(
                f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(result.shape)}"
            )
        self._write(self._places(), result._values())
        return self


def _dimensions(key: object) -> int:
    """How many dimensions an entry of an index takes."""
    if key is None or key is Ellipsis or isinstance(key, bool):
        return 0
    return key.dim() if _is_mask(key) else 1


def _is_mask(key: object) -> bool:
    return isinstance(key, Tensor) and key.dtype in (bool_, uint8)


def _as_index(key: object) -> object:
    """An entry of an index: an int, a slice, None, an Ellipsis, a bool, or a tensor of at least one dimension."""
    if isinstance(key, (list, tuple, range)):
        key = tensor(list(key)) if len(key) else make([], (0,), int64)
    if isinstance(key, slice):
        return slice(*(None if end is None else operator.index(end) for end in (key.start, key.stop, key.step)))
    if isinstance(key, Tensor):
        if key.dtype.kind == 2:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        if key.shape:
            return key
        return bool(key) if key.dtype is bool_ else int(key)
    if key is None or key is Ellipsis or isinstance(key, bool):
        return key
    if not hasattr(type(key), "__index__"):
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
            f"(got {type(key).__name__})"
        )
    return operator.index(key)


def _look_up(view: Tensor, looked_up: dict[int, Tensor]) -> tuple[list[int], Shape]:
    """Places and shape where some dimensions of a view are indexed by tensors."""
    try:
        common = broadcast_shapes(*(index.shape for index in looked_up.values()))
    except RuntimeError:
        shapes = ", ".join(str(list(index.shape)) for index in looked_up.values())
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from None
    steps = [0] * math.prod(common)
    for dim, index in looked_up.items():
        size, stride = view.shape[dim], view._strides[dim]
        for place, each in enumerate(index.expand(*common)._values()):
            if not -size <= each < size:
                raise IndexError(f"index {each} is out of bounds for dimension {dim} with size {size}")
            steps[place] += each % size * stride
    dims = list(looked_up)
    kept = [dim for dim in range(view.dim()) if dim not in looked_up]
    together = dims == list(range(dims[0], dims[0] + len(dims)))
    before = [dim for dim in kept if dim < dims[0]] if together else []
    after = [dim for dim in kept if dim not in before]

    def walk(axes: list[int]) -> list[int]:
        return positions([view.shape[dim] for dim in axes], [view._strides[dim] for dim in axes])

    left, right = walk(before), walk(after)
    places = [view._offset + first + step + last for first in left for step in steps for last in right]
    return places, (*(view.shape[dim] for dim in before), *common, *(view.shape[dim] for dim in after))


def wrap_dim(dim: int, dims: int) -> int:
    """A dimension counted from the front."""
    dim, reach = operator.index(dim), max(dims, 1)
    if not -reach <= dim < reach:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-reach}, {reach - 1}], but got {dim})")
    return dim % reach


def spread(arguments: Sequence) -> tuple:
    """``(2, 3)`` of both ``f(2, 3)`` and ``f((2, 3))``."""
    if len(arguments) == 1 and isinstance(arguments[0], (tuple, list)):
        arguments = arguments[0]
    for argument in arguments:
        if isinstance(argument, (float, str)) or argument is None:
            raise TypeError(f"expected integers, got {type(argument).__name__}")
    return tuple(int(argument) for argument in arguments)


def broadcast_shapes(*shapes: Shape) -> Size:
    """The shape to which all are stretched."""
    dims = max(map(len, shapes), default=0)
    result = [1] * dims
    for shape in shapes:
        for i, size in enumerate(shape, start=dims - len(shape)):
            if size != 1 and result[i] not in (1, size):
                raise RuntimeError(
                    f"The size of tensor a ({result[i]}) must match the size of tensor b ({size}) at non-singleton "
                    f"dimension {i}"
                )
            result[i] = result[i] if size == 1 else size
    return Size(result)


def _stretches(shape: Shape, target: Shape) -> bool:
    ends = zip(reversed(shape), reversed(target), strict=False)
    return len(shape) <= len(target) and all(size in (1, goal) for size, goal in ends)


def result_type(*operands: object) -> dtype:
    """The dtype of a result: numbers and tensors without dimensions count only by their kind."""
    found: dtype | None = None
    groups: tuple[list[dtype], ...] = ([], [], [])
    for operand in operands:
        if isinstance(operand, Tensor):
            groups[0 if operand.shape else 1].append(operand.dtype)
        else:
            groups[2].append(dtype_of(operand))
    for group in groups:
        for kind in group:
            if found is None or group is groups[0] or kind.kind > found.kind:
                found = kind if found is None else promote(found, kind)
            elif group is groups[1] and not groups[0]:
                found = promote(found, kind)
    return found or float32


def dtype_of(number: object) -> dtype:
    if isinstance(number, bool):
        return bool_
    return int64 if isinstance(number, int) else float32


def as_operand(value: object, kind: dtype | None = None) -> Tensor:
    """A tensor, of a tensor or a number."""
    if isinstance(value, Tensor):
        return value
    kind = dtype_of(value) if kind is None else kind
    if not isinstance(value, (bool, int, float)):
        raise TypeError(f"expected a tensor or a number, got {type(value).__name__}")
    return computed([value], (), kind)


def elementwise(function: Callable, kind: dtype, *operands: object, within: dtype | None = None) -> Tensor:
    """Call a function with the entries that stand at the same place, once all shapes are stretched to one.

    Args:
        function: takes as many numbers as there are operands.
        kind: dtype of the result.
        *operands: tensors and numbers.
        within: dtype to which the numbers are brought first; their own if it is None.
    """
    tensors = [as_operand(operand, within) for operand in operands]
    shape = broadcast_shapes(*(each.shape for each in tensors))
    columns = []
    for each in tensors:
        values = (each if each.shape == shape else each.expand(*shape))._values()
        columns.append(values if within is None or each.dtype is within else within.fit(values))
    return computed(map(function, *columns), shape, kind, *operands)


def tensor(
    data: object, *, dtype: dtype | None = None, device: object = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of nested lists, of numbers, or of another tensor."""
    if isinstance(data, Tensor):
        made = computed(data._values(), data.shape, dtype or data.dtype)
        return made.requires_grad_(requires_grad)
    shape, values = [], [data]
    while values and (isinstance(values[0], (list, tuple, range)) or (isinstance(values[0], Tensor) and values[0].shape)):
        size = len(values[0])
        for each in values:
            if not isinstance(each, (list, tuple, range, Tensor)) or len(each) != size:
                got = len(each) if isinstance(each, (list, tuple, range)) else 0
                raise ValueError(f"expected sequence of length {size} at dim {len(shape) + 1} (got {got})")
        shape.append(size)
        values = [entry for each in values for entry in each]
    kinds = [each.dtype if isinstance(each, Tensor) else dtype_of(each) for each in values]
    values = [each.item() if isinstance(each, Tensor) else each for each in values]
    for each in values:
        if not isinstance(each, (bool, int, float)):
            if isinstance(each, (str, dict, set)) or each is None:
                raise TypeError(f"new(): invalid data type {type(each).__name__!r}")
            raise NotHere(f"tensor of {type(each).__name__}")
    kind = dtype or (max(kinds, key=lambda each: (each.kind, each is float64)) if kinds else float32)
    return computed(values, shape, kind).requires_grad_(requires_grad)
