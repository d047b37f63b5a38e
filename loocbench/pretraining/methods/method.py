"""What every pretraining method says of itself.

Importing a method imports no torch: reports need its title alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from loocbench.types import Recipe
from loocbench.views.augmentations import constant_names
from loocbench.views.leave_one_out import Sources

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from loocbench.pretraining.step import Training
    from loocbench.ranks import Ranks

INVARIANT = "invariant"  # the space Z_0


class Method(ABC):
    """A row of the tables.

    name: in recipes and on the command line. title: in tables. augmentations: those beside crop, flip and blur where a
    recipe names none. leaves_out: a recipe may give augmentations a space of their own (``left_out``). accepts_shared:
    a recipe may name augmentations that q and k_0 share (``shared``). separate_stages: each space has its own copy of
    the last stage. evaluated_features: the features that the paper evaluates it on. needs_labels: it is trained on
    labels. trainable: it can be pretrained.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    augmentations: ClassVar[tuple[str, ...]] = ("color",)
    leaves_out: ClassVar[bool] = False
    accepts_shared: ClassVar[bool] = False
    separate_stages: ClassVar[bool] = False
    evaluated_features: ClassVar[str] = "looc"
    needs_labels: ClassVar[bool] = False
    trainable: ClassVar[bool] = True

    @abstractmethod
    def spaces(self, recipe: Recipe) -> tuple[str, ...]:
        """Names of the S embedding spaces."""

    @abstractmethod
    def view_sources(self, recipe: Recipe) -> Sources:
        """For each augmentation, whose draw each view (q, k_0, k_1 …) uses."""

    def varies_with(self, recipe: Recipe) -> Mapping[str, str]:
        """For each space that the loss makes vary with an augmentation, that augmentation."""
        return {}

    @abstractmethod
    def chance_losses(self, recipe: Recipe, *, classes: int) -> tuple[float, ...]:
        """Each loss of a network that learned nothing, in the order of ``Training.losses``; ``classes`` as below."""

    @abstractmethod
    def start_training(self, recipe: Recipe, device: torch.device, *, classes: int, ranks: Ranks) -> Training:
        """Networks and optimiser at the beginning of a run. classes: of the labels, where the method needs them."""


class ContrastiveMethod(Method):
    """A method that pulls a query towards its key and away from a queue of others."""

    def start_training(self, recipe: Recipe, device: torch.device, *, classes: int, ranks: Ranks) -> Training:
        """With a momentum encoder and a queue per space."""
        from loocbench.pretraining.contrastive_step import ContrastiveTraining

        return ContrastiveTraining(self, recipe, device, ranks)

    def chance_losses(self, recipe: Recipe, *, classes: int = 0) -> tuple[float, ...]:
        """The losses of embeddings that are orthogonal to one another, as random ones are in many dimensions.

        Computed by :meth:`losses`: ln(K + 1) for MoCo's loss with K queue entries, ln(K + n + 1) where the image's n
        other keys are negatives as well.
        """
        import torch

        spaces, views = len(self.spaces(recipe)), len(next(iter(self.view_sources(recipe).values())))
        directions = torch.eye(views + 1, dtype=torch.float64)
        queries = directions[0].expand(spaces, 1, views + 1)
        keys = directions[1:views, None].expand(spaces, views - 1, 1, views + 1)
        queues = directions[-1].expand(spaces, recipe.queue_size, views + 1)
        return tuple(self.losses(queries, keys, queues, recipe.temperature).tolist())

    @abstractmethod
    def losses(self, queries: Tensor, keys: Tensor, queues: Tensor, temperature: float) -> Tensor:
        """Each space's loss [S], averaged over the batch; their mean is the objective.

        queries: [S, B, D], z_i(q). keys: [S, V - 1, B, D], z_i(k_j) at [i, j]. queues: [S, K, D]. All L2-normalised.
        """

    @abstractmethod
    def keys_for_queue(self, keys: Tensor) -> Tensor:
        """What enters the queues, [S, B, D], of keys [S, V - 1, B, D]."""


def all_augmentations(recipe: Recipe) -> tuple[str, ...]:
    """Crop, flip and blur, and those that the recipe lists."""
    return (*constant_names(), *recipe.augmentations)
