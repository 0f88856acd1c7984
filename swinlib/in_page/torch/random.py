"""Random numbers: those that PyTorch draws from the same seed, but for the last digits of a float32."""

import math
from _random import Random  # the Mersenne twister alone
from functools import cache

from .dtypes import Number, attribute_lacking, dtype, float32, int64, lacking
from .shaping import filled, function
from .tensor import Tensor, computed


@cache
def _seeded(seed: int) -> tuple[int, ...]:
    """The twister's state after a seed; its products are made of halves, which a float holds exactly."""
    state = [seed % 2**32]
    for i in range(1, 624):
        last = state[-1] ^ (state[-1] >> 30)
        low, high = 1812433253 * (last % 65536), 1812433253 * (last // 65536)
        state.append((low + high % 65536 * 65536 + i) % 2**32)
    return (*state, 624)


class Generator:
    """The Mersenne twister, which Python has as well; PyTorch seeds it otherwise."""

    def __init__(self, device: object = None) -> None:
        self.manual_seed(67280421310721)

    __getattr__ = attribute_lacking

    def manual_seed(self, seed: int) -> "Generator":
        self._twister, self._seed, self._spare = None, seed, None  # seeded when it is asked for a number
        return self

    def get_state(self) -> tuple:
        return self._twister and self._twister.getstate(), self._spare, self._seed

    def set_state(self, state: tuple) -> None:
        twister, self._spare, self._seed = state
        self._twister = twister and Random()
        if twister:
            self._twister.setstate(twister)

    def bits(self) -> int:
        if self._twister is None:
            self._twister = Random()
            self._twister.setstate(_seeded(self._seed))
        return self._twister.getrandbits(32)

    def uniform(self, kind: dtype | None = None) -> float:
        """In [0, 1), with as many digits as the dtype has."""
        if kind is float32:
            return self.bits() % 2**24 / 2**24
        return (self.bits() % 2**21 * 2**32 + self.bits()) / 2**53

    def normal(self) -> float:
        if self._spare is not None:
            found, self._spare = self._spare, None
            return found
        turn, radius = 2 * math.pi * self.uniform(), math.sqrt(-2 * math.log1p(-self.uniform()))
        self._spare = radius * math.sin(turn)
        return radius * math.cos(turn)

    def normals(self, count: int, kind: dtype) -> list[float]:
        """Sixteen at a time, from 16 up; the last sixteen are drawn anew if they are not all of a block."""
        if count < 16:
            return [self.normal() for _ in range(count)]
        found = [self.uniform(kind) for _ in range(count)]
        for start in range(0, count - 15, 16):
            found[start : start + 16] = _sixteen(found[start : start + 16])
        if count % 16:
            found[-16:] = _sixteen([self.uniform(kind) for _ in range(16)])
        return found


def _sixteen(uniform: list[float]) -> list[float]:
    pairs = [(math.sqrt(-2 * math.log(1 - a)), 2 * math.pi * b) for a, b in zip(uniform[:8], uniform[8:], strict=True)]
    return [r * math.cos(turn) for r, turn in pairs] + [r * math.sin(turn) for r, turn in pairs]


default_generator = Generator()


class fork_rng:  # noqa: N801 - PyTorch's name
    """Within it random numbers are drawn that leave those after it as they are."""

    def __init__(self, devices: object = None) -> None:
        self.state = default_generator.get_state()

    def __enter__(self) -> None:
        self.state = default_generator.get_state()

    def __exit__(self, *_: object) -> None:
        default_generator.set_state(self.state)


@function
def rand(
    *size: object, generator: Generator | None = None, dtype: dtype | None = None, device: object = None
) -> Tensor:
    return filled(size, 0, dtype).uniform_(generator=generator)


@function
def randn(
    *size: object, generator: Generator | None = None, dtype: dtype | None = None, device: object = None
) -> Tensor:
    return filled(size, 0, dtype).normal_(generator=generator)


@function
def randperm(n: int, *, generator: Generator | None = None) -> Tensor:
    source, order = generator or default_generator, list(range(n))
    for i in range(n - 1):
        other = i + source.bits() % (n - i)
        order[i], order[other] = order[other], order[i]
    return computed(order, (n,), int64)


def _written(self: Tensor, values: list[Number]) -> Tensor:
    return self._write(self._places(), values)


def _uniform(self: Tensor, a: float = 0.0, b: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    source = generator or default_generator
    return _written(self, [a + (b - a) * source.uniform(self.dtype) for _ in range(self.numel())])


def _normal(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    drawn = (generator or default_generator).normals(self.numel(), self.dtype)
    return _written(self, [mean + std * value for value in drawn])


def _bernoulli(self: Tensor, p: object = 0.5, *, generator: Generator | None = None) -> Tensor:
    source = generator or default_generator
    chances = p.expand(self.shape)._values() if isinstance(p, Tensor) else [p] * self.numel()
    return _written(self, [source.uniform() < chance for chance in chances])


Tensor.uniform_, Tensor.normal_, Tensor.bernoulli_ = _uniform, _normal, _bernoulli
__getattr__ = lacking("torch.random", "torch.random")
