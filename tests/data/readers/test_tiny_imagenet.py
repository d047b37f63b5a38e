"""Tiny ImageNet: a real extract is read and called a subset; broken copies are refused.

``loocbench.data.readers.tiny_imagenet``.
"""

import pytest

from loocbench.data import catalog
from tests.data import layouts


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "words.txt").unlink(), "cannot read"),
        (lambda folder: (folder / "val" / "val_annotations.txt").write_text("a.JPEG\tn1\n"), "without a known class"),
    ],
)
def test_a_broken_copy_is_refused_in_one_line(tmp_path, spoil, message):
    spoil(layouts.make_tiny_imagenet(tmp_path) / "tiny-imagenet-200")
    layouts.assert_refused("tiny-imagenet", tmp_path, message)


@pytest.mark.realdata
def test_a_real_extract(photographs):
    dataset = catalog.open_dataset("tiny-imagenet", photographs)
    assert layouts.count_items(dataset) == {"train": 16_000, "val": 4_000, "test": 5_000}
    assert len(dataset.splits["test"].class_names["class"]) == 100
    assert dataset.note == "subset 25,000 of 110,000"
