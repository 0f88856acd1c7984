"""Sphinx extension: what is shown where somebody posts a link to a page.

Sites that make a card of a link read the page's title, a description and the
address of a picture from it (https://ogp.me). That address must be a full one:
they do not resolve others. So the picture is named only if ``baseurl`` in
``_config.yml`` says where the book is published; title and description are
there always. Readers of a page ask for none of this.
"""

import html
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from swinlib.figures.cover import SIZE, cover

COVER = "_static/cover.jpg"
LONGEST = 200  # characters of a description; sites cut longer ones
ALT = (
    "A photograph of a tower by a lake under a grid of windows, and the same "
    "photograph three times in coarser tokens."
)


def write_cover(app: Sphinx) -> None:
    """Draw the cover."""
    if app.builder.format != "html":
        return
    path = Path(app.outdir, COVER)
    path.parent.mkdir(parents=True, exist_ok=True)
    title = app.config.html_title.replace(" from ", "\nfrom ")
    line = "An executable book:\none photograph, line by line"
    options = {"quality": 80, "optimize": True}
    cover(title, line).savefig(path, format="jpeg", pil_kwargs=options)


def describe(doctree: nodes.document) -> str:
    """Return the sentences of the first paragraph that fit."""
    paragraph = next(doctree.findall(nodes.paragraph), None)
    text = " ".join(paragraph.astext().split()) if paragraph else ""
    if len(text) <= LONGEST:
        return text
    kept, stop, _ = text[:LONGEST].rpartition(". ")
    return kept + "." if stop else text[: LONGEST - 1].rsplit(" ", 1)[0] + "…"


def card(
    title: str, description: str, address: str = "", picture: str = ""
) -> str:
    """Return the tags of a card; those of the address only if there is one."""
    named = {"og:type": "article", "og:title": title}
    if description:
        named |= {"og:description": description}
    if address:
        named |= {
            "og:url": address,
            "og:image": picture,
            "og:image:width": str(SIZE[0]),
            "og:image:height": str(SIZE[1]),
            "og:image:alt": ALT,
        }
    tags = [
        f'<meta property="{name}" content="{html.escape(value)}"/>'
        for name, value in named.items()
    ]
    kind = "summary_large_image" if address else "summary"
    tags.append(f'<meta name="twitter:card" content="{kind}"/>')
    if description:
        tags.append(
            f'<meta name="description" content="{html.escape(description)}"/>'
        )
    return "\n".join(tags)


def add_card(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict,
    doctree: nodes.document | None,
) -> None:
    """Put the tags into the head of a page with text."""
    if doctree is None:
        return
    base = app.config.html_baseurl.rstrip("/")
    title = app.env.titles[pagename].astext()
    tags = card(
        title,
        describe(doctree),
        base and f"{base}/{app.builder.get_target_uri(pagename)}",
        f"{base}/{COVER}",
    )
    context["metatags"] = f"{context.get('metatags', '')}\n{tags}\n"


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.connect("builder-inited", write_cover)
    app.connect("html-page-context", add_card)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
