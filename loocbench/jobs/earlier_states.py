"""Rows of runs that were extended after they were measured: what a table says of them. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from loocbench.pretraining.extensions import list_earlier
from loocbench.report.table import selection
from loocbench.report.table.table import Table, TableOptions
from loocbench.runs.folder import CARD
from loocbench.types import CheckpointCard, Row
from loocbench.wording import count_of


def note_earlier_states(table: Table, rows: Sequence[Row], options: TableOptions, runs: Path) -> Table:
    """Return a table of rows with a note for each checkpoint that was trained on after they were measured."""
    shown = selection.select_reported(rows, options.chosen)
    return replace(table, notes=(*table.notes, *describe_earlier_states(shown, runs)))


def describe_earlier_states(rows: Iterable[Row], runs: Path) -> list[str]:
    """Return a sentence for each checkpoint in ``runs`` that was extended after some of the rows were measured."""
    measured = {(row.checkpoint, row.epochs): row for row in rows if row.recipe and row.epochs is not None}
    found = []
    for (name, epochs), row in sorted(measured.items()):
        card = _read_card(runs, name)
        if card and epochs < card.epochs_done and row.recipe in list_earlier(card.recipe):
            found.append(
                f"Earlier state: the rows of {name} ({row.model}) are of {count_of(epochs, 'epoch')}; it was extended "
                f"since and has {card.epochs_done:,} now. Measure it again for those."
            )
    return found


def _read_card(runs: Path, name: str) -> CheckpointCard | None:
    """The card of a run; None where there is none, or it cannot be read."""
    if Path(name).name != name:  # names in rows of other people's stores lead to no other folder
        return None
    try:
        return CheckpointCard.model_validate_json((runs / name / CARD).read_bytes())
    except (OSError, ValidationError):
        return None
