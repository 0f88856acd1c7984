"""The checks of chapter 9: batches, seeds, and who gets which samples. Ranks and workers are arguments."""

import itertools
import math
import operator
import random
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, DistributedSampler, Sampler, SequentialSampler

from ..answers.beside import beside
from .exercise import Arguments, exercise
from .inputs import booleans, integers, lists, numbered, sampled_from
from .judging import difference, difference_of_kind, show


def _whole(value: object) -> int | None:
    """A whole number of any kind as Python's, or None."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def _numbers(values: object) -> list | None:
    """A list, tuple, range, tensor or array of numbers as a list, or None."""
    values = values.tolist() if hasattr(values, "tolist") else values
    if not isinstance(values, (list, tuple, range)):
        return None
    values = [value.item() if hasattr(value, "item") else value for value in values]
    return values if all(isinstance(value, (int, float)) for value in values) else None


# --- steps_per_rank -----------------------------------------------------------------------------------------------


def _parts(number: int, size: int, floor: bool) -> int:
    return number // size if floor else -(-number // size)


@exercise(
    lambda length, ranks, batch_size, sampler_drops, loader_drops: _parts(
        _parts(length, ranks, sampler_drops), batch_size, loader_drops
    ),
    without=("torch.utils.data.DataLoader.__init__", "torch.utils.data.DistributedSampler.__init__"),
    always=tuple(
        {
            "length": length,
            "ranks": ranks,
            "batch_size": batch_size,
            "sampler_drops": sampler_drops,
            "loader_drops": loader_drops,
        }
        for length, ranks, batch_size in ((11, 2, 6), (11, 2, 5), (3, 4, 1))
        for sampler_drops in (False, True)
        for loader_drops in (False, True)
    ),
    length=integers(1, 40),
    ranks=integers(1, 4),
    batch_size=integers(1, 8),
    sampler_drops=booleans(),
    loader_drops=booleans(),
    inputs=50,
)
def steps_per_rank(length: int, ranks: int, batch_size: int, sampler_drops: bool, loader_drops: bool) -> Arguments:
    """How many batches each rank gets in an epoch."""
    return {
        "length": length,
        "ranks": ranks,
        "batch_size": batch_size,
        "sampler_drops": sampler_drops,
        "loader_drops": loader_drops,
    }


@steps_per_rank.judge
def say_how_many_samples(
    got: object, want: int, length: int, ranks: int, batch_size: int, sampler_drops: bool, loader_drops: bool
) -> str | None:
    """The number of batches, and the number of samples that they are made of."""
    problem = difference(got, want, name="the number of batches")
    samples = _parts(length, ranks, sampler_drops)
    return problem and f"each rank is dealt {samples} {'sample' if samples == 1 else 'samples'}, and {problem}"


@steps_per_rank.mistake
def drops_exchanged(length: int, ranks: int, batch_size: int, sampler_drops: bool, loader_drops: bool) -> int:
    """The two `drop_last` are exchanged. The sampler's decides how the samples are made to divide among the ranks, the
    loader's what becomes of an incomplete batch."""
    return _parts(_parts(length, ranks, loader_drops), batch_size, sampler_drops)


@steps_per_rank.mistake
def one_process(length: int, ranks: int, batch_size: int, sampler_drops: bool, loader_drops: bool) -> int:
    """These are the batches of one process alone. With a `DistributedSampler` each rank has a share of the samples."""
    return _parts(length, batch_size, loader_drops)


@steps_per_rank.mistake(credit=0.5)
def divided_once(length: int, ranks: int, batch_size: int, sampler_drops: bool, loader_drops: bool) -> int:
    """It divides once, by `ranks * batch_size`. The samples are rounded twice, first to the ranks and then to the
    batches, and not always in the same direction: 11 samples on 2 ranks are padded to 6 and 6, which fill a batch of
    6, though 11 do not fill two."""
    return _parts(length, ranks * batch_size, loader_drops)


@steps_per_rank.mistake(credit=0.25)
def always_padded(length: int, ranks: int, batch_size: int, sampler_drops: bool, loader_drops: bool) -> int:
    """The sampler always pads here. With its `drop_last` it leaves out what does not divide evenly."""
    return _parts(_parts(length, ranks, False), batch_size, loader_drops)


@steps_per_rank.mistake(credit=0.25)
def always_dropped(length: int, ranks: int, batch_size: int, sampler_drops: bool, loader_drops: bool) -> int:
    """The samples are divided with `//`, which drops what is left over. Without `drop_last` the sampler pads."""
    return _parts(_parts(length, ranks, True), batch_size, loader_drops)


@steps_per_rank.mistake(credit=0.25)
def last_batch_kept(length: int, ranks: int, batch_size: int, sampler_drops: bool, loader_drops: bool) -> int:
    """The incomplete batch is always counted; the loader's `drop_last` leaves it out."""
    return _parts(_parts(length, ranks, sampler_drops), batch_size, False)


@steps_per_rank.mistake(credit=0.25)
def last_batch_lost(length: int, ranks: int, batch_size: int, sampler_drops: bool, loader_drops: bool) -> int:
    """The incomplete batch is never counted; without `drop_last` the loader gives it, too."""
    return _parts(_parts(length, ranks, sampler_drops), batch_size, True)


@steps_per_rank.mistake
def always_rounded_up(length: int, ranks: int, batch_size: int, sampler_drops: bool, loader_drops: bool) -> int:
    """Both divisions always round up, so neither `drop_last` is heeded."""
    return _parts(_parts(length, ranks, False), batch_size, False)


@steps_per_rank.mistake
def always_rounded_down(length: int, ranks: int, batch_size: int, sampler_drops: bool, loader_drops: bool) -> int:
    """Both divisions always round down, as if both `drop_last` were `True`."""
    return _parts(_parts(length, ranks, True), batch_size, True)


@steps_per_rank.mistake
def batches_of_all_ranks(length: int, ranks: int, batch_size: int, sampler_drops: bool, loader_drops: bool) -> int:
    """These are the batches of all ranks together; the task asks for those of one."""
    return ranks * _parts(_parts(length, ranks, sampler_drops), batch_size, loader_drops)


# --- collate_with_mask --------------------------------------------------------------------------------------------

Samples = list[tuple[Tensor, int]]
PARTS = ("the first part (images)", "the second part (mask)", "the third part (labels)")


class _Listed(list):
    """Samples that a message shows by their shapes."""

    def __repr__(self) -> str:
        return f"[{', '.join(f'({_kind_of(image)}, {label})' for image, label in self)}]"


def _kind_of(image: Tensor) -> str:
    """Shape and dtype of an image."""
    return f"{str(image.dtype).removeprefix('torch.')} {tuple(image.shape)}"


