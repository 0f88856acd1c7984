"""The table of exercises: which of their answers a page judges as `swinlib.check` does, on the same stored cases.

    python tests/in_page/table.py [CHAPTER or EXERCISE...]
    python tests/in_page/table.py changed

makes it anew, or those of its rows, in headless Chromium, and with it the files from which the book is built: an
exercise has its editor where its right answers pass, its known mistakes fail, and nearly all of them get the message of
`swinlib.check`. Each row has the digest of all that its proof depends on; ``changed`` makes those rows anew of which it
no longer holds.
"""

import ast
import gzip
import hashlib
import json
import subprocess
import sys
from functools import cache, partial
from pathlib import Path

from swinlib import check
from swinlib.answers import beside
from swinlib.check.exercise import FINAL, _sentence, show
from swinlib.classroom.pages import read_page
from swinlib.in_page.shortened import shortened
from swinlib.in_page.stored import stored
from swinlib.in_page.values import decode
from swinlib.in_page.world import modules

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "book" / "_ext"))  # as pytest has it

from answers_in_page import PROVEN, chapter_data, worker_script  # noqa: E402
from answers_in_page import stored_of as offered_of  # noqa: E402
from in_chromium import judging, mistaken  # noqa: E402


def message_on(exercise, answer, cases, **options):
    """What `swinlib.check` says of an answer on stored cases; None if it is right."""
    attempt = partial(exercise.attempt, answer, **options)
    for case in cases:
        outcome = attempt(case)
        if wrong := exercise.problem(outcome, case):
            if outcome.error in FINAL:
                return f"{exercise.name}: {outcome.message or outcome.error}"
            given = ", ".join(f"{name} = {show(value)}" for name, value in exercise.arguments(**case).items())
            message = f"{exercise.name}, on the smallest input that fails: {given}.\n  {_sentence(wrong)}"
            mistake = exercise.diagnose(attempt, case)
            return message if mistake is None else f"{message}\n  {mistake.explanation}"
    return None


def page_of(chapter):
    """A chapter's page of exercises."""
    return read_page(ROOT / "book" / "exercises" / f"{chapter}.ipynb")


@cache
def right_answers(chapter):
    """For each exercise the sources of its right answers."""
    page = page_of(chapter)
    found = {exercise.name: ["\n".join((page.setup, exercise.given, exercise.solution))] for exercise in page.exercises}
    source = (ROOT / "tests" / "check" / "alternatives" / f"c{chapter}.py").read_text(encoding="utf-8")
    table = next(
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "ALTERNATIVES"
    )
    for key, functions in zip(table.keys, table.values, strict=True):
        name, others = key.value, [function.id for function in functions.elts]
        found[name] += [source if other == name else f"{source}\n{name} = {other}\n" for other in others]
    return found


