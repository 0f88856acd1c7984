"""Cover a photograph by mouse, finger and keys, or bring one: what the page says of it, against torch."""

import base64
import io

import IPython
import numpy as np
import pytest
import torch
from PIL import Image

from swinlib import SwinTransformer
from swinlib.figures.images import sample_photographs
from swinlib.figures.in_page import PHOTOGRAPHS, SCRIPTS
from swinlib.figures.interactive import _read
from swinlib.figures.photo import WORDS, given, photo_data, photo_figure, reduced, votes
from swinlib.pretrained import PHOTOGRAPH_CLASSES

SIDE = 32
SAMPLES = sample_photographs()


@pytest.fixture(scope="module")
def model():
    return PHOTOGRAPHS.rounded().requires_grad_(False)


@pytest.fixture(scope="module")
def pixels():
    """What the model is given of each photograph, uncovered: ``(B, 3, 32, 32)``, uint8."""
    return torch.stack([reduced(sample.pixels(), SIDE) for sample in SAMPLES])


# ---- Without a browser


def test_fewer_pixels_are_means_of_areas(pixels):
    for sample, few in zip(SAMPLES, pixels, strict=True):
        areas = sample.pixels().view(3, SIDE, 6, SIDE, 6).double().mean(dim=(2, 4))
        assert (few - areas).abs().max() <= 0.5
    image = torch.zeros(3, 6, 10, dtype=torch.uint8)
    image[:, :, 2:8] = torch.tensor([10, 20, 31], dtype=torch.uint8).repeat_interleave(2)
    assert reduced(image, 3)[0].tolist() == [[10, 20, 31]] * 3  # the middle square, and nothing of the rest
    assert reduced(image, 6)[0, 0].tolist() == [10, 10, 20, 20, 31, 31]


def test_what_is_covered_is_the_mean_colour(pixels):
    covered = torch.zeros(SIDE, SIDE)
    covered[4:9, 2:30] = 1
    hidden, usual = given(pixels[:1], covered), given(pixels[:1])
    assert hidden[0, :, covered.bool()].abs().max() == 0
    assert torch.equal(hidden[0, :, ~covered.bool()], usual[0, :, ~covered.bool()])


def test_the_mean_of_what_tokens_say_is_the_score(model, pixels):
    images = given(pixels)
    said = votes(model, images)
    assert said.shape == (len(SAMPLES), 4, 4, 10)
    assert torch.allclose(said.mean(dim=(1, 2)), model(images), atol=1e-5)


def test_the_figure_begins_with_what_the_model_says(model, pixels):
    found = photo_data(model, PHOTOGRAPH_CLASSES, SIDE)
    chances = 100 * model(given(pixels)).softmax(-1)
    for sample, photo, few, chance in zip(SAMPLES, found["photos"], pixels, chances, strict=True):
        assert (torch.tensor(photo["chances"]) - chance).abs().max() <= 0.05 + 1e-3
        assert base64.b64decode(photo["pixels"]) == few.numpy().tobytes()
        known = photo["known"]
        assert (PHOTOGRAPH_CLASSES[known] if known is not None else None) == sample.label
        assert sample.author in photo["author"]
        assert photo["url"].startswith("https://")


def test_most_photographs_are_read_right_and_not_all(model, pixels):
    """Chapter 1 says that the model is wrong about some."""
    answers = model(given(pixels)).argmax(1).tolist()
    right = [PHOTOGRAPH_CLASSES[k] == each.label for k, each in zip(answers, SAMPLES, strict=True) if each.label]
    assert len(right) == 11
    assert 7 <= sum(right) < 11


def test_half_a_horse_is_a_horse(model, pixels):
    """What chapter 1 says of it, and of the cup of coffee."""
    [coffee] = [k for k, sample in enumerate(SAMPLES) if sample.file == "coffee.webp"]
    shares = model(given(pixels[coffee][None])).softmax(-1)[0]
    assert (PHOTOGRAPH_CLASSES[int(shares.argmax())], round(100 * shares.max().item())) == ("automobile", 89)
    [horse] = [k for k, sample in enumerate(SAMPLES) if sample.label == "horse"]
    found = []
    for rows in (16, 18):
        covered = torch.zeros(SIDE, SIDE)
        covered[:rows] = 1
        shares = model(given(pixels[horse][None], covered)).softmax(-1)[0]
        found.append((PHOTOGRAPH_CLASSES[int(shares.argmax())], round(100 * shares.max().item())))
    assert found[0] == ("horse", 68)
    assert found[1][0] == "deer"


