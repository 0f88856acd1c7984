"""What changes during training, and how it gets to disk: complete, or not at all."""

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import nn
from torch.amp import GradScaler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel


@dataclass
class TrainingState:
    """All that a step changes, and so all that a checkpoint must hold.

    There is no state of a random generator in it: what a step draws follows from the seed, the step and the rank.
    """

    model: nn.Module
    ema: AveragedModel | None
    optimizer: Optimizer
    schedule: LRScheduler
    scaler: GradScaler
    step: int = 0
    best: dict[str, float] | None = None
    """step, val_loss and val_accuracy of the best weights so far; None before the first evaluation."""

    @property
    def evaluated(self) -> str:
        """Which part is evaluated and exported: the moving average, ``"ema"``, where there is one, else ``"model"``."""
        return "model" if self.ema is None else "ema"

    @property
    def evaluated_model(self) -> nn.Module:
        """The model of that part."""
        return self.model if self.ema is None else self.ema.module

    def _parts(self) -> dict[str, Any]:
        parts = {"model": self.model, "ema": self.ema, "optimizer": self.optimizer}
        parts |= {"schedule": self.schedule, "scaler": self.scaler}
        return {name: part for name, part in parts.items() if part is not None}

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values, for ``torch.load(weights_only=True)``.

        ``"evaluated"`` names the entry whose weights were evaluated, for those who take the file for the model alone.
        """
        about = {"step": self.step, "evaluated": self.evaluated, "best": self.best}
        return about | {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])
        self.step, self.best = saved["step"], saved.get("best")

    def not_finite(self) -> list[str]:
        """Names of the weights, buffers and moments of the optimizer that hold a NaN or an infinity."""
        tensors = {
            f"{part}.{name}": tensor
            for part, module in (("model", self.model), ("ema", self.ema))
            if module is not None
            for name, tensor in chain(module.named_parameters(), module.named_buffers())
        }
        names = {parameter: name for name, parameter in self.model.named_parameters()}
        for parameter, values in self.optimizer.state.items():
            tensors |= {f"optimizer.{names[parameter]}.{key}": value for key, value in values.items()}
        floats = {name: t for name, t in tensors.items() if isinstance(t, torch.Tensor) and t.is_floating_point()}
        if not floats:
            return []
        # on the device, and from there in one go
        device = next(self.model.parameters()).device
        finite = torch.stack([tensor.detach().isfinite().all().to(device) for tensor in floats.values()]).tolist()
        return [name for name, fine in zip(floats, finite, strict=True) if not fine]


def write_atomically(path: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Replace a file by a new one, so that one of the two, complete, is there at any moment.

    The new file grows beside the old one, reaches the disk, and then takes its name in one step. A process or a
    machine that dies before that leaves the old file; the name then reaches the disk too.

    Args:
        path: of the file; it need not exist.
        write: is given the new file, open for writing.

    Raises:
        OSError: if the new file cannot be written, as on a full disk. The old one is as it was.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        with open(temporary, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:  # torch.save makes a RuntimeError of a full disk
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        kept = "The previous one is intact" if path.exists() else "There was no earlier one"
        raise OSError(
            f"{path} could not be written: {_reason(error)}. {kept}. Free some space, then run the same command again."
        ) from error
    if os.name != "nt":  # where a folder cannot be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _reason(error: BaseException) -> str:
    """The first cause, which says more than what torch made of it."""
    while error.__context__ is not None and not (isinstance(error, OSError) and error.strerror):
        error = error.__context__
    return getattr(error, "strerror", None) or str(error)


def write_checkpoint(path: Path, contents: dict[str, Any]) -> None:
    """Write a checkpoint, complete or not at all; see ``write_atomically``."""
    write_atomically(path, lambda file: torch.save(contents, file))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; no code in it is run.

    Raises:
        ValueError: if it is damaged. Training never leaves such a file; an interrupted copy may.
    """
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(contents, dict) or not {"step", "config", "data"} <= contents.keys():
            raise ValueError("it holds something else")
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"{path} ({path.stat().st_size} bytes) is not a complete checkpoint of a training run: it was cut short, "
            f"perhaps by an interrupted copy, or is another file. Restore a complete copy, or remove it to start anew. "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'file ended early'})"
        ) from error
    return contents
