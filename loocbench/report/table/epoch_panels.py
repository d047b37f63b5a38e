"""Panels of figures over the epochs of a training, from rows of the checkpoints that it kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from loocbench.pretraining.extensions import list_earlier
from loocbench.report.table import labels
from loocbench.report.table.aggregation import aggregate_cells
from loocbench.report.table.columns import Column
from loocbench.report.table.curve_points import Point
from loocbench.report.table.experiments import Experiment, training_identity
from loocbench.report.table.panels import MAX_SERIES, Panel, Series, choose_places, distinct_names, find_bounds
from loocbench.types import Row


def epoch_panels(columns: Sequence[Column], experiments: Sequence[Experiment]) -> list[Panel]:
    """A panel for each column in which at least one training has figures of two epochs or more.

    A training begins at the figure of the untrained network, at epoch 0, where there is one of the same backbone, image
    size and features, unless it began from a checkpoint. Points are those of the table, with its intervals, all of the
    same seeds: those with figures of the most epochs.
    """
    curves = _find_trainings(experiments)
    names = distinct_names([(own[-1].name, own[-1].trained_on) for own in curves])
    untrained = [one for one in experiments if one.rows[0].untrained]
    panels = []
    for column in columns:
        series = []
        for name, own in zip(names, curves, strict=True):
            seeds = _choose_seeds(own, column)
            trained = _points(own, column, seeds)
            if len(trained) > 1:
                begun = _points([one for one in untrained if _is_start(one, own[0])], column, seeds)
                series.append((own[0].features, Series(name, (*begun[:1], *trained))))
        if series:
            drawn = choose_places([features for features, _ in series], MAX_SERIES)
            shown = tuple(series[place][1] for place in drawn)
            y = labels.format_metric(column.metric)
            panels.append(Panel(column.group, column.heading, "epochs", y, False, shown, len(series) - len(drawn)))
    return panels


def _find_trainings(experiments: Sequence[Experiment]) -> list[list[Experiment]]:
    """Experiments of one training and one kind of features, by epochs; of those with several epochs.

    An extended training begins with the epochs of the one that it extends, of the same seeds; that is a curve of its
    own for seeds that were not extended.
    """
    trainings: dict[tuple[str, str], list[Experiment]] = defaultdict(list)
    for one in experiments:
        if one.rows[0].recipe and not one.rows[0].untrained:
            trainings[_identify(one, one.rows[0])].append(one)
    earlier = {identity: _list_earlier(own[0]) for identity, own in trainings.items()}
    extended: dict[tuple[str, str], set[int]] = defaultdict(set)  # seeds of what extends a training
    for identity, every in earlier.items():
        for before in every:
            extended[before] |= _list_seeds(trainings[identity])
    found = []
    for identity, own in trainings.items():
        seeds = _list_seeds(own) - extended[identity]
        whole = [*own, *(one for before in earlier[identity] for one in trainings.get(before, ()))]
        kept = [of_seeds for one in whole if (of_seeds := _restrict(one, seeds)).rows]
        if len(kept) > 1:
            found.append(sorted(kept, key=_count_epochs))
    return found


def _identify(one: Experiment, row: Row) -> tuple[str, str]:
    return one.features, training_identity(row, any_epoch=True)


def _list_earlier(one: Experiment) -> list[tuple[str, str]]:
    """The identities of the trainings that an extended one was before."""
    row = one.rows[0]
    return [_identify(one, row.model_copy(update={"recipe": recipe})) for recipe in list_earlier(row.recipe)]


def _list_seeds(experiments: Sequence[Experiment]) -> set[int]:
    return {seed for one in experiments for row in one.rows if (seed := row.pretraining_seed) is not None}


def _restrict(one: Experiment, seeds: Collection[int]) -> Experiment:
    """The experiment's rows of some seeds."""
    return replace(one, rows=tuple(row for row in one.rows if row.pretraining_seed in seeds))


def _choose_seeds(experiments: Sequence[Experiment], column: Column) -> set[int]:
    """The seeds with the column's figures of the most epochs; of several such groups the largest."""
    epochs: dict[int, set[float]] = defaultdict(set)
    for seed in _list_seeds(experiments):
        for one in experiments:
            if aggregate_cells(_restrict(one, {seed}), [column], "interval")[0]:
                epochs[seed].add(_count_epochs(one))
    groups = [(len(most), {seed for seed, own in epochs.items() if own >= most}) for most in epochs.values()]
    return max(groups, key=lambda group: (group[0], len(group[1])), default=(0, set()))[1]


def _points(experiments: Sequence[Experiment], column: Column, seeds: Collection[int]) -> list[Point]:
    """The column's figures over epochs, where all of some seeds have one."""
    cells = [(one, aggregate_cells(_restrict(one, seeds), [column], "interval")[0]) for one in experiments]
    return [
        (_count_epochs(one), cell.value, *find_bounds(cell)) for one, cell in cells if cell and cell.seeds >= len(seeds)
    ]


def _count_epochs(one: Experiment) -> float:
    return float(one.rows[0].epochs or 0)


def _is_start(untrained: Experiment, trained: Experiment) -> bool:
    first, second = untrained.rows[0], trained.rows[0]
    if second.recipe and second.recipe.init:  # it began from a checkpoint
        return False
    return (first.backbone, first.image_size, first.features) == (second.backbone, second.image_size, second.features)
