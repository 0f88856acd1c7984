"""What a page judges as `swinlib.check` does: the table of exercises, made anew."""

import json

import pytest
from table import TABLE, summary, table_of

from swinlib import check

KEPT = json.loads(TABLE.read_text(encoding="utf-8"))
COUNTS = ("right", "fail", "equal")
MADE_ANEW = ["07_roll_and_shifted_windows"]  # the others take minutes each; table.py makes them, too


@pytest.mark.slow
@pytest.mark.parametrize("chapter", MADE_ANEW)
def test_the_table_is_as_it_was(chapter):
    made = {name: summary(row) for name, row in table_of(chapter).items()}
    assert list(made) == list(check.CHAPTERS[chapter])
    for name, row in made.items():
        kept = KEPT[chapter][name]
        # An exercise may not have been tried yet, or without the messages that its mistakes are to get.
        for count in COUNTS if "right" in kept else ():
            assert row[count] == kept[count] or kept[count] == [0, 0], f"{name}: {count}"


@pytest.mark.parametrize("chapter", ["02_resampling", "04_matmul_and_elementwise", "07_roll_and_shifted_windows"])
def test_the_chapters_that_the_small_torch_was_made_for(chapter):
    for row in KEPT[chapter].values():
        assert row["right"][0] >= row["right"][1] - 1
        assert row["fail"][0] == row["fail"][1] == row["equal"][0]
