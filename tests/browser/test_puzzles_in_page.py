"""Exercises are put in order in their page, opened as a file: by keys, by touch, and by ear."""

import json
import re

from answers_in_page import PROVEN
from inspection import PHONE, accessibility_problems
from prove_puzzles import puzzles_of

CHAPTER = "02_resampling"
NAME = "output_size"
PUZZLE = puzzles_of(CHAPTER)[NAME]
RIGHT = [line.strip() for line in PUZZLE.lines]
WAIT = 180_000  # milliseconds, on a machine that may be busy


def opened(book_html, context):
    """The page of exercises with its first one as lines, and what the page asked for in ``page.asked``."""
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto((book_html / "book" / "exercises" / f"{CHAPTER}.html").as_uri())
    page.wait_for_selector(f".answer[data-exercise={NAME}][data-ready]")
    return page


def box(page):
    return page.locator(f".answer[data-exercise={NAME}]")


def program(page):
    return box(page).locator("ol li").all_inner_texts()


def verdict(page, press):
    """What is said after an answer is run; once more where a busy machine has let five seconds go by."""
    said = box(page).locator(".answer-said")
    for _ in range(5):
        said.evaluate("said => { said.dataset.verdict = ''; }")
        press()
        page.wait_for_function(f"document.querySelector('.answer[data-exercise={NAME}] .answer-said').dataset.verdict")
        if "stopped after" not in said.inner_text():
            break
    return said.inner_text()


def test_by_keys(book_html, context):
    page = opened(book_html, context)
    keys = page.keyboard

    def choose(line):
        """Go from where the focus is to a line, by arrows, and press Space."""
        lines = [*program(page), *box(page).locator("ul li").all_inner_texts()]
        here = lines.index(page.evaluate("document.activeElement.textContent"))
        for _ in range(abs(lines.index(line) - here)):
            keys.press("ArrowDown" if lines.index(line) > here else "ArrowUp")
        keys.press("Space")

    said = box(page).locator(".puzzle [role=status]")
    box(page).get_by_role("button", name="Write it").focus()
    keys.press("Tab")
    keys.press("Enter")
    box(page).locator("ul li").first.wait_for()
    assert [url for url in page.asked if "in_page" in url] == [
        url for url in page.asked if url.endswith(f"/{CHAPTER}_lines.js")
    ]
    assert not box(page).locator("textarea").is_visible()
    keys.press("Tab")  # to what stands above the lines, and on to them
    keys.press("Tab")
    for number, line in enumerate([RIGHT[1], RIGHT[2], "return steps", RIGHT[0]], start=1):
        choose(line)
        assert said.inner_text() == f"{line}: line {number} of {number}"
    choose(RIGHT[0])
    assert said.inner_text().startswith("Picked up line 4 of 4. Arrows move it, Space puts it down")
    keys.press("ArrowUp")
    assert said.inner_text() == "line 3 of 4"
    keys.press("Escape")
    assert program(page) == [RIGHT[1], RIGHT[2], "return steps", RIGHT[0]]
    keys.press("Space")
    for _ in range(2):
        keys.press("ArrowUp")
    keys.press("Space")
    assert said.inner_text() == "Put down as line 2 of 4."
    assert page.evaluate("document.activeElement.textContent") == RIGHT[0]
    # What is wrong about the line that is wrong, behind what the check says.
    wrong = verdict(page, lambda: keys.press("Control+Enter"))
    assert wrong.startswith(f"✗ {NAME}, on the smallest input that fails: ")
    assert wrong.endswith(
        "\n  A wrong line: return steps\n"
        "  The steps are counted, and the place where the kernel stands before the first step is not."
    )
    assert box(page).locator("li[data-verdict=wrong]").all_inner_texts() == ["return steps"]
    choose("return steps")
    keys.press("Delete")
    assert said.inner_text() == "Taken out: return steps"
    choose(RIGHT[3])
    # Another order than the solution's.
    assert program(page) == [RIGHT[1], RIGHT[0], RIGHT[2], RIGHT[3]]
    right = verdict(page, lambda: keys.press("Control+Enter"))
    assert re.fullmatch(rf"✓ {NAME}: right on \d+ inputs\n  It stands below “Write it” now, too\.", right)
    assert all(url.startswith(("file:", "blob:", "data:")) for url in page.asked)
    # It is there again, and so is what was taken over.
    page.reload()
    box(page).locator("ol li").first.wait_for()
    assert program(page) == [RIGHT[1], RIGHT[0], RIGHT[2], RIGHT[3]]
    assert box(page).locator("label").inner_text() == f"Your answer: {NAME} ✓ was put in order"
    box(page).get_by_role("button", name="Write it").click()
    assert box(page).locator("textarea").input_value().endswith(f"{RIGHT[3]}\n")
    page.goto((book_html / "book/index.html").as_uri())
    page.locator(".answers-done").scroll_into_view_if_needed()
    sums = page.locator(".answers-done")
    assert sums.locator("[role=status]").inner_text() == ("1 of 70 exercises done, 1 of them by putting lines in order")
    assert sums.locator("li").all_inner_texts() == ["Chapter 2: 1 of 7"]
    assert not accessibility_problems(page)


def test_by_touch(book_html, browser):
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = opened(book_html, context)
    box(page).get_by_role("button", name="Put it in order").tap()
    up, down, take_out = (box(page).get_by_role("button", name=name, exact=True) for name in ("Up", "Down", "Take out"))
    lines = box(page).locator("ul li")

    def tap(line):
        box(page).get_by_role("button", name=line, exact=True).tap()

    tap("reach = kernel")
    assert up.is_disabled()
    tap("reach = kernel")
    take_out.tap()
    assert lines.count() == len(PUZZLE.lines) + len(PUZZLE.instead)
    assert all(place["height"] >= 24 for place in (each.bounding_box() for each in lines.all()))
    for line in RIGHT[::-1]:
        tap(line)
    for places, line in enumerate(RIGHT):
        tap(line)
        for _ in range(len(RIGHT) - 1 - places):
            up.tap()
    tap(RIGHT[0])
    down.tap()
    up.tap()
    assert program(page) == RIGHT
    assert verdict(page, box(page).get_by_role("button", name="Run").tap).startswith(f"✓ {NAME}: right on ")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    tap(RIGHT[0])
    assert not accessibility_problems(page)
    page.emulate_media(color_scheme="dark")
    page.reload()
    box(page).locator("ol li").first.wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    tap(RIGHT[0])
    assert not accessibility_problems(page)
    context.close()


def test_lines_of_every_puzzle_are_in_its_page(book_html):
    proofs = json.loads((PROVEN / "puzzles.json").read_text("utf-8"))
    assert sum(map(len, proofs.values())) >= 30
    for chapter, proven in proofs.items():
        page = (book_html / "book" / "exercises" / f"{chapter}.html").read_text("utf-8")
        assert page.count('class="puzzle"') == len(proven)
        script = (book_html / "_static" / "in_page" / f"{chapter}_lines.js").read_text("utf-8")
        told = json.loads(script.partition("swinAnswers.puzzles = ")[2].rstrip().removesuffix(";"))
        assert list(told) == list(proven)
