"""Data: images on disk, datasets, transforms, samplers. Needs ``pip install "swinlib[training]"``."""

from .datasets import prepare
from .folders import (
    ImageFileError,
    SampleKey,
    SeededDataset,
    collate_images,
    image_folder,
    read_image,
)
from .marks import draw_marks, pairs_of_marks, palette
from .samplers import GlobalBatchSampler, ShardSampler
from .transforms import (
    DIGITS_MEAN,
    DIGITS_STD,
    IMAGENET_MEAN,
    IMAGENET_STD,
    denormalize,
    digits_train_transform,
    eval_transform,
    normalize_batch,
    small_train_transform,
    train_transform,
)

__all__ = [
    "DIGITS_MEAN",
    "DIGITS_STD",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "GlobalBatchSampler",
    "ImageFileError",
    "SampleKey",
    "SeededDataset",
    "ShardSampler",
    "collate_images",
    "denormalize",
    "digits_train_transform",
    "draw_marks",
    "eval_transform",
    "image_folder",
    "normalize_batch",
    "pairs_of_marks",
    "palette",
    "prepare",
    "read_image",
    "small_train_transform",
    "train_transform",
]
