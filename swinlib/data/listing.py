"""Which files below a folder are the samples of which class, and which are left out, and why.

The samples are those of torchvision's ImageFolder, in its order, less what nobody means to train on: what Jupyter, a
Mac or a file server hid there, and files that links lead to a second time. Nothing is left out silently.
"""

import os
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from torchvision.datasets.folder import IMG_EXTENSIONS

# Folders that a system makes for itself, in lower case; those with a dot in front are hidden by it.
SYSTEM_FOLDERS = {
    "__macosx",
    "__pycache__",
    "@eadir",
    "@recycle",
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "lost+found",
    "system volume information",
}

# Endings of images that ImageFolder does not take, though Pillow could read many of them.
OTHER_IMAGES = {
    *(".apng", ".avif", ".avifs", ".dds", ".dib", ".exr", ".fits", ".gif", ".hdr", ".heic", ".heif", ".icns", ".ico"),
    *(".j2k", ".jfif", ".jif", ".jp2", ".jpe", ".jpx", ".jxl", ".mpo", ".pbm", ".pcx", ".pfm", ".pnm", ".psd", ".qoi"),
    *(".sgi", ".svg", ".tga", ".xbm", ".xpm"),
    *(".arw", ".cr2", ".cr3", ".dng", ".nef", ".raw"),  # of cameras
}


class Reason(StrEnum):
    """Why something is left out."""

    HIDDEN_FOLDER = "hidden folders"
    HIDDEN_FILE = "hidden files"
    OTHER_IMAGE = "images with an ending that is not read"
    NO_IMAGE = "files that are not images by their names"
    NO_CLASS = "files outside of a class folder"
    SPECIAL = "pipes, sockets or devices"
    BROKEN_LINK = "broken links"
    LOOP = "links to a folder that they lie in"
    OTHER_CLASS = "links into another class"
    SECOND_PATH = "links to what is taken already"
    CLOSED = "folders that cannot be opened"


@dataclass
class Listing:
    """What was found below a root; paths as ImageFolder writes them."""

    root: str
    classes: list[str] = field(default_factory=list)
    samples: list[tuple[str, int]] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)  # samples whose file is a sample of an earlier class too

    def leave_out(self, reason: Reason, path: str) -> None:
        """Note a path that is not taken."""
        self.left_out.setdefault(str(reason), []).append(path)


def list_classes(root: str) -> Listing:
    """List the class folders of a root in alphabetical order, and what lies beside them. None is opened yet."""
    listing = Listing(root)
    folders = []
    for entry, kind in _entries(listing, root):
        if kind == "folder":
            folders.append(entry)
        else:
            listing.leave_out(Reason.NO_CLASS, entry.path)
    real_root = os.path.realpath(root)
    homes = {os.path.join(real_root, entry.name) for entry in folders if not entry.is_symlink()}
    for entry in folders:
        real = os.path.realpath(entry.path)
        if entry.is_symlink() and _contains(real, real_root):
            listing.leave_out(Reason.LOOP, entry.path)
        elif entry.is_symlink() and any(_contains(home, real) for home in homes):
            listing.leave_out(Reason.OTHER_CLASS, entry.path)
        else:
            listing.classes.append(entry.name)
    return listing


def list_samples(listing: Listing) -> None:
    """Add the samples of all classes to a listing that ``list_classes`` made."""
    real_root = os.path.realpath(listing.root)
    homes = [os.path.realpath(os.path.join(listing.root, name)) for name in listing.classes]
    owners: dict[str, int] = {}  # of the files of classes with links: real path and class
    for label, (name, home) in enumerate(zip(listing.classes, homes, strict=True)):
        walk = _Walk(listing, real_root, others=set(homes) - {home})
        walk.through(os.path.join(listing.root, name), home)
        # in the order of sorted(os.walk(...)): by folder, then by name
        found = sorted(walk.found.items(), key=lambda item: os.path.split(item[1]))
        listing.samples += [(path, label) for _, path in found]
        if walk.has_links or home != os.path.join(real_root, name):
            listing.twice += [path for real, path in found if owners.setdefault(real, label) != label]


class _Walk:
    """A way through the folders of one class. What lies there itself is taken before what links lead to."""

    def __init__(self, listing: Listing, real_root: str, others: set[str]) -> None:
        self.listing, self.real_root, self.others = listing, real_root, others
        self.found: dict[str, str] = {}  # the real path of a file, and the path that it was found by
        self.folders: set[str] = set()  # real paths
        self.has_links = False

    def through(self, top: str, real_top: str) -> None:
        """Take the images in a folder and below it."""
        folders, links = [(top, real_top)], []
        while folders or links:
            path, real = folders.pop() if folders else (links[0], self._target(links.pop(0)))
            if real is None:
                continue
            if real in self.folders or real in self.found:
                self.listing.leave_out(Reason.SECOND_PATH, path)
            elif os.path.isdir(real):
                self.folders.add(real)
                for entry, kind in _entries(self.listing, path):
                    if kind == "file" and not self._has_ending(entry):
                        continue
                    if entry.is_symlink():
                        links.append(entry.path)
                    elif kind == "folder":
                        folders.append((entry.path, os.path.join(real, entry.name)))
                    elif self.found.setdefault(os.path.join(real, entry.name), entry.path) != entry.path:
                        self.listing.leave_out(Reason.SECOND_PATH, entry.path)
            else:
                self.found[real] = path

    def _has_ending(self, entry: os.DirEntry) -> bool:
        """Whether a file is to be read as an image, which its name decides."""
        ending = os.path.splitext(entry.name)[1].lower()
        if ending not in IMG_EXTENSIONS:
            self.listing.leave_out(Reason.OTHER_IMAGE if ending in OTHER_IMAGES else Reason.NO_IMAGE, entry.path)
        return ending in IMG_EXTENSIONS

    def _target(self, link: str) -> str | None:
        """Where a link leads; None, and noted, if nobody means to train on what is there."""
        self.has_links, real = True, os.path.realpath(link)
        if _contains(real, os.path.realpath(os.path.dirname(link))) or _contains(real, self.real_root):
            self.listing.leave_out(Reason.LOOP, link)
        elif any(_contains(other, real) for other in self.others):
            self.listing.leave_out(Reason.OTHER_CLASS, link)
        else:
            return real
        return None


def _entries(listing: Listing, folder: str) -> list[tuple[os.DirEntry, Literal["file", "folder"]]]:
    """The files and folders in a folder, by name. What is hidden, broken or neither is left out."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        listing.leave_out(Reason.CLOSED, folder)
        return []
    kept = []
    for entry in entries:
        kind = _kind(entry)
        if entry.name.startswith(".") or (kind == "folder" and entry.name.lower() in SYSTEM_FOLDERS):
            listing.leave_out(Reason.HIDDEN_FOLDER if kind == "folder" else Reason.HIDDEN_FILE, entry.path)
        elif isinstance(kind, Reason):
            listing.leave_out(kind, entry.path)
        else:
            kept.append((entry, kind))
    return kept


def _kind(entry: os.DirEntry) -> Literal["file", "folder"] | Reason:
    """What an entry is, or what a link leads to; else the reason to leave it out."""
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
    except OSError:  # a link that leads to itself, or through a folder that is closed
        return Reason.BROKEN_LINK
    # opening a pipe would wait for ever
    return Reason.SPECIAL if os.path.exists(entry.path) else Reason.BROKEN_LINK


def _contains(folder: str, path: str) -> bool:
    """Whether a path is a folder or lies in it; both are real paths."""
    return path == folder or path.startswith(os.path.join(folder, ""))
