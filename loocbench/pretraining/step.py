"""One step of training, as the paper's figure reads: views -> embeddings -> loss -> queues."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from loocbench.models.network import GENERAL, Network
from loocbench.pretraining import collapse, momentum
from loocbench.pretraining.grouped_optimizer import GroupedOptimizer
from loocbench.pretraining.layout import Layout, Share
from loocbench.pretraining.methods import CONTRASTIVE
from loocbench.pretraining.queue import Queues
from loocbench.pretraining.recipes import separate, spaces
from loocbench.ranks import Ranks
from loocbench.types import Recipe

_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Training(Protocol):
    """The state of a run, and how a batch changes it. losses: what each entry of a step's result is the loss of."""

    network: Network
    optimizer: GroupedOptimizer
    layout: Layout
    losses: tuple[str, ...]

    def step(self, share: Share, queries: Tensor, keys: Tensor, labels: Tensor) -> Tensor:
        """Learn from one batch, of which this process has a share of b queries and b keys.

        queries: normalised views q [b, 3, H, W] at ``share.query_rows``. keys: k_0 ... k_n [V - 1, b, 3, H, W] at
        ``share.key_rows``. labels: int64 [b] of the queries. Returns the batch's losses, detached.
        """

    def compile(self) -> None:
        """Let torch.compile make the networks' forward and backward passes."""

    def modules(self) -> dict[str, nn.Module]:
        """Everything that has a state besides the optimiser, by name."""

    def health(self) -> dict[str, dict[str, float]]:
        """Signs of collapse after a step: alignment and uniformity, each by space."""


class Pretraining:
    """Contrastive training: the networks, queues and optimiser of a run."""

    def __init__(self, recipe: Recipe, device: torch.device, ranks: Ranks) -> None:
        self.recipe, self.device, self.ranks = recipe, device, ranks
        self.method = CONTRASTIVE[recipe.method]
        self.layout = Layout(recipe.groups, ranks.rank, ranks.world)
        self.losses = spaces(recipe)
        self.network = build_network(recipe).to(device).to(memory_format=torch.channels_last)
        self.key_encoder = momentum.momentum_copy(self.network)
        generator = torch.Generator().manual_seed(recipe.seed)
        self.queues = Queues(len(self.losses), recipe.queue_size, recipe.embedding_dim, generator).to(device)
        self.optimizer = GroupedOptimizer(recipe, self.network, device, ranks)
        self._alignment = torch.full((len(self.losses),), torch.nan)

    def step(self, share: Share, queries: Tensor, keys: Tensor, labels: Tensor) -> Tensor:
        """As the protocol says. Returns each space's loss [S]; where it is not finite, network and queues stay."""
        momentum.update(self.key_encoder, self.network, self.recipe.key_momentum)
        own = self._encode_keys(share, keys)  # [S, V - 1, B, D]
        positives = self.method.remembered(own)
        entries, temperature = self.queues.entries, self.recipe.temperature
        images = torch.split(queries, [len(rows) for rows in share.queries])
        distances = torch.zeros(len(self.losses), dtype=own.dtype, device=own.device)

        def losses_of(group: int) -> Tensor:
            rows = torch.from_numpy(share.queries[group]).to(self.device)
            with autocast(self.recipe, self.device):
                embeddings = self.optimizer.model(images[group])
            distances.add_(collapse.alignment(embeddings.detach(), positives[:, rows]), alpha=len(rows) / share.count)
            return self.method.losses(embeddings, own[:, :, rows], entries, temperature)

        losses = self.optimizer.step(share, losses_of)
        if torch.isfinite(losses).all():
            self.queues.enqueue(positives)
            self._alignment = self.ranks.sum_(distances)
        return losses

    @torch.no_grad()
    def _encode_keys(self, share: Share, keys: Tensor) -> Tensor:
        """z_i(k_j) of the whole batch in its order, [S, V - 1, B, D].

        View by view and group by group: one pass over several would mix their batch-norm statistics. Each process fills
        in its rows, and adding zeros fills in the others' exactly.
        """
        spaces, dim = len(self.losses), self.recipe.embedding_dim
        dtype = torch.promote_types(keys.dtype, torch.float32)
        every = torch.zeros(spaces, len(keys), share.count, dim, dtype=dtype, device=self.device)
        for rows, views in zip(share.keys, torch.split(keys, [len(rows) for rows in share.keys], dim=1), strict=True):
            for view, images in enumerate(views):
                with autocast(self.recipe, self.device):
                    every[:, view, torch.from_numpy(rows).to(self.device)] = self.key_encoder(images)
        return self.ranks.sum_(every)

    def compile(self) -> None:
        """Query and key encoder."""
        self.network.compile()
        self.key_encoder.compile()

    def modules(self) -> dict[str, nn.Module]:
        """Query encoder, key encoder, queues."""
        return {"network": self.network, "key_encoder": self.key_encoder, "queues": self.queues}

    def health(self) -> dict[str, dict[str, float]]:
        """Alignment of the last batch and uniformity of the queues; each by space."""
        values = {"alignment": self._alignment, "uniformity": collapse.uniformity(self.queues.entries)}
        return {name: dict(zip(self.losses, value.tolist(), strict=True)) for name, value in values.items()}


