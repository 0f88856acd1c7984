"""The figure on shards: its data against a definition that uses no sampler, the picture, and the page by keyboard."""

import itertools
import random

import pytest
import torch

from swinlib.figures.shards import EPOCHS, LARGEST, shard_data, shard_figure, show_shards

SETTINGS = list(itertools.product((1, 5, 11, 12, 24), (1, 2, 3, 4, 8), (False, True), (False, True), (False, True)))


def dealt(samples, ranks, rank, seed, drop_last):
    """The samples of one rank: shuffle a deck, make it divide evenly, deal it card by card."""
    deck = torch.randperm(samples, generator=torch.Generator().manual_seed(seed)).tolist()
    if drop_last:
        deck = deck[: samples // ranks * ranks]
    else:
        cards = iter(itertools.cycle(deck))
        deck = [next(cards) for _ in range(-(-samples // ranks) * ranks)]
    hands = [[] for _ in range(ranks)]
    for place, card in enumerate(deck):
        hands[place % ranks].append(card)
    return hands[rank]


@pytest.mark.parametrize(("set_epoch", "drop_last", "equal_seeds"), list(itertools.product((False, True), repeat=3)))
def test_orders_are_those_of_a_deck_that_is_dealt(set_epoch, drop_last, equal_seeds):
    for samples, ranks in itertools.product((1, 5, 11, 12, 24), (1, 2, 3, 4, 8)):
        data = shard_data(samples, ranks, set_epoch, drop_last, equal_seeds)
        expected = [
            [
                dealt(samples, ranks, rank, (epoch if set_epoch else 0) + (0 if equal_seeds else rank), drop_last)
                for rank in range(ranks)
            ]
            for epoch in range(EPOCHS)
        ]
        assert data["orders"] == expected, (samples, ranks)


@pytest.mark.parametrize("setting", random.Random(0).sample(SETTINGS, 40), ids=str)
def test_counts_are_those_of_the_orders(setting):
    samples, ranks, *_ = setting
    data = shard_data(*setting)
    for epoch, order in enumerate(data["orders"]):
        cards = [card for hand in order for card in hand]
        assert data["lost"][epoch] == len(set(range(samples)) - set(cards))
        assert data["repeated"][epoch] == sum(cards.count(card) > 1 for card in range(samples))
        for sample, takers in enumerate(data["takers"][epoch]):
            assert takers == sorted(takers)
            assert [takers.count(rank) for rank in range(ranks)] == [hand.count(sample) for hand in order]
    for rank in range(ranks):
        assert data["seen"][rank] == len({card for order in data["orders"] for card in order[rank]})


def test_what_the_chapter_says():
    frozen, moving = shard_data(12, 2, False, False, True), shard_data(12, 2, True, False, True)
    assert frozen["seen"] == [6, 6]
    assert moving["seen"] > [6, 6]
    assert shard_data(11, 2, False, False, True)["repeated"] == [1] * EPOCHS
    assert shard_data(11, 2, False, True, True)["lost"] == [1] * EPOCHS
    frozen = shard_data(11, 2, False, True, True)["takers"]
    assert len({takers.index([]) for takers in frozen}) == 1  # the same sample is lost in every epoch
    moving = shard_data(11, 2, True, True, True)["takers"]
    assert len({takers.index([]) for takers in moving}) > 1
    assert shard_data(5, 4, False, False, True)["repeated"] == [3] * EPOCHS
    unequal = shard_data(12, 2, True, False, False)
    assert min(unequal["lost"]) > 0
    assert unequal["lost"] == unequal["repeated"]  # twelve places: each lost sample leaves one to be given twice


@pytest.mark.parametrize(
    ("samples", "ranks", "message"),
    [
        (0, 2, "samples=0"),
        (25, 2, "samples=25"),
        (12, 0, "ranks=0"),
        (12, 9, "ranks=9"),
        (1.5, 2, "1.5"),
        (True, 2, "T"),
    ],
)
def test_what_cannot_be_drawn_is_said(samples, ranks, message):
    with pytest.raises(ValueError, match=message):
        shard_data(samples, ranks, True, False, True)


def test_a_figure_that_starts_at_values_it_does_not_offer_is_an_error():
    with pytest.raises(ValueError, match="samples=7"):
        shard_figure(7)


def test_the_picture_shows_the_ranks_hatches_the_lost_and_frames_the_repeated():
    orders = [[[0, 1], [1, 3]], [[2, 3], [0, 1]]]  # epoch 0: 1 twice, 2 lost
    [ax] = show_shards(orders, 4).axes
    cells = {(text.get_position(), text.get_text()) for text in ax.texts}
    assert cells == {
        *(((0.5, 0.5), "0"), ((1.5, 0.5), "0,1"), ((3.5, 0.5), "1")),
        *(((0.5, 1.5), "1"), ((1.5, 1.5), "1"), ((2.5, 1.5), "0"), ((3.5, 1.5), "0")),
    }
    assert [patch.get_xy() for patch in ax.patches if patch.get_hatch()] == [(2, 0)]
    framed = [patch.get_xy() for patch in ax.patches if not patch.get_fill()]
    assert [(int(x), int(y)) for x, y in framed] == [(1, 0)]


def test_a_sample_that_many_get_says_how_many():
    [ax] = show_shards([[[0, 1], [1], [1]]], 2).axes
    assert [text.get_text() for text in ax.texts] == ["0", "3×"]


def test_the_picture_refuses_samples_that_do_not_exist():
    with pytest.raises(ValueError, match="sample 4, but there are 4"):
        show_shards([[[0, 4]]], 4)


def test_page_by_keyboard(open_figure):
    page, problems = open_figure(shard_figure())
    words = page.locator("[role=status]")
    grids = page.locator("[role=grid]")

    def chosen():
        return page.evaluate("document.activeElement.getAttribute('aria-label')")

    def row(epoch):
        return grids.nth(0).locator("[role=row]").nth(epoch).locator("text").all_text_contents()

    assert "In 4 epochs rank 1 sees 6 of 12." in words.inner_text()
    assert row(0) == row(1) == row(2) == row(3)  # frozen

    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")  # from 12 samples to 11
    assert "11 of 11 samples are given, 0 lost, 1 given more than once." in words.inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # set_epoch
    data = shard_data(11, 2, True, False, True)
    assert row(0) != row(1)
    assert row(3) == [",".join(map(str, takers)) for takers in data["takers"][3]]

    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # drop_last
    assert "10 of 11 samples are given, 1 lost, 0 given more than once." in words.inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # unequal seeds
    data = shard_data(11, 2, True, True, False)
    counts = f"{11 - data['lost'][0]} of 11 samples are given, {data['lost'][0]} lost, {data['repeated'][0]} given more"
    assert counts in words.inner_text()

    page.keyboard.press("Tab")  # the first grid
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert chosen().startswith("epoch 1, sample 1: ")
    assert words.inner_text().startswith("Epoch 1: ")
    page.keyboard.press("Tab")  # the second, and there the last place of rank 1
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    last = data["orders"][1][1][-1]
    assert chosen() == f"rank 1, step 4: sample {last}"
    assert f"Sample {last} goes to rank" in words.inner_text()
    assert problems == []


def test_page_with_more_ranks_than_samples_to_deal(open_figure):
    page, problems = open_figure(shard_figure(3, 4, drop_last=True, sample_numbers=(3,)))
    assert page.get_by_text("No rank gets a sample.").count() == 1
    assert "0 of 3 samples are given, 3 lost" in page.locator("[role=status]").inner_text()
    assert problems == []


def test_largest_values_are_offered_to_the_live_form():
    controls = {control.name: control for control in shard_figure().controls}
    assert {name: controls[name].live["max"] for name in LARGEST} == LARGEST
