"""The fast pipeline against the classic one on PIL images; augmentation; normalisation of a whole batch."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, default_collate
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from swinlib.data import (
    DIGITS_MEAN,
    DIGITS_STD,
    IMAGENET_MEAN,
    IMAGENET_STD,
    collate_images,
    denormalize,
    digits_train_transform,
    eval_transform,
    image_folder,
    normalize_batch,
    small_train_transform,
    train_transform,
)

pytestmark = pytest.mark.filterwarnings("ignore:The image decoding and encoding:DeprecationWarning")

CLASSIC = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ]
)


def grey_levels(a, b):
    """The greatest difference of two normalised batches, in grey levels of 0 to 255."""
    return (255 * (denormalize(a) - denormalize(b))).abs().max().item()


@pytest.fixture(scope="module")
def files(photographs, tmp_path_factory):
    """Both photographs in many shapes and sorts, as a tree."""
    root = tmp_path_factory.mktemp("photographs")
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, photograph in zip(("china", "flower"), photographs, strict=True):
        (root / name).mkdir()
        for size in ((640, 427), (500, 333), (300, 451), (257, 256), (224, 224), (120, 90), (1024, 683)):
            photograph.resize(size).save(root / name / "{}x{}.jpg".format(*size), quality=90)
        photograph.save(root / name / "colour.png")
        photograph.convert("L").save(root / name / "grey.jpg")
        photograph.convert("L").save(root / name / "grey.png")
        photograph.convert("CMYK").save(root / name / "cmyk.jpg")
        photograph.save(root / name / "turned.jpg", exif=exif)
    return root


def test_the_fast_pipeline_equals_the_classic_one_within_a_grey_level(files):
    classic = ImageFolder(files, CLASSIC)
    fast = image_folder(files, eval_transform(224, normalize=False))
    assert classic.samples == fast.samples
    for i in range(len(fast)):
        ours, _ = collate_images([fast[i]])
        theirs, _ = default_collate([classic[i]])
        assert ours.dtype == torch.uint8
        assert grey_levels(normalize_batch(ours), theirs) <= 1.001, classic.samples[i][0]


def test_loaders_give_the_same_batches(files):
    classic = DataLoader(ImageFolder(files, CLASSIC), batch_size=5)
    fast = DataLoader(image_folder(files, eval_transform(224, normalize=False)), 5, collate_fn=collate_images)
    for (theirs, their_labels), (ours, our_labels) in zip(classic, fast, strict=True):
        assert torch.equal(our_labels, their_labels)
        assert grey_levels(normalize_batch(ours), theirs) <= 1.001


@pytest.mark.parametrize("make", [eval_transform, train_transform, digits_train_transform, small_train_transform])
def test_normalising_early_or_late_is_the_same(make, files):
    options = {"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.25, 0.3)}
    image, _ = image_folder(files)[0]
    torch.manual_seed(3)
    early = make(32, **options)(image)
    torch.manual_seed(3)
    late = make(32, **options, normalize=False)(image)
    assert (early.dtype, late.dtype) == (torch.float32, torch.uint8)
    assert early.shape == late.shape == (3, 32, 32)
    torch.testing.assert_close(normalize_batch(late, **options), early)


@pytest.mark.parametrize("make", [eval_transform, train_transform, digits_train_transform, small_train_transform])
def test_pil_images_are_welcome(make, photographs):
    assert make(24)(photographs[0]).shape == (3, 24, 24)


def test_the_crop_keeps_its_share_of_the_shorter_side():
    image = torch.zeros(3, 512, 512, dtype=torch.uint8)
    image[:, 32:480, 32:480] = 255  # 224 of 256
    for size in (224, 112):
        assert eval_transform(size, normalize=False)(image).float().mean() > 253  # but for the blurred border
        assert eval_transform(size, resize=size * 2, normalize=False)(image).min() == 255
    assert eval_transform(112, resize=112, normalize=False)(image).float().mean() < 220


def test_training_draws_anew_each_time(files):
    image, _ = image_folder(files)[0]
    transform = train_transform(32, normalize=False)
    first, second = transform(image), transform(image)
    assert not torch.equal(first, second)


def parts(transform):
    return {type(part).__name__: part for part in transform.transforms}


def test_training_is_made_of_what_swin_is_trained_with():
    found = parts(train_transform(224))
    assert list(found) == [
        "PILToTensor",
        "RandomResizedCrop",
        "RandomHorizontalFlip",
        "RandAugment",
        "RandomErasing",
        "ToDtype",
        "Normalize",
    ]
    assert (found["RandAugment"].num_ops, found["RandAugment"].magnitude) == (2, 27)
    assert (found["RandomHorizontalFlip"].p, found["RandomErasing"].p) == (0.5, 0.25)
    fewer = parts(train_transform(224, flip=0, rand_augment=None, erase=0, normalize=False))
    assert list(fewer) == ["PILToTensor", "RandomResizedCrop"]


def test_what_is_erased_normalises_to_about_zero():
    white = torch.full((3, 64, 64), 255, dtype=torch.uint8)
    transform = train_transform(64, rand_augment=None, erase=1)
    values = transform(white).flatten(1)
    erased = values[:, values[0] < 1]
    assert 0.01 < erased.shape[1] / values.shape[1] < 0.4
    assert erased.abs().max() < 0.5 / 255 / min(IMAGENET_STD) + 1e-6


def test_digits_are_turned_and_moved_but_never_mirrored():
    left = torch.zeros(3, 8, 8, dtype=torch.uint8)
    left[:, 1:7, 1:3] = 255  # a bar on the left
    column = torch.arange(16.0)
    for _ in range(50):
        image = digits_train_transform(normalize=False)(left)[0].float()
        assert image.sum() > 0
        assert (image.sum(0) * column).sum() / image.sum() < 8
    assert "RandomHorizontalFlip" not in parts(digits_train_transform())


def test_small_photographs_are_moved_and_mirrored_and_nothing_of_them_is_squashed():
    """Each row of a picture whose pixels all differ is a stretch of the original's, forwards or backwards."""
    image = torch.arange(256, dtype=torch.uint8).view(1, 16, 16).expand(3, 16, 16)
    seen = set()
    for _ in range(200):
        middle = small_train_transform(16, normalize=False)(image)[0, 2:-2, 2:-2].int()  # what no reflection reaches
        step = int(middle[0, 1] - middle[0, 0])
        assert torch.equal(middle, middle[0, 0] + 16 * torch.arange(12)[:, None] + step * torch.arange(12))
        seen.add((step, int(middle[0, 0])))
    assert {step for step, _ in seen} == {-1, 1}
    assert len(seen) == 2 * 25  # five moves each way
    still = small_train_transform(16, move=0, flip=0, normalize=False)
    assert torch.equal(still(image), image)


