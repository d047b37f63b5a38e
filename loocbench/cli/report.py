"""``loocbench report``: the comparison table of measured rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import options as o

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loocbench.report.table.table import Table

SITE = "site"
HEADLINED = ("terminal", "markdown", "latex")  # formats with a column for each question; HTML hides the others
ROWS, COLUMNS, TESTS = "Which rows", "Which columns, and how", "Paired tests"


def _patterns(flag: str, text: str, panel: str = ROWS) -> typer.models.OptionInfo:
    """Return a repeatable option of name patterns."""
    return typer.Option(flag, help=f"{text} (repeatable; * and ? stand for any letters).", rich_help_panel=panel)


def report(
    suite: o.Suite = o.DEFAULT_SUITE,
    results: Annotated[
        list[Path] | None,
        typer.Option(
            "--results",
            help="Folder of the measured rows; several are put together as 'results merge' does (repeatable; default "
            "results).",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
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
            help="terminal, markdown, csv, latex, json, html or site (a folder of pages with each row's provenance); "
            "default by the output's ending.",
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
    data_dir: o.DataDir = None,
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
    from loocbench.records import several, store
    from loocbench.report.formats import rendering
    from loocbench.report.table.selection import Selection
    from loocbench.report.table.table import TableOptions, build_table

    if spread not in ("interval", "sd"):
        raise unknown("spread", spread, ("interval", "sd"))
    if against and every_pair:
        raise UserError("--against tests one line against the others, --every-pair all; choose one of them.")
    site = format_ == SITE
    if site:
        output = _require_site_output(output, pivot=pivot, as_json=as_json)
    folder = output if output is not None and output.is_dir() and not site else None
    if folder and (format_ or as_json):
        raise UserError(f"{folder} is a folder, for table.md and rows.csv; with --format name a file in it.")
    if format_ not in (None, SITE, *rendering.FORMATS):
        raise unknown("format", str(format_), (*rendering.FORMATS, SITE))
    chosen_format = rendering.choose_format(
        "html" if site else "json" if as_json and format_ is None else format_, None if folder else output
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
        stores = results or [o.DEFAULT_RESULTS]
        if site or len(stores) > 1:
            merged = several.merge_rows(stores, suite)
            rows = [stored.row for stored in merged.rows.values()]
            several.report_conflicts(merged, display)
        else:
            rows = store.read_suite(stores[0], suite, display)
        table = note_earlier_states(build_table(rows, options), rows, options, runs)
        written: list[Path] = []
        text = ""
        if site and output is not None:
            from loocbench.jobs import site as job_of_site

            written.append(job_of_site.write_site(table, merged, suite, output))
        elif chosen_format == "html":
            from loocbench.jobs import html_report

            text = html_report.render_html_report(
                table, rows, options, stores, suite, pivot=pivot, data_dir=data_dir, reporter=display
            )
        elif folder is None and (chosen_format != "terminal" or output is not None):
            text = rendering.render_table(table, chosen_format, job.report_title(suite), pivot=pivot)
        if folder is not None:
            written += job.write_suite_files(table, rows, folder, suite, pivot=pivot)
        elif output is not None and not site:
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


def _require_site_output(output: Path | None, *, pivot: bool, as_json: bool) -> Path:
    """Return the folder of a site. Raises UserError without one, and for options that a site cannot follow."""
    from loocbench.errors import UserError
    from loocbench.jobs.site import require_site_folder

    if output is None:
        raise UserError("a site is a folder of pages; name one with --output FOLDER.")
    if pivot or as_json:
        raise UserError(
            f"--format site has models as rows and is no JSON; leave out {'--pivot' if pivot else '--json'}."
        )
    require_site_folder(output)
    return output


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
