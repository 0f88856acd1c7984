"""How fast a Swin is: this library, plain and fast, beside its peers in their best settings.

    python -m swinlib.benchmark --batch 1 8 --mode inference training

All have the same weights, and their outputs are asserted equal before anything is timed. Then they take turns in one
process, so that whatever else the machine does meets all of them; of each turn the ratio of two times counts, and what
is reported is the median of the ratios with the interval in which the true median lies in 95 of 100 such runs. Each
line says, too, how far it is from the floor: the time that the matrix products alone would take at the best speed that
this machine reaches with them in the same run.

Peers are torchvision, timm (with its fused attention) and transformers (with PyTorch's); those that are not installed
are named and left out: ``pip install "swinlib[benchmark]"``.
"""

import csv
import dataclasses
import math
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from .checkpoints import export_state_dict
from .fast import fast
from .model import SwinTransformer
from .published import create_model, find

Forward = Callable[[Tensor], Tensor]
Dtype = Literal["float32", "bfloat16"]
Mode = Literal["inference", "training"]

TOLERANCE = {"float32": 1e-4, "bfloat16": 0.1}  # of the largest logit
SQUARE = 1024  # side of the matrices by which the speed of products is measured
SURE = 1.96  # standard deviations on either side of 95 of 100 cases


@dataclass(frozen=True)
class Config:
    """What is measured.

    Attributes:
        model: a name of `swinlib.published`.
        image_size: of the square images; the model's own if not given.
        batch: how many images at a time; several are measured one after the other.
        mode: a forward pass, a step of training (forward, backward, without an optimizer), or both.
        dtype: of the computation; bfloat16 by autocast.
        compiled: by ``torch.compile`` too.
        rounds: how often each takes its turn.
        device: where.
        csv: a file for the table.
        roofline: a picture for the roofline.
    """

    model: str = "swin_tiny_patch4_window7_224"
    image_size: int | None = None
    batch: tuple[int, ...] = (1, 8)
    mode: tuple[Mode, ...] = ("inference", "training")
    dtype: tuple[Dtype, ...] = ("float32",)
    compiled: bool = False
    rounds: int = 20
    device: str = "cpu"
    csv: Path | None = None
    roofline: Path | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        batch: images at a time.
        mode: inference or training.
        dtype: of the computation.
        compiled: whether ``torch.compile`` made it.
        name: whose model it is.
        ms: median time of a batch, in milliseconds.
        ratio: median of its time over that of swinlib's fast model in the same turn.
        low: lower end of the interval of that median.
        high: upper end.
        memory: bytes of tensors at most, beyond what was there before.
        gflop: of the matrix products of a batch.
        gigabytes: that its operators read and write.
        floor: the time over that of these products at the speed measured in this run.
    """

    batch: int
    mode: Mode
    dtype: Dtype
    compiled: bool
    name: str
    ms: float
    ratio: float
    low: float
    high: float
    memory: int
    gflop: float
    gigabytes: float
    floor: float


# Who is measured ----------------------------------------------------------------------------------------------------


def contestants(name: str, image_size: int, ours: SwinTransformer) -> tuple[dict[str, nn.Module], list[str]]:
    """Models with our weights, by whose they are, each in its best setting; and who is missing, and why.

    Args:
        name: of the model, in `swinlib.published`.
        image_size: of the images.
        ours: the model whose weights all get.
    """
    models: dict[str, nn.Module] = {"swinlib fast": fast(ours), "swinlib plain": ours}
    missing = []
    for who, build in {"torchvision": _torchvision, "timm": _timm, "transformers": _transformers}.items():
        try:
            models[who] = build(name, image_size, ours)
        except (ImportError, NotHereError) as error:
            missing.append(f"{who} is left out: {error}")
    return models, missing


class NotHereError(Exception):
    """A peer has no such model."""


def _torchvision(name: str, image_size: int, ours: SwinTransformer) -> nn.Module:
    from torchvision.models import swin_transformer as theirs

    if len(set(ours.window_size)) > 1:
        raise NotHereError("it has one window for all stages.")
    block, merging = (
        (theirs.SwinTransformerBlock, theirs.PatchMerging),
        (theirs.SwinTransformerBlockV2, theirs.PatchMergingV2),
    )[ours.version - 1]
    model = theirs.SwinTransformer(
        patch_size=list(ours.patch_embed.patch_size),
        embed_dim=ours.dims[0],
        depths=[len(stage.blocks) for stage in ours.layers],
        num_heads=[stage.blocks[0].attn.num_heads for stage in ours.layers],
        window_size=list(ours.window_size[0]),
        stochastic_depth_prob=0.0,
        num_classes=ours.num_classes,
        block=block,
        downsample_layer=merging,
    )
    model.load_state_dict(export_state_dict(ours, "torchvision"))
    return model


def _timm(name: str, image_size: int, ours: SwinTransformer) -> nn.Module:
    import timm

    if name not in timm.list_models():
        raise NotHereError(f"it has no model of the name {name}.")
    timm.layers.set_fused_attn(True, experimental=True)
    theirs = timm.create_model(name, pretrained=False, img_size=image_size, drop_path_rate=0.0)
    theirs.load_state_dict(export_state_dict(ours, "timm"))
    return theirs


def _transformers(name: str, image_size: int, ours: SwinTransformer) -> nn.Module:
    import transformers

    (patch, _), (window, _) = ours.patch_embed.patch_size, ours.window_size[0]
    options: dict[str, Any] = {
        "image_size": image_size,
        "patch_size": patch,
        "embed_dim": ours.dims[0],
        "depths": [len(stage.blocks) for stage in ours.layers],
        "num_heads": [stage.blocks[0].attn.num_heads for stage in ours.layers],
        "window_size": window,
        "num_labels": ours.num_classes,
        "drop_path_rate": 0.0,
    }
    config, kind = transformers.SwinConfig, transformers.SwinForImageClassification
    if ours.version == 2:
        config, kind = transformers.Swinv2Config, transformers.Swinv2ForImageClassification
        options["pretrained_window_sizes"] = [size[0] for size in ours.pretrained_window_size]
    try:
        theirs = kind._from_config(config(**options), attn_implementation="sdpa")
    except ValueError:  # there is no such attention of this network
        theirs = kind(config(**options))
    theirs.load_state_dict(export_state_dict(ours, "huggingface"))
    return _Logits(theirs)


class _Logits(nn.Module):
    """A model of transformers that returns nothing but its logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x).logits


