"""Maps of feature spaces as one HTML file that loads nothing: pointing at a dot, or focussing it, shows its image.

The images are one embedded JPEG of thumbnails.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from loocbench.report.figures.feature_map import Factor, Space, choose_classes, shape_of
from loocbench.report.formats.single_file_page import render_page
from loocbench.types import Pixels

THUMBNAIL = 64  # pixels
_SIDE = 1000  # of a panel's coordinates
_MARGIN = 0.03
_QUALITY = 80


def render_map_page(
    spaces: Sequence[Space], factors: Sequence[Factor], names: Sequence[str], thumbnails: Pixels, title: str
) -> str:
    """Return the page. names: of the N images. thumbnails: uint8 [N, THUMBNAIL, THUMBNAIL, 3]."""
    columns = math.ceil(math.sqrt(len(names)))
    return render_page(
        "map",
        title=title,
        spaces=spaces,
        factors=factors,
        side=_SIDE,
        sheet=_encode_sheet(thumbnails, columns),
        data={
            "names": list(names),
            "thumbnail": THUMBNAIL,
            "columns": columns,
            "spaces": [_place_dots(space).tolist() for space in spaces],
            "factors": [_describe_factor(factor) for factor in factors],
        },
    )


def _place_dots(space: Space) -> np.ndarray:
    """Positions as integers in the panel [N, 2], y downwards, both axes on one scale."""
    low, high = space.positions.min(axis=0), space.positions.max(axis=0)
    extent = float((high - low).max()) or 1.0
    unit = (space.positions - (low + high) / 2) / extent + 0.5
    placed = _SIDE * (_MARGIN + (1 - 2 * _MARGIN) * unit)
    placed[:, 1] = _SIDE - placed[:, 1]
    return placed.round().astype(int)


def _describe_factor(factor: Factor) -> dict[str, object]:
    shown = choose_classes(factor)
    places = [shown.classes.get(int(value), -1) for value in factor.values]
    keys = [*range(len(shown.classes)), *([-1] if shown.others else [])]
    return {
        "name": factor.name,
        "values": factor.values.tolist(),
        "classes": list(factor.names),
        "places": places,
        "legend": [
            {
                "text": text,
                "color": shown.color_of(key),
                "edge": shown.edge,
                "shape": shape_of(key),
                "place": key,
            }
            for text, key in zip(shown.legend, keys, strict=True)
        ],
    }


def _encode_sheet(thumbnails: Pixels, columns: int) -> str:
    """All thumbnails as one JPEG, row by row, as a data address."""
    rows = math.ceil(len(thumbnails) / columns)
    sheet = np.full((rows * THUMBNAIL, columns * THUMBNAIL, 3), 255, dtype=np.uint8)
    for number, image in enumerate(thumbnails):
        top, left = number // columns * THUMBNAIL, number % columns * THUMBNAIL
        sheet[top : top + THUMBNAIL, left : left + THUMBNAIL] = image
    stream = io.BytesIO()
    Image.fromarray(sheet).save(stream, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
