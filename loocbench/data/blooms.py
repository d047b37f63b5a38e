"""The embedded data set ``blooms``: rendered flowers, of which every factor is known.

Ten species (petal count and shape), six colours (hue bins), five ground textures, each independent of the others,
and an upright cue (stem below, light from above) that makes orientation visible. What untrained and supervised networks
read of each factor is in docs/tasks.md (``benchmarks/blooms_factors.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from loocbench.data import blooms_render
from loocbench.data.entry import DatasetSource, Entry
from loocbench.data.official import Official, list_train_val_test
from loocbench.errors import DamagedImageError
from loocbench.types import BILINEAR, Dataset, Interpolation, Pixels, Sizes, Split

VERSION = 2  # raise it when the same seed gives other pixels or labels
SIZES = {"train": 3000, "val": 1000, "test": 2000}
_RENDER_BATCH = 64
_EXAMINED_AT = 64  # pixels per side; a rendered image has no size of its own


def make_blooms(sizes: dict[str, int] | None = None, *, seed: int = 0) -> Dataset:
    """The data set with the given split sizes (default 3,000 / 1,000 / 2,000); rendered when read, at any resolution.

    Image i of a seed is the same flower whatever the split sizes and the resolution.
    """
    sizes = sizes or SIZES
    starts = np.cumsum([0, *sizes.values()])
    splits = {}
    for (name, size), start in zip(sizes.items(), starts, strict=False):
        drawn = blooms_render.draw_blooms(seed, np.arange(start, start + size))
        splits[name] = Split(
            dataset="blooms",
            name=name,
            items=tuple(f"bloom-{index:08d}" for index in range(start, start + size)),
            labels={"species": drawn.species, "color": drawn.color, "texture": drawn.texture},
            class_names={
                "species": blooms_render.SPECIES,
                "color": blooms_render.COLORS,
                "texture": blooms_render.TEXTURES,
            },
        )

    def read(items: Sequence[str], short_side: int, interpolation: Interpolation = BILINEAR) -> list[Pixels]:
        indices = np.array([int(item.removeprefix("bloom-")) for item in items])
        return [
            image
            for begin in range(0, len(indices), _RENDER_BATCH)
            for image in blooms_render.render_blooms(
                blooms_render.draw_blooms(seed, indices[begin : begin + _RENDER_BATCH]), short_side
            )
        ]

    def sizes_of(items: Sequence[str], short_side: int) -> Sizes:
        return np.full((len(items), 2), short_side, dtype=np.int64)

    def examine(items: Sequence[str]) -> list[str | DamagedImageError]:
        return [hashlib.sha256(image.tobytes()).hexdigest() for image in read(items, _EXAMINED_AT)]

    edition = f"blooms v{VERSION} seed {seed}"
    note = "" if (sizes, seed) == (SIZES, 0) else f"{' / '.join(map(str, sizes.values()))} images, seed {seed}"
    return Dataset("blooms", splits, read, sizes_of, examine, lambda items: edition, lambda: edition, note)


ENTRY = Entry(
    name="blooms",
    short="Blooms",
    title="rendered flowers whose factors are all known",
    labels=("species", "color", "texture"),
    generate=make_blooms,
    official=Official(
        list_train_val_test(3_000, 1_000, 2_000),
        classes=10,
        fingerprints={
            "train": "644c60032f0779c023efcd175d9182ef41db2ddf5b39e585f8e3355f7a1c3936",
            "val": "ba8f9accc93107896c9ea4038d8c885dabc45007aba0e4a61f40f2a7d6e9d5c5",
            "test": "c20bfacfa073d962d613c8be5d2c1632fd0acfc76cf91d0b6436eef8d17b9dea",
        },
    ),
    source=DatasetSource("rendered by loocbench", licence="Apache-2.0"),
)
