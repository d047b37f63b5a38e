"""loocbench.checkpoints.foreign.export_statement: an exported file is imported as it was exported, or refused."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from loocbench.checkpoints import card_file, native
from loocbench.checkpoints.foreign import export_statement, preprocessing
from loocbench.errors import UserError
from loocbench.jobs import checkpoints as job
from loocbench.types import Preprocessing
from tests.checkpoints.foreign.helpers import import_file
from tests.checkpoints.foreign.vit_layouts import build_vit

SMALL = Preprocessing(image_size=32, resize=40, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.25))


def export(name: str, output: str, layout: str = "torchvision") -> str:
    return job.export_checkpoint(name, layout, Path(output), Path("runs"), space=None, features=None, seed=0)


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> native.Checkpoint:
    """A checkpoint of images that are prepared as no default is."""
    source = tmp_path_factory.mktemp("imported") / "source.pth"
    torch.save(torchvision.models.resnet18().state_dict(), source)
    overrides = preprocessing.PreprocessingOverrides(**dict(SMALL))
    return import_file(source, preprocessing=overrides, trained_on="my photographs")[1]


@pytest.fixture
def small(imported) -> native.Checkpoint:
    """The same, saved as "small"."""
    native.save(Path("runs/small") / card_file.FILE, imported.card, imported.weights)
    return imported


@pytest.mark.parametrize("output", ["net.pth", "net.safetensors"])
@pytest.mark.parametrize("layout", ["torchvision", "timm"])
def test_an_export_is_imported_with_its_preprocessing(small, output, layout):
    assert export("small", output, layout).endswith(
        "as the file states: short side 40 px, crop 32 px, mean 0.5, 0.4, 0.3, std 0.2, 0.3, 0.25"
    )
    found, again = import_file(Path(output))
    assert again.card.preprocessing == SMALL
    assert again.card.weights == small.card.weights
    assert again.card.architecture == small.card.architecture
    assert again.card.dataset == "my photographs"
    assert found.preprocessing.known_from.startswith("stated by the file, an export of loocbench")


def test_what_the_user_gives_goes_before_what_the_file_states(small):
    export("small", "net.pth")
    overrides = preprocessing.PreprocessingOverrides(mean=(0.1, 0.1, 0.1))
    _, again = import_file(Path("net.pth"), preprocessing=overrides)
    assert again.card.preprocessing == SMALL.model_copy(update={"mean": (0.1, 0.1, 0.1)})
    assert again.card.source.preprocessing.startswith("mean as given; the rest stated by the file")


def test_other_tools_see_plain_tensors(small):
    export("small", "net.pth")
    export("small", "net.safetensors")
    plain = torch.load("net.pth", weights_only=True)
    assert type(plain) is OrderedDict
    assert plain.keys() == load_file("net.safetensors").keys()
    net = torchvision.models.resnet18()
    net.fc = torch.nn.Identity()
    net.load_state_dict(plain, strict=True)


def test_a_vits_heads_are_exported(tmp_path):
    """Shapes do not tell them: with the usual ones the features would be others."""
    timm = pytest.importorskip("timm")
    assert timm
    torch.save(build_vit(num_heads=6).state_dict(), "source.pth")
    _, checkpoint = import_file(Path("source.pth"), architecture_options={"num_heads": 6})
    native.save(Path("runs/vit") / card_file.FILE, checkpoint.card, checkpoint.weights)
    export("vit", "vit.safetensors", "timm")
    _, again = import_file(Path("vit.safetensors"))
    assert again.card.architecture == checkpoint.card.architecture
    assert again.card.architecture.options["num_heads"] == 6


def test_what_was_assumed_before_an_export_still_is():
    torch.save(torchvision.models.resnet18().state_dict(), "source.pth")
    export("source.pth", "net.pth")
    _, again = import_file(Path("net.pth"))
    assert "assumed: ImageNet's" in again.card.source.preprocessing
    assert "assumed a plain ResNet" in again.card.source.assumed


def alter(path: Path, **changes) -> Path:
    """Write the file anew with another statement; its checksum stays unless it is among the changes."""
    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata())
    stated = {**json.loads(metadata[export_statement.KEY]), **changes}
    save_file(load_file(path), "altered.safetensors", metadata={**metadata, export_statement.KEY: json.dumps(stated)})
    return Path("altered.safetensors")


def test_an_altered_export_is_refused(small):
    export("small", "net.safetensors")
    with pytest.raises(UserError, match="altered after it was exported"):
        import_file(alter(Path("net.safetensors"), preprocessing={**dict(SMALL), "mean": (0.5, 0.4, 0.8)}))
    with pytest.raises(UserError, match=r"bad value for std.*; export it anew"):
        import_file(alter(Path("net.safetensors"), preprocessing={**dict(SMALL), "std": (0, 1, 1)}))
    tensors = load_file("net.safetensors")
    next(iter(tensors.values())).view(-1)[0] += 1
    with safe_open("net.safetensors", framework="pt") as file:
        save_file(tensors, "other.safetensors", metadata=file.metadata())
    with pytest.raises(UserError, match="altered after it was exported"):
        import_file(Path("other.safetensors"))


def test_an_export_cannot_name_code(small):
    export("small", "net.safetensors")
    card = small.card.model_copy(
        update={"architecture": small.card.architecture.model_copy(update={"name": "python:os:system"})}
    )
    statement = export_statement.write_statement(
        card, architecture=card.architecture, weights=load_file("net.safetensors")
    )
    save_file(load_file("net.safetensors"), "hostile.safetensors", metadata={export_statement.KEY: statement})
    with pytest.raises(UserError, match=r"names code .python:os:system., which no export does"):
        import_file(Path("hostile.safetensors"))
