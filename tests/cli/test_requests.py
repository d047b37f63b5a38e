"""Options that commands share: declared once, given to a command as one value. Covers ``loocbench.cli.options``."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from loocbench.cli.requests import with_options
from loocbench.jobs.settings import EvaluationSettings, InputSettings


def run(command, *arguments):
    """Run a function as a command line of its own."""
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "160"})


def test_a_command_gets_its_own_options_and_the_shared_ones_as_one_value():
    got = []

    @with_options(EvaluationSettings)
    def command(
        settings: EvaluationSettings,
        name: Annotated[str, typer.Argument()],
        times: Annotated[int, typer.Option("--times")] = 1,
    ) -> None:
        """Do it."""
        got.append((settings, name, times))

    assert run(command, "mine").exit_code == 0
    options = ["--times", 3, "--seed", 7, "--skip-damaged", "--results", "there", "--suite", "s", "--overwrite"]
    assert run(command, "yours", *options).exit_code == 0
    wanted = EvaluationSettings(seed=7, skip_damaged=True, results=Path("there"), suite="s", overwrite=True)
    assert got == [(EvaluationSettings(), "mine", 1), (wanted, "yours", 3)]


def test_help_shows_the_commands_text_and_every_setting():
    @with_options(InputSettings)
    def command(settings: InputSettings) -> None:
        """Do it."""

    said = run(command, "--help")
    assert "Do it." in said.stdout
    for name in ("--data-dir", "--skip-damaged", "--runs", "--device", "--precision", "--compile", "--seed", "--cache"):
        assert name in said.stdout
    assert "--results" not in said.stdout


def test_a_command_can_leave_some_out():
    @with_options(EvaluationSettings, without=("suite",))
    def command(settings: EvaluationSettings) -> None:
        """Do it."""
        print(settings.suite)

    assert run(command).stdout.strip() == "local"
    assert run(command, "--suite", "mine").exit_code == 2


def test_a_dataclass_of_a_command_declares_its_own_options():
    @dataclass(frozen=True)
    class Wanted:
        count: Annotated[int, typer.Option("--count", min=1)] = 2

    @with_options(Wanted)
    def command(wanted: Wanted) -> None:
        """Do it."""
        print(wanted.count)

    assert run(command).stdout.strip() == "2"
    assert run(command, "--count", 5).stdout.strip() == "5"
    assert run(command, "--count", 0).exit_code == 2


@pytest.mark.parametrize("settings", [InputSettings, EvaluationSettings])
def test_every_setting_of_jobs_is_an_option(settings):
    @with_options(settings)
    def command(settings: settings) -> None:
        """Do it."""

    names = command.__signature__.parameters
    assert list(names) == [field.name for field in fields(settings)]
