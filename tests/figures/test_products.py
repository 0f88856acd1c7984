"""The drawing of products: sides in proportion to the tensors, and each name with its shape."""

import pytest
import torch
from matplotlib.colors import to_rgb

from swinlib import figures

Q, K, LOGITS = torch.zeros(64, 3, 49, 32), torch.zeros(64, 3, 32, 49), torch.zeros(64, 3, 49, 49)
LINE = (("q", Q), "@", ("kᵀ", K), "=", ("logits", LOGITS))


def rectangles(picture):
    """Width, height and number of sheets of each matrix, from left to right."""
    sheets = {}
    for patch in picture.axes[0].patches:
        size = (round(patch.get_width(), 6), round(patch.get_height(), 6))
        sheets.setdefault(size, []).append(patch)
    return {size: len(same) for size, same in sheets.items()}


def test_sides_are_to_one_scale():
    [(q, sheets), *others] = rectangles(figures.show_products(LINE, (("W", torch.zeros(96, 96)),))).items()
    scale = q[0] / 32
    assert sheets == 3
    assert q[1] == pytest.approx(49 * scale, rel=1e-4)
    expected = {(49, 32): 3, (49, 49): 3, (96, 96): 1}
    assert {(round(w / scale), round(h / scale)): n for (w, h), n in others} == expected


def test_names_shapes_and_signs_stand_there():
    words = [text.get_text() for text in figures.show_products(LINE).axes[0].texts]
    assert {"q", "kᵀ", "logits", "(64, 3, 49, 32)", "(64, 3, 32, 49)", "(64, 3, 49, 49)", "@", "="} == set(words)


def test_what_is_drawn_stays_inside_and_apart():
    picture = figures.show_products(LINE)
    picture.canvas.draw()
    box = picture.bbox
    words = [text.get_window_extent() for text in picture.axes[0].texts]
    assert all(box.x0 <= word.x0 and word.x1 <= box.x1 and box.y0 <= word.y0 and word.y1 <= box.y1 for word in words)
    assert not any(a.overlaps(b) for k, a in enumerate(words) for b in words[:k])


def test_a_tint_is_only_for_its_name():
    picture = figures.show_products(LINE, tints={"q": figures.COLOURS[4]})
    faces = [to_rgb(patch.get_facecolor()) for patch in picture.axes[0].patches]
    assert [face == (1, 1, 1) for face in faces] == [False] * 3 + [True] * 6


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((), "at least one term"),
        ((["@"],), r"\['@'\]"),
        (([("bias", torch.zeros(3))],), r"bias has shape \(3,\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(lines, message):
    with pytest.raises(ValueError, match=message):
        figures.show_products(*lines)
