"""Sphinx extension: pages that ask for nothing outside the book.

Two parts of Jupyter Book reach for the network. Both are stopped:

* Thebe connects pages to a kernel on a server. Its scripts name a CDN, and one
  of them declares a constant twice, which every browser reports as an error. It
  is disconnected.
* The search shows an excerpt of each page that it finds and fetches the page
  for it. Browsers forbid that for pages opened as files, so there ``pages.js``
  lets the results come without excerpts.

Mathematics needs no script, as ``mathml`` makes it. The scripts of ipywidgets
are switched off by ``nb_ipywidgets_js: {}`` in ``_config.yml``: the figures of
this book do not need them.
"""

from sphinx.application import Sphinx
from sphinx.config import Config


def disconnect_thebe(app: Sphinx, config: Config) -> None:
    """Let Thebe write nothing into the pages; it would find no kernel."""
    for event in ("env-before-read-docs", "doctree-resolved"):
        for listener in list(app.events.listeners[event]):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.connect("config-inited", disconnect_thebe)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
