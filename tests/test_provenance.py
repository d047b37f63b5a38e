"""What a result was made with."""

import re
import subprocess

import loocbench
from loocbench import provenance


def test_a_checkout_says_its_commit():
    found = provenance.versions()["loocbench"]
    assert found.startswith(loocbench.__version__)
    assert re.fullmatch(r"[\d.]+(\+g[0-9a-f]{7,}(\.dirty)?)?", found)


def test_an_installed_package_in_another_projects_repository_does_not(tmp_path, monkeypatch):
    site = tmp_path / "venv" / "loocbench"
    site.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.setattr(loocbench, "__file__", str(site / "__init__.py"))
    provenance.own_version.cache_clear()
    assert provenance.versions()["loocbench"] == loocbench.__version__
    provenance.own_version.cache_clear()
