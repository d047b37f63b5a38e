"""loocbench.checkpoints.foreign.file_type: a file that holds no weights is named for what it is."""

from __future__ import annotations

import json
import struct
import zipfile

import pytest

from tests.checkpoints.foreign.helpers import (
    save_file_as,
)
from tests.conftest import picture


@pytest.mark.parametrize("low", [b"\x80", b"PK"])
def test_a_safetensors_file_whose_length_looks_like_another_kinds_mark(weights, loocbench, tmp_path, low):
    """The first eight bytes are the header's length, padded with spaces here until it begins as a pickle or a zip."""
    path = save_file_as(weights, tmp_path / "net.safetensors")
    whole = path.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    step = 256 ** len(low)
    padded = length + (int.from_bytes(low, "little") - length) % step
    header = whole[8 : 8 + length].ljust(padded)
    path.write_bytes(struct.pack("<Q", padded) + header + whole[8 + length :])
    assert path.read_bytes().startswith(low)
    said = loocbench("checkpoints", "inspect", path, "--json")
    assert json.loads(said.out)["complete"] is True


def test_a_file_that_does_not_exist(refused, tmp_path):
    assert "no checkpoint file" in refused(tmp_path / "nowhere.pth")


def test_an_empty_file(refused, tmp_path):
    (tmp_path / "net.pth").touch()
    assert "net.pth is empty; download it anew" in refused(tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html><html>404</html>", "an HTML page: a download that failed"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "an XML page: a download that failed"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a Git LFS pointer, not the file itself"),
        (b"\x1f\x8b\x08\x00" + bytes(64), "a gzip archive: unpack it first"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "an HDF5 file"),
        (b'{"error": "not found"}', "a text file"),
        (b"[" * 200_000, "a text file"),
        (b"hello", "a text file"),
        (bytes([200, 201, 202, 203]) * 64, "of no known format"),
    ],
)
def test_another_kind_of_file_is_named(refused, tmp_path, content, what):
    (tmp_path / "net.pth").write_bytes(content)
    assert f"net.pth is {what}" in refused(tmp_path / "net.pth")


def test_an_image_is_named(refused, tmp_path):
    picture(tmp_path / "photo.jpg").rename(tmp_path / "net.pth")
    assert "is a JPEG image" in refused(tmp_path / "net.pth")


def test_a_zip_without_weights_is_named(refused, tmp_path):
    with zipfile.ZipFile(tmp_path / "net.zip", "w") as archive:
        archive.writestr("photo.jpg", b"")
    assert "is a zip archive without weights" in refused(tmp_path / "net.zip")


def test_a_torchscript_archive_is_code(refused, tmp_path):
    with zipfile.ZipFile(tmp_path / "net.pt", "w") as archive:
        archive.writestr("net/data.pkl", b"")
        archive.writestr("net/constants.pkl", b"")
    assert "is a TorchScript archive, which is code" in refused(tmp_path / "net.pt")
