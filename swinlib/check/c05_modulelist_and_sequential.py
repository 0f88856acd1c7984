"""The checks of chapter 5: lists of modules, their names, and what runs through them."""

import collections
import itertools
import re
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn

from ..answers.beside import beside
from .exercise import Arguments, exercise
from .inputs import booleans, integers, lists, noise, numbered, sampled_from
from .judging import difference, difference_of_kind, show

# --- count_weights ------------------------------------------------------------------------------------------------


class _Layers(list):
    """A list that a message shows in one line."""

    def __repr__(self) -> str:
        return f"[{', '.join(type(layer).__name__ for layer in self)}]"


LAYERS = ("linear", "norm", "gelu", "nested", "again", "tied")


def _layers(kinds: list[str]) -> list[nn.Module]:
    """Layers for two channels. "again" is the one before once more; "tied" has the weight of the first linear layer."""
    layers: list[nn.Module] = []
    for kind in kinds:
        if kind == "again" and layers:
            layers.append(layers[-1])
        elif kind == "nested":
            layers.append(nn.Sequential(nn.Linear(2, 3), nn.GELU(), nn.Linear(3, 2)))
        elif kind == "norm":
            layers.append(nn.BatchNorm1d(2))
        elif kind == "gelu":
            layers.append(nn.GELU())
        else:
            layers.append(nn.Linear(2, 2))
            first = next(layer for layer in layers if isinstance(layer, nn.Linear))
            if kind == "tied":
                layers[-1].weight = first.weight
    return layers


@exercise(
    lambda layers: sum(parameter.numel() for parameter in nn.ModuleList(layers).parameters()),
    always=(
        {"kinds": ["linear", "again", "tied", "nested", "norm"]},
        {"kinds": ["norm", "gelu", "linear"]},
    ),
    kinds=lists(sampled_from(LAYERS), max_size=4),
)
def count_weights(kinds: list[str]) -> Arguments:
    """How many different numbers an optimizer would train."""
    with torch.random.fork_rng(devices=[]):
        return {"layers": _Layers(_layers(kinds))}


@count_weights.judge
def say_who_has_how_many(got: object, want: int, layers: list[nn.Module]) -> str | None:
    """Count layer by layer."""
    problem = difference(got, want, name="the count")
    if problem is None or not layers:
        return problem
    each = [f"{type(m).__name__} {sum(p.numel() for p in m.parameters())}" for m in layers]
    places = [next(k for k, other in enumerate(layers) if other is layer) for layer in layers]
    same = "".join(f"; layers {k} and {n} are one" for n, k in enumerate(places) if k != n)
    return f"{problem}. Each by itself has: {', '.join(each)}{same}"


@count_weights.mistake
def layer_by_layer(layers: list[nn.Module]) -> int:
    """What stands twice is counted twice. `parameters()` counts each once, but only if one module is asked for all."""
    return sum(parameter.numel() for layer in layers for parameter in layer.parameters())


@count_weights.mistake
def each_layer_once(layers: list[nn.Module]) -> int:
    """Each layer is counted once, and two layers may still share one weight. Count the parameters that are
    different."""
    return sum(parameter.numel() for layer in dict.fromkeys(layers) for parameter in layer.parameters())


@count_weights.mistake
def entries_of_state_dict(layers: list[nn.Module]) -> int:
    """The `state_dict` names a layer once for each place in which it stands, and has buffers, too."""
    return sum(tensor.numel() for tensor in nn.ModuleList(layers).state_dict().values())


@count_weights.mistake
def number_of_tensors(layers: list[nn.Module]) -> int:
    """These are tensors; each holds several numbers, `numel()` of them."""
    return len(list(nn.ModuleList(layers).parameters()))


@count_weights.mistake
def without_what_is_inside(layers: list[nn.Module]) -> int:
    """Only the layers' own parameters are counted. A layer may be a container, with its weights further inside."""
    own = {parameter: 0 for layer in layers for parameter in layer.parameters(recurse=False)}
    return sum(parameter.numel() for parameter in own)


@count_weights.mistake
def without_biases(layers: list[nn.Module]) -> int:
    """The biases are missing; they are weights as well."""
    named = nn.ModuleList(layers).named_parameters()
    return sum(parameter.numel() for name, parameter in named if name.endswith("weight"))


# --- make_mlp -----------------------------------------------------------------------------------------------------


