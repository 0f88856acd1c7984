"""What a check does with an answer, on an exercise of its own."""

import functools
import itertools
import time

import pytest
import torch
from hypothesis import strategies
from IPython.core.interactiveshell import InteractiveShell

from swinlib import check
from swinlib.answers.beside import ForbiddenCallError
from swinlib.check.exercise import SHRINKING, exercise
from swinlib.check.inputs import LAYOUTS, integers, noise, numbered
from swinlib.check.judging import difference, show


@pytest.fixture
def double():
    """An exercise: twice a vector, without torch.add."""

    @exercise(lambda x: 2 * x, without=("torch.add",), length=integers(1, 9), always=({"length": 3},))
    def double(length):
        return {"x": numbered(length) + 1}

    @double.mistake
    def squared(x):
        """It squares, and
        does not double."""
        return x * x

    @double.mistake(credit=0.5)
    def tripled(x):
        """It is three times x."""
        return 3 * x

    @double.picture
    def picture(got, want, x):
        return "a picture", got.tolist(), want.tolist()

    return double


def verdict(exercise, answer, **options):
    return exercise.examine(functools.partial(exercise.attempt, answer), **options)


def test_a_right_answer_prints_one_line(double, capsys):
    double(lambda x: x + x)
    assert capsys.readouterr().out.startswith("✓ double: right on ")
    assert verdict(double, lambda x: x + x).credit == 1


def test_a_wrong_answer_is_told_the_smallest_input_and_what_came(double):
    with pytest.raises(check.CheckFailed) as failed:
        double(lambda x: torch.where(x > 4, 0, 2 * x))
    assert "on the smallest input that fails: x = tensor([1.0, 2.0, 3.0, 4.0, 5.0])" in str(failed.value)
    assert "is 0.0; expected 10.0" in str(failed.value)


def test_a_notebook_shows_the_message_and_no_traceback(double):
    shell = InteractiveShell()
    shell.user_ns["double"] = double
    shown = []
    shell.showtraceback = lambda *args, **options: shown.append(args)
    result = shell.run_cell("double(lambda x: x * x)")
    (line,) = result.error_in_exec._render_traceback_()
    assert line.startswith("✗ double, on the smallest input that fails")
    assert "Traceback" not in line


def test_a_known_mistake_is_named_and_may_earn_a_part(double):
    squared = verdict(double, lambda x: x**2)
    assert (squared.mistake, squared.credit) == ("squared", 0)
    assert squared.message.endswith("It squares, and does not double.")
    assert verdict(double, lambda x: x + x + x).credit == 0.5


def test_an_answer_that_agrees_with_a_mistake_on_one_input_only_is_not_given_its_name(double):
    assert verdict(double, lambda x: x * x if len(x) == 3 else x).mistake is None


def test_the_same_seed_gives_the_same_verdict_and_another_draws_other_inputs(double):
    def cases(seed):
        seen = []
        double.examine(lambda case: seen.append(case) or double.attempt(lambda x: 2 * x, case), seed=seed)
        return seen

    assert cases(1) == cases(1)
    assert cases(1) != cases(2)


def test_what_is_forbidden_is_refused_in_the_answer_only(double):
    assert "calls torch.add" in verdict(double, lambda x: torch.add(x, x)).message
    assert verdict(double, lambda x: x + x).passed
    assert torch.add(torch.ones(1), 1).item() == 2


def test_an_error_is_shown_with_its_line(double):
    def answer(x):
        return x.no_such_method()

    message = verdict(double, answer).message
    assert "raised AttributeError" in message
    assert "in the line: return x.no_such_method()" in message


@pytest.mark.parametrize("value", [3, None, torch.ones(2)], ids=["number", "none", "tensor"])
def test_what_is_no_function_is_named(double, value):
    with pytest.raises(check.CheckFailed, match="give the check your function itself"):
        double(value)


def test_not_written_yet(double):
    def answer(x):
        raise NotImplementedError

    assert verdict(double, answer).message == "double: not written yet"


@pytest.mark.parametrize(
    "answer",
    [lambda x: torch.nn.ModuleList()(x), lambda x: x.to("meta").to("cpu")],
    ids=["a container called", "a meta tensor copied"],
)
def test_pytorchs_own_not_implemented_error_is_an_error_of_the_answer(double, answer):
    assert "Your code raised NotImplementedError" in verdict(double, answer).message


def test_an_answer_that_changes_its_argument_is_told_so(double):
    told = verdict(double, lambda x: x.mul_(2))
    assert not told.passed
    assert "Your code changed 'x'" in told.message
    assert not verdict(double, lambda x: x.add_(1) and 3 * x).passed
    assert verdict(double, lambda x: x.clone().mul_(2)).passed


def test_an_answer_that_changes_its_mind_fails(double):
    turns = itertools.count()
    assert not verdict(double, lambda x: 2 * x + (next(turns) % 3 == 2)).passed


