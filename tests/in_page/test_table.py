"""What a page judges as `swinlib.check` does: the stored table is of what is here, and a part of it is made again."""

import json
import sys

import pytest
from answers_in_page import PROVEN, how_many, stored_of
from in_chromium import judging
from table import ROOT, digest, is_proven, right_answers, row_of, run

from swinlib import check
from swinlib.in_page.stored import stored

TABLE = json.loads((PROVEN / "table.json").read_text(encoding="utf-8"))
OFFERED = [(chapter, name) for chapter in check.CHAPTERS for name in stored_of(chapter)]
SMALLEST = [  # of each chapter, the exercise of which least is stored
    (chapter, min(stored_of(chapter), key=lambda name: TABLE[chapter][name]["gzipped"]))
    for chapter in check.CHAPTERS
    if stored_of(chapter)
]


def test_the_pages_offer_what_is_proven():
    proven = [(chapter, name) for chapter, rows in TABLE.items() for name, row in rows.items() if is_proven(row)]
    assert proven == OFFERED
    assert list(TABLE) == list(check.CHAPTERS)
    for chapter, rows in TABLE.items():
        assert list(rows) == list(check.CHAPTERS[chapter])


@pytest.mark.parametrize(
    ("row", "offered"),
    [
        ({"right": [3, 3], "fail": [7, 7], "equal": [7, 7]}, True),
        ({"right": [2, 3], "fail": [7, 7], "equal": [7, 7]}, False),
        ({"right": [3, 3], "fail": [6, 7], "equal": [7, 7]}, False),
        ({"right": [3, 3], "fail": [7, 7], "equal": [6, 7]}, False),
        ({"missing": "a Linear cannot be stored for a page"}, False),
    ],
)
def test_an_exercise_is_offered_only_where_all_of_it_is_proven(row, offered):
    assert is_proven(row) is offered


@pytest.mark.parametrize("told", ["README.md", "CHANGELOG.md", "book/index.md"])
def test_how_many_are_offered_is_told_as_the_table_has_it(told):
    among = sum(map(len, TABLE.values()))
    assert f"{len(OFFERED)} of the {among} exercises answer in their page" in (ROOT / told).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        (7, "All of these exercises answer"),
        (3, "Of these 7 exercises, 3 answer"),
        (1, "Of these 7 exercises, 1 answers"),
    ],
)
def test_a_page_says_how_many_of_its_exercises_are_offered(offered, words):
    assert how_many(offered, 7) == words


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="another Python shortens the sources otherwise")
@pytest.mark.parametrize(("chapter", "name"), OFFERED)
def test_what_is_proven_is_what_is_here(chapter, name):
    again = "its proof is of something else: python tests/in_page/table.py changed"
    assert digest(chapter, name, stored_of(chapter)[name]) == TABLE[chapter][name]["digest"], again


@pytest.mark.parametrize(("chapter", "name"), SMALLEST)
def test_what_is_stored_is_what_the_check_says_today(chapter, name):
    assert json.loads(json.dumps(stored(check.CHAPTERS[chapter][name]))) == stored_of(chapter)[name]


@pytest.mark.one_in(4)
@pytest.mark.parametrize(("chapter", "name"), SMALLEST)
def test_right_answers_pass_with_the_small_torch_in_cpython(chapter, name):
    answers = [(name, source) for source in right_answers(chapter)[name]]
    for found in run(chapter, {name: stored_of(chapter)[name]}, answers):
        assert found["verdict"] == "right", found["message"]


@pytest.mark.slow
@pytest.mark.parametrize(("chapter", "name"), SMALLEST)
def test_the_smallest_exercise_of_a_chapter_is_proven_again(chapter, name, browser):
    data = stored_of(chapter)[name]
    with judging(chapter, {name: data}, browser) as answer:
        assert row_of(chapter, name, data, answer) == TABLE[chapter][name]