# normalisation


def test_normalize_batch_equals_torchvisions():
    batch = torch.arange(256, dtype=torch.uint8).repeat(24).reshape(2, 3, 32, 32)
    before = batch.clone()
    expected = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(IMAGENET_MEAN, IMAGENET_STD)])(batch)
    torch.testing.assert_close(normalize_batch(batch), expected, rtol=0, atol=2e-6)
    assert torch.equal(batch, before)
    assert normalize_batch(batch[0]).shape == (3, 32, 32)
    assert normalize_batch(batch[:, :1], [0.5], [0.5]).aminmax() == (-1, 1)
    assert normalize_batch(batch, dtype=torch.bfloat16).dtype == torch.bfloat16


def test_denormalize_is_the_inverse():
    batch = torch.arange(192, dtype=torch.uint8).reshape(1, 3, 8, 8)
    torch.testing.assert_close(denormalize(normalize_batch(batch)) * 255, batch.float(), rtol=0, atol=1e-4)


def test_floats_are_not_scaled_a_second_time():
    with pytest.raises(TypeError, match=r"expects uint8 images of 0\.\.255, got torch\.float32.*normalize=False"):
        normalize_batch(torch.rand(1, 3, 4, 4))


@pytest.mark.parametrize("function", [normalize_batch, denormalize])
@pytest.mark.parametrize(
    ("shape", "statistics"),
    [
        ((2, 1, 4, 4), (IMAGENET_MEAN, IMAGENET_STD)),
        ((2, 4, 4, 3), (IMAGENET_MEAN, IMAGENET_STD)),  # channels last
        ((2, 3, 4, 4), (IMAGENET_MEAN, [0.2])),
        ((4, 4), ([0.5], [0.5])),
    ],
)
def test_one_number_per_channel(function, shape, statistics):
    kind = torch.uint8 if function is normalize_batch else torch.float32
    with pytest.raises(ValueError, match="one per channel of images") as caught:
        function(torch.zeros(shape, dtype=kind), *statistics)
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: eval_transform(0), "size must be a whole number of pixels, at least 1; got 0"),
        (lambda: train_transform(2.5), "size must be a whole number of pixels, at least 1; got 2.5"),
        (lambda: digits_train_transform(True), "size must be .* got True"),
        (lambda: small_train_transform(8, move=8), "move=8 must be less than size=8"),
        (lambda: small_train_transform(8, move=-1), "move must be a whole number of pixels, at least 0; got -1"),
        (lambda: eval_transform(224, resize=0), "resize must be a whole number of pixels"),
        (lambda: eval_transform(224, resize=200), "resize=200 is smaller than size=224"),
        (lambda: eval_transform(224, std=(0.2, 0.0, 0.2)), "std above 0"),
        (lambda: train_transform(224, mean=(0.5,)), "one of each per channel"),
    ],
)
def test_arguments_that_make_no_sense(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_interpolation_can_be_that_of_the_weights():
    image = torch.arange(0, 256, 4, dtype=torch.uint8).view(1, 8, 8).expand(3, 8, 8)
    for mode in (v2.InterpolationMode.BILINEAR, v2.InterpolationMode.BICUBIC):
        mine = eval_transform(16, resize=20, interpolation=mode, normalize=False)(image)
        assert torch.equal(mine, v2.CenterCrop(16)(v2.Resize(20, interpolation=mode, antialias=True)(image)))
    bilinear = eval_transform(16, resize=20, normalize=False)(image)
    assert not torch.equal(mine, bilinear)


# one geometry: what is trained on is what is evaluated on

PICTURES = [(40, 120), (120, 40), (100, 301), (33, 64), (48, 48), (8, 8)]


def places(height, width):
    """A picture that tells places: red grows from left to right, green from top to bottom."""
    picture = torch.zeros(3, height, width, dtype=torch.uint8)
    picture[0] = torch.linspace(0, 255, width).round()
    picture[1] = torch.linspace(0, 255, height).round()[:, None]
    return picture


@pytest.mark.parametrize("shape", PICTURES)
def test_without_its_draws_digits_are_trained_on_what_is_evaluated(shape):
    still = digits_train_transform(48, degrees=0, translate=0, zoom=0)
    whole = eval_transform(48, DIGITS_MEAN, DIGITS_STD, resize=48)
    assert torch.equal(still(places(*shape)), whole(places(*shape)))


@pytest.mark.parametrize("shape", [(40, 120), (120, 40)])
def test_what_is_never_evaluated_is_not_trained_on(shape):
    """White ends, which the centre does not reach."""
    picture = torch.zeros(3, *shape, dtype=torch.uint8)
    ends = picture if shape[0] > shape[1] else picture.transpose(1, 2)
    ends[:, :39] = ends[:, -39:] = 255
    assert eval_transform(48, resize=48, normalize=False)(picture).float().mean() < 1
    transform = digits_train_transform(48, normalize=False)
    assert max(transform(picture).float().mean().item() for _ in range(50)) < 1


def test_digits_are_what_they_were_to_the_last_bit():
    """Of square images, on which stored results depend."""
    image = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8)
    affine = v2.RandomAffine(10, (0.08, 0.08), (0.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR)
    before = v2.Compose([v2.Resize((16, 16), antialias=True), affine])
    for seed in range(20):
        torch.manual_seed(seed)
        expected = before(image)
        torch.manual_seed(seed)
        assert torch.equal(digits_train_transform(normalize=False)(image), expected)


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
def test_sizes_of_numpy_are_sizes(kind):
    image = places(20, 30)
    for make in (eval_transform, train_transform, digits_train_transform):
        torch.manual_seed(1)
        expected = make(240)(image)
        torch.manual_seed(1)
        assert torch.equal(make(kind(240))(image), expected)  # 240 * 256 is too much for np.uint8
    assert eval_transform(kind(16), resize=kind(20))(image).shape == (3, 16, 16)