def test_html_names_the_weights_and_does_not_hold_them():
    html = photo_figure().html()
    assert f'"file":"{PHOTOGRAPHS.file}"' in html
    assert len(html) < 290_000  # of which the photographs, in base64, are 135 000, and their small copies 61 000
    assert len(PHOTOGRAPHS.script()) < 3_500_000


def test_a_model_of_ones_own_is_sent_or_refused(monkeypatch, randomise):
    pytest.importorskip("anywidget")
    monkeypatch.setattr(IPython, "get_ipython", type("Kernel", (), {"kernel": object()}))
    own = randomise(SwinTransformer(8, (1, 1), (2, 4), window_size=4, patch_size=2, num_classes=3)).eval()
    answer = photo_figure(own, ["day", "night", "cat"], image_size=16)._widget.answer["data"]
    assert answer["model"]["name"].startswith("own-")
    assert answer["stages"] == 2
    assert len(base64.b64decode(answer["photos"][0]["pixels"])) == 3 * 16 * 16
    assert answer["photos"][3]["known"] == 2
    with pytest.raises(ValueError, match="a name for each of its 3 classes; got None"):
        photo_figure(own)
    with pytest.raises(ValueError, match=r"a name for each of its 3 classes; got \['day'\]"):
        photo_figure(own, ["day"])
    headless = SwinTransformer(8, (1,), (2,), window_size=4, patch_size=2, num_classes=0).eval()
    with pytest.raises(ValueError, match="needs a head"):
        photo_figure(headless, [])


# ---- In Chromium


@pytest.fixture(scope="module")
def address(book_page):
    return book_page(photo_figure().html(), PHOTOGRAPHS)


@pytest.fixture
def page(open_sheets, address):
    return open_sheets(address)


def _words(page, start=""):
    """The sentence, once it says what it should; while somebody brushes it waits."""
    status = page.get_by_role("status")
    status.filter(has_text=start).wait_for()
    return status.inner_text()


def _shown(page):
    """What the model is given, as the page shows it: ``(3, 32, 32)``, uint8, and where it has the colour of cover."""
    data = page.locator("canvas[role=img]").first.evaluate(
        "canvas => [...canvas.getContext('2d').getImageData(0, 0, 32, 32).data]"
    )
    shown = torch.tensor(data).view(SIDE, SIDE, 4)[..., :3].permute(2, 0, 1)
    return shown.to(torch.uint8), (shown == torch.tensor([124, 116, 104]).view(3, 1, 1)).all(0)


def _chances(page):
    bars = page.locator("rect[height='0.7']").evaluate_all("bars => bars.map(b => +b.getAttribute('width'))")
    return 10 * torch.tensor(bars)


def _agrees_with_torch(page, model, bytes_, *, hidden):
    """All that the page shows is the model's answer to these bytes, covered where the page shows a cover."""
    shown, covered = _shown(page)
    assert int(covered.sum()) == hidden
    assert torch.equal(shown[:, ~covered], bytes_[:, ~covered])
    images = given(bytes_[None], covered)
    logits = model(images)[0]
    chances = 100 * logits.softmax(-1)
    assert (_chances(page) - chances).abs().max() < 0.05
    read = int(logits.argmax())
    name = PHOTOGRAPH_CLASSES[read]
    words = _words(page, f"The model reads {name}, with a probability of {chances[read]:.0f} %")
    row, column = map(int, page.locator("[data-cell][aria-selected=true]").get_attribute("data-cell").split(","))
    said = votes(model, images)[0, ..., read]
    vote, score = (f"{number:.2f}".replace("-", "−") for number in (said[row, column].item(), logits[read].item()))
    assert f"says {vote} for {name}; the mean of all 16, {score}, is its score" in words
    cells = page.locator("[data-cell] .swin-text").all_text_contents()
    texts = [float(text.replace("−", "-")) for text in cells]
    assert (torch.tensor(texts) - said.flatten()).abs().max() <= 0.5 + 1e-3
    blue = page.locator("[data-cell]").evaluate_all(
        "cells => cells.map(cell => cell.querySelector('.swin-reached') !== null)"
    )
    assert blue == (said > logits[read]).flatten().tolist()
    _maps_agree(page, model, images)
    return words


