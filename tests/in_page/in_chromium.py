"""Answers, judged in a worker of headless Chromium as a page opened as a file judges them."""

import contextlib
import json
import tempfile
from pathlib import Path

from answers_in_page import chapter_data, interpreter_script
from playwright.sync_api import sync_playwright

from swinlib.classroom.pages import read_page
from swinlib.doctor import find_chromium

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PAGE = '<!doctype html><meta charset="utf-8"><title>Proof</title>'
WAIT = 300_000  # milliseconds for one answer, on a machine that may be busy

BEGIN = """
globalThis.swinAnswers = { worker(program) {
  globalThis.begin = chapter => new Promise((done, failed) => {
    globalThis.judge = new Worker(URL.createObjectURL(new Blob([program])));
    judge.onerror = event => failed(event.message);
    judge.onmessage = ({ data }) => { judge.postMessage({ chapter }); data.ready ? done() : failed(data.trace); };
  });
} };
"""
ANSWER = """
([name, source, wait]) => new Promise((done, failed) => {
  const started = performance.now();
  setTimeout(() => failed(`no answer to ${source} in ${wait} milliseconds`), wait);
  judge.onerror = event => failed(event.message);
  judge.onmessage = ({ data }) => done({ ...data, seconds: (performance.now() - started) / 1000 });
  judge.postMessage({ name, source });
})
"""


def mistaken(chapter, exercise, mistake):
    """Source that gives a known mistake as an answer, which may call what answers must not."""
    return (
        f"import swinlib.check.c{chapter} as checks\n"
        f"checks.{exercise}.without = ()\n"
        f"{exercise} = next(each.function for each in checks.{exercise}.mistakes if each.name == {mistake!r})\n"
    )


@contextlib.contextmanager
def judging(chapter, stored, browser=None):
    """Within it ``answer(name, source)`` is judged in the page of a chapter; a dict, as the worker sends it."""
    page_of = read_page(ROOT / "book" / "exercises" / f"{chapter}.ipynb")
    data = chapter_data(page_of, stored, mistakes=True)
    with contextlib.ExitStack() as stack:
        if browser is None:
            playwright = stack.enter_context(sync_playwright())
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            stack.callback(browser.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "begin.js").write_text(BEGIN, encoding="utf-8")
        (folder / "interpreter.js").write_text(interpreter_script(), encoding="utf-8")
        scripts = "".join(f'<script src="{name}.js"></script>' for name in ("begin", "interpreter"))
        (folder / "page.html").write_text(PAGE + scripts, encoding="utf-8")
        page = browser.new_page()
        stack.callback(page.close)
        page.goto((folder / "page.html").as_uri())
        page.evaluate("chapter => begin(JSON.parse(chapter))", json.dumps(data))
        yield lambda name, source: page.evaluate(ANSWER, [name, source, WAIT])
