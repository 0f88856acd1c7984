"""The samplers against what they promise: nothing lost, nothing twice, the same for any number of processes."""

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
        ((0, 4), "num_samples=0"),
        ((4, 0), "batch_size=0"),
        ((4, 4, 2, 2), "rank 2 of 2"),
        ((4, 4, 0), "of 0 processes"),
        ((3, 4, 4), "Start fewer processes"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        GlobalBatchSampler(*arguments)


def test_a_shard_of_no_process_is_refused():
    with pytest.raises(ValueError, match="rank 3 of 3"):
        ShardSampler(5, 3, 3)
    with pytest.raises(ValueError, match="num_samples=-1"):
        ShardSampler(-1)


def test_an_epoch_starts_within_itself():
    with pytest.raises(ValueError, match="start=5"):
        GlobalBatchSampler(30, 8).set_epoch(0, 5)
