"""Task data whose features are known functions of the pixels of embedded flowers, so that results are known."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from loocbench.changes import applying
from loocbench.solvers.blocks import Blocks
from loocbench.types import UNCHANGED

SIDE = 32


def palette(images):
    """The mean colour: knows hue, is blind to orientation."""
    return images.mean(dim=(2, 3)) - 0.5


def layout(images):
    """Where it is bright, by HSV's value, which a turn of hue keeps: knows orientation, is blind to hue."""
    return F.adaptive_avg_pool2d(images.max(dim=1, keepdim=True).values, 4).flatten(1) - 0.5


def both(images):
    """Coarse pixels."""
    return F.adaptive_avg_pool2d(images, 4).flatten(1) - 0.5


def evaluate(card, data):
    """Evaluate made task data on a task."""
    return card.task_kind.evaluate(card.protocol, card.labels, data)


class Pictures:
    """A ``TaskData``."""

    seed = 5
    device = torch.device("cpu")
    foreground = ""

    def __init__(self, dataset, encode, other=None):
        self.dataset, self.encode, self.other = dataset, encode, other
        self.dataset_name = dataset.name
        self.passes = []

    def features(self, split, *, change=UNCHANGED, rows=None):
        self.passes.append((split, change))
        rows = np.arange(len(self.dataset.splits[split])) if rows is None else rows
        crops = torch.from_numpy(self.crops(split, rows.tolist()))
        return self.encode(applying.apply_change(crops, change, rows.tolist()).float() / 255)

    def blocks(self, split, *, change=UNCHANGED):
        return Blocks.from_tensor(self.features(split, change=change))

    def labels(self, split, factor):
        return torch.from_numpy(self.dataset.splits[split].labels[factor])

    def factors(self, split):
        return list(self.dataset.splits[split].labels)

    def names(self, split, factor):
        return self.dataset.splits[split].class_names[factor]

    def items(self, split):
        return self.dataset.splits[split].items

    def crops(self, split, rows):
        items = [self.dataset.splits[split].items[row] for row in rows]
        return np.stack(self.dataset.read(items, SIDE)).transpose(0, 3, 1, 2)

    def elsewhere(self):
        return Pictures(self.other, self.encode)

    def info(self, message):
        """Nothing."""
