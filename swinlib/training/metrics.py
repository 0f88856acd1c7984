"""The curves of a run: a CSV file with one row a step, and the same for TensorBoard."""

import csv
import os
from pathlib import Path

from .state import write_atomically

COLUMNS = ("step", "epoch", "learning_rate", "loss", "gradient_norm", "val_loss", "val_accuracy")


class Metrics:
    """Writes ``metrics.csv``, and events for TensorBoard if asked to.

    Both are first cut back to the step that the run resumes from, so that the curve of a run that was killed is the
    curve of one that was not.

    Args:
        folder: of the run.
        step: steps that were done; what was written for later ones is dropped.
        tensorboard: whether to write events, in ``folder/tensorboard``.
    """

    def __init__(self, folder: Path, step: int, tensorboard: bool) -> None:
        path = folder / "metrics.csv"
        kept = [",".join(COLUMNS)]
        if path.exists() and step:
            kept += path.read_text().splitlines()[1 : step + 1]
        write_atomically(path, lambda file: file.write(("\n".join(kept) + "\n").encode()))
        self._file = open(path, "a", newline="")  # noqa: SIM115 - open as long as the run
        self._rows = csv.DictWriter(self._file, COLUMNS, lineterminator="\n")
        self._events = None
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter  # a second that not every run has to pay

            self._events = SummaryWriter(folder / "tensorboard", purge_step=step + 1)

    def write(self, step: int, **values: float) -> None:
        """Add the row of a step, counted from 1."""
        self._rows.writerow({"step": step, **values})
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(name.replace("val_", "val/"), value, step)

    def sync(self) -> None:
        """Have all rows on disk, before the checkpoint that says these steps are done."""
        self._file.flush()
        os.fsync(self._file.fileno())
        if self._events is not None:
            self._events.flush()

    def close(self) -> None:
        """Have all rows on disk and close the files."""
        self._file.close()
        if self._events is not None:
            self._events.close()
