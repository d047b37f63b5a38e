"""Which view shares which augmentation, as a table of integers.

The views of an image are q, k_0, k_1 ... k_n (positions 0, 1, 2 ... n+1). ``sources[a][v]`` is the view whose draw
of augmentation ``a`` the view ``v`` uses: its own, except where it shares q's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

QUERY, KEY = 0, 1
Sources = Mapping[str, tuple[int, ...]]


def leave_one_out_sources(augmentations: Sequence[str], left_out: Sequence[str]) -> Sources:
    """LooC's table for n = len(left_out) leave-one-out augmentations: n + 2 views, k_i uses q's draw of augmentation i.

    (Xiao et al. 2021, Figure 2 and section 3.1.) Raises ``ValueError`` if ``left_out`` names an augmentation that is
    not among ``augmentations``.
    """
    return _table(augmentations, left_out, lambda name, left: name == left)


def add_one_sources(augmentations: Sequence[str], left_out: Sequence[str]) -> Sources:
    """The ablation's table: n + 2 views, k_i uses q's draw of everything but augmentation i. Raises ``ValueError``."""
    return _table(augmentations, left_out, lambda name, left: name != left)


def independent_sources(augmentations: Sequence[str], *, shared: Sequence[str] = ()) -> Sources:
    """MoCo's table: q and k_0, independent but for the ``shared`` augmentations. Raises ``ValueError``."""
    _require(shared, augmentations)
    return {name: (QUERY, QUERY if name in shared else KEY) for name in augmentations}


def one_shared_sources(augmentations: Sequence[str], shared: Sequence[str]) -> Sources:
    """The table that shows what one augmentation does to an embedding: q, k_0, and a key for each of ``shared``.

    The key of augmentation a has q's draw of a and k_0's of everything else: it differs from k_0 in a alone. Raises
    ``ValueError`` if ``shared`` names an augmentation that is not among ``augmentations``.
    """
    _require(shared, augmentations)
    return {name: (QUERY, KEY, *(QUERY if name == one else KEY for one in shared)) for name in augmentations}


def _table(augmentations: Sequence[str], left_out: Sequence[str], shares: Callable[[str, str], bool]) -> Sources:
    _require(left_out, augmentations)
    return {
        name: (QUERY, KEY, *(QUERY if shares(name, left) else view for view, left in enumerate(left_out, 2)))
        for name in augmentations
    }


def _require(named: Sequence[str], augmentations: Sequence[str]) -> None:
    if missing := set(named) - set(augmentations):
        raise ValueError(f"left out or shared, but not among the augmentations: {sorted(missing)}")
