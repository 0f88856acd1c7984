"""What ``*`` and ``@`` make of two shapes: pictures of which cells meet, or why PyTorch refuses."""

import itertools
import re
from collections.abc import Sequence
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.pictures import show_numbers
from swinlib.figures.style import BLACK, GREY, Picture, canvas, style

Shape = tuple[int, ...]

OPERATIONS = {"*": "a * b", "@": "a @ b"}
SHAPES = (
    "()",
    "(2,)",
    "(3,)",
    "(1, 3)",
    "(3, 1)",
    "(2, 2)",
    "(2, 3)",
    "(3, 2)",
    "(2, 1, 3)",
    "(2, 2, 3)",
    "(2, 3, 2)",
)
LARGEST = 6  # of one dimension; each cell is drawn
DIMENSIONS = 3

WORDS = {
    "align": "The dimensions of a and b, as they are paired",
    "head": "dimension",
    "verdict": "outcome",
    "out": "c",
    "operand": "{name} {shape}",
    "stretched": "{name} {shape}, stretched to {drawn}",
    "result": "The result, {shape}",
    "cell": "{name} = {value}",
    "equation": "{name} = {terms} = {value}",
    "used": "used for the chosen number",
    "chosen": "the chosen number",
    "copy": "a repetition",
    "torch": "PyTorch says: {message}",
}


def parse_shape(text: str, name: str = "a shape") -> Shape:
    """Read a shape as Python prints it, or only its numbers: ``"(3, 1)"``, ``"3, 1"`` and ``"3 1"`` are the same.

    Raises:
        ValueError: if it is not a shape, or is too large to draw.
    """
    inner = re.fullmatch(r"\s*\(?([\d\s,]*)\)?\s*", text)
    if inner is None:
        raise ValueError(f"{name} must be a shape such as (3, 1), (3,) or (); got {text!r}.")
    shape = tuple(int(number) for number in re.findall(r"\d+", inner[1]))
    if len(shape) > DIMENSIONS or any(not 1 <= size <= LARGEST for size in shape):
        raise ValueError(
            f"{name} must have at most {DIMENSIONS} dimensions of 1 to {LARGEST}, so that each cell can be drawn; "
            f"got {shape}."
        )
    return shape


def broadcast_data(op: str, a: str, b: str) -> dict[str, Any]:
    """Which cells of two tensors meet in which cell of ``a * b`` or ``a @ b``.

    The numbers of a count up from 1, those of b from 4: for two matrices of 2x2 these are the chapter's first products.

    Args:
        op: ``"*"`` or ``"@"``.
        a: shape of the first operand, see ``parse_shape``.
        b: shape of the second.

    Returns:
        ``align``: lists with an entry for each dimension: ``heads``, the sizes ``a``, ``b`` and ``result`` as text (""
        where there is none), and ``verdicts``. ``a``, ``b``: what is drawn of the operands, stretched as far as the
        operation stretches them. ``result``: the same of the result, or None where PyTorch refuses; then ``reason``
        says why and ``message`` is PyTorch's own. ``uses``: for each cell of the result, row by row, the cells
        ``[row, column]`` of a and those of b that make it.

        What is drawn of a tensor: ``shape``, ``drawn`` (the shape it is stretched to), ``sheets``, and as lists of
        rows, the sheets one below the other, ``values``, ``names`` (such as ``"a[2, 0]"``) and ``copy`` (whether the
        cell repeats an earlier one).

    Raises:
        ValueError: if op is neither, or a shape cannot be read or drawn.
    """
    if op not in OPERATIONS:
        raise ValueError(f'the operation must be "*" or "@"; got {op!r}.')
    shapes = parse_shape(a, "a"), parse_shape(b, "b")
    x, y = (torch.arange(start, start + _size(shape)).view(shape) for shape, start in zip(shapes, (1, 4), strict=True))
    try:
        result = x * y if op == "*" else x @ y
    except RuntimeError as error:
        return {
            "align": _align(op, *shapes, None),
            "reason": _reason(op, *shapes),
            "message": str(error).splitlines()[0],
            "a": _drawn("a", x, x.shape),
            "b": _drawn("b", y, y.shape),
            "result": None,
            "uses": [],
        }
    if op == "*":
        left = right = out = result.shape
    else:
        x_matrix, y_matrix = x[None] if x.dim() == 1 else x, y[:, None] if y.dim() == 1 else y
        batch = torch.broadcast_shapes(x_matrix.shape[:-2], y_matrix.shape[:-2])
        left, right = batch + x_matrix.shape[-2:], batch + y_matrix.shape[-2:]
        out = (*batch, left[-2], right[-1])
    return {
        "align": _align(op, *shapes, tuple(result.shape)),
        "reason": "",
        "message": "",
        "a": _drawn("a", x, left),
        "b": _drawn("b", y, right, column=op == "@"),
        "result": _drawn("c", result, out, column=y.dim() == 1 and op == "@"),
        "uses": _uses(op, left, right, out),
    }


