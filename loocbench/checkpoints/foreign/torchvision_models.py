"""Which of torchvision's networks that are no plain ResNets or ViTs a file's tensors belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torchvision
from torch import Tensor

from loocbench.models import architectures
from loocbench.types import Architecture

_COUNTER = re.compile(r"num_batches_tracked$")
_NEARLY = 0.9  # of the tensors
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (  # a name that they have, what torchvision's of them begin with
    (r"trunk_output\.", ("regnet",)),
    (r"stage2\.0\.branch", ("shufflenet",)),
    (r"layers\.8\.0\.layers", ("mnasnet",)),
    (r"Conv2d_1a_3x3\.", ("inception",)),
    (r"inception3a\.", ("googlenet",)),
    (r"blocks\.0\.layers\.0\.layers", ("maxvit",)),
    (r"features\.denseblock1\.", ("densenet",)),
    (r"features\.\d+\.squeeze", ("squeezenet",)),
    (r"features\.\d+\.\d+", ("mobilenet", "efficientnet", "convnext", "swin")),
    (r"features\.\d+\.(weight|bias)", ("alexnet", "vgg")),
)


def nearest(tensors: Mapping[str, Tensor]) -> Architecture | None:
    """Which other network of torchvision's fits best in names and shapes; nothing if none fits nearly.

    One that fits nearly is given too: what does not fit is then told by name.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items() if not _COUNTER.search(name)}
    best, best_score = None, _NEARLY
    for name in _candidates(tensors):
        architecture = Architecture(name=architectures.named(name))
        needed, heads = architectures.shapes(architecture)
        needed = {key: shape for key, shape in needed.items() if not _COUNTER.search(key)}
        own = {key for key in shapes if not key.startswith(heads)}
        score = sum(shapes.get(key) == shape for key, shape in needed.items()) / len(needed.keys() | own)
        if score > best_score:
            best, best_score = architecture, score
        if score == 1:
            break
    return best


def _candidates(tensors: Mapping[str, Tensor]) -> list[str]:
    """torchvision's networks that have such names and about as many parameters, the nearest in size first.

    A file without the classifier has down to a fifth of what torchvision states with it.
    """
    kinds = next((kinds for mark, kinds in _KINDS if any(map(re.compile(mark).match, tensors))), ())
    held = sum(tensor.numel() for tensor in tensors.values())
    stated = {
        name: int(torchvision.models.get_model_weights(name)["DEFAULT"].meta["num_params"])
        for name in torchvision.models.list_models(module=torchvision.models)
        if name.startswith(kinds or "\0")
    }
    near = [name for name, count in stated.items() if count / 6 < held < count * 1.2]
    return sorted(near, key=lambda name: abs(stated[name] - held))
