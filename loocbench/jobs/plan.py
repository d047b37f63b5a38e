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
from loocbench.errors import UserError
from loocbench.features.encoder import DEFAULT, Encoder
from loocbench.features.inference_config import InferenceConfig
from loocbench.jobs import at_hand
from loocbench.jobs.evaluation import opened, reuse_error, row_of
from loocbench.jobs.measurement import Measurement
from loocbench.jobs.suite import Places
from loocbench.models import spaces
from loocbench.pretraining.labels import model_label
from loocbench.progress import Reporter
from loocbench.records import store

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
    precision: str = "float32",
) -> list[Job]:
    """Every task on every checkpoint's ``features`` (default: its own). Raises UserError for an unknown checkpoint."""
    cards = [tasks.load(task) for task in task_names]
    data = at_hand.opened(cards, places.data_dir)
    jobs = []
    for reference in references:
        checkpoint = locate.load(reference, runs=places.runs, seed=seed)
        separate = networks.has_separate_stages(checkpoint.card)
        offered = spaces.list_feature_names(checkpoint.card.spaces, separate=separate)
        for name in features or offered[:1]:
            try:
                spaces.parse_feature_name(name, checkpoint.card.spaces, separate=separate)
                lacking = ""
            except UserError as error:
                lacking = str(error)
            jobs += [
                _job(suite, card, reference, checkpoint, name, lacking, data, places, seed, precision) for card in cards
            ]
    return jobs


def run(
    jobs: Sequence[Job],
    places: Places,
    *,
    suite: str,
    device: str,
    seed: int,
    overwrite: bool,
    reporter: Reporter,
    inference: InferenceConfig = DEFAULT,
) -> list[tuple[Job, str]]:
    """Do what is to do. A job that cannot be done does not stop the others: returns those, with what each said."""
    again = ("kept", "blocked") if overwrite else ()
    wanted = [job for job in jobs if job.state in ("to do", *again)]
    failed = [(job, job.note) for job in jobs if job.state in ("blocked", "impossible") and job.state not in again]
    encoder, of = None, ""
    for number, job in enumerate(wanted, 1):
        reporter.info(f"[{number}/{len(wanted)}] {job.task}: {job.model}, features {job.features}")
        try:
            if encoder is None or of != job.checkpoint:
                checkpoint = locate.load(job.checkpoint, runs=places.runs, seed=seed)
                encoder = Encoder.from_checkpoint(checkpoint, device=device, inference=inference)
                of = job.checkpoint
            card = tasks.load(job.task)
            dataset, other = opened(card, places.data_dir)
            measurement = Measurement(card, encoder, dataset, job.features, seed, places.cache, reporter, other)
            row_of(measurement, results=places.results, suite=suite, overwrite=overwrite)
        except UserError as error:
            reporter.info(f"failed, going on: {error}")
            failed.append((job, str(error)))
        except Exception as error:  # a bug, or no memory left: hours of other jobs are not its price
            reporter.info(f"failed, going on; please report this:\n{traceback.format_exc().rstrip()}")
            failed.append((job, f"{type(error).__name__}: {error}"))
    return failed


def _job(
    suite: str,
    card: tasks.TaskCard,
    reference: str,
    checkpoint: Checkpoint,
    features: str,
    lacking: str,
    data: at_hand.Data,
    places: Places,
    seed: int,
    precision: str,
) -> Job:
    whose = checkpoint.card
    path = store.row_path(places.results, suite, whose.name, whose.weights, card.task, card.version, features, seed)
    state: State = "to do"
    note = card.cost
    if path.exists():
        size = whose.preprocessing.image_size
        wrong = reuse_error(store.read_row(path), at_hand.of(card, data), image_size=size, precision=precision)
        state, note = ("blocked", f"{path} {wrong}; --overwrite it") if wrong else ("kept", str(path))
    elif lacking := lacking or at_hand.lacking(card, data):
        state, note = "impossible", lacking
    return Job(reference, model_label(whose), features, card.task, state, note, path)
