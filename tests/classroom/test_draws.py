"""A variant for each student: drawn from a seed, answered by nobody else's answer."""

import csv
import shutil
from functools import partial
from pathlib import Path

import nbformat
import pytest

from swinlib import check
from swinlib.check.variants import Variant, make_variant, read_variants
from swinlib.classroom import course as courses
from swinlib.classroom import grading
from swinlib.classroom.__main__ import main
from swinlib.classroom.course import Course, CourseError
from swinlib.classroom.draws import draw_variant, fixable, parameters, variants_text
from swinlib.classroom.grading import Graded, Ran, Result
from swinlib.classroom.handed_in import solution_name
from swinlib.classroom.pages import assignment_notebook, read_page
from swinlib.classroom.variants import students_version, words_of

BOOK = Path(__file__).resolve().parents[2] / "book" / "exercises"
PAGE = "07_roll_and_shifted_windows"
CLASSES = {"ActNorm", "CachedMask", "MaskedSequential", "ResumingSampler"}
STUDENTS = ("ann", "bob", "cid")
PAGES = [
    pytest.param(name, id=name, marks=[] if name == PAGE else [pytest.mark.slow])
    for name in (path.stem for path in sorted(BOOK.glob("*.ipynb")))
]

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


def drawn(page, student, seed="5"):
    """A student's variants of a page of the book, by exercise."""
    words = words_of(assignment_notebook(page))
    return {
        exercise.name: draw_variant(
            check.EXERCISES[exercise.name],
            seed=seed,
            assignment=page.name,
            student=student,
            taken=words[exercise.name],
            named=exercise.name not in CLASSES,
        )
        for exercise in page.exercises
    }


def reference(page, variants):
    """The functions that the page's solutions become in a student's notebook, by exercise."""
    notebook = students_version(assignment_notebook(page), variants)
    found, given = {}, []
    for cell in notebook.cells:
        if cell.cell_type != "code" or cell.metadata.get("nbgrader", {}).get("grade"):
            continue
        names = {}
        for source in (*given, cell.source):
            exec(compile(source, "exercise", "exec"), names)
        if solution_name(cell) is None:
            given.append(cell.source)
        else:
            found[solution_name(cell)] = names[variants[solution_name(cell)].name]
    return found


def examine(exercise, answer):
    return exercise.examine(partial(exercise.attempt, answer))


# What is drawn --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_every_students_own_reference_passes_and_another_number_fails(name):
    page = read_page(BOOK / f"{name}.ipynb")
    of = {student: drawn(page, student) for student in STUDENTS}
    answers = {student: reference(page, of[student]) for student in STUDENTS}
    for student, variants in of.items():
        for exercise, how in variants.items():
            asked = make_variant(check.EXERCISES[exercise], how)
            verdict = examine(asked, answers[student][exercise])
            assert verdict.passed, f"{student}: {verdict.message}"
            for other in set(STUDENTS) - {student}:
                theirs = of[other][exercise]
                if set(theirs.fixed) == set(how.fixed) and theirs.fixed != how.fixed:
                    renamed = in_place_of(exercise, how, theirs, answers[other][exercise])
                    assert not examine(asked, renamed).passed, (exercise, how.fixed, theirs.fixed)


def in_place_of(exercise, how, theirs, answer):
    """A neighbour's answer, called as if its author had renamed and reordered everything, and left the number."""
    old = parameters(check.EXERCISES[exercise])

    def called(*given):
        by_old_name = dict(zip(how.signature(old), given, strict=True))
        return answer(*(by_old_name[name] for name in theirs.signature(old)))

    return called


@pytest.mark.one_in(4)
@pytest.mark.parametrize("exercise", check.EXERCISES.values(), ids=lambda exercise: exercise.name)
def test_only_classes_have_nothing_to_vary(exercise):
    how = draw_variant(exercise, seed="1", assignment="a", student="ann", named=exercise.name not in CLASSES)
    assert (how == Variant(exercise.name)) == (exercise.name in CLASSES)


def test_the_same_seed_and_name_give_the_same_and_others_something_else():
    page = read_page(BOOK / f"{PAGE}.ipynb")
    assert drawn(page, "ann") == drawn(page, "ann")
    assert drawn(page, "ann") != drawn(page, "bob")
    assert drawn(page, "ann") != drawn(page, "ann", seed="6")


def test_numbers_are_what_the_exercise_draws_and_leave_it_an_exercise():
    roll = check.EXERCISES["roll"]
    numbers = fixable(roll)["shift"]
    assert 0 not in numbers  # nothing would be to do, and most mistakes would be right
    assert set(numbers) <= {case["shift"] for case in roll.samples}
    # lengths of 1 to 6 go round: these two differ, and a shift of 1 and one of 61 would not
    assert len(numbers) > 2
    assert fixable(check.EXERCISES["window_reverse"]) == {}
    assert "shift_rows" not in fixable(check.EXERCISES["region_labels"])  # which small maps cut off


