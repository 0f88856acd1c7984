"""The page for instructors: what it says to type is typed here."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from attacks import PAGE, RIGHT

from swinlib import check
from swinlib.classroom.course import STUDENTS

TEXT = (Path(__file__).resolve().parents[2] / "book" / "instructors.md").read_text()


def section(title):
    return TEXT.split(f"## {title}\n")[1].split("\n## ")[0]


def bash(text):
    return re.findall(r"```bash\n(.*?)```", text, re.DOTALL)


def type_in(lines, home, folder):
    """Type lines into a shell; ``python`` is the one that runs the tests."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = ["bash", "-e", "-c", lines]
    environment = {**os.environ, "HOME": str(home), "PATH": path}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, lines + result.stdout + result.stderr
    return result.stdout


def test_the_table_of_what_remains_the_students_word_is_true():
    files = sorted(Path(check.__file__).parent.glob("c[0-9]*.py"))
    pages = {int(file.stem[1:3]): check.load(file.stem[1:]).values() for file in files}
    true = {
        page: [
            {exercise.name for exercise in exercises if exercise.calls_plainly},
            {exercise.name for exercise in exercises if not exercise.calls_plainly},
            {exercise.name for exercise in exercises if exercise.without},
        ]
        for page, exercises in pages.items()
    }
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", section("How it is safe"), re.MULTILINE)
    assert {int(page): [set(re.findall(r"`(\w+)`", cell)) for cell in row.split("|")] for page, row in rows} == true
    assert sum(len(kind) for kinds in true.values() for kind in kinds[:2]) == len(check.EXERCISES)


@pytest.mark.slow
@pytest.mark.sandbox
def test_from_an_empty_folder_to_the_gradebook(tmp_path):
    course = tmp_path / "swin-course"
    make, hand_in, finish = bash(section("From an empty folder to the gradebook"))
    type_in(make, tmp_path, tmp_path)
    type_in("\n".join(line for line in hand_in.splitlines() if "jupyter lab" not in line), tmp_path, course)
    path = tmp_path / "handed-in" / "ada" / f"{PAGE}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    (cell,) = (cell for cell in notebook.cells if cell.source.startswith("def roll("))
    cell.source = RIGHT["roll"]
    nbformat.write(notebook, path)
    said = type_in(finish, tmp_path, course)
    assert "2 collected" in said
    assert re.search(r"roll +50% right", said)
    with open(course / "gradebook.csv", newline="") as file:
        assert {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)} == {"ada": 1.0, "bob": 0.0}
    for name in re.findall(r"^\| `([\w./]+)` \|", section("From an empty folder to the gradebook"), re.MULTILINE):
        assert (course / name.replace("STUDENT", "ada").replace("ASSIGNMENT", PAGE)).exists(), name


@pytest.mark.slow
def test_points_and_private_variants(tmp_path):
    course = tmp_path / "swin-course"
    make = bash(section("From an empty folder to the gradebook"))[0]
    type_in(make, tmp_path, tmp_path)
    (points,) = re.findall(r"`(assign 7 --points [^`]*)`", TEXT)
    assert "25 points" in type_in(f"python -m swinlib.classroom {points}", tmp_path, course)
    variants = section("What you can change")
    (file,) = re.findall(r"```toml\n(.*?)```", variants, re.DOTALL)
    (course / "exam.toml").write_text(file)
    assert "2 exercises" in type_in(bash(variants)[0], tmp_path, course)
    released = (course / "release" / "exam" / "exam.ipynb").read_text()
    assert "def turn(vector):" in released
    assert "def reassemble(width, height, windows):" in released


@pytest.mark.slow
@pytest.mark.sandbox
def test_variants_for_each_and_hand_ins_that_are_alike(tmp_path):
    course = tmp_path / "swin-course"
    type_in(bash(section("From an empty folder to the gradebook"))[0], tmp_path, tmp_path)
    said = type_in(bash(section("A variant for each student"))[0], tmp_path, course)
    assert "2 students" in said
    for name in ("handouts/quiz/ada", "checks/quiz/ada.toml", "variants.csv"):
        assert (course / name).exists(), name
    for student in ("ada", "bob"):
        (tmp_path / "handed-in" / student).mkdir(parents=True)
        notebook = nbformat.read(course / "release" / PAGE / f"{PAGE}.ipynb", as_version=4)
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = RIGHT.get(name, cell.source)
        nbformat.write(notebook, tmp_path / "handed-in" / student / f"{PAGE}.ipynb")
    type_in(f"python -m swinlib.classroom collect {PAGE} ~/handed-in", tmp_path, course)
    told = type_in(bash(section("Hand-ins that are alike"))[0], tmp_path, course)
    assert "100%  ada and bob" in told
    assert (course / "alike" / f"{PAGE}.html").exists()


def test_what_it_says_of_files_and_options_is_so():
    from swinlib.classroom import sandbox
    from swinlib.classroom.alike import MEANING
    from swinlib.classroom.course import CONFIGURATION
    from swinlib.classroom.items import LEAST_STUDENTS, NOT_ENOUGH
    from swinlib.classroom.steps import SEED

    assert sandbox.UNSAFE in TEXT
    assert SEED in TEXT
    assert "share_per_day = 0.1" in CONFIGURATION
    assert "latest_day = 7" in CONFIGURATION
    assert STUDENTS[0] == "id"
    assert f"fewer than {LEAST_STUDENTS} students" in TEXT
    assert f"`{NOT_ENOUGH}`" in TEXT
    assert f"It is {MEANING}" in TEXT
    for name in re.findall(r"`((?:swinlib|tests|benchmarks|book)/[\w./]+)`", TEXT):
        assert (Path(__file__).resolve().parents[2] / name).exists(), name
