import pytest

from loocbench.cards import tasks
from loocbench.cards.restoring import load_tasks_of_rows, restore_task
from loocbench.types import Conditions, Preprocessing
from tests.records.rows import make_row


def make_own_row(**changes):
    """A row of a user's own card."""
    protocol = tasks.load_task("knn/blooms").protocol.model_dump(mode="json")
    measured_with = Conditions(
        preprocessing=Preprocessing(image_size=16, resize=18),
        network={},
        protocol=protocol,
        labels=("class",),
        numerics="",
    )
    values = {"task": "knn/shapes2", "title": "Shapes, nearest", "dataset": "folder:photos"}
    return make_row(**{**values, "measured_with": measured_with, **changes})


def test_a_task_of_ones_own_is_restored_from_its_row():
    card = restore_task(make_own_row())
    assert (card.task, card.title, card.kind, card.dataset) == (
        *("knn/shapes2", "Shapes, nearest", "knn", "folder:photos"),
    )
    assert card.protocol == tasks.load_task("knn/blooms").protocol
    assert card.metric == "top1"


def test_the_hash_of_a_plug_ins_kind_is_no_setting():
    row = make_own_row()
    coded = row.measured_with.model_copy(update={"protocol": {**row.measured_with.protocol, "kind_code": "0123"}})
    assert restore_task(make_own_row(measured_with=coded)) == restore_task(row)


@pytest.mark.parametrize("changes", [{"title": ""}, {"measured_with": None}, {"task": "unknown/shapes2"}])
def test_what_a_row_does_not_record_is_not_restored(changes):
    assert restore_task(make_own_row(**changes)) is None


def test_settings_that_the_kind_no_longer_has_are_not_restored():
    row = make_own_row()
    strange = row.measured_with.model_copy(update={"protocol": {"long_gone": 1}})
    assert restore_task(make_own_row(measured_with=strange)) is None


def test_a_shipped_task_keeps_its_shipped_title():
    found = load_tasks_of_rows([make_row(title="What its title was")])
    assert found["linear/blooms"].title == "Blooms species"


def test_the_title_is_that_of_the_newest_version():
    rows = [
        make_own_row(task_version=2, title="Shapes, new"),
        make_own_row(task_version=1, title="Shapes, old"),
    ]
    for order in (rows, rows[::-1]):
        assert load_tasks_of_rows(order)["knn/shapes2"].title == "Shapes, new"
