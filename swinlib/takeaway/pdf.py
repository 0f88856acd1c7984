"""The whole book as a PDF, printed by Chromium.

``document`` makes one page of all pages, and Chromium prints it once. To print each page and to merge what comes out
would lose the tags, the language and the links between chapters.

Paper has no folds. What answers a question is moved to the end, with links there and back; what else is folded, such as
the code of a figure or a further pitfall, stands open in its place. Of an interactive figure its picture is there.
"""

import html
import re
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any

from bs4 import BeautifulSoup
from bs4.element import Tag
from tqdm import tqdm

from swinlib.doctor import find_chromium

from .built import BuiltBook, TakeawayError, leads_outside, place
from .inline import put_in_pictures, style_text, without_link

# What a fold is called that answers something; an exercise has hints, help and a solution.
ANSWERS = re.compile(r"Answer|Hint|Solution|Explanation|My check fails")
STYLES = ("_static/book.css", "_static/mathematics.css")
# Not for paper: what only a script or a mouse makes use of.
LEFT_OUT = (
    "script, noscript, a.headerlink, button, .swin-quiz-how, .swin-quiz-end, .swin-quiz-verdict, "
    ".answer, .answers-done, [data-interpreter], .returning-questions, .where-you-were, "
    ".chapter-links li:has([download])"
)
# Of code, what has the colour of the text: each element would be a mark in the PDF, of which half would be these.
PLAIN = "pre :is(span.n, span.p, span.w, span.nn)"
POINTING = ("aria-describedby", "aria-labelledby", "aria-controls", "for", "headers")
FOOTER = """\
<div style="width: 100%; margin: 0 16mm; font: 8pt sans-serif; color: #555; display: flex">
<span style="flex: 1">{title}</span><span class="pageNumber"></span></div>
"""
PAGE = """\
<!DOCTYPE html>
<html lang="{language}" data-theme="light" data-mode="light"><head><meta charset="utf-8"><title>{title}</title>
{styles}</head>
<body><main class="bd-main"><article class="bd-article">
<section class="title-page"><p class="book-title">{title}</p>
<h1>Contents</h1>
<nav aria-label="Contents"><ul>{contents}</ul></nav></section>
{pages}
<section id="answers"><h1>Answers</h1>
<p>What is folded on the pages of the book, with the numbers that stand at the questions.</p>
{answers}
</section></article></main></body></html>
"""


def document(book: BuiltBook) -> str:
    """Return all pages as one, in the order of the table of contents, with the answers at the end."""
    articles = {name: book.read(name).select_one("article") for name in tqdm(book.pages, desc="pages", disable=None)}
    there = {
        f"{mark(name)}.{element['id']}" for name, article in articles.items() for element in article.select("[id]")
    }
    contents, answers, number = [], [], 1
    for name, article in articles.items():
        for element in article.select(LEFT_OUT):
            element.decompose()
        for plain in article.select(PLAIN):
            plain.unwrap()
        own_names(article, name)
        for link in article.select("a[href]"):
            lead(link, name, book, there)
        put_in_pictures(article, name, book)
        for picture in article.select("img[loading]"):
            del picture["loading"]
        name_pictures(article)
        title = article.h1.get_text().strip()
        moved = move_answers(article, number)
        number += len(moved)
        if moved:
            answers += [f"<section><h2>{html.escape(title)}</h2>", *moved, "</section>"]
        unfold(article)
        article.name, article["id"], article["class"] = "section", mark(name), ["a-page"]
        kind = ' class="below"' if "/exercises/" in name else ""
        contents.append(f'<li{kind}><a href="#{mark(name)}">{html.escape(title)}</a></li>')
    contents.append('<li><a href="#answers">Answers</a></li>')
    sheets = [style_text(book.folder / name) for name in STYLES]
    sheets.append(resources.files(__package__).joinpath("paper.css").read_text(encoding="utf-8"))
    return PAGE.format(
        language=book.language,
        title=html.escape(book.title),
        styles="\n".join(f"<style>{sheet}</style>" for sheet in sheets),
        contents="\n".join(contents),
        pages="\n".join(str(article) for article in articles.values()),
        answers="\n".join(answers),
    )


def mark(name: str) -> str:
    """Return what the names of places on a page begin with, where all pages are one."""
    return PurePosixPath(name).with_suffix("").as_posix().replace("/", ".")


def own_names(article: Tag, name: str) -> None:
    """Let the names of places on a page begin with its mark, and so whatever points to them within the page."""
    own = mark(name)
    for element in article.find_all(True):
        for attribute, value in element.attrs.items():
            if attribute == "id":
                element[attribute] = f"{own}.{value}"
            elif attribute in POINTING:
                names = value if isinstance(value, list) else value.split()
                element[attribute] = " ".join(f"{own}.{each}" for each in names)
            elif isinstance(value, str) and "url(#" in value:
                element[attribute] = value.replace("url(#", f"url(#{own}.")
        if element.name == "use":
            element["href"] = element["href"].replace("#", f"#{own}.", 1)


