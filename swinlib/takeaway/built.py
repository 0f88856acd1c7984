"""The built book: its pages in their order, what it is called, and where it is published."""

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

FIRST = "book/index.html"
CONTENTS = "#pst-primary-sidebar nav a.reference.internal"
BUILD = "jupyter-book build ."


class TakeawayError(Exception):
    """What was asked for cannot be made; the message says what to do."""


@dataclass(frozen=True)
class BuiltBook:
    """The folder of the built pages.

    Attributes:
        folder: holds ``index.html``, ``book`` and ``_static``.
        given_address: where the book is published, if somebody says so; otherwise its pages are asked.

    Raises:
        TakeawayError: if there is no built book in the folder.
    """

    folder: Path
    given_address: str = ""

    def __post_init__(self) -> None:
        if not (self.folder / FIRST).is_file():
            raise TakeawayError(
                f"There is no built book in {self.folder}: it has no {FIRST}. Build it by `{BUILD}`, which writes it "
                f"to _build/html, or say where it is by --built."
            )
        if self.given_address and urlsplit(self.given_address).scheme not in ("http", "https"):
            raise TakeawayError(
                f"--address is where the book is published, such as https://example.org/swin/, and not "
                f"{self.given_address!r}."
            )

    def read(self, name: str) -> BeautifulSoup:
        """Return a page, by its path below the folder."""
        return BeautifulSoup((self.folder / name).read_text(encoding="utf-8"), "html.parser")

    @cached_property
    def _first(self) -> BeautifulSoup:
        return self.read(FIRST)

    @cached_property
    def pages(self) -> list[str]:
        """The paths of the pages in the order of the table of contents; its own page comes first."""
        links = self._first.select(CONTENTS)
        return list(dict.fromkeys([FIRST, *(place(link["href"], FIRST)[0] for link in links)]))

    @property
    def chapters(self) -> dict[int, str]:
        """The pages that are chapters, by their numbers."""
        return {int(PurePosixPath(page).name[:2]): page for page in self.pages if re.match(r"book/\d\d_", page)}

    def page_of(self, number: int, *, exercises: bool = False) -> str:
        """Return the page of a chapter, or that of its exercises.

        Raises:
            TakeawayError: if there is none; the message names those that there are.
        """
        pages = {
            chapter: page.replace("book/", "book/exercises/", 1) if exercises else page
            for chapter, page in self.chapters.items()
        }
        pages = {chapter: page for chapter, page in pages.items() if page in self.pages}
        if number not in pages:
            wanted = f"There are no exercises for chapter {number}" if exercises else f"There is no chapter {number}"
            there = "\n".join(f"  {chapter}  {PurePosixPath(page).stem}" for chapter, page in pages.items())
            raise TakeawayError(f"{wanted} in {self.folder}. There are:\n{there}")
        return pages[number]

    @cached_property
    def title(self) -> str:
        """What the book is called: a page's title ends with it."""
        return self._first.title.get_text().strip().rpartition(" — ")[2]

    @property
    def language(self) -> str:
        """The language of its pages, such as ``en``."""
        return self._first.html["lang"]

    @property
    def file_name(self) -> str:
        """The title as the name of a file."""
        return re.sub(r"\W+", "-", self.title.lower()).strip("-")

    @cached_property
    def address(self) -> str:
        """Where the book is published, ending with ``/``; empty if nobody says so.

        If none was given, it is what the book was built with: ``baseurl`` in _config.yml, from which each page has its
        own address.
        """
        link = self._first.find("link", rel="canonical")
        found = self.given_address or (link["href"].removesuffix(FIRST) if link else "")
        return found and found.rstrip("/") + "/"


def place(address: str, page: str) -> tuple[str, str]:
    """Return what a page's link leads to: a path below the folder of the book, and the part within it.

    Args:
        address: as it stands in the page; it has no scheme.
        page: the path of the page below the folder.
    """
    path, _, part = address.partition("#")
    if not path:
        return page, part
    folder = PurePosixPath(page).parent
    return PurePosixPath(os.path.normpath(folder / unquote(path.partition("?")[0]))).as_posix(), part


def leads_outside(address: str) -> bool:
    """Tell whether an address names more than a place in the book, such as https://... or mailto:..."""
    return bool(urlsplit(address).scheme or address.startswith("//"))
