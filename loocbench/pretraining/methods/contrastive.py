"""What every contrastive method says of itself."""

from __future__ import annotations

from typing import ClassVar, Protocol

from torch import Tensor

from loocbench.types import Recipe
from loocbench.views.leave_one_out import Sources

INVARIANT = "invariant"  # the space Z_0


class Contrastive(Protocol):
    """A method that pulls a query towards its key and away from others.

    separate: each space has its own copy of the last stage. leaves_out: it has a space for each augmentation left out.
    """

    separate: ClassVar[bool]
    leaves_out: ClassVar[bool]

    def spaces(self, recipe: Recipe) -> tuple[str, ...]:
        """Names of the S embedding spaces."""

    def sources(self, recipe: Recipe) -> Sources:
        """For each augmentation, whose draw each view (q, k_0, k_1 …) uses."""

    def losses(self, queries: Tensor, keys: Tensor, queues: Tensor, temperature: float) -> Tensor:
        """Each space's loss [S], averaged over the batch; their mean is the objective.

        queries: [S, B, D], z_i(q). keys: [S, V - 1, B, D], z_i(k_j) at [i, j]. queues: [S, K, D]. All L2-normalised.
        """

    def remembered(self, keys: Tensor) -> Tensor:
        """What enters the queues, [S, B, D], of keys [S, V - 1, B, D]."""
