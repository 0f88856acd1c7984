"""What a public function may be given: integers, sizes, and sizes by stage, with errors that say what to do."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, TypeGuard

Size = int | tuple[int, int]
SizeByStage = Size | list[Size] | list[int] | list[tuple[int, int]]


def is_integer(value: object) -> TypeGuard[int]:
    """Whether value is an integer, of Python or of NumPy. True and False are none here."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_count(value: object) -> TypeGuard[int]:
    """Whether value is an integer of at least 1."""
    return is_integer(value) and value >= 1


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
    if not is_integer(value) or value < minimum:
        what = f"a whole number of {unit}" if unit else "an integer"
        raise ValueError(f"{name} must be {what}, at least {minimum}; got {value!r}.")
    return int(value)


def to_pair(value: Size, name: str, minimum: int = 1, *, hint: str = "") -> tuple[int, int]:
    """Return ``value`` as ``(height, width)``.

    Raises:
        ValueError: if it is neither an integer nor a pair of integers, or is below ``minimum``. It ends with the hint.
    """
    pair: Sequence[Any] = value if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2 or not all(is_integer(side) and side >= minimum for side in pair):
        raise ValueError(
            f"{name} must be an integer of at least {minimum}, or a pair (height, width) of such integers; "
            f"got {value!r}.{hint}"
        )
    return int(pair[0]), int(pair[1])


def by_stage(value: SizeByStage, name: str, stages: int, minimum: int = 1) -> list[tuple[int, int]]:
    """Return ``value`` as one pair ``(height, width)`` for each stage.

    Args:
        value: an integer or a tuple of two, for all stages; or a list with one of either for each stage.
        name: of the argument, for the error.
        stages: their number.
        minimum: of a side.

    Raises:
        ValueError: if it is none of these, or a side is below ``minimum``.
    """
    if not isinstance(value, list):
        by_stages = list(value) if isinstance(value, tuple) and len(value) == stages else []
        hint = f" One size for each stage is a list: {name}={by_stages!r}." if by_stages else ""
        return [to_pair(value, name, minimum, hint=hint)] * stages
    if len(value) != stages:
        hint = f" For one size (height, width) in all stages give a tuple: {name}={tuple(value)!r}."
        raise ValueError(
            f"{name} as a list has one size for each stage; got {len(value)} for {stages} stages: {value!r}."
            f"{hint if len(value) == 2 else ''}"
        )
    return [to_pair(size, f"{name}[{i}]", minimum) for i, size in enumerate(value)]


def in_short(size: tuple[int, int]) -> int | tuple[int, int]:
    """One integer for a square."""
    return size[0] if size[0] == size[1] else size


def check_shift_fits(window_size: Size, shift_size: Size) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return both as pairs, or raise ``ValueError`` where a shift is negative or not smaller than its window."""
    window, shift = to_pair(window_size, "window_size"), to_pair(shift_size, "shift_size", minimum=0)
    if shift[0] >= window[0] or shift[1] >= window[1]:
        raise ValueError(
            f"shift_size {in_short(shift)} does not fit window_size {in_short(window)}: a shift must be smaller than "
            f"the window, since a shift by a whole window changes nothing. Swin uses window_size // 2."
        )
    return window, shift


def check_heads(dim: int, num_heads: int) -> None:
    """Raise ``ValueError`` unless the heads share the channels evenly."""
    if not is_count(num_heads) or dim % num_heads:
        raise ValueError(
            f"dim {dim} cannot be split among {num_heads!r} heads: num_heads must be an integer that divides dim. "
            f"Swin uses 32 channels for a head, here {max(dim // 32, 1)} heads."
        )


def check_num_classes(num_classes: int) -> int:
    """Return the number as ``int``, or raise ``ValueError`` unless it is an integer of at least 0."""
    if not is_integer(num_classes) or num_classes < 0:
        raise ValueError(f"num_classes must be a positive integer, or 0 for no head; got {num_classes!r}.")
    return int(num_classes)


def check_architecture(
    *,
    embed_dim: int,
    depths: Sequence[int],
    num_heads: Sequence[int],
    in_channels: int,
    num_classes: int,
    mlp_ratio: float,
    drop_path_rate: float,
    version: int,
) -> None:
    """Raise ``ValueError`` where these arguments of ``SwinTransformer`` are out of range or do not fit together."""
    for name, values in (("depths", depths), ("num_heads", num_heads)):
        if not isinstance(values, Sequence) or not values or not all(map(is_count, values)):
            raise ValueError(f"{name} must be positive integers in a tuple, one for each stage; got {values!r}.")
    if len(depths) != len(num_heads):
        raise ValueError(
            f"depths and num_heads must have one entry for each stage: depths={tuple(depths)} has {len(depths)}, "
            f"num_heads={tuple(num_heads)} has {len(num_heads)}."
        )
    if not is_count(embed_dim) or not is_count(in_channels):
        raise ValueError(f"embed_dim and in_channels must be positive integers, got {embed_dim!r} and {in_channels!r}.")
    for i, heads in enumerate(num_heads):
        if embed_dim * 2**i % heads:
            raise ValueError(
                f"stage {i + 1} has {embed_dim * 2**i} channels (embed_dim {embed_dim}, doubled {i} times), which "
                f"{heads} heads do not divide. Swin uses 32 channels for a head."
            )
    check_num_classes(num_classes)
    if not isinstance(mlp_ratio, (int, float)) or int(embed_dim * mlp_ratio) < 1:
        raise ValueError(f"mlp_ratio must be positive, with at least one hidden unit; got {mlp_ratio!r}.")
    if not isinstance(drop_path_rate, (int, float)) or not 0 <= drop_path_rate < 1:
        raise ValueError(f"drop_path_rate must be in [0, 1), got {drop_path_rate!r}.")
    if not is_integer(version) or version not in (1, 2):
        raise ValueError(f"version must be 1 or 2, got {version!r}.")