def _make_mlp(
    sizes: list[int],
    *,
    first: int = 1,
    last: bool = False,
    act: type[nn.Module] | None = nn.GELU,
    fewer: int = 0,
) -> nn.Sequential:
    """The right answer; each option spoils it."""
    layers: dict[str, nn.Module] = {}
    pairs = list(itertools.pairwise(sizes))
    for k, (ins, outs) in enumerate(pairs[: len(pairs) - fewer]):
        layers[f"fc{k + first}"] = nn.Linear(ins, outs)
        if act and (last or k < len(pairs) - 1):
            layers[f"act{k + first}"] = act()
    return nn.Sequential(collections.OrderedDict(layers))


def _keys_and_output(answer: Callable, sizes: list[int]) -> object:
    """Keys with shapes, and the output, once every parameter holds known numbers."""
    mlp = answer(sizes)
    if not isinstance(mlp, nn.Module):
        return show(mlp)
    parameters = dict(mlp.named_parameters())
    numbers = {name: noise(*parameters[name].shape, seed=k) for k, name in enumerate(sorted(parameters))}
    beside(answer).fill(mlp, numbers)
    output = mlp.eval()(noise(2, 3, sizes[0], seed=99))
    return {
        "shapes": {name: list(tensor.shape) for name, tensor in mlp.state_dict().items()},
        "output": output.detach() if isinstance(output, Tensor) else show(output),
    }


@exercise(
    _make_mlp,
    probe=_keys_and_output,
    always=({"sizes": [2, 3, 4, 1]}, {"sizes": [3, 2]}),
    sizes=lists(integers(1, 4), min_size=2, max_size=5),
)
def make_mlp(sizes: list[int]) -> Arguments:
    """A chain of linear layers, with names."""
    return {"sizes": sizes}


@make_mlp.judge
def say_which_layer(got: object, want: dict, sizes: list[int]) -> str | None:
    """The keys first, then the numbers."""
    if not isinstance(got, dict):
        return f"the result is {got}; expected a module"
    if not got["shapes"]:
        return "the module knows of no layers: its state_dict is empty"
    mine, right = got["shapes"], want["shapes"]
    if mine.keys() != right.keys():
        return f"the keys are {show(list(mine))}; expected {show(list(right))}"
    return difference(mine, right, name="the shapes") or difference(got["output"], want["output"], name="the output")


@make_mlp.mistake
def activation_at_the_end(sizes: list[int]) -> nn.Module:
    """There is a GELU after the last layer; it would keep the output from being negative. It stands between layers
    only."""
    return _make_mlp(sizes, last=True)


@make_mlp.mistake
def no_activation(sizes: list[int]) -> nn.Module:
    """There is no GELU between the layers, and a chain of linear layers is one linear layer."""
    return _make_mlp(sizes, act=None)


@make_mlp.mistake
def another_activation(sizes: list[int]) -> nn.Module:
    """The names and the shapes are right, but a ReLU stands between the layers. Without weights it is in no
    checkpoint, so loading does not notice."""
    return _make_mlp(sizes, act=nn.ReLU)


@make_mlp.mistake(credit=0.5)
def numbers_for_names(sizes: list[int]) -> nn.Module:
    """It computes the right thing; its layers have numbers for names, in which the GELUs are counted. An `OrderedDict`
    gives names."""
    return nn.Sequential(*_make_mlp(sizes).children())


@make_mlp.mistake(credit=0.5)
def counted_from_zero(sizes: list[int]) -> nn.Module:
    """The first layer is `fc1`; here it is `fc0`."""
    return _make_mlp(sizes, first=0)


@make_mlp.mistake
def one_layer_short(sizes: list[int]) -> nn.Module:
    """The last layer is missing: between n sizes there are n - 1 layers."""
    return _make_mlp(sizes, fewer=1)


@make_mlp.mistake
def in_a_plain_list(sizes: list[int]) -> nn.Module:
    """The layers stand in a Python list, which hides them: no parameters, nothing saved."""

    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = [_make_mlp(sizes)]

        def forward(self, x: Tensor) -> Tensor:
            return self.layers[0](x)

    return Listed()


# --- strip_prefix: a bug hunt ---------------------------------------------------------------------------------------

PREFIXES = ("module.", "model.", "_orig_mod.")
PARTS = (
    "head.weight",
    "norm.bias",
    "mlp.fc1.weight",
    "output.weight",
    "module.weight",
    "smp_model.encoder.weight",
    "block._orig_mod.weight",
    "layers.0.blocks.1.norm1.bias",
)


