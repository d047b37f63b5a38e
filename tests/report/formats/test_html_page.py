"""The HTML report in a real browser: it opens alone, sorts, filters, shows galleries, and runs nothing from rows.

Covers loocbench.report.formats.html_page, loocbench.report.formats.single_file_page, loocbench.report.formats.svg,
loocbench.report.formats.pictures and loocbench.jobs.html_report.
"""

import re

import numpy as np
import pytest

from loocbench.records import store
from loocbench.report.figures import gallery
from loocbench.report.formats import html_page, single_file_page
from loocbench.report.table.table import TableOptions, build_table
from tests.cli.conftest import run_command
from tests.records.rows import make_path
from tests.report import fixed_store
from tests.report.rows import measured_row

pytestmark = pytest.mark.xdist_group("html page")
HOSTILE = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>{{7*7}}\'"</td>'


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The fixed store's page, with two galleries, which no test changes."""
    results = tmp_path_factory.mktemp("report") / "results"
    fixed_store.write(results)
    for number, path in enumerate(sorted(results.glob("*/*/retrieval*.json"))[:3]):
        images = np.random.default_rng(number).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
        rows = [gallery.GalleryRow(images, np.array([True, False]), ["query", "a", "b"])]
        gallery.draw_gallery(rows, f"Gallery {number}", path.with_suffix(".png"))
    page = results / fixed_store.SUITE / "report.html"
    options = ["--suite", fixed_store.SUITE, "--results", results, "--output", page, "--against", "MoCo"]
    said = run_command("report", *options)
    assert said.code == 0, said.err
    return page


def column(view, number):
    """The texts of a column of the measured table, of lines that are shown and not of the scale."""
    return view.eval_on_selector_all(
        "#table-measured tbody tr:not(.scale):not([hidden])",
        "(rows, number) => rows.map((row) => row.cells[number].textContent.trim())",
        number,
    )


def test_it_opens_with_what_each_model_kept(opened, report):
    view = opened(report)
    assert view.locator("main section").first.get_attribute("id") == "kept"
    picture = view.locator("#kept img.profiles")
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 600
    above, below = (view.locator(name).bounding_box()["y"] for name in ("#kept .answers", "#table-measured"))
    assert above < picture.bounding_box()["y"] < below
    assert view.locator(".answers").count() == 1


def test_rows_that_answer_one_question_have_no_profile(opened, tmp_path):
    for row in (measured_row("A", 0.5), measured_row("B", 0.6)):
        store.write_row(make_path(tmp_path / "results", "local", row), row)
    said = run_command("report", "--results", tmp_path / "results", "--output", tmp_path / "report.html")
    assert said.code == 0, said.err
    view = opened(tmp_path / "report.html")
    assert view.locator("#kept").count() == 0
    assert view.locator("#measured .answers").count() == 1


