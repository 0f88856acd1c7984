"""The walk of one token: every number against torch, by mouse, finger, keys and address."""

import copy
import json
import re
from html import unescape
from pathlib import Path

import IPython
import pytest
import torch

from swinlib import pretrained
from swinlib.figures.draw import given_examples
from swinlib.figures.in_page import DIGITS, SCRIPTS, as_in_page, model_content
from swinlib.figures.inside import attention_by_block
from swinlib.figures.interactive import _read
from swinlib.figures.walk import NAMES, START, WORDS, sentences, walk_data, walk_figure

pytest.importorskip("sklearn.datasets")

BOOK = Path(__file__).resolve().parents[2] / "book"
COUNTS = {"patch": [2, 2], "heads": 3, "blocks": 2}
TOLERANCE = 1e-4  # of the largest magnitude of a list
PLACES = [(0, START, 1), (0, (0, 0), 2), (1, (3, 4), 3), (2, (7, 7), 1), (3, (1, 6), 2), (4, (5, 2), 3)]


@pytest.fixture(scope="module")
def model():
    return as_in_page(pretrained.digits_model()).requires_grad_(False)


@pytest.fixture(scope="module")
def images():
    """As the page has them."""
    return given_examples()[0].half().float()


@pytest.fixture(scope="module")
def figure():
    return walk_figure()


# ---- Without a browser


def test_what_python_says_is_what_the_model_computes(model, images):
    """The parts of the walk, against what hooks see while the whole model runs."""
    seen = {}

    def keep(name):
        return lambda _, __, out: seen.update({name: out})

    handles = [
        model.patch_embed.register_forward_hook(keep("embedded")),
        model.layers[0].blocks[0].attn.register_forward_hook(keep("attended")),
        model.layers[0].blocks[0].register_forward_hook(keep("after")),
        model.layers[0].downsample.register_forward_hook(keep("merged")),
        model.head.register_forward_pre_hook(lambda _, inputs: seen.update(features=inputs[0])),
    ]
    logits = model(images[1:2])
    for handle in handles:
        handle.remove()
    weights = attention_by_block(model, images[1:2])
    row, column, head = 6, 3, 2
    found = walk_data(model, images[1], (row, column), head)
    for name in ("embedded", "after"):
        assert torch.allclose(torch.tensor(found[name]), seen[name][0, row, column], atol=1e-5)
    assert torch.allclose(torch.tensor(found["merged"]), seen["merged"][0, 3, 1], atol=1e-5)
    assert torch.allclose(torch.tensor(found["features"]), seen["features"][0], atol=1e-5)
    assert torch.allclose(torch.tensor(found["chances"]), logits.softmax(-1)[0], atol=1e-6)
    # window 2 is the lower left one, and (6, 3) is its token (2, 3); after a shift by 2 it is (0, 1) of window 2
    mixed = torch.tensor(found["middle"]) - torch.tensor(found["embedded"])
    assert torch.allclose(mixed, seen["attended"][2, 11], atol=1e-5)
    for part, block, query in (("plain", 0, 11), ("shifted", 1, 1)):
        expected = weights[block][0][2, head - 1, query]
        assert torch.allclose(torch.tensor(found[part]["shares"]), expected, atol=1e-6)
    summed = torch.tensor(found["plain"]["scores"]) + torch.tensor(found["plain"]["bias"])
    assert torch.allclose(summed.softmax(0), torch.tensor(found["plain"]["shares"]), atol=1e-6)
    assert [found["table"][entry] for entry in found["plain"]["entries"]] == found["plain"]["bias"]
    assert found["plain"]["tokens"] == [8 * r + c for r in range(4, 8) for c in range(4)]
    assert found["shifted"]["tokens"] == [8 * r + c for r in (6, 7, 0, 1) for c in range(2, 6)]
    assert found["shifted"]["allowed"] == [1] * 8 + [0] * 8
    assert found["four"] == [50, 58, 51, 59]  # (6, 2), (7, 2), (6, 3), (7, 3)
    for name, values in (("together", 192), ("hidden", 192), ("patch", 12)):
        assert len(found[name]) == values
    assert torch.equal(torch.tensor(found["patch"]).view(3, 2, 2), images[1][:, 12:14, 6:8])


