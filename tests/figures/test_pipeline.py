"""The figure of the pipeline: its numbers against arithmetic on arrays, and a reader who goes through the steps."""

import itertools

import numpy as np
import pytest
from PIL import Image

from swinlib.figures.pipeline import IMAGES, WAYS, pipeline_data, pipeline_figure

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
RUNNING = [way for way in WAYS if way != "normalise first"]


def steps_of(*values):
    return {step.name.split("(")[0]: step for step in pipeline_data(*values)["steps"]}


def pixels_of(step):
    """``(3, H, W)`` of what a step shows."""
    return np.array(step.values, dtype=np.float64)


def written_out(image, resize, crop, way):
    """The last step without torchvision: Pillow's resize, slices of an array, and arithmetic."""

    def shorter_side(x):
        height, width = x.shape[:2]
        size = [int(resize * side / min(height, width)) for side in (width, height)]
        return np.asarray(Image.fromarray(x).resize(size, Image.Resampling.BILINEAR))

    def centre(x):
        for axis in (0, 1):
            missing = max(0, crop - x.shape[axis])
            around = [(missing // 2, missing - missing // 2) if axis == k else (0, 0) for k in range(3)]
            x = np.pad(x, around)
            start = round((x.shape[axis] - crop) / 2)
            x = x.take(range(start, start + crop), axis=axis)
        return np.ascontiguousarray(x)

    x = pixels_of(steps_of(image, 8, 8, "right")["decode"]).transpose(1, 2, 0).astype(np.uint8)
    for part in (centre, shorter_side) if way == "crop first" else (shorter_side, centre):
        x = part(x)
    if way == "reshape":
        height, width = x.shape[:2]
        x = np.array(x.ravel().tolist()).reshape(3, height, width).transpose(1, 2, 0)
    x = x[:, :, [2, 1, 0]] if way == "bgr" else x
    x = x * 1.0 if way == "float array" else x / 255
    if way == "statistics of 255":
        x = (x / 255 - MEAN) / STD
    elif way != "no normalise":
        x = (x - MEAN) / STD
    return x.transpose(2, 0, 1)


@pytest.mark.parametrize("way", RUNNING)
def test_the_batch_is_what_arithmetic_on_arrays_gives(way):
    for image, resize, crop in itertools.product(IMAGES, (5, 6, 8, 9, 10), (5, 6, 8)):
        expected = written_out(image, resize, crop, way)
        batch = pipeline_data(image, resize, crop, way)["steps"][-1]
        found = pixels_of(batch)
        assert found.shape == expected.shape
        assert batch.shape == str((1, *expected.shape))
        # two decimals are shown, whole numbers from 100 on
        tolerance = np.where(np.abs(expected) < 100, 0.0051, 0.51)
        assert (np.abs(found - expected) <= tolerance).all(), (image, resize, crop)


def test_each_step_says_what_it_is_and_in_which_order_it_counts():
    steps = steps_of("flower", 8, 6, "right")
    assert [step.shape for step in steps.values()] == [
        "size (12, 9)", "size (10, 8)", "size (6, 6)", "(3, 6, 6)", "(3, 6, 6)", "(1, 3, 6, 6)",
    ]  # fmt: skip
    assert [step.type for step in steps.values()] == ["PIL, RGB"] * 3 + ["float32"] * 3
    # the text that asks for a pixel is run on what Pillow and NumPy make of the values
    for name, variable in (("decode", "image"), ("Resize", "image"), ("batch", "x")):
        step, planes = steps[name], pixels_of(steps[name])
        holder = planes[None] if variable == "x" else Image.fromarray(planes.transpose(1, 2, 0).astype(np.uint8))
        for row, column in ((0, 0), (2, 5), (5, 1)):
            asked = eval(step.index.format(row=row, column=column), {variable: holder})
            assert list(np.ravel(asked)) == list(planes[:, row, column])
    array = steps_of("flower", 8, 6, "bgr")["array"]
    assert (array.shape, array.type, array.index) == ("(6, 6, 3)", "uint8", "array[{row}, {column}]")


@pytest.mark.parametrize("way", RUNNING)
def test_range_and_colours_follow_from_the_values(way):
    for step in pipeline_data("flower", 8, 8, way)["steps"]:
        values = pixels_of(step)
        assert (step.low, step.high) == (values.min(), values.max())
        colours = np.array([[list(bytes.fromhex(pixel)) for pixel in row.split()] for row in step.colours])
        if step.name in ("Normalize", "batch"):
            meant = values.transpose(1, 2, 0) * STD + MEAN
        elif step.type == "float32" and step.name != "array":
            meant = values.transpose(1, 2, 0)
        else:
            meant = values.transpose(1, 2, 0) / 255
        off = np.abs(colours - 255 * meant.clip(0, 1))
        assert off.max() <= (2 if step.type == "float32" else 0.51), step.name  # two decimals are 1.3 levels


def test_a_remark_stands_from_the_mistake_on():
    astray = {}
    for way in RUNNING[1:]:
        remarks = [bool(step.remark) for step in pipeline_data("flower", 8, 8, way)["steps"]]
        astray[way] = remarks.index(True)
        assert all(remarks[astray[way] :])
    assert astray == {
        "crop first": 1, "float array": 4, "reshape": 4, "bgr": 3, "statistics of 255": 4, "no normalise": 4,
    }  # fmt: skip
    assert not any(step.remark for step in pipeline_data("flower", 8, 8, "right")["steps"])


def test_an_image_of_the_readers_own(tmp_path):
    path = tmp_path / "own.png"
    Image.new("L", (300, 150), 100).save(path)
    decoded = pipeline_data(str(path), 8, 8, "right")["steps"][0]
    assert (decoded.shape, decoded.low, decoded.high) == ("size (12, 6)", 100, 100)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("flower", 0, 8, "right"), "resize must be"),
        (("flower", 25, 8, "right"), "resize must be .* 24; got 25"),
        (("flower", 8, 13, "right"), "crop must be .* 12; got 13"),
        (("flower", 8, float("nan"), "right"), "crop must be"),
        (("flower", 8, 8, "upside down"), "'upside down'"),
        (("flower", 24, 8, "right"), "24x32 pixels"),
        (("no/such/file.png", 8, 8, "right"), "no file 'no/such/file.png'"),
        (("flower", 8, 8, "normalise first"), "Normalize refuses .* PIL"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(values, message):
    with pytest.raises(ValueError, match=message):
        pipeline_data(*values)


def test_a_file_that_is_no_image_is_named(tmp_path):
    path = tmp_path / "page.png"
    path.write_bytes(b"<html>")
    for name in (path, tmp_path):
        with pytest.raises(ValueError, match=name.name):
            pipeline_data(str(name), 8, 8, "right")


def test_figure_refuses_a_start_that_it_does_not_offer():
    with pytest.raises(ValueError, match="resize=7"):
        pipeline_figure(resize=7)


def test_a_reader_goes_through_the_steps_by_keyboard(open_figure):
    page, problems = open_figure(pipeline_figure())
    words = page.locator(".swin-words")
    data = {way: pipeline_data("flower", 8, 8, way)["steps"] for way in WAYS if way != "normalise first"}

    def told(step, row, column):
        index = step.index.replace("{row}", str(row)).replace("{column}", str(column))
        numbers = ", ".join(str(plane[row][column]).removesuffix(".0").replace("-", "−") for plane in step.values)
        return f"After {step.name}: {index} = {numbers}. {step.remark}".strip()

    assert words.inner_text() == told(data["right"][0], 3, 4)
    page.get_by_label("Channel").focus()
    page.keyboard.press("Tab")  # the chosen pixel
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert words.inner_text() == told(data["right"][0], 2, 5)
    for _ in range(2):
        page.keyboard.press("Tab")
    assert "Resize" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    assert words.inner_text() == told(data["right"][1], 2, 5)
    page.keyboard.press("Enter")  # the focus has stayed on the button
    assert "Resize" in page.evaluate("document.activeElement.textContent")
    for _ in range(6):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Next step"
    for _ in range(4):
        page.keyboard.press("Enter")
    assert words.inner_text() == told(data["right"][5], 2, 5)
    assert page.get_by_role("button", pressed=True).inner_text() == "▸ 6 batch"
    page.keyboard.press("Enter")  # after the last comes the first
    assert page.get_by_role("button", pressed=True).inner_text() == "▸ 1 decode"

    # a mistake, another channel, and an order that torchvision refuses
    page.get_by_role("button", name="4 ToTensor").click()
    page.get_by_label("Mistake").select_option("an array of floats")
    assert words.inner_text() == told(data["float array"][3], 2, 5)
    page.get_by_role("button", name="Next step").click()
    assert words.inner_text() == told(data["float array"][4], 2, 5)
    page.get_by_label("Channel").select_option("blue")
    cells = page.get_by_role("grid").locator("text[class*=swin-on]").all_text_contents()
    blue = [str(v).removesuffix(".0").replace("-", "−") for row in data["float array"][4].values[2] for v in row]
    assert cells == blue
    page.get_by_label("Mistake").select_option("normalise before the tensor")
    assert "Normalize refuses" in words.inner_text()
    assert page.get_by_role("grid").count() == 0
    page.get_by_label("Mistake").select_option("none")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert problems == []
