"""``torch.utils.flop_counter``: a multiplication and an addition for each step of a product of matrices."""

from .. import operators
from ..dtypes import NotHere, attribute_lacking, lacking


class FlopCounterMode:
    """Counts within it; what it counts by module is not here."""

    def __init__(self, *, display: bool = True) -> None:
        if display:
            raise NotHere("`FlopCounterMode` that prints, but with display=False")

    __getattr__ = attribute_lacking

    def __enter__(self) -> "FlopCounterMode":
        self.before, self.counted = operators.counting.steps, []
        operators.counting.steps = self.counted
        return self

    def __exit__(self, *_: object) -> None:
        operators.counting.steps = self.before

    def get_total_flops(self) -> int:
        return 2 * sum(self.counted)


__getattr__ = lacking("torch.utils.flop_counter", "torch.utils.flop_counter")
