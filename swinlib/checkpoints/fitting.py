"""From a network in a checkpoint to the model: windows, head and channels fitted, and all the rest equal or refused."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, takewhile
from math import ceil
from typing import Any

import torch
from torch import Tensor

from ..arguments import SizeByStage, by_stage
from ..attention import BaseWindowAttention
from ..model import SwinTransformer
from .errors import CheckpointError, check_model, first_of
from .files import Network, find_network
from .layouts import BUFFERS, HEAD, NORM, TABLE, Naming, Tensors, gather, naming_of, scatter
from .report import CheckpointReport, in_list
from .windows import Window, resize_position_bias_table, shown_windows, table_rows

_PATCHES = "patch_embed.proj.weight"
_ADDED_POSITIONS = ("absolute_pos_embed", "position_embeddings")
# What takes no part in the forward pass: SimMIM's token, and the classifier's norm in a backbone of transformers
_UNUSED = ("mask_token", "swin.layernorm.weight", "swin.layernorm.bias")


def load_checkpoint(
    model: SwinTransformer,
    checkpoint: str | os.PathLike[str] | Mapping[str, Any],
    *,
    entry: str | None = None,
    pretrained_window_size: SizeByStage | None = None,
    adapt_channels: bool = False,
) -> CheckpointReport:
    """Load weights of any layout into the model; all of them, or none where they do not fit.

    The network may lie anywhere in the checkpoint, behind any prefix, in any wrapper, beside other tensors. What is
    not loaded is in the report.

    Windows: a table of v1 is resized where the model's window is another, as the reference code does. The coordinates
    of v2 have the scale of the window of training, which is an argument of the model: one that was built for another
    is refused. A head with another number of classes is left out, and the model keeps its own; so it does with norms
    that the checkpoint does not have. The model keeps its dtype and device.

    Args:
        model: v1 or v2.
        checkpoint: a file of torch or safetensors, or what such a file holds.
        entry: which network, where the checkpoint holds several: ``"ema"``, ``"state_dict.student"``. If not given,
            what was evaluated in a file of ``swinlib.training``, and in others what usually holds the model.
        pretrained_window_size: window that the weights were trained with, for all stages or a list with one for each,
            as in ``SwinTransformer``. It counts more than what the checkpoint shows. Needed only where that shows
            nothing (v2 in the layouts of timm, Hugging Face and swinlib) and for a table that is not square.
        adapt_channels: take weights for red, green and blue for images of other channels: summed up for one, repeated
            and scaled for more, as timm does.

    Returns:
        What was recognised, resized, kept, adapted and ignored.

    Raises:
        CheckpointError: if the file is missing, damaged or holds more than tensors, or the tensors are not those of
            such a model; the message says which disagree, and what to do.
        TypeError: if ``model`` is no ``SwinTransformer``.
    """
    check_model(model)
    if model.norm.weight.is_meta:
        raise CheckpointError("the model is on the meta device: give it memory first, model.to_empty(device='cpu').")
    given = None
    if pretrained_window_size is not None:
        given = by_stage(pretrained_window_size, "pretrained_window_size", len(model.layers))
    network = find_network(checkpoint, model, entry)
    tensors, naming = _with_plain_head(network.tensors, network.naming), network.naming
    own = model.state_dict()

    attentions = {name: module for name, module in model.named_modules() if isinstance(module, BaseWindowAttention)}
    shown = {name: shown_windows(tensors, naming, name, module) for name, module in attentions.items()}
    file_windows = _by_stage(model, {name: window for name, (window, _) in shown.items()})
    trained = {name: given[_stage(name)] if given else shown[name][1] for name in attentions}
    _check_scale(model, trained, file_windows)

    head, classes = _fit_head(tensors, naming, own)
    kept = _kept(own, tensors, naming, head)
    adapted = _adapted(tensors, naming, own) if adapt_channels else None
    shapes = _shapes({key: tensor for key, tensor in own.items() if key not in kept}, trained, adapted)
    expected = scatter(shapes, naming)
    used, ignored = _sort_out(tensors, expected, naming, len(model.layers))
    _check_agreement(used, expected, network, model)
    if head == "kept" and not classes[0]:
        _check_headless(tensors, naming)

    loaded = gather(used, shapes, naming)
    if adapted:
        loaded[_PATCHES] = _for_channels(loaded[_PATCHES], adapted[1])
    changed = {name: (window, attentions[name].window_size) for name, window in trained.items()}
    changed = {n: change for n, change in changed.items() if f"{n}.{TABLE}" in loaded and None not in change}
    changed = {n: (theirs, ours) for n, (theirs, ours) in changed.items() if theirs != ours}
    for name, change in changed.items():
        loaded[f"{name}.{TABLE}"] = resize_position_bias_table(loaded[f"{name}.{TABLE}"], *change)

    # nothing below can fail, so the model is never left half changed
    model.load_state_dict({**own, **loaded})
    contradicted = given and any(shown[name][1] not in (None, trained[name]) for name in attentions)
    return CheckpointReport(
        layout=_layout(network),
        version=model.version,
        entry=network.entry,
        others=network.others,
        loaded=tuple(loaded),
        kept=tuple(kept),
        resized=tuple((name, *change) for name, change in changed.items()),
        trained_windows=_by_stage(model, trained),
        file_windows=file_windows,
        windows=tuple(model.window_size),
        given_windows=tuple(given) if contradicted else None,
        head=head,
        classes=classes,
        adapted_channels=adapted,
        ignored=(*ignored, *network.beside),
    )


def _shapes(own: Tensors, trained: Mapping[str, Window | None], adapted: tuple[int, int] | None) -> dict[str, Tensor]:
    """What the checkpoint should hold: the model's tensors, with the tables of its windows and with its channels."""
    shapes = {key: tensor.to("meta") for key, tensor in own.items()}
    for name, window in trained.items():
        table = shapes.get(f"{name}.{TABLE}")
        if table is not None and window is not None:
            shapes[f"{name}.{TABLE}"] = table.new_empty(table_rows(window), table.shape[1])
    if adapted:
        channels, _, *patch = shapes[_PATCHES].shape
        shapes[_PATCHES] = shapes[_PATCHES].new_empty(channels, adapted[0], *patch)
    return shapes


