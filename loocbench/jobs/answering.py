"""Answering a question by opening all of it; the answer is kept if all that decides it can be looked at cheaply."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from loocbench.cache import answers
from loocbench.cache.answers import Answer, Watched
from loocbench.cache.file_states import hash_file
from loocbench.cards.tasks import TaskCard
from loocbench.checkpoints import card_file, kept_epochs, listing
from loocbench.data import catalog
from loocbench.jobs.evaluation import load_or_measure, measurement_path, open_task
from loocbench.jobs.measurement import Measurement
from loocbench.jobs.question import Question
from loocbench.jobs.session import Session
from loocbench.models import backbone_names
from loocbench.plugins.in_use import IN_USE, PREFIX
from loocbench.progress import Reporter
from loocbench.records import store
from loocbench.records.summary import select_shown
from loocbench.types import RANDOM, REMOTE, Row

CODE = "python:"  # how architectures begin that code of the user's makes


@dataclass
class _Listener:
    """A reporter that remembers what was told."""

    reporter: Reporter
    lines: list[str] = field(default_factory=list)

    def update(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Pass it on."""
        self.reporter.update(stage, done, total, detail)

    def info(self, message: str) -> None:
        """Pass it on, and remember it."""
        self.lines.append(message)
        self.reporter.info(message)


def answer_question(question: Question, reporter: Reporter) -> tuple[Row, Path]:
    """Return the row of a question and its path: a kept one, or one that is measured now. Raises UserError."""
    card = question.find_task()
    watched = list_watched(question, card)
    snapshot = None if watched is None else answers.take_snapshot(watched)
    listener = _Listener(reporter)
    measurement = open_task(card, question.checkpoint, question.features, Session(question.settings, listener))
    said = tuple(listener.lines)
    row, path = load_or_measure(measurement, question.settings)
    if snapshot is not None and _is_determined(question, measurement, row, path):
        answer = Answer(path, select_shown(row), said)
        before = hash_file(path)
        if store.read_row(path) == row and hash_file(path) == before:  # nobody replaced it meanwhile
            answers.keep_answer(question.cache, question.describe(), answer, snapshot)
    return row, path


def list_watched(question: Question, card: TaskCard) -> list[Watched] | None:
    """Return the paths that decide which row answers a question; None where they are not all known.

    They are not for models of libraries and hubs, for cards and checkpoints of other formats, and with plug-ins.
    """
    if IN_USE or str(question.arguments.get("name", "")).endswith(".toml"):
        return None
    lists = [_list_checkpoint_paths(question)]
    lists += [_list_data_paths(question, name) for name in (card.dataset, card.elsewhere) if name]
    return None if None in lists else [one for paths in lists for one in paths or ()]


def _list_checkpoint_paths(question: Question) -> list[Watched] | None:
    """The places in which ``checkpoints.locate`` looks for the checkpoint, up to its file."""
    reference, runs = question.checkpoint, question.settings.runs
    if reference and reference.startswith(REMOTE):
        return None
    if reference and reference.startswith(RANDOM):
        return [] if reference.removeprefix(RANDOM) in backbone_names.list_backbones() else None
    watched = []
    if reference is None:
        places = [listing.find_newest(runs)]
        watched = [Watched(str(runs), "checkpoints")]
    else:
        places = [Path(reference), Path(reference) / card_file.FILE, runs / reference / card_file.FILE]
        places += [kept for kept in [kept_epochs.find_file(runs, reference)] if kept]
    for place in places:
        watched.append(Watched(str(place), "file"))
        if place.is_file():
            return watched if card_file.is_native(place) else None
    return None


def _list_data_paths(question: Question, name: str) -> list[Watched] | None:
    """The folders in which ``data.catalog`` looks for a data set, up to the one that is there."""
    root = question.settings.data_dir or catalog.default_data_dir()
    beside: tuple[str, ...] = ()
    if name.startswith(catalog.FOLDER_PREFIX):
        path = name.removeprefix(catalog.FOLDER_PREFIX)
        places = [Path(path), root / path]
    else:
        entry = catalog.entry_of(name)
        if entry.generate:
            return []
        places, beside = [root / folder for folder in entry.folders], entry.beside
    for number, place in enumerate(places):
        if place.is_dir():
            watched = [*places[: number + 1], *(place.parent / other for other in beside)]
            return [Watched(str(path), "tree") for path in watched]
    return None


def _is_determined(question: Question, measurement: Measurement, row: Row, path: Path) -> bool:
    """Whether nothing else decided which row this is."""
    card = measurement.encoder.card
    if path != measurement_path(measurement, question.settings, measurement.features_name):
        return False  # of the task's former name, beside which one of its own may appear
    with_plugins = any(name.startswith(PREFIX) for name in {**card.versions, **row.versions})
    return not with_plugins and not card.backbone.startswith(CODE)
