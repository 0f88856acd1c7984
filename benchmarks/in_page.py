"""How quickly pages read digits and photographs: images a second of swin.js in headless Chromium, and its bytes.

    python benchmarks/in_page.py
    python benchmarks/in_page.py --images 200 --slowed 1 4 6

For each slowing of the processor, as the developer tools of Chromium simulate it, each model reads images one after
the other, and the least and the median time of one is printed. Other work on the machine makes them longer, so
look at the least too. Then the sizes of the scripts, as they are and compressed by gzip.
"""

import argparse
import gzip
import statistics
import tempfile
from importlib import resources
from pathlib import Path

from playwright.sync_api import sync_playwright

from swinlib.doctor import find_chromium
from swinlib.figures.draw import draw_figure
from swinlib.figures.in_page import DIGITS, PHOTOGRAPHS, SCRIPTS
from swinlib.figures.photo import photo_figure

SIDES = {DIGITS: 16, PHOTOGRAPHS: 32}  # pixels of an image

READ = """async ([model, side, count]) => {
    const read = await loadModel(model), times = [];
    for (let k = 0; k < count + 20; k++) {
        const data = Float32Array.from({ length: 3 * side * side }, (_, i) => Math.sin(i * (k + 1)));
        const start = performance.now();
        forward(read, { data, height: side, width: side });
        if (k >= 20) times.push(performance.now() - start);  // the first ones are compiled meanwhile
    }
    return times;
}"""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--images", type=int, default=100, help="images for each line (default: 100)")
    parser.add_argument("--slowed", type=float, nargs="+", default=[1, 6], help="times slower (default: 1 6)")
    options = parser.parse_args()

    texts = [resources.files("swinlib.figures").joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for model in SIDES:
            path = Path(folder, model.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(model.script(), encoding="utf-8")
        scripts = "".join(f"<script>{text}</script>" for text in texts)
        Path(folder, "page.html").write_text(f"<!doctype html><title>x</title>{scripts}", encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(Path(folder, "page.html").as_uri())
        tools = page.context.new_cdp_session(page)
        print(f"{'model':<12}{'slowed':>6}  {'least':>9}  {'median':>9}  images a second, by the median")
        for model, side in SIDES.items():
            for rate in options.slowed:
                tools.send("Emulation.setCPUThrottlingRate", {"rate": rate})
                times = page.evaluate(READ, [model.address, side, options.images])
                median = statistics.median(times)
                print(f"{model.name:<12}{rate:>6g}  {min(times):>6.1f} ms  {median:>6.1f} ms  {1000 / median:.0f}")
        browser.close()

    print(f"\n{'bytes':<28}{'raw':>10}{'gzip':>10}")
    parts = {
        **dict(zip(SCRIPTS, texts, strict=True)),
        **{model.file: model.script() for model in SIDES},
        "the figure of digits": draw_figure().html(),
        "that of photographs": photo_figure().html(),
    }
    for name, text in parts.items():
        data = text.encode()
        print(f"{name.removeprefix('_static/'):<28}{len(data):>10,d}{len(gzip.compress(data, mtime=0)):>10,d}")


if __name__ == "__main__":
    main()
