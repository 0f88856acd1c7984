"""Small trees of images, made anew for each test."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images


@pytest.fixture(scope="session")
def photographs():
    """The two photographs that scikit-learn ships, 640 x 427."""
    return [Image.fromarray(pixels) for pixels in load_sample_images().images]


@pytest.fixture
def tree(tmp_path):
    """A folder of two classes, "cat" with three images and "dog" with two, each of 10 x 12 pixels of its own grey."""
    root = tmp_path / "tree"
    for position, name in enumerate(["cat/a.png", "cat/b.png", "cat/deep/er/c.jpg", "dog/d.png", "dog/e.JPEG"]):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((10, 12, 3), 40 * position, np.uint8)).save(path)
    return root
