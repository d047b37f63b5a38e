"""One step of contrastive training, as the paper's figure reads: views -> embeddings -> loss -> queues."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from loocbench.pretraining import collapse, momentum
from loocbench.pretraining.grouped_optimizer import GroupedOptimizer
from loocbench.pretraining.layout import Layout, Share
from loocbench.pretraining.methods.method import ContrastiveMethod
from loocbench.pretraining.networks import build_network
from loocbench.pretraining.queue import Queues
from loocbench.pretraining.step import autocast
from loocbench.ranks import Ranks
from loocbench.types import Recipe


class ContrastiveTraining:
    """The networks, queues and optimiser of a run."""

    def __init__(self, method: ContrastiveMethod, recipe: Recipe, device: torch.device, ranks: Ranks) -> None:
        self.method, self.recipe, self.device, self.ranks = method, recipe, device, ranks
        self.layout = Layout(recipe.groups, ranks.rank, ranks.world)
        self.losses = method.spaces(recipe)
        self.chance_losses = method.chance_losses(recipe)
        self.network = build_network(recipe).to(device).to(memory_format=torch.channels_last)
        self.key_encoder = momentum.copy_as_key_encoder(self.network)
        generator = torch.Generator().manual_seed(recipe.seed)
        self.queues = Queues(len(self.losses), recipe.queue_size, recipe.embedding_dim, generator).to(device)
        self.optimizer = GroupedOptimizer(recipe, self.network, device, ranks)
        self._alignment = torch.full((len(self.losses),), torch.nan)

    def step(self, share: Share, queries: Tensor, keys: Tensor, labels: Tensor) -> Tensor:
        """As ``Training.step`` says. Returns each space's loss [S]; where it is not finite, network and queues stay."""
        momentum.update(self.key_encoder, self.network, self.recipe.key_momentum)
        own = self._encode_keys(share, keys)  # [S, V - 1, B, D]
        positives = self.method.keys_for_queue(own)
        entries, temperature = self.queues.entries, self.recipe.temperature
        images = torch.split(queries, [len(rows) for rows in share.queries])
        distances = torch.zeros(len(self.losses), dtype=own.dtype, device=own.device)

        def compute_losses(group: int) -> Tensor:
            rows = torch.from_numpy(share.queries[group]).to(self.device)
            with autocast(self.recipe, self.device):
                embeddings = self.optimizer.model(images[group])
            distances.add_(collapse.alignment(embeddings.detach(), positives[:, rows]), alpha=len(rows) / share.count)
            return self.method.losses(embeddings, own[:, :, rows], entries, temperature)

        losses = self.optimizer.step(share, compute_losses)
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

    def diagnostics(self) -> dict[str, dict[str, float]]:
        """Alignment of the last batch and uniformity of the queues; each by space."""
        values = {"alignment": self._alignment, "uniformity": collapse.uniformity(self.queues.entries)}
        return {name: dict(zip(self.losses, value.tolist(), strict=True)) for name, value in values.items()}
