"""The gallery of a retrieval task: which queries, which neighbours, and the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from loocbench.evaluators import retrieval
from loocbench.jobs.measure import Setting, crops
from loocbench.report import gallery

QUERIES = 6
NEIGHBOURS = 7


def draw(setting: Setting, path: Path) -> Path:
    """Draw ``QUERIES`` seeded test images with their nearest neighbours; a match agrees in every label of the card."""
    split = setting.dataset.splits["test"]
    order = retrieval.rank(setting.matrix("test"))[:, :NEIGHBOURS]
    chosen = np.sort(np.random.default_rng(setting.seed).choice(len(split), min(QUERIES, len(split)), replace=False))
    rows = []
    for query in chosen:
        shown = np.concatenate([[query], order[query]])
        right = np.ones(len(shown) - 1, dtype=bool)
        for factor in setting.card.labels:
            right &= split.labels[factor][shown[1:]] == split.labels[factor][query]
        captions = [
            "\n".join(
                split.class_names[factor][split.labels[factor][row]].split(".")[-1].replace("_", " ")[:22]
                for factor in setting.card.labels
            )
            for row in shown
        ]
        rows.append(gallery.GalleryRow(crops(setting, split, shown.tolist()), right, captions))
    title = (
        f"{setting.encoder.card.label}, {setting.features}: {setting.card.title} ({' and '.join(setting.card.labels)})"
    )
    gallery.draw(rows, title, path)
    return path
