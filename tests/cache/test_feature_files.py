"""A file of features: what safetensors reads, in whatever pieces it was written; a damaged one is told."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file

from loocbench.cache import feature_files, tensor_files
from loocbench.data.prepared import PreparedImages
from loocbench.errors import UserError

WHOLE = {
    "general": np.arange(28, dtype=np.float32).reshape(7, 4),
    "color": -np.arange(14, dtype=np.float32).reshape(7, 2),
}


def written(path, parts, about=None):
    """``WHOLE``, in the given pieces of its rows."""
    feature_files.begin(path)
    for part in parts:  # each by a writer of its own, as by a process of its own
        with feature_files.Writer(path, 7, lambda dims: {"spaces": dims, **(about or {})}) as writer:
            writer.write(part.start, {name: values[part] for name, values in WHOLE.items()})
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
    found = feature_files.load(path)
    assert list(found) == ["color", "general"]
    for name, values in found.items():
        assert isinstance(values, np.memmap)
        np.testing.assert_array_equal(values, WHOLE[name])
    assert feature_files.about(path) == {"spaces": {"general": 4, "color": 2}, "dataset": "flowers"}


@pytest.mark.parametrize("kept", [0, 7, 20, 100, -1])
def test_a_file_that_was_cut_off_is_told_with_the_way_out(tmp_path, kept):
    path = written(tmp_path / "a.safetensors", [slice(0, 7)])
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"a\.safetensors is damaged; remove it"):
        feature_files.load(path)
    assert feature_files.about(path) == {}


def test_a_head_that_claims_much_is_not_read(tmp_path):
    (tmp_path / "huge").write_bytes((2**62).to_bytes(8, "little") + b"{}")
    with pytest.raises(ValueError, match="no safetensors file"):
        tensor_files.read(tmp_path / "huge")


@pytest.mark.parametrize(
    "header",
    [
        "[]",
        '{"a": 1}',
        "[" * 100_000,
        *(
            json.dumps({"a": {"dtype": dtype, "shape": shape, "data_offsets": place}})
            for dtype, shape, place in (
                ("F64", [1], [0, 8]),
                ("F32", [2], []),
                ("F32", [2], [0]),
                ("F32", [3], [0, 8]),
                ("F32", [-1, -2], [0, 8]),
                ("F32", [2], [-8, 0]),
                ("F32", ["2"], [0, 8]),
            )
        ),
    ],
)
def test_a_head_of_another_kind_is_told(tmp_path, header):
    path = tmp_path / "other.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(8))
    with pytest.raises(ValueError, match=r"safetensors|fill its place|unpack"):
        tensor_files.read(path)
    with pytest.raises(UserError, match=r"other\.safetensors is damaged; remove it"):
        feature_files.load(path)
    with pytest.raises(UserError, match=r"other\.safetensors is damaged; remove it"):
        PreparedImages(path)
    assert feature_files.about(path) == {}


def test_whoever_still_writes_to_an_old_file_does_not_reach_the_new_one(tmp_path):
    path = tmp_path / "a"
    feature_files.begin(path)
    with feature_files.Writer(path, 7, lambda dims: {}) as old:
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
