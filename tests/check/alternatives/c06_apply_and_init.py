"""Right answers to the exercises of chapter 6, written in other ways than the page's."""

import math
import re

import torch
import torch.nn.functional as F
from torch import nn

import swinlib


def fill_linear_by_init(model, value):
    def write(m):
        if isinstance(m, nn.Linear):
            nn.init.constant_(m.weight, value)
            if m.bias is not None:
                nn.init.zeros_(m.bias)

    return model.apply(write)


def fill_linear_through_data(model, value):
    if isinstance(model, nn.Linear):
        model.weight.data = torch.ones_like(model.weight) * value
        for bias in [model.bias] * (model.bias is not None):
            bias.data.sub_(bias.data)
    for child in model.children():
        fill_linear_through_data(child, value)


def apply_once_by_recursion(module, function):
    seen = set()

    def visit(each):
        if id(each) in seen:
            return
        seen.add(id(each))
        for child in each._modules.values():
            if child is not None:
                visit(child)
        function(each)

    visit(module)
    return module


def apply_once_with_a_stack(module, function):
    stack, seen = [(module, False)], []
    while stack:
        each, parts_done = stack.pop()
        if any(each is other for other in seen):
            continue
        if parts_done:
            seen.append(each)
            function(each)
        else:
            stack.append((each, True))
            stack += [(child, False) for child in reversed(list(each.children()))]
    return module


def shrink_residual_by_name(model):
    modules = dict(model.named_modules())
    depth = sum(isinstance(m, swinlib.SwinTransformerBlock) for m in modules.values())
    for name, parameter in model.named_parameters():
        if re.search(r"\.(attn\.proj|mlp\.fc2)\.weight$", "." + name):
            parameter.data *= (2 * depth) ** -0.5
    return model


def shrink_residual_by_asking_the_parts(model):
    owners = (swinlib.SwinTransformerBlock, swinlib.WindowAttention)
    found = {owner: [m for m in model.modules() if isinstance(m, owner)] for owner in owners}
    scale = 1 / math.sqrt(2 * len(found[swinlib.SwinTransformerBlock]))
    with torch.no_grad():
        for attention in found[swinlib.WindowAttention]:
            attention.proj.weight.mul_(scale)
        for block in found[swinlib.SwinTransformerBlock]:
            block.mlp.fc2.weight.copy_(block.mlp.fc2.weight * scale)
    return model


def init_everything_through_dict(m):
    with torch.no_grad():
        for name, parameter in m._parameters.items():
            if parameter is None:
                continue
            if re.search("(^|_)bias$", name):
                parameter.fill_(0)
            elif isinstance(m, nn.LayerNorm):
                parameter.fill_(1)
            else:
                parameter.copy_(torch.randn(parameter.shape) * 0.02)


def init_everything_by_class(m):
    if isinstance(m, nn.LayerNorm):
        m.reset_parameters()
        return
    for name, parameter in m.named_parameters(recurse=False):
        if name.split("_")[-1] == "bias":
            parameter.data = torch.zeros(parameter.shape)
        else:
            nn.init.trunc_normal_(parameter, std=0.02)


def init_everything_from_the_parent(m):
    """Everything below, each by its own owner: the parents repeat what the children did."""
    for module in m.modules():
        init_everything_through_dict(module)


def truncate_normal_by_erfinv(u, std, low, high):
    scale = std * math.sqrt(2)
    below, above = math.erf(low / scale), math.erf(high / scale)
    x = torch.erfinv((below + u * (above - below)).clamp(-1, 1)) * scale
    return torch.minimum(torch.maximum(x, torch.full_like(x, low)), torch.full_like(x, high))


def truncate_normal_by_bisection(u, std, low, high):
    normal = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), std)
    first, last = (normal.cdf(torch.tensor(bound, dtype=torch.float64)) for bound in (low, high))
    share = first + u.double() * (last - first)
    below = torch.full_like(share, max(low, -40 * std))
    above = torch.full_like(share, min(high, 40 * std))
    for _ in range(60):
        middle = (below + above) / 2
        enough = normal.cdf(middle) < share
        below, above = torch.where(enough, middle, below), torch.where(enough, above, middle)
    x = (below + above) / 2
    x = torch.where(u == 0, torch.full_like(x, low), torch.where(u == 1, torch.full_like(x, high), x))
    return x.to(u.dtype)


