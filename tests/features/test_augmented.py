"""Features of augmented images: each image once an epoch, a pure function of (seed, epoch, image)."""

import pytest
import torch

import loocbench
from loocbench.data import preparing
from loocbench.features import augmented
from tests.conftest import Silent


@pytest.fixture
def epoch(trained, tiny_blooms, tmp_path):
    encoder = loocbench.load(trained["looc"])

    def run(number, *, seed=0, batch_size=50, splits=("train", "val")):
        parts = [
            preparing.prepare(tiny_blooms, tiny_blooms.splits[split], 18, cache=tmp_path, reporter=Silent())
            for split in splits
        ]
        batches = list(
            augmented.iterate_epoch(
                encoder, parts, "looc", seed=seed, epoch=number, batch_size=batch_size, info=Silent().info
            )
        )
        rows = torch.cat([rows for rows, _ in batches])
        features = torch.cat([features for _, features in batches])
        return batches, rows, features[rows.argsort()]

    return run


def test_each_image_of_each_split_once_in_a_new_order(epoch):
    batches, rows, _ = epoch(0)
    assert [len(part) for part, _ in batches] == [50, 50, 44]
    assert sorted(rows.tolist()) == list(range(96 + 48))
    assert rows.tolist() != sorted(rows.tolist())
    assert rows.tolist() != epoch(1)[1].tolist()


def test_an_image_does_not_depend_on_its_batch(epoch):
    torch.testing.assert_close(epoch(0)[2], epoch(0, batch_size=7)[2], rtol=1e-4, atol=1e-5)


def test_epochs_and_seeds_crop_anew(epoch):
    first = epoch(0)[2]
    assert not torch.allclose(first, epoch(1)[2])
    assert not torch.allclose(first, epoch(0, seed=1)[2])


def test_the_first_splits_rows_come_first(epoch):
    """With val alone, its images have other places, so other crops, but they are val's."""
    assert sorted(epoch(0, splits=("val",))[1].tolist()) == list(range(48))
