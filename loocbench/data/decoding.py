"""From a file to RGB pixels, behind one function."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageOps

from loocbench.errors import UserError
from loocbench.types import Pixels

VERSION = f"1, Pillow {PIL.__version__}"  # part of every cache key: raise it when a file decodes to other pixels


def decode(path: Path, short_side: int) -> Pixels:
    """Decode an image and resize its short side: bilinear, antialiased, aspect ratio kept.

    EXIF orientation is applied; greyscale, palette and CMYK become RGB; of 16-bit greyscale the upper eight bits count.
    Returns uint8 [H, W, 3]. Raises UserError naming the file when it is missing, damaged or too large to be a picture.
    """
    try:
        with Image.open(path) as file:
            if Image.MAX_IMAGE_PIXELS and file.width * file.height > Image.MAX_IMAGE_PIXELS:
                raise Image.DecompressionBombError
            return np.asarray(resize_short_side(to_rgb(ImageOps.exif_transpose(file)), short_side))
    except FileNotFoundError as error:
        raise UserError(f"image {path} is missing; complete the data set.") from error
    except Image.DecompressionBombError as error:
        raise UserError(f"image {path} is too large to decode safely; remove or replace it.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"image {path} is damaged ({str(error).lower()}); replace the file.") from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Any Pillow image as 8-bit RGB."""
    if image.mode.startswith("I;16") or image.mode == "I":
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")


def resize_short_side(image: Image.Image, short_side: int) -> Image.Image:
    """Resize so that the short side is ``short_side``, as torchvision's ``Resize`` (the long side rounds down)."""
    width, height = image.size
    if min(width, height) == short_side:
        return image
    if width <= height:
        size = (short_side, int(short_side * height / width))
    else:
        size = (int(short_side * width / height), short_side)
    return image.resize(size, Image.Resampling.BILINEAR)
