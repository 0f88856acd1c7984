"""Sphinx extension: exercises that are answered in the page.

Below each exercise for which that is proven stands an editor. Its first Run
fetches two scripts: the interpreter, with the small torch and the parts of the
library that exercises ask for, which all pages share; and the chapter's checks,
with what `tests/in_page/table.py` has stored of them. Both hold text for a
worker, since a page opened as a file may fetch nothing else.

An exercise may be lines to be put in order as well (see `lines_in_order`), and
what was written can be saved as the student's notebook and loaded from it. Each
is a script for a page, fetched when somebody asks for it.

The interpreter is Brython; ``interpreter/README.md`` says how its files are
made. What is judged, and how, is decided in Python: `swinlib.in_page`.
"""

import json
from html import escape
from pathlib import Path, PurePath

import nbformat
from bs4 import BeautifulSoup
from bs4.element import Tag
from lines_in_order import for_the_page, read_puzzles
from sphinx.application import Sphinx

from swinlib import in_page
from swinlib.classroom.pages import (
    Page,
    PageExercise,
    assignment_notebook,
    read_page,
    released,
    stub,
    student_notebook,
)
from swinlib.in_page.world import page_modules, page_scripts

PAGES = "book/exercises/"
PUZZLES = "book/puzzles"
FOLDER = "_static/in_page"
HERE = Path(__file__).resolve().parent
INTERPRETER = HERE / "interpreter"
# Written by tests/in_page/table.py and prove_puzzles.py.
PROVEN = HERE / "proven"
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


def page_script(name: str) -> str:
    """Return a script of `swinlib.in_page`."""
    return Path(in_page.__file__).with_name(f"{name}.js").read_text("utf-8")


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
    worker = page_script("worker")
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


def puzzles_of(
    app: Sphinx, page: Page, stored: dict[str, dict]
) -> dict[str, dict]:
    """Return what a page is told of its puzzles, if they are proven."""
    proofs = json.loads((PROVEN / "puzzles.json").read_text("utf-8"))
    proven = proofs.get(page.name, {})
    explanations = {
        name: {each["name"]: each["explanation"] for each in data["mistakes"]}
        for name, data in stored.items()
    }
    return {
        name: for_the_page(puzzle, proven[name]["mistakes"], explanations[name])
        for name, puzzle in read_puzzles(
            Path(app.srcdir, PUZZLES), page
        ).items()
        if name in proven and name in stored
    }


