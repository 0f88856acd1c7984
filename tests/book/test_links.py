"""The links that the pages make by themselves: to the glossary, and to the page of the library."""

import importlib
import io
import json
import os
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
import store
from bs4 import BeautifulSoup
from nbformat import v4
from sphinx.application import Sphinx
from sphinx.util.inventory import InventoryFile

BOOK = Path(__file__).resolve().parents[2] / "book"
PACKAGES = ["swinlib", "swinlib.figures", "swinlib.data", "swinlib.training", "swinlib.pretrained"]
SETTINGS = {
    "extensions": ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "linked_terms", "language_of_parts"],
    "nb_execution_mode": "off",
    "myst_enable_extensions": ["amsmath", "colon_fence", "deflist", "dollarmath"],
    "autodoc_typehints": "none",
    "html_theme": "basic",
    "root_doc": "book/glossary",
}
# What every rule of the links can be seen on. Terms and names that are to be linked stand between « and ».
SENTENCES = """\
# Stride and `window_partition`

The «stride» is not a strider. A stride twice, a stride-free layer, a no-stride.
**Epoch.** An «epoch» has «batches». «Kernels» and *«aliasing»*. Some «state dicts» and a dictionary of states.
[Patch merging](https://example.org) and «patch merging», a patch, «patches». `padding` and «padding».
A key, a value, a «query». Windows is a system with «windows».
The «MLP» and an mlp. A «layer norm's» weight and layer norms.

- «Logit» in a list
  - and «upsampling»

| table |
| --- |
| «shards» |

<details>
<summary>A sampler</summary>

Folded «checkpoint», stride, again checkpoint.

</details>

Then «checkpoints».

`«window_partition»` and `window_partition` and `swinlib.window_partition`, `«swinlib.SwinStage»`, `SwinStage`,
`«SwinStage.forward()»`, `forward`, `forward_intermediates`,
`«figures.canvas»`, `canvas`, `style`, `«show_mask»`, `window_partition(x, 7)`.
伴随算子 and 卷积。
"""
CODE = """\
from swinlib import figures

x = «swinlib.window_partition»(y, 7) + swinlib.window_partition(z, 7)
«figures.canvas»(), canvas(), x.figures.canvas
«swinlib.WindowAttention».nothing, «swinlib.SwinStage.forward»(1), swinlib.nothing
print("swinlib.cyclic_shift")  # swinlib.cyclic_shift
"""


class Pages:
    """Pages of a folder that Sphinx made, each read once when it is asked for."""

    def __init__(self, html):
        self.html = html
        self.read, self.anchors = {}, {}

    def __call__(self, name):
        if name not in self.read:
            text = (self.html / "book" / f"{name}.html").read_text(encoding="utf-8")
            self.read[name] = BeautifulSoup(text, "html.parser")
        return self.read[name]

    def at(self, name, anchor):
        """The element of a page that an anchor names; None if there is none."""
        if name not in self.anchors:
            self.anchors[name] = {element["id"]: element for element in self(name).find_all(id=True)}
        return self.anchors[name].get(anchor)