@exercise(
    lambda state_dict, prefix: {key.removeprefix(prefix): tensor for key, tensor in state_dict.items()},
    always=tuple({"prefix": prefix, "bare": [0, 5], "wrapped": [1, 2, 3, 4, 6, 7]} for prefix in PREFIXES),
    prefix=sampled_from(PREFIXES),
    bare=lists(integers(0, len(PARTS) - 1), unique=True, max_size=3),
    wrapped=lists(integers(0, len(PARTS) - 1), unique=True, max_size=4),
)
def strip_prefix(prefix: str, bare: list[int], wrapped: list[int]) -> Arguments:
    """A checkpoint without the prefix that a wrapper put before its keys."""
    keys = [PARTS[k] for k in bare if k not in wrapped] + [prefix + PARTS[k] for k in wrapped]
    return {"state_dict": {key: numbered(1) + k for k, key in enumerate(keys)}, "prefix": prefix}


@strip_prefix.judge
def say_what_became_of_a_key(got: object, want: dict, state_dict: dict[str, Tensor], prefix: str) -> str | None:
    """Explain it by one key: what it was, what it is, what it should be."""
    if not isinstance(got, dict):
        return difference_of_kind(got, "a dict")
    became = {int(tensor): key for key, tensor in got.items()}
    right = {int(tensor): key for key, tensor in want.items()}
    for key, tensor in state_dict.items():
        mine = became.get(int(tensor))
        if mine is None:
            return f"the tensor of the key {key!r} is lost"
        if mine != right[int(tensor)]:
            kept = "remains" if right[int(tensor)] == key else "should become"
            return f"the key {key!r} became {mine!r}; it {kept} {right[int(tensor)]!r}"
    return difference(dict(got), want)


