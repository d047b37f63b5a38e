"""Editions: the text by which rows and cards know the pixels of a data set.

A data set of files has ``content:<SHA-256> sizes:<SHA-256>``: over each file's path and bytes, and over its path and
size. Older rows and cards have the second digest alone. A rendered data set names its renderer's version. The editions
of two data sets stand in one text, joined by "; ".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

_SEPARATOR = "; "
_OF_FILES = re.compile(r"(content:[0-9a-f]{64}) sizes:([0-9a-f]{64})")


def format_edition(content: str, sizes: str) -> str:
    """Return the edition of a data set of files from its two SHA-256, hexadecimal."""
    return f"content:{content} sizes:{sizes}"


def join_editions(editions: Iterable[str]) -> str:
    """Return the edition of several data sets together."""
    return _SEPARATOR.join(editions)


def split_editions(edition: str) -> list[str]:
    """Return the edition of each data set of :func:`join_editions`."""
    return edition.split(_SEPARATOR)


def is_same_edition(first: str, second: str) -> bool:
    """Whether two editions are of the same pixels: content decides where both know it, otherwise names and sizes do."""
    one, other = _split(first), _split(second)
    if len(one) != len(other):
        return False
    return all(
        a_content == b_content if a_content and b_content else a_sizes == b_sizes
        for (a_content, a_sizes), (b_content, b_sizes) in zip(one, other, strict=True)
    )


def unify_editions(editions: Iterable[str]) -> dict[str, str]:
    """Return each edition's canonical text: equal where they are of the same pixels as far as they tell.

    One that knows names and sizes alone stands for the only known content with these; where there are several, or none,
    for itself.
    """
    every = set(editions)
    by_sizes: dict[str, set[str]] = defaultdict(set)
    for edition in every:
        if content := _content_of(edition):
            by_sizes[_sizes_of(edition)].add(content)
    canonical = {}
    for edition in every:
        contents = by_sizes.get(_sizes_of(edition), set())
        only = next(iter(contents)) if len(contents) == 1 else edition
        canonical[edition] = _content_of(edition) or only
    return canonical


def _split(edition: str) -> list[tuple[str, str]]:
    """(content, sizes) of each data set; content is empty where it is not known."""
    matches = [(part, _OF_FILES.fullmatch(part)) for part in split_editions(edition)]
    return [(match[1], match[2]) if match else ("", part) for part, match in matches]


def _content_of(edition: str) -> str:
    """The edition without sizes; empty where no part knows its content."""
    parts = _split(edition)
    return _SEPARATOR.join(content or sizes for content, sizes in parts) if any(content for content, _ in parts) else ""


def _sizes_of(edition: str) -> str:
    return _SEPARATOR.join(sizes for _, sizes in _split(edition))
