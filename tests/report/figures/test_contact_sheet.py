"""Contact sheets: captions are whole, and names as people write them."""

import numpy as np
import pytest

from loocbench.report.figures import contact_sheet, saving


def test_captions_are_whole(monkeypatch, tmp_path):
    kept = []
    monkeypatch.setattr(saving, "save_figure", lambda figure, path, **_: kept.append(figure))
    caption = "black footed albatross of the northern pacific\nA: right"
    contact_sheet.draw_contact_sheet([np.zeros((4, 6, 3), np.uint8)], [caption], "Title", tmp_path / "x.png")
    drawn = kept[0].axes[0].get_title()
    assert " ".join(drawn.split()) == " ".join(caption.split())
    assert max(map(len, drawn.split("\n"))) <= 24


@pytest.mark.parametrize(
    ("name", "plain"),
    [("001.Black_footed_Albatross", "Black footed Albatross"), ("Plants/Acer_rubrum", "Acer rubrum"), ("a.b", "a.b")],
)
def test_names_as_people_write_them(name, plain):
    assert contact_sheet.plain_name(name) == plain
