"""Opening data sets by name: absent and unknown ones say what to do, a new entry is opened like the others."""

from dataclasses import replace

import pytest

from loocbench.data import catalog
from loocbench.data.entries import ENTRIES
from loocbench.data.readers.image_folder import read_image_folder
from loocbench.errors import UserError
from tests.data import layouts


def test_an_absent_data_set_says_what_to_put_where(tmp_path):
    with pytest.raises(UserError, match=r"put the data set's folder CUB_200_2011/ there"):
        catalog.open_dataset("cub200", tmp_path)


def test_an_unknown_data_set_gets_a_suggestion():
    with pytest.raises(UserError, match="Did you mean 'cub200'"):
        catalog.open_dataset("cub20")


def test_a_new_entry_is_opened_by_its_name(tmp_path, monkeypatch):
    layouts.make_folder(tmp_path / "pets")
    entry = replace(
        ENTRIES["car-colors"],
        name="pets",
        folders=("pets", "animals"),
        read=lambda root: read_image_folder(root, "pets"),
    )
    monkeypatch.setitem(ENTRIES, "pets", entry)
    assert layouts.count_items(catalog.open_dataset("pets", tmp_path)) == {"train": 12, "val": 4, "test": 4}
    (tmp_path / "pets").rename(tmp_path / "animals")
    assert catalog.open_dataset("pets", tmp_path).name == "pets"
