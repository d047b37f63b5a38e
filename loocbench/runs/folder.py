"""The files of one pretraining run below ``runs/<name>/``, to read. Imports no torch.

checkpoint.safetensors    the query encoder after the last whole epoch, with its card; what every command loads
best.safetensors          the same after the epoch with the best kNN accuracy on held-out images, if it was measured
epoch-<n>.safetensors     the same after each epoch that was to be kept
card.json                 the card of checkpoint.safetensors, to read
log.jsonl                 one JSON object per epoch
run.json                  what the run was asked to do (``runs.run_options``)
state-<steps>.safetensors all that resuming needs; the newest few are kept
final.safetensors         the state after the last epoch of a finished run, which an extension of it goes on from
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from loocbench import checksums
from loocbench.checkpoints import card_file
from loocbench.errors import UserError
from loocbench.types import CheckpointCard

BEST, LOG, CARD, NOT_FINITE = "best.safetensors", "log.jsonl", "card.json", "not-finite.json"
STATES, FINAL = "state-*.safetensors", "final.safetensors"


@dataclass
class RunFolder:
    """A run's folder, to read."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        """The checkpoint's file."""
        return self.path / card_file.FILE

    @property
    def lock(self) -> FileLock:
        """Held by the process that writes the run; beside the folder, which may not exist yet."""
        return FileLock(self.path.parent / f".{self.path.name}.lock", timeout=0)

    def locked(self) -> bool:
        """Whether a process is writing the run now."""
        try:
            with self.lock:
                return False
        except Timeout:
            return True
        except OSError:  # a folder that may only be read
            return False

    def states(self) -> list[Path]:
        """States, the newest first."""
        return sorted(self.path.glob(STATES), reverse=True)

    def has_run(self) -> bool:
        """Whether a run has left a checkpoint or a state here."""
        return self.checkpoint.exists() or bool(self.states())

    @property
    def final_state(self) -> Path:
        """The file of the state after the last epoch of a finished run."""
        return self.path / FINAL

    def read_card(self) -> CheckpointCard:
        """Return the checkpoint's card, or that of a run which has none yet. Raises UserError if neither is whole."""
        if self.checkpoint.exists():
            return card_file.read_card(self.checkpoint)
        try:
            return CheckpointCard.model_validate_json((self.path / CARD).read_bytes())
        except (OSError, ValidationError) as error:
            raise UserError(f"{self.path / CARD} is missing or damaged.") from error

    def read_log(self) -> list[dict[str, Any]]:
        """The log's lines without their checksums; those that cannot be read, or were altered, are left out."""
        try:
            lines = (self.path / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            try:
                entry, unaltered = checksums.take_checksum(json.loads(line))
            except (ValueError, AttributeError):
                continue
            if unaltered is None:  # of an older version, which wrote no text, unless the checksum's name was damaged
                unaltered = not any(isinstance(value, str) for value in entry.values())
            if unaltered and isinstance(entry.get("epoch"), int):
                found.append(entry)
        return found
