"""A backbone in the tensor_names that other programs read: torchvision's names, timm's names, ONNX."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import torch
from safetensors.torch import save
from torch import Tensor, nn

from loocbench import files
from loocbench.checkpoints import networks
from loocbench.checkpoints.foreign import tensor_names
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError, unknown
from loocbench.extras import require
from loocbench.features.encoder import Encoder
from loocbench.models import architectures, backbones
from loocbench.models.network import GENERAL

Layout = Literal["torchvision", "timm", "onnx"]
LAYOUTS: tuple[str, ...] = get_args(Layout)
_SUFFIXES = {"torchvision": (".pth", ".pt", ".safetensors"), "onnx": (".onnx",)}
_SUFFIXES["timm"] = _SUFFIXES["torchvision"]
_VIT = (  # torchvision's name, timm's name
    ("class_token", "cls_token"),
    ("encoder.pos_embedding", "pos_embed"),
    ("conv_proj.", "patch_embed.proj."),
    ("encoder.ln.", "norm."),
)
_VIT_BLOCK = (
    ("ln_1.", "norm1."),
    ("ln_2.", "norm2."),
    ("self_attention.in_proj_", "attn.qkv."),
    ("self_attention.out_proj.", "attn.proj."),
    ("mlp.0.", "mlp.fc1."),
    ("mlp.3.", "mlp.fc2."),
)


def tensors(checkpoint: Checkpoint, layout: str, space: str | None = None) -> dict[str, Tensor]:
    """The backbone's tensors under the names of ``layout``. space: whose last stage, where each has its own.

    Raises UserError where the layout has no such network.
    """
    card, name = checkpoint.card, checkpoint.card.backbone
    library = name.partition(":")[0] if ":" in name else ""
    if library:
        found = {key.removeprefix(architectures.NET): tensor for key, tensor in checkpoint.weights.items()}
        if library == layout:
            return found
        if library == "torchvision" and name.startswith("torchvision:vit_"):
            return {_vit_name(key): tensor for key, tensor in found.items()}
        raise UserError(f"{layout} has no layout of {name} that is the same network; use its own library's, or onnx.")
    if name not in backbones.TORCHVISION or (card.architecture and card.architecture.options):
        raise UserError(f"{layout} has no {name} like this one; export it with --format onnx.")
    # timm's ResNets have torchvision's names.
    stages = card.spaces if networks.has_separate_stages(card) else (GENERAL,)
    if space is None and len(stages) > 1:
        raise UserError(f"each space has its own last stage; name one with --space: {', '.join(stages)}.")
    if space is not None and space not in stages:
        raise unknown("space", space, stages)
    renamed = {
        tensor_names.to_torchvision_name(key, space or stages[0]): tensor for key, tensor in checkpoint.weights.items()
    }
    return {key: tensor for key, tensor in renamed.items() if key is not None}


def write(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write tensors by name as .safetensors, or else as torch.save does."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    with files.writing(path) as part:
        if path.suffix == ".safetensors":
            part.write_bytes(save(plain, metadata={"format": "pt"}))
        else:
            torch.save(plain, part)


def require_suffix(path: Path, layout: str) -> None:
    """Raise UserError for a layout that does not exist or a file name that does not go with it."""
    if layout not in LAYOUTS:
        raise unknown("format", layout, LAYOUTS)
    if path.suffix not in _SUFFIXES[layout]:
        raise UserError(f"{path} does not end in {' or '.join(_SUFFIXES[layout])}, as {layout} files do; rename it.")


def onnx(path: Path, encoder: Encoder, features: str) -> float | None:
    """Write ``images -> features`` as ONNX, and run it where onnxruntime is installed.

    images: float [N, 3, S, S] in [0, 1], resized and cropped; normalisation is inside. Returns the largest difference
    between ONNX Runtime's features and torch's in units of the largest feature, or None where it is not installed.
    """
    require("onnxscript", "onnx")
    require("onnx", "onnx")
    graph = _Graph(encoder, features).eval()
    size = encoder.preprocessing.image_size
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with files.writing(path) as part, torch.inference_mode():
        program = torch.onnx.export(
            graph,
            (images,),
            dynamo=True,
            input_names=["images"],
            output_names=["features"],
            dynamic_shapes={"images": {0: torch.export.Dim("n")}},
            verbose=False,
        )
        assert program is not None  # with dynamo it is given
        program.save(str(part), external_data=False)
        try:
            runtime = require("onnxruntime", "onnx")
        except UserError:
            return None
        session = runtime.InferenceSession(str(part), providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {"images": images.numpy()})
        expected = graph(images)
        difference = float((torch.from_numpy(found) - expected).abs().max() / expected.abs().max().clamp_min(1e-12))
        if not difference < 1e-3:
            raise UserError(
                f"ONNX Runtime's features differ from torch's by {difference:.1e} of the largest: not written."
            )
        return difference


class _Graph(nn.Module):
    """Normalisation, network, and the spaces that are asked for."""

    def __init__(self, encoder: Encoder, features: str) -> None:
        super().__init__()
        self.network, self.parts = encoder.network, encoder.parse(features)
        self.mean = nn.Buffer(torch.tensor(encoder.preprocessing.mean)[:, None, None])
        self.std = nn.Buffer(torch.tensor(encoder.preprocessing.std)[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        """Features [N, D]."""
        every = self.network.forward_spaces((images - self.mean) / self.std)
        return torch.cat([every[part] for part in self.parts], dim=1)


def _vit_name(name: str) -> str:
    """timm's name for a tensor of torchvision's ViT."""
    if block := re.match(r"encoder\.layers\.encoder_layer_(\d+)\.(.*)", name):
        rest = block[2]
        for theirs, timm in _VIT_BLOCK:
            rest = timm + rest.removeprefix(theirs) if rest.startswith(theirs) else rest
        return f"blocks.{block[1]}.{rest}"
    return next((timm + name.removeprefix(theirs) for theirs, timm in _VIT if name.startswith(theirs)), name)
