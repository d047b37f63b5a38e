"""The states of pretraining runs below a folder."""

import pytest

from loocbench.errors import UserError
from loocbench.jobs.runs import draw_run, find_run, find_runs


def test_runs_are_found_by_name_with_their_states(trained, tmp_path):
    runs = trained["moco"].parent.parent
    found = {run.card.name: run for run in find_runs(runs)}
    assert set(found) == {"moco", "mocopp", "looc", "loocpp"}
    run = find_run(runs, "looc")
    assert (run.state, run.epochs, run.last["epoch"]) == ("finished", "1/1", 1)
    assert draw_run(run, tmp_path / "curves.png").is_file()
    with pytest.raises(UserError, match="Did you mean 'moco'"):
        find_run(runs, "moko")
    assert find_runs(tmp_path / "nowhere") == []
