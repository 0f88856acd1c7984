"""The numbers behind the pictures, against a definition without labels and masks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from swinlib.figures import window_layout
from swinlib.figures.reach import LARGEST, reach_data


@st.composite
def settings(draw):
    window = draw(st.integers(1, 4))
    return draw(st.integers(1, 8)), draw(st.integers(1, 8)), window, draw(st.integers(0, window - 1))


@given(settings())
def test_layout_says_who_stands_where_and_who_may_attend_to_whom(attends, setting):
    height, width, window, shift = setting
    together, allowed = attends(height, width, window, shift)
    after = window_layout(height, width, window, shift)
    before = after.in_image()
    rows, columns = together.shape[:2]

    assert torch.equal(before.token, torch.arange(rows * columns).view(rows, columns))
    for i, j in torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).tolist():
        standing = divmod(int(after.token[i, j]), columns)
        assert standing == ((i + after.shift[0]) % rows, (j + after.shift[1]) % columns)
    assert torch.equal(before.window[:, :, None, None] == before.window, together)
    assert torch.equal(before.group[:, :, None, None] == before.group, allowed)
    # within a window, equal regions and equal groups are the same thing
    assert torch.equal((before.region[:, :, None, None] == before.region) & together, allowed)


def test_windows_are_numbered_in_the_order_of_window_partition():
    assert window_layout(4, 6, 2).window.tolist() == [[0, 0, 1, 1, 2, 2]] * 2 + [[3, 3, 4, 4, 5, 5]] * 2


@pytest.mark.parametrize("size", [4, 7, 8, 10])
@pytest.mark.parametrize(("window", "shift"), [(2, 1), (4, 0), (4, 2), (4, 3), (7, 3)])
def test_reach_data_agrees_with_the_definition(attends, size, window, shift):
    data = reach_data(size, window, shift)
    _, allowed = attends(size, size, window, shift)
    token, group = torch.tensor(data["token"]).flatten(), torch.tensor(data["group"]).flatten()
    by_token = torch.empty_like(group)
    by_token[token] = group
    assert torch.equal(by_token[:, None] == by_token, allowed.flatten(2).flatten(0, 1))
    assert data["size"] == size
    assert data["asked"] == shift
    assert data["shift"] == (shift if size > window else 0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((8, 4, 4), "shift_size 4 does not fit window_size 4: a shift must be smaller than the window"),
        ((8, 0, 0), "window_size must be an integer of at least 1"),
        ((LARGEST + 1, 4, 2), f"size {LARGEST + 1} is too large to draw every token; choose at most {LARGEST}"),
        ((4, LARGEST + 1, 2), f"window {LARGEST + 1} is too large to draw every token; choose at most {LARGEST}"),
        ((0, 4, 2), "size must be an integer of at least 1"),
        ((2.5, 4, 2), "size must be an integer of at least 1"),
    ],
)
def test_reach_data_says_what_is_wrong(values, message):
    with pytest.raises(ValueError, match=message):
        reach_data(*values)
