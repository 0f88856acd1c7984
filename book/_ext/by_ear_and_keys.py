"""Sphinx extension: pages that can be read by ear and used by keys.

What a page shows by place, colour or a small picture is said here in names:

* a cell's code and its output are groups with names, numbered on the page;
* a fold is called what it says, and not "Toggle hidden content" as myst-nb has
  it; where a page has several of the same name, each says of what it is;
* the content comes before the table of contents in the page, which is drawn
  beside it as ever. Who goes by keys is there after a few stops;
* links to headings, which the table of contents leads to as well, are no stops
  for the keyboard, nor is a second link to the same part of the library.
  ``pages.js`` makes one stop in a section of what else is many;
* the menu of downloads opens and closes without a script.
"""

from collections import Counter

from bs4 import BeautifulSoup
from bs4.element import Tag
from sphinx.application import Sphinx

CONTENTS = "pst-primary-sidebar"
HEADINGS = ["h1", "h2", "h3", "h4"]


def name_cells(page: BeautifulSoup) -> None:
    """Call the parts of the cells "Code 3" and "Output of code 3"."""
    for number, cell in enumerate(page.select("article .cell"), start=1):
        parts = {
            ".cell_input": f"Code {number}",
            ".cell_output": f"Output of code {number}",
        }
        for selector, name in parts.items():
            for part in cell.select(selector):
                part["role"], part["aria-label"] = "group", name
        for fold in cell.select("details > summary[aria-label]"):
            del fold["aria-label"]
            for title in fold.select("p"):
                if title.string in ("Show the output", "Hide the output"):
                    say(title, f" of code {number}")


def say(place: Tag, words: str) -> None:
    """Add words to an element that are heard and not seen."""
    hidden = BeautifulSoup("", "html.parser").new_tag(
        "span", attrs={"class": "visually-hidden"}, string=words
    )
    place.append(hidden)


def heading_of(element: Tag) -> str:
    """Return the text of the heading that an element stands under."""
    section = element.find_parent("section")
    heading = section and section.find(HEADINGS, recursive=False)
    if not heading:
        return ""
    return "".join(
        text
        for text in heading.strings
        if not text.find_parent("a", "headerlink")
    ).strip()


def tell_folds_apart(page: BeautifulSoup) -> None:
    """Add to names that several folds have what each is of."""
    folds = page.select("article details > summary")
    names = Counter(fold.get_text(" ", strip=True) for fold in folds)
    seen: Counter = Counter()
    for fold in folds:
        name = fold.get_text(" ", strip=True)
        if names[name] == 1:
            continue
        question = fold.find_parent("fieldset")
        whole = f"{name}: {heading_of(fold)}"
        seen[whole] += 1
        if question is not None:
            number = question.parent.find_all("fieldset").index(question) + 1
            say(fold, f" to question {number}")
        else:
            say(fold, f": {heading_of(fold)}")
            if seen[whole] > 1:
                say(fold, f", {seen[whole]}")


def content_first(page: BeautifulSoup) -> None:
    """Put the table of contents behind the content, and a link to it first."""
    contents = page.find(id=CONTENTS)
    dialog = page.find(id=f"{CONTENTS}-modal")
    if contents is None or dialog is None:
        return
    page.main.insert_after(dialog.extract(), contents.extract())
    skip = page.find(id="pst-skip-link")
    link = page.new_tag(
        "a",
        attrs={"href": f"#{CONTENTS}"},
        string="Skip to search and contents of the book",
    )
    contents["tabindex"] = "-1"
    if skip is not None:
        skip.append(link)


def fewer_stops(page: BeautifulSoup) -> None:
    """Let the keyboard pass by what leads where something else leads."""
    for link in page.select("a.headerlink"):
        link["tabindex"] = "-1"
    seen = set()
    for link in page.select("article a.linked-name"):
        if link.find_parent("pre") is None:
            seen.add(link["href"])
        elif link["href"] in seen:
            link.unwrap()
        else:
            seen.add(link["href"])


def open_menus(page: BeautifulSoup) -> None:
    """Make a fold of each menu in the header."""
    for menu in page.select("div.dropdown"):
        button = menu.find("button", class_="dropdown-toggle")
        menu.name, button.name = "details", "summary"
        for name in ("type", "aria-expanded"):
            del button[name]
        button["title"] = button["aria-label"]
    for element in page.select("[data-bs-toggle]"):
        if "data-bs-title" in element.attrs:
            element["title"] = element["data-bs-title"]
        for name in [
            each for each in element.attrs if each.startswith("data-bs-")
        ]:
            del element[name]


def read_by_ear_and_keys(
    app: Sphinx, page: BeautifulSoup, path: object
) -> None:
    """Do all of it."""
    name_cells(page)
    tell_folds_apart(page)
    content_first(page)
    fewer_stops(page)
    open_menus(page)


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.setup_extension("finished_pages")
    app.connect("page-finishing", read_by_ear_and_keys)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
