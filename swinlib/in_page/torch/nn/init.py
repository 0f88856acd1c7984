"""``torch.nn.init``: numbers for parameters, written in place."""

import math

from ..dtypes import lacking
from ..random import Generator
from ..tensor import Gradients, Tensor


def constant_(tensor: Tensor, val: float) -> Tensor:
    with Gradients(False):
        return tensor.fill_(val)


def zeros_(tensor: Tensor) -> Tensor:
    with Gradients(False):
        return tensor.zero_()


def ones_(tensor: Tensor) -> Tensor:
    return constant_(tensor, 1.0)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    with Gradients(False):
        return tensor.normal_(mean, std, generator=generator)


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    with Gradients(False):
        return tensor.uniform_(a, b, generator=generator)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Normal numbers between a and b, by the inverse of the distribution."""
    low, high = (math.erf((x - mean) / std / math.sqrt(2)) for x in (a, b))
    with Gradients(False):
        tensor.uniform_(low, high, generator=generator)
        return tensor.copy_((tensor.erfinv() * (std * math.sqrt(2)) + mean).clamp(a, b))


__getattr__ = lacking("torch.nn.init", "nn.init")
