"""Galleries of retrieval tasks: queries with their nearest neighbours, for one model or several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loocbench.data.prepared import center_square
from loocbench.errors import UserError
from loocbench.evaluators import neighbours
from loocbench.exact_float32 import exact_float32
from loocbench.jobs.measurement import Measurement
from loocbench.pretraining.labels import model_label
from loocbench.report.figures import contact_sheet, gallery
from loocbench.types import Pixels

QUERIES, FEWEST = 6, 2
NEIGHBOURS = 7
_LINES = 12  # most lines of a picture of several models: more cannot be read on a screen


@exact_float32()
def draw_neighbours(measurements: Sequence[Measurement], path: Path) -> Path:
    """Draw seeded test images with their nearest neighbours; a match agrees in all of the card's labels.

    There are ``QUERIES`` images, fewer for many models. For several models, each query has one line per
    model, one above the other. Raises UserError if the models' test images differ.
    """
    first = measurements[0]
    split = first.dataset.splits["test"]
    if any(one.dataset.splits["test"].fingerprint != split.fingerprint for one in measurements):
        raise UserError("a gallery compares models on the same test images; these are different ones.")
    wanted = min(QUERIES, max(FEWEST, _LINES // len(measurements)))
    generator = np.random.default_rng(first.seed)
    queries = np.sort(generator.choice(len(split), min(wanted, len(split)), replace=False))
    count = min(NEIGHBOURS, len(split) - 1)
    found = [
        neighbours.find_nearest(one.features("test"), count, queries.tolist()).cpu().numpy() for one in measurements
    ]
    alone = len(measurements) == 1
    rows = [
        _row(one, int(query), nearest[place], "" if alone else _name(one), with_query=number == 0)
        for place, query in enumerate(queries)
        for number, (one, nearest) in enumerate(zip(measurements, found, strict=True))
    ]
    title = f"{first.card.title} ({' and '.join(first.card.labels)})"
    gallery.draw_gallery(rows, f"{_name(first)}: {title}" if alone else title, path)
    return path


def _name(measurement: Measurement) -> str:
    return f"{model_label(measurement.encoder.card)}, {measurement.features_name}"


def _row(
    measurement: Measurement, query: int, nearest: npt.NDArray[np.int64], label: str, *, with_query: bool
) -> gallery.GalleryRow:
    split, factors = measurement.dataset.splits["test"], measurement.card.labels
    shown = np.concatenate([[query], nearest])
    matches = [split.labels[factor][shown] == split.labels[factor][query] for factor in factors]
    captions = [
        "\n".join(
            _readable(split.class_names[factor][split.labels[factor][row]], position > 0 and bool(match[position]))
            for factor, match in zip(factors, matches, strict=True)
        )
        for position, row in enumerate(shown)
    ]
    return gallery.GalleryRow(
        read_photographs(measurement, shown.tolist(), gallery.PIXELS),
        np.all(matches, axis=0)[1:],
        captions,
        label,
        with_query,
    )


def read_photographs(measurement: Measurement, rows: Sequence[int], side: int) -> list[Pixels]:
    """Return what the network sees of some test images, from the photographs: uint8 [S, S, 3], S at least ``side``.

    So they are not as coarse as the input of a network for small images.
    """
    size, resize = measurement.encoder.preprocessing.image_size, measurement.encoder.preprocessing.resize
    wanted = max(side, size)
    items = measurement.items("test")
    images = measurement.dataset.read([items[row] for row in rows], -(-wanted * resize // size))
    return [center_square(image, wanted) for image in images]


def _readable(name: str, matches: bool) -> str:
    """Return a class name such as "001.Black_footed_Albatross" as a caption, with a tick if it matches."""
    return f"{'✓ ' if matches else ''}{contact_sheet.plain_name(name)}"
