"""Extracting splits for later commands: which ones, and what is said of each."""

import pytest
from safetensors.numpy import load_file

from loocbench.checkpoints import untrained
from loocbench.errors import UserError
from loocbench.features.encoder import Encoder
from loocbench.jobs.extract import extract_splits
from loocbench.progress import Silent
from loocbench.ranks import Ranks


@pytest.fixture
def extract(tiny_blooms, tmp_path):
    """extract(names of splits) -> what is said of each."""
    encoder = Encoder.from_checkpoint(untrained.build_checkpoint("resnet8", 0, 16))

    def run(splits):
        return extract_splits(encoder, tiny_blooms, splits, cache=tmp_path, reporter=Silent(), ranks=Ranks())

    return run


def test_all_splits_are_extracted_by_default(extract, tiny_blooms):
    extracted = extract([])
    assert [(one.split, one.images) for one in extracted] == [
        (name, len(split)) for name, split in tiny_blooms.splits.items()
    ]
    for one in extracted:
        shapes = {space: values.shape for space, values in load_file(one.file).items()}
        assert shapes == {space: (one.images, dim) for space, dim in one.spaces.items()}


def test_the_named_splits_are_extracted_in_their_order(extract):
    assert [one.split for one in extract(["test", "val"])] == ["test", "val"]


def test_a_wrong_split_is_refused_before_the_work_begins(extract, tmp_path):
    with pytest.raises(UserError, match="Did you mean 'test'"):
        extract(["val", "tset"])
    assert not list(tmp_path.rglob("*.safetensors"))
