"""Decoding of image files to RGB pixels."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

from loocbench.data.orientation import read_orientation
from loocbench.errors import DamagedImageError, UserError
from loocbench.types import BILINEAR, Interpolation, Pixels

NUMBER = 3  # raise it when a file decodes to other pixels: part of every cache key and row
VERSION = f"{NUMBER}, Pillow {PIL.__version__}"  # part of every cache key

# A JPEG is decoded at 1/2, 1/4 or 1/8 of its size (a property of the format, far cheaper) as long as at least this
# many times the wanted pixels remain a side; the resize then still averages. tests/data/test_decoding.py bounds what
# that changes.
_REDUCING_GAP = 3
_FILTERS: dict[Interpolation, Image.Resampling] = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
_HEADER_TELLS_SIZE = {"JPEG", "MPO", "PNG", "BMP", "GIF", "WEBP", "PPM"}
_TURNED = {5, 6, 7, 8}  # EXIF orientations that exchange width and height
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_image(
    path: Path,
    short_side: int,
    *,
    border: int = 0,
    raw: bytes | None = None,
    interpolation: Interpolation = BILINEAR,
) -> Pixels:
    """Decode an image and resize its short side: antialiased, aspect ratio kept.

    The orientation that EXIF or XMP states is applied; greyscale, palette and CMYK become RGB; of 16-bit greyscale the
    upper eight bits count; of several frames the first is taken. ``border`` pixels are cut off each side first. raw:
    the file's content, where it was read before. Returns uint8 [H, W, 3]. Raises DamagedImageError naming the file when
    it is missing, damaged, of a mode without a defined brightness, or too large to decode safely; UserError when the
    system cannot read it.
    """
    with _open_image(path, raw) as image:
        orientation = read_orientation(image)
        size = scale_size(*_get_upright_size(image, orientation, border), short_side)
        if not border:
            wanted = size[::-1] if orientation in _TURNED else size
            image.draft(image.mode, (wanted[0] * _REDUCING_GAP, wanted[1] * _REDUCING_GAP))
        upright = _make_upright(image, orientation, border)
        return np.asarray(upright if upright.size == size else upright.resize(size, _FILTERS[interpolation]))


def decode_full_size(path: Path) -> Pixels:
    """Decode an image at its own size: uint8 [H, W, 3]. Raises as :func:`decode_image` does."""
    with _open_image(path) as image:
        return np.asarray(_make_upright(image, read_orientation(image), 0))


def predict_size(path: Path, short_side: int, *, border: int = 0) -> tuple[int, int]:
    """Height and width that :func:`decode_image` will return, from the file's header alone where the format allows."""
    with _open_image(path) as image:
        if image.format in _HEADER_TELLS_SIZE:
            width, height = scale_size(*_get_upright_size(image, read_orientation(image), border), short_side)
            return height, width
    height, width, _ = decode_image(path, short_side, border=border).shape
    return height, width


def read_full_size(path: Path) -> tuple[int, int]:
    """Width and height of the image at its own size, upright. Raises as :func:`decode_image` does."""
    with _open_image(path) as image:
        return _get_upright_size(image, read_orientation(image), 0)


def read_file(path: Path) -> bytes:
    """The content of an image file. Raises as :func:`decode_image` does."""
    with _naming_errors(path):
        return path.read_bytes()


def verify_image(path: Path, *, border: int = 0) -> str:
    """Decode every pixel at full size. Returns the SHA-256 of the file; raises as :func:`decode_image` does."""
    raw = read_file(path)
    with _open_image(path, raw) as image:
        orientation = read_orientation(image)
        _get_upright_size(image, orientation, border)
        _make_upright(image, orientation, border)
    return hashlib.sha256(raw).hexdigest()


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert any Pillow image to 8-bit RGB; an RGB image is returned as it is.

    Raises ValueError for a mode without a defined brightness.
    """
    if image.mode == "RGB":
        image.load()
        return image
    if image.mode == "F" or (image.mode == "I" and image.format not in ("PNG", "PPM")):
        raise ValueError(f"its {'floating-point' if image.mode == 'F' else '32-bit'} values have no defined white")
    if image.mode.startswith("I"):  # 16 bits, whatever Pillow calls them
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")


def resize_short_side(image: Image.Image, short_side: int, interpolation: Interpolation = BILINEAR) -> Image.Image:
    """Resize so that the short side is ``short_side``, as torchvision's ``Resize``."""
    size = scale_size(*image.size, short_side)
    return image if image.size == size else image.resize(size, _FILTERS[interpolation])


def scale_size(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Width and height after resizing the short side; the long side is rounded down, as in torchvision."""
    if min(width, height) == short_side:
        return width, height
    if width <= height:
        return short_side, int(short_side * height / width)
    return int(short_side * width / height), short_side


@contextmanager
def _open_image(path: Path, raw: bytes | None = None) -> Iterator[Image.Image]:
    """Open an image, from ``raw`` where that is given; errors within the block name the file."""
    with _naming_errors(path), Image.open(path if raw is None else io.BytesIO(raw)) as image:
        if Image.MAX_IMAGE_PIXELS and image.width * image.height > Image.MAX_IMAGE_PIXELS:
            raise Image.DecompressionBombError
        yield image


@contextmanager
def _naming_errors(path: Path) -> Iterator[None]:
    """Raise any error of the block as DamagedImageError or UserError that names the file."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise DamagedImageError(f"image {path} is missing; complete the data set.") from error
    except Image.DecompressionBombError as error:
        raise DamagedImageError(f"image {path} is too large to decode safely; remove or replace it.") from error
    except Exception as error:  # Pillow's parsers raise almost anything on damaged bytes
        if isinstance(error, OSError) and error.errno is not None:  # from the system, not from Pillow: not damage
            raise UserError(f"cannot read image {path}: {(error.strerror or str(error)).lower()}.") from error
        raise DamagedImageError(f"image {path} is damaged ({str(error).lower()}); replace the file.") from error


def _get_upright_size(image: Image.Image, orientation: int, border: int) -> tuple[int, int]:
    """Width and height after rotation, without the border. Raises ValueError if nothing would be left."""
    width, height = image.size[::-1] if orientation in _TURNED else image.size
    if min(width, height) <= 2 * border:
        raise ValueError(f"smaller than its border of {border} pixels")
    return width - 2 * border, height - 2 * border


def _make_upright(image: Image.Image, orientation: int, border: int) -> Image.Image:
    """The image in RGB, without its border, rotated and mirrored as its EXIF orientation says."""
    image = to_rgb(image)
    if orientation in _TRANSPOSITIONS:
        image = image.transpose(_TRANSPOSITIONS[orientation])
    width, height = image.size
    return image.crop((border, border, width - border, height - border)) if border else image
