"""Weights that come with swinlib, and the models that they belong to. Needs ``pip install "swinlib[weights]"``.

``digits_model()`` reads images ``(B, 3, 16, 16)``: handwritten digits, grey in three equal channels, as
``swinlib.data.image_folder`` with ``eval_transform(16, DIGITS_MEAN, DIGITS_STD, resize=16)`` gives them. ``digits.md``
is the model's card.

``photographs_model()`` reads images ``(B, 3, 32, 32)`` of ten kinds of animals and vehicles, ``PHOTOGRAPH_CLASSES``,
normalised as ``eval_transform(32, resize=32)`` does it. ``photographs.md`` is its card, and ``photographs.py`` takes
the weights from a training run and counts what they get right.

``marks_model(shift)`` reads images ``(B, 3, 16, 16)`` of two coloured marks, as ``swinlib.data.pairs_of_marks`` draws
them, and says whether their colours agree. ``marks.md`` is the card of both, and ``marks.py`` trains them.
"""

import json
from pathlib import Path

from ..checkpoints import load_checkpoint
from ..model import SwinTransformer

__all__ = ["PHOTOGRAPH_CLASSES", "digits_model", "marks_model", "photographs_model"]

DIGITS = Path(__file__).with_name("digits.safetensors")
PHOTOGRAPHS = Path(__file__).with_name("photographs.safetensors")
MEASURED = PHOTOGRAPHS.with_suffix(".json")  # the curve of its training, and what it takes for what
#: The classes of ``photographs_model``, in the order of its logits.
PHOTOGRAPH_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MARKS = {
    shift: Path(__file__).with_name(f"marks_{name}.safetensors")
    for shift, name in ((True, "shifted"), (False, "plain"))
}


def digits_model() -> SwinTransformer:
    """The Swin that was trained on handwritten digits, in eval mode: ``(B, 3, 16, 16)`` to logits ``(B, 10)``."""
    return _model_of(DIGITS)


def photographs_model() -> SwinTransformer:
    """The Swin that was trained on photographs, in eval mode: ``(B, 3, 32, 32)`` to logits ``(B, 10)``."""
    return _model_of(PHOTOGRAPHS)


def marks_model(shift: bool) -> SwinTransformer:
    """The Swin that says whether two marks agree, with shifted windows in its second block or without, in eval mode.

    ``(B, 3, 16, 16)`` to logits ``(B, 2)``: that they differ, that they agree.
    """
    return _model_of(MARKS[bool(shift)])


def _model_of(path: Path) -> SwinTransformer:
    """The model of a file that says how it is built, in eval mode."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["swinlib"])
    model = SwinTransformer(**about["arguments"])
    load_checkpoint(model, path)
    return model.eval()
