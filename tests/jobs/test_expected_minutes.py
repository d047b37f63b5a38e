"""Expected minutes come from runs and rows that are there, and from nothing else."""

import json

import pytest

from loocbench.cards import tasks
from loocbench.jobs import evaluation
from loocbench.jobs.expected_minutes import Rates, read_rates
from loocbench.jobs.settings import EvaluationSettings
from loocbench.jobs.suite_plan import PlannedRow
from tests.conftest import tiny_recipe


def test_without_runs_and_rows_nothing_is_expected(tmp_path):
    rates = read_rates(tmp_path / "runs", tmp_path / "results", lambda name: 96)
    assert rates.pretraining(tiny_recipe("moco"), "blooms") is None
    assert rates.measuring([PlannedRow(tasks.load_task("knn/blooms"), "looc", "to do", "", None)], None) is None
    assert rates.measuring([], None) == 0


def test_a_pretraining_takes_its_images_by_the_rate_of_runs_like_it(trained, tmp_path):
    runs = trained["moco"].parents[1]
    speeds = [json.loads(line)["images_per_second"] for line in (runs / "moco" / "log.jsonl").read_text().splitlines()]
    rates = read_rates(runs, tmp_path / "results", lambda name: {"blooms": 96}[name])
    recipe = tiny_recipe("moco", epochs=7, seed=5, learning_rate=0.1)
    assert rates.pretraining(recipe, "blooms") == pytest.approx(7 * 96 / speeds[0] / 60)
    assert rates.pretraining(tiny_recipe("moco", image_size=32), "blooms") is None


def test_a_rate_of_the_same_method_serves_another_batch_size(trained, tmp_path):
    rates = read_rates(trained["moco"].parents[1], tmp_path / "results", lambda name: 96)
    assert rates.pretraining(tiny_recipe("moco", batch_size=64), "blooms") is not None


def test_a_row_takes_what_rows_of_its_task_took(checkpoint, only_tiny_blooms, tmp_path):
    card = tasks.load_task("knn/blooms")
    row, _, _ = evaluation.evaluate_task(card, str(checkpoint), None, EvaluationSettings())
    rates = read_rates(tmp_path / "runs", tmp_path / "results", lambda name: 96)
    planned = [PlannedRow(card, name, "to do", "", None) for name in ("looc", "looc++")]
    assert rates.measuring(planned, None) == pytest.approx(2 * sum(row.seconds.values()) / 60)


def test_one_row_without_a_rate_makes_a_jobs_minutes_unknown():
    card, other = tasks.load_task("knn/blooms"), tasks.load_task("rotation/blooms")
    rates = Rates(seconds={("knn/blooms",): 30.0})
    rows = [PlannedRow(one, "looc", "to do", "", None) for one in (card, other)]
    assert rates.measuring(rows[:1], tiny_recipe()) == 0.5
    assert rates.measuring(rows, tiny_recipe()) is None
