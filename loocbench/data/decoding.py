"""From a file to RGB pixels, behind one module."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import PIL
from PIL import ExifTags, Image, ImageOps

from loocbench.errors import UserError
from loocbench.types import Pixels

VERSION = f"2, Pillow {PIL.__version__}"  # part of every cache key: raise it when a file decodes to other pixels

# A JPEG is decoded at 1/2, 1/4 or 1/8 of its size (a property of the format, far cheaper) as long as at least this
# many times the wanted pixels remain a side; the resize then still averages. tests/data/test_decoding.py bounds what
# that changes.
_REDUCING_GAP = 3
_HEADER_TELLS_SIZE = {"JPEG", "MPO", "PNG", "BMP", "GIF", "WEBP", "PPM"}
_TURNED = {5, 6, 7, 8}  # EXIF orientations that exchange width and height


def decode(path: Path, short_side: int, *, border: int = 0) -> Pixels:
    """Decode an image and resize its short side: bilinear, antialiased, aspect ratio kept.

    EXIF orientation is applied; greyscale, palette and CMYK become RGB; of 16-bit greyscale the upper eight bits count.
    ``border`` pixels are cut off each side first. Returns uint8 [H, W, 3]. Raises UserError naming the file when it is
    missing, damaged or too large to be a picture.
    """
    with _opened(path) as image:
        orientation = _orientation(image)
        turned = orientation in _TURNED
        size = resized(*_upright_size(image, turned, border), short_side)
        if not border:
            wanted = size[::-1] if turned else size
            image.draft(image.mode, (wanted[0] * _REDUCING_GAP, wanted[1] * _REDUCING_GAP))
        upright = to_rgb(_without_border(ImageOps.exif_transpose(image) if orientation != 1 else image, border))
        return np.asarray(upright if upright.size == size else upright.resize(size, Image.Resampling.BILINEAR))


def measure(path: Path, short_side: int, *, border: int = 0) -> tuple[int, int]:
    """Height and width that :func:`decode` will give, from the file's header alone where the format allows it."""
    with _opened(path) as image:
        if image.format in _HEADER_TELLS_SIZE:
            width, height = resized(*_upright_size(image, _orientation(image) in _TURNED, border), short_side)
            return height, width
    height, width, _ = decode(path, short_side, border=border).shape
    return height, width


def examine(path: Path) -> str:
    """Decode every pixel at full size. Returns the SHA-256 of the file; raises UserError as :func:`decode` does."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UserError(f"image {path} is missing; complete the data set.") from error
    with _opened(path, io.BytesIO(raw)) as image:
        image.load()
    return hashlib.sha256(raw).hexdigest()


def to_rgb(image: Image.Image) -> Image.Image:
    """Any Pillow image as 8-bit RGB; itself if it is."""
    if image.mode == "RGB":
        image.load()
        return image
    if image.mode.startswith("I;16") or image.mode == "I":
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")


def resize_short_side(image: Image.Image, short_side: int) -> Image.Image:
    """Resize so that the short side is ``short_side``, as torchvision's ``Resize``."""
    size = resized(*image.size, short_side)
    return image if image.size == size else image.resize(size, Image.Resampling.BILINEAR)


def resized(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Width and height once the short side is ``short_side``; the long side rounds down, as in torchvision."""
    if min(width, height) == short_side:
        return width, height
    if width <= height:
        return short_side, int(short_side * height / width)
    return int(short_side * width / height), short_side


@contextmanager
def _opened(path: Path, file: io.BytesIO | None = None) -> Iterator[Image.Image]:
    """The image, its header read; whatever goes wrong until the block's end becomes one line that names the file."""
    try:
        with Image.open(file or path) as image:
            if Image.MAX_IMAGE_PIXELS and image.width * image.height > Image.MAX_IMAGE_PIXELS:
                raise Image.DecompressionBombError
            yield image
    except FileNotFoundError as error:
        raise UserError(f"image {path} is missing; complete the data set.") from error
    except Image.DecompressionBombError as error:
        raise UserError(f"image {path} is too large to decode safely; remove or replace it.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"image {path} is damaged ({str(error).lower()}); replace the file.") from error


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1 is upright. Most JPEG files have no EXIF block, and then nothing needs to be parsed."""
    if image.format == "JPEG" and "exif" not in image.info:
        return 1
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))


def _upright_size(image: Image.Image, turned: bool, border: int) -> tuple[int, int]:
    width, height = image.size[::-1] if turned else image.size
    if min(width, height) <= 2 * border:
        raise ValueError(f"smaller than its border of {border} pixels")
    return width - 2 * border, height - 2 * border


def _without_border(image: Image.Image, border: int) -> Image.Image:
    width, height = image.size
    return image.crop((border, border, width - border, height - border)) if border else image
