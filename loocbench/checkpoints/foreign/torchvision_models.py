"""Recognising torchvision's classification networks other than ResNets and ViTs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from loocbench.models import architectures
from loocbench.types import Architecture

_COUNTER = re.compile(r"num_batches_tracked$")
_LEAST_SCORE = 0.9  # fraction of tensors that must agree
_MODELS_BY_NAME: tuple[tuple[str, tuple[str, ...]], ...] = (  # pattern of a tensor's name, prefixes of the model names
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


def find_nearest_model(tensors: Mapping[str, Tensor]) -> Architecture | None:
    """Return the torchvision network whose tensors agree best in names and shapes, or None if none nearly agrees.

    A network that agrees only nearly is returned too, so that the mismatches can be reported by name.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items() if not _COUNTER.search(name)}
    best, best_score = None, _LEAST_SCORE
    for name in _list_candidates(tensors):
        architecture = Architecture(name=architectures.resolve_name(name))
        needed, heads = architectures.list_tensor_shapes(architecture)
        needed = {key: shape for key, shape in needed.items() if not _COUNTER.search(key)}
        own = {key for key in shapes if not key.startswith(heads)}
        score = sum(shapes.get(key) == shape for key, shape in needed.items()) / len(needed.keys() | own)
        if score > best_score:
            best, best_score = architecture, score
        if score == 1:
            break
    return best


def _list_candidates(tensors: Mapping[str, Tensor]) -> list[str]:
    """Return torchvision's networks with such tensor names and about as many parameters, the nearest in size first.

    torchvision states sizes with the classifier; without it a network may have only a fifth of the parameters.
    """
    import torchvision  # here, for it takes as long to import as torch

    prefixes = next((prefixes for mark, prefixes in _MODELS_BY_NAME if any(map(re.compile(mark).match, tensors))), ())
    held = sum(tensor.numel() for tensor in tensors.values())
    stated = {
        name: int(torchvision.models.get_model_weights(name)["DEFAULT"].meta["num_params"])
        for name in torchvision.models.list_models(module=torchvision.models)
        if name.startswith(prefixes or "\0")
    }
    near = [name for name, count in stated.items() if count / 6 < held < count * 1.2]
    return sorted(near, key=lambda name: abs(stated[name] - held))
