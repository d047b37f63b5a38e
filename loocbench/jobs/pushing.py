"""Pushing a checkpoint to a hub, with a page that holds its measured figures."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from loocbench.cards import restoring
from loocbench.checkpoints import card_file, hub, locate, native
from loocbench.errors import unknown
from loocbench.exports import model_card, model_index, model_page
from loocbench.features.encoder import Encoder
from loocbench.progress import Reporter
from loocbench.records import store
from loocbench.types import CheckpointCard, Row
from loocbench.wording import count_of


def push_checkpoint(
    reference: str,
    repository: str,
    runs: Path,
    results: Path,
    suites: Sequence[str],
    reporter: Reporter,
    *,
    private: bool,
    seed: int,
    figures: bool = True,
) -> str:
    """Upload a checkpoint, with a page made from its card and its measured rows. Returns the commit. Raises UserError.

    suites: of rows in ``results``; () for all. A page that somebody else wrote or edited is kept but for the figures;
    without ``figures`` it is kept as a whole, and a page of loocbench's has none.
    """
    checkpoint = locate.load(reference, runs=runs, seed=seed)
    rows = find_measured(checkpoint.card, results, suites, reporter) if figures else []
    cards = restoring.load_tasks_of_rows(rows)
    index = model_index.make_model_index(checkpoint.card.name, rows, cards)
    fresh = model_card.render_model_card(Encoder.from_checkpoint(checkpoint), repository)

    def make_page(existing: str | None) -> str:
        return model_page.update_page(existing, fresh, index, figures=figures)

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        native.save(folder / card_file.FILE, checkpoint.card, checkpoint.weights)
        message = f"{checkpoint.card.name}, by loocbench"
        commit = hub.push(repository, folder, private=private, message=message, make_page=make_page)
    if figures:
        reporter.info(f"figures of {count_of(len(rows), 'row')} of {results} written into the page")
    return commit


def find_measured(card: CheckpointCard, results: Path, suites: Sequence[str], reporter: Reporter) -> list[Row]:
    """Return the rows of the very weights and preprocessing of ``card``, each measurement once, sorted by task.

    Of a task the newest measured version; of one measurement in several suites the newest. suites: () for all. Files
    that cannot be read as rows are reported. Raises UserError for a suite that has no rows.
    """
    known = store.list_suites(results)
    for name in suites:
        if name not in known:
            raise unknown(f"suite of {results}", name, known)
    newest: dict[tuple[str, str, int, str, str], Row] = {}
    for suite in suites or known:
        for found in store.read_rows(results, suite):
            if not isinstance(found, Row):
                reporter.info(f"skipped {found.path}: {found.reason}")
            elif _is_of(found, card):
                key = found.task, found.features, found.seed, found.dataset_note, found.edition
                if key not in newest or _age(newest[key]) < _age(found):
                    newest[key] = found
    versions: dict[str, int] = {}
    for row in newest.values():
        versions[row.task] = max(row.task_version, versions.get(row.task, 0))
    return [row for _, row in sorted(newest.items()) if row.task_version == versions[row.task]]


def _is_of(row: Row, card: CheckpointCard) -> bool:
    """Whether a row is of these weights, given images as the card states; older rows do not record how."""
    if row.checkpoint_hash != card.weights:
        return False
    return row.measured_with is None or row.measured_with.preprocessing == card.preprocessing


def _age(row: Row) -> tuple[int, str]:
    return row.task_version, row.created
