"""The table of exercises: which of their answers a page judges as `swinlib.check` does, on the same stored cases."""

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
from swinlib.in_page.world import modules

ROOT = Path(__file__).resolve().parents[2]


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
    """Verdicts of a page on answers, from a process that has the small torch."""
    given = {"chapter": chapter, "modules": modules(chapter), "stored": data, "answers": answers}
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


def table_of(chapter):
    """For each exercise of a chapter: what a page makes of its right answers and of its known mistakes."""
    exercises, right = check.CHAPTERS[chapter], right_answers(chapter)
    data, rows, answers = {}, {}, []
    for name, exercise in exercises.items():
        try:
            data[name] = stored(exercise)
        except TypeError as error:
            rows[name] = {"not stored": str(error)}
            continue
        size = len(gzip.compress(json.dumps(data[name], separators=(",", ":")).encode()))
        rows[name] = {"cases": len(data[name]["cases"]), "bytes": size, "right": [], "mistakes": []}
        answers += [{"exercise": name, "source": source, "function": function} for source, function in right[name]]
        answers += [{"exercise": name, "mistake": mistake.name} for mistake in exercise.mistakes]
    for answer, verdict in zip(answers, run(chapter, data, answers), strict=True):
        exercise = exercises[answer["exercise"]]
        row = rows[exercise.name]
        row["seconds"] = max(row.get("seconds", 0), verdict["seconds"])
        if "mistake" not in answer:
            row["right"].append({"name": answer["function"], **verdict})
            continue
        function = next(each.function for each in exercise.mistakes if each.name == answer["mistake"])
        want = message_on(exercise, function, data[exercise.name]["cases"], anything_goes=True)
        row["mistakes"].append({"name": answer["mistake"], "want": want, **verdict})
    return rows


def summary(row):
    """The counts of one exercise, and what was missing first."""
    if "not stored" in row:
        return {"missing": row["not stored"]}
    right, mistakes = row["right"], row["mistakes"]
    known = [each for each in mistakes if each["want"] is not None]
    missing = [each["missing"] for each in (*right, *mistakes) if "missing" in each]
    return {
        "right": [sum(each.get("passed") is True for each in right), len(right)],
        "fail": [sum(each.get("passed") is False for each in mistakes), len(mistakes)],
        "equal": [sum(each.get("message") == each["want"] for each in known), len(known)],
        "cases": row["cases"],
        "gzipped": row["bytes"],
        "missing": missing[0].splitlines()[0] if missing else "",
    }


TABLE = Path(__file__).with_name("table.json")
"""The table as it was when it was last made: ``python tests/in_page/table.py [CHAPTER...]``."""


if __name__ == "__main__":
    kept = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    for chapter in check.CHAPTERS:
        if len(sys.argv) == 1 or chapter[:2] in sys.argv[1:]:
            kept[chapter] = {name: summary(row) for name, row in table_of(chapter).items()}
    TABLE.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
