"""Label-free signs of each line, beside the table: effective ranks, and in words whether a space has collapsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loocbench.cards.tasks import TaskCard
from loocbench.evaluators import measures_shares
from loocbench.report.table.aggregation import Spread, aggregate_cell
from loocbench.report.table.cells import Cell, Line
from loocbench.report.table.experiments import Experiment
from loocbench.report.table.selection import matches
from loocbench.types import CONSTANT, Row
from loocbench.wording import count_of

_ONE = 1.05  # a number of dimensions below it is shown as 1.0


@dataclass(frozen=True)
class Sign:
    """A number of dimensions. most: the highest that it could be; None if the rows do not say. images: on how many."""

    cell: Cell
    most: float | None
    images: int


@dataclass(frozen=True)
class SignLine:
    """The signs of one line of the table on one data set.

    signs: by metric. remark: that the space has collapsed, in words, or "".
    """

    model: str
    features: str
    data: str
    seeds: int
    signs: Mapping[str, Sign]
    remark: str = ""


def build_signs(
    lines: Sequence[Line],
    experiments: Sequence[Experiment],
    cards: Mapping[str, TaskCard],
    *,
    spread: Spread = "interval",
    metrics: tuple[str, ...] = (),
) -> list[SignLine]:
    """Return the signs of each line, in their order; lines without any are left out.

    experiments: those of ``lines``, in the same order. metrics: patterns of the metrics to show; () shows all. Of
    several pretraining seeds a sign is their mean; of one it has no interval.
    """
    found = []
    for line, experiment in zip(lines, experiments, strict=True):
        groups: dict[tuple[str, str], list[Row]] = {}
        for row in experiment.rows:
            if not measures_shares(row.task):
                groups.setdefault((row.task, row.dataset_note), []).append(row)
        for (task, note), rows in groups.items():
            names = [name for name in rows[0].metrics if matches(metrics, name)]
            signs = {name: sign for name in names if (sign := _make_sign(rows, name, spread))}
            if signs:
                title = (cards[task].title if task in cards else rows[0].title or task) + (f" [{note}]" if note else "")
                seeds = max(sign.cell.seeds for sign in signs.values())
                found.append(SignLine(line.title, line.features, title, seeds, signs, _describe_collapse(rows)))
    return found


def list_metrics(lines: Sequence[SignLine]) -> list[str]:
    """Return the metrics that the lines have, in their order."""
    return list(dict.fromkeys(name for line in lines for name in line.signs))


def _make_sign(rows: Sequence[Row], metric: str, spread: Spread) -> Sign | None:
    cell = aggregate_cell(rows, metric, spread)
    if cell is None or cell.n is None:
        return None
    limits = {values[metric] for row in rows for values in row.scale.values() if metric in values}
    return Sign(cell, max(limits) if limits else None, cell.n)


def _describe_collapse(rows: Sequence[Row]) -> str:
    """Say what has collapsed: features that are the same for all images, or that lie in one direction."""
    said: dict[str, set[str]] = {}
    for row in rows:
        if CONSTANT in row.stated:
            said.setdefault(f"collapsed: {row.stated[CONSTANT]}", set()).add(row.checkpoint_hash)
        elif any(metric.value < _ONE for metric in row.metrics.values()):
            said.setdefault("collapsed to one dimension", set()).add(row.checkpoint_hash)
    seeds = len({row.checkpoint_hash for row in rows})
    return "; ".join(
        text if len(those) == seeds else f"{text} ({len(those)} of {count_of(seeds, 'seed')})"
        for text, those in said.items()
    )
