"""Tensors for the cases of exercises: the same for the same case, in any layout and dtype."""

import torch
from hypothesis import strategies
from torch import Tensor

booleans, integers, lists, sampled_from = (
    strategies.booleans,
    strategies.integers,
    strategies.lists,
    strategies.sampled_from,
)

# The first is what shrinking prefers, so a message speaks of it only where it matters.
DTYPES = sampled_from(["float32", "float64"])
LAYOUTS = sampled_from(["contiguous", "strided"])


def numbered(*shape: int, dtype: str = "float32", layout: str = "contiguous") -> Tensor:
    """0, 1, 2, ... in the order of the indices: each entry tells where it came from."""
    return _laid_out(torch.arange(torch.Size(shape).numel()).view(shape).to(getattr(torch, dtype)), layout)


def noise(*shape: int, seed: int = 0, dtype: str = "float32", layout: str = "contiguous") -> Tensor:
    """Standard normal numbers, from a seed."""
    generator = torch.Generator().manual_seed(seed)
    return _laid_out(torch.randn(shape, generator=generator, dtype=torch.float64).to(getattr(torch, dtype)), layout)


def _laid_out(x: Tensor, layout: str) -> Tensor:
    """Equal values; ``strided`` ones lie in memory in the reverse order of dimensions, where ``view`` fails."""
    if layout == "contiguous":
        return x.contiguous()
    backwards = tuple(reversed(range(x.dim())))
    return x.permute(backwards).contiguous().permute(backwards)
