"""Networks of other libraries by name: torchvision's, timm's, and a function of the user's own."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models import VisionTransformer

from loocbench.errors import UserError, unknown
from loocbench.extras import require
from loocbench.models import backbones, library_network
from loocbench.models.network import Network
from loocbench.types import Architecture

TORCHVISION, TIMM, PYTHON = "torchvision:", "timm:", "python:"
NET = "net."  # before every name of a whole network's tensors
_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # classifiers of GoogLeNet and Inception that only training uses
_OWN = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def named(name: str) -> str:
    """The full name of an architecture that a user calls ``name``. Raises UserError for an unknown one.

    ``resnet50`` and the like stay; another name of torchvision's gets its prefix, as does ``package.module:function``.
    """
    if name.startswith(PYTHON) or (_OWN.fullmatch(name) and not name.startswith((TORCHVISION, TIMM))):
        own = name.removeprefix(PYTHON)
        if not _OWN.fullmatch(own):
            raise UserError(f"'{name}' names no function; write package.module:function.")
        return PYTHON + own
    if name.startswith(TIMM):
        return TIMM + _timm_name(name.removeprefix(TIMM))
    bare = name.removeprefix(TORCHVISION)
    if bare in backbones.names():
        return bare
    known = torchvision.models.list_models(module=torchvision.models)
    if bare not in known:
        raise unknown("architecture", name, [*backbones.names(), *known, "timm:NAME", "package.module:function"])
    return TORCHVISION + bare


def build(architecture: Architecture, spaces: tuple[str, ...] = ()) -> Network | library_network.LibraryNetwork:
    """The network, freshly initialised. spaces: of the heads, or those that a network of the user's own gives."""
    name = architecture.name
    if name.startswith(TORCHVISION):
        return _torchvision(name.removeprefix(TORCHVISION), architecture.options)
    if name.startswith(TIMM):
        return _timm(name.removeprefix(TIMM), architecture.options)
    if name.startswith(PYTHON):
        return library_network.own(_own(name.removeprefix(PYTHON)), spaces)
    return Network(
        name,
        spaces,
        separate=architecture.separate,
        embedding_dim=architecture.embedding_dim,
        hidden_dim=architecture.hidden_dim,
        stem_padding=int(architecture.options.get("stem_padding", 0)),
    )


def skeleton(architecture: Architecture, spaces: tuple[str, ...] = ()) -> Network | library_network.LibraryNetwork:
    """The network built without memory for its weights, where its library allows that: names, shapes, types."""
    try:
        with torch.device("meta"):
            return build(architecture, spaces)
    except (NotImplementedError, RuntimeError):  # RegNets compute their widths with tensors
        with torch.random.fork_rng(devices=[]):
            return build(architecture, spaces)


def shapes(architecture: Architecture) -> tuple[dict[str, tuple[int, ...]], tuple[str, ...]]:
    """The shapes of a whole network's tensors by its library's names, and what those of its classifiers begin with."""
    net = skeleton(architecture)
    heads = net.heads if isinstance(net, library_network.LibraryNetwork) else ()
    return {name.removeprefix(NET): tuple(tensor.shape) for name, tensor in net.state_dict().items()}, heads


@lru_cache(maxsize=16)
def default_image_size(name: str) -> int:
    """The resolution in pixels that an architecture is made for."""
    if name == f"{TORCHVISION}inception_v3":
        return 299
    if name.startswith(TIMM):
        timm = require("timm", "timm")
        return int(timm.get_pretrained_cfg(name.removeprefix(TIMM), allow_unregistered=True).input_size[-1])
    return backbones.default_image_size(name)


def _torchvision(name: str, options: Mapping[str, Any]) -> library_network.LibraryNetwork:
    if name not in (known := torchvision.models.list_models(module=torchvision.models)):
        raise unknown("torchvision model", name, known)
    needs: dict[str, Any] = dict(options)
    if name in ("googlenet", "inception_v3"):
        # Their published weights were ported from TensorFlow and expect its scaling of the input.
        needs |= {"transform_input": True, "init_weights": False, "aux_logits": False}
    with _told(name, options):
        net = torchvision.models.get_model(name, weights=None, **needs)
    if isinstance(net, VisionTransformer):
        net.heads = nn.Identity()
        return library_network.tokens(net, _torchvision_tokens, 1, ("heads.",))
    if name.startswith("squeezenet"):  # classifies by a convolution: its features are the pooled maps before it
        net.classifier = nn.AdaptiveAvgPool2d(1)
        return library_network.pooled(net, ("classifier.",))
    path, _ = [(path, part) for path, part in net.named_modules() if isinstance(part, nn.Linear)][-1]
    parent, _, last = path.rpartition(".")
    setattr(net.get_submodule(parent), last, nn.Identity())
    return library_network.pooled(net, (f"{path}.", *_AUXILIARY))


def _torchvision_tokens(net: VisionTransformer, images: Tensor) -> tuple[Tensor, Tensor]:
    patches = net._process_input(images)
    every = net.encoder(torch.cat([net.class_token.expand(len(patches), -1, -1), patches], dim=1))
    return every[:, 0], every


def _timm_name(name: str) -> str:
    timm = require("timm", "timm")
    architecture, _, tag = name.partition(".")
    if tag and timm.is_model(architecture):
        known = timm.list_pretrained(f"{architecture}.*")
        if known and name not in known:
            raise unknown("timm model", name, known)
    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('.')[0].split('_')[0]}*") or ["resnet50", "vit_base_patch16_224"]
        raise unknown("timm model", name, near[:40])
    return name


def _timm(name: str, options: Mapping[str, Any]) -> library_network.LibraryNetwork:
    timm = require("timm", "timm")
    with _told(f"timm:{name}", options):
        net = timm.create_model(_timm_name(name), pretrained=False, num_classes=0, **options)
    classifier = net.default_cfg.get("classifier") or ()
    heads = tuple(f"{path}." for path in ([classifier] if isinstance(classifier, str) else classifier))
    if isinstance(getattr(net, "patch_embed", None), nn.Module) and hasattr(net, "num_prefix_tokens"):
        return library_network.tokens(net, _timm_tokens, int(net.num_prefix_tokens), heads)
    return library_network.pooled(net, heads)


def _timm_tokens(net: Any, images: Tensor) -> tuple[Tensor, Tensor]:
    every = net.forward_features(images)
    return net.forward_head(every, pre_logits=True), every


@contextmanager
def _told(name: str, options: Mapping[str, Any]) -> Iterator[None]:
    """Turn a library's refusal of options into one line."""
    try:
        yield
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        if not options:
            raise
        said = ", ".join(f"{option} {value}" for option, value in options.items())
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(f"there is no {name} with {said} ({reason}); name another with --arch.") from error


def code(name: str) -> str:
    """SHA-256 of the file that a function of the user's own is in, once it is imported; nothing for a library's."""
    if not name.startswith(PYTHON):
        return ""
    module = sys.modules.get(name.removeprefix(PYTHON).partition(":")[0])
    file = getattr(module, "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""


def _own(name: str) -> nn.Module:
    """Call the user's function. What goes wrong inside it is shown as it is: it is the user's own code."""
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
