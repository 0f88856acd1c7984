"""Drawing a digit: what the model is given and what it says, against torch, by mouse, finger and keyboard."""

import IPython
import pytest
import torch

from swinlib import data, figures, pretrained
from swinlib.figures.draw import EXAMPLES, SIDE, WORDS, bitmap_of, counted, draw_data, draw_figure, given
from swinlib.figures.in_page import DIGITS, as_in_page
from swinlib.figures.inside import inside_data

load_digits = pytest.importorskip("sklearn.datasets").load_digits


@pytest.fixture(scope="module")
def counts():
    """All 1797 digits, ``(N, 8, 8)``."""
    return torch.from_numpy(load_digits().images).int()


@pytest.fixture(scope="module")
def model():
    return as_in_page(pretrained.digits_model()).requires_grad_(False)


@pytest.fixture(scope="module")
def held_out(tmp_path_factory):
    """``{number in scikit-learn's digits: image as the model was evaluated on it}``."""
    root = data.prepare("digits", tmp_path_factory.mktemp("data"))
    transform = data.eval_transform(16, data.DIGITS_MEAN, data.DIGITS_STD, resize=16)
    folder = data.image_folder(root / "val", transform)
    return {int(path.stem): folder[k][0] for k, path in enumerate(sorted((root / "val").rglob("*.png")))}


def moved_to_fit(bitmap):
    """The drawing as high as the sheet and in its middle, at most 24 wide and at most three times as large."""
    on = bitmap.nonzero()
    (top, left), (bottom, right) = on.min(0).values.tolist(), (on.max(0).values + 1).tolist()
    up = min(3, SIDE / (bottom - top))
    across = min(up, 24 / (right - left))
    result = torch.zeros_like(bitmap)
    for row in range(SIDE):
        for column in range(SIDE):
            y = (top + bottom) / 2 + (row + 0.5 - 16) / up
            x = (left + right) / 2 + (column + 0.5 - 16) / across
            if top <= y < bottom and left <= x < right:
                result[row, column] = bitmap[int(y), int(x)]
    return result


# ---- Without a browser


def test_a_drawing_of_some_counts_gives_these_counts(counts):
    generator = torch.Generator().manual_seed(0)
    for each in (*counts[:50], *torch.randint(17, (20, 8, 8), generator=generator)):
        assert torch.equal(counted(bitmap_of(each)), each)


@pytest.mark.slow
def test_examples_are_held_out_and_what_is_given_is_what_was_evaluated(counts, held_out):
    assert set(EXAMPLES) <= set(held_out)
    for number in held_out:
        assert torch.equal(given(counts[number][None])[0], held_out[number])


def test_the_figure_begins_with_what_the_model_says(counts, model):
    examples = draw_data(whole=True)["examples"]
    labels = load_digits().target
    for number, example in zip(EXAMPLES, examples, strict=True):
        assert example["label"] == labels[number]
        rows = torch.tensor([[int(bit) for bit in f"{int(row, 16):032b}"] for row in example["rows"]])
        assert torch.equal(counted(rows), counts[number])
        chances = 100 * model(given(counts[number][None])).softmax(-1)[0]
        assert (torch.tensor(example["chances"]) - chances).abs().max() <= 0.05 + 1e-4
        assert chances.argmax() == example["label"]


def test_html_names_the_weights_and_does_not_hold_them():
    html = draw_figure().html()
    assert f'"file":"{DIGITS.file}"' in html
    assert len(html) < 70_000
    assert "function forward" in html
    assert "function forward" not in figures.attention_reach().html()


class Kernel:
    kernel = object()


def test_in_a_notebook_python_sends_the_weights(monkeypatch):
    pytest.importorskip("anywidget")
    monkeypatch.setattr(IPython, "get_ipython", Kernel)
    figure = draw_figure()
    assert figure._widget.answer["data"]["model"] == {**DIGITS.address, "content": DIGITS.content}
    assert figure.answer()["model"] == DIGITS.address  # pages have the script


