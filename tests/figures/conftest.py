"""An independent definition of who may attend to whom, and a browser."""

import pytest
import torch

from swinlib.doctor import find_chromium

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure(config):
    config.addinivalue_line("markers", "live: starts JupyterLab and a kernel (deselect with -m 'not live')")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Put what opens a browser after the notebooks, whose kernels want the event loop first."""
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


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


@pytest.fixture(scope="module")
def browser():
    """The Chromium that is installed; nothing is downloaded."""
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("No Chromium is installed, so no figure was opened. On Debian or Ubuntu: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()
