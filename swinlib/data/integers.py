"""Integers as users give them: Python's and NumPy's, but no truth values and no floats."""

from numbers import Integral


def as_integer(value: object, name: str, minimum: int, unit: str = "") -> int:
    """Return an integer as Python's ``int``, whose arithmetic does not overflow.

    NumPy's integers are integers too: a size read from an array should do. A small type such as ``np.uint8`` would
    wrap around silently where sizes are multiplied, so that nothing but ``int`` goes further than this.

    Args:
        value: what a user gave.
        name: of the argument, for the message.
        minimum: smallest value that makes sense.
        unit: of the value, for the message, such as ``"pixels"``.

    Raises:
        ValueError: if it is no integer, or is smaller than ``minimum``; the message names argument and value.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        what = f"a whole number of {unit}" if unit else "an integer"
        raise ValueError(f"{name} must be {what}, at least {minimum}; got {value!r}.")
    return int(value)
