"""The small torch has what the exercises ask for, but for a list of names."""

from survey import names_of

from swinlib import check
from swinlib.in_page import torch as small

# What the small torch lacks of what solutions, mistakes, judges or other right answers name.
LACKS = {
    *("._load_from_state_dict", ".backward", ".numpy", ".to_empty", "torch.autograd.grad", "torch.from_numpy"),
    *(".register_load_state_dict_pre_hook", "torch.nn.ModuleDict"),
    *("torch.addcmul", "torch.isin", "torch.randint", "torch.std_mean", "torch.var_mean"),
    *("torch.distributions.Normal", "torch.special.ndtr", "torch.special.ndtri"),
    *("torch.get_default_device", "torch.set_default_device"),
}
# Attributes of other objects, which tensors and modules have as well.
OTHERS = {".compile", ".index", ".name", ".values"}


def has(name):
    """Whether the small torch has a name; a bare one may be a tensor's or a module's."""
    if name.startswith("."):
        return (
            hasattr(small.Tensor, name[1:])
            or hasattr(small.nn.Module(), name[1:])
            or hasattr(small.tensor(0), name[1:])
        )
    owner = small
    for part in name.split(".")[1:]:
        if not hasattr(owner, part):
            return False
        owner = getattr(owner, part)
    return True


def test_the_small_torch_has_what_the_exercises_ask_for():
    asked = set().union(*(names for chapter in check.CHAPTERS for names in names_of(chapter).values()))
    assert len(asked) > 200
    assert {name for name in asked - OTHERS if not has(name)} == LACKS
