"""Reading files and folders: which pixels, which errors, who is told."""

import os
import pickle
import re
import struct
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


LEVELS = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)


def depth_of(mode, high, suffix, tmp_path):
    """Write 64 levels of grey from 0 to ``high``, in a mode of Pillow's, and return the path and the levels."""
    grey = LEVELS * high if mode == "F" else np.round(LEVELS * high).astype(np.int32)
    path = tmp_path / f"{mode}{high}.{suffix}"
    Image.fromarray(grey.astype(np.uint16) if mode == "I;16" else grey).save(path)
    return path, grey


@pytest.mark.parametrize(
    ("mode", "high", "suffix"),
    [
        ("I;16", 65535, "png"),
        ("I;16", 65535, "tiff"),
        ("I", 65535, "tiff"),
        ("I", 60000, "tiff"),
        ("I", 255, "tiff"),
        ("F", 1, "tiff"),
        ("F", 255, "tiff"),
        ("F", 65535, "tiff"),
    ],
)
def test_no_level_of_deep_grey_is_lost(mode, high, suffix, tmp_path):
    path, grey = depth_of(mode, high, suffix, tmp_path)
    is_unknown = suffix == "tiff" and mode in ("I", "F")
    white = 65535 if high == 60000 else high
    kind = "floats" if mode == "F" else "integers"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        image = read_image(path)
    assert image[0].unique().numel() == 64
    assert np.abs(image[0].numpy() - grey * (255 / white)).max() <= 1
    assert torch.equal(image[0], image[2])
    texts = [str(warning.message) for warning in caught if warning.category is UserWarning]
    assert len(texts) == is_unknown
    if is_unknown:
        assert f"grey of 32-bit {kind} within 0..{white} was read with {white} as white" in texts[0]
        with pytest.warns(UserWarning, match=re.escape(texts[0])):  # one text for all such files, to be said once
            read_image(depth_of(mode, high - (high > 1), suffix, tmp_path)[0])


