"""Checking a data set: its splits against the official ones, its labels, and every image."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from loocbench.data.damage import CHUNK
from loocbench.data.official import Official
from loocbench.errors import DamagedImageError
from loocbench.progress import Reporter
from loocbench.types import Dataset


@dataclass
class Findings:
    """The result of a check.

    images: how many were decoded. mismatches: errors of splits and labels, one line each. damaged: item -> why it
    cannot be decoded. across_splits: groups of byte-identical images in several splits. fingerprints: split ->
    "official", "differs" or "not recorded".
    """

    images: int = 0
    mismatches: list[str] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)
    across_splits: list[list[str]] = field(default_factory=list)
    fingerprints: dict[str, str] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether every image decodes and every label is in range; subsets and repeated images are allowed."""
        return not self.mismatches and not self.damaged


def verify_dataset(dataset: Dataset, official: Official | None, reporter: Reporter) -> Findings:
    """Check labels, that splits are disjoint, and fingerprints; decode every image, in parallel."""
    findings = Findings(mismatches=[dataset.note] if dataset.note.startswith("altered") else [])
    seen: dict[str, str] = {}
    copies: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, split in dataset.splits.items():
        recorded = (official.fingerprints if official else {}).get(name)
        same = "official" if recorded == split.fingerprint else "differs"
        findings.fingerprints[name] = same if recorded else "not recorded"
        for factor, labels in split.labels.items():
            count = len(split.class_names[factor])
            if len(labels) and (labels.min() < 0 or labels.max() >= count):
                findings.mismatches.append(f"{name}: a label {factor} is outside 0 .. {count - 1}")
        for item in split.items:
            if item in seen:
                findings.mismatches.append(f"{item} is in {seen[item]} and in {name}")
            seen[item] = name
        for begin in range(0, len(split), CHUNK):
            items = split.items[begin : begin + CHUNK]
            for item, found in zip(items, dataset.examine(items), strict=True):
                findings.images += 1
                if isinstance(found, DamagedImageError):
                    findings.damaged[item] = str(found)
                else:
                    copies[found].append((name, item))
            reporter.update(f"examine, {name}", begin + len(items), len(split))
    findings.mismatches += _find_unused_classes(dataset)
    findings.across_splits = [
        [f"{name}: {item}" for name, item in group] for group in copies.values() if len({name for name, _ in group}) > 1
    ]
    return findings


def _find_unused_classes(dataset: Dataset) -> list[str]:
    """A line if a class of the first label has no image in any split; other labels may have unused values."""
    factor, names = next(iter(next(iter(dataset.splits.values())).class_names.items()))
    every = np.concatenate([split.labels[factor] for split in dataset.splits.values()])
    unused = sorted(set(range(len(names))) - set(every.tolist()))
    example = f"such as {names[unused[0]]}" if unused else ""
    return [f"{len(unused):,} of {len(names):,} values of {factor} have no image, {example}"] if unused else []
