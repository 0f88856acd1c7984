"""Stands for NumPy in a page, which has none."""

from torch import NotHere


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    raise NotHere(f"NumPy, so no `numpy.{name}`")