def lead(link: Tag, name: str, book: BuiltBook, there: set[str]) -> None:
    """Let a link lead within the document, or to where the book is published, or leave its text.

    A place that is not there would become the address of the file that is printed.
    """
    address = link["href"]
    if leads_outside(address):
        return
    path, part = place(address, name)
    if path in book.pages:
        target = f"{mark(path)}.{part}"
        link["href"] = f"#{target}" if target in there else f"#{mark(path)}"
        del link["download"]
    elif book.address:
        link["href"] = book.address + path + (f"#{part}" if part else "")
    else:
        without_link(link)


def name_pictures(article: Tag) -> None:
    """Let a drawing be a picture with alternative text, and a figure what it is in: its picture has the text."""
    for drawing in article.select("svg:has(> desc)"):
        drawing["aria-label"] = f"{drawing['aria-label']}. {drawing.desc.get_text()}"
        drawing["role"] = "img"
    for figure in article.select("figure"):
        figure["role"] = "group"


def take_title(fold: Tag) -> tuple[str, str]:
    """Take the name of a fold out of it.

    Returns:
        The name as HTML: as it is seen where the fold stands, and with what a screen reader is told besides.
    """
    summary = fold.summary.extract()
    for twice in summary.select("p.expanded"):
        twice.decompose()
    for paragraph in summary.find_all("p"):
        paragraph.unwrap()
    told = "".join(hidden.extract().decode_contents() for hidden in summary.select(".visually-hidden"))
    seen = " ".join(summary.decode_contents().split())
    return seen, seen + told.rstrip()


def move_answers(article: Tag, number: int) -> list[str]:
    """Take the folds that answer something out of a page, and leave a link in each one's place.

    Args:
        article: the page.
        number: of the first answer.

    Returns:
        The answers, each with a link back.
    """
    answers = []
    for fold in article.select("details"):
        if fold.find_parent("details") or not ANSWERS.match(fold.summary.get_text().strip()):
            continue
        seen, whole = take_title(fold)
        unfold(fold)
        answers.append(
            f'<section class="at-the-end"><h3 id="answer-{number}">{number}. {whole}</h3>\n{fold.decode_contents()}\n'
            f'<p><a href="#asked-{number}">Back to where {number} is asked</a></p></section>'
        )
        link = f'<p class="asked" id="asked-{number}"><a href="#answer-{number}">{seen}</a>, {number} at the end</p>'
        fold.replace_with(BeautifulSoup(link, "html.parser"))
        number += 1
    return answers


def unfold(article: Tag) -> None:
    """Open the folds of a page, or those within an answer, in their places."""
    for fold in article.select("details"):
        seen, _ = take_title(fold)
        seen = re.sub(r"^Show (.)", lambda match: match[1].upper(), seen)  # it is shown
        fold.insert(0, BeautifulSoup(f'<p class="fold-name">{seen}</p>', "html.parser"))
        fold.name, fold["class"] = "div", ["unfolded"]


def printer() -> tuple[Callable[[], Any], str]:
    """Return what starts Playwright, and the path of Chromium.

    Raises:
        TakeawayError: if one of them is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise TakeawayError("A PDF is printed through Playwright. Install it by `pip install playwright`.") from None
    chromium = find_chromium()
    if chromium is None:
        raise TakeawayError(
            "A PDF is printed by Chromium, and none is installed. On Debian or Ubuntu: apt-get install chromium. "
            "Elsewhere: install Chromium or Google Chrome."
        )
    return sync_playwright, chromium


def print_page(content: str, title: str, output: Path) -> None:
    """Print a page, with its title and the number at the foot of each sheet.

    Raises:
        TakeawayError: if there is nothing to print it with.
    """
    start, chromium = printer()
    with tempfile.TemporaryDirectory() as folder, start() as playwright:
        file = Path(folder, "book.html")
        file.write_text(content, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(offline=True).new_page()
        page.goto(file.as_uri(), timeout=0)
        page.evaluate("document.fonts.ready.then(() => null)")
        page.pdf(
            path=output,
            prefer_css_page_size=True,
            print_background=True,
            tagged=True,
            outline=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER.format(title=html.escape(title)),
        )
        browser.close()


def print_book(book: BuiltBook, output: Path) -> None:
    """Write the PDF of a book.

    Raises:
        TakeawayError: if there is nothing to print it with.
    """
    printer()  # what is missing is said before anybody waits
    print_page(document(book), book.title, output)
