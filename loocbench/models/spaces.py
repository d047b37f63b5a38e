"""Names of feature spaces: ``looc``, ``looc++``, ``head:color``, and combinations joined by ``+``.

A checkpoint with one last stage (LooC, MoCo) offers

    looc          V, the general space: the pooled last stage; ``pooled`` is taken for it, too
    head:NAME     Z_NAME, the L2-normalised embedding of one head
    looc++        the concatenation of all of its embeddings

A checkpoint with a last stage for each space (LooC++, MoCo++) has no single V and offers

    head:NAME     the pooled output of that space's own last stage
    looc++        the concatenation of all of them

What lies inside a network has names of its own: :mod:`loocbench.models.inside_names`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from loocbench.errors import unknown
from loocbench.models.inside_names import NOTHING, InsideNames, is_inside

GENERAL = "general"  # the space of V
LOOC, LOOC_PLUS, HEAD, POOLED = "looc", "looc++", "head:", "pooled"


def list_feature_names(spaces: Sequence[str], *, separate: bool) -> list[str]:
    """Return the names of features that a checkpoint with these embedding spaces offers, its default first."""
    heads = [HEAD + name for name in spaces]
    if not heads:  # a supervised network
        return [LOOC]
    return [LOOC_PLUS, *heads] if separate else [LOOC, LOOC_PLUS, *heads]


def canonical_feature_name(features: str) -> str:
    """Return the name that rows have: without spaces, and ``looc`` for ``pooled``, as others call pooled features."""
    return re.sub(rf"(?<![^+]){POOLED}(?![^+])", LOOC, features.replace(" ", ""))


def parse_feature_name(
    features: str, spaces: Sequence[str], *, separate: bool, inside: InsideNames = NOTHING
) -> tuple[str, ...]:
    """Return the spaces to concatenate, in order: their names, or ``general`` for V, and parts inside the network.

    inside: what is offered there. Raises UserError, with the nearest name and the list that this checkpoint offers, for
    a wrong name.
    """
    names = list_feature_names(spaces, separate=separate)
    parts: list[str] = []
    # "looc++" ends in the separator "+", so it is replaced before splitting.
    for part in canonical_feature_name(features).replace(LOOC_PLUS, "\0").split("+"):
        name = part.replace("\0", LOOC_PLUS).strip()
        if is_inside(name):
            parts.extend(inside.parse(name))
            continue
        if name not in names:
            raise unknown("features", name, names)
        parts.extend({LOOC: (GENERAL,), LOOC_PLUS: tuple(spaces)}.get(name, (name.removeprefix(HEAD),)))
    if len(set(parts)) != len(parts):
        raise unknown("features", f"{features} (a space occurs twice)", names)
    return tuple(parts)
