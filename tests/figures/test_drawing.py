"""The drawing of the model: its numbers against models, its parts and links, and how it looks in a browser."""

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from swinlib import SwinTransformer, figures, swin_b, swin_v2_t
from swinlib.figures.cover import SIZE, cover
from swinlib.figures.drawing import (
    HERE,
    LIT,
    PARTS,
    Stage,
    anatomy,
    chapter_figure,
    default_anatomy,
    draw_model,
    drawing_style,
    map_pictures,
    model_figure,
)

FORMS = ("wide", "narrow", "strip of the model", "strip of a block")
LINKS = {name: f"{part.page}.html#{part.anchor}" for name, part in PARTS.items()}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def swin_t():
    """Swin-T, as it is drawn."""
    return default_anatomy()


def meta(build, **options):
    """A model without weights."""
    with torch.device("meta"):
        return build(**options)


def texts(svg):
    """All lines of text in a drawing, but for titles and the numbers of chapters."""
    found = []
    for element in ElementTree.fromstring(svg).iter():
        if element.get("class") == "disk":
            for number in element.iter(f"{SVG}text"):
                number.text = None
        elif element.tag == f"{SVG}text" and element.text:
            found.append(element.text)
    return found


# -- numbers ----------------------------------------------------------------------------------------------------------


def test_swin_t_has_the_numbers_of_the_paper(swin_t):
    """Table 7 of arXiv 2103.14030; windows and shifts by division."""
    sides, windows, shifts = (56, 28, 14, 7), (64, 16, 4, 1), ((3, 3),) * 3 + ((0, 0),)
    found = [stage.__dict__ | {"weights": None} for stage in swin_t.stages]
    assert found == [
        Stage(side, side, 96 * 2**k, (7, 7), windows[k], shifts[k], (3, 6, 12, 24)[k], (2, 2, 6, 2)[k], None).__dict__
        for k, side in enumerate(sides)
    ]
    assert (swin_t.image, swin_t.patch, swin_t.scores, swin_t.weights) == ((3, 224, 224), (4, 4), 1000, 28_288_354)
    assert (swin_t.head_dim, swin_t.hidden, swin_t.version) == (32, 384, 1)


def test_another_model_shows_its_own_numbers(tiny_swin):
    """A map of 15×20 tokens in windows of 3: 5×7 windows, the last column of them padded; then 8×10."""
    model = tiny_swin(depths=(3, 1), dtype=torch.float32)
    facts = anatomy(model, (30, 40))
    first, last = facts.stages
    assert (first.shape, first.in_windows, first.shift, first.heads, first.blocks) == (
        "15×20×16",
        "35 of 3×3",
        (1, 1),
        2,
        3,
    )
    assert (last.shape, last.in_windows, last.heads, last.blocks) == ("8×10×32", "12 of 3×3", 4, 1)
    assert last.shift == (0, 0), "a stage of one block never shifts"
    assert first.weights == sum(p.numel() for p in model.layers[0].blocks.parameters())
    wide = texts(draw_model(facts, "wide"))
    for words in ("30×40×3", "2×2 conv", "15×20×16", "35 of 3×3", "8×10×32", "12 of 3×3", "16 → 64 → 16", "5"):
        assert words in wide
    assert f"the whole model, {sum(p.numel() for p in model.parameters()):,} weights" in wide
    assert "blocks 1, 3, …: plain windows" in wide
    assert "blocks 2, 4, …: windows shifted by 1" in wide
    narrow = texts(draw_model(facts, "narrow"))
    for words in ("8×10×32", "12 windows of 3×3", "1 block, 4 heads", "5 scores"):
        assert words in narrow
    assert not {"56×56×96", "stage 3", "1000", "1000 scores"} & {*wide, *narrow}


def test_what_the_drawing_says_in_words_are_the_same_numbers(swin_t):
    description = ElementTree.fromstring(draw_model(swin_t)).find(f"{SVG}desc").text
    for words in (
        "224 by 224 pixels",
        "4 stages",
        "56 by 56 with 96 channels",
        "7 by 7 with 768 channels",
        "1000 scores",
    ):
        assert words in description


def layers(words):
    """The layers of the block, in order."""
    of_block = words[words.index("one block") :]
    return [word.split(":")[0] for word in of_block if re.match("norm|attention|MLP", word)]


