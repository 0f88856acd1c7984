"""Grids of figures are explored by keys without choosing, and what a screen reader is given to say on the way."""

import pytest

from swinlib import figures

GRIDS = {  # by figure: how many grids of cells it has
    figures.attention_reach: 1,
    figures.broadcast_figure: 1,
    figures.memory_figure: 3,
    figures.pipeline_figure: 1,
    figures.resampling_figure: 2,
    figures.roll_figure: 1,
    figures.shard_figure: 2,
}
MOVES = {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}

LISTEN = """
    () => {
        window.spoken = [];
        for (const region of document.querySelectorAll("[aria-live]")) {
            const note = () => window.spoken.push(region.textContent);
            new MutationObserver(note).observe(region, { childList: true, characterData: true, subtree: true });
        }
    }
"""
HERE = """
    () => {
        const cell = document.activeElement, grid = cell.closest("[role=grid]"), box = cell.getBoundingClientRect();
        const frame = grid?.querySelector(".swin-cursor"), framed = frame?.getBoundingClientRect();
        return {
            cell: cell.dataset.cell, label: cell.getAttribute("aria-label"), role: cell.getAttribute("role"),
            selected: cell.getAttribute("aria-selected"), below: grid?.nextElementSibling?.innerText,
            framed: frame && getComputedStyle(frame).display !== "none" && framed.x >= box.x - 3
                && framed.right <= box.right + 3 && framed.y >= box.y - 3 && framed.bottom <= box.bottom + 3,
            stops: grid?.querySelectorAll('[tabindex="0"]').length,
            chosen: [...(grid?.querySelectorAll('[aria-selected="true"]') ?? [])].map(each => each.dataset.cell),
        };
    }
"""
# whether the frame in a grid and the line below it are seen
SHOWN = """
    grid => [grid.querySelector(".swin-cursor"), grid.nextElementSibling].map(
        each => getComputedStyle(each).display !== "none")
"""


@pytest.fixture(scope="module")
def page(browser, book_page):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(book_page("".join(figure().html() for figure in GRIDS)))
    page.evaluate(LISTEN)
    yield page
    page.close()
    assert problems == []


@pytest.mark.parametrize("number", range(len(GRIDS)), ids=[figure.__name__ for figure in GRIDS])
def test_a_grid_is_explored_and_then_chosen_from(page, number):
    figure = page.locator("figure.swin-figure").nth(number)
    words, grids = figure.get_by_role("status"), figure.get_by_role("grid")
    assert grids.count() == list(GRIDS.values())[number]
    for k in range(grids.count()):
        grid = grids.nth(k)
        rows, columns = grid.get_by_role("row").count(), grid.get_by_role("row").first.get_by_role("gridcell").count()
        figure.locator("select, input, button").first.focus()
        while not page.evaluate("k => document.activeElement.closest('[role=grid]') === k", grid.element_handle()):
            page.keyboard.press("Tab")
        start = page.evaluate(HERE)
        assert start["chosen"] == [start["cell"]]  # the keyboard comes to what is chosen
        page.evaluate("spoken.length = 0")
        said, row, column = words.inner_text(), *map(int, start["cell"].split(","))

        def there(row, column, start=start):
            """What is at the keyboard, which has chosen nothing on its way to this cell."""
            here = page.evaluate(HERE)
            assert (here["cell"], here["role"], here["stops"]) == (f"{row},{column}", "gridcell", 1)
            assert here["label"]  # which moving there makes a screen reader say
            assert here["below"] == here["label"]
            assert here["framed"]
            assert here["chosen"] == start["chosen"]
            assert here["selected"] == str(here["cell"] == start["cell"]).lower()
            return here["label"]

        heard = [there(row, column)]
        for key in ("ArrowRight", "ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowLeft"):
            down, right = MOVES[key]
            page.keyboard.press(key)
            row, column = min(max(row + down, 0), rows - 1), min(max(column + right, 0), columns - 1)
            heard.append(there(row, column))
        assert len(set(heard)) > 2
        for key, y, x in (
            ("Home", row, 0),
            ("End", row, columns - 1),
            ("Control+Home", 0, 0),
            ("Control+End", rows - 1, columns - 1),
            ("ArrowDown", rows - 1, columns - 1),
        ):
            page.keyboard.press(key)
            there(y, x)
        assert words.inner_text() == said
        assert page.evaluate("spoken") == []

        # a screen reader moves the focus on its own, and the keys go on from there
        grid.locator("[data-cell='1,1']" if rows > 1 else "[data-cell='0,1']").evaluate("cell => cell.focus()")
        there(min(1, rows - 1), 1)
        page.keyboard.press("ArrowLeft")
        there(min(1, rows - 1), 0)

        # away and back: to what is chosen, since nothing else was
        page.keyboard.press("Shift+Tab")
        assert grid.evaluate(SHOWN) == [False, False]
        page.keyboard.press("Tab")
        there(*map(int, start["cell"].split(",")))

        key = ("Enter", "Space")[k % 2]
        page.keyboard.press("Control+Home")
        for _ in range(k + 1):
            page.keyboard.press("ArrowRight")
        page.keyboard.press(key)
        chosen = page.evaluate(HERE)
        assert chosen["cell"] == f"0,{k + 1}"  # the keyboard stays there
        assert chosen["chosen"] == [chosen["cell"]]
        assert words.inner_text() != said
        assert page.evaluate("spoken") == [words.inner_text()]  # once, and no other region with it
        page.keyboard.press(key)  # what is chosen already
        assert page.evaluate("spoken.length") == 1
        assert page.evaluate(HERE)["cell"] == chosen["cell"]


def test_axe_finds_nothing_while_somebody_explores(page, axe_findings):
    page.locator("figure.swin-figure").first.locator('[tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".swin-here").first.is_visible()
    assert axe_findings(page) == []


def test_what_a_cell_belongs_to_is_said(page):
    """In the words of the figure of memory: which token, where, and whether it is of the chosen one's window."""
    page.evaluate("() => document.activeElement.blur()")
    memory = page.locator("figure.swin-figure").nth(list(GRIDS).index(figures.memory_figure))
    grid = memory.get_by_role("grid").first
    grid.locator("[data-cell='0,1']").click()
    mate = "token 8, row 1, column 0 of the map, in the window of the chosen token"
    assert grid.get_by_role("gridcell", name=mate, exact=True).count() == 1
    far = "token 63, row 7, column 7 of the map"
    assert grid.get_by_role("gridcell", name=far, exact=True).count() == 1
