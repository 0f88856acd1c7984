"""``pathlib``: paths as text. There are no files in a page, so whatever asks for one is not here."""

import functools

from torch import NotHere


@functools.total_ordering
class PurePosixPath:
    """A path with slashes."""

    def __init__(self, *segments: object) -> None:
        text = ""
        for segment in map(str, segments):
            text = segment if segment.startswith("/") or not text else f"{text}/{segment}"
        self.root = "/" if text.startswith("/") else ""
        names = tuple([name for name in text.split("/") if name not in ("", ".")])
        self.parts = (self.root, *names) if self.root else names

    def _of(self, parts: tuple[str, ...]) -> "PurePosixPath":
        return type(self)(*parts)

    name = property(lambda self: "" if self.parts in ((), ("/",)) else self.parts[-1])
    suffix = property(lambda self: "".join(self.suffixes[-1:]))
    stem = property(lambda self: self.name[: len(self.name) - len(self.suffix)])
    parent = property(lambda self: self._of(self.parts[:-1]) if self.name else self)

    @property
    def suffixes(self) -> list[str]:
        name = self.name.lstrip(".")
        return [] if name.endswith(".") else [f".{part}" for part in name.split(".")[1:]]

    @property
    def parents(self) -> tuple["PurePosixPath", ...]:
        first = 1 if self.root else 0
        return tuple([self._of(self.parts[:end]) for end in range(len(self.parts) - 1, first - 1, -1)])

    def with_suffix(self, suffix: str) -> "PurePosixPath":
        return self._of((*self.parts[:-1], self.stem + suffix))

    def as_posix(self) -> str:
        return str(self)

    def __truediv__(self, other: object) -> "PurePosixPath":
        return type(self)(self, other)

    def __str__(self) -> str:
        return self.root + "/".join(self.parts[1:] if self.root else self.parts) or "."

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PurePosixPath) and self.parts == other.parts

    def __lt__(self, other: "PurePosixPath") -> bool:
        return self.parts < other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        raise NotHere(f"`{name}` of a path")


class PosixPath(PurePosixPath):
    """A path of a system that has files."""


PurePath, Path = PurePosixPath, PosixPath