def test_version_2_norms_at_the_end_of_a_branch_and_measures_an_angle(swin_t):
    new = anatomy(meta(swin_v2_t), 256)
    for form in ("wide", "narrow"):
        first, second = (texts(draw_model(facts, form)) for facts in (swin_t, new))
        assert layers(first) == ["norm", "attention", "norm", "MLP"]
        assert layers(second) == ["attention", "norm", "MLP", "norm"]
        assert "softmax( q kᵀ/√32 + B + m ) v" in first
        assert "softmax( cos(q, k)/τ + B + m ) v" in second
    assert new.stages[0].in_windows == "64 of 8×8"


def test_a_model_without_head_or_shift_is_drawn_so():
    facts = anatomy(meta(SwinTransformer, num_classes=0, shift_size=0))
    wide = texts(draw_model(facts))
    assert {"768", "features", "plain windows, no shift"} <= set(wide)
    assert not {"scores", "linear"} & set(wide)


def test_reading_a_model_leaves_it_as_it_is(tiny_swin):
    model = tiny_swin(dtype=torch.float32).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    anatomy(model, 24)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_each_token_of_a_picture_is_the_mean_of_its_pixels(tiny_swin):
    image = torch.rand(3, 24, 24)
    pictures = map_pictures(image, anatomy(tiny_swin(), 24))
    pixels = [np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))) for uri in pictures]
    assert [each.shape for each in pixels] == [(24, 24, 3), (12, 12, 3), (6, 6, 3)]
    expected = (image[:, 4:8, 8:12].mean((1, 2)) * 255).round()
    assert np.abs(pixels[2][1, 2] - expected.numpy()).max() <= 1


# -- parts and links --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_parts_are_links_with_names_or_none(swin_t, form):
    plain = ElementTree.fromstring(draw_model(swin_t, form))
    assert plain.find(f".//{SVG}a") is None
    links = list(ElementTree.fromstring(draw_model(swin_t, form, links=LINKS)).iter(f"{SVG}a"))
    assert links
    for link in links:
        part = PARTS[link.get("data-part")]
        assert link.get("href") == f"{part.page}.html#{part.anchor}"
        assert link.find(f"{SVG}title").text == f"{part.name}: chapter {part.chapter}"
        disks = [group.find(f"{SVG}text").text for group in link.iter(f"{SVG}g") if group.get("class") == "disk"]
        assert set(disks) == {str(part.chapter)}
        words = [each.text for each in link.iter(f"{SVG}text") if "name" in each.get("class", "").split()]
        if words and form == "wide" and "," in part.name:
            assert any(word.split()[0].strip(",") in part.name for word in words), "the name holds what is seen"


def test_every_part_is_in_the_large_drawing_and_in_the_small_one(swin_t):
    def parts(*forms):
        return {name for form in forms for name in re.findall(r'data-part="(\w+)"', draw_model(swin_t, form))}

    assert parts("wide") == parts("narrow") == parts(*FORMS[2:]) == set(PARTS)


def test_a_chapter_lights_its_parts_and_says_so(swin_t):
    assert set(LIT) == set(HERE)
    assert set(LIT) >= set(range(2, 11))
    for chapter in LIT:
        own = {name for name, part in PARTS.items() if part.chapter == chapter}
        assert own <= LIT[chapter]
        figure = chapter_figure(swin_t, chapter, links=LINKS)
        lit = set(re.findall(r'class="lit" data-part="(\w+)" aria-current="true"', figure))
        assert lit == LIT[chapter]
        assert figure.count("you are here") >= len(lit)
        assert figure.count('class="here"') > len(lit), "a triangle for each, and one for the words"
        assert f"You are here: {HERE[chapter]}." in figure
    assert LIT[3] - {"mask"} == {"index"}, "the mask is chapter 7's, and one of the tensors that chapter 3 is about"


def test_what_is_not_there_is_refused(swin_t):
    with pytest.raises(ValueError, match="no form 'huge'"):
        draw_model(swin_t, "huge")
    with pytest.raises(ValueError, match="no parts 'neck'; there are batch"):
        draw_model(swin_t, lit={"neck"})
    with pytest.raises(ValueError, match="chapter 1; choose one of 2, 3,"):
        chapter_figure(swin_t, 1)


def test_the_drawing_is_light_and_always_the_same(swin_t):
    large = model_figure(swin_t, links=LINKS)
    assert large == model_figure(swin_t, links=LINKS)
    assert len(large.encode()) < 40_000
    assert large.count("data:image/webp") == 5
    assert all(len(chapter_figure(swin_t, chapter, links=LINKS).encode()) < 8_192 for chapter in LIT)


