"""Writing the files of a pretraining run, which ``runs.folder`` lists."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from loocbench import checksums, files
from loocbench.checkpoints import card_file, kept_epochs, listing, native
from loocbench.errors import UserError
from loocbench.pretraining.loop import Run
from loocbench.runs import run_options, states
from loocbench.runs.folder import BEST, CARD, FINAL, LOG, NOT_FINITE, RunFolder
from loocbench.types import CheckpointCard


@dataclass
class RunWriter(RunFolder):
    """A run's folder, for the process that holds its lock. keep: how many states are kept. replaces: an older run's
    files are removed when the first file of the new run is written, and not before."""

    keep: int = 2
    replaces: bool = False
    _number: int = 0  # of the last checkpoint, or the least of the next one where another run was replaced

    def newest_state(self) -> Path | None:
        """The newest state that is whole."""
        return next((state for state in self.states() if states.is_whole(state)), None)

    def save_state(self, run: Run, identity: dict[str, Any]) -> None:
        """Write the current state, then remove the oldest beyond ``keep``."""
        self._replace()
        states.save(self.path / f"state-{run.steps_done:09d}.safetensors", run, identity)
        for old in self.states()[self.keep :]:
            old.unlink()

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
        """Remove partial files of a killed process."""
        for part in self.path.glob(".*.part"):
            part.unlink(missing_ok=True)

    def _replace(self) -> None:
        """Remove an older run, if there is one to replace."""
        if not self.replaces:
            return
        self.replaces = False
        self._number = listing.next_number(self.path.parent)
        self.drop_states()
        for name in (card_file.FILE, BEST, CARD, LOG, NOT_FINITE, FINAL, run_options.FILE):
            (self.path / name).unlink(missing_ok=True)
        for kept in self.path.glob(kept_epochs.FILES):
            kept.unlink()

    def save_first_card(self, card: CheckpointCard) -> None:
        """Write the card of a run that has no checkpoint yet, by which it is listed."""
        files.write_text(self.path / CARD, card.model_dump_json(indent=1) + "\n")

    def save_log(self, log: list[dict[str, Any]]) -> None:
        """Write the log, each line with its checksum."""
        files.write_text(self.path / LOG, "".join(f"{json.dumps(checksums.add_checksum(line))}\n" for line in log))

    def save_checkpoint(self, card: CheckpointCard, weights: dict[str, Tensor], log: list[dict[str, Any]]) -> None:
        """Write log, card and checkpoint; Ctrl-C waits, since they belong together."""
        self._replace()
        self._number = max(self._number, listing.next_number(self.path.parent))
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
        epoch may be asked for when it is extended. A damaged checkpoint is none."""
        with suppress(UserError):
            epoch = card_file.read_card(self.checkpoint).epochs_done
            if epoch in keep and not kept_epochs.file_of(self.path, epoch).exists():
                last = native.load_unconfirmed(self.checkpoint)
                self.save_epoch(last.card, last.weights)
