"""Files of figures."""

import pytest

from loocbench.errors import UserError
from loocbench.report.figures import saving


def test_an_ending_that_is_no_picture(tmp_path):
    from matplotlib.figure import Figure

    with pytest.raises(UserError, match=r"ends in \.svg, \.pdf, \.png"):
        saving.save_figure(Figure(), tmp_path / "x.jpg")
    assert not list(tmp_path.iterdir())
