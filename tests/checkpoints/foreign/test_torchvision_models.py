"""loocbench.checkpoints.foreign.torchvision_models: torchvision's other networks give pooled features."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from tests.checkpoints.foreign.file_layouts import seeded
from tests.checkpoints.foreign.helpers import (
    assert_features_equal,
    compute_spaces,
    import_file,
    random_images,
)


@pytest.mark.parametrize(
    "name", ["mobilenet_v2", "densenet121", "regnet_y_400mf", "shufflenet_v2_x0_5", "squeezenet1_1"]
)
def test_torchvisions_other_networks_give_what_enters_their_classifier(name, tmp_path):
    net = seeded(torchvision.models.get_model(name, weights=None))
    torch.save(net.state_dict(), tmp_path / "net.pth")
    found, checkpoint = import_file(tmp_path / "net.pth")
    assert found.architecture.name == f"torchvision:{name}"
    entered = []
    classifiers = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    if classifiers:
        classifiers[-1].register_forward_hook(lambda _, inputs, __: entered.append(inputs[0]))
    else:  # SqueezeNet classifies by a convolution of the maps
        net.features.register_forward_hook(lambda _, __, output: entered.append(output.mean(dim=(2, 3))))
    with torch.inference_mode():
        net(random_images())
    assert_features_equal(compute_spaces(checkpoint, random_images())["general"], entered[0])
