"""iNaturalist 2021: torchvision's labels; broken copies are refused.

``loocbench.data.readers.inaturalist_2021``.
"""

from collections import Counter

import pytest
from torchvision.datasets import INaturalist

from loocbench.data import catalog
from tests.conftest import picture
from tests.data import layouts


@pytest.mark.parametrize("name", ["inat2021", "inat2021-mini"])
def test_inaturalist_2021_is_torchvisions(tmp_path, name):
    layouts.make_inat_2021(tmp_path)
    folder = tmp_path / "inat2021"
    versions = {"train": "2021_train", "train_mini": "2021_train_mini", "val": "2021_valid"}
    for split, version in versions.items():
        (folder / split).rename(folder / version)
    ours = catalog.open_dataset(name, tmp_path)
    for version, splits in (
        ("2021_train_mini" if name.endswith("mini") else "2021_train", ("train", "val")),
        ("2021_valid", ("test",)),
    ):
        theirs = INaturalist(folder, version=version)
        expected = Counter((f"{version}/{theirs.all_categories[label]}/{file}", label) for label, file in theirs.index)
        assert layouts.count_pairs(ours, *splits) == expected


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "val").rename(folder / "x"), "has no folder val"),
        (lambda folder: picture(folder / "val" / "stray" / "a.jpg"), "not a class folder"),
    ],
)
def test_a_broken_copy_is_refused_in_one_line(tmp_path, spoil, message):
    spoil(layouts.make_inat_2021(tmp_path) / "inat2021")
    layouts.assert_refused("inat2021", tmp_path, message)