class SupervisedTraining:
    """Cross-entropy on labels 0 .. K-1 through a linear classifier on V."""

    def __init__(self, recipe: Recipe, classes: int, device: torch.device, ranks: Ranks) -> None:
        self.recipe, self.device = recipe, device
        self.layout = Layout(recipe.groups, ranks.rank, ranks.world)
        self.losses: tuple[str, ...] = ("cross-entropy",)
        self.network = build_network(recipe).to(device).to(memory_format=torch.channels_last)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.classifier = nn.Linear(self.network.dim, classes).to(device)
        self._whole = _Classifier(self.network, self.classifier)
        self.optimizer = GroupedOptimizer(recipe, self._whole, device, ranks)

    def step(self, share: Share, queries: Tensor, keys: Tensor, labels: Tensor) -> Tensor:
        """As the protocol says, without keys. Returns the loss [1]."""
        sizes = [len(rows) for rows in share.queries]
        images, wanted = torch.split(queries, sizes), torch.split(labels, sizes)

        def losses_of(group: int) -> Tensor:
            with autocast(self.recipe, self.device):
                logits = self.optimizer.model(images[group])
            return F.cross_entropy(logits.to(torch.promote_types(logits.dtype, torch.float32)), wanted[group])[None]

        return self.optimizer.step(share, losses_of)

    def compile(self) -> None:
        """Network and classifier, as one."""
        self._whole.compile()

    def modules(self) -> dict[str, nn.Module]:
        """Network and classifier."""
        return {"network": self.network, "classifier": self.classifier}

    def health(self) -> dict[str, dict[str, float]]:
        """Nothing: there are no embeddings that could collapse."""
        return {}


class _Classifier(nn.Module):
    """Logits [N, K] of images."""

    def __init__(self, network: Network, classifier: nn.Module) -> None:
        super().__init__()
        self.network, self.classifier = network, classifier

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.network.features(images)[GENERAL])
        return logits


def start(recipe: Recipe, device: torch.device, *, classes: int = 0, ranks: Ranks | None = None) -> Training:
    """A run at its beginning. classes: of the labels, for supervised training. ranks: its processes, if several."""
    ranks = ranks or Ranks()
    if recipe.method == "supervised":
        return SupervisedTraining(recipe, classes, device, ranks)
    return Pretraining(recipe, device, ranks)


def autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    """The recipe's precision for what the networks compute; losses and queues stay in float32."""
    return torch.autocast(device.type, _PRECISIONS[recipe.precision], enabled=recipe.precision != "float32")


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
