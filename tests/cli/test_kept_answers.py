"""A command that repeats a kept row answers at once, and as a full run does.

Covers ``loocbench.cli.show_rows``.
"""

import json
import subprocess
import sys

import pytest

from loocbench.cli import show_rows
from loocbench.jobs import answering
from tests.cli.conftest import run_command

CODE = (
    "import sys; sys.argv = ['loocbench', *sys.argv[1:]]\n"
    "from loocbench.cli import main\n"
    "try: main()\n"
    "finally: print('HEAVY', sorted({'torch', 'numpy', 'sklearn', 'pandas', 'numba', 'PIL'} & set(sys.modules)))"
)
COMMAND = ("knn", "--dataset", "blooms", "--limit", "24", "--checkpoint", "random:resnet8", "--cache", "cache")


def ask():
    """Run the program in a process of its own. Returns what it printed, what it told, and what it had imported."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, *COMMAND],
        capture_output=True,
        text=True,
        check=True,
    )
    out, _, heavy = done.stdout.rpartition("HEAVY ")
    return out, done.stderr, heavy.strip()


@pytest.mark.slow  # starts torch several times
def test_a_kept_row_is_shown_without_anything_heavy(tmp_path):
    measured, _, heavy = ask()
    assert "torch" in heavy
    shown, told, heavy = ask()
    assert heavy == "[]"
    assert shown == measured
    (answer,) = (tmp_path / "cache" / "answers").iterdir()
    answer.unlink()
    long_way = ask()
    assert long_way[:2] == (shown, told)
    assert "torch" in long_way[2]


@pytest.fixture
def quick(monkeypatch, only_tiny_blooms):
    """The command as a process that has imported nothing heavy would run it, after its row was measured."""
    assert run_command("knn", "--checkpoint", "random:resnet8").code == 0
    monkeypatch.setattr(show_rows, "_HEAVY", "a library that is not there")
    monkeypatch.setattr(answering, "answer_question", lambda *_: pytest.fail("the long way"))
    return lambda *arguments: run_command("knn", "--checkpoint", "random:resnet8", *arguments)


def test_it_says_that_the_row_is_kept_and_how_to_measure_again(quick):
    said = quick()
    assert said.code == 0
    assert "(--overwrite measures again)" in said.err
    assert "top1" in said.out
    assert json.loads(quick("--json").out)["checkpoint"] == "random-resnet8-s0"


@pytest.mark.parametrize("options", [["--overwrite"], ["--seed", "1"], ["--label", "color"], ["--results", "other"]])
def test_the_long_way_is_taken_for_every_other_question(quick, options):
    with pytest.raises(pytest.fail.Exception, match="the long way"):
        quick(*options)


def test_the_long_way_is_taken_where_torch_is_imported_already(quick, monkeypatch):
    monkeypatch.setattr(show_rows, "_HEAVY", "torch")
    with pytest.raises(pytest.fail.Exception, match="the long way"):
        quick()


def test_processes_of_torchrun_are_refused_as_ever(quick, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(pytest.fail.Exception, match="the long way"):
        quick()


@pytest.mark.usefixtures("only_tiny_blooms")
def test_json_of_a_row_has_its_path_and_no_more_than_before():
    said = run_command("knn", "--checkpoint", "random:resnet8", "--json")
    assert list(json.loads(said.out)) == [
        *("task", "dataset", "features", "checkpoint", "seed", "metrics", "scale", "stated", "chosen"),
        *("certificate", "row"),
    ]
