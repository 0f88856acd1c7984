"""Checkpoints: read and write the weights of every published implementation of Swin.

In the order of imports: ``errors``; ``layouts``, where a tensor of swinlib lies in each layout; ``files``, from a file
to the networks in it; ``windows``, the windows that a file shows; ``report``; ``fitting``, ``load_checkpoint``;
``writing``, ``export_state_dict``; ``torchvision_weights``, what torchvision publishes.

swinlib's own keys are Microsoft's, without what is bound to a window or image size.
"""

from .errors import CheckpointError
from .fitting import load_checkpoint
from .layouts import LAYOUTS
from .report import CheckpointReport
from .torchvision_weights import load_torchvision_weights
from .windows import resize_position_bias_table
from .writing import export_state_dict

__all__ = [
    "LAYOUTS",
    "CheckpointError",
    "CheckpointReport",
    "export_state_dict",
    "load_checkpoint",
    "load_torchvision_weights",
    "resize_position_bias_table",
]
