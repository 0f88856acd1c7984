"""The checks of chapter 3: what a module knows of its tensors, and what becomes of them."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

import swinlib

from ..answers.beside import beside, is_unwritten
from .exercise import Arguments, exercise
from .inputs import booleans, integers, lists, noise, numbered, sampled_from
from .judging import difference, difference_of_kind, show

NAMES = ("table", "index", "mask")  # of the tensors of a module, in the order in which it gets them
PATH = ("layers", "0", "attn")  # of the modules below the root, each in the one before


def _result_or_error(action: Callable[[], object]) -> object:
    """The value of a step, or what it raised, as a string."""
    try:
        return action()
    except Exception as error:
        if is_unwritten(error):
            raise
        return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def _real(tensor: Tensor) -> object:
    """The tensor as plain data; one without memory cannot leave the process."""
    return "on the meta device" if tensor.is_meta else tensor.detach()


# --- hold ---------------------------------------------------------------------------------------------------------


def _hold(module: nn.Module, name: str, tensor: Tensor, trained: bool, saved: bool) -> None:
    if trained:
        module.register_parameter(name, nn.Parameter(tensor))
    else:
        module.register_buffer(name, tensor, persistent=saved)


def _what_is_known(
    answer: Callable, module: nn.Module, name: str, tensor: Tensor, trained: bool, saved: bool
) -> dict[str, object]:
    answer(module, name, tensor, trained, saved)
    parameter = dict(module.named_parameters()).get(name)
    found = {
        "in parameters()": parameter is not None,
        "trained": parameter is not None and parameter.requires_grad,
        "in buffers()": name in dict(module.named_buffers()),
        "in state_dict()": name in module.state_dict(),
    }
    tensor = getattr(module.double(), name, None)
    found["after .double()"] = tensor.detach() if isinstance(tensor, Tensor) else None
    return found


@exercise(
    _hold,
    probe=_what_is_known,
    changes=("module",),
    always=tuple(
        {"name": "offsets", "length": 2, "trained": trained, "saved": saved}
        for trained in (False, True)
        for saved in (True, False)
    ),
    name=sampled_from(["offsets", "attn_mask", "table"]),
    length=integers(1, 3),
    trained=booleans(),
    saved=booleans(),
    inputs=10,
)
def hold(name: str, length: int, trained: bool, saved: bool) -> Arguments:
    """A tensor into a module: as a parameter, a buffer, an unsaved buffer."""
    return {"module": nn.Module(), "name": name, "tensor": noise(length), "trained": trained, "saved": saved}


@hold.judge
def say_where_it_is_listed(
    got: object, want: dict, module: nn.Module, name: str, tensor: Tensor, trained: bool, saved: bool
) -> str | None:
    """Ask the module the questions of the chapter's table."""
    if not isinstance(got, dict):
        return difference(got, want)
    for question in ("in parameters()", "trained", "in buffers()", "in state_dict()"):
        if got[question] != want[question]:
            is_so, should = ("not ", "should") if want[question] else ("", "should not")
            return f"{name!r} is {is_so}{question}; it {should} be"
    if got["after .double()"] is None:
        return f"the module has no tensor {name!r}"
    return difference(got["after .double()"], want["after .double()"], name=f"{name} after .double()")


@hold.mistake
def an_attribute(module: nn.Module, name: str, tensor: Tensor, trained: bool, saved: bool) -> None:
    """A plain attribute is a thing that the module does not know of: it is not saved, and it stays behind when the
    module moves."""
    setattr(module, name, nn.Parameter(tensor) if trained else tensor)


@hold.mistake
def an_attribute_if_unsaved(module: nn.Module, name: str, tensor: Tensor, trained: bool, saved: bool) -> None:
    """What is not to be saved became a plain attribute. It is kept out of the checkpoint, and it no longer follows the
    module; `persistent=False` does the first without the second."""
    if saved or trained:
        _hold(module, name, tensor, trained, saved)
    else:
        setattr(module, name, tensor)


@hold.mistake
def a_frozen_parameter(module: nn.Module, name: str, tensor: Tensor, trained: bool, saved: bool) -> None:
    """A parameter without gradient is still a parameter: it is in `parameters()`, is counted as a weight, and always
    saved. What nobody trains is a buffer."""
    module.register_parameter(name, nn.Parameter(tensor, requires_grad=trained))


@hold.mistake
def always_saved(module: nn.Module, name: str, tensor: Tensor, trained: bool, saved: bool) -> None:
    """`saved` is not used: a buffer is saved unless it is registered with `persistent=False`."""
    _hold(module, name, tensor, trained, True)


@hold.mistake
def saved_inverted(module: nn.Module, name: str, tensor: Tensor, trained: bool, saved: bool) -> None:
    """It is the wrong way round: `persistent=True` is the buffer that is saved."""
    _hold(module, name, tensor, trained, not saved)


@hold.mistake
def never_trained(module: nn.Module, name: str, tensor: Tensor, trained: bool, saved: bool) -> None:
    """No optimizer is given a buffer. What is trained must be an `nn.Parameter`."""
    module.register_buffer(name, tensor, persistent=saved or trained)


# --- without_computed ---------------------------------------------------------------------------------------------

COMPUTED = ("attn_mask", "relative_position_index", "relative_coords_table")
KEYS = (
    "head.weight",
    "mask_token",
    "attn_mask",
    "layers.0.blocks.1.attn_mask",
    "layers.0.blocks.0.attn.relative_position_index",
    "layers.0.blocks.0.attn.relative_coords_table",
    "layers.0.blocks.0.attn.relative_position_bias_table",
    "layers.0.blocks.0.attn.cpb_mlp.0.weight",
    "encoder.mask_token",
)


