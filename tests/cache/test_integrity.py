"""Damaged files of the cache are made anew, with a line; figures do not change."""

import os

import numpy as np
import pytest

from loocbench import files
from loocbench.cache import feature_files, integrity
from loocbench.cards import tasks
from loocbench.checkpoints import card_file, native, untrained
from loocbench.jobs.evaluation import measure, open_task
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from tests.faults import make_faults
from tests.jobs.conftest import Heard

NOT_A_NUMBER = np.array([np.nan], "<f4").tobytes()


def zero_half(content):
    return content[: len(content) // 2] + bytes(len(content) - len(content) // 2)


def put_nan(content):
    return content[:-4] + NOT_A_NUMBER


@pytest.mark.parametrize("folder", ["features", "images"])
@pytest.mark.parametrize("damage", [zero_half, put_nan, lambda content: next(make_faults(content, 1))])
def test_damage_is_noticed_and_the_figure_stays(tmp_path, only_tiny_blooms, folder, damage):
    """Issue 18, item 4: zeroed halves of a features file gave 44.7 for 37.6, one NaN 0.0."""

    made = untrained.build_checkpoint("resnet8", 0, 16)
    checkpoint = tmp_path / "mine" / card_file.FILE
    native.save(checkpoint, made.card, made.weights)

    def evaluate():
        reporter = Heard()
        session = Session(EvaluationSettings(cache=tmp_path / "cache"), reporter)
        row = measure(open_task(tasks.load_task("knn/blooms-color"), str(checkpoint), None, session))
        return row.metrics, reporter.messages

    metrics, said = evaluate()
    assert not [line for line in said if "damaged" in line]
    if folder == "images":  # they are opened only where features have to be computed
        for path in (tmp_path / "cache" / "features").iterdir():
            path.unlink()
    whole = {path: path.read_bytes() for path in (tmp_path / "cache" / folder).iterdir()}
    for path, content in whole.items():
        path.write_bytes(damage(content))
    again, said = evaluate()
    assert again == metrics
    assert len([line for line in said if "is damaged" in line and "made anew" in line]) == len(whole) == 3
    assert {path: path.read_bytes() for path in whole} == whole
    assert not [line for line in evaluate()[1] if "damaged" in line]


def test_a_file_is_read_once_a_process(tmp_path, monkeypatch):
    from loocbench import checksums

    path = tmp_path / "a"
    path.write_bytes(b"x" * 100 + b'"checksum": "00000000"')
    integrity.publish(path, path)
    monkeypatch.setattr(checksums, "is_sealed", lambda path: pytest.fail("read"))
    assert integrity.is_whole(path)
    assert integrity.is_whole(path)
    monkeypatch.setattr(checksums, "is_sealed", lambda path: False)
    path.write_bytes(b"changed")
    assert not integrity.is_whole(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs")
def test_a_fifo_in_a_files_place_does_not_hang(tmp_path):
    path, reporter = tmp_path / "features.safetensors", Heard()
    os.mkfifo(path)
    with pytest.raises(files.DamagedFileError):
        feature_files.load_features(path)
    assert not integrity.is_there(path, reporter)
    assert not path.exists()
    path.mkdir()
    with pytest.raises(files.DamagedFileError, match="remove it"):
        integrity.is_there(path, reporter)
