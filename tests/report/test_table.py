"""The comparison table: figures that parse back, ±, best in bold, published figures apart."""

import re

import pytest

from loocbench.report import gallery, markdown, table
from loocbench.types import Metric
from tests.conftest import tiny_recipe
from tests.records.test_store import row


def measured(model, value, *, seed=0, task="linear/blooms", method="looc++", **changes):
    metric = Metric(value=value, low=value - 0.02, high=value + 0.04, n=100)
    values = {"model": model, "task": task, "checkpoint": model, "metrics": {"top1": metric}}
    return row(**{**values, "recipe": tiny_recipe(method, seed=seed), **changes})


def parse(page):
    """The Markdown tables of a page, each as a list of dictionaries."""
    blocks = re.findall(r"(?:^\|.*\|\n)+", page, flags=re.MULTILINE)
    tables = []
    for block in blocks:
        head, _, *body = ([cell.strip() for cell in line.strip("|\n ").split(" | ")] for line in block.splitlines())
        tables.append([dict(zip(head, line, strict=True)) for line in body])
    return tables


def test_the_markdown_parses_back_to_the_stored_values():
    page = markdown.render(table.build([measured("A", 0.5), measured("B", 0.612)]), "Results")
    (lines,) = parse(page)
    assert [line["Model"] for line in lines] == ["A", "B"]
    assert [line["Blooms species, top1 (v1)"] for line in lines] == ["50.0 ± 3.0", "**61.2 ± 3.0**"]


def test_over_several_seeds_mean_and_standard_deviation():
    rows = [measured("A", value, seed=seed, checkpoint=f"a{seed}") for seed, value in enumerate((0.5, 0.6, 0.7))]
    (line,) = table.build(rows).measured
    assert line.cells[0].value == pytest.approx(60)
    assert line.cells[0].spread == pytest.approx(10)
    assert line.cells[0].seeds == 3


def test_figures_that_read_the_same_are_both_best():
    built = table.build([measured("A", 0.6001), measured("B", 0.5999), measured("C", 0.59)])
    assert [line.cells[0].best for line in built.measured] == [True, True, False]


def test_a_model_on_its_own_is_not_best():
    assert not table.build([measured("A", 0.6)]).measured[0].cells[0].best


def test_published_figures_stand_apart_marked_and_are_never_best():
    built = table.build(
        [measured("A", 0.1, task="linear/cub200", dataset="cub200"), measured("B", 0.2, task="linear/cub200")]
    )
    page = markdown.render(built, "Results")
    ours, theirs = parse(page)
    assert [line["Model"] for line in ours] == ["A", "B"]
    assert {line["Model"]: line["CUB-200, top1 (v1)"] for line in theirs}[
        "LooC++ (color, rotation) (published)"
    ] == "39.3"
    assert "**" not in page.split("## Published figures")[1]
    assert "not measured here" in page


def test_figures_on_a_subset_have_a_column_of_their_own_that_says_so():
    full = measured("A", 0.5, task="linear/cub200", dataset="cub200")
    part = measured("A", 0.9, task="linear/cub200", dataset="cub200", dataset_note="subset 9 of 11,788", checkpoint="b")
    built = table.build([full, part])
    assert [column.note for column in built.columns] == ["", "subset 9 of 11,788"]
    assert "[subset 9 of 11,788]" in markdown.render(built, "x")


def test_of_two_versions_of_a_task_the_newest_is_shown():
    built = table.build([measured("A", 0.5, task_version=1), measured("A", 0.7, task_version=2)])
    assert [line.cells[0].value for line in built.measured] == [pytest.approx(70)]


def test_models_are_ordered_from_the_baseline_to_the_paper():
    rows = [measured(name, 0.5, method=name) for name in ("looc++", "looc", "moco")]
    assert [line.model for line in table.build(rows).measured] == ["moco", "looc", "looc++"]


