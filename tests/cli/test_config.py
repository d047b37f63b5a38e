"""Configured defaults as commands take them, and ``loocbench config show``.

Covers ``loocbench.cli.config`` and ``loocbench.cli.configured``.
"""

import json

import pytest

from loocbench import configuration
from tests.cli.conftest import QUICKER

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")
PROBE = ["probe", "--checkpoint", "random:resnet8", "--json"]


@pytest.fixture
def project(tmp_path):
    """Write the project's file."""
    return (tmp_path / "loocbench.toml").write_text


def settings(said):
    """The settings that were shown, by command and key."""
    return {(one["command"], one["key"]): one for one in json.loads(said.out)["settings"]}


def test_commands_take_what_is_configured_and_options_stand_before_it(loocbench, project, tmp_path, monkeypatch):
    project('results = "measured"\nsuite = "mine"\n[command.probe]\nsolver = "ridge"\nlabel = "color"\n')
    assert json.loads(loocbench(*PROBE).out)["task"] == "linear/blooms-color-ridge"
    assert (tmp_path / "measured" / "mine").is_dir()
    monkeypatch.setenv("LOOCBENCH_PROBE_LABEL", "texture")
    assert json.loads(loocbench(*PROBE).out)["task"] == "linear/blooms-texture-ridge"
    assert json.loads(loocbench(*PROBE, "--label", "color").out)["task"] == "linear/blooms-color-ridge"
    monkeypatch.setenv("LOOCBENCH_RESULTS", "elsewhere")
    assert loocbench(*PROBE, "--suite", "yours").code == 0
    assert (tmp_path / "elsewhere" / "yours").is_dir()


def test_the_cache_and_the_data_are_where_the_configuration_says(loocbench, project, tmp_path):
    project('cache = "store"\ndata_dir = "photographs"\n')
    assert loocbench(*PROBE).code == 0
    assert (tmp_path / "store" / "features").is_dir()
    assert not (tmp_path / "cache").exists()
    assert "in store" in loocbench("cache", "ls").out
    assert "Looked in photographs" in loocbench("datasets", "ls").out


def test_options_that_may_be_repeated_and_flags(loocbench, project, monkeypatch, tmp_path):
    project('[command.pretrain]\naugment = ["color", "rotation"]\nmethod = "moco"\nkeep_last = true\n')
    assert loocbench("pretrain", *QUICKER, "--name", "mine").code == 0
    recipe = json.loads((tmp_path / "runs" / "mine" / "card.json").read_text())["recipe"]
    assert (recipe["method"], recipe["augmentations"], recipe["keep_last"]) == ("moco", ["color", "rotation"], True)
    monkeypatch.setenv("LOOCBENCH_PRETRAIN_AUGMENT", "color")
    monkeypatch.setenv("LOOCBENCH_PRETRAIN_KEEP_LAST", "false")
    assert loocbench("pretrain", *QUICKER, "--name", "yours").code == 0
    recipe = json.loads((tmp_path / "runs" / "yours" / "card.json").read_text())["recipe"]
    assert (recipe["augmentations"], recipe["keep_last"]) == (["color"], False)
    assert "is finished" in loocbench("pretrain", "--resume", "mine").err  # with its own options, not with these


def test_where_each_value_comes_from_is_shown(loocbench, project, monkeypatch):
    path = configuration.user_path()
    path.parent.mkdir(parents=True)
    path.write_text('seed = 3\n[command.cache.prune]\nolder-than = "30d"\n')
    project('device = "cpu"\n')
    monkeypatch.setenv("LOOCBENCH_DATA", "/data")
    monkeypatch.setenv("LOOCBENCH_FEW_SHOT_SHOTS", "3")
    monkeypatch.setenv("LOOCBENCH_RUNS_LS_JSON", "true")
    found = settings(loocbench("config", "show", "--json"))
    for name, expected in {
        ("", "data_dir"): ("/data", "environment", "$LOOCBENCH_DATA"),
        ("", "device"): ("cpu", "project file", "loocbench.toml"),
        ("", "seed"): (3, "user's file", str(path)),
        ("", "runs"): ("runs", "built in", ""),
        ("cache prune", "older_than"): ("30d", "user's file", str(path)),
        ("few-shot", "shots"): ("3", "environment", "$LOOCBENCH_FEW_SHOT_SHOTS"),
        ("runs ls", "json"): ("true", "environment", "$LOOCBENCH_RUNS_LS_JSON"),
    }.items():
        assert tuple(found[name][one] for one in ("value", "source", "place")) == expected
    assert {key for command, key in found if not command} == set(configuration.SHARED)
    monkeypatch.setenv("COLUMNS", "80")
    table = loocbench("config", "show").out
    assert max(len(line) for line in table.splitlines() if line[:1] in "┃│┏└") <= 80
    assert "older_than" in table
    assert "project file: loocbench.toml" in table


def test_the_built_in_values_are_those_that_commands_have(loocbench, tmp_path):
    found = settings(loocbench("config", "show", "--json"))
    assert found["", "cache"]["value"] == str(tmp_path / "cache" / "loocbench")
    assert f"in {tmp_path / 'cache' / 'loocbench'}" in loocbench("cache", "ls").out
    assert f"Looked in {found['', 'data_dir']['value']}" in loocbench("datasets", "ls").out


@pytest.mark.parametrize(
    ("text", "command", "message"),
    [
        ('rums = "x"', ["runs", "ls"], "unknown key of loocbench.toml 'rums'. Did you mean 'runs'"),
        ("[command.prob]\nseed = 1", ["runs", "ls"], "unknown command in loocbench.toml 'prob'. Did you mean 'probe'"),
        ("[command.probe]\nsede = 1", PROBE, "unknown option of probe in loocbench.toml 'sede'. Did you mean 'seed'"),
        ("[command.probe]\nsede = 1", ["config", "show"], "Did you mean 'seed'"),
        ("[command.runs.lst]\nruns = '1'", ["config", "show"], "unknown command of runs in the configuration 'lst'"),
        ('[command.probe]\nseed = "x"', PROBE, "loocbench.toml, seed = 'x':"),
        ("[command.pretrain]\nepochs = 0", ["pretrain"], "loocbench.toml, epochs = 0:"),
    ],
)
def test_mistakes_are_refused_in_one_line_and_help_is_shown(loocbench, one_line, project, text, command, message):
    project(text)
    assert message in one_line(*command)
    assert loocbench(*command, "--help").code == 0


def test_a_folder_of_the_environment_may_hold_spaces(loocbench, monkeypatch, tmp_path):
    """Of an option that can be repeated, too: other words of a variable are apart by spaces."""
    monkeypatch.setenv("LOOCBENCH_RESULTS", str(tmp_path / "my results"))
    assert f"no measured rows in {tmp_path / 'my results' / 'local'}" in loocbench("report").err
