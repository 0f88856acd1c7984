"""The whole book as a zip archive."""

from zipfile import ZipFile

from swinlib.takeaway.__main__ import main
from swinlib.takeaway.archive import pack
from swinlib.takeaway.built import BuiltBook


def test_all_files_lie_in_one_folder_and_the_same_book_gives_the_same_archive(small_folder, tmp_path):
    assert main(["book", "--built", str(small_folder), "--output", str(tmp_path / "a.zip")]) == 0
    with ZipFile(tmp_path / "a.zip") as archive:
        names = archive.namelist()
        assert archive.read("small-book/_static/book.css") == (small_folder / "_static/book.css").read_bytes()
    assert {"small-book/index.html", "small-book/book/01_one.html"} <= set(names)
    assert all(name.startswith("small-book/") for name in names)
    assert "small-book/.buildinfo" not in names
    for file in small_folder.rglob("*"):
        file.touch()
    pack(BuiltBook(small_folder), tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_bytes() == (tmp_path / "a.zip").read_bytes()


def test_unpacked_the_book_opens_as_files_and_finds_what_is_searched(book_html, browser, tmp_path):
    book = BuiltBook(book_html)
    pack(book, tmp_path / "book.zip")
    with ZipFile(tmp_path / "book.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / book.file_name
    assert len(list(folder.rglob("*.html"))) == len(list(book_html.rglob("*.html")))
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto((folder / "index.html").as_uri(), wait_until="commit")
    page.wait_for_url((folder / "book/index.html").as_uri())
    page.goto((folder / "search.html").as_uri() + "?q=shifted+windows")
    page.wait_for_selector("#search-results li a[href*='07_roll_and_shifted_windows']", timeout=30_000)
    page.goto((folder / "book/07_roll_and_shifted_windows.html").as_uri())
    page.locator("figure.swin-figure").first.scroll_into_view_if_needed()
    page.wait_for_selector("figure.swin-figure[data-ready]")
    context.close()
