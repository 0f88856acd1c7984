"""Which layers a module knows of, for each way of holding them: the interactive figure of the chapter on containers."""

import ast
import contextlib
import io
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.style import Picture, canvas

CONTAINERS = (
    "[a, b]",
    '{"first": a, "second": b}',
    "nn.ModuleList([a, b])",
    "nn.Sequential(a, b)",
    "nn.Sequential(OrderedDict(first=a, second=b))",
    'nn.ModuleDict({"first": a, "second": b})',
    "[nn.ModuleList([a, b])]",
    "nn.ModuleList([[a, b]])",
    "nn.ModuleList([nn.Sequential(a), nn.Sequential(b)])",
    "nn.ModuleList([a, a])",
)
OPERATIONS = (
    "len(list(net.parameters()))",
    "list(net.state_dict())",
    "net.double()",
    "torch.optim.SGD(net.parameters(), lr=0.1)",
    "net.layers(x)",
    "for layer in net.layers: x = layer(x)",
    "net.layers[0]",
    "net.layers[1:]",
    "net.layers.append(c)",
    "print(net)",
)
WORDS = {
    "table": "Everything that net.layers holds after the operation, and what the net knows of it",
    "object": "there is",
    "name": "the net calls it",
    "dtype": "dtype",
    "unknown": "✗ unknown",
    "result": "Python says",
}


class Net(nn.Module):
    """A module with one attribute."""

    def __init__(self, layers: Any) -> None:
        super().__init__()
        self.layers = layers


def container_data(container: str, operation: str) -> dict[str, Any]:
    """Hold layers in a module, do something, and say what happened and what the module knows of its layers.

    Args:
        container: a Python expression made of the layers ``a``, ``b`` and ``c``, ``nn`` and ``OrderedDict``.
        operation: a line of Python on ``net``, whose attribute ``layers`` is the container, and a batch ``x``.

    Returns:
        ``rows``, one for each object that the container holds after the operation: its depth, what it is, the name by
        which the net knows it (empty if it does not), its dtype (of layers). ``result``: what Python answers.
        ``sentence``: the gist in words.

    Raises:
        ValueError: if the container cannot be made; the message is Python's.
    """
    with torch.random.fork_rng(devices=[]):
        scope: dict[str, Any] = {"nn": nn, "torch": torch, "OrderedDict": OrderedDict, "x": torch.ones(1, 4)}
        scope |= {"a": nn.Linear(4, 4), "b": nn.Linear(4, 2), "c": nn.Linear(2, 1)}
    try:
        scope["net"] = net = Net(eval(container, scope))  # the reader's own text, in the reader's own Python
    except Exception as error:
        raise ValueError(f"{container} cannot be made. {_message(error)}") from error
    try:
        result, failed = _run(operation, scope), False
    except Exception as error:
        result, failed = _message(error), True
    names: dict[int, list[str]] = {}
    for name, module in net.named_modules(remove_duplicate=False):
        names.setdefault(id(module), []).append(name)
    rows = list(_walk("layers", net.layers, names, 0))
    held = {id(layer) for layer in _layers(net.layers)}
    known = sum(layer in names for layer in held)
    gist = f"The net knows {_count(known, len(held))}."
    return {"rows": rows, "result": result, "sentence": f"{'Refused. ' if failed else ''}{gist}"}


