"""Words for numbers in messages and tables, and the room that words take."""

from __future__ import annotations

from collections.abc import Iterable


def count_of(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: "1 epoch", "1,200 images". plural: if it does not end in s alone."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def longest_word(texts: Iterable[str]) -> int:
    """Return the length of the longest word of some texts: how narrow a column can be without breaking one."""
    return max((len(word) for text in texts for word in text.split()), default=0)
