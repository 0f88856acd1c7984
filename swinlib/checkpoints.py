"""Checkpoints: read and write the weights of every published implementation of Swin.

A layout is one function, from a key of swinlib to the places where that tensor lies in the layout. Writing follows
it; reading follows it backwards, from the model's own keys. So what is written can be read, and the other way round.

swinlib's own keys are Microsoft's, without what is bound to a window or image size.

Sources: the reference code of arXiv 2103.14030 and 2111.09883 ("microsoft"); ``torchvision.models``; ``timm.models``;
``transformers.models.swin`` and ``swinv2`` ("huggingface").
"""

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .arguments import Size, to_pair
from .attention import WindowAttention, WindowAttentionV2
from .model import SwinTransformer
from .windows import effective_shift, shifted_window_mask

Tensors = Mapping[str, Tensor]
Window = tuple[int, int]
Place = tuple[str, int | None]  # the name of a tensor in a layout, and which third of its rows; None for all of it
Naming = Callable[[str], list[Place]]


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, or is not for this model. The model is as it was before."""


# ---- layouts: where a tensor of swinlib lies ---------------------------------------------------------------------

_TORCHVISION = (
    (r"^patch_embed\.proj", "features.0.0"),
    (r"^patch_embed\.norm", "features.0.2"),
    (r"^layers\.(\d+)\.blocks", lambda match: f"features.{2 * int(match[1]) + 1}"),
    (r"^layers\.(\d+)\.downsample", lambda match: f"features.{2 * int(match[1]) + 2}"),
    (r"\.mlp\.fc1", ".mlp.0"),
    (r"\.mlp\.fc2", ".mlp.3"),
)
_TIMM = (
    # timm merges at the start of a stage, not at the end of the one before
    (r"^layers\.(\d+)\.downsample", lambda match: f"layers.{int(match[1]) + 1}.downsample"),
    (r"^head", "head.fc"),
)
_HUGGINGFACE = (
    (r"^patch_embed\.proj", "embeddings.patch_embeddings.projection"),
    (r"^patch_embed\.norm", "embeddings.norm"),
    (r"^layers", "encoder.layers"),
    (r"^norm", "layernorm"),
    (r"^head", "classifier"),
    (r"\.norm1", ".layernorm_before"),
    (r"\.norm2", ".layernorm_after"),
)
_HUGGINGFACE_NEW = (
    (r"\.attn\.proj", ".attention.o_proj"),
    (r"\.attn\.relative_position_bias", ".attention.relative_position_bias.relative_position_bias"),
    (r"\.attn", ".attention"),
)
# Swin v1 before transformers 5, and all files that it writes to this day; Swin v2 still
_HUGGINGFACE_OLD = (
    (r"\.attn\.proj", ".attention.output.dense"),
    (r"\.attn\.q_bias", ".attention.self.query.bias"),
    (r"\.attn\.v_bias", ".attention.self.value.bias"),
    (r"\.attn\.cpb_mlp", ".attention.self.continuous_position_bias_mlp"),
    (r"\.attn", ".attention.self"),
    (r"\.mlp\.fc1", ".intermediate.dense"),
    (r"\.mlp\.fc2", ".output.dense"),
)


@cache  # recognising a layout tries them all
def _rename(key: str, rules: tuple[tuple[str, Any], ...]) -> str:
    for pattern, replacement in rules:
        key = re.sub(pattern, replacement, key)
    return key


def _microsoft(key: str) -> list[Place]:
    return [(key, None)]


def _torchvision(key: str) -> list[Place]:
    name = _rename(key, _TORCHVISION)
    for part, third in (("q_bias", 0), ("v_bias", 2)):  # the bias of v2's keys is there, and zero
        if name.endswith(part):
            return [(name.removesuffix(part) + "qkv.bias", third)]
    return [(name, None)]


def _timm(key: str) -> list[Place]:
    return [(_rename(key, _TIMM), None)]


def _huggingface(key: str, prefix: str, old: bool) -> list[Place]:
    name = _rename(key, _HUGGINGFACE + (_HUGGINGFACE_OLD if old else _HUGGINGFACE_NEW))
    name = name if name.startswith("classifier") else prefix + name
    if ".qkv." not in name:
        return [(name, None)]
    parts = ("query", "key", "value") if old else ("q_proj", "k_proj", "v_proj")
    return [(name.replace("qkv", part), None) for part in parts]


# The first of each writes version 1, the second version 2. A file may follow any.
_LAYOUTS: dict[str, tuple[Naming, ...]] = {
    "swinlib": (_microsoft, _microsoft),
    "microsoft": (_microsoft, _microsoft),
    "torchvision": (_torchvision, _torchvision),
    "timm": (_timm, _timm),
    "huggingface": (
        partial(_huggingface, prefix="swin.", old=False),
        partial(_huggingface, prefix="swinv2.", old=True),
        partial(_huggingface, prefix="swin.", old=True),
        partial(_huggingface, prefix="", old=False),  # without a prefix: the backbone alone
        partial(_huggingface, prefix="", old=True),
    ),
}
_HEAD = ("head.weight", "head.bias")
_TABLE = "relative_position_bias_table"
_BUFFERS = ("relative_position_index", "relative_coords_table", "attn_mask")  # computed from window and image size
_WRAPPERS = ("model", "state_dict", "model_state_dict")
_PREFIXES = ("module.", "_orig_mod.", "model.")  # of DataParallel, torch.compile and Lightning


def _scatter(tensors: Tensors, naming: Naming) -> dict[str, Tensor]:
    """Copy each tensor to its places."""
    scattered: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        places = naming(key)
        for (name, third), part in zip(places, tensor.chunk(len(places)), strict=True):
            if third is None:
                scattered[name] = part.clone()
            else:
                whole = scattered.setdefault(name, part.new_zeros(3 * len(part)))
                whole.chunk(3)[third].copy_(part)
    return scattered


def _gather(scattered: Tensors, keys: Iterable[str], naming: Naming) -> dict[str, Tensor]:
    """Bring each tensor back from its places: the inverse of ``_scatter``."""

    def take(name: str, third: int | None) -> Tensor:
        return scattered[name] if third is None else scattered[name].chunk(3)[third]

    return {key: torch.cat([take(*place) for place in naming(key)]) for key in keys}


# ---- writing -----------------------------------------------------------------------------------------------------


def export_state_dict(model: SwinTransformer, layout: str, *, image_size: int | None = None) -> dict[str, Tensor]:
    """The model's weights under the names of another implementation, for its ``load_state_dict(strict=True)``.

    Args:
        model: v1 or v2.
        layout: ``"microsoft"``, ``"torchvision"``, ``"timm"``, ``"huggingface"``, or ``"swinlib"``.
        image_size: side of the images that the other model is built for. Only Microsoft's saves masks, which depend
            on it; the smallest that suits every stage if not given: 224 for windows of 7, 256 for windows of 8.

    Returns:
        Copies of the tensors, on the model's device and of its dtype. Where the other implementation saves what it
        computed from its window or image size, that is there too.

    Raises:
        CheckpointError: if the layout is unknown, or Microsoft's model cannot be built for that image size.
    """
    _check_model(model)
    if layout not in _LAYOUTS:
        raise CheckpointError(f"unknown layout {layout!r}: expected one of {', '.join(map(repr, _LAYOUTS))}.")
    tensors = model.state_dict()
    if layout in ("microsoft", "torchvision"):
        mh, mw = model.window_size
        for name, buffer in model.named_buffers():
            if name.endswith("relative_position_index"):
                tensors[name] = buffer if layout == "microsoft" else buffer.flatten()
            elif name.endswith("relative_coords_table"):
                tensors[name] = buffer.view(1, 2 * mh - 1, 2 * mw - 1, 2)
    if layout == "microsoft":
        tensors |= _microsoft_masks(model, image_size)
    return _scatter(tensors, _LAYOUTS[layout][model.version - 1])


def _microsoft_masks(model: SwinTransformer, image_size: int | None) -> dict[str, Tensor]:
    """The masks that Microsoft's blocks save: 0 and -100, for the shifted blocks of one image size."""
    window, patch = model.window_size, model.patch_embed.patch_size
    if window[0] != window[1] or patch[0] != patch[1]:
        raise CheckpointError(f"Microsoft's layout needs square windows and patches, the model has {window}, {patch}.")
    step = patch[0] * window[0] * 2 ** (len(model.layers) - 1)
    height, width = to_pair(step if image_size is None else image_size, "image_size")
    if height != width or height % step:
        raise CheckpointError(
            f"image_size {image_size!r} does not suit Microsoft's model, which neither pads its maps to windows of "
            f"{window[0]} nor keeps its windows on smaller maps. Give one multiple of {step}."
        )
    masks, weight = {}, model.norm.weight
    for i, stage in enumerate(model.layers):
        side = height // (patch[0] * 2**i)
        for j, block in enumerate(stage.blocks):
            shift = effective_shift(side, side, window, block.shift_size)
            if any(shift):
                allowed = shifted_window_mask(side, side, window, shift, device=weight.device)
                masks[f"layers.{i}.blocks.{j}.attn_mask"] = -100 * (~allowed).to(weight.dtype)
    return masks


