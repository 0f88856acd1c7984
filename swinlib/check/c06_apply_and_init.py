"""The checks of chapter 6: who is visited, what is written, and what the numbers do."""

import collections
import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

import swinlib

from ..answers.beside import beside
from .exercise import Arguments, exercise
from .inputs import DTYPES, LAYOUTS, booleans, integers, lists, noise, sampled_from
from .judging import difference, show


def _fill(module: nn.Module) -> nn.Module:
    """Known numbers in every parameter, the same each time."""
    with torch.no_grad():
        for seed, parameter in enumerate(module.parameters()):
            parameter.copy_(noise(*parameter.shape, seed=seed))
    return module


def _numbers(module: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def _changed_in_place(
    module: nn.Module, before: dict[str, nn.Parameter], trained: dict[str, bool]
) -> dict[str, object]:
    """What the parameters hold, which are others than before, and whose ``requires_grad`` changed."""
    after = dict(module.named_parameters())
    return {
        "numbers": _numbers(module),
        "other": [name for name, parameter in after.items() if before.get(name) is not parameter],
        "switched": [name for name, parameter in after.items() if trained.get(name) != parameter.requires_grad],
    }


def _called_in_place(answer: Callable, model: nn.Module, *further: object) -> dict[str, object]:
    before = dict(model.named_parameters())
    trained = {name: parameter.requires_grad for name, parameter in before.items()}
    answer(model, *further)
    return _changed_in_place(model, before, trained)


def _owner(model: nn.Module, name: str) -> str:
    frozen = "" if model.get_parameter(name).requires_grad else "frozen "
    return frozen + type(model.get_submodule(name.rpartition(".")[0])).__name__


def _wrong_parameter(got: dict, want: dict, model: nn.Module) -> str | None:
    """The first parameter that holds other numbers, is another tensor, or is trained where it was not."""
    for name, right in want["numbers"].items():
        if name not in got["numbers"]:
            return f"{name!r} is no longer a parameter of the model"
        if problem := difference(got["numbers"][name], right, name=f"{name!r} (of a {_owner(model, name)})"):
            return problem
    for name in got["numbers"]:
        if name not in want["numbers"]:
            return f"the model has a parameter {name!r} that was not there before"
    return _other_parameter(got, model)


def _other_parameter(got: dict, model: nn.Module) -> str | None:
    """A parameter that is another object than before, or trained where it was not."""
    for name in got["other"]:
        return f"{name!r} is another object than before; an optimizer that was made earlier does not know it"
    for name in got["switched"]:
        now, before = ("frozen", "trained") if model.get_parameter(name).requires_grad else ("trained", "frozen")
        return f"{name!r} is {now} now, and was {before} before: its requires_grad has changed"
    return None


# --- fill_linear --------------------------------------------------------------------------------------------------

LAYERS = ("linear", "norm", "bare", "conv", "nested", "attention", "frozen")


def _layer(kind: str) -> nn.Module:
    if kind == "nested":
        return nn.Sequential(nn.Linear(2, 3), nn.GELU(), nn.Sequential(nn.Linear(3, 2, bias=False)))
    if kind == "frozen":
        return nn.Linear(2, 2).requires_grad_(False)
    make = {
        "linear": lambda: nn.Linear(2, 2),
        "bare": lambda: nn.Linear(3, 2, bias=False),
        "norm": lambda: nn.LayerNorm(2),
        "conv": lambda: nn.Conv2d(1, 2, 1),
        "attention": lambda: nn.MultiheadAttention(2, 1),
    }
    return make[kind]()


@torch.no_grad()
def _fill_linear(model: nn.Module, value: float) -> None:
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.weight.fill_(value)
            if module.bias is not None:
                module.bias.zero_()


@exercise(
    _fill_linear,
    probe=_called_in_place,
    changes=("model",),
    always=(
        {"kinds": ["linear", "norm", "bare", "frozen"], "alone": False, "value": 2.0, "dtype": "float32"},
        {"kinds": ["nested", "attention", "conv"], "alone": False, "value": 2.0, "dtype": "float32"},
        {"kinds": ["linear"], "alone": True, "value": -1.0, "dtype": "float32"},
    ),
    kinds=lists(sampled_from(LAYERS), min_size=1, max_size=4),
    alone=booleans(),
    value=sampled_from([2.0, 0.5, -1.0]),
    dtype=DTYPES,
)
def fill_linear(kinds: list[str], alone: bool, value: float, dtype: str) -> Arguments:
    """All linear layers of a model to one value."""
    with torch.random.fork_rng(devices=[]):
        layers = [_layer(kind) for kind in kinds]
    model = layers[0] if alone else nn.Sequential(*layers)
    return {"model": _fill(model.to(getattr(torch, dtype))), "value": value}


@fill_linear.judge
def say_which_layer(got: object, want: dict, model: nn.Module, value: float) -> str | None:
    """Name the parameter and the class of the layer that it belongs to."""
    if not isinstance(got, dict):
        return difference(got, want)
    return _wrong_parameter(got, want, model)


@fill_linear.mistake
def by_exact_type(model: nn.Module, value: float) -> None:
    """It looks like a comparison of types, which passes over subclasses: the `out_proj` of a `MultiheadAttention` is
    one. Ask `isinstance`."""
    with torch.no_grad():
        for module in model.modules():
            if type(module) is nn.Linear:
                _fill_linear(module, value)


@fill_linear.mistake
def first_level(model: nn.Module, value: float) -> None:
    """Only the children of the model are asked. What is deeper inside is not among `children()`, and neither is the
    model itself."""
    with torch.no_grad():
        for module in model.children():
            if isinstance(module, nn.Linear):
                module.weight.fill_(value)
                if module.bias is not None:
                    module.bias.zero_()


@fill_linear.mistake
def without_the_root(model: nn.Module, value: float) -> None:
    """The model itself may be a linear layer, and it was not asked. `apply` and `modules()` come to it as well."""
    for module in model.children():
        _fill_linear(module, value)


@fill_linear.mistake
def recorded(model: nn.Module, value: float) -> None:
    """The writing is recorded, and autograd refuses that for a leaf. `no_grad` must stand around the writing, or leave
    it to `nn.init`."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.weight.fill_(value)
            if module.bias is not None:
                module.bias.zero_()


@fill_linear.mistake
def bias_not_asked_for(model: nn.Module, value: float) -> None:
    """Not every linear layer has a bias: `bias` may be `None`. Ask before you write."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear):
                module.weight.fill_(value)
                module.bias.zero_()


@fill_linear.mistake(credit=0.5)
def biases_left(model: nn.Module, value: float) -> None:
    """The weights are right; the biases are still what they were. They should become 0."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear):
                module.weight.fill_(value)


@fill_linear.mistake
def biases_filled(model: nn.Module, value: float) -> None:
    """The biases of the linear layers were given the value as well. They should become 0."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear):
                for parameter in module.parameters():
                    parameter.fill_(value)


@fill_linear.mistake
def whoever_has_a_weight(model: nn.Module, value: float) -> None:
    """Norms and convolutions have a `weight` too. Ask for the class, and not for the attribute."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(getattr(module, "weight", None), Tensor):
                module.weight.fill_(value)
                if module.bias is not None:
                    module.bias.zero_()


@fill_linear.mistake(credit=0.25)
def new_parameters(model: nn.Module, value: float) -> None:
    """The layers were given new parameters. An optimizer that was made before holds the old ones and trains those, and
    a frozen layer is frozen no more. Write into the parameter that is there."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.weight = nn.Parameter(torch.full_like(module.weight, value))
            if module.bias is not None:
                module.bias = nn.Parameter(torch.zeros_like(module.bias))


@fill_linear.mistake(credit=0.5)
def frozen_for_good(model: nn.Module, value: float) -> None:
    """The numbers are right, but the layers are no longer trained. Turning `requires_grad` off lets you write; use
    `no_grad` instead, which changes no parameter."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.requires_grad_(False)
    _fill_linear(model, value)


# --- apply_once ---------------------------------------------------------------------------------------------------


def _tree(parents: list[int], links: list[int]) -> nn.Module:
    """Module k + 1 is a child of one before it; a link puts a module into one more place, never into its own parts."""
    modules = [nn.Module()]
    for k, parent in enumerate(parents):
        modules.append(nn.Module())
        modules[parent % (k + 1)].add_module("abcdef"[k], modules[-1])
    for link in links if parents else ():
        child = 1 + link // 6 % len(parents)
        modules[link % 6 % child].add_module(f"same_as_{'abcdef'[child - 1]}", modules[child])
    return modules[0]


def _apply_once(module: nn.Module, function: Callable) -> nn.Module:
    visits: list[nn.Module] = []
    module.apply(visits.append)
    for each in dict.fromkeys(visits):
        function(each)
    return module


def _visits(answer: Callable, module: nn.Module, _function: object) -> dict[str, object]:
    """Which modules two calls visit, by the names that ``named_modules`` has for them."""
    names = {each: name or "the root" for name, each in module.named_modules()}
    found: dict[str, object] = {}
    for call in ("first", "second"):
        visited: list[str] = []

        def visit(each: object, visited: list[str] = visited) -> None:
            visited.append(names.get(each, show(each)) if isinstance(each, nn.Module) else show(each))

        found["the module came back"] = answer(module, visit) is module
        found[call] = visited
    return found


@exercise(
    _apply_once,
    probe=_visits,
    always=(
        {"parents": [0, 1, 0, 1], "links": []},
        {"parents": [0, 0, 1, 3], "links": [14]},
        {"parents": [0, 1], "links": [6]},
    ),
    parents=lists(integers(0, 5), max_size=6),
    links=lists(integers(0, 35), max_size=3),
)
def apply_once(parents: list[int], links: list[int]) -> Arguments:
    """Each module once, children first."""
    return {"module": _tree(parents, links), "function": print}


@apply_once.judge
def say_who_was_visited(got: object, want: dict, module: nn.Module, function: object) -> str | None:
    """Which it visited too often, which never, then the order."""
    if not isinstance(got, dict):
        return difference(got, want)
    places: dict[nn.Module, list[str]] = {}
    for name, each in module.named_modules(remove_duplicate=False):
        places.setdefault(each, []).append(name or "the root")
    right = want["first"]
    for call, again in (("first", ""), ("second", "called a second time with the same module, ")):
        mine = got[call]
        for name in right:
            if name not in mine:
                return f"{again}it did not visit {name!r}; it visited {show(mine)}, expected {show(right)}"
        for name in mine:
            if name not in right:
                return f"{again}it visited {name}; expected {show(right)}"
            if mine.count(name) > 1:
                others = next((names for names in places.values() if names[0] == name), [name])
                where = f", which stands under the names {show(others)}" if len(others) > 1 else ""
                return f"{again}it visited {name!r} {mine.count(name)} times{where}"
        if mine != right:
            one = "".join(
                f"; {' and '.join(map(repr, names))} are one module" for names in places.values() if names[1:]
            )
            return f"{again}the order is {show(mine)}; expected {show(right)}{one}"
    return None if got["the module came back"] else "it does not return the module"


@apply_once.mistake
def as_apply_does(module: nn.Module, function: Callable) -> nn.Module:
    """It visits as `apply` does, which comes to a module once for each parent that holds it. Remember whom you have
    visited, in one memory for the whole walk."""
    return module.apply(function)


@apply_once.mistake
def parents_first(module: nn.Module, function: Callable) -> nn.Module:
    """This is the order of `modules()`: the parent comes before its children. A parent that is to overrule its children
    must come after them."""
    for each in module.modules():
        function(each)
    return module


@apply_once.mistake
def modules_backwards(module: nn.Module, function: Callable) -> nn.Module:
    """The order of `modules()` read backwards puts children before their parent, but the last child before the first;
    and a module in two places comes too late for one of its parents."""
    for each in reversed(list(module.modules())):
        function(each)
    return module


def _walk(module: nn.Module, seen: set[nn.Module] | None = None) -> Iterator[nn.Module]:
    """Children first, each once."""
    seen = set() if seen is None else seen
    if module not in seen:
        seen.add(module)
        for child in module.children():
            yield from _walk(child, seen)
        yield module


@apply_once.mistake
def parts_once(module: nn.Module, function: Callable) -> nn.Module:
    """The memory keeps you from going down twice, and the module itself is visited all the same. Turn back before you
    call the function."""
    seen: set[nn.Module] = set()

    def visit(each: nn.Module) -> None:
        if each not in seen:
            seen.add(each)
            for child in each.children():
                visit(child)
        function(each)

    visit(module)
    return module


@apply_once.mistake
def root_left_out(module: nn.Module, function: Callable) -> nn.Module:
    """The root itself is missing: it comes last, after all others."""
    for each in _walk(module):
        if each is not module:
            function(each)
    return module


@apply_once.mistake
def one_level(module: nn.Module, function: Callable) -> nn.Module:
    """Only the root and its children are visited. Children have children."""
    for each in (*module.children(), module):
        function(each)
    return module


_seen_before: set[nn.Module] = set()


@apply_once.mistake(credit=0.5)
def remembers_the_last_call(module: nn.Module, function: Callable) -> nn.Module:
    """The first call is right, and the second visits nobody: the memory lives on between the calls. A default argument
    such as `seen=set()` is made once, when the function is defined."""
    for each in _walk(module, _seen_before):
        function(each)
    return module


@apply_once.mistake(credit=0.5)
def nothing_returned(module: nn.Module, function: Callable) -> None:
    """The visits are right. `apply` also returns the module, so that a line such as `net = make().apply(rule)` works;
    do the same."""
    _apply_once(module, function)


# --- shrink_residual: a bug hunt ------------------------------------------------------------------------------------

RESIDUAL = ("attn.proj.weight", "mlp.fc2.weight")


def _swin_blocks(model: nn.Module) -> list[nn.Module]:
    return [module for module in model.modules() if isinstance(module, swinlib.SwinTransformerBlock)]


def _divide(model: nn.Module, parameters: list[Tensor], number: int) -> nn.Module:
    with torch.no_grad():
        for parameter in parameters:
            parameter.div_(math.sqrt(number))
    return model


def _shrink_residual(model: nn.Module) -> nn.Module:
    blocks = _swin_blocks(model)
    return _divide(model, [w for b in blocks for w in (b.attn.proj.weight, b.mlp.fc2.weight)], 2 * len(blocks))


def _called_and_returned(answer: Callable, model: nn.Module) -> dict[str, object]:
    returned = []
    found = _called_in_place(lambda model: returned.append(answer(model)), model)
    return {**found, "the model came back": returned[0] is model}


@exercise(
    _shrink_residual,
    probe=_called_and_returned,
    changes=("model",),
    always=(
        {"depths": [1], "version": 1, "held": "alone"},
        {"depths": [1, 2], "version": 1, "held": "twice"},
        {"depths": [2], "version": 2, "held": "within"},
    ),
    depths=lists(integers(1, 2), min_size=1, max_size=2),
    version=sampled_from([1, 2]),
    held=sampled_from(["alone", "within", "twice"]),
    inputs=8,
)
def shrink_residual(depths: list[int], version: int, held: str) -> Arguments:
    """The layers that write into the residual, divided by the root of twice the number of blocks."""
    with torch.random.fork_rng(devices=[]):
        swin = swinlib.SwinTransformer(
            2, depths, [1] * len(depths), 2, patch_size=1, num_classes=2, mlp_ratio=1.0, version=version
        )
    if held == "within":
        model = nn.Sequential(swin, nn.Linear(2, 2))
    elif held == "twice":
        model = nn.ModuleDict({"backbone": swin, "first_stage": swin.layers[0]})
    else:
        model = swin
    return {"model": _fill(model)}


@shrink_residual.judge
def say_by_how_much(got: object, want: dict, model: nn.Module) -> str | None:
    """The factor of the first weight whose factor is not the right one."""
    if not isinstance(got, dict):
        return difference(got, want)
    blocks = _swin_blocks(model)
    count = f"; the model has {len(blocks)} block{'s' * (len(blocks) != 1)}"
    before = dict(model.named_parameters())
    for name, right in want["numbers"].items():
        mine = got["numbers"].get(name)
        if mine is None or mine.shape != right.shape or difference(mine, right) is None:
            continue
        factor, expected = _factor(mine, before[name]), _factor(right, before[name])
        if factor is None:
            return f"{name!r} has numbers that are not a multiple of the old ones"
        if expected == 1:
            return f"{name!r} was multiplied by {factor:.4g}; it should be left as it is"
        done = "was left as it is" if factor == 1 else f"was multiplied by {factor:.4g}"
        return f"{name!r} {done}; expected a factor of {expected:.4g}{count}"
    if problem := _wrong_parameter(got, want, model):
        return problem
    return None if got["the model came back"] else "it does not return the model"


def _factor(after: Tensor, before: Tensor) -> float | None:
    """What ``before`` was multiplied by, or None."""
    place = before.detach().abs().argmax()
    factor = (after.flatten()[place] / before.flatten()[place]).item()
    return round(factor, 4) if torch.allclose(after, before * factor, atol=1e-4) else None


@shrink_residual.mistake
def never_matched(model: nn.Module) -> nn.Module:
    """No weight has changed. From the top of the model the names are long, such as
    `layers.0.blocks.0.attn.proj.weight`, and none of them equals `proj.weight`."""
    return model


@shrink_residual.mistake(credit=0.5)
def patch_embedding_too(model: nn.Module) -> nn.Module:
    """The projection of the patch embedding is called `proj` as well, and was scaled. Ask for more of the name, or
    better for the block and its two layers."""
    found = [p for name, p in model.named_parameters() if name.endswith(("proj.weight", "fc2.weight"))]
    return _divide(model, found, 2 * len(_swin_blocks(model)))


def _per_visit(model: nn.Module, endings: tuple[str, ...]) -> nn.Module:
    twice = 2 * len(_swin_blocks(model))
    return model.apply(lambda m: _divide(m, [p for n, p in m.named_parameters() if n.endswith(endings)], twice))


@shrink_residual.mistake
def at_every_level(model: nn.Module) -> nn.Module:
    """The weights were scaled several times. `apply` comes to the block, then to the list of blocks, the stage and the
    model, and each of them lists the weight among its `named_parameters()`."""
    return _per_visit(model, RESIDUAL)


@shrink_residual.mistake
def at_every_level_by_a_short_name(model: nn.Module) -> nn.Module:
    """The weights were scaled several times, and the patch embedding's with them. `apply` comes to each module that has
    the weight somewhere inside, and `proj` is also the name of the patch embedding's convolution."""
    return _per_visit(model, ("proj.weight", "fc2.weight"))


@shrink_residual.mistake(credit=0.5)
def shared_blocks_twice(model: nn.Module) -> nn.Module:
    """A block that stands in two places was scaled twice, since `apply` comes to it once for each parent. `modules()`
    has it once."""
    twice = 2 * len(_swin_blocks(model))

    def visit(m: nn.Module) -> None:
        if isinstance(m, swinlib.SwinTransformerBlock):
            _divide(m, [m.attn.proj.weight, m.mlp.fc2.weight], twice)

    return model.apply(visit)


@shrink_residual.mistake(credit=0.25)
def counted_and_scaled_twice(model: nn.Module) -> nn.Module:
    """A block that stands in two places was counted as two, and scaled twice. It is one block; `modules()` has it
    once."""
    blocks: list[nn.Module] = []
    model.apply(lambda m: blocks.append(m) if isinstance(m, swinlib.SwinTransformerBlock) else None)
    for block in blocks:
        _divide(model, [block.attn.proj.weight, block.mlp.fc2.weight], 2 * len(blocks))
    return model


@shrink_residual.mistake(credit=0.5)
def one_per_block(model: nn.Module) -> nn.Module:
    """It was divided by the root of the number of blocks. Each block adds to the residual twice, so it is the root of
    twice that number."""
    blocks = _swin_blocks(model)
    return _divide(model, [w for b in blocks for w in (b.attn.proj.weight, b.mlp.fc2.weight)], len(blocks))


@shrink_residual.mistake(credit=0.5)
def root_forgotten(model: nn.Module) -> nn.Module:
    """It was divided by twice the number of blocks; divide by the root of that. Variances add up, and the standard
    deviation is the root of their sum."""
    blocks = _swin_blocks(model)
    return _divide(model, [w for b in blocks for w in (b.attn.proj.weight, b.mlp.fc2.weight)], (2 * len(blocks)) ** 2)


@shrink_residual.mistake(credit=0.5)
def biases_too(model: nn.Module) -> nn.Module:
    """The biases of the two layers were scaled as well. Only the weights are."""
    blocks = _swin_blocks(model)
    layers = [layer for block in blocks for layer in (block.attn.proj, block.mlp.fc2)]
    return _divide(model, [p for layer in layers for p in layer.parameters()], 2 * len(blocks))


@shrink_residual.mistake(credit=0.5)
def attention_only(model: nn.Module) -> nn.Module:
    """The MLP's `fc2` is missing: it writes into the residual as `attn.proj` does."""
    blocks = _swin_blocks(model)
    return _divide(model, [block.attn.proj.weight for block in blocks], 2 * len(blocks))


@shrink_residual.mistake(credit=0.25)
def by_stage(model: nn.Module) -> nn.Module:
    """Only the blocks of the same stage were counted. The residual goes through all stages; count the blocks of the
    model."""
    for stage in model.modules():
        if isinstance(stage, swinlib.SwinStage):
            _shrink_residual(stage)
    return model


@shrink_residual.mistake(credit=0.5)
def version_1_blocks(model: nn.Module) -> nn.Module:
    """A block of version 2 was passed over: it is a subclass of `SwinTransformerBlock`. Ask `isinstance`, and not for
    the type."""
    blocks = [module for module in model.modules() if type(module) is swinlib.SwinTransformerBlock]
    return _divide(model, [w for b in blocks for w in (b.attn.proj.weight, b.mlp.fc2.weight)], 2 * len(blocks))


# --- init_everything ------------------------------------------------------------------------------------------------

STD = 0.02
NOT_WRITTEN = "still not a number"
ZEROS, ONES = "0 everywhere", "1 everywhere"
NORMAL = "normal with standard deviation 0.02"
CUT = "cut off at 0.04, two standard deviations"


class LayerNormOfMaps(nn.LayerNorm):
    """A subclass, as models for images have it."""


class Tokens(nn.Module):
    """The owner of bare parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.mask_token = nn.Parameter(torch.empty(1, 1, 2048))
        self.norm = LayerNormOfMaps(48)


class Net(nn.Module):
    """Layers, and perhaps a bare parameter of its own."""

    def __init__(self, layers: list[nn.Module], bare: bool) -> None:
        super().__init__()
        if bare:
            self.absolute_pos_embed = nn.Parameter(torch.empty(1, 64, 32))
        self.layers = nn.ModuleList(layers)


# Each tensor that is to be drawn has about two thousand numbers, so that its standard deviation can be judged.
ZOO: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(48, 48),
    "bare": lambda: nn.Linear(48, 48, bias=False),
    "norm": lambda: nn.LayerNorm(48),
    "plain": lambda: nn.LayerNorm(48, elementwise_affine=False),
    "conv": lambda: nn.Conv2d(3, 48, 4),
    "table": lambda: swinlib.WindowAttention(48, 7, 12),
    "heads": lambda: nn.MultiheadAttention(48, 2),
    "tokens": Tokens,
    "embedding": lambda: nn.Embedding(64, 32),
}


def _looks_like(tensor: Tensor) -> str:
    """What was written into a parameter, in words that are the same for every draw of the same kind."""
    flat = tensor.detach().double().flatten()
    if flat.isnan().any():
        return NOT_WRITTEN
    if (flat == flat[0]).all():
        return f"{flat[0].item():g} everywhere"
    mean, std = flat.mean().item(), flat.std().item()
    far = (flat.abs() > 2 * STD).double().mean().item()
    # Six standard deviations of what is measured: a right answer does not fail by chance.
    if abs(mean) > 6 * std / math.sqrt(len(flat)):
        return f"random with a mean of {mean:.1g}"
    if flat.abs().max() <= 2.001 * STD and 0.0165 < std < 0.0187:
        return CUT
    if abs(std / STD - 1) > 6 / math.sqrt(2 * len(flat)):
        return f"random with standard deviation {std:.1g}"
    return NORMAL if far > 0.01 else "random, but not normal: next to nothing lies beyond 0.04"


def _kinds_of_numbers(answer: Callable, model: nn.Module) -> dict[str, str]:
    model.apply(answer)
    return {name: _looks_like(parameter) for name, parameter in model.named_parameters()}


def _init_everything(m: nn.Module) -> None:
    for name, parameter in m.named_parameters(recurse=False):
        if name == "bias" or name.endswith("_bias"):
            nn.init.zeros_(parameter)
        elif isinstance(m, nn.LayerNorm):
            nn.init.ones_(parameter)
        else:
            nn.init.normal_(parameter, std=STD)


@exercise(
    _init_everything,
    probe=_kinds_of_numbers,
    changes=("model",),
    always=(
        {"kinds": ["linear", "norm"], "bare": False},
        {"kinds": ["table", "plain", "bare"], "bare": False},
        {"kinds": ["heads", "tokens"], "bare": True},
        {"kinds": ["conv", "embedding"], "bare": False},
    ),
    kinds=lists(sampled_from(list(ZOO)), min_size=1, max_size=3),
    bare=booleans(),
    inputs=10,
)
def init_everything(kinds: list[str], bare: bool) -> Arguments:
    """A function for `apply` that leaves no parameter out."""
    with torch.random.fork_rng(devices=[]):
        model = Net([ZOO[kind]() for kind in kinds], bare)
    for parameter in model.parameters():
        nn.init.constant_(parameter, math.nan)
    return {"model": model}


@init_everything.judge
def say_what_it_holds(got: object, want: dict, model: nn.Module) -> str | None:
    """Name the parameter, its owner, what it holds and what it should hold."""
    if not isinstance(got, dict):
        return difference(got, want)
    for name, right in want.items():
        mine = got.get(name, "gone")
        if mine != right:
            where = f"after model.apply(init_everything), {name!r} (of a {_owner(model, name)})"
            return f"{where} is {mine}; expected {right}"
    return difference(got, want, name="what the parameters hold")


def _drawn(parameter: Tensor | None) -> None:
    if parameter is not None:
        nn.init.normal_(parameter, std=STD)


def _zeroed(parameter: Tensor | None) -> None:
    if parameter is not None:
        nn.init.zeros_(parameter)


@init_everything.mistake
def linear_layers_only(m: nn.Module) -> None:
    """Only linear layers are asked for. Norms, convolutions, embeddings and bare parameters are left as they were."""
    if isinstance(m, nn.Linear):
        _drawn(m.weight)
        _zeroed(m.bias)


@init_everything.mistake
def as_swin_does(m: nn.Module) -> None:
    """This is `swinlib.init_weights`, made for one model: of the bare parameters it knows only the table of
    `WindowAttention`, and it leaves convolutions to PyTorch's default."""
    swinlib.init_weights(m)


@init_everything.mistake(credit=0.5)
def bare_parameters_left(m: nn.Module) -> None:
    """What is called `weight` and `bias` is right. Parameters under any other name are left as they were: a table, a
    token, the three projections of a `MultiheadAttention`. Ask each module for all that it owns."""
    if isinstance(m, nn.LayerNorm):
        if m.weight is not None:
            nn.init.ones_(m.weight)
    else:
        _drawn(getattr(m, "weight", None))
    _zeroed(getattr(m, "bias", None))


@init_everything.mistake
def all_below(m: nn.Module) -> None:
    """`named_parameters()` goes through everything below a module, so each parent writes once more into what its
    children had written, and does not know that a norm owns it. `recurse=False` gives what the module itself owns."""
    for name, parameter in m.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif isinstance(m, nn.LayerNorm):
            nn.init.ones_(parameter)
        else:
            _drawn(parameter)


@init_everything.mistake(credit=0.5)
def bias_in_the_name(m: nn.Module) -> None:
    """The position bias has become 0. `relative_position_bias_table` has `bias` *in* its name; what is a bias is called
    `bias`, or ends in `_bias`."""
    for name, parameter in m.named_parameters(recurse=False):
        if "bias" in name:
            nn.init.zeros_(parameter)
        elif isinstance(m, nn.LayerNorm):
            nn.init.ones_(parameter)
        else:
            _drawn(parameter)


@init_everything.mistake(credit=0.5)
def called_bias_alone(m: nn.Module) -> None:
    """The `in_proj_bias` of a `MultiheadAttention` was drawn. A name that ends in `_bias` is a bias too."""
    for name, parameter in m.named_parameters(recurse=False):
        if name == "bias":
            nn.init.zeros_(parameter)
        elif isinstance(m, nn.LayerNorm):
            nn.init.ones_(parameter)
        else:
            _drawn(parameter)


@init_everything.mistake(credit=0.5)
def none_written(m: nn.Module) -> None:
    """A layer may have no bias, and a norm no weight: the attribute is `None` then. `named_parameters` leaves it
    out."""
    if isinstance(m, (nn.Linear, nn.LayerNorm)):
        nn.init.zeros_(m.bias)
    _init_everything(m)


@init_everything.mistake
def norms_drawn(m: nn.Module) -> None:
    """The weights of the norms were drawn. With 0.02 in place of 1 a norm hands on a fiftieth of what it should."""
    for name, parameter in m.named_parameters(recurse=False):
        if name == "bias" or name.endswith("_bias"):
            nn.init.zeros_(parameter)
        else:
            _drawn(parameter)


@init_everything.mistake
def by_dimensions(m: nn.Module) -> None:
    """Everything with one dimension has become 0, the weights of the norms with it. They are 1: a norm with weight 0
    gives 0."""
    for parameter in m.parameters(recurse=False):
        if parameter.ndim < 2:
            nn.init.zeros_(parameter)
        else:
            _drawn(parameter)


@init_everything.mistake(credit=0.5)
def norms_by_type(m: nn.Module) -> None:
    """A norm of a subclass was drawn. `isinstance(m, nn.LayerNorm)` includes it; a comparison of types does not."""
    for name, parameter in m.named_parameters(recurse=False):
        if name == "bias" or name.endswith("_bias"):
            nn.init.zeros_(parameter)
        elif type(m) is nn.LayerNorm:
            nn.init.ones_(parameter)
        else:
            _drawn(parameter)


@init_everything.mistake(credit=0.5)
def cut_at_two(m: nn.Module) -> None:
    """The tails are cut off at two standard deviations, and the rest has one of 0.0176. Swin's bounds of ±2 are values,
    and cut nothing."""
    _init_everything(m)
    for parameter in m.parameters(recurse=False):
        if parameter.unique().numel() > 1:
            nn.init.trunc_normal_(parameter, std=STD, a=-2 * STD, b=2 * STD)


@init_everything.mistake
def drawn_without_scale(m: nn.Module) -> None:
    """What is drawn has a standard deviation of 1, fifty times too much: `nn.init` takes it as `std=0.02`."""
    _init_everything(m)
    for parameter in m.parameters(recurse=False):
        if parameter.unique().numel() > 1:
            nn.init.normal_(parameter)


# --- truncate_normal ------------------------------------------------------------------------------------------------

BOUNDS = (
    [-2.0, 2.0],
    [-1.0, 2.5],
    [-100.0, 100.0],
    [-0.5, 0.5],
    [1.0, 2.0],
    [-100.0, 0.5],
    [-2.0, -1.0],
    [-3.0, 100.0],
)


def _share(x: float) -> float:
    """Of a normal distribution with standard deviation 1, what lies below x."""
    return (1 + math.erf(x / math.sqrt(2))) / 2


def _quantile(u: Tensor, std: float) -> Tensor:
    return torch.special.ndtri(u) * std


def _truncate_normal(u: Tensor, std: float, low: float, high: float) -> Tensor:
    below, above = _share(low / std), _share(high / std)
    x = torch.special.ndtri(below + u.double() * (above - below)) * std
    return x.clamp(low, high).to(u.dtype)


@exercise(
    _truncate_normal,
    always=(
        {"shape": [5], "std": 0.02, "bounds": [-2.0, 2.0], "ends": False, "dtype": "float32", "layout": "contiguous"},
        {"shape": [5], "std": 2.0, "bounds": [-1.0, 2.5], "ends": False, "dtype": "float64", "layout": "contiguous"},
        {
            "shape": [6],
            "std": 0.02,
            "bounds": [-100.0, 100.0],
            "ends": True,
            "dtype": "float32",
            "layout": "contiguous",
        },
        {"shape": [2, 3], "std": 0.5, "bounds": [-2.0, -1.0], "ends": True, "dtype": "float64", "layout": "strided"},
    ),
    shape=lists(integers(1, 3), min_size=1, max_size=3),
    std=sampled_from([1.0, 2.0, 0.5, 0.02]),
    bounds=sampled_from(BOUNDS),
    ends=booleans(),
    dtype=DTYPES,
    layout=LAYOUTS,
)
def truncate_normal(
    shape: list[int], std: float, bounds: list[float], ends: bool, dtype: str, layout: str
) -> Arguments:
    """Uniform numbers to those of a normal distribution that is cut off; the bounds in units of its ``std``."""
    # Far out in the tails float32 has few digits, so the numbers lie in the middle, or at the very ends.
    u = 0.002 + 0.996 * torch.special.ndtr(noise(*shape, dtype="float64", layout=layout))
    near = [abs(bound) < 50 for bound in bounds]
    if ends and near[0] == near[1]:  # with one bound far out, rounding decides where the end of the tail lies
        u[(0,) * u.dim()], u[(-1,) * u.dim()] = 0.0, 1.0
    low, high = (bound * std for bound in bounds)
    return {"u": u.to(getattr(torch, dtype)), "std": std, "low": low, "high": high}


@truncate_normal.judge
def say_which_number(got: object, want: Tensor, u: Tensor, std: float, low: float, high: float) -> str | None:
    """A number out of bounds first; then one at the wrong place. A thousandth of std is allowed."""
    if not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return difference(got, want)
    mine, right, below = (tensor.detach().double().flatten() for tensor in (got, want, u))
    slack = 1e-3 * std
    outside = ~((mine >= low - slack) & (mine <= high + slack))
    wrong = ~((mine - right).abs() <= slack)
    for bad in (outside, wrong):
        if bad.any():
            place = int(bad.nonzero()[0])
            where = f"the number u = {show(below[place].item())} became {show(mine[place].item())}"
            if bad is outside:
                return f"{where}, which does not lie between {show(low)} and {show(high)}"
            return f"{where}; expected {show(right[place].item())}"
    return None


@truncate_normal.mistake
def bounds_in_units_of_std(u: Tensor, std: float, low: float, high: float) -> Tensor:
    """The bounds were taken as multiples of the standard deviation. They are values: divide them by `std` before you
    ask how much lies below them."""
    below, above = _share(low), _share(high)
    return _quantile(below + u * (above - below), std)


@truncate_normal.mistake
def bounds_in_units_of_std_and_clamped(u: Tensor, std: float, low: float, high: float) -> Tensor:
    """The bounds were taken as multiples of the standard deviation when the shares below them were computed, and
    as values at the end. They are values: divide them by `std` first."""
    return bounds_in_units_of_std(u, std, low, high).clamp(low, high)


@truncate_normal.mistake
def piled_up(u: Tensor, std: float, low: float, high: float) -> Tensor:
    """What lay outside was moved to the bounds, where it piles up. Spread the numbers `u` over the share between the
    bounds instead, so that none falls outside."""
    return _quantile(u, std).clamp(low, high)


@truncate_normal.mistake
def not_cut(u: Tensor, std: float, low: float, high: float) -> Tensor:
    """These are numbers of the whole normal distribution; nothing is cut off."""
    return _quantile(u, std)


@truncate_normal.mistake
def evenly_spread(u: Tensor, std: float, low: float, high: float) -> Tensor:
    """The numbers are spread evenly between the bounds. What is to be spread evenly are the shares, which then go
    through the inverse, `ndtri`."""
    return low + u * (high - low)


@truncate_normal.mistake(credit=0.25)
def std_forgotten_before_the_bounds(u: Tensor, std: float, low: float, high: float) -> Tensor:
    """The quantile is one of a distribution with standard deviation 1. Multiply by `std` before the bounds are
    applied."""
    below, above = _share(low / std), _share(high / std)
    return torch.special.ndtri(below + u * (above - below)).clamp(low, high)


@truncate_normal.mistake(credit=0.25)
def std_forgotten(u: Tensor, std: float, low: float, high: float) -> Tensor:
    """The quantile is one of a distribution with standard deviation 1. Multiply it by `std`."""
    below, above = _share(low / std), _share(high / std)
    return torch.special.ndtri(below + u * (above - below))


@truncate_normal.mistake(credit=0.25)
def upper_share_alone(u: Tensor, std: float, low: float, high: float) -> Tensor:
    """The interval begins in the right place but is too long: between the bounds lies the *difference* of the two
    shares."""
    below, above = _share(low / std), _share(high / std)
    return _quantile((below + u * above).clamp(0, 1), std).clamp(low, high)


@truncate_normal.mistake(credit=0.5)
def infinite_at_the_ends(u: Tensor, std: float, low: float, high: float) -> Tensor:
    """It is right but for u = 0 and u = 1. Where the bounds are far out, the share below the lower one is 0 to the last
    digit, and `ndtri(0)` is minus infinity. Bring the result into the bounds at the end."""
    below, above = _share(low / std), _share(high / std)
    return (torch.special.ndtri(below + u.double() * (above - below)) * std).to(u.dtype)


@truncate_normal.mistake(credit=0.5)
def always_single(u: Tensor, std: float, low: float, high: float) -> Tensor:
    """The numbers are right, but in another dtype than `u`."""
    return _truncate_normal(u, std, low, high).float()


@truncate_normal.mistake
def other_way_round(u: Tensor, std: float, low: float, high: float) -> Tensor:
    """`ndtr` gives the share below a number; what is wanted here is the number for a share, `ndtri`."""
    below, above = _share(low / std), _share(high / std)
    return (torch.special.ndtr(below + u * (above - below)) * std).clamp(low, high)


# --- init_by_rules --------------------------------------------------------------------------------------------------


class Write:
    """A rule's function, with a name that a message can show."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, parameter: Tensor) -> None:
        if self.name == "zeros_":
            nn.init.zeros_(parameter)
        elif self.name == "double":
            parameter.mul_(2)
        else:
            parameter.add_(1)

    def __repr__(self) -> str:
        return self.name


WORDS = (
    "norm",
    "weight",
    "attn.proj",
    "bias",
    "proj",
    "blocks.0",
    "head",
    "encoder.head",
    "running",
    "norm.weight",
    "attn",
    "blocks.1",
)
WRITES = ("double", "add_one", "zeros_")


def _small_swin(blocks: int, tied: bool) -> nn.Module:
    """The names of a Swin, a norm that has buffers, and perhaps one weight for two layers."""
    named = collections.OrderedDict
    model = nn.Module()
    model.patch_embed = nn.Sequential(named(proj=nn.Linear(2, 2), norm=nn.BatchNorm1d(2)))
    model.blocks = nn.ModuleList(
        nn.Sequential(
            named(norm1=nn.LayerNorm(2), attn=nn.Sequential(named(qkv=nn.Linear(2, 2), proj=nn.Linear(2, 2))))
        )
        for _ in range(blocks)
    )
    model.head = nn.Linear(2, 2, bias=False)
    if tied:
        model.head.weight = model.patch_embed.proj.weight
    return model


@torch.no_grad()
def _init_by_rules(model: nn.Module, rules: list[tuple[str, Callable]]) -> tuple[list[str], list[str]]:
    used, left = set(), []
    for name, parameter in model.named_parameters():
        for place, (word, write) in enumerate(rules):
            if word in name:
                write(parameter)
                used.add(place)
                break
        else:
            left.append(name)
    return [word for place, (word, _) in enumerate(rules) if place not in used], left


def _numbers_and_reports(answer: Callable, model: nn.Module, rules: list[tuple[str, Callable]]) -> dict[str, object]:
    before = dict(model.named_parameters())
    trained = {name: parameter.requires_grad for name, parameter in before.items()}
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    result = answer(model, rules)
    found = _changed_in_place(model, before, trained)
    found["buffers"] = [name for name, buffer in model.named_buffers() if not torch.equal(buffer, buffers[name])]
    found["result"] = (
        [list(p) if isinstance(p, (list, tuple)) else p if isinstance(p, str) else show(p) for p in result]
        if isinstance(result, (list, tuple))
        else show(result)
    )
    return found


@exercise(
    _init_by_rules,
    probe=_numbers_and_reports,
    changes=("model",),
    always=(
        {"words": ["norm.weight", "norm", "weight", "encoder.head"], "first": 2, "blocks": 1, "tied": False},
        {"words": ["weight", "head", "attn"], "first": 0, "blocks": 1, "tied": True},
        {"words": ["proj", "running"], "first": 1, "blocks": 2, "tied": True},
        {"words": [], "first": 0, "blocks": 1, "tied": False},
    ),
    words=lists(sampled_from(WORDS), unique=True, max_size=4),
    first=integers(0, len(WRITES) - 1),
    blocks=integers(1, 2),
    tied=booleans(),
)
def init_by_rules(words: list[str], first: int, blocks: int, tied: bool) -> Arguments:
    """Parameters by words of their names, with a report of what found nothing."""
    with torch.random.fork_rng(devices=[]):
        model = _fill(_small_swin(blocks, tied))
    return {
        "model": model,
        "rules": [(word, Write(WRITES[(first + k) % len(WRITES)])) for k, word in enumerate(words)],
    }


@init_by_rules.judge
def say_which_rule(got: object, want: dict, model: nn.Module, rules: list[tuple[str, Callable]]) -> str | None:
    """The parameter with its rule; then the two lists."""
    if not isinstance(got, dict):
        return difference(got, want)
    for name, right in want["numbers"].items():
        mine = got["numbers"].get(name)
        if isinstance(mine, Tensor) and difference(mine, right) is not None:
            rule = next((f"its rule is {word!r}: {write}" for word, write in rules if word in name), "it has no rule")
            return f"{difference(mine, right, name=repr(name))}; {rule}"
    if problem := _wrong_parameter(got, want, model):
        return problem
    for name in got["buffers"]:
        return f"{name!r} has changed, which is a buffer, not a parameter"
    result = got["result"]
    if not isinstance(result, list) or len(result) != 2:
        return f"the result is {result if isinstance(result, str) else show(result)}; expected two lists"
    titles = ("words of rules that wrote nothing", "names without a rule")
    return _wrong_words(result[0], want["result"][0], titles[0]) or _wrong_words(
        result[1], want["result"][1], titles[1]
    )


def _wrong_words(mine: object, right: list[str], title: str) -> str | None:
    if not isinstance(mine, list):
        return f"instead of the list of {title} there is {mine}"
    for word in right:
        if word not in mine:
            return f"{word!r} is missing from the list of {title}"
    for word in mine:
        if word not in right:
            return f"{word!r} is in the list of {title}, and should not be"
    for one, other in zip(mine, right, strict=False):
        if one != other:
            return f"in the list of {title}, {one!r} stands where {other!r} should"
    return None if mine == right else f"the list of {title} has {len(mine)} entries; expected {len(right)}"


def _spoiled_rules(
    model: nn.Module,
    rules: list[tuple[str, Callable]],
    *,
    every: bool = False,
    used_if_found: bool = False,
    fits: Callable[[str, str], bool] = lambda word, name: word in name,
    duplicates: bool = False,
    state: bool = False,
) -> tuple[list[str], list[str]]:
    """The right answer; each option spoils it."""
    named = model.state_dict().items() if state else model.named_parameters(remove_duplicate=not duplicates)
    used, left = set(), []
    with torch.no_grad():
        for name, tensor in list(named):
            found = [place for place, (word, _) in enumerate(rules) if fits(word, name)]
            for place in found if every else found[:1]:
                rules[place][1](tensor)
            used.update(found if every or used_if_found else found[:1])
            if not found:
                left.append(name)
    return [word for place, (word, _) in enumerate(rules) if place not in used], left


@init_by_rules.mistake
def every_rule_writes(model: nn.Module, rules: list[tuple[str, Callable]]) -> tuple[list[str], list[str]]:
    """Every rule whose word is in the name wrote, one after the other. Only the first does: leave the loop."""
    return _spoiled_rules(model, rules, every=True)


@init_by_rules.mistake
def last_rule_wins(model: nn.Module, rules: list[tuple[str, Callable]]) -> tuple[list[str], list[str]]:
    """The last rule that fits has written; it should be the first."""
    unused, left = _spoiled_rules(model, rules[::-1])
    return unused[::-1], left


@init_by_rules.mistake
def recorded_writes(model: nn.Module, rules: list[tuple[str, Callable]]) -> tuple[list[str], list[str]]:
    """A rule's function wrote while autograd was recording. Not all of them switch recording off, as `nn.init` does:
    put `no_grad` around the writing."""
    return _init_by_rules.__wrapped__(model, rules)


@init_by_rules.mistake(credit=0.5)
def used_if_it_occurs(model: nn.Module, rules: list[tuple[str, Callable]]) -> tuple[list[str], list[str]]:
    """The parameters are right. The report leaves out a rule whose word occurs in some name, although an earlier rule
    had each of these names: it wrote nothing."""
    return _spoiled_rules(model, rules, used_if_found=True)


@init_by_rules.mistake(credit=0.25)
def tied_written_twice(model: nn.Module, rules: list[tuple[str, Callable]]) -> tuple[list[str], list[str]]:
    """A weight that two layers share was written twice, once for each of its names. It is one parameter, and
    `named_parameters()` names it once."""
    return _spoiled_rules(model, rules, duplicates=True)


@init_by_rules.mistake
def from_the_state_dict(model: nn.Module, rules: list[tuple[str, Callable]]) -> tuple[list[str], list[str]]:
    """The names come from the `state_dict`, which has buffers too, and two names for a weight that two layers share."""
    return _spoiled_rules(model, rules, state=True)


@init_by_rules.mistake
def at_the_beginning(model: nn.Module, rules: list[tuple[str, Callable]]) -> tuple[list[str], list[str]]:
    """The words were looked for at the beginning of the names; they may stand anywhere in them."""
    return _spoiled_rules(model, rules, fits=lambda word, name: name.startswith(word))


@init_by_rules.mistake
def in_the_last_part(model: nn.Module, rules: list[tuple[str, Callable]]) -> tuple[list[str], list[str]]:
    """The words were looked for in the last part of the names alone, `weight` or `bias`. They may stand anywhere in the
    whole name."""
    return _spoiled_rules(model, rules, fits=lambda word, name: word in name.rpartition(".")[2])


@init_by_rules.mistake
def as_a_whole_part(model: nn.Module, rules: list[tuple[str, Callable]]) -> tuple[list[str], list[str]]:
    """The words were compared with whole parts of the names. `norm` is also in `blocks.0.norm1.weight`, and a word may
    have a dot in it."""
    return _spoiled_rules(model, rules, fits=lambda word, name: word in name.split("."))


@init_by_rules.mistake(credit=0.5)
def lists_exchanged(model: nn.Module, rules: list[tuple[str, Callable]]) -> tuple[list[str], list[str]]:
    """The two lists are in the wrong order: first the words of the rules, then the names of the parameters."""
    return _init_by_rules(model, rules)[::-1]


@init_by_rules.mistake(credit=0.5)
def nothing_reported(model: nn.Module, rules: list[tuple[str, Callable]]) -> None:
    """The parameters are right; the two lists are not returned."""
    _init_by_rules(model, rules)


# --- unit_std -------------------------------------------------------------------------------------------------------

CHANNELS = 3
STEPS = ("linear", "gelu", "norm", "residual", "dropout", "again", "special", "closed", "unused")


class Residual(nn.Module):
    """(..., C) to (..., C): the input, and what a linear layer makes of it."""

    def __init__(self, closed: bool) -> None:
        super().__init__()
        self.fc = nn.Linear(CHANNELS, CHANNELS, bias=not closed)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.fc(x.tanh())


class Chain(nn.Module):
    """Runs its steps in their order, and may have been given them in another one."""

    def __init__(self, steps: list[str], backwards: bool) -> None:
        super().__init__()
        self.run: list[str] = []
        made: list[tuple[str, nn.Module]] = []
        for k, step in enumerate(steps):
            first = next((name for name, layer in made if isinstance(layer, nn.Linear) and name in self.run), None)
            if step == "again" and first:
                self.run.append(first)
                continue
            name = f"{step if step != 'again' else 'linear'}{k}"
            made.append((name, self.make(step)))
            if step != "unused":
                self.run.append(name)
        for name, layer in reversed(made) if backwards else made:
            self.add_module(name, layer)

    @staticmethod
    def make(step: str) -> nn.Module:
        if step in ("residual", "closed"):
            return Residual(closed=step == "closed")
        if step == "special":
            return NonDynamicallyQuantizableLinear(CHANNELS, CHANNELS)
        make = {"gelu": nn.GELU, "dropout": nn.Dropout, "norm": lambda: nn.LayerNorm(CHANNELS)}
        return make.get(step, lambda: nn.Linear(CHANNELS, CHANNELS))()

    def forward(self, x: Tensor) -> Tensor:
        for name in self.run:
            x = self.get_submodule(name)(x)
        return x


def _is_linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear)


@torch.no_grad()
def _unit_std(
    model: nn.Module,
    x: Tensor,
    *,
    chosen: Callable[[nn.Module], bool] = _is_linear,
    biases: bool = True,
    hand_on: bool = True,
    once: bool = True,
    guard: bool = True,
    measure: Callable[[Tensor], Tensor] = torch.std,
    evaluate: bool = True,
    afterwards: str = "as it was",
    remove: bool = True,
) -> None:
    """The right answer; each option spoils it."""
    done: set[nn.Module] = set()

    def scale(layer: nn.Module, inputs: tuple, output: Tensor) -> Tensor | None:
        std = measure(output)
        if (once and layer in done) or (guard and std == 0):
            return None
        done.add(layer)
        layer.weight.div_(std)
        return output / std if hand_on else None

    modes = {module: module.training for module in model.modules()}
    layers = [module for module in modes if chosen(module)]
    for layer in layers:
        if biases and layer.bias is not None:
            layer.bias.zero_()
    hooks = [layer.register_forward_hook(scale) for layer in layers]
    if evaluate:
        model.eval()
    model(x)
    for hook in hooks if remove else ():
        hook.remove()
    if afterwards == "training":
        model.train()
    elif afterwards == "as it was":
        for module, training in modes.items():
            module.training = training


def _measured(model: nn.Module, x: Tensor) -> dict[str, float]:
    """The standard deviation after the first run of each linear layer that runs."""
    found: dict[nn.Module, float] = {}

    def note(layer: nn.Module, inputs: tuple, output: Tensor) -> None:
        found.setdefault(layer, output.double().std().item())

    names = {module: name for name, module in model.named_modules()}
    for module in names:
        if isinstance(module, nn.Linear):
            module.register_forward_hook(note)
    with torch.no_grad():
        model.eval()(x)
    return {names[layer]: std for layer, std in found.items()}


def _after_levelling(answer: Callable, model: nn.Module, x: Tensor) -> dict[str, object]:
    before = dict(model.named_parameters())
    trained = {name: parameter.requires_grad for name, parameter in before.items()}
    modes = {name: module.training for name, module in model.named_modules()}
    noisy: list[bool] = []
    watching = [
        module.register_forward_pre_hook(lambda dropout, _: noisy.append(dropout.training))
        for module in model.modules()
        if isinstance(module, nn.Dropout)
    ]
    try:
        answer(model, x)
    finally:
        for hook in watching:
            hook.remove()
    found = _changed_in_place(model, before, trained)
    found["ran in training mode"] = any(noisy)
    found["other mode"] = [name for name, module in model.named_modules() if module.training != modes[name]]
    found["hooks"] = [
        name for name, module in model.named_modules() if module._forward_hooks or module._forward_pre_hooks
    ]
    beside(answer).unhook(model)
    measured = _measured(model, x)
    found["layers"], found["std"] = list(measured), torch.tensor(list(measured.values()))
    return found


@exercise(
    _unit_std,
    probe=_after_levelling,
    changes=("model",),
    always=(
        {
            "steps": ["linear", "gelu", "linear", "linear"],
            "backwards": False,
            "training": False,
            "batch": 600,
            "tokens": 2,
            "dtype": "float32",
        },
        {
            "steps": ["linear", "residual", "special"],
            "backwards": True,
            "training": False,
            "batch": 600,
            "tokens": 2,
            "dtype": "float32",
        },
        {
            "steps": ["linear", "again", "closed", "unused"],
            "backwards": False,
            "training": False,
            "batch": 600,
            "tokens": 0,
            "dtype": "float32",
        },
        {
            "steps": ["linear", "dropout", "linear", "residual"],
            "backwards": True,
            "training": True,
            "batch": 600,
            "tokens": 3,
            "dtype": "float32",
        },
    ),
    steps=lists(sampled_from(STEPS), min_size=1, max_size=5),
    backwards=booleans(),
    training=booleans(),
    batch=integers(600, 602),  # so many that dividing by n or by n - 1 makes no difference
    tokens=integers(0, 3),
    dtype=DTYPES,
    inputs=12,
)
def unit_std(steps: list[str], backwards: bool, training: bool, batch: int, tokens: int, dtype: str) -> Arguments:
    """Each linear layer scaled such that what leaves it has standard deviation 1."""
    with torch.random.fork_rng(devices=[]):
        model = _fill(Chain(steps, backwards).to(getattr(torch, dtype)))
    model.train(training)
    for module in model.modules():
        if isinstance(module, Residual):
            module.eval()  # frozen, as a pretrained part may be
            if module.fc.bias is None:
                nn.init.zeros_(module.fc.weight)
    shape = (batch, tokens, CHANNELS) if tokens else (batch, CHANNELS)
    return {"model": model, "x": noise(*shape, seed=99, dtype=dtype) + 1}


@unit_std.judge
def say_what_leaves_it(got: object, want: dict, model: nn.Module, x: Tensor) -> str | None:
    """The biases, what leaves each layer, then what else has changed."""
    if not isinstance(got, dict):
        return difference(got, want)
    run = f"; the model runs {' → '.join(model.run) or 'nothing'}"
    if list(model._modules) != list(dict.fromkeys(model.run)):
        run += f", and holds {', '.join(model._modules)}"
    for name in want["numbers"]:
        mine = got["numbers"].get(name)
        if not isinstance(mine, Tensor):
            return f"{name!r} is no longer a parameter of the model"
        if isinstance(model.get_submodule(name.rpartition(".")[0]), nn.Linear) and name.endswith("bias") and mine.any():
            return f"{name!r} is not 0{run}"
    for name, mine, right in zip(got["layers"], got["std"].tolist(), want["std"].tolist(), strict=True):
        if not abs(mine - right) <= 5e-4:
            what = f"in the finished model, what leaves {name!r} has standard deviation {mine:.4g}"
            noisy = "; a dropout layer ran in training mode" if got["ran in training mode"] else ""
            return f"{what}; expected {right:g}{noisy}{run}"
    for name, right in want["numbers"].items():
        mine, reached = got["numbers"][name], name.rpartition(".")[0] in got["layers"]
        if reached and right.any():
            mine, right = mine / mine.norm(), right / right.norm()
        if mine.shape != right.shape or not torch.allclose(mine, right, rtol=1e-3, atol=1e-5):
            done = "is not a positive multiple of what it was" if reached else "has changed"
            return f"{name!r} (of a {_owner(model, name)}) {done}{run}"
    for name in got["other mode"]:
        is_in = "training" if not model.get_submodule(name).training else "evaluation"
        return f"{name or 'the model'!r} is in {is_in} mode now, and was not before{run}"
    for name in got["hooks"]:
        return f"{name!r} still has a hook{run}"
    return _other_parameter(got, model)


@unit_std.mistake(credit=0.25)
def all_measured_first(model: nn.Module, x: Tensor) -> None:
    """All layers were measured with the old weights before them. As soon as the first is scaled, the second is given
    other numbers. Measure a layer when those before it are done: a hook may return the output that is handed on."""
    _unit_std(model, x, hand_on=False)


def _layer_by_layer(model: nn.Module, x: Tensor, layers: list[nn.Module]) -> None:
    """Each layer measured in a pass of its own, with all others at work."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    with torch.no_grad():
        for layer in layers:
            if layer.bias is not None:
                layer.bias.zero_()
        for layer in layers:
            first: list[Tensor] = []
            hook = layer.register_forward_hook(lambda _, inputs, output, first=first: first.append(output))
            model(x)
            hook.remove()
            if first and first[0].std() > 0:
                layer.weight.div_(first[0].std())
    for module, training in modes.items():
        module.training = training


@unit_std.mistake(credit=0.5)
def in_the_order_of_definition(model: nn.Module, x: Tensor) -> None:
    """The layers were scaled in the order in which the model holds them. It may run them in another one, and then a
    layer is measured before those that feed it are done."""
    _layer_by_layer(model, x, [module for module in model.modules() if isinstance(module, nn.Linear)])


@unit_std.mistake
def biases_stay(model: nn.Module, x: Tensor) -> None:
    """The biases of the linear layers are still what they were; they should become 0. With a bias, dividing the weight
    does not divide what leaves the layer."""
    _unit_std(model, x, biases=False)


@unit_std.mistake
def by_the_variance(model: nn.Module, x: Tensor) -> None:
    """It was divided by the variance. The standard deviation is its root."""
    _unit_std(model, x, measure=torch.var)


@unit_std.mistake(credit=0.5)
def by_the_mean_square(model: nn.Module, x: Tensor) -> None:
    """It was divided by the root of the mean square. The standard deviation is taken from the mean, and what leaves a
    layer has a mean that is not 0."""
    _unit_std(model, x, measure=lambda output: output.square().mean().sqrt())


@unit_std.mistake(credit=0.25)
def at_every_run(model: nn.Module, x: Tensor) -> None:
    """A layer that runs twice was scaled twice, so its first run no longer gives 1. The first run counts."""
    _unit_std(model, x, once=False)


@unit_std.mistake(credit=0.5)
def divided_by_zero(model: nn.Module, x: Tensor) -> None:
    """The weight of a layer that gives 0 everywhere was divided by 0. No factor gives it another standard deviation:
    leave it as it is."""
    _unit_std(model, x, guard=False)


@unit_std.mistake(credit=0.5)
def subclasses_passed_over(model: nn.Module, x: Tensor) -> None:
    """A subclass of `nn.Linear` was passed over. Ask `isinstance`, and not for the type."""
    _unit_std(model, x, chosen=lambda module: type(module) is nn.Linear)


@unit_std.mistake(credit=0.5)
def with_dropout_on(model: nn.Module, x: Tensor) -> None:
    """You measured while dropout was at work, so the numbers are right for one draw alone. Put the model into
    evaluation mode first, and each module back into its own afterwards."""
    _unit_std(model, x, evaluate=False)


@unit_std.mistake(credit=0.5)
def left_in_evaluation(model: nn.Module, x: Tensor) -> None:
    """The scaling is right, but the model is left in evaluation mode: training it now would run without
    dropout."""
    _unit_std(model, x, afterwards="evaluation")


@unit_std.mistake(credit=0.5)
def all_in_training(model: nn.Module, x: Tensor) -> None:
    """The scaling is right. `model.train()` at the end put all modules into training mode, even those that were not in
    it. Note the mode of each module, and put it back."""
    _unit_std(model, x, afterwards="training")


@unit_std.mistake(credit=0.5)
def hooks_left(model: nn.Module, x: Tensor) -> None:
    """The scaling is right, but the hooks are still there: the next batch would be scaled, and change the weights. Keep
    what `register_forward_hook` returns, and `remove()` it."""
    _unit_std(model, x, remove=False)


@unit_std.mistake
def inputs_measured(model: nn.Module, x: Tensor) -> None:
    """What goes into the layer was measured; the task asks for what leaves it."""
    modes = {module: module.training for module in model.modules()}
    done: set[nn.Module] = set()

    def scale(layer: nn.Module, inputs: tuple) -> None:
        if layer not in done and inputs[0].std() > 0:
            layer.weight.div_(inputs[0].std())
        done.add(layer)

    with torch.no_grad():
        layers = [module for module in modes if isinstance(module, nn.Linear)]
        for layer in layers:
            if layer.bias is not None:
                layer.bias.zero_()
        hooks = [layer.register_forward_pre_hook(scale) for layer in layers]
        model.eval()(x)
    for hook in hooks:
        hook.remove()
    for module, training in modes.items():
        module.training = training
