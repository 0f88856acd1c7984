"""The training loop: one step, one evaluation, and the run that puts them together."""

import json
import math
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.nn.parallel import DistributedDataParallel
from torch.optim import AdamW
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.transforms import v2
from tqdm.auto import tqdm

from ..checkpoints import load_checkpoint
from .config import Config
from .distributed import Processes, joined_processes, stop_on_signal
from .loaders import Loaders, make_loaders
from .metrics import Metrics
from .optim import frozen_parts, go_to_step, parameter_groups, warmup_cosine
from .state import TrainingState, read_checkpoint, write_atomically, write_checkpoint

Batch = tuple[Tensor, Tensor]
CHECKPOINT, WEIGHTS, BEST = "checkpoint.pt", "model.safetensors", "best.safetensors"  # in the folder of a run
SMALLEST_SCALE = 2.0**-16  # of the loss; it begins at 2 ** 16 and is halved after each step that is left out


@dataclass(frozen=True)
class Result:
    """How a run ended: after all its steps, with loss and accuracy on the held-out images, or stopped by a signal."""

    step: int
    finished: bool
    val_loss: float | None = None
    val_accuracy: float | None = None


def make_state(config: Config, loaders: Loaders, device: torch.device, *, is_main: bool = True) -> TrainingState:
    """A model and all that trains it, at step 0. Equal on all ranks; the main one says what became of given weights.

    Raises:
        CheckpointError: if the run is to start from weights that do not fit the model.
        ValueError: if more stages are to stay as they are than there are.
    """
    torch.manual_seed(config.seed)
    model = config.build_model(len(loaders.classes)).to(device)
    if config.weights is not None and not (config.output / CHECKPOINT).exists():
        report = load_checkpoint(model, config.weights)
        if is_main:
            tqdm.write(f"{config.weights}: {report}", file=sys.stderr)
    for part in frozen_parts(model, config.freeze_stages):
        part.requires_grad_(False)
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay)) if config.ema_decay else None
    groups = parameter_groups(model, config.weight_decay, lr=config.lr, layer_decay=config.layer_decay)
    optimizer = AdamW(groups, lr=config.lr)
    schedule = make_schedule(config, loaders, optimizer)
    scaler = GradScaler(device.type, enabled=config.precision == "float16")
    return TrainingState(model, ema, optimizer, schedule, scaler)


def make_schedule(config: Config, loaders: Loaders, optimizer: AdamW) -> LRScheduler:
    """The learning rates of the whole run, at its beginning."""
    steps = loaders.batches.num_batches
    return warmup_cosine(optimizer, round(config.warmup_epochs * steps), config.epochs * steps)


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed torch for what a step draws: dropout, drop path, Mixup. So nothing needs to be stored to resume."""
    torch.manual_seed(random.Random(f"{seed}, {step}, {rank}").getrandbits(63))


def mixing(config: Config, num_classes: int) -> Callable[[Tensor, Tensor], Batch] | None:
    """Mixup, CutMix, or one of the two for each batch; None for neither. Labels become probabilities."""
    chosen = [v2.MixUp(alpha=config.mixup, num_classes=num_classes)] if config.mixup else []
    chosen += [v2.CutMix(alpha=config.cutmix, num_classes=num_classes)] if config.cutmix else []
    return v2.RandomChoice(chosen) if chosen else None


def autocast(config: Config, device: torch.device) -> torch.autocast:
    """Matrix products in the run's precision; what is sensitive to it stays in float32."""
    return torch.autocast(device.type, dtype=getattr(torch, config.precision), enabled=config.precision != "float32")


