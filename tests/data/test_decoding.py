"""Files become RGB in one way, whatever their mode; what is no picture is refused by name."""

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import functional as tv

from loocbench.data import decoding
from loocbench.errors import UserError
from tests.conftest import picture


@pytest.mark.parametrize("size", [(60, 40), (41, 77), (32, 32)])
def test_equals_torchvisions_resize(tmp_path, size):
    path = picture(tmp_path / "a.jpg", size)
    expected = np.asarray(tv.resize(Image.open(path), 32))
    assert np.array_equal(decoding.decode(path, 32), expected)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "1", "LA"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    grey = Image.new("RGB", (20, 20), (200, 200, 200)).convert(mode)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    grey.save(path)
    pixels = decoding.decode(path, 20)
    assert pixels.shape == (20, 20, 3)
    expected = 255 if mode == "1" else 200
    assert abs(pixels.astype(int).mean() - expected) < (60 if mode == "1" else 3)


def test_of_16_bit_grey_the_upper_eight_bits_count(tmp_path):
    Image.fromarray(np.full((10, 10), 200 * 256 + 17, dtype=np.uint16)).save(tmp_path / "a.png")
    assert (decoding.decode(tmp_path / "a.png", 10) == 200).all()


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to show
    image = Image.new("RGB", (40, 20))
    image.paste((255, 255, 255), (0, 0, 20, 20))
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    pixels = decoding.decode(tmp_path / "a.jpg", 20)
    assert pixels.shape == (40, 20, 3)
    assert pixels[:15].mean() > 240
    assert pixels[-15:].mean() < 15


@pytest.mark.parametrize("keep", [0, 10, 300])
def test_a_truncated_image_is_refused_by_name(tmp_path, keep):
    path = picture(tmp_path / "broken.jpg", (200, 200))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"broken\.jpg is damaged"):
        decoding.decode(path, 32)


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UserError, match="too large"):
        decoding.decode(picture(tmp_path / "a.jpg", (20, 20)), 16)


@pytest.mark.parametrize(
    ("mode", "suffix"), [("RGB", "jpg"), ("L", "jpg"), ("CMYK", "jpg"), ("RGB", "png"), ("P", "gif")]
)
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("border", [0, 2])
def test_the_size_is_known_before_decoding(tmp_path, mode, suffix, orientation, border):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.new(mode, (83, 37)).save(path, **({} if suffix == "gif" else {"exif": exif}))
    for short_side in (16, 37, 60):
        pixels = decoding.decode(path, short_side, border=border)
        assert decoding.measure(path, short_side, border=border) == pixels.shape[:2]
        assert min(pixels.shape[:2]) == short_side


def test_a_tiff_is_measured_too(tmp_path):
    Image.new("RGB", (83, 37)).save(tmp_path / "a.tif")
    assert decoding.measure(tmp_path / "a.tif", 16) == (16, 35)


@pytest.mark.parametrize("scale", [2, 4, 8, 9])
def test_a_reduced_jpeg_differs_little_from_the_whole_one(tmp_path, scale):
    """The stated tolerance on smooth images: 1 level of 255 in the mean, 8 at most, against decoding every pixel."""
    path = picture(tmp_path / "a.jpg", (64 * scale, 48 * scale))
    whole = np.asarray(tv.resize(Image.open(path), 24)).astype(int)
    difference = np.abs(decoding.decode(path, 24).astype(int) - whole)
    assert difference.mean() <= 1
    assert difference.max() <= 8


@pytest.mark.realdata
def test_a_reduced_photograph_differs_little_from_the_whole_one(photographs):
    """The stated tolerance on photographs, whose edges are sharp: 1 level of 255 in the mean, 2 for any one image."""
    paths = sorted((photographs / "CUB_200_2011" / "images").rglob("*.jpg"))[::50]
    means = []
    for path in paths:
        whole = np.asarray(decoding.resize_short_side(decoding.to_rgb(Image.open(path)), 32)).astype(int)
        means.append(np.abs(decoding.decode(path, 32).astype(int) - whole).mean())
    assert 0 < np.mean(means) < 1
    assert max(means) < 2


def test_examining_decodes_every_pixel(tmp_path):
    import hashlib

    path = picture(tmp_path / "a.jpg", (200, 200))
    assert decoding.examine(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(UserError, match=r"a\.jpg is damaged"):
        decoding.examine(path)
