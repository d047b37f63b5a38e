"""A run's log for TensorBoard: the entries of log.jsonl as scalars, one point per epoch."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loocbench.errors import UserError

_BY_SPACE = ("losses", "alignment", "uniformity", "similarity")
_SINGLE = ("loss", "learning_rate", "images_per_second", "knn", "effective_rank")


class Board:
    """Writes entries of a run's log as scalars."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def add(self, entry: dict[str, Any]) -> None:
        """Write one epoch's entry of the log."""
        for name in _SINGLE:
            if name in entry:
                self._writer.add_scalar(name, entry[name], entry["epoch"])
        for name in _BY_SPACE:
            for space, value in entry.get(name, {}).items():
                self._writer.add_scalar(f"{name}/{space}", value, entry["epoch"])
        for space, by_augmentation in entry.get("variation", {}).items():
            for augmentation, value in by_augmentation.items():
                self._writer.add_scalar(f"variation/{space}/{augmentation}", value, entry["epoch"])
        self._writer.flush()


@contextmanager
def open_board(folder: Path, epochs_done: int) -> Iterator[Board]:
    """Write event files below ``folder``; points after ``epochs_done`` replace those of before a resume.

    Raises UserError where the package is missing.
    """
    require_tensorboard()
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder), purge_step=epochs_done + 1)
    try:
        yield Board(writer)
    finally:
        writer.close()


def require_tensorboard() -> None:
    """Raise UserError unless TensorBoard's package is installed."""
    try:
        importlib.import_module("tensorboard")
    except ImportError as error:
        raise UserError("TensorBoard is not installed; pip install 'loocbench[tensorboard]'.") from error