def test_it_is_shown_in_a_notebook(tiny_swin):
    shown = figures.show_model(tiny_swin(), image_size=24).data
    assert "12×12×16" in shown
    assert ".swin-drawing" in shown
    assert "<a " not in shown


def test_cover_is_as_large_as_cards_are():
    picture = cover("Title", "line")
    assert tuple(map(int, picture.get_size_inches() * picture.dpi)) == SIZE
    assert {text.get_text() for text in picture.texts} >= {"Title", "line"}
    for text in picture.texts:
        box = text.get_window_extent()
        assert box.x0 > 0
        assert box.x1 < SIZE[0] - SIZE[1], "the words end before the photograph"


# -- in a browser -----------------------------------------------------------------------------------------------------

# What is seen of a drawing: lines of text and the disks of numbers, as boxes on the screen.
SEEN = """
    () => [...document.querySelectorAll("figure.swin-drawing svg[role=group]")]
        .filter(svg => svg.getBoundingClientRect().width)
        .map(svg => {
            const edge = svg.getBoundingClientRect();
            const scale = svg.getScreenCTM().a;
            const boxes = [...svg.querySelectorAll("text, .disk circle")]
                .filter(each => each.tagName === "circle" || !each.closest(".disk"))
                .map(each => {
                    const { left, top, right, bottom } = each.getBoundingClientRect();
                    const size = parseFloat(getComputedStyle(each).fontSize) * scale;
                    // a line of text is as high as its font, letters are less
                    const cut = each.tagName === "text" ? 0.14 * (bottom - top) : 1;
                    const words = each.textContent || "disk";
                    return { words, left, right, top: top + cut, bottom: bottom - cut, size };
                });
            const numbers = [...svg.querySelectorAll(".disk text")];
            const smallest = Math.min(...boxes.filter(box => box.words !== "disk").map(box => box.size),
                ...numbers.map(number => parseFloat(getComputedStyle(number).fontSize) * scale));
            return { kind: svg.getAttribute("class"), boxes, smallest, scale,
                     edge: { left: edge.left, top: edge.top, right: edge.right, bottom: edge.bottom } };
        })
"""
# Lines of text inside of a box that do not fit it.
TOO_WIDE = """
    () => [...document.querySelectorAll("figure.swin-drawing svg[role=group] text.inside")]
        .filter(text => text.getBoundingClientRect().width)
        .filter(text => {
            const own = text.getBoundingClientRect();
            const boxes = [...text.parentElement.querySelectorAll("rect.box")].map(box => box.getBoundingClientRect());
            return boxes.length && !boxes.some(box => box.left + 1 < own.left && own.right < box.right - 1);
        })
        .map(text => text.textContent)
"""


def collisions(boxes):
    """Pairs of boxes that share some of the screen."""
    return [
        (a["words"], b["words"])
        for k, a in enumerate(boxes)
        for b in boxes[:k]
        if min(a["right"], b["right"]) - max(a["left"], b["left"]) > 0.5
        and min(a["bottom"], b["bottom"]) - max(a["top"], b["top"]) > 0.5
    ]


def outside(drawing):
    """Texts that leave their drawing."""
    edge = drawing["edge"]
    return [
        box["words"]
        for box in drawing["boxes"]
        if box["left"] < edge["left"]
        or box["right"] > edge["right"]
        or box["top"] < edge["top"]
        or box["bottom"] > edge["bottom"]
    ]


@pytest.fixture
def open_drawings(browser, tmp_path):
    """``open_drawings(*figures, width=..., theme=...)`` gives a page that holds them."""
    opened = []

    def open_page(*drawn, width, theme="light"):
        paper, ink = ("#fff", "#222832") if theme == "light" else ("#121212", "#ced6dd")
        path = tmp_path / "drawing.html"
        path.write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>x</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>body {{ --pst-color-background: {paper}; background: {paper}; color: {ink}; margin: 0 16px }}"
            f"{drawing_style()}</style><main><h1>x</h1>{''.join(drawn)}</main></html>",
            encoding="utf-8",
        )
        page = browser.new_page(viewport={"width": width, "height": 900})
        opened.append(page)
        page.goto(path.as_uri())
        return page

    yield open_page
    for page in opened:
        page.close()


