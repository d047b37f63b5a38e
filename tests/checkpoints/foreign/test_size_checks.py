"""loocbench.checkpoints.foreign.size_checks: a file that claims more than it holds is refused before it is loaded."""

from __future__ import annotations

import json
import struct
import zipfile

import pytest
import torch

from tests.checkpoints.foreign.helpers import (
    save_file_as,
)


def test_a_safetensors_header_that_claims_100_gb(refused, tmp_path):
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", 100 * 10**9) + b"{}" + bytes(100))
    assert "claims a header of 100.0 GB" in refused(path)


def test_a_safetensors_tensor_that_claims_100_gb(refused, tmp_path):
    size = 100 * 10**9
    header = json.dumps({"w": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(100))
    assert "claims 100.0 GB of tensors and holds 100 bytes" in refused(path)


def test_a_safetensors_shape_that_its_bytes_do_not_fill(refused, tmp_path):
    header = json.dumps({"w": {"dtype": "F32", "shape": [25 * 10**9], "data_offsets": [0, 100]}}).encode()
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(100))
    assert "the shape of w needs 100,000,000,000 bytes, not the 100 given" in refused(path)


@pytest.mark.parametrize(
    "header", [b"[]", b"{", b'{"w": 3}', b'{"w": {"dtype": "F32", "shape": 3, "data_offsets": [0, 4]}}']
)
def test_a_damaged_safetensors_header(refused, tmp_path, header):
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + b"{" + header[1:] + bytes(16))
    assert "damaged safetensors header" in refused(path)


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_a_pickle_that_claims_100_gb_is_refused_before_anything_is_allocated(refused, tmp_path, monkeypatch, form):
    """The number of elements in the file's own instructions, changed to 25 thousand million."""
    path = tmp_path / "net.pth"
    torch.save({"w": torch.zeros(30_000)}, path, _use_new_zipfile_serialization=form == "zip")
    honest, claimed = b"M" + struct.pack("<H", 30_000), b"\x8a\x05" + (25 * 10**9).to_bytes(5, "little")
    if form == "zip":
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content.replace(honest, claimed) if name.endswith("data.pkl") else content)
    else:
        path.write_bytes(path.read_bytes().replace(honest, claimed))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was loaded"))
    assert "claims 25,000,000,000 values and holds" in refused(path)


def test_many_small_claims_are_added_up(refused, tmp_path, monkeypatch):
    """A small file of the older format that asks for its own size over and over."""
    path = tmp_path / "net.pth"
    torch.save({f"w{i}": torch.zeros(300) for i in range(50)}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes().replace(b"M" + struct.pack("<H", 300), b"M" + struct.pack("<H", 60_000)))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was loaded"))
    assert "claims 3,000,000 values" in refused(path)


def test_a_compressed_zip_is_refused(weights, refused, tmp_path):
    """torch.save never compresses: a small file could unfold to any size."""
    path = save_file_as({"w": torch.zeros(10**6)}, tmp_path / "net.pth")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert "compressed as torch.save does not" in refused(path)


def test_a_zip_with_two_pickles(refused, tmp_path):
    path = save_file_as({"w": torch.zeros(2)}, tmp_path / "net.pth")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/data.pkl", b"")
    assert "holds 2 data.pkl where torch.save writes one" in refused(path)
