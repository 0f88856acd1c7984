"""The checks of chapter 8: sizes, crops, arrays, labels of a folder, normalising, statistics."""

import math
from collections.abc import Callable, Iterator
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .exercise import Arguments, exercise
from .inputs import DTYPES, LAYOUTS, booleans, integers, lists, noise, numbered, sampled_from
from .judging import difference, difference_of_kind, show


@cache
def _array_type() -> type:
    """Arrays that a message shows in a few words."""
    import numpy as np

    class Array(np.ndarray):
        def __repr__(self) -> str:
            return f"a {self.dtype} array of shape {self.shape}"

    return Array


def _as_data(result: object) -> object:
    """A NumPy array as a tensor of its own; it could not leave the process otherwise."""
    import numpy as np

    return torch.from_numpy(np.array(result)) if isinstance(result, np.ndarray) else result


# --- share_seen ---------------------------------------------------------------------------------------------------


def _resized(height: int, width: int, resize: int) -> tuple[int, int]:
    shorter, longer = min(height, width), max(height, width)
    longer = resize * longer // shorter
    return (resize, longer) if height <= width else (longer, resize)


def _share(high: float, wide: float, crop: int) -> float:
    return min(crop, high) * min(crop, wide) / (high * wide)


@exercise(
    lambda height, width, resize, crop: _share(*_resized(height, width, resize), crop),
    always=(
        {"height": 427, "width": 640, "resize": 256, "crop": 224},
        {"height": 50, "width": 20, "resize": 7, "crop": 9},
        {"height": 103, "width": 206, "resize": 256, "crop": 224},
        {"height": 9, "width": 7, "resize": 20, "crop": 30},
    ),
    height=integers(1, 700),
    width=integers(1, 700),
    resize=integers(1, 300),
    crop=integers(1, 300),
)
def share_seen(height: int, width: int, resize: int, crop: int) -> Arguments:
    """How much of an image a network sees."""
    return {"height": height, "width": width, "resize": resize, "crop": crop}


@share_seen.judge
def count_the_pixels(got: object, want: float, height: int, width: int, resize: int, crop: int) -> str | None:
    """Say what the image becomes, and what the crop sees of it."""
    problem = difference(got, want, name="the share")
    if problem is None or isinstance(got, bool) or not isinstance(got, (int, float)):
        return problem
    high, wide = _resized(height, width, resize)
    seen = f"{min(crop, high)}×{min(crop, wide)}"
    return (
        f"the share is {float(got):.6g}; expected {want:.6g}: the image {height}×{width} becomes {high}×{wide}, and "
        f"{seen} pixels of it are in the crop"
    )


@share_seen.mistake
def sides_not_areas(height: int, width: int, resize: int, crop: int) -> float:
    """This compares sides. A share of the pixels compares areas, and the resized image is in general not square."""
    return min(crop / resize, 1.0)


@share_seen.mistake
def squeezed_to_a_square(height: int, width: int, resize: int, crop: int) -> float:
    """It looks like the image became a square of side `resize`. A single number sets the shorter side only; the longer
    one keeps the proportions."""
    return _share(resize, resize, crop)


@share_seen.mistake
def factor_first(height: int, width: int, resize: int, crop: int) -> float:
    """The right formula, in another order: `resize / shorter` is rounded by the computer, and the product with the
    longer side may then end a little below a whole number and be cut to the one below it. Multiply first, then
    divide."""
    factor = resize / min(height, width)
    return _share(resize, max(int(factor * max(height, width)), 1), crop)


@share_seen.mistake(credit=0.5)
def not_cut(height: int, width: int, resize: int, crop: int) -> float:
    """The longer side is not cut to a whole number, so the share is a little off. An image has whole pixels."""
    return _share(resize, resize * max(height, width) / min(height, width), crop)


@share_seen.mistake(credit=0.5)
def rounded(height: int, width: int, resize: int, crop: int) -> float:
    """The longer side is rounded. `Resize` cuts: 409.6 becomes 409."""
    return _share(resize, round(resize * max(height, width) / min(height, width)), crop)