def test_the_page_without_javascript_tells_all_steps_and_each_has_an_address(figure, model, images):
    told = sentences(walk_data(model, images[0], START, 1), **COUNTS)
    html = unescape(figure.html())
    assert len(NAMES) == len(told) == 12
    assert re.findall(r'<li id="step=(\d+)">', html) == [str(k) for k in range(1, 13)]
    for sentence, shown in zip(told, figure.steps, strict=True):
        assert f">{shown}</li>" in html
        assert_alike(shown, sentence)
    assert f'"file":"{DIGITS.file}"' in html
    assert len(html) < 150_000


def test_links_of_the_book_name_steps_of_the_walk():
    """What a page of the book calls a step is one, and of a token and head that are there."""
    linked = {}
    for path in [*BOOK.rglob("*.ipynb"), *BOOK.rglob("*.md")]:
        text = path.read_text(encoding="utf-8")
        cells = json.loads(text)["cells"] if path.suffix == ".ipynb" else [{"cell_type": "markdown", "source": [text]}]
        prose = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        for page, address in re.findall(r"\]\(([^)#]*)#(step=[^)]*)\)", prose):
            assert page == ("" if path.name == "01_tour.ipynb" else "01_tour.ipynb"), path
            found = re.fullmatch(r"step=(\d+)(?:&head=(\d))?(?:&token=(\d),(\d))?", address)
            assert found, address
            step, head, row, column = (int(each or 1) for each in found.groups())
            assert 1 <= step <= 12
            assert 1 <= head <= 3
            assert max(row, column) <= 7
            linked.setdefault(path.name[:2], set()).add(step)
    assert linked["02"] >= {11}
    assert linked["03"] >= {5}
    assert linked["04"] >= {4, 7}
    assert linked["07"] >= {9, 10}
    assert "10" in linked


def test_a_model_of_ones_own_is_walked_through_or_refused(tiny_swin, monkeypatch):
    pytest.importorskip("anywidget")
    own = tiny_swin(dtype=torch.float32, shift_size=1)
    before = copy.deepcopy(own.state_dict())
    monkeypatch.setattr(IPython, "get_ipython", type("Kernel", (), {"kernel": object()}))
    figure = walk_figure(own, torch.randn(2, 3, 12, 12), [3, 3])
    sent = figure._widget.answer["data"]["model"]
    assert sent["content"] == model_content(as_in_page(copy.deepcopy(own)))
    assert sent["name"].startswith("own-")
    assert figure.controls[0].values == {0: "number 0, a 3", 1: "number 1, a 3"}
    for name, parameter in own.state_dict().items():
        assert torch.equal(parameter, before[name]), "the learner's weights are rounded in a copy"
    with pytest.raises(ValueError, match="needs images"):
        walk_figure(own)
    with pytest.raises(ValueError, match=r"the map is 3x3, windows are 3x3, and the shift is \(0, 0\)"):
        walk_figure(own, torch.randn(1, 3, 6, 6), [0])
    with pytest.raises(ValueError, match=r"this one has \[2\] blocks"):
        walk_figure(tiny_swin(dtype=torch.float32, depths=(2,), num_heads=(2,)), torch.randn(1, 3, 12, 12), [0])


# ---- In Chromium


def assert_alike(ours, theirs):
    """The same words, and numbers that differ by one of the last place at most, as roundings may."""
    numbers = r"−?\d+(?:\.\d+)?"
    assert re.sub(numbers, "#", ours) == re.sub(numbers, "#", theirs)
    for one, other in zip(re.findall(numbers, ours), re.findall(numbers, theirs), strict=True):
        places = len(other.partition(".")[2])
        difference = abs(float(one.replace("−", "-")) - float(other.replace("−", "-")))
        assert difference <= 1.001 * 10**-places if places else difference <= 1, (ours, theirs)


def flat(value, name=""):
    """``{name: list of numbers}`` of everything in what walk_data gives."""
    if isinstance(value, dict):
        return {key: each for part in value for key, each in flat(value[part], f"{name}.{part}").items()}
    return {name: value if isinstance(value, list) else [value]}


