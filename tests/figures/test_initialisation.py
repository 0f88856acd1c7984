"""The figure on initialisation: its numbers against a stack built by hand, and the page operated by keyboard."""

import itertools
import math

import pytest
import torch
from torch import nn

import swinlib
from swinlib.figures.initialisation import BLOCKS, DEEPEST, STARTS, WIDTH, depth_data, depth_figure, initialiser


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("start", ["0.2", "default"])
def test_numbers_are_those_of_the_blocks(block, start):
    """The same draws, but the residuals and norms written out here, and gradients by ``torch.autograd.grad``."""
    torch.manual_seed(0)
    x = torch.randn(1, 8, 8, WIDTH, dtype=torch.float64, requires_grad=True)
    maps = []
    kind = swinlib.SwinTransformerBlockV2 if block == "v2" else swinlib.SwinTransformerBlock
    for number in range(3):
        layer = kind(WIDTH, 2, 4, 2 if number == 1 else 0).double().apply(initialiser(start))
        for branch, norm in ((layer.shifted_window_attention, layer.norm1), (layer.mlp, layer.norm2)):
            y = {"v1": lambda z, f=branch, n=norm: f(n(z)), "v2": lambda z, f=branch, n=norm: n(f(z))}.get(block)
            y = y(x) if y else branch(norm(x)) if block == "no residual" else branch(x)
            x = y if block in ("no residual", "neither") else x + y
        maps.append(x)
    gradients = torch.autograd.grad(x, maps, torch.randn_like(x))
    data = depth_data(block, start, 3)
    assert data["activations"] == pytest.approx([m.std().item() for m in maps], rel=0.006)
    last = gradients[-1].std()
    assert data["gradients"] == pytest.approx([(g.std() / last).item() for g in gradients], rel=0.006)


@pytest.mark.parametrize(
    ("start", "std"),
    [
        ("0.02", 0.02),
        ("0.2", 0.2),
        ("0.05", 0.05),
        ("fan", 1 / 16),
        ("default", 1 / 16 / math.sqrt(3)),
        ("zero norm", 0.02),
    ],
)
def test_a_start_draws_weights_of_its_size(start, std):
    torch.manual_seed(0)
    layer = nn.Linear(256, 512)
    nn.init.ones_(layer.weight)
    assert layer.apply(initialiser(start)).weight.std().item() == pytest.approx(std, rel=0.02)


def test_only_the_start_with_zero_norms_makes_the_identity():
    for block in ("v1", "v2"):
        for start in STARTS:
            data = depth_data(block, start, 4)
            level = len(set(data["activations"])) == 1 and set(data["gradients"]) == {1.0}
            assert level is (start == "zero norm")


def test_depth_without_norm_or_residual_loses_the_gradient():
    assert depth_data("neither", "0.02", 12)["gradients"][0] < 1e-30
    assert "grow" in depth_data("no norm", "0.5", 12)["sentence"]
    assert "float32" in depth_data("neither", "0.02", 24)["sentence"]
    assert "float32" not in depth_data("v1", "0.5", 24)["sentence"]


def test_the_numbers_of_the_chapter_s_answers():
    """Those that the fold "norm, residual, and the zero norms" names."""
    ends = {
        (block, start, depth): (data["activations"][-1] / data["activations"][0], data["gradients"][0])
        for block, start, depth in (
            ("v1", "0.5", 12),
            ("no norm", "0.5", 12),
            ("no residual", "0.5", 12),
            ("no norm", "0.02", 24),
            ("no residual", "0.02", 24),
            ("neither", "0.02", 24),
        )
        for data in [depth_data(block, start, depth)]
    }
    assert ends["v1", "0.5", 12][1] == pytest.approx(46, rel=0.02)
    assert [round(math.log10(each)) for each in ends["no norm", "0.5", 12]] == [28, 28]
    assert ends["no residual", "0.5", 12] == (pytest.approx(1, rel=0.02), pytest.approx(1380, rel=0.02))
    assert ends["no norm", "0.02", 24] == pytest.approx((1, 1), rel=0.05)
    assert 1 / ends["no residual", "0.02", 24][1] == pytest.approx(7.9, rel=0.02)
    assert round(-math.log10(ends["neither", "0.02", 24][1])) == 74