# How it is measured -------------------------------------------------------------------------------------------------


def measure(
    models: dict[str, nn.Module], x: Tensor, *, mode: Mode, dtype: Dtype, compiled: bool, rounds: int
) -> list[Row]:
    """Let models take turns at a batch, and say how long each takes.

    Args:
        models: by whose they are; ratios are those to the first.
        x: images ``(B, C, H, W)``.
        mode: inference or training.
        dtype: of the computation.
        compiled: by ``torch.compile``.
        rounds: how often each takes its turn.

    Raises:
        ValueError: if outputs differ: then it is not the same network.
    """
    for model in models.values():
        model.train(mode == "training")
    forwards: dict[str, Forward] = {name: torch.compile(model) if compiled else model for name, model in models.items()}
    steps = {name: _step(forward, mode, dtype) for name, forward in forwards.items()}
    _assert_equal({name: step(x) for name, step in steps.items()}, dtype)
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for turn in range(rounds):
        for name in random.Random(turn).sample(list(models), len(models)):  # in another order each time
            _wait(x)
            start = time.perf_counter()
            steps[name](x)
            _wait(x)
            seconds[name].append(time.perf_counter() - start)
    peak = product_speed(x.device, dtype)
    memory = {name: memory_of(lambda step=step: step(x), x.device) for name, step in steps.items()}
    with FlopCounterMode(display=False) as counter:
        next(reversed(steps.values()))(x)  # a peer's: none of its products is in an operator of its own
    traffic = {name: bytes_moved(_step(model, mode, dtype), x) for name, model in models.items()}
    first, *_ = seconds.values()
    rows = []
    for name, own in seconds.items():
        ratios = [mine / other for mine, other in zip(own, first, strict=True)]
        low, high = interval(ratios)
        rows.append(
            Row(
                batch=len(x),
                mode=mode,
                dtype=dtype,
                compiled=compiled,
                name=name,
                ms=1e3 * median(own),
                ratio=median(ratios),
                low=low,
                high=high,
                memory=memory[name],
                gflop=counter.get_total_flops() / 1e9,
                gigabytes=traffic[name] / 1e9,
                floor=median(own) * peak / counter.get_total_flops(),
            )
        )
    return rows


