"""The images of a run: loaders of uint8 batches for training and for evaluation, on each rank its share."""

from dataclasses import dataclass

from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from .. import data
from .config import Config
from .distributed import Processes, ignore_signals

PREPARED = ("digits", "cifar10", "imagenette")


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
        OSError: if a folder is missing or cannot be had.
        ValueError: if the classes are too few or differ, or there are more processes than images of a batch.
    """
    root = data.prepare(config.data, config.data_root) if config.data in PREPARED else config.data
    digits = config.data == "digits"
    mean, std = (data.DIGITS_MEAN, data.DIGITS_STD) if digits else (data.IMAGENET_MEAN, data.IMAGENET_STD)
    train_set = data.image_folder(f"{root}/train", _train_transform(config))
    val_set = data.image_folder(f"{root}/val", _eval_transform(config))
    if train_set.classes != val_set.classes:
        only = sorted(set(train_set.classes) ^ set(val_set.classes))
        raise ValueError(f"{root}: train and val must hold the same classes, but only one of them has {only}.")
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


def _train_transform(config: Config) -> v2.Transform:
    if config.augment == "affine":
        return data.digits_train_transform(config.image_size, normalize=False)
    if config.augment == "swin":
        return data.train_transform(config.image_size, normalize=False)
    return _eval_transform(config)


def _eval_transform(config: Config) -> v2.Transform:
    # ImageNet's margin round the crop for a model that was trained on crops; the whole image for the others
    resize = None if config.augment == "swin" else config.image_size
    return data.eval_transform(config.image_size, resize=resize, normalize=False)
