"""Columns of the comparison table: one per task and metric, those of one data set side by side."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loocbench.cards import restoring
from loocbench.cards.tasks import TaskCard
from loocbench.evaluators import KINDS, measures_shares
from loocbench.report.table import labels
from loocbench.report.table.selection import matches
from loocbench.types import Row


@dataclass(frozen=True)
class Column:
    """A task and one of its metrics.

    note: how its data differ from the official set, or "". group: heading shared by the columns of a data set; short:
    heading below the group; title: heading on one line.
    """

    task: str
    version: int
    metric: str
    note: str
    group: str
    short: str
    title: str

    @property
    def direction(self) -> int:
        """1 if higher is better, -1 if lower is better, 0 if neither."""
        return labels.metric_direction(self.metric)

    @property
    def heading(self) -> str:
        """The title with the note, so that a figure on a subset is never shown as one on the whole set."""
        return f"{self.title} [{self.note}]" if self.note else self.title


def load_cards(rows: Sequence[Row]) -> dict[str, TaskCard]:
    """The card of each task of the rows; tasks that are no longer shipped are missing."""
    return restoring.load_tasks_of_rows(rows)


def choose_columns(
    rows: Sequence[Row], known: Mapping[str, TaskCard], *, every_metric: bool, metrics: tuple[str, ...]
) -> list[Column]:
    """The columns of some rows; numbers of dimensions, which are no shares, have none (see ``signs``).

    Metrics: those that fit the patterns ``metrics``, all with ``every_metric``, else each task's own.
    """
    present: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)  # the first row with each metric, in their order
    for row in rows:
        for metric in row.metrics if measures_shares(row.task) else ():
            present[row.task, row.dataset_note].setdefault(metric, row)
    groups = _groups({task: known[task].title for task, _ in present if task in known}, known)
    kinds, found = list(KINDS), []
    for (task, note), names in present.items():
        card = known.get(task)
        row = next(iter(names.values()))
        if metrics:
            shown = [name for name in names if matches(metrics, name)]
        else:
            shown = list(names) if every_metric or card is None else _shown(card, list(names))
        title = card.title if card else row.title or task
        group = groups.get(task, row.dataset)
        rest = re.sub(r"^[ ,]+", "", title.removeprefix(group))
        if not rest and not re.search("[ ,]", title):  # "CUB-200" alone does not say what was done
            rest = card.kind if card else ""
        for place, metric in enumerate(shown):
            label = f"{labels.format_metric(metric)} (v{row.task_version})"
            order = (row.dataset, kinds.index(card.kind) if card else len(kinds), task, note, place)
            column = Column(
                task, row.task_version, metric, note, group, f"{rest}, {label}" if rest else label, f"{title}, {label}"
            )
            found.append((order, column))
    return [column for _, column in sorted(found, key=lambda pair: pair[0])]


def _shown(card: TaskCard, names: Sequence[str]) -> list[str]:
    return card.task_kind.table_metrics(card.metric, names)


def _groups(titles: Mapping[str, str], known: Mapping[str, TaskCard]) -> dict[str, str]:
    """The group heading of each task: the words with which all titles of its data set begin."""
    by_data: dict[str, list[str]] = defaultdict(list)
    for task in titles:
        by_data[known[task].elsewhere or known[task].dataset].append(task)
    out = {}
    for dataset, tasks in by_data.items():
        words = [re.split(r"(?=[ ,])", titles[task]) for task in tasks]
        common = []
        for parts in zip(*words, strict=False):
            if len(set(parts)) > 1:
                break
            common.append(parts[0])
        name = "".join(common).rstrip(" ,") or dataset
        out.update(dict.fromkeys(tasks, name))
    return out