# ---- reading -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckpointReport:
    """What ``load_checkpoint`` found and did; ``str`` tells it in sentences.

    Attributes:
        layout: ``"swinlib"``, ``"microsoft"``, ``"torchvision"``, ``"timm"`` or ``"huggingface"``.
        version: 1 or 2.
        loaded: keys of the model that were loaded.
        resized: attentions that were trained with another window: key, that window, the model's window.
        window_known: whether the window of training is known. Some files of v2 do not show it.
        head: ``"loaded"``, ``"kept"`` (the model's own, as it was) or ``"none"`` (the model has no head).
        classes: of the checkpoint and of the model; 0 for no head.
        ignored: tensors of the checkpoint without use here: a head that does not fit, and what sizes determine.
    """

    layout: str
    version: int
    loaded: tuple[str, ...]
    resized: tuple[tuple[str, Window, Window], ...]
    window_known: bool
    head: str
    classes: tuple[int, int]
    ignored: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"Swin v{self.version} in the layout of {self.layout}: {len(self.loaded)} tensors loaded."]
        how = "coordinates scaled" if self.version == 2 else "tables resized, bicubic,"
        for (theirs, ours), blocks in Counter((theirs, ours) for _, theirs, ours in self.resized).items():
            lines.append(f"Position bias of {blocks} blocks: {how} from windows of {_by(theirs)} to {_by(ours)}.")
        if not self.window_known:
            lines.append("The window of training is not in the file: give pretrained_window_size if it differs.")
        if self.head == "kept":
            theirs = f"{self.classes[0]} classes" if self.classes[0] else "no head"
            lines.append(f"The head was kept as it was: the checkpoint has {theirs}, the model {self.classes[1]}.")
        if self.ignored:
            kinds = Counter(next((b for b in _BUFFERS if name.endswith(b)), name) for name in self.ignored)
            lines.append("Ignored: " + ", ".join(f"{n} {kind}" if n > 1 else kind for kind, n in kinds.items()) + ".")
        return "\n".join(lines)


