"""``python -m swinlib.takeaway``: see the package's docstring."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional, arg

from .archive import pack
from .built import BuiltBook, TakeawayError
from .chapter import file_name, one_file
from .pdf import print_book

EXIT_USE = 2
FOLDER = Path("_build/takeaway")

Built = Annotated[Path, arg(help="The folder of the built pages.")]
Address = Annotated[str, arg(help="Where the book is published; that of its pages if not given.")]
BUILT = Path("_build/html")


def chapter(
    number: Positional[int],
    exercises: bool = False,
    output: Path | None = None,
    address: Address = "",
    built: Built = BUILT,
) -> None:
    """Write a chapter as one HTML file, which can be mailed, and opened on a phone.

    Args:
        number: Of the chapter.
        exercises: Its exercises instead.
        output: The file; one named like the page, in _build/takeaway, if not given.
    """
    book = BuiltBook(built, address)
    name = book.page_of(number, exercises=exercises)
    written = _made(output or FOLDER / file_name(name))
    written.write_text(one_file(book, name), encoding="utf-8")
    _tell(written)


def book(output: Path | None = None, built: Built = BUILT) -> None:
    """Pack the whole book into a zip archive. Who has unpacked it opens index.html.

    Args:
        output: The file; one named like the book, in _build/takeaway, if not given.
    """
    pages = BuiltBook(built)
    written = _made(output or FOLDER / f"{pages.file_name}.zip")
    pack(pages, written)
    _tell(written)


def pdf(output: Path | None = None, address: Address = "", built: Built = BUILT) -> None:
    """Print the whole book as a PDF, with the folded answers at its end. It needs Playwright and a Chromium.

    Args:
        output: The file; one named like the book, in _build/takeaway, if not given.
    """
    pages = BuiltBook(built, address)
    written = _made(output or FOLDER / f"{pages.file_name}.pdf")
    print_book(pages, written)
    _tell(written)


def _made(output: Path) -> Path:
    """Make the folder of a file, and return the file."""
    output.parent.mkdir(parents=True, exist_ok=True)
    return output


def _tell(written: Path) -> None:
    """Say what was written, and how large it is."""
    print(f"wrote {written}, {written.stat().st_size / 1e6:.1f} MB")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit code."""
    commands = {command.__name__: command for command in (chapter, book, pdf)}
    try:
        tyro.extras.subcommand_cli_from_dict(commands, prog="python -m swinlib.takeaway", args=arguments)
    except (TakeawayError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USE
    return 0


if __name__ == "__main__":
    sys.exit(main())
