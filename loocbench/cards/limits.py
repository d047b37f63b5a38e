"""Tasks on a part of their images: card and name say how many, so that rows are never taken for whole ones."""

from __future__ import annotations

import re

from loocbench.cards.tasks import TaskCard

_ENDING = re.compile(r"(.+)-(\d+)images")


def limit_task(card: TaskCard, most: int) -> TaskCard:
    """Return the task on at most ``most`` images of each split, without published figures; 0: the task itself."""
    if not most:
        return card
    return card.model_copy(
        update={"task": f"{card.task}-{most}images", "former_task": "", "limit": most, "published": ()}
    )


def parse_limit(name: str) -> tuple[str, int]:
    """Return the whole task's name and the limit that a name states, or the name and 0."""
    match = _ENDING.fullmatch(name)
    return (match[1], int(match[2])) if match and int(match[2]) else (name, 0)
