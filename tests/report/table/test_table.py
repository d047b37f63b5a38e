"""The comparison table: figures that parse back, ±, best in bold, published figures apart."""

import numpy as np
import pytest
from scipy import stats

from loocbench.cards import tasks
from loocbench.report.figures import gallery
from loocbench.report.formats import markdown
from loocbench.report.table import columns, matrices, panels
from loocbench.report.table.experiments import group_rows
from loocbench.report.table.selection import Selection
from loocbench.report.table.table import TableOptions, build_table
from loocbench.types import Items, Metric
from tests.conftest import tiny_recipe
from tests.records.test_store import row


def measured(model, value, *, seed=0, measuring_seed=0, task="linear/blooms", method="looc++", **changes):
    metric = Metric(value=value, low=value - 0.02, high=value + 0.04, n=100)
    values = {"model": model, "task": task, "checkpoint": model, "metrics": {"top1": metric}, "seed": measuring_seed}
    return row(**{**values, "recipe": tiny_recipe(method, seed=seed), **changes})


def parse(page):
    """The tables of a page as GitHub would read it, each as a list of dictionaries of text and markup."""
    from markdown_it import MarkdownIt

    tables, line = [], []
    for token in MarkdownIt("commonmark").enable("table").parse(page):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            line = []
        elif token.type == "inline" and token.level >= 4:
            line.append("".join(_shown(child) for child in token.children))
        elif token.type == "tr_close":
            tables[-1].append(line)
    return [[dict(zip(head, line, strict=True)) for line in body] for head, *body in tables]


def _shown(token):
    return {"strong_open": "<b>", "strong_close": "</b>"}.get(token.type, token.content)


def test_the_markdown_parses_back_to_the_stored_values():
    page = markdown.render_markdown(build_table([measured("A", 0.5), measured("B", 0.612)]), "Results")
    (lines,) = parse(page)
    assert [line["Model"] for line in lines] == ["A", "B"]
    assert [line["Blooms species, top-1 (v1)"] for line in lines] == ["50.0 ± 3.0", "<b>61.2 ± 3.0</b>"]


def test_over_several_seeds_mean_and_students_interval():
    rows = [
        measured("A", value, seed=seed, checkpoint=f"a{seed}", checkpoint_hash=f"{seed}" * 64)
        for seed, value in enumerate((0.5, 0.6, 0.7))
    ]
    (line,) = build_table(rows).measured
    cell = line.cells[0]
    interval = stats.t.interval(0.95, 2, 0.6, 0.1 / 3**0.5)
    assert cell.value == pytest.approx(0.6)
    assert (cell.low, cell.high) == pytest.approx(interval)
    assert cell.spread == pytest.approx(interval[1] - 0.6)
    assert (cell.seeds, cell.sd) == (3, pytest.approx(0.1))
    (line,) = build_table(rows, TableOptions(spread="sd")).measured
    assert line.cells[0].spread == pytest.approx(0.1)


def test_several_measurements_of_one_checkpoint_are_no_seeds():
    (line,) = build_table([measured("A", 0.5), measured("A", 0.7, measuring_seed=1)]).measured
    assert (line.cells[0].value, line.cells[0].seeds) == (pytest.approx(0.6), 1)
    assert line.cells[0].spread == pytest.approx(0.03)


def test_figures_within_the_uncertainty_are_all_best_and_all_second():
    values = {"A": 0.70, "B": 0.67, "C": 0.60, "D": 0.58, "E": 0.40}  # each with a half interval of 0.03
    lines = build_table([measured(name, value) for name, value in values.items()]).measured
    assert {line.model: line.cells[0].rank for line in lines} == {
        "A": "best", "B": "best", "C": "second", "D": "second", "E": ""
    }  # fmt: skip


def test_of_two_lines_none_is_second():
    lines = build_table([measured("A", 0.7), measured("B", 0.5)]).measured
    assert [line.cells[0].rank for line in lines] == ["best", ""]


def test_less_is_better_of_a_loss_and_neither_of_an_invariance():
    def sensitivity(name, value):
        metric = Metric(value=value, low=value - 0.01, high=value + 0.01, n=100)
        metrics = {"hue_top1_loss": metric, "hue_invariance": metric}
        return measured(name, 0.5, task="sensitivity/blooms", metrics=metrics)

    built = build_table([sensitivity("A", 0.1), sensitivity("B", 0.4)], TableOptions(every_metric=True))
    ranks = {
        column.metric: [line.cells[place].rank for line in built.measured] for place, column in enumerate(built.columns)
    }
    assert ranks == {"hue_top1_loss": ["best", ""], "hue_invariance": ["", ""]}


