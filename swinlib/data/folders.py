"""Folders of images as datasets: torchvision's ImageFolder, with errors that name the file, and nothing left unsaid.

How an index reaches a sample (``GlobalBatchSampler`` yields it, ``SeededDataset`` reads it): a plain integer, or the
pair ``SampleKey(epoch, index)``. The epoch travels in the index because it is the only thing that reaches a worker
that is already running: a dataset's ``set_epoch``, called in the main process, does not.
"""

import contextlib
import io
import os
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import Dataset, default_collate
from torchvision.datasets import ImageFolder
from torchvision.transforms.v2 import functional as F
from tqdm.auto import tqdm

from ..arguments import as_integer
from .listing import IMG_EXTENSIONS, Listing, Reason, list_classes, list_samples

try:
    from torchvision.io import ImageReadMode, decode_jpeg
except ImportError:  # to be removed from torchvision some day; Pillow then decodes the same pixels, a little slower
    decode_jpeg = None

JPEG_SIGNATURE = b"\xff\xd8\xff"
BITS_PER_SAMPLE = 258  # a tag of TIFF


class SampleKey(NamedTuple):
    """Which sample, and in which epoch: what augmentation may depend on."""

    epoch: int
    index: int


class SeededDataset(Dataset):
    """Draw a sample's augmentation from (seed, epoch, index) alone, whatever was drawn before.

    Then a sample looks the same in any worker, on any rank, and in a run that was resumed in the middle of an epoch.
    While the inner dataset prepares a sample, torch's global CPU generator is seeded for it; afterwards it stands where
    it stood. Transforms that draw elsewhere (``random``, NumPy) are not reached; those of ``torchvision.transforms.v2``
    all draw from torch.

    Args:
        dataset: any dataset with indices; its samples are returned as they are.
        seed: at least 0.

    Raises:
        ValueError: if the seed is not an integer of at least 0.
    """

    def __init__(self, dataset: Dataset, seed: int = 0):
        self.dataset, self.seed = dataset, as_integer(seed, "seed", 0)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: int | SampleKey) -> Any:
        """Return the sample of ``(epoch, index)``; a plain index is taken for epoch 0."""
        epoch, index = key if isinstance(key, tuple) else (0, key)
        # SeedSequence mixes the three numbers, so that neighbours do not start from neighbouring states
        mixed = np.random.SeedSequence((self.seed, epoch, index)).generate_state(1, np.uint64).item()
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(mixed)
            return self.dataset[index]


class ImageFileError(OSError):
    """A file of a dataset is missing or is not an image that can be read. The message names it."""


class Sample(tuple):
    """``(image, label)``, which also knows the file it came from, so that later errors can name it."""

    path: str


def read_image(path: str | Path) -> Tensor:
    """Read an image file as ``(3, H, W)``, uint8, red, green and blue.

    torchvision decodes JPEG straight into a tensor. Pillow decodes every other format, PNG too: at damaged PNG data
    torchvision 0.29 does not raise an error, it ends the process. Either way the pixels are those of ImageFolder's own
    loader:

    * grey is copied to three channels; a palette is resolved; CMYK is converted; transparency is dropped;
    * of an animation the first frame is read;
    * the orientation that a camera noted in EXIF is not applied.

    The one difference: deep grey is scaled to 0..255, where ImageFolder's loader turns all above 255 white.

    * 16 bits: white is 65535. A TIFF of 12 bits: white is 4095.
    * 32-bit integers and floats (Pillow's modes ``I`` and ``F``): the file does not say what white is. If no value is
      negative, white is assumed to be the first of 1 (floats only), 255 and 65535 that none exceeds, with a warning.
      So a picture of 16 bits that is nearly black may be taken for one of 8. Other values are an error: temperatures
      or heights, say, have no black and white but what you choose.

    A JPEG whose bytes were altered but not cut off may decode to wrong pixels without an error in either library.

    Raises:
        ImageFileError: if the file is missing, cut off or not an image, or its greys are of an unknown scale; the
            message names it.
    """
    try:
        data = np.fromfile(path, dtype=np.uint8)
        if not data.size:
            raise ValueError("it is empty")
        if decode_jpeg is not None and data[:3].tobytes() == JPEG_SIGNATURE:
            with contextlib.suppress(RuntimeError):  # cut off, or a rare kind of JPEG: Pillow tells which
                return decode_jpeg(torch.from_numpy(data), mode=ImageReadMode.RGB)
        return _decode_with_pillow(data.tobytes())
    except (MemoryError, Warning):  # say nothing about the file
        raise
    except FileNotFoundError as error:
        raise ImageFileError(f"{path} is missing. Restore it, or see image_folder's on_error.") from error
    except Exception as error:  # Pillow's decoders raise nearly anything for damaged data
        reason = "it is in no known format" if isinstance(error, UnidentifiedImageError) else error
        raise ImageFileError(
            f"{path} cannot be read as an image: {reason}. Replace it, or see image_folder's on_error."
        ) from error


