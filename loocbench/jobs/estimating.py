"""How long a command would take: from rows and runs that are there, or a measurement on a few images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from loocbench.cache import layout
from loocbench.cards.limits import parse_limit
from loocbench.features import cache_keys
from loocbench.features.encoder import Encoder
from loocbench.jobs import bench, expected_minutes
from loocbench.jobs.evaluation import measurement_path
from loocbench.jobs.measurement import Measurement
from loocbench.jobs.session import FITTED, Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.progress import Reporter
from loocbench.types import UNCHANGED, Dataset, Recipe, Split

TRIED = 64  # images that a rate is measured on


@dataclass(frozen=True)
class Estimate:
    """minutes: None where nothing is known. basis: what they were made of, in words."""

    minutes: float | None
    basis: str

    def __str__(self) -> str:
        """ "about 3.4 minutes (median of ...)"."""
        if self.minutes is None:
            return f"minutes unknown ({self.basis})"
        amount = "less than 0.1 minutes" if self.minutes < 0.1 else f"about {self.minutes:,.1f} minutes"
        return f"{amount} ({self.basis})"


def estimate_pretraining(recipe: Recipe, images: int, runs: Path) -> Estimate:
    """Return how long the pretraining of a recipe on so many images takes."""
    rates = expected_minutes.read_rates(runs, None, lambda _: images)
    minutes = rates.pretraining(recipe, "")
    if minutes is None:
        return Estimate(None, f"no run in {runs} is like it; one with --epochs 1 measures its rate")
    return Estimate(minutes, f"median rate of the runs like it in {runs}")


def estimate_task(measurement: Measurement, session: Session, settings: EvaluationSettings) -> Estimate:
    """Return how long measuring a task takes: nothing if its row is kept, else as long as rows of it took.

    Where there are none, the rate of extraction is measured on ``TRIED`` images.
    """
    path = measurement_path(measurement, settings, measurement.features_name)
    if path.exists() and not settings.overwrite:
        return Estimate(0.0, f"measured before: {path}")
    card, recipe = measurement.card, measurement.encoder.card.recipe
    rates = expected_minutes.read_rates(settings.runs, settings.results, lambda _: 0)
    seconds = rates.row_seconds(card.task, recipe)
    if seconds is not None:
        return Estimate(seconds / 60, f"median of the rows of this task in {settings.results}")
    dataset, whole = measurement.dataset, parse_limit(card.task)[0]
    seconds = rates.row_seconds(whole, recipe) if card.limit else None
    if seconds is not None:
        share = _count(dataset) / _count(session.open_dataset(card.dataset))
        basis = f"{share:.0%} of the median of the rows of {whole} in {settings.results}, as of the images"
        return Estimate(seconds * share / 60, basis)
    splits = [split for name, split in dataset.splits.items() if name in FITTED]
    estimate = estimate_extraction(measurement.reader, dataset, splits, measurement.cache, measurement.reporter)
    return Estimate(estimate.minutes, f"{estimate.basis}; the evaluation comes on top, no row says how long it takes")


def estimate_extraction(
    encoder: Encoder, dataset: Dataset, splits: list[Split], cache: Path, reporter: Reporter
) -> Estimate:
    """Return how long it takes to extract the features of splits once, those that are cached left out."""
    missing = [split for split in splits if not _is_cached(encoder, dataset, split, cache)]
    count = sum(len(split) for split in missing)
    if not count:
        return Estimate(0.0, "all features are in the cache")
    rate = bench.measure_speed(encoder, dataset, missing[0].name, TRIED, cache=cache, reporter=reporter).cold
    return Estimate(
        count / rate / 60,
        f"features of {count:,} images at {rate:,.0f} images/s, measured now on {min(TRIED, count)} of them",
    )


def _is_cached(encoder: Encoder, dataset: Dataset, split: Split, cache: Path) -> bool:
    key = cache_keys.features_key(encoder, dataset, split, UNCHANGED, None)
    return layout.entry_path(cache, "features", key).is_file()


def _count(dataset: Dataset) -> int:
    return sum(len(split) for split in dataset.splits.values())
