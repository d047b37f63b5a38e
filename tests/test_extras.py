"""Optional libraries: imported if they are there, else one line that names the extra to install."""

import json

import pytest

from loocbench.errors import UserError
from loocbench.extras import require


def test_an_installed_library_is_imported():
    assert require("json", "timm") is json


def test_a_missing_library_is_a_user_error_that_names_its_extra():
    with pytest.raises(UserError, match=r"needs no_such_library; install it with: pip install 'loocbench\[timm\]'"):
        require("no_such_library", "timm")


def test_a_library_whose_own_dependency_is_missing_is_not_mistaken_for_a_missing_library(tmp_path, monkeypatch):
    (tmp_path / "broken_library.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        require("broken_library", "timm")
