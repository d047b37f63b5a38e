"""``loocbench extract``: features of a data set, into the cache."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import options as o

if TYPE_CHECKING:
    from loocbench.jobs.extract import ExtractedSplit


def extract(
    dataset: o.DatasetName = "blooms",
    split: Annotated[
        list[str] | None,
        typer.Option("--split", help="A split (repeatable); default all.", rich_help_panel=o.DATA),
    ] = None,
    checkpoint: o.Checkpoint = None,
    data_dir: o.DataDir = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    device: o.Device = "auto",
    precision: o.Precision = "float32",
    compiled: o.Compile = False,
    seed: o.Seed = 0,
    cache: o.Cache = None,
    skip_damaged: o.SkipDamaged = False,
    limit: o.Limit = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="Also write names, labels, split and every space to a file of your own: .npz, .parquet or "
            ".safetensors.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of --output.", rich_help_panel=o.OUTPUT)
    ] = False,
    dry_run: o.DryRun = False,
    as_json: o.Json = False,
) -> None:
    """Extract features into the cache, where every other command finds them.

    torchrun --nproc-per-node 2 -m loocbench extract ...  shares the images between processes.
    """
    import json

    from loocbench import ranks
    from loocbench.cache import layout
    from loocbench.checkpoints import listing, locate
    from loocbench.cli.console import Display, stdout
    from loocbench.cli.show_rows import print_estimate
    from loocbench.data.opening import open_dataset
    from loocbench.devices import resolve_device
    from loocbench.errors import SharedError
    from loocbench.exports import feature_files
    from loocbench.features import inference_config
    from loocbench.features.encoder import Encoder
    from loocbench.jobs import extract as job
    from loocbench.jobs.estimating import estimate_extraction
    from loocbench.pretraining.labels import model_label
    from loocbench.progress import Silent

    where = cache or layout.cache_dir()
    with ranks.from_torchrun(resolve_device(device)) as (processes, on), Display() as display:
        reporter = display if processes.first else Silent()
        try:
            with ranks.shared_errors():
                if output:
                    feature_files.check_output(output, force=force)
                config = inference_config.from_options(precision, compiled, on)
                images = open_dataset(
                    dataset, data_dir, skip_damaged=skip_damaged, cache=where, reporter=reporter, limit=limit or 0
                )
                found = locate.load(checkpoint or str(listing.find_newest(runs)), runs=runs, seed=seed)
                encoder = Encoder.from_checkpoint(found, device=on, inference=config)
                reporter.info(f"{model_label(encoder.card)}, checkpoint {found.where}: {images.name}")
                names = job.choose_splits(images, split or [])
            if dry_run:
                parts = [images.splits[name] for name in names]
                estimate = estimate_extraction(encoder, images, parts, where, reporter) if processes.first else None
                processes.together()
                if estimate:
                    print_estimate(f"extract {images.name}", estimate, as_json=as_json)
                return
            done = job.extract_splits(encoder, images, split or [], cache=where, reporter=reporter, ranks=processes)
            if output and processes.first:
                feature_files.write_table(output, job.tabulate(encoder, images, done), force=force)
        except SharedError as error:
            if processes.first:
                raise
            raise typer.Exit(2) from error
    if not processes.first:
        return
    if as_json:
        shown = ("split", "images", "spaces", "file", "seconds")
        splits = [{name: getattr(one, name) for name in shown} for one in done]
        print(json.dumps({"splits": splits, **({"output": str(output)} if output else {})}))
    else:
        _print_splits(done)
        if output:
            stdout().print(f"written: {output}", highlight=False, soft_wrap=True, markup=False)


def _print_splits(done: list[ExtractedSplit]) -> None:
    from rich.table import Table

    from loocbench.cli.console import stdout

    table = Table()
    for heading, side in (("split", "left"), ("images", "right"), ("spaces", "left"), ("seconds", "right")):
        table.add_column(heading, justify=side, overflow="fold")  # type: ignore[arg-type]  # both are sides
    for one in done:
        spaces = ", ".join(f"{name} {width}" for name, width in one.spaces.items())
        table.add_row(one.split, f"{one.images:,}", spaces, f"{one.seconds:.1f}")
    stdout().print(table)
    for one in done:
        stdout().print(f"{one.split}: {one.file}", highlight=False, soft_wrap=True)
