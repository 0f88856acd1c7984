"""Layouts: where a tensor of swinlib lies in the checkpoints of each implementation.

A layout is one function, from a key of swinlib to the places where that tensor lies. Writing follows it; reading
follows it backwards, from the model's own keys. So what is written can be read, and the other way round.

Sources: the reference code of arXiv 2103.14030 and 2111.09883, its detection and its SimMIM repositories
("microsoft"); ``torchvision.models``; ``timm.models``, and its ``features_only`` ("timm_features");
``transformers.models.swin`` and ``swinv2`` ("huggingface"); mmdet, mmseg and mmpretrain ("openmmlab").
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]


class Place(NamedTuple):
    """Where a tensor, or a part of it, lies in a layout.

    Attributes:
        name: of the tensor there.
        third: which third of that tensor's rows; None for all of it.
        unfold: whether the channels of four merged neighbours lie there in the order of ``nn.Unfold``.
    """

    name: str
    third: int | None = None
    unfold: bool = False


Naming = Callable[[str], list[Place]]
Rules = tuple[tuple[str, Any], ...]

HEAD = ("head.weight", "head.bias")
NORM = ("norm.weight", "norm.bias")
TABLE = "relative_position_bias_table"
BUFFERS = ("relative_position_index", "relative_coords_table", "attn_mask")  # computed from window and image size

_TORCHVISION: Rules = (
    (r"^patch_embed\.proj", "features.0.0"),
    (r"^patch_embed\.norm", "features.0.2"),
    (r"^layers\.(\d+)\.blocks", lambda match: f"features.{2 * int(match[1]) + 1}"),
    (r"^layers\.(\d+)\.downsample", lambda match: f"features.{2 * int(match[1]) + 2}"),
    (r"\.mlp\.fc1", ".mlp.0"),
    (r"\.mlp\.fc2", ".mlp.3"),
)
# timm merges at the start of a stage, not at the end of the one before; OpenMMLab does in v2
_MERGING_FIRST = (r"^layers\.(\d+)\.downsample", lambda match: f"layers.{int(match[1]) + 1}.downsample")
_TIMM: Rules = (_MERGING_FIRST, (r"^head", "head.fc"))
_TIMM_FEATURES: Rules = (_MERGING_FIRST, (r"^layers\.", "layers_"))
_OPENMMLAB: Rules = (
    (r"^patch_embed\.proj", "patch_embed.projection"),
    (r"\.attn\.", ".attn.w_msa."),
    (r"\.mlp\.fc1", ".ffn.layers.0.0"),
    (r"\.mlp\.fc2", ".ffn.layers.1"),
    (r"^layers", "stages"),
)
_HUGGINGFACE: Rules = (
    (r"^patch_embed\.proj", "embeddings.patch_embeddings.projection"),
    (r"^patch_embed\.norm", "embeddings.norm"),
    (r"^layers", "encoder.layers"),
    (r"^norm", "layernorm"),
    (r"\.norm1", ".layernorm_before"),
    (r"\.norm2", ".layernorm_after"),
)
_HUGGINGFACE_NEW: Rules = (
    (r"\.attn\.proj", ".attention.o_proj"),
    (r"\.attn\.relative_position_bias", ".attention.relative_position_bias.relative_position_bias"),
    (r"\.attn", ".attention"),
)
# Swin v1 before transformers 5, and all files that it writes to this day; Swin v2 still
_HUGGINGFACE_OLD: Rules = (
    (r"\.attn\.proj", ".attention.output.dense"),
    (r"\.attn\.q_bias", ".attention.self.query.bias"),
    (r"\.attn\.v_bias", ".attention.self.value.bias"),
    (r"\.attn\.cpb_mlp", ".attention.self.continuous_position_bias_mlp"),
    (r"\.attn", ".attention.self"),
    (r"\.mlp\.fc1", ".intermediate.dense"),
    (r"\.mlp\.fc2", ".output.dense"),
)


@cache  # recognising a layout tries them all
def _rename(key: str, rules: Rules) -> str:
    for pattern, replacement in rules:
        key = re.sub(pattern, replacement, key)
    return key


def _norm_of_stage(key: str, stages: int, first: int = 0) -> tuple[int, str] | None:
    """The stage whose map a norm is for, counted from ``first``, and the rest of its name; None for other keys."""
    match = re.match(r"^(?:stage_norms\.(\d+)|norm)(\..*)$", key)
    return (int(match[1] or stages - 1) + first, match[2]) if match else None


def _swinlib(key: str, stages: int) -> list[Place]:
    return [Place(key)]


def _microsoft(key: str, stages: int, backbone: bool = False) -> list[Place]:
    """The classifier, or a detector's backbone, which has a norm for each stage and no head."""
    norm = _norm_of_stage(key, stages)
    if norm and (backbone or key.startswith("stage_norms")):
        return [Place(f"norm{norm[0]}{norm[1]}")]
    return [] if backbone and key.startswith("head") else [Place(key)]


