"""The book as a PDF: the one page that is printed, on a small book; and what Chromium prints of the whole one."""

import ctypes
import re
import sys
from collections import Counter
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup

from swinlib.doctor import find_chromium
from swinlib.takeaway import pdf
from swinlib.takeaway.__main__ import main
from swinlib.takeaway.built import BuiltBook

POINTS = 72 / 25.4  # in a millimetre
MARGIN = 16 * POINTS


@pytest.fixture
def whole(small):
    """The small book as one page."""
    return BeautifulSoup(pdf.document(small), "html.parser")


def test_every_page_is_there_with_places_of_its_own_and_all_links_lead_to_one(whole):
    names = [element["id"] for element in whole.select("[id]")]
    assert len(names) == len(set(names))
    assert {"book.01_one", "book.01_one.part", "book.exercises.01_one.top", "answers"} <= set(names)
    links = {link["href"] for link in whole.select("a[href]")}
    assert {link.removeprefix("#") for link in links if link.startswith("#")} <= set(names)
    assert {link for link in links if not link.startswith("#")} == {"https://example.org/"}
    assert whole.select_one("#book\\.01_one .linked-term")["href"] == "#book.glossary.term-map"
    assert whole.use["href"] == "#book.01_one.part"
    assert [link.get_text() for link in whole.select("nav a")][-2:] == ["Glossary", "Answers"]
    assert not whole.select("script, link, a.headerlink, [loading], textarea, [data-interpreter]")
    assert whole.html["lang"] == "en"


def test_what_is_in_no_page_of_the_document_leads_to_where_the_book_is_published(small_folder):
    whole = BeautifulSoup(pdf.document(BuiltBook(small_folder, "https://a.org/b")), "html.parser")
    links = {link["href"] for link in whole.select("a[href]") if not link["href"].startswith("#")}
    outside = {"https://example.org/", "https://a.org/b/search.html", "https://a.org/b/_static/exercises/01_one.ipynb"}
    assert links == outside


def test_answers_are_at_the_end_with_links_both_ways_and_other_folds_open_in_place(whole):
    assert not whole.select("details")
    answers = whole.select("#answers .at-the-end")
    assert [answer.h3.get_text() for answer in answers] == ["1. Answer: the sum", "2. Hint 1: Sums"]
    assert [heading.get_text() for heading in whole.select("#answers h2")] == ["1. One", "Exercises for chapter 1"]
    for number, answer in enumerate(answers, start=1):
        asked = whole.find(id=f"asked-{number}")
        assert not asked.find_parent(id="answers")
        assert asked.a["href"] == f"#{answer.h3['id']}"
        assert answer.find_all("a")[-1]["href"] == f"#asked-{number}"
    assert [asked.get_text() for asked in whole.select(".asked")] == [
        "Answer: the sum, 1 at the end",
        "Hint 1, 2 at the end",
    ]
    assert "It is 7." in answers[0].get_text()
    assert answers[0].select_one(".unfolded").get_text() == "Why3 and 4."
    assert [name.get_text() for name in whole.select(".fold-name")] == [
        "Code of the figure",
        "Pitfall 4: signs",
        "Why",
    ]
    assert whole.select_one(".unfolded .cell_input").get_text() == "draw()"


def test_pictures_have_names_and_code_its_colours(whole):
    assert whole.img["src"].startswith("data:image/webp;base64,")
    assert whole.svg["role"] == "img"
    assert whole.svg["aria-label"] == "Drawing. Two boxes."
    assert whole.figure["role"] == "group"
    assert str(whole.pre) == '<pre><span></span><span class="k">for</span> i <span class="o">in</span>\nx</pre>'


@pytest.mark.parametrize("lacking", ["playwright", "Chromium"])
def test_without_a_printer_it_is_said_what_to_install(small_folder, tmp_path, monkeypatch, capsys, lacking):
    if lacking == "playwright":
        monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    else:
        monkeypatch.setattr(pdf, "find_chromium", lambda: None)
    assert main(["pdf", "--built", str(small_folder), "--output", str(tmp_path / "a.pdf")]) == 2
    said = capsys.readouterr().err
    assert ("pip install playwright" if lacking == "playwright" else "apt-get install chromium") in said
    assert not (tmp_path / "a.pdf").exists()


@pytest.mark.slow
def test_command_says_what_it_wrote(small_folder, tmp_path, monkeypatch, capsys):
    if find_chromium() is None:
        pytest.skip("No Chromium is installed, so nothing was printed.")
    monkeypatch.chdir(tmp_path)
    assert main(["pdf", "--built", str(small_folder)]) == 0
    assert capsys.readouterr().out.startswith("wrote _build/takeaway/small-book.pdf, 0.")
    assert (tmp_path / "_build/takeaway/small-book.pdf").read_bytes().startswith(b"%PDF-")


