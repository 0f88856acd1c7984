"""What a page judges as `swinlib.check` does: the table of exercises, made anew."""

import json

import pytest
from table import TABLE, summary, table_of

from swinlib import check

KEPT = json.loads(TABLE.read_text(encoding="utf-8"))
COUNTS = ("right", "fail", "equal")


@pytest.mark.slow
@pytest.mark.parametrize("chapter", check.CHAPTERS)
def test_the_table_is_as_it_was(chapter):
    made = {name: summary(row) for name, row in table_of(chapter).items()}
    assert list(made) == list(check.CHAPTERS[chapter])
    for name, row in made.items():
        assert row["missing"] == KEPT[chapter][name]["missing"]
        assert [row.get(count) for count in COUNTS] == [KEPT[chapter][name].get(count) for count in COUNTS]


@pytest.mark.parametrize("chapter", ["02_resampling", "04_matmul_and_elementwise", "07_roll_and_shifted_windows"])
def test_the_chapters_that_the_small_torch_was_made_for(chapter):
    for row in KEPT[chapter].values():
        assert row["right"][0] >= row["right"][1] - 1
        assert row["fail"][0] == row["fail"][1] == row["equal"][0]
