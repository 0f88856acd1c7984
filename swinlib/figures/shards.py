"""Who gets which sample when several processes share a dataset: a picture and an interactive figure."""

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch.utils.data import DistributedSampler

from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.style import BLACK, COLOURS, GREY, MAX_WIDTH, Picture, canvas, pale, style

Orders = Sequence[Sequence[Sequence[int]]]  # what a rank gets in an epoch: orders[epoch][rank] lists its samples

EPOCHS = 4
LARGEST = {"samples": 24, "ranks": 8}  # that can be drawn
SHADES = [pale(colour) for colour in (COLOURS[2], COLOURS[1], COLOURS[3], COLOURS[7])]

WORDS = {
    "epochs": "Which rank gets each sample, epoch by epoch; the number in a cell is the rank",
    "epoch": "epoch",
    "sample": "sample",
    "ranks": "The samples that each rank gets in epoch {epoch}, one after the other",
    "rank": "rank",
    "step": "step",
    "to_one": "epoch {epoch}, sample {sample}: rank {ranks}",
    "to_many": "epoch {epoch}, sample {sample}: given {times} times, to ranks {ranks}",
    "to_nobody": "epoch {epoch}, sample {sample}: lost, no rank gets it",
    "place": "rank {rank}, step {step}: sample {sample}",
    "chosen": "the chosen one",
    "by_rank": "goes to this rank",
    "repeated": "given more than once; 3× is to three ranks",
    "lost": "given to nobody",
    "none": "No rank gets a sample.",
    "counts": "Epoch {epoch}: {given} of {samples} samples are given, {lost} lost, {repeated} given more than once.",
    "here_one": "Sample {sample} goes to rank {ranks}, which gets {hand}.",
    "here_many": "Sample {sample} goes to ranks {ranks}.",
    "here_nobody": "Sample {sample} goes to nobody.",
    "seen": "In {epochs} epochs rank {rank} sees {seen} of {samples}.",
}


def shard_data(
    samples: int, ranks: int, set_epoch: bool, drop_last: bool, equal_seeds: bool, epochs: int = EPOCHS
) -> dict[str, Any]:
    """What PyTorch's ``DistributedSampler``, shuffling, gives to each rank in each epoch.

    Args:
        samples: of the dataset.
        ranks: number of processes.
        set_epoch: whether each rank calls ``set_epoch`` before each epoch.
        drop_last: of the sampler.
        equal_seeds: all ranks use seed 0; otherwise each uses its own rank.
        epochs: to go through.

    Returns:
        ``orders[epoch][rank]``, the samples in the order in which the rank gets them; ``takers[epoch][sample]``, the
        ranks that get the sample, one of them twice if it gets it twice; ``lost`` and ``repeated``, for each epoch
        the number of samples that nobody gets, or that are given more than once; ``seen[rank]``, how many samples
        the rank sees in all epochs together; ``samples``.

    Raises:
        ValueError: if there are no samples or no ranks, or too many to draw.
    """
    for name, value in (("samples", samples), ("ranks", ranks)):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST[name]:
            raise ValueError(
                f"{name}={value!r}: choose a whole number from 1 to {LARGEST[name]}, so that it can be drawn."
            )
    samplers = [
        DistributedSampler(
            range(samples),  # type: ignore[arg-type]
            num_replicas=ranks,
            rank=rank,
            seed=0 if equal_seeds else rank,
            drop_last=drop_last,
        )
        for rank in range(ranks)
    ]
    orders = []
    for epoch in range(epochs):
        if set_epoch:
            for sampler in samplers:
                sampler.set_epoch(epoch)
        orders.append([list(sampler) for sampler in samplers])
    takers = [_takers(order, samples) for order in orders]
    return {
        "orders": orders,
        "takers": takers,
        "lost": [sum(not ranks for ranks in epoch) for epoch in takers],
        "repeated": [sum(len(ranks) > 1 for ranks in epoch) for epoch in takers],
        "seen": [len(set(itertools.chain(*(order[rank] for order in orders)))) for rank in range(ranks)],
        "samples": samples,
    }


def _takers(order: Sequence[Sequence[int]], samples: int) -> list[list[int]]:
    """For each sample the ranks that get it."""
    return [[rank for rank, given in enumerate(order) for each in given if each == sample] for sample in range(samples)]


