"""A small torch in pure Python, for the exercises that are answered in a page.

`dtypes` rounds numbers, `tensor` holds them and indexes, `operators` computes, `shaping` moves entries about, `random`
draws, `nn` has the modules. What PyTorch has and this has not raises `NotHere`, which says so; no verdict is reached
on code that asks for it.
"""
# ruff: noqa: F401

from . import operators, random, shaping
from .dtypes import NotHere, bfloat16, float16, float32, float64, int32, int64, uint8
from .dtypes import bool_ as bool
from .dtypes import dtype as dtype
from .dtypes import finfo as finfo
from .operators import FUNCTIONS, einsum, inf, nan
from .random import Generator, default_generator
from .tensor import Gradients, Size, Tensor, as_tensor, broadcast_shapes, device, result_type, tensor

pi, newaxis, long, float, double, half, int = operators.math.pi, None, int64, float32, float64, float16, int32
globals().update(FUNCTIONS)
manual_seed, is_tensor = default_generator.manual_seed, lambda obj: isinstance(obj, Tensor)


class special:  # noqa: N801 - PyTorch's name
    """The normal distribution, and its inverse."""

    ndtr = staticmethod(operators.entrywise(lambda x: (1 + operators.math.erf(x / 2**0.5)) / 2, floats=True))
    ndtri = staticmethod(operators.entrywise(lambda p: operators._erfinv(2 * p - 1) * 2**0.5, floats=True))


class compiler:  # noqa: N801 - PyTorch's name
    """Nothing is traced here."""

    is_exporting = staticmethod(lambda: False)


class jit:  # noqa: N801 - PyTorch's name
    """Nor is it here."""

    is_tracing = staticmethod(lambda: False)


def no_grad() -> Gradients:
    return Gradients(False)


def enable_grad() -> Gradients:
    return Gradients(True)


def inference_mode(mode: object = True) -> Gradients:
    return Gradients(Gradients.enabled and not mode)


def is_grad_enabled() -> object:
    return Gradients.enabled


def __getattr__(name: str) -> object:
    if name.startswith("_"):
        raise AttributeError(f"module 'torch' has no attribute {name!r}")
    raise NotHere(f"`torch.{name}`")


from . import nn  # noqa: E402