def truncate_normal_by_ndtr(u, std, low, high):
    bounds = torch.tensor([low, high], dtype=u.dtype) / std
    below, above = torch.special.ndtr(bounds)
    return (std * torch.special.ndtri(torch.lerp(below, above, u))).clamp(low, high)


def init_by_rules_parameter_by_parameter(model, rules):
    wrote = [0] * len(rules)
    left = []
    for name, parameter in model.named_parameters():
        fitting = [place for place in range(len(rules)) if rules[place][0] in name]
        if fitting:
            with torch.no_grad():
                rules[fitting[0]][1](parameter)
            wrote[fitting[0]] += 1
        else:
            left.append(name)
    return [rules[place][0] for place, count in enumerate(wrote) if count == 0], left


def init_by_rules_rule_by_rule(model, rules):
    remaining = dict(model.named_parameters())
    unused = []
    for word, write in rules:
        mine = [name for name in remaining if name.find(word) >= 0]
        for name in mine:
            write(remaining.pop(name).data)
        if not mine:
            unused.append(word)
    return [unused, list(remaining)]


@torch.no_grad()
def unit_std_pass_by_pass(model, x):
    modes = [(m, m.training) for m in model.modules()]
    model.eval()
    layers = [m for m in model.modules() if isinstance(m, nn.Linear)]
    for layer in layers:
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    order = []
    handles = [m.register_forward_pre_hook(lambda m, _: order.append(m)) for m in layers]
    model(x)
    for handle in handles:
        handle.remove()
    for layer in dict.fromkeys(order):
        outputs = []
        handle = layer.register_forward_hook(lambda m, i, output, outputs=outputs: outputs.append(output))
        model(x)
        handle.remove()
        if outputs[0].std() > 0:
            layer.weight /= outputs[0].std()
    for m, training in modes:
        m.train(training) if not list(m.children()) else setattr(m, "training", training)


def unit_std_before_the_layer_runs(model, x):
    ready = []

    def prepare(layer, inputs):
        if not any(layer is other for other in ready):
            ready.append(layer)
            std = F.linear(inputs[0], layer.weight).std(correction=0).item()
            layer.weight.data.div_(std or 1.0)

    was_training = [m for m in model.modules() if m.training]
    handles = []
    for m in model.modules():
        if isinstance(m, nn.Linear):
            if m.bias is not None:
                m.bias.data.zero_()
            handles.append(m.register_forward_pre_hook(prepare))
        m.training = False
    with torch.inference_mode():
        model(x)
    for handle in handles:
        handle.remove()
    for m in was_training:
        m.training = True


def unit_std_by_numpy(model, x):
    """In two rounds over recorded inputs: the outputs are computed outside of the model."""
    modes = {m: m.training for m in model.modules()}
    model.eval()
    layers = [m for m in model.modules() if isinstance(m, nn.Linear)]
    with torch.no_grad():
        for layer in layers:
            if layer.bias is not None:
                layer.bias.mul_(0)
        for _ in range(len(layers) + 1):
            for layer in layers:
                record = []
                handle = layer.register_forward_hook(lambda m, i, o, record=record: record.append(o.numpy()))
                model(x)
                handle.remove()
                if record and record[0].std() > 0:
                    layer.weight.div_(float(record[0].std(ddof=1)))
    for m, training in modes.items():
        m.training = training


ALTERNATIVES = {
    "fill_linear": [fill_linear_by_init, fill_linear_through_data],
    "apply_once": [apply_once_by_recursion, apply_once_with_a_stack],
    "shrink_residual": [shrink_residual_by_name, shrink_residual_by_asking_the_parts],
    "init_everything": [
        init_everything_through_dict,
        init_everything_by_class,
        init_everything_from_the_parent,
    ],
    "truncate_normal": [truncate_normal_by_erfinv, truncate_normal_by_bisection, truncate_normal_by_ndtr],
    "init_by_rules": [init_by_rules_parameter_by_parameter, init_by_rules_rule_by_rule],
    "unit_std": [unit_std_pass_by_pass, unit_std_before_the_layer_runs, unit_std_by_numpy],
}
