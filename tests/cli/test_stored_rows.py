"""Files in a row's place, as commands meet them."""

import pytest

from loocbench.records import store


@pytest.mark.usefixtures("only_tiny_blooms")
def test_a_torn_file_in_a_rows_place_is_not_replaced_unasked(tmp_path):
    from typer.testing import CliRunner

    from loocbench.cli import app

    def loocbench(*arguments):
        return CliRunner().invoke(app, [str(part) for part in arguments])

    command = ("probe", "--checkpoint", "random:resnet8")
    assert loocbench(*command).exit_code == 0
    (path,) = (tmp_path / "results" / "local").glob("*/*.json")
    path.write_text(path.read_text()[:500])
    said = loocbench(*command)
    assert said.exit_code == 2
    assert "--overwrite it, or name other --results" in said.stderr
    assert len(path.read_text()) == 500
    assert loocbench(*command, "--overwrite").exit_code == 0
    measured = store.read_row(path)
    assert measured.items["top1"].values().mean() == pytest.approx(measured.metrics["top1"].value)


@pytest.mark.usefixtures("only_tiny_blooms")
def test_a_name_that_is_too_long_for_a_file_is_refused_before_any_work(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from loocbench.cli import app

    assert store.MAX_NAME_BYTES + len("..12345678.part") <= 255
    monkeypatch.setattr(store, "MAX_NAME_BYTES", 10)
    said = CliRunner().invoke(app, ["probe", "--checkpoint", "random:resnet8"])
    assert said.exit_code == 2, said.output
    assert "is too long for a file's name; shorten the checkpoint's name, or join fewer features." in said.stderr
    assert not list((tmp_path / "results").glob("*/*"))
