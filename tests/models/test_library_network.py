"""loocbench.models.library_network: a user's network may offer spaces."""

from __future__ import annotations

import pytest
import torch

from loocbench.errors import UserError
from tests.checkpoints.foreign.helpers import (
    import_file,
)


def test_a_network_of_ones_own_may_offer_spaces(tmp_path):
    (tmp_path / "two_spaces.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.conv = nn.Conv2d(3, 5, 3)\n"
        "    def forward(self, x):\n"
        "        maps = self.conv(x)\n"
        "        return {'general': maps.mean((2, 3)), 'largest': maps.amax((2, 3))}\n"
        "def make(): return Net()\n"
        "def maps(): return nn.Conv2d(3, 5, 3)\n"
    )
    torch.save({"conv.weight": torch.randn(5, 3, 3, 3), "conv.bias": torch.zeros(5)}, tmp_path / "net.pth")
    found, checkpoint = import_file(tmp_path / "net.pth", arch="two_spaces:make")
    assert found.spaces == {"general": 5, "largest": 5}
    assert checkpoint.card.spaces == ("largest",)
    torch.save({"weight": torch.randn(5, 3, 3, 3), "bias": torch.zeros(5)}, tmp_path / "maps.pth")
    with pytest.raises(UserError, match=r"returns \(1, 5, 222, 222\) for general, not features \[N, D\]"):
        import_file(tmp_path / "maps.pth", arch="two_spaces:maps")
