"""Distributions of the drawn parameters.

Covers ``loocbench.views.augmentations``,
``loocbench.views.augmentations.crop``, ``loocbench.views.augmentations.rotation``,
``loocbench.views.augmentations.color``, ``loocbench.views.augmentations.flip``,
``loocbench.views.augmentations.blur``, ``loocbench.views.augmentations.augmentation``.
"""

import numpy as np
import torch

from loocbench.views.augmentations.color import draw_color
from loocbench.views.augmentations.crop import draw_crop
from loocbench.views.augmentations.rotation import draw_rotation


def test_drawn_crops_have_random_resized_crops_distribution():
    """The same boxes in the mean as torchvision's get_params, and every box inside its image."""
    from torchvision.transforms import RandomResizedCrop

    count, height, width = 20_000, 60, 90
    sizes = np.tile([height, width], (count, 1))
    box = torch.from_numpy(draw_crop(np.random.default_rng(0).random((count, 22)), sizes)["box"]).double()
    assert (box >= 0).all()
    assert (box[:, 0] + box[:, 2] <= height).all()
    assert (box[:, 1] + box[:, 3] <= width).all()
    torch.manual_seed(0)
    blank = torch.zeros(3, height, width)
    theirs = torch.tensor([RandomResizedCrop.get_params(blank, [0.2, 1.0], [3 / 4, 4 / 3]) for _ in range(5000)])
    error = (box.mean(dim=0) - theirs.double().mean(dim=0)).abs() / (theirs.double().std(dim=0) / 5000**0.5)
    assert (error < 4).all()


def test_probabilities_of_the_drawn_parameters():
    u = np.random.default_rng(1).random((40_000, 10))
    sizes = np.full((40_000, 2), 32)
    turns = torch.from_numpy(draw_rotation(u, sizes)["turns"])
    shares = torch.bincount(turns, minlength=4) / len(turns)
    torch.testing.assert_close(shares, torch.tensor([0.5, 1 / 6, 1 / 6, 1 / 6]), rtol=0, atol=0.01)
    drawn = {name: torch.from_numpy(value) for name, value in draw_color(u, sizes).items()}
    assert abs(drawn["jitter"].double().mean() - 0.8) < 0.01
    assert abs(drawn["gray"].double().mean() - 0.2) < 0.01
    assert drawn["factors"][:, 3].abs().max() <= 0.1
    assert len(drawn["order"].unique(dim=0)) == 24
