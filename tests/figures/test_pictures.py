"""Every drawing function: what it draws, and that it leaves matplotlib as it found it."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib import _pylab_helpers
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch

from swinlib import figures, shifted_window_mask, shifted_window_regions
from swinlib.figures.style import GREY, YELLOW

MASK = shifted_window_mask(8, 8, 4, 2)
REACH = torch.zeros(8, 8, dtype=torch.bool)
REACH[2:6, 2:6] = True
IMAGE = torch.linspace(0, 1, 3 * 16 * 24).view(3, 16, 24)
MAPS = [torch.arange(2.0 * 96 * 4).view(1, 96, 4, 2), torch.ones(1, 192, 2, 2)]

# what to call, and how many axes its picture has
CALLS = {
    "image": (lambda **o: figures.show_image(IMAGE, **o), 1),
    "windows": (lambda **o: figures.show_windows((8, 12), 4, 2, **o), 1),
    "windows on an image": (lambda **o: figures.show_windows(IMAGE, 2, 1, patch_size=4, **o), 1),
    "mask of one window": (lambda **o: figures.show_mask(MASK, windows=[3], **o), 1),
    "reach": (lambda **o: figures.show_reach(REACH, (3, 3), window_size=4, shift_size=2, **o), 1),
    "neighbours": (lambda **o: figures.show_neighbours(8, 4, 2, (1, 1), **o), 1),
    "regions": (lambda **o: figures.show_regions(shifted_window_regions(8, 8, 4, 2), 4, **o), 1),
    "numbers": (lambda **o: figures.show_numbers(torch.arange(8), groups="column", **o), 1),
}
WHOLE = {
    "mask": (lambda: figures.show_mask(MASK), 4),
    "gradients": (lambda: figures.show_reach(torch.rand(8, 8), (3, 3)), 2),  # the second is the colour bar
    "feature maps": (lambda: figures.show_feature_maps(MAPS, channels=[0, 5, 7]), 6),
}


@pytest.mark.parametrize("name", [*CALLS, *WHOLE])
def test_returns_a_picture_and_leaves_matplotlib_alone(name):
    call, axes = (CALLS | WHOLE)[name]
    settings = dict(matplotlib.rcParams)
    picture = call()
    assert isinstance(picture, figures.Picture)
    assert len(picture.axes) == axes
    assert picture.get_size_inches()[0] <= 7
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert dict(matplotlib.rcParams) == settings
    assert not _pylab_helpers.Gcf.figs


@pytest.mark.parametrize("name", CALLS)
def test_draws_in_a_given_ax(name):
    picture, (ax, other) = figures.canvas(1, 2)
    assert CALLS[name][0](ax=ax, title="here") is None
    assert ax.get_title() == "here"
    assert ax.images or ax.collections
    assert not other.images
    assert not other.collections
    assert picture._repr_png_().startswith(b"\x89PNG")


@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", [*CALLS, *WHOLE])
def test_same_bytes_whatever_the_learners_settings(name):
    call = (CALLS | WHOLE)[name][0]
    torch.manual_seed(0)
    expected = call()._repr_png_()
    with matplotlib.rc_context({"font.size": 30, "figure.facecolor": "red", "hatch.linewidth": 9, "savefig.dpi": 30}):
        torch.manual_seed(0)
        assert call()._repr_png_() == expected


@pytest.mark.slow
def test_import_leaves_pyplot_alone():
    code = "import sys, swinlib.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _texts(ax):
    return [text.get_text() for text in ax.texts]


def _segments(ax, width):
    """The unit segments that lines of this width cover, as ((x, y), (x, y))."""
    units = set()
    for lines in ax.collections:
        if not isinstance(lines, LineCollection) or lines.get_linewidth()[0] != width:
            continue
        for (x0, y0), (x1, y1) in np.rint(lines.get_segments()).astype(int).tolist():
            units |= {((x, y0), (x + 1, y0)) for x in range(x0, x1)} | {((x0, y), (x0, y + 1)) for y in range(y0, y1)}
    return units


def _between(rows, columns, differ):
    """The unit segments between cells for which ``differ(cell, neighbour)``, and round the whole map."""
    inside = range(rows), range(columns)

    def cell(r, c):
        return (r, c) if r in inside[0] and c in inside[1] else None

    def parted(a, b):
        return a != b and (a is None or b is None or differ(a, b))

    across = {
        ((c, r), (c + 1, r)) for r in range(rows + 1) for c in range(columns) if parted(cell(r - 1, c), cell(r, c))
    }
    down = {((c, r), (c, r + 1)) for r in range(rows) for c in range(columns + 1) if parted(cell(r, c - 1), cell(r, c))}
    return across | down


@pytest.mark.parametrize(
    ("height", "width", "window", "shift"), [(8, 12, 4, 0), (8, 12, 4, 1), (7, 10, 4, 2), (3, 9, 4, 2)]
)
def test_windows_are_drawn_where_they_are(attends, height, width, window, shift):
    ax = figures.show_windows((height, width), window, shift).axes[0]
    _, allowed = attends(height, width, window, shift)
    rows, columns = allowed.shape[:2]
    assert ax.get_xlim() == (0, columns)
    assert ax.get_ylim() == (rows, 0)
    assert _segments(ax, 1.8) == _between(rows, columns, lambda a, b: not allowed[(*a, *b)])
    # padding is hatched: so many cells, no more
    hatched = sum(patch.get_width() * patch.get_height() for patch in ax.patches if patch.get_hatch())
    assert hatched == rows * columns - height * width


def test_windows_carry_their_numbers_or_regions():
    assert sorted(_texts(figures.show_windows((8, 8), 4).axes[0])) == ["0", "1", "2", "3"]
    assert sorted(_texts(figures.show_windows((8, 8), 4, 2).axes[0])) == sorted("011223333")
    assert sorted(_texts(figures.show_windows((8, 8), 4, 2, labels="region").axes[0])) == sorted("000011223")
    assert _texts(figures.show_windows((8, 8), 4, 2, labels="").axes[0]) == []
    assert _texts(figures.show_windows((56, 56), 7).axes[0]) == []


def test_windows_fit_the_image():
    ax = figures.show_windows(torch.zeros(3, 17, 24), 2, patch_size=4).axes[0]
    assert tuple(ax.images[0].get_extent()) == (0, 6, 17 / 4, 0)
    assert ax.get_ylim() == (6, 0)  # 17 pixels are five tokens, which are padded to six


def _marks(ax):
    """The numbers beside the rows, then those above the columns."""
    return [[text.get_text() for text in axis.get_ticklabels()] for axis in (ax.yaxis, ax.xaxis)]


def test_many_tokens_are_numbered_where_windows_begin():
    assert _marks(figures.show_windows((28, 14), 7).axes[0]) == [["0", "7", "14", "21"], ["0", "7"]]
    assert _marks(figures.show_windows((7, 140), 7).axes[0])[1] == ["0", "21", "42", "63", "84", "105", "126"]
    assert _marks(figures.show_reach(torch.zeros(28, 7), (0, 0), window_size=7).axes[0]) == [
        ["0", "7", "14", "21"],
        list("0123456"),
    ]


def _painted(ax):
    return np.asarray(ax.images[0].get_array())


@pytest.mark.parametrize("additive", [False, True])
def test_mask_is_painted_and_hatched(additive):
    picture = figures.show_mask(shifted_window_mask(8, 8, 4, 2, additive=additive))
    for window, ax in enumerate(picture.axes):
        assert np.array_equal((_painted(ax) != 1).any(-1), MASK[window])
        hatched = [patch for patch in ax.patches if isinstance(patch, PathPatch) and patch.get_hatch()]
        assert {to_hex(patch.get_edgecolor()) for patch in hatched} <= {GREY}
        cells = [tuple(p.vertices[0][::-1].astype(int)) for patch in hatched for p in _split(patch.get_path())]
        assert sorted(cells) == sorted(map(tuple, (~MASK[window]).nonzero().tolist()))
        assert _segments(ax, 1.0) == _between(16, 16, lambda a, b, mask=MASK[window]: mask[a] != mask[b])
        assert ax.get_xlabel() == "key"
        assert ax.get_ylabel() == "query"
    assert {text.get_text() for text in picture.legends[0].get_texts()} == {"allowed", "masked"}


def _split(path):
    starts = [k for k, code in enumerate(path.codes) if code == path.MOVETO]
    return [type(path)(path.vertices[a:b]) for a, b in zip(starts, [*starts[1:], len(path)], strict=True)]


def test_masks_that_are_alike_are_shown_once():
    picture = figures.show_mask(shifted_window_mask(28, 28, 7, 3))
    titles = [ax.get_title() for ax in picture.axes]
    assert titles == ["windows 0–2, 4–6, 8–10", "windows 3, 7, 11", "windows 12–14", "window 15"]
    assert len(figures.show_mask(MASK, windows=[0, 1, 3]).axes) == 3


def _dots(ax):
    """(row, column) of every dot, then of the triangle."""
    dots, *_, triangle = [each for each in ax.collections if isinstance(each, PathCollection)]
    return [sorted((int(y), int(x)) for x, y in each.get_offsets()) for each in (dots, triangle)]


def test_reach_marks_every_token_and_counts():
    ax = figures.show_reach(REACH, (3, 4)).axes[0]
    dots, triangle = _dots(ax)
    assert triangle == [(3, 4)]
    assert to_hex(ax.collections[-1].get_facecolor()[0]).upper() == YELLOW  # as the token that asks is on every page
    assert not ax.collections[-1].get_clip_on()  # whole also where the token stands at the border
    assert sorted(dots + triangle) == sorted(map(tuple, REACH.nonzero().tolist()))
    assert ax.get_title() == "16 of 64 tokens"
    assert np.array_equal((_painted(ax) != 1).any(-1), REACH)


def test_the_token_that_asks_is_yellow_and_what_is_masked_is_grey():
    """As in the chapter on shifted windows."""
    triangle = figures.show_reach(REACH, (3, 4)).axes[0].collections[-1]
    assert to_hex(triangle.get_facecolor()[0]).upper() == YELLOW
    mask = figures.show_mask(shifted_window_mask(8, 8, 4, 2))
    hatched = [patch for ax in mask.axes for patch in ax.patches if patch.get_hatch()]
    assert {to_hex(patch.get_edgecolor()) for patch in hatched} == {GREY}


def test_reach_of_gradients_leaves_exact_zeros_blank():
    gradient = torch.where(REACH, -1e-30, 0.0)
    ax = figures.show_reach(gradient, (3, 3)).axes[0]
    assert len(_dots(ax)[0]) == 15
    assert np.array_equal(np.ma.getmaskarray(ax.images[0].get_array()), ~REACH)


def test_reach_on_small_cells_is_dotted_all_over():
    reach = torch.zeros(56, 56, dtype=torch.bool)
    reach[:7, :9] = True
    (hatched,) = [patch for patch in figures.show_reach(reach, (3, 3)).axes[0].patches if patch.get_hatch()]
    assert len(_split(hatched.get_path())) == 63


@pytest.mark.parametrize("rolled", [False, True])
@pytest.mark.parametrize(
    ("size", "window", "shift", "token"), [(8, 4, 2, (1, 1)), (10, 4, 1, (9, 0)), (7, 4, 3, (6, 2))]
)
def test_neighbours_are_those_of_the_definition(attends, size, window, shift, token, rolled):
    together, allowed = attends(size, size, window, shift)
    rows = len(allowed)
    ax = figures.show_neighbours(size, window, shift, token, rolled=rolled).axes[0]
    marks = {each.get_label(): each.get_offsets() for each in ax.collections if isinstance(each, PathCollection)}

    def places(name):
        back = shift if rolled else 0
        return {((int(y) + back) % rows, (int(x) + back) % rows) for x, y in marks[name]}

    assert places("token") == {token}
    assert places("neighbour") | {token} == set(map(tuple, allowed[token].nonzero().tolist()))
    assert places("only by the roll") == set(map(tuple, (together & ~allowed)[token].nonzero().tolist()))


def test_regions_print_their_labels_and_borders():
    labels = shifted_window_regions(6, 8, 4, 2)
    ax = figures.show_regions(labels, (3, 4)).axes[0]
    assert _texts(ax) == [str(value) for value in labels.flatten().tolist()]
    assert _segments(ax, 1.8) == _between(6, 8, lambda a, b: (a[0] // 3, a[1] // 4) != (b[0] // 3, b[1] // 4))
    colours = {value: {tuple(c) for c in _painted(ax)[labels == value].tolist()} for value in range(4)}
    assert all(len(each) == 1 for each in colours.values())
    assert len(set.union(*colours.values())) == 4


def test_numbers_travel_with_their_colours():
    grid = torch.arange(24).view(4, 6)
    rolled = grid.roll((1, 2), (0, 1))
    before = figures.show_numbers(grid, groups="row").axes[0]
    after = figures.show_numbers(rolled, groups=rolled // 6).axes[0]
    assert _texts(after) == [str(value) for value in rolled.flatten().tolist()]
    assert np.array_equal(np.roll(_painted(before), (1, 2), (0, 1)), _painted(after))
    assert (_painted(figures.show_numbers(grid).axes[0]) == 1).all()


def test_feature_maps_show_lengths_or_channels_and_shapes():
    ax = figures.show_feature_maps(MAPS).axes[0]
    assert figures.show_feature_maps(MAPS, width=3).get_figwidth() == 3
    assert np.allclose(_painted(ax), MAPS[0][0].square().sum(0).sqrt())
    assert ax.get_title() == "stage 1\n96×4×2"
    last = [each.permute(0, 2, 3, 1) for each in MAPS]
    assert np.allclose(_painted(figures.show_feature_maps(last, layout="NHWC").axes[0]), _painted(ax))
    chosen = figures.show_feature_maps(MAPS, channels=[0, 5]).axes[2]  # second row, first column
    assert np.array_equal(_painted(chosen), MAPS[0][0, 5])


def test_photograph_is_the_one_of_scikit_learn():
    from sklearn.datasets import load_sample_image

    image = figures.photograph("china")
    assert image.shape == (3, 427, 640)
    assert torch.equal((image * 255).round().byte(), torch.tensor(load_sample_image("china.jpg")).permute(2, 0, 1))


def test_photograph_is_cut_in_the_centre_and_resized():
    from torchvision.transforms import v2

    whole, small = figures.photograph("flower"), figures.photograph("flower", size=96)
    expected = v2.functional.resize(v2.functional.center_crop(whole, [427, 427]), [96, 96], antialias=True)
    assert small.shape == (3, 96, 96)
    assert 0 <= small.min() <= small.max() <= 1
    torch.testing.assert_close(small, expected, atol=1e-5, rtol=0)


def test_photograph_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r'pip install "swinlib\[figures\]"'):
        figures.photograph()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: figures.photograph("cat"), "no photograph 'cat'; choose one of 'china', 'flower'"),
        (lambda: figures.photograph(size=0), "size must be at least 1 pixel; got 0"),
        (lambda: figures.show_image(torch.zeros(4, 8, 8)), r"an image is \(3, H, W\).*got shape \(4, 8, 8\)"),
        (lambda: figures.show_image(torch.ones(3, 8, 8) * 2), "values from 0 to 1; got 2 to 2. Divide uint8 by 255"),
        (lambda: figures.show_windows((8, 8), 4, 4), "shift_size 4 does not fit window_size 4"),
        (lambda: figures.show_windows((8, 8), 4, labels="x"), 'labels must be "window", "region"'),
        (lambda: figures.show_windows(torch.zeros(2, 2, 2, 2), 4), "the size of the map must be"),
        (lambda: figures.show_mask(torch.ones(2, 3, 4)), r"expects a mask \(nW, N, N\).*got shape \(2, 3, 4\)"),
        (lambda: figures.show_mask(MASK, ax=figures.canvas()[1][0]), "one ax cannot hold 4 windows"),
        (lambda: figures.show_reach(torch.ones(3), (0, 0)), r"expects a map \(H, W\), got shape \(3,\)"),
        (lambda: figures.show_reach(REACH, (8, 0)), r"token \(8, 0\) lies outside the map of 8x8"),
        (lambda: figures.show_neighbours(8, 4, 2, (0, -1)), r"token \(0, -1\) lies outside the map of 8x8"),
        (lambda: figures.show_regions(torch.ones(2, 2, 2)), r"expects a map \(H, W\), got shape \(2, 2, 2\)"),
        (lambda: figures.show_numbers(torch.ones(2, 2, 2)), "expects one or two dimensions"),
        (lambda: figures.show_numbers(torch.arange(4), groups="diagonal"), 'groups must be "row", "column"'),
        (lambda: figures.show_numbers(torch.arange(4), groups=torch.arange(3)), r"\(1, 3\) and grid \(1, 4\)"),
        (lambda: figures.show_feature_maps([torch.ones(3, 4, 4)]), r"expects maps NCHW, got shape \(3, 4, 4\)"),
        (lambda: figures.show_feature_maps(MAPS, layout="CHW"), "layout must be"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
