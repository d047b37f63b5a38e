"""Galleries of nearest neighbours."""

import numpy as np

from loocbench.report.figures import gallery


def test_the_gallery_is_a_picture_with_a_panel_an_image(tmp_path):
    from PIL import Image

    images = np.zeros((4, 3, 8, 8), dtype=np.uint8)
    rows = [gallery.GalleryRow(images, np.array([True, False, True]), ["query", "a", "b", "c"])] * 2
    gallery.draw_gallery(rows, "Title", tmp_path / "g.png")
    picture = np.asarray(Image.open(tmp_path / "g.png").convert("RGB")).reshape(-1, 3)
    assert (picture == (0x00, 0x72, 0xB2)).all(axis=1).sum() > 100  # the frames of the right ones
    assert (picture == 0).all(axis=1).sum() > 8 * 60 * 60  # eight black images
