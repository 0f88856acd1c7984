"""A task that only a network whose windows exchange something can learn."""

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from ..arguments import Size, as_integer, to_pair


def pairs_of_marks(
    count: int,
    *,
    seed: int,
    image_size: Size = 16,
    window: Size = 8,
    mark_size: int = 2,
    colours: int = 8,
    anywhere: bool = False,
) -> TensorDataset:
    """Draw images with two coloured marks in neighbouring windows; the label says whether their colours agree.

    The marks touch the border between two windows from its two sides, each within its own window and on the grid of
    patches. So a network that attends within fixed windows never compares them: its pooled tokens are a sum of a term
    for each mark, and as each colour is as frequent under either label, no such sum has a smaller loss than a guess.
    Windows shifted by half a window hold both marks.

    Each image is black but for the two marks. Border, place along it and colours are drawn evenly; half of the images,
    to within chance, have marks of one colour, and each colour is as frequent under either label.

    Args:
        count: number of images.
        seed: at least 0; the same seed gives the same images on every machine.
        image_size: height and width, in pixels; multiples of ``window``.
        window: side of a window in pixels: the network's ``window_size`` times its ``patch_size``.
        mark_size: side of a mark in pixels; a multiple or a divisor of the network's ``patch_size``.
        colours: how many; at least 2.
        anywhere: put the marks into any two cells of the grid of marks, whether a border lies between them or not.

    Returns:
        Dataset of images ``(count, 3, H, W)``, float32 from 0 to 1, and labels ``(count,)``, int64: 1 where the
        colours agree.

    Raises:
        ValueError: if the windows do not tile the image, there is no border between two, a mark does not fit, or an
            argument is not an integer or too small.
    """
    count, colours = as_integer(count, "count", 1), as_integer(colours, "colours", 2)
    seed, mark_size = as_integer(seed, "seed", 0), as_integer(mark_size, "mark_size", 1)
    (height, width), (mh, mw) = to_pair(image_size, "image_size"), to_pair(window, "window")
    if height % mh or width % mw or (height, width) == (mh, mw):
        raise ValueError(
            f"an image of {height}x{width} pixels is not two or more whole windows of {mh}x{mw}: give an image_size "
            f"that is a multiple of window, and larger."
        )
    if mh % mark_size or mw % mark_size or 2 * mark_size > min(mh, mw):
        raise ValueError(
            f"a mark of {mark_size} pixels does not fit a window of {mh}x{mw}: give a mark_size that divides its sides "
            f"and is at most half of each."
        )

    generator = torch.Generator().manual_seed(seed)
    places = _all_places(height, width, mark_size) if anywhere else _places(height, width, mh, mw, mark_size)
    place = places[torch.randint(len(places), (count,), generator=generator)]
    labels = torch.randint(2, (count,), generator=generator)
    first = torch.randint(colours, (count,), generator=generator)
    step = torch.randint(1, colours, (count,), generator=generator)  # to another colour, each as likely
    second = torch.where(labels == 1, first, (first + step) % colours)

    images = draw_marks(place, palette(colours)[torch.stack([first, second], 1)], (height, width), mark_size)
    return TensorDataset(images, labels)


def draw_marks(places: Tensor, colours: Tensor, image_size: Size, mark_size: int) -> Tensor:
    """Black images with coloured squares.

    Args:
        places: ``(B, marks, 2)``, row and column of the upper left pixel of each mark; marks do not overlap.
        colours: ``(B, marks, 3)``, from 0 to 1.
        image_size: height and width, in pixels.
        mark_size: side of a mark, in pixels.

    Returns:
        ``(B, 3, H, W)``, float32.
    """
    height, width = to_pair(image_size, "image_size")
    images = torch.zeros(len(places), 3, height, width)
    row = torch.arange(height)[:, None]
    column = torch.arange(width)
    for place, colour in zip(places.unbind(1), colours.unbind(1), strict=True):
        top, left = place[:, 0, None, None], place[:, 1, None, None]
        inside = (row >= top) & (row < top + mark_size) & (column >= left) & (column < left + mark_size)
        images += inside[:, None] * colour[:, :, None, None]
    return images


def palette(colours: int) -> Tensor:
    """Return ``(colours, 3)``: red, green and blue from 0 to 1, evenly spread hues of full strength.

    Raises:
        ValueError: if ``colours`` is not an integer of at least 1.
    """
    colours = as_integer(colours, "colours", 1)
    hue = torch.arange(colours) / colours * 6
    offsets = torch.tensor([0.0, 4.0, 2.0])  # red is full at hue 0, green at 2, blue at 4 of 6
    distance = ((hue[:, None] + offsets + 3) % 6 - 3).abs()
    return (2 - distance).clamp(0, 1)


def _places(height: int, width: int, mh: int, mw: int, mark: int) -> Tensor:
    """List all pairs of places ``(pairs, 2, 2)``, row and column of both marks, on the two sides of a border between
    windows, in steps of a mark along it.
    """
    beside = [((r, c - mark), (r, c)) for c in range(mw, width, mw) for r in range(0, height, mark)]
    above = [((r - mark, c), (r, c)) for r in range(mh, height, mh) for c in range(0, width, mark)]
    return torch.tensor(beside + above)


def _all_places(height: int, width: int, mark: int) -> Tensor:
    """List all pairs of different cells ``(pairs, 2, 2)`` of the grid of marks, in both orders."""
    cells = torch.cartesian_prod(torch.arange(0, height, mark), torch.arange(0, width, mark))
    first, second = torch.cartesian_prod(torch.arange(len(cells)), torch.arange(len(cells))).unbind(1)
    return torch.stack([cells[first], cells[second]], dim=1)[first != second]
