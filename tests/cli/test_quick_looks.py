"""``--limit`` and ``--dry-run``: less than all of it, and nothing of it but the minutes.

Covers ``loocbench.cards.limits`` and ``loocbench.jobs.estimating``.
"""

import json

import pytest

from loocbench.cards import finding
from loocbench.cards.limits import limit_task, parse_limit
from loocbench.checkpoints import card_file
from loocbench.records import store
from tests.cli.conftest import QUICKER, files_below

pytestmark = pytest.mark.usefixtures("only_tiny_blooms", "draft_pictures")
COLOR = ["probe", "--label", "color", "--checkpoint", "random:resnet8"]


def test_a_limited_task_is_one_of_its_own():
    whole = finding.find_named_task("linear/flowers102")
    limited = limit_task(whole, 200)
    assert (limited.task, limited.limit, limited.published) == ("linear/flowers102-200images", 200, ())
    assert finding.find_named_task(limited.task) == limited
    assert finding.find_task_of_row(limited.task, "flowers102") == limited
    assert limit_task(whole, 0) is whole
    assert parse_limit("linear/flowers102") == ("linear/flowers102", 0)
    assert parse_limit("few-shot/cub200-5-200images") == ("few-shot/cub200-5", 200)
    assert finding.find_task_of_row("linear/nowhere-200images", "nowhere") is None


def test_a_row_of_few_images_says_so_and_never_stands_for_a_whole_one(loocbench, tmp_path):
    few = json.loads(loocbench(*COLOR, "--limit", 30, "--json").out)
    whole = json.loads(loocbench(*COLOR, "--json").out)
    assert (few["task"], whole["task"]) == ("linear/blooms-color-30images", "linear/blooms-color")
    rows = [store.read_row(tmp_path / one["row"]) for one in (few, whole)]
    assert [row.metrics["top1"].n for row in rows] == [30, 64]
    assert rows[0].dataset_note == f"{rows[1].dataset_note}, at most 30 images a split"
    assert "kept" in loocbench(*COLOR, "--limit", 30).err
    assert "kept" not in loocbench(*COLOR, "--limit", 20).err
    named = loocbench("evaluate", "--task", "linear/blooms-color-30images", "--checkpoint", "random:resnet8")
    assert "kept" in named.err
    table = json.loads(loocbench("report", "--format", "json").out)
    assert len({(column["task"], column["note"]) for column in table["columns"]}) == 3
    report = loocbench("report", "--all", "--format", "markdown").out
    assert "at most 30 images a split" in report
    assert "at most 20 images a split" in report


def test_compare_pairs_rows_of_the_same_images_alone(loocbench, trained):
    for method, limit in (("looc", ["--limit", 30]), ("moco", [])):
        command = ["probe", "--label", "color", "--checkpoint", trained[method].parent]
        assert loocbench(*command, *limit, "--features", "head:invariant").code == 0
    said = loocbench("compare", "looc@head:invariant", "moco@head:invariant")
    assert "linear/blooms-color" not in said.out
    assert loocbench(*command, "--limit", 30, "--features", "head:invariant").code == 0
    said = loocbench("compare", "looc@head:invariant", "moco@head:invariant", "--json")
    assert said.code == 0, said.err


@pytest.mark.parametrize(
    "command",
    [
        ["knn"],
        ["retrieve"],
        ["rotation"],
        ["select", "--label", "color"],
        ["few-shot", "--dataset", "blooms", "--label", "color", "--shots", "2", "--trials", "2"],
    ],
)
def test_every_measurement_takes_a_limit(loocbench, command, tmp_path):
    said = loocbench(*command, "--checkpoint", "random:resnet8", "--limit", 40, "--json")
    assert said.code == 0, said.err
    (row,) = (tmp_path / "results").rglob("*.json")
    assert row.name.split(".")[0].endswith("-40images")
    assert store.read_row(row).dataset_note.endswith("at most 40 images a split")


def test_an_extraction_and_a_suite_take_a_limit(loocbench, trained):
    looc = ["--checkpoint", trained["looc"].parent]
    splits = json.loads(loocbench("extract", *looc, "--limit", 10, "--json").out)["splits"]
    assert {one["split"]: one["images"] for one in splits} == {"train": 10, "val": 10, "test": 10}
    plan = json.loads(loocbench("run", "blooms", *looc, "--limit", 25, "--dry-run", "--json").out)
    assert "-25images" in json.dumps(plan)
    assert "unknown task" not in json.dumps(plan)


def test_a_limit_that_shows_nothing_is_refused(loocbench):
    said = loocbench(*COLOR, "--limit", 1)
    assert (said.code, "limit" in said.err) == (2, True)


