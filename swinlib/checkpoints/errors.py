"""What goes wrong with checkpoints, and how it is told."""

from collections.abc import Iterable

from ..model import SwinTransformer


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, or is not for this model. The model is as it was before."""


def check_model(model: SwinTransformer) -> None:
    """Raise ``TypeError`` for anything but a ``SwinTransformer``."""
    if not isinstance(model, SwinTransformer):
        raise TypeError(
            f"expected a SwinTransformer, got {type(model).__name__}. Give the encoder of a SwinUNet, the module of a "
            f"DataParallel, the _orig_mod of a compiled model."
        )


def first_of(names: Iterable[str], shown: int = 3) -> str:
    """The first names, and how many more there are."""
    names = list(names)
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
