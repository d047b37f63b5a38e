"""``loocbench bench``: throughput of feature extraction on this machine."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import options as o

if TYPE_CHECKING:
    from loocbench.jobs.bench import BenchResult


def bench(
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            help="As for probe; default synthetic photographs of 500 by 375 pixels.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    images: Annotated[
        int, typer.Option("--images", min=2, help="Number of images to measure on.", rich_help_panel=o.DATA)
    ] = 128,
    checkpoint: o.Checkpoint = "random:resnet50",
    data_dir: o.DataDir = None,
    runs: o.Runs = o.DEFAULT_RUNS,
    device: o.Device = "auto",
    precision: o.Precision = "float32",
    compiled: o.Compile = False,
    cache: o.Cache = None,
    as_json: o.Json = False,
) -> None:
    """Measure images per second from image file to stored features, by stage; name the bottleneck and its remedy."""
    import json
    from dataclasses import asdict

    from loocbench import provenance
    from loocbench.cache import layout
    from loocbench.checkpoints import locate
    from loocbench.cli.console import Display
    from loocbench.data import catalog
    from loocbench.devices import resolve_device
    from loocbench.features import inference_config
    from loocbench.features.encoder import Encoder
    from loocbench.jobs import bench as job
    from loocbench.jobs import bench_stages
    from loocbench.pretraining.labels import model_label

    on = resolve_device(device)
    with Display() as display, ExitStack() as stack:
        config = inference_config.from_options(precision, compiled, on)
        found = locate.load(checkpoint or "random:resnet50", runs=runs)
        encoder = Encoder.from_checkpoint(found, device=on, inference=config)
        if dataset is None:
            source = stack.enter_context(bench_stages.temporary_photographs(images))
        else:
            source = catalog.open_dataset(dataset, data_dir)
        display.info(f"{model_label(encoder.card)}, {encoder.card.backbone}: {source.name}, {provenance.hardware(on)}")
        split = "test" if "test" in source.splits else next(iter(source.splits))
        result = job.measure_speed(encoder, source, split, images, cache=cache or layout.cache_dir(), reporter=display)
    if as_json:
        machine = {"hardware": provenance.hardware(on), "versions": provenance.versions(), "device": on}
        print(json.dumps({**asdict(result), **machine}))
    else:
        _print_result(result)


def _print_result(result: BenchResult) -> None:
    from rich.table import Table

    from loocbench.cli.console import stdout

    table = Table()
    for heading in ("stage", "images/s", "share of a first extraction"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for stage in result.stages:
        table.add_row(
            stage.name, f"{stage.images_per_second:,.1f}", f"{stage.share * 100:.0f} %" if stage.share else "–"
        )
    console = stdout()
    console.print(table)
    for line in (
        f"first extraction {result.cold:,.1f} images/s, with decoded images {result.warm:,.1f} images/s",
        f"{result.images} images, batches of {result.batch_size}, {result.numerics}",
        result.remedy[0].upper() + result.remedy[1:],
    ):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    if result.load > 1:
        console.print(
            f"The machine was busy (load {result.load:.1f}): these rates may be too low; repeat when it is idle.",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
