"""AdamW's groups of parameters, which of them rest, and the learning rate of each step."""

import warnings
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from ..attention import position_parameters
from ..model import SwinTransformer


def parameter_groups(
    model: nn.Module, weight_decay: float, *, lr: float | None = None, layer_decay: float = 1.0
) -> list[dict[str, Any]]:
    """The parameters with weight decay and those without: norms, biases and whatever makes the position bias.

    Args:
        model: whose parameters are shared out; those without a gradient stay as they are.
        weight_decay: of those that have it.
        lr: learning rate of the head; needed where the layers' differ.
        layer_decay: where it is not 1, there are two such groups for each layer, and a layer has the learning rate of
            the next one times this.

    Source: reference code of arXiv 2103.14030 and 2111.09883, ``optimizer.py`` and ``no_weight_decay_keywords``; for
    the layers, that of SimMIM (arXiv 2111.09886).
    """
    not_decayed = position_parameters(model)
    by_layer = layer_decay != 1
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {} if by_layer else {(0, False): [], (0, True): []}
    for name, parameter in model.named_parameters():
        is_free = parameter.dim() <= 1 or name in not_decayed
        groups.setdefault((layers_after(model, name) if by_layer else 0, is_free), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": 0.0 if is_free else weight_decay}
        | ({"lr": lr * layer_decay**after} if by_layer else {})
        for (after, is_free), parameters in groups.items()
    ]


def layers_after(model: SwinTransformer, name: str) -> int:
    """How many layers follow that of a parameter: 0 for head and norms, 1 for the last block, most for the patches.

    A merging belongs to the block before it.
    """
    depths = [len(stage.blocks) for stage in model.layers]
    part, *rest = name.split(".")
    if part == "patch_embed":
        return sum(depths) + 1
    if part != "layers":
        return 0
    stage = int(rest[0])
    block = int(rest[2]) if rest[1] == "blocks" else depths[stage] - 1
    return sum(depths[stage:]) - block


def frozen_parts(model: SwinTransformer, freeze_stages: int) -> list[nn.Module]:
    """The patch embedding and the first stages with their mergings; nothing for 0.

    Raises:
        ValueError: if there are not so many stages.
    """
    if freeze_stages > len(model.layers):
        raise ValueError(f"freeze_stages={freeze_stages}, but the model has {len(model.layers)} stages.")
    return [model.patch_embed, *model.layers[:freeze_stages]] if freeze_stages else []


def warmup_cosine(optimizer: Optimizer, warmup_steps: int, total_steps: int) -> LRScheduler:
    """The learning rate of each step: linear from near 0 to its whole value, then half a cosine down to near 0.

    Args:
        optimizer: holds the whole value; ``step()`` of the result follows each of its steps.
        warmup_steps: the first step after these has the whole learning rate.
        total_steps: of the run; the learning rate would be 0 in the step after them.

    Source: Loshchilov and Hutter 2016, arXiv 1608.03983; warm-up: Goyal et al. 2017, arXiv 1706.02677.
    """
    warmup_steps = min(warmup_steps, total_steps - 1)
    cosine = CosineAnnealingLR(optimizer, T_max=total_steps - warmup_steps)
    if not warmup_steps:
        return cosine
    linear = LinearLR(optimizer, start_factor=1 / (warmup_steps + 1), total_iters=warmup_steps)
    return SequentialLR(optimizer, [linear, cosine], milestones=[warmup_steps])


def go_to_step(schedule: LRScheduler, step: int) -> None:
    """Give the optimizer the learning rate that a new schedule has after so many steps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the optimizer has made none of them
        for _ in range(step):
            schedule.step()
