"""``loocbench spectrum`` and its rows in ``evaluate``, ``tasks`` and ``report``.

Covers ``loocbench.cli.spectrum``.
"""

import json

import pytest

from loocbench import evaluate
from loocbench.cards import tasks
from tests.cli.conftest import QUICKER

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")


@pytest.fixture
def few(monkeypatch):
    """Few views."""
    make_task = tasks.make_task

    def shortened(protocol, dataset, label=""):
        card = make_task(protocol, dataset, label)
        few = {"lidar_images": 20, "views": 2}
        return card.model_copy(update={"protocol": card.protocol.model_copy(update=few)})

    monkeypatch.setattr("loocbench.cards.finding.make_task", shortened)


@pytest.mark.usefixtures("few")
def test_every_space_has_its_signs_and_the_report_shows_them(loocbench, tmp_path):
    assert loocbench("pretrain", "--method", "looc++", *QUICKER).code == 0
    said = loocbench("spectrum")
    assert said.code == 0, said.err
    for text in ("looc++", "head:invariant", "head:color", "head:rotation", "rankme", "lidar", " of "):
        assert text in said.out
    assert len(list((tmp_path / "results").rglob("spectrum-blooms.v1.*.json"))) == 4
    page = loocbench("report", "--format", "markdown").out
    assert page.count("Blooms, effective rank") == 4
    assert "## Label-free signs" in page
    rows = json.loads(loocbench("spectrum", "--features", "looc++", "--json").out)["rows"]
    assert [row["features"] for row in rows] == ["looc++"]
    assert set(rows[0]["metrics"]) == {"rankme", "lidar"}
    assert loocbench("results", "verify").code in (0, 2)


@pytest.mark.usefixtures("few")
def test_a_single_row_is_not_shown_in_per_cent(loocbench):
    command = ["evaluate", "--task", "spectrum/blooms", "--checkpoint", "random:resnet8"]
    said = loocbench(*command)
    assert said.code == 0, said.err
    assert "dimensions in use" in said.out
    assert "value %" not in said.out
    found = json.loads(loocbench(*command, "--json").out)
    value = found["metrics"]["rankme"]["value"]
    assert 1 < value < found["scale"]["most"]["rankme"]
    assert f"{value:.1f}" in said.out
    assert loocbench("spectrum", "--checkpoint", "random:resnet8", "--dry-run").code == 0


def test_python_measures_it_too():
    row = evaluate("random:resnet8", "spectrum/blooms", results=None)
    assert row.metrics["lidar"].n == 64  # all test images


def test_tasks_of_its_kind_are_listed(loocbench):
    listed = json.loads(loocbench("tasks", "ls", "--kind", "spectrum", "--json").out)["tasks"]
    assert {"spectrum/blooms", "spectrum/cub200"} <= {card["task"] for card in listed}
    assert {card["metric"] for card in listed} == {"rankme"}
    assert not any(card.get("labels") for card in listed)
