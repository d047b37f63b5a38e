"""Signs of collapse."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F


def test_alignment_and_uniformity_tell_collapse_from_spread():
    from loocbench.pretraining import collapse

    generator = torch.Generator().manual_seed(0)
    spread = F.normalize(torch.randn(1, 400, 64, generator=generator), dim=2)
    collapsed = spread[:, :1].expand(1, 400, 64)
    assert float(collapse.uniformity(collapsed)) == pytest.approx(0, abs=1e-4)
    assert float(collapse.uniformity(spread)) < -3
    naive = np.mean(
        [
            np.exp(-2 * float((spread[0, i] - spread[0, j]).square().sum()))
            for i in range(40)
            for j in range(40)
            if i != j
        ]
    )
    assert float(collapse.uniformity(spread[:, :40])) == pytest.approx(np.log(naive), rel=1e-4)
    assert float(collapse.alignment(spread, spread)) == 0
    assert float(collapse.alignment(spread, -spread)) == pytest.approx(4, rel=1e-5)
