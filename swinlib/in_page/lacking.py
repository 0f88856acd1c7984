"""Stands for a library that a page does not have: it can be imported, and says that it is not here when it is used."""

from torch import NotHere


class Lacking:
    """Whatever is asked of such a library."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return Lacking(f"{self.path}.{name}")

    def __call__(self, *_: object, **__: object) -> None:
        raise NotHere(f"`{self.path}`")


class ndarray:  # noqa: N801 - NumPy's name
    """An array, of which there is none here."""


def broadcast_shapes(*args: int | tuple[int, ...]) -> tuple[int, ...]:
    """NumPy's, which names the first two that do not fit."""
    shapes = [(shape,) if isinstance(shape, int) else tuple(shape) for shape in args]
    result, decided = [1] * max(map(len, shapes), default=0), {}
    for axis in range(len(result)):
        for i, shape in enumerate(shapes):
            back = axis - len(result) + len(shape)
            size = shape[back] if back >= 0 else 1
            if size != 1 and result[axis] not in (1, size):
                first = decided[axis]
                where = f"between arg {first} with shape {shapes[first]} and arg {i} with shape {shape}"
                raise ValueError(
                    f"shape mismatch: objects cannot be broadcast to a single shape.  Mismatch is {where}."
                )
            if size != 1 and axis not in decided:
                result[axis], decided[axis] = size, i
    return tuple(result)


IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # torchvision's


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    return Lacking(f"{__name__}.{name}")
