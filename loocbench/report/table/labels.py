"""How metrics and figures are written, and whether higher or lower is better."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SPOKEN = {"color": "colour"}  # as the documentation spells it; names of labels, spaces and augmentations stay
_WORDS = {"map": "mAP", "map at r": "mAP@R", "r precision": "R-precision"}


def format_metric(name: str) -> str:
    """A metric's name as people write it: "top-1", "species recall@10", "class mAP@R"."""
    words = re.sub(r"\btop(\d+)\b", r"top-\1", name.replace("_", " ").replace(":", " "))
    words = " ".join(_SPOKEN.get(word, word) for word in words.split(" "))
    if words == "rotation kept":  # the image's orientation is what is kept; the change of the image is a rotation
        return "orientation kept"
    words = re.sub(r"\brecall(\d+)\b", r"recall@\1", words)
    for ending, written in sorted(_WORDS.items(), key=lambda pair: -len(pair[0])):
        if words == ending or words.endswith(f" {ending}"):
            return words[: len(words) - len(ending)] + written
    return words


def format_label(name: str) -> str:
    """The name of a label of images as people write it: "species", "colour"."""
    return _SPOKEN.get(name, name.replace("_", " "))


def format_time(text: str) -> str:
    """A time in ISO format to the minute: "2026-01-31 12:05 UTC"; other texts as they are."""
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return text


def natural_key(text: str) -> list[tuple[int, str]]:
    """A key that sorts names as people do: "v2" before "v10". Numbers of any length: names come from files."""
    return [_number_key(part) if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]


def _number_key(digits: str) -> tuple[int, str]:
    without_zeros = digits.lstrip("0")
    return len(without_zeros), without_zeros


def metric_direction(name: str) -> int:
    """1 if higher is better, -1 if lower is better, 0 if neither: invariance is not a merit by itself."""
    if name.endswith("_invariance"):
        return 0
    return -1 if name.endswith("_loss") else 1


def format_percent(value: float, *, signed: bool = False) -> str:
    """A fraction as per cent with one decimal, a true minus sign and no negative zero."""
    text = f"{round(100 * value, 1) + 0.0:{'+' if signed else ''}.1f}"
    return text.replace("-", "−")


def format_number(value: float, decimals: int) -> str:
    """A number with so many decimals, a true minus sign and no negative zero."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def format_p_value(p: float) -> str:
    """A p-value with three decimals, or "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