def _torchvision(key: str, stages: int) -> list[Place]:
    name = _rename(key, _TORCHVISION)
    for part, third in (("q_bias", 0), ("v_bias", 2)):  # the bias of v2's keys is there, and zero
        if name.endswith(part):
            return [Place(name.removesuffix(part) + "qkv.bias", third)]
    return [] if key.startswith("stage_norms") else [Place(name)]


def _timm(key: str, stages: int) -> list[Place]:
    return [] if key.startswith("stage_norms") else [Place(_rename(key, _TIMM))]


def _timm_features(key: str, stages: int) -> list[Place]:
    return [] if key.startswith(("stage_norms", "norm", "head")) else [Place(_rename(key, _TIMM_FEATURES))]


def _openmmlab(key: str, stages: int, version: int, prefix: str) -> list[Place]:
    """The backbone, in a classifier under its prefix; a norm for each stage that is handed on, the last at least."""
    if key.startswith("head"):
        return [Place(key.replace("head", "head.fc"))] if prefix else []
    norm = _norm_of_stage(key, stages)
    if norm:
        return [Place(f"{prefix}norm{norm[0]}{norm[1]}")]
    name = _rename(key, _OPENMMLAB if version == 1 else (_MERGING_FIRST, *_OPENMMLAB))
    # merging takes its neighbours from nn.Unfold; the norm of v2 comes after the projection
    unfold = ".downsample.reduction" in key or (version == 1 and ".downsample.norm" in key)
    return [Place(prefix + name, unfold=unfold)]


def _huggingface(key: str, stages: int, prefix: str, old: bool, backbone: bool = False) -> list[Place]:
    norm = _norm_of_stage(key, stages, first=1)
    if backbone and norm:
        return [Place(f"hidden_states_norms.stage{norm[0]}{norm[1]}")]
    if key.startswith("stage_norms"):
        return []
    if key.startswith("head"):
        return [] if backbone else [Place(key.replace("head", "classifier"))]
    name = prefix + _rename(key, _HUGGINGFACE + (_HUGGINGFACE_OLD if old else _HUGGINGFACE_NEW))
    if ".qkv." not in name:
        return [Place(name)]
    parts = ("query", "key", "value") if old else ("q_proj", "k_proj", "v_proj")
    return [Place(name.replace("qkv", part)) for part in parts]


# The variants of each layout. A file may follow any; "v1" and "v2" are written, or "v1 backbone" and "v2 backbone" for
# a model with a norm for each stage.
_VARIANTS: dict[str, dict[str, Callable[..., list[Place]]]] = {
    "swinlib": dict.fromkeys(("v1", "v2", "v1 backbone", "v2 backbone"), _swinlib),
    "microsoft": {
        **dict.fromkeys(("v1", "v2"), _microsoft),
        **dict.fromkeys(("v1 backbone", "v2 backbone"), partial(_microsoft, backbone=True)),
    },
    "torchvision": dict.fromkeys(("v1", "v2"), _torchvision),
    "timm": dict.fromkeys(("v1", "v2"), _timm),
    "huggingface": {
        # first, since such a backbone holds the classifier's norm too, without using it
        "v1 backbone": partial(_huggingface, prefix="swin.", old=False, backbone=True),
        "old v1 backbone": partial(_huggingface, prefix="swin.", old=True, backbone=True),
        "new backbone, without prefix": partial(_huggingface, prefix="", old=False, backbone=True),
        "old backbone, without prefix": partial(_huggingface, prefix="", old=True, backbone=True),
        "v1": partial(_huggingface, prefix="swin.", old=False),
        "v2": partial(_huggingface, prefix="swinv2.", old=True),
        "old v1": partial(_huggingface, prefix="swin.", old=True),
        "new, without prefix": partial(_huggingface, prefix="", old=False),
        "old, without prefix": partial(_huggingface, prefix="", old=True),
    },
    "openmmlab": {
        "v1": partial(_openmmlab, version=1, prefix="backbone."),
        "v2": partial(_openmmlab, version=2, prefix="backbone."),
        "v1 backbone": partial(_openmmlab, version=1, prefix=""),
        "v2 backbone": partial(_openmmlab, version=2, prefix=""),
    },
    "timm_features": dict.fromkeys(("v1", "v2"), _timm_features),
}
LAYOUTS = tuple(_VARIANTS)


