"""Every training script's layout imports whole and gives the source model's own features.

Covers loocbench.checkpoints.foreign.families and loocbench.checkpoints.foreign.types.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.checkpoints.foreign.file_layouts import LAYOUTS
from tests.checkpoints.foreign.helpers import (
    assert_features_equal,
    compute_spaces,
    import_file,
    random_images,
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_imports_whole_and_gives_the_source_models_features(layout, source, tmp_path):
    family, build = LAYOUTS[layout]
    torch.save(build(source.state_dict()), tmp_path / "source.pth")
    found, checkpoint = import_file(tmp_path / "source.pth")
    assert found.family == family
    assert found.unknown == ()
    assert found.architecture.name == "resnet18"
    assert len(found.match.weights) == len(source.state_dict())
    assert found.spaces == {"general": 512}
    with torch.inference_mode():
        assert_features_equal(compute_spaces(checkpoint, random_images())["general"], source(random_images()))


def test_what_is_left_out_is_counted_by_name(source, tmp_path):
    torch.save(LAYOUTS["moco"][1](source.state_dict()), tmp_path / "moco.pth")
    found, _ = import_file(tmp_path / "moco.pth")
    assert found.left_out == {"training state": 1, "encoder_k": 12, "queue": 1, "queue_ptr": 1, "fc": 4}


def test_which_of_two_copies_was_taken_is_said(source, tmp_path):
    torch.save(LAYOUTS["moving-average-beside"][1](source.state_dict()), tmp_path / "net.pth")
    found, _ = import_file(tmp_path / "net.pth")
    assert found.notes[0] == "the weights as trained, not their moving average (model_ema)"


def test_lightning_writes_what_is_imported(source, tmp_path):
    """The real libraries: a lightly-style module, saved by Lightning with hyper-parameters and an optimiser."""
    lightning = pytest.importorskip("pytorch_lightning")
    heads = pytest.importorskip("lightly.models.modules")

    class Model(lightning.LightningModule):
        def __init__(self, rate: float = 0.1) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.backbone = nn.Sequential(*list(source.children())[:-1])
            self.projection_head = heads.MoCoProjectionHead(512, 512, 128)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

        def training_step(self, batch, _):
            return self.projection_head(self.backbone(batch[0]).flatten(1)).sum() * 0

    trainer = lightning.Trainer(
        max_epochs=1, logger=False, accelerator="cpu", enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, default_root_dir=tmp_path,
    )  # fmt: skip
    model = Model()
    state = {name: tensor.clone() for name, tensor in model.backbone.state_dict().items()}
    trainer.fit(model, torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.rand(2, 3, 32, 32)), 2))
    model.backbone.load_state_dict(state)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    source.eval()
    found, checkpoint = import_file(tmp_path / "last.ckpt")
    assert found.family == "lightly"
    with torch.inference_mode():
        assert_features_equal(compute_spaces(checkpoint, random_images())["general"], source(random_images()))


def test_two_networks_told_apart_by_their_wrappers_alone(weights, refused, tmp_path):
    torch.save({"model": dict(weights), "net": dict(weights)}, tmp_path / "net.pth")
    assert "choose one with --map" in refused(tmp_path / "net.pth")
