"""The picture of the chapter on the fast Swin: what it says of memory, held against the windows of swinlib."""

import pytest
import torch

from swinlib import cyclic_shift, figures, window_partition


def written(ax):
    """The numbers in an ax, row by row, and those of them that are bold."""
    texts = sorted((text for text in ax.texts), key=lambda text: text.get_position()[::-1])
    bold = {int(text.get_text()) for text in texts if text.get_fontweight() == "bold"}
    return [int(text.get_text()) for text in texts], bold


@pytest.mark.parametrize(("size", "window", "shift"), [(8, 4, 2), (12, 4, 1), (14, 7, 3), (8, 4, 0)])
def test_the_order_is_that_in_which_a_block_cuts_its_map(size, window, shift):
    order = figures.window_order(size, window, shift)
    tokens = torch.randn(1, size, size, 3)
    cut = window_partition(cyclic_shift(tokens, shift), window).flatten(1, 2)
    assert torch.equal(tokens.flatten(0, 2)[order], cut)
    assert sorted(order.flatten().tolist()) == list(range(size * size))


@pytest.mark.parametrize("window", [0, 1, 3])
def test_one_window_is_followed_through_three_orders(window):
    plain, shifted = figures.window_order(8, 4), figures.window_order(8, 4, 2)
    *maps, by_map, by_plain, by_shifted = figures.show_window_order(8, 4, 2, window).axes
    in_order = list(range(64))
    for ax, numbers in [(ax, in_order) for ax in (*maps, by_map)] + [
        (by_plain, plain.flatten().tolist()),
        (by_shifted, shifted.flatten().tolist()),
    ]:
        assert written(ax) == (numbers, set(plain[window].tolist()))


def test_letters_are_large_enough_for_a_phone():
    picture = figures.show_window_order()
    width = picture.get_size_inches()[0] * 72
    on_a_phone = 358 / width * 0.75  # points there for each point here: 358 pixels of a page 390 wide
    assert all(text.get_fontsize() * on_a_phone >= 9 for ax in picture.axes for text in ax.texts)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="windows of 4 do not tile a map of 10"):
        figures.show_window_order(10)
    with pytest.raises(ValueError, match="no window 4; the map has windows 0 to 3"):
        figures.show_window_order(window=4)
    with pytest.raises(ValueError, match="shift"):
        figures.window_order(8, 4, 5)
