"""Families of foreign checkpoints: which tensors are the backbone, in the names that each training script gives them.

One entry per family. The query, teacher or online encoder is the backbone; the other networks, heads and queues beside
it are left out by name. The sources are the training scripts that write such files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from loocbench.checkpoints.foreign import map_hints, wrappers
from loocbench.checkpoints.foreign.types import RoutedTensors, count_group
from loocbench.errors import UserError


@dataclass(frozen=True)
class Family:
    """A training script's or library's layout of a checkpoint, by regular expressions.

    backbone: prefix of the backbone's tensors. marks, beside: each must be found in some tensor's name; they tell apart
    families that share a prefix.
    """

    name: str
    backbone: str
    marks: str = ""
    beside: str = ""


FAMILIES = (
    # facebookresearch/vissl: classy_state_dict/base_model/model/{trunk, heads}
    Family("VISSL", r"classy_state_dict\.base_model\.model\.trunk\.(?:_feature_blocks|base_model)\."),
    Family("VISSL", r"(?:trunk\.)?_feature_blocks\."),
    # vturrisi/solo-learn: before the others, because its other names depend on the method; "encoder" before 1.0.4
    Family("solo-learn", r"backbone\.", r"^(momentum_)?projector\.", r"^classifier\."),
    Family("solo-learn", r"encoder\.", r"^(momentum_)?projector\.", r"^classifier\."),
    # open-mmlab/mmselfsup before 1.0 registers the same backbone twice; the first is enough
    Family("mmselfsup", r"backbone\.", r"^(encoder_[qk]\.(module\.)?0\.|online_net\.|target_net\.)"),
    Family("mmselfsup", r"encoder_q\.0\.", r"^encoder_k\."),
    # facebookresearch/moco: main_moco.py
    Family("MoCo v1/v2 (official)", r"encoder_q\."),
    # facebookresearch/moco-v3
    Family("MoCo v3 (official)", r"base_encoder\."),
    # facebookresearch/dino, ibot, dinov2: the teacher is what they evaluate
    Family("DINO (official)", r"teacher\.(?:module\.)?backbone\."),
    Family("lightly", r"teacher_backbone\.", r"^student_backbone\."),
    # facebookresearch/simsiam
    Family("SimSiam (official)", r"encoder\.", r"^predictor\.0\.weight$"),
    # facebookresearch/barlowtwins, vicreg: {"model": {"module.backbone…"}}
    Family("Barlow Twins or VICReg (official)", r"backbone\.", r"^model\.(module\.)?projector\."),
    # lightly-ai/lightly: the names of its examples and benchmarks
    Family(
        "lightly",
        r"backbone\.",
        r"^(projection_head|prediction_head|backbone_momentum|projection_head_momentum|online_classifier)\.",
    ),
    # solo-learn's methods without a projector
    Family(
        "solo-learn", r"backbone\.", r"^(projector|momentum_backbone|momentum_projector|predictor|queue|classifier)"
    ),
    Family("solo-learn", r"encoder\.", r"^(momentum_encoder|momentum_projector|classifier)\."),
    # open-mmlab/mmpretrain, mmselfsup 1.0
    Family("mmpretrain", r"backbone\.", r"^(neck|head|data_preprocessor|momentum_encoder|target_generator)\."),
    # yaox12/BYOL-PyTorch; lucidrains/byol-pytorch
    Family("BYOL", r"online_network\.encoder\."),
    Family("BYOL", r"online_encoder\.(?:net\.)?"),
    # Spijkervet/SimCLR and many like it; sthalles/SimCLR
    Family("SimCLR", r"encoder\.(?!layers)", r"^(projector|projection_head|projection)\."),
    Family("SimCLR", r"backbone\.", r"^backbone\.fc\.[02]\."),
    # facebookresearch/swav: a ResNet with its head and prototypes inside
    Family("SwAV (official)", "", r"^(projection_head|prototypes)\."),
    # mlfoundations/open_clip with a network of timm, such as SigLIP's: the projection lies beside it
    Family("OpenCLIP", r"visual\.trunk\."),
    # openai/CLIP, mlfoundations/open_clip: the image tower
    Family("CLIP", r"visual\.", r"^visual\.(transformer|conv1)\."),
    # huggingface/transformers
    Family("transformers", r"(?:dinov2(?:_with_registers)?|vit)\.", r"^\w+\.embeddings\.patch_embeddings\."),
    Family("transformers", "", r"^embeddings\.patch_embeddings\."),
    Family("transformers", r"vision_model\.", r"^vision_model\.embeddings\.patch_embedding\."),
    Family("transformers", "", r"^embeddings\.patch_embedding\."),
    Family("timm", "", r"^(cls_token|pos_embed|patch_embed\.|conv_stem\.|stem\.)"),
    Family("backbone alone", r"backbone\."),
    Family("backbone alone", r"encoder\.(?!layers|pos_embedding|ln|layer\.)"),
    Family("torchvision", "", r"^(fc|classifier|heads|head|features|conv1|conv_proj)\."),
    Family("bare names", ""),
)

# Moving averages of the weights, which the scripts of timm, DeiT and MMEngine save beside them.
AVERAGES = re.compile(r"^(state_dict_ema|model_ema|ema_state_dict|ema)(\.|$)")

# Tensors beside a backbone: heads, other encoders, queues, and buffers of training.
_BESIDE_THE_BACKBONE = re.compile(
    r"^(classy_state_dict\..*|student\..*|teacher\..*|student_backbone\..*|student_head\..*|teacher_head\..*"
    r"|encoder_[qk]\..*|momentum_.*|.*_momentum\..*|backbone_momentum\..*|target_.*|online_.*|queue.*|.*\.queue.*"
    r"|projector\..*|projection.*|predictor.*|prediction_head.*|prototypes.*|neck\..*|head\..*|heads\..*|head_.*"
    r"|classifier\..*|fc\..*|bn\..*|linear\..*|data_preprocessor\..*|criterion.*|.*loss.*|center"
    r"|visual\.head\..*|transformer\..*|text\..*|token_embedding\..*|positional_embedding|ln_final\..*|text_projection.*|text_model\..*|visual_projection\..*|logit_(scale|bias)"
    r"|layernorm_unused|pooler\..*|net_avg.*|anchor.*|backbone\..*)$"
)


def route_by_family(tensors: Mapping[str, Tensor], *, own_network: bool = False) -> RoutedTensors:
    """Recognise the family of a file, and separate its backbone's tensors from the others.

    own_network: whether the network is a function of the user's, whose names may be those of wrappers. Raises UserError
    where two tensors have the same name without their wrappers, and for FSDP's flat parameters.
    """
    wrappers.refuse_flat_parameters(tensors)
    short: dict[str, str] = {}
    for name in tensors:
        bare = wrappers.strip_wrappers(name, within=not own_network)
        if bare in short:
            raise UserError(
                f"the file holds two networks that are told apart by their wrappers alone ({short[bare]} and {name}); "
                f"choose one with --map, which says {map_hints.choose_one(name, short[bare], bare)}."
            )
        short[bare] = name
    whole = [wrappers.strip_torch_wrappers(name) for name in tensors]
    family = next(family for family in FAMILIES if _matches(family, short, whole))
    backbone: dict[str, Tensor] = {}
    left_out: dict[str, int] = {}
    unknown = []
    start = re.compile(family.backbone)
    for name, named in short.items():
        match = start.match(name)
        if AVERAGES.match(name):
            count_group(left_out, name)
        elif match:
            backbone[name[match.end() :]] = tensors[named]
        elif _BESIDE_THE_BACKBONE.match(name):
            count_group(left_out, name)
        else:
            unknown.append(named)
    return RoutedTensors(family.name, backbone, left_out, tuple(unknown))


def _matches(family: Family, short: Iterable[str], whole: Iterable[str]) -> bool:
    if not any(map(re.compile(family.backbone).match, short)):
        return False
    wanted = [re.compile(mark) for mark in (family.marks, family.beside) if mark]
    return all(any(map(mark.search, short)) or any(map(mark.search, whole)) for mark in wanted)
