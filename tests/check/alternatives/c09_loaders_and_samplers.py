"""Right answers to the exercises of chapter 9, written in other ways than the page's."""

import contextlib
import hashlib
import itertools
import math
from collections import Counter, defaultdict

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DistributedSampler, Sampler


def steps_per_rank_by_counting(length, ranks, batch_size, sampler_drops, loader_drops):
    hand = list(range(length))[::ranks]  # rank 0 has as many as any
    if sampler_drops and length % ranks:
        hand.pop()
    steps = 0
    while hand:
        batch, hand = hand[:batch_size], hand[batch_size:]
        steps += len(batch) == batch_size or not loader_drops
    return steps


def steps_per_rank_by_remainders(length, ranks, batch_size, sampler_drops, loader_drops):
    samples, rest = divmod(length, ranks)
    samples += rest > 0 and not sampler_drops
    steps, rest = divmod(samples, batch_size)
    return steps + int(rest > 0 and not loader_drops)


def collate_with_mask_by_padding(samples, multiple):
    images, labels = zip(*samples, strict=True)
    high, wide = (math.ceil(max(image.shape[axis] for image in images) / multiple) * multiple for axis in (1, 2))
    frames, masks = [], []
    for image in images:
        margin = (0, wide - image.shape[2], 0, high - image.shape[1])
        frames.append(F.pad(image, margin))
        masks.append(F.pad(torch.zeros(image.shape[1:]), margin, value=1.0) > 0)
    return [torch.stack(frames), torch.stack(masks), torch.as_tensor(labels)]


