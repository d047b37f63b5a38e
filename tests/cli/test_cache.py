"""``loocbench extract`` and ``loocbench cache``: filled, listed, pruned.

Covers loocbench.cli.cache, loocbench.cli.extract and loocbench.jobs.extract.
"""

import gc
import json
import os
import subprocess
import sys
import time

import pytest
from safetensors.numpy import load_file

from loocbench.cache import layout
from loocbench.cache.entries import find_entries
from loocbench.cli import cache as command
from tests.conftest import picture

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")


def test_extracted_listed_and_pruned(loocbench, tmp_path):
    options = ("--checkpoint", "random:resnet8", "--cache", "mine")
    said = loocbench("extract", *options, "--split", "test", "--json")
    (one,) = json.loads(said.out)["splits"]
    assert (one["split"], one["images"], one["spaces"]["general"]) == ("test", 64, 64)
    assert load_file(one["file"])["general"].shape == (64, 64)
    assert "test" in loocbench("extract", *options, "--split", "test").out

    listed = loocbench("cache", "ls", "--cache", "mine")
    assert "2 entries" in listed.out
    assert all(len(line) <= 200 for line in listed.out.splitlines())
    entries = json.loads(loocbench("cache", "ls", "--cache", "mine", "--json").out)["entries"]
    assert {entry["kind"] for entry in entries} == {"images", "features"}

    for path in (tmp_path / "mine").rglob("*"):
        os.utime(path, (time.time() - 40 * 86400,) * 2)
    gc.collect()
    assert "would remove 2 entries" in loocbench("cache", "prune", "--older-than", "30d", "--dry-run", *options[2:]).out
    assert "2 entries" in loocbench("cache", "ls", "--cache", "mine").out
    assert "removed 2 entries" in loocbench("cache", "prune", "--older-than", "30d", *options[2:]).out
    assert "0 entries" in loocbench("cache", "ls", "--cache", "mine").out


def test_hundreds_of_left_over_locks_are_one_line(tmp_path, capsys):
    folder = layout.folder_path(tmp_path, "features")
    folder.mkdir()
    for number in range(507):
        (folder / f"{number:032x}.lock").touch()
    entries = find_entries(tmp_path)
    assert len(entries) == 507
    command._print_table(entries)
    assert capsys.readouterr().out.count("\n") <= 6
    command.prune(cache=tmp_path)
    assert "removed 507 entries" in capsys.readouterr().out
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("cache", "prune", "--max-size", "much"), "write 500MB, 50GB or 2TB"),
        (("cache", "prune", "--older-than", "old"), "write 12h, 30d or 2w"),
        (("extract", "--checkpoint", "random:resnet8", "--split", "tset"), "Did you mean 'test'?"),
        (("probe", "--checkpoint", "random:resnet8", "--precision", "float8"), "unknown precision 'float8'"),
    ],
)
def test_mistakes_are_one_line(one_line, arguments, remedy):
    assert remedy in one_line(*arguments)


def test_a_row_names_its_precision_and_is_not_taken_for_another(loocbench, one_line):
    options = ("knn", "--checkpoint", "random:resnet8", "--json")
    assert json.loads(loocbench(*options).out)["stated"] == {}
    versions = "decoding 3, changes 1, features 4"
    assert f"numerics {versions}, float32, joined 1, now {versions}, bfloat16" in one_line(
        *options, "--precision", "bfloat16"
    )
    half = loocbench(*options, "--precision", "bfloat16", "--suite", "half")
    assert json.loads(half.out)["stated"] == {"precision": "bfloat16"}


@pytest.mark.slow
def test_torchrun_shares_the_images_of_a_folder(tmp_path):
    """Two processes leave the files that one leaves, and one says what was done."""
    for number in range(90):
        picture(tmp_path / "pictures" / f"class{number % 2}" / f"{number}.jpg", (24, 20), number)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    files = []
    for name, launcher in (("one", []), ("two", torchrun)):
        options = ["--dataset", f"folder:{tmp_path / 'pictures'}", "--checkpoint", "random:resnet8", "--cache", name]
        command = [sys.executable, *launcher, "-m", "loocbench", "extract", *options, "--device", "cpu", "--json"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
        assert said.returncode == 0, said.stderr
        splits = json.loads(said.stdout)["splits"]
        files.append([(tmp_path / one["file"]).read_bytes() for one in splits])
    assert files[0] == files[1]
    assert len(files[0]) == 3


def test_one_process_commands_say_so_under_torchrun(one_line, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "-m loocbench extract" in one_line("knn", "--checkpoint", "random:resnet8")
