"""An image on its way to a network, step by step, with the numbers: an interactive figure."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from swinlib.figures.images import photograph
from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.pictures import show_image
from swinlib.figures.style import Picture, canvas

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet: what the network at the end expects
LARGEST = 12  # pixels on a side of an image, so that each number can be read
LARGEST_RESIZED = 24

IMAGES = {"flower": "flower, 9×12", "digit": "grey digit, 8×8"}
CHANNELS = {0: "red", 1: "green", 2: "blue"}
WAYS = {
    "right": "none",
    "crop first": "crop, then resize",
    "normalise first": "normalise before the tensor",
    "float array": "an array of floats",
    "reshape": "reshape, not permute",
    "bgr": "blue, green, red (OpenCV)",
    "statistics of 255": "statistics for 0 to 255",
    "no normalise": "no Normalize",
}
REMARKS = {
    "right": "",
    "crop first": "Cut before it was made smaller, so the edges of the picture are gone, or padding is.",
    "float array": "The array holds floats, so ToTensor does not divide it by 255.",
    "reshape": "reshape keeps the order in memory, and that is pixel by pixel: colours become places.",
    "bgr": "The channel that the network takes for red holds blue.",
    "statistics of 255": "These are meant for values up to 255. Of values up to 1 next to nothing is left: black.",
    "no normalise": "The network expects about −2.1 to 2.6, so it takes this for a pale picture.",
}
# the first step, by name, at which each way has gone astray
ASTRAY = {
    "crop first": "CenterCrop",
    "float array": "ToTensor",
    "reshape": "reshape",
    "bgr": "array",
    "statistics of 255": "Normalize",
    "no normalise": "batch",
}

WORDS = {
    "pixels": "Pixels after {step}; arrow keys go through them, Enter chooses one",
    "table": "Steps",
    "step": "Step",
    "shape": "Shape, type",
    "range": "Values",
    "previous": "Previous step",
    "next": "Next step",
    "from_to": "{low} to {high}",
    "cell": "row {row}, column {column}: red {r}, green {g}, blue {b}",
    "sentence": "After {step}: {index} = {values}.",
    "note": "In the cells: the values of the chosen channel. Their colour is what they look like; after Normalize, and "
    "in the batch, what a network trained with ImageNet's mean and standard deviation takes them for.",
}


class Step(NamedTuple):
    """What there is to see after one step. A tuple, so that the page holds steps that several ways share only once.

    ``name``: of the step. ``shape``, ``type``: of its result, as texts. ``index``: how a pixel of it is asked for, with
    ``{row}`` and ``{column}``. ``values``: three lists of rows. ``low``, ``high``: the least and the largest of them.
    ``colours``: what they look like, for each row ``"rrggbb rrggbb ..."``. ``remark``: what has gone wrong so far.
    """

    name: str
    shape: str
    type: str
    index: str
    values: list[list[list[float]]]
    low: float
    high: float
    colours: list[str]
    remark: str


def pipeline_data(image: str, resize: int, crop: int, way: str) -> dict[str, Any]:
    """Take an image through the steps from file to batch.

    Args:
        image: ``"flower"``, ``"digit"``, or the path of an image, which is made small enough to read first.
        resize: length of the shorter side after ``Resize``.
        crop: side of the square that ``CenterCrop`` cuts.
        way: ``"right"``, or one of the mistakes in ``WAYS``.

    Returns:
        ``steps``: a ``Step`` for each, in their order.

    Raises:
        ValueError: if there is no such image or way, a size cannot be read or drawn, or torchvision refuses the
            order of the steps.
    """
    from torchvision.transforms import v2  # not at the top: the other figures do without torchvision

    for name, value, most in (("resize", resize, LARGEST_RESIZED), ("crop", crop, LARGEST)):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise ValueError(f"{name} must be a whole number from 1 to {most}; got {value!r}.")
    if way not in WAYS:
        raise ValueError(f"way={way!r} means nothing here; choose from {', '.join(map(repr, WAYS))}.")

    to_size = (f"Resize({resize})", v2.Resize(resize, antialias=True)), (f"CenterCrop({crop})", v2.CenterCrop(crop))
    to_tensor = [("ToTensor", v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.ToPureTensor()]))]
    scale = 255 if way == "statistics of 255" else 1
    normalize = [("Normalize", v2.Normalize([m * scale for m in MEAN], [s * scale for s in STD]))]
    if way == "float array":
        to_tensor = [("array", lambda x: np.asarray(x, dtype=np.float32)), *to_tensor]
    elif way == "bgr":
        to_tensor = [("array", lambda x: np.asarray(x)[:, :, ::-1].copy()), *to_tensor]
    elif way == "reshape":
        to_tensor = [("array", np.array), ("reshape", lambda x: torch.from_numpy(x.reshape(3, *x.shape[:2])) / 255)]
    elif way == "no normalise":
        normalize = []
    elif way == "normalise first":
        to_tensor, normalize = normalize, to_tensor
    elif way == "crop first":
        to_size = to_size[::-1]
    parts = [*to_size, *to_tensor, *normalize, ("batch", lambda x: x[None])]
    return {"steps": _run(_decode(image), parts, way)}


def pipeline_figure(
    image: str = "flower",
    resize: int = 8,
    crop: int = 8,
    way: str = "right",
    *,
    resizes: Sequence[int] = (6, 8, 10),
    crops: Sequence[int] = (6, 8),
) -> Interactive:
    """Choose an image, sizes and a mistake, and go through the steps from file to batch.

    Args:
        image: at first, as in ``pipeline_data``; live, the path of any image.
        resize: at first.
        crop: at first.
        way: at first, a key of ``WAYS``.
        resizes: that the page offers; live, any up to 24.
        crops: that the page offers; live, any up to 12.

    Raises:
        ValueError: if the figure does not start at offered values, or they do not go together.
    """
    pipeline_data(image, resize, crop, way)
    return Interactive(
        "pipeline",
        pipeline_data,
        [
            Control("image", "Image", IMAGES, image, live={"type": "text"}),
            Control("resize", "Resize", resizes, resize, live={"type": "number", "min": 1, "max": LARGEST_RESIZED}),
            Control("crop", "CenterCrop", crops, crop, live={"type": "number", "min": 1, "max": LARGEST}),
            Control("way", "Mistake", WAYS, way),
            Control("channel", "Channel", CHANNELS, 0, view=True),
        ],
        caption="An image on its way to a network, step by step. Choose a step, and a pixel by click, or by arrow "
        "keys and Enter.",
        words=WORDS,
        shared=["steps"],
        picture=_picture,
        alt="The picture after its steps, pixel by pixel: decoded, resized, cut to a square. The last one holds the "
        "normalised values of its red channel.",
    )


@cache
def _offered(name: str) -> Image.Image:
    """An image of ``IMAGES``, in RGB."""
    if name == "digit":
        from sklearn.datasets import load_digits

        pixels = np.round(load_digits().images[0] * (255 / 16)).astype(np.uint8)
        return Image.fromarray(pixels).convert("RGB")
    # the dahlia with some green round it, at three to four
    pixels = photograph("flower")[:, 20:407, 62:578].permute(1, 2, 0).mul(255).round().byte().numpy()
    return Image.fromarray(pixels).resize((12, 9), Image.Resampling.BOX)


def _decode(name: str) -> Image.Image:
    """The image in RGB, small enough to read."""
    if name in IMAGES:
        return _offered(name)
    try:
        with Image.open(Path(name).expanduser()) as opened:
            image = opened.convert("RGB")
    except FileNotFoundError:
        raise ValueError(
            f"there is no file {name!r}; type the path of an image, or one of {', '.join(IMAGES)}."
        ) from None
    except OSError as error:
        raise ValueError(f"{name!r} cannot be read as an image: {error}") from None
    factor = min(1.0, LARGEST / max(image.size))
    return image.resize([max(1, round(side * factor)) for side in image.size], Image.Resampling.BOX)


def _run(image: Image.Image, parts: Sequence[tuple[str, Callable[[Any], Any]]], way: str) -> list[Step]:
    astray, normalized = False, False
    steps, x = [], image
    for name, part in [("decode", lambda x: x), *parts]:
        try:
            x = part(x)
        except TypeError as error:
            raise ValueError(f"{name} refuses a {type(x).__name__}: {error}") from None
        if isinstance(x, Image.Image) and max(x.size) > LARGEST_RESIZED:
            raise ValueError(f"{name} gives {x.height}x{x.width} pixels, too many to read; choose a smaller size.")
        normalized = normalized or name in ("Normalize", "batch")
        astray = astray or name.split("(")[0] == ASTRAY.get(way)
        steps.append(Step(name, **_facts(x, normalized), remark=REMARKS[way] if astray else ""))
    return steps


def _facts(x: Image.Image | np.ndarray | Tensor, normalized: bool) -> dict[str, Any]:
    """The fields of ``Step`` that describe an image, whatever holds it."""
    if isinstance(x, Tensor):
        planes, shape, kind = x.reshape(-1, *x.shape[-2:]), str(tuple(x.shape)), str(x.dtype).removeprefix("torch.")
        index = f"x[{'0, ' * (x.dim() - 3)}:, {{row}}, {{column}}]"
    elif isinstance(x, np.ndarray):
        planes, shape, kind = torch.from_numpy(x).permute(2, 0, 1), str(x.shape), str(x.dtype)
        index = "array[{row}, {column}]"
    else:
        planes, shape, kind = torch.from_numpy(np.array(x)).permute(2, 0, 1), f"size {x.size}", f"PIL, {x.mode}"
        index = "image.getpixel(({column}, {row}))"
    looks = planes.float() if planes.is_floating_point() else planes / 255
    if normalized:
        looks = looks * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)
    elif isinstance(x, np.ndarray) and planes.is_floating_point():
        looks = looks / 255
    bytes_ = looks.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).tolist()
    return {
        "shape": shape,
        "type": kind,
        "index": index,
        "values": [[[_short(v) for v in row] for row in plane] for plane in planes.tolist()],
        "low": _short(planes.min().item()),
        "high": _short(planes.max().item()),
        "colours": [" ".join(bytes(pixel).hex() for pixel in row) for row in bytes_],
    }


def _short(value: float) -> float | int:
    """Two decimals for floats below 100, whole numbers otherwise: what fits into a cell."""
    return round(value, 2) if isinstance(value, float) and abs(value) < 100 else round(value)


def _picture(channel: int, **values: Any) -> Picture:
    steps = pipeline_data(**values)["steps"]
    shown = [steps[0], steps[1], steps[2], steps[-1]]
    picture, axes = canvas(2, 2, width=6, height=5.6)
    for ax, step in zip(axes, shown, strict=True):
        rgb = torch.tensor([[list(bytes.fromhex(pixel)) for pixel in row.split()] for row in step.colours]) / 255
        show_image(rgb.permute(2, 0, 1), title=f"{step.name}: {step.shape}", ax=ax)
    for r, row in enumerate(shown[-1].values[channel]):
        for c, value in enumerate(row):
            colour = "black" if rgb[r, c].mean() > 0.55 else "white"
            ax.text(c + 0.5, r + 0.5, f"{value:.1f}", ha="center", va="center", fontsize=7, color=colour)
    return picture