@pytest.mark.slow
def test_what_the_page_computes_is_what_torch_computes(browser, model, images, figure, tiny_swin):
    scripts = "\n".join(map(_read, ("core.js", *SCRIPTS, "walk.js")))
    page = browser.new_page()
    page.set_content(f"<!doctype html><title>x</title><script>{scripts}</script>")
    run = """([content, pixels, data, words, places]) => {
        const model = readModel(content);
        return places.map(([image, token, head]) => {
            const found = walked(model, imageOf({ images: pixels, pixels: data.pixels }, image), token, head);
            return { found, told: sentences(found, data, words) };
        });
    }"""
    own = tiny_swin(dtype=torch.float32, depths=(3, 1), window_size=[(2, 3), 2], patch_size=(2, 1), in_channels=2)
    others = torch.randn(1, 2, 16, 12).half().float()
    own_figure = walk_figure(own, others, [0])
    cases = [
        (model, images, figure, PLACES),
        (as_in_page(own), others, own_figure, [(0, (0, 0), 1), (0, (7, 11), 2), (0, (3, 6), 1)]),
    ]
    greatest = 0.0
    for network, pictures, each, places in cases:
        data = each.answer()
        counts = {name: data[name] for name in COUNTS}
        words = each._spec["words"]
        answers = page.evaluate(run, [model_content(network), data["images"], data, words, places])
        for (image, token, head), answer in zip(places, answers, strict=True):
            expected = walk_data(network, pictures[image], token, head)
            theirs, ours = flat(expected), flat(answer["found"])
            assert set(theirs) == set(ours)
            for name, values in theirs.items():
                one, other = torch.tensor(ours[name]).double(), torch.tensor(values).double()
                assert one.shape == other.shape, name
                largest = other.abs().max().clamp(min=1e-9)
                greatest = max(greatest, ((one - other).abs().max() / largest).item())
                assert (one - other).abs().max() <= TOLERANCE * largest, (name, image, token, head)
            for shown, said in zip(answer["told"], sentences(expected, **counts), strict=True):
                assert_alike(shown, said)
    print(f"greatest difference: {greatest:.1e} of the largest magnitude")
    page.close()


LINK = '<p><a id="link" href="#step=10&head=3&token=7,7">the corner</a></p>'


@pytest.fixture(scope="module")
def address(book_page, figure):
    """The figure far below the beginning of its page."""
    return book_page(f'{LINK}<div style="height: 3000px"></div>{figure.html()}', DIGITS)


def words_of(page, start=""):
    """The sentence of the live region, once it begins as it should."""
    status = page.get_by_role("status")
    status.filter(has_text=start).wait_for()
    return status.inner_text()


