"""What probe, rotation and retrieve have in common: from options to a row, and how it is shown."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loocbench.cli.console import Display, stdout

if TYPE_CHECKING:
    from loocbench.cards.tasks import TaskCard
    from loocbench.cli.requests import Opening, Request
    from loocbench.jobs.measurement import Measurement
    from loocbench.progress import Reporter
    from loocbench.types import Dataset, Row


def device_name(device: str) -> str:
    """``auto`` as the best device here. Raises UserError for a device that is not there."""
    from loocbench.devices import resolve_device

    return resolve_device(device)


def opened(name: str, data_dir: Path | None, cache: Path, reporter: Reporter, *, skip_damaged: bool) -> Dataset:
    """The data set, without its damaged images if that was asked for."""
    from loocbench.data import catalog, damage

    dataset = catalog.open_dataset(name, data_dir)
    return damage.without_damaged(dataset, cache=cache, reporter=reporter) if skip_damaged else dataset


def _require_labels(card: TaskCard, dataset: Dataset, splits: set[str]) -> None:
    """Raise UserError unless the data set has the splits and labels that the card speaks of."""
    from loocbench.errors import UserError, unknown

    if missing := splits - dataset.splits.keys():
        raise UserError(f"{dataset.name} has no {min(missing)} split; choose another --dataset for this task.")
    offered = list(dataset.splits["test"].labels)
    for label in card.labels:
        if label not in offered:
            raise unknown(f"label of {dataset.name}", label, offered)


def run(card: TaskCard, request: Request, checkpoint: str | None, features: str | None) -> None:
    """Measure, store and show one task."""
    with measured(card, request, checkpoint, features) as (row, path, _):
        show(row, path, request)


@contextmanager
def measured(
    card: TaskCard, request: Request, checkpoint: str | None, features: str | None
) -> Iterator[tuple[Row, Path, Measurement]]:
    """The task's row, kept from before or measured now, with where it is stored."""
    from loocbench.jobs.evaluation import row_of

    with opened_measurement(card, request, checkpoint, features) as measurement:
        row, path = row_of(measurement, **request.store)
    yield row, path, measurement


@contextmanager
def opened_measurement(
    card: TaskCard, opening: Opening, checkpoint: str | None, features: str | None = None
) -> Iterator[Measurement]:
    """The task on the checkpoint (default: the newest) and the data that are meant, not measured yet."""
    from loocbench.checkpoints import locate
    from loocbench.data import prepared
    from loocbench.errors import UserError
    from loocbench.features import inference_config
    from loocbench.features.encoder import Encoder
    from loocbench.jobs.measurement import Measurement
    from loocbench.pretraining.labels import model_label

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("this command is one process; share its features with 'torchrun ... -m loocbench extract'.")
    with Display() as display:
        cache = opening.cache or prepared.cache_dir()
        reference = checkpoint or str(locate.find_newest(opening.runs))
        dataset = opened(card.dataset, opening.data_dir, cache, display, skip_damaged=opening.skip_damaged)
        _require_labels(card, dataset, {"train", "val", "test"})
        other = None
        if card.elsewhere:
            other = opened(card.elsewhere, opening.data_dir, cache, display, skip_damaged=opening.skip_damaged)
            _require_labels(card, other, {"test"})
        found = locate.load(reference, runs=opening.runs, seed=opening.seed)
        device = device_name(opening.device)
        how = inference_config.from_options(opening.precision, opening.compiled, device)
        encoder = Encoder.from_checkpoint(found, device=device, inference=how)
        name = (features or encoder.default_features).replace(" ", "")
        encoder.parse(name)
        note = f" ({dataset.note})" if dataset.note else ""
        display.info(f"{card.title}{note}: {model_label(encoder.card)}, features {name}, checkpoint {found.where}")
        recipe = encoder.card.recipe
        if recipe and encoder.card.epochs_done < recipe.epochs:
            display.info(f"This run was cut short: {encoder.card.epochs_done} of {recipe.epochs} epochs.")
        yield Measurement(card, encoder, dataset, name, opening.seed, cache, display, other)


def show(row: Row, path: Path, request: Request) -> None:
    """The row as a small table, or as one JSON object."""
    if request.json:
        print(json.dumps(_plain(row)))
        return
    from rich.table import Table

    console = stdout()
    console.print(f"{row.task} (v{row.task_version}), {row.model}, {row.features}", highlight=False, soft_wrap=True)
    table = Table()
    for heading in ("metric", "value %", "95 % interval", *row.scale, "n"):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for name, metric in row.metrics.items():
        interval = f"{metric.low * 100:.1f} – {metric.high * 100:.1f}"
        scale = (f"{values[name] * 100:.1f}" if name in values else "" for values in row.scale.values())
        table.add_row(name, f"{metric.value * 100:.1f}", interval, *scale, f"{metric.n:,}")
    console.print(table)
    for name, value in row.stated.items():
        console.print(f"{name}: {value}", highlight=False, soft_wrap=True)
    console.print(f"row: {path}", highlight=False, soft_wrap=True)


def print_rows(rows: Iterable[Row]) -> None:
    """Several rows as one JSON object."""
    print(json.dumps({"rows": [_plain(row) for row in rows]}))


def say_rows(paths: Iterable[Path]) -> None:
    """Where several rows are."""
    for path in paths:
        stdout().print(f"row: {path}", highlight=False, soft_wrap=True)


def _plain(row: Row) -> dict[str, Any]:
    """What a machine wants to know of a row."""
    return {
        "task": row.task,
        "dataset": row.dataset,
        "features": row.features,
        "checkpoint": row.checkpoint,
        "seed": row.seed,
        "metrics": {name: metric.model_dump() for name, metric in row.metrics.items()},
        "scale": row.scale,
        "stated": row.stated,
    }
