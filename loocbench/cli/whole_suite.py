"""A suite with models of its own, from nothing to its table: what ``run`` and ``demo`` do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loocbench.cli.console import Display, stdout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loocbench.features.inference_config import InferenceConfig
    from loocbench.jobs.suite import Stage, Suite
    from loocbench.report.table.table import Table


def run(
    suite: Suite, *, device: str, inference: InferenceConfig, overwrite: bool
) -> tuple[Table, list[Path], list[Path]]:
    """Pretrain, measure, write the table, then draw. Returns the table, its files, and the pictures."""
    from loocbench.jobs import report as reporting
    from loocbench.records import store
    from loocbench.report.table.table import build_table

    name, results = suite.card.suite, suite.places.results
    with Display() as display:
        pictured = suite.run(device=device, inference=inference, overwrite=overwrite, reporter=display)
        rows = store.read_suite(results, name, display)
        built = build_table(rows)
        written = reporting.write_suite_files(built, rows, results, name, pivot=False)
        return built, written, suite.draw(pictured)


def show(built: Table, written: Sequence[Path], pictures: Sequence[Path]) -> None:
    """The table, and where it and the pictures are."""
    from loocbench.cli import report

    report.show(built, written)
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
                        "checkpoint": stage.name,
                        "method": stage.recipe.method,
                        "seed": stage.recipe.seed,
                        "features": stage.model.features,
                        "state": stage.state,
                        "rows": stage.rows,
                        "of": stage.of,
                        "blocked": stage.blocked,
                    }
                    for stage in stages
                ]
            )
        )
        return
    from rich.table import Table

    table = Table()
    for heading in ("checkpoint", "seed", "features", "state", "rows"):
        table.add_column(heading, justify="right" if heading in ("seed", "rows") else "left", overflow="fold")
    for stage in stages:
        rows = f"{stage.rows} of {stage.of}" + (", blocked" if stage.blocked else "")
        table.add_row(stage.name, str(stage.recipe.seed), ", ".join(stage.model.features), stage.state, rows)
    stdout().print(table)
    for stage in stages:
        if stage.blocked:
            stdout().print(f"blocked: {stage.blocked}", highlight=False, soft_wrap=True, markup=False)
