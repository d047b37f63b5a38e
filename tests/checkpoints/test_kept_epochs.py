"""Names and files of the checkpoints of single epochs."""

import pytest

from loocbench.checkpoints import kept_epochs
from loocbench.errors import UserError


@pytest.fixture
def runs(tmp_path):
    """A run that keeps two epochs, one of more digits than files are padded to."""
    for epoch in (12345, 7):
        path = kept_epochs.file_of(tmp_path / "mine-epoch1", epoch)
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "mine-epoch1" / "epoch-best.safetensors").touch()
    return tmp_path


def test_each_kept_epoch_has_a_name_that_finds_its_file(runs):
    assert kept_epochs.list_epochs(runs / "mine-epoch1") == [7, 12345]
    names = kept_epochs.list_names(runs / "mine-epoch1")
    assert names == ["mine-epoch1-epoch7", "mine-epoch1-epoch12345"]
    assert [kept_epochs.find_file(runs, name).name for name in names] == [
        "epoch-0007.safetensors",
        "epoch-12345.safetensors",
    ]


@pytest.mark.parametrize(
    "name", ["mine", "mine-epoch1", "mine-epoch1-epoch8", "mine-epoch1-epoch07", "x/../mine-epoch1-epoch7"]
)
def test_other_names_find_none(runs, name):
    assert kept_epochs.find_file(runs, name) is None


def test_a_run_has_no_name_of_a_kept_epoch_of_another_run(runs):
    kept_epochs.require_distinct(runs, "other-epoch5", (1,))  # there is no run called other
    with pytest.raises(UserError, match="what run mine-epoch1 keeps of epoch 5"):
        kept_epochs.require_distinct(runs, "mine-epoch1-epoch5", ())
    with pytest.raises(UserError, match="there is a run mine-epoch1"):
        kept_epochs.require_distinct(runs, "mine", (2, 1))


def test_files_that_only_look_like_those_of_epochs_are_none(runs):
    (runs / "mine-epoch1" / "epoch-8.safetensors").touch()
    assert kept_epochs.list_epochs(runs / "mine-epoch1") == [7, 12345]


def test_epochs_that_passed_unkept_are_named(runs):
    told = kept_epochs.describe_lost(runs / "mine-epoch1", (7, 8, 10), 9, "train again")
    assert told == "mine-epoch1: epoch 8 has passed without being kept; train again"
    told = kept_epochs.describe_lost(runs / "mine-epoch1", (7, 8, 9), 9, "train again")
    assert told == "mine-epoch1: epochs 8, 9 have passed without being kept; train again"
    assert not kept_epochs.describe_lost(runs / "mine-epoch1", (7, 8), 7, "train again")
