"""What the tests of grading share: whether there is a sandbox here."""

import shutil
import sys

import pytest

needs_sandbox = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("bwrap") is None,
    reason="No bubblewrap is installed, so no sandbox was tried. On Debian or Ubuntu: apt-get install bubblewrap",
)


def pytest_configure(config):
    config.addinivalue_line("markers", "sandbox: runs code in a real sandbox (deselect with -m 'not sandbox')")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("sandbox"):
            item.add_marker(needs_sandbox)
