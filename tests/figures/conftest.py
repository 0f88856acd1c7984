"""An independent definition of who may attend to whom, pages with figures, and what axe finds on them."""

import pytest
import torch


def _attends(height, width, window, shift):
    """For every pair of positions of a padded map, before the roll: same window, and may attend.

    No labels and no mask: two tokens share a window if they stand in it after the roll, and may attend to each
    other if the roll moved both alike, so that their distance is what it was in the image.
    """
    rows, columns = -(-height // window) * window, -(-width // window) * window
    down = shift if height > window else 0
    right = shift if width > window else 0
    places = [(i, j) for i in range(rows) for j in range(columns)]
    after = [((i - down) % rows, (j - right) % columns) for i, j in places]
    together = torch.zeros(rows, columns, rows, columns, dtype=torch.bool)
    allowed = together.clone()
    for (i, j), (a, b) in zip(places, after, strict=True):
        for (k, m), (c, d) in zip(places, after, strict=True):
            same = (a // window, b // window) == (c // window, d // window)
            together[i, j, k, m] = same
            allowed[i, j, k, m] = same and (a - c, b - d) == (i - k, j - m)
    return together, allowed


@pytest.fixture(scope="session")
def attends():
    """``attends(height, width, window, shift)`` gives ``together, allowed``, each ``(H', W', H', W')``."""
    return _attends


@pytest.fixture
def open_figure(browser, tmp_path):
    """``open_figure(figure)`` gives its page, from a file, and a list that gathers what goes wrong on it."""
    pages = []

    def open_page(figure):
        path = tmp_path / "figure.html"
        path.write_text(f"<!doctype html><title>x</title>{figure.html()}", encoding="utf-8")
        page, problems = browser.new_page(), []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: request.url.startswith("file:") or problems.append(request.url))
        page.goto(path.as_uri())
        pages.append(page)
        return page, problems

    yield open_page
    for page in pages:
        page.close()


@pytest.fixture
def open_sheets(browser):
    """``open_sheets(address)`` gives a page whose sheets can be drawn on, on a telephone; ``page.asked`` gathers what
    it asks for, which must be files.
    """
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page, problems = context.new_page(), []
    page.asked = []
    noticed = "Canvas2D: Multiple readback operations"  # tests read the canvas; the figures do not
    page.on("console", lambda message: message.text.startswith(noticed) or problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))

    def open_page(address):
        page.goto(address)
        page.locator(".swin-sheet").last.wait_for()
        return page

    yield open_page
    assert problems == []
    assert all(url.startswith("file:") for url in page.asked if not url.startswith(("data:", "blob:")))
    context.close()


HEAD = (
    '<!doctype html><html lang="en" data-content_root="../"><meta charset="utf-8"><title>Figures</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><main><h1>Figures</h1>'
)


@pytest.fixture(scope="session")
def book_page(tmp_path_factory):
    """``book_page(body, *models)`` is the address of a page like those of the book, and the models that it asks for."""

    def write(body, *models):
        book = tmp_path_factory.mktemp("book")
        page = book / "chapters" / "page.html"
        for path, text in [
            *((book / model.file, model.script()) for model in models),
            (page, f"{HEAD}{body}</main></html>"),
        ]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return page.as_uri()

    return write


@pytest.fixture(scope="session")
def axe_findings():
    """``axe_findings(page)``: what axe-core finds, each by its name and the first place."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")

    def find(page):
        return [(each["id"], each["nodes"][0]["html"][:200]) for each in axe.Axe().run(page).response["violations"]]

    return find