def _decode_with_pillow(data: bytes) -> Tensor:
    with Image.open(io.BytesIO(data)) as image:
        if image.mode in ("I", "F") or image.mode.startswith("I;"):
            image = Image.fromarray(_eight_bits(image))
        return F.pil_to_tensor(image.convert("RGB"))


def _eight_bits(image: Image.Image) -> np.ndarray:
    """Scale grey of 16 or 32 bits ``(H, W)`` to 0..255; see ``read_image`` for what is assumed to be white."""
    grey = np.asarray(image)
    if image.mode.startswith("I;"):
        is_twelve_bits = image.format == "TIFF" and image.tag_v2.get(BITS_PER_SAMPLE) == (12,)
        white = 4095 if is_twelve_bits else 65535
    elif image.mode == "I" and image.format in ("PNG", "PPM"):  # as Pillow opened or opens their 16 bits
        white = 65535
    else:
        white = _assumed_white(grey)
    if white == 65535:
        return (grey // 256).astype(np.uint8)
    return np.round(grey * (255 / white)).astype(np.uint8)


def _assumed_white(grey: np.ndarray) -> int:
    """The white of greys whose file does not say it, with a warning: for one kind of image always the same text."""
    low, high = grey.min().item(), grey.max().item()
    kind, whites = ("floats", (1, 255, 65535)) if grey.dtype.kind == "f" else ("integers", (255, 65535))
    white = next((white for white in whites if low >= 0 and high <= white), None)
    if white is None:  # among them NaN, which is never within
        raise ValueError(
            f"its greys are 32-bit {kind} of {low:g} to {high:g}, which do not say what is black and what is white. "
            f"Scale them to 8 or 16 bits"
        )
    warnings.warn(
        f"grey of 32-bit {kind} within 0..{white} was read with {white} as white, which such a file does not say. If "
        f"that is wrong, save it as 8 or 16 bits.",
        stacklevel=2,
    )
    return white


class CheckedImageFolder(ImageFolder):
    """ImageFolder that decodes to uint8 tensors, and knows which files it left out or could not read."""

    def __init__(self, listing: Listing, transform: Callable | None, on_error: str):
        self._listing = listing
        super().__init__(listing.root, transform, loader=read_image)
        self.on_error = on_error
        self._skipped: list[str] = []
        # One flag per file, in memory that worker processes share. They only ever set a flag, so no lock is needed.
        self._unreadable = torch.zeros(len(self.samples), dtype=torch.bool)
        if on_error == "count":
            self._unreadable.share_memory_()

    def find_classes(self, directory: str) -> tuple[list[str], dict[str, int]]:
        """The classes of the listing, for ImageFolder."""
        return self._listing.classes, {name: label for label, name in enumerate(self._listing.classes)}

    def make_dataset(self, directory: str, *args: Any, **kwargs: Any) -> list[tuple[str, int]]:
        """The samples of the listing, for ImageFolder."""
        return self._listing.samples

    @property
    def left_out(self) -> dict[str, list[str]]:
        """The paths that are not samples, by reason."""
        return self._listing.left_out

    @property
    def unreadable(self) -> list[str]:
        """The files that could not be read so far, by any worker; each once, however often it was tried."""
        return self._skipped + [self.samples[i][0] for i in self._unreadable.nonzero().flatten().tolist()]

    def __getitem__(self, index: int) -> Sample | None:
        """Return ``(image, label)``; None for an unreadable file where these are counted."""
        try:
            sample = Sample(super().__getitem__(index))
        except ImageFileError:
            if self.on_error != "count":
                raise
            self._unreadable[index] = True
            return None
        sample.path = self.samples[index][0]
        return sample

    def leave_out_unreadable(self) -> None:
        """Read every file once and keep the samples that can be read."""
        paths = [path for path, _ in self.samples]
        with ThreadPool() as pool:
            checked = pool.imap(_is_readable, paths, chunksize=16)
            good = list(tqdm(checked, total=len(paths), desc="checking images", unit="image", delay=2))
        self._skipped = [path for path, fine in zip(paths, good, strict=True) if not fine]
        self.samples = self.imgs = [sample for sample, fine in zip(self.samples, good, strict=True) if fine]
        self.targets = [label for _, label in self.samples]
        self._unreadable = torch.zeros(len(self.samples), dtype=torch.bool)


def _is_readable(path: str) -> bool:
    try:
        read_image(path)
    except ImageFileError:
        return False
    return True


def image_folder(
    root: str | Path,
    transform: Callable | None = None,
    *,
    on_error: Literal["raise", "skip", "count"] = "raise",
    min_classes: int = 2,
) -> CheckedImageFolder:
    """Open a folder of images, one folder per class, as a dataset of ``(image, label)``.

    The result is a torchvision ImageFolder, with ``classes``, ``class_to_idx``, ``samples`` and ``targets`` as it has
    them: classes in alphabetical order, files at any depth below their class, those that end in .jpg, .jpeg, .png,
    .ppm, .bmp, .pgm, .tif, .tiff or .webp, in capitals too. An image is ``(3, H, W)`` uint8 as ``read_image`` gives
    it, then whatever the transform makes of it.

    Left out are files with other endings, images such as .gif and .jfif among them; what is hidden by a dot
    (``.ipynb_checkpoints``, ``._1.png``) or is known to belong to a system (``__MACOSX``); links that are broken, that
    lead to a folder they lie in, into another class, or to what the class holds already; pipes and devices; folders
    that cannot be opened; and files outside of a class folder. A warning counts and names them by reason.

    Args:
        root: the folder that holds the class folders, such as ``prepare("digits", "data") / "train"``.
        transform: of uint8 tensors, such as ``train_transform(224)``.
        on_error: what an unreadable file does.

            * ``"raise"``: ImageFileError names it at the moment it is to be read, from a worker too.
            * ``"skip"``: all files are read once, now, and those that cannot be are left out, with a warning that
              names them. The length and the order are settled before a sampler sees them, so that all processes agree
              and a resumed run draws the same samples; leaving files out while batches are made could not promise
              that. A file that breaks later raises.
            * ``"count"``: nothing is read beforehand. Such a sample is None; ``collate_images`` leaves it out of its
              batch, and ``dataset.unreadable`` lists the files met so far, over all workers of this process. For one
              pass over many files. When training on several processes take ``"skip"``: batches of unequal length
              would weigh samples unequally.
        min_classes: a classifier of one class is always right, so fewer than two are an error. 1 to look at images.

    Returns:
        torchvision's ImageFolder with two more attributes: ``unreadable``, the files that could not be read, and
        ``left_out``, the paths of everything that is not a sample, by reason.

    Raises:
        FileNotFoundError: if there is no such folder, it holds no class folders, or a class folder holds no image that
            is taken.
        ValueError: if ``on_error`` is none of the three, there are too few classes, or the folders are called train
            and val: then root is one level too high.
        ImageFileError: if ``on_error="skip"`` and no file at all can be read.
    """
    if on_error not in ("raise", "skip", "count"):
        raise ValueError(f"on_error must be 'raise', 'skip' or 'count'; got {on_error!r}.")
    root = Path(root).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(
            f"{root} {'is a file' if root.exists() else 'does not exist'}; give a folder that holds one folder per "
            f'class. prepare("digits", "data") writes such folders, data/digits/train and data/digits/val.'
        )
    listing = list_classes(str(root))
    folders = listing.classes
    if not folders:
        raise FileNotFoundError(
            f"{root} holds no class folders; it should hold one folder per class, with the images in them. If it is "
            f"itself a class, give the folder above it.{_also(listing, listing.left_out)}"
        )
    if set(folders) <= {"train", "val", "valid", "validation", "test"}:
        raise ValueError(
            f"{root} holds {folders}, which are not classes: give one of them, such as {root / folders[0]}."
        )
    if len(folders) < min_classes:
        raise ValueError(
            f"{root} holds too few classes, {folders}: at least {min_classes} are needed to tell one from another. "
            f"Give min_classes={len(folders)} to look at the images all the same.{_also(listing, listing.left_out)}"
        )
    list_samples(listing)
    _check_classes(listing)
    dataset = CheckedImageFolder(listing, transform, on_error)
    if listing.left_out:
        warnings.warn(f"left out under {root}: {_report(listing, listing.left_out)}", stacklevel=2)
    if listing.twice:
        warnings.warn(
            f"in two classes under {root}, through links: {len(listing.twice)} ({_listed(listing.twice)}). Remove them "
            f"from one of the two.",
            stacklevel=2,
        )
    if on_error == "skip":
        dataset.leave_out_unreadable()
        if not dataset.samples:
            raise ImageFileError(
                f"none of the {len(dataset.unreadable)} images under {root} can be read, among them "
                f"{dataset.unreadable[0]}. Replace them; read_image says what is wrong with each."
            )
        if dataset.unreadable:
            left_out, total = len(dataset.unreadable), len(dataset.unreadable) + len(dataset)
            warnings.warn(
                f"left out {left_out} of {total} images under {root} that cannot be read: "
                f"{_listed(dataset.unreadable)}.",
                stacklevel=2,
            )
    return dataset


def _check_classes(listing: Listing) -> None:
    """Refuse classes without images, and say what they hold instead."""
    filled = {label for _, label in listing.samples}
    empty = [name for label, name in enumerate(listing.classes) if label not in filled]
    if empty:
        homes = tuple(os.path.join(listing.root, name, "") for name in empty)
        inside = {
            reason: kept
            for reason, paths in listing.left_out.items()
            if (kept := [path for path in paths if os.path.join(path, "").startswith(homes)])
        }
        raise FileNotFoundError(
            f"{listing.root} has classes without an image: {_listed(empty)}. Put images that end in "
            f"{', '.join(IMG_EXTENSIONS)} there, or remove the folders.{_also(listing, inside)}"
        )


def _also(listing: Listing, left_out: dict[str, list[str]]) -> str:
    return f" Left out: {_report(listing, left_out)}" if left_out else ""


def _report(listing: Listing, left_out: dict[str, list[str]]) -> str:
    """Count and name what was left out, by reason, and say what to do where something can be done."""
    parts = []
    for reason in sorted(left_out, key=list(Reason).index):
        paths = left_out[reason]
        names = _listed([os.path.relpath(path, listing.root) for path in paths])
        if reason in (Reason.OTHER_IMAGE, Reason.NO_IMAGE):
            endings = Counter(os.path.splitext(path)[1].lower() or "no ending" for path in paths)
            names = ", ".join(f"{count} {ending}" for ending, count in endings.most_common(5)) + f": {names}"
        parts.append(f"{reason}: {len(paths)} ({names})")
    remedy = ""
    if Reason.OTHER_IMAGE in left_out:
        remedy = " Convert these images to PNG; a .jfif or .jpe need only be renamed to .jpg."
    return "; ".join(parts) + f".{remedy}"


def collate_images(samples: Sequence[tuple[Tensor, int] | None]) -> tuple[Tensor, Tensor]:
    """Stack samples into a batch: what a DataLoader's ``collate_fn`` does, with an error that helps.

    Args:
        samples: ``(image, label)`` with images of one size ``(C, H, W)``, of any dtype; None is left out.

    Returns:
        Images ``(B, C, H, W)`` of the same dtype, labels ``(B,)``, int64.

    Raises:
        ValueError: if the images differ in size, or there is none; the message names sizes and files.
    """
    kept = [sample for sample in samples if sample is not None]
    if not kept:
        raise ValueError(
            f"none of the {len(samples)} images of this batch could be read: dataset.unreadable lists them. Replace or "
            f"remove them."
        )
    shapes: dict[tuple[int, ...], Any] = {}
    for position, sample in enumerate(kept):
        shapes.setdefault(tuple(sample[0].shape), getattr(sample, "path", f"image {position} of the batch"))
    if len(shapes) > 1:
        found = _listed([f"{shape} ({where})" for shape, where in shapes.items()])
        raise ValueError(
            f"images of unequal size cannot be stacked into one batch: {found}. End the transform in Resize((h, w)), "
            f"or in Resize and CenterCrop, as eval_transform(size) does."
        )
    images, labels = default_collate([tuple(sample) for sample in kept])
    return images, labels


def _listed(names: Sequence[str], at_most: int = 5) -> str:
    more = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return ", ".join(names[:at_most]) + more
