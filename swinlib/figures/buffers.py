"""What becomes of a tensor that a module holds: the interactive figure of the chapter on buffers."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.style import Picture, canvas

HOLDINGS = {
    "attribute": "self.held = x",
    "parameter": "self.held = nn.Parameter(x)",
    "buffer": 'self.register_buffer("held", x)',
    "nn.Buffer": "self.held = nn.Buffer(x)",
    "not saved": 'self.register_buffer("held", x, persistent=False)',
    "none": 'self.register_buffer("held", None)',
}
ACTIONS = {
    "save": "module.state_dict()",
    "double": "module.double()",
    "half": "module.half()",
    "meta": 'module.to("meta")',
    "empty": 'module.to("meta").to_empty(device="cpu")',
    "copy": "copy.deepcopy(module)",
    "step": "one step of SGD(module.parameters(), lr=0.5)",
    "load": "load_state_dict(weight and held)",
    "load without": "load_state_dict(weight alone)",
}
DTYPES = ("float32", "int64")
VALUES, SAVED = (1, 2, 0), (3, 0, 1)  # in the module, and in a checkpoint; as integers, an index into the weight

WORDS = {
    "table": "What is known of held before and after; a row that changed is marked with an arrow",
    "fact": "held",
    "before": "before",
    "after": "after",
    "changed": "changed",
}


class Holder(nn.Module):
    """A weight of four ones, and beside it a tensor of three numbers, held in one of six ways."""

    held: Tensor | None

    def __init__(self, dtype: torch.dtype, how: str) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))
        x = torch.tensor(VALUES).to(dtype)
        if how == "attribute":
            self.held = x
        elif how == "parameter":
            self.held = nn.Parameter(x)
        elif how == "nn.Buffer":
            self.held = nn.Buffer(x)
        else:
            self.register_buffer("held", None if how == "none" else x, persistent=how != "not saved")


def buffer_data(dtype: str, how: str, action: str) -> dict[str, Any]:
    """Hold a tensor in a module, do something to the module, and say what became of the tensor.

    Args:
        dtype: name of a dtype of PyTorch.
        how: a key of ``HOLDINGS``.
        action: a key of ``ACTIONS``.

    Returns:
        ``rows``, each the name of a fact, what it was before and after, and whether that differs; ``sentence``, the
        same in words.

    Raises:
        ValueError: if there is no such dtype, holding or action, or PyTorch refuses to hold the tensor this way.
    """
    kind = getattr(torch, dtype, None) if isinstance(dtype, str) else None
    if not isinstance(kind, torch.dtype):
        raise ValueError(f"{dtype!r} is not a dtype of PyTorch. Try float32, bfloat16, int64, bool or complex64.")
    for name, value, known in (("how", how, HOLDINGS), ("action", action, ACTIONS)):
        if value not in known:
            raise ValueError(f"{name}={value!r} means nothing here; choose from {', '.join(map(repr, known))}.")
    try:
        module = Holder(kind, how)
        before = _facts(module)
        module, refusal = _act(module, action)
        after = _facts(module)
    except RuntimeError as error:
        raise ValueError(f"PyTorch refuses this for {dtype}: {str(error).splitlines()[0]}") from error
    return {
        "rows": [[name, before[name], after[name], before[name] != after[name]] for name in before],
        "sentence": f"Refused: {refusal}." if refusal else _sentence(action, before, after),
    }


def _act(module: Holder, action: str) -> tuple[Holder, str]:
    """Do it. Return the module that results, and what PyTorch says if it refuses."""
    held = module.held
    if action == "double":
        module.double()
    elif action == "half":
        module.half()
    elif action == "meta":
        module.to("meta")
    elif action == "empty":
        with _visible_garbage():
            module.to("meta").to_empty(device="cpu")
    elif action == "copy":
        module = copy.deepcopy(module)
        if held is not None:
            held.detach().zero_()  # a copy that shares its memory with the original will show zeros
    elif action == "step":
        loss = module.weight.sum() if held is None else (module.weight[:3] * held).sum().abs()
        loss.backward()
        torch.optim.SGD(module.parameters(), lr=0.5).step()
    elif action.startswith("load"):
        checkpoint = {"weight": torch.ones(4)}
        if action == "load":
            checkpoint["held"] = torch.tensor(SAVED).to(torch.float32 if held is None else held.dtype)
        try:
            module.load_state_dict(checkpoint)
        except RuntimeError as error:
            return module, str(error).splitlines()[1].strip(" \t.")
    return module, ""


@contextmanager
def _visible_garbage() -> Iterator[None]:
    """New memory that nobody wrote to holds not-a-number or the largest integer, so that it can be recognised."""
    settings = torch.utils.deterministic
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        settings.fill_uninitialized_memory,
    )
    torch.use_deterministic_algorithms(True, warn_only=True)
    settings.fill_uninitialized_memory = True
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        settings.fill_uninitialized_memory = before[2]


def _facts(module: Holder) -> dict[str, str]:
    """All that can be seen of the tensor, each fact in a word or two."""
    held, weight = module.held, module.weight
    return {
        "values": "no tensor" if held is None else _values(held.detach()),
        "dtype": "–" if held is None else _name(held.dtype),
        "device": "–" if held is None else str(held.device),
        "weight beside it": ", ".join([_name(weight.dtype), str(weight.device), *_lost(weight.detach())]),
        "works with the weight": "–" if held is None else _fits(weight, held),
        "in parameters()": _yes("held" in dict(module.named_parameters())),
        "in buffers()": _yes("held" in dict(module.named_buffers())),
        "in state_dict()": _yes("held" in module.state_dict()),
    }


def _values(x: Tensor) -> str:
    numbers = (f"{value:g}" if isinstance(value, float) else str(value) for value in ([] if x.is_meta else x.tolist()))
    return ", ".join(_lost(x) or numbers)


def _lost(x: Tensor) -> list[str]:
    """``["no values"]`` on the meta device, ``["garbage"]`` in memory that nobody wrote to, else nothing."""
    if x.is_meta:
        return ["no values"]
    with _visible_garbage():
        garbage = torch.empty_like(x)
    return ["garbage"] * torch.allclose(x.to(torch.complex128), garbage.to(torch.complex128), equal_nan=True)


def _fits(weight: Tensor, held: Tensor) -> str:
    """Whether the two work together: numbers in a product, integers as an index."""
    try:
        weight[:3] @ held if held.dtype.is_floating_point or held.dtype.is_complex else weight[held.long()]
    except IndexError:
        return "no, out of range"
    except RuntimeError as error:
        return "no, other device" if "device" in str(error) else "no, other dtype"
    return "yes"


def _sentence(action: str, before: dict[str, str], after: dict[str, str]) -> str:
    """What happened, in words, judged by what was seen."""
    same_values, saved = before["values"] == after["values"], after["in state_dict()"] == "yes"
    if action == "save":
        return "A checkpoint carries it." if saved else "A checkpoint does not carry it."
    if action == "load":
        return f"It has the values of the checkpoint now: {after['values']}."
    if action == "load without":
        return "The weight is loaded, and held stays as it was."
    if after["values"] == "no tensor":
        return "There is no tensor, so there is nothing to do."
    if action in ("double", "half"):
        if after["dtype"] != before["dtype"]:
            return f"It follows the weight to {after['dtype']}."
        if after["dtype"] == after["weight beside it"].split(",")[0]:
            return f"It is {after['dtype']} already."
        if getattr(torch, after["dtype"]).is_floating_point:
            return f"It stays behind as {after['dtype']}, and no longer works with the weight."
        return f"It stays {after['dtype']}: however it is held, only floating-point tensors are converted."
    if action == "meta":
        follows = after["device"] == "meta"
        return "It follows the weight: shape and dtype, no values." if follows else "It stays behind on the CPU."
    if action == "empty":
        if same_values:
            return "Neither call touches it. Only the weight has lost its values."
        filled = "A checkpoint will fill it again." if saved else "No checkpoint will fill it again."
        return f"It got new memory, with whatever stood there before. {filled}"
    if action == "copy":
        return "The copy has a tensor of its own." if same_values else "The copy shares its memory with the original."
    return "The optimizer leaves it alone." if same_values else "The optimizer moves it."


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def buffer_figure(how: str = "attribute", action: str = "double", *, dtypes: Sequence[str] = DTYPES) -> Interactive:
    """Choose how a module holds a tensor and what is done to the module, and see what becomes of the tensor.

    Args:
        how: a key of ``HOLDINGS``, at first.
        action: a key of ``ACTIONS``, at first.
        dtypes: that the page offers; live, any.

    Raises:
        ValueError: if the figure does not start at offered values, or PyTorch refuses to hold the tensor this way.
    """
    start = buffer_data(dtypes[0], how, action)
    return Interactive(
        "buffers",
        buffer_data,
        [
            Control("how", "In __init__", HOLDINGS, how),
            Control("dtype", "x is", dtypes, live={"type": "text"}),
            Control("action", "Then", ACTIONS, action),
        ],
        caption="What becomes of a tensor that a module holds. Choose how it is held and what is done to the module.",
        words=WORDS,
        picture=_picture,
        alt=f"A table of what is known of the tensor before and after {ACTIONS[action]}, held by {HOLDINGS[how]}. "
        f"{start['sentence']}",
    )


def _picture(how: str, dtype: str, action: str) -> Picture:
    data = buffer_data(dtype, how, action)
    rows = [[name, before, f"→ {after}" if changed else after] for name, before, after, changed in data["rows"]]
    lines = [[HOLDINGS[how]], [f"then {ACTIONS[action]}"], ["", "before", "after"], *rows, [data["sentence"]]]
    picture, [ax] = canvas(width=6, height=0.3 * len(lines))
    ax.set_axis_off()
    ax.set(xlim=(0, 1), ylim=(len(lines), 0))
    for y, line in enumerate(lines):
        for x, text in zip((0, 0.45, 0.71), line, strict=False):
            ax.text(x, y + 0.5, text, va="center", weight="bold" if len(line) == 1 else "normal")
    return picture
