"""How a small Swin learns from three starts: weights of standard deviation 0.002, 0.02 (Swin's) and 0.2.

    python benchmarks/three_starts.py
    python benchmarks/three_starts.py --seeds 5

A Swin of twelve blocks, six at 48 channels and six at 96 with a patch merging between them, reads scikit-learn's
handwritten digits. Each start is trained twice: with the merging's layer started like all others, and with that layer
alone started at 1/√inputs, so that blocks and merging can be told apart. All runs share one recipe, AdamW at one
learning rate without warmup, and a seed sets weights and batches.

All starts of one seed are trained side by side, and then written to ``swinlib/figures/three_starts.json`` with the
machine, the date and the versions. When the command is interrupted, the next call goes on with the seed that is
missing. ``figures.three_starts()`` reads the file, and chapter 6 draws it. One core needs a few minutes.
"""

import argparse
import datetime
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch
import torch.nn.functional as F
from machine import processor
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from tqdm import tqdm

import swinlib

FILE = Path(swinlib.__file__).with_name("figures") / "three_starts.json"
STARTS = (0.002, 0.02, 0.2)
MERGINGS = ("as the blocks", "1/√inputs")
CASES = [(std, mergings) for mergings in MERGINGS for std in STARTS]
RECIPE = {
    "embed_dim": 48,
    "depths": [6, 6],
    "num_heads": [3, 6],
    "window_size": 2,
    "patch_size": 2,
    "steps": 100,
    "batch_size": 32,
    "learning_rate": 1e-3,
    "held_out": 360,
    "averaged": 5,  # steps that one stored loss is the mean of
}


def digits() -> tuple[Tensor, Tensor]:
    """Standardised images ``(1797, 1, 8, 8)`` and labels ``(1797,)``, in an order that is always the same."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    images = torch.from_numpy(pixels).float().view(-1, 1, 8, 8)[order]
    return (images - images.mean()) / images.std(), torch.from_numpy(labels)[order]


def new_model(std: float, mergings: str) -> swinlib.SwinTransformer:
    """The Swin of the recipe, its linear layers normal with ``std``; ``mergings`` is one of ``MERGINGS``."""
    names = ("embed_dim", "depths", "num_heads", "window_size", "patch_size")
    model = swinlib.SwinTransformer(in_channels=1, num_classes=10, **{name: RECIPE[name] for name in names})

    def initialise(module: nn.Module) -> None:
        swinlib.init_weights(module)
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=std)
        elif isinstance(module, swinlib.PatchMerging) and mergings == "1/√inputs":  # after its layer was visited
            nn.init.normal_(module.reduction.weight, std=module.reduction.in_features**-0.5)

    return model.apply(initialise)


def train(seed: int, steps: int = RECIPE["steps"]) -> list[dict]:
    """Train all starts once, side by side: one stacked model, the same batches for each.

    Args:
        seed: of weights and batches.
        steps: of the optimizer.

    Returns:
        For each of ``CASES``: ``std``, ``mergings``, ``seed``, ``losses`` (means of ``RECIPE["averaged"]`` steps each),
        ``held_out_loss``, ``held_out_right``.
    """
    images, labels = digits()
    x, y = images[RECIPE["held_out"] :], labels[RECIPE["held_out"] :]
    models = []
    for case in CASES:
        torch.manual_seed(seed)
        models.append(new_model(*case))
    parameters, buffers = stack_module_state(models)

    def logits_of(parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(models[0], (parameters, buffers), (x,))

    side_by_side = vmap(logits_of, in_dims=(0, 0, None))  # logits (cases, B, 10)
    each = vmap(F.cross_entropy, in_dims=(0, None))
    optimizer = torch.optim.AdamW(parameters.values(), lr=RECIPE["learning_rate"], fused=True)
    losses = []
    for _ in tqdm(range(steps), f"seed {seed}", unit="step", disable=None):
        batch = torch.randint(len(y), (RECIPE["batch_size"],))
        loss = each(side_by_side(parameters, buffers, x[batch]), y[batch])
        optimizer.zero_grad()
        loss.sum().backward()  # no model has a say in another's gradient
        optimizer.step()
        losses.append(loss.detach())
    x, y = images[: RECIPE["held_out"]], labels[: RECIPE["held_out"]]
    with torch.no_grad():
        logits = side_by_side(parameters, buffers, x)
    curves = [part.mean(0) for part in torch.stack(losses).split(RECIPE["averaged"])]
    return [
        {
            "std": std,
            "mergings": mergings,
            "seed": seed,
            "losses": [round(curve[k].item(), 4) for curve in curves],
            "held_out_loss": round(F.cross_entropy(logits[k], y).item(), 4),
            "held_out_right": (logits[k].argmax(1) == y).sum().item(),
        }
        for k, (std, mergings) in enumerate(CASES)
    ]


def surroundings() -> dict:
    """Where and with what is measured."""
    return {
        "command": "python benchmarks/three_starts.py",
        "machine": f"{processor()}, 1 thread",
        "date": datetime.date.today().isoformat(),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("torch", "scikit-learn", "swinlib")},
        "recipe": RECIPE,
    }


def finished(file: Path) -> list[dict]:
    """The runs of a file that used this recipe and these versions; none if there is no such file."""
    if not file.exists():
        return []
    stored, now = json.loads(file.read_text(encoding="utf-8")), surroundings()
    alike = all(stored[key] == now[key] for key in ("machine", "versions", "recipe"))
    return stored["runs"] if alike else []


def write(runs: list[dict], file: Path) -> None:
    """Write the file whole or not at all, a run a line."""
    head = json.dumps(surroundings(), indent=1, ensure_ascii=False).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(run, ensure_ascii=False) for run in runs)
    new = file.with_suffix(".new")
    new.write_text(f'{head},\n "runs": [\n{lines}\n ]\n}}\n', encoding="utf-8")
    os.replace(new, file)


def main() -> None:
    """Train what is not there yet, and print a line for each start."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="runs of each start (default: 3)")
    parser.add_argument("--file", type=Path, default=FILE, help="where to store them (default: where the book looks)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    runs = finished(options.file)
    for seed in sorted(set(range(options.seeds)) - {run["seed"] for run in runs}):
        runs += train(seed)
        write(runs, options.file)
    for std, mergings in CASES:
        right = [run["held_out_right"] for run in runs if (run["std"], run["mergings"]) == (std, mergings)]
        print(f"std {std:5}, mergings {mergings:13}: right of {RECIPE['held_out']}:", *right)


if __name__ == "__main__":
    main()