def _maps_agree(page, model, images):
    """The four maps have torch's shapes, and the chosen channel of each torch's least and greatest number."""
    channel = int(page.locator("select[name=channel]").input_value())
    maps = [model.patch_embed(images), *(each.permute(0, 2, 3, 1) for each in model.forward_intermediates(images)[1])]
    drawn = page.locator("canvas[role=img]").all()[1:]
    assert len(drawn) == len(maps) == 4
    for canvas, each in zip(drawn, maps, strict=True):
        name = canvas.get_attribute("aria-label")
        _, height, width, channels = each.shape
        assert f"{height} by {width} tokens of {channels} channels" in name
        low, high = (f"{number:.2f}".replace("-", "−") for number in each[..., channel].aminmax())
        assert f"goes from {low} to {high}." in name
        grey = canvas.evaluate(
            "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
        )
        numbers = each[0, ..., channel].flatten()
        expected = 255 * (numbers - numbers.min()) / (numbers.max() - numbers.min())
        assert (torch.tensor(grey).view(-1, 4)[:, 0] - expected).abs().max() <= 1


def _touched(page):
    """The first touch, which loads the weights."""
    page.get_by_role("button", name="Uncover").click()
    return _words(page, "The token at row")


@pytest.mark.slow
def test_what_the_page_computes_is_what_torch_computes(browser, model, pixels):
    """Logits and votes within 1e-4 of the largest, for each photograph and 20 images of noise."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 3, SIDE, SIDE), dtype=np.uint8)
    every = torch.cat([pixels, torch.from_numpy(noise)])
    page = browser.new_page()
    scripts = "\n".join(map(_read, ("core.js", *SCRIPTS, "reading.js", "photo.js")))
    page.set_content(f"<!doctype html><title>x</title><script>{scripts}</script>")
    about = photo_data(model, PHOTOGRAPH_CLASSES, SIDE)
    answers = page.evaluate(
        """([content, all, { side, mean, std }]) => {
            const model = readModel(content);
            return all.map(bytes => {
                const found = forward(model, given(Uint8Array.from(bytes), [], { side, mean, std }));
                return [[...found.logits], [...votes(found.maps.at(-1), model, 3)]];
            });
        }""",
        [PHOTOGRAPHS.content, every.flatten(1).tolist(), {key: about[key] for key in ("side", "mean", "std")}],
    )
    page.close()
    logits, said = (torch.tensor([answer[k] for answer in answers]) for k in (0, 1))
    for ours, theirs in (
        (logits, model(given(every))),
        (said, votes(model, given(every))[..., 3].flatten(1)),
    ):
        worst = (ours - theirs).abs().max() / theirs.abs().max()
        print(f"at most {worst:.1e} of the largest")
        assert worst <= 1e-4


@pytest.mark.slow
def test_cover_with_the_mouse_and_uncover(page, model, pixels):
    assert not any("models" in url for url in page.asked)
    usual = _touched(page)
    assert [url.rsplit("/", 1)[-1] for url in page.asked if "models" in url] == ["photographs.js"]
    _agrees_with_torch(page, model, pixels[0], hidden=0)
    sheet = page.locator(".swin-sheet")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.5 * box["height"], steps=6)
    page.mouse.up()
    _words(page, "pixels are covered")
    hidden = int(_shown(page)[1].sum())
    assert hidden > 60
    words = _agrees_with_torch(page, model, pixels[0], hidden=hidden)
    assert f"{hidden} of 1024 pixels are covered. Uncovered, it would read" in words
    assert usual.split(";")[0].replace("The model reads", "it would read").split(" with")[0][:-1] in words
    page.locator("select[name=channel]").select_option("17")
    _maps_agree(page, model, given(pixels[:1], _shown(page)[1]))
    page.get_by_role("button", name="Uncover").click()
    assert _words(page, usual) == usual


@pytest.mark.slow
def test_cover_with_a_finger(page, model, pixels):
    _touched(page)
    sheet = page.locator(".swin-sheet")
    sheet.scroll_into_view_if_needed()
    box, before = sheet.bounding_box(), page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)
    for k in range(5):
        point = {"x": box["x"] + 60 + 20 * k, "y": box["y"] + 40 + 30 * k}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if k else "touchStart", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    _words(page, "pixels are covered")
    assert page.evaluate("scrollY") == before  # the finger covers and does not scroll
    _agrees_with_torch(page, model, pixels[0], hidden=int(_shown(page)[1].sum()))


@pytest.mark.slow
def test_cover_by_keyboard_and_ask_a_token(page, model, pixels):
    sheet = page.locator(".swin-sheet")
    sheet.press("ArrowUp")
    assert "The brush is lifted, at row 14, column 16." in _words(page, "row 14, column 16")
    assert _shown(page)[1].sum() == 0
    page.keyboard.press("Space")
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    assert "The brush is down at row 14, column 8." in _words(page, "row 14, column 8")
    page.keyboard.press("Space")
    hidden = int(_shown(page)[1].sum())
    assert hidden > 40
    _agrees_with_torch(page, model, pixels[0], hidden=hidden)
    page.keyboard.press("Delete")
    _agrees_with_torch(page, model, pixels[0], hidden=0)
    cell = page.locator("[data-cell][tabindex='0']")
    cell.press("Home")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.cell") == "2,0"
    assert "The token at row 2, column 0 of the last map" in _agrees_with_torch(page, model, pixels[0], hidden=0)


@pytest.mark.slow
def test_other_photographs_and_what_none_of_the_classes_is(page, model, pixels):
    _touched(page)
    for k, sample in enumerate(SAMPLES):
        choice = page.get_by_role("button", name=sample.shows, exact=True)
        choice.click()
        assert choice.get_attribute("aria-pressed") == "true"
        words = _words(page, f"The photograph shows {sample.shows}")
        assert ("is none of its 10 classes, and it can answer with nothing else" in words) == (sample.label is None)
        credit = page.get_by_text(f"“{sample.title}”, by {sample.author}")
        assert credit.get_by_role("link").get_attribute("href") == sample.url
        _agrees_with_torch(page, model, pixels[k], hidden=0)
    # what it would read uncovered is asked anew of each photograph
    for k in (0, 1):
        page.get_by_role("button", name=SAMPLES[k].shows, exact=True).click()
        sheet = page.locator(".swin-sheet")
        for key in ("Space", "ArrowLeft", "ArrowLeft", "Space"):
            sheet.press(key)
        usual = model(given(pixels[k][None])).softmax(-1)[0]
        name = PHOTOGRAPH_CLASSES[int(usual.argmax())]
        _words(page, f"Uncovered, it would read {name}, {100 * usual.max():.0f} %.")


@pytest.mark.slow
def test_a_photograph_of_ones_own(page, model):
    """A PNG is read as torch reads it; what is no picture is refused, and nothing is lost."""
    usual = _touched(page)
    field = page.locator("input[type=file]")
    field.set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    assert "The browser cannot read notes.txt as a picture." in _words(page, "cannot read")
    page.get_by_role("button", name="Uncover").click()
    assert _words(page, "The model reads") == usual
    asked = len(page.asked)
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 77, 101), dtype=np.uint8))
    file = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, "PNG")
    field.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()})
    words = _words(page, "It answers with one of its 10 classes, whatever your photograph shows.")
    assert words != usual
    _agrees_with_torch(page, model, reduced(image, SIDE), hidden=0)
    assert len(page.asked) == asked  # it goes nowhere


@pytest.mark.slow
def test_it_says_when_the_weights_are_not_there(browser, book_page):
    page = browser.new_page()
    page.goto(book_page(photo_figure().html()))
    first = _chances(page)
    page.get_by_role("button", name=SAMPLES[1].shows, exact=True).click()
    assert "not beside this page: _static/models/photographs.js is not there" in _words(page, "not beside")
    assert (_chances(page) - first).abs().max() > 1  # what Python stored of each photograph is shown all the same
    page.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_a_telephone_and_axe_finds_nothing(page, axe_findings, scheme):
    page.emulate_media(color_scheme=scheme)
    _touched(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 44
    below = page.locator("canvas[role=img] + p")
    for k, canvas in enumerate(page.locator("canvas[role=img]").all()):
        box, text = canvas.bounding_box(), below.nth(k).bounding_box()
        assert box["y"] + box["height"] <= text["y"]
        assert abs(box["height"] - box["width"]) < 1
    assert axe_findings(page) == []


@pytest.mark.slow
def test_without_javascript_there_is_a_picture(browser, address):
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(address)
    picture = plain.get_by_role("img").first
    assert picture.bounding_box()["width"] > 300
    assert picture.get_attribute("alt").startswith(f"A photograph of {SAMPLES[0].shows}; the same in 32 by 32 pixels;")
    context.close()


def test_every_sentence_is_used():
    source = _read("photo.js") + _read("core.js")
    assert [name for name in WORDS if f"words.{name}" not in source] == []
