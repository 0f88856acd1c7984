"""Reading files and folders: which pixels, which errors, who is told."""

import pickle
import re
import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.datasets.folder import pil_loader
from torchvision.transforms import v2

from swinlib.data import (
    ImageFileError,
    SampleKey,
    SeededDataset,
    collate_images,
    eval_transform,
    folders,
    image_folder,
    read_image,
)

# torchvision is about to give up its decoders; read_image then does without
pytestmark = pytest.mark.filterwarnings("ignore:The image decoding and encoding:DeprecationWarning")


def rotated_by_exif():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def with_alpha(image):
    image = image.copy()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


# name: (mode to convert to, options of save)
FORMATS = {
    "colour.jpg": ("RGB", {}),
    "progressive.jpg": ("RGB", {"progressive": True}),
    "full_chroma.jpg": ("RGB", {"subsampling": 0}),
    "grey.jpg": ("L", {}),
    "cmyk.jpg": ("CMYK", {}),
    "turned.jpg": ("RGB", {"exif": rotated_by_exif()}),
    "colour.png": ("RGB", {}),
    "grey.png": ("L", {}),
    "one_bit.png": ("1", {}),
    "palette.png": ("P", {}),
    "palette_and_transparent.png": ("P", {"transparency": 3}),
    "alpha.png": ("RGBA", {}),
    "grey_alpha.png": ("LA", {}),
    "colour.webp": ("RGB", {}),
    "alpha.webp": ("RGBA", {}),
    "colour.gif": ("RGB", {}),
    "colour.bmp": ("RGB", {}),
    "colour.tiff": ("RGB", {}),
    "colour.ppm": ("RGB", {}),
    "grey.pgm": ("L", {}),
}


@pytest.mark.parametrize("name", FORMATS)
def test_pixels_are_those_of_imagefolders_own_loader(name, photographs, tmp_path):
    mode, options = FORMATS[name]
    small = photographs[1].resize((61, 47))
    image = with_alpha(small).convert(mode) if mode.endswith("A") else small.convert(mode)
    image.save(tmp_path / name, **options)
    expected = torch.from_numpy(np.array(pil_loader(str(tmp_path / name)))).permute(2, 0, 1)
    found = read_image(tmp_path / name)
    assert (found.dtype, found.shape) == (torch.uint8, (3, 47, 61))  # so EXIF turned nothing
    assert (found.int() - expected.int()).abs().max() <= 1


