"""Several images beside each other, each under its name."""

from collections.abc import Mapping

from torch import Tensor

from swinlib.figures.pictures import show_image
from swinlib.figures.style import Picture, canvas

WIDTH = 4.4  # inches, the width of a phone


def show_images(images: Mapping[str, Tensor], *, columns: int = 2, rescale: bool = False) -> Picture:
    """Show images in rows, with their names above them.

    Args:
        images: by name, each as ``show_image`` takes it. A name may have several lines.
        columns: images in a row.
        rescale: stretch the values of each to 0 to 1 first.

    Raises:
        ValueError: if there is no image, or one of them is none that ``show_image`` takes.
    """
    if not images:
        raise ValueError("there is no image to show; give at least one, by name.")
    rows = -(-len(images) // columns)
    lines = max(name.count("\n") + 1 for name in images)
    tallest = max(image.shape[-2] / image.shape[-1] for image in images.values())
    picture, axes = canvas(rows, columns, width=WIDTH, height=rows * (tallest * WIDTH / columns + 0.22 * lines + 0.05))
    for ax, (name, image) in zip(axes, images.items(), strict=False):
        show_image(image, rescale=rescale, title=name, ax=ax)
    for ax in axes[len(images) :]:
        ax.set_axis_off()
    return picture