def test_pgm_of_more_than_eight_bits(tmp_path):
    """Pillow opens it as I, scaled from what the file says to 16 bits."""
    for top in (1023, 4095, 65535):
        grey = np.round(LEVELS * top).astype(">u2")
        (tmp_path / "deep.pgm").write_bytes(b"P5 8 8 %d\n" % top + grey.tobytes())
        assert np.abs(read_image(tmp_path / "deep.pgm")[0].numpy() - LEVELS * 255).max() <= 1
        dark = (grey // 4096).astype(">u2")  # that all is below 256 does not make it a picture of 8 bits
        (tmp_path / "dark.pgm").write_bytes(b"P5 8 8 %d\n" % top + dark.tobytes())
        assert read_image(tmp_path / "dark.pgm").max() <= 255 * 16 / top


def test_tiff_of_twelve_bits(tmp_path):
    values = [0, 1024, 2048, 4095]
    bits = "".join(f"{value:012b}" for value in values)
    strip = int(bits, 2).to_bytes(6, "big")
    tags = [(256, 4), (257, 1), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 6)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    path = tmp_path / "twelve.tif"
    path.write_bytes(b"II*\0" + struct.pack("<I", 14) + strip + struct.pack("<H", len(tags)) + entries + b"\0" * 4)
    assert read_image(path)[0, 0].tolist() == [0, 64, 128, 255]


@pytest.mark.parametrize(
    ("grey", "range_"),
    [
        (np.float32([[-1, 1]]), "floats of -1 to 1"),
        (np.float32([[0, 1e6]]), r"floats of 0 to 1e\+06"),
        (np.float32([[0, np.nan]]), "floats of nan to nan"),
        (np.float32([[0, np.inf]]), "floats of 0 to inf"),
        (np.int32([[-1000, 3000]]), "integers of -1000 to 3000"),
        (np.int32([[0, 2**31 - 1]]), "integers of 0 to 2.14748e"),
    ],
)
def test_greys_of_no_known_scale_are_refused(grey, range_, tmp_path):
    Image.fromarray(grey).save(tmp_path / "heights.tiff")
    with pytest.raises(ImageFileError, match=rf"heights\.tiff .*32-bit {range_}.*Scale them to 8 or 16 bits"):
        read_image(tmp_path / "heights.tiff")


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
        (lambda root: root / "nothing", FileNotFoundError, ("nothing does not exist", 'prepare("digits"')),
        (lambda root: root / "cat" / "a.png", FileNotFoundError, ("a.png is a file", "one folder per class")),
        (lambda root: root / "dog", FileNotFoundError, ("dog holds no class folders", "the folder above it")),
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
    with pytest.raises(ValueError, match=r"\['train'\], which are not classes.*train"):
        image_folder(tree.parent / "splits", min_classes=1)


def test_an_empty_class_is_named(tree):
    (tree / "bird").mkdir()
    with pytest.raises(FileNotFoundError, match=r"classes without an image: bird\. Put images"):
        image_folder(tree)
    (tree / "bird" / "f.gif").touch()
    (tree / "cat" / "g.gif").touch()
    with pytest.raises(FileNotFoundError, match=r"Left out: images with an ending.*: 1 \(1 \.gif: bird/f\.gif\)"):
        image_folder(tree)


def test_an_unknown_way_with_errors(tree):
    with pytest.raises(ValueError, match=r"'raise', 'skip' or 'count'; got 'ignore'"):
        image_folder(tree, on_error="ignore")


# what is left out

needs_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes, and links for some users only.")


def put(root, *names):
    """Write small images, whose content is PNG whatever their names are."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(root / name, "PNG")


def opened(root):
    """The dataset, its samples as classes and paths below the root, and what it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dataset = image_folder(root)
    samples = [(dataset.classes[label], str(Path(path).relative_to(root))) for path, label in dataset.samples]
    assert dataset.targets == [label for _, label in dataset.samples]
    return dataset, samples, [str(warning.message) for warning in caught if warning.category is UserWarning]


def left_out(dataset, root):
    return {reason: [str(Path(path).relative_to(root)) for path in paths] for reason, paths in dataset.left_out.items()}


@pytest.fixture
def pets(tmp_path):
    root = tmp_path / "pets"
    put(root, "cats/1.png", "dogs/1.png")
    return root


PETS = [("cats", "cats/1.png"), ("dogs", "dogs/1.png")]


def test_nothing_is_said_where_nothing_is_left_out(pets):
    dataset, samples, said = opened(pets)
    assert (samples, said, dataset.left_out) == (PETS, [], {})


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((".ipynb_checkpoints/1-checkpoint.png", "cats/.ipynb_checkpoints/2.png"), "hidden folders"),
        (("__MACOSX/cats/1.png", "cats/__MACOSX/1.png", "@eaDir/1.png", "cats/$RECYCLE.BIN/1.png"), "hidden folders"),
        (("cats/._1.png", "dogs/sub/.hidden.jpg", ".DS_Store", "cats/.DS_Store"), "hidden files"),
        (("cats/2.gif", "cats/3.jfif", "cats/4.avif", "dogs/5.JPE"), "images with an ending that is not read"),
        (("cats/Thumbs.db", "dogs/notes.txt", "dogs/no_ending"), "files that are not images by their names"),
        (("labels.csv", "1.png"), "files outside of a class folder"),
    ],
)
def test_what_nobody_means_to_train_on_is_left_out_counted_and_named(names, reason, pets):
    put(pets, *names)
    dataset, samples, (said,) = opened(pets)
    assert dataset.classes == ["cats", "dogs"]
    assert samples == PETS
    if reason == "hidden folders":
        names = [name.rpartition("/")[0].removesuffix("X/cats") + "X" * name.endswith("X/cats/1.png") for name in names]
    assert {key: sorted(paths) for key, paths in left_out(dataset, pets).items()} == {reason: sorted(names)}
    assert f"left out under {pets}: {reason}: {len(names)} (" in said
    assert all(name in said for name in names)


def test_many_are_counted_by_their_endings_and_some_named(pets):
    put(pets, *(f"cats/{i}.gif" for i in range(30)), "dogs/2.jfif", "dogs/readme")
    _, _, (said,) = opened(pets)
    assert "images with an ending that is not read: 31 (30 .gif, 1 .jfif: cats/0.gif, " in said
    assert "and 26 more); files that are not images by their names: 1 (1 no ending: dogs/readme)" in said
    assert "Convert these images to PNG; a .jfif or .jpe need only be renamed to .jpg" in said


