"""loocbench.checkpoints.foreign.pickle_values: values of a pickle without unpickling it, beside pickle's own."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path

import pytest

from loocbench.checkpoints.foreign import pickle_values
from loocbench.errors import UserError

SHARED = ("a", 1)
VALUES = [
    None,
    True,
    -3,
    2**70,
    1.5,
    "text" * 100,
    b"bytes",
    (),
    (1,),
    (1, (2, 3), 4, 5, 6),
    [1, [2], *range(2000)],
    {"a": {"b": [SHARED, SHARED]}, ("c", 2): None},
]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(value)[:20])
def test_plain_values_are_those_of_pickle(tmp_path, value, protocol):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    if protocol == 2 and isinstance(value, bytes):  # Python 2 has no bytes: a call of codecs.encode
        with pytest.raises(UserError, match=r"asks for _codecs.encode"):
            pickle_values.read_values(path, ())
        return
    assert pickle_values.read_values(path, ()) == pickle.loads(path.read_bytes()) == value


@pytest.mark.parametrize("protocol", [2, 4])
def test_an_allowed_object_is_a_record_and_is_not_made(tmp_path, protocol):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps([Path("a"), OrderedDict(b=1)], protocol=protocol))
    name = type(Path("a")).__module__ + "." + type(Path("a")).__name__
    first, second = pickle_values.read_values(path, {name, "collections.OrderedDict"})
    assert (first.name, first.arguments) == (name, ("a",))
    assert second.name == "collections.OrderedDict"
    assert first.get("anything") is None


def test_what_is_not_allowed_is_named(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(Path("a")))
    with pytest.raises(UserError, match=r"asks for pathlib[\w.]*PosixPath, code that an index does not need"):
        pickle_values.read_values(path, {"torch.Size"})


@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"\x80\x04h\x07.", b"\x80\x04.", b"text", b"\x80\x04}(K\x01u."])
def test_damaged_pickles(tmp_path, content):
    path = tmp_path / "x.pkl"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"x.pkl is truncated or damaged|is a pickle of another kind"):
        pickle_values.read_values(path, ())


def test_a_number_that_a_pickle_only_claims_is_not_allocated(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(b"\x80\x04\x8d" + (2**62).to_bytes(8, "little") + b"a.")
    with pytest.raises(UserError, match="truncated or damaged"):
        pickle_values.read_values(path, ())
