"""``loocbench report``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import options as o

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loocbench.report.table.table import Table

ROWS, COLUMNS, TESTS = "Which rows", "Which columns, and how", "Paired tests"


def _patterns(flag: str, text: str, panel: str = ROWS) -> typer.models.OptionInfo:
    """A repeatable filter."""
    return typer.Option(flag, help=f"{text} (repeatable; * and ? stand for any letters).", rich_help_panel=panel)


def report(
    suite: o.Suite = o.DEFAULT_SUITE,
    results: o.Results = o.DEFAULT_RESULTS,
    model: Annotated[list[str] | None, _patterns("--model", "Only this model or checkpoint")] = None,
    task: Annotated[list[str] | None, _patterns("--task", "Only this task")] = None,
    dataset: Annotated[list[str] | None, _patterns("--dataset", "Only this data set")] = None,
    features: Annotated[list[str] | None, _patterns("--features", "Only these features")] = None,
    backbone: Annotated[list[str] | None, _patterns("--backbone", "Only this backbone")] = None,
    metric: Annotated[list[str] | None, _patterns("--metric", "These metrics, not each task's own", COLUMNS)] = None,
    every_metric: Annotated[
        bool, typer.Option("--every-metric", help="All metrics, not only each task's own.", rich_help_panel=COLUMNS)
    ] = False,
    pivot: Annotated[
        bool, typer.Option("--pivot", help="Tasks as rows, models as columns.", rich_help_panel=COLUMNS)
    ] = False,
    sort: Annotated[
        str,
        typer.Option(
            "--sort",
            help="model (the order of the paper's tables), or TASK or TASK:METRIC, the best first.",
            rich_help_panel=COLUMNS,
        ),
    ] = "model",
    reverse: Annotated[bool, typer.Option("--reverse", help="Turn the order round.", rich_help_panel=COLUMNS)] = False,
    spread: Annotated[
        str,
        typer.Option(
            "--spread",
            help="What ± is: interval (half the 95 % interval) or sd (over pretraining seeds).",
            rich_help_panel=COLUMNS,
        ),
    ] = "interval",
    against: Annotated[
        str,
        typer.Option(
            "--against",
            help="Test every line against this one: 'MODEL, FEATURES', a model, or a checkpoint.",
            rich_help_panel=TESTS,
        ),
    ] = "",
    every_pair: Annotated[
        bool, typer.Option("--every-pair", help="Test every line against every other.", rich_help_panel=TESTS)
    ] = False,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="terminal, markdown, csv, latex, json or html; default by the output's ending.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="Where it goes; default: standard output (HTML: RESULTS/SUITE/report.html).",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            "--figures", help="Also draw the figures into this folder: SVG, PDF and PNG.", rich_help_panel=o.OUTPUT
        ),
    ] = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    json: o.Json = False,
) -> None:
    """Comparison table of the measured rows, for the terminal, a paper, a web page or a machine.

    Without --format, --output and filters it is printed, and written as table.md beside rows.csv with every figure.
    """
    from loocbench.cli.console import Display
    from loocbench.errors import UserError, unknown
    from loocbench.jobs import report as job
    from loocbench.report.table import table
    from loocbench.report.table.selection import Selection

    if spread not in ("interval", "sd"):
        raise unknown("spread", spread, ("interval", "sd"))
    if against and every_pair:
        raise UserError("--against tests one line against the others, --every-pair all; choose one of them.")
    kind = job.format_of("json" if json and format_ is None else format_, output)
    chosen = Selection(*(tuple(names or ()) for names in (model, task, dataset, features, backbone, metric)))
    options = table.Options(
        chosen,
        every_metric=every_metric,
        spread=spread,  # type: ignore[arg-type]  # one of the two
        sort=sort,
        reverse=reverse,
        against=against,
        every_pair=every_pair,
    )
    with Display() as display:
        rows = job.rows_of(results, suite, display)
        built = table.build(rows, options)
        written: list[Path] = []
        if kind == "html":
            from loocbench.jobs import html_report

            place = output or results / suite / "report.html"
            written.append(
                html_report.write(built, rows, options, results, suite, output=place, pivot=pivot, reporter=display)
            )
        elif kind == "terminal" and output is None and chosen == Selection():  # of a part there is no usual table
            try:
                written += job.write_usual(built, rows, results, suite, pivot=pivot)
            except UserError as error:  # a store that may only be read can still be shown
                display.info(f"printed only: {error}")
        elif output is not None:
            written.append(job.write_text(built, kind, suite, output=output, pivot=pivot))
        if figures is not None:
            from loocbench.jobs import figures as drawing

            written += drawing.draw(built, rows, options, figures, runs=runs, reporter=display)
    if output is None and kind not in ("terminal", "html"):
        print(job.text_of(built, kind, f"Results: {suite}", pivot=pivot), end="")
        return
    if output is None and kind == "terminal":
        show(built, written, pivot=pivot)
        return
    _say(written)


def show(table: Table, written: Sequence[Path], *, pivot: bool = False) -> None:
    """Print a table with rich, and where it was written."""
    from loocbench.cli.console import stdout
    from loocbench.report.formats import terminal

    terminal.render(table, stdout(), pivot=pivot)
    _say(written)


def _say(written: Sequence[Path]) -> None:
    from loocbench.cli.console import stdout

    for path in written:
        stdout().print(f"written: {path}", highlight=False, soft_wrap=True, markup=False)
