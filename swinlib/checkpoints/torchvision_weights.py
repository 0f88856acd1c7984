"""The weights that torchvision publishes."""

from pathlib import Path
from typing import Any

import torch

from ..model import SwinTransformer
from .errors import CheckpointError
from .fitting import load_checkpoint
from .report import CheckpointReport


def load_torchvision_weights(
    model: SwinTransformer, name: str, weights: Any, *, progress: bool = True, adapt_channels: bool = False
) -> CheckpointReport:
    """Load weights that torchvision publishes; it fetches them, checks their hash and keeps them on disk.

    Args:
        model: any that the weights fit; see ``load_checkpoint``.
        name: of torchvision's model: ``"swin_t"``, ``"swin_v2_b"``, ...
        weights: of that model: a name, such as ``"IMAGENET1K_V1"`` or ``"DEFAULT"``, or torchvision's enum.
        progress: show a bar while they are fetched.
        adapt_channels: fit them to images of other channels; see ``load_checkpoint``.

    Raises:
        CheckpointError: if there are no such weights, they cannot be fetched, or they do not fit the model.
    """
    try:
        from torchvision.models import get_model_weights, list_models
    except ImportError as error:
        raise CheckpointError("published weights come from torchvision: pip install torchvision.") from error
    published = [known for known in list_models() if known.startswith("swin_")]
    if name not in published:
        raise CheckpointError(
            f"torchvision publishes no weights for {name}, only for {', '.join(published)}. Load a file of other "
            f"weights: load_checkpoint(model, path)."
        )
    choice = get_model_weights(name)
    try:
        entry = choice.verify(weights)
    except (KeyError, TypeError):
        entry = None
    if entry is None:
        known = ", ".join(map(repr, choice.__members__))
        raise CheckpointError(f"{name} has no weights {weights!r}; known are {known} and {choice.__name__}.")
    file = Path(torch.hub.get_dir(), "checkpoints", Path(entry.url).name)
    try:
        tensors = entry.get_state_dict(progress=progress, check_hash=True, map_location="cpu", weights_only=True)
    except Exception as error:  # no network, another hash, a file that was cut short: see _read
        remedy = (
            f"{file} is damaged: remove it and try again."
            if file.exists()
            else f"Without a network, fetch it elsewhere and put it at {file}."
        )
        raise CheckpointError(f"{entry.url} could not be loaded ({error}). {remedy}") from error
    return load_checkpoint(model, tensors, adapt_channels=adapt_channels)
