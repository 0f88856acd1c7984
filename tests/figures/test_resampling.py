"""The figure of resampling: its data against PyTorch and against loops, and a reader who operates it."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from swinlib.figures.resampling import LINE, MAP, OPERATIONS, resampling_data, resampling_figure

KERNELS, STRIDES, PADDINGS = (1, 2, 3, 4, 5), (1, 2, 3), (0, 1, 2)
COMBINATIONS = list(itertools.product(OPERATIONS, (LINE, MAP, "1 2 3 / 7 1 5"), KERNELS, STRIDES, PADDINGS))


def read(numbers):
    return torch.tensor([[float(word) for word in row.split()] for row in numbers.split("/")])


def apply(operation, x, k, s, p):
    """What PyTorch says: ``(..., H, W)`` to the result; a line goes through the one-dimensional functions."""
    line = x.shape[-2] == 1
    batch = x.reshape(-1, 1, x.shape[-1]) if line else x.reshape(-1, 1, *x.shape[-2:])
    dims = 1 if line else 2
    weight = torch.arange(1.0, k**dims + 1).view(1, 1, *[k] * dims)
    function = {
        "convolution": lambda: (F.conv1d if line else F.conv2d)(batch, weight, stride=s, padding=p),
        "transposed": lambda: (F.conv_transpose1d if line else F.conv_transpose2d)(batch, weight, stride=s, padding=p),
        "max": lambda: (F.max_pool1d if line else F.max_pool2d)(batch, k, s, p),
        "nearest": lambda: F.interpolate(batch, scale_factor=float(s)),
    }[operation]
    out = function()[:, 0]
    return out[:, None] if line else out


def kept(data):
    """The output without what the padding of a transposed convolution cuts off."""
    (rows, columns), out = data["cut"], torch.tensor(data["output"])
    return out[rows : out.shape[0] - rows, columns : out.shape[1] - columns]


def matrix_of(data):
    """The weight of each input in each output that is kept, put together from the taps: ``(H', W', H, W)``."""
    height, width = len(data["input"]), len(data["input"][0])
    matrix = torch.zeros(len(data["output"]), len(data["output"][0]), height, width)
    weights = data["kernel"]
    for (r, rows), (c, columns) in itertools.product(*(enumerate(taps) for taps in data["taps"])):
        for (y, i), (x, j) in itertools.product(rows, columns):
            if 0 <= y < height and 0 <= x < width:
                matrix[r, c, y, x] += weights[i][j] if weights else 1
    (rows, columns), size = data["cut"], matrix.shape
    return matrix[rows : size[0] - rows, columns : size[1] - columns]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_output_is_pytorchs_and_so_is_every_refusal(operation):
    refused = 0
    for _, numbers, k, s, p in [each for each in COMBINATIONS if each[0] == operation]:
        x = read(numbers)
        try:
            expected = apply(operation, x, k, s, p)
        except RuntimeError:
            refused += 1
            with pytest.raises(ValueError, match=r"\d"):
                resampling_data(operation, numbers, k, s, p)
            continue
        assert torch.equal(kept(resampling_data(operation, numbers, k, s, p)).float(), expected[0]), (numbers, k, s, p)
    assert (refused > 0) == (operation != "nearest")


@pytest.mark.parametrize("operation", ["convolution", "transposed", "nearest"])
def test_the_weights_are_those_that_unit_vectors_find(operation):
    for _, numbers, k, s, p in [each for each in COMBINATIONS if each[0] == operation]:
        x = read(numbers)
        units = torch.eye(x.numel()).view(-1, *x.shape)  # an image for each input: 1 there, 0 elsewhere
        try:
            data = resampling_data(operation, numbers, k, s, p)
        except ValueError:
            continue
        found = apply(operation, units, k, s, p).movedim(0, -1).unflatten(-1, x.shape)
        assert torch.equal(matrix_of(data), found), (numbers, k, s, p)


def test_max_pooling_takes_the_largest_of_each_window():
    for _, numbers, k, s, p in [each for each in COMBINATIONS if each[0] == "max"]:
        try:
            data = resampling_data("max", numbers, k, s, p)
        except ValueError:
            continue
        x = data["input"]
        for r, c in itertools.product(range(len(data["output"])), range(len(data["output"][0]))):
            places = itertools.product([y for y, _ in data["taps"][0][r]], [z for z, _ in data["taps"][1][c]])
            window = [(y, z) for y, z in places if 0 <= y < len(x) and 0 <= z < len(x[0])]
            assert data["output"][r][c] == max(x[y][z] for y, z in window)
            y, z = data["winners"][r][c]
            assert (y, z) in window
            assert x[y][z] == data["output"][r][c]
            across = range(c * s - p, c * s - p + k)  # the window, without the taps
            assert {z for _, z in window} == set(across) & set(range(len(x[0])))


def test_the_size_in_words_ends_with_the_size():
    for operation, numbers, k, s, p in COMBINATIONS:
        try:
            data = resampling_data(operation, numbers, k, s, p)
        except ValueError:
            continue
        width = kept(data).shape[1]
        assert any(f"{before}{width}." in data["size"] for before in ("makes ", "leaves ", "times: "))
        n, used = len(data["input"][0]), {place for taps in data["taps"][1] for place, _ in taps}
        if operation in ("convolution", "max"):
            left = n + p - 1 - max(used)
            assert (f"{left} of the {n + 2 * p} are in no window" in data["size"]) == (left > 0)
            gaps = set(range(max(used))) - used
            assert ("pass over" in data["size"]) == bool(gaps)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("convolution", "3 1 4", 5, 1, 0), "kernel of 5 does not fit"),
        (("max", LINE, 3, 2, 2), "at most half the kernel"),
        (("transposed", "3 1", 1, 1, 2), "nothing is left"),
        (("convolution", LINE, 0, 1, 0), "kernel must be"),
        (("convolution", LINE, 3, math.nan, 0), "stride must be"),
        (("convolution", LINE, 3, 1, -1), "padding must be"),
        (("average", LINE, 3, 1, 0), "operation must be"),
        (("convolution", "3 x", 1, 1, 0), "whole numbers"),
        (("convolution", "", 1, 1, 0), "not empty"),
        (("convolution", "1 2 / 3", 1, 1, 0), "equally long"),
        (("convolution", "1 " * 13, 1, 1, 0), "too large"),
        (("transposed", LINE, 3, 9, 0), "too large"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(arguments, message):
    with pytest.raises(ValueError, match=message):
        resampling_data(*arguments)


# In a browser


@pytest.fixture
def page(browser, tmp_path):
    noise, file = [], tmp_path / "page.html"
    file.write_text(f"<!doctype html><meta charset=utf-8><main>{resampling_figure().html()}</main>", encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("request", lambda request: request.url == file.as_uri() or noise.append(request.url))
    page.goto(file.as_uri())
    yield page
    context.close()
    assert noise == []


def test_a_reader_steps_through_it_by_keyboard(page):
    words, output = page.locator("[aria-live]"), page.get_by_role("grid", name="Output")
    assert words.inner_text() == "Output 0 = 0·1 + 3·2 + 1·3 = 9."
    page.get_by_label("Operation").focus()
    for _ in range(4):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "padding"
    page.keyboard.press("Tab")  # the chosen cell of the input
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert words.inner_text() == "Input 1 = 1 enters 2 of the outputs, with the weights shown there."
    assert output.locator("text", has_text="×").all_text_contents() == ["×3", "×1"]
    page.keyboard.press("Tab")  # the chosen cell of the output
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert words.inner_text() == "Output 1 = 1·1 + 4·2 + 1·3 = 12."
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # next output
    assert words.inner_text() == "Output 2 = 1·1 + 5·2 + 9·3 = 38."
    page.keyboard.press("Enter")  # the focus is still there, and after the last comes the first
    assert words.inner_text() == "Output 0 = 0·1 + 3·2 + 1·3 = 9."


def test_what_is_chosen_survives_other_settings_and_a_refusal(page):
    words = page.locator("[aria-live]")
    page.get_by_label("Operation").select_option(label="max pooling")
    assert words.inner_text() == "Output 0 is the largest of −∞, 3, 1: 3."
    page.locator("[name=padding]").select_option("2")
    assert "at most half the kernel" in words.inner_text()
    assert page.get_by_role("grid").count() == 0
    page.get_by_label("Operation").select_option(label="transposed convolution")
    page.get_by_label("Numbers").select_option(label="a map of 4×4")
    assert words.inner_text() == "Output (row 0, column 0) = 3·9 + 1·7 + 5·3 + 9·1 = 58."
    page.get_by_role("button", name="Previous output").click()
    assert words.inner_text() == "Output (row 4, column 4) = 5·9 + 8·7 + 9·3 + 3·1 = 131."
    page.get_by_role("grid", name="Output").locator("[data-cell='0,0']").click()
    assert words.inner_text().endswith("this output is thrown away again.")
    page.get_by_label("Operation").select_option(label="nearest neighbour")
    assert words.inner_text() == "Output (row 0, column 0) copies input (row 0, column 0): 3."


def test_no_cell_is_told_by_colour_alone(page):
    page.get_by_label("Operation").select_option(label="max pooling")
    coloured = page.locator("[role=gridcell]:has(rect:is(.swin-reached, .swin-window))")
    assert coloured.all_text_contents() == ["−∞≤", "3max", "1≤"]
