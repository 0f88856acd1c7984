"""Every page of the built book, opened in a browser: from a server and as a file.

A page is visited twice, and everything is looked at in each visit: from a server, in light colours, on the screen of a
desk; and as a file, in dark colours, on a telephone. What a page asks for does not depend on its colours, nor how it
looks on where it comes from, so the other combinations would show nothing else.
"""

from urllib.parse import urljoin

import pytest
from inspection import DESKTOP, PHONE, inspect

CHAPTER = "book/07_roll_and_shifted_windows.html"  # of everything that a page may hold, it has something


def pages_of(book):
    """Return the addresses of the book's pages within its folder; the start page only leads to one of them."""
    pages = {str(path.relative_to(book)) for path in book.rglob("*.html") if "_static" not in path.parts}
    assert {"index.html", "search.html", "book/index.html", "book/01_tour.html"} <= pages
    return sorted(pages - {"index.html"})


@pytest.fixture(scope="module", params=["http", "file"])
def start(request, book_html, serve):
    """The address of the book: on a server, and as a folder of files."""
    return serve(book_html) if request.param == "http" else f"{book_html.as_uri()}/"


def test_start_page_leads_to_the_first_page(start, context):
    page = context.new_page()
    page.goto(urljoin(start, "index.html"), wait_until="commit")
    page.wait_for_url(urljoin(start, "book/index.html"))
    assert page.title()


@pytest.mark.parametrize(
    "chapter",
    [True, pytest.param(False, marks=pytest.mark.slow)],
    ids=["one chapter", "all others"],
)
def test_every_page_is_in_order_and_accessible(book_html, start, context, chapter):
    mode, size = ("light", DESKTOP) if start.startswith("http") else ("dark", PHONE)
    context.add_init_script(f"localStorage.setItem('mode', '{mode}'); localStorage.setItem('theme', '{mode}')")
    pages = [page for page in pages_of(book_html) if (page == CHAPTER) == chapter]
    assert pages
    problems = {page: inspect(context, urljoin(start, page), start, size=size, theme=mode) for page in pages}
    assert not any(problems.values()), describe(problems)


def test_search_finds_the_chapter_on_rolling(start, context):
    page = context.new_page()
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(urljoin(start, "search.html?q=shifted+windows"))
    page.wait_for_selector("#search-results li a", timeout=30_000)
    addresses = [link.get_attribute("href") for link in page.query_selector_all("#search-results li a")]
    assert any("07_roll_and_shifted_windows" in address for address in addresses)
    assert not errors


def describe(problems):
    """Return the pages' problems as text."""
    return "\n".join(f"{page}: {problem}" for page, found in problems.items() for problem in found)