def test_a_dry_run_measures_nothing_and_tells_minutes(loocbench, tmp_path):
    said = loocbench(*COLOR, "--dry-run", "--json")
    assert said.code == 0, said.err
    first = json.loads(said.out)
    assert first["minutes"] > 0
    assert "features of 208 images at" in first["basis"]
    assert "the evaluation comes on top" in first["basis"]
    assert not list((tmp_path / "results").rglob("*.json"))
    row = store.read_row(tmp_path / json.loads(loocbench(*COLOR, "--json").out)["row"])
    kept = json.loads(loocbench(*COLOR, "--dry-run", "--json").out)
    assert (kept["minutes"], kept["basis"].split(":")[0]) == (0, "measured before")
    again = json.loads(loocbench(*COLOR, "--dry-run", "--overwrite", "--json").out)
    assert again["minutes"] == pytest.approx(sum(row.seconds.values()) / 60)
    assert "median of the rows of this task" in again["basis"]
    limited = json.loads(loocbench(*COLOR, "--dry-run", "--limit", 26, "--json").out)
    assert limited["minutes"] == pytest.approx(sum(row.seconds.values()) / 60 * 78 / 208)
    assert "minutes (median of" in loocbench(*COLOR, "--dry-run", "--overwrite").out


@pytest.mark.parametrize("command", ["select", "retrieve", "sensitivity", "knn"])
def test_a_dry_run_of_other_commands(loocbench, command, tmp_path):
    said = loocbench(command, "--checkpoint", "random:resnet8", "--dry-run")
    assert said.code == 0, said.err
    assert "minutes (features of 208 images at" in said.out
    assert not (tmp_path / "results").exists()


def test_a_dry_run_of_an_extraction(loocbench):
    command = ["extract", "--checkpoint", "random:resnet8", "--split", "test"]
    assert "minutes (features of 64 images at" in loocbench(*command, "--dry-run").out
    assert loocbench(*command).code == 0
    assert "all features are in the cache" in loocbench(*command, "--dry-run").out


def test_a_dry_run_of_a_pretraining(loocbench, one_line, tmp_path):
    command = ["pretrain", *QUICKER, "--name", "mine"]
    assert "minutes unknown (no run in runs is like it" in loocbench(*command, "--dry-run").out
    assert not (tmp_path / "runs").exists()
    assert loocbench(*command).code == 0
    before = files_below(tmp_path / "runs")
    rate = json.loads((tmp_path / "runs" / "mine" / "log.jsonl").read_text())["images_per_second"]
    minutes = 96 * 50_000 / rate / 60
    said = loocbench("pretrain", *QUICKER, "--epochs", "50000", "--name", "other", "--dry-run").out
    assert f"other: about {minutes:,.1f} minutes (median rate of the runs like it" in said
    assert files_below(tmp_path / "runs") == before
    said = loocbench("pretrain", "--resume", "mine", "--extend", "50000", "--dry-run")
    assert f"mine: about {minutes:,.1f} minutes (50,000 epochs at the median rate of the runs like it" in said.out
    assert "epochs 2 to 50001" in said.err
    assert "mine: less than 0.1 minutes (0 epochs at" in loocbench("pretrain", "--resume", "mine", "--dry-run").out
    assert "unknown run 'other'" in one_line("pretrain", "--resume", "other", "--dry-run")
    assert files_below(tmp_path / "runs") == before


def test_a_run_on_few_images_says_so_by_its_name_its_card_and_its_rows(loocbench, one_line, tmp_path):
    command = ["pretrain", "--method", "moco", *QUICKER]
    said = loocbench(*command, "--limit", 40)
    assert said.code == 0, said.err
    assert loocbench(*command).code == 0
    names = sorted(path.parent.name for path in (tmp_path / "runs").glob(f"*/{card_file.FILE}"))
    assert names == ["moco-blooms-40images-s0", "moco-blooms-s0"]
    few, whole = (card_file.read_card(tmp_path / "runs" / name / card_file.FILE) for name in names)
    assert (few.images, whole.images) == (40, 96)
    assert few.dataset_note.endswith("at most 40 images a split")
    for name in names:
        assert loocbench("knn", "--checkpoint", name).code == 0
    lines = json.loads(loocbench("report", "--format", "json").out)["measured"]
    assert {("at most 40 images a split" in line["trained_on"]) for line in lines} == {True, False}
    assert "finished" in loocbench("pretrain", "--resume", names[0]).err
    assert "with --limit 40 (now 30)" in one_line("pretrain", "--resume", names[0], "--limit", 30)
    assert "with no --limit (now 30)" in one_line("pretrain", "--resume", names[1], "--limit", 30)
