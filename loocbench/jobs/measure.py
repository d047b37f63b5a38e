"""Measure one checkpoint on one task: features -> evaluator -> row."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from loocbench import provenance
from loocbench.cards.tasks import TaskCard
from loocbench.data import prepared
from loocbench.evaluators import color_descriptor, linear, retrieval, statistics
from loocbench.features import extraction
from loocbench.features.encoder import Encoder
from loocbench.jobs.watching import Watcher
from loocbench.types import Dataset, Metric, Outcome, Row, Split

TURNS = (0, 1, 2, 3)
TOP_5 = 5


@dataclass
class Setting:
    """What a task is measured on. ``spaces`` are the parts that the named features concatenate."""

    card: TaskCard
    encoder: Encoder
    dataset: Dataset
    features: str
    seed: int
    cache: Path
    watcher: Watcher
    extract_seconds: float = 0.0

    def matrix(self, split: str, turns: int = 0) -> Tensor:
        """Features [N, D] of a split, float32, on the encoder's device."""
        begin = time.perf_counter()
        every = extraction.extract(
            self.encoder,
            self.dataset,
            self.dataset.splits[split],
            turns=turns,
            cache=self.cache,
            on_progress=lambda stage, done, total: self.watcher.advance(
                f"{stage} {split}{f' turned {90 * turns}°' if turns else ''}", done, total
            ),
        )
        joined = torch.from_numpy(extraction.concatenate(every, self.encoder.parse(self.features)))
        self.extract_seconds += time.perf_counter() - begin
        return joined.to(self.encoder.device)

    def labels(self, split: str, factor: str) -> Tensor:
        """Labels int64 [N] of a split."""
        return torch.from_numpy(self.dataset.splits[split].labels[factor]).to(self.encoder.device)


def measure(setting: Setting) -> Row:
    """Run the card's evaluator and return the row. Raises UserError for features that are not offered."""
    setting.encoder.parse(setting.features)
    card, encoder, dataset = setting.card, setting.encoder, setting.dataset
    begin = time.perf_counter()
    outcome = EVALUATORS[card.evaluator](setting)
    total = time.perf_counter() - begin
    recipe = encoder.card.recipe
    return Row(
        task=card.task,
        task_version=card.version,
        dataset=dataset.name,
        dataset_note=dataset.note,
        fingerprints={name: split.fingerprint for name, split in dataset.splits.items()},
        features=setting.features,
        checkpoint=encoder.card.name,
        checkpoint_hash=encoder.card.weights,
        model=encoder.card.label,
        pretrained_on=encoder.card.dataset,
        epochs=encoder.card.epochs_done,
        recipe=recipe,
        seed=setting.seed,
        metrics=dict(outcome.metrics),
        chosen=dict(outcome.chosen),
        curve=[dict(point) for point in outcome.curve],
        certificate=outcome.certificate,
        seconds={
            "features": round(setting.extract_seconds, 3),
            "evaluator": round(total - setting.extract_seconds, 3),
        },
        versions=provenance.versions(),
        hardware=provenance.hardware(str(encoder.device)),
        created=provenance.now(),
    )


def _linear(setting: Setting) -> Outcome:
    (factor,) = setting.card.labels
    train, val, test = (
        linear.Labelled(setting.matrix(split), setting.labels(split, factor)) for split in ("train", "val", "test")
    )
    setting.watcher.say(f"fitting the probe: {len(train.labels):,} x {train.features.shape[1]:,} features")
    probe = linear.probe(train, val, test, setting.card.protocol.lambdas, setting.card.protocol.tolerance)
    metrics = {"top1": statistics.share(linear.correct(probe.scores, test.labels, 1))}
    if probe.scores.shape[1] > TOP_5:
        metrics["top5"] = statistics.share(linear.correct(probe.scores, test.labels, TOP_5))
    return Outcome(metrics, {"lambda": probe.strength}, probe.curve, probe.certificate)


def _rotation(setting: Setting) -> Outcome:
    """Which of four quarter turns a square crop was given. All four turns of an image are on the same side of a split."""

    def turned(split: str) -> linear.Labelled:
        features = [setting.matrix(split, turns) for turns in TURNS]
        labels = [torch.full((len(part),), turns) for part, turns in zip(features, TURNS, strict=True)]
        return linear.Labelled(torch.cat(features), torch.cat(labels).to(features[0].device))

    train, val, test = turned("train"), turned("val"), turned("test")
    setting.watcher.say(f"fitting the probe: {len(train.labels):,} x {train.features.shape[1]:,} features")
    probe = linear.probe(train, val, test, setting.card.protocol.lambdas, setting.card.protocol.tolerance)
    right = linear.correct(probe.scores, test.labels, 1)
    # The four turns of an image are not independent: the interval is over images.
    by_image = right.reshape(len(TURNS), -1).mean(axis=0)
    metrics = {"top1": statistics.mean(by_image, seed=setting.seed)}
    return Outcome(metrics, {"lambda": probe.strength}, probe.curve, probe.certificate)


def _retrieval(setting: Setting) -> Outcome:
    split = setting.dataset.splits["test"]
    order = retrieval.rank(setting.matrix("test"))
    metrics: dict[str, Metric] = {}
    for factor in setting.card.labels:
        labels = split.labels[factor]
        matches = labels[order] == labels[:, None]
        metrics[f"{factor}_recall1"] = statistics.share(retrieval.recall_at_1(matches))
        answerable = matches.any(axis=1)  # an image that is alone in its class has no average precision
        precision = retrieval.average_precision(matches[answerable])
        metrics[f"{factor}_map"] = statistics.mean(precision, seed=setting.seed)
    if "color" not in setting.card.labels:
        colors = color_descriptor.central_color(crops(setting, split, range(len(split))))
        metrics["color_agreement"] = statistics.mean(retrieval.color_agreement(order, colors), seed=setting.seed)
    return Outcome(metrics)


def crops(setting: Setting, split: Split, rows: Sequence[int]) -> np.ndarray:
    """What the network sees of some images: uint8 [N, 3, S, S]."""
    preprocessing = setting.encoder.preprocessing
    images = prepared.prepare(
        setting.dataset,
        split,
        preprocessing.resize,
        cache=setting.cache,
        on_progress=lambda done, total: setting.watcher.advance(f"decode {split.name}", done, total),
    )
    pixels: np.ndarray = images.center_crops(list(rows), preprocessing.image_size).numpy()
    return pixels


EVALUATORS: dict[str, Callable[[Setting], Outcome]] = {
    "linear": _linear,
    "rotation": _rotation,
    "retrieval": _retrieval,
}
