"""A site is written as a whole, replaces a site, and no other folder.

Covers ``loocbench.jobs.site``.
"""

import json

import pytest

from loocbench.errors import UserError
from loocbench.jobs import site
from loocbench.records import several, store
from loocbench.report.formats import leaderboard
from loocbench.report.table.table import build_table
from tests.records.rows import make_path, make_row


@pytest.fixture
def merged(tmp_path):
    """Two lines whose names read alike in small letters and hyphens, of one task."""
    for model in ("LooC +", "LooC ++", "LooC/+"):
        row = make_row(
            model=model, checkpoint=f"run-{len(model)}{ord(model[4])}", checkpoint_hash=f"{ord(model[-2]):064x}"
        )
        store.write_row(make_path(tmp_path / "results", "local", row), row)
    return several.merge_rows([tmp_path / "results"], "local")


def write(merged, folder):
    return site.write_site(build_table([stored.row for stored in merged.rows.values()]), merged, "local", folder)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_line_has_a_page_of_its_own_and_the_folder_nothing_else(merged, tmp_path):
    index = write(merged, tmp_path / "site")
    assert index == tmp_path / "site" / "index.html"
    names = {path.name for path in index.parent.iterdir()}
    assert len(names) == 3 + 2
    assert names == {*json.loads((index.parent / site.MANIFEST).read_text())["files"], site.MANIFEST}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_site_and_an_empty_folder_are_replaced(merged, tmp_path):
    (tmp_path / "site").mkdir()
    write(merged, tmp_path / "site")
    before = contents(tmp_path / "site")
    (tmp_path / "site" / "index.html").write_text("old")
    write(merged, tmp_path / "site")
    assert contents(tmp_path / "site") == before


@pytest.mark.parametrize("beside", [True, False], ids=["beside a site", "without one"])
def test_a_folder_that_holds_something_else_is_refused(merged, tmp_path, beside):
    folder = tmp_path / "site"
    if beside:
        write(merged, folder)
    folder.mkdir(exist_ok=True)
    (folder / "thesis.tex").write_text("mine")
    before = contents(folder)
    with pytest.raises(UserError, match=r"holds 'thesis\.tex', which is not of a site"):
        write(merged, folder)
    assert contents(folder) == before


def test_a_file_is_not_replaced(merged, tmp_path):
    (tmp_path / "site").write_text("mine")
    with pytest.raises(UserError, match="is a file; a site is a folder"):
        write(merged, tmp_path / "site")
    assert (tmp_path / "site").read_text() == "mine"


@pytest.mark.parametrize("claim", ["[]", "{", '{"format": "another", "files": ["thesis.tex"]}'])
def test_a_folder_is_a_site_only_if_its_manifest_says_so(tmp_path, claim):
    (tmp_path / site.MANIFEST).write_text(claim)
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="which is not of a site"):
        site.require_site_folder(tmp_path)


def test_an_error_while_pages_are_made_leaves_the_old_site(merged, tmp_path, monkeypatch):
    write(merged, tmp_path / "site")
    before = contents(tmp_path / "site")

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(leaderboard, "render_line", fail)
    with pytest.raises(KeyboardInterrupt):
        write(merged, tmp_path / "site")
    assert contents(tmp_path / "site") == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
