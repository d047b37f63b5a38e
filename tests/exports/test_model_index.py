"""Measured figures as the hub's ``model-index``, read back by huggingface_hub itself."""

import pytest

from loocbench.cards import restoring
from loocbench.exports.model_index import MARK, is_own_result, make_model_index
from loocbench.types import Metric
from tests.records.rows import make_row

data = pytest.importorskip("huggingface_hub.repocard_data")

ROWS = [
    make_row(
        task="linear/cub200",
        task_version=3,
        dataset="cub200",
        dataset_note="subset 300 of 5,794",
        metrics={
            "top1": Metric(value=0.423, low=0.382, high=0.41 + 0.054, n=300),
            "top5": Metric(value=0.7, low=0.6, high=0.8, n=300),
        },
        items={},
    ),
    make_row(task="knn/cub200", task_version=2, dataset="cub200", features="head:color"),
    make_row(
        task="spectrum/blooms",
        metrics={
            "rankme": Metric(value=12.5, low=12.5, high=12.5, n=90),
            "lidar": Metric(value=9, low=9, high=9, n=80),
        },
    ),
    make_row(task="few-shot/blooms-5", metrics={"top1": Metric(value=0.5, low=0.4, high=0.6, n=10)}),
]


@pytest.fixture
def read():
    """The index of some rows, as the library reads it from a page that it wrote."""

    def through_the_library(rows):
        index = make_model_index("a-run", rows, restoring.load_tasks_of_rows(rows))
        name, results = data.model_index_to_eval_results(index)
        assert name == "a-run"
        assert data.eval_results_to_model_index(name, results) == index  # nothing is merged, nothing is lost
        card = data.ModelCardData(model_name=name, eval_results=results)
        assert card.to_dict()["model-index"] == index
        return results

    return through_the_library


def test_a_figure_has_task_data_set_metric_value_interval_and_version(read):
    first = read(ROWS)[0]
    assert (first.task_type, first.task_name) == ("image-classification", "CUB-200")
    assert (first.dataset_type, first.dataset_name, first.dataset_split) == (
        "cub200",
        "CUB-200 (subset 300 of 5,794)",
        "test",
    )
    assert (first.metric_type, first.metric_value) == ("accuracy", 0.423)
    assert first.metric_name == "top-1, 95 % interval 38.2 % to 46.4 % over 300 test images"
    assert first.dataset_config == "linear/cub200 v3, looc++, seed 0"
    wanted = {"task": "linear/cub200", "task_version": 3, "metric": "top1", "checkpoint": ROWS[0].checkpoint_hash}
    assert wanted.items() <= first.metric_args.items()
    assert (first.metric_args["low"], first.metric_args["n"]) == (0.382, 300)


def test_the_metrics_are_those_of_tables_and_both_signs(read):
    found = [(one.metric_args["task"], one.metric_args["metric"]) for one in read(ROWS)]
    assert found == [
        ("linear/cub200", "top1"),
        ("knn/cub200", "top1"),
        ("spectrum/blooms", "rankme"),
        ("spectrum/blooms", "lidar"),
        ("few-shot/blooms-5", "top1"),
    ]


def test_intervals_say_what_they_are_over_and_numbers_of_dimensions_have_none(read):
    named = [one.metric_name for one in read(ROWS)]
    assert "dimensions in use, without an interval, of 90 test images" in named[2]
    assert named[4] == "top-1, 95 % interval 40.0 % to 60.0 % over 10 draws of training images"


def test_two_tasks_on_one_data_set_stay_two(read):
    """The library would join results that differ in their task's name alone."""
    results = read(ROWS[:2])
    assert len({one.unique_identifier for one in results}) == 2
    assert [one.task_name for one in results] == ["CUB-200", "CUB-200 kNN"]


def test_no_published_figure_is_written(read):
    assert restoring.load_tasks_of_rows(ROWS[:1])["linear/cub200"] is not None
    row = make_row(task="linear/cub200-sgd", dataset="cub200")
    card = restoring.load_tasks_of_rows([row])["linear/cub200-sgd"]
    assert card.published
    assert [one.metric_value for one in read([row])] == [0.5]


def test_a_task_without_a_card_has_all_its_metrics(read):
    (only,) = read([make_row(task="gone/task", title="Gone")])
    assert (only.task_name, only.dataset_type) == ("Gone", "blooms")


def test_without_rows_there_is_none():
    assert make_model_index("a-run", [], {}) == []


def test_results_of_others_are_told_apart():
    (entry,) = make_model_index("a-run", ROWS[:1], {})
    assert all(map(is_own_result, entry["results"]))
    assert MARK in entry["results"][0]["metrics"][0]["args"]
    others = [{}, {"metrics": []}, {"metrics": [{"type": "f1", "value": 1}]}, {"metrics": [{"args": {"k": 1}}]}]
    assert not any(map(is_own_result, others))
