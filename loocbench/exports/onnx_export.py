"""Exporting a network as ONNX."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from loocbench import files
from loocbench.checkpoints.foreign import export_statement
from loocbench.errors import UserError
from loocbench.exact_float32 import exact_float32
from loocbench.extras import require
from loocbench.features.encoder import Encoder
from loocbench.models.preprocessing import describe_preprocessing


def export_onnx(path: Path, encoder: Encoder, features: str) -> float | None:
    """Write the encoder as an ONNX graph ``images -> features``, and check it if onnxruntime is installed.

    images: float [N, 3, S, S] in [0, 1], resized and cropped; the graph normalises them. The file's metadata say how.
    Returns the largest difference
    between ONNX Runtime's and torch's features relative to the largest feature, or None without onnxruntime. Raises
    UserError if the difference is 1e-3 or more, and then writes no file.
    """
    require("onnxscript", "onnx")
    require("onnx", "onnx")
    model = _FeatureModel(encoder, features).eval()
    size = encoder.preprocessing.image_size
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with files.writing(path) as part, torch.inference_mode():
        program = torch.onnx.export(
            model,
            (images,),
            dynamo=True,
            input_names=["images"],
            output_names=["features"],
            dynamic_shapes={"images": {0: torch.export.Dim("n")}},
            verbose=False,
        )
        assert program is not None  # the dynamo exporter returns a program
        program.model.metadata_props.update(
            {export_statement.KEY: export_statement.write_statement(encoder.card), "images": describe_input(encoder)}
        )
        program.save(str(part), external_data=False)
        try:
            runtime = require("onnxruntime", "onnx")
        except UserError:
            return None
        session = runtime.InferenceSession(str(part), providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {"images": images.numpy()})
        with exact_float32():
            expected = model(images)
        difference = float((torch.from_numpy(found) - expected).abs().max() / expected.abs().max().clamp_min(1e-12))
        if not difference < 1e-3:
            raise UserError(
                f"ONNX Runtime's features differ from torch's by {difference:.1e} of the largest; no file was written."
            )
        return difference


def describe_input(encoder: Encoder) -> str:
    """Return what the graph takes, and what it does itself."""
    values = describe_preprocessing(encoder.preprocessing)
    how = {"bilinear": "bilinearly", "bicubic": "bicubically"}[encoder.preprocessing.interpolation]
    return f"RGB in [0, 1], resized {how} and cropped to the centre; the graph normalises them ({values})"


class _FeatureModel(nn.Module):
    """Normalisation, network and the chosen spaces as one module."""

    def __init__(self, encoder: Encoder, features: str) -> None:
        super().__init__()
        self.network, self.parts = encoder.reading([features]).network, encoder.parse(features)
        self.mean = nn.Buffer(torch.tensor(encoder.preprocessing.mean)[:, None, None])
        self.std = nn.Buffer(torch.tensor(encoder.preprocessing.std)[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        """Features [N, D]."""
        every = self.network.forward_spaces((images - self.mean) / self.std)
        return torch.cat([every[part] for part in self.parts], dim=1)
