"""Make nbval compare the pictures of a notebook too.

nbval leaves pictures out, since their bytes may differ where nobody could see
it. Here the stored picture and the new one are compared by their pixels: they
agree if almost none of them differs by more than a trace.
"""

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from nbformat import NotebookNode
from nbval.plugin import IPyNbCell
from PIL import Image

HERE = Path(__file__).resolve().parent
QUICK = {"01_tour.ipynb"}  # run with the quick tests; all others are slow
PICTURE_MIMES = ("image/png", "image/jpeg")
MAX_DIFFERENCE = 3  # grey levels of 255 by which a pixel may differ: rounding
MAX_SHARE = 0.001  # share of pixels that may differ by more: anti-aliasing


def pictures(outputs: list[NotebookNode]) -> Iterator[tuple[str, bytes]]:
    """Yield type and content of each picture in the outputs of a cell."""
    for output in outputs:
        for mime in PICTURE_MIMES:
            if mime in output.get("data", {}):
                yield mime, base64.b64decode(output["data"][mime])


def pixels(picture: bytes) -> np.ndarray:
    """Decode a picture to ``(H, W, 4)``: red, green, blue, opacity."""
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA")).astype(
        np.int16
    )


def difference(stored: bytes, new: bytes) -> str | None:
    """Say how two pictures differ, or return None if they agree."""
    if stored == new:
        return None
    before, after = pixels(stored), pixels(new)
    if before.shape != after.shape:
        (h, w), (new_h, new_w) = before.shape[:2], after.shape[:2]
        return f"stored with {w} x {h} pixels, it now has {new_w} x {new_h}"
    distance = np.abs(before - after).max(axis=-1)
    share = (distance > MAX_DIFFERENCE).mean()
    if share <= MAX_SHARE:
        return None
    rows, columns = np.nonzero(distance > MAX_DIFFERENCE)
    return (
        f"{share:.2%} of its pixels differ by more than {MAX_DIFFERENCE} of "
        f"255, at most by {distance.max()}, in rows {rows.min()} to "
        f"{rows.max()} and columns {columns.min()} to {columns.max()}"
    )


def compare_pictures(
    stored: list[NotebookNode], new: list[NotebookNode]
) -> list[str]:
    """Return what differs between two cells' pictures; empty if they agree."""
    before, after = list(pictures(stored)), list(pictures(new))
    kinds, new_kinds = ([mime for mime, _ in side] for side in (before, after))
    if kinds != new_kinds:
        return [f"Pictures differ: stored {kinds}, running gave {new_kinds}."]
    differences = (
        difference(old, fresh)
        for (_, old), (_, fresh) in zip(before, after, strict=True)
    )
    return [
        f"Picture {number} of {len(before)} differs: {found}."
        for number, found in enumerate(differences, start=1)
        if found
    ]


class PictureCell(IPyNbCell):
    """A cell of a notebook whose pictures count as part of its output."""

    def compare_outputs(
        self, test: list, ref: list, skip_compare: tuple | None = None
    ) -> bool:
        """Compare as nbval does, then the pictures."""
        if not super().compare_outputs(test, ref, skip_compare):
            return False
        self.comparison_traceback.extend(compare_pictures(stored=ref, new=test))
        return not self.comparison_traceback


def is_quick(path: Path) -> bool:
    """Say whether a notebook is run with the quick tests."""
    book = path.is_relative_to(HERE)
    return book and path.relative_to(HERE).as_posix() in QUICK


def pytest_itemcollected(item: pytest.Item) -> None:
    """Change the class of nbval's cells, for which it has no hook."""
    if type(item) is IPyNbCell:
        item.__class__ = PictureCell
        if not is_quick(item.path):
            item.add_marker(pytest.mark.slow)
