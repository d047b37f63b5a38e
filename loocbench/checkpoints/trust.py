"""Confirmation of user code: a card's ``python:`` function runs only after the user named it for the same weights.

Confirmations are lines of a file in the user's cache folder on this machine.
"""

from __future__ import annotations

from pathlib import Path

import platformdirs

from loocbench import files
from loocbench.errors import UserError
from loocbench.models.architectures import PYTHON
from loocbench.types import CheckpointCard


def confirm_code(card: CheckpointCard) -> None:
    """Record that the user named the function of this card."""
    if (line := _format_line(card)) and line not in _read_confirmed():
        files.write_text(_get_file(), "\n".join([*_read_confirmed(), line]) + "\n")


def require_confirmed_code(card: CheckpointCard, where: str) -> None:
    """Raise UserError if the card names a function that the user did not name when importing these weights."""
    line = _format_line(card)
    if line and line not in _read_confirmed():
        name = card.backbone.removeprefix(PYTHON)
        raise UserError(
            f"the card of {where} wants to run {name} from your Python path; if you trust it, confirm it with "
            f"'loocbench checkpoints import {where} --arch {name}'."
        )


def _format_line(card: CheckpointCard) -> str:
    return f"{card.weights} {card.backbone}" if card.backbone.startswith(PYTHON) else ""


def _read_confirmed() -> list[str]:
    try:
        return _get_file().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _get_file() -> Path:
    return Path(platformdirs.user_cache_path("loocbench")) / "confirmed-code.txt"
