"""Sphinx extension: exercises that are answered in the page.

Below each exercise for which that is proven stands an editor. Its first Run
fetches two scripts: the interpreter, with the small torch and the parts of the
library that exercises ask for, which all pages share; and the chapter's checks,
with what `tests/in_page/table.py` has stored of them. Both hold text for a
worker, since a page opened as a file may fetch nothing else.

The interpreter is Brython; ``interpreter/README.md`` says how its files are
made. What is judged, and how, is decided in Python: `swinlib.in_page`.
"""

import json
from html import escape
from pathlib import Path, PurePath

from bs4 import BeautifulSoup
from bs4.element import Tag
from sphinx.application import Sphinx

from swinlib import in_page
from swinlib.classroom.pages import Page, PageExercise, read_page, stub
from swinlib.in_page.world import page_modules, page_scripts

PAGES = "book/exercises/"
FOLDER = "_static/in_page"
HERE = Path(__file__).resolve().parent
INTERPRETER = HERE / "interpreter"
PROVEN = HERE / "proven"  # written by tests/in_page/table.py
# Brython wants to know where it is from; this leads nowhere.
BEGINNING = 'globalThis.__BRYTHON__ = { brython_path: "https://page/" };'


def in_json(value: object) -> str:
    """Return a value as short JSON, which is JavaScript, too."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def as_files(modules: dict[str, tuple[str, bool]]) -> dict[str, list]:
    """Return modules as the interpreter has them: kind, source, package."""
    return {
        name: [".py", source, int(package)]
        for name, (source, package) in modules.items()
    }


def checks_of(chapter: str) -> str:
    """Return the name of the module with a chapter's checks."""
    return f"swinlib.check.c{chapter}"


def worker_script() -> str:
    """Return the program of the worker: interpreter, modules, and its own."""
    chapter = "07_roll_and_shifted_windows"  # any: its checks are taken out
    modules = as_files(page_modules(chapter))
    del modules[checks_of(chapter)]
    modules |= {
        name: [".js", source, 0] for name, source in page_scripts().items()
    }
    library = json.loads((INTERPRETER / "library.json").read_text("utf-8"))
    brython, amended = (
        (INTERPRETER / name).read_text("utf-8")
        for name in ("brython.js", "amended.js")
    )
    worker = Path(in_page.__file__).with_name("worker.js").read_text("utf-8")
    sources = f"const modules = {in_json({**library, **modules})};"
    return "\n;\n".join((BEGINNING, brython, amended, sources, worker))


def interpreter_script() -> str:
    """Return the script that gives a page the worker's program."""
    return f"swinAnswers.worker({in_json(worker_script())});\n"


def begun(exercise: PageExercise) -> str:
    """Return what the editor holds before anything is written."""
    if exercise.starts_from_code:
        return exercise.given
    return stub(exercise.solution)


def chapter_data(
    page: Page, stored: dict[str, dict], *, mistakes: bool = False
) -> dict[str, object]:
    """Return what a worker is told of a chapter.

    Args:
        page: with its exercises.
        stored: by name, what is stored of those that are offered.
        mistakes: whether the checks know their mistakes.
    """
    checks = checks_of(page.name)
    source = page_modules(page.name, mistakes=mistakes)[checks]
    return {
        "name": page.name,
        "setup": page.setup,
        "modules": as_files({checks: source}),
        "exercises": {
            exercise.name: {
                "given": "" if exercise.starts_from_code else exercise.given,
                "stored": stored[exercise.name],
            }
            for exercise in page.exercises
            if exercise.name in stored
        },
    }


def stored_of(chapter: str) -> dict[str, dict]:
    """Return what is stored of a chapter's exercises that are offered."""
    path = PROVEN / f"{chapter}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def write_scripts(app: Sphinx) -> None:
    """Write the interpreter, and what each chapter's worker is told."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir, FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "interpreter.js").write_text(interpreter_script(), "utf-8")
    for path in sorted(Path(app.srcdir, PAGES).glob("*.ipynb")):
        if stored := stored_of(path.stem):
            data = in_json(chapter_data(read_page(path), stored))
            script = f"swinAnswers.chapter({data});\n"
            (folder / path.name).with_suffix(".js").write_text(script, "utf-8")


def editor(exercise: PageExercise) -> Tag:
    """Return the editor of an exercise, to which answers.js adds buttons."""
    code = begun(exercise)
    identity = f"answer-{exercise.name}"
    html = (
        f'<div class="answer" data-script="../../_static/answers.js" '
        f'data-exercise="{exercise.name}">'
        f'<label for="{identity}">Your answer: {exercise.name}</label>'
        f'<textarea id="{identity}" rows="{code.count(chr(10)) + 4}" '
        f'wrap="off" spellcheck="false" autocapitalize="off" '
        f'autocomplete="off" aria-describedby="{identity}-keys">'
        f"\n{escape(code)}\n</textarea>"
        '<div class="answer-keys" role="group" aria-label="Keys for code">'
        "</div>"
        f'<div class="answer-buttons"><span id="{identity}-keys">Ctrl+Enter '
        "runs it. Tab indents; Escape, then Tab, leaves.</span></div>"
        '<div role="status" class="answer-said" data-verdict></div>'
        '<div class="answer-printed"></div></div>'
    )
    return BeautifulSoup(html, "html.parser")


INTRODUCTION = (  # answers.js reads here what the first Run fetches
    '<p data-interpreter="../../{folder}/interpreter.js" '
    'data-cases="../../{folder}/{chapter}.js">'
    "Most exercises answer here: write below one, and Run tells what is "
    "wrong, as the notebook does. Nothing is installed and nothing leaves your "
    "machine. The page’s verdict is for you; the class is graded as before. If "
    "page and notebook ever differ, the notebook is right.</p>"
)


def insert_editors(app: Sphinx, page: BeautifulSoup, path: PurePath) -> None:
    """Put the editors before the solutions, and the sum on the start page."""
    source = Path(app.srcdir, path).with_suffix(".ipynb")
    if path.as_posix() == "book/index.html":
        insert_sum(app, page)
    if path.parent.as_posix() + "/" != PAGES or not source.exists():
        return
    if not (stored := stored_of(source.stem)):
        return
    solutions = page.select("article .cell.tag_solution")
    exercises = read_page(source).exercises
    for solution, exercise in zip(solutions, exercises, strict=True):
        if exercise.name in stored:
            solution.insert_before(editor(exercise))
    download = page.select_one(f'article a[href$="{source.name}"][download]')
    introduction = INTRODUCTION.format(folder=FOLDER, chapter=source.stem)
    download.find_parent("p").insert_after(
        BeautifulSoup(introduction, "html.parser")
    )


def insert_sum(app: Sphinx, page: BeautifulSoup) -> None:
    """Tell the start page which exercises there are."""
    chapters = {}
    for path in sorted(Path(app.srcdir, PAGES).glob("*.ipynb")):
        stored = stored_of(path.stem)
        if names := [
            each.name
            for each in read_page(path).exercises
            if each.name in stored
        ]:
            chapters[f"Chapter {int(path.stem[:2])}"] = names
    box = page.new_tag(
        "div",
        attrs={
            "class": "answers-done",
            "data-script": "../_static/answers.js",
            "data-exercises": in_json(chapters),
        },
    )
    page.select_one("article .chapter-questions").insert_after(box)


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.setup_extension("finished_pages")
    app.connect("builder-inited", write_scripts)
    app.connect("page-finishing", insert_editors, priority=400)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