def load_checkpoint(
    model: SwinTransformer,
    checkpoint: str | os.PathLike[str] | Mapping[str, Any],
    *,
    pretrained_window_size: Size | None = None,
) -> CheckpointReport:
    """Load weights of any layout into the model; all of them, or none where they do not fit.

    The position bias is adapted where the window differs: a table (v1) is resized, as the reference code does; the
    coordinates (v2) keep the scale of the window of training. A head with another number of classes is left out,
    and the model keeps its own. The model keeps its dtype and device.

    Args:
        model: v1 or v2.
        checkpoint: a file of torch or safetensors, or what such a file holds: tensors by name, also inside
            ``{"model": ...}`` or ``{"state_dict": ...}`` and behind ``module.`` or ``_orig_mod.``.
        pretrained_window_size: window that the weights were trained with. Needed only where the checkpoint does not
            show it: for v2 in the layouts of timm, Hugging Face and swinlib, and for a table that is not square.

    Returns:
        What was recognised, resized, kept and ignored.

    Raises:
        CheckpointError: if the file is missing, damaged or holds more than tensors, or the tensors are not those of
            such a model; the message says which disagree.
        TypeError: if ``model`` is no ``SwinTransformer``.
    """
    _check_model(model)
    given = None if pretrained_window_size is None else to_pair(pretrained_window_size, "pretrained_window_size")
    if model.norm.weight.is_meta:
        raise CheckpointError("the model is on the meta device: give it memory first, model.to_empty(device='cpu').")
    tensors = _only_tensors(checkpoint)
    layout, naming = _recognise(tensors, model)

    own = model.state_dict()
    attentions = {name: module for name, module in model.named_modules() if isinstance(module, WindowAttention)}
    windows = {name: given or _trained_window(tensors, naming, name, module) for name, module in attentions.items()}
    classes = (_classes(tensors, naming), _classes(own, _microsoft))
    head = "none" if not classes[1] else "loaded" if classes[0] == classes[1] else "kept"

    # what the checkpoint should hold: the model's tensors, but for the head, and the tables of its own windows
    shapes = {key: t.to("meta") for key, t in own.items() if head == "loaded" or not key.startswith("head.")}
    for name, window in windows.items():
        table = shapes.get(f"{name}.{_TABLE}")
        if table is not None and window is not None:
            shapes[f"{name}.{_TABLE}"] = table.new_empty(_table_rows(window), table.shape[1])
    expected = _scatter(shapes, naming)
    useless = {naming(key)[0][0] for key in _HEAD} - expected.keys()
    ignored = tuple(name for name in tensors if name in useless or name.endswith(_BUFFERS))
    _check_agreement({name: t for name, t in tensors.items() if name not in ignored}, expected, layout, naming, model)

    loaded = _gather(tensors, shapes, naming)
    changed = {
        n: (w, attentions[n].window_size) for n, w in windows.items() if w not in (None, attentions[n].window_size)
    }
    for key, change in ((f"{name}.{_TABLE}", change) for name, change in changed.items()):
        if key in loaded:
            loaded[key] = resize_position_bias_table(loaded[key], *change)

    # nothing below can fail, so the model is never left half changed
    model.load_state_dict({**own, **loaded})
    for name, module in attentions.items():
        if isinstance(module, WindowAttentionV2) and windows[name] is not None:
            module.set_pretrained_window_size(windows[name])
    return CheckpointReport(
        layout=layout,
        version=model.version,
        loaded=tuple(loaded),
        resized=tuple((name, *change) for name, change in changed.items()),
        window_known=None not in windows.values(),
        head=head,
        classes=classes,
        ignored=ignored,
    )


