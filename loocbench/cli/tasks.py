"""``loocbench tasks ls | show | validate``: task cards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loocbench.cli import completing
from loocbench.wording import count_of

if TYPE_CHECKING:
    from loocbench.cards.tasks import TaskCard

app = typer.Typer(no_args_is_help=True, help="Task cards: list, show, validate.")


@app.command("ls")
def list_tasks(
    kind: Annotated[str | None, typer.Option("--kind", help="Only tasks of this kind.")] = None,
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", help="Only tasks on this data set.", autocompletion=completing.complete_dataset),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the tasks: every protocol on every data set that has the splits and labels for it.

    Those on a data set of torchvision or a folder are listed with --dataset torchvision:NAME or folder:PATH.
    """
    from loocbench.cards import finding, tasks
    from loocbench.data import catalog
    from loocbench.data.torchvision_sets import table as torchvision_sets
    from loocbench.evaluators import get_kind

    if kind:
        get_kind(kind)
    if dataset and dataset.startswith(catalog.FOLDER_PREFIX):
        cards = [card for card in finding.list_folder_tasks(dataset) if kind in (None, card.kind)]
        _print_tasks(cards, as_json=as_json)
        return
    of_torchvision = dataset if dataset and dataset.startswith(torchvision_sets.PREFIX) else ""
    cards = [tasks.load_task(name) for name in tasks.task_names(of_torchvision)]
    named = catalog.entry_of(dataset).name if dataset else None
    cards = [card for card in cards if kind in (None, card.kind) and named in (None, card.dataset, card.elsewhere)]
    _print_tasks(cards, as_json=as_json)


def _print_tasks(cards: Sequence[TaskCard], *, as_json: bool) -> None:
    """Print task cards as a list, or as JSON."""
    if as_json:
        import json

        print(json.dumps({"tasks": [{**_plain(card), "metric": card.metric} for card in cards]}))
        return
    from loocbench.cli.console import stdout
    from loocbench.cli.listing import Heading, print_list

    headings = [Heading("task"), Heading("version", right=True, spare=1), Heading("labels", spare=2)]
    headings += [Heading("metric", spare=1), Heading("cost", spare=3)]
    lines = ([card.task, str(card.version), ", ".join(card.labels), card.metric, card.cost] for card in cards)
    print_list(stdout(), headings, lines, all_by="--json has all")


@app.command("show")
def show_task(
    task: Annotated[
        str,
        typer.Argument(help="A task, such as linear/cub200, or FILE.toml.", autocompletion=completing.complete_task),
    ],
) -> None:
    """Print a task's card: protocol, data set and published figures."""
    import tomli_w

    from loocbench.cards import finding

    print(tomli_w.dumps(_plain(finding.find_named_task(task))), end="")


@app.command("validate")
def validate_cards(
    cards: Annotated[
        list[Path] | None, typer.Argument(help="Card files; default all shipped ones: protocols, data sets, …")
    ] = None,
) -> None:
    """Check cards without running anything."""
    from loocbench.cards import datasets, protocols, recipes, suites, tasks
    from loocbench.cards.folder import tasks_folder

    readers = {
        "protocols": protocols.read_protocol,
        "datasets": datasets.read_dataset_card,
        "suites": suites.read_suite,
    }
    every = [*cards] if cards else sorted(tasks_folder().rglob("*.toml"))
    for path in every:
        in_recipes = path.parent.parent.name == "recipes"
        (recipes.read_recipe if in_recipes else readers.get(path.parent.name, tasks.read_task))(path)
    if not cards:
        for name in tasks.task_names():
            tasks.load_task(name)
    print(f"{count_of(len(every), 'card')} {'is' if len(every) == 1 else 'are'} valid")


def _plain(card: TaskCard) -> dict[str, Any]:
    return card.model_dump(mode="json", exclude_defaults=True)
