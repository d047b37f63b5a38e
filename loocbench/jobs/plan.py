"""A suite for checkpoints that exist: first a plan, a list of independent jobs; then the jobs, one after the other."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loocbench.cards import tasks
from loocbench.checkpoints import locate, networks
from loocbench.checkpoints.native import Checkpoint
from loocbench.data import catalog
from loocbench.errors import UserError
from loocbench.features import spaces
from loocbench.features.encoder import DEFAULT, Encoder
from loocbench.features.engine import Engine
from loocbench.jobs.measure import is_of, opened, row_of
from loocbench.jobs.measurement import Measurement
from loocbench.jobs.suite import Places
from loocbench.records import store
from loocbench.types import Dataset
from loocbench.watching import Watcher

State = Literal["to do", "kept", "blocked", "impossible"]


@dataclass(frozen=True)
class Job:
    """One task on one checkpoint's features: nothing else is needed to do it. row: where its result is or will be.

    state: what there is to do; "blocked" is what --overwrite alone does, since something else is in the row's place.
    note: why nothing can be done, or what the task costs.
    """

    checkpoint: str
    model: str
    features: str
    task: str
    state: State
    note: str
    row: Path


def make(
    suite: str,
    task_names: Sequence[str],
    references: Sequence[str],
    features: Sequence[str],
    places: Places,
    *,
    seed: int,
) -> list[Job]:
    """Every task on every checkpoint's ``features`` (default: its own). Raises UserError for an unknown checkpoint."""
    cards = [tasks.load(task) for task in task_names]
    wanted = {name for card in cards for name in (card.dataset, card.elsewhere) if name}
    data = {name: _opened(name, places) for name in wanted}
    jobs = []
    for reference in references:
        checkpoint = locate.load(reference, runs=places.runs, seed=seed)
        separate = networks.separate(checkpoint.card)
        offered = spaces.offered(checkpoint.card.spaces, separate=separate)
        for name in features or offered[:1]:
            try:
                spaces.parse(name, checkpoint.card.spaces, separate=separate)
                lacking = ""
            except UserError as error:
                lacking = str(error)
            jobs += [_job(suite, task, reference, checkpoint, name, lacking, data, places, seed) for task in task_names]
    return jobs


def run(
    jobs: Sequence[Job],
    places: Places,
    *,
    suite: str,
    device: str,
    seed: int,
    overwrite: bool,
    watcher: Watcher,
    engine: Engine = DEFAULT,
) -> list[tuple[Job, str]]:
    """Do what is to do. A job that cannot be done does not stop the others: returns those, with what each said."""
    again = ("kept", "blocked") if overwrite else ()
    wanted = [job for job in jobs if job.state in ("to do", *again)]
    failed = [(job, job.note) for job in jobs if job.state in ("blocked", "impossible") and job.state not in again]
    encoder, of = None, ""
    for number, job in enumerate(wanted, 1):
        watcher.say(f"[{number}/{len(wanted)}] {job.task}: {job.model}, features {job.features}")
        try:
            if encoder is None or of != job.checkpoint:
                checkpoint = locate.load(job.checkpoint, runs=places.runs, seed=seed)
                encoder = Encoder.from_checkpoint(checkpoint, device=device, engine=engine)
                of = job.checkpoint
            card = tasks.load(job.task)
            dataset, other = opened(card, places.data_dir)
            measurement = Measurement(card, encoder, dataset, job.features, seed, places.cache, watcher, other)
            row_of(measurement, results=places.results, suite=suite, overwrite=overwrite)
        except UserError as error:
            watcher.say(f"failed, going on: {error}")
            failed.append((job, str(error)))
        except Exception as error:  # a bug, or no memory left: hours of other jobs are not its price
            watcher.say(f"failed, going on; please report this:\n{traceback.format_exc().rstrip()}")
            failed.append((job, f"{type(error).__name__}: {error}"))
    return failed


def _job(
    suite: str,
    task: str,
    reference: str,
    checkpoint: Checkpoint,
    features: str,
    lacking: str,
    data: dict[str, Dataset | str],
    places: Places,
    seed: int,
) -> Job:
    card, whose = tasks.load(task), checkpoint.card
    row = store.locate(places.results, suite, whose.name, whose.weights, card.task, card.version, features, seed)
    for name, needed in ((card.dataset, {"train", "val", "test"}), (card.elsewhere, {"test"})):
        dataset = data.get(name)
        if isinstance(dataset, str):
            lacking = lacking or dataset
        elif dataset and (missing := needed - dataset.splits.keys()):
            lacking = lacking or f"{dataset.name} has no {min(missing)} split"
    state, note = _stored(row, card, data) or (("impossible", lacking) if lacking else ("to do", card.cost))
    return Job(reference, whose.label, features, task, state, note, row)


def _stored(path: Path, card: tasks.TaskCard, data: dict[str, Dataset | str]) -> tuple[State, str] | None:
    """State and note of a job whose row's place is taken."""
    if not path.exists():
        return None
    row = store.read(path)
    if isinstance(row, store.Torn):
        return "blocked", f"{path} is there, but {row.reason}; --overwrite it"
    dataset, other = data[card.dataset], data.get(card.elsewhere)
    if not isinstance(dataset, str) and not isinstance(other, str) and not is_of(row, dataset, other):
        return "blocked", f"{path} was measured on other images; --overwrite it"
    return "kept", str(path)


def _opened(name: str, places: Places) -> Dataset | str:
    """The data set, or why it cannot be had."""
    try:
        return catalog.open_dataset(name, places.data_dir)
    except UserError as error:
        return str(error)
