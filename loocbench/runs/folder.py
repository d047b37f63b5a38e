"""The files of one pretraining run below ``runs/<name>/``.

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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError
from torch import Tensor

from loocbench import checksums, files
from loocbench.checkpoints import kept_epochs, locate, native
from loocbench.errors import UserError
from loocbench.pretraining.loop import Run
from loocbench.runs import run_options, states
from loocbench.types import CheckpointCard

BEST, LOG, CARD, NOT_FINITE = "best.safetensors", "log.jsonl", "card.json", "not-finite.json"
STATES, FINAL = "state-*.safetensors", "final.safetensors"


@dataclass
class RunFolder:
    """A run's folder. keep: how many states are kept. replaces: an older run's files are removed when the first file of
    the new run is written, and not before."""

    path: Path
    keep: int = 2
    replaces: bool = False
    _number: int = 0  # of the last checkpoint, or the least of the next one where another run was replaced

    @property
    def checkpoint(self) -> Path:
        """The checkpoint's file."""
        return self.path / native.FILE

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

    def newest_state(self) -> Path | None:
        """The newest state that is whole."""
        return next((state for state in self.states() if states.is_whole(state)), None)

    def has_run(self) -> bool:
        """Whether a run has left a checkpoint or a state here."""
        return self.checkpoint.exists() or bool(self.states())

    def save_state(self, run: Run, identity: dict[str, Any]) -> None:
        """Write the current state, then remove the oldest beyond ``keep``."""
        self._replace()
        states.save(self.path / f"state-{run.steps_done:09d}.safetensors", run, identity)
        for old in self.states()[self.keep :]:
            old.unlink()

    @property
    def final_state(self) -> Path:
        """The file of the state after the last epoch of a finished run."""
        return self.path / FINAL

    def finish(self) -> None:
        """Keep the newest state as the final one, and remove the others."""
        if last := self.newest_state():
            last.replace(self.final_state)
        self.drop_states()

    def drop_states(self) -> None:
        """Remove the states that a run is resumed from."""
        for state in self.states():
            state.unlink()

    def drop_parts(self) -> None:
        """Remove partial files of a killed process. Only for the process that holds the lock."""
        for part in self.path.glob(".*.part"):
            part.unlink(missing_ok=True)

    def _replace(self) -> None:
        """Remove an older run, if there is one to replace."""
        if not self.replaces:
            return
        self.replaces = False
        self._number = locate.next_number(self.path.parent)
        self.drop_states()
        for name in (native.FILE, BEST, CARD, LOG, NOT_FINITE, FINAL, run_options.FILE):
            (self.path / name).unlink(missing_ok=True)
        for kept in self.path.glob(kept_epochs.FILES):
            kept.unlink()

    def save_first_card(self, card: CheckpointCard) -> None:
        """Write the card of a run that has no checkpoint yet, by which it is listed."""
        files.write_text(self.path / CARD, card.model_dump_json(indent=1) + "\n")

    def read_card(self) -> CheckpointCard:
        """Return the checkpoint's card, or that of a run which has none yet. Raises UserError if neither is whole."""
        if self.checkpoint.exists():
            return native.read_card(self.checkpoint)
        try:
            return CheckpointCard.model_validate_json((self.path / CARD).read_bytes())
        except (OSError, ValidationError) as error:
            raise UserError(f"{self.path / CARD} is missing or damaged.") from error

    def save_log(self, log: list[dict[str, Any]]) -> None:
        """Write the log, each line with its checksum."""
        files.write_text(self.path / LOG, "".join(f"{json.dumps(checksums.add_checksum(line))}\n" for line in log))

    def save_checkpoint(self, card: CheckpointCard, weights: dict[str, Tensor], log: list[dict[str, Any]]) -> None:
        """Write log, card and checkpoint; Ctrl-C waits, since they belong together."""
        self._replace()
        self._number = max(self._number, locate.next_number(self.path.parent))
        card = card.model_copy(update={"number": self._number})
        with files.undisturbed():
            self.save_log(log)
            files.write_text(self.path / CARD, card.model_dump_json(indent=1) + "\n")
            native.save(self.checkpoint, card, weights)

    def save_best(self, card: CheckpointCard, weights: dict[str, Tensor]) -> None:
        """Write the best checkpoint so far."""
        native.save(self.path / BEST, card.model_copy(update={"number": self._number}), weights)

    def save_epoch(self, card: CheckpointCard, weights: Mapping[str, Tensor]) -> None:
        """Write the checkpoint of a kept epoch, under a name of its own: tables show it beside the last one."""
        named = {"name": kept_epochs.name_of(card.name, card.epochs_done), "number": self._number or card.number}
        native.save(kept_epochs.file_of(self.path, card.epochs_done), card.model_copy(update=named), weights)

    def keep_last_epoch(self, keep: Iterable[int]) -> None:
        """Keep the checkpoint as that of its epoch, if this is one of ``keep`` and is not there: a finished run's last
        epoch may be asked for when it is extended."""
        if not self.checkpoint.exists():
            return
        epoch = native.read_card(self.checkpoint).epochs_done
        if epoch in keep and not kept_epochs.file_of(self.path, epoch).exists():
            last = native.load_unconfirmed(self.checkpoint)
            self.save_epoch(last.card, last.weights)

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
