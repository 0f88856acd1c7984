"""The images of a run: loaders of uint8 batches for training and for evaluation, on each rank its share."""

import warnings
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from .. import data
from .config import Config
from .distributed import Processes, ignore_signals

PREPARED = ("digits", "cifar10", "imagenette")
OTHER_NAMES = {"train": ("training", "Train"), "val": ("valid", "validation", "Val", "test")}


@dataclass(frozen=True)
class Loaders:
    """Loaders of ``(images, labels)``, images ``(B, 3, image_size, image_size)`` of uint8."""

    train: DataLoader
    batches: data.GlobalBatchSampler
    val: DataLoader
    classes: list[str]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def fingerprint(self) -> dict[str, object]:
        """What tells other data from these."""
        return {"classes": self.classes, "training images": self.batches.num_samples}

    def normalize(self, images: Tensor) -> Tensor:
        """uint8 to standardised float32."""
        return data.normalize_batch(images, self.mean, self.std)


def make_loaders(config: Config, processes: Processes) -> Loaders:
    """Prepare the data where need be, and open them.

    Raises:
        OSError: if a folder is missing, or a dataset cannot be downloaded.
        ValueError: if there are too few classes, those of train and val differ, or there are more processes than images
            in a batch.
    """
    root = data.prepare(config.data, config.data_root) if config.data in PREPARED else _splits(config.data)
    digits = config.data == "digits"
    mean, std = (data.DIGITS_MEAN, data.DIGITS_STD) if digits else (data.IMAGENET_MEAN, data.IMAGENET_STD)
    with warnings.catch_warnings():
        if not processes.is_main:  # what is left out is the same for all of them, and told once
            warnings.simplefilter("ignore", UserWarning)
        train_set = data.image_folder(root / "train", _train_transform(config))
        val_set = data.image_folder(root / "val", _eval_transform(config))
    if train_set.classes != val_set.classes:
        only = [sorted(set(a) - set(b)) for a, b in permutations((train_set.classes, val_set.classes))]
        raise ValueError(
            f"train and val of {root} must hold the same classes, but only train has {only[0]} and only val {only[1]}. "
            f"Add those folders where they are missing, with images, or remove them where they are."
        )
    ranks = (processes.world_size, processes.rank)
    batches = data.GlobalBatchSampler(len(train_set), config.batch_size, *ranks, seed=config.seed, key=data.SampleKey)
    options = {
        "num_workers": config.workers,
        "collate_fn": data.collate_images,
        "pin_memory": processes.device.type == "cuda",
        "worker_init_fn": ignore_signals,
    }
    return Loaders(
        train=DataLoader(
            data.SeededDataset(train_set, config.seed),
            batch_sampler=batches,
            persistent_workers=config.workers > 0,
            **options,
        ),
        batches=batches,
        val=DataLoader(
            val_set,
            batch_size=max(1, config.batch_size // processes.world_size),
            sampler=data.ShardSampler(len(val_set), *ranks),
            **options,
        ),
        classes=train_set.classes,
        mean=mean,
        std=std,
    )


def _splits(name: str) -> Path:
    """The folder of a user's own images, if it holds train and val.

    Raises:
        FileNotFoundError: if it does not exist, or one of the two is missing; the message says what is there instead.
    """
    root = Path(name).expanduser()
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise FileNotFoundError(
            f"{root} {what}, and is none of {', '.join(PREPARED)}: give one of these, or a folder that holds "
            f"train/<class>/ and val/<class>/."
        )
    missing = [split for split in ("train", "val") if not (root / split).is_dir()]
    if not missing:
        return root
    there = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if others := [name for name in OTHER_NAMES[missing[0]] if name in there]:
        remedy = f"Rename {others[0]} to {missing[0]}"
    elif "train" in missing:
        remedy = "Move the class folders into train, and some of the images of each class from there to val/<class>"
    else:
        remedy = "Move some of the images of each class, one in five say, from train/<class> to val/<class>"
    raise FileNotFoundError(
        f"{root} holds no {' and no '.join(missing)}, but {', '.join(there) if there else 'no folders at all'}. "
        f"{remedy}."
    )


def _train_transform(config: Config) -> v2.Transform:
    """Augmentation, of what is evaluated: nothing is squashed here that is not squashed there."""
    if config.augment == "affine":
        return data.digits_train_transform(config.image_size, normalize=False)
    if config.augment == "crop":
        return data.small_train_transform(config.image_size, normalize=False)
    if config.augment == "swin":
        return data.train_transform(config.image_size, normalize=False)
    return _eval_transform(config)


def _eval_transform(config: Config) -> v2.Transform:
    return data.eval_transform(config.image_size, resize=config.eval_resize, normalize=False)