def test_a_heading_sorts_by_its_figures_the_best_first_and_back(opened, report):
    view = opened(report)
    before = column(view, 0)
    head = view.locator("#table-measured thead tr:last-child th", has_text="SGD, top-1")
    place = head.evaluate("(head) => head.cellIndex")
    head.locator("button").click()
    figures = [float(text.split(" ")[0]) for text in column(view, place)]
    assert figures == sorted(figures, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    assert column(view, 0) != before
    head.locator("button").focus()
    view.keyboard.press("Enter")  # by keyboard
    assert head.get_attribute("aria-sort") == "ascending"
    assert [float(text.split(" ")[0]) for text in column(view, place)] == figures[::-1]
    last = view.locator("#table-measured tbody tr").last.text_content()
    assert "Best possible ranking" in last  # the scale stays below


def test_lines_without_the_figure_are_last_in_both_orders(opened, report):
    view = opened(report)
    view.locator("#every").check()
    head = view.locator("#table-measured thead tr:last-child th", has_text="10-shot")
    for _ in range(2):
        head.locator("button").click()
        assert column(view, head.evaluate("(head) => head.cellIndex"))[-1] == "–"


def test_filters_leave_what_was_asked_for(opened, report):
    view = opened(report)
    assert view.locator("#count").text_content() == "5 of 5 lines"
    view.fill("#find", "looc++ color")
    assert set(column(view, 0)) == {"LooC++ (color, rotation)"}
    view.select_option("#features", "head:color")
    assert column(view, 1) == ["head:color"]
    assert view.locator("#count").text_content() == "1 of 5 lines"
    view.fill("#find", "")
    view.select_option("#features", "")
    view.select_option("#data", "CUB-200")
    shown = view.eval_on_selector_all(
        "#table-measured thead tr:last-child th[data-group]", "(all) => all.filter((one) => one.offsetParent).length"
    )
    assert shown == 3


def test_the_headline_is_shown_first_and_all_columns_by_a_click(opened, report):
    view = opened(report)

    def shown(row="last"):
        heads = f"#table-measured thead tr:{row}-child th[data-group]"
        return view.eval_on_selector_all(
            heads, "(all) => all.filter((one) => one.offsetParent).map((one) => one.colSpan)"
        )

    assert (len(shown()), sum(shown("first"))) == (4, 4)
    view.locator("#every").check()
    assert (len(shown()), sum(shown("first"))) == (7, 7)
    view.locator("#every").uncheck()
    assert len(shown()) == 4


def test_two_galleries_stand_side_by_side(opened, report):
    view = opened(report)
    seen = view.locator("[data-gallery]:visible img")
    assert seen.count() == 2
    assert all(image.evaluate("(image) => image.complete && image.naturalWidth > 100") for image in seen.all())
    left, right = (image.bounding_box() for image in seen.all())
    assert left["y"] == right["y"]
    view.select_option("#gallery-right", "2")
    assert [one.get_attribute("data-gallery") for one in view.locator("[data-gallery]:visible").all()] == ["0", "2"]


def test_curves_and_heat_maps_are_drawn(opened, report):
    view = opened(report)
    assert view.locator("#curves svg polyline").count() > 10
    assert view.locator("#sensitivity rect").count() > 50
    view.locator("#curves summary", has_text="Flowers-102").first.click()
    assert view.locator("#curves figcaption", has_text="Few-shot").first.is_visible()


@pytest.fixture
def long_page(monkeypatch, tmp_path):
    """A page of eight lines that draws three of them at first."""
    monkeypatch.setattr(single_file_page, "FIRST_LINES", 3)
    rows = [measured_row(f"model {place}", 0.2 + place / 20) for place in range(8)]
    path = tmp_path / "long.html"
    path.write_text(html_page.render_html(build_table(rows), "Long"), encoding="utf-8")
    return path


def drawn(view):
    """The names of the lines that can be seen."""
    return view.locator("#table-measured tbody th:visible").all_text_contents()


def test_a_long_table_draws_its_first_lines_and_the_rest_on_request(opened, long_page):
    view = opened(long_page)
    assert drawn(view) == ["model 0", "model 1", "model 2"]
    assert "3 of 8 lines are drawn" in view.locator("#measured .rest").inner_text()
    view.get_by_role("button", name="Show 3 more").click()
    assert len(drawn(view)) == 6
    view.get_by_role("button", name="Show all 8").focus()
    view.keyboard.press("Enter")
    assert len(drawn(view)) == 8
    assert view.locator("#measured .rest").is_hidden()


def test_sorting_and_filters_use_the_lines_that_are_not_drawn(opened, long_page):
    view = opened(long_page)
    view.locator("#table-measured thead tr:last-child th[data-group] button").click()
    assert drawn(view) == ["model 7", "model 6", "model 5"]  # the best, which were not drawn
    view.fill("#find", "model 4")
    assert drawn(view) == ["model 4"]
    assert view.locator("#measured .rest").is_hidden()
    assert view.locator("#count").text_content() == "1 of 8 lines"
    view.fill("#find", "")
    assert drawn(view) == ["model 7", "model 6", "model 5"]


def test_without_scripts_every_line_can_be_read(opened, long_page):
    assert len(drawn(opened(long_page, java_script_enabled=False))) == 8


def test_every_line_is_printed(opened, long_page):
    view = opened(long_page)
    view.emulate_media(media="print")
    assert len(drawn(view)) == 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_width_and_theme_can_be_read(opened, report, width, scheme):
    view = opened(report, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert view.evaluate("document.documentElement.scrollWidth") <= width  # only tables scroll sideways
    assert _contrast(view, "#table-measured td.best") > 4.5
    assert _contrast(view, "#notes li") > 4.5
    dark = view.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    assert dark == (scheme == "dark")
    other = {"light": 2, "dark": 1}[scheme]  # the switch goes automatic, light, dark
    for _ in range(other):
        view.click("#theme")
    assert (view.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)") != dark


def test_on_a_phone_the_first_question_is_on_the_screen(opened, report):
    view = opened(report, viewport={"width": 390, "height": 800})
    box = view.locator("#table-measured tbody tr").first.locator("td[data-group]:visible").first.bounding_box()
    assert box["x"] + box["width"] <= 390
    under = "(one) => getComputedStyle(one, '::after').content"
    assert view.eval_on_selector("#table-measured tbody th", under) == '"looc, 3 seeds"'


def test_no_heading_is_broken_at_a_hyphen(opened, report):
    view = opened(report)
    words = view.locator("#table-measured thead .word", has_text="top-1")
    assert words.first.text_content() == "top-1"
    assert words.first.evaluate("(one) => one.getClientRects().length") == 1


def _contrast(view, selector):
    """WCAG's contrast ratio of the first such element's text."""
    colors = view.eval_on_selector(
        selector,
        """(one) => {
            let box = one;
            while (getComputedStyle(box).backgroundColor === 'rgba(0, 0, 0, 0)') box = box.parentElement;
            return [getComputedStyle(one).color, getComputedStyle(box).backgroundColor];
        }""",
    )
    light, dark = sorted(map(_luminance, colors), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color):
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def hostile_table():
    rows = [
        measured_row(HOSTILE, 0.5, dataset_note=HOSTILE, features=HOSTILE, hardware=HOSTILE, pretrained_on=HOSTILE),
        measured_row("B", 0.6, stated={HOSTILE: HOSTILE}),
    ]
    return build_table(rows, TableOptions(every_pair=True))


def test_names_from_rows_are_text_and_nothing_else(opened, tmp_path):
    path = tmp_path / "hostile.html"
    path.write_text(html_page.render_html(hostile_table(), HOSTILE), encoding="utf-8")
    view = opened(path)
    assert view.title() == HOSTILE
    assert HOSTILE in view.locator("#table-measured tbody th").all_text_contents()
    assert view.evaluate("window.broken === undefined")
    assert view.locator("main img, main script").count() == 0


def test_escaping_without_a_browser():
    text = html_page.render_html(hostile_table(), HOSTILE)
    assert "<img" not in text
    assert text.count("<script") == 1
    assert "onerror=&#34;" in text


def test_a_script_that_is_not_the_pages_own_does_not_run(browser, tmp_path):
    text = html_page.render_html(hostile_table(), "x")
    path = tmp_path / "altered.html"
    path.write_text(text.replace("</body>", "<script>window.broken=1</script></body>"), encoding="utf-8")
    view = browser.new_page()
    view.goto(path.as_uri())
    assert view.evaluate("window.broken === undefined")
    view.close()


def test_a_picture_that_is_none_is_passed_over(loocbench, tmp_path):
    fixed_store.write(tmp_path / "results")
    kept = next(one for one in fixed_store.rows() if one.task.startswith("retrieval"))
    make_path(tmp_path / "results", fixed_store.SUITE, kept).with_suffix(".png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    said = loocbench("report", "--suite", fixed_store.SUITE, "--format", "html")
    assert said.code == 0
    assert "skipped" in said.err
    assert list(store.read_rows(tmp_path / "results", fixed_store.SUITE))
