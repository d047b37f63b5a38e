"""How a batch is split into batch-norm groups, and the groups over processes.

MoCo computes batch norm's statistics on each GPU by itself and shuffles the keys over the GPUs, so that a query and its
key never share their statistics, which would give the answer away (He et al. 2020, section 3.3, "Shuffling BN"). Here a
batch has G groups, however many processes there are: queries in consecutive groups, keys in interleaved ones. Batches
are drawn at random, so a fixed interleaving mixes as a random shuffle does; and since a view is a function of its
image's index, each process makes the views that it encodes and no image is sent. G groups in one process, one after the
other, give what G processes with a group each give. With one group, queries and keys share statistics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Share:
    """One process's part of a batch of ``count`` images: rows of the batch by group, for queries and for keys."""

    count: int
    queries: tuple[Rows, ...]
    keys: tuple[Rows, ...]

    @property
    def query_rows(self) -> Rows:
        """Rows of all queries, group after group."""
        return np.concatenate(self.queries)

    @property
    def key_rows(self) -> Rows:
        """Rows of all keys, group after group."""
        return np.concatenate(self.keys)


@dataclass(frozen=True)
class Layout:
    """groups: of a batch, a multiple of ``world``. rank: of this process among ``world``."""

    groups: int = 1
    rank: int = 0
    world: int = 1

    def share(self, count: int) -> Share:
        """This process's part of a batch of ``count`` images; groups differ by one image at most."""
        rows = np.arange(count)
        own = slice(self.rank * self.groups // self.world, (self.rank + 1) * self.groups // self.world)
        return Share(
            count,
            queries=tuple(np.array_split(rows, self.groups)[own]),
            keys=tuple([rows[group :: self.groups] for group in range(self.groups)][own]),
        )
