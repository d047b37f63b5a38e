"""``loocbench run``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import options as o

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loocbench.jobs.plan import Job


def run(
    suite: Annotated[str, typer.Argument(help="A suite card, such as small, paper or photographs.")],
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--checkpoint",
            help="As for probe (repeatable); default the suite's own models, pretrained first, else the newest run.",
            rich_help_panel=o.MODEL,
        ),
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option("--features", help="As for probe (repeatable); default each one's own.", rich_help_panel=o.MODEL),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what there is to do.")] = False,
    data_dir: o.DataDir = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    device: o.Device = "auto",
    precision: o.Precision = "float32",
    compiled: o.Compile = False,
    seed: o.Seed = 0,
    results: o.Results = o.DEFAULT_RESULTS,
    cache: o.Cache = None,
    overwrite: o.Overwrite = False,
    json: o.Json = False,
) -> None:
    """Run a suite: pretrain the models it names and measure them, or measure checkpoints that exist.

    What is stored is kept. Of checkpoints that exist a failed task does not stop the others.
    """
    from loocbench.cards import suites
    from loocbench.checkpoints import locate
    from loocbench.cli import whole_suite
    from loocbench.cli.console import Display
    from loocbench.cli.measuring import device_name
    from loocbench.data import prepared
    from loocbench.errors import UserError
    from loocbench.features import inference_config
    from loocbench.jobs import plan
    from loocbench.jobs.suite import Places, Suite

    how = inference_config.from_options(precision, compiled, device_name(device))
    card = suites.load(suite)
    places = Places(data_dir, runs, results, cache or prepared.cache_dir())
    if card.models and not checkpoint:
        if features:
            raise UserError(f"suite {suite} names its models' features; --features needs a --checkpoint.")
        own = Suite.open(card, places, seed=seed)
        done = None
        if not dry_run:
            done = whole_suite.run(own, device=device_name(device), inference=how, overwrite=overwrite)
        if json or done is None:
            whole_suite.show_plan(own.plan(precision=precision), json=json)
        else:
            whole_suite.show(*done)
        return
    references = checkpoint or [str(locate.find_newest(runs))]
    jobs = plan.make(suite, card.tasks, references, features or [], places, seed=seed, precision=precision)
    if json:
        _print_json(jobs)
    else:
        _print_table(jobs)
    if dry_run:
        return
    with Display() as display:
        failed = plan.run(
            jobs,
            places,
            suite=suite,
            device=device_name(device),
            seed=seed,
            overwrite=overwrite,
            reporter=display,
            inference=how,
        )
        display.info(
            f"{len(jobs) - len(failed)} of {len(jobs)} jobs are in {results / suite}; see them side by side with"
        )
        display.info(f"loocbench report --suite {suite}")
    if failed:
        first, reason = failed[0]
        raise UserError(f"{len(failed)} of {len(jobs)} jobs could not be done, the first ({first.task}): {reason}")


def _print_json(jobs: Sequence[Job]) -> None:
    import json as encoder
    from dataclasses import asdict

    print(encoder.dumps([{**asdict(job), "row": str(job.row)} for job in jobs]))


def _print_table(jobs: Sequence[Job]) -> None:
    from rich.table import Table

    from loocbench.cli.console import stdout

    table = Table()
    for heading in ("task", "model", "features", "state", "cost, place or reason"):
        table.add_column(heading, overflow="fold")
    for job in jobs:
        table.add_row(job.task, job.model, job.features, job.state, job.note)
    stdout().print(table)
