"""``swinlib.resampling``: what goes where when the map changes its size."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from swinlib import PatchEmbed, PatchExpanding, PatchMerging, PatchMergingV2, depth_to_space, space_to_depth

sides = st.integers(1, 6)


def numbered_map(batch, height, width, channels):
    return torch.arange(1, batch * height * width * channels + 1).reshape(batch, height, width, channels)


# --- gather and scatter ------------------------------------------------------------------------------------------


@given(sides, sides, st.integers(1, 3))
def test_gather_stacks_each_neighbourhood_column_by_column_and_pads_with_zeros(height, width, channels):
    x = numbered_map(2, height, width, channels)
    gathered = space_to_depth(x)
    assert gathered.shape == (2, (height + 1) // 2, (width + 1) // 2, 4 * channels)
    for i in range(gathered.shape[1]):
        for j in range(gathered.shape[2]):
            for n, (di, dj) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
                row, col = 2 * i + di, 2 * j + dj
                inside = row < height and col < width
                expected = x[:, row, col] if inside else torch.zeros(2, channels)
                assert torch.equal(gathered[:, i, j, n * channels : (n + 1) * channels], expected)


@given(sides, sides, st.integers(1, 4), st.integers(1, 3))
def test_scatter_lays_the_channels_out_row_by_row(height, width, scale, channels):
    x = numbered_map(2, height, width, scale**2 * channels)
    scattered = depth_to_space(x, scale)
    assert scattered.shape == (2, height * scale, width * scale, channels)
    for i in range(height * scale):
        for j in range(width * scale):
            first = ((i % scale) * scale + j % scale) * channels
            assert torch.equal(scattered[:, i, j], x[:, i // scale, j // scale, first : first + channels])


@given(sides, sides, st.integers(1, 3))
def test_scatter_undoes_gather_up_to_the_order_of_the_four(height, width, channels):
    x = numbered_map(2, 2 * height, 2 * width, channels)
    row_by_row = space_to_depth(x).unflatten(-1, (4, channels))[..., [0, 2, 1, 3], :].flatten(-2)
    assert torch.equal(depth_to_space(row_by_row, 2), x)


def test_scatter_is_torch_s_pixel_shuffle_with_the_channels_last():
    x = torch.randn(2, 3, 4, 9 * 5)
    blocks_last = x.unflatten(-1, (9, 5)).transpose(-1, -2).flatten(-2).permute(0, 3, 1, 2)
    assert torch.equal(depth_to_space(x, 3), F.pixel_shuffle(blocks_last, 3).permute(0, 2, 3, 1))


# --- image to patches --------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.tuples(st.integers(1, 4), st.integers(1, 4)), sides, sides, st.integers(1, 4), st.data())
def test_each_patch_is_projected_by_itself_and_a_rest_is_dropped(patch, rows, cols, channels, data):
    rest = [data.draw(st.integers(0, p - 1)) for p in patch]
    embed = PatchEmbed(patch, in_channels=channels, embed_dim=6).double()
    x = torch.randn(2, channels, rows * patch[0] + rest[0], cols * patch[1] + rest[1], dtype=torch.float64)
    tokens = embed(x)
    assert tokens.shape == (2, rows, cols, 6)
    for i in range(rows):
        for j in range(cols):
            pixels = x[:, :, i * patch[0] : (i + 1) * patch[0], j * patch[1] : (j + 1) * patch[1]].flatten(1)
            expected = embed.norm(pixels @ embed.proj.weight.flatten(1).T + embed.proj.bias)
            torch.testing.assert_close(tokens[:, i, j], expected)


def test_patches_may_be_rectangular():
    assert PatchEmbed((2, 4))(torch.randn(1, 3, 8, 8)).shape == (1, 4, 2, 96)
    assert PatchEmbed(4).patch_size == (4, 4)


# --- merging -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("merging", [PatchMerging, PatchMergingV2])
@given(height=sides, width=sides)
@settings(max_examples=20)
def test_merging_is_gather_norm_and_projection_in_the_order_of_its_version(merging, height, width, randomise):
    merge = randomise(merging(5)).double()
    x = torch.randn(2, height, width, 5, dtype=torch.float64)
    gathered = space_to_depth(x)
    w, gamma, beta = merge.reduction.weight, merge.norm.weight, merge.norm.bias
    if merging is PatchMerging:
        expected = F.layer_norm(gathered, (20,), gamma, beta) @ w.T
    else:
        expected = F.layer_norm(gathered @ w.T, (10,), gamma, beta)
    assert merge.reduction.bias is None
    assert expected.shape == (2, (height + 1) // 2, (width + 1) // 2, 10)
    torch.testing.assert_close(merge(x), expected)


def test_without_its_norm_merging_is_a_strided_convolution():
    merge = PatchMerging(3).double()
    merge.norm = torch.nn.Identity()
    x = torch.randn(2, 6, 8, 3, dtype=torch.float64)
    # the reduction's input is (column, row, channel) of the neighbourhood
    kernel = merge.reduction.weight.view(6, 2, 2, 3).permute(0, 3, 2, 1)
    expected = F.conv2d(x.permute(0, 3, 1, 2), kernel, stride=2).permute(0, 2, 3, 1)
    torch.testing.assert_close(merge(x), expected)


def test_merging_has_more_parameters_than_the_convolution():
    def count(module):
        return sum(p.numel() for p in module.parameters())

    assert count(PatchMerging(96)) == 74_496
    assert count(torch.nn.Conv2d(96, 192, 2, stride=2)) == 73_920


# --- expanding ---------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(sides, sides, st.sampled_from([1, 2, 4]), st.none() | st.integers(1, 5))
def test_expanding_makes_each_token_of_one_coarse_token(height, width, scale, out_dim):
    expand = PatchExpanding(8, scale, out_dim).double()
    out = 8 // scale if out_dim is None else out_dim
    x = torch.randn(2, height, width, 8, dtype=torch.float64)
    y = expand(x)
    assert y.shape == (2, height * scale, width * scale, out)
    for i in range(height * scale):
        for j in range(width * scale):
            first = ((i % scale) * scale + j % scale) * out
            token = x[:, i // scale, j // scale] @ expand.expand.weight[first : first + out].T
            torch.testing.assert_close(y[:, i, j], expand.norm(token))


@pytest.mark.parametrize("layer", [PatchMerging(4), PatchMergingV2(4), PatchExpanding(4, 2)])
def test_maps_that_are_not_contiguous_are_taken(layer):
    x = torch.randn(2, 4, 5, 6).permute(0, 2, 3, 1)
    assert not x.is_contiguous()
    torch.testing.assert_close(layer(x), layer(x.contiguous()))
