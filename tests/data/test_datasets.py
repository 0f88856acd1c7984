"""Digits without a network; CIFAR-10 and Imagenette from archives in torchvision's format, and without a network."""

import hashlib
import io
import multiprocessing
import pickle
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torchvision.datasets import CIFAR10, Imagenette

from swinlib.data import DIGITS_MEAN, DIGITS_STD, datasets, image_folder, prepare


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return prepare("digits", tmp_path_factory.mktemp("digits"))


@pytest.fixture
def refused(monkeypatch):
    """No network: every address asked for is noted, and refused."""
    asked = []

    def refuse(request, *args, **kwargs):
        asked.append(request.full_url)
        raise URLError("Name or service not known")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    return asked


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# digits


def test_the_pngs_hold_scikit_learns_digits(digits):
    pixels, labels = load_digits(return_X_y=True)
    found = set()
    for split, count in (("train", 1437), ("val", 360)):
        paths = sorted((digits / split).glob("*/*.png"))
        assert len(paths) == count
        for path in paths:
            index = int(path.stem)
            found.add(index)
            with Image.open(path) as image:
                assert (image.mode, image.size) == ("L", (8, 8))
                grey = np.asarray(image).reshape(-1)
            assert int(path.parent.name) == labels[index]
            assert (np.round(grey / 255 * 16) == pixels[index]).all()
            assert np.abs(grey - pixels[index] / 16 * 255).max() <= 0.5
    assert found == set(range(1797))  # each digit once, none in both


def test_the_held_out_digits_are_balanced_and_always_the_same(digits):
    dataset = image_folder(digits / "val")
    counts = np.bincount(dataset.targets)
    shares = np.bincount(load_digits().target) * 360 / 1797
    assert dataset.classes == list("0123456789")
    assert np.abs(counts - shares).max() < 1
    names = "\n".join(sorted(path.stem for path in (digits / "val").glob("*/*")))
    assert hashlib.sha256(names.encode()).hexdigest()[:16] == "545316af729a5d20"


def test_two_calls_write_the_same_bytes(digits, tmp_path):
    assert contents(prepare("digits", tmp_path)) == contents(digits)


def test_a_finished_tree_is_left_alone(digits):
    before = {path: path.stat().st_mtime_ns for path in digits.rglob("*")}
    assert prepare("digits", digits.parent) == digits
    assert {path: path.stat().st_mtime_ns for path in digits.rglob("*")} == before


def test_digits_ask_for_no_network(refused, tmp_path):
    prepare("digits", tmp_path, download=False)
    assert refused == []


def test_the_statistics_are_those_of_the_training_images(digits):
    images = torch.stack([image for image, _ in image_folder(digits / "train")]).double() / 255
    assert images.mean((0, 2, 3)).tolist() == pytest.approx(DIGITS_MEAN, abs=6e-5)
    assert images.std((0, 2, 3), correction=0).tolist() == pytest.approx(DIGITS_STD, abs=6e-5)


# interrupted, and several at once


def test_an_error_while_writing_leaves_nothing_behind(monkeypatch, tmp_path):
    written = []

    def full_disk(image, path):
        if len(written) == 100:
            raise OSError(28, "No space left on device")
        written.append(path)
        path.touch()

    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", full_disk)
        with pytest.raises(OSError, match="No space left"):
            prepare("digits", tmp_path)
    assert len(written) == 100
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    assert len(list(prepare("digits", tmp_path).rglob("*.png"))) == 1797