def test_names_that_stand_in_an_exercise_are_not_taken():
    center = check.EXERCISES["center_crop"]
    every = {
        name
        for student in range(40)
        for name in draw_variant(
            center, seed="1", assignment="a", student=str(student), taken={"picture", "photo"}
        ).parameters.values()
    }
    assert "photograph" in every
    assert not {"picture", "photo"} & every


def test_a_file_of_variants_is_read_as_it_was_written(tmp_path):
    page = read_page(BOOK / f"{PAGE}.ipynb")
    file = tmp_path / "ann.toml"
    file.write_text(variants_text(PAGE, drawn(page, "ann")))
    assert read_variants(file) == (PAGE, drawn(page, "ann"))


# In a course ----------------------------------------------------------------------------------------------------


def grade_here(submissions, exercises, *, checks, seed, own=None, **options):
    """In place of `grading.grade_many`: the same, in this process."""
    for student, cells in submissions.items():
        with_own = {"exercises": exercises, "checks": checks, **(own or {}).get(student, {})}
        known, names, ran = check.load(with_own["checks"]), {}, []
        for source in cells:
            try:
                exec(source, names)
                ran.append(Ran())
            except Exception as error:
                ran.append(Ran(error=str(error)))
        results = {}
        for name in with_own["exercises"]:
            verdict = examine(known[name], names[name]) if name in names else None
            results[name] = (
                Result(verdict.passed, verdict.credit, verdict.message, verdict.mistake)
                if verdict
                else Result(False, 0.0, f"{name}: not defined")
            )
        yield student, Graded(results, tuple(ran))


@pytest.fixture(scope="module")
def course_as_released(tmp_path_factory):
    course = courses.new(tmp_path_factory.mktemp("each") / "course")
    (course.root / "students.csv").write_text("id\n" + "".join(f"{student}\n" for student in STUDENTS))
    courses.assign(course, "7", name="exam")
    courses.release_one_for_each(course, "exam", "5")
    return course


@pytest.fixture
def course(tmp_path, course_as_released, monkeypatch):
    monkeypatch.setattr(grading, "grade_many", grade_here)
    return Course.at(shutil.copytree(course_as_released.root, tmp_path / "course"))


def handed_out(course, student):
    return nbformat.read(course.root / "handouts" / "exam" / student / f"{PAGE}.ipynb", as_version=4)


def solved(course, student):
    """A student's notebook with the page's solutions, in this student's names and numbers."""
    notebook = handed_out(course, student)
    _, variants = read_variants(course.root / "checks" / "exam" / f"{student}.toml")
    page = students_version(assignment_notebook(read_page(BOOK / f"{PAGE}.ipynb")), variants)
    answers = {solution_name(cell): cell.source for cell in page.cells}
    for cell in notebook.cells:
        cell.source = answers[solution_name(cell)] if solution_name(cell) else cell.source
    return notebook


def hand_in(folder, student, notebook):
    (folder / student).mkdir(parents=True)
    nbformat.write(notebook, folder / student / f"{PAGE}.ipynb")


def table(path, *keys):
    with open(path, newline="", encoding="utf-8") as file:
        return {tuple(row[key] for key in keys): row for row in csv.DictReader(file)}


def scores(course):
    rows = table(course.root / "gradebook.csv", "student_id", "assignment")
    return {student: float(row["raw_score"]) for (student, _), row in rows.items()}


def test_each_student_gets_a_notebook_without_solutions_and_checks(course):
    texts = []
    for student in STUDENTS:
        text = "\n".join(cell.source for cell in handed_out(course, student).cells)
        _, variants = read_variants(course.root / "checks" / "exam" / f"{student}.toml")
        for name in variants:
            assert f"check.{name}" not in text
            assert f"def {name}(" not in text
            assert f"def {variants[name].name}(" in text
        assert f"Here `{next(iter(variants['roll'].fixed))}` is always" in text
        assert "torch.arange(len(" not in text
        texts.append(text)
    assert len(set(texts)) == 3
    assert not (course.root / "release" / "exam" / "ann").exists()  # which an exchange would give to everybody


def test_each_student_is_graded_by_the_own_variant(course, tmp_path):
    for student in STUDENTS:
        hand_in(tmp_path / "in", student, solved(course, student if student != "cid" else "bob"))
    assert len(courses.collect(course, "exam", tmp_path / "in").new) == 3
    summary = courses.grade(course, "exam", processes=1)
    assert summary.not_graded == {}
    most = sum(course.assignment("exam").exercises.values())
    got = scores(course)
    assert (got["ann"], got["bob"]) == (most, most)
    assert got["cid"] == 0.0  # a neighbour's, whose names are others
    results = table(course.root / "results.csv", "student", "exercise")
    assert results["ann", "roll"]["points"] == "1.0"  # by the name that the class has in common
    assert courses.grade(course, "exam", processes=1).run == 0
    page = (course.root / "feedback" / "ann" / "exam" / f"{PAGE}.html").read_text()
    _, variants = read_variants(course.root / "checks" / "exam" / "ann.toml")
    assert variants["roll"].name in page


