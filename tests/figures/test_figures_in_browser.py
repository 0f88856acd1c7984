"""The figures in a page on the disk, by mouse and by keyboard, against what Python says."""

import pytest

from swinlib import figures
from swinlib.figures.reach import reach_data
from swinlib.figures.rolling import roll_data

HEAD = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Figures</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><main><h1>Figures</h1>'
)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page with two kinds of figures, the first of them twice."""
    page = tmp_path_factory.mktemp("page") / "page.html"
    reach = figures.attention_reach().html()
    page.write_text(HEAD + reach + figures.roll_figure().html() + reach + "</main></html>", encoding="utf-8")
    return page.as_uri()


@pytest.fixture
def page(browser, address):
    """The page, opened; at the end nothing may have gone wrong or been asked for."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    problems = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or problems.append(request.url))
    page.goto(address)
    yield page
    assert problems == []
    context.close()


def _figure(page, k):
    return page.locator("figure.swin-figure").nth(k)


def _words(figure):
    return figure.get_by_role("status").inner_text()


def _signs(figure):
    """``{(row, column): sign}`` of all cells that carry one."""
    found = figure.locator("[data-cell]").evaluate_all(
        """cells => cells.map(cell => [cell.dataset.cell, cell.querySelector(".swin-sign")?.classList[1]])"""
    )
    return {tuple(map(int, place.split(","))): sign.removeprefix("swin-") for place, sign in found if sign}


def _choose(figure, **values):
    for name, value in values.items():
        figure.locator(f"select[name={name}]").select_option(label=str(value))


BEFORE, AFTER = "in the image, before the roll", "after the roll"


@pytest.mark.parametrize("view", [BEFORE, AFTER])
@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize(
    ("size", "window", "shift", "token"),
    [
        (8, 4, 2, (1, 2)),
        (8, 4, 0, (7, 7)),
        (10, 4, 1, (9, 0)),
        (14, 7, 3, (13, 13)),
        (7, 2, 1, (7, 0)),
        (4, 7, 3, (0, 3)),
    ],
)
def test_cells_carry_the_signs_that_the_mask_gives_them(page, attends, size, window, shift, token, mask, view):
    together, allowed = attends(size, size, window, shift)
    rows, used = len(allowed), shift if size > window else 0

    def moved(place):
        return tuple((k - used) % rows for k in place) if view == AFTER else place

    figure = _figure(page, 0)
    _choose(figure, size=size, window=window, shift=shift, view=view)
    figure.get_by_role("checkbox", name="Mask").set_checked(mask)
    figure.locator('[data-cell="{},{}"]'.format(*moved(token))).click()

    mates = {tuple(place) for place in together[token].nonzero().tolist()}
    friends = {tuple(place) for place in allowed[token].nonzero().tolist()}
    expected = {moved(place): "barred" if mask else "cross" for place in mates - friends}
    expected |= {moved(place): "dot" for place in friends} | {moved(token): "triangle"}
    assert _signs(figure) == expected

    words = _words(figure)
    start = f"oken (row {token[0]}, column {token[1]})"
    if mask:
        assert words.startswith(f"T{start} may attend to {len(friends)} of the {len(mates)} tokens in its window.")
    else:
        assert words.startswith(f"Without the mask, t{start} attends to all {len(mates)} tokens in its window")
        assert (f"{len(mates - friends)} that only the roll put next to it" in words) == (mates != friends)
    others = {tuple(sorted(group)) for group in map(friends_of(allowed), mates - friends)}
    if mask or mates == friends:
        assert f"They are {described(friends)}." in words
        said = words.partition("Masked: ")[2]
    else:
        assert f"Its own part is {described(friends)}; the roll brought " in words
        said = words.partition("the roll brought ")[2]
    assert set(said.partition(".")[0].split("; ")) - {""} == set(map(described, others))
    there = "After the roll it stands at (row {}, column {}).".format(*moved(token))
    assert (there in words) == ("After the roll" in words) == (moved(token) != token)
    padding = sum(max(place) >= size for place in (friends if mask else mates))
    assert (f"{padding} are padding" in words) == (padding > 0)
    assert ("the shift is left out" in words) == (used != shift)
    hatched = figure.locator("[data-cell]:has(.swin-hatch)").count()
    assert hatched == rows * rows - size * size


def friends_of(allowed):
    """A function that gives the places which a place may attend to."""
    return lambda place: {tuple(each) for each in allowed[place].nonzero().tolist()}


def described(places):
    """What the figure calls a rectangle of tokens, which these must fill."""
    sides = [sorted({place[k] for place in places}) for k in (0, 1)]
    assert len(places) == len(sides[0]) * len(sides[1])
    words = []
    for name, side in zip(("row", "column"), sides, strict=True):
        assert side == list(range(side[0], side[-1] + 1))
        words.append(f"{name} {side[0]}" if len(side) == 1 else f"{name}s {side[0]} to {side[-1]}")
    return ", ".join(words)


