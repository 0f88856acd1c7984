"""The built pages are light, and look as they should all the same: an unstyled page would be lightest."""

import pytest
from pages import PHONE, pages_of, served, visit

CHAPTER = "book/07_roll_and_shifted_windows.html"
HEAVIEST = "book/10_whole_model.html"
KILOBYTES = {"pictureless": 180, "until_load": 250}


@pytest.fixture(scope="module")
def start(book_html):
    """The address of the book on a server that compresses."""
    with served(book_html) as address:
        yield address


@pytest.mark.parametrize(
    "chapters",
    [True, pytest.param(False, marks=pytest.mark.slow)],
    ids=["two chapters", "all others"],
)
def test_bytes_of_a_page(book_html, start, browser, chapters):
    pages = [page for page in pages_of(book_html) if (page in (CHAPTER, HEAVIEST)) == chapters]
    heavy = {}
    for page in pages:
        measured = visit(browser, start + page, slow=False, scroll=chapters)
        for name, most in KILOBYTES.items():
            if getattr(measured, name) > 1000 * most:
                heavy[page] = f"{name}: {getattr(measured, name)} bytes"
        assert measured.pictureless > 20_000, f"{page} has hardly anything in it"
        assert measured.shift <= 0.05, f"{page} moves by {measured.shift}"
    assert pages
    assert not heavy


def test_a_page_asks_for_a_style_a_script_and_a_font(start, browser):
    page = browser.new_page(viewport=PHONE)
    asked = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(start).partition("?")[0]))
    page.goto(start + CHAPTER)
    asked = [name for name in asked if not name.startswith(("_images/", "_static/figures/", "data:"))]
    assert sorted(asked) == [
        "_static/book.css",
        "_static/book.js",
        "_static/mathematics.css",
        CHAPTER,
    ]
    page.close()


def test_the_index_comes_with_a_search(start, browser):
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(start + "search.html", wait_until="networkidle")
    assert not any("searchindex" in url for url in asked)
    page.goto(start + "search.html?q=roll")
    page.wait_for_selector("#search-results li a")
    assert any("searchindex" in url for url in asked)
    assert "found" in page.get_by_role("status").filter(has_text="page").first.inner_text()
    page.close()


