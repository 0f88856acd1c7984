"""What ``BuiltBook`` finds in a folder of pages, and what it says if there is nothing to be found."""

import pytest
from bs4 import BeautifulSoup

from swinlib.takeaway.__main__ import main
from swinlib.takeaway.built import BuiltBook, TakeawayError, place


def test_pages_in_their_order_and_chapters_by_number(small):
    assert small.title == "Small book"
    assert small.file_name == "small-book"
    assert small.pages[:3] == ["book/index.html", "book/01_one.html", "book/exercises/01_one.html"]
    assert small.chapters == {1: "book/01_one.html", 2: "book/02_two.html"}
    assert small.page_of(1, exercises=True) == "book/exercises/01_one.html"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("#a", ("book/01_one.html", "a")),
        ("", ("book/01_one.html", "")),
        ("02_two.html#b", ("book/02_two.html", "b")),
        ("../_static/book.css?v=1", ("_static/book.css", "")),
        ("exercises/a%20b.html", ("book/exercises/a b.html", "")),
    ],
)
def test_places_of_links(address, expected):
    assert place(address, "book/01_one.html") == expected


def test_a_chapter_that_is_not_there_is_told_with_those_that_are(small):
    with pytest.raises(TakeawayError, match=r"There is no chapter 7 in .*\n  1  01_one\n  2  02_two$"):
        small.page_of(7)
    with pytest.raises(TakeawayError, match=r"There are no exercises for chapter 2 in .*\n  1  01_one$"):
        small.page_of(2, exercises=True)


def test_a_folder_without_a_book_is_told_with_the_command_that_makes_one(tmp_path, capsys):
    assert main(["chapter", "1", "--built", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: There is no built book in {tmp_path}: it has no book/index.html.")
    assert "`jupyter-book build .`" in said


def test_an_address_is_one_of_the_web(small_folder):
    with pytest.raises(TakeawayError, match=r"such as https://example.org/swin/, and not 'swin'"):
        BuiltBook(small_folder, "swin")


def test_where_the_book_is_published_is_what_its_pages_say_unless_somebody_says_otherwise(small_folder, small):
    assert small.address == ""
    index = small_folder / "book/index.html"
    page = BeautifulSoup(index.read_text(), "html.parser")
    page.head.append(page.new_tag("link", attrs={"rel": "canonical", "href": "https://a.org/b/book/index.html"}))
    index.write_text(str(page))
    assert BuiltBook(small_folder).address == "https://a.org/b/"
    assert BuiltBook(small_folder, "https://c.org").address == "https://c.org/"
