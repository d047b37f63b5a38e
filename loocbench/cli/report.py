"""``loocbench report``: the comparison table of measured rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import options as o

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loocbench.report.table.table import Table

HEADLINED = ("terminal", "markdown", "latex")  # formats with a column for each question; HTML hides the others
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
    every: Annotated[
        bool, typer.Option("--all", help="All columns, not one for each question.", rich_help_panel=COLUMNS)
    ] = False,
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
            help="File to write, or a folder for table.md and rows.csv (every figure); default: only print.",
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

    For people it has a column for each question; --all, --task, --metric and --every-metric show more.
    It is printed; files are written only where --output and --figures say.
    """
    from loocbench import files
    from loocbench.cli.console import Display
    from loocbench.errors import UserError, unknown
    from loocbench.jobs import report as job
    from loocbench.jobs.earlier_states import note_earlier_states
    from loocbench.records import store
    from loocbench.report.formats import rendering
    from loocbench.report.table.selection import Selection
    from loocbench.report.table.table import TableOptions, build_table

    if spread not in ("interval", "sd"):
        raise unknown("spread", spread, ("interval", "sd"))
    if against and every_pair:
        raise UserError("--against tests one line against the others, --every-pair all; choose one of them.")
    folder = output if output is not None and output.is_dir() else None
    if folder and (format_ or as_json):
        raise UserError(f"{folder} is a folder, for table.md and rows.csv; with --format name a file in it.")
    chosen_format = rendering.choose_format(
        "json" if as_json and format_ is None else format_, None if folder else output
    )
    chosen = Selection(*(tuple(names or ()) for names in (model, task, dataset, features, backbone, metric)))
    if folder and chosen != Selection():
        raise UserError(f"rows.csv in {folder} would hold every row; for a part of them name a file, as table.md.")
    every_column = every or every_metric or bool(folder or task or metric)
    options = TableOptions(
        chosen,
        headline=chosen_format in HEADLINED and not every_column,
        every_metric=every_metric,
        spread=spread,  # type: ignore[arg-type]  # one of the two
        sort=sort,
        reverse=reverse,
        against=against,
        every_pair=every_pair,
    )
    with Display() as display:
        rows = store.read_suite(results, suite, display)
        table = note_earlier_states(build_table(rows, options), rows, options, runs)
        written: list[Path] = []
        text = ""
        if chosen_format == "html":
            from loocbench.jobs import html_report

            text = html_report.render_html_report(table, rows, options, results, suite, pivot=pivot, reporter=display)
        elif folder is None and (chosen_format != "terminal" or output is not None):
            text = rendering.render_table(table, chosen_format, job.report_title(suite), pivot=pivot)
        if folder is not None:
            written += job.write_suite_files(table, rows, folder, suite, pivot=pivot)
        elif output is not None:
            files.write_text(output, text)
            written.append(output)
        if figures is not None:
            from loocbench.jobs import figures as drawing

            written += drawing.draw_suite_figures(table, rows, options, figures, runs=runs, reporter=display)
    if folder is not None or (output is None and chosen_format == "terminal"):
        show(table, written, pivot=pivot)
    elif output is None:
        print(text, end="")
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
