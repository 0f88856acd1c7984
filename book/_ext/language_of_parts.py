"""Sphinx extension: Chinese in an English text is marked as Chinese.

The glossary has Chinese terms, and the corrections quote a Chinese post. Marked
by ``lang="zh"``, they are read aloud with a Chinese voice, and drawn with the
Chinese and not the Japanese forms of the characters.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

# Characters in a row; between 「 and 」 with whatever else is quoted.
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
QUOTATION = f"(?<=「)[^「」]*[{HAN}][^「」]*(?=」)"
CHINESE = re.compile(f"{QUOTATION}|[{HAN}]+(?:、[{HAN}]+)*")


def mark_chinese(app: Sphinx, doctree: nodes.document) -> None:
    """Wrap each stretch of Chinese; docutils writes the class as ``lang``."""
    for text in list(doctree.findall(nodes.Text)):
        if isinstance(text.parent, nodes.raw | nodes.literal_block):
            continue
        pieces, end = [], 0
        for match in CHINESE.finditer(str(text)):
            before = nodes.Text(str(text)[end : match.start()])
            word = nodes.inline("", match.group(), classes=["language-zh"])
            pieces += [before, word]
            end = match.end()
        if pieces:
            text.parent.replace(text, [*pieces, nodes.Text(str(text)[end:])])


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.connect("doctree-read", mark_chinese)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