def test_numbers_beyond_float64_are_refused():
    with pytest.raises(ValueError, match="has no numbers for this"):
        depth_data("neither", "0.5", 24)


@pytest.mark.parametrize("depth", [4, 12])
def test_numbers_that_are_others_on_other_processors_are_refused(depth):
    """Behind saturated softmaxes 1e-14 of the input makes 16 % of a gradient, and the order of a sum as much."""
    with pytest.raises(ValueError, match="hang on the last digits"):
        depth_data("neither", "0.5", depth)


def test_the_deepest_and_smallest_still_has_numbers():
    data = depth_data("neither", "0.001", DEEPEST)
    assert all(0 < each < math.inf for each in (*data["activations"], *data["gradients"]))


def test_random_state_of_the_reader_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    depth_data("v1", "0.02", 1)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("v3", "0.02", 12), "'v3'"),
        (("v1", "xavier", 12), "'xavier'"),
        (("v1", "-1", 12), "'-1'"),
        (("v1", "nan", 12), "'nan'"),
        (("v1", "1.5", 12), "up to 1"),
        (("v1", "0.02", 0), "got 0"),
        (("v1", "0.02", 33), "got 33"),
        (("v1", "0.02", None), "None"),
        (("neither", "zero norm", 12), "no norm"),
        (("no residual", "zero norm", 12), "nothing through"),
    ],
)
def test_impossible_values_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        depth_data(*values)


def test_figure_refuses_a_start_that_it_does_not_offer():
    with pytest.raises(ValueError, match=r"depth=5"):
        depth_figure(depth=5)


def test_page_by_keyboard(open_figure):
    page, problems = open_figure(depth_figure(depths=(4, 12)))

    def told():
        return page.locator("[role=status]").inner_text()

    def expected(block, start, depth, chosen):
        data = depth_data(block, start, depth)
        activation, gradient = data["texts"][chosen - 1]
        return f"Block {chosen} of {depth}: activations {activation}, gradient {gradient}. {data['sentence']}"

    assert told() == expected("v1", "0.5", 12, 12)
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Home")  # 4 blocks
    assert told() == expected("v1", "0.5", 4, 4)
    page.keyboard.press("Tab")  # the chart
    page.keyboard.press("ArrowLeft")
    assert told() == expected("v1", "0.5", 4, 3)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")  # there is no block 0
    chart = page.get_by_role("slider")
    assert told() == expected("v1", "0.5", 4, 1)
    assert chart.get_attribute("aria-valuenow") == "1"
    assert chart.get_attribute("aria-valuetext") in told()
    box = chart.bounding_box()
    chart.click(position={"x": box["width"] * 0.95, "y": box["height"] / 2})
    assert told() == expected("v1", "0.5", 4, 4)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("End")  # norms at zero
    assert told() == expected("v1", "zero norm", 4, 4)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("End")  # neither norm nor residual
    assert "no norm here" in told()
    assert page.locator("svg").count() == 0
    assert problems == []


def test_letters_stay_large_on_a_telephone(open_figure):
    page, problems = open_figure(depth_figure(depths=(4, 12, 24)))
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_label("Number of blocks").select_option("24")
    letters = page.locator("svg[role=slider] text").all()
    assert min(each.bounding_box()["height"] for each in letters) > 13
    *_, word = letters
    assert word.text_content() == "block"
    numbers = [each.bounding_box() for each in letters[-13:-1]]  # below the chart, every second block
    assert [each.text_content() for each in letters[-13:-1]] == [str(block) for block in range(1, 25, 2)]
    assert all(left["x"] + left["width"] < right["x"] for left, right in itertools.pairwise(numbers))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert problems == []
