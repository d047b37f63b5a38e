"""Twenty species of animals with few-shot folders; the photographs are said to be from iNaturalist."""

from __future__ import annotations

from pathlib import Path

from loocbench.data.entry import DatasetSource, Entry
from loocbench.data.official import Official
from loocbench.data.readers import image_folder
from loocbench.types import Dataset


def read_inat_animals(root: Path) -> Dataset:
    """Read ``inat-animals-20/``: SPECIES/{support,test,query}/. Raises UserError.

    ``support`` is train, of which a fifth becomes val; ``test`` and ``query`` are the test split.
    """
    return image_folder.read_image_folder(root, "inat-animals-20")


ENTRY = Entry(
    name="inat-animals-20",
    short="Twenty animals",
    title="twenty species of animals, few-shot folders; not an official set of iNaturalist",
    folders=("inat-animals-20",),
    read=read_inat_animals,
    official=Official(),  # a collection without official lists
    source=DatasetSource(
        "https://github.com/mirna-k/iNaturalist-classicifation",
        licence="not stated",
        terms="its photographs are said to be from iNaturalist, where each photographer sets the terms",
        by_hand="put its folders SPECIES/support, SPECIES/test and SPECIES/query into inat-animals-20/",
    ),
)
