"""A page of the book as one file, which can be mailed, and opened where no other file is."""

import html
from pathlib import PurePosixPath

from bs4 import BeautifulSoup
from bs4.element import Tag

from .built import BuiltBook, leads_outside, place
from .inline import data_address, put_in_pictures, put_in_scripts, put_in_styles, without_link

# What leads through the book, of which only this page is there.
NAVIGATION = (
    "#pst-primary-sidebar, #pst-primary-sidebar-modal, #pst-search-dialog, .search-button, .primary-toggle, "
    ".prev-next-area, .dropdown-download-buttons, .dropdown-launch-buttons, link[rel=index], link[rel=search], "
    "link[rel=next], link[rel=prev], #pst-skip-link [href='#pst-primary-sidebar'], "
    ".chapter-links li:has([download]), .returning-questions"
)
ORIGIN = ".from-the-book"


def one_file(book: BuiltBook, name: str) -> str:
    """Return a page, by its path below the folder of the book, as HTML that asks for nothing outside itself.

    Links to other pages lead to where the book is published; where that is unknown, their text stays. Files that a
    page offers, such as a notebook to fill in, are in it.
    """
    page = book.read(name)
    for element in page.select(NAVIGATION):
        element.decompose()
    for link in page.select("a[href]"):
        lead(link, name, book)
    say_where_from(page, name, book)
    put_in_pictures(page, name, book)
    put_in_styles(page, name, book)
    put_in_scripts(page, name, book)
    return str(page)


def lead(link: Tag, name: str, book: BuiltBook) -> None:
    """Let a link of a page lead somewhere from outside the book, or leave its text."""
    address = link["href"]
    if leads_outside(address):
        return
    path, part = place(address, name)
    file = book.folder / path
    if path == name:
        link["href"] = f"#{part}"
    elif file.suffix == ".ipynb":
        link["href"], link["download"] = data_address(file), file.name
    elif book.address:
        link["href"] = book.address + path + (f"#{part}" if part else "")
    else:
        without_link(link)


def say_where_from(page: BeautifulSoup, name: str, book: BuiltBook) -> None:
    """Say above the page's text of what it is a part."""
    title = html.escape(book.title)
    whole = f'<a href="{html.escape(book.address + name)}">{title}</a>' if book.address else f"<em>{title}</em>"
    note = f'<p class="{ORIGIN[1:]}">A page of {whole}. This file needs no other, and no network.</p>'
    page.select_one("article").insert(0, BeautifulSoup(note, "html.parser"))


def file_name(name: str) -> str:
    """Return what the file of a page is called, such as ``07_roll.html``, or ``07_roll_exercises.html``."""
    path = PurePosixPath(name)
    return f"{path.stem}_exercises.html" if path.parent.name == "exercises" else path.name