def _layout(network: Network) -> str:
    saves_buffers = any(name.endswith(BUFFERS) for name in network.tensors)
    return "microsoft" if network.layout == "swinlib" and saves_buffers else network.layout


def _stage(name: str) -> int:
    return int(name.split(".")[1])


def _by_stage(model: SwinTransformer, windows: Mapping[str, Window | None]) -> tuple[Window | None, ...]:
    """The windows of attentions as those of stages, of each its first block's."""
    return tuple(windows[f"layers.{i}.blocks.0.attn"] for i in range(len(model.layers)))


# ---- windows -------------------------------------------------------------------------------------------------------


def _check_scale(
    model: SwinTransformer, trained: Mapping[str, Window | None], file_windows: Sequence[Window | None]
) -> None:
    """Raise unless v2's coordinates have the scale of the windows that the weights were trained with.

    The scale is an argument of the model: if loading changed it, a model built alike would compute something else
    from the same ``state_dict``.
    """
    scale = model.pretrained_window_size
    if scale is None or all(window in (None, scale[_stage(name)]) for name, window in trained.items()):
        return
    theirs = [window or own for window, own in zip(_by_stage(model, trained), scale, strict=True)]
    windows = [window or own for window, own in zip(file_windows, model.window_size, strict=True)]
    remedy = f"Build it with pretrained_window_size={in_list(theirs)}"
    if windows != model.window_size:
        remedy += f", or like the checkpoint's own with window_size={in_list(windows)}"
        remedy += "" if windows == theirs else f", pretrained_window_size={in_list(theirs)}"
    raise CheckpointError(
        f"the checkpoint was trained with windows of {in_list(theirs)}, but the model's coordinates have the scale of "
        f"windows of {in_list(scale)}; it is unchanged. {remedy}."
    )


# ---- head, norms, channels -----------------------------------------------------------------------------------------


def _with_plain_head(tensors: Tensors, naming: Naming) -> Tensors:
    """The tensors with the head under its usual names, if it is one linear layer under others, as in a Sequential."""
    places = [naming(key) for key in HEAD]
    if not all(places):
        return tensors
    weight, bias = (place[0].name for place in places)
    root = weight.removesuffix(".weight").partition(".")[0] + "."
    parts = {name: tensor for name, tensor in tensors.items() if name.startswith(root)}
    matrices = [name for name, tensor in parts.items() if name.endswith(".weight") and tensor.dim() == 2]
    if weight in parts or len(matrices) != 1:
        return tensors
    found = (matrices[0], matrices[0].removesuffix("weight") + "bias")
    if parts.keys() != set(found):
        return tensors
    rest = {name: tensor for name, tensor in tensors.items() if name not in parts}
    return {**rest, weight: parts[found[0]], bias: parts[found[1]]}


def _is_head(key: str) -> bool:
    return key.startswith("head.")


