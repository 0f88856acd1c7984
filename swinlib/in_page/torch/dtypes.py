"""Dtypes: what a number becomes when it is stored as one."""

import math
import struct
from collections.abc import Callable, Iterable

Number = bool | int | float


class NotHere(AttributeError):  # noqa: N818 - it says what is not here; nothing is broken
    """PyTorch has it, and this small torch does not: no verdict can be reached on code that needs it."""

    asked: "list[NotHere]" = []  # also those that code caught

    def __init__(self, what: str) -> None:
        super().__init__(f"this page's small torch has no {what}; try it in the notebook")
        NotHere.asked.append(self)


try:  # in a browser
    from javascript import Math  # type: ignore[import-not-found]

    def _float32(values: Iterable[Number]) -> list[float]:
        return [float(Math.fround(value)) for value in values]
except ImportError:
    from array import array

    def _float32(values: Iterable[Number]) -> list[float]:
        return array("f", values).tolist()


def _float64(values: Iterable[Number]) -> list[float]:
    return list(map(float, values))


def _float16(values: Iterable[Number]) -> list[float]:
    def fit(value: Number) -> float:
        try:
            return struct.unpack("e", struct.pack("e", value))[0]
        except OverflowError:
            return math.copysign(math.inf, value)

    return list(map(fit, values))


def _bfloat16(values: Iterable[Number]) -> list[float]:
    def fit(value: float) -> float:
        if not math.isfinite(value):
            return value
        bits = struct.unpack("I", struct.pack("f", value))[0]
        bits += 0x7FFF + ((bits >> 16) & 1)  # to the nearest, and to the even one in the middle
        return struct.unpack("f", struct.pack("I", bits & 0xFFFF0000))[0]

    return list(map(fit, _float32(values)))


def _integers(bits: int, signed: bool) -> Callable[[Iterable[Number]], list[int]]:
    low = -(2 ** (bits - 1)) if signed else 0
    high = low + 2**bits

    def fit(value: Number) -> int:
        if not math.isfinite(value):
            return low
        value = int(value)
        return value if low <= value < high else (value - low) % 2**bits + low

    return lambda values: [fit(value) for value in values]


class dtype:  # noqa: N801 - PyTorch's name
    """How numbers are stored: ``torch.float32`` and its like.

    Attributes:
        kind: 0 for Booleans, 1 for integers, 2 for floating point.
        itemsize: bytes of one number.
        fit: rounds, cuts or wraps numbers to those that the dtype has.
    """

    def __init__(
        self, name: str, kind: int, itemsize: int, fit: Callable[[Iterable[Number]], list], spoken: str
    ) -> None:
        self.name, self.kind, self.itemsize, self.fit, self.spoken = name, kind, itemsize, fit, spoken

    @property
    def is_floating_point(self) -> bool:
        return self.kind == 2

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __deepcopy__(self, memo: dict) -> "dtype":
        return self


bool_ = dtype("bool", 0, 1, lambda values: list(map(bool, values)), "Bool")
uint8 = dtype("uint8", 1, 1, _integers(8, False), "Byte")
int8 = dtype("int8", 1, 1, _integers(8, True), "Char")
int16 = dtype("int16", 1, 2, _integers(16, True), "Short")
int32 = dtype("int32", 1, 4, _integers(32, True), "Int")
int64 = dtype("int64", 1, 8, _integers(64, True), "Long")
float16 = dtype("float16", 2, 2, _float16, "Half")
bfloat16 = dtype("bfloat16", 2, 2, _bfloat16, "BFloat16")
float32 = dtype("float32", 2, 4, _float32, "Float")
float64 = dtype("float64", 2, 8, _float64, "Double")

ORDER = (bool_, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64)


def promote(one: dtype, other: dtype) -> dtype:
    """The smallest dtype that holds the numbers of both."""
    pair = {one, other}
    if pair == {uint8, int8}:
        return int16
    if pair == {float16, bfloat16}:
        return float32
    return max(one, other, key=ORDER.index)


class finfo:  # noqa: N801 - PyTorch's name
    """The limits of a floating-point dtype."""

    def __init__(self, of: dtype = float32) -> None:
        digits, largest = {
            float16: (10, 15),
            bfloat16: (7, 127),
            float32: (23, 127),
            float64: (52, 1023),
        }[of]
        self.eps = 2.0**-digits
        self.max = (2 - self.eps) * 2.0**largest
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0 ** (1 - largest)
        self.bits = 8 * of.itemsize


class iinfo:  # noqa: N801 - PyTorch's name
    """The limits of an integer dtype."""

    def __init__(self, of: dtype) -> None:
        self.bits = 8 * of.itemsize
        self.min = 0 if of is uint8 else -(2 ** (self.bits - 1))
        self.max = self.min + 2**self.bits - 1
