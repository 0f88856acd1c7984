"""A built book of five small pages, which has one of each thing that a page may ask for."""

import pytest

from swinlib.takeaway.built import BuiltBook

HEAD = """<!DOCTYPE html>
<html data-content_root="{up}" lang="en"><head><title>{title} — Small book</title>
<link href="{up}_static/book.css?v=1" rel="stylesheet"/><script defer="" src="{up}_static/book.js?v=1"></script>
<link href="{up}_static/favicon.svg" rel="icon"/><link href="{up}search.html" rel="search"/>{head}</head><body>
<main><article class="bd-article"><section id="top"><h1>{title}<a class="headerlink" href="#top">#</a></h1>
{body}</section></article></main>
<div id="pst-primary-sidebar"><nav>{contents}</nav></div></body></html>
"""
PAGES = {
    "book/index.html": ("Small book", '<p>To the <a href="01_one.html#part">first part</a>.</p>'),
    "book/01_one.html": (
        "1. One",
        """<section id="part"><h2>Part</h2>
<p>See <a class="linked-term" href="glossary.html#term-map">map</a>, <a href="#part">this part</a>,
<a href="https://example.org/">elsewhere</a>, <a href="../search.html">the search</a>.</p>
<svg aria-label="Drawing" role="group"><desc>Two boxes.</desc><a href="glossary.html"><title>map</title></a>
<use href="#part"></use></svg>
<figure class="swin-figure" data-figure="draw-1" data-script="../_static/figures/draw-1.js">
<figcaption>Draw</figcaption><img alt="A digit." loading="lazy" src="../_images/digit.webp"/></figure>
<pre><span></span><span class="k">for</span> <span class="n">i</span> <span class="o">in</span>
<span class="n">x</span></pre>
<details><summary>Answer: the sum</summary><p id="sum">It is 7.</p>
<details><summary>Show why</summary><p>3 and 4.</p></details></details>
<details class="admonition hide above-input"><summary><p class="collapsed admonition-title">Code of the figure</p>
<p class="expanded admonition-title">Code of the figure</p><span class="visually-hidden">: Part</span></summary>
<div class="cell_input">draw()</div></details>
</section>""",
    ),
    "book/exercises/01_one.html": (
        "Exercises for chapter 1",
        """<p><a download="" href="../../_static/exercises/01_one.ipynb">The notebook</a>
of <a href="../01_one.html">chapter 1</a></p>
<details><summary>Hint 1<span class="visually-hidden">: Sums</span></summary>
<p>Add, <a href="#top">as above</a>.</p></details>
<details><summary>Pitfall 4: signs</summary><p>Mind them.</p></details>
<p data-cases="../../_static/in_page/01_one.js" data-interpreter="../../_static/in_page/interpreter.js"
data-lines="../../_static/in_page/01_one_lines.js" data-notebook="../../_static/in_page/01_one_notebook.js">Answer.</p>
<div class="answer" data-script="../../_static/answers.js"><textarea></textarea></div>""",
    ),
    "book/02_two.html": ("2. Two", "<p>Nothing.</p>"),
    "book/glossary.html": ("Glossary", '<dl><dt id="term-map">map</dt></dl>'),
}
FILES = {
    "index.html": b'<meta http-equiv="refresh" content="0; url=book/index.html">',
    "search.html": b"<html></html>",
    ".buildinfo": b"of the build only",
    "_static/book.css": b"main { background: url(../_images/digit.webp) }",
    "_static/mathematics.css": b"math { font-family: serif }",
    "_static/book.js": b'const text = "</script>";',
    "_static/favicon.svg": b"<svg/>",
    "_static/figures/draw-1.js": b'load("_static/models/digits.js")',
    "_static/answers.js": b"swinAnswers.begin()",
    "_static/in_page/01_one.js": b"swinAnswers.chapter({})",
    "_static/in_page/01_one_lines.js": b"swinAnswers.puzzles = {}",
    "_static/in_page/01_one_notebook.js": b"swinAnswers.notebook = {}",
    "_static/in_page/interpreter.js": b"swinAnswers.worker()",
    "_static/models/digits.js": b'swinModels = {"digits": 1}',
    "_static/models/other.js": b"no page names this one",
    "_static/exercises/01_one.ipynb": b"{}",
    "_images/digit.webp": b"RIFF",
}


def write_pages(folder, head=""):
    """Write the book into a folder; ``head`` goes into the head of its first page."""
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for name, (title, body) in PAGES.items():
        up = "../" * name.count("/")
        links = "".join(f'<a class="reference internal" href="{up}{page}">{page}</a>' for page in PAGES)
        parts = {"title": title, "body": body, "contents": links, "up": up, "head": head}
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(HEAD.format(**parts), encoding="utf-8")
    return folder


@pytest.fixture
def small_folder(tmp_path):
    """The folder of the small book."""
    return write_pages(tmp_path / "html")


@pytest.fixture
def small(small_folder):
    """The small book, published nowhere."""
    return BuiltBook(small_folder)