def test_a_model_on_its_own_is_not_best():
    assert not build_table([measured("A", 0.6)]).measured[0].cells[0].rank


def test_published_figures_stand_apart_marked_and_are_never_best():
    built = build_table(
        [measured("A", 0.1, task="linear/cub200", dataset="cub200"), measured("B", 0.2, task="linear/cub200")]
    )
    page = markdown.render_markdown(built, "Results")
    ours, theirs = parse(page)
    assert [line["Model"] for line in ours] == ["A", "B"]
    assert {line["Model"]: line["CUB-200, top-1 (v1)"] for line in theirs}[
        "LooC++ (color, rotation) (published)"
    ] == "39.3"
    assert not any("<" in value for line in theirs for value in line.values())
    assert "not measured here" in page


def test_figures_on_a_subset_have_a_column_of_their_own_that_says_so():
    full = measured("A", 0.5, task="linear/cub200", dataset="cub200")
    part = measured("A", 0.9, task="linear/cub200", dataset="cub200", dataset_note="subset 9 of 11,788", checkpoint="b")
    built = build_table([full, part])
    assert [column.note for column in built.columns] == ["", "subset 9 of 11,788"]
    assert "CUB-200, top-1 (v1) [subset 9 of 11,788]" in parse(markdown.render_markdown(built, "x"))[0][0]


def test_of_two_versions_of_a_task_the_newest_is_shown():
    built = build_table([measured("A", 0.5, task_version=1), measured("A", 0.7, task_version=2)])
    assert [line.cells[0].value for line in built.measured] == [pytest.approx(0.7)]


def test_models_are_ordered_from_the_baseline_to_the_paper():
    rows = [measured(name, 0.5, method=name) for name in ("looc++", "looc", "moco")]
    assert [line.model for line in build_table(rows).measured] == ["moco", "looc", "looc++"]


def test_the_gallery_is_a_picture_with_a_panel_an_image(tmp_path):
    import numpy as np
    from PIL import Image

    images = np.zeros((4, 3, 8, 8), dtype=np.uint8)
    rows = [gallery.GalleryRow(images, np.array([True, False, True]), ["query", "a", "b", "c"])] * 2
    gallery.draw_gallery(rows, "Title", tmp_path / "g.png")
    picture = np.asarray(Image.open(tmp_path / "g.png").convert("RGB")).reshape(-1, 3)
    assert (picture == (0x00, 0x72, 0xB2)).all(axis=1).sum() > 100  # the frames of the right ones
    assert (picture == 0).all(axis=1).sum() > 8 * 60 * 60  # eight black images


