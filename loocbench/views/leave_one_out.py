"""Which view shares which augmentation: leave-one-out as a table of integers.

The views of an image are q, k_0, k_1 ... k_n (positions 0, 1, 2 ... n+1). ``sources[a][v]`` is the view whose draw
of augmentation ``a`` the view ``v`` uses: its own, except that k_i uses q's draw of augmentation i.
(Xiao et al. 2021, Figure 2 and section 3.1.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

QUERY = 0

Sources = Mapping[str, tuple[int, ...]]


def sources(augmentations: Sequence[str], left_out: Sequence[str]) -> Sources:
    """The table for n = len(left_out) leave-one-out augmentations: n + 2 views.

    Raises ``ValueError`` if ``left_out`` names an augmentation that is not among ``augmentations``.
    """
    missing = set(left_out) - set(augmentations)
    if missing:
        raise ValueError(f"left out, but not among the augmentations: {sorted(missing)}")
    own = tuple(range(len(left_out) + 2))
    return {
        name: tuple(QUERY if view >= 2 and left_out[view - 2] == name else view for view in own)
        for name in augmentations
    }
