"""Maps of a checkpoint's feature spaces, as a picture and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from loocbench import extras, files
from loocbench.data import preparing
from loocbench.data.limiting import choose_rows
from loocbench.errors import UserError, unknown
from loocbench.features import extraction
from loocbench.features.cache_keys import Rows
from loocbench.features.encoder import Encoder
from loocbench.jobs.session import Session
from loocbench.models.spaces import canonical_feature_name
from loocbench.pretraining.labels import model_label
from loocbench.report.figures.feature_map import Factor, Space, draw_maps
from loocbench.report.formats.map_page import THUMBNAIL, render_map_page
from loocbench.solvers import plane
from loocbench.types import Dataset, Pixels, Split

_BATCH = 256  # images whose crops are in memory at once


@dataclass(frozen=True)
class MapRequest:
    """What is mapped. features: names of spaces; empty for all that the checkpoint offers. by: labels that colour the
    dots; empty for all. method: see :func:`loocbench.solvers.plane.project`; "auto" for UMAP where it is installed,
    else t-SNE. limit: at most so many images, every class in proportion."""

    dataset: str
    split: str = "test"
    checkpoint: str | None = None
    features: Sequence[str] = ()
    by: Sequence[str] = ()
    method: str = "auto"
    limit: int = 1000


@dataclass(frozen=True)
class FeatureMaps:
    """The maps of some spaces of the same images."""

    title: str
    method: str
    names: Sequence[str]
    spaces: Sequence[Space]
    factors: Sequence[Factor]
    thumbnails: Pixels


def make_maps(request: MapRequest, session: Session) -> FeatureMaps:
    """Extract features and place them in two dimensions.

    Raises UserError for unknown names, for data that are absent, and where UMAP is asked for and not installed.
    """
    method = plane.default_method() if request.method == "auto" else request.method
    if method not in plane.METHODS:
        raise unknown("method of a map", method, ["auto", *plane.METHODS])
    if method == "umap":
        extras.require("umap", "umap")
    dataset = session.open_dataset(request.dataset)
    if request.split not in dataset.splits:
        raise unknown(f"split of {dataset.name}", request.split, list(dataset.splits))
    split = dataset.splits[request.split]
    for label in request.by:
        if label not in split.labels:
            raise unknown(f"label of {dataset.name}", label, list(split.labels))
    seed = session.settings.seed
    rows = choose_rows(split, request.limit)
    if len(rows) < plane.FEWEST:
        raise UserError(f"a map of {len(rows)} images shows nothing; take {plane.FEWEST} or more.")
    found = session.load_checkpoint(request.checkpoint)
    encoder = session.load_encoder(found)
    names = list(map(canonical_feature_name, request.features or encoder.spaces))
    parts = [encoder.parse(name) for name in names]
    label = model_label(encoder.card)
    session.reporter.info(f"{label}, checkpoint {found.where}: {plane.TITLES[method]} of {len(rows):,} images")
    reader = encoder.reading(names)
    features = extraction.extract(reader, dataset, split, rows=rows, cache=session.cache, reporter=session.reporter)
    spaces = []
    for number, (name, own) in enumerate(zip(names, parts, strict=True)):
        session.reporter.update("maps", number, len(names))
        matrix = np.concatenate([features[part] for part in own], axis=1)
        positions = plane.project(matrix, method, seed=seed)
        spaces.append(Space(name, positions, plane.trustworthiness(matrix, positions)))
    session.reporter.update("maps", len(names), len(names))
    shown = f"{len(rows):,} of {len(split):,}" if len(rows) < len(split) else f"{len(split):,}"
    return FeatureMaps(
        f"{label}: {plane.TITLES[method]} of {shown} images of {dataset.name}, {split.name}",
        method,
        [split.items[row] for row in rows],
        spaces,
        [Factor(name, split.labels[name][rows], split.class_names[name]) for name in request.by or split.labels],
        _make_thumbnails(dataset, split, rows, encoder, session),
    )


def write_maps(maps: FeatureMaps, pictures: Sequence[Path], page: Path | None) -> None:
    """Write the picture, in the format of each path's ending, and the page."""
    if pictures:
        draw_maps(maps.spaces, maps.factors, maps.title, pictures)
    if page:
        text = render_map_page(maps.spaces, maps.factors, maps.names, maps.thumbnails, maps.title)
        files.write_text(page, text)


def _make_thumbnails(dataset: Dataset, split: Split, rows: Rows, encoder: Encoder, session: Session) -> Pixels:
    """The network's input crops, small: uint8 [N, THUMBNAIL, THUMBNAIL, 3]."""
    prepared = preparing.prepare(
        dataset,
        split,
        encoder.preprocessing.resize,
        cache=session.cache,
        reporter=session.reporter,
        interpolation=encoder.preprocessing.interpolation,
    )
    made = np.empty((len(rows), THUMBNAIL, THUMBNAIL, 3), dtype=np.uint8)
    for begin in range(0, len(rows), _BATCH):
        crops = prepared.center_crops(rows[begin : begin + _BATCH], encoder.preprocessing.image_size).numpy()
        for number, crop in enumerate(crops.transpose(0, 2, 3, 1), begin):
            small = Image.fromarray(crop).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BICUBIC)
            made[number] = np.asarray(small)
    return made
