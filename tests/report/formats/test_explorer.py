"""The explorer of neighbours in a real browser: by keyboard, on a phone, light and dark, without a request."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from loocbench.evaluators.kept_neighbours import KeptNeighbours
from loocbench.report.formats import explorer, html_page
from loocbench.report.formats.explorer import THUMBNAIL, Explorer
from loocbench.report.table.neighbour_sets import NeighbourSet, SpaceNeighbours
from loocbench.report.table.table import build_table
from tests.report.rows import measured_row

pytestmark = pytest.mark.xdist_group("html page")
HOSTILE = '</script><img src=x onerror="window.broken=1">'
NEAREST = {  # of queries 0, 1, 2
    ("A", "looc++"): [[3, 4, 5], [4, 5, 6], [5, 6, 7]],
    ("A", "head:color"): [[3, 6, 7], [4, 5, 6], [8, 9, 3]],
    (HOSTILE, "looc"): [[8, 9, 3], [7, 8, 9], [3, 4, 5]],
}


def space(model, features):
    nearest = np.array(NEAREST[model, features])
    shared = {"species": nearest % 2 == 1, "color": nearest > 4}
    return SpaceNeighbours(model, features, 2, measured_row(model, 0.5), KeptNeighbours(np.arange(3), nearest, shared))


@pytest.fixture
def made():
    found = NeighbourSet("retrieval/blooms", "", tuple(space(*names) for names in NEAREST), ())
    greys = {row: np.full((THUMBNAIL, THUMBNAIL, 3), 20 * row, dtype=np.uint8) for row in range(10)}
    captions = {row: (f"species {row}", HOSTILE) for row in range(10)}
    names = {row: f"{row}{HOSTILE}.jpg" for row in range(10)}
    return Explorer(f"Blooms {HOSTILE}", found, range(3), greys, names, ("species", "color"), captions, ["a note"])


@pytest.fixture
def view(made, opened, tmp_path):
    return show(opened, tmp_path, [made])


def show(opened, tmp_path, explorers, **window):
    path = tmp_path / "page.html"
    table = build_table([measured_row("A", 0.5), measured_row("B", 0.6)])
    path.write_text(html_page.render_html(table, "Report", explorers=explorers), encoding="utf-8")
    return opened(path, **window)


def shown(view, number):
    """Texts of the neighbours in a space, in their order."""
    return view.locator(".space").nth(number).locator("li").all_inner_texts()


def test_a_query_shows_its_neighbours_in_each_space_of_each_model(view):
    assert view.locator("#explorer h4").all_inner_texts() == ["A", HOSTILE]
    heads = view.locator(".space p").all_inner_texts()
    assert heads[0] == "looc++ (the first of 2 seeds): shares species 2 of 3, colour 1 of 3"
    assert [text.splitlines()[0] for text in shown(view, 0)] == ["species 3", "species 4", "species 5"]
    view.locator(".queries [role=option]").nth(2).click()
    assert [text.splitlines()[0] for text in shown(view, 0)] == ["species 5", "species 6", "species 7"]
    assert "2" in view.locator(".query").inner_text()
    source = view.locator(".space").first.locator("img").nth(1).get_attribute("src")
    pixels = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("L")
    assert abs(pixels.getpixel((40, 40)) - 120) <= 3  # image 6
    assert view.evaluate("window.broken") is None


def test_what_neighbours_share_is_said_and_framed(view):
    third, fourth, fifth = shown(view, 0)
    assert "✓ species" in third
    assert "shares none of species, colour" in fourth  # and says nothing of labels that were not compared
    assert "✓ species, colour" in fifth
    right = view.locator(".space").first.locator("li.right").all_inner_texts()
    assert [text.splitlines()[0] for text in right] == ["species 5"]


def test_what_differs_between_two_spaces(view):
    assert "Of 3 neighbours, 1 are the same." in view.locator(".difference").inner_text()
    assert ["only here" in text for text in shown(view, 0)] == [False, True, True]
    assert ["only here" in text for text in shown(view, 1)] == [False, True, True]
    assert not any("only here" in text for text in shown(view, 2))  # not one of the two
    view.select_option(".second", "2")
    assert ["only here" in text for text in shown(view, 2)] == [True, True, False]
    assert not any("only here" in text for text in shown(view, 1))
    view.select_option(".second", "0")
    assert view.locator(".difference").inner_text() == ""


def test_by_keyboard(view):
    view.locator(".queries [tabindex='0']").focus()
    for key, place in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("Home", 0),
        ("End", 2),
    ):
        view.keyboard.press(key)
        chosen = view.locator(".queries [aria-selected='true']")
        assert chosen.get_attribute("aria-label").startswith(f"{place}{HOSTILE}.jpg, species: species {place}")
        assert chosen.evaluate("(one) => one === document.activeElement")
    view.keyboard.press("Enter")
    assert view.evaluate("document.activeElement.className") == "first"
    view.keyboard.press("Tab")
    assert view.evaluate("document.activeElement.className") == "second"
    view.keyboard.press("Shift+Tab")
    view.keyboard.press("Shift+Tab")
    assert view.evaluate("document.activeElement.getAttribute('role')") == "option"  # the strip is one stop


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_width_and_theme(made, opened, tmp_path, width, scheme):
    view = show(opened, tmp_path, [made], viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [one.bounding_box() for one in view.locator(".neighbour").all()]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    dark = view.eval_on_selector(".picture", "(one) => getComputedStyle(one).backgroundColor") == "rgb(22, 27, 34)"
    assert dark == (scheme == "dark")


def test_without_images_numbers_stand_in_their_place(made, opened, tmp_path):
    plain = Explorer("Birds", made.found, range(3), names={row: f"#{row}" for row in range(10)}, notes=["how to bring"])
    view = show(opened, tmp_path, [plain])
    assert view.locator("#explorer img").count() == 0
    assert shown(view, 0)[0].splitlines() == ["#3", "#3", "✓ species"]
    assert "how to bring" in view.locator("#explorer").inner_text()


def test_without_neighbours_the_notes_alone_are_shown(opened, tmp_path):
    empty = Explorer("Birds", NeighbourSet("retrieval/cub200", "", (), ()), (), notes=["measure again"])
    view = show(opened, tmp_path, [empty])
    assert "measure again" in view.locator("#explorer").inner_text()
    assert view.locator(".queries").count() == 0


def test_two_explorers_do_not_disturb_one_another(made, opened, tmp_path):
    view = show(opened, tmp_path, [made, made])
    view.locator("[data-explorer='1'] [role=option]").nth(2).click()
    chosen = view.locator("[role=option][aria-selected='true']").all()
    assert [one.get_attribute("aria-label")[0] for one in chosen] == ["0", "2"]


def test_thumbnails_are_small():
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    assert len(explorer.encode_thumbnail(noise)) < 6000
