"""A file of features: what safetensors reads, in whatever pieces it was written; a damaged one is told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file

from loocbench.cache import descriptions, feature_files
from loocbench.errors import UserError

WHOLE = {
    "general": np.arange(28, dtype=np.float32).reshape(7, 4),
    "color": -np.arange(14, dtype=np.float32).reshape(7, 2),
}


def written(path, parts, about=None):
    """``WHOLE``, in the given pieces of its rows."""
    feature_files.create_file(path)
    for part in parts:  # each by a writer of its own, as by a process of its own
        with feature_files.FeatureWriter(path, 7, lambda dims: {"spaces": dims, **(about or {})}) as writer:
            writer.write(part.start, {name: values[part] for name, values in WHOLE.items()})
    feature_files.publish_file(path, path)
    return path


@given(cuts=st.lists(st.integers(1, 6), unique=True).map(sorted), order=st.randoms())
def test_any_pieces_in_any_order_are_the_same_file(tmp_path_factory, cuts, order):
    folder = tmp_path_factory.mktemp("pieces")
    parts = [slice(begin, end) for begin, end in zip([0, *cuts], [*cuts, 7], strict=True)]
    order.shuffle(parts)
    pieces, whole = written(folder / "pieces", parts), written(folder / "whole", [slice(0, 7)])
    assert pieces.read_bytes() == whole.read_bytes()


def test_it_is_a_safetensors_file_that_opens_memory_mapped(tmp_path):
    path = written(tmp_path / "a.safetensors", [slice(0, 7)], {"dataset": "flowers"})
    for name, values in load_file(path).items():
        np.testing.assert_array_equal(values, WHOLE[name])
    with safe_open(path, "numpy") as file:
        assert '"dataset": "flowers"' in file.metadata()["about"]
    found = feature_files.load_features(path)
    assert list(found) == ["color", "general"]
    for name, values in found.items():
        assert isinstance(values, np.memmap)
        np.testing.assert_array_equal(values, WHOLE[name])
    assert descriptions.read_description(path) == {"spaces": {"general": 4, "color": 2}, "dataset": "flowers"}


@pytest.mark.parametrize("kept", [0, 7, 20, 100, -1])
def test_a_file_that_was_cut_off_is_told_with_the_way_out(tmp_path, kept):
    path = written(tmp_path / "a.safetensors", [slice(0, 7)])
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"a\.safetensors is damaged; remove it"):
        feature_files.load_features(path)
    assert descriptions.read_description(path) == {}


def test_whoever_still_writes_to_an_old_file_does_not_reach_the_new_one(tmp_path):
    path = tmp_path / "a"
    feature_files.create_file(path)
    with feature_files.FeatureWriter(path, 7, lambda dims: {}) as old:
        written(path, [slice(0, 7)])
        new = path.read_bytes()
        old.write(0, {"other": np.ones((7, 3), np.float32)})
    assert path.read_bytes() == new


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def full(descriptor, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(feature_files.os, "write", full)
    with pytest.raises(UserError, match="the disk is full"):
        written(tmp_path / "a", [slice(0, 7)])
