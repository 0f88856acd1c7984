"""Answers in another process: what a check finds out about them is what it finds out about those in this one."""

import collections
import contextlib
import copy
import itertools
import sys
import time
import types

import numpy as np
import pytest
import torch
from elsewhere import Box, elsewhere
from torch import nn

from swinlib import check
from swinlib.answers import beside
from swinlib.check.exercise import Outcome, alike
from swinlib.classroom.sandbox import EndedError
from swinlib.classroom.there import MOST_ENTRIES, There

EXERCISES = [pytest.param(exercise, id=exercise.name) for exercise in check.EXERCISES.values()]
OF_OTHER_KINDS = [lambda *_, **__: None, lambda *_, **__: "text", lambda *_, **__: [1, 2], lambda *_, **__: nn.ReLU()]


def same(here, there):
    return alike(here, there) and here.message == there.message


def here_and_there(exercise, answers, cases):
    """What comes of trying answers in this process and elsewhere: pairs of outcomes, with the case."""
    for answer, case in itertools.product(answers, cases):
        here = exercise.attempt(answer, case, anything_goes=True)
        with elsewhere(answer) as remote:
            there = exercise.attempt(remote, case, anything_goes=True)
        yield here, there, case


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_check_finds_elsewhere_what_it_finds_here(exercise):
    answers = (exercise.reference, exercise.mistakes[0].function)
    for here, there, _ in here_and_there(exercise, answers, exercise.always[:1]):
        assert same(here, there)


@pytest.mark.slow
@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_check_finds_every_mistake_elsewhere_as_it_does_here(exercise):
    answers = (exercise.reference, *(mistake.function for mistake in exercise.mistakes))
    for here, there, _ in here_and_there(exercise, answers, exercise.samples[:4]):
        assert same(here, there)


@pytest.mark.slow
@pytest.mark.parametrize("exercise", EXERCISES)
def test_what_is_wrong_with_an_answer_of_another_kind_is_said_in_the_same_words(exercise):
    for here, there, case in here_and_there(exercise, OF_OTHER_KINDS, exercise.samples[:2]):
        assert exercise.problem(here, case) == exercise.problem(there, case)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_nothing_that_decides_is_sent(exercise):
    """Neither the right answer, nor a mistake, nor what says that a result is wrong."""
    box = Box()
    for case in exercise.always[:2]:
        with elsewhere(exercise.reference, box) as remote:
            exercise.attempt(remote, case)
    sent = b"".join(box.asked)
    forbidden = " ".join(exercise.without)  # names that are sent, so that they can be refused
    secret = [mistake.function for mistake in exercise.mistakes]
    secret += [exercise.reference, exercise.judged, *([] if exercise.calls_plainly else [exercise.probe])]
    for function in secret:
        code = getattr(function, "__code__", None)  # a class has none, and is sent by its name if at all
        names = {function.__name__} - {"<lambda>", exercise.name} if function.__name__ not in forbidden else set()
        for text in ([code.co_code] if code else []) + [name.encode() for name in names]:
            assert text not in sent, function
    for mistake in exercise.mistakes:
        assert mistake.explanation[:40].encode() not in sent


def result(answer, *arguments, **options):
    with elsewhere(answer) as remote:
        return remote(*arguments, **options)


def test_data_goes_there_and_comes_back():
    base = torch.arange(12.0).reshape(3, 4)
    array = np.arange(24).reshape(2, 3, 4)
    for value in (
        *(base.T, base[:, ::2], base[1:].T, base.bool(), torch.float16, torch.Size([2, 3]), slice(1, 2), range(3)),
        *(array.transpose(2, 0, 1), array[:, ::-1], array[::-1, :, ::2].swapaxes(0, 1), array[0, 0]),
        *([1, (2.5, None)], {"a": base, 3: [True]}, {1, 2}, collections.OrderedDict(b=1, a=2)),
    ):
        there = {}
        back = result(lambda given, there=there: there.update(given=given) or given, value)
        assert beside.identical(there["given"], value) or there["given"] == value
        assert beside.identical(back, value) or back == value or isinstance(value, slice)
        if isinstance(value, torch.Tensor):
            assert there["given"].stride() == back.stride() == value.stride()
        if isinstance(value, np.ndarray):  # the order of the axes in memory, and which of them go backwards
            strides = np.array([there["given"].strides, value.strides])
            assert (np.sign(strides[0]) == np.sign(strides[1])).all()
            assert (np.abs(strides[0]).argsort() == np.abs(strides[1]).argsort()).all()


