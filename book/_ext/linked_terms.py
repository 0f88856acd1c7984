"""Sphinx extension: terms lead to the glossary, names to the library's page.

The chapters are notebooks, and JupyterLab shows their text too, so it holds no
roles of Sphinx. The links are made here instead, on every page that is a
notebook, each at the first use on the page:

* in sentences, a term of the glossary, in the singular or plural;
* in sentences, a piece of code that is exactly the name of a documented object;
* in cells, the name of a documented object with its module.

Headings, captions and what is a link already stay as they are. So do words in
bold, which head a paragraph. What is folded is linked, too, but does not count
as the first use: many readers leave it folded.

A word may also stand for something other than the term. After adding a term or
a page, read what ``jupyter-book build . -v`` says of the words that were
linked.
"""

import re
from collections.abc import Iterable, Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.logging import getLogger

logger = getLogger(__name__)

# The words that lead to a term where these are not its name: other forms of it,
# or none where the word is also used for something else. (A query is never
# anything else, and its entry is that of key and value too.)
FORMS: dict[str, list[str]] = {
    "batch normalisation": ["batch normalisation", "batch normalization"],
    "broadcasting": ["broadcasting", "broadcasts"],
    "data-parallel training": ["data-parallel training", "data-parallel"],
    "key": [],
    "max unpooling": ["max unpooling", "unpooling"],
    "patch": ["patches"],
    "pretraining": ["pretraining", "pretrained"],
    "residual connection": ["residual connection", "residuals"],
    "value": [],
}
# Words that are something else, on all pages or on one.
NOT_MEANT = {"Windows"}
NOT_MEANT_ON = {"book/09_loaders_and_samplers": {"buffer"}}

Target = tuple[str, str, str]  # page, anchor, what to say about it

NAME = r'<span class="n">\w+</span>'
DOT = '<span class="o">.</span>'
DOTTED_NAME = re.compile(f"{NAME}(?:{re.escape(DOT)}{NAME})+")


def inflected(form: str) -> Iterator[str]:
    """Yield a form with its plural, and both as they begin a sentence.

    >>> list(inflected("batch"))
    ['batch', 'Batch', 'batches', 'Batches']
    """
    if form.endswith("y") and form[-2] not in "aeiou":
        plural = f"{form[:-1]}ies"
    else:
        plural = form + ("es" if form.endswith(("ch", "sh", "s", "x")) else "s")
    for word in (form, plural):
        yield word
        yield word[0].upper() + word[1:]


def find_terms(env: BuildEnvironment) -> dict[str, tuple[str, Target]]:
    """Return the term and its target for each word that may stand for it."""
    found = {}
    for docname in {d for d, _ in env.domains["std"].objects.values()}:
        for glossary in env.get_doctree(docname).findall(addnodes.glossary):
            for entry in glossary.findall(nodes.definition_list_item):
                meaning = entry[-1].astext()
                for term in entry.findall(nodes.term):
                    name = term.astext()
                    target = (docname, term["ids"][0], meaning)
                    # The Chinese names are there to be found, not to link to.
                    for form in FORMS.get(name, [name] * name.isascii()):
                        for word in set(inflected(form)) - NOT_MEANT:
                            found[word] = (name, target)
    return found


def find_names(env: BuildEnvironment) -> dict[str, Target]:
    """Return the target of each way to write the name of a documented object.

    ``swinlib.windows.cyclic_shift`` may be written in full, as
    ``swinlib.cyclic_shift``, ``windows.cyclic_shift`` or ``cyclic_shift``. But
    ``swinlib.figures.style`` is not written ``style``, which could be any word,
    nor a method without its class. What could stand for two stands for neither.
    """
    found: dict[str, set[Target]] = {}
    domain = env.domains["py"]
    for name, entry in domain.objects.items():
        module, path = name, ""
        while module and module not in domain.modules:
            module, _, last = module.rpartition(".")
            path = f"{last}.{path}".rstrip(".")
        ways = {name}
        if path:
            package, _, last = module.rpartition(".")
            ways |= {f"{package}.{path}", f"{last}.{path}"}
            if not (path.isalpha() and path.islower()):
                ways.add(path)
        for way in ways:
            target = (entry.docname, entry.node_id, name)
            found.setdefault(way, set()).add(target)
    return {way: both.pop() for way, both in found.items() if len(both) == 1}


