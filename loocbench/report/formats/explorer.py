"""The explorer of neighbours in the HTML report: what its page embeds, as JSON."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from loocbench.report.table.labels import format_label, format_metric
from loocbench.report.table.neighbour_sets import NeighbourSet
from loocbench.types import Pixels

THUMBNAIL = 80  # pixels
_QUALITY = 72


@dataclass(frozen=True)
class Explorer:
    """The neighbours of one task, as the page shows them.

    title: of the task. shown: positions of the set's queries that are shown. thumbnails: uint8 [S, S, 3] by test image;
    empty where the images are not here. names: of test images; captions: their class names by label, in the order of
    ``labels``. notes: sentences on what is not shown, and what brings it.
    """

    title: str
    found: NeighbourSet
    shown: Sequence[int]
    thumbnails: Mapping[int, Pixels] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    labels: Sequence[str] = ()
    captions: Mapping[int, Sequence[str]] = field(default_factory=dict)
    notes: Sequence[str] = ()


def explorer_to_json(explorer: Explorer) -> dict[str, Any]:
    """Return what the page's script reads."""
    spaces = explorer.found.spaces
    kinds = list(dict.fromkeys(kind for space in spaces for kind in space.kept.shared))
    queries = [int(spaces[0].kept.queries[place]) for place in explorer.shown] if spaces else []
    return {
        "title": explorer.title,
        "notes": list(explorer.notes),
        "kinds": [format_metric(kind) for kind in kinds],
        "labels": [format_label(name) for name in explorer.labels],
        "queries": queries,
        "spaces": [
            {
                "model": space.model,
                "features": space.features,
                "seeds": space.seeds,
                "nearest": [space.kept.nearest[place].tolist() for place in explorer.shown],
                "shared": [
                    [
                        space.kept.shared[kind][place].astype(int).tolist() if kind in space.kept.shared else None
                        for kind in kinds
                    ]
                    for place in explorer.shown
                ],
            }
            for space in spaces
        ],
        "thumbnails": {str(row): encode_thumbnail(pixels) for row, pixels in explorer.thumbnails.items()},
        "names": {str(row): name for row, name in explorer.names.items()},
        "captions": {str(row): list(texts) for row, texts in explorer.captions.items()},
    }


def encode_thumbnail(pixels: Pixels) -> str:
    """Return an image, uint8 [S, S, 3], as the data address of a small JPEG."""
    stream = io.BytesIO()
    small = Image.fromarray(pixels).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BICUBIC)
    small.save(stream, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
