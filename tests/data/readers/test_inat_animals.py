"""Twenty animals: a real copy is read; ``test_entries.py`` reads a small one.

``loocbench.data.readers.inat_animals``.
"""

import pytest

from loocbench.data import catalog
from tests.data import layouts


@pytest.mark.realdata
def test_the_real_data_set(photographs):
    dataset = catalog.open_dataset("inat-animals-20", photographs)
    assert layouts.count_items(dataset) == {"train": 80, "val": 20, "test": 300}
    assert len(dataset.splits["test"].class_names["class"]) == 20
    assert dataset.note == ""