# -- what is printed of the whole book --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def printed(book_html, tmp_path_factory):
    """The PDF, its pages, their texts and its tags, and the document that it was printed from."""
    if find_chromium() is None:
        pytest.skip("No Chromium is installed, so nothing was printed. On Debian or Ubuntu: apt-get install chromium")
    pdfium = pytest.importorskip("pypdfium2")
    book, file = BuiltBook(book_html), tmp_path_factory.mktemp("pdf") / "book.pdf"
    content = pdf.document(book)
    pdf.print_page(content, book.title, file)
    document = pdfium.PdfDocument(file)
    pages = list(document)
    texts = [page.get_textpage().get_text_range() for page in pages]
    source = BeautifulSoup(content, "html.parser")
    return SimpleNamespace(
        raw=pdfium.raw,
        document=document,
        pages=pages,
        texts=texts,
        tags=list(tags(pdfium.raw, pages)),
        source=source,
    )


def words(function, *arguments):
    """Return the text that a function of PDFium writes into a buffer."""
    size = function(*arguments, None, 0)
    buffer = (ctypes.c_ushort * (size // 2))()
    function(*arguments, buffer, size)
    return bytes(buffer).decode("utf-16-le").rstrip("\0")


def tags(raw, pages):
    """Yield the type and the alternative text of each element of the structure."""

    def below(element):
        yield words(raw.FPDF_StructElement_GetType, element), words(raw.FPDF_StructElement_GetAltText, element)
        for k in range(raw.FPDF_StructElement_CountChildren(element)):
            if child := raw.FPDF_StructElement_GetChildAtIndex(element, k):
                yield from below(child)

    for page in pages:
        tree = raw.FPDF_StructTree_GetForPage(page)
        for k in range(raw.FPDF_StructTree_CountChildren(tree)):
            yield from below(raw.FPDF_StructTree_GetChildAtIndex(tree, k))
        raw.FPDF_StructTree_Close(tree)


def links(printed):
    """Yield where each link leads: to the number of a page, or to an address."""
    raw = printed.raw
    for page in printed.pages:
        place, link = ctypes.c_int(0), raw.FPDF_LINK()
        while raw.FPDFLink_Enumerate(page, place, link):
            if target := raw.FPDFLink_GetDest(printed.document, link):
                yield raw.FPDFDest_GetDestPageIndex(printed.document, target)
                continue
            buffer = ctypes.create_string_buffer(2000)
            raw.FPDFAction_GetURIPath(printed.document, raw.FPDFLink_GetAction(link), buffer, len(buffer))
            yield buffer.value.decode()


def squeezed(text):
    """Return a text without space, since lines are folded on paper."""
    return "".join(text.split())


def test_the_pdf_says_its_title_and_its_language_and_has_tags(printed):
    assert printed.raw.FPDFCatalog_IsTagged(printed.document)
    assert words(printed.raw.FPDFCatalog_GetLanguage, printed.document) == "en"
    assert printed.document.get_metadata_dict()["Title"] == "Swin Transformer from the inside"
    found = Counter(kind for kind, _ in printed.tags)
    assert found["H1"] >= 26
    assert min(found[kind] for kind in ("H2", "P", "L", "LI", "Link", "Code", "Table", "TH", "TD", "Figure")) > 10


def test_every_picture_has_its_alternative_text_among_the_tags(printed):
    there = Counter(squeezed(text) for kind, text in printed.tags if kind == "Figure")
    wanted = Counter(squeezed(picture["alt"]) for picture in printed.source.select("img"))
    wanted += Counter(squeezed(drawing["aria-label"]) for drawing in printed.source.select("svg.swin-wide"))
    assert sum(wanted.values()) > 80
    assert not wanted - there
    assert "" not in there


def test_every_heading_is_a_bookmark_and_every_sheet_has_its_number(printed):
    bookmarks = [squeezed(entry.get_title()) for entry in printed.document.get_toc()]
    headings = [squeezed(heading.get_text()) for heading in printed.source.select("h1, h2, h3, h4")]
    assert bookmarks == headings
    assert len(headings) > 500
    for number, text in enumerate(printed.texts, start=1):
        assert re.search(rf"Swin Transformer from the inside\s+{number}\b", text), number


def test_links_lead_into_the_document_or_to_the_web(printed):
    found = Counter("page" if isinstance(place, int) else place.partition(":")[0] for place in links(printed))
    assert set(found) == {"page", "https"}
    answers = len(printed.source.select(".asked"))
    assert answers > 300
    assert found["page"] > 2 * answers
    assert found["https"] > 200


def test_no_line_of_code_and_no_output_is_clipped(printed):
    def compared(text):
        """Without hyphens too: of one at which a line is folded, PDFium tells otherwise."""
        return re.sub(r"[-\ufffe\x02]", "", squeezed(text))

    text = compared(re.sub(r"Swin Transformer from the inside\s+\d+\b", "", "\n".join(printed.texts)))
    lines = [compared(line) for block in printed.source.select("pre") for line in block.get_text().splitlines()]
    assert len(lines) > 5_000
    assert [line for line in lines if line not in text] == []


def test_nothing_reaches_beyond_the_margins(printed):
    raw = printed.raw
    pictures = 0
    for number, page in enumerate(printed.pages, start=1):
        width, height = page.get_size()
        edges = [picture.get_bounds() for picture in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE])]
        pictures += len(edges)
        writing = page.get_textpage()
        edges += [writing.get_rect(k) for k in range(writing.count_rects())]
        for left, bottom, right, top in edges:
            assert left >= MARGIN - 2, number
            assert right <= width - MARGIN + 2, number
            assert 0 <= bottom <= top <= height, number
    assert pictures >= len(printed.source.select("img"))