LOOK = """
    () => {
        const style = (selector, name) => getComputedStyle(document.querySelector(selector))[name];
        const box = selector => document.querySelector(selector).getBoundingClientRect().toJSON();
        const size = selector => parseFloat(style(selector, "fontSize"));
        return {
            size: { text: size("article p"), h1: size("h1"), h2: size("h2"), code: size("article pre") },
            article: box("article"), sidebar: box("#pst-primary-sidebar"), contents: box("#pst-secondary-sidebar"),
            code: [style("article pre", "backgroundColor"), style("article pre", "fontFamily")],
            page: [style("body", "backgroundColor"), style("body", "color")],
            keyword: style("article pre .kn", "color"),
            mathematics: [...document.querySelectorAll("article math")].filter(each => each.checkVisibility())
                .map(each => each.getBoundingClientRect().height),
            offCentre: [...document.querySelectorAll("div.math > math")].filter(each => each.checkVisibility())
                .map(each => [each, each.parentElement].map(one => one.getBoundingClientRect()))
                .map(([inner, outer]) => Math.abs(inner.left + inner.right - outer.left - outer.right) / 2),
            font: [...document.fonts].filter(each => each.status === "loaded").map(each => each.family),
            icons: [...document.querySelectorAll(".bd-header-article svg")].filter(each => each.checkVisibility())
                .map(each => each.getBoundingClientRect().height),
            inFirstScreen: [...document.querySelectorAll("img[loading=lazy]")]
                .filter(each => each.getBoundingClientRect().top < innerHeight).map(each => each.alt),
            withoutSize: [...document.querySelectorAll("img:not([width][height])")].map(each => each.src),
            menu: style(".dropdown-menu", "display"),
        };
    }
"""


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_look_of_a_page(start, browser, mode):
    context = browser.new_context(color_scheme=mode, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(start + CHAPTER)
    page.evaluate("document.fonts.ready")
    look = page.evaluate(LOOK)
    sizes = look["size"]
    assert sizes["h1"] > 1.5 * sizes["text"] > sizes["text"] >= 16 > sizes["code"] >= 12
    assert sizes["h2"] > 1.3 * sizes["text"]
    assert look["sidebar"]["right"] <= look["article"]["left"]
    assert look["article"]["right"] <= look["contents"]["left"]
    assert look["sidebar"]["top"] == 0
    assert look["article"]["width"] >= 600
    background, family = look["code"]
    assert background not in ("rgba(0, 0, 0, 0)", look["page"][0])
    assert "mono" in family.lower()
    light, dark = look["page"] if mode == "light" else look["page"][::-1]
    assert brightness(light) > 0.8 > 0.2 > brightness(dark)
    assert look["keyword"] != look["page"][1]
    assert len(look["mathematics"]) >= 15
    assert all(8 < height < 120 for height in look["mathematics"])
    assert max(look["offCentre"]) < 2
    assert look["font"] == ["STIX Two Math"]
    assert look["icons"]
    assert all(10 < height < 40 for height in look["icons"])
    assert not look["inFirstScreen"]
    assert not look["withoutSize"]
    assert look["menu"] == "none"
    page.get_by_label("Download this page").click()
    menu = page.locator(".dropdown-menu").bounding_box()
    assert 0 <= menu["x"] <= menu["x"] + menu["width"] <= 1280
    page.keyboard.press("Escape")
    assert not page.locator(".dropdown-menu").is_visible()
    # The reader's choice goes before the system's, and is there from the first paint on.
    switch = page.get_by_role("button", name="Colours: as the system has them")
    switch.click()
    other = "dark" if mode == "light" else "light"
    while page.evaluate("document.documentElement.dataset.mode") != other:
        page.locator(".theme-switch-button").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == other
    first = page.evaluate("document.querySelector('head :is(script, link[rel=stylesheet])').textContent")
    assert "prefers-color-scheme" in first
    context.close()


def brightness(colour: str) -> float:
    """Return the mean of red, green and blue of ``rgb(…)``, from 0 to 1."""
    return sum(int(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]) / 3 / 255


TORN_NAMES = """
    () => [...document.querySelectorAll("article pre span[class]")]
        .filter(word => /^[\\w.]+$/.test(word.textContent) && word.getClientRects().length > 1)
        .map(word => word.textContent)
"""


def test_code_on_a_telephone_breaks_at_spaces_only(start, browser):
    page = browser.new_page(viewport=PHONE)
    for address in (CHAPTER, HEAVIEST):
        page.goto(start + address)
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
        assert not page.evaluate(TORN_NAMES)
        assert page.locator("article pre .n").count() > 100
    page.close()


def test_print_shows_pictures_and_what_is_folded(start, browser):
    page = browser.new_page()
    page.goto(start + CHAPTER)
    page.emulate_media(media="print")
    assert not page.locator("#pst-primary-sidebar").is_visible()
    assert not page.locator(".bd-header-article").is_visible()
    assert page.locator("article math").first.is_visible()
    # What is folded is open on paper, and closed again afterwards.
    folded = "[...document.querySelectorAll('article details')].filter(each => !each.open).length"
    closed = page.evaluate(folded)
    assert closed > 10
    page.evaluate(f"addEventListener('beforeprint', () => {{ globalThis.closedInPrint = {folded}; }})")
    # Pictures that nobody has scrolled to are printed too.
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.pdf()
    assert page.evaluate("closedInPrint") == 0
    assert page.evaluate(folded) == closed
    page.wait_for_load_state("networkidle")
    lazy = page.evaluate("[...document.images].filter(each => !each.naturalWidth).length")
    assert lazy == 0
    page.close()
