"""The drawing of the model on the pages, the questions of the start page, and the cards of links."""

import importlib
import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from swinlib import doctor
from swinlib.figures.cover import SIZE
from swinlib.figures.drawing import HERE, LIT, PARTS

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
FIGURES = ROOT / "swinlib" / "figures"
CHAPTERS = sorted(path.stem for path in BOOK.glob("[0-9]*.ipynb"))
LARGE, SMALL, DRAWING = "figure.swin-model", "figure.swin-strips", "figure.swin-drawing"


@pytest.fixture
def extension(monkeypatch):
    """``extension(name)`` imports a Sphinx extension of the book."""
    monkeypatch.syspath_prepend(BOOK / "_ext")
    return importlib.import_module


@pytest.fixture(scope="module")
def page(book_html):
    """``page(name)`` is a page of the book."""
    read = {}

    def get(name):
        if name not in read:
            path = book_html / "book" / f"{name}.html"
            read[name] = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        return read[name]

    return get


# -- the drawing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["index", "01_tour"])
def test_the_start_page_and_the_tour_have_it_large_after_a_first_sentence(page, name):
    (figure,) = page(name).select(DRAWING)
    assert figure in page(name).select(LARGE)
    *_, title, first = [
        sibling
        for sibling in reversed(figure.find_previous_siblings())
        if sibling.name != "script" and "where-you-were" not in sibling.get("class", ())
    ]
    assert (title.name, first.name) == ("h1", "p")
    assert not page(name).select("svg .lit")


@pytest.mark.parametrize("name", CHAPTERS[1:])
def test_a_chapter_has_it_small_with_its_own_part_lit(page, name):
    (figure,) = page(name).select(DRAWING)
    assert figure in page(name).select(SMALL)
    assert figure.find_previous_sibling().name == "h1"
    chapter = int(name[:2])
    assert {part["data-part"] for part in figure.select("a.lit[aria-current]")} == LIT[chapter]
    assert HERE[chapter] in figure.figcaption.get_text()


def test_no_other_page_has_it(page, book_html):
    others = {path.stem for path in (book_html / "book").glob("*.html")} - {*CHAPTERS, "index"}
    assert len(others) > 4
    assert not [name for name in others if page(name).select(DRAWING)]
    exercises = list((book_html / "book" / "exercises").glob("*.html"))
    assert exercises
    assert not any("swin-drawing" in path.read_text(encoding="utf-8").partition("<main")[2] for path in exercises)


@pytest.mark.parametrize("name", ["index", *CHAPTERS])
def test_every_part_leads_to_a_place_that_exists(page, book_html, name):
    for drawing in page(name).select(f"{DRAWING} svg[role=group]"):
        assert drawing.select("a[data-part]")
    links = page(name).select(f"{DRAWING} a")
    assert {link["data-part"] for link in links} == set(PARTS)
    for link in links:
        address, _, anchor = link["href"].partition("#")
        assert not address.startswith(("/", "http")), "the book may lie in any folder"
        there = (book_html / "book" / address).resolve() if address else book_html / "book" / f"{name}.html"
        assert there.is_file(), link["href"]
        assert there.stem[:2] == f"{PARTS[link['data-part']].chapter:02d}"
        if anchor:
            assert page(there.stem).find(id=anchor), link["href"]
        assert f"chapter {PARTS[link['data-part']].chapter}" in link.title.string


def test_it_weighs_little(book_html):
    for name in ("index", *CHAPTERS):
        text = (book_html / "book" / f"{name}.html").read_text(encoding="utf-8")
        (figure,) = re.findall('<figure class="swin-drawing.*?</figure>', text, re.DOTALL)
        assert 1_000 < len(figure.encode()) < (40_000 if "swin-model" in figure else 9_000), name
    assert (FIGURES / "drawing.css").stat().st_size < 8_000  # a part of the book's style sheet


# -- the questions ----------------------------------------------------------------------------------------------------


def test_questions_are_those_of_the_tour_with_the_minutes_of_the_chapters(extension):
    rows = extension("chapter_questions").questions(BOOK, "First?")
    assert [name for _, name, _, _ in rows] == [f"{name}.ipynb" for name in CHAPTERS]
    assert rows[0][2] == "First?"
    for title, name, question, minutes in rows[1:]:
        cells = json.loads((BOOK / name).read_text(encoding="utf-8"))["cells"]
        first = "".join(cells[0]["source"])
        assert f"about {minutes} minutes" in first
        assert question.endswith("?")
        assert title in (BOOK / "01_tour.ipynb").read_text(encoding="utf-8")


