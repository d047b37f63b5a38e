"""The store under stress: two writers, a killed writer."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loocbench.records import store
from loocbench.types import Row
from tests.records.rows import make_row

# The tests' own helpers would import torch, which takes longer than writing all rows.
WRITER = """
import sys
from pathlib import Path
from loocbench.records import store
from loocbench.types import Row
results, first, count, padding = Path(sys.argv[1]), *map(int, sys.argv[2:5])
row = Row.model_validate_json(sys.argv[5])
place = row.checkpoint, row.checkpoint_hash, row.task, row.task_version, row.features
stated = {"padding": "x" * padding}
for number in range(first, first + count):
    kept = row.model_copy(update={"seed": number, "stated": stated})
    store.write_row(store.row_path(results, "mine", *place, number), kept, overwrite=padding > 0)
"""


def writer(results, first, count, padding=0):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *map(str, (results, first, count, padding)), make_row().model_dump_json()],
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.slow
def test_two_processes_writing_500_rows_each_lose_none(tmp_path):
    both = [writer(tmp_path, first, 500) for first in (0, 500)]
    assert [process.wait() for process in both] == [0, 0]
    found = list(store.read_rows(tmp_path, "mine"))
    assert {entry.seed for entry in found if isinstance(entry, Row)} == set(range(1000))
    assert len(found) == 1000


@pytest.mark.slow
def test_two_processes_writing_the_same_rows_leave_one_whole_row_each(tmp_path):
    both = [writer(tmp_path, 0, 100) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    found = list(store.read_rows(tmp_path, "mine"))
    assert [type(entry) for entry in found] == [Row] * 100
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.slow
def test_a_killed_writer_leaves_no_torn_row(tmp_path):
    generator = random.Random(0)
    for attempt in range(3):
        process = writer(tmp_path, 0, 100_000, padding=300_000)  # large rows: most of the time is spent in writing
        before = set(tmp_path.glob("mine/*/*.json"))
        while set(tmp_path.glob("mine/*/*.json")) <= before:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.1 + 0.3 * generator.random())
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = list(store.read_rows(tmp_path, "mine"))
        assert found, attempt
        assert all(isinstance(entry, Row) for entry in found)
