"""Fused convolutions for inference on the CPU: the same function, its layers fused where that is exact.

    conv, batch norm      ->  one convolution (torch.nn.utils.fusion): in eval mode batch norm is a scale and a shift
    conv, add, ReLU       ->  one call of oneDNN: the sum and the ReLU are taken while the result is in registers
    weights               ->  in the memory layout that oneDNN computes in, once and not at every call

torch.compile does the same to convolutions when it freezes weights; this needs no compiler, and no minute for it.
"""

from __future__ import annotations

import copy
import operator
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from loocbench.devices import has_onednn
from loocbench.models.library_network import LibraryNetwork
from loocbench.models.network import Network

OPERATION = "_convolution_pointwise"  # of oneDNN
_ADDITIONS = (operator.add, operator.iadd, torch.add)
_RELUS = (torch.relu, F.relu, torch.relu_)
_SHAPE = "loocbench shape"  # key of a node's meta data


class _Shapes(fx.Interpreter):
    """Notes the shape of every tensor; torch's own ``ShapeProp`` imports sympy for it, which takes a second."""

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            n.meta[_SHAPE] = list(result.shape)
        return result


class FusedConv2d(nn.Module):
    """A convolution, an addition and a ReLU as one call of oneDNN: maps [N, C, H, W] on the CPU, in its weights' type.

    add: whether a second argument, which is overwritten, is added before the ReLU.
    """

    def __init__(self, conv: nn.Conv2d, shape: list[int], *, add: bool, relu: bool) -> None:
        super().__init__()
        self._geometry = (list(conv.padding), list(conv.stride), list(conv.dilation), conv.groups)
        packed = torch.ops.mkldnn._reorder_convolution_weight(conv.weight.detach(), *self._geometry, shape)
        self._weight, self._bias = packed, None if conv.bias is None else conv.bias.detach()
        self._add, self._relu = add, "relu" if relu else None

    def forward(self, maps: Tensor, other: Tensor | None = None) -> Tensor:
        """relu(conv(maps) + other), of which addition and ReLU may be absent."""
        weights = (self._weight, self._bias, *self._geometry)
        if self._add:
            convolve_and_add = torch.ops.mkldnn._convolution_pointwise_.binary
            return convolve_and_add(other, maps, *weights, "add", 1.0, self._relu, [], "")
        return torch.ops.mkldnn._convolution_pointwise(maps, *weights, self._relu or "none", [], "")


def fuse_convolutions(
    network: Network | LibraryNetwork, images: Tensor, dtype: torch.dtype = torch.float32
) -> Network | LibraryNetwork | None:
    """A copy of ``network`` with fused convolutions, which computes in ``dtype``; None where there is nothing to fuse.

    images: normalised float32 [N, 3, H, W], whose shape says which memory layout is best; any N may follow, in
    ``dtype``. Batch norms are folded in float32, before weights are rounded. Raises what tracing raises, and what
    oneDNN raises for a ``dtype`` in which it does not compute here. Tracing assumes that control flow does not depend
    on the images: the caller compares features.
    """
    if not any(isinstance(module, nn.Conv2d) for module in network.modules()) or not has_onednn(OPERATION):
        return None
    fast = copy.deepcopy(network)
    with torch.no_grad():
        if isinstance(fast, Network):
            fast.trunk, count = _fuse(fast.trunk, images, dtype)
            maps = fast.trunk(images.to(dtype)).float()
            for name, stage in fast.stages.items():
                fast.stages[name], more = _fuse(stage, maps, dtype)
                count += more
        else:
            reader, count = _fuse(_Reader(fast), images, dtype)
            fast = LibraryNetwork(reader, fast.spaces, lambda net, images: net(images), fast.classifier_prefixes)
    return fast.to(dtype) if count else None


class _Reader(nn.Module):
    """A library's network and how its spaces are read off it, as one traceable module."""

    def __init__(self, network: LibraryNetwork) -> None:
        super().__init__()
        self.net = network.net
        self._read = network.read

    def forward(self, images: Tensor) -> dict[str, Any]:
        return dict(self._read(self.net, images))