def _shape(tensors: Tensors, naming: Naming, key: str) -> tuple[int, ...]:
    """The shape of a tensor of the checkpoint; zeros where it is not there."""
    found = [tensors[place.name] for place in naming(key) if place.name in tensors]
    return tuple(found[0].shape) if found and found[0].dim() else (0, 0)


def _fit_head(tensors: Tensors, naming: Naming, own: Tensors) -> tuple[str, tuple[int, int]]:
    """What becomes of the head, as the report says it, and the classes of the checkpoint and of the model."""
    theirs, ours = _shape(tensors, naming, HEAD[0]), tuple(own[HEAD[0]].shape) if HEAD[0] in own else (0, 0)
    classes = (theirs[0], ours[0])
    if not any(map(_is_head, own)):
        return "none", classes
    lacks_a_part = {place.name in tensors for key in HEAD for place in naming(key)} == {True, False}
    is_another = classes[0] and theirs[1:] != ours[1:]  # both are to be refused, not to be left out
    fits = classes[1] and (classes[0] == classes[1] or lacks_a_part or is_another)
    return "loaded" if fits else "kept", classes


def _check_headless(tensors: Tensors, naming: Naming) -> None:
    """Raise if what was taken for a checkpoint without head has one of another kind."""
    roots = {_root(place.name) for place in naming(HEAD[0])}
    parts = [name for name in tensors if _root(name) in roots]
    if parts:
        raise CheckpointError(
            f"the checkpoint's head is not one linear layer ({first_of(parts)}), and the model, which is unchanged, "
            f"has one: load it into a model with num_classes=0, and give that a head of the same kind."
        )


def _root(name: str) -> str:
    return name.partition(".")[0]


def _kept(own: Tensors, tensors: Tensors, naming: Naming, head: str) -> list[str]:
    """Keys of the model that the checkpoint need not have: a head, norms of stages, and in a backbone any norm."""
    is_backbone = not any(place.name in tensors for key in HEAD for place in naming(key))
    groups: dict[str, list[str]] = {}
    for key in own:
        if key.startswith("stage_norms") or (is_backbone and key in NORM):
            groups.setdefault(key.rpartition(".")[0], []).append(key)
    absent = [
        group for group in groups.values() if not any(place.name in tensors for key in group for place in naming(key))
    ]
    return [*chain(*absent), *(key for key in own if _is_head(key) and head != "loaded")]


def _adapted(tensors: Tensors, naming: Naming, own: Tensors) -> tuple[int, int] | None:
    """Channels of the checkpoint's images and of the model's, where the first are three and the second another."""
    places = naming(_PATCHES)
    weight = tensors.get(places[0].name)
    theirs, ours = (weight.shape[1] if weight is not None and weight.dim() == 4 else 0), own[_PATCHES].shape[1]
    return (theirs, ours) if theirs == 3 != ours else None


def _for_channels(weight: Tensor, channels: int) -> Tensor:
    """A convolution ``(C, 3, h, w)`` for images of other channels: the same response where all channels are equal.

    Source: ``timm.models.adapt_input_conv``.
    """
    if channels == 1:
        return weight.sum(dim=1, keepdim=True)
    return weight.repeat(1, ceil(channels / 3), 1, 1)[:, :channels] * (3 / channels)


