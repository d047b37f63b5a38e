"""Architectures by name: this package's ResNets, any of torchvision or timm, or a user's function that builds one."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import re
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from loocbench.errors import UserError, unknown
from loocbench.models import backbone_names, library_layers, library_network, timm_networks
from loocbench.models.initialisation import WithoutInitialisation
from loocbench.models.network import Network
from loocbench.types import Architecture

TORCHVISION, TIMM, PYTHON = "torchvision:", "timm:", "python:"
NET = "net."  # prefix of every tensor name of a LibraryNetwork
_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # classifiers of GoogLeNet and Inception that only training uses
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def resolve_name(name: str) -> str:
    """Return the full name of the architecture that a user calls ``name``. Raises UserError for an unknown one.

    Names of :mod:`~loocbench.models.backbones` stay (``resnet50``); other names of torchvision get the prefix
    ``torchvision:``, and ``package.module:function`` gets ``python:``.
    """
    if name.startswith(PYTHON) or (_FUNCTION.fullmatch(name) and not name.startswith((TORCHVISION, TIMM))):
        function = name.removeprefix(PYTHON)
        if not _FUNCTION.fullmatch(function):
            raise UserError(f"'{name}' does not name a function; write package.module:function.")
        return PYTHON + function
    if name.startswith(TIMM):
        return TIMM + timm_networks.resolve_name(name.removeprefix(TIMM))
    bare = name.removeprefix(TORCHVISION)
    if bare in backbone_names.list_backbones():
        return bare
    import torchvision  # here, for it takes as long to import as torch

    known = torchvision.models.list_models(module=torchvision.models)
    if bare not in known:
        raise unknown(
            "architecture", name, [*backbone_names.list_backbones(), *known, "timm:NAME", "package.module:function"]
        )
    return TORCHVISION + bare


def build_architecture(
    architecture: Architecture, spaces: tuple[str, ...] = ()
) -> Network | library_network.LibraryNetwork:
    """Build a network, freshly initialised from torch's global generator.

    spaces: names of the heads, or of the spaces that a user's own network returns.
    """
    name = architecture.name
    if name.startswith(TORCHVISION):
        return _build_torchvision(name.removeprefix(TORCHVISION), architecture.options)
    if name.startswith(TIMM) and not _is_pretrained_here(architecture):
        return timm_networks.build_network(name.removeprefix(TIMM), architecture.options)
    if name.startswith(PYTHON):
        return library_network.wrap_user_network(_build_user_network(name.removeprefix(PYTHON)), spaces)
    return Network(
        name,
        spaces,
        separate=architecture.separate,
        embedding_dim=architecture.embedding_dim,
        hidden_dim=architecture.hidden_dim,
        stem_padding=int(architecture.options.get("stem_padding", 0)),
        image_size=int(architecture.options.get("img_size", 0)),
    )


def _is_pretrained_here(architecture: Architecture) -> bool:
    """Whether a network of timm is that of a recipe, in two parts and with heads: embeddings then have a dimension."""
    return architecture.embedding_dim > 0


def build_without_weights(
    architecture: Architecture, spaces: tuple[str, ...] = ()
) -> Network | library_network.LibraryNetwork:
    """Build a network on torch's meta device: its tensors have names, shapes and dtypes, but no memory."""
    try:
        with torch.device("meta"), WithoutInitialisation():
            return build_architecture(architecture, spaces)
    except (NotImplementedError, RuntimeError):  # RegNets compute their widths with tensors: built for real
        with torch.random.fork_rng(devices=[]):
            return build_architecture(architecture, spaces)


