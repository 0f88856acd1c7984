"""Exercises are answered in their page: opened as a file, with the interpreter fetched by the first Run."""

import gzip
import re

import pytest
from answers_in_page import interpreter_script
from inspection import accessibility_problems

from swinlib import check

CHAPTER = "07_roll_and_shifted_windows"
PAGE = f"book/exercises/{CHAPTER}.html"
RIGHT = "def roll(x, shift):\n    n = len(x)\n    return x[(torch.arange(n) - shift) % n]\n"
WAIT = 180_000  # milliseconds, on a machine that may be busy


@pytest.fixture
def page(book_html, context):
    """The page of exercises, opened as a file, with what it asks for in ``page.asked``."""
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto((book_html / PAGE).as_uri())
    page.wait_for_selector("#answer-roll")
    page.locator("#answer-roll").scroll_into_view_if_needed()
    page.wait_for_selector(".answer[data-ready]")
    return page


def box(page, name):
    return page.locator(f".answer[data-exercise={name}]")


def verdict(page, name, source=None):
    """What is said of an answer after Run."""
    if source is not None:
        box(page, name).locator("textarea").fill(source)
    box(page, name).get_by_role("button", name="Run").click()
    page.wait_for_function(
        "name => document.querySelector(`.answer[data-exercise=${name}] [role=status]`).dataset.verdict", arg=name
    )
    said = box(page, name).locator("[role=status]")
    found = said.inner_text()
    said.evaluate("said => { said.dataset.verdict = ''; }")  # so that the next can be waited for
    return found


def test_answers_are_judged_in_a_page_that_is_opened_as_a_file(page):
    assert not [url for url in page.asked if "in_page" in url]
    assert verdict(page, "roll") == "✗ roll: not written yet"
    assert {url.partition("in_page/")[2] for url in page.asked if "in_page/" in url} == {
        "interpreter.js",
        f"{CHAPTER}.js",
    }
    assert all(url.startswith(("file:", "blob:", "data:")) for url in page.asked)
    assert re.fullmatch(r"✓ roll: right on \d+ inputs", verdict(page, "roll", RIGHT))
    wrong = verdict(page, "roll", RIGHT.replace("- shift", "+ shift"))
    assert wrong.startswith("✗ roll, on the smallest input that fails: ")
    assert "a positive shift moves entries to higher indices" in wrong
    for source, said in {
        "def roll(x, shift)\n    return x": "✗ roll: Python cannot read line 1: def roll(x, shift)\n"
        "  SyntaxError: expected ':'",
        "def rol(x, shift):\n    return x": "✗ roll: not defined; your code defines rol. "
        "The exercise asks for a function of that name.",
        "print('seen')\nraise ValueError('no')": "✗ roll: your code raised ValueError: no\n"
        "  in the line: raise ValueError('no')",
        "def roll(x, shift):\n    return x.cholesky()": "– This page's small torch has no `cholesky` of a tensor; "
        "try it in the notebook.",
    }.items():
        assert verdict(page, "roll", source) == said
    assert box(page, "roll").locator(".answer-printed").inner_text() == ""
    raised = verdict(page, "roll", "def roll(x, shift):\n    return x[99]\n")
    assert "Your code raised IndexError: index 99 is out of bounds" in raised
    assert raised.endswith("in the line: return x[99]")
    assert verdict(page, "roll", "while True:\n    print('more')\n") == (
        "✗ roll: stopped after 5 seconds. Does a loop in it ever end?"
    )
    assert verdict(page, "roll", RIGHT).startswith("✓")


def test_what_was_written_is_kept_counted_and_erased(page, book_html):
    assert verdict(page, "roll", RIGHT).startswith("✓")
    page.reload()
    page.locator("#answer-roll").scroll_into_view_if_needed()
    page.wait_for_selector(".answer[data-ready]")
    assert page.locator("#answer-roll").input_value() == RIGHT
    assert box(page, "roll").locator("label").inner_text() == "Your answer: roll ✓ was right once"
    box(page, "roll").get_by_role("button", name="Reset").click()
    assert page.locator("#answer-roll").input_value().endswith('raise NotImplementedError("your turn")\n')
    page.goto((book_html / "book/index.html").as_uri())
    page.locator(".answers-done").scroll_into_view_if_needed()
    all_of_them = sum(map(len, check.CHAPTERS.values()))
    said = page.locator(".answers-done [role=status]")
    assert said.inner_text() == f"1 of {all_of_them} exercises done"
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Erase what this browser keeps").click()
    assert said.inner_text() == f"0 of {all_of_them} exercises done"
    assert page.evaluate("localStorage.getItem('swin-answers')") is None


def test_keys(page):
    area = page.locator("#answer-roll")
    area.fill("")
    area.press_sequentially("def roll(x):\nif x:\nreturn x")
    assert area.input_value() == "def roll(x):\n    if x:\n        return x"
    area.press("Shift+Tab")
    assert area.input_value().endswith("\n    return x")
    area.press("Tab")
    assert area.input_value().endswith("\n        return x")
    area.press("Escape")
    area.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Run"


def test_without_scripts_and_in_print_the_page_is_as_it_was(page, book_html, browser):
    page.emulate_media(media="print")
    assert not box(page, "roll").is_visible()
    assert not page.locator(".answers-file").is_visible()
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto((book_html / PAGE).as_uri())
    assert not plain.locator("#answer-roll").is_visible()
    assert not plain.locator(".answers-file").is_visible()
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(page, theme):
    page.emulate_media(color_scheme=theme)
    page.reload()
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#answer-roll").scroll_into_view_if_needed()
    page.wait_for_selector(".answer[data-ready]")
    assert verdict(page, "roll").startswith("✗")
    page.evaluate("document.querySelector('.answer [role=status]').dataset.verdict = 'wrong'")
    assert not accessibility_problems(page)


def test_weight(book_html):
    assert len(gzip.compress(interpreter_script().encode())) <= 350_000
    editors = "".join(re.findall(r'<div class="answer".*?</textarea>', (book_html / PAGE).read_text("utf-8"), re.S))
    script = (book_html / "_static/answers.js").read_bytes()
    assert editors
    assert len(gzip.compress(editors.encode() + script)) <= 10_000
