"""A wheel built from the checkout works from any folder: the task cards and the templates travel with it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_wheel_works_away_from_the_checkout(tmp_path):
    pytest.importorskip("hatchling", reason="the dev extra installs hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("loocbench-*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    assert not (site / "tasks").exists()
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import loocbench, pathlib\n"
        f"assert pathlib.Path(loocbench.__file__).is_relative_to({str(site)!r})\n"
        "from loocbench.cards.folder import tasks_folder\n"
        "from loocbench.report.table.table import Table\n"
        "from loocbench.report.formats import html_page\n"
        "assert '<!doctype html>' in html_page.render_html(Table((), ()), 'empty')\n"
        f"assert tasks_folder().is_relative_to({str(site)!r})\n"
        "sys.argv = ['loocbench', 'tasks', 'validate']\n"
        "from loocbench.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    shipped = list((CHECKOUT / "tasks").rglob("*.toml"))
    assert f"{len(shipped)} cards are valid" in done.stdout
