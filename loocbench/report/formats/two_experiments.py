"""The comparison of two experiments, for the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loocbench.report.table import labels
from loocbench.report.table.comparisons import Comparison
from loocbench.report.table.disagreements import Disagreement
from loocbench.report.table.experiments import Experiment


def print_comparisons(
    first: Experiment, second: Experiment, comparisons: Sequence[Comparison], console: Console
) -> None:
    """Print what A and B are, and one line per task."""
    for mark, side in (("A", first), ("B", second)):
        seeds = f"{side.seeds} seed{'s' if side.seeds > 1 else ''}"
        _print_line(console, f"{mark}: {side.name} ({side.trained_on}, {seeds}; {', '.join(sorted(side.checkpoints))})")
    table = Table()
    for name in ("task", "A %", "B %", "A − B, 95 %", "A / B alone", "p (Holm)", ""):
        table.add_column(name, justify="left" if name == "task" else "right", overflow="fold")
    for test in comparisons:
        values = [labels.format_percent(value) for value in _side_means(test)]
        result = test.result
        if result is None:
            table.add_row(Text(test.column.heading), *values, Text(test.reason, style="dim"), "–", "–", "")
            continue
        low, high = (labels.format_percent(bound, signed=True) for bound in (result.low, result.high))
        table.add_row(
            Text(test.column.heading),
            *values,
            f"{labels.format_percent(result.difference, signed=True)}\n{low} to {high}",
            f"{result.only_first} / {result.only_second}" if result.only_first is not None else "–",
            labels.format_p_value(test.adjusted),
            Text(test.marker, style="bold"),
        )
    console.print(table)


def print_disagreements(disagreements: Sequence[Disagreement], console: Console, *, images: int) -> None:
    """Print the names of the first ``images`` test images that each side alone got right."""
    for disagreement in disagreements:
        column = disagreement.comparison.column
        for mark, indices in (("A", disagreement.first), ("B", disagreement.second)):
            if len(indices):
                names = ", ".join(disagreement.image_name(index) for index in indices[:images].tolist())
                more = f" and {len(indices) - images} more" if len(indices) > images else ""
                _print_line(console, f"{column.heading}: right by {mark} alone: {names}{more}")
    for reason in dict.fromkeys(one.reason for one in disagreements if one.reason):
        console.print(f"Images have numbers, not names: {reason}", style="dim", highlight=False, markup=False)


def comparisons_to_json(
    first: Experiment, second: Experiment, comparisons: Sequence[Comparison], disagreements: Sequence[Disagreement]
) -> dict[str, Any]:
    """The comparisons as JSON values: figures are fractions of 1, lists of images are complete."""
    by_comparison = {id(one.comparison): one for one in disagreements}
    tasks = []
    for test in comparisons:
        disagreement = by_comparison.get(id(test))
        sides = {"first": disagreement.first, "second": disagreement.second} if disagreement else {}
        named = disagreement is not None and disagreement.dataset is not None
        first_mean, second_mean = _side_means(test)
        tasks.append(
            {
                "task": test.column.task,
                "version": test.column.version,
                "metric": test.column.metric,
                "note": test.column.note,
                "first": first_mean,
                "second": second_mean,
                "result": asdict(test.result) if test.result else None,
                "p_adjusted": test.adjusted if test.result else None,
                "reason": test.reason,
                "right_alone": {side: indices.tolist() for side, indices in sides.items()},
                "names": {
                    side: [disagreement.image_name(index) for index in indices.tolist()]
                    for side, indices in sides.items()
                    if disagreement is not None and named
                },
            }
        )
    return {"first": _experiment_to_json(first), "second": _experiment_to_json(second), "tasks": tasks}


def _experiment_to_json(experiment: Experiment) -> dict[str, Any]:
    return {
        "model": experiment.model,
        "features": experiment.features,
        "trained_on": experiment.trained_on,
        "seeds": experiment.seeds,
        "checkpoints": sorted(experiment.checkpoints),
    }


def _side_means(test: Comparison) -> list[float]:
    """The mean of the tested rows of each side."""
    return [sum(row.metrics[test.column.metric].value for row in side) / len(side) for side in test.rows]


def _print_line(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