def _without_computed(checkpoint: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: tensor for key, tensor in checkpoint.items() if key.split(".")[-1] not in COMPUTED}


def _result_and_what_was_given(answer: Callable, checkpoint: dict[str, Tensor]) -> dict[str, object]:
    result = answer(checkpoint)
    result = dict(result) if isinstance(result, dict) else result
    return {"result": result, "given": sorted(checkpoint)}


@exercise(
    _without_computed,
    probe=_result_and_what_was_given,
    always=({"keys": list(KEYS)},),
    keys=lists(sampled_from(KEYS), unique=True, max_size=5),
)
def without_computed(keys: list[str]) -> Arguments:
    """A checkpoint without what the sizes of window and map determine."""
    return {"checkpoint": {key: numbered(2) + place for place, key in enumerate(keys)}}


@without_computed.judge
def say_which_key(got: dict, want: dict, checkpoint: dict[str, Tensor]) -> str | None:
    """Name a key that was dropped and is learned, or was kept and is computed."""
    result = got["result"]
    if not isinstance(result, dict):
        return difference_of_kind(result, "a dict")
    for key in checkpoint:
        if key in want["result"] and key not in result:
            return f"{key!r} is gone, but it is learned"
        if key in result and key not in want["result"]:
            return f"{key!r} is still there, but it can be computed"
    if got["given"] != want["given"]:
        return "the checkpoint that was given has lost keys; it should stay as it was"
    return difference(result, want["result"])


@without_computed.mistake
def any_mask(checkpoint: dict[str, Tensor]) -> dict[str, Tensor]:
    """It drops whatever has "mask" in its name. `mask_token` is a weight, learned by masked image modelling."""
    words = ("mask", "relative_position_index", "relative_coords_table")
    return {key: tensor for key, tensor in checkpoint.items() if not any(word in key for word in words)}


@without_computed.mistake
def everything_relative(checkpoint: dict[str, Tensor]) -> dict[str, Tensor]:
    """It drops whatever has "relative" in its name, and with it `relative_position_bias_table`, which is learned."""
    return {k: tensor for k, tensor in checkpoint.items() if "relative" not in k and k.split(".")[-1] != "attn_mask"}


@without_computed.mistake
def masks_only(checkpoint: dict[str, Tensor]) -> dict[str, Tensor]:
    """Only the masks are dropped. The window's size determines two more, `relative_position_index` and
    `relative_coords_table`."""
    return {key: tensor for key, tensor in checkpoint.items() if key.split(".")[-1] != "attn_mask"}


@without_computed.mistake(credit=0.5)
def version_one_only(checkpoint: dict[str, Tensor]) -> dict[str, Tensor]:
    """That is all that version 1 computes. Version 2 has a table of coordinates as well, `relative_coords_table`."""
    return {key: tensor for key, tensor in checkpoint.items() if key.split(".")[-1] not in COMPUTED[:2]}


@without_computed.mistake
def of_the_root_only(checkpoint: dict[str, Tensor]) -> dict[str, Tensor]:
    """A key is the path from the root, so it equals "attn_mask" only if the root has the mask. Look at its last
    part."""
    return {key: tensor for key, tensor in checkpoint.items() if key not in COMPUTED}


@without_computed.mistake(credit=0.5)
def changed_in_place(checkpoint: dict[str, Tensor]) -> dict[str, Tensor]:
    """The result is right, and the checkpoint of the caller is not whole any more: make a new dict."""
    for key in list(checkpoint):
        if key.split(".")[-1] in COMPUTED:
            del checkpoint[key]
    return checkpoint


@without_computed.mistake
def deleted_on_the_way(checkpoint: dict[str, Tensor]) -> dict[str, Tensor]:
    """A dict cannot lose keys while a loop goes through it. Make a new dict of what stays."""
    for key in checkpoint:
        if key.split(".")[-1] in COMPUTED:
            del checkpoint[key]
    return checkpoint


# --- saved_buffers ------------------------------------------------------------------------------------------------

KINDS = ("buffer", "unsaved", "parameter", "nothing", "attribute")


def _chain_of_modules(levels: list[list[str]]) -> nn.Module:
    """A root and the modules below it, one in the other; each holds up to three tensors, in the ways that are named."""
    root = module = nn.Module()
    for place, kinds in enumerate(levels):
        if place:
            child = nn.Module()
            module.add_module(PATH[place - 1], child)
            module = child
        for k, (name, kind) in enumerate(zip(NAMES, kinds, strict=False)):
            tensor = noise(2, seed=10 * place + k)
            if kind in ("parameter", "frozen"):
                module.register_parameter(name, nn.Parameter(tensor, requires_grad=kind == "parameter"))
            elif kind == "attribute":
                setattr(module, name, tensor)
            elif kind == "nothing":
                module.register_buffer(name, None)
            else:
                if kind == "integers":
                    tensor = torch.arange(2) + 2049  # no neighbours in 16 bits
                elif kind == "booleans":
                    tensor = tensor > 0
                module.register_buffer(name, tensor, persistent=kind != "unsaved")
    return root


@exercise(
    lambda module: sorted(name for name, _ in module.named_buffers() if name in module.state_dict()),
    always=(
        {"levels": [["unsaved", "buffer"], ["buffer", "unsaved", "parameter"]]},
        {"levels": [["parameter", "nothing", "buffer"], [], ["unsaved", "buffer", "nothing"]]},
    ),
    levels=lists(lists(sampled_from(KINDS), max_size=3), min_size=1, max_size=3),
)
def saved_buffers(levels: list[list[str]]) -> Arguments:
    """The names of all buffers that a checkpoint holds, from the root."""
    return {"module": _chain_of_modules(levels)}


