"""Folder of the shipped cards."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def tasks_folder() -> Path:
    """Return the folder of all cards: next to this module in an installed package, ``tasks/`` in a checkout."""
    packaged = Path(str(resources.files("loocbench.cards"))) / "tasks"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "tasks"
