"""Reading a foreign checkpoint: one file, shards with an index, or a folder of torch.distributed.checkpoint."""

from __future__ import annotations

import re
from pathlib import Path

from loocbench.checkpoints.foreign import distributed, distributed_index, shards, weight_file
from loocbench.checkpoints.foreign.types import FileContents
from loocbench.errors import UserError

# Files of weights in a folder, in the order in which transformers and the hub's other libraries look for them.
PREFERRED = (
    "model.safetensors",
    "model.safetensors.index.json",
    "open_clip_model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_SUFFIXES = (".safetensors", ".bin", ".pth", ".pt", ".ckpt", ".th", shards.INDEX)
_ONE_OF_SEVERAL = re.compile(r"-\d{5}-of-(\d{5})\.(safetensors|bin)$")


def read_tensors(path: Path) -> FileContents:
    """Read a file of weights, an index of shards, or the folder of one of them or of torch.distributed.checkpoint.

    Raises UserError for what cannot be read, or not safely; the message names what it is.
    """
    if distributed.is_checkpoint(path):
        return distributed.read_folder(path)
    if path.is_dir():
        path = find_weights(path)
    if path.name == distributed_index.INDEX and path.is_file():
        return distributed.read_folder(path.parent)
    if path.name.endswith(shards.INDEX) and path.is_file():
        return shards.read_shards(path)
    match = _ONE_OF_SEVERAL.search(path.name)
    if match and int(match[1]) > 1 and path.is_file():
        raise UserError(f"{path} is one of {int(match[1])} shards; name their index (….index.json) or their folder.")
    return weight_file.read_file(path)


def find_weights(folder: Path) -> Path:
    """Return the file of weights, or the index of its shards, in a folder. Raises UserError if that is not clear."""
    found = next((folder / name for name in PREFERRED if (folder / name).is_file()), None)
    if found:
        return found
    others = sorted(path for path in folder.iterdir() if path.name.endswith(_SUFFIXES) and path.is_file())
    indices = [path for path in others if path.name.endswith(shards.INDEX)]
    if len(indices or others) == 1:
        return (indices or others)[0]
    if (folder / "saved_model.pb").is_file():
        raise UserError(f"{folder} is a SavedModel of TensorFlow; look for a PyTorch version of the model.")
    names = [path.name for path in others]
    shown = f"{', '.join(names[:4])}{' …' if len(names) > 4 else ''}"
    what = f"is a folder of several files of weights ({shown})" if names else "is a folder without weights or an index"
    raise UserError(f"{folder} {what}; name the file of weights in it.")
