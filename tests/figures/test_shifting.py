"""The pictures of the chapter on shifted windows, held against a definition that knows no roll and no mask."""

import numpy as np
import pytest
import torch
from matplotlib.collections import PathCollection

from swinlib import cyclic_shift, figures, shifted_window_mask, window_partition
from swinlib.figures.shifting import shifted_pieces

PHOTO = torch.linspace(0, 1, 3 * 32 * 32).view(3, 32, 32)


def marked(ax):
    """``{(row, column), ...}`` for each collection of signs in an ax, in the order in which they were drawn."""
    signs = [each for each in ax.collections if isinstance(each, PathCollection)]
    return [{(int(y), int(x)) for x, y in np.asarray(each.get_offsets())} for each in signs]


def numbers(ax, rows, columns):
    """The numbers written in the cells, as a map; 0 where there is none."""
    found = torch.zeros(rows, columns, dtype=torch.long)
    for text in ax.texts:
        if text.get_text().isdigit():
            x, y = text.get_position()
            found[int(y), int(x)] = int(text.get_text())
    return found


@pytest.mark.parametrize(("size", "window", "shift"), [(8, 4, 2), (12, 4, 1), (14, 7, 3), (8, 4, 0)])
def test_tokens_share_a_piece_exactly_if_they_may_attend_to_each_other(attends, size, window, shift):
    _, allowed = attends(size, size, window, shift)
    piece = shifted_pieces(size, window, shift).flatten()
    assert torch.equal(piece[:, None] == piece, allowed.view(size * size, size * size))
    assert piece.unique().tolist() == list(range(int(piece.max()) + 1))


@pytest.mark.parametrize(
    ("size", "window", "shift", "token"), [(8, 4, 2, (7, 7)), (8, 4, 1, (0, 5)), (9, 3, 1, (4, 8))]
)
def test_one_picture_follows_a_token_there_and_back(attends, size, window, shift, token):
    together, allowed = attends(size, size, window, shift)
    cut, rolled, back, attention = figures.show_shift(size, window, shift, token).axes
    pieces = shifted_pieces(size, window, shift)
    assert torch.equal(numbers(cut, size, size), pieces)
    assert torch.equal(numbers(rolled, size, size), pieces.roll((-shift, -shift), (0, 1)))

    def moved(places):
        return {((r - shift) % size, (c - shift) % size) for r, c in places}

    friends = set(map(tuple, allowed[token].nonzero().tolist()))
    mates = set(map(tuple, together[token].nonzero().tolist()))
    at_home = [{token}, friends - {token}, mates - friends]
    assert marked(back) == at_home
    assert marked(attention) == [moved(places) for places in at_home]
    assert [marked(cut), marked(rolled)] == [[{token}], [moved({token})]]


def test_growth_marks_the_token_in_each_panel():
    reached = [torch.ones(14, 14, dtype=torch.bool)] * 3
    picture = figures.show_growth(reached, (3, 5), window_size=7, shift_size=3, titles=["a", "b", "c"])
    assert [ax.get_title() for ax in picture.axes] == ["a", "b", "c", ""]
    assert all(marked(ax) == [{(3, 5)}] for ax in picture.axes[:3])
    dashed = [[patch.get_bbox().bounds for patch in ax.patches if hasattr(patch, "get_bbox")] for ax in picture.axes]
    assert dashed == [[], [(3, 3, 7, 7)], [], []]  # only the second block is shifted; its grid begins at 3


def test_corners_tell_what_is_seen_rightly_from_what_is_not():
    seen, allowed = torch.zeros(2, 16, 16, dtype=torch.bool)
    seen[0, 15] = seen[15, 14] = seen[15, 15] = allowed[15, 14] = allowed[15, 15] = True
    picture = figures.show_corners(PHOTO, seen, allowed, (15, 15), size=4)
    assert all(marked(ax) == [{(15, 14)}, {(0, 15)}, {(15, 15)}] for ax in picture.axes)
    views = [(*ax.get_ylim()[::-1], *ax.get_xlim()) for ax in picture.axes]
    assert views == [(0, 4, 0, 4), (0, 4, 12, 16), (12, 16, 0, 4), (12, 16, 12, 16)]


def allowed_cells(ax):
    """Where the picture of a mask is painted, not white."""
    return torch.from_numpy((np.asarray(ax.images[0].get_array()) < 0.99).any(-1))


def test_pairs_sorted_by_piece_are_blocks_on_the_diagonal():
    mask = shifted_window_mask(8, 8, 4, 2)
    rolled = cyclic_shift(shifted_pieces(8, 4, 2)[None, :, :, None], 2)
    pieces = window_partition(rolled, 4).flatten(1)
    for ax, allowed in zip(figures.show_pairs(mask).axes, mask, strict=True):
        assert torch.equal(allowed_cells(ax), allowed)
    blocks = [[16], [8, 8], [8, 8], [4, 4, 4, 4]]
    for k, (ax, sizes) in enumerate(zip(figures.show_pairs(mask, pieces).axes, blocks, strict=True)):
        expected = torch.block_diag(*(torch.ones(n, n) for n in sizes)).bool()
        assert torch.equal(allowed_cells(ax), expected)
        labels = [text.get_text() for text in ax.get_xticklabels()]
        assert labels == [str(piece) for piece in pieces[k].unique().tolist()]


def test_padding_is_hatched_and_carries_no_number():
    origin = torch.tensor([2, 3, 4, 0, -1, -1])
    (ax,) = figures.show_padding({"order": origin}, 3, came_round=[0], cut=3, columns=2).axes
    assert numbers(ax, 6, 2).tolist() == [[2, 2], [3, 3], [4, 4], [0, 0], [0, 0], [0, 0]]
    assert sum(text.get_text().isdigit() for text in ax.texts) == 8
    assert len({tuple(cell) for cell in np.asarray(ax.images[0].get_array())[:, 0].round(3).tolist()}) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: figures.show_shift(9, 4, 2), "do not tile a map of 9"),
        (lambda: figures.show_shift(8, 4, 4), "shift"),
        (lambda: figures.show_shift(8, 4, 2, (8, 0)), r"token \(8, 0\) lies outside the map of 8x8"),
        (lambda: figures.show_pairs(torch.ones(2, 3, 4)), r"got mask \(2, 3, 4\)"),
        (lambda: figures.show_pairs(torch.ones(2, 4, 4), torch.ones(2, 3)), r"pieces \(2, 3\)"),
    ],
)
def test_errors_say_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()