ROUGH_TREATMENT = """
import multiprocessing, sys, time
from pathlib import Path
from swinlib.data import datasets

processes = multiprocessing.get_context("fork")  # of a process that has done nothing but import
root = Path(sys.argv[1])

def write_slowly():
    write = datasets.Image.Image.save
    def save(image, path):
        write(image, path)
        if path.name == "00007.png":
            Path(sys.argv[1], "started").touch()
            time.sleep(60)
    datasets.Image.Image.save = save
    datasets.prepare("digits", root)

def prepare_at_once(barrier):
    barrier.wait(60)
    assert datasets.prepare("digits", root) == root / "digits"

killed = processes.Process(target=write_slowly)
killed.start()
while not (root / "started").exists():
    assert killed.is_alive()
    time.sleep(0.01)
killed.kill()
killed.join()
print("left behind:", *sorted(path.name for path in root.iterdir()))
print("images left behind:", len(list(root.rglob("*.png"))))

barrier = processes.Barrier(3)
together = [processes.Process(target=prepare_at_once, args=(barrier,)) for _ in range(3)]
for process in together:
    process.start()
for process in together:
    process.join()
print("exit codes:", *(process.exitcode for process in together))
"""


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
@pytest.mark.slow
def test_killed_in_the_middle_and_then_prepared_by_three_processes_at_once(tmp_path, digits):
    command = [sys.executable, "-c", ROUGH_TREATMENT, str(tmp_path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout.splitlines()
    assert printed[0] == "left behind: .digits.lock .digits.partial started"  # and no "digits"
    assert 0 < int(printed[1].removeprefix("images left behind: ")) < 1797
    assert printed[2] == "exit codes: 0 0 0"
    assert contents(tmp_path / "digits") == contents(digits)
    assert not (tmp_path / ".digits.partial").exists()


# what goes wrong


def test_an_unknown_name(tmp_path):
    with pytest.raises(ValueError, match=r"'mnist'.*'digits', 'cifar10', 'imagenette'"):
        prepare("mnist", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way_is_not_taken_for_the_data(tmp_path):
    (tmp_path / "digits" / "notes").mkdir(parents=True)
    with pytest.raises(FileExistsError, match=r"digits is in the way.*another root"):
        prepare("digits", tmp_path)


@pytest.mark.parametrize("name", ["cifar10", "imagenette"])
def test_without_a_network_the_error_says_what_was_tried_and_what_to_do(name, refused, tmp_path):
    archive = datasets.ARCHIVES[name]
    with pytest.raises(ConnectionError) as caught:
        prepare(name, tmp_path)
    for part in (archive.url, "Name or service not known", str(tmp_path / archive.name), 'prepare("digits"'):
        assert part in str(caught.value)
    assert refused[0] == archive.url
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.mark.parametrize("name", ["cifar10", "imagenette"])
def test_where_the_download_is_forbidden_nothing_is_asked_for(name, refused, tmp_path):
    archive = datasets.ARCHIVES[name]
    with pytest.raises(FileNotFoundError, match=r"is missing\. Allow the download") as caught:
        prepare(name, tmp_path, download=False)
    assert str(tmp_path / archive.name) in str(caught.value)
    (tmp_path / archive.name).write_bytes(b"half of it")
    with pytest.raises(FileNotFoundError, match="is damaged or incomplete"):
        prepare(name, tmp_path, download=False)
    assert refused == []


def test_the_addresses_are_torchvisions():
    assert datasets.ARCHIVES["cifar10"][:2] == (CIFAR10.url, CIFAR10.tgz_md5)
    assert datasets.ARCHIVES["cifar10"].name == CIFAR10.filename
    assert datasets.ARCHIVES["imagenette"][:2] == Imagenette._ARCHIVES["320px"]


# archives in torchvision's format


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def archive_of(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


@pytest.fixture
def small_cifar10(monkeypatch):
    """An archive as CIFAR-10's, with four training images and two test images of two classes."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (6, 3072), dtype=np.uint8)
    parts = {
        "data_batch_1": {"data": pixels[:4], "labels": [0, 1, 1, 0]},
        "test_batch": {"data": pixels[4:], "labels": [1, 0]},
        "batches.meta": {"label_names": ["airplane", "automobile"]},
    }
    files = {name: pickle.dumps(part) for name, part in parts.items()}
    monkeypatch.setattr(CIFAR10, "train_list", [["data_batch_1", md5(files["data_batch_1"])]])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", md5(files["test_batch"])]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": md5(files["batches.meta"])})
    data = archive_of({f"cifar-10-batches-py/{name}": content for name, content in files.items()})
    archive = datasets.ARCHIVES["cifar10"]._replace(md5=md5(data))
    monkeypatch.setitem(datasets.ARCHIVES, "cifar10", archive)
    return archive, data, pixels.reshape(6, 3, 32, 32)


def test_cifar10_is_written_as_a_tree(small_cifar10, refused, tmp_path, capsys):
    archive, data, pixels = small_cifar10
    (tmp_path / archive.name).write_bytes(data)
    root = prepare("cifar10", tmp_path)
    assert refused == []  # the archive was there
    assert "writing train" in capsys.readouterr().err  # the progress bar
    train, val = image_folder(root / "train"), image_folder(root / "val")
    assert train.classes == val.classes == ["airplane", "automobile"]
    assert {Path(path).relative_to(root / "train").as_posix() for path, _ in train.samples} == {
        "airplane/00000.png",
        "airplane/00003.png",
        "automobile/00001.png",
        "automobile/00002.png",
    }
    for dataset, first in ((train, 0), (val, 4)):
        for (image, _), (path, _) in zip(dataset, dataset.samples, strict=True):
            assert (image.numpy() == pixels[first + int(Path(path).stem)]).all()


@pytest.mark.filterwarnings("ignore:The image decoding and encoding:DeprecationWarning")
def test_imagenette_is_unpacked(monkeypatch, refused, tmp_path, photographs):
    stream = io.BytesIO()
    photographs[0].resize((48, 32)).save(stream, "JPEG")
    names = [f"imagenette2-320/{split}/{wnid}/{wnid}_1.JPEG" for split in ("train", "val") for wnid in WNIDS]
    data = archive_of(dict.fromkeys(names, stream.getvalue()))
    archive = datasets.ARCHIVES["imagenette"]._replace(md5=md5(data))
    monkeypatch.setitem(datasets.ARCHIVES, "imagenette", archive)
    (tmp_path / archive.name).write_bytes(data)
    root = prepare("imagenette", tmp_path, download=False)
    dataset = image_folder(root / "val")
    assert (dataset.classes, len(dataset)) == (WNIDS, 2)
    assert dataset[1][0].shape == (3, 32, 48)


WNIDS = ["n01440764", "n02102040"]


class Response(io.BytesIO):
    """What urlopen returns."""

    def __init__(self, url, data):
        super().__init__(data)
        self.url, self.length = url, len(data)


def test_an_archive_is_downloaded_once(small_cifar10, monkeypatch, tmp_path):
    archive, data, _ = small_cifar10
    monkeypatch.setattr(urllib.request, "urlopen", lambda request: Response(request.full_url, data))
    (tmp_path / archive.name).write_bytes(data[:100])  # of an interrupted download
    root = prepare("cifar10", tmp_path)
    assert len(image_folder(root / "train")) == 4
    assert (tmp_path / archive.name).read_bytes() == data


def test_a_wrong_download_is_not_unpacked(small_cifar10, monkeypatch, tmp_path):
    archive, data, _ = small_cifar10
    monkeypatch.setattr(urllib.request, "urlopen", lambda request: Response(request.full_url, data[:-10]))
    with pytest.raises(ConnectionError, match="is not the archive of cifar10") as caught:
        prepare("cifar10", tmp_path)
    assert archive.url in str(caught.value)
    assert not (tmp_path / "cifar10").exists()


def test_a_connection_that_breaks_is_told_as_such(small_cifar10, monkeypatch, tmp_path):
    class Broken(Response):
        def read(self, *args):
            raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr(urllib.request, "urlopen", lambda request: Broken(request.full_url, small_cifar10[1]))
    with pytest.raises(ConnectionError, match=r"could not be downloaded.*reset by peer"):
        prepare("cifar10", tmp_path)
