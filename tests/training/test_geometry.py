"""What is trained on is what is evaluated on, up to augmentation: of wide and of high pictures, never squashed."""

import json

import pytest
import torch
from safetensors import safe_open
from torchvision.io import write_png

from swinlib.data import eval_transform
from swinlib.training import train
from swinlib.training.loaders import _eval_transform, _train_transform

SHAPES = [(40, 120), (120, 40), (100, 250), (64, 64)]


def places(height, width):
    """A picture that tells places: red is the column, green the row."""
    picture = torch.zeros(3, height, width, dtype=torch.uint8)
    picture[0], picture[1] = torch.arange(width), torch.arange(height)[:, None]
    return picture


def squashing(view):
    """Columns of the picture in a pixel of the view, over rows in a pixel: 1 where nothing is squashed."""
    red, green = view[:2].float()
    inside = slice(view.shape[-1] // 4, -view.shape[-1] // 4)  # off the black that a turn lets in
    across, down = red[inside, inside].diff(dim=1).abs().mean(), green[inside, inside].diff(dim=0).abs().mean()
    return (across / down).item()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("augment", "most"), [("none", 1.02), ("affine", 1.2), ("crop", 1.07), ("swin", 1.6)])
def test_no_picture_is_squashed_in_training_or_evaluation(tiny, augment, most, shape):
    """The random crops of swin may have any ratio from 3:4 to 4:3, rounded to pixels, and neither more often."""
    config = tiny(augment=augment, image_size=32)
    assert squashing(_eval_transform(config)(places(*shape))) == pytest.approx(1, abs=0.02)
    transform = _train_transform(config)
    if augment == "swin":  # without RandAugment and erasing, which change colours
        transform = torch.nn.Sequential(*transform.transforms[:2])
    ratios = torch.tensor([squashing(transform(places(*shape))) for _ in range(60)])
    assert 1 / most < ratios.min()
    assert ratios.max() < most
    assert ratios.log().mean().abs() < 0.1


@pytest.mark.parametrize("shape", [(40, 120), (120, 40)])
@pytest.mark.parametrize("augment", ["affine", "none"])
def test_a_third_that_is_not_evaluated_is_not_trained_on(tiny, augment, shape):
    """A white left or upper third raised the mean brightness of training from 2 to 66."""
    config = tiny(augment=augment, image_size=48)
    picture = torch.zeros(3, *shape, dtype=torch.uint8)
    (picture[:, :, :40] if shape[1] > 40 else picture[:, :40])[:] = 255
    evaluated = _eval_transform(config)(picture).float().mean().item()
    trained = torch.stack([_train_transform(config)(picture).float().mean() for _ in range(50)]).mean().item()
    assert trained == pytest.approx(evaluated, abs=2)


@pytest.mark.parametrize("augment", ["affine", "crop", "swin", "none"])
def test_what_is_exported_says_how_to_evaluate_it(tiny, augment):
    config = tiny(augment=augment, epochs=1)
    train(config)
    with safe_open(config.output / "model.safetensors", framework="pt") as file:
        about = json.loads(file.metadata()["swinlib"])
    picture = places(50, 90)
    mine = eval_transform(about["image_size"], resize=about["resize"], normalize=False)(picture)
    assert torch.equal(mine, _eval_transform(config)(picture))


@pytest.mark.parametrize("augment", ["affine", "crop", "swin", "none"])
def test_pictures_of_any_shape_are_trained_on(tiny, tmp_path, augment):
    for split in ("train", "val"):
        for name in ("a", "b"):
            (tmp_path / "data" / split / name).mkdir(parents=True)
            for i, shape in enumerate([(9, 40), (40, 9), (3, 5)]):
                write_png(
                    torch.full((3, *shape), 80 * i, dtype=torch.uint8),
                    str(tmp_path / "data" / split / name / f"{i}.png"),
                )
    assert train(tiny(data=str(tmp_path / "data"), augment=augment, epochs=1)).finished
