"""``torch.nn.modules.linear``, for the layer of attention that is there under its own name."""

from . import Linear


class NonDynamicallyQuantizableLinear(Linear):
    """A `Linear` of another name."""