@strip_prefix.mistake
def stripped_as_letters(state_dict: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """`lstrip` takes a set of letters, and removes letters from the left as long as they are in it. `removeprefix`
    removes a word."""
    return {key.lstrip(prefix): tensor for key, tensor in state_dict.items()}


@strip_prefix.mistake
def replaced_everywhere(state_dict: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """`replace` finds the prefix in the middle of a key as well, where it is part of a name."""
    return {key.replace(prefix, ""): tensor for key, tensor in state_dict.items()}


@strip_prefix.mistake
def replaced_once_anywhere(state_dict: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """`replace` with a count of 1 removes the first that it finds, which in a key without the prefix is part of a
    name."""
    return {key.replace(prefix, "", 1): tensor for key, tensor in state_dict.items()}


@strip_prefix.mistake
def cut_off_blindly(state_dict: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The first letters are cut off whatever they are. A key that does not begin with the prefix stays as it is."""
    return {key[len(prefix) :]: tensor for key, tensor in state_dict.items()}


@strip_prefix.mistake
def first_part_dropped(state_dict: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The first part of each key is dropped, whatever it is. A key that does not begin with the prefix stays as it
    is."""
    return {key.split(".", 1)[1]: tensor for key, tensor in state_dict.items()}


@strip_prefix.mistake
def removed_as_often_as_found(state_dict: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The prefix is removed again and again. The wrapper put it there once; the next is the model's own."""
    result = {}
    for key, tensor in state_dict.items():
        while key.startswith(prefix):
            key = key.removeprefix(prefix)
        result[key] = tensor
    return result


@strip_prefix.mistake
def others_dropped(state_dict: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Keys without the prefix are dropped; they should stay as they are."""
    return {key.removeprefix(prefix): tensor for key, tensor in state_dict.items() if key.startswith(prefix)}


# --- module_names -------------------------------------------------------------------------------------------------


def _tree(parents: list[int], again: bool, reserved: bool) -> nn.Module:
    """Module k + 1 is a child of one before it; the first child may stand in the root a second time."""
    modules = [nn.Module()]
    for k, parent in enumerate(parents):
        modules.append(nn.Module())
        above = modules[parent % (k + 1)]
        above.add_module(("layers", "blocks", "attn")[k % 3] + str(len(above._modules)), modules[-1])
    if reserved:
        modules[-1].add_module("downsample", None)
    if again and parents:
        modules[0].add_module("again", modules[1])
    return modules[0]


@exercise(
    lambda module: [name for name, _ in module.named_modules()],
    without=("torch.nn.Module.named_modules", "torch.nn.Module.modules"),
    always=(
        {"parents": [0, 1, 0, 1], "again": True, "reserved": False},
        {"parents": [0, 1], "again": False, "reserved": True},
    ),
    parents=lists(integers(0, 4), max_size=5),
    again=booleans(),
    reserved=booleans(),
)
def module_names(parents: list[int], again: bool, reserved: bool) -> Arguments:
    """The paths of all modules from the root."""
    return {"module": _tree(parents, again, reserved)}


@module_names.judge
def say_which_path(got: object, want: list[str], module: nn.Module) -> str | None:
    """Name the first path that is missing, or should not be there."""
    if not isinstance(got, (list, tuple)):
        return difference_of_kind(got, "a list of names")
    got = list(got)
    for name in want:
        if name not in got:
            return f"the list {show(got)} has no {name!r}; expected {show(want)}"
    for name in got:
        if name not in want:
            return f"the list has {name!r}, which named_modules does not have; expected {show(want)}"
    return None if got == want else f"the list is {show(got)}; expected {show(want)}"


def _walk(module: nn.Module | None, path: str, seen: set[nn.Module] | None) -> list[str]:
    if module is None or (seen is not None and module in seen):
        return []
    if seen is not None:
        seen.add(module)
    below = [_walk(child, f"{path}.{name}" if path else name, seen) for name, child in module._modules.items()]
    return [path, *itertools.chain(*below)]


@module_names.mistake
def without_the_root(module: nn.Module) -> list[str]:
    """The root is missing. It is a module too, and its name is empty."""
    return _walk(module, "", set())[1:]


@module_names.mistake
def first_level_only(module: nn.Module) -> list[str]:
    """These are the root and its children. Each child has children of its own."""
    return ["", *dict(module.named_children())]


@module_names.mistake
def dots_in_front(module: nn.Module) -> list[str]:
    """The names begin with a dot: below the root, whose name is empty, there is nothing to put a dot after."""
    return [f".{name}" if name else name for name in _walk(module, "", set())]


@module_names.mistake
def last_parts(module: nn.Module) -> list[str]:
    """These are the names that parents use for their children. A path names all modules on the way."""
    return [name.split(".")[-1] for name in _walk(module, "", set())]


@module_names.mistake
def listed_twice(module: nn.Module) -> list[str]:
    """A module that stands in two places is listed under both names. `named_modules` gives each module once, under
    the first."""
    return _walk(module, "", None)


@module_names.mistake
def level_by_level(module: nn.Module) -> list[str]:
    """The names are right, but in another order: level by level. `named_modules` goes all the way down into a child
    before it turns to the next."""
    found, names, queue = {module}, [""], [("", module)]
    while queue:
        path, part = queue.pop(0)
        for name, child in part._modules.items():
            if child is not None and child not in found:
                found.add(child)
                names.append(f"{path}.{name}" if path else name)
                queue.append((names[-1], child))
    return names


@module_names.mistake
def stumbles_over_nothing(module: nn.Module) -> list[str]:
    """A child may be `None`, a name for later. `named_children()` leaves these out; the dictionary `_modules` does
    not."""

    def walk(module: nn.Module, path: str, seen: set[nn.Module]) -> list[str]:
        names = [path]
        for name, child in module._modules.items():
            if child not in seen:
                seen.add(child)
                names += walk(child, f"{path}.{name}" if path else name, seen)
        return names

    return walk(module, "", {module})


# --- collect_maps: a bug hunt ---------------------------------------------------------------------------------------


def _collect_maps(chain: nn.Sequential, x: Tensor, stops: list[int]) -> list[Tensor]:
    maps = []
    for number, layer in enumerate(chain):
        x = layer(x)
        if number in stops:
            maps.append(x.clone())
    return maps


def _maps_and_runs(answer: Callable, chain: nn.Sequential, x: Tensor, stops: list[int]) -> dict[str, object]:
    """The maps, whether they lead back to the weights, and how often each layer ran."""
    runs = [0] * len(chain)

    def counting(number: int) -> Callable:
        def hook(*_: object) -> None:
            runs[number] += 1

        return hook

    handles = [layer.register_forward_hook(counting(number)) for number, layer in enumerate(chain)]
    try:
        maps = answer(chain, x, stops)
    finally:
        for handle in handles:
            handle.remove()
    if not isinstance(maps, (list, tuple)):
        return {"maps": maps.detach() if isinstance(maps, Tensor) else maps, "runs": runs, "gradient": []}
    gradient = [isinstance(one, Tensor) and one.requires_grad for one in maps]
    return {"maps": [m.detach() if isinstance(m, Tensor) else m for m in maps], "runs": runs, "gradient": gradient}


@exercise(
    _collect_maps,
    probe=_maps_and_runs,
    always=(
        {"kinds": ["linear", "relu", "linear", "scaled"], "stops": [0, 1, 2]},
        {"kinds": ["linear", "linear", "gelu"], "stops": [0, 2]},
    ),
    kinds=lists(sampled_from(["linear", "gelu", "relu", "scaled"]), min_size=1, max_size=5),
    stops=lists(integers(0, 4), max_size=3),
)
def collect_maps(kinds: list[str], stops: list[int]) -> Arguments:
    """What leaves some layers of a chain."""
    make = {"gelu": nn.GELU, "relu": lambda: nn.ReLU(inplace=True), "scaled": lambda: nn.LeakyReLU(0.5, inplace=True)}
    with torch.random.fork_rng(devices=[]):
        chain = nn.Sequential(nn.Linear(2, 2), *(make.get(kind, lambda: nn.Linear(2, 2))() for kind in kinds[1:]))
    with torch.no_grad():
        for k, parameter in enumerate(chain.parameters()):
            parameter.copy_(noise(*parameter.shape, seed=k))
    return {"chain": chain, "x": noise(1, 2, 2, 2, seed=50), "stops": sorted({stop % len(chain) for stop in stops})}


@collect_maps.judge
def say_which_map(got: dict, want: dict, chain: nn.Sequential, x: Tensor, stops: list[int]) -> str | None:
    """Name the layer, and those after it that work in place."""
    maps = got["maps"]
    if not isinstance(maps, (list, tuple)):
        return difference_of_kind(maps, "a list of maps")
    if len(maps) != len(stops):
        return f"the list has {len(maps)} maps; expected {len(stops)}"
    names = [type(layer).__name__ + (" in place" if getattr(layer, "inplace", False) else "") for layer in chain]
    for stop, mine, right in zip(stops, maps, want["maps"], strict=True):
        if problem := difference(mine, right, name="its map"):
            return f"layer {stop} of the chain {show(names)}: {problem}"
    if max(got["runs"]) > 1:
        number = got["runs"].index(max(got["runs"]))
        return f"layer {number} of the chain ran {got['runs'][number]} times; once is enough"
    if got["gradient"] != want["gradient"]:
        return "a map no longer leads back to the weights, so nothing could be trained through it"
    return None


@collect_maps.mistake
def kept_as_it_comes(chain: nn.Sequential, x: Tensor, stops: list[int]) -> list[Tensor]:
    """The list holds the tensor that the layer returned, and a layer after it wrote into that tensor. Keep a copy."""
    maps = []
    for number, layer in enumerate(chain):
        x = layer(x)
        if number in stops:
            maps.append(x)
    return maps


@collect_maps.mistake
def detached_only(chain: nn.Sequential, x: Tensor, stops: list[int]) -> list[Tensor]:
    """`detach` makes a new tensor object on the same memory, which the next layer writes into; and it cuts the map off
    from the weights. `clone` copies the memory, and does not."""
    return [one.detach() for one in kept_as_it_comes(chain, x, stops)]


@collect_maps.mistake(credit=0.5)
def cut_off(chain: nn.Sequential, x: Tensor, stops: list[int]) -> list[Tensor]:
    """The maps are right, but cut off from the weights. Leave out `detach`: `clone` alone copies, and lets gradients
    through."""
    return [one.detach() for one in _collect_maps(chain, x, stops)]


@collect_maps.mistake(credit=0.25)
def run_again_and_again(chain: nn.Sequential, x: Tensor, stops: list[int]) -> list[Tensor]:
    """Each slice runs from the beginning, so the first layers run once for each map."""
    return [chain[: stop + 1](x) for stop in stops]


@collect_maps.mistake
def what_goes_in(chain: nn.Sequential, x: Tensor, stops: list[int]) -> list[Tensor]:
    """These are the maps that go into the layers; the task asks for those that leave them."""
    maps = []
    for number, layer in enumerate(chain):
        if number in stops:
            maps.append(x.clone())
        x = layer(x)
    return maps


@collect_maps.mistake
def counted_from_one(chain: nn.Sequential, x: Tensor, stops: list[int]) -> list[Tensor]:
    """The layers are counted from 1; the first is number 0."""
    return _collect_maps(chain, x, [stop - 1 for stop in stops])


# --- MaskedSequential -----------------------------------------------------------------------------------------------


class _Attend(nn.Module):
    """Takes a mask."""

    takes_mask = True

    def __init__(self, number: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(float(number)))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return 2 * x + self.weight * (1 if mask is None else 3 + mask)


class _Mix(nn.Module):
    """Takes none."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(float(number)))

    def forward(self, x: Tensor) -> Tensor:
        return 3 * x - self.bias


class _MaskedSequential(nn.Sequential):
    """The right answer."""

    takes_mask = True

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        for layer in self:
            x = layer(x, mask) if getattr(layer, "takes_mask", False) else layer(x)
        return x


def _masked_chain(answer: Callable, kinds: list[str]) -> nn.Module:
    make = {"masked": _Attend, "plain": _Mix, "nested": lambda number: answer(_Mix(number), _Attend(number + 1))}
    return answer(*(make[kind](number + 1) for number, kind in enumerate(kinds)))


def _run_masked(answer: Callable, kinds: list[str], x: Tensor, mask: Tensor) -> object:
    """The chain with a mask and without, its keys, its hooks, its tail."""
    chain = _masked_chain(answer, kinds)
    if not isinstance(chain, nn.Module):
        return show(chain)
    found: dict[str, object] = {"with the mask": chain(x, mask).detach(), "without a mask": chain(x).detach()}
    found["keys"] = list(chain.state_dict())
    found["class"] = isinstance(chain, nn.Sequential)
    if isinstance(chain, nn.Sequential) and len(chain) == len(kinds):
        found["tail"] = chain[1:](x, mask).detach()
        ran: list[int] = []
        for layer in chain:
            layer.register_forward_hook(lambda *_: ran.append(1))
        chain(x, mask)
        found["hooks"] = len(ran)
    return found


@exercise(
    _MaskedSequential,
    probe=_run_masked,
    always=(
        {"kinds": ["masked", "plain", "masked"], "tokens": 2},
        {"kinds": ["plain", "nested", "masked"], "tokens": 1},
    ),
    kinds=lists(sampled_from(["plain", "masked", "nested"]), min_size=1, max_size=4),
    tokens=integers(1, 3),
)
def MaskedSequential(kinds: list[str], tokens: int) -> Arguments:  # noqa: N802 - a class of the page
    """A chain that hands a mask to those of its layers that take one."""
    return {"layers": kinds, "x": numbered(1, tokens), "mask": numbered(1, tokens) - 1}


@MaskedSequential.judge
def say_who_got_the_mask(got: object, want: dict, layers: list[str], x: Tensor, mask: Tensor) -> str | None:
    """The output, the keys, the hooks, the slice."""
    if not isinstance(got, dict):
        return f"`MaskedSequential(...)` gives {got}; expected a module"
    for step in ("with the mask", "without a mask"):
        if problem := difference(got[step], want[step], name="the output"):
            return f"called {step}: {problem}"
    if got["keys"] != want["keys"]:
        return f"the keys are {show(got['keys'])}; expected {show(want['keys'])}, as an nn.Sequential has"
    if not got["class"]:
        return "the chain is no longer an nn.Sequential, so it cannot be sliced, and isinstance does not find it"
    if got.get("hooks") != want["hooks"]:
        return f"each layer has a forward hook; {got.get('hooks')} of {want['hooks']} ran"
    return difference(got.get("tail"), want["tail"], name="the output of chain[1:]")


def _spoiled(run: Callable, *layers: nn.Module, takes_mask: bool = True) -> nn.Module:
    class Spoiled(nn.Sequential):
        def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
            return run(self, x, mask)

    Spoiled.takes_mask = takes_mask
    return Spoiled(*layers)


@MaskedSequential.mistake
def swallowed(*layers: nn.Module) -> nn.Module:
    """The chain takes the mask, and hands it to nobody."""

    def run(chain: nn.Sequential, x: Tensor, mask: Tensor | None) -> Tensor:
        for layer in chain:
            x = layer(x)
        return x

    return _spoiled(run, *layers)


@MaskedSequential.mistake
def to_everybody(*layers: nn.Module) -> nn.Module:
    """Every layer is given the mask, but some take one input only."""

    def run(chain: nn.Sequential, x: Tensor, mask: Tensor | None) -> Tensor:
        for layer in chain:
            x = layer(x, mask)
        return x

    return _spoiled(run, *layers)


@MaskedSequential.mistake
def to_the_first(*layers: nn.Module) -> nn.Module:
    """Only the first layer that takes the mask is given it; the others need it as well."""

    def run(chain: nn.Sequential, x: Tensor, mask: Tensor | None) -> Tensor:
        for layer in chain:
            if getattr(layer, "takes_mask", False) and mask is not None:
                x, mask = layer(x, mask), None
            else:
                x = layer(x)
        return x

    return _spoiled(run, *layers)


@MaskedSequential.mistake(credit=0.5)
def not_into_the_nested(*layers: nn.Module) -> nn.Module:
    """A chain within the chain gets no mask. It takes one, so its class should say so: `takes_mask = True`."""
    return _spoiled(_MaskedSequential.forward, *layers, takes_mask=False)


@MaskedSequential.mistake(credit=0.5)
def forward_called_directly(*layers: nn.Module) -> nn.Module:
    """The layers' `forward` is called, which passes their hooks by. Call the layer."""

    def run(chain: nn.Sequential, x: Tensor, mask: Tensor | None) -> Tensor:
        for layer in chain:
            x = layer.forward(x, mask) if getattr(layer, "takes_mask", False) else layer.forward(x)
        return x

    return _spoiled(run, *layers)


@MaskedSequential.mistake(credit=0.25)
def under_another_name(*layers: nn.Module) -> nn.Module:
    """The layers stand in a container of their own, whose name is now in every key: old checkpoints do not fit. Let the
    chain itself be the `nn.Sequential`."""

    class Wrapped(nn.Module):
        takes_mask = True

        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(layers)

        def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
            return _MaskedSequential.forward(self.layers, x, mask)

    return Wrapped()


# --- torchvision_to_microsoft ---------------------------------------------------------------------------------------


class _StateDict(dict):
    """A dict that a message shows in a few words."""

    def __repr__(self) -> str:
        return f"a state_dict of {len(self)} tensors, from {next(iter(self), None)!r} to {next(reversed(self), None)!r}"


@cache
def _shapes(depths: tuple[int, ...], window_size: tuple[int, int], version: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of torchvision's Swin."""
    from torchvision.models import swin_transformer as published  # here, since it costs a sandbox a second

    block, merging = (
        (published.SwinTransformerBlock, published.PatchMerging)
        if version == 1
        else (published.SwinTransformerBlockV2, published.PatchMergingV2)
    )
    with torch.random.fork_rng(devices=[]):
        model = published.SwinTransformer(
            patch_size=[2, 2],
            embed_dim=2,
            depths=list(depths),
            num_heads=[1] * len(depths),
            window_size=list(window_size),
            num_classes=2,
            block=block,
            downsample_layer=merging,
        )
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


_RULES = (
    (r"^features\.0\.0\.", "patch_embed.proj."),
    (r"^features\.0\.2\.", "patch_embed.norm."),
    (r"^features\.(\d*[13579])\.", lambda match: f"layers.{int(match[1]) // 2}.blocks."),
    (r"^features\.(\d*[02468])\.", lambda match: f"layers.{int(match[1]) // 2 - 1}.downsample."),
    (r"\.mlp\.0\.", ".mlp.fc1."),
    (r"\.mlp\.3\.", ".mlp.fc2."),
)


def _convert(
    state_dict: dict[str, Tensor],
    rules: tuple = _RULES,
    *,
    square: bool = True,
    thirds: tuple[int, int] | None = (0, 2),
) -> dict[str, Tensor]:
    """The right answer; each option spoils it."""
    converted = {}
    version_2 = any(key.endswith("logit_scale") for key in state_dict)
    for key, tensor in state_dict.items():
        for pattern, replacement in rules:
            key = re.sub(pattern, replacement, key)
        if key.endswith("relative_position_index") and square:
            converted[key] = tensor.reshape(2 * [int(len(tensor) ** 0.5)])
        elif key.endswith("qkv.bias") and version_2 and thirds:
            parts = tensor.chunk(3)
            for name, third in zip(("q_bias", "v_bias"), thirds, strict=True):
                converted[key.replace("qkv.bias", name)] = parts[third]
        else:
            converted[key] = tensor
    return converted


@exercise(
    _convert,
    probe=lambda answer, state_dict: (lambda r: dict(r) if isinstance(r, dict) else r)(answer(state_dict)),
    without=(
        "swinlib.export_state_dict",
        "swinlib.checkpoints.export_state_dict",
        "swinlib.load_checkpoint",
        "swinlib.checkpoints.load_checkpoint",
    ),
    always=(
        {"depths": [2, 1], "high": 2, "wide": 3, "version": 1},
        {"depths": [1, 2], "high": 3, "wide": 2, "version": 2},
        {"depths": [1, 1, 1, 1, 1, 1], "high": 1, "wide": 2, "version": 1},
        {"depths": [1, 11], "high": 2, "wide": 2, "version": 1},
    ),
    depths=lists(integers(1, 2), min_size=1, max_size=3),
    high=integers(1, 3),
    wide=integers(1, 3),
    version=integers(1, 2),
    inputs=12,
)
def torchvision_to_microsoft(depths: list[int], high: int, wide: int, version: int) -> Arguments:
    """A whole checkpoint from one layout to another."""
    state_dict = _StateDict()
    depths = depths if sum(depths) > 1 else [2]  # torchvision has none of a single block
    for k, (name, shape) in enumerate(_shapes(tuple(depths), (high, wide), version).items()):
        tensor = numbered(*shape) + 0.25 * k
        state_dict[name] = tensor.long() if name.endswith("index") else tensor
        if version == 2 and name.endswith("qkv.bias"):
            tensor.chunk(3)[1].zero_()  # keys have no bias
    return {"state_dict": state_dict}


@torchvision_to_microsoft.judge
def say_which_key_is_wrong(got: object, want: dict, state_dict: dict[str, Tensor]) -> str | None:
    """A key that should not be there, with one that is missing; then the tensors."""
    if not isinstance(got, dict):
        return difference_of_kind(got, "a dict")
    unknown = [key for key in got if key not in want]
    missing = [key for key in want if key not in got]
    if unknown or missing:
        said = [f"unexpected: {unknown[0]!r}"] * bool(unknown) + [f"missing: {missing[0]!r}"] * bool(missing)
        return f"{len(unknown)} unexpected keys and {len(missing)} missing ones, such as {', '.join(said)}"
    for key, right in want.items():
        if problem := difference(got[key], right, name=repr(key)):
            return problem
    return None


@torchvision_to_microsoft.mistake
def index_left_flat(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The keys are right. The index is flat in torchvision, and a square in the other: N rows of N, for the N tokens of
    a window."""
    return _convert(state_dict, square=False)


@torchvision_to_microsoft.mistake(credit=0.5)
def version_1_only(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """Version 1 is right. In version 2 keys have no bias: of the three thirds of `qkv.bias`, the first becomes
    `q_bias`, the last `v_bias`."""
    return _convert(state_dict, thirds=None)


@torchvision_to_microsoft.mistake
def bias_of_the_keys(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """`v_bias` was taken from the middle third, which belongs to the keys. The order is queries, keys, values."""
    return _convert(state_dict, thirds=(0, 1))


@torchvision_to_microsoft.mistake
def second_linear_left(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The second linear layer of the MLP was looked for under another number. GELU and dropout are counted: it is
    number 3."""
    return _convert(state_dict, (*_RULES[:-1], (r"\.mlp\.2\.", ".mlp.fc2.")))


@torchvision_to_microsoft.mistake
def merging_at_the_next_stage(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The merging stands at the beginning of the next stage, as in timm. Here it belongs to the stage that it ends:
    number 2i + 2 is the merging of stage i."""
    later = (r"^features\.(\d*[02468])\.", lambda match: f"layers.{int(match[1]) // 2}.downsample.")
    return _convert(state_dict, (*_RULES[:3], later, *_RULES[4:]))


@torchvision_to_microsoft.mistake
def one_digit(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """Numbers of two digits are not recognised, and there are some as soon as a Swin has five stages: `\\d+`."""
    return _convert(state_dict, tuple((pattern.replace(r"\d*", ""), new) for pattern, new in _RULES))


@torchvision_to_microsoft.mistake
def small_network_renamed(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The MLP's rule has also renamed `cpb_mlp.0`, the small network that makes the bias in version 2. Let the rule
    begin with the dot."""
    return _convert(state_dict, tuple((pattern.replace(r"\.mlp", "mlp"), _loose(new)) for pattern, new in _RULES))


def _loose(new: object) -> object:
    return new.removeprefix(".") if isinstance(new, str) else new


@torchvision_to_microsoft.mistake
def numbers_kept(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The numbers of `features` were kept as numbers of stages. Stages and mergings take turns there: stage i is number
    2i + 1."""
    kept = (
        (r"^features\.(\d*[13579])\.", r"layers.\1.blocks."),
        (r"^features\.(\d*[02468])\.", r"layers.\1.downsample."),
    )
    return _convert(state_dict, (*_RULES[:2], *kept, *_RULES[4:]))