@share_seen.mistake
def longer_side_resized(height: int, width: int, resize: int, crop: int) -> float:
    """It looks like the longer side became `resize`; a single number is the length of the shorter side."""
    shorter, longer = min(height, width), max(height, width)
    return _share(max(resize * shorter // longer, 1), resize, crop)


@share_seen.mistake
def never_enlarged(height: int, width: int, resize: int, crop: int) -> float:
    """It looks like a small image keeps its size. `Resize` enlarges too."""
    return _share(*(_resized(height, width, resize) if min(height, width) > resize else (height, width)), crop)


@share_seen.mistake
def padding_counted(height: int, width: int, resize: int, crop: int) -> float:
    """Where the crop is larger than the image, the rest of it is padding, which is not part of the image. A crop
    cannot see more of a side than there is."""
    high, wide = _resized(height, width, resize)
    return crop * crop / (high * wide)


@share_seen.mistake
def nothing_resized(height: int, width: int, resize: int, crop: int) -> float:
    """The crop is held against the image as it was. It is cut from the resized one."""
    return _share(height, width, crop)


@share_seen.mistake
def capped_at_one(height: int, width: int, resize: int, crop: int) -> float:
    """The share is limited to 1 as a whole. The crop may be larger than one side and smaller than the other: limit
    each side by itself."""
    high, wide = _resized(height, width, resize)
    return min(crop * crop / (high * wide), 1.0)


# --- center_crop --------------------------------------------------------------------------------------------------


def _pad(image: Tensor, height: int, width: int, *, odd: tuple[int, int] = (0, 1), mode: str = "constant") -> Tensor:
    """Centred in what is at least as large; ``odd`` says on which side the odd row or column is."""
    rows, columns = max(height - image.shape[1], 0), max(width - image.shape[2], 0)
    left, right = (columns + odd[0]) // 2, (columns + odd[1]) // 2
    top, bottom = (rows + odd[0]) // 2, (rows + odd[1]) // 2
    if mode == "constant":
        return F.pad(image, (left, right, top, bottom))
    return F.pad(image.float()[None], (left, right, top, bottom), mode=mode)[0].to(image.dtype)


def _cut(
    image: Tensor, height: int, width: int, start: Callable[[int], int] = lambda spare: round(spare / 2)
) -> Tensor:
    top, left = start(image.shape[1] - height), start(image.shape[2] - width)
    return image[:, top : top + height, left : left + width]


@exercise(
    lambda image, height, width: _cut(_pad(image, height, width), height, width),
    without=(
        "torchvision.transforms.functional.center_crop",
        "torchvision.transforms.v2.functional.center_crop",
        "torchvision.transforms.v2.CenterCrop.transform",
    ),
    always=(
        {"c": 2, "h": 5, "w": 8, "height": 4, "width": 3, "dtype": "float32", "layout": "contiguous"},
        {"c": 1, "h": 4, "w": 7, "height": 1, "width": 4, "dtype": "uint8", "layout": "strided"},
        {"c": 1, "h": 2, "w": 5, "height": 5, "width": 2, "dtype": "float32", "layout": "contiguous"},
        {"c": 2, "h": 3, "w": 2, "height": 4, "width": 7, "dtype": "float64", "layout": "contiguous"},
    ),
    c=integers(1, 2),
    h=integers(1, 7),
    w=integers(1, 7),
    height=integers(1, 7),
    width=integers(1, 7),
    dtype=sampled_from(["float32", "float64", "uint8"]),
    layout=LAYOUTS,
)
def center_crop(c: int, h: int, w: int, height: int, width: int, dtype: str, layout: str) -> Arguments:
    """The middle of an image, padded with zeros where the image is too small."""
    return {"image": numbered(c, h, w, dtype=dtype, layout=layout) + 1, "height": height, "width": width}


@center_crop.judge
def say_which_pixel(got: object, want: Tensor, image: Tensor, height: int, width: int) -> str | None:
    """Name the pixel of the image that stands somewhere, and the one that should."""
    problem = difference(got, want, name="the crop")
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    place = tuple((got != want).nonzero()[0].tolist())
    _, row, column = place
    return (
        f"row {row}, column {column} of the crop is {_origin(image, got[place])}; it should be "
        f"{_origin(image, want[place])}"
    )


def _origin(image: Tensor, value: Tensor) -> str:
    if value == 0:
        return "padding"
    where = (image == value).nonzero()
    if not len(where):
        return f"{value.item():g}, which is not in the image"
    _, row, column = where[0].tolist()
    return f"the image's row {row}, column {column}"


@center_crop.mistake(credit=0.5)
def half_cut(image: Tensor, height: int, width: int) -> Tensor:
    """Where an odd number of rows or columns is left over, the crop begins at half of it, cut to a whole number.
    `CenterCrop` takes Python's `round`, which goes to the even one: 0.5 to 0, but 1.5 to 2."""
    return _cut(_pad(image, height, width), height, width, lambda spare: spare // 2)


@center_crop.mistake(credit=0.5)
def half_rounded_up(image: Tensor, height: int, width: int) -> Tensor:
    """Where an odd number of rows or columns is left over, half of it is rounded up. `CenterCrop` takes Python's
    `round`, which goes to the even number: 1.5 to 2, but 0.5 to 0."""
    return _cut(_pad(image, height, width), height, width, lambda spare: (spare + 1) // 2)


@center_crop.mistake(credit=0.5)
def odd_row_first(image: Tensor, height: int, width: int) -> Tensor:
    """Where an odd number of rows or columns is missing, the odd one is put above and to the left. `CenterCrop` puts it
    below and to the right."""
    return _cut(_pad(image, height, width, odd=(1, 0)), height, width)


@center_crop.mistake
def sides_swapped(image: Tensor, height: int, width: int) -> Tensor:
    """Height and width are swapped. A tensor has its rows first."""
    return _cut(_pad(image, width, height), width, height)


@center_crop.mistake
def padded_at_the_end(image: Tensor, height: int, width: int) -> Tensor:
    """All padding is at the bottom and at the right; it belongs round the image, half on either side."""
    rows, columns = max(height - image.shape[1], 0), max(width - image.shape[2], 0)
    return _cut(F.pad(image, (0, columns, 0, rows)), height, width)


@center_crop.mistake
def negative_start(image: Tensor, height: int, width: int) -> Tensor:
    """Nothing is padded. Where the image is too small, the crop begins at a negative index, and Python counts that one
    from the end."""
    return _cut(image, height, width)


@center_crop.mistake
def not_padded(image: Tensor, height: int, width: int) -> Tensor:
    """Nothing is padded: an image that is too small comes out as small as it was. Then a batch cannot be stacked."""
    return _cut(image, min(height, image.shape[1]), min(width, image.shape[2]))


@center_crop.mistake
def from_the_corner(image: Tensor, height: int, width: int) -> Tensor:
    """It looks like the upper left corner is cut out, not the middle."""
    return _cut(_pad(image, height, width), height, width, lambda spare: 0)


@center_crop.mistake
def border_repeated(image: Tensor, height: int, width: int) -> Tensor:
    """The padding repeats the border of the image. `CenterCrop` pads with zeros."""
    return _cut(_pad(image, height, width, mode="replicate"), height, width)


@center_crop.mistake
def zeros_of_float32(image: Tensor, height: int, width: int) -> Tensor:
    """The result is always float32. `torch.zeros` makes float32 unless it is told otherwise; bytes should stay
    bytes."""
    return _cut(_pad(image.float(), height, width), height, width)


@center_crop.picture
def two_crops(got: Tensor, want: Tensor, image: Tensor, height: int, width: int) -> object:
    """The first channel; zeros are padding."""
    from swinlib import figures

    return figures.show_answer(got[0], want[0])


# --- pixels_to_tensor ---------------------------------------------------------------------------------------------


def _to_tensor(pixels: object) -> Tensor:
    import numpy as np

    pixels = np.array(pixels)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    x = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
    return x.float() / 255 if x.dtype == torch.uint8 else x


def _not_an_array(answer: Callable, pixels: object) -> object:
    import numpy as np

    result = answer(pixels)
    return f"a NumPy array of shape {result.shape}" if isinstance(result, np.ndarray) else result


@exercise(
    _to_tensor,
    probe=_not_an_array,
    without=(
        "torchvision.transforms.functional.to_tensor",
        "torchvision.transforms.functional.pil_to_tensor",
        "torchvision.transforms.v2.functional.to_image",
        "torchvision.transforms.v2.functional.pil_to_tensor",
    ),
    always=(
        {"height": 2, "width": 3, "channels": 3, "dtype": "uint8", "view": "plain", "dark": False},
        {"height": 2, "width": 2, "channels": 1, "dtype": "uint8", "view": "plain", "dark": True},
        {"height": 2, "width": 3, "channels": 4, "dtype": "float32", "view": "plain", "dark": False},
        {"height": 3, "width": 2, "channels": 3, "dtype": "int32", "view": "turned", "dark": False},
        {"height": 3, "width": 2, "channels": 0, "dtype": "uint8", "view": "plain", "dark": False},
        {"height": 2, "width": 3, "channels": 3, "dtype": "uint8", "view": "mirrored", "dark": False},
        {"height": 2, "width": 3, "channels": 3, "dtype": "float64", "view": "blue first", "dark": False},
        {"height": 1, "width": 2, "channels": 3, "dtype": "bool", "view": "plain", "dark": True},
    ),
    height=integers(1, 4),
    width=integers(1, 4),
    channels=sampled_from([3, 1, 4, 0]),
    dtype=sampled_from(["uint8", "float32", "float64", "int16", "int32", "bool"]),
    view=sampled_from(["plain", "mirrored", "turned", "blue first"]),
    dark=booleans(),
)
def pixels_to_tensor(height: int, width: int, channels: int, dtype: str, view: str, dark: bool) -> Arguments:
    """An array of pixels as a tensor; no channels means an array of two dimensions."""
    import numpy as np

    shape = (height, width, channels or 1)
    numbers = (np.arange(math.prod(shape)) * 7 + 3) % (2 if dark or dtype == "bool" else 256)
    array = numbers.reshape(shape).astype(dtype)
    if view == "mirrored":
        array = np.ascontiguousarray(array[:, ::-1])[:, ::-1]
    elif view == "turned":
        array = np.ascontiguousarray(array.swapaxes(0, 1)).swapaxes(0, 1)
    elif view == "blue first":
        array = np.ascontiguousarray(array[:, :, ::-1])[:, :, ::-1]
    return {"pixels": (array if channels else array[:, :, 0]).view(_array_type())}


@pixels_to_tensor.judge
def say_which_value(got: object, want: Tensor, pixels: object) -> str | None:
    """Hold an entry against the pixel that it should come from."""
    problem = difference(got, want, name="the tensor")
    if problem is None or not isinstance(got, Tensor) or got.shape != want.shape or got.dtype != want.dtype:
        return problem
    gap = (got.double() - want.double()).abs()
    channel, row, column = (gap > 1e-5).nonzero()[0].tolist()
    at = f"{row}, {column}, {channel}" if pixels.ndim == 3 else f"{row}, {column}"
    value = pixels[row, column, channel] if pixels.ndim == 3 else pixels[row, column]
    return (
        f"x[{channel}, {row}, {column}] is {show(got[channel, row, column].item())}; expected "
        f"{show(want[channel, row, column].item())}, from pixels[{at}] = {value.item()}"
    )


def _turned(pixels: object) -> Tensor:
    """The values as they are, whatever their dtype, with the channels first."""
    import numpy as np

    pixels = np.array(pixels)
    return torch.from_numpy(pixels[:, :, None] if pixels.ndim == 2 else pixels).permute(2, 0, 1)


@pixels_to_tensor.mistake
def reshaped(pixels: object) -> Tensor:
    """It looks like a reshape: the shape is right, and the colours of one pixel lie beside each other in a row. Another
    order of the dimensions is what `permute` makes."""
    x = _to_tensor(pixels)
    return x.permute(1, 2, 0).reshape(x.shape)


@pixels_to_tensor.mistake
def always_divided(pixels: object) -> Tensor:
    """Everything is divided by 255. Only bytes are: other arrays keep their numbers, and their dtype."""
    return _turned(pixels).float() / 255


@pixels_to_tensor.mistake
def never_divided(pixels: object) -> Tensor:
    """Nothing is divided: bytes must become 0 to 1."""
    x = _turned(pixels)
    return x.float() if x.dtype == torch.uint8 else x


@pixels_to_tensor.mistake
def divided_if_above_one(pixels: object) -> Tensor:
    """Whether to divide is decided by the largest value. A byte image that is nearly black holds 0 and 1 only, and
    floats may go to 255 and are to be kept. The dtype decides."""
    x = _turned(pixels)
    if x.max() > 1:
        return x.float() / 255
    return x.float() if x.dtype == torch.uint8 else x


@pixels_to_tensor.mistake(credit=0.5)
def by_256(pixels: object) -> Tensor:
    """It divides by 256. There are 256 levels, and the largest of them is 255, which must become 1."""
    x = _turned(pixels)
    return x.float() / 256 if x.dtype == torch.uint8 else x


@pixels_to_tensor.mistake
def always_float32_pixels(pixels: object) -> Tensor:
    """All dtypes became float32. Only bytes do; other arrays keep their dtype."""
    x = _turned(pixels)
    return x.float() / 255 if x.dtype == torch.uint8 else x.float()


@pixels_to_tensor.mistake(credit=0.5)
def divided_by_numpy(pixels: object) -> Tensor:
    """NumPy divides bytes to float64, which a network of float32 refuses. Divide the tensor, or convert the
    quotient."""
    x = _turned(pixels)
    return x.double() / 255 if x.dtype == torch.uint8 else x


@pixels_to_tensor.mistake
def columns_first(pixels: object) -> Tensor:
    """Rows and columns have changed places: `(C, W, H)`. It is what `.T` gives; a square image hides it."""
    return _to_tensor(pixels).transpose(1, 2)


@pixels_to_tensor.mistake(credit=0.5)
def no_negative_strides(pixels: object) -> Tensor:
    """A mirrored array goes through its memory backwards, and `torch.from_numpy` cannot. Copy the array first."""
    x = torch.from_numpy(pixels[:, :, None] if pixels.ndim == 2 else pixels).permute(2, 0, 1)
    return x.float() / 255 if x.dtype == torch.uint8 else x


@pixels_to_tensor.mistake(credit=0.5)
def three_dimensions_only(pixels: object) -> Tensor:
    """A grey image as an array `(H, W)` has no third dimension to move. Give it one first."""
    x = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
    return x.float() / 255 if x.dtype == torch.uint8 else x


@pixels_to_tensor.mistake(credit=0.5)
def two_dimensions_kept(pixels: object) -> Tensor:
    """A grey image as an array `(H, W)` has one channel, and the tensor has a dimension for it: `(1, H, W)`."""
    x = _to_tensor(pixels)
    return x[0] if pixels.ndim == 2 else x


# --- label_files --------------------------------------------------------------------------------------------------

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
FILES = (
    "temple/grey.bmp",
    "flower/dahlia.png",
    "flower/2024/may/dahlia.PNG",
    "flower/notes.txt",
    "flower-bed/roses.Tiff",
    "Zebra/stripes.jpeg",
    "2/a.ppm",
    "10/b.pgm",
    ".ipynb_checkpoints/roof-checkpoint.png",
    "temple/old.jpg/notes.txt",
    "temple/roof.jpg.txt",
    "temple/jpg",
    "readme.png",
    "lake/notes.txt",
    "lake/boats/clip.gif",
    "lake/boats/sail.webp",
)


def _is_image(path: str) -> bool:
    return path.lower().endswith(ENDINGS)


def _label_files(
    paths: list[str],
    *,
    folder: Callable[[str], str] = lambda path: path.split("/")[0],
    is_image: Callable[[str], bool] = _is_image,
    sort: Callable[[set[str]], list[str]] = sorted,
    empty: type[Exception] | None = FileNotFoundError,
) -> tuple[dict[str, int], dict[str, int]]:
    """The right answer; each option spoils one step of it."""
    inside = [path for path in paths if "/" in path]
    classes = sort({folder(path) for path in inside})
    class_to_idx = {name: label for label, name in enumerate(classes)}
    labels = {path: class_to_idx[folder(path)] for path in inside if is_image(path)}
    missing = [name for name in classes if class_to_idx[name] not in labels.values()]
    if missing and empty is not None:
        raise empty(f"no image for {', '.join(missing)}")
    return class_to_idx, labels


def _labels_or_error(answer: Callable, paths: list[str]) -> object:
    try:
        return answer(paths)
    except FileNotFoundError as error:
        return {"FileNotFoundError": str(error)}


@exercise(
    _label_files,
    probe=_labels_or_error,
    always=(
        {"files": ["flower-bed/roses.Tiff", "flower/2024/may/dahlia.PNG", "Zebra/stripes.jpeg"]},
        {"files": ["10/b.pgm", "2/a.ppm", "readme.png"]},
        {"files": ["flower/dahlia.png", "flower/notes.txt", "temple/old.jpg/notes.txt", "temple/roof.jpg.txt"]},
        {"files": ["flower/dahlia.png", "temple/jpg", ".ipynb_checkpoints/roof-checkpoint.png"]},
        {"files": ["Zebra/stripes.jpeg", "lake/notes.txt", "lake/boats/clip.gif"]},
        {"files": ["flower/notes.txt", "lake/notes.txt"]},
        {"files": ["lake/notes.txt", "lake/boats/sail.webp"]},
    ),
    files=lists(sampled_from(FILES), max_size=6, unique=True),
)
def label_files(files: list[str]) -> Arguments:
    """The labels that a tree of files gives."""
    return {"paths": ["temple/roof.jpg", *files]}


@label_files.judge
def say_which_file(got: object, want: object, paths: list[str]) -> str | None:
    """Speak of the classes first, then of single files."""
    classes = {path.split("/")[0] for path in paths if "/" in path}
    if isinstance(want, dict):
        missing = [
            name for name in sorted(classes) if not any(p.startswith(f"{name}/") and _is_image(p) for p in paths)
        ]
        if not isinstance(got, dict):
            return f"got {show(got)}; expected a FileNotFoundError that names {', '.join(map(repr, missing))}"
        unnamed = [name for name in missing if name not in str(got.get("FileNotFoundError", ""))]
        if unnamed:
            return f"the message of the FileNotFoundError does not name {unnamed[0]!r}, a folder without an image"
        return None
    if isinstance(got, dict) and "FileNotFoundError" in got:
        return f"your code raised FileNotFoundError: {got['FileNotFoundError']}; each folder has an image here"
    if not isinstance(got, (tuple, list)) or len(got) != 2 or not all(isinstance(each, dict) for each in got):
        return difference_of_kind(got, "two dicts, class_to_idx and labels")
    if difference(got[0], want[0]):
        return f"class_to_idx is {show(got[0])}; expected {show(want[0])}"
    for path, label in want[1].items():
        if path not in got[1]:
            return f"the dict of labels has no entry {path!r}, which is an image of class {path.split('/')[0]!r}"
        if problem := difference(got[1][path], label, name=f"the label of {path!r}"):
            return problem
    extra = [path for path in got[1] if path not in want[1]]
    if not extra:
        return None
    known = isinstance(extra[0], str) and "/" in extra[0]
    return f"the dict of labels has an entry {extra[0]!r}, which {'is not an image' if known else 'is in no class'}"


@label_files.mistake
def in_order_of_appearance(paths: list[str]) -> object:
    """The classes are numbered as they come. `ImageFolder` sorts their names first."""
    order = list(dict.fromkeys(path.split("/")[0] for path in paths))
    return _label_files(paths, sort=lambda classes: [name for name in order if name in classes])


@label_files.mistake
def whole_paths_sorted(paths: list[str]) -> object:
    """The paths are sorted, and the classes numbered as they come. The slash takes part in that: `"flower-bed/..."` is
    sorted before `"flower/..."`, and `"flower"` before `"flower-bed"`. Sort the names of the classes."""
    order = list(dict.fromkeys(path.split("/")[0] for path in sorted(paths)))
    return _label_files(paths, sort=lambda classes: [name for name in order if name in classes])


@label_files.mistake
def sorted_as_numbers(paths: list[str]) -> object:
    """Folders named by numbers are sorted as numbers. They are text here: `"10"` comes before `"2"`."""
    return _label_files(
        paths, sort=lambda classes: sorted(classes, key=lambda name: (0, int(name)) if name.isdigit() else (1, name))
    )


@label_files.mistake
def sorted_without_case(paths: list[str]) -> object:
    """Upper and lower case are sorted alike. As text, all capitals come before the small letters: `"Zebra"` before
    `"temple"`."""
    return _label_files(paths, sort=lambda classes: sorted(classes, key=str.lower))


@label_files.mistake
def nearest_folder(paths: list[str]) -> object:
    """The class is taken from the folder that the file is in. It is the folder directly below the root, however deep
    the file lies."""
    return _label_files(paths, folder=lambda path: path.split("/")[-2])


@label_files.mistake(credit=0.5)
def case_of_the_ending(paths: list[str]) -> object:
    """An ending in capitals is not recognised. `.PNG` is an image too."""
    return _label_files(paths, is_image=lambda path: path.endswith(ENDINGS))


@label_files.mistake
def not_nested(paths: list[str]) -> object:
    """Only files directly in the folder of a class are found. Everything below it belongs to the class."""
    return _label_files(paths, is_image=lambda path: _is_image(path) and path.count("/") == 1)


@label_files.mistake(credit=0.5)
def ending_anywhere(paths: list[str]) -> object:
    """The ending is looked for anywhere in the path. In `roof.jpg.txt` it stands in the middle, and a folder may be
    called `old.jpg`."""
    return _label_files(paths, is_image=lambda path: any(ending in path.lower() for ending in ENDINGS))


@label_files.mistake(credit=0.5)
def without_the_dot(paths: list[str]) -> object:
    """The ending is compared without its dot, so a file that is called `jpg` counts as an image."""
    return _label_files(paths, is_image=lambda path: path.lower().endswith(tuple(e[1:] for e in ENDINGS)))


@label_files.mistake
def every_file(paths: list[str]) -> object:
    """Every file became a sample. Those whose names do not end like an image's are passed over."""
    return _label_files(paths, is_image=lambda path: True)


@label_files.mistake
def empty_ones_dropped(paths: list[str]) -> object:
    """A folder without an image is left out, and the labels after it move down by one. `ImageFolder` refuses it, so
    that two sets of one project cannot disagree in silence."""
    classes = {path.split("/")[0] for path in paths if "/" in path and _is_image(path)}
    return _label_files([path for path in paths if path.split("/")[0] in classes])


@label_files.mistake(credit=0.5)
def empty_ones_kept(paths: list[str]) -> object:
    """A folder without an image gets a number, and nothing is said. That is `allow_empty=True`; by default it is an
    error."""
    return _label_files(paths, empty=None)


@label_files.mistake(credit=0.5)
def another_error(paths: list[str]) -> object:
    """A folder without an image is an error, but not one of this kind: raise a `FileNotFoundError`."""
    return _label_files(paths, empty=ValueError)


@label_files.mistake(credit=0.5)
def hidden_passed_over(paths: list[str]) -> object:
    """Folders whose names begin with a dot are passed over. `ImageFolder` takes them for classes, which is how
    `.ipynb_checkpoints` becomes label 0."""
    return _label_files([path for path in paths if not path.startswith(".")])


@label_files.mistake
def root_is_a_class(paths: list[str]) -> object:
    """A file that lies in the root itself got a label. It is below no class."""
    classes = sorted({path.split("/")[0] for path in paths})
    class_to_idx = {name: label for label, name in enumerate(classes)}
    labels = {path: class_to_idx[path.split("/")[0]] for path in paths if _is_image(path)}
    missing = [name for name in classes if class_to_idx[name] not in labels.values()]
    if missing:
        raise FileNotFoundError(", ".join(missing))
    return class_to_idx, labels


# --- normalize_images: a bug hunt ---------------------------------------------------------------------------------


def _constants(images: object, mean: list[float], std: list[float], *shape: int) -> tuple[object, object]:
    import numpy as np

    return tuple(np.array(each, dtype=images.dtype).reshape(*(shape or (-1, 1, 1))) for each in (mean, std))


def _normalize_images(images: object, mean: list[float], std: list[float]) -> object:
    mean, std = _constants(images, mean, std)
    return (images - mean) / std


def _result_and_argument(answer: Callable, images: object, mean: list[float], std: list[float]) -> object:
    result = _as_data(answer(images, mean, std))
    return {"result": result, "images": _as_data(images)}


def _many_images(batch: int, height: int, width: int, dtype: str, seed: int) -> object:
    shape = (batch, 3, height, width) if batch else (3, height, width)
    return noise(*shape, seed=seed, dtype=dtype).numpy().view(_array_type())


@exercise(
    _normalize_images,
    probe=_result_and_argument,
    always=(
        {"batch": 0, "height": 2, "width": 3, "dtype": "float32", "seed": 0},
        {"batch": 3, "height": 2, "width": 4, "dtype": "float32", "seed": 1},
        {"batch": 3, "height": 3, "width": 3, "dtype": "float64", "seed": 1},
        {"batch": 2, "height": 3, "width": 5, "dtype": "float32", "seed": 2},
        {"batch": 1, "height": 5, "width": 3, "dtype": "float32", "seed": 3},
    ),
    batch=integers(0, 4),
    height=integers(1, 4),
    width=integers(1, 4),
    dtype=DTYPES,
    seed=integers(0, 3),
)
def normalize_images(batch: int, height: int, width: int, dtype: str, seed: int) -> Arguments:
    """One image or a batch of them, standardised; a batch of 0 is one image without a dimension for it."""
    return {
        "images": _many_images(batch, height, width, dtype, seed),
        "mean": [0.5, 0.25, 0.125],
        "std": [0.25, 0.5, 2.0],
    }


@normalize_images.judge
def say_which_channel(
    got: object, want: dict[str, object], images: object, mean: list[float], std: list[float]
) -> str | None:
    """Say in which image and channel it goes wrong."""
    if not isinstance(got, dict):
        return difference(got, want)
    result, right = got["result"], want["result"]
    problem = difference(result, right)
    if problem is None:
        changed = difference(got["images"], want["images"])
        return changed and "the result is right, but the array that came in has changed as well"
    if not isinstance(result, Tensor) or result.shape != right.shape or result.dtype != right.dtype:
        return problem
    wrong = ~torch.isclose(result, right, rtol=1e-4, atol=1e-5)
    *image, channel, row, column = wrong.nonzero()[0].tolist() if wrong.any() else (0,) * right.dim()
    place = (*image, channel, row, column)
    where = f"channel {channel} of image {image[0]}" if image else f"channel {channel}"
    return (
        f"{where} has mean {mean[channel]} and std {std[channel]}; its pixel {show(images[place].item())} became "
        f"{show(result[place].item())} instead of {show(right[place].item())}"
    )


@normalize_images.mistake
def as_published(images: object, mean: list[float], std: list[float]) -> object:
    """The constants meet the channels of a single image, and the images of a batch. In the published code, this is so
    because `.T` reverses all dimensions and puts the images of a batch last."""
    mean, std = _constants(images, mean, std, -1)
    return ((images.T - mean) / std).T


@normalize_images.mistake
def along_the_width(images: object, mean: list[float], std: list[float]) -> object:
    """The constants meet the last dimension, which is the width. Broadcasting lines up dimensions from the end: give
    the constants the shape `(C, 1, 1)`."""
    mean, std = _constants(images, mean, std, -1)
    return (images - mean) / std


@normalize_images.mistake
def channels_last(images: object, mean: list[float], std: list[float]) -> object:
    """The constants have the shape `(1, C, 1)` and meet the rows. The channels come third from the end."""
    mean, std = _constants(images, mean, std, 1, -1, 1)
    return (images - mean) / std


@normalize_images.mistake
def batches_only(images: object, mean: list[float], std: list[float]) -> object:
    """The constants have four dimensions, so a single image `(C, H, W)` comes out as a batch of one."""
    mean, std = _constants(images, mean, std, 1, -1, 1, 1)
    return (images - mean) / std


@normalize_images.mistake
def first_dimension(images: object, mean: list[float], std: list[float]) -> object:
    """The constants go along the first dimension, which is the channel of a single image and the image of a batch."""
    result = images.copy()
    for channel, (m, s) in enumerate(zip(mean, std, strict=True)):
        result[channel] = (images[channel] - m) / s
    return result


@normalize_images.mistake(credit=0.5)
def in_place(images: object, mean: list[float], std: list[float]) -> object:
    """`-=` and `/=` write into the array that came in, and whoever gave it finds it normalised. The published code
    made a new array."""
    mean, std = _constants(images, mean, std)
    images -= mean
    images /= std
    return images


@normalize_images.mistake(credit=0.5)
def float64_constants(images: object, mean: list[float], std: list[float]) -> object:
    """NumPy makes float64 of a list of numbers, and the images follow. Give the constants the dtype of the images."""
    import numpy as np

    return (images - np.array(mean).reshape(-1, 1, 1)) / np.array(std).reshape(-1, 1, 1)


@normalize_images.mistake
def multiplied(images: object, mean: list[float], std: list[float]) -> object:
    """It multiplies by the standard deviation; that is how normalising is undone."""
    mean, std = _constants(images, mean, std)
    return (images - mean) * std


@normalize_images.mistake
def divided_first(images: object, mean: list[float], std: list[float]) -> object:
    """It divides first and then subtracts the mean. The mean is that of the images before they are divided."""
    mean, std = _constants(images, mean, std)
    return images / std - mean


# --- channel_statistics -------------------------------------------------------------------------------------------


class _Once:
    """Goes through a list of images once."""

    def __init__(self, images: list[Tensor]) -> None:
        self.shapes = [tuple(image.shape) for image in images]
        self.remaining = iter(images)

    def __iter__(self) -> Iterator[Tensor]:
        return self

    def __next__(self) -> Tensor:
        return next(self.remaining)

    def __repr__(self) -> str:
        return f"an iterator over images of shapes {', '.join(map(str, self.shapes))}"


def _bytes(channels: int, height: int, width: int, kind: str, number: int, seed: int) -> Tensor:
    """An image; each channel and each image of a list has its own brightness."""
    if kind == "one colour":
        return torch.tensor([200, 77, 255, 30][:channels], dtype=torch.uint8).view(-1, 1, 1).repeat(1, height, width)
    generator = torch.Generator().manual_seed(10 * seed + number)
    if kind == "nearly white":
        dark = torch.rand(channels, height, width, generator=generator) < 0.01
        return (255 - dark.to(torch.uint8)).to(torch.uint8)
    base = 40 * torch.arange(channels).view(-1, 1, 1) + 50 * (number % 3)
    return (base + torch.randint(0, 60, (channels, height, width), generator=generator)).clamp(max=255).to(torch.uint8)


def _scaled(images: Iterator[Tensor], dtype: torch.dtype = torch.float64) -> list[Tensor]:
    return [image.flatten(1).to(dtype) / 255 for image in images]


def _channel_statistics(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    together = torch.cat(_scaled(images), dim=1)
    return together.mean(dim=1), together.std(dim=1, correction=0)


@exercise(
    _channel_statistics,
    always=(
        {"channels": 3, "sizes": [[2, 3], [4, 5], [1, 7]], "kind": "coloured", "seed": 0},
        {"channels": 1, "sizes": [[1, 1]], "kind": "coloured", "seed": 1},
        {"channels": 3, "sizes": [[60, 50], [30, 70]], "kind": "nearly white", "seed": 0},
        {"channels": 3, "sizes": [[3, 5], [7, 3]], "kind": "one colour", "seed": 0},
    ),
    channels=sampled_from([3, 1]),
    sizes=lists(sampled_from([[1, 1], [1, 3], [3, 2], [5, 4], [8, 9]]), min_size=1, max_size=4),
    kind=sampled_from(["coloured", "one colour"]),
    seed=integers(0, 3),
)
def channel_statistics(channels: int, sizes: list[list[int]], kind: str, seed: int) -> Arguments:
    """Mean and standard deviation of images that come one by one."""
    return {"images": _Once([_bytes(channels, *size, kind, k, seed) for k, size in enumerate(sizes)])}


@channel_statistics.judge
def to_a_ten_thousandth(got: object, want: tuple[Tensor, Tensor], images: _Once) -> str | None:
    """Compare each channel, to a ten-thousandth."""
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        return difference_of_kind(got, "a tuple of two tensors, mean and std")
    for name, mine, right in zip(("the mean", "the standard deviation"), got, want, strict=True):
        if not isinstance(mine, Tensor) or mine.shape != right.shape:
            return difference(mine, right, name=name, dtype=False)
        if mine.dtype not in (torch.float32, torch.float64):
            return f"{name} has dtype {mine.dtype}; expected float32 or float64"
        wrong = ~torch.isclose(mine.double(), right, rtol=1e-4, atol=1e-6)
        if wrong.any():
            channel = int(wrong.nonzero()[0])
            return f"{name} of channel {channel} is {mine[channel]:.5g}; expected {right[channel]:.5g}"
    return None


@channel_statistics.mistake(credit=0.5)
def std_of_each_image(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """The standard deviation is that of each image, averaged over the images. It leaves out how images differ from one
    another; a single colour per image would give 0."""
    each = _scaled(images)
    std = torch.stack([image.std(dim=1, correction=0) for image in each]).mean(dim=0)
    return torch.cat(each, dim=1).mean(dim=1), std


@channel_statistics.mistake(credit=0.5)
def variance_within(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """The variances of the images are averaged. That is the spread within the images; the spread of their means is
    missing."""
    each = _scaled(images)
    pixels = torch.tensor([image.shape[1] for image in each], dtype=torch.float64)
    variance = torch.stack([image.var(dim=1, correction=0) for image in each], dim=1)
    return torch.cat(each, dim=1).mean(dim=1), (variance @ pixels / pixels.sum()).sqrt()


@channel_statistics.mistake
def images_weigh_alike(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """It looks like each image counts as much as any other. A large one has more pixels, and each pixel counts once."""
    each = _scaled(images)
    mean = torch.stack([image.mean(dim=1) for image in each]).mean(dim=0)
    square = torch.stack([image.square().mean(dim=1) for image in each]).mean(dim=0)
    return mean, (square - mean.square()).clamp(min=0).sqrt()


@channel_statistics.mistake
def means_and_stds_averaged(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each image are averaged. An image counts by its pixels, and the spread between
    the images belongs to the standard deviation too."""
    each = _scaled(images)
    mean = torch.stack([image.mean(dim=1) for image in each]).mean(dim=0)
    return mean, torch.stack([image.std(dim=1, correction=0) for image in each]).mean(dim=0)


@channel_statistics.mistake(credit=0.5)
def one_less(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """It divides by the number of pixels less one, as `std` does unless it is told `correction=0`. A single pixel has
    the standard deviation 0, not nan."""
    together = torch.cat(_scaled(images), dim=1)
    pixels = torch.tensor(together.shape[1])
    return together.mean(dim=1), (together.var(dim=1, correction=0) * pixels / (pixels - 1)).sqrt()


@channel_statistics.mistake(credit=0.5)
def not_scaled(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """These are the statistics of bytes. `Normalize` comes after the division by 255, and so do its constants."""
    mean, std = _channel_statistics(images)
    return mean * 255, std * 255


@channel_statistics.mistake
def squares_of_bytes(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """Bytes are squared as bytes, and 16² is 0 there: only the lowest eight bits are left. Convert first."""
    total = squares = pixels = 0
    for image in images:
        total = total + image.double().sum(dim=(1, 2))
        squares = squares + (image * image).double().sum(dim=(1, 2))
        pixels += image[0].numel()
    return total / pixels / 255, (squares / pixels - (total / pixels).square()).sqrt() / 255


def _by_sums(images: Iterator[Tensor], dtype: torch.dtype, lowest: float = -math.inf) -> tuple[Tensor, Tensor]:
    """The mean of the squares less the square of the mean, of numbers that are rounded."""
    total = squares = pixels = 0
    for image in images:
        x = image.to(dtype) / 255
        total, squares = total + x.sum(dim=(1, 2)), squares + x.square().sum(dim=(1, 2))
        pixels += image[0].numel()
    return total / pixels, (squares / pixels - (total / pixels).square()).clamp(min=lowest).sqrt()


@channel_statistics.mistake(credit=0.5)
def float32_sums(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """The formula is right, but its numbers are too coarse. For an image that is nearly white, the mean of the squares
    and the square of the mean agree in their first six digits, float32 has seven, and the difference is noise, even
    below 0. Sum in float64, or sum the bytes as whole numbers."""
    return _by_sums(images, torch.float32)


@channel_statistics.mistake(credit=0.5)
def float32_clamped(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """Clamping hides the negative variances, and the others are as coarse as before: `float32` holds seven digits, and
    for a channel of one colour or nearly so, all seven cancel. Sum in float64, or sum the bytes as whole numbers."""
    return _by_sums(images, torch.float32, lowest=0.0)


@channel_statistics.mistake(credit=0.5)
def variance_returned(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """This is the variance; the standard deviation is its square root."""
    mean, std = _channel_statistics(images)
    return mean, std.square()


@channel_statistics.mistake(credit=0.5)
def below_zero(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """Where a channel is of one colour, the variance is 0, and rounding makes it a little less; the square root of that
    is nan. Clamp it at 0, or sum the bytes as whole numbers, which is exact."""
    return _by_sums(images, torch.float64)


@channel_statistics.mistake
def channels_together(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """All channels are lumped together; `Normalize` needs one mean and one standard deviation for each."""
    each = _scaled(images)
    numbers = torch.cat([image.flatten() for image in each])
    return numbers.mean().repeat(len(each[0])), numbers.std(correction=0).repeat(len(each[0]))


@channel_statistics.mistake
def gone_through_twice(images: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """The second pass found nothing: an iterator is empty after the first. Collect the sum and the sum of the squares
    at once."""
    together = torch.cat(_scaled(images), dim=1)
    spread = torch.zeros(len(together), dtype=torch.float64)
    for image in images:
        spread = spread + image.sum()
    return together.mean(dim=1), spread


# --- fold_normalize -----------------------------------------------------------------------------------------------

COLOURS = "RGB"


def _fold(
    conv: nn.Conv2d,
    mean: list[float],
    std: list[float],
    order: str,
    height: int,
    width: int,
    *,
    levels: float = 255,
    places: Callable[[str], list[int]] = lambda order: [COLOURS.index(colour) for colour in order],
    black: Callable[[Tensor, Tensor], Tensor] = lambda mean, std: -mean / std,
) -> tuple[Tensor, Tensor]:
    """The right answer; each option spoils one step of it."""
    mean, std = (torch.tensor(each, dtype=conv.weight.dtype).view(3, 1, 1) for each in (mean, std))
    weight = (conv.weight / (levels * std))[:, places(order)]
    bias = conv(black(mean, std).expand(1, 3, height, width))[0]
    return weight.detach(), bias.detach()


def _folded_parts(answer: Callable, conv: nn.Conv2d, *others: object) -> object:
    before = {name: tensor.detach().clone() for name, tensor in conv.state_dict().items()}
    result = answer(conv, *others)
    if isinstance(result, (tuple, list)) and len(result) == 2:
        result = [part.detach() if isinstance(part, Tensor) else part for part in result]
        changed = [name for name, tensor in conv.state_dict().items() if not torch.equal(tensor, before[name])]
        return {"weight": result[0], "bias": result[1], "changed": changed}
    return result


def _convolution(*values: object) -> dict[str, object]:
    names = ("out", "kernel", "stride", "padding", "dilation", "bias", "order", "height", "width", "dtype")
    return dict(zip(names, values, strict=True))


@exercise(
    _fold,
    probe=_folded_parts,
    always=(
        _convolution(2, [4, 4], [4, 4], [0, 0], 1, True, "RGB", 8, 12, "float32"),
        _convolution(2, [3, 2], [1, 2], [1, 0], 1, True, "GBR", 5, 6, "float32"),
        _convolution(1, [2, 3], [2, 1], [1, 2], 2, False, "BGR", 6, 7, "float64"),
        _convolution(3, [3, 3], [1, 1], [1, 1], 1, True, "BGR", 5, 5, "float32"),
    ),
    out=integers(1, 3),
    kernel=lists(integers(1, 3), min_size=2, max_size=2),
    stride=lists(integers(1, 3), min_size=2, max_size=2),
    padding=lists(integers(0, 2), min_size=2, max_size=2),
    dilation=integers(1, 2),
    bias=booleans(),
    order=sampled_from(["RGB", "BGR", "GBR", "BRG"]),
    height=integers(5, 8),
    width=integers(5, 8),
    dtype=DTYPES,
)
def fold_normalize(
    out: int,
    kernel: list[int],
    stride: list[int],
    padding: list[int],
    dilation: int,
    bias: bool,
    order: str,
    height: int,
    width: int,
    dtype: str,
) -> Arguments:
    """Scale, colour order and normalisation, moved into a convolution."""
    with torch.random.fork_rng(devices=[]):
        conv = nn.Conv2d(
            3, out, tuple(kernel), tuple(stride), tuple(padding), dilation, bias=bias, dtype=getattr(torch, dtype)
        )
    with torch.no_grad():
        for seed, parameter in enumerate(conv.parameters()):
            parameter.copy_(noise(*parameter.shape, seed=seed + 5, dtype=dtype))
    return {
        "conv": conv,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.31, 0.125],
        "order": order,
        "height": height,
        "width": width,
    }


def _off(got: Tensor, want: Tensor) -> Tensor:
    """Where two tensors differ, measured by the largest number of the right one: folded weights are small."""
    tolerance = 1e-6 if want.dtype == torch.float64 else 1e-4
    return ~((got - want).abs() <= tolerance * want.abs().max())


@fold_normalize.judge
def say_where_it_breaks(
    got: object,
    want: dict[str, object],
    conv: nn.Conv2d,
    mean: list[float],
    std: list[float],
    order: str,
    height: int,
    width: int,
) -> str | None:
    """The weight first, colour by colour; then the bias, in the middle and at the border."""
    if not isinstance(got, dict):
        return difference_of_kind(got, "a tuple of two tensors, weight and bias")
    layout = f"with kernel {conv.kernel_size}, stride {conv.stride}, padding {conv.padding}, dilation {conv.dilation}"
    for name in ("weight", "bias"):
        mine, right = got[name], want[name]
        if not isinstance(mine, Tensor) or mine.shape != right.shape or mine.dtype != right.dtype:
            return f"{difference(mine, right, name=f'the {name}')} ({layout})"
    wrong = _off(got["weight"], want["weight"])
    if wrong.any():
        place = tuple(wrong.nonzero()[0].tolist())
        return (
            f"weight[{', '.join(map(str, place))}] is {show(got['weight'][place].item())}; expected "
            f"{show(want['weight'][place].item())}: byte {place[1]} of a pixel is its {order[place[1]]}"
        )
    wrong = _off(got["bias"], want["bias"])
    if wrong.any():
        place = tuple(wrong.nonzero()[0].tolist())
        first = [at * step - pad for at, step, pad in zip(place[1:], conv.stride, conv.padding, strict=True)]
        reach = [gap * (size - 1) for gap, size in zip(conv.dilation, conv.kernel_size, strict=True)]
        beyond = any(
            start < 0 or start + more >= size for start, more, size in zip(first, reach, (height, width), strict=True)
        )
        where = "where the kernel reaches into the padding" if beyond else "where the kernel meets no padding"
        return (
            f"the weight is right; bias[{', '.join(map(str, place))}], {where}, is {show(got['bias'][place].item())}; "
            f"expected {show(want['bias'][place].item())} ({layout})"
        )
    return f"weight and bias are right, but conv.{got['changed'][0]} has been changed" if got["changed"] else None


Folded = tuple[Tensor, Tensor]


@fold_normalize.mistake(credit=0.5)
def one_bias_for_all(
    conv: nn.Conv2d, mean: list[float], std: list[float], order: str, height: int, width: int
) -> Folded:
    """One number per output channel, the same at all places. It is right where the kernel meets no padding. The zeros
    of the padding come after `Normalize`, so they stand for the mean colour; no mean is to be subtracted from them."""
    weight, bias = _fold(conv, mean, std, order, height, width)
    shift = (torch.tensor(mean) / torch.tensor(std)).to(conv.weight.dtype)
    start = torch.zeros(len(weight), dtype=weight.dtype) if conv.bias is None else conv.bias.detach()
    constant = start - (conv.weight.detach() * shift.view(3, 1, 1)).sum(dim=(1, 2, 3))
    return weight, constant.view(-1, 1, 1).expand(bias.shape)


@fold_normalize.mistake
def bias_as_vector(conv: nn.Conv2d, mean: list[float], std: list[float], order: str, height: int, width: int) -> Folded:
    """A bias of one number per output channel, `(O,)`, cannot be right at the border. What is asked for is a map
    `(O, H', W')`."""
    weight, bias = one_bias_for_all(conv, mean, std, order, height, width)
    return weight, bias[:, 0, 0]


@fold_normalize.mistake
def scale_forgotten(
    conv: nn.Conv2d, mean: list[float], std: list[float], order: str, height: int, width: int
) -> Folded:
    """The bytes are not divided by 255. The weight has to do that too."""
    return _fold(conv, mean, std, order, height, width, levels=1)


@fold_normalize.mistake
def order_ignored(conv: nn.Conv2d, mean: list[float], std: list[float], order: str, height: int, width: int) -> Folded:
    """The order of the colours is not used: `weight[:, 0]` meets the first byte of a pixel, whatever its colour."""
    return _fold(conv, mean, std, order, height, width, places=lambda order: [0, 1, 2])


@fold_normalize.mistake(credit=0.5)
def order_inverted(conv: nn.Conv2d, mean: list[float], std: list[float], order: str, height: int, width: int) -> Folded:
    """The colours are put in order the other way round: it asks where red is in `order`, and should ask which colour
    comes first there. RGB and BGR do not show it; GBR does."""
    return _fold(
        conv, mean, std, order, height, width, places=lambda order: [order.index(colour) for colour in COLOURS]
    )


@fold_normalize.mistake
def std_of_another_colour(
    conv: nn.Conv2d, mean: list[float], std: list[float], order: str, height: int, width: int
) -> Folded:
    """The weights were put into the camera's order, and then divided by `std` in the network's order. Divide first."""
    right = _fold(conv, [0.0] * 3, [1.0] * 3, order, height, width)[0]
    bias = _fold(conv, mean, std, order, height, width)[1]
    return right / torch.tensor(std, dtype=right.dtype).view(3, 1, 1), bias


@fold_normalize.mistake
def mean_added(conv: nn.Conv2d, mean: list[float], std: list[float], order: str, height: int, width: int) -> Folded:
    """The mean has the wrong sign: `Normalize` subtracts it."""
    return _fold(conv, mean, std, order, height, width, black=lambda mean, std: mean / std)


@fold_normalize.mistake
def mean_not_divided(
    conv: nn.Conv2d, mean: list[float], std: list[float], order: str, height: int, width: int
) -> Folded:
    """The mean is not divided by the standard deviation: (x − μ)/σ is x/σ − μ/σ."""
    return _fold(conv, mean, std, order, height, width, black=lambda mean, std: -mean)


@fold_normalize.mistake
def mean_of_bytes(conv: nn.Conv2d, mean: list[float], std: list[float], order: str, height: int, width: int) -> Folded:
    """The mean is divided by 255 as well. It belongs to images of 0 to 1 already; only the bytes have to be scaled."""
    return _fold(conv, mean, std, order, height, width, black=lambda mean, std: -mean / std / 255)


@fold_normalize.mistake
def only_the_mean(conv: nn.Conv2d, mean: list[float], std: list[float], order: str, height: int, width: int) -> Folded:
    """The bias of the convolution itself is missing from the map."""
    weight, bias = _fold(conv, mean, std, order, height, width)
    return weight, bias if conv.bias is None else bias - conv.bias.detach().view(-1, 1, 1)


@fold_normalize.mistake
def bias_of_the_convolution(
    conv: nn.Conv2d, mean: list[float], std: list[float], order: str, height: int, width: int
) -> Folded:
    """The mean is missing from the map, which holds the bias of the convolution alone."""
    return _fold(conv, mean, std, order, height, width, black=lambda mean, std: 0 * mean)