def resize_position_bias_table(table: Tensor, from_window: Size, to_window: Size) -> Tensor:
    """A table for another window: taken as an image of ``(2Mh-1) x (2Mw-1)`` offsets and resized, bicubic.

    Args:
        table: ``((2Mh-1) * (2Mw-1), heads)`` of ``from_window``.
        from_window: M, or ``(Mh, Mw)``.
        to_window: the same.

    Returns:
        The table of ``to_window``; ``table`` itself where the windows are equal.

    Raises:
        CheckpointError: if the table has not the rows of ``from_window``.

    Source: reference code of arXiv 2103.14030, ``utils.load_pretrained``.
    """
    (sh, sw), (th, tw) = to_pair(from_window, "from_window"), to_pair(to_window, "to_window")
    if table.dim() != 2 or len(table) != _table_rows((sh, sw)):
        raise CheckpointError(
            f"a window of {sh}x{sw} has a table of shape ({_table_rows((sh, sw))}, heads), got {tuple(table.shape)}."
        )
    if (sh, sw) == (th, tw):
        return table
    image = table.T.unflatten(1, (2 * sh - 1, 2 * sw - 1))[None]
    image = F.interpolate(image, size=(2 * th - 1, 2 * tw - 1), mode="bicubic", align_corners=False)
    return image[0].flatten(1).T.contiguous()


def _table_rows(window: Window) -> int:
    return (2 * window[0] - 1) * (2 * window[1] - 1)