def test_cells_say_their_state_to_a_screen_reader(page):
    figure = _figure(page, 0)
    assert figure.get_by_role("grid", name="Tokens, by row and column").count() == 1
    names = {
        (0, 0): "region 3, may be attended to",
        (1, 1): "region 3, chosen",
        (0, 7): "region 2, in the window but masked",
        (4, 4): "region 0, in another window",
    }
    for (row, column), state in names.items():
        cell = figure.locator(f'[data-cell="{row},{column}"]')
        assert cell.get_attribute("aria-label") == f"row {row}, column {column}, {state}"
        assert cell.get_attribute("aria-selected") == str(state.endswith("chosen")).lower()
    figure.get_by_role("checkbox", name="Mask").uncheck()
    label = figure.locator('[data-cell="0,7"]').get_attribute("aria-label")
    assert label == "row 0, column 7, region 2, attended to only because the mask is off"


def test_everything_by_keyboard(page):
    figure = _figure(page, 0)
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.dataset.cell"))
    assert reached == ["size", "window", "shift", "view", "mask", "1,1"]

    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert _words(figure) == (
        "Token (row 1, column 2) may attend to 8 of the 16 tokens in its window. They are rows 0 to 1, columns 2 to 5. "
        "Masked: rows 6 to 7, columns 2 to 5."
    )
    for key, place in [
        ("End", "1,7"),
        ("ArrowRight", "1,7"),
        ("ArrowDown", "2,7"),
        ("Home", "2,0"),
        ("ArrowUp", "1,0"),
    ]:
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.dataset.cell") == place
        assert figure.locator('[tabindex="0"]').count() == 1

    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert not figure.get_by_role("checkbox", name="Mask").is_checked()
    assert _words(figure).startswith("Without the mask, token (row 1, column 0)")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")  # the next value of the list
    assert figure.locator("select[name=view]").input_value() == AFTER
    assert _signs(figure)[(7, 6)] == "triangle"  # the same token, two rows and columns further up and left


def test_an_impossible_choice_is_refused_in_the_librarys_words(page):
    figure = _figure(page, 0)
    _choose(figure, window=2, shift=3)
    with pytest.raises(ValueError, match="does not fit") as error:
        reach_data(8, 2, 3)
    assert _words(figure) == str(error.value)
    assert figure.locator("[data-cell]").count() == 0
    _choose(figure, shift=1)
    assert _words(figure) == (
        "Token (row 1, column 1) may attend to 4 of the 4 tokens in its window. They are rows 1 to 2, columns 1 to 2."
    )


def test_figures_on_one_page_do_not_disturb_each_other(page):
    before = _words(_figure(page, 2))
    _figure(page, 0).locator('[data-cell="5,5"]').click()
    assert _words(_figure(page, 0)) != before
    assert _words(_figure(page, 2)) == before
    _figure(page, 2).locator('[data-cell="3,0"]').click()
    assert "row 3, column 0" in _words(_figure(page, 2))
    assert "row 5, column 5" in _words(_figure(page, 0))


def test_a_figure_that_appears_later_leaves_an_equal_one_as_it_is(page):
    """In JupyterLab, a cell may be run while the same figure stands above and its reader has chosen a token."""
    _figure(page, 0).locator('[data-cell="5,5"]').click()
    page.evaluate(
        """() => {
            const again = document.createElement("script");
            again.type = "module";
            again.textContent = document.querySelector("script[type=module]").textContent;
            const figure = document.createElement("figure");
            figure.dataset.figure = document.querySelector("[data-figure]").dataset.figure;
            document.querySelector("main").append(figure, again);
        }"""
    )
    _figure(page, 3).get_by_role("grid").wait_for()
    assert "row 1, column 1" in _words(_figure(page, 3))
    assert "row 5, column 5" in _words(_figure(page, 0))


def test_roll_shows_the_numbers_of_torch(page):
    figure = _figure(page, 1)
    for rows, columns in [(-1, -2), (3, 2), (0, 0)]:
        _choose(figure, rows=rows, columns=columns)
        data = roll_data(rows, columns)
        assert figure.locator("[data-cell] .swin-text").all_text_contents() == [
            str(n) for row in data["numbers"] for n in row
        ]
        assert figure.locator("[data-cell]:has(.swin-hatch)").count() == sum(map(sum, data["wrapped"]))
    figure.locator('[data-cell="2,3"]').click()
    _choose(figure, rows=3)
    assert _words(figure) == (
        "x.roll((3, 0), dims=(0, 1)) puts number 15 at (row 1, column 3). It stood at (row 2, column 3). "
        "It left the grid on one side and came back on the other."
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_on_a_telephone(page, scheme):
    page.emulate_media(color_scheme=scheme)
    for k in (0, 1):
        figure = _figure(page, k)
        if k == 0:
            _choose(figure, size=14, window=7, shift=3)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        cell = figure.locator("[data-cell]").first.bounding_box()
        assert min(cell["width"], cell["height"]) >= 20
        for control in figure.locator("select, input").all():
            box = control.bounding_box()
            assert box["x"] + box["width"] <= 390


def test_axe_finds_nothing(page, axe_findings):
    assert axe_findings(page) == []


def test_print_keeps_the_picture_and_drops_the_controls(page):
    page.emulate_media(media="print")
    assert not _figure(page, 0).locator(".swin-controls").is_visible()
    assert _figure(page, 0).locator("svg.swin-board").is_visible()


def test_without_javascript_the_picture_and_its_words_remain(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    picture = page.get_by_role("img").first
    assert picture.is_visible()
    assert picture.bounding_box()["width"] > 300
    assert picture.get_attribute("alt").startswith("A map of 8 by 8 tokens in windows of 4, shifted by 2")
    assert page.locator("figcaption").first.is_visible()
    assert page.locator("select").count() == 0
    context.close()
