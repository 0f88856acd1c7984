"""How much faster the pipeline of swinlib.data is than the classic one, and how far apart their outputs are.

    python benchmarks/image_pipeline.py

Both turn the same JPEG files into the same normalised batch, in turns, in one thread of one process:

* classic: ``ImageFolder`` on PIL images; ``Resize(256)``, ``CenterCrop(224)``, ``ToTensor``, ``Normalize``, and the
  default collate function;
* swinlib: ``image_folder`` decoding to uint8 tensors; resized and cropped as uint8, stacked by ``collate_images``, and
  the batch normalised once by ``normalize_batch``.

The images are the two photographs that scikit-learn ships, saved as JPEG in several sizes. For each size the ratio of
the quickest batches is printed, and the greatest difference in grey levels of 0 to 255. Processor time is measured, so
that other programs on the machine matter little.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from swinlib.data import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    collate_images,
    denormalize,
    eval_transform,
    image_folder,
    normalize_batch,
)

SIZES = ((320, 213), (500, 333), (640, 427), (1024, 683))


def write_photographs(root: Path, size: tuple[int, int], copies: int) -> None:
    """Write ``copies`` of each photograph as JPEG of width and height ``size``, one class each."""
    for name, pixels in enumerate(load_sample_images().images):
        (root / str(name)).mkdir(parents=True)
        image = Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
        for copy in range(copies):
            image.save(root / str(name) / f"{copy}.jpg", quality=90)


def classic(root: Path, batch_size: int) -> Callable[[], Tensor]:
    """Return a function that makes one batch ``(B, 3, 224, 224)`` the classic way."""
    transform = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize(mean=IMAGENET_MEAN, std=IMAGENET_STD),
        ]
    )
    loader = DataLoader(ImageFolder(root, transform), batch_size=batch_size)
    return lambda: next(iter(loader))[0]


def swinlib(root: Path, batch_size: int) -> Callable[[], Tensor]:
    """Return a function that makes the same batch as swinlib.data does."""
    dataset = image_folder(root, eval_transform(224, normalize=False))
    loader = DataLoader(dataset, batch_size=batch_size, collate_fn=collate_images)
    return lambda: normalize_batch(next(iter(loader))[0])


def compare(root: Path, batch_size: int, rounds: int) -> tuple[float, float, float]:
    """Return processor seconds of the quickest batch of each, and their greatest difference in grey levels."""
    ways = (classic(root, batch_size), swinlib(root, batch_size))
    seconds = [float("inf"), float("inf")]
    for _ in range(rounds):
        for i, way in enumerate(ways):
            start = time.process_time()
            way()
            seconds[i] = min(seconds[i], time.process_time() - start)
    difference = 255 * (denormalize(ways[0]()) - denormalize(ways[1]())).abs().max().item()
    return seconds[0], seconds[1], difference


def main() -> None:
    """Print one line per size, and one for all of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=25, help="batches of each; the quickest counts")
    options = parser.parse_args()
    torch.set_num_threads(1)
    totals, greatest = [0.0, 0.0], 0.0
    print("JPEG size     ratio   greatest difference in grey levels")
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "photographs")
            write_photographs(root, size, -(-options.batch_size // 2))
            slow, fast, difference = compare(root, options.batch_size, options.rounds)
        totals = [totals[0] + slow, totals[1] + fast]
        greatest = max(greatest, difference)
        print(f"{size[0]:4} x {size[1]:4}   {slow / fast:5.2f}   {difference:.3f}")
    print(f"all together  {totals[0] / totals[1]:5.2f}   {greatest:.3f}")


if __name__ == "__main__":
    main()
