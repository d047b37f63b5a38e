"""A checkpoint that costs nothing, and images of which some are damaged."""

import pytest

from loocbench.checkpoints import card_file, native, untrained
from tests.conftest import Silent, make_cub


class Heard(Silent):
    """A reporter that remembers its messages."""

    def __init__(self):
        self.messages = []

    def info(self, message):
        """Remember it."""
        self.messages.append(message)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """The file of an untrained network that sees 16 pixels."""
    made = untrained.build_checkpoint("resnet8", 0, 16)
    path = tmp_path_factory.mktemp("untrained") / "mine" / card_file.FILE
    path.parent.mkdir()
    native.save(path, made.card, made.weights)
    return path


@pytest.fixture
def damaged_birds(tmp_path):
    """The data folder of a small CUB-200-2011, and the name of its one image that cannot be decoded."""
    root = make_cub(tmp_path / "data")
    victim = sorted((root / "CUB_200_2011" / "images").rglob("*.jpg"))[5]
    victim.write_bytes(victim.read_bytes()[:300])
    return root, victim.name