def collate_with_mask_by_comparing(samples, multiple):
    heights, widths = (torch.tensor([image.shape[axis] for image, _ in samples]) for axis in (1, 2))
    high, wide = (int((sides.max() + multiple - 1) // multiple * multiple) for sides in (heights, widths))
    below = torch.arange(high)[None, :, None] >= heights[:, None, None]
    beside = torch.arange(wide)[None, None, :] >= widths[:, None, None]
    mask = below | beside
    batch = torch.zeros(len(samples), high, wide, samples[0][0].shape[0], dtype=samples[0][0].dtype)
    batch[~mask] = torch.cat([image.flatten(1).T for image, _ in samples])
    return batch.permute(0, 3, 1, 2), mask, torch.tensor([label for _, label in samples], dtype=torch.int64)


def worker_seed_by_seed_sequence(seed, epoch, rank, worker, workers):
    return np.random.SeedSequence([seed, epoch, workers * rank + worker]).generate_state(1)[0]


def worker_seed_by_digest(seed, epoch, rank, worker, workers):
    digest = hashlib.sha256(repr((seed, epoch, rank, worker)).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def worker_seed_by_hash_of_numbers(seed, epoch, rank, worker, workers):
    return hash((seed, epoch, rank, worker)) % 2**32


def weighted_shard_by_blocks(length, ranks, rank):
    """Neighbours instead of every so-manieth; the padding is at the end."""
    each = -(-length // ranks)
    indices = torch.arange(rank * each, (rank + 1) * each)
    return indices.clamp(max=length - 1), (indices < length).float()


def weighted_shard_by_sharing(length, ranks, rank):
    """What is given twice weighs a half each time."""
    hands = [list(DistributedSampler(range(length), ranks, each, shuffle=False)) for each in range(ranks)]
    times = Counter(itertools.chain(*hands))
    return hands[rank], [1 / times[index] for index in hands[rank]]


def tell_epoch_by_a_stack(loader, epoch):
    found = [loader.sampler, loader.batch_sampler]
    while found:
        sampler = found.pop()
        with contextlib.suppress(AttributeError):
            sampler.set_epoch(epoch)
        found += [
            vars(sampler)[name] for name in ("sampler", "batch_sampler") if name in getattr(sampler, "__dict__", {})
        ]


def tell_epoch_from_the_one_in_use(loader, epoch):
    def tell(sampler):
        if callable(method := getattr(sampler, "set_epoch", None)):
            method(epoch)
        for inner in (getattr(sampler, "sampler", None), getattr(sampler, "batch_sampler", None)):
            if inner is not None:
                tell(inner)

    tell(loader.sampler if loader.batch_sampler is None else loader.batch_sampler)


class ResumingSamplerByItself(Sampler):
    """No DistributedSampler at all."""

    def __init__(self, dataset, num_replicas, rank, shuffle=True, seed=0, drop_last=False):
        self.length, self.ranks, self.rank, self.shuffle, self.seed = len(dataset), num_replicas, rank, shuffle, seed
        self.set_epoch(0)

    def set_epoch(self, epoch, seen=0):
        pack = list(range(self.length))
        if self.shuffle:
            pack = torch.randperm(self.length, generator=torch.Generator().manual_seed(self.seed + epoch)).tolist()
        rest = pack[seen:]
        cards = itertools.cycle(rest)
        filled = list(itertools.islice(cards, len(rest) + -len(rest) % self.ranks)) if rest else []
        self.mine = filled[self.rank :: self.ranks]

    def __iter__(self):
        yield from self.mine

    def __len__(self):
        return len(self.mine)


class ResumingSamplerByDealingTheRest(DistributedSampler):
    """The rest is dealt by a sampler of its own."""

    def set_epoch(self, epoch, seen=0):
        super().set_epoch(epoch)
        whole = DistributedSampler(self.dataset, 1, 0, shuffle=self.shuffle, seed=self.seed)
        whole.set_epoch(epoch)
        self.rest = list(whole)[seen:]

    def hand(self):
        if not hasattr(self, "rest"):
            self.set_epoch(0)
        if not self.rest:
            return []
        places = DistributedSampler(self.rest, self.num_replicas, self.rank, shuffle=False)
        return [self.rest[place] for place in places]

    def __iter__(self):
        return iter(self.hand())

    def __len__(self):
        return len(self.hand())


def grouped_batches_by_torch(groups, batch_size, ranks, rank, epoch, seed):
    """Ranks take neighbours of a step, and each group has a generator of its own."""
    steps = []
    for group in np.unique(groups):
        members = torch.tensor([index for index, each in enumerate(groups) if each == group])
        own = int(np.random.SeedSequence([seed, epoch, int(group) + 1000]).generate_state(1)[0])
        pack = members[torch.randperm(len(members), generator=torch.Generator().manual_seed(own))]
        rounds = -(-len(pack) // (batch_size * ranks))
        pack = pack.repeat(rounds * batch_size * ranks)[: rounds * batch_size * ranks]
        steps += pack.view(rounds, ranks, batch_size)[:, rank].tolist()
    common = torch.Generator().manual_seed(1_000_003 * seed + epoch)
    return [steps[k] for k in torch.randperm(len(steps), generator=common)]


def grouped_batches_by_filling(groups, batch_size, ranks, rank, epoch, seed):
    """One walk through a shuffled pack, which fills a step for each group and gives it out when it is full."""
    dice = np.random.default_rng([seed, epoch])
    order = dice.permutation(len(groups)).tolist()
    packs, steps, waiting = defaultdict(list), [], defaultdict(list)
    for index in order:
        packs[groups[index]].append(index)
    for index in order:
        step = waiting[groups[index]]
        step.append(index)
        if len(step) == batch_size * ranks:
            steps.append(waiting.pop(groups[index]))
    for group, step in waiting.items():
        cards = itertools.cycle(packs[group])
        while len(step) < batch_size * ranks:
            step.append(next(cards))
        steps.insert(int(dice.integers(len(steps) + 1)), step)
    return [tuple(step[rank * batch_size : (rank + 1) * batch_size]) for step in steps]


ALTERNATIVES = {
    "steps_per_rank": [steps_per_rank_by_counting, steps_per_rank_by_remainders],
    "collate_with_mask": [collate_with_mask_by_padding, collate_with_mask_by_comparing],
    "worker_seed": [worker_seed_by_seed_sequence, worker_seed_by_digest, worker_seed_by_hash_of_numbers],
    "weighted_shard": [weighted_shard_by_blocks, weighted_shard_by_sharing],
    "tell_epoch": [tell_epoch_by_a_stack, tell_epoch_from_the_one_in_use],
    "ResumingSampler": [ResumingSamplerByItself, ResumingSamplerByDealingTheRest],
    "grouped_batches": [grouped_batches_by_torch, grouped_batches_by_filling],
}
