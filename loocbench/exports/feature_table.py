"""Features of a data set's splits with names and labels, as one table that is written for other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loocbench.types import Labels, Split

Matrix = npt.NDArray[np.float32]
NO_LABEL = -1


@dataclass(frozen=True)
class FeatureTable:
    """Features of N images.

    names: the images' names. splits: names of the splits; split: int64 [N], which one an image is of. labels: factor ->
    int64 [N], values 0 .. K-1, or -1 for an image of a split without that label. class_names: factor -> K names.
    spaces: name ("looc", "head:color") -> float32 [n, D] of each split, in the order of ``splits``. about: the model,
    the data and the settings, by name.
    """

    names: tuple[str, ...]
    splits: tuple[str, ...]
    split: Labels
    labels: Mapping[str, Labels]
    class_names: Mapping[str, tuple[str, ...]]
    spaces: Mapping[str, Sequence[Matrix]]
    about: Mapping[str, str]


def make_table(
    splits: Sequence[Split], features: Sequence[Mapping[str, Matrix]], about: Mapping[str, str]
) -> FeatureTable:
    """Join splits, with their features by space, into one table."""
    factors = list(dict.fromkeys(factor for one in splits for factor in one.labels))
    class_names = {
        factor: tuple(dict.fromkeys(name for one in splits for name in one.class_names.get(factor, ())))
        for factor in factors
    }
    return FeatureTable(
        names=tuple(item for one in splits for item in one.items),
        splits=tuple(one.name for one in splits),
        split=np.repeat(np.arange(len(splits)), [len(one) for one in splits]),
        labels={
            factor: np.concatenate([_recode(one, factor, class_names[factor]) for one in splits]) for factor in factors
        },
        class_names=class_names,
        spaces={name: [one[name] for one in features] for name in features[0]},
        about=dict(about),
    )


def _recode(split: Split, factor: str, names: Sequence[str]) -> Labels:
    """A split's labels as positions in ``names``, which lists the classes of all splits."""
    if factor not in split.labels:
        return np.full(len(split), NO_LABEL, dtype=np.int64)
    places = {name: place for place, name in enumerate(names)}
    own = np.array([places[name] for name in split.class_names[factor]], dtype=np.int64)
    return own[split.labels[factor]]
