"""A leaderboard of two stores in a real browser: it opens alone, sorts, and each figure leads to its rows.

Covers ``loocbench.report.formats.leaderboard``, ``loocbench.report.formats.html_grid`` and
``loocbench.report.formats.row_fields``.
"""

import json
import re

import pytest

from loocbench.records import store
from loocbench.report.formats import html_grid, row_fields
from loocbench.report.formats.grid import MEASURED, Grid, GridRow, Head, build_grids
from loocbench.report.table.cells import Cell
from loocbench.report.table.table import build_table
from loocbench.types import Items, Row
from tests.cli.conftest import run_command
from tests.records.rows import dump_fields, make_path, make_row
from tests.report import fixed_store

pytestmark = pytest.mark.xdist_group("html page")
HOSTILE = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>{{7*7}}'


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """The fixed store in two parts, by the pretraining seed; one row of the first was measured apart in the second."""
    folder = tmp_path_factory.mktemp("stores")
    for row in fixed_store.rows():
        write(folder / ("ann" if row.seed == 0 else "bob") / "results", row)
    row = conflicting()
    top1 = row.metrics["top1"]
    figure = top1.model_copy(update={"value": top1.low})
    write(folder / "bob" / "results", row.model_copy(update={"metrics": {"top1": figure}, "items": {}}))
    (folder / "bob" / "results" / fixed_store.SUITE / "moco-s1-torn").mkdir()
    (folder / "bob" / "results" / fixed_store.SUITE / "moco-s1-torn" / "torn.json").write_text("{")
    return [folder / "ann" / "results", folder / "bob" / "results"]


def write(results, row):
    path = make_path(results, fixed_store.SUITE, row)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump_fields(row.model_dump(mode="json")), encoding="utf-8")


def conflicting():
    return next(row for row in fixed_store.rows() if (row.model, row.task) == ("MoCo", "linear/cub200-sgd"))


def build(stores, folder, *more):
    named = [word for one in stores for word in ("--results", one)]
    return run_command("report", "--format", "site", "--suite", fixed_store.SUITE, *named, "--output", folder, *more)


