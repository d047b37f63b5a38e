"""Code that a card names runs only after its user has named it too, on this machine, for these very weights."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from loocbench import files
from loocbench.errors import UserError
from loocbench.models.architectures import PYTHON
from loocbench.types import CheckpointCard


def confirm(card: CheckpointCard) -> None:
    """Remember that the user named the function of this card."""
    if (line := _line(card)) and line not in _confirmed():
        files.write_text(_file(), "\n".join([*_confirmed(), line]) + "\n")


def require(card: CheckpointCard, where: str) -> None:
    """Raise UserError if the card wants a function that the user did not name when these weights were imported."""
    line = _line(card)
    if line and line not in _confirmed():
        name = card.backbone.removeprefix(PYTHON)
        raise UserError(
            f"the card of {where} wants to run {name} of your Python path; if you trust that, confirm it with "
            f"'loocbench checkpoints import {where} --arch {name}'."
        )


def _line(card: CheckpointCard) -> str:
    return f"{card.weights} {card.backbone}" if card.backbone.startswith(PYTHON) else ""


def _confirmed() -> list[str]:
    try:
        return _file().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _file() -> Path:
    return Path(platformdirs.user_cache_path("loocbench")) / "confirmed-code.txt"
