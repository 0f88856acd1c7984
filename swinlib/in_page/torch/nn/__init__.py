"""``torch.nn``."""
# ruff: noqa: F401

from ..dtypes import lacking
from . import functional, init
from .modules import *  # noqa: F403

__getattr__ = lacking("torch.nn", "nn")