def test_a_chapter_without_question_or_minutes_is_told(extension, tmp_path):
    module = extension("chapter_questions")

    def write(name, text):
        cells = [{"cell_type": "markdown", "source": [text]}]
        (tmp_path / name).write_text(json.dumps({"cells": cells}), encoding="utf-8")

    table = "# 1. Tour\n\nReading time: about 5 minutes.\n\n| [2 Two](02_two.ipynb) | Why two? |\n"
    write("01_tour.ipynb", table)
    write("02_two.ipynb", "# 2. Two\n\nReading time: about 7 minutes.")
    assert module.questions(tmp_path, "Why?") == [
        ("Tour", "01_tour.ipynb", "Why?", 5),
        ("Two", "02_two.ipynb", "Why two?", 7),
    ]
    write("03_three.ipynb", "# 3. Three")
    with pytest.raises(ValueError, match="leaves out"):
        module.questions(tmp_path, "Why?")
    write("01_tour.ipynb", f"{table}| [3 Three](03_three.ipynb) | Why three? |\n")
    with pytest.raises(ValueError, match=r"03_three.ipynb does not say 'Reading time"):
        module.questions(tmp_path, "Why?")


def test_the_start_page_asks_the_question_of_every_chapter(page):
    items = page("index").select(".chapter-questions ol > li")
    assert [item.a["href"] for item in items] == [f"{name}.html" for name in CHAPTERS]
    for item in items:
        assert "?" in item.get_text().splitlines()[0]
        assert re.search(r"\d+\s+minutes$", item.get_text().strip())


# -- what it costs ----------------------------------------------------------------------------------------------------


def costs():
    return (BOOK / "index.md").read_text(encoding="utf-8").partition("## What it costs to begin")[2]


def test_memory_disk_and_python_are_those_that_the_doctor_asks_for():
    text = costs()
    memory, disk = (int(re.search(rf"(\d+) GB of {what}", text)[1]) for what in ("memory", "free disk"))
    gigabyte = doctor.GIGABYTE
    assert doctor.check_disk(disk * gigabyte, is_installed=False).passed
    assert not doctor.check_disk(disk * gigabyte - 1, is_installed=False).passed
    assert f"at least {memory} GB" in doctor.check_memory(0).remedy
    low, high = re.search(r"Python (3\.\d+) to (3\.\d+)", text).groups()
    wanted = re.search(r'requires-python = "(.*)"', (BOOK.parent / "pyproject.toml").read_text(encoding="utf-8"))[1]
    assert wanted == f">={low},<3.{int(high[2:]) + 1}"


def test_the_folder_of_the_pages_is_as_large_as_the_start_page_says(book_html):
    said = int(re.search(r"a folder of some (\d+) MB", costs())[1])
    found = sum(path.stat().st_size for path in book_html.rglob("*") if path.is_file()) / 1e6
    assert abs(found - said) < 0.15 * said, f"it is {found:.0f} MB"


def test_the_post_is_introduced_before_a_page_mentions_it():
    text = (BOOK / "index.md").read_text(encoding="utf-8")
    assert "Chinese post" in text
    assert "(corrections.ipynb)" in text
    name = "pytorch学习之swin-transformer算法读后感"
    assert name in text
    assert name in (BOOK / "corrections.ipynb").read_text(encoding="utf-8")


# -- cards ------------------------------------------------------------------------------------------------------------


def test_a_card_names_a_picture_only_where_the_book_has_an_address(extension):
    card = extension("link_cards").card
    without = BeautifulSoup(card('A "title"', "Words & more."), "html.parser")
    assert without.find(property="og:title")["content"] == 'A "title"'
    assert without.find(attrs={"name": "description"})["content"] == "Words & more."
    assert not without.find(property=re.compile("image|url"))
    there = BeautifulSoup(card("T", "", "https://example.org/a.html", "https://example.org/c.jpg"), "html.parser")
    assert there.find(property="og:url")["content"] == "https://example.org/a.html"
    assert there.find(property="og:image")["content"] == "https://example.org/c.jpg"
    assert there.find(attrs={"name": "twitter:card"})["content"] == "summary_large_image"
    assert not there.find(property="og:description")


def test_every_page_with_text_has_a_card_of_its_own(page):
    names = ["index", "glossary", "instructors", *CHAPTERS]
    for key in ({"property": "og:title"}, {"property": "og:description"}):
        found = [page(name).find("meta", key)["content"] for name in names]
        assert len(set(found)) == len(names)
        assert all(0 < len(text) <= 200 for text in found)


def test_the_cover_is_drawn(book_html):
    from PIL import Image

    path = book_html / "_static" / "cover.jpg"
    assert Image.open(path).size == SIZE
    assert path.stat().st_size < 200_000