def train_step(
    state: TrainingState, network: nn.Module, images: Tensor, labels: Tensor, batch_size: int, config: Config
) -> Batch:
    """One step of the optimizer, from this rank's share of a batch.

    Args:
        state: is changed.
        network: the model, or the model in DistributedDataParallel.
        images: ``(B, C, H, W)``, normalised.
        labels: ``(B,)`` class numbers, or ``(B, classes)`` probabilities.
        batch_size: of all ranks together. The loss is the mean over these, however they are shared out.
        config: of the run.

    Returns:
        This rank's part of the loss, which the ranks' sum makes whole, and the norm of the whole gradient.
    """
    parallel = isinstance(network, DistributedDataParallel)
    ranks = torch.distributed.get_world_size() if parallel else 1
    total = torch.zeros((), device=images.device)
    parts = list(zip(images.chunk(config.grad_accumulation), labels.chunk(config.grad_accumulation), strict=True))
    for i, (part, part_labels) in enumerate(parts):
        # the gradients travel once, with the last part
        with network.no_sync() if parallel and i < len(parts) - 1 else nullcontext():
            with autocast(config, images.device):
                logits = network(part)
            loss = (
                F.cross_entropy(logits.float(), part_labels, label_smoothing=config.label_smoothing, reduction="sum")
                / batch_size
            )
            # DistributedDataParallel takes the mean over ranks; here, the ranks' losses add up
            state.scaler.scale(loss * ranks).backward()
        total += loss.detach()
    state.scaler.unscale_(state.optimizer)
    norm = nn.utils.clip_grad_norm_(state.model.parameters(), config.clip_grad or float("inf"))
    state.scaler.step(state.optimizer)
    state.scaler.update()
    state.schedule.step()
    state.optimizer.zero_grad()
    if state.ema is not None:
        state.ema.update_parameters(state.model)
    state.step += 1
    return total, norm


