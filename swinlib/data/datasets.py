"""Images to train on, as ImageFolder trees: one from scikit-learn without a network, two through torchvision."""

import shutil
from collections.abc import Callable, Iterable
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from typing import NamedTuple
from urllib.error import URLError

import numpy as np
from filelock import FileLock
from PIL import Image
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import check_integrity, download_url, extract_archive
from tqdm.auto import tqdm

HELD_OUT_DIGITS = 360  # of 1797


class Archive(NamedTuple):
    """A file to be downloaded."""

    url: str
    md5: str
    megabytes: int

    @property
    def name(self) -> str:
        """Its file name."""
        return self.url.rpartition("/")[2]


# The addresses and sums of torchvision's CIFAR10 and Imagenette(size="320px")
ARCHIVES = {
    "cifar10": Archive(
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", 163
    ),
    "imagenette": Archive(
        "https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-320.tgz", "3df6f0d01a2c9592104656642f5e78a3", 326
    ),
}


def prepare(name: str, root: str | Path, *, download: bool = True) -> Path:
    """Prepare a dataset on disk, unless it is there already, and return where it is.

    ``"digits"`` are the 1797 handwritten digits that scikit-learn ships, 8 x 8 pixels of 17 greys, written as PNG of 0
    to 255 and named after their place in ``load_digits()``. 360 are held out, the classes in proportion, always the
    same. No network is needed. Enlarging them is left to the transform.

    ``"cifar10"`` are 60 000 photographs of 32 x 32 pixels in 10 classes, of which its test set of 10 000 is held out.

    ``"imagenette"`` are 13 394 photographs of 10 classes of ImageNet, their shorter side 320 pixels.

    The tree appears under its name only when it is complete: it is written next to it and then renamed, so that an
    interrupted call leaves nothing that a later one would take for whole. Processes that call this at the same time
    (``torchrun`` starts several) wait for the first and find its work.

    Args:
        name: one of the three.
        root: folder to hold the datasets; made if need be. A downloaded archive stays there too.
        download: whether the network may be used. An archive that lies in ``root`` already is used in any case.

    Returns:
        ``root/name``, holding ``train/<class>/*`` and ``val/<class>/*`` for ``image_folder``.

    Raises:
        ValueError: if there is no dataset of that name.
        ConnectionError: if the download fails; the message says what was tried and how to go on without it.
        FileNotFoundError: if ``download=False`` and neither the tree nor its whole archive is there.
        FileExistsError: if ``root/name`` is there and is something else.
    """
    if name not in WRITERS:
        raise ValueError(f"there is no dataset {name!r}; choose one of {', '.join(map(repr, WRITERS))}.")
    root = Path(root).expanduser()
    target, partial = root / name, root / f".{name}.partial"
    if _is_complete(target):
        return target
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / f".{name}.lock"):  # the system frees it when its holder dies
        if _is_complete(target):  # another process was faster
            return target
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed: nobody else holds the lock
        partial.mkdir()
        try:
            if name in ARCHIVES:
                extract_archive(_archive(name, root, download), partial)
            WRITERS[name](partial).rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return target


def _is_complete(target: Path) -> bool:
    if not target.exists():
        return False
    if not all((target / split).is_dir() for split in ("train", "val")):
        raise FileExistsError(
            f"{target} is in the way: it does not hold train and val. Move it, or choose another root."
        )
    return True


def _write_digits(folder: Path) -> Path:
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise ImportError('the digits come with scikit-learn: pip install "swinlib[training]"') from error
    images, labels = load_digits(return_X_y=True)
    grey = (images.reshape(-1, 8, 8).astype(np.int64) * 255 + 8) // 16  # 0..16 to 0..255, rounded
    pixels = grey.astype(np.uint8)
    train, val = train_test_split(np.arange(len(labels)), test_size=HELD_OUT_DIGITS, stratify=labels, random_state=0)
    for split, indices in (("train", train), ("val", val)):
        _write_tree(folder / "tree" / split, pixels[indices], labels[indices], indices, map(str, range(10)))
    return folder / "tree"


def _write_cifar10(folder: Path) -> Path:
    for split, is_train in (("train", True), ("val", False)):
        data = CIFAR10(folder, train=is_train)
        bar = tqdm(range(len(data)), desc=f"writing {split}", unit="image")
        _write_tree(folder / "tree" / split, data.data, data.targets, bar, data.classes)
    return folder / "tree"


def _write_tree(
    folder: Path, images: np.ndarray, labels: Iterable[int], names: Iterable[int], classes: Iterable[str]
) -> None:
    """Write images ``(N, H, W)`` or ``(N, H, W, 3)``, uint8, as ``folder/<class>/<name>.png``."""
    folders = [folder / name for name in classes]
    for path in folders:
        path.mkdir(parents=True)
    for image, label, name in zip(images, labels, names, strict=True):
        Image.fromarray(image).save(folders[label] / f"{name:05d}.png")


def _write_imagenette(folder: Path) -> Path:
    return folder / "imagenette2-320"  # the archive holds a tree of that name, with train and val


def _archive(name: str, root: Path, download: bool) -> Path:
    """Return the whole archive in ``root``, downloaded if need be and allowed. It stays there for another time."""
    archive = ARCHIVES[name]
    path = root / archive.name
    if check_integrity(path, archive.md5):
        return path
    state = "is damaged or incomplete" if path.exists() else "is missing"
    remedy = (
        f'fetch {archive.url} elsewhere and put it at {path}, or use prepare("digits", ...), which needs no network'
    )
    if not download:
        raise FileNotFoundError(f"{path} {state}. Allow the download ({archive.megabytes} MB), or {remedy}.")
    try:
        download_url(archive.url, root, archive.name, archive.md5)
    except (URLError, HTTPException, SSLError, ConnectionError, TimeoutError) as error:
        raise ConnectionError(
            f"{name} ({archive.megabytes} MB) could not be downloaded from {archive.url}: {error}. Check the network "
            f"and try again, or {remedy}."
        ) from error
    except RuntimeError as error:  # the sum does not match
        raise ConnectionError(
            f"the file that {archive.url} sent is not the archive of {name}. Try again, or {remedy}."
        ) from error
    return path


WRITERS: dict[str, Callable[[Path], Path]] = {
    "digits": _write_digits,
    "cifar10": _write_cifar10,
    "imagenette": _write_imagenette,
}