@needs_posix
@pytest.mark.parametrize(
    ("link", "target", "reason"),
    [
        ("cats/loop", ".", "links to a folder that they lie in"),
        ("cats/loop", "..", "links to a folder that they lie in"),
        ("cats/loop", "../..", "links to a folder that they lie in"),
        ("loop", ".", "links to a folder that they lie in"),
        ("cats/dogs", "../dogs", "links into another class"),
        ("cats/2.png", "../dogs/1.png", "links into another class"),
        ("kittens", "cats", "links into another class"),
        ("cats/2.png", "1.png", "links to what is taken already"),
        ("cats/2.png", "nowhere.png", "broken links"),
        ("cats/2.png", "2.png", "broken links"),  # to itself
        ("cats/more", "nowhere", "broken links"),
        ("birds", "nowhere", "broken links"),
    ],
)
def test_links_add_no_second_sample(link, target, reason, pets):
    (pets / link).symlink_to(target)
    dataset, samples, (said,) = opened(pets)
    assert samples == PETS
    assert dataset.classes == ["cats", "dogs"]
    assert left_out(dataset, pets) == {reason: [link]}
    assert f"{reason}: 1 ({link})" in said


@needs_posix
def test_two_classes_that_lead_to_each_other(pets):
    (pets / "cats" / "dogs").symlink_to("../dogs")
    (pets / "dogs" / "cats").symlink_to("../cats")
    dataset, samples, _ = opened(pets)
    assert samples == PETS
    assert left_out(dataset, pets) == {"links into another class": ["cats/dogs", "dogs/cats"]}


@needs_posix
def test_links_to_elsewhere_are_followed_once(pets, tmp_path):
    """Data sets are often made of links into a store, which may lie in the root and may link back."""
    put(tmp_path / "store", "a/2.png", "a/b/3.png")
    put(pets, ".cache/4.png")
    (tmp_path / "store" / "a" / "b" / "back").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "pets").symlink_to(pets)
    (pets / "cats" / "store").symlink_to(tmp_path / "store")
    (pets / "cats" / "again").symlink_to(tmp_path / "store" / "a")
    (pets / "dogs" / "4.png").symlink_to("../.cache/4.png")
    dataset, samples, _ = opened(pets)
    assert samples == [
        ("cats", "cats/1.png"),
        ("cats", "cats/again/2.png"),
        ("cats", "cats/again/b/3.png"),
        ("dogs", "dogs/1.png"),
        ("dogs", "dogs/4.png"),
    ]
    assert left_out(dataset, pets) == {
        "hidden folders": [".cache"],
        "links to a folder that they lie in": ["cats/again/b/back", "cats/store/pets"],
        "links to what is taken already": ["cats/store/a"],
    }


@needs_posix
def test_a_file_in_two_classes_is_told(pets, tmp_path):
    put(tmp_path / "store", "2.png")
    for name in ("cats", "dogs"):
        (pets / name / "2.png").symlink_to(tmp_path / "store" / "2.png")
    _, samples, (said,) = opened(pets)
    assert len(samples) == 4
    assert f"in two classes under {pets}, through links: 1 ({pets}/dogs/2.png). Remove them from one" in said


@needs_posix
def test_a_pipe_is_not_waited_for(pets):
    os.mkfifo(pets / "cats" / "pipe.png")
    dataset, samples, _ = opened(pets)
    assert samples == PETS
    assert left_out(dataset, pets) == {"pipes, sockets or devices": ["cats/pipe.png"]}


def test_a_folder_that_cannot_be_opened_is_told(pets, monkeypatch):
    put(pets, "cats/closed/2.png")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    dataset, samples, _ = opened(pets)
    assert samples == PETS
    assert left_out(dataset, pets) == {"folders that cannot be opened": ["cats/closed"]}


def test_the_order_is_that_of_imagefolder(tmp_path):
    """Where a folder comes before a file, or names sort otherwise with a slash behind."""
    put(tmp_path, "b/a/1.png", "b/a-b/1.PNG", "b/a.png", "b/Z.jpeg", "a/10.png", "a/9.png", "a/é.webp", "a/x/y/z.tif")
    ours, theirs = image_folder(tmp_path), ImageFolder(str(tmp_path))
    assert (ours.samples, ours.class_to_idx) == (theirs.samples, theirs.class_to_idx)


def test_only_hidden_folders_are_no_classes(tmp_path):
    put(tmp_path, ".ipynb_checkpoints/1.png")
    with pytest.raises(FileNotFoundError, match=r"holds no class folders.*hidden folders: 1 \(\.ipynb_checkpoints\)"):
        image_folder(tmp_path)


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
    with pytest.raises(ValueError, match="seed must be an integer, at least 0; got -1"):
        SeededDataset(augmented, -1)


def test_datasets_can_be_sent_to_a_process_that_is_started_afresh(augmented):
    dataset = SeededDataset(augmented, seed=1)
    again = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(again[SampleKey(1, 2)][0], dataset[SampleKey(1, 2)][0])
