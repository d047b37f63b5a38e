"""The table on a terminal of any width."""

import io
import re

import pytest
from rich.console import Console

from loocbench.report.formats import terminal
from loocbench.report.table.labels import format_percent
from loocbench.report.table.table import TableOptions, build_table
from loocbench.types import Metric
from tests.report import renew
from tests.report.reading import measured_cells
from tests.report.rows import measured_row


def test_the_terminal_shows_the_same_figures_and_the_subsets_name():
    note = "subset 9 of 11,788"
    rows = [
        measured_row(name, value, task="linear/cub200", dataset="cub200", dataset_note=note)
        for name, value in (("A", 0.5), ("B", 0.6))
    ]
    stream = io.StringIO()
    terminal.print_table(build_table(rows), Console(file=stream, width=160))
    shown = stream.getvalue()
    assert "[subset 9" in shown
    assert "50.0 ± 3.0" in shown
    ours, theirs = shown.split("Published, not measured here: Xiao et al. 2021, Table 2")
    assert "36.7" in theirs
    assert "36.7" not in ours


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_terminal_is_never_wider_than_it_is(built, width):
    shown = renew.on_a_terminal(built, width)
    assert max(map(len, shown.splitlines())) <= width
    for cell in measured_cells(built).values():
        assert format_percent(cell.value) in shown


def shown_at(rows, width):
    stream = io.StringIO()
    terminal.print_table(build_table(rows), Console(file=stream, width=width))
    return stream.getvalue()


def many_columns(seeds=(0,)):
    name = "A model of a very long name, pretrained elsewhere"
    tasks = ("linear/blooms", "linear/blooms-color", "linear/blooms-texture", "knn/blooms")
    runs = [{"seed": seed, "checkpoint": f"run-{seed}", "checkpoint_hash": f"{seed}" * 64} for seed in seeds]
    return [measured_row(name, 0.5, task=task, dataset="blooms", **run) for task in tasks for run in runs]


def test_names_take_two_lines_where_that_makes_fewer_tables():
    narrow, wide = (shown_at(many_columns(), width) for width in (80, 200))
    assert (narrow.count("┏"), wide.count("┏")) == (2, 1)  # one figure beside a name in one line would make four
    assert "A model of a very long name, pretrained elsewhere" in wide
    assert "A model of a very long name, pretrained elsewhere" not in narrow


def test_the_number_of_seeds_is_a_column_only_where_it_differs():
    assert "one seed of each model" in shown_at(many_columns(), 200)
    same = shown_at(many_columns(seeds=(0, 1, 2)), 200)
    assert "3 seeds of each model" in same
    assert "seeds ┃" not in same


def words_of_heads(shown):
    return {word for line in shown.splitlines() if line.startswith("┃") for word in line.replace("┃", " ").split()}


@pytest.mark.parametrize("width", [60, 80])
def test_headings_are_not_broken_inside_words(width):
    metrics = {"hue_equivariance": Metric(value=0.5, low=0.4, high=0.6, n=100)}
    row = measured_row("A", 0.5, task="sensitivity/blooms", dataset="blooms", metrics=metrics)
    assert {"equivariance"} <= {word.strip(",") for word in words_of_heads(shown_at([row], width))}
    own = measured_row("A", 0.5, task="few-shot/torchvision:OxfordIIITPet-5", dataset="torchvision:OxfordIIITPet")
    assert any("torchvision:OxfordIIITPet" in word for word in words_of_heads(shown_at([own], width)))


def test_a_table_of_tests_is_whole_at_80_columns():
    rows = [
        measured_row(name, value, task="linear/blooms", dataset="blooms")
        for name, value in (("LooC++ (color, rotation)", 0.5), ("MoCo + Rotation (same for q and k)", 0.6))
    ]
    stream = io.StringIO()
    table = build_table(rows, TableOptions(every_pair=True))
    terminal.print_table(table, Console(file=stream, width=80))
    tests = stream.getvalue().split("Paired tests")[1].splitlines()
    (top,) = (line for line in tests if line.startswith("┏"))
    assert top.endswith("┓")
    assert "(Holm)" in "".join(tests)


def test_a_mark_is_not_on_a_line_of_its_own(built):
    text = renew.on_a_terminal(built)
    assert "≈" in text
    assert not re.search(r"│\s+≈\s+│", text)
