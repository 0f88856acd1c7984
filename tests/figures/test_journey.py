"""The tour's figure: what it says a token attends to, and a reader who walks over the photograph."""

import re

import pytest
import torch

import swinlib
from swinlib import figures
from swinlib.figures.journey import journey_data


@pytest.mark.parametrize("block", ["plain", "shifted"])
@pytest.mark.parametrize(("stage", "pixels", "size"), [(1, 4, 56), (2, 8, 28), (3, 16, 14), (4, 32, 7)])
def test_bands_are_the_windows_of_the_grid(stage, pixels, size, block):
    data = journey_data(stage, block, image_size=224, patch_size=4, window_size=7)
    shift = 3 if block == "shifted" and size > 7 else 0
    assert (data["pixels"], data["shift"], data["block"]) == (pixels, shift, block)
    # the rows of a window of the shifted grid, with no roll in the definition
    window = [(row - shift) // 7 for row in range(size)]
    expected = [[window.index(w), size - window[::-1].index(w)] for w in window]
    assert data["bands"] == data["last"] == expected


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_after_both_blocks_a_token_hears_from_what_reaches_it_through_a_stage(stage):
    """By the gradient of two blocks of the library, at tokens of every kind of window."""
    size = 56 // 2 ** (stage - 1)
    data = journey_data(stage, "both", image_size=224, patch_size=4, window_size=7)
    blocks = swinlib.SwinStage(dim=8, depth=2, num_heads=1, window_size=7)
    x = torch.randn(1, size, size, 8, requires_grad=True)
    y = blocks(x)
    for row in {0, 2, 3, 6, size - 5, size - 1} & set(range(size)):
        column = size - 1 - row
        (gradient,) = torch.autograd.grad(y[0, row, column].square().sum(), x, retain_graph=True)
        expected = torch.zeros(size, size, dtype=torch.bool)
        (top, bottom), (left, right) = data["bands"][row], data["bands"][column]
        expected[top:bottom, left:right] = True
        assert torch.equal(gradient[0].abs().sum(-1) > 0, expected), (row, column)


def test_refuses_a_block_that_there_is_not():
    with pytest.raises(ValueError, match="'rolled'"):
        journey_data(1, "rolled", image_size=224, patch_size=4, window_size=7)


def test_padding_is_not_shown():
    """10 tokens in windows of 4: padded to 12, but only ten rows are on the image."""
    data = journey_data(1, "plain", image_size=40, patch_size=4, window_size=4)
    assert data["bands"] == [[0, 4]] * 4 + [[4, 8]] * 4 + [[8, 10]] * 2


@pytest.mark.parametrize("shape", [(3, 224, 200), (224, 224), (3, 100, 100)])
def test_refuses_an_image_that_four_stages_do_not_halve(shape):
    with pytest.raises(ValueError, match=re.escape(str(shape))):
        figures.journey(torch.zeros(shape))


def test_the_page_holds_the_photograph_once_and_is_the_same_each_time():
    photo = figures.photograph(size=64)
    html = figures.journey(photo).html()
    assert html.count("data:image/jpeg") == 1
    assert html == figures.journey(photo).html()


def test_a_reader_walks_over_the_photograph(browser, tmp_path):
    page_file = tmp_path / "page.html"
    page_file.write_text(f'<meta charset="utf-8">{figures.journey(figures.photograph(size=224)).html()}')
    page = browser.new_page(viewport={"width": 390, "height": 844})
    problems = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(page_file.as_uri())
    words, picture = page.locator(".swin-words"), page.locator("svg[role=grid]")

    assert "of 56×56 stands for 4×4 pixels" in words.inner_text()
    legend = page.locator(".swin-legend li")
    assert legend.all_inner_texts() == ["the token", "the tokens that it may attend to"]
    page.get_by_label("Stage").select_option("3")
    assert "of 14×14 stands for 16×16 pixels" in words.inner_text()

    box = picture.bounding_box()
    picture.click(position={"x": 4, "y": box["height"] - 4})
    assert picture.get_attribute("data-token") == "13,0"
    page.get_by_label("Block").select_option("shifted windows")
    # by the corner the shifted grid leaves pieces: rows 10 to 13, columns 0 to 2
    assert "attend to 4×3 = 12 tokens, which cover 64×48 pixels" in words.inner_text()

    page.get_by_label("Block").select_option("plain, then shifted")
    # the piece lies in one plain window, rows 7 to 13 and columns 0 to 6
    assert "attend to 12 tokens" in words.inner_text()
    assert "hears from 7×7 = 49 tokens, which cover 112×112 pixels" in words.inner_text()
    assert legend.all_inner_texts()[2:] == ["the tokens that it hears from after both blocks"]

    page.get_by_role("gridcell").focus()
    for key in ("ArrowUp", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert picture.get_attribute("data-token") == "13,0"  # the keyboard alone has moved
    here = page.get_by_role("gridcell", include_hidden=True)
    assert here.get_attribute("aria-label") == "row 12, column 2, may be attended to"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")  # stops at the border
    for row, where in ((11, "may be attended to"), (10, "may be attended to"), (9, "heard from after both blocks")):
        page.keyboard.press("ArrowUp")
        assert here.get_attribute("aria-label") == f"row {row}, column 0, {where}"
    assert (here.count(), here.evaluate("cell => cell === document.activeElement")) == (1, True)
    assert here.locator("..").get_attribute("aria-rowindex") == "10"
    page.keyboard.press("Control+Home")
    assert here.get_attribute("aria-label") == "row 0, column 0, out of its reach"
    page.keyboard.press("Space")
    assert picture.get_attribute("data-token") == "0,0"
    assert here.evaluate("cell => cell === document.activeElement")

    page.get_by_label("Stage").select_option("4")
    assert "no block shifts" in words.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert problems == []
    page.close()
