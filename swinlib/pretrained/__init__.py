"""Weights that come with swinlib, and the models that they belong to. Needs ``pip install "swinlib[weights]"``.

``digits_model()`` reads images ``(B, 3, 16, 16)``: handwritten digits, grey in three equal channels, as
``swinlib.data.image_folder`` with ``eval_transform(16, DIGITS_MEAN, DIGITS_STD, resize=16)`` gives them. ``digits.md``
is the model's card.
"""

import json
from pathlib import Path

from ..checkpoints import load_checkpoint
from ..model import SwinTransformer

DIGITS = Path(__file__).with_name("digits.safetensors")


def digits_model() -> SwinTransformer:
    """The Swin that was trained on handwritten digits, in eval mode: ``(B, 3, 16, 16)`` to logits ``(B, 10)``."""
    from safetensors import safe_open

    with safe_open(DIGITS, framework="pt") as file:
        about = json.loads(file.metadata()["swinlib"])
    model = SwinTransformer(**about["arguments"])
    load_checkpoint(model, DIGITS)
    return model.eval()
