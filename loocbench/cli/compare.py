"""``loocbench compare``: two checkpoints or features, task by task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import options as o

_NAME = "A checkpoint, or a model with all its seeds; with @FEATURES, such as my-run@head:color."


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help=_NAME)],
    second: Annotated[str, typer.Argument(metavar="B", help="The one that A is compared with, named like A.")],
    suite: o.Suite = o.DEFAULT_SUITE,
    results: o.Results = o.DEFAULT_RESULTS,
    every_metric: Annotated[
        bool, typer.Option("--every-metric", help="All metrics, instead of each task's headline.")
    ] = False,
    images: Annotated[int, typer.Option("--images", min=0, help="Number of images to name per side and task.")] = 3,
    data_dir: o.DataDir = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    pictures: Annotated[
        Path | None,
        typer.Option(
            "--pictures",
            help="Draw the images that only one side got right into this folder, one contact sheet per task.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
    as_json: o.Json = False,
) -> None:
    """Compare two checkpoints or features by task: differences with intervals, and images on which they disagree."""
    import json

    from loocbench.cli.console import Display, print_text, stdout
    from loocbench.errors import UserError
    from loocbench.jobs import compare as job
    from loocbench.jobs.earlier_states import describe_earlier_states
    from loocbench.records import store
    from loocbench.report.formats import two_experiments
    from loocbench.report.table import comparisons

    with Display() as display:
        rows = store.read_suite(results, suite, display)
        one, other, tests = comparisons.compare_named(rows, first, second, every_metric=every_metric)
        disagreements = job.open_disagreements(tests, data_dir) if images or pictures or as_json else []
        drawn = []
        for disagreement in disagreements if pictures else ():
            try:
                drawn.append(job.draw_disagreement(disagreement, pictures or Path()))
            except UserError as error:
                display.info(str(error))
    if as_json:
        print(json.dumps(two_experiments.comparisons_to_json(one, other, tests, disagreements), ensure_ascii=False))
        return
    two_experiments.print_comparisons(one, other, tests, stdout())
    for line in describe_earlier_states([*one.rows, *other.rows], runs):
        print_text(stdout(), line)
    if images:
        two_experiments.print_disagreements(disagreements, stdout(), images=images)
    for path in drawn:
        print(f"picture: {path}")
