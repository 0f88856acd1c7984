"""Right answers to the exercises of chapter 5, written in other ways than the page's."""

import re
from collections import OrderedDict

import torch
from torch import nn


def count_weights_by_identity(layers):
    return sum({id(p): p.numel() for layer in layers for p in layer.parameters()}.values())


def count_weights_going_down(layers):
    seen = []

    def visit(module):
        for parameter in module._parameters.values():
            if parameter is not None and not any(parameter is other for other in seen):
                seen.append(parameter)
        for child in module.children():
            visit(child)

    for layer in layers:
        visit(layer)
    return torch.tensor([parameter.shape.numel() for parameter in seen]).sum()


def make_mlp_by_add_module(sizes):
    mlp = nn.Sequential()
    for k in range(len(sizes) - 1):
        mlp.add_module(f"fc{k + 1}", nn.Linear(sizes[k], sizes[k + 1]))
        if k + 2 < len(sizes):
            mlp.add_module(f"gelu{k + 1}", nn.GELU())
    return mlp


class make_mlp_as_module(nn.Module):  # noqa: N801 - the name of the exercise
    def __init__(self, sizes):
        super().__init__()
        self.depth = len(sizes) - 1
        for k in range(self.depth):
            setattr(self, f"fc{k + 1}", nn.Linear(sizes[k], sizes[k + 1]))

    def forward(self, x):
        for k in range(self.depth):
            x = self.get_submodule(f"fc{k + 1}")(x if k == 0 else nn.functional.gelu(x))
        return x


def module_names_with_a_stack(module):
    names, seen, stack = [], set(), [("", module)]
    while stack:
        path, part = stack.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        names.append(path)
        stack += [(".".join(filter(None, (path, name))), child) for name, child in reversed(part._modules.items())]
    return names


def module_names_by_generator(module):
    def walk(part, path, seen):
        seen.add(part)
        yield ".".join(path)
        for name, child in part.named_children():
            if child not in seen:
                yield from walk(child, [*path, name], seen)

    return tuple(walk(module, [], set()))


def strip_prefix_by_slice(state_dict, prefix):
    result = OrderedDict()
    for key in state_dict:
        result[key[len(prefix) :] if key.startswith(prefix) else key] = state_dict[key]
    return result


def strip_prefix_by_pattern(state_dict, prefix):
    return {re.sub("^" + re.escape(prefix), "", key): tensor for key, tensor in state_dict.items()}


def collect_maps_with_hooks(chain, x, stops):
    maps = {}
    handles = [
        chain[stop].register_forward_hook(lambda module, inputs, output, stop=stop: maps.update({stop: output.clone()}))
        for stop in stops
    ]
    chain(x)
    for handle in handles:
        handle.remove()
    return [maps[stop] for stop in stops]


def collect_maps_between_stops(chain, x, stops):
    maps, begin = [], 0
    for stop in stops:
        x = chain[begin : stop + 1](x)
        maps.append(x + 0)
        begin = stop + 1
    return tuple(maps)


class MaskedSequentialByAsking(nn.Sequential):
    def forward(self, x, mask=None):
        for layer in self._modules.values():
            takes = isinstance(layer, MaskedSequentialByAsking) or hasattr(layer, "takes_mask")
            x = layer(*([x, mask] if takes else [x]))
        return x


class MaskedSequentialByProperty(nn.Sequential):
    @property
    def takes_mask(self):
        return any(getattr(layer, "takes_mask", False) for layer in self)

    def forward(self, x, mask=None):
        for k in range(len(self)):
            further = (mask,) if getattr(self[k], "takes_mask", False) else ()
            x = self[k](x, *further)
        return x


def torchvision_to_microsoft_by_parts(state_dict):
    converted = {}
    biased_keys = not any(key.endswith("logit_scale") for key in state_dict)
    for key, tensor in state_dict.items():
        parts = key.split(".")
        if parts[0] == "features":
            number = int(parts[1])
            if number == 0:
                parts = ["patch_embed", {"0": "proj", "2": "norm"}[parts[2]], *parts[3:]]
            elif number % 2:
                parts = ["layers", str((number - 1) // 2), "blocks", *parts[2:]]
            else:
                parts = ["layers", str((number - 2) // 2), "downsample", *parts[2:]]
        if "mlp" in parts:
            place = parts.index("mlp") + 1
            parts[place] = {"0": "fc1", "3": "fc2"}[parts[place]]
        if parts[-1] == "relative_position_index":
            tensor = torch.stack(tensor.split(int(tensor.shape[0] ** 0.5)))
        if parts[-2:] == ["qkv", "bias"] and not biased_keys:
            third = len(tensor) // 3
            converted[".".join([*parts[:-2], "q_bias"])] = tensor[:third].clone()
            converted[".".join([*parts[:-2], "v_bias"])] = tensor[2 * third :].clone()
        else:
            converted[".".join(parts)] = tensor
    return converted


def torchvision_to_microsoft_stage_by_stage(state_dict):
    names = {"features.0.0.": "patch_embed.proj.", "features.0.2.": "patch_embed.norm."}
    for stage in range(50):
        names[f"features.{2 * stage + 1}."] = f"layers.{stage}.blocks."
        names[f"features.{2 * stage + 2}."] = f"layers.{stage}.downsample."
    result = OrderedDict()
    for key, tensor in state_dict.items():
        for old, new in names.items():
            if key.startswith(old):
                key = new + key[len(old) :]
                break
        key = key.replace(".mlp.0.", ".mlp.fc1.").replace(".mlp.3.", ".mlp.fc2.")
        result[key] = tensor
    for key in list(result):
        if key.endswith(".logit_scale"):
            attention = key.removesuffix("logit_scale")
            bias = result.pop(attention + "qkv.bias")
            result[attention + "q_bias"], _, result[attention + "v_bias"] = bias.view(3, -1)
        elif key.endswith("index"):
            size = int(result[key].numel() ** 0.5)
            result[key] = result[key].unflatten(0, (size, size))
    return result


ALTERNATIVES = {
    "count_weights": [count_weights_by_identity, count_weights_going_down],
    "make_mlp": [make_mlp_by_add_module, make_mlp_as_module],
    "module_names": [module_names_with_a_stack, module_names_by_generator],
    "strip_prefix": [strip_prefix_by_slice, strip_prefix_by_pattern],
    "collect_maps": [collect_maps_with_hooks, collect_maps_between_stops],
    "MaskedSequential": [MaskedSequentialByAsking, MaskedSequentialByProperty],
    "torchvision_to_microsoft": [torchvision_to_microsoft_by_parts, torchvision_to_microsoft_stage_by_stage],
}
