"""Sphinx extension: mathematics as MathML, made while the book is built.

Browsers set MathML by themselves. So a page has its formulas at once, without a
script, and a screen reader finds them in the page. The TeX that a formula was
written in stays in it as an annotation, for whoever copies it.

They need a font with the measures of mathematics, which not every machine has.
STIX Two Math (https://github.com/stipub/stixfonts; this copy is npm's
``@fontsource/stix-two-math`` 5.3.0) comes with the book, cut down to what is
written in it. That is more than the characters of the pages: a browser slants
single letters, which gives them another code, and draws radicals, for which no
character is there. The font stands in a style sheet, so that pages with
formulas are first painted with it: in another one, lines and tables would have
other sizes.
"""

import base64
import io
import re
from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup
from docutils import nodes
from finished_pages import AFTER_PAGES
from fontTools import subset
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util.logging import getLogger
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

logger = getLogger(__name__)

FONT = Path(__file__).with_name("fonts") / "STIXTwoMath.woff2"
STYLE = "_static/mathematics.css"
WRITTEN = re.compile(r"<math\b.*?</math>", re.DOTALL)
NOT_SET = re.compile(r"<annotation\b.*?</annotation>|<[^>]*>", re.DOTALL)
# A word in a formula names something. As text, it would count as a space, and
# take the space from beside an operator.
WORD = re.compile(r"<mtext>(\w\w+)</mtext>")
# What begins the right half of an aligned line continues the left half: it is
# no sign of what follows.
CONTINUED = re.compile(r"(<mtd style=\"[^\"]*padding-left: 0;\">)<mo>")
LETTER = re.compile(r"<mi>(\w)</mi>")
RADICAL = "\N{SQUARE ROOT}"


@cache
def converter() -> LatexToMathML:
    """Return what makes MathML of TeX."""
    return LatexToMathML(annotation=True)


def mathml(tex: str, *, display: bool) -> str:
    """Return a formula as MathML.

    Raises:
        ValueError: if there is something in it that cannot be converted.
    """
    try:
        formula = converter().convert_with_local_state(
            tex, displaystyle=display
        )
    except LatexError as error:
        raise ValueError(
            f"the formula {tex!r} cannot be made into MathML: "
            f"{plain(str(error))}"
        ) from error
    formula = WORD.sub(r"<mi>\1</mi>", formula)
    return CONTINUED.sub(r'\1<mo form="infix">', formula)


def plain(text: str) -> str:
    """Return a message without the codes that colour it in a terminal."""
    return re.sub(r"\x1b\[[\d;]*m", "", text).strip()


def write(translator: HTML5Translator, node: nodes.Element, tag: str) -> None:
    """Write a formula in its element, as TeX if it cannot be converted."""
    try:
        formula = mathml(node.astext(), display=tag == "div")
    except ValueError as error:
        logger.warning("%s", error, location=node)
        formula = translator.encode(node.astext())
    start = translator.starttag(node, tag, "", CLASS="math notranslate")
    number = ""
    if node.get("number"):
        equation = get_node_equation_number(translator, node)
        number = f'<span class="eqno">({equation})</span>'
    translator.body.append(f"{start}{number}{formula}</{tag}>")
    raise nodes.SkipNode


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a sentence."""
    write(translator, node, "span")


def visit_display(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula in a line of its own."""
    write(translator, node, "div")


def slanted(letter: str) -> str:
    """Return the character that a browser draws for a single letter.

    >>> slanted("x") == "\N{MATHEMATICAL ITALIC SMALL X}"
    True
    """
    special = {"h": "\N{PLANCK CONSTANT}"}
    for first, start in (("A", 0x1D434), ("a", 0x1D44E)):
        if 0 <= ord(letter) - ord(first) < 26:
            return special.get(letter, chr(start + ord(letter) - ord(first)))
    for first, start in (("\u0391", 0x1D6E2), ("\u03b1", 0x1D6FC)):
        if 0 <= ord(letter) - ord(first) < 25:
            return chr(start + ord(letter) - ord(first))
    return letter


def drawn(page: str) -> set[str]:
    """Return the characters that the formulas of a page are drawn with."""
    characters = set()
    for formula in WRITTEN.findall(page):
        characters |= set(NOT_SET.sub("", formula))
        characters |= {slanted(letter) for letter in LETTER.findall(formula)}
        if "<msqrt" in formula or "<mroot" in formula:
            characters.add(RADICAL)
    return characters - set("\n")


def cut_font(characters: set[str]) -> bytes:
    """Return the font with these characters and all that they grow to."""
    options = subset.Options(
        flavor="woff2",
        layout_features=["*"],
        name_IDs=["*"],
    )
    font = subset.load_font(str(FONT), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(characters))
    subsetter.subset(font)
    content = io.BytesIO()
    subset.save_font(font, content, options)
    return content.getvalue()


def write_font(app: Sphinx, exception: Exception | None) -> None:
    """Write the style sheet with the font for all pages that are there."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    pages = sorted(folder.rglob("*.html"))
    characters = set().union(
        *(drawn(page.read_text(encoding="utf-8")) for page in pages)
    )
    content = base64.b64encode(cut_font(characters)).decode()
    address = f"data:font/woff2;base64,{content}"
    (folder / STYLE).write_text(
        f'@font-face{{font-family:"STIX Two Math";src:url("{address}")}}',
        encoding="utf-8",
    )


def ask_for_font(app: Sphinx, page: BeautifulSoup, path: Path) -> None:
    """Let a page with formulas ask for the font."""
    if page.math is not None:
        address = "../" * (len(path.parts) - 1) + STYLE
        link = {"rel": "stylesheet", "href": address}
        page.head.append(page.new_tag("link", attrs=link))


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.add_html_math_renderer(
        "mathml", (visit_inline, None), (visit_display, None)
    )
    app.setup_extension("finished_pages")
    app.connect("page-finishing", ask_for_font, priority=AFTER_PAGES)
    app.connect("build-finished", write_font)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
