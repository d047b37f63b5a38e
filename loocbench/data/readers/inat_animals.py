"""Twenty species of animals, photographs said to be from iNaturalist, with few-shot folders."""

from __future__ import annotations

from pathlib import Path

from loocbench.data.readers import image_folder
from loocbench.types import Dataset


def inat_animals_20(root: Path) -> Dataset:
    """Read ``inat-animals-20/``: SPECIES/{support,test,query}/. Raises UserError.

    ``support`` is train, of which a fifth becomes val; ``test`` and ``query`` are the test split.
    """
    return image_folder.image_folder(root, "inat-animals-20")
