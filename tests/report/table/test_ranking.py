"""The best figure of a column, and what a test cannot tell from it.

Covers ``loocbench.report.table.ranking``.
"""

import numpy as np
import pytest

from loocbench.report.table.table import TableOptions, build_table
from loocbench.types import Items, Metric
from tests.report.rows import measured_row


def answered(model, right, seed=0, *, stored=True, half=None, **changes):
    """A row of a model with right and wrong answers; ``half``: of its interval, whatever the answers say."""
    values = np.asarray(right)
    value = float(values.mean())
    half = 0.03 if half is None else half
    metric = Metric(value=value, low=max(0.0, value - half), high=min(1.0, value + half), n=len(values))
    items = {"items": {"top1": Items.of(values)}} if stored else {"items": {}}
    return measured_row(
        model, value, seed=seed, checkpoint=f"{model}{seed}", checkpoint_hash=f"{model}{seed}".ljust(64, "0"),
        **{"metrics": {"top1": metric}, **items, **changes},
    )  # fmt: skip


def first(count, of=400):
    """The first ``count`` items right."""
    return np.arange(of) < count


def seeds(model, shares, **changes):
    """A row per pretraining seed, each with answers of its own."""
    draws = [np.random.default_rng([len(model), seed, 7]).permutation(400) for seed in range(len(shares))]
    return [answered(model, draws[seed] < 400 * share, seed, **changes) for seed, share in enumerate(shares)]


def cells(rows, **options):
    return {line.model: line.cells[0] for line in build_table(rows, TableOptions(**options)).measured}


def marks(rows):
    return {model: cell.rank or "≈" * cell.near_best for model, cell in cells(rows).items()}


def test_the_best_figure_alone_is_best_however_wide_the_interval_of_another():
    rows = [answered("A", first(300)), answered("B", first(290), half=0.5), answered("C", first(299), half=0.0)]
    assert [cell.rank for cell in cells(rows).values()] == ["best", "", ""]


def test_a_wide_interval_does_not_save_a_figure_and_a_narrow_one_does_not_doom_it():
    """On the same images B misses 40 that A has, and C one that A has."""
    rows = [answered("A", first(300)), answered("B", first(260), half=0.5), answered("C", first(299), half=0.0)]
    assert marks(rows) == {"A": "best", "B": "", "C": "≈"}
    found = cells(rows)
    assert found["A"].p_best is None
    assert found["B"].p_best == pytest.approx(2 * 2 * 0.5**40, rel=1e-5)  # McNemar, and Holm's correction for two
    assert found["C"].p_best == 1


def test_equal_figures_are_all_best():
    assert marks([answered("A", first(300)), answered("B", ~first(100)), answered("C", first(299))]) == {
        "A": "best", "B": "best", "C": "≈"
    }  # fmt: skip


def test_figures_that_only_read_the_same_are_not_equal():
    rows = [answered("A", first(3001, 6000)), answered("B", first(3000, 6000))]
    assert marks(rows) == {"A": "best", "B": "≈"}  # both 50.0


def test_seeds_that_scatter_cannot_be_told_from_the_best_but_are_not_best():
    """As 64.3 ± 48.3 beside 95.9 ± 3.9."""
    rows = [*seeds("wide", (0.45, 0.64, 0.84)), *seeds("narrow", (0.94, 0.96, 0.975)), *seeds("low", (0.2, 0.21, 0.2))]
    assert marks(rows) == {"wide": "≈", "narrow": "best", "low": ""}
    assert cells(rows)["wide"].half_width > 0.4


def test_without_items_seeds_are_tested_and_single_seeds_are_not():
    several = [*seeds("A", (0.9, 0.91, 0.92), stored=False), *seeds("B", (0.5, 0.51, 0.52), stored=False)]
    close = seeds("C", (0.8, 0.95, 0.88), stored=False)
    assert marks([*several, *close]) == {"A": "best", "B": "", "C": "≈"}
    single = build_table([answered("A", first(300), stored=False), answered("B", first(299), stored=False)])
    assert [(line.cells[0].rank, line.cells[0].p_best) for line in single.measured] == [("best", None), ("", None)]
    (note,) = [note for note in single.notes if "Not tested" in note]
    assert note == (
        "Not tested against the best figure, hence without ≈: 1 of Blooms species, top-1 (v1) (no single items are "
        "stored, and there is one seed each)."
    )


def test_one_seed_beside_three_varies_as_they_do():
    rows = [*seeds("A", (0.60, 0.75, 0.90)), answered("B", first(240))]
    assert marks(rows) == {"A": "best", "B": "≈"}  # its images alone would tell 60.0 from 75.0


def test_rows_of_other_conditions_are_not_tested_even_with_seeds():
    def row(model, seed, how, share):
        metrics = {"color_recall1": Metric(value=share, low=0, high=1, n=9)}
        stated = {"foreground": how}
        return answered(
            model,
            first(9),
            seed,
            stored=False,
            task="retrieval/cub200",
            dataset="cub200",
            metrics=metrics,
            stated=stated,
        )

    rows = [row("A", seed, "bounding box", 0.5 + 0.1 * seed) for seed in range(3)]
    rows += [row("B", seed, "segmentation", 0.4 + 0.1 * seed) for seed in range(3)]
    built = build_table(rows, TableOptions(every_metric=True))
    assert {cell.p_best for line in built.measured for cell in line.cells} == {None}
    assert any("(measured on different images)" in note for note in built.notes)


def test_less_is_better_of_a_loss_and_neither_of_an_invariance():
    def sensitivity(name, value):
        metric = Metric(value=value, low=value - 0.01, high=value + 0.01, n=100)
        metrics = {"hue_top1_loss": metric, "hue_invariance": metric}
        return measured_row(name, 0.5, task="sensitivity/blooms", metrics=metrics)

    built = build_table([sensitivity("A", 0.1), sensitivity("B", 0.4)], TableOptions(every_metric=True))
    ranks = {
        column.metric: [line.cells[place].rank for line in built.measured] for place, column in enumerate(built.columns)
    }
    assert ranks == {"hue_top1_loss": ["best", ""], "hue_invariance": ["", ""]}


def test_a_model_on_its_own_is_not_best():
    assert not build_table([measured_row("A", 0.6)]).measured[0].cells[0].rank


def test_every_figure_says_its_seeds_and_what_its_interval_is_over():
    found = cells([*seeds("A", (0.6, 0.7, 0.8)), answered("B", first(200))])
    assert {model: (cell.seeds, cell.interval_over) for model, cell in found.items()} == {
        "A": (3, "seeds"), "B": (1, "items")
    }  # fmt: skip
