"""iNaturalist 2017 to 2019: torchvision's labels, LooC's reallocation; broken copies are refused.

``loocbench.data.readers.inaturalist``.
"""

from collections import Counter

import pytest
from torchvision.datasets import INaturalist

from loocbench.data import catalog
from tests.data import layouts


@pytest.mark.parametrize("year", [2017, 2018, 2019])
def test_inaturalist_before_2021_is_torchvisions(tmp_path, year):
    layouts.make_inat(tmp_path, year)
    folder = tmp_path / f"inat{year}"
    (folder / {2017: "train_val_images"}.get(year, f"train_val{year}")).rename(
        folder / str(year)
    )  # as torchvision does
    ours = catalog.open_dataset(f"inat{year}", tmp_path)
    theirs = INaturalist(folder, version=str(year))
    assert layouts.count_pairs(ours) == Counter(
        (f"{theirs.all_categories[label]}/{name}", label) for label, name in theirs.index
    )


def test_the_paper_reallocates_a_tenth_of_inaturalist_2019(tmp_path):
    layouts.make_inat(tmp_path, 2019, per_class=24)
    whole, moved = (catalog.open_dataset(name, tmp_path) for name in ("inat2019", "inat1k"))
    assert set(whole.splits["test"].items) < set(moved.splits["test"].items)
    added = set(moved.splits["test"].items) - set(whole.splits["test"].items)
    assert Counter(item.split("/")[1] for item in added) == dict.fromkeys(map(str, range(6)), 2)  # of 20 each
    again = catalog.open_dataset("inat1k", tmp_path)
    assert {name: split.fingerprint for name, split in again.splits.items()} == {
        name: split.fingerprint for name, split in moved.splits.items()
    }


OUTSIDE = '{"images": [{"id": 1, "file_name": "../../secret.jpg"}], "annotations": [{"image_id": 1, "category_id": 0}]}'


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "val2019.json").unlink(), "annotation archive"),
        (lambda folder: (folder / "val2019.json").write_text("{"), "not an annotation file"),
        (lambda folder: (folder / "val2019.json").write_text('{"images": []}'), "not an annotation file"),
        (lambda folder: (folder / "val2019.json").write_text(OUTSIDE), "outside the data set"),
        (lambda folder: (folder / "train_val2019").rename(folder / "x"), "has no folder train_val2019"),
    ],
)
def test_a_broken_copy_is_refused_in_one_line(tmp_path, spoil, message):
    spoil(layouts.make_inat(tmp_path, 2019) / "inat2019")
    layouts.assert_refused("inat2019", tmp_path, message)
