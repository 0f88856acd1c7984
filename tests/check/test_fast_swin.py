"""What the exercises of chapter 11 take for right is what `swinlib.fast` does."""

import pytest
import torch

from swinlib import check, fast
from swinlib.check.c11_fast_swin import _kinds, _route, _window_order

SIZES = [((8, 16), (4, 4)), ((4, 16), (2, 4)), ((16, 8), (4, 2)), ((28, 28), (7, 7))]


def taken(rows):
    return rows.there.taken


@pytest.mark.parametrize(("size", "window"), SIZES)
def test_windows_of_one_kind_come_in_the_order_of_the_exercise(size, window):
    numbers, sizes, masks = fast._windows(1, size, window, (0, 0))
    assert torch.equal(numbers, _window_order(*size, window))
    assert (len(sizes), masks) == (1, [None])


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("size", "window"), SIZES)
def test_kinds_are_those_into_which_windows_are_sorted(size, window, batch):
    shift = tuple(side // 2 for side in window)
    numbers, sizes, _ = fast._windows(batch, size, window, shift)
    kinds = _kinds(*size, window, shift)
    assert sorted(sizes) == sorted((batch * kinds.bincount()[kinds.unique()]).tolist())
    # the windows of each kind, by their first tokens in the first image
    windows = _window_order(*size, window, shift).view(len(kinds), -1)
    of_kinds = numbers.view(len(kinds), batch, -1)[:, 0].split([number // batch for number in sizes])
    for tokens in of_kinds:
        which = [windows.tolist().index(window) for window in tokens.tolist()]
        assert len(kinds[which].unique()) == 1


@pytest.mark.parametrize(("size", "window"), SIZES[:3])
def test_the_way_without_shifts_is_the_exercises(size, window):
    """With them the windows of a block are sorted by kind, which the exercise leaves out."""
    stages = ((window, ((0, 0),)), (window, ((0, 0),)))
    route = fast._route(1, *size, stages, torch.device("cpu"))
    first, second, last = _route(*size, window, [1, 1])
    assert torch.equal(taken(route.pixels), first)
    assert torch.equal(taken(route.stages[0].merge).view(-1, 4), second)
    assert torch.equal(taken(route.stages[1].left.from_map.reverse()), last)


def test_one_gather_is_the_step_between_two_blocks():
    window, size = (4, 4), (8, 8)
    shift = (2, 2)
    route = fast._route(1, *size, ((window, ((0, 0), shift)),), torch.device("cpu"))
    plain, shifted = (taken(block.order.from_map) for block in route.stages[0].blocks)
    step = check.EXERCISES["one_gather"].reference(plain, shifted)
    assert torch.equal(taken(route.stages[0].blocks[1].move), step)
