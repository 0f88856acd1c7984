"""Sphinx extension: the start page offers to go on where a reader was.

``pages.js`` keeps page and heading in the reader's browser. The start page
says them before it is painted, so that nothing moves; without scripts, or where
nothing is kept, the place for it is not there.
"""

from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

START = Path("book/index.html")
BOX = '<p class="where-you-were" hidden>You were at <a></a>.</p>'
# What is kept may be of another edition, so only what looks like a place is
# believed. Going back to the page may show it as it was left.
SCRIPT = """\
(() => {
  const box = document.querySelector(".where-you-were");
  const tell = () => {
    let kept;
    try { kept = JSON.parse(localStorage.getItem("swin-place")); } catch {}
    const known = /^book\\/(exercises\\/)?\\w+\\.html$/.test(kept?.page);
    box.hidden = !known;
    if (!known) return;
    const link = box.querySelector("a");
    const { page, title, anchor, heading } = kept;
    link.href = `../${page}${anchor ? "#" + encodeURIComponent(anchor) : ""}`;
    link.textContent = heading ? `${title}, “${heading}”` : title;
  };
  tell();
  addEventListener("pageshow", tell);
  addEventListener("swin-erased", tell);
})();"""


def insert_place(app: Sphinx, page: BeautifulSoup, path: Path) -> None:
    """Put the place and its script below the title of the start page."""
    if path != START:
        return
    script = page.new_tag("script", string=SCRIPT)
    title = page.select_one("article h1")
    title.insert_after(BeautifulSoup(BOX, "html.parser"), script)


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.setup_extension("finished_pages")
    app.connect("page-finishing", insert_place)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
