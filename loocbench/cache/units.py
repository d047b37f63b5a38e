"""Sizes and durations as people write them."""

from __future__ import annotations

import re

from loocbench.errors import UserError

_BYTES = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "KB": 10**3, "B": 1}
_SECONDS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def parse_size(text: str, option: str) -> int:
    """Bytes of "50GB", "1.5 TB". Raises UserError naming the option."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B)\s*", text, re.IGNORECASE)
    if match is None:
        raise UserError(f"{option} '{text}' is not a size; write 500MB, 50GB or 2TB.")
    return int(float(match[1]) * _BYTES[match[2].upper()])


def parse_duration(text: str, option: str) -> float:
    """Seconds of "30d", "12h", "2w". Raises UserError naming the option."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([hdw])\s*", text, re.IGNORECASE)
    if match is None:
        raise UserError(f"{option} '{text}' is not a duration; write 12h, 30d or 2w.")
    return float(match[1]) * _SECONDS[match[2].lower()]


def format_size(size: int) -> str:
    """Returns "1.2 GB", "12 B"."""
    for unit, factor in _BYTES.items():
        if factor > 1 and size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"