@saved_buffers.judge
def say_which_name(got: object, want: list[str], module: nn.Module) -> str | None:
    """Name one that is missing, or should not be there."""
    if not isinstance(got, (list, tuple)):
        return difference_of_kind(got, "a list of names")
    problem = _wrong_name(got, want, module)
    return problem and f"{problem}. {_what_it_holds(module)}"


def _what_it_holds(module: nn.Module) -> str:
    """The tensors of a module and of those in it, for a message."""
    held = []
    for path, part in module.named_modules():
        for name in (name for name in NAMES if hasattr(part, name)):
            kind = "a plain attribute"
            if name in part._parameters:
                kind = "a parameter" if part._parameters[name].requires_grad else "a frozen parameter"
            elif name in part._buffers:
                kind = "a buffer" if name not in part._non_persistent_buffers_set else "an unsaved buffer"
                kind += "" if part._buffers[name] is not None else " of None"
            held.append(f"{f'{path}.{name}'.lstrip('.')!r} ({kind})")
    return f"The module that was given holds {', '.join(held) or 'nothing'}"


def _wrong_name(got: list | tuple, want: list[str], module: nn.Module) -> str | None:
    for name in want:
        if name not in got:
            return f"the buffer {name!r} is saved, and not in the list {show(list(got))}"
    known = {"parameter": dict(module.named_parameters()), "buffer that is not saved": dict(module.named_buffers())}
    for name in got:
        if name not in want:
            kind = next((kind for kind, names in known.items() if name in names), "name that no saved buffer has")
            return f"{name!r} is in the list; it is a {kind}"
    return difference(list(got), want, name="the list")


@saved_buffers.mistake
def unsaved_too(module: nn.Module) -> list[str]:
    """These are all buffers. Those that were registered with `persistent=False` are in no checkpoint."""
    return sorted(name for name, _ in module.named_buffers())


@saved_buffers.mistake
def parameters_too(module: nn.Module) -> list[str]:
    """These are all keys of the checkpoint, parameters among them."""
    return sorted(module.state_dict())


@saved_buffers.mistake
def own_buffers_only(module: nn.Module) -> list[str]:
    """These are the module's own buffers. Those of the modules in it are saved as well."""
    return sorted(name for name, _ in module.named_buffers(recurse=False) if name in module.state_dict())


@saved_buffers.mistake
def without_the_path(module: nn.Module) -> list[str]:
    """The names are those that the modules themselves use. In a checkpoint each stands with its path from the root."""
    return sorted(name.split(".")[-1] for name, _ in module.named_buffers() if name in module.state_dict())


@saved_buffers.mistake
def unsaved_of_the_root(module: nn.Module) -> list[str]:
    """Each module keeps its own set of unsaved names. This one asked only the root's."""
    return sorted(name for name, _ in module.named_buffers() if name not in module._non_persistent_buffers_set)


@saved_buffers.mistake
def reserved_names_too(module: nn.Module) -> list[str]:
    """A buffer of `None` reserves its name; nothing is saved under it."""
    return sorted(
        f"{path}.{name}".lstrip(".")
        for path, part in module.named_modules()
        for name in part._buffers
        if name not in part._non_persistent_buffers_set
    )


@saved_buffers.mistake(credit=0.5)
def unsorted(module: nn.Module) -> list[str]:
    """The names are right; sort them."""
    return [name for name, _ in module.named_buffers() if name in module.state_dict()]


# --- move_floats --------------------------------------------------------------------------------------------------


