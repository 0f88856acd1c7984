"""What the tests of checkpoints share: small models that weights tell apart, and what a refusal leaves behind."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

import swinlib
from swinlib.checkpoints import CheckpointError, load_checkpoint

LAYOUTS = ["swinlib", "microsoft", "torchvision", "timm", "huggingface", "openmmlab"]
VERSIONS = pytest.mark.parametrize("version", [1, 2])


def build(version: int = 1, seed: int = 0, **options: object) -> swinlib.SwinTransformer:
    """A Swin of two stages with every parameter random."""
    options = {"embed_dim": 8, "depths": (2, 3), "num_heads": (1, 2), "window_size": 4, "num_classes": 5, **options}
    model = swinlib.SwinTransformer(**options, version=version).eval()
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3, generator=generator)
    return model


def snapshot(model: nn.Module) -> dict[str, Tensor]:
    """All that loading may change: parameters and buffers, the coordinates of v2 among them."""
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def assert_equal(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> None:
    """The same names, types and values."""
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert tensor.dtype == theirs[name].dtype
        assert torch.equal(tensor, theirs[name]), name


def refused(model: swinlib.SwinTransformer, checkpoint: object, **options: object) -> str:
    """The message with which a checkpoint is refused. The model must be as it was."""
    before = snapshot(model)
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(model, checkpoint, **options)
    assert_equal(snapshot(model), before)
    message = str(error.value)
    assert "=None" not in message, message
    return message
