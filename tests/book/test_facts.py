"""What the book must show, fact by fact, and the cell that shows it.

``facts/NN_name.toml`` has an entry for each fact of a notebook: what it ``says``; ``code``, a piece of source that
stands in one cell only; ``output``, a piece of what that cell printed, or of what is said of its picture. Where a line
is broken, and how many blanks stand between two words, makes no difference.
"""

import tomllib
from pathlib import Path

import nbformat
import pytest
import rules
import yaml
from nbformat import v4

FACTS = Path(__file__).parent / "facts"
ROOT = Path(__file__).resolve().parents[2]

# How many facts each chapter is to show at least. The other pages have none of their own.
EXPECTED = {
    "02_resampling": 30,
    "03_register_buffer": 20,
    "04_matmul_and_elementwise": 15,
    "05_modulelist_and_sequential": 15,
    "06_apply_and_init": 12,
    "07_roll_and_shifted_windows": 12,
    "08_images_to_tensors": 16,
    "09_loaders_and_samplers": 20,
    "10_whole_model": 20,
    "11_fast_swin": 16,
    "corrections": 38,
    "recipes": 14,
}


def read_facts(path):
    """The facts of a file."""
    return tomllib.loads(path.read_text(encoding="utf-8")).get("fact", [])


def words(text):
    """A text with single blanks for all that is blank."""
    return " ".join(text.split())


def shown_by(cell):
    """What a reader reads below a cell: its texts, and what is said of its picture."""
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    return "\n".join([*(text for output in cell.outputs for text in rules.texts(output)), alt])


def problems_of(fact, notebook):
    """Why a notebook does not show a fact; nothing if it does."""
    if set(fact) != {"says", "code", "output"} or not all(str(text).strip() for text in fact.values()):
        return [f"An entry has says, code and output, and no more: {fact}"]
    cells = [(name, cell) for name, cell in rules.code_cells(notebook) if words(fact["code"]) in words(cell.source)]
    if len(cells) != 1:
        return [f"{fact['code']!r} stands in {len(cells)} cells, not in one."]
    [(name, cell)] = cells
    if words(fact["output"]) not in words(shown_by(cell)):
        return [f"{name} does not show {fact['output']!r}."]
    return []


def listed_in_toc():
    """The names of the pages in the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return {Path(chapter["file"]).name for chapter in toc["chapters"]}


CASES = [
    pytest.param(path.stem, fact, id=f"{path.stem}-{number}")
    for path in sorted(FACTS.glob("*.toml"))
    for number, fact in enumerate(read_facts(path), start=1)
]


@pytest.fixture(scope="module")
def notebook():
    """A function that reads a notebook of the book, once."""
    read = {}

    def get(name):
        if name not in read:
            read[name] = nbformat.read(ROOT / "book" / f"{name}.ipynb", as_version=4)
        return read[name]

    return get


@pytest.mark.parametrize(("name", "fact"), CASES)
def test_cell_shows_fact(notebook, name, fact):
    problems = problems_of(fact, notebook(name))
    assert not problems, f"{name}: {fact.get('says')}\n" + "\n".join(problems)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_chapter_has_its_facts(name):
    path = FACTS / f"{name}.toml"
    if name not in listed_in_toc():
        pytest.skip(f"{name} is not in the table of contents yet.")
    assert path.exists(), f"{name} has no table of its facts"
    said = [fact["says"] for fact in read_facts(path)]
    assert len(set(said)) == len(said), "a fact stands there twice"
    assert len(said) >= EXPECTED[name]


def test_no_table_belongs_to_nothing():
    assert {path.stem for path in FACTS.glob("*.toml")} <= {path.stem for path in (ROOT / "book").glob("*.ipynb")}


def sample(**change):
    """A notebook with two cells, and a fact that it shows unless changed."""
    cells = [
        v4.new_code_cell("print(6 * 7)", outputs=[v4.new_output("stream", text="42\n")]),
        v4.new_code_cell("draw()\nprint(1)", metadata={"mystnb": {"image": {"alt": "A red square."}}}),
    ]
    return {"says": "Six by seven.", "code": "6 * 7", "output": "42"} | change, v4.new_notebook(cells=cells)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, None),
        ({"code": "draw()  print(1)", "output": "red\nsquare"}, None),
        ({"code": "6 * 8"}, "stands in 0 cells"),
        ({"code": "print("}, "stands in 2 cells"),
        ({"output": "43"}, "does not show '43'"),
        ({"code": "draw()", "output": "42"}, "does not show '42'"),
        ({"output": ""}, "no more"),
        ({"cell": "3"}, "no more"),
    ],
)
def test_a_fact_that_is_not_shown_is_reported(change, message):
    problems = problems_of(*sample(**change))
    assert bool(problems) == (message is not None)
    assert message is None or message in problems[0]
