"""loocbench.checkpoints.foreign.pickle_ops: calls that allocate more than the storages hold are refused."""

from __future__ import annotations

import json
import struct

import pytest
import torch


class Claims:
    """Unpickled, it calls a function that torch lets a pickle call."""

    def __init__(self, function, *arguments):
        self.called = (function, arguments)

    def __reduce__(self):
        return self.called


@pytest.mark.parametrize("form", ["zip", "legacy"])
@pytest.mark.parametrize(
    ("hostile", "message"),
    [
        (Claims(bytearray, 10**12), "calls builtins.bytearray, which weights do not need"),
        (Claims(torch.Tensor, 10**6, 10**6), "calls torch.Tensor, which weights do not need"),
        (Claims(torch.FloatStorage, 10**12), "calls torch.FloatStorage, which weights do not need"),
        (
            Claims(torch._tensor._rebuild_from_type_v2, bytearray, torch.Tensor, (10**12,), {}),
            "calls builtins.bytearray, which weights do not need",
        ),
        (torch.zeros(3).expand(10**6, 3), "claims a tensor of [1000000, 3] over a storage of 3 values"),
        (
            torch.nn.Parameter(torch.zeros(1).expand(10**9)),
            "claims a tensor of [1000000000] over a storage of 1 values",
        ),
    ],
    ids=["bytes", "tensor", "storage", "by another function", "repeated rows", "repeated value"],
)
def test_what_allocates_more_than_the_file_holds_is_refused(refused, tmp_path, monkeypatch, form, hostile, message):
    path = tmp_path / "net.pth"
    torch.save({"w": torch.zeros(4), "x": hostile}, path, _use_new_zipfile_serialization=form == "zip")
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was loaded"))
    assert message in refused(path)


def test_a_tensor_larger_than_its_storage(refused, tmp_path, monkeypatch):
    """The older format would enlarge the storage for it."""
    path = tmp_path / "net.pth"
    torch.save({"w": torch.zeros(4, 300)}, path, _use_new_zipfile_serialization=False)
    honest = b"K\x04M" + struct.pack("<H", 300)
    assert honest in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(honest, b"K\xffM" + struct.pack("<H", 300)))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was loaded"))
    assert "claims a tensor of [255, 300] over a storage of 1,200 values" in refused(path)


def test_views_within_a_storage_are_read(loocbench, weights, tmp_path):
    """A slice, a transposed and an empty tensor, and one of several names."""
    whole = torch.arange(12.0)
    views = {"a": whole[3:6], "b": whole.view(3, 4).t(), "c": whole[:0], "d": whole, "e": torch.nn.Parameter(whole)}
    for modern in (True, False):
        torch.save({**weights, "head": views}, tmp_path / "net.pth", _use_new_zipfile_serialization=modern)
        said = loocbench("checkpoints", "inspect", tmp_path / "net.pth", "--json")
        assert json.loads(said.out)["complete"] is True


def test_a_pickle_that_claims_a_name_of_4_gb(refused, tmp_path, monkeypatch):
    path = tmp_path / "net.pth"
    torch.save({"w": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)
    honest, claimed = b"X" + struct.pack("<I", 1) + b"w", b"X" + struct.pack("<I", 2**32 - 1) + b"w"
    assert honest in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(honest, claimed))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was loaded"))
    assert "truncated, or not a file of torch.save" in refused(path)
