"""Dtypes: what a number becomes when it is stored as one."""

import math
from collections.abc import Callable, Iterable
from typing import ClassVar

Number = bool | int | float
Fit = Callable[[Iterable[Number]], list]


class NotHere(AttributeError):  # noqa: N818 - nothing is broken
    """PyTorch has it, and this small torch does not: no verdict can be reached on code that asks for it."""

    asked: ClassVar[list[Exception]] = []  # also what the code itself caught

    def __init__(self, what: str) -> None:
        super().__init__(f"this page's small torch has no {what}; try it in the notebook")
        NotHere.asked.append(self)


def lacking(module: str, called: str) -> Callable[[str], object]:
    """The ``__getattr__`` of a module: what it does not have is not here."""

    def ask(name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        raise NotHere(f"`{called}.{name}`")

    return ask


def attribute_lacking(self: object, name: str) -> object:
    """The ``__getattr__`` of a class: what its objects do not have is not here."""
    if name.startswith("_"):
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
    raise NotHere(f"`{name}` of a {type(self).__name__.lower()}")


try:  # in a page
    from _rounding import float32 as _float32  # type: ignore[import-not-found]
except ImportError:
    from array import array

    def _float32(values: Iterable[Number]) -> list[float]:
        return array("f", values).tolist()


def _short(digits: int, largest: int) -> Fit:
    """The nearest number of so many binary digits below a power of two; of two, the even one, as Python rounds."""

    def fit(value: Number) -> float:
        if not value or not math.isfinite(value):
            return float(value)
        unit = 2.0 ** (max(math.frexp(value)[1], 3 - largest) - digits)
        found = round(value / unit) * unit
        return math.copysign(found if abs(found) < 2.0**largest else math.inf, value)

    return lambda values: [fit(value) for value in values]


def _integers(bits: int, low: int) -> Fit:
    """Cut off what is behind the point, and begin again at the other end beyond the last number."""

    def fit(value: Number) -> int:
        value = int(value) if math.isfinite(value) else low
        return value if low <= value < low + 2**bits else (value - low) % 2**bits + low

    return lambda values: [fit(value) for value in values]


class dtype:  # noqa: N801 - PyTorch's name
    """How numbers are stored; ``kind`` is 0 for Booleans, 1 for integers, 2 for floats. ``fit`` makes numbers fit."""

    def __init__(self, name: str, spoken: str, kind: int, itemsize: int, fit: Fit) -> None:
        self.name, self.spoken, self.kind, self.itemsize, self.fit = name, spoken, kind, itemsize, fit
        self.is_floating_point = kind == 2

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __deepcopy__(self, memo: dict) -> "dtype":
        return self


bool_ = dtype("bool", "Bool", 0, 1, lambda values: list(map(bool, values)))
uint8 = dtype("uint8", "Byte", 1, 1, _integers(8, 0))
int32 = dtype("int32", "Int", 1, 4, _integers(32, -(2**31)))
int64 = dtype("int64", "Long", 1, 8, _integers(64, -(2**63)))
float16 = dtype("float16", "Half", 2, 2, _short(11, 16))
bfloat16 = dtype("bfloat16", "BFloat16", 2, 2, _short(8, 128))
float32 = dtype("float32", "Float", 2, 4, _float32)
float64 = dtype("float64", "Double", 2, 8, lambda values: list(map(float, values)))

ORDER = (bool_, uint8, int32, int64, float16, bfloat16, float32, float64)  # of two, the later holds the numbers of both


class finfo:  # noqa: N801 - PyTorch's name
    """The limits of a floating-point dtype."""

    def __init__(self, of: dtype = float32) -> None:
        digits, largest = {float16: (10, 15), bfloat16: (7, 127), float32: (23, 127), float64: (52, 1023)}[of]
        self.eps, self.bits, self.tiny = 2.0**-digits, 8 * of.itemsize, 2.0 ** (1 - largest)
        self.max = (2 - self.eps) * 2.0**largest
        self.min = -self.max

    __getattr__ = attribute_lacking