# ---- In Chromium


@pytest.fixture(scope="module")
def address(book_page):
    """The whole figure and the small one."""
    return book_page(draw_figure().html() + draw_figure(whole=False).html(), DIGITS)


@pytest.fixture
def page(open_sheets, address):
    return open_sheets(address)


def _figure(page, k=0):
    return page.locator("figure.swin-figure").nth(k)


def _words(figure, start=""):
    """The sentence, once it says what it should; while somebody draws it waits."""
    status = figure.get_by_role("status")
    status.filter(has_text=start).wait_for()
    return status.inner_text()


def _bitmap(figure):
    """What stands on the sheet, read from its pixels."""
    on = figure.locator(".swin-sheet").evaluate(
        """sheet => {
            const { data } = sheet.getContext("2d").getImageData(0, 0, 256, 256);
            const red = (row, column) => data[4 * (256 * (8 * row + 4) + 8 * column + 4)];
            return Array.from({ length: 1024 }, (_, k) => red(k >> 5, k % 32) > 240);
        }"""
    )
    return torch.tensor(on).int().view(SIDE, SIDE)


def _given(figure):
    """The counts that the page shows, from their grey."""
    grey = figure.locator("canvas[role=img]").evaluate(
        "canvas => [...canvas.getContext('2d').getImageData(0, 0, 8, 8).data].filter((_, k) => k % 4 === 0)"
    )
    return (torch.tensor(grey).view(8, 8) / 255 * 16).round().int()


def _chances(figure):
    """The lengths of the bars, in per cent."""
    return 10 * torch.tensor(
        figure.locator("rect[height='0.7']").evaluate_all("bars => bars.map(b => +b.getAttribute('width'))")
    )


def _erase(page, figure):
    figure.get_by_role("button", name="Erase").click()
    assert _words(figure, WORDS["empty"]).startswith(WORDS["empty"])
    assert _bitmap(figure).sum() == 0


def _agrees_with_torch(figure, model, *, fit=True):
    """The bars are the model's answer to the drawing that stands on the sheet."""
    bitmap = _bitmap(figure)
    assert bitmap.sum() > 30
    assert torch.equal(_given(figure), counted(moved_to_fit(bitmap) if fit else bitmap))
    chances = 100 * model(given(_given(figure)[None])).softmax(-1)[0]
    assert (_chances(figure) - chances).abs().max() < 0.05
    read = chances.argmax().item()
    assert f"The model reads {read}, with a probability of {chances[read]:.0f} %" in _words(figure, "The model reads")
    return read


THREE = [
    (0.3, 0.25),
    (0.5, 0.15),
    (0.68, 0.28),
    (0.62, 0.42),
    (0.45, 0.5),
    (0.65, 0.56),
    (0.7, 0.72),
    (0.5, 0.86),
    (0.3, 0.76),
]


def test_draw_with_the_mouse(page, model):
    figure = _figure(page)
    _erase(page, figure)
    sheet = figure.locator(".swin-sheet")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in THREE]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:5]:
        page.mouse.move(*point, steps=3)
    page.wait_for_timeout(300)
    half = _chances(figure)
    assert half.sum() > 99  # it reads before the pen is lifted
    for point in points[5:]:
        page.mouse.move(*point, steps=3)
    page.mouse.up()
    page.mouse.move(*points[0])  # lifted: no more ink
    page.wait_for_timeout(600)
    assert _agrees_with_torch(figure, model) == 3
    assert (_chances(figure) - half).abs().max() > 1


def test_draw_with_a_finger(page, model):
    figure = _figure(page)
    _erase(page, figure)
    sheet = figure.locator(".swin-sheet")
    sheet.scroll_into_view_if_needed()
    box, before = sheet.bounding_box(), page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)
    for k, (x, y) in enumerate(THREE):
        point = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if k else "touchStart", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(600)
    assert page.evaluate("scrollY") == before  # the finger draws and does not scroll
    assert _agrees_with_torch(figure, model) == 3


