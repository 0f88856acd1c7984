"""Everything that a training run can be told: one dataclass, which the command line fills."""

import math
from dataclasses import asdict, dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import nn

import swinlib

from ..arguments import as_integer, is_integer
from ..published import find

SMALL = {"embed_dim": 48, "depths": (2, 2), "num_heads": (3, 6), "window_size": 4, "patch_size": 2}

# Integers, and the smallest that makes sense
COUNTS = {
    **dict.fromkeys(("image_size", "epochs", "batch_size", "grad_accumulation", "checkpoint_every"), 1),
    **dict.fromkeys(("workers", "seed", "freeze_stages"), 0),
}

# A resumed run may differ in these: they change how it is run, not what is computed but for rounding.
MAY_DIFFER = {
    *("data_root", "output", "device", "workers", "grad_accumulation", "checkpoint_every", "timeout", "tensorboard"),
    "extend",
}

# Names that checkpoints of earlier versions have
RENAMED = {"accumulation": "grad_accumulation", "clip": "clip_grad", "ema": "ema_decay"}


@dataclass(frozen=True)
class Config:
    """A training run. The defaults train a small Swin on handwritten digits.

    When a run is resumed, all of it must be as before but for data_root, output, device, workers, grad_accumulation,
    checkpoint_every, timeout and tensorboard; with extend, epochs may be more. The number of processes may differ too.
    """

    data: str = "digits"
    """digits, cifar10 or imagenette, written to data_root once, or a folder that holds train/<class>/ and
    val/<class>/."""
    data_root: Path = Path("data")
    """Where digits, cifar10 and imagenette are kept."""
    output: Path = Path("runs/digits")
    """Folder of this run. A run that was interrupted there is resumed."""

    weights: Path | None = None
    """File of weights to start from, in any layout that swinlib reads. A head for other classes is a new one."""
    freeze_stages: int = 0
    """So many of the first stages stay as they are, and the patch embedding with them; 0 for none."""

    model: str = "small"
    """A published name, such as swin_t or swinv2_tiny_window16_256, or small, which is 48 channels, 2-2 blocks, 3-6
    heads, windows of 4, patches of 2."""
    version: Literal[1, 2] | None = None
    """Swin v1 or v2. This and the next seven are the model's own if not given."""
    embed_dim: int | None = None
    """Channels of the first stage."""
    depths: tuple[int, ...] | None = None
    """Blocks of each stage."""
    num_heads: tuple[int, ...] | None = None
    """Heads of each stage."""
    window_size: tuple[int, ...] | None = None
    """Side of the windows in tokens, one number or one for each stage."""
    pretrained_window_size: tuple[int, ...] | None = None
    """Window that gives the position bias of v2 its scale, if it is another, one number or one for each stage."""
    patch_size: int | None = None
    """In pixels."""
    drop_path_rate: float | None = None
    """Of the last block; it grows linearly from 0 at the first."""
    gradient_checkpointing: bool = False
    """Trade computation for memory."""

    image_size: int = 16
    """Side, in pixels, of the square that the model sees, the centre of an image whose shorter side was resized."""
    augment: Literal["affine", "crop", "swin", "none"] = "affine"
    """affine turns, moves and zooms it a little; crop moves and mirrors it, as is usual for small photographs; swin
    crops anywhere, mirrors, applies RandAugment and erases a part."""
    mixup: float = 0.0
    """Alpha of Mixup; 0 for none. With Mixup and CutMix, each batch gets one of them."""
    cutmix: float = 0.0
    """Alpha of CutMix; 0 for none."""

    epochs: int = 60
    extend: bool = False
    """Go on with a run that was to have fewer epochs, on the curve of the learning rate of this many."""
    batch_size: int = 64
    """Images of one step, on all processes together, at most; an epoch is cut into even batches."""
    grad_accumulation: int = 1
    """Parts that a process computes its share of a batch in, to save memory. The step stays the same."""
    lr: float = 2e-3
    """Learning rate after the warm-up."""
    layer_decay: float = 1.0
    """Learning rate of a block, in units of that of the next one; the head has all of it. 1 for the same everywhere."""
    warmup_epochs: float = 5.0
    """Epochs of linear warm-up. After it, a cosine leads to zero."""
    weight_decay: float = 0.05
    """Not on norms, biases and position biases."""
    label_smoothing: float = 0.1
    clip_grad: float = 5.0
    """Largest norm of the gradient; 0 for no clipping."""
    ema_decay: float = 0.99
    """Decay of the moving average of the weights, which is then what is evaluated and exported; 0 for none."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Of the matrix products. Weights stay in float32."""
    seed: int = 0

    device: str = "auto"
    """auto takes a CUDA device if there is one, and one for each process."""
    workers: int = 1
    """Processes that load images, for each training process."""
    checkpoint_every: int = 100
    """Steps between checkpoints."""
    timeout: float = 600.0
    """Seconds that a process waits for the others before it gives up."""
    tensorboard: bool = True
    """Write events for TensorBoard, beside metrics.csv."""

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _plain(getattr(self, field.name), field.name))
        for name in COUNTS:
            as_integer(getattr(self, name), name, COUNTS[name])
        for name in ("lr", "timeout"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a positive number, got {getattr(self, name)}.")
        for name in ("mixup", "cutmix", "warmup_epochs", "weight_decay", "clip_grad"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a number of at least 0, got {getattr(self, name)}.")
        if self.model != "small":
            find(self.model)
        for name in ("label_smoothing", "ema_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, got {getattr(self, name)}.")

        if not 0 < self.layer_decay <= 1:
            raise ValueError(f"layer_decay must be above 0 and at most 1, got {self.layer_decay}.")

    @property
    def eval_resize(self) -> int:
        """Length of the shorter side, in pixels, before the centre is cut out of an image that is evaluated."""
        # ImageNet's margin round the crop for a model that was trained on crops; all of the shorter side for the others
        return self.image_size * 256 // 224 if self.augment == "swin" else self.image_size

    def as_dict(self) -> dict[str, Any]:
        """Plain values by name, as a checkpoint holds them."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}

    def differences(self, saved: dict[str, Any]) -> list[str]:
        """Where this is not the run that ``saved`` was: one line for each field, but for those that may differ."""
        here = self.as_dict()
        saved = {RENAMED.get(name, name): value for name, value in saved.items()}
        before = {field.name: saved.get(field.name, field.default) for field in fields(self)}
        before |= {name: _plain(before[name], name) for name in ("window_size", "pretrained_window_size")}
        may_differ = MAY_DIFFER | ({"epochs"} if self.extend and self.epochs > before["epochs"] else set())
        return [
            f"{name} was {before[name]} and is {here[name]}"
            for name in here
            if name not in may_differ and here[name] != before[name]
        ]

    def model_arguments(self, num_classes: int) -> tuple[str, dict[str, Any]]:
        """The name of what builds the model in ``swinlib``, and its arguments."""
        names = ("version", "embed_dim", "depths", "num_heads", "patch_size", "drop_path_rate")
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        for name in ("window_size", "pretrained_window_size"):
            windows = getattr(self, name)
            if windows is not None:  # a list has one for each stage, and is one still after a journey through JSON
                given[name] = windows[0] if len(windows) == 1 else list(windows)
        given["num_classes"] = num_classes
        if self.model == "small":
            return "SwinTransformer", {**SMALL, **given}
        return "create_model", {"name": self.model, **given}

    def build_model(self, num_classes: int) -> nn.Module:
        """The model, newly initialised from torch's global generator."""
        builder, arguments = self.model_arguments(num_classes)
        return getattr(swinlib, builder)(**arguments, gradient_checkpointing=self.gradient_checkpointing)


def _plain(value: Any, name: str) -> Any:
    """A value of Python's own, since the files of a run hold no others; and a path where text was given for one."""
    if name in ("data_root", "output") or (name == "weights" and value is not None):
        return Path(value)
    if name == "data" and isinstance(value, PathLike):
        return str(value)
    if name.endswith("window_size") and is_integer(value):
        return (int(value),)
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item, "") for item in value)
    return value.item() if isinstance(value, np.generic) else value
