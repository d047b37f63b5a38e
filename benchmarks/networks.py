"""The same network twice, for comparisons: torchvision's own, and loocbench's encoder with the same weights."""

from __future__ import annotations

from torch import nn
from torchvision import models

from loocbench.checkpoints import untrained
from loocbench.features.encoder import Encoder
from loocbench.types import Preprocessing

SIZE = Preprocessing(image_size=224, resize=256)


def build_networks(backbone: str) -> tuple[nn.Module, Encoder]:
    """torchvision's network with loocbench's untrained weights, and the encoder that has them."""
    encoder = Encoder.from_checkpoint(untrained.build_checkpoint(backbone, 0, SIZE.image_size))
    network = getattr(models, backbone)(weights=None)
    network.fc = nn.Identity()
    weights = {}
    for name, value in encoder.network.state_dict().items():
        if name.startswith("trunk."):
            weights[name.removeprefix("trunk.")] = value
        elif name.startswith("stages.general."):
            weights["layer4." + name.removeprefix("stages.general.")] = value
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False), encoder