def _run(line: str, scope: dict[str, Any]) -> str:
    """Run a line as a notebook would, and return what it prints and gives."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            ast.parse(line, mode="eval")
        except SyntaxError:
            exec(line, scope)
            value = scope["x"]
        else:
            value = eval(line, scope)
    shown = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else repr(value)
    if isinstance(value, torch.optim.Optimizer):
        shown = f"an optimizer of {sum(len(group['params']) for group in value.param_groups)} parameters"
    return printed.getvalue().strip() or shown


def _walk(label: str, held: Any, names: Mapping[int, list[str]], depth: int) -> Iterator[list[Any]]:
    """A row for the object and for each that it holds, whether PyTorch knows of them or not."""
    known = names.get(id(held), [])
    path = known.pop(0) if len(known) > 1 else "".join(known)  # one object may stand in two places
    layer = isinstance(held, nn.Module) and not _inside(held)
    kind = f"Linear({held.in_features}, {held.out_features})" if isinstance(held, nn.Linear) else type(held).__name__
    dtype = str(held.weight.dtype).removeprefix("torch.") if isinstance(held, nn.Linear) else ""
    yield [depth, f"{label}: {kind}", path, dtype if layer else ""]
    for name, each in _inside(held):
        yield from _walk(name, each, names, depth + 1)


def _inside(held: Any) -> list[tuple[str, Any]]:
    if isinstance(held, nn.Module):
        return list(held._modules.items())
    if isinstance(held, Mapping):
        return [(f"[{key!r}]", each) for key, each in held.items()]
    return [(f"[{k}]", each) for k, each in enumerate(held)] if isinstance(held, (list, tuple)) else []


def _layers(held: Any) -> list[nn.Module]:
    """The layers in a container, at any depth."""
    inside = _inside(held)
    if not inside:
        return [held] if isinstance(held, nn.Linear) else []
    return [layer for _, each in inside for layer in _layers(each)]


def _count(known: int, held: int) -> str:
    if held == 1:
        return "its only layer" if known else "nothing of its only layer"
    return f"none of the {held} layers" if not known else f"{known} of the {held} layers"


def _message(error: Exception) -> str:
    if str(error) == "unhashable type: 'slice'" or (isinstance(error, KeyError) and isinstance(error.args[0], slice)):
        return "An error, since a dictionary cannot be sliced."  # one error up to Python 3.11, another since
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0] if text else ''}".removesuffix(": ")


def container_figure(container: str = CONTAINERS[0], operation: str = OPERATIONS[0]) -> Interactive:
    """Choose how a module holds two layers and what is done, and see what Python says and what the module knows.

    Args:
        container: one of ``CONTAINERS``, at first.
        operation: one of ``OPERATIONS``, at first.

    Raises:
        ValueError: if the figure does not start at offered values.
    """
    return Interactive(
        "containers",
        container_data,
        [
            Control("container", "self.layers =", CONTAINERS, container, live={"type": "text", "size": 44}),
            Control("operation", "Next", OPERATIONS, operation, live={"type": "text", "size": 44}),
        ],
        caption="Which layers a module knows of. Here a = nn.Linear(4, 4), b = nn.Linear(4, 2), c = nn.Linear(2, 1), "
        "and x has the shape (1, 4). Choose how a and b are held, and what is done next.",
        words=WORDS,
        picture=_picture,
        alt=f"A table of what self.layers = {container} holds, each row with the name by which the module knows it or "
        f"the word unknown. {_sentence(container, operation)}",
    )


def _sentence(container: str, operation: str) -> str:
    try:
        return container_data(container, operation)["sentence"]
    except ValueError as error:
        return str(error)


def _picture(container: str, operation: str) -> Picture:
    try:
        data = container_data(container, operation)
    except ValueError as error:
        data = {"rows": [], "result": str(error), "sentence": "Refused."}
    rows = [["    " * depth + what, name or WORDS["unknown"], dtype] for depth, what, name, dtype in data["rows"]]
    heads = [f"self.layers = {container}", f"next: {operation}", *data["result"].splitlines()[:4]]
    lines = [*([head] for head in heads), ["", WORDS["name"], WORDS["dtype"]], *rows, [data["sentence"]]]
    picture, [ax] = canvas(width=6, height=0.3 * len(lines))
    ax.set_axis_off()
    ax.set(xlim=(0, 1), ylim=(len(lines), 0))
    for y, line in enumerate(lines):
        for x, text in zip((0, 0.5, 0.8), line, strict=False):
            ax.text(x, y + 0.5, text, va="center", weight="bold" if len(line) == 1 else "normal")
    return picture
