"""A small torch in pure Python, for the exercises that are answered in a page.

`dtypes` rounds numbers, `tensor` holds them and indexes, `operators` computes, `shaping` moves entries about, `random`
draws, `nn` has the modules. What PyTorch has and this has not raises `NotHere`, which says so; no verdict is reached
on code that asks for it.
"""
# ruff: noqa: F401

from collections.abc import Callable

from . import operators, random, shaping
from .dtypes import NotHere, bfloat16, float16, float32, float64, int32, int64, lacking, uint8
from .dtypes import bool_ as bool
from .dtypes import dtype as dtype
from .dtypes import finfo as finfo
from .operators import FUNCTIONS, einsum, inf, nan
from .random import Generator, default_generator
from .tensor import Gradients, Size, Tensor, as_tensor, broadcast_shapes, device, result_type, tensor

pi, newaxis, long, float, double, half, int = operators.math.pi, None, int64, float32, float64, float16, int32
globals().update(FUNCTIONS)
manual_seed = default_generator.manual_seed
is_tensor, is_grad_enabled = lambda obj: isinstance(obj, Tensor), lambda: Gradients.enabled


class compiler:  # noqa: N801 - PyTorch's name
    """Nothing is traced here."""

    is_exporting = staticmethod(lambda: False)


class jit:  # noqa: N801 - PyTorch's name
    """Nor is it here."""

    is_tracing = staticmethod(lambda: False)


def no_grad(orig_func: Callable | None = None) -> Gradients | Callable:
    """Within ``with no_grad():``, below ``@no_grad()`` or ``@no_grad``."""
    return Gradients(False) if orig_func is None else Gradients(False)(orig_func)


def enable_grad(orig_func: Callable | None = None) -> Gradients | Callable:
    return Gradients(True) if orig_func is None else Gradients(True)(orig_func)


def inference_mode(mode: object = True) -> Gradients | Callable:
    return no_grad(mode) if callable(mode) else Gradients(Gradients.enabled and not mode)


__getattr__ = lacking("torch", "torch")

from . import nn  # noqa: E402
