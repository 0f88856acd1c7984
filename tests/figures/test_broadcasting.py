"""The figure of two products: its data against autograd and PyTorch's own refusals, and in a browser by keyboard."""

import itertools

import pytest
import torch

from swinlib.figures.broadcasting import (
    OPERATIONS,
    SHAPES,
    broadcast_data,
    broadcast_figure,
    parse_shape,
    show_broadcast,
)

PAIRS = list(itertools.product(OPERATIONS, SHAPES, SHAPES))


def product(op, a, b):
    """The operands, whose numbers count from 1 and from 4, and their product; None where PyTorch refuses."""
    x, y = (
        torch.arange(start, start + torch.Size(shape).numel()).double().view(shape).requires_grad_()
        for start, shape in ((1, parse_shape(a)), (4, parse_shape(b)))
    )
    try:
        return x, y, x * y if op == "*" else x @ y
    except RuntimeError:
        return x, y, None


def test_the_offered_shapes_show_success_and_refusal_of_both_products():
    refused = {(op, product(op, a, b)[2] is None) for op, a, b in PAIRS}
    assert refused == {("*", True), ("*", False), ("@", True), ("@", False)}


@pytest.mark.parametrize("op", OPERATIONS)
def test_it_refuses_what_pytorch_refuses_and_gives_its_numbers_otherwise(op):
    for _, a, b in (pair for pair in PAIRS if pair[0] == op):
        data = broadcast_data(op, a, b)
        result = product(op, a, b)[2]
        marked = any(verdict.startswith("✗") for verdict in data["align"]["verdicts"])
        if result is None:
            assert data["result"] is None
            assert data["reason"].startswith("Refused")
            assert data["message"]
            assert marked or a == b == "()"  # without dimensions there is none to mark
        else:
            assert data["result"]["shape"] == str(tuple(result.shape))
            assert torch.tensor(data["result"]["values"]).flatten().tolist() == result.flatten().tolist()
            assert "".join(data["align"]["result"]) == "".join(map(str, result.shape))
            assert not data["reason"]
            assert not marked


@pytest.mark.parametrize("op", OPERATIONS)
def test_the_cells_that_meet_are_those_with_a_gradient(op):
    # all numbers are positive, so no gradient is zero by chance
    for _, a, b in (pair for pair in PAIRS if pair[0] == op):
        x, y, result = product(op, a, b)
        data = broadcast_data(op, a, b)
        for number, uses in zip(() if result is None else result.flatten(), data["uses"], strict=True):
            gradients = torch.autograd.grad(number, (x, y), retain_graph=True)
            for name, gradient, used in zip("ab", gradients, uses, strict=True):
                indices = [", ".join(map(str, index)) for index in gradient.nonzero().tolist()]
                expected = [f"{name}[{index}]" if index else name for index in indices]
                assert [data[name]["names"][row][column] for row, column in used] == expected, (op, a, b)


def test_a_drawn_cell_carries_the_number_of_its_name_and_repetitions_are_marked():
    for op, a, b in PAIRS:
        x, y, _ = product(op, a, b)
        data = broadcast_data(op, a, b)
        for name, tensor in (("a", x), ("b", y)):
            drawn = data[name]
            cells = [
                cell
                for lines in zip(drawn["names"], drawn["values"], drawn["copy"], strict=True)
                for cell in zip(*lines, strict=True)
            ]
            seen = set()
            for label, value, copy in cells:
                index = tuple(int(k) for k in label[2:-1].split(",")) if "[" in label else ()
                assert tensor[index].item() == value
                assert copy == (label in seen)
                seen.add(label)
            assert len(seen) == tensor.numel()


@pytest.mark.parametrize(("text", "shape"), [("(3, 1)", (3, 1)), ("3,", (3,)), (" 2 3 ", (2, 3)), ("()", ()), ("", ())])
def test_shapes_may_be_typed_as_one_likes(text, shape):
    assert parse_shape(text) == shape


@pytest.mark.parametrize("text", ["(3, x)", "3.5", "-1", "(0,)", "(7,)", "(1, 1, 1, 1)"])
def test_what_is_no_shape_to_draw_is_said(text):
    with pytest.raises(ValueError, match="a must"):
        broadcast_data("*", text, "(3,)")


def test_unknown_operations_and_impossible_starts_are_errors():
    with pytest.raises(ValueError, match="operation"):
        broadcast_data("+", "(3,)", "(3,)")
    with pytest.raises(ValueError, match="cannot start"):
        broadcast_figure("(2,)", "(3,)")
    with pytest.raises(ValueError, match="Refused"):
        show_broadcast((2,), (3,))
    with pytest.raises(ValueError, match="outside"):
        show_broadcast((3, 1), (3,), cell=(3, 0))


def test_the_picture_frames_what_it_says():
    picture = show_broadcast((2, 3), (3, 2), "@", cell=(1, 0))
    assert [ax.get_title() for ax in picture.axes] == ["a (2, 3)", "@  b (3, 2)", "=  (2, 2)"]
    framed = [[patch.get_xy() for patch in ax.patches if patch.get_linewidth() > 2] for ax in picture.axes]
    assert framed == [[(0, 1), (1, 1), (2, 1)], [(0, 0), (0, 1), (0, 2)], [(0, 1)]]


def test_by_keyboard_in_a_page(browser, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><meta charset='utf-8'>{broadcast_figure().html()}", encoding="utf-8")
    page, errors = browser.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(file.as_uri())
    words, notes = page.locator(".swin-words"), page.locator(".swin-note")

    page.locator("select").nth(2).focus()
    page.keyboard.press("Tab")  # from the last control to the chosen number
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert words.text_content() == "c[2, 1] = a[2, 0] · b[1] = 3 · 5 = 15"
    assert page.evaluate("document.activeElement.dataset.cell") == "2,1"
    assert page.locator("[data-operand] .swin-reached").count() == 2

    page.locator("[name=op]").focus()
    page.keyboard.press("ArrowDown")  # a @ b: one column against three rows
    assert words.text_content().startswith("Refused: a row of a has 1 number and a column of b has 3 numbers.")
    assert notes.text_content().startswith("PyTorch says: ")
    assert page.locator("[role=grid]").count() == 0

    page.select_option("[name=a]", label="(2, 2)")
    page.select_option("[name=b]", label="(2, 2)")
    assert words.text_content() == "c[0, 0] = a[0, 0] · b[0, 0] + a[0, 1] · b[1, 0] = 1 · 4 + 2 · 6 = 16"
    page.close()
    assert not errors
