"""Backbones, split into a trunk and a last stage: LooC++ shares the trunk and copies the last stage."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from loocbench.errors import UserError
from loocbench.models.backbone import ADDED, BackboneParts
from loocbench.models.backbone_names import MOBILENETS, SMALL, TIMM, TORCHVISION, default_image_size, resolve_trainable


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
        parts = SmallResNet(*SMALL[name]).build_parts()
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
