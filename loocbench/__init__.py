"""loocbench: pretrain LooC and LooC++, and measure which information a representation kept.

import loocbench

encoder = loocbench.load("runs/looc-color-rotation-blooms-s0")
encoder.spaces                                  # the feature spaces that this checkpoint offers
features = encoder(images, features="looc++")   # Tensor [N, D]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from loocbench.features.encoder import Encoder

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def load(checkpoint: str | Path, *, device: str = "cpu") -> Encoder:
    """Load a checkpoint as an :class:`~loocbench.features.encoder.Encoder`.

    ``checkpoint`` is a file of loocbench's own or another's, a run's name or folder, ``torchvision:NAME[:WEIGHTS]``,
    ``timm:NAME``, ``hf:ORG/REPO[@REVISION]``, or ``random:ARCHITECTURE`` for an untrained one: docs/checkpoints.md.
    Loading runs no code from the file. Raises :class:`loocbench.errors.UserError` when it cannot be read.
    """
    from loocbench.checkpoints import locate
    from loocbench.features.encoder import Encoder

    return Encoder.from_checkpoint(locate.load(str(checkpoint)), device=device)
