"""Orientation is applied wherever the file states it: EXIF or XMP, before or behind the pixels."""

import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from loocbench.data import decoding
from loocbench.data.orientation import read_orientation
from tests.conftest import picture

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="%d"/></rdf:RDF></x:xmpmeta>'
ELEMENT = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><tiff:Orientation>%d</tiff:Orientation></x:xmpmeta>'


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def png_chunk(name, content):
    return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")


def add_late_chunk(path, name, content):
    """Put a chunk between a PNG file's pixels and its end."""
    raw = path.read_bytes()
    path.write_bytes(raw[:-12] + png_chunk(name, content) + raw[-12:])


def assert_turned(path, orientation):
    """What is decoded is what Pillow turns, and its size is known beforehand."""
    with Image.open(path) as image:
        image.load()
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(decoding.decode_image(path, 24), expected)
    assert np.array_equal(decoding.decode_image(path, 24, raw=path.read_bytes()), expected)
    assert np.array_equal(decoding.decode_full_size(path), expected)
    assert decoding.predict_size(path, 24) == expected.shape[:2] == ((40, 24) if orientation > 4 else (24, 40))
    assert decoding.read_full_size(path) == expected.shape[1::-1]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("packet", [XMP, ELEMENT])
@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_xmp_alone_turns(tmp_path, orientation, packet, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.open(picture(tmp_path / "source.jpg", (40, 24))).save(path, xmp=packet % orientation, quality=95)
    assert_turned(path, orientation)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_what_stands_behind_a_png_files_pixels_turns(tmp_path, orientation):
    path = tmp_path / "a.png"
    Image.open(picture(tmp_path / "source.jpg", (40, 24))).save(path)
    add_late_chunk(path, b"eXIf", exif_of(orientation).removeprefix(b"Exif\0\0"))
    assert_turned(path, orientation)


def test_late_xmp_of_a_png_file_turns(tmp_path):
    path = tmp_path / "a.png"
    Image.open(picture(tmp_path / "source.jpg", (40, 24))).save(path)
    add_late_chunk(path, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP % 6)
    assert_turned(path, 6)


def test_exif_is_believed_before_xmp(tmp_path):
    path = tmp_path / "a.jpg"
    Image.open(picture(tmp_path / "source.jpg", (40, 24))).save(path, exif=exif_of(3), xmp=XMP % 6, quality=95)
    assert_turned(path, 3)


def test_a_png_file_without_metadata_is_not_decoded_for_its_size(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    Image.open(picture(tmp_path / "source.jpg", (40, 24))).save(path)
    with Image.open(path) as image:
        monkeypatch.setattr(image, "load", lambda: pytest.fail("decoded"))
        assert read_orientation(image) == 1


@pytest.mark.parametrize("packet", [b"", b"<x", b'tiff:Orientation="9"', b"\xff\xfe\x00"])
def test_strange_xmp_leaves_the_picture_upright(tmp_path, packet):
    path = tmp_path / "a.jpg"
    Image.open(picture(tmp_path / "source.jpg", (40, 24))).save(path, xmp=packet)
    assert decoding.decode_image(path, 24).shape == (24, 40, 3)
