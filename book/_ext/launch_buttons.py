"""Sphinx extension: buttons for Colab and Binder where they have an address.

The theme puts a menu with Colab and Binder on each page that is a notebook, and
needs the address of a repository for it: ``repository.url`` in ``_config.yml``,
the one place that says it. Without an address the theme would stop the build.
What the buttons open is made by ``book/launch.py``.
"""

from sphinx.application import Sphinx
from sphinx.config import Config


def need_an_address(app: Sphinx, config: Config) -> None:
    """Take the buttons away where there is no address."""
    if not config.html_theme_options.get("repository_url"):
        config.html_theme_options.pop("launch_buttons", None)


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.connect("config-inited", need_an_address)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