def notebook_data(page: Page) -> dict[str, object]:
    """Return the student's notebook, and where in it answers are written."""
    places = {
        cell.metadata.nbgrader.grade_id: place
        for place, cell in enumerate(released(assignment_notebook(page)).cells)
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    notebook = student_notebook(page)
    title = next(
        line.removeprefix("# ")
        for line in notebook.cells[0].source.splitlines()
        if line.startswith("# ")
    )
    return {
        "file": f"{page.name}.ipynb",
        "title": title,
        "notebook": json.loads(nbformat.writes(notebook)),
        "places": places,
    }


def write_scripts(app: Sphinx) -> None:
    """Write the interpreter, and for each chapter its worker, puzzles, file."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir, FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "interpreter.js").write_text(interpreter_script(), "utf-8")
    for path in sorted(Path(app.srcdir, PAGES).glob("*.ipynb")):
        if not (stored := stored_of(path.stem)):
            continue
        page = read_page(path)
        data = in_json(chapter_data(page, stored))
        puzzles = in_json(puzzles_of(app, page, stored))
        notebook = in_json(notebook_data(page))
        for name, script in {
            path.stem: f"swinAnswers.chapter({data});\n",
            f"{path.stem}_lines": (
                f"{page_script('puzzle')}swinAnswers.puzzles = {puzzles};\n"
            ),
            f"{path.stem}_notebook": (
                f"{page_script('notebook')}swinAnswers.notebook = {notebook};\n"
            ),
        }.items():
            (folder / f"{name}.js").write_text(script, "utf-8")


WAYS = (  # to answer; answers.js lets them be chosen
    '<div class="answer-ways" role="group" aria-label="How to answer {name}">'
    '<button type="button" aria-pressed="true">Write it</button>'
    '<button type="button" aria-pressed="false">Put it in order</button></div>'
)


def editor(exercise: PageExercise, *, puzzle: bool) -> Tag:
    """Return the editor of an exercise, to which answers.js adds buttons.

    Args:
        exercise: that is answered.
        puzzle: whether it can be put in order as well.
    """
    code = begun(exercise)
    name = exercise.name
    identity = f"answer-{name}"
    lines = (
        f'<div class="puzzle" role="group" aria-label="Lines of {name}" hidden>'
        "</div>"
    )
    html = (
        f'<div class="answer" data-script="../../_static/answers.js" '
        f'data-exercise="{name}" data-way="write">'
        f'<label for="{identity}">Your answer: {name}</label>'
        f"{WAYS.format(name=name) if puzzle else ''}"
        f'<textarea id="{identity}" rows="{code.count(chr(10)) + 4}" '
        f'wrap="off" spellcheck="false" autocapitalize="off" '
        f'autocomplete="off" aria-describedby="{identity}-keys">'
        f"\n{escape(code)}\n</textarea>"
        f"{lines if puzzle else ''}"
        '<div class="answer-keys" role="group" aria-label="Keys for code">'
        "</div>"
        f'<div class="answer-buttons"><span id="{identity}-keys">Ctrl+Enter '
        "runs it. Tab indents; Escape, then Tab, leaves.</span></div>"
        '<div role="status" class="answer-said" data-verdict></div>'
        '<div class="answer-printed"></div></div>'
    )
    return BeautifulSoup(html, "html.parser")


INTRODUCTION = (  # answers.js reads here what is fetched later
    '<p data-interpreter="../../{folder}/interpreter.js" '
    'data-cases="../../{folder}/{chapter}.js" '
    'data-lines="../../{folder}/{chapter}_lines.js" '
    'data-notebook="../../{folder}/{chapter}_notebook.js">'
    "{how_many} here: write below one, and Run tells what is "
    "wrong, as the notebook does. On a phone, put its lines in order instead, "
    "where a button offers it. Nothing is installed and nothing leaves your "
    "machine. The page’s verdict is for you; the class is graded as before. If "
    "page and notebook ever differ, the notebook is right.</p>"
    '<div class="answers-file" data-script="../../_static/answers.js">'
    '<button type="button">Save my answers as a notebook</button>'
    '<button type="button">Load them from one</button>'
    '<button type="button" hidden>Undo loading</button>'
    '<input type="file" aria-label="Notebook to load" hidden>'
    '<p role="status"></p></div>'
)


def how_many(offered: int, exercises: int) -> str:
    """Return the words for how many exercises of a page are offered."""
    if offered == exercises:
        return "All of these exercises answer"
    answer = "answers" if offered == 1 else "answer"
    return f"Of these {exercises} exercises, {offered} {answer}"


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
    exercises = read_page(source)
    puzzles = puzzles_of(app, exercises, stored)
    for solution, exercise in zip(solutions, exercises.exercises, strict=True):
        if exercise.name in stored:
            with_puzzle = exercise.name in puzzles
            solution.insert_before(editor(exercise, puzzle=with_puzzle))
    download = page.select_one(f'article a[href$="{source.name}"][download]')
    introduction = INTRODUCTION.format(
        folder=FOLDER,
        chapter=source.stem,
        how_many=how_many(len(stored), len(exercises.exercises)),
    )
    download.find_parent("p").insert_after(
        BeautifulSoup(introduction, "html.parser")
    )


def insert_sum(app: Sphinx, page: BeautifulSoup) -> None:
    """Tell the start page which exercises there are."""
    chapters = [
        {
            "title": f"Chapter {int(path.stem[:2])}",
            "page": f"exercises/{path.stem}.html",
            "names": [each.name for each in read_page(path).exercises],
        }
        for path in sorted(Path(app.srcdir, PAGES).glob("*.ipynb"))
    ]
    box = page.new_tag(
        "div",
        attrs={
            "class": "answers-done",
            "data-script": "../_static/answers.js",
            "data-exercises": in_json(chapters),
        },
    )
    box.append(BeautifulSoup(COUNTED, "html.parser"))
    page.select_one("article #run").append(box)  # it ends with the exercises


COUNTED = (
    "<p>This counts the exercises that you got right in their page, or in a "
    "notebook that you loaded there. The count stays in this browser.</p>"
)


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