def build_with_weights(
    architecture: Architecture, spaces: tuple[str, ...], weights: Mapping[str, Tensor]
) -> Network | library_network.LibraryNetwork:
    """Build a network and load its weights; torch's generators stay as they are.

    Raises RuntimeError for a missing, unexpected or misshapen tensor.
    """
    if architecture.name.startswith((TORCHVISION, TIMM, PYTHON)):  # these may hold tensors that are no weights
        own = architecture.name.startswith(PYTHON)  # a user's code may compute with the initial weights
        with torch.random.fork_rng(devices=[]), nullcontext() if own else WithoutInitialisation():
            network = build_architecture(architecture, spaces)
        network.load_state_dict(dict(weights), strict=True)
    else:  # initial weights of a ResNet-50 take most of a second, and are replaced
        network = build_without_weights(architecture, spaces)
        network.load_state_dict({name: tensor.clone() for name, tensor in weights.items()}, strict=True, assign=True)
    return network


def list_tensor_shapes(architecture: Architecture) -> tuple[dict[str, tuple[int, ...]], tuple[str, ...]]:
    """Return the tensor shapes of a network by its library's names, and the prefixes of its removed classifiers."""
    net = build_without_weights(architecture)
    prefixes = net.classifier_prefixes if isinstance(net, library_network.LibraryNetwork) else ()
    return {name.removeprefix(NET): tuple(tensor.shape) for name, tensor in net.state_dict().items()}, prefixes


@lru_cache(maxsize=16)
def default_image_size(name: str) -> int:
    """Return the image size in pixels that an architecture is made for. Raises UserError if it is not square."""
    if name == f"{TORCHVISION}inception_v3":
        return 299
    if name.startswith(TIMM):
        height, width = timm_networks.read_input_size(name.removeprefix(TIMM))
        if height != width:
            raise UserError(
                f"{name} is made for images of {height} x {width} px, loocbench's are square; name another."
            )
        return height
    return backbone_names.default_image_size(name)


def _build_torchvision(name: str, options: Mapping[str, Any]) -> library_network.LibraryNetwork:
    import torchvision

    if name not in (known := torchvision.models.list_models(module=torchvision.models)):
        raise unknown("torchvision model", name, known)
    needs: dict[str, Any] = dict(options)
    if name in ("googlenet", "inception_v3"):
        # Their published weights were ported from TensorFlow and expect its scaling of the input.
        needs |= {"transform_input": True, "init_weights": False, "aux_logits": False}
    with library_network.library_errors_as_user_errors(name, options):
        net = torchvision.models.get_model(name, weights=None, **needs)
    if isinstance(net, torchvision.models.VisionTransformer):
        net.heads = nn.Identity()
        read, read_blocks = library_layers.forward_torchvision_tokens, library_layers.read_torchvision_blocks
        return library_network.wrap_vit(net, read, 1, ("heads.",), read_blocks, len(net.encoder.layers))
    if name.startswith("squeezenet"):  # classifies by a convolution: its features are the pooled maps before it
        net.classifier = nn.AdaptiveAvgPool2d(1)
        return library_network.wrap_pooled_network(net, ("classifier.",))
    path, _ = [(path, part) for path, part in net.named_modules() if isinstance(part, nn.Linear)][-1]
    parent, _, last = path.rpartition(".")
    setattr(net.get_submodule(parent), last, nn.Identity())
    return library_network.wrap_pooled_network(net, (f"{path}.", *_AUXILIARY))


def hash_user_code(name: str) -> str:
    """Return the SHA-256 of the imported module that holds a user's function; "" for architectures of libraries."""
    if not name.startswith(PYTHON):
        return ""
    module = sys.modules.get(name.removeprefix(PYTHON).partition(":")[0])
    file = getattr(module, "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""


def _build_user_network(name: str) -> nn.Module:
    """Call the user's function. Exceptions raised inside it pass unchanged: the traceback shows the user's own code."""
    module, _, function = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))  # as 'python -m' does
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(
            f"no Python module '{error.name}' for {name}; run in its folder or add that to PYTHONPATH."
        ) from error
    finally:
        sys.path.pop(0)
    make = getattr(found, function, None)
    if make is None:
        raise unknown(f"function of {module}", function, [n for n, f in vars(found).items() if inspect.isfunction(f)])
    net = make()
    if not isinstance(net, nn.Module):
        raise UserError(f"{name}() gives a {type(net).__name__}, not a torch.nn.Module.")
    return net
