"""The explorer's data: what rows keep, images from the data set that is here, and what brings what is missing.

Covers ``loocbench.jobs.explorer`` and ``loocbench.jobs.measured_data``.
"""

from dataclasses import replace

import numpy as np
import pytest

from loocbench.cards import tasks
from loocbench.data.blooms import make_blooms
from loocbench.data.entries import ENTRIES
from loocbench.jobs import evaluation, explorer
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.report.table.table import build_table
from tests.conftest import TINY

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")


@pytest.fixture
def row(only_tiny_blooms, checkpoint):
    """The row of retrieval of an untrained network."""
    task = tasks.load_task("retrieval/blooms")
    return evaluation.measure(evaluation.open_task(task, str(checkpoint), None, Session(EvaluationSettings())))


def build(*rows):
    return explorer.build_explorers(build_table(rows), suite="local")


def test_images_and_labels_come_from_the_data_set_that_is_here(row, tiny_blooms):
    (found,) = build(row)
    split = tiny_blooms.splits["test"]
    images = set(found.thumbnails)
    assert images == set(found.names) == set(found.captions)
    kept = found.found.spaces[0].kept
    assert images >= set(kept.queries[list(found.shown)].tolist())
    one = min(images)
    assert found.names[one] == split.items[one]
    assert found.captions[one] == [
        split.class_names[label][split.labels[label][one]].replace("_", " ") for label in found.labels
    ]
    pixels = found.thumbnails[one]
    assert pixels.shape == (explorer.THUMBNAIL, explorer.THUMBNAIL, 3)
    assert np.array_equal(pixels, tiny_blooms.read([split.items[one]], explorer.THUMBNAIL)[0])
    assert list(found.notes) == []


def test_few_images_are_chosen_and_how_many_is_said(row, monkeypatch):
    monkeypatch.setattr(explorer, "MOST_IMAGES", 12)
    (found,) = build(row)
    assert 1 <= len(found.shown) < 64
    assert len(found.thumbnails) <= 12
    assert f"{len(found.shown)} of 64 kept queries are shown, to keep the page small." in found.notes


def test_more_spaces_than_can_be_shown_are_counted(row, monkeypatch):
    monkeypatch.setattr(explorer, "MOST_SPACES", 1)
    (found,) = build(row, row.model_copy(update={"features": "other"}))
    assert len(found.found.spaces) == 1
    assert any(note.startswith("1 more space not shown") for note in found.notes)


def test_other_images_are_not_shown_in_their_place(row, monkeypatch):
    other = make_blooms({**TINY, "test": 32})
    monkeypatch.setitem(ENTRIES, "blooms", replace(ENTRIES["blooms"], generate=lambda: other))
    (found,) = build(row)
    assert found.thumbnails == {}
    assert set(found.names.values()) >= {"#0"}
    assert "is not the one that was measured" in found.notes[0]
    assert "LOOCBENCH_DATA" in found.notes[0]


def test_a_row_that_keeps_no_neighbours_says_what_command_brings_them(row):
    (found,) = build(row.model_copy(update={"items": {}}))
    assert found.shown == ()
    (note,) = found.notes
    assert "loocbench retrieve --checkpoint random:resnet8 --features looc" in note  # as the command line takes it
    assert note.endswith("--dataset blooms --suite local --overwrite")


def test_without_rows_of_retrieval_there_is_no_explorer(row):
    assert build(row.model_copy(update={"task": "knn/blooms"})) == []
