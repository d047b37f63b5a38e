"""How long jobs are expected to take: from what runs and rows that are there say, measured on this or like machines."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loocbench.checkpoints import card_file
from loocbench.errors import UserError
from loocbench.jobs.suite_plan import PlannedRow
from loocbench.records import store
from loocbench.runs.folder import RunFolder
from loocbench.types import Recipe, Row

_MOST_FILES = 300  # runs, and rows, that are looked at: the newest

TrainKey = tuple[object, ...]


@dataclass
class Rates:
    """What was measured before. images_per_second: of pretraining, by what sets its speed; seconds: of a row's
    measurement, by task, network and size of image. count_images: of a data set's training split."""

    count_images: Callable[[str], int] = lambda dataset: 0
    images_per_second: dict[TrainKey, float] = field(default_factory=dict)
    seconds: dict[TrainKey, float] = field(default_factory=dict)

    def pretraining(self, recipe: Recipe, dataset: str) -> float | None:
        """Return the minutes of a pretraining; None where none like it was run."""
        rate = next((self.images_per_second[key] for key in _train_keys(recipe) if key in self.images_per_second), None)
        if rate is None:
            return None
        try:
            return recipe.epochs * self.count_images(dataset) / rate / 60
        except UserError:
            return None

    def row_seconds(self, task: str, recipe: Recipe | None) -> float | None:
        """Return the seconds of measuring one row; None where nothing like it was measured."""
        return _first(self.seconds, _row_keys(task, recipe))

    def measuring(self, rows: Sequence[PlannedRow], recipe: Recipe | None) -> float | None:
        """Return the minutes of measuring rows; None where nothing like one of them was measured."""
        found = [self.row_seconds(row.task.task, recipe) for row in rows]
        known = [seconds for seconds in found if seconds is not None]
        return sum(known) / 60 if len(known) == len(found) else None


def read_rates(runs: Path, results: Path | None, count_images: Callable[[str], int]) -> Rates:
    """Return the rates of the runs and rows in these folders, the newest few hundred; of runs alone without results."""
    trained: dict[TrainKey, list[float]] = defaultdict(list)
    for path in _newest(runs.glob(f"*/{card_file.FILE}")):
        try:
            recipe = card_file.read_card(path).recipe
        except UserError:
            continue
        log = [entry.get("images_per_second") for entry in RunFolder(path.parent).read_log()]
        if recipe and (speeds := [speed for speed in log if isinstance(speed, float) and speed > 0]):
            for key in _train_keys(recipe):
                trained[key].append(statistics.median(speeds))
    measured: dict[TrainKey, list[float]] = defaultdict(list)
    for path in _newest(results.glob("*/*/*.json")) if results else ():
        row = store.read_row(path)
        if isinstance(row, Row):
            for key in _row_keys(row.task, row.recipe):
                measured[key].append(sum(row.seconds.values()))
    return Rates(
        count_images,
        {key: statistics.median(values) for key, values in trained.items()},
        {key: statistics.median(values) for key, values in measured.items()},
    )


def _train_keys(recipe: Recipe) -> Iterable[TrainKey]:
    """What sets a recipe's speed, the most exact first."""
    size = recipe.backbone, recipe.image_size, recipe.precision
    yield (*size, recipe.method, len(recipe.left_out), len(recipe.augmentations), recipe.batch_size)
    yield (*size, recipe.method, len(recipe.left_out))
    yield (*size, recipe.method)


def _row_keys(task: str, recipe: Recipe | None) -> Iterable[TrainKey]:
    if recipe:
        yield task, recipe.backbone, recipe.image_size
    yield (task,)


def _first(table: dict[TrainKey, float], keys: Iterable[TrainKey]) -> float | None:
    return next((table[key] for key in keys if key in table), None)


def _newest(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)[:_MOST_FILES]
