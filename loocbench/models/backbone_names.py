"""The names of backbones, and the images that each is made for. Importing this imports no torch."""

from __future__ import annotations

from loocbench.errors import unknown
from loocbench.models.backbone import ADDED

SMALL = {  # blocks of each stage, and the width of the first
    "resnet8": (1, 16),
    "resnet14": (2, 16),
    "resnet20": (3, 16),
    "resnet8_w32": (1, 32),
    "resnet14_w32": (2, 32),
}
TORCHVISION = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "resnext50_32x4d")
TIMM = "timm:"  # prefix of the names of timm's ViTs
MOBILENETS = ("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small")  # torchvision's
_COMMON_VITS = ("vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch16_224")  # to suggest


def list_backbones() -> list[str]:
    """Return the names of the backbones that are always split: ResNets, and those of plug-ins.

    A MobileNet that was not pretrained here is torchvision's whole network, ``torchvision:mobilenet_v2``.
    """
    return [*SMALL, *TORCHVISION, *ADDED]


def list_trainable() -> list[str]:
    """Return the names that ``backbones.build_backbone`` takes, and ``pretrain`` with it; beside them ``timm:`` and a
    ViT.
    """
    return [*list_backbones(), *MOBILENETS]


def resolve_trainable(name: str) -> str:
    """Return the name of a backbone in recipes. Raises UserError, with the nearest name, if ``pretrain`` has none."""
    if name.startswith(TIMM):
        from loocbench.models import vit_parts  # here and below, for it imports torch

        return TIMM + vit_parts.resolve_name(name.removeprefix(TIMM))
    if name not in list_trainable():
        raise unknown("backbone", name, [*list_trainable(), *(f"{TIMM}{vit}" for vit in _COMMON_VITS)])
    return name


def require_image_size(name: str, image_size: int) -> None:
    """Raise UserError if a backbone cannot be built for images of this size."""
    if name.startswith(TIMM):
        from loocbench.models import vit_parts

        vit_parts.require_whole_patches(name.removeprefix(TIMM), image_size)


def default_image_size(name: str) -> int:
    """Return the image size a backbone is made for: 32 px for the small ResNets, 224 px for torchvision's."""
    if name in ADDED:
        return ADDED[name].image_size
    if name.startswith(TIMM):
        from loocbench.models import timm_networks

        return timm_networks.read_input_size(name.removeprefix(TIMM))[0]
    return 32 if name in SMALL else 224
