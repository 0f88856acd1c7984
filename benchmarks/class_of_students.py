"""How long grading a class takes, and whether it gives the same grades twice.

    python benchmarks/class_of_students.py
    python benchmarks/class_of_students.py --students 20 --page 4
    python benchmarks/class_of_students.py --scheduler tls://127.0.0.1:8786 --tls tls

A class hands in one page of exercises: of every twenty students eight have everything right, six are half right, five
are wrong everywhere, and one has a loop that never ends. Everything is done by the command line, with two submissions
at a time, or as many as the workers of a cluster take: sandbox, gradebook, feedback. It says how many seconds each
submission took on the clock, from the command to its end.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from swinlib.classroom.course import find_page
from swinlib.classroom.pages import Page, read_page

KINDS = ["right"] * 8 + ["half way"] * 6 + ["wrong"] * 5 + ["with a loop"]
WRONG = """

right_{name} = {name}


def {name}(*arguments):
    result = right_{name}(*arguments)
    return result * 0 if isinstance(result, torch.Tensor) else None
"""
LOOP = "\n\ndef {name}(*arguments):\n    while True:\n        pass\n"


def hand_in(page: Page, released: dict, kind: str) -> str:
    """A student's notebook, as text.

    Args:
        page: with the solutions.
        released: the notebook that the student got, parsed.
        kind: one of `KINDS`.
    """
    solutions = {exercise.name: exercise.solution for exercise in page.exercises}
    notebook = json.loads(json.dumps(released))
    answered = 0
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name not in solutions or (kind == "half way" and answered >= len(solutions) // 2):
            continue
        cell["source"] = solutions[name]
        if kind == "wrong":
            cell["source"] += WRONG.format(name=name)
        if kind == "with a loop" and answered == 0:
            cell["source"] += LOOP.format(name=name)
        answered += 1
    return json.dumps(notebook)


def command(*arguments: str, course: Path) -> None:
    """One command of the classroom, which shows its progress."""
    subprocess.run([sys.executable, "-m", "swinlib.classroom", *arguments, "--course", str(course)], check=True)


def main() -> None:
    """Make the class, grade it twice, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--page", default="7")
    parser.add_argument("--scheduler", help="address of a cluster that grades; this machine if not given")
    parser.add_argument("--tls", help="folder of its certificates", default="tls")
    options = parser.parse_args()
    where = ["--processes", "2"]
    if options.scheduler:
        where = ["--scheduler", options.scheduler, "--tls", str(Path(options.tls).resolve())]
    with tempfile.TemporaryDirectory() as folder:
        course, inbox = Path(folder, "course"), Path(folder, "inbox")
        subprocess.run([sys.executable, "-m", "swinlib.classroom", "new", str(course)], check=True)
        command("assign", options.page, course=course)
        page = read_page(find_page(options.page))
        command("release", page.name, course=course)
        released = json.loads((course / "release" / page.name / f"{page.name}.ipynb").read_text())
        for number in range(options.students):
            place = inbox / f"student-{number:03}" / page.name
            place.mkdir(parents=True)
            (place / f"{page.name}.ipynb").write_text(hand_in(page, released, KINDS[number % len(KINDS)]))
        command("collect", page.name, str(inbox), course=course)
        grades = []
        for _ in range(2):
            shutil.rmtree(course / "verdicts", ignore_errors=True)
            started = time.monotonic()
            command("grade", page.name, *where, course=course)
            seconds = time.monotonic() - started
            grades.append((course / "gradebook.csv").read_text() + (course / "results.csv").read_text())
            print(f"{seconds / options.students:.2f} s a submission, {options.students} submissions")
        print("the same grades twice" if grades[0] == grades[1] else "NOT the same grades twice")


if __name__ == "__main__":
    main()
