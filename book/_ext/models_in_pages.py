"""Sphinx extension: the models that figures compute with in the page.

Each is one script in the folder of static files, which all pages share and
load when a reader first touches such a figure. Its weights come from the file
that swinlib brings.
"""

from pathlib import Path

from sphinx.application import Sphinx

from swinlib.figures.in_page import MODELS


def write_models(app: Sphinx) -> None:
    """Write the script of each model."""
    if app.builder.format != "html":
        return
    for model in MODELS:
        path = Path(app.outdir, model.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(model.script(), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.connect("builder-inited", write_models)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
