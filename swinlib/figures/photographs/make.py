"""Cut the squares of ``photographs.toml`` out of the pictures again, from the packages that they lie in.

    pip download --no-deps --dest PACKAGES scikit-image==0.26.0 scikit-learn==1.9.1
    apt-get download gcompris-qt-data plasma-workspace-data tuxpaint-stamps-default
    python swinlib/figures/photographs/make.py PACKAGES

The wheels are those for Python 3.11 on Linux. The second line is for Debian 12, in ``PACKAGES``; there the same for
Debian 11's ``gcompris-qt-data``, which has the toad. Whatever is not in ``PACKAGES`` is named. Of ``.deb`` files,
``dpkg-deb`` reads what is in them, so this runs on Debian and what is derived from it.
"""

import argparse
import io
import struct
import subprocess
import tarfile
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
SIZE = 192  # pixels, of both sides
QUALITY = 85  # all together weigh less than 120 kB
DIRECTORY, COMPRESSED, ZSTANDARD = 2, 1, 4  # flags of an entry of a Qt resource file


def read_packed(package: Path, path: str) -> bytes:
    """One file of a wheel or of a Debian package; ``outer!inner`` is ``inner`` in the Qt resource file ``outer``.

    Raises:
        FileNotFoundError: if the package, or the file in it, is not there.
    """
    if not package.is_file():
        raise FileNotFoundError(f"{package} is missing: download it as the first lines of {Path(__file__).name} say.")
    outer, _, inner = path.partition("!")
    try:
        if package.suffix == ".whl":
            with zipfile.ZipFile(package) as archive:
                data = archive.read(outer)
        else:
            command = ["dpkg-deb", "--fsys-tarfile", str(package)]
            content = subprocess.run(command, check=True, capture_output=True).stdout
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                data = archive.extractfile(f"./{outer}").read()
        return dict(resources(data))[inner] if inner else data
    except KeyError as error:
        raise FileNotFoundError(
            f"{package.name} has no file {path!r}: is it the version that the table names?"
        ) from error


def resources(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The path and the content of each file in a Qt resource file (``.rcc``).

    It is a tree of entries, 14 bytes each, or 22 from version 2 on, an area of names and one of contents. An entry
    says where its name lies and then, of a directory, how many children it has and the first of them; of a file, in
    its last four bytes of 14, where its content lies, of which the first four bytes are the length.

    Raises:
        ValueError: if it is none, or a file in it is packed by Zstandard.
    """
    if data[:4] != b"qres":
        raise ValueError(f"a Qt resource file begins with b'qres'; got {data[:4]!r}.")
    version, tree, contents, names = struct.unpack_from(">4I", data, 4)
    step = 22 if version >= 2 else 14

    def walk(entry: int, folder: str) -> Iterator[tuple[str, bytes]]:
        at = tree + entry * step
        name, flags, first, second = struct.unpack_from(">IHII", data, at)
        path = folder
        if entry:  # the root has no name
            (length,) = struct.unpack_from(">H", data, names + name)  # of UTF-16, after it a hash of four bytes
            path += data[names + name + 6 : names + name + 6 + 2 * length].decode("utf-16-be")
        if flags & DIRECTORY:
            for child in range(second, second + first):
                yield from walk(child, path + "/" if entry else "")
            return
        if flags & ZSTANDARD:
            raise ValueError(f"{path} is packed by Zstandard, which is not read here; take the version of the table.")
        (length,) = struct.unpack_from(">I", data, contents + second)
        content = data[contents + second + 4 : contents + second + 4 + length]
        yield path, zlib.decompress(content[4:]) if flags & COMPRESSED else content

    return walk(0, "")


def square(picture: Image.Image, left: int, top: int, side: int) -> Image.Image:
    """Cut out a square and resize it to ``SIZE``; what is transparent or outside of the picture is white."""
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", (side, side), "white")
    white.alpha_composite(picture.crop((left, top, left + side, top + side)))
    return white.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("packages", type=Path, help="folder that holds the wheels and the Debian packages")
    packages = parser.parse_args().packages
    for about in tomllib.loads((HERE / "photographs.toml").read_text(encoding="utf-8"))["photographs"]:
        original = Image.open(io.BytesIO(read_packed(packages / about["package"], about["path"])))
        file = HERE / about["file"]
        square(original, *about["crop"]).save(file, quality=QUALITY, method=6)  # a new image: no metadata
        print(f"{file.name:16} {file.stat().st_size:6} bytes, from {original.width} x {original.height} pixels")


if __name__ == "__main__":
    main()
