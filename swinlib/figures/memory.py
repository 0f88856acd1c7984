"""Where tokens stand in memory, step by step, in four ways through two blocks: an interactive figure."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from swinlib.arguments import to_pair
from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.layout import window_layout
from swinlib.figures.style import Picture, canvas, style
from swinlib.figures.window_order import WIDTH, draw_tokens, window_order
from swinlib.windows import cyclic_shift, effective_shift, window_partition, window_reverse

LARGEST = 16  # tokens in a window, which are a line of memory, and each is read

WAYS = {
    "no way back": "no way back (wrong)",
    "by the map": "by the map (plain model)",
    "one copy": "one copy for two",
    "window order": "in the order of windows",
}
WORDS = {
    "map": "The map, cut by the windows of block {block}",
    "memory": "Memory: which token stands where",
    "x": "Memory: x, by the token that it is of",
    "added": "Added to it, place by place: attention, by the token that it is of",
    "steps": "Steps",
    "step": "Step",
    "copies": "Copies",
    "here": "Step {number} of {count}: {name}",
    "previous": "Previous step",
    "next": "Next step",
    "cell": "token {token}, row {row}, column {column} of the map",
    "place": "place {place}: token {token}",
    "mate": "{label}, in the window of the chosen token",
    "wrong": "place {place}: token {token}, to which the attention of token {other} is added",
    "sum": "place {place}: attention of token {token}",
    "sentence": "{step}: token {token} stands at place {place} of memory, and the {tokens} tokens of its window lie in "
    "{pieces}.",
    "one": "one piece",
    "many": "{count} pieces",
    "copied": "All tokens were copied {copies}.",
    "never": "not yet",
    "once": "once",
    "times": "{count} times",
    "agree": "At every place both terms are of one token.",
    "other": "What attention computed for token {other} is added to it.",
    "own": "What attention computed for it is added to it.",
    "differ": "At {wrong} of {all} places two different tokens are added.",
    "chosen": "the chosen token",
    "mates": "the tokens of its window",
    "mixed": "two different tokens are added",
    "lines": "Lines: where one window ends and another begins. A mask inside windows is not drawn.",
}


class Step(NamedTuple):
    """What memory holds after one step. A tuple, so that the page holds steps that several ways share only once.

    ``name``: of the step. ``code``: the call that does it. ``block``: 1 or 2, whose windows are looked at. ``copies``:
    how often all tokens were copied so far. ``tokens``: which token stands at each place. ``added``: at a sum, of which
    token the attention is that is added there; else empty. ``window``: of each token, by its number, that of its
    window. ``pieces``: of each window, in how many pieces its tokens lie.
    """

    name: str
    code: str
    block: int
    copies: int
    tokens: list[int]
    added: list[int]
    window: list[int]
    pieces: list[int]


def memory_data(way: str, shift: int, size: int = 8, window: int = 4) -> dict[str, Any]:
    """Take the tokens of a square map through a plain block and a shifted one.

    Args:
        way: a key of ``WAYS``.
        shift: of the second block.
        size: of the map; windows tile it.
        window: as in ``swinlib``.

    Returns:
        ``steps``: a ``Step`` for each, in their order; ``size``; ``line``, tokens in a line of memory, which are those
        of a window.

    Raises:
        ValueError: if there is no such way, windows do not tile the map or are too large to draw, or the shift does
            not fit them.
    """
    if way not in WAYS:
        raise ValueError(f"way={way!r} means nothing here; choose from {', '.join(map(repr, WAYS))}.")
    if max(to_pair(window, "window")) ** 2 > LARGEST:
        raise ValueError(f"a window of {window} has too many tokens for a line; choose at most {LARGEST} of them.")
    orders = [window_order(size, window, each).flatten() for each in (0, shift)]
    windows = [window_layout(size, size, window, each).in_image().window.flatten() for each in (0, shift)]
    steps, copies = [], 0
    for block, name, code, copied, tokens, added in _steps(way, orders, size, window, shift):
        copies += copied
        places = windows[block - 1][tokens]
        starts = torch.cat([torch.tensor([True]), places[1:] != places[:-1]])
        steps.append(
            Step(
                name=f"Block {block}, {name}" if steps else name,
                code=code,
                block=block,
                copies=copies,
                tokens=tokens.tolist(),
                added=[] if added is None else added.tolist(),
                window=windows[block - 1].tolist(),
                pieces=places[starts].bincount().tolist(),
            )
        )
    return {"steps": steps, "size": size, "line": window**2}


def _steps(
    way: str, orders: Sequence[Tensor], size: int, window: int, shift: int
) -> Iterator[tuple[int, str, str, bool, Tensor, Tensor | None]]:
    """Block, name, code, whether all tokens are copied, and which token then stands where: of x, and of what is added.

    Between two copies and a sum, memory is what goes into attention or comes out of it; the sum is with x.
    """
    x = torch.arange(size * size)
    yield 1, "the map", "x", False, x, None
    for block, order in enumerate(orders, start=1):
        rolled = effective_shift(size, size, window, shift if block > 1 else 0)
        if way == "window order":
            if not torch.equal(x, order):
                code = "rows.index_select(0, there)" if block == 1 else "rows.index_select(0, move)"
                x = x[x.argsort()[order]]
                yield block, "move", code, True, x, None
            inside = x
        elif way == "one copy":
            inside = x[order]
            yield block, "move", "x.index_select(0, there)", True, inside, None
        else:
            board = x.view(1, size, size, 1)
            if any(rolled):
                board = cyclic_shift(board, rolled)
                yield block, "roll", "cyclic_shift(x, shift)", True, board.flatten(), None
            inside = window_partition(board, window).flatten()
            yield block, "cut", "window_partition(x, size)", True, inside, None
        yield block, "attention", "block.attn(windows)", False, inside, None
        if way == "one copy":
            inside = inside[order.argsort()]
            yield block, "move back", "rows.index_select(0, back)", True, inside, None
        elif way == "by the map":
            board = window_reverse(inside.view(-1, window, window, 1), window, size, size)
            yield block, "join", "window_reverse(windows, …)", True, board.flatten(), None
            if any(rolled):
                board = cyclic_shift(board, rolled, reverse=True)
                yield block, "roll back", "cyclic_shift(…, reverse=True)", True, board.flatten(), None
            inside = board.flatten()
        yield block, "sum", "x + attention", False, x, inside
        yield block, "norm, MLP, sum", "x + mlp(norm2(x))", False, x, None
    if way == "window order":
        yield 2, "back to the map", "rows.index_select(0, back)", True, x[x.argsort()], None


def memory_figure(
    way: str = "no way back",
    shift: int = 2,
    *,
    size: int = 8,
    window: int = 4,
    shifts: Sequence[int] = (0, 1, 2, 3),
) -> Interactive:
    """Choose a way and a token, and follow it through memory and two blocks.

    Args:
        way: at first, a key of ``WAYS``.
        shift: of the second block at first.
        size: of the square map, in tokens; windows tile it.
        window: as in ``swinlib``, of at most 16 tokens.
        shifts: that the page offers.

    Raises:
        ValueError: if the figure does not start at offered values, or they do not go together.
    """

    def compute(way: str, shift: int) -> dict[str, Any]:
        return memory_data(way, shift, size, window)

    def picture(way: str, shift: int) -> Picture:
        """The first sum: x, and what is added to it."""
        step = next(step for step in compute(way, shift)["steps"] if step.added)
        followed = torch.tensor(step.window).eq(1).nonzero().flatten()
        drawing, axes = canvas(2, 1, width=WIDTH, height=2 * (0.29 * size**2 / window**2 + 0.4))
        titles = ("x, by the token that it is of", "attention, added place by place")
        with style():
            for ax, tokens, title in zip(axes, (step.tokens, step.added), titles, strict=True):
                draw_tokens(ax, torch.tensor(tokens).view(-1, window**2), followed, title)
        return drawing

    compute(way, shift)
    return Interactive(
        "memory",
        compute,
        [
            Control("way", "Way", WAYS, way),
            Control("shift", "Shift of block 2", shifts, shift, live={"type": "number", "min": 0, "max": window - 1}),
        ],
        caption="Tokens in memory, through a plain and a shifted block. Choose a way, a step, and a token by click, "
        "or by arrow keys and Enter.",
        words=WORDS,
        shared=["steps"],
        picture=picture,
        alt=f"Two pieces of memory, each of {size**2 // window**2} lines of {window**2} places, at the first sum of "
        f"{WAYS[way]}: which token x is of at each place, and of which token the attention is that is added there. The "
        "tokens of window 1 are bold. "
        + ("They stand at different places." if way == "no way back" else "They stand at the same places."),
    )
