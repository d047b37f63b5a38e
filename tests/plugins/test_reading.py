"""Reading plug-ins from files and from installed packages; errors in them name file and line."""

import sys

import pytest

from loocbench.errors import UserError
from loocbench.plugins import in_use
from loocbench.plugins.adding import plugins_in_use
from loocbench.plugins.reading import explain_failure, read_file, read_installed
from tests.plugins.files import tint


def test_a_file_is_run_and_hashed(tmp_path):
    loaded = read_file(tint(tmp_path))
    assert (loaded.plugin.name, loaded.origin, loaded.given) == ("tint", "tint.py", True)
    assert len(loaded.digest) == 64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import numpy\n\n1 / 0\n", "mine.py, line 3: ZeroDivisionError: division by zero; mend it, or leave --plugin"),
        ("def f(:\n", "mine.py, line 1: "),
        ("import nothing_of_that_name\n", "line 1: ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("import json\nVALUE = json.loads('{')\n", "mine.py, line 2: JSONDecodeError"),
        ("raise SystemExit(3)\n", "mine.py, line 1: SystemExit: 3"),
        ("x = 1\n", r"mine.py declares no plug-in; end it with PLUGIN = Plugin\(…\), as docs/plugins.md shows"),
        ("PLUGIN = 'mine'\n", "declares no plug-in"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_line_with_file_and_line(tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as refused:
        read_file(path)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"cannot read the plug-in .*nothing.py: no such file"):
        read_file(tmp_path / "nothing.py")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a package with an entry point where Python finds it."""

    def add(module, text, point):
        site = tmp_path / "site"
        info = site / f"{module}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[loocbench.plugins]\nmine = {point}\n")
        (site / f"{module}.py").write_text(text)
        monkeypatch.syspath_prepend(site)
        return site / f"{module}.py"

    return add


def test_an_installed_package_names_its_plugin_as_an_entry_point(tmp_path, install):
    install("looc_mine_a", tint(tmp_path).read_text(), "looc_mine_a:PLUGIN")
    (loaded,) = read_installed()
    assert (loaded.plugin.name, loaded.origin, loaded.given) == ("tint", "looc_mine_a 1.2", False)
    with plugins_in_use():
        assert in_use.IN_USE["tint"].record.startswith("looc_mine_a 1.2, SHA-256 ")
        assert in_use.list_files() == []  # other processes have it installed, too


def test_a_package_that_is_installed_later_is_found(tmp_path, install, monkeypatch):
    install("looc_mine_d", tint(tmp_path).read_text(), "looc_mine_d:PLUGIN")
    assert len(list(read_installed())) == 1
    folders = list(sys.path)
    install("looc_mine_e", "PLUGIN = 3\n", "looc_mine_e:PLUGIN")
    monkeypatch.setattr(sys, "path", folders)
    with pytest.raises(UserError, match="looc_mine_e:PLUGIN of"):
        list(read_installed())


def test_an_installed_plugin_that_cannot_be_imported_is_named_with_file_and_line(install):
    file = install("looc_mine_b", "import json\n\njson.nothing\n", "looc_mine_b:PLUGIN")
    with pytest.raises(UserError, match=r"the plug-in mine of looc_mine_b 1.2: .*line 3: AttributeError") as refused:
        list(read_installed())
    assert str(file) in str(refused.value)
    assert "mend or uninstall it" in str(refused.value)


def test_an_entry_point_that_is_no_plugin_is_refused(install):
    install("looc_mine_c", "PLUGIN = 3\n", "looc_mine_c:PLUGIN")
    with pytest.raises(UserError, match=r"looc_mine_c:PLUGIN of looc_mine_c 1\.2 is not a Plugin"):
        list(read_installed())


def test_a_failure_is_explained_where_a_plugin_raised_it(tmp_path):
    path = tint(tmp_path)
    with plugins_in_use([path]):
        (one,) = in_use.IN_USE["tint"].plugin.augmentations
        with pytest.raises(TypeError) as raised:
            one.draw(None, None)
        line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if '"shift"' in text)
        assert explain_failure(raised.value).startswith(
            f"the plug-in tint failed in tint.py, line {line} (draw): TypeE"
        )
        assert explain_failure(ValueError("elsewhere")) == ""
