"""What all tests share: fixed seeds, fixed Hypothesis examples, a Swin that runs in milliseconds, book and browser."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections import Counter
from pathlib import Path

import nbformat
import pytest
import torch
from filelock import FileLock
from hypothesis import HealthCheck, settings

from swinlib import SwinTransformer
from swinlib.doctor import find_chromium

ROOT = Path(__file__).resolve().parents[1]

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


def pytest_addoption(parser):
    parser.addoption("--screenshots", metavar="FOLDER", help="keep pictures of what is seen in JupyterLab in a folder")
    parser.addoption("--from-index", action="store_true", help="let pip fetch what the recipes of the book need")


# Fixtures that take many seconds: they build the book or a page of it, or start a browser or a kernel.
SLOW = {"book_html", "browser", "jupyterlab", "sample", "stored"}


@pytest.hookimpl(tryfirst=True)  # before pytest looks at marks
def pytest_collection_modifyitems(items):
    cases = Counter()
    for item in items:
        if (mark := item.get_closest_marker("one_in")) is not None:
            test = (item.path, item.originalname)
            if cases[test] % mark.args[0]:
                item.add_marker(pytest.mark.slow)
            cases[test] += 1
        if SLOW & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _seed():
    torch.default_generator.manual_seed(0)  # torch.manual_seed also writes down where it was called from: milliseconds


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


def _build_book(folder):
    """Build the book into a folder, with warnings as errors, and write there what is wrong with it: at best nothing."""
    jupyter_book = shutil.which("jupyter-book", path=sysconfig.get_path("scripts"))
    command = [jupyter_book, "build", ROOT, "--path-output", folder, "-W", "-n", "--keep-going"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    said = f"exit status {result.returncode}\n{result.stdout[-4000:]}{result.stderr[-4000:]}"
    (folder / "failed.txt").write_text(said if result.returncode else "", encoding="utf-8")


@pytest.fixture(scope="session")
def book_html(tmp_path_factory):
    """The folder of the book's pages. The first process that asks builds it, and all others wait for that."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # which the processes share
    folder = folder / "book"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "failed.txt").exists():
            _build_book(folder)
    failed = (folder / "failed.txt").read_text(encoding="utf-8")
    assert not failed, failed
    return folder / "_build" / "html"


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


@pytest.fixture
def jupyterlab(tmp_path):
    """``jupyterlab(notebook)`` starts JupyterLab with one notebook and nobody's settings, and gives its address."""
    pytest.importorskip("jupyterlab")
    servers = []

    def start(notebook):
        nbformat.write(notebook, tmp_path / "live.ipynb")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
        command += [
            f"--port={port}",
            "--port-retries=0",
            "--IdentityProvider.token=",
            f"--ServerApp.root_dir={tmp_path}",
        ]
        environment = {**os.environ, **folders, "HOME": str(tmp_path)}
        with open(tmp_path / "log", "w") as log:
            servers.append(subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, env=environment))
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5)
                return f"http://127.0.0.1:{port}/lab/tree/live.ipynb?reset"
            except OSError:
                time.sleep(0.5)
        pytest.fail("JupyterLab did not start:\n" + (tmp_path / "log").read_text()[-2000:])

    yield start
    for server in servers:
        server.terminate()
        server.wait(30)
