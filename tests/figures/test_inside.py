"""The figure that looks into a model: its numbers against attention computed pair by pair, and the page by keyboard."""

import itertools

import pytest
import torch

import swinlib
from swinlib.figures.inside import LIGHT, SHARES, attention_by_block, block_names, inside_data, inside_figure, outline

WINDOW = 4


@pytest.fixture(scope="module")
def model():
    """Two stages on 16 pixels, one plain and one shifted block each, with clear likes and dislikes."""
    torch.manual_seed(0)
    model = swinlib.SwinTransformer(8, (2, 2), (2, 4), WINDOW, patch_size=2, num_classes=3).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5)
    return model.requires_grad_(False)


@pytest.fixture(scope="module")
def images():
    return torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))


LABELS = torch.tensor([2, 0, 1])


def pair_by_pair(model, image, attends):
    """``{block: (heads, T, T)}`` by equation 4 of the paper: no windows, no roll, no index; T tokens in the image."""
    x, found, number = model.patch_embed(image[None]), {}, 0
    for stage in model.layers:
        size = x.shape[1]
        place = torch.cartesian_prod(torch.arange(size), torch.arange(size))
        offset = place[:, None] - place[None, :] + WINDOW - 1  # query minus key, from 0
        for j, block in enumerate(stage.blocks):
            attn = block.attn
            q, k, _ = attn.qkv(block.norm1(x)).flatten(1, 2).chunk(3, dim=-1)
            q, k = (t[0].unflatten(-1, (attn.num_heads, -1)).transpose(0, 1) for t in (q, k))
            allowed = attends(size, size, WINDOW, WINDOW // 2 if j else 0)[1].view(size**2, size**2)
            square = attn.relative_position_bias_table.unflatten(0, (2 * WINDOW - 1, -1))
            near = offset.clamp(0, 2 * WINDOW - 2)  # those that are clamped are not allowed
            logits = q @ k.mT / q.shape[-1] ** 0.5 + square[near[..., 0], near[..., 1]].permute(2, 0, 1)
            number += 1
            found[number] = logits.masked_fill(~allowed, -torch.inf).softmax(-1)
            x = block(x)
        x = stage.downsample(x)
    return found


def spread(data, head):
    """The weights of a head as ``(T, T)`` in the image, -1 where a token may not look."""
    count = data["size"] ** 2
    full = torch.full((count, count), -1)
    for tokens, weights, allowed in zip(data["tokens"], data["weights"][head], data["allowed"], strict=True):
        n = len(tokens)
        square = torch.where(torch.tensor(allowed).view(n, n) == 1, torch.tensor(weights).view(n, n), -1)
        full[torch.tensor(tokens)[:, None], torch.tensor(tokens)] = square
    return full


@pytest.mark.parametrize("block", [1, 2, 3, 4])
def test_weights_are_those_of_the_papers_equation(model, images, attends, block):
    data = inside_data(model, images, LABELS, 1, block)
    expected = pair_by_pair(model, images[1], attends)[block]
    assert len(data["weights"]) == len(expected)
    size = data["size"]
    allowed = attends(size, size, WINDOW, WINDOW // 2 * (block % 2 == 0))[1].view(size**2, size**2)
    for head, weights in enumerate(expected):
        found = spread(data, head)
        assert torch.equal(found >= 0, allowed)
        assert ((found - 100 * weights).abs() <= 0.5 + 1e-3)[allowed].all()


def test_what_it_is_and_what_the_model_says(model, images):
    data = inside_data(model, images, LABELS, 1, 3)
    probabilities = model(images[1:2]).softmax(-1)[0]
    assert (data["label"], data["read"]) == (0, int(probabilities.argmax()))
    assert abs(data["sure"] - 100 * probabilities.max()) <= 0.5
    assert (data["size"], data["pixels"]) == (4, 4)
    grey = images[1].mean(0)
    assert torch.tensor(data["ink"], dtype=torch.bool).equal(grey > (grey.max() + grey.min()) / 2)


def luminance(colour):
    """As WCAG 2 defines it, of red, green and blue from 0 to 1."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_darkness_is_the_weight_and_letters_stay_legible():
    shades = [luminance(SHARES(share / 100)) for share in range(101)]
    assert all(dark < light for light, dark in itertools.pairwise(shades))
    for share, shade in enumerate(shades):
        assert (shade + 0.05) / 0.05 >= 4.5 if share < LIGHT else 1.05 / (shade + 0.05) >= 4.5, share


def test_the_outline_stands_where_ink_ends():
    ink = torch.zeros(3, 4)
    ink[1, 1:3] = 1
    ink[2, 0] = 1  # touches the edge, and the other part at a corner
    pixels = [(1, 1), (1, 2), (2, 0)]
    around = {
        edge
        for r, c in pixels
        for edge, (y, x) in {
            ((r, c), (r, c + 1)): (r - 1, c),
            ((r + 1, c), (r + 1, c + 1)): (r + 1, c),
            ((r, c), (r + 1, c)): (r, c - 1),
            ((r, c + 1), (r + 1, c + 1)): (r, c + 1),
        }.items()
        if (y, x) not in pixels
    }
    found = [tuple(map(tuple, line)) for line in outline(ink)]
    assert len(found) == len(set(found)) == 10
    assert set(found) == around


def test_the_model_is_left_as_it_was(model, images):
    before = model(images)
    attention_by_block(model, images)
    assert torch.equal(model(images), before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_hooks_go_away_when_the_model_fails(model):
    with pytest.raises(ValueError, match="expected images"):
        attention_by_block(model, torch.rand(1, 1, 16, 16))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_blocks_by_name(model):
    assert block_names(model)[2] == "stage 1, block 2, shifted windows"
    assert block_names(model)[3] == "stage 2, block 1, plain windows"


@pytest.mark.parametrize(
    ("image", "block", "message"),
    [(3, 1, "0 to 2"), (-1, 1, "got -1"), (None, 1, "None"), (0, 5, "1 to 4"), (0, 0, "got 0")],
)
def test_impossible_values_are_refused(model, images, image, block, message):
    with pytest.raises(ValueError, match=message):
        inside_data(model, images, LABELS, image, block)


def test_maps_that_need_padding_are_refused(model):
    with pytest.raises(ValueError, match="18x18 pixels need padding"):
        inside_figure(model, torch.rand(1, 3, 18, 18), LABELS, offered=[0])


def test_page_by_keyboard(model, images, attends, open_figure):
    page, problems = open_figure(inside_figure(model, images, LABELS, offered={0: "first", 1: "second"}))
    words = page.get_by_role("status")

    def shares():
        cells = page.locator("[data-cell]").evaluate_all(
            "cells => cells.map(cell => cell.querySelector('.swin-text')?.textContent ?? '')"
        )
        return [int(text) if text else -1 for text in cells]

    def expected(image, block, head, row, column):
        data = inside_data(model, images, LABELS, image, block)
        return spread(data, head)[row * data["size"] + column].tolist()

    assert shares() == expected(0, 1, 0, 3, 3)
    assert "head 1 of 2" in words.inner_text()
    # the darker the more, and nothing lies over the cells but lines
    fills = page.locator("[data-cell]").evaluate_all(
        "cells => cells.map(cell => getComputedStyle(cell.querySelector('rect')).fill.match(/\\d+/g).map(Number))"
    )
    by_share = sorted((share, -sum(fill[:3])) for share, fill in zip(shares(), fills, strict=True) if share >= 0)
    assert [dark for _, dark in by_share] == sorted(dark for _, dark in by_share)
    assert page.locator("svg.swin-board > path").evaluate("path => getComputedStyle(path).fill") == "none"
    for name in ("image", "block", "head"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.name") == name
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")  # over the border of a window
    page.keyboard.press("Enter")
    assert shares() == expected(0, 1, 0, 3, 4)
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    assert shares() == expected(0, 1, 0, 3, 7)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert shares() == expected(0, 1, 0, 0, 7)

    page.locator("select[name=block]").select_option(index=1)  # shifted: a corner is alone with three others
    corner = expected(0, 2, 0, 0, 7)
    assert shares() == corner
    assert sum(share >= 0 for share in corner) == 4
    assert "4 of the 16 tokens in its window" in words.inner_text()
    chosen = page.locator('[data-cell="0,7"]')
    ink = torch.tensor(inside_data(model, images, LABELS, 0, 2)["ink"])
    on_digit = [", on the digit" * bool(ink[2 * r : 2 * r + 2, 2 * c : 2 * c + 2].any()) for r, c in ((0, 7), (7, 0))]
    assert chosen.get_attribute("aria-label") == f"row 0, column 7, chosen, {corner[7]} %{on_digit[0]}"
    far = page.locator('[data-cell="7,0"]').get_attribute("aria-label")
    assert far == f"row 7, column 0, in the window but masked{on_digit[1]}"

    page.locator("select[name=image]").select_option(label="second")
    page.locator("select[name=head]").select_option(label="2")
    assert shares() == expected(1, 2, 1, 0, 7)
    row = expected(1, 2, 1, 0, 7)
    there = max((k for k in range(64) if k != 7), key=lambda k: row[k])
    assert f"{row[7]} % of its attention stays with itself" in words.inner_text()
    assert row[7] >= row[there] or f"token (row {there // 8}, column {there % 8})" in words.inner_text()

    page.locator("select[name=head]").select_option(label="4")  # there are only two here
    assert "head 2, the last of this block" in words.inner_text()
    page.locator("select[name=block]").select_option(index=2)  # the same place in a map of half the side
    assert shares() == expected(1, 3, 3, 0, 3)
    assert "head 4 of 4" in words.inner_text()
    assert "covers the whole map" in words.inner_text()

    page.locator("select[name=head]").select_option(label="mean of all")
    assert "the mean of its 4 heads" in words.inner_text()
    heads = torch.tensor([expected(1, 3, head, 0, 3) for head in range(4)]).float().mean(0)
    assert (torch.tensor(shares()) - heads).abs().max() <= 0.5
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert problems == []


def test_figure_refuses_an_image_that_there_is_not(model, images):
    with pytest.raises(ValueError, match="got 7"):
        inside_figure(model, images, LABELS, offered=[0, 7])
