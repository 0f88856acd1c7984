"""Exercises as lines to be put in order: each is proven of what is here, and what is no puzzle is refused."""

import pytest
from answers_in_page import stored_of
from lines_in_order import LINES, WRONG, PuzzleError, for_the_page, puzzle_of, read_puzzles
from prove_puzzles import digest, proof_of, proofs, puzzles_of
from table import ROOT, page_of, run

from swinlib import check

PUZZLES = [(chapter, name) for chapter in check.CHAPTERS for name in puzzles_of(chapter)]
CHAPTER = "07_roll_and_shifted_windows"


def test_there_are_enough_and_all_are_proven():
    assert len(PUZZLES) >= 30
    assert [(chapter, name) for chapter, proven in proofs().items() for name in proven] == PUZZLES
    assert {path.stem for path in (ROOT / "book" / "puzzles").glob("*.toml")} == set(proofs())
    for chapter, name in PUZZLES:
        assert name in stored_of(chapter)


@pytest.mark.parametrize(("chapter", "name"), PUZZLES)
def test_what_is_proven_is_what_is_here(chapter, name):
    again = "its proof is of something else: python tests/in_page/prove_puzzles.py changed"
    assert digest(chapter, name) == proofs()[chapter][name]["digest"], again


@pytest.mark.parametrize(("chapter", "name"), PUZZLES)
def test_a_page_is_told_lines_and_why_some_are_wrong_but_no_order(chapter, name):
    puzzle, mistakes = puzzles_of(chapter)[name], proofs()[chapter][name]["mistakes"]
    explanations = {each["name"]: each["explanation"] for each in stored_of(chapter)[name]["mistakes"]}
    told = for_the_page(puzzle, mistakes, explanations)
    assert len(puzzle.lines) in LINES
    assert len(told["wrong"]) in WRONG
    assert sorted(told["lines"]) == sorted([*puzzle.lines, *told["wrong"]])
    assert [line for line in told["lines"] if line in puzzle.lines] != list(puzzle.lines)
    assert all(explanations[mistakes[line]] == why for line, why in told["wrong"].items())
    compile(puzzle.program(), name, "exec")


@pytest.mark.parametrize("name", ["roll", "cyclic_shift"])
def test_a_proof_made_again_in_cpython_is_the_same(name):
    stored = {name: stored_of(CHAPTER)[name]}
    puzzle = puzzles_of(CHAPTER)[name]
    sources = [puzzle.program(), *map(puzzle.program, puzzle.instead)]
    said = dict(zip(sources, run(CHAPTER, stored, [(name, source) for source in sources]), strict=True))
    assert proof_of(CHAPTER, name, lambda _, source: said[source]) == proofs()[CHAPTER][name]


@pytest.mark.parametrize(
    ("verdicts", "message"),
    [
        ({"sources =": ("wrong", "no")}, "the lines in their order are not right: no"),
        (
            {"clamp": ("wrong", "Entry 1 is 2.")},
            "the line 'sources = (places - shift).clamp(0, n - 1)' it is to be",
        ),
        (
            {"+ shift": ("right", "")},
            "(places + shift) % n' it is to be a known mistake; the page said: right",
        ),
    ],
)
def test_a_puzzle_that_is_not_proven_is_refused(verdicts, message):
    explanations = [each["explanation"] for each in stored_of(CHAPTER)["roll"]["mistakes"]]

    def answer(name, source):
        verdict, said = next((told for part, told in verdicts.items() if part in source), ("wrong", "?"))
        if said == "?":
            right = "sources = (places - shift) % n" in source
            verdict, said = ("right", "") if right else ("wrong", f"roll\n  {explanations[0]}")
        return {"verdict": verdict, "message": said}

    with pytest.raises(PuzzleError) as error:
        proof_of(CHAPTER, "roll", answer)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"instead": {}}, "its solution has 1 lines; write a 'solution' of 4 to 14, a whole statement on each"),
        ({"solution": "a = (\n1\n)\nreturn a"}, "a whole statement on each"),
        ({"solution": "a = 1\n" * 15}, "its solution has 15 lines"),
        ({"lines": ""}, "expected 'solution' and 'instead', got 'lines'"),
        ({"instead": {"d = 4": ["d = 5"]}}, "the line 'd = 4' stands 0 times in the solution"),
        ({"instead": {"b = 2": ["c = 3"]}}, "the line 'c = 3' is there already"),
        ({"instead": {"b = 2": ["b = 3"]}}, "it has 1 wrong lines; write 2 to 4"),
    ],
)
def test_what_is_no_puzzle_is_refused(told, message):
    exercise = next(each for each in page_of(CHAPTER).exercises if each.name == "roll")
    if told.get("instead"):
        told = {"solution": "a = 1\nb = 2\nc = 3\nreturn a", **told}
    with pytest.raises(PuzzleError) as error:
        puzzle_of(exercise, told, "07.toml, roll")
    assert str(error.value).startswith("07.toml, roll: ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("[rol]\n", "the page has no exercise 'rol'; it has roll, "), ("[roll\n", f"{CHAPTER}.toml is not TOML: ")],
)
def test_a_file_that_is_none_is_refused(tmp_path, text, message):
    (tmp_path / f"{CHAPTER}.toml").write_text(text)
    with pytest.raises(PuzzleError) as error:
        read_puzzles(tmp_path, page_of(CHAPTER))
    assert message in str(error.value)
