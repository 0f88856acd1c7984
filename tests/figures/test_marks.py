"""Two marks, moved by mouse, finger and keys: what both networks say of them, against torch."""

import re

import IPython
import pytest
import torch

from swinlib import SwinTransformer
from swinlib.figures.in_page import MARKS, SCRIPTS, model_content
from swinlib.figures.interactive import _read
from swinlib.figures.marks import COLOURS, START, agreement, hear_of_both, marks_figure

OPTIONS = {"embed_dim": 8, "depths": (2,), "num_heads": (2,), "window_size": 4, "patch_size": 2, "num_classes": 2}
PLACES = [START, ((0, 0), (7, 7)), ((3, 3), (4, 4)), ((1, 6), (1, 7)), ((5, 2), (2, 5)), ((0, 3), (7, 3))]


@pytest.fixture(scope="module")
def models():
    return {name: model.requires_grad_(False) for name, model in MARKS.rounded().items()}


@pytest.fixture(scope="module")
def figure():
    return marks_figure()


# ---- Without a browser


@pytest.mark.parametrize("shift", [2, 0, (1, 3)])
def test_who_hears_of_both_is_what_gradients_say(shift, randomise):
    """Nudge each mark's patch, and see which tokens of the last map change."""
    model = randomise(SwinTransformer(**OPTIONS, shift_size=shift)).eval()
    image = torch.rand(1, 3, 16, 16)
    usual = model.forward_intermediates(image)[1][-1][0]
    for cells in PLACES:
        moved = []
        for row, column in cells:
            other = image.clone()
            other[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] += 0.5 * torch.rand(3, 2, 2)
            moved.append((model.forward_intermediates(other)[1][-1][0] != usual).any(0))
        assert torch.equal(hear_of_both(model, cells), moved[0] & moved[1]), cells


def test_the_page_names_the_weights_and_begins_with_what_torch_says(figure, models):
    html = figure.html()
    assert f'"file":"{MARKS.file}"' in html
    assert len(html) < 80_000
    assert len(MARKS.script()) < 110_000
    for name, chance in figure.answer()["agreement"].items():
        assert chance == pytest.approx(agreement(models[name], START, (0, 0)), abs=1e-4)


def test_networks_of_ones_own_are_sent_or_refused(monkeypatch, randomise):
    pytest.importorskip("anywidget")
    monkeypatch.setattr(IPython, "get_ipython", type("Kernel", (), {"kernel": object()}))
    shifted = randomise(SwinTransformer(**OPTIONS))
    plain = randomise(SwinTransformer(**OPTIONS, shift_size=0))
    sent = marks_figure(shifted, plain)._widget.answer["data"]["model"]
    assert sent["name"].startswith("own-")
    assert list(sent["content"]) == ["shifted", "plain"]
    assert sent["content"]["plain"]["arguments"]["shift_size"] == [[0, 0]]
    with pytest.raises(ValueError, match="give both networks"):
        marks_figure(shifted)
    with pytest.raises(ValueError, match=r"plain has 1 stages, windows of \(2, 2\)"):
        marks_figure(shifted, SwinTransformer(**{**OPTIONS, "window_size": 2}))


# ---- In Chromium


@pytest.fixture(scope="module")
def address(book_page, figure):
    return book_page(figure.html(), MARKS)