def _trained_window(tensors: Tensors, naming: Naming, name: str, attention: WindowAttention) -> Window | None:
    """The window that an attention was trained with, as its table (v1) or its coordinates (v2) show it, or None."""
    if not isinstance(attention, WindowAttentionV2):
        table = tensors.get(naming(f"{name}.{_TABLE}")[0][0])
        rows = 0 if table is None or table.dim() != 2 else len(table)
        square = (math.isqrt(rows) + 1) // 2
        fitting = [window for window in (attention.window_size, (square, square)) if _table_rows(window) == rows]
        return fitting[0] if fitting else None
    coords = tensors.get(naming(f"{name}.relative_coords_table")[0][0])
    if coords is None or coords.dim() != 4 or coords.shape[3] != 2 or min(coords.shape[1:3]) < 3:
        return None
    # For a training window P, the largest offset M - 1 became log2(1 + 8 (M - 1) / (P - 1)) / 3.
    steps = torch.tensor([(side - 1) // 2 for side in coords.shape[1:3]])
    trained = 1 + 8 * steps / torch.expm1(3 * math.log(2) * coords.double().amax(dim=(0, 1, 2)).cpu())
    return tuple(trained.round().int().tolist()) if trained.isfinite().all() and trained.min() >= 1.5 else None


def _classes(tensors: Tensors, naming: Naming) -> int:
    """The rows of the head, of which backbones have none."""
    found = [tensors[name] for key in _HEAD for name, _ in naming(key) if name in tensors]
    return len(found[0]) if found and found[0].dim() else 0


def _recognise(tensors: Tensors, model: SwinTransformer) -> tuple[str, Naming]:
    """The layout in which the checkpoint has most of the model's names, some of blocks among them."""
    keys = model.state_dict().keys()

    def held(naming: Naming, part: str) -> int:
        return sum(name in tensors for key in keys if part in key for name, _ in naming(key))

    namings = [(layout, naming) for layout, several in _LAYOUTS.items() for naming in several]
    layout, naming = max(namings, key=lambda entry: held(entry[1], ""))
    if not held(naming, ".blocks."):
        raise CheckpointError(
            f"this is no checkpoint of a Swin Transformer in the layout of {', '.join(_LAYOUTS)}: none of its "
            f"{len(tensors)} tensors belongs to a block; there are {_first(tensors)}."
        )
    saves_buffers = any(name.endswith(_BUFFERS) for name in tensors)
    return ("microsoft" if layout == "swinlib" and saves_buffers else layout), naming


def _check_agreement(tensors: Tensors, expected: Tensors, layout: str, naming: Naming, model: SwinTransformer) -> None:
    common = tensors.keys() & expected.keys()
    problems = {
        "missing": [name for name in expected if name not in tensors],
        "unexpected": [name for name in tensors if name not in expected],
        "of another shape": [
            f"{name} {tuple(tensors[name].shape)} instead of {tuple(expected[name].shape)}"
            for name in expected
            if name in common and tensors[name].shape != expected[name].shape
        ],
        "not of floating point": [n for n in expected if n in common and not tensors[n].is_floating_point()],
    }
    if not any(problems.values()):
        return
    theirs, ours = _describe(tensors, naming), _describe(model.state_dict(), _microsoft)
    differing = [key for key in theirs if theirs[key] != ours[key]]
    remedy = (
        f"The checkpoint is of a model with {', '.join(f'{key}={theirs[key]}' for key in differing)}, this one has "
        f"{', '.join(f'{key}={ours[key]}' for key in differing)}: build the model like the checkpoint."
        if differing
        else "Is the file complete, and are qkv_bias and mlp_ratio those of the checkpoint?"
    )
    lines = [f"  {len(names)} {problem}: {_first(names)}" for problem, names in problems.items() if names]
    raise CheckpointError(
        "\n".join([f"this checkpoint (layout of {layout}) does not fit the model, which is unchanged:", *lines, remedy])
    )


def _describe(tensors: Tensors, naming: Naming) -> dict[str, Any]:
    """The arguments of ``SwinTransformer`` that the tensors' names and shapes give away."""

    def shape(key: str) -> tuple[int, ...] | None:
        tensor = tensors.get(naming(key)[0][0])
        return None if tensor is None else tuple(tensor.shape)

    def depth(stage: int) -> int:
        return next(j for j in count() if shape(f"layers.{stage}.blocks.{j}.norm1.weight") is None)

    depths = tuple(takewhile(bool, map(depth, count())))
    version = 2 if any(name.endswith("logit_scale") for name in tensors) else 1
    heads = [shape(f"layers.{i}.blocks.0.attn.{'logit_scale' if version == 2 else _TABLE}") for i in range(len(depths))]
    patch = shape("patch_embed.proj.weight") or ()
    return {
        "version": version,
        "embed_dim": patch[0] if patch else None,
        "in_channels": patch[1] if patch[1:] else None,
        "patch_size": patch[2:],
        "depths": depths,
        "num_heads": tuple(s[0 if version == 2 else -1] if s else None for s in heads),
    }


def _only_tensors(checkpoint: str | os.PathLike[str] | Mapping[str, Any]) -> Tensors:
    """Tensors by name, from a file or a dict, out of their wrappers and without common prefixes."""
    tensors = _read(Path(checkpoint).expanduser()) if isinstance(checkpoint, (str, os.PathLike)) else checkpoint
    while isinstance(tensors, Mapping):
        inner = next((tensors[key] for key in _WRAPPERS if isinstance(tensors.get(key), Mapping)), None)
        if inner is None:
            break
        tensors = inner
    if not isinstance(tensors, Mapping):
        hint = " Give its state_dict()." if isinstance(tensors, nn.Module) else ""
        raise CheckpointError(f"a checkpoint is a path or a dict of tensors, got {type(tensors).__name__}.{hint}")
    others = [
        f"{key!r} ({type(t).__name__})"
        for key, t in tensors.items()
        if not (isinstance(key, str) and isinstance(t, Tensor))
    ]
    if others or not tensors:
        raise CheckpointError(
            f"a checkpoint is a dict of tensors, but here are {_first(others)}. If the tensors are in one of these, "
            f"give that entry."
            if others
            else "the checkpoint is empty: it holds no tensors."
        )
    if any(tensor.is_meta for tensor in tensors.values()):
        raise CheckpointError("the checkpoint's tensors are on the meta device: they have shapes but no values.")
    for prefix in _PREFIXES * len(_PREFIXES):  # each may stand behind each
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def _read(path: Path) -> Any:
    if path.is_dir():
        raise CheckpointError(f"{path} is a directory: give the file in it, such as {path / 'model.safetensors'}.")
    if not path.is_file():
        raise CheckpointError(f"there is no file {path} (working directory: {Path.cwd()}).")
    if path.suffix == ".safetensors":
        try:
            from safetensors.torch import load_file
        except ImportError as error:
            raise CheckpointError(f"{path} needs safetensors: pip install safetensors.") from error
        read = load_file
    else:
        read = partial(torch.load, map_location="cpu", weights_only=True)
    try:
        return read(path)
    except Exception as error:  # a damaged file makes the readers raise almost anything, IndexError for one
        pickled = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
        if pickled:
            raise CheckpointError(
                f"{path} holds more than tensors ({pickled[1]}), which could run code when loaded. If you trust its "
                f"source: load_checkpoint(model, torch.load({str(path)!r}, map_location='cpu', weights_only=False))."
            ) from error
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is no whole file of {path.suffix[1:] or 'torch'} tensors: it was cut"
            f" short, or is something else, such as a web page or a git-lfs pointer. Fetch it again. "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'file ended early'})"
        ) from error


