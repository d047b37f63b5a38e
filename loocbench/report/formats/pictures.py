"""Pictures for the HTML report."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

_MAX_WIDTH = 1600  # pixels


@dataclass(frozen=True)
class Picture:
    """An encoded image with its title. media_type: such as "image/webp". width, height: in pixels."""

    title: str
    image: bytes
    media_type: str
    width: int
    height: int

    @property
    def data_url(self) -> str:
        """The image as a ``data:`` URL."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.image).decode('ascii')}"


def read_picture(path: Path, title: str) -> Picture:
    """A PNG file encoded anew as WebP, at most 1,600 pixels wide, so that only its pixels get into the page.

    Raises OSError, ValueError, SyntaxError or DecompressionBombError for a file that Pillow cannot read.
    """
    with Image.open(path, formats=["PNG"]) as opened:
        image = opened.convert("RGB")
    image.thumbnail((_MAX_WIDTH, 4 * _MAX_WIDTH))
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=82)
    return Picture(title, stream.getvalue(), "image/webp", image.width, image.height)