def texts(page):
    """``{(row, column): text}`` of the cells that have one."""
    found = page.locator("[data-text]").evaluate_all("all => all.map(g => [g.dataset.text, g.textContent])")
    return {tuple(map(int, place.split(","))): text for place, text in found}


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_the_walk_in_use(browser, address, model, images, width, scheme, axe_findings):
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, has_touch=width < 500)
    page = context.new_page()
    problems, asked = [], []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    told = sentences(walk_data(model, images[0], START, 1), **COUNTS)

    # forward by Next, at the start token: Python's numbers, and no weights are loaded for them
    next_link = page.get_by_role("link", name="Next →")
    for step, sentence in enumerate(told, start=1):
        shown = words_of(page, f"Step {step} of 12. ")
        assert_alike(shown, f"Step {step} of 12. {sentence}")
        assert page.locator('[aria-current="step"]').inner_text().split() == [str(step), NAMES[step - 1]]
        if step < 12:
            (next_link.tap if width < 500 else next_link.click)()
    assert next_link.get_attribute("aria-disabled") == "true"
    assert page.evaluate("location.hash") == f"#step=12&head=1&token={START[0]},{START[1]}"
    items = page.locator("details li")
    assert items.count() == 12
    for shown, said in zip(items.all_text_contents(), told, strict=True):
        assert_alike(shown, said)

    # the browser's own Back, then keys
    page.go_back()
    words_of(page, "Step 11 of 12. ")
    page.locator('[aria-current="step"]').focus()
    for key, step in (("ArrowLeft", 10), ("Home", 1), ("ArrowLeft", 1), ("End", 12), ("ArrowLeft", 11)):
        page.keyboard.press(key)
        words_of(page, f"Step {step} of 12. ")
        assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "step"

    # another token and head, computed here; choosing them is no step for Back
    page.locator('nav[aria-label="Steps"] a').nth(5).click()
    page.locator("[data-cell='2,5']").click()
    page.locator("select[name=head]").select_option(label="3")
    page.locator("[data-cell][tabindex='0']").press("ArrowUp")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.cell") == "1,5"
    assert page.evaluate("location.hash") == "#step=6&head=3&token=1,5"
    assert [url.rsplit("/", 1)[-1] for url in asked if "models" in url] == ["digits.js"]
    expected = walk_data(model, images[0], (1, 5), 3)
    words_of(page, "Step 6 of 12. A softmax")
    assert_alike(words_of(page), f"Step 6 of 12. {sentences(expected, **COUNTS)[5]}")
    for part, step in (("plain", 6), ("shifted", 10), ("scores", 4), ("bias", 5)):
        page.locator('nav[aria-label="Steps"] a').nth(step - 1).click()
        words_of(page, f"Step {step} of 12. ")
        of = expected["shifted" if part == "shifted" else "plain"]
        values = dict(zip(of["tokens"], of["shares" if part in expected else part], strict=True))
        shown = texts(page)
        may = [t for t, allowed in zip(of["tokens"], of["allowed"], strict=True) if allowed]
        assert set(shown) == {divmod(token, 8) for token in may}
        for token in may:
            value = float(shown[divmod(token, 8)].replace("−", "-"))
            assert abs(value - (100 if part in expected else 1) * values[token]) <= (
                0.51 if part in expected else 0.051
            )
    page.locator("select[name=image]").select_option(label="a 7")
    assert page.evaluate("location.hash") == "#step=5&head=3&token=1,5&image=2"
    of_seven = walk_data(model, images[1], (1, 5), 3)
    assert_alike(words_of(page), f"Step 5 of 12. {sentences(of_seven, **COUNTS)[4]}")

    # an address: in a link of the page, at the start, and one that is nonsense
    page.evaluate("scrollTo(0, 0)")
    page.locator("#link").click()
    corner = sentences(walk_data(model, images[0], (7, 7), 3), **COUNTS)[9]
    words_of(page, "Step 10 of 12. The mask leaves the token 4 of the 16")
    assert_alike(words_of(page), f"Step 10 of 12. {corner}")
    assert page.locator("select[name=head]").input_value() == "3"
    assert page.locator("figure.swin-figure").bounding_box()["y"] < 400  # it came into view
    page.reload()
    words_of(page, "Step 10 of 12. The mask leaves the token 4 of the 16")
    page.evaluate("location.hash = '#step=99&head=x&token=40,'")
    words_of(page, f"Step 12 of 12. {told[11][:20]}")
    page.evaluate("location.hash = '#recap'")
    assert words_of(page).startswith("Step 12 of 12. ")

    # nothing too wide, nothing too small for a finger, nothing moves, nothing for axe, and print keeps all sentences
    page.locator('nav[aria-label="Steps"] a').nth(4).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for link in page.locator("nav a").all():
        assert link.bounding_box()["height"] >= 44
        assert link.evaluate("a => a.scrollWidth <= a.clientWidth")
    assert page.evaluate("document.getAnimations().length") == 0
    assert axe_findings(page) == []
    assert problems == []
    assert all(url.startswith("file:") for url in asked if not url.startswith("data:"))
    context.close()


@pytest.mark.slow
def test_without_javascript_a_step_is_a_place_of_the_page(browser, address):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{address}#step=9")
    step = page.locator("li").nth(8)
    assert step.inner_text().startswith("Block 2 rolls the map")
    assert 0 <= step.bounding_box()["y"] < 844
    picture = page.get_by_role("img").first
    assert picture.bounding_box()["width"] > 300
    assert picture.get_attribute("alt").startswith("Twelve panels, one for each step, over the outline of a 4")
    context.close()


@pytest.mark.slow
def test_it_says_when_the_weights_are_not_there(browser, book_page, figure):
    page = browser.new_page()
    page.goto(book_page(figure.html()) + "#step=4")
    words_of(page, "Step 4 of 12. ")  # the start needs none
    page.locator("[data-cell='0,0']").click()
    failed = WORDS["failed"].partition("{")[0]
    assert "_static/models/digits.js is not there" in words_of(page, failed)
    page.close()
