"""An encoder around any network."""

import pytest

from loocbench.checkpoints import untrained
from loocbench.features.encoder import Encoder
from loocbench.features.inference_config import InferenceConfig


@pytest.fixture
def encoder_of():
    """encoder_of(network, size, engine): the network as an encoder of size px images."""

    def make(network, size, inference=None):
        card = untrained.build_checkpoint("resnet8", 0, size).card
        return Encoder(card, network, "cpu", inference or InferenceConfig())

    return make
