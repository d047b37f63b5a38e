import json
from pathlib import Path

from loocbench.records.summary import describe_kept, select_shown, summarise_row, to_json_fields
from tests.records.rows import make_row


def test_what_is_shown_comes_back_from_json_as_it_was():
    """A kept answer prints what the row itself would."""
    row = make_row()
    shown = select_shown(row)
    assert json.loads(json.dumps(shown)) == shown
    assert (shown["model"], shown["task_version"]) == (row.model, row.task_version)


def test_json_prints_the_summary_and_the_path():
    row = make_row()
    assert to_json_fields(select_shown(row), Path("a.json")) == {**summarise_row(row), "row": "a.json"}


def test_the_line_of_a_kept_row_names_the_way_out():
    assert describe_kept(Path("a.json")) == "measured before, kept: a.json (--overwrite measures again)"
