"""How much quicker attention is when its logits are never written to memory.

    python benchmarks/fused_attention.py

The first stage of Swin-T on one image of 224 pixels, 3 heads of 32 channels: once in 64 windows of 49 tokens, once with
all 3136 tokens attending to each other. Both ways compute ``softmax(q kᵀ / √d + bias) v``: line by line, where the
logits are written several times on the way, and by PyTorch's ``scaled_dot_product_attention``, which never writes them.
Processor time in one thread is measured, in turns, and of each way the quickest run counts, so that other programs on
the machine matter little. Chapter 4 shows the figures.
"""

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

CASES = {"64 windows of 49 tokens": (64, 49), "all 3136 tokens": (1, 3136)}
HEADS, CHANNELS = 3, 32


def line_by_line(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Attention ``(B, heads, N, d)`` as the chapter writes it; ``bias`` is ``(1, heads, N, N)``."""
    return (q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1) + bias).softmax(-1) @ v


def fused(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """The same in one call."""
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)


def quickest(ways: tuple[Callable[..., Tensor], ...], inputs: tuple[Tensor, ...], rounds: int) -> list[float]:
    """Processor seconds of the quickest of ``rounds`` runs of each way."""
    seconds = [float("inf")] * len(ways)
    for _ in range(rounds):
        for i, way in enumerate(ways):
            start = time.process_time()
            way(*inputs)
            seconds[i] = min(seconds[i], time.process_time() - start)
    return seconds


@torch.inference_mode()
def measure(case: str, rounds: int) -> list[float]:
    """Processor seconds, line by line and fused.

    Args:
        case: a key of ``CASES``.
        rounds: how often each way runs.
    """
    windows, tokens = CASES[case]
    torch.manual_seed(0)
    qkv = torch.randn(windows, tokens, 3, HEADS, CHANNELS)  # as a linear layer leaves them
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    return quickest((line_by_line, fused), (q, k, v, torch.randn(1, HEADS, tokens, tokens)), rounds)


def main() -> None:
    """Print a line for each case."""
    torch.set_num_threads(1)
    for case in CASES:
        slow, fast = measure(case, rounds=20)
        print(f"{case:24} line by line {slow * 1e3:6.1f} ms, fused {fast * 1e3:6.1f} ms: {slow / fast:.1f} times")


if __name__ == "__main__":
    main()
