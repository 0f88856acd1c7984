"""Which process reads which samples, in which order.

Both samplers are functions of their arguments: they store no state of a random generator, so that an order can be
had again from a seed, an epoch and a step. Rank r of ``num_replicas`` processes passes its own ``rank``; in a single
process the defaults do.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.data import Sampler

from ..arguments import as_integer


def _checked_ranks(num_replicas: int, rank: int) -> tuple[int, int]:
    num_replicas, rank = as_integer(num_replicas, "num_replicas", 1), as_integer(rank, "rank", 0)
    if rank >= num_replicas:
        raise ValueError(
            f"there is no rank {rank} of {num_replicas} processes: ranks count from 0. Give one of 0 .. "
            f"{num_replicas - 1}, or a larger num_replicas."
        )
    return num_replicas, rank


class ShardSampler(Sampler[int]):
    """For evaluation: the samples of one rank, so that all ranks together score each sample exactly once.

    Nothing is padded and nothing dropped; shards differ by at most one sample, and a rank beyond the last sample
    gets none. Sums over the shards, added up over the ranks, are the sums over the data.

    Args:
        num_samples: of the dataset.
        num_replicas: number of processes.
        rank: of this process.

    Raises:
        ValueError: if the rank is none of ``0 .. num_replicas - 1``, or an argument is not an integer or too small.
    """

    def __init__(self, num_samples: int, num_replicas: int = 1, rank: int = 0) -> None:
        num_replicas, rank = _checked_ranks(num_replicas, rank)
        self.indices = range(rank, as_integer(num_samples, "num_samples", 0), num_replicas)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices)

    def __len__(self) -> int:
        return len(self.indices)


class GlobalBatchSampler(Sampler[list[Any]]):
    """For training: the batches of one rank, cut from global batches that do not depend on the number of ranks.

    An epoch is one permutation of the samples, drawn from ``(seed, epoch)`` and cut into global batches; rank r
    takes every ``num_replicas``-th sample of each, from the r-th on. So one process and four see the same samples
    in the same step, each sample once an epoch. The cuts are even: 1437 samples in batches of at most 128 are twelve
    of 119 or 120, not eleven of 128 and a rest of 29. So every step weighs the same, and no rank is left without a
    sample in the last one.

    It is a batch sampler: ``DataLoader(dataset, batch_sampler=sampler)``. Call ``set_epoch`` before each epoch::

        sampler = GlobalBatchSampler(len(dataset), 64, start=batches_done)  # of the epoch that was broken off
        loader = DataLoader(dataset, batch_sampler=sampler)
        for epoch in range(first_epoch, epochs):
            sampler.set_epoch(epoch)  # the first goes on where it was broken off, the others are whole

    ``start`` belongs to one epoch, the first that is set or iterated. To set that epoch again keeps it, to set another
    one begins that at its first batch. ``set_epoch(epoch, start=...)`` gives it for any epoch. Persistent workers need
    nothing more: the loader draws the indices in the main process.

    Args:
        num_samples: of the dataset.
        batch_size: of all ranks together, at most.
        num_replicas: number of processes.
        rank: of this process.
        seed: at least 0; the same on all ranks.
        shuffle: False for the order of the dataset in every epoch.
        start: first global batch of the first epoch, to resume in the middle of it.
        key: called as ``key(epoch, index)``, what the dataset is asked for, such as ``SampleKey``; the index alone if
            not given.

    Raises:
        ValueError: if a global batch would leave a rank without a sample, or an argument is out of range.
    """

    def __init__(
        self,
        num_samples: int,
        batch_size: int,
        num_replicas: int = 1,
        rank: int = 0,
        *,
        seed: int = 0,
        shuffle: bool = True,
        start: int = 0,
        key: Callable[[int, int], Any] | None = None,
    ) -> None:
        self.num_replicas, self.rank = _checked_ranks(num_replicas, rank)
        self.num_samples = as_integer(num_samples, "num_samples", 1)
        self.num_batches = -(-self.num_samples // as_integer(batch_size, "batch_size", 1))
        smallest = self.num_samples // self.num_batches
        if smallest < self.num_replicas:
            raise ValueError(
                f"{num_samples} samples in global batches of at most {batch_size} leave {smallest} in the smallest, "
                f"too few for {num_replicas} processes: each needs one. Start fewer processes, or raise batch_size, "
                f"which counts the samples of all processes together."
            )
        self.seed, self.shuffle, self.key = as_integer(seed, "seed", 0), shuffle, key
        self.set_epoch(0, start)
        self._start_is_taken = False  # no epoch has been set yet that it would belong to

    def set_epoch(self, epoch: int, start: int | None = None) -> None:
        """Choose the permutation, and the global batch to begin with; call it before the loader is iterated.

        Args:
            epoch: at least 0.
            start: global batch of this epoch to begin with. If not given, the first epoch that is set begins at the
                ``start`` that the sampler was made with, an epoch that is set again where it began before, and any
                other at 0.

        Raises:
            ValueError: if the epoch is negative, or start lies outside of the epoch.
        """
        epoch = as_integer(epoch, "epoch", 0)
        if start is None:
            start = 0 if self._start_is_taken and epoch != self.epoch else self.start
        start = as_integer(start, "start", 0)
        if start > self.num_batches:
            raise ValueError(
                f"start={start} lies outside of an epoch of {self.num_batches} global batches: give one of 0 .. "
                f"{self.num_batches}. It counts the batches of one epoch, not those of the whole run."
            )
        self.epoch, self.start, self._start_is_taken = epoch, start, True

    def permutation(self) -> list[int]:
        """The order of all samples in this epoch, the same on all ranks."""
        if not self.shuffle:
            return list(range(self.num_samples))
        # not seed + epoch, with which seed 0 in epoch 1 and seed 1 in epoch 0 would share one order
        generator = torch.Generator().manual_seed(random.Random(f"{self.seed}, {self.epoch}").getrandbits(63))
        return torch.randperm(self.num_samples, generator=generator).tolist()

    def global_batch_size(self, batch: int) -> int:
        """Number of samples of a global batch, on all ranks together."""
        return self._cut(batch + 1) - self._cut(batch)

    def _cut(self, batch: int) -> int:
        return batch * self.num_samples // self.num_batches

    def __iter__(self) -> Iterator[list[Any]]:
        order, epoch = self.permutation(), self.epoch
        self._start_is_taken = True  # by this epoch, where none was set
        for batch in range(self.start, self.num_batches):
            share = order[self._cut(batch) : self._cut(batch + 1)][self.rank :: self.num_replicas]
            yield share if self.key is None else [self.key(epoch, index) for index in share]

    def __len__(self) -> int:
        """Number of batches of this epoch, from ``start`` on."""
        return self.num_batches - self.start
