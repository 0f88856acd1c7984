"""A chapter as one file: on a small page what becomes of each thing, and of the book's what a reader has of it."""

import base64
import re

import pytest
from bs4 import BeautifulSoup
from inspection import DESKTOP, PHONE, inspect

from swinlib import check
from swinlib.takeaway.__main__ import main
from swinlib.takeaway.built import BuiltBook
from swinlib.takeaway.chapter import file_name, one_file

MEGABYTE = 1_000_000
MOST, MOST_WITH_MORE = 3 * MEGABYTE, 8 * MEGABYTE  # with a model's weights or an interpreter
ADDRESS = "https://example.org/swin/"


def held(address: str) -> bytes:
    """Return what an address holds."""
    return base64.b64decode(address.partition(";base64,")[2])


@pytest.fixture
def page(small):
    """The first chapter of the small book, as one file."""
    return BeautifulSoup(one_file(small, "book/01_one.html"), "html.parser")


def test_all_that_the_page_asks_for_is_in_it(page):
    assert not page.select("link[rel=stylesheet], script[src], link[rel=search], #pst-primary-sidebar")
    assert re.fullmatch(r'main \{ background: url\("data:image/webp;base64,UklGRg=="\) \}', page.style.string)
    assert held(page.img["src"]) == b"RIFF"
    assert held(page.find("link", rel="icon")["href"]) == b"<svg/>"
    assert held(page.figure["data-script"]) == b'load("_static/models/digits.js")'
    model, script = page.body.find_all("script")
    assert model.string == 'swinModels = {"digits": 1}'
    assert script.string == r'const text = "<\/script>";'


def test_links_to_other_pages_are_text_where_the_book_is_published_nowhere(page):
    links = {link.get_text(): link["href"] for link in page.select("a[href]")}
    assert links == {"#": "#top", "this part": "#part", "elsewhere": "https://example.org/"}
    assert "See map, this part" in page.get_text().replace("\n", " ")
    assert page.svg.g.title.string == "map"


def test_links_to_other_pages_lead_to_where_the_book_is_published(small_folder):
    book = BuiltBook(small_folder, ADDRESS)
    page = BeautifulSoup(one_file(book, "book/01_one.html"), "html.parser")
    links = {link.get_text(): link["href"] for link in page.select("article a[href]")}
    assert links["map"] == f"{ADDRESS}book/glossary.html"
    assert page.select_one(".linked-term")["href"] == f"{ADDRESS}book/glossary.html#term-map"
    assert links["the search"] == f"{ADDRESS}search.html"
    assert links["this part"] == "#part"
    assert links["Small book"] == f"{ADDRESS}book/01_one.html"


def test_a_notebook_that_the_page_offers_and_what_its_editors_need_are_in_it(small):
    page = BeautifulSoup(one_file(small, "book/exercises/01_one.html"), "html.parser")
    link = page.select_one("a[download]")
    assert held(link["href"]) == b"{}"
    assert link["download"] == "01_one.ipynb"
    introduction = page.select_one("[data-interpreter]")
    assert held(introduction["data-interpreter"]) == b"swinAnswers.worker()"
    assert held(introduction["data-cases"]) == b"swinAnswers.chapter({})"
    assert held(introduction["data-lines"]) == b"swinAnswers.puzzles = {}"
    assert held(introduction["data-notebook"]) == b"swinAnswers.notebook = {}"
    assert held(page.select_one(".answer")["data-script"]) == b"swinAnswers.begin()"


def test_command_says_what_it_wrote(small_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["chapter", "1", "--exercises", "--built", "html"]) == 0
    written = tmp_path / "_build/takeaway/01_one_exercises.html"
    assert capsys.readouterr().out.startswith(f"wrote {written.relative_to(tmp_path)}, 0.0 MB")
    assert "Exercises for chapter 1" in written.read_text()
    assert main(["chapter", "9", "--built", "html"]) == 2
    assert capsys.readouterr().err.startswith("error: There is no chapter 9 in html. There are:")


@pytest.fixture(scope="module")
def singles(book_html, tmp_path_factory):
    """A folder with all chapters and all exercises of the book, each as one file."""
    folder, book = tmp_path_factory.mktemp("singles"), BuiltBook(book_html)
    for page in book.pages:
        if re.match(r"\d\d_", page.rpartition("/")[2]):
            (folder / file_name(page)).write_text(one_file(book, page), encoding="utf-8")
    return folder


def test_every_chapter_can_be_mailed(singles):
    files = sorted(singles.iterdir())
    assert len(files) == 1 + 2 * len(check.CHAPTERS)  # the tour; and each other chapter, and its exercises
    for file in files:
        text = file.read_text(encoding="utf-8")
        most = MOST_WITH_MORE if "swinModels ??= {})[" in text or "data-interpreter" in text else MOST
        assert file.stat().st_size <= most, file.name
        attributes = "src|data-script|data-interpreter|data-cases|data-lines|data-notebook|href"
        addresses = rf'(?:{attributes})="(?!data:|#|https?:)[^"]*"'
        asked = re.findall(addresses, text.partition("<script")[0])
        assert not asked, file.name


@pytest.fixture
def alone(singles, tmp_path):
    """``alone(name)``: the address of a page as the only file of a folder."""

    def address(name):
        file = tmp_path / "page.html"
        file.write_bytes((singles / f"{name}.html").read_bytes())
        return file.as_uri()

    return address


@pytest.fixture
def context(browser, request):
    """A reader without a network, in the colours that a test asks for."""
    context = browser.new_context(offline=True, color_scheme=getattr(request, "param", None))
    yield context
    context.close()


@pytest.mark.parametrize(
    ("name", "size", "context"),
    [
        ("07_roll_and_shifted_windows", PHONE, "light"),
        ("10_whole_model", DESKTOP, None),
        ("07_roll_and_shifted_windows_exercises", PHONE, "dark"),
    ],
    indirect=["context"],
)
def test_alone_in_a_folder_and_without_a_network_a_chapter_is_in_order(alone, context, request, name, size):
    theme = request.node.callspec.params["context"]
    assert not inspect(context, alone(name), alone(name), size=size, theme=theme)


def test_a_figure_computes_with_the_model_that_is_in_the_file(alone, context):
    page = context.new_page()
    page.goto(alone("01_tour"))
    figure = page.locator("figure[data-figure^=draw]")
    figure.scroll_into_view_if_needed()
    page.wait_for_selector("figure[data-figure^=draw][data-ready]")
    page.keyboard.press("Tab")
    figure.locator("[tabindex='0']").first.press("Enter")
    page.wait_for_function("() => globalThis.swinPromises?.digits")
    assert page.evaluate("async () => (await swinPromises.digits).arguments.patch_size.length") == 2


def test_an_exercise_is_answered_by_the_interpreter_that_is_in_the_file(alone, context):
    page = context.new_page()
    page.goto(alone("07_roll_and_shifted_windows_exercises"))
    editor = page.locator(".answer").first
    editor.scroll_into_view_if_needed()
    editor.locator("textarea").fill("def roll(x, shift):\n    return x")
    editor.locator("textarea").press("Control+Enter")
    page.wait_for_selector(".answer [role=status][data-verdict=wrong]", timeout=60_000)
    assert "roll, on the smallest input that fails" in editor.locator("[role=status]").inner_text()
