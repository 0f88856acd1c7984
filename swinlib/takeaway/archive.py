"""The whole book as a zip archive: unpacked, its pages work as files, search and figures included."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from tqdm import tqdm

from .built import BuiltBook

BEFORE_ALL = (1980, 1, 1, 0, 0, 0)  # the first time that an archive can name: the same book gives the same archive


def files_of(book: BuiltBook) -> list[Path]:
    """Return the files of the book, relative to its folder, without those that only a later build reads."""
    files = (file.relative_to(book.folder) for file in book.folder.rglob("*") if file.is_file())
    return sorted(file for file in files if not any(part.startswith(".") for part in file.parts))


def pack(book: BuiltBook, output: Path) -> None:
    """Write the archive; all that is in it lies in one folder, named like the book."""
    with ZipFile(output, "w", ZIP_DEFLATED) as archive:
        for file in tqdm(files_of(book), desc="files", disable=None):
            entry = ZipInfo(f"{book.file_name}/{file.as_posix()}", BEFORE_ALL)
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, (book.folder / file).read_bytes())
