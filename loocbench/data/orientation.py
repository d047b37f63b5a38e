"""Which way up an image file says it is shown, wherever the file says so."""

from __future__ import annotations

import re
from typing import BinaryIO

from PIL import ExifTags, Image

_EXIF = {"exif", "Raw profile type exif"}
_XMP = ("xmp", "XML:com.adobe.xmp")
_XMP_ORIENTATION = re.compile(r"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])""")
_METADATA_CHUNKS = {b"eXIf", b"iTXt", b"tEXt", b"zTXt"}
_MOST_CHUNKS = 1_000_000  # of a PNG file; more would be a file made to keep us busy


def read_orientation(image: Image.Image) -> int:
    """The orientation by EXIF, or by XMP where EXIF states none, 1 to 8; 1 (upright) where neither can be read.

    Those of a PNG file may stand behind its pixels. An image whose pixels were not read before is still not decoded,
    unless a PNG file has such late metadata.
    """
    if image.format == "TIFF":
        return 1  # Pillow turns these itself
    if image.format == "PNG" and _has_late_metadata(image):
        image.load()  # reads them, too
    orientation = _read_exif(image)
    return _read_xmp(image) if orientation is None else orientation


def _read_exif(image: Image.Image) -> int | None:
    if image.format in ("JPEG", "PNG") and not _EXIF & image.info.keys():
        return None  # as most; asking Pillow would decode a whole PNG file
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # the block is damaged, the picture need not be
        return None
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else None


def _read_xmp(image: Image.Image) -> int:
    for key in _XMP:
        packet = image.info.get(key)
        text = packet.decode("utf-8", "replace") if isinstance(packet, bytes) else packet
        if isinstance(text, str) and (found := _XMP_ORIENTATION.search(text)):
            return int(found[1])
    return 1


def _has_late_metadata(image: Image.Image) -> bool:
    """Whether a PNG file has EXIF or text chunks behind its first pixels. Leaves the file's position as it was."""
    file: BinaryIO | None = getattr(image, "fp", None)
    if file is None or not file.seekable():
        return False
    position = file.tell()
    try:
        return _scan_chunks(file)
    finally:
        file.seek(position)


def _scan_chunks(file: BinaryIO) -> bool:
    file.seek(8)  # the signature
    behind_pixels = False
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        name = head[4:]
        if len(head) < 8 or name == b"IEND":
            return False
        if behind_pixels and name in _METADATA_CHUNKS:
            return True
        behind_pixels |= name == b"IDAT"
        file.seek(int.from_bytes(head[:4], "big") + 4, 1)  # its content and check sum
    return False
