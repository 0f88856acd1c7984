"""Sphinx extension: a page's head asks for one style sheet and one script.

The theme and the extensions bring a dozen of each, most of which holds what
this book does not use. Here they become two files, besides the font of
``mathml`` where there are formulas:

* ``book.css`` has the rules that can apply to some page;
* ``book.js`` has the scripts that do something on the pages, and runs when a
  page is there. What searching needs comes with the page of the search only.

What else they brought is removed. The colours of a page are set before it is
painted, to those that the reader chose or those of the system.
"""

import hashlib
import os
import re
import shutil
from pathlib import Path

import mathml
from bs4 import BeautifulSoup
from finished_pages import AFTER_PAGES, pages_in
from sphinx.application import Sphinx
from used_styles import names_in_page, read_sheet, used_rules, without_unasked

STYLE, SCRIPT = "_static/book.css", "_static/book.js"
# Not for this book: tabs, folded admonitions, code that runs on a server.
UNUSED_STYLES = {
    "sphinx-design.min.css",
    "sphinx-thebe.css",
    "togglebutton.css",
}
SCRIPTS = (
    "storage.js",
    "documentation_options.js",
    "doctools.js",
    "sphinx_highlight.js",
    "clipboard.min.js",
    "copybutton.js",
    "scripts/sphinx-book-theme.js",
    "scripts/pydata-sphinx-theme.js",
    "pages.js",
)
SEARCH_SCRIPTS = ("language_data.js", "searchtools.js", "search_page.js")
# What is in one of the two files, or for nobody.
LEFT_OUT = (
    "scripts",
    "styles",
    "vendor",
    "locales",
    "sphinx-thebe.js",
    "design-tabs.js",
    "togglebutton.js",
    "copybutton_funcs.js",
    "sbt-webpack-macros.html",
    "webpack-macros.html",
    "check-solid.svg",
    "copy-button.svg",
    "play-solid.svg",
)

COLOURS = """\
(() => {
  let mode = "auto";
  try { mode = localStorage.getItem("mode") ?? mode; } catch { /* forbidden */ }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = mode === "auto" ? (dark ? "dark" : "light") : mode;
  Object.assign(document.documentElement.dataset, { mode, theme });
})();"""

WORD = re.compile(r"[a-zA-Z][\w-]*")
COMMENT = re.compile(r"^ *//.*\n", re.M)  # a line of its own


def lighten_head(app: Sphinx, page: BeautifulSoup, path: Path) -> None:
    """Let a page ask for one style sheet and one script."""
    page.html["data-theme"] = "light"  # without scripts
    up = "../" * (len(path.parts) - 1)
    static = Path(app.outdir, "_static")
    for link in page.select("link[rel=stylesheet]"):
        address = link["href"].partition("?")[0]
        sheet = (Path(app.outdir, path).parent / address).resolve()
        name = os.path.relpath(sheet, static.resolve())
        if name not in UNUSED_STYLES and name not in app.builder.book_sheets:
            app.builder.book_sheets.append(name)
    for gone in page.select(
        "link[rel=stylesheet], link[rel=preload], script[src], head script, "
        "meta[name=viewport] ~ meta[name=viewport], meta[name^=docsearch]"
    ):
        gone.decompose()
    schemes = {"name": "color-scheme", "content": "light dark"}
    tags = [
        page.new_tag("meta", attrs=schemes),
        page.new_tag("script", string=COLOURS),
        page.new_tag("link", attrs={"rel": "stylesheet", "href": up + STYLE}),
    ]
    scripts = [SCRIPT]
    if path.name == "search.html":
        scripts += [f"_static/{name}" for name in SEARCH_SCRIPTS]
    tags += [
        page.new_tag("script", attrs={"defer": "", "src": up + name})
        for name in scripts
    ]
    place = page.head.find("title")
    for tag in reversed(tags):
        place.insert_after(tag)


def write_files(app: Sphinx, exception: Exception | None) -> None:
    """Write the two files, and let the pages ask for these versions."""
    if exception is not None or not app.builder.book_sheets:
        return  # no page was written
    folder, static = Path(app.outdir), Path(app.outdir, "_static")
    scripts = "\n;\n".join(
        COMMENT.sub("", (static / name).read_text(encoding="utf-8"))
        for name in SCRIPTS
    )
    pages = {
        path: path.read_text(encoding="utf-8") for path in pages_in(folder)
    }
    names = set(WORD.findall(scripts))
    for name in SEARCH_SCRIPTS:
        names.update(WORD.findall((static / name).read_text(encoding="utf-8")))
    for page in pages.values():
        names.update(names_in_page(page))
    sheets = [
        read_sheet(static / name, static) for name in app.builder.book_sheets
    ]
    css = without_unasked("".join(used_rules(sheet, names) for sheet in sheets))
    (folder / STYLE).write_text(css, encoding="utf-8")
    (folder / SCRIPT).write_text(scripts, encoding="utf-8")
    for name in (STYLE, SCRIPT, mathml.STYLE):
        content = (folder / name).read_bytes()
        version = hashlib.sha256(content).hexdigest()[:8]
        asked = re.compile(rf'{re.escape(name)}(?:\?v=\w+)?"')
        for path, page in pages.items():
            pages[path] = asked.sub(f'{name}?v={version}"', page)
    for path, page in pages.items():
        path.write_text(page, encoding="utf-8")
    logos = static / "images"
    for logo in list(logos.glob("*")):
        name = f"_static/images/{logo.name}"
        if not any(name in page for page in pages.values()):
            logo.unlink()
    if not any(logos.glob("*")):
        shutil.rmtree(logos, ignore_errors=True)
    for name in {*LEFT_OUT, *UNUSED_STYLES, *SCRIPTS, *app.builder.book_sheets}:
        part = static / name
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)


def expect_sheets(app: Sphinx) -> None:
    """Begin the list of style sheets that the pages of this build ask for."""
    app.builder.book_sheets = []


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.setup_extension("finished_pages")
    app.connect("builder-inited", expect_sheets)
    app.connect("page-finishing", lighten_head)
    app.connect("build-finished", write_files, priority=AFTER_PAGES)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