def test_an_answer_above_the_cell_that_was_handed_out_counts(course, tmp_path):
    """Also where an editor has thrown away what nbgrader wrote about the cells."""
    notebook = solved(course, "ann")
    begun = handed_out(course, "ann").cells
    [answer] = [cell for cell in notebook.cells if solution_name(cell) == "roll"]
    [stub] = [cell for cell in begun if solution_name(cell) == "roll"]
    stub.id = "once-more"
    notebook.cells.insert(notebook.cells.index(answer) + 1, stub)
    for cell in notebook.cells:
        cell.metadata = {}
    hand_in(tmp_path / "in", "ann", notebook)
    courses.collect(course, "exam", tmp_path / "in")
    courses.grade(course, "exam", processes=1)
    assert scores(course)["ann"] == sum(course.assignment("exam").exercises.values())


def test_known_mistakes_are_counted_across_variants(course, tmp_path):
    for student in STUDENTS:  # who repair nothing: the bug hunt's code is a known mistake
        hand_in(tmp_path / "in", student, handed_out(course, student))
    courses.collect(course, "exam", tmp_path / "in")
    summary = courses.grade(course, "exam", processes=1)
    assert summary.mistakes["cyclic_shift"] == {"rows_for_both": 3}
    [made] = [made for made in summary.made if made.exercise == "cyclic_shift"]
    assert made.students == 3
    assert made.explanation


def test_who_joins_later_changes_nothing_for_the_others(course):
    before = {student: handed_out(course, student) for student in STUDENTS}
    with open(course.root / "students.csv", "a") as file:
        file.write("dan\n")
    assert main(["release", "exam", "--one-for-each", "--seed", "99", "--course", str(course.root)]) == 0
    for student in STUDENTS:
        assert handed_out(course, student) == before[student]
    assert handed_out(course, "dan")


def test_a_student_without_a_variant_is_told(course, tmp_path):
    (course.root / "checks" / "exam" / "bob.toml").unlink()
    hand_in(tmp_path / "in", "bob", handed_out(course, "bob"))
    reason = courses.collect(course, "exam", tmp_path / "in").not_gradable["bob"]
    assert "no variant was drawn for bob" in reason


def test_same_variants_are_told(course, capsys):
    shutil.copy(course.root / "checks" / "exam" / "ann.toml", course.root / "checks" / "exam" / "bob.toml")
    assert main(["release", "exam", "--one-for-each", "--course", str(course.root)]) == 0
    said = capsys.readouterr().out
    assert "these have the same variants: ann, bob" in said
    rows = table(course.root / "variants.csv", "student", "exercise")
    assert rows["ann", "roll"]["same_as"] == "bob"
    assert rows["cid", "roll"]["same_as"] == ""
    assert rows["cid", "roll"]["fixed"].startswith("shift=")


@pytest.mark.slow
def test_exercises_that_cannot_be_varied_are_told(tmp_path, capsys):
    course = courses.new(tmp_path / "course")
    (course.root / "students.csv").write_text("id\nann\n")
    courses.assign(course, "3")
    assert main(["release", "03_register_buffer", "--one-for-each", "--course", str(course.root)]) == 0
    assert "nothing of it can be varied: ActNorm, CachedMask" in capsys.readouterr().out


def test_wrong_uses_are_told(course, tmp_path):
    with pytest.raises(CourseError, match="--one-for-each"):
        courses.release(course, "exam")
    (course.root / "students.csv").write_text("id\n")
    with pytest.raises(CourseError, match=r"students\.csv lists nobody"):
        courses.release_one_for_each(course, "exam")
    file = tmp_path / "mine.toml"
    file.write_text(f'chapter = "{PAGE}"\n[roll]\nname = "turn"\n')
    courses.assign(course, "7", name="mine", checks=file)
    with pytest.raises(CourseError, match=r"checked by mine\.toml"):
        courses.release_one_for_each(course, "mine")


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_class_in_the_sandbox(course, tmp_path, monkeypatch):
    monkeypatch.undo()
    for student in STUDENTS[:2]:
        hand_in(tmp_path / "in", student, solved(course, "ann"))
    courses.collect(course, "exam", tmp_path / "in")
    courses.grade(course, "exam", processes=1)
    assert scores(course) == {"ann": sum(course.assignment("exam").exercises.values()), "bob": 0.0, "cid": 0.0}
