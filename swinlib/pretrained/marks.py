"""Train the two networks of ``marks_model``, with shift and without, and count what they get right.

    OMP_NUM_THREADS=1 python -m swinlib.pretrained.marks
    OMP_NUM_THREADS=1 python -m swinlib.pretrained.marks --output FOLDER

Both see the same images in the same order, from the same start, and differ in ``shift_size`` alone. One core needs two
minutes. The images are so few, two marks of four colours on a grid of 8x8, that all of them are counted: 32256.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from swinlib.data import draw_marks, pairs_of_marks, palette
from swinlib.model import SwinTransformer
from swinlib.pretrained import MARKS

IMAGE, WINDOW, MARK, COLOURS = 16, 8, 2, 4  # pixels of a side, and how many colours there are
ARGUMENTS = {
    "embed_dim": 32,
    "depths": [2],
    "num_heads": [4],
    "window_size": 4,
    "patch_size": 2,
    "num_classes": 2,
    "mlp_ratio": 2.0,
}
STEPS, BATCH, RATE = 2000, 64, 3e-3


def train(shift: bool) -> SwinTransformer:
    """One of the two networks, in eval mode."""
    torch.manual_seed(0)
    arguments: dict[str, Any] = {**ARGUMENTS, "shift_size": ARGUMENTS["window_size"] // 2 if shift else 0}
    model = SwinTransformer(**arguments)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=STEPS)
    for step in tqdm(range(STEPS), desc="with shift" if shift else "without", leave=False):
        images, labels = pairs_of_marks(
            BATCH, seed=step, image_size=IMAGE, window=WINDOW, mark_size=MARK, colours=COLOURS, anywhere=True
        ).tensors
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def every_image() -> tuple[Tensor, Tensor, Tensor]:
    """All pairs of cells and colours, without drawing them.

    Returns:
        Cells ``(32256, 2, 2)``, row and column on the grid of marks; colours ``(32256, 2)``, by number; and whether
        both cells lie in one window, ``(32256,)``.
    """
    side = IMAGE // MARK
    first, second = torch.combinations(torch.arange(side**2)).unbind(1)
    cells = torch.stack([torch.stack([each // side, each % side], 1) for each in (first, second)], 1)
    colours = torch.cartesian_prod(torch.arange(COLOURS), torch.arange(COLOURS))
    cells = cells.repeat_interleave(len(colours), 0)
    window = cells // (WINDOW // MARK)
    return cells, colours.repeat(len(first), 1), (window[:, 0] == window[:, 1]).all(1)


@torch.no_grad()
def count(model: SwinTransformer, every: int = 1) -> dict[str, tuple[int, int]]:
    """How many images a network gets right, and of how many, by what is in them.

    Args:
        model: in eval mode.
        every: 1 for all images, 7 for each seventh.
    """
    cells, colours, together = (each[::every] for each in every_image())
    said = [
        model(draw_marks(places * MARK, palette(COLOURS)[shades], IMAGE, MARK)).argmax(1) == 1
        for places, shades in zip(cells.split(1024), colours.split(1024), strict=True)
    ]
    agree = colours[:, 0] == colours[:, 1]
    right = torch.cat(said) == agree
    kinds = {
        "one window, agree": together & agree,
        "one window, differ": together & ~agree,
        "two windows, agree": ~together & agree,
        "two windows, differ": ~together & ~agree,
    }
    return {name: (int((right & kind).sum()), int(kind.sum())) for name, kind in kinds.items()}


def save(model: SwinTransformer, shift: bool, folder: Path) -> None:
    """Write a network, in float16, with what builds it."""
    from safetensors.torch import save_file

    shift_size = list(model.layers[0].shift_size)
    about = {"model": "SwinTransformer", "arguments": {**ARGUMENTS, "shift_size": shift_size[0]}}
    tensors = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, folder / MARKS[shift].name, metadata={"swinlib": json.dumps(about)})


def main() -> None:
    """Train both, save them, and print what they get right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=MARKS[True].parent, help="folder of the two files")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    for shift in (True, False):
        model = train(shift)
        save(model, shift, folder)
        print("with shift" if shift else "without shift")
        for name, (right, all_of_them) in count(model).items():
            print(f"  {name:20}{right:6} of {all_of_them}, {right / all_of_them:.1%}")


if __name__ == "__main__":
    main()
