"""The figure on buffers: its table against what PyTorch documents, and the page operated by keyboard."""

import pytest
import torch

from swinlib.figures.buffers import ACTIONS, HOLDINGS, Holder, buffer_data, buffer_figure


def after(dtype, how, action):
    """The facts after the action, by name."""
    return {name: now for name, _, now, _ in buffer_data(dtype, how, action)["rows"]}


def sentence(dtype, how, action):
    return buffer_data(dtype, how, action)["sentence"]


# in parameters(), in buffers(), in state_dict(), follows .double(), goes to meta, moved by SGD
DOCUMENTED = {
    "attribute": (False, False, False, False, False, False),
    "parameter": (True, False, True, True, True, True),
    "buffer": (False, True, True, True, True, False),
    "nn.Buffer": (False, True, True, True, True, False),
    "not saved": (False, True, False, True, True, False),
    "none": (False, False, False, False, False, False),
}


@pytest.mark.parametrize("how", HOLDINGS)
def test_facts_are_the_documented_ones(how):
    facts = after("float32", how, "save")
    seen = (
        *(facts[name] == "yes" for name in ("in parameters()", "in buffers()", "in state_dict()")),
        after("float32", how, "double")["dtype"] == "float64",
        after("float32", how, "meta")["device"] == "meta",
        after("float32", how, "step")["values"] == "0.5, 1.5, -0.5",  # the gradient is the weight, 1; the step 0.5
    )
    assert seen == DOCUMENTED[how]


@pytest.mark.parametrize("how", [how for how in HOLDINGS if how != "parameter"])
def test_integers_keep_their_dtype(how):
    for action in ("double", "half"):
        facts = after("int64", how, action)
        assert facts["dtype"] == ("–" if how == "none" else "int64")
        assert facts["weight beside it"].startswith({"double": "float64", "half": "float16"}[action])


def test_an_integer_cannot_be_a_parameter():
    with pytest.raises(ValueError, match=r"int64.*floating point"):
        buffer_data("int64", "parameter", "save")


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "complex64"])
def test_to_empty_loses_what_is_registered_and_nothing_else(dtype):
    assert after(dtype, "buffer", "empty")["values"] == "garbage"
    assert after(dtype, "not saved", "empty")["values"] == "garbage"
    assert after(dtype, "attribute", "empty")["values"] != "garbage"
    assert "A checkpoint will fill it" in sentence(dtype, "buffer", "empty")
    assert "No checkpoint will fill it" in sentence(dtype, "not saved", "empty")


def test_strict_loading_wants_exactly_what_is_saved():
    for how in HOLDINGS:
        saved = DOCUMENTED[how][2]
        with_held, without = sentence("float32", how, "load"), sentence("float32", how, "load without")
        assert ("Unexpected key" in with_held) is not saved
        assert ("Missing key" in without) is saved
        assert after("float32", how, "load")["values"] == (
            "3, 0, 1" if saved else "no tensor" if how == "none" else "1, 2, 0"
        )


def test_a_copy_owns_its_tensor():
    for how in HOLDINGS:
        if how != "none":
            assert after("float32", how, "copy")["values"] == "1, 2, 0"
            assert sentence("float32", how, "copy") == "The copy has a tensor of its own."


def test_what_stays_behind_does_not_work_with_the_weight():
    assert after("float32", "attribute", "double")["works with the weight"] == "no, other dtype"
    assert after("float32", "attribute", "meta")["works with the weight"] == "no, other device"
    assert after("int64", "buffer", "empty")["works with the weight"] == "no, out of range"
    module = Holder(torch.float32, "attribute").double()
    with pytest.raises(RuntimeError, match="dtype"):
        module.weight[:3] @ module.held


def test_settings_of_the_reader_are_left_as_they_were():
    fill = torch.utils.deterministic.fill_uninitialized_memory
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        buffer_data("float32", "buffer", "empty")
        assert not torch.are_deterministic_algorithms_enabled()
        assert not torch.utils.deterministic.fill_uninitialized_memory
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = fill


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("float9", "buffer", "save"), "float9"),
        ((32, "buffer", "save"), "32"),
        (("load", "buffer", "save"), "'load' is not a dtype"),
        (("float32", "list", "save"), "how='list'"),
        (("float32", "buffer", "fly"), "action='fly'"),
    ],
)
def test_impossible_values_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        buffer_data(*values)


def test_figure_refuses_a_start_that_it_does_not_offer():
    with pytest.raises(ValueError, match="how='list'"):
        buffer_figure("list")


def test_page_by_keyboard(open_figure):
    page, problems = open_figure(buffer_figure())

    def told():
        return page.locator("[role=status]").inner_text()

    def fact(name):
        return page.locator(f'tr[data-fact="{name}"] td').nth(1).inner_text()

    assert told() == sentence("float32", "attribute", "double")
    assert fact("works with the weight") == "→ no, other dtype"

    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")  # from the attribute to the parameter
    assert told() == sentence("float32", "parameter", "double")
    assert fact("dtype") == "→ float64"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")  # from float32 to int64, which cannot be a parameter
    assert "floating point" in told()
    assert page.locator("table").count() == 0
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")  # a buffer
    assert told() == sentence("int64", "buffer", "double")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("End")  # the last action
    assert told() == sentence("int64", "buffer", list(ACTIONS)[-1])
    assert problems == []
