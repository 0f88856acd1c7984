"""Every recipe of ``book/recipes.ipynb``, run as a user would who installed what the recipe names and nothing else.

What it prints there must be what the page shows. The requirements are linked from the running Python, see
``environments.py``; ``pytest tests/recipes --from-index`` lets pip fetch them instead.
"""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import NamedTuple

import environments
import nbformat
import pytest
import rules

PAGE = environments.ROOT / "book" / "recipes.ipynb"
RUN = Path(__file__).with_name("run_cells.py")
MOST_LINES = 15  # of code in sight
INSTALL = re.compile(r'`pip install "\.\[([\w,]+)\]"`')
ROW = re.compile(r'^\| <a href="#([\w-]+)">\*\*(.+?)\*\*</a> \| ([\w, ]+) \|$', re.MULTILINE)
HEAD = re.compile(r'^<a id="([\w-]+)"></a>\n\n## (.+)$', re.MULTILINE)


class Recipe(NamedTuple):
    """A section of the page."""

    anchor: str
    title: str
    text: str
    cells: list

    @property
    def extras(self):
        """What its text has the reader install."""
        return INSTALL.findall(self.text)[0]


def read():
    """The cells before the first recipe, and the recipes."""
    setup, recipes = [], []
    for cell in nbformat.read(PAGE, as_version=4).cells:
        head = HEAD.match(cell.source) if cell.cell_type == "markdown" else None
        if head:
            recipes.append(Recipe(*head.groups(), "", []))
        if not recipes:
            setup.append(cell)
        elif cell.cell_type == "code":
            recipes[-1].cells.append(cell)
        else:
            recipes[-1] = recipes[-1]._replace(text=recipes[-1].text + cell.source + "\n\n")
    return setup, recipes


SETUP, RECIPES = read()
START = [cell for cell in SETUP if cell.cell_type == "code"]
each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.anchor)


def sources(cells):
    return [cell.source for cell in cells]


def shown(cell):
    """What a page shows below a cell, as ``run_cells.py`` says it."""
    if any(rules.shows_picture(output) for output in cell.outputs):
        return "a picture"
    return "".join(
        output.text if output.output_type == "stream" else output.data["text/plain"] for output in cell.outputs
    )


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_table_lists_the_recipes_and_what_they_need():
    listed = ROW.findall(SETUP[0].source)
    assert len(listed) >= 11
    assert listed == [(recipe.anchor, recipe.title, recipe.extras.replace(",", ", ")) for recipe in RECIPES]


def test_what_is_installed_is_declared():
    project = tomllib.loads((environments.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {extra for recipe in RECIPES for extra in recipe.extras.split(",")}
    assert named <= project["optional-dependencies"].keys()


@each_recipe
def test_a_recipe_is_short_and_ends_in_what_shows_that_it_worked(recipe):
    in_sight = [cell for cell in recipe.cells if not rules.tags(cell) & rules.FOLDED]
    lines = [line for cell in in_sight for line in cell.source.splitlines() if line.strip()]
    assert 0 < len(lines) <= MOST_LINES
    last = shown(recipe.cells[-1])
    assert last == "a picture" or re.search(r"\d", last)
    assert recipe.text.count("**What can go wrong.**") == 1


# --- the whole way of a user -----------------------------------------------------------------------------------------


def run(python, setup, recipes, folder):
    """What came of the cells of recipes, by their name, with a Python, in a folder which is made."""
    folder.mkdir()
    (folder / "cells.json").write_text(json.dumps({"setup": setup, "recipes": recipes}), encoding="utf-8")
    environment = environments.bare_environment(MPLCONFIGDIR=str(folder / "matplotlib"))
    command = [python, RUN, folder / "cells.json", folder / "results.json"]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def install(tmp_path_factory, request):
    """``install(extras)`` is a Python that has the project with these extras, comma between them."""
    folder, from_index = tmp_path_factory.mktemp("installed"), request.config.getoption("--from-index")
    project = environments.copy_project(folder / "project")
    package = project if from_index else environments.build_wheel(project)
    made = {}

    def get(extras):
        if extras not in made:
            made[extras] = environments.make(folder / extras, package, extras.split(","), from_index=from_index)
        return made[extras]

    return get


@pytest.fixture(scope="module")
def results(install, tmp_path_factory):
    """``results(extras)``: what came of all recipes that name these extras."""
    known = {}

    def get(extras):
        if extras not in known:
            recipes = {recipe.anchor: sources(recipe.cells) for recipe in RECIPES if recipe.extras == extras}
            known[extras] = run(install(extras), sources(START), recipes, tmp_path_factory.mktemp("ran") / "here")
        return known[extras]

    return get


@pytest.mark.slow
@each_recipe
def test_with_what_it_names_a_recipe_prints_what_the_page_shows(recipe, results):
    found = results(recipe.extras)
    for name, cells in (("setup", START), (recipe.anchor, recipe.cells)):
        assert found[name]["error"] is None, found[name]["error"]
        assert found[name]["outputs"] == [shown(cell) for cell in cells]


@pytest.mark.slow
def test_nothing_else_is_installed(install, tmp_path):
    """Else the test above could not find a requirement that is not declared."""
    others = {name: [f"import {name}"] for name in ("matplotlib", "onnxruntime", "timm", "pytest")}
    found = run(install("training"), ["import swinlib", "print(swinlib.__file__)"], others, tmp_path / "here")
    assert str(environments.ROOT) not in found.pop("setup")["outputs"][1]
    for name, result in found.items():
        assert f"No module named '{name}'" in (result["error"] or ""), f"{name} is there"
