"""From rows to a comparison table: models as rows, tasks as columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from loocbench.cards import finding
from loocbench.cards.tasks import TaskCard
from loocbench.types import Metric, Row


@dataclass(frozen=True)
class Cell:
    """A figure in per cent. spread: the ± beside it, if it has one; seeds: how many pretraining seeds it is over."""

    value: float
    spread: float | None
    seeds: int
    best: bool = False


@dataclass(frozen=True)
class Line:
    """One model's cells, in the order of the table's columns; None where there is no figure.

    A published line has no features, and names its source as ``trained_on``.
    """

    model: str
    features: str
    trained_on: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Column:
    """One task and metric. title: what stands above it; note: what sets its data apart from the official set."""

    task: str
    metric: str
    title: str
    note: str


@dataclass(frozen=True)
class Table:
    """Measured lines, and published ones, which are never mixed with them."""

    columns: tuple[Column, ...]
    measured: tuple[Line, ...]
    published: tuple[Line, ...]
    notes: tuple[str, ...]

    def filled(self, lines: Sequence[Line]) -> list[int]:
        """Positions of the columns in which one of the lines has a cell."""
        return [position for position in range(len(self.columns)) if any(line.cells[position] for line in lines)]


def build(rows: Sequence[Row], *, every_metric: bool = False) -> Table:
    """The table of some rows: each task's own metric, or all of them.

    Of several versions of a task only the newest is shown, and of a checkpoint that was trained again only the newest
    row. A line is one experiment: rows whose recipes and training images are equal but for the seed. Over several seeds
    a cell is their mean, ± their standard deviation; for one seed the ± is half the 95 % interval over test items.
    """
    named = {row.task: finding.of_row(row.task, row.dataset) for row in rows}
    cards = {task: card for task, card in named.items() if card}
    newest = {task: max(row.task_version for row in rows if row.task == task) for task in {row.task for row in rows}}
    current = _latest([row for row in rows if row.task_version == newest[row.task]])
    columns = _columns(current, cards, every_metric)
    groups: dict[str, list[Row]] = {}
    for row in current:
        groups.setdefault(_experiment(row), []).append(row)
    ordered = sorted(groups.values(), key=lambda group: _order(group[0]))
    measured = [
        Line(group[0].model, group[0].features, trained_on, tuple(_cell(group, column) for column in columns))
        for group, trained_on in zip(ordered, _distinguish(ordered), strict=True)
    ]
    return Table(
        tuple(columns),
        tuple(_mark_best(measured)),
        tuple(_published(columns, cards)),
        tuple(_notes(current, columns, len(rows) - len(current))),
    )


def _columns(rows: Sequence[Row], cards: dict[str, TaskCard], every_metric: bool) -> list[Column]:
    columns = []
    for task, note in sorted({(row.task, row.dataset_note) for row in rows}):
        present = next(row for row in rows if (row.task, row.dataset_note) == (task, note))
        card = cards.get(task)
        chosen = list(present.metrics) if every_metric or card is None else _shown(card, present)
        for metric in chosen:
            title = card.title if card else task
            columns.append(Column(task, metric, f"{title}, {metric.replace('_', ' ')} (v{present.task_version})", note))
    return columns


def _shown(card: TaskCard, row: Row) -> list[str]:
    if card.evaluator == "retrieval":
        return [name for name in row.metrics if name.endswith("recall1") or name == "color_agreement"]
    return [card.metric]


def _latest(rows: Sequence[Row]) -> list[Row]:
    """The newest row of each (checkpoint, data, task, features): a retrained checkpoint supersedes its namesake."""
    newest: dict[tuple[str, ...], Row] = {}
    for row in sorted(rows, key=lambda row: row.created):
        newest[row.checkpoint, row.task, row.dataset_note, row.features] = row
    return list(newest.values())


def _experiment(row: Row) -> str:
    """Equal for rows that differ in nothing but the pretraining seed, the task, and when they were measured."""
    recipe = row.recipe.model_dump_json(exclude={"seed"}) if row.recipe else f"{row.backbone} {row.source}"
    return f"{row.model} {row.features} {row.epochs} {row.pretrained_on} {row.pretraining_fingerprint} {recipe}"


def _distinguish(groups: Sequence[Sequence[Row]]) -> list[str]:
    """What each experiment was trained on; where that reads the same for two, with the fields in which they differ."""
    names = [(group[0].model, group[0].features, _trained_on(group)) for group in groups]
    recipes = [_determining(group[0]) for group in groups]
    out = []
    for own, name in zip(recipes, names, strict=True):
        twins = [other for other, its in zip(recipes, names, strict=True) if its == name]
        differing = [field for field in own if any(twin.get(field) != own[field] for twin in twins)]
        out.append(", ".join([name[2], *(f"{field.replace('_', ' ')} {own[field]}" for field in differing)]))
    return out


def _trained_on(group: Sequence[Row]) -> str:
    row = group[0]
    backbone, size = (row.recipe.backbone, row.recipe.image_size) if row.recipe else (row.backbone, row.image_size)
    network = f"{backbone} at {size} px"
    seeds = len({_seed(row) for row in group})
    count = [f"{seeds} seeds"] if seeds > 1 else []
    if row.recipe is None and not row.source.startswith("random:"):
        return ", ".join(
            [f"{row.pretrained_on} images" if row.pretrained_on == "unknown" else row.pretrained_on, network]
        )
    if row.epochs == 0:
        return ", ".join(["nothing", network, *count])
    images = f"{row.pretrained_on} ({row.pretraining_note})" if row.pretraining_note else row.pretrained_on
    return ", ".join([images, network, f"{row.epochs} epochs", *count])


def _order(row: Row) -> tuple[object, ...]:
    methods = ["random", "foreign", "supervised", "moco", "moco++", "add-one", "looc", "looc++"]
    if row.recipe is None:
        kind = "random" if row.source.startswith("random:") else "foreign"
        return (methods.index(kind), 0, row.epochs, row.model, row.features)
    return (methods.index(row.recipe.method), len(row.recipe.left_out), row.epochs, row.model, row.features)


def _seed(row: Row) -> int:
    """The pretraining seed; an untrained network of another library was drawn from the command's."""
    return row.recipe.seed if row.recipe else row.seed if row.source.startswith("random:") else 0


