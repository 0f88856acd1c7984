"""The built book, a server for it, and a browser."""

import functools
import shutil
import subprocess
import sysconfig
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser's tests last: they are the slowest, and the notebooks' kernels want the event loop first."""
    items.sort(key=lambda item: HERE in item.path.parents)


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and keeps silent about it."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def book_html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the book's pages, built with warnings as errors."""
    folder = tmp_path_factory.mktemp("book")
    jupyter_book = shutil.which("jupyter-book", path=sysconfig.get_path("scripts"))
    command = [jupyter_book, "build", ROOT, "--path-output", folder, "-W", "-n", "--keep-going"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    return folder / "_build" / "html"


@pytest.fixture(scope="module")
def serve():
    """A function that serves a folder on this machine and returns its address."""
    servers = []

    def start(folder: Path) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def context(browser):
    """A fresh browser profile."""
    context = browser.new_context()
    yield context
    context.close()
