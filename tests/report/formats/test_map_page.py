"""Maps as a page in a real browser: pointing at a dot, or going to it by keyboard, shows its image.

Covers loocbench.report.formats.map_page and loocbench.report.figures.feature_map.
"""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from loocbench.report.figures import styles
from loocbench.report.figures.feature_map import MOST_CLASSES, Factor, Space, choose_classes, draw_maps
from loocbench.report.formats.map_page import THUMBNAIL, render_map_page

pytestmark = pytest.mark.xdist_group("html page")
HOSTILE = '</script><img src=x onerror="window.broken=1">'
SIDE = 5  # images in a square grid, left to right and top to bottom


@pytest.fixture
def grid():
    """Spaces, factors, names, thumbnails of 25 images; their dots form a square, and each has a grey of its own."""
    columns, rows = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    positions = np.stack([columns.ravel(), -rows.ravel()], axis=1).astype(np.float32)
    spaces = [Space("looc", positions, 0.9), Space(f"head:{HOSTILE}", positions[::-1].copy(), 0.5)]
    factors = [
        Factor("color", np.arange(25) % 2, ["red", HOSTILE]),
        Factor("species", np.arange(25), [f"{number:03d}.Flower_{number}" for number in range(25)]),
    ]
    greys = (np.arange(25) * 10).astype(np.uint8)
    thumbnails = np.broadcast_to(greys[:, None, None, None], (25, THUMBNAIL, THUMBNAIL, 3)).copy()
    return spaces, factors, [f"{number}{HOSTILE}.jpg" for number in range(25)], thumbnails


@pytest.fixture
def view(grid, opened, tmp_path):
    path = tmp_path / "map.html"
    path.write_text(render_map_page(*grid, title=f"Maps {HOSTILE}"), encoding="utf-8")
    return opened(path)


def shown_grey(view):
    """The middle of the picture that is shown."""
    address = view.evaluate("document.getElementById('picture').toDataURL()")
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("L").getpixel((64, 64))


def test_pointing_at_a_dot_shows_its_image_its_labels_and_the_same_image_in_the_other_maps(view):
    assert view.locator("#shown").is_hidden()
    view.locator("svg[data-space='0'] path").nth(7).hover()
    assert view.locator("#shown").is_visible()
    assert abs(shown_grey(view) - 70) <= 3
    lines = view.locator("#caption div").all_inner_texts()
    assert lines == [f"7{HOSTILE}.jpg", f"color: {HOSTILE}", "species: 007.Flower_7"]
    for space in (0, 1):
        dots = view.locator(f"svg[data-space='{space}'] path")
        marked = [number for number in range(25) if "marked" in (dots.nth(number).get_attribute("class") or "")]
        assert marked == [7]
    assert view.evaluate("window.broken") is None


def test_the_keyboard_reaches_each_map_once_and_arrows_go_from_dot_to_dot(view):
    view.locator("#factor").focus()
    view.keyboard.press("Tab")
    assert view.locator("#shown").get_attribute("data-image") == "0"
    for key, image in (("ArrowRight", 1), ("ArrowDown", 6), ("ArrowDown", 11), ("ArrowLeft", 10), ("ArrowLeft", 10)):
        view.keyboard.press(key)
        assert view.locator("#shown").get_attribute("data-image") == str(image)
        assert abs(shown_grey(view) - 10 * image) <= 3
    assert view.evaluate("document.activeElement.getAttribute('aria-label')").startswith(f"10{HOSTILE}.jpg, color: red")
    view.keyboard.press("Escape")
    assert view.locator("#shown").is_hidden()
    view.keyboard.press("Tab")  # the other map, which is the square turned by 180 degrees
    assert view.locator("#shown").get_attribute("data-image") == "0"
    view.keyboard.press("ArrowLeft")
    assert view.locator("#shown").get_attribute("data-image") == "1"


def test_another_label_colours_the_dots_and_many_classes_are_summed_up(view):
    dots = view.locator("svg[data-space='0'] path")
    fills = [dots.nth(number).get_attribute("fill") for number in range(25)]
    assert fills == [fills[0], fills[1]] * 12 + [fills[0]]
    assert fills[0] != fills[1]
    assert view.locator("#legend li").count() == 2
    view.locator("#factor").select_option("1")
    texts = view.locator("#legend li").all_inner_texts()
    assert texts == [f"Flower {number}" for number in range(MOST_CLASSES - 1)] + ["12 other classes"]
    looks = {(dots.nth(number).get_attribute("fill"), dots.nth(number).get_attribute("d")) for number in range(25)}
    assert len(looks) == MOST_CLASSES


def test_the_page_fits_a_phone(grid, opened, tmp_path):
    path = tmp_path / "map.html"
    path.write_text(render_map_page(*grid, title="Maps"), encoding="utf-8")
    view = opened(path, viewport={"width": 360, "height": 700})
    assert view.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_most_frequent_classes_are_told_apart_and_missing_labels_are_none():
    values = np.concatenate([np.full(3, -1), np.arange(40), np.full(9, 33), np.full(9, 7)])
    shown = choose_classes(Factor("species", values, [str(number) for number in range(40)]))
    assert {7, 33} < set(shown.classes)
    assert sorted(shown.classes.values()) == list(range(MOST_CLASSES - 1))
    assert shown.others == 40 - (MOST_CLASSES - 1)
    assert shown.legend[-1] == f"{shown.others} other classes"
    few = choose_classes(Factor("color", np.array([2, 0, 2]), ["a", "b", "c"]))
    assert (few.classes, few.legend, few.others) == ({0: 0, 2: 1}, ["a", "c"], 0)


@pytest.mark.parametrize("factors", [0, 1, 2])
def test_the_picture_has_a_panel_per_space_and_factor_and_nothing_outside_it(grid, factors, tmp_path):
    spaces, every, _, _ = grid
    paths = [tmp_path / "map.png", tmp_path / "map.svg"]
    draw_maps(spaces, every[:factors], "Maps with $ and _", paths)
    pixels = np.asarray(Image.open(paths[0]).convert("L"))
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert (border > 250).all()
    assert len(re.findall(r'id="axes_', paths[1].read_text())) == 2 * max(1, factors)


def test_classes_named_after_colours_have_these_and_an_edge_by_which_white_is_seen():
    shown = choose_classes(Factor("color", np.array([0, 1, 2, -1]), ["red", "White", "grey"]))
    assert [shown.color_of(place) for place in (0, 1, 2)] == ["#FF0000", "#FFFFFF", "#808080"]
    assert shown.edge != "none"
    other = choose_classes(Factor("color", np.array([0, 1]), ["red", "rusty"]))
    assert other.color_of(0) == styles.COLORS[0]
    assert other.edge == "none"