def test_draw_by_keyboard(page, model):
    figure = _figure(page)
    for _ in range(6):
        page.keyboard.press("Tab")  # over the controls
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "swin-sheet"
    page.keyboard.press("Delete")
    assert _words(figure, WORDS["empty"])
    page.evaluate("() => { document.onkeydown = event => { document.title += event.key; }; }")
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    assert page.title() == "Figures"  # the page does not hear of it, and turns to no other
    assert "The pen is lifted, at row 4, column 16." in _words(figure, "row 4")
    assert _bitmap(figure).sum() == 0
    page.keyboard.press("Space")
    for _ in range(12):
        page.keyboard.press("ArrowDown")
    assert "The pen is down at row 28, column 16." in _words(figure, "row 28")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    assert "The pen is lifted, at row 28, column 14." in _words(figure, "row 28, column 14")
    page.keyboard.press("Tab")
    page.wait_for_timeout(600)
    bitmap = _bitmap(figure)
    rows, columns = bitmap.sum(1), bitmap.sum(0)
    assert rows.nonzero().flatten().tolist() == list(range(2, 30))
    assert columns.nonzero().flatten().tolist() == [14, 15, 16, 17]
    _agrees_with_torch(figure, model)
    assert page.evaluate("document.activeElement.textContent") == "Erase"


def test_the_weights_come_at_the_first_touch_and_once(page):
    assert not any("models" in url for url in page.asked)
    first = _chances(_figure(page))
    assert (first - torch.tensor(draw_data(whole=True)["examples"][0]["chances"])).abs().max() < 1e-3
    for k in (0, 1):
        _figure(page, k).get_by_role("button", name="7", exact=True).click()
        _words(_figure(page, k), "The model reads 7")
    assert [url.rsplit("/", 1)[-1] for url in page.asked if "models" in url] == ["digits.js"]


def test_the_first_touch_may_be_a_key_on_the_sheet(page):
    figure = _figure(page)
    figure.locator(".swin-sheet").press("ArrowUp")
    _words(figure, "Token (row 3, column 3)")  # only the loaded model says that
    assert [url.rsplit("/", 1)[-1] for url in page.asked if "models" in url] == ["digits.js"]


def test_an_example_is_given_as_it_is(page, model, counts):
    figure = _figure(page)
    for number in EXAMPLES[1:]:
        label = load_digits().target[number]
        figure.get_by_role("button", name=str(label), exact=True).click()
        assert _words(figure, f"The model reads {label}")
        assert torch.equal(_given(figure), counts[number])
        assert _agrees_with_torch(figure, model, fit=False) == label


def test_without_the_mask_an_answer_changes(page, model):
    figure = _figure(page)
    figure.get_by_role("button", name="7", exact=True).click()
    usual = _words(figure, "The model reads 7")
    figure.get_by_role("checkbox", name="Mask").uncheck()
    words = _words(figure, "With everything in place it would read 7")
    assert words.startswith("The model reads 4")
    figure.get_by_role("checkbox", name="Mask").check()
    assert _words(figure, "The model reads 7") == usual
    before = _chances(figure)
    for name in ("Shift", "Position bias"):
        figure.get_by_role("checkbox", name=name).uncheck()
        assert (_chances(figure) - before).abs().max() > 1
        figure.get_by_role("checkbox", name=name).check()
    figure.locator("select[name=left_out]").select_option(label="block 2")
    figure.locator("select[name=block]").select_option(index=1)
    assert WORDS["left_out"] in _words(figure, "left out")
    assert (_chances(figure) - before).abs().max() > 1


