"""Sphinx extension: pictures are small, come in time, and push nothing.

Pictures that cells have drawn become WebP: without loss, except where that
would take more than twice as much, as it does for photographs. A picture whose
size stands in the page pushes nothing aside when it comes, and one that is
still far below what a reader sees is not fetched.
"""

import base64
import hashlib
import io
from pathlib import Path

from bs4 import BeautifulSoup
from bs4.element import Tag
from PIL import Image
from sphinx.application import Sphinx

FOLDER = "_images"
INLINE = "data:image/png;base64,"
QUALITY = 90


def webp(picture: bytes) -> bytes:
    """Return a picture as WebP."""
    with Image.open(io.BytesIO(picture)) as image:
        colours = image.convert(
            "RGBA" if image.has_transparency_data else "RGB"
        )
    exact, near = io.BytesIO(), io.BytesIO()
    colours.save(exact, "webp", lossless=True, quality=50)
    colours.save(near, "webp", quality=QUALITY)
    smaller = len(near.getvalue()) * 2 < len(exact.getvalue())
    return (near if smaller else exact).getvalue()


def picture_file(source: str, page: Path) -> Path | None:
    """Return the file in which a picture of a page is to be, as WebP.

    Args:
        source: where the page says it is.
        page: the file of the page.

    Returns:
        None for what is no picture that a cell has drawn.
    """
    if source.startswith(INLINE):
        name = hashlib.sha256(source.encode()).hexdigest()[:32]
        root = next(up for up in page.parents if (up / "_static").is_dir())
        return root / FOLDER / f"{name}.webp"
    path = page.parent / source
    if path.parent.name == FOLDER and path.suffix == ".png":
        return path.with_suffix(".webp").resolve()
    return None


def make_small(picture: Tag, page: Path) -> None:
    """Make a picture of a page small, and say how large it is drawn."""
    source = picture["src"]
    file = picture_file(source, page)
    if file is not None:
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            content = (
                base64.b64decode(source.removeprefix(INLINE))
                if source.startswith(INLINE)
                else (page.parent / source).read_bytes()
            )
            file.write_bytes(webp(content))
        up = "../" * (len(page.parts) - len(file.parts) + 1)
        picture["src"] = f"{up}{FOLDER}/{file.name}"
    path = page.parent / picture["src"]
    if path.suffix in (".webp", ".png", ".jpg"):
        with Image.open(path) as image:
            picture["width"], picture["height"] = map(str, image.size)
    picture["loading"], picture["decoding"] = "lazy", "async"


def make_pictures_small(app: Sphinx, page: BeautifulSoup, path: Path) -> None:
    """Make all pictures of a page small."""
    for picture in page.select("img[src]"):
        make_small(picture, Path(app.outdir).resolve() / path)


def remove_large(app: Sphinx, exception: Exception | None) -> None:
    """Remove the pictures that no page names any more."""
    if exception is None and app.builder.format == "html":
        for path in Path(app.outdir, FOLDER).glob("*.png"):
            if path.with_suffix(".webp").exists():
                path.unlink()


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.setup_extension("finished_pages")
    app.connect("page-finishing", make_pictures_small)
    app.connect("build-finished", remove_large, priority=900)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