# ---- published weights ---------------------------------------------------------------------------------------------


def load_torchvision_weights(
    model: SwinTransformer, name: str, weights: Any, *, progress: bool = True
) -> CheckpointReport:
    """Load weights that torchvision publishes; it fetches them, checks their hash and keeps them on disk.

    Args:
        model: any that the weights fit; see ``load_checkpoint``.
        name: of torchvision's model: ``"swin_t"``, ``"swin_v2_b"``, ...
        weights: of that model: a name, such as ``"IMAGENET1K_V1"`` or ``"DEFAULT"``, or torchvision's enum.
        progress: show a bar while they are fetched.

    Raises:
        CheckpointError: if there are no such weights, they cannot be fetched, or they do not fit the model.
    """
    try:
        from torchvision.models import get_model_weights, list_models
    except ImportError as error:
        raise CheckpointError("published weights come from torchvision: pip install torchvision.") from error
    published = [known for known in list_models() if known.startswith("swin_")]
    if name not in published:
        raise CheckpointError(
            f"torchvision publishes no weights for {name}, only for {', '.join(published)}. Load a file of other "
            f"weights: load_checkpoint(model, path)."
        )
    choice = get_model_weights(name)
    try:
        entry = choice.verify(weights)
    except (KeyError, TypeError):
        entry = None
    if entry is None:
        known = ", ".join(map(repr, choice.__members__))
        raise CheckpointError(f"{name} has no weights {weights!r}; known are {known} and {choice.__name__}.")
    file = Path(torch.hub.get_dir(), "checkpoints", Path(entry.url).name)
    try:
        tensors = entry.get_state_dict(progress=progress, check_hash=True, map_location="cpu", weights_only=True)
    except Exception as error:  # no network, another hash, a file that was cut short: see _read
        remedy = (
            f"{file} is damaged: remove it and try again."
            if file.exists()
            else f"Without a network, fetch it elsewhere and put it at {file}."
        )
        raise CheckpointError(f"{entry.url} could not be loaded ({error}). {remedy}") from error
    return load_checkpoint(model, tensors)


# ---- small helpers ---------------------------------------------------------------------------------------------------


def _check_model(model: SwinTransformer) -> None:
    if not isinstance(model, SwinTransformer):
        raise TypeError(
            f"expected a SwinTransformer, got {type(model).__name__}. Give the encoder of a SwinUNet, the module of a "
            f"DataParallel, the _orig_mod of a compiled model."
        )


def _first(names: Iterable[str], shown: int = 3) -> str:
    names = list(names)
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")


def _by(window: Window) -> str:
    return f"{window[0]}x{window[1]}"
