"""What a run leaves behind, ready to be used."""

import json
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
from torchvision.transforms import v2

import swinlib

from .. import data
from ..model import SwinTransformer
from .loop import BEST, WEIGHTS


class Trained(NamedTuple):
    """A trained model with what belongs to it."""

    model: SwinTransformer
    """In eval mode, on the CPU."""
    classes: list[str]
    """The name of each logit."""
    transform: v2.Transform
    """A PIL image, or a uint8 tensor ``(3, H, W)``, to what the model takes, ``(3, image_size, image_size)``."""


def load(run: str | PathLike[str]) -> Trained:
    """A finished run as it was evaluated: its model, its classes, and the transform of its images. ::

        model, classes, transform = swinlib.training.load("runs/digits")
        print(classes[model(transform(image)[None]).argmax()])

    Args:
        run: the folder of the run, or a file of weights from one, such as its ``best.safetensors``. No code in it is
            run, so that it may be somebody else's.

    Raises:
        FileNotFoundError: if there is no such file, or the run has not finished.
        ValueError: if the file is damaged, or not from a training run of swinlib.
    """
    path = Path(run)
    if path.is_dir():
        if not (path / WEIGHTS).exists():
            best = f" The best weights so far: load({str(path / BEST)!r})." if (path / BEST).exists() else ""
            raise FileNotFoundError(f"{path} holds no {WEIGHTS}, which a run writes when it has finished.{best}")
        path = path / WEIGHTS
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}: give the folder of a run, or a file of weights from one.")
    about = _read_about(path)
    build = swinlib.create_model if about["model"] == "create_model" else SwinTransformer
    model = build(**about["arguments"])
    swinlib.load_checkpoint(model, path)
    size = about["image_size"]
    transform = data.eval_transform(size, about["mean"], about["std"], resize=about.get("resize", size))
    return Trained(model.eval(), about["classes"], transform)


def _read_about(path: Path) -> dict[str, Any]:
    """What ``export`` wrote beside the tensors."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["swinlib"])
        if not {"model", "arguments", "classes", "image_size", "mean", "std"} <= about.keys():
            raise KeyError("a part is missing")
        if "weights" in about["arguments"]:  # which would have another file read
            raise KeyError("weights")
    except (safetensors.SafetensorError, KeyError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} does not say how its model is built, as the files of swinlib.training do. Build it yourself, and "
            f"load these weights: swinlib.load_checkpoint(model, {str(path)!r})."
        ) from error
    return about
