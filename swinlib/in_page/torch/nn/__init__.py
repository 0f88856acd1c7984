"""``torch.nn``."""
# ruff: noqa: F401

from ..dtypes import NotHere
from . import functional, init
from .modules import *  # noqa: F403


def __getattr__(name: str) -> object:
    if name.startswith("_"):
        raise AttributeError(f"module 'torch.nn' has no attribute {name!r}")
    raise NotHere(f"`nn.{name}`")
