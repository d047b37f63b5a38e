import sys
from pathlib import Path

import pytest

import loocbench
from loocbench.cache import surroundings
from loocbench.cache.surroundings import describe_surroundings


def find_changed(before: dict[str, str]) -> set[str]:
    return {name for name, text in describe_surroundings().items() if text != before[name]}


def test_nothing_differs_where_nothing_changed(monkeypatch):
    before = describe_surroundings()
    monkeypatch.setenv("WINDOWID", "7")  # a variable that no run looks at
    assert not find_changed(before)


@pytest.mark.parametrize(
    "variable", ["LOOCBENCH_DATA", "CUDA_VISIBLE_DEVICES", "HOME", "XDG_CACHE_HOME", "OMP_NUM_THREADS"]
)
def test_variables_that_may_matter_count(variable, monkeypatch):
    before = describe_surroundings()
    monkeypatch.setenv(variable, "something/else")
    assert find_changed(before) == {"environment"}


def test_the_configuration_beside_the_work_counts(tmp_path):
    before = describe_surroundings()
    (tmp_path / "loocbench.toml").write_text("seed = 1\n")
    assert find_changed(before) == {"configuration"}


def test_the_folder_of_the_work_counts(tmp_path, monkeypatch):
    before = describe_surroundings()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert find_changed(before) == {"folder"}


def test_a_changed_module_and_a_changed_card_count(tmp_path, monkeypatch):
    package = tmp_path / "checkout" / "loocbench"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (tmp_path / "checkout" / "tasks").mkdir()
    (tmp_path / "checkout" / "tasks" / "linear.toml").write_text("version = 1\n")
    monkeypatch.setattr(loocbench, "__file__", str(package / "__init__.py"))
    before = describe_surroundings()
    (tmp_path / "checkout" / "tasks" / "linear.toml").write_text("version = 12\n")
    assert find_changed(before) == {"code"}
    before = describe_surroundings()
    (package / "__init__.py").write_text("X = 1\n")
    assert find_changed(before) == {"code"}


def test_an_installed_package_counts(tmp_path, monkeypatch):
    installed = tmp_path / "site-packages"
    installed.mkdir()
    monkeypatch.syspath_prepend(installed)
    before = describe_surroundings()
    (installed / "something-1.0.dist-info").mkdir()
    assert find_changed(before) == {"packages"}


def test_an_upgraded_library_counts(tmp_path, monkeypatch):
    (tmp_path / "library_of_tests").mkdir()
    module = tmp_path / "library_of_tests" / "__init__.py"
    module.touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(surroundings, "_LIBRARIES", ("library_of_tests",))
    before = describe_surroundings()
    module.write_text("__version__ = '2'\n")
    assert find_changed(before) == {"packages"}
    assert "library_of_tests" not in sys.modules
    assert Path(module).is_file()
