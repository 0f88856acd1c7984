"""The figure on containers: what it says against PyTorch's documented behaviour, and the page operated by keyboard."""

import pytest
import torch

from swinlib.figures.containers import CONTAINERS, OPERATIONS, _message, container_data, container_figure

PARAMETERS, KEYS, DOUBLE, SGD, CALL, LOOP, INDEX, SLICE, APPEND, PRINT = OPERATIONS
LIST, DICT, MODULE_LIST, SEQUENTIAL, NAMED, MODULE_DICT, HIDDEN, REFUSED, NESTED, TWICE = CONTAINERS

# by the documentation of the containers: names of the layers in the net; what can be called; what a loop goes through
NAMES = {
    LIST: [],
    DICT: [],
    HIDDEN: [],
    MODULE_LIST: ["layers.0", "layers.1"],
    SEQUENTIAL: ["layers.0", "layers.1"],
    NAMED: ["layers.first", "layers.second"],
    MODULE_DICT: ["layers.first", "layers.second"],
    NESTED: ["layers.0.0", "layers.1.0"],
    TWICE: ["layers.0", "layers.1"],
}
CALLABLE = {SEQUENTIAL, NAMED}
LOOPS = {LIST, MODULE_LIST, SEQUENTIAL, NAMED, NESTED, TWICE}
APPENDS = {LIST, MODULE_LIST, SEQUENTIAL, NAMED, HIDDEN, NESTED, TWICE}


def result(container, operation):
    return container_data(container, operation)["result"]


def layers(container, operation=PRINT):
    """``[name, dtype]`` of each layer that is held."""
    return [[name, dtype] for _, _, name, dtype in container_data(container, operation)["rows"] if dtype]


@pytest.mark.parametrize("container", NAMES)
def test_names_and_keys_are_the_documented_ones(container):
    names = NAMES[container]
    assert result(container, KEYS) == str([f"{name}.{kind}" for name in names for kind in ("weight", "bias")])
    assert [name for name, _ in layers(container)] == (names or ["", ""])
    tensors = 2 if container == TWICE else 2 * len(names)
    assert result(container, PARAMETERS) == str(tensors)
    assert ("empty parameter list" in result(container, SGD)) is not bool(names)


@pytest.mark.parametrize("container", NAMES)
def test_only_known_layers_are_converted(container):
    assert all((dtype == "float64") is bool(name) for name, dtype in layers(container, DOUBLE))
    assert {dtype for _, dtype in layers(container)} == {"float32"}


@pytest.mark.parametrize("container", NAMES)
def test_what_runs_and_what_is_refused(container):
    for operation, allowed in ((CALL, CALLABLE), (LOOP, LOOPS), (APPEND, APPENDS)):
        refused = container_data(container, operation)["sentence"].startswith("Refused.")
        assert refused is (container not in allowed), operation
    if container in LOOPS:
        assert result(container, LOOP) == f"a tensor of shape (1, {4 if container == TWICE else 2})"


def test_slices_of_a_sequential_keep_names_and_of_a_list_count_anew():
    assert "(1): Linear" in result(SEQUENTIAL, SLICE)
    assert "(second): Linear" in result(NAMED, SLICE)
    assert "(0): Linear" in result(MODULE_LIST, SLICE)


def test_every_python_says_the_same_of_slicing_a_dictionary():
    for error in (TypeError("unhashable type: 'slice'"), KeyError(slice(1, None))):  # up to Python 3.11, and since
        assert _message(error) == result(DICT, SLICE) == result(MODULE_DICT, SLICE)
    assert _message(KeyError(1)) == "KeyError: 1"


def test_what_is_appended_is_shown_under_its_name():
    assert [name for name, _ in layers(MODULE_LIST, APPEND)] == ["layers.0", "layers.1", "layers.2"]
    assert [name for name, _ in layers(NAMED, APPEND)] == ["layers.first", "layers.second", "layers.2"]
    assert [name for name, _ in layers(LIST, APPEND)] == ["", "", ""]


def test_the_sentence_counts_layers():
    assert container_data(LIST, PRINT)["sentence"] == "The net knows none of the 2 layers."
    assert container_data(MODULE_LIST, APPEND)["sentence"] == "The net knows 3 of the 3 layers."
    assert container_data(TWICE, PRINT)["sentence"] == "The net knows its only layer."


def test_values_of_the_readers_own():
    data = container_data("nn.ModuleList([nn.ModuleDict({'x': a}), b])", "net.layers[0]['x'](x)")
    assert data["result"] == "a tensor of shape (1, 4)"
    assert [name for *_, name, dtype in data["rows"] if dtype] == ["layers.0.x", "layers.1"]
    assert result(MODULE_LIST, "net.layers[7]").startswith("IndexError")
    assert result(MODULE_LIST, "net.").startswith("SyntaxError")
    assert result(MODULE_LIST, "x = x + net.layers[0](x)") == "a tensor of shape (1, 4)"
    assert "cannot assign" in result(MODULE_LIST, "net.layers = [a, b]")


@pytest.mark.parametrize(
    ("container", "message"),
    [(REFUSED, "list is not a Module subclass"), ("[a, d]", "NameError"), ("[", "SyntaxError")],
)
def test_what_cannot_be_made_is_refused_in_pythons_words(container, message):
    with pytest.raises(ValueError, match=message):
        container_data(container, PRINT)


def test_random_numbers_of_the_reader_are_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    container_data(MODULE_LIST, LOOP)
    assert torch.equal(torch.rand(3), expected)


def test_figure_refuses_a_start_that_it_does_not_offer():
    with pytest.raises(ValueError, match="set"):
        container_figure("set()")


def test_page_by_keyboard(open_figure):
    page, problems = open_figure(container_figure())

    def told():
        return page.locator("[role=status]").inner_text()

    def known():
        return page.locator("tbody tr").evaluate_all("rows => rows.map(row => row.dataset.known)")

    assert told() == "The net knows none of the 2 layers."
    assert known() == ["", "", ""]
    assert page.locator("td strong").count() == 3  # each says that it is unknown, in words

    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")  # to the ModuleList
    assert known() == ["layers", "layers.0", "layers.1"]
    assert page.locator("[data-result]").inner_text() == "4"
    page.keyboard.press("Tab")
    for _ in range(OPERATIONS.index(CALL)):
        page.keyboard.press("ArrowDown")
    assert told() == container_data(MODULE_LIST, CALL)["sentence"]
    assert "NotImplementedError" in page.locator("[data-result]").inner_text()
    page.keyboard.press("Shift+Tab")
    for _ in range(CONTAINERS.index(REFUSED) - CONTAINERS.index(MODULE_LIST)):
        page.keyboard.press("ArrowDown")
    assert "list is not a Module subclass" in told()
    assert page.locator("table").count() == 0
    assert problems == []
