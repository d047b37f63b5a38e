import json
from pathlib import Path

import pytest

from loocbench.cache import answers
from loocbench.cache.answers import Answer, Watched, find_answer, keep_answer, take_snapshot

QUESTION = {"finder": "find_task", "arguments": {"dataset": "blooms"}, "checkpoint": "a.safetensors"}


@pytest.fixture
def kept(tmp_path):
    """An answer that is kept, which a checkpoint and a folder that is not there decide. Returns it."""
    (tmp_path / "a.safetensors").write_bytes(b"weights")
    (tmp_path / "row.json").write_text("{}")
    answer = Answer(Path("row.json"), {"dataset": "blooms", "checkpoint": "a"}, ("kNN: a, features looc",))
    snapshot = take_snapshot([Watched("a.safetensors", "file"), Watched("absent", "tree")])
    keep_answer(tmp_path / "cache", QUESTION, answer, snapshot)
    return answer


def test_an_answer_is_found_by_its_question(kept, tmp_path):
    assert find_answer(tmp_path / "cache", QUESTION) == kept
    assert find_answer(tmp_path / "cache", {**QUESTION, "checkpoint": "b.safetensors"}) is None
    assert find_answer(tmp_path / "other cache", QUESTION) is None


CHANGES = {
    "the checkpoint is trained anew": lambda folder: (folder / "a.safetensors").write_bytes(b"WEIGHTS"),
    "the checkpoint is removed": lambda folder: (folder / "a.safetensors").unlink(),
    "the row is removed": lambda folder: (folder / "row.json").unlink(),
    "the row is another one": lambda folder: (folder / "row.json").write_text('{"other": 1}'),
    "what was absent is there": lambda folder: (folder / "absent").mkdir(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_does_not_count_once_something_changed(kept, tmp_path, change):
    CHANGES[change](tmp_path)
    assert find_answer(tmp_path / "cache", QUESTION) is None


def test_it_does_not_count_in_other_surroundings(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(answers, "describe_surroundings", lambda: {"code": "another version"})
    assert find_answer(tmp_path / "cache", QUESTION) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"version": 1, "checksum": "00000000"}'])
def test_a_damaged_file_is_no_answer(kept, tmp_path, content):
    (path,) = (tmp_path / "cache" / "answers").iterdir()
    path.write_text(content)
    assert find_answer(tmp_path / "cache", QUESTION) is None


def test_an_altered_file_is_no_answer(kept, tmp_path):
    (path,) = (tmp_path / "cache" / "answers").iterdir()
    fields = json.loads(path.read_text())
    fields["shown"]["checkpoint"] = "b"
    path.write_text(json.dumps(fields))
    assert find_answer(tmp_path / "cache", QUESTION) is None


def test_what_cannot_be_known_has_no_snapshot(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "new.jpg").touch()  # a moment ago
    assert take_snapshot([Watched("data", "tree")]) is None


def test_of_a_folder_of_runs_only_checkpoints_count(tmp_path, monkeypatch):
    monkeypatch.setattr("loocbench.cache.file_states._SETTLED", -60.0)
    runs = Watched("runs", "checkpoints")
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "log.jsonl").touch()
    before = take_snapshot([runs])
    (tmp_path / "runs" / "a" / "log.jsonl").write_text("more")
    assert take_snapshot([runs]) == before
    (tmp_path / "runs" / "a" / "checkpoint.safetensors").touch()
    assert take_snapshot([runs]) != before


def test_a_cache_that_cannot_be_written_to_is_no_error(tmp_path):
    (tmp_path / "cache").write_text("a file where a folder is needed")
    (tmp_path / "row.json").touch()
    keep_answer(tmp_path / "cache", QUESTION, Answer(Path("row.json"), {}, ()), take_snapshot([]))
    assert find_answer(tmp_path / "cache", QUESTION) is None