MODELS = {
    "Swin-T": default_anatomy,
    "Swin-B": lambda: anatomy(meta(swin_b)),
    "Swin-T of version 2": lambda: anatomy(meta(swin_v2_t), 256),
    "two stages": lambda: anatomy(
        meta(SwinTransformer, embed_dim=16, depths=(2, 2), num_heads=(2, 4), window_size=3, num_classes=5), (96, 128)
    ),
}


@pytest.mark.parametrize("width", [390, 720, 822])
@pytest.mark.parametrize("model", MODELS)
def test_nothing_overlaps_and_letters_are_large_enough(open_drawings, model, width):
    """At 720 and 822, the column of text has the 688 and 790 pixels that it has in windows of 1280 and of 1440."""
    facts = MODELS[model]()
    page = open_drawings(model_figure(facts, links=LINKS), chapter_figure(facts, 7, links=LINKS), width=width)
    drawings = page.evaluate(SEEN)
    form = "swin-narrow" if width == 390 else "swin-wide"
    assert [drawing["kind"] for drawing in drawings] == [form, "swin-strip", "swin-strip"]
    for drawing in drawings:
        assert collisions(drawing["boxes"]) == []
        assert outside(drawing) == []
        assert drawing["smallest"] > 10.4, "the numbers in disks; all else is a pixel larger"
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_collision_would_be_seen(open_drawings, swin_t):
    """Else the test above could not fail."""
    narrow = draw_model(swin_t, "narrow", links=LINKS)
    page = open_drawings(f'<figure class="swin-drawing"><div>{narrow}</div></figure>', width=390)
    page.evaluate("document.querySelectorAll('svg text.name').forEach(text => { text.style.fontSize = '26px' })")
    (drawing,) = page.evaluate(SEEN)
    assert collisions(drawing["boxes"])
    page.evaluate("document.querySelector('svg text.name').setAttribute('x', '330')")
    assert outside(page.evaluate(SEEN)[0])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(open_drawings, swin_t, width, theme):
    small = [chapter_figure(swin_t, chapter, links=LINKS) for chapter in (2, 5, 10)]
    page = open_drawings(model_figure(swin_t, links=LINKS), *small, width=width, theme=theme)
    violations = Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"][:100] for node in each["nodes"]]) for each in violations] == []


# axe-core does not look at letters in SVG, so this does: against the paper, or the shape that they stand on.
CONTRASTS = """
    () => {
        const numbers = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
        const light = colour => numbers(colour).map(c => c / 255)
            .map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
            .reduce((sum, c, k) => sum + c * [.2126, .7152, .0722][k], 0);
        const paper = getComputedStyle(document.body).backgroundColor;
        const ground = text => {
            const disk = text.closest(".disk")?.querySelector("circle");
            const box = text.classList.contains("inside") && [...text.parentElement.querySelectorAll("rect.box")][0];
            const fill = disk || box ? getComputedStyle(disk || box).fill : paper;
            return fill === "none" ? paper : fill;
        };
        return [...document.querySelectorAll("figure.swin-drawing svg text")]
            .filter(text => text.getBoundingClientRect().width)
            .map(text => {
                const [a, b] = [light(getComputedStyle(text).fill), light(ground(text))].sort((x, y) => y - x);
                return [(a + .05) / (b + .05), text.textContent];
            });
    }
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_letters_stand_out(open_drawings, swin_t, theme):
    small = [chapter_figure(swin_t, chapter, links=LINKS) for chapter in LIT]
    page = open_drawings(model_figure(swin_t, links=LINKS), *small, width=720, theme=theme)
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 200
    assert [words for ratio, words in contrasts if ratio < 4.5] == []


def test_on_paper_all_is_black_on_white(open_drawings, swin_t):
    page = open_drawings(model_figure(swin_t, links=LINKS), width=720, theme="dark")
    page.emulate_media(media="print")
    text = page.locator("svg.swin-wide text.name").first
    assert text.evaluate("text => getComputedStyle(text).fill") == "rgb(0, 0, 0)"
    assert (
        page.locator("svg.swin-wide .box").first.evaluate("box => getComputedStyle(box).fill") == "rgb(255, 255, 255)"
    )


def test_keyboard_goes_through_the_parts_that_are_seen(open_drawings, swin_t):
    page = open_drawings(model_figure(swin_t, links=LINKS), width=390)
    named = page.get_by_role("link")
    assert named.count() == page.locator("svg.swin-narrow a").count()
    for _ in range(named.count()):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('svg.swin-narrow') !== null")
    assert page.get_by_role("link", name="merge, four tokens become one: chapter 2").count() == 1