@pytest.mark.slow
def test_what_the_page_computes_is_what_torch_computes(browser, models, figure):
    scripts = "\n".join(map(_read, ("core.js", *SCRIPTS, "marks.js")))
    page = browser.new_page()
    page.set_content(f"<!doctype html><title>x</title><script>{scripts}</script>")
    generator = torch.Generator().manual_seed(0)
    cases = [(cells, (k % 4, k // 2 % 4)) for k, cells in enumerate(PLACES)]
    for _ in range(100):
        first, second = torch.randperm(64, generator=generator)[:2].tolist()
        colours = torch.randint(4, (2,), generator=generator).tolist()
        cases.append(((divmod(first, 8), divmod(second, 8)), tuple(colours)))
    answers = page.evaluate(
        """([contents, data, cases]) => {
            const models = readModel(contents);
            return cases.map(([cells, colours]) => NETWORKS.map(name => [
                agreement(models[name], data, cells, colours), hearOfBoth(data, data.shifts[name], cells)]));
        }""",
        [{name: model_content(model) for name, model in models.items()}, figure.answer(), cases],
    )
    worst = 0.0
    for (cells, colours), answer in zip(cases, answers, strict=True):
        for model, (chance, heard) in zip(models.values(), answer, strict=True):
            worst = max(worst, abs(chance - agreement(model, cells, colours)))
            assert sorted(heard) == hear_of_both(model, cells).flatten().nonzero().flatten().tolist()
    print(f"probabilities differ by at most {worst:.1e}")
    assert worst < 1e-4
    page.close()


def shown(page):
    """``{network: (cells of the marks, tokens with dots, verdict)}``."""
    read = """figure => [...figure.querySelectorAll("svg.swin-marks")].map(svg => [
        [...svg.querySelectorAll("[data-cell]")].map(mark => mark.dataset.cell.split(",").map(Number)),
        [...svg.querySelectorAll("[data-token]")].map(dot => dot.dataset.token.split(",").map(Number)),
        svg.nextElementSibling.textContent])"""
    return dict(zip(("shifted", "plain"), page.locator("figure.swin-figure").evaluate(read), strict=True))


def agrees_with_torch(page, models, cells, colours):
    """Everything that the figure shows of these marks is what torch says of them."""
    status = page.get_by_role("status")
    status.filter(has_text=f"row {cells[1][0]}, column {cells[1][1]}.").wait_for()
    words, found = status.inner_text(), shown(page)
    truth = colours[0] == colours[1]
    for name, model in models.items():
        marks, dots, verdict = found[name]
        assert [tuple(mark) for mark in marks] == list(cells)
        assert {tuple(dot) for dot in dots} == {tuple(each) for each in hear_of_both(model, cells).nonzero().tolist()}
        chance = agreement(model, cells, colours)
        sure = max(chance, 1 - chance)
        said = f"that they {'agree' if chance > 0.5 else 'differ'}, {100 * sure:.0f} %"
        right = (chance > 0.5) == truth
        assert verdict == f"{'✓' if right else '✗'} says {said}"
        assert f"{said}, which is {'right' if right else 'wrong'}" in words
    for which, colour, (row, column) in zip(("first", "second"), colours, cells, strict=True):
        assert re.search(rf"{which}( mark)? is {COLOURS[colour]}, at row {row}, column {column}[;.]", words)
    heard = len(found["shifted"][1])
    assert ("compares them in its first block" in words) == bool(found["plain"][1])
    assert (f"with the shift {heard} tokens hear of both" in words) == (not found["plain"][1])
    return words


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_marks_in_use(browser, address, models, width, scheme, axe_findings):
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, has_touch=width < 500)
    page = context.new_page()
    problems, asked = [], []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    agrees_with_torch(page, models, START, (0, 0))  # Python's answer, before any touch
    assert not any("models" in url for url in asked)

    boards = page.locator("svg.swin-marks")
    boards.first.scroll_into_view_if_needed()

    def point(board, row, column):
        box = boards.nth(board).bounding_box()
        unit = box["width"] / 8.3
        return box["x"] + (column + 0.65) * unit, box["y"] + (row + 0.65) * unit

    # by mouse, in the second map, into one window; a mark does not go where the other one stands
    page.mouse.move(*point(1, 2, 4))
    page.mouse.down()
    page.mouse.move(*point(1, 2, 3), steps=3)
    assert shown(page)["plain"][0] == [[2, 3], [2, 4]]
    page.mouse.move(*point(1, 1, 2), steps=5)
    page.mouse.up()
    page.mouse.move(*point(1, 7, 7))  # let go: it stays
    agrees_with_torch(page, models, ((2, 3), (1, 2)), (0, 0))

    # other colours
    page.get_by_label("Second mark", exact=True).select_option(label="violet")
    agrees_with_torch(page, models, ((2, 3), (1, 2)), (0, 3))
    page.get_by_label("First mark", exact=True).select_option(label="cyan")
    agrees_with_torch(page, models, ((2, 3), (1, 2)), (2, 3))

    # by finger
    if width < 500:
        before, touch = page.evaluate("scrollY"), context.new_cdp_session(page)
        for k, place in enumerate([(2, 3), (3, 5), (6, 6)]):
            x, y = point(0, *place)
            kind = "touchMove" if k else "touchStart"
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert page.evaluate("scrollY") == before
        agrees_with_torch(page, models, ((6, 6), (1, 2)), (2, 3))
        page.touchscreen.tap(*point(0, 2, 3))  # the nearer mark comes: the second
        agrees_with_torch(page, models, ((6, 6), (2, 3)), (2, 3))
        page.touchscreen.tap(*point(0, 7, 7))
        page.touchscreen.tap(*point(0, 1, 1))
        first, second = (7, 7), (1, 1)
    else:
        first, second = (2, 3), (1, 2)

    # by keys: the space bar takes the other mark, arrows go over the other mark and stop at the border of the map
    page.get_by_label("Second mark", exact=True).focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('class')") == "swin-marks"
    assert "Arrow keys move the second mark" in boards.first.get_attribute("aria-label")
    page.keyboard.press("Space")
    assert "Arrow keys move the first mark" in boards.first.get_attribute("aria-label")
    for _ in range(9):
        page.keyboard.press("ArrowUp")
    agrees_with_torch(page, models, ((0, first[1]), second), (2, 3))
    page.keyboard.press("Space")
    for key, times in (("ArrowUp", second[0]), ("ArrowRight", 8)):
        for _ in range(times):
            page.keyboard.press(key)
    across = (0, 7 if first[1] != 7 else 6)
    words = agrees_with_torch(page, models, ((0, first[1]), across), (2, 3))
    assert words.startswith("Both marks" if first[1] > 3 else "A border of the windows")
    assert [url.rsplit("/", 1)[-1] for url in asked if "models" in url] == ["marks.js"]

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.getAnimations().length") == 0
    assert axe_findings(page) == []
    assert problems == []
    assert all(url.startswith("file:") for url in asked if not url.startswith("data:"))
    context.close()


@pytest.mark.slow
def test_without_javascript_there_is_a_picture_and_without_weights_a_reason(browser, address, book_page, figure):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    picture = page.get_by_role("img").first
    assert picture.bounding_box()["width"] > 300
    assert picture.get_attribute("alt").startswith("Two maps of 8 by 8 tokens")
    context.close()
    page = browser.new_page()
    page.goto(book_page(figure.html()))
    page.locator("svg.swin-marks").first.press("ArrowDown")
    page.get_by_role("status").filter(has_text="_static/models/marks.js is not there").wait_for()
    page.close()
