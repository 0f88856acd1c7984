"""Sphinx extension: pages that ask for nothing outside the book.

Three parts of Jupyter Book reach for the network. This extension stops each of
them:

* MathJax comes from a CDN. It is copied from the package
  ``sphinx-mathjax-offline`` into the book instead; only what typesetting TeX
  needs, and what MathJax's own accessibility menu loads when a reader turns
  speech on.
* Thebe connects pages to a kernel on a server. Its scripts name a CDN, and one
  of them declares a constant twice, which every browser reports as an error. It
  is disconnected.
* The search shows an excerpt of each page that it finds and fetches the page
  for it. Browsers forbid that for pages opened as files, so there the results
  come without excerpts.

The fourth, the scripts of ipywidgets, is switched off by ``nb_ipywidgets_js:
{}`` in ``_config.yml``: the figures of this book do not need them.
"""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util.fileutil import copy_asset

MATHJAX_PACKAGE = "sphinx-mathjax-offline"
MATHJAX_START = "tex-chtml.js"
# Loaded by the start file when a page needs them: fonts, less common TeX
# macros; and, from its menu, speech.
MATHJAX_PARTS = [
    "output/chtml/fonts",
    "input/tex/extensions",
    "a11y",
    "sre/mathmaps/base.json",
    "sre/mathmaps/en.json",
]

# Runs after Sphinx's documentation_options.js, which declares the constant, and
# before a search reads it.
NO_EXCERPTS_FROM_FILES = (
    'if (location.protocol === "file:") '
    "DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;"
)


def mathjax_folder() -> Path:
    """Return the installed folder of MathJax.

    Raises:
        ExtensionError: if the package is not installed, or does not hold
        MathJax where it used to.
    """
    try:
        folder = Path(
            distribution(MATHJAX_PACKAGE).locate_file(
                f"{MATHJAX_PACKAGE}/static/mathjax"
            )
        )
    except PackageNotFoundError:
        folder = None
    if folder is None or not (folder / MATHJAX_START).is_file():
        raise ExtensionError(
            f"The book needs MathJax from the package {MATHJAX_PACKAGE}, which "
            f"is not installed or has changed. "
            f"Run: pip install -r requirements.txt"
        )
    return folder


def use_own_mathjax(app: Sphinx, config: Config) -> None:
    """Load MathJax from the book."""
    mathjax_folder()
    config.mathjax_path = f"mathjax/{MATHJAX_START}"


def copy_mathjax(app: Sphinx) -> None:
    """Copy MathJax before the pages are written: they name its checksum."""
    if app.builder.format != "html":
        return
    source, target = mathjax_folder(), Path(app.outdir, "_static", "mathjax")
    for name in [MATHJAX_START, *MATHJAX_PARTS]:
        part = source / name
        copy_asset(
            part, target / name if part.is_dir() else (target / name).parent
        )


def disconnect_thebe(app: Sphinx, config: Config) -> None:
    """Let Thebe write nothing into the pages; it would find no kernel."""
    for event in ("env-before-read-docs", "doctree-resolved"):
        for listener in list(app.events.listeners[event]):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.connect("config-inited", use_own_mathjax)
    app.connect("config-inited", disconnect_thebe)
    app.connect("builder-inited", copy_mathjax)
    app.add_js_file(None, body=NO_EXCERPTS_FROM_FILES)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