def test_who_looks_at_whom(page, model, counts):
    figure = _figure(page)
    figure.get_by_role("button", name="0", exact=True).click()
    _words(figure, "The model reads 0")
    images = given(counts[[EXAMPLES[2]]])
    for block, head, key, (row, column) in [
        (1, 1, None, (3, 3)),
        (2, 2, "End", (3, 7)),
        (2, 0, "ArrowUp", (2, 7)),
        (4, 6, None, (1, 3)),
    ]:
        figure.locator("select[name=block]").select_option(index=block - 1)
        figure.locator("select[name=head]").select_option(index=head)
        if key:
            figure.locator("[data-cell][tabindex='0']").press(key)
            page.keyboard.press("Enter")
            assert page.evaluate("document.activeElement.dataset.cell") == f"{row},{column}"
        found = inside_data(model, images, torch.zeros(1), 0, block)
        query = row * found["size"] + column
        window = next(k for k, tokens in enumerate(found["tokens"]) if query in tokens)
        tokens = found["tokens"][window]
        n, at = len(tokens), tokens.index(query)
        allowed = torch.tensor(found["allowed"][window]).view(n, n)[at]
        heads = torch.tensor(found["weights"], dtype=torch.float)[:, window].view(-1, n, n)[:, at]
        expected = heads[head - 1] if head else heads.mean(0)
        shown = dict(
            figure.locator("[data-cell]").evaluate_all(
                "cells => cells.map(cell => [cell.dataset.cell, cell.querySelector('.swin-text')?.textContent ?? ''])"
            )
        )
        size, seen = found["size"], {place: int(text) for place, text in shown.items() if text}
        assert set(seen) == {f"{t // size},{t % size}" for t, may in zip(tokens, allowed.tolist(), strict=True) if may}
        for token, share, may in zip(tokens, expected.tolist(), allowed.tolist(), strict=True):
            assert not may or abs(seen[f"{token // size},{token % size}"] - share) <= 1
        assert f"oken (row {row}, column {column})" in _words(figure)


def test_given_is_what_swinlib_makes_of_all_counts(page, counts, model, held_out):
    scripts = "\n".join(
        figures.interactive._read(name) for name in ("core.js", "swin.js", "in_page.js", "reading.js", "draw.js")
    )
    page.evaluate(
        "source => { const s = document.createElement('script'); s.text = source; document.head.append(s); }", scripts
    )
    answers = page.evaluate(
        "([all, about]) => all.map(each => [...given(Uint8Array.from(each), about).data])",
        [counts.flatten(1).tolist(), {"mean": data.DIGITS_MEAN[0], "std": data.DIGITS_STD[0]}],
    )
    ours, theirs = torch.tensor(answers).view(-1, 3, 16, 16), given(counts)
    levels = ((ours - theirs) * data.DIGITS_STD[0] * 255).abs()
    print(f"grey levels: at most {levels.max():.3f}, in {(levels > 0.5).float().mean():.2%} of all pixels")
    assert levels.max() < 1.01
    numbers = list(held_out)
    assert torch.equal(model(ours[numbers]).argmax(1), model(theirs[numbers]).argmax(1))


def test_it_says_when_the_weights_are_not_there(browser, book_page):
    page = browser.new_page()
    page.goto(book_page(draw_figure().html()))
    _figure(page).get_by_role("button", name="7", exact=True).click()
    assert "not beside this page: _static/models/digits.js is not there" in _words(_figure(page), "not beside")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_a_telephone_and_axe_finds_nothing(page, axe_findings, scheme):
    page.emulate_media(color_scheme=scheme)
    _figure(page).get_by_role("button", name="7", exact=True).click()
    _words(_figure(page), "Token (row")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 44
    assert axe_findings(page) == []


def test_without_javascript_there_is_a_picture_and_print_keeps_the_drawing(browser, page, address):
    page.emulate_media(media="print")
    assert _figure(page).locator(".swin-sheet").is_visible()
    assert not _figure(page).locator(".swin-controls").is_visible()
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(address)
    picture = plain.get_by_role("img").first
    assert picture.bounding_box()["width"] > 300
    assert picture.get_attribute("alt").startswith("Three pictures: a handwritten 4 of 32 by 32 pixels")
    context.close()
