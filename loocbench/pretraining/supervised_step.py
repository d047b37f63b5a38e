"""One step of supervised training: cross-entropy on the labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from loocbench.models.network import Network
from loocbench.models.spaces import GENERAL
from loocbench.pretraining.grouped_optimizer import GroupedOptimizer
from loocbench.pretraining.layout import Layout, Share
from loocbench.pretraining.networks import build_network
from loocbench.pretraining.recipes import find_method
from loocbench.pretraining.step import autocast
from loocbench.ranks import Ranks
from loocbench.types import Recipe


class SupervisedTraining:
    """Cross-entropy on labels 0 .. K-1 through a linear classifier on V."""

    def __init__(self, recipe: Recipe, classes: int, device: torch.device, ranks: Ranks) -> None:
        self.recipe, self.device = recipe, device
        self.layout = Layout(recipe.groups, ranks.rank, ranks.world)
        self.losses: tuple[str, ...] = ("cross-entropy",)
        self.chance_losses = find_method(recipe.method).chance_losses(recipe, classes=classes)
        self.network = build_network(recipe).to(device).to(memory_format=torch.channels_last)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.classifier = nn.Linear(self.network.dim, classes).to(device)
        self._classified = _WithClassifier(self.network, self.classifier)
        self.optimizer = GroupedOptimizer(recipe, self._classified, device, ranks)

    def step(self, share: Share, queries: Tensor, keys: Tensor, labels: Tensor) -> Tensor:
        """As ``Training.step`` says, without keys. Returns the loss [1]."""
        sizes = [len(rows) for rows in share.queries]
        images, wanted = torch.split(queries, sizes), torch.split(labels, sizes)

        def compute_losses(group: int) -> Tensor:
            with autocast(self.recipe, self.device):
                logits = self.optimizer.model(images[group])
            return F.cross_entropy(logits.to(torch.promote_types(logits.dtype, torch.float32)), wanted[group])[None]

        return self.optimizer.step(share, compute_losses)

    def compile(self) -> None:
        """Network and classifier, as one."""
        self._classified.compile()

    def modules(self) -> dict[str, nn.Module]:
        """Network and classifier."""
        return {"network": self.network, "classifier": self.classifier}

    def diagnostics(self) -> dict[str, dict[str, float]]:
        """Nothing: there are no embeddings that could collapse."""
        return {}


class _WithClassifier(nn.Module):
    """Logits [N, K] of images."""

    def __init__(self, network: Network, classifier: nn.Module) -> None:
        super().__init__()
        self.network, self.classifier = network, classifier

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.network.features(images)[GENERAL])
        return logits
