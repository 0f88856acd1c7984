"""Tokens in memory, step by step: held against swinlib's windows and blocks, and the page against Python."""

import pytest
import torch

import swinlib
from swinlib.figures.memory import WAYS, WORDS, memory_data, memory_figure

RIGHT = ("by the map", "one copy", "window order")


def reached(window, tokens):
    """For every token those of its window, however windows are numbered."""
    return [{other for other in range(tokens) if window[other] == window[token]} for token in range(tokens)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("shift", "size", "window"), [(2, 8, 4), (1, 8, 4), (0, 8, 4), (3, 12, 4), (1, 6, 3)])
def test_at_attention_every_window_is_one_line(way, shift, size, window):
    steps = memory_data(way, shift, size, window)["steps"]
    at_attention = [step for step in steps if step.name.endswith("attention")]
    assert [step.block for step in at_attention] == [1, 2]
    for step, each in zip(at_attention, (0, shift), strict=True):
        numbers = torch.arange(size * size).view(1, size, size, 1)
        windows = swinlib.window_partition(swinlib.cyclic_shift(numbers, (each, each)), window).flatten(1)
        if way != "no way back" or step.block == 1:
            assert step.tokens == windows.flatten().tolist()
        assert set(step.pieces) == {1}
        for line in windows.tolist():
            assert all(reached(step.window, size * size)[token] == set(line) for token in line)


@pytest.mark.parametrize("way", WAYS)
def test_no_token_is_lost_and_a_right_way_ends_in_the_map(way):
    steps = memory_data(way, 2)["steps"]
    assert all(sorted(step.tokens) == list(range(64)) for step in steps)
    assert all(sorted(step.added) in ([], list(range(64))) for step in steps)
    assert steps[-1].tokens == list(range(64))
    mixed = [sum(x != y for x, y in zip(step.added, step.tokens, strict=True)) for step in steps if step.added]
    assert mixed == ([48, 64] if way == "no way back" else [0, 0])


@pytest.mark.parametrize("way", WAYS)
def test_what_it_says_is_added_is_what_a_block_adds(way):
    """Real attention, real tokens: the sum is that of a block if both terms are of one token, and another if not."""
    torch.manual_seed(0)
    block = swinlib.SwinTransformerBlock(8, num_heads=2, window_size=4, shift_size=0).eval()
    x = torch.randn(1, 8, 8, 8)
    step = next(step for step in memory_data(way, 2)["steps"] if step.added)
    with torch.no_grad():
        attended = block.shifted_window_attention(block.norm1(x)).view(64, 8)
        expected = (x + block.shifted_window_attention(block.norm1(x))).view(64, 8)
    found = x.view(64, 8)[step.tokens] + attended[step.added]
    same = torch.isclose(found, expected[step.tokens]).all(1)
    assert int(same.sum()) == (16 if way == "no way back" else 64)


def test_copies_are_those_that_the_chapter_counts():
    def copies(way, shift):
        return memory_data(way, shift)["steps"][-1].copies

    assert [copies(way, 2) for way in RIGHT] == [6, 4, 3]
    assert [copies(way, 0) for way in RIGHT] == [4, 4, 2]
    pieces = {step.name: step.pieces for step in memory_data("window order", 2)["steps"]}
    assert pieces["the map"] == [4, 4, 4, 4]
    assert max(pieces["Block 2, back to the map"]) == 6


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="way='sideways' means nothing here"):
        memory_data("sideways", 2)
    with pytest.raises(ValueError, match="a window of 7 has too many tokens"):
        memory_data("one copy", 2, 14, 7)
    with pytest.raises(ValueError, match="windows of 4 do not tile a map of 10"):
        memory_data("one copy", 2, 10, 4)
    with pytest.raises(ValueError, match="shift"):
        memory_data("one copy", 5)
    with pytest.raises(ValueError, match="shift=3 is not among the values that the figure offers: 0, 1"):
        memory_figure(shift=3, shifts=(0, 1))


def test_it_is_light_and_has_words_without_javascript():
    html = memory_figure().html()
    assert len(html) < 60_000
    assert "Two pieces of memory, each of 4 lines of 16 places" in html


@pytest.mark.slow
def test_a_reader_follows_a_token_by_keyboard(open_figure):
    page, problems = open_figure(memory_figure())
    words = page.locator(".swin-words")
    data = {way: memory_data(way, 2)["steps"] for way in WAYS}

    def told(step, token):
        place = step.tokens.index(token)
        pieces = step.pieces[step.window[token]]
        lie = WORDS["one"] if pieces == 1 else WORDS["many"].format(count=pieces)
        times = {0: WORDS["never"], 1: WORDS["once"]}.get(step.copies, WORDS["times"].format(count=step.copies))
        said = [
            WORDS["sentence"].format(step=step.name, token=token, place=place, tokens=16, pieces=lie),
            WORDS["copied"].format(copies=times),
        ]
        if step.added:
            other, wrong = step.added[place], sum(x != y for x, y in zip(step.added, step.tokens, strict=True))
            said.append(WORDS["own" if other == token else "other"].format(other=other))
            said.append(WORDS["differ" if wrong else "agree"].format(wrong=wrong, all=64))
        return " ".join(said)

    def shown(name):
        grid = page.get_by_role("grid", name=name)
        numbers = [int(text) for text in grid.locator("text[class*=swin-on]").all_text_contents()]
        return numbers, grid.locator("[data-cell]:has(.swin-hatch)").count()

    first = data["no way back"][3]
    assert words.inner_text() == told(first, 20)
    assert shown("Memory") == (first.tokens, 48)
    assert shown("Added") == (first.added, 48)
    page.get_by_label("Shift of block 2").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Next step"
    page.keyboard.press("Enter")
    assert words.inner_text() == told(data["no way back"][4], 20)
    assert page.evaluate("document.activeElement.textContent") == "Next step"
    page.keyboard.press("Tab")  # the chosen token of the map
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    assert words.inner_text() == told(data["no way back"][4], 27)
    assert page.evaluate("document.activeElement.dataset.cell") == "3,3"
    for way in RIGHT:
        page.get_by_label("Way").select_option(WAYS[way])
        for k, step in enumerate(data[way]):
            page.get_by_role("table").get_by_role("button").nth(k).click()
            assert words.inner_text() == told(step, 27)
            assert page.get_by_role("button", pressed=True).inner_text() == f"▸ {step.name}"
            assert shown("Memory") == (step.tokens, 0)
    page.get_by_role("grid", name="Memory").locator('[data-cell="0,5"]').click()
    assert "token 5 stands at place 5" in words.inner_text()
    page.set_viewport_size({"width": 320, "height": 844})  # what a page has left of a phone's 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    cell = page.get_by_role("grid", name="The map").locator("[data-cell]").first.bounding_box()
    assert min(cell["width"], cell["height"]) >= 24
    digits = page.get_by_role("grid", name="Memory").locator("text[class*=swin-on]").last.bounding_box()
    assert digits["height"] >= 10
    assert not page.get_by_role("table").is_visible()
    page.get_by_role("button", name="Next step").click()  # after the last comes the first
    assert "the map: token 5" in words.inner_text()
    assert problems == []
