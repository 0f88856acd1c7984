"""The table of exercises: which of their answers a page judges as `swinlib.check` does, on the same stored cases.

    python tests/in_page/table.py [CHAPTER or EXERCISE...]

makes it anew, or those of its rows, in headless Chromium, and with it the files from which the book is built: an
exercise has its editor where its right answers pass, its known mistakes fail, and nearly all of them get the message of
`swinlib.check`.
"""

import ast
import gzip
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

from swinlib import check
from swinlib.check.exercise import FINAL, _sentence, show
from swinlib.classroom.pages import read_page
from swinlib.in_page.stored import stored
from swinlib.in_page.values import decode
from swinlib.in_page.world import modules

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "book" / "_ext"))  # as pytest has it

from answers_in_page import PROVEN, chapter_data  # noqa: E402
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


def right_answers(chapter):
    """For each exercise its right answers: source, and name of the function."""
    page = read_page(ROOT / "book" / "exercises" / f"{chapter}.ipynb")
    found = {
        exercise.name: [("\n".join((page.setup, exercise.given, exercise.solution)), exercise.name)]
        for exercise in page.exercises
    }
    source = (ROOT / "tests" / "check" / "alternatives" / f"c{chapter}.py").read_text(encoding="utf-8")
    table = next(
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "ALTERNATIVES"
    )
    for key, functions in zip(table.keys, table.values, strict=True):
        found[key.value] += [(source, function.id) for function in functions.elts]
    return found


def run(chapter, data, answers):
    """What a page says of answers, pairs of an exercise's name and a source, from CPython with the small torch."""
    page = read_page(ROOT / "book" / "exercises" / f"{chapter}.ipynb")
    given = {**chapter_data(page, data), "modules": modules(chapter), "answers": answers}
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


def row_of(chapter, name, data, right, answer):
    """What a page makes of an exercise's right answers and known mistakes.

    Args:
        chapter: of the exercise.
        name: of the exercise.
        data: what is stored of it.
        right: its right answers, as `right_answers` finds them.
        answer: ``answer(name, source)`` judges in a page.

    Returns:
        ``right``, ``fail`` and ``equal``, each how many of how many; ``cases``; ``gzipped``, in bytes; ``missing``,
        what the page said first where it reached no verdict; ``unlike``, the mistakes with another message.
    """
    exercise = check.CHAPTERS[chapter][name]
    cases = [decode(case) for case in data["cases"]]
    rights = [
        answer(name, source if function == name else f"{source}\n{name} = {function}\n") for source, function in right
    ]
    found, unlike = [], []
    for mistake in exercise.mistakes:
        found.append(answer(name, mistaken(chapter, name, mistake.name)))
        if found[-1]["message"] != message_on(exercise, mistake.function, cases, anything_goes=True):
            unlike.append(mistake.name)
    missing = [each["message"] for each in (*rights, *found) if each["verdict"] == "missing"]
    return {
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
    """Rows of the table for exercises of a chapter, and what is stored of those that are proven."""
    found, lacking = stored_of(chapter, names)
    right = right_answers(chapter)
    rows = {name: {"missing": why} for name, why in lacking.items()}
    with judging(chapter, found, browser) as answer:
        for name, data in found.items():
            rows[name] = row_of(chapter, name, data, right[name], answer)
            print(chapter[:2], name, rows[name], flush=True)
    return rows, {name: data for name, data in found.items() if is_proven(rows[name])}


def keep(path, made, order, **how):
    """Write what was made into a file of JSON, in an order, and leave what else is in it."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept |= made
    text = json.dumps({name: kept[name] for name in order if kept.get(name) is not None}, ensure_ascii=False, **how)
    path.write_text(text + "\n", encoding="utf-8")


def main(asked):
    for chapter, exercises in check.CHAPTERS.items():
        names = [name for name in exercises if not asked or chapter[:2] in asked or name in asked]
        if not names:
            continue
        rows, proven = prove(chapter, names)
        table = json.loads((PROVEN / "table.json").read_text(encoding="utf-8"))
        rows = {**table.get(chapter, {}), **rows}
        keep(PROVEN / "table.json", {chapter: {name: rows[name] for name in exercises}}, check.CHAPTERS, indent=1)
        now = {name: proven.get(name) for name in names}  # None where it is not proven any more
        keep(PROVEN / f"{chapter}.json", now, exercises, separators=(",", ":"))


if __name__ == "__main__":
    main(sys.argv[1:])
