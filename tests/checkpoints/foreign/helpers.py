"""Importing foreign files in tests, and comparing features."""

from __future__ import annotations

import sys
from collections import OrderedDict
from pathlib import Path

import torch
import torchvision
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from loocbench.checkpoints import native, networks
from loocbench.checkpoints.foreign import importing, inspecting
from tests.checkpoints.foreign.file_layouts import seeded
from tests.cli.conftest import files_below


def shufflenet_weights() -> dict[str, torch.Tensor]:
    """The tensors of a small network of torchvision's."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torchvision.models.shufflenet_v2_x0_5().state_dict()


def assert_import_refused(one_line, folder: Path, path: Path, *options) -> str:
    """Import a file that must be refused; return the line. Nothing may be written below ``folder``."""
    before = files_below(folder)
    line = one_line("checkpoints", "import", path, "--name", "x", *options)
    assert files_below(folder) == before
    return line


def random_images(size: int = 64) -> torch.Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(2))


def compute_spaces(checkpoint: native.Checkpoint, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the features of normalised images in every space of an imported network."""
    network = networks.build_from_checkpoint(checkpoint)
    with torch.inference_mode():
        return network.eval().forward_spaces(pixels)


def import_file(path, **options) -> tuple[inspecting.Inspection, native.Checkpoint]:
    chosen = inspecting.ImportOptions(**options)
    found = inspecting.inspect_file(path, chosen)
    return found, importing.convert_to_checkpoint(found, chosen)


def assert_features_equal(found: torch.Tensor, expected: torch.Tensor) -> None:
    """Features agree within 1e-6 of the largest one."""
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) <= 1e-6 * float(expected.abs().max())


TENSOR = "stage2.1.branch2.0.weight"  # one of shufflenet_weights


def save_file_as(weights, path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file(dict(weights), path)
    else:
        torch.save(OrderedDict(weights), path)
    return path


class IndependentResNet20(nn.Module):
    """The same network, written as one loop over the tensors' names."""

    def __init__(self, state: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.state = state

    def norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        s = self.state
        mean, var = s[f"{name}.running_mean"], s[f"{name}.running_var"]
        return F.batch_norm(x, mean, var, s[f"{name}.weight"], s[f"{name}.bias"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(F.conv2d(x, self.state["conv1.weight"], padding=1), "bn1").relu()
        for stage in (1, 2, 3):
            for block in range(3):
                name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
                y = self.norm(F.conv2d(x, self.state[f"{name}.conv1.weight"], None, stride, 1), f"{name}.bn1").relu()
                y = self.norm(F.conv2d(y, self.state[f"{name}.conv2.weight"], padding=1), f"{name}.bn2")
                if stride == 2:
                    zeros = torch.zeros(len(x), x.shape[1] // 2, *y.shape[2:])
                    x = torch.cat([zeros, x[:, :, ::2, ::2], zeros], dim=1)
                x = (x + y).relu()
        return x.mean(dim=(2, 3))


def write_own_checkpoint(path: Path, module: str) -> dict[str, torch.Tensor]:
    """A checkpoint of the example's network as its author's script writes it. Returns the plain tensors."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        net = seeded(__import__(module).resnet20())
    finally:
        sys.path.pop(0)
    state = dict(net.state_dict())
    file = {f"module.{name}": t for name, t in state.items() if not name.endswith("num_batches_tracked")}
    file |= {"module.linear.weight": torch.zeros(10, 64), "module.linear.bias": torch.zeros(10)}
    torch.save({"state_dict": file, "best_prec1": 91.78}, path)
    return state
