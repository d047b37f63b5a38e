"""Extraction with a small untrained network, and what it leaves in the cache."""

import torch

from loocbench.cache import layout
from loocbench.checkpoints import untrained
from loocbench.features import extraction
from loocbench.features.encoder import Encoder
from loocbench.ranks import Ranks
from tests.conftest import Silent


def encoder_with(device="cpu"):
    return Encoder.from_checkpoint(untrained.build_checkpoint("resnet8", 0, 16), device=device)


def extract(dataset, cache, ranks=None, split="test"):
    torch.set_num_threads(1)
    return extraction.extract(
        encoder_with(), dataset, dataset.splits[split], cache=cache, reporter=Silent(), ranks=ranks or Ranks()
    )


def bytes_of(cache):
    return {path.name: path.read_bytes() for path in sorted((cache / "features").glob("*.safetensors"))}


def left_over(cache):
    return [path for path in (cache / "features").iterdir() if path.suffix == layout.PART]


def clearing(real):
    """``real(path)``, before whose first call another process clears the file away; and the files that went."""
    cleared = []

    def opened(path):
        if not cleared:
            cleared.append(path)
            path.unlink()
        return real(path)

    return opened, cleared
