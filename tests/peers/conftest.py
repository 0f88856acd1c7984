"""What the comparisons with other implementations share: weights at which mistakes show, and one measure of equality.

Every comparison starts from a model with all parameters randomised. Freshly initialised models hide mistakes: where a
bias table is zero, a wrong index of it changes nothing.
"""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import swinlib

Randomise = Callable[[nn.Module], nn.Module]
AssertParity = Callable[[Tensor, Tensor, float], None]

# Swin-T at a quarter of its width, for what does not depend on the width
NARROW = {"embed_dim": 24, "depths": (2, 2, 6, 2), "num_heads": (3, 6, 12, 24), "num_classes": 10}


def _randomise(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give every parameter a random value, in place, and set the model to evaluation.

    The scale is one at which mistakes show in the logits: activations of order one, attention neither flat nor a
    single token's, small biases (large ones drown what depends on the image).
    """
    generator = torch.Generator().manual_seed(seed)
    for module_name, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            mean, std = 0.0, 0.05
            if isinstance(module, nn.LayerNorm):
                mean, std = float(name == "weight"), 0.2
            elif name == "relative_position_bias_table":
                std = 2.0
            elif name == "logit_scale":
                mean, std = math.log(10), 0.5
            elif parameter.dim() > 1:
                gain = (
                    1.5 if module_name.endswith(("qkv", "q_proj", "k_proj", "v_proj", "query", "key", "value")) else 1
                )
                std = gain * parameter[0].numel() ** -0.5
            with torch.no_grad():
                parameter.normal_(mean, std, generator=generator)
    return model.eval()


def _assert_parity(ours: Tensor, theirs: Tensor, tolerance: float) -> None:
    """The largest difference, in units of the largest value, is within the tolerance."""
    assert ours.shape == theirs.shape
    assert theirs.std() > 0.1, "logits that are nearly constant hide what is compared"
    error = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    assert error <= tolerance, f"relative error {error:.2g}, tolerated are {tolerance:.0g}"


@pytest.fixture(scope="session")
def randomise() -> Randomise:
    return _randomise


@pytest.fixture(scope="session")
def assert_parity() -> AssertParity:
    return _assert_parity


@pytest.fixture(scope="session", params=[1, 2], ids=["v1", "v2"])
def version(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture(scope="session")
def swin_tiny(version: int) -> swinlib.SwinTransformer:
    """A whole Swin-T, randomised. Shared: tests only read it."""
    return _randomise(swinlib.swin_t() if version == 1 else swinlib.swin_v2_t())


@pytest.fixture(scope="session")
def swin_narrow(version: int) -> swinlib.SwinTransformer:
    """A Swin-T of a quarter of the width, randomised. Shared: tests only read it."""
    return _randomise(swinlib.SwinTransformer(**NARROW, window_size=7 if version == 1 else 8, version=version))


@pytest.fixture
def images() -> Callable[..., Tensor]:
    def make(height: int, width: int, batch: int = 2, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(1), dtype=dtype)

    return make
