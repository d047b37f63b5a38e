"""``loocbench datasets ls | prepare | verify | show``: list the data sets, download, check and look at them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import completing
from loocbench.cli import options as o

app = typer.Typer(no_args_is_help=True, help="Data sets: list, download, check, look at.")

Name = Annotated[
    str,
    typer.Argument(
        help="A data set of 'loocbench datasets ls', torchvision:NAME, or folder:PATH.",
        autocompletion=completing.complete_dataset,
    ),
]


@app.command("ls")
def list_datasets(data_dir: o.DataDir = None, as_json: o.Json = False) -> None:
    """List the data sets: sizes, licence, source, and whether each is absent, partial or ready on this machine.

    Those of torchvision are listed where they are here.
    """
    from loocbench.cli import describing
    from loocbench.cli.console import print_text, stdout
    from loocbench.data import catalog
    from loocbench.data.torchvision_sets import table as torchvision_sets
    from loocbench.jobs import datasets

    root = data_dir or catalog.default_data_dir()
    statuses = datasets.list_statuses(root)
    if as_json:
        print(json.dumps({"datasets": describing.catalog_to_json(statuses)}))
        return
    console = stdout()
    describing.print_catalog(console, statuses)
    for one in statuses:
        if one.reason:
            console.print(f"{one.entry.name}: {one.reason}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"Looked in {root}. folder:PATH names any folder.", highlight=False, soft_wrap=True, markup=False)
    names = ", ".join(torchvision_sets.list_names())
    print_text(console, f"torchvision:NAME reads torchvision's: {names}.")


@app.command("prepare")
def prepare_dataset(
    name: Name,
    data_dir: o.DataDir = None,
    mirror: Annotated[
        str, typer.Option("--mirror", help="Address of a folder with the official archives; tried first.")
    ] = "",
    keep_archives: Annotated[bool, typer.Option("--keep-archives", help="Keep the archives after unpacking.")] = False,
) -> None:
    """Download, verify and unpack a data set; resumes after an interruption, uses archives put into downloads/."""
    from loocbench.cli.console import Display
    from loocbench.data import catalog
    from loocbench.jobs import datasets

    root = data_dir or catalog.default_data_dir()
    with Display() as display:
        dataset = datasets.prepare_dataset(name, root, display, mirror=mirror, keep_archives=keep_archives)
    sizes = " / ".join(f"{split.name} {len(split):,}" for split in dataset.splits.values())
    if dataset.note:
        print(f"{name} exists and was left unchanged: {sizes} ({dataset.note})")
    else:
        print(f"{name} is ready: {sizes}")


@app.command("verify")
def verify_dataset(name: Name, data_dir: o.DataDir = None, as_json: o.Json = False) -> None:
    """Check lists, splits and labels, and decode every image; exit code 2 if something is damaged or mismatched."""
    from loocbench.cache import layout
    from loocbench.cli import describing
    from loocbench.cli.console import Display, stdout
    from loocbench.data import catalog, opening, verifying
    from loocbench.errors import UserError
    from loocbench.progress import Silent

    entry = catalog.find_entry(name)
    with Display() as display:
        dataset = opening.open_dataset(
            name, data_dir, skip_damaged=False, cache=layout.cache_dir(), reporter=Silent() if as_json else display
        )
        findings = verifying.verify_dataset(dataset, entry.official if entry else None, display)
    if as_json:
        print(json.dumps({**describing.dataset_to_json(dataset, entry), **describing.findings_to_json(findings)}))
    else:
        console = stdout()
        console.print(describing.make_split_table(dataset, findings))
        for line in describing.list_findings(dataset, entry, findings):
            console.print(line, highlight=False, soft_wrap=True, markup=False)
    if not findings.sound:
        raise UserError(
            f"{name} failed the check: {len(findings.damaged):,} damaged images, "
            f"{len(findings.mismatches):,} mismatches; replace the files, or measure with --skip-damaged."
        )


@app.command("show")
def show_dataset(
    name: Name,
    data_dir: o.DataDir = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="The contact sheet (PNG); default contact-NAME.png here.")
    ] = None,
    seed: o.Seed = 0,
    as_json: o.Json = False,
) -> None:
    """Describe a data set, and draw a contact sheet of samples."""
    from loocbench.cache import layout
    from loocbench.cli import describing
    from loocbench.cli.console import Display, stdout
    from loocbench.data import catalog, opening
    from loocbench.jobs import datasets
    from loocbench.progress import Silent

    with Display() as display:
        dataset = opening.open_dataset(
            name, data_dir, skip_damaged=False, cache=layout.cache_dir(), reporter=Silent() if as_json else display
        )
    entry = catalog.find_entry(name)
    sheet = datasets.draw_dataset_sheet(
        dataset, output or Path(f"contact-{dataset.name.replace(':', '-')}.png"), seed=seed
    )
    if as_json:
        print(json.dumps({**describing.dataset_to_json(dataset, entry), "contact_sheet": str(sheet)}))
        return
    console = stdout()
    if entry:
        terms = f"{entry.source.licence}; {entry.source.terms}" if entry.source.terms else entry.source.licence
        console.print(f"{entry.title}\n{entry.source.homepage}\nLicence: {terms}", highlight=False, soft_wrap=True)
    console.print(describing.make_split_table(dataset, None))
    console.print(
        f"This copy: {describing.describe_copy(dataset, entry)}", highlight=False, soft_wrap=True, markup=False
    )
    for factor, names in next(iter(dataset.splits.values())).class_names.items():
        shown = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
        console.print(f"{factor}, {len(names):,} values: {shown}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"contact sheet: {sheet}", highlight=False, soft_wrap=True, markup=False)