def _step(forward: Forward, mode: Mode, dtype: Dtype) -> Forward:
    """A forward pass, or one and the way back; both give the logits."""

    def infer(x: Tensor) -> Tensor:
        with torch.inference_mode(), torch.autocast(x.device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
            return forward(x)

    def train(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
            logits = forward(x)
        logits.float().square().mean().backward()
        return logits.detach()

    return train if mode == "training" else infer


def _assert_equal(outputs: dict[str, Tensor], dtype: Dtype) -> None:
    (first, expected), *others = outputs.items()
    for name, logits in others:
        error = ((logits - expected).abs().max() / expected.abs().max()).item()
        if not error <= TOLERANCE[dtype]:
            raise ValueError(
                f"the logits of {name} and of {first} differ by {error:.2g} of the largest, more than "
                f"{TOLERANCE[dtype]:g}: these are not the same networks, and their times say nothing."
            )


def _wait(x: Tensor) -> None:
    if x.device.type == "cuda":
        torch.cuda.synchronize()


def product_speed(device: torch.device, dtype: Dtype) -> float:
    """Operations a second of the quickest of a few products of large square matrices."""
    a = torch.randn(SQUARE, SQUARE, device=device, dtype=getattr(torch, dtype))
    return 2 * SQUARE**3 / _quickest(lambda: a @ a, a)


def bandwidth(device: torch.device) -> float:
    """Bytes a second that are read and written by the quickest of a few copies of much memory."""
    a = torch.ones(2**26, device=device)
    b = torch.empty_like(a)
    return 2 * a.numel() * a.element_size() / _quickest(lambda: b.copy_(a), a)


def _quickest(run: Callable[[], object], x: Tensor, rounds: int = 10) -> float:
    """Seconds of the quickest of a few runs, on the device of a tensor."""
    best = math.inf
    for _ in range(rounds):
        _wait(x)
        start = time.perf_counter()
        run()
        _wait(x)
        best = min(best, time.perf_counter() - start)
    return best


class _Moved(TorchDispatchMode):
    """Counts the bytes that operators read and write; those that only look at memory in another way do neither."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = operator(*args, **(kwargs or {}))
        if not operator.is_view:
            tensors = [each for each in tree_leaves((args, kwargs, result)) if isinstance(each, Tensor)]
            self.bytes += sum(each.numel() * each.element_size() for each in tensors)
        return result


def bytes_moved(step: Forward, x: Tensor) -> int:
    """Bytes that the operators of a step read and write, each by itself: a compiled one moves less."""
    with _Moved() as moved:
        step(x)
    return moved.bytes


class _Held(TorchDispatchMode):
    """Notes how much memory the tensors hold that operators make, as long as anybody has them."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes: dict[StorageWeakRef, int] = {}
        self.most = 0

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = {_id_of(each) for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)}
        result = operator(*args, **(kwargs or {}))
        for each in tree_leaves(result):
            if isinstance(each, Tensor) and _id_of(each) not in before:
                storage = each.untyped_storage()
                self.bytes[StorageWeakRef(storage)] = storage.nbytes()
        self.bytes = {storage: size for storage, size in self.bytes.items() if not storage.expired()}
        self.most = max(self.most, sum(self.bytes.values()))
        return result


def _id_of(tensor: Tensor) -> int:
    """Of the memory that it shows."""
    return tensor.untyped_storage()._cdata


def memory_of(run: Callable[[], object], device: torch.device) -> int:
    """Bytes of tensors that a run holds at most, beyond those that were there before."""
    if device.type == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        run()
        return torch.cuda.max_memory_allocated() - before
    with _Held() as held:
        run()
    return held.most


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Where the median of all that could have been measured lies in 95 of 100 cases, by the order of what was.

    Source: Conover, Practical Nonparametric Statistics, 3rd edition, section 3.2.
    """
    values, reach = sorted(values), SURE * math.sqrt(len(values)) / 2
    first, last = math.floor(len(values) / 2 - reach), math.ceil(len(values) / 2 + reach)
    return values[max(first - 1, 0)], values[min(last, len(values) - 1)]


# What is said of it -------------------------------------------------------------------------------------------------


HEAD = ("batch", "mode", "dtype", "", "model", "ms", "ratio", "95 %", "MiB", "floor")
WIDTHS = (5, 9, 8, 8, 13, 8, 5, 11, 6, 5)


def table(rows: Sequence[Row]) -> str:
    """The rows as text."""
    lines: list[tuple[object, ...]] = [HEAD]
    for row in rows:
        by = "compiled" if row.compiled else "eager"
        between, memory = f"{row.low:.2f} - {row.high:.2f}", f"{row.memory / 2**20:.0f}"
        numbers = (f"{row.ms:.1f}", f"{row.ratio:.2f}", between, memory, f"{row.floor:.2f}")
        lines.append((row.batch, row.mode, row.dtype, by, row.name, *numbers))
    return "\n".join(
        " ".join(
            f"{cell:<{width}}" if k in (1, 2, 3, 4) else f"{cell:>{width}}"
            for k, (cell, width) in enumerate(zip(line, WIDTHS, strict=True))
        )
        for line in lines
    )


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """The rows as a table that a spreadsheet opens."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in dataclasses.fields(Row)])
        writer.writeheader()
        writer.writerows(map(dataclasses.asdict, rows))


def draw_roofline(rows: Sequence[Row], bandwidth: float, path: Path) -> None:
    """Draw how fast each computes over how much it computes for each byte that its operators read or write.

    Args:
        rows: of the table.
        bandwidth: bytes a second that this machine reads and writes at most.
        path: of the picture.
    """
    from .figures import show_roofline

    points = {
        name: [(row.gflop / row.gigabytes, 1e12 * row.gflop / row.ms) for row in rows if row.name == name]
        for name in dict.fromkeys(row.name for row in rows)
    }
    peak = max(1e12 * row.gflop * row.floor / row.ms for row in rows)
    show_roofline(points, peak=peak, bandwidth=bandwidth).savefig(path)


def run(config: Config) -> list[Row]:
    """Measure all that is asked for, and say so as it goes.

    Raises:
        ValueError: if outputs differ, or there is no such model.
    """
    torch.manual_seed(0)
    ours = create_model(config.model, drop_path_rate=0.0).eval()
    size = config.image_size or find(config.model).image_size
    models, missing = contestants(config.model, size, ours)
    for line in missing:
        print(line, file=sys.stderr)
    models = {name: model.to(config.device) for name, model in models.items()}
    print(f"{config.model} at {size} pixels, torch {torch.__version__}, {torch.get_num_threads()} threads", flush=True)
    rows: list[Row] = []
    for batch in config.batch:
        x = torch.randn(batch, ours.patch_embed.in_channels, size, size, device=config.device)
        for mode in config.mode:
            for dtype in config.dtype:
                for compiled in (False, True)[: 1 + config.compiled]:
                    options = {"mode": mode, "dtype": dtype, "compiled": compiled, "rounds": config.rounds}
                    rows += measure(models, x, **options)
                    print(table(rows[-len(models) :]), flush=True)
                    if config.csv is not None:  # what is measured is kept, whatever comes
                        write_csv(rows, config.csv)
    if config.roofline is not None:
        draw_roofline(rows, bandwidth(torch.device(config.device)), config.roofline)
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line says, and return the exit code."""
    import tyro

    try:
        run(tyro.cli(Config, prog="python -m swinlib.benchmark", args=arguments))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
