"""Cars by colour: the folders are the label ``color``.

``loocbench.data.readers.car_colors``.
"""

import pytest

from loocbench.data import catalog
from tests.data import layouts


def test_the_label_is_the_colour(tmp_path):
    train = catalog.open_dataset("car-colors", layouts.make_car_colors(tmp_path)).splits["train"]
    assert train.class_names == {"color": ("black", "red")}


@pytest.mark.realdata
def test_the_real_folder_as_any_folder(photographs):
    dataset = catalog.open_dataset("folder:car-colors", photographs)
    assert layouts.count_items(dataset) == {"train": 594, "val": 148, "test": 184}
    assert len(dataset.splits["test"].class_names["class"]) == 8
    assert dataset.note == ""
