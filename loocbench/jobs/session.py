"""Opening of checkpoints, data sets and encoders for tasks, each once; everything that evaluates uses it."""

from __future__ import annotations

import os
from collections.abc import Collection
from functools import cached_property
from pathlib import Path

from loocbench.cache import layout
from loocbench.cards.tasks import TaskCard
from loocbench.checkpoints import listing, locate
from loocbench.checkpoints.native import Checkpoint
from loocbench.data import opening
from loocbench.devices import resolve_device
from loocbench.errors import UserError, unknown
from loocbench.features import inference_config
from loocbench.features.encoder import Encoder
from loocbench.jobs.measurement import Measurement
from loocbench.jobs.settings import InputSettings
from loocbench.models import spaces
from loocbench.models.preprocessing import describe_assumptions
from loocbench.progress import Reporter, Silent
from loocbench.types import Dataset

FITTED = ("train", "val", "test")  # splits of a task's data set
JUDGED = ("test",)  # splits of the other data set that a classifier is evaluated on


class Session:
    """Opens checkpoints, data sets and encoders as ``settings`` say; keeps data sets, and the last encoder."""

    def __init__(self, settings: InputSettings, reporter: Reporter | None = None) -> None:
        self.settings = settings
        self.reporter: Reporter = reporter or Silent()
        self._datasets: dict[tuple[str, int], Dataset] = {}
        self._encoder: Encoder | None = None

    @cached_property
    def cache(self) -> Path:
        """The folder for decoded images and features."""
        return self.settings.cache or layout.cache_dir()

    @cached_property
    def device(self) -> str:
        """The device's name. Raises UserError for a device that this machine lacks."""
        return resolve_device(self.settings.device)

    def open_dataset(self, name: str, limit: int = 0) -> Dataset:
        """Return a data set, without its damaged images if the settings say so. Raises UserError.

        limit: at most so many images of each split; 0: all.
        """
        if (name, limit) not in self._datasets:
            self._datasets[name, limit] = opening.open_dataset(
                name,
                self.settings.data_dir,
                skip_damaged=self.settings.skip_damaged,
                cache=self.cache,
                reporter=self.reporter,
                limit=limit,
            )
        return self._datasets[name, limit]

    def open_datasets(self, card: TaskCard) -> tuple[Dataset, Dataset | None]:
        """Return a task's data set, and its other data set if it names one.

        Raises UserError for a data set that is absent or lacks a split or label that the task needs.
        """
        dataset = self.open_dataset(card.dataset, card.limit)
        _require_splits(card, dataset, FITTED)
        if not card.elsewhere:
            return dataset, None
        other = self.open_dataset(card.elsewhere, card.limit)
        _require_splits(card, other, JUDGED)
        return dataset, other

    def count_training_images(self, name: str) -> int:
        """Return how many images a data set's training split has. Raises UserError."""
        return len(self.open_dataset(name).splits["train"].items)

    def load_checkpoint(self, reference: str | None) -> Checkpoint:
        """Return the checkpoint that ``reference`` names; default the newest run. Raises UserError."""
        runs = self.settings.runs
        return locate.load(reference or str(listing.find_newest(runs)), runs=runs, seed=self.settings.seed)

    def load_encoder(self, checkpoint: Checkpoint) -> Encoder:
        """Return the encoder of a checkpoint; the last one is kept."""
        if self._encoder is None or self._encoder.card != checkpoint.card:
            config = inference_config.from_options(self.settings.precision, self.settings.compiled, self.device)
            self._encoder = Encoder.from_checkpoint(checkpoint, device=self.device, inference=config)
            if assumed := describe_assumptions(checkpoint.card):
                self.reporter.info(f"assumed of {checkpoint.card.name}: {assumed}")
        return self._encoder

    def open_task(self, card: TaskCard, checkpoint: Checkpoint, features: str | None = None) -> Measurement:
        """Return a task opened on a checkpoint's features; default those that its method is evaluated on.

        Raises UserError for data that are absent or unfit, features that are not offered, and several processes.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise UserError(
                "this command runs in one process; extract its features with 'torchrun ... -m loocbench extract'."
            )
        dataset, other = self.open_datasets(card)
        encoder = self.load_encoder(checkpoint)
        name = spaces.canonical_feature_name(features or encoder.default_features)
        encoder.parse(name)
        return Measurement(card, encoder, dataset, name, self.settings.seed, self.cache, self.reporter, other)


def _require_splits(card: TaskCard, dataset: Dataset, splits: Collection[str]) -> None:
    """Raise UserError unless a data set has the splits and labels that a task needs."""
    if missing := set(splits) - dataset.splits.keys():
        raise UserError(f"{dataset.name} has no {min(missing)} split; choose another --dataset for this task.")
    offered = list(dataset.splits["test"].labels)
    for label in card.labels:
        if label not in offered:
            raise unknown(f"label of {dataset.name}", label, offered)
        if card.task_kind.label_use == "predicted" and len(dataset.splits["test"].class_names[label]) < 2:
            raise UserError(
                f"{dataset.name} has one {label} alone, and every model would be right; choose another --label or "
                "--dataset."
            )
