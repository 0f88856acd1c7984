"""Who is decayed, and the learning rate step by step."""

import math

import pytest
import torch
from torch import nn

import swinlib
from swinlib.training.optim import parameter_groups, warmup_cosine


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("unet", [False, True])
def test_only_matrices_are_decayed(tiny_swin, version, unet):
    model = tiny_swin(version)
    model = swinlib.SwinUNet(model, 3) if unet else model
    decayed, free = parameter_groups(model, 0.05)
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.05, 0.0)
    every = [id(p) for group in (decayed, free) for p in group["params"]]
    assert sorted(every) == sorted(id(p) for p in model.parameters())
    # by the kind of module, where the code goes by name and dimension
    matrices = {
        id(module.weight)
        for name, module in model.named_modules()
        if isinstance(module, (nn.Linear, nn.Conv2d)) and "cpb_mlp" not in name
    }
    assert {id(p) for p in decayed["params"]} == matrices


@pytest.mark.parametrize(("warmup", "total"), [(0, 10), (3, 10), (5, 200), (12, 10), (0, 1)])
def test_the_learning_rate_of_each_step(warmup, total):
    parameter = nn.Parameter(torch.zeros(1))
    parameter.grad = torch.zeros(1)
    optimizer = torch.optim.AdamW([{"params": [parameter]}], lr=0.3)
    schedule = warmup_cosine(optimizer, warmup, total)
    warmup = min(warmup, total - 1)
    for step in range(total):
        linear = (step + 1) / (warmup + 1)
        cosine = (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.3 * (linear if step < warmup else cosine), rel=1e-9)
        optimizer.step()
        schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0)
