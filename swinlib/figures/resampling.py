"""How each output of a convolution, a transposed convolution or a pooling is made: an interactive figure."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.pictures import show_numbers
from swinlib.figures.style import Picture, canvas

LINE = "3 1 4 1 5 9"
MAP = "3 1 4 1 / 5 9 2 6 / 5 3 5 8 / 9 7 9 3"
LARGEST_INPUT, LARGEST_OUTPUT = 12, 40  # numbers on a side, so that each can be read

OPERATIONS = {
    "convolution": "convolution",
    "transposed": "transposed convolution",
    "max": "max pooling",
    "nearest": "nearest neighbour",
}

SIZES = {
    "convolution": "{n} numbers and {p} of padding at each end make {padded}. The kernel of {k} takes the first {k}, "
    "and {rest} are left. Whole steps of {s} in {rest}: {steps}. With the first place, that makes {out}.",
    "transposed": "each of the {n} numbers puts down a kernel of {k}. The first starts at 0 and the last, after {gaps} "
    "steps of {s}, at {last}: together {full}. The padding cuts {p} from each end, which leaves {out}.",
    "nearest": "each of the {n} numbers is written {s} times: {out}. There is no kernel and no padding.",
}
SIZES["max"] = SIZES["convolution"]
LEFT_OVER = "At the end, {left_over} of the {padded} are in no window."
SKIPPED = "Steps of {s} pass over numbers that a kernel of {k} does not cover."

WORDS = {
    "input": "Input",
    "output": "Output",
    "kernel": "Kernel",
    "previous": "Previous output",
    "next": "Next output",
    "place": "(row {row}, column {column})",
    "sum": "Output {place} = {terms} = {value}.",
    "max": "Output {place} is the largest of {terms}: {value}.",
    "copy": "Output {place} copies input {from}: {value}.",
    "cut": "The padding of a transposed convolution cuts off: this output is thrown away again.",
    "none": "No input reaches output {place}: it stays 0.",
    "fan": "Input {place} = {value} enters {count} of the outputs, with the weights shown there.",
    "fan_max": "Input {place} = {value} stands in {count} of the windows and is the largest in {won}.",
    "fan_copy": "Input {place} = {value} is copied to {count} of the outputs.",
    "fan_none": "Input {place} = {value} enters no output.",
    "is_padding": "This is padding.",
    "chosen": "chosen",
    "connected": "connected with it; × is the weight",
    "winner": "connected with it: the largest of a window",
    "loser": "in the window, and not the largest (≤)",
    "copied": "connected with it",
    "padding": "padding",
    "cut_off": "cut off by the padding",
    "label": "{place}: {value}",
    "label_weight": "{place}: {value}, connected with weight {weight}",
    "label_winner": "{place}: {value}, connected as the largest",
    "label_loser": "{place}: {value}, in the window but not the largest",
    "label_copied": "{place}: {value}, connected",
    "outside": "{label}, {what}",
}


def resampling_data(operation: str, numbers: str, kernel: int, stride: int, padding: int) -> dict[str, Any]:
    """What an operation makes of a few numbers, and which of them each output is made of.

    Args:
        operation: ``"convolution"``, ``"transposed"``, ``"max"`` or ``"nearest"``.
        numbers: whole numbers with spaces between them, and ``/`` between the rows of a map.
        kernel: k; a convolution's weights are 1, 2, 3, ... row by row.
        stride: s; the factor of ``"nearest"``.
        padding: p, at each end.

    Returns:
        ``input`` and ``output``, lists of rows: the input without its padding, the output of a transposed
        convolution before the padding cuts it. ``pad`` and ``cut``, ``[rows, columns]`` at each end of input and
        output. ``kernel``, the weights, or None. ``taps``, for rows and for columns, for each output a list of
        ``[place of the input, place in the kernel]``; places in the padding are negative or beyond the end.
        ``winners`` of max pooling, ``[row, column]`` of the input for each output, or None. ``size``, in words.

    Raises:
        ValueError: if ``numbers`` are not numbers, or PyTorch would refuse the combination; the message says why.
    """
    x = _parse(numbers)
    for name, value, least in (("kernel", kernel, 1), ("stride", stride, 1), ("padding", padding, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name} must be a whole number from {least}; got {value!r}.")
    if operation not in OPERATIONS:
        raise ValueError(f"operation must be one of {', '.join(OPERATIONS)}; got {operation!r}.")
    # a line is a map of one row, on which nothing happens from top to bottom
    flat = x.shape[0] == 1
    sides = [(n, *((1, 1, 0) if flat and not axis else (kernel, stride, padding))) for axis, n in enumerate(x.shape)]
    facts = [_side(operation, *side) for side in sides]
    k, s, p = zip(*(side[1:] for side in sides), strict=True)

    weights = torch.arange(1, k[0] * k[1] + 1, dtype=torch.float64).view(1, 1, *k)
    winners, batch = None, x[None, None]
    if operation == "convolution":
        out = F.conv2d(batch, weights, stride=s, padding=p)
    elif operation == "transposed":
        out = F.conv_transpose2d(batch, weights, stride=s)
    elif operation == "nearest":
        out = F.interpolate(batch, scale_factor=tuple(map(float, s)), mode="nearest")
    else:
        out, where = F.max_pool2d(batch, k, s, p, return_indices=True)
        winners = [[[i // x.shape[1], i % x.shape[1]] for i in row] for row in where[0, 0].tolist()]
    sentences = [_size_in_words(operation, *side, **fact) for side, fact in zip(sides, facts, strict=True)]
    if flat or sentences[0] == sentences[1]:
        size = f"Size{'' if flat else ' of each side'}: {sentences[1]}"
    else:
        size = f"Rows: {sentences[0]} Columns: {sentences[1]}"
    return {
        "operation": operation,
        "input": x.long().tolist(),
        "output": out[0, 0].long().tolist(),
        "pad": list(p) if operation in ("convolution", "max") else [0, 0],
        "cut": list(p) if operation == "transposed" else [0, 0],
        "kernel": weights[0, 0].long().tolist() if operation in ("convolution", "transposed") else None,
        "taps": [_taps(operation, length, *side) for length, side in zip(out.shape[2:], sides, strict=True)],
        "winners": winners,
        "size": size,
    }


def resampling_figure(
    operation: str = "convolution",
    numbers: str = LINE,
    kernel: int = 3,
    stride: int = 2,
    padding: int = 1,
    *,
    kernels: Sequence[int] = (1, 2, 3, 4, 5),
    strides: Sequence[int] = (1, 2, 3),
    paddings: Sequence[int] = (0, 1, 2),
) -> Interactive:
    """Choose an operation, a kernel, a stride and a padding, and step through the outputs.

    Args:
        operation: at first, as in ``resampling_data``.
        numbers: at first; live, any.
        kernel: at first.
        stride: at first.
        padding: at first.
        kernels: that the page offers; live, any.
        strides: that the page offers; live, any.
        paddings: that the page offers; live, any.

    Raises:
        ValueError: if the figure does not start at offered values or starts with an impossible combination.
    """
    start = resampling_data(operation, numbers, kernel, stride, padding)
    return Interactive(
        "resampling",
        resampling_data,
        [
            Control("operation", "Operation", OPERATIONS, operation),
            Control("numbers", "Numbers", {LINE: "a line of 6", MAP: "a map of 4×4"}, numbers, live={"type": "text"}),
            Control("kernel", "Kernel", kernels, kernel, live={"type": "number", "min": 1}),
            Control("stride", "Stride", strides, stride, live={"type": "number", "min": 1}),
            Control("padding", "Padding", paddings, padding, live={"type": "number", "min": 0}),
        ],
        caption="How each output is made. Choose an output, or an input, by click, or by arrow keys and Enter.",
        words=WORDS,
        shared=["steps"],
        picture=_picture,
        alt=f"The input, {len(start['input'])} by {len(start['input'][0])} numbers, and the output, "
        f"{len(start['output'])} by {len(start['output'][0])}. The first output and the inputs that it is made of "
        "are coloured.",
    )


def _parse(numbers: str) -> Tensor:
    """The numbers as a float64 map (rows, columns)."""
    try:
        rows = [[int(word) for word in line.split()] for line in str(numbers).split("/")]
    except ValueError:
        raise ValueError(
            f'the input must be whole numbers, such as "3 1 4" for a line or "3 1 / 4 1" for a map; got {numbers!r}.'
        ) from None
    if not rows[0] or len({len(row) for row in rows}) != 1:
        raise ValueError(f"the input's rows must be equally long and not empty; their lengths are {[*map(len, rows)]}.")
    if max(len(rows), len(rows[0])) > LARGEST_INPUT:
        raise ValueError(f"an input of {len(rows)}x{len(rows[0])} is too large to read; give up to {LARGEST_INPUT}.")
    return torch.tensor(rows, dtype=torch.float64)


def _side(operation: str, n: int, k: int, s: int, p: int) -> dict[str, int]:
    """Sizes along one side of the map; ValueError if there is no result."""
    if operation == "nearest":
        facts = {"out": n * s}
    elif operation == "transposed":
        full = (n - 1) * s + k
        facts = {"gaps": n - 1, "last": (n - 1) * s, "full": full, "out": full - 2 * p}
        if full <= 2 * p:
            raise ValueError(
                f"{n} numbers with a kernel of {k} and steps of {s} make {full}, and a padding of {p} cuts {2 * p} "
                f"of them: nothing is left. Choose a smaller padding or a larger kernel."
            )
    else:
        rest = n + 2 * p - k
        if operation == "max" and 2 * p > k:
            raise ValueError(
                f"PyTorch pools with a padding of at most half the kernel, {k // 2} for a kernel of {k}; got {p}. "
                f"A window would be mostly padding otherwise."
            )
        if rest < 0:
            raise ValueError(
                f"a kernel of {k} does not fit: {n} numbers and {p} of padding at each end make {n + 2 * p}. Choose a "
                f"smaller kernel or more padding."
            )
        facts = {"padded": n + 2 * p, "rest": rest, "steps": rest // s, "out": rest // s + 1, "left_over": rest % s}
    if facts["out"] > LARGEST_OUTPUT:
        raise ValueError(f"an output of {facts['out']} numbers is too large to read; choose at most {LARGEST_OUTPUT}.")
    return facts


def _size_in_words(operation: str, n: int, k: int, s: int, p: int, **facts: int) -> str:
    fields = {"n": n, "k": k, "s": s, "p": p, **facts}
    sentences = [SIZES[operation]]
    if facts.get("left_over"):
        sentences.append(LEFT_OVER)
    if operation in ("convolution", "max") and s > k and facts["out"] > 1:
        sentences.append(SKIPPED)
    return " ".join(sentences).format(**fields)


def _taps(operation: str, length: int, n: int, k: int, s: int, p: int) -> list[list[list[int]]]:
    """For each output along one side, the places of input and kernel that meet there."""
    if operation == "nearest":
        return [[[out // s, 0]] for out in range(length)]
    if operation == "transposed":
        return [[[i, out - i * s] for i in range(n) if 0 <= out - i * s < k] for out in range(length)]
    return [[[out * s - p + q, q] for q in range(k)] for out in range(length)]


def _picture(**values: Any) -> Picture:
    data = resampling_data(**values)
    x, y = torch.tensor(data["input"]), torch.tensor(data["output"])
    rows, columns = ({place for place, _ in taps[0]} for taps in data["taps"])
    used = torch.tensor([[r in rows and c in columns for c in range(x.shape[1])] for r in range(x.shape[0])])
    first = torch.zeros_like(y, dtype=torch.bool)
    first[0, 0] = True
    drawing, axes = canvas(1, 2, width=6, height=1.4 if len(x) == 1 else 3.2)
    show_numbers(x, groups=used.long() - 1, title="input", ax=axes[0])
    show_numbers(y, groups=first.long() - 1, title=f"output: {OPERATIONS[data['operation']]}", ax=axes[1])
    return drawing
