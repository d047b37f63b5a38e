"""Checkpoints as other people's training scripts write them: the same small network in each one's names."""

from __future__ import annotations

from argparse import Namespace
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

State = dict[str, Tensor]


def seeded(net: nn.Module) -> nn.Module:
    """The network in evaluation mode, its running statistics unlike those of a fresh one."""
    generator = torch.Generator().manual_seed(1)
    for name, buffer in net.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) * 0.5 + 0.5)
    return net.eval()


def resnet18() -> nn.Module:
    """torchvision's, without its classifier: images -> features [N, 512]."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = torchvision.models.resnet18()
    net.fc = nn.Identity()
    return seeded(net)


def prefixed(prefix: str, state: Mapping[str, Tensor]) -> State:
    return {prefix + name: tensor for name, tensor in state.items()}


def linear(name: str, inputs: int, outputs: int) -> State:
    return {f"{name}.weight": torch.zeros(outputs, inputs), f"{name}.bias": torch.zeros(outputs)}


def other(prefix: str, state: Mapping[str, Tensor]) -> State:
    """The first tensors of another network of the same names, whose values must not be taken."""
    return {prefix + name: torch.full_like(tensor, 7) for name, tensor in list(state.items())[:12]}


OPTIMISER = {"state": {0: {"momentum_buffer": torch.zeros(3)}}, "param_groups": [{"lr": 0.03, "params": [0]}]}


def _moco(s: State) -> Any:
    heads = {**linear("module.encoder_q.fc.0", 512, 512), **linear("module.encoder_q.fc.2", 512, 128)}
    model = {
        **prefixed("module.encoder_q.", s),
        **heads,
        **other("module.encoder_k.", s),
        "module.queue": torch.zeros(128, 64),
        "module.queue_ptr": torch.zeros(1, dtype=torch.int64),
    }
    return {"epoch": 200, "arch": "resnet18", "state_dict": OrderedDict(model), "optimizer": OPTIMISER}


def _moco_v3(s: State) -> Any:
    head = linear("module.base_encoder.fc.0", 512, 4096)
    model = {**prefixed("module.base_encoder.", s), **head, **other("module.momentum_encoder.", s)}
    return {"state_dict": {**model, **linear("module.predictor.0", 256, 4096)}, "optimizer": OPTIMISER, "scaler": {}}


def _lightly(s: State) -> Any:
    places = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}
    children = {f"{places[name.split('.')[0]]}.{name.partition('.')[2]}": tensor for name, tensor in s.items()}
    model = {
        **prefixed("backbone.", children),
        **other("backbone_momentum.", children),
        **linear("projection_head.layers.0", 512, 512),
        "criterion.memory_bank.bank": torch.zeros(128, 64),
    }
    return {"state_dict": model, "epoch": 9, "pytorch-lightning_version": "2.1", "hyper_parameters": {"lr": 0.06}}


def _solo_learn(s: State) -> Any:
    model = {**prefixed("backbone.", s), **other("momentum_backbone.", s), **linear("projector.0", 512, 2048)}
    return {"state_dict": {**model, **linear("classifier", 512, 100), "queue": torch.zeros(2, 256, 64)}}


def _solo_learn_old(s: State) -> Any:
    return {"state_dict": {**prefixed("encoder.", s), **other("momentum_encoder.", s), **linear("classifier", 512, 10)}}


def _solo_learn_swav(s: State) -> Any:
    model = {**prefixed("backbone.", s), **linear("projector.0", 512, 64), "prototypes.weight": torch.zeros(9, 64)}
    return {"state_dict": {**model, **linear("classifier", 512, 10)}}


def _solo_learn_old_simsiam(s: State) -> Any:
    model = {**prefixed("encoder.", s), **linear("projector.0", 512, 64), **linear("predictor.0", 64, 64)}
    return {"state_dict": {**model, **linear("classifier", 512, 10)}}


def _deit(s: State) -> Any:
    return {"model": dict(s), "model_ema": other("", s), "optimizer": OPTIMISER}


def _vissl(s: State) -> Any:
    trunk = prefixed("_feature_blocks.", s)
    model = {"trunk": trunk, "heads": linear("0.clf.0", 512, 128)}
    return {
        "phase_idx": 200,
        "classy_state_dict": {"base_model": {"model": model}, "optimizer": {"optim": OPTIMISER}, "loss": None},
    }


def _mmselfsup(s: State) -> Any:
    model = {
        **prefixed("backbone.", s),
        **linear("neck.mlp.0", 512, 2048),
        **other("encoder_q.0.", s),
        **other("encoder_k.0.", s),
        "queue": torch.zeros(128, 64),
    }
    return {"meta": {"epoch": 200}, "state_dict": model, "optimizer": OPTIMISER}


def _mmpretrain(s: State) -> Any:
    model = {"data_preprocessor.mean": torch.zeros(3, 1, 1), **prefixed("backbone.", s), **linear("head.fc", 512, 1000)}
    return {"meta": {"dataset_meta": {"classes": ["a"]}}, "state_dict": model}


def _dino(s: State) -> Any:
    teacher = {
        **prefixed("backbone.", s),
        **linear("head.mlp.0", 512, 2048),
        "head.last_layer.weight_g": torch.ones(9, 1),
    }
    return {
        "student": {**other("module.backbone.", s), **linear("module.head.mlp.0", 512, 2048)},
        "teacher": teacher,
        "epoch": 100,
        "args": Namespace(arch="resnet18", lr=0.03),
        "dino_loss": {"center": torch.zeros(1, 9)},
    }


def _simsiam(s: State) -> Any:
    model = {**prefixed("module.encoder.", s), **linear("module.encoder.fc.0", 512, 512)}
    return {"arch": "resnet18", "state_dict": {**model, **linear("module.predictor.0", 2048, 512)}}


def _barlow_twins(s: State) -> Any:
    model = {**prefixed("module.backbone.", s), **linear("module.projector.0", 512, 8192)}
    return {"epoch": 1000, "model": {**model, "module.bn.running_mean": torch.zeros(8192)}, "optimizer": OPTIMISER}


def _byol(s: State) -> Any:
    online = {**prefixed("online_encoder.net.", s), **linear("online_encoder.projector.net.0", 512, 4096)}
    return {**online, **other("target_encoder.net.", s), **linear("online_predictor.net.0", 256, 4096)}


def _byol_networks(s: State) -> Any:
    online = {**prefixed("module.online_network.encoder.", s), **linear("module.online_network.projetion.0", 512, 4096)}
    return {"model": {**online, **other("module.target_network.encoder.", s)}}


def _simclr(s: State) -> Any:
    return {**prefixed("encoder.", s), **linear("projector.0", 512, 512), **linear("projector.2", 512, 64)}


def _simclr_in_the_head(s: State) -> Any:
    return {"state_dict": {**prefixed("backbone.", s), **linear("backbone.fc.0", 512, 512)}, "arch": "resnet18"}


def _swav(s: State) -> Any:
    model = {**s, **linear("projection_head.0", 512, 2048), "prototypes.weight": torch.zeros(3000, 128)}
    return {"state_dict": prefixed("module.", model), "optimizer": OPTIMISER}


def _torchvision(s: State) -> Any:
    return OrderedDict({**s, **linear("fc", 512, 1000)})


# family that is recognised, and the file's content from a ResNet's tensors
LAYOUTS: dict[str, tuple[str, Callable[[State], Any]]] = {
    "moco": ("MoCo v1/v2 (official)", _moco),
    "moco-v3": ("MoCo v3 (official)", _moco_v3),
    "lightly": ("lightly", _lightly),
    "solo-learn": ("solo-learn", _solo_learn),
    "solo-learn-old": ("solo-learn", _solo_learn_old),
    "solo-learn-swav": ("solo-learn", _solo_learn_swav),
    "solo-learn-old-simsiam": ("solo-learn", _solo_learn_old_simsiam),
    "moving-average-beside": ("torchvision", _deit),
    "vissl": ("VISSL", _vissl),
    "mmselfsup": ("mmselfsup", _mmselfsup),
    "mmpretrain": ("mmpretrain", _mmpretrain),
    "dino": ("DINO (official)", _dino),
    "simsiam": ("SimSiam (official)", _simsiam),
    "barlow-twins": ("Barlow Twins or VICReg (official)", _barlow_twins),
    "byol": ("BYOL", _byol),
    "byol-networks": ("BYOL", _byol_networks),
    "simclr": ("SimCLR", _simclr),
    "simclr-in-the-head": ("SimCLR", _simclr_in_the_head),
    "swav": ("SwAV (official)", _swav),
    "torchvision": ("torchvision", _torchvision),
    "backbone-alone": ("backbone alone", lambda s: prefixed("backbone.", s)),
    "bare": ("torchvision", lambda s: dict(s)),
}
