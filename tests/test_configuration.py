"""Where configured defaults come from, and what stands before what."""

import pytest

from loocbench import configuration
from loocbench.configuration import Found
from loocbench.errors import UserError

OPTIONS = ("solver", "device", "seed", "runs")


@pytest.fixture
def project(tmp_path):
    """Write the project's file."""
    return (tmp_path / "loocbench.toml").write_text


@pytest.fixture
def user():
    """Write the user's file."""
    path = configuration.user_path()
    path.parent.mkdir(parents=True)
    return path.write_text


def test_nothing_is_set_where_nothing_is_there():
    assert configuration.read_files() == []
    assert all(configuration.find_shared(key) is None for key in configuration.SHARED)
    assert configuration.find_options(["probe"], OPTIONS) == {}


def test_environment_before_project_before_user(project, user, monkeypatch):
    user('device = "cuda:1"\nseed = 1\nruns = "mine"\n')
    assert configuration.find_shared("device") == Found("cuda:1", str(configuration.user_path()))
    project('device = "cuda:2"\nseed = 2\n')
    monkeypatch.setenv("LOOCBENCH_DEVICE", "cuda:3")
    assert configuration.find_options(["probe"], OPTIONS) == {
        "device": Found("cuda:3", "$LOOCBENCH_DEVICE"),
        "seed": Found(2, "loocbench.toml"),
        "runs": Found(str(configuration.user_path().parent / "mine"), str(configuration.user_path())),
    }


def test_within_a_place_the_commands_own_setting_stands_before_the_shared_one(project, monkeypatch):
    project('seed = 2\n[command.probe]\nseed = 3\nsolver = "ridge"\n[command.runs.ls]\nruns = "there"\n')
    assert configuration.find_options(["probe"], OPTIONS)["seed"].value == 3
    assert configuration.find_options(["knn"], OPTIONS)["seed"].value == 2
    assert configuration.find_options(["runs", "ls"], OPTIONS)["runs"].value == "there"
    monkeypatch.setenv("LOOCBENCH_SEED", "4")  # a place further up, whatever is said below
    assert configuration.find_options(["probe"], OPTIONS)["seed"].value == 4
    monkeypatch.setenv("LOOCBENCH_PROBE_SEED", "5")
    assert configuration.find_options(["probe"], OPTIONS)["seed"] == Found("5", "$LOOCBENCH_PROBE_SEED")
    monkeypatch.setenv("LOOCBENCH_RUNS_LS_RUNS", "elsewhere")
    assert configuration.find_options(["runs", "ls"], OPTIONS)["runs"].value == "elsewhere"


def test_precision_of_features_is_not_that_of_pretraining(project):
    project('precision = "bfloat16"\n')
    assert configuration.find_options(["probe"], ["precision"])["precision"].value == "bfloat16"
    assert configuration.find_options(["pretrain"], ["precision"]) == {}


def test_folders_are_relative_to_the_file_and_know_home(user, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    user('data_dir = "data"\ncache = "~/cache"\n')
    assert configuration.find_folder("data_dir") == configuration.user_path().parent / "data"
    assert str(configuration.find_folder("cache")) == "/home/me/cache"
    monkeypatch.setenv("LOOCBENCH_DATA_DIR", "there")
    assert str(configuration.find_folder("data_dir")) == "there"
    monkeypatch.setenv("LOOCBENCH_DATA", "here")
    assert str(configuration.find_folder("data_dir")) == "here"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('data-dri = "x"', "unknown key of loocbench.toml 'data-dri'. Did you mean 'data_dir'"),
        ("seed = true", "loocbench.toml, seed: True is not a whole number"),
        ("device = 3", "loocbench.toml, device: 3 is not a text"),
        ('compile = "yes"', "loocbench.toml, compile: 'yes' is not true or false"),
        ('runs = ""', "loocbench.toml, runs: '' is not a path"),
        ("command = 3", r"write a table for each command, such as \[command.probe\]"),
        ("seed =", "loocbench.toml is not valid TOML"),
        ("[probe]", "unknown key of loocbench.toml 'probe'"),
    ],
)
def test_a_mistake_in_a_file_is_named(project, text, message):
    project(text)
    with pytest.raises(UserError, match=message):
        configuration.read_files()


@pytest.mark.parametrize(("variable", "value"), [("SEED", "x"), ("COMPILE", "perhaps")])
def test_a_mistake_in_the_environment_is_named(monkeypatch, variable, value):
    monkeypatch.setenv(f"LOOCBENCH_{variable}", value)
    with pytest.raises(UserError, match=rf"\$LOOCBENCH_{variable}: '{value}' is not"):
        configuration.find_shared(variable.lower())


def test_an_option_that_the_command_lacks_is_refused_with_the_nearest(project):
    project('[command.probe]\nslover = "ridge"\n')
    with pytest.raises(UserError, match=r"option of probe in loocbench.toml 'slover'. Did you mean 'solver'"):
        configuration.find_options(["probe"], OPTIONS)
    assert configuration.find_options(["knn"], OPTIONS) == {}
