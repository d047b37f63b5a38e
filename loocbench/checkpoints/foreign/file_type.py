"""Detecting the type of a file by its first bytes: weights, or what people have by mistake instead."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

from loocbench.errors import UserError

FileType = Literal["safetensors", "zip", "pickle"]
_NOT_WEIGHTS = (
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a WebP image or other RIFF file"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"\xfd7zXZ", "an xz archive: unpack it first"),
    (b"BZh", "a bzip2 archive: unpack it first"),
    (b"\x89HDF", "an HDF5 file (Keras or MATLAB), not PyTorch weights"),
    (b"\x93NUMPY", "a NumPy array, not a checkpoint"),
    (b"GGUF", "a GGUF file, not PyTorch weights"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself: fetch that with 'git lfs pull'"),
    (b"<?xml", "an XML page: a download that failed"),
    (b"<!doctype html", "an HTML page: a download that failed"),
    (b"<html", "an HTML page: a download that failed"),
)
_BY_SUFFIX = {
    ".onnx": "an ONNX graph, not PyTorch weights; give those that it was made from",
    ".pb": "a graph of TensorFlow; convert its weights to PyTorch's, or look for a PyTorch version of the model",
    ".msgpack": "a file of Flax; save the model as PyTorch's (transformers: from_pretrained(…, from_flax=True))",
    ".keras": "a model of Keras; convert its weights to PyTorch's, or look for a PyTorch version of the model",
    ".npz": "an archive of NumPy arrays, as JAX's ViTs are; let timm load it (load_pretrained) and save its state_dict",
}


def detect_file_type(path: Path) -> FileType:
    """Return the type of a file that can hold weights. Raises UserError naming what the file is otherwise."""
    if path.is_dir():
        raise UserError(f"{path} is a folder; name the file of weights in it.")
    if path.exists() and not path.is_file():  # opening a FIFO would wait for ever
        raise UserError(f"{path} is not a file; name a file of weights.")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError as error:
        raise UserError(f"no checkpoint file {path}; name a file that exists.") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; check its permissions.") from error
    if not head:
        raise UserError(f"{path} is empty; download it anew.")
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size - 8:
        return "safetensors"  # first: a safetensors file begins with a length, which may look like any mark
    start = head.lstrip().lower()
    for mark, what in _NOT_WEIGHTS:
        if head.startswith(mark) or (mark.startswith(b"<") and start.startswith(mark)):
            raise UserError(f"{path} is {what}; give a .safetensors file or one that torch.save wrote.")
    if head.startswith(b"PK"):
        _require_weights_in_zip(path)
        return "zip"
    if head[:1] == b"\x80":
        return "pickle"
    if head[8:9] == b"{":
        return "safetensors"
    if head.startswith(b"\0\0\0\0") or head[257:262] == b"ustar":
        raise UserError(f"{path} is a tar archive; unpack it and give the file of weights in it.")
    if path.suffix.lower() in _BY_SUFFIX:  # protobuf and msgpack begin with nothing that is theirs alone
        raise UserError(f"{path} is {_BY_SUFFIX[path.suffix.lower()]}.")
    what = "a text file" if head.isascii() and b"\0" not in head else "of no known format"
    raise UserError(f"{path} is {what}; give a .safetensors file or one that torch.save wrote.")


def _require_weights_in_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.partition("/")[2] for name in archive.namelist()]
    except zipfile.BadZipFile as error:
        raise UserError(f"{path} is truncated (its zip directory is missing); download it anew.") from error
    if "constants.pkl" in names:
        raise UserError(
            f"{path} is a TorchScript archive, which is code; export its state_dict as docs/checkpoints.md says."
        )
    if path.suffix.lower() in _BY_SUFFIX:
        raise UserError(f"{path} is {_BY_SUFFIX[path.suffix.lower()]}.")
    if "data.pkl" not in names:
        raise UserError(f"{path} is a zip archive without weights; unpack it and give the file of weights in it.")
