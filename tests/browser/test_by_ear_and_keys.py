"""What a reader finds who goes through pages by keys, or hears them: by key presses and the accessibility tree."""

import re
from collections import Counter

import pytest

CHAPTERS = {
    "book/07_roll_and_shifted_windows.html": "quick",
    "book/10_whole_model.html": "slow",
    "book/04_matmul_and_elementwise.html": "slow",
    "book/08_images_to_tensors.html": "slow",
}
CHAPTER = "book/07_roll_and_shifted_windows.html"
EXERCISES = "book/exercises/07_roll_and_shifted_windows.html"
BEFORE, WITHIN = 12, 60  # stops of the keyboard: before the content, and in a chapter

WHERE = """
    () => {
        const here = document.activeElement, article = document.querySelector("article");
        if (here === document.body) return "end";
        if (article.contains(here)) return here.closest(".swin-figure, .swin-drawing, form") ? "figure" : "article";
        const after = article.compareDocumentPosition(here) & Node.DOCUMENT_POSITION_FOLLOWING;
        return after ? "after" : "before";
    }
"""


@pytest.fixture
def page(book_html, serve, context):
    """A function that opens a page of the book from a server, where a clipboard may be read."""
    start = serve(book_html)

    def visit(address, **size):
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.set_viewport_size({"width": 1280, "height": 900, **size})
        page.goto(start + address, wait_until="load")
        return page

    return visit


@pytest.mark.parametrize(
    "chapter", [pytest.param(name, marks=[pytest.mark.slow] * (speed == "slow")) for name, speed in CHAPTERS.items()]
)
def test_stops_of_the_keyboard(page, chapter):
    chapter = page(chapter)
    stops = Counter()
    while (stops.total() < 300) and not stops["after"]:
        chapter.keyboard.press("Tab")
        stops[chapter.evaluate(WHERE)] += 1
    assert 2 <= stops["before"] <= BEFORE
    assert 15 <= stops["article"] <= WITHIN
    # The first two lead to the content, and to what comes after it.
    for words in ("main content", "search and contents"):
        assert chapter.get_by_role("link", name=f"Skip to {words}").count() == 1


def test_copying_says_so_and_keeps_the_focus(page):
    chapter = page(CHAPTER)
    button = chapter.get_by_role("button", name="Copy code 14", exact=True)
    button.focus()
    chapter.keyboard.press("Enter")
    chapter.get_by_role("status").filter(has_text="Copied code 14").wait_for(state="attached")
    assert button.evaluate("button => button === document.activeElement")
    code = chapter.get_by_role("group", name="Code 14", exact=True).locator("pre").inner_text()
    assert chapter.evaluate("navigator.clipboard.readText()").strip() == code.strip()
    assert not chapter.locator(".cell_output .copybtn").count()


def test_arrows_go_on_within_a_section(page):
    chapter = page(CHAPTER)
    extras = chapter.locator("#the-mask :is(a.linked-term, a.linked-name, a.reference.external, .copybtn)")
    shown = [extra for extra in extras.all() if extra.is_visible()]
    assert len(shown) > 5
    assert [extra.get_attribute("tabindex") for extra in shown].count("0") == 1
    shown[0].focus()
    for key, place in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)):
        chapter.keyboard.press(key)
        assert shown[place].evaluate("extra => extra === document.activeElement")


def test_code_and_outputs_have_names(page):
    chapter = page(CHAPTER)
    chapter.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    tree = chapter.locator("article").aria_snapshot()
    code = re.findall(r'group "Code (\d+)"', tree)
    outputs = re.findall(r'group "Output of code (\d+)"', tree)
    assert code == sorted(set(code), key=int)
    assert len(code) > 30
    assert len(outputs) > 20
    assert set(outputs) <= set(code)
    assert len(re.findall(r"- math", tree)) >= 15


@pytest.mark.parametrize("address", [CHAPTER, EXERCISES])
def test_folds_are_told_apart(page, address):
    opened = page(address)
    opened.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    names = opened.evaluate(
        """() => [...document.querySelectorAll("article summary")].filter(each => each.checkVisibility())
            .map(each => each.getAttribute("aria-label") ?? each.innerText.replace(/\\s+/g, " ").trim())"""
    )
    assert len(names) >= 6
    assert not [name for name, times in Counter(names).items() if times > 1]
    assert not [name for name in names if "Toggle hidden content" in name]
    if address == EXERCISES:
        assert sum(name.startswith("Hint 1") for name in names) >= 7


def test_buttons_of_the_header_show_the_focus_and_say_what_they_do(page):
    chapter = page(CHAPTER)
    for name in ("Toggle primary sidebar", "Download this page"):
        control = chapter.locator(f".bd-header-article [title='{name}']")
        chapter.locator("article h1").click()
        control.focus()
        chapter.keyboard.press("Shift+Tab")
        before = control.screenshot()
        chapter.keyboard.press("Tab")
        assert control.evaluate("control => control === document.activeElement")
        assert control.screenshot() != before
    sidebar = chapter.get_by_role("button", name="Toggle primary sidebar")
    assert sidebar.get_attribute("aria-expanded") == "true"
    sidebar.press("Enter")
    assert sidebar.get_attribute("aria-expanded") == "false"
    assert sidebar.evaluate("button => button === document.activeElement")
    colours = chapter.get_by_role("button", name="Colours: as the system has them")
    colours.press("Enter")
    assert chapter.get_by_role("button", name=re.compile("Colours: (light|dark)")).evaluate(
        "button => button === document.activeElement"
    )