def _collate(
    samples: Samples,
    multiple: int,
    *,
    frame: Callable[[list[int], int], int] = lambda sides, multiple: -(-max(sides) // multiple) * multiple,
    end: bool = False,
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The right answer; each option spoils it."""
    height, width = (frame([image.shape[axis] for image, _ in samples], multiple) for axis in (1, 2))
    first = samples[0][0]
    images = torch.zeros(len(samples), len(first), height, width, dtype=dtype or first.dtype)
    mask = torch.ones(len(samples), height, width, dtype=torch.bool)
    for k, (image, _) in enumerate(samples):
        _, rows, columns = image.shape
        place = slice(height - rows, height) if end else slice(rows)
        across = slice(width - columns, width) if end else slice(columns)
        images[k, :, place, across] = image
        mask[k, place, across] = False
    return images, mask, torch.tensor([label for _, label in samples])


@exercise(
    _collate,
    always=(
        {"sizes": [[2, 5], [3, 1]], "channels": 2, "multiple": 1, "dtype": "float32", "label": 1},
        {"sizes": [[2, 5], [3, 1], [2, 2]], "channels": 3, "multiple": 4, "dtype": "float64", "label": 7},
        {"sizes": [[4, 3], [2, 6]], "channels": 1, "multiple": 2, "dtype": "uint8", "label": 0},
    ),
    sizes=lists(sampled_from([[1, 1], [1, 2], [2, 1], [3, 2], [2, 5], [4, 4]]), min_size=1, max_size=3),
    channels=integers(1, 3),
    multiple=integers(1, 4),
    dtype=sampled_from(["float32", "float64", "uint8"]),
    label=integers(0, 9),
)
def collate_with_mask(sizes: list[list[int]], channels: int, multiple: int, dtype: str, label: int) -> Arguments:
    """Images of several sizes into one batch, with a mask of the padding."""
    samples = _Listed()
    for k, (height, width) in enumerate(sizes):
        image = numbered(channels, height, width, dtype=dtype)
        image[:, -1, -1] = 0  # a black pixel is not padding
        samples.append((image, label + k))
    return {"samples": samples, "multiple": multiple}


@collate_with_mask.judge
def say_which_part(got: object, want: tuple[Tensor, Tensor, Tensor], samples: Samples, multiple: int) -> str | None:
    """The first of the three parts that is wrong, and for which image."""
    if not isinstance(got, (list, tuple)):
        return difference_of_kind(got, "a tuple of images, mask and labels")
    if len(got) != 3:
        return f"the result has {len(got)} parts; expected images, mask and labels"
    for name, mine, right in zip(PARTS, got, want, strict=True):
        if problem := difference(mine, right, name=name):
            return problem
    return None


@collate_with_mask.mistake(credit=0.5)
def mask_of_pixels(samples: Samples, multiple: int) -> tuple:
    """The mask is the wrong way round: True is to mean padding."""
    images, mask, labels = _collate(samples, multiple)
    return images, ~mask, labels


@collate_with_mask.mistake
def black_is_padding(samples: Samples, multiple: int) -> tuple:
    """The mask is made from the zeros of the batch. A black pixel of an image is zero as well, but is not padding; the
    sizes of the images say what is."""
    images, _, labels = _collate(samples, multiple)
    return images, (images == 0).all(1), labels


@collate_with_mask.mistake(credit=0.25)
def largest_size(samples: Samples, multiple: int) -> tuple:
    """The frame is as large as the largest sides. They have to be rounded up to the multiple."""
    return _collate(samples, 1)


@collate_with_mask.mistake(credit=0.5)
def one_multiple_more(samples: Samples, multiple: int) -> tuple:
    """A side that is a multiple already gets one more. `n // m + 1` rounds up only what does not divide;
    `-(-n // m)` and `math.ceil(n / m)` always do it right."""
    return _collate(samples, multiple, frame=lambda sides, multiple: (max(sides) // multiple + 1) * multiple)


@collate_with_mask.mistake
def rounded_down(samples: Samples, multiple: int) -> tuple:
    """The sides are rounded down to the multiple, and the images no longer fit. Round up."""
    return _collate(samples, multiple, frame=lambda sides, multiple: max(sides) // multiple * multiple)


@collate_with_mask.mistake
def square_frame(samples: Samples, multiple: int) -> tuple:
    """The frame is a square of the largest side of all. Height and width each have their own largest."""
    side = max(max(image.shape[1:]) for image, _ in samples)
    return _collate(samples, multiple, frame=lambda sides, multiple: -(-side // multiple) * multiple)


@collate_with_mask.mistake(credit=0.25)
def in_the_last_corner(samples: Samples, multiple: int) -> tuple:
    """The images stand at the bottom right. They belong at the top left, so that the padding is below and beside
    them."""
    return _collate(samples, multiple, end=True)


@collate_with_mask.mistake(credit=0.5)
def float32_frame(samples: Samples, multiple: int) -> tuple:
    """`torch.zeros` makes float32 unless it is told otherwise; the batch has the dtype of the images."""
    return _collate(samples, multiple, dtype=torch.float32)


@collate_with_mask.mistake(credit=0.5)
def mask_of_channels(samples: Samples, multiple: int) -> tuple:
    """The mask has channels. A place is padding in all of them or in none, so it needs one number: (B, H, W)."""
    images, mask, labels = _collate(samples, multiple)
    return images, mask[:, None].expand(images.shape), labels


@collate_with_mask.mistake(credit=0.5)
def list_of_labels(samples: Samples, multiple: int) -> tuple:
    """The labels are still a list. A loss wants a tensor, and a list is not moved to a GPU by `.to`."""
    images, mask, _ = _collate(samples, multiple)
    return images, mask, [label for _, label in samples]


# --- worker_seed: a bug hunt --------------------------------------------------------------------------------------

SEED_LIMIT = 2**32


def _who(seeds: list[int], epochs: list[int], ranks: int, workers: int) -> list[tuple[int, int, int, int]]:
    return list(itertools.product(seeds, epochs, range(ranks), range(workers)))


def _who_meets_whom(answer: Callable, seeds: list[int], epochs: list[int], ranks: int, workers: int) -> object:
    """What matters of the seeds, whatever they are: the first that is not one, that changes, that two have."""
    rounds = []
    for number in (0, 1):
        with beside(answer).process(number) as hashed:
            calls = [(*who, workers) for who in _who(seeds, epochs, ranks, workers)]
            rounds.append(beside(answer).answers(answer, calls))
    first, second = ([_whole(seed) for seed in each] for each in rounds)
    found: dict[str, object] = {"kind": None, "outside": None, "changes": None, "hashed": False, "meet": None}
    for k, seed in enumerate(first):
        if seed is None:
            return {**found, "kind": show(rounds[0][k])}
        if not 0 <= seed < SEED_LIMIT and found["outside"] is None:
            found["outside"] = k
        if seed != second[k] and found["changes"] is None:
            found["changes"], found["hashed"] = k, bool(hashed.strings)
        if seed in first[:k] and found["meet"] is None:
            found["meet"] = [first.index(seed), k]
    return found


def _mixed(*numbers: int) -> int:
    return random.Random(", ".join(map(str, numbers))).getrandbits(32)


@exercise(
    lambda seed, epoch, rank, worker, workers: _mixed(seed, epoch, rank, worker),
    probe=_who_meets_whom,
    always=(
        {"seeds": [0], "epochs": [0, 1], "ranks": 1, "workers": 1},
        {"seeds": [0, 1], "epochs": [0, 1, 2], "ranks": 2, "workers": 3},
        {"seeds": [1, 11, 2**31], "epochs": [1, 11, 111, 1000], "ranks": 3, "workers": 2},
        {"seeds": [6, 5], "epochs": [2, 1], "ranks": 12, "workers": 2},
        {"seeds": [3], "epochs": [0, 1], "ranks": 64, "workers": 3},
    ),
    seeds=sampled_from([[0], [0, 1], [41, 42], [0, 2, 4], [3, 1003]]),
    epochs=sampled_from([[0], [0, 1], [0, 1, 2], [7, 8, 9], [0, 10, 100]]),
    ranks=integers(1, 4),
    workers=integers(1, 3),
)
def worker_seed(seeds: list[int], epochs: list[int], ranks: int, workers: int) -> Arguments:
    """A seed for every worker of every rank in every epoch."""
    return {"seeds": seeds, "epochs": epochs, "ranks": ranks, "workers": workers}


@worker_seed.same_everywhere
def seeds_of_all(answer: Callable, seeds: list[int], epochs: list[int], ranks: int, workers: int) -> object:
    """The seed of each, by whoever asks."""
    asked = [(*who, workers) for who in _who(seeds, epochs, ranks, workers)]
    return [_whole(seed) for seed in beside(answer).answers(answer, asked)]


@worker_seed.judge
def say_who_meets(got: object, want: dict, seeds: list[int], epochs: list[int], ranks: int, workers: int) -> str | None:
    """Name two workers that have one seed."""
    if not isinstance(got, dict):
        return difference(got, want)
    everyone = [
        f"seed {seed}, epoch {epoch}, rank {rank}, worker {worker}"
        for seed, epoch, rank, worker in _who(seeds, epochs, ranks, workers)
    ]
    if got["kind"] is not None:
        return f"the seed of worker 0 is {got['kind']}; expected a whole number"
    if got["changes"] is not None:
        why = ": the hash of a string is another one there" if got["hashed"] else ""
        return f"asked again in another process, it gives another number for {everyone[got['changes']]}{why}"
    if got["meet"] is not None:
        one, other = (everyone[k] for k in got["meet"])
        return f"two have the same number: {one}; and {other}"
    if got["outside"] is not None:
        return f"the number for {everyone[got['outside']]} is not from 0 to 2**32 - 1"
    return difference(got, want)


@worker_seed.mistake
def same_in_every_epoch(seed: int, epoch: int, rank: int, worker: int, workers: int) -> int:
    """The epoch does not enter. The workers of the next epoch begin with the same seeds, and throw the same dice."""
    return workers * rank + worker + seed


@worker_seed.mistake
def all_added_up(seed: int, epoch: int, rank: int, worker: int, workers: int) -> int:
    """In a sum, one more here and one less there is the same: worker 1 of rank 0 and worker 0 of rank 1."""
    return seed + epoch + rank + worker


@worker_seed.mistake
def epoch_added(seed: int, epoch: int, rank: int, worker: int, workers: int) -> int:
    """Adding the epoch moves all seeds up by one, so worker 0 gets the seed that worker 1 had an epoch before."""
    return workers * rank + worker + seed + epoch


@worker_seed.mistake
def all_multiplied(seed: int, epoch: int, rank: int, worker: int, workers: int) -> int:
    """In a product the factors can change places, as the terms of a sum can: 2 times 1 is 1 times 2."""
    return (seed + 1) * (epoch + 1) * (rank + 1) * (worker + 1)


@worker_seed.mistake(credit=0.25)
def steps_of_a_thousand(seed: int, epoch: int, rank: int, worker: int, workers: int) -> int:
    """The epochs stand far apart, and the seed of the run is added to that. So worker 0 of a run with seed 1 throws the
    dice of worker 1 of a run with seed 0. Seed and epoch must be mixed, too."""
    return 1000 * epoch + workers * rank + worker + seed


@worker_seed.mistake
def ranks_alike(seed: int, epoch: int, rank: int, worker: int, workers: int) -> int:
    """The rank does not enter, so worker 0 of every rank throws the same dice."""
    return _mixed(seed, epoch, worker)


@worker_seed.mistake
def workers_alike(seed: int, epoch: int, rank: int, worker: int, workers: int) -> int:
    """The worker does not enter, so all workers of a rank throw the same dice. That was the state of affairs before
    PyTorch 1.9."""
    return _mixed(seed, epoch, rank)


@worker_seed.mistake(credit=0.25)
def digits_in_a_row(seed: int, epoch: int, rank: int, worker: int, workers: int) -> int:
    """The digits are written one after the other, and nothing says where a number ends: 1 and 11 look like 11 and 1.
    Put something between them."""
    return int(f"{seed}{epoch}{rank}{worker}") % SEED_LIMIT


@worker_seed.mistake(credit=0.5)
def too_large(seed: int, epoch: int, rank: int, worker: int, workers: int) -> int:
    """No two are alike, but the numbers grow beyond 32 bits, and `np.random.seed` takes no more."""
    return seed * 10**12 + epoch * 10**8 + rank * 10**4 + worker


@worker_seed.mistake
def thrown(seed: int, epoch: int, rank: int, worker: int, workers: int) -> int:
    """The number does not depend on the arguments alone, so the run cannot be repeated. A clock, a process id and the
    global generators differ from run to run."""
    return random.getrandbits(32)


@worker_seed.mistake(credit=0.25)
def hash_of_a_string(seed: int, epoch: int, rank: int, worker: int, workers: int) -> int:
    """Python salts the hash of a string anew in each process, so a second run gets other seeds. `random.Random` takes a
    string as its seed, and does not salt it."""
    return hash(f"{seed}, {epoch}, {rank}, {worker}") % SEED_LIMIT


# --- weighted_shard -----------------------------------------------------------------------------------------------

Shard = tuple[list[int], list[float]]


def _weigh_all(answer: Callable, length: int, ranks: int) -> object:
    """How many each rank gets, an index that is not one, and what each sample weighs over all ranks."""
    totals, lengths, outside = [0.0] * length, [], None
    for rank in range(ranks):
        shard = answer(length, ranks, rank)
        parts = [_numbers(part) for part in shard] if isinstance(shard, (list, tuple)) else []
        if len(parts) != 2 or None in parts or None in map(_whole, parts[0]):
            return f"rank {rank} gets {show(shard)}"
        lengths.append([len(parts[0]), len(parts[1])])
        for index, weight in zip(*parts, strict=False):
            if 0 <= index < length:
                totals[index] += float(weight)
            elif outside is None:
                outside = [rank, index]
    return {"lengths": lengths, "outside": outside, "totals": totals}


def _weighted_shard(length: int, ranks: int, rank: int) -> Shard:
    places = range(rank, -(-length // ranks) * ranks, ranks)
    return [place % length for place in places], [float(place < length) for place in places]


@exercise(
    _weighted_shard,
    probe=_weigh_all,
    always=(
        {"length": 5, "ranks": 4},
        {"length": 6, "ranks": 3},
        {"length": 2, "ranks": 5},
        {"length": 11, "ranks": 2},
    ),
    length=integers(1, 13),
    ranks=integers(1, 6),
)
def weighted_shard(length: int, ranks: int) -> Arguments:
    """Shards of equal length, in which every sample counts once."""
    return {"length": length, "ranks": ranks}


@weighted_shard.judge
def say_what_a_sample_weighs(got: object, want: dict, length: int, ranks: int) -> str | None:
    """Lengths, then indices, then weights."""
    if not isinstance(got, dict):
        return f"{got}; expected a list of indices and a list of weights"
    for rank, (indices, weights) in enumerate(got["lengths"]):
        if indices != weights:
            return f"rank {rank} gets {indices} indices and {weights} weights"
    each = [indices for indices, _ in got["lengths"]]
    if len(set(each)) > 1:
        return f"the ranks get {each} samples, in this order; all are to get equally many"
    if got["outside"] is not None:
        rank, index = got["outside"]
        return f"rank {rank} gets the index {index}; the samples are numbered 0 to {length - 1}"
    for sample, total in enumerate(got["totals"]):
        if abs(total - 1) > 1e-6:
            return f"over all ranks, sample {sample} weighs {show(total)}; expected 1"
    right = want["lengths"][0][0]
    if each[0] != right:
        return f"each rank gets {each[0]} samples; {right} would do"
    return difference(got, want)


@weighted_shard.mistake
def padding_counts(length: int, ranks: int, rank: int) -> Shard:
    """The samples that were repeated to fill the shards are counted again. Their second place must weigh nothing."""
    indices, weights = _weighted_shard(length, ranks, rank)
    return indices, [1.0] * len(weights)


@weighted_shard.mistake
def shards_of_any_length(length: int, ranks: int, rank: int) -> Shard:
    """Each sample counts once, but some ranks have a sample more, and would wait for the others in that step. Fill the
    shorter shards, with places that weigh nothing."""
    indices = list(range(rank, length, ranks))
    return indices, [1.0] * len(indices)


@weighted_shard.mistake
def rest_dropped(length: int, ranks: int, rank: int) -> Shard:
    """What does not divide evenly is dropped, and never scored."""
    indices = list(range(rank, length // ranks * ranks, ranks))
    return indices, [1.0] * len(indices)


@weighted_shard.mistake(credit=0.5)
def padded_by_a_slice(length: int, ranks: int, rank: int) -> Shard:
    """The pack is filled with a slice from its front, and a slice cannot be longer than the pack. With fewer than half
    as many samples as ranks some ranks still get none; the front must be repeated several times."""
    pack = list(range(length))
    pack += pack[: -length % ranks]
    places = range(rank, len(pack), ranks)
    return [pack[place] for place in places], [float(place < length) for place in places]


@weighted_shard.mistake(credit=0.5)
def one_round_too_many(length: int, ranks: int, rank: int) -> Shard:
    """Where the samples divide evenly, a whole round of padding is dealt for nothing. `length // ranks + 1` rounds up
    only what does not divide."""
    places = range(rank, (length // ranks + 1) * ranks, ranks)
    return [place % length for place in places], [float(place < length) for place in places]


@weighted_shard.mistake(credit=0.5)
def padded_with_nothing(length: int, ranks: int, rank: int) -> Shard:
    """The weights are right, but the padding is not the number of a sample, and the dataset will be asked for it. Any
    sample will do."""
    places = range(rank, -(-length // ranks) * ranks, ranks)
    return list(places), [float(place < length) for place in places]


@weighted_shard.mistake
def last_place_weighs_nothing(length: int, ranks: int, rank: int) -> Shard:
    """The last place of every rank weighs nothing. Only some of these places are padding, or none of them."""
    indices, weights = _weighted_shard(length, ranks, rank)
    return indices, [*weights[:-1], 0.0]


@weighted_shard.mistake
def shares_of_a_rank(length: int, ranks: int, rank: int) -> Shard:
    """The weights of one rank add up to 1. That makes every rank's mean count alike, however many samples it has: a
    mean of means."""
    indices, weights = _weighted_shard(length, ranks, rank)
    return indices, [weight / (sum(weights) or 1) for weight in weights]


# --- tell_epoch: a bug hunt ---------------------------------------------------------------------------------------


class _Loader(DataLoader):
    """A loader that a message shows with what is in it."""

    def __repr__(self) -> str:
        if isinstance(self.batch_sampler, BatchSampler) and self.batch_sampler.sampler is self.sampler:
            return f"DataLoader(sampler={_describe(self.sampler)})"
        if self.batch_sampler is None:
            return f"DataLoader(batch_size=None, sampler={_describe(self.sampler)})"
        return f"DataLoader(batch_sampler={_describe(self.batch_sampler)})"


def _describe(sampler: object) -> str:
    if isinstance(sampler, list):
        return str(sampler)
    inner = [getattr(sampler, name) for name in ("sampler", "batch_sampler") if hasattr(sampler, name)]
    return f"{type(sampler).__name__}({', '.join(map(_describe, inner))})"


class Backwards(Sampler):
    """Another sampler from its end; knows of no epoch."""

    def __init__(self, sampler: Sequence) -> None:
        self.sampler = sampler

    def __iter__(self) -> Iterator[int]:
        return reversed(list(self.sampler))

    def __len__(self) -> int:
        return len(self.sampler)


class Rotated(Sampler):
    """Another sampler, from one place further on in each epoch."""

    def __init__(self, sampler: Sequence) -> None:
        self.sampler, self.epoch = sampler, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        order = list(self.sampler)
        place = self.epoch % len(order)
        return iter(order[place:] + order[:place])

    def __len__(self) -> int:
        return len(self.sampler)


class LastFirst(Sampler):
    """Another sampler's batches from the last to the first; knows of no epoch."""

    def __init__(self, batch_sampler: Sampler) -> None:
        self.batch_sampler = batch_sampler

    def __iter__(self) -> Iterator[list[int]]:
        return reversed(list(self.batch_sampler))

    def __len__(self) -> int:
        return len(self.batch_sampler)


def _inside(holder: object) -> Iterator[object]:
    """All samplers within a loader or sampler, from outside to inside."""
    for name in ("sampler", "batch_sampler"):
        if (sampler := getattr(holder, name, None)) is not None:
            yield sampler
            yield from _inside(sampler)


def _tell_all(loader: DataLoader, epoch: int) -> None:
    for sampler in _inside(loader):
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(epoch)


def _epochs_and_batches(answer: Callable, loader: DataLoader, epoch: int) -> list:
    """Which epoch each sampler is in, and the batches, in two epochs."""
    found = []
    for number in (epoch, epoch + 1):
        answer(loader, number)
        told = {each.__class__.__name__: each.epoch for each in _inside(loader) if hasattr(each, "epoch")}
        batches = [batch.tolist() if isinstance(batch, Tensor) else batch for batch in loader]
        found.append({"told": told, "batches": batches})
    return found


@exercise(
    _tell_all,
    probe=_epochs_and_batches,
    always=(
        {"inner": "distributed", "around": [], "place": "sampler", "epoch": 1},
        {"inner": "distributed", "around": [], "place": "batch_sampler", "epoch": 1},
        {"inner": "sequential", "around": [], "place": "sampler", "epoch": 2},
        {"inner": "global", "around": [], "place": "batch_sampler", "epoch": 2},
        {"inner": "distributed", "around": ["backwards"], "place": "sampler", "epoch": 1},
        {"inner": "distributed", "around": ["rotated"], "place": "batch_sampler", "epoch": 3},
        {"inner": "distributed", "around": [], "place": "last_first", "epoch": 1},
        {"inner": "global", "around": [], "place": "last_first", "epoch": 4},
        {"inner": "distributed", "around": ["backwards"], "place": "unbatched", "epoch": 1},
        {"inner": "list", "around": ["rotated", "backwards"], "place": "unbatched", "epoch": 1},
    ),
    inner=sampled_from(["distributed", "sequential", "global", "list"]),
    around=lists(sampled_from(["backwards", "rotated"]), max_size=2, unique=True),
    place=sampled_from(["batch_sampler", "sampler", "last_first", "unbatched"]),
    epoch=integers(1, 5),
)
def tell_epoch(inner: str, around: list[str], place: str, epoch: int) -> Arguments:
    """A loader whose samplers are to learn the epoch."""
    samples = range(9)
    if inner == "global":  # it deals batches by itself, so nothing stands around it
        from swinlib.data import GlobalBatchSampler  # here, since it costs a sandbox a second

        batches = GlobalBatchSampler(len(samples), 4, 2, 1)
        loader = _Loader(samples, batch_sampler=LastFirst(batches) if place == "last_first" else batches)
        return {"loader": loader, "epoch": epoch}
    make = {
        "distributed": lambda: DistributedSampler(samples, 2, 1),
        "sequential": lambda: SequentialSampler(samples),
        "list": lambda: [8, 3, 1, 5],
    }
    sampler = make[inner]()
    for name in around:
        sampler = {"backwards": Backwards, "rotated": Rotated}[name](sampler)
    if place == "sampler":
        loader = _Loader(samples, 2, sampler=sampler)
    elif place == "unbatched":
        loader = _Loader(samples, None, sampler=sampler)
    else:
        batches = BatchSampler(sampler, 2, False)
        loader = _Loader(samples, batch_sampler=LastFirst(batches) if place == "last_first" else batches)
    return {"loader": loader, "epoch": epoch}


@tell_epoch.judge
def say_who_was_not_told(got: object, want: list, loader: DataLoader, epoch: int) -> str | None:
    """Name the sampler that is in another epoch."""
    for number, mine, right in zip((epoch, epoch + 1), got, want, strict=True):
        for name, told in mine["told"].items():
            if told != number:
                return f"after tell_epoch(loader, {number}) the {name} is in epoch {show(told)}"
        if problem := difference(mine["batches"], right["batches"], name="the list of batches"):
            return f"after tell_epoch(loader, {number}) {problem}"
    return difference(got, want)


@tell_epoch.mistake
def loaders_sampler_only(loader: DataLoader, epoch: int) -> None:
    """Only `loader.sampler` is told. A loader that was made with a `batch_sampler` has a `SequentialSampler` there,
    which nobody uses."""
    if hasattr(loader.sampler, "set_epoch"):
        loader.sampler.set_epoch(epoch)


@tell_epoch.mistake(credit=0.25)
def both_of_the_loaders(loader: DataLoader, epoch: int) -> None:
    """`loader.sampler` and `loader.batch_sampler` are told. A plain `BatchSampler` has no `set_epoch`; the sampler that
    shuffles is inside it."""
    for sampler in (loader.sampler, loader.batch_sampler):
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(epoch)


@tell_epoch.mistake(credit=0.25)
def sampler_of_the_batch_sampler(loader: DataLoader, epoch: int) -> None:
    """`loader.sampler` is told, or else `loader.batch_sampler.sampler`. A batch sampler can have a `set_epoch` of its
    own and no sampler inside, or have it deeper inside."""
    if hasattr(loader.sampler, "set_epoch"):
        loader.sampler.set_epoch(epoch)
    elif hasattr(getattr(loader.batch_sampler, "sampler", None), "set_epoch"):
        loader.batch_sampler.sampler.set_epoch(epoch)


@tell_epoch.mistake(credit=0.25)
def two_levels(loader: DataLoader, epoch: int) -> None:
    """`loader.sampler`, `loader.batch_sampler` and what is inside that are told. A sampler can be wrapped once
    more."""
    inner = getattr(loader.batch_sampler, "sampler", None)
    for sampler in (loader.sampler, loader.batch_sampler, inner):
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(epoch)


@tell_epoch.mistake(credit=0.5)
def first_that_listens(loader: DataLoader, epoch: int) -> None:
    """It stops at the first sampler that has `set_epoch`. That one need not hand the number on to the sampler
    inside."""
    for sampler in _inside(loader):
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(epoch)
            return


@tell_epoch.mistake
def without_asking(loader: DataLoader, epoch: int) -> None:
    """Not every sampler has a `set_epoch`. Ask before you call it."""
    for sampler in _inside(loader):
        sampler.set_epoch(epoch)


@tell_epoch.mistake(credit=0.25)
def distributed_only(loader: DataLoader, epoch: int) -> None:
    """Only a `DistributedSampler` is told. Other samplers have a `set_epoch` too, swinlib's for example: ask for the
    method, not for the class."""
    for sampler in _inside(loader):
        if isinstance(sampler, DistributedSampler):
            sampler.set_epoch(epoch)


@tell_epoch.mistake(credit=0.25)
def one_further(loader: DataLoader, epoch: int) -> None:
    """The samplers keep counting by themselves, from whatever epoch they were in; a run that is resumed begins at 0
    again. Give them the number."""
    for sampler in {id(sampler): sampler for sampler in _inside(loader)}.values():
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(sampler.epoch + 1)


# --- ResumingSampler ----------------------------------------------------------------------------------------------


class _ResumingSampler(DistributedSampler):
    """The right answer; the methods below it are what the mistakes change."""

    seen = 0

    def set_epoch(self, epoch: int, seen: int = 0) -> None:
        self.epoch, self.seen = epoch, seen

    def pack(self) -> list[int]:
        whole = DistributedSampler(self.dataset, 1, 0, self.shuffle, self.seed)
        whole.set_epoch(self.epoch)
        return list(whole)

    def __iter__(self) -> Iterator[int]:
        return iter(self.deal(self.pack()[self.seen :]))

    def deal(self, rest: list[int]) -> list[int]:
        rounds = -(-len(rest) // self.num_replicas)
        return [rest[place % len(rest)] for place in range(self.rank, rounds * self.num_replicas, self.num_replicas)]

    def __len__(self) -> int:
        return math.ceil((len(self.dataset) - self.seen) / self.num_replicas)


def _resumed(answer: Callable, samples: range, ranks: int, shuffle: bool, seed: int, epoch: int, seen: int) -> dict:
    """What every rank gets, at first, after the call, in a second loop, and in the next epoch."""
    found: dict[str, list] = {when: [] for when in RESUMED}
    for rank in range(ranks):
        sampler = answer(samples, ranks, rank, shuffle=shuffle, seed=seed)

        def note(when: str, sampler: object = sampler) -> None:
            found[when].append([[_whole(index) for index in sampler], len(sampler)])

        note("made")
        sampler.set_epoch(epoch, seen)
        note("resumed")
        note("again")
        sampler.set_epoch(epoch + 1)
        note("next")
    return found


RESUMED = {
    "made": "before any call of set_epoch",
    "resumed": "after set_epoch({epoch}, {seen})",
    "again": "after set_epoch({epoch}, {seen}), in a second loop,",
    "next": "after set_epoch({epoch}, {seen}) and then set_epoch({later})",
}


@exercise(
    _ResumingSampler,
    probe=_resumed,
    always=(
        {"length": 8, "ranks": 2, "shuffle": True, "seed": 0, "epoch": 3, "seen": 4},
        {"length": 11, "ranks": 3, "shuffle": True, "seed": 5, "epoch": 1, "seen": 4},
        {"length": 9, "ranks": 4, "shuffle": False, "seed": 0, "epoch": 2, "seen": 8},
        {"length": 6, "ranks": 2, "shuffle": True, "seed": 1, "epoch": 0, "seen": 6},
        {"length": 2, "ranks": 5, "shuffle": True, "seed": 0, "epoch": 0, "seen": 0},
    ),
    length=integers(1, 12),
    ranks=integers(1, 4),
    shuffle=booleans(),
    seed=integers(0, 3),
    epoch=integers(0, 4),
    seen=integers(0, 12),
)
def ResumingSampler(  # noqa: N802 - a class of the page
    length: int, ranks: int, shuffle: bool, seed: int, epoch: int, seen: int
) -> Arguments:
    """The rest of an epoch that was cut off, dealt to any number of ranks."""
    return {
        "samples": range(length),
        "ranks": ranks,
        "shuffle": shuffle,
        "seed": seed,
        "epoch": epoch,
        "seen": min(seen, length),
    }


@ResumingSampler.judge
def say_what_a_rank_gets(
    got: dict, want: dict, samples: range, ranks: int, shuffle: bool, seed: int, epoch: int, seen: int
) -> str | None:
    """The first moment, the first rank that gets something else."""
    for when, words in RESUMED.items():
        words = words.format(epoch=epoch, seen=seen, later=epoch + 1)
        for rank, (mine, right) in enumerate(zip(got[when], want[when], strict=True)):
            if mine[0] != right[0]:
                return f"{words} rank {rank} gets {show(mine[0])}; expected {show(right[0])}"
            if mine[1] != right[1]:
                return (
                    f"{words} len(sampler) of rank {rank} is {show(mine[1])}, and the number of its samples {right[1]}"
                )
    return None


@ResumingSampler.mistake
class EverAfter(_ResumingSampler):
    """The samples that were skipped once are skipped in the next epoch as well, and in all that follow. `set_epoch`
    without a second argument means a whole epoch."""

    def set_epoch(self, epoch: int, seen: int | None = None) -> None:
        self.epoch, self.seen = epoch, self.seen if seen is None else seen


@ResumingSampler.mistake(credit=0.5)
class LengthOfAnEpoch(_ResumingSampler):
    """The right samples come, but the length is still that of a whole epoch. `len(loader)` is computed from it, and
    with it progress bars and learning rates."""

    def __len__(self) -> int:
        return self.num_samples


@ResumingSampler.mistake(credit=0.25)
class SkippedAfterDealing(_ResumingSampler):
    """Each rank deals the whole pack and skips its share of what was seen. That fits while the number of ranks stays
    the same. With another number, the seen ones need not divide evenly, and the padding belongs to the rest. Take the
    seen cards off the pack first, then deal."""

    def __iter__(self) -> Iterator[int]:
        return iter(self.deal(self.pack())[self.seen // self.num_replicas :])

    def __len__(self) -> int:
        return self.num_samples - self.seen // self.num_replicas


@ResumingSampler.mistake
class SeenByEachRank(_ResumingSampler):
    """`seen` is skipped by every rank. It is the number that all ranks have seen together."""

    def __iter__(self) -> Iterator[int]:
        return iter(self.deal(self.pack())[self.seen :])


@ResumingSampler.mistake(credit=0.5)
class PaddedWithTheSeen(_ResumingSampler):
    """The padding is taken from the front of the whole pack, which has been seen. Take it from the front of the
    rest."""

    def __iter__(self) -> Iterator[int]:
        pack = self.pack()
        rest = pack[self.seen :]
        pack *= self.num_replicas
        rest += pack[: -len(rest) % self.num_replicas]
        return iter(rest[self.rank :: self.num_replicas])


@ResumingSampler.mistake(credit=0.25)
class RestNotPadded(_ResumingSampler):
    """The rest is dealt as it is, so some ranks get a sample more, and will wait for the others in the last step."""

    def deal(self, rest: list[int]) -> list[int]:
        return rest[self.rank :: self.num_replicas]


@ResumingSampler.mistake(credit=0.25)
class RestDropped(_ResumingSampler):
    """What does not divide evenly is dropped. Here it is padded, as `DistributedSampler` does it unless it is told
    otherwise."""

    def deal(self, rest: list[int]) -> list[int]:
        return rest[: len(rest) // self.num_replicas * self.num_replicas][self.rank :: self.num_replicas]

    def __len__(self) -> int:
        return (len(self.dataset) - self.seen) // self.num_replicas


@ResumingSampler.mistake(credit=0.5)
class PaddedByASlice(_ResumingSampler):
    """The rest is padded by a slice from its front, which cannot be longer than the rest. With one sample left and four
    ranks, the one has to be repeated three times."""

    def deal(self, rest: list[int]) -> list[int]:
        return (rest + rest[: -len(rest) % self.num_replicas])[self.rank :: self.num_replicas]


@ResumingSampler.mistake
class SkippedOnce(_ResumingSampler):
    """The first loop forgets what was seen, so the second gives a whole epoch. What a sampler gives depends on what it
    was told last, and not on how often it was asked: a progress bar may ask, too."""

    def __iter__(self) -> Iterator[int]:
        mine = self.deal(self.pack()[self.seen :])
        self.seen = 0
        return iter(mine)


@ResumingSampler.mistake
class ShuffledAnew(_ResumingSampler):
    """The rest is shuffled once more. The order of an epoch follows from seed and epoch, and the run that goes on is to
    have the order of the one that was cut off."""

    def __iter__(self) -> Iterator[int]:
        rest = self.pack()[self.seen :]
        if self.seen and self.shuffle:
            random.Random(self.epoch).shuffle(rest)
        return iter(self.deal(rest))


# --- grouped_batches ----------------------------------------------------------------------------------------------

Batches = list[list[int]]
ENOUGH = 24  # so many samples that two shuffled epochs are never alike by chance
FEW_RUNS = ((0, 0), (1, 3))
MANY_RUNS = (*((0, epoch) for epoch in range(6)), (1, 0), (1, 1), (5, 2))  # seed, epoch


def _batches_of_all(
    answer: Callable, groups: list[int], batch_size: int, ranks: int, seed: int, epoch: int, *, process: int = 0
) -> object:
    """The batches of every rank, each rank in a process of its own; or what came instead, as text."""
    everyone = []
    for rank in range(ranks):
        with beside(answer).process(process + rank):
            batches = answer(groups, batch_size, ranks, rank, epoch, seed)
        if (plain := _plain_batches(batches)) is None:
            return show(batches)
        everyone.append(plain)
    return everyone


def _plain_batches(batches: object) -> Batches | None:
    """Batches as lists of numbers, if that is what they are."""
    plain = batches.tolist() if isinstance(batches, Tensor) else batches
    plain = [_numbers(batch) for batch in plain] if isinstance(plain, (list, tuple)) else None
    if plain is None or any(batch is None or None in map(_whole, batch) for batch in plain):
        return None
    return plain


def _what_matters(answer: Callable, groups: list[int], batch_size: int, ranks: int) -> object:
    """Facts about the batches that do not depend on how the learner shuffles."""
    length = len(groups)
    given = list(groups)
    facts: dict[str, object] = {}
    first: list | None = None
    everything, together, orders = [], [], []
    for seed, epoch in MANY_RUNS if length >= ENOUGH else FEW_RUNS:
        everyone = _batches_of_all(answer, given, batch_size, ranks, seed, epoch)
        if isinstance(everyone, str):
            return everyone
        first = first or everyone
        where = [seed, epoch]
        steps = [len(batches) for batches in everyone]
        every = list(itertools.chain(*everyone))
        sizes = sorted({len(batch) for batch in every})
        indices = list(itertools.chain(*every))
        if outside := [index for index in indices if not 0 <= index < length]:
            facts.setdefault("outside", [*where, outside[0]])
            continue
        if len(set(steps)) > 1:
            facts.setdefault("steps", [*where, steps])
        if sizes != [batch_size]:
            facts.setdefault("sizes", [*where, sizes])
        # by step, the groups of each rank's batch
        kinds = [
            [sorted({groups[index] for index in batch}) for batch in step] for step in zip(*everyone, strict=False)
        ]
        if any(len(each) > 1 for step in kinds for each in step):
            facts.setdefault("mixed batch", where)
        elif any(each != step[0] for step in kinds for each in step):
            facts.setdefault("ranks apart", where)
        for group in sorted(set(groups)):
            times = [indices.count(index) for index in range(length) if groups[index] == group]
            rounds = -(-len(times) // (batch_size * ranks))
            if min(times) == 0:
                facts.setdefault("lost", [*where, group])
            elif sum(times) != rounds * batch_size * ranks:
                facts.setdefault("places", [*where, group, sum(times), rounds * batch_size * ranks])
            elif max(times) - min(times) > 1:
                facts.setdefault("uneven", [*where, group, min(times), max(times)])
        everything.append(everyone)
        together.append(sorted(sorted(itertools.chain(*step)) for step in zip(*everyone, strict=False)))
        orders.append([step[0] for step in kinds])
    seed, epoch = FEW_RUNS[0]
    elsewhere = _batches_of_all(answer, given, batch_size, ranks, seed, epoch, process=ranks)
    facts["repeats"] = elsewhere == first
    facts["groups kept"] = given == list(groups)
    if length >= ENOUGH and len(together) == len(MANY_RUNS):
        pairs = itertools.combinations(range(len(together)), 2)
        facts["frozen"] = everything[0] == everything[1]
        facts["alike"] = next(
            ([list(MANY_RUNS[a]), list(MANY_RUNS[b])] for a, b in pairs if together[a] == together[b]), None
        )
        if len(set(groups)) > 1:
            facts["one order of groups"] = all(order == orders[0] for order in orders)
            runs = [len(list(itertools.groupby(order))) for order in orders]
            facts["in blocks"] = all(number == len(set(groups)) for number in runs)
    return facts


def _grouped_batches(
    groups: list[int],
    batch_size: int,
    ranks: int,
    rank: int,
    epoch: int,
    seed: int,
    *,
    dice: random.Random | None = None,
    fill: Callable[[list[int], int], list[int]] = lambda pack, size: [
        pack[place % len(pack)] for place in range(-(-len(pack) // size) * size)
    ],
    shuffle_samples: bool = True,
    shuffle_steps: bool = True,
) -> Batches:
    """The right answer; each option spoils a part of it."""
    dice = dice or random.Random(f"{seed}, {epoch}")
    size, steps = batch_size * ranks, []
    for group in sorted(set(groups)):
        pack = [index for index, each in enumerate(groups) if each == group]
        if shuffle_samples:
            dice.shuffle(pack)
        pack = fill(pack, size)
        steps += [pack[k : k + size] for k in range(0, len(pack), size)]
    if shuffle_steps:
        dice.shuffle(steps)
    return [step[rank::ranks] for step in steps]


@exercise(
    _grouped_batches,
    probe=_what_matters,
    always=(
        {"groups": [0, 1] * 14, "batch_size": 2, "ranks": 2},
        {"groups": [0, 0, 1] * 5, "batch_size": 2, "ranks": 3},
        {"groups": [4, -1, 4, 4, 4], "batch_size": 2, "ranks": 2},
        {"groups": [0, 1, 2, 1] * 7, "batch_size": 3, "ranks": 1},
        {"groups": [3] * 8 + [2] * 16, "batch_size": 2, "ranks": 2},
    ),
    groups=lists(sampled_from([0, 1, 5]), min_size=1, max_size=12),
    batch_size=integers(1, 3),
    ranks=integers(1, 3),
    inputs=20,
)
def grouped_batches(groups: list[int], batch_size: int, ranks: int) -> Arguments:
    """Batches of one group each, dealt evenly to the ranks."""
    return {"groups": groups, "batch_size": batch_size, "ranks": ranks}


@grouped_batches.same_everywhere
def batches_of_all(answer: Callable, groups: list[int], batch_size: int, ranks: int) -> object:
    """What each rank gets in each of a few epochs, as it comes."""
    return [
        _plain_batches(answer(list(groups), batch_size, ranks, rank, epoch, seed))
        for seed, epoch in FEW_RUNS
        for rank in range(ranks)
    ]


@grouped_batches.judge
def say_which_rule(got: object, want: dict, groups: list[int], batch_size: int, ranks: int) -> str | None:
    """The first rule that is broken, in the order of the statement."""
    if not isinstance(got, dict):
        return f"a rank gets {got}; expected a list of batches, each a list of indices"

    def when(fact: list) -> str:
        return f"with seed {fact[0]} in epoch {fact[1]}"

    if fact := got.get("outside"):
        return f"{when(fact)} a batch has the index {fact[2]}; the samples are numbered 0 to {len(groups) - 1}"
    if fact := got.get("mixed batch"):
        return f"{when(fact)} a batch has samples of two groups"
    if fact := got.get("steps"):
        return f"{when(fact)} the ranks have {fact[2]} batches, in this order; all are to have equally many"
    if fact := got.get("sizes"):
        sizes = " and of ".join(map(str, fact[2]))
        found = f"batches of size {sizes}; all are to be of size {batch_size}" if sizes else "no batches"
        return f"{when(fact)} there are {found}"
    if not got["repeats"]:
        return "in another process the same arguments give other batches; only the arguments may decide"
    if fact := got.get("ranks apart"):
        return f"{when(fact)} there is a step in which two ranks have batches of different groups"
    if fact := got.get("lost"):
        return f"{when(fact)} a sample of group {fact[2]} is in no batch of any rank"
    if fact := got.get("places"):
        return f"{when(fact)} all ranks together have {fact[3]} places for group {fact[2]}; expected {fact[4]}"
    if fact := got.get("uneven"):
        return f"{when(fact)} the samples of group {fact[2]} come between {fact[3]} and {fact[4]} times each"
    if not got["groups kept"]:
        return "the list of groups that was given has been changed"
    if pair := got.get("alike"):
        (seed, epoch), (other, later) = pair
        if got["frozen"]:
            return "the batches of epochs 0 and 1 are the same, in the same order"
        return (
            f"seed {seed} in epoch {epoch} and seed {other} in epoch {later} put the same samples together in all steps"
        )
    if got.get("one order of groups"):
        return "the groups come in the same order in all epochs"
    if got.get("in blocks"):
        return "in all epochs each group comes as one block; its steps are to stand among those of the others"
    return difference(got, want)


@grouped_batches.mistake
def no_groups(groups: list[int], batch_size: int, ranks: int, rank: int, epoch: int, seed: int) -> Batches:
    """It looks like plain batches: the groups play no part."""
    return _grouped_batches([0] * len(groups), batch_size, ranks, rank, epoch, seed)


@grouped_batches.mistake
def grouped_after_dealing(groups: list[int], batch_size: int, ranks: int, rank: int, epoch: int, seed: int) -> Batches:
    """The samples are dealt first, and each rank groups its own hand. How many of a group a hand has is chance, so the
    ranks make unequal numbers of batches, and one waits for ever at the end. Group first, then deal."""
    hand = list(range(len(groups)))
    random.Random(f"{seed}, {epoch}").shuffle(hand)
    hand = hand[rank::ranks]
    mine = _grouped_batches([groups[index] for index in hand], batch_size, 1, 0, epoch, seed)
    return [[hand[place] for place in batch] for batch in mine]


@grouped_batches.mistake
def ranks_with_own_dice(groups: list[int], batch_size: int, ranks: int, rank: int, epoch: int, seed: int) -> Batches:
    """Each rank shuffles with dice of its own, so they deal from different packs: samples come twice, and others not at
    all. The rank decides only which cards of the common pack are taken."""
    return _grouped_batches(
        groups, batch_size, ranks, rank, epoch, seed, dice=random.Random(f"{seed}, {epoch}, {rank}")
    )


@grouped_batches.mistake
def global_dice(groups: list[int], batch_size: int, ranks: int, rank: int, epoch: int, seed: int) -> Batches:
    """The order comes from the global random generator, which is in another state in each process. Make a generator
    from seed and epoch."""
    return _grouped_batches(groups, batch_size, ranks, rank, epoch, seed, dice=random)


@grouped_batches.mistake(credit=0.25)
def incomplete_dropped(groups: list[int], batch_size: int, ranks: int, rank: int, epoch: int, seed: int) -> Batches:
    """The samples that do not fill a step are dropped, and a small group is never seen at all. Fill the last step by
    repetition."""
    return _grouped_batches(
        groups, batch_size, ranks, rank, epoch, seed, fill=lambda pack, size: pack[: len(pack) // size * size]
    )


@grouped_batches.mistake(credit=0.25)
def incomplete_kept(groups: list[int], batch_size: int, ranks: int, rank: int, epoch: int, seed: int) -> Batches:
    """The last step of a group is not filled, so its batches are smaller, or empty on some ranks."""
    return _grouped_batches(groups, batch_size, ranks, rank, epoch, seed, fill=lambda pack, size: pack)


@grouped_batches.mistake(credit=0.5)
def filled_by_a_slice(groups: list[int], batch_size: int, ranks: int, rank: int, epoch: int, seed: int) -> Batches:
    """A group is filled with a slice from its front, which cannot be longer than the group. A group of one sample has
    to repeat it until a step is full."""
    return _grouped_batches(
        groups, batch_size, ranks, rank, epoch, seed, fill=lambda pack, size: pack + pack[: -len(pack) % size]
    )


@grouped_batches.mistake(credit=0.25)
def last_one_repeated(groups: list[int], batch_size: int, ranks: int, rank: int, epoch: int, seed: int) -> Batches:
    """The last sample of a group fills all that is left of the step, so it comes many times while the others come once.
    Go through the group again from its front."""
    return _grouped_batches(
        groups,
        batch_size,
        ranks,
        rank,
        epoch,
        seed,
        fill=lambda pack, size: pack + pack[-1:] * (-len(pack) % size),
    )


@grouped_batches.mistake(credit=0.25)
def filled_rank_by_rank(groups: list[int], batch_size: int, ranks: int, rank: int, epoch: int, seed: int) -> Batches:
    """A group is filled to whole batches, and then to as many batches as there are ranks by repeating the last batch.
    Its samples come again though others are due; fill the whole step from the front of the group."""

    def fill(pack: list[int], size: int) -> list[int]:
        pack = [pack[place % len(pack)] for place in range(-(-len(pack) // batch_size) * batch_size)]
        while len(pack) % size:
            pack = pack + pack[-batch_size:]
        return pack

    return _grouped_batches(groups, batch_size, ranks, rank, epoch, seed, fill=fill)


@grouped_batches.mistake
def epoch_ignored(groups: list[int], batch_size: int, ranks: int, rank: int, epoch: int, seed: int) -> Batches:
    """The epoch does not enter, so every epoch is made of the same batches, as if nobody had called `set_epoch`."""
    return _grouped_batches(groups, batch_size, ranks, rank, epoch, seed, dice=random.Random(seed))


@grouped_batches.mistake(credit=0.5)
def seed_plus_epoch(groups: list[int], batch_size: int, ranks: int, rank: int, epoch: int, seed: int) -> Batches:
    """Seed and epoch are added, so the second epoch of a run with seed 0 is the first of a run with seed 1. Mix
    them."""
    return _grouped_batches(groups, batch_size, ranks, rank, epoch, seed, dice=random.Random(seed + epoch))


@grouped_batches.mistake(credit=0.5)
def group_after_group(groups: list[int], batch_size: int, ranks: int, rank: int, epoch: int, seed: int) -> Batches:
    """One group comes after the other, so the model sees high images only, and then wide ones only. Shuffle the steps,
    once all groups are cut."""
    return _grouped_batches(groups, batch_size, ranks, rank, epoch, seed, shuffle_steps=False)


@grouped_batches.mistake(credit=0.25)
def steps_shuffled_only(groups: list[int], batch_size: int, ranks: int, rank: int, epoch: int, seed: int) -> Batches:
    """The steps come in another order in each epoch, but the same samples are always together in a step. Shuffle the
    samples of a group before you cut it."""
    return _grouped_batches(groups, batch_size, ranks, rank, epoch, seed, shuffle_samples=False)