def is_in_sentence(node: nodes.Node) -> bool:
    """Tell whether a text or literal is plain or emphasised in a paragraph."""
    parent = node.parent
    while isinstance(parent, nodes.emphasis):
        parent = parent.parent
    return isinstance(parent, nodes.paragraph)


def sentences(doctree: nodes.document) -> Iterator[tuple[nodes.Node, bool]]:
    """Yield the texts and literals in sentences, and whether each is folded."""
    folds = 0
    for node in list(doctree.findall()):
        if isinstance(node, nodes.raw):
            html = node.astext()
            folds += html.count("<details") - html.count("</details")
        elif isinstance(node, nodes.Text | nodes.literal) and is_in_sentence(
            node
        ):
            yield node, folds > 0


def link_sentences(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link the terms and names in the sentences of a notebook's page."""
    if docname not in notebooks(app.env):
        return
    terms, names = find_terms(app.env), find_names(app.env)
    longest_first = sorted(terms, key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first)) or r"\b\B"
    pattern = re.compile(rf"(?<![\w-])(?:{words})(?![\w-])")
    seen = set(NOT_MEANT_ON.get(docname, set()))

    def link(target: Target, kind: str, content: nodes.Node) -> nodes.Node:
        page, anchor, title = target
        address = app.builder.get_relative_uri(docname, page)
        return nodes.reference(
            "",
            "",
            content,
            internal=True,
            refuri=f"{address}#{anchor}",
            reftitle=title,
            classes=[kind],
        )

    for node, folded in sentences(doctree):
        used = set()
        if isinstance(node, nodes.literal):
            name = node.astext().removesuffix("()")
            if name in names and names[name] not in seen:
                used.add(names[name])
                linked = link(names[name], "linked-name", node.deepcopy())
                node.parent.replace(node, linked)
        else:
            pieces, end = [], 0
            for match in pattern.finditer(str(node)):
                term, target = terms[match.group()]
                if term not in seen | used:
                    used.add(term)
                    near = slice(max(match.start() - 40, 0), match.end() + 40)
                    logger.verbose(
                        "linked in %s: %s in: %s",
                        docname,
                        term,
                        str(node)[near].replace("\n", " "),
                    )
                    word = nodes.Text(match.group())
                    before = nodes.Text(str(node)[end : match.start()])
                    pieces += [before, link(target, "linked-term", word)]
                    end = match.end()
            if pieces:
                rest = nodes.Text(str(node)[end:])
                node.parent.replace(node, [*pieces, rest])
        if not folded:
            seen |= used


def link_code(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict,
    doctree: nodes.document | None,
) -> None:
    """Link the dotted names in the cells of a notebook's page."""
    if pagename not in notebooks(app.env):
        return
    names, seen = find_names(app.env), set()

    def link(match: re.Match) -> str:
        parts = match.group().split(DOT)
        for length in range(len(parts), 1, -1):
            html = DOT.join(parts[:length])
            name = re.sub("<.*?>", "", html)
            if name in names and names[name] not in seen:
                seen.add(names[name])
                page, anchor, title = names[name]
                address = app.builder.get_relative_uri(pagename, page)
                linked = (
                    f'<a class="linked-name" href="{address}#{anchor}" '
                    f'title="{title}">{html}</a>'
                )
                return DOT.join([linked, *parts[length:]])
        return match.group()

    context["body"] = DOTTED_NAME.sub(link, context["body"])


def notebooks(env: BuildEnvironment) -> set[str]:
    """Return the pages that are notebooks."""
    return {d for d in env.found_docs if env.doc2path(d).endswith(".ipynb")}


def pages_to_read_again(
    app: Sphinx,
    env: BuildEnvironment,
    added: set[str],
    changed: set[str],
    removed: set[str],
) -> Iterable[str]:
    """Return the notebooks if a page changes that they may link to."""
    others = (added | changed | removed) - notebooks(env)
    return notebooks(env) if others else []


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.connect("env-get-outdated", pages_to_read_again)
    app.connect("doctree-resolved", link_sentences)
    app.connect("html-page-context", link_code)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
