"""What every command line has: -h, --version, -q, -v, exit codes, names that are nearly right, lists at 80 columns.

Covers ``loocbench.cli.common_options``, ``loocbench.cli.verbosity``, ``loocbench.cli.suites`` and
``loocbench.cli.evaluate``.
"""

import json
import shutil
import subprocess
import sys

import pytest

import loocbench as package
from loocbench.errors import StoppedError
from tests.cli.conftest import QUICKER


def test_the_version(loocbench):
    assert loocbench("--version").out == f"loocbench {package.__version__}\n"


@pytest.mark.parametrize("command", [[], ["probe"], ["tasks"], ["tasks", "ls"], ["runs", "show"]])
def test_h_is_help_and_flags_have_no_type(loocbench, command):
    said = loocbench(*command, "-h")
    assert said.code == 0
    assert "Usage:" in said.out
    assert "<bool>" not in said.out
    assert "9223372036854775807" not in said.out


def test_a_quiet_command_shows_its_result_alone(loocbench, only_tiny_blooms):
    command = ["knn", "--checkpoint", "random:resnet8"]
    assert loocbench(*command).err != ""
    said = loocbench(*command, "-q", "--overwrite")
    assert (said.code, said.err) == (0, "")
    assert "top1" in said.out.replace("-", "")
    assert loocbench("tasks", "show", "nothing", "-q").err.startswith("loocbench: unknown task")  # errors are shown
    assert loocbench(*command).err != ""  # the next command is not quiet


def test_a_verbose_command_says_where_an_error_comes_from(loocbench):
    assert "Traceback" not in loocbench("tasks", "show", "nothing").err
    said = loocbench("tasks", "show", "nothing", "-v")
    assert (said.code, "Traceback" in said.err) == (2, True)
    assert said.err.splitlines()[-1].startswith("loocbench: unknown task")


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (StoppedError("stopped", 15), 143)])
def test_who_is_interrupted_ends_with_the_signals_code(loocbench, monkeypatch, error, code):
    from loocbench.cards import finding

    def load(name):
        raise error

    monkeypatch.setattr(finding, "find_named_task", load)
    said = loocbench("tasks", "show", "knn/blooms")
    assert said.code == code
    assert said.err.count("loocbench: ") == 1


@pytest.mark.parametrize("command", [["tasks", "show", "nothing"], ["pretrain", "--resume", "--overwrite"]])
def test_what_every_process_of_torchrun_meets_is_told_by_the_first_alone(loocbench, monkeypatch, command):
    for rank, lines in (("0", 1), ("1", 0)):
        monkeypatch.setenv("LOCAL_RANK", rank)
        said = loocbench(*command)
        assert (said.code, said.err.count("loocbench: ")) == (2, lines)


def test_a_wrong_option_is_told_by_the_first_process_alone(loocbench, monkeypatch):
    assert "unknown option '--strength'" in loocbench("probe", "--strength", "3").err
    monkeypatch.setenv("LOCAL_RANK", "1")
    said = loocbench("probe", "--strength", "3")
    assert (said.code, said.err) == (2, "")


def test_of_many_names_the_nearest_few_are_shown(one_line):
    line = one_line("tasks", "show", "liner/cub200")
    assert "Did you mean 'linear/cub200'?" in line
    assert "'loocbench tasks ls' lists them" in line
    assert len(line) < 300


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_no_generator_takes_is_refused(one_line, seed):
    assert "is out of range" in one_line("knn", "--checkpoint", "random:resnet8", "--seed", seed)


def test_no_epochs_are_refused(loocbench):
    said = loocbench("pretrain", "--epochs", "0")
    assert said.code == 2
    assert "epochs" in said.err


