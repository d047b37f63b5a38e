"""What a suite's rows are shown as: the table in its formats, what each model kept, and galleries of neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loocbench.jobs import gallery, report
from loocbench.jobs.earlier_states import note_earlier_states
from loocbench.jobs.measurement import Measurement
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.jobs.suite_plan import PlannedModel
from loocbench.jobs.suite_work import find_checkpoint, open_row
from loocbench.records import store
from loocbench.report.figures import suite_figures
from loocbench.report.table.table import Table, TableOptions, build_table


@dataclass(frozen=True)
class SuiteSummary:
    """The headline table of a suite, the files that the whole table was written to, and the pictures: of what each
    model kept, and of neighbours."""

    table: Table
    files: list[Path]
    pictures: list[Path]


def summarise_suite(
    models: Sequence[PlannedModel], session: Session, settings: EvaluationSettings
) -> SuiteSummary | None:
    """Write the table of a suite's rows, draw what each model kept, and galleries of pictured models; None without a
    row."""
    if not any(store.read_rows(settings.results, settings.suite)):
        return None
    rows = store.read_suite(settings.results, settings.suite, session.reporter)
    built = note_earlier_states(build_table(rows), rows, TableOptions(), settings.runs)
    written = report.write_suite_files(built, rows, settings.results / settings.suite, settings.suite, pivot=False)
    pictures = []
    if drawing := suite_figures.draw_profiles_of(built, rows):
        pictures = [settings.results / settings.suite / f"{suite_figures.PROFILE}.png"]
        drawing(pictures)
    pictures += [
        gallery.draw_neighbours(measurements, store.gallery_path(settings.results, settings.suite, task, settings.seed))
        for task, measurements in open_pictured(models, session, settings).items()
    ]
    options = TableOptions(headline=True)
    shown = note_earlier_states(build_table(rows, options), rows, options, settings.runs)
    return SuiteSummary(shown, written, pictures)


def open_pictured(
    models: Sequence[PlannedModel], session: Session, settings: EvaluationSettings
) -> dict[str, list[Measurement]]:
    """Return the opened tasks to draw galleries of, by task: those of pictured models that are measured."""
    found: dict[str, list[Measurement]] = {}
    for model in models:
        rows = [
            row
            for row in model.rows
            if row.state == "kept" and row.task.task_kind.draws_gallery and row.features == model.features[0]
        ]
        if not (model.pictured and rows):
            continue
        checkpoint = find_checkpoint(model, session, settings)
        for row in rows:
            found.setdefault(row.task.task, []).append(open_row(row, checkpoint, session))
    return found
