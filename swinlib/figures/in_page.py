"""A trained model for the pages: what ``swin.js`` computes with, as one script that all pages share.

``swin.js`` has the forward pass, ``in_page.js`` loads the weights and gives them their names. The script's text is::

    (globalThis.swinModels ??= {})["digits"] = {"arguments": ..., "shapes": ..., "weights": "base64 of float16"};

and where a figure compares several models, an object that holds each of them by its name.

``book/_ext/models_in_pages.py`` writes it while the book is built.
"""

import base64
import copy
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from swinlib.model import SwinTransformer

SCRIPTS = ("swin.js", "in_page.js")  # what a figure with a model needs
FOLDER = "_static/models"  # within the book


@dataclass(frozen=True)
class ModelInPage:
    """A model that a page computes with, or several that it compares.

    Attributes:
        name: of the script, and of what is in it.
        build: makes the model, or several by name, whenever weights are asked for.
    """

    name: str
    build: Callable[[], "SwinTransformer | Mapping[str, SwinTransformer]"]

    @classmethod
    def own(cls, models: "SwinTransformer | Mapping[str, SwinTransformer]") -> "ModelInPage":
        """A learner's own, in eval mode: copies, under a name that no other weights have."""
        copies = _each(models, lambda model: as_in_page(copy.deepcopy(model)).eval())
        digest = hashlib.sha256(json.dumps(_each(copies, model_content)).encode()).hexdigest()[:10]
        return cls(f"own-{digest}", lambda: copies)

    @property
    def file(self) -> str:
        """The address of the script within the book."""
        return f"{FOLDER}/{self.name}.js"

    @cached_property
    def content(self) -> dict[str, Any]:
        """What ``readModel`` of ``in_page.js`` reads."""
        return _each(self.build(), model_content)

    def rounded(self) -> Any:
        """The model, or several by name, with the weights that the page has; see ``as_in_page``."""
        return _each(self.build(), as_in_page)

    @property
    def address(self) -> dict[str, str]:
        """What ``loadModel`` of ``in_page.js`` asks for."""
        return {"name": self.name, "file": self.file}

    def script(self) -> str:
        """The text of the script."""
        content = json.dumps(self.content, separators=(",", ":"))
        return f"(globalThis.swinModels ??= {{}})[{json.dumps(self.name)}] = {content};\n"


def _each(models: Any, act: Callable[[SwinTransformer], Any]) -> Any:
    """What ``act`` makes of a model, or of several, by name."""
    return {name: act(model) for name, model in models.items()} if isinstance(models, Mapping) else act(models)


def model_content(model: SwinTransformer) -> dict[str, Any]:
    """The sizes and weights of a model of version 1, as JSON.

    Returns:
        ``arguments``: ``num_heads``, ``window_size`` and ``shift_size``, one for each stage, and ``patch_size``, sizes
        in pairs; ``shapes``: the names and shapes of all parameters, in order; ``weights``: the parameters one after
        the other, float16, little-endian, in base64.

    Raises:
        ValueError: if the model is of another version, or a weight is too large for float16.
    """
    if model.version != 1:
        raise ValueError(f"swin.js computes version 1 of Swin, and this model is of version {model.version}.")
    parameters = model.state_dict()
    halves = [tensor.detach().cpu().half() for tensor in parameters.values()]
    for name, half in zip(parameters, halves, strict=True):
        if not half.isfinite().all():
            raise ValueError(f"{name} holds numbers that float16 cannot: they go to 65504.")
    data = b"".join(half.numpy().astype("<f2").tobytes() for half in halves)
    return {
        "arguments": {
            "num_heads": [stage.blocks[0].attn.num_heads for stage in model.layers],
            "window_size": [list(stage.window_size) for stage in model.layers],
            "shift_size": [list(stage.shift_size) for stage in model.layers],
            "patch_size": list(model.patch_embed.patch_size),
        },
        "shapes": {name: list(tensor.shape) for name, tensor in parameters.items()},
        "weights": base64.b64encode(data).decode(),
    }


def as_in_page(model: SwinTransformer) -> SwinTransformer:
    """The same model, with its weights rounded in place to float16, as pages have them. It goes on in float32."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half())
    return model


def _digits() -> SwinTransformer:
    from swinlib.pretrained import digits_model

    return digits_model()


def _marks() -> dict[str, SwinTransformer]:
    from swinlib.pretrained import marks_model

    return {"shifted": marks_model(shift=True), "plain": marks_model(shift=False)}


def _photographs() -> SwinTransformer:
    from swinlib.pretrained import photographs_model

    return photographs_model()


DIGITS = ModelInPage("digits", _digits)
MARKS = ModelInPage("marks", _marks)
PHOTOGRAPHS = ModelInPage("photographs", _photographs)
MODELS = (DIGITS, MARKS, PHOTOGRAPHS)  # all that the book has