def _size(shape: Sequence[int]) -> int:
    return torch.Size(shape).numel()


def _drawn(name: str, tensor: Tensor, shape: Sequence[int], column: bool = False) -> dict[str, Any]:
    """``column``: a vector is written down the page; it is the right operand of ``@``."""
    place = torch.arange(tensor.numel()).view(tensor.shape)
    if tensor.dim() == 1 and len(shape) > 1 and column:
        place = place[:, None]
    place = place.reshape(shape) if place.numel() == _size(shape) else place.expand(tuple(shape))
    rows = place.reshape(-1, shape[-1] if shape else 1)
    seen: set[int] = set()
    copy = [[each in seen or seen.add(each) is not None for each in row] for row in rows.tolist()]
    numbers = tensor.flatten()
    indices = [", ".join(map(str, index)) for index in itertools.product(*map(range, tensor.shape))]
    names = [f"{name}[{index}]" if index else name for index in indices]
    return {
        "shape": str(tuple(tensor.shape)),
        "drawn": str(tuple(shape)),
        "sheets": shape[0] if len(shape) == DIMENSIONS else 1,
        "values": numbers[rows].tolist(),
        "names": [[names[each] for each in row] for row in rows.tolist()],
        "copy": copy,
    }


def _uses(op: str, left: Shape, right: Shape, out: Shape) -> list[list[list[list[int]]]]:
    """For each drawn cell of the result the drawn cells of both operands."""
    columns = out[-1] if out else 1
    cells = itertools.product(range(_size(out) // columns), range(columns))
    if op == "*":
        return [[[[row, column]], [[row, column]]] for row, column in cells]
    uses = []
    for row, column in cells:
        sheet, inner = row // left[-2], range(left[-1])
        uses.append([[[row, k] for k in inner], [[sheet * right[-2] + k, column] for k in inner]])
    return uses


def _align(op: str, a: Shape, b: Shape, result: Shape | None) -> dict[str, list[str]]:
    """The dimensions of both operands, one below the other as the operation pairs them."""
    if op == "@" and a and b:
        inner_b = b[-2] if len(b) > 1 else b[0]
        rows, columns = a[-2:-1], b[-1:] if len(b) > 1 else ()
        lines = [
            *(("batch", *line) for line in _broadcast_lines(a[:-2], b[:-2])),
            ("rows", rows, (), rows, "kept" if rows else "none: a is a vector"),
            ("inner", a[-1:], (inner_b,), (), "summed" if a[-1] == inner_b else "✗ not equal"),
            ("columns", (), columns, columns, "kept" if columns else "none: b is a vector"),
        ]
    else:
        lines = [
            (f"−{k}", *line) for k, line in zip(range(max(len(a), len(b)), 0, -1), _broadcast_lines(a, b), strict=True)
        ]
        if op == "@":
            lines = [(*line[:-1], "✗ too few dimensions") for line in lines]
    if result is None:
        lines = [(*line[:3], (), line[4]) for line in lines]
    columns = list(zip(*lines, strict=True)) or [[]] * 5
    sizes = [["".join(map(str, size)) for size in column] for column in columns[1:4]]
    return dict(zip(("heads", "a", "b", "result", "verdicts"), (columns[0], *sizes, columns[4]), strict=True))


def _broadcast_lines(a: Shape, b: Shape) -> list[tuple[Shape, Shape, Shape, str]]:
    """For each dimension the size in a, in b and in the result, each empty where there is none, and the verdict."""
    lines = []
    for k in range(max(len(a), len(b)), 0, -1):
        mine, other = a[-k:][:1] if k <= len(a) else (), b[-k:][:1] if k <= len(b) else ()
        m, o = (mine or (1,))[0], (other or (1,))[0]
        verdict = "equal" if m == o else "a repeats" if m == 1 else "b repeats" if o == 1 else "✗ neither equal nor 1"
        lines.append((mine, other, (max(m, o),), verdict))
    return lines


def _count(numbers: int) -> str:
    return "1 number" if numbers == 1 else f"{numbers} numbers"


def _reason(op: str, a: Shape, b: Shape) -> str:
    if op == "@" and not (a and b):
        return "Refused: a matrix product needs at least one dimension on both sides. To scale by one number, use *."
    if op == "@":
        inner = b[-2] if len(b) > 1 else b[0]
        if a[-1] != inner:
            return (
                f"Refused: a row of a has {_count(a[-1])} and a column of b has {_count(inner)}. "
                "They are multiplied in pairs and summed, and nothing is repeated to make them fit."
            )
        a, b = a[:-2], b[:-2]
    k = next(k for k, (m, o) in enumerate(zip(a[::-1], b[::-1], strict=False), start=1) if m != o and 1 not in (m, o))
    which = f"dimension −{k}" if op == "*" else "the batch dimension"
    return f"Refused: {which} is {a[-k]} in a and {b[-k]} in b. It must be the same in both, or 1 in one of them."


def show_broadcast(
    a: Sequence[int], b: Sequence[int], op: str = "*", cell: tuple[int, int] = (0, 0), *, width: float = 5.0
) -> Picture:
    """Draw two operands, stretched as far as the operation stretches them, and the result.

    Repeated cells are hatched. One number of the result is framed, and the cells it is made of.

    Args:
        a: shape of the first operand; its numbers count from 1.
        b: shape of the second; its numbers count from 4.
        op: ``"*"`` or ``"@"``.
        cell: row and column of the framed number, where a third dimension's sheets stand one below the other.
        width: of the picture in inches.

    Raises:
        ValueError: if PyTorch refuses the shapes, or the cell lies outside the result.
    """
    data = broadcast_data(op, str(tuple(a)), str(tuple(b)))
    if data["result"] is None:
        raise ValueError(data["reason"])
    rows, columns = len(data["result"]["values"]), len(data["result"]["values"][0])
    if not (0 <= cell[0] < rows and 0 <= cell[1] < columns):
        raise ValueError(f"cell {cell!r} lies outside the result of {rows}x{columns} cells.")
    used_a, used_b = data["uses"][cell[0] * columns + cell[1]]
    shapes = [data[name]["shape"] for name in ("a", "b", "result")]
    names = ("a", "b", "result")
    height = max(len(data[name]["values"]) for name in names)
    widths = [max(len(data[name]["values"][0]), 2) for name in names]  # a title needs room
    side = min(0.7, (width - 1) / sum(widths))
    picture, axes = canvas(1, 3, width=1 + side * sum(widths), height=0.7 + side * height)
    axes[0].get_gridspec().set_width_ratios(widths)
    titles = [f"a {shapes[0]}", f"{'×' if op == '*' else '@'}  b {shapes[1]}", f"=  {shapes[2]}"]
    for ax, name, used, title, columns in zip(axes, names, (used_a, used_b, [list(cell)]), titles, widths, strict=True):
        _draw(ax, data[name], used, title, columns, height)
    return picture


def _draw(ax: Axes, drawn: dict[str, Any], used: list[list[int]], title: str, width: int, height: int) -> None:
    """Draw in a space of ``width`` x ``height`` cells."""
    values, copy = torch.tensor(drawn["values"]), torch.tensor(drawn["copy"])
    groups = torch.full_like(values, -1)
    groups[tuple(torch.tensor(used).T)] = 0
    show_numbers(values, groups=groups, title=title, ax=ax)
    rows, columns = values.shape
    each = rows // drawn["sheets"]
    margin = (width - columns) / 2
    with style():
        for row, column in copy.nonzero().tolist():
            ax.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=GREY, hatch="///", linewidth=0))
        for row, column in used:
            ax.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=BLACK, linewidth=2.2, zorder=4))
        for row in range(each, rows, each):
            ax.plot([0, columns], [row, row], color=BLACK, linewidth=1.8)
        ax.set_yticks([row + 0.5 for row in range(rows)], [str(row % each) for row in range(rows)])
        ax.set(xlim=(-margin, columns + margin), ylim=(height, 0), frame_on=False)  # cells of one size in all three


