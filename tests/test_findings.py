"""docs/findings.md: its tables are what its commands print here and now, and its prose has no figure of its own."""

import re
import shlex
from pathlib import Path

import pytest

from loocbench.cards import suites, tasks
from tests.cli.conftest import loocbench  # noqa: F401  (a fixture)
from tests.renew_findings import renew

CHECKOUT = Path(__file__).parents[1]
TEXT = (CHECKOUT / "docs" / "findings.md").read_text()
FIGURE = re.compile(r"(?<![\d.])\d{1,3}\.\d(?![\d]|\.\d)")  # one decimal, as all figures here


def sections():
    """Each command of the page, with the lines of the tables that follow it."""
    found, shown = [], False
    for line in TEXT.splitlines():
        if line.startswith("loocbench report "):
            found.append((line.removeprefix("loocbench "), []))
            shown = True
        elif line.startswith("#"):
            shown = False
        elif shown and line.startswith("|"):
            found[-1][1].append(line)
    return found


def claims():
    """The table of the paper's claims, which is prose: its figures stand in tables below it."""
    return TEXT[TEXT.index("| claim of the paper |") :].split("\n\n")[0]


def test_every_table_has_its_command_and_every_command_a_table():
    assert len(sections()) >= 5
    assert all(len(table) > 3 for _, table in sections())
    of_commands = {line for _, table in sections() for line in table}
    lines = TEXT.replace(claims(), "").splitlines()
    with_figures = {line for line in lines if line.startswith("|") and FIGURE.search(line)}
    assert with_figures <= of_commands
    assert all("--format markdown" in command for command, _ in sections())


@pytest.mark.parametrize(("command", "table"), sections(), ids=[command for command, _ in sections()])
def test_a_table_is_what_its_command_prints(loocbench, command, table):  # noqa: F811
    said = loocbench(*shlex.split(command), "--results", CHECKOUT / "results")
    assert said.code == 0, said.err
    printed = said.out.splitlines()
    assert [line for line in table if line not in printed] == []


def test_every_figure_of_the_prose_is_in_a_table_or_published():
    prose = "\n".join([claims(), *(line for line in TEXT.splitlines() if not line.startswith(("|", "loocbench ")))])
    tables = "\n".join(line for _, table in sections() for line in table)
    published = {
        f"{100 * value:.1f}"
        for card in map(tasks.load_task, tasks.task_names())
        for entry in card.published
        for value in entry.metrics.values()
    }
    budgets = {
        str(value) for name in ("small", "blooms") for value in suites.load_suite(name).budget.model_dump().values()
    }
    assert set(FIGURE.findall(prose)) - set(FIGURE.findall(tables)) - published - budgets == set()


def test_renewing_puts_what_a_command_prints_after_it_and_leaves_all_else():
    page = "# A\n\n```sh\nloocbench report --task 'x'\n```\n\n| old |\n| - |\n\nProse.\n\n| claim |\n"
    asked = []
    printed = "Title\n\n| new |\n| - |\n\nA note.\n\n| more |\n\n| Model | Source | x |\n| --- |\n"
    renewed = renew(page, lambda arguments: (asked.append(arguments), printed)[1])
    assert asked == [["report", "--task", "x"]]
    assert renewed == page.replace("| old |\n| - |\n", "| new |\n| - |\n\n| more |\n")
    assert renew(renewed, lambda arguments: printed) == renewed


@pytest.mark.parametrize("suite", ["small", "blooms"])
def test_the_committed_table_is_printed_without_data_or_training(loocbench, suite, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("LOOCBENCH_DATA", str(tmp_path / "nothing"))
    said = loocbench("report", "--suite", suite, "--all", "--format", "markdown", "--results", CHECKOUT / "results")
    assert said.code == 0, said.err
    assert said.out == (CHECKOUT / "results" / suite / "table.md").read_text()
