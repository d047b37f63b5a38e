"""The table of what modules define: its names import nothing, its values are the modules' own."""

import sys

import pytest

from loocbench.lazy_table import LazyTable


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "kept_apart.py").write_text("VALUE = object()\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "kept_apart"
    sys.modules.pop("kept_apart", None)


def test_a_value_is_imported_when_it_is_asked_for(module):
    table = LazyTable({"one": f"{module}:VALUE"})
    assert list(table) == ["one"]
    assert "one" in table
    assert module not in sys.modules
    assert table["one"] is sys.modules[module].VALUE
    assert table["one"] is dict(table)["one"]


def test_it_is_changed_like_a_dict(module, monkeypatch):
    table = LazyTable({"one": f"{module}:VALUE"})
    with monkeypatch.context() as patch:
        patch.setitem(table, "two", 2)
        patch.setitem(table, "one", 1)
        assert dict(table) == {"one": 1, "two": 2}
    assert list(table) == ["one"]
    assert table["one"] is sys.modules[module].VALUE
    with pytest.raises(KeyError):
        table["two"]