def test_random_numbers_are_the_same_in_each_attempt_and_untouched_outside(double):
    before = torch.random.get_rng_state()
    case = {"length": 3}
    first, second = (double.attempt(lambda x: torch.rand(3), case).value for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_smallest_input_that_is_found_does_not_depend_on_the_time_that_calls_take(double, monkeypatch):
    calls = []

    def wrong(x):
        calls.append(len(x))
        return x if len(x) > 4 else 2 * x

    found = verdict(double, wrong)
    assert found.case == {"length": 5}
    assert len(calls) < double.inputs + SHRINKING + len(double.samples) + 5
    clock = itertools.count(step=0.1)
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    assert verdict(double, wrong) == found  # each call takes long now


def test_every_answer_is_tried_on_the_same_cases_which_are_drawn_once():
    """What an answer does to a case reaches nobody else; a wrong one still gets smaller ones than these."""
    drawings = []

    @exercise(len, entries=strategies.lists(integers(0, 9), max_size=5).map(lambda drawn: drawings.append(1) or drawn))
    def count(entries):
        return {"entries": entries}

    def cases_of(answer):
        given = []
        said = verdict(count, lambda entries: given.append(list(entries)) or answer(entries))
        return given, said

    first, right = cases_of(len)
    drawn = len(drawings)
    assert right.passed
    assert len({str(case) for case in first}) > 10
    cases_of(lambda entries: entries.append(99) or len(entries))
    begun = len(drawings)
    assert cases_of(len) == (first, right)
    assert len(drawings) == begun
    assert drawn <= 2 * count.inputs
    assert "entries = [0, 0]" in cases_of(lambda entries: min(len(entries), 1))[1].message


def test_a_notebook_shows_the_picture_of_a_wrong_answer(double, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    monkeypatch.setattr("IPython.display.display", shown.append)
    for answer in (lambda x: 3 * x, lambda x: x[:0], lambda x: None):
        with pytest.raises(check.CheckFailed):
            double(answer)
    assert shown == [("a picture", [3.0], [2.0])]


def test_every_picture_of_the_book_draws():
    drawn = 0
    for each in check.EXERCISES.values():
        if each.pictured is not None:
            case = dict(each.always[-1])
            want = each.expected(case)
            assert each.pictured(torch.zeros_like(want), want, **each.arguments(**case)).get_axes()
            drawn += 1
    assert drawn


@pytest.mark.parametrize(
    ("got", "want", "said"),
    [
        (torch.ones(2), torch.ones(3), "has shape (2,); expected (3,)"),
        (torch.ones(2), torch.ones(2, dtype=torch.int64), "has dtype torch.float32; expected torch.int64"),
        ([1, 2], torch.ones(2), "expected a tensor of shape (2,)"),
        (None, torch.ones(2), "is there a return?"),
        ({"a": 1}, {"a": 1, "b": 2}, "has no entry 'b'"),
        ({"a": 1, "c": 2}, {"a": 1}, "'c' that should not be there"),
        ({"a": torch.zeros(1)}, {"a": torch.ones(1)}, "entry 'a'"),
        ([1, 3], [1, 2], "is [1, 3]; expected [1, 2]"),
        (True, 1, "expected the number 1"),
        (1, True, "is 1; expected True"),
        (float("nan"), 1.0, "is nan; expected 1.0"),
        (torch.tensor([float("nan")]), torch.tensor([1.0]), "is nan; expected 1.0"),
    ],
)
def test_a_difference_is_said_in_words(got, want, said):
    assert said in difference(got, want)


def test_no_difference():
    same = {"a": [torch.ones(2), 1.0, "x", None], "b": (True, float("inf"))}
    assert difference(same, {"a": [torch.ones(2) + 1e-7, 1, "x", None], "b": (True, float("inf"))}) is None
    assert difference(torch.ones(2).double(), torch.ones(2), dtype=False) is None


def test_inputs_of_any_layout_have_the_same_values():
    for make in (numbered, noise):
        strided = make(2, 3, 4, layout="strided")
        assert not strided.is_contiguous()
        assert torch.equal(strided, make(2, 3, 4))
        assert "not contiguous" in show(strided)
    assert set(LAYOUTS.elements) == {"contiguous", "strided"}


CONTAINS_ITSELF = [torch.ones(1)]
CONTAINS_ITSELF[0] = [CONTAINS_ITSELF, [torch.ones(1)], [[torch.ones(1)]]]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ([1, 2.5, "x"], "[1, 2.5, 'x']"),
        ([torch.ones(1)], "[tensor([1.0])]"),
        ({"a": torch.zeros(5, 5), "b": (1, [2])}, "{'a': a float32 tensor of shape (5, 5), 'b': (1, [2])}"),
        (["x" * 1000], "['" + "x" * 115 + "..."),
        (list(range(10_000)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...]"),
        (set(range(10_000)), "a set"),
        (CONTAINS_ITSELF, "[[[a list"),
        ([torch.zeros([2] * 24, dtype=torch.uint8)], "[a uint8 tensor of shape (2, 2, "),
    ],
)
def test_a_value_is_shown_shortly_and_without_looking_at_all_of_it(value, shown):
    started = time.process_time()
    assert show(value).startswith(shown)
    assert len(show(value)) <= 120
    assert time.process_time() - started < 0.5


def test_a_blank_message_is_no_message(double):
    def answer(x):
        raise ForbiddenCallError(" ")

    assert "Your code raised ForbiddenCallError" in verdict(double, answer).message
