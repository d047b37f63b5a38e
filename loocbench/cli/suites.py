"""``loocbench suites ls | show``: suite cards."""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o

app = typer.Typer(no_args_is_help=True, help="Suite cards: list, show.")


@app.command("ls")
def list_suites(as_json: o.Json = False) -> None:
    """List the suites: what each is for, its models and tasks, what it costs."""
    from loocbench.cards import suites
    from loocbench.cli.console import stdout
    from loocbench.cli.listing import Heading, print_list

    cards = [suites.load_suite(name) for name in suites.suite_names()]
    if as_json:
        import json

        print(json.dumps({"suites": [card.model_dump(mode="json", exclude_defaults=True) for card in cards]}))
        return
    headings = [Heading("suite"), Heading("title"), Heading("models", right=True), Heading("tasks", right=True)]
    headings += [Heading("pretrains on", spare=1), Heading("cost", spare=2)]
    lines = (
        [
            card.suite,
            card.title,
            str(sum(len(model.seeds) for model in card.models)) if card.models else "yours",
            str(len(card.tasks)),
            card.pretrain_on or "–",
            card.cost,
        ]
        for card in cards
    )
    print_list(stdout(), headings, lines, all_by="--json has all")


@app.command("show")
def show_suite(suite: Annotated[str, typer.Argument(help="A suite, such as small.")]) -> None:
    """Print a suite card's file."""
    from loocbench.cards import suites

    suites.load_suite(suite)
    print((suites.suites_folder() / f"{suite}.toml").read_text(encoding="utf-8"), end="")
