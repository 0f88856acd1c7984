"""From a file, or from what it holds, to the one network in it that is wanted."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..model import SwinTransformer
from .errors import CheckpointError, first_of
from .layouts import LAYOUTS, Naming, Tensors, find_networks

# Where training scripts put the network that is meant, the first that singles one out
_USUAL = ("model", "state_dict", "model_state_dict", "teacher", "network", "net")
_OWN = {"step", "config", "data"}  # entries of a checkpoint of swinlib.training
# What PyTorch puts into the middle of names: torch.compile, FSDP, activation checkpointing
_WRAPPED = re.compile(r"\b(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")


@dataclass(frozen=True)
class Network:
    """One network of a checkpoint.

    Attributes:
        entry: where it lies: the keys that lead to it and the prefix of its names, with dots; "" for all of the file.
        layout: one of ``LAYOUTS``.
        naming: of the layout.
        tensors: by their names in the layout, without the prefix.
        beside: names of the tensors that lie beside it in the same dict.
        others: the entries of the other networks.
    """

    entry: str
    layout: str
    naming: Naming
    tensors: Tensors
    beside: tuple[str, ...]
    others: tuple[str, ...] = ()


def find_network(
    checkpoint: str | os.PathLike[str] | Mapping[str, Any], model: SwinTransformer, entry: str | None = None
) -> Network:
    """The network of a checkpoint that is meant for the model.

    Args:
        checkpoint: a file of torch or safetensors, or what such a file holds.
        model: its keys are looked for.
        entry: which one, as ``Network.entry`` names it or the first parts of that; the usual one if not given.

    Raises:
        CheckpointError: if there is none, or there are several and nothing says which.
    """
    contents = _read(Path(checkpoint).expanduser()) if isinstance(checkpoint, (str, os.PathLike)) else checkpoint
    if not isinstance(contents, Mapping):
        hint = " Give its state_dict()." if isinstance(contents, nn.Module) else ""
        raise CheckpointError(f"a checkpoint is a path or a dict of tensors, got {type(contents).__name__}.{hint}")
    dicts = list(_dicts_of_tensors(contents))
    if not dicts:
        raise CheckpointError(_no_tensors(contents))
    networks = [network for path, tensors in dicts for network in _networks(path, tensors, model)]
    if not networks:
        names = [name for _, tensors in dicts for name in tensors]
        raise CheckpointError(
            f"this is no checkpoint of a Swin Transformer in the layout of {', '.join(LAYOUTS)}: none of its "
            f"{len(names)} tensors belongs to a block; there are {first_of(names)}."
        )
    chosen = _choose(networks, entry, _evaluated(contents))
    if any(tensor.is_meta for tensor in chosen.tensors.values()):
        raise CheckpointError("the checkpoint's tensors are on the meta device: they have shapes but no values.")
    others = tuple(network.entry for network in networks if network is not chosen)
    return Network(chosen.entry, chosen.layout, chosen.naming, chosen.tensors, chosen.beside, others)


def _dicts_of_tensors(contents: Mapping[Any, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every dict in which tensors lie by name, and the keys that lead to it."""
    tensors = {key: value for key, value in contents.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if tensors:
        yield path, tensors
    for key, value in contents.items():
        if isinstance(value, Mapping):
            yield from _dicts_of_tensors(value, (*path, str(key)))


def _no_tensors(contents: Mapping[Any, Any]) -> str:
    found = [f"{key!r} ({type(value).__name__})" for key, value in contents.items()]
    if not found:
        return "the checkpoint is empty: it holds no tensors."
    modules = [key for key, value in contents.items() if isinstance(value, nn.Module)]
    hint = f" Give the state_dict() of {modules[0]!r}." if modules else " Give the dict that holds them by name."
    return f"a checkpoint holds tensors by name; this one holds no tensors, only {first_of(found)}.{hint}"


def _networks(path: tuple[str, ...], tensors: Tensors, model: SwinTransformer) -> list[Network]:
    tensors = {_WRAPPED.sub("", name): tensor for name, tensor in tensors.items()}
    found = find_networks(tensors, model.state_dict(), len(model.layers), model.version)
    return [
        Network(
            entry=".".join([*path, *filter(None, each.prefix.split("."))]),
            layout=each.layout,
            naming=each.naming,
            tensors={n.removeprefix(each.prefix): t for n, t in tensors.items() if n.startswith(each.prefix)},
            beside=tuple(name for name in tensors if not name.startswith(tuple(other.prefix for other in found))),
        )
        for each in found
    ]


def _evaluated(contents: Mapping[str, Any]) -> str | None:
    """The entry of a checkpoint of swinlib.training that its accuracy was measured with; None for other files."""
    if not contents.keys() >= _OWN:
        return None
    return contents.get("evaluated") or ("ema" if "ema" in contents else "model")


def _choose(networks: list[Network], entry: str | None, evaluated: str | None) -> Network:
    known = ", ".join(repr(network.entry) for network in networks)
    wanted = evaluated if entry is None else entry
    if wanted is not None:
        exact = [network for network in networks if network.entry == wanted]
        inside = exact or [network for network in networks if f"{network.entry}.".startswith(f"{wanted}.")]
        if len(inside) != 1:
            many = "more than one" if inside else "no"
            raise CheckpointError(f"the checkpoint has {many} network under entry {wanted!r}. Give one of {known}.")
        return inside[0]
    if len(networks) == 1:
        return networks[0]
    for word in _USUAL:
        meant = [network for network in networks if word in network.entry.split(".")]
        if len(meant) == 1:
            return meant[0]
    raise CheckpointError(f"the checkpoint holds several networks, {known}: say which by entry=.")


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