def test_tensors_that_share_memory_share_it_there():
    base = torch.zeros(4)

    def fill(whole, part):
        whole.fill_(1)
        return part.sum()

    assert result(fill, base, base[:2]) == 2


def test_tied_weights_are_tied_there():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    with elsewhere(lambda given: len(list(given.parameters()))) as remote:
        (moved,) = beside.beside(remote).take([model])
        assert remote(moved) == 3


def test_what_a_call_changes_is_changed_here():
    tensor, numbers, table, array = torch.zeros(2), [1], {"a": 1}, np.zeros(2)

    def change(tensor, numbers, table, array):
        tensor.fill_(3)
        numbers.append(2)
        table["b"] = table.pop("a")
        array[0] = 7

    result(change, tensor, numbers, table, array=array)
    assert (tensor.tolist(), numbers, table, array.tolist()) == ([3, 3], [1, 2], {"b": 1}, [7, 0])


def test_an_object_is_the_same_each_time_and_behaves_as_there():
    with elsewhere(lambda width: nn.Sequential(nn.Linear(width, width), nn.ReLU())) as remote:
        model = remote(2)
        assert isinstance(model, nn.Sequential)
        assert not isinstance(model, nn.Linear)
        assert (len(model), model[0] is model[0], list(model)[1] is model[1]) == (2, True, True)
        assert model.get_parameter("0.weight") is model[0].weight
        assert isinstance(model[0].weight, nn.Parameter)
        before = model[0].weight
        beside.beside(remote).fill(model, {"0.weight": torch.ones(2, 2)})
        assert model[0].weight is before
        assert before.tolist() == [[1, 1], [1, 1]]
        model[0].weight.requires_grad_(False)  # the copy; there it is as it was
        assert model[0].weight.requires_grad
        assert copy.deepcopy(model) is not model
        assert "0.weight" in model.state_dict()
        assert not hasattr(model, "nowhere")


def test_when_a_case_is_over_nothing_is_done_with_its_objects():
    """Whatever judges a result finds an object of no use, and does not end a student's sandbox."""
    with elsewhere(lambda: nn.ReLU()) as remote:
        module = remote()
    for use in (len, bool, list, next, lambda each: each.shape, lambda each: each[0], lambda each: each()):
        with pytest.raises((AttributeError, TypeError)):
            use(module)
    assert getattr(module, "shape", None) is None
    assert isinstance(module, nn.Module)
    assert repr(module) == module.shown == "a ReLU"


@pytest.mark.parametrize("exercise", EXERCISES)
def test_any_object_in_the_place_of_a_result_is_judged(exercise):
    case = exercise.always[0]
    exercise.attempt(exercise.reference, case)  # which imports what is to be refused
    before = set(sys.modules)
    for answer in (lambda *_: nn.ReLU(), lambda *_: torch.zeros(2, device="meta"), lambda *_: [object()] * 2):
        with elsewhere(answer) as remote:
            outcome = exercise.attempt(remote, case)
        assert exercise.problem(outcome, case)
    loaded = [name for name in set(sys.modules) - before if name.startswith("torch._inductor")]
    assert not loaded, "a tensor without numbers was computed with"


def test_a_context_is_left_when_what_is_done_in_it_fails():
    def failing():
        raise ValueError

    with elsewhere(failing) as remote:
        with contextlib.suppress(ValueError), beside.beside(remote).building_on("meta"):
            remote()
        assert not beside.beside(remote).answers(torch.zeros, [(2,)])[0].is_meta


def test_functions_of_the_checks_are_not_called_without_end(monkeypatch):
    monkeypatch.setattr("swinlib.classroom.there.MOST_OPERATIONS", 100)

    def asked_again_and_again(there):
        there.here(asked_again_and_again)
        for _ in range(101):
            there.called([0, [], {}])

    with pytest.raises(EndedError, match="no end"):
        asked_again_and_again(There(Box(), time.monotonic() + 60))
    with pytest.raises(EndedError, match="too long"):
        There(Box(), time.monotonic() - 1).called([0, [], {}])


