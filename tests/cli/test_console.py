"""What is printed: names from files cannot colour the terminal, move its cursor or set its title."""

import io

import pytest
from rich.table import Table

from loocbench.cli.console import Display, SafeConsole, stdout
from loocbench.records import store
from tests.records.rows import make_path, make_row

HOSTILE = "red\x1b[31m\x1b]0;title\x07\r"


def test_control_characters_of_names_are_shown_and_colours_of_our_own_are_kept():
    stream = io.StringIO()
    table = Table()
    table.add_column("name")
    table.add_row(HOSTILE, style="bold")
    console = SafeConsole(file=stream, force_terminal=True, width=80)
    console.print(table)
    console.print(f"two\nlines {HOSTILE}", markup=False, highlight=False, soft_wrap=True)
    said = stream.getvalue()
    assert "\x1b[31m" not in said
    assert "\x1b]0;" not in said
    assert "\x07" not in said
    assert "�[31m" in said
    assert "\x1b[1m" in said
    assert "two\nlines" in said


def test_the_rate_counts_only_what_this_process_did(capsys, monkeypatch):
    """A run that is resumed at step 900 of 1,000, and does ten steps in two seconds."""
    clock = iter([0.0, 0.0, 2.0, 20.0])
    monkeypatch.setattr("loocbench.cli.console.time.monotonic", lambda: next(clock))
    with Display() as display:
        for done in (900, 910, 1000):
            display.update("mine", done, 1000)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "mine: 1000/1000 5/s"


@pytest.mark.parametrize("stream", ["out", "err"])
def test_both_streams_are_such_consoles(capsys, stream):
    with Display() as display:
        display.info(f"out {HOSTILE}")
    stdout().print(f"err {HOSTILE}", markup=False)
    said = getattr(capsys.readouterr(), stream)
    assert "�[31m" in said
    assert "\x1b" not in said


def test_a_table_of_a_hostile_row_is_harmless(loocbench, tmp_path):
    row = make_row(model=HOSTILE, dataset_note=HOSTILE)
    store.write_row(make_path(tmp_path / "results", "mine", row), row)
    said = loocbench("report", "--suite", "mine")
    assert said.code == 0, said.err
    assert "\x1b" not in said.out + said.err
