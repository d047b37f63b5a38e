"""CSV that parses back to the stored values, and holds no formula."""

import io

import pandas as pd
import pytest

from loocbench.report.formats import csv_text
from loocbench.report.table.table import build_table
from tests.report.reading import measured_cells
from tests.report.rows import measured_row


def test_csv_parses_back_exactly(built):
    frame = pd.read_csv(io.StringIO(csv_text.render_csv(built)))
    ours = frame[frame.kind == "measured"].set_index(["model", "features"])
    for (model, features, heading), cell in measured_cells(built).items():
        assert ours.loc[(model, features), heading] == cell.value
        assert ours.loc[(model, features), f"{heading} ±"] == pytest.approx(cell.spread)
        assert ours.loc[(model, features), f"{heading} seeds"] == cell.seeds
        rank = ours.loc[(model, features), f"{heading} rank"]
        assert (rank if isinstance(rank, str) else "") == ("≈" if cell.near_best else cell.rank)
    assert set(frame.kind) == {"measured", "scale", "published"}
    theirs = frame[frame.kind == "published"].set_index("model")
    assert theirs.loc["MoCo (published)", "CUB-200, SGD, top-1 (v1)"] == 0.367


@pytest.mark.parametrize("pivot", [False, True])
def test_csv_has_every_published_figure_and_none_below_a_subsets_head(pivot):
    common = {"task": "linear/cub200-sgd", "dataset": "cub200", "features": "looc", "method": "moco"}
    rows = [
        measured_row("MoCo", 0.4, **common),
        measured_row("MoCo", 0.5, dataset_note="subset 9", checkpoint="b", checkpoint_hash="b" * 64, **common),
    ]
    title = "CUB-200, SGD, top-1 (v1)"
    for chosen, here in ((rows, 0.4 - 0.367), (rows[1:], None)):
        frame = pd.read_csv(io.StringIO(csv_text.render_csv(build_table(chosen), pivot=pivot)))
        theirs = frame[frame.kind == "published"]
        if pivot:
            (line,) = theirs.to_dict("records")
            found = {name: value for name, value in line.items() if value == value}
            assert found["MoCo (published)"] == 0.367
            assert found["LooC++ (color, rotation) (published)"] == 0.393
            assert found.get("MoCo (published) here") == (here and pytest.approx(here))
        else:
            line = theirs.set_index("model").loc["MoCo (published)"]
            assert line[title] == 0.367
            assert line.get(f"{title} here") == (here and pytest.approx(here))
            assert theirs.filter(like="[subset 9]").isna().all(axis=None)


def test_a_spreadsheet_takes_no_name_for_a_formula():
    one = build_table([measured_row('=HYPERLINK("x")', 0.5), measured_row("B", 0.6)])
    frame = pd.read_csv(io.StringIO(csv_text.render_csv(one)))
    assert '\'=HYPERLINK("x")' in set(frame.model)
