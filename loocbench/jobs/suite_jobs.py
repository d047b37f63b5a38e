"""The jobs of a planned suite: a pretraining, or what one checkpoint's features of one data set are measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from loocbench.cards.suites import SuiteCard
from loocbench.errors import UserError
from loocbench.executors.job import Job, Needs, job_name
from loocbench.executors.site import Site
from loocbench.jobs.expected_minutes import Rates
from loocbench.jobs.suite_plan import PlannedModel, PlannedRow

Kind = Literal["pretrain", "measure"]


@dataclass(frozen=True)
class SuiteJob:
    """A job of a suite. rows: that it measures; none for a pretraining. due: whether something is left to do."""

    job: Job
    model: PlannedModel
    rows: tuple[PlannedRow, ...]
    due: bool


def list_jobs(
    card: SuiteCard,
    models: Sequence[PlannedModel],
    *,
    site: Site,
    gpus: int,
    overwrite: bool,
    rates: Rates | None = None,
) -> list[SuiteJob]:
    """Return all jobs of a suite, each after that which it needs; rows of one data set are one job.

    gpus: of a job, where neither card nor site says. overwrite: whether what is there is done again. rates:
    what was measured before, for the expected minutes.
    """
    rates = rates or Rates()
    needs = {kind: find_needs(card, kind, site, gpus=gpus) for kind in ("pretrain", "measure")}
    jobs = []
    for model, name in zip(models, _distinct_names(models), strict=True):
        after: tuple[str, ...] = ()
        if model.state in ("to train", "trained") and model.recipe:
            due = model.state == "to train" or overwrite
            train = job_name("pretrain", name)
            minutes = rates.pretraining(model.recipe, card.pretrain_on)
            job = Job(train, f"pretrain {model.name}", "pretrain", needs["pretrain"], minutes=minutes)
            jobs.append(SuiteJob(job, model, (), due))
            after = (train,) if due else ()
        for dataset in dict.fromkeys(row.task.dataset for row in model.rows):
            rows = tuple(row for row in model.rows if row.task.dataset == dataset)
            due_rows = [row for row in rows if is_due(row, overwrite=overwrite)]
            job = Job(
                job_name("measure", name, dataset),
                f"{model.label} on {dataset}",
                f"measure {dataset}",
                needs["measure"],
                after,
                rates.measuring(due_rows, model.recipe),
            )
            jobs.append(SuiteJob(job, model, rows, bool(due_rows)))
    return jobs


def is_due(row: PlannedRow, *, overwrite: bool) -> bool:
    """Whether a row is to be measured now."""
    return row.state == "to do" or (overwrite and row.state in ("kept", "blocked"))


def find_needs(card: SuiteCard, kind: str, site: Site, *, gpus: int) -> Needs:
    """Return the needs of a kind of job: the site's, before the card's, before the defaults. Raises UserError."""
    stated: dict[str, Any] = {"gpus": gpus}
    stated |= getattr(card.needs, kind).model_dump(exclude_unset=True)
    stated |= getattr(site, kind)
    try:
        needs = Needs(**stated)
    except ValueError as error:
        raise UserError(f"the needs of {kind} jobs: {str(error).splitlines()[-2].strip()}.") from error
    if kind == "measure" and needs.processes > 1:
        raise UserError("measuring is one process; leave 'processes' out of [measure].")
    if needs.processes > 1 and 0 < needs.gpus < needs.processes:
        raise UserError(f"{needs.processes} processes need {needs.processes} GPUs, not {needs.gpus:g}.")
    if needs.processes % needs.nodes or (needs.nodes > 1 and needs.gpus % needs.nodes):
        raise UserError(
            f"{needs.processes} processes with {needs.gpus:g} GPUs cannot be shared equally by {needs.nodes} nodes."
        )
    return needs


def find_job(jobs: Sequence[SuiteJob], name: str, suite: str) -> SuiteJob:
    """Return the job called ``name``. Raises UserError for an unknown one."""
    for one in jobs:
        if one.job.name == name:
            return one
    raise UserError(f"suite {suite} has no job '{name}'; 'loocbench run {suite} --status --json' lists them.")


def _distinct_names(models: Sequence[PlannedModel]) -> list[str]:
    """Names of models for their jobs; of two checkpoints of one name the later ones get a number."""
    seen: dict[str, int] = {}
    names = []
    for model in models:
        seen[model.name] = seen.get(model.name, 0) + 1
        names.append(model.name if seen[model.name] == 1 else f"{model.name}-{seen[model.name]}")
    return names