def _fuse(module: nn.Module, images: Tensor, dtype: torch.dtype) -> tuple[fx.GraphModule, int]:
    """``module`` traced, with fused convolutions, in ``dtype``, and how many of them were fused with something."""
    traced = fx.symbolic_trace(module.eval())
    graph = traced.graph
    _drop_identities(traced)
    folds = _fold_batch_norm(traced)
    _Shapes(traced).run(images.contiguous(memory_format=torch.channels_last))
    traced.to(dtype)
    place = {node: number for number, node in enumerate(graph.nodes)}
    count = alone = 0
    for node in list(graph.nodes):
        conv = _module(traced, node)
        if type(conv) is not nn.Conv2d or conv.padding_mode != "zeros" or isinstance(conv.padding, str):
            continue
        last, other = _what_follows(traced, node, place)
        relu = last is not node and _is_relu(traced, last)
        shape = list(node.args[0].meta[_SHAPE])
        name = f"fused_{count + alone}"
        traced.add_submodule(name, FusedConv2d(conv, shape, add=other is not None, relu=relu))
        with graph.inserting_before(last):
            new = graph.call_module(name, (node.args[0],) if other is None else (node.args[0], other))
        new.meta, place[new] = dict(last.meta), place[last]
        last.replace_all_uses_with(new)
        graph.eliminate_dead_code()
        if last is node:
            alone += 1
        else:
            count += 1
    traced.delete_all_unused_submodules()
    graph.lint()
    traced.recompile()
    return traced, count + folds


def _drop_identities(traced: fx.GraphModule) -> None:
    """Take out what does nothing in eval mode."""
    for node in list(traced.graph.nodes):
        if isinstance(_module(traced, node), nn.Identity | nn.Dropout | nn.Dropout2d):
            node.replace_all_uses_with(node.args[0])
            traced.graph.erase_node(node)


def _fold_batch_norm(traced: fx.GraphModule) -> int:
    """Replace each convolution whose only reader is a batch norm by one convolution. Returns how many."""
    count = 0
    for node in list(traced.graph.nodes):
        norm = _module(traced, node)
        source = node.args[0] if node.args else None
        if type(norm) is not nn.BatchNorm2d or not isinstance(source, fx.Node) or norm.running_mean is None:
            continue
        conv = _module(traced, source)
        if type(conv) is not nn.Conv2d or len(source.users) > 1:
            continue
        name = f"folded_{count}"
        traced.add_submodule(name, fuse_conv_bn_eval(conv, norm))
        source.target = name
        node.replace_all_uses_with(source)
        traced.graph.erase_node(node)
        count += 1
    return count


def _what_follows(traced: fx.GraphModule, node: fx.Node, place: dict[fx.Node, int]) -> tuple[fx.Node, fx.Node | None]:
    """The last node that a convolution can take in, and what is added to its result on the way."""
    last, other = node, None
    follower = _only_user(last)
    if follower is not None and follower.op == "call_function" and follower.target in _ADDITIONS:
        others = [value for value in follower.args if value is not node]
        # It is overwritten: nothing may read it later, and it must not be the network's own input.
        if (
            len(others) == 1
            and isinstance(others[0], fx.Node)
            and not follower.kwargs
            and others[0].op != "placeholder"
            and place[others[0]] < place[node]
            and all(place[user] <= place[follower] and _only_reads(traced, user, follower) for user in others[0].users)
            and _same_shape(node, others[0])
            and _returns_fresh_tensor(traced, others[0])
        ):
            last, other = follower, others[0]
            follower = _only_user(last)
    if follower is not None and _is_relu(traced, follower):
        last = follower
    return last, other


def _returns_fresh_tensor(traced: fx.GraphModule, node: fx.Node) -> bool:
    """Whether a node's result shares memory with no other tensor: a convolution's, a pooling's."""
    return isinstance(_module(traced, node), FusedConv2d | nn.Conv2d | nn.BatchNorm2d | nn.MaxPool2d)


def _only_reads(traced: fx.GraphModule, user: fx.Node, addition: fx.Node) -> bool:
    """Whether a node returns no view of its input, through which a later node might read."""
    return user is addition or _returns_fresh_tensor(traced, user)


def _same_shape(one: fx.Node, other: fx.Node) -> bool:
    shapes = [node.meta.get(_SHAPE) for node in (one, other)]
    return shapes[0] is not None and shapes[0] == shapes[1]


def _only_user(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _is_relu(traced: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "call_method":
        return node.target in ("relu", "relu_")
    return isinstance(_module(traced, node), nn.ReLU) or (node.op == "call_function" and node.target in _RELUS)


def _module(traced: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return traced.get_submodule(str(node.target)) if node.op == "call_module" else None
