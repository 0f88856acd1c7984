"""What an answer may change of a module; without NumPy, since a page, which has none, asks for it too."""

from torch import nn


def snapshot(module: nn.Module) -> dict[str, object]:
    """All of a module that an answer may change, as data."""
    named = (*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False))
    return {
        "modules": [(name, type(part).__name__, part.training) for name, part in module.named_modules()],
        "tensors": {name: tensor.detach().clone() for name, tensor in named},
        "trained": [name for name, parameter in module.named_parameters() if parameter.requires_grad],
        "hooks": [name for name, part in module.named_modules() if part._forward_hooks or part._forward_pre_hooks],
    }
