"""loocbench.checkpoints.untrained: seeded baselines of any architecture."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision

from loocbench.checkpoints import card_file, locate, native
from loocbench.checkpoints.foreign import preprocessing
from loocbench.errors import UserError
from loocbench.pretraining.labels import model_label
from tests.checkpoints.foreign.helpers import (
    import_file,
)


def test_an_untrained_network_is_a_seeded_checkpoint():
    first, again, other = (locate.load("random:resnet8", seed=seed).card.weights for seed in (0, 0, 1))
    assert first == again != other


def test_an_untrained_network_of_any_architecture_is_a_baseline():
    first, again, other = (locate.load("random:shufflenet_v2_x0_5", seed=seed) for seed in (0, 0, 1))
    assert first.card.weights == again.card.weights != other.card.weights
    assert model_label(first.card) == "Random"
    assert first.card.backbone == "torchvision:shufflenet_v2_x0_5"


def test_the_untrained_twin_of_a_checkpoint_sees_images_as_it_does(tmp_path):
    torch.save(torchvision.models.shufflenet_v2_x0_5().state_dict(), tmp_path / "net.pth")
    overrides = preprocessing.PreprocessingOverrides(image_size=64, resize=64, std=(1.0, 1.0, 1.0))
    _, checkpoint = import_file(tmp_path / "net.pth", preprocessing=overrides, name="mine")
    native.save(Path("runs/mine") / card_file.FILE, checkpoint.card, checkpoint.weights)
    twin = locate.load("random:mine", seed=3)
    assert twin.card.preprocessing == checkpoint.card.preprocessing
    assert twin.card.name == "random-mine-s3"
    assert twin.card.weights != checkpoint.card.weights


def test_an_untrained_timm_model_and_a_wrong_name():
    pytest.importorskip("timm")
    assert model_label(locate.load("random:timm:mobilenetv3_small_050").card) == "Random"
    with pytest.raises(UserError, match=r"unknown timm model 'vit_smal'"):
        locate.load("random:timm:vit_smal")
