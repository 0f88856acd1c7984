"""The samplers against what they promise: nothing lost, nothing twice, the same for any number of processes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from swinlib.data.folders import SampleKey
from swinlib.data.samplers import GlobalBatchSampler, ShardSampler


def ranks(num_samples, batch_size, num_replicas, **options):
    return [GlobalBatchSampler(num_samples, batch_size, num_replicas, rank, **options) for rank in range(num_replicas)]


@given(num_samples=st.integers(0, 60), num_replicas=st.integers(1, 9))
def test_shards_together_hold_each_sample_once(num_samples, num_replicas):
    shards = [ShardSampler(num_samples, num_replicas, rank) for rank in range(num_replicas)]
    assert sorted(index for shard in shards for index in shard) == list(range(num_samples))
    assert [len(list(shard)) for shard in shards] == [len(shard) for shard in shards]
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@given(
    num_samples=st.integers(1, 200), batch_size=st.integers(1, 64), num_replicas=st.integers(1, 5), seed=st.integers(0)
)
def test_global_batches_do_not_depend_on_the_number_of_processes(num_samples, batch_size, num_replicas, seed):
    (alone,) = ranks(num_samples, batch_size, 1, seed=seed)
    if min(map(len, alone)) < num_replicas:
        with pytest.raises(ValueError, match=f"too few for {num_replicas} processes"):
            ranks(num_samples, batch_size, num_replicas, seed=seed)
        return
    shared = zip(*ranks(num_samples, batch_size, num_replicas, seed=seed), strict=True)
    for whole, shares in zip(alone, shared, strict=True):
        assert sorted(whole) == sorted(index for share in shares for index in share)
        assert all(shares)  # every rank has a sample in every step


@given(num_samples=st.integers(1, 200), batch_size=st.integers(1, 64), epoch=st.integers(0, 3))
def test_an_epoch_is_every_sample_once_in_even_batches(num_samples, batch_size, epoch):
    sampler = GlobalBatchSampler(num_samples, batch_size)
    sampler.set_epoch(epoch)
    batches = list(sampler)
    assert sorted(index for batch in batches for index in batch) == list(range(num_samples))
    sizes = [len(batch) for batch in batches]
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    assert sizes == [sampler.global_batch_size(i) for i in range(sampler.num_batches)]
    assert len(sampler) == len(batches) == -(-num_samples // batch_size)


def test_the_order_is_that_of_seed_and_epoch_alone():
    orders = {}
    for seed in range(4):
        sampler = GlobalBatchSampler(30, 8, seed=seed)
        for epoch in range(4):
            sampler.set_epoch(epoch)
            orders[seed, epoch] = tuple(sampler.permutation())
            assert list(sampler) == list(sampler)
    assert len(set(orders.values())) == 16  # (0, 1) is not (1, 0)
    again = GlobalBatchSampler(30, 8, seed=2)
    again.set_epoch(3)
    assert tuple(again.permutation()) == orders[2, 3]


def test_without_shuffle_the_order_is_the_datasets():
    sampler = GlobalBatchSampler(5, 2, shuffle=False)
    assert list(sampler) == [[0], [1, 2], [3, 4]]


@pytest.mark.parametrize("start", [0, 1, 3, 4])
def test_an_epoch_goes_on_from_any_batch(start):
    sampler = GlobalBatchSampler(30, 8, seed=1)
    sampler.set_epoch(2)
    whole = list(sampler)
    sampler.set_epoch(2, start)
    assert list(sampler) == whole[start:]
    assert len(sampler) == len(whole) - start


def test_start_may_be_given_at_once():
    assert list(GlobalBatchSampler(30, 8, start=2)) == list(GlobalBatchSampler(30, 8))[2:]


def test_keys_name_the_epoch_of_each_sample():
    sampler = GlobalBatchSampler(4, 2, shuffle=False, key=SampleKey)
    sampler.set_epoch(3)
    assert list(sampler) == [[SampleKey(3, 0), SampleKey(3, 1)], [SampleKey(3, 2), SampleKey(3, 3)]]


def test_it_drives_a_loader():
    loader = DataLoader(list(range(10)), batch_sampler=GlobalBatchSampler(10, 4, num_replicas=2, rank=1, shuffle=False))
    assert [batch.tolist() for batch in loader] == [[1], [4], [7, 9]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 4), "num_samples must .* at least 1; got 0"),
        ((4, 0), "batch_size must .* at least 1; got 0"),
        ((4, 4, 2, 2), "rank 2 of 2"),
        ((4, 4, 0), "num_replicas must .* at least 1; got 0"),
        ((3, 4, 4), "Start fewer processes"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        GlobalBatchSampler(*arguments)


def test_a_shard_of_no_process_is_refused():
    with pytest.raises(ValueError, match="rank 3 of 3"):
        ShardSampler(5, 3, 3)
    with pytest.raises(ValueError, match=r"num_samples must .* at least 0; got -1"):
        ShardSampler(-1)


def test_an_epoch_starts_within_itself():
    with pytest.raises(ValueError, match="start=5"):
        GlobalBatchSampler(30, 8).set_epoch(0, 5)


# start: where an epoch that was broken off goes on


def test_a_start_given_at_once_survives_set_epoch():
    sampler = GlobalBatchSampler(100, 10, start=7, seed=1)
    assert len(sampler) == 3
    sampler.set_epoch(3)
    assert len(sampler) == len(list(sampler)) == 3
    sampler.set_epoch(3)  # as wrappers of loaders do a second time
    assert len(sampler) == 3
    sampler.set_epoch(4)
    assert len(sampler) == len(list(sampler)) == 10
    sampler.set_epoch(3)
    assert len(sampler) == 10


@pytest.mark.parametrize("workers", [0, 1])
def test_a_plain_loop_goes_on_in_the_middle_of_an_epoch(workers):
    """The loop of the docstring, with workers that live on: epoch 1 from its third batch, then whole epochs."""

    def loop(epochs, **options):
        sampler = GlobalBatchSampler(20, 4, seed=5, **options)
        persistent = {"num_workers": workers, "persistent_workers": workers > 0}
        loader = DataLoader(list(range(20)), batch_sampler=sampler, **persistent)
        seen = []
        for epoch in epochs:
            sampler.set_epoch(epoch)
            assert len(loader) == len(sampler)
            seen.append([batch.tolist() for batch in loader])
        return seen

    whole = loop(range(4))
    assert loop(range(1, 4), start=2) == [whole[1][2:], *whole[2:]]


def test_a_start_belongs_to_the_epoch_that_is_iterated_first():
    sampler = GlobalBatchSampler(30, 8, start=3)
    assert len(list(sampler)) == len(list(sampler)) == 1  # epoch 0, which nobody set
    sampler.set_epoch(1)
    assert len(list(sampler)) == 4


def test_a_start_given_to_set_epoch_is_that_of_this_epoch():
    sampler = GlobalBatchSampler(30, 8, start=3)
    for epoch, start, length in ((2, 1, 3), (2, None, 3), (2, 0, 4), (3, None, 4), (4, 4, 0), (5, None, 4)):
        sampler.set_epoch(epoch, start)
        assert len(sampler) == length


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int16])
def test_integers_of_numpy_are_integers(kind):
    """np.uint8 would overflow in the product of samples and batches."""
    for samples, batch_size in ((100, 8), (120, 2)):
        ours = GlobalBatchSampler(kind(samples), kind(batch_size), kind(2), kind(1), seed=kind(3), start=kind(2))
        theirs = GlobalBatchSampler(samples, batch_size, 2, 1, seed=3, start=2)
        for sampler, number in ((ours, kind), (theirs, int)):
            sampler.set_epoch(number(4))
        assert list(ours) == list(theirs)
        assert list(ShardSampler(kind(samples), kind(3), kind(2))) == list(ShardSampler(samples, 3, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GlobalBatchSampler(8.0, 4), r"num_samples must be an integer, at least 1; got 8\.0"),
        (lambda: GlobalBatchSampler(8, True), "batch_size must be an integer, at least 1; got True"),
        (lambda: GlobalBatchSampler(8, 4, seed=-1), "seed must be an integer, at least 0; got -1"),
        (lambda: GlobalBatchSampler(8, 4, start=3), r"start=3 lies outside .* give one of 0 \.\. 2"),
        (lambda: GlobalBatchSampler(8, 4).set_epoch("1"), "epoch must be an integer, at least 0; got '1'"),
        (lambda: GlobalBatchSampler(8, 4).set_epoch(0, -1), "start must be an integer, at least 0; got -1"),
        (lambda: ShardSampler(8, 2, None), "rank must be an integer, at least 0; got None"),
    ],
)
def test_what_is_no_integer_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
