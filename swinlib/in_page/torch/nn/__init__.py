"""``torch.nn``."""

from . import functional, init
from .modules import *  # noqa: F403
from .modules import __all__, __getattr__  # noqa: F401