@pytest.fixture(scope="module")
def pages(book_html):
    """The built book; ``names`` of its notebooks, its Python ``objects`` and the page of each, and its ``terms``."""
    pages = Pages(book_html)
    pages.names = [str(path.relative_to(BOOK).with_suffix("")) for path in store.find_notebooks([])]
    inventory = InventoryFile.load(io.BytesIO((book_html / "objects.inv").read_bytes()), "", os.path.join)
    pages.objects = {
        name: address.partition(".html")[0]
        for role, items in inventory.items()
        if role.startswith("py:")
        for name, (_, _, address, _) in items.items()
    }
    pages.terms = set(inventory["std:term"])
    pages.search_index = (book_html / "searchindex.js").read_text(encoding="utf-8")
    return pages


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The page "sample", from the text above, beside the two pages that links lead to."""
    folder = tmp_path_factory.mktemp("links")
    source = folder / "source" / "book"
    source.mkdir(parents=True)
    for name in ("glossary.md", "api.md"):
        shutil.copy(BOOK / name, source)
    sentences, code = (re.sub("[«»]", "", text) for text in (SENTENCES, CODE))
    cells = [v4.new_markdown_cell(sentences), v4.new_code_cell(code)]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    nbformat.write(v4.new_notebook(cells=cells, metadata=metadata), source / "sample.ipynb")
    paths = {"srcdir": folder / "source", "outdir": folder / "html", "doctreedir": folder / "trees", "confdir": None}
    quiet = {"status": None, "warning": io.StringIO()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(BOOK / "_ext"), *sys.path])
        Sphinx(**paths, buildername="html", confoverrides=SETTINGS, **quiet).build()
    return Pages(folder / "html")


def marked(text):
    """What stands between « and »."""
    return [part.removesuffix("'s") for part in re.findall("«(.*?)»", text)]


def is_name(text):
    """Whether it is the name of something in the library, and not a term."""
    return "_" in text or "." in text


def linked(page, kind):
    """The texts of the links of one kind in a page, in order."""
    return [link.get_text() for link in page.select(f"a.linked-{kind}")]


def target_of(pages, link, name):
    """What a link of a page leads to."""
    address, _, anchor = link["href"].partition("#")
    page = Path(name).parent / address.removesuffix(".html")
    found = pages.at(os.path.normpath(page), anchor)
    assert found is not None, f"{link} leads nowhere"
    return found


@pytest.mark.slow
def test_terms_are_linked_once_in_sentences(sample):
    assert linked(sample("sample"), "term") == [part for part in marked(SENTENCES) if not is_name(part)]


def test_a_word_that_means_something_else_on_a_page_is_not_linked(pages):
    assert "buffer" not in linked(pages("09_loaders_and_samplers"), "term")
    assert "buffer" in linked(pages("03_register_buffer"), "term")


@pytest.mark.slow
def test_names_are_linked_once_in_sentences_and_once_in_cells(sample):
    page = sample("sample")
    in_sentences = [link.get_text() for link in page.select("p a.linked-name")]
    assert in_sentences == [part for part in marked(SENTENCES) if is_name(part)]
    assert [link.get_text() for link in page.select("pre a.linked-name")] == marked(CODE)
    assert page.select_one("p a.linked-name > code"), "a name is still set as code"


def test_a_link_says_what_it_leads_to(sample):
    page = sample("sample")
    for link in page.select("a.linked-term"):
        entry = target_of(sample, link, "sample")
        assert entry.name == "dt"
        assert entry.find_next_sibling("dd").get_text().strip() == link["title"]
    for link in page.select("a.linked-name"):
        assert target_of(sample, link, "sample")["id"] == link["title"]


def test_every_page_of_the_book_links_to_places_that_exist(pages):
    assert len(pages.names) > 8
    for name in pages.names:
        links = pages(name).select("a.linked-term, a.linked-name")
        assert links, name
        for link in links:
            assert target_of(pages, link, name), name
            assert not link.find_parent(["h1", "h2", "h3", "figcaption", "strong"]), f"{name}: {link}"
            assert not link.find_parent("a"), f"{name}: {link}"
        outside = [link["href"] for link in links if link.find_parent("p") and not link.find_parent("details")]
        assert len(set(outside)) == len(outside), name


def test_a_chapter_has_terms_and_names_linked(pages):
    page = pages("07_roll_and_shifted_windows")
    assert {"windows", "feature map", "attention mask"} <= set(linked(page, "term"))
    assert "swinlib.cyclic_shift" in linked(page, "name")


def test_glossary_is_sorted_and_each_entry_has_both_languages_and_a_meaning(pages):
    entries = [[]]
    for element in pages("glossary").select("dl.glossary > *"):
        entries[-1].append(element)
        if element.name == "dd":
            entries.append([])
    entries.pop()
    assert len(entries) > 80
    first_names = [names[0].contents[0].get_text().lower() for *names, meaning in entries]
    assert first_names == sorted(first_names)
    for *names, meaning in entries:
        assert len(meaning.get_text().split()) >= 2
        chinese = [name for name in names if name.find(lang="zh")]
        assert names[-1:] == chinese, "one Chinese name, the last"
        assert all(re.search("[\u4e00-\u9fff]", name.get_text()) is None for name in names[:-1])


def test_chinese_is_marked_as_chinese(pages, sample):
    assert pages("glossary").find(lang="zh", string="伴随算子")
    assert [part.get_text() for part in sample("sample").find_all(lang="zh")] == ["伴随算子", "卷积"]
    quotations = pages("corrections").find_all(lang="zh")
    assert any("下采样的作用" in quotation.get_text() for quotation in quotations)
    assert not any("downsampling" in quotation.get_text() for quotation in quotations)


@pytest.mark.parametrize(
    "term", ["stride", "meta device", "state dict", "rank", "collate function", "EMA", "伴随算子", "像素重组"]
)
def test_search_knows_the_terms(pages, term):
    assert term in pages.terms
    assert re.search(re.escape(json.dumps(term.lower())) + r': \[\[\d+, "term-', pages.search_index)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_on_the_page_of_the_library(pages, package):
    module = importlib.import_module(package)
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == package]
    missing = []
    for name in getattr(module, "__all__", own):
        value = getattr(module, name)
        ways = {f"{package}.{name}", f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"}
        if not any(pages.objects[way] == "book/api" for way in ways & pages.objects.keys()):
            missing.append(name)
    assert not missing, f"{package}: add these to book/api.md"
