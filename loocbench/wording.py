"""Words for numbers in messages and tables."""

from __future__ import annotations


def count_of(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: "1 epoch", "1,200 images". plural: if it does not end in s alone."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
