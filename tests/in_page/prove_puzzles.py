"""The proofs of the puzzles: in a page, the lines in their order are right, and each wrong line is a known mistake.

    python tests/in_page/prove_puzzles.py [CHAPTER or EXERCISE...]
    python tests/in_page/prove_puzzles.py changed

runs all programs, or some, in headless Chromium, and writes what the pages are built with: for each puzzle the mistake
that each wrong line is, and the digest of what that was proven of. ``changed`` proves those puzzles of which it no
longer holds. An exercise that is proven anew asks for its puzzle, so `table.py` goes first.
"""

import json
import sys
from functools import cache

from swinlib import check
from swinlib.classroom.pages import read_page

from table import PROVEN, ROOT, keep, short  # isort: skip - makes the folder of the next ones known
from answers_in_page import stored_of
from in_chromium import judging
from lines_in_order import PuzzleError, read_puzzles

PROOFS = PROVEN / "puzzles.json"


@cache
def puzzles_of(chapter):
    """A chapter's puzzles, by the exercise's name."""
    page = read_page(ROOT / "book" / "exercises" / f"{chapter}.ipynb")
    return read_puzzles(ROOT / "book" / "puzzles", page)


def proofs():
    """What is proven: for each chapter and exercise, ``digest``, and ``mistakes`` by wrong line."""
    return json.loads(PROOFS.read_text(encoding="utf-8")) if PROOFS.exists() else {}


def digest(chapter, name):
    """Of what the proof of a puzzle depends on: its programs, and the proof of the exercise itself."""
    table = json.loads((PROVEN / "table.json").read_text(encoding="utf-8"))
    puzzle = puzzles_of(chapter)[name]
    return short([table[chapter][name].get("digest"), puzzle.program(), [*map(puzzle.program, puzzle.instead)]])


def proof_of(chapter, name, answer):
    """What a page makes of a puzzle.

    Args:
        chapter: of the exercise.
        name: of the exercise.
        answer: ``answer(name, source)`` judges in a page.

    Raises:
        PuzzleError: if the lines in their order are not right, or a wrong line is no known mistake.
    """
    puzzle = puzzles_of(chapter)[name]
    said = answer(name, puzzle.program())
    if said["verdict"] != "right":
        raise PuzzleError(f"{chapter}, {name}: the lines in their order are not right: {said['message']}")
    mistakes, known = {}, stored_of(chapter)[name]["mistakes"]
    for line in puzzle.instead:
        said = answer(name, puzzle.program(line))
        names = [each["name"] for each in known if said["message"].endswith(f"\n  {each['explanation']}")]
        if said["verdict"] != "wrong" or not names:
            raise PuzzleError(
                f"{chapter}, {name}: with the line {line.strip()!r} it is to be a known mistake; the page said: "
                f"{said['verdict']}, {said['message']}"
            )
        mistakes[line] = names[0]
    return {"digest": digest(chapter, name), "mistakes": mistakes}


def changed():
    """Names of the puzzles that are not proven, or of something else than what is here."""
    proven = proofs()
    return [
        name
        for chapter in check.CHAPTERS
        for name in puzzles_of(chapter)
        if proven.get(chapter, {}).get(name, {}).get("digest") != digest(chapter, name)
    ]


def main(asked):
    if asked == ["changed"] and not (asked := changed()):
        return
    for chapter in check.CHAPTERS:
        puzzles = puzzles_of(chapter)
        names = [name for name in puzzles if not asked or chapter[:2] in asked or name in asked]
        if not names:
            continue
        stored = stored_of(chapter)
        if unproven := [name for name in names if name not in stored]:
            raise PuzzleError(f"{chapter}: {', '.join(unproven)} has no editor in the page, and so no puzzle.")
        with judging(chapter, {name: stored[name] for name in names}) as answer:
            for name in names:
                proof = proof_of(chapter, name, answer)
                print(chapter[:2], name, *proof["mistakes"].values(), flush=True)
                rows = {**proofs().get(chapter, {}), name: proof}
                in_order = {each: rows[each] for each in puzzles if each in rows}
                keep(PROOFS, {chapter: in_order}, check.CHAPTERS, indent=1)


if __name__ == "__main__":
    main(sys.argv[1:])