def _sort_out(tensors: Tensors, expected: Tensors, naming: Naming, stages: int) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors that must agree with the model, and the names of those that are of no use to it.

    A name that begins like none of the network's lies beside it. One that begins like them and is not expected is of
    another network, and must not be overlooked.
    """
    optional = [*HEAD, *NORM, *(f"stage_norms.{i}.{part}" for i in range(stages) for part in ("weight", "bias"))]
    useless = {place.name for key in optional for place in naming(key)} - expected.keys()
    roots = {_root(name) for name in expected}
    used, ignored = {}, []
    for name, tensor in tensors.items():
        if name.endswith(_ADDED_POSITIONS):
            raise CheckpointError(
                f"the checkpoint's network adds an absolute position embedding, {name} {tuple(tensor.shape)}, which "
                f"this one does not do: it would compute something else. Take weights trained without one."
            )
        is_idle = name in useless or name.endswith((*BUFFERS, *_UNUSED)) or _root(name) not in roots
        if is_idle and name not in expected:
            ignored.append(name)
        else:
            used[name] = tensor
    return used, ignored


# ---- agreement -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Disagreement:
    missing: list[str]
    unexpected: list[str]
    shapes: list[str]
    integers: list[str]
    sparse: list[str]
    not_finite: list[str]

    def lines(self) -> list[str]:
        kinds = {
            "missing": self.missing,
            "unexpected": self.unexpected,
            "of another shape": self.shapes,
            "not of floating point": self.integers,
            "sparse": self.sparse,
            "with NaN or infinity": self.not_finite,
        }
        return [f"  {len(names)} {kind}: {first_of(names)}" for kind, names in kinds.items() if names]


def _check_agreement(tensors: Tensors, expected: Tensors, network: Network, model: SwinTransformer) -> None:
    common = [name for name in expected if name in tensors]
    found = _Disagreement(
        missing=[name for name in expected if name not in tensors],
        unexpected=[name for name in tensors if name not in expected],
        shapes=[
            f"{name} {tuple(tensors[name].shape)} instead of {tuple(expected[name].shape)}"
            for name in common
            if tensors[name].shape != expected[name].shape
        ],
        integers=[name for name in common if not tensors[name].is_floating_point()],
        sparse=[name for name in common if tensors[name].layout != torch.strided],
        not_finite=[name for name in common if _is_not_finite(tensors[name])],
    )
    if not found.lines():
        return
    theirs = _describe(network.tensors, network.naming)
    ours = _describe(model.state_dict(), naming_of("swinlib", model.version, len(model.layers), backbone=False))
    head = f"this checkpoint (layout of {_layout(network)}) does not fit the model, which is unchanged:"
    raise CheckpointError("\n".join([head, *found.lines(), _remedy(found, theirs, ours)]))


def _is_not_finite(tensor: Tensor) -> bool:
    is_plain = tensor.is_floating_point() and tensor.layout == torch.strided and not tensor.is_meta
    return is_plain and not bool(tensor.isfinite().all())


def _remedy(found: _Disagreement, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """The one thing to do."""
    differing = [key for key in theirs if theirs[key] is not None and theirs[key] != ours[key]]
    if differing == ["in_channels"] and theirs["in_channels"] == 3:
        return (
            f"The checkpoint is of a model with in_channels=3, this one has in_channels={ours['in_channels']}: give "
            f"adapt_channels=True to fit its weights to other channels."
        )
    if differing:
        return (
            f"The checkpoint is of a model with {', '.join(f'{key}={theirs[key]}' for key in differing)}, this one has "
            f"{', '.join(f'{key}={ours[key]}' for key in differing)}: build the model like the checkpoint."
        )
    heads = [name for name in found.unexpected if name.startswith(("head.", "classifier."))]
    if heads:
        return (
            f"Its head is not one linear layer ({first_of(heads)}): load it into a model with num_classes=0, and give "
            f"that a head of the same kind."
        )
    if found.integers:
        return "Its weights were quantised, or are something else: take the file that they were made from."
    if found.sparse:
        return "Make them dense before: {name: tensor.to_dense() for name, tensor in state_dict.items()}."
    if found.not_finite:
        return "Its training diverged, and every logit would be NaN: take an earlier checkpoint."
    if found.missing:
        return "It is not complete: take the file that holds the whole state_dict."
    if found.unexpected:
        return "No Swin has these parts: leave them out of the dict if the network computes the same without them."
    return "It was changed after its model was saved: take the file as it was."


def _describe(tensors: Tensors, naming: Naming) -> dict[str, Any]:
    """The arguments of ``SwinTransformer`` that the tensors' names and shapes give away; None where they do not."""

    def shape(key: str) -> tuple[int, ...] | None:
        places = naming(key)
        tensor = tensors.get(places[0].name) if places else None
        return None if tensor is None else tuple(tensor.shape)

    def depth(stage: int) -> int:
        return next(j for j in count() if shape(f"layers.{stage}.blocks.{j}.norm1.weight") is None)

    def known(values: Sequence[int | None]) -> tuple[int | None, ...] | None:
        return tuple(values) if values and None not in values else None

    depths = tuple(takewhile(bool, map(depth, count())))
    first = "layers.0.blocks.0."
    version = 2 if any(name.endswith("logit_scale") for name in tensors) else 1
    heads = [shape(f"layers.{i}.blocks.0.attn.{'logit_scale' if version == 2 else TABLE}") for i in range(len(depths))]
    patch, hidden = shape(_PATCHES) or (), shape(f"{first}mlp.fc1.weight") or ()
    return {
        "version": version,
        "embed_dim": patch[0] if patch else None,
        "in_channels": patch[1] if patch[1:] else None,
        "patch_size": patch[2:] or None,
        "depths": depths or None,
        "num_heads": known([s[0 if version == 2 else -1] if s else None for s in heads]),
        "mlp_ratio": hidden[0] / hidden[1] if hidden[1:] and hidden[1] else None,
        "qkv_bias": any(shape(f"{first}attn.{bias}") for bias in ("qkv.bias", "q_bias")) if depths else None,
    }
