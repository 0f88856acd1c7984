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


IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # torchvision's


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    return Lacking(f"{__name__}.{name}")