def show_shards(orders: Orders, samples: int, *, title: str = "", ax: Axes | None = None) -> Picture | None:
    """Draw who gets which sample: a row for each epoch, a column for each sample, the rank in the cell.

    A sample that nobody gets is hatched. One that is given more than once stands in a thick frame, with the two ranks
    that get it, or with how many they are.

    Args:
        orders: ``orders[epoch][rank]`` lists the samples of that rank in that epoch.
        samples: of the dataset.
        title: above it.
        ax: draw here instead of in a new picture.

    Raises:
        ValueError: if an order names a sample that the dataset does not have.
    """
    beyond = Counter(s for epoch in orders for given in epoch for s in given if not 0 <= s < samples)
    if beyond:
        raise ValueError(f"the orders name sample {min(beyond)}, but there are {samples}, from 0 to {samples - 1}.")
    with style():
        picture = None
        if ax is None:
            picture, [ax] = canvas(width=MAX_WIDTH - 1, height=0.9 + 5.2 * len(orders) / samples)
        ax.set(xlim=(0, samples), ylim=(len(orders), 0), aspect="equal", xlabel="sample", ylabel="epoch")
        ax.xaxis.set_label_position("top")
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.set_xticks([k + 0.5 for k in range(samples)], [str(k) for k in range(samples)])
        ax.set_yticks([k + 0.5 for k in range(len(orders))], [str(k) for k in range(len(orders))])
        for row, epoch in enumerate(orders):
            for column, ranks in enumerate(_takers(epoch, samples)):
                _draw_cell(ax, row, column, ranks)
        ax.set_title(title)
    return picture


def _draw_cell(ax: Axes, row: int, column: int, ranks: list[int]) -> None:
    look: dict[str, Any] = {"facecolor": "white", "edgecolor": GREY, "linewidth": 0.6}
    if not ranks:
        look |= {"hatch": "////"}
    elif len(ranks) == 1:
        look |= {"facecolor": SHADES[ranks[0] % len(SHADES)]}
    ax.add_patch(Rectangle((column, row), 1, 1, **look))
    if len(ranks) > 1:
        frame = Rectangle((column + 0.06, row + 0.06), 0.88, 0.88, fill=False, edgecolor=BLACK, linewidth=1.8, zorder=3)
        ax.add_patch(frame)
    if ranks:
        size = 11 if len(ranks) == 1 else 9
        ax.text(column + 0.5, row + 0.5, _names(ranks), ha="center", va="center_baseline", fontsize=size)


def _names(ranks: Sequence[int]) -> str:
    """What fits a cell: the ranks, or from three on how many."""
    return ",".join(map(str, ranks)) if len(ranks) < 3 else f"{len(ranks)}×"


def shard_figure(
    samples: int = 12,
    ranks: int = 2,
    *,
    set_epoch: bool = False,
    drop_last: bool = False,
    equal_seeds: bool = True,
    sample_numbers: Sequence[int] = (5, 11, 12),
    rank_numbers: Sequence[int] = (2, 3, 4),
) -> Interactive:
    """Choose how a dataset is shared among processes, and see who gets what.

    Args:
        samples: of the dataset, at first.
        ranks: number of processes, at first.
        set_epoch: whether ``set_epoch`` is called, at first.
        drop_last: of the sampler, at first.
        equal_seeds: whether all ranks have one seed, at first.
        sample_numbers: that the page offers; live, any up to 24.
        rank_numbers: that the page offers; live, any up to 8.

    Raises:
        ValueError: if the figure does not start at offered values, or there is too much to draw.
    """
    start = shard_data(samples, ranks, set_epoch, drop_last, equal_seeds)
    counts = {name: {"type": "number", "min": 1, "max": largest} for name, largest in LARGEST.items()}
    return Interactive(
        "shards",
        shard_data,
        [
            Control("samples", "Samples", sample_numbers, samples, live=counts["samples"]),
            Control("ranks", "Ranks", rank_numbers, ranks, live=counts["ranks"]),
            Control("set_epoch", "set_epoch(epoch) before each epoch", (False, True), set_epoch),
            Control("drop_last", "drop_last=True in the sampler", (False, True), drop_last),
            Control("equal_seeds", "the same seed on all ranks", (False, True), equal_seeds),
        ],
        caption="What DistributedSampler gives to each rank. Choose a sample by click, or by arrow keys and Enter.",
        words=WORDS,
        picture=_picture,
        alt=f"A grid of {EPOCHS} epochs by {samples} samples with the rank that gets each sample, for {ranks} ranks "
        f"{'with' if set_epoch else 'without'} set_epoch. In epoch 0 {start['lost'][0]} samples are lost and "
        f"{start['repeated'][0]} given more than once; rank 0 sees {start['seen'][0]} samples in all epochs.",
    )


def _picture(samples: int, ranks: int, set_epoch: bool, drop_last: bool, equal_seeds: bool) -> Picture:
    picture = show_shards(shard_data(samples, ranks, set_epoch, drop_last, equal_seeds)["orders"], samples)
    assert picture is not None  # no ax was given
    return picture