@pytest.fixture(scope="module")
def site(stores, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "site"
    said = build(stores, folder)
    assert said.code == 0, said.err
    assert f"written: {folder / 'index.html'}" in said.out
    assert "bob/results measured it apart, with other figures" in said.err
    assert "skipped" in said.err
    return folder


def test_the_figures_are_those_of_the_merged_stores(site, stores, tmp_path, opened):
    assert run_command("results", "merge", *stores, "--results", tmp_path / "merged").code == 0
    options = ("--suite", fixed_store.SUITE, "--results", tmp_path / "merged", "--output", tmp_path / "page.html")
    assert run_command("report", *options).code == 0
    texts = [
        opened(path).locator("#table-measured td[data-value]").all_text_contents()
        for path in (site / "index.html", tmp_path / "page.html")
    ]
    assert len(texts[0]) > 10
    assert texts[0] == texts[1]


def test_the_headline_is_shown_first_and_sorts(opened, site):
    view = opened(site / "index.html")
    heads = "#table-measured thead tr:last-child th[data-group]"
    assert view.eval_on_selector_all(heads, "(all) => all.filter((one) => one.offsetParent).length") == 4
    head = view.locator("#table-measured thead tr:last-child th", has_text="SGD, top-1")
    place = head.evaluate("(head) => head.cellIndex")
    head.locator("button").focus()
    view.keyboard.press("Enter")
    figures = view.eval_on_selector_all(
        "#table-measured tbody tr:not(.scale)",
        "(rows, place) => rows.map((row) => Number(row.cells[place].dataset.value))",
        place,
    )
    assert figures == sorted(figures, reverse=True)


def test_published_figures_stand_apart_and_are_marked(opened, site):
    view = opened(site / "index.html")
    published = view.locator("#table-published tbody th").all_text_contents()
    assert published
    assert all("(published)" in name for name in published)
    assert not any("published" in name for name in view.locator("#table-measured tbody th").all_text_contents())
    assert view.locator("#table-published a").count() == 0  # nothing measured is behind them


def test_a_figure_leads_to_all_that_is_known_of_its_rows(opened, site):
    view = opened(site / "index.html")
    line = view.locator("#table-measured tbody tr", has=view.locator("th", has_text="MoCo"))
    head = view.locator("#table-measured thead tr:last-child th", has_text="SGD, top-1")
    figure = line.locator("th, td").nth(head.evaluate("(head) => head.cellIndex")).locator("a")
    address, text = figure.get_attribute("href"), figure.text_content()
    name, anchor = address.split("#")
    shown = opened(site / name)
    assert text in shown.locator(f"#{anchor}").text_content()
    rows = shown.locator("section", has=shown.locator(f"#{anchor}")).first
    assert rows.locator("tbody tr").count() == 3  # pretraining seeds
    assert "measured apart by bob/results: top-1" in rows.locator("tbody tr").first.text_content()
    details = rows.locator("details").first
    details.locator("summary").focus()
    shown.keyboard.press("Enter")
    fields = dict(
        zip(details.locator("dt").all_text_contents(), details.locator("dd").all_text_contents(), strict=True)
    )
    kept = conflicting()
    assert details.locator("dl").is_visible()
    assert fields["checkpoint_hash"] == kept.checkpoint_hash
    assert fields["fingerprints.test"] == kept.fingerprints["test"]
    assert (fields["task_version"], fields["seed"]) == (str(kept.task_version), str(kept.seed))
    assert (fields["hardware"], fields["versions.torch"]) == (kept.hardware, kept.versions["torch"])
    assert fields["metrics.top1.value"] == str(kept.metrics["top1"].value)
    assert "ann/results" in details.text_content()
    assert (site / shown.locator("nav a").get_attribute("href")).is_file()


def test_every_link_leads_to_a_place_that_is_there(site):
    pages = {path.name: path.read_text(encoding="utf-8") for path in site.glob("*.html")}
    links = re.findall(r'<a href="([^"#]+)#([^"]+)">', pages["index.html"])
    assert len(links) > 20
    assert all(f'id="{anchor}"' in pages[name] for name, anchor in links)


def test_stores_and_conflicts_are_said_and_nothing_is_shown_twice(opened, site):
    view = opened(site / "index.html")
    stores = view.locator("#stores tbody tr").all_text_contents()
    assert [text.split("results")[0] for text in stores] == ["ann/", "bob/"]
    (conflict,) = view.locator("#conflicts tbody tr").all()
    assert "linear/cub200-sgd" in conflict.text_content()
    assert "instead of" in conflict.text_content()
    assert "1 not shown: it is truncated" in view.locator("#unreadable").text_content()
    lines = view.eval_on_selector_all(
        "#table-measured tbody tr:not(.scale)", "(all) => all.map((one) => one.innerText)"
    )
    assert len(lines) == len(set(lines)) == 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_width_and_theme_can_be_read(opened, site, width, scheme):
    for path in (site / "index.html", next(site.glob("moco*.html"))):
        view = opened(path, viewport={"width": width, "height": 800}, color_scheme=scheme)
        view.eval_on_selector_all("details", "(all) => all.forEach((one) => { one.open = true; })")
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        dark = view.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
        assert dark == (scheme == "dark")


def test_every_column_of_the_rows_is_on_the_screen(opened, site):
    view = opened(next(site.glob("moco*.html")))
    assert view.locator(".rows").first.evaluate(
        "(one) => one.parentElement.scrollWidth <= one.parentElement.clientWidth"
    )
    heads = view.locator(".rows").first.locator("thead th").all_text_contents()
    assert "Store" in heads
    assert re.fullmatch(r"[\d-]+ \d\d:\d\d UTC", view.locator(".rows tbody tr").first.locator("td").last.text_content())


def test_no_path_of_this_machine_is_in_the_pages(site, stores):
    folder = str(stores[0].parents[1])
    assert not [path.name for path in site.iterdir() if folder in path.read_text(encoding="utf-8")]


def test_names_from_rows_are_text_and_nothing_else(opened, tmp_path):
    row = make_row(model=HOSTILE, hardware=HOSTILE, pretrained_on=HOSTILE, stated={HOSTILE: HOSTILE})
    store.write_row(make_path(tmp_path / "results", fixed_store.SUITE, row), row)
    assert build([tmp_path / "results"], tmp_path / "site").code == 0
    for path in (tmp_path / "site").glob("*.html"):
        view = opened(path)
        assert view.evaluate("window.broken === undefined")
        assert view.locator("main img, main script").count() == 0
        assert HOSTILE in view.locator("body").text_content()


def test_every_field_of_a_row_is_listed():
    row: Row = next(one for one in fixed_store.rows() if one.items)
    listed = dict(row_fields.list_fields(row))
    assert {name.split(".")[0] for name in listed} >= {
        name for name, value in row.model_dump(mode="json").items() if value not in ({}, [])
    }
    name, items = next(iter(row.items.items()))
    assert isinstance(items, Items)
    assert listed[f"items.{name}"] == f"{items.count:,} stored"


def test_a_site_follows_the_filters(stores, tmp_path):
    assert build(stores, tmp_path / "site", "--model", "MoCo").code == 0
    named = json.loads((tmp_path / "site" / "site.json").read_text())["files"]
    assert named == ["index.html", "moco-looc.html"]


def grid_of(cells, **changes):
    """A grid of a column, with a model for each cell."""
    head = Head("Blooms", "top-1", "Blooms, top-1", **changes)
    rows = [GridRow((f"model {place}", "looc", "", ""), (cell,)) for place, cell in enumerate(cells)]
    return Grid(MEASURED, "", ("Model", "Features", "Seeds", "Trained on"), (head,), tuple(rows))


def test_the_best_of_each_column_is_said_with_its_seeds():
    cells = [Cell(0.2, p_best=0.01), Cell(0.8, spread=0.05, seeds=3, rank="best"), None, Cell(0.3, p_best=0.01)]
    (found,) = html_grid.best_figures(grid_of(cells))
    assert (found.column, found.line, found.figure) == ("Blooms, top-1", "model 1, looc", "80.0 ± 5.0")
    assert (found.seeds, found.others) == ("3 seeds", "tests tell it from all 2 others")
    (found,) = html_grid.best_figures(grid_of([*cells, cells[1]]))
    assert (found.line, found.others) == (
        "model 1, looc",
        "1 more of the same figure, tests tell it from all 2 others",
    )
    assert html_grid.best_figures(grid_of(cells, headline=False)) == []
    assert html_grid.best_figures(grid_of([Cell(0.2), Cell(0.8)])) == []  # not ranked: no end of the metric is better


@pytest.mark.parametrize(
    ("p_values", "said"),
    [
        ([], "all are equal"),
        ([None, None], "no other could be tested"),
        ([0.01], "tests tell it from the other"),
        ([0.01, 0.2, 0.05], "tests do not tell 2 of 3 others from it (≈)"),
        ([0.01, None, 0.2], "tests do not tell 1 of 3 others from it (≈), 1 not tested"),
    ],
)
def test_what_tests_say_of_the_others(p_values, said):
    cells = [Cell(0.9, rank="best"), *(Cell(0.5, p_best=value) for value in p_values)]
    assert [one.others for one in html_grid.best_figures(grid_of(cells))] == [said]


def test_with_models_as_columns_no_best_is_listed():
    assert html_grid.best_figures(build_grids(build_table(fixed_store.rows()), pivot=True)[0]) == []


def test_the_first_page_begins_with_the_best(site):
    page = (site / "index.html").read_text(encoding="utf-8")
    assert 0 < page.index('class="answers"') < page.index("<table")
