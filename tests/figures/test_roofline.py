"""The roofline: its points and its roof are where the numbers say, and it can be read on a phone."""

import pytest

from swinlib.figures import show_roofline
from swinlib.figures.roofline import _short

POINTS = {"products": [(50.0, 8e9), (60.0, 9e9)], "copies": [(0.5, 1e9), (4.0, 1e9)]}


def test_the_roof_is_a_slope_and_a_flat_part_that_meet_at_the_edge():
    (ax,) = show_roofline(POINTS, peak=10e9, bandwidth=5e9).axes
    roof = next(line for line in ax.lines if len(line.get_xdata()) == 3)
    xs, ys = roof.get_xdata(), roof.get_ydata()
    assert xs[1] == 2
    assert list(ys) == [5e9 * xs[0], 10e9, 10e9]
    assert xs[0] < 0.5
    assert xs[2] > 60
    assert {"edge: 2", "10 G operations/s", "5 GB/s"} <= {text.get_text() for text in ax.texts}


def test_points_are_where_the_numbers_say_and_the_first_of_a_path_is_hollow():
    (ax,) = show_roofline(POINTS, peak=10e9, bandwidth=5e9, path=("plain", "fast")).axes
    marked = [line for line in ax.lines if line.get_marker() not in ("None", None, "")]
    hollow = [line for line in marked if line.get_markerfacecolor() == "white"]
    full = [line for line in marked if line not in hollow]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in hollow] == [each[0] for each in POINTS.values()]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in full] == [each[1] for each in POINTS.values()]
    assert [line.get_label() for line in full] == list(POINTS)
    assert len({line.get_marker() for line in full}) == len(POINTS)  # colour is not the only sign


def test_letters_are_large_enough_for_a_phone():
    picture = show_roofline(POINTS, peak=10e9, bandwidth=5e9)
    (ax,) = picture.axes
    on_a_phone = 358 / (picture.get_size_inches()[0] * 72) * 0.75
    assert all(text.get_fontsize() * on_a_phone >= 7.5 for text in (*ax.texts, *ax.get_xticklabels()))


@pytest.mark.parametrize("points", [{}, {"nothing": []}])
def test_nothing_to_draw_is_an_error(points):
    with pytest.raises(ValueError, match="no point to draw"):
        show_roofline(points, peak=1.0, bandwidth=1.0)


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan")])
def test_what_has_no_logarithm_is_refused(wrong):
    with pytest.raises(ValueError, match=f"must be positive; got {wrong}"):
        show_roofline({"a": [(wrong, 1.0)]}, peak=1.0, bandwidth=1.0)
    with pytest.raises(ValueError, match="must be positive"):
        show_roofline({"a": [(1.0, 1.0)]}, peak=wrong, bandwidth=1.0)


def test_large_numbers_are_short():
    assert [_short(value) for value in (0.5, 20, 2e6, 5e9, 1e11, 1.5e12)] == [
        "0.5",
        "20",
        "2 M",
        "5 G",
        "100 G",
        "1.5 T",
    ]