def _determining(row: Row) -> dict[str, object]:
    """What sets experiments of one name apart."""
    if row.recipe is not None:
        return row.recipe.model_dump(exclude={"seed"})
    return {"source": row.source, "backbone": row.backbone}


def _cell(rows: Iterable[Row], column: Column) -> Cell | None:
    metrics: dict[int, Metric] = {}
    for row in rows:
        if (row.task, row.dataset_note) == (column.task, column.note) and column.metric in row.metrics:
            metrics[_seed(row)] = row.metrics[column.metric]
    if not metrics:
        return None
    values = np.array([metric.value for metric in metrics.values()]) * 100
    if len(values) == 1:
        (metric,) = metrics.values()
        return Cell(float(values[0]), (metric.high - metric.low) * 50, 1)
    return Cell(float(values.mean()), float(values.std(ddof=1)), len(values))


def _mark_best(lines: list[Line]) -> list[Line]:
    """Bold the highest figure of each column, and every figure that reads the same at one decimal."""
    if len(lines) < 2:
        return lines
    columns = list(zip(*(line.cells for line in lines), strict=True))
    tops = [max((round(cell.value, 1) for cell in column if cell), default=math.nan) for column in columns]
    return [
        Line(
            line.model,
            line.features,
            line.trained_on,
            tuple(
                cell and Cell(cell.value, cell.spread, cell.seeds, round(cell.value, 1) == top)
                for cell, top in zip(line.cells, tops, strict=True)
            ),
        )
        for line in lines
    ]


def _published(columns: Sequence[Column], cards: dict[str, TaskCard]) -> list[Line]:
    lines: dict[tuple[str, str], dict[int, Cell]] = {}
    for position, column in enumerate(columns):
        for entry in cards[column.task].published if column.task in cards else ():
            if column.metric in entry.metrics:
                cell = Cell(entry.metrics[column.metric] * 100, None, 1)
                lines.setdefault((entry.model, entry.source), {})[position] = cell
    return [
        Line(model, "", source, tuple(cells.get(position) for position in range(len(columns))))
        for (model, source), cells in lines.items()
    ]


def _notes(rows: Sequence[Row], columns: Sequence[Column], superseded: int) -> list[str]:
    notes = [
        "Figures are per cent. ± is the standard deviation over pretraining seeds where there are several, "
        "else half the 95 % interval over test items. The best measured figure of a column is bold."
    ]
    seeds = sorted({_seed(row) for row in rows if row.recipe})
    drawn = f"Pretraining seeds: {', '.join(map(str, seeds))}. " if seeds else ""
    notes.append(f"{drawn}Hardware: {'; '.join(sorted({r.hardware for r in rows}))}.")
    notes += [
        f"{column.task} was measured on another copy than the official one: {column.note}."
        for column in columns
        if column.note
    ]
    if superseded:
        notes.append(f"Not shown: {superseded} rows of older task versions or of checkpoints trained again since.")
    return list(dict.fromkeys(notes))
