"""Sphinx extension: the icons in use stand in the page.

The theme loads all of Font Awesome, half a megabyte, and draws some fifteen
icons of it. Each is put into the page here, as the drawing that Font Awesome
would make of it, and the rest is left out.
"""

import re
from functools import cache
from pathlib import Path

import pydata_sphinx_theme
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

FONT_AWESOME = "theme/pydata_sphinx_theme/static/scripts/fontawesome.js"
# What says how an icon looks, not which one it is.
MODIFIERS = {"fa-solid", "fa-regular", "fa-brands", "fa-lg", "fa-fw"}
ICON = re.compile(
    r'[{,]"?([\w-]+)"?:\[(\d+),(\d+),\[[^\]]*\],"\w+","([^"]+)"\]'
)


@cache
def drawings() -> dict[str, tuple[str, str]]:
    """Return the view box and the path of each icon of Font Awesome.

    Where there are several with a name, the last one is the solid one.

    Raises:
        ExtensionError: if the theme has no icons where it used to have them.
    """
    path = Path(pydata_sphinx_theme.__file__).parent / FONT_AWESOME
    found = ICON.findall(path.read_text("utf-8")) if path.is_file() else []
    if not found:
        raise ExtensionError(f"The theme has no icons in {path}.")
    return {
        name: (f"0 0 {width} {height}", outline)
        for name, width, height, outline in found
    }


def draw_icons(app: Sphinx, page: BeautifulSoup, path: Path) -> None:
    """Put the drawing of each icon in its place."""
    for place in page.select("i[class*='fa-'], span[class*='fa-']"):
        classes = place["class"]
        (name,) = (
            each
            for each in classes
            if each.startswith("fa-") and each not in MODIFIERS
        )
        box, outline = drawings()[name.removeprefix("fa-")]
        kept = [each for each in classes if each not in ("fas", "fa-solid")]
        drawing = page.new_tag(
            "svg",
            attrs={
                **place.attrs,
                "class": ["svg-inline--fa", *kept],
                "aria-hidden": "true",
                "viewBox": box,
            },
        )
        outline = {"fill": "currentColor", "d": outline}
        drawing.append(page.new_tag("path", attrs=outline))
        place.replace_with(drawing)


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.setup_extension("finished_pages")
    app.connect("page-finishing", draw_icons)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
