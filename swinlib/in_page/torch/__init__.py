"""A small torch in pure Python, for the exercises that are answered in a page.

`dtypes` rounds numbers, `tensor` holds them and indexes, `operators` computes, `shaping` moves entries about, `random`
draws, `nn` has the modules. What PyTorch has and this has not raises `NotHere`, which says so; no verdict is reached
on code that needs it.
"""

from collections.abc import Callable
from types import ModuleType

from . import operators, random, shaping
from .dtypes import NotHere, float16, float32, float64, int32, int64, uint8
from .dtypes import bool_ as bool
from .dtypes import dtype as dtype
from .dtypes import finfo as finfo
from .random import Generator, default_generator, initial_seed, manual_seed
from .tensor import Gradients, Size, Tensor, broadcast_shapes, device, result_type, tensor

inf, nan, pi, newaxis = operators.inf, operators.nan, operators.math.pi, None
long, float, double, half, int = int64, float32, float64, float16, int32
contiguous_format = preserve_format = "memory format"


def no_grad() -> Gradients:
    return Gradients(False)


def enable_grad() -> Gradients:
    return Gradients(True)


def inference_mode(mode: object = True) -> Gradients:
    return Gradients(Gradients.enabled and not mode)


def is_grad_enabled() -> object:
    return Gradients.enabled


def is_tensor(obj: object) -> object:
    return isinstance(obj, Tensor)


def numel(input: Tensor) -> object:
    return input.numel()


def offered(function: Callable) -> Callable:
    """A function that says of an option that it does not know that it is not here."""
    code = function.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    open_ended = code.co_flags & 8

    def call(*arguments: object, **options: object) -> object:
        if options and not open_ended:
            for name in options:
                if name not in known:
                    raise NotHere(f"`{name}` of `{function.__name__}`")
        return function(*arguments, **options)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    return call


def _public(module: ModuleType) -> dict[str, Callable]:
    """The functions of a module that are PyTorch's, under all their names."""
    return {
        name: value
        for name, value in vars(module).items()
        if hasattr(value, "__code__") and not name.startswith("_") and name not in _HELPERS
    }


_HELPERS = {"add_", "sub_", "lines", "reduced", "cumulative", "matrix_transposed"}
_NOT_METHODS = {"arange", "linspace", "eye", "full", "zeros", "ones", "empty", "tensor", "einsum", "cat", "stack"}
_NOT_FUNCTIONS = {"to", "view", "expand", "repeat", "contiguous", "cpu", "type_as", "view_as", "expand_as", "unfold"}

for _module in (operators, shaping, random):
    for _name, _function in _public(_module).items():
        if _function.__module__ == _module.__name__:
            _function = offered(_function)
            if _name not in _NOT_METHODS:
                setattr(Tensor, _name, _function)
            if _name not in _NOT_FUNCTIONS:
                globals()[_name] = _function

for _name, _kind in shaping.CASTS.items():
    setattr(Tensor, _name, (lambda kind: lambda self: shaping.to(self, kind))(_kind))

for _name in ("add", "sub", "mul", "div", "clamp", "exp", "sqrt", "neg", "abs", "erfinv", "pow", "round", "floor"):
    setattr(Tensor, f"{_name}_", (lambda function: lambda self, *a, **o: self._in_place(function(self, *a, **o)))(
        getattr(operators, _name)
    ))

Tensor.T = property(lambda self: shaping.permute(self, list(reversed(range(self.dim())))))
Tensor.mT = property(shaping.matrix_transposed)

from . import nn  # noqa: E402


def __getattr__(name: str) -> object:
    if name.startswith("_"):
        raise AttributeError(f"module 'torch' has no attribute {name!r}")
    raise NotHere(f"`torch.{name}`")
