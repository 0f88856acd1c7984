"""The photographs that may be given on: each with its author, its licence and where it is from, small, and square."""

import runpy
import struct
import tomllib
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from swinlib import figures

FOLDER = Path(figures.__file__).with_name("photographs")
TABLE = tomllib.loads((FOLDER / "photographs.toml").read_text(encoding="utf-8"))["photographs"]
CLASSES = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
LICENCES = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-2.0": "https://creativecommons.org/licenses/by/2.0/",
    "CC-BY-2.5": "https://creativecommons.org/licenses/by/2.5/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
}
BYTES = 120_000  # of all together
MAKE = runpy.run_path(str(FOLDER / "make.py"))


def test_the_table_names_what_is_there():
    assert sorted(about["file"] for about in TABLE) == sorted(file.name for file in FOLDER.glob("*.webp"))


@pytest.mark.parametrize("about", TABLE, ids=lambda about: about["file"])
def test_each_says_whose_it_is_and_from_where(about):
    for key in ("shows", "title", "author", "package", "path", "written"):
        assert about[key].strip(), f"{about['file']}: {key} is empty"
    if about["licence"] == "LicenseRef-public-domain":
        assert about["url"].startswith("https://")
    else:
        assert about["url"] == LICENCES[about["licence"]]
    assert about.get("class", "ship") in CLASSES
    _, _, side = about["crop"]
    assert side >= MAKE["SIZE"]  # never enlarged


@pytest.mark.parametrize("about", TABLE, ids=lambda about: about["file"])
def test_each_is_a_square_without_metadata(about):
    with Image.open(FOLDER / about["file"]) as picture:
        assert (picture.format, picture.mode, picture.size) == ("WEBP", "RGB", (192, 192))
        assert not {"exif", "xmp", "icc_profile"} & set(picture.info)


def test_all_are_light_and_no_class_has_more_than_two():
    assert sum(file.stat().st_size for file in FOLDER.glob("*.webp")) <= BYTES
    classes = Counter(about.get("class") for about in TABLE)
    assert 3 <= classes.pop(None) <= 4
    assert max(classes.values()) <= 2


def test_the_pagoda_is_the_book_s_photograph():
    with Image.open(FOLDER / "pagoda.webp") as picture:
        pixels = np.asarray(picture) / 255
    there = figures.photograph(size=192).permute(1, 2, 0).numpy()
    assert np.abs(pixels - there).mean() < 0.02  # what WebP loses is 0.013; one pixel aside would be 0.033


def resource_file(name, content, flags):
    """A Qt resource file of version 2 with ``content`` at ``folder/name``."""
    names, places = b"", []
    for word in ("folder", name):
        places.append(len(names))
        names += struct.pack(">HI", len(word), 0) + word.encode("utf-16-be")
    tree = struct.pack(">IHII8x", 0, 2, 1, 1)  # the root, with one child
    tree += struct.pack(">IHII8x", places[0], 2, 1, 2)
    tree += struct.pack(">IHII8x", places[1], flags, 0, 0)
    data = struct.pack(">I", len(content)) + content
    head = struct.pack(">4s4I", b"qres", 2, 20, 20 + len(tree), 20 + len(tree) + len(data))
    return head + tree + data + names


def test_a_picture_is_found_in_a_resource_file_in_a_package(tmp_path):
    packed = struct.pack(">I", 5) + zlib.compress(b"plain")
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("as_it_is.rcc", resource_file("ä.png", b"plain", 0))
        archive.writestr("packed.rcc", resource_file("ä.png", packed, 1))
    for outer in ("as_it_is.rcc", "packed.rcc"):
        assert MAKE["read_packed"](tmp_path / "a.whl", f"{outer}!folder/ä.png") == b"plain"
    with pytest.raises(FileNotFoundError, match=r"a\.whl has no file 'packed\.rcc!folder/b\.png'"):
        MAKE["read_packed"](tmp_path / "a.whl", "packed.rcc!folder/b.png")
    with pytest.raises(FileNotFoundError, match=r"b\.whl is missing: download it"):
        MAKE["read_packed"](tmp_path / "b.whl", "a.png")
    with pytest.raises(ValueError, match="begins with b'qres'"):
        list(MAKE["resources"](b"other"))
    with pytest.raises(ValueError, match="Zstandard"):
        list(MAKE["resources"](resource_file("a.png", b"", 4)))


def test_what_is_transparent_or_outside_is_white():
    picture = Image.new("RGBA", (200, 100), (255, 0, 0, 255))
    picture.paste((0, 0, 255, 0), (0, 0, 100, 100))  # the left half lets everything through
    cut = np.asarray(MAKE["square"](picture, 0, -100, 200))
    assert cut.shape == (192, 192, 3)
    assert (cut[:90] == 255).all()
    assert (cut[100:, :90] == 255).all()
    assert (cut[100:, 100:] == (255, 0, 0)).all()
