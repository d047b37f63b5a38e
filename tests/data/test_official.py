"""How a copy differs from the official data set: by counts, by recorded fingerprints, by the size of its files."""

import pytest

from loocbench.data import catalog
from loocbench.data.official import Official, Part, compare_with_official
from tests.data import layouts

OFFICIAL = Official((Part("train", ("train", "val"), 16), Part("test", ("test",), 4)), 2)


def test_a_copy_of_the_same_counts_is_official_unless_its_fingerprint_says_else(tmp_path):
    dataset = catalog.open_dataset(f"folder:{layouts.make_folder(tmp_path / 'pets')}")
    assert compare_with_official(dataset, OFFICIAL) == ""
    own = {name: split.fingerprint for name, split in dataset.splits.items()}
    assert compare_with_official(dataset, Official(OFFICIAL.parts, 2, fingerprints=own)) == ""
    other = {**own, "val": own["test"]}
    assert compare_with_official(dataset, Official(OFFICIAL.parts, 2, fingerprints=other)).startswith(
        "altered: not the official images"
    )


@pytest.mark.parametrize(
    ("official", "expected"),
    [
        (Official((Part("all", ("train", "val", "test"), 25),), 2), "subset 20 of 25"),
        (Official((Part("all", ("train", "val", "test"), 15),), 2), "altered: 20 images in all instead of 15"),
        (
            Official((Part("train", ("train", "val"), 15), Part("test", ("test",), 5)), 2),
            "altered: 16 images in train instead of 15",
        ),
        (Official(OFFICIAL.parts, 3), "altered: 2 classes instead of 3"),
        (Official(OFFICIAL.parts, 2, mean_bytes=10**6), "re-encoded"),
        (Official((Part("all", ("train", "val", "test"), 25),), 2, mean_bytes=10), "subset 20 of 25, re-encoded"),
    ],
)
def test_how_a_copy_differs_is_said(tmp_path, official, expected):
    dataset = catalog.open_dataset(f"folder:{layouts.make_folder(tmp_path / 'pets')}")
    assert compare_with_official(dataset, official) == expected