@pytest.mark.parametrize(
    "command",
    [["tasks", "ls"], ["datasets", "ls"], ["recipes", "ls"], ["suites", "ls"], ["runs", "ls"], ["checkpoints", "ls"]],
)
def test_lists_fit_80_columns_and_cut_nothing(loocbench, monkeypatch, command, only_tiny_blooms):
    monkeypatch.setenv("COLUMNS", "80")
    if command[0] in ("runs", "checkpoints"):
        assert loocbench("pretrain", "--name", "a-name-as-long-as-people-give-to-their-runs", *QUICKER).code == 0
    said = loocbench(*command)
    assert said.code == 0
    table = [line for line in said.out.splitlines() if line and line[0] in "┃│┏└"]
    assert table
    assert max(map(len, table)) <= 80
    assert "…" not in "".join(table)


@pytest.mark.parametrize("what", ["tasks", "datasets", "recipes", "suites", "runs", "checkpoints"])
def test_every_list_for_machines_is_one_object_with_the_list_by_its_name(loocbench, what):
    said = json.loads(loocbench(what, "ls", "--json").out)
    assert list(said) == [what]
    assert isinstance(said[what], list)


WITHOUT_TORCH = """
import sys
from loocbench.cli import main
for words in ("tasks ls", "datasets ls", "recipes ls", "suites ls", "runs ls", "runs show looc", "checkpoints ls"):
    sys.argv = ["loocbench", *words.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, (words, end.code)
    assert "torch" not in sys.modules, words
"""


def test_lists_import_no_torch(trained, tmp_path):
    """With a run to list, and in a process of its own."""
    (tmp_path / "runs").mkdir()
    shutil.copytree(trained["looc"].parent, tmp_path / "runs" / "looc")
    said = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert "looc" in said.stdout


def test_a_list_of_no_runs_says_what_makes_one(loocbench):
    assert loocbench("runs", "ls").out == "no runs in runs: 'loocbench pretrain' makes one.\n"


def test_suites_and_checkpoints_are_listed_for_machines(loocbench, only_tiny_blooms):
    suites = json.loads(loocbench("suites", "ls", "--json").out)["suites"]
    assert {"demo", "blooms", "paper"} <= {card["suite"] for card in suites}
    assert 'suite = "demo"' in loocbench("suites", "show", "demo").out
    assert loocbench("pretrain", "--method", "looc++", "--name", "mine", *QUICKER).code == 0
    (found,) = json.loads(loocbench("checkpoints", "ls", "--json").out)["checkpoints"]
    assert (found["name"], found["features"][:2]) == ("mine", ["looc++", "head:invariant"])


def test_a_probes_json_says_how_it_was_chosen_and_where_its_row_is(loocbench, only_tiny_blooms, tmp_path):
    said = json.loads(loocbench("probe", "--checkpoint", "random:resnet8", "--json").out)
    assert said["chosen"]["lambda"] > 0
    assert 0 <= said["certificate"] <= 1e-7
    assert (tmp_path / said["row"]).is_file()


def test_cards_by_path(loocbench, only_tiny_blooms, tmp_path):
    card = loocbench("tasks", "show", "knn/blooms").out.replace('task = "knn/blooms"', 'task = "knn/mine"')
    (tmp_path / "mine.toml").write_text(card)
    said = loocbench("evaluate", "--task", "mine.toml", "--checkpoint", "random:resnet8", "--json")
    assert json.loads(said.out)["task"] == "knn/mine"
    recipe = loocbench("recipes", "show", "small/moco").out
    (tmp_path / "own.toml").write_text(recipe.replace("small/moco", "own/mine"))
    assert loocbench("recipes", "show", "own.toml").out == (tmp_path / "own.toml").read_text()
    quick = [*QUICKER, "--backbone", "resnet8"]
    said = loocbench("pretrain", "--recipe", "own.toml", "--name", "mine", "--dataset", "blooms", *quick)
    assert said.code == 0, said.err


def test_any_few_shots(loocbench, only_tiny_blooms):
    command = ["few-shot", "--dataset", "blooms", "--checkpoint", "random:resnet8", "--label", "color"]
    said = loocbench(*command, "--shots", 2, "--trials", 3, "--json")
    assert json.loads(said.out)["task"] == "few-shot/blooms-color-2-3trials"
    report = loocbench("report", "--all", "--format", "markdown").out
    assert "2-shot, Adam, 3 trials" in report
