"""Decoding of every mode to RGB, sizes and orientation; files that cannot be decoded are named."""

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import functional as tv

from loocbench.data import decoding
from loocbench.errors import DamagedImageError, UserError
from tests.conftest import picture


@pytest.mark.parametrize("size", [(60, 40), (41, 77), (32, 32)])
def test_equals_torchvisions_resize(tmp_path, size):
    path = picture(tmp_path / "a.jpg", size)
    expected = np.asarray(tv.resize(Image.open(path), 32))
    assert np.array_equal(decoding.decode_image(path, 32), expected)


@pytest.mark.parametrize("size", [(60, 40), (41, 77), (20, 24), (32, 32)])
def test_bicubic_equals_torchvisions_and_pillows(tmp_path, size):
    """Of a PNG, which is decoded whole; larger, smaller and as it is."""
    picture(tmp_path / "a.jpg", size)
    with Image.open(tmp_path / "a.jpg") as image:
        image.save(tmp_path / "a.png")
    found = decoding.decode_image(tmp_path / "a.png", 32, interpolation="bicubic")
    with Image.open(tmp_path / "a.png") as image:
        expected = tv.resize(image, 32, tv.InterpolationMode.BICUBIC)
        assert np.array_equal(found, np.asarray(expected))
        assert np.array_equal(found, np.asarray(image.resize(expected.size, Image.Resampling.BICUBIC)))
    differs = not np.array_equal(found, decoding.decode_image(tmp_path / "a.png", 32))
    assert differs == (size != (32, 32))


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "1", "LA"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    grey = Image.new("RGB", (20, 20), (200, 200, 200)).convert(mode)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    grey.save(path)
    pixels = decoding.decode_image(path, 20)
    assert pixels.shape == (20, 20, 3)
    expected = 255 if mode == "1" else 200
    assert abs(pixels.astype(int).mean() - expected) < (60 if mode == "1" else 3)


def test_of_16_bit_grey_the_upper_eight_bits_count(tmp_path):
    Image.fromarray(np.full((10, 10), 200 * 256 + 17, dtype=np.uint16)).save(tmp_path / "a.png")
    assert (decoding.decode_image(tmp_path / "a.png", 10) == 200).all()


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to show
    image = Image.new("RGB", (40, 20))
    image.paste((255, 255, 255), (0, 0, 20, 20))
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    pixels = decoding.decode_image(tmp_path / "a.jpg", 20)
    assert pixels.shape == (40, 20, 3)
    assert pixels[:15].mean() > 240
    assert pixels[-15:].mean() < 15


@pytest.mark.parametrize("keep", [0, 10, 300])
def test_a_truncated_image_is_refused_by_name(tmp_path, keep):
    path = picture(tmp_path / "broken.jpg", (200, 200))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"broken\.jpg is damaged"):
        decoding.decode_image(path, 32)


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UserError, match="too large"):
        decoding.decode_image(picture(tmp_path / "a.jpg", (20, 20)), 16)


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
        pixels = decoding.decode_image(path, short_side, border=border)
        assert decoding.predict_size(path, short_side, border=border) == pixels.shape[:2]
        assert min(pixels.shape[:2]) == short_side


@pytest.mark.parametrize(("orientation", "expected"), [(1, (16, 35)), (3, (16, 35)), (6, (35, 16))])
def test_a_tiff_is_turned_once(tmp_path, orientation, expected):
    image = Image.new("RGB", (83, 37))
    image.paste((255, 255, 255), (0, 0, 20, 37))  # the left edge, which orientation 6 shows at the top
    image.save(tmp_path / "a.tif", tiffinfo={0x0112: orientation})
    pixels = decoding.decode_image(tmp_path / "a.tif", 16)
    assert decoding.predict_size(tmp_path / "a.tif", 16) == pixels.shape[:2] == expected
    corner = pixels[0, 0] if orientation != 3 else pixels[0, -1]
    assert (corner == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_pillows(tmp_path, orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    path = picture(tmp_path / "a.jpg", (40, 24))
    Image.open(path).save(path, exif=exif, quality=95)
    assert np.array_equal(decoding.decode_image(path, 24), np.asarray(ImageOps.exif_transpose(Image.open(path))))


def test_a_damaged_exif_block_does_not_damage_the_picture(tmp_path):
    path = picture(tmp_path / "a.jpg", (40, 24))
    Image.open(path).save(path, exif=b"Exif\x00\x00II*\x00garbage and more of it", quality=95)
    assert decoding.decode_image(path, 24).shape == (24, 40, 3)
    assert decoding.predict_size(path, 24) == (24, 40)
    decoding.verify_image(path)


@pytest.mark.parametrize(("dtype", "kind"), [(np.float32, "floating-point"), (np.int32, "32-bit")])
def test_values_without_a_defined_white_are_refused(tmp_path, dtype, kind):
    Image.fromarray(np.ones((10, 10), dtype=dtype)).save(tmp_path / "a.tif")
    with pytest.raises(DamagedImageError, match=f"{kind} values have no defined white"):
        decoding.decode_image(tmp_path / "a.tif", 10)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "gif"])
def test_what_verify_image_accepts_decodes_and_what_it_refuses_is_called_damaged(tmp_path, suffix):
    """Whatever a flipped byte breaks, nothing but an image or a DamagedImageError comes out."""
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(picture(tmp_path / "b.jpg", (40, 24))).save(path, **({} if suffix == "gif" else {"exif": exif}))
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(150):
        spoiled = bytearray(whole)
        for position in generator.integers(0, len(whole), 3):
            spoiled[position] = generator.integers(256)
        path.write_bytes(spoiled)
        try:
            decoding.verify_image(path)
        except DamagedImageError:
            continue
        assert decoding.decode_image(path, 12).shape[:2] == decoding.predict_size(path, 12)


def test_what_the_system_cannot_read_is_not_called_damaged(tmp_path, monkeypatch):
    path = picture(tmp_path / "a.jpg")

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Image, "open", refused)
    with pytest.raises(UserError, match=r"cannot read image .*permission denied") as caught:
        decoding.verify_image(path)
    assert not isinstance(caught.value, DamagedImageError)


@pytest.mark.parametrize("scale", [2, 4, 8, 9])
def test_a_reduced_jpeg_differs_little_from_the_whole_one(tmp_path, scale):
    """The stated tolerance on smooth images: 1 level of 255 in the mean, 8 at most, against decoding every pixel."""
    path = picture(tmp_path / "a.jpg", (64 * scale, 48 * scale))
    whole = np.asarray(tv.resize(Image.open(path), 24)).astype(int)
    difference = np.abs(decoding.decode_image(path, 24).astype(int) - whole)
    assert difference.mean() <= 1
    assert difference.max() <= 8


@pytest.mark.realdata
def test_a_reduced_photograph_differs_little_from_the_whole_one(photographs):
    """The stated tolerance on photographs, whose edges are sharp: 1 level of 255 in the mean, 2 for any one image."""
    paths = sorted((photographs / "CUB_200_2011" / "images").rglob("*.jpg"))[::50]
    means = []
    for path in paths:
        whole = np.asarray(decoding.resize_short_side(decoding.to_rgb(Image.open(path)), 32)).astype(int)
        means.append(np.abs(decoding.decode_image(path, 32).astype(int) - whole).mean())
    assert 0 < np.mean(means) < 1
    assert max(means) < 2


def test_verify_image_decodes_every_pixel(tmp_path):
    import hashlib

    path = picture(tmp_path / "a.jpg", (200, 200))
    assert decoding.verify_image(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(UserError, match=r"a\.jpg is damaged"):
        decoding.verify_image(path)
