"""A suite with models of its own, from nothing to its table: what ``run`` and ``demo`` do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loocbench.cli.console import Display, stdout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loocbench.cards.suites import SuiteCard
    from loocbench.features.engine import Engine
    from loocbench.jobs.suite import Places, Stage


def run(
    card: SuiteCard, places: Places, *, device: str, engine: Engine, seed: int, overwrite: bool, silent: bool = False
) -> None:
    """Pretrain, measure, draw; then print the table, and say where it and the pictures are, unless ``silent``."""
    from loocbench.cli.report import show
    from loocbench.jobs import report as reporting
    from loocbench.jobs import suite as job
    from loocbench.report import table

    with Display() as display:
        pictures = job.run(card, places, device=device, engine=engine, seed=seed, overwrite=overwrite, watcher=display)
        rows = reporting.rows_of(places.results, card.suite, display)
        built = table.build(rows)
        written = reporting.write_usual(built, rows, places.results, card.suite, pivot=False)
    if silent:
        return
    show(built, written)
    for picture in pictures:
        print(f"picture: {picture}")


def show_plan(stages: Sequence[Stage], *, json: bool) -> None:
    """What there is to do."""
    if json:
        import json as encoder

        print(
            encoder.dumps(
                [
                    {
                        "run": stage.name,
                        "method": stage.recipe.method,
                        "seed": stage.recipe.seed,
                        "features": stage.model.features,
                        "state": stage.state,
                        "rows": stage.rows,
                        "of": stage.of,
                    }
                    for stage in stages
                ]
            )
        )
        return
    from rich.table import Table

    table = Table()
    for heading in ("run", "seed", "features", "state", "rows"):
        table.add_column(heading, justify="right" if heading in ("seed", "rows") else "left", overflow="fold")
    for stage in stages:
        rows = f"{stage.rows} of {stage.of}"
        table.add_row(stage.name, str(stage.recipe.seed), ", ".join(stage.model.features), stage.state, rows)
    stdout().print(table)
