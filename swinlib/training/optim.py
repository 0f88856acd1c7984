"""AdamW's two groups of parameters, and the learning rate of each step."""

from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

# Bare parameters and a network that give a position bias or a scale: neither has a size that should shrink.
NO_DECAY = ("relative_position_bias_table", "logit_scale", "cpb_mlp")


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """The parameters with weight decay and those without: norms, biases and whatever makes the position bias.

    Source: reference code of arXiv 2103.14030 and 2111.09883, ``optimizer.py`` and ``no_weight_decay_keywords``.
    """
    decayed, free = [], []
    for name, parameter in model.named_parameters():
        is_free = parameter.dim() <= 1 or any(part in name for part in NO_DECAY)
        (free if is_free else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


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
