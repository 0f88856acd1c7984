"""What a page asks for, put into the page: it then stands alone.

Nothing is lost by it: a style sheet becomes an element, a picture an address that holds its bytes, and so does the
script of an interactive figure, which ``pages.js`` still loads when a reader comes near.
"""

import base64
import re
from pathlib import Path

from bs4 import BeautifulSoup
from bs4.element import Tag

from .built import BuiltBook, leads_outside, place

# Those that Python's own table lacks on some systems come first.
TYPES = {
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".js": "text/javascript;charset=utf-8",
    ".ipynb": "application/x-ipynb+json",
    ".woff2": "font/woff2",
}
SHEET_ADDRESS = re.compile(r"url\(\s*(['\"]?)(?!data:|#)([^'\")]+)\1\s*\)")
MODELS = "_static/models"
# Attributes with the address of a script that a page loads later: a figure's, or an editor's with what it asks for.
LATER = ("data-script", "data-interpreter", "data-cases", "data-lines", "data-notebook")


def data_address(file: Path) -> str:
    """Return an address that holds a file."""
    return f"data:{TYPES[file.suffix]};base64,{base64.b64encode(file.read_bytes()).decode()}"


def style_text(file: Path) -> str:
    """Return a style sheet with the files that it names in it."""

    def held(match: re.Match) -> str:
        return f'url("{data_address(file.parent / match[2])}")'

    return SHEET_ADDRESS.sub(held, file.read_text(encoding="utf-8"))


def script_text(file: Path) -> str:
    """Return a script so that it can stand in a page, which no string of it may end."""
    return re.sub(r"</(?=script)", r"<\\/", file.read_text(encoding="utf-8"), flags=re.IGNORECASE)


def put_in_styles(page: BeautifulSoup, name: str, book: BuiltBook) -> None:
    """Put the style sheets of a page, whose path is ``name``, into it."""
    for link in page.select("link[rel=stylesheet]"):
        link.replace_with(page.new_tag("style", string=style_text(book.folder / place(link["href"], name)[0])))


def put_in_pictures(page: BeautifulSoup, name: str, book: BuiltBook) -> None:
    """Put the pictures of a page into it, and the drawing for its tab."""
    for selector, attribute in (("img[src]", "src"), ("link[rel=icon]", "href")):
        for element in page.select(selector):
            if not leads_outside(element[attribute]):
                element[attribute] = data_address(book.folder / place(element[attribute], name)[0])


def put_in_scripts(page: BeautifulSoup, name: str, book: BuiltBook) -> None:
    """Put the scripts of a page into it: its own at the end, since they want all of it there; those for `LATER`.

    A model that a figure computes with comes too: ``in_page.js`` looks for it in the page before it asks for a file.
    """
    scripts = [book.folder / place(script["src"], name)[0] for script in page.select("script[src]")]
    for script in page.select("script[src]"):
        script.decompose()
    text = str(page)
    for attribute in LATER:
        for element in page.select(f"[{attribute}]"):
            file = book.folder / place(element[attribute], name)[0]
            text += file.read_text(encoding="utf-8")
            element[attribute] = data_address(file)
    models = [file for file in sorted((book.folder / MODELS).glob("*.js")) if f"{MODELS}/{file.name}" in text]
    for file in [*models, *scripts]:
        page.body.append(page.new_tag("script", string=script_text(file)))


def without_link(link: Tag) -> None:
    """Leave what a link shows where the link was; in a drawing as a group, since a title names what it stands in."""
    if link.find_parent("svg"):
        link.name = "g"
        del link["href"]
    else:
        link.unwrap()
