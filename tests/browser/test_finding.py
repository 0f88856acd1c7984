"""A reader finds terms, functions and what belongs to a chapter, in pages that are opened as files."""

import gzip
import re
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup
from inspection import DESKTOP, PHONE, accessibility_problems

CHAPTER = "book/07_roll_and_shifted_windows.html"
ENTRY = ".glossary-entry"

# By how many pixels the page is higher for it. Both heights are of one moment: figures below may still be mounting.
TAKES_NO_ROOM = """selector => {
    const entry = document.querySelector(selector), shown = document.body.scrollHeight;
    entry.hidden = true;
    const without = document.body.scrollHeight;
    entry.hidden = false;
    return shown - without;
}"""


@pytest.fixture(scope="module")
def start(book_html):
    """The address of the book as a folder of files."""
    return f"{book_html.as_uri()}/"


def results(page, start, query):
    """What the search answers: addresses and texts, the first first."""
    page.goto(f"{start}search.html?q={quote(query)}")
    page.get_by_role("status").filter(has_text=re.compile("found|did not match")).first.wait_for(state="attached")
    return [
        (line.locator("a").first.get_attribute("href"), line.inner_text())
        for line in page.locator("#search-results li").all()
    ]


def test_search_finds_terms_in_both_languages_and_functions(start, context):
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    shift = "book/glossary.html#term-cyclic-shift"
    meaning = "A roll of the map by half a window."
    for query in ("cyclic shift", "Cyclic Shift", "循环移位", "循环"):
        address, text = results(page, start, query)[0]
        assert address == shift, query
        assert text == f"Glossary: cyclic shift · 循环移位 ({meaning})"
    assert results(page, start, "查询")[0][0] == "book/glossary.html#term-query"
    assert results(page, start, "Hadamard product")[0][0] == "book/glossary.html#term-element-wise-product"
    assert [address for address, _ in results(page, start, "移位")] == ["book/glossary.html#term-shifted-window", shift]
    for query, name in {
        "window_partition": "swinlib.windows.window_partition",
        "swinlib.cyclic_shift": "swinlib.windows.cyclic_shift",
        "forward_intermediates": "swinlib.model.SwinTransformer.forward_intermediates",
        "SwinTransformerBlock": "swinlib.blocks.SwinTransformerBlock",
    }.items():
        assert f"book/api.html#{name}" in [address for address, _ in results(page, start, query)], query
    assert results(page, start, "zzyzx") == []
    # Typed into the field of a page, by keys alone.
    page.set_viewport_size(DESKTOP)
    page.goto(start + CHAPTER)
    page.keyboard.press("Control+k")
    page.keyboard.type("窗口注意力")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li")
    assert (
        page.locator("#search-results li a").first.get_attribute("href") == "book/glossary.html#term-window-attention"
    )
    assert not errors


def test_a_word_shows_its_entry(start, context):
    """By mouse and keys: it can be pointed at, stays until one leaves it, goes by Escape, and moves nothing."""
    page = context.new_page()
    page.set_viewport_size(DESKTOP)
    asked = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto(start + CHAPTER)
    assert "glossary.js" not in asked
    entry, words = page.locator(ENTRY), page.locator("a.linked-term")
    title = words.nth(0).get_attribute("title")
    words.nth(0).hover()
    entry.wait_for()
    page.wait_for_selector(f"{ENTRY} [lang=zh]")
    assert entry.inner_text().split("\n\n") == ["window · 窗口", title]
    assert entry.get_attribute("role") == "tooltip"
    assert words.nth(0).get_attribute("aria-describedby") == entry.get_attribute("id")
    assert words.nth(0).get_attribute("title") is None  # the browser would show it, too
    assert page.evaluate(TAKES_NO_ROOM, ENTRY) == 0
    entry.hover()
    page.wait_for_timeout(600)
    assert entry.count() == 1
    page.keyboard.press("Escape")
    assert entry.count() == 0
    assert words.nth(0).get_attribute("title") == title
    # Keys: on the word and on those that the arrows lead to.
    words.nth(2).focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    assert entry.inner_text().startswith(words.nth(2).inner_text())
    page.wait_for_timeout(600)
    assert entry.count() == 1
    assert not accessibility_problems(page)
    page.keyboard.press("Escape")
    assert entry.count() == 0
    assert words.nth(2).evaluate("word => word === document.activeElement")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("glossary.html#term-feature-map"))
    assert asked.count("glossary.js") == 1


def test_a_finger_reads_first_and_goes_then(start, browser):
    context = browser.new_context(viewport=PHONE, has_touch=True, color_scheme="dark")
    page = context.new_page()
    page.goto(start + CHAPTER)
    entry, words = page.locator(ENTRY), page.locator("article a.linked-term:visible")
    for place in range(words.count()):
        words.nth(place).tap()
        assert page.url == start + CHAPTER
        page.wait_for_selector(f"{ENTRY} .glossary-names")
        box = entry.bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= PHONE["width"]
        assert 0 <= box["y"] <= box["y"] + box["height"] <= PHONE["height"]
        assert entry.evaluate("box => box.scrollWidth <= box.clientWidth && box.scrollHeight <= box.clientHeight")
        assert entry.inner_text().endswith("Tap the word again to go to the glossary.")
        entry.tap()  # out of the way of the next word
        assert entry.count() == 0
    assert place > 10
    words.nth(0).tap()
    assert not accessibility_problems(page)
    page.locator("article h1").tap()
    assert entry.count() == 0
    words.nth(0).tap()
    words.nth(0).tap()
    page.wait_for_url(re.compile("glossary.html#term-window"))
    context.close()


def test_entries_are_light(book_html):
    script = (book_html / "_static/glossary.js").read_bytes()
    assert 3_000 < len(gzip.compress(script)) < 9_000


def test_a_chapter_leads_to_what_belongs_to_it(book_html, start, context):
    page = context.new_page()
    page.goto(start + CHAPTER)
    belongs = page.get_by_role("navigation", name="What belongs to this chapter")
    assert belongs.get_by_role("link", name="Exercises for chapter 7").is_visible()
    found = {}
    for path in sorted((book_html / "book").glob("[0-9][0-9]_*.html")):
        html = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        found[path.stem] = [link["href"] for link in html.select("article nav.chapter-links a")]
    assert found["07_roll_and_shifted_windows"] == [
        "exercises/07_roll_and_shifted_windows.html",
        "../_sources/book/07_roll_and_shifted_windows.ipynb",
        "api.html#module-swinlib.windows",
        "api.html#module-swinlib.blocks",
        "api.html#module-swinlib.attention",
        "api.html#module-swinlib.resampling",
        "corrections.html#torch-roll",
    ]
    assert len(found) == 11
    for chapter, links in found.items():
        assert (f"exercises/{chapter}.html" in links) == (chapter != "01_tour")
        assert any(link.startswith("api.html") for link in links)
        assert any(link.startswith("corrections.html") for link in links) == ("02" <= chapter[:2] <= "09")
        assert all((book_html / "book" / link.partition("#")[0]).exists() for link in links)
