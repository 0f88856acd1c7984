"""Take the weights of ``photographs_model`` from a training run, and count what they get right.

    python -m swinlib.pretrained.photographs --data FOLDER --run runs/photographs
    python -m swinlib.pretrained.photographs --data FOLDER

FOLDER holds ``val/<class>/``, as the run had it. The first line writes the weights of a finished run in float16, and
beside them ``photographs.json``: the curve of the run, the counts, and the logits of images of noise, by which a test
holds the weights where the photographs are not. The second line counts again; it ends with status 1 if more than
``MAY_DIFFER`` images are answered otherwise than before. ``photographs.md`` has the command of the run itself.
"""

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from swinlib import data
from swinlib.model import SwinTransformer
from swinlib.pretrained import MEASURED, PHOTOGRAPH_CLASSES, PHOTOGRAPHS, photographs_model
from swinlib.training.loop import WEIGHTS

MAY_DIFFER = 10  # images of 10,000 whose two best scores lie so close that another processor may choose the other


def noise(count: int = 100) -> Tensor:
    """Images of noise, the same everywhere: ``(count, 3, 32, 32)``, normalised as photographs are."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
    return data.normalize_batch(torch.from_numpy(pixels), data.IMAGENET_MEAN, data.IMAGENET_STD)


@torch.no_grad()
def confusions(model: SwinTransformer, folder: Path) -> Tensor:
    """How often an image of one class is taken for another.

    Args:
        model: in eval mode.
        folder: with a folder of images for each of ``PHOTOGRAPH_CLASSES``.

    Returns:
        ``(10, 10)``, int64: true classes in rows, answers in columns.

    Raises:
        ValueError: if the folder holds other classes.
    """
    images = data.image_folder(folder, data.eval_transform(32, resize=32))
    if tuple(images.classes) != PHOTOGRAPH_CLASSES:
        raise ValueError(f"{folder} must hold the classes {', '.join(PHOTOGRAPH_CLASSES)}; got {images.classes}.")
    counts = torch.zeros(10, 10, dtype=torch.long)
    for batch, labels in tqdm(DataLoader(images, batch_size=250), desc="counting", leave=False):
        answers = 10 * labels + model(batch).argmax(1)
        counts += answers.bincount(minlength=100).view(10, 10)
    return counts


def curve(metrics: Path) -> list[dict[str, float]]:
    """Of each epoch of a run, from its ``metrics.csv``: the mean loss in training, and the accuracy at its end."""
    epochs: dict[int, list[dict[str, str]]] = {}
    with metrics.open(newline="") as file:
        for row in csv.DictReader(file):
            epochs.setdefault(int(row["epoch"]), []).append(row)
    return [
        {
            "epoch": epoch + 1,
            "loss": round(sum(float(row["loss"]) for row in rows) / len(rows), 3),
            "accuracy": float(rows[-1]["val_accuracy"]),
        }
        for epoch, rows in sorted(epochs.items())
    ]


def take(run: Path) -> None:
    """Write the weights of a finished run in float16, with what builds their model."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(run / WEIGHTS, framework="pt") as file:
        weights = {name: file.get_tensor(name).half() for name in file.keys()}  # noqa: SIM118, it is no dict
        save_file(weights, PHOTOGRAPHS, metadata=file.metadata())


def main() -> None:
    """Take the weights of a run, if one is given; count, and store or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds val/<class>/")
    parser.add_argument("--run", type=Path, help="folder of a finished run, to take its weights")
    options = parser.parse_args()
    if options.run:
        take(options.run)
    counts = confusions(photographs_model(), options.data / "val")
    right, images = int(counts.trace()), int(counts.sum())
    print(f"{right} of {images} images, {right / images:.2%}")
    if options.run:
        with torch.no_grad():
            logits = photographs_model()(noise()).tolist()
        found: dict[str, Any] = {
            "confusions": counts.tolist(),
            "curve": curve(options.run / "metrics.csv"),
            "noise": [[round(logit, 4) for logit in row] for row in logits],
        }
        MEASURED.write_text(json.dumps(found) + "\n", encoding="utf-8")
        return
    stored = torch.tensor(json.loads(MEASURED.read_text(encoding="utf-8"))["confusions"])
    differ = int((counts - stored).clamp(min=0).sum())
    print(f"at least {differ} are answered otherwise than when they were stored")
    if differ > MAY_DIFFER:
        sys.exit(f"that is more than {MAY_DIFFER}: these are other weights, or other images.")


if __name__ == "__main__":
    main()