@torch.no_grad()
def evaluate(model: nn.Module, loaders: Loaders, processes: Processes, config: Config) -> tuple[float, float]:
    """Mean loss and accuracy on the held-out images, each scored once, on whichever rank."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    sums = torch.zeros(3, dtype=torch.float64, device=processes.device)
    for images, labels in loaders.val:
        images, labels = images.to(processes.device), labels.to(processes.device)
        with autocast(config, processes.device):
            logits = model(loaders.normalize(images)).float()
        sums[0] += F.cross_entropy(logits, labels, reduction="sum")
        sums[1] += (logits.argmax(dim=1) == labels).sum()
        sums[2] += len(labels)
    for module in training:
        module.training = True
    loss, correct, count = processes.sum(sums).tolist()
    return loss / count, correct / count


def train(config: Config) -> Result:
    """Run a training to its end, from its beginning or from its last checkpoint.

    Under torchrun, each process calls it. The folder ``config.output`` gets ``checkpoint.pt``, ``metrics.csv``,
    TensorBoard's events, and at the end ``model.safetensors``. After each epoch that scores best on the held-out images
    so far, by accuracy and then by loss, it gets ``best.safetensors`` as well, which outlives a run that diverges.

    Raises:
        ValueError: if the configuration is not that of the checkpoint, or does not suit the data.
        OSError: if data are missing, or nothing can be written; the last checkpoint is intact.
        FloatingPointError: if the run has diverged: a loss, a weight or what the optimizer keeps is not a finite
            number. Nothing is then exported, and no checkpoint is written over the last one.
        ConnectionError: if the processes do not find each other.
    """
    with (
        joined_processes(config.device, config.timeout) as processes,
        stop_on_signal() as stop,
        deterministic(processes.device),
    ):
        loaders = make_loaders(config, processes)
        state = make_state(config, loaders, processes.device, is_main=processes.is_main)
        resume(state, config, loaders, processes)
        network = state.model.train()
        for part in frozen_parts(state.model, config.freeze_stages):
            part.eval()  # without drop path
        if processes.world_size > 1:
            network = DistributedDataParallel(network)
        mix = mixing(config, len(loaders.classes))
        steps = loaders.batches.num_batches
        total_steps = config.epochs * steps
        held_out = None

        with records(config, state.step, processes) as metrics, progress_bar(state.step, total_steps, processes) as bar:
            for images, labels in remaining_batches(state, loaders, config.epochs):
                seed_step(config.seed, state.step, processes.rank)
                epoch, batch = divmod(state.step, steps)
                learning_rate = max(group["lr"] for group in state.optimizer.param_groups)
                images = loaders.normalize(images.to(processes.device, non_blocking=True))
                labels = labels.to(processes.device, non_blocking=True)
                if mix is not None:
                    images, labels = mix(images, labels)
                loss, norm = train_step(
                    state, network, images, labels, loaders.batches.global_batch_size(batch), config
                )

                # one sum for both: a signal that reached one process stops all of them after the same step
                loss, stopped = processes.sum(torch.stack([loss, loss.new_tensor(stop.is_set())])).tolist()
                row = {"epoch": epoch, "learning_rate": learning_rate, "loss": loss, "gradient_norm": norm.item()}
                check_finite(row, state)
                if batch == steps - 1:
                    held_out = evaluate(state.evaluated_model, loaders, processes, config)
                    row |= {"val_loss": held_out[0], "val_accuracy": held_out[1]}
                    check_finite(row, state)
                    check_state(state)
                    if note_best(state, *held_out) and processes.is_main:
                        export(config.output / BEST, state, config, loaders)
                if metrics is not None:
                    metrics.write(state.step, **row)
                bar.set_postfix(loss=f"{loss:.3f}", accuracy=f"{held_out[1]:.4f}" if held_out else "", refresh=False)
                bar.update()

                due = stopped or state.step % config.checkpoint_every == 0 or state.step == total_steps
                if due:
                    check_state(state)  # on every process: none is left waiting for one that found something
                if due and metrics is not None:
                    metrics.sync()
                    save(state, config, loaders)
                if stopped:
                    break

        finished = state.step == total_steps
        if finished:
            held_out = held_out or evaluate(state.evaluated_model, loaders, processes, config)
            check_finite({"val_loss": held_out[0]}, state)
            if processes.is_main:
                export(config.output / WEIGHTS, state, config, loaders)
        return Result(state.step, finished, *(held_out if finished else ()))


def remaining_batches(state: TrainingState, loaders: Loaders, epochs: int) -> Iterator[Batch]:
    """The batches of all epochs, from the state's step on."""
    steps = loaders.batches.num_batches
    for epoch in range(state.step // steps, epochs):
        loaders.batches.set_epoch(epoch, start=state.step - epoch * steps)
        yield from loaders.train


def check_finite(row: dict[str, float], state: TrainingState) -> None:
    """Stop a run whose losses or gradient say that it has diverged, before a checkpoint replaces a good one.

    Raises:
        FloatingPointError: if one of them is not a finite number; the message names it.
    """
    # in float16 a gradient may overflow: the scaler leaves that step out
    skipped = {"gradient_norm"} if state.scaler.is_enabled() else set()
    names = {"loss": "the loss", "gradient_norm": "the norm of the gradient", "val_loss": "the loss on held-out images"}
    wrong = [name for name in names if name in row and name not in skipped and not math.isfinite(row[name])]
    if wrong:
        raise _diverged(state, ", ".join(f"{names[name]} is {row[name]}" for name in wrong))


def check_state(state: TrainingState) -> None:
    """Stop a run whose weights are spoiled, which its losses do not show before the next step, or no longer change.

    Raises:
        FloatingPointError: if a weight, a buffer or what the optimizer keeps is not finite; the message names it. Also
            if the scaler of float16 has left out step after step.
    """
    if wrong := state.not_finite():
        raise _diverged(state, f"{_first(wrong)} hold values that are not finite")
    if (scale := state.scaler.get_scale()) < SMALLEST_SCALE:
        raise _diverged(state, f"the gradient still overflows in float16 with the loss scaled by {scale:g}")


def _diverged(state: TrainingState, what: str) -> FloatingPointError:
    best = f"The best weights until then, of step {state.best['step']}, are in {BEST}. " if state.best else ""
    return FloatingPointError(
        f"training diverged: in step {state.step} {what}. {best}What was written earlier is intact. Start a new run "
        f"with a lower lr, in another output folder."
    )


def _first(names: list[str], at_most: int = 3) -> str:
    return ", ".join(names[:at_most]) + (f" and {len(names) - at_most} more" if len(names) > at_most else "")


def note_best(state: TrainingState, val_loss: float, val_accuracy: float) -> bool:
    """Remember the step if its accuracy is the highest so far, or as high with a lower loss; and say whether it is."""
    score = (val_accuracy, -val_loss)
    is_best = state.best is None or score > (state.best["val_accuracy"], -state.best["val_loss"])
    if is_best:
        state.best = {"step": state.step, "val_loss": val_loss, "val_accuracy": val_accuracy}
    return is_best


def resume(state: TrainingState, config: Config, loaders: Loaders, processes: Processes) -> None:
    """Continue from the checkpoint in the run's folder, if there is one.

    Raises:
        ValueError: if it is of another run, or damaged, or of a run that had diverged, or not all processes see it.
    """
    path = config.output / CHECKPOINT
    if path.exists():
        saved = read_checkpoint(path)
        differences = config.differences(saved["config"])
        differences += [
            f"{name} of the data was {saved['data'].get(name)} and is {value}"
            for name, value in loaders.fingerprint.items()
            if saved["data"].get(name) != value
        ]
        if differences:
            only_epochs = len(differences) == 1 and config.epochs > saved["config"]["epochs"]
            longer = " To go on with it for more epochs, add --extend." if only_epochs else ""
            raise ValueError(
                f"{path} is of another run: {'; '.join(differences)}. Use the settings it was started with to resume "
                f"it, or another output folder to start a new run.{longer}"
            )
        state.load_state_dict(saved)
        if config.epochs != saved["config"]["epochs"]:  # the rest of another curve
            for group in state.optimizer.param_groups:
                group["lr"] = group["initial_lr"]
            state.schedule = make_schedule(config, loaders, state.optimizer)
            go_to_step(state.schedule, state.step)
        if not (config.output / BEST).exists():  # as when the checkpoint alone was copied
            state.best = None
        if wrong := state.not_finite():
            best = f"The best weights, of step {state.best['step']}, are in {BEST}. " if state.best else ""
            raise ValueError(
                f"{path} is of a run that had diverged: at step {state.step} {_first(wrong)} hold values that are not "
                f"finite. {best}Start a new run with a lower lr, in another output folder."
            )
    if processes.sum(torch.tensor(float(state.step), device=processes.device)) != processes.world_size * state.step:
        raise ValueError(
            f"rank {processes.rank} is at step {state.step} and other ranks are not: put the output folder, "
            f"{config.output}, on a disk that all machines share."
        )


def save(state: TrainingState, config: Config, loaders: Loaders) -> None:
    """Write the checkpoint of a step that is done."""
    contents = {**state.state_dict(), "config": config.as_dict(), "data": loaders.fingerprint}
    write_checkpoint(config.output / CHECKPOINT, contents)


def export(path: Path, state: TrainingState, config: Config, loaders: Loaders) -> None:
    """Write the weights that were evaluated, for ``swinlib.load_checkpoint``, and what else is needed to use them."""
    builder, arguments = config.model_arguments(len(loaders.classes))
    about = {
        "model": builder,
        "arguments": arguments,
        "classes": loaders.classes,
        "image_size": config.image_size,
        "resize": config.eval_resize,
        "mean": loaders.mean,
        "std": loaders.std,
    }
    weights = {name: tensor.cpu().contiguous() for name, tensor in state.evaluated_model.state_dict().items()}
    contents = safetensors.torch.save(weights, metadata={"swinlib": json.dumps(about)})
    write_atomically(path, lambda file: file.write(contents))


def records(config: Config, step: int, processes: Processes) -> AbstractContextManager[Metrics | None]:
    """The run's metrics, on the main process; None on the others."""
    if not processes.is_main:
        return nullcontext()
    config.output.mkdir(parents=True, exist_ok=True)
    return closing(Metrics(config.output, step, config.tensorboard))


def progress_bar(step: int, total_steps: int, processes: Processes) -> tqdm:
    """A bar over all steps, where somebody looks at it."""
    return tqdm(total=total_steps, initial=step, unit="step", disable=None if processes.is_main else True)


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """On the CPU, the same result in each run: else threads add up the bias table's gradient in any order."""
    before = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # for debugging, and slow
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.utils.deterministic.fill_uninitialized_memory = before[1]
