"""One step of pretraining, as the paper's figure reads: views -> embeddings -> loss -> queues."""

from __future__ import annotations

import torch
from torch import Tensor

from loocbench.models.network import Network
from loocbench.pretraining import momentum
from loocbench.pretraining.objective import looc_loss, moco_loss
from loocbench.pretraining.queue import Queues
from loocbench.pretraining.recipes import METHODS, spaces
from loocbench.types import Recipe


class Pretraining:
    """The networks, queues and optimiser of a run.

    With one process, batch-norm statistics are those of the whole batch; MoCo shuffles keys across GPUs so that a
    query and its key see different statistics, which has no counterpart here.
    """

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe = recipe
        self.leave_one_out = METHODS[recipe.method].leave_one_out
        self.network = build_network(recipe).to(device).to(memory_format=torch.channels_last)
        self.key_encoder = momentum.momentum_copy(self.network)
        generator = torch.Generator().manual_seed(recipe.seed)
        self.queues = Queues(len(spaces(recipe)), recipe.queue_size, recipe.embedding_dim, generator).to(device)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
        )

    def step(self, views: Tensor) -> Tensor:
        """Learn from one batch of normalised views [V, B, 3, H, W]: q, k_0 ... k_n. Returns each space's loss [S]."""
        queries = self.network(views[0])
        momentum.update(self.key_encoder, self.network, self.recipe.key_momentum)
        with torch.no_grad():
            keys = torch.stack([self.key_encoder(view) for view in views[1:]], dim=1)  # [S, S, B, D]; MoCo [S, 1, B, D]
        if self.leave_one_out:
            losses = looc_loss(queries, keys, self.queues.entries, self.recipe.temperature)
            remembered = keys.diagonal(dim1=0, dim2=1).permute(2, 0, 1)  # z_i(k_i), not z_i(k_0)
        else:
            losses = moco_loss(queries, keys[:, 0], self.queues.entries, self.recipe.temperature)
            remembered = keys[:, 0]
        self.optimizer.zero_grad(set_to_none=True)
        losses.mean().backward()  # type: ignore[no-untyped-call]  # torch leaves backward untyped
        self.optimizer.step()
        self.queues.enqueue(remembered)
        return losses.detach()


def build_network(recipe: Recipe) -> Network:
    """The recipe's network, initialised from its seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return Network(
            recipe.backbone,
            spaces(recipe),
            separate=METHODS[recipe.method].separate,
            embedding_dim=recipe.embedding_dim,
        )