def test_functions_of_the_checks_stay_here():
    asked = []

    def twice(x):
        asked.append(x.tolist())
        return 2 * x

    assert result(lambda function, x: function(x) + function(x), twice, torch.ones(1)).tolist() == [4]
    assert asked == [[1], [1]]
    assert result(lambda function: function is function, twice)
    assert result(lambda visit: [visit(k) for k in range(3)] and None, asked.append) is None
    assert asked[2:] == [0, 1, 2]


def test_a_function_of_the_checks_is_not_given_more_than_it_can_bear():
    with pytest.raises(ValueError, match=f"{MOST_ENTRIES} entries"):
        result(lambda function: function(torch.zeros(MOST_ENTRIES + 1)), lambda x: x)


def test_errors_are_those_that_were_raised():
    class OwnError(KeyError):
        pass

    def raising(error):
        def function():
            raise error

        return function

    for error in (ValueError("no"), KeyError("k"), OwnError("k"), OSError(2, "no file"), StopIteration()):
        with pytest.raises(type(error).__mro__[1] if type(error) is OwnError else type(error)) as raised:
            result(raising(error))
        assert (type(raised.value).__name__, str(raised.value)) == (type(error).__name__, str(error))
        assert not beside.is_unwritten(raised.value)
    with pytest.raises(Exception, match=r"^$") as raised:
        result(raising(SystemExit()))
    assert type(raised.value).__name__ == "SystemExit"
    with pytest.raises(NotImplementedError) as raised:
        result(raising(NotImplementedError()))
    assert beside.is_unwritten(raised.value)


def test_what_has_no_end_is_ended(monkeypatch):
    monkeypatch.setattr("swinlib.classroom.there.MOST_OPERATIONS", 100)

    with pytest.raises(EndedError, match="no end"), elsewhere(lambda: itertools.count()) as remote:
        list(remote())

    def again_and_again(remote):
        for _ in range(101):
            remote()

    with pytest.raises(EndedError, match="no end"), elsewhere(lambda: 1) as remote:
        again_and_again(remote)
    with pytest.raises(EndedError, match="too long"), elsewhere(lambda: 1, seconds=-1) as remote:
        remote()


def test_what_ended_is_no_error_of_the_students():
    """A probe that goes on after errors does not go on after that."""
    box = Box()
    box.ask = lambda *_, **__: (_ for _ in ()).throw(EndedError("its process ended"))

    def probe(remote):
        with contextlib.suppress(Exception):
            remote()
        pytest.fail("taken for an error of the student's")

    with pytest.raises(EndedError, match="its process ended"), elsewhere(print, box) as remote:
        probe(remote)


@pytest.mark.parametrize(
    "told",
    [
        *(
            None,
            1,
            "x",
            [],
            {},
            {"raised": 5},
            {"raised": []},
            {"value": 1, "after": 5},
            {"value": 1, "after": [[1]] * 9},
        ),
        {"raised": {"name": 5, "bases": 7, "text": [], "told": {}, "unwritten": 1}},
        {"raised": {"name": "", "bases": ["exit", "int", "__import__", 3], "text": "x"}},
        {"raised": {"name": "E" * 10**5, "bases": ["BaseException", "SystemExit"]}},
        {"raised": {"name": "a\0b", "bases": []}},
    ],
)
def test_whatever_a_worker_tells_is_an_outcome(told):
    exercise = check.roll
    box = Box()
    box.ask = lambda *_, **__: told
    with elsewhere(print, box) as remote:
        outcome = exercise.attempt(remote, exercise.samples[0])
    assert isinstance(outcome, Outcome)
    assert exercise.problem(outcome, exercise.samples[0])


def test_an_object_may_call_itself_what_it_likes():
    box = Box()
    there = There(box, 0)
    for number, name in enumerate(
        (
            "torch.Tensor",
            "builtins.int",
            "os.system",
            "torch.nn.modules.module.Module.nowhere",
            "torch._C.Nope",
            "x",
            "",
        )
    ):
        assert (
            type(there.meet(number, "x", [name]))._kind is None if False else not there.meet(number, "x", [name])._kind
        )
    assert isinstance(there.meet(99, "x", ["mine.Own", "torch.nn.modules.module.Module"]), nn.Module)


def test_a_module_is_never_taken_for_data():
    assert not beside.is_data(nn.ReLU())
    assert not beside.is_data([1, nn.ReLU()])
    assert not beside.is_data(types.SimpleNamespace())
    assert beside.is_data([1, {"a": (torch.zeros(1), np.zeros(1), None)}])