def test_the_terminal_shows_the_same_figures_and_the_subsets_name():
    import io

    from rich.console import Console

    from loocbench.report.formats import terminal

    note = "subset 9 of 11,788"
    rows = [
        measured(name, value, task="linear/cub200", dataset="cub200", dataset_note=note)
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


def test_published_figures_have_only_the_columns_that_were_published():
    rows = [measured("A", 0.1, task="linear/cub200", dataset="cub200"), measured("A", 0.1, task="rotation/cub200")]
    _, theirs = parse(markdown.render_markdown(build_table(rows), "Results"))
    assert list(theirs[0]) == ["Model", "Source", "CUB-200, top-1 (v1)"]


def test_a_retrained_checkpoint_supersedes_its_namesake():
    old = measured("A", 0.9, checkpoint_hash="a" * 64, created="2026-01-01T00:00:00+00:00")
    new = measured("A", 0.2, checkpoint_hash="0" * 64, created="2026-01-02T00:00:00+00:00")
    for rows in ([old, new], [new, old]):
        (line,) = build_table(rows).measured
        assert (line.cells[0].value, line.cells[0].seeds) == (pytest.approx(0.2), 1)
        assert (
            "Not shown: 1 rows of older task versions or of checkpoints trained again since." in build_table(rows).notes
        )


@pytest.mark.parametrize("chosen", [Selection(), Selection(tasks=("rotation/cub200", "linear/blooms"))])
def test_old_weights_are_no_second_seed_where_the_new_ones_were_not_measured(chosen):
    """The new weights are known from one task alone; the old ones' other figures are not theirs."""
    old = {"checkpoint_hash": "a" * 64, "created": "2026-01-01T00:00:00+00:00"}
    rows = [
        measured("A", 0.9, **old),
        measured("A", 0.9, task="rotation/cub200", dataset="cub200", **old),
        measured("A", 0.2, checkpoint_hash="0" * 64, created="2026-01-02T00:00:00+00:00"),
    ]
    built = build_table(rows, TableOptions(chosen))
    assert [[cell.value for cell in line.cells] for line in built.measured] == [[pytest.approx(0.2)]]
    assert "seeds" not in built.measured[0].trained_on
    assert "Not shown: 2 rows of older task versions or of checkpoints trained again since." in built.notes


def test_a_filter_does_not_bring_old_weights_back():
    old = measured("A", 0.9, task="rotation/cub200", checkpoint_hash="a" * 64, created="2026-01-01T00:00:00+00:00")
    new = measured("A", 0.2, checkpoint_hash="0" * 64, created="2026-01-02T00:00:00+00:00")
    assert not build_table([old, new], TableOptions(Selection(tasks=("rotation/*",)))).measured


def test_other_images_under_one_name_have_columns_of_their_own():
    """Two folders called photos, or an edition whose pixels changed: no figure of one is better than one of another."""
    rows = [
        measured(name, value, task="linear/folder-photos", dataset="folder:photos", checkpoint_hash=name * 64, **where)
        for name, value, where in (
            ("A", 0.5, {}), ("B", 0.9, {"fingerprints": {"test": "others"}}), ("C", 0.7, {"edition": "renewed"})
        )
    ]  # fmt: skip
    built = build_table(rows, TableOptions(every_pair=True))
    assert len({column.heading for column in built.columns}) == 3
    assert [sum(cell is not None for cell in line.cells) for line in built.measured] == [1, 1, 1]
    assert not any(cell.rank for line in built.measured for cell in line.cells if cell)
    assert built.tests == ()
    assert not any(column.note for column in build_table(rows[:1]).columns)


def test_curves_and_matrices_are_of_one_copy_of_the_data():
    def of(value, note):
        metrics = {
            f"{name}_invariance": Metric(value=value, low=0, high=1, n=9)
            for name in tasks.load_task("sensitivity/blooms").protocol.changes
        }
        curve = [{"hue": angle, "invariance": value} for angle in (30.0, 60.0)]
        return measured(
            "A", 0.5, task="sensitivity/blooms", metrics=metrics, curve=curve, dataset_note=note, method="moco"
        )

    rows = [of(0.9, ""), of(0.1, "subset 9")]
    known, experiments = columns.load_cards(rows), group_rows(rows)
    chosen = columns.choose_columns(rows, known, every_metric=True, metrics=())
    found = {panel.title: panel.series[0].points[0][1] for panel in panels.curve_panels(chosen, known, experiments)}
    title = known["sensitivity/blooms"].title
    assert found == {title: 0.9, f"{title} [subset 9]": 0.1}
    shown = {
        one.title: one.rows[0].metrics["hue_invariance"].value for one in matrices.build_matrices(experiments, known)
    }
    assert shown == found


def test_different_recipes_are_different_lines_that_say_in_what_they_differ():
    rows = [measured("A", 0.5, checkpoint="a"), measured("A", 0.6, seed=1, checkpoint="b", checkpoint_hash="b" * 64)]
    rows[1] = rows[1].model_copy(update={"recipe": rows[1].recipe.model_copy(update={"learning_rate": 5.0})})
    lines = build_table(rows).measured
    assert [line.cells[0].seeds for line in lines] == [1, 1]
    assert [line.trained_on.split("epochs")[1] for line in lines] == [", learning rate 0.05", ", learning rate 5.0"]


def test_a_model_that_was_trained_on_a_subset_says_so():
    (line,) = build_table([measured("A", 0.5, pretrained_on="cub200", pretraining_note="subset 9 of 11,788")]).measured
    assert line.trained_on.startswith("cub200 (subset 9 of 11,788), resnet8 at 16 px")


def test_the_number_of_seeds_is_shown():
    rows = [
        measured("A", value, seed=seed, checkpoint=f"a{seed}", checkpoint_hash=f"{seed}" * 64)
        for seed, value in enumerate((0.5, 0.6, 0.7))
    ]
    (line,) = build_table(rows).measured
    assert line.trained_on.endswith("3 seeds")


def test_a_folders_columns_are_named_after_it():
    from loocbench.cards import finding

    for evaluator, title in (("linear", "cars"), ("rotation", "cars, rotation"), ("retrieval", "cars, neighbours")):
        card = finding.find_task(evaluator, "folder:/data/cars")
        assert finding.find_task_of_row(card.task, "folder:cars").title == card.title == title
    card = finding.find_task("linear", "folder:/data/cars", "color")
    assert finding.find_task_of_row(card.task, "folder:cars") == card.model_copy(update={"dataset": "folder:cars"})
    assert finding.find_task_of_row("linear/long-gone", "cub200") is None


def test_weights_from_elsewhere_say_where_from_and_that_their_epochs_are_unknown():
    foreign = {"recipe": None, "source": "timm resnet50.a1_in1k", "epochs": None, "pretrained_on": ""}
    rows = [measured("A", 0.5), measured("Theirs", 0.7, **foreign)]
    lines = build_table(rows).measured
    assert [line.model for line in lines] == ["A", "Theirs"]
    assert lines[1].trained_on == "unknown images, resnet8 at 16 px, unknown epochs, timm resnet50.a1_in1k"


def test_two_weights_of_one_name_from_elsewhere_are_told_apart():
    foreign = {"recipe": None, "source": "a file", "epochs": None}
    rows = [
        measured("Theirs", value, checkpoint=letter, checkpoint_hash=letter * 64, **foreign)
        for letter, value in (("a", 0.1), ("b", 0.2))
    ]
    assert [line.trained_on.rpartition(", ")[2] for line in build_table(rows).measured] == [
        "weights aaaaaaaa",
        "weights bbbbbbbb",
    ]


def test_the_scale_stands_below_and_what_is_stated_in_the_notes():
    metric = Metric(value=0.5, low=0.4, high=0.6, n=10)
    kept = measured(
        "A",
        0.5,
        task="retrieval/cub200",
        dataset="cub200",
        metrics={"class_recall1": metric},
        scale={"random": {"class_recall1": 0.01}, "oracle": {"class_recall1": 1.0}},
        stated={"foreground": "bounding box"},
    )
    built = build_table([kept])
    assert [(line.model, line.cells[0].value) for line in built.scale] == [
        ("Random ranking", 0.01),
        ("Best possible ranking", 1.0),
    ]
    assert "retrieval/cub200: foreground from bounding box." in built.notes
    (lines,) = parse(markdown.render_markdown(built, "x"))
    assert [line["Model"] for line in lines] == ["A", "Random ranking", "Best possible ranking"]


def published_difference(model="LooC++ (color, rotation)", **changes):
    kept = measured(
        model,
        0.4,
        **{"task": "linear/cub200-sgd", "dataset": "cub200", "features": "looc++", **changes},
    )
    lines = {line.model: line for line in build_table([kept]).published}
    return lines[model].cells[0].difference


def test_the_difference_to_a_published_figure_only_where_split_and_protocol_are_the_same():
    assert published_difference() == pytest.approx(0.4 - 0.393)
    assert published_difference(dataset_note="subset 9 of 11,788") is None  # another split
    assert published_difference(task="linear/cub200") is None  # another protocol
    assert published_difference(features="head:color") is None  # other features than the paper's
    assert published_difference(task_version=99) is None  # another version of the protocol
    foreign = {"recipe": None, "source": "a file", "epochs": None, "features": "looc"}
    assert published_difference(**foreign) is None  # a name alone is no method
    assert published_difference(model="MoCo", **foreign) is None


def test_the_publishers_own_spread_is_shown():
    built = build_table([measured("A", 0.1, task="few-shot/flowers102-5", dataset="flowers102")])
    (moco,) = (line for line in built.published if line.model == "MoCo")
    assert moco.cells[0].spread == pytest.approx(0.005)


def test_a_task_that_is_no_longer_shipped_keeps_its_column():
    built = build_table([measured("A", 0.5, task="gone/task", dataset="cub200"), measured("A", 0.6)])
    assert [column.title for column in built.columns] == ["Blooms species, top-1 (v1)", "gone/task, top-1 (v1)"]
    assert all(built.measured[0].cells)


def test_lines_of_other_foregrounds_say_so_and_are_not_tested_in_pairs():
    right = {"items": {"color_recall1": Items.of(np.array([True, False, True]))}}
    metrics = {"color_recall1": Metric(value=2 / 3, low=0.2, high=0.9, n=3)}
    both = [
        measured(name, 0.5, task="retrieval/cub200", metrics=metrics, stated={"foreground": how}, **right)
        for name, how in (("A", "bounding box"), ("B", "segmentation"))
    ]
    found = build_table(both, TableOptions(every_metric=True, every_pair=True))
    assert any(
        "foreground from bounding box or segmentation, which differs between lines" in one for one in found.notes
    )
    assert all(test.result is None for test in found.tests)