def run(chapter, data, answers):
    """What a page says of answers, pairs of an exercise's name and a source, from CPython with the small torch."""
    given = {**chapter_data(page_of(chapter), data), "modules": modules(chapter), "answers": answers}
    process = subprocess.run(
        [sys.executable, "-I", Path(__file__).with_name("run_in_world.py")],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        raise RuntimeError(process.stderr[-3000:])
    return json.loads(process.stdout)


def stored_of(chapter, names=()):
    """What is stored of the exercises of a chapter, and why not of the others."""
    found, lacking = {}, {}
    for name, exercise in check.CHAPTERS[chapter].items():
        if names and name not in names:
            continue
        try:
            found[name] = stored(exercise)
        except TypeError as error:
            lacking[name] = str(error)
    return found, lacking


def short(value):
    """The digest of a value that is JSON."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


@cache
def of_all_exercises():
    """Interpreter, small torch, the library and the judge in the page; and what calls an answer outside of it."""
    return short([worker_script(), shortened(Path(beside.__file__).read_text(encoding="utf-8"))])


@cache
def of_a_chapter(chapter):
    """The checks with their mistakes, and what stands before the exercises."""
    return short(chapter_data(page_of(chapter), {}, mistakes=True))


def digest(chapter, name, data):
    """Of all that the proof of an exercise depends on: with another digest it is to be made anew.

    Comments and docstrings do not count, but for those that a learner reads.
    """
    exercise = check.CHAPTERS[chapter][name]
    explained = [[mistake.name, mistake.explanation, mistake.credit] for mistake in exercise.mistakes]
    return short([of_all_exercises(), of_a_chapter(chapter), right_answers(chapter)[name], explained, data])


def row_of(chapter, name, data, answer):
    """What a page makes of an exercise's right answers and known mistakes.

    Args:
        chapter: of the exercise.
        name: of the exercise.
        data: what is stored of it.
        answer: ``answer(name, source)`` judges in a page.

    Returns:
        ``digest``, of what this depends on;
        ``right``, ``fail`` and ``equal``, each how many of how many; ``cases``; ``gzipped``, in bytes; ``missing``,
        what the page said first where it reached no verdict; ``unlike``, the mistakes with another message.
    """
    exercise = check.CHAPTERS[chapter][name]
    cases = [decode(case) for case in data["cases"]]
    rights = [answer(name, source) for source in right_answers(chapter)[name]]
    found, unlike = [], []
    for mistake in exercise.mistakes:
        found.append(answer(name, mistaken(chapter, name, mistake.name)))
        if found[-1]["message"] != message_on(exercise, mistake.function, cases, anything_goes=True):
            unlike.append(mistake.name)
    missing = [each["message"] for each in (*rights, *found) if each["verdict"] == "missing"]
    return {
        "digest": digest(chapter, name, data),
        "right": [sum(each["verdict"] == "right" for each in rights), len(rights)],
        "fail": [sum(each["verdict"] == "wrong" for each in found), len(found)],
        "equal": [len(found) - len(unlike), len(found)],
        "cases": len(cases),
        "gzipped": len(gzip.compress(json.dumps(data, separators=(",", ":")).encode())),
        "missing": missing[0] if missing else "",
        "unlike": unlike,
    }


def is_proven(row):
    """Whether an exercise is offered in the page."""
    if "right" not in row:
        return False
    whole = all(row[count][0] == row[count][1] for count in ("right", "fail"))
    return whole and row["equal"][0] >= 0.98 * row["equal"][1]


def prove(chapter, names, browser=None):
    """One after the other of a chapter's exercises: name, row of the table, and what is stored if it is proven."""
    found, lacking = stored_of(chapter, names)
    for name, why in lacking.items():
        yield name, {"missing": why}, None
    with judging(chapter, found, browser) as answer:
        for name, data in found.items():
            row = row_of(chapter, name, data, answer)
            print(chapter[:2], name, row, flush=True)
            yield name, row, data if is_proven(row) else None


def keep(path, made, order, **how):
    """Write what was made into a file of JSON, in an order, and leave what else is in it."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept |= made
    text = json.dumps({name: kept[name] for name in order if kept.get(name) is not None}, ensure_ascii=False, **how)
    path.write_text(text + "\n", encoding="utf-8")


def changed():
    """Names of the exercises on offer whose proof is of something else than what is here."""
    table = json.loads((PROVEN / "table.json").read_text(encoding="utf-8"))
    return [
        name
        for chapter in check.CHAPTERS
        for name, data in offered_of(chapter).items()
        if table[chapter][name].get("digest") != digest(chapter, name, data)
    ]


def main(asked):
    if asked == ["changed"] and not (asked := changed()):
        return
    for chapter, exercises in check.CHAPTERS.items():
        names = [name for name in exercises if not asked or chapter[:2] in asked or name in asked]
        if not names:
            continue
        for name, row, data in prove(chapter, names):
            table = json.loads((PROVEN / "table.json").read_text(encoding="utf-8"))
            rows = {**table.get(chapter, {}), name: row}
            in_order = {each: rows[each] for each in exercises if each in rows}
            keep(PROVEN / "table.json", {chapter: in_order}, check.CHAPTERS, indent=1)
            keep(PROVEN / f"{chapter}.json", {name: data}, exercises, separators=(",", ":"))


if __name__ == "__main__":
    main(sys.argv[1:])