def _move_floats(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point():
            tensor.data = tensor.data.to(dtype)
    return module


def _tensors_afterwards(answer: Callable, module: nn.Module, dtype: torch.dtype) -> dict[str, object]:
    result = answer(module, dtype)
    tensors = {}
    for path, part in module.named_modules():
        for name in NAMES:
            if isinstance(getattr(part, name, None), Tensor):
                tensors[f"{path}.{name}".lstrip(".")] = getattr(part, name).detach()
    return {
        "tensors": tensors,
        "parameters": {name: parameter.requires_grad for name, parameter in module.named_parameters()},
        "buffers": sorted(name for name, _ in module.named_buffers()),
        "saved": sorted(module.state_dict()),
        "returned": "the module" if result is module else show(result),
    }


@exercise(
    _move_floats,
    probe=_tensors_afterwards,
    changes=("module",),
    without=tuple(
        f"torch.nn.Module.{name}" for name in ("to", "_apply", "half", "bfloat16", "float", "double", "type")
    ),
    always=(
        {"levels": [["buffer", "integers", "parameter"], ["frozen", "booleans", "unsaved"]], "dtype": "float16"},
        {"levels": [["nothing", "attribute", "parameter"], [], ["unsaved", "buffer"]], "dtype": "float64"},
    ),
    levels=lists(
        lists(
            sampled_from(
                ["buffer", "parameter", "integers", "booleans", "unsaved", "frozen", "nothing", "attribute"],
            ),
            max_size=3,
        ),
        min_size=1,
        max_size=3,
    ),
    dtype=sampled_from(["float16", "bfloat16", "float64"]),
)
def move_floats(levels: list[list[str]], dtype: str) -> Arguments:
    """What ``module.to(dtype)`` does."""
    return {"module": _chain_of_modules(levels), "dtype": getattr(torch, dtype)}


@move_floats.judge
def say_what_became_of_it(got: dict, want: dict, module: nn.Module, dtype: torch.dtype) -> str | None:
    """Tensor by tensor; then what the module knows of them."""
    problem = _what_changed(got, want)
    return problem and f"{problem}. {_what_it_holds(module)}"


def _what_changed(got: dict, want: dict) -> str | None:
    for name, tensor in want["tensors"].items():
        if name not in got["tensors"]:
            return f"{name!r} is no longer a tensor"
        if problem := difference(got["tensors"][name], tensor, name=repr(name)):
            return problem
    if got["parameters"].keys() != want["parameters"].keys():
        return f"parameters() has {show(sorted(got['parameters']))}; expected {show(sorted(want['parameters']))}"
    for name, trained in want["parameters"].items():
        if got["parameters"][name] != trained:
            return f"{name!r} has requires_grad={got['parameters'][name]}; it was {trained}"
    for what in ("buffers", "saved"):
        listed = "buffers()" if what == "buffers" else "state_dict()"
        if got[what] != want[what]:
            return f"{listed} has {show(got[what])}; expected {show(want[what])}"
    return (
        None
        if got["returned"] == want["returned"]
        else f"the result is {got['returned']}, not the module that was given"
    )


@move_floats.mistake
def integers_too(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Everything was converted. An index of floats cannot look anything up: leave alone what is not
    floating-point."""
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.data = tensor.data.to(dtype)
    return module


@move_floats.mistake
def parameters_only(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The buffers were forgotten: `parameters()` has none of them."""
    for parameter in module.parameters():
        parameter.data = parameter.data.to(dtype)
    return module


@move_floats.mistake
def own_tensors_only(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Only the module's own tensors were converted, and not those of the modules in it."""
    for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
        if tensor.is_floating_point():
            tensor.data = tensor.data.to(dtype)
    return module


def _registered_anew(module: nn.Module, dtype: torch.dtype, *, saved: bool = False, thawed: bool = False) -> nn.Module:
    for part in module.modules():
        for name, parameter in list(part._parameters.items()):
            trained = parameter.requires_grad or thawed
            setattr(part, name, nn.Parameter(parameter.detach().to(dtype), requires_grad=trained))
        for name, buffer in list(part._buffers.items()):
            if buffer is not None and buffer.is_floating_point():
                kept = saved or name not in part._non_persistent_buffers_set
                part.register_buffer(name, buffer.to(dtype), persistent=kept)
    return module


@move_floats.mistake
def saved_from_now_on(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A buffer that was not saved is saved now: `register_buffer` was called again, without `persistent=False`.
    Assigning to the name keeps the choice."""
    return _registered_anew(module, dtype, saved=True)


@move_floats.mistake
def thawed(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A frozen parameter can be trained again: a new `nn.Parameter` wants its gradient, unless told otherwise."""
    return _registered_anew(module, dtype, thawed=True)


@move_floats.mistake
def aliases_converted(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Nothing has changed. `state_dict()` makes new tensor objects; a dtype given to one of those is not given to the
    module's."""
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.data = tensor.data.to(dtype)
    return module


@move_floats.mistake
def a_copy(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The result is a copy, and the module that was given is as before. `.to()` changes the module itself."""
    return _move_floats(copy.deepcopy(module), dtype)


@move_floats.mistake
def stumbles_over_none(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A buffer may be `None`, a name for later. `buffers()` leaves these out; the dictionary `_buffers` does not."""
    for part in module.modules():
        for tensor in (*part._parameters.values(), *part._buffers.values()):
            if tensor.is_floating_point():
                tensor.data = tensor.data.to(dtype)
    return module


# --- ActNorm: a bug hunt ------------------------------------------------------------------------------------------


class _ActNorm(nn.Module):
    """The right answer; each of those below spoils it."""

    in_evaluation = False

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels))
        self.scale = nn.Parameter(torch.ones(channels))
        self.prepare()

    def prepare(self) -> None:
        self.register_buffer("initialized", torch.tensor(False))

    def is_new(self) -> bool:
        return not self.initialized

    def remember(self) -> None:
        self.initialized.fill_(True)

    @torch.no_grad()
    def initialize(self, x: Tensor) -> None:
        deviation, mean = torch.std_mean(x, dim=0, correction=0)
        self.scale.copy_(1 / (deviation + 1e-6))
        self.shift.copy_(-mean / (deviation + 1e-6))
        self.remember()

    def forward(self, x: Tensor) -> Tensor:
        if (self.training or self.in_evaluation) and self.is_new():
            self.initialize(x)
        return self.scale * x + self.shift


def _interrupted(answer: Callable, first: Tensor, second: Tensor, seen: bool, reset: bool) -> object:
    """Train on a batch, save, and go on with the next: here, and in a second module that loads what was saved."""
    channels = first.shape[1]
    layer = answer(channels)
    if not isinstance(layer, nn.Module):
        return show(layer)
    found: dict[str, object] = {
        "parameters": sorted(name for name, _ in layer.named_parameters()),
        "in evaluation": answer(channels).eval()(first).detach(),
        "not saved": sum(name not in layer.state_dict() for name, _ in layer.named_buffers()),  # tells mistakes apart
    }
    if seen:
        found["first batch"] = layer(first).detach()
    if reset:  # training may lead anywhere
        beside(answer).fill(layer, {"scale": torch.tensor(1.0), "shift": torch.tensor(0.0)})
    checkpoint = copy.deepcopy(layer.state_dict())

    def resume(**options: bool) -> Tensor:
        with beside(answer).building_on("meta" if options else "cpu"):
            resumed = answer(channels)
        resumed.load_state_dict(copy.deepcopy(checkpoint), **options)
        return _real(resumed(second))

    found["resumed"] = _result_or_error(resume)
    found["resumed by way of the meta device"] = _result_or_error(lambda: resume(assign=True))
    found["without interruption"] = layer(second).detach()
    return found


@exercise(
    _ActNorm,
    probe=_interrupted,
    always=(
        {"batch": 3, "channels": 2, "seen": True, "reset": False},
        {"batch": 3, "channels": 2, "seen": True, "reset": True},
        {"batch": 3, "channels": 2, "seen": False, "reset": False},
    ),
    batch=integers(2, 4),
    channels=integers(1, 3),
    seen=booleans(),
    reset=booleans(),
)
def ActNorm(batch: int, channels: int, seen: bool, reset: bool) -> Arguments:  # noqa: N802 - a class of the page
    """A layer whose first batch decides, and which remembers it in a checkpoint."""
    return {
        "first": noise(batch, channels, seed=1) + 3,
        "second": 5 * noise(batch, channels, seed=2) - 1,
        "seen": seen,
        "reset": reset,
    }


@ActNorm.judge
def say_who_was_initialised(
    got: object, want: dict, first: Tensor, second: Tensor, seen: bool, reset: bool
) -> str | None:
    """Follow the layer through training, saving and loading."""
    if not isinstance(got, dict):
        return f"`ActNorm(channels)` gives {got}; expected a module"
    if got["parameters"] != want["parameters"]:
        return f"parameters() has {show(got['parameters'])}; expected {show(want['parameters'])}"
    told = {
        "in evaluation": "a new layer in evaluation, which must not learn from what it sees",
        "first batch": "on the first batch in training",
        "without interruption": "on the second batch, without an interruption",
        "resumed": "saved, loaded, and given the second batch",
        "resumed by way of the meta device": "saved, loaded by way of the meta device, and given the second batch",
    }
    had = "had been initialised" if seen else "had seen no batch"
    for step, told_so in told.items():
        if step not in want:
            continue
        if isinstance(got.get(step), str):
            return f"{told_so}: {got[step]}"
        if problem := difference(got.get(step), want[step], name="the output"):
            return f"{told_so}: {problem}. The layer that was saved {had}"
    return None


@ActNorm.mistake
def flag_forgotten(channels: int) -> nn.Module:
    """It looks like the flag is a plain attribute. It is not in the checkpoint, so the layer that loads believes that
    it is new, and its first batch writes over the weights."""

    class PlainFlag(_ActNorm):
        def prepare(self) -> None:
            self.initialized = False

        def remember(self) -> None:
            self.initialized = True

    return PlainFlag(channels)


@ActNorm.mistake
def flag_not_saved(channels: int) -> nn.Module:
    """It looks like the flag is a buffer that is not saved. `persistent=False` is for what can be computed again; this
    one is a memory."""

    class UnsavedFlag(_ActNorm):
        def prepare(self) -> None:
            self.register_buffer("initialized", torch.tensor(False), persistent=False)

    return UnsavedFlag(channels)


@ActNorm.mistake
def loading_counts(channels: int) -> nn.Module:
    """It looks like the layer takes itself for initialised whenever something was loaded. A checkpoint may come from
    a layer that had seen no batch yet."""

    class Loaded(_ActNorm):
        def prepare(self) -> None:
            self.initialized = False
            self.register_load_state_dict_post_hook(lambda module, _: module.remember())

        def remember(self) -> None:
            self.initialized = True

    return Loaded(channels)


@ActNorm.mistake
def guessed_from_weights(channels: int) -> nn.Module:
    """It looks like the weights are asked whether they are still 1 and 0. Training may lead them back there; only a
    flag knows."""

    class Guess(_ActNorm):
        def prepare(self) -> None:
            pass

        def is_new(self) -> bool:
            return bool((self.scale == 1).all() and (self.shift == 0).all())

        def remember(self) -> None:
            pass

    return Guess(channels)


@ActNorm.mistake
def bool_into_buffer(channels: int) -> nn.Module:
    """The flag is a buffer, and a buffer holds tensors: fill it, `self.initialized.fill_(True)`, instead of assigning
    `True` to its name."""

    class Assigned(_ActNorm):
        def remember(self) -> None:
            self.initialized = True

    return Assigned(channels)


@ActNorm.mistake(credit=0.5)
def flag_is_parameter(channels: int) -> nn.Module:
    """The flag is saved, as a parameter. Whatever goes through the parameters now meets a number that is not a weight;
    what nobody trains is a buffer."""

    class Parameter(_ActNorm):
        def prepare(self) -> None:
            self.initialized = nn.Parameter(torch.tensor(0.0), requires_grad=False)

        def remember(self) -> None:
            self.initialized.fill_(1)

    return Parameter(channels)


@ActNorm.mistake
def learns_in_evaluation(channels: int) -> nn.Module:
    """The layer initialises itself in evaluation, too. Only training may change it."""

    class Always(_ActNorm):
        in_evaluation = True

    return Always(channels)


# --- load_by_meta -------------------------------------------------------------------------------------------------


class _Positions(nn.Module):
    """A weight, a saved count, and positions that are computed and not saved; with no hook."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(number))
        self.register_buffer("steps", torch.tensor(0))
        self.resets = -1
        self.reset_buffers()

    def reset_buffers(self) -> None:
        self.resets += 1
        # no arithmetic: the first on the meta device makes PyTorch import for seconds
        number, device = len(self.weight), self.weight.device
        self.register_buffer("positions", torch.arange(0.5, number, device=device), persistent=False)
        self.register_buffer("order", torch.arange(number - 1, -1, -1, device=device), persistent=False)


class _Model(nn.Module):
    """Parts of the kind above, in modules without buffers of their own, below a root of either kind."""


class _Builder:
    """Builds a model: modules with and without computed buffers, of these numbers of positions."""

    def __init__(self, numbers: list[int], root: bool) -> None:
        self.numbers, self.root = numbers, root

    def __call__(self) -> nn.Module:
        model = _Positions(2) if self.root else _Model()
        model.layers = nn.ModuleList(
            nn.ModuleDict({"norm": nn.LayerNorm(number), "bias": _Positions(number)}) for number in self.numbers
        )
        model.head = nn.Linear(2, 1)
        return model


def _load_by_meta(build: Callable[[], nn.Module], checkpoint: dict[str, Tensor]) -> nn.Module:
    with torch.device("meta"):
        model = build()
    model.to_empty(device="cpu")
    model.load_state_dict(checkpoint)
    for module in model.modules():
        if hasattr(module, "reset_buffers"):
            module.reset_buffers()
    return model


def _all_tensors(answer: Callable, build: Callable, checkpoint: dict[str, Tensor]) -> object:
    built_on = []

    def watched() -> nn.Module:
        model = build()
        built_on.append(next(model.parameters()).device.type)
        return model

    with beside(answer).memory_filled():
        model = answer(watched, checkpoint)
    if not isinstance(model, nn.Module):
        return show(model)
    tensors = {name: _real(tensor) for name, tensor in (*model.named_parameters(), *model.named_buffers())}
    return {
        "built on": sorted(set(built_on)),
        "tensors": tensors,
        "saved": sorted(model.state_dict()),
        "reset": any(getattr(module, "resets", 0) for module in model.modules()),  # tells mistakes apart
    }


@exercise(
    _load_by_meta,
    probe=_all_tensors,
    always=({"numbers": [2, 3], "root": True}, {"numbers": [1], "root": False}),
    numbers=lists(integers(1, 3), max_size=3),
    root=booleans(),
    inputs=15,
)
def load_by_meta(numbers: list[int], root: bool) -> Arguments:
    """A model by way of the meta device, with its unsaved buffers."""
    build = _Builder(numbers, root)
    with torch.random.fork_rng(devices=[]):
        trained = build().state_dict()
    checkpoint = {
        name: (noise(*tensor.shape, seed=k) if tensor.is_floating_point() else torch.tensor(k))
        for k, (name, tensor) in enumerate(trained.items())
    }
    return {"build": build, "checkpoint": checkpoint}


@load_by_meta.judge
def say_what_is_garbage(got: object, want: dict, build: Callable, checkpoint: dict[str, Tensor]) -> str | None:
    """Name a tensor without memory, one that holds garbage, one that is wrong."""
    if not isinstance(got, dict):
        return f"the result is {got}; expected a model"
    if got["built on"] != ["meta"]:
        return f"build() ran on {' and '.join(got['built on']) or 'no device'}; it should run on the meta device"
    for name, right in want["tensors"].items():
        mine = got["tensors"].get(name)
        if isinstance(mine, str):
            return f"{name!r} is still {mine}"
        if problem := difference(mine, right, name=repr(name)):
            told = "it is in the checkpoint" if name in checkpoint else "it is not in the checkpoint"
            return f"{problem} ({told})"
    if got["saved"] != want["saved"]:
        return f"the model's state_dict has {show(got['saved'])}; expected {show(want['saved'])}"
    return difference(sorted(got["tensors"]), sorted(want["tensors"]), name="the list of all names")


def _on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    with torch.device("meta"):
        return build()


def _reset(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if hasattr(module, "reset_buffers"):
            module.reset_buffers()
    return model


@load_by_meta.mistake
def never_reset(build: Callable, checkpoint: dict[str, Tensor]) -> nn.Module:
    """All keys matched, and the unsaved buffers hold what stood in the memory that `to_empty` gave: they are in no
    checkpoint. Call `reset_buffers` where there is one."""
    model = _on_meta(build).to_empty(device="cpu")
    model.load_state_dict(checkpoint)
    return model


@load_by_meta.mistake
def assigned_and_never_reset(build: Callable, checkpoint: dict[str, Tensor]) -> nn.Module:
    """`assign=True` puts the checkpoint's tensors in their places. The unsaved buffers are not among them and stay on
    the meta device, until `reset_buffers` is called."""
    model = _on_meta(build)
    model.load_state_dict(checkpoint, assign=True)
    return model


@load_by_meta.mistake
def reset_too_early(build: Callable, checkpoint: dict[str, Tensor]) -> nn.Module:
    """The buffers are reset while the model is on the meta device, and `to_empty` then replaces them by garbage. Reset
    them at the end."""
    model = _reset(_on_meta(build)).to_empty(device="cpu")
    model.load_state_dict(checkpoint)
    return model


@load_by_meta.mistake
def reset_the_root(build: Callable, checkpoint: dict[str, Tensor]) -> nn.Module:
    """Only the root is asked to reset its buffers. Any module in it may have some."""
    model = _on_meta(build).to_empty(device="cpu")
    model.load_state_dict(checkpoint)
    if hasattr(model, "reset_buffers"):
        model.reset_buffers()
    return model


@load_by_meta.mistake
def nowhere_to_load(build: Callable, checkpoint: dict[str, Tensor]) -> nn.Module:
    """Loading into tensors on the meta device does nothing: there is no memory to write to. Give them some with
    `to_empty` first, or load with `assign=True`."""
    model = _on_meta(build)
    model.load_state_dict(checkpoint)
    return _reset(model)


@load_by_meta.mistake
def moved_without_memory(build: Callable, checkpoint: dict[str, Tensor]) -> nn.Module:
    """`.to("cpu")` would copy numbers, and a tensor on the meta device has none. `to_empty(device="cpu")` gives memory
    without a copy."""
    return _on_meta(build).cpu()


@load_by_meta.mistake
def never_loaded(build: Callable, checkpoint: dict[str, Tensor]) -> nn.Module:
    """The buffers are right, and the weights are garbage: the checkpoint was not loaded."""
    return _reset(_on_meta(build).to_empty(device="cpu"))


@load_by_meta.mistake(credit=0.25)
def built_on_the_cpu(build: Callable, checkpoint: dict[str, Tensor]) -> nn.Module:
    """The model is right, and it was built on the CPU, with memory and initial values for weights that the checkpoint
    replaces at once. Build it within `torch.device("meta")`."""
    model = build()
    model.load_state_dict(checkpoint)
    return model


# --- CachedMask ---------------------------------------------------------------------------------------------------


class _CachedMask(nn.Module):
    """The right answer; each class attribute spoils one thing."""

    buffer, saved = True, False
    forgets, drops, everywhere = True, True, True
    rebuilds, converts, compare_shape = True, True, True

    def __init__(self, make: Callable[[int, int], Tensor]) -> None:
        super().__init__()
        self.make = make
        self.size: tuple[int, int] | None = None
        self.kept = self.place()
        if self.drops:
            self.register_load_state_dict_pre_hook(self.drop)
        if self.forgets:
            self.register_load_state_dict_post_hook(lambda module, _: module.forget())

    def place(self) -> str:
        if self.buffer:
            self.register_buffer("attn_mask", None, persistent=self.saved)
        else:
            self.attn_mask = None
        return "attn_mask"

    @staticmethod
    def drop(module: "_CachedMask", state_dict: dict[str, Tensor], prefix: str, *_: object) -> None:
        state_dict.pop(prefix + "attn_mask" if module.everywhere else "attn_mask", None)

    def forget(self) -> None:
        self.size = None

    def is_kept(self, size: tuple[int, int]) -> bool:
        if self.attn_mask is None or self.size is None:
            return False
        if not self.compare_shape:
            return size[0] * size[1] == self.size[0] * self.size[1]
        return size == self.size or not self.rebuilds

    def forward(self, x: Tensor) -> Tensor:
        size = tuple(x.shape[1:3])
        if not self.is_kept(size):
            allowed = self.make(*size).to(x.device)
            mask = torch.zeros(allowed.shape, dtype=x.dtype, device=x.device)
            self.attn_mask, self.size = mask.masked_fill(~allowed, float("-inf")), size
        return self.attn_mask.to(x.device, x.dtype if self.converts else self.attn_mask.dtype)


def _maps(sizes: list[list[int]], dtype: torch.dtype) -> list[Tensor]:
    """Two maps of each size, one after the other; the second in a batch of two, and of another dtype."""
    other = torch.float16 if dtype != torch.float16 else torch.float32
    return [torch.zeros(batch, *size, 1, dtype=kind) for size in sizes for batch, kind in ((1, dtype), (2, other))]


def _left_behind(attributes: dict[str, object]) -> list[str]:
    """Names of a module's attributes that hold a tensor of which it knows nothing."""

    def holds(value: object) -> bool:
        if isinstance(value, dict):
            return any(map(holds, value.values()))
        return any(map(holds, value)) if isinstance(value, (list, tuple)) else isinstance(value, Tensor)

    return sorted(name for name, value in attributes.items() if not name.startswith("_") and holds(value))


def _unmatched(module: nn.Module, state_dict: dict[str, Tensor]) -> list[list[str]]:
    """Load, and say which keys are missing and which are unexpected."""
    return [list(keys) for keys in module.load_state_dict(state_dict)]


def _life_of_a_mask(answer: Callable, make: Callable, sizes: list[list[int]], dtype: torch.dtype) -> object:
    """Everything that the statement asks for, step by step."""
    calls = []

    def counted(height: int, width: int) -> Tensor:
        calls.append((height, width))
        return make(height, width)

    module, maps = answer(counted), _maps(sizes, dtype)
    if not isinstance(module, nn.Module):
        return show(module)
    last = maps[-1]
    found: dict[str, object] = {"masks": [_real(module(x)) for x in maps], "calls": len(calls)}
    found["another"] = answer(lambda height, width: ~make(height, width))(last)
    found["left behind"] = _left_behind(beside(answer).attributes(module))
    found["buffers"] = len(list(module.buffers()))
    found["saved"] = sorted(module.state_dict())

    calls.clear()
    found["after .double()"] = _result_or_error(lambda: copy.deepcopy(module).double()(last))
    found["calls after .double()"] = len(calls)

    root, model = answer(make), beside(answer).nn.ModuleDict({"block": module})
    old = torch.zeros(5, 1, 1)
    found["at the root"] = _result_or_error(lambda: _unmatched(root, {"attn_mask": old}))
    found["old checkpoint"] = _result_or_error(lambda: _unmatched(model, {"block.attn_mask": old}))
    found["after the old checkpoint"] = _result_or_error(lambda: module(last))

    def emptied() -> Tensor:
        used = answer(make)
        used(last)
        used.to("meta").to_empty(device="cpu")
        used.load_state_dict({})
        return used(last)

    def assigned() -> Tensor:
        with beside(answer).building_on("meta"):
            lean = answer(make)
        lean.load_state_dict({}, assign=True)
        return _real(lean(last))

    with beside(answer).memory_filled():
        found["emptied"], found["assigned"] = _result_or_error(emptied), _result_or_error(assigned)
    return found


def _shifted_mask(height: int, width: int) -> Tensor:
    """A boolean mask ``(nW, 4, 4)`` for windows of 2×2, shifted by 1."""
    return swinlib.shifted_window_mask(height, width, 2, 1)


@exercise(
    _CachedMask,
    probe=_life_of_a_mask,
    always=(
        {"sizes": [[1, 4], [2, 2], [2, 2]], "dtype": "float32"},
        {"sizes": [[2, 1], [1, 2]], "dtype": "float64"},
    ),
    sizes=lists(lists(integers(1, 3), min_size=2, max_size=2), min_size=1, max_size=3),
    dtype=sampled_from(["float32", "float64", "float16"]),
    inputs=12,
)
def CachedMask(sizes: list[list[int]], dtype: str) -> Arguments:  # noqa: N802 - a class of the page
    """A mask that is made once for each size, and survives whatever is done to a model."""
    sizes = [[2 * height, 2 * width] for height, width in sizes]
    return {"make": _shifted_mask, "sizes": sizes, "dtype": getattr(torch, dtype)}


@CachedMask.judge
def follow_its_life(got: object, want: dict, make: Callable, sizes: list[list[int]], dtype: torch.dtype) -> str | None:
    """The first thing that goes wrong, in the order in which the page asks for them."""
    if not isinstance(got, dict):
        return f"`CachedMask(make)` gives {got}; expected a module"
    for x, mine, right in zip(_maps(sizes, dtype), got["masks"], want["masks"], strict=True):
        if problem := difference(mine, right, name="the mask"):
            return f"on maps of {x.shape[1]}×{x.shape[2]}: {problem}"
    if got["calls"] > want["calls"]:
        changes = want["calls"] - 1
        return f"`make` was called {got['calls']} times; expected {changes + 1}, as the size changed {changes} times"
    if problem := difference(got["another"], want["another"], name="its mask"):
        return f"a second CachedMask, with a make of its own: {problem}"
    if got["left behind"] or not got["buffers"]:
        where = f", but in the attribute {got['left behind'][0]!r}" if got["left behind"] else ""
        return f"after a forward pass the mask is in no buffer{where}; how should it follow the module?"
    if got["saved"]:
        return f"the state_dict has {show(got['saved'])}; expected nothing"
    told = {
        "after .double()": "after .double()",
        "calls after .double()": "after .double() the size is the same; the number of calls of `make`",
        "at the root": "loading an old checkpoint, which has 'attn_mask', with the module as the root",
        "old checkpoint": "loading an old checkpoint, which has 'block.attn_mask'",
        "after the old checkpoint": "after loading an old checkpoint, which has 'block.attn_mask'",
        "emptied": "after a forward pass, .to('meta'), to_empty and load_state_dict",
        "assigned": "built on the meta device, and loaded with assign=True",
    }
    for step, told_so in told.items():
        if isinstance(got[step], str) and got[step] != want[step]:
            return f"{told_so}: {got[step]}"
        name = "the mask"
        if step.startswith("calls"):
            name = "it"
        elif isinstance(want[step], list):
            name = "the list of missing and unexpected keys"
        if problem := difference(got[step], want[step], name=name):
            return f"{told_so}: {problem}"
    return None


def _spoiled(make: Callable, **attributes: object) -> nn.Module:
    return type("Spoiled", (_CachedMask,), attributes)(make)


@CachedMask.mistake
def made_each_time(make: Callable) -> nn.Module:
    """The mask is made in every forward pass, as torchvision's is. Keep it, and its size."""

    def forward(self: _CachedMask, x: Tensor) -> Tensor:
        allowed = self.make(*x.shape[1:3]).to(x.device)
        return torch.zeros(allowed.shape, dtype=x.dtype, device=x.device).masked_fill(~allowed, float("-inf"))

    return _spoiled(make, forward=forward)


@CachedMask.mistake
def never_made_again(make: Callable) -> nn.Module:
    """The mask of the first map is used for all: ask whether its size is the size of this map."""
    return _spoiled(make, rebuilds=False)


@CachedMask.mistake
def compared_by_number(make: Callable) -> nn.Module:
    """It is made anew only if the number of windows changes. A map of 2×8 tokens has as many as one of 4×4, and other
    neighbours: keep height and width."""
    return _spoiled(make, compare_shape=False)


@CachedMask.mistake
def kept_in_attribute(make: Callable) -> nn.Module:
    """The mask is a plain attribute, so it stays behind when the module moves, and must be copied to the device of the
    map in each forward pass."""
    return _spoiled(make, buffer=False)


@CachedMask.mistake
def kept_and_saved(make: Callable) -> nn.Module:
    """The mask is saved, and ties each checkpoint to the size of the last image: `persistent=False`."""
    return _spoiled(make, saved=True)


@CachedMask.mistake
def keeps_its_dtype(make: Callable) -> nn.Module:
    """The mask has the dtype of the first map that asked for it, or of the module. A map of another dtype, under
    autocast for example, needs a mask of its own dtype."""
    return _spoiled(make, converts=False)


@CachedMask.mistake(credit=0.5)
def garbage_after_loading(make: Callable) -> nn.Module:
    """After the meta device the buffer holds garbage, or is still there, and the size that was kept says that the
    mask is right. Forget the size whenever something has been loaded: `register_load_state_dict_post_hook`."""
    return _spoiled(make, forgets=False)


@CachedMask.mistake(credit=0.5)
def refuses_old_checkpoints(make: Callable) -> nn.Module:
    """All is right but the old checkpoints: a key that the module does not know is refused. Take it out before it is
    looked at, in a hook of `register_load_state_dict_pre_hook`."""
    return _spoiled(make, drops=False)


@CachedMask.mistake(credit=0.5)
def drops_at_the_root(make: Callable) -> nn.Module:
    """The hook takes out the key "attn_mask", which is the mask's name only if the module is the root. The hook is told
    the path of the module, as `prefix`."""
    return _spoiled(make, everywhere=False)
