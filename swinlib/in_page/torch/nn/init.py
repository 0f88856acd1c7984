"""``torch.nn.init``: numbers for parameters, written in place."""

import math

from ..random import Generator, normal_ as _normal, uniform_ as _uniform
from ..tensor import Gradients, Tensor


def _quietly(tensor: Tensor, write: object) -> Tensor:
    with Gradients(False):
        write()
    return tensor


def constant_(tensor: Tensor, val: float) -> Tensor:
    return _quietly(tensor, lambda: tensor.fill_(val))


def zeros_(tensor: Tensor) -> Tensor:
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    return constant_(tensor, 1.0)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    return _quietly(tensor, lambda: _normal(tensor, mean, std, generator=generator))


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    return _quietly(tensor, lambda: _uniform(tensor, a, b, generator=generator))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Normal numbers between a and b, by the inverse of the distribution."""

    def below(x: float) -> float:
        return (1 + math.erf((x - mean) / std / math.sqrt(2))) / 2

    low, high = below(a), below(b)

    def write() -> None:
        _uniform(tensor, 2 * low - 1, 2 * high - 1, generator=generator)
        tensor.copy_((tensor.erfinv() * (std * math.sqrt(2)) + mean).clamp(a, b))

    return _quietly(tensor, write)


def _fans(tensor: Tensor) -> tuple[int, int]:
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    bound = gain * math.sqrt(6 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound)


def kaiming_uniform_(tensor: Tensor, a: float = 0.0) -> Tensor:
    bound = math.sqrt(6 / (1 + a * a) / _fans(tensor)[0])
    return uniform_(tensor, -bound, bound)
