"""The gallery of a retrieval task: which queries, which neighbours, and the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from loocbench.evaluators import neighbours
from loocbench.jobs.measure import Measurement
from loocbench.report import gallery

QUERIES = 6
NEIGHBOURS = 7
_CAPTION = 22  # characters that fit above a picture


def draw(measurement: Measurement, path: Path) -> Path:
    """Draw ``QUERIES`` seeded test images with their nearest neighbours; a match agrees in every label of the card."""
    split = measurement.dataset.splits["test"]
    factors = measurement.card.labels
    generator = np.random.default_rng(measurement.seed)
    queries = np.sort(generator.choice(len(split), min(QUERIES, len(split)), replace=False))
    order = (
        neighbours.nearest(measurement.features("test"), min(NEIGHBOURS, len(split) - 1), queries.tolist())
        .cpu()
        .numpy()
    )
    rows = []
    for query, nearest in zip(queries, order, strict=True):
        shown = np.concatenate([[query], nearest])
        matches = [split.labels[factor][shown] == split.labels[factor][query] for factor in factors]
        captions = [
            "\n".join(
                _readable(split.class_names[factor][split.labels[factor][row]], position > 0 and bool(match[position]))
                for factor, match in zip(factors, matches, strict=True)
            )
            for position, row in enumerate(shown)
        ]
        rows.append(
            gallery.GalleryRow(measurement.crops("test", shown.tolist()), np.all(matches, axis=0)[1:], captions)
        )
    label = f"{measurement.encoder.card.label}, {measurement.features_name}"
    gallery.draw(rows, f"{label}: {measurement.card.title} ({' and '.join(factors)})", path)
    return path


def _readable(name: str, matches: bool) -> str:
    """ "001.Black_footed_Albatross" as people write it, short enough for a caption, ticked where it matches."""
    return f"{'✓ ' if matches else ''}{name.split('.', 1)[-1].replace('_', ' ')[:_CAPTION]}"
