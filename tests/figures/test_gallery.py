"""Images beside each other: every one is shown, under its own name."""

import numpy as np
import pytest
import torch

from swinlib import figures


def test_every_image_stands_under_its_name():
    images = {"dark": torch.zeros(3, 4, 4), "bright\n1 to 1": torch.ones(3, 4, 4), "half": torch.full((3, 4, 4), 0.5)}
    picture = figures.show_images(images, columns=2)
    assert [ax.get_title() for ax in picture.axes] == [*images, ""]
    shown = [float(np.asarray(ax.images[0].get_array()).mean()) for ax in picture.axes if ax.images]
    assert shown == [0, 1, 0.5]
    assert picture.get_size_inches()[0] <= 4.5  # on a phone nothing is made smaller


def test_values_are_stretched_on_request_only():
    image = {"a": torch.linspace(-2, 2, 48).view(3, 4, 4)}
    with pytest.raises(ValueError, match="values from 0 to 1"):
        figures.show_images(image)
    (ax,) = figures.show_images(image, columns=1, rescale=True).axes
    assert (ax.images[0].get_array().min(), ax.images[0].get_array().max()) == (0, 1)


def test_no_image_is_an_error():
    with pytest.raises(ValueError, match="at least one"):
        figures.show_images({})
