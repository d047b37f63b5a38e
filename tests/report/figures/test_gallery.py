"""Galleries of nearest neighbours."""

import numpy as np

from loocbench.report.figures import gallery, saving


def test_the_gallery_is_a_picture_with_a_panel_an_image(tmp_path):
    from PIL import Image

    images = [np.zeros((8, 8, 3), dtype=np.uint8)] * 4
    rows = [gallery.GalleryRow(images, np.array([True, False, True]), ["query", "a", "b", "c"])] * 2
    gallery.draw_gallery(rows, "Title", tmp_path / "g.png")
    picture = np.asarray(Image.open(tmp_path / "g.png").convert("RGB")).reshape(-1, 3)
    assert (picture == (0x00, 0x72, 0xB2)).all(axis=1).sum() > 100  # the frames of the right ones
    assert (picture == 0).all(axis=1).sum() > 8 * 60 * 60  # eight black images


def test_captions_and_labels_are_whole(monkeypatch, tmp_path):
    kept = []
    monkeypatch.setattr(saving, "save_figure", lambda figure, path, **_: kept.append(figure))
    images = [np.zeros((8, 8, 3), dtype=np.uint8)] * 2
    caption = "a very long name of a species of flowers\nand a second label"
    label = "LooC++ (color, rotation, texture) of a network, looc++"
    gallery.draw_gallery(
        [gallery.GalleryRow(images, np.array([True]), [caption] * 2, label)], "Title", tmp_path / "g.png"
    )
    said = [" ".join(text.get_text().split()) for text in kept[0].axes[0].texts]
    assert said.count(" ".join(caption.split())) == 2
    assert label in said
