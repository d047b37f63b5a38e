"""Preprocessing of foreign networks: stated by the library, or for images of another size."""

from __future__ import annotations

import re

import pytest
import torch
import torchvision
from torch import nn

from loocbench.checkpoints.foreign import preprocessing
from loocbench.errors import UserError
from loocbench.types import Architecture
from tests.checkpoints.foreign.helpers import (
    assert_features_equal,
    compute_spaces,
    import_file,
    random_images,
)
from tests.checkpoints.foreign.vit_layouts import (
    assert_all_features_equal,
    build_vit,
    tokens,
)


def test_known_weights_of_torchvision_state_their_preprocessing(monkeypatch):
    entry = torchvision.models.ResNet50_Weights.IMAGENET1K_V2
    mark = re.search(r"-([0-9a-f]{8})\.pth", entry.url)[1]
    stated = preprocessing.resolve_preprocessing(
        Architecture(name="resnet50"),
        mark + "0" * 56,
        preprocessing.PreprocessingOverrides(mean=(0.5, 0.5, 0.5)),
    )
    assert (stated.values.resize, stated.values.image_size) == (232, 224)
    assert stated.values.mean == (0.5, 0.5, 0.5)
    assert stated.known_from == "mean as given; the rest stated by torchvision for ResNet50_Weights.IMAGENET1K_V2"
    assert stated.trained_on == "ImageNet-1k"


def test_a_vit_at_another_resolution_keeps_its_weights(tmp_path):
    net = build_vit()
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    _, checkpoint = import_file(tmp_path / "vit.pth", preprocessing=preprocessing.PreprocessingOverrides(image_size=96))
    dynamic = build_vit(dynamic_img_size=True)
    dynamic.load_state_dict(net.state_dict())
    assert torch.equal(checkpoint.weights["net.pos_embed"], net.state_dict()["pos_embed"])
    assert_all_features_equal(compute_spaces(checkpoint, random_images(96)), tokens(dynamic, random_images(96)))


@pytest.mark.parametrize("name", ["cait_xxs24_224", "beit_base_patch16_224", "volo_d1_224"])
def test_another_resolution_where_positions_are_fixed_is_one_line(name):
    pytest.importorskip("timm")
    with pytest.raises(UserError, match=f"timm:{name} takes images of 224 px; leave --image-size out"):
        preprocessing.adapt_to_image_size(Architecture(name=f"timm:{name}"), 256)


@pytest.mark.realdata
def test_real_mobilenet_gives_torchvisions_own_features(real_weights):
    path = real_weights / "mobilenet_v2-b0353104.pth"
    found, checkpoint = import_file(path)
    assert found.preprocessing.known_from == "stated by torchvision for MobileNet_V2_Weights.IMAGENET1K_V1"
    net = torchvision.models.mobilenet_v2()
    net.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    net.classifier = nn.Identity()
    with torch.inference_mode():
        assert_features_equal(compute_spaces(checkpoint, random_images(224))["general"], net.eval()(random_images(224)))
