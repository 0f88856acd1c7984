"""Private variants ask for the same as the exercise that they are made of, under another face."""

from functools import partial

import pytest
import torch

from swinlib import check
from swinlib.check.variants import Variant, make_variant

FILE = """
chapter = "07_roll_and_shifted_windows"

[roll]
name = "turn"
parameters = { x = "vector" }
fixed = { shift = 3 }

[window_reverse]
name = "reassemble"
order = ["width", "height", "windows"]

[attention_mask]
name = "who_sees_whom"
"""


@pytest.fixture
def variants(tmp_path):
    path = tmp_path / "exam.toml"
    path.write_text(FILE)
    return check.load(path)


def examine(exercise, answer, **options):
    return exercise.examine(partial(exercise.attempt, answer, **options))


def test_the_file_gives_the_exercises_under_their_new_names(variants):
    assert list(variants) == ["turn", "reassemble", "who_sees_whom"]
    assert [exercise.name for exercise in variants.values()] == list(variants)


def test_a_right_answer_to_the_variant_passes(variants):
    assert examine(variants["turn"], lambda vector: torch.roll(vector, 3), anything_goes=True).passed
    reverse = check.EXERCISES["window_reverse"].reference
    answer = lambda width, height, windows: reverse(windows, height, width)  # noqa: E731
    assert examine(variants["reassemble"], answer, anything_goes=True).passed


def test_a_published_solution_fails(variants):
    verdict = examine(variants["turn"], lambda x, shift: torch.roll(x, shift), anything_goes=True)
    assert "missing 1 required positional argument: 'shift'" in verdict.message
    assert not examine(variants["reassemble"], check.EXERCISES["window_reverse"].reference, anything_goes=True).passed


def test_what_is_forbidden_stays_forbidden(variants):
    assert "calls torch.roll" in examine(variants["turn"], lambda vector: torch.roll(vector, 3)).message


def test_messages_use_the_new_names(variants):
    message = examine(variants["turn"], lambda vector: vector).message
    assert message.startswith("turn, on the smallest input that fails: vector = tensor(")
    assert "shift" not in message.splitlines()[0]


@pytest.mark.parametrize("name", ["turn", "reassemble", "who_sees_whom"])
def test_the_known_mistakes_are_still_known(variants, name):
    variant = variants[name]
    assert variant.mistakes
    told = {mistake.name: examine(variant, mistake.function, anything_goes=True) for mistake in variant.mistakes}
    assert not any(verdict.passed for verdict in told.values() if verdict.mistake)
    named = [name for name, verdict in told.items() if verdict.mistake == name]
    # with a number fixed, a mistake that needs another number may be right, or look like another
    assert len(named) >= len(told) - 3


@pytest.mark.parametrize(
    "exercise",
    [
        pytest.param(check.EXERCISES[name], id=name, marks=[pytest.mark.slow] if number else [])
        for names in check.CHAPTERS.values()
        for number, name in enumerate(names)
    ],
)
def test_every_exercise_can_have_another_name(exercise):
    variant = make_variant(exercise, Variant("another"))
    assert examine(variant, exercise.reference, anything_goes=True).passed
    assert not examine(variant, lambda *arguments: None).passed


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (Variant("turn", parameters={"y": "vector"}), "no parameter 'y'; it has x, shift"),
        (Variant("turn", order=("shift",)), "must name all of x, shift"),
        (Variant("turn", fixed={"x": 3}), "'x' of roll cannot be fixed; what can: shift"),
    ],
)
def test_a_change_that_does_not_fit_is_refused(how, said):
    with pytest.raises(ValueError, match=said):
        make_variant(check.EXERCISES["roll"], how)


def test_a_number_that_the_inputs_do_not_keep_is_refused():
    with pytest.raises(ValueError, match="cannot be 5 on all inputs"):
        make_variant(check.EXERCISES["region_labels"], Variant("labels", fixed={"shift_rows": 5}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("chapter = ", "not written in TOML"),
        ("[roll]\nname = 'turn'", "must begin with a line such as chapter"),
        ("chapter = '07_roll_and_shifted_windows'", "has no variant"),
        ("chapter = '07_roll_and_shifted_windows'\n[rolls]\nname = 'turn'", "has no exercise 'rolls'"),
        ("chapter = '07_roll_and_shifted_windows'\n[roll]\nnames = 'turn'", "a variant needs a name"),
        ("chapter = '07_roll_and_shifted_windows'\n[roll]\nname = 'turn round'", "must be valid in Python"),
        ("chapter = '77'\n[roll]\nname = 'turn'", "no chapter and no file '77'"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_refused_with_what_to_write(tmp_path, text, said):
    path = tmp_path / "exam.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        check.load(path)


def test_a_python_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from swinlib.check.exercise import exercise\nfrom swinlib.check.inputs import integers\n\n\n"
        "@exercise(lambda n: n + 1, n=integers(0, 9))\ndef successor(n):\n    return {'n': n}\n"
    )
    (successor,) = check.load(path).values()
    assert examine(successor, lambda n: 1 + n).passed
    assert not examine(successor, lambda n: n).passed
    path.write_text("x = 1")
    with pytest.raises(ValueError, match="defines no exercise"):
        check.load(path)
