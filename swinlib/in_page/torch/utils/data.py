"""``torch.utils.data``: the order of samples, without a loader."""

import math
from collections.abc import Iterator, Sized

from ..dtypes import NotHere, lacking
from ..random import Generator, randperm


class Sampler:
    """The base of all samplers."""

    def __class_getitem__(cls, kind: object) -> type:
        return cls


class SequentialSampler(Sampler):
    """One after the other."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class BatchSampler(Sampler):
    """Those of another sampler, in lists."""

    def __init__(self, sampler: Sampler, batch_size: int, drop_last: bool) -> None:
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        order = list(self.sampler)
        return iter([order[i * self.batch_size : (i + 1) * self.batch_size] for i in range(len(self))])

    def __len__(self) -> int:
        return (len(self.sampler) if self.drop_last else len(self.sampler) + self.batch_size - 1) // self.batch_size


class DistributedSampler(Sampler):
    """The share of one rank."""

    def __init__(
        self, dataset: Sized, num_replicas: int, rank: int, shuffle: bool = True, seed: int = 0, drop_last: bool = False
    ) -> None:
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset, self.num_replicas, self.rank, self.epoch = dataset, num_replicas, rank, 0
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last
        share = len(dataset) / num_replicas
        self.num_samples = math.floor(share) if drop_last else math.ceil(share)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        order = list(range(len(self.dataset)))
        if self.shuffle:
            order = randperm(len(order), generator=Generator().manual_seed(self.seed + self.epoch)).tolist()
        order = (order * math.ceil(self.total_size / max(len(order), 1)))[: self.total_size]
        return iter(order[self.rank :: self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch


class DataLoader:
    """Not here."""

    def __init__(self, *_: object, **__: object) -> None:
        raise NotHere("`DataLoader`")


__getattr__ = lacking("torch.utils.data", "torch.utils.data")
