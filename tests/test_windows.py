"""``swinlib.windows``, each function against its definition spelled out token by token."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st

from swinlib import (
    cyclic_shift,
    effective_shift,
    pad_to_windows,
    relative_coords_table,
    relative_position_index,
    shifted_window_mask,
    shifted_window_regions,
    window_partition,
    window_reverse,
)
from swinlib.windows import padded_size

sides = st.integers(1, 5)
pairs = st.tuples(sides, sides)
DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool, torch.complex64]


def numbered_map(batch, height, width, channels=1, dtype=torch.int64):
    """A map in which no two numbers are equal (up to what dtype holds), so that any mix-up shows."""
    return torch.arange(batch * height * width * channels).reshape(batch, height, width, channels).to(dtype)


@st.composite
def tilings(draw):
    """A window, and a map of whole windows."""
    (mh, mw), (rows, cols) = draw(pairs), draw(pairs)
    return (mh, mw), rows * mh, cols * mw


@st.composite
def shifted_tilings(draw):
    """A window, a shift smaller than it, and a map of whole windows."""
    (mh, mw), height, width = draw(tilings())
    return (mh, mw), (draw(st.integers(0, mh - 1)), draw(st.integers(0, mw - 1))), height, width


def places(height, width):
    return [(i, j) for i in range(height) for j in range(width)]


# --- partition and reverse ---------------------------------------------------------------------------------------


@given(tilings(), st.integers(1, 3), st.integers(1, 3), st.sampled_from(DTYPES))
def test_reverse_undoes_partition(tiling, batch, channels, dtype):
    window, height, width = tiling
    x = numbered_map(batch, height, width, channels, dtype)
    back = window_reverse(window_partition(x, window), window, height, width)
    assert back.dtype == dtype
    assert torch.equal(back, x)


@given(tilings(), st.integers(1, 3), st.integers(1, 3))
def test_partition_undoes_reverse(tiling, batch, channels):
    window, height, width = tiling
    count = batch * height * width // math.prod(window)
    windows = torch.arange(count * math.prod(window) * channels).reshape(count, *window, channels)
    assert torch.equal(window_partition(window_reverse(windows, window, height, width), window), windows)


@given(tilings(), st.integers(1, 3), st.integers(1, 3))
def test_partition_is_the_double_loop_over_windows(tiling, batch, channels):
    (mh, mw), height, width = tiling
    x = numbered_map(batch, height, width, channels)
    loop = [
        x[b, i : i + mh, j : j + mw] for b in range(batch) for i in range(0, height, mh) for j in range(0, width, mw)
    ]
    assert torch.equal(window_partition(x, (mh, mw)), torch.stack(loop))


@given(tilings(), st.integers(1, 2), st.integers(1, 3))
def test_partition_is_unfold_with_the_stride_of_its_kernel(tiling, batch, channels):
    window, height, width = tiling
    x = numbered_map(batch, height, width, channels, torch.float64)
    columns = F.unfold(x.permute(0, 3, 1, 2), window, stride=window)  # (B, C * Mh * Mw, nW)
    columns = columns.reshape(batch, channels, *window, -1).permute(0, 4, 2, 3, 1).flatten(0, 1)
    assert torch.equal(window_partition(x, window), columns)


@pytest.mark.parametrize(
    "strided",
    [
        lambda x: x.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1),  # an NCHW map, seen channels-last
        lambda x: x.repeat_interleave(2, dim=2)[:, :, ::2],
        lambda x: x.transpose(1, 2).contiguous().transpose(1, 2),
        lambda x: x[:, :1].expand(-1, 6, -1, -1),
    ],
)
def test_partition_and_reverse_take_maps_that_are_not_contiguous(strided):
    x = strided(numbered_map(2, 6, 8, 3))
    assert not x.is_contiguous()
    windows = window_partition(x, (3, 4))
    assert torch.equal(windows, window_partition(x.clone(memory_format=torch.contiguous_format), (3, 4)))
    scattered = windows.permute(3, 0, 1, 2).contiguous().permute(1, 2, 3, 0)
    assert not scattered.is_contiguous()
    assert torch.equal(window_reverse(scattered, (3, 4), 6, 8), x)


@given(tilings())
def test_partition_passes_the_gradient_of_each_token_to_that_token(tiling):
    window, height, width = tiling
    x = numbered_map(2, height, width, 1, torch.float64).requires_grad_()
    weights = torch.randn(2 * height * width // math.prod(window), *window, 1, dtype=torch.float64)
    (window_partition(x, window) * weights).sum().backward()
    assert torch.equal(x.grad, window_reverse(weights, window, height, width))


@pytest.mark.parametrize("window_size", [3, (3, 3), [3, 3], torch.Size([3, 3])])
def test_a_square_window_may_be_given_as_number_or_pair(window_size):
    x = numbered_map(2, 6, 9)
    windows = window_partition(x, window_size)
    assert torch.equal(windows, window_partition(x, 3))
    assert torch.equal(window_reverse(windows, window_size, 6, 9), x)
    assert torch.equal(shifted_window_mask(6, 9, window_size, 1), shifted_window_mask(6, 9, 3, (1, 1)))
    assert torch.equal(relative_position_index(window_size), relative_position_index(3))
    assert torch.equal(relative_coords_table(window_size), relative_coords_table(3))


def test_no_images_make_no_windows():
    windows = window_partition(torch.zeros(0, 4, 6, 3), 2)
    assert windows.shape == (0, 2, 2, 3)
    assert window_reverse(windows, 2, 4, 6).shape == (0, 4, 6, 3)


# --- padding -----------------------------------------------------------------------------------------------------


@given(pairs, st.integers(1, 12), st.integers(1, 12), st.sampled_from(DTYPES))
def test_padding_appends_the_fewest_zeros_that_make_whole_windows(window, height, width, dtype):
    x = numbered_map(2, height, width, 2).add(1).to(dtype)
    padded = pad_to_windows(x, window)
    fewest = [next(n for n in range(side, 99) if n % m == 0) for side, m in zip((height, width), window, strict=True)]
    assert padded.shape == (2, *fewest, 2)
    assert padded_size(height, width, window) == tuple(fewest)
    assert padded.dtype == dtype
    assert torch.equal(padded[:, :height, :width], x)
    assert not padded[:, height:].any()
    assert not padded[:, :, width:].any()


@given(tilings())
def test_a_map_of_whole_windows_is_not_copied(tiling):
    window, height, width = tiling
    x = numbered_map(1, height, width)
    assert pad_to_windows(x, window) is x


# --- the shift ---------------------------------------------------------------------------------------------------

shifts = st.integers(0, 9)


@given(sides, sides, shifts, shifts)
def test_cyclic_shift_takes_each_token_from_its_index_plus_the_shift(height, width, rows, cols):
    x = numbered_map(2, height, width, 3)
    shifted = cyclic_shift(x, (rows, cols))
    for i, j in places(height, width):
        assert torch.equal(shifted[:, i, j], x[:, (i + rows) % height, (j + cols) % width])


@given(sides, sides, shifts, shifts)
def test_the_reverse_shift_undoes_the_shift(height, width, rows, cols):
    x = numbered_map(2, height, width, 3)
    assert torch.equal(cyclic_shift(cyclic_shift(x, (rows, cols)), (rows, cols), reverse=True), x)
    assert torch.equal(cyclic_shift(cyclic_shift(x, (rows, cols), reverse=True), (rows, cols)), x)


def test_a_number_shifts_both_sides():
    x = numbered_map(1, 5, 7)
    assert torch.equal(cyclic_shift(x, 2), cyclic_shift(x, (2, 2)))
    assert not torch.equal(cyclic_shift(x, (2, 0)), cyclic_shift(x, (0, 2)))


@given(pairs, st.integers(1, 12), st.integers(1, 12), st.data())
def test_a_side_that_one_window_covers_is_not_shifted(window, height, width, data):
    shift = tuple(data.draw(st.integers(0, m - 1)) for m in window)
    tiles = [math.ceil(side / m) for side, m in zip((height, width), window, strict=True)]
    expected = tuple(s if n > 1 else 0 for s, n in zip(shift, tiles, strict=True))
    assert effective_shift(height, width, window, shift) == expected
    assert effective_shift(*padded_size(height, width, window), window, shift) == expected


# --- the mask ----------------------------------------------------------------------------------------------------


@given(shifted_tilings())
@example(((7, 7), (3, 3), 14, 14))
def test_tokens_may_attend_if_they_share_a_window_of_the_shifted_grid_in_the_image(tiling):
    """The grid is moved by the shift over the image and does not wrap: its first row of windows is a short one."""
    (mh, mw), (sh, sw), height, width = tiling
    came_from = window_partition(numbered_map(1, height, width).roll((-sh, -sw), dims=(1, 2)), (mh, mw)).flatten(1)
    window_in_image = torch.tensor([((p // width - sh) // mh, (p % width - sw) // mw) for p in range(height * width)])
    windows = window_in_image[came_from]  # (nW, N, 2)
    expected = (windows[:, :, None] == windows[:, None, :]).all(dim=-1)
    assert torch.equal(shifted_window_mask(height, width, (mh, mw), (sh, sw)), expected)


@given(shifted_tilings())
@example(((7, 7), (3, 3), 14, 21))
def test_four_labels_make_the_same_mask_as_the_nine_of_the_paper(tiling):
    (mh, mw), (sh, sw), height, width = tiling
    nine = torch.zeros(1, height, width, 1, dtype=torch.int64)
    for a, rows in enumerate([slice(0, height - mh), slice(height - mh, height - sh), slice(height - sh, height)]):
        for b, cols in enumerate([slice(0, width - mw), slice(width - mw, width - sw), slice(width - sw, width)]):
            nine[:, rows, cols] = 3 * a + b
    nine = window_partition(nine, (mh, mw)).flatten(1)
    expected = nine[:, :, None] == nine[:, None, :]
    assert torch.equal(shifted_window_mask(height, width, (mh, mw), (sh, sw)), expected)


@given(shifted_tilings())
def test_regions_are_at_most_four_and_one_without_shift(tiling):
    window, (sh, sw), height, width = tiling
    regions = shifted_window_regions(height, width, window, (sh, sw))
    assert regions.shape == (height, width)
    assert set(regions.unique().tolist()) == {2 * r + c for r in range(1 + (sh > 0)) for c in range(1 + (sw > 0))}


@given(shifted_tilings())
def test_a_mask_lets_each_token_see_itself_and_is_symmetric(tiling):
    window, shift, height, width = tiling
    mask = shifted_window_mask(height, width, window, shift)
    tokens = math.prod(window)
    assert mask.dtype == torch.bool
    assert mask.shape == (height * width // tokens, tokens, tokens)
    assert mask.diagonal(dim1=1, dim2=2).all()
    assert torch.equal(mask, mask.transpose(1, 2))


@given(tilings())
def test_without_shift_nothing_is_masked(tiling):
    window, height, width = tiling
    assert shifted_window_mask(height, width, window, 0).all()


def test_only_windows_of_the_last_row_and_column_are_masked():
    full = shifted_window_mask(21, 28, 7, 3).all(dim=(1, 2)).view(3, 4)
    assert full[:-1, :-1].all()
    assert not full[-1].any()
    assert not full[:, -1].any()


def test_the_last_window_of_the_paper_s_setting_falls_into_four_parts():
    reach = shifted_window_mask(14, 14, 7, 3)[-1].sum(dim=1).view(7, 7)
    assert reach[0, 0] == 16  # of 49
    assert reach[:4, :4].eq(16).all()
    assert reach[:4, 4:].eq(12).all()
    assert reach[4:, :4].eq(12).all()
    assert reach[4:, 4:].eq(9).all()


@given(shifted_tilings(), st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.float16]))
def test_the_additive_mask_is_zero_where_allowed_and_minus_infinity_elsewhere(tiling, dtype):
    window, shift, height, width = tiling
    allowed = shifted_window_mask(height, width, window, shift)
    additive = shifted_window_mask(height, width, window, shift, additive=True, dtype=dtype)
    assert additive.dtype == dtype
    assert torch.equal(additive == 0, allowed)
    assert torch.equal(additive == float("-inf"), ~allowed)


def test_both_masks_are_those_of_scaled_dot_product_attention():
    q, k, v = torch.randn(3, 4, 9, 8, dtype=torch.float64)  # four windows of 3x3
    allowed = shifted_window_mask(6, 6, 3, 1)
    additive = shifted_window_mask(6, 6, 3, 1, additive=True, dtype=torch.float64)
    logits = q @ k.transpose(1, 2) / 8**0.5
    by_hand = torch.where(allowed, logits.exp(), 0)
    by_hand = by_hand / by_hand.sum(dim=-1, keepdim=True) @ v
    torch.testing.assert_close(F.scaled_dot_product_attention(q, k, v, attn_mask=allowed), by_hand)
    torch.testing.assert_close(F.scaled_dot_product_attention(q, k, v, attn_mask=additive), by_hand)


# --- relative position -------------------------------------------------------------------------------------------


@given(pairs)
@example((7, 7))
def test_relative_position_index_numbers_the_offsets_row_by_row(window):
    mh, mw = window
    offsets = {offset: n for n, offset in enumerate((y, x) for y in range(1 - mh, mh) for x in range(1 - mw, mw))}
    tokens = places(mh, mw)
    expected = [[offsets[qy - ky, qx - kx] for ky, kx in tokens] for qy, qx in tokens]
    index = relative_position_index(window)
    assert index.dtype == torch.int64
    assert index.tolist() == expected


@given(pairs)
def test_relative_position_index_uses_every_row_and_swapping_a_pair_mirrors_it(window):
    index = relative_position_index(window)
    rows = (2 * window[0] - 1) * (2 * window[1] - 1)
    assert index.unique().tolist() == list(range(rows))
    assert (index + index.T).eq(rows - 1).all()  # an offset and its negative lie on opposite sides of the centre
    assert index.diagonal().eq(rows // 2).all()


def log_spaced(offset, side):
    d = 8 * offset / max(side - 1, 1)
    return math.copysign(math.log2(1 + abs(d)) / math.log2(8), d)


@given(pairs, st.none() | pairs)
def test_coordinates_are_log_spaced_offsets_in_the_order_of_the_index(window, pretrained):
    (mh, mw), (ph, pw) = window, pretrained or window
    table = relative_coords_table(window, pretrained)
    assert table.shape == ((2 * mh - 1) * (2 * mw - 1), 2)
    assert table.dtype == torch.float32
    tokens = places(mh, mw)
    expected = [[(log_spaced(qy - ky, ph), log_spaced(qx - kx, pw)) for ky, kx in tokens] for qy, qx in tokens]
    torch.testing.assert_close(table[relative_position_index(window)], torch.tensor(expected))


def test_a_larger_window_keeps_the_coordinates_that_it_was_trained_with():
    small, large = relative_coords_table(4), relative_coords_table(6, pretrained_window_size=4)
    assert torch.equal(large.view(11, 11, 2)[2:-2, 2:-2], small.view(7, 7, 2))
    assert large.abs().max() > small.abs().max()


# --- where and how -----------------------------------------------------------------------------------------------


def test_tensors_are_made_where_they_are_asked_for():
    made = [
        shifted_window_regions(4, 4, 2, 1, device="meta"),
        shifted_window_mask(4, 4, 2, 1, device="meta"),
        shifted_window_mask(4, 4, 2, 1, additive=True, device="meta"),
        relative_position_index(2, device="meta"),
        relative_coords_table(2, device="meta"),
    ]
    assert {t.device.type for t in made} == {"meta"}


def test_no_function_writes_to_its_input():
    x = numbered_map(2, 5, 6, 3)
    before = x.clone()
    padded = pad_to_windows(cyclic_shift(x, (1, 2)), (3, 4))
    window_reverse(window_partition(padded, (3, 4)), (3, 4), 6, 8)
    assert torch.equal(x, before)
