"""Measured rows, printed as a table or as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loocbench.cache.answers import Answer, find_answer
from loocbench.cli.console import Display, print_text, stdout
from loocbench.records.summary import describe_kept, select_shown, summarise_row, to_json_fields

if TYPE_CHECKING:
    from loocbench.cards.tasks import TaskCard
    from loocbench.jobs.estimating import Estimate
    from loocbench.jobs.question import Question
    from loocbench.jobs.settings import EvaluationSettings
    from loocbench.types import Row

_HEAVY = "torch"


def evaluate_and_show(question: Question, *, as_json: bool) -> None:
    """Evaluate one task, store its row and show it; or show how long it would take."""
    if question.settings.dry_run:
        show_estimate(question.find_task(), question.checkpoint, question.features, question.settings, as_json=as_json)
        return
    with Display() as display:
        answer = None if question.settings.overwrite else _find_answer(question)
        if answer:
            for line in (*answer.said, describe_kept(answer.row)):
                display.info(line)
            shown, path = answer.shown, answer.row
        else:
            from loocbench.jobs.answering import answer_question

            row, path = answer_question(question, display)
            shown = select_shown(row)
    show_fields(shown, path, as_json=as_json)


def _find_answer(question: Question) -> Answer | None:
    """Return the answer that is kept to a question.

    Not in a process that has torch: the long way is short there, and what runs in it may differ from what is installed.
    """
    if _HEAVY in sys.modules or os.environ.get("WORLD_SIZE", "1") != "1":
        return None
    return find_answer(question.cache, question.describe())


def show_estimate(
    card: TaskCard, checkpoint: str | None, features: str | None, settings: EvaluationSettings, *, as_json: bool
) -> None:
    """Show how long a task would take, and from what that is known."""
    from loocbench.jobs.estimating import estimate_task
    from loocbench.jobs.evaluation import open_task
    from loocbench.jobs.session import Session

    with Display() as display:
        session = Session(settings, display)
        measurement = open_task(card, checkpoint, features, session)
        estimate = estimate_task(measurement, session, settings)
    print_estimate(f"{measurement.card.task}, {measurement.features_name}", estimate, as_json=as_json)


def print_estimate(what: str, estimate: Estimate, *, as_json: bool) -> None:
    """Print how long something would take."""
    if as_json:
        print(json.dumps({"dry_run": what, "minutes": estimate.minutes, "basis": estimate.basis}))
        return
    stdout().print(f"{what}: {estimate}", highlight=False, soft_wrap=True, markup=False)


def show_row(row: Row, path: Path, *, as_json: bool) -> None:
    """Print a row as a small table, or as one JSON object."""
    show_fields(select_shown(row), path, as_json=as_json)


def show_fields(shown: Mapping[str, Any], path: Path, *, as_json: bool) -> None:
    """Print the fields of a row that ``records.summary`` selects, as :func:`show_row` does."""
    if as_json:
        print(json.dumps(to_json_fields(shown, path)))
        return
    from loocbench.cli.listing import Heading, print_list
    from loocbench.report.table.labels import format_number, format_percent

    shares = shown["shares"]
    console = stdout()
    heading = f"{shown['task']} (v{shown['task_version']}), {shown['model']}, {shown['features']}"
    console.print(heading, highlight=False, soft_wrap=True, markup=False)
    scale = shown["scale"]
    names = ("value %", "95 % interval") if shares else ("dimensions in use",)
    headings = [Heading("metric"), *(Heading(name, right=True) for name in (*names, *scale, "n"))]
    lines = []
    for name, metric in shown["metrics"].items():
        figures = [metric["value"], metric["low"], metric["high"]]
        beside = [values.get(name) for values in scale.values()]
        if shares:
            value, low, high = map(format_percent, figures)
            texts = [value, f"{low} – {high}", *("" if one is None else format_percent(one) for one in beside)]
        else:  # they have no interval
            texts = [format_number(figures[0], 1), *("" if one is None else f"{one:,.0f}" for one in beside)]
        lines.append([name, *texts, f"{metric['n']:,}"])
    print_list(console, headings, lines)
    for name, value in shown["stated"].items():
        print_text(console, f"{name}: {value}")
    print_paths([path])


def print_rows_as_json(rows: Iterable[Row]) -> None:
    """Print several rows as one JSON object."""
    print(json.dumps({"rows": [summarise_row(row) for row in rows]}))


def print_paths(paths: Iterable[Path]) -> None:
    """Print the paths of stored rows."""
    for path in paths:
        stdout().print(f"row: {path}", highlight=False, soft_wrap=True, markup=False)
