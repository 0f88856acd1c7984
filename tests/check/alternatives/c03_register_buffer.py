"""Right answers to the exercises of chapter 3, written in other ways than the page's."""

import collections

import torch
from torch import nn


def hold_by_assignment(module, name, tensor, trained, saved):
    kind = nn.Parameter(tensor) if trained else nn.Buffer(tensor, persistent=saved)
    setattr(module, name, kind)


def hold_by_registering(module, name, tensor, trained, saved):
    if trained:
        return module.register_parameter(name, nn.Parameter(tensor.clone()))
    return module.register_buffer(name, tensor.clone(), saved)


def without_computed_by_ending(checkpoint):
    kept = collections.OrderedDict(checkpoint)
    for key in checkpoint:
        if key.endswith(("attn_mask", "relative_position_index", "relative_coords_table")):
            kept.pop(key)
    return kept


def without_computed_by_partition(checkpoint):
    result = {}
    for key, tensor in checkpoint.items():
        _, _, own = key.rpartition(".")
        if own == "attn_mask" or (own.startswith("relative_") and not own.endswith("bias_table")):
            continue
        result[key] = tensor
    return result


def saved_buffers_by_intersection(module):
    return sorted(dict(module.named_buffers()).keys() & module.state_dict().keys())


def saved_buffers_by_walking(module):
    names = []
    for path, part in module.named_modules():
        for name, buffer in part.named_buffers(recurse=False):
            if name not in part._non_persistent_buffers_set and buffer is not None:
                names.append(".".join(filter(None, [path, name])))
    names.sort()
    return tuple(names)


def move_floats_under_the_old_names(module, dtype):
    for part in module.modules():
        for name, parameter in part.named_parameters(recurse=False):
            if parameter.dtype.is_floating_point:
                new = nn.Parameter(parameter.detach().to(dtype), requires_grad=parameter.requires_grad)
                setattr(part, name, new)
        for name, buffer in part.named_buffers(recurse=False):
            if buffer.dtype.is_floating_point:
                setattr(part, name, buffer.to(dtype))
    return module


def move_floats_going_down(module, dtype):
    for tensors in (module._parameters, module._buffers):
        for tensor in tensors.values():
            if tensor is not None and tensor.is_floating_point():
                tensor.data = tensor.data.type(dtype)
    for child in module.children():
        move_floats_going_down(child, dtype)
    return module


class ActNormWithACount(nn.Module):
    """Counts the batches instead of keeping a flag."""

    def __init__(self, channels):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels))
        self.scale = nn.Parameter(torch.ones(channels))
        self.batches = nn.Buffer(torch.zeros(1, dtype=torch.long))

    def forward(self, x):
        if self.training:
            if self.batches.item() == 0:
                self.shift.data = -x.mean(0) / (x.std(0, correction=0) + 1e-6)
                self.scale.data = 1 / (x.std(0, correction=0) + 1e-6)
            self.batches += 1
        return torch.addcmul(self.shift, self.scale, x)


class ActNormWithExtraState(nn.Module):
    """Keeps a plain flag, and has it saved as extra state."""

    def __init__(self, channels):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels))
        self.scale = nn.Parameter(torch.ones(channels))
        self.initialized = False

    def get_extra_state(self):
        return {"initialized": self.initialized}

    def set_extra_state(self, state):
        self.initialized = state["initialized"]

    def forward(self, x):
        if self.training and not self.initialized:
            with torch.no_grad():
                variance, mean = torch.var_mean(x, dim=0, correction=0)
                deviation = variance.sqrt() + 1e-6
                self.scale.data.copy_(deviation.reciprocal())
                self.shift.data.copy_(-mean / deviation)
            self.initialized = True
        return x * self.scale + self.shift


def load_by_meta_assigning(build, checkpoint):
    with torch.device("meta"):
        model = build()
    model.load_state_dict(checkpoint, assign=True)
    model.apply(lambda module: module.reset_buffers() if hasattr(module, "reset_buffers") else None)
    return model


def load_by_meta_copying(build, checkpoint):
    before = torch.get_default_device()
    torch.set_default_device("meta")
    try:
        model = build()
    finally:
        torch.set_default_device(before)
    model = model.to_empty(device=torch.device("cpu"))
    places = model.state_dict()
    for key, tensor in checkpoint.items():
        places[key].copy_(tensor)
    for module in model.modules():
        getattr(module, "reset_buffers", lambda: None)()
    return model


class CachedMaskOverriding(nn.Module):
    """Keeps the additive mask, and overrides what loading calls instead of hanging in hooks."""

    def __init__(self, make):
        super().__init__()
        self.make, self.height, self.width = make, 0, 0
        self.attn_mask = nn.Buffer(torch.zeros(0), persistent=False)

    def _load_from_state_dict(self, state_dict, prefix, *others):
        state_dict.pop(f"{prefix}attn_mask", None)
        self.height = self.width = 0
        super()._load_from_state_dict(state_dict, prefix, *others)

    def forward(self, x):
        _, height, width, _ = x.shape
        if (height, width) != (self.height, self.width):
            allowed = self.make(height, width)
            self.attn_mask = torch.where(allowed, 0.0, float("-inf")).to(x.device)
            self.height, self.width = height, width
        return self.attn_mask.to(x)


class CachedMaskForAllSizes(nn.Module):
    """Keeps a buffer for each size that it has seen."""

    def __init__(self, make):
        super().__init__()
        self.make = make
        self.register_load_state_dict_pre_hook(
            lambda module, state_dict, prefix, *_: [
                state_dict.pop(k) for k in [prefix + "attn_mask"] if k in state_dict
            ]
        )
        self.register_load_state_dict_post_hook(lambda module, keys: module._buffers.clear())

    def forward(self, x):
        name = f"mask_{x.shape[1]}_{x.shape[2]}"
        if name not in self._buffers:
            self.register_buffer(name, self.make(*x.shape[1:3]).logical_not(), persistent=False)
        forbidden = getattr(self, name).to(x.device)
        return x.new_zeros(forbidden.shape).masked_fill_(forbidden, -torch.inf)


ALTERNATIVES = {
    "hold": [hold_by_assignment, hold_by_registering],
    "without_computed": [without_computed_by_ending, without_computed_by_partition],
    "saved_buffers": [saved_buffers_by_intersection, saved_buffers_by_walking],
    "move_floats": [move_floats_under_the_old_names, move_floats_going_down],
    "ActNorm": [ActNormWithACount, ActNormWithExtraState],
    "load_by_meta": [load_by_meta_assigning, load_by_meta_copying],
    "CachedMask": [CachedMaskOverriding, CachedMaskForAllSizes],
}
