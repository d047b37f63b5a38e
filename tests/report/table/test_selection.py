"""Which rows are shown: filters, newest versions and weights, copies of the data."""

import pytest

from loocbench.report.table.selection import Selection, select_newest, separate_copies
from loocbench.report.table.table import TableOptions, build_table
from tests.records.rows import make_row
from tests.report.rows import measured_row


def test_of_two_versions_of_a_task_the_newest_is_shown():
    built = build_table([measured_row("A", 0.5, task_version=1), measured_row("A", 0.7, task_version=2)])
    assert [line.cells[0].value for line in built.measured] == [pytest.approx(0.7)]


def test_a_retrained_checkpoint_supersedes_its_namesake():
    old = measured_row("A", 0.9, checkpoint_hash="a" * 64, created="2026-01-01T00:00:00+00:00")
    new = measured_row("A", 0.2, checkpoint_hash="0" * 64, created="2026-01-02T00:00:00+00:00")
    for rows in ([old, new], [new, old]):
        (line,) = build_table(rows).measured
        assert (line.cells[0].value, line.cells[0].seeds) == (pytest.approx(0.2), 1)
        assert (
            "Not shown: 1 rows of older task versions or of checkpoints trained again since." in build_table(rows).notes
        )


@pytest.mark.parametrize("chosen", [Selection(), Selection(tasks=("rotation/cub200", "linear/blooms"))])
def test_old_weights_are_no_second_seed_where_the_new_ones_were_not_measured(chosen):
    """The new weights are known from one task alone; the old ones' other figures are not theirs."""
    old = {"checkpoint_hash": "a" * 64, "created": "2026-01-01T00:00:00+00:00"}
    rows = [
        measured_row("A", 0.9, **old),
        measured_row("A", 0.9, task="rotation/cub200", dataset="cub200", **old),
        measured_row("A", 0.2, checkpoint_hash="0" * 64, created="2026-01-02T00:00:00+00:00"),
    ]
    built = build_table(rows, TableOptions(chosen))
    assert [[cell.value for cell in line.cells] for line in built.measured] == [[pytest.approx(0.2)]]
    assert "seeds" not in built.measured[0].trained_on
    assert "Not shown: 2 rows of older task versions or of checkpoints trained again since." in built.notes


def test_a_filter_does_not_bring_old_weights_back():
    old = measured_row("A", 0.9, task="rotation/cub200", checkpoint_hash="a" * 64, created="2026-01-01T00:00:00+00:00")
    new = measured_row("A", 0.2, checkpoint_hash="0" * 64, created="2026-01-02T00:00:00+00:00")
    assert not build_table([old, new], TableOptions(Selection(tasks=("rotation/*",)))).measured


def test_other_images_under_one_name_have_columns_of_their_own():
    """Two folders called photos, or an edition whose pixels changed: no figure of one is better than one of another."""
    rows = [
        measured_row(
            name, value, task="linear/folder-photos", dataset="folder:photos", checkpoint_hash=name * 64, **more
        )
        for name, value, more in (
            ("A", 0.5, {}),
            ("B", 0.9, {"fingerprints": {"test": "others"}}),
            ("C", 0.7, {"edition": "renewed"}),
        )
    ]
    built = build_table(rows, TableOptions(every_pair=True))
    assert len({column.heading for column in built.columns}) == 3
    assert [sum(cell is not None for cell in line.cells) for line in built.measured] == [1, 1, 1]
    assert not any(cell.rank for line in built.measured for cell in line.cells if cell)
    assert built.tests == ()
    assert not any(column.note for column in build_table(rows[:1]).columns)


def test_older_rows_that_know_names_and_sizes_alone_join_the_content_with_these():
    """Until there are two contents with them: then nobody knows which they were measured on."""
    former, content, other = "b" * 64, f"content:{'a' * 64} sizes:{'b' * 64}", f"content:{'c' * 64} sizes:{'b' * 64}"
    rows = [
        measured_row(name, 0.5, task="linear/folder-photos", dataset="folder:photos", edition=edition)
        for name, edition in (("A", former), ("B", content), ("C", other))
    ]
    assert {row.dataset_note for row in separate_copies(rows[:2])} == {""}
    assert len({row.dataset_note for row in separate_copies(rows[1:])}) == 2
    assert len({row.dataset_note for row in separate_copies(rows)}) == 3


def test_rows_of_the_weights_that_were_written_last_are_the_newest_though_the_clock_was_set_back():
    old = make_row(checkpoint_hash="a" * 16, checkpoint_number=1, created="2027")
    new = make_row(checkpoint_hash="b" * 16, checkpoint_number=2, created="2026")
    assert select_newest([old, new]) == [new]
    assert select_newest([new, old]) == [new]
    before = [make_row(checkpoint_hash=letter * 16, created=created) for letter, created in (("a", "1"), ("b", "2"))]
    assert select_newest(before) == before[1:]
