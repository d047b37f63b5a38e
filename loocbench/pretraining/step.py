"""One step of training, as the paper's figure reads: views -> embeddings -> loss -> queues."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from loocbench.models.network import GENERAL, Network
from loocbench.pretraining import health, momentum
from loocbench.pretraining.methods import CONTRASTIVE
from loocbench.pretraining.queue import Queues
from loocbench.pretraining.recipes import separate, spaces
from loocbench.types import Recipe


class Training(Protocol):
    """The state of a run, and how a batch changes it. losses: what each entry of a step's result is the loss of."""

    network: Network
    optimizer: torch.optim.Optimizer
    losses: tuple[str, ...]

    def step(self, views: Tensor, labels: Tensor | None = None) -> Tensor:
        """Learn from one batch of normalised views [V, B, 3, H, W]. Returns the losses, detached."""

    def modules(self) -> dict[str, nn.Module]:
        """Everything that has a state besides the optimiser, by name."""

    def health(self) -> dict[str, dict[str, float]]:
        """Signs of collapse after a step: alignment and uniformity, each by space."""


class Pretraining:
    """Contrastive training: the networks, queues and optimiser of a run.

    With one process, batch-norm statistics are those of the whole batch; MoCo shuffles keys across GPUs so that a
    query and its key see different statistics, which has no counterpart here.
    """

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe = recipe
        self.method = CONTRASTIVE[recipe.method]
        self.losses = spaces(recipe)
        self.network = build_network(recipe).to(device).to(memory_format=torch.channels_last)
        self.key_encoder = momentum.momentum_copy(self.network)
        generator = torch.Generator().manual_seed(recipe.seed)
        self.queues = Queues(len(self.losses), recipe.queue_size, recipe.embedding_dim, generator).to(device)
        self.optimizer = _sgd(recipe, self.network)
        self._alignment = torch.full((len(self.losses),), torch.nan)

    def step(self, views: Tensor, labels: Tensor | None = None) -> Tensor:
        """Learn from one batch of normalised views [V, B, 3, H, W]: q, k_0 ... k_n. Returns each space's loss [S].

        A loss that is not finite changes no weight.
        """
        queries = self.network(views[0])
        momentum.update(self.key_encoder, self.network, self.recipe.key_momentum)
        with torch.no_grad():
            keys = torch.stack([self.key_encoder(view) for view in views[1:]], dim=1)  # [S, V - 1, B, D]
        losses = self.method.losses(queries, keys, self.queues.entries, self.recipe.temperature)
        if learn(self.optimizer, losses):
            positives = self.method.remembered(keys)
            self.queues.enqueue(positives)
            self._alignment = health.alignment(queries.detach(), positives)
        return losses.detach()

    def modules(self) -> dict[str, nn.Module]:
        """Query encoder, key encoder, queues."""
        return {"network": self.network, "key_encoder": self.key_encoder, "queues": self.queues}

    def health(self) -> dict[str, dict[str, float]]:
        """Alignment of the last batch and uniformity of the queues; each by space."""
        values = {"alignment": self._alignment, "uniformity": health.uniformity(self.queues.entries)}
        return {name: dict(zip(self.losses, value.tolist(), strict=True)) for name, value in values.items()}


class SupervisedTraining:
    """Cross-entropy on labels 0 .. K-1 through a linear classifier on V."""

    def __init__(self, recipe: Recipe, classes: int, device: torch.device) -> None:
        self.losses: tuple[str, ...] = ("cross-entropy",)
        self.network = build_network(recipe).to(device).to(memory_format=torch.channels_last)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.classifier = nn.Linear(self.network.dim, classes).to(device)
        self.optimizer = _sgd(recipe, self.network, self.classifier)

    def step(self, views: Tensor, labels: Tensor | None = None) -> Tensor:
        """Learn from one batch: views [1, B, 3, H, W], labels int64 [B]. Returns the loss [1]."""
        if labels is None:
            raise ValueError("supervised training needs labels")
        logits = self.classifier(self.network.features(views[0])[GENERAL])
        losses = F.cross_entropy(logits, labels)[None]
        learn(self.optimizer, losses)
        return losses.detach()

    def modules(self) -> dict[str, nn.Module]:
        """Network and classifier."""
        return {"network": self.network, "classifier": self.classifier}

    def health(self) -> dict[str, dict[str, float]]:
        """Nothing: there are no embeddings that could collapse."""
        return {}


def learn(optimizer: torch.optim.Optimizer, losses: Tensor) -> bool:
    """One step down the gradient of the losses' mean; none if a loss is not finite. Returns whether there was one."""
    if not torch.isfinite(losses.detach()).all():
        return False
    optimizer.zero_grad(set_to_none=True)
    losses.mean().backward()  # type: ignore[no-untyped-call]  # torch leaves backward untyped
    optimizer.step()
    return True


def start(recipe: Recipe, device: torch.device, *, classes: int = 0) -> Training:
    """A run at its beginning. classes: of the labels, for supervised training."""
    if recipe.method == "supervised":
        return SupervisedTraining(recipe, classes, device)
    return Pretraining(recipe, device)


def build_network(recipe: Recipe) -> Network:
    """The recipe's network, initialised from its seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return Network(
            recipe.backbone,
            spaces(recipe),
            separate=separate(recipe),
            embedding_dim=recipe.embedding_dim,
        )


def _sgd(recipe: Recipe, *modules: nn.Module) -> torch.optim.Optimizer:
    parameters = [parameter for module in modules for parameter in module.parameters()]
    return torch.optim.SGD(
        parameters, lr=recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
    )
