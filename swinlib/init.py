"""Swin's initialisation, in the form that ``nn.Module.apply`` takes."""

from torch import nn

from .attention import BaseWindowAttention
from .blocks import SwinTransformerBlockV2


def init_weights(module: nn.Module) -> None:
    """Initialise one module as Swin does: ``model.apply(init_weights)`` does the whole model.

    ``apply`` visits the children before their parent, which two lines below rely on: the attention resets
    its bare parameters, which no visit of a child reaches, and the v2 block sets to zero the norms that
    were set to one when they were visited themselves. After ``to_empty``, this leaves nothing undefined.

    Source: reference code of arXiv 2103.14030 and, for the norms of v2 that start at zero, of 2111.09883.
    """
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, (nn.Conv2d, nn.LayerNorm)):
        module.reset_parameters()
    elif isinstance(module, BaseWindowAttention):
        module.reset_position_bias()
        module.reset_buffers()
    elif isinstance(module, SwinTransformerBlockV2):
        # each branch then adds nothing at first: the network starts as the identity
        for norm in (module.norm1, module.norm2):
            nn.init.zeros_(norm.weight)
            nn.init.zeros_(norm.bias)
