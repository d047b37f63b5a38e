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
