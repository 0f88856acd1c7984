"""Sphinx extension: recap questions answered wrong come back in later chapters.

Each question of a recap gets a name, made of its chapter's number and of its
text, so that one that is changed is another one. The questions of a chapter
become a script, which the end of another chapter fetches when one of them is
due: a page opened as a file may fetch nothing else. When that is, says
``returning/schedule.js``; ``returning/returning.js`` keeps it in the reader's
browser. Both are loaded when a reader comes near the recap. The notebooks, and
pages without scripts, have the recap and nothing else.
"""

import hashlib
import json
import re
from importlib import resources
from pathlib import Path

from bs4 import BeautifulSoup
from bs4.element import Tag
from sphinx.application import Sphinx

from swinlib.figures.quiz import WORDS

CHAPTER = re.compile(r"book/(\d\d)_\w+\.html")
FOLDER = "_static/questions"
SCRIPT = f"{FOLDER}/returning.js"
HERE = Path(__file__).resolve().parent / "returning"
HOW = (
    "You have answered these wrong once. A question comes back at the end of "
    "the chapter that you are then reading: after minutes first, then after "
    "days, and later each time that you know it, by the schedule FSRS-6. Your "
    "browser keeps the schedule and tells nobody; a button on the start page "
    "erases it."
)


def script() -> str:
    """Return the script that keeps the schedule and asks again."""
    words = {name: WORDS[name] for name in ("check", "count", "again")}
    quiz = resources.files("swinlib.figures").joinpath("quiz.js")
    parts = [
        f"const WORDS = {json.dumps(words, ensure_ascii=False)};",
        f"const HOW = {json.dumps(HOW)};",
        quiz.read_text(encoding="utf-8"),
        *(
            (HERE / name).read_text(encoding="utf-8")
            for name in ("schedule.js", "returning.js")
        ),
    ]
    return "\n".join(['(() => {\n"use strict";', *parts, "})();\n"])


def write_script(app: Sphinx) -> None:
    """Write the script that all chapters share."""
    if app.builder.format != "html":
        return
    path = Path(app.outdir, SCRIPT)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script(), encoding="utf-8")


def name_of(question: Tag, chapter: str) -> str:
    """Return the name of a question: its chapter's number, and a digest."""
    text = " ".join(question.get_text(" ").split())
    number = question.select_one(".swin-quiz-number").get_text(" ")
    text = text.replace(" ".join(number.split()), "", 1)  # wherever it stands
    return f"{chapter}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def keep_questions(app: Sphinx, page: BeautifulSoup, path: Path) -> None:
    """Name the questions of a chapter, write its script, and add the place."""
    chapter = CHAPTER.fullmatch(path.as_posix())
    quiz = page.select_one("article form.swin-quiz")
    if chapter is None or quiz is None:
        return
    number, texts = chapter[1], {}
    for question in quiz.select("fieldset"):
        name = name_of(question, number)
        question["data-question"] = name
        texts[name] = str(question)
    title = page.select_one("article h1")
    content = {
        "title": title.find(string=True, recursive=False).strip(),
        "page": f"{path.name}#recap",
        "texts": texts,
    }
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    file = Path(app.outdir, FOLDER, f"{number}.js")
    file.write_text(f'swinQuestions("{number}", {data});\n', encoding="utf-8")
    box = page.new_tag(
        "div",
        attrs={
            "class": "returning-questions",
            "data-script": f"../{SCRIPT}",
            "data-here": number,
            "data-chapters": f"../{FOLDER}/",
        },
    )
    quiz.find_parent("div", class_="cell").insert_after(box)


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension with Sphinx."""
    app.setup_extension("finished_pages")
    app.connect("builder-inited", write_script)
    # Before folds are told apart by the numbers that questions have here.
    app.connect("page-finishing", keep_questions, priority=300)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
