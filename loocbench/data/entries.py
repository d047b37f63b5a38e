"""The table of data sets. A new one is a module with its reader and its entry, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loocbench.lazy_table import LazyTable

if TYPE_CHECKING:
    from loocbench.data.entry import Entry

# In the order of ``loocbench datasets ls``. A reader is imported when its data set is asked for: some need scipy.
ENTRIES: LazyTable[Entry] = LazyTable(
    {
        "blooms": "loocbench.data.blooms:ENTRY",
        "cub200": "loocbench.data.readers.cub200:ENTRY",
        "flowers102": "loocbench.data.readers.flowers102:ENTRY",
        "inat2017": "loocbench.data.readers.inaturalist:INAT_2017",
        "inat2018": "loocbench.data.readers.inaturalist:INAT_2018",
        "inat2019": "loocbench.data.readers.inaturalist:INAT_2019",
        "inat1k": "loocbench.data.readers.inaturalist:INAT_1K",
        "inat2021": "loocbench.data.readers.inaturalist_2021:INAT_2021",
        "inat2021-mini": "loocbench.data.readers.inaturalist_2021:INAT_2021_MINI",
        "imagenet100": "loocbench.data.readers.imagenet100:ENTRY",
        "tiny-imagenet": "loocbench.data.readers.tiny_imagenet:ENTRY",
        "imagenet-c-100": "loocbench.data.readers.imagenet_c:ENTRY",
        "objectnet13": "loocbench.data.readers.objectnet:ENTRY",
        "dtd": "loocbench.data.readers.dtd:ENTRY",
        "car-colors": "loocbench.data.readers.car_colors:ENTRY",
        "inat-animals-20": "loocbench.data.readers.inat_animals:ENTRY",
    }
)
