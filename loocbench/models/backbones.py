"""Backbones, split into a trunk and a last stage: LooC++ shares the trunk and copies the last stage."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from loocbench.errors import UserError, unknown
from loocbench.models.backbone import ADDED, BackboneParts

TORCHVISION = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "resnext50_32x4d")
TIMM = "timm:"  # prefix of the names of timm's ViTs
MOBILENETS = ("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small")  # torchvision's
_COMMON_VITS = ("vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch16_224")  # to suggest


@dataclass(frozen=True)
class SmallResNet:
    """A ResNet for 32-64 px images: He et al. 2016, section 4.2, with 1x1 convolutions as shortcuts.

    A 3x3 stem, then three stages of ``blocks`` basic blocks with ``width``, 2 and 4 times ``width`` channels.
    """

    blocks: int
    width: int

    def build_parts(self) -> BackboneParts:
        """Build the backbone: the stem and the first two stages are the trunk, the third stage is the last."""
        w = self.width
        stem = nn.Sequential(nn.Conv2d(3, w, 3, padding=1, bias=False), nn.BatchNorm2d(w), nn.ReLU(inplace=True))
        trunk = nn.Sequential(stem, self._stage(w, w, 1), self._stage(w, 2 * w, 2))
        return BackboneParts(trunk, lambda: _initialise(self._stage(2 * w, 4 * w, 2)), 4 * w, ("1", "2"))

    def _stage(self, inputs: int, outputs: int, stride: int) -> nn.Sequential:
        first = BasicBlock(inputs, outputs, stride)
        return nn.Sequential(first, *(BasicBlock(outputs, outputs, 1) for _ in range(self.blocks - 1)))


SMALL = {
    "resnet8": SmallResNet(blocks=1, width=16),
    "resnet14": SmallResNet(blocks=2, width=16),
    "resnet20": SmallResNet(blocks=3, width=16),
    "resnet8_w32": SmallResNet(blocks=1, width=32),
    "resnet14_w32": SmallResNet(blocks=2, width=32),
}


class BasicBlock(nn.Module):
    """Residual block of two 3x3 convolutions with batch norm, and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Feature maps [N, inputs, h, w] -> [N, outputs, h / stride, w / stride]."""
        y = self.bn2(self.conv2(nn.functional.relu(self.bn1(self.conv1(x)), inplace=True)))
        return nn.functional.relu(y + self.shortcut(x), inplace=True)


def list_backbones() -> list[str]:
    """Return the names of the backbones that are always split: ResNets, and those of plug-ins.

    A MobileNet that was not pretrained here is torchvision's whole network, ``torchvision:mobilenet_v2``.
    """
    return [*SMALL, *TORCHVISION, *ADDED]


def list_trainable() -> list[str]:
    """Return the names that :func:`build_backbone` takes, and ``pretrain`` with it; beside them ``timm:`` and a ViT."""
    return [*list_backbones(), *MOBILENETS]


def resolve_trainable(name: str) -> str:
    """Return the name of a backbone in recipes. Raises UserError, with the nearest name, if ``pretrain`` has none."""
    if name.startswith(TIMM):
        from loocbench.models import vit_parts  # here and below, for it imports modules that import this one

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


def build_backbone(name: str, *, stem_padding: int = 0, image_size: int = 0) -> BackboneParts:
    """Build the parts of a backbone by name, freshly initialised from torch's global generator.

    stem_padding: replace the stem of a torchvision ResNet by the usual one for 32 px images: a 3x3 convolution of
    stride 1 with this padding, without max-pooling. image_size: in pixels, for which a ViT is built; 0 for its own.
    Raises UserError, with the nearest name, for an unknown name.
    """
    if name.startswith(TIMM):
        from loocbench.models import vit_parts

        return vit_parts.split_vit(name.removeprefix(TIMM), image_size or default_image_size(name))
    if name in SMALL:
        parts = SMALL[name].build_parts()
        return parts._replace(trunk=_initialise(parts.trunk))
    if name in ADDED:
        return _build_added(name)
    if name in MOBILENETS:
        return _split_mobilenet(name)
    if name not in TORCHVISION:
        resolve_trainable(name)
    import torchvision  # here, for it takes as long to import as torch, and the small networks do without

    net = torchvision.models.get_model(name, weights=None)
    trunk = nn.Sequential()
    for part in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3"):
        trunk.add_module(part, getattr(net, part))
    if stem_padding:
        trunk.conv1 = _initialise(nn.Conv2d(3, 64, 3, 1, stem_padding, bias=False))
        trunk.maxpool = nn.Identity()

    def build_last_stage() -> nn.Module:
        stage: nn.Module = torchvision.models.get_model(name, weights=None).layer4
        return stage

    return BackboneParts(trunk, build_last_stage, net.fc.in_features, ("layer1", "layer2", "layer3"))


def _split_mobilenet(name: str) -> BackboneParts:
    """Build the parts of a MobileNet of torchvision; its last stage begins where the resolution is halved last.

    Layers keep their numbers in torchvision's ``features``, in both parts.
    """
    import torchvision

    def build_layers() -> nn.Sequential:
        layers: nn.Sequential = torchvision.models.get_model(name, weights=None).features
        return layers

    layers = build_layers()
    halving = [number for number, layer in enumerate(layers) if any(map(_halves, layer.modules()))]
    return BackboneParts(layers[: halving[-1]], lambda: build_layers()[halving[-1] :], _last_channels(layers))


def _last_channels(layers: nn.Sequential) -> int:
    """The channels of what the last convolution returns."""
    return [layer.out_channels for layer in layers.modules() if isinstance(layer, nn.Conv2d)][-1]


def _halves(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.stride == (2, 2)


def _build_added(name: str) -> BackboneParts:
    """Build the parts of a plug-in's backbone. Raises UserError where they are not what they have to be."""
    parts = ADDED[name].build()
    if not isinstance(parts, BackboneParts) or not isinstance(parts.trunk, nn.Module):
        raise UserError(
            f"build() of architecture {name} gives {type(parts).__name__}; return BackboneParts of modules."
        )
    return parts


def _initialise(module: nn.Module) -> nn.Module:
    """Apply He initialisation to the convolutions, as torchvision's ResNets do."""
    for layer in module.modules():
        # On the meta device there are no values; drawing them there would import torch's compiler, for seconds.
        if isinstance(layer, nn.Conv2d) and not layer.weight.is_meta:
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return module
