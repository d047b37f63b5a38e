"""lightly's MoCo in a process of its own, as its users run it: without what loocbench sets of a process.

It takes as many steps as each line of its input says, and prints their seconds. For ``pretraining.py``.
"""

from __future__ import annotations

import copy
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from lightly.loss import NTXentLoss
from lightly.models.modules import MoCoProjectionHead
from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.transforms import MoCoV2Transform
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import datasets, models

BATCH, WORKERS = 64, 2


def loader(dataset: Dataset[Any]) -> Iterator[Any]:
    """Batches without end; the workers stay."""
    batches = DataLoader(
        dataset, BATCH, shuffle=True, drop_last=True, num_workers=WORKERS, persistent_workers=True, prefetch_factor=2
    )
    while True:
        yield from batches


def elapsed(steps: Iterator[Any], device: str) -> float:
    """Seconds of one ``next``."""
    if device == "cuda":
        torch.cuda.synchronize()
    begin = time.perf_counter()
    next(steps)
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def lightly_moco(folder: Path, backbone: str, size: int) -> Iterator[None]:
    """Steps of lightly's MoCo example (examples/pytorch/moco.py) with the same backbone, queue and optimiser."""
    network = getattr(models, backbone)()
    dim = network.fc.in_features
    body, head = nn.Sequential(*list(network.children())[:-1]), MoCoProjectionHead(dim, dim, 128)
    key_body, key_head = copy.deepcopy(body), copy.deepcopy(head)
    deactivate_requires_grad(key_body)
    deactivate_requires_grad(key_head)
    criterion = NTXentLoss(memory_bank_size=(4096, 128))
    optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], lr=0.01, momentum=0.9, weight_decay=1e-4)
    for views, _ in loader(datasets.ImageFolder(str(folder), MoCoV2Transform(input_size=size))):
        update_momentum(body, key_body, m=0.999)
        update_momentum(head, key_head, m=0.999)
        query = head(body(views[0]).flatten(start_dim=1))
        with torch.no_grad():
            key = key_head(key_body(views[1]).flatten(start_dim=1))
        loss = criterion(query, key)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        yield


def main() -> None:
    """Arguments: folder of pictures, backbone, size of the views."""
    torch.set_num_threads(os.cpu_count() or 1)
    steps = lightly_moco(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    for line in sys.stdin:
        print(*[elapsed(steps, "cpu") for _ in range(int(line))], flush=True)


if __name__ == "__main__":
    main()