def test_the_gallery_is_a_picture_with_a_panel_an_image(tmp_path):
    import numpy as np
    from PIL import Image

    images = np.zeros((4, 3, 8, 8), dtype=np.uint8)
    rows = [gallery.GalleryRow(images, np.array([True, False, True]), ["query", "a", "b", "c"])] * 2
    gallery.draw(rows, "Title", tmp_path / "g.png")
    picture = np.asarray(Image.open(tmp_path / "g.png").convert("RGB")).reshape(-1, 3)
    assert (picture == (0x00, 0x72, 0xB2)).all(axis=1).sum() > 100  # the frames of the right ones
    assert (picture == 0).all(axis=1).sum() > 8 * 60 * 60  # eight black images


def test_the_terminal_shows_the_same_figures_and_the_subsets_name():
    import io

    from rich.console import Console

    from loocbench.report import terminal

    note = "subset 9 of 11,788"
    rows = [
        measured(name, value, task="linear/cub200", dataset="cub200", dataset_note=note)
        for name, value in (("A", 0.5), ("B", 0.6))
    ]
    stream = io.StringIO()
    terminal.render(table.build(rows), Console(file=stream, width=160))
    shown = stream.getvalue()
    assert "[subset 9" in shown
    assert "50.0 ± 3.0" in shown
    ours, theirs = shown.split("Published, not measured here: Xiao et al. 2021, Table 2")
    assert "36.7" in theirs
    assert "36.7" not in ours


def test_published_figures_have_only_the_columns_that_were_published():
    rows = [measured("A", 0.1, task="linear/cub200", dataset="cub200"), measured("A", 0.1, task="rotation/cub200")]
    _, theirs = parse(markdown.render(table.build(rows), "Results"))
    assert list(theirs[0]) == ["Model", "Source", "CUB-200, top1 (v1)"]


def test_a_retrained_checkpoint_supersedes_its_namesake():
    old = measured("A", 0.9, checkpoint_hash="a" * 64, created="2026-01-01T00:00:00+00:00")
    new = measured("A", 0.2, checkpoint_hash="0" * 64, created="2026-01-02T00:00:00+00:00")
    for rows in ([old, new], [new, old]):
        (line,) = table.build(rows).measured
        assert (line.cells[0].value, line.cells[0].seeds) == (pytest.approx(20), 1)
        assert (
            "Not shown: 1 rows of older task versions or of checkpoints trained again since." in table.build(rows).notes
        )


def test_different_recipes_are_different_lines_that_say_in_what_they_differ():
    rows = [measured("A", 0.5, checkpoint="a"), measured("A", 0.6, seed=1, checkpoint="b")]
    rows[1] = rows[1].model_copy(update={"recipe": rows[1].recipe.model_copy(update={"learning_rate": 5.0})})
    lines = table.build(rows).measured
    assert [line.cells[0].seeds for line in lines] == [1, 1]
    assert [line.trained_on.split("epochs")[1] for line in lines] == [", learning rate 0.05", ", learning rate 5.0"]


def test_a_model_that_was_trained_on_a_subset_says_so():
    (line,) = table.build([measured("A", 0.5, pretrained_on="cub200", pretraining_note="subset 9 of 11,788")]).measured
    assert line.trained_on.startswith("cub200 (subset 9 of 11,788), resnet8 at 16 px")


def test_the_number_of_seeds_is_shown():
    rows = [measured("A", value, seed=seed, checkpoint=f"a{seed}") for seed, value in enumerate((0.5, 0.6, 0.7))]
    (line,) = table.build(rows).measured
    assert line.trained_on.endswith("3 seeds")


def test_a_folders_columns_are_named_after_it():
    from loocbench.cards import finding

    for evaluator, title in (("linear", "cars"), ("rotation", "cars, rotation"), ("retrieval", "cars, neighbours")):
        card = finding.find(evaluator, "folder:/data/cars")
        assert finding.of_row(card.task, "folder:cars").title == card.title == title
    card = finding.find("linear", "folder:/data/cars", "color")
    assert finding.of_row(card.task, "folder:cars") == card.model_copy(update={"dataset": "folder:cars"})
    assert finding.of_row("linear/long-gone", "cub200") is None
