"""The files of a run: an altered line of the log, or a damaged newest state, does not count.

Covers loocbench.runs.writing, too.
"""

import json

import pytest
import torch

from loocbench.data import preparing
from loocbench.pretraining.loop import Run
from loocbench.runs.folder import LOG
from loocbench.runs.writing import RunWriter
from tests.conftest import Silent, tiny_recipe
from tests.faults import make_faults

ENTRIES = [{"epoch": 1, "knn": 0.376}, {"epoch": 2, "knn": 0.412}]


@pytest.fixture
def folder(tmp_path):
    return RunWriter(tmp_path / "runs" / "mine")


def test_lines_of_the_log_carry_checksums_and_older_ones_are_read(folder):
    folder.save_log(ENTRIES)
    assert folder.read_log() == ENTRIES
    (folder.path / LOG).write_text("".join(json.dumps(entry) + "\n" for entry in ENTRIES))
    assert folder.read_log() == ENTRIES


def test_an_altered_line_of_the_log_is_left_out(folder):
    folder.save_log(ENTRIES)
    path = folder.path / LOG
    path.write_text(path.read_text().replace("0.412", "0.912"))
    assert folder.read_log() == ENTRIES[:1]
    for damaged in make_faults((json.dumps(ENTRIES[0])).encode(), seed=3, count=30):
        path.write_bytes(damaged + b"\n")
        folder.read_log()  # whatever the bytes are, nothing but entries comes back
    folder.save_log(ENTRIES[:1])
    content = path.read_bytes().rstrip(b"\n")
    for damaged in make_faults(content, seed=18):
        path.write_bytes(damaged + b"\n")
        assert folder.read_log() == []


def test_a_damaged_newest_state_falls_back_to_the_whole_one_before(folder, tiny_blooms, tmp_path):
    images = preparing.prepare(tiny_blooms, tiny_blooms.splits["train"], 18, cache=tmp_path, reporter=Silent())
    run = Run(tiny_recipe("moco"), images, torch.device("cpu"))
    folder.save_state(run, {})
    (older,) = folder.states()
    newest = older.with_name("state-000000009.safetensors")
    newest.write_bytes(older.read_bytes())
    assert folder.newest_state() == newest
    for damaged in make_faults(older.read_bytes(), seed=1, count=6):
        newest.write_bytes(damaged)
        assert folder.newest_state() == older
