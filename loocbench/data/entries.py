"""The table of data sets. A new one is a module with its reader and its entry, and one line here."""

from __future__ import annotations

from loocbench.data import blooms
from loocbench.data.entry import Entry
from loocbench.data.readers import (
    car_colors,
    cub200,
    dtd,
    flowers102,
    imagenet100,
    imagenet_c,
    inat_animals,
    inaturalist,
    inaturalist_2021,
    objectnet,
    tiny_imagenet,
)

__all__ = ["ENTRIES", "Entry"]

ENTRIES: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        blooms.ENTRY,
        cub200.ENTRY,
        flowers102.ENTRY,
        inaturalist.INAT_2017,
        inaturalist.INAT_2018,
        inaturalist.INAT_2019,
        inaturalist.INAT_1K,
        inaturalist_2021.INAT_2021,
        inaturalist_2021.INAT_2021_MINI,
        imagenet100.ENTRY,
        tiny_imagenet.ENTRY,
        imagenet_c.ENTRY,
        objectnet.ENTRY,
        dtd.ENTRY,
        car_colors.ENTRY,
        inat_animals.ENTRY,
    )
}