def naming_of(layout: str, version: int, stages: int, *, backbone: bool) -> Naming | None:
    """How a layout names the tensors of such a model; None where it has no such model."""
    variant = _VARIANTS[layout].get(f"v{version} backbone" if backbone else f"v{version}")
    return variant and partial(variant, stages=stages)


class Found(NamedTuple):
    """A network among the names of a checkpoint.

    Attributes:
        prefix: of all its names.
        layout: one of ``LAYOUTS``.
        naming: of the layout's variant.
        held: how many of the model's tensors are there.
    """

    prefix: str
    layout: str
    naming: Naming
    held: int


def find_networks(names: Iterable[str], keys: Iterable[str], stages: int, version: int) -> list[Found]:
    """Every Swin among these names, behind whatever prefix, in the layout that holds most of the model's keys.

    Args:
        names: of all tensors of a checkpoint.
        keys: of the model.
        stages: of the model.
        version: of the model; a layout that names both versions differently is read in this one.

    Returns:
        The networks in the order of what they hold. They share no tensor, and the smallest has at least half as many
        as the largest: what has less is a part of something else.
    """
    names, keys = set(names), list(keys)
    namings = [
        (layout, partial(variant, stages=stages))
        for layout, variants in _VARIANTS.items()
        for variant in dict.fromkeys(variants.values())
        if getattr(variant, "keywords", {}).get("version", version) == version
    ]
    in_blocks: dict[str, list[int]] = {}
    for number, (_, naming) in enumerate(namings):
        for name in {place.name for key in keys if ".blocks." in key for place in naming(key)}:
            in_blocks.setdefault(name, []).append(number)
    blocks: dict[tuple[str, int], set[str]] = {}
    for name in names:
        for start in (0, *(match.end() for match in re.finditer(r"\.", name))):
            for number in in_blocks.get(name[start:], ()):
                blocks.setdefault((name[:start], number), set()).add(name)
    whole = {
        (prefix, number): sum(
            prefix + name in names for name in {place.name for key in keys for place in namings[number][1](key)}
        )
        for prefix, number in blocks
    }
    found: list[Found] = []
    taken: set[str] = set()
    for prefix, number in sorted(whole, key=lambda each: (-whole[each], each[1], each[0])):
        held = whole[prefix, number]
        if not blocks[prefix, number] & taken and (not found or 2 * held >= found[0].held):
            found.append(Found(prefix, *namings[number], held))
            taken |= blocks[prefix, number]
    return found


def _to_unfold(tensor: Tensor) -> Tensor:
    """Four neighbours of C channels each, as swinlib stacks them, to the order of ``nn.Unfold``, in the last axis.

    ``nn.Unfold`` has the channels outside and the neighbours row by row; swinlib has the neighbours outside and
    column by column.
    """
    return tensor.unflatten(-1, (4, -1))[..., [0, 2, 1, 3], :].transpose(-2, -1).flatten(-2)


def _from_unfold(tensor: Tensor) -> Tensor:
    """The inverse of ``_to_unfold``."""
    return tensor.unflatten(-1, (-1, 4)).transpose(-2, -1)[..., [0, 2, 1, 3], :].flatten(-2)


def scatter(tensors: Tensors, naming: Naming) -> dict[str, Tensor]:
    """Copy each tensor to its places; one that has none in this layout is left out."""
    scattered: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        places = naming(key)
        for place, part in zip(places, tensor.chunk(len(places)) if places else (), strict=True):
            part = _to_unfold(part) if place.unfold else part
            if place.third is None:
                scattered[place.name] = part.clone()
            else:
                whole = scattered.setdefault(place.name, part.new_zeros(3 * len(part)))
                whole.chunk(3)[place.third].copy_(part)
    return scattered


def gather(scattered: Tensors, keys: Iterable[str], naming: Naming) -> dict[str, Tensor]:
    """Bring each tensor back from its places: the inverse of ``scatter``."""

    def take(place: Place) -> Tensor:
        tensor = scattered[place.name]
        tensor = _from_unfold(tensor) if place.unfold else tensor
        return tensor if place.third is None else tensor.chunk(3)[place.third]

    return {key: torch.cat([take(place) for place in naming(key)]) for key in keys}


def by_kind(names: Iterable[str]) -> list[str]:
    """Names in short: of each kind of buffer, and of all that have their first part in common, only the number."""
    names = list(names)
    kinds = [next((kind for kind in BUFFERS if name.endswith(kind)), name.partition(".")[0]) for name in names]
    count, last = Counter(kinds), dict(zip(kinds, names, strict=True))
    return [
        (f"{n} {kind}" if kind in BUFFERS else f"{n} of {kind}") if n > 1 else last[kind] for kind, n in count.items()
    ]