def broadcast_figure(
    a: str = "(3, 1)", b: str = "(3,)", op: str = "*", *, shapes: Sequence[str] = SHAPES
) -> Interactive:
    """Choose two shapes and ``*`` or ``@``, and see which cells meet in each number of the result.

    Args:
        a: shape of the first operand at first.
        b: shape of the second at first.
        op: ``"*"`` or ``"@"`` at first.
        shapes: that the page offers for both; live, any with up to three dimensions of up to six.

    Raises:
        ValueError: if the figure does not start at offered values, or PyTorch refuses them.
    """

    def picture(op: str, a: str, b: str) -> Picture:
        return show_broadcast(parse_shape(a), parse_shape(b), op)

    if reason := broadcast_data(op, a, b)["reason"]:
        raise ValueError(f"the figure cannot start at {a} {op} {b}. {reason}")
    return Interactive(
        "broadcasting",
        broadcast_data,
        [
            Control("op", "Product", OPERATIONS, op),
            Control("a", "Shape of a", shapes, a, live={"type": "text", "size": 9}),
            Control("b", "Shape of b", shapes, b, live={"type": "text", "size": 9}),
        ],
        caption="Which numbers meet. Choose a number of the result by click, or by arrow keys and Enter.",
        words=WORDS,
        picture=picture,
        alt=f"a {a} and b {b}, each stretched to the shape of the result of a {op} b, and the result. The cells that "
        "make its first number are framed, repeated cells are hatched.",
    )
