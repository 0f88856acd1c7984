"""Random numbers: those that PyTorch draws from the same seed, in double precision."""

import math
import random as _python
from collections.abc import Callable

from .dtypes import Number, dtype, float32, int64
from .shaping import filled
from .tensor import Tensor, computed, spread

inf = math.inf


class Generator:
    """The Mersenne twister that PyTorch has on a CPU; Python's own, which is the same, begins elsewhere."""

    def __init__(self, device: object = None) -> None:
        self.manual_seed(67280421310721)

    def manual_seed(self, seed: int) -> "Generator":
        state = [seed & 0xFFFFFFFF]
        for i in range(1, 624):
            state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + i) & 0xFFFFFFFF)
        self._twister = _python.Random()
        self._twister.setstate((3, (*state, 624), None))
        self._seed, self._spare = seed, None
        return self

    def initial_seed(self) -> int:
        return self._seed

    def get_state(self) -> tuple:
        return self._twister.getstate(), self._spare, self._seed

    def set_state(self, state: tuple) -> None:
        twister, self._spare, self._seed = state
        self._twister.setstate(twister)

    def bits(self) -> int:
        return self._twister.getrandbits(32)

    def uniform(self, kind: dtype) -> float:
        """In [0, 1), with as many digits as the dtype has."""
        if kind is float32:
            return (self.bits() & 0xFFFFFF) / 2**24
        return (((self.bits() << 32) | self.bits()) & (2**53 - 1)) / 2**53

    def normal(self) -> float:
        if self._spare is not None:
            found, self._spare = self._spare, None
            return found
        turn, radius = self.uniform(int64), math.sqrt(-2 * math.log1p(-self.uniform(int64)))
        self._spare = radius * math.sin(2 * math.pi * turn)
        return radius * math.cos(2 * math.pi * turn)

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


def manual_seed(seed: int) -> Generator:
    return default_generator.manual_seed(seed)


def initial_seed() -> int:
    return default_generator.initial_seed()


class fork_rng:  # noqa: N801 - PyTorch's name
    """Within it random numbers are drawn that leave those after it as they are."""

    def __init__(self, devices: object = None) -> None:
        pass

    def __enter__(self) -> None:
        self.state = default_generator.get_state()

    def __exit__(self, *_: object) -> None:
        default_generator.set_state(self.state)


def rand(
    *size: object, generator: Generator | None = None, dtype: dtype | None = None, device: object = None
) -> Tensor:
    return uniform_(filled(size, 0, dtype or float32), generator=generator)


def randn(
    *size: object, generator: Generator | None = None, dtype: dtype | None = None, device: object = None
) -> Tensor:
    return normal_(filled(size, 0, dtype or float32), generator=generator)


def rand_like(input: Tensor, *, dtype: dtype | None = None) -> Tensor:
    return rand(input.shape, dtype=dtype or input.dtype)


def randn_like(input: Tensor, *, dtype: dtype | None = None) -> Tensor:
    return randn(input.shape, dtype=dtype or input.dtype)


def randint(
    low: int, high: object, size: object = None, *, generator: Generator | None = None, dtype: dtype | None = None
) -> Tensor:
    low, high, size = (0, low, high) if size is None else (low, high, size)
    source = generator or default_generator
    shape = spread((size,))
    return computed([low + source.bits() % (high - low) for _ in range(math.prod(shape))], shape, dtype or int64)


def randperm(n: int, *, generator: Generator | None = None) -> Tensor:
    source, order = generator or default_generator, list(range(n))
    for i in range(n - 1):
        other = i + source.bits() % (n - i)
        order[i], order[other] = order[other], order[i]
    return computed(order, (n,), int64)


def _written(self: Tensor, values: list[Number]) -> Tensor:
    self._check_writable()
    self._write(self._places(), values)
    return self


def uniform_(self: Tensor, a: float = 0.0, b: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    source = generator or default_generator
    return _written(self, [a + (b - a) * source.uniform(self.dtype) for _ in range(self.numel())])


def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    drawn = (generator or default_generator).normals(self.numel(), self.dtype)
    return _written(self, [mean + std * value for value in drawn])


def bernoulli_(self: Tensor, p: object = 0.5, *, generator: Generator | None = None) -> Tensor:
    source = generator or default_generator
    chances = p.expand(*self.shape)._values() if isinstance(p, Tensor) else [p] * self.numel()
    return _written(self, [source.uniform(int64) < chance for chance in chances])


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    return bernoulli_(input.clone(), input, generator=generator)


WRITES: tuple[Callable, ...] = (uniform_, normal_, bernoulli_, bernoulli)
