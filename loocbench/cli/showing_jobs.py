"""A suite's plan and status, as tables and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from loocbench.cli.console import print_text, stdout
from loocbench.cli.listing import Heading, print_list
from loocbench.executors.graph import begin_first, chain_minutes, sum_minutes
from loocbench.executors.job import Job
from loocbench.executors.records import JobRecords
from loocbench.jobs.suite_jobs import SuiteJob
from loocbench.jobs.suite_plan import PlannedModel
from loocbench.jobs.suite_status import STATES, JobStatus, find_status
from loocbench.wording import count_of

_MOST_LINES = 40  # of jobs in a table; the rest is counted


def show(
    what: str, models: Sequence[PlannedModel], jobs: Sequence[SuiteJob], records: JobRecords, *, as_json: bool
) -> None:
    """Print a suite's "plan" or "status"."""
    found = find_status(jobs, records)
    if as_json:
        import json

        print(json.dumps(_to_json(models, found, records)))
    elif what == "plan":
        _show_plan(stdout(), models, found)
    else:
        _show_status(stdout(), found, records)


def _show_plan(console: Console, models: Sequence[PlannedModel], found: Sequence[JobStatus]) -> None:
    """Print the checkpoints, the jobs that are due, and the reasons for rows that cannot be measured."""
    lines = []
    for model in models:
        kept = sum(row.state == "kept" for row in model.rows)
        lines.append([model.name, ", ".join(model.features), model.state, f"{kept} of {len(model.rows)}"])
    headings = [Heading("checkpoint"), Heading("features", wraps=True, spare=1), Heading("state")]
    print_list(console, [*headings, Heading("rows", right=True)], lines, all_by="--json has all")
    due = [each.one.job for each in found if each.one.due]
    if due:
        _show_jobs(console, due)
        known = [job for job in due if job.minutes is not None]
        longest = max(chain_minutes(begin_first(known)).values(), default=0.0)
        print_text(console, _describe_time(due, known, longest))
    to_do = {row.task.task: row.task for model in models for row in model.rows if row.state == "to do"}
    for task, card in to_do.items():
        print_text(console, f"to do: {task}: {card.cost}")
    hindered = [row for model in models for row in model.rows if row.state in ("blocked", "impossible")]
    for line in dict.fromkeys(f"{row.state}: {row.task.task}: {row.note}" for row in hindered):
        print_text(console, line)


def _describe_time(due: Sequence[Job], known: Sequence[Job], longest: float) -> str:
    """What the jobs will take, by those of which something alike was measured; longest: minutes of their chain."""
    said, unknown = f"{count_of(len(due), 'job')} due", len(due) - len(known)
    if not known:
        return f"{said}; there is no estimate, since nothing alike was measured here"
    takes = f"{_describe_minutes(sum_minutes(known))} one after another by what was measured here"
    takes += f", the longest chain {_describe_minutes(longest)}"
    if not unknown:
        return f"{said}; {takes}"
    return f"{said}; of {unknown} there is no estimate, since nothing alike was measured; the rest takes {takes}"


def _show_jobs(console: Console, due: Sequence[Job]) -> None:
    lines = []
    for job in due[:_MOST_LINES]:
        minutes = "–" if job.minutes is None else f"{job.minutes:.1f}"
        lines.append([job.name, ", ".join(job.after), _describe_needs(job), minutes])
    headings = [Heading("job"), Heading("after", wraps=True, spare=2), Heading("needs", wraps=True, spare=1)]
    print_list(console, [*headings, Heading("minutes", right=True)], lines, all_by="--json has all")
    if len(due) > _MOST_LINES:
        print_text(console, f"and {len(due) - _MOST_LINES} more jobs; --json lists all")


def _show_status(console: Console, found: Sequence[JobStatus], records: JobRecords) -> None:
    """Print a line for each job that is not done, and how many are in each state."""
    shown = [each for each in found if each.state != "done"]
    if shown:
        headings = [Heading("job"), Heading("state"), Heading("where", spare=1), Heading("since", spare=2, wraps=True)]
        lines = (
            [each.one.job.name, each.state, each.where, each.since[:19].replace("T", " "), each.note]
            for each in shown[:_MOST_LINES]
        )
        print_list(console, [*headings, Heading("note", wraps=True)], lines, all_by="--json has all")
    if len(shown) > _MOST_LINES:
        print_text(console, f"and {len(shown) - _MOST_LINES} more jobs; --json lists all")
    counts = Counter(each.state for each in found)
    print_text(console, ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state]) or "no jobs")
    if counts["failed"] + counts["lost"] + counts["stopped"]:
        print_text(console, f"logs: {records.folder}/JOB/log; the same command without --status goes on")


def _describe_needs(job: Job) -> str:
    needs = job.needs
    parts = [f"{needs.processes} processes"] if needs.processes > 1 else []
    parts += [f"{needs.gpus:g} GPU{'s' if needs.gpus > 1 else ''}"] if needs.gpus else []
    return ", ".join([*parts, f"{needs.cores} cores", f"{needs.memory_gib:g} GiB"])


def _describe_minutes(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _to_json(models: Sequence[PlannedModel], found: Sequence[JobStatus], records: JobRecords) -> dict[str, object]:
    return {
        "models": [_model_to_json(model) for model in models],
        "jobs": [
            {
                "job": each.one.job.name,
                "title": each.one.job.title,
                "after": each.one.job.after,
                "needs": each.one.job.needs.model_dump(),
                "minutes": each.one.job.minutes,
                "state": each.state,
                "since": each.since,
                "where": each.where,
                "note": each.note,
                "log": str(records.log(each.one.job.name)),
            }
            for each in found
        ],
    }


def _model_to_json(model: PlannedModel) -> dict[str, object]:
    recipe = model.recipe
    return {
        "checkpoint": model.name,
        "model": model.label,
        "method": recipe.method if recipe else None,
        "seed": recipe.seed if recipe else None,
        "state": model.state,
        "features": model.features,
        "rows": [
            {
                "task": row.task.task,
                "features": row.features,
                "state": row.state,
                "note": row.note,
                "path": str(row.path) if row.path else None,
            }
            for row in model.rows
        ],
    }
