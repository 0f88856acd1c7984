"""How soon the pages of the book are there: bytes, first paint, load, and what moves meanwhile, in headless Chromium.

    python benchmarks/pages.py
    python benchmarks/pages.py --folder _build/html --times 3 book/07_roll_and_shifted_windows.html

Each page is opened with nothing stored, on a telephone's screen of 390 by 844 pixels, over a line of 1.6 Mbit a second
on which every answer takes 150 ms longer, with the processor slowed four times, from a server that compresses by gzip.
The table has, for each page: the kilobytes that are fetched until it has loaded, without scrolling; all that it ever
fetches on the way to its end, without pictures and the tables of interactive figures; the seconds until the first
paint and until it has loaded; and the cumulative layout shift on the way to its end. The least of several times is
printed, since other work on the machine only makes them longer.
"""

import argparse
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from swinlib.doctor import find_chromium

PHONE = {"width": 390, "height": 844}
LINE = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8}
SLOWED = 4
COMPRESSED = (".html", ".css", ".js", ".svg", ".json")

WATCH = """
    window.shifts = [];
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifts.push(entry);
    }).observe({ type: "layout-shift", buffered: true });
"""
TIMES = """
    () => {
        const paint = performance.getEntriesByName("first-contentful-paint")[0];
        const { loadEventStart } = performance.getEntriesByType("navigation")[0];
        return [paint?.startTime, loadEventStart];
    }
"""
# As a reader would, and so that what is loaded when it comes near is loaded.
SCROLL = """
    async () => {
        for (let y = 0; y < document.body.scrollHeight; y += innerHeight / 2) {
            scrollTo(0, y);
            await new Promise(resolve => setTimeout(resolve, 100));
        }
    }
"""
# The largest sum of shifts within five seconds, with less than one between two of them (https://web.dev/cls).
SHIFT = """
    () => {
        let most = 0, sum = 0, first = -Infinity, last = -Infinity;
        for (const { startTime, value } of shifts) {
            if (startTime - last > 1000 || startTime - first > 5000) { sum = 0; first = startTime; }
            last = startTime;
            most = Math.max(most, sum += value);
        }
        return most;
    }
"""


@dataclass(frozen=True)
class Measured:
    """What a visit to a page took.

    Attributes:
        until_load: bytes fetched until it had loaded, at the top of the page.
        pictureless: bytes fetched on the way to its end, without pictures and tables of interactive figures.
        first_paint: seconds until something was to be seen.
        load: seconds until it had loaded.
        shift: the cumulative layout shift on the way to its end.
    """

    until_load: int
    pictureless: int
    first_paint: float
    load: float
    shift: float


@cache
def compressed(path: Path, _: float) -> bytes:
    """Return a file as gzip makes it, once for each time of its last change."""
    return gzip.compress(path.read_bytes(), mtime=0)


class CompressingHandler(SimpleHTTPRequestHandler):
    """Serves files, text by gzip, keeps connections, and keeps silent about it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send a file."""
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        is_text = path.suffix in COMPRESSED
        content = compressed(path, path.stat().st_mtime) if is_text else path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(content)))
        if is_text:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine, compressed, and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(CompressingHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def visit(browser: Browser, address: str, *, slow: bool = True, scroll: bool = True) -> Measured:
    """Open a page with nothing stored, wait until it has loaded, and go to its end.

    Args:
        browser: a Chromium.
        address: of the page.
        slow: whether line and processor are; bytes do not depend on it.
        scroll: whether to go to its end; without, shifts that only happen on the way there are not seen.
    """
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    page.add_init_script(WATCH)
    tools = context.new_cdp_session(page)
    kinds: dict[str, str] = {}
    sizes: dict[str, int] = {}

    def asked(event: dict) -> None:
        kinds[event["requestId"]] = "figure" if "/_static/figures/" in event["request"]["url"] else event["type"]

    tools.on("Network.requestWillBeSent", asked)
    tools.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    tools.send("Network.enable")
    if slow:
        tools.send("Network.emulateNetworkConditions", LINE)
        tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    page.goto(address, wait_until="load")
    until_load = int(sum(sizes.values()))
    if slow:
        page.wait_for_timeout(500)
    first_paint, load = page.evaluate(TIMES)
    if scroll:
        page.evaluate(SCROLL)
    page.wait_for_load_state("networkidle")
    pictureless = int(sum(size for key, size in sizes.items() if kinds[key] not in ("Image", "figure")))
    shift = page.evaluate(SHIFT)
    context.close()
    return Measured(until_load, pictureless, (first_paint or load) / 1000, load / 1000, shift)


def pages_of(folder: Path) -> list[str]:
    """Return the pages of a built book, as addresses within its folder, without the one that only leads to another."""
    pages = {str(path.relative_to(folder)) for path in folder.rglob("*.html") if "_static" not in path.parts}
    return sorted(pages - {"index.html"})


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("pages", nargs="*", help="within the folder (default: all)")
    parser.add_argument("--folder", type=Path, default=Path("_build/html"), help="of the built book")
    parser.add_argument("--times", type=int, default=3, help="visits of each page (default: 3)")
    options = parser.parse_args()
    if not (options.folder / "search.html").is_file():
        parser.error(f"no pages in {options.folder}: jupyter-book build . makes them")

    with sync_playwright() as playwright, served(options.folder) as start:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        print(f"{'page':<46}{'until load':>11}{'pictureless':>13}{'first paint':>13}{'load':>9}{'shift':>8}")
        for page in options.pages or pages_of(options.folder):
            visits = [visit(browser, start + page) for _ in range(options.times)]
            print(
                f"{page:<46}{visits[-1].until_load / 1000:>8.0f} KB{visits[-1].pictureless / 1000:>10.0f} KB"
                f"{min(each.first_paint for each in visits):>11.2f} s{min(each.load for each in visits):>7.2f} s"
                f"{max(each.shift for each in visits):>8.3f}",
                flush=True,
            )
        browser.close()


if __name__ == "__main__":
    main()