def test_jpeg_is_decoded_alike_without_torchvisions_decoder(photographs, tmp_path, monkeypatch):
    photographs[0].save(tmp_path / "photograph.jpg")
    fast = read_image(tmp_path / "photograph.jpg")
    monkeypatch.setattr(folders, "decode_jpeg", None)
    assert (fast.int() - read_image(tmp_path / "photograph.jpg").int()).abs().max() <= 1


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "moving.gif")[:, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bits_of_grey_are_scaled_to_eight(suffix, tmp_path):
    grey = np.arange(0, 65536, 4096, dtype=np.uint16).reshape(4, 4)
    path = tmp_path / f"deep.{suffix}"
    Image.fromarray(grey).save(path)
    assert (read_image(path) == torch.arange(0, 256, 16).reshape(4, 4)).all()
    assert np.array(pil_loader(str(path))).max() == 255  # what is avoided: all but black turned white
    assert np.unique(np.array(pil_loader(str(path)))).size == 2


def damaged(kind, photograph, tmp_path):
    """Write a file that is damaged in some way, and return its path."""
    suffix = "png" if "png" in kind else "jpg"
    path = tmp_path / f"{kind}.{suffix}"
    photograph.resize((97, 61)).save(path)
    data = bytearray(path.read_bytes())
    if kind.startswith("cut"):
        del data[len(data) // 2 :]
    elif kind == "altered png":
        data[2000] ^= 255
    elif kind == "text":
        data[:] = b"not found"
    elif kind == "empty":
        data.clear()
    path.write_bytes(data)
    if kind == "missing":
        path.unlink()
    return path


REASONS = {
    "cut jpeg": "truncated",
    "cut png": "truncated",
    "altered png": "cannot be read as an image",  # at this torchvision's decoder ends the process
    "text": "no known format",
    "empty": "it is empty",
    "missing": "is missing",
}


@pytest.mark.parametrize("kind", REASONS)
def test_a_damaged_or_missing_file_is_named(kind, photographs, tmp_path):
    path = damaged(kind, photographs[0], tmp_path)
    with pytest.raises(ImageFileError, match=REASONS[kind]) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "on_error" in str(caught.value)


def test_a_folder_is_no_image(tmp_path):
    with pytest.raises(ImageFileError, match=re.escape(str(tmp_path))):
        read_image(tmp_path)


@pytest.mark.parametrize("category", [MemoryError, DeprecationWarning])
def test_what_is_not_the_files_fault_is_not_blamed_on_it(category, tree, monkeypatch):
    def fail(*args, **kwargs):
        raise category("something else")

    monkeypatch.setattr(folders, "decode_jpeg", fail)
    with pytest.raises(category):
        read_image(tree / "dog" / "e.JPEG")


# folders


def test_the_listing_is_imagefolders(tree):
    (tree / "cat" / "notes.txt").write_text("not an image")
    ours, theirs = image_folder(tree), ImageFolder(tree)
    for attribute in ("classes", "class_to_idx", "samples", "targets"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert [(int(image.float().mean().round()), label) for image, label in ours] == [
        (0, 0),
        (40, 0),
        (80, 0),
        (120, 1),
        (160, 1),
    ]
    assert ours.unreadable == []


def test_a_transform_sees_uint8_tensors(tree):
    seen = []
    image, label = image_folder(tree, lambda image: seen.append((image.shape, image.dtype)) or "transformed")[3]
    assert (image, label) == ("transformed", 1)
    assert seen == [((3, 10, 12), torch.uint8)]


def break_one(tree, kind="cut"):
    path = tree / "cat" / "b.png"
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:45])
    else:
        path.unlink()
    return str(path)


def error_of(loader):
    """Return what iterating over the loader raises."""
    try:
        list(loader)
    except (OSError, ValueError) as error:
        # Frames in a cycle hold the loader's iterator. Free them, so that its workers end now: when the garbage
        # collector gets at them, the queue that tells them to is gone already, and each is waited for, five seconds.
        traceback.clear_frames(error.__traceback__)
        return error
    return None


@pytest.mark.parametrize("kind", ["cut", "missing"])
@pytest.mark.parametrize("workers", [0, 1])
def test_raise_names_the_file_from_a_worker_too(kind, workers, tree):
    dataset = image_folder(tree)
    path = break_one(tree, kind)
    error = error_of(DataLoader(dataset, batch_size=5, num_workers=workers, collate_fn=collate_images))
    assert isinstance(error, ImageFileError)
    assert path in str(error)


def test_skip_settles_the_samples_beforehand(tree):
    path = break_one(tree)
    with pytest.warns(UserWarning, match=r"left out 1 of 5 images under .*b\.png\.$") as caught:
        dataset = image_folder(tree, on_error="skip")
    (warning,) = (warning for warning in caught if warning.category is UserWarning)
    assert warning.filename == __file__
    assert dataset.unreadable == [path]
    assert [Path(path).name for path, _ in dataset.samples] == ["a.png", "c.jpg", "d.png", "e.JPEG"]
    assert dataset.targets == [0, 0, 1, 1]
    assert [label for _, label in dataset] == dataset.targets
    Path(dataset.samples[0][0]).unlink()  # later than the check
    with pytest.raises(ImageFileError, match=r"a\.png is missing"):
        dataset[0]


def test_skip_says_nothing_where_all_is_well(tree):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert len(image_folder(tree, on_error="skip")) == 5


def test_skip_names_at_most_five_of_many(tree):
    for number in range(7):
        (tree / "dog" / f"bad{number}.png").write_bytes(b"no")
    with pytest.warns(UserWarning, match=r"left out 7 of 12 images.*bad4\.png and 2 more") as caught:
        dataset = image_folder(tree, on_error="skip")
    assert len(dataset.unreadable) == 7
    assert not any("bad5" in str(warning.message) for warning in caught)


def test_skip_of_everything_is_an_error(tree):
    for path in (path for path in tree.rglob("*") if path.is_file()):
        path.write_bytes(b"no")
    with pytest.raises(ImageFileError, match="none of the 5 images"):
        image_folder(tree, on_error="skip")


@pytest.mark.parametrize("workers", [0, 2])
def test_count_leaves_out_and_counts_over_all_workers(workers, tree):
    dataset = image_folder(tree, on_error="count")
    paths = [break_one(tree), str(tree / "dog" / "d.png")]
    Path(paths[1]).unlink()
    loader = DataLoader(dataset, batch_size=3, num_workers=workers, collate_fn=collate_images)
    assert dataset.unreadable == []
    for _ in range(2):  # in the second epoch nothing is counted twice
        assert [labels.tolist() for _, labels in loader] == [[0, 0], [1]]
        assert dataset.unreadable == paths
    assert dataset[1] is None


def test_a_batch_of_nothing_is_an_error(tree):
    break_one(tree)
    dataset = image_folder(tree, on_error="count")
    with pytest.raises(ValueError, match="none of the 1 images of this batch could be read"):
        collate_images([dataset[1]])


@pytest.mark.parametrize(
    ("change", "error", "parts"),
    [
        (lambda root: root / "nothing", FileNotFoundError, ("nothing is no such folder", 'prepare("digits"')),
        (lambda root: root / "cat" / "a.png", FileNotFoundError, ("a.png is a file", "one folder per class")),
        (lambda root: root / "dog", FileNotFoundError, ("dog holds no folders", "the folder above it")),
        (lambda root: root / "cat", ValueError, ("too few classes, ['deep']: at least 2", "min_classes=1")),
    ],
    ids=["no such folder", "a file", "a class", "one class"],
)
def test_a_wrong_root(change, error, parts, tree):
    with pytest.raises(error) as caught:
        image_folder(change(tree))
    for part in parts:
        assert part in str(caught.value)


def test_one_class_may_be_looked_at(tree):
    assert len(image_folder(tree / "cat", min_classes=1)) == 1


def test_more_classes_may_be_asked_for(tree):
    with pytest.raises(ValueError, match=r"too few classes, \['cat', 'dog'\]: at least 3"):
        image_folder(tree, min_classes=3)


def test_one_level_too_high_is_noticed(tree):
    (tree.parent / "splits").mkdir()
    tree.rename(tree.parent / "splits" / "train")
    with pytest.raises(ValueError, match=r"\['train'\], which are no classes.*train"):
        image_folder(tree.parent / "splits", min_classes=1)


def test_an_empty_class_is_named(tree):
    (tree / "bird").mkdir()
    with pytest.raises(FileNotFoundError, match="bird"):
        image_folder(tree)


def test_an_unknown_way_with_errors(tree):
    with pytest.raises(ValueError, match=r"'raise', 'skip' or 'count'; got 'ignore'"):
        image_folder(tree, on_error="ignore")


# batches


def test_collate_stacks_what_default_collate_would(tree):
    images, labels = collate_images([image_folder(tree)[i] for i in range(5)])
    assert (images.shape, images.dtype) == ((5, 3, 10, 12), torch.uint8)
    assert (labels.tolist(), labels.dtype) == ([0, 0, 0, 1, 1], torch.int64)
    assert images[:, 0, 0, 0].tolist() == [0, 40, 80, 120, 160]


@pytest.mark.parametrize("workers", [0, 1])
def test_unequal_sizes_name_sizes_and_files(workers, tree):
    Image.new("RGB", (7, 9)).save(tree / "dog" / "f.png")
    loader = DataLoader(image_folder(tree), batch_size=6, num_workers=workers, collate_fn=collate_images)
    error = error_of(loader)
    assert isinstance(error, ValueError)
    for part in ("unequal size", "(3, 10, 12)", "(3, 9, 7)", str(tree / "dog" / "f.png"), "eval_transform"):
        assert part in str(error)
    resized = image_folder(tree, eval_transform(8, normalize=False))
    assert next(iter(DataLoader(resized, batch_size=6, collate_fn=collate_images)))[0].shape == (6, 3, 8, 8)


def test_unequal_sizes_of_samples_without_files():
    with pytest.raises(ValueError, match=r"\(3, 4, 5\) \(image 1 of the batch\)"):
        collate_images([(torch.zeros(3, 4, 4), 0), (torch.zeros(3, 4, 5), 1)])


# augmentation that depends on seed, epoch and index alone


@pytest.fixture
def augmented(tree):
    transform = v2.Compose([v2.RandomResizedCrop(6), v2.RandAugment(), v2.RandomErasing(0.5)])
    for path in (path for path in tree.rglob("*") if path.is_file()):
        noise = np.random.default_rng(len(path.name)).integers(0, 256, (10, 12, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    return image_folder(tree, transform)


def test_a_sample_depends_on_seed_epoch_and_index_alone(augmented):
    seeded = SeededDataset(augmented, seed=3)
    first = seeded[SampleKey(2, 1)][0]
    torch.manual_seed(99)
    assert len(seeded) == 5
    seeded[SampleKey(0, 4)]
    assert torch.equal(first, seeded[SampleKey(2, 1)][0])
    assert torch.equal(first, seeded[2, 1][0])  # a plain pair will do
    assert torch.equal(seeded[1][0], seeded[SampleKey(0, 1)][0])
    others = [seeded[SampleKey(3, 1)], seeded[SampleKey(1, 2)], SeededDataset(augmented, seed=2)[SampleKey(2, 1)]]
    assert not any(torch.equal(first, other) for other, _ in others)


def test_the_global_generator_is_left_as_it_was(augmented):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    SeededDataset(augmented)[SampleKey(1, 1)]
    assert torch.equal(torch.rand(3), expected)


def test_nothing_is_drawn_alike_for_neighbours():
    class Draws:
        def __len__(self):
            return 50

        def __getitem__(self, index):
            return torch.rand(()).item()

    drawn = [SeededDataset(Draws(), seed)[SampleKey(e, i)] for seed in (0, 1) for e in range(10) for i in range(50)]
    assert len(set(drawn)) == len(drawn)
    lags = np.corrcoef(drawn[:-1], drawn[1:])[0, 1]
    assert abs(lags) < 0.1
    assert abs(np.mean(drawn) - 0.5) < 0.05


def test_workers_that_live_on_see_the_epoch(augmented):
    """The epoch is in the index, so it reaches a persistent worker, and order and number of workers do not matter."""
    seeded = SeededDataset(augmented, seed=7)

    class Keys:
        epoch = 0

        def __iter__(self):
            order = range(5) if self.epoch % 2 else reversed(range(5))
            return iter([SampleKey(self.epoch, index) for index in order])

        def __len__(self):
            return 5

    keys = Keys()
    loader = DataLoader(seeded, 2, sampler=keys, num_workers=2, persistent_workers=True, collate_fn=collate_images)
    for keys.epoch in range(3):
        images = torch.cat([images for images, _ in loader])
        assert torch.equal(images, torch.stack([seeded[key][0] for key in keys]))


def test_a_negative_seed(augmented):
    with pytest.raises(ValueError, match="seed must be at least 0; got -1"):
        SeededDataset(augmented, -1)


def test_datasets_can_be_sent_to_a_process_that_is_started_afresh(augmented):
    dataset = SeededDataset(augmented, seed=1)
    again = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(again[SampleKey(1, 2)][0], dataset[SampleKey(1, 2)][0])
