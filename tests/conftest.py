"""What all tests share: fixed seeds, fixed Hypothesis examples, a Swin that runs in milliseconds, and a browser."""

import pytest
import torch
from hypothesis import HealthCheck, settings

from swinlib import SwinTransformer
from swinlib.doctor import find_chromium

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# The same examples on every machine, and no failure because one is busy.
settings.register_profile(
    "swinlib", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("swinlib")


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def _randomise(module, seed=0, std=0.3):
    """Draw every parameter anew, and return the module: a bias of zeros or a norm of ones would hide a mistake."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=std, generator=generator)
    return module


@pytest.fixture(scope="session")
def randomise():
    """``randomise(module, seed=0, std=0.3)``."""
    return _randomise


@pytest.fixture(scope="session")
def tiny_swin():
    """``tiny_swin(version=1, *, dtype=torch.float64, **options)``: two stages, random parameters, in eval mode."""

    def build(version=1, *, dtype=torch.float64, **options):
        arguments = {"window_size": 3, "patch_size": 2, "num_classes": 5, "version": version, **options}
        model = SwinTransformer(**{"embed_dim": 16, "depths": (2, 2), "num_heads": (2, 4), **arguments})
        return _randomise(model).eval().to(dtype)

    return build


@pytest.fixture(scope="module")
def browser():
    """The Chromium that is installed; nothing is downloaded."""
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("No Chromium is installed, so nothing was opened. On Debian or Ubuntu: apt-get install chromium")
    from playwright.sync_api import sync_playwright  # here, so that the other tests do without it

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
