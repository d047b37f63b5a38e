"""``loocbench compare``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loocbench.cli import options as o

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loocbench.jobs.compare import Disagreement
    from loocbench.report.table.experiments import Experiment
    from loocbench.report.table.pairs import Comparison

_NAME = "A checkpoint, or a model with all its seeds; with @FEATURES, such as my-run@head:color."


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help=_NAME)],
    second: Annotated[str, typer.Argument(metavar="B", help="What A is compared with.")],
    suite: o.Suite = o.DEFAULT_SUITE,
    results: o.Results = o.DEFAULT_RESULTS,
    every_metric: Annotated[
        bool, typer.Option("--every-metric", help="All metrics, not only each task's own.")
    ] = False,
    images: Annotated[int, typer.Option("--images", min=0, help="How many images of each side to name a task.")] = 3,
    data_dir: o.DataDir = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            "--pictures",
            help="Draw the images that one alone got right into this folder, a sheet a task.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
    json: o.Json = False,
) -> None:
    """Two checkpoints or features task by task: differences with intervals, and the images on which they disagree."""
    from loocbench.cli.console import Display
    from loocbench.errors import UserError
    from loocbench.jobs import compare as job
    from loocbench.jobs.report import rows_of

    with Display() as display:
        rows = rows_of(results, suite, display)
        one, other, comparisons = job.compare(rows, first, second, every_metric=every_metric)
        found = job.disagreements(comparisons, data_dir) if images or pictures or json else []
        drawn = []
        for disagreement in found if pictures else ():
            try:
                drawn.append(job.draw(disagreement, pictures or Path()))
            except UserError as error:
                display.info(str(error))
    if json:
        import json as encoder

        print(encoder.dumps(_plain(one, other, comparisons, found), ensure_ascii=False))
        return
    _print(one, other, comparisons, found, images)
    for path in drawn:
        print(f"picture: {path}")


def _print(
    one: Experiment,
    other: Experiment,
    comparisons: Sequence[Comparison],
    found: Sequence[Disagreement],
    images: int,
) -> None:
    from rich.table import Table
    from rich.text import Text

    from loocbench.cli.console import stdout
    from loocbench.report.table import labels

    console = stdout()
    for mark, side in (("A", one), ("B", other)):
        said = f"{mark}: {side.name} ({side.trained_on}; {', '.join(sorted(side.checkpoints))})"
        console.print(said, highlight=False, markup=False, soft_wrap=True)
    table = Table()
    for name in ("task", "A %", "B %", "A − B, 95 %", "A / B alone", "p (Holm)", ""):
        table.add_column(name, justify="left" if name == "task" else "right", overflow="fold")
    for test in comparisons:
        values = [labels.percent(value) for value in _means(test)]
        result = test.result
        if result is None:
            table.add_row(Text(test.column.heading), *values, Text(test.reason, style="dim"), "–", "–", "")
            continue
        alone = f"{result.only_first} / {result.only_second}" if result.only_first is not None else "–"
        table.add_row(
            Text(test.column.heading),
            *values,
            f"{labels.percent(result.difference, signed=True)}\n"
            f"{labels.percent(result.low, signed=True)} to {labels.percent(result.high, signed=True)}",
            alone,
            labels.p_value(test.adjusted),
            Text(test.marker, style="bold"),
        )
    console.print(table)
    for disagreement in found if images else ():
        column = disagreement.comparison.column
        for mark, rows in (("A", disagreement.first), ("B", disagreement.second)):
            if len(rows):
                names = ", ".join(disagreement.name(row) for row in rows[:images].tolist())
                more = f" and {len(rows) - images} more" if len(rows) > images else ""
                said = f"{column.heading}: right by {mark} alone: {names}{more}"
                console.print(said, highlight=False, markup=False, soft_wrap=True)
    for reason in dict.fromkeys(one.reason for one in found if one.reason and images):
        console.print(f"Images have numbers, not names: {reason}", style="dim", highlight=False, markup=False)


def _means(test: Comparison) -> list[float]:
    """What both have in the comparison's column: means of the rows that were tested."""
    return [sum(row.metrics[test.column.metric].value for row in side) / len(side) for side in test.rows]


def _plain(
    one: Experiment, other: Experiment, comparisons: Sequence[Comparison], found: Sequence[Disagreement]
) -> dict[str, Any]:
    """For machines: figures are fractions of 1, images the whole lists."""
    from dataclasses import asdict

    images = {id(each.comparison): each for each in found}
    tasks = []
    for test in comparisons:
        first, second = _means(test)
        own = images.get(id(test))
        alone = {} if own is None else {"first": own.first.tolist(), "second": own.second.tolist()}
        named = (
            {}
            if own is None
            else {side: [own.name(row) for row in rows] for side, rows in alone.items() if own.dataset}
        )
        tasks.append(
            {
                "task": test.column.task,
                "version": test.column.version,
                "metric": test.column.metric,
                "note": test.column.note,
                "first": first,
                "second": second,
                "result": asdict(test.result) if test.result else None,
                "p_adjusted": test.adjusted if test.result else None,
                "reason": test.reason,
                "right_alone": alone,
                "names": named,
            }
        )
    sides = [
        {
            "model": side.model,
            "features": side.features,
            "trained_on": side.trained_on,
            "checkpoints": sorted(side.checkpoints),
        }
        for side in (one, other)
    ]
    return {"first": sides[0], "second": sides[1], "tasks": tasks}
