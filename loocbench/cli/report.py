"""``loocbench report``: the comparison table of measured rows."""

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
    """Return a repeatable option of name patterns."""
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
        bool,
        typer.Option("--every-metric", help="All metrics, instead of each task's headline.", rich_help_panel=COLUMNS),
    ] = False,
    pivot: Annotated[
        bool, typer.Option("--pivot", help="Tasks as rows, models as columns.", rich_help_panel=COLUMNS)
    ] = False,
    sort: Annotated[
        str,
        typer.Option(
            "--sort",
            help="model (the order of the paper's tables), or TASK or TASK:METRIC, best first.",
            rich_help_panel=COLUMNS,
        ),
    ] = "model",
    reverse: Annotated[bool, typer.Option("--reverse", help="Reverse the order.", rich_help_panel=COLUMNS)] = False,
    spread: Annotated[
        str,
        typer.Option(
            "--spread",
            help="Meaning of ±: interval (half the 95 % interval) or sd (over pretraining seeds).",
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
            help="File to write; default: standard output (HTML: RESULTS/SUITE/report.html).",
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
    as_json: o.Json = False,
) -> None:
    """Comparison table of the measured rows, for the terminal, a paper, a web page or another program.

    Without --format, --output and filters it is printed, and written as table.md beside rows.csv with every figure.
    """
    from loocbench.cli.console import Display
    from loocbench.errors import UserError, unknown
    from loocbench.jobs import report as job
    from loocbench.records import store
    from loocbench.report.formats import rendering
    from loocbench.report.table.selection import Selection
    from loocbench.report.table.table import TableOptions, build_table

    if spread not in ("interval", "sd"):
        raise unknown("spread", spread, ("interval", "sd"))
    if against and every_pair:
        raise UserError("--against tests one line against the others, --every-pair all; choose one of them.")
    chosen_format = rendering.choose_format("json" if as_json and format_ is None else format_, output)
    chosen = Selection(*(tuple(names or ()) for names in (model, task, dataset, features, backbone, metric)))
    options = TableOptions(
        chosen,
        every_metric=every_metric,
        spread=spread,  # type: ignore[arg-type]  # one of the two
        sort=sort,
        reverse=reverse,
        against=against,
        every_pair=every_pair,
    )
    with Display() as display:
        rows = store.read_suite(results, suite, display)
        table = build_table(rows, options)
        written: list[Path] = []
        if chosen_format == "html":
            from loocbench.jobs import html_report

            page = output or results / suite / "report.html"
            written.append(
                html_report.write_html_report(table, rows, options, results, suite, page, pivot=pivot, reporter=display)
            )
        elif output is not None:
            written.append(job.write_table(table, chosen_format, suite, output, pivot=pivot))
        elif chosen_format == "terminal" and chosen == Selection():  # a filtered table would replace the whole one
            try:
                written += job.write_suite_files(table, rows, results, suite, pivot=pivot)
            except UserError as error:  # a read-only store can still be shown
                display.info(f"printed only: {error}")
        if figures is not None:
            from loocbench.jobs import figures as drawing

            written += drawing.draw_suite_figures(table, rows, options, figures, runs=runs, reporter=display)
    if output is None and chosen_format == "terminal":
        show(table, written, pivot=pivot)
    elif output is None and chosen_format != "html":
        print(rendering.render_table(table, chosen_format, job.report_title(suite), pivot=pivot), end="")
    else:
        _print_written(written)


def show(table: Table, written: Sequence[Path], *, pivot: bool = False) -> None:
    """Print a table on the terminal, and the paths of the written files."""
    from loocbench.cli.console import stdout
    from loocbench.report.formats import terminal

    terminal.print_table(table, stdout(), pivot=pivot)
    _print_written(written)


def _print_written(written: Sequence[Path]) -> None:
    from loocbench.cli.console import stdout

    for path in written:
        stdout().print(f"written: {path}", highlight=False, soft_wrap=True, markup=False)
