"""Pairs of marks: the label can be read off two neighbouring windows, and off nothing less."""

import numpy as np
import pytest
import torch

from swinlib import window_partition
from swinlib.data import draw_marks, pairs_of_marks, palette


@pytest.fixture(scope="module")
def marks():
    return pairs_of_marks(4000, seed=0).tensors


def coloured_pixels(image):
    """The pixels that are not black: (pixels, 2) rows and columns, and (pixels, 3) colours."""
    places = image.sum(0).nonzero()
    return places, image[:, places[:, 0], places[:, 1]].T


def test_shapes_and_values(marks):
    images, labels = marks
    assert (images.shape, images.dtype) == ((4000, 3, 16, 16), torch.float32)
    assert (labels.shape, labels.dtype) == ((4000,), torch.int64)
    assert (images.min(), images.max()) == (0, 1)


def test_the_label_says_whether_the_two_colours_agree(marks):
    for image, label in zip(*(part[:300] for part in marks), strict=True):
        places, colours = coloured_pixels(image)
        assert len(places) == 8  # two marks of 2 x 2
        assert (len(colours.unique(dim=0)) == 1) == bool(label)


def test_the_marks_lie_in_neighbouring_windows_and_touch(marks):
    windows = window_partition(marks[0].permute(0, 2, 3, 1), 8).abs().amax(3)  # (4000 * 4, 8, 8)
    per_window = (windows > 0).sum((1, 2)).reshape(4000, 4)
    assert set(per_window.unique().tolist()) == {0, 4}  # a window holds a whole mark or none
    assert (per_window.count_nonzero(1) == 2).all()
    for image in marks[0][:300]:
        places, _ = coloured_pixels(image)
        height, width = (places.amax(0) - places.amin(0) + 1).tolist()
        assert (height, width) in {(2, 4), (4, 2)}
    # on the grid of 2 x 2 patches: every patch is of one colour
    patches = marks[0].unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
    assert (patches.amin(4) == patches.amax(4)).all()


def test_one_window_alone_says_nothing(marks):
    """Place, border and each mark's colour are as frequent under either label."""
    images, labels = marks
    assert abs(labels.float().mean() - 0.5) < 0.03
    for statistic in (images.mean(0), (images.sum(1) > 0).float().mean(0)):
        assert statistic.max() < 0.3
    agree, differ = images[labels == 1].mean(0), images[labels == 0].mean(0)
    assert (agree - differ).abs().max() < 0.05
    # one mark's colour: that of the first mark in reading order
    first = torch.stack([coloured_pixels(image)[1][0] for image in images])
    for colour in palette(8):
        share = labels[(first == colour).all(1)].float().mean()
        assert abs(share - 0.5) < 0.1


def test_every_place_along_every_border_is_used(marks):
    pairs = {tuple(coloured_pixels(image)[0].flatten().tolist()) for image in marks[0]}
    assert len(pairs) == 16  # eight along each of two borders


def test_anywhere_means_any_two_cells():
    images, labels = pairs_of_marks(3000, seed=3, image_size=8, window=4, colours=4, anywhere=True).tensors
    cells = images.amax(1).unfold(1, 2, 2).unfold(2, 2, 2).flatten(3)  # (3000, 4, 4, 4)
    assert (cells.amin(3) == cells.amax(3)).all()
    filled = cells.amax(3).flatten(1) > 0
    assert (filled.sum(1) == 2).all()
    pairs = {tuple(each.nonzero().flatten().tolist()) for each in filled}
    assert len(pairs) == 16 * 15 // 2
    colours = torch.stack(
        [coloured_pixels(image)[1].unique(dim=0).shape[0] == torch.tensor(1) for image in images[:200]]
    )
    assert torch.equal(colours.long(), labels[:200])
    assert abs(labels.float().mean() - 0.5) < 0.04


def test_marks_are_drawn_where_they_are_asked_for():
    places, colours = torch.tensor([[[0, 2], [6, 4]]]), torch.tensor([[[1.0, 0.0, 0.5], [0.0, 0.25, 0.0]]])
    [image] = draw_marks(places, colours, (8, 6), 2)
    expected = torch.zeros(3, 8, 6)
    expected[:, 0:2, 2:4] = torch.tensor([1.0, 0.0, 0.5]).view(3, 1, 1)
    expected[:, 6:8, 4:6] = torch.tensor([0.0, 0.25, 0.0]).view(3, 1, 1)
    assert torch.equal(image, expected)


def test_the_seed_decides():
    first, again, other = (pairs_of_marks(50, seed=seed).tensors for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    torch.manual_seed(4)
    expected = torch.rand(2)
    torch.manual_seed(4)
    pairs_of_marks(5, seed=0)
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize("colours", [2, 3, 8, 12])
def test_colours_are_told_apart(colours):
    hues = palette(colours)
    assert hues.shape == (colours, 3)
    assert torch.cdist(hues, hues).fill_diagonal_(9).min() > 0.4
    assert hues.amax(1).tolist() == [1.0] * colours  # none is black
    assert hues.amin(1).tolist() == [0.0] * colours


def test_other_sizes():
    images, _ = pairs_of_marks(200, seed=0, image_size=(8, 24), window=(8, 12), mark_size=4, colours=3).tensors
    assert images.shape == (200, 3, 8, 24)
    columns = torch.stack([coloured_pixels(image)[0][:, 1].amin() for image in images])
    assert columns.unique().tolist() == [8]  # the one border, at column 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 20}, r"an image of 20x20 pixels is not two or more whole windows of 8x8"),
        ({"image_size": 8}, r"two or more"),
        ({"mark_size": 3}, r"a mark of 3 pixels does not fit a window of 8x8"),
        ({"mark_size": 8}, r"at most half of each"),
        ({"colours": 1}, r"colours must be an integer, at least 2; got 1"),
        ({"window": 0}, r"window must be an integer of at least 1"),
    ],
)
def test_arguments_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        pairs_of_marks(10, seed=0, **options)


def test_integers_of_numpy_are_integers():
    options = {"mark_size": np.int64(2), "colours": np.uint8(4)}
    ours = pairs_of_marks(np.int32(20), seed=np.int64(3), **options).tensors
    theirs = pairs_of_marks(20, seed=3, mark_size=2, colours=4).tensors
    assert all(map(torch.equal, ours, theirs))
    assert torch.equal(palette(np.uint8(200)), palette(200))


@pytest.mark.parametrize("value", [2.0, True, "2", None, -1])
@pytest.mark.parametrize("name", ["count", "seed", "mark_size", "colours"])
def test_what_is_no_integer_is_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must be an integer, at least .; got {value!r}"):
        pairs_of_marks(**{"count": 10, "seed": 0, name: value})
