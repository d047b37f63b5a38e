"""Running the command line as a person does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loocbench.cards import tasks
from loocbench.cli import app
from loocbench.report.figures import saving

QUICK = ["--epochs", "1", "--batch-size", "8", "--image-size", "16", "--queue-size", "32"]
QUICKER = [*QUICK, "--batch-size", "32"]  # three steps on the 96 images of ``tiny_blooms`` in place of twelve


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


def run_command(*arguments) -> Said:
    """Call the program with arguments; an exception that reaches the user fails the test."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    return Said(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def loocbench():
    """:func:`run_command`."""
    return run_command


@pytest.fixture(scope="module")
def draft_pictures():
    """Pictures have 50 dots per inch, for tests of whole suites, which are not about their looks."""
    save = saving._save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "_save", lambda figure, path, dpi: save(figure, path, 50))
        yield


@pytest.fixture
def short(monkeypatch):
    """Tasks of few changes and images."""
    make_task = tasks.make_task

    def shortened(protocol, dataset, label=""):
        card = make_task(protocol, dataset, label)
        few = {"changes": card.protocol.changes[:3], "images": min(card.protocol.images, 30)}
        protocol = card.protocol.model_copy(update=few)
        return card.model_copy(update={"protocol": protocol})

    monkeypatch.setattr("loocbench.cards.finding.make_task", shortened)


@pytest.fixture
def one_line(loocbench):
    """Call the program where it must refuse: exit code 2 (130 where it is interrupted), one line on standard error,
    nothing on standard output."""

    def call(*arguments, code: int = 2) -> str:
        said = loocbench(*arguments)
        assert said.code == code, said
        lines = [line for line in said.err.splitlines() if line.startswith("loocbench: ")]
        assert len(lines) == 1, said.err
        assert "Traceback" not in said.err
        assert said.out == ""
        return lines[0]

    return call


def files_below(folder: Path) -> set[Path]:
    """All files but the empty lock that says who writes a run."""
    return {path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}
